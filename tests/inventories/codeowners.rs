//! CODEOWNERS: which rule speaks of which folder, and who is told to answer for a consumer by it.

use super::*;

const SHOP: [(&str, &str); 6] = [
    ("services/billing/app.py", ""),
    ("services/billing/jobs/night.sh", ""),
    ("services/mail/app.py", ""),
    ("docs/guide/a.md", ""),
    ("docs/a.sql", ""),
    ("build/logs/a.py", ""),
];

/// What a file of owners states of the shop's tree.
fn owned(path: &str, rules: &str) -> Vec<String> {
    let mut files = SHOP.to_vec();
    files.push((path, rules));
    facts(&stated(&files))
}

#[test]
fn the_last_rule_that_fits_counts() {
    let rules = "\
# who answers
*                @shop/all
/services/billing/  @shop/finance ann@shop.example # both
*.sh @shop/batch
docs/* @shop/writers
logs/
";
    let wanted = [
        ".github/CODEOWNERS:2: component:source tree is owned by @shop/all",
        ".github/CODEOWNERS:3: component:services/billing is owned by @shop/finance, ann@shop.example",
        ".github/CODEOWNERS:4: script:services/billing/jobs/night.sh is owned by @shop/batch",
        ".github/CODEOWNERS:5: component:docs is owned by @shop/writers",
        // What lies deeper than `docs/*` is everybody's again.
        ".github/CODEOWNERS:2: component:docs/guide is owned by @shop/all",
        // A rule without owners: nobody.
        ".github/CODEOWNERS:6: component:build/logs is owned by ",
    ];
    let mut wanted: Vec<String> = wanted.map(str::to_owned).to_vec();
    wanted.sort();
    assert_eq!(owned(".github/CODEOWNERS", rules), wanted);
}

#[test]
fn sections_of_gitlab_each_have_their_last_rule() {
    let rules = "\
[Code] @code
services/
services/mail/ @mail
^[Safety][2] @safe
*.sh
services/billing/
!services/billing/jobs/
";
    let wanted = [
        "CODEOWNERS:2: component:services is owned by @code",
        "CODEOWNERS:3: component:services/mail is owned by @mail",
        "CODEOWNERS:6: component:services/billing is owned by @code, @safe",
        "CODEOWNERS:7: component:services/billing/jobs is owned by @code",
    ];
    assert_eq!(owned("CODEOWNERS", rules), wanted);
}

#[test]
fn a_pattern_names_folders_wherever_they_lie_or_from_the_top() {
    let folders = |rule: &str| -> Vec<String> {
        let lines = owned("CODEOWNERS", &format!("{rule} @a\n"));
        let component = |line: &String| line.split(' ').nth(1).map(str::to_owned);
        lines.iter().filter_map(component).collect()
    };
    assert_eq!(folders("billing"), ["component:services/billing"]);
    assert_eq!(folders("billing/"), ["component:services/billing"]);
    assert_eq!(folders("/billing"), NOTHING);
    assert_eq!(folders("services/*/jobs"), ["component:services/billing/jobs"]);
    assert_eq!(
        folders("/services/**/app.py"),
        ["script:services/billing/app.py", "script:services/mail/app.py"]
    );
    assert_eq!(folders("[b]illing"), NOTHING);
    assert_eq!(folders("serv*"), ["component:services"]);
}

#[test]
fn the_owner_of_its_folder_answers_for_a_consumer_that_has_none() {
    let code = "import psycopg\n\ndef bills(db):\n    return db.execute('SELECT id FROM public.invoices')\n";
    let owner = |rules: &str, own: &str| -> String {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let files = [
            ("services/billing/.env", "PGHOST=db1\nPGDATABASE=shop\nPGUSER=billing\n"),
            ("services/billing/billing.py", code),
            ("CODEOWNERS", rules),
            ("whodepends.toml", own),
        ];
        write(folder.path(), &files);
        let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
            .current_dir(folder.path())
            .args(["scan", ".", "--format", "json"])
            .output()
            .expect("the program starts");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("the report is JSON");
        let entities = report["entities"].as_array().expect("entities are a list");
        let own = entities.iter().find(|it| it["id"] == "service:billing").expect("the service is known");
        own["owner"].as_str().unwrap_or("nobody").to_owned()
    };
    let listed = "[[consumer]]\nkind = \"service\"\nname = \"billing\"\nsource = [\"services/billing\"]\n";
    assert_eq!(owner("services/ @shop\n", ""), "@shop");
    assert_eq!(owner("services/ @shop\n", listed), "@shop");
    assert_eq!(owner("services/ @shop\n", &format!("{listed}owner = \"finance\"\n")), "finance");
    assert_eq!(owner("* @shop\nbilling/\n", ""), "nobody");
    assert_eq!(owner("mail/ @shop\n", ""), "nobody");
}
