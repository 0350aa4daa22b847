//! One line as PostgreSQL's stderr log begins it, whatever the `log_line_prefix` (runtime-config-logging in its manual):
//! time, session and who are told from literals that prefixes in use have, the severity from the word before the
//! message. It looks at one line at a time and keeps nothing that a line says.

use super::messages::{self, Severity};
use super::stamps::Clock;
use super::{Who, Zoned};
use crate::evidence::Text;
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// How many bytes a prefix may have.
const MAX_PREFIX: usize = 600;
/// How far into a line its time may begin.
const MAX_BEFORE_STAMP: usize = 160;

/// A line that begins a record.
#[derive(Debug)]
pub(super) struct Begun<'a> {
    /// Its own time.
    pub stamp: Option<Zoned>,
    /// What stands before the time and behind it.
    before: &'a str,
    after: &'a str,
    /// All that stands before the severity.
    pub whole: &'a str,
    /// What the word before the message says.
    pub severity: Severity,
    /// The first line of the message.
    pub message: &'a str,
}

/// Where the message begins: after `WORD:  ` where WORD is a severity.
fn severity(text: &str, from: usize) -> Option<(usize, Severity, usize)> {
    let bytes = text.as_bytes();
    let end = bytes.len().min(from + MAX_PREFIX);
    for colon in memchr::memchr_iter(b':', bytes.get(from..end)?).map(|at| at + from) {
        if !bytes[colon + 1..].starts_with(b"  ") {
            continue;
        }
        let head = text[from..colon].trim_end();
        let word = head.rfind(|c: char| !c.is_alphanumeric());
        let start = word.map_or(0, |at| at + head[at..].chars().next().map_or(1, char::len_utf8));
        if let Some(severity) = messages::severity(&head[start..]) {
            return Some((from + start, severity, colon + 3));
        }
    }
    None
}

/// A time in a line.
enum Time {
    /// `2026-11-22 22:42:43` begins there.
    Date(usize),
    /// `1795386163.207` does.
    Epoch(usize),
}

/// Whether `2026-10-26 02:00:01` stands there.
fn is_date(line: &[u8], at: usize) -> bool {
    let Some(text) = line.get(at..at + 19) else { return false };
    let shape = text[4] == b'-' && text[7] == b'-' && text[13] == b':' && text[16] == b':';
    shape && [0, 1, 2, 3, 5, 6, 8, 9, 11, 12].iter().all(|index| text[*index].is_ascii_digit())
}

/// Where the time of a line stands: in its first part, before anything that only a message holds.
fn time(line: &[u8]) -> Option<Time> {
    if is_date(line, 0) {
        // What has its own time in front in that spelling is the log of something else around it.
        return (line[10] != b'T').then_some(Time::Date(0));
    }
    let end = line.len().min(MAX_BEFORE_STAMP);
    let end = memchr::memmem::find(&line[..end], b":  ").unwrap_or(end);
    let dates = memchr::memchr_iter(b'-', &line[..end]).filter_map(|dash| dash.checked_sub(4));
    let date = dates.into_iter().find(|at| is_date(line, *at)).map(Time::Date);
    date.or_else(|| {
        let number = |at: &usize| {
            line.get(..*at).is_none_or(|before| !before.last().is_some_and(u8::is_ascii_alphanumeric))
        };
        let dots =
            memchr::memchr_iter(b'.', &line[..end]).filter_map(|dot| dot.checked_sub(10)).filter(number);
        dots.into_iter().find(|at| Clock::epoch(&line[*at..]).is_some()).map(Time::Epoch)
    })
}

/// Whether something else has wrapped the line (JSON, syslog, a container's log).
pub(super) fn is_wrapped(line: &[u8]) -> bool {
    let head = &line[..line.len().min(MAX_BEFORE_STAMP)];
    let marks = [&b"postgres["[..], b" stdout ", b" stderr "];
    let object = line.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    object.is_some_and(|inside| inside.first().is_none_or(|b| matches!(b, b'"' | b'}')))
        || marks.iter().any(|mark| memchr::memmem::find(head, mark).is_some())
}

