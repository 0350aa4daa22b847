//! When Control-M orders and starts a job, with the words of its definitions: `MONTHS=JAN,OCT DAYS=1,15 WEEKDAYS=MON,TUE
//! DAYS_AND_OR=O TIMEFROM=0300 TIMETO=2100`, `EVERY=15M`, `TIMES=0900,1500`, `EVENTS=load-ok`. Days are order dates: a
//! site's new day time, which no definition tells, begins them, so that a time before it belongs to the next calendar day. A
//! job that only events start has no clock, and one without a time is started at the new day. It knows no calendar of a
//! site, and says nothing of the hour that a change of the clocks leaves out or repeats.

use super::daytimes::{self, Twice};
use super::fields::{MONTH_NAMES, WEEKDAY_NAMES, rejected};
use super::template::Unsettled;
use super::{Clock, Dialect, Meaning, Rejected, Schedule, duration};
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Control-M.
pub struct ControlM;

const KEYS: [&str; 13] = [
    "ORDER",
    "MONTHS",
    "DAYS",
    "WEEKDAYS",
    "DAYS_AND_OR",
    "TIMEFROM",
    "TIMETO",
    "EVERY",
    "FROM_END",
    "TIMES",
    "EVENTS",
    "CALENDAR",
    "RELATIVE",
];
/// What is said of weekdays by number.
const NUMBERED: &str =
    "weekdays by number count from Sunday (0) here; a site may have its own first day of the week";
/// What is said of times of day.
const NEW_DAY: &str =
    "its days are order dates: a time before the site's new day time is one of the next calendar day";

#[derive(Debug, Default)]
struct Plan {
    /// Months, bits 1 to 12.
    months: u16,
    /// Days of the month, bits 1 to 31; none where only weekdays are told.
    days: u32,
    /// Days from the month's end, bit 1 for the last.
    from_end: u32,
    /// Weekdays, bits 0 (Sunday) to 6.
    weekdays: u8,
    /// Whether both must fit.
    both: bool,
    times: Vec<u32>,
    words: String,
    notes: Vec<String>,
}

struct Given<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Given<'a> {
    fn of(text: &'a str) -> Result<Given<'a>, Rejected> {
        let mut given: Vec<(&str, &str)> = Vec::new();
        for word in text.split_whitespace() {
            let (key, value) =
                word.split_once('=').ok_or_else(|| rejected(format!("{word:?} has no value")))?;
            if !KEYS.contains(&key) || given.iter().any(|(own, _)| *own == key) {
                return Err(rejected(format!("{key}: not known, or twice")));
            }
            given.push((key, value));
        }
        Ok(Given(given))
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        self.0.iter().find(|(own, _)| *own == key).map(|(_, value)| *value).filter(|value| !value.is_empty())
    }
}

impl Dialect for ControlM {
    fn name(&self) -> &'static str {
        "control-m"
    }

    fn title(&self) -> &'static str {
        "Control-M: order days and times, such as MONTHS=JAN DAYS=1,15 TIMEFROM=0300"
    }

    fn parse(&self, text: &str) -> Result<Schedule, Rejected> {
        let given = Given::of(text)?;
        let open = |why: &str| Ok(Schedule::new(Unsettled::drawn(text, why.to_owned())));
        let waits = given.get("EVENTS").map(|events| events.replace(',', ", "));
        if given.get("ORDER") == Some("HAND") {
            let words = waits.map_or("when somebody orders it".to_owned(), |waits| {
                format!("when somebody orders it, once {waits} has come")
            });
            return Ok(Schedule::new(Ordered { words, clock: Clock::Happening }));
        }
        let mut plan = Plan { months: months(&given)?, ..Plan::default() };
        month_days(&given, &mut plan)?;
        weekdays(&given, &mut plan)?;
        if let Some(calendar) = given.get("CALENDAR") {
            return open(&format!("the days of the calendar {calendar} are not told"));
        }
        if given.get("RELATIVE").is_some() {
            return open("days that a calendar of the site tells");
        }
        match (given.get("DAYS_AND_OR"), given.get("DAYS"), given.get("WEEKDAYS")) {
            (Some("A"), _, _) => plan.both = true,
            (Some("O"), _, _) => {}
            (Some(other), _, _) => return Err(rejected(format!("DAYS_AND_OR={other}"))),
            (None, Some(_), Some(_)) => return open("whether both days must fit is not told"),
            (None, _, _) => {}
        }
        if given.get("DAYS").is_none() && given.get("WEEKDAYS").is_none() {
            (plan.days, plan.weekdays) = (u32::MAX, 0x7f);
        }
        times(&given, &mut plan)?;
        let days = days_in_words(&given);
        if plan.times.is_empty() {
            let every = given.get("EVERY").map(interval).transpose()?;
            let from_end = given.get("FROM_END").is_some();
            return Ok(Schedule::new(match (every, waits) {
                (Some(seconds), _) => Ordered {
                    words: format!("every {} {days}", duration(seconds)),
                    clock: Clock::Interval { seconds, from_end },
                },
                (None, Some(waits)) => {
                    Ordered { words: format!("once {waits} has come, {days}"), clock: Clock::Happening }
                }
                (None, None) => return open("it starts at the site's new day time"),
            }));
        }
        plan.words = plan_in_words(&given, &days, waits)?;
        plan.notes.push(NEW_DAY.to_owned());
        Ok(Schedule::new(plan))
    }
}

