//! What PostgreSQL's messages mean, whatever format carried them: statements, durations, connections,
//! errors. Texts are those of the server's source in English; of others it says only that they are translated.

use super::{Ended, Event, Who, auto_explain, pgaudit, postgres_translated};
use crate::evidence::Text;
use std::borrow::Cow;

/// What a line's severity says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// A message.
    Log,
    /// An error.
    Error,
    /// An error that ended the session.
    Fatal,
    /// The statement of the error before.
    Statement,
    /// More about the line before.
    More,
}

/// What a severity says; those of translated servers are read as well.
pub fn severity(word: &str) -> Option<Severity> {
    Some(match word {
        "LOG" => Severity::Log,
        "FATAL" | "PANIC" => Severity::Fatal,
        "ERROR" => Severity::Error,
        "STATEMENT" => Severity::Statement,
        "DETAIL" | "HINT" | "CONTEXT" | "QUERY" | "LOCATION" | "WARNING" | "NOTICE" | "INFO"
        | "BACKTRACE" => Severity::More,
        word if word.strip_prefix("DEBUG").is_some_and(|n| n.len() == 1) => Severity::More,
        _ => return postgres_translated::severity(word),
    })
}

/// The text after `key`, up to whatever of `behind` comes first: what the server writes behind it. A login and a
/// database may hold blanks.
fn value<'a>(message: &'a str, key: &str, behind: &[&str]) -> Option<&'a str> {
    let rest = &message[message.find(key)? + key.len()..];
    let end = behind.iter().filter_map(|mark| rest.find(mark)).min();
    Some(&rest[..end.unwrap_or(rest.len())])
}

/// What may stand behind the database of an `authorized` message (postinit.c, PerformAuthentication).
const BEHIND_DATABASE: [&str; 4] = [" application_name=", " SSL enabled", " GSS (", " identity="];

fn quoted<'a>(message: &'a str, before: &str) -> Option<&'a str> {
    let rest = &message[message.find(before)? + before.len()..];
    rest.split('"').nth(1)
}

/// The application name of an `authorized` message stands last, before TLS details in parentheses.
fn application(message: &str) -> &str {
    let Some(at) = message.find(" application_name=") else { return "" };
    let rest = &message[at + " application_name=".len()..];
    let end = [" SSL enabled", " GSS (", " identity="].iter().filter_map(|mark| rest.find(mark)).min();
    rest[..end.unwrap_or(rest.len())].trim()
}

/// The message without the SQLSTATE that `log_error_verbosity = verbose` puts in front of it.
fn bare(message: &str) -> &str {
    let Some((state, rest)) = message.split_at_checked(7) else { return message };
    let code = state.strip_suffix(": ").unwrap_or_default().as_bytes();
    let sign = |b: &u8| b.is_ascii_digit() || b.is_ascii_uppercase();
    let is_state = code.len() == 5 && code.iter().all(sign) && code.iter().any(u8::is_ascii_digit);
    if is_state { rest } else { message }
}

/// What a message says, and what it adds to who.
pub fn event(severity: Severity, message: &str, who: &mut Cow<'_, Who>) -> Event {
    let message = bare(message);
    match severity {
        // `prepare: PREPARE name AS …` is the detail of a logged EXECUTE.
        Severity::More => match message.strip_prefix("prepare: ").and_then(prepared) {
            Some(sql) => Event::Prepared(sql.to_owned()),
            None => Event::Nothing,
        },
        Severity::Statement => Event::ErrorStatement(message.to_owned()),
        Severity::Fatal if turns_away(message) => Event::Refused,
        Severity::Error | Severity::Fatal => failure(message, who),
        Severity::Log => log(message, who),
    }
}

/// The statement of `PREPARE name (types) AS statement`.
pub(super) fn prepared(text: &str) -> Option<&str> {
    let verb = text.get(..8).is_some_and(|verb| verb.eq_ignore_ascii_case("prepare "));
    let at = text.to_ascii_lowercase().find(" as ").filter(|_| verb)? + 4;
    text.get(at..)
}

/// What the server says of reading and planning a statement (`log_parser_stats`, `log_planner_stats` and
/// `debug_print_…`: postgres.c, `ShowUsage` and `elog_node_display`). What says so of a run is not among them.
const EXAMINED: [&str; 7] = [
    "PARSER STATISTICS",
    "PARSE ANALYSIS STATISTICS",
    "REWRITER STATISTICS",
    "PLANNER STATISTICS",
    "parse tree:",
    "rewritten parse tree:",
    "plan:",
];

