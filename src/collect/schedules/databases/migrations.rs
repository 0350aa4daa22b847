//! Migrations: numbered SQL files of one folder that run one after the other, so that a later one may take back or replace
//! what an earlier one makes. Files without a number have no order.

use super::World;
use crate::input::InputFile;

/// How many later files are looked at.
const MAX_LATER: usize = 400;

/// The later migrations of a file's folder that fit, in their order.
pub(super) fn later<'a>(
    file: &InputFile,
    world: &'a World<'_>,
    fits: impl Fn(&InputFile) -> bool,
) -> Vec<&'a InputFile> {
    let Some(own) = number(file.name()) else { return Vec::new() };
    let folder = |path: &str| path.rsplit_once('/').map_or(0, |(folder, _)| folder.len());
    let prefix = &file.path[..folder(&file.path)];
    let from = world.inputs.files.partition_point(|it| &*it.path < prefix);
    let beside = world.inputs.files[from..].iter().take_while(|it| it.path.starts_with(prefix));
    let mut later: Vec<(Vec<u64>, &InputFile)> = beside
        .filter(|it| folder(&it.path) == prefix.len() && it.host == file.host)
        .filter_map(|it| Some((number(it.name())?, it)))
        .filter(|(number, it)| *number > own && fits(it))
        .take(MAX_LATER)
        .collect();
    later.sort_by(|a, b| (&a.0, &a.1.path).cmp(&(&b.0, &b.1.path)));
    later.into_iter().map(|(_, it)| it).collect()
}

/// The number in front of a migration's name: `20240102_x.sql`, `V1_2__x.sql`. One that is taken back by hand has none.
fn number(name: &str) -> Option<Vec<u64>> {
    if name.contains(".down.") || name.ends_with("_down.sql") {
        return None;
    }
    let rest = name.strip_prefix(['V', 'v']).unwrap_or(name);
    let end = rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '_'))).unwrap_or(rest.len());
    let parts: Vec<u64> = rest[..end].split(['.', '_']).map_while(|part| part.parse().ok()).collect();
    (!parts.is_empty()).then_some(parts)
}
