//! What an inventory calls a resource: the texts of `uses` in `whodepends.toml`, and how far a `*` in one reaches. It
//! reads texts and never decides which entity one means.

use super::mention::Text;
use super::request;
use super::usage::{Resource, ResourceKind};

/// The words that may stand before a text, as they open the ids of reports.
pub const KINDS: [&str; 15] = [
    "table", "database", "routine", "lock", "endpoint", "service", "external", "cache", "keys", "broker",
    "topic", "queue", "file", "object", "host",
];

/// The word before the first colon, and what follows it; none where the text begins with a server and its port, or
/// with a path.
fn word(text: &str) -> Option<(&str, &str)> {
    let (word, rest) = text.split_once(':')?;
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let port = rest.split('/').next().unwrap_or(rest);
    let is_port = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    (!word.is_empty() && word.chars().all(named) && !is_port).then_some((word, rest))
}

/// The resource that a text means: `SYSTEM`, `SYSTEM/DATABASE`, `SYSTEM/DATABASE/SCHEMA.TABLE`, `SYSTEM/METHOD /path`, or
/// an id as reports print it (`file:HOST:/path`, `topic:NAME`, `keys:CACHE/NAME` …). `*` in a name stands for any
/// characters. The error says what is wrong with it.
pub fn read(text: &str) -> Result<Resource, String> {
    let resource = match word(text) {
        Some((word, rest)) => of_kind(word, rest)?,
        None => plain(text)?,
    };
    match &resource.server {
        Some(server) if server.contains('*') => {
            Err("* stands for names within a system, and never for the system".to_owned())
        }
        Some(server) if &**server == "?" => Err("? is a server that nobody knows".to_owned()),
        Some(server) if server.trim().is_empty() => Err("it names no system".to_owned()),
        _ if resource.parts.iter().any(|part| part.is_empty()) => Err("it ends without a name".to_owned()),
        _ if resource.database.as_ref().is_some_and(|database| database.is_empty()) => {
            Err("its database has no name".to_owned())
        }
        _ => Ok(resource),
    }
}

/// A text without a kind before it.
fn plain(text: &str) -> Result<Resource, String> {
    if let Some((server, asked)) = text.split_once('/')
        && let Some(request) = request_at(server, asked)
    {
        return request;
    }
    within(ResourceKind::Table, text)
}

/// `METHOD /path` at a server, if it is one.
fn request_at(server: &str, asked: &str) -> Option<Result<Resource, String>> {
    let (method, path) = asked.split_once(' ')?;
    let capital = |b: u8| b.is_ascii_uppercase() || matches!(b, b'-' | b'_');
    if method == "*" || (!method.is_empty() && method.bytes().all(capital)) {
        return Some(Ok(request::endpoint(&Text::from(server), method, path)));
    }
    path.starts_with('/')
        .then(|| Err(format!("{method:?} is no method: a request is SYSTEM/METHOD /path, as GET /v1/orders")))
}

/// `SYSTEM`, `SYSTEM/DATABASE` or `SYSTEM/DATABASE/NAME`.
fn within(kind: ResourceKind, text: &str) -> Result<Resource, String> {
    let mut steps = text.splitn(3, '/').map(Text::from);
    let (server, database) = (steps.next(), steps.next());
    Ok(match steps.next() {
        None => Resource::database(server, database),
        Some(name) => Resource { kind, server, database, parts: name.split('.').map(Text::from).collect() },
    })
}

/// `SYSTEM/NAME`, or `NAME` of whatever system.
fn named(kind: ResourceKind, text: &str) -> Resource {
    let (server, name) = match text.split_once('/') {
        Some((server, name)) => (Some(Text::from(server)), name),
        None => (None, text),
    };
    Resource { kind, server, database: None, parts: vec![Text::from(name)] }
}

