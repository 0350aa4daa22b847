//! Access logs of nginx and Apache: the common and the combined format (ngx_http_log_module; mod_log_config,
//! "Examples"), with a virtual host in front, and with request time, X-Forwarded-For and `key=value` pairs behind.
//! A number behind the client's program whose unit nothing tells is passed over. It keeps no state across lines
//! and never keeps a query or a referring page's own query.

use super::stamps::days;
use super::{Block, Context, Event, LogFormat, Record, Referrer, Request, Who};
use crate::evidence::scrub::scrub_name;
use crate::evidence::{About, Confidence, Provenance, Stamp, Text, request};
use std::collections::HashMap;
use std::sync::Arc;

/// nginx and Apache.
pub struct AccessCombined;

/// How many lines of a head are tried before a file is said to be no log.
const LINES_TRIED: usize = 12;
/// How many fields behind the common ones are looked at.
const MAX_EXTRAS: usize = 24;
/// How long a method may be.
const MAX_METHOD: usize = 24;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A line, split.
struct Line<'a> {
    stamp: Stamp,
    peer: &'a str,
    /// The hops that stand in front of the peer, or in a field of their own.
    forwarded_for: String,
    user: &'a str,
    host: Option<&'a str>,
    request: &'a str,
    status: u16,
    referrer: &'a str,
    agent: &'a str,
    micros: Option<u64>,
}

/// `22/Nov/2026:22:26:12 +0000`.
fn stamp(text: &str) -> Option<Stamp> {
    let (date, offset) = text.split_once(' ')?;
    let mut parts = date.splitn(4, ['/', ':']);
    let day: i64 = parts.next()?.parse().ok()?;
    let name = parts.next()?;
    let month = MONTHS.iter().position(|month| *month == name)? as i64 + 1;
    let year: i64 = parts.next()?.parse().ok()?;
    let mut clock = parts.next()?.split(':').map(str::parse::<i64>);
    let (hour, minute, second) = (clock.next()?.ok()?, clock.next()?.ok()?, clock.next()?.ok()?);
    let fits = (1..=31).contains(&day)
        && (1970..=9999).contains(&year)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second);
    let sign = match offset.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = offset.get(1..5).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
    let east = sign * (digits[..2].parse::<i64>().ok()? * 3600 + digits[2..].parse::<i64>().ok()? * 60);
    let local = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    fits.then(|| Stamp::from_seconds(local - east))
}

/// The text up to the closing quote, and what follows it; a backslash escapes.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', text.as_bytes().get(from..)?)?;
        if text.as_bytes()[at] == b'"' {
            return Some((&text[..at], &text[at + 1..]));
        }
        from = at + 2;
    }
}

/// The next field: quoted, bare, or `key="quoted"`. Gives the key, the value, whether it was quoted, the rest.
fn field(text: &str) -> Option<(Option<&str>, &str, bool, &str)> {
    let text = text.trim_start_matches([' ', '\t']);
    if let Some(inside) = text.strip_prefix('"') {
        let (value, rest) = quoted(inside)?;
        return Some((None, value, true, rest));
    }
    if text.is_empty() {
        return None;
    }
    let end = text.find([' ', '\t']).unwrap_or(text.len());
    let word = &text[..end];
    let Some((key, value)) = word.split_once('=') else { return Some((None, word, false, &text[end..])) };
    let Some(_) = value.strip_prefix('"') else { return Some((Some(key), value, false, &text[end..])) };
    let (value, rest) = quoted(&text[key.len() + 2..])?;
    Some((Some(key), value, true, rest))
}

/// Seconds with a fraction as microseconds.
fn seconds(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || whole.len() > 6 || part.len() > 9 {
        return None;
    }
    let micros: String = format!("{part:0<6}").chars().take(6).collect();
    Some(whole.parse::<u64>().ok()? * 1_000_000 + micros.parse::<u64>().ok()?)
}

fn is_chain(text: &str) -> bool {
    !text.is_empty() && text.split(',').all(|hop| request::hop_address(hop.trim()).is_some())
}

/// Whether a word may be the name of a host, with a port or without: what a syslog or a container runtime puts in
/// front of a line is none, and a line with it is no record of an access log.
fn is_host(word: &str) -> bool {
    let (name, port) = word.rsplit_once(':').map_or((word, None), |(name, port)| (name, Some(port)));
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'*'));
    !name.is_empty() && plain && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