impl<'a> Begun<'a> {
    /// The beginning of a record, if the line is one; `timeless`: its time may be missing, because what carries the
    /// line has one.
    pub fn read(line: &'a str, clock: &mut Clock<'_>, timeless: bool) -> Option<Begun<'a>> {
        if line.starts_with('\t') {
            return None;
        }
        let bytes = line.as_bytes();
        let (stamp, at, end) = match time(bytes) {
            Some(Time::Date(at)) => {
                let (stamp, used) = clock.read(&bytes[at..])?;
                (Some(stamp), at, at + used)
            }
            Some(Time::Epoch(at)) => {
                let (stamp, used) = Clock::epoch(&bytes[at..])?;
                (Some(stamp), at, at + used)
            }
            None if timeless => (None, 0, 0),
            None => return None,
        };
        if !line.is_char_boundary(end) {
            return None;
        }
        let (start, severity, message) = severity(line, end)?;
        let (before, after) = (&line[..at], &line[end..start]);
        Some(Begun { stamp, before, after, whole: &line[..start], severity, message: &line[message..] })
    }

    /// Whether the line begins with its time.
    pub fn is_first(&self) -> bool {
        self.stamp.is_some() && self.before.is_empty()
    }

    /// The prefix without its time.
    pub fn prefix(&self) -> Cow<'a, str> {
        if self.before.is_empty() {
            Cow::Borrowed(self.after)
        } else {
            Cow::Owned(format!("{} {}", self.before, self.after))
        }
    }
}

/// What a word before `=` names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    User,
    Database,
    Application,
    Client,
    Process,
    Other,
}

fn field(word: &str) -> Option<Field> {
    Some(match word {
        "user" | "usr" | "username" | "u" => Field::User,
        "db" | "dbname" | "database" | "d" => Field::Database,
        "app" | "application" | "application_name" | "appname" | "a" => Field::Application,
        "client" | "host" | "remote" | "rhost" | "h" | "r" => Field::Client,
        "pid" | "p" => Field::Process,
        "queryid" | "query_id" | "qid" | "xid" | "txid" | "tx" | "vid" | "vxid" | "vtx" | "lxid" | "x"
        | "v" | "sid" | "session" | "line" | "l" | "state" | "sqlstate" | "e" | "cmd" | "tag" | "command"
        | "i" | "backend" | "type" | "b" | "start" | "s" | "time" | "leader" | "userid" => Field::Other,
        _ => return None,
    })
}

/// A key: where its word begins, and where its value does.
struct Key {
    field: Field,
    word: usize,
    value: usize,
}

/// The keys of a prefix. What a client calls itself may look like keys: of one that stands twice, the one on the far
/// side of the application is the prefix's own.
fn keys(prefix: &str) -> Vec<Key> {
    let bytes = prefix.as_bytes();
    let found = memchr::memchr_iter(b'=', bytes).filter_map(|at| {
        let word =
            bytes[..at].iter().rposition(|b| !(b.is_ascii_alphabetic() || *b == b'_')).map_or(0, |at| at + 1);
        let stands = word == 0
            || matches!(
                bytes[word - 1],
                b' ' | b',' | b';' | b'|' | b'[' | b']' | b'(' | b'<' | b'-' | b':' | b'/' | b'\t'
            );
        let field = field(&prefix[word..at])?;
        stands.then_some(Key { field, word, value: at + 1 })
    });
    let mut keys: Vec<Key> = found.collect();
    let application = keys.iter().find(|key| key.field == Field::Application).map(|key| key.word);
    let Some(application) = application else { return keys };
    let last =
        |keys: &[Key], field: Field| keys.iter().rev().find(|key| key.field == field).map(|key| key.word);
    let first = |keys: &[Key], field: Field| keys.iter().find(|key| key.field == field).map(|key| key.word);
    let own: Vec<usize> = [Field::User, Field::Database, Field::Client, Field::Process]
        .iter()
        .filter_map(|field| {
            first(&keys, *field).filter(|at| *at < application).or_else(|| last(&keys, *field))
        })
        .collect();
    keys.retain(|key| key.word <= application || own.contains(&key.word) || key.field == Field::Other);
    keys
}

