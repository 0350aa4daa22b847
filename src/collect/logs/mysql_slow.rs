//! The slow query log of MySQL, MariaDB and Percona Server (their manuals, "The Slow Query Log"; Percona's "Slow query log
//! format"): lines of `#` say who, where and how long, then stand the database where it changes, the moment the statement
//! began, and the statement with all its lines. It keeps no state across records: a database that one names for those after
//! it is an event.

use super::mysql::{self, short_stamp};
use super::{Block, Context, Ended, Event, LogFormat, Record, UNSTATED, Who, Zones};
use crate::evidence::{About, Confidence, Outcome, Provenance, Stamp, Text};
use crate::sql::Dialect;
use foldhash::fast::FixedState;
use std::collections::HashMap;
use std::sync::Arc;

/// MySQL's, MariaDB's and Percona's slow query log.
pub struct MysqlSlow;

const TIME: &[u8] = b"# Time: ";
const USER: &[u8] = b"# User@Host: ";
const ADMINISTRATOR: &str = "# administrator command: ";
/// How many lines of one statement are looked at that could open a record, and may stand in a literal.
const DOUBTS_TRIED: usize = 8;
/// The last second of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;
/// What a replica's own threads are called instead of a login.
const REPLICA: &str = "SQL_SLAVE";

fn line_end(text: &[u8], from: usize) -> usize {
    memchr::memchr(b'\n', &text[from..]).map_or(text.len(), |found| from + found + 1)
}

fn trimmed(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |at| at + 1);
    &line[..end]
}

/// Whether a line can open a record.
fn opens(line: &[u8]) -> bool {
    match line.strip_prefix(TIME) {
        Some(time) => time.first().is_some_and(u8::is_ascii_digit),
        None => line.starts_with(USER) && memchr::memmem::find(line, b"] @ ").is_some(),
    }
}

/// How a line that can open a record stands to the line before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    /// It opens one: a statement ended before it, or nothing stands there.
    Sure,
    /// A statement before it did not end: it stands inside of a literal, or the record before was torn.
    Doubtful,
    /// It goes on with the head that the line before began.
    Same,
}

fn opening(text: &[u8], at: usize) -> Opening {
    let before = at
        .checked_sub(1)
        .map_or(0, |end| memchr::memrchr(b'\n', &text[..end]).map_or(0, |newline| newline + 1));
    let before = trimmed(&text[before..at]);
    if before.starts_with(TIME) {
        Opening::Same
    } else if before.is_empty() || before.ends_with(b";") || mysql::is_banner(before) {
        Opening::Sure
    } else {
        Opening::Doubtful
    }
}

/// How many lines of a head name who ran a statement.
pub(super) fn starts(head: &[u8]) -> usize {
    head.split(|byte| *byte == b'\n').filter(|line| line.starts_with(USER) && opens(line)).count()
}

/// The lines in front of a statement.
#[derive(Debug, Default)]
struct Head<'a> {
    /// `261126  0:20:13`, or `2026-11-22T22:26:12.004511Z`: when it ended.
    time: Option<&'a str>,
    /// `app[app] @ web1 [10.0.3.7]`, and what stands behind it.
    account: &'a str,
    thread: u64,
    /// The database, where a key says it, even that there is none.
    schema: Option<&'a str>,
    /// The database that `use` says.
    used: Option<&'a str>,
    micros: Option<u64>,
    error: u64,
    killed: bool,
    /// When it began, in microseconds since 1970.
    began: Option<i64>,
}

/// Tells each `Key: value` of a line: a value is a word, and that of `Schema` a name that ends at two blanks, or is empty
/// where those stand in its place.
fn fields<'a>(line: &'a str, mut each: impl FnMut(&str, &'a str)) {
    let mut at = 0;
    while let Some(colon) = memchr::memchr(b':', &line.as_bytes()[at..]).map(|found| at + found) {
        let key = line[at..colon].rsplit(' ').next().unwrap_or_default();
        let rest = line[colon + 1..].strip_prefix(' ').unwrap_or(&line[colon + 1..]);
        let start = line.len() - rest.len();
        let (start, length) = if key == "Schema" {
            (start, memchr::memmem::find(rest.as_bytes(), b"  ").unwrap_or(rest.len()))
        } else {
            let start = start + (rest.len() - rest.trim_start_matches(' ').len());
            (start, memchr::memchr(b' ', &line.as_bytes()[start..]).unwrap_or(line.len() - start))
        };
        each(key, line[start..start + length].trim());
        at = start + length;
    }
}

/// Microseconds of `0.000899`, `12`.
fn micros(seconds: &str) -> Option<i64> {
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let digits = fraction.get(..fraction.len().min(6))?;
    let fraction: i64 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let scale = 10i64.pow(6 - digits.len() as u32);
    whole.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(fraction * scale)
}

