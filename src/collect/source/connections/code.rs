//! Connections in code: calls of the table's drivers, by what the file imports, and named values that stand together.
//! It follows values as far as constants do; a driver's call of which the host cannot be told is a gap.

use super::drivers::{self, Driver};
use super::named::{self, Named, Value};
use super::{Open, Said, state};
use crate::collect::source::fold::{File, UNKNOWN};
use crate::collect::source::marks::{Groups, Marked};
use crate::collect::source::place::Where;
use crate::evidence::{Engine, Evidence, Gap, GapCode, MentionKind, Place, Resource};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use tree_sitter::Node;

/// How deep tables of arguments are looked into, and how far above a group its engine may be said.
const MAX_DEPTH: usize = 3;
const MAX_ABOVE: usize = 6;

/// Tables within the arguments of a driver that hold more of them (knex, node-redis, tedious).
const NESTED: [&str; 5] = ["connection", "socket", "authentication", "options", "config"];

/// What a table that is handed over by its name may hold.
const HANDED: [&str; 29] = [
    "host",
    "hostname",
    "server",
    "port",
    "user",
    "username",
    "database",
    "dbname",
    "db",
    "url",
    "uri",
    "dsn",
    "connectionString",
    "connection",
    "connection.host",
    "connection.port",
    "connection.user",
    "connection.database",
    "socket.host",
    "socket.port",
    "dialect",
    "client",
    "type",
    "unix_socket",
    "HOST",
    "PORT",
    "USER",
    "DATABASE",
    "service_name",
];

/// Words of drivers of other engines, and of drivers of PostgreSQL.
const OTHERS: [&str; 9] =
    ["mysql", "maria", "mssql", "oracledb", "cx_Oracle", "mongo", "redis", "clickhouse", "tedious"];
const OURS: [&str; 8] = ["postgres", "psycopg", "pgx", "asyncpg", "'pg'", "\"pg\"", "pg-promise", "slonik"];

/// Whether a file speaks of another engine and not of PostgreSQL.
pub fn speaks_of(text: &str) -> bool {
    let any = |words: &[&str]| words.iter().any(|word| text.contains(word));
    any(&OTHERS) && !any(&OURS)
}

/// Reads the connections of a file.
pub struct Reader<'r, 'f> {
    /// The file.
    pub file: &'r File<'f>,
    /// Where it stands.
    pub at: &'r Where,
    /// Its path as shown.
    pub input: &'r crate::input::InputFile,
    /// Byte ranges whose texts are told.
    pub told: &'r mut Vec<Range<usize>>,
    /// Calls of which something else may tell where they lead.
    pub open: &'r mut Vec<Open>,
    /// What is stated.
    pub out: &'r mut Evidence,
}

