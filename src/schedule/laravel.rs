//! Laravel's scheduler: the expressions of its events, read by dragonmantank/cron-expression (3.x, its Field classes),
//! with what else an event says written behind: `->timezone('Europe/Berlin')`, `->everyTenSeconds()`. It reads no PHP.
//!
//! The events are asked each minute whether they are due, by the local time of their zone as text, which is then read
//! as a time of the application's own zone (Illuminate\Console\Scheduling\Event::expressionPasses). So a time that the
//! application's clock leaves out is due an hour later, and one that it repeats is due twice. Of a repeated time PHP
//! takes the later one for the text, except west of Greenwich, and HoursField then lets the hour after it be due as
//! well: `30 3 * * *` runs three times in Berlin on the night that summer time ends. In another zone than the
//! application's, which is taken for one without such changes then, a time left out is never due.

use super::calendar::{Calendar, Combine, DayRule, Fold, Gap};
use super::fields::{
    DAY, EITHER_DAY, Field, HOUR, MINUTE, MONTH, MONTH_NAMES, WEEKDAY, every, rejected, split,
};
use super::{Dialect, Rejected, Schedule};

/// Laravel.
pub struct Laravel;

/// What repeats within a minute, and after how many seconds.
pub const WITHIN_A_MINUTE: [(&str, usize); 7] = [
    ("everySecond", 1),
    ("everyTwoSeconds", 2),
    ("everyFiveSeconds", 5),
    ("everyTenSeconds", 10),
    ("everyFifteenSeconds", 15),
    ("everyTwentySeconds", 20),
    ("everyThirtySeconds", 30),
];

/// Its weekdays begin with Monday, and it has no name for the 0 that Sunday is, too.
const NAMED_FROM_MONDAY: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const KEYWORDS: [(&str, &str); 7] = super::fields::KEYWORDS;

impl Dialect for Laravel {
    fn name(&self) -> &'static str {
        "laravel"
    }

    fn title(&self) -> &'static str {
        "Laravel (cron-expression): five fields, L, W, #, ->timezone('…'), ->everyTenSeconds()"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        let (expression, methods) =
            text.split_once("->").map_or((text, None), |(expression, methods)| (expression, Some(methods)));
        let mut calendar = Calendar {
            seconds: 1,
            gap: Gap::AnHourLater,
            fold: Fold::BothAndTheHourAfter,
            ..Calendar::default()
        };
        for method in methods.into_iter().flat_map(|methods| methods.split("->").map(str::trim)) {
            read_method(method, &mut calendar)?;
        }
        let expression = expression.trim();
        let lower = expression.to_ascii_lowercase();
        let fields =
            KEYWORDS.iter().find(|(keyword, _)| *keyword == lower).map_or(expression, |(_, fields)| fields);
        let parts = split(fields);
        let Ok(parts) = <[&str; 5]>::try_from(parts.as_slice()) else {
            return Err(rejected(format!("five fields are needed, not {}", parts.len())));
        };
        let [minute, hour, day, month, weekday] = parts;
        if [minute, hour, month].contains(&"?") || (day == "?" && weekday == "?") {
            return Err(rejected("? stands for one of the two day fields only"));
        }
        calendar.minutes = bits(minute, &MINUTE, &[])?;
        calendar.hours = bits(hour, &HOUR, &[])? as u32;
        calendar.months = bits(month, &MONTH, &MONTH_NAMES)? as u16;
        days(day, &mut calendar)?;
        weekdays(weekday, &mut calendar)?;
        // A question mark makes the other field count alone; two stars and one each leave both open.
        calendar.combine = match (day, weekday) {
            ("*", _) | (_, "*") | ("?", _) | (_, "?") => Combine::Both,
            _ => Combine::Either,
        };
        if calendar.combine == Combine::Either {
            calendar.note_misread(EITHER_DAY.to_owned());
        }
        calendar.text = parts.map(str::to_owned);
        Ok(Schedule::new(calendar))
    }
}

/// `timezone('Europe/Berlin')`, `everyTenSeconds()`.
fn read_method(method: &str, calendar: &mut Calendar) -> Result<(), Rejected> {
    let (name, rest) = method.split_once('(').ok_or_else(|| rejected(format!("{method}: no method")))?;
    let argument = rest.trim_end().trim_end_matches(')').trim().trim_matches(['\'', '"']);
    if name == "timezone" {
        let zone = super::zone(argument).ok_or_else(|| rejected(format!("{argument}: no such zone")))?;
        calendar.zone = Some((argument.to_owned(), zone));
        (calendar.gap, calendar.fold) = (Gap::Skipped, Fold::Both);
        return Ok(());
    }
    let step = WITHIN_A_MINUTE.iter().find(|(known, _)| *known == name).map(|(_, step)| *step);
    let step = step.ok_or_else(|| rejected(format!("{name}: no method that is read here")))?;
    calendar.seconds = (0..60).step_by(step).fold(0, |set, second| set | 1 << second);
    Ok(())
}

