//! PostgreSQL's stderr log with any `log_line_prefix` that holds a time (runtime-config-logging in its manual): its
//! lines begin with that prefix, and go on behind a tab. What a prefix says is read in `postgres_prefix`, what a message
//! says in `messages`. It keeps no state across records.

use super::messages::Severity;
use super::postgres_learned::{Lesson, is_learnt, learn};
use super::postgres_lines::{Around, Assembler, Joint};
use super::postgres_prefix::{Begun, is_wrapped};
use super::stamps::Clock;
use super::{Block, Context, LogFormat, Opening, Zones};
use crate::evidence::{About, Confidence, Provenance};
use std::borrow::Cow;

/// PostgreSQL's stderr log.
pub struct PostgresStderr;

/// How many lines of a head are tried.
const LINES_TRIED: usize = 60;

impl LogFormat for PostgresStderr {
    fn about(&self) -> &'static About {
        &About {
            name: "postgres-stderr",
            title: "PostgreSQL stderr log with any log_line_prefix that holds a time",
            provenance: Provenance::Recorded,
        }
    }

    /// One whose prefix has no time is named as one that cannot be read.
    fn holds_times(&self) -> bool {
        false
    }

    fn recognise(&self, head: &[u8]) -> Option<Confidence> {
        let text = String::from_utf8_lossy(head);
        let zones = Zones::new(None);
        let mut clock = Clock::new(&zones);
        let own = |line: &&str| !line.is_empty() && !line.starts_with('\t');
        let lines: Vec<&str> = text.lines().filter(own).take(LINES_TRIED).collect();
        let few =
            |matched: usize| matched == 0 || (matched < 2 && lines.len() > 1) || matched * 3 < lines.len();
        let matched = lines.iter().filter(|line| begin(line, &mut clock, false).is_some()).count();
        if !few(matched) {
            return Some(Confidence::High);
        }
        // A log of PostgreSQL whose prefix nobody knows here is better named than passed over.
        let timeless = lines.iter().filter_map(|line| timeless(line, &mut clock));
        let severities: Vec<Severity> = timeless.collect();
        // What a client prints has errors and notices; only the server's own log has the rest.
        let server = severities.iter().any(|it| matches!(it, Severity::Log | Severity::Statement));
        (server && !few(severities.len())).then_some(Confidence::Low)
    }

    fn last_start(&self, block: &[u8]) -> usize {
        self.last_start_of(block, "")
    }

    fn opening(&self, opening: &Opening<'_>) -> (String, bool) {
        if let Some(stated) = opening.prefix {
            return (stated.to_owned(), false);
        }
        let learnt = match learn(&String::from_utf8_lossy(opening.head)) {
            Lesson::Learnt(prefix) => prefix,
            Lesson::Enough => String::new(),
            // Whoever was let in before the log began names nothing; the first who is after it does.
            Lesson::Open => {
                match learn(&String::from_utf8_lossy(&opening.around(b"connection authorized: "))) {
                    Lesson::Learnt(prefix) => prefix,
                    Lesson::Enough | Lesson::Open => String::new(),
                }
            }
        };
        (learnt, false)
    }

    fn shares_opening(&self, opening: &str) -> bool {
        is_learnt(opening)
    }

    fn last_start_of(&self, block: &[u8], prefix: &str) -> usize {
        let zones = Zones::new(None);
        let mut clock = Clock::new(&zones);
        let mut end = block.len();
        while let Some(newline) = memchr::memrchr(b'\n', &block[..end]) {
            let line = &block[newline + 1..end];
            let head = String::from_utf8_lossy(&line[..line.len().min(MAX_HEAD)]);
            if begin(&head, &mut clock, is_stated(prefix)).is_some() {
                return newline + 1;
            }
            end = newline;
        }
        0
    }

    fn parse(&self, block: &[u8], context: Context<'_>) -> Block {
        let text = super::as_text(block);
        let text = &*text;
        let mut clock = Clock::new(context.zones);
        let mut lines = Assembler::of(context.header);
        let (mut start, mut number) = (0, 0);
        let ends = memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]);
        for end in ends.filter(|end| *end < text.len() || !text.ends_with('\n')) {
            let line = text[start..end].trim_end_matches('\r');
            let around = Around { line: number, at: start, ..Around::default() };
            (start, number) = (end + 1, number + 1);
            if let Some(begun) = begin(line, &mut clock, is_stated(context.header)) {
                lines.begin(&begun, Cow::Borrowed(begun.message), around);
                continue;
            }
            let more = line.strip_prefix('\t').unwrap_or(line);
            // The server goes on behind a tab; a tab may have been lost, but not from what begins as a record does.
            let foreign = !line.starts_with('\t') && (is_dated(line) || is_bare(line, &mut clock));
            if foreign {
                lines.end(around.key);
            }
            let joined = !foreign && lines.go_on(more, Joint::Line, around, usize::MAX);
            if !joined && !line.is_empty() {
                lines.unmatched(number - 1);
            }
        }
        lines.block.lines = number;
        lines.finish()
    }
}

