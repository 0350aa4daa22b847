//! What Redis's MONITOR shows (redis.io, "MONITOR"): each command when it runs, with the database and the client's
//! address. Which of a command's words are keys, and whether they are read or written, is that of the key specifications
//! of Redis 7 (`COMMAND INFO`). Keys fold to shapes, as paths do, with the number of their database in front unless it
//! is 0; streams and channels are topics. A client is known by the name it gives itself (CLIENT SETNAME, HELLO), until
//! another opens a connection from the same port: MONITOR shows no ends. It shows neither logins, nor commands that
//! administer the server, nor whether a command failed. What a script does is told by the lines it causes.

use super::{Block, Context, Ended, Event, LogFormat, Operation, Record, Who};
use crate::evidence::scrub::scrub_shapes;
use crate::evidence::{
    About, Action, Class, Confidence, Outcome, Provenance, Resource, ResourceKind, Stamp, Text, fold_path,
};
use crate::sql::Dialect;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What MONITOR shows.
pub struct RedisMonitor;

/// How many words of a command are looked at.
const MAX_WORDS: usize = 1024;
/// How long a shape of keys may be.
const MAX_SHAPE: usize = 160;

/// Where a command's keys are, in words behind its name: `r` reads and `w` writes; `1` is the first word, `1..` that and
/// all after it, `1..-2` all but the last, `1+2` every second one, `n1` as many as the first word says, behind it. One
/// command may have several.
const KEYS: [(&str, &str); 16] = [
    (
        "r1",
        "BITCOUNT BITFIELD_RO BITPOS DUMP EXPIRETIME GEODIST GEOHASH GEOPOS GEORADIUS_RO GEORADIUSBYMEMBER_RO \
         GEOSEARCH GET GETBIT GETRANGE HEXISTS HGET HGETALL HKEYS HLEN HMGET HRANDFIELD HSCAN HSTRLEN HVALS LINDEX LLEN \
         LPOS LRANGE PEXPIRETIME PTTL SCARD SISMEMBER SMEMBERS SMISMEMBER SORT_RO SRANDMEMBER SSCAN STRLEN SUBSTR TTL \
         TYPE ZCARD ZCOUNT ZLEXCOUNT ZMSCORE ZRANDMEMBER ZRANGE ZRANGEBYLEX ZRANGEBYSCORE ZRANK ZREVRANGE \
         ZREVRANGEBYLEX ZREVRANGEBYSCORE ZREVRANK ZSCAN ZSCORE",
    ),
    (
        "w1",
        "APPEND BITFIELD DECR DECRBY EXPIRE EXPIREAT GEOADD GETDEL GETEX GETSET HDEL HINCRBY HINCRBYFLOAT HMSET HSET \
         HSETNX INCR INCRBY INCRBYFLOAT LINSERT LPOP LPUSH LPUSHX LREM LSET LTRIM MOVE PERSIST PEXPIRE PEXPIREAT PFADD \
         PSETEX RESTORE RPOP RPUSH RPUSHX SADD SET SETBIT SETEX SETNX SETRANGE SPOP SREM ZADD ZINCRBY ZPOPMAX ZPOPMIN \
         ZREM ZREMRANGEBYLEX ZREMRANGEBYRANK ZREMRANGEBYSCORE",
    ),
    ("r1..", "EXISTS MGET PFCOUNT SDIFF SINTER SUNION TOUCH"),
    ("w1..", "DEL UNLINK"),
    ("w1..-2", "BLPOP BRPOP BZPOPMAX BZPOPMIN"),
    ("w1+2", "MSET MSETNX"),
    ("w1 w2", "BLMOVE BRPOPLPUSH LMOVE RENAME RENAMENX RPOPLPUSH SMOVE"),
    ("r1 w2", "COPY"),
    ("w1 r2", "GEOSEARCHSTORE ZRANGESTORE"),
    ("w1 r2..", "PFMERGE SDIFFSTORE SINTERSTORE SUNIONSTORE"),
    ("w2 r3..", "BITOP"),
    ("w1 rn2", "ZDIFFSTORE ZINTERSTORE ZUNIONSTORE"),
    ("rn1", "SINTERCARD ZDIFF ZINTER ZINTERCARD ZUNION"),
    ("wn1", "LMPOP ZMPOP"),
    ("wn2", "BLMPOP BZMPOP"),
    ("r1 r2", "LCS"),
];

