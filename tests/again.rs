//! A company that is recorded again: machines have other names, logs were rotated and compressed, every line stands
//! elsewhere, and another number of threads reads it. Only what is new may be told as new.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(args)
        .output()
        .expect("the program starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A recorded world, and the machines of it that get another name.
struct Company {
    world: &'static str,
    renamed: &'static [(&'static str, &'static str)],
    /// A log, and what it holds of somebody who was never there before.
    log: &'static str,
    newcomer: &'static str,
}

const SHOP: Company = Company {
    world: "fixtures/shop/world",
    renamed: &[("batch1", "batch9"), ("app2", "app7"), ("db2", "crmdb")],
    log: "logs/shop-db/postgresql.log",
    newcomer: "2026-10-27 20:00:00.100 CET [99001] LOG:  connection received: host=10.20.3.99 port=5000\n\
        2026-10-27 20:00:00.110 CET [99001] newcomer@shop LOG:  connection authorized: user=newcomer database=shop application_name=notebook\n\
        2026-10-27 20:00:00.120 CET [99001] newcomer@shop LOG:  statement: SELECT id FROM public.orders\n\
        2026-10-27 20:00:00.130 CET [99001] newcomer@shop LOG:  disconnection: session time: 0:00:00.030 user=newcomer database=shop host=10.20.3.99 port=5000\n",
};

const LIBRARY: Company = Company {
    world: "fixtures/library/world",
    renamed: &[("batch2", "batch7"), ("util1", "tools")],
    log: "",
    newcomer: "",
};

/// Copies a folder, its names and texts changed; each plain log is cut in two, the first half compressed.
fn copy(from: &Path, to: &Path, company: &Company) {
    std::fs::create_dir_all(to).expect("it can be made");
    for entry in std::fs::read_dir(from).expect("it can be read").filter_map(Result::ok) {
        let name = entry.file_name().into_string().expect("names are UTF-8");
        let name = company
            .renamed
            .iter()
            .find(|(old, _)| *old == name)
            .map_or(name.clone(), |(_, new)| (*new).to_owned());
        let target = to.join(&name);
        if entry.path().is_dir() {
            copy(&entry.path(), &target, company);
            continue;
        }
        let content = std::fs::read(entry.path()).expect("it can be read");
        if name.ends_with(".gz") {
            let mut text = String::new();
            flate2::read::GzDecoder::new(&content[..]).read_to_string(&mut text).expect("it is text");
            pack(&renamed(&text, company), &target);
            continue;
        }
        let text = match String::from_utf8(content) {
            Ok(text) => renamed(&text, company),
            Err(other) => {
                std::fs::write(&target, other.into_bytes()).expect("it can be written");
                continue;
            }
        };
        if entry.path().components().any(|part| part.as_os_str() == "logs") {
            rotate(&text, &target);
        } else {
            std::fs::write(&target, moved(&text, &name)).expect("it can be written");
        }
    }
}

fn pack(text: &str, path: &Path) {
    let file = std::fs::File::create(path).expect("it can be made");
    let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::default());
    packer.write_all(text.as_bytes()).expect("it can be written");
    packer.finish().expect("it can be ended");
}

/// A text with the other names of machines; servers that log names log the new ones, too.
fn renamed(text: &str, company: &Company) -> String {
    let mut text = text.to_owned();
    for (old, new) in company.renamed {
        let whole = regex::Regex::new(&format!(r"\b{old}\b")).expect("names are plain");
        text = whole.replace_all(&text, *new).into_owned();
    }
    text
}

/// The first half of a log as a compressed file beside the second, cut where a record begins.
fn rotate(text: &str, path: &Path) {
    let middle = text.len() / 2;
    let Some(at) = text[middle..].find("\n2026-").or_else(|| text[middle..].find('\n')) else {
        return std::fs::write(path, text).expect("it can be written");
    };
    let half = middle + at + 1;
    let name = path.file_name().expect("it has one").to_string_lossy();
    let older = match name.rsplit_once('.') {
        Some((stem, number)) if number.parse::<u8>().is_ok() => format!("{stem}.77.gz"),
        _ => format!("{name}.55.gz"),
    };
    let older = path.with_file_name(older);
    pack(&text[..half], &older);
    std::fs::write(path, &text[half..]).expect("it can be written");
}

