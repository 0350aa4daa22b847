//! PgBouncer's log (its documentation, "Logging"; objects.c and client.c of its source): who connects to the pooler, as
//! whom, to which database, from where. It holds no statement. What the pooler itself opens at a server (`S-0x…`) is no
//! consumer's; it tells from which address the server sees the pooler's clients coming.

use super::stamps::Clock;
use super::{Block, Context, Event, LogFormat, Record, Who, Zones, syslog};
use crate::evidence::{About, Confidence, Provenance, Text};
use std::hash::BuildHasher;
use std::sync::Arc;

/// PgBouncer's log.
pub struct PgBouncer;

/// How many lines of a head are tried.
const LINES_TRIED: usize = 200;

/// A line about a connection of a client.
struct Line<'a> {
    record: Record,
    known: bool,
    rest: &'a str,
}

/// The levels of PgBouncer.
const LEVELS: [&str; 6] = ["LOG ", "INFO ", "WARNING ", "ERROR ", "FATAL ", "DEBUG "];

/// The text behind time, process and level: of its own file, or of syslog.
fn message<'a>(line: &'a str, clock: &mut Clock<'_>) -> Option<(super::Zoned, u64, &'a str)> {
    if let Some((stamp, used)) = clock.read(line.as_bytes()) {
        // Before version 1.10 the level came first, and there was no zone.
        let rest = line.get(used..)?.strip_prefix(' ')?;
        let (pid, rest) = match rest.strip_prefix('[') {
            Some(rest) => rest.split_once("] ")?,
            None => rest.split_once(' ')?,
        };
        if let Ok(pid) = pid.parse() {
            let level = LEVELS.iter().find(|level| rest.starts_with(**level))?;
            return Some((stamp, pid, &rest[level.len()..]));
        }
    }
    let line = syslog::Line::read(line, clock).filter(|line| line.program.contains("pgbouncer"))?;
    let syslog::Time::At(stamp) = line.time else { return None };
    Some((stamp, line.pid, line.message))
}

/// `shop/app@10.0.3.7:38296`, of which database and user may hold anything but a slash: an address is last.
fn peer(text: &str) -> Option<(&str, &str, &str, u16)> {
    let (database, rest) = text.split_once('/')?;
    let (user, address) = rest.rsplit_once('@')?;
    let (host, port) = address.rsplit_once(':')?;
    let host = host.trim_matches(['[', ']']);
    let host = if host == "unix" || host.starts_with("unix(") { "[local]" } else { host };
    Some((database, user, host, port.parse().unwrap_or(0)))
}

/// `db=shop user=app tls=no` of a login attempt, which is said before the pooler knows either.
fn asked(text: &str) -> Option<(&str, &str)> {
    let (database, rest) = text.split_once("db=")?.1.rsplit_once(" user=")?;
    Some((database, rest.split_once(" tls=").map_or(rest, |(user, _)| user)))
}

/// The event of what is said of a client.
fn event(text: &str) -> Option<Event> {
    if let Some(asked) = text.strip_prefix("login attempt:") {
        return Some(Event::Authorized(
            asked.contains(" replication=") && !asked.contains(" replication=no"),
        ));
    }
    let reason = text.strip_prefix("closing because: ")?;
    // What never got in (client.c and objects.c: a login that fails ends with one of these).
    const TURNED_AWAY: [&str; 10] = [
        "authentication failed",
        "no such user",
        "no such database",
        "bouncer config error",
        "not allowed",
        "no authentication method",
        "SSL required",
        "TLS required",
        "pgbouncer cannot connect to server",
        "client_login_timeout",
    ];
    let turned_away = TURNED_AWAY.iter().any(|words| reason.contains(words));
    Some(if turned_away { Event::Refused } else { Event::Disconnected })
}

/// `shop/app@10.0.0.10:5432 new connection to server (from 10.0.0.20:44142)`: from where the pooler goes to which server.
fn relayed(text: &str) -> Option<Event> {
    let (whom, said) = text.split_once(' ')?;
    let (_, _, host, port) = peer(whom)?;
    let from = said.strip_prefix("new connection to server (from ")?.strip_suffix(')')?;
    let (from, _) = from.rsplit_once(':')?;
    let address = |text: &str| text.trim_matches(['[', ']']).parse::<std::net::IpAddr>().ok();
    let from = address(from).filter(|from| !from.is_loopback())?;
    let server = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    Some(Event::Relays(Text::from(from.to_string()), Text::from(server)))
}