fn names(text: &str, known: &[&str], low: usize) -> Result<u32, Rejected> {
    let mut set = 0;
    for name in text.split(',') {
        let at = known.iter().position(|known| known.eq_ignore_ascii_case(name));
        set |= 1 << (at.ok_or_else(|| rejected(format!("{name:?} is no name of one")))? + low);
    }
    Ok(set)
}

fn months(given: &Given<'_>) -> Result<u16, Rejected> {
    match given.get("MONTHS") {
        None | Some("ALL") => Ok(0b1_1111_1111_1110),
        Some(months) => Ok(names(months, &MONTH_NAMES, 1)? as u16),
    }
}

fn month_days(given: &Given<'_>, plan: &mut Plan) -> Result<(), Rejected> {
    let Some(days) = given.get("DAYS") else { return Ok(()) };
    for day in days.split(',') {
        let number = |text: &str, most: u32| text.parse::<u32>().ok().filter(|day| (1..=most).contains(day));
        match (day, day.strip_prefix('L')) {
            ("ALL", _) => plan.days = u32::MAX,
            (_, Some(from_end)) => {
                let from_end = number(from_end, 31).ok_or_else(|| rejected(format!("DAYS: {day:?}")))?;
                plan.from_end |= 1 << from_end;
            }
            (day, None) => {
                let day =
                    number(day, 31).ok_or_else(|| rejected(format!("DAYS: {day:?} is no day of a month")))?;
                plan.days |= 1 << day;
            }
        }
    }
    Ok(())
}

fn weekdays(given: &Given<'_>, plan: &mut Plan) -> Result<(), Rejected> {
    let Some(days) = given.get("WEEKDAYS") else { return Ok(()) };
    if days == "ALL" {
        plan.weekdays = 0x7f;
    } else if days.bytes().all(|b| b.is_ascii_digit() || b == b',') {
        for day in days.split(',') {
            let day = day.parse::<u32>().ok().filter(|day| *day <= 6);
            plan.weekdays |=
                1 << day.ok_or_else(|| rejected(format!("WEEKDAYS: {days:?} are not in 0-6")))?;
        }
        plan.notes.push(NUMBERED.to_owned());
    } else {
        plan.weekdays = names(days, &WEEKDAY_NAMES, 0)? as u8;
    }
    Ok(())
}

/// `0300` or `03:00`, in seconds after midnight.
fn clock_time(text: &str) -> Result<u32, Rejected> {
    let digits = text.replace(':', "");
    let number =
        Some(&digits).filter(|digits| digits.len() == 4).and_then(|digits| digits.parse::<u32>().ok());
    let time =
        number.map(|number| (number / 100, number % 100)).filter(|(hour, minute)| *hour < 24 && *minute < 60);
    time.map(|(hour, minute)| hour * 3600 + minute * 60)
        .ok_or_else(|| rejected(format!("{text:?} is no time such as 0300")))
}

