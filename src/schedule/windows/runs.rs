//! The runs of a trigger: each start with what it repeats, up to the next start. A repetition has its last start at its
//! end (four minutes of one a minute are five starts: "Repeating a Task"), and goes by time that passes, not by the
//! clock. In an hour that the clocks leave out a start is one hour later, of one they repeat the first is meant, so
//! that none is claimed to be lost or doubled.

use super::super::HORIZON_DAYS;
use super::{Boundary, Trigger};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// The second of a local time.
fn second(date: Date, boundary: &Boundary, zone: &TimeZone) -> Option<i64> {
    let local = date.to_datetime(boundary.time);
    Some(local.to_zoned(zone.clone()).ok()?.timestamp().as_second())
}

/// The days of a trigger's starts from `first` on.
fn starts<'a>(trigger: &'a Trigger, zone: &'a TimeZone, first: Date) -> impl Iterator<Item = i64> + 'a {
    let (mut day, mut idle) = (Some(first), 0);
    std::iter::from_fn(move || {
        loop {
            let date = day?;
            day = date.tomorrow().ok();
            if trigger.days.hold(date, trigger.start.date) {
                idle = 0;
                return second(date, &trigger.start, zone);
            }
            idle += 1;
            if idle > HORIZON_DAYS {
                day = None;
            }
        }
    })
}

/// The runs strictly after `from`.
pub(super) fn of<'a>(
    trigger: &'a Trigger,
    zone: &'a TimeZone,
    from: i64,
) -> Box<dyn Iterator<Item = i64> + 'a> {
    let zone = trigger.start.zone.as_ref().map_or(zone, |(_, own)| own);
    let Some(today) = Timestamp::from_second(from).ok().map(|at| zone.to_datetime(at).date()) else {
        return Box::new(std::iter::empty());
    };
    // The last start before it may still repeat.
    let goes_on = match trigger.repeat.map(|repeat| repeat.duration) {
        None => 0,
        Some(Some(seconds)) => (seconds / 86_400 + 1).min(trigger.days.most_days()),
        Some(None) => trigger.days.most_days(),
    };
    let back = today.checked_sub(Span::new().days(goes_on + 1)).unwrap_or(today);
    let first = match trigger.start.date {
        // One that starts once is not looked for day by day.
        Some(start) if trigger.days.least_days().is_none() => start,
        Some(start) => start.max(back),
        None => back,
    };
    let until = trigger.until.as_ref().and_then(|until| {
        let zone = until.zone.as_ref().map_or(zone, |(_, own)| own);
        second(until.date?, until, zone)
    });
    let mut starts = starts(trigger, zone, first).peekable();
    // A start and the number of its next repetition.
    let mut current: Option<(i64, i64)> = None;
    Box::new(std::iter::from_fn(move || {
        loop {
            let (start, number) = match current {
                Some(current) => current,
                None => (starts.next()?, 0),
            };
            let interval = trigger.repeat.map_or(0, |repeat| repeat.interval);
            let number = match number {
                0 if interval > 0 && start < from => (from - start) / interval,
                number => number,
            };
            let run = start + number * interval;
            if until.is_some_and(|until| run > until) {
                return None;
            }
            let whole = trigger.repeat.and_then(|repeat| repeat.duration);
            let ended = number > 0
                && (interval == 0
                    || whole.is_some_and(|whole| run - start > whole)
                    || starts.peek().is_some_and(|next| run >= *next));
            if ended {
                current = None;
                continue;
            }
            current = Some((start, number + 1));
            if run > from {
                return Some(run);
            }
        }
    }))
}