/// The value of a key: up to the next one, without what the prefix puts around it.
fn value<'a>(prefix: &'a str, keys: &[Key], index: usize) -> &'a str {
    let key = &keys[index];
    let end = keys.get(index + 1).map_or(prefix.len(), |next| next.word);
    let value = prefix[key.value.min(end)..end].trim_end_matches([' ', ',', ':', '>', ';', '|', '-', '/']);
    // A parenthesis that the value did not open belongs to the prefix.
    let value = if value.contains('(') { value } else { value.trim_end_matches([')', ' ', ',']) };
    // A process id in brackets, and a bracket that the value did not open, belong to the prefix.
    let value = match value.strip_suffix(']').and_then(|value| value.rsplit_once('[')) {
        Some((before, pid)) if !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit()) => {
            before.trim_end()
        }
        _ => value,
    };
    let mut value = value;
    while let Some(rest) =
        value.strip_suffix(']').filter(|_| value.matches(']').count() > value.matches('[').count())
    {
        value = rest.trim_end();
    }
    // Only the application may hold blanks: what follows another value belongs to the prefix, but for a value that the
    // prefix ends with a sign of its own before the next key.
    let bounded = keys.get(index + 1).and_then(|next| prefix.as_bytes().get(next.word.checked_sub(1)?));
    let bounded = matches!(bounded, Some(b',' | b';' | b'|')) && !value.contains(['[', '(', ':']);
    let value = if key.field == Field::Application || bounded {
        value
    } else {
        value.split(' ').next().unwrap_or(value)
    };
    value.trim_end_matches([',', ';']).trim_matches(['"', '\''])
}

/// The session: `%c` (hex.hex) where there is one, else the first bracketed number, else one that says so, else the
/// number that stands next to the time.
pub(super) fn session(prefix: &str) -> u64 {
    // What a client says of itself stands behind the first `=` at the earliest.
    let named = prefix.find('=').unwrap_or(prefix.len());
    let own = &prefix[..named];
    if let Some(session) = session_id(own).or_else(|| bracketed(own)) {
        return session;
    }
    if named == prefix.len() {
        return bare(own).unwrap_or(0);
    }
    let keys = keys(prefix);
    let stated = keys.iter().position(|key| key.field == Field::Process);
    if let Some(pid) = stated.and_then(|index| value(prefix, &keys, index).parse().ok()) {
        return pid;
    }
    // Behind all values, the last one is the prefix's.
    let behind = prefix.rfind('[').and_then(|at| bracketed(&prefix[at..]));
    behind.or_else(|| session_id(prefix)).or_else(|| bracketed(prefix)).or_else(|| bare(own)).unwrap_or(0)
}

/// `6abc0001.2ce`, start and process in hexadecimal digits.
fn session_id(prefix: &str) -> Option<u64> {
    let bytes = prefix.as_bytes();
    let dots = memchr::memchr_iter(b'.', bytes).filter(|dot| *dot >= 8);
    let mut ids = dots.filter_map(|dot| {
        let start = dot - 8;
        let alone = start == 0 || !(bytes[start - 1].is_ascii_alphanumeric() || bytes[start - 1] == b'.');
        let length = bytes[dot + 1..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'.').count();
        let (start, pid) = (prefix.get(start..dot)?, prefix.get(dot + 1..dot + 1 + length)?);
        let hex =
            |part: &str| !part.is_empty() && part.len() <= 8 && part.bytes().all(|b| b.is_ascii_hexdigit());
        let number = |part: &str| u64::from_str_radix(part, 16).ok();
        if alone && hex(start) && hex(pid) { Some(number(start)? << 32 | number(pid)?) } else { None }
    });
    ids.next()
}

