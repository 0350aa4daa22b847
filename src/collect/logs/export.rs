//! Exports of histories that servers keep as tables: one row is one record, whoever asked for it and with whichever
//! tool, as CSV with the names of the columns in front or as JSON objects by key. A format says which columns it reads
//! and what a row means; which layout a file has, where its records end and how times are written is told here, once.
//! It keeps no state across rows but where a server cuts one text into numbered rows.

pub use super::export_parts::Parts;
use super::export_parts::Run;
use super::{Block, Context, Event, Executed, LogFormat, Record, Who, Zones, objects};
use crate::collect::csv_table::{self, Fields, Table};
use crate::evidence::{About, Confidence, GapCode, Stamp, Text};
use crate::sql::Dialect;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// How many records of a file's head are looked at to tell whose they are.
const RECORDS_TRIED: usize = 4;
/// What begins the header that tells blocks of a table's columns, and what is that of objects.
const OF_TABLE: &str = "table ";
const OF_OBJECTS: &str = "objects";
/// That of a file whose columns nobody knows.
const OF_NOBODY: &str = "nobody's";

/// One kind of export.
pub trait Export: Sync {
    /// Its row in the table of formats.
    fn about(&self) -> &'static About;
    /// Whose SQL its statements are.
    fn dialect(&self) -> Dialect;
    /// Whether its rows hold times as most programs write them.
    fn holds_times(&self) -> bool {
        true
    }
    /// The columns it reads, each with all of its names, in lower case.
    fn columns(&self) -> Vec<Vec<&str>>;
    /// Whether a file with this record, or with columns of these names where it has no record, is one of its own.
    fn knows(&self, row: &Row<'_>) -> bool;
    /// Columns without which something cannot be told: what kind of gap that is, and what to do.
    fn wanted(&self) -> Vec<(usize, GapCode, String)> {
        Vec::new()
    }
    /// Whether a person stated the columns: each object that lacks one is then said to.
    fn is_stated(&self) -> bool {
        false
    }
    /// Whether the file has no names of columns: they are called `1`, `2` …
    fn is_headless(&self) -> bool {
        false
    }
    /// Which columns cut a text into rows, if it has such rows.
    fn parts(&self) -> Option<Parts> {
        None
    }
    /// What a row says.
    fn read(&self, row: &Row<'_>, out: &mut Rows<'_>);
}

/// Names of a static table, alternatives with bars between them.
pub fn named(columns: &'static [&'static str]) -> Vec<Vec<&'static str>> {
    columns.iter().map(|names| names.split('|').collect()).collect()
}

pub(super) enum Cells<'a> {
    /// Only the names of columns are known.
    Names,
    Fields(&'a Fields),
    Object(&'a Value),
}

/// One row, by the columns of its format.
pub struct Row<'a> {
    pub(super) cells: Cells<'a>,
    /// Where in the record each column stands, for tables.
    pub(super) places: &'a [Option<usize>],
    pub(super) names: &'a [Vec<&'a str>],
    /// A text that was put together from several rows, and its column.
    pub(super) joined: Option<(usize, &'a str)>,
    /// The line of the block it starts at, counted from 0.
    pub line: u64,
}

impl Row<'_> {
    /// The value of a column in an object, under any of its names, in lower or upper case.
    fn value(&self, column: usize) -> Option<&Value> {
        let Cells::Object(object) = self.cells else { return None };
        let find = |name: &&str| {
            objects::at(object, name).or_else(|| objects::at(object, &name.to_ascii_uppercase()))
        };
        self.names.get(column)?.iter().find_map(find)
    }

    /// Whether there is such a column.
    pub fn has(&self, column: usize) -> bool {
        match self.cells {
            Cells::Object(_) => self.value(column).is_some(),
            _ => self.places.get(column).is_some_and(Option::is_some),
        }
    }

    /// Whether all of these columns are there.
    pub fn has_all(&self, columns: &[usize]) -> bool {
        columns.iter().all(|column| self.has(*column))
    }

    /// The text of a column; empty where there is none, or where it says that there is nothing.
    pub fn text(&self, column: usize) -> Cow<'_, str> {
        if let Some((joined, text)) = self.joined.filter(|(joined, _)| *joined == column) {
            debug_assert_eq!(joined, column);
            return Cow::Borrowed(text);
        }
        let text = match self.cells {
            Cells::Names => Cow::Borrowed(""),
            Cells::Fields(fields) => {
                let place = self.places.get(column).copied().flatten();
                place.map_or(Cow::Borrowed(""), |place| fields.text(place))
            }
            Cells::Object(_) => self.value(column).map_or(Cow::Borrowed(""), objects::text),
        };
        if matches!(&*text, "NULL" | "null" | "\\N" | "(null)") { Cow::Borrowed("") } else { text }
    }

    /// The JSON of a column: as it stands in an object, or as text in a field.
    pub fn json(&self, column: usize) -> Option<Value> {
        match self.value(column) {
            Some(Value::String(text)) => serde_json::from_str(text).ok(),
            Some(value) => Some(value.clone()),
            None => serde_json::from_str(&self.text(column)).ok(),
        }
    }

    /// A whole number.
    pub fn number(&self, column: usize) -> Option<i64> {
        let text = self.text(column);
        let text = text.trim();
        text.parse().ok().or_else(|| text.parse::<f64>().ok().filter(|it| it.is_finite()).map(|it| it as i64))
    }
}

