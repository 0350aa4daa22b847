//! The contract of the JSON report: what `whodepends schema` prints holds for every report, and nothing that it does
//! not list can get into one.

use serde_json::Value;
use std::process::Command;

fn run(args: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(args)
        .output()
        .expect("the program starts");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{args:?}: {error}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn contract() -> jsonschema::Validator {
    let schema = run(&["schema"]);
    jsonschema::draft202012::meta::validate(&schema).expect("it is a schema of that draft");
    jsonschema::draft202012::options().build(&schema).expect("it refers to nothing outside of itself")
}

/// What is wrong with a report.
fn wrong(contract: &jsonschema::Validator, report: &Value) -> Vec<String> {
    contract.iter_errors(report).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

const NOTHING: [&str; 0] = [];

#[test]
fn reports_of_recorded_companies_keep_the_contract() {
    let contract = contract();
    for world in ["fixtures/shop/world", "fixtures/library/world", "fixtures/shop/captures", "grammars"] {
        let report = run(&["scan", world, "--format", "json", "--as-of", "2026-11-25", "--baseline", "none"]);
        assert_eq!(wrong(&contract, &report), NOTHING, "{world}");
    }
}

#[test]
fn small_and_broken_worlds_keep_it_too() {
    let contract = contract();
    let night = "SELECT 1\n";
    let slow = "2026-10-26 10:00:00.000 UTC [7] app@shop LOG:  duration: 300.000 ms  statement: SELECT a FROM s.t\n\
        2026-10-26 10:00:01.000 UTC [7] app@shop ERROR:  permission denied for table u\n\
        2026-10-26 10:00:01.000 UTC [7] app@shop STATEMENT:  SELECT a FROM s.u\n";
    let accepted = "as_of = \"2026-11-24\"\n[[consumer]]\nkind = \"partner\"\nname = \"p\"\nclass = \"backup\"\nowner = \"us\"\nhosts = [\"h\"]\n\
        [[accept]]\nrule = \"shadow-consumer\"\nreason = \"known\"\n[[accept]]\nrule = \"x\"\nreason = \"y\"\nuntil = \"2026-01-01\"\n";
    let worlds: [&[(&str, &str)]; 5] = [
        &[("empty", "")],
        &[("a.log", slow), ("whodepends.toml", accepted), ("b.bin", "\u{0}\u{1}")],
        &[("h/etc/crontab", "@reboot root /x\n61 * * * * root /y\n0 3 * * * root sleep 5 && /opt/z.sh\n")],
        &[(
            "catalog-info.yaml",
            "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: a }\nspec: {}\n",
        )],
        &[
            ("t.sql", night),
            ("o.yaml", "openapi: 3.0.0\npaths: { /x: { $ref: y.yaml } }\n"),
            ("c.pcap", "\u{d4}"),
        ],
    ];
    for files in worlds {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("it has one")).expect("folders can be made");
            std::fs::write(path, text).expect("it can be written");
        }
        let path = folder.path().to_str().expect("its name is UTF-8");
        let report = run(&["scan", path, "--format", "json"]);
        assert_eq!(wrong(&contract, &report), NOTHING, "{files:?}");
    }
}

/// Something that is done to a report.
type Change = dyn Fn(&mut Value);

#[test]
fn a_report_that_differs_in_one_thing_breaks_it() {
    let contract = contract();
    let report = run(&["scan", "fixtures/shop/world", "--format", "json"]);
    let changes: [(&str, &Change); 8] = [
        ("", &|report| report["new_field"] = true.into()),
        ("/links/0", &|report| report["links"][0]["new_field"] = true.into()),
        ("/links/0/evidence/0", &|report| report["links"][0]["evidence"][0]["new_field"] = true.into()),
        ("/links/0/action", &|report| report["links"][0]["action"] = "reads".into()),
        ("/findings/0", &|report| {
            report["findings"][0].as_object_mut().expect("a finding").remove("question");
        }),
        ("/findings/0/consumer", &|report| report["findings"][0]["consumer"] = "billing".into()),
        ("/window/first", &|report| report["window"]["first"] = "yesterday".into()),
        ("/schema_version", &|report| report["schema_version"] = 2.into()),
    ];
    for (place, change) in changes {
        let mut other = report.clone();
        change(&mut other);
        let told = wrong(&contract, &other);
        assert!(told.len() == 1 && told[0].starts_with(&format!("{place}: ")), "{place}: {told:?}");
    }
}

/// The words that a closed list of the code has: the arms `List::Item => "word"` of its file.
fn words(file: &str, list: &str) -> Vec<String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
    let text = std::fs::read_to_string(path).expect("it is there");
    let arm = |line: &str| {
        let (_, word) = line.trim().strip_prefix(&format!("{list}::"))?.split_once(" => \"")?;
        Some(word.split('"').next()?.to_owned())
    };
    let mut words: Vec<String> = text.lines().filter_map(arm).collect();
    words.sort();
    words
}

#[test]
fn closed_lists_are_those_of_the_code() {
    let schema = run(&["schema"]);
    for (file, list, place) in [
        ("evidence/gap.rs", "GapCode", "gap/properties/code"),
        ("evidence/mention.rs", "MentionKind", "mentionKind"),
        ("evidence/usage.rs", "Action", "link/properties/action"),
        ("evidence/usage.rs", "Outcome", "link/properties/outcome"),
        ("evidence/usage.rs", "Scope", "link/properties/scope"),
        ("evidence/usage.rs", "Class", "class"),
        ("evidence/usage.rs", "Basis", "basis"),
        ("evidence/usage.rs", "Confidence", "level"),
        ("evidence/store.rs", "InputStatus", "input/properties/status"),
        ("evidence/program.rs", "Role", "role"),
        ("findings/mod.rs", "Severity", "finding/properties/severity"),
    ] {
        let listed = schema.pointer(&format!("/$defs/{place}/enum")).and_then(Value::as_array);
        let listed = listed.unwrap_or_else(|| panic!("{place} is no closed list")).iter();
        let mut listed: Vec<&str> = listed.filter_map(Value::as_str).collect();
        listed.sort_unstable();
        assert_eq!(listed, words(file, list), "{list}");
    }
    let mut kinds = words("evidence/usage.rs", "ResourceKind");
    kinds.extend(["service", "job", "script", "client", "person", "partner"].map(str::to_owned));
    kinds.sort();
    let listed = schema["$defs"]["entity"]["properties"]["kind"]["enum"].as_array().expect("a list").iter();
    let mut listed: Vec<&str> = listed.filter_map(Value::as_str).collect();
    listed.sort_unstable();
    assert_eq!(listed, kinds);
    let open = schema["$defs"]["id"]["pattern"].as_str().expect("it is text");
    let open = open.trim_start_matches("^(").trim_end_matches("):");
    let mut open: Vec<&str> = open.split('|').collect();
    open.sort_unstable();
    assert_eq!(open, kinds, "ids begin with these");
}
