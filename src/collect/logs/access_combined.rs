//! Access logs of nginx and Apache: the common and the combined format (ngx_http_log_module; mod_log_config,
//! "Examples"), with a virtual host in front, and with request time, X-Forwarded-For and `key=value` pairs behind.
//! A number behind the client's program whose unit nothing tells is passed over. What an address in front of the client
//! is, the beginning of the file tells. It keeps no other state across lines and never keeps a query or a referring page's
//! own query.

use super::access::{self, Asked, Clerk, is_chain, some, without_port};
use super::line_log::{self, Is};
use super::{Block, Context, LogFormat, Opening};
use crate::evidence::{About, Confidence, GapCode, Provenance};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// nginx and Apache.
pub struct AccessCombined;

/// How many fields behind the common ones are looked at.
const MAX_EXTRAS: usize = 24;

/// A line, split.
struct Line<'a> {
    asked: Asked<'a>,
    /// The hops that stand in front of the peer, or in a field of their own.
    forwarded_for: Cow<'a, str>,
    /// What stands in front of the peer and is nothing but an address.
    before: Option<&'a str>,
}

/// What an address is that stands in front of the client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// The server, called by its address.
    Server,
    /// The client behind the one that was seen (`%{X-Forwarded-For}i %h …`, as load balancers' manuals have it).
    Forwarded,
    /// Nothing tells.
    Unknown,
}

const SERVER: &str = "server";
const FORWARDED: &str = "forwarded";

impl Before {
    fn word(self) -> &'static str {
        match self {
            Before::Server => SERVER,
            Before::Forwarded => FORWARDED,
            Before::Unknown => "",
        }
    }

    fn of_word(word: &str) -> Before {
        match word {
            SERVER => Before::Server,
            FORWARDED => Before::Forwarded,
            _ => Before::Unknown,
        }
    }

    /// What the beginning of a file tells: a server is never unknown, and has names or fewer addresses than clients have.
    fn learnt(head: &str) -> Before {
        let (mut fronts, mut peers) = (BTreeSet::new(), BTreeSet::new());
        for line in head.lines() {
            let Some(open) = line.find(" [") else { continue };
            let mut words = line[..open].split(' ').filter(|word| !word.is_empty());
            let (Some(front), Some(peer)) = (words.next(), words.next()) else { continue };
            if !is_chain(peer.trim_end_matches(',')) || words.next().is_none() {
                continue;
            }
            if front == "-" || front.ends_with(',') && words.next().is_some_and(|_| is_list(&line[..open])) {
                return Before::Forwarded;
            }
            if is_host(front) && !is_chain(front) && !is_id(front) {
                return Before::Server;
            }
            if is_chain(front) {
                fronts.insert(front);
                peers.insert(without_port(peer));
            }
        }
        match fronts.len().cmp(&peers.len()) {
            std::cmp::Ordering::Greater => Before::Forwarded,
            std::cmp::Ordering::Less => Before::Server,
            std::cmp::Ordering::Equal => Before::Unknown,
        }
    }
}

/// Whether a list of addresses stands in front of one more address: it ends at the last comma's word.
fn is_list(front: &str) -> bool {
    let words: Vec<&str> = front.split(' ').filter(|word| !word.is_empty()).collect();
    let hops = words.iter().take_while(|word| word.ends_with(',')).count();
    hops > 0 && words.len() >= hops + 4 && words[hops..hops + 2].iter().all(|word| is_chain(word))
}

/// From how many characters on a word without a dot is no host but one of many, where it looks drawn at random.
const ID_CHARS: usize = 16;

