//! What the cron-like dialects share: fields as bit sets, days by rule, and their runs in a zone. A dialect states
//! what the sets are, how the two day fields combine, and what a change of the clocks does to a job; nothing here
//! reads text. It goes day by day, so that one schedule costs microseconds.

use super::{Clock, HORIZON_DAYS, Meaning};
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, Timestamp};

/// What a clock that is put forward does to a run in the time that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Gap {
    /// It does not start.
    #[default]
    Skipped,
    /// It starts at the first moment that exists again.
    AtOnce,
    /// It starts an hour later, where the clock is put forward by an hour or more.
    AnHourLater,
    /// It starts later by as much as the clock was put forward.
    Moved,
}

/// What a clock that is put back does to a run in the time that comes twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Fold {
    /// It starts the first time.
    First,
    /// It starts the second time.
    Second,
    /// It starts both times.
    #[default]
    Both,
    /// It starts that time which has the offset that holds when UTC has the same clock time: west of it the first,
    /// east of it the second.
    AsUtc,
    /// It starts both times, unless its last run was at the same local time.
    NotTwiceInARow,
    /// It starts both times; and where the clock is not behind UTC, what is an hour later on it starts with them, too.
    BothAndTheHourAfter,
}

/// How the two day fields make a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Combine {
    /// A day that either means.
    Either,
    /// A day that both mean.
    #[default]
    Both,
}

/// A day that is told by its month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DayRule {
    /// So many days before the last day of the month.
    BeforeLast(i8),
    /// The last day from Monday to Friday.
    LastWorkday,
    /// The day from Monday to Friday nearest to so many days before the last day of the month, within the month.
    NearLast(i8),
    /// The day from Monday to Friday that is nearest to this one, within the month.
    Nearest(i8),
    /// Likewise, where a month that is too short means its last day.
    NearestWithin(i8),
    /// The last such weekday (0 is Sunday).
    LastWeekday(i8),
    /// The n-th such weekday (0 is Sunday).
    NthWeekday(i8, i8),
}

impl DayRule {
    fn holds(self, date: Date) -> bool {
        let last = date.days_in_month();
        let weekday = date.weekday().to_sunday_zero_offset();
        match self {
            DayRule::BeforeLast(days) => date.day() == last - days,
            DayRule::LastWorkday => date.day() == workday_near(date.last_of_month()),
            DayRule::NearLast(days) => {
                let aim = (last > days).then(|| date.with().day(last - days).build().ok()).flatten();
                aim.is_some_and(|aim| date.day() == workday_near(aim))
            }
            DayRule::Nearest(day) => {
                let aim = (day <= last).then(|| date.with().day(day).build().ok()).flatten();
                aim.is_some_and(|aim| date.day() == workday_near(aim))
            }
            DayRule::NearestWithin(day) => {
                let aim = date.with().day(day.min(last)).build().ok();
                aim.is_some_and(|aim| date.day() == workday_near(aim))
            }
            DayRule::LastWeekday(day) => weekday == day && date.day() + 7 > last,
            DayRule::NthWeekday(day, nth) => weekday == day && (date.day() - 1) / 7 + 1 == nth,
        }
    }
}

/// The day from Monday to Friday nearest to a date, within its month.
fn workday_near(date: Date) -> i8 {
    match (date.weekday().to_sunday_zero_offset(), date.day()) {
        (6, 1) => 3,
        (6, day) => day - 1,
        (0, day) if day == date.days_in_month() => day - 2,
        (0, day) => day + 1,
        (_, day) => day,
    }
}

/// Fields as bit sets, with what decides how they are read.
#[derive(Debug, Clone, Default)]
pub(super) struct Calendar {
    /// Bit 0 alone where the dialect has no seconds.
    pub seconds: u64,
    pub minutes: u64,
    pub hours: u32,
    /// Days of the month, bits 1 to 31.
    pub days: u32,
    /// Months, bits 1 to 12.
    pub months: u16,
    /// Weekdays, bits 0 (Sunday) to 6.
    pub weekdays: u8,
    /// Days by rule, beside the bits of the day of the month.
    pub day_rules: Vec<DayRule>,
    /// Days by rule, beside the bits of the weekday.
    pub weekday_rules: Vec<DayRule>,
    /// The years it runs in, ascending; empty: all.
    pub years: Vec<i16>,
    pub combine: Combine,
    pub gap: Gap,
    pub fold: Fold,
    /// Whether it starts with the machine, and never by the clock.
    pub at_boot: bool,
    /// How many seconds after each moment it may start.
    pub spread: u64,
    /// The zone its text names, and the name.
    pub zone: Option<(String, TimeZone)>,
    /// What is suspicious, one line each.
    pub notes: Vec<String>,
    /// Of them: what people read otherwise.
    pub misread: Vec<String>,
    /// Minute, hour, day of month, month and day of week as written.
    pub text: [String; 5],
}