/// A line of the log; the record is one of a client's, or of a connection that the pooler opened for its clients.
fn line<'a>(text: &'a str, clock: &mut Clock<'_>, number: u64) -> Option<Line<'a>> {
    let (stamp, pid, rest) = message(text, clock)?;
    let about = |who: Who, session: u64, event: Event| Record {
        stamp: stamp.stamp,
        session,
        who: Arc::new(who.scrubbed()),
        event,
        line: number,
    };
    let nothing = || about(Who::default(), pid, Event::Nothing);
    let of_server = rest.strip_prefix("S-0x").and_then(|rest| rest.split_once(": "));
    let relayed = of_server.and_then(|(_, said)| relayed(said));
    let of_client = rest.strip_prefix("C-0x").and_then(|rest| rest.split_once(": "));
    let record = of_client.and_then(|(socket, said)| {
        let (whom, said) = said.split_once(' ')?;
        let (database, user, client, port) = peer(whom)?;
        let event = event(said)?;
        let (database, user) = asked(said).unwrap_or((database, user));
        let named = |text: &str| if text.starts_with("(no") { Text::from("") } else { Text::from(text) };
        let who = Who {
            user: named(user),
            database: named(database),
            application: Text::from(""),
            client: Text::from(client),
            port,
            ..Who::default()
        };
        let session = foldhash::fast::FixedState::default().hash_one((pid, socket)) | 1;
        Some(about(who, session, event))
    });
    let record = record.or_else(|| relayed.map(|event| about(Who::default(), pid, event)));
    Some(Line { record: record.unwrap_or_else(nothing), known: stamp.known, rest })
}

/// Whether a line can only be PgBouncer's.
fn is_own(rest: &str) -> bool {
    let socket =
        |kind: &str| rest.strip_prefix(kind).is_some_and(|rest| rest.contains(": ") && rest.contains('@'));
    socket("C-0x")
        || socket("S-0x")
        || rest.starts_with("stats: ")
        || rest.starts_with("Stats: ")
        || rest.starts_with("process up: PgBouncer")
        || rest.starts_with("process up: pgbouncer")
}

impl LogFormat for PgBouncer {
    fn about(&self) -> &'static About {
        &About {
            name: "pgbouncer",
            title: "PgBouncer's log: who connects to the pooler",
            provenance: Provenance::Recorded,
        }
    }

    fn recognise(&self, head: &[u8]) -> Option<Confidence> {
        let text = String::from_utf8_lossy(head);
        let zones = Zones::new(None);
        let mut clock = Clock::new(&zones);
        let lines = text.lines().filter(|line| !line.is_empty()).take(LINES_TRIED);
        let own =
            |text: &str, clock: &mut Clock<'_>| line(text, clock, 0).is_some_and(|line| is_own(line.rest));
        let found = lines.into_iter().any(|line| own(line, &mut clock));
        found.then_some(Confidence::High)
    }

    fn last_start(&self, block: &[u8]) -> usize {
        memchr::memrchr(b'\n', block).map_or(0, |at| at + 1)
    }

    fn parse(&self, block: &[u8], context: Context<'_>) -> Block {
        let mut clock = Clock::new(context.zones);
        let mut parsed = Block::default();
        let text = super::as_text(block);
        for (number, text) in text.lines().enumerate() {
            let number = number as u64;
            parsed.lines += 1;
            match line(text, &mut clock, number) {
                Some(line) => {
                    parsed.zone_assumed |= !line.known;
                    if !matches!(line.record.event, Event::Nothing) {
                        parsed.records.push(line.record);
                    }
                }
                None if text.trim().is_empty() || text.starts_with('\t') => {}
                None => {
                    if parsed.unmatched == 0 {
                        parsed.first_unmatched = number;
                    }
                    parsed.unmatched += 1;
                }
            }
        }
        parsed
    }
}
