//! HTTP/1 (RFC 9112): requests with keep-alive and pipelining, matched with their responses in order; the client
//! behind a proxy, the program it names, the login of Basic authentication. Bodies are passed over; credentials,
//! cookies and queries never leave.

use super::{Act, Conversation, Framer, Moment, Protocol, Side, Told, Who};
use crate::evidence::scrub::{scrub, scrub_name};
use crate::evidence::{About, Confidence, Outcome, Provenance, Text, request};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::collections::VecDeque;

/// The protocol.
pub struct Http;

/// How many header fields a message may have, and how many bytes they may take.
const MAX_FIELDS: usize = 128;
const MAX_HEAD: usize = 64 * 1024;
/// How many requests may wait for their response.
const MAX_WAITING: usize = 1024;

const METHODS: [&str; 20] = [
    "GET",
    "POST",
    "PUT",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "PATCH",
    "TRACE",
    "CONNECT",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "REPORT",
    "SEARCH",
    "BITS_POST",
    "PURGE",
];

fn begins_request(bytes: &[u8]) -> bool {
    METHODS
        .iter()
        .any(|method| bytes.strip_prefix(method.as_bytes()).is_some_and(|rest| rest.first() == Some(&b' ')))
}

fn begins_response(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HTTP/1.") || bytes.starts_with(b"HTTP/0.9")
}

impl Protocol for Http {
    fn about(&self) -> &'static About {
        &About {
            name: "http",
            title: "HTTP/1 with keep-alive and pipelining",
            provenance: Provenance::Recorded,
        }
    }

    fn recognise(&self, client: &[u8], server: &[u8], _port: u16) -> Option<Confidence> {
        if begins_request(client) {
            return Some(Confidence::High);
        }
        (client.is_empty() && begins_response(server)).then_some(Confidence::Medium)
    }

    fn open(&self) -> Box<dyn Conversation> {
        Box::new(Talk::default())
    }
}

/// What stands between two heads.
#[derive(Default, Clone, Copy, PartialEq)]
enum Body {
    #[default]
    Head,
    /// So many bytes.
    Bytes(u64),
    /// A chunk's size line comes next.
    Chunk,
    /// The trailer after the last chunk.
    Trailer,
    /// Up to the end of the connection, or another protocol.
    Rest,
    /// After a hole: until a head begins.
    Search,
}

struct Waiting {
    verb: String,
    object: String,
    query: Option<Text>,
    moment: Moment,
    who: Who,
}

#[derive(Default)]
struct Talk {
    client: Framer,
    server: Framer,
    client_body: Body,
    server_body: Body,
    waiting: VecDeque<Waiting>,
    /// The packet of the last answer to a request that was not seen: what was sent before it is answered already.
    answered_until: u64,
}

impl Conversation for Talk {
    fn bytes(&mut self, side: Side, data: &[u8], moment: Moment, told: &mut Told) {
        let (framer, body) = match side {
            Side::Client => (&mut self.client, &mut self.client_body),
            Side::Server => (&mut self.server, &mut self.server_body),
        };
        if *body == Body::Rest {
            return;
        }
        if *body == Body::Search {
            let begins = if side == Side::Client { begins_request(data) } else { begins_response(data) };
            if !begins {
                return;
            }
            *body = Body::Head;
        }
        framer.push(data);
        while self.step(side, moment, told) {}
    }

    fn hole(&mut self, side: Side, told: &mut Told) {
        match side {
            Side::Client => {
                self.client.clear();
                self.client_body = Body::Search;
            }
            Side::Server => {
                self.server.clear();
                self.server_body = Body::Search;
            }
        }
        // Which answer belongs to which of them can no longer be told.
        told.unmatched += self.waiting.drain(..).count() as u64;
    }

    fn end(&mut self, told: &mut Told) {
        self.settle(told);
    }
}

/// A line and how many bytes it takes with its end.
fn line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let end = memchr::memchr(b'\n', bytes)?;
    let text = &bytes[..end];
    Some((text.strip_suffix(b"\r").unwrap_or(text), end + 1))
}

