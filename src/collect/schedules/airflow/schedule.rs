//! When a DAG runs, from what it is made with: cron texts, intervals with the moment they count from, timetables, assets.
//! A run starts where its data interval ends, which is the moment its expression means. It reads no task.

use super::super::World;
use super::super::job::Zone;
use super::super::python::{Call, Value};
use super::Dag;
use crate::evidence::Text;
use crate::schedule;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// When a DAG runs.
pub(super) struct Plan {
    /// In the dialect `airflow`; several add up.
    pub schedules: Vec<String>,
    pub zone: Zone,
    pub guards: Vec<Text>,
    /// Whether no clock starts it.
    pub untimed: bool,
}

/// What can be said of a schedule.
enum When {
    /// Cron texts, and the zone that stands beside them.
    Cron(Vec<String>, Option<Value>),
    /// An interval as it is written.
    Every(Every),
    /// Something without a clock.
    Untimed(String),
}

struct Every {
    text: String,
    /// Its seconds, where it has no months.
    seconds: Option<i64>,
}

/// The plan of a DAG; `None`: it is over, or only people start it. The error is what a gap says of its schedule.
pub(super) fn plan(dag: &Dag<'_>, default_zone: &str, world: &World<'_>) -> Result<Option<Plan>, String> {
    let given = ["schedule", "schedule_interval", "timetable"].iter().find_map(|name| dag.call.get(name));
    let given = given.or_else(|| dag.call.arguments.get(2).filter(|_| dag.call.name() == "DAG"));
    let Some(given) = given else {
        let why = if dag.call.open {
            "is among arguments that cannot be seen"
        } else {
            "is not stated: Airflow 2 runs it once a day, Airflow 3 never by itself"
        };
        return Err(why.to_owned());
    };
    let start = dag.get("start_date");
    if is_over(dag, world) {
        return Ok(None);
    }
    let (mut zone, mut guards) = (start_zone(start, default_zone), Vec::new());
    let (schedules, untimed) = match when(given, &mut guards)? {
        When::Untimed(text) if text == "@once" => return Ok(None),
        When::Untimed(text) => {
            zone = Zone::None;
            (vec![text], true)
        }
        When::Cron(texts, own) => {
            if let Some(own) = own {
                zone = zone_of(&own).map_or_else(
                    || Zone::Unknown(format!("the timezone of the timetable is computed: {}", own.shown())),
                    |zone| Zone::Stated(Text::from(zone)),
                );
            }
            (texts, false)
        }
        When::Every(every) => {
            zone = Zone::None;
            let since = counts_from(&every, start, dag.call.get("catchup"), default_zone);
            (vec![since.map_or(every.text.clone(), |since| format!("{} since {since}", every.text))], false)
        }
    };
    Ok(Some(Plan { schedules, zone, guards, untimed }))
}

/// Whether its `end_date` lies before the day the scan counts from.
fn is_over(dag: &Dag<'_>, world: &World<'_>) -> bool {
    let end = dag.call.get("end_date").and_then(|end| moment(end, "UTC")).and_then(|(at, zone)| {
        let zone = schedule::zone(&zone)?;
        Some(at.to_zoned(zone).ok()?.timestamp().as_second())
    });
    end.zip(world.today).is_some_and(|(end, today)| end < today.seconds())
}

