//! PostgreSQL's stderr log with any `log_line_prefix` that holds a time in its first part
//! (runtime-config-logging in its manual): process id or session id in any place, and user, database,
//! application and client as `key=value` pairs, as `user@database`, or in the order of hosted services.
//! Continuation lines start with a tab. It keeps no state across lines.

use super::messages::{self, Severity};
use super::{Block, Context, Event, LogFormat, Record, Who, Zones};
use crate::evidence::{About, Confidence, Provenance, Text};
use regex::Regex;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// How many bytes a prefix may have.
const MAX_PREFIX: usize = 600;

/// PostgreSQL's stderr log.
pub struct PostgresStderr;

/// Keys of `key=value` prefixes, with the field each names.
static KEYS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|[\s,;|\[\](<])(user|usr|username|u|db|dbname|database|d|app|application|application_name|a|client|host|remote|rhost|h|r)=")
        .expect("the pattern is a constant of this file")
});

/// `pid=718`, `p=718`.
static PID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|[\s,;|\[(<])(?:pid|p)=(\d+)").expect("the pattern is a constant of this file")
});

/// `10.0.3.7(38246):app_web@shop:[718]` of RDS and Aurora.
static HOSTED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^:([^()\s]*?)(?:\((\d+)\))?:([^:]*?)@([^:@]*):\[(\d+)\]:?$")
        .expect("the pattern is a constant of this file")
});

/// `user@database`, perhaps with `/application` or `[client]` behind it.
static AT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|[\s\]:])([^\s@\[\]]+(?:@[^\s@/\[\]]+)*)@([^\s@/\[\],:]+)")
        .expect("the pattern is a constant of this file")
});

/// A line of the log, split.
struct Line<'a> {
    stamp: super::Zoned,
    /// The prefix without its time.
    prefix: Cow<'a, str>,
    severity: Severity,
    message: &'a str,
}

/// Where the message begins: after `WORD:  ` where WORD is a severity.
fn split_severity(text: &str) -> Option<(usize, Severity, usize)> {
    let mut from = 0;
    while let Some(found) = text[from..].find(":  ").map(|at| at + from) {
        if found > MAX_PREFIX {
            return None;
        }
        let head = text[..found].trim_end();
        let start = head
            .rfind(|c: char| !c.is_alphanumeric())
            .map_or(0, |at| at + head[at..].chars().next().map_or(1, char::len_utf8));
        if let Some(severity) = messages::severity(&head[start..]) {
            return Some((start, severity, found + 3));
        }
        from = found + 1;
    }
    None
}

fn split_line<'a>(text: &'a str, zones: &Zones) -> Option<Line<'a>> {
    let at = stamp_at(text.as_bytes())?;
    let (stamp, used) = zones.read(&text.as_bytes()[at..])?;
    let (start, severity, after) = split_severity(text.get(at + used..)?)?;
    let (start, after) = (start + at + used, after + at + used);
    let prefix = if at == 0 {
        Cow::Borrowed(&text[used..start])
    } else {
        Cow::Owned(format!("{} {}", &text[..at], &text[at + used..start]))
    };
    Some(Line { stamp, prefix, severity, message: &text[after..] })
}

/// The session: `%c` (hex.hex) where there is one, else the first bracketed number.
fn session(prefix: &str) -> u64 {
    let hex = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_hexdigit());
    for token in prefix.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.')) {
        if let Some((start, pid)) = token.split_once('.')
            && start.len() == 8
            && hex(start)
            && hex(pid)
        {
            return u64::from_str_radix(start, 16).unwrap_or(0) << 32
                | u64::from_str_radix(pid, 16).unwrap_or(0);
        }
    }
    let bracketed = prefix.split('[').skip(1).find_map(|part| part.split(']').next()?.parse().ok());
    let named = || PID.captures(prefix).and_then(|found| found[1].parse().ok());
    bracketed.or_else(named).unwrap_or(0)
}

