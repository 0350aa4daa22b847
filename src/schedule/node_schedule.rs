//! node-schedule (npm): cron expressions as cron-parser reads them, and recurrence rules by their properties:
//! `hour=2 minute=30 dayOfWeek=0,6`, months from 0 and weekdays from 0 (Sunday). What a rule does not say is any, but
//! the second is 0; everything it says must hold. Rules read from RecurrenceRule in its Invocation.js and tried on it: it
//! steps through the time that really passes, so a local time that the clocks leave out is left out, and one that comes
//! twice is run twice.

use super::calendar::{Calendar, Fold, Gap};
use super::cron_parser::CronParser;
use super::fields::{DAY, Field, HOUR, MINUTE, digits, every, rejected};
use super::{Dialect, Rejected, Schedule};

/// node-schedule.
pub struct NodeSchedule;

const SECOND: Field = Field { name: "second", ..MINUTE };
const MONTH: Field = Field { name: "month", low: 0, high: 11, names: &[] };
const WEEKDAY: Field = Field { name: "dayOfWeek", low: 0, high: 6, names: &[] };
const YEAR: Field = Field { name: "year", low: 1970, high: 2199, names: &[] };

impl Dialect for NodeSchedule {
    fn name(&self) -> &'static str {
        "node-schedule"
    }

    fn title(&self) -> &'static str {
        "node-schedule: cron-parser's fields, and rules such as hour=2 minute=30 dayOfWeek=0,6"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        if !text.contains('=') || text.trim_start().starts_with("every=") {
            return CronParser.parse(text);
        }
        let mut calendar = Calendar {
            seconds: 1,
            minutes: every(0, 59, 1),
            hours: every(0, 23, 1) as u32,
            days: every(1, 31, 1) as u32,
            months: every(1, 12, 1) as u16,
            weekdays: 0x7f,
            gap: Gap::Skipped,
            fold: Fold::Both,
            text: ["*"; 5].map(str::to_owned),
            ..Calendar::default()
        };
        for part in text.split_whitespace() {
            let Some((name, value)) = part.split_once('=') else {
                return Err(rejected(format!("{part:?} is no property of a rule")));
            };
            let shown = match name {
                "second" => {
                    calendar.seconds = bits(value, &SECOND)?;
                    continue;
                }
                "minute" => {
                    calendar.minutes = bits(value, &MINUTE)?;
                    0
                }
                "hour" => {
                    calendar.hours = bits(value, &HOUR)? as u32;
                    1
                }
                "date" => {
                    calendar.days = bits(value, &DAY)? as u32;
                    2
                }
                "month" => {
                    calendar.months = (bits(value, &MONTH)? << 1) as u16;
                    let from_one = value.split(',').filter_map(digits).map(|month| (month + 1).to_string());
                    calendar.text[3] = from_one.collect::<Vec<_>>().join(",");
                    continue;
                }
                "dayOfWeek" => {
                    calendar.weekdays = bits(value, &WEEKDAY)? as u8;
                    4
                }
                "year" => {
                    calendar.years = numbers(value, &YEAR)?.into_iter().map(|year| year as i16).collect();
                    calendar.years.sort_unstable();
                    continue;
                }
                _ => return Err(rejected(format!("{part:?} is no property of a rule"))),
            };
            calendar.text[shown] = value.to_owned();
        }
        Ok(Schedule::new(calendar))
    }
}

fn numbers(text: &str, field: &Field) -> Result<Vec<u32>, Rejected> {
    let wrong =
        |value: &str| rejected(format!("{}: {value:?} is not in {}-{}", field.name, field.low, field.high));
    let known = |value: &str| digits(value).filter(|it| (field.low..=field.high).contains(it));
    text.split(',').take(100).map(|value| known(value).ok_or_else(|| wrong(value))).collect()
}

fn bits(text: &str, field: &Field) -> Result<u64, Rejected> {
    Ok(numbers(text, field)?.into_iter().fold(0, |set, value| set | 1 << value))
}