/// `15M`, `2H`, `30S`, `1D`.
fn interval(text: &str) -> Result<u64, Rejected> {
    let wrong = || rejected(format!("{text:?} is no interval such as 15M"));
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let length = match unit {
        "S" => 1,
        "M" => 60,
        "H" => 3600,
        "D" => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 =
        number.parse().ok().filter(|number| (1..=100_000).contains(number)).ok_or_else(wrong)?;
    Ok(number * length)
}

/// The times of an order date that are told: one, a list, or each interval between two.
fn times(given: &Given<'_>, plan: &mut Plan) -> Result<(), Rejected> {
    let from = given.get("TIMEFROM").map(clock_time).transpose()?;
    let to = given.get("TIMETO").map(clock_time).transpose()?;
    if let Some(times) = given.get("TIMES") {
        plan.times = times.split(',').map(clock_time).collect::<Result<Vec<_>, _>>()?;
        plan.times.sort_unstable();
        return Ok(());
    }
    let every = given.get("EVERY").map(interval).transpose()?;
    plan.times = match (from, to, every) {
        (Some(from), Some(to), Some(every)) if given.get("FROM_END").is_none() => {
            let to = if to < from { to + 86_400 } else { to };
            (from..=to).step_by(usize::try_from(every).unwrap_or(usize::MAX)).collect()
        }
        (Some(from), _, None) => vec![from],
        _ => Vec::new(),
    };
    Ok(())
}

fn days_in_words(given: &Given<'_>) -> String {
    let days = given.get("DAYS").filter(|days| *days != "ALL");
    let weekdays = given.get("WEEKDAYS").filter(|days| *days != "ALL");
    let which = match (days, weekdays) {
        (None, None) => "every day".to_owned(),
        (Some(days), None) => format!("on day {days} of the month"),
        (None, Some(weekdays)) => format!("on weekday {weekdays}"),
        (Some(days), Some(weekdays)) => {
            let sign = if given.get("DAYS_AND_OR") == Some("A") { "if it is" } else { "and" };
            format!("on day {days} of the month {sign} weekday {weekdays}")
        }
    };
    match given.get("MONTHS").filter(|months| *months != "ALL") {
        Some(months) => format!("{which}, in {months}"),
        None => which,
    }
}

fn plan_in_words(given: &Given<'_>, days: &str, waits: Option<String>) -> Result<String, Rejected> {
    let time = |text: &str| -> Result<String, Rejected> {
        let time = clock_time(text)?;
        Ok(format!("{:02}:{:02}", time / 3600, time / 60 % 60))
    };
    let at = match (given.get("TIMES"), given.get("EVERY"), given.get("TIMEFROM")) {
        (Some(times), _, _) => {
            format!("at {}", times.split(',').map(time).collect::<Result<Vec<_>, _>>()?.join(", "))
        }
        (None, Some(every), Some(from)) => {
            format!("every {} from {}", duration(interval(every)?), time(from)?)
        }
        (None, _, from) => format!("at {}", time(from.unwrap_or("0000"))?),
    };
    let until = given.get("TIMETO").map(time).transpose()?.map(|to| format!(" to {to} at the latest"));
    let waits = waits.map(|waits| format!(", and not before {waits} has come"));
    Ok(format!("{at}{} {days}{}", until.unwrap_or_default(), waits.unwrap_or_default()))
}

impl Meaning for Plan {
    fn runs<'a>(&'a self, zone: &'a TimeZone, from: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        let holds = |date: Date| {
            let back = date.days_in_month() - date.day() + 1;
            let day = self.days & (1 << date.day()) != 0 || self.from_end & (1 << back) != 0;
            let weekday = self.weekdays & (1 << date.weekday().to_sunday_zero_offset()) != 0;
            let fits = if self.both { day && weekday } else { day || weekday };
            fits && self.months & (1 << date.month()) != 0
        };
        daytimes::runs(holds, &self.times, zone, Twice::First, from)
    }

    fn words(&self) -> String {
        self.words.clone()
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// A job whose start no time of day tells.
#[derive(Debug)]
struct Ordered {
    words: String,
    clock: Clock,
}

impl Meaning for Ordered {
    fn runs<'a>(&'a self, _: &'a TimeZone, _: i64) -> Box<dyn Iterator<Item = i64> + 'a> {
        Box::new(std::iter::empty())
    }

    fn words(&self) -> String {
        self.words.clone()
    }

    fn clock(&self) -> Clock {
        self.clock
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn runs(text: &str, count: usize) -> Vec<String> {
        let schedule = parse("control-m", text).expect("it is accepted");
        // Strictly after the last second of the year before.
        let zone = TimeZone::UTC;
        let told = schedule.next(&zone, 1_767_225_599).take(count);
        told.map(|run| jiff::Timestamp::from_second(run).expect("it is a moment").to_string()).collect()
    }

    #[test]
    fn order_days_are_of_the_month_or_of_the_week() {
        // 1 January 2026 is a Thursday.
        let told = runs("DAYS=1,15 WEEKDAYS=MON DAYS_AND_OR=O TIMEFROM=0300 TIMETO=2100", 4);
        assert_eq!(told, ["01", "05", "12", "15"].map(|day| format!("2026-01-{day}T03:00:00Z")));
        let told = runs("MONTHS=JAN,JUN DAYS=1,15 WEEKDAYS=1 DAYS_AND_OR=A TIMEFROM=03:00", 2);
        assert_eq!(told, ["2026-06-01T03:00:00Z", "2026-06-15T03:00:00Z"]);
        assert_eq!(runs("DAYS=L1 TIMEFROM=0300 MONTHS=FEB", 1), ["2026-02-28T03:00:00Z"]);
        assert_eq!(runs("DAYS=30 TIMEFROM=0300 MONTHS=FEB", 1), [""; 0]);
        assert_eq!(runs("TIMEFROM=0300", 1), ["2026-01-01T03:00:00Z"]);
    }

    #[test]
    fn cyclic_jobs_run_from_time_to_time() {
        let told = runs("WEEKDAYS=FRI TIMEFROM=2300 TIMETO=0100 EVERY=60M", 4);
        assert_eq!(
            told,
            ["2026-01-02T23:00:00Z", "2026-01-03T00:00:00Z", "2026-01-03T01:00:00Z", "2026-01-09T23:00:00Z"]
        );
        assert_eq!(runs("DAYS=ALL TIMES=1500,0900", 2), ["2026-01-01T09:00:00Z", "2026-01-01T15:00:00Z"]);
        // A day's late runs and the next day's early ones come in their order.
        let told = runs("DAYS=ALL TIMEFROM=2200 TIMETO=0200 EVERY=2H", 4);
        assert_eq!(told, ["01T00", "01T02", "01T22", "02T00"].map(|at| format!("2026-01-{at}:00:00Z")));
    }

    #[test]
    fn what_no_time_tells_has_no_run() {
        let told = |text: &str| parse("control-m", text).map(|it| (it.words(), it.clock()));
        let happens = |words: &str| Ok((words.to_owned(), Clock::Happening));
        assert_eq!(told("DAYS=ALL EVENTS=a-ok,b-ok"), happens("once a-ok, b-ok has come, every day"));
        assert_eq!(told("ORDER=HAND"), happens("when somebody orders it"));
        let clock = |text: &str| told(text).map(|(_, clock)| clock);
        assert_eq!(clock("DAYS=ALL"), Ok(Clock::Unsettled));
        assert_eq!(clock("CALENDAR=WORKDAYS TIMEFROM=0300"), Ok(Clock::Unsettled));
        assert_eq!(clock("DAYS=1 WEEKDAYS=MON TIMEFROM=0300"), Ok(Clock::Unsettled));
        assert_eq!(clock("DAYS=ALL EVERY=15M"), Ok(Clock::Interval { seconds: 900, from_end: false }));
        let from_end = Clock::Interval { seconds: 900, from_end: true };
        assert_eq!(clock("DAYS=ALL TIMEFROM=0300 TIMETO=0500 EVERY=15M FROM_END=Y"), Ok(from_end));
        for text in [
            "DAYS",
            "DAYS=32",
            "DAYS=SA",
            "WEEKDAYS=7",
            "WEEKDAYS=someday",
            "TIMEFROM=2400",
            "TIMEFROM=3",
            "MONTHS=13",
            "EVERY=15",
            "EVERY=0M",
            "DAYS=1 DAYS=2",
            "DAYS_AND_OR=X",
            "x=y",
        ] {
            assert!(told(text).is_err(), "{text}");
        }
    }
}