/// The first number in brackets, perhaps with more behind a colon (`[718:3]`, `[718:client backend]`); a process has none
/// that begins with 0, a SQLSTATE mostly does.
fn bracketed(prefix: &str) -> Option<u64> {
    let own = |part: &str| {
        let inside = part.split(']').next()?;
        let number = inside.split_once(':').map_or(inside, |(number, _)| number);
        (!number.starts_with('0')).then(|| number.parse().ok())?
    };
    prefix.split('[').skip(1).find_map(own)
}

/// What kinds of processes that serve somebody are called (`%b`).
const BACKENDS: [&str; 3] = ["client backend", "not initialized", "walsender"];

/// The number right behind the time, which is one by itself: `2026-11-22 22:42:43 UTC 718 …`, `… UTC pid 718 …`.
fn bare(prefix: &str) -> Option<u64> {
    let signs = [' ', ':', '-', ',', '|', '>', '(', '<', '{', '%', ';', '\t'];
    let rest = prefix.trim_start_matches(signs);
    let backend = BACKENDS.iter().find_map(|kind| rest.strip_prefix(kind)?.strip_prefix(' '));
    let rest = backend.unwrap_or(rest).trim_start_matches(signs);
    let rest = ["PID ", "pid "].iter().find_map(|word| rest.strip_prefix(word)).unwrap_or(rest);
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    let ends = rest[length..]
        .chars()
        .next()
        .is_none_or(|sign| matches!(sign, ' ' | ':' | ',' | '|' | '-' | ')' | '>' | '}' | '%' | ';' | '\t'));
    // A process has no number that begins with 0.
    let ends = ends && !rest.starts_with('0');
    (ends && (1..=7).contains(&length)).then(|| rest[..length].parse().ok())?
}

/// `10.0.3.7(38246):app_web@shop:[718]` of RDS and Aurora, perhaps with `:3:00000:…:6abc0001.2ce:application` behind.
static HOSTED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^:([^()\s]*?)(?:\((\d+)\))?:([^:]*?)@([^:@]*):\[(\d+)\](?::|$)")
        .expect("the pattern is a constant of this file")
});

/// The session behind which the application stands in the longer prefix of RDS.
static HOSTED_APPLICATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r":[0-9a-f]{8}\.[0-9a-f]+:(.*?):?$").expect("the pattern is a constant of this file")
});

/// `user@` and what stands behind it up to a blank. What a user begins with may be a sign of the prefix.
static AT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|[\s\]:>)|\[(<{])([^\s@\[\]:>)|(<{]+(?:@[^\s@/\[\]]+)*)@([^\s@\[\],:;|()<>{}]+)")
        .expect("the pattern is a constant of this file")
});

/// `10.0.3.7(38246)-application` or `[local]-application` behind `user@database-`.
static BEHIND_AT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^([^\s@\[\],]*?)[-/|,]((?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]*:[0-9a-f:.]+|\[local\])(?:\((\d+)\))?(?:[-/|,](.*))?$",
    )
    .expect("the pattern is a constant of this file")
});

/// The part of a prefix that names anybody. The process id makes every prefix its own; what stands behind it repeats.
pub(super) fn naming(prefix: &str) -> &str {
    // A bracket behind the first `=` belongs to a value (`app=[unknown]`).
    let named = prefix.find('=').unwrap_or(prefix.len());
    match prefix[..named].rfind(']') {
        Some(at) if prefix[at + 1..].contains(['=', '@']) => &prefix[at + 1..],
        _ => prefix,
    }
}

/// Who a prefix names, and whether that can be read in several ways: then no database is claimed.
pub(super) struct Named {
    pub who: Who,
    pub unsure: bool,
}