fn split(text: &str) -> Option<Line<'_>> {
    let open = text.find(" [")?;
    let (front, rest) = (&text[..open], &text[open + 2..]);
    let (time, rest) = rest.split_once("] \"")?;
    let stamp = stamp(time)?;
    let (request, rest) = quoted(rest)?;
    let (_, status, _, rest) = field(rest)?;
    let status: u16 = status.parse().ok().filter(|status| (100..1000).contains(status))?;
    let (_, size, _, mut rest) = field(rest)?;
    if size != "-" && !size.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut words: Vec<&str> = front.split(' ').filter(|word| !word.is_empty()).collect();
    let mut host = None;
    let address = |word: &&str| is_chain(word.trim_end_matches(','));
    // The server may be called by its address, too.
    if words.len() >= 4 && !words[0].ends_with(',') && address(&words[1]) {
        host = Some(words.remove(0)).filter(|host| is_host(host) || address(host));
        host?;
    }
    let hops = words.iter().take_while(|word| word.ends_with(',')).count();
    let peer = *words.get(hops)?;
    let named = peer.parse::<std::net::IpAddr>().is_ok();
    // Only behind an address may a user's name hold blanks: more words are something else.
    if !(named || (is_host(peer) && words.len() == hops + 3)) {
        return None;
    }
    let mut forwarded_for = words[..hops].concat().trim_end_matches(',').to_owned();
    // The identity of RFC 1413 stands before the user; a user's name may hold blanks.
    let user = words.get(hops + 2)?;
    let user = match front.rfind(user) {
        Some(_) if words.len() == hops + 3 => *user,
        _ => front.splitn(hops + 3 + usize::from(host.is_some()), ' ').last().unwrap_or(user),
    };
    let mut line = Line {
        stamp,
        peer,
        forwarded_for: String::new(),
        user,
        host,
        request,
        status,
        referrer: "-",
        agent: "-",
        micros: None,
    };
    let mut quotes = 0;
    for _ in 0..MAX_EXTRAS {
        let Some((key, value, in_quotes, after)) = field(rest) else { break };
        rest = after;
        match (key, in_quotes, quotes) {
            (None, true, 0) => line.referrer = value,
            (None, true, 1) => line.agent = value,
            (None, true, _) if is_chain(value) => value.clone_into(&mut forwarded_for),
            (None, false, _) => line.micros = line.micros.or(seconds(value)),
            (Some("rt" | "request_time" | "reqtime"), ..) => line.micros = seconds(value),
            (Some("host" | "vhost" | "server_name" | "http_host"), ..) => line.host = Some(value),
            (Some("xff" | "x_forwarded_for" | "forwarded_for"), ..) if is_chain(value) => {
                value.clone_into(&mut forwarded_for);
            }
            _ => {}
        }
        quotes += usize::from(key.is_none() && in_quotes);
    }
    line.forwarded_for = forwarded_for;
    Some(line)
}

fn login(user: &str) -> &str {
    user.split(':').next().unwrap_or(user)
}

/// What stands in a log for nothing.
fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty() && *text != "-")
}

/// The targets of a block: most of them come again and again, and scrubbing is what takes time.
#[derive(Default)]
struct Targets<'a>(HashMap<&'a str, (Text, Option<Text>)>);

impl<'a> Targets<'a> {
    /// The path, and the names in the query.
    fn read(&mut self, target: &'a str) -> (Text, Option<Text>) {
        let read = || (Text::from(request::target_path(target)), request::query_names(target));
        self.0.entry(target).or_insert_with(read).clone()
    }
}

/// A request line: method, target, version. Anything else is no request: garbage, TLS to a plain port.
fn event<'a>(line: &Line<'a>, targets: &mut Targets<'a>) -> Event {
    let mut words = line.request.split(' ');
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let fits = !method.is_empty()
        && method.len() <= MAX_METHOD
        && method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-' || b == b'_');
    let version = words.next_back().unwrap_or("");
    if !fits || target.is_empty() || !version.starts_with("HTTP/") || method == "CONNECT" {
        return Event::Nothing;
    }
    let referrer = some(line.referrer).and_then(|referrer| referrer.split_once("://"));
    let referrer = referrer.map(|(_, rest)| {
        let (host, _) = rest.split_once('/').unwrap_or((rest, ""));
        let (path, query) = targets.read(&rest[host.len()..]);
        Referrer { host: Text::from(host.to_lowercase()), path, query }
    });
    let (path, query) = targets.read(target);
    Event::Request(Box::new(Request {
        method: Text::from(method),
        path,
        query,
        host: line.host.and_then(some).map(|host| Text::from(host.to_lowercase())),
        status: line.status,
        micros: line.micros,
        forwarded_for: Text::from(line.forwarded_for.as_str()),
        referrer,
    }))
}

