//! What a job's command makes of its schedule before it does its work: days on which it does nothing
//! (`[ $(date +%d) -le 7 ]`), a fixed wait (`sleep 600`) and a wait of random length (`sleep $((RANDOM % 3600))`,
//! `RandomizedDelaySec=`). Formats are those of date(1) of GNU coreutils 9.1, tests those of test(1p). A guard it does not
//! understand changes nothing.

use super::span_seconds;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

/// Seconds that a wait in front of a command may last, to be believed.
const LONGEST_WAIT: i64 = 86_400;
/// What `$RANDOM` of a shell is at most (bash(1)).
const RANDOM: u64 = 32_767;

/// The guards of one job.
#[derive(Debug, Clone, Default)]
pub struct Guards {
    days: Vec<Day>,
    hours: Vec<Hours>,
    /// Seconds that fixed waits add to each start.
    delay: i64,
    /// Seconds that waits of random length add at most.
    spread: u64,
}

/// A test of the date.
#[derive(Debug, Clone)]
struct Day {
    /// The letter of date(1), and whether numbers are padded with zeros.
    format: (char, bool),
    /// Days to add before the date is told.
    ahead: i64,
    /// What is made of the number, in order.
    steps: Vec<(char, i64)>,
    operator: &'static str,
    value: String,
    /// Whether the work is done where the test fails.
    negated: bool,
}

/// Hours of the day in which an event of Laravel runs, or does not: `between('8:00', '17:00')`, `unlessBetween(…)`. When the
/// scheduler asks, its minute has begun: the last one is no longer in it (ManagesFrequencies::inTimeInterval).
#[derive(Debug, Clone)]
struct Hours {
    /// Seconds of the day.
    from: i64,
    to: i64,
    /// Whether it runs outside of them.
    negated: bool,
}

impl Hours {
    fn of(guard: &str) -> Option<Hours> {
        let methods = [("between(", false), ("unlessBetween(", true)];
        let (inner, negated) = methods
            .into_iter()
            .find_map(|(method, negated)| Some((guard.strip_prefix(method)?.strip_suffix(')')?, negated)))?;
        let (from, to) = inner.split_once(',')?;
        let seconds = |text: &str| {
            let text = text.trim();
            let text =
                ['\'', '"'].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))?;
            let mut parts = text.split(':').map(|part| part.parse::<i64>().ok());
            let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
            let fits = (0..=24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
            (fits && parts.next().is_none()).then_some(hour * 3600 + minute * 60 + second)
        };
        Some(Hours { from: seconds(from)?, to: seconds(to)?, negated })
    }

    fn holds(&self, at: &Zoned) -> bool {
        let now = i64::from(at.hour()) * 3600 + i64::from(at.minute()) * 60 + i64::from(at.second());
        let inside = match self.to < self.from {
            true => now >= self.from || now < self.to,
            false => (self.from..self.to).contains(&now),
        };
        inside != self.negated
    }
}

impl Guards {
    /// Of a job's guards as written.
    pub fn of<'a>(guards: impl IntoIterator<Item = &'a str>) -> Guards {
        let mut all = Guards::default();
        for guard in guards {
            let asked = [("only if ", false), ("unless ", true)]
                .into_iter()
                .find_map(|(word, negated)| Some((guard.strip_prefix(word)?, negated)));
            if let Some((test, negated)) = asked {
                all.days.extend(Day::of(test, negated));
            } else if let Some(hours) = Hours::of(guard) {
                all.hours.push(hours);
            } else if let Some(most) = random_wait(guard) {
                all.spread = all.spread.saturating_add(most);
            } else {
                all.delay += fixed_wait(guard);
            }
        }
        all
    }

    /// Seconds between the start and the work.
    pub fn delay(&self) -> i64 {
        self.delay
    }

    /// Seconds by which the work may begin later than that.
    pub fn spread(&self) -> u64 {
        self.spread
    }

    /// Whether a start (UTC seconds) leads to any work, by the date of a zone when the wait is over.
    pub fn lets(&self, start: i64, zone: &TimeZone) -> bool {
        if self.days.is_empty() && self.hours.is_empty() {
            return true;
        }
        let Ok(at) = Timestamp::from_second(start.saturating_add(self.delay)) else { return true };
        let at = at.to_zoned(zone.clone());
        self.days.iter().all(|day| day.holds(&at)) && self.hours.iter().all(|hours| hours.holds(&at))
    }
}