impl Talk {
    fn step(&mut self, side: Side, moment: Moment, told: &mut Told) -> bool {
        let (framer, body) = match side {
            Side::Client => (&mut self.client, &mut self.client_body),
            Side::Server => (&mut self.server, &mut self.server_body),
        };
        match *body {
            Body::Rest | Body::Search => {
                framer.clear();
                false
            }
            Body::Bytes(left) => {
                let take = left.min(framer.held().len() as u64);
                framer.take(usize::try_from(take).unwrap_or(0));
                *body = if take == left { Body::Head } else { Body::Bytes(left - take) };
                take == left
            }
            Body::Chunk => {
                let Some((text, used)) = line(framer.held()) else { return false };
                let digits = text.split(|b| *b == b';').next().unwrap_or(text);
                let size = std::str::from_utf8(digits).ok().map(str::trim);
                // The chunk's own line end is counted with it.
                *body = match size.map(|size| (size, u64::from_str_radix(size, 16))) {
                    Some(("", _)) => Body::Chunk,
                    Some((_, Ok(0))) => Body::Trailer,
                    Some((_, Ok(size))) => {
                        framer.take(used);
                        return self.chunk(side, size);
                    }
                    _ => Body::Search,
                };
                framer.take(used);
                true
            }
            Body::Trailer => {
                let Some((text, used)) = line(framer.held()) else { return false };
                if text.is_empty() {
                    *body = Body::Head;
                }
                framer.take(used);
                true
            }
            Body::Head if side == Side::Client => self.request(moment, told),
            Body::Head => self.response(moment, told),
        }
    }

    /// The bytes of a chunk, then its line end, then the next size line.
    fn chunk(&mut self, side: Side, size: u64) -> bool {
        let (framer, body) = match side {
            Side::Client => (&mut self.client, &mut self.client_body),
            Side::Server => (&mut self.server, &mut self.server_body),
        };
        framer.skip(usize::try_from(size).unwrap_or(usize::MAX));
        *body = Body::Chunk;
        true
    }

    fn request(&mut self, moment: Moment, told: &mut Told) -> bool {
        let held = self.client.held();
        if held.is_empty() {
            return false;
        }
        // Empty lines before a request are passed over (RFC 9112, 2.2).
        if held[0] == b'\r' || held[0] == b'\n' {
            self.client.take(1);
            return true;
        }
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut request = httparse::Request::new(&mut fields);
        let used = match request.parse(held) {
            Ok(httparse::Status::Complete(used)) => used,
            Ok(httparse::Status::Partial) if held.len() < MAX_HEAD => return false,
            _ => {
                told.malformed = true;
                self.client.clear();
                self.client_body = Body::Search;
                return false;
            }
        };
        let (verb, target) = (request.method.unwrap_or("").to_owned(), request.path.unwrap_or("").to_owned());
        let mut who = Who::default();
        let length = identify(request.headers, &mut who, told);
        self.client.take(used);
        self.client_body = length;
        if verb == "CONNECT" {
            self.client_body = Body::Rest;
        }
        if moment.packet < self.answered_until {
            told.unmatched += 1;
        } else if self.waiting.len() < MAX_WAITING {
            let (object, query) = (request::target_path(&target), request::query_names(&target));
            self.waiting.push_back(Waiting { verb, object, query, moment, who });
        } else {
            told.limited = true;
        }
        true
    }

    fn response(&mut self, moment: Moment, told: &mut Told) -> bool {
        let held = self.server.held();
        if held.is_empty() {
            return false;
        }
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        let used = match response.parse(held) {
            Ok(httparse::Status::Complete(used)) => used,
            Ok(httparse::Status::Partial) if held.len() < MAX_HEAD => return false,
            _ => {
                self.server.clear();
                self.server_body = Body::Search;
                return false;
            }
        };
        let status = response.code.unwrap_or(0);
        let length = framing(response.headers);
        let page = status == 200 && is_page(response.headers);
        self.server.take(used);
        if (100..200).contains(&status) && status != 101 {
            return true;
        }
        let asked = self.waiting.pop_front();
        let head = asked.as_ref().is_some_and(|asked| asked.verb == "HEAD");
        let connect = asked.as_ref().is_some_and(|asked| asked.verb == "CONNECT");
        self.server_body = match length {
            _ if status == 101 || (connect && status < 300) => Body::Rest,
            _ if head || status == 204 || status == 304 => Body::Head,
            Some(body) => body,
            None => Body::Rest,
        };
        if status == 101 {
            self.client_body = Body::Rest;
        }
        if asked.is_none() {
            self.answered_until = moment.packet;
        }
        if let Some(asked) = asked {
            let outcome = request::outcome(status);
            let micros = u64::try_from(moment.stamp.0 - asked.moment.stamp.0).ok();
            let Waiting { verb, object, query, moment, who } = asked;
            let page = page && verb == "GET";
            told.acts.push(Act {
                verb,
                object,
                moment,
                outcome,
                micros,
                who: Some(who),
                page,
                redirected: request::redirects(status),
                query,
            });
        }
        true
    }

