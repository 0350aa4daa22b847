//! Objects of .NET that scripts make: connections to databases with their commands and adapters (ADO.NET), `WebClient`,
//! mail, files (`System.IO`). What a statement does is stated where it is executed.

use super::super::{DATE, UNKNOWN, files, paths, programs};
use super::{Shell, Value, is_date, operators};
use crate::collect::commands::clients::known;
use crate::collect::commands::{Call, Out, state};
use crate::evidence::{Action, Connection, Resource, Text};
use crate::sql::Dialect;
use std::collections::BTreeMap;

/// How many objects one script may make.
const MAX_OBJECTS: usize = 10_000;

/// One of them: its class without name space, in lower case, and what it was given.
#[derive(Debug, Default)]
pub(super) struct Object {
    pub class: String,
    pub fields: BTreeMap<String, Value>,
}

/// The engine that a class of ADO.NET speaks to.
fn dialect(class: &str, text: &str) -> Dialect {
    let text = text.to_ascii_lowercase();
    match class {
        class if class.starts_with("oracle") => Dialect::Oracle,
        class if class.starts_with("mysql") => Dialect::MySql,
        class if class.starts_with("npgsql") => Dialect::Postgres,
        class if class.starts_with("sqlite") => Dialect::Sqlite,
        class if class.starts_with("odbc") || class.starts_with("oledb") => match () {
            () if text.contains("oracle") || text.contains("oraoledb") => Dialect::Oracle,
            () if text.contains("mysql") => Dialect::MySql,
            () if text.contains("postgres") => Dialect::Postgres,
            () if text.contains("sql server") || text.contains("sqlncli") || text.contains("sqloledb") => {
                Dialect::MsSql
            }
            () => Dialect::Generic,
        },
        _ => Dialect::MsSql,
    }
}

/// Where a connection string of ADO.NET leads; its password is left out.
pub(super) fn connection(text: &str) -> Connection {
    let (mut server, mut port, mut user, mut database) = (None, None, None, None);
    for pair in text.split(';') {
        let Some((name, value)) = pair.split_once('=') else { continue };
        let value = value.trim().trim_matches(['"', '\'']);
        let value = Some(value).filter(|value| !value.is_empty());
        match name.trim().to_ascii_lowercase().as_str() {
            "server" | "data source" | "addr" | "address" | "network address" | "host" => server = value,
            "port" => port = value,
            "database" | "initial catalog" | "dbq" => database = value,
            "user id" | "uid" | "user" | "username" => user = value,
            _ => {}
        }
    }
    let server =
        server.map(programs::server_name).map(|server| server.replacen("tcp:", "", 1).replacen(',', ":", 1));
    Connection {
        server: crate::collect::commands::clients::at_port(known(server.as_deref()), port),
        user: known(user),
        database: known(database),
        application: None,
    }
}

/// Members of classes themselves.
pub(super) fn fixed_member(class: &str, name: &str) -> Value {
    let date = class.ends_with("datetime") && matches!(name, "now" | "today" | "utcnow");
    if date { Value::Text(DATE.to_owned()) } else { Value::Unknown }
}

