//! Calls that schedule a job: `schedule` of node-cron, `CronJob` of cron, `scheduleJob` of node-schedule, `repeat` of
//! Bull and BullMQ, `every` of Agenda. Their options are read from an object that stands in the call.

use super::{Source, nest, rules};
use crate::collect::schedules::code::{Argument, Code, JobOf, MAX_JOBS};
use crate::collect::schedules::job::Zone;
use crate::collect::schedules::tokens::Kind;
use crate::evidence::Text;
use crate::schedule;

type Span = (usize, usize);

/// Packages of queues that repeat jobs.
const QUEUES: [&str; 4] = ["bull", "bullmq", "@nestjs/bull", "@nestjs/bullmq"];
/// How many words back the call around an object is looked for.
const MAX_BACK: usize = 400;

/// What options say.
#[derive(Default)]
pub(super) struct Options {
    /// What the scheduler is to call the job.
    pub name: Option<String>,
    /// The zone of its times.
    pub zone: Option<Zone>,
    /// What holds it back.
    pub guards: Vec<Text>,
    /// Whether it is switched off.
    pub off: bool,
    /// Whether it begins without being told to, where that is said.
    pub begins: Option<bool>,
}

impl Options {
    /// Of an object; another value says nothing.
    pub fn of(code: &Code, span: Span) -> Options {
        let mut options = Options::default();
        for entry in code.object(span).unwrap_or_default() {
            match entry.name.unwrap_or("") {
                "timezone" | "timeZone" | "tz" => options.zone = Some(zone_of_text(code, entry.span)),
                "utcOffset" if !code.is_word(entry.span.0, "undefined") => {
                    let why = format!("a fixed offset from UTC: {}", code.written(entry.span));
                    options.zone = Some(Zone::Unknown(why));
                }
                "name" => options.name = code.fold(entry.span),
                "disabled" => options.off = code.is_word(entry.span.0, "true"),
                "scheduled" | "start" => options.begins = Some(begins(code, entry.span)),
                name => {
                    options.guards.extend(nest::guard(name).filter(|_| code.is_word(entry.span.0, "true")))
                }
            }
        }
        options
    }
}

/// Whether a value may be true.
fn begins(code: &Code, span: Span) -> bool {
    !["false", "null", "undefined", "0"].iter().any(|word| code.is_word(span.0, word)) || span.1 > span.0 + 1
}

/// Whether nothing starts a job that does not begin by itself: nothing of the file does, and the job is given to nobody
/// else. `open` is the bracket of the call that makes it.
fn never_started(code: &Code, open: usize) -> bool {
    let all = 0..code.tokens.len();
    if all
        .clone()
        .any(|at| code.is_word(at, "start") && at > 0 && code.is(at - 1, ".") && code.is(at + 1, "("))
    {
        return false;
    }
    let mut first = open;
    while first > 0 && (code.word(first - 1).is_some() || code.is(first - 1, ".")) {
        if code.line(first - 1) < code.line(first) && !code.is(first, ".") && !code.is(first - 1, ".") {
            break;
        }
        first -= 1;
        if code.is_word(first, "new") {
            break;
        }
    }
    // A statement of its own, or the value of a name that nobody but its own methods speaks of.
    let Some(before) = first.checked_sub(1) else { return true };
    if [";", "{", "}"].iter().any(|sign| code.is(before, sign)) || code.line(before) < code.line(first) {
        return !code.is(before, "(")
            && !code.is(before, "[")
            && !code.is(before, ",")
            && !code.is(before, "=");
    }
    let name =
        before.checked_sub(1).filter(|_| code.is(before, "=")).and_then(|at| Some((at, code.word(at)?)));
    let Some((at, name)) = name else { return false };
    let declared = at > 0 && ["const", "let", "var"].iter().any(|word| code.is_word(at - 1, word));
    let exported = at > 1 && code.is_word(at - 2, "export");
    let given = all.clone().any(|other| other != at && code.is_word(other, name) && !code.is(other + 1, "."));
    declared && !exported && !given
}

