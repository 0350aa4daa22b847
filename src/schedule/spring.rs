//! Spring's CronExpression (since 5.3), as `@Scheduled(cron = …)` takes it: six fields with seconds first, Sunday 0 or
//! 7, `L`, `W` and `#` in the day fields, which are ANDed, and @macros; `-` switches the job off. Rules read from
//! CronExpression, CronField, BitsCronField and QuartzCronField. A local time that the clocks leave out is left out,
//! one that comes twice is run twice.

use super::calendar::{Calendar, DayRule};
use super::fields::{
    DAY, Field, HOUR, MINUTE, MONTH, MONTH_NAMES, Set, WEEKDAY, digits, one, rejected, sunday_is_zero,
};
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
