//! Days by a rule of their own with a list of times each, for schedulers whose times are no grid of hours and minutes.
//! What a change of the clocks does is the scheduler's to say; it reads no text.

use super::HORIZON_DAYS;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone};
use std::collections::VecDeque;

/// Which of two moments of one local time is meant, where the clocks are put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twice {
    /// The first.
    First,
    /// The second.
    Second,
}

/// The second of a local time; one that the clocks leave out is the first moment that exists again.
fn second(date: Date, time: u32, zone: &TimeZone, twice: Twice) -> Option<i64> {
    // A time beyond midnight belongs to the next day.
    let date = if time >= 86_400 { date.tomorrow().ok()? } else { date };
    let time = time % 86_400;
    let local = date.at((time / 3600) as i8, (time / 60 % 60) as i8, (time % 60) as i8, 0);
    let offset = match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset,
        AmbiguousOffset::Gap { after, .. } => {
            let inside = after.to_timestamp(local).ok()?.as_second();
            let before = Timestamp::from_second(inside.checked_sub(1)?).ok()?;
            return zone.following(before).next().map(|change| change.timestamp().as_second());
        }
        AmbiguousOffset::Fold { before, .. } if twice == Twice::First => before,
        AmbiguousOffset::Fold { after, .. } => after,
    };
    offset.to_timestamp(local).ok().map(|time| time.as_second())
}

/// The runs strictly after `from`: on each day that `holds`, at each of the times (seconds after midnight, ascending,
/// less than two days).
pub(super) fn runs<'a>(
    holds: impl Fn(Date) -> bool + 'a,
    times: &'a [u32],
    zone: &'a TimeZone,
    twice: Twice,
    from: i64,
) -> Box<dyn Iterator<Item = i64> + 'a> {
    let today = Timestamp::from_second(from).ok().map(|at| zone.to_datetime(at).date());
    // What began on the day before may reach into this one, and so may what a change of the clocks put off.
    let mut day =
        today.and_then(|date| date.yesterday().ok()?.yesterday().ok()).filter(|_| !times.is_empty());
    let (mut last, mut idle) = (from, 0);
    let mut ready: VecDeque<i64> = VecDeque::new();
    // Runs of a day that lie beyond its midnight.
    let mut late: Vec<i64> = Vec::new();
    let next_day = times.partition_point(|time| *time < 86_400);
    Box::new(std::iter::from_fn(move || {
        loop {
            if let Some(run) = ready.pop_front() {
                if run > last {
                    last = run;
                    return Some(run);
                }
                continue;
            }
            let date = day?;
            day = date.tomorrow().ok();
            idle += 1;
            if idle > HORIZON_DAYS {
                return None;
            }
            let mut of_day = std::mem::take(&mut late);
            if holds(date) {
                idle = 0;
                let at = |time: &u32| second(date, *time, zone, twice);
                of_day.extend(times[..next_day].iter().filter_map(at));
                late.extend(times[next_day..].iter().filter_map(at));
            }
            of_day.sort_unstable();
            ready.extend(of_day);
        }
    }))
}
