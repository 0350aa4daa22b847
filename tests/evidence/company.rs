//! Recorded companies: collected at once or in parts, merged or not, they are the same.

use super::*;
use std::sync::LazyLock;

/// A recorded company: its parts that must stay together, and what collecting and scanning all of it gives.
struct Company {
    world: PathBuf,
    units: Vec<Vec<PathBuf>>,
    whole: Vec<u8>,
    report: String,
}

fn files_below(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("it can be read").filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() { files_below(&path, out) } else { out.push(path) }
    }
}

impl Company {
    /// A stream is the rotated files of one log, a host is all of its files, source is one tree, a capture is alone.
    fn new(story: &str) -> Company {
        let world = root().join("fixtures").join(story).join("world");
        let mut files = Vec::new();
        files_below(&world, &mut files);
        files.sort();
        let mut units: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for path in files {
            let shown = path.strip_prefix(&world).expect("it lies below").to_string_lossy().into_owned();
            let parts: Vec<&str> = shown.split('/').collect();
            let unit = match parts[..] {
                ["hosts", host, ..] => format!("host {host}"),
                ["logs", server, log] => {
                    let stem = log.split(['.', '-']).next().unwrap_or(log);
                    let kind = if log.contains(".csv") { "csv" } else { "log" };
                    format!("log {server} {stem} {kind}")
                }
                ["captures", capture] => format!("capture {capture}"),
                ["whodepends.toml"] => continue,
                _ => "source".to_owned(),
            };
            units.entry(unit).or_default().push(PathBuf::from(shown));
        }
        let whole = collected(vec![world.clone()], None);
        let report = report(vec![world.clone()]);
        Company { world, units: units.into_values().collect(), whole, report }
    }

    /// The evidence file of some units, collected as if nothing else were there.
    fn part(&self, units: &[&Vec<PathBuf>]) -> Vec<u8> {
        let copy = folder();
        for path in units.iter().copied().flatten() {
            let content = std::fs::read(self.world.join(path)).expect("it can be read");
            write(copy.path(), &path.to_string_lossy(), content);
        }
        collected(vec![copy.path().to_path_buf()], Some(self.world.join("whodepends.toml")))
    }

    /// Units in as many groups as there are different numbers, in their order.
    fn parts(&self, groups: &[usize]) -> Vec<Vec<u8>> {
        let mut by_group: BTreeMap<usize, Vec<&Vec<PathBuf>>> = BTreeMap::new();
        for (unit, group) in self.units.iter().zip(groups) {
            by_group.entry(*group).or_default().push(unit);
        }
        by_group.values().map(|units| self.part(units)).collect()
    }
}

static SHOP: LazyLock<Company> = LazyLock::new(|| Company::new("shop"));
static LIBRARY: LazyLock<Company> = LazyLock::new(|| Company::new("library"));

/// Merges files two or three at a time, in an order that `turns` chooses, until one is left.
pub fn nested(mut files: Vec<Vec<u8>>, turns: &[usize]) -> Vec<u8> {
    let mut turns = turns.iter().cycle();
    let mut next = |below: usize| turns.next().map_or(0, |turn| turn % below);
    while files.len() > 1 {
        let some = (2 + next(2)).min(files.len());
        let taken: Vec<Vec<u8>> = (0..some).map(|_| files.swap_remove(next(files.len()))).collect();
        files.push(merged(&taken));
    }
    files.pop().expect("there was one")
}

/// Scans evidence files given as several arguments.
fn report_of(files: &[Vec<u8>]) -> String {
    let kept = folder();
    let paths = files.iter().enumerate().map(|(index, bytes)| {
        write(kept.path(), &format!("{index}.evidence.jsonl.zst"), bytes);
        kept.path().join(format!("{index}.evidence.jsonl.zst"))
    });
    report(paths.collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn what_is_collected_apart_and_merged_is_what_is_collected_at_once(
        library in any::<bool>(),
        groups in prop::collection::vec(0usize..4, 16),
        turns in prop::collection::vec(any::<usize>(), 12),
    ) {
        let company: &Company = if library { &LIBRARY } else { &SHOP };
        prop_assert!(company.units.len() <= groups.len());
        let mut parts = company.parts(&groups);
        let apart = report_of(&parts);
        prop_assert!(apart == company.report, "the scan of {groups:?} gives another report");
        parts.reverse();
        let all = nested(parts, &turns);
        prop_assert!(all == company.whole, "{groups:?} {turns:?} are merged to something else");
    }
}

#[test]
fn a_scan_of_evidence_is_the_scan_of_its_inputs() {
    for company in [&*SHOP, &*LIBRARY] {
        assert!(report_of(std::slice::from_ref(&company.whole)) == company.report);
        // Collected again it stays what it is.
        let kept = folder();
        write(kept.path(), "a.zst", &company.whole);
        assert!(collected(vec![kept.path().join("a.zst")], None) == company.whole);
    }
}

#[test]
fn evidence_is_scanned_beside_what_lies_in_folders() {
    let (mut logs, mut rest) = (Vec::new(), Vec::new());
    for unit in &SHOP.units {
        if unit[0].starts_with("logs") { logs.push(unit) } else { rest.push(unit) }
    }
    let here = folder();
    for path in rest.into_iter().flatten() {
        let content = std::fs::read(SHOP.world.join(path)).expect("it can be read");
        write(here.path(), &format!("desk/{}", path.display()), content);
    }
    // The settings came with the logs, and act on what lies here.
    write(here.path(), "desk/logs.evidence.jsonl.zst", SHOP.part(&logs));
    let mixed = text(here.path(), &["scan", "desk", "--format", "json"]);
    let whole = text(root(), &["scan", "fixtures/shop/world", "--format", "json"]);
    assert!(mixed == whole);
}

#[test]
fn threads_and_the_order_of_arguments_change_no_byte() {
    let here = folder();
    let world = root().join("fixtures/library/world");
    let parts = ["hosts", "logs", "whodepends.toml"].map(|part| world.join(part).display().to_string());
    let collect = |order: [usize; 3], threads: &str, out: &str| {
        let mut args = vec!["collect", "-o", out, "--threads", threads];
        args.extend(order.map(|index| parts[index].as_str()));
        text(here.path(), &args);
        std::fs::read(here.path().join(out)).expect("it was written")
    };
    let one = collect([0, 1, 2], "1", "one");
    assert!(collect([2, 1, 0], "4", "two") == one);
    assert!(collect([1, 2, 0], "3", "three") == one);
}
