//! Ruby's in-process clocks: rufus-scheduler (`scheduler.cron '…' do`, `scheduler.every '1h'`) and clockwork
//! (`every(1.day, 'name', at: '01:30')`, its event.rb and at.rb). Both count in the zone of their process unless the
//! text names one. What they run is Ruby, shown by its first line. A clockwork event with `at` also waits until its
//! period has passed since its last run, which is kept as a guard.

use super::job::{Job, Work, Zone, remark_above};
use super::node::{Kind as NodeKind, Node};
use super::ruby::{Arguments, Names, arguments, begins_statement, quantity};
use super::tokens::{self, Kind, Language};
use super::values::Values;
use super::{SchedulePlace, World};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance, Text};
use crate::input::{InputFile, scope_of};
use crate::schedule::{self, Clock};
use std::collections::BTreeMap;

const DIALECT: &str = "fugit";
/// What is said of times whose zone no file tells.
const ZONE: &str = "their scheduler counts in the zone of its process (Rails' Time.zone, TZ, or the host's), which this \
                    file does not tell";

/// rufus-scheduler.
pub struct Rufus;
/// clockwork.
pub struct Clockwork;

fn has(file: &InputFile, word: &str) -> bool {
    memchr::memmem::find(&file.head, word.as_bytes()).is_some()
}

impl SchedulePlace for Rufus {
    fn about(&self) -> &'static About {
        &About {
            name: "rufus-scheduler",
            title: "rufus-scheduler: cron, every and interval",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        file.name().ends_with(".rb") && has(file, "Rufus::Scheduler")
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        read(file, text, world, out, |reader, at| reader.rufus(at))
    }
}

impl SchedulePlace for Clockwork {
    fn about(&self) -> &'static About {
        &About { name: "clockwork", title: "clockwork: every, with at", provenance: Provenance::Documented }
    }

    fn claims(&self, file: &InputFile) -> bool {
        file.name().ends_with(".rb") && has(file, "Clockwork") && has(file, "every")
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        read(file, text, world, out, |reader, at| reader.clockwork(at))
    }
}

fn read(
    file: &InputFile,
    text: &str,
    world: &World<'_>,
    out: &mut Evidence,
    each: impl Fn(&mut Reader<'_>, usize),
) -> u64 {
    let told = tokens::read(text, Language::Ruby);
    if let Some((line, why)) = told.broken {
        out.add_gap(Gap::new(Place::line(&file.path, line), GapCode::Unparsed, why));
    }
    let values = Values::new(text, &told.tokens, Language::Ruby);
    let names = Names::of(&values);
    let mut reader = Reader { file, world, out, names, values, zone: None, count: 0 };
    for at in 0..told.tokens.len() {
        each(&mut reader, at);
    }
    reader.count
}

struct Reader<'a> {
    file: &'a InputFile,
    world: &'a World<'a>,
    out: &'a mut Evidence,
    names: Names,
    values: Values<'a>,
    /// The zone that the file sets for all of its events.
    zone: Option<String>,
    count: u64,
}

/// One job.
struct Planned<'p> {
    name: &'p str,
    schedules: Vec<String>,
    work: &'p str,
    guards: Vec<String>,
    zone: Option<&'p str>,
    line: u64,
}