/// Who a prefix names.
fn who(prefix: &str) -> Who {
    let mut who = Who::default();
    let text = |value: &str| if value == "[unknown]" { Text::from("") } else { Text::from(value) };
    if let Some(found) = HOSTED.captures(prefix.trim_end()) {
        let part = |index: usize| found.get(index).map_or("", |m| m.as_str());
        who.client = text(part(1));
        who.port = part(2).parse().unwrap_or(0);
        (who.user, who.database) = (text(part(3)), text(part(4)));
        return who;
    }
    let keys: Vec<_> =
        KEYS.captures_iter(prefix).filter_map(|found| Some((found.get(0)?, found.get(1)?))).collect();
    if keys.is_empty() {
        if let Some(found) = AT.captures(prefix) {
            (who.user, who.database) = (text(&found[1]), text(&found[2]));
        }
        return who;
    }
    for (index, (whole, key)) in keys.iter().enumerate() {
        let end = keys.get(index + 1).map_or(prefix.len(), |(next, _)| next.start());
        let value = prefix[whole.end().min(end)..end].trim_end_matches([' ', ',', ':', '>', ')', ';', '|']);
        // A process id in brackets, and a bracket that the value did not open, belong to the prefix.
        let pid = value.strip_suffix(']').and_then(|value| value.rsplit_once('['));
        let value = match pid {
            Some((before, pid)) if !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit()) => {
                before.trim_end()
            }
            _ => value,
        };
        let value = if value.contains('[') { value } else { value.trim_end_matches(']').trim_end() };
        match key.as_str() {
            "user" | "usr" | "username" | "u" => who.user = text(value),
            "db" | "dbname" | "database" | "d" => who.database = text(value),
            "app" | "application" | "application_name" | "a" => who.application = text(value),
            _ => {
                let port = value.strip_suffix(')').unwrap_or(value).rsplit_once('(');
                let host = port.map_or(value, |(host, _)| host);
                who.client = text(host);
                who.port = port.and_then(|(_, port)| port.parse().ok()).unwrap_or(0);
            }
        }
    }
    who
}

impl LogFormat for PostgresStderr {
    fn about(&self) -> &'static About {
        &About {
            name: "postgres-stderr",
            title: "PostgreSQL stderr log with any log_line_prefix that holds a time",
            provenance: Provenance::Recorded,
        }
    }

    fn recognise(&self, head: &[u8]) -> Option<Confidence> {
        let text = String::from_utf8_lossy(head);
        let zones = Zones::new(None);
        let lines: Vec<&str> =
            text.lines().filter(|line| !line.is_empty() && !line.starts_with('\t')).take(60).collect();
        let matched = lines.iter().filter(|line| split_line(line, &zones).is_some()).count();
        let enough = matched > 0 && (matched >= 2 || lines.len() == 1) && matched * 3 >= lines.len();
        enough.then_some(Confidence::High)
    }

    fn last_start(&self, block: &[u8]) -> usize {
        let mut end = block.len();
        while let Some(newline) = memchr::memrchr(b'\n', &block[..end]) {
            let line = &block[newline + 1..];
            if begins(line) {
                return newline + 1;
            }
            end = newline;
        }
        0
    }

    fn parse(&self, block: &[u8], context: Context<'_>) -> Block {
        let zones = context.zones;
        let text = String::from_utf8_lossy(block);
        let mut parsed = Block::default();
        let mut names: HashMap<String, Arc<Who>> = HashMap::new();
        let mut open: Option<(Line<'_>, u64, String)> = None;
        for line in text.split_inclusive('\n') {
            let number = parsed.lines;
            parsed.lines += 1;
            let line = line.trim_end_matches(['\n', '\r']);
            let split = if begins(line.as_bytes()) { split_line(line, zones) } else { None };
            match (split, &mut open) {
                (Some(line), _) => {
                    close(open.take(), &mut parsed, &mut names);
                    let message = line.message.to_owned();
                    open = Some((line, number, message));
                }
                (None, Some((_, _, message)))
                    if line.starts_with('\t') || line.is_empty() || !begins(line.as_bytes()) =>
                {
                    message.push('\n');
                    message.push_str(line.strip_prefix('\t').unwrap_or(line));
                }
                (None, _) if line.is_empty() => {}
                (None, _) => {
                    if parsed.unmatched == 0 {
                        parsed.first_unmatched = number;
                    }
                    parsed.unmatched += 1;
                }
            }
        }
        close(open.take(), &mut parsed, &mut names);
        parsed
    }
}

/// How far into a line its time may begin.
const MAX_BEFORE_STAMP: usize = 160;

/// Where the time of a line stands: `2026-10-26 02:00:01` in its first part, before anything that only a
/// message holds.
fn stamp_at(line: &[u8]) -> Option<usize> {
    let date = |at: usize| {
        let text = line.get(at..at + 19)?;
        let shape = text[4] == b'-' && text[7] == b'-' && text[13] == b':' && text[16] == b':';
        let digits = [0, 1, 2, 3, 5, 6, 8, 9, 11, 12].iter().all(|index| text[*index].is_ascii_digit());
        (shape && digits).then_some(at)
    };
    if let Some(at) = date(0) {
        // A container's log has its own time in front: `2026-10-21T22:00:00.1Z stdout F …`.
        return (line[10] != b'T').then_some(at);
    }
    // Lines that something else has wrapped (JSON, syslog, a container's log) are not this format.
    let wrapped = line.starts_with(b"{")
        || [&b"postgres["[..], b" stdout ", b" stderr "]
            .iter()
            .any(|mark| memchr::memmem::find(&line[..line.len().min(MAX_BEFORE_STAMP)], mark).is_some());
    if wrapped {
        return None;
    }
    let end = line.len().min(MAX_BEFORE_STAMP);
    let end = memchr::memmem::find(&line[..end], b":  ").unwrap_or(end);
    memchr::memchr_iter(b'-', &line[..end]).filter_map(|dash| date(dash.checked_sub(4)?)).next()
}

