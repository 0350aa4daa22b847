//! The `log_line_prefix` of a log that nobody stated, learnt from what the server itself says of connections in the log's
//! first part (`connection received: host=`, `connection authorized: user= database=`; postinit.c and backend_startup.c of
//! PostgreSQL): what a line in front of these names is found again in its prefix. It is only learnt where reading the
//! prefix by its look gives less, or something else; what two readings fit is not learnt.

use super::messages::{self, Severity};
use super::postgres_prefix::{Begun, naming, session, who};
use super::postgres_stated::Stated;
use super::stamps::Clock;
use super::{Event, Who};
use regex::Regex;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// What a learnt prefix begins with, where a stated one could stand; none begins so.
const MARK: char = '\u{1}';
/// How many lines are learnt from.
const MAX_LINES: usize = 20_000;
/// How many logins are tried for how their prefix is made.
const MAX_WITNESSES: usize = 16;
/// How many hosts are looked for in prefixes.
const MAX_HOSTS: usize = 64;
/// How many numbers of a prefix are tried for the process.
const MAX_NUMBERS: usize = 8;
/// What stands where a word may: what a process serves (`%b`), and what it is at (`%i`), while it is let in.
const DOING: [&str; 7] =
    ["client backend", "walsender", "authentication", "startup", "initializing", "not initialized", "idle"];

/// Values that tell themselves: a session's id, a time, a transaction, a SQLSTATE of success.
static SHAPES: LazyLock<[(char, Regex); 4]> = LazyLock::new(|| {
    let of = |pattern: &str| Regex::new(pattern).expect("the pattern is a constant of this file");
    [
        ('c', of(r"^[0-9a-f]{8}\.[0-9a-f]{1,8}\b")),
        ('s', of(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: [A-Z]{1,5}\b)?")),
        ('v', of(r"^-?\d+/\d+\b")),
        ('e', of(r"^00000\b")),
    ]
});

/// A learnt prefix without its time, ready to be matched.
pub(super) struct Learnt {
    stated: Stated,
    /// What stands in front of the process, where that and all behind it can be told apart without more.
    before_process: Option<String>,
    /// Where the looks of a prefix give the same session.
    looks: bool,
}

impl Learnt {
    /// Of what [`learn`] gave; `None`: it is no learnt prefix.
    pub fn of(header: &str) -> Option<Learnt> {
        let (looks, prefix) = header.strip_prefix(MARK)?.split_at_checked(1)?;
        let (before, _) = prefix.split_once("%p").filter(|_| !prefix.contains("%c")).unwrap_or(("%", ""));
        let before_process = (!before.contains('%')).then(|| before.to_owned());
        Some(Learnt { stated: Stated::new(prefix)?, before_process, looks: looks == "=" })
    }

    /// What lines of one client have in common in their prefixes, and the session, where these can be told without
    /// matching the whole.
    pub fn apart<'p>(&self, prefix: &'p str) -> Option<(&'p str, u64)> {
        let rest = prefix.strip_prefix(self.before_process.as_deref()?)?;
        let end = rest.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
        Some((&rest[end..], rest[..end].parse().ok()?))
    }

    /// Who a prefix names, and the session.
    pub fn read(&self, prefix: &str) -> Option<(Who, u64)> {
        let (who, own) = self.stated.read(prefix)?;
        Some((who, if self.looks { session(prefix) } else { own }))
    }
}

/// Whether what a block is read with was learnt, and not stated.
pub(super) fn is_learnt(header: &str) -> bool {
    header.starts_with(MARK)
}

/// What the server says with a line.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Received,
    LetIn,
    Left,
    More,
}

struct Line<'a> {
    prefix: Cow<'a, str>,
    said: Said,
    who: Who,
}

/// The lines that begin records, as far as they tell something.
fn lines(text: &str) -> Vec<Line<'_>> {
    let zones = super::Zones::new(None);
    let mut clock = Clock::new(&zones);
    let heard = |line| {
        let begun = Begun::read(line, &mut clock, false)?;
        let (mut said, mut who) = (Said::More, Cow::Owned(Who::default()));
        if begun.severity == Severity::Log {
            let tells = ["connection ", "disconnection: "].iter().any(|it| begun.message.contains(it));
            said = match tells.then(|| messages::event(begun.severity, begun.message, &mut who)) {
                Some(Event::Connected) => Said::Received,
                Some(Event::Authorized(false)) => Said::LetIn,
                Some(Event::Disconnected) => Said::Left,
                _ => Said::More,
            };
        }
        Some(Line { prefix: begun.prefix(), said, who: who.into_owned() })
    };
    text.lines().take(MAX_LINES).filter_map(heard).collect()
}

