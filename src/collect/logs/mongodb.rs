//! MongoDB's log since version 4.4 (MongoDB Manual, "Log Messages"): one JSON object a line. Operations are in it where
//! they were slow or where everything is profiled; who a connection is stands in lines of its own, joined by `ctx`. A
//! collection is known as its database and its name, and other collections that a pipeline names are used as well. Values
//! of queries never leave this file, only the names of fields. The text that older versions write is recognised, and said
//! not to be read.

use super::{Block, Context, Ended, Event, LogFormat, Operation, Record, Who};
use crate::evidence::{
    About, Action, Class, Confidence, GapCode, Outcome, Provenance, Resource, ResourceKind, Text,
};
use crate::sql::Dialect;
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

/// MongoDB's log.
pub struct Mongodb;

/// What every line begins with.
const BEGINS: &[u8] = b"{\"t\":{\"$date\":\"";
/// The messages that say something about anybody's use.
const MESSAGES: [&[u8]; 6] = [
    b"\"Slow query\"",
    b"\"Connection accepted\"",
    b"\"Connection ended\"",
    b"\"client metadata\"",
    b"uthenticat",
    b"\"MongoDB starting\"",
];
/// How many pipelines inside of pipelines are looked at.
const MAX_DEPTH: usize = 16;
/// How many names of fields a shape holds.
const MAX_FIELDS: usize = 12;

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    t: Date<'a>,
    #[serde(borrow, default)]
    c: Cow<'a, str>,
    #[serde(borrow, default)]
    ctx: Cow<'a, str>,
    #[serde(borrow, default)]
    msg: Cow<'a, str>,
    #[serde(borrow, default)]
    attr: Attr<'a>,
}

#[derive(Deserialize)]
struct Date<'a> {
    #[serde(rename = "$date", borrow)]
    date: Cow<'a, str>,
}

/// What of a line's attributes is read.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Attr<'a> {
    #[serde(borrow)]
    ns: Cow<'a, str>,
    #[serde(borrow)]
    app_name: Cow<'a, str>,
    command: Command,
    #[serde(borrow)]
    remote: Option<Cow<'a, str>>,
    client: Option<Value>,
    duration_millis: Option<f64>,
    ok: Option<Value>,
    #[serde(borrow)]
    err_name: Option<Cow<'a, str>>,
    truncated: Option<Value>,
    connection_id: Option<u64>,
    #[serde(borrow)]
    principal_name: Option<Cow<'a, str>>,
    user: Option<Value>,
    doc: Option<Value>,
}

/// A command: its keys in order, because the first is its name.
#[derive(Default)]
struct Command(Vec<(String, Value)>);

impl Command {
    fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(own, _)| own == key).map(|(_, value)| value)
    }
}

impl<'de> Deserialize<'de> for Command {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Command, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Command;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a command")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Command, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Command(pairs))
            }
            fn visit_str<E>(self, _: &str) -> Result<Command, E> {
                Ok(Command::default())
            }
            fn visit_unit<E>(self) -> Result<Command, E> {
                Ok(Command::default())
            }
        }
        deserializer.deserialize_any(InOrder)
    }
}

/// A collection, as `database` and `name`.
type Collection = (String, String);

/// A collection that a stage names: by its name, or by its database and name.
fn named(value: &Value, database: &str) -> Option<Collection> {
    match value {
        Value::String(name) => Some((database.to_owned(), name.clone())),
        Value::Object(it) => {
            let name = it.get("coll").and_then(Value::as_str)?;
            let database = it.get("db").and_then(Value::as_str).unwrap_or(database);
            Some((database.to_owned(), name.to_owned()))
        }
        _ => None,
    }
}