/// Commands by name: where their keys are.
static LAYOUTS: std::sync::LazyLock<HashMap<&'static str, &'static str>> = std::sync::LazyLock::new(|| {
    KEYS.iter().flat_map(|(layout, names)| names.split_whitespace().map(|name| (name, *layout))).collect()
});

/// The words that one part of a layout means.
fn keys<'w>(layout: &str, words: &'w [Cow<'w, str>]) -> Vec<&'w str> {
    let all = |from: usize, step: usize, less: usize| -> Vec<&'w str> {
        let end = words.len().saturating_sub(less);
        words.get(from - 1..end).unwrap_or_default().iter().step_by(step).map(|word| &**word).collect()
    };
    let number = |text: &str| text.parse::<usize>().unwrap_or(1).max(1);
    if let Some(at) = layout.strip_prefix('n') {
        let at = number(at);
        let count = words.get(at - 1).and_then(|word| word.parse::<usize>().ok()).unwrap_or(0);
        return all(at + 1, 1, 0).into_iter().take(count).collect();
    }
    if let Some((from, less)) = layout.split_once("..") {
        // `-1` is the last word, `-2` the one before it.
        return all(number(from), 1, less.strip_prefix('-').map_or(0, |less| number(less) - 1));
    }
    if let Some((from, step)) = layout.split_once('+') {
        return all(number(from), number(step), 0);
    }
    all(number(layout), 1, 0).into_iter().take(1).collect()
}

/// From how many digits on the end of a word counts one of many: `billing1` and `audit2` are two names.
const COUNTED_DIGITS: usize = 4;

/// Where a word of a key is one of many, what stays of it: nothing of what a path would fold, of a number and of a long
/// word with digits in it; what stands before a long number.
fn variable(word: &str) -> Option<&str> {
    let digits = word.bytes().rev().take_while(u8::is_ascii_digit).count();
    let long = word.len() >= 16
        && word.bytes().any(|b| b.is_ascii_digit())
        && word.bytes().all(|b| b.is_ascii_alphanumeric());
    if fold_path(word) == "{}" || long || digits > 0 && digits == word.len() {
        return Some("");
    }
    (digits >= COUNTED_DIGITS).then(|| &word[..word.len() - digits])
}

/// The shape of a key: its words that are one of many folded, where signs between words stay as they are.
fn shape(key: &str) -> String {
    if key.contains("\\x") {
        return "{binary}".to_owned();
    }
    let (mut shape, mut word) = (String::new(), String::new());
    let close = |shape: &mut String, word: &mut String| {
        // What one of many is made of several words (a UUID, a date) is one.
        let folded = variable(word);
        let whole = folded == Some("");
        let tail = shape.strip_suffix(['-', '_', '.']).filter(|before| whole && before.ends_with("{}"));
        match (tail.map(str::len), folded) {
            (Some(length), _) => shape.truncate(length),
            (None, Some(kept)) => {
                shape.push_str(kept);
                shape.push_str("{}");
            }
            (None, None) => shape.push_str(word),
        }
        word.clear();
    };
    let whole = scrub_shapes(key).into_owned();
    let whole = uuid_folded(&whole);
    for sign in whole.chars() {
        if sign.is_alphanumeric() || sign == '‹' || sign == '›' || sign == '*' || sign == '?' {
            word.push(sign);
        } else {
            close(&mut shape, &mut word);
            shape.push(sign);
        }
    }
    close(&mut shape, &mut word);
    if let Some((end, _)) = shape.char_indices().nth(MAX_SHAPE) {
        shape.truncate(end);
    }
    shape
}

