//! What may survive of a request over HTTP: the method and the path without its query, the program without
//! its keys, who is behind a proxy. It never keeps a header, a cookie or a credential, and never says who the
//! client really is.

use super::mention::{Actor, Mention, MentionKind, Text};
use super::path::fold_path;
use super::program;
use super::scrub::scrub;
use super::usage::{Class, Outcome, Resource, ResourceKind};
use foldhash::fast::RandomState;
use regex::Regex;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::LazyLock;

/// How many characters of a program's own name are kept.
const PROGRAM_CHARS: usize = 200;

/// Words by which a program says that it is a browser (RFC 9110, 10.1.5, and what browsers send).
const BROWSERS: [&str; 9] =
    ["firefox/", "chrome/", "safari/", "edg/", "opr/", "trident/", "msie ", "opera/", "konqueror/"];
/// Words by which a program that looks like one says that it is none: crawlers, and browsers without a person.
const NO_BROWSERS: [&str; 14] = [
    "bot",
    "crawl",
    "spider",
    "slurp",
    "headless",
    "phantomjs",
    "puppeteer",
    "playwright",
    "selenium",
    "wkhtmlto",
    "ms-office",
    "msoffice",
    "web services client",
    "powershell",
];
/// Words by which a program says that it walks through all sites; it gives an address to read about it as well.
const WALKERS: [&str; 4] = ["bot", "crawl", "spider", "slurp"];
/// Words by which crawlers of search engines say what they are (their own documentation).
const CRAWLERS: [&str; 4] = ["googlebot", "bingbot", "facebookexternalhit", "yahoo! slurp"];
/// The trait of a use whose answer was a page made for people.
pub const PAGE: &str = "page";
/// The trait of a use that asked with a query; its value are the names in it.
pub const QUERY: &str = "query";

/// The trait of a use that a server behind the one that was asked answered; its value is what that one calls it.
pub const BEHIND: &str = "behind";

/// The trait of a use of a server that the client asked for by name; its value is where that one was seen.
pub const SEEN_AT: &str = "seen-at";

/// The trait of a use that was sent elsewhere.
pub const REDIRECTED: &str = "redirected";

/// Whether an answer sends the client elsewhere (RFC 9110, 15.4) instead of giving it what it asked for.
pub fn redirects(status: u16) -> bool {
    matches!(status, 300..=303 | 305..=399)
}

/// How beginnings of tokens are told: all that [`scrub`] knows hold one of these.
static MARKS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        "glpat-|gh|_pat_|sk_|rk_|xox|npm_|hf_|eyJ|/(?:services|workflows|triggers)/[TE]|/IncomingWebhook/",
    )
    .expect("a constant pattern")
});

/// A key that a program carries in its name.
static KEY_IN_PROGRAM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(\w*(?:key|tok|token|auth|sig))=[^\s;,)]+").expect("a constant pattern")
});

/// The path of a request's target (RFC 9112, 3.2) without its query; the authority of an absolute target goes. Spellings
/// of one path are one (RFC 3986, 6.2.2): what needs no percent-encoding has none, the others are in upper case, and
/// `.` and `..` are followed, and an empty part (`//`) is none, as servers have it unless they are told otherwise (nginx,
/// "merge_slashes"; Apache, "MergeSlashes"), but for that of a URL inside of the path.
pub fn target_path(target: &str) -> String {
    if let Some(path) = plain_path(target) {
        return path.to_owned();
    }
    let target = target.split(['?', '#']).next().unwrap_or(target);
    // A query that was encoded once too often is one all the same.
    let encoded = target.find("%3F").or_else(|| target.find("%3f"));
    let target = encoded.map_or(target, |at| &target[..at]);
    let path = match absolute(target) {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => target,
    };
    let end = path.char_indices().nth(PATH_CHARS).map_or(path.len(), |(at, _)| at);
    scrub_path(normal(&path[..end]))
}

/// The path of a target that needs no other spelling and holds no secret, told in one pass: most are such.
fn plain_path(target: &str) -> Option<&str> {
    let bytes = target.as_bytes();
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_' | b'.' | b'~');
    let end = bytes.iter().position(|b| !plain(b)).unwrap_or(bytes.len());
    let path = &target[..end];
    let whole = matches!(bytes.get(end), None | Some(b'?' | b'#'));
    // A part that begins with a dot may be one to follow, and an empty one is none.
    let fits = whole && end <= PATH_CHARS && bytes.first() == Some(&b'/');
    let other = |at: usize| matches!(path.as_bytes().get(at + 1), Some(b'.' | b'/'));
    let fits = fits && !memchr::memchr_iter(b'/', path.as_bytes()).any(other);
    (fits && holds_no_secret(path)).then_some(path)
}

