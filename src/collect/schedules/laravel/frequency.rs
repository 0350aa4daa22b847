//! What the methods of an event make of its expression (Illuminate\Console\Scheduling\ManagesFrequencies, Laravel 5 to
//! 12, followed method by method). It evaluates no schedule.

use crate::schedule::WITHIN_A_MINUTE;

/// The expression of an event that says nothing.
pub(super) const EVERY_MINUTE: &str = "* * * * *";

/// What an event says of its times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frequency {
    /// The five fields, or what stands for them.
    pub expression: String,
    /// The method that repeats it within a minute.
    pub within: Option<String>,
    /// The zone it names.
    pub zone: Option<String>,
}

impl Default for Frequency {
    fn default() -> Frequency {
        Frequency { expression: EVERY_MINUTE.to_owned(), within: None, zone: None }
    }
}

/// What a method made of a frequency.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It is one of them.
    Changed,
    /// It is one of them, and what it is given is computed.
    Computed,
    /// It is none of them.
    Other,
}

/// Methods that set minute and hour, and what they set the hour to.
const HOURS: [(&str, &str); 6] = [
    ("everyOddHour", "1-23/2"),
    ("everyTwoHours", "*/2"),
    ("everyThreeHours", "*/3"),
    ("everyFourHours", "*/4"),
    ("everySixHours", "*/6"),
    ("hourlyAt", "*"),
];
/// Methods that set the minute alone.
const MINUTES: [(&str, &str); 9] = [
    ("everyMinute", "*"),
    ("everyTwoMinutes", "*/2"),
    ("everyThreeMinutes", "*/3"),
    ("everyFourMinutes", "*/4"),
    ("everyFiveMinutes", "*/5"),
    ("everyTenMinutes", "*/10"),
    ("everyFifteenMinutes", "*/15"),
    ("everyThirtyMinutes", "*/30"),
    ("hourly", "0"),
];
const DAYS: [(&str, &str); 9] = [
    ("weekdays", "1-5"),
    ("weekends", "6,0"),
    ("mondays", "1"),
    ("tuesdays", "2"),
    ("wednesdays", "3"),
    ("thursdays", "4"),
    ("fridays", "5"),
    ("saturdays", "6"),
    ("sundays", "0"),
];
/// The constants of the class Schedule.
const CONSTANTS: [(&str, &str); 7] = [
    ("SUNDAY", "0"),
    ("MONDAY", "1"),
    ("TUESDAY", "2"),
    ("WEDNESDAY", "3"),
    ("THURSDAY", "4"),
    ("FRIDAY", "5"),
    ("SATURDAY", "6"),
];

/// One argument: a value, or several.
pub(super) type Given = Vec<String>;

