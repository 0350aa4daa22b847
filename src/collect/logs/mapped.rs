//! Logs that no format knows, read by a mapping in `whodepends.toml`: which column of a table, or which value of a JSON
//! object, is the time, the login, the statement or the request. What the mapping names and the file does not have is a
//! gap. It guesses nothing that the mapping does not say.

use super::export::{Clock, Export, Row, Rows};
use super::{Ended, Event, Executed, Referrer, Request, Stage};
use crate::evidence::{About, GapCode, Outcome, Provenance, Stamp, Text, request};
use crate::settings::{Column, MAPPED, SourceEntry};
use crate::sql::Dialect;
use std::sync::Arc;

/// Its row in the table of formats: it was tried on files that people wrote themselves.
pub static ABOUT: About = About {
    name: "mapped",
    title: "any table, or JSON objects, by the columns that a [[source]] of whodepends.toml states",
    provenance: Provenance::Recorded,
};

/// A mapping.
pub struct Mapped<'a> {
    source: &'a SourceEntry,
    /// Names of columns as text, by what they say; numbers are names of files without any.
    columns: Vec<String>,
    headless: bool,
}

const TIME: usize = 0;
const USER: usize = 1;
const HOST: usize = 2;
const APPLICATION: usize = 3;
const DATABASE: usize = 4;
const SCHEMA: usize = 5;
const STATEMENT: usize = 6;
const ERROR: usize = 7;
const METHOD: usize = 8;
const PATH: usize = 9;
const STATUS: usize = 10;
const SERVER: usize = 11;
const FORWARDED_FOR: usize = 12;
const REFERRER: usize = 13;
/// Durations, with how many microseconds one is.
const DURATIONS: [(usize, f64); 3] = [(14, 1_000_000.0), (15, 1_000.0), (16, 1.0)];

impl<'a> Mapped<'a> {
    /// The mapping of a `[[source]]`.
    pub fn new(source: &'a SourceEntry) -> Mapped<'a> {
        let name = |key: &&str| match source.columns.get(*key) {
            Some(Column::Name(name)) => name.clone(),
            Some(Column::Number(number)) => number.to_string(),
            None => String::new(),
        };
        let headless = source.columns.values().all(|column| matches!(column, Column::Number(_)));
        Mapped { source, columns: MAPPED.iter().map(name).collect(), headless }
    }

    fn time(&self, text: &str, out: &mut Rows<'_>) -> Option<Stamp> {
        let Some(format) = &self.source.time_format else { return out.time(text, Clock::Local) };
        let parsed = jiff::fmt::strtime::parse(format, text.trim()).ok()?;
        if let Ok(moment) = parsed.to_timestamp() {
            return Some(Stamp::from_seconds(0).plus_micros(moment.as_microsecond()));
        }
        // A time without a zone is one of the stream's.
        let local = parsed.to_datetime().ok()?;
        out.time(&local.strftime("%Y-%m-%d %H:%M:%S%.6f").to_string(), Clock::Local)
    }

    fn micros(row: &Row<'_>) -> Option<u64> {
        DURATIONS.iter().find_map(|(column, unit)| {
            let number: f64 = row.text(*column).trim().parse().ok()?;
            (number.is_finite() && number >= 0.0).then_some((number * unit) as u64)
        })
    }

    fn request(row: &Row<'_>) -> Option<Request> {
        let target = row.text(PATH);
        let (method, path) = match target.split_once(' ') {
            // A whole request line: `GET /v1/orders HTTP/1.1`.
            Some((method, rest)) if !row.has(METHOD) => {
                (method.to_owned(), rest.split(' ').next()?.to_owned())
            }
            _ => (row.text(METHOD).into_owned(), target.clone().into_owned()),
        };
        let method = method.trim().to_ascii_uppercase();
        if method.is_empty() || !method.bytes().all(|b| b.is_ascii_alphabetic()) || !path.starts_with('/') {
            return None;
        }
        let host = row.text(SERVER).trim().to_lowercase();
        let referrer = row.text(REFERRER);
        let referrer = referrer.split_once("://").map(|(_, rest)| {
            let (host, page) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let path = Text::from(request::target_path(if page.is_empty() { "/" } else { page }));
            Referrer { host: Text::from(host.to_lowercase()), path, query: request::query_names(page) }
        });
        Some(Request {
            method: Text::from(method),
            path: Text::from(request::target_path(&path)),
            query: request::query_names(&path),
            host: (!host.is_empty() && host != "-").then(|| Text::from(host)),
            status: u16::try_from(row.number(STATUS)?).ok().filter(|status| (100..600).contains(status))?,
            micros: Mapped::micros(row),
            forwarded_for: Text::from(&*row.text(FORWARDED_FOR)),
            referrer: referrer.map(Arc::new),
            behind: None,
        })
    }
}

/// Why a path may not be found although people see it there.
fn odd(name: &str) -> &'static str {
    if name.starts_with('$') && name.contains('[') {
        " (a path names keys, and no places in lists)"
    } else {
        ""
    }
}