    fn settle(&mut self, told: &mut Told) {
        while let Some(Waiting { verb, object, query, moment, who }) = self.waiting.pop_front() {
            let (outcome, micros) = (Outcome::Ok, None);
            told.acts.push(Act {
                verb,
                object,
                moment,
                outcome,
                micros,
                who: Some(who),
                page: false,
                redirected: false,
                query,
            });
        }
    }
}

/// How long a body its header fields say it is; `None`: they do not say.
fn framing(fields: &[httparse::Header<'_>]) -> Option<Body> {
    let find =
        |name: &str| fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)).map(|f| f.value);
    if find("transfer-encoding").is_some_and(|value| value.to_ascii_lowercase().ends_with(b"chunked")) {
        return Some(Body::Chunk);
    }
    let length = std::str::from_utf8(find("content-length")?).ok()?.trim().parse().ok()?;
    Some(if length == 0 { Body::Head } else { Body::Bytes(length) })
}

/// Whether an answer is a page for people, by its media type (RFC 9110, 8.3).
fn is_page(fields: &[httparse::Header<'_>]) -> bool {
    let kind = fields.iter().find(|field| field.name.eq_ignore_ascii_case("content-type"));
    let kind = kind.map(|field| field.value.trim_ascii_start().to_ascii_lowercase());
    kind.is_some_and(|kind| kind.starts_with(b"text/html") || kind.starts_with(b"application/xhtml+xml"))
}

/// Who a request says it is from; gives how long its body is.
fn identify(fields: &[httparse::Header<'_>], who: &mut Who, told: &mut Told) -> Body {
    for field in fields.iter() {
        let value = String::from_utf8_lossy(field.value).trim().to_owned();
        match field.name.to_ascii_lowercase().as_str() {
            "host" => {
                told.names.insert(Text::from(scrub(&value.to_lowercase()).as_ref()));
            }
            "user-agent" if !value.is_empty() => {
                who.program = Some(request::program(&value));
            }
            "x-forwarded-for" => {
                // Several fields are one list (RFC 9110, 5.3).
                let before = who.forwarded_for.take().map_or(String::new(), |list| format!("{list}, "));
                who.forwarded_for = Some(Text::from(format!("{before}{value}")));
            }
            "authorization" => {
                let basic = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
                let user = basic.and_then(|(_, coded)| user_of(coded.trim()));
                if let Some(user) = user.filter(|user| !user.is_empty()) {
                    who.principal = Some(Text::from(scrub_name(&user).as_ref()));
                }
            }
            _ => {}
        }
    }
    // What a connection says of itself is what its first request did.
    if told.program.is_none() {
        told.program.clone_from(&who.program);
    }
    if told.principal.is_none() {
        told.principal.clone_from(&who.principal);
    }
    framing(fields).unwrap_or(Body::Head)
}

/// The user of `user:password` in base64 (RFC 4648), padded or not.
fn user_of(coded: &str) -> Option<String> {
    let coded = coded.trim_end_matches('=');
    let bytes = STANDARD_NO_PAD.decode(coded).or_else(|_| URL_SAFE_NO_PAD.decode(coded)).ok()?;
    let user = bytes.split(|byte| *byte == b':').next()?;
    String::from_utf8(user.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::{Http, Protocol, Side, Told};
    use crate::collect::traffic::Moment;
    use crate::evidence::Stamp;

    /// What a conversation tells: `outcome method path as whom`, and how many requests are unmatched.
    fn told(steps: &[(u64, Side, &str)]) -> (Vec<String>, u64) {
        let mut conversation = Http.open();
        let mut told = Told::default();
        for (packet, side, text) in steps {
            if text.is_empty() {
                conversation.hole(*side, &mut told);
                continue;
            }
            let moment = Moment { stamp: Stamp(*packet as i64), packet: *packet, datagram: false };
            conversation.bytes(*side, text.replace('|', "\r\n").as_bytes(), moment, &mut told);
        }
        conversation.end(&mut told);
        let acts = told.acts.iter().map(|act| {
            let who = act.who.clone().unwrap_or_default();
            let behind = who.forwarded_for.as_deref().unwrap_or("-").to_owned();
            let program = who.program.as_deref().unwrap_or("-");
            let user = who.principal.as_deref().unwrap_or("-");
            format!("{} {} {} {user} {program} {behind}", act.outcome.word(), act.verb, act.object)
        });
        (acts.collect(), told.unmatched)
    }

    const OK: &str = "HTTP/1.1 200 OK|Content-Length: 0||";

    #[test]
    fn each_request_of_a_proxys_connection_has_its_own_client() {
        let steps = [
            (1, Side::Client, "GET /a HTTP/1.1|Host: x|User-Agent: one|X-Forwarded-For: 10.1.1.1||"),
            (2, Side::Server, OK),
            (3, Side::Client, "GET /b HTTP/1.1|Host: x|Authorization: Basic Ym9iOmh1bnRlcjI=||"),
            (4, Side::Server, OK),
            (5, Side::Client, "GET /c?token=hunter2 HTTP/1.1|Host: x|User-Agent: bot (key=hunter2)||"),
            (6, Side::Server, "HTTP/1.1 404 No|Content-Length: 0||"),
        ];
        let wanted =
            ["ok GET /a - one 10.1.1.1", "ok GET /b bob - -", "failed GET /c - bot (key=‹scrubbed›) -"];
        assert_eq!(told(&steps).0, wanted);
    }

    #[test]
    fn a_request_read_after_its_answer_has_no_outcome_of_another() {
        let steps = [
            (1, Side::Client, "GET /a HTTP/1.1|Host: x||"),
            (2, Side::Server, OK),
            (11, Side::Server, OK),
            (21, Side::Server, "HTTP/1.1 404 No|Content-Length: 0||"),
            (22, Side::Client, ""),
            (20, Side::Client, "GET /c HTTP/1.1|Host: x||"),
            (30, Side::Client, "GET /d HTTP/1.1|Host: x||"),
            (31, Side::Server, OK),
        ];
        assert_eq!(told(&steps), (vec!["ok GET /a - - -".to_owned(), "ok GET /d - - -".to_owned()], 1));
    }

    #[test]
    fn a_page_is_html_that_was_given_and_not_where_somebody_was_sent() {
        let html = "Content-Type: text/html; charset=utf-8|Content-Length: 0||";
        for (asked, answer, page, redirected) in [
            ("GET", format!("HTTP/1.1 200 OK|{html}"), true, false),
            ("GET", format!("HTTP/1.1 302 Found|Location: /login|{html}"), false, true),
            ("GET", format!("HTTP/1.1 404 Not Found|{html}"), false, false),
            ("POST", format!("HTTP/1.1 200 OK|{html}"), false, false),
            (
                "GET",
                "HTTP/1.1 200 OK|Content-Type: application/json|Content-Length: 0||".to_owned(),
                false,
                false,
            ),
        ] {
            let mut conversation = Http.open();
            let mut told = Told::default();
            let request = format!("{asked} /p HTTP/1.1|Host: h||");
            for (packet, side, text) in [(1, Side::Client, &request), (2, Side::Server, &answer)] {
                let moment = Moment { stamp: Stamp(packet as i64), packet, datagram: false };
                conversation.bytes(side, text.replace('|', "\r\n").as_bytes(), moment, &mut told);
            }
            let acts: Vec<(bool, bool)> = told.acts.iter().map(|act| (act.page, act.redirected)).collect();
            assert_eq!(acts, [(page, redirected)], "{asked} {answer}");
        }
    }
}
