//! Where a function of Python stands that a job is told to run by its name: in the same file, or in the one its module's
//! name leads to. A name that two files or two definitions could be is none.

use super::super::World;
use super::super::job::Part;
use crate::input::InputFile;

/// The lines of a function, named as its scheduler has it: `nightly`, `shop.tasks.nightly`, `shop.tasks:nightly`.
pub(in crate::collect::schedules) fn function(
    name: &str,
    near: &InputFile,
    world: &World<'_>,
) -> Option<Part> {
    let name = name.replace(':', ".");
    let plain = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.".contains(&b));
    if !plain(&name) {
        return None;
    }
    let (module, own) = name.rsplit_once('.').unwrap_or(("", &name));
    let file = if module.is_empty() { near } else { module_file(module, near, world)? };
    let lines = lines(&file.text().ok()?, own)?;
    Some(Part { file: file.path.clone(), lines })
}

/// The only file of a module.
fn module_file<'w>(module: &str, near: &InputFile, world: &World<'w>) -> Option<&'w InputFile> {
    let path = format!("{}.py", module.replace('.', "/"));
    let is_it = |file: &&InputFile| {
        let above = file.path.strip_suffix(path.as_str());
        file.host == near.host && above.is_some_and(|above| above.is_empty() || above.ends_with('/'))
    };
    let mut found = world.inputs.files.iter().filter(is_it);
    found.next().filter(|_| found.next().is_none())
}

/// The lines of the only definition of a name: up to the next line that is not further in, brackets that go on left away
/// (The Python Language Reference, "Indentation").
fn lines(text: &str, name: &str) -> Option<(u64, u64)> {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let defines = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("async ").map_or(line, str::trim_start);
        line.strip_prefix("def ").is_some_and(|rest| {
            rest.trim_start().strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('('))
        })
    };
    let mut found = text.lines().enumerate().filter(|(_, line)| defines(line));
    let (first, head) = found.next().filter(|_| found.next().is_none())?;
    let mut last = first;
    let mut header = true;
    for (at, line) in text.lines().enumerate().skip(first) {
        if header {
            header = !line.trim_end().ends_with(':') && !line.contains("):");
        } else if !line.trim().is_empty() && depth(line) <= depth(head) {
            break;
        }
        if !line.trim().is_empty() {
            last = at;
        }
    }
    Some((first as u64 + 1, last as u64 + 1))
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn a_function_ends_where_its_indentation_does() {
        let text = "def a(\n    x,\n):\n    one()\n\n    two()\nclass B:\n    async def b(self): pass\n    def c(self):\n        x\n";
        assert_eq!(lines(text, "a"), Some((1, 6)));
        assert_eq!(lines(text, "b"), Some((8, 8)));
        assert_eq!(lines(text, "c"), Some((9, 10)));
        assert_eq!(lines(text, "d"), None);
        assert_eq!(lines("def a(): pass\ndef a(): pass\n", "a"), None);
    }
}
