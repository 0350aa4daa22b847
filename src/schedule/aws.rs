//! Amazon EventBridge (its user guide, "Schedule types in EventBridge Scheduler", and "Setting a schedule pattern" of
//! its rules): `cron(…)` with six fields and years, Sunday as 1, exactly one `?` of the two day fields; `rate(5
//! minutes)`; `at(2026-11-26T03:00:00)`. A time that a change of the clocks leaves out is skipped, one that comes twice
//! runs once. Rules count in UTC; a zone stands beside the expression, never in it.

use super::calendar::{Calendar, Combine, DayRule, Fold, Gap};
use super::fields::{DAY, Field, HOUR, MINUTE, MONTH, Set, WEEKDAY, number, one, rejected};
use super::{Clock, Dialect, Meaning, Rejected, Schedule};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// EventBridge's rules.
pub struct Aws;
/// EventBridge Scheduler, which takes `rate(1 days)` too: its user guide, "Rate-based schedules", knows no rule for the s.
pub struct AwsScheduler;

/// Sunday is 1 and Saturday 7.
const AWS_WEEKDAY: Field = Field { low: 1, high: 7, ..WEEKDAY };
/// The years that are taken.
const YEARS: (u32, u32) = (1970, 2199);

impl Dialect for Aws {
    fn name(&self) -> &'static str {
        "aws"
    }

    fn title(&self) -> &'static str {
        "Amazon EventBridge: cron(six fields), rate(…), at(…)"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        expression(text, true)
    }
}

impl Dialect for AwsScheduler {
    fn name(&self) -> &'static str {
        "aws-scheduler"
    }

    fn title(&self) -> &'static str {
        "Amazon EventBridge Scheduler: cron(six fields), rate(…), at(…)"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        expression(text, false)
    }
}

/// An expression; `exact`: the unit of a rate must agree with its number.
fn expression(text: &str, exact: bool) -> Result<Schedule, Rejected> {
    let text = text.trim();
    let inside = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
    if let Some(fields) = inside("cron") {
        cron(fields)
    } else if let Some(rate) = inside("rate") {
        Ok(Schedule::new(Rate { seconds: seconds(rate, exact)?, text: rate.trim().to_owned() }))
    } else if let Some(moment) = inside("at") {
        at(moment)
    } else {
        Err(rejected("it is none of cron(…), rate(…) and at(…)"))
    }
}

fn cron(text: &str) -> Result<Schedule, Rejected> {
    let parts: Vec<&str> = text.split_whitespace().collect();
    let [minute, hour, day, month, weekday, year] = parts[..] else {
        return Err(rejected(format!("six fields are needed, not {}", parts.len())));
    };
    if (day == "?") == (weekday == "?") {
        return Err(rejected("exactly one of day of month and day of week must be ?"));
    }
    let mut calendar = Calendar {
        seconds: 1,
        minutes: bits(minute, &MINUTE)?,
        hours: bits(hour, &HOUR)? as u32,
        months: bits(month, &MONTH)? as u16,
        years: years(year)?,
        combine: Combine::Both,
        gap: Gap::Skipped,
        fold: Fold::First,
        text: [minute, hour, day, month, weekday].map(|field| field.replace('?', "*")),
        ..Calendar::default()
    };
    if day == "?" {
        (calendar.days, calendar.day_rules) = (u32::MAX, Vec::new());
        (calendar.weekdays, calendar.weekday_rules) = weekdays(weekday)?;
    } else {
        (calendar.days, calendar.day_rules) = days(day)?;
        (calendar.weekdays, calendar.weekday_rules) = (0x7f, Vec::new());
    }
    Ok(Schedule::new(calendar))
}

fn bits(text: &str, field: &Field) -> Result<u64, Rejected> {
    let mut set = Set::default();
    for element in text.split(',') {
        part(element, field, &mut set)?;
    }
    Ok(set.bits)
}

/// One element; a range whose end comes before its start goes on over the end of the field (`MON-SUN`), as in Quartz.
fn part(text: &str, field: &Field, set: &mut Set) -> Result<(), Rejected> {
    let wraps = |(low, high): (&str, &str)| {
        let (low, high) = (number(low, field).ok()?, number(high, field).ok()?);
        (low > high).then_some((low, high))
    };
    let Some((low, high)) = text.split_once('-').and_then(wraps) else {
        return one(text, field, &[], set);
    };
    one(&format!("{low}-{}", field.high), field, &[], set)?;
    one(&format!("{}-{high}", field.low), field, &[], set)
}

/// Days of the month: `L` is the last, `3W` the weekday nearest to the third.
fn days(text: &str) -> Result<(u32, Vec<DayRule>), Rejected> {
    let (mut set, mut rules) = (Set::default(), Vec::new());
    for element in text.split(',') {
        match (element, element.strip_suffix('W')) {
            ("L", _) => rules.push(DayRule::BeforeLast(0)),
            ("LW", _) => rules.push(DayRule::LastWorkday),
            (_, Some(day)) => rules.push(DayRule::Nearest(number(day, &DAY)? as i8)),
            _ => part(element, &DAY, &mut set)?,
        }
    }
    Ok((set.bits as u32, rules))
}