fn when(given: &Value, guards: &mut Vec<Text>) -> Result<When, String> {
    let computed = || Err(format!("is computed: {}", given.shown()));
    match given {
        Value::None => Ok(When::Untimed("None".to_owned())),
        Value::Text(text) => Ok(match text.as_str() {
            "@once" | "@continuous" => When::Untimed(text.clone()),
            text => When::Cron(vec![text.to_owned()], None),
        }),
        Value::List(items) if !items.is_empty() => Ok(When::Untimed(assets(items))),
        Value::Call(call) => match call.name() {
            "timedelta" | "relativedelta" => {
                every(call).map_or_else(computed, |every| Ok(When::Every(every)))
            }
            "CronTriggerTimetable" | "CronDataIntervalTimetable" | "MultipleCronTriggerTimetable" => {
                let own = call.get("cron").into_iter().chain(&call.arguments);
                let zone = call.get("timezone").cloned();
                // `CronDataIntervalTimetable(cron, timezone)`.
                let several = call.name() == "MultipleCronTriggerTimetable";
                let placed = if several { None } else { call.arguments.get(1).cloned() };
                let crons =
                    own.take(if several { usize::MAX } else { 1 }).map(|cron| cron.text().map(str::to_owned));
                match crons.collect::<Option<Vec<_>>>() {
                    Some(crons) if !crons.is_empty() => Ok(When::Cron(crons, zone.or(placed))),
                    _ => computed(),
                }
            }
            "DeltaDataIntervalTimetable" | "DeltaTriggerTimetable" => {
                call.get_or("delta", 0).map_or_else(computed, |delta| when(delta, guards))
            }
            "AssetOrTimeSchedule" | "DatasetOrTimeSchedule" => {
                guards.push(Text::from("also when what it reads has been written"));
                call.get("timetable").map_or_else(computed, |timetable| when(timetable, guards))
            }
            "Asset" | "Dataset" | "AssetAll" | "AssetAny" | "DatasetAll" | "DatasetAny" => {
                Ok(When::Untimed(assets(std::slice::from_ref(given))))
            }
            "NullTimetable" => Ok(When::Untimed("None".to_owned())),
            "OnceTimetable" => Ok(When::Untimed("@once".to_owned())),
            "ContinuousTimetable" => Ok(When::Untimed("@continuous".to_owned())),
            _ => computed(),
        },
        _ => computed(),
    }
}

/// `assets(s3://one, s3://two)`.
fn assets(items: &[Value]) -> String {
    fn names(item: &Value, into: &mut Vec<String>) {
        match item {
            Value::Call(call) if matches!(call.name(), "Asset" | "Dataset") => {
                let uri = call.get("uri").or_else(|| call.get("name")).or_else(|| call.arguments.first());
                into.push(uri.map_or("…".to_owned(), Value::shown));
            }
            Value::Call(call) => call.arguments.iter().for_each(|item| names(item, into)),
            Value::List(items) => items.iter().for_each(|item| names(item, into)),
            other => into.push(other.shown()),
        }
    }
    let mut shown = Vec::new();
    items.iter().for_each(|item| names(item, &mut shown));
    format!("assets({})", shown.join(", "))
}

/// An interval of known numbers, in the units it is written with.
fn every(call: &Call) -> Option<Every> {
    const UNITS: [(&str, Option<i64>); 7] = [
        ("years", None),
        ("months", None),
        ("weeks", Some(604_800)),
        ("days", Some(86_400)),
        ("hours", Some(3600)),
        ("minutes", Some(60)),
        ("seconds", Some(1)),
    ];
    let (mut parts, mut seconds) = (Vec::new(), Some(0.0));
    // `timedelta(1)` is a day.
    let placed = call.arguments.first().filter(|_| call.name() == "timedelta");
    let given = placed.map(|value| ("days", value)).into_iter();
    for (name, value) in given.chain(call.keywords.iter().map(|(name, value)| (name.as_str(), value))) {
        let (unit, length) = UNITS.iter().find(|(unit, _)| *unit == name)?;
        let Value::Number(number) = value else { return None };
        parts.push(format!("{unit}={number}"));
        seconds = seconds.zip(*length).map(|(sum, length)| sum + number * length as f64);
    }
    if parts.is_empty() || call.open {
        return None;
    }
    let text = format!("{}({})", call.name(), parts.join(", "));
    Some(Every { text, seconds: seconds.map(|seconds| seconds as i64) })
}

