//! Hangfire: `RecurringJob.AddOrUpdate("id", () => service.Run(), Cron.Daily(2))` in C#, and the same of a
//! `IRecurringJobManager`, with a zone or options behind. The helpers of `Cron` are those of Hangfire.Core's Cron.cs.
//! Without a zone it counts in UTC. What a job does is its method. It runs no code: what settings decide stays a
//! placeholder.

use super::calls::{self, Argument, Conditions, Constants};
use super::job::{Job, Work, Zone};
use super::node::Node;
use super::tokens::{self, Kind, Language};
use super::values::Values;
use super::{SchedulePlace, World};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance, Text};
use crate::input::{InputFile, scope_of};
use crate::schedule;
use std::collections::{BTreeMap, BTreeSet};

const DIALECT: &str = "hangfire";
/// How much of a method call is shown.
const MAX_SHOWN: usize = 200;
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Recurring jobs.
pub struct Hangfire;

impl SchedulePlace for Hangfire {
    fn about(&self) -> &'static About {
        &About {
            name: "hangfire",
            title: "Hangfire: recurring jobs in C#",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let has = |word: &str| memchr::memmem::find(&file.head, word.as_bytes()).is_some();
        file.name().ends_with(".cs") && has("AddOrUpdate") && (has("Hangfire") || has("RecurringJob"))
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let read = tokens::read(text, Language::CSharp);
        if let Some((line, why)) = read.broken {
            out.add_gap(Gap::new(Place::line(&file.path, line), GapCode::Unparsed, why));
        }
        let values = Values::new(text, &read.tokens, Language::CSharp);
        let constants = Constants::of(&values, "@");
        let conditions = Conditions::of(&values);
        let (managers, zones) = (managers(&values), zones(&values));
        let mut reader =
            Reader { file, world, out, values, constants, conditions, managers, zones, count: 0 };
        for at in 0..read.tokens.len() {
            reader.call(at);
        }
        reader.count
    }
}

struct Reader<'a> {
    file: &'a InputFile,
    world: &'a World<'a>,
    out: &'a mut Evidence,
    values: Values<'a>,
    constants: Constants,
    conditions: Conditions,
    /// The variables that hold a manager of recurring jobs.
    managers: BTreeSet<String>,
    /// The variables that hold a time zone, and where its class stands.
    zones: BTreeMap<String, usize>,
    count: u64,
}

/// How many words may make what a variable holds.
const MAX_MAKING: usize = 12;

/// `IRecurringJobManager jobs`, `var jobs = provider.GetRequiredService<IRecurringJobManager>()`.
fn managers(values: &Values<'_>) -> BTreeSet<String> {
    let is_manager =
        |token: &tokens::Token| token.kind == Kind::Word && token.text.contains("RecurringJobManager");
    let mut found = BTreeSet::new();
    for (at, token) in values.tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Word) {
        let declared = at.checked_sub(1).is_some_and(|before| is_manager(&values.tokens[before]));
        let made = values.tokens.iter().skip(at + 2).take(MAX_MAKING).take_while(|token| !token.is(";"));
        if declared || (values.is(at + 1, "=") && made.into_iter().any(is_manager)) {
            found.insert(token.text.clone());
        }
    }
    found
}

/// `var zone = TimeZoneInfo.…`, each by its first place.
fn zones(values: &Values<'_>) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for (at, token) in values.tokens.iter().enumerate() {
        let zone = values.get(at + 2).is_some_and(|token| token.is_word("TimeZoneInfo"));
        if token.kind == Kind::Word && values.is(at + 1, "=") && zone {
            found.entry(token.text.clone()).or_insert(at + 2);
        }
    }
    found
}

/// The arguments of a call by what they are.
#[derive(Default)]
struct Parts<'p> {
    id: Option<&'p Argument>,
    method: Option<&'p Argument>,
    cron: Option<&'p Argument>,
    rest: Vec<&'p Argument>,
}