/// Whether a line can begin a record: it is no continuation and its time stands in its first part.
fn begins(line: &[u8]) -> bool {
    !line.starts_with(b"\t") && stamp_at(line).is_some()
}

fn close(open: Option<(Line<'_>, u64, String)>, parsed: &mut Block, names: &mut HashMap<String, Arc<Who>>) {
    let Some((line, number, message)) = open else { return };
    parsed.zone_assumed |= !line.stamp.known;
    // The process id makes every prefix its own; what stands behind it repeats, if it names anybody.
    // A bracket behind the first `=` belongs to a value (`app=[unknown]`).
    let named = line.prefix.find('=').unwrap_or(line.prefix.len());
    let tail = match line.prefix[..named].rfind(']') {
        Some(at) if line.prefix[at + 1..].contains(['=', '@']) => &line.prefix[at + 1..],
        _ => &line.prefix,
    };
    let base = match names.get(tail) {
        Some(known) => known.clone(),
        None => {
            let named = Arc::new(who(tail).scrubbed());
            names.insert(tail.to_owned(), named.clone());
            named
        }
    };
    let mut own = (*base).clone();
    let event = messages::event(line.severity, message.trim_end(), &mut own);
    let who = if own == *base { base } else { Arc::new(own.scrubbed()) };
    if matches!(event, Event::Nothing) && line.severity == Severity::More {
        return;
    }
    parsed.records.push(Record {
        stamp: line.stamp.stamp,
        session: session(&line.prefix),
        who,
        event,
        line: number,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `user database application client session` of the only record of a log.
    fn said(prefix: &str) -> String {
        let log = format!("{prefix}LOG:  statement: SELECT 1\n\tFROM t\n");
        assert!(PostgresStderr.recognise(log.as_bytes()).is_some(), "{prefix:?} is not recognised");
        let block = PostgresStderr.parse(log.as_bytes(), Context { zones: &Zones::new(None), header: "" });
        let [record] = &block.records[..] else { panic!("{prefix:?} gives {} records", block.records.len()) };
        let Event::Statement { sql, .. } = &record.event else { panic!("{prefix:?} gives no statement") };
        assert_eq!((sql.as_str(), block.unmatched), ("SELECT 1\nFROM t", 0), "{prefix:?}");
        let who = &record.who;
        format!("{}|{}|{}|{}|{:x}", who.user, who.database, who.application, who.client, record.session)
    }

    #[test]
    fn prefixes_in_use_are_read_without_being_told() {
        let time = "2026-11-22 22:42:43.123 CET";
        for (prefix, want) in [
            (format!("{time} [718] "), "||||2ce"),
            (format!("{time} [718] app_web@shop "), "app_web|shop|||2ce"),
            (
                format!("{time} [718]: [3-1] user=app_web,db=shop,app=Tableau 2024.1,client=10.0.3.7 "),
                "app_web|shop|Tableau 2024.1|10.0.3.7|2ce",
            ),
            (
                format!("{time} [718] user=app_web,db=shop,app=[unknown],client=[local] "),
                "app_web|shop||[local]|2ce",
            ),
            (format!("{time}:10.0.3.7(38246):app_web@shop:[718]:"), "app_web|shop||10.0.3.7|2ce"),
            (format!("{time} user=app_web,db=shop [718]: "), "app_web|shop|||2ce"),
            (
                format!("user=app_web,db=shop,app=psql,client=10.0.3.7 {time} [718] "),
                "app_web|shop|psql|10.0.3.7|2ce",
            ),
            (format!("< {time} >[718] "), "||||2ce"),
            (format!("[718] {time} app_web@shop "), "app_web|shop|||2ce"),
            (format!("{time}-6abc0001.2ce-"), "||||6abc0001000002ce"),
            (
                format!("{time} p=718 u=app_web d=shop h=web1.example.org(41122) a=my app, v2 "),
                "app_web|shop|my app, v2|web1.example.org|2ce",
            ),
        ] {
            assert_eq!(said(&prefix), want, "{prefix:?}");
        }
    }

    #[test]
    fn a_continuation_that_looks_like_a_record_is_none() {
        let log = "2026-11-22 22:42:43 UTC [7] LOG:  statement: SELECT '\n\t2026-11-22 22:42:44 UTC [8] LOG:  statement: DELETE FROM t'\n";
        let block = PostgresStderr.parse(log.as_bytes(), Context { zones: &Zones::new(None), header: "" });
        assert_eq!(block.records.len(), 1);
    }
}