/// The text of an expression, NestJS' names of some included, or that it is computed.
pub(super) fn text_or_computed(code: &Code, span: Span) -> Result<String, String> {
    let named = || {
        let (from, to) = span;
        let of = code
            .word(from)
            .filter(|name| *name == "CronExpression" && from + 3 == to && code.is(from + 1, "."));
        of.and_then(|_| nest::named(code.word(from + 2)?))
    };
    code.fold(span).or_else(named).ok_or_else(|| format!("computed: {}", code.written(span)))
}

/// The zone that an expression names.
pub(super) fn zone_of_text(code: &Code, span: Span) -> Zone {
    match code.fold(span) {
        Some(name) if schedule::has_placeholder(&name) => {
            Zone::Unknown(format!("{name}: the zone of this schedule is filled in elsewhere"))
        }
        Some(name) if schedule::zone(&name).is_some() => Zone::Stated(Text::from(name)),
        Some(name) => Zone::Unknown(format!("{name}: no zone of that name")),
        None => Zone::Unknown(format!("the zone of this schedule is computed: {}", code.written(span))),
    }
}

/// A job as a call tells it, before it has a name.
struct Called {
    name: Option<String>,
    schedule: Result<String, String>,
    dialect: &'static str,
    zone: Option<Zone>,
    guards: Vec<Text>,
    /// The function that it calls, where one stands in the call.
    task: Option<Span>,
}

/// The jobs of all calls.
pub(super) fn read(source: &Source<'_>) -> Vec<JobOf> {
    let code = source.code;
    let mut jobs = Vec::new();
    for at in 0..code.tokens.len() {
        let called = if code.is(at, "(") { call(source, at) } else { repeated(source, at) };
        let Some(called) = called else { continue };
        // One more than are stated, so that the limit is told.
        if jobs.len() > MAX_JOBS {
            break;
        }
        // A function by its name is what the job does; one that stands there is told by what it stands in.
        let dotted = |(from, to): &Span| {
            (*from..*to)
                .all(|at| if (at - from) % 2 == 0 { code.word(at).is_some() } else { code.is(at, ".") })
        };
        let lines = called.task.and_then(|task| match task {
            (from, to) if from + 1 == to => code.lines_of_function(code.word(from)?),
            task => code.lines_of_closure(task),
        });
        let task = called.task.filter(dotted);
        let task = task.filter(|(from, _)| !matches!(code.word(*from), Some("null" | "async" | "function")));
        let place = source.place_name(at);
        let what = task.map_or_else(
            || place.clone(),
            |task| {
                let task = code.written(task).replace(' ', "");
                match (task.strip_prefix("this."), code.class_at(at)) {
                    (Some(method), Some(class)) => format!("{class}.{method}"),
                    _ => task,
                }
            },
        );
        jobs.push(JobOf {
            name: called.name.unwrap_or_else(|| what.clone()),
            what,
            lines,
            class: None,
            schedules: vec![called.schedule],
            dialect: called.dialect,
            zone: called.zone,
            guards: called.guards,
            line: code.line(at),
        });
    }
    jobs
}

fn call(source: &Source<'_>, open: usize) -> Option<Called> {
    let code = source.code;
    let arguments = code.arguments(open);
    match source.imports.called(code, open) {
        Some(("node-cron", "schedule" | "createTask")) => node_cron(code, open, &arguments),
        Some(("cron", "CronJob" | "from")) => npm_cron(code, open, &arguments),
        Some(("node-schedule", "scheduleJob")) => node_schedule(code, &arguments),
        Some(("bullmq", _)) | Some(("bull", _)) => None,
        _ => {
            let name = code.word(open.checked_sub(1)?)?;
            match name {
                "upsertJobScheduler" if source.imports.any_of(&QUEUES) => scheduler(code, &arguments),
                "every" if is_agenda(source, open) => agenda(code, &arguments),
                // `CronJob.from({…})`.
                "from" if open >= 3 && is_cron_job(source, open - 3) => npm_cron(code, open, &arguments),
                _ => None,
            }
        }
    }
}

fn is_cron_job(source: &Source<'_>, at: usize) -> bool {
    let package = source.code.word(at).and_then(|name| source.imports.package_of(name));
    package == Some(("cron", "CronJob"))
}

