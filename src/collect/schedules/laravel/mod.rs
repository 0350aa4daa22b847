//! Laravel's scheduler: `$schedule->command('x')->daily()` in `app/Console/Kernel.php`, `bootstrap/app.php` and service
//! providers, `Schedule::command('x')` in `routes/console.php`. Its clock is the zone of `config/app.php`. An artisan
//! command is `php artisan x`, `exec` is read as shell; a job or a closure is the application's own code. It runs no
//! PHP: loops stand for one event, and what is computed stays a placeholder. Nothing of it runs without the one line
//! of a crontab that starts `php artisan schedule:run` each minute.

mod frequency;
mod zone;

use super::calls::{self, Argument, Conditions, Constants};
use super::job::{Job, Work, Zone};
use super::node::{Kind as NodeKind, Node};
use super::tokens::{self, Kind, Language};
use super::values::Values;
use super::{SchedulePlace, World};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance, Text};
use crate::input::{InputFile, scope_of};
use crate::schedule;
use frequency::{Frequency, Given, Told};
use std::collections::{BTreeMap, BTreeSet};

const DIALECT: &str = "laravel";
/// How many words may make what a variable holds.
const MAX_MAKING: usize = 12;
/// How many groups of events are read.
const MAX_GROUPS: usize = 1000;
/// What adds an event.
const ADDS: [&str; 4] = ["command", "call", "job", "exec"];
/// Methods that hold an event back or say how it runs, kept as guards.
const GUARDS: [&str; 11] = [
    "withoutOverlapping",
    "onOneServer",
    "between",
    "unlessBetween",
    "when",
    "skip",
    "environments",
    "evenInMaintenanceMode",
    "runInBackground",
    "unless",
    "if",
];

/// Events of the scheduler.
pub struct Laravel;

impl SchedulePlace for Laravel {
    fn about(&self) -> &'static About {
        &About {
            name: "laravel-schedule",
            title: "Laravel: events of the scheduler",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let has = |word: &str| memchr::memmem::find(&file.head, word.as_bytes()).is_some();
        let scheduler = has("Scheduling\\Schedule") || has("Facades\\Schedule") || has("use Schedule;");
        let adds = ["->command(", "->call(", "->job(", "->exec(", "Schedule::"].iter().any(|word| has(word));
        file.name().ends_with(".php") && scheduler && adds
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let read = tokens::read(text, Language::Php);
        if let Some((line, why)) = read.broken {
            out.add_gap(Gap::new(Place::line(&file.path, line), GapCode::Unparsed, why));
        }
        let values = Values::new(text, &read.tokens, Language::Php);
        let mut reader = Reader {
            file,
            world,
            out,
            constants: Constants::of(&values, "$"),
            conditions: Conditions::of(&values),
            zone: zone::of_application(file, world),
            named: schedules_named(&values),
            own_class: own_class(&values),
            groups: Vec::new(),
            count: 0,
            values,
        };
        for at in 0..read.tokens.len() {
            reader.statement(at);
        }
        reader.count
    }
}

/// The class that the file calls `Schedule`, where that is none of Laravel's.
fn own_class(values: &Values<'_>) -> Option<String> {
    let used =
        values.tokens.windows(2).filter(|pair| pair[0].is_word("use")).map(|pair| pair[1].text.as_str());
    let mut named = used.filter(|class| class.rsplit('\\').next() == Some("Schedule"));
    let of_laravel =
        |class: &&str| !class.contains('\\') || class.trim_start_matches('\\').starts_with("Illuminate\\");
    named.find(|class| !of_laravel(class)).map(str::to_owned)
}

/// The variables that hold the schedule: `Schedule $schedule`, `$schedule = app(Schedule::class)`.
fn schedules_named(values: &Values<'_>) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for (at, token) in values.tokens.iter().enumerate() {
        let class = |text: &str| {
            text.rsplit('\\').next().is_some_and(|own| own.trim_end_matches("::class") == "Schedule")
        };
        let next = values.get(at + 1).filter(|next| next.kind == Kind::Word && next.text.starts_with('$'));
        if let Some(next) = next.filter(|_| token.kind == Kind::Word && class(&token.text)) {
            named.insert(next.text.clone());
        }
        if token.text.starts_with('$') && values.is(at + 1, "=") {
            let end = values.tokens.len().min(at + 2 + MAX_MAKING);
            let made = values.tokens.get(at + 2..end).unwrap_or(&[]);
            let made = made.split(|token| token.is(";")).next().unwrap_or(&[]);
            if made.iter().any(|token| token.text.ends_with("Schedule::class")) {
                named.insert(token.text.clone());
            }
        }
    }
    named
}

/// One call of a chain.
struct Call {
    method: String,
    arguments: Vec<Argument>,
}

/// What an event says, gathered.
#[derive(Clone, Default)]
struct Said {
    frequency: Frequency,
    guards: Vec<String>,
    name: Option<String>,
    /// The method whose times are computed.
    computed: Option<String>,
    /// Whether its zone is.
    zone_is_computed: bool,
}