impl Reader<'_> {
    fn word(&self, at: usize) -> &str {
        self.values.get(at).filter(|token| token.kind == Kind::Word).map_or("", |token| &token.text)
    }

    /// Whether the method that is called there is one of Hangfire's: dictionaries have an `AddOrUpdate`, too.
    fn is_hangfire(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(2).filter(|before| self.values.is(before + 1, ".")) else {
            return false;
        };
        let receiver = self.word(before);
        let bracket = self.values.is(before, ")") || self.values.is(before, ">");
        if receiver == "RecurringJob" || receiver.to_ascii_lowercase().contains("recurring") {
            return true;
        }
        if bracket {
            // `provider.GetRequiredService<IRecurringJobManager>().AddOrUpdate(…)`, `new RecurringJobManager()`
            let start = before.saturating_sub(8);
            return self.values.tokens[start..before]
                .iter()
                .any(|token| token.text.contains("RecurringJobManager"));
        }
        self.managers.contains(receiver)
    }

    fn call(&mut self, at: usize) {
        if self.word(at) != "AddOrUpdate" || !self.is_hangfire(at) {
            return;
        }
        let mut open = at + 1;
        let mut generic = None;
        if self.values.is(open, "<") {
            let Some(close) = (open..open + 40).find(|at| self.values.is(at + 1, "(")) else { return };
            let written = calls::written(&self.values, open + 1, close);
            generic = Some(if self.values.is(close, ">>") { format!("{written}>") } else { written });
            open = close + 1;
        }
        if !self.values.is(open, "(") {
            return;
        }
        let line = self.values.tokens[at].line;
        let arguments = calls::arguments(&self.values, open);
        let parts = self.parts(&arguments);
        let (Some(method), Some(cron)) = (parts.method, parts.cron) else { return };
        let what = self.method(method, generic.as_deref());
        let id = parts.id.map(|id| calls::value(&self.values, id, &self.constants));
        // `nameof(Class.Method)` is its last name.
        let name_of = |id: &str| {
            let inner = id.strip_prefix("${nameof(")?.strip_suffix(")}")?;
            inner.rsplit('.').next().map(str::to_owned)
        };
        let id = id.as_ref().and_then(Node::text).map(|id| name_of(id).unwrap_or_else(|| id.to_owned()));
        let id = id.filter(|id| !schedule::has_placeholder(id));
        let text = self.schedule(cron);
        if let Err(rejected) = schedule::parse(DIALECT, &text) {
            let why = format!("{text}: Hangfire rejects it: {}", rejected.reason);
            return self.gap(line, GapCode::BadSchedule, &why);
        }
        if schedule::has_placeholder(&text) {
            self.gap(line, GapCode::Unresolved, &format!("the schedule of {what} is computed: {text}"));
        }
        let zone = self.zone(&parts.rest, &what);
        let project = self.file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let project = project.split('/').rfind(|part| !["Jobs", "Extensions", "Services"].contains(part));
        let project = project.filter(|project| !project.is_empty()).map(|project| format!("{project}/"));
        let name = format!("{}{}", project.unwrap_or_default(), id.as_deref().unwrap_or(&what));
        let environment = BTreeMap::new();
        let from = Job::of_shell(self.file, self.world, &text, DIALECT, "", &environment);
        Job {
            name: Some(&name),
            zone,
            work: Work::Code { shown: &what, part: None },
            guards: self.conditions.at(at).map(|condition| Text::from(scrub(condition))).collect(),
            line,
            scope: scope_of(&self.file.path, ""),
            ..from
        }
        .state(self.out);
        self.count += 1;
    }

    /// Which argument is what: by name, else the method is the first with `=>` or a `Job`, the schedule follows it, and
    /// what stands before it begins with the identifier.
    fn parts<'p>(&self, arguments: &'p [Argument]) -> Parts<'p> {
        let is_method = |argument: &Argument| {
            let words = &self.values.tokens[argument.start..argument.end];
            let mut depth = 0usize;
            let lambda = words.iter().any(|token| {
                match token.text.as_str() {
                    "(" | "[" | "{" if token.kind == Kind::Sign => depth += 1,
                    ")" | "]" | "}" if token.kind == Kind::Sign => depth = depth.saturating_sub(1),
                    _ => {}
                }
                depth == 0 && token.is("=>")
            });
            lambda || words.first().is_some_and(|token| token.is_word("Job"))
        };
        let named = |names: &[&str]| {
            arguments.iter().find(|it| it.name.as_deref().is_some_and(|name| names.contains(&name)))
        };
        let at = arguments.iter().position(is_method);
        let Some(at) = at else { return Parts::default() };
        Parts {
            id: named(&["recurringJobId"]).or_else(|| arguments[..at].first()),
            method: Some(&arguments[at]),
            cron: named(&["cronExpression"]).or_else(|| arguments.get(at + 1).filter(|it| it.name.is_none())),
            rest: arguments.iter().skip(at + 1).collect(),
        }
    }

    /// `service.Run()` of `() => service.Run()`, with the type in front that the call names.
    fn method(&self, method: &Argument, generic: Option<&str>) -> String {
        let lambda = (method.start..method.end).find(|at| self.values.is(*at, "=>"));
        let start = lambda.map_or(method.start, |at| at + 1);
        let parameter =
            lambda.filter(|at| *at == method.start + 1).map(|_| self.word(method.start).to_owned());
        let mut written = calls::written(&self.values, start, method.end);
        if let (Some(generic), Some(parameter)) = (generic, parameter)
            && let Some(rest) = written.strip_prefix(&format!("{parameter}."))
        {
            written = format!("{generic}.{rest}");
        }
        let shown = written.strip_prefix("await ").unwrap_or(&written);
        shown.chars().take(MAX_SHOWN).collect()
    }

    /// The schedule that an argument gives: a text, or what a helper of `Cron` makes of numbers.
    fn schedule(&self, argument: &Argument) -> String {
        let helper =
            (argument.start..argument.end).find(|at| self.word(*at) == "Cron" && self.values.is(at + 1, "."));
        let alone = |at: usize| {
            (argument.start..at).all(|before| self.values.is(before, ".") || before % 2 == argument.start % 2)
        };
        if let Some(at) = helper.filter(|at| alone(*at)) {
            let given =
                if self.values.is(at + 3, "(") { calls::arguments(&self.values, at + 3) } else { Vec::new() };
            let given: Option<Vec<(Option<&str>, i64)>> = given
                .iter()
                .map(|argument| {
                    let value = calls::value(&self.values, argument, &self.constants);
                    Some((argument.name.as_deref(), number(value.text()?)?))
                })
                .collect();
            if let Some(text) = given.and_then(|given| helped(self.word(at + 2), &given)) {
                return text;
            }
        } else {
            let value = calls::value(&self.values, argument, &self.constants);
            if let Some(text) = value.text().filter(|text| !text.is_empty()) {
                return text.to_owned();
            }
        }
        let written = calls::written(&self.values, argument.start, argument.end);
        format!("${{{}}}", written.replace(['{', '}'], " "))
    }

    /// The zone that the arguments behind the schedule name.
    fn zone(&self, rest: &[&Argument], what: &str) -> Zone {
        let unknown = |why: String| Zone::Unknown(format!("{what}: {why}"));
        let words = rest.iter().flat_map(|argument| argument.start..argument.end);
        for at in words {
            let word = self.word(at);
            // The name of an option is no variable.
            if self.values.is(at + 1, "=") {
                continue;
            }
            if word == "TimeZoneInfo" && self.values.is(at + 1, ".") {
                return self.zone_of_class(at).unwrap_or_else(unknown);
            }
            // A variable that is one, declared in the same file.
            if let Some(class) = self.zones.get(word) {
                return self.zone_of_class(*class).unwrap_or_else(unknown);
            }
            if word == "TimeZone" || word.to_ascii_lowercase().ends_with("timezone") {
                return unknown("its time zone is computed".to_owned());
            }
        }
        if rest.iter().any(|argument| argument.name.as_deref() == Some("timeZone")) {
            return unknown("its time zone is computed".to_owned());
        }
        Zone::Stated(Text::from("UTC"))
    }

    /// `TimeZoneInfo.Utc` and the like, of which the class stands there.
    fn zone_of_class(&self, at: usize) -> Result<Zone, String> {
        match self.word(at + 2) {
            "Utc" => Ok(Zone::Stated(Text::from("UTC"))),
            "Local" => Ok(Zone::OfHost),
            "FindSystemTimeZoneById" => self.zone_by_id(at + 3),
            _ => Err("its time zone is computed".to_owned()),
        }
    }

    fn zone_by_id(&self, open: usize) -> Result<Zone, String> {
        let argument = calls::arguments(&self.values, open).into_iter().next();
        let value = argument.map(|argument| calls::value(&self.values, &argument, &self.constants));
        let name = value.as_ref().and_then(Node::text).unwrap_or("");
        if schedule::has_placeholder(name) || name.is_empty() {
            return Err("its time zone is computed".to_owned());
        }
        match schedule::zone(name) {
            Some(_) => Ok(Zone::Stated(Text::from(name))),
            None => match schedule::zone_of_windows(name) {
                Some(zone) => Ok(Zone::Stated(Text::from(zone))),
                None => Err(format!("the time zone {name} is neither IANA's nor Windows'")),
            },
        }
    }

    fn gap(&mut self, line: u64, code: GapCode, why: &str) {
        self.out.add_gap(Gap::new(Place::line(&self.file.path, line), code, scrub(why).into_owned()));
    }
}

