//! Conversations of PostgreSQL, message by message, and what each tells.

use super::{Postgres, Protocol, Side, Told};
use crate::collect::traffic::Moment;
use crate::evidence::Stamp;

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend((body.len() as u32 + 4).to_be_bytes());
    out.extend(body);
    out
}

/// One step of a conversation in short: `>` what the client sends, `<` what the server answers.
fn bytes(step: &str) -> (Side, Vec<u8>) {
    let (side, rest) = step.split_at(1);
    let (verb, text) = rest.split_once(' ').unwrap_or((rest, ""));
    let body = match verb {
        "Q" => format!("{text}\0").into_bytes(),
        // Parse NAME SQL; Bind and Execute of the unnamed portal.
        "P" => {
            let (name, sql) = text.split_once(' ').unwrap_or((text, ""));
            format!("{}\0{sql}\0\0\0", name.trim_matches('-')).into_bytes()
        }
        "B" => format!("\0{}\0\0\0\0\0\0\0", text.trim_matches('-')).into_bytes(),
        "E" if side == ">" => b"\0\0\0\0\0".to_vec(),
        "E" => format!("SERROR\0C{text}\0Mno\0\0").into_bytes(),
        "C" => b"SELECT 1\0".to_vec(),
        "Z" => b"I".to_vec(),
        _ => Vec::new(),
    };
    let side = if side == ">" { Side::Client } else { Side::Server };
    (side, message(verb.as_bytes()[0], &body))
}

/// What a conversation tells: `outcome statement`, and how many executions are unknown or unmatched.
fn told(steps: &[(u64, &str)]) -> (Vec<String>, u64, u64) {
    let mut conversation = Postgres.open();
    let mut told = Told::default();
    let mut startup = b"\0\0\0\x21\0\x03\0\0user\0bob\0database\0shop\0\0".to_vec();
    startup[3] = startup.len() as u8;
    let moment = |packet: u64| Moment { stamp: Stamp(packet as i64), packet, datagram: false };
    conversation.bytes(Side::Client, &startup, moment(1), &mut told);
    conversation.bytes(Side::Server, &message(b'R', &[0; 4]), moment(2), &mut told);
    conversation.bytes(Side::Server, &message(b'Z', b"I"), moment(3), &mut told);
    for (packet, step) in steps {
        if *step == "hole" {
            conversation.hole(Side::Client, &mut told);
            continue;
        }
        let (side, data) = bytes(step);
        conversation.bytes(side, &data, moment(*packet), &mut told);
    }
    conversation.end(&mut told);
    let acts = told.acts.iter().map(|act| format!("{} {}", act.outcome.word(), act.object)).collect();
    (acts, told.unknown, told.unmatched)
}

/// Steps in the order of their packets.
fn in_order(steps: &[&str]) -> (Vec<String>, u64, u64) {
    let numbered: Vec<(u64, &str)> = steps.iter().enumerate().map(|(at, s)| (at as u64 + 10, *s)).collect();
    told(&numbered)
}

#[test]
fn what_stands_behind_an_error_up_to_the_sync_was_not_done() {
    let steps = [
        ">P - bad",
        ">B -",
        ">E",
        ">P - delete",
        ">B -",
        ">E",
        ">S", // one pipeline
        ">P - good",
        ">B -",
        ">E",
        ">S", //
        "<1",
        "<2",
        "<E 22012",
        "<Z",
        "<1",
        "<2",
        "<C",
        "<Z",
    ];
    assert_eq!(in_order(&steps), (vec!["failed bad".to_owned(), "ok good".to_owned()], 0, 0));
}

#[test]
fn outcomes_belong_to_their_statements() {
    let steps = [">Q a", "<C", "<Z", ">Q b", "<E 42501", "<Z", ">Q c", "<C", "<C", "<Z"];
    assert_eq!(in_order(&steps).0, ["ok a", "denied b", "ok c"]);
}

#[test]
fn a_parse_that_was_refused_leaves_its_name_what_it_was() {
    let steps = [
        ">P s one", ">S", "<1", "<Z", ">P s two", ">S", "<E 42P05", "<Z", ">B s", ">E", ">S", "<2", "<C",
        "<Z",
    ];
    assert_eq!(in_order(&steps).0, ["ok one"]);
}

#[test]
fn fetching_on_is_no_second_statement() {
    let steps = [">P - one", ">B -", ">E", ">S", "<1", "<2", "<s", "<Z", ">E", ">S", "<C", "<Z"];
    assert_eq!(in_order(&steps).0, ["ok one"]);
}

#[test]
fn what_was_prepared_before_the_capture_is_counted_as_unknown() {
    let steps = [">B old", ">E", ">S", "<2", "<C", "<Z", ">B old", ">E", ">S", "<2", "<C", "<Z"];
    assert_eq!(in_order(&steps), (Vec::new(), 2, 0));
}

#[test]
fn sql_s_own_prepare_is_followed_and_forgotten() {
    let steps = [
        ">Q PREPARE p (int) AS one",
        "<C",
        "<Z",
        ">Q EXECUTE p(1)",
        "<C",
        "<Z",
        ">Q DEALLOCATE ALL",
        "<C",
        "<Z",
        ">Q EXECUTE p(2)",
        "<C",
        "<Z",
    ];
    let (acts, unknown, _) = in_order(&steps);
    assert_eq!(acts, ["ok PREPARE p (int) AS one", "ok one", "ok DEALLOCATE ALL"]);
    assert_eq!(unknown, 1);
}

#[test]
fn a_statement_read_after_its_answer_has_no_outcome_of_another() {
    // The client's segments behind a hole are delivered late, with the packets they came in.
    let steps = [
        (10, ">Q a"),
        (11, "<C"),
        (12, "<Z"),
        (21, "<E 42501"),
        (22, "<Z"),
        (31, "<C"),
        (32, "<Z"),
        (0, "hole"),
        (20, ">Q b"),
        (30, ">Q c"),
        (40, ">Q d"),
        (41, "<E 42501"),
        (42, "<Z"),
    ];
    assert_eq!(told(&steps), (vec!["ok a".to_owned(), "denied d".to_owned()], 0, 2));
}
