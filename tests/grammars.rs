//! Every language's examples, read by the program: each `expect:` mark must be stated, and nothing may be
//! stated that has no mark. An example is a file, or a folder of files that belong together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The files of an example, by their names within it.
fn files(example: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut left = vec![example.to_path_buf()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(
                std::fs::read_dir(&path).expect("it can be read").map(|e| e.expect("an entry").path()),
            );
        } else {
            let name = path.strip_prefix(example.parent().expect("it lies in a folder")).expect("below it");
            found.push((name.to_path_buf(), std::fs::read_to_string(&path).expect("it is text")));
        }
    }
    found
}

/// What is stated about an example, as "action resource", a line each.
fn stated(example: &Path) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files(example) {
        let path = folder.path().join(&name);
        std::fs::create_dir_all(path.parent().expect("it lies in the folder")).expect("it can be made");
        std::fs::write(path, text).expect("it can be written");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .args(["inspect", "source"])
        .arg(folder.path().join(example.file_name().expect("it has a name")))
        .output()
        .expect("the program starts");
    let mut lines: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// The marks of an example, in comments of any syntax.
fn marked(example: &Path) -> Vec<String> {
    let plain = |mark: &str| {
        let mark = mark.trim();
        [" #", " //"].iter().find_map(|next| mark.strip_suffix(next)).unwrap_or(mark).trim_end().to_owned()
    };
    let mut marks: Vec<String> = files(example)
        .iter()
        .flat_map(|(_, text)| text.lines())
        .flat_map(|line| line.split(" expect: ").skip(1).map(plain).collect::<Vec<_>>())
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