/// Whether the server ended a session before it was one (postinit.c and miscinit.c of PostgreSQL): what the client is
/// was found right, and there is nothing to let it into.
fn turns_away(message: &str) -> bool {
    let named = ["role \"", "database \"", "permission denied for database \""];
    let ends = ["\" does not exist", "\" is not currently accepting connections", "\""];
    let of_name =
        named.iter().any(|start| message.starts_with(start)) && ends.iter().any(|end| message.ends_with(end));
    of_name
        || message.starts_with("too many connections for ")
        || message.starts_with("sorry, too many clients")
        || message.starts_with("remaining connection slots are reserved")
        || message.starts_with("the database system is ")
        || message.contains("is not permitted to log in")
}

fn failure(message: &str, who: &mut Cow<'_, Who>) -> Event {
    if message.starts_with("password authentication failed")
        || message.contains("authentication failed for user")
        || message.starts_with("no pg_hba.conf entry")
        || (message.starts_with("role \"")
            && message.ends_with("\" does not exist")
            && who.database.is_empty())
        || message.contains("is not permitted to log in")
    {
        if let Some(user) = quoted(message, "user ") {
            who.to_mut().user = Text::from(user);
        }
        if let Some(host) = quoted(message, "for host ") {
            who.to_mut().client = Text::from(host);
        }
        return Event::Refused;
    }
    // A place in the text is named by whoever parses and looks up names, before anything is run (parse_node.c,
    // scan.l); errors of a statement that runs name none.
    let place =
        message.rsplit_once(" at character ").is_some_and(|(_, at)| at.bytes().all(|b| b.is_ascii_digit()));
    let denied = message.starts_with("permission denied") || message.starts_with("must be owner");
    if place && !denied { Event::Rejected } else { Event::Error(denied) }
}

fn log(message: &str, who: &mut Cow<'_, Who>) -> Event {
    if let Some(rest) = message.strip_prefix("duration: ") {
        let Some((number, rest)) = rest.split_once(" ms") else { return Event::Nothing };
        let micros = number.trim().parse::<f64>().ok().map(|ms| (ms * 1000.0).max(0.0) as u64);
        let (rest, micros) = (rest.trim_start(), micros.unwrap_or(0));
        if rest.is_empty() {
            return Event::Duration(micros);
        }
        if let Some(plan) = rest.strip_prefix("plan:") {
            return auto_explain::planned(plan.trim_start(), micros);
        }
        return statement(rest, Some(micros));
    }
    if message.starts_with("statement: ") || message.starts_with("execute ") {
        return statement(message, None);
    }
    if let Some(record) = message.strip_prefix("AUDIT: ") {
        return pgaudit::event(record);
    }
    if EXAMINED.contains(&message) {
        return Event::Examined;
    }
    if message == "database system is ready to accept connections" {
        return Event::Restarted;
    }
    if let Some(rest) = message.strip_prefix("connection received: ") {
        if let Some(host) = value(rest, "host=", &[" port="]) {
            who.to_mut().client = Text::from(host);
        }
        who.to_mut().port = value(rest, "port=", &[" "]).and_then(|port| port.parse().ok()).unwrap_or(0);
        return Event::Connected;
    }
    let replication = message.starts_with("replication connection authorized: ");
    if replication || message.starts_with("connection authorized: ") {
        let behind_user = [&[" database="], &BEHIND_DATABASE[..]].concat();
        if let Some(user) = value(message, "user=", &behind_user) {
            who.to_mut().user = Text::from(user);
        }
        if let Some(database) = value(message, " database=", &BEHIND_DATABASE) {
            who.to_mut().database = Text::from(database);
        }
        let application = application(message);
        if !application.is_empty() {
            who.to_mut().application = Text::from(application);
        }
        return Event::Authorized(replication);
    }
    if message.starts_with("received replication command: ") {
        return Event::Replication;
    }
    if let Some(rest) = message.strip_prefix("disconnection: ") {
        let who = who.to_mut();
        for (key, behind, mine) in [
            (" host=", " port=", &mut who.client),
            (" user=", " database=", &mut who.user),
            (" database=", " host=", &mut who.database),
        ] {
            if let Some(said) = value(rest, key, &[behind]) {
                *mine = Text::from(said);
            }
        }
        return Event::Disconnected;
    }
    if postgres_translated::announces(message) { Event::Translated } else { Event::Nothing }
}

/// With a duration it was logged after it ended well; without one before it ran.
fn announced(sql: &str, micros: Option<u64>) -> Event {
    let ended = micros.map(|micros| Ended::well(Some(micros)));
    Event::Statement { sql: sql.to_owned(), ended, number: 0 }
}

/// `statement: …`, `execute name: …`; parse and bind belong to an execution that is logged itself.
fn statement(text: &str, micros: Option<u64>) -> Event {
    if let Some(sql) = text.strip_prefix("statement: ") {
        return announced(sql, micros);
    }
    if let Some(rest) = text.strip_prefix("execute ") {
        if rest.starts_with("fetch from ") {
            return Event::Nothing;
        }
        if let Some((_, sql)) = rest.split_once(": ") {
            return announced(sql, micros);
        }
    }
    Event::Nothing
}
