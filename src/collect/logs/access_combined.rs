//! Access logs of nginx and Apache: the common and the combined format (ngx_http_log_module; mod_log_config,
//! "Examples"), with a virtual host in front, and with request time, X-Forwarded-For and `key=value` pairs behind.
//! A number behind the client's program whose unit nothing tells is passed over. It keeps no state across lines
//! and never keeps a query or a referring page's own query.

use super::access::{self, Asked, Clerk, is_chain, some};
use super::line_log::{self, Is};
use super::{Block, Context, LogFormat};
use crate::evidence::{About, Confidence, Provenance};
use std::borrow::Cow;

/// nginx and Apache.
pub struct AccessCombined;

/// How many fields behind the common ones are looked at.
const MAX_EXTRAS: usize = 24;

/// A line, split.
struct Line<'a> {
    asked: Asked<'a>,
    /// The hops that stand in front of the peer, or in a field of their own.
    forwarded_for: Cow<'a, str>,
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

/// Seconds with a fraction as microseconds: without one, nothing tells seconds from milliseconds.
fn seconds(text: &str) -> Option<u64> {
    text.contains('.').then(|| access::seconds(text))?
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
    let stamp = access::common_log_time(time)?;
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
    let mut forwarded_for = match hops {
        0 => Cow::Borrowed("-"),
        _ => Cow::Owned(words[..hops].concat().trim_end_matches(',').to_owned()),
    };
    // The identity of RFC 1413 stands before the user; a user's name may hold blanks.
    let user = words.get(hops + 2)?;
    let user = match front.rfind(user) {
        Some(_) if words.len() == hops + 3 => *user,
        _ => front.splitn(hops + 3 + usize::from(host.is_some()), ' ').last().unwrap_or(user),
    };
    let (method, target) = access::request_line(request).unwrap_or_default();
    let host = host.unwrap_or("-");
    let mut asked = Asked { peer, user, host, method, target, status, ..Asked::at(stamp) };
    let mut quotes = 0;
    for _ in 0..MAX_EXTRAS {
        let Some((key, value, in_quotes, after)) = field(rest) else { break };
        rest = after;
        match (key, in_quotes, quotes) {
            (None, true, 0) => asked.referrer = value,
            (None, true, 1) => asked.agent = value,
            (None, true, _) if is_chain(value) => forwarded_for = Cow::Borrowed(value),
            // Traefik says the unit (`3ms`); of others only a fraction shows that these are seconds.
            (None, false, _) => {
                let millis = value.strip_suffix("ms").and_then(access::millis);
                asked.micros = asked.micros.or(millis).or(seconds(value));
            }
            (Some("rt" | "request_time" | "reqtime"), ..) => asked.micros = seconds(value),
            (Some("host" | "vhost" | "server_name" | "http_host"), ..) if some(value).is_some() => {
                asked.host = value
            }
            (Some("xff" | "x_forwarded_for" | "forwarded_for"), ..) if is_chain(value) => {
                forwarded_for = Cow::Borrowed(value);
            }
            _ => {}
        }
        quotes += usize::from(key.is_none() && in_quotes);
    }
    Some(Line { asked, forwarded_for })
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
        line_log::recognise(head, &mut |line| {
            if split(line).is_some() { Is::This(()) } else { Is::Unmatched }
        })
    }

    fn last_start(&self, block: &[u8]) -> usize {
        line_log::last_start(block)
    }

    fn parse(&self, block: &[u8], _: Context<'_>) -> Block {
        let text = String::from_utf8_lossy(block);
        let mut clerk = Clerk::default();
        line_log::parse(&text, &mut |line| match split(line) {
            Some(Line { asked, forwarded_for }) => {
                Is::This(clerk.record(&Asked { forwarded_for: &forwarded_for, ..asked }))
            }
            None => Is::Unmatched,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Event, Referrer, Zones};
    use super::{AccessCombined, Context, LogFormat};

    /// What a line says: `time peer user host method path status micros chain referrer program`.
    fn said(line: &str) -> String {
        let block = AccessCombined.parse(line.as_bytes(), Context { zones: &Zones::new(None), header: "" });
        let Some(record) = block.records.first() else { return format!("unmatched {}", block.unmatched) };
        let Event::Request(it) = &record.event else { return "no request".to_owned() };
        let shown = |page: &Referrer| format!("{}{}", page.host, page.path);
        let referrer = it.referrer.as_deref().map_or("-".to_owned(), shown);
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
                format!(r#"10.0.3.7 - o\x22ne\xC3\xADl {stamp} "GET / HTTP/1.1" 200 5"#),
                format!("{at} 10.0.3.7 o\"neíl - GET / 200 - - - -"),
            ),
            (
                format!(r#"10.0.3.7 - - {stamp} "POST / HTTP/2.0" 302 -"#),
                format!("{at} 10.0.3.7 - - POST / 302 - - - -"),
            ),
            (
                format!(
                    r#"Shop.example:443 10.0.3.7 - - {stamp} "GET /a.css HTTP/1.1" 200 5 "https://shop.example/p?q=1" "x""#
                ),
                format!("{at} 10.0.3.7 - shop.example:443 GET /a.css 200 - - shop.example/p x"),
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