fn node_cron(code: &Code, open: usize, arguments: &[Argument<'_>]) -> Option<Called> {
    let [time, task, rest @ ..] = arguments else { return None };
    let options = rest.first().map_or_else(Options::default, |it| Options::of(code, it.span));
    let begins = options.begins.unwrap_or(!code.is_word(open - 1, "createTask"));
    if !begins && never_started(code, open) {
        return None;
    }
    Some(Called {
        name: options.name,
        schedule: text_or_computed(code, time.span),
        dialect: "node-cron",
        zone: options.zone,
        guards: options.guards,
        task: Some(task.span),
    })
}

/// `new CronJob(time, onTick, onComplete, start, zone)`, or all of it in one object.
fn npm_cron(code: &Code, open: usize, arguments: &[Argument<'_>]) -> Option<Called> {
    let from = code.is_word(open - 1, "from");
    let made = open >= 2 && (code.is_word(open - 2, "new") || (open >= 4 && code.is_word(open - 4, "new")));
    let first = arguments.first().filter(|_| from || made)?;
    let (time, task, options) = match code.object(first.span) {
        Some(entries) => {
            let get = |name: &str| entries.iter().find(|it| it.name == Some(name)).map(|it| it.span);
            // Without the key it is in what is spread into the object.
            (get("cronTime").unwrap_or(first.span), get("onTick"), Options::of(code, first.span))
        }
        None => {
            let zone = arguments.get(4).filter(|it| !is_nothing(code, it.span));
            let zone = zone.map(|it| zone_of_text(code, it.span));
            let begins = arguments.get(3).map(|it| begins(code, it.span));
            (first.span, arguments.get(1).map(|it| it.span), Options { zone, begins, ..Options::default() })
        }
    };
    // Without being told to, it does not begin (the package's reference, "start").
    let spread =
        code.object(first.span).is_some_and(|entries| entries.iter().any(|entry| entry.name.is_none()));
    if !options.begins.unwrap_or(spread) && never_started(code, open) {
        return None;
    }
    // A moment is no schedule.
    if code.is_word(time.0, "new") {
        return None;
    }
    Some(Called {
        name: options.name,
        schedule: text_or_computed(code, time),
        dialect: "npm-cron",
        zone: options.zone,
        guards: options.guards,
        task,
    })
}

fn is_nothing(code: &Code, span: Span) -> bool {
    code.is_word(span.0, "null") || code.is_word(span.0, "undefined")
}

/// `scheduleJob(name, when, task)`, the name left away or not.
fn node_schedule(code: &Code, arguments: &[Argument<'_>]) -> Option<Called> {
    let (name, when, task) = match arguments {
        [when, task] => (None, when, task),
        // Behind the task stands what is called when it is done.
        [when, task, _] if code.object(when.span).is_some() => (None, when, task),
        [name, when, task, ..] => (code.fold(name.span), when, task),
        _ => return None,
    };
    if code.is_word(when.span.0, "new")
        && !(when.span.0..when.span.1).any(|at| code.is_word(at, "RecurrenceRule"))
    {
        return None;
    }
    let rule = rules::of_object(code, when.span).or_else(|| rules::of_variable(code, when.span));
    let (schedule, zone) = match rule {
        Some(rule) => (rule.text, rule.zone),
        None => (text_or_computed(code, when.span), None),
    };
    Some(Called { name, schedule, dialect: "node-schedule", zone, guards: Vec::new(), task: Some(task.span) })
}

/// `queue.upsertJobScheduler(id, { pattern | every, tz }, …)`.
fn scheduler(code: &Code, arguments: &[Argument<'_>]) -> Option<Called> {
    let [id, repeat, ..] = arguments else { return None };
    let called = repeat_of(code, repeat.span)?;
    Some(Called { name: code.fold(id.span), ..called })
}

/// `repeat: { cron | pattern | every, tz }` in the options of a job.
fn repeated(source: &Source<'_>, at: usize) -> Option<Called> {
    let code = source.code;
    let key = code.tokens.get(at).filter(|it| matches!(it.kind, Kind::Word | Kind::Text))?;
    if key.text != "repeat" || !code.is(at + 1, ":") || !source.imports.any_of(&QUEUES) {
        return None;
    }
    let called = repeat_of(code, (at + 2, code.pair(at + 2) + 1))?;
    let around = around(code, at)?;
    let function = code.word(around.checked_sub(1)?).unwrap_or("");
    if function.starts_with("remove") {
        return None;
    }
    let named = code.arguments(around).first().copied().and_then(|first| code.fold(first.span));
    Some(Called { name: named.filter(|name| !name.is_empty() && function == "add"), ..called })
}

/// The bracket of the call that a place stands in, whatever objects stand between.
fn around(code: &Code, at: usize) -> Option<usize> {
    let mut at = at;
    for _ in 0..MAX_BACK {
        at = at.checked_sub(1)?;
        if code.is(at, "(") {
            return Some(at);
        }
        if [")", "]", "}"].iter().any(|sign| code.is(at, sign)) {
            at = code.pair(at);
        }
    }
    None
}

fn repeat_of(code: &Code, span: Span) -> Option<Called> {
    let entries = code.object(span)?;
    let get = |names: &[&str]| {
        entries.iter().find(|it| it.name.is_some_and(|name| names.contains(&name))).map(|it| it.span)
    };
    let schedule = match get(&["cron", "pattern"]) {
        Some(pattern) => text_or_computed(code, pattern),
        None => text_or_computed(code, get(&["every"])?).map(|length| format!("every={length}")),
    };
    let options = Options::of(code, span);
    Some(Called {
        name: None,
        schedule,
        dialect: "cron-parser",
        zone: options.zone,
        guards: Vec::new(),
        task: None,
    })
}

/// Whether `every` is called on an Agenda: one that was made in the file, or goes by that name.
fn is_agenda(source: &Source<'_>, open: usize) -> bool {
    let code = source.code;
    let receiver = open.checked_sub(3).filter(|_| code.is(open - 2, ".")).and_then(|at| code.word(at));
    let made = |name: &str| {
        let value = code.value_of(name);
        value.is_some_and(|(from, to)| {
            code.is_word(from, "new") && (from..to).any(|at| code.is_word(at, "Agenda"))
        })
    };
    source.imports.any_of(&["agenda", "@hokify/agenda"])
        && receiver.is_some_and(|name| made(name) || name.to_ascii_lowercase().ends_with("agenda"))
}

/// `every(interval, names, data, options)`.
fn agenda(code: &Code, arguments: &[Argument<'_>]) -> Option<Called> {
    let [interval, name, rest @ ..] = arguments else { return None };
    let options = rest.get(1).map_or_else(Options::default, |it| Options::of(code, it.span));
    let schedule = text_or_computed(code, interval.span).map(|text| match human(&text) {
        Some(millis) => format!("every={millis}"),
        None if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() => format!("every={text}"),
        None => text,
    });
    let names: Option<Vec<String>> =
        code.elements(name.span).into_iter().map(|span| code.fold(span)).collect();
    let name = names.map(|names| names.join(", ")).filter(|names| !names.is_empty());
    Some(Called {
        name,
        schedule,
        dialect: "cron-parser",
        zone: options.zone,
        guards: Vec::new(),
        task: None,
    })
}

/// `3 minutes`, `1 hour and 30 minutes`, `day` (human-interval): a month is 30 days. Numbers in words are not read.
fn human(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 7] = [
        ("second", 1),
        ("minute", 60),
        ("hour", 3_600),
        ("day", 86_400),
        ("week", 604_800),
        ("month", 2_592_000),
        ("year", 31_536_000),
    ];
    let (mut sum, mut number, mut any) = (0.0, 1.0, false);
    for word in text.split_whitespace().filter(|word| *word != "and") {
        let word = word.trim_end_matches(',');
        if let Ok(value) = word.parse::<f64>() {
            number = value;
            continue;
        }
        let unit = UNITS.iter().find(|(unit, _)| word.strip_suffix('s').unwrap_or(word) == *unit)?;
        sum += number * unit.1 as f64 * 1000.0;
        (number, any) = (1.0, true);
    }
    (any && (1.0..1e15).contains(&sum)).then_some(sum as u64)
}
