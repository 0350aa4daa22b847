//! The general query log of MySQL and MariaDB (MySQL manual, "The General Query Log"): a line is a time, a thread and a
//! command, and what follows is its argument, with whatever lines it has. Before 5.7 and in MariaDB the time stands only
//! where the second has changed. A user is named where a thread connects, and no record says how a statement ended. It keeps
//! no state across records.

use super::mysql::{self, SHORT_STAMP, short_stamp};
use super::{Block, Context, Event, LogFormat, Record, UNSTATED, Who, Zoned, Zones};
use crate::evidence::{About, Confidence, Provenance, Text};
use crate::sql::Dialect;
use std::sync::Arc;

/// MySQL's and MariaDB's general query log.
pub struct MysqlGeneral;

/// The commands of the protocol, as servers name them (`command_name` in their source).
const COMMANDS: [&str; 40] = [
    "Query",
    "Execute",
    "Prepare",
    "Close stmt",
    "Connect",
    "Quit",
    "Init DB",
    "Ping",
    "Field List",
    "Change user",
    "Reset Connection",
    "Reset connection",
    "Reset stmt",
    "Long Data",
    "Fetch",
    "Set option",
    "Statistics",
    "Processlist",
    "Kill",
    "Refresh",
    "Create DB",
    "Drop DB",
    "Shutdown",
    "Debug",
    "Time",
    "Delayed insert",
    "Binlog Dump",
    "Binlog Dump GTID",
    "Table Dump",
    "Connect Out",
    "Register Slave",
    "Register Replica",
    "Daemon",
    "Sleep",
    "Bulk_execute",
    "Slave_worker",
    "Slave_IO",
    "Slave_SQL",
    "clone",
    "Error",
];

/// How many starts are looked at for one that stands in no literal.
const STARTS_TRIED: usize = 64;

/// The start of a record.
#[derive(Debug, Clone, Copy)]
struct Start<'a> {
    /// Its time, where it has one, as written.
    stamp: &'a [u8],
    thread: u64,
    command: &'static str,
    /// Where its argument begins, from the start of the line.
    argument: usize,
}

/// Reads `<time>\t<thread> <command>\t`, exactly as servers lay it out.
fn start(line: &[u8]) -> Option<Start<'_>> {
    let (stamp, mut at): (&[u8], usize) = match *line.first()? {
        b'\t' if line.get(1) == Some(&b'\t') => (b"", 2),
        b'0'..=b'9' => {
            let tab = memchr::memchr(b'\t', line.get(..40.min(line.len()))?)?;
            let written = tab == SHORT_STAMP || tab >= 19 && line[4] == b'-' && line[10] == b'T';
            (written.then(|| &line[..tab])?, tab + 1)
        }
        _ => return None,
    };
    while line.get(at) == Some(&b' ') {
        at += 1;
    }
    let digits = line[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > 19 || line.get(at + digits) != Some(&b' ') {
        return None;
    }
    let thread = std::str::from_utf8(&line[at..at + digits]).ok()?.parse().ok()?;
    at += digits + 1;
    let rest = &line[at..];
    let names = |name: &&&str| rest.starts_with(name.as_bytes()) && rest.get(name.len()) == Some(&b'\t');
    let command = *COMMANDS.iter().find(names)?;
    Some(Start { stamp, thread, command, argument: at + command.len() + 1 })
}

/// The moment of a start; `None`: it states none, and that of the record before holds.
fn moment(start: &Start<'_>, zones: &Zones) -> Option<Zoned> {
    short_stamp(start.stamp, zones).or_else(|| zones.read(start.stamp).map(|(zoned, _)| zoned))
}

/// Where the line ends that begins here, with its newline.
fn line_end(text: &[u8], from: usize) -> usize {
    memchr::memchr(b'\n', &text[from..]).map_or(text.len(), |found| from + found + 1)
}

fn trimmed(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |at| at + 1);
    &line[..end]
}

/// How many lines of a head are starts of records of this log.
pub(super) fn starts(head: &[u8]) -> usize {
    head.split(|byte| *byte == b'\n').filter(|line| start(line).is_some()).count()
}

/// Who `app@10.0.3.7 on shop using TCP/IP` says connected, or `app@host as anonymous on shop`.
fn connected(argument: &str) -> Option<Who> {
    let (account, target) = argument.split_once(" on ")?;
    let account = account.split_once(" as ").map_or(account, |(account, _)| account);
    let (user, host) = account.rsplit_once('@')?;
    let database = target.rsplit_once(" using ").map_or(target, |(database, _)| database);
    let who = Who {
        user: Text::from(user),
        database: Text::from(database.trim()),
        client: mysql::client(host, ""),
        ..Who::default()
    };
    Some(who.scrubbed())
}

fn of_database(name: &str) -> Who {
    Who { database: Text::from(name), ..Who::default() }.scrubbed()
}

