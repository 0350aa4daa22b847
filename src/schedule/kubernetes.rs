//! Kubernetes' CronJobs, read by the standard parser of robfig/cron v3: five fields, `?`, descriptors, `@every`, a
//! `TZ=` or `CRON_TZ=` in front (which the API server refuses in new CronJobs). Rules read from its parser.go, spec.go
//! and constantdelay.go, and from the API server's validation of batch/v1. The controller may start a job twice or
//! not at all; that is no matter of its schedule.

use super::calendar::{Calendar, Combine, Fold, Gap};
use super::fields::{
    DAY, EITHER_DAY, Field, HOUR, MINUTE, MONTH, Set, WEEKDAY, five, keyword, one, rejected,
};
use super::{Clock, Dialect, Meaning, Rejected, Schedule};
use jiff::tz::TimeZone;

/// The schedules of CronJobs.
pub struct Kubernetes;

const FIELDS: [Field; 5] = [MINUTE, HOUR, DAY, MONTH, Field { high: 6, ..WEEKDAY }];

/// What is said where a step makes a star no star.
const STEP_IS_NO_STAR: &str = "a day field with a step is ORed with the other, also where it begins with *: it runs on a \
                               day that either of them means";

impl Dialect for Kubernetes {
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    fn title(&self) -> &'static str {
        "Kubernetes CronJobs (robfig/cron): five fields, @descriptors, @every"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        let text = text.trim();
        let (zone, spec) = match ["TZ=", "CRON_TZ="].iter().find_map(|prefix| text.strip_prefix(prefix)) {
            None => (None, text),
            Some(rest) => {
                let (zone, spec) =
                    rest.split_once(' ').ok_or_else(|| rejected("nothing follows the zone"))?;
                let found = super::zone(zone).ok_or_else(|| rejected(format!("{zone}: no such zone")))?;
                (Some((zone.to_owned(), found)), spec.trim())
            }
        };
        if let Some(duration) = spec.strip_prefix("@every ") {
            let seconds =
                go_duration(duration).ok_or_else(|| rejected(format!("{duration}: no duration")))?;
            return Ok(Schedule::new(Every { seconds, text: spec.to_owned() }));
        }
        let fields = match spec.strip_prefix('@') {
            None => spec,
            Some(_) => keyword(spec).ok_or_else(|| rejected(format!("{spec}: no such descriptor")))?,
        };
        let parts = five(&fields.split_whitespace().collect::<Vec<_>>().join(" "))
            .map(|parts| parts.map(str::to_owned))?;
        let mut sets = [Set::default(); 5];
        for ((set, part), field) in sets.iter_mut().zip(&parts).zip(&FIELDS) {
            // An element of nothing between two commas is left out.
            for element in part.split(',').filter(|element| !element.is_empty()) {
                one(&plain(element), field, &["?"], set)?;
            }
        }
        let [_, _, days, _, weekdays] = sets;
        let either = !days.star && !weekdays.star;
        let mut calendar = Calendar {
            seconds: 1,
            combine: if either { Combine::Either } else { Combine::Both },
            gap: Gap::Skipped,
            fold: Fold::Both,
            text: parts,
            ..Calendar::default()
        };
        calendar.set_fields(sets.map(|set| set.bits));
        if either {
            let stepped = days.begins_with_star || weekdays.begins_with_star;
            calendar.note_misread(if stepped { STEP_IS_NO_STAR } else { EITHER_DAY }.to_owned());
        }
        if let Some(zone) = zone {
            calendar
                .notes
                .push("a zone in front of the schedule is refused for new CronJobs: use timeZone".into());
            calendar.zone = Some(zone);
        }
        Ok(Schedule::new(calendar))
    }
}

/// An element without what the program overlooks: the end of a range that begins with a star, a sign before a number.
fn plain(element: &str) -> String {
    let (range, step) = element.split_once('/').map_or((element, None), |(range, step)| (range, Some(step)));
    let unsigned = |text: &str| {
        let digits = text.strip_prefix('+').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        digits.unwrap_or(text).to_owned()
    };
    let mut ends = range.split('-');
    let range = match ends.next() {
        Some(star @ ("*" | "?")) => star.to_owned(),
        _ => range.split('-').map(unsigned).collect::<Vec<_>>().join("-"),
    };
    step.map_or(range.clone(), |step| format!("{range}/{}", unsigned(step)))
}

/// A fixed time after the last start.
#[derive(Debug)]
pub(super) struct Every {
    /// How long.
    pub seconds: u64,
    /// As written.
    pub text: String,
}

impl Meaning for Every {
    fn runs<'a>(&'a self, _: &'a TimeZone, _: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        Box::new(std::iter::empty())
    }

    fn words(&self) -> String {
        format!("every {} ({})", super::duration(self.seconds), self.text)
    }

    fn clock(&self) -> Clock {
        Clock::Interval { seconds: self.seconds, from_end: false }
    }
}

/// A duration of Go (`1h30m`, `1.5h`, `500ms`; package time, ParseDuration) in whole seconds, at least one.
pub(super) fn go_duration(text: &str) -> Option<u64> {
    const UNITS: [(&str, f64); 8] = [
        ("ns", 1e-9),
        ("us", 1e-6),
        ("µs", 1e-6),
        ("μs", 1e-6),
        ("ms", 1e-3),
        ("s", 1.0),
        ("m", 60.0),
        ("h", 3600.0),
    ];
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let negative = rest.starts_with('-');
    rest = rest.strip_prefix('-').unwrap_or(rest);
    let mut seconds = 0.0;
    if rest == "0" {
        return Some(1);
    }
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|end| *end > 0)?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let (unit, factor) = UNITS.iter().find(|(unit, _)| {
            rest.strip_prefix(unit).is_some_and(|after| !after.starts_with(|c: char| c.is_ascii_alphabetic()))
        })?;
        seconds += number * factor;
        rest = &rest[unit.len()..];
    }
    // The program counts nanoseconds in 63 bits.
    (seconds < 9.2e9).then_some(if negative { 1 } else { (seconds as u64).max(1) })
}