impl LogFormat for AccessCombined {
    fn about(&self) -> &'static About {
        &About {
            name: "access-combined",
            title: "access logs of nginx and Apache: common and combined, with virtual host, request time, X-Forwarded-For",
            provenance: Provenance::Recorded,
        }
    }

    fn recognise(&self, head: &[u8]) -> Option<Confidence> {
        let text = String::from_utf8_lossy(head);
        let whole = text.rfind('\n').map_or(&*text, |end| &text[..end]);
        let lines: Vec<&str> =
            whole.lines().filter(|line| !line.trim().is_empty()).take(LINES_TRIED).collect();
        let fit = lines.iter().filter(|line| split(line).is_some()).count();
        (fit > 0 && fit * 3 >= lines.len() * 2).then_some(Confidence::High)
    }

    fn last_start(&self, block: &[u8]) -> usize {
        let inner = block.len().saturating_sub(1);
        memchr::memrchr(b'\n', &block[..inner]).map_or(0, |newline| newline + 1)
    }

    fn parse(&self, block: &[u8], _: Context<'_>) -> Block {
        let text = String::from_utf8_lossy(block);
        let mut parsed = Block::default();
        let mut known: HashMap<(&str, &str, &str), Arc<Who>> = HashMap::new();
        let mut targets = Targets::default();
        for raw in text.split_inclusive('\n') {
            let number = parsed.lines;
            parsed.lines += 1;
            let raw = raw.trim_end_matches(['\n', '\r']);
            let Some(line) = split(raw) else {
                if !raw.trim().is_empty() {
                    if parsed.unmatched == 0 {
                        parsed.first_unmatched = number;
                    }
                    parsed.unmatched += 1;
                }
                continue;
            };
            let key = (line.peer, line.user, line.agent);
            let who = known.entry(key).or_insert_with(|| {
                Arc::new(Who {
                    // No user's name holds a colon (RFC 7617, 2): what stands behind one is a password.
                    user: Text::from(some(line.user).map(|user| scrub_name(login(user))).unwrap_or_default()),
                    application: some(line.agent).map_or(Text::from(""), request::program),
                    client: Text::from(some(line.peer).unwrap_or_default()),
                    ..Who::default()
                })
            });
            let (stamp, who, event) = (line.stamp, who.clone(), event(&line, &mut targets));
            parsed.records.push(Record { stamp, session: 0, who, event, line: number });
        }
        parsed
    }
}

#[cfg(test)]
mod tests {
    use super::super::Zones;
    use super::{AccessCombined, Context, Event, LogFormat};

    /// What a line says: `time peer user host method path status micros chain referrer program`.
    fn said(line: &str) -> String {
        let block = AccessCombined.parse(line.as_bytes(), Context { zones: &Zones::new(None), header: "" });
        let Some(record) = block.records.first() else { return format!("unmatched {}", block.unmatched) };
        let Event::Request(it) = &record.event else { return "no request".to_owned() };
        let shown = |page: &super::Referrer| format!("{}{}", page.host, page.path);
        let referrer = it.referrer.as_ref().map_or("-".to_owned(), shown);
        let or = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        [
            record.stamp.to_string(),
            or(&record.who.client),
            or(&record.who.user),
            it.host.as_deref().unwrap_or("-").to_owned(),
            it.method.to_string(),
            it.path.to_string(),
            it.status.to_string(),
            it.micros.map_or("-".to_owned(), |micros| micros.to_string()),
            or(&it.forwarded_for),
            referrer,
            or(&record.who.application),
        ]
        .join(" ")
    }

