//! Busybox's crond, the cron of Alpine and of most small images: it keeps a line it could not read and runs it by
//! what it had filled in before the error. Rules read from miscutils/crond.c (1.35 to 1.37): ranges wrap, a step
//! behind a single number does nothing, a day field counts as restricted unless it is `*`, and jobs follow the
//! clock on the wall. A job is not started while its last run lasts, which no schedule tells.

use super::calendar::{Calendar, Combine, Fold, Gap};
use super::fields::{EITHER_DAY, MONTH_NAMES, WEEKDAY_NAMES, five, keyword, rejected};
use super::{Dialect, Rejected, Schedule};

/// Busybox's crond.
pub struct Busybox;

/// A field as the program has it: its name, how many cells its table has, what is taken off a number, its names.
struct Table {
    name: &'static str,
    cells: i64,
    offset: i64,
    names: &'static [&'static str],
}

const TABLES: [Table; 5] = [
    Table { name: "minute", cells: 60, offset: 0, names: &[] },
    Table { name: "hour", cells: 24, offset: 0, names: &[] },
    Table { name: "day of month", cells: 32, offset: 0, names: &[] },
    Table { name: "month", cells: 12, offset: -1, names: &MONTH_NAMES },
    Table { name: "day of week", cells: 7, offset: 0, names: &WEEKDAY_NAMES },
];

/// How many cells the program looks at for one element before it gives up.
const FAILSAFE: u32 = 1024;

impl Dialect for Busybox {
    fn name(&self) -> &'static str {
        "busybox"
    }

    fn title(&self) -> &'static str {
        "Busybox crond (Alpine): five fields and @keywords"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        let text = text.trim_matches([' ', '\t']);
        if text == "@reboot" {
            return Ok(Schedule::new(Calendar::of_boot()));
        }
        let expanded = match text.strip_prefix('@') {
            None => text,
            Some(_) => {
                keyword(text).ok_or_else(|| rejected(format!("{text}: crond leaves this line out")))?
            }
        };
        let parts = five(expanded)?;
        let mut calendar =
            Calendar { seconds: 1, gap: Gap::Skipped, fold: Fold::Both, ..Calendar::default() };
        let mut sets = [0u64; 5];
        for ((set, part), table) in sets.iter_mut().zip(&parts).zip(&TABLES) {
            if *part == "0" && table.offset < 0 {
                // The program writes beside its table then.
                return Err(rejected(format!("{}: 0 is none", table.name)));
            }
            if !fill(part, table, set) {
                calendar.note_misread(format!(
                    "{}: crond reports a parse error at {part:?} and runs the line all the same, by what it read",
                    table.name
                ));
            }
            if *set == 0 {
                let note = format!("{}: {part:?} selects nothing, so the job never runs", table.name);
                calendar.notes.push(note);
            }
        }
        let all_days = sets[2] == u64::from(u32::MAX);
        let all_weekdays = sets[4] == 0x7f;
        // One day field that is no star stands alone; of two, either makes a day.
        calendar.combine = if all_days == all_weekdays { Combine::Either } else { Combine::Both };
        if !all_days && !all_weekdays {
            calendar.note_misread(EITHER_DAY.to_owned());
        }
        calendar.minutes = sets[0];
        calendar.hours = sets[1] as u32;
        calendar.days = sets[2] as u32;
        calendar.months = (sets[3] << 1) as u16;
        calendar.weekdays = sets[4] as u8;
        calendar.text = parts.map(str::to_owned);
        Ok(Schedule::new(calendar))
    }
}

/// Fills a field's table as ParseField does; whether it read all of it without an error.
fn fill(text: &str, table: &Table, set: &mut u64) -> bool {
    let mut rest = text;
    loop {
        let Some((first, last, after)) = range(rest, table) else { return false };
        let (step, after) = match after.strip_prefix('/') {
            None => (1, after),
            Some(after) => leading_number(after),
        };
        if !fill_range(first, last, step, table, set) {
            return false;
        }
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return after.is_empty(),
        }
    }
}

/// The first and last cell that an element names, and what follows them.
fn range<'a>(text: &'a str, table: &Table) -> Option<(i64, i64, &'a str)> {
    if let Some(after) = text.strip_prefix('*') {
        return Some((0, table.cells - 1, after));
    }
    let (first, after) = cell(text, table)?;
    match after.strip_prefix('-') {
        None => Some((first, first, after)),
        Some(after) => {
            // A star as the end of a range is a star.
            if let Some(after) = after.strip_prefix('*') {
                return Some((0, table.cells - 1, after));
            }
            let (last, after) = cell(after, table)?;
            Some((first, last, after))
        }
    }
}

/// A number, or a name that begins with the three letters of one.
fn cell<'a>(text: &'a str, table: &Table) -> Option<(i64, &'a str)> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        let (number, after) = leading_number(text);
        return Some((number + table.offset, after)).filter(|(number, _)| *number >= 0);
    }
    let head = text.get(..3)?.to_ascii_lowercase();
    let index = table.names.iter().position(|name| *name == head)?;
    Some((index as i64, &text[3..]))
}

/// The digits a text begins with, as strtol reads them: none is 0, and too many come out as -1.
fn leading_number(text: &str) -> (i64, &str) {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].parse().unwrap_or(if end == 0 { 0 } else { -1 }), &text[end..])
}

/// Goes from one cell to another over the end of the table, until it gives up.
fn fill_range(first: i64, last: i64, step: i64, table: &Table, set: &mut u64) -> bool {
    let mut at = first - 1;
    let mut wait = 1;
    for _ in 1..FAILSAFE {
        at = (at + 1).rem_euclid(table.cells);
        wait -= 1;
        if wait == 0 {
            *set |= 1 << at;
            wait = step;
        }
        if at == last {
            return true;
        }
    }
    false
}