impl Shell<'_> {
    fn object(&mut self, class: &str, given: &[Value]) -> Value {
        let class = class.rsplit('.').next().unwrap_or(class).to_ascii_lowercase();
        if self.objects.len() >= MAX_OBJECTS {
            return Value::Unknown;
        }
        let mut fields = BTreeMap::new();
        let names: &[&str] = match () {
            () if class.ends_with("bulkcopy") => &["connection"],
            () if class.ends_with("connection") => &["connectionstring"],
            () if class.ends_with("command") => &["commandtext", "connection"],
            () if class.ends_with("adapter") => &["selectcommand", "connection"],
            () if class == "server" => &["server"],
            () if class == "smtpclient" => &["host"],
            () if class == "mailmessage" => &["from", "to", "subject"],
            () if class == "attachment" => &["file"],
            () => &[],
        };
        for (name, value) in names.iter().zip(given) {
            fields.insert((*name).to_owned(), value.clone());
        }
        self.objects.push(Object { class, fields });
        Value::Object(self.objects.len() - 1)
    }

    /// `New-Object Class(…)`.
    pub(super) fn made(&mut self, class: &str, given: &[Value]) -> Value {
        let given: Vec<Value> = given.iter().flat_map(Value::each).collect();
        if class.to_ascii_lowercase().ends_with("datetime") {
            return Value::Unknown;
        }
        self.object(class, &given)
    }

    /// A database of a server of SQL Server Management Objects.
    pub(super) fn database_of(&mut self, server: &Value, name: &Value, out: &mut Out<'_>) -> Value {
        let made = self.object("smo.database", &[]);
        if let Value::Object(at) = made {
            let (connection, _) = self.connection_of(server);
            let connection = Connection { database: known(Some(&name.text())), ..connection };
            let call = self.around.call(Vec::new(), self.line);
            connect(&call, &connection, self.quiet, out);
            let text = |it: Option<Text>| it.map_or(Value::Unknown, |it| Value::Text(it.to_string()));
            self.objects[at].fields.insert("server".to_owned(), text(connection.server));
            self.objects[at].fields.insert("database".to_owned(), text(connection.database));
        }
        made
    }

    pub(super) fn member(&mut self, on: &Value, name: &str) -> Value {
        match on {
            Value::Object(at) => {
                let held = self.objects.get(*at).and_then(|object| object.fields.get(name).cloned());
                held.unwrap_or(match name {
                    // Lists of a mail are filled by their own methods.
                    "to" | "attachments" | "cc" | "bcc" => {
                        let list = self.object(name, &[]);
                        if let (Value::Object(list), Some(object)) = (&list, self.objects.get_mut(*at)) {
                            object.fields.insert(name.to_owned(), Value::Object(*list));
                        }
                        list
                    }
                    _ => Value::Unknown,
                })
            }
            Value::Table(table) => table.get(name).cloned().unwrap_or(Value::Unknown),
            // Files that a folder was asked for.
            Value::Text(text) if is_date(on) && name != "length" => Value::Text(text.clone()),
            Value::Text(text) => match name {
                "fullname" | "path" | "pspath" | "providerpath" => on.clone(),
                "name" => Value::Text(paths::last(&text.replace('\\', "/")).to_owned()),
                "basename" => {
                    let path = text.replace('\\', "/");
                    let name = paths::last(&path);
                    Value::Text(name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned())
                }
                _ => Value::Unknown,
            },
            _ => Value::Unknown,
        }
    }

    /// Methods of classes themselves.
    pub(super) fn fixed(&mut self, class: &str, name: &str, given: &[Value], out: &mut Out<'_>) -> Value {
        let class = class.rsplit('.').next().unwrap_or(class);
        let text = |at: usize| given.get(at).map(Value::text).unwrap_or_default();
        let line = self.line;
        match (class, name) {
            (_, "new") => return self.object(class, given),
            ("path", "combine") => {
                let all: Vec<String> = given.iter().map(|it| it.text().replace('\\', "/")).collect();
                let joined = all.iter().map(|it| it.trim_matches('/')).collect::<Vec<_>>().join("/");
                return Value::Text(joined);
            }
            ("string", "format") => {
                return Value::Text(operators::format(&text(0), &given[1.min(given.len())..]));
            }
            ("file", "writealltext" | "writealllines" | "appendalltext" | "writeallbytes") => {
                self.file(Action::Write, &text(0), line, out);
            }
            ("file", "readalltext" | "readalllines" | "readallbytes" | "openread") => {
                self.file(Action::Read, &text(0), line, out);
                let path = paths::folded(&text(0), &self.around.drives);
                let call = self.around.call(Vec::new(), line);
                return self.around.text_of(&path, &call, out).map_or(Value::Unknown, Value::Text);
            }
            ("file", "copy" | "move") if !self.quiet => {
                let paths: Vec<String> =
                    [text(0), text(1)].iter().map(|it| paths::folded(it, &self.around.drives)).collect();
                let call = self.around.call(Vec::new(), line);
                files::copy(&call, &paths[..1], &paths[1], out);
            }
            _ => {}
        }
        Value::Unknown
    }

    pub(super) fn method(&mut self, on: &Value, name: &str, given: &[Value], out: &mut Out<'_>) -> Value {
        if let Value::Object(at) = on {
            return self.called(*at, name, given, out);
        }
        let first = given.first().map(Value::text).unwrap_or_default();
        if matches!(on, Value::Unknown) && self.executes(&Value::Unknown, name, &first, out) {
            return Value::Unknown;
        }
        match (on, name) {
            (Value::Text(text), _) if text == DATE => on.clone(),
            (Value::Text(_), "tostring" | "trim") => on.clone(),
            (Value::Text(text), "tolower" | "tolowerinvariant") => Value::Text(text.to_lowercase()),
            (Value::Text(text), "toupper" | "toupperinvariant") if !text.contains('{') => {
                Value::Text(text.to_uppercase())
            }
            (Value::Text(text), "replace") if !text.contains('{') && !first.is_empty() => {
                Value::Text(text.replace(&first, &given.get(1).map(Value::text).unwrap_or_default()))
            }
            _ => Value::Unknown,
        }
    }

    fn called(&mut self, at: usize, name: &str, given: &[Value], out: &mut Out<'_>) -> Value {
        let Some(object) = self.objects.get(at) else { return Value::Unknown };
        let (class, line) = (object.class.clone(), self.line);
        let first = given.first().map(Value::text).unwrap_or_default();
        if matches!(class.as_str(), "server" | "database") {
            self.executes(&Value::Object(at), name, &first, out);
            return Value::Unknown;
        }
        let text = |at: usize| given.get(at).map(Value::text).unwrap_or_default();
        let call = Call { env: self.env.clone(), ..self.around.call(Vec::new(), line) };
        match (class.as_str(), name) {
            (_, "createcommand") => {
                let command = self.object(&class.replace("connection", "command"), &[]);
                if let Value::Object(made) = command
                    && let Some(object) = self.objects.get_mut(made)
                {
                    object.fields.insert("connection".to_owned(), Value::Object(at));
                }
                return command;
            }
            (_, "open") if class.ends_with("connection") => {
                let (connection, _) = self.connection_of(&Value::Object(at));
                connect(&call, &connection, self.quiet, out);
            }
            (_, "executereader" | "executenonquery" | "executescalar" | "executexmlreader") => {
                self.execute(at, &call, out);
            }
            (_, "fill") if class.ends_with("adapter") => self.execute(at, &call, out),
            (_, "writetoserver") => {
                let table = object.fields.get("destinationtablename").map(Value::text);
                let to = object.fields.get("connection").cloned().unwrap_or(Value::Unknown);
                let (connection, _) = self.connection_of(&to);
                insert(&call, &connection, &table.unwrap_or_default(), self.quiet, out);
            }
            (
                "webclient",
                "downloadfile" | "downloadfileasync" | "downloadstring" | "downloaddata" | "uploadfile"
                | "uploadstring",
            ) => {
                let mut words = vec!["curl".to_owned(), text(0)];
                match name {
                    "downloadfile" | "downloadfileasync" => {
                        words.extend(["-o".to_owned(), paths::folded(&text(1), &self.around.drives)]);
                    }
                    "uploadfile" if text(0).starts_with("http") => {
                        let file = given.last().map(Value::text).unwrap_or_default();
                        words.extend([
                            "-F".to_owned(),
                            format!("file=@{}", paths::folded(&file, &self.around.drives)),
                        ]);
                    }
                    "uploadfile" => {
                        let file = given.last().map(Value::text).unwrap_or_default();
                        words.extend(["-T".to_owned(), paths::folded(&file, &self.around.drives)]);
                    }
                    "uploadstring" => words.extend(["-d".to_owned(), "x".to_owned()]),
                    _ => {}
                }
                if !self.quiet {
                    state(&Call { words, ..call }, out);
                }
            }
            (_, "add") => {
                if let Some(object) = self.objects.get_mut(at) {
                    let held = object.fields.remove("all").unwrap_or(Value::List(Vec::new()));
                    let more = given.first().cloned().unwrap_or(Value::Unknown);
                    object.fields.insert("all".to_owned(), operators::add(&held, &more));
                }
            }
            ("smtpclient", "send" | "sendasync") => self.mail(given, call, out),
            _ => {}
        }
        Value::Unknown
    }

    fn mail(&mut self, given: &[Value], call: Call, out: &mut Out<'_>) {
        let all = |value: Option<&Value>| -> Vec<Value> {
            match value {
                Some(Value::Object(list)) => self
                    .objects
                    .get(*list)
                    .and_then(|list| list.fields.get("all"))
                    .map(Value::each)
                    .unwrap_or_default(),
                Some(value) => value.each(),
                None => Vec::new(),
            }
        };
        let (mut to, mut attached) = (Vec::new(), Vec::new());
        match given {
            [Value::Object(at)] => {
                let Some(message) = self.objects.get(*at) else { return };
                to.extend(["to", "cc", "bcc"].iter().flat_map(|list| all(message.fields.get(*list))));
                attached = all(message.fields.get("attachments"));
            }
            [_, recipient, ..] => to = all(Some(recipient)),
            _ => return,
        }
        let to: Vec<String> = to.iter().map(Value::text).collect();
        let attached: Vec<String> = attached
            .iter()
            .map(|it| match it {
                Value::Object(at) => self
                    .objects
                    .get(*at)
                    .and_then(|it| it.fields.get("file"))
                    .map_or(UNKNOWN.to_owned(), Value::text),
                other => other.text(),
            })
            .collect();
        self.send(&to, &attached, call, out);
    }

    /// States a mail as the table of commands has it.
    pub(super) fn send(&mut self, to: &[String], attached: &[String], call: Call, out: &mut Out<'_>) {
        let mut words = vec!["mail".to_owned()];
        for file in attached {
            // The table knows a header from a file by its colon.
            let file = paths::folded(file, &self.around.drives);
            if file.contains([':', ' ']) {
                out.add_file(&call, Action::Read, &file);
            } else {
                words.extend(["-a".to_owned(), file]);
            }
        }
        let addresses = to.iter().flat_map(|to| to.split([',', ';'])).map(|to| {
            let inner = to.split_once('<').map_or(to, |(_, inner)| inner.trim_end_matches('>'));
            inner.trim().trim_end_matches('>').to_owned()
        });
        words.extend(addresses);
        if !self.quiet {
            state(&Call { words, ..call }, out);
        }
    }

    /// Where a connection, or what was given one, leads.
    fn connection_of(&self, value: &Value) -> (Connection, Dialect) {
        match value {
            Value::Object(at) => {
                let Some(object) = self.objects.get(*at) else {
                    return (Connection::default(), Dialect::MsSql);
                };
                if matches!(object.class.as_str(), "server" | "database") {
                    let field = |name: &str| object.fields.get(name).map(Value::text);
                    let server = field("server").map(|server| programs::server_name(&server));
                    let database = known(field("database").as_deref());
                    let connection =
                        Connection { server: known(server.as_deref()), database, ..Connection::default() };
                    return (connection, Dialect::MsSql);
                }
                if object.class.ends_with("connection") {
                    let text = object.fields.get("connectionstring").map(Value::text).unwrap_or_default();
                    return (connection(&text), dialect(&object.class, &text));
                }
                object.fields.get("connection").map_or((Connection::default(), Dialect::MsSql), |inner| {
                    match inner {
                        Value::Object(inner) if inner == at => (Connection::default(), Dialect::MsSql),
                        inner => self.connection_at(inner, &object.class),
                    }
                })
            }
            Value::Text(text) => (connection(text), Dialect::MsSql),
            _ => (Connection::default(), Dialect::MsSql),
        }
    }

    fn connection_at(&self, value: &Value, class: &str) -> (Connection, Dialect) {
        match value {
            Value::Object(at) => {
                let text =
                    self.objects.get(*at).and_then(|it| it.fields.get("connectionstring")).map(Value::text);
                let class = self.objects.get(*at).map_or(class, |it| &it.class);
                let text = text.unwrap_or_default();
                (connection(&text), dialect(class, &text))
            }
            Value::Text(text) => (connection(text), dialect(class, text)),
            _ => (Connection::default(), dialect(class, "")),
        }
    }

    /// Methods of SQL Server Management Objects that are given their statement; tells whether it is one.
    fn executes(&mut self, on: &Value, name: &str, text: &str, out: &mut Out<'_>) -> bool {
        let is = matches!(name, "executewithresults" | "executenonquery" | "executescalar" | "executereader");
        if !is || text.is_empty() {
            return false;
        }
        if !self.quiet {
            let call = self.around.call(Vec::new(), self.line);
            let (connection, dialect) = self.connection_of(on);
            connect(&call, &connection, self.quiet, out);
            statement(&call, &connection, dialect, text, out);
        }
        true
    }

    /// A command, or an adapter with one, is executed.
    fn execute(&mut self, at: usize, call: &Call, out: &mut Out<'_>) {
        let Some(object) = self.objects.get(at) else { return };
        let selected = object.fields.get("selectcommand").cloned();
        let (text, by) = match selected {
            Some(Value::Object(command)) => {
                let text = self.objects.get(command).and_then(|it| it.fields.get("commandtext").cloned());
                (text, command)
            }
            Some(text) => (Some(text), at),
            None => (object.fields.get("commandtext").cloned(), at),
        };
        let (connection, dialect) = self.connection_of(&Value::Object(by));
        if self.quiet {
            return;
        }
        connect(call, &connection, self.quiet, out);
        let text = text.map_or_else(|| UNKNOWN.to_owned(), |text| text.text());
        let is_routine = self.objects.get(by).and_then(|it| it.fields.get("commandtype")).map(Value::text);
        let routine = is_routine.is_some_and(|kind| kind.to_ascii_lowercase().contains("storedprocedure"));
        statement(call, &connection, dialect, &if routine { format!("EXEC {text}") } else { text }, out);
    }
}

