//! Access logs as one JSON object a line: of Caddy (v2, "Logging"), Traefik ("Access logs", format json), Istio and Envoy
//! (encoding JSON, and Envoy Gateway's and Contour's names), and of nginx and Apache with the names of nginx's variables
//! as keys. Each is a table of keys; a key that is in no table of its server means nothing here, because nobody says in
//! which unit it would be. It never reads an object that lacks the keys by which its server is told.

use super::access::{self, Asked, Clerk, is_chain};
use super::envoy::address;
use super::json_lines::{self, Json};
use super::line_log::{self, Is};
use super::{Block, Context, LogFormat, Record};
use crate::evidence::{About, Confidence, Provenance, Stamp};
use std::borrow::Cow;

/// Access logs as JSON, of the servers of some tables.
pub struct JsonAccess {
    tables: &'static [&'static Keys],
    about: &'static About,
}

/// Of servers whose logs were recorded here.
pub static SERVERS: JsonAccess = JsonAccess {
    tables: &[&CADDY, &NGINX],
    about: &About {
        name: "json-access",
        title: "access logs as JSON: Caddy, and nginx's variables as keys",
        provenance: Provenance::Recorded,
    },
};

/// Of proxies whose logs are only documented.
pub static PROXIES: JsonAccess = JsonAccess {
    tables: &[&TRAEFIK, &ENVOY],
    about: &About {
        name: "json-proxy",
        title: "access logs as JSON: Traefik, Istio and Envoy",
        provenance: Provenance::Documented,
    },
};

/// Where a value is: keys, one in the other.
type At = &'static [&'static str];

/// In which unit a duration is.
#[derive(Debug, Clone, Copy)]
enum Unit {
    Seconds,
    Millis,
    Nanos,
}

/// The keys of one server; of several at one place the first that says something counts.
struct Keys {
    /// All of these must be there.
    told_by: &'static [At],
    time: &'static [At],
    peer: &'static [At],
    chain: &'static [At],
    user: &'static [At],
    host: &'static [At],
    method: &'static [At],
    target: &'static [At],
    /// The request line as a whole.
    request: &'static [At],
    status: &'static [At],
    taken: &'static [(At, Unit)],
    referrer: &'static [At],
    agent: &'static [At],
    behind: &'static [At],
}

static CADDY: Keys = Keys {
    told_by: &[&["request", "uri"], &["request", "method"], &["status"], &["ts"]],
    time: &[&["ts"]],
    peer: &[&["request", "remote_ip"], &["request", "remote_addr"]],
    chain: &[&["request", "headers", "X-Forwarded-For"]],
    user: &[&["request", "tls", "client_common_name"], &["user_id"]],
    host: &[&["request", "host"]],
    method: &[&["request", "method"]],
    target: &[&["request", "uri"]],
    request: &[],
    status: &[&["status"]],
    taken: &[(&["duration"], Unit::Seconds)],
    referrer: &[&["request", "headers", "Referer"]],
    agent: &[&["request", "headers", "User-Agent"]],
    behind: &[],
};

static TRAEFIK: Keys = Keys {
    told_by: &[&["RequestMethod"], &["RequestPath"], &["DownstreamStatus"]],
    time: &[&["StartUTC"], &["StartLocal"], &["time"]],
    peer: &[&["ClientAddr"], &["ClientHost"]],
    chain: &[&["request_X-Forwarded-For"]],
    user: &[&["TLSClientSubject"], &["ClientUsername"]],
    host: &[&["RequestHost"], &["RequestAddr"]],
    method: &[&["RequestMethod"]],
    target: &[&["RequestPath"]],
    request: &[],
    status: &[&["DownstreamStatus"]],
    taken: &[(&["Duration"], Unit::Nanos)],
    referrer: &[&["request_Referer"]],
    agent: &[&["request_User-Agent"]],
    behind: &[&["ServiceName"]],
};

static ENVOY: Keys = Keys {
    told_by: &[&["response_code"], &["method"], &["upstream_host"]],
    time: &[&["start_time"], &["@timestamp"]],
    peer: &[&["downstream_remote_address"]],
    chain: &[&["x_forwarded_for"], &["x-forwarded-for"]],
    user: &[&["downstream_peer_uri_san"], &["downstream_peer_subject"]],
    host: &[&["authority"], &[":authority"]],
    method: &[&["method"]],
    target: &[&["path"], &["x-envoy-origin-path"]],
    request: &[],
    status: &[&["response_code"]],
    taken: &[(&["duration"], Unit::Millis)],
    referrer: &[&["referer"]],
    agent: &[&["user_agent"], &["user-agent"]],
    behind: &[&["upstream_cluster"]],
};

static NGINX: Keys = Keys {
    told_by: &[&["status"], &["remote_addr"]],
    time: &[&["time_iso8601"], &["msec"], &["time_local"], &["@timestamp"], &["timestamp"], &["time"]],
    peer: &[&["remote_addr"]],
    chain: &[&["http_x_forwarded_for"], &["proxy_add_x_forwarded_for"], &["x_forwarded_for"]],
    user: &[&["ssl_client_s_dn"], &["remote_user"]],
    host: &[&["http_host"], &["host"], &["server_name"], &["vhost"]],
    method: &[&["request_method"], &["method"]],
    target: &[&["request_uri"], &["uri"]],
    request: &[&["request"]],
    status: &[&["status"]],
    taken: &[(&["request_time"], Unit::Seconds)],
    referrer: &[&["http_referer"], &["http_referrer"]],
    agent: &[&["http_user_agent"]],
    behind: &[],
};