/// The host, with a port unless it is the scheme's own, that an absolute target names (RFC 9112, 3.2.2), in lower case.
pub fn authority(target: &str) -> Option<String> {
    let (scheme, rest) = absolute(target)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest[..end].rsplit('@').next().unwrap_or_default();
    let own = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    let host = host.strip_suffix(own).unwrap_or(host);
    (!host.is_empty()).then(|| host.to_lowercase())
}

/// The scheme of an absolute target, and what follows its `://`.
fn absolute(target: &str) -> Option<(&str, &str)> {
    if target.starts_with('/') {
        return None;
    }
    let (scheme, rest) = target.split_once("://")?;
    (!scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric())).then_some((scheme, rest))
}

/// A path as all its spellings are written here. Parameters of a part (RFC 3986, 3.3) hold sessions, never what is
/// asked for, and go.
fn normal(path: &str) -> String {
    let mut parts: Vec<Cow<'_, str>> = Vec::new();
    let count = path.split('/').count();
    for (index, part) in path.split('/').enumerate() {
        let part = unreserved(part.split(';').next().unwrap_or(part));
        let last = index + 1 == count;
        match &*part {
            "" if index > 0 && !last && parts.last().is_none_or(|before| !before.ends_with(':')) => {}
            "." | ".." if index == 0 => parts.push(part),
            "." => {}
            ".." if parts.len() > 1 => drop(parts.pop()),
            ".." => {}
            _ => {
                parts.push(part);
                continue;
            }
        }
        if last && index > 0 {
            parts.push(Cow::Borrowed(""));
        }
    }
    parts.join("/")
}

/// A part without the percent-encodings that nothing needs (RFC 3986, 2.3), the others in upper case.
fn unreserved(part: &str) -> Cow<'_, str> {
    if !part.contains('%') {
        return Cow::Borrowed(part);
    }
    let (mut out, mut rest) = (String::with_capacity(part.len()), part);
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let hex = rest.get(at + 1..at + 3).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(hex) = hex else {
            out.push('%');
            rest = &rest[at + 1..];
            continue;
        };
        match u8::from_str_radix(hex, 16) {
            Ok(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') => {
                out.push(char::from(byte));
            }
            _ => {
                out.push('%');
                out.push_str(&hex.to_ascii_uppercase());
            }
        }
        rest = &rest[at + 3..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// A path without its secrets: part by part first, so that a secret takes no name beside it along; then whole, for one
/// that holds a slash.
fn scrub_path(path: String) -> String {
    if holds_no_secret(&path) {
        return path;
    }
    let parts: Vec<_> = path.split('/').map(scrub).collect();
    scrub(&parts.join("/")).into_owned()
}

/// Whether nothing in a path looks like a secret to [`scrub`], told in one pass: most paths are short plain words and
/// numbers, and patterns are slow. A test holds that it never differs.
fn holds_no_secret(path: &str) -> bool {
    let (mut upper, mut lower, mut digits) = (0, 0, 0);
    let mut marked = false;
    for part in path.split('/') {
        let (mut capitals, mut figures) = (0, 0);
        for byte in part.bytes() {
            match byte {
                b'A'..=b'Z' => capitals += 1,
                b'a'..=b'z' => lower += 1,
                b'0'..=b'9' => figures += 1,
                b'-' | b'_' => marked = true,
                b'.' | b'~' => {}
                _ => return false,
            }
        }
        // An account, a card, a key: long, with capitals or many digits.
        if part.len() >= 32 || figures >= 13 || (capitals > 1 && part.len() >= 13) {
            return false;
        }
        upper += capitals;
        digits += figures;
    }
    let mixed = upper >= 3 && lower >= 3 && digits >= 3;
    !mixed && !((marked || upper > 0) && MARKS.is_match(path))
}

/// How much of a path is kept.
const PATH_CHARS: usize = 1024;
/// How many names of a query are kept, and how long one may be.
const QUERY_NAMES: usize = 4;
const QUERY_NAME_CHARS: usize = 24;

/// The names that a target's query gives values to, in order, without the values; `None`: it has no query. What is
/// no plain name is `…`.
pub fn query_names(target: &str) -> Option<Text> {
    let (_, query) = target.split_once('?')?;
    let query = query.split('#').next().unwrap_or(query);
    let name = |pair| {
        let (name, _) = str::split_once(pair, '=').unwrap_or_default();
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'-'));
        if plain && !name.is_empty() && name.len() <= QUERY_NAME_CHARS { name } else { "…" }
    };
    let mut names: Vec<&str> = query.split('&').take(32).map(name).collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(QUERY_NAMES);
    Some(Text::from(names.join("&")))
}