/// What the first part of a log tells of its prefix.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lesson {
    /// This, marked as learnt.
    Learnt(String),
    /// No more than its looks do.
    Enough,
    /// Its looks leave something open, and nobody is let in.
    Open,
}

/// Learns the prefix of a log from a part of it.
pub(super) fn learn(text: &str) -> Lesson {
    let lines = lines(text);
    match learnt(&lines) {
        Some(prefix) => Lesson::Learnt(prefix),
        None if lines.iter().any(|it| it.said == Said::LetIn) || !lines.iter().any(is_open) => Lesson::Enough,
        None => Lesson::Open,
    }
}

/// Whether the looks of a prefix leave open whom it names, or in which session.
fn is_open(line: &Line<'_>) -> bool {
    let prefix = naming(&line.prefix);
    let seen = who(prefix);
    let names = || prefix.bytes().filter(u8::is_ascii_alphabetic).count() > 1;
    seen.unsure || session(&line.prefix) == 0 || seen.who.user.is_empty() && names()
}

fn learnt(lines: &[Line<'_>]) -> Option<String> {
    let hosts: BTreeSet<&str> = lines.iter().map(|it| &*it.who.client).filter(|it| !it.is_empty()).collect();
    let hosts: Vec<&str> = hosts.into_iter().take(MAX_HOSTS).collect();
    let mut seen = BTreeSet::new();
    let let_in = lines.iter().filter(|it| it.said == Said::LetIn && !it.who.user.is_empty());
    let apart = |line: &&Line<'_>| line.who.user != line.who.database;
    let witnesses =
        let_in.filter(apart).filter(|it| seen.insert((it.who.user.clone(), it.who.database.clone())));
    let mut best: Option<(i64, String)> = None;
    for witness in witnesses.take(MAX_WITNESSES) {
        let Some(made) = made(&witness.prefix, &witness.who, &hosts) else { continue };
        let numbers = made.iter().filter(|it| **it == Part::Number).count().min(MAX_NUMBERS);
        let choices = (0..numbers).map(Some).chain((numbers == 0).then_some(None));
        for prefix in choices.map(|process| written(&made, process)) {
            let Some(points) = Stated::new(&prefix).and_then(|stated| points(&stated, lines)) else {
                continue;
            };
            if best.as_ref().is_none_or(|(most, _)| points > *most) {
                best = Some((points, prefix));
            }
        }
        if best.is_some() {
            break;
        }
    }
    let (_, prefix) = best?;
    let stated = Stated::new(&prefix)?;
    let (names, sessions) = differs(&stated, lines)?;
    (names || sessions).then(|| format!("{MARK}{}{prefix}", if sessions { '!' } else { '=' }))
}

/// Whether the looks of prefixes give other names, and other sessions, than a learnt one; `None`: they give more.
fn differs(stated: &Stated, lines: &[Line<'_>]) -> Option<(bool, bool)> {
    let (mut names, mut sessions) = (false, false);
    for line in lines {
        let Some((learnt, own)) = stated.read(&line.prefix) else { continue };
        let seen = who(naming(&line.prefix));
        let misses = |seen: &str, learnt: &str| !seen.is_empty() && learnt.is_empty();
        let pairs = [(&seen.who.user, &learnt.user), (&seen.who.client, &learnt.client)];
        // A host is easily taken for a database.
        let database = seen.who.database != learnt.client && misses(&seen.who.database, &learnt.database);
        if !seen.unsure && (database || pairs.iter().any(|(seen, learnt)| misses(seen, learnt))) {
            return None;
        }
        names |= seen.unsure || seen.who != learnt;
        sessions |= own != session(&line.prefix);
    }
    Some((names, sessions))
}

/// A part of a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// The escape that writes it.
    Value(char),
    Number,
    /// What stands before it, or behind, is filled up with blanks.
    Padding,
}

/// What the prefix of a line is made of, where it names whom the server lets in; `None`: in more than one way.
fn made(prefix: &str, who: &Who, hosts: &[&str]) -> Option<Vec<Part>> {
    let (mut parts, mut at): (Vec<Part>, usize) = (Vec::new(), 0);
    while at < prefix.len() {
        let rest = &prefix[at..];
        let bounded = !prefix[..at].ends_with(is_word);
        let ends = |length: usize| !rest[length..].starts_with(is_word);
        let named =
            |value: &str| !value.is_empty() && bounded && rest.starts_with(value) && ends(value.len());
        let known = hosts.iter().copied().chain(["[local]"]).filter(|host| named(host));
        let host = known.chain(address(rest).filter(|_| bounded)).max_by_key(|it| it.len());
        let names = [('u', &*who.user), ('d', &*who.database), ('a', "[unknown]")];
        let name = names.into_iter().filter(|(_, value)| named(value)).max_by_key(|(_, value)| value.len());
        let shape = SHAPES.iter().find_map(|(letter, shape)| Some((*letter, shape.find(rest)?.len())));
        // In `718/3/935` the process stands in front of the transaction.
        let shape = shape.filter(|(letter, length)| {
            *letter != 'v' || !rest[*length..].starts_with('/') || prefix[..at].ends_with('/')
        });
        let doing = DOING.iter().find(|it| named(it)).map(|it| ('i', it.len()));
        let (part, length) = if let Some((letter, value)) = name {
            (Part::Value(letter), value.len())
        } else if let Some(host) = host {
            match port(&rest[host.len()..]) {
                0 => (Part::Value('h'), host.len()),
                port => (Part::Value('r'), host.len() + port),
            }
        } else if let Some((letter, length)) = shape.filter(|_| bounded).or(doing) {
            (Part::Value(letter), length)
        } else if rest.starts_with(|c: char| c.is_ascii_digit()) {
            (Part::Number, rest.bytes().take_while(u8::is_ascii_digit).count())
        } else if rest.starts_with("  ") {
            (Part::Padding, rest.bytes().take_while(|b| *b == b' ').count())
        } else {
            let sign = rest.chars().next()?;
            (Part::Text(sign.to_string()), sign.len_utf8())
        };
        // What stands twice is not told apart.
        if matches!(part, Part::Value('u' | 'd' | 'a' | 'h' | 'r')) && parts.contains(&part) {
            return None;
        }
        parts.push(part);
        at += length;
    }
    Some(parts)
}

/// The address that a text begins with.
fn address(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !(c.is_ascii_hexdigit() || matches!(c, '.' | ':'))).unwrap_or(text.len());
    let address = text[..end].trim_end_matches(':');
    address.parse::<std::net::IpAddr>().is_ok().then_some(address)
}