/// How much of a line is looked at for where a record begins.
const MAX_HEAD: usize = 1024;

/// The beginning of a record of this log, which nothing else has wrapped; `stated`: somebody said how it begins.
fn begin<'a>(line: &'a str, clock: &mut Clock<'_>, stated: bool) -> Option<Begun<'a>> {
    let begun = Begun::read(line, clock, false)?;
    // Whatever wraps a line stands before its time.
    (stated || begun.is_first() || !is_wrapped(line.as_bytes())).then_some(begun)
}

/// Whether a line that begins no record begins with a time: it is somebody else's, and no part of the record before.
fn is_dated(line: &str) -> bool {
    let digits = line.bytes().take(4).filter(u8::is_ascii_digit).count();
    digits == 4 && line.as_bytes().get(4) == Some(&b'-')
}

/// Whether somebody stated the prefix.
fn is_stated(header: &str) -> bool {
    !header.is_empty() && !is_learnt(header)
}

/// Whether a line is a record of a prefix without a time: `log_line_prefix` was set to another one.
fn is_bare(line: &str, clock: &mut Clock<'_>) -> bool {
    line.contains(":  ") && Begun::read(line, clock, true).is_some_and(|begun| begun.stamp.is_none())
}

/// The severity of PostgreSQL in a line that has no time.
fn timeless(line: &str, clock: &mut Clock<'_>) -> Option<Severity> {
    let begun = Begun::read(line, clock, true).filter(|begun| begun.stamp.is_none())?;
    (begun.severity != Severity::More && !is_wrapped(line.as_bytes())).then_some(begun.severity)
}

#[cfg(test)]
mod tests {
    use super::super::Event;
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
            // What a client calls itself is anybody's text.
            (
                format!(
                    "{time} [718]: [3-1] user=app_web,db=shop,app=evil, user=root,db=[x] (1),client=10.0.3.7 "
                ),
                "app_web|shop|evil, user=root,db=[x] (1)|10.0.3.7|2ce",
            ),
            (
                format!("{time} app=evil, user=root,user=app_web,db=shop,client=10.0.3.7,pid=718 "),
                "app_web|shop|evil, user=root|10.0.3.7|2ce",
            ),
            (
                format!("{time} [718] user=app_web,db=shop,client=10.0.3.7,queryid=-77,app=psql "),
                "app_web|shop|psql|10.0.3.7|2ce",
            ),
            // `%t:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:` of RDS.
            (
                format!(
                    "{time}:10.0.3.7(38246):app_web@shop:[718]:9:00000:2026-11-22 21:00:00 CET:3/12:0:6abc0001.2ce:my app:"
                ),
                "app_web|shop|my app|10.0.3.7|6abc0001000002ce",
            ),
            (format!("{time}:fe80::1(38246):ann@corp@shop:[718]:"), "ann@corp|shop||fe80::1|2ce"),
            ("1795386163.207 [718] app_web@shop [queryid=-5] ".to_owned(), "app_web|shop|||2ce"),
            (format!("{time} 718 12 3/77 0 client backend app_web@shop "), "app_web|shop|||2ce"),
            (
                format!("{time} [718] app_web@shop-10.0.3.7(38246)-my app: "),
                "app_web|shop|my app|10.0.3.7|2ce",
            ),
            (format!("{time} [718] app_web@shop-[local]-psql: "), "app_web|shop|psql|[local]|2ce"),
            (format!("{time} [718] app_web@my-shop "), "app_web|my-shop|||2ce"),
            (
                format!(
                    "time={time},pid=718,user=app_web,db=shop,client=10.0.3.7(5),appname=web,vid=3/1699,xid=0 "
                ),
                "app_web|shop|web|10.0.3.7|2ce",
            ),
            (
                format!("{time} [718] [user=app_web,db=shop,app=Tableau [x]] "),
                "app_web|shop|Tableau [x]||2ce",
            ),
            // A SQLSTATE is no process.
            (format!("{time} [00000] [718] app_web@shop "), "app_web|shop|||2ce"),
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
