//! Cmdlets, by what Microsoft's reference says of their parameters: SQL Server's, those that copy, read and write files,
//! call HTTP, send mail, sleep, start programs and reach other hosts. Names and parameters have no case, and a parameter
//! may be cut short. Passwords and credentials are never looked at.

use super::super::{DATE, Language, UNKNOWN, files, inner, paths, programs};
use super::given::Given;
use super::{Shell, Value, objects};
use crate::collect::commands::clients::known;
use crate::collect::commands::{Call, Context, Out, state};
use crate::evidence::{Action, Connection, Trait};
use crate::sql::Dialect;

/// Other names of cmdlets ("Get-Alias").
fn plain_name(name: &str) -> &str {
    match name {
        "cp" | "copy" | "cpi" => "copy-item",
        "mv" | "move" | "mi" => "move-item",
        "ren" | "rni" => "rename-item",
        "cat" | "gc" | "type" => "get-content",
        "ac" => "add-content",
        "ipcsv" => "import-csv",
        "epcsv" => "export-csv",
        "iwr" | "curl" | "wget" => "invoke-webrequest",
        "irm" => "invoke-restmethod",
        "sleep" => "start-sleep",
        "saps" | "start" => "start-process",
        "cd" | "sl" | "chdir" => "set-location",
        "pushd" => "push-location",
        "popd" => "pop-location",
        "icm" => "invoke-command",
        "ndr" => "new-psdrive",
        "tee" => "tee-object",
        "echo" | "write" => "write-output",
        "%" | "foreach" => "foreach-object",
        "?" | "where" => "where-object",
        "iex" => "invoke-expression",
        "ls" | "dir" | "gci" => "get-childitem",
        "select" => "select-object",
        "sort" => "sort-object",
        "ipmo" => "import-module",
        "sajb" => "start-job",
        "ni" => "new-item",
        "gi" => "get-item",
        "rm" | "del" | "erase" | "ri" | "rd" | "rmdir" => "remove-item",
        "sqlcmd" | "bcp" => name,
        name => name,
    }
}

/// Whether words are those of the real curl or wget.
fn is_program(given: &Given) -> bool {
    given.words.iter().any(|word| {
        word.starts_with("--")
            || (word.len() == 2 && word.starts_with('-'))
            || matches!(word.as_str(), "-sS" | "-fsSL" | "-sSL" | "-sL")
    })
}

