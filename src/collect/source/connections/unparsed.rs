//! Connections in code of languages that no grammar here reads: texts that are one, and calls of drivers with what
//! they are given as far as it stands in the file. Statements of such a file are not read, which is said as a gap.

use super::named::{self, Named, Value};
use super::tokens::{Kind, TONGUES, Token, Tongue, tokens};
use super::{Said, of_text, starts_like_one, state};
use crate::collect::source::fold::{Constants, UNKNOWN, is_secret};
use crate::collect::source::place::Where;
use crate::evidence::{Engine, Evidence, Gap, GapCode, Place};
use crate::input::InputFile;
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// How many tokens one call may be given.
const MAX_GIVEN: usize = 400;

/// A driver's call: its name, the engine (empty: the arguments say it), the names of parameters without one.
type Row = (&'static str, &'static str, &'static [&'static str]);

/// The table: PHP manual ("MySQLi", "PDO", "PostgreSQL", "SQLSRV", "OCI8"), Go's `database/sql` and the drivers of
/// GORM, the gems mysql2, pg, tiny_tds, redis, mongo and Sequel, DBI(3pm), ADO.NET, JDBC.
static CALLS: [Row; 33] = [
    ("mysqli", "mysql", &["host", "user", "", "database", "port"]),
    ("mysqli_connect", "mysql", &["host", "user", "", "database", "port"]),
    ("mysqli_real_connect", "mysql", &["", "host", "user", "", "database", "port"]),
    ("mysql_connect", "mysql", &["host", "user"]),
    ("mysql_pconnect", "mysql", &["host", "user"]),
    ("PDO", "", &["dsn", "user", ""]),
    ("pg_connect", "postgresql", &["dsn"]),
    ("sqlsrv_connect", "mssql", &["server"]),
    ("oci_connect", "oracle", &["user", "", "dsn"]),
    ("sql.Open", "", &["driver", "dsn"]),
    ("sqlx.Open", "", &["driver", "dsn"]),
    ("sqlx.Connect", "", &["driver", "dsn"]),
    ("sqlx.MustConnect", "", &["driver", "dsn"]),
    ("mysql.Open", "mysql", &["dsn"]),
    ("postgres.Open", "postgresql", &["dsn"]),
    ("sqlserver.Open", "mssql", &["dsn"]),
    ("clickhouse.Open", "clickhouse", &["dsn"]),
    ("Mysql2::Client.new", "mysql", &[]),
    ("PG.connect", "postgresql", &["dsn"]),
    ("PG::Connection.new", "postgresql", &["dsn"]),
    ("TinyTds::Client.new", "mssql", &[]),
    ("Redis.new", "redis", &[]),
    ("Mongo::Client.new", "mongodb", &["url"]),
    ("Sequel.connect", "", &["url"]),
    ("DBI->connect", "", &["dsn", "user", ""]),
    ("DBI->connect_cached", "", &["dsn", "user", ""]),
    ("SqlConnection", "mssql", &["dsn"]),
    ("MySqlConnection", "mysql", &["dsn"]),
    ("NpgsqlConnection", "postgresql", &["dsn"]),
    ("OracleConnection", "oracle", &["dsn"]),
    ("UseSqlServer", "mssql", &["dsn"]),
    ("UseNpgsql", "postgresql", &["dsn"]),
    ("DriverManager.getConnection", "", &["url", "user", ""]),
];

/// What a file must hold somewhere to be read for its connections.
static WORDS: LazyLock<Regex> = LazyLock::new(|| {
    let calls: Vec<String> = CALLS.iter().map(|(call, ..)| regex::escape(call)).collect();
    let calls = calls.join("|");
    let urls =
        "(?:mysql2?|mariadb|postgres(?:ql)?|mongodb(?:\\+srv)?|rediss?|sqlserver|oracle|clickhouse)://";
    let keys = "(?i:data source|server)=[^;\"]+;|@tcp\\(|\\bdbi:\\w+:|jdbc:\\w+:";
    Regex::new(&format!("\\b(?:{calls})\\s*\\(|{urls}|{keys}|\\bDB_HOST\\b"))
        .expect("the pattern is made of constants of this file and its tests compile it")
});

/// The language of a file that may hold connections and that no grammar reads.
pub fn tongue_of(ending: &str, head: &str) -> Option<&'static Tongue> {
    let tongue = TONGUES.iter().find(|tongue| tongue.endings.contains(&ending))?;
    WORDS.is_match(head).then_some(tongue)
}