/// What a time without a zone is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The manual says that it is UTC.
    Utc,
    /// The server's own zone, or that of whoever exported it.
    Local,
}

/// What the rows of a block say.
pub struct Rows<'a> {
    block: Block,
    zones: &'a Zones,
    utc: Zones,
    whos: HashMap<String, Arc<Who>>,
    line: u64,
}

impl Rows<'_> {
    /// The moment a text states.
    pub fn time(&mut self, text: &str, clock: Clock) -> Option<Stamp> {
        let (stamp, known) = moment(text.trim(), if clock == Clock::Utc { &self.utc } else { self.zones })?;
        self.block.zone_assumed |= !known;
        Some(stamp)
    }

    /// The zones of the stream, for a format that reads its times itself.
    pub fn zones(&self) -> &Zones {
        self.zones
    }

    /// Notes that a time was read in a zone nobody stated.
    pub fn assumed(&mut self) {
        self.block.zone_assumed = true;
    }

    /// Who a row names.
    pub fn who(
        &mut self,
        user: &str,
        database: &str,
        application: &str,
        client: &str,
        port: u16,
    ) -> Arc<Who> {
        let key = [user, database, application, client, &port.to_string()].join("\0");
        let make = || {
            let text = |text: &str| Text::from(text.trim());
            let (user, database) = (text(user), text(database));
            let (application, client) = (text(application), text(client));
            Arc::new(Who { user, database, application, client, port, ..Who::default() }.scrubbed())
        };
        self.whos.entry(key).or_insert_with(make).clone()
    }

    /// A row is a record.
    pub fn push(&mut self, stamp: Stamp, session: u64, who: Arc<Who>, event: Event) {
        self.block.records.push(Record { stamp, session, who, event, line: self.line });
    }

    /// A row is a statement with all there is to say about it.
    pub fn executed(&mut self, stamp: Stamp, session: u64, who: Arc<Who>, it: Executed) {
        self.push(stamp, session, who, Event::Executed(Box::new(it)));
    }

    /// A row is no record of this format.
    pub fn unmatched(&mut self) {
        self.block.unmatched(self.line);
    }

    /// A row shows that something is not to be seen.
    pub fn gap(&mut self, code: GapCode, detail: impl Into<Text>) {
        self.block.gap(self.line, code, detail);
    }

    /// A text that the server or the export cut at one of these lengths, without the word it was cut in; what stood
    /// behind is a gap.
    pub fn uncut(&mut self, text: Cow<'_, str>, limits: &[usize]) -> String {
        let length = text.chars().count();
        if !limits.contains(&length) {
            return text.into_owned();
        }
        self.gap(
            GapCode::Truncated,
            format!("statements cut at {length} characters: what stood behind is not known"),
        );
        text.rsplit_once(char::is_whitespace).map_or("", |(kept, _)| kept).to_owned()
    }
}

/// `1795386372.123456`, in seconds; in milli-, micro- or nanoseconds by the number of digits.
fn epoch(text: &str) -> Option<Stamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        let seconds: f64 = text.parse().ok().filter(|it: &f64| (1e8..1e11).contains(it))?;
        return Some(Stamp::from_seconds(0).plus_micros((seconds * 1e6) as i64));
    }
    let number: i64 = whole.parse().ok()?;
    let micros = match whole.len() {
        9..=10 => number * 1_000_000 + format!("{fraction:0<6}").get(..6)?.parse::<i64>().ok()?,
        12..=13 => number * 1_000,
        15..=16 => number,
        18..=19 => number / 1_000,
        _ => return None,
    };
    Some(Stamp::from_seconds(0).plus_micros(micros))
}

/// The moment a text states, and whether its zone is known.
fn moment(text: &str, zones: &Zones) -> Option<(Stamp, bool)> {
    if text.starts_with(|c: char| c.is_ascii_digit())
        && let Some(stamp) = epoch(text)
    {
        return Some((stamp, true));
    }
    let (zoned, length) = zones.read(text.as_bytes())?;
    text[length..].trim().is_empty().then_some((zoned.stamp, zoned.known))
}