/// What a command with its argument says: events, each with who it says.
fn events(command: &str, argument: &str, out: &mut Vec<(Who, Event)>) {
    let nobody = Who::default;
    match command {
        "Connect" | "Change user" | "Init DB" if argument.starts_with("Access denied for user ") => {
            out.push((nobody(), Event::Refused));
        }
        // Who changes the user of a connection goes on as if it were a new one.
        "Connect" | "Change user" => {
            let who = connected(argument).unwrap_or_default();
            out.push((Who { client: who.client.clone(), ..nobody() }, Event::Connected));
            out.push((who, Event::Authorized(false)));
        }
        "Init DB" => out.push((of_database(argument), Event::Nothing)),
        "Query" | "Execute" => {
            if mysql::replicates(argument) {
                out.push((nobody(), Event::Replication));
            }
            let mut who = mysql::used_database(argument).map_or_else(nobody, of_database);
            mysql::learn_from(argument, &mut who);
            out.push((who, Event::Statement { sql: argument.to_owned(), ended: None, number: 0 }));
        }
        "Quit" => out.push((nobody(), Event::Disconnected)),
        "Binlog Dump" | "Binlog Dump GTID" | "Table Dump" | "Register Slave" | "Register Replica" => {
            out.push((nobody(), Event::Replication));
        }
        _ => out.push((nobody(), Event::Nothing)),
    }
}

impl LogFormat for MysqlGeneral {
    fn about(&self) -> &'static About {
        &About {
            name: "mysql-general",
            title: "general query log of MariaDB, and of MySQL 5.1 to 8 as documented",
            provenance: Provenance::Recorded,
        }
    }

    fn dialect(&self) -> Dialect {
        Dialect::MySql
    }

    fn never_says(&self) -> Option<&'static str> {
        Some(
            "the general log never says how a statement ended: one that failed or was refused counts as one that worked",
        )
    }

    fn recognise(&self, head: &[u8]) -> Option<Confidence> {
        let starts = starts(head);
        (starts > 0 && starts > super::mysql_slow::starts(head)).then_some(Confidence::High)
    }

    fn last_start(&self, block: &[u8]) -> usize {
        // A start whose predecessor ends inside of a literal may belong to that literal: what follows tells.
        let (mut end, mut later, mut doubtful) = (block.len(), None, None);
        for _ in 0..STARTS_TRIED {
            let Some((line, argument)) = start_before(block, end) else { return later.unwrap_or(0) };
            if let Some(later) = later {
                if mysql::is_closed(&block[argument..later]) {
                    return later;
                }
                doubtful = doubtful.or(Some(later));
            }
            later = Some(line);
            end = line;
        }
        doubtful.unwrap_or(0)
    }

    fn parse(&self, block: &[u8], context: Context<'_>) -> Block {
        let text = super::as_text(block);
        let bytes = text.as_bytes();
        let mut parsed = Block::default();
        let nobody = Arc::new(Who::default());
        let mut told = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let end = line_end(bytes, at);
            let line = trimmed(&bytes[at..end]);
            let number = parsed.lines;
            let Some(start) = start(line) else {
                if !line.is_empty() && !mysql::is_banner(line) {
                    if parsed.unmatched == 0 {
                        parsed.first_unmatched = number;
                    }
                    parsed.unmatched += 1;
                }
                parsed.lines += 1;
                at = end;
                continue;
            };
            let from = at + start.argument;
            let until = argument_end(bytes, from, end);
            parsed.lines += memchr::memchr_iter(b'\n', &bytes[at..until]).count() as u64
                + u64::from(!bytes[at..until].ends_with(b"\n"));
            let argument = text.get(from..until).unwrap_or_default().trim_end_matches(['\n', '\r']);
            let stamp = moment(&start, context.zones);
            parsed.zone_assumed |= stamp.is_some_and(|stamp| !stamp.known);
            events(start.command, argument, &mut told);
            for (index, (who, event)) in told.drain(..).enumerate() {
                let who = if who == *nobody { nobody.clone() } else { Arc::new(who) };
                let stamp = stamp.filter(|_| index == 0).map_or(UNSTATED, |stamp| stamp.stamp);
                parsed.records.push(Record { stamp, session: start.thread, who, event, line: number });
            }
            at = until;
        }
        parsed
    }
}

/// The last start of a record before a position: where its line and where its argument begin.
fn start_before(block: &[u8], end: usize) -> Option<(usize, usize)> {
    let mut end = end;
    while end > 0 {
        let line = memchr::memrchr(b'\n', &block[..end - 1]).map_or(0, |newline| newline + 1);
        let whole = trimmed(&block[line..line_end(block, line)]);
        if let Some(start) = start(whole) {
            return Some((line, line + start.argument));
        }
        end = line;
    }
    None
}

/// Where the argument that begins at `from`, and whose line ends at `end`, is over.
fn argument_end(bytes: &[u8], from: usize, end: usize) -> usize {
    let next = |from: usize| {
        let mut at = from;
        while at < bytes.len() {
            let end = line_end(bytes, at);
            let line = trimmed(&bytes[at..end]);
            if start(line).is_some() || mysql::is_banner(line) {
                break;
            }
            at = end;
        }
        at
    };
    let first = next(end);
    if first == bytes.len() || mysql::is_closed(&bytes[from..first]) {
        return first;
    }
    let second = next(line_end(bytes, first));
    if mysql::goes_on(&bytes[from..first], &bytes[first..second]) { second } else { first }
}