/// A text with its UUIDs (RFC 9562) as one digit each, so that a part of letters alone does not stay.
fn uuid_folded(text: &str) -> Cow<'_, str> {
    let dashes = [8, 13, 18, 23];
    let is_uuid = |part: &[u8]| {
        part.iter()
            .enumerate()
            .all(|(at, b)| if dashes.contains(&at) { *b == b'-' } else { b.is_ascii_hexdigit() })
    };
    let found = text.as_bytes().windows(36).position(is_uuid);
    match found {
        Some(at) if text.is_char_boundary(at) && text.is_char_boundary(at + 36) => {
            Cow::Owned(format!("{}0{}", &text[..at], uuid_folded(&text[at + 36..])))
        }
        _ => Cow::Borrowed(text),
    }
}

/// A line of MONITOR.
struct Line<'a> {
    stamp: Stamp,
    database: &'a str,
    /// Empty for what a script does.
    client: &'a str,
    rest: &'a str,
}

/// `1795386372.123456 [0 10.0.3.7:5123] "SET" "a" "b"`.
fn line(text: &str) -> Option<Line<'_>> {
    let (time, rest) = text.split_once(" [")?;
    let (seconds, micros) = time.split_once('.')?;
    if seconds.len() < 9 || seconds.len() > 11 || micros.len() != 6 {
        return None;
    }
    let stamp = Stamp::from_seconds(seconds.parse().ok()?).plus_micros(micros.parse().ok()?);
    let (from, rest) = rest.split_once("] \"")?;
    let (database, client) = from.split_once(' ')?;
    if !database.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(Line { stamp, database, client: if client == "lua" { "" } else { client }, rest })
}

/// The words of a command, from behind the first quote; `None`: a quote is not closed.
fn words(mut rest: &str) -> Option<Vec<Cow<'_, str>>> {
    let mut words = Vec::new();
    while words.len() < MAX_WORDS {
        let bytes = rest.as_bytes();
        let mut at = 0;
        let end = loop {
            match bytes[at + memchr::memchr2(b'"', b'\\', &bytes[at..])?..].first()? {
                b'"' => break at + memchr::memchr(b'"', &bytes[at..])?,
                _ => at += memchr::memchr(b'\\', &bytes[at..])? + 2,
            }
            if at > bytes.len() {
                return None;
            }
        };
        let word = &rest[..end];
        words.push(if word.contains('\\') {
            Cow::Owned(word.replace("\\\"", "\"").replace("\\\\", "\\"))
        } else {
            Cow::Borrowed(word)
        });
        match rest[end + 1..].strip_prefix(" \"") {
            Some(next) => rest = next,
            None => return Some(words),
        }
    }
    Some(words)
}

/// What a command does.
enum Does {
    /// Something to these.
    Uses(Vec<(Action, Resource)>),
    /// Something that shows only that somebody is there.
    Connects(Class),
    /// It touches the server as a whole.
    Administers,
    /// The client calls itself so, where it says, and is a new one, where it opens with that.
    Named(Option<String>, bool),
    /// Nothing of anybody's.
    Nothing,
}

/// A key space or topic, in its database.
fn resource(kind: ResourceKind, database: &str, key: &str) -> Resource {
    let shape = shape(key);
    // Channels are the server's, whatever the database.
    let part = if database == "0" || database.is_empty() { shape } else { format!("{database}/{shape}") };
    Resource { kind, server: None, database: None, parts: vec![Text::from(part)] }
}