/// How a file is laid out.
enum Layout {
    Table(Table),
    Objects,
}

impl Layout {
    /// Told by the file's start.
    fn of(export: &(impl Export + ?Sized), text: &[u8]) -> Option<Layout> {
        let first = text.iter().find(|b| !b.is_ascii_whitespace())?;
        let names = export.columns();
        if matches!(first, b'{' | b'[') {
            return Some(Layout::Objects);
        }
        if export.is_headless() {
            return Layout::headless(&names, text);
        }
        let has = |table: &Table| {
            let places = places(&names, table);
            let row = Row { cells: Cells::Names, places: &places, names: &names, joined: None, line: 0 };
            export.knows(&row)
        };
        Table::of(text, has).map(Layout::Table)
    }

    /// A table without names: what stands between fields is what gives every column that is asked for.
    fn headless(names: &[Vec<&str>], text: &[u8]) -> Option<Layout> {
        let most = names.iter().flatten().filter_map(|name| name.parse::<usize>().ok()).max()?;
        let wide = |table: &Table| table.names.len() >= most;
        let mut table = Table::of(text, wide)?;
        table.names = (1..=table.names.len()).map(|number| number.to_string()).collect();
        Some(Layout::Table(table))
    }

    /// As told to blocks after the first.
    fn header(&self, text: &[u8]) -> String {
        match self {
            Layout::Objects => OF_OBJECTS.to_owned(),
            Layout::Table(table) => {
                let start = text.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(0);
                let length = csv_table::record_length(&text[start..], table.delimiter);
                let end = length.map_or(text.len(), |length| start + length);
                format!("{OF_TABLE}{}", String::from_utf8_lossy(&text[start..end]))
            }
        }
    }

    /// As an earlier block told it.
    fn told(export: &(impl Export + ?Sized), header: &str) -> Option<Layout> {
        match header.strip_prefix(OF_TABLE) {
            Some(names) => Layout::of(export, names.as_bytes()),
            None => (header == OF_OBJECTS).then_some(Layout::Objects),
        }
    }
}

/// Where in a table's records the columns of a format stand.
pub(super) fn places(names: &[Vec<&str>], table: &Table) -> Vec<Option<usize>> {
    names.iter().map(|all| all.iter().find_map(|name| table.column(name))).collect()
}

impl<T: Export> LogFormat for T {
    fn about(&self) -> &'static About {
        Export::about(self)
    }

    fn dialect(&self) -> Dialect {
        Export::dialect(self)
    }

    fn holds_times(&self) -> bool {
        Export::holds_times(self)
    }

    /// Whoever exports a history chooses what is in it.
    fn can_hold_all(&self) -> bool {
        false
    }

    fn recognise(&self, head: &[u8]) -> Option<Confidence> {
        let names = self.columns();
        match Layout::of(self, head)? {
            Layout::Table(_) => Some(Confidence::High),
            Layout::Objects => {
                let mut from = 0;
                for _ in 0..RECORDS_TRIED {
                    let (start, length) = objects::next(&head[from..])?;
                    let object = serde_json::from_slice(&head[from + start..from + start + length]);
                    from += start + length;
                    let Ok(object) = object else { continue };
                    let cells = Cells::Object(&object);
                    let row = Row { cells, places: &[], names: &names, joined: None, line: 0 };
                    if self.knows(&row) {
                        return Some(Confidence::High);
                    }
                }
                None
            }
        }
    }

    fn last_start(&self, block: &[u8]) -> usize {
        self.last_start_of(block, "")
    }

    fn last_start_of(&self, block: &[u8], header: &str) -> usize {
        let layout = Layout::told(self, header).or_else(|| Layout::of(self, block));
        match (layout, self.parts()) {
            (Some(Layout::Objects), _) => objects::last_start(block),
            (Some(Layout::Table(table)), Some(parts)) => Run::new(self, &table, parts).last_start(block),
            (Some(Layout::Table(table)), None) => csv_table::last_start(block, table.delimiter),
            (None, _) => csv_table::last_start(block, b','),
        }
    }

    fn header(&self, block: &[u8], before: &str) -> Option<String> {
        if !before.is_empty() || block.iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        Some(Layout::of(self, block).map_or(OF_NOBODY.to_owned(), |layout| layout.header(block)))
    }

    fn parse(&self, block: &[u8], context: Context<'_>) -> Block {
        let mut out = Rows {
            block: Block::default(),
            zones: context.zones,
            utc: Zones::new(Some(Text::from("UTC"))),
            whos: HashMap::new(),
            line: 0,
        };
        let first = context.header.is_empty();
        let layout = if first { Layout::of(self, block) } else { Layout::told(self, context.header) };
        match layout {
            Some(Layout::Objects) => read_objects(self, block, &mut out),
            Some(Layout::Table(table)) => read_table(self, block, &table, first, &mut out),
            None => {
                let names = self.columns();
                let nothing = Row { cells: Cells::Names, places: &[], names: &names, joined: None, line: 0 };
                if first && !block.iter().all(u8::is_ascii_whitespace) {
                    missing(self, &nothing, &mut out);
                }
                let lines = block.split(|b| *b == b'\n').enumerate();
                for (line, _) in lines.filter(|(_, text)| !text.iter().all(u8::is_ascii_whitespace)) {
                    out.block.unmatched(line as u64);
                }
            }
        }
        out.block.lines = memchr::memchr_iter(b'\n', block).count() as u64;
        out.block
    }
}

