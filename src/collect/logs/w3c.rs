//! Logs in the extended format of the W3C (working draft WD-logfile-960323): directives behind `#`, of which `#Fields:`
//! names the columns and may come again with others. IIS writes them so (W3C Logging, HTTP Server API), times in UTC
//! and `+` for each blank, and CloudFront (standard logs) with tabs and its own percent-encoding. It never reads a line
//! by columns that nothing named.

use super::access::{self, Asked, Clerk, is_chain, some};
use super::line_log::{self, Is};
use super::{Block, Context, LogFormat};
use crate::evidence::{About, Confidence, Provenance, Stamp};
use memchr::memmem;
use std::borrow::Cow;

/// Logs in the extended format.
pub struct W3c {
    /// Whether tabs stand between the fields, else blanks.
    tabs: bool,
    about: &'static About,
}

/// As IIS writes them.
pub static IIS: W3c = W3c {
    tabs: false,
    about: &About {
        name: "iis-w3c",
        title: "access logs in the W3C's extended format, as IIS writes them",
        provenance: Provenance::Documented,
    },
};

/// As CloudFront writes them.
pub static CLOUDFRONT: W3c = W3c {
    tabs: true,
    about: &About {
        name: "aws-cloudfront",
        title: "standard logs of Amazon CloudFront",
        provenance: Provenance::Documented,
    },
};

/// How many columns are read.
const MAX_COLUMNS: usize = 128;
/// How many bytes of the directives of earlier blocks are kept.
const MAX_HEADER: usize = 16 * 1024;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Date,
    Time,
    Client,
    Method,
    Stem,
    Query,
    Uri,
    Status,
    User,
    Host,
    /// The host that the viewer asked CloudFront for; `cs(Host)` is that of the distribution.
    AskedHost,
    Agent,
    Referrer,
    Taken,
    Chain,
    Other,
}

/// The column of a field's name.
fn column(name: &str) -> Column {
    match name.to_ascii_lowercase().as_str() {
        "date" => Column::Date,
        "time" => Column::Time,
        "c-ip" => Column::Client,
        "cs-method" => Column::Method,
        "cs-uri-stem" => Column::Stem,
        "cs-uri-query" => Column::Query,
        "cs-uri" => Column::Uri,
        "sc-status" => Column::Status,
        "cs-username" => Column::User,
        "cs-host" | "cs(host)" => Column::Host,
        "x-host-header" => Column::AskedHost,
        "cs(user-agent)" => Column::Agent,
        "cs(referer)" | "cs(referrer)" => Column::Referrer,
        "time-taken" => Column::Taken,
        "x-forwarded-for" | "cs(x-forwarded-for)" => Column::Chain,
        _ => Column::Other,
    }
}

/// What the directives so far say.
#[derive(Debug, Default)]
struct Said<'a> {
    columns: Vec<Column>,
    /// The day of `#Date:`, for logs whose lines hold only the time.
    day: &'a str,
    /// IIS: blanks are `+`, durations are milliseconds.
    iis: bool,
    /// CloudFront: tabs between fields, percent-encoding around everything.
    cloudfront: bool,
}

impl<'a> Said<'a> {
    /// Takes a directive in; false: the line is none.
    fn hear(&mut self, line: &'a str) -> bool {
        let Some(directive) = line.strip_prefix('#') else { return false };
        if let Some(names) = directive.strip_prefix("Fields:") {
            let names = names.split_whitespace();
            self.columns = names.clone().take(MAX_COLUMNS).map(column).collect();
            self.cloudfront = names.clone().any(|name| name == "x-edge-location");
            self.iis |= names.clone().any(|name| name == "sc-win32-status");
        } else if let Some(software) = directive.strip_prefix("Software:") {
            self.iis = software.contains("Internet Information Services");
        } else if let Some(date) = directive.strip_prefix("Date:") {
            self.day = date.split_whitespace().next().unwrap_or_default();
        }
        true
    }

    /// Whether requests can be told from these columns.
    fn suffices(&self) -> bool {
        let has = |column| self.columns.contains(&column);
        has(Column::Time)
            && has(Column::Method)
            && has(Column::Status)
            && (has(Column::Stem) || has(Column::Uri))
            && (has(Column::Date) || !self.day.is_empty())
    }
}

/// The fields of a line: between blanks or tabs, or in quotes with doubled quotes inside.
fn fields(line: &str, tabs: bool) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    let ends = move |c: char| c == '\t' || (c == ' ' && !tabs);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        if let Some(inside) = text.strip_prefix('"').filter(|_| !tabs) {
            let mut end = inside.find('"')?;
            while inside[end + 1..].starts_with('"') {
                end += 2 + inside[end + 2..].find('"')?;
            }
            rest = inside[end + 1..].strip_prefix(ends);
            return Some(&inside[..end]);
        }
        match text.split_once(ends) {
            Some((field, after)) => {
                rest = Some(after);
                Some(field)
            }
            None => Some(text),
        }
    })
}

/// One layer of percent-encoding taken off; what is no encoding of UTF-8 stays as it is.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some(at) = rest.find('%') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let byte = rest.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte.filter(|byte| !byte.is_ascii_control()) {
            Some(byte) => {
                out.push(byte);
                rest = &rest[at + 3..];
            }
            None => {
                out.push(b'%');
                rest = &rest[at + 1..];
            }
        }
    }
    out.extend_from_slice(rest.as_bytes());
    String::from_utf8(out).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// A value as the server had it before it wrote the line.