/// How many programs one thread remembers scrubbed.
const PROGRAMS_REMEMBERED: usize = 4_096;

thread_local! {
    /// Programs as they were written and as they are kept. There are few, each comes often, and patterns are slow;
    /// what is remembered changes no answer.
    static PROGRAMS: RefCell<HashMap<Text, Text, RandomState>> = RefCell::default();
}

/// What a client says it is, scrubbed and cut.
pub fn program(agent: &str) -> Text {
    PROGRAMS.with_borrow_mut(|known| {
        if let Some(kept) = known.get(agent) {
            return kept.clone();
        }
        let kept = program_of(agent);
        if known.len() >= PROGRAMS_REMEMBERED {
            known.clear();
        }
        known.insert(Text::from(agent), kept.clone());
        kept
    })
}

fn program_of(agent: &str) -> Text {
    let shown: String = scrub(agent).chars().take(PROGRAM_CHARS).collect();
    Text::from(KEY_IN_PROGRAM.replace_all(&shown, "$1=‹scrubbed›").as_ref())
}

/// How long the name of a product may be that names a client.
const PRODUCT_CHARS: usize = 40;

/// Names that programs give themselves to look like a browser.
const DISGUISES: [&str; 6] = ["Mozilla", "AppleWebKit", "Gecko", "Chrome", "Safari", "KHTML"];

/// The name of the product a program says it is, without its version and its comment (RFC 9110, 10.1.5). One that
/// begins like a browser says what it is behind `compatible;`, or at the end.
pub fn product(program: &str) -> &str {
    let Some(rest) = program.strip_prefix("Mozilla/") else { return first_product(program) };
    if let Some((_, name)) = rest.split_once("compatible;") {
        return first_product(name.trim_start());
    }
    let last = program.rsplit(' ').find(|word| word.contains('/') && !word.contains([')', '(']));
    let name = last.map_or("Mozilla", first_product);
    if DISGUISES.contains(&name) { "Mozilla" } else { name }
}

fn first_product(program: &str) -> &str {
    let end = program.find(['/', '(', ')', ';', ',', '+', '‹']).unwrap_or(program.len());
    let words = program[..end].split(' ').filter(|word| !word.is_empty());
    let named = words.take_while(|word| !word.starts_with(|c: char| c.is_ascii_digit()));
    let end = named.last().map_or(0, |word| word.as_ptr().addr() + word.len() - program.as_ptr().addr());
    let name = program.get(..end).unwrap_or("").trim();
    let plain = name.starts_with(|c: char| c.is_alphanumeric()) && name.chars().count() <= PRODUCT_CHARS;
    if plain { name } else { "another program" }
}

/// How a request with this status ended (RFC 9110, 15); 0: it got no answer.
pub fn outcome(status: u16) -> Outcome {
    match status {
        401 | 403 | 407 => Outcome::Denied,
        0 | 400.. => Outcome::Failed,
        _ => Outcome::Ok,
    }
}

/// The endpoint of a request, its path folded lexically.
pub fn endpoint(server: &Text, method: &str, path: &str) -> Resource {
    Resource {
        kind: ResourceKind::Endpoint,
        server: Some(server.clone()),
        database: None,
        parts: vec![Text::from(format!("{method} {}", fold_path(path)))],
    }
}

/// What kind of traffic a client's requests are, by what it says it is.
pub fn class(agent: &str) -> Class {
    let lower = agent.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let walks = says(&WALKERS) && lower.contains("http");
    if program::watches(&lower) || says(&CRAWLERS) || walks {
        return Class::Probe;
    }
    let looks = lower.starts_with("mozilla/") || lower.starts_with("opera/");
    if looks && says(&BROWSERS) && !says(&NO_BROWSERS) {
        return Class::Browsing;
    }
    Class::of_program(agent).unwrap_or(Class::App)
}

