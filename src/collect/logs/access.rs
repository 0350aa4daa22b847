//! What every access log says in its own way: who asked whom for what, and how it ended. A format fills in an
//! [`Asked`] for each line; the [`Clerk`] of a block turns it into a record, and scrubs each name, target and program
//! once, because most come again and again. It never keeps a query or a referring page's own query.

use super::stamps::days;
use super::{Event, Record, Referrer, Request, Who};
use crate::evidence::scrub::scrub_name;
use crate::evidence::{Stamp, Text, request};
use foldhash::fast::RandomState;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// How long a method may be.
const MAX_METHOD: usize = 24;

/// What a line of an access log says, as written; `-` and the empty text stand for nothing.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// When, with an offset that is known.
    pub stamp: Stamp,
    /// The address, or the name, of the client that was seen.
    pub peer: &'a str,
    /// The clients behind it, as X-Forwarded-For gives them.
    pub forwarded_for: &'a str,
    /// Who the client proved to be: the name in its certificate, its login.
    pub user: &'a str,
    /// The host that was asked for.
    pub host: &'a str,
    /// The method.
    pub method: &'a str,
    /// The target, with its query.
    pub target: &'a str,
    /// The status of the answer; 0: there was none.
    pub status: u16,
    /// How long it took, in microseconds.
    pub micros: Option<u64>,
    /// The page that led here.
    pub referrer: &'a str,
    /// What the client says it is.
    pub agent: &'a str,
    /// What the server calls the one behind it that answered.
    pub behind: &'a str,
}

impl Asked<'_> {
    /// Nothing known but when.
    pub fn at(stamp: Stamp) -> Asked<'static> {
        Asked {
            stamp,
            peer: "-",
            forwarded_for: "-",
            user: "-",
            host: "-",
            method: "",
            target: "",
            status: 0,
            micros: None,
            referrer: "-",
            agent: "-",
            behind: "-",
        }
    }
}

/// What stands in a log for nothing.
pub fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty() && *text != "-")
}

/// Method and target of a request line `METHOD target HTTP/version`; blanks may stand within the target. `None`:
/// garbage, or TLS to a plain port.
pub fn request_line(line: &str) -> Option<(&str, &str)> {
    let (method, rest) = line.split_once(' ')?;
    let (target, version) = rest.rsplit_once(' ')?;
    (version.starts_with("HTTP/") && !target.is_empty()).then_some((method, target.trim()))
}

/// Whether a word may be a method that asks for something at the server itself (RFC 9110, 9). CONNECT asks for a tunnel.
pub fn is_method(word: &str) -> bool {
    let plain = |b: u8| b.is_ascii_uppercase() || matches!(b, b'-' | b'_');
    !word.is_empty() && word.len() <= MAX_METHOD && word.bytes().all(plain) && word != "CONNECT"
}

/// A status of three digits; what stands for none (`-`, `000`, `-1`, `0`) is 0. `None`: it is something else.
pub fn status(text: &str) -> Option<u16> {
    match text {
        "-" | "000" | "-1" | "0" => Some(0),
        _ => text.parse().ok().filter(|status| text.len() == 3 && (100..1000).contains(status)),
    }
}

/// Seconds with or without a fraction as microseconds; `None`: it is no such number, or negative.
pub fn seconds(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    scaled(whole, part, 1_000_000, 6)
}

/// Milliseconds with or without a fraction as microseconds.
pub fn millis(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    scaled(whole, part, 1_000, 3)
}

fn scaled(whole: &str, part: &str, unit: u64, digits: usize) -> Option<u64> {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !number(whole) || !number(part) || whole.len() > 12 || part.len() > 12 {
        return None;
    }
    let fraction = part.bytes().chain(std::iter::repeat(b'0')).take(digits);
    let fraction = fraction.fold(0u64, |sum, b| sum * 10 + u64::from(b - b'0'));
    Some(whole.parse::<u64>().ok()?.saturating_mul(unit).saturating_add(fraction))
}