fn value<'w>(words: &'w [Cow<'w, str>], option: &str) -> Option<&'w str> {
    let at = words.iter().position(|word| word.eq_ignore_ascii_case(option))?;
    words.get(at + 1).map(|word| &**word)
}

/// What SORT and the like give to `STORE`, beside what they read.
fn stored(database: &str, words: &[Cow<'_, str>]) -> Does {
    let read = words.first().map(|key| (Action::Read, resource(ResourceKind::Keys, database, key)));
    let option = ["STORE", "STOREDIST"].iter().find_map(|option| value(words.get(1..)?, option));
    let written = option.map(|key| (Action::Write, resource(ResourceKind::Keys, database, key)));
    Does::Uses(read.into_iter().chain(written).collect())
}

/// The streams of XREAD and XREADGROUP: the first half of the words behind STREAMS.
fn streams<'w>(words: &'w [Cow<'w, str>]) -> &'w [Cow<'w, str>] {
    let at = words.iter().position(|word| word.eq_ignore_ascii_case("STREAMS"));
    let behind = at.and_then(|at| words.get(at + 1..)).unwrap_or_default();
    &behind[..behind.len() / 2]
}

fn does(name: &str, database: &str, words: &[Cow<'_, str>]) -> Does {
    let first = words.first().map_or("", |word| &**word);
    let sub = first.to_ascii_uppercase();
    let of = |kind: ResourceKind, database: &str, action: Action, keys: &[Cow<'_, str>]| {
        Does::Uses(keys.iter().map(|key| (action, resource(kind, database, key))).collect())
    };
    let streams_of = |action: Action, keys: &[Cow<'_, str>]| of(ResourceKind::Topic, database, action, keys);
    let first_word = words.get(..1).unwrap_or_default();
    if let Some(layout) = LAYOUTS.get(name) {
        let part = |part: &str| {
            let (kind, place) = part.split_at(1);
            let action = if kind == "r" { Action::Read } else { Action::Write };
            let uses = keys(place, words).into_iter();
            uses.map(|key| (action, resource(ResourceKind::Keys, database, key))).collect::<Vec<_>>()
        };
        return Does::Uses(layout.split(' ').flat_map(part).collect());
    }
    match name {
        "XADD" => streams_of(Action::Publish, first_word),
        "XREAD" | "XREADGROUP" => streams_of(Action::Consume, streams(words)),
        "XRANGE" | "XREVRANGE" | "XACK" | "XCLAIM" | "XAUTOCLAIM" => streams_of(Action::Consume, first_word),
        "XDEL" | "XTRIM" | "XSETID" | "XLEN" | "XPENDING" => streams_of(Action::Touch, first_word),
        "XGROUP" | "XINFO" => streams_of(Action::Touch, words.get(1..2).unwrap_or_default()),
        "PUBLISH" | "SPUBLISH" => of(ResourceKind::Topic, "", Action::Publish, first_word),
        "SUBSCRIBE" | "PSUBSCRIBE" | "SSUBSCRIBE" => of(ResourceKind::Topic, "", Action::Consume, words),
        "SORT" | "GEORADIUS" | "GEORADIUSBYMEMBER" => stored(database, words),
        "SCAN" => {
            let pattern = value(words, "MATCH").unwrap_or("*");
            of(ResourceKind::Keys, database, Action::Read, &[Cow::Borrowed(pattern)])
        }
        "KEYS" => of(ResourceKind::Keys, database, Action::Read, first_word),
        "FLUSHDB" => of(ResourceKind::Keys, database, Action::Write, &[Cow::Borrowed("*")]),
        "FLUSHALL" => of(ResourceKind::Keys, "", Action::Write, &[Cow::Borrowed("*")]),
        "OBJECT" | "MEMORY" if words.len() > 1 => Does::Connects(Class::Monitoring),
        "FCALL" | "FCALL_RO" => Does::Uses(vec![(
            Action::Call,
            Resource::routine(vec![Text::from(scrub_shapes(first).as_ref())]),
        )]),
        "PING" | "ECHO" => Does::Connects(Class::Keepalive),
        "REPLCONF" | "PSYNC" | "SYNC" => Does::Connects(Class::Replication),
        "INFO" | "DBSIZE" | "LASTSAVE" | "TIME" | "ROLE" | "SLOWLOG" | "LATENCY" | "MEMORY" | "CLUSTER"
        | "PUBSUB" | "MONITOR" | "OBJECT" => Does::Connects(Class::Monitoring),
        "CONFIG" if matches!(sub.as_str(), "SET" | "REWRITE" | "RESETSTAT") => Does::Administers,
        "CONFIG" | "ACL" => Does::Connects(Class::Monitoring),
        "SHUTDOWN" | "SWAPDB" | "REPLICAOF" | "SLAVEOF" | "FAILOVER" | "DEBUG" | "FUNCTION" | "MIGRATE" => {
            Does::Administers
        }
        "CLIENT" if sub == "SETNAME" => Does::Named(words.get(1).map(ToString::to_string), false),
        "CLIENT" if sub == "SETINFO" => Does::Nothing,
        "CLIENT" if matches!(sub.as_str(), "LIST" | "KILL" | "PAUSE") => Does::Connects(Class::Monitoring),
        "HELLO" => Does::Named(value(words, "SETNAME").map(str::to_owned), true),
        _ => Does::Nothing,
    }
}

/// What tells sessions apart: the client's address and port. Clients of a socket have none.
fn session(client: &str) -> u64 {
    if client.is_empty() || client.starts_with("unix:") {
        return 0;
    }
    // FNV-1a (Fowler, Noll, Vo), 64 bits.
    let hash = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    client.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, hash).max(1)
}

fn who(client: &str) -> Who {
    let (host, port) = client.rsplit_once(':').unwrap_or((client, ""));
    match port.parse() {
        Ok(port) => Who { client: Text::from(host.trim_matches(['[', ']'])), port, ..Who::default() },
        Err(_) => Who { client: Text::from("[local]"), ..Who::default() },
    }
}

/// Tells records of lines.
#[derive(Default)]
struct Reader {
    out: Block,
    whos: HashMap<String, Arc<Who>>,
    shapes: HashMap<(String, Resource), Text>,
    /// The client of the line before, whose scripts the lines without one are.
    client: String,
}

impl Reader {
    fn record(&mut self, line: &Line<'_>, number: u64, event: Event, name: Option<&str>) {
        let client = self.client.clone();
        let base =
            self.whos.entry(client).or_insert_with_key(|client| Arc::new(who(client).scrubbed())).clone();
        let who = match name {
            Some(name) => Arc::new(Who { application: Text::from(name), ..(*base).clone() }.scrubbed()),
            None => base,
        };
        let session = session(&self.client);
        self.out.records.push(Record { stamp: line.stamp, session, who, event, line: number });
    }

    fn operation(&mut self, command: &str, action: Action, resource: Resource, class: Class) -> Event {
        let key = (command.to_owned(), resource);
        let text = self.shapes.entry(key.clone()).or_insert_with(|| {
            let shown = key.1.parts.first().map_or(String::new(), |part| format!(" {part}"));
            Text::from(format!("{command}{shown}"))
        });
        Event::Operation(Box::new(Operation {
            action,
            text: text.clone(),
            resource: key.1,
            class,
            ended: Ended { outcome: Outcome::Ok, micros: None },
            traits: BTreeSet::new(),
        }))
    }

    fn read(&mut self, text: &str, number: u64) -> Option<()> {
        let line = line(text)?;
        if !line.client.is_empty() {
            line.client.clone_into(&mut self.client);
        }
        let all = words(line.rest)?;
        let (name, words) = all.split_first()?;
        let name = name.to_ascii_uppercase();
        let server =
            Resource { kind: ResourceKind::Database, server: None, database: None, parts: Vec::new() };
        match does(&name, line.database, words) {
            Does::Uses(uses) => {
                // A key that a command names twice is used once.
                let uses: BTreeSet<(Action, Resource)> = uses.into_iter().collect();
                for (action, resource) in uses {
                    let event = self.operation(&name, action, resource, Class::App);
                    self.record(&line, number, event, None);
                }
            }
            Does::Connects(class) => {
                let event = self.operation(&name, Action::Connect, server, class);
                self.record(&line, number, event, None);
            }
            Does::Administers => {
                let event = self.operation(&name, Action::Touch, server, Class::App);
                self.record(&line, number, event, None);
            }
            Does::Named(name, opens) => {
                if opens {
                    self.record(&line, number, Event::Connected, None);
                }
                self.record(&line, number, Event::Nothing, name.as_deref());
            }
            Does::Nothing => self.record(&line, number, Event::Nothing, None),
        }
        Some(())
    }
}

/// Whether a line is caused by a script, and so a part of the record before it.
fn is_of_script(line: &[u8]) -> bool {
    let head = &line[..line.len().min(48)];
    memchr::memmem::find(head, b" lua] \"").is_some()
}

impl LogFormat for RedisMonitor {
    fn about(&self) -> &'static About {
        &About {
            name: "redis-monitor",
            title: "what Redis's MONITOR shows (redis-cli MONITOR)",
            provenance: Provenance::Recorded,
        }
    }

    fn dialect(&self) -> Dialect {
        Dialect::Generic
    }

    fn never_says(&self) -> Option<&'static str> {
        Some(
            "MONITOR shows neither who logs in, nor whether a command failed, nor commands that administer the server",
        )
    }

    fn recognise(&self, head: &[u8]) -> Option<Confidence> {
        let lines = head.split(|b| *b == b'\n').skip_while(|line| line.trim_ascii() == b"OK").take(4);
        let fits = |text: &[u8]| {
            let text = String::from_utf8_lossy(text);
            line(text.trim_end_matches('\r')).is_some_and(|line| words(line.rest).is_some())
        };
        lines.filter(|line| !line.is_empty()).any(fits).then_some(Confidence::High)
    }

    fn last_start(&self, block: &[u8]) -> usize {
        let mut end = block.len();
        while let Some(newline) = memchr::memrchr(b'\n', &block[..end.saturating_sub(1)]) {
            let start = newline + 1;
            // A line that is not whole may still turn out to be a script's.
            let whole = memchr::memchr(b'\n', &block[start..]).is_some();
            if start < block.len() && whole && !is_of_script(&block[start..]) {
                return start;
            }
            end = start;
        }
        0
    }

    fn parse(&self, block: &[u8], _context: Context<'_>) -> Block {
        let mut reader = Reader::default();
        let text = super::as_text(block);
        for (number, line) in text.split_terminator('\n').enumerate() {
            let line = line.strip_suffix('\r').unwrap_or(line);
            if !matches!(line, "" | "OK") && reader.read(line, number as u64).is_none() {
                reader.out.unmatched(number as u64);
            }
        }
        reader.out.lines = text.split_terminator('\n').count() as u64;
        reader.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_fold_to_shapes() {
        for (key, wanted) in [
            ("order:42", "order:{}"),
            ("user:{42}:cart", "user:{{}}:cart"),
            ("session:3f2b8c1e-9a4d-4e7f-abcd-6c5d4e3f2a1b", "session:{}"),
            ("celery-task-meta-3f2b8c1e-9a4d-4e7f-8b21-6c5d4e3f2a1b", "celery-task-meta-{}"),
            ("rank:2026-11-22", "rank:{}"),
            ("v2:price:eu", "v2:price:eu"),
            ("user17/profile", "user17/profile"),
            ("user12345/profile", "user{}/profile"),
            ("billing1", "billing1"),
            ("audit2:7:x", "audit2:{}:x"),
            ("s3:bucket", "s3:bucket"),
            ("api:rate:10.0.3.7", "api:rate:{}"),
            ("mail:ann@example.com", "mail:‹scrubbed›"),
            ("a\\x00b", "{binary}"),
            ("order:*", "order:*"),
        ] {
            assert_eq!(shape(key), wanted, "{key}");
        }
    }

    #[test]
    fn words_end_at_quotes_that_are_not_escaped() {
        let read = |rest| words(rest).map(|words| words.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(
            read(r#"SET" "a b" "{\"x\": \"\\\"}""#),
            Some(vec!["SET".into(), "a b".into(), r#"{"x": "\"}"#.into()])
        );
        assert_eq!(read(r#"SET" "a\"#), None);
        assert_eq!(read(r#"SET" "a\" "#), None);
    }
}