/// States the connections of a file; `environment` is what a file beside it sets.
pub fn read(file: &InputFile, text: &str, tongue: &Tongue, environment: &Constants, at: &Where) -> Evidence {
    let mut out = Evidence::new();
    let detail = format!(
        "of {} connections to databases are read and nothing else: its statements are not",
        tongue.name
    );
    out.add_gap(Gap::new(Place::whole(&file.path), GapCode::Unrecognised, detail));
    let all = tokens(text, tongue);
    let mut known = Known { environment, values: BTreeMap::new() };
    known.learn(&all);
    // Texts that a driver is given are told with what stands beside them.
    let mut given = vec![false; all.len()];
    let place = |line: u64| Place::line(&file.path, line);
    for open in (0..all.len()).filter(|open| all[*open].is('(')) {
        let path = path_before(&all[..open]);
        let Some((_, engine, parameters)) = CALLS.iter().find(|(call, ..)| is_call(&path, call)) else {
            continue;
        };
        let end = closing(&all, open);
        let mut named = Named::default();
        for (index, argument) in arguments(&all[open + 1..end]).into_iter().enumerate() {
            known.add(argument, parameters.get(index).copied().unwrap_or(""), &mut named);
        }
        given[open..end].fill(true);
        let said = named::said(&named, Engine::of_word(engine), true);
        state(said, at, place(all[open].line), &mut out);
    }
    for (token, _) in all.iter().zip(given).filter(|(_, given)| !given) {
        if let Kind::Text(text) = &token.kind
            && starts_like_one(text)
        {
            state(of_text(text), at, place(token.line), &mut out);
        }
    }
    if file.name().starts_with("wp-config") {
        word_press(&known, &all, at, &place, &mut out);
    }
    out
}

/// `define('DB_HOST', …)` of WordPress ("Editing wp-config.php").
fn word_press(
    known: &Known<'_>,
    all: &[Token],
    at: &Where,
    place: &dyn Fn(u64) -> Place,
    out: &mut Evidence,
) {
    let is_host = |token: &&Token| token.kind == Kind::Text("DB_HOST".to_owned());
    let Some(token) = all.iter().find(is_host) else { return };
    let mut named = Named::default();
    for (name, key) in [("host", "DB_HOST"), ("user", "DB_USER"), ("database", "DB_NAME")] {
        let value = known.values.get(key).cloned().flatten();
        named.add(name, value.map_or(Value::Unknown, Value::Known));
    }
    let said: Said = named::said(&named, Engine::of_word("mysql"), true);
    state(said, at, place(token.line), out);
}

/// What names of the file stand for.
struct Known<'k> {
    environment: &'k Constants,
    /// `None`: more than one value, or one that nobody can tell.
    values: BTreeMap<String, Option<String>>,
}

