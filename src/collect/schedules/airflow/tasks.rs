//! The tasks of a DAG that say something of others: shell commands, sensors of other DAGs, triggers of other DAGs. What an
//! operator does beyond that is code of its provider or of the application, and is named alone.

use super::super::manifest::Script;
use super::super::python::{Call, Module, Node, Value, line};
use super::Dag;
use crate::evidence::Order;
use crate::sql::Dialect;

/// How many tasks are named.
const MAX_SHOWN: usize = 20;

/// Statements of one task.
pub(super) struct Statement {
    pub line: u64,
    pub text: String,
    pub dialect: Dialect,
    pub database: Option<String>,
}

/// What the tasks of one DAG say.
#[derive(Default)]
pub(super) struct Found {
    /// Shell commands, by their lines.
    pub script: Script,
    /// Statements with the line they begin on, their dialect and database.
    pub statements: Vec<Statement>,
    /// Files of statements, by the path that is written.
    pub files: Vec<(u64, String)>,
    /// The DAGs that sensors wait for.
    pub waits_for: Vec<(String, Order)>,
    /// The DAGs that it starts.
    pub triggers: Vec<String>,
    /// Its tasks, by id.
    ids: Vec<String>,
}

impl Found {
    /// Its tasks as they are shown.
    pub fn shown(&self) -> String {
        let mut shown: Vec<&str> = self.ids.iter().take(MAX_SHOWN).map(String::as_str).collect();
        if self.ids.len() > MAX_SHOWN {
            shown.push("…");
        }
        if shown.is_empty() { "tasks".to_owned() } else { format!("tasks {}", shown.join(", ")) }
    }
}

/// The tasks of all DAGs of a file.
pub(super) struct Tasks {
    found: Vec<Found>,
}

impl Tasks {
    /// Reads them.
    pub fn of<'t>(module: &Module<'t>, dags: &[Dag<'t>]) -> Tasks {
        let mut tasks = Tasks { found: dags.iter().map(|_| Found::default()).collect() };
        if dags.is_empty() {
            return tasks;
        }
        for node in &module.calls {
            let name = module.callee(*node).unwrap_or_default();
            let name = name.rsplit('.').next().unwrap_or("");
            if !name.ends_with("Operator") && !name.ends_with("Sensor") && !name.ends_with("SensorAsync") {
                continue;
            }
            let (owners, rounds) = (owners(module, *node, dags), module.rounds(*node).0);
            let at =
                TEXTS.iter().find_map(|name| line_of_argument(module, *node, name)).unwrap_or(line(*node));
            for (number, round) in rounds.iter().enumerate() {
                let Some(call) = module.call(*node, round) else { continue };
                // A loop that makes DAGs makes the tasks of each in the same round.
                let paired = owners.len() > 1 && rounds.len() > 1 && rounds.len() % owners.len() == 0;
                let own = number / (rounds.len() / owners.len().max(1)).max(1);
                for (_, owner) in owners.iter().enumerate().filter(|(place, _)| !paired || *place == own) {
                    tasks.found[*owner].add(&call, at);
                }
            }
        }
        tasks
    }

    /// Those of a DAG by its place among the DAGs.
    pub fn of_dag(&self, at: usize) -> &Found {
        &self.found[at]
    }
}

/// The arguments that hold text of another language.
const TEXTS: [&str; 5] = ["bash_command", "command", "sql", "hql", "query"];

/// The line of an argument's value, where its text begins.
fn line_of_argument(module: &Module<'_>, call: Node<'_>, name: &str) -> Option<u64> {
    let arguments = call.child_by_field_name("arguments")?;
    let mut cursor = arguments.walk();
    let mut named = arguments.named_children(&mut cursor).filter(|argument| {
        argument.child_by_field_name("name").is_some_and(|own| module.of_node(own) == name)
    });
    named.next()?.child_by_field_name("value").map(line)
}

/// Operators that send SQL, by a part of their names, and whose it is.
const SQL: [(&str, Dialect); 12] = [
    ("Postgres", Dialect::Postgres),
    ("MySql", Dialect::MySql),
    ("MsSql", Dialect::MsSql),
    ("Oracle", Dialect::Oracle),
    ("Sqlite", Dialect::Sqlite),
    ("Snowflake", Dialect::Snowflake),
    ("BigQuery", Dialect::BigQuery),
    ("Redshift", Dialect::Redshift),
    ("Hive", Dialect::Hive),
    ("Spark", Dialect::Hive),
    ("ClickHouse", Dialect::ClickHouse),
    ("", Dialect::Generic),
];

