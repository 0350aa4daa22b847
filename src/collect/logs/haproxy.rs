//! HAProxy's log of HTTP (configuration manual 2.6, 8.2.3 and 8.2.4: `option httplog` and `httpslog`), whatever a
//! syslog put in front of it; lines of TCP proxies, of failed handshakes and of the process itself are told from it.
//! Captured headers stand there without names: each is taken for what only it can be, else for nothing. Times are local.

use super::access::{self, Asked, Clerk, is_chain};
use super::line_log::{self, Is};
use super::{Block, Context, LogFormat, Record, Zones};
use crate::evidence::{About, Confidence, Provenance, Stamp};
use std::borrow::Cow;

/// HAProxy.
pub struct HaProxy;

/// How many captured headers are looked at.
const MAX_CAPTURES: usize = 32;
/// How far into a line its time is looked for: behind what a syslog puts in front.
const MAX_PREFIX: usize = 512;

/// A line, split at its time.
struct Line<'a> {
    client: &'a str,
    time: &'a str,
    rest: &'a str,
}

/// `…client:port [06/Feb/2009:12:14:14.655] rest`.
fn split(line: &str) -> Option<Line<'_>> {
    let mut from = 0;
    loop {
        let at = from + line.get(from..)?.find(" [")?;
        if at > MAX_PREFIX {
            return None;
        }
        let (time, rest) = line[at + 2..].split_once("] ").unwrap_or_default();
        let millis = time.len() == 24 && time.as_bytes()[20] == b'.';
        let client = line[..at].rsplit(' ').next().unwrap_or_default();
        if millis && access::day_month_year(time).is_some() && client.contains(':') {
            return Some(Line { client, time, rest });
        }
        from = at + 2;
    }
}

/// The moment of `06/Feb/2009:12:14:14.655`, and whether its zone is known.
fn moment(time: &str, zones: &Zones) -> Option<(Stamp, bool)> {
    let (local, rest) = access::day_month_year(time)?;
    let read = zones.read(format!("{}{rest}", Stamp::from_seconds(local)).replace('Z', "").as_bytes())?;
    Some((read.0.stamp, read.0.known))
}

/// A text as it was before HAProxy wrote it (8.6): `#22` is a quote.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('#') {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some(at) = rest.find('#') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let byte = rest.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(byte.unwrap_or(b'#'));
        rest = &rest[at + if byte.is_some() { 3 } else { 1 }..];
    }
    out.extend_from_slice(rest.as_bytes());
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// What captured headers of a request can only be.
#[derive(Debug, Default, PartialEq, Eq)]
struct Captured {
    host: Option<String>,
    agent: Option<String>,
    referrer: Option<String>,
    chain: Option<String>,
}

impl Captured {
    /// From `a|b|c`.
    fn of(headers: &str) -> Captured {
        let mut it = Captured::default();
        let (mut hosts, mut chains) = (Vec::new(), Vec::new());
        for value in headers.split('|').take(MAX_CAPTURES) {
            let value = decoded(value.trim());
            if value.contains("://") && !value.contains(' ') {
                it.referrer.get_or_insert(value.into_owned());
            } else if is_chain(&value) {
                chains.push(value.into_owned());
            } else if is_product(&value) {
                it.agent.get_or_insert(value.into_owned());
            } else if is_host(&value) {
                hosts.push(value.into_owned());
            }
        }
        // One address alone may be the host that was asked for as well as the client behind a proxy.
        let told = hosts.len() == 1 || chains.iter().any(|chain| chain.contains(','));
        it.chain = chains.pop().filter(|_| chains.is_empty() && told);
        it.host = hosts.pop().filter(|_| hosts.is_empty());
        it
    }
}

/// Whether a text begins as what a program calls itself (RFC 9110, 10.1.5): a name, a slash, a number. Media types have
/// no number there, but for some of videos and sounds.
fn is_product(text: &str) -> bool {
    const MEDIA: [&str; 7] = ["application", "text", "image", "audio", "video", "multipart", "message"];
    let Some((name, version)) = text.split_once('/') else { return false };
    let token = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'+' | b' ');
    let named = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.bytes().all(token);
    let version = version.strip_prefix('v').unwrap_or(version);
    named && version.starts_with(|c: char| c.is_ascii_digit()) && !MEDIA.contains(&name)
}

/// Whether a text can only be a host's name, with a port or without.
fn is_host(text: &str) -> bool {
    let (name, port) = text.rsplit_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    let letters = name.bytes().any(|b| b.is_ascii_alphabetic());
    let port = port.map(|port| port.parse::<u16>().is_ok());
    plain
        && letters
        && port != Some(false)
        && (port.is_some() || name.contains('.'))
        && !name.starts_with('.')
}

/// Groups of captured headers in front of the request: `{a|b} {c} "GET …`.
fn captures(mut rest: &str) -> Option<(Option<&str>, &str)> {
    let mut first = None;
    while let Some(inside) = rest.strip_prefix('{') {
        let (group, after) = inside.split_once("} ")?;
        first.get_or_insert(group);
        rest = after;
    }
    Some((first, rest.strip_prefix('"')?))
}

