//! The years of stamps that have none (`Feb 10 23:15:39` of syslog, RFC 3164): from what is known of the file, and from
//! December to January on within it. It never reads a clock.

use super::stamps::days;
use crate::evidence::Stamp;
use crate::input::InputFile;
use jiff::tz::TimeZone;
use std::io::Read;

/// What is known of a file before it is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Opening<'a> {
    /// The file's name, in which rotation may have put a date.
    pub name: &'a str,
    /// Its first bytes.
    pub head: &'a [u8],
    /// The year that `[[source]]` states for its first line.
    pub year: Option<i64>,
    /// The day the scan counts from.
    pub today: Option<Stamp>,
    /// The `log_line_prefix` that `[[source]]` states.
    pub prefix: Option<&'a str>,
    /// The file, where more of it may be looked at.
    pub file: Option<&'a InputFile>,
}

/// How much of a file is looked at for a line that tells how its lines begin, and how much is taken from there.
const LOOKED_AT: u64 = 4 * 1024 * 1024;
const TAKEN: usize = 256 * 1024;

impl Opening<'_> {
    /// What begins with the line before the first that holds this; nothing, if the first part of the file has none.
    pub(super) fn around(&self, mark: &[u8]) -> Vec<u8> {
        let mut part = Vec::new();
        let reader = self.file.and_then(|file| file.open().ok());
        if reader.is_none_or(|reader| reader.take(LOOKED_AT).read_to_end(&mut part).is_err()) {
            return Vec::new();
        }
        let Some(at) = memchr::memmem::find(&part, mark) else { return Vec::new() };
        let line = memchr::memrchr(b'\n', &part[..at]).unwrap_or(0);
        let start = memchr::memrchr(b'\n', &part[..line]).map_or(0, |newline| newline + 1);
        part.drain(..start);
        part.truncate(TAKEN);
        part
    }
}

/// A day of a year: year, month, day.
pub(super) type Day = (i64, i64, i64);

/// The month of `Feb` and so on.
pub(super) fn month(text: &[u8]) -> Option<i64> {
    const MONTHS: [&[u8]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    MONTHS.iter().position(|name| text.starts_with(name)).map(|index| index as i64 + 1)
}

/// The year that goes on from line to line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Years {
    year: i64,
    month: i64,
}

impl Years {
    /// For a file whose first line is of this month and day: the year, and whether it was only assumed.
    pub fn open(first: (i64, i64), inner: Option<Day>, opening: &Opening<'_>) -> (Years, bool) {
        // A file ends on the day it is rotated, and begins before it.
        let before = |(year, month, day): Day| if first <= (month, day) { year } else { year - 1 };
        let nearby = |(year, month, _): Day| match month - first.0 {
            6.. => year + 1,
            ..=-6 => year - 1,
            _ => year,
        };
        let known = rotated(opening.name).map(before).or_else(|| inner.map(nearby)).or(opening.year);
        let today = || opening.today.map_or((1970, 12, 31), date);
        let year = known.unwrap_or_else(|| before(today()));
        (Years { year, month: first.0 }, known.is_none())
    }

    /// The year of the next line's month. Lines of several processes may change places at a year's turn.
    pub fn of(&mut self, month: i64) -> i64 {
        match (self.month, month) {
            (11.., ..=2) => self.year += 1,
            (..=2, 11..) => self.year -= 1,
            _ => {}
        }
        self.month = month;
        self.year
    }

    /// As it is handed from block to block.
    pub fn text(self) -> String {
        format!("{} {}", self.year, self.month)
    }

    /// What [`Years::text`] has written.
    pub fn parse(text: &str) -> Option<Years> {
        let (year, month) = text.split_once(' ')?;
        Some(Years { year: year.parse().ok()?, month: month.parse().ok()? })
    }
}

fn date(stamp: Stamp) -> Day {
    let civil = jiff::Timestamp::from_microsecond(stamp.0).map(|it| it.to_zoned(TimeZone::UTC).date());
    civil.map_or((1970, 12, 31), |it| (it.year().into(), it.month().into(), it.day().into()))
}

/// The last date in a name: `messages-20261123`, `syslog.2026-11-23.gz`.
fn rotated(name: &str) -> Option<Day> {
    let digits: Vec<(usize, u8)> = name.bytes().enumerate().filter(|(_, b)| b.is_ascii_digit()).collect();
    let number = |part: &[(usize, u8)]| part.iter().fold(0, |sum, (_, b)| sum * 10 + i64::from(b - b'0'));
    let near = |part: &[(usize, u8)]| part.windows(2).all(|pair| pair[1].0 - pair[0].0 <= 2);
    let day = |part: &[(usize, u8)]| {
        let (year, month, day) = (number(&part[..4]), number(&part[4..6]), number(&part[6..]));
        let real = (1990..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
        let whole = part[3].0 - part[0].0 == 3 && part[5].0 - part[4].0 == 1 && part[7].0 - part[6].0 == 1;
        (real && whole && near(part)).then_some((year, month, day))
    };
    digits.windows(8).rev().find_map(day)
}

/// Seconds since 1970 of a local time of day.
pub(super) fn local(year: i64, month: i64, day: i64, second: i64) -> i64 {
    days(year, month, day) * 86_400 + second
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(first: (i64, i64), inner: Option<Day>, name: &str, year: Option<i64>) -> (i64, bool) {
        let today = Some(Stamp::from_seconds(local(2026, 11, 24, 0)));
        let (mut years, assumed) =
            Years::open(first, inner, &Opening { name, head: b"", year, today, prefix: None, file: None });
        (years.of(first.0), assumed)
    }

    #[test]
    fn the_year_is_that_of_the_rotation_or_of_a_stamp_nearby_or_as_stated_or_assumed() {
        assert_eq!(opened((12, 28), None, "syslog-20250104", None), (2024, false));
        assert_eq!(opened((11, 28), None, "messages.2023-11-30", None), (2023, false));
        assert_eq!(opened((11, 28), None, "messages.1", Some(2021)), (2021, false));
        assert_eq!(opened((12, 31), Some((2026, 1, 1)), "syslog", None), (2025, false));
        assert_eq!(opened((10, 1), Some((2022, 10, 1)), "syslog", Some(2021)), (2022, false));
        assert_eq!(opened((11, 24), None, "syslog", None), (2026, true));
        assert_eq!(opened((11, 25), None, "db12345678-9.log", None), (2025, true));
    }

    #[test]
    fn a_year_ends_within_a_file_and_lines_may_change_places() {
        let (mut years, _) = Years::open((12, 30), None, &Opening { year: Some(2025), ..Opening::default() });
        assert_eq!(
            [12, 12, 1, 12, 1, 2, 7, 12, 1].map(|month| years.of(month)),
            [2025, 2025, 2026, 2025, 2026, 2026, 2026, 2026, 2027]
        );
        assert_eq!(Years::parse(&years.text()), Some(years));
    }
}
