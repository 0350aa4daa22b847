//! Access logs of Amazon's load balancers for HTTP: those of the Application Load Balancer ("Access log entries" of its
//! guide), to which fields were added at the end over the years, and of the classic one. Times are in UTC, durations in
//! seconds. It never takes the load balancer's own name for that of a service.

use super::access::{self, Asked, Clerk};
use super::line_log::{self, Is};
use super::{Block, Context, LogFormat, Record};
use crate::evidence::{About, Confidence, Provenance};

/// The Application Load Balancer.
pub struct Alb;

/// The classic load balancer.
pub struct Elb;

/// How many fields of a line are looked at: up to the name of the target group.
const FIELDS: usize = 17;
/// What a line of the Application Load Balancer begins with.
const TYPES: [&str; 6] = ["http", "https", "h2", "grpcs", "ws", "wss"];

/// The fields of a line, with blanks between them; quotes go. `None`: a quote is not closed.
fn fields(line: &str) -> Option<Vec<&str>> {
    let (mut all, mut rest) = (Vec::with_capacity(FIELDS), line);
    while !rest.is_empty() && all.len() < FIELDS {
        let (field, after) = match rest.strip_prefix('"') {
            Some(inside) => {
                // A quote inside is written `\x22`, or escaped.
                let mut end = inside.find('"')?;
                while inside[..end].ends_with('\\') {
                    end += 1 + inside[end + 1..].find('"')?;
                }
                (&inside[..end], &inside[end + 1..])
            }
            None => rest.split_at(rest.find(' ').unwrap_or(rest.len())),
        };
        all.push(field);
        rest = after.strip_prefix(' ').unwrap_or(after);
    }
    Some(all)
}

/// The address of `address:port`; an address of version 6 may stand without brackets.
fn address(end: &str) -> &str {
    let bare = end.rsplit_once(':').map_or(end, |(address, _)| address);
    bare.trim_start_matches('[').trim_end_matches(']')
}

/// The sum of the durations; `-1` for one means that there was no answer.
fn micros(parts: &[&str]) -> Option<u64> {
    parts.iter().map(|part| access::seconds(part)).sum()
}

/// The name in `arn:aws:elasticloadbalancing:region:account:targetgroup/name/id`.
fn target_group(arn: &str) -> &str {
    arn.split_once(":targetgroup/").map_or("-", |(_, rest)| rest.split('/').next().unwrap_or("-"))
}

/// What the fields from the time on say; `behind` names who answered.
fn record(it: &[&str], behind: &str, clerk: &mut Clerk) -> Is<Record> {
    let [time, _, client, _, t1, t2, t3, status, _, _, _, request, agent @ ..] = it else {
        return Is::Unmatched;
    };
    let (Some(stamp), Some(status)) = (access::rfc3339(time), access::status(status)) else {
        return Is::Unmatched;
    };
    if status == 0 && request.starts_with("- - -") {
        return Is::Passed(
            "connections that a load balancer passes on: what was asked for stands in no line",
        );
    }
    let (method, target) = access::request_line(request).unwrap_or_default();
    Is::This(clerk.record(&Asked {
        peer: address(client),
        method,
        target,
        status,
        micros: micros(&[t1, t2, t3]),
        agent: agent.first().unwrap_or(&"-"),
        behind,
        ..Asked::at(stamp)
    }))
}

fn alb(line: &str, clerk: &mut Clerk) -> Is<Record> {
    let Some(fields) = fields(line) else { return Is::Unmatched };
    match fields.as_slice() {
        [kind, rest @ ..] if TYPES.contains(kind) && fields.len() == FIELDS => {
            record(rest, target_group(fields[FIELDS - 1]), clerk)
        }
        _ => Is::Unmatched,
    }
}

fn elb(line: &str, clerk: &mut Clerk) -> Is<Record> {
    match fields(line) {
        // The client's program was added later.
        Some(fields) if (12..=15).contains(&fields.len()) => record(&fields, "-", clerk),
        _ => Is::Unmatched,
    }
}

fn recognised(head: &[u8], read: fn(&str, &mut Clerk) -> Is<Record>) -> Option<Confidence> {
    let mut clerk = Clerk::default();
    line_log::recognise(head, &mut |line| match read(line, &mut clerk) {
        Is::This(_) => Is::This(()),
        Is::Passed(what) => Is::Passed(what),
        _ => Is::Unmatched,
    })
}

impl LogFormat for Alb {
    fn about(&self) -> &'static About {
        &About {
            name: "aws-alb",
            title: "access logs of Amazon's Application Load Balancer",
            provenance: Provenance::Documented,
        }
    }

    fn recognise(&self, head: &[u8]) -> Option<Confidence> {
        recognised(head, alb)
    }

    fn last_start(&self, block: &[u8]) -> usize {
        line_log::last_start(block)
    }

    fn parse(&self, block: &[u8], _: Context<'_>) -> Block {
        let mut clerk = Clerk::default();
        line_log::parse(&super::as_text(block), &mut |line| alb(line, &mut clerk))
    }
}

impl LogFormat for Elb {
    fn about(&self) -> &'static About {
        &About {
            name: "aws-elb",
            title: "access logs of Amazon's classic load balancer",
            provenance: Provenance::Documented,
        }
    }

    fn recognise(&self, head: &[u8]) -> Option<Confidence> {
        recognised(head, elb)
    }

    fn last_start(&self, block: &[u8]) -> usize {
        line_log::last_start(block)
    }

    fn parse(&self, block: &[u8], _: Context<'_>) -> Block {
        let mut clerk = Clerk::default();
        line_log::parse(&super::as_text(block), &mut |line| elb(line, &mut clerk))
    }
}
