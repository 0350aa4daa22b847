//! Schedulers that look for the next time on the wall clock after the last one, and only then ask which moment that is
//! (Airflow, Celery). What a change of the clocks does follows from that step alone: a time that is left out is read with
//! the offset before the change, and the times it has passed over by then are lost. It reads no text.

use super::calendar::Calendar;
use super::{HORIZON_DAYS, Meaning};
use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// From a run to the moment of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// To the wall time; one that comes twice is meant the first time.
    First,
    /// To the wall time; one that comes twice is meant the second time.
    Second,
    /// By as many seconds as lie between the two on the wall clock.
    Elapsed,
}

static UTC: TimeZone = TimeZone::UTC;
const DAY: i64 = 86_400;

/// The runs of a calendar, one from the other.
pub(super) struct Runs<'a> {
    calendar: &'a Calendar,
    zone: &'a TimeZone,
    step: Step,
    /// The wall times, as if they were UTC.
    wall: Box<dyn Iterator<Item = i64> + 'a>,
    /// The last of them.
    passed: i64,
    /// The moment of the last run.
    now: i64,
    /// Nothing up to this moment is given.
    from: i64,
    /// An offset, and the moments between which it holds, a day and more away from any change.
    steady: Option<(i64, i64, i64)>,
}

impl<'a> Runs<'a> {
    /// After `from`. The steps begin so long before that the first one given does not depend on where.
    pub(super) fn new(calendar: &'a Calendar, zone: &'a TimeZone, step: Step, from: i64) -> Runs<'a> {
        let zone = calendar.zone.as_ref().map_or(zone, |(_, own)| own);
        let every_month = calendar.months == 0b1_1111_1111_1110;
        let every_day = calendar.days == 0xffff_fffe && calendar.weekdays == 0x7f;
        // Where steps follow elapsed time, a change is carried on to the next run, however late that is.
        let back = match (every_month, every_day) {
            (_, _) if step != Step::Elapsed => 3,
            (true, true) => 3,
            (true, false) => 70,
            (false, _) => 750,
        };
        let now = from.saturating_sub(back * DAY);
        let (wall, passed) = (Box::new(std::iter::empty()), i64::MAX);
        Runs { calendar, zone, step, wall, passed, now, from, steady: None }
    }

    /// The offset at a moment.
    fn offset(&mut self, moment: i64) -> Option<i64> {
        if let Some((offset, first, last)) = self.steady
            && (first..last).contains(&moment)
        {
            return Some(offset);
        }
        let time = Timestamp::from_second(moment).ok()?;
        let offset = i64::from(self.zone.to_offset(time).seconds());
        let before = self.zone.preceding(time).next().map(|change| change.timestamp().as_second());
        let after = self.zone.following(time).next().map(|change| change.timestamp().as_second());
        let first = before.map_or(moment - 366 * DAY, |change| change + 2 * DAY);
        let last = after.map_or(moment + 366 * DAY, |change| change - 2 * DAY);
        self.steady = (first < last).then_some((offset, first, last));
        Some(offset)
    }

    /// The moment of a wall time.
    fn moment(&mut self, wall: i64) -> Option<i64> {
        if let Some((offset, first, last)) = self.steady
            && (first..last).contains(&(wall - offset))
        {
            return Some(wall - offset);
        }
        let local = UTC.to_datetime(Timestamp::from_second(wall).ok()?);
        let offset = match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Gap { before, .. } => before,
            AmbiguousOffset::Fold { before, .. } if self.step == Step::First => before,
            AmbiguousOffset::Fold { after, .. } => after,
        };
        Some(wall - i64::from(offset.seconds()))
    }

    /// The next wall time after this one.
    fn next_wall(&mut self, wall: i64) -> Option<i64> {
        if wall < self.passed {
            self.wall = self.calendar.runs(&UTC, wall);
        }
        self.passed = self.wall.find(|next| *next > wall)?;
        Some(self.passed)
    }
}

impl Iterator for Runs<'_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        loop {
            let wall = self.now + self.offset(self.now)?;
            let next = self.next_wall(wall)?;
            if next - wall > HORIZON_DAYS * DAY {
                return None;
            }
            self.now = match self.step {
                Step::Elapsed => self.now + (next - wall),
                Step::First | Step::Second => self.moment(next)?,
            };
            if self.now > self.from {
                return Some(self.now);
            }
        }
    }
}