/// One element without commas; steps and ranges as AbstractField has them. `None`: it is accepted, and fails when it
/// is asked, so that neither it nor what stands behind it is ever due.
fn element(text: &str, field: &Field, names: &[&str]) -> Result<Option<u64>, Rejected> {
    let wrong = |why: &str| rejected(format!("{}: {text:?}: {why}", field.name));
    let (range, step) = match text.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (text, None),
    };
    let value = |text: &str| {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let value = named.map(|at| at as u32 + 1).or_else(|| integer(text));
        let value = value.filter(|value| (field.low..=field.high).contains(value));
        value.ok_or_else(|| wrong(&format!("it is no number from {} to {}", field.low, field.high)))
    };
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let (low, high) = if range == "*" { (field.low, field.high) } else { (value(first)?, value(last)?) };
    let Some(step) = step else {
        // A range that ends before it begins holds nothing.
        return Ok(Some(if low > high { 0 } else { every(low, high, 1) }));
    };
    if integer(range).is_some() {
        return Err(wrong("a step needs a range or *"));
    }
    let step = integer(step).filter(|step| *step > 0).ok_or_else(|| wrong("the step is no number"))?;
    // With a step a name counts as 0.
    let plain = |text: &str, value: u32| if range == "*" { value } else { integer(text).unwrap_or(0) };
    let (low, high) = (plain(first, low), plain(last, high));
    if low < field.low || low > high {
        return Ok(None);
    }
    // A step beyond the field wraps around, and one beyond the range leaves its first value.
    let values = field.high - field.low + 1;
    Ok(Some(if step > field.high { 1 << (field.low + step % values) } else { every(low, high, step) }))
}

/// What PHP takes for a whole number here.
fn integer(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

fn bits(text: &str, field: &Field, names: &[&str]) -> Result<u64, Rejected> {
    let parts = text.split(',').map(|part| element(part, field, names)).collect::<Result<Vec<_>, _>>()?;
    Ok(parts.into_iter().map_while(|part| part).fold(0, |set, part| set | part))
}

fn days(text: &str, calendar: &mut Calendar) -> Result<(), Rejected> {
    match text {
        "?" => calendar.days = !1,
        "L" => calendar.day_rules.push(DayRule::BeforeLast(0)),
        _ => match text.strip_suffix('W') {
            Some(day) => {
                let day = integer(day).filter(|day| (1..=31).contains(day));
                let day = day.ok_or_else(|| rejected(format!("day of month: {text:?}: no day before W")))?;
                calendar.day_rules.push(DayRule::Nearest(day as i8));
            }
            None => calendar.days = bits(text, &DAY, &[])? as u32,
        },
    }
    Ok(())
}

fn weekdays(text: &str, calendar: &mut Calendar) -> Result<(), Rejected> {
    if text == "?" {
        calendar.weekdays = 0x7f;
        return Ok(());
    }
    let wrong = |text: &str| rejected(format!("day of week: {text:?} is none"));
    let day = |text: &str| {
        let named = NAMED_FROM_MONDAY.iter().position(|name| name.eq_ignore_ascii_case(text));
        let day = named.map(|at| at as u32 + 1).or_else(|| integer(text));
        day.filter(|day| *day <= 7).map(|day| (day % 7) as i8).ok_or_else(|| wrong(text))
    };
    let mut failed = false;
    for part in text.split(',') {
        if let Some((weekday, nth)) = part.split_once('#') {
            let nth = integer(nth).filter(|nth| (1..=5).contains(nth)).ok_or_else(|| wrong(part))?;
            calendar.weekday_rules.push(DayRule::NthWeekday(day(weekday)?, nth as i8));
        } else if let Some(weekday) = part.strip_suffix('L') {
            calendar.weekday_rules.push(DayRule::LastWeekday(day(weekday)?));
        } else {
            let part = sunday_first_or_last(part);
            let set = element(&part, &WEEKDAY, &NAMED_FROM_MONDAY)?;
            let Some(set) = set.filter(|_| !failed) else {
                failed = true;
                continue;
            };
            // Sunday is 7 only where the text has that digit: `fri-sun` ends with Saturday.
            let range_without = part.contains('-') && !part.contains('7');
            let set = if range_without { set & !(1 << 7) } else { set };
            calendar.weekdays |= super::fields::sunday_is_zero(set);
        }
    }
    Ok(())
}

/// A range from 7 begins with 0, and one to 0 ends with 7.
fn sunday_first_or_last(part: &str) -> String {
    match part.split_once('-') {
        Some(("7", high)) => format!("0-{high}"),
        Some((low, "0")) => format!("{low}-7"),
        _ => part.to_owned(),
    }
}
