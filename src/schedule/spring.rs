//! Spring's CronExpression (since 5.3), as `@Scheduled(cron = …)` takes it: six fields with seconds first, Sunday 0 or
//! 7, `L`, `W` and `#` in the day fields, which are ANDed, and @macros; `-` switches the job off. Rules read from
//! CronExpression, CronField, BitsCronField and QuartzCronField. A local time that the clocks leave out is left out,
//! one that comes twice is run twice. The annotation's other attributes stand as they are called there:
//! `fixedRate=60000`, `fixedDelay=10s initialDelay=PT1M`, and `initialDelay=5000` alone for a task that runs once
//! (ScheduledAnnotationBeanPostProcessor, "processScheduledTask").

use super::calendar::{Calendar, DayRule};
use super::fields::{
    DAY, Field, HOUR, MINUTE, MONTH, MONTH_NAMES, Set, WEEKDAY, digits, one, rejected, sunday_is_zero,
};
use super::interval::{Interval, Since, millis};
use super::{Dialect, Rejected, Schedule};

/// Spring.
pub struct Spring;

const SECOND: Field = Field { name: "second", ..MINUTE };

/// Names as their numbers are written in a field; Sunday is 7 there.
const DAYS: [(&str, &str); 7] =
    [("MON", "1"), ("TUE", "2"), ("WED", "3"), ("THU", "4"), ("FRI", "5"), ("SAT", "6"), ("SUN", "7")];

const MACROS: [(&str, &str); 7] = [
    ("@yearly", "0 0 0 1 1 *"),
    ("@annually", "0 0 0 1 1 *"),
    ("@monthly", "0 0 0 1 * *"),
    ("@weekly", "0 0 0 * * 0"),
    ("@daily", "0 0 0 * * *"),
    ("@midnight", "0 0 0 * * *"),
    ("@hourly", "0 0 * * * *"),
];

impl Dialect for Spring {
    fn name(&self) -> &'static str {
        "spring"
    }

    fn title(&self) -> &'static str {
        "Spring @Scheduled(cron): six fields with L, W and #, @macros"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        let text = text.trim();
        if text == "-" {
            return Err(rejected("- switches the job off"));
        }
        if text.contains('=') {
            return interval(text);
        }
        let found = MACROS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        let fields = found.map_or(text, |(_, fields)| *fields);
        let parts: Vec<&str> = fields.split_whitespace().collect();
        let Ok([second, minute, hour, day, month, weekday]) = <[&str; 6]>::try_from(parts.as_slice()) else {
            return Err(rejected(format!("six fields are needed, not {}", parts.len())));
        };
        let mut calendar = Calendar {
            seconds: bits(second, &SECOND)?,
            minutes: bits(minute, &MINUTE)?,
            hours: bits(hour, &HOUR)? as u32,
            months: bits(&numbered(month), &Field { names: &[], ..MONTH })? as u16,
            text: [minute, hour, day, month, weekday].map(str::to_owned),
            ..Calendar::default()
        };
        days(day, &mut calendar)?;
        weekdays(weekday, &mut calendar)?;
        Ok(Schedule::new(calendar))
    }
}

/// `fixedRate=…`, `fixedDelay=…`, each with `initialDelay=…` or without, or that alone.
fn interval(text: &str) -> Result<Schedule, Rejected> {
    let (mut every, mut delay) = (None, None);
    for part in text.split_whitespace() {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let twice = |taken: bool| if taken { Err(rejected("exactly one of them is needed")) } else { Ok(()) };
        match name {
            "fixedRate" | "fixedDelay" => {
                twice(every.is_some())?;
                let since = if name == "fixedRate" { Since::LastStart } else { Since::LastEnd };
                every = Some((millis(value)?, since));
            }
            "initialDelay" => {
                twice(delay.is_some())?;
                delay = Some(millis(value)?);
            }
            _ => return Err(rejected(format!("{part:?} is no attribute of a schedule"))),
        }
    }
    match (every, delay) {
        (Some((0, Since::LastStart)), _) => Err(rejected("a rate of 0 is none")),
        (Some((length, since)), _) => Ok(Schedule::new(Interval::new(length, since))),
        (None, Some(delay)) => Ok(Schedule::new(Interval::new(delay, Since::Start))),
        (None, None) => Err(rejected("no attribute of a schedule")),
    }
}

/// The names of months replaced by their numbers wherever they stand.
fn numbered(text: &str) -> String {
    let text = text.to_ascii_uppercase();
    MONTH_NAMES
        .iter()
        .zip(1..)
        .fold(text, |text, (name, number)| text.replace(&name.to_ascii_uppercase(), &number.to_string()))
}

fn bits(text: &str, field: &Field) -> Result<u64, Rejected> {
    let mut set = Set::default();
    for element in text.split(',') {
        one(element, field, &[], &mut set)?;
    }
    Ok(set.bits)
}

fn days(text: &str, calendar: &mut Calendar) -> Result<(), Rejected> {
    if text == "?" {
        return days("*", calendar);
    }
    let wrong = || rejected(format!("day of month: {text:?} is no day"));
    let day = |text: &str| digits(text).filter(|day| (1..=31).contains(day)).ok_or_else(wrong);
    for element in text.split(',') {
        let rule = match element.strip_prefix('L') {
            Some("") => DayRule::BeforeLast(0),
            Some("W") => DayRule::LastWorkday,
            Some(rest) => {
                let before = rest.strip_prefix('-').and_then(digits).filter(|before| *before > 0);
                DayRule::BeforeLast(before.ok_or_else(wrong)?.min(40) as i8)
            }
            None => match element.strip_suffix('W') {
                Some(rest) => DayRule::Nearest(day(rest)? as i8),
                None => {
                    calendar.days |= bits(element, &DAY)? as u32;
                    continue;
                }
            },
        };
        calendar.day_rules.push(rule);
    }
    Ok(())
}

fn weekdays(text: &str, calendar: &mut Calendar) -> Result<(), Rejected> {
    if text == "?" {
        return weekdays("*", calendar);
    }
    let text = DAYS.iter().fold(text.to_ascii_uppercase(), |text, (name, number)| text.replace(name, number));
    let wrong = || rejected(format!("day of week: {text:?} is no weekday"));
    let weekday =
        |text: &str| digits(text).filter(|day| *day <= 7).map(|day| (day % 7) as i8).ok_or_else(wrong);
    for element in text.split(',') {
        if let Some(day) = element.strip_suffix('L') {
            calendar.weekday_rules.push(DayRule::LastWeekday(weekday(day)?));
        } else if let Some((day, nth)) = element.split_once('#') {
            let nth = digits(nth).filter(|nth| *nth > 0).ok_or_else(wrong)?;
            calendar.weekday_rules.push(DayRule::NthWeekday(weekday(day)?, nth.min(6) as i8));
        } else {
            // As the start of a range Sunday is 0. A star is Monday to Sunday.
            let element = match element.strip_prefix("7-") {
                Some(rest) => format!("0-{rest}"),
                None => element.replace('*', "1-7"),
            };
            let plain = Field { names: &[], ..WEEKDAY };
            calendar.weekdays |= sunday_is_zero(bits(&element, &plain)?);
        }
    }
    Ok(())
}
