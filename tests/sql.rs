//! The reader of SQL against what servers say: `fixtures/sql/audit.jsonl` holds statements as an audit meets them, each
//! with the tables that PostgreSQL and MariaDB named while they ran it (`fixtures/sql/record/record.py`), or with a set
//! made by hand. Whole sets are compared; a table that stands in none of them fails at once.

use serde_json::Value;
use std::collections::BTreeSet;
use whodepends::sql::{Analysis, Dialect, analyse};

/// Of a hundred statements, how many have to be read exactly.
const REACH: usize = 98;

type Names = BTreeSet<String>;

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

struct Case {
    id: u64,
    by_server: bool,
    sql: String,
    dialect: Dialect,
    wanted: Names,
}

/// `read a`, `write b`, `drop c` of a line.
fn cases() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/sql/audit.jsonl");
    let text = std::fs::read_to_string(path).expect("the audit set can be read");
    let case = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("a line is JSON");
        let word = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let mut wanted: Names = strings(&line["reads"]).iter().map(|name| format!("read {name}")).collect();
        wanted.extend(strings(&line["writes"]).iter().map(|name| format!("write {name}")));
        for touch in line["touches"].as_array().into_iter().flatten() {
            let [name, how] = &strings(touch)[..] else { panic!("{touch}") };
            wanted.insert(format!("{how} {name}"));
        }
        Case {
            id: line["id"].as_u64().unwrap_or_default(),
            by_server: word("source") != "hand",
            sql: word("sql"),
            dialect: Dialect::from_word(&word("dialect")).expect("a dialect is known"),
            wanted,
        }
    };
    text.lines().map(case).collect()
}

/// What was read, in the same words. Servers name no files: those of the flow are told by their text, which
/// stands in a literal of the statement.
fn told(sql: &str, analysis: &Analysis) -> Names {
    let table =
        |name: &&String| !(name.contains(['/', '\\']) && sql.replace("''", "'").contains(name.as_str()));
    let reads = analysis.flow.reads.iter().filter(table).map(|name| format!("read {name}"));
    let writes = analysis.flow.writes.iter().filter(table).map(|name| format!("write {name}"));
    let touches = analysis.flow.touches.iter().map(|(name, how)| format!("{how} {name}"));
    reads.chain(writes).chain(touches).collect()
}

fn bare(names: &Names) -> Names {
    names.iter().map(|name| name.split_once(' ').map_or("", |(_, name)| name).to_owned()).collect()
}

#[test]
#[expect(clippy::print_stdout, reason = "the two scores are what one runs this test for")]
fn tables_and_roles_are_those_that_servers_name() {
    let (mut exact, mut all, mut missed, mut wrong) = ([0, 0], [0, 0], Vec::new(), Vec::new());
    for case in cases() {
        let told = told(&case.sql, &analyse(&case.sql, case.dialect));
        let of = usize::from(case.by_server);
        all[of] += 1;
        exact[of] += usize::from(told == case.wanted);
        let said = format!("{} {:?}\n  wanted {:?}\n  told   {told:?}", case.id, case.sql, case.wanted);
        if !bare(&told).is_subset(&bare(&case.wanted)) {
            wrong.push(said.clone());
        }
        if told != case.wanted {
            missed.push(said);
        }
    }
    let [by_hand, by_server] = [0, 1].map(|of| format!("{} of {}", exact[of], all[of]));
    println!("as servers say: {by_server}; as made by hand: {by_hand}\n{}", missed.join("\n"));
    assert!(wrong.is_empty(), "tables that are none:\n{}", wrong.join("\n"));
    for of in [0, 1] {
        assert!(exact[of] * 100 >= all[of] * REACH, "{by_server}, {by_hand}:\n{}", missed.join("\n"));
    }
}
