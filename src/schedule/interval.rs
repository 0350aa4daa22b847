//! Fixed times between runs as applications state them: `fixedRate=60000`, in milliseconds, with a unit, or as a
//! duration of ISO 8601. They count from a start that no text tells, so no moment of a clock follows from them.

use super::fields::rejected;
use super::{Clock, Meaning, Rejected};
use jiff::tz::TimeZone;

/// A time between two runs, or before the only one.
#[derive(Debug)]
pub(super) struct Interval {
    /// Milliseconds.
    pub millis: u64,
    /// What it is counted from.
    pub since: Since,
    /// What is suspicious.
    pub notes: Vec<String>,
}

/// What an interval is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    /// The start of the last run.
    LastStart,
    /// The end of the last run.
    LastEnd,
    /// The start of the application, and only once.
    Start,
}

impl Interval {
    /// Of so many milliseconds.
    pub fn new(millis: u64, since: Since) -> Interval {
        Interval { millis, since, notes: Vec::new() }
    }
}

/// `every=60000` of the packages for Node that repeat a job by a plain interval; `None`: another text.
pub(super) fn every(text: &str) -> Option<Result<Interval, Rejected>> {
    let length = text.trim().strip_prefix("every=")?;
    Some(match millis(length) {
        Ok(0) => Err(rejected("the time between two runs is 0")),
        Ok(length) => Ok(Interval::new(length, Since::LastStart)),
        Err(rejected) => Err(rejected),
    })
}

impl Meaning for Interval {
    fn runs<'a>(&'a self, _: &'a TimeZone, _: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        Box::new(std::iter::empty())
    }

    fn words(&self) -> String {
        let told = shown(self.millis);
        match self.since {
            Since::LastStart => format!("every {told}"),
            Since::LastEnd => format!("{told} after its last end"),
            Since::Start if self.millis == 0 => "once, when the application starts".to_owned(),
            Since::Start => format!("once, {told} after the application starts"),
        }
    }

    fn clock(&self) -> Clock {
        let seconds = self.millis.div_ceil(1000).max(1);
        match self.since {
            Since::LastStart => Clock::Interval { seconds, from_end: false },
            Since::LastEnd => Clock::Interval { seconds, from_end: true },
            Since::Start => Clock::Boot,
        }
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}

fn shown(millis: u64) -> String {
    if millis.is_multiple_of(1000) { super::duration(millis / 1000) } else { format!("{millis} ms") }
}

/// Units of time behind a number, in milliseconds; nanoseconds and microseconds are less than one.
const UNITS: [(&str, f64); 7] =
    [("ns", 1e-6), ("us", 1e-3), ("ms", 1.0), ("s", 1e3), ("m", 60e3), ("h", 3_600e3), ("d", 86_400e3)];

/// A number of milliseconds, one with a unit (Spring's DurationFormat.Style.SIMPLE), or `PT1H30M` (java.time.Duration,
/// "parse").
pub(super) fn millis(text: &str) -> Result<u64, Rejected> {
    let wrong = || rejected(format!("{text:?} is no duration"));
    let text = text.trim().strip_prefix('+').unwrap_or(text.trim());
    if text.starts_with('-') {
        return Err(rejected(format!("{text:?}: a negative duration")));
    }
    let value = match text.strip_prefix(['P', 'p']) {
        Some(rest) => iso(rest).ok_or_else(wrong)?,
        None => {
            let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            let number: f64 = text[..end].parse().map_err(|_| wrong())?;
            let unit = text[end..].to_ascii_lowercase();
            let unit = if unit.is_empty() { "ms" } else { &unit };
            number * UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?.1
        }
    };
    // The program counts in 63 bits of nanoseconds.
    if value < 9.2e12 {
        Ok(value as u64)
    } else {
        Err(rejected(format!("{text:?}: longer than the program counts")))
    }
}

/// `nDTnHnMn.nS` behind the P.
fn iso(text: &str) -> Option<f64> {
    let upper = text.to_ascii_uppercase();
    let (date, time) = match upper.split_once('T') {
        Some((date, time)) if !time.is_empty() => (date, time),
        Some(_) => return None,
        None => (upper.as_str(), ""),
    };
    let days = match date {
        "" => None,
        days => Some(days.strip_suffix('D').filter(|it| plain(it))?.parse::<f64>().ok()? * 86_400e3),
    };
    let (mut rest, mut sum, mut any) = (time, days.unwrap_or(0.0), days.is_some());
    for (unit, factor) in [('H', 3_600e3), ('M', 60e3), ('S', 1e3)] {
        if let Some((number, behind)) = rest.split_once(unit) {
            let fine = plain(number) || (unit == 'S' && plain(&number.replacen('.', "", 1)));
            sum += number.parse::<f64>().ok().filter(|_| fine)? * factor;
            (rest, any) = (behind, true);
        }
    }
    (any && rest.is_empty()).then_some(sum)
}

fn plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::millis;

    #[test]
    fn durations_are_read_as_java_reads_them() {
        for (text, want) in [
            ("5000", Some(5000)),
            ("10s", Some(10_000)),
            ("2h", Some(7_200_000)),
            ("500us", Some(0)),
            ("PT1H30M", Some(5_400_000)),
            ("P1D", Some(86_400_000)),
            ("P1DT0.5S", Some(86_400_500)),
            ("pt15m", Some(900_000)),
            ("PT", None),
            ("P", None),
            ("PT5", None),
            ("P1M", None),
            ("PT5M1H", None),
            ("5 s", None),
            ("-5", None),
            ("1.5s", None),
            ("99999999999999999", None),
            ("", None),
        ] {
            assert_eq!(millis(text).ok(), want, "{text}");
        }
    }
}