/// The seconds that `sleep 600` or `sleep 10m` waits; what else there is waits for no known time.
fn fixed_wait(guard: &str) -> i64 {
    let mut words = guard.split_whitespace();
    if words.next() != Some("sleep") {
        return 0;
    }
    let seconds = |word: &str| {
        let unit = match word.as_bytes().last()? {
            b'm' => 60,
            b'h' => 3600,
            b'd' => 86_400,
            _ => 1,
        };
        let number: i64 = word.trim_end_matches(['s', 'm', 'h', 'd']).parse().ok()?;
        number.checked_mul(unit).filter(|seconds| (0..=LONGEST_WAIT).contains(seconds))
    };
    words.filter_map(seconds).sum()
}

/// The number a text begins with.
fn number(text: &str) -> Option<u64> {
    let digits: String = text.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The longest that a wait of random length lasts, in seconds.
fn random_wait(guard: &str) -> Option<u64> {
    if let Some((key, value)) = guard.split_once('=') {
        return matches!(key, "RandomizedDelaySec" | "RandomizedOffsetSec")
            .then(|| span_seconds(value.trim()))?;
    }
    let sleeps = guard.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "sleep");
    if !sleeps {
        return None;
    }
    let most = if let Some((_, rest)) = guard.split_once("RANDOM") {
        let rest = rest.trim_start_matches(['}', ' ']);
        match rest.chars().next() {
            Some('%') => number(&rest[1..])?.checked_sub(1)?,
            Some('/') => RANDOM / number(&rest[1..]).filter(|by| *by > 0)?,
            Some(')' | ']' | ';' | '"') | None => RANDOM,
            _ => return None,
        }
    } else if let Some((_, rest)) = guard.split_once("rand(") {
        number(rest)?
    } else if let Some((_, rest)) = guard.split_once("shuf -i ") {
        number(rest.split_once('-')?.1)?
    } else {
        return None;
    };
    (most <= LONGEST_WAIT as u64).then_some(most)
}