fn of_kind(word: &str, rest: &str) -> Result<Resource, String> {
    use ResourceKind::{Endpoint, File, Host, Keys, Lock, Object, Queue, Routine, Table, Topic};
    let needs = |what: &str, resource: Resource| {
        let whole = resource.kind == ResourceKind::Database || resource.server.is_none();
        if whole { Err(format!("{word}: needs {what}")) } else { Ok(resource) }
    };
    match word {
        "table" => needs("SYSTEM/DATABASE/SCHEMA.TABLE", within(Table, rest)?),
        "routine" => needs("SYSTEM/DATABASE/SCHEMA.NAME", within(Routine, rest)?),
        "lock" if rest.matches('/').count() == 1 => Ok(named(Lock, rest)),
        "lock" => needs("SYSTEM/DATABASE/NAME", within(Lock, rest)?),
        "database" | "cache" | "broker" => match within(Table, rest)? {
            whole if whole.kind == ResourceKind::Database => Ok(whole),
            _ => Err(format!("{word}: takes SYSTEM or SYSTEM/DATABASE")),
        },
        "service" | "external" if rest.contains('/') => {
            Err(format!("{word}: takes a name; its requests are endpoint:SYSTEM/METHOD /path"))
        }
        "service" | "external" => Ok(Resource::database(Some(Text::from(rest)), None)),
        "endpoint" => match rest.split_once('/') {
            Some((server, asked)) => request_at(server, asked)
                .unwrap_or_else(|| Err("endpoint: needs SYSTEM/METHOD /path".to_owned())),
            None => {
                let server = Some(Text::from(rest));
                Ok(Resource { kind: Endpoint, server, database: None, parts: Vec::new() })
            }
        },
        "keys" => needs("CACHE/NAME", named(Keys, rest)),
        "topic" => Ok(named(Topic, rest)),
        "queue" => Ok(named(Queue, rest)),
        "object" => needs("BUCKET/KEY", named(Object, rest)),
        "file" => {
            let (host, path) = file(rest);
            if path.is_empty() {
                return Err("file: needs HOST:/path or /path".to_owned());
            }
            let parts = vec![Text::from(path)];
            Ok(Resource { kind: File, server: host.map(Text::from), database: None, parts })
        }
        "host" => {
            let server = Some(Text::from(rest));
            Ok(Resource { kind: Host, server, database: None, parts: Vec::new() })
        }
        _ => Err(format!("{word:?} is no kind of resource: {}", KINDS.join(", "))),
    }
}

/// The host of a file, where one is said, and its path.
pub fn file(text: &str) -> (Option<&str>, &str) {
    let drive = text.as_bytes().get(1) == Some(&b':') && matches!(text.as_bytes().get(2), Some(b'\\' | b'/'));
    match text.split_once(':') {
        Some((host, path)) if !drive && !host.is_empty() && !host.contains(['/', '\\', '~']) => {
            (Some(host), path)
        }
        _ => (None, text),
    }
}

/// Whether a resource stands for more than one by a `*` in it.
pub fn is_pattern(resource: &Resource) -> bool {
    let database = resource.database.as_ref().is_some_and(|database| database.contains('*'));
    database || resource.parts.iter().any(|part| part.contains('*'))
}