/// The collections that a pipeline uses beside its own, and the names of its stages.
fn pipeline(
    stages: &Value,
    database: &str,
    depth: usize,
    uses: &mut BTreeSet<(Action, Collection)>,
    names: &mut Vec<String>,
) {
    if depth > MAX_DEPTH {
        return;
    }
    for stage in stages.as_array().map(Vec::as_slice).unwrap_or_default() {
        let Some((name, it)) = stage.as_object().and_then(|stage| stage.iter().next()) else { continue };
        if names.len() < MAX_FIELDS && depth == 0 {
            names.push(plain(name));
        }
        let (action, target) = match name.as_str() {
            "$lookup" | "$graphLookup" => (Action::Read, it.get("from")),
            "$unionWith" if it.is_string() => (Action::Read, Some(it)),
            "$unionWith" => (Action::Read, Some(it).filter(|it| it.get("coll").is_some())),
            "$out" => (Action::Write, Some(it)),
            "$merge" if it.is_string() => (Action::Write, Some(it)),
            "$merge" => (Action::Write, it.get("into")),
            "$facet" => {
                for inner in it.as_object().into_iter().flat_map(|it| it.values()) {
                    pipeline(inner, database, depth + 1, uses, names);
                }
                continue;
            }
            _ => continue,
        };
        uses.extend(target.and_then(|target| named(target, database)).map(|target| (action, target)));
        if let Some(inner) = it.get("pipeline") {
            pipeline(inner, database, depth + 1, uses, names);
        }
    }
}

/// A name of a field or stage as it may be shown; what could be somebody's data is none.
fn plain(name: &str) -> String {
    let fine = name.len() <= 40
        && name.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'$' | b'.'))
        && !name.is_empty();
    if fine { name.to_owned() } else { "…".to_owned() }
}

/// The names of the fields of a filter.
fn fields(filter: Option<&Value>) -> Vec<String> {
    let filter = filter.and_then(Value::as_object);
    filter.into_iter().flat_map(|it| it.keys()).take(MAX_FIELDS).map(|name| plain(name)).collect()
}

/// What a command does.
enum Does {
    /// Something to collections, with what tells its shape.
    Uses(BTreeSet<(Action, Collection)>, String),
    /// Something that only shows that somebody is there.
    Connects(Class),
    /// A part of something else.
    Nothing,
    /// A command that is not known.
    Unknown,
}

