//! An export of pg_stat_statements (appendix F of PostgreSQL's manual) as CSV with a header, columns in any order, of
//! any version: statements with how often they ran, by whom and where. The view has no times, hosts or applications, and
//! forgets what is rare; it never says when anything ran.

use super::{Block, Context, Event, LogFormat, Record, UNSTATED, Who};
use crate::collect::csv_table::Fields;
use crate::evidence::{About, Confidence, Provenance, Text};
use std::sync::Arc;

/// An export of pg_stat_statements.
pub struct PgStatStatements;

/// Which columns hold what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Columns {
    separator: u8,
    query: usize,
    calls: usize,
    user: Option<usize>,
    database: Option<usize>,
}

/// The length of the first record with its newline; `None`: it is not whole.
fn record_length(bytes: &[u8]) -> Option<usize> {
    let mut quoted = false;
    for at in memchr::memchr2_iter(b'"', b'\n', bytes) {
        match bytes[at] {
            b'"' => quoted = !quoted,
            _ if !quoted => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The fields of a header line.
fn names(header: &[u8], separator: u8) -> Vec<String> {
    let mut fields = Fields::new(separator);
    fields.read(header);
    (0..fields.len()).map(|index| fields.text(index).trim().to_ascii_lowercase()).collect()
}

impl Columns {
    /// Of a header line; `None`: it is no export's.
    fn of(header: &[u8]) -> Option<Columns> {
        let header = header.strip_prefix(b"\xef\xbb\xbf").unwrap_or(header);
        let separator = [b',', b'\t', b';', b'|']
            .into_iter()
            .find(|sign| names(header, *sign).iter().any(|name| name == "query"))?;
        let names = names(header, separator);
        let at = |wanted: &[&str]| wanted.iter().find_map(|name| names.iter().position(|it| it == name));
        // `query` and `calls` alone may be anybody's; the rest is the view's own.
        let time = at(&["total_exec_time", "total_time"]);
        let own = ["rolname", "usename", "queryid", "shared_blks_hit", "rows", "userid", "dbid", "toplevel"];
        let enough = own.iter().filter(|name| at(&[name]).is_some()).count() + usize::from(time.is_some());
        (enough >= 2).then_some(Columns {
            separator,
            query: at(&["query"])?,
            calls: at(&["calls"])?,
            user: at(&["rolname", "usename", "username", "user_name", "user", "role"]),
            database: at(&["datname", "dbname", "database_name", "database"]),
        })
    }

    /// As it is handed from block to block.
    fn text(self) -> String {
        let place = |at: Option<usize>| at.map_or("-".to_owned(), |at| at.to_string());
        let (user, database) = (place(self.user), place(self.database));
        format!("{} {} {} {user} {database}", self.separator, self.query, self.calls)
    }

    fn parse(text: &str) -> Option<Columns> {
        let mut words = text.split(' ');
        let separator = words.next()?.parse().ok()?;
        let (query, calls) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let (user, database) = (words.next()?.parse().ok(), words.next()?.parse().ok());
        Some(Columns { separator, query, calls, user, database })
    }
}

impl LogFormat for PgStatStatements {
    fn about(&self) -> &'static About {
        &About {
            name: "pg-stat-statements",
            title: "export of pg_stat_statements, CSV with a header, all versions",
            provenance: Provenance::Recorded,
        }
    }

    /// How often something ran, and not when.
    fn holds_times(&self) -> bool {
        false
    }

    fn recognise(&self, head: &[u8]) -> Option<Confidence> {
        let end = memchr::memchr(b'\n', head).unwrap_or(head.len());
        Columns::of(&head[..end]).map(|_| Confidence::High)
    }

    fn last_start(&self, block: &[u8]) -> usize {
        let (mut start, mut last) = (0, 0);
        while let Some(length) = record_length(&block[start..]) {
            last = start;
            start += length;
        }
        if start < block.len() { start } else { last }
    }

    fn header(&self, block: &[u8], before: &str) -> Option<String> {
        if !before.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', block).unwrap_or(block.len());
        Columns::of(&block[..end]).map(Columns::text)
    }

    fn parse(&self, block: &[u8], context: Context<'_>) -> Block {
        let mut parsed = Block::default();
        let mut columns = Columns::parse(context.header);
        let mut fields = columns.map(|known| Fields::new(known.separator));
        let mut start = 0;
        while start < block.len() {
            let length = record_length(&block[start..]).unwrap_or(block.len() - start);
            let record = &block[start..start + length];
            let number = parsed.lines;
            parsed.lines += memchr::memchr_iter(b'\n', record).count().max(1) as u64;
            start += length;
            let (Some(known), Some(fields)) = (columns, &mut fields) else {
                columns = Columns::of(record);
                fields = columns.map(|known| Fields::new(known.separator));
                continue;
            };
            if record.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            fields.read(record);
            match read(fields, known, number) {
                Some(record) => parsed.records.push(record),
                None => {
                    if parsed.unmatched == 0 {
                        parsed.first_unmatched = number;
                    }
                    parsed.unmatched += 1;
                }
            }
        }
        parsed
    }
}

fn read(fields: &Fields, columns: Columns, line: u64) -> Option<Record> {
    let text = |at: usize| (at < fields.len()).then(|| fields.text(at));
    let sql = text(columns.query)?;
    let calls = text(columns.calls)?.trim().parse::<f64>().ok().filter(|calls| *calls >= 0.0)?;
    let name = |at: Option<usize>| Text::from(at.and_then(text).as_deref().map_or("", str::trim));
    let who = Who { user: name(columns.user), database: name(columns.database), ..Who::default() };
    let event = Event::Totals { sql: sql.into_owned(), calls: calls as u64 };
    Some(Record { stamp: UNSTATED, session: 0, who: Arc::new(who.scrubbed()), event, line })
}
