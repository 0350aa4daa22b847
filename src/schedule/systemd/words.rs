//! Calendar events in words. It never tells a run.

use super::calendar::Calendar;
use super::chain::{Chain, SECOND};

/// How many times of a day are listed one by one.
const MAX_LISTED: usize = 6;
const MONTHS: [&str; 12] = [
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
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// An expression in words.
pub(super) fn calendar(it: &Calendar) -> String {
    let time = time(it);
    let mut when = Vec::new();
    let weekdays: Vec<usize> = (0..7).filter(|day| it.weekdays & (1 << day) != 0).collect();
    let named = (weekdays.len() < 7).then(|| days_of_week(&weekdays));
    match (it.all_days, named) {
        (true, None) => {}
        (true, Some(named)) => when.push(named),
        (false, None) => when.push(days(it)),
        (false, Some(named)) => when.push(format!("{} if it is {named}", days(it))),
    }
    let months = numbers(it.months);
    if months.len() < 12 {
        let names: Vec<&str> = months.iter().filter_map(|month| MONTHS.get(month - 1)).copied().collect();
        when.push(format!("in {}", names.join(", ")));
    }
    if !it.years.is_star() {
        when.push(format!("in {}", chain(&it.years, 1)));
    }
    let zone = it.zone.as_ref().map(|(name, _)| format!(" ({name})")).unwrap_or_default();
    if when.is_empty() && time.starts_with("at ") {
        return format!("{time} every day{zone}");
    }
    format!("{}{zone}", std::iter::once(time).chain(when).collect::<Vec<_>>().join(", "))
}

fn numbers(bits: u64) -> Vec<usize> {
    (0..64).filter(|bit| bits & (1 << bit) != 0).collect()
}

/// The step of values that are spread evenly over a whole of this size.
fn even_step(values: &[usize], whole: usize) -> Option<usize> {
    let [first, second, ..] = values else { return None };
    let step = second - first;
    let even = values.windows(2).all(|pair| pair[1] - pair[0] == step);
    (even && whole.is_multiple_of(step) && values.len() == whole / step && *first < step).then_some(step)
}

fn time(it: &Calendar) -> String {
    let (hours, minutes) = (numbers(it.hours), numbers(it.minutes));
    let seconds = seconds(&it.seconds);
    let clock = |hour: &usize, minute: &usize| match &seconds {
        Seconds::Zero => format!("{hour:02}:{minute:02}"),
        Seconds::One(second) => format!("{hour:02}:{minute:02}:{second}"),
        Seconds::Many(_) => format!("{hour:02}:{minute:02}"),
    };
    let behind = match &seconds {
        Seconds::Zero => String::new(),
        Seconds::One(second) => format!(" at second {second}"),
        Seconds::Many(told) => format!(", {told}"),
    };
    let every = |count: usize, unit: &str| {
        if count == 1 { format!("every {unit}") } else { format!("every {count} {unit}s") }
    };
    match (even_step(&hours, 24), even_step(&minutes, 60)) {
        (Some(1), Some(1)) => match seconds {
            Seconds::Many(told) => told,
            _ => format!("every minute{behind}"),
        },
        (Some(1), Some(step)) if minutes[0] == 0 => format!("{}{behind}", every(step, "minute")),
        (Some(1), _) => {
            let list: Vec<String> = minutes.iter().map(|minute| format!(":{minute:02}")).collect();
            format!("every hour at {}{behind}", list.join(", "))
        }
        (Some(step), _) if minutes.len() == 1 && hours.len() > 2 => {
            format!("{} from {}", every(step, "hour"), clock(&hours[0], &minutes[0]))
        }
        (_, Some(step)) if minutes[0] == 0 && step < 60 => {
            format!("{} of hour {}{behind}", every(step, "minute"), ranges(&hours))
        }
        _ if hours.len() * minutes.len() <= MAX_LISTED => {
            let times: Vec<String> =
                hours.iter().flat_map(|hour| minutes.iter().map(|minute| clock(hour, minute))).collect();
            let many = if matches!(seconds, Seconds::Many(_)) { behind.as_str() } else { "" };
            format!("at {}{many}", times.join(", "))
        }
        _ => format!("at minute {} of hour {}{behind}", ranges(&minutes), ranges(&hours)),
    }
}

enum Seconds {
    Zero,
    One(String),
    Many(String),
}

fn seconds(parts: &Chain) -> Seconds {
    match &parts.0[..] {
        [only] if only.step == 0 && only.start == 0 => Seconds::Zero,
        [only] if only.step == 0 => Seconds::One(second(only.start, 2)),
        [only] if only.start == 0 && only.stop.is_none() => match only.step {
            SECOND => Seconds::Many("every second".to_owned()),
            step => Seconds::Many(format!("every {} seconds", second(step, 1))),
        },
        _ => Seconds::Many(format!("at seconds {}", chain(parts, SECOND))),
    }
}

fn second(value: i64, width: usize) -> String {
    let whole = format!("{:0width$}", value / SECOND);
    match value % SECOND {
        0 => whole,
        fraction => format!("{whole}.{}", format!("{fraction:06}").trim_end_matches('0')),
    }
}

/// The parts as written, one step being this large.
fn chain(parts: &Chain, scale: i64) -> String {
    let shown = |value: i64| if scale == SECOND { second(value, 1) } else { value.to_string() };
    let told = parts.0.iter().map(|element| {
        let stop = element.stop.map(|stop| format!("-{}", shown(stop))).unwrap_or_default();
        let step = if element.step > scale || (element.step > 0 && element.stop.is_none()) {
            format!(" in steps of {}", shown(element.step))
        } else {
            String::new()
        };
        format!("{}{stop}{step}", shown(element.start))
    });
    told.collect::<Vec<_>>().join(", ")
}

/// `1-5, 8`.
fn ranges(values: &[usize]) -> String {
    let mut told: Vec<String> = Vec::new();
    let mut at = 0;
    while at < values.len() {
        let mut end = at;
        while end + 1 < values.len() && values[end + 1] == values[end] + 1 {
            end += 1;
        }
        match end - at {
            0 => told.push(values[at].to_string()),
            1 => told.extend([values[at].to_string(), values[end].to_string()]),
            _ => told.push(format!("{}-{}", values[at], values[end])),
        }
        at = end + 1;
    }
    told.join(", ")
}

fn days(it: &Calendar) -> String {
    match (&it.day_chain.0[..], it.from_end) {
        ([only], true) if only.start == 1 && only.step == 0 => "on the last day of the month".to_owned(),
        (_, true) => format!("on day {} counted from the end of the month", chain(&it.day_chain, 1)),
        (_, false) => format!("on day {} of the month", ranges(&numbers(it.days[3]))),
    }
}

fn days_of_week(days: &[usize]) -> String {
    let run = days.len() > 2 && days.windows(2).all(|pair| pair[1] == pair[0] + 1);
    match (days, run) {
        ([first, .., last], true) => format!("{} to {}", WEEKDAYS[*first], WEEKDAYS[*last]),
        _ => days.iter().map(|day| WEEKDAYS[*day]).collect::<Vec<_>>().join(", "),
    }
}