/// A text, all of which stands some lines further down where its language allows it.
fn moved(text: &str, name: &str) -> String {
    let (first, rest) = match text.strip_prefix("#!") {
        Some(rest) => {
            let end = rest.find('\n').map_or(text.len(), |end| end + 3);
            text.split_at(end)
        }
        None => ("", text),
    };
    let comment = match name.rsplit('.').next() {
        Some("sql") => "-- kept by us\n-- and by nobody else\n",
        Some("sh" | "py" | "toml" | "yml" | "yaml" | "env" | "timezone") => {
            "# kept by us\n# and by nobody else\n"
        }
        _ if name == "crontab" || name == "hosts" => "# kept by us\n# and by nobody else\n",
        _ => "",
    };
    format!("{first}{comment}{rest}")
}

struct Recordings {
    folder: tempfile::TempDir,
    world: PathBuf,
}

impl Recordings {
    /// The company, its older report made, and recorded again.
    fn of(company: &Company, with_newcomer: bool) -> Recordings {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let world = folder.path().join("world");
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(company.world), &world, company);
        if with_newcomer {
            let mut log = std::fs::OpenOptions::new()
                .append(true)
                .open(world.join(company.log))
                .expect("the log is there");
            log.write_all(company.newcomer.as_bytes()).expect("it can be written");
        }
        let it = Recordings { folder, world };
        let (old, new) = (format!("json={}", it.older()), format!("json={}", it.newer()));
        for args in [
            ["scan", company.world, "--threads", "2", "--out", &old],
            ["scan", &it.world(), "--threads", "1", "--out", &new],
        ] {
            assert_eq!(run(&args).status.code(), Some(0), "{args:?}");
        }
        it
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("its name is UTF-8").to_owned()
    }

    fn older(&self) -> String {
        self.file("old.json")
    }

    fn newer(&self) -> String {
        self.file("new.json")
    }

    fn world(&self) -> String {
        self.world.to_str().expect("its name is UTF-8").to_owned()
    }

    /// The lines of `scan --baseline` about findings that are new, and the exit code of `--fail-on new`.
    fn news(&self, baseline: &str) -> (Vec<String>, Option<i32>) {
        let output = run(&["scan", &self.world(), "--baseline", baseline, "--fail-on", "new"]);
        let lines = said(&output);
        let new = lines.lines().filter(|line| line.starts_with("NEW ")).map(str::to_owned).collect();
        (new, output.status.code())
    }
}

#[test]
fn exactly_the_one_new_consumer_is_new() {
    let it = Recordings::of(&SHOP, true);
    let output = run(&["diff", &it.older(), &it.newer()]);
    let text = said(&output);
    let told: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("same"))
        .map(|line| line.split(" (").next().unwrap_or(""))
        .collect();
    let wanted = [
        "new   consumer  client:newcomer@10.20.3.99",
        "new   link      client:newcomer@10.20.3.99 read table:shop-db/shop/public.orders",
        "new   link      client:newcomer@10.20.3.99 connect database:shop-db/shop",
        "new   finding   client:newcomer@10.20.3.99 uses database:shop-db/shop, and nothing says who that is",
    ];
    assert_eq!(told, wanted, "{text}");
    assert!(text.contains("same  job:batch1/settle is now job:batch9/settle"), "{text}");
    assert_eq!(output.status.code(), Some(1));
    let finding = "NEW MEDIUM [shadow-consumer] client:newcomer@10.20.3.99 uses database:shop-db/shop, and nothing says who that is";
    assert_eq!(it.news(&it.older()), (vec![finding.to_owned()], Some(1)));
    assert_eq!(it.news(&it.newer()), (Vec::new(), Some(0)));
    let (first, code) = it.news("none");
    assert!(first.len() > 1 && code == Some(1), "a first run: everything is new");
    assert_eq!(run(&["scan", &it.world(), "--fail-on", "new"]).status.code(), Some(2));
}

#[test]
fn without_anybody_new_nothing_is_new() {
    for company in [&SHOP, &LIBRARY] {
        let it = Recordings::of(company, false);
        let output = run(&["diff", &it.older(), &it.newer()]);
        let text = said(&output);
        let told: Vec<&str> = text.lines().filter(|line| !line.starts_with("same")).collect();
        assert_eq!(told, ["nothing is new and nothing is gone"], "{}", company.world);
        assert!(text.lines().count() > 1, "the machines have other names: {text}");
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(it.news(&it.older()), (Vec::new(), Some(0)));
        let itself = run(&["diff", &it.newer(), &it.newer()]);
        let whole = (itself.status.code(), said(&itself));
        assert_eq!(whole, (Some(0), "nothing is new and nothing is gone\n".to_owned()));
    }
}