/// Whether a name is one that a pattern means, in which `*` stands for any characters and everything else for itself.
/// Takes no more steps than the product of both lengths.
pub fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut seen) = (0, 0);
    // Behind the last star: where it stands, and how much it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while seen < name.len() {
        if pattern.get(at) == Some(&b'*') {
            star = Some((at, seen));
            at += 1;
        } else if pattern.get(at) == Some(&name[seen]) {
            (at, seen) = (at + 1, seen + 1);
        } else if let Some((back, taken)) = star {
            star = Some((back, taken + 1));
            (at, seen) = (back + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// A path with each value that it leaves open written alike: `{id}` and `{order}` are one.
pub fn open_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, behind)) = rest.split_once('{') {
        let Some((_, behind)) = behind.split_once('}') else { break };
        out.push_str(before);
        out.push_str("{}");
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// Whether a request (`METHOD /path`) is one that an inventory states. Who may GET may ask for the head alone (RFC 9110,
/// 9.3.2), and for the options of anything (9.3.7).
pub fn is_request(stated: &str, asked: &str) -> bool {
    let (Some((method, path)), Some((own, asked))) = (stated.split_once(' '), asked.split_once(' ')) else {
        return stated == asked;
    };
    let methods = matches!(method, "*" | "ANY") || method == own || own == "OPTIONS";
    (methods || (method == "GET" && own == "HEAD")) && fits(&open_path(path), &open_path(asked))
}

#[cfg(test)]
mod tests {
    use super::{fits, is_request, read};
    use proptest::prelude::*;

    /// A resource as its kind, server, database and parts.
    fn told(text: &str) -> String {
        match read(text) {
            Ok(it) => format!(
                "{} {} {} {}",
                it.kind.word(),
                it.server.as_deref().unwrap_or("-"),
                it.database.as_deref().unwrap_or("-"),
                it.parts.join("|")
            ),
            Err(error) => error,
        }
    }

    #[test]
    fn a_text_means_what_its_words_say() {
        for (text, want) in [
            ("shop-db", "database shop-db - "),
            ("db1:5432/shop", "database db1:5432 shop "),
            ("[::1]:5432/shop", "database [::1]:5432 shop "),
            ("shop-db/shop/public.orders", "table shop-db shop public|orders"),
            ("shop-db/shop/public.orders_*", "table shop-db shop public|orders_*"),
            ("orders-api/GET /v1/orders/17", "endpoint orders-api - GET /v1/orders/{}"),
            ("orders-api/* /v1/*", "endpoint orders-api - * /v1/*"),
            ("table:shop-db/shop/public.orders", "table shop-db shop public|orders"),
            ("database:shop-db/shop", "database shop-db shop "),
            ("cache:cache", "database cache - "),
            ("service:orders-api", "database orders-api - "),
            ("endpoint:orders-api", "endpoint orders-api - "),
            ("endpoint:orders-api/POST /v1/orders", "endpoint orders-api - POST /v1/orders"),
            ("keys:cache/cart:*", "keys cache - cart:*"),
            ("topic:orders.created", "topic - - orders.created"),
            ("topic:kafka/orders", "topic kafka - orders"),
            ("queue:invoices", "queue - - invoices"),
            ("file:batch1:/srv/out/*.csv", "file batch1 - /srv/out/*.csv"),
            ("file:/srv/out/a:b.csv", "file - - /srv/out/a:b.csv"),
            (r"file:C:\out\a.csv", r"file - - C:\out\a.csv"),
            (r"file:win1:C:\out\a.csv", r"file win1 - C:\out\a.csv"),
            ("object:backups/daily/", "object backups - daily/"),
            ("lock:shop-db/17", "lock shop-db - 17"),
            ("lock:shop-db/shop/17", "lock shop-db shop 17"),
            ("host:backup1", "host backup1 - "),
        ] {
            assert_eq!(told(text), want, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_said() {
        let kinds = "is no kind of resource: table, database, routine, lock, endpoint, service, external, cache, keys, \
                     broker, topic, queue, file, object, host";
        let method = "is no method: a request is SYSTEM/METHOD /path, as GET /v1/orders";
        for (text, want) in [
            ("", "it names no system".to_owned()),
            ("tabel:shop-db/shop/public.orders", format!("\"tabel\" {kinds}")),
            ("s3://backups/daily", format!("\"s3\" {kinds}")),
            ("orders-api/get /v1/orders", format!("\"get\" {method}")),
            ("orders-api/ /v1/orders", format!("\"\" {method}")),
            ("table:shop-db/shop", "table: needs SYSTEM/DATABASE/SCHEMA.TABLE".to_owned()),
            ("keys:cache", "keys: needs CACHE/NAME".to_owned()),
            ("topic:", "it ends without a name".to_owned()),
            ("file:batch1:", "file: needs HOST:/path or /path".to_owned()),
            ("shop-db/shop/", "it ends without a name".to_owned()),
            ("shop-db//public.orders", "its database has no name".to_owned()),
            ("database:shop-db/shop/orders", "database: takes SYSTEM or SYSTEM/DATABASE".to_owned()),
            (
                "service:orders-api/v1",
                "service: takes a name; its requests are endpoint:SYSTEM/METHOD /path".to_owned(),
            ),
            ("table:?/shop/orders", "? is a server that nobody knows".to_owned()),
            ("*/shop", "* stands for names within a system, and never for the system".to_owned()),
        ] {
            assert_eq!(told(text), want, "{text}");
        }
    }

    #[test]
    fn a_star_stands_for_any_characters_and_all_else_for_itself() {
        for (pattern, name, want) in [
            ("cart:*", "cart:{}", true),
            ("cart:*", "cart:", true),
            ("cart:*", "basket:cart:1", false),
            ("*.csv", "a.csv", true),
            ("*.csv", "a.csv.gz", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-c-", false),
            ("cart:{}", "cart:{}", true),
            ("cart:{}", "cart:1", false),
            ("a?c", "abc", false),
            ("[ab]", "a", false),
            ("*", "", true),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern, name), want, "{pattern} {name}");
        }
    }

    #[test]
    fn a_stated_request_covers_its_own_and_no_other() {
        for (stated, asked, want) in [
            ("GET /v1/orders/{id}", "GET /v1/orders/{order}", true),
            ("GET /v1/orders/{}", "HEAD /v1/orders/{id}", true),
            ("GET /v1/orders", "OPTIONS /v1/orders", true),
            ("* /v1/*", "DELETE /v1/orders/{id}", true),
            ("GET /v1/*", "POST /v1/orders", false),
            ("HEAD /v1/orders", "GET /v1/orders", false),
            ("GET /v1/orders/{id}", "GET /v1/orders", false),
            ("GET /v1/orders/{id", "GET /v1/orders/{id", true),
        ] {
            assert_eq!(is_request(stated, asked), want, "{stated} {asked}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_panic(text in "\\PC{0,60}") {
            let _ = read(&text);
        }

        #[test]
        fn a_name_fits_itself_and_what_begins_it(name in "[a-z:*{}/.é]{0,20}", cut in 0usize..20) {
            prop_assert!(fits(&name, &name));
            let at = name.char_indices().nth(cut).map_or(name.len(), |(at, _)| at);
            let pattern = format!("{}*", &name[..at]);
            prop_assert!(fits(&pattern, &name));
        }
    }
}