impl<'a> Head<'a> {
    /// Takes over a line that begins with `#`.
    fn line(&mut self, line: &'a str) {
        if let Some(time) = line.strip_prefix("# Time: ") {
            self.time = Some(time.trim());
        } else if let Some(account) = line.strip_prefix("# User@Host: ") {
            self.account = account;
            let keys = account.rfind(']').map_or("", |end| &account[end + 1..]);
            fields(keys, |key, value| {
                if key == "Id" {
                    self.thread = value.parse().unwrap_or(0);
                }
            });
        } else if ["# Query_time", "# Thread_id", "# Schema"].iter().any(|key| line.starts_with(key)) {
            // What other lines count, and the plan in them, says nothing of who did what.
            fields(line, |key, value| match key {
                "Query_time" => {
                    self.micros = micros(value).and_then(|micros| u64::try_from(micros).ok());
                }
                "Thread_id" => self.thread = value.parse().unwrap_or(self.thread),
                "Schema" => self.schema = Some(value),
                "Last_errno" | "Errno" => self.error = value.parse().unwrap_or(self.error),
                "Killed" => self.killed |= value.parse::<u64>().is_ok_and(|killed| killed != 0),
                _ => {}
            });
        }
    }

    /// Takes over a line that stands between the head and the statement; false: it is the statement.
    fn more(&mut self, line: &'a str) -> bool {
        if let (None, None, Some(name)) = (self.began, self.used, mysql::used_database(line))
            && line.ends_with(';')
        {
            self.used = Some(name);
            return true;
        }
        if self.began.is_none()
            && let Some(rest) = line.strip_prefix("SET ")
            && let Some(all) = rest.strip_suffix(';')
            && let Some(seconds) = all.split(',').find_map(|part| part.strip_prefix("timestamp="))
        {
            self.began = micros(seconds).filter(|micros| (0..=LAST_SECOND * 1_000_000).contains(micros));
            return self.began.is_some();
        }
        false
    }

    /// Who it was: `privileges[login] @ host [address]`.
    fn who(&self) -> Who {
        let (login, host) = self.account.split_once(" @ ").unwrap_or((self.account, ""));
        let inside = |text: &'a str| {
            let (before, rest) = text.split_once('[')?;
            Some((before.trim(), rest.split(']').next().unwrap_or_default()))
        };
        let (privileges, login) = inside(login).unwrap_or((login.trim(), ""));
        let (host, address) = inside(host).unwrap_or((host.trim(), ""));
        let user = if login.is_empty() { privileges } else { login };
        Who {
            user: Text::from(user),
            client: mysql::client(host, address),
            database: Text::from(self.schema.unwrap_or_default()),
            ..Who::default()
        }
    }

    /// When it began, else when it ended; and whether the zone is known.
    fn stamp(&self, zones: &Zones) -> (Stamp, bool) {
        if let Some(began) = self.began {
            return (Stamp(began), true);
        }
        let read = |time: &str| {
            short_stamp(time.as_bytes(), zones)
                .or_else(|| zones.read(time.as_bytes()).map(|(zoned, _)| zoned))
        };
        self.time.and_then(read).map_or((UNSTATED, true), |zoned| (zoned.stamp, zoned.known))
    }

    fn outcome(&self) -> Outcome {
        match mysql::outcome(self.error) {
            Outcome::Ok if self.killed => Outcome::Failed,
            outcome => outcome,
        }
    }
}

/// What one block's records have in common: who they are about, each spelling once.
#[derive(Default)]
struct Known<'a> {
    whos: HashMap<(&'a str, Option<&'a str>), Arc<Who>, FixedState>,
}

impl<'a> Known<'a> {
    fn who(&mut self, head: &Head<'a>) -> Arc<Who> {
        let end = head.account.rfind(']').map_or(head.account.len(), |end| end + 1);
        let key = (&head.account[..end], head.schema);
        self.whos.entry(key).or_insert_with(|| Arc::new(head.who().scrubbed())).clone()
    }
}

/// What a record says; its text begins behind the last line of its head.
fn tell<'a>(head: &Head<'a>, sql: &str, line: u64, zones: &Zones, known: &mut Known<'a>, parsed: &mut Block) {
    let (stamp, zone_known) = head.stamp(zones);
    parsed.zone_assumed |= !zone_known;
    let mut who = known.who(head);
    let session = head.thread;
    let mut add = |who: &Arc<Who>, event: Event| {
        parsed.records.push(Record { stamp, session, who: who.clone(), event, line });
    };
    if let (Some(name), None) = (head.used, head.schema) {
        let named = Who { database: Text::from(name), ..Who::default() }.scrubbed();
        add(&who, Event::InDatabase(named.database));
    }
    if &*who.user == REPLICA || mysql::replicates(sql) {
        add(&who, Event::Replication);
    }
    if sql.is_empty() || sql.starts_with(ADMINISTRATOR) {
        let dumps = sql.get(ADMINISTRATOR.len()..).is_some_and(|command| command.starts_with("Binlog Dump"));
        return add(&who, if dumps { Event::Replication } else { Event::Nothing });
    }
    if mysql::program(sql).is_some() {
        let mut named = (*who).clone();
        mysql::learn_from(sql, &mut named);
        who = Arc::new(named);
    }
    let ended = Some(Ended { outcome: head.outcome(), micros: head.micros });
    add(&who, Event::Statement { sql: sql.to_owned(), ended, number: 0 });
}