/// Paths at which programs say that they are well, and nothing else: Kubernetes ("API health endpoints"), Spring Boot
/// ("Health"), MicroProfile Health 4.0, Prometheus ("Management API").
const HEALTH: [&str; 13] = [
    "/healthz",
    "/livez",
    "/readyz",
    "/health",
    "/health/live",
    "/health/ready",
    "/health/started",
    "/actuator/health",
    "/actuator/health/liveness",
    "/actuator/health/readiness",
    "/-/healthy",
    "/-/ready",
    "/_health",
];

/// What kind of traffic a request is: whoever asks whether a server is well depends on nothing there.
pub fn class_of(client: Class, method: &str, path: &str) -> Class {
    let asks = matches!(method, "GET" | "HEAD") && HEALTH.contains(&path);
    if asks && client == Class::App { Class::Probe } else { client }
}

/// Last parts of paths at which a program answers about itself, whatever a proxy put before them: the names of [`HEALTH`],
/// and where metrics are read (OpenMetrics; Prometheus, "Exposition formats").
const ABOUT_ITSELF: [&str; 10] = [
    "healthz",
    "livez",
    "readyz",
    "health",
    "_health",
    "healthy",
    "ping",
    "heartbeat",
    "metrics",
    "prometheus",
];

/// Whether a request asks a program about itself: whether it is well, and how much it did. Nothing is used by it.
pub fn asks_about_itself(method: &str, path: &str) -> bool {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or("");
    let own = HEALTH.iter().any(|health| path.ends_with(health)) || ABOUT_ITSELF.contains(&last);
    matches!(method, "GET" | "HEAD" | "OPTIONS") && (own || path.starts_with("/actuator/"))
}

/// Whom a request is from: the client that was seen, or the one behind it where the one that was seen is ours
/// and says so in X-Forwarded-For. Anybody can say anything there, so of the whole chain the last address
/// counts that is not ours; where all are ours, the first.
pub fn client(peer: IpAddr, forwarded_for: &str, is_ours: &dyn Fn(IpAddr) -> bool) -> IpAddr {
    let peer = peer.to_canonical();
    if !is_ours(peer) {
        return peer;
    }
    // A proxy that does not know, or does not tell, says so (RFC 7239, 6.2).
    let told = |hop: &&str| !hop.is_empty() && !hop.eq_ignore_ascii_case("unknown") && !hop.starts_with('_');
    let chain: Option<Vec<IpAddr>> =
        forwarded_for.split(',').map(str::trim).filter(told).map(hop_address).collect();
    let Some(chain) = chain else { return peer };
    let foreign = chain.iter().rev().find(|hop| !is_ours(**hop));
    foreign.or(chain.first()).copied().unwrap_or(peer)
}

/// The address of one hop; some proxies add the port.
pub fn hop_address(hop: &str) -> Option<IpAddr> {
    let bare = hop.trim_start_matches('[');
    let bare = bare.split_once(']').map_or(bare, |(address, _)| address);
    let with_port = || bare.parse::<std::net::SocketAddr>().ok().map(|end| end.ip());
    let address: Option<IpAddr> = bare.parse().ok().or_else(with_port);
    address.map(|address| address.to_canonical())
}

/// The name of the crowd that a client is told as; `None`: it is told by itself.
pub fn crowd(actor: &Actor) -> Option<&Text> {
    let alone = actor.iter().count() == 1;
    actor.get(MentionKind::Application).filter(|_| alone)
}

/// Endings of what a page loads beside itself. A browser asks for an icon (`.ico`) whatever it shows.
const ASSETS: [&str; 13] = [
    ".css", ".js", ".mjs", ".map", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".woff", ".woff2",
    ".ttf",
];

/// Whether a path is that of something a page loads beside itself.
pub fn is_asset(path: &str) -> bool {
    let ends = |ending: &&str| {
        path.len()
            .checked_sub(ending.len())
            .and_then(|at| path.get(at..))
            .is_some_and(|end| end.eq_ignore_ascii_case(ending))
    };
    ASSETS.iter().any(ends)
}

/// The names of a client. People at browsers are one, whoever they are; so are clients from outside of the
/// estate that run one program and have no login.
pub fn actor(client: &str, is_ours: bool, principal: Option<&Text>, program: Option<&Text>) -> Actor {
    let class = program.map_or(Class::App, |program| class(program));
    actor_of(client, is_ours, principal, program, class)
}

