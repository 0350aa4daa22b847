//! The clauses of a calendar and the days they mean. It settles what a start date fills in, and knows no clock.

use super::super::Rejected;
use super::super::days::{month_number, number};
use super::super::fields::rejected;
use jiff::Span;
use jiff::civil::{Date, DateTime, Weekday};

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Freq {
    Secondly,
    Minutely,
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

impl Freq {
    pub fn of(word: &str) -> Option<Freq> {
        Some(match word {
            "secondly" => Freq::Secondly,
            "minutely" => Freq::Minutely,
            "hourly" => Freq::Hourly,
            "daily" => Freq::Daily,
            "weekly" => Freq::Weekly,
            "monthly" => Freq::Monthly,
            "yearly" => Freq::Yearly,
            _ => return None,
        })
    }

    /// Its usual length in seconds.
    pub fn seconds(self) -> u64 {
        match self {
            Freq::Secondly => 1,
            Freq::Minutely => 60,
            Freq::Hourly => 3600,
            Freq::Daily => 86_400,
            Freq::Weekly => 604_800,
            Freq::Monthly => 2_629_746,
            Freq::Yearly => 31_556_952,
        }
    }
}

/// The clauses.
#[derive(Debug)]
pub(super) struct Rule {
    pub freq: Freq,
    pub interval: i64,
    /// Bits 1 to 12; none: all.
    pub months: u16,
    pub weeks: Vec<i64>,
    pub year_days: Vec<i64>,
    pub month_days: Vec<i64>,
    /// Year (0: each), month, day.
    pub dates: Vec<(i64, i64, i64)>,
    /// Which one (0: each), weekday with Sunday as 0.
    pub days: Vec<(i64, i64)>,
    pub hours: Option<Vec<i64>>,
    pub minutes: Option<Vec<i64>>,
    pub seconds: Option<Vec<i64>>,
    /// Whole times of a day, in seconds.
    pub times: Vec<i64>,
    pub positions: Vec<i64>,
    /// How many seconds later it may be, because a start date that is not told says so.
    pub spread: u64,
    /// The period from which intervals count.
    anchor: i64,
}

/// What a start date left open.
pub(super) enum Settled {
    /// Nothing.
    Whole,
    /// When; it comes once in so many seconds.
    Every(u64),
    /// On which days.
    Not,
}

impl Rule {
    pub fn new(freq: Freq) -> Rule {
        Rule {
            freq,
            interval: 1,
            months: 0,
            weeks: Vec::new(),
            year_days: Vec::new(),
            month_days: Vec::new(),
            dates: Vec::new(),
            days: Vec::new(),
            hours: None,
            minutes: None,
            seconds: None,
            times: Vec::new(),
            positions: Vec::new(),
            spread: 0,
            anchor: 0,
        }
    }

    /// What Oracle refuses.
    pub fn check(&self) -> Result<(), Rejected> {
        let long = self.freq >= Freq::Monthly;
        if !self.weeks.is_empty() && self.freq != Freq::Yearly {
            return Err(rejected("byweekno needs FREQ=YEARLY"));
        }
        if self.days.iter().any(|(nth, _)| *nth != 0) && !long {
            return Err(rejected("a weekday with a number needs FREQ=YEARLY or FREQ=MONTHLY"));
        }
        if !self.positions.is_empty() && !long {
            return Err(rejected("bysetpos needs FREQ=YEARLY or FREQ=MONTHLY"));
        }
        Ok(())
    }

    /// What the documentation leaves open.
    pub fn doubt(&self) -> Option<&'static str> {
        let numbered = self.days.iter().any(|(nth, _)| *nth != 0);
        let yearly = self.freq == Freq::Yearly;
        if numbered && yearly && self.months != 0 {
            return Some(
                "whether the number of a weekday counts in the year or in the month is not documented",
            );
        }
        if yearly && !self.month_days.is_empty() && self.months == 0 {
            return Some(
                "in which month a day of the month is meant comes from its start date or not, which is not documented",
            );
        }
        if !self.times.is_empty() && self.freq < Freq::Daily {
            return Some("bytime with a frequency below a day is not documented");
        }
        None
    }

    fn names_days(&self) -> bool {
        let lists = [&self.weeks, &self.year_days, &self.month_days];
        lists.iter().any(|list| !list.is_empty()) || !self.days.is_empty() || !self.dates.is_empty()
    }

    /// Fills in what the start date says, as far as it is known.
    pub fn settle(&mut self, start: Option<DateTime>) -> Settled {
        let length = self.freq.seconds().saturating_mul(self.interval.unsigned_abs());
        match start {
            Some(start) => self.inherit(start),
            None => {
                let missing = match self.freq {
                    Freq::Yearly => !self.names_days(),
                    Freq::Monthly => !self.names_days(),
                    Freq::Weekly => self.days.is_empty(),
                    _ => false,
                } || (!self.weeks.is_empty() && self.days.is_empty());
                let untimed = self.freq >= Freq::Daily && self.hours.is_none() && self.times.is_empty();
                let phase = self.interval > 1;
                if missing || untimed || phase {
                    let plain = !self.names_days() && self.months == 0 && self.hours.is_none();
                    let one_a_period = untimed && !phase && self.positions.is_empty();
                    return match (plain, one_a_period) {
                        (true, _) => Settled::Every(length),
                        // `FREQ=WEEKLY;BYDAY=MON`: the day is known and the time is not.
                        (false, true) if self.freq != Freq::Daily && self.days.len() == 1 => {
                            Settled::Every(length)
                        }
                        _ => Settled::Not,
                    };
                }
                self.open();
            }
        }
        Settled::Whole
    }

    /// Times that only a start date would tell: they begin with the whole hour or minute, and may be later.
    fn open(&mut self) {
        if !self.times.is_empty() {
            return;
        }
        if self.minutes.is_none() && self.freq >= Freq::Hourly {
            self.minutes = Some(vec![0]);
            self.spread += 3540;
        }
        if self.seconds.is_none() && self.freq >= Freq::Minutely {
            self.seconds = Some(vec![0]);
            self.spread += 59;
        }
    }

    fn inherit(&mut self, start: DateTime) {
        let date = start.date();
        let weekday = i64::from(date.weekday().to_sunday_zero_offset());
        self.anchor = self.period(date);
        match self.freq {
            Freq::Yearly if !self.names_days() => {
                if self.months == 0 {
                    self.months = 1 << date.month();
                }
                self.month_days = vec![i64::from(date.day())];
            }
            Freq::Yearly if !self.weeks.is_empty() && self.days.is_empty() => self.days = vec![(0, weekday)],
            Freq::Monthly if !self.names_days() => self.month_days = vec![i64::from(date.day())],
            Freq::Weekly if self.days.is_empty() => self.days = vec![(0, weekday)],
            _ => {}
        }
        if !self.times.is_empty() {
            return;
        }
        let fill = |field: &mut Option<Vec<i64>>, value: i8| {
            field.get_or_insert_with(|| vec![i64::from(value)]);
        };
        if self.freq >= Freq::Daily {
            fill(&mut self.hours, start.hour());
        }
        if self.freq >= Freq::Hourly {
            fill(&mut self.minutes, start.minute());
        }
        if self.freq >= Freq::Minutely {
            fill(&mut self.seconds, start.second());
        }
    }

    /// The number of the period that a day is in.
    fn period(&self, date: Date) -> i64 {
        match self.freq {
            Freq::Yearly => self.year(date),
            Freq::Monthly => month_number(date),
            // Weeks begin on Monday; 1970-01-01 was a Thursday.
            Freq::Weekly => (number(date) + 3).div_euclid(7),
            _ => number(date),
        }
    }

    /// The year, that of the ISO week where weeks are numbered.
    fn year(&self, date: Date) -> i64 {
        if self.weeks.is_empty() { i64::from(date.year()) } else { i64::from(date.iso_week_date().year()) }
    }

    /// Whether it runs on a day, before positions are counted.
    pub fn holds(&self, date: Date) -> bool {
        let in_turn =
            self.freq < Freq::Daily || (self.period(date) - self.anchor).rem_euclid(self.interval) == 0;
        in_turn && (self.months == 0 || self.months & (1 << date.month()) != 0) && self.fits(date)
    }

    fn fits(&self, date: Date) -> bool {
        let listed = |list: &[i64], value: i64, length: i64| {
            list.is_empty() || list.iter().any(|it| *it == value || length + 1 + *it == value)
        };
        let (day, days) = (i64::from(date.day()), i64::from(date.days_in_month()));
        let (year_day, year_days) = (i64::from(date.day_of_year()), i64::from(date.days_in_year()));
        let week = date.iso_week_date();
        let on_date = |(year, month, day): &(i64, i64, i64)| {
            (*year == 0 || *year == i64::from(date.year()))
                && *month == i64::from(date.month())
                && *day == i64::from(date.day())
        };
        listed(&self.month_days, day, days)
            && listed(&self.year_days, year_day, year_days)
            && listed(&self.weeks, i64::from(week.week()), i64::from(week.weeks_in_year()))
            && (self.dates.is_empty() || self.dates.iter().any(on_date))
            && (self.days.is_empty() || self.days.iter().any(|it| self.is_weekday(date, *it)))
    }

    fn is_weekday(&self, date: Date, (nth, day): (i64, i64)) -> bool {
        if i64::from(date.weekday().to_sunday_zero_offset()) != day {
            return false;
        }
        let (at, length) = match self.freq {
            Freq::Yearly => (i64::from(date.day_of_year()), i64::from(date.days_in_year())),
            _ => (i64::from(date.day()), i64::from(date.days_in_month())),
        };
        match nth {
            0 => true,
            1.. => (at - 1) / 7 + 1 == nth,
            _ => (length - at) / 7 + 1 == -nth,
        }
    }

    /// The times of a day, in seconds, ascending.
    pub fn day_times(&self) -> Vec<i64> {
        let list = |field: &Option<Vec<i64>>| field.clone().unwrap_or_else(|| vec![0]);
        let mut times = self.times.clone();
        if times.is_empty() {
            for hour in list(&self.hours) {
                for minute in list(&self.minutes) {
                    times.extend(list(&self.seconds).iter().map(|second| hour * 3600 + minute * 60 + second));
                }
            }
        }
        times.sort_unstable();
        times.dedup();
        times
    }

    /// The first day of the period that a day is in, and the first of the next.
    pub fn around(&self, date: Date) -> Option<(Date, Date)> {
        let first = match self.freq {
            Freq::Yearly if !self.weeks.is_empty() => {
                let year = date.iso_week_date().year();
                let first = |year| jiff::civil::ISOWeekDate::new(year, 1, Weekday::Monday).ok();
                return Some((first(year)?.date(), first(year.checked_add(1)?)?.date()));
            }
            Freq::Yearly => date.first_of_year(),
            Freq::Monthly => date.first_of_month(),
            Freq::Weekly => {
                let days = i64::from(date.weekday().to_monday_zero_offset());
                date.checked_sub(Span::new().days(days)).ok()?
            }
            _ => date,
        };
        let length = match self.freq {
            Freq::Yearly => Span::new().years(1),
            Freq::Monthly => Span::new().months(1),
            Freq::Weekly => Span::new().days(7),
            _ => Span::new().days(1),
        };
        Some((first, first.checked_add(length).ok()?))
    }
}
