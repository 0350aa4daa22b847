//! Surprise density: the share of observed links that nothing explains, in all and by system, as anybody can count it from
//! the report's own links; what was accepted surprises nobody, and a bare connection counts where nothing finer was seen.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

fn scan(folder: &Path, world: &str, format: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whodepends"));
    command.args(["scan", world, "--format", format, "--as-of", "2026-11-24"]).current_dir(folder);
    let out = command.output().expect("the program starts");
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("it is UTF-8")
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// By system: how many links were observed, and how many nothing explains; counted from the links of a report.
fn counted(report: &Value) -> BTreeMap<String, (u64, u64)> {
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    let parts = list(report, "entities").iter().filter(|entity| entity["part_of"].is_string());
    let whole: BTreeMap<String, String> =
        parts.map(|entity| (text(&entity["id"]), text(&entity["part_of"]))).collect();
    let system = |id: String| {
        let mut id = id;
        while let Some(above) = whole.get(&id) {
            id = above.clone();
        }
        id
    };
    let at = |link: &Value| (text(&link["consumer"]), system(text(&link["resource"])));
    let observed = |link: &&Value| {
        let seen = list(link, "bases").iter().any(|basis| basis == "observed");
        seen && link["class"] == "app" && link["outcome"] == "ok"
    };
    let links: Vec<&Value> = list(report, "links").iter().filter(observed).collect();
    let finer: BTreeSet<_> =
        links.iter().filter(|link| link["action"] != "connect").map(|link| at(link)).collect();
    let accepted: BTreeSet<(String, String)> = list(report, "findings")
        .iter()
        .filter(|finding| !finding["accepted"].is_null() && finding["rule"] == "shadow-consumer")
        .map(|finding| (text(&finding["consumer"]), text(&finding["resource"])))
        .collect();
    let mut rows: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for link in links {
        let place = at(link);
        if link["action"] == "connect" && finer.contains(&place) {
            continue;
        }
        let row = rows.entry(place.1.clone()).or_default();
        row.0 += 1;
        row.1 += u64::from(link["explained"] == false && !accepted.contains(&place));
    }
    rows
}

#[test]
fn the_density_of_recorded_worlds_is_that_of_their_links() {
    for story in ["shop", "library"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let report = scan(root, &format!("fixtures/{story}/world"), "json");
        let report: Value = serde_json::from_str(&report).expect("it is JSON");
        let wanted = counted(&report);
        let surprise = &report["surprise"];
        let number = |value: &Value| value.as_u64().expect("a number");
        let rows: BTreeMap<String, (u64, u64)> = list(surprise, "by_resource")
            .iter()
            .map(|row| {
                let (all, shadow) = (number(&row["observed_links"]), number(&row["shadow_links"]));
                let share = (1000.0 * shadow as f64 / all as f64).round() / 1000.0;
                assert_eq!(row["density"].as_f64(), Some(share), "{row}");
                (row["resource"].as_str().expect("an id").to_owned(), (all, shadow))
            })
            .collect();
        assert_eq!(rows, wanted, "{story}");
        let all = wanted.values().fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
        assert_eq!((number(&surprise["observed_links"]), number(&surprise["shadow_links"])), all, "{story}");
    }
}

const LOG: &str = "\
2026-11-24 00:30:00.000 UTC [7] app@shop LOG:  connection authorized: user=app database=shop application_name=nightly
2026-11-24 00:30:01.000 UTC [7] app@shop LOG:  statement: SELECT id FROM public.orders
2026-11-24 00:30:02.000 UTC [7] app@shop LOG:  statement: SELECT id FROM public.prices
2026-11-24 00:31:00.000 UTC [8] other@shop LOG:  connection authorized: user=other database=shop application_name=weekly
2026-11-24 00:31:01.000 UTC [8] other@shop LOG:  statement: SELECT id FROM public.orders
2026-11-24 00:32:00.000 UTC [9] idle@crm LOG:  connection authorized: user=idle database=crm application_name=idle
2026-11-24 00:33:00.000 UTC [10] mon@shop LOG:  connection authorized: user=mon database=shop application_name=pgwatch
2026-11-24 00:33:01.000 UTC [10] mon@shop LOG:  statement: SELECT id FROM public.orders
";

/// The lines of the printed report that tell of surprise.
fn told(settings: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("postgresql.log"), LOG).expect("it can be written");
    let source = "[[source]]\npath = \"*.log\"\nserver = \"db\"\n";
    fs::write(folder.path().join("whodepends.toml"), format!("{source}{settings}"))
        .expect("it can be written");
    let printed = scan(folder.path(), ".", "text");
    let begins = printed.find("surprise density").expect("it is told");
    let head = printed[begins..].split("\n\n").next().unwrap_or("");
    // Whom to ask is another matter.
    head.split("\nwhom to ask:").next().unwrap_or("").to_owned()
}

#[test]
fn the_printed_report_tells_the_density_of_each_resource_the_worst_first() {
    assert_eq!(
        told(""),
        "surprise density 100 %: 4 of 4 observed links are explained by nothing
  100 %  database:db/crm: 1 of 1
  100 %  database:db/shop: 3 of 3
3 consumers: 0 declared, 0 written, 3 observed, 3 SHADOW; beside them, no application's: monitoring 1"
    );
    let listed = "[[consumer]]\nkind = \"client\"\nname = \"app\"\nusers = [\"app\"]\nuses = [\"db/shop/public.prices\"]\n";
    assert_eq!(
        told(listed),
        "surprise density 75 %: 3 of 4 observed links are explained by nothing
  100 %  database:db/crm: 1 of 1
   67 %  database:db/shop: 2 of 3
3 consumers: 1 declared, 0 written, 3 observed, 3 SHADOW; beside them, no application's: monitoring 1"
    );
}

#[test]
fn what_was_accepted_surprises_nobody() {
    let accepted = "[[accept]]\nrule = \"shadow-consumer\"\nconsumer = \"client:app\"\nreason = \"known\"\n";
    assert_eq!(
        told(accepted),
        "surprise density 50 %: 2 of 4 observed links are explained by nothing
  100 %  database:db/crm: 1 of 1
   33 %  database:db/shop: 1 of 3
3 consumers: 0 declared, 0 written, 3 observed, 2 SHADOW; beside them, no application's: monitoring 1"
    );
    // What expired explains nothing.
    assert!(told(&format!("{accepted}until = \"2026-11-01\"\n")).starts_with("surprise density 100 %"));
    let all = accepted.replace("client:app", "*");
    assert_eq!(
        told(&all),
        "surprise density 0 %: 0 of 4 observed links are explained by nothing
         and 2 more, where all is explained
3 consumers: 0 declared, 0 written, 3 observed, 0 SHADOW; beside them, no application's: monitoring 1"
    );
}
