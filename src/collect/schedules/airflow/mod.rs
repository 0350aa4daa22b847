//! Airflow's DAGs in Python: `DAG(…)`, `@dag(…)`, and calls that are given a `dag_id` and a schedule by name; their shell
//! commands, and the other DAGs they wait for. Rules from Airflow's "DAGs", "Timetables" and "Cross-DAG dependencies". A
//! DAG that only people start is no job; schedules and ids that only a run can tell are gaps.

mod schedule;
mod tasks;

use super::job::{Job, Work};
use super::python::{self, Call, MAX_ROUNDS, Module, Node, Value};
use super::{SchedulePlace, World};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Connection, Evidence, Gap, GapCode, Order, Place, Provenance, Text};
use crate::input::{InputFile, scope_of};
use schedule::{Plan, plan};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use tasks::Tasks;

/// DAGs.
pub struct Dags;

/// How many DAGs of one file are read.
const MAX_DAGS: usize = 1_000;
/// The file that states the zone of DAGs without one.
const CONFIG: &str = "airflow.cfg";

impl SchedulePlace for Dags {
    fn about(&self) -> &'static About {
        &About {
            name: "airflow-dag",
            title: "Airflow: DAGs in Python with a schedule",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        python::has_words(file, &["airflow"]) && python::has_words(file, &["DAG", "dag_id", "@dag"])
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let Some(tree) = python::parse(file, text, out) else { return 0 };
        let module = Module::of(&tree, text);
        let reader = Reader {
            module: &module,
            file,
            world,
            default_zone: default_zone(world),
            triggering: OnceCell::new(),
        };
        let dags = reader.dags(out);
        let tasks = Tasks::of(&module, &dags);
        module.report_limit(file, out);
        let alone = dags.len() == 1 && file.host.is_none();
        dags.iter().enumerate().map(|(at, dag)| reader.state(dag, tasks.of_dag(at), alone, out)).sum()
    }
}

/// `default_timezone` of the scan's own configuration of Airflow; UTC where it says nothing (Airflow's "Time zones").
fn default_zone(world: &World<'_>) -> String {
    let configs = world.inputs.files.iter().filter(|file| file.name() == CONFIG);
    let stated = configs.filter_map(|file| {
        let head = file.head_text();
        let line = head.lines().find_map(|line| line.trim().strip_prefix("default_timezone"))?;
        Some(line.trim_start().strip_prefix('=')?.trim().to_owned())
    });
    let mut zones: Vec<String> = stated.collect();
    zones.dedup();
    match zones.as_slice() {
        [zone] if crate::schedule::zone(zone).is_some() => zone.clone(),
        _ => "UTC".to_owned(),
    }
}

/// One DAG as a file makes it.
struct Dag<'t> {
    /// Its id; `None`: only a run can tell.
    id: Option<String>,
    /// What it is made with.
    call: Call,
    /// The call, or the decorator without one.
    node: Node<'t>,
    /// The name that holds it.
    held_by: Option<&'t str>,
}

impl Dag<'_> {
    /// What it is given by a name, itself or among `default_args`.
    fn get(&self, name: &str) -> Option<&Value> {
        self.call.get(name).or_else(|| self.call.get("default_args")?.entry(name))
    }
}

struct Reader<'a, 't> {
    module: &'a Module<'t>,
    file: &'a InputFile,
    world: &'a World<'a>,
    default_zone: String,
    /// The files of the scan that start other DAGs, once they were looked for.
    triggering: OnceCell<Vec<&'a InputFile>>,
}

