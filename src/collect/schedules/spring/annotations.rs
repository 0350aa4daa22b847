//! `@Scheduled` of Spring (its API, annotation Scheduled) and of Quarkus ("Scheduler Reference Guide"), told apart by
//! what the file imports. Several of one method add up. What holds a run back is named as it is written: ShedLock's
//! `@SchedulerLock`, conditions of the class.

use super::settings::Properties;
use crate::collect::schedules::code::{Annotation, Code, JobOf, MAX_JOBS};
use crate::collect::schedules::job::Zone;
use crate::evidence::{Evidence, Gap, GapCode, Text};
use crate::schedule;

/// Annotations that hold a run back, of the method or of its class.
const GUARDS: [&str; 6] = [
    "SchedulerLock",
    "Profile",
    "ConditionalOnProperty",
    "ConditionalOnExpression",
    "DisallowConcurrentExecution",
    "IfBuildProfile",
];

/// Whose annotation it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Framework {
    Spring,
    Quarkus,
    Micronaut,
}

impl Framework {
    fn of(text: &str) -> Option<Framework> {
        let known = [
            ("org.springframework.scheduling", Framework::Spring),
            ("io.quarkus.scheduler", Framework::Quarkus),
            ("io.micronaut.scheduling", Framework::Micronaut),
        ];
        known.iter().find(|(package, _)| text.contains(package)).map(|(_, framework)| *framework)
    }
}

/// The jobs of all scheduled methods.
pub(super) fn read(code: &Code, text: &str, properties: &Properties<'_>, out: &mut Evidence) -> Vec<JobOf> {
    let Some(framework) = Framework::of(text) else { return Vec::new() };
    // `@Schedules({@Scheduled(…), …})` belongs to the method behind the outer one.
    let all = || (0..code.tokens.len()).filter_map(|at| code.annotation(at));
    let outer: Vec<Annotation<'_>> = all().filter(|it| it.name == "Schedules").collect();
    let mut jobs: Vec<JobOf> = Vec::new();
    let mut last = None;
    for annotation in all().filter(|it| it.name == "Scheduled").take(MAX_JOBS + 1) {
        let container = outer.iter().find(|it| it.at < annotation.at && annotation.at < it.end);
        let stands = container.copied().unwrap_or(annotation);
        let Some(method) = code.function_after(stands.end) else {
            let what = "a @Scheduled that stands on no method; what it schedules is not followed";
            out.add_gap(Gap::new(properties.place(code.line(annotation.at)), GapCode::Unresolved, what));
            continue;
        };
        let reading = Reading { code, properties, framework, annotation };
        let Some(read) = reading.job(stands, code.word(method).unwrap_or("")) else { continue };
        // Further schedules of the same method are the same job's, where all is counted in one zone.
        let same = last.replace(method) == Some(method);
        match jobs.last_mut().filter(|job| same && same_zone(&job.zone, &read.zone)) {
            Some(job) => job.schedules.extend(read.schedules),
            None => jobs.push(read),
        }
    }
    jobs
}

fn same_zone(one: &Option<Zone>, other: &Option<Zone>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(Zone::Stated(one)), Some(Zone::Stated(other))) => one == other,
        _ => false,
    }
}

struct Reading<'c> {
    code: &'c Code,
    properties: &'c Properties<'c>,
    framework: Framework,
    annotation: Annotation<'c>,
}