fn value<'a>(text: &'a str, said: &Said<'_>, column: Column) -> Cow<'a, str> {
    if said.cloudfront {
        let once = decoded(text);
        // Older logs hold headers that were encoded twice.
        return match column {
            Column::Agent | Column::Chain if once.contains("%20") => Cow::Owned(decoded(&once).into_owned()),
            _ => once,
        };
    }
    match column {
        Column::Stem if said.iis && text.contains('+') => Cow::Owned(text.replace('+', "%20")),
        Column::Agent | Column::User | Column::Chain if said.iis && text.contains('+') => {
            Cow::Owned(text.replace('+', " "))
        }
        _ => Cow::Borrowed(text),
    }
}

/// Milliseconds where IIS says so; else seconds, if a fraction shows that they are.
fn taken(text: &str, said: &Said<'_>) -> Option<u64> {
    match (said.iis, text.contains('.')) {
        (true, _) => access::millis(text),
        (false, true) => access::seconds(text),
        (false, false) => None,
    }
}

/// A line of values.
fn line(text: &str, said: &Said<'_>, clerk: &mut Clerk) -> Is<super::Record> {
    let mut held: [Cow<'_, str>; 16] = std::array::from_fn(|_| Cow::Borrowed("-"));
    let mut count = 0;
    for (index, field) in fields(text, said.cloudfront).enumerate() {
        count = index + 1;
        match said.columns.get(index) {
            Some(Column::Other) => {}
            Some(column) => held[*column as usize] = value(field, said, *column),
            None => return Is::Unmatched,
        }
    }
    let at = |column: Column| &*held[column as usize];
    let Some(stamp) = moment(at(Column::Date), at(Column::Time), said) else { return Is::Unmatched };
    let Some(status) = access::status(at(Column::Status)) else { return Is::Unmatched };
    if count != said.columns.len() {
        return Is::Unmatched;
    }
    let mut target = Cow::Borrowed(some(at(Column::Stem)).or(some(at(Column::Uri))).unwrap_or_default());
    if let Some(query) = some(at(Column::Query)) {
        target = Cow::Owned(format!("{target}?{query}"));
    }
    let chain = Some(at(Column::Chain)).filter(|chain| is_chain(chain));
    Is::This(clerk.record(&Asked {
        peer: at(Column::Client),
        forwarded_for: chain.unwrap_or_default(),
        user: at(Column::User),
        host: some(at(Column::AskedHost)).unwrap_or(at(Column::Host)),
        method: at(Column::Method),
        target: &target,
        status,
        micros: taken(at(Column::Taken), said),
        referrer: at(Column::Referrer),
        agent: at(Column::Agent),
        ..Asked::at(stamp)
    }))
}

fn moment(date: &str, time: &str, said: &Said<'_>) -> Option<Stamp> {
    access::utc(some(date).unwrap_or(said.day), time)
}

fn recognised(head: &[u8], cloudfront: bool) -> Option<Confidence> {
    if head.first() != Some(&b'#') {
        return None;
    }
    let text = String::from_utf8_lossy(head);
    let mut said = Said::default();
    for line in text.lines().take_while(|line| line.starts_with('#')) {
        said.hear(line);
    }
    (said.suffices() && said.cloudfront == cloudfront).then_some(Confidence::High)
}

/// The last directive of a name in a block, and before.
fn last<'a>(block: &'a [u8], before: &'a str, name: &str) -> Cow<'a, str> {
    let newline = [b"\n", name.as_bytes()].concat();
    let at = memmem::rfind(block, &newline).map(|at| at + 1);
    let at = at.or_else(|| block.starts_with(name.as_bytes()).then_some(0));
    match at {
        Some(at) => {
            let rest = &block[at..];
            String::from_utf8_lossy(&rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())])
        }
        None => Cow::Borrowed(before.lines().find(|line| line.starts_with(name)).unwrap_or_default()),
    }
}

fn header(block: &[u8], before: &str) -> Option<String> {
    memchr::memchr(b'#', block)?;
    let names = ["#Software:", "#Date:", "#Fields:"];
    let said: Vec<Cow<'_, str>> = names.iter().map(|name| last(block, before, name)).collect();
    let said = said.join("\n");
    (said.len() <= MAX_HEADER).then_some(said)
}

fn parse(block: &[u8], context: Context<'_>) -> Block {
    let text = super::as_text(block);
    let mut clerk = Clerk::default();
    let mut said = Said::default();
    for directive in context.header.lines() {
        said.hear(directive);
    }
    line_log::parse(&text, &mut |text| {
        if said.hear(text) {
            return Is::Known;
        }
        if said.suffices() { line(text, &said, &mut clerk) } else { Is::Unmatched }
    })
}

impl LogFormat for W3c {
    fn about(&self) -> &'static About {
        self.about
    }

    fn recognise(&self, head: &[u8]) -> Option<Confidence> {
        recognised(head, self.tabs)
    }

    fn last_start(&self, block: &[u8]) -> usize {
        line_log::last_start(block)
    }

    fn header(&self, block: &[u8], before: &str) -> Option<String> {
        header(block, before)
    }

    fn parse(&self, block: &[u8], context: Context<'_>) -> Block {
        parse(block, context)
    }
}
