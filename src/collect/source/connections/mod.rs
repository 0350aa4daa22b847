//! Connections that source code and settings write down, of whatever engine: `texts` reads what stands in one text,
//! `named` what stands in named values, `drivers` is the table of calls that connect, `code` finds them. Passwords are
//! never looked at, and a host that is not written as a whole is a gap, never a server.

mod code;
mod drivers;
mod named;
mod pairs;
mod texts;
mod tokens;
mod unparsed;

pub use code::Reader;
pub use named::{Named, Value, engine_of, said as of_named};
pub use pairs::beside;
pub use texts::{read as of_text, starts_like_one};
pub use tokens::Tongue;
pub use unparsed::{read as read_unparsed, tongue_of};

use super::place::Where;
use super::settings::is_settings;
use crate::collect::commands;
use crate::evidence::scrub::{scrub, scrub_name};
use crate::evidence::{
    Action, ENGINE, Engine, Evidence, Gap, GapCode, Mention, MentionKind, POSTGRES, Place, Resource, Text,
    Trait, Use,
};
use std::collections::BTreeSet;

/// The trait of a connection that stands in a settings file: it says how whoever takes the file over would
/// connect, not that they do.
const IN_SETTINGS: &str = "in-settings";

/// Where somebody connects, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// `host`, `host:port`, `host\instance`; an engine's usual port is put in where none is written.
    pub server: String,
    /// The database.
    pub database: Option<String>,
    /// The login.
    pub user: Option<String>,
    /// What the client calls itself.
    pub application: Option<String>,
}

impl Connection {
    /// The database, or the server where none is named, with names as they may be shown.
    fn whole(&self) -> Resource {
        let name = |text: &String| Text::from(scrub_name(text));
        Resource::database(Some(name(&self.server)), self.database.as_ref().map(name))
    }
}

/// What something that may connect says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Nothing of a server.
    Nothing,
    /// It connects, and where is not written; the engine, if it is known.
    Open(Option<&'static Engine>),
    /// It connects there.
    Known(Option<&'static Engine>, Vec<Connection>),
}

/// A name that is written as a whole.
fn whole(text: &str) -> Option<String> {
    let text = text.trim();
    let open = text.is_empty() || text.contains(['{', '}', '$', '<', '>']);
    (!open).then(|| text.to_owned())
}

/// A host that could be one.
fn host_of(text: &str) -> Option<&str> {
    let text = text.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '\\');
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let fits = bare.parse::<std::net::Ipv6Addr>().is_ok() || text.chars().all(fits);
    (!text.is_empty() && fits && !is_example(text)).then_some(text)
}

/// Whether a host is one that only examples have.
fn is_example(host: &str) -> bool {
    let lower = host.to_ascii_lowercase();
    lower.starts_with("your_")
        || lower.starts_with("your-")
        || matches!(lower.as_str(), "host" | "hostname" | "yourhost" | "myhost" | "servername")
}

/// `host:port` of an engine; its usual port where none is written. `None`: the port is none.
fn server_of(host: &str, port: Option<&str>, engine: Option<&'static Engine>) -> Option<String> {
    let host = host.trim();
    let host = match host {
        "." | "(local)" => "localhost",
        _ => host.strip_prefix("tcp:").or_else(|| host.strip_prefix("np:")).unwrap_or(host),
    };
    // `db1,1433` as Microsoft's clients spell it; `db1:1433`.
    let (host, behind) = match host.rsplit_once(',').or_else(|| host.rsplit_once(':')) {
        Some((before, port))
            if !before.is_empty() && !before.ends_with(':') && port.trim().parse::<u16>().is_ok() =>
        {
            (before, Some(port.trim()))
        }
        _ => (host, None),
    };
    let host = host_of(host)?;
    let port = port.map(str::trim).filter(|port| !port.is_empty()).or(behind);
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return None;
    }
    let usual = engine.filter(|it| it.name != POSTGRES && it.port != 0 && !host.contains('\\'));
    let port = port.map(str::to_owned).or_else(|| usual.map(|it| it.port.to_string()));
    Some(port.map_or(host.to_owned(), |port| format!("{host}:{port}")))
}