impl Export for Mapped<'_> {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn dialect(&self) -> Dialect {
        self.source.dialect.as_deref().and_then(Dialect::from_word).unwrap_or(Dialect::Generic)
    }

    fn columns(&self) -> Vec<Vec<&str>> {
        self.columns
            .iter()
            .map(|name| Some(name.as_str()).filter(|name| !name.is_empty()).into_iter().collect())
            .collect()
    }

    /// The mapping says that it is; which of its columns are missing is told where it is read.
    fn knows(&self, row: &Row<'_>) -> bool {
        (0..MAPPED.len()).any(|column| row.has(column))
    }

    fn wanted(&self) -> Vec<(usize, GapCode, String)> {
        let stated = self.columns.iter().enumerate().filter(|(_, name)| !name.is_empty());
        let told = |(index, name): (usize, &String)| {
            let what = MAPPED[index];
            (
                index,
                GapCode::BadConfig,
                format!("[[source]] columns: {what} = {name:?} is not in these records{}", odd(name)),
            )
        };
        let mut wanted: Vec<(usize, GapCode, String)> = stated.map(told).collect();
        if let Some(word) = self.source.dialect.as_deref().filter(|word| Dialect::from_word(word).is_none()) {
            let detail =
                format!("[[source]] dialect = {word:?} is none that is known; read as SQL in general");
            wanted.push((usize::MAX, GapCode::BadConfig, detail));
        }
        wanted
    }

    fn is_stated(&self) -> bool {
        true
    }

    fn is_headless(&self) -> bool {
        self.headless
    }

    fn read(&self, row: &Row<'_>, out: &mut Rows<'_>) {
        let Some(stamp) = self.time(&row.text(TIME), out) else {
            let detail = match &self.source.time_format {
                Some(format) => {
                    format!("[[source]] time_format = {format:?} does not fit the times of these records")
                }
                None => {
                    "the times of these records are in no form that is known: state [[source]] time_format"
                        .to_owned()
                }
            };
            out.gap(GapCode::BadConfig, detail);
            return out.unmatched();
        };
        let text = |column: usize| row.text(column).into_owned();
        let client = text(HOST);
        let (client, port) = match client.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host.trim_matches(['[', ']']).to_owned(), port.parse().unwrap_or(0))
            }
            _ => (client, 0),
        };
        let program = text(APPLICATION);
        let program =
            if self.columns[PATH].is_empty() { program } else { request::program(&program).to_string() };
        let user = Some(text(USER)).filter(|user| user != "-").unwrap_or_default();
        let who = out.who(&user, &text(DATABASE), &program, &client, port);
        if !self.columns[PATH].is_empty() {
            match Mapped::request(row) {
                Some(request) => out.push(stamp, 0, who, Event::Request(Box::new(request))),
                None => out.unmatched(),
            }
            return;
        }
        let sql = text(STATEMENT);
        if sql.trim().is_empty() {
            return out.push(stamp, 0, who, Event::Nothing);
        }
        let error = row.text(ERROR);
        let failed = !matches!(error.trim(), "" | "0" | "false" | "OK" | "ok");
        let outcome = if failed { Outcome::Failed } else { Outcome::Ok };
        let ended = Ended { outcome, micros: Mapped::micros(row) };
        let schema = text(SCHEMA);
        let default = if self.source.dialect.as_deref().and_then(Dialect::from_word) == Some(Dialect::MsSql) {
            "dbo"
        } else {
            ""
        };
        let schema = if schema.is_empty() { default } else { &schema };
        let it =
            Executed { sql: Some(sql), schema: Text::from(schema), tables: None, ended, stage: Stage::Whole };
        out.executed(stamp, 0, who, it);
    }
}