/// The request, and what `option httpslog` puts behind it. A line that HAProxy cut has no end, and its path is whole only
/// where its query was reached.
fn request(text: &str) -> Option<(&str, &str)> {
    match text.split_once('"') {
        Some(parts) => Some(parts),
        None => {
            let (method, target) = text.split_once(' ')?;
            let (path, _) = target.split_once('?')?;
            Some((&text[..method.len() + 1 + path.len()], ""))
        }
    }
}

/// Method and target; of a line that was cut there is no version.
fn method_and_target(request: &str) -> (&str, &str) {
    access::request_line(request).or_else(|| request.split_once(' ')).unwrap_or_default()
}

/// The name that the client asked for when it began to encrypt: `0/0000/0/0/0 shop.example/TLSv1.3/…`.
fn server_name(behind: &str) -> Option<&str> {
    let (name, rest) = behind.trim().split_once(' ')?.1.split_once('/')?;
    Some(name).filter(|name| is_host(name) && (rest.starts_with("TLS") || rest.starts_with("SSL")))
}

const TCP: &str =
    "connections that HAProxy passes on without reading them: what was asked for stands in no line";

fn read(text: &str, zones: &Zones, clerk: &mut Clerk, assumed: &mut bool) -> Is<Record> {
    let Some(line) = split(text) else { return other(text) };
    let Some((stamp, known)) = moment(line.time, zones) else { return Is::Unmatched };
    let words: Vec<&str> = line.rest.splitn(11, ' ').collect();
    let at = |index: usize| words.get(index).copied().unwrap_or_default();
    let (frontend, behind) = (at(0).trim_end_matches('~'), at(1).split('/').next().unwrap_or_default());
    let timers = at(2).split('/').count();
    if frontend.ends_with(':') {
        *assumed |= !known;
        let peer = peer(line.client);
        return Is::This(clerk.nothing(&Asked { peer, ..Asked::at(stamp) }));
    }
    if timers == 3 && at(1).contains('/') && (7..=8).contains(&words.len()) {
        return Is::Passed(TCP);
    }
    if timers != 5 || words.len() != 11 {
        return Is::Unmatched;
    }
    let Some(status) = access::status(at(3)) else { return Is::Unmatched };
    let Some((headers, text)) = captures(at(10)) else { return Is::Unmatched };
    let Some((asked, after)) = request(text) else { return Is::Unmatched };
    *assumed |= !known;
    let captured = headers.map(Captured::of).unwrap_or_default();
    let asked = decoded(asked);
    let (method, target) = method_and_target(&asked);
    let or = |text: &'_ Option<String>| text.clone().unwrap_or_default();
    Is::This(clerk.record(&Asked {
        peer: peer(line.client),
        forwarded_for: &or(&captured.chain),
        host: captured.host.as_deref().or(server_name(after)).unwrap_or("-"),
        method,
        target,
        status,
        micros: at(2).rsplit('/').next().and_then(access::millis),
        referrer: &or(&captured.referrer),
        agent: &or(&captured.agent),
        behind: if behind == frontend { "-" } else { behind },
        ..Asked::at(stamp)
    }))
}

/// The address of `address:port`; `unix` has none.
fn peer(client: &str) -> &str {
    let address = client.rsplit_once(':').map_or(client, |(address, _)| address);
    if address == "unix" { "-" } else { address.trim_start_matches('[').trim_end_matches(']') }
}

/// What the process says of itself and of its servers, and the log of proxies without an option.
fn other(line: &str) -> Is<Record> {
    const ITS_OWN: [&str; 9] = [
        "Proxy ",
        "Server ",
        "Backup Server ",
        "Health check for ",
        "backend ",
        "Stopping ",
        "Loading ",
        "New worker",
        "Pausing ",
    ];
    let Some((_, message)) = line.split_once("haproxy[").and_then(|(_, rest)| rest.split_once("]: ")) else {
        return Is::Unmatched;
    };
    if message.starts_with("Connect from ") {
        return Is::Passed("connections that HAProxy was not told to log more of (option httplog)");
    }
    if ITS_OWN.iter().any(|begin| message.starts_with(begin)) { Is::Known } else { Is::Unmatched }
}

impl LogFormat for HaProxy {
    fn about(&self) -> &'static About {
        &About {
            name: "haproxy",
            title: "HAProxy's logs of HTTP, with captured headers, behind any syslog",
            provenance: Provenance::Recorded,
        }
    }

    fn recognise(&self, head: &[u8]) -> Option<Confidence> {
        let (zones, mut clerk) = (Zones::new(None), Clerk::default());
        line_log::recognise(head, &mut |line| match read(line, &zones, &mut clerk, &mut false) {
            Is::This(_) => Is::This(()),
            Is::Passed(what) => Is::Passed(what),
            Is::Known => Is::Known,
            Is::Unmatched => Is::Unmatched,
        })
    }

    fn last_start(&self, block: &[u8]) -> usize {
        line_log::last_start(block)
    }

    fn parse(&self, block: &[u8], context: Context<'_>) -> Block {
        let (text, mut clerk, mut assumed) = (super::as_text(block), Clerk::default(), false);
        let mut parsed =
            line_log::parse(&text, &mut |line| read(line, context.zones, &mut clerk, &mut assumed));
        parsed.zone_assumed = assumed;
        parsed
    }
}