impl Shell<'_> {
    fn call(&self, line: u64) -> Call {
        Call { env: self.env.clone(), ..self.around.call(Vec::new(), line) }
    }

    fn folded(&self, value: Option<String>) -> String {
        value.map(|path| paths::folded(&path, &self.around.drives)).unwrap_or_default()
    }

    /// What a cmdlet does and gives; nothing where nobody here knows it.
    pub(super) fn cmdlet(
        &mut self,
        name: &str,
        given: &Given,
        piped: Option<Value>,
        line: u64,
        context: &Context<'_>,
        out: &mut Out<'_>,
    ) -> Option<Value> {
        let plain = plain_name(name);
        if plain == "invoke-webrequest" && matches!(name, "curl" | "wget") && is_program(given) {
            return None;
        }
        if let Some(value) = self.values(plain, given, piped.clone(), line, context, out) {
            return Some(value);
        }
        if self.quiet {
            return plain.contains('-').then_some(Value::Unknown);
        }
        let done = self.databases(plain, given, piped.as_ref(), line, out)
            || self.files(plain, given, piped.as_ref(), line, out)
            || self.far(plain, given, line, context, out);
        out.worked |= done && !matches!(plain, "start-sleep" | "test-path");
        // What looks like a cmdlet and is none of these does nothing that is told here.
        let other = plain.contains('-') && !plain.contains(['.', '\\', '/']);
        (done || other).then(|| piped.filter(|_| plain == "tee-object").unwrap_or(Value::Unknown))
    }

    /// Cmdlets that give values, and those that change how the rest is read.
    fn values(
        &mut self,
        name: &str,
        given: &Given,
        piped: Option<Value>,
        line: u64,
        context: &Context<'_>,
        out: &mut Out<'_>,
    ) -> Option<Value> {
        let it = || piped.clone().unwrap_or(Value::Unknown);
        Some(match name {
            "get-date" | "date" => Value::Text(DATE.to_owned()),
            "write-output" => given.plain.first().cloned().unwrap_or_else(it),
            "join-path" => {
                let mut path = given.text(&["path"], Some(0)).unwrap_or_else(|| UNKNOWN.to_owned());
                let place = usize::from(!given.has("path"));
                let children = [
                    given.text(&["childpath"], Some(place)),
                    given.text(&["additionalchildpath"], Some(place + 1)),
                ];
                for child in children.into_iter().flatten() {
                    path = format!(
                        "{}/{}",
                        path.trim_end_matches(['/', '\\']),
                        child.trim_start_matches(['/', '\\'])
                    );
                }
                Value::Text(path)
            }
            "split-path" => {
                let path = given.text(&["path"], Some(0)).unwrap_or_else(|| it().text()).replace('\\', "/");
                match path.rsplit_once('/') {
                    _ if given.has("leaf") => Value::Text(paths::last(&path).to_owned()),
                    Some((folder, _)) => Value::Text(folder.to_owned()),
                    None => Value::Unknown,
                }
            }
            "resolve-path" | "convert-path" => given.get(&["path"], Some(0)).unwrap_or_else(it),
            "get-item" => given.get(&["path", "literalpath"], Some(0)).unwrap_or_else(it),
            "get-location" => self.around.folder.clone().map_or(Value::Unknown, Value::Text),
            "hostname" | "hostname.exe" => self.host.clone().map_or(Value::Unknown, Value::Text),
            "get-childitem" => {
                let path = given
                    .text(&["path", "literalpath"], Some(0))
                    .unwrap_or_else(|| ".".to_owned())
                    .replace('\\', "/");
                let filter = given.text(&["filter", "include"], Some(1));
                let path = path.strip_prefix("//").map(|rest| format!("\\\\{rest}")).unwrap_or(path);
                let path = path.trim_end_matches('/');
                match filter {
                    Some(filter) => Value::Text(format!("{}/{filter}", path.trim_end_matches("/*"))),
                    None if path.contains('*') || paths::last(path).contains('.') => {
                        Value::Text(path.to_owned())
                    }
                    None => Value::Text(format!("{path}/*")),
                }
            }
            "where-object" | "sort-object" | "out-string" | "select-object" | "tee-pass" => {
                if given.has("expandproperty") { Value::Unknown } else { it() }
            }
            "foreach-object" => {
                let mut last = Value::Unknown;
                let blocks = given.plain.iter().chain(given.named.iter().map(|(_, value)| value));
                for value in blocks.cloned().collect::<Vec<_>>() {
                    if let Value::Block(body) = value {
                        for it in it().each().into_iter().take(super::MAX_LOOP) {
                            last = self.block(&body, it, context, out);
                        }
                    }
                }
                last
            }
            "new-object" => {
                let class = given.text(&["typename"], Some(0))?;
                if given.has("comobject") {
                    return Some(Value::Unknown);
                }
                let place = usize::from(!given.has("typename"));
                let mut arguments: Vec<Value> = given.get(&["argumentlist"], None).into_iter().collect();
                arguments.extend(given.plain.iter().skip(place).cloned());
                let made = self.made(&class, &arguments);
                if let (Value::Object(at), Some(Value::Table(table))) =
                    (&made, given.get(&["property"], None))
                    && let Some(object) = self.objects.get_mut(*at)
                {
                    object.fields.extend(table.iter().map(|(name, value)| (name.clone(), value.clone())));
                }
                made
            }
            "set-location" | "push-location" => {
                if name == "push-location" {
                    self.around.left.push(self.around.folder.clone());
                }
                let path = self.folded(given.text(&["path", "literalpath"], Some(0)));
                self.around.enter(&path);
                Value::Unknown
            }
            "pop-location" => {
                self.around.folder = self.around.left.pop().flatten();
                Value::Unknown
            }
            "import-module" => {
                let path = given.text(&["name"], Some(0)).unwrap_or_default();
                if path.contains(['\\', '/']) && path.to_ascii_lowercase().contains(".ps") {
                    self.source(&path, line, context, out);
                }
                Value::Unknown
            }
            "set-variable" | "new-variable" => {
                if let Some(name) = given.text(&["name"], Some(0)) {
                    let value = given.get(&["value"], Some(1)).unwrap_or(Value::Unknown);
                    self.set(&name.to_lowercase(), value);
                }
                Value::Unknown
            }
            "invoke-expression" => {
                let text = given.text(&["command"], Some(0)).unwrap_or_else(|| it().text());
                if text != UNKNOWN && !self.quiet {
                    inner(
                        &text,
                        Language::PowerShell,
                        line,
                        true,
                        self.env.clone(),
                        self.around,
                        context,
                        out,
                    );
                }
                Value::Unknown
            }
            "start-job" => {
                let block = given.named.iter().map(|(_, value)| value).chain(&given.plain);
                let block = block
                    .clone()
                    .find_map(|value| if let Value::Block(body) = value { Some(body.clone()) } else { None });
                if let Some(body) = block {
                    out.sleeps.behind();
                    self.block(&body, Value::Unknown, context, out);
                    out.sleeps.ahead();
                }
                Value::Unknown
            }
            "get-content" | "import-csv" | "import-clixml" if !self.quiet => {
                let path = self.folded(
                    given
                        .text(&["path", "literalpath", "filepath"], Some(0))
                        .or_else(|| piped.as_ref().map(Value::text)),
                );
                self.file(Action::Read, &path, line, out);
                let call = self.call(line);
                match self.around.text_of(&path, &call, out) {
                    Some(text) if path.to_ascii_lowercase().ends_with(".sql") => Value::Text(text),
                    _ => Value::Unknown,
                }
            }
            _ => return None,
        })
    }

    fn databases(
        &mut self,
        name: &str,
        given: &Given,
        piped: Option<&Value>,
        line: u64,
        out: &mut Out<'_>,
    ) -> bool {
        const SERVER: [&str; 3] = ["serverinstance", "sqlinstance", "server"];
        let place = match name {
            "invoke-sqlcmd" => None,
            "invoke-sqlcmd2" | "invoke-dbaquery" | "invoke-dbasqlcmd" | "invoke-sqlquery"
            | "backup-dbadatabase" => Some(0),
            "backup-sqldatabase"
            | "restore-sqldatabase"
            | "write-sqltabledata"
            | "write-dbadbtabledata"
            | "write-dbadatatable"
            | "read-sqltabledata" => None,
            _ => return false,
        };
        let call = self.call(line);
        let stated = given.text(&["connectionstring"], None).map(|text| objects::connection(&text));
        let user = known(given.text(&["username"], None).as_deref());
        let database = known(given.text(&["database", "databasename"], None).as_deref());
        let servers = given.get(&SERVER, place).map(|it| it.each()).unwrap_or_else(|| vec![Value::Unknown]);
        for server in servers.into_iter().take(super::MAX_LOOP) {
            let server = match &server {
                Value::Text(server) => {
                    let server = programs::server_name(server);
                    known(Some(&server.replacen("tcp:", "", 1).replacen(',', ":", 1)))
                }
                _ => None,
            };
            let own =
                Connection { server, user: user.clone(), database: database.clone(), application: None };
            let connection = stated.clone().unwrap_or(own);
            objects::connect(&call, &connection, self.quiet, out);
            match name {
                "backup-sqldatabase" | "backup-dbadatabase" => {
                    let path = self.folded(given.text(&["backupfile", "path", "filepath"], None));
                    self.file(Action::Write, &path, line, out);
                }
                "restore-sqldatabase" => {
                    let path = self.folded(given.text(&["backupfile"], None));
                    self.file(Action::Read, &path, line, out);
                }
                "write-sqltabledata"
                | "write-dbadbtabledata"
                | "write-dbadatatable"
                | "read-sqltabledata" => {
                    let table =
                        given.text(&["tablename", "table"], None).unwrap_or_else(|| UNKNOWN.to_owned());
                    let schema = given.text(&["schemaname", "schema"], None);
                    let table = schema.map_or(table.clone(), |schema| format!("{schema}.{table}"));
                    if name == "read-sqltabledata" {
                        objects::statement(
                            &call,
                            &connection,
                            Dialect::MsSql,
                            &format!("SELECT * FROM {table}"),
                            out,
                        );
                    } else {
                        objects::insert(&call, &connection, &table, self.quiet, out);
                    }
                }
                _ => self.query(given, piped, place.map(|place| place + 1), &connection, &call, out),
            }
        }
        true
    }

    fn query(
        &mut self,
        given: &Given,
        piped: Option<&Value>,
        place: Option<usize>,
        connection: &Connection,
        call: &Call,
        out: &mut Out<'_>,
    ) {
        if let Some(path) = given.text(&["inputfile", "file", "sqlfile"], None) {
            let path = self.folded(Some(path));
            if path.starts_with(UNKNOWN) {
                return out.unresolved(call, "a file of statements that is only known when it runs");
            }
            return out.runs(call, &path, connection.clone());
        }
        let text = given.get(&["query"], place.or(Some(0))).or_else(|| piped.cloned());
        match text {
            Some(text) => objects::statement(call, connection, Dialect::MsSql, &text.text(), out),
            None if given.unknown => out.unresolved(call, "a statement that is only known when it runs"),
            None => {}
        }
    }

    fn files(
        &mut self,
        name: &str,
        given: &Given,
        piped: Option<&Value>,
        line: u64,
        out: &mut Out<'_>,
    ) -> bool {
        let path = |names: &[&str], place: usize| {
            given.text(names, Some(place)).map(|path| paths::folded(&path, &self.around.drives))
        };
        match name {
            "copy-item" | "move-item" => {
                let sources =
                    given.get(&["path", "literalpath"], if piped.is_some() { None } else { Some(0) });
                let sources = sources.or_else(|| piped.cloned()).unwrap_or(Value::Unknown);
                let place = usize::from(piped.is_none() && !given.has("path") && !given.has("literalpath"));
                let to = path(&["destination"], place).unwrap_or_else(|| ".".to_owned());
                let call = self.call(line);
                for source in sources.each().into_iter().take(super::MAX_LOOP) {
                    let source = paths::folded(&source.text(), &self.around.drives);
                    files::copy(&call, &[source], &to, out);
                }
            }
            "rename-item" => {
                if let (Some(from), Some(to)) = (path(&["path", "literalpath"], 0), path(&["newname"], 1)) {
                    files::rename(&self.call(line), &from, &to, out);
                }
            }
            "out-file" | "set-content" | "add-content" | "sc" | "export-csv" | "export-clixml"
            | "tee-object" | "export-excel" => {
                let to = path(&["filepath", "path", "literalpath"], 0).unwrap_or_default();
                self.file(Action::Write, &to, line, out);
                let text = piped.cloned().or_else(|| given.get(&["value"], Some(1)));
                if let Some(Value::Text(text)) = text.filter(|_| !to.contains(UNKNOWN)) {
                    self.around.write(&to, &text, name == "add-content" || given.has("append"));
                }
            }
            "import-excel" => {
                let from = path(&["path"], 0).unwrap_or_default();
                self.file(Action::Read, &from, line, out);
            }
            "compress-archive" => {
                let (from, to) = (path(&["path", "literalpath"], 0), path(&["destinationpath"], 1));
                self.file(Action::Read, &from.unwrap_or_default(), line, out);
                self.file(Action::Write, &to.unwrap_or_default(), line, out);
            }
            "expand-archive" => {
                let from = path(&["path", "literalpath"], 0);
                self.file(Action::Read, &from.unwrap_or_default(), line, out);
            }
            "test-path" => {
                let asked = path(&["path", "literalpath"], 0).unwrap_or_default();
                let file = paths::last(&asked).contains('.')
                    && !asked.contains(['*', '?'])
                    && !asked.contains(UNKNOWN);
                if file && paths::is_path(&asked.replace('/', "\\")) {
                    let call = self.call(line);
                    let file = out.file(&asked, &call);
                    out.add_trait(&call, Action::Read, file, Trait::named("tests-file"));
                }
            }
            _ => return false,
        }
        true
    }

    /// Cmdlets that reach other programs and hosts.
    fn far(
        &mut self,
        name: &str,
        given: &Given,
        line: u64,
        context: &Context<'_>,
        out: &mut Out<'_>,
    ) -> bool {
        let call = self.call(line);
        match name {
            "invoke-webrequest" | "invoke-restmethod" => {
                let url = given.text(&["uri", "url"], Some(0)).unwrap_or_else(|| UNKNOWN.to_owned());
                let mut words = vec!["curl".to_owned(), url];
                if let Some(method) = given.text(&["method", "custommethod"], None) {
                    words.extend(["-X".to_owned(), method.to_uppercase()]);
                }
                for (option, parameter) in [("-o", "outfile"), ("-T", "infile")] {
                    if let Some(path) = given.text(&[parameter], None) {
                        words.extend([option.to_owned(), self.folded(Some(path))]);
                    }
                }
                state(&Call { words, ..call }, out);
            }
            "start-bitstransfer" => {
                let from = given.text(&["source"], Some(0)).unwrap_or_else(|| UNKNOWN.to_owned());
                let to = given.text(&["destination"], Some(1)).unwrap_or_default();
                let (far, to_far) = (from.contains("://"), to.contains("://"));
                if far {
                    let words = vec!["curl".to_owned(), from, "-o".to_owned(), self.folded(Some(to))];
                    state(&Call { words, ..call }, out);
                } else if to_far {
                    let words = vec!["curl".to_owned(), to, "-T".to_owned(), self.folded(Some(from))];
                    state(&Call { words, ..call }, out);
                } else {
                    files::copy(&call, &[self.folded(Some(from))], &self.folded(Some(to)), out);
                }
            }
            "send-mailmessage" => {
                let all = |name: &str| -> Vec<String> {
                    given
                        .named(name)
                        .map(|it| it.each().iter().map(Value::text).collect())
                        .unwrap_or_default()
                };
                let to: Vec<String> = ["to", "cc", "bcc"].iter().flat_map(|name| all(name)).collect();
                self.send(&to, &all("attachments"), call, out);
            }
            "start-sleep" => {
                let seconds = given.text(&["seconds", "s"], Some(0)).and_then(|it| it.parse::<u64>().ok());
                let milliseconds = given.has("milliseconds") || given.has("m");
                if !milliseconds {
                    programs::sleep(&call, seconds, out);
                }
            }
            "start-process" => {
                let Some(program) = given.text(&["filepath"], Some(0)) else { return true };
                let place = usize::from(!given.has("filepath"));
                let arguments = given.get(&["argumentlist", "args"], Some(place));
                let mut words = vec![program];
                for argument in arguments.map(|it| it.each()).unwrap_or_default() {
                    words.extend(super::super::batch::words(&argument.text()));
                }
                let folder = self.around.folder.clone();
                if let Some(path) = given.text(&["workingdirectory"], None) {
                    let path = self.folded(Some(path));
                    self.around.enter(&path);
                }
                let handed = super::super::Given {
                    stdin_file: given
                        .text(&["redirectstandardinput"], None)
                        .map(|path| self.folded(Some(path))),
                    ..super::super::Given::default()
                };
                programs::run(words, &handed, line, &self.env.clone(), self.around, context, out);
                self.around.folder = folder;
                if let Some(path) = given.text(&["redirectstandardoutput"], None) {
                    self.file(Action::Write, &path, line, out);
                }
            }
            "new-psdrive" => {
                let root = self.folded(given.text(&["root"], Some(2)));
                let name = given.text(&["name"], Some(0)).unwrap_or_default();
                let letter = if name.len() == 1 { name.chars().next() } else { None };
                if root.starts_with("\\\\") {
                    programs::connect_share(&root, letter, &call, self.around, out);
                }
            }
            "new-smbmapping" => {
                let root = self.folded(given.text(&["remotepath"], Some(1)));
                let letter = given.text(&["localpath"], Some(0)).and_then(|path| path.chars().next());
                programs::connect_share(&root, letter, &call, self.around, out);
            }
            "invoke-command" | "enter-pssession" | "new-pssession" => {
                self.remote(given, line, context, out);
            }
            // Whatever else reaches a host says so by this parameter.
            name if name.contains('-') && given.has("computername") => {
                for host in given.named("computername").map(Value::each).unwrap_or_default() {
                    if host.text() != "." {
                        out.add_host(&call, &host.text(), None);
                    }
                }
            }
            _ => return false,
        }
        true
    }

    /// `Invoke-Command -ComputerName host { … }`.
    fn remote(&mut self, given: &Given, line: u64, context: &Context<'_>, out: &mut Out<'_>) {
        let call = self.call(line);
        let hosts = given.get(&["computername", "cn"], None);
        let all = given.named.iter().map(|(_, value)| value).chain(&given.plain);
        let block = all
            .clone()
            .find_map(|value| if let Value::Block(body) = value { Some(body.clone()) } else { None });
        let session = given.has("session");
        let hosts: Vec<Option<String>> = match hosts {
            Some(hosts) => hosts.each().iter().take(super::MAX_LOOP).map(|host| Some(host.text())).collect(),
            None if session => vec![Some(UNKNOWN.to_owned())],
            None => vec![None],
        };
        for host in hosts {
            match host.as_deref() {
                Some(UNKNOWN) if !session => out.unresolved(&call, "a host that is only known when it runs"),
                Some(host) => out.add_host(&call, host, None),
                None => {}
            }
            let Some(body) = block.clone() else { continue };
            if host.is_none() {
                self.block(&body, super::Value::Unknown, context, out);
                continue;
            }
            let host = host.filter(|host| !host.contains(UNKNOWN)).map(crate::evidence::Text::from);
            let (before, folder) = (out.elsewhere.replace(host), self.around.folder.take());
            self.block(&body, Value::Unknown, context, out);
            out.elsewhere = before;
            self.around.folder = folder;
        }
    }
}