struct Reader<'a> {
    file: &'a InputFile,
    world: &'a World<'a>,
    out: &'a mut Evidence,
    constants: Constants,
    conditions: Conditions,
    zone: zone::Found,
    named: BTreeSet<String>,
    own_class: Option<String>,
    /// Groups: from, to, and what they say for all events in them.
    groups: Vec<(usize, usize, Said)>,
    count: u64,
    values: Values<'a>,
}

impl Reader<'_> {
    /// Reads the events of a statement that begins there.
    fn statement(&mut self, at: usize) {
        let Some(token) = self.values.get(at).filter(|token| token.kind == Kind::Word) else { return };
        let first = match token.text.rsplit_once("::") {
            // `Schedule::command(…)` of the facade.
            Some((class, method)) if class.rsplit('\\').next() == Some("Schedule") => {
                (self.values.is(at + 1, "(")).then(|| (method.to_owned(), at + 1))
            }
            _ if self.is_schedule(at) && self.values.is(at + 1, "->") => {
                let method = self.values.get(at + 2).filter(|_| self.values.is(at + 3, "("));
                method.map(|method| (method.text.clone(), at + 3))
            }
            _ => None,
        };
        let Some((method, open)) = first else { return };
        let calls = self.chain(method, open);
        if let Some((group, open)) = calls.iter().find(|call| call.method == "group").map(|call| (call, open))
        {
            let said = self.gather(&calls, at);
            let range =
                group.arguments.first().map_or((open, open), |argument| (argument.start, argument.end));
            if self.groups.len() < MAX_GROUPS {
                self.groups.push((range.0, range.1, said));
            }
        } else if calls.iter().any(|call| ADDS.contains(&call.method.as_str())) {
            self.event(&calls, at);
        }
    }

    /// Whether the variable or the property there holds the schedule.
    fn is_schedule(&self, at: usize) -> bool {
        let name = &self.values.tokens[at].text;
        let property = at > 1 && self.values.is(at - 1, "->") && self.values.tokens[at - 2].is_word("$this");
        self.named.contains(name) || (property && self.named.contains(&format!("${name}")))
    }

    /// The calls from the first on.
    fn chain(&self, method: String, open: usize) -> Vec<Call> {
        let (mut calls, mut method, mut open) = (Vec::new(), method, open);
        loop {
            calls.push(Call { method, arguments: calls::arguments(&self.values, open) });
            let mut at = self.values.closing(open) + 1;
            at += usize::from(self.values.is(at, "?"));
            if !self.values.is(at, "->") || !self.values.is(at + 2, "(") {
                return calls;
            }
            method = self.values.tokens[at + 1].text.clone();
            open = at + 2;
        }
    }

    fn given(&self, argument: &Argument) -> Given {
        let value = calls::value(&self.values, argument, &self.constants);
        let one = |node: &Node| node.text().map_or_else(|| "${a list}".to_owned(), of_environment);
        match &value.kind {
            NodeKind::List(items) => items.iter().map(one).collect(),
            _ => vec![one(&value)],
        }
    }

    fn gather(&self, calls: &[Call], at: usize) -> Said {
        let group = self.groups.iter().rev().find(|(from, to, _)| (*from..*to).contains(&at));
        let mut said = group.map(|(_, _, said)| said.clone()).unwrap_or_default();
        for call in calls {
            let arguments: Vec<Given> = call.arguments.iter().map(|argument| self.given(argument)).collect();
            let shown = || {
                let arguments = call.arguments.iter();
                let shown =
                    arguments.map(|argument| calls::written(&self.values, argument.start, argument.end));
                format!("{}({})", call.method, shown.collect::<Vec<_>>().join(", "))
            };
            let method = call.method.as_str();
            match said.frequency.apply(method, &arguments) {
                Told::Changed => {}
                Told::Computed if method == "timezone" => said.zone_is_computed = true,
                Told::Computed => said.computed = Some(shown()),
                Told::Other if matches!(method, "name" | "description") => {
                    said.name = arguments.first().map(|given| given.concat());
                }
                Told::Other if GUARDS.contains(&method) => said.guards.push(shown()),
                Told::Other => {}
            }
        }
        said
    }

    fn event(&mut self, calls: &[Call], at: usize) {
        let Some(adds) = calls.iter().find(|call| ADDS.contains(&call.method.as_str())) else { return };
        let mut said = self.gather(calls, at);
        let line = self.values.tokens[at].line;
        let (what, is_shell) = self.what(adds);
        if let Some(class) = &self.own_class {
            let why = format!("the schedule of {what} is computed: {class} is the application's own");
            let gap =
                Gap::new(Place::line(&self.file.path, line), GapCode::Unresolved, scrub(&why).into_owned());
            return self.out.add_gap(gap);
        }
        // An event that is kept in a variable is told its times elsewhere.
        let kept = at.checked_sub(1).is_some_and(|before| self.values.is(before, "="));
        if kept && said.frequency == Frequency::default() && said.computed.is_none() {
            said.computed = Some("kept in a variable".to_owned());
        }
        said.guards.extend(self.conditions.at(at).map(str::to_owned));
        let text = match &said.computed {
            Some(method) => format!("${{{}}}", method.replace(['{', '}'], " ")),
            None => said.frequency.text(self.zone.name.as_deref()),
        };
        if let Err(rejected) = schedule::parse(DIALECT, &text) {
            let why = format!("{text}: Laravel rejects it: {}", rejected.reason);
            let why = scrub(&why).into_owned();
            return self.out.add_gap(Gap::new(Place::line(&self.file.path, line), GapCode::BadSchedule, why));
        }
        if let Some(method) = &said.computed {
            let why = scrub(&format!("the schedule of {what} is computed: {method}")).into_owned();
            self.out.add_gap(Gap::new(Place::line(&self.file.path, line), GapCode::Unresolved, why));
        }
        let zone = match (&said.frequency.zone, &self.zone.name) {
            _ if said.zone_is_computed => Zone::Unknown(format!("{what}: its time zone is computed")),
            (Some(zone), _) | (None, Some(zone)) => Zone::Stated(Text::from(zone.as_str())),
            (None, None) => Zone::Unknown(format!("{}: {}", self.file.path, self.zone.why)),
        };
        let shown = said.name.clone().filter(|name| !schedule::has_placeholder(name));
        let name = format!(
            "{}{}",
            zone::prefix(&self.file.path),
            shown.unwrap_or_else(|| what.trim_start_matches("php artisan ").to_owned())
        );
        let environment = BTreeMap::new();
        let from = Job::of_shell(self.file, self.world, &text, DIALECT, "", &environment);
        Job {
            name: Some(&name),
            zone,
            work: if is_shell { Work::Template(&what) } else { Work::Code { shown: &what, part: None } },
            guards: said.guards.iter().map(|guard| Text::from(scrub(guard))).collect(),
            line,
            scope: scope_of(&self.file.path, ""),
            ..from
        }
        .state(self.out);
        self.count += 1;
    }

    /// What an event runs, and whether a shell runs it.
    fn what(&self, adds: &Call) -> (String, bool) {
        let Some(argument) = adds.arguments.first() else { return ("an event".to_owned(), false) };
        let value = calls::value(&self.values, argument, &self.constants);
        let text = match &value.kind {
            NodeKind::Text(text) => text.clone(),
            // `[Class::class, 'method']`
            _ => {
                let parts: Vec<&str> = value.items().iter().filter_map(Node::text).collect();
                parts.join("@").replace("::class", "").replace(['$', '{', '}'], "")
            }
        };
        let bare = text.strip_prefix("${").and_then(|text| text.strip_suffix('}')).map(str::trim);
        let class = bare.and_then(|bare| bare.strip_prefix("new ").or_else(|| bare.strip_suffix("::class")));
        // A job that is made without anything is its class.
        let class = class.map(|class| class.trim_start_matches('\\').trim_end_matches("()"));
        match adds.method.as_str() {
            "exec" => (text, true),
            "command" => {
                let command = class.map(|class| zone::signature(class, self.file, self.world));
                let list = |argument: &&Argument| {
                    let value = calls::value(&self.values, argument, &self.constants);
                    matches!(value.kind, NodeKind::List(_))
                };
                let more = adds.arguments.get(1).filter(list).map(|argument| self.given(argument).join(" "));
                let more =
                    more.filter(|more| !more.is_empty()).map_or(String::new(), |more| format!(" {more}"));
                // What artisan runs is the application's own code, like a job.
                (format!("php artisan {}{more}", command.unwrap_or(text)), false)
            }
            _ => match (class, bare) {
                (Some(class), _) => (class.to_owned(), false),
                (None, Some(bare))
                    if bare.starts_with("function")
                        || bare.starts_with("fn")
                        || bare.starts_with("static") =>
                {
                    (format!("a closure: {}", inside(bare)), false)
                }
                _ => (text, false),
            },
        }
    }
}

/// The first statement of a closure.
fn inside(closure: &str) -> &str {
    let body = closure.split_once('{').or_else(|| closure.split_once("=>")).map_or(closure, |(_, body)| body);
    body.split(';').next().unwrap_or(body).trim().trim_end_matches('}').trim()
}

/// `env('NAME', 'default')` as its default.
fn of_environment(text: &str) -> String {
    let inner = text.strip_prefix("${env(").and_then(|text| text.strip_suffix(")}"));
    let default = inner.and_then(|inner| inner.split_once(',')).map(|(_, default)| default.trim());
    let literal = default.and_then(|default| {
        let quote = default.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
        default.strip_prefix(quote)?.strip_suffix(quote).filter(|text| !text.contains(quote))
    });
    literal.unwrap_or(text).to_owned()
}