/// Who a prefix names.
pub(super) fn who(prefix: &str) -> Named {
    let mut who = Who::default();
    if let Some(found) = HOSTED.captures(prefix.trim_end()) {
        let part = |index: usize| found.get(index).map_or("", |m| m.as_str());
        who.client = known(part(1));
        who.port = part(2).parse().unwrap_or(0);
        (who.user, who.database) = (known(part(3)), known(part(4)));
        if let Some(application) = HOSTED_APPLICATION.captures(&prefix.trim_end()[part(0).len()..]) {
            who.application = known(&application[1]);
        }
        return Named { who, unsure: false };
    }
    let keys = keys(prefix);
    if keys.iter().all(|key| matches!(key.field, Field::Process | Field::Other)) {
        return at(prefix);
    }
    for (index, key) in keys.iter().enumerate() {
        let value = value(prefix, &keys, index);
        match key.field {
            Field::User => who.user = known(value),
            Field::Database => who.database = known(value),
            Field::Application => who.application = known(value),
            Field::Client => {
                let port = value.strip_suffix(')').unwrap_or(value).rsplit_once('(');
                let host = port.map_or(value, |(host, _)| host);
                who.client = known(host);
                who.port = port.and_then(|(_, port)| port.parse().ok()).unwrap_or(0);
            }
            Field::Process | Field::Other => {}
        }
    }
    // `app=psql bob@shop`: what has no key of its own stands somewhere in a value.
    let unsure = who.user.is_empty() && who.database.is_empty() && AT.is_match(prefix);
    if unsure { Named { who: Who::default(), unsure } } else { Named { who, unsure } }
}

/// A name, unless the server does not know it (yet).
fn known(value: &str) -> Text {
    if value == "[unknown]" { Text::from("") } else { Text::from(value) }
}

/// Who `user@database` and what stands right behind it name. An address is no database; a host of several parts, and what
/// another `@` or a sign between names leaves open, is not claimed to be one.
fn at(prefix: &str) -> Named {
    let mut who = Who::default();
    let Some(found) = AT.captures(prefix) else { return Named { who, unsure: false } };
    let (user, token) = (&found[1], &found[2]);
    let token = token.trim_end_matches([' ', '-', '/', '"', '\'']);
    let clear = |name: &str| !name.contains(['@', '/', '=', ',', ';', '"', '\'', '.']) && name != "localhost";
    // A login may hold an `@`; a database behind two of them is no host with a name of several parts, and no address.
    let is_user = !user.contains(['/', '=', ',', ';', '"', '\'']) && session_id(user).is_none();
    let behind = found.get(2).and_then(|database| prefix.get(database.start()..)).unwrap_or_default();
    let behind = behind.trim_end_matches([' ', ':', '-', '|', ',']);
    let mut parts = token.split(['/', '|']);
    if let Some(more) = BEHIND_AT.captures(behind) {
        let part = |index: usize| more.get(index).map_or("", |part| part.as_str());
        // `shop-psql-10.0.3.7` may be a database of that name, or one and a program.
        if is_user && clear(part(1)) && !part(1).contains(['-', '|']) {
            (who.user, who.database, who.client) = (known(user), known(part(1)), known(part(2)));
            (who.port, who.application) = (part(3).parse().unwrap_or(0), known(part(4)));
            return Named { who, unsure: false };
        }
        parts = part(1).split(['/', '|']);
        who.client = known(part(2));
        who.port = part(3).parse().unwrap_or(0);
    }
    let database = parts.next().unwrap_or_default();
    // `my-shop` is one where nothing but a process stands behind it.
    let rest = behind.get(token.len()..).unwrap_or_default();
    let stands_alone =
        !database.contains('-') || who.client.is_empty() && !rest.contains(char::is_alphabetic);
    let is_address = {
        let end =
            behind.find(|c: char| !(c.is_ascii_hexdigit() || matches!(c, '.' | ':'))).unwrap_or(behind.len());
        behind[..end].parse::<std::net::IpAddr>().is_ok()
    };
    if !is_user || database.is_empty() || !clear(database) || !stands_alone || is_address {
        let is_user = is_user && !user.contains('@');
        let user = if is_user { known(user) } else { Text::from("") };
        return Named { who: Who { user, ..Who::default() }, unsure: true };
    }
    (who.user, who.database) = (known(user), known(database));
    Named { who, unsure: false }
}