/// The same for a program whose class is known.
pub fn actor_of(
    client: &str,
    is_ours: bool,
    principal: Option<&Text>,
    program: Option<&Text>,
    class: Class,
) -> Actor {
    let browsing = class == Class::Browsing;
    let shown = if browsing { "browsers" } else { program.map_or("unknown", |program| product(program)) };
    if !is_ours && (principal.is_none() || browsing) {
        return Actor::new().with(MentionKind::Application, format!("outside/{shown}"));
    }
    if browsing {
        return Actor::new().with(MentionKind::Application, shown);
    }
    let kind = if client.parse::<IpAddr>().is_ok() { MentionKind::Address } else { MentionKind::Host };
    let mut actor = Actor::new().with(kind, client);
    for (kind, name) in [(MentionKind::User, principal), (MentionKind::Application, program)] {
        if let Some(name) = name {
            actor.add(Mention::new(kind, name.clone()));
        }
    }
    actor
}

#[cfg(test)]
mod tests {
    use super::{Class, IpAddr, actor, authority, class, client, product, target_path};
    use super::{holds_no_secret, scrub};
    use proptest::prelude::*;

    #[test]
    fn spellings_of_one_path_are_one() {
        for (target, want) in [
            ("/v1/orders", "/v1/orders"),
            ("/%76%31/%6frders%2D1", "/v1/orders-1"),
            ("/a%2fb/%3a/%zz/%4", "/a%2Fb/%3A/%zz/%4"),
            ("/a/./b/../c/.", "/a/c/"),
            ("/../../a/..", "/"),
            ("/a/%2e%2e/b/%2E", "/b/"),
            ("/a//b/", "/a/b/"),
            ("//v1//orders", "/v1/orders"),
            ("//", "/"),
            ("/a/b//", "/a/b/"),
            ("/a/..;x=1/b;v=2/c", "/b/c"),
            ("/a/...//..", "/a/"),
            ("*", "*"),
            ("http://x:80", "/"),
            ("https://user:pw@x/a/b?c", "/a/b"),
            // The authority of a target stands only at its beginning.
            ("/proxy/http://other/a", "/proxy/http://other/a"),
            ("/a%20b/%E2%82%AC", "/a%20b/%E2%82%AC"),
            ("", ""),
        ] {
            assert_eq!(target_path(target), want, "{target}");
        }
    }

    #[test]
    fn an_absolute_target_names_its_host() {
        for (target, want) in [
            ("http://Shop.example:80/a", Some("shop.example")),
            ("https://shop.example:443?x=1", Some("shop.example")),
            ("https://shop.example:80/a", Some("shop.example:80")),
            ("http://me:secret@shop.example/a", Some("shop.example")),
            ("http://[2001:db8::1]:8080/a", Some("[2001:db8::1]:8080")),
            ("/a?to=http://other/", None),
            ("/proxy/http://other/a", None),
            ("http:///a", None),
            ("*", None),
        ] {
            assert_eq!(authority(target).as_deref(), want, "{target}");
        }
    }

    proptest! {
        #[test]
        fn what_is_said_to_hold_no_secret_is_left_alone_by_the_scrubber(
            parts in prop::collection::vec(
                prop_oneof![
                    "[a-zA-Z0-9._~-]{0,40}",
                    "[a-f0-9]{28,34}",
                    "[A-Z]{1,2}[0-9]{2}[A-Z0-9]{8,20}",
                    "(glpat-|ghp_|github_pat_|sk_live_|rk_live_|xoxb-|npm_|hf_|eyJ)[A-Za-z0-9_-]{4,12}(\\.[a-z0-9]{1,8})?",
                    "(AKIA|ASIA)[A-Z0-9]{16}",
                    "[0-9]{4}-?[0-9]{4}-?[0-9]{4}-?[0-9]{1,4}",
                    "(token|password|psql|echo|bearer|sig|key)",
                ],
                1..6,
            )
        ) {
            let path = format!("/{}", parts.join("/"));
            if holds_no_secret(&path) {
                let scrubbed: Vec<_> = path.split('/').map(scrub).collect();
                let joined = scrubbed.join("/");
                prop_assert_eq!(scrub(&joined), path);
            }
        }
    }

    fn ours(address: IpAddr) -> bool {
        address.to_string().starts_with("10.")
    }