/// Whether a word in front of the client is the number of a request or of a process (nginx `$request_id`, Apache
/// `%{UNIQUE_ID}e`, `%P`), and no host.
fn is_id(word: &str) -> bool {
    if word.bytes().all(|b| b.is_ascii_digit()) {
        return true;
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'@');
    if word.len() < ID_CHARS || !word.bytes().all(plain) {
        return false;
    }
    let count = |kind: fn(&u8) -> bool| word.bytes().filter(kind).count();
    let mixed = count(u8::is_ascii_uppercase) > 2 && count(u8::is_ascii_lowercase) > 2;
    mixed || count(u8::is_ascii_digit) > 2 && word.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
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
    let (mut host, mut before) = (None, None);
    let address = |word: &&str| is_chain(word.trim_end_matches(','));
    let first = words.len() >= 4 && !words[0].ends_with(',') && address(&words[1]);
    if first {
        let word = words.remove(0);
        match word {
            "-" => {}
            // The server may be called by its address, too.
            word if address(&word) => before = Some(word),
            word if is_id(word) => {}
            word if is_host(word) => host = Some(word),
            _ => return None,
        }
    }
    let mut hops = words.iter().take_while(|word| word.ends_with(',')).count();
    // Behind the last of a list stands who asked.
    hops += usize::from(
        hops > 0 && words.len() >= hops + 4 && address(&words[hops]) && address(&words[hops + 1]),
    );
    let peer = without_port(words.get(hops)?);
    let named = peer.parse::<std::net::IpAddr>().is_ok();
    // Only behind an address may a user's name hold blanks: more words are something else.
    if !(named || (is_host(peer) && words.len() == hops + 3)) {
        return None;
    }
    let mut forwarded_for = match hops {
        0 => Cow::Borrowed("-"),
        _ => Cow::Owned(words[..hops].concat().trim_end_matches(',').to_owned()),
    };
    let taken = hops + usize::from(first);
    // The identity of RFC 1413 stands before the user; a user's name may hold blanks.
    let user = words.get(hops + 2)?;
    let user = match front.rfind(user) {
        Some(_) if words.len() == hops + 3 => *user,
        _ => front.splitn(taken + 3, ' ').last().unwrap_or(user),
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
    Some(Line { asked, forwarded_for, before })
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

    fn opening(&self, opening: &Opening<'_>) -> (String, bool) {
        (Before::learnt(&String::from_utf8_lossy(opening.head)).word().to_owned(), false)
    }

    fn parse(&self, block: &[u8], context: Context<'_>) -> Block {
        let text = super::as_text(block);
        let (mut clerk, meaning) = (Clerk::default(), Before::of_word(context.header));
        let (mut number, mut unknown) = (0, None);
        let mut parsed = line_log::parse(&text, &mut |line| match split(line) {
            Some(Line { asked, forwarded_for, before }) => {
                let mut asked = Asked { forwarded_for: &forwarded_for, ..asked };
                match (before, meaning) {
                    (None, _) => {}
                    (Some(server), Before::Server) if asked.host == "-" => asked.host = server,
                    (Some(client), Before::Forwarded) if asked.forwarded_for == "-" => {
                        asked.forwarded_for = client;
                    }
                    (Some(_), Before::Unknown) => unknown.get_or_insert((number, 0)).1 += 1,
                    _ => {}
                }
                number += 1;
                Is::This(clerk.record(&asked))
            }
            None => Is::Unmatched,
        });
        if let Some((first, count)) = unknown {
            // Records are in the order of their lines.
            let line = parsed.records.get(first).map_or(0, |record| record.line);
            let detail = "an address stands in front of the client's, and too few lines tell whether it is the server's \
                          or that of the client behind it: it is left out";
            parsed.gaps.insert((GapCode::UnknownSession, detail.into()), (line, count));
        }
        parsed
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Event, Referrer, Zones};
    use super::{AccessCombined, Context, LogFormat};

    /// What a line says: `time peer user host method path status micros chain referrer program`.
    fn said(line: &str) -> String {
        said_with(line, "")
    }

    /// The same where the beginning of the file told something.
    fn said_with(line: &str, header: &str) -> String {
        let block = AccessCombined.parse(line.as_bytes(), Context { zones: &Zones::new(None), header });
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
                format!(r#"{at} 2001:db8::1 John Doe - GET /a 200 - - - say "hi""#),
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
                // Of one line nobody can tell whose the first address is.
                format!(r#"10.0.1.1 10.0.3.7 - - {stamp} "GET /a HTTP/1.1" 200 5 "-" "x""#),
                format!("{at} 10.0.3.7 - - GET /a 200 - - - x"),
            ),
            (
                format!(r#"203.0.113.9, 10.9.9.9 10.0.0.1 - bob {stamp} "GET /a HTTP/1.1" 200 5 "-" "x""#),
                format!("{at} 10.0.0.1 bob - GET /a 200 - 203.0.113.9,10.9.9.9 - x"),
            ),
            (
                format!(r#"- 10.0.0.1 - bob {stamp} "GET /a HTTP/1.1" 200 5 "-" "x""#),
                format!("{at} 10.0.0.1 bob - GET /a 200 - - - x"),
            ),
            (
                format!(r#"be8739b3cfd87b28236c2e1ebc43b740 10.0.0.1 - - {stamp} "GET /a HTTP/1.1" 200 5"#),
                format!("{at} 10.0.0.1 - - GET /a 200 - - - -"),
            ),
            (
                format!(r#"aScQHn8AAQEAAAC3R2MAAAAB 10.0.0.1 - a b {stamp} "GET /a HTTP/1.1" 200 5"#),
                format!("{at} 10.0.0.1 a b - GET /a 200 - - - -"),
            ),
            (
                format!(r#"4711 10.0.0.1 - - {stamp} "GET /a HTTP/1.1" 200 5"#),
                format!("{at} 10.0.0.1 - - GET /a 200 - - - -"),
            ),
            (
                format!(r#"orders-staging-eu-v2 10.0.0.1 - - {stamp} "GET /a HTTP/1.1" 200 5"#),
                format!("{at} 10.0.0.1 - orders-staging-eu-v2 GET /a 200 - - - -"),
            ),
            // Each connection has a port of its own.
            (
                format!(r#"10.0.0.5:48488 - "" {stamp} "GET /a HTTP/1.1" 200 5"#),
                format!("{at} 10.0.0.5 - - GET /a 200 - - - -"),
            ),
            (
                format!(r#"[2001:db8::5]:48488 - o\"neil {stamp} "GET /a HTTP/1.1" 200 5"#),
                format!("{at} 2001:db8::5 o\"neil - GET /a 200 - - - -"),
            ),
            (
                format!(r#"10.0.0.5 - SHOP\bob {stamp} "GET /a HTTP/1.1" 200 5"#),
                format!(r"{at} 10.0.0.5 SHOP\bob - GET /a 200 - - - -"),
            ),
            (
                format!(
                    r#"10.0.0.5 - - {stamp} "GET / HTTP/1.1" 200 5 "-" "\xC3\x9Cn\xC3\xAF/1 \x22q\x22 \x5Cx""#
                ),
                format!(r#"{at} 10.0.0.5 - - GET / 200 - - - Ünï/1 "q" \x"#),
            ),
            // An absolute target names the host that was asked for.
            (
                format!(r#"10.0.0.5 - - {stamp} "GET http://Api.example/a HTTP/1.1" 200 5"#),
                format!("{at} 10.0.0.5 - api.example GET /a 200 - - - -"),
            ),
            (
                format!(
                    r#"shop.example:8080 10.0.0.5 - - {stamp} "GET http://api.example/a HTTP/1.1" 200 5"#
                ),
                format!("{at} 10.0.0.5 - api.example GET /a 200 - - - -"),
            ),
            (
                format!(
                    r#"shop.example:8080 10.0.0.5 - - {stamp} "GET http://shop.example/a HTTP/1.1" 200 5"#
                ),
                format!("{at} 10.0.0.5 - shop.example:8080 GET /a 200 - - - -"),
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

    #[test]
    fn the_beginning_of_a_file_tells_whose_the_address_in_front_of_the_client_is() {
        let line = |front: &str| {
            format!(r#"{front} - - [22/Nov/2026:22:26:12 +0100] "GET /a HTTP/1.1" 200 5 "-" "x""#)
        };
        let (server, behind, nobody) = (
            "2026-11-22T21:26:12Z 10.0.3.7 - 10.0.1.1 GET /a 200 - - - x",
            "2026-11-22T21:26:12Z 10.0.3.7 - - GET /a 200 - 10.0.1.1 - x",
            "2026-11-22T21:26:12Z 10.0.3.7 - - GET /a 200 - - - x",
        );
        for (fronts, want) in [
            // Many clients of one server; many behind one balancer; those of whom the balancer said nothing.
            (&["10.0.1.1 10.0.3.7", "10.0.1.1 10.0.3.8"][..], server),
            (&["10.0.1.1 10.0.3.7", "10.0.1.2 10.0.3.7"], behind),
            (&["10.0.1.1 10.0.3.7", "- 10.0.3.7"], behind),
            (&["10.0.1.1 10.0.3.7", "10.0.1.2, 10.0.1.3 10.0.3.7"], behind),
            // Of the names that were asked for, some are addresses.
            (&["shop.example 10.0.3.7", "10.0.1.1 10.0.3.7", "10.0.1.2 10.0.3.7"], server),
            // As many of the one as of the other.
            (&["10.0.1.1 10.0.3.7", "10.0.1.2 10.0.3.8"], nobody),
            (&["10.0.1.1 10.0.3.7"], nobody),
        ] {
            let head: Vec<String> = fronts.iter().map(|front| line(front)).collect();
            let word = super::Before::learnt(&head.join("\n")).word();
            assert_eq!(said_with(&line("10.0.1.1 10.0.3.7"), word), want, "{fronts:?}");
        }
    }
}
