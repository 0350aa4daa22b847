//! Debian's cron (3.0pl1), exactly: what it accepts, what it ignores, and when jobs run around a
//! daylight-saving change. Rules read from crontab(5), cron(8) and the program's entry.c and cron.c. It never
//! repairs what cron would reject.

use super::calendar::{Calendar, Combine, Fold, Gap};
use super::fields::{
    DAY, EITHER_DAY, Field, HOUR, MINUTE, MONTH, STAR_IS_AND, WEEKDAY, five, keyword, rejected,
};
use super::{Dialect, Rejected, Schedule};

/// Debian's cron.
pub struct Vixie;

const FIELDS: [Field; 5] = [MINUTE, HOUR, DAY, MONTH, WEEKDAY];

impl Dialect for Vixie {
    fn name(&self) -> &'static str {
        "vixie"
    }

    fn title(&self) -> &'static str {
        "Debian cron: five fields and @keywords"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        let text = text.trim_matches([' ', '\t']);
        if text == "@reboot" {
            return Ok(Schedule::new(Calendar::of_boot()));
        }
        let expanded = match text.strip_prefix('@') {
            None => text,
            Some(_) => keyword(text)
                .ok_or_else(|| rejected(format!("{text}: not a keyword cron knows (they are lower-case)")))?,
        };
        let parts = five(expanded)?;
        let mut calendar = Calendar { seconds: 1, ..Calendar::default() };
        let mut sets = [0u64; 5];
        for ((set, part), field) in sets.iter_mut().zip(&parts).zip(&FIELDS) {
            *set = parse_field(part, field, &mut calendar)?;
        }
        calendar.set_fields(sets);
        combine_by_star(&mut calendar, parts);
        Ok(Schedule::new(calendar))
    }
}

/// The rules of Vixie's cron for fields that begin with a star: of the day fields one that does is ANDed with the
/// other, and of minute and hour one that does makes the job follow real time. Other jobs run at once when the
/// clock has jumped over them, and only the first time when it repeats itself (cron(8)).
pub(super) fn combine_by_star(calendar: &mut Calendar, parts: [&str; 5]) {
    let star = |part: &str| part.starts_with('*');
    let [minute, hour, day, _, weekday] = parts;
    calendar.combine = if star(day) || star(weekday) { Combine::Both } else { Combine::Either };
    if !star(minute) && !star(hour) {
        (calendar.gap, calendar.fold) = (Gap::AtOnce, Fold::First);
    }
    let stepped = |part: &str| part.starts_with("*/");
    if (stepped(day) && weekday != "*") || (stepped(weekday) && day != "*") {
        calendar.note_misread(STAR_IS_AND.to_owned());
    } else if calendar.combine == Combine::Either {
        calendar.note_misread(EITHER_DAY.to_owned());
    }
    calendar.text = parts.map(str::to_owned);
}

/// A number, or a name of exactly three letters in any case, as get_number takes them: letters and digits
/// are gathered, and whatever follows them is left.
pub(super) fn number<'a>(text: &'a str, field: &Field) -> Result<(u32, &'a str), Rejected> {
    let end = text.bytes().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    if word.is_empty() {
        return Err(rejected(format!("{}: a number is missing", field.name)));
    }
    if word.bytes().all(|b| b.is_ascii_digit()) {
        let value = word.parse().map_err(|_| rejected(format!("{}: {word} is too large", field.name)))?;
        return Ok((value, rest));
    }
    let lower = word.to_ascii_lowercase();
    match field.names.iter().position(|name| *name == lower) {
        Some(index) => Ok((index as u32 + field.low, rest)),
        None => Err(rejected(format!("{}: {word} is neither a number nor a name", field.name))),
    }
}

/// One comma-separated field. Cron reads an element as far as it understands it and ignores the rest of the
/// field up to the next comma or blank.
fn parse_field(text: &str, field: &Field, calendar: &mut Calendar) -> Result<u64, Rejected> {
    let mut set = 0u64;
    let mut rest = text;
    loop {
        rest = parse_element(rest, field, &mut set)?;
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None => break,
        }
    }
    if !rest.is_empty() {
        calendar.note_misread(format!("{}: cron ignores the tail {rest:?}", field.name));
    }
    if set == 0 {
        calendar.notes.push(format!("{}: {text:?} selects nothing, so the job never runs", field.name));
    }
    Ok(set)
}

fn parse_element<'a>(text: &'a str, field: &Field, set: &mut u64) -> Result<&'a str, Rejected> {
    let (low, high, mut rest) = if let Some(after) = text.strip_prefix('*') {
        (field.low, field.high, after)
    } else {
        let (low, after) = number(text, field)?;
        match after.strip_prefix('-') {
            None => {
                // A single number: no step may follow; any other character ends the field.
                if after.starts_with('/') {
                    return Err(rejected(format!("{}: a step needs a range or *", field.name)));
                }
                set_bit(low, field, set)?;
                return Ok(after);
            }
            Some(after) => {
                let (high, after) = number(after, field)?;
                if high > field.high {
                    return Err(rejected(format!(
                        "{}: {high} is not in {}-{}",
                        field.name, field.low, field.high
                    )));
                }
                (low, high, after)
            }
        }
    };
    let mut step = 1;
    if let Some(after) = rest.strip_prefix('/') {
        let (value, after) = number(after, &Field { names: &[], ..*field })?;
        if value == 0 {
            return Err(rejected(format!("{}: a step of 0", field.name)));
        }
        (step, rest) = (value, after);
    }
    let mut value = low;
    while value <= high {
        set_bit(value, field, set)?;
        value = value.saturating_add(step);
    }
    Ok(rest)
}

pub(super) fn set_bit(value: u32, field: &Field, set: &mut u64) -> Result<(), Rejected> {
    if value < field.low || value > field.high {
        return Err(rejected(format!("{}: {value} is not in {}-{}", field.name, field.low, field.high)));
    }
    *set |= 1 << value;
    Ok(())
}