impl Reader<'_> {
    fn word(&self, at: usize) -> &str {
        self.values.get(at).filter(|token| token.kind == Kind::Word).map_or("", |token| &token.text)
    }

    fn text_of(&self, told: &Arguments, name: &str) -> Option<String> {
        told.get(name).and_then(|value| self.names.fill(value).text().map(str::to_owned))
    }

    fn line(&self, at: usize) -> u64 {
        self.values.tokens[at].line
    }

    /// The first line of the block behind the arguments, where there is one.
    fn shown(&self, end: usize) -> String {
        let opens = self.values.get(end).is_some_and(|token| token.is_word("do") || token.is("{"));
        if !opens {
            return "a block".to_owned();
        }
        let from = self.values.tokens[end].span.1;
        let brace = self.values.is(end, "{").then(|| self.values.get(self.values.closing(end))).flatten();
        let to = brace.map_or(self.values.text.len(), |token| token.span.0);
        let inside = super::calls::some_of(self.values.text, from, to);
        let lines = inside.lines().map(|line| {
            // Names between bars belong to the block.
            let line = line.trim();
            line.strip_prefix('|').and_then(|rest| rest.split_once('|')).map_or(line, |(_, rest)| rest.trim())
        });
        let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.next().filter(|line| *line != "end").unwrap_or("a block").to_owned()
    }

    fn rufus(&mut self, at: usize) {
        const KINDS: [&str; 3] = ["cron", "every", "interval"];
        let receiver = self.word(at).to_ascii_lowercase();
        let named = receiver.contains("sched") || matches!(receiver.as_str(), "s" | "rufus" | "singleton");
        let called = named && self.values.is(at + 1, ".") && KINDS.contains(&self.word(at + 2));
        // A class around the scheduler calls it without naming it.
        let own = KINDS.contains(&self.word(at)) && begins_statement(&self.values, at);
        if !called && !own {
            return;
        }
        let kind_at = if called { at + 2 } else { at };
        let kind = self.word(kind_at).to_owned();
        let told = arguments(&self.values, kind_at + 1);
        let block = self.values.get(told.end).is_some_and(|token| token.is_word("do") || token.is("{"));
        let Some(when) = told.positional.first().filter(|_| block || told.positional.len() > 1) else {
            return;
        };
        let when = self.names.fill(when);
        let line = self.line(at);
        let work = self.shown(told.end);
        let name = self.text_of(&told, "name").unwrap_or_else(|| format!("{kind}: {work}"));
        let schedule = match quantity(&when) {
            Some((number, "")) => number.to_string(),
            Some((number, unit)) => format!("{number} {unit}"),
            None => when.text().unwrap_or("").to_owned(),
        };
        if schedule.is_empty() {
            return self.gap(line, GapCode::Unresolved, &format!("the schedule of {name} is computed"));
        }
        let guards = ["overlap", "timeout", "first_in", "times"];
        let guards = guards.iter().filter_map(|key| Some(format!("{key}: {}", self.text_of(&told, key)?)));
        let guards = guards.collect();
        self.state(&Planned {
            name: &name,
            schedules: vec![schedule],
            work: &work,
            guards,
            zone: None,
            line,
        });
    }

    fn clockwork(&mut self, at: usize) {
        // `config[:tz] = 'UTC'`
        if self.values.get(at).is_some_and(|token| token.text == "tz")
            && self.values.is(at + 1, "]")
            && self.values.is(at + 2, "=")
        {
            self.zone = self.values.value(at + 3, &[]).0.text().map(str::to_owned);
        }
        if self.word(at) != "every"
            || !(begins_statement(&self.values, at) || self.values.is(at.max(1) - 1, "."))
        {
            return;
        }
        let told = arguments(&self.values, at + 1);
        let [period, job, ..] = &told.positional[..] else { return };
        let line = self.line(at);
        let (period, job) = (self.names.fill(period), self.names.fill(job));
        let name = job.text().unwrap_or("a job").to_owned();
        let seconds = quantity(&period).and_then(|(number, unit)| {
            let unit = if unit.is_empty() { "seconds" } else { unit };
            schedule::parse(DIALECT, &format!("{number} {unit}")).ok()?.period_seconds()
        });
        let Some(seconds) = seconds else {
            return self.gap(line, GapCode::Unresolved, &format!("the schedule of {name} is computed"));
        };
        let times: Vec<String> = match told.get("at").map(|at| self.names.fill(at)) {
            None => Vec::new(),
            Some(Node { kind: NodeKind::List(items), .. }) => {
                items.iter().filter_map(|item| item.text().map(str::to_owned)).collect()
            }
            Some(node) => node.text().map(str::to_owned).into_iter().collect(),
        };
        let mut guards: Vec<String> = Vec::new();
        let mut schedules = Vec::new();
        if times.is_empty() {
            schedules.push(format!("{seconds}s"));
        } else {
            for time in &times {
                match fields_of(time) {
                    Some(fields) => schedules.push(fields),
                    None => {
                        let why = format!("the schedule of {name} is computed: at {time}");
                        return self.gap(line, GapCode::Unresolved, &why);
                    }
                }
            }
            let written =
                period.text().unwrap_or("").trim_start_matches("#{").trim_end_matches('}').to_owned();
            guards.push(format!("{written} since its last run"));
        }
        guards.extend(self.text_of(&told, "if").map(|condition| {
            let inner = condition.strip_prefix("#{").and_then(|inner| inner.strip_suffix('}'));
            format!("if {}", inner.unwrap_or(&condition))
        }));
        let zone = self.text_of(&told, "tz").or_else(|| self.zone.clone());
        let shown = self.shown(told.end);
        let work = if shown == "a block" { name.as_str() } else { shown.as_str() };
        self.state(&Planned { name: &name, schedules, work, guards, zone: zone.as_deref(), line });
    }

    fn gap(&mut self, line: u64, code: GapCode, why: &str) {
        self.out.add_gap(Gap::new(Place::line(&self.file.path, line), code, scrub(why).into_owned()));
    }

    fn state(&mut self, planned: &Planned<'_>) {
        let mut zone = planned.zone.map(str::to_owned);
        let mut by_clock = false;
        for schedule in &planned.schedules {
            match schedule::parse(DIALECT, schedule) {
                Ok(parsed) => {
                    zone = parsed.zone().map(str::to_owned).or(zone);
                    by_clock |= !matches!(parsed.clock(), Clock::Interval { .. });
                }
                Err(rejected) => {
                    let why =
                        format!("{schedule}: fugit rejects it, or it is not read here: {}", rejected.reason);
                    return self.gap(planned.line, GapCode::BadSchedule, &why);
                }
            }
        }
        let zone = match zone.filter(|zone| schedule::zone(zone).is_some()) {
            _ if !by_clock => Zone::None,
            Some(zone) => Zone::Stated(Text::from(zone)),
            None => Zone::OfProcess(ZONE),
        };
        let file = self.file.name();
        let name = format!("{}/{}", file.strip_suffix(".rb").unwrap_or(file), planned.name);
        let environment = BTreeMap::new();
        let from = Job::of_shell(self.file, self.world, "", DIALECT, "", &environment);
        Job {
            name: Some(&name),
            schedules: planned.schedules.clone(),
            zone,
            work: Work::Code { shown: planned.work, part: None },
            guards: planned.guards.iter().map(|guard| Text::from(scrub(guard))).collect(),
            line: planned.line,
            remark: remark_above(self.values.text, planned.line),
            scope: scope_of(&self.file.path, ""),
            ..from
        }
        .state(self.out);
        self.count += 1;
    }
}

/// The fields of a time of clockwork: `01:30`, `1:30`, `**:30`, `*:30`, `16:**`, `Monday 16:20`.
fn fields_of(at: &str) -> Option<String> {
    const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let (day, time) = match at.split_once(' ') {
        None => ("*".to_owned(), at),
        Some((day, time)) => {
            let lower = day.to_ascii_lowercase();
            let index = DAYS.iter().position(|name| lower.starts_with(name));
            (index?.to_string(), time.trim())
        }
    };
    let (hour, minute) = time.split_once(':')?;
    let number = |text: &str, most: u8| text.parse::<u8>().ok().filter(|number| *number <= most);
    let hour = if matches!(hour, "*" | "**") { "*".to_owned() } else { number(hour, 23)?.to_string() };
    let minute = if minute == "**" { "*".to_owned() } else { number(minute, 59)?.to_string() };
    Some(format!("{minute} {hour} * * {day}"))
}