/// The moment an interval counts from, where it is sure: with `catchup` from the start date on, without it in whole
/// intervals since 1970 (`_round`), and Airflow 2 and 3 differ in what holds where it is not said.
fn counts_from(
    every: &Every,
    start: Option<&Value>,
    catchup: Option<&Value>,
    default: &str,
) -> Option<String> {
    let (at, zone) = moment(start?, default)?;
    let start = at.to_zoned(schedule::zone(&zone)?).ok()?.timestamp();
    let whole = every.seconds.is_some_and(|every| every > 0 && start.as_second() % every == 0);
    let sure = whole || catchup == Some(&Value::Truth(true));
    sure.then(|| start.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// The zone that the start date puts a cron text in.
fn start_zone(start: Option<&Value>, default: &str) -> Zone {
    let Some(start) = start else { return Zone::Stated(Text::from(default)) };
    match zone_of_moment(start, default) {
        Some(zone) => Zone::Stated(Text::from(zone)),
        None => Zone::Unknown(format!(
            "the start_date, whose zone is that of the schedule, is computed: {}",
            start.shown()
        )),
    }
}

/// The zone of a moment: its own, else the default one.
fn zone_of_moment(value: &Value, default: &str) -> Option<String> {
    let call = value.call()?;
    let own = call.get("tzinfo").or_else(|| call.get("tz")).or_else(|| call.get("timezone"));
    match call.name() {
        "replace" => own.and_then(zone_of),
        "datetime" | "DateTime" => {
            own.or_else(|| call.arguments.get(7)).map_or(Some(default.to_owned()), zone_of)
        }
        "date" | "days_ago" | "utcnow" | "strptime" => Some(default.to_owned()),
        "now" | "today" | "yesterday" | "parse" | "from_format" | "local" => {
            match own.or_else(|| call.arguments.last()) {
                Some(zone) if zone_of(zone).is_some() => zone_of(zone),
                _ if own.is_some() => None,
                _ => Some(default.to_owned()),
            }
        }
        // `pendulum.now("UTC").subtract(days=1)`, `days_ago(2).replace(hour=1)`, `zone.localize(…)`.
        "subtract" | "add" | "start_of" | "end_of" => zone_of_moment(call.on.as_ref()?, default),
        "localize" | "datetime_in" => zone_of(call.on.as_ref()?),
        _ => None,
    }
}

/// The name of a zone that an expression stands for.
fn zone_of(value: &Value) -> Option<String> {
    let name = match value {
        Value::Text(text) => text.clone(),
        Value::Call(call)
            if matches!(call.name(), "timezone" | "ZoneInfo" | "gettz" | "Timezone" | "parse_timezone") =>
        {
            call.arguments.first().or_else(|| call.get("key"))?.text()?.to_owned()
        }
        Value::Name(name) if name.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("utc")) => {
            "UTC".to_owned()
        }
        _ => return None,
    };
    let name = if name.eq_ignore_ascii_case("utc") { "UTC".to_owned() } else { name };
    schedule::zone(&name).map(|_| name)
}

/// A literal moment and its zone.
fn moment(value: &Value, default: &str) -> Option<(DateTime, String)> {
    let zone = zone_of_moment(value, default)?;
    let call = value.call().filter(|call| matches!(call.name(), "datetime" | "DateTime"))?;
    let names = ["year", "month", "day", "hour", "minute", "second"];
    let mut parts = [0i16; 6];
    for (at, name) in names.iter().enumerate() {
        parts[at] = match call.get_or(name, at) {
            Some(Value::Number(number)) => *number as i16,
            None if at > 2 => 0,
            _ => return None,
        };
    }
    let small = |at: usize| i8::try_from(parts[at]).ok();
    let at = DateTime::new(parts[0], small(1)?, small(2)?, small(3)?, small(4)?, small(5)?, 0).ok()?;
    // A zone that no one knows would make it another moment.
    schedule::zone(&zone).map(|_: TimeZone| (at, zone))
}
