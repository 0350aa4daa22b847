//! Tasks that code registers instead of annotating: `addCronTask`, `addFixedRateTask` and `addFixedDelayTask` of
//! ScheduledTaskRegistrar, and `new CronTrigger("…", zone)` of Spring (not Quartz' interface of that name). What a task
//! is, is shown as written.

use super::annotations::{guards, zone};
use super::settings::Properties;
use crate::collect::schedules::code::{Argument, Code, JobOf, Language, MAX_JOBS};
use crate::collect::schedules::job::Zone;

type Span = (usize, usize);

/// The calls of a registrar, and what a number or a duration given to one is called.
const CALLS: [(&str, &str); 3] =
    [("addCronTask", ""), ("addFixedRateTask", "fixedRate"), ("addFixedDelayTask", "fixedDelay")];

/// The tasks that a file registers.
pub(super) fn read(code: &Code, text: &str, properties: &Properties<'_>) -> Vec<JobOf> {
    if !text.contains("org.springframework.scheduling") {
        return Vec::new();
    }
    let mut jobs = Vec::new();
    for open in (0..code.tokens.len()).filter(|at| code.is(*at, "(")) {
        let Some(name) = open.checked_sub(1).and_then(|at| code.word(at)) else { continue };
        let arguments = code.arguments(open);
        let called = CALLS.iter().find(|(call, _)| *call == name);
        let given = match (called, &arguments[..]) {
            (Some(_), [one]) => wrapped(code, *one).unwrap_or(arguments),
            _ => arguments,
        };
        let told = match (called, &given[..]) {
            (Some((_, "")), [task, cron, ..]) => {
                Some((expression(code, properties, *cron), None, Some(task.span)))
            }
            (Some((_, kind)), [task, length, ..]) => {
                let told = millis(code, length.span).ok_or_else(|| computed(code, length.span));
                Some((told.map(|length| format!("{kind}={length}")), None, Some(task.span)))
            }
            (None, [cron]) if is_trigger(code, text, open) => {
                Some((expression(code, properties, *cron), None, None))
            }
            (None, [cron, at]) if is_trigger(code, text, open) => {
                Some((expression(code, properties, *cron), zone_of(code, at.span), None))
            }
            _ => None,
        };
        let Some((schedule, zone, task)) = told else { continue };
        // One more than are stated, so that the limit is told.
        if jobs.len() > MAX_JOBS {
            break;
        }
        jobs.push(job(code, open, schedule, zone, task));
    }
    jobs
}

/// `addCronTask(new CronTask(task, "…"))`: the arguments of the inner one.
fn wrapped<'c>(code: &'c Code, one: Argument<'c>) -> Option<Vec<Argument<'c>>> {
    let (from, to) = one.span;
    let from = if code.is_word(from, "new") { from + 1 } else { from };
    let known = ["CronTask", "FixedRateTask", "FixedDelayTask", "IntervalTask"];
    let name = code.word(from).filter(|name| known.contains(name));
    (name.is_some() && code.is(from + 1, "(") && code.pair(from + 1) + 1 == to)
        .then(|| code.arguments(from + 1))
}

/// `new CronTrigger(…)`; Kotlin leaves the word away.
fn is_trigger(code: &Code, text: &str, open: usize) -> bool {
    let made = open >= 2 && (code.is_word(open - 2, "new") || code.language == Language::Kotlin);
    made && code.is_word(open - 1, "CronTrigger")
        && text.contains("springframework.scheduling")
        && !text.contains("org.quartz.CronTrigger")
}

fn expression(code: &Code, properties: &Properties<'_>, argument: Argument<'_>) -> Result<String, String> {
    match code.fold(argument.span) {
        Some(text) => Ok(properties.fill(&text, code.line(argument.span.0))),
        None => Err(computed(code, argument.span)),
    }
}

fn job(
    code: &Code,
    open: usize,
    schedule: Result<String, String>,
    zone: Option<Zone>,
    task: Option<Span>,
) -> JobOf {
    let class = code.class_at(open).unwrap_or("task");
    let name = match code.function_at(open) {
        Some(function) => format!("{class}.{function}"),
        None => class.to_owned(),
    };
    let what = task.map_or(name.clone(), |task| format!("{name}: {}", code.written(task)));
    JobOf {
        name,
        what,
        lines: task.and_then(|task| code.lines_of_closure(task)),
        class: None,
        schedules: vec![schedule],
        dialect: "spring",
        zone,
        guards: guards(code, &code.annotations_of_class(open)),
        line: code.line(open),
    }
}

/// Why an expression is no schedule.
pub(in crate::collect::schedules) fn computed(code: &Code, span: Span) -> String {
    format!("computed: {}", code.written(span))
}

/// Milliseconds: a number, or `Duration.ofMinutes(5)`.
pub(in crate::collect::schedules) fn millis(code: &Code, (from, to): Span) -> Option<String> {
    if let Some(number) = code.fold((from, to)).filter(|it| it.bytes().all(|byte| byte.is_ascii_digit())) {
        return Some(number);
    }
    let units =
        [("ofMillis", "ms"), ("ofSeconds", "s"), ("ofMinutes", "m"), ("ofHours", "h"), ("ofDays", "d")];
    let unit = code.word(from + 2).and_then(|name| units.iter().find(|(known, _)| *known == name))?.1;
    let whole = code.is_word(from, "Duration") && code.is(from + 3, "(") && code.pair(from + 3) + 1 == to;
    let number = code.fold((from + 4, to.checked_sub(1)?)).filter(|_| whole)?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| format!("{number}{unit}"))
}

/// `TimeZone.getTimeZone("…")`, `ZoneId.of("…")`, or a text.
pub(in crate::collect::schedules) fn zone_of(code: &Code, (from, to): Span) -> Option<Zone> {
    let constant = code.word(from).filter(|_| from + 1 == to).and_then(|name| code.value_of(name));
    if let Some(value) = constant.filter(|value| value.0 + 1 < value.1) {
        return zone_of(code, value);
    }
    let getters = ["getTimeZone", "of"];
    let getter = (from..to)
        .find(|at| code.word(*at).is_some_and(|word| getters.contains(&word)) && code.is(at + 1, "("));
    let span = match getter {
        Some(at) => (at + 2, code.pair(at + 1)),
        None => (from, to),
    };
    if code.is_word(to.saturating_sub(1), "UTC") {
        return Some(zone(Ok("UTC".to_owned())));
    }
    // The zone of the process is what counts without one.
    if (from..to).any(|at| code.is_word(at, "getDefault") || code.is_word(at, "systemDefault")) {
        return None;
    }
    Some(zone(code.fold(span).ok_or_else(|| computed(code, (from, to)))))
}