/// Whether a text is a list of addresses, as X-Forwarded-For has it.
pub fn is_chain(text: &str) -> bool {
    let hop = |hop: &str| request::hop_address(hop).is_some() || hop.eq_ignore_ascii_case("unknown");
    let addressed = text.split(',').any(|hop| request::hop_address(hop.trim()).is_some());
    addressed && text.split(',').all(|text| hop(text.trim()))
}

fn number(text: &[u8], at: usize, count: usize) -> Option<i64> {
    let part = text.get(at..at + count)?;
    part.iter().try_fold(0i64, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0')))
}

/// `2026-11-22T22:26:12.123456Z` (RFC 3339; a blank instead of the `T` and any number of decimals are fine), with the
/// offset it must end with, if only `Z`. `None`: it is no such moment.
pub fn rfc3339(text: &str) -> Option<Stamp> {
    let bytes = text.as_bytes();
    let (local, rest) = local_time(bytes)?;
    let (micros, rest) = fraction(rest);
    Some(Stamp::from_seconds(local.checked_sub(offset(rest)?)?).plus_micros(micros))
}

/// `2026-11-22` and `22:26:12`, in UTC because the format says so.
pub fn utc(date: &str, time: &str) -> Option<Stamp> {
    let (date, time) = (date.as_bytes(), time.as_bytes());
    let (clock, rest) = clock(time)?;
    let (micros, rest) = fraction(rest);
    let fits = date.len() == 10 && rest.is_empty();
    fits.then_some(Stamp::from_seconds(calendar(date)? * 86_400 + clock).plus_micros(micros))
}

fn local_time(text: &[u8]) -> Option<(i64, &[u8])> {
    let (clock, rest) = clock(text.get(11..)?)?;
    matches!(text[10], b'T' | b' ' | b't').then_some((calendar(text)? * 86_400 + clock, rest))
}

/// Days since 1970-01-01.
fn calendar(text: &[u8]) -> Option<i64> {
    let (year, month, day) = (number(text, 0, 4)?, number(text, 5, 2)?, number(text, 8, 2)?);
    let fits = text[4] == b'-' && text[7] == b'-' && (1..=12).contains(&month) && (1..=31).contains(&day);
    (fits && year >= 1970).then(|| days(year, month, day))
}

/// Seconds of the day, and what follows; a leap second is the last second again.
fn clock(text: &[u8]) -> Option<(i64, &[u8])> {
    let (hour, minute, second) = (number(text, 0, 2)?, number(text, 3, 2)?, number(text, 6, 2)?);
    let fits = text[2] == b':' && text[5] == b':' && hour < 24 && minute < 60 && second <= 60;
    fits.then(|| (hour * 3600 + minute * 60 + second.min(59), &text[8..]))
}

/// Microseconds of `.123456789`, and what follows.
fn fraction(text: &[u8]) -> (i64, &[u8]) {
    let Some(b'.' | b',') = text.first() else { return (0, text) };
    let digits = text[1..].iter().take_while(|b| b.is_ascii_digit()).count();
    let kept = text[1..=digits].iter().copied().chain(std::iter::repeat(b'0')).take(6);
    (kept.fold(0, |sum, b| sum * 10 + i64::from(b - b'0')), &text[1 + digits..])
}

/// Seconds east of UTC of `Z`, `+01:00` or `+0100`.
fn offset(text: &[u8]) -> Option<i64> {
    let sign = match text {
        b"Z" | b"z" => return Some(0),
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    let minutes = if text.get(3) == Some(&b':') { 4 } else { 3 };
    (text.len() == minutes + 2).then_some(())?;
    Some(sign * (number(text, 1, 2)? * 3600 + number(text, minutes, 2)? * 60))
}

/// The month of an English name of three letters, as all servers write it whatever their language.
fn month(name: &[u8]) -> Option<i64> {
    const MONTHS: [&[u8]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    MONTHS.iter().position(|month| *month == name).map(|at| at as i64 + 1)
}

/// `22/Nov/2026:22:26:12`: local seconds as if UTC, and what follows.
pub fn day_month_year(text: &str) -> Option<(i64, &str)> {
    let bytes = text.as_bytes();
    let (day, year) = (number(bytes, 0, 2)?, number(bytes, 7, 4)?);
    let month = month(bytes.get(3..6)?)?;
    let (clock, rest) = clock(bytes.get(12..)?)?;
    let signs = bytes[2] == b'/' && bytes[6] == b'/' && bytes[11] == b':';
    let fits = signs && (1..=31).contains(&day) && year >= 1970;
    fits.then(|| (days(year, month, day) * 86_400 + clock, &text[text.len() - rest.len()..]))
}

/// `22/Nov/2026:22:26:12 +0000`.
pub fn common_log_time(text: &str) -> Option<Stamp> {
    let (local, rest) = day_month_year(text)?;
    Some(Stamp::from_seconds(local - offset(rest.strip_prefix(' ')?.as_bytes())?))
}

/// Seconds since 1970 with a fraction, as a number that a computer wrote.
pub fn epoch(seconds: f64) -> Option<Stamp> {
    let fits = seconds.is_finite() && (0.0..253_402_300_800.0).contains(&seconds);
    fits.then(|| Stamp((seconds * 1_000_000.0).round() as i64))
}

/// The texts of a block that were turned into names already.
#[derive(Default)]
pub struct Clerk {
    texts: HashMap<Text, Text, RandomState>,
    targets: HashMap<Text, Target, RandomState>,
    referrers: HashMap<Text, Option<Arc<Referrer>>, RandomState>,
    people: HashMap<Text, Arc<Who>, RandomState>,
    programs: HashMap<Text, Text, RandomState>,
    /// Room for the key of one of `people`.
    key: String,
}

/// A target, read: the path, the names in the query, the host where it names one.
type Target = (Text, Option<Text>, Option<Text>);

impl Clerk {
    /// The record of a line. What is no request (a broken one, a tunnel) is a record all the same.
    pub fn record(&mut self, asked: &Asked<'_>) -> Record {
        let who = self.who(asked);
        Record { stamp: asked.stamp, session: 0, who, event: self.event(asked), line: 0 }
    }

    /// The record of something that was no request.
    pub fn nothing(&mut self, asked: &Asked<'_>) -> Record {
        let who = self.who(asked);
        Record { stamp: asked.stamp, session: 0, who, event: Event::Nothing, line: 0 }
    }

    fn event(&mut self, asked: &Asked<'_>) -> Event {
        if !is_method(asked.method) || asked.target.is_empty() {
            return Event::Nothing;
        }
        let (path, query, named) = self.target(asked.target);
        // An absolute target says itself whom it asks for, and outranks all else (RFC 9112, 3.2.2); a server may call
        // itself with a port beside.
        let host = some(asked.host).map(|host| self.host(host));
        let host = match (host, named) {
            (Some(host), Some(named)) if is_same(&host, &named) => Some(host),
            (host, named) => named.or(host),
        };
        // The page tells something only of what it loads.
        let referrer = if request::is_asset(&path) { self.referrer(asked.referrer) } else { None };
        Event::Request(Box::new(Request {
            method: self.text(asked.method),
            path,
            query,
            host,
            status: asked.status,
            micros: asked.micros,
            forwarded_for: self.text(some(asked.forwarded_for).unwrap_or_default()),
            referrer,
            behind: some(asked.behind).map(|behind| self.named(behind)),
        }))
    }

    /// A text as it stands.
    fn text(&mut self, text: &str) -> Text {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let kept = Text::from(text);
        self.texts.insert(kept.clone(), kept.clone());
        kept
    }

    /// The name of a host, in lower case.
    fn host(&mut self, host: &str) -> Text {
        if host.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii()) {
            return self.text(&host.to_lowercase());
        }
        self.text(host)
    }

    /// A name from outside.
    fn named(&mut self, name: &str) -> Text {
        let scrubbed = scrub_name(name);
        self.text(&scrubbed)
    }

    fn target(&mut self, target: &str) -> Target {
        if let Some(known) = self.targets.get(target) {
            return known.clone();
        }
        let read = (
            Text::from(request::target_path(target)),
            request::query_names(target).map(|names| self.text(&names)),
            request::authority(target).filter(|host| !is_itself(host)).map(|host| self.text(&host)),
        );
        self.targets.insert(Text::from(target), read.clone());
        read
    }

    fn referrer(&mut self, referrer: &str) -> Option<Arc<Referrer>> {
        some(referrer)?;
        if let Some(known) = self.referrers.get(referrer) {
            return known.clone();
        }
        let read = referrer.split_once("://").map(|(_, rest)| {
            let host = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
            let (path, query, _) = self.target(&rest[host.len()..]);
            Arc::new(Referrer { host: self.host(host), path, query })
        });
        self.referrers.insert(Text::from(referrer), read.clone());
        read
    }

    fn who(&mut self, asked: &Asked<'_>) -> Arc<Who> {
        self.key.clear();
        for part in [asked.peer, "\n", asked.user, "\n", asked.agent] {
            self.key.push_str(part);
        }
        if let Some(known) = self.people.get(self.key.as_str()) {
            return known.clone();
        }
        let who = Arc::new(Who {
            // No user's name holds a colon (RFC 7617, 2): what stands behind one is a password. Apache writes `""` for a
            // name without a letter.
            user: some(asked.user)
                .filter(|user| *user != "\"\"")
                .map_or(Text::from(""), |user| self.named(login(&unescaped(user)))),
            application: self.program(some(asked.agent).unwrap_or_default()),
            client: self.text(without_port(some(asked.peer).unwrap_or_default())),
            ..Who::default()
        });
        self.people.insert(Text::from(self.key.as_str()), who.clone());
        who
    }

    /// Many clients run one program: it is scrubbed once.
    fn program(&mut self, agent: &str) -> Text {
        if let Some(known) = self.programs.get(agent) {
            return known.clone();
        }
        let program = request::program(&unescaped(agent));
        self.programs.insert(Text::from(agent), program.clone());
        program
    }
}

/// Whether a name means whoever is asked by it.
fn is_itself(host: &str) -> bool {
    let name = host.strip_suffix(|c: char| c.is_ascii_digit()).map_or(host, |_| without_port_of_name(host));
    let address = name.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    name == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn without_port_of_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.ends_with(':') && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether two names are of one host, whichever of them says a port.
fn is_same(host: &str, named: &str) -> bool {
    let bare = |name: &str| match name.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host.len(),
        _ => name.len(),
    };
    host[..bare(host)].eq_ignore_ascii_case(&named[..bare(named)])
}

/// An address without the port that some servers put behind it: each connection of a client has another.
pub fn without_port(peer: &str) -> &str {
    let Some(colon) = memchr::memrchr(b':', peer.as_bytes()) else { return peer };
    let (host, port) = (&peer[..colon], &peer[colon + 1..]);
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_address = match bare {
        Some(host) => host.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.parse::<std::net::Ipv4Addr>().is_ok(),
    };
    if is_address && port.parse::<u16>().is_ok() { bare.unwrap_or(host) } else { peer }
}

/// A text without the escapes that nginx and Apache write for quotes, backslashes, controls and what is not ASCII
/// (`\x22`, `\"`; ngx_http_log_module, "escape"; mod_log_config, "Security Considerations"). Another backslash parts a
/// domain from its login, and a control stays as it was written.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let code = rest.strip_prefix(b"\\x").and_then(|hex| std::str::from_utf8(hex.get(..2)?).ok());
        let code = code.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code.filter(|byte| !byte.is_ascii_control()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[4..];
            }
            None if *first == b'\\' && matches!(more.first(), Some(b'"' | b'\\')) => {
                bytes.push(more[0]);
                rest = &more[1..];
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// A login without the password that some clients put behind it; the address of a service in a mesh holds colons.
fn login(user: &str) -> &str {
    if user.contains("://") { user } else { user.split(':').next().unwrap_or(user) }
}