impl Reading<'_> {
    /// A text of an argument with the settings of the tree filled in; the error is the expression.
    fn text(&self, name: &str) -> Option<Result<String, String>> {
        let arguments = self.code.arguments(self.annotation.open?);
        let argument = arguments.into_iter().find(|it| it.name == Some(name))?;
        let line = self.code.line(self.annotation.at);
        let folded = self.code.fold(argument.span).map(|text| match self.framework {
            Framework::Quarkus => braces(&text),
            _ => text,
        });
        Some(match folded {
            Some(text) => Ok(self.properties.fill(&text, line)),
            None => Err(format!("computed: {}", self.code.written(argument.span))),
        })
    }

    fn first(&self, names: &[&str]) -> Option<Result<String, String>> {
        names.iter().find_map(|name| self.text(name).filter(|text| *text != Ok(String::new())))
    }

    /// The job, unless the annotation is switched off.
    fn job(&self, stands: Annotation<'_>, method: &str) -> Option<JobOf> {
        let (code, at) = (self.code, self.annotation.at);
        let (dialect, schedule) = match self.framework {
            Framework::Spring => ("spring", self.spring()?),
            Framework::Quarkus => self.quarkus()?,
            Framework::Micronaut => ("spring", Err("one of Micronaut, which is not read here".to_owned())),
        };
        let name = match code.class_at(at) {
            Some(class) => format!("{class}.{method}"),
            None => method.to_owned(),
        };
        let mut guards = guards(code, &code.beside(stands.at));
        guards.extend(self::guards(code, &code.annotations_of_class(at)));
        let what = name.clone();
        let line = code.line(at);
        let lines = code.function_after(stands.end).and_then(|name| code.lines_of_body(name));
        Some(JobOf {
            name,
            what,
            lines,
            class: None,
            schedules: vec![schedule],
            dialect,
            zone: self.zone(),
            guards,
            line,
        })
    }

    /// The cron expression, else the attributes by their own names.
    fn spring(&self) -> Option<Result<String, String>> {
        match self.first(&["cron"]) {
            Some(Ok(text)) if text.trim() == "-" => return None,
            Some(told) => return Some(told),
            None => {}
        }
        let mut parts = Vec::new();
        for (name, spelled) in [
            ("fixedRate", ["fixedRate", "fixedRateString"]),
            ("fixedDelay", ["fixedDelay", "fixedDelayString"]),
            ("initialDelay", ["initialDelay", "initialDelayString"]),
        ] {
            match self.first(&spelled) {
                Some(Ok(value)) if value.starts_with('-') => {}
                // When the first run is, changes nothing about those that follow.
                Some(Ok(value))
                    if name == "initialDelay" && schedule::has_placeholder(&value) && !parts.is_empty() => {}
                Some(Err(_)) if name == "initialDelay" && !parts.is_empty() => {}
                Some(Ok(value)) => parts.push(format!("{name}={}{}", value.trim(), self.unit(value.trim())?)),
                Some(Err(why)) => return Some(Err(why)),
                None => {}
            }
        }
        Some(if parts.is_empty() { Err("not there".to_owned()) } else { Ok(parts.join(" ")) })
    }

    /// The unit of a plain number, where it is not the millisecond.
    fn unit(&self, value: &str) -> Option<&'static str> {
        if !value.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some("");
        }
        let arguments = self.code.arguments(self.annotation.open?);
        let Some(unit) = arguments.into_iter().find(|it| it.name == Some("timeUnit")) else {
            return Some("");
        };
        let name = self.code.word(unit.span.1 - 1).unwrap_or("");
        let known = [
            ("NANOSECONDS", "ns"),
            ("MICROSECONDS", "us"),
            ("MILLISECONDS", ""),
            ("SECONDS", "s"),
            ("MINUTES", "m"),
            ("HOURS", "h"),
            ("DAYS", "d"),
        ];
        known.iter().find(|(known, _)| *known == name).map(|(_, unit)| *unit)
    }

    /// `cron`, in Quartz' dialect unless a setting says otherwise, or `every`.
    fn quarkus(&self) -> Option<(&'static str, Result<String, String>)> {
        let off = |text: &str| matches!(text.trim(), "off" | "disabled");
        match self.first(&["cron"]) {
            Some(Ok(text)) if off(&text) => return None,
            Some(told) => return Some(("quartz", told)),
            None => {}
        }
        Some(match self.first(&["every"]) {
            Some(Ok(text)) if off(&text) => return None,
            // A number with a unit is one of ISO 8601 without its beginning.
            Some(Ok(text)) => {
                let text = text.trim();
                let bare = text.starts_with(|c: char| c.is_ascii_digit());
                let iso = if bare { format!("PT{text}") } else { text.to_owned() };
                ("spring", Ok(format!("fixedRate={iso}")))
            }
            Some(told) => ("spring", told),
            None => ("spring", Err("not there".to_owned())),
        })
    }

    fn zone(&self) -> Option<Zone> {
        let name = self.first(&["zone", "timeZone"])?;
        Some(zone(name))
    }
}

/// A zone as it is written.
pub(super) fn zone(name: Result<String, String>) -> Zone {
    match name {
        Ok(name) if schedule::has_placeholder(&name) => {
            Zone::Unknown(format!("{name}: the zone of this schedule is filled in elsewhere"))
        }
        Ok(name) if schedule::zone(&name).is_some() => Zone::Stated(Text::from(name.trim())),
        Ok(name) => Zone::Unknown(format!("{name}: no zone of that name")),
        Err(why) => Zone::Unknown(format!("the zone of this schedule is {why}")),
    }
}

/// `{prop}` of Quarkus as `${prop}`.
fn braces(text: &str) -> String {
    match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) if !name.contains(['{', '}']) => format!("${{{name}}}"),
        _ => text.to_owned(),
    }
}

/// Those of some annotations that hold a run back, as written.
pub(in crate::collect::schedules) fn guards(code: &Code, annotations: &[Annotation<'_>]) -> Vec<Text> {
    let held = annotations.iter().filter(|it| GUARDS.contains(&it.name));
    held.map(|it| match it.open.map(|open| code.arguments(open)) {
        None => Text::from(format!("@{}", it.name)),
        Some(arguments) => {
            // Of a lock the name is enough; conditions are told whole.
            let named = arguments.iter().find(|argument| argument.name == Some("name"));
            let lock = named.filter(|_| it.name == "SchedulerLock").and_then(|named| code.fold(named.span));
            let inside = || code.written((it.open.unwrap_or(it.at) + 1, it.end.saturating_sub(1)));
            Text::from(format!("@{}({})", it.name, lock.unwrap_or_else(inside)))
        }
    })
    .collect()
}
