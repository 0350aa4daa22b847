//! Anacron's two numbers (anacrontab(5)): a period in days, or a word for one, and a delay in minutes. A job is due
//! when as many days have gone by since it ran, whatever the hour; no moment can be told. It never reads the hours
//! that anacron may be confined to.

use super::{Clock, Dialect, Meaning, Rejected, Schedule};
use jiff::tz::TimeZone;

/// Anacron.
pub struct Anacron;

/// Words for a period and its usual length in days; anacron compares months and years by the calendar.
const WORDS: [(&str, u64); 5] =
    [("@daily", 1), ("@weekly", 7), ("@monthly", 30), ("@yearly", 365), ("@annually", 365)];

#[derive(Debug)]
struct Period {
    days: u64,
    /// How the text says it, where it is a word.
    word: Option<&'static str>,
    delay: u64,
}

impl Dialect for Anacron {
    fn name(&self) -> &'static str {
        "anacron"
    }

    fn title(&self) -> &'static str {
        "anacron: a period in days and a delay in minutes"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        let rejected = |reason: String| Rejected { reason, unknown_dialect: false };
        let mut parts = text.split_whitespace();
        let (Some(period), Some(delay), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(rejected("a period and a delay are needed".to_owned()));
        };
        let known = WORDS.iter().find(|(word, _)| *word == period);
        let days = match known {
            Some((_, days)) => *days,
            None => {
                let days = period.parse::<u32>().ok().filter(|days| *days > 0);
                days.ok_or_else(|| rejected(format!("{period} is no period of days")))?.into()
            }
        };
        let delay = delay.parse::<u32>().map_err(|_| rejected(format!("{delay} is no delay in minutes")))?;
        Ok(Schedule::new(Period { days, word: known.map(|(word, _)| *word), delay: delay.into() }))
    }
}

impl Meaning for Period {
    fn runs<'a>(&'a self, _: &'a TimeZone, _: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        Box::new(std::iter::empty())
    }

    fn words(&self) -> String {
        let period = match (self.word, self.days) {
            (Some("@monthly"), _) => "once a month".to_owned(),
            (Some("@yearly" | "@annually"), _) => "once a year".to_owned(),
            (_, 1) => "once a day".to_owned(),
            (_, days) => format!("once in {days} days"),
        };
        match self.delay {
            0 => format!("{period}, when anacron finds it due"),
            1 => format!("{period}, 1 minute after anacron finds it due"),
            delay => format!("{period}, {delay} minutes after anacron finds it due"),
        }
    }

    fn clock(&self) -> Clock {
        Clock::Interval { seconds: self.days * 86_400, from_end: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_days_or_words() {
        let words = |text: &str| Anacron.parse(text).map(|it| (it.words(), it.period_seconds()));
        let told = |words: &str, days: i64| Ok((words.to_owned(), Some(days * 86_400)));
        assert_eq!(words("7 25"), told("once in 7 days, 25 minutes after anacron finds it due", 7));
        assert_eq!(words("1 0"), told("once a day, when anacron finds it due", 1));
        assert_eq!(words("@monthly 1"), told("once a month, 1 minute after anacron finds it due", 30));
        for text in ["", "7", "0 5", "-1 5", "1.5 5", "7 x", "@hourly 5", "7 5 x"] {
            assert!(words(text).is_err(), "{text}");
        }
    }
}