fn is_word(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_'
}

/// How long `(38246)` is, where it stands there.
fn port(text: &str) -> usize {
    let inside =
        text.strip_prefix('(').and_then(|text| text.split_once(')')).map_or("", |(inside, _)| inside);
    let is_port = !inside.is_empty() && inside.bytes().all(|b| b.is_ascii_digit());
    if is_port { inside.len() + 2 } else { 0 }
}

/// The prefix as a server is told it; `process`: which of its numbers that is.
fn written(parts: &[Part], process: Option<usize>) -> String {
    let names = |it: &Part| matches!(it, Part::Value('u' | 'd' | 'a' | 'h' | 'r'));
    let (mut prefix, mut number, mut padded) = (String::new(), 0, false);
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Text(text) => prefix.push_str(if text == "%" { "%%" } else { text }),
            Part::Value(letter) => {
                // Names are filled up behind them.
                let filled = parts.get(index + 1) == Some(&Part::Padding);
                prefix.push_str(if filled && names(part) { "%-1" } else { "%" });
                prefix.push(*letter);
            }
            Part::Number => {
                let letter = if process == Some(number) { 'p' } else { 'x' };
                prefix.push_str(if padded { "%1" } else { "%" });
                prefix.push(letter);
                number += 1;
            }
            Part::Padding => prefix.push(' '),
        }
        padded = *part == Part::Padding;
    }
    prefix
}