impl<'t> Reader<'_, 't> {
    fn gap(&self, line: u64, code: GapCode, detail: &str) -> Gap {
        Gap::new(Place::line(&self.file.path, line), code, scrub(detail).into_owned())
    }

    /// All DAGs of the file, in its order.
    fn dags(&self, out: &mut Evidence) -> Vec<Dag<'t>> {
        let mut dags = Vec::new();
        for node in &self.module.calls {
            if !self.makes_dag(*node) {
                continue;
            }
            let (rounds, full) = self.module.rounds(*node);
            if full {
                let detail = format!("{MAX_ROUNDS} DAGs of one loop were read, and no more (MAX_ROUNDS)");
                out.add_gap(self.gap(python::line(*node), GapCode::Limit, &detail));
            }
            for round in rounds {
                let Some(call) = self.module.call(*node, &round) else { continue };
                let id = match call.get_or("dag_id", 0) {
                    Some(value) => value.whole_text().map(str::to_owned),
                    None => self.decorated_name(*node),
                };
                if dags.len() == MAX_DAGS {
                    let detail = format!("{MAX_DAGS} DAGs of this file were read, and no more (MAX_DAGS)");
                    out.add_gap(self.gap(python::line(*node), GapCode::Limit, &detail));
                    return dags;
                }
                dags.push(Dag { id, call, node: *node, held_by: self.held_by(*node) });
            }
        }
        dags
    }

    fn makes_dag(&self, node: Node<'t>) -> bool {
        let Some(callee) = self.module.callee(node) else { return false };
        match callee.rsplit('.').next() {
            Some("DAG") => true,
            Some("dag") => node.parent().is_some_and(|parent| parent.kind() == "decorator"),
            // A house's own way to make one, which takes what `DAG` takes.
            _ => {
                let names = self.keywords(node);
                let timed = ["schedule", "schedule_interval", "timetable"];
                names.contains(&"dag_id") && timed.iter().any(|name| names.contains(name))
            }
        }
    }

    fn keywords(&self, call: Node<'t>) -> Vec<&'t str> {
        let Some(arguments) = call.child_by_field_name("arguments") else { return Vec::new() };
        let mut cursor = arguments.walk();
        let named = arguments.named_children(&mut cursor).filter_map(|it| it.child_by_field_name("name"));
        named.map(|name| self.module.of_node(name)).collect()
    }

    /// The name of the function that a decorator stands over.
    fn decorated_name(&self, node: Node<'t>) -> Option<String> {
        let decorated = node.parent()?.parent()?;
        Some(self.module.decorators(decorated).1.to_owned())
    }

    /// `dag = DAG(…)`, `with DAG(…) as dag`.
    fn held_by(&self, node: Node<'t>) -> Option<&'t str> {
        let parent = node.parent()?;
        let name = match parent.kind() {
            "assignment" => parent.child_by_field_name("left")?,
            "as_pattern" => parent.child_by_field_name("alias")?,
            _ => return None,
        };
        Some(self.module.of_node(name))
    }

    /// States one DAG; how many jobs that were. `alone`: no other DAG is made of this file.
    fn state(&self, dag: &Dag<'t>, tasks: &tasks::Found, alone: bool, out: &mut Evidence) -> u64 {
        let line = python::line(dag.node);
        let Some(id) = &dag.id else {
            // A function that makes DAGs is told of where it is called, if anywhere.
            let shown = dag.call.get_or("dag_id", 0).map_or("…".to_owned(), Value::shown);
            let detail = format!("the id of a DAG is computed, so it was not read: {shown}");
            out.add_gap(self.gap(line, GapCode::Unresolved, &detail));
            return 0;
        };
        let Plan { schedules, zone, mut guards, untimed } = match plan(dag, &self.default_zone, self.world) {
            Ok(Some(plan)) => plan,
            Ok(None) => return 0,
            Err(why) => {
                out.add_gap(self.gap(line, GapCode::Unresolved, &format!("the schedule of {id} {why}")));
                return 0;
            }
        };
        for schedule in &schedules {
            if let Err(rejected) = crate::schedule::parse("airflow", schedule) {
                let detail = format!("Airflow refuses the schedule of {id}: {}", rejected.reason);
                out.add_gap(self.gap(line, GapCode::BadSchedule, &detail));
                return 0;
            }
        }
        let mut waits_for = tasks.waits_for.clone();
        if untimed {
            let by = self.triggered_by(id);
            if by.is_empty() && schedules == ["None"] {
                return 0;
            }
            waits_for.extend(by.into_iter().map(|by| (by, Order::Call)));
        }
        if dag.call.get("max_active_runs") == Some(&Value::Number(1.0)) {
            guards.push(Text::from("max_active_runs=1"));
        }
        if dag.call.get("is_paused_upon_creation") == Some(&Value::Truth(true)) {
            guards.push(Text::from("is_paused_upon_creation=True"));
        }
        let (own_line, command) = tasks.script.beside(line);
        let shown = tasks.shown();
        // The code around a DAG that has its file for itself is what it runs.
        let code = alone.then_some(&*self.file.path);
        let (work, line) = work(tasks, &shown, &command, own_line, line, code);
        let (environment, scope) = (BTreeMap::new(), scope_of(&self.file.path, &self.file.head_text()));
        let from = Job::of_shell(self.file, self.world, "", "airflow", "", &environment);
        Job { name: Some(id), schedules, zone, work, guards, waits_for, line, scope, host: None, ..from }
            .state(out);
        1
    }

    /// The DAGs of the scan that start this one by `TriggerDagRunOperator`.
    fn triggered_by(&self, id: &str) -> Vec<String> {
        let has =
            |file: &InputFile, words: &str| memchr::memmem::find(&file.head, words.as_bytes()).is_some();
        let triggering = || {
            let all = self.world.inputs.files.iter();
            all.filter(|file| file.name().ends_with(".py") && has(file, "TriggerDagRunOperator")).collect()
        };
        let files: &Vec<&InputFile> = self.triggering.get_or_init(triggering);
        let mut by = Vec::new();
        for file in files.iter().filter(|file| has(file, id)) {
            let Ok(text) = file.text() else { continue };
            let Some(tree) = python::parse(file, &text, &mut Evidence::new()) else { continue };
            let module = Module::of(&tree, &text);
            let (default_zone, triggering) = (self.default_zone.clone(), OnceCell::new());
            let other = Reader { module: &module, file, world: self.world, default_zone, triggering };
            let dags = other.dags(&mut Evidence::new());
            let tasks = Tasks::of(&module, &dags);
            let triggering = dags
                .iter()
                .enumerate()
                .filter(|(at, _)| tasks.of_dag(*at).triggers.iter().any(|it| it == id));
            by.extend(triggering.filter_map(|(_, dag)| dag.id.clone()));
        }
        by.retain(|other| other != id);
        by.sort();
        by.dedup();
        by
    }
}

/// What a DAG's tasks do, and the line it begins on; `code`: the file that is its own.
fn work<'w>(
    tasks: &'w tasks::Found,
    shown: &'w str,
    command: &'w str,
    own: u64,
    line: u64,
    code: Option<&'w str>,
) -> (Work<'w>, u64) {
    let mut pieces: Vec<(u64, Work<'w>)> = Vec::new();
    match command {
        "" => {}
        text if text.contains("{{") => pieces.push((own, Work::Template(text))),
        text => pieces.push((own, Work::Shell { text, stdin: None })),
    }
    let shell = !pieces.is_empty() && tasks.statements.is_empty() && tasks.files.is_empty();
    pieces.extend(tasks.statements.iter().map(|statement| {
        let database = statement.database.as_deref().map(Text::from);
        let connection = Connection { database, ..Connection::default() };
        (statement.line, Work::Sql { text: &statement.text, dialect: statement.dialect, connection })
    }));
    pieces.extend(tasks.files.iter().map(|(line, path)| (*line, Work::File(path))));
    pieces.extend(code.map(|code| (line, Work::File(code))));
    (Work::Several(if shell { command } else { shown }, pieces), if shell { own } else { line })
}