/// The words of a test, each with its substitutions and quotes whole.
fn words(test: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let (mut depth, mut quote, mut tick) = (0usize, None, false);
    for c in test.chars() {
        match c {
            '`' => tick = !tick,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '"' | '\'' if depth == 0 && !tick => {
                quote = if quote == Some(c) { None } else { quote.or(Some(c)) };
                continue;
            }
            _ => {}
        }
        if c.is_whitespace() && depth == 0 && !tick && quote.is_none() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
        } else {
            word.push(c);
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// What stands in `$(…)` or between backticks, and nothing else does.
fn substituted(word: &str) -> Option<&str> {
    let inside = word.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')'));
    let inside = inside.or_else(|| word.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')))?;
    Some(inside.trim())
}

/// The letter, the padding and the days ahead of a call of date(1).
fn date_call(call: &str) -> Option<((char, bool), i64)> {
    let words = words(call);
    let mut words = words.iter().map(String::as_str);
    if words.next() != Some("date") {
        return None;
    }
    let (mut format, mut ahead) = (None, 0);
    while let Some(word) = words.next() {
        if let Some(text) = word.strip_prefix('+') {
            let letters = text.strip_prefix('%')?;
            let (bare, letter) = match letters.strip_prefix('-') {
                Some(letter) => (true, letter),
                None => (false, letters),
            };
            let mut letter = letter.chars();
            format = Some((letter.next()?, !bare));
            if letter.next().is_some() {
                return None;
            }
        } else {
            let when = match word {
                "-d" | "--date" => words.next()?,
                _ => word.strip_prefix("--date=").or(word.strip_prefix("-d"))?,
            };
            ahead = match when.trim() {
                "tomorrow" | "+1 day" | "1 day" | "next day" | "+1day" | "1day" | "+1 days" | "1 days" => 1,
                "yesterday" | "-1 day" | "1 day ago" | "-1 days" => -1,
                "today" | "now" => 0,
                when => when.strip_suffix(" days")?.trim_start_matches('+').parse().ok()?,
            };
        }
    }
    let ahead = Some(ahead).filter(|ahead: &i64| (-366..=366).contains(ahead))?;
    format.map(|format| (format, ahead))
}

/// Numbers behind a substitution, each with what is done with it: `/ 604800 % 2`.
fn steps(text: &str) -> Option<Vec<(char, i64)>> {
    let mut words = text.split_whitespace();
    let mut steps = Vec::new();
    while let Some(operator) = words.next() {
        let by: i64 = words.next()?.parse().ok().filter(|by| *by > 0)?;
        steps.push((operator.parse().ok().filter(|it| "%/+-".contains(*it))?, by));
    }
    Some(steps)
}

/// What a test asks the date for: the letter and its padding, days ahead, and what is made of the number.
type Asked = ((char, bool), i64, Vec<(char, i64)>);

/// `$(date …)`, `$(( $(date …) % 2 ))`, `$(expr $(date …) % 2)`.
fn asked(word: &str) -> Option<Asked> {
    let inside = substituted(word)?;
    if let Some((format, ahead)) = date_call(inside) {
        return Some((format, ahead, Vec::new()));
    }
    let sum = inside.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let sum = sum.or_else(|| inside.strip_prefix("expr "))?.trim();
    let from_date = sum.find("date ")?;
    let end = sum[from_date..].find([')', '`']).map(|at| from_date + at)?;
    let head = sum.get(..from_date)?.trim();
    // What pads the number (`10#`) keeps it from being read as octal.
    if !matches!(head.trim_start_matches("10#"), "$(" | "`") {
        return None;
    }
    let (format, ahead) = date_call(&sum[from_date..end])?;
    Some((format, ahead, steps(&sum[end + 1..])?))
}

const OPERATORS: [&str; 9] = ["-le", "-lt", "-ge", "-gt", "-eq", "-ne", "=", "==", "!="];

impl Day {
    /// `[ $(date +%d) -le 7 ]`, `test "$(date +%a)" = Sun`.
    fn of(test: &str, negated: bool) -> Option<Day> {
        let test = test.trim();
        let inside = test.strip_prefix("[[").and_then(|rest| rest.strip_suffix("]]"));
        let inside = inside.or_else(|| test.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')));
        let words = words(inside.or_else(|| test.strip_prefix("test "))?);
        let [left, operator, right] = &words[..] else { return None };
        let operator = OPERATORS.into_iter().find(|known| known == operator)?;
        let ((format, ahead, steps), value, operator) = match asked(left) {
            Some(asked) => (asked, right, operator),
            // `7 -ge $(date +%d)` is the same the other way round.
            None => {
                let turned = match operator {
                    "-le" => "-ge",
                    "-lt" => "-gt",
                    "-ge" => "-le",
                    "-gt" => "-lt",
                    same => same,
                };
                (asked(right)?, left, turned)
            }
        };
        let numeric = operator.starts_with('-') || !steps.is_empty();
        let known = "demjuwaAbBVHMs".contains(format.0);
        let fits = !numeric || (value.parse::<i64>().is_ok() && !"aAbB".contains(format.0));
        let plain = !value.contains(['$', '`', '*', '?']);
        let day = Day { format, ahead, steps, operator, value: value.clone(), negated };
        (known && fits && plain).then_some(day)
    }

    fn holds(&self, at: &Zoned) -> bool {
        let Ok(at) = at.checked_add(self.ahead.days()) else { return true };
        let (letter, padded) = self.format;
        let text = match letter {
            'a' | 'A' => {
                let name = match at.weekday() {
                    Weekday::Monday => "Monday",
                    Weekday::Tuesday => "Tuesday",
                    Weekday::Wednesday => "Wednesday",
                    Weekday::Thursday => "Thursday",
                    Weekday::Friday => "Friday",
                    Weekday::Saturday => "Saturday",
                    Weekday::Sunday => "Sunday",
                };
                if letter == 'a' { name[..3].to_owned() } else { name.to_owned() }
            }
            'b' => at.strftime("%b").to_string(),
            'B' => at.strftime("%B").to_string(),
            's' => at.timestamp().as_second().to_string(),
            _ => {
                let (number, width) = match letter {
                    'd' | 'e' => (i64::from(at.day()), 2),
                    'm' => (i64::from(at.month()), 2),
                    'j' => (i64::from(at.day_of_year()), 3),
                    'u' => (i64::from(at.weekday().to_monday_one_offset()), 1),
                    'w' => (i64::from(at.weekday().to_sunday_zero_offset()), 1),
                    'V' => (i64::from(at.date().iso_week_date().week()), 2),
                    'H' => (i64::from(at.hour()), 2),
                    _ => (i64::from(at.minute()), 2),
                };
                match (padded, letter) {
                    (false, _) => number.to_string(),
                    (true, 'e') => format!("{number:>width$}"),
                    (true, _) => format!("{number:0width$}"),
                }
            }
        };
        let number = self.steps.iter().fold(text.trim().parse::<i64>().ok(), |so_far, (operator, by)| {
            let so_far = so_far?;
            match operator {
                '%' => so_far.checked_rem(*by),
                '/' => so_far.checked_div(*by),
                '+' => so_far.checked_add(*by),
                _ => so_far.checked_sub(*by),
            }
        });
        let numbers = number.zip(self.value.parse::<i64>().ok());
        let text = if self.steps.is_empty() { Some(text) } else { number.map(|number| number.to_string()) };
        let holds = match (self.operator, numbers) {
            ("=" | "==", _) => text.as_deref() == Some(&self.value),
            ("!=", _) => text.as_deref() != Some(&self.value),
            (_, None) => return true,
            ("-le", Some((a, b))) => a <= b,
            ("-lt", Some((a, b))) => a < b,
            ("-ge", Some((a, b))) => a >= b,
            ("-gt", Some((a, b))) => a > b,
            ("-eq", Some((a, b))) => a == b,
            (_, Some((a, b))) => a != b,
        };
        holds != self.negated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The days of November 2026 (it begins on a Sunday) on which a job at 03:00 UTC does its work.
    fn days(guard: &str) -> Vec<i64> {
        let guards = Guards::of([guard]);
        assert_eq!(guards.days.len(), 1, "{guard} is not understood");
        let first = 1_793_502_000; // 2026-11-01T03:00:00Z
        (0..30).filter(|day| guards.lets(first + day * 86_400, &TimeZone::UTC)).map(|day| day + 1).collect()
    }

    /// The hours of 2026-11-01 in UTC at which a guard lets an hourly job work.
    fn hours(guard: &str) -> Vec<i64> {
        let guards = Guards::of([guard]);
        let first = 1_793_491_200; // 2026-11-01T00:00:00Z
        (0..24).filter(|hour| guards.lets(first + hour * 3600, &TimeZone::UTC)).collect()
    }

    #[test]
    fn hours_of_an_event_hold_it_back_outside_of_them() {
        assert_eq!(hours("between('8:00', '11:00')"), [8, 9, 10]);
        assert_eq!(hours("between('22:00', '2:00')"), [0, 1, 22, 23]);
        assert_eq!(hours("unlessBetween(\"1:30\", '23:00')"), [0, 1, 23]);
        // What is computed, and what is no such method, holds nothing back.
        assert_eq!(hours("between($from, '11:00')").len(), 24);
        assert_eq!(hours("notBetween('8:00', '11:00')").len(), 24);
    }

    #[test]
    fn a_test_of_the_date_lets_only_its_days_through() {
        for (guard, expected) in [
            ("only if [ $(date +%d) -le 7 ]", vec![1, 2, 3, 4, 5, 6, 7]),
            ("only if [ 3 -ge `date +%-d` ]", vec![1, 2, 3]),
            ("only if test \"$(date +%a)\" = \"Sun\"", vec![1, 8, 15, 22, 29]),
            ("only if [[ $(date +%u) == 6 ]]", vec![7, 14, 21, 28]),
            ("unless [ $(date +%w) -ne 0 ]", vec![1, 8, 15, 22, 29]),
            ("only if [ \"$(date -d tomorrow +%d)\" = 01 ]", vec![30]),
            ("only if [ $(date +%d -d '+1 day') -eq 1 ]", vec![30]),
            ("only if [ $(date +%e) = 4 ]", vec![]),
            // ISO weeks of November 2026 begin on the 2nd (45), 9th, 16th, 23rd and 30th (49).
            (
                "only if [ $(( $(date +%V) % 2 )) -eq 0 ]",
                vec![1, 9, 10, 11, 12, 13, 14, 15, 23, 24, 25, 26, 27, 28, 29],
            ),
            ("only if [ $(expr $(date +%j) % 10) -eq 0 ]", vec![6, 16, 26]),
        ] {
            assert_eq!(days(guard), expected, "{guard}");
        }
    }

    #[test]
    fn what_is_not_understood_changes_nothing() {
        for guard in [
            "[ $(date +%d) -le 7 ]",
            "only if [ -x /usr/bin/x ]",
            "only if [ $(date +%d) -le $LAST ]",
            "only if [ $(date +%d) -le 7 -a -x /usr/bin/x ]",
            "only if [ $(date -u +%d) -le 7 ]",
            "only if [ $(date +%d%m) = 0112 ]",
            "only if [ $(date -r /srv/x +%d) -le 7 ]",
        ] {
            assert!(Guards::of([guard]).days.is_empty(), "{guard}");
        }
    }

    #[test]
    fn waits_are_fixed_or_of_random_length() {
        for (guard, delay, spread) in [
            ("sleep 600", 600, 0),
            ("sleep 1m 30", 90, 0),
            ("sleep $(( $RANDOM % 3600 ))", 0, 3599),
            ("sleep $[RANDOM%60]", 0, 59),
            ("sleep ${RANDOM}", 0, 32_767),
            ("sleep $((RANDOM / 100))", 0, 327),
            ("perl -e 'sleep int(rand(43200))'", 0, 43_200),
            ("sleep $(shuf -i 1-300 -n 1)", 0, 300),
            ("RandomizedDelaySec=1h", 0, 3600),
            ("sleep {}", 0, 0),
            ("Persistent=yes", 0, 0),
        ] {
            let guards = Guards::of([guard]);
            assert_eq!((guards.delay, guards.spread), (delay, spread), "{guard}");
        }
    }
}
