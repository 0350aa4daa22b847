//! The days on which a trigger starts its task. What a text says is read elsewhere, and hours are no matter here.

use super::super::calendar::bits;
use jiff::civil::Date;

/// Weekdays as the schema names them, Sunday first.
pub(super) const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
/// Months as the schema names them.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Weeks of a month in words; the schema has 1 to 4 and Last.
pub(super) const WEEKS: [&str; 5] = ["first", "second", "third", "fourth", "last"];
/// All months, bits 1 to 12.
pub(super) const ALL_MONTHS: u16 = 0b1_1111_1111_1110;

/// Which days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Days {
    /// The day of the start alone.
    Once,
    /// Every so many days.
    Daily(i64),
    /// These weekdays (bits, 0 is Sunday) of every so many weeks.
    Weekly { weeks: i64, days: u8 },
    /// These days (bits 1 to 31) of these months (bits 1 to 12), and their last day.
    Monthly { days: u32, last: bool, months: u16 },
    /// These weekdays of these weeks (bits 0 to 3, 4 is the last) of these months.
    MonthlyWeekday { weeks: u8, days: u8, months: u16 },
}

impl Days {
    /// Whether a day is one of them; `first` is the day of the start.
    pub fn hold(&self, date: Date, first: Option<Date>) -> bool {
        let since = |first: Date| (date - first).get_days().into();
        let weekday = date.weekday().to_sunday_zero_offset();
        let in_month = |months: u16| months & (1 << date.month()) != 0;
        match self {
            Days::Once => first == Some(date),
            Days::Daily(days) => first.is_none_or(|first| i64::rem_euclid(since(first), *days) == 0),
            Days::Weekly { weeks, days } => {
                let into = |first: Date| i64::from(first.weekday().to_sunday_zero_offset());
                let counts = |first: Date| ((since(first) + into(first)) / 7) % weeks == 0;
                days & (1 << weekday) != 0 && (*weeks == 1 || first.is_none_or(counts))
            }
            Days::Monthly { days, last, months } => {
                let day = days & (1 << date.day()) != 0 || (*last && date.day() == date.days_in_month());
                day && in_month(*months)
            }
            Days::MonthlyWeekday { weeks, days, months } => {
                let last = date.day() + 7 > date.days_in_month() && weeks & 0b1_0000 != 0;
                let nth = weeks & 0b1111 & (1 << ((date.day() - 1) / 7)) != 0;
                days & (1 << weekday) != 0 && (last || nth) && in_month(*months)
            }
        }
    }

    /// Whether the day of the start decides about later ones.
    pub fn count_from_the_start(&self) -> bool {
        match self {
            Days::Once => true,
            Days::Daily(days) => *days > 1,
            Days::Weekly { weeks, .. } => *weeks > 1,
            Days::Monthly { .. } | Days::MonthlyWeekday { .. } => false,
        }
    }

    /// Whether it matters on which weekday weeks begin, where not each of them counts: read from Sunday, from Monday
    /// and from the start itself, the days must fall into the same weeks.
    pub fn weeks_are_open(&self, first: Date) -> bool {
        let Days::Weekly { weeks: 2.., days } = self else { return false };
        let start = first.weekday().to_sunday_zero_offset();
        bits(u64::from(*days)).any(|day| {
            let after = (day as i8 - start).rem_euclid(7);
            [0, 1].into_iter().any(|begin| (start - begin).rem_euclid(7) + after >= 7)
        })
    }

    /// The fewest days between two of them; `None`: there is one alone.
    pub fn least_days(&self) -> Option<i64> {
        match self {
            Days::Once => None,
            Days::Daily(days) => Some(*days),
            Days::Weekly { weeks, days } if days.count_ones() == 1 => Some(7 * weeks),
            _ => Some(1),
        }
    }

    /// The most days between two of them.
    pub fn most_days(&self) -> i64 {
        match self {
            Days::Once => 0,
            Days::Daily(days) => *days,
            Days::Weekly { weeks, .. } => 7 * weeks,
            // 29 February of 2096, and then of 2104.
            Days::Monthly { .. } | Days::MonthlyWeekday { .. } => 8 * 366,
        }
    }

    /// In words, behind the time.
    pub fn words(&self, first: Option<Date>) -> String {
        let weekdays = |days: u8| named(days.into(), &WEEKDAYS, 0);
        let months = |months: u16| match months {
            ALL_MONTHS => "every month".to_owned(),
            some => named(some.into(), &MONTHS, 1),
        };
        match self {
            Days::Once => first.map_or("once".to_owned(), |date| format!("on {date}, once")),
            Days::Daily(1) => "every day".to_owned(),
            Days::Daily(days) => format!("every {days} days"),
            Days::Weekly { weeks: 1, days } => format!("on {}", weekdays(*days)),
            Days::Weekly { weeks, days } => format!("on {} of every {weeks} weeks", weekdays(*days)),
            Days::Monthly { days, last, months: of } => {
                let days = bits((*days).into()).map(|day| day.to_string());
                let days: Vec<String> = days.chain(last.then(|| "the last".to_owned())).collect();
                format!("on day {} of {}", days.join(", "), months(*of))
            }
            Days::MonthlyWeekday { weeks, days, months: of } => {
                format!("on the {} {} of {}", named((*weeks).into(), &WEEKS, 0), weekdays(*days), months(*of))
            }
        }
    }
}

/// The names of a set's members; that of its bit `low` comes first.
fn named(set: u64, names: &[&str], low: u32) -> String {
    let names = bits(set).filter_map(|bit| names.get(bit.checked_sub(low)? as usize).copied());
    names.collect::<Vec<_>>().join(", ")
}
