//! Envoy's access log as text: its default format ("Access logging", "Default format string"), and the longer one that
//! Istio gives it (`accessLogFile`, encoding TEXT). The default one names the client only in X-Forwarded-For, whose last
//! address is the one that the nearest proxy saw. It reads no format that somebody put together by hand.

use super::access::{self, Asked, Clerk, some};
use super::line_log::{self, Is};
use super::{Block, Context, LogFormat, Record};
use crate::evidence::{About, Confidence, Provenance};

/// Envoy.
pub struct Envoy;

/// The last address of a list, and those before it.
fn last_hop(chain: &str) -> (&str, &str) {
    let (before, last) = chain.rsplit_once(',').unwrap_or(("", chain));
    (last.trim(), before)
}

/// The address of `address:port`.
pub fn address(end: &str) -> &str {
    let bare = end.rsplit_once(':').map_or(end, |(address, _)| address);
    bare.trim_start_matches('[').trim_end_matches(']')
}

/// What stands behind the request.
struct Answer<'a> {
    code: &'a str,
    duration: &'a str,
    chain: &'a str,
    agent: &'a str,
    host: &'a str,
    /// What only Istio writes: cluster, three addresses, the name asked for by TLS, the route.
    more: Vec<&'a str>,
}

/// `code flags [details termination "failure"] received sent duration upstream-time "xff" "agent" "id" "host" "upstream"`
/// and Istio's own fields. Nothing is escaped: quotes within are those of the client's program, because no other of
/// these can hold any.
fn answer(text: &str) -> Option<Answer<'_>> {
    let (before, mut rest) = text.split_once('"')?;
    let mut words: Vec<&str> = before.split_whitespace().collect();
    let code = *words.first()?;
    match words.len() {
        4 => {
            let (numbers, after) = rest.split_once("\" ")?.1.split_once('"')?;
            words.extend(numbers.split_whitespace());
            rest = after;
        }
        6 => drop(words.splice(2..2, ["-", "-"])),
        _ => return None,
    }
    let [_, _, _, _, _, _, duration, _] = *words else { return None };
    let (quoted, more) = rest.rsplit_once('"')?;
    let (chain, quoted) = quoted.split_once("\" \"")?;
    let (quoted, _upstream) = quoted.rsplit_once("\" \"")?;
    let (quoted, host) = quoted.rsplit_once("\" \"")?;
    let (agent, _id) = quoted.rsplit_once("\" \"")?;
    let more: Vec<&str> = more.split_whitespace().collect();
    matches!(more.len(), 0 | 6).then_some(Answer { code, duration, chain, agent, host, more })
}

fn read(line: &str, clerk: &mut Clerk) -> Is<Record> {
    let parts = line.strip_prefix('[').and_then(|rest| {
        let (time, rest) = rest.split_once("] \"")?;
        let (request, rest) = rest.split_once("\" ")?;
        Some((access::rfc3339(time)?, request, answer(rest)?))
    });
    let Some((stamp, request, answer)) = parts else { return Is::Unmatched };
    let Some(status) = access::status(answer.code) else { return Is::Unmatched };
    if request.starts_with("- - -") {
        return Is::Passed(
            "connections that Envoy passes on without reading them: what was asked for stands in no line",
        );
    }
    let (peer, chain) = match answer.more.get(3).and_then(|peer| some(peer)) {
        Some(peer) => (address(peer), answer.chain),
        None => last_hop(answer.chain),
    };
    let (method, target) = access::request_line(request).unwrap_or_default();
    Is::This(clerk.record(&Asked {
        peer,
        forwarded_for: chain,
        host: answer.host,
        method,
        target,
        status,
        micros: access::millis(answer.duration),
        agent: answer.agent,
        behind: answer.more.first().unwrap_or(&"-"),
        ..Asked::at(stamp)
    }))
}

impl LogFormat for Envoy {
    fn about(&self) -> &'static About {
        &About {
            name: "envoy",
            title: "Envoy's access log as text: its default format, and Istio's",
            provenance: Provenance::Documented,
        }
    }

    fn recognise(&self, head: &[u8]) -> Option<Confidence> {
        let mut clerk = Clerk::default();
        line_log::recognise(head, &mut |line| match read(line, &mut clerk) {
            Is::This(_) => Is::This(()),
            Is::Passed(what) => Is::Passed(what),
            _ => Is::Unmatched,
        })
    }

    fn last_start(&self, block: &[u8]) -> usize {
        line_log::last_start(block)
    }

    fn parse(&self, block: &[u8], _: Context<'_>) -> Block {
        let mut clerk = Clerk::default();
        line_log::parse(&super::as_text(block), &mut |line| read(line, &mut clerk))
    }
}
