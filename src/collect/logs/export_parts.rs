//! Texts that a server cuts into numbered rows, put together again. Rows of one text have to stand together, in order;
//! where they do not, the text is a gap and nothing is guessed of it.

use super::export::{Cells, Export, Row, Rows, places};
use crate::collect::csv_table::{self, Fields, Table};
use crate::evidence::GapCode;

/// Columns that cut one text into rows: where the number of the part stands (from 0), and the text, and what is the
/// same in all rows of one text.
pub struct Parts {
    /// The number of the part.
    pub sequence: usize,
    /// The part.
    pub text: usize,
    /// What parts of one text share.
    pub same: &'static [usize],
    /// How many characters a part has before there is another.
    pub size: usize,
}

/// The number of a part, and what it shares with the others of its text.
type PartKey = (Option<i64>, Vec<String>);

/// Rows that are parts of one text.
pub struct Run<'a> {
    /// Which columns they are.
    pub parts: Parts,
    delimiter: u8,
    places: Vec<Option<usize>>,
    names: Vec<Vec<&'a str>>,
    fields: Fields,
}

impl<'a> Run<'a> {
    /// Of a table.
    pub fn new(export: &'a (impl Export + ?Sized), table: &Table, parts: Parts) -> Run<'a> {
        let names = export.columns();
        let (places, fields) = (places(&names, table), Fields::new(table.delimiter));
        Run { parts, delimiter: table.delimiter, places, names, fields }
    }

    fn key(parts: &Parts, row: &Row<'_>) -> PartKey {
        let same = parts.same.iter().map(|column| row.text(*column).into_owned());
        (row.number(parts.sequence), same.collect())
    }

    /// What the next record says: its length, its number and what it shares, its part.
    fn next(&mut self, rest: &[u8], line: u64) -> Option<(usize, PartKey, String)> {
        let length = csv_table::record_length(rest, self.delimiter).unwrap_or(rest.len());
        self.fields.read(&rest[..length]);
        let cells = Cells::Fields(&self.fields);
        let row = Row { cells, places: &self.places, names: &self.names, joined: None, line };
        (length > 0).then(|| (length, Run::key(&self.parts, &row), row.text(self.parts.text).into_owned()))
    }

    /// The text that a row begins, with the parts that follow in `rest` and how long those are. `None`: it begins none,
    /// or what is there is not all of it.
    pub fn join(&mut self, row: &Row<'_>, rest: &[u8], out: &mut Rows<'_>) -> (Option<String>, usize) {
        const TORN: &str = "rows that are parts of one statement do not stand together, so it is left out: export them \
                            ordered by statement and sequence";
        if !self.places.get(self.parts.sequence).is_some_and(Option::is_some) {
            return (Some(row.text(self.parts.text).into_owned()), 0);
        }
        let (Some(mut number), same) = Run::key(&self.parts, row) else {
            out.unmatched();
            return (None, 0);
        };
        let mut part = row.text(self.parts.text).into_owned();
        if number != 0 {
            out.gap(GapCode::Truncated, TORN);
            return (None, 0);
        }
        let (mut text, mut used) = (String::new(), 0);
        while let Some((length, (next, shared), more)) = self.next(&rest[used..], row.line) {
            if next != Some(number + 1) || shared != same {
                break;
            }
            // The server keeps parts in columns of fixed width; an export may have cut the blanks at their end.
            text.push_str(&part);
            let missing = self.parts.size.saturating_sub(part.chars().count());
            text.extend(std::iter::repeat_n(' ', missing));
            (part, number, used) = (more, number + 1, used + length);
        }
        text.push_str(&part);
        if part.chars().count() >= self.parts.size && !part.ends_with(' ') {
            out.gap(GapCode::Truncated, TORN);
            return (None, used);
        }
        (Some(text), used)
    }

    /// Where the last text starts; 0: the block has only one.
    pub fn last_start(&mut self, block: &[u8]) -> usize {
        let (mut start, mut last) = (0, 0);
        let mut before: Option<PartKey> = None;
        while let Some(length) = csv_table::record_length(&block[start..], self.delimiter) {
            let next = self.next(&block[start..start + length], 0);
            let key = next.map(|(_, key, _)| key);
            let goes_on = match (&before, &key) {
                (Some((Some(number), same)), Some((Some(next), shared))) => {
                    *next == number + 1 && shared == same
                }
                _ => false,
            };
            if !goes_on {
                last = start;
            }
            before = key;
            start += length;
        }
        last
    }
}