fn does(name: &str, value: &Value, command: &Command, attr: &Attr<'_>) -> Does {
    let ns = attr.ns.split_once('.').unwrap_or((&attr.ns, ""));
    let database = command.get("$db").and_then(Value::as_str).unwrap_or(ns.0).to_owned();
    let own = value.as_str().map(|name| (database.clone(), name.to_owned()));
    let shown = |words: &[String]| {
        if words.is_empty() { String::new() } else { format!(" {{{}}}", words.join(", ")) }
    };
    let one = |action: Action, words: Vec<String>| match &own {
        Some(own) => Does::Uses(BTreeSet::from([(action, own.clone())]), shown(&words)),
        None => Does::Nothing,
    };
    match name {
        "find" => one(Action::Read, fields(command.get("filter"))),
        "count" | "distinct" => one(Action::Read, fields(command.get("query"))),
        "getMore" => match command.get("collection").and_then(Value::as_str) {
            Some(name) => {
                Does::Uses(BTreeSet::from([(Action::Read, (database, name.to_owned()))]), String::new())
            }
            None => Does::Nothing,
        },
        "insert" | "update" | "delete" => one(Action::Write, Vec::new()),
        "findAndModify" | "findandmodify" => one(Action::Write, fields(command.get("query"))),
        "aggregate" => {
            let (mut uses, mut stages) = (BTreeSet::new(), Vec::new());
            if let Some(list) = command.get("pipeline") {
                pipeline(list, &database, 0, &mut uses, &mut stages);
            }
            match own {
                Some(own) => uses.extend([(Action::Read, own)]),
                // Of the server as a whole: `$currentOp` and the like.
                None if uses.is_empty() => return Does::Connects(Class::Monitoring),
                None => {}
            }
            Does::Uses(uses, format!(" [{}]", stages.join(", ")))
        }
        "mapReduce" | "mapreduce" => {
            let out = command.get("out");
            let kinds = ["replace", "merge", "reduce"];
            let target = out.and_then(|out| kinds.iter().find_map(|kind| out.get(*kind)).or(Some(out)));
            let target = target.and_then(Value::as_str);
            let other =
                out.and_then(|out| out.get("db")).and_then(Value::as_str).unwrap_or(&database).to_owned();
            let written = target.map(|name| (Action::Write, (other, name.to_owned())));
            Does::Uses(own.map(|own| (Action::Read, own)).into_iter().chain(written).collect(), String::new())
        }
        "bulkWrite" => {
            let list = command.get("nsInfo").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let of = |it: &Value| {
                let (database, name) = it["ns"].as_str()?.split_once('.')?;
                Some((Action::Write, (database.to_owned(), name.to_owned())))
            };
            Does::Uses(list.iter().filter_map(of).collect(), String::new())
        }
        "renameCollection" => {
            let of = |value: Option<&Value>| {
                let (database, name) = value?.as_str()?.split_once('.')?;
                Some((Action::Touch, (database.to_owned(), name.to_owned())))
            };
            Does::Uses(
                [of(Some(value)), of(command.get("to"))].into_iter().flatten().collect(),
                String::new(),
            )
        }
        "create" | "drop" | "createIndexes" | "dropIndexes" | "deleteIndexes" | "collMod"
        | "convertToCapped" | "shardCollection" | "reIndex" | "compact" => one(Action::Touch, Vec::new()),
        "hello" | "isMaster" | "ismaster" | "ping" => Does::Connects(Class::Keepalive),
        "serverStatus" | "dbStats" | "dbstats" | "collStats" | "collstats" | "replSetGetStatus" | "top"
        | "currentOp" | "getLog" | "listDatabases" | "listCollections" | "listIndexes" | "buildInfo"
        | "buildinfo" | "hostInfo" | "getParameter" | "getCmdLineOpts" | "connPoolStats" | "validate"
        | "dbHash" | "profile" | "explain" | "getDiagnosticData" | "features" | "connectionStatus"
        | "usersInfo" | "rolesInfo" => Does::Connects(Class::Monitoring),
        "replSetHeartbeat" | "replSetUpdatePosition" | "replSetRequestVotes" | "replSetGetRBID" => {
            Does::Connects(Class::Replication)
        }
        "commitTransaction" | "abortTransaction" | "endSessions" | "killCursors" | "killSessions"
        | "refreshSessions" | "saslStart" | "saslContinue" | "authenticate" | "logout" | "killOp"
        | "whatsmyuri" | "getnonce" => Does::Nothing,
        _ => Does::Unknown,
    }
}

/// The number of a connection: `conn42` is 42.
fn connection(ctx: &str) -> Option<u64> {
    ctx.strip_prefix("conn")?.parse().ok().filter(|number| *number != 0)
}

fn peer(remote: &str) -> (Text, u16) {
    match remote.rsplit_once(':') {
        Some((host, port)) => (Text::from(host.trim_matches(['[', ']'])), port.parse().unwrap_or(0)),
        None => (Text::from(remote), 0),
    }
}

/// Tells records of lines.
#[derive(Default)]
struct Reader {
    out: Block,
    whos: HashMap<Who, Arc<Who>>,
}

impl Reader {
    fn who(&mut self, who: Who) -> Arc<Who> {
        self.whos.entry(who.clone()).or_insert_with(|| Arc::new(who.scrubbed())).clone()
    }

