//! Cronie, the cron of Fedora, RHEL, Arch and SUSE: five fields read strictly, `~` for a moment that is drawn anew
//! whenever the table is loaded, ranges that reach Sunday at 0. Rules read from crontab(5) and the program's entry.c
//! and cron.c (of 2025-12; up to 1.7.2 a range ended at Sunday as 0 was one that never ran). `CRON_TZ`, which stands in
//! the table, may stand in front of a schedule here (`CRON_TZ=Europe/Berlin 0 2 * * *`), because the daemon does nothing
//! about the clock changes of such a zone; `RANDOM_DELAY` is no part of it.

use super::calendar::{Calendar, Fold, Gap};
use super::fields::{DAY, Field, HOUR, MINUTE, MONTH, WEEKDAY, five, keyword, rejected};
use super::vixie::{combine_by_star, number, set_bit};
use super::{Dialect, Rejected, Schedule};
use jiff::tz::TimeZone;

/// Cronie.
pub struct Cronie;

/// Each field with how many seconds a unit of it is; a drawn day, month or weekday is one that nobody can tell.
const FIELDS: [(Field, u64); 5] = [(MINUTE, 60), (HOUR, 3600), (DAY, 0), (MONTH, 0), (WEEKDAY, 0)];

impl Dialect for Cronie {
    fn name(&self) -> &'static str {
        "cronie"
    }

    fn title(&self) -> &'static str {
        "Cronie (Fedora, RHEL, Arch, SUSE): five fields with ~, @keywords"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        let text = text.trim_matches([' ', '\t']);
        if let Some(rest) = text.strip_prefix("CRON_TZ=") {
            let (name, rest) =
                rest.split_once([' ', '\t']).ok_or_else(|| rejected("nothing follows the zone"))?;
            let zone = super::zone(name).ok_or_else(|| rejected(format!("{name}: no such zone")))?;
            return parse(rest, Some((name.to_owned(), zone)));
        }
        parse(text, None)
    }
}

fn parse(text: &str, zone: Option<(String, TimeZone)>) -> Result<Schedule, Rejected> {
    let text = text.trim_matches([' ', '\t']);
    if text == "@reboot" {
        return Ok(Schedule::new(Calendar::of_boot()));
    }
    let expanded = match text.strip_prefix('@') {
        None => text,
        Some(_) => keyword(text).ok_or_else(|| rejected(format!("{text}: not a keyword cronie knows")))?,
    };
    let parts = five(expanded)?;
    let mut calendar = Calendar { seconds: 1, ..Calendar::default() };
    let mut sets = [0u64; 5];
    let mut drawn_day = None;
    for ((set, part), (field, unit)) in sets.iter_mut().zip(&parts).zip(&FIELDS) {
        for element in part.split(',') {
            let width = u64::from(element_bits(element, field, set)?);
            match unit {
                0 if width > 0 => drawn_day = Some(*part),
                unit => calendar.spread = calendar.spread.max(width * unit),
            }
        }
        if *set == 0 {
            let note = format!("{}: {part:?} selects nothing, so the job never runs", field.name);
            calendar.notes.push(note);
        }
    }
    if let Some(part) = drawn_day {
        let why = format!("{part} is drawn when cron loads the table, so no run can be told");
        return Ok(Schedule::new(super::template::Unsettled::drawn(text, why)));
    }
    calendar.set_fields(sets);
    combine_by_star(&mut calendar, parts);
    if zone.is_some() {
        (calendar.gap, calendar.fold) = (Gap::Skipped, Fold::Both);
        calendar.zone = zone;
    }
    Ok(Schedule::new(calendar))
}

/// One element, all of it: `*`, a number, a range, each with what may follow it. Gives by how much the value that
/// `~` draws may be larger than the one that was set.
fn element_bits(text: &str, field: &Field, set: &mut u64) -> Result<u32, Rejected> {
    let wrong = |why: &str| rejected(format!("{}: {text:?}: {why}", field.name));
    let drawn = |low: u32, rest: &str, set: &mut u64| {
        let (high, rest) = if rest.is_empty() { (field.high, "") } else { number(rest, field)? };
        if !rest.is_empty() || low > high || low < field.low || high > field.high {
            return Err(wrong("no range to draw from"));
        }
        set_bit(low, field, set)?;
        Ok(high - low)
    };
    if let Some(rest) = text.strip_prefix('~') {
        return drawn(field.low, rest, set);
    }
    let (low, high, rest) = match text.strip_prefix('*') {
        Some(rest) => (field.low, field.high, rest),
        None => {
            let (low, rest) = number(text, field)?;
            if let Some(rest) = rest.strip_prefix('~') {
                return drawn(low, rest, set);
            }
            match rest.strip_prefix('-') {
                None if rest.is_empty() => (low, low, ""),
                None => return Err(wrong("something follows the number")),
                Some(rest) => {
                    let (high, rest) = number(rest, field)?;
                    // Sunday at the end of a range; the program asks neither for the field nor for a step.
                    (low, if low > high && high == 0 && rest.is_empty() { 7 } else { high }, rest)
                }
            }
        }
    };
    let step = match rest.strip_prefix('/') {
        Some(step) => match number(step, &Field { names: &[], ..*field })? {
            (0, _) => return Err(wrong("a step of 0")),
            (step, "") => step,
            _ => return Err(wrong("something follows the step")),
        },
        None if rest.is_empty() => 1,
        None => return Err(wrong("something follows")),
    };
    let mut value = low;
    while value <= high {
        set_bit(value, field, set)?;
        value = value.saturating_add(step);
    }
    Ok(0)
}