/// A value as text; of a list (a header that may come more than once) all, as one header.
fn text<'a>(object: &'a Json<'_>, at: At) -> Option<Cow<'a, str>> {
    let value = object.at(at)?;
    let shown = match value {
        Json::List(all) => Cow::Owned(all.iter().filter_map(Json::text).collect::<Vec<_>>().join(", ")),
        _ => value.shown()?,
    };
    (!shown.is_empty() && *shown != *"-").then_some(shown)
}

fn first<'a>(object: &'a Json<'_>, keys: &[At]) -> Cow<'a, str> {
    keys.iter().find_map(|at| text(object, at)).unwrap_or(Cow::Borrowed("-"))
}

/// A moment as any of these servers writes one; a number counts seconds.
fn moment(object: &Json<'_>, keys: &[At]) -> Option<Stamp> {
    let read = |at: &At| match object.at(at)? {
        Json::Text(text) => access::rfc3339(text)
            .or_else(|| access::common_log_time(text))
            .or_else(|| access::epoch(text.parse().ok()?)),
        value => access::epoch(value.number()?),
    };
    keys.iter().find_map(read)
}

fn micros(object: &Json<'_>, keys: &[(At, Unit)]) -> Option<u64> {
    keys.iter().find_map(|(at, unit)| {
        let number = object.at(at)?.number().filter(|number| (0.0..1e18).contains(number))?;
        Some(match unit {
            Unit::Seconds => (number * 1e6).round() as u64,
            Unit::Millis => (number * 1e3).round() as u64,
            Unit::Nanos => (number / 1e3) as u64,
        })
    })
}

/// The name of a certificate's subject: its common name, where it has one.
fn subject(user: &str) -> &str {
    let names = user.split([',', '/']).map(str::trim);
    let mut common = names.filter_map(|part| part.strip_prefix("CN=").or_else(|| part.strip_prefix("cn=")));
    match (common.next(), common.next()) {
        (Some(name), None) => name,
        _ => user,
    }
}

/// An address, with or without a port.
fn peer(end: &str) -> &str {
    if end.parse::<std::net::IpAddr>().is_ok() { end } else { address(end) }
}

fn record(tables: &[&Keys], object: &Json<'_>, clerk: &mut Clerk) -> Is<Record> {
    let told = |keys: &&&Keys| keys.told_by.iter().all(|at| object.at(at).is_some());
    let Some(keys) = tables.iter().find(told) else { return Is::Unmatched };
    let status = object.at(keys.status[0]).and_then(Json::shown);
    let (Some(stamp), Some(status)) = (moment(object, keys.time), status.and_then(|it| access::status(&it)))
    else {
        return Is::Unmatched;
    };
    let line = first(object, keys.request);
    let (method, target) = (first(object, keys.method), first(object, keys.target));
    let asked = match (access::request_line(&line), &*method, &*target) {
        (_, method, target) if method != "-" && target != "-" => (method, target),
        (Some(asked), ..) => asked,
        // A broken request, where the server says that there was one.
        (None, ..) if line != "-" || status == 400 || status == 408 => ("", ""),
        // A proxy of connections, which has no method.
        (None, "-", _) => return Is::Passed("records of connections without a request"),
        _ => return Is::Unmatched,
    };
    let (end, user) = (first(object, keys.peer), first(object, keys.user));
    let (host, chain) = (first(object, keys.host), first(object, keys.chain));
    let (referrer, agent) = (first(object, keys.referrer), first(object, keys.agent));
    Is::This(clerk.record(&Asked {
        peer: peer(&end),
        forwarded_for: if is_chain(&chain) { &chain } else { "" },
        user: subject(&user),
        host: &host,
        method: asked.0,
        target: asked.1,
        status,
        micros: micros(object, keys.taken),
        referrer: &referrer,
        agent: &agent,
        behind: &first(object, keys.behind),
        ..Asked::at(stamp)
    }))
}

/// A record, unless the object is something else that the server writes there.
fn read(tables: &[&Keys], object: &Json<'_>, clerk: &mut Clerk) -> Is<Record> {
    let word = |key: &str| object.get(key).and_then(Json::text);
    // Caddy tells an error of a request once more, beside the record of the request.
    if word("logger").is_some_and(|logger| logger.starts_with("http.log.error")) {
        return Is::Known;
    }
    match record(tables, object, clerk) {
        // What it says about itself has a level and a message.
        Is::Unmatched if word("level").is_some() && word("msg").or(word("message")).is_some() => Is::Known,
        is => is,
    }
}

impl LogFormat for JsonAccess {
    fn about(&self) -> &'static About {
        self.about
    }

    fn recognise(&self, head: &[u8]) -> Option<Confidence> {
        let mut clerk = Clerk::default();
        line_log::recognise(head, &mut |line| match Json::object(line)
            .map(|object| read(self.tables, &object, &mut clerk))
        {
            Some(Is::This(_)) => Is::This(()),
            Some(Is::Passed(what)) => Is::Passed(what),
            Some(Is::Known) => Is::Known,
            Some(Is::Unmatched) | None => Is::Unmatched,
        })
    }

    fn last_start(&self, block: &[u8]) -> usize {
        json_lines::last_start(block)
    }

    fn parse(&self, block: &[u8], _: Context<'_>) -> Block {
        let mut clerk = Clerk::default();
        json_lines::parse(&super::as_text(block), &mut |object| read(self.tables, object, &mut clerk))
    }
}
