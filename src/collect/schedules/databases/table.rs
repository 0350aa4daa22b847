//! Exports of tables: text with commas or tabs and a first line that names the columns, and what psql prints. Fields that
//! are NULL are empty. It knows no column.

use csv_core::{ReadRecordResult, ReaderBuilder};

/// How many columns and rows one export may have.
const MAX_COLUMNS: usize = 256;
const MAX_ROWS: usize = 100_000;

/// One row with its line.
pub(super) struct Row {
    pub line: u64,
    fields: Vec<String>,
}

/// An export.
pub(super) struct Table {
    names: Vec<String>,
    pub rows: Vec<Row>,
}

impl Table {
    /// The table of a text whose first line names these columns, in any order.
    pub fn of(text: &str, needed: &[&str]) -> Option<Table> {
        let header = text.lines().find(|line| !line.trim().is_empty())?;
        let table = if header.contains('|') && text.lines().nth(1).is_some_and(is_rule) {
            aligned(text)
        } else {
            let tabs = header.contains('\t');
            separated(
                text,
                if tabs {
                    b'\t'
                } else if header.contains(';') {
                    b';'
                } else {
                    b','
                },
            )
        };
        needed.iter().all(|name| table.names.iter().any(|own| own == name)).then_some(table)
    }

    /// A field of a row; `None`: it is empty or NULL.
    pub fn get<'a>(&self, row: &'a Row, name: &str) -> Option<&'a str> {
        let at = self.names.iter().position(|own| own == name)?;
        row.fields
            .get(at)
            .map(String::as_str)
            .filter(|field| !field.is_empty() && !matches!(*field, "NULL" | "\\N"))
    }
}

/// Whether the head of a file names these columns in its first line.
pub(super) fn names_columns(head: &[u8], needed: &[&str]) -> bool {
    let end = head.iter().position(|b| *b == b'\n').unwrap_or(head.len());
    let Ok(first) = std::str::from_utf8(&head[..end.min(4096)]) else { return false };
    let first = first.to_ascii_lowercase();
    let words: Vec<&str> = first.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).collect();
    needed.iter().all(|name| words.contains(name))
}

/// `----+------`, as psql underlines the names.
fn is_rule(line: &str) -> bool {
    line.contains("-+-") && line.bytes().all(|b| matches!(b, b'-' | b'+' | b' ' | b'\r'))
}

fn name(field: &str) -> String {
    field.trim().trim_start_matches('\u{feff}').to_lowercase()
}

/// What psql prints: bars between fields, and a `+` at the end of a field that goes on.
fn aligned(text: &str) -> Table {
    let mut table = Table { names: Vec::new(), rows: Vec::new() };
    let mut goes_on = false;
    for (at, line) in text.lines().enumerate().take(MAX_ROWS) {
        let fields: Vec<&str> = line.split('|').collect();
        if table.names.is_empty() {
            table.names = fields.iter().map(|field| name(field)).collect();
            continue;
        }
        if is_rule(line) || fields.len() != table.names.len() {
            continue;
        }
        let more = fields.iter().any(|field| field.ends_with('+'));
        let fields = fields.iter().map(|field| field.trim_end_matches('+').trim().to_owned());
        match table.rows.last_mut().filter(|_| goes_on) {
            Some(row) => {
                for (own, more) in row.fields.iter_mut().zip(fields).filter(|(_, more)| !more.is_empty()) {
                    own.push('\n');
                    own.push_str(&more);
                }
            }
            None => table.rows.push(Row { line: at as u64 + 1, fields: fields.collect() }),
        }
        goes_on = more;
    }
    table
}

fn separated(text: &str, delimiter: u8) -> Table {
    // What `mysql --batch` prints has tabs, no quotes, and escapes.
    let batch = delimiter == b'\t' && !text.lines().next().unwrap_or("").contains('"');
    let mut reader = ReaderBuilder::new().delimiter(delimiter).quoting(!batch).build();
    let mut table = Table { names: Vec::new(), rows: Vec::new() };
    let (mut bytes, mut ends) = (vec![0; text.len() + 16], vec![0; MAX_COLUMNS]);
    let mut input = text.as_bytes();
    while table.rows.len() < MAX_ROWS {
        let line = reader.line();
        let (result, read, written, count) = reader.read_record(input, &mut bytes, &mut ends);
        let (result, count) = match result {
            // The last record may lack its newline.
            ReadRecordResult::InputEmpty => {
                let (result, _, _, more) = reader.read_record(&[], &mut bytes[written..], &mut ends[count..]);
                (result, count + more)
            }
            result => (result, count),
        };
        input = &input[read.min(input.len())..];
        if result != ReadRecordResult::Record {
            break;
        }
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let field = |(start, end): (usize, usize)| {
            let text = String::from_utf8_lossy(bytes.get(start..end).unwrap_or(&[])).into_owned();
            if batch { text.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\") } else { text }
        };
        let fields: Vec<String> = starts.zip(ends.iter().copied()).take(count).map(field).collect();
        if table.names.is_empty() {
            table.names = fields.iter().map(|field| name(field)).collect();
        } else if fields.len() == table.names.len() {
            table.rows.push(Row { line, fields });
        }
        if input.is_empty() {
            break;
        }
    }
    table
}