/// Counts the lines between objects that hold anything but what stands between objects.
fn stray(text: &[u8], out: &mut Rows<'_>) {
    let between = |b: &u8| b.is_ascii_whitespace() || matches!(b, b',' | b'[' | b']');
    let lines = text.split(|b| *b == b'\n');
    for _ in lines.filter(|line| !line.iter().all(between)) {
        out.unmatched();
    }
}

fn read_objects(export: &(impl Export + ?Sized), block: &[u8], out: &mut Rows<'_>) {
    let names = export.columns();
    let mut from = 0;
    while let Some((start, length)) = objects::next(&block[from..]) {
        let (before, object) = (&block[from..from + start], &block[from + start..from + start + length]);
        stray(before, out);
        out.line += memchr::memchr_iter(b'\n', before).count() as u64;
        match serde_json::from_slice::<Value>(object) {
            Ok(object) => {
                let cells = Cells::Object(&object);
                let row = Row { cells, places: &[], names: &names, joined: None, line: out.line };
                if export.is_stated() {
                    missing(export, &row, out);
                }
                export.read(&row, out);
            }
            Err(_) => out.unmatched(),
        }
        out.line += memchr::memchr_iter(b'\n', object).count() as u64;
        from += start + length;
    }
    stray(&block[from..], out);
}

/// What cannot be told because a column is missing.
fn missing(export: &(impl Export + ?Sized), row: &Row<'_>, out: &mut Rows<'_>) {
    for (_, code, detail) in export.wanted().into_iter().filter(|(column, ..)| !row.has(*column)) {
        out.gap(code, detail);
    }
}

/// Whether a line only ends what a client prints: `(5 rows affected)`, `(5 rows)`.
fn is_trailer(record: &[u8]) -> bool {
    let record = record.trim_ascii();
    record.starts_with(b"(") && (record.ends_with(b"affected)") || record.ends_with(b"rows)"))
}

fn read_table(export: &(impl Export + ?Sized), block: &[u8], table: &Table, first: bool, out: &mut Rows<'_>) {
    let names = export.columns();
    let places = places(&names, table);
    if first {
        let known = Row { cells: Cells::Names, places: &places, names: &names, joined: None, line: 0 };
        missing(export, &known, out);
    }
    let mut run = export.parts().map(|parts| Run::new(export, table, parts));
    let mut fields = Fields::new(table.delimiter);
    let mut names_are_next = first && !export.is_headless();
    let mut start = 0;
    while start < block.len() {
        let length = csv_table::record_length(&block[start..], table.delimiter);
        let record = &block[start..length.map_or(block.len(), |length| start + length)];
        start += record.len();
        let lines = memchr::memchr_iter(b'\n', record).count() as u64;
        if record.iter().all(u8::is_ascii_whitespace) {
            out.line += lines;
            continue;
        }
        fields.read(record);
        if std::mem::take(&mut names_are_next) || table.is_repeated(&fields) || is_trailer(record) {
            out.line += lines;
            continue;
        }
        if fields.len() != table.names.len() {
            out.unmatched();
            out.line += lines;
            continue;
        }
        let row = Row {
            cells: Cells::Fields(&fields),
            places: &places,
            names: &names,
            joined: None,
            line: out.line,
        };
        let Some(run) = &mut run else {
            export.read(&row, out);
            out.line += lines;
            continue;
        };
        let (joined, more) = run.join(&row, &block[start..], out);
        if let Some(text) = joined {
            export.read(&Row { joined: Some((run.parts.text, &text)), ..row }, out);
        }
        out.line += lines + memchr::memchr_iter(b'\n', &block[start..start + more]).count() as u64;
        start += more;
    }
}
