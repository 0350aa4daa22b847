//! `redis-cli` (Redis documentation, "Redis CLI" and "Commands"): which keys a call reads and writes, with what is one
//! of many in a key folded. Passwords are never looked at.

use super::clients::{at_port, known};
use super::options::Options;
use super::{Call, Commands, Out, split_login};
use crate::evidence::scrub::scrub_shapes;
use crate::evidence::{Action, Connection, Resource, ResourceKind, Text, fold_path};

/// redis-cli, valkey-cli.
pub struct Redis;

/// Commands by where their keys are: behind the name, the first word; all words; every second word.
const READS: &str = "GET HGET HGETALL HKEYS HLEN HMGET HVALS LINDEX LLEN LRANGE SCARD SISMEMBER SMEMBERS STRLEN TTL PTTL \
                     TYPE ZCARD ZCOUNT ZRANGE ZRANGEBYSCORE ZREVRANGE ZSCORE XLEN XRANGE XINFO DUMP BITCOUNT GETRANGE";
const WRITES: &str = "APPEND DECR DECRBY EXPIRE EXPIREAT HDEL HINCRBY HMSET HSET INCR INCRBY LPOP LPUSH LREM LSET LTRIM \
                      PERSIST PEXPIRE RESTORE RPOP RPUSH SADD SET SETEX SETNX SPOP SREM ZADD ZINCRBY ZREM XADD XTRIM \
                      GETSET GETDEL BLPOP BRPOP";
const READS_ALL: &str = "MGET EXISTS SINTER SUNION SDIFF TOUCH";
const WRITES_ALL: &str = "DEL UNLINK";

/// The shape of a key: its parts between colons that are one of many folded.
fn shape(key: &str) -> String {
    let parts: Vec<String> = key.split(':').map(|part| fold_path(part).replace("{date}", "{}")).collect();
    scrub_shapes(&parts.join(":")).into_owned()
}

impl Commands for Redis {
    fn names(&self) -> &'static [&'static str] {
        &["redis-cli", "valkey-cli", "keydb-cli"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(
            &call.words,
            "hpsanuirdD",
            &["user", "pass", "cacert", "cert", "key", "pattern", "pipe-timeout", "rdb", "eval"],
        );
        let url = options.get(&["u"]).and_then(|url| url.split_once("://"));
        let (mut server, mut number) = (None, options.get(&["n"]).map(str::to_owned));
        if let Some((_, rest)) = url {
            let (_, rest) = split_login(rest);
            let (host, database) = rest.split_once('/').unwrap_or((rest, ""));
            server = known(Some(host));
            number = number.or_else(|| Some(database.to_owned()).filter(|database| !database.is_empty()));
        }
        let server = server.or_else(|| at_port(known(options.get(&["h"])), options.get(&["p"])));
        for path in options.all(&["rdb"]) {
            out.add_file(call, Action::Write, path);
        }
        let connection = Connection { server, ..Connection::default() };
        let given = call.stdin.iter().flat_map(|text| text.lines());
        let given = given.map(|line| line.split_whitespace().map(str::to_owned).collect());
        let lines: Vec<Vec<String>> = match options.plain.is_empty() {
            true => given.collect(),
            false => vec![options.plain.clone()],
        };
        let mut told = false;
        for line in lines {
            told |= command(call, &connection, number.as_deref(), &line, out);
        }
        if !told && connection.server.is_some() {
            let whole = Resource::database(connection.server.clone(), None);
            out.add(call, Some(&connection), Action::Connect, whole);
        }
    }
}

/// One command; tells whether it was stated.
fn command(call: &Call, to: &Connection, number: Option<&str>, words: &[String], out: &mut Out<'_>) -> bool {
    let Some((name, words)) = words.split_first() else { return false };
    let name = name.to_ascii_uppercase();
    let is = |list: &str| list.split_whitespace().any(|known| known == name);
    let (action, kind, count) = match () {
        () if is(READS) => (Action::Read, ResourceKind::Keys, 1),
        () if is(WRITES) => (Action::Write, ResourceKind::Keys, 1),
        () if is(READS_ALL) => (Action::Read, ResourceKind::Keys, words.len()),
        () if is(WRITES_ALL) => (Action::Write, ResourceKind::Keys, words.len()),
        () if name == "PUBLISH" => (Action::Publish, ResourceKind::Topic, 1),
        () if matches!(&*name, "SUBSCRIBE" | "PSUBSCRIBE") => {
            (Action::Consume, ResourceKind::Topic, words.len())
        }
        () => return false,
    };
    for key in words.iter().take(count) {
        if key.starts_with("{}") {
            out.unresolved(call, "a key of a cache that is only known when it runs");
            continue;
        }
        // Channels are the server's, whatever the database.
        let part = match number.filter(|number| kind == ResourceKind::Keys && *number != "0") {
            Some(number) => format!("{number}/{}", shape(key)),
            None => shape(key),
        };
        let resource =
            Resource { kind, server: to.server.clone(), database: None, parts: vec![Text::from(part)] };
        out.add(call, Some(to), action, resource);
    }
    true
}