impl Known<'_> {
    /// `$x = 'text'`, `x := "text"`, `X = 'text'`, `define('X', 'text')`.
    fn learn(&mut self, all: &[Token]) {
        for at in 0..all.len() {
            let (name, from) = match &all[at].kind {
                Kind::Word(word) if word == "define" && all.get(at + 1).is_some_and(|it| it.is('(')) => {
                    let Some(Kind::Text(name)) = all.get(at + 2).map(|it| &it.kind) else { continue };
                    (name.clone(), at + 4)
                }
                Kind::Word(name) => {
                    let signs = all[at + 1..].iter().take(2).map(|it| it.is('=')).collect::<Vec<_>>();
                    let walrus = all.get(at + 1).is_some_and(|it| it.is(':')) && signs.get(1) == Some(&true);
                    match (walrus, signs.first()) {
                        (true, _) => (name.clone(), at + 3),
                        // `==` and `=>` give no value.
                        (_, Some(true)) if !all.get(at + 2).is_some_and(|it| it.is('=') || it.is('>')) => {
                            (name.clone(), at + 2)
                        }
                        _ => continue,
                    }
                }
                _ => continue,
            };
            if is_secret(name.trim_start_matches(['$', '@'])) {
                continue;
            }
            let rest = &all[from.min(all.len())..];
            let line = rest.first().map_or(0, |it| it.line);
            let ends = |it: &Token| it.is(';') || it.is(')') || it.line != line;
            let end = rest.iter().take(MAX_GIVEN).position(ends);
            // The parentheses of a call of the environment belong to the value.
            let end = match end {
                Some(end) if rest[end].is(')') && rest[..end].iter().any(|it| it.is('(')) => end + 1,
                Some(end) => end,
                None => rest.len().min(MAX_GIVEN),
            };
            let value = match self.value(&rest[..end]) {
                Value::Known(text) => Some(text),
                Value::Unknown => None,
            };
            let before = self.values.get(&name).cloned();
            self.values
                .insert(name, if before.is_none() || before == Some(value.clone()) { value } else { None });
        }
    }

    /// What the tokens of one expression give.
    fn value(&self, tokens: &[Token]) -> Value {
        let (mut out, mut known) = (String::new(), false);
        if let Some(value) = self.of_environment(tokens) {
            return value;
        }
        for token in tokens {
            match &token.kind {
                Kind::Text(text) => {
                    out.push_str(text);
                    known = true;
                }
                Kind::Sign('.' | '+') => {}
                Kind::Word(word) => {
                    let own = self.values.get(word).cloned().flatten();
                    let number = word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.clone());
                    known |= own.is_some() || number.is_some();
                    out.push_str(own.or(number).as_deref().unwrap_or(UNKNOWN));
                }
                // Behind a text that something nobody can tell is put to, it stays unknown.
                Kind::Sign(_) if known => {
                    out.push_str(UNKNOWN);
                    break;
                }
                Kind::Sign(_) => return Value::Unknown,
            }
        }
        if known { Value::Known(out) } else { Value::Unknown }
    }

    /// `getenv('X') ?: 'default'`, `env('X', 'default')`, `ENV.fetch('X', 'default')`, `ENV['X']`, `os.Getenv("X")`.
    fn of_environment(&self, tokens: &[Token]) -> Option<Value> {
        let path = path_before(tokens.get(..tokens.iter().position(|it| it.is('(') || it.is('['))?)?);
        let reads = [
            "env",
            "getenv",
            "getenv_docker",
            "ENV.fetch",
            "ENV",
            "os.Getenv",
            "$ENV",
            "$_ENV",
            "System.getenv",
        ];
        if !reads.contains(&path.as_str()) {
            return None;
        }
        let mut texts = tokens.iter().filter_map(|token| match &token.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        });
        let set = texts.next().and_then(|name| self.environment.get(name).filter(|_| !is_secret(name)));
        let value = set.or_else(|| texts.next()).filter(|value| !value.is_empty());
        Some(value.cloned().map_or(Value::Unknown, Value::Known))
    }

    /// Adds one argument: a named value, a table of them, or the parameter at its place.
    fn add(&self, tokens: &[Token], parameter: &str, named: &mut Named) {
        let table = matches!(tokens, [first, .., last] if (first.is('[') && last.is(']')) || (first.is('{') && last.is('}')));
        if table {
            for pair in arguments(&tokens[1..tokens.len() - 1]) {
                self.add(pair, "", named);
            }
            return;
        }
        let (name, value) = match tokens {
            // `:host => 'db1'`, `'host' => 'db1'`, `host: 'db1'`.
            [colon, Token { kind: Kind::Word(name), .. }, equals, more, value @ ..]
                if colon.is(':') && equals.is('=') && more.is('>') =>
            {
                (name.as_str(), value)
            }
            [Token { kind: Kind::Text(name), .. }, equals, more, value @ ..]
                if equals.is('=') && more.is('>') =>
            {
                (name.as_str(), value)
            }
            [Token { kind: Kind::Word(name), .. }, colon, value @ ..]
                if colon.is(':') && !value.first().is_some_and(|it| it.is(':')) =>
            {
                (name.as_str(), value)
            }
            whole => (parameter, whole),
        };
        if !name.is_empty() && !value.is_empty() && !is_secret(name) {
            named.add(name, self.value(value));
        }
    }
}

/// The name that stands before a parenthesis: `new mysqli` is `mysqli`.
fn path_before(tokens: &[Token]) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut wants_word = true;
    for token in tokens.iter().rev().take(16) {
        match &token.kind {
            Kind::Word(word) if wants_word => {
                out.push(word.clone());
                wants_word = false;
            }
            Kind::Sign(sign @ ('.' | ':' | '>' | '-' | '\\')) => {
                out.push(sign.to_string());
                wants_word = true;
            }
            _ => break,
        }
    }
    out.reverse();
    out.concat().trim_start_matches('\\').to_owned()
}

/// Whether a path is this call, in whatever package: `System.Data.SqlConnection` is one of `SqlConnection`.
fn is_call(path: &str, call: &str) -> bool {
    let before = path.strip_suffix(call);
    let is_object = call.starts_with(|c: char| c.is_ascii_lowercase()) && call.contains('.');
    before.is_some_and(|before| before.is_empty() || (!is_object && before.ends_with(['\\', '.'])))
}

/// Where the parenthesis that opens at a token closes.
fn closing(all: &[Token], open: usize) -> usize {
    let mut depth = 0usize;
    let within = all[open..].iter().take(MAX_GIVEN).position(|token| {
        match token.kind {
            Kind::Sign('(' | '[' | '{') => depth += 1,
            Kind::Sign(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    });
    within.map_or(all.len().min(open + MAX_GIVEN), |length| open + length)
}

/// The tokens between commas.
fn arguments(tokens: &[Token]) -> Vec<&[Token]> {
    let (mut out, mut from, mut depth) = (Vec::new(), 0, 0usize);
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Sign('(' | '[' | '{') => depth += 1,
            Kind::Sign(')' | ']' | '}') => depth = depth.saturating_sub(1),
            Kind::Sign(',') if depth == 0 => {
                out.push(&tokens[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    if from < tokens.len() {
        out.push(&tokens[from..]);
    }
    out
}
