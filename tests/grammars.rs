//! Every language's examples, read by the program: each `expect:` mark must be stated on its line, and
//! nothing may be stated that has no mark.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// What is stated about an example, as "action resource", by line.
fn stated(example: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(example).expect("the example can be read");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let name = example.file_name().expect("it has a name");
    std::fs::write(folder.path().join(name), &text).expect("it can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .args(["inspect", "source"])
        .arg(folder.path().join(name))
        .output()
        .expect("the program starts");
    let mut lines: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// The marks of an example.
fn marked(example: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(example).expect("the example can be read");
    let mut marks: Vec<String> = text
        .lines()
        .flat_map(|line| {
            line.split("# expect: ").skip(1).map(|mark| mark.trim().to_owned()).collect::<Vec<_>>()
        })
        .collect();
    marks.sort();
    marks
}

#[test]
fn examples_state_what_they_mark_and_nothing_else() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("grammars");
    let mut examples: BTreeMap<String, usize> = BTreeMap::new();
    for language in std::fs::read_dir(root)
        .expect("grammars/ is there")
        .filter_map(Result::ok)
        .filter(|e| e.path().is_dir())
    {
        let name = language.file_name().to_string_lossy().into_owned();
        examples.insert(name.clone(), 0);
        for example in std::fs::read_dir(language.path().join("examples"))
            .expect("examples/ is there")
            .filter_map(Result::ok)
        {
            *examples.entry(name.clone()).or_default() += 1;
            assert_eq!(stated(&example.path()), marked(&example.path()), "{}", example.path().display());
        }
    }
    let without: Vec<&String> =
        examples.iter().filter(|(_, count)| **count == 0).map(|(name, _)| name).collect();
    assert_eq!(without, Vec::<&String>::new(), "these languages have no examples");
}