/// The DAGs a task belongs to: those its `dag=` names, else those around it, else the only one there is.
fn owners<'t>(module: &Module<'t>, task: Node<'t>, dags: &[Dag<'t>]) -> Vec<usize> {
    let mut all = dags.iter().enumerate();
    let named = module.call(task, &Vec::new()).and_then(|call| match call.get("dag")? {
        Value::Call(made) => Some(made.line),
        _ => None,
    });
    let keyword = named_dag(module, task);
    if let Some(keyword) = keyword {
        let function = module.function_around(task);
        let held =
            |dag: &Dag<'t>| dag.held_by == Some(keyword) && module.function_around(dag.node) == function;
        // A name that is given several DAGs means the last one above.
        let above: Vec<&Dag<'t>> =
            dags.iter().filter(|dag| held(dag) && dag.node.start_byte() < task.start_byte()).collect();
        if let Some(last) = above.last().map(|dag| dag.node) {
            return all.filter(|(_, dag)| dag.node == last).map(|(at, _)| at).collect();
        }
    }
    if let Some(line_made) = named {
        let found: Vec<usize> =
            all.by_ref().filter(|(_, dag)| line(dag.node) == line_made).map(|(at, _)| at).collect();
        if !found.is_empty() {
            return found;
        }
    }
    for around in module.around(task) {
        let holds = |dag: &Dag<'t>| match around.kind() {
            "with_statement" => {
                around.child(1).is_some_and(|clause| clause.byte_range().contains(&dag.node.start_byte()))
            }
            "decorated_definition" => dag.node.parent().and_then(|it| it.parent()) == Some(around),
            _ => false,
        };
        let found: Vec<usize> =
            dags.iter().enumerate().filter(|(_, dag)| holds(dag)).map(|(at, _)| at).collect();
        if !found.is_empty() {
            return found;
        }
    }
    let one_place = dags.windows(2).all(|pair| pair[0].node == pair[1].node);
    if one_place { (0..dags.len()).collect() } else { Vec::new() }
}

/// The name that a task's `dag=` is given.
fn named_dag<'t>(module: &Module<'t>, task: Node<'t>) -> Option<&'t str> {
    let arguments = task.child_by_field_name("arguments")?;
    let mut cursor = arguments.walk();
    let mut named = arguments.named_children(&mut cursor).filter(|argument| {
        argument.child_by_field_name("name").is_some_and(|own| module.of_node(own) == "dag")
    });
    let value = named.next()?.child_by_field_name("value")?;
    (value.kind() == "identifier").then(|| module.of_node(value))
}

impl Found {
    fn add(&mut self, call: &Call, line: u64) {
        let id = call.get("task_id").and_then(Value::text);
        let id = id.map_or_else(|| call.name().to_owned(), str::to_owned);
        if !self.ids.contains(&id) {
            self.ids.push(id);
        }
        match call.name() {
            "BashOperator" | "SSHOperator" => {
                let command = call.get("bash_command").or_else(|| call.get("command"));
                if let Some(command) = command.and_then(Value::text) {
                    self.script.add(line, command);
                }
            }
            "TriggerDagRunOperator" => {
                if let Some(id) = call.get("trigger_dag_id").and_then(Value::whole_text) {
                    self.triggers.push(id.to_owned());
                }
            }
            name if call.get("sql").or_else(|| call.get("hql")).is_some() => {
                let dialect =
                    SQL.iter().find(|(part, _)| name.contains(part)).map_or(Dialect::Generic, |it| it.1);
                self.sql(call, dialect, line);
            }
            "BigQueryInsertJobOperator" => {
                let query = call
                    .get("configuration")
                    .and_then(|it| it.entry("query"))
                    .and_then(|it| it.entry("query"));
                self.statement(query, Dialect::BigQuery, None, line);
            }
            "AthenaOperator" => {
                let database = call.get("database").and_then(Value::whole_text).map(str::to_owned);
                self.statement(call.get("query"), Dialect::Generic, database, line);
            }
            name if name.contains("Sensor") => {
                let waited = call.get("external_dag_id").and_then(Value::whole_text);
                let wait = waited.map(|id| (id.to_owned(), Order::Sensor));
                self.waits_for.extend(wait.filter(|wait| !self.waits_for.contains(wait)));
            }
            _ => {}
        }
    }

    /// `sql=`: statements, a list of them, or a file of them.
    fn sql(&mut self, call: &Call, dialect: Dialect, line: u64) {
        let database = call.get("database").and_then(Value::whole_text).map(str::to_owned);
        match call.get("sql").or_else(|| call.get("hql")) {
            Some(Value::List(items)) => {
                for item in items {
                    self.statement(Some(item), dialect, database.clone(), line);
                }
            }
            one => self.statement(one, dialect, database, line),
        }
    }

    fn statement(&mut self, text: Option<&Value>, dialect: Dialect, database: Option<String>, line: u64) {
        let Some(text) = text.and_then(Value::text) else { return };
        let path = text.trim();
        let is_file = [".sql", ".hql"].iter().any(|ending| path.ends_with(ending))
            && !path.contains(char::is_whitespace);
        if is_file {
            self.files.push((line, path.to_owned()));
        } else if !path.is_empty() && !path.starts_with("{{") {
            self.statements.push(Statement { line, text: text.to_owned(), dialect, database });
        }
    }
}