/// A number, or a day of the week (`DayOfWeek.Friday`).
fn number(text: &str) -> Option<i64> {
    let bare = text.strip_prefix("${").and_then(|text| text.strip_suffix('}')).unwrap_or(text).trim();
    let day = bare.rsplit_once("DayOfWeek.").map(|(_, day)| day);
    match day {
        Some(day) => WEEKDAYS.iter().position(|known| *known == day).map(|at| at as i64),
        None => bare.parse().ok(),
    }
}

/// What a helper of `Cron` makes of what it is given.
fn helped(helper: &str, given: &[(Option<&str>, i64)]) -> Option<String> {
    let parameters: &[&str] = match helper {
        "Minutely" | "Never" => &[],
        "Hourly" => &["minute"],
        "Daily" => &["hour", "minute"],
        "Weekly" => &["dayOfWeek", "hour", "minute"],
        "Monthly" => &["day", "hour", "minute"],
        "Yearly" => &["month", "day", "hour", "minute"],
        "MinuteInterval" | "HourInterval" | "DayInterval" | "MonthInterval" => &["interval"],
        _ => return None,
    };
    let value = |name: &str, default: i64| {
        let named = given.iter().find(|(own, _)| *own == Some(name));
        let by_place = parameters.iter().position(|own| *own == name).and_then(|at| given.get(at));
        named.or(by_place.filter(|(own, _)| own.is_none())).map_or(default, |(_, value)| *value)
    };
    let (minute, hour, day) = (value("minute", 0), value("hour", 0), value("day", 1));
    let interval = value("interval", 1);
    Some(match helper {
        "Minutely" => "* * * * *".to_owned(),
        "Never" => "0 0 31 2 *".to_owned(),
        "Hourly" => format!("{minute} * * * *"),
        "Daily" => format!("{minute} {hour} * * *"),
        "Weekly" => format!("{minute} {hour} * * {}", value("dayOfWeek", 1)),
        "Monthly" => format!("{minute} {hour} {day} * *"),
        "Yearly" => format!("{minute} {hour} {day} {} *", value("month", 1)),
        "MinuteInterval" => format!("*/{interval} * * * *"),
        "HourInterval" => format!("0 */{interval} * * *"),
        "DayInterval" => format!("0 0 */{interval} * *"),
        _ => format!("0 0 1 */{interval} *"),
    })
}
