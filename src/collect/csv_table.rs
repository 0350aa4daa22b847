//! Tables as text (RFC 4180, and its kin with tabs, semicolons or bars): where records end, and what stands in their
//! fields. The names of the columns are the first record; blocks after the first are told them. A quote opens a field
//! only at the field's start, so that one inside of a text without quotes is a sign like any other. It keeps no state
//! and knows no columns: a format does.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// What may stand between fields, in the order in which they are tried.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];
/// A table of more columns is none.
const MAX_COLUMNS: usize = 512;

/// The columns of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What stands between fields.
    pub delimiter: u8,
    /// The names of the columns, in lower case, without blanks around them.
    pub names: Vec<String>,
}

impl Table {
    /// The table whose first record this text begins with, if it is one whose columns somebody knows.
    pub fn of(text: &[u8], mut knows: impl FnMut(&Table) -> bool) -> Option<Table> {
        let start = text.iter().position(|b| !b.is_ascii_whitespace())?;
        DELIMITERS.iter().enumerate().find_map(|(tried, delimiter)| {
            let rest = &text[start..];
            let length = record_length(rest, *delimiter).unwrap_or(rest.len());
            // Without it there is one column, which the first has shown.
            if tried > 0 && !rest[..length].contains(delimiter) {
                return None;
            }
            let mut fields = Fields::new(*delimiter);
            fields.read(&rest[..length]);
            let names = (0..fields.len()).map(|index| fields.text(index).trim().to_lowercase()).collect();
            let table = Table { delimiter: *delimiter, names };
            knows(&table).then_some(table)
        })
    }

    /// The column of this name, whatever its case.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|own| own == name || *own == name.to_lowercase())
    }

    /// Whether a record repeats the names of the columns, as in files that were joined, or only underlines them.
    pub fn is_repeated(&self, fields: &Fields) -> bool {
        let line = |text: &str| !text.is_empty() && text.bytes().all(|b| b == b'-');
        let same = |(index, name): (usize, &String)| fields.text(index).trim().to_lowercase() == *name;
        fields.len() == self.names.len()
            && (self.names.iter().enumerate().all(same) || (0..fields.len()).all(|at| line(&fields.text(at))))
    }
}

/// The length of the first record with its newline; `None`: it is not whole.
pub fn record_length(bytes: &[u8], delimiter: u8) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b'"', b'\n', &bytes[at..]) {
        let found = at + found;
        if bytes[found] == b'\n' {
            return Some(found + 1);
        }
        at = found + 1;
        if found > 0 && bytes[found - 1] != delimiter {
            continue;
        }
        // Inside quotes two of them are one, and a single one ends the field.
        loop {
            let end = at + memchr::memchr(b'"', &bytes[at..])?;
            at = end + 1;
            match bytes.get(at) {
                Some(b'"') => at += 1,
                Some(_) => break,
                None => return None,
            }
        }
    }
    None
}

/// Where the last record of a block starts; 0: the block has only one.
pub fn last_start(block: &[u8], delimiter: u8) -> usize {
    let (mut start, mut last) = (0, 0);
    while let Some(length) = record_length(&block[start..], delimiter) {
        last = start;
        start += length;
    }
    if start < block.len() { start } else { last }
}

/// The fields of one record; its memory is used again for the next.
#[derive(Debug)]
pub struct Fields {
    reader: Reader,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
}

impl Fields {
    /// Of no record yet.
    pub fn new(delimiter: u8) -> Fields {
        // Not a clone of one that is kept: a cloned reader of csv-core 0.1.13 takes every byte for one of a field.
        let reader = ReaderBuilder::new().delimiter(delimiter).build();
        Fields { reader, bytes: Vec::new(), ends: vec![0; MAX_COLUMNS], count: 0 }
    }

    /// Takes the fields of a record, which may lack its newline. One of more than [`MAX_COLUMNS`] has none.
    pub fn read(&mut self, record: &[u8]) {
        let record = record.strip_suffix(b"\n").unwrap_or(record);
        let record = record.strip_suffix(b"\r").unwrap_or(record);
        self.reader.reset();
        self.bytes.resize(self.bytes.len().max(record.len() + 16), 0);
        let (mut result, _, mut written, mut count) =
            self.reader.read_record(record, &mut self.bytes, &mut self.ends);
        if result == ReadRecordResult::InputEmpty {
            let (bytes, ends) = (&mut self.bytes[written..], &mut self.ends[count..]);
            let (end, _, more, fields) = self.reader.read_record(&[], bytes, ends);
            // Where fields end is told from the record's start.
            (result, written, count) = (end, written + more, count + fields);
        }
        let whole = result == ReadRecordResult::Record && written <= self.bytes.len();
        self.count = if whole { count } else { 0 };
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// The text of a field, what is not UTF-8 replaced; empty where there is no such field.
    pub fn text(&self, index: usize) -> std::borrow::Cow<'_, str> {
        if index >= self.count {
            return std::borrow::Cow::Borrowed("");
        }
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        String::from_utf8_lossy(self.bytes.get(start..self.ends[index]).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(record: &str, delimiter: u8) -> Vec<String> {
        let mut fields = Fields::new(delimiter);
        fields.read(record.as_bytes());
        (0..fields.len()).map(|index| fields.text(index).into_owned()).collect()
    }

    #[test]
    fn a_record_ends_at_a_newline_outside_of_quotes_and_its_fields_are_unquoted() {
        for (text, delimiter, wanted) in [
            ("a,\"b\"\"c\nd\",e\nnext", b',', vec!["a", "b\"c\nd", "e"]),
            ("a;b \"c\";\r\nnext", b';', vec!["a", "b \"c\"", ""]),
            ("5\" pipe\t\"6\"\" pipe\"\nnext", b'\t', vec!["5\" pipe", "6\" pipe"]),
            ("\"\",\"\"\"\"\nnext", b',', vec!["", "\""]),
        ] {
            let length = record_length(text.as_bytes(), delimiter).expect("it is whole");
            assert_eq!(&text[length..], "next", "{text:?}");
            assert_eq!(fields(&text[..length], delimiter), wanted, "{text:?}");
            assert_eq!(last_start(text.as_bytes(), delimiter), length, "{text:?}");
        }
        for torn in ["a,\"b\nc", "a,\"b\"", "a,\"b\"\"\n"] {
            assert_eq!(record_length(torn.as_bytes(), b','), None, "{torn:?}");
        }
    }

    #[test]
    fn the_columns_tell_what_stands_between_them() {
        let knows = |table: &Table| table.column("who").is_some() && table.column("what").is_some();
        let table = Table::of(b"\n When;WHO;\"What\"\n1;2;3\n", knows).expect("it is one");
        assert_eq!((table.delimiter, table.names), (b';', vec!["when".into(), "who".into(), "what".into()]));
        assert_eq!(Table::of(b"when,who said,what\n", knows), None);
    }
}