    fn read(&mut self, bytes: &[u8], line: u64, context: Context<'_>) -> Option<()> {
        let entry: Entry<'_> = serde_json::from_slice(bytes).ok()?;
        let (zoned, _) = context.zones.read(entry.t.date.as_bytes())?;
        self.out.zone_assumed |= !zoned.known;
        let stamp = zoned.stamp;
        let attr = &entry.attr;
        let remote =
            attr.remote.as_deref().or_else(|| attr.client.as_ref().and_then(Value::as_str)).unwrap_or("");
        let (client, port) = if remote.contains(['.', ':']) { peer(remote) } else { (Text::from(""), 0) };
        let mut who = Who { client, port, ..Who::default() };
        let session = connection(&entry.ctx);
        let event = match &*entry.msg {
            "MongoDB starting" => (u64::MAX, Event::Restarted),
            "Connection accepted" => (attr.connection_id?, Event::Connected),
            "Connection ended" => (attr.connection_id.or(session)?, Event::Disconnected),
            "client metadata" => {
                let doc = attr.doc.as_ref()?;
                who.application = Text::from(doc["application"]["name"].as_str().unwrap_or(""));
                (session?, Event::Nothing)
            }
            "Authentication succeeded" | "Successfully authenticated" => {
                who.user = Text::from(login(attr));
                (session?, Event::Authorized(&*who.user == "__system"))
            }
            "Authentication failed" | "Failed to authenticate" => {
                who.user = Text::from(login(attr));
                (0, Event::Refused)
            }
            // Of a write, its command is told as well.
            "Slow query" if entry.c != "WRITE" => return self.operation(&entry, who, stamp, line),
            _ => return Some(()),
        };
        let (session, event) = event;
        let who = self.who(who);
        self.out.records.push(Record { stamp, session, who, event, line });
        Some(())
    }

    fn operation(
        &mut self,
        entry: &Entry<'_>,
        mut who: Who,
        stamp: crate::evidence::Stamp,
        line: u64,
    ) -> Option<()> {
        // What the server does by itself has no connection.
        let Some(session) = connection(&entry.ctx) else { return Some(()) };
        let attr = &entry.attr;
        let (database, _) = attr.ns.split_once('.').unwrap_or((&attr.ns, ""));
        who.application = Text::from(&*attr.app_name);
        who.database = Text::from(database);
        let internal = matches!(&*attr.app_name, "OplogFetcher" | "MongoDB Internal Client");
        let Some((name, value)) = attr.command.0.first() else {
            self.out.gap(line, GapCode::Unparsed, "operations that are shown without their command");
            return Some(());
        };
        if attr.truncated.is_some() {
            let detail = "commands that the server cut (maxLogSizeKB): stages of pipelines may be missing";
            self.out.gap(line, GapCode::Truncated, detail);
        }
        let failed = attr.ok.as_ref().and_then(Value::as_f64) == Some(0.0);
        let outcome = match attr.err_name.as_deref() {
            Some("Unauthorized" | "AuthenticationFailed") => Outcome::Denied,
            Some(_) => Outcome::Failed,
            None if failed => Outcome::Failed,
            None => Outcome::Ok,
        };
        let micros = attr.duration_millis.map(|millis| (millis.max(0.0) * 1000.0) as u64);
        let ended = Ended { outcome, micros };
        let server =
            Resource { kind: ResourceKind::Database, server: None, database: None, parts: Vec::new() };
        let operations = match does(name, value, &attr.command, attr) {
            Does::Uses(uses, words) => {
                let class = |database: &str, collection: &str| match (database, collection) {
                    _ if internal => Class::Replication,
                    ("admin" | "config", _) => Class::Monitoring,
                    (_, name) if name.starts_with("system.") && name != "system.views" => Class::Monitoring,
                    _ => Class::App,
                };
                let of = |(action, (database, name)): (Action, Collection)| {
                    let parts = vec![Text::from(database.as_str()), Text::from(name.as_str())];
                    let database_of = Some(Text::from(database.as_str()));
                    let kind = ResourceKind::Table;
                    (
                        action,
                        Resource { kind, server: None, database: database_of, parts },
                        class(&database, &name),
                    )
                };
                let text =
                    Text::from(format!("{name} {}{words}", attr.ns.split_once('.').map_or("", |ns| ns.1)));
                uses.into_iter().map(of).map(|use_of| (use_of, text.clone())).collect()
            }
            Does::Connects(class) => vec![((Action::Connect, server, class), Text::from(name.as_str()))],
            Does::Nothing => Vec::new(),
            Does::Unknown => {
                self.out.gap(
                    line,
                    GapCode::Unparsed,
                    format!("commands that are not known: {}", plain(name)),
                );
                Vec::new()
            }
        };
        let who = self.who(who);
        if operations.is_empty() {
            self.out.records.push(Record { stamp, session, who: who.clone(), event: Event::Nothing, line });
        }
        for ((action, resource, class), text) in operations {
            let it = Operation { action, resource, text, class, ended, traits: BTreeSet::new() };
            let event = Event::Operation(Box::new(it));
            self.out.records.push(Record { stamp, session, who: who.clone(), event, line });
        }
        Some(())
    }
}