fn find(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

/// A value as PHP would put it into the text; `None`: it is computed.
fn settled(value: &str) -> Option<String> {
    let bare = value.strip_prefix("${").and_then(|value| value.strip_suffix('}'));
    match bare {
        None if crate::schedule::has_placeholder(value) => None,
        None => Some(value.to_owned()),
        Some(bare) => {
            let (class, constant) = bare.trim().rsplit_once("::")?;
            let own = class.rsplit('\\').next().is_some_and(|class| matches!(class, "Schedule" | "Carbon"));
            find(&CONSTANTS, constant).filter(|_| own).map(str::to_owned)
        }
    }
}

/// Hour and minute of a time: what stands before the first colon and behind it, as PHP makes numbers of them.
fn time(text: &str) -> (String, String) {
    let number = |text: &str| {
        let digits: String = text.trim_start().chars().take_while(char::is_ascii_digit).collect();
        digits.trim_start_matches('0').to_owned()
    };
    let or_zero = |text: String| if text.is_empty() { "0".to_owned() } else { text };
    let mut parts = text.split(':');
    let hour = parts.next().map(number).unwrap_or_default();
    (or_zero(hour), or_zero(parts.next().map(number).unwrap_or_default()))
}

impl Frequency {
    fn splice(&mut self, position: usize, value: &str) {
        let mut fields: Vec<&str> = self.expression.split_whitespace().collect();
        while fields.len() <= position {
            fields.push("*");
        }
        fields[position] = value;
        self.expression = fields.join(" ");
    }

    fn minute_and_hour(&mut self, minute: &str, hour: &str) {
        self.splice(0, minute);
        self.splice(1, hour);
    }

    fn at_time(&mut self, text: &str) {
        let (hour, minute) = time(text);
        self.minute_and_hour(&minute, &hour);
    }

    /// Applies a method.
    pub fn apply(&mut self, method: &str, arguments: &[Given]) -> Told {
        let settled: Option<Vec<Vec<String>>> =
            arguments.iter().map(|given| given.iter().map(|value| settled(value)).collect()).collect();
        let known = self.clone();
        let Some(given) = settled else {
            let nothing = vec![vec!["0".to_owned()]; arguments.len()];
            let is_one = self.change(method, &nothing);
            *self = known;
            return if is_one { Told::Computed } else { Told::Other };
        };
        if self.change(method, &given) { Told::Changed } else { Told::Other }
    }

    fn change(&mut self, method: &str, given: &[Vec<String>]) -> bool {
        let joined =
            |at: usize, default: &str| given.get(at).map_or(default.to_owned(), |values| values.join(","));
        if let Some(minute) = find(&MINUTES, method) {
            self.splice(0, minute);
        } else if let Some(hour) = find(&HOURS, method) {
            self.minute_and_hour(&joined(0, "0"), hour);
        } else if let Some(days) = find(&DAYS, method) {
            self.splice(4, days);
        } else if WITHIN_A_MINUTE.iter().any(|(known, _)| *known == method) {
            self.splice(0, "*");
            self.within = Some(method.to_owned());
        } else {
            return self.change_day(method, given, &joined);
        }
        true
    }

    fn change_day(
        &mut self,
        method: &str,
        given: &[Vec<String>],
        joined: &dyn Fn(usize, &str) -> String,
    ) -> bool {
        match method {
            "cron" => self.expression = joined(0, EVERY_MINUTE),
            "daily" => self.minute_and_hour("0", "0"),
            "at" | "dailyAt" => self.at_time(&joined(0, "0:0")),
            "twiceDaily" | "twiceDailyAt" => {
                let hours = format!("{},{}", joined(0, "1"), joined(1, "13"));
                let minute = if method == "twiceDailyAt" { joined(2, "0") } else { "0".to_owned() };
                self.minute_and_hour(&minute, &hours);
            }
            "weekly" => {
                self.minute_and_hour("0", "0");
                self.splice(4, "0");
            }
            "weeklyOn" => {
                self.at_time(&joined(1, "0:0"));
                self.splice(4, &joined(0, "*"));
            }
            "monthly" | "quarterly" | "yearly" => {
                self.minute_and_hour("0", "0");
                self.splice(2, "1");
                match method {
                    "quarterly" => self.splice(3, "1-12/3"),
                    "yearly" => self.splice(3, "1"),
                    _ => {}
                }
            }
            "monthlyOn" => {
                self.at_time(&joined(1, "0:0"));
                self.splice(2, &joined(0, "1"));
            }
            "twiceMonthly" => {
                self.at_time(&joined(2, "0:0"));
                self.splice(2, &format!("{},{}", joined(0, "1"), joined(1, "16")));
            }
            // The last day of the current month, looked up each minute anew: that of any month.
            "lastDayOfMonth" => {
                self.at_time(&joined(0, "0:0"));
                self.splice(2, "L");
            }
            "daysOfMonth" => {
                self.at_time("0:0");
                self.splice(2, &given.concat().join(","));
            }
            "quarterlyOn" => {
                self.at_time(&joined(1, "0:0"));
                self.splice(2, &joined(0, "1"));
                self.splice(3, "1-12/3");
            }
            "yearlyOn" => {
                self.at_time(&joined(2, "0:0"));
                self.splice(2, &joined(1, "1"));
                self.splice(3, &joined(0, "1"));
            }
            "days" => self.splice(4, &given.concat().join(",")),
            "timezone" => self.zone = Some(joined(0, "UTC")),
            _ => return false,
        }
        true
    }

    /// As the dialect has it, for an application in this zone.
    pub fn text(&self, zone_of_application: Option<&str>) -> String {
        let mut text = self.expression.clone();
        if let Some(zone) = self.zone.as_deref().filter(|zone| Some(*zone) != zone_of_application) {
            text.push_str(&format!(" ->timezone('{zone}')"));
        }
        if let Some(within) = &self.within {
            text.push_str(&format!(" ->{within}()"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Methods with what they are given.
    type Calls<'a> = &'a [(&'a str, &'a [&'a [&'a str]])];

    fn made(calls: Calls<'_>) -> String {
        let mut frequency = Frequency::default();
        for (method, arguments) in calls {
            let given: Vec<Given> = arguments
                .iter()
                .map(|values| values.iter().map(|value| (*value).to_owned()).collect())
                .collect();
            assert_eq!(frequency.apply(method, &given), Told::Changed, "{method}");
        }
        frequency.expression
    }

    /// What `ManagesFrequencies` of illuminate/console makes of these calls, read step by step from its source.
    #[test]
    fn expressions_are_those_that_events_of_laravel_have() {
        let cases: &[(Calls<'_>, &str)] = &[
            (&[("dailyAt", &[&["02:05"]])], "5 2 * * *"),
            (&[("dailyAt", &[&["13"]])], "0 13 * * *"),
            (&[("weekdays", &[]), ("at", &[&["7:30"]])], "30 7 * * 1-5"),
            (&[("hourlyAt", &[&["5", "25"]])], "5,25 * * * *"),
            (&[("weeklyOn", &[&["1"], &["8:00"]])], "0 8 * * 1"),
            (&[("twiceDaily", &[])], "0 1,13 * * *"),
            (&[("twiceMonthly", &[&["1"], &["16"], &["13:00"]])], "0 13 1,16 * *"),
            (&[("quarterly", &[])], "0 0 1 1-12/3 *"),
            (&[("yearlyOn", &[&["6"], &["1"], &["17:00"]])], "0 17 1 6 *"),
            (&[("weekly", &[]), ("mondays", &[]), ("at", &[&["13:00"]])], "0 13 * * 1"),
            (&[("days", &[&["0"], &["3"]])], "* * * * 0,3"),
            (&[("days", &[&["${Schedule::FRIDAY}"]]), ("hourly", &[])], "0 * * * 5"),
        ];
        for (calls, expected) in cases {
            assert_eq!(&made(calls), expected, "{calls:?}");
        }
    }

    #[test]
    fn what_is_computed_changes_nothing_and_is_told() {
        let mut frequency = Frequency::default();
        assert_eq!(frequency.apply("dailyAt", &[vec!["${config('x')}".to_owned()]]), Told::Computed);
        assert_eq!(frequency.apply("onOneServer", &[]), Told::Other);
        assert_eq!(frequency, Frequency::default());
    }
}