/// How well a prefix explains a log; `None`: it says something else than the server.
fn points(stated: &Stated, lines: &[Line<'_>]) -> Option<i64> {
    // Whether a session of this number was received, and whether it was let in.
    let mut open: BTreeMap<u64, bool> = BTreeMap::new();
    let mut points = 0;
    for line in lines {
        let read = stated.read(&line.prefix);
        let agrees = |said: &str, read: &str| said.is_empty() || read.is_empty() || said == read;
        let Some((who, session)) = read else {
            if line.said == Said::LetIn {
                return None;
            }
            continue;
        };
        let told = &line.who;
        if !agrees(&told.client, &who.client)
            || !agrees(&told.user, &who.user)
            || !agrees(&told.database, &who.database)
        {
            return None;
        }
        if session == 0 || session > MAX_PROCESS && session >> 32 == 0 {
            points -= 1;
            continue;
        }
        match line.said {
            Said::Received => {
                open.insert(session, false);
            }
            Said::LetIn => match open.insert(session, true) {
                Some(true) => points -= 2,
                Some(false) => points += 2,
                None => {}
            },
            Said::Left => points += i64::from(open.remove(&session) == Some(true)),
            Said::More => points += i64::from(open.get(&session) == Some(&true)),
        }
    }
    Some(points)
}

/// The highest process id of Linux (proc(5), pid_max); other systems have lower ones.
const MAX_PROCESS: u64 = 4_194_304;

#[cfg(test)]
mod tests {
    use super::{Learnt, Lesson, is_learnt, learn};

    /// A log of two sessions and a checkpoint whose lines begin with what `prefix` writes: of the process, the login, the
    /// database, the program, the host and the port. Then who a line behind it names.
    fn said(prefix: impl Fn(&str, &str, &str, &str, &str, &str) -> String) -> String {
        let mut log = String::new();
        for (pid, user, database, program, host) in
            [("17760", "alice", "shop", "psql", "10.0.0.7"), ("17761", "bob", "crm", "web app", "10.0.0.8")]
        {
            let begin = |user, database, program| prefix(pid, user, database, program, host, "4711");
            let unknown = "[unknown]";
            for (begins, message) in [
                (begin(unknown, unknown, unknown), format!("connection received: host={host} port=4711")),
                (
                    begin(user, database, unknown),
                    format!(
                        "connection authorized: user={user} database={database} application_name={program}"
                    ),
                ),
                (begin(user, database, program), "statement: SELECT 1".to_owned()),
            ] {
                log.push_str(&format!("2026-11-26 15:17:30.263 UTC{begins}LOG:  {message}\n"));
            }
        }
        let header = match learn(&log) {
            Lesson::Learnt(header) => header,
            other => return format!("{other:?}"),
        };
        let learnt = Learnt::of(&header).expect("it is one");
        let line = prefix("17762", "carl", "my/shop", "x y", "10.0.0.9", "4712");
        let Some((who, session)) = learnt.read(&line) else { return "-".to_owned() };
        let apart = learnt.apart(&line).map_or(session, |(_, session)| session);
        assert_eq!(session, apart, "{header}");
        format!("{}|{}|{}|{}|{}|{session}", who.user, who.database, who.application, who.client, who.port)
    }

    #[test]
    fn what_the_server_says_of_a_connection_is_found_again_in_the_prefix() {
        let all = "carl|my/shop|x y|10.0.0.9|0|17762";
        assert_eq!(
            said(|p, u, d, a, h, _| format!(" [{p}] {u}@{d} {a} {h} ")),
            "carl|my/shop|x y|10.0.0.9|0|17762"
        );
        assert_eq!(said(|p, u, d, a, h, _| format!("|{p}|{u}|{d}|{a}|{h}|")), all);
        assert_eq!(said(|p, u, d, _, h, _| format!(" [{p}] {u}@{h}/{d} ")), "carl|my/shop||10.0.0.9|0|17762");
        assert_eq!(said(|p, u, d, a, _, _| format!(" [{p}] {a}/{u}@{d} ")), "carl|my/shop|x y||0|17762");
        assert_eq!(
            said(|p, u, d, a, h, r| format!(" {d} {u} [{a}] {h}({r}) P{p} ")),
            "carl|my/shop|x y|10.0.0.9|4712|17762"
        );
        assert_eq!(
            said(|p, u, d, a, _, _| format!(" 0 3/9 %{p}% <{u}> <{d}> \"{a}\" ")),
            "carl|my/shop|x y||0|17762"
        );
        assert_eq!(
            said(|p, u, d, a, _, _| format!(" [{p}/3/935/0] {u:<12} {d:<12} {a} ")),
            "carl|my/shop|x y||0|17762"
        );
        assert_eq!(said(|p, _, _, _, _, _| format!(" client backend {p}> ")), "Enough");
        assert_eq!(said(|p, _, _, _, _, _| format!(" x {p}> ")), "||||0|17762");
    }

    #[test]
    fn what_the_looks_of_a_prefix_tell_is_not_learnt() {
        for prefix in [
            (|p, u, d, _, _, _| format!(" [{p}] {u}@{d} "))
                as fn(&str, &str, &str, &str, &str, &str) -> String,
            |p, u, d, a, h, _| format!(" [{p}] user={u},db={d},app={a},client={h} "),
            |p, u, d, _, h, r| format!(":{h}({r}):{u}@{d}:[{p}]:"),
        ] {
            assert_eq!(said(prefix), "Enough");
        }
    }

    #[test]
    fn what_two_readings_fit_is_not_learnt() {
        // Login and database of the only session are called the same.
        let log =
            "2026-11-26 15:17:30.263 UTC [7] app/app LOG:  connection authorized: user=app database=app\n";
        assert_eq!(learn(log), Lesson::Enough);
        let log = "2026-11-26 15:17:30.263 UTC [7] bob@10.0.0.7/shop LOG:  statement: SELECT 1\n";
        assert_eq!(learn(log), Lesson::Open);
        assert!(!is_learnt("%m [%p] "));
    }
}