/// One connection of an engine by its parts as written.
fn connection(
    engine: Option<&'static Engine>,
    host: Option<&str>,
    port: Option<&str>,
    database: Option<&str>,
    user: Option<&str>,
) -> Said {
    if host.and_then(|host| host.split(':').next()).is_some_and(is_example) {
        return Said::Nothing;
    }
    let Some(server) = host.and_then(|host| server_of(host, port, engine)) else { return Said::Open(engine) };
    let one = Connection {
        server,
        database: database.and_then(whole).filter(|_| has_databases(engine)),
        user: user.and_then(whole),
        application: None,
    };
    Said::Known(engine, vec![one])
}

/// Whether what an engine calls a database is one: Redis has numbers.
fn has_databases(engine: Option<&'static Engine>) -> bool {
    engine.is_none_or(|it| it.name != "redis")
}

/// States what was said, with the login and the application name.
pub fn state(said: Said, at: &Where, place: Place, out: &mut Evidence) {
    match said {
        Said::Nothing => {}
        Said::Open(engine) => out.add_gap(open_gap(engine, place)),
        Said::Known(engine, all) => {
            for one in all {
                state_one(engine, &one, at, place.clone(), out);
            }
        }
    }
}

/// A default of the environment is often empty: who it is then nobody has written.
fn open_gap(engine: Option<&'static Engine>, place: Place) -> Gap {
    let of = engine.filter(|it| it.name != POSTGRES).map(|it| format!(" of {}", it.name));
    let detail =
        format!("a connection{} whose host is empty or only known when it runs", of.unwrap_or_default());
    Gap::new(place, GapCode::Unresolved, detail)
}

/// A driver's call of which the host cannot be told where it stands: settings elsewhere in the component may tell.
pub struct Open {
    component: Text,
    engine: Option<&'static Engine>,
    place: Place,
}

