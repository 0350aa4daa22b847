//! Laws that must hold for all inputs: merging in any order and any grouping gives the same evidence, and a verdict on
//! one consumer hangs on nothing that it shares no name with.

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use whodepends::evidence::{Activity, At, Place, Places, SessionSketch, Stamp, Text};
use whodepends::scan::Plan;

fn activity(events: &[(i64, Option<u64>)]) -> Activity {
    let mut activity = Activity::none();
    for (second, micros) in events {
        activity.add(Stamp::from_seconds(*second), 1, *micros);
    }
    activity
}

fn merged(parts: &[Activity]) -> Activity {
    let mut all = Activity::none();
    for part in parts {
        all.merge(part);
    }
    all
}

fn events() -> impl Strategy<Value = Vec<(i64, Option<u64>)>> {
    prop::collection::vec((0i64..400_000, prop::option::of(any::<u64>())), 0..900)
}

/// Whether a verdict on a table is of the rule and the database of another.
fn is_within(verdict: &str, other: &str) -> bool {
    let parts = |verdict: &str| {
        let (rule, resource) = verdict.split_once(' ')?;
        Some((rule.to_owned(), resource.split_once(':')?.1.to_owned()))
    };
    let (Some((rule, part)), Some((same, whole))) = (parts(verdict), parts(other)) else { return false };
    rule == same && other.contains(" database:") && part.starts_with(&format!("{whole}/"))
}