impl Calendar {
    /// Fills in minute, hour, day of month, month and day of week, a bit for each value; Sunday is both 0 and 7.
    pub(super) fn set_fields(&mut self, sets: [u64; 5]) {
        self.minutes = sets[0];
        self.hours = sets[1] as u32;
        self.days = sets[2] as u32;
        self.months = sets[3] as u16;
        self.weekdays = super::fields::sunday_is_zero(sets[4]);
    }

    /// One that starts with the machine.
    pub fn of_boot() -> Calendar {
        Calendar { at_boot: true, ..Calendar::default() }
    }

    /// Notes what people read otherwise.
    pub fn note_misread(&mut self, note: String) {
        self.misread.push(note.clone());
        self.notes.push(note);
    }

    fn day_matches(&self, date: Date) -> bool {
        if self.months & (1 << date.month()) == 0 {
            return false;
        }
        let by_rule = |rules: &[DayRule]| rules.iter().any(|rule| rule.holds(date));
        let day = self.days & (1 << date.day()) != 0 || by_rule(&self.day_rules);
        let weekday = self.weekdays & (1 << date.weekday().to_sunday_zero_offset()) != 0;
        let weekday = weekday || by_rule(&self.weekday_rules);
        match self.combine {
            Combine::Either => day || weekday,
            Combine::Both => day && weekday,
        }
    }

    fn selects_nothing(&self) -> bool {
        let no_day = self.days == 0 && self.day_rules.is_empty();
        let no_weekday = self.weekdays == 0 && self.weekday_rules.is_empty();
        let no_days = if self.combine == Combine::Both { no_day || no_weekday } else { no_day && no_weekday };
        let no_time = self.seconds == 0 || self.minutes == 0 || self.hours == 0 || self.months == 0;
        self.at_boot || no_time || no_days
    }

    /// The times of a day, in seconds after its midnight, ascending.
    fn times(&self) -> impl Iterator<Item = i64> + '_ {
        let hours = bits(u64::from(self.hours));
        hours.flat_map(move |hour| {
            let minutes = bits(self.minutes);
            minutes.flat_map(move |minute| {
                bits(self.seconds).map(move |second| i64::from(hour * 3600 + minute * 60 + second))
            })
        })
    }

    /// The UTC seconds of all runs on a local day on which the clocks may change.
    fn runs_on(&self, date: Date, zone: &TimeZone, runs: &mut Vec<i64>) {
        for time in self.times() {
            let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
            let local = date.at(hour as i8, minute as i8, second as i8, 0);
            moments(local, zone, self.gap, self.fold, runs);
        }
        runs.sort_unstable();
        runs.dedup();
        if self.fold == Fold::NotTwiceInARow {
            let local = |run: i64| Timestamp::from_second(run).ok().map(|time| zone.to_datetime(time));
            runs.dedup_by(|later, earlier| local(*later) == local(*earlier));
        }
    }
}

/// Adds the moments, in UTC seconds, at which a run of a local time starts.
pub(super) fn moments(local: DateTime, zone: &TimeZone, gap: Gap, fold: Fold, runs: &mut Vec<i64>) {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    let at = |offset: jiff::tz::Offset| offset.to_timestamp(local).ok().map(|time| time.as_second());
    match (ambiguous.offset(), gap, fold) {
        (AmbiguousOffset::Unambiguous { offset }, _, fold) => {
            runs.extend(at(offset));
            if fold == Fold::BothAndTheHourAfter {
                runs.extend(with_the_hour_before(local, zone));
            }
        }
        (AmbiguousOffset::Gap { .. }, Gap::Skipped, _) => {}
        (AmbiguousOffset::Gap { after, .. }, Gap::AtOnce, _) => {
            runs.extend(at(after).and_then(|inside| next_transition(zone, inside)));
        }
        (AmbiguousOffset::Gap { before, after }, Gap::AnHourLater, _) => {
            if after.seconds() - before.seconds() >= 3600 {
                runs.extend(at(after).map(|inside| inside + 3600));
            }
        }
        (AmbiguousOffset::Gap { before, .. }, Gap::Moved, _) => runs.extend(at(before)),
        (AmbiguousOffset::Fold { before, after }, _, Fold::AsUtc) => {
            let there = jiff::tz::Offset::UTC.to_timestamp(local).map(|time| zone.to_offset(time));
            runs.extend(at(if there.is_ok_and(|offset| offset == before) { before } else { after }));
        }
        (AmbiguousOffset::Fold { before, .. }, _, Fold::First) => runs.extend(at(before)),
        (AmbiguousOffset::Fold { after, .. }, _, Fold::Second) => runs.extend(at(after)),
        (AmbiguousOffset::Fold { before, after }, _, _) => {
            runs.extend(at(before));
            runs.extend(at(after));
        }
    }
}

