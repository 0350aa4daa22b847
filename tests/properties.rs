//! Laws that must hold for all inputs: merging in any order and any grouping gives the same evidence.

use proptest::prelude::*;
use whodepends::evidence::{Activity, At, Place, Places, SessionSketch, Stamp, Text};

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