/// States that a database is reached.
pub(super) fn connect(call: &Call, connection: &Connection, quiet: bool, out: &mut Out<'_>) {
    if !quiet && (connection.server.is_some() || connection.database.is_some()) {
        let whole = Resource::database(connection.server.clone(), connection.database.clone());
        out.add(call, Some(connection), Action::Connect, whole);
    }
}

/// States what a statement does; one that nobody knows is a gap.
pub(super) fn statement(
    call: &Call,
    connection: &Connection,
    dialect: Dialect,
    text: &str,
    out: &mut Out<'_>,
) {
    if text.trim() == UNKNOWN || text.trim().is_empty() {
        return out.unresolved(call, "a statement that is only known when it runs");
    }
    // Of SQL Server's scripts, lines with `GO` part batches.
    let text: String = text
        .lines()
        .map(
            |line| {
                if line.trim().eq_ignore_ascii_case("go") { ";\n".to_owned() } else { format!("{line}\n") }
            },
        )
        .collect();
    out.sql(call, connection, dialect, &text, false);
}

/// States that a table is filled.
pub(super) fn insert(call: &Call, connection: &Connection, table: &str, quiet: bool, out: &mut Out<'_>) {
    if quiet {
        return;
    }
    connect(call, connection, quiet, out);
    let parts = table.split('.').map(|part| part.trim_matches(['[', ']', '"', ' ']).to_ascii_lowercase());
    let parts: Vec<Text> = parts.filter(|part| !part.is_empty()).map(Text::from).collect();
    if parts.is_empty() || parts.iter().any(|part| part.contains(UNKNOWN)) {
        return out.unresolved(call, "a statement whose table is only known when it runs");
    }
    let table = Resource::table(parts).at(connection.server.as_ref(), connection.database.as_ref());
    out.add(call, Some(connection), Action::Write, table);
}