/// Weekdays: `L` is Saturday, `5L` the last Thursday of the month, `3#2` its second Tuesday.
fn weekdays(text: &str) -> Result<(u8, Vec<DayRule>), Rejected> {
    let (mut set, mut rules) = (Set::default(), Vec::new());
    let weekday = |text: &str| number(text, &AWS_WEEKDAY).map(|day| day as i8 - 1);
    for element in text.split(',') {
        if element == "L" {
            set.bits |= 1 << 7;
        } else if let Some((day, nth)) = element.split_once('#') {
            if element != text {
                return Err(rejected("day of week: # stands alone, without other days"));
            }
            let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth));
            let nth =
                nth.ok_or_else(|| rejected(format!("day of week: {element:?}: a month has 5 at most")))?;
            rules.push(DayRule::NthWeekday(weekday(day)?, nth));
        } else if let Some(day) = element.strip_suffix('L').filter(|day| !day.is_empty()) {
            rules.push(DayRule::LastWeekday(weekday(day)?));
        } else {
            part(element, &AWS_WEEKDAY, &mut set)?;
        }
    }
    Ok(((set.bits >> 1) as u8 & 0x7f, rules))
}

/// The years, ascending; none: all.
fn years(text: &str) -> Result<Vec<i16>, Rejected> {
    if text == "*" {
        return Ok(Vec::new());
    }
    let wrong = |what: &str| rejected(format!("year: {what:?} is not in {}-{}", YEARS.0, YEARS.1));
    let year = |text: &str| {
        let year = text.parse::<u32>().ok().filter(|year| (YEARS.0..=YEARS.1).contains(year));
        year.ok_or_else(|| wrong(text))
    };
    let mut told = Vec::new();
    for element in text.split(',') {
        let (range, step) = element.split_once('/').unwrap_or((element, "1"));
        let step = step.parse::<usize>().ok().filter(|step| *step > 0).ok_or_else(|| wrong(element))?;
        let (low, high) = match range.split_once('-') {
            _ if range == "*" => YEARS,
            Some((low, high)) => (year(low)?, year(high)?),
            None if element.contains('/') => (year(range)?, YEARS.1),
            None => (year(range)?, year(range)?),
        };
        told.extend((low..=high).step_by(step).map(|year| year as i16));
    }
    told.sort_unstable();
    told.dedup();
    if told.is_empty() { Err(wrong(text)) } else { Ok(told) }
}

/// `5 minutes`: a number above 0, and its unit, which has an s unless the number is 1 where that is asked for.
fn seconds(text: &str, exact: bool) -> Result<u64, Rejected> {
    let wrong = || rejected(format!("rate: {text:?} is no number of minutes, hours or days"));
    let (value, unit) = text.trim().split_once(' ').ok_or_else(wrong)?;
    let value: u64 = value.parse().ok().filter(|value| *value > 0).ok_or_else(wrong)?;
    let unit = unit.trim();
    let singular = unit.strip_suffix('s').unwrap_or(unit);
    let length = match singular {
        "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        _ => return Err(wrong()),
    };
    if exact && (value == 1) != (unit == singular) {
        return Err(rejected(format!("rate: {text:?}: the unit of 1 has no s, that of more has one")));
    }
    value.checked_mul(length).ok_or_else(wrong)
}

/// One moment.
fn at(text: &str) -> Result<Schedule, Rejected> {
    let moment: DateTime = text
        .trim()
        .parse()
        .map_err(|_| rejected(format!("at: {text:?} is no moment yyyy-mm-ddThh:mm:ss")))?;
    let (date, time) = (moment.date(), moment.time());
    let calendar = Calendar {
        seconds: 1 << time.second(),
        minutes: 1 << time.minute(),
        hours: 1 << time.hour(),
        days: 1 << date.day(),
        months: 1 << date.month(),
        weekdays: 0x7f,
        years: vec![date.year()],
        combine: Combine::Both,
        gap: Gap::Skipped,
        fold: Fold::First,
        notes: vec![format!("it runs once, on {date}")],
        text: [
            time.minute().to_string(),
            time.hour().to_string(),
            date.day().to_string(),
            date.month().to_string(),
            "*".to_owned(),
        ],
        ..Calendar::default()
    };
    Ok(Schedule::new(calendar))
}

/// So much time after the one before, counted from when the rule was made.
#[derive(Debug)]
struct Rate {
    seconds: u64,
    text: String,
}