    #[test]
    fn the_client_behind_a_proxy_of_ours_counts_and_nobody_elses_word() {
        for (peer, chain, want) in [
            ("10.0.0.1", "10.0.3.7", "10.0.3.7"),
            // A socket for both families shows IPv4 like this (RFC 4291, 2.5.5.2).
            ("::ffff:10.0.0.1", "::ffff:10.0.3.7", "10.0.3.7"),
            ("10.0.0.1", "10.0.3.7, 10.0.0.9", "10.0.3.7"),
            ("10.0.0.1", "203.0.113.9, 10.0.0.9", "203.0.113.9"),
            // Somebody outside pretends to be one of ours.
            ("10.0.0.1", "10.0.3.7, 203.0.113.9", "203.0.113.9"),
            ("203.0.113.9", "10.0.3.7", "203.0.113.9"),
            ("10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
            ("10.0.0.1", "[2001:db8::1]:80", "2001:db8::1"),
            ("10.0.0.1", "unknown", "10.0.0.1"),
            ("10.0.0.1", "unknown, 10.0.3.7", "10.0.3.7"),
            ("10.0.0.1", "nonsense, 10.0.3.7", "10.0.0.1"),
            ("10.0.0.1", "-", "10.0.0.1"),
            ("10.0.0.1", "", "10.0.0.1"),
        ] {
            let peer: IpAddr = peer.parse().expect("an address");
            assert_eq!(client(peer, chain, &ours).to_string(), want, "{chain}");
        }
    }

    #[test]
    fn people_programs_crawlers_and_watchers_are_told_apart() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
        let headless =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/126.0 Safari/537.36";
        for (agent, want) in [
            (firefox, Class::Browsing),
            (headless, Class::App),
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Class::Probe),
            ("Mozilla/5.0 (compatible; SomeBot/2.1; +http://some.example/bot.html)", Class::Probe),
            ("orderbot/2.1", Class::App),
            // Programs that carry the name of the browser they are built on.
            (
                "Mozilla/4.0 (compatible; MSIE 6.0; MS Web Services Client Protocol 4.0.30319.42000)",
                Class::App,
            ),
            ("Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Trident/7.0; ms-office)", Class::App),
            ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/602.1 wkhtmltopdf Safari/602.1", Class::App),
            ("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1)", Class::Browsing),
            ("Mozilla/5.0+(compatible; UptimeRobot/2.0)", Class::Probe),
            ("check_http/v2.3.3 (monitoring-plugins 2.3.3)", Class::Probe),
            ("Prometheus/2.53.0", Class::Monitoring),
            ("python-requests/2.31.0", Class::App),
            ("curl/8.5.0", Class::App),
            ("", Class::App),
        ] {
            assert_eq!(class(agent), want, "{agent}");
        }
    }

    #[test]
    fn a_program_without_its_version_names_a_client_from_outside() {
        for (program, want) in [
            ("python-requests/2.31.0", "python-requests"),
            ("Blackbox Exporter/0.24", "Blackbox Exporter"),
            ("curl", "curl"),
            ("Digg Feed Fetcher 1.0 (Mac OS X)", "Digg Feed Fetcher"),
            ("Embedly +‹scrubbed›", "Embedly"),
            ("Mozilla/5.0 (compatible; SomeBot/2.1; +http://x)", "SomeBot"),
            ("Mozilla/5.0 (Windows NT; Windows NT 10.0; de-DE) WindowsPowerShell/5.1.1", "WindowsPowerShell"),
            ("Mozilla/5.0 (X11) AppleWebKit/537.36 HeadlessChrome/126.0 Safari/537.36", "Mozilla"),
            ("Mozilla/5.0", "Mozilla"),
            ("check_http/v2.3.3 (monitoring-plugins 2.3.3)", "check_http"),
            ("/1.0", "another program"),
            ("&as_qdr=all", "another program"),
        ] {
            assert_eq!(product(program), want);
        }
        let named = |actor: super::Actor| actor.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let program = "python-requests/2.31.0".into();
        assert_eq!(
            named(actor("203.0.113.9", false, None, Some(&program))),
            "application:outside/python-requests"
        );
        assert_eq!(
            named(actor("10.0.3.7", true, None, Some(&program))),
            "address:10.0.3.7 application:python-requests/2.31.0"
        );
        let partner = "freight".into();
        assert_eq!(
            named(actor("203.0.113.9", false, Some(&partner), Some(&program))),
            "user:freight address:203.0.113.9 application:python-requests/2.31.0"
        );
    }
}