/// Where, from here on, a line stands that can open another record, and whether it surely does; or the end.
fn next_opening(bytes: &[u8], from: usize) -> (usize, bool) {
    let mut at = from;
    while at < bytes.len() {
        let end = line_end(bytes, at);
        let line = trimmed(&bytes[at..end]);
        match (line.first(), opens(line)) {
            (Some(b'#'), true) => match opening(bytes, at) {
                Opening::Same => {}
                how => return (at, how == Opening::Sure),
            },
            (Some(first), _) if (first.is_ascii_alphabetic() || *first == b'/') && mysql::is_banner(line) => {
                return (at, true);
            }
            _ => {}
        }
        at = end;
    }
    (at, true)
}

/// Where the record is over of which the statement begins at `from`.
fn record_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    for _ in 0..DOUBTS_TRIED {
        let (first, sure) = next_opening(bytes, at);
        if sure {
            return first;
        }
        let after = line_end(bytes, first);
        let (second, _) = next_opening(bytes, after);
        if !mysql::goes_on(&bytes[from..first], &bytes[first..second]) {
            return first;
        }
        at = after;
    }
    next_opening(bytes, at).0
}

impl LogFormat for MysqlSlow {
    fn about(&self) -> &'static About {
        &About {
            name: "mysql-slow",
            title: "slow query log of MariaDB, and of MySQL 5 to 8 and Percona Server as documented",
            provenance: Provenance::Recorded,
        }
    }

    fn dialect(&self) -> Dialect {
        Dialect::MySql
    }

    fn never_says(&self) -> Option<&'static str> {
        Some(
            "a slow query log says how a statement ended only where its records have Errno or Last_errno: elsewhere one \
             that failed or was refused counts as one that worked; nor does it say what it leaves out",
        )
    }

    fn can_hold_all(&self) -> bool {
        false
    }

    fn recognise(&self, head: &[u8]) -> Option<Confidence> {
        let starts = starts(head);
        (starts > 0 && starts >= super::mysql_general::starts(head)).then_some(Confidence::High)
    }

    fn last_start(&self, block: &[u8]) -> usize {
        let mut end = block.len();
        while let Some(newline) = memchr::memrchr(b'\n', &block[..end]) {
            let line = trimmed(&block[newline + 1..line_end(block, newline + 1)]);
            if opens(line) && opening(block, newline + 1) == Opening::Sure {
                return newline + 1;
            }
            end = newline;
        }
        0
    }

    fn parse(&self, block: &[u8], context: Context<'_>) -> Block {
        let text = super::as_text(block);
        let bytes = text.as_bytes();
        let (mut parsed, mut known) = (Block::default(), Known::default());
        let mut at = 0;
        while at < bytes.len() {
            let end = line_end(bytes, at);
            let line = trimmed(&bytes[at..end]);
            let number = parsed.lines;
            if !opens(line) {
                if !line.is_empty() && !mysql::is_banner(line) {
                    if parsed.unmatched == 0 {
                        parsed.first_unmatched = number;
                    }
                    parsed.unmatched += 1;
                }
                parsed.lines += 1;
                at = end;
                continue;
            }
            let (mut head, mut from, mut named) = (Head::default(), at, false);
            while from < bytes.len() {
                let end = line_end(bytes, from);
                let line = text.get(from..end).unwrap_or_default().trim_end_matches(['\n', '\r']);
                let again = named && line.as_bytes().starts_with(USER);
                if again || head.began.is_some() || !line.starts_with('#') && !head.more(line) {
                    break;
                }
                if line.starts_with(ADMINISTRATOR) {
                    break;
                }
                if line.starts_with('#') {
                    named |= line.as_bytes().starts_with(USER);
                    head.line(line);
                }
                from = end;
            }
            let until = record_end(bytes, from);
            let sql = text.get(from..until).unwrap_or_default().trim_end_matches(['\n', '\r']);
            tell(&head, sql.strip_suffix(';').unwrap_or(sql), number, context.zones, &mut known, &mut parsed);
            parsed.lines += memchr::memchr_iter(b'\n', &bytes[at..until]).count() as u64
                + u64::from(!bytes[at..until].ends_with(b"\n"));
            at = until;
        }
        parsed
    }
}
