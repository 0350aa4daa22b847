//! Laws for any evidence: what is written is read back, and however it is divided it is merged to the same bytes.

use super::company::nested;
use super::*;

fn what(vantage: &str, shape: u64, sample: &str, spare: u8) -> What {
    let name = |text: &str| Text::from(text);
    let spare_of = |bit: u8| spare & bit != 0;
    What {
        vantage: name(vantage),
        actor: Actor::new()
            .with(MentionKind::User, sample)
            .with(MentionKind::Address, if spare_of(1) { "10.0.0.1" } else { "" }),
        action: if spare_of(2) { Action::Write } else { Action::Read },
        resource: Resource::table(vec![name("s"), name(sample)])
            .at(spare_of(4).then(|| name("db")).as_ref(), None),
        shape: Shape { fingerprint: shape, sample: name(sample) },
        outcome: if spare_of(8) { Outcome::Denied } else { Outcome::Ok },
        class: if spare_of(16) { Class::Backup } else { Class::App },
        scope: Scope::Production,
        basis: Basis::Observed,
        confidence: if spare_of(32) { Confidence::Low } else { Confidence::High },
        traits: spare_of(64).then(|| Trait::valued("window", sample)).into_iter().collect(),
    }
}

type Event = (u8, u64, String, u8, i64, Option<u64>);

/// Evidence of these events, each heard in one of four streams.
fn stated<'a>(events: impl IntoIterator<Item = &'a Event>) -> Evidence {
    let mut evidence = Evidence::new();
    for (stream, shape, sample, spare, second, micros) in events {
        let input = Text::from(format!("logs/{stream}.log"));
        let place = Place { input: input.clone(), at: At::Line(*second as u64 % 977) };
        let stamp = Stamp::from_seconds(1_790_000_000 + second);
        evidence.add_event(
            what(&format!("pg:{stream}"), *shape, sample, *spare),
            stamp,
            *micros,
            place.clone(),
        );
        if spare & 128 != 0 {
            let mut activity = Activity::none();
            activity.add_undated(*shape);
            let places = Places::one(None, place.clone());
            evidence.add_use(Use {
                what: what(&format!("pg:{stream}"), *shape, sample, *spare),
                activity,
                places,
            });
        }
        evidence.add_gap(Gap::new(place.clone(), GapCode::Unparsed, sample.as_str()));
        let about = Mention::new(MentionKind::Job, sample.as_str());
        let says = Says::OwnedBy(Text::from(sample.as_str()));
        evidence.add_fact(Fact { about, says, basis: Basis::Written, scope: Scope::Test, span: None, place });
    }
    evidence
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let sample = prop_oneof!["[a-c]{1,2}", "\\PC{1,6}", Just("\"\\\u{7}\u{2028}".to_owned())];
    let micros = prop::option::of(any::<u64>());
    prop::collection::vec((0u8..4, 0u64..5, sample, any::<u8>(), 0i64..400_000, micros), 0..300)
}

proptest! {
    #[test]
    fn what_is_read_back_is_what_was_written_however_it_was_divided(all in events(), turns in prop::collection::vec(any::<usize>(), 8)) {
        let bytes = |evidence: &Evidence| file::write(evidence, Vec::new(), Vec::new()).expect("a vector can be written to");
        let whole = stated(&all);
        let kept = file::read(&Text::from("x"), zstd::Decoder::new(&bytes(&whole)[..]).expect("it is zstd"), &|_| ());
        let kept = kept.unwrap_or_else(|why| panic!("{why}"));
        prop_assert_eq!(&kept.gaps, &Vec::new());
        prop_assert_eq!(kept.evidence.uses(), whole.uses());
        prop_assert_eq!(kept.evidence.gaps(), whole.gaps());
        prop_assert!(kept.evidence.facts().eq(whole.facts()));
        // Events of one use may be told by any file: activities add up.
        let part = |which: usize| bytes(&stated(all.iter().skip(which).step_by(3)));
        prop_assert!(nested(vec![part(0), part(1), part(2)], &turns) == bytes(&whole));
    }
}

#[test]
fn files_of_several_frames_are_read_and_merged_like_those_of_one() {
    let event = |n: usize| (0, n as u64, format!("t{}", n / 300), 0, n as i64, None);
    let all: Vec<Event> = (0..ROWS_PER_FRAME * 5 / 3).map(event).collect();
    let (even, odd): (Vec<&Event>, Vec<&Event>) = all.iter().partition(|event| event.1 % 2 == 0);
    let bytes =
        |evidence: Evidence| file::write(&evidence, Vec::new(), Vec::new()).expect("it can be written");
    let whole = bytes(stated(&all));
    assert!(merged(&[bytes(stated(even)), bytes(stated(odd))]) == whole);
    let frames = whole.windows(4).filter(|bytes| *bytes == [0x28, 0xb5, 0x2f, 0xfd]).count();
    // A header, and 6,826 uses, as many gaps' rows as there are names, and as many facts as there are events.
    assert!(frames >= 4, "{frames} frames");
}