/// Both moments of the local time an hour earlier that day, where it comes twice and the clock is not behind UTC.
fn with_the_hour_before(local: DateTime, zone: &TimeZone) -> Vec<i64> {
    let earlier =
        local.checked_sub(Span::new().hours(1)).ok().filter(|earlier| earlier.date() == local.date());
    let Some(earlier) = earlier else { return Vec::new() };
    match zone.to_ambiguous_timestamp(earlier).offset() {
        AmbiguousOffset::Fold { before, after }
            if after.seconds() >= 0 && before.seconds() - after.seconds() >= 3600 =>
        {
            let at =
                |offset: jiff::tz::Offset| offset.to_timestamp(earlier).ok().map(|time| time.as_second());
            [at(before), at(after)].into_iter().flatten().collect()
        }
        _ => Vec::new(),
    }
}

/// The bits of a set, ascending.
pub(super) fn bits(set: u64) -> impl Iterator<Item = u32> {
    let mut rest = set;
    std::iter::from_fn(move || {
        let bit = (rest != 0).then(|| rest.trailing_zeros())?;
        rest &= rest - 1;
        Some(bit)
    })
}

/// The moment of the change whose gap holds a local time; `inside` is that time read with the offset after
/// the change, which lies before the change itself.
fn next_transition(zone: &TimeZone, inside: i64) -> Option<i64> {
    let before = Timestamp::from_second(inside.checked_sub(1)?).ok()?;
    zone.following(before).next().map(|change| change.timestamp().as_second())
}

/// The runs of a calendar, day by day.
struct Runs<'a> {
    calendar: &'a Calendar,
    zone: &'a TimeZone,
    /// The next day to look at.
    date: Option<Date>,
    /// How many days in a row had no run.
    idle: i64,
    /// The runs of the day before it.
    runs: Vec<i64>,
    at: usize,
    /// Nothing up to this moment is given.
    last: i64,
    /// The offset that holds on every day from the first to the last of these, both whole.
    steady: Option<(i64, Date, Date)>,
}

impl Runs<'_> {
    /// The offset of all of a day, where no clock changes on it or beside it.
    fn steady_offset(&mut self, date: Date) -> Option<i64> {
        if let Some((offset, first, last)) = self.steady
            && (first..=last).contains(&date)
        {
            return Some(offset);
        }
        let midnight = date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
        // Two days before, no offset of any zone reaches this one.
        let start = Timestamp::from_second(midnight - 2 * 86_400).ok()?;
        let change = self.zone.following(start).next().map(|change| change.timestamp().as_second());
        let days = change.map_or(366, |change| (change - midnight) / 86_400 - 2).min(366);
        if days < 0 {
            return None;
        }
        let offset = i64::from(self.zone.to_offset(Timestamp::from_second(midnight).ok()?).seconds());
        let last = date.checked_add(Span::new().days(days)).ok()?;
        self.steady = Some((offset, date, last));
        Some(offset)
    }

    /// The next day that has a run, in `runs`.
    fn next_day(&mut self) -> Option<()> {
        loop {
            let date = self.date?;
            let years = &self.calendar.years;
            if !years.is_empty() && years.binary_search(&date.year()).is_err() {
                let year = *years.iter().find(|year| **year > date.year())?;
                self.date = Date::new(year, 1, 1).ok();
                continue;
            }
            self.date = date.tomorrow().ok();
            self.idle += 1;
            if self.idle > HORIZON_DAYS {
                return None;
            }
            if !self.calendar.day_matches(date) {
                continue;
            }
            self.runs.clear();
            self.at = 0;
            match self.steady_offset(date) {
                Some(offset) => {
                    let midnight = date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second() - offset;
                    self.runs.extend(self.calendar.times().map(|time| midnight + time));
                }
                None => self.calendar.runs_on(date, self.zone, &mut self.runs),
            }
            if !self.runs.is_empty() {
                self.idle = 0;
                return Some(());
            }
        }
    }
}

impl Iterator for Runs<'_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        loop {
            while let Some(run) = self.runs.get(self.at).copied() {
                self.at += 1;
                if run > self.last {
                    self.last = run;
                    return Some(run);
                }
            }
            self.next_day()?;
        }
    }
}

