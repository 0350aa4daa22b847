//! GitHub Actions' `on.schedule`: five fields of POSIX's crontab, no oftener than every five minutes, and without
//! @keywords ("Events that trigger workflows: schedule"). The zone is UTC unless the entry has a `timezone`; there, a
//! time that the clocks leave out moves to the next that exists. Runs may come late, or not at all when the service is
//! busy, which no schedule tells. How it combines the day fields, and what it does with a time that comes twice, is not
//! documented; POSIX's rule and the first time are taken.

use super::calendar::{Calendar, Combine, Fold, Gap};
use super::fields::{DAY, EITHER_DAY, Field, HOUR, MINUTE, MONTH, Set, WEEKDAY, five, one, rejected};
use super::{Dialect, Rejected, Schedule};

/// The schedules of workflows.
pub struct Github;

const FIELDS: [Field; 5] = [MINUTE, HOUR, DAY, MONTH, Field { high: 6, ..WEEKDAY }];

impl Dialect for Github {
    fn name(&self) -> &'static str {
        "github"
    }

    fn title(&self) -> &'static str {
        "GitHub Actions: five fields, five minutes apart or more"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        if text.trim_start().starts_with('@') {
            return Err(rejected("GitHub knows no @keywords"));
        }
        let parts = five(text)?;
        let mut sets = [Set::default(); 5];
        for ((set, part), field) in sets.iter_mut().zip(&parts).zip(&FIELDS) {
            for element in part.split(',') {
                one(element, field, &[], set)?;
            }
        }
        let [_, hours, days, _, weekdays] = sets;
        let either = !days.begins_with_star && !weekdays.begins_with_star;
        let mut calendar = Calendar {
            seconds: 1,
            combine: if either { Combine::Either } else { Combine::Both },
            gap: Gap::AtOnce,
            fold: Fold::First,
            text: parts.map(str::to_owned),
            ..Calendar::default()
        };
        calendar.set_fields(sets.map(|set| set.bits));
        if either {
            calendar.note_misread(EITHER_DAY.to_owned());
        }
        let minutes: Vec<u32> = (0..60).filter(|minute| calendar.minutes & (1 << minute) != 0).collect();
        let close = minutes.windows(2).any(|pair| pair[1] - pair[0] < 5);
        let around = hours.bits & (hours.bits >> 1) != 0
            && matches!(minutes[..], [first, .., last] if first + 60 - last < 5);
        if close || around {
            calendar.note_misread("GitHub starts no workflow oftener than every five minutes".to_owned());
        }
        Ok(Schedule::new(calendar))
    }
}