    #[test]
    fn each_variant_is_read_as_its_server_means_it() {
        let stamp = "[22/Nov/2026:22:26:12 +0100]";
        let at = "2026-11-22T21:26:12Z";
        for (line, want) in [
            (
                format!(
                    r#"10.0.3.7 - bob {stamp} "GET /v1/orders/42?key=x HTTP/1.1" 200 512 "-" "curl/8.5.0""#
                ),
                format!("{at} 10.0.3.7 bob - GET /v1/orders/42 200 - - - curl/8.5.0"),
            ),
            (
                format!(r#"10.0.3.7 - - {stamp} "POST / HTTP/2.0" 302 -"#),
                format!("{at} 10.0.3.7 - - POST / 302 - - - -"),
            ),
            (
                format!(
                    r#"Shop.example:443 10.0.3.7 - - {stamp} "GET /a HTTP/1.1" 200 5 "https://shop.example/p?q=1" "x""#
                ),
                format!("{at} 10.0.3.7 - shop.example:443 GET /a 200 - - shop.example/p x"),
            ),
            (
                format!(
                    r#"10.0.0.1 - - {stamp} "GET /a HTTP/1.1" 200 5 "-" "x" 0.042 "203.0.113.9, 10.0.0.2""#
                ),
                format!("{at} 10.0.0.1 - - GET /a 200 42000 203.0.113.9, 10.0.0.2 - x"),
            ),
            (
                format!(r#"203.0.113.9, 10.0.0.2 - - {stamp} "GET /a HTTP/1.1" 200 5 "-" "x""#),
                format!("{at} 10.0.0.2 - - GET /a 200 - 203.0.113.9 - x"),
            ),
            (
                format!(
                    r#"10.0.0.1 - - {stamp} "GET /a HTTP/1.1" 200 5 "-" "x" "-" rt=1.5 uct="0.001" host="api.example""#
                ),
                format!("{at} 10.0.0.1 - api.example GET /a 200 1500000 - - x"),
            ),
            (
                format!(r#"2001:db8::1 - John Doe {stamp} "GET /a HTTP/1.1" 200 5 "-" "say \"hi\"""#),
                format!(r#"{at} 2001:db8::1 John Doe - GET /a 200 - - - say \"hi\""#),
            ),
            // Apache's %D is microseconds, another server's is milliseconds: nothing tells.
            (
                format!(r#"10.0.0.1 - - {stamp} "GET /a HTTP/1.1" 200 5 "-" "x" 1834"#),
                format!("{at} 10.0.0.1 - - GET /a 200 - - - x"),
            ),
            (format!(r#"10.0.0.1 - - {stamp} "\x16\x03\x01" 400 150 "-" "-""#), "no request".to_owned()),
            (format!(r#"10.0.0.1 - - {stamp} "-" 408 0 "-" "-""#), "no request".to_owned()),
            (
                format!(r#"10.0.0.1 - - {stamp} "CONNECT a.example:443 HTTP/1.1" 405 0"#),
                "no request".to_owned(),
            ),
            (
                format!(r#"10.0.1.1 10.0.3.7 - - {stamp} "GET /a HTTP/1.1" 200 5 "-" "x""#),
                format!("{at} 10.0.3.7 - 10.0.1.1 GET /a 200 - - - x"),
            ),
            (
                format!(r#"10.0.0.1 - - {stamp} "GET /a HTTP/1.1" 200 5 "-" "x" "203.0.113.2:4711""#),
                format!("{at} 10.0.0.1 - - GET /a 200 - 203.0.113.2:4711 - x"),
            ),
            (
                format!(r#"web9.example - bob {stamp} "GET /a;jsessionid=1/b HTTP/1.1" 200 5"#),
                format!("{at} web9.example bob - GET /a/b 200 - - - -"),
            ),
            // What something else put in front.
            (format!(r#"nginx_1  | 10.0.3.7 - - {stamp} "GET / HTTP/1.1" 200 5"#), "unmatched 1".to_owned()),
            (
                format!(r#"Nov 10 08:00:00 web1 nginx: 10.0.3.7 - - {stamp} "GET / HTTP/1.1" 200 5"#),
                "unmatched 1".to_owned(),
            ),
            (
                format!(r#"2026-11-10T01:00:01.123456Z 10.0.3.7 - - {stamp} "GET / HTTP/1.1" 200 5"#),
                "unmatched 1".to_owned(),
            ),
            ("nothing of the kind".to_owned(), "unmatched 1".to_owned()),
            (
                r#"10.0.0.1 - - [32/Nov/2026:22:26:12 +0100] "GET / HTTP/1.1" 200 5"#.to_owned(),
                "unmatched 1".to_owned(),
            ),
        ] {
            assert_eq!(said(&line), want, "{line}");
        }
    }
}