impl Meaning for Calendar {
    fn runs<'a>(&'a self, zone: &'a TimeZone, from: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        let zone = self.zone.as_ref().map_or(zone, |(_, own)| own);
        let start = Timestamp::from_second(from).ok().map(|time| zone.to_datetime(time).date());
        // One day earlier, because a job skipped by a change at midnight runs on the next local day.
        let first = start.and_then(|date| date.yesterday().ok());
        let date = first.filter(|_| !self.selects_nothing());
        Box::new(Runs {
            calendar: self,
            zone,
            date,
            idle: 0,
            runs: Vec::new(),
            at: 0,
            last: from,
            steady: None,
        })
    }

    fn words(&self) -> String {
        if self.at_boot { "at boot".to_owned() } else { words::of(self) }
    }

    fn clock(&self) -> Clock {
        if self.at_boot { Clock::Boot } else { Clock::Calendar }
    }

    fn spread_seconds(&self) -> u64 {
        self.spread
    }

    fn zone(&self) -> Option<&str> {
        self.zone.as_ref().map(|(name, _)| name.as_str())
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }

    fn misread(&self) -> &[String] {
        &self.misread
    }
}

/// A calendar in words.
mod words {
    use super::{Calendar, Combine, bits};

    const WEEKDAYS: [&str; 7] =
        ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

    pub(super) fn of(calendar: &Calendar) -> String {
        let [minute, hour, day, month, weekday] = &calendar.text;
        let any = |text: &str| matches!(text, "*" | "?" | "");
        let time = time(calendar, minute, hour);
        let mut when = Vec::new();
        let named = weekdays(calendar, weekday);
        match (any(day), any(weekday)) {
            (true, true) => {}
            (false, true) => when.push(format!("on day {day} of the month")),
            (true, false) => when.push(named),
            (false, false) if calendar.combine == Combine::Both => {
                when.push(format!("on day {day} of the month if it is {named}"));
            }
            (false, false) => when.push(format!("on day {day} of the month and {named}")),
        }
        if !any(month) {
            when.push(format!("in month {month}"));
        }
        if let ([first, ..], [.., last]) = (&calendar.years[..], &calendar.years[..]) {
            when.push(if first == last { format!("in {first}") } else { format!("from {first} to {last}") });
        }
        let words = if when.is_empty() && time.starts_with("at ") {
            format!("{time} every day")
        } else {
            std::iter::once(time).chain(when).collect::<Vec<_>>().join(", ")
        };
        match calendar.spread {
            0 => words,
            spread => format!("{words}, or up to {} later", super::super::duration(spread)),
        }
    }

    fn time(calendar: &Calendar, minute: &str, hour: &str) -> String {
        let seconds: Vec<u32> = bits(calendar.seconds).collect();
        let (minutes, hours): (Vec<u32>, Vec<u32>) =
            (bits(calendar.minutes).collect(), bits(u64::from(calendar.hours)).collect());
        let within = match seconds[..] {
            [0] => String::new(),
            [second] => format!(", at second {second}"),
            _ => format!(", {} times a minute", seconds.len()),
        };
        let time = match (minute.strip_prefix("*/"), minute, hour) {
            (_, "*", "*") => "every minute".to_owned(),
            (Some(step), _, "*") => format!("every {step} minutes"),
            (_, _, "*") => {
                let list: Vec<String> = minutes.iter().map(|m| format!(":{m:02}")).collect();
                format!("every hour at {}", list.join(", "))
            }
            _ if minutes.len() * hours.len() <= 6 => {
                let times: Vec<String> = hours
                    .iter()
                    .flat_map(|h| minutes.iter().map(move |m| format!("{h:02}:{m:02}")))
                    .collect();
                format!("at {}", times.join(", "))
            }
            _ => format!("at minute {minute} of hour {hour}"),
        };
        time + &within
    }

    fn weekdays(calendar: &Calendar, text: &str) -> String {
        if !calendar.weekday_rules.is_empty() {
            return format!("weekday {text}");
        }
        let days: Vec<usize> = (0..7).filter(|day| calendar.weekdays & (1 << day) != 0).collect();
        let run = days.len() > 2 && days.windows(2).all(|pair| pair[1] == pair[0] + 1);
        match (&days[..], run) {
            ([first, .., last], true) => format!("{} to {}", WEEKDAYS[*first], WEEKDAYS[*last]),
            _ => days.iter().map(|day| WEEKDAYS[*day]).collect::<Vec<_>>().join(", "),
        }
    }
}