impl Meaning for Rate {
    fn runs<'a>(&'a self, _: &'a TimeZone, _: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        Box::new(std::iter::empty())
    }

    fn words(&self) -> String {
        format!("every {}, from when it was made", self.text)
    }

    fn clock(&self) -> Clock {
        Clock::Interval { seconds: self.seconds, from_end: false }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Clock, parse};
    use jiff::tz::TimeZone;

    /// The first runs after 2026-01-01T00:00:00Z, in a zone.
    fn runs(text: &str, zone: &str, count: usize) -> Vec<String> {
        let zone = TimeZone::get(zone).expect("it is a zone");
        let schedule = parse("aws", text).expect("it is accepted");
        let told = schedule.next(&zone, 1_767_225_600).take(count);
        told.map(|run| jiff::Timestamp::from_second(run).expect("it is a moment").to_string()).collect()
    }

    #[test]
    fn the_guides_examples_mean_what_it_says() {
        // "10:00 AM every day", "12:15 PM every day", "6:00 PM every Monday through Friday".
        assert_eq!(runs("cron(0 10 * * ? *)", "UTC", 2), ["2026-01-01T10:00:00Z", "2026-01-02T10:00:00Z"]);
        assert_eq!(
            runs("cron(0 18 ? * MON-FRI *)", "UTC", 3),
            ["2026-01-01T18:00:00Z", "2026-01-02T18:00:00Z", "2026-01-05T18:00:00Z"]
        );
        // "8:00 AM every first day of the month", "every 15 minutes", "10:15 AM, last Friday of each month 2022 to 2023".
        assert_eq!(runs("cron(0 8 1 * ? *)", "UTC", 2), ["2026-01-01T08:00:00Z", "2026-02-01T08:00:00Z"]);
        assert_eq!(runs("cron(0/15 * * * ? *)", "UTC", 2), ["2026-01-01T00:15:00Z", "2026-01-01T00:30:00Z"]);
        assert_eq!(
            runs("cron(15 10 ? * 6L 2026-2027)", "UTC", 2),
            ["2026-01-30T10:15:00Z", "2026-02-27T10:15:00Z"]
        );
    }

    #[test]
    fn sunday_is_one_and_days_go_by_rule() {
        assert_eq!(runs("cron(0 0 ? * 1 *)", "UTC", 1), ["2026-01-04T00:00:00Z"]);
        assert_eq!(runs("cron(0 0 ? * 3#2 *)", "UTC", 2), ["2026-01-13T00:00:00Z", "2026-02-10T00:00:00Z"]);
        assert_eq!(runs("cron(0 0 L * ? *)", "UTC", 2), ["2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z"]);
        // 1 February 2026 is a Sunday: the nearest weekday of that month is the second.
        assert_eq!(runs("cron(0 0 1W 2 ? *)", "UTC", 1), ["2026-02-02T00:00:00Z"]);
        assert_eq!(
            runs("cron(0 0 ? * FRI-SUN *)", "UTC", 3),
            ["2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z"]
        );
        assert_eq!(runs("cron(0 0 ? * L *)", "UTC", 1), ["2026-01-03T00:00:00Z"]);
        assert_eq!(runs("at(2026-11-20T13:00:00)", "America/New_York", 3), ["2026-11-20T18:00:00Z"]);
    }

    #[test]
    fn a_left_out_hour_is_skipped_and_a_repeated_one_runs_once() {
        let spring = runs("cron(30 2 28-30 3 ? 2026)", "Europe/Berlin", 5);
        assert_eq!(spring, ["2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z"]);
        assert_eq!(runs("cron(30 2 25 10 ? 2026)", "Europe/Berlin", 5), ["2026-10-25T00:30:00Z"]);
    }

    #[test]
    fn rates_are_intervals() {
        let clock = |text: &str| parse("aws", text).expect("it is accepted").clock();
        assert_eq!(clock("rate(1 hour)"), Clock::Interval { seconds: 3600, from_end: false });
        assert_eq!(clock("rate(5 minutes)"), Clock::Interval { seconds: 300, from_end: false });
        assert_eq!(clock("cron(${var.minute} 5 * * ? *)"), Clock::Unsettled);
    }

    #[test]
    fn the_scheduler_takes_either_form_of_a_unit() {
        let day = Clock::Interval { seconds: 86_400, from_end: false };
        assert_eq!(parse("aws-scheduler", "rate(1 days)").expect("it is accepted").clock(), day);
        assert!(parse("aws", "rate(1 days)").is_err());
        assert!(parse("aws-scheduler", "rate(1 weeks)").is_err());
    }

    #[test]
    fn what_eventbridge_refuses_is_refused() {
        for text in [
            "cron(0 10 * * * *)",
            "cron(0 10 ? * ? *)",
            "cron(0 10 * * ?)",
            "cron(0 10 * * 0 *)",
            "cron(0 10 ? * 8 *)",
            "cron(0 10 ? * 3#6 *)",
            "cron(0 10 ? * 3#1,6#3 *)",
            "cron(60 10 * * ? *)",
            "cron(0 10 * * ? 1969)",
            "rate(1 hours)",
            "rate(5 minute)",
            "rate(0 minutes)",
            "rate(5 weeks)",
            "at(tomorrow)",
            "0 10 * * ? *",
        ] {
            assert!(parse("aws", text).is_err(), "{text}");
        }
    }
}
