//! PostgreSQL's stderr log with any `log_line_prefix` that begins with a time (runtime-config-logging in its
//! manual): process id or session id in any place, and user, database, application and client as
//! `key=value` pairs, as `user@database`, or in the order of hosted services. Continuation lines start with
//! a tab. It keeps no state across lines.

use super::messages::{self, Severity};
use super::{Block, Event, LogFormat, Record, Who, Zones};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Confidence, Provenance, Text};
use regex::Regex;
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
    prefix: &'a str,
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
    let (stamp, used) = zones.read(text.as_bytes())?;
    let rest = text.get(used..)?;
    let (start, severity, after) = split_severity(rest)?;
    Some(Line { stamp, prefix: &rest[..start], severity, message: &rest[after..] })
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
    bracketed
        .or_else(|| {
            let at = prefix.find("pid=").or_else(|| prefix.find("p="))?;
            prefix[at..].split('=').nth(1)?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        })
        .unwrap_or(0)
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
        let value =
            prefix[whole.end().min(end)..end].trim_end_matches([' ', ',', ':', ']', '>', ')', ';', '|']);
        match key.as_str() {
            "user" | "usr" | "username" | "u" => who.user = text(value),
            "db" | "dbname" | "database" | "d" => who.database = text(value),
            "app" | "application" | "application_name" | "a" => {
                who.application = Text::from(scrub(&text(value)))
            }
            _ => {
                let port = value.strip_suffix(')').unwrap_or(value).rsplit_once('(');
                let host = port.map_or(value, |(host, _)| host);
                who.client = if host == "[local" { Text::from("[local]") } else { text(host) };
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
            title: "PostgreSQL stderr log with any log_line_prefix that begins with a time",
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

    fn parse(&self, block: &[u8], zones: &Zones) -> Block {
        let text = String::from_utf8_lossy(block);
        let mut parsed = Block::default();
        let mut names: HashMap<&str, Arc<Who>> = HashMap::new();
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

/// Whether a line can begin a record: a date stands at its start.
fn begins(line: &[u8]) -> bool {
    line.len() >= 19
        && line[..4].iter().all(u8::is_ascii_digit)
        && line[4] == b'-'
        && line[7] == b'-'
        && line[13] == b':'
}

fn close<'a>(
    open: Option<(Line<'a>, u64, String)>,
    parsed: &mut Block,
    names: &mut HashMap<&'a str, Arc<Who>>,
) {
    let Some((line, number, message)) = open else { return };
    parsed.zone_assumed |= !line.stamp.known;
    // The process id makes every prefix its own; what stands behind it repeats.
    let tail = match line.prefix.rfind(']') {
        Some(at) if line.prefix[at + 1..].len() > 1 => &line.prefix[at + 1..],
        _ => line.prefix,
    };
    let base = names.entry(tail).or_insert_with(|| Arc::new(who(tail))).clone();
    let mut own = (*base).clone();
    let event = messages::event(line.severity, message.trim_end(), &mut own);
    let who = if own == *base { base } else { Arc::new(own) };
    if matches!(event, Event::Nothing) && line.severity == Severity::More {
        return;
    }
    parsed.records.push(Record {
        stamp: line.stamp.stamp,
        session: session(line.prefix),
        who,
        event,
        line: number,
    });
}