proptest! {
    #[test]
    fn activity_is_the_same_in_any_order_and_any_cut(all in events(), cuts in prop::collection::vec(0usize..900, 0..5), turn in 0usize..900) {
        let whole = activity(&all);
        let mut turned = all.clone();
        let by = if all.is_empty() { 0 } else { turn % all.len() };
        turned.rotate_left(by);
        prop_assert_eq!(&activity(&turned), &whole);
        let mut borders: Vec<usize> = cuts.iter().map(|cut| cut % (all.len() + 1)).collect();
        borders.extend([0, all.len()]);
        borders.sort_unstable();
        let mut parts: Vec<Activity> = borders.windows(2).map(|pair| activity(&all[pair[0]..pair[1]])).collect();
        prop_assert_eq!(&merged(&parts), &whole);
        parts.reverse();
        prop_assert_eq!(&merged(&parts), &whole);
    }

    #[test]
    fn merging_activities_is_associative(a in events(), b in events(), c in events()) {
        let (a, b, c) = (activity(&a), activity(&b), activity(&c));
        let left = merged(&[merged(&[a.clone(), b.clone()]), c.clone()]);
        let right = merged(&[a, merged(&[b, c])]);
        prop_assert_eq!(left, right);
    }

    #[test]
    fn the_places_kept_are_the_two_earliest_and_the_two_latest(lines in prop::collection::vec(0u64..1000, 1..60), cut in 0usize..60) {
        let input: Text = Text::from("a.log");
        let place = |line: &u64| (Some(Stamp::from_seconds(*line as i64)), Place { input: input.clone(), at: At::Line(*line) });
        let fill = |lines: &[u64]| {
            let mut places = Places::default();
            for (stamp, place) in lines.iter().map(place) {
                places.add(stamp, place);
            }
            places
        };
        let cut = cut % lines.len();
        let mut parts = fill(&lines[..cut]);
        parts.merge(fill(&lines[cut..]));
        let mut sorted = lines.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let wanted: Vec<u64> = if sorted.len() <= 4 { sorted.clone() } else {
            [&sorted[..2], &sorted[sorted.len() - 2..]].concat()
        };
        let kept: Vec<u64> = parts.iter().map(|(_, p)| if let At::Line(n) = p.at { n } else { 0 }).collect();
        prop_assert_eq!(kept, wanted);
        prop_assert_eq!(parts, fill(&lines));
    }

    #[test]
    fn session_sketches_of_one_server_share_what_both_saw(ports in prop::collection::btree_set(1u16..2000, 3..40)) {
        let sketch = |shift: i64| {
            let mut sketch = SessionSketch::default();
            for port in &ports {
                sketch.add("10.0.0.1", *port, Stamp::from_seconds(i64::from(*port) * 60 + shift));
            }
            sketch
        };
        prop_assert_eq!(sketch(0).shared_with(&sketch(1), 2), ports.len());
        prop_assert_eq!(sketch(0).shared_with(&sketch(30), 2), 0);
    }

    #[test]
    fn no_text_makes_the_readers_of_sql_and_schedules_panic(text in "\\PC{0,300}") {
        let _ = whodepends::sql::analyse(&text, whodepends::sql::Dialect::Postgres);
        let _ = whodepends::sql::fold(&text, whodepends::sql::Dialect::MySql);
        let _ = whodepends::sql::split(&text);
        let _ = whodepends::evidence::scrub::scrub(&text);
        if let Ok(schedule) = whodepends::schedule::parse("vixie", &text) {
            let _ = schedule.words();
        }
    }

    #[test]
    fn next_runs_ascend_and_between_agrees(minute in 0u32..60, step in 1u32..30, day in 0u32..7, from in 1_700_000_000i64..1_900_000_000) {
        let zone = whodepends::schedule::zone("Europe/Berlin").expect("it is an IANA zone");
        for text in [format!("{minute} */3 * * *"), format!("*/{step} 2 * * {day}"), format!("{minute} 2 * * *")] {
            let schedule = whodepends::schedule::parse("vixie", &text).expect("it is a schedule");
            let next: Vec<i64> = schedule.next(&zone, from).take(20).collect();
            prop_assert!(next.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(next[0] > from);
            prop_assert_eq!(&schedule.between(&zone, from, next[19], 1000), &next);
        }
    }
}

/// One client of a small company: its login, its address, the name it gives itself, and the table it reads or, from
/// [`CALLS`] on, the service it calls.
type Act = (u8, u8, u8, u8);
/// One entry of an inventory: its logins, hosts and names, and the tables and services it states.
type Entry = (Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>);
/// How many tables there are before the services.
const CALLS: u8 = 3;

fn acts() -> impl Strategy<Value = Vec<Act>> {
    prop::collection::vec((0u8..4, 0u8..4, 0u8..4, 0u8..5), 2..9)
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let some = || prop::collection::vec(0u8..4, 0..2);
    prop::collection::vec((some(), some(), some(), prop::collection::vec(0u8..5, 0..3)), 1..4)
}

/// Verdicts on what was seen, as `rule resource`, by the id of whom they are on; with the identifiers of everybody.
struct Told {
    verdicts: BTreeMap<String, BTreeSet<String>>,
    identifiers: BTreeMap<String, BTreeSet<String>>,
}

/// Scans a company of these acts, each on one day of a log that says all, under these entries.
fn scan(acts: &[(usize, Act)], entries: &[(usize, Entry)]) -> Told {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut log = String::new();
    let mut requests: BTreeMap<u8, String> = BTreeMap::new();
    for (number, (user, host, application, table)) in acts {
        let (day, session) = (1 + number % 28, 100 + number);
        if *table >= CALLS {
            requests.entry(*table).or_default().push_str(&format!(
                "10.0.0.{host} - u{user} [{day:02}/Oct/2026:10:00:00 +0000] \"GET /v1/things/17 HTTP/1.1\" 200 512 \"-\" \"a{application}\"\n"
            ));
            continue;
        }
        log.push_str(&format!(
            "2026-10-{day:02} 10:00:00.000 UTC [{session}] user=u{user},db=shop,app=a{application},client=10.0.0.{host} LOG:  \
             duration: 0.100 ms  statement: SELECT id FROM public.t{table}\n"
        ));
    }
    let quoted = |kind: &str, all: &[u8]| {
        let all: Vec<String> = all.iter().map(|it| format!("\"{kind}{it}\"")).collect();
        format!("[{}]", all.join(", "))
    };
    let mut settings = String::from("as_of = \"2026-11-01\"\n");
    for host in 0..4 {
        settings.push_str(&format!("[[host]]\nname = \"h{host}\"\naddresses = [\"10.0.0.{host}\"]\n"));
    }
    settings.push_str("[[source]]\npath = \"pg.log\"\nserver = \"db\"\n");
    settings.push_str("[[system]]\nkind = \"database\"\nname = \"db\"\ndatabases = [\"shop\"]\n");
    for service in CALLS..CALLS + 2 {
        settings.push_str(&format!("[[source]]\npath = \"access{service}.log\"\nserver = \"s{service}\"\n"));
        settings.push_str(&format!("[[system]]\nkind = \"service\"\nname = \"s{service}\"\n"));
    }
    let stated = |all: &[u8]| {
        let text = |it: &u8| match *it {
            it if it < CALLS => format!("\"db/shop/public.t{it}\""),
            CALLS => format!("\"s{CALLS}\""),
            it => format!("\"s{it}/GET /v1/*\""),
        };
        format!("[{}]", all.iter().map(text).collect::<Vec<_>>().join(", "))
    };
    for (number, (users, hosts, applications, tables)) in entries {
        settings.push_str(&format!(
            "[[consumer]]\nkind = \"service\"\nname = \"c{number}\"\nusers = {}\nhosts = {}\napplications = {}\nuses = {}\n",
            quoted("u", users),
            quoted("h", hosts),
            quoted("a", applications),
            stated(tables)
        ));
    }
    std::fs::write(folder.path().join("pg.log"), log).expect("it can be written");
    for (service, log) in requests {
        std::fs::write(folder.path().join(format!("access{service}.log")), log).expect("it can be written");
    }
    std::fs::write(folder.path().join("whodepends.toml"), settings).expect("it can be written");
    let plan = Plan {
        paths: vec![folder.path().to_path_buf()],
        config: None,
        as_of: None,
        since: None,
        until: None,
        kinds: Vec::new(),
        filter: None,
        block_bytes: 1 << 20,
    };
    let report = whodepends::scan::scan(&plan, &|_, _| {}).expect("it can be scanned").report;
    let report = serde_json::to_value(&report).expect("a report is JSON");
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or("").to_owned();
    let mut told = Told { verdicts: BTreeMap::new(), identifiers: BTreeMap::new() };
    for row in report["entities"].as_array().expect("a list") {
        let all = row["identifiers"].as_array().expect("a list").iter().map(|it| text(it, "text")).collect();
        told.identifiers.insert(text(row, "id"), all);
    }
    let rules = ["shadow-consumer", "borrowed-credentials", "undeclared-use"];
    for row in report["findings"].as_array().expect("a list") {
        if rules.contains(&&*text(row, "rule")) {
            let verdict = format!("{} {}", text(row, "rule"), text(row, "resource"));
            told.verdicts.entry(text(row, "consumer")).or_default().insert(verdict);
        }
    }
    told
}

/// Whether several logins come from one host and from nowhere else: such a host may be a way to the server, and then it
/// is nobody's. What is inferred from all who share a host is no property of one of them: under which name a use is told
/// may change with the others, but not that it is told.
fn has_way(acts: &[(usize, Act)]) -> bool {
    // By server and login: the hosts it comes from.
    let mut hosts: BTreeMap<(u8, u8), BTreeSet<u8>> = BTreeMap::new();
    for (_, (user, host, _, used)) in acts {
        let server = if *used < CALLS { 0 } else { *used };
        hosts.entry((server, *user)).or_default().insert(*host);
    }
    let only: Vec<(u8, u8)> = hosts
        .into_iter()
        .filter(|(_, hosts)| hosts.len() == 1)
        .flat_map(|((server, _), hosts)| hosts.into_iter().map(move |host| (server, host)))
        .collect();
    only.iter().any(|way| only.iter().filter(|other| *other == way).count() > 1)
}

impl Told {
    /// The verdicts on those who carry none of these identifiers.
    fn without(&self, identifiers: &BTreeSet<String>) -> BTreeMap<&String, &BTreeSet<String>> {
        let apart = |id: &String| self.identifiers.get(id).is_some_and(|own| own.is_disjoint(identifiers));
        self.verdicts.iter().filter(|(id, _)| apart(id)).collect()
    }

    /// Whether the resource of a verdict is told of somebody who carries one of these identifiers, under whatever rule.
    fn is_told(&self, verdict: &str, identifiers: &BTreeSet<String>) -> bool {
        let of =
            |verdict: &str| format!("told {}", verdict.split_once(' ').map_or("", |(_, resource)| resource));
        self.verdicts.iter().any(|(id, verdicts)| {
            self.identifiers.get(id).is_some_and(|own| !own.is_disjoint(identifiers))
                && verdicts.iter().any(|it| of(it) == of(verdict) || is_within(&of(verdict), &of(it)))
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn dropping_the_uses_of_one_changes_no_verdict_on_who_shares_no_identifier(acts in acts(), entries in entries(), which in 0usize..9) {
        let (user, host, application, _) = acts[which % acts.len()];
        let numbered: Vec<(usize, Act)> = acts.iter().copied().enumerate().collect();
        let entries: Vec<(usize, Entry)> = entries.into_iter().enumerate().collect();
        let left: Vec<(usize, Act)> = numbered
            .iter()
            .copied()
            .filter(|(_, act)| (act.0, act.1, act.2) != (user, host, application))
            .collect();
        let mut own: BTreeSet<String> =
            [format!("u{user}"), format!("10.0.0.{host}"), format!("h{host}"), format!("a{application}")].into();
        // Whoever an entry gives one of these names carries all of the entry's.
        for (number, (users, hosts, applications, _)) in &entries {
            if users.contains(&user) || hosts.contains(&host) || applications.contains(&application) {
                own.insert(format!("service:c{number}"));
            }
        }
        let (all, without) = (scan(&numbered, &entries), scan(&left, &entries));
        // Who came by the same way to the server carries its address while it does: this is looked up where both are.
        let carried = |id: &String| all.identifiers.get(id).is_some_and(|carried| !carried.is_disjoint(&own));
        let apart = |told: &Told| -> BTreeMap<String, BTreeSet<String>> {
            let named = |id: &String| own.contains(id) || carried(id);
            let kept = told.without(&own).into_iter().filter(|(id, _)| !named(id));
            kept.map(|(id, verdicts)| (id.clone(), verdicts.clone())).collect()
        };
        prop_assert_eq!(apart(&all), apart(&without));
    }

    #[test]
    fn dropping_a_declaration_silences_nobody_who_carries_none_of_its_identifiers(acts in acts(), entries in entries(), which in 0usize..4) {
        let numbered: Vec<(usize, Act)> = acts.into_iter().enumerate().collect();
        let entries: Vec<(usize, Entry)> = entries.into_iter().enumerate().collect();
        let at = which % entries.len();
        let (users, hosts, applications, _) = &entries[at].1;
        let mut own: BTreeSet<String> = BTreeSet::from([format!("c{at}"), format!("service:c{at}")]);
        own.extend(users.iter().map(|it| format!("u{it}")));
        own.extend(hosts.iter().flat_map(|it| [format!("h{it}"), format!("10.0.0.{it}")]));
        own.extend(applications.iter().map(|it| format!("a{it}")));
        let way = has_way(&numbered);
        let left: Vec<(usize, Entry)> = entries.iter().filter(|(number, _)| *number != at).cloned().collect();
        let (all, without) = (scan(&numbered, &entries), scan(&numbered, &left));
        for (id, verdicts) in all.without(&own) {
            let now = without.verdicts.get(id).cloned().unwrap_or_default();
            // What stays undeclared at several tables is told of their database.
            let still = |verdict: &String| {
                now.contains(verdict)
                    || now.iter().any(|it| is_within(verdict, it))
                    || (way && without.is_told(verdict, &all.identifiers[id]))
            };
            prop_assert!(verdicts.iter().all(still), "{} had {:?} and has {:?}", id, verdicts, now);
        }
    }

    #[test]
    fn the_order_of_acts_and_entries_changes_no_verdict(acts in acts(), entries in entries(), turn in 0usize..9) {
        let mut numbered: Vec<(usize, Act)> = acts.into_iter().enumerate().collect();
        let mut entries: Vec<(usize, Entry)> = entries.into_iter().enumerate().collect();
        let before = scan(&numbered, &entries);
        let (by, other) = (turn % numbered.len(), turn % entries.len());
        numbered.rotate_left(by);
        entries.rotate_left(other);
        prop_assert_eq!(before.verdicts, scan(&numbered, &entries).verdicts);
    }

    #[test]
    fn the_parts_of_an_activity_are_the_whole(all in events(), width in 1i64..200_000) {
        let whole = activity(&all);
        let parts = whole.clone().parted(|at| at.seconds() / width);
        let mut again = Activity::none();
        for (_, part) in &parts {
            again.merge(part);
        }
        prop_assert_eq!(again.count(), whole.count());
        prop_assert_eq!(again.moments(), whole.moments());
        prop_assert_eq!((again.first(), again.last()), (whole.first(), whole.last()));
        prop_assert_eq!(again.durations(), whole.durations());
        for (key, part) in parts {
            prop_assert!(part.moments().iter().all(|at| at.seconds() / width == key));
        }
    }
}