/// Whom an authentication names, in 4.4 and since.
fn login(attr: &Attr<'_>) -> String {
    let user = attr.user.as_ref();
    let user = user.and_then(|user| user.as_str().or_else(|| user["user"].as_str()));
    attr.principal_name.as_deref().or(user).unwrap_or("").to_owned()
}

/// Whether a line is of a version before 4.4: `2019-11-22T22:26:12.123+0000 I COMMAND  [conn42] …`.
fn is_old(line: &[u8]) -> bool {
    let mut words = line.split(|b| *b == b' ').filter(|word| !word.is_empty());
    let stamp = words
        .next()
        .is_some_and(|word| word.len() >= 24 && word[10] == b'T' && word[..4].iter().all(u8::is_ascii_digit));
    let severity =
        words.next().is_some_and(|word| matches!(word, b"F" | b"E" | b"W" | b"I" | b"D" | b"D1" | b"D2"));
    let component =
        words.next().is_some_and(|word| word.iter().all(|b| b.is_ascii_uppercase() || *b == b'-'));
    stamp && severity && component && words.next().is_some_and(|word| word.starts_with(b"["))
}

impl LogFormat for Mongodb {
    fn about(&self) -> &'static About {
        &About {
            name: "mongodb",
            title: "MongoDB's structured log, version 4.4 and later",
            provenance: Provenance::Documented,
        }
    }

    fn dialect(&self) -> Dialect {
        Dialect::Generic
    }

    /// What was not slow is in it only where everything is profiled.
    fn can_hold_all(&self) -> bool {
        false
    }

    fn recognise(&self, head: &[u8]) -> Option<Confidence> {
        let lines = || head.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty()).take(4);
        let new = |line: &[u8]| line.starts_with(BEGINS) && memchr::memmem::find(line, b"\"ctx\":").is_some();
        let new = lines().any(new).then_some(Confidence::High);
        new.or_else(|| lines().all(is_old).then_some(Confidence::Medium).filter(|_| !head.is_empty()))
    }

    fn last_start(&self, block: &[u8]) -> usize {
        let end = block.strip_suffix(b"\n").unwrap_or(block);
        memchr::memrchr(b'\n', end).map_or(0, |at| at + 1)
    }

    fn parse(&self, block: &[u8], context: Context<'_>) -> Block {
        let finders = MESSAGES.map(memchr::memmem::Finder::new);
        let mut reader = Reader::default();
        let block = block.strip_suffix(b"\n").unwrap_or(block);
        for (number, line) in block.split(|b| *b == b'\n').enumerate() {
            let number = number as u64;
            reader.out.lines = number + 1;
            if line.trim_ascii().is_empty() {
                continue;
            }
            if !line.starts_with(BEGINS) {
                reader.out.unmatched(number);
                if is_old(line) {
                    let detail = "MongoDB before 4.4 wrote its log as text, which is not read: profile with 4.4 or later";
                    reader.out.gap(number, GapCode::Unparsed, detail);
                }
                continue;
            }
            let told = finders.iter().any(|finder| finder.find(line).is_some());
            if told && reader.read(line, number, context).is_none() {
                reader.out.unmatched(number);
            }
        }
        reader.out
    }
}