impl<'f> Reader<'_, 'f> {
    /// States all of them, and gives back the one database that its drivers are given where there is one.
    pub fn read(&mut self, marked: &Marked<'f>) -> Option<Resource> {
        let names = names_of(marked);
        let mut known: BTreeSet<(String, Option<String>)> = BTreeSet::new();
        let mut wholes: BTreeSet<Option<Resource>> = BTreeSet::new();
        for (_, arguments) in &marked.calls {
            let path = path_of(self.file.callee(*arguments), &names);
            let Some(driver) = path.and_then(|path| drivers::driver_of(&path)) else { continue };
            // `create_engine(URL.create(…))`: the inner call is told by itself.
            if self.is_handed_one(*arguments, marked, &names) {
                continue;
            }
            let said = self.called(driver, *arguments);
            match &said {
                Said::Nothing => {}
                // What keeps documents or keys is asked for no tables.
                Said::Open(Some(engine)) | Said::Known(Some(engine), _) if !engine.has_tables() => {}
                Said::Open(_) => drop(wholes.insert(None)),
                Said::Known(_, all) => wholes.extend(all.iter().map(|one| Some(one.whole()))),
            }
            if let Said::Known(_, all) = &said {
                known.extend(all.iter().map(|one| (one.server.clone(), one.database.clone())));
            }
            let place = self.place(*arguments);
            self.say(said, place);
        }
        let imported: BTreeSet<&Engine> =
            names.values().filter_map(|path| drivers::engine_of_module(path)).collect();
        for (group, pairs) in marked.groups.values() {
            if self.told.iter().any(|told| told.contains(&group.start_byte())) {
                continue;
            }
            self.group(*group, pairs, &marked.groups, &imported, &known);
        }
        let only = wholes.pop_first().filter(|_| wholes.is_empty());
        only.flatten()
    }

    /// Whether the first argument is what another driver's call gives, here or by its name.
    fn is_handed_one(
        &self,
        arguments: Node<'f>,
        marked: &Marked<'f>,
        names: &BTreeMap<String, String>,
    ) -> bool {
        let Some(first) = arguments.named_child(0) else { return false };
        let is_one = |node: Node<'f>| {
            let inner = node.child_by_field_name("arguments");
            let path = inner.and_then(|inner| path_of(self.file.callee(inner), names));
            path.is_some_and(|path| drivers::driver_of(&path).is_some())
        };
        let mut assigned = marked.assigned.iter();
        is_one(first)
            || (self.file.language.nodes.identifier.contains(&first.kind())
                && assigned.any(|(name, value)| self.file.of(*name) == self.file.of(first) && is_one(*value)))
    }

    fn place(&self, node: Node<'_>) -> Place {
        Place::line(&self.input.path, node.start_position().row as u64 + 1)
    }

    /// What a driver is called with.
    fn called(&mut self, driver: &Driver, arguments: Node<'f>) -> Said {
        let (mut named, mut plain) = (Named::default(), Vec::new());
        let mut cursor = arguments.walk();
        for argument in arguments.named_children(&mut cursor) {
            let kind = argument.kind();
            if self.file.language.nodes.table.contains(&kind) {
                self.table(argument, 0, &mut named);
            } else if kind.ends_with("splat") || kind == "spread_element" {
                self.handed(argument.named_child(0), &mut named);
            } else if let (Some(name), Some(value)) =
                (argument.child_by_field_name("name"), argument.child_by_field_name("value"))
            {
                self.add(self.file.of(name), value, &mut named);
            } else if !kind.contains("comment") && !kind.contains("function") && kind != "lambda" {
                plain.push(argument);
            }
        }
        let parameters = driver.parameters_of(plain.len());
        for (at, argument) in plain.into_iter().enumerate() {
            let name = parameters.get(at).copied().unwrap_or(if at == 0 { "url" } else { "" });
            let is_name = self.file.language.nodes.identifier.contains(&argument.kind());
            if name.is_empty() {
                self.told.push(argument.byte_range());
            } else if !(is_name
                && self.file.fold(argument).is_none()
                && self.handed(Some(argument), &mut named))
            {
                self.add(name, argument, &mut named);
            }
        }
        named::said(&named, driver.engine(), true)
    }

    /// The values of a table of arguments.
    fn table(&mut self, table: Node<'f>, depth: usize, named: &mut Named) {
        self.told.push(table.byte_range());
        let mut cursor = table.walk();
        for pair in table.named_children(&mut cursor) {
            let fields = pair.child_by_field_name("key").zip(pair.child_by_field_name("value"));
            if let Some((key, value)) = fields {
                let name = self.file.fold(key).unwrap_or_else(|| self.file.of(key).to_owned());
                let name = if self.file.language.nodes.string.contains(&key.kind()) {
                    name
                } else {
                    self.file.of(key).to_owned()
                };
                if !self.file.language.nodes.table.contains(&value.kind()) {
                    self.add(&name, value, named);
                } else if depth < MAX_DEPTH && NESTED.contains(&name.as_str()) {
                    self.table(value, depth + 1, named);
                }
            } else if pair.kind() == "shorthand_property_identifier" {
                self.add(self.file.of(pair), pair, named);
            } else if pair.kind() == "spread_element" || pair.kind() == "dictionary_splat" {
                self.handed(pair.named_child(0), named);
            }
        }
    }

    /// A table that is handed over by its name; whether anything is known of it.
    fn handed(&self, node: Option<Node<'_>>, named: &mut Named) -> bool {
        let Some(node) = node else { return false };
        let name = self.file.of(node);
        let mut found = false;
        for key in HANDED {
            let value = match self.file.known(&format!("{name}.{key}"), node.start_byte()) {
                Some(Some(value)) => Value::Known(value),
                Some(None) => Value::Unknown,
                None => continue,
            };
            found = true;
            named.add(key.rsplit('.').next().unwrap_or(key), value);
        }
        if !found {
            named.add("url", Value::Unknown);
        }
        true
    }

    fn add(&mut self, name: &str, value: Node<'f>, named: &mut Named) {
        let text = self.file.of(value);
        if matches!(text, "None" | "null" | "undefined" | "''" | "\"\"") {
            return;
        }
        if self.file.language.nodes.string.contains(&value.kind()) {
            self.told.push(value.byte_range());
        }
        named.add(name, self.value(value));
    }

    fn value(&self, node: Node<'_>) -> Value {
        let text = self.file.of(node);
        let number = || text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.to_owned());
        // A name that stands for itself, as in `{ host }`.
        let own = || self.file.known(text, node.start_byte()).flatten();
        let folded = self.file.fold(node).or_else(number).or_else(own);
        folded.filter(|text| text != UNKNOWN).map_or(Value::Unknown, Value::Known)
    }

    /// Named values that no driver is seen to take: `{"HOST": …, "NAME": …, "USER": …}`.
    fn group(
        &mut self,
        group: Node<'f>,
        pairs: &[(Node<'f>, Node<'f>)],
        groups: &Groups<'f>,
        imported: &BTreeSet<&'static Engine>,
        known: &BTreeSet<(String, Option<String>)>,
    ) {
        let named = self.named(pairs);
        let above = || {
            let mut node = group;
            (0..MAX_ABOVE).find_map(|_| {
                node = self.file.parent(node)?;
                let (_, pairs) = groups.get(&node.id())?;
                named::engine_of(&self.named(pairs)).flatten()
            })
        };
        let said_here = named::engine_of(&named).flatten().or_else(above);
        let only = || imported.first().copied().filter(|_| imported.len() == 1);
        let engine = said_here.or_else(only);
        let said = named::said(&named, engine, false);
        let place = self.place(group);
        if let Said::Known(engine, all) = &said {
            let told = |one: &super::Connection| known.contains(&(one.server.clone(), one.database.clone()));
            let same_host = |one: &super::Connection| {
                let host = |server: &str| server.split(':').next().unwrap_or("").to_owned();
                known
                    .iter()
                    .any(|(server, database)| host(server) == host(&one.server) && *database == one.database)
            };
            if engine.is_none() && all.iter().all(|one| told(one) || same_host(one)) {
                return;
            }
            if engine.is_none() && (imported.len() > 1 || speaks_of(self.file.text)) {
                let detail = "a connection whose engine cannot be told";
                self.out.add_gap(Gap::new(place, GapCode::Unresolved, detail));
                return;
            }
        }
        self.say(said, place);
    }

    /// States what was said; what is open may be told by settings beside the code.
    fn say(&mut self, said: Said, place: Place) {
        match said {
            // A script is its own whole: nothing beside it tells where it connects.
            Said::Open(engine) if self.at.actor.get(MentionKind::Script).is_none() => {
                self.open.push(Open { component: self.at.component.clone(), engine, place });
            }
            said => state(said, self.at, place, self.out),
        }
    }

    fn named(&self, pairs: &[(Node<'f>, Node<'f>)]) -> Named {
        let mut named = Named::default();
        for (name, value) in pairs {
            let name = self.file.fold(*name).unwrap_or_else(|| self.file.of(*name).to_owned());
            let table = self.file.language.nodes.table.contains(&value.kind());
            if !table && !matches!(self.file.of(*value), "None" | "null" | "undefined" | "''" | "\"\"") {
                named.add(&name, self.value(*value));
            }
        }
        named
    }
}