/// Components with an engine that their settings connect to, and with none for any of them.
pub type Told = BTreeSet<(Text, Option<&'static Engine>)>;

/// What one file tells of that.
pub fn told(evidence: &Evidence) -> Told {
    let mut out = Told::new();
    let in_settings = |it: &&Use| it.what.traits.iter().any(|it| &*it.name == IN_SETTINGS);
    for it in evidence.uses().iter().filter(in_settings) {
        let Some(component) = it.what.actor.get(MentionKind::Component) else { continue };
        let named = it.what.traits.iter().find(|it| &*it.name == ENGINE).and_then(|it| it.value.as_deref());
        out.insert((component.clone(), Engine::of_word(named.unwrap_or(POSTGRES))));
        out.insert((component.clone(), None));
    }
    out
}

/// Says of each what no settings of its component tell: a connection of the same engine, or any where the call names none.
pub fn settle(open: Vec<Open>, told: &Told, out: &mut Evidence) {
    for Open { component, engine, place } in open {
        if !told.contains(&(component, engine)) {
            out.add_gap(open_gap(engine, place));
        }
    }
}

fn state_one(
    engine: Option<&'static Engine>,
    one: &Connection,
    at: &Where,
    place: Place,
    out: &mut Evidence,
) {
    let mut what = at.what(Action::Connect, one.whole());
    if let Some(user) = &one.user {
        what.actor.add(Mention::new(MentionKind::User, Text::from(scrub_name(user))));
    }
    if let Some(application) = &one.application {
        // Scrubbed as in logs, so that both are one name.
        what.actor.add(Mention::new(MentionKind::Application, Text::from(scrub(application))));
    }
    if let Some(engine) = engine.filter(|it| it.name != POSTGRES) {
        what.traits.insert(Trait::valued(ENGINE, engine.name));
    }
    if is_settings(place.input.rsplit('/').next().unwrap_or("")) {
        what.traits.insert(Trait::named(IN_SETTINGS));
    }
    out.add_written(what, place);
}

/// A connection string of libpq, with what only its own reader knows of it.
fn of_libpq(text: &str) -> Said {
    let engine = Engine::of_word(POSTGRES);
    let Some(told) = commands::database_uri(text) else { return Said::Nothing };
    let server = told.server.as_ref().filter(|it| !it.starts_with(':') && !it.contains(['{', '$']));
    let text = |text: &Option<Text>| text.as_ref().map(Text::to_string);
    match server {
        Some(server) if !is_example(server.split(':').next().unwrap_or("")) => {
            let (database, user) = (text(&told.database), text(&told.user));
            let (server, application) = (server.to_string(), text(&told.application));
            Said::Known(engine, vec![Connection { server, database, user, application }])
        }
        Some(_) => Said::Nothing,
        None if told.database.is_some() => Said::Open(engine),
        None => Said::Nothing,
    }
}

#[cfg(test)]
pub use tests::shown;

#[cfg(test)]
mod tests {
    use super::{Said, of_text, starts_like_one};

    /// What was said, on one line: `mysql db1:3306/shop as web`.
    pub fn shown(said: &Said) -> String {
        match said {
            Said::Nothing => "-".to_owned(),
            Said::Open(engine) => format!("open {}", engine.map_or("", |it| it.name)),
            Said::Known(engine, all) => {
                let one = |it: &super::Connection| {
                    let part = |sign: &str, text: &Option<String>| {
                        text.as_ref().map_or(String::new(), |text| format!("{sign}{text}"))
                    };
                    let name = engine.map_or("?", |it| it.name);
                    let (database, user) = (part("/", &it.database), part(" as ", &it.user));
                    format!("{name} {}{database}{user}{}", it.server, part(" called ", &it.application))
                };
                all.iter().map(one).collect::<Vec<_>>().join(", ")
            }
        }
    }

    fn check(cases: &[(&str, &str)]) {
        for (text, want) in cases {
            let said = if starts_like_one(text) { of_text(text) } else { Said::Nothing };
            assert_eq!(shown(&said), *want, "{text}");
        }
    }

    #[test]
    fn urls_name_engine_server_database_and_login() {
        check(&[
            ("mysql+pymysql://web:p@db1/shop?charset=utf8", "mysql db1:3306/shop as web"),
            ("mysql2://web:p%40ss@db1:3307/shop", "mysql db1:3307/shop as web"),
            ("mariadb+mariadbconnector://db1/shop", "mariadb db1:3306/shop"),
            ("postgresql+psycopg2://web:p@a/shop", "postgresql a/shop as web"),
            ("mssql+pymssql://web:p@db1/shop", "mssql db1:1433/shop as web"),
            ("mssql+pyodbc://web:p@db1/shop?driver=FreeTDS", "mssql db1:1433/shop as web"),
            ("mssql+pyodbc://web:p@shop_dsn", "open mssql"),
            (
                "mssql+pyodbc:///?odbc_connect=Driver%3D%7BSQL+Server%7D%3BServer%3Ddb1%3BDatabase%3Dshop",
                "mssql db1:1433/shop",
            ),
            ("oracle+cx_oracle://web:p@db1:1521/?service_name=shop", "oracle db1:1521/shop as web"),
            (
                "mongodb://web:p@m1,m2:27018/shop?replicaSet=r",
                "mongodb m1:27017/shop as web, mongodb m2:27018/shop as web",
            ),
            ("mongodb+srv://web:p@shop.example.net/shop", "mongodb shop.example.net/shop as web"),
            ("rediss://:p@cache1/2", "redis cache1:6379"),
            ("sqlserver://web:p@db1?database=shop", "mssql db1:1433/shop as web"),
            ("web:p@tcp(db1:3306)/shop?parseTime=true", "mysql db1:3306/shop as web"),
        ]);
    }

    #[test]
    fn addresses_of_jdbc_are_those_of_each_driver() {
        check(&[
            ("jdbc:mysql:replication://db1,db2:3307/shop", "mysql db1:3306/shop, mysql db2:3307/shop"),
            ("jdbc:sqlserver://db1\\sales;databaseName=shop;user=web", "mssql db1\\sales/shop as web"),
            ("jdbc:sqlserver://db1:1433;databaseName=shop;encrypt=true", "mssql db1:1433/shop"),
            ("jdbc:jtds:sqlserver://db1/shop;instance=x", "mssql db1:1433/shop"),
            ("jdbc:oracle:thin:@db1:1521:SHOP", "oracle db1:1521/SHOP"),
            ("jdbc:oracle:thin:web/p@//db1/shop", "oracle db1:1521/shop as web"),
            (
                "jdbc:oracle:thin:@(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=db1)(PORT=1522))(CONNECT_DATA=(SERVICE_NAME=shop)))",
                "oracle db1:1522/shop",
            ),
            ("jdbc:oracle:thin:@SHOP_PROD", "open oracle"),
            (
                "jdbc:postgresql://a:5432,b:5433/shop?user=web&ApplicationName=x",
                "postgresql a:5432/shop as web called x, postgresql b:5433/shop as web called x",
            ),
            ("jdbc:h2:mem:shop", "-"),
            ("jdbc:tc:mysql:8.0:///shop", "-"),
        ]);
    }

    #[test]
    fn keys_and_values_name_their_engine_or_none() {
        check(&[
            (
                "DRIVER={ODBC Driver 17 for SQL Server};SERVER=tcp:db1,1433;DATABASE=shop;UID=web;PWD=p",
                "mssql db1:1433/shop as web",
            ),
            (
                "Driver={MySQL ODBC 8.0 Unicode Driver};Server=db1;Database=shop;User=web;Password=p",
                "mysql db1:3306/shop as web",
            ),
            ("Server=db1;Database=shop;User Id=web;Password=p;Encrypt=True", "mssql db1:1433/shop as web"),
            ("Data Source=db1\\x;Initial Catalog=shop;Integrated Security=SSPI", "mssql db1\\x/shop"),
            ("Server=db1;Port=3306;Database=shop;Uid=web;Pwd=p", "mysql db1:3306/shop as web"),
            ("Host=db1;Database=shop;Username=web;Password=p", "postgresql db1/shop as web"),
            ("Server=db1;Database=shop;Uid=web;Pwd=p", "? db1/shop as web"),
            ("Data Source=db1:1521/shop;User Id=web;Password=p", "oracle db1:1521/shop as web"),
            ("DSN=shop;UID=web;PWD=p", "open "),
            ("Data Source=(localdb)\\v11;Initial Catalog=shop;Integrated Security=true", "-"),
            ("mysql:host=db1;port=3307;dbname=shop;charset=utf8", "mysql db1:3307/shop"),
            ("pgsql:host=db1;dbname=shop", "postgresql db1/shop"),
            ("sqlsrv:Server=db1,1433;Database=shop", "mssql db1:1433/shop"),
            ("oci:dbname=//db1:1521/shop", "oracle db1:1521/shop"),
            ("DBI:mysql:database=shop;host=db1", "mysql db1:3306/shop"),
            ("DBI:mysql:shop:db1:3307", "mysql db1:3307/shop"),
            ("dbi:Pg:dbname=shop;host=db1", "postgresql db1/shop"),
            ("DBI:mysql:shop", "open mysql"),
            ("host=db1 dbname=shop user=web", "postgresql db1/shop as web"),
        ]);
    }

    #[test]
    fn what_only_looks_like_a_connection_says_nothing_and_a_host_that_is_not_written_is_open() {
        check(&[
            ("mysql://user:password@host:port/database", "-"),
            ("mysql://", "-"),
            ("https://mysql.example.net/x", "-"),
            ("see mysql://db1/shop", "-"),
            ("mysql: host unreachable", "-"),
            ("name=a;server=b", "-"),
            ("sqlite:///shop.db", "-"),
            ("mysql://web@{}/shop", "open mysql"),
            ("mysql+pymysql://web:p@/shop?unix_socket=/run/s", "open mysql"),
            ("postgresql://web@{}:5432/shop", "open postgresql"),
            ("Server={};Database=shop;Uid=web;Pwd={};Encrypt=yes", "open mssql"),
        ]);
    }
}