/// The names that imports give, with the path each stands for from its module.
fn names_of(marked: &Marked<'_>) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for import in &marked.imports {
        let path = match &import.name {
            Some(name) => format!("{}.{name}", import.module),
            None => import.module.clone(),
        };
        let given = import.alias.as_ref().or(import.name.as_ref()).unwrap_or(&import.module);
        // Java's classes are called by their last name alone.
        if let Some((_, last)) = import.module.rsplit_once('.')
            && last.starts_with(|c: char| c.is_ascii_uppercase())
            && import.name.is_none()
            && import.alias.is_none()
        {
            out.insert(last.to_owned(), path.clone());
        }
        out.insert(given.clone(), path);
    }
    out
}

/// What is called, as a path from the module that its first name comes from.
fn path_of(callee: &str, names: &BTreeMap<String, String>) -> Option<String> {
    let callee = callee.trim_start_matches("await ").trim_start_matches("new ").trim();
    // `require('knex')({…})`.
    if let Some(rest) = callee.strip_prefix("require(") {
        let (module, rest) = rest.split_once(')')?;
        return Some(format!("{}{rest}", module.trim_matches(['\'', '"'])));
    }
    let mut end = callee.len();
    loop {
        if let Some(path) = names.get(&callee[..end]) {
            return Some(format!("{path}{}", &callee[end..]));
        }
        match callee[..end].rfind('.') {
            Some(dot) => end = dot,
            // Java's own classes may be named in full or be of the same package.
            None => return Some(callee.to_owned()).filter(|path| path.contains("DriverManager.")),
        }
    }
}
