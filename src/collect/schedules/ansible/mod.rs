//! Ansible: the jobs that tasks of the module `cron` put into crontabs, in playbooks, tasks and handlers of roles, and
//! in blocks (ansible.builtin.cron, its documentation). What only a run can fill in stays a placeholder, unless the
//! role or the file itself states a literal for it. It never reads inventories and never runs Jinja.

mod arguments;
mod installed;
mod variables;

use super::crontab_host::Cron;
use super::job::{Job, Work, remark_above};
use super::node::Node;
use super::yaml;
use super::{SchedulePlace, World, embedded};
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance, Text};
use crate::input::{InputFile, scope_of};
use crate::schedule;
use arguments::{Arguments, Call, is_on, of_task};
pub use installed::Files;
use std::collections::{BTreeMap, BTreeSet};
use variables::Variables;

/// The dialect of the crontabs that the module writes.
const DIALECT: &str = "vixie";
/// How many jobs one loop may stand for.
const MAX_LOOP: usize = 1_000;

/// Playbooks and tasks of roles.
pub struct Ansible;

impl SchedulePlace for Ansible {
    fn about(&self) -> &'static About {
        &About {
            name: "ansible-cron",
            title: "Ansible: tasks of the module cron",
            provenance: Provenance::Documented,
        }
    }

    /// A list at the top, as plays and tasks are, with a task of the module.
    fn claims(&self, file: &InputFile) -> bool {
        let head = file.head_text();
        let job = |line: &str| names_module(line, &arguments::MODULES);
        is_list(file, &head) && (head.lines().any(job) || embedded::writes(&head))
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let read = yaml::read(text);
        if let Some((line, why)) = read.broken {
            out.add_gap(Gap::new(Place::line(&file.path, line), GapCode::Unparsed, why));
        }
        let mut tasks = Tasks { world, modules: &arguments::MODULES, found: Vec::new() };
        let role = Variables::of_role(file, world);
        for document in &read.documents {
            tasks.walk(document, &Frame { variables: role.clone(), ..Frame::default() });
        }
        let owner = owner(&file.path);
        let (environments, shared) = (environments(&tasks.found), shared_names(&tasks.found));
        let states = States { file, text, world, owner, environments, shared };
        let written: u64 =
            read.documents.iter().map(|document| embedded::in_yaml(document, file, world, out)).sum();
        tasks.found.iter().map(|task| u64::from(states.task(task, out))).sum::<u64>() + written
    }
}

/// Whether a file is YAML with a list at the top.
fn is_list(file: &InputFile, head: &str) -> bool {
    let name = file.name();
    if !name.ends_with(".yml") && !name.ends_with(".yaml") {
        return false;
    }
    let mut lines = head.lines().map(str::trim_end).filter(|line| {
        let line = line.trim_start_matches('\u{feff}').trim_start();
        !line.is_empty() && !line.starts_with('#') && !line.starts_with('%')
    });
    let first = lines.find(|line| !line.starts_with("---") || line.len() > 3);
    first.is_some_and(|line| line.trim_start().starts_with('-'))
}

/// Whether a line may be a task of one of these modules.
fn names_module(line: &str, modules: &[&str]) -> bool {
    let line = line.trim_start_matches([' ', '-']);
    let Some((key, value)) = line.split_once(':') else { return false };
    let value = value.trim().trim_matches(['"', '\'']);
    modules.contains(&key)
        || (["action", "local_action", "module"].contains(&key)
            && modules.iter().any(|module| value.split([' ', '{', '}']).any(|word| word == *module)))
        || (key == "local_action" || key == "action") && value.is_empty()
}

/// The role that a file of tasks belongs to, else the playbook, by their path: what tells its jobs from others of the
/// same name, as long as no host does.
fn owner(path: &str) -> String {
    let role = ["/tasks/", "/handlers/"].iter().find_map(|mark| path.rfind(mark));
    let stem = path.strip_suffix(".yml").or_else(|| path.strip_suffix(".yaml")).unwrap_or(path);
    role.map_or(stem, |end| &path[..end]).to_owned()
}

/// What holds for the tasks of a play or a block.
#[derive(Clone, Default)]
struct Frame {
    host: Option<Text>,
    /// The account that tasks become, where it is stated.
    account: Option<String>,
    variables: Variables,
}

/// A task of the module, its arguments filled in as far as the text tells.
struct Task {
    line: u64,
    /// The line on which the task begins, above which its comments stand.
    first_line: u64,
    host: Option<Text>,
    account: Option<String>,
    arguments: Result<Arguments, String>,
    /// The patterns of files that it is done for (`with_fileglob`).
    patterns: Vec<String>,
}

struct Tasks<'a> {
    world: &'a World<'a>,
    /// The modules whose tasks are looked for.
    modules: &'static [&'static str],
    found: Vec<Task>,
}

impl Tasks<'_> {
    /// Plays, blocks and tasks of a list, however deep; the depth is bounded by that of the YAML.
    fn walk(&mut self, list: &Node, frame: &Frame) {
        for entry in list.items() {
            let own = self.frame(entry, frame);
            for key in ["pre_tasks", "tasks", "post_tasks", "handlers", "block", "rescue", "always"] {
                if let Some(inner) = entry.get(key) {
                    self.walk(inner, &own);
                }
            }
            if let Some(call) = of_task(entry, self.modules) {
                self.task(entry, &call, &own);
            }
        }
    }

    fn frame(&self, entry: &Node, above: &Frame) -> Frame {
        let mut frame = above.clone();
        if let Some(hosts) = entry.get("hosts").and_then(Node::text) {
            frame.host = self.named_host(hosts);
        }
        if let Some(vars) = entry.get("vars") {
            frame.variables.learn(vars);
        }
        let text = |key: &str| entry.get(key).and_then(Node::text);
        if let Some(account) = text("become_user").or_else(|| text("sudo_user")) {
            frame.account = Some(frame.variables.fill(account));
        } else if text("become").is_some_and(is_on) && frame.account.is_none() {
            // become without a name becomes root (become plugins' `become_user`).
            frame.account = Some("root".to_owned());
        }
        frame
    }

    /// A host, where `hosts:` names one: one that the settings know, or a name with dots, which no group has.
    fn named_host(&self, hosts: &str) -> Option<Text> {
        let plain = hosts.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
        let known = self.world.settings.hosts.iter().any(|host| host.name == hosts);
        let dotted = hosts.contains('.') && hosts.bytes().any(|b| b.is_ascii_alphabetic());
        (plain && (known || dotted)).then(|| Text::from(hosts))
    }

    fn task(&mut self, entry: &Node, call: &Call<'_>, frame: &Frame) {
        if entry.get("when").and_then(Node::text).is_some_and(|when| matches!(when, "false" | "False")) {
            return;
        }
        let patterns: Vec<String> = match entry.get("with_fileglob") {
            Some(one) if one.text().is_some() => {
                one.text().map(|it| frame.variables.fill(it)).into_iter().collect()
            }
            Some(list) => {
                list.items().iter().filter_map(Node::text).map(|it| frame.variables.fill(it)).collect()
            }
            None => Vec::new(),
        };
        for variables in frame.variables.unrolled(entry, MAX_LOOP) {
            let mut told = Arguments::of(call, &variables);
            if let (Ok(told), Some(more)) = (&mut told, entry.get("args")) {
                told.add(more, &variables);
            }
            self.found.push(Task {
                line: call.line,
                first_line: entry.line,
                host: frame.host.clone(),
                account: frame.account.clone(),
                arguments: told,
                patterns: patterns.clone(),
            });
        }
    }
}

/// Whose crontab: the file in cron.d, if one is named, and the account.
type Crontab = (Option<String>, Option<String>);

fn crontab(task: &Task, arguments: &Arguments) -> Crontab {
    let account = arguments.get("user").map(str::to_owned).or_else(|| task.account.clone());
    (arguments.get("cron_file").map(str::to_owned), account)
}

/// What tasks with `env` set, crontab by crontab.
fn environments(tasks: &[Task]) -> BTreeMap<Crontab, BTreeMap<String, String>> {
    let mut environments: BTreeMap<Crontab, BTreeMap<String, String>> = BTreeMap::new();
    for task in tasks {
        let Ok(arguments) = &task.arguments else { continue };
        let present = arguments.get("state").is_none_or(|state| state != "absent");
        if let (true, true, Some(name)) = (arguments.is_setting(), present, arguments.get("name")) {
            let value = arguments.get("job").unwrap_or("").to_owned();
            environments.entry(crontab(task, arguments)).or_default().insert(name.to_owned(), value);
        }
    }
    environments
}

/// Names that jobs of several crontabs have: a name is one job in one crontab only.
fn shared_names(tasks: &[Task]) -> BTreeSet<String> {
    let mut found: BTreeMap<&str, BTreeSet<Crontab>> = BTreeMap::new();
    for arguments in tasks.iter().filter_map(|task| Some((task, task.arguments.as_ref().ok()?))) {
        let (task, arguments) = arguments;
        if let Some(name) = arguments.get("name").filter(|_| !arguments.is_setting()) {
            found.entry(name).or_default().insert(crontab(task, arguments));
        }
    }
    let several = found.into_iter().filter(|(_, crontabs)| crontabs.len() > 1);
    several.map(|(name, _)| name.to_owned()).collect()
}

struct States<'a> {
    file: &'a InputFile,
    text: &'a str,
    world: &'a World<'a>,
    owner: String,
    environments: BTreeMap<Crontab, BTreeMap<String, String>>,
    shared: BTreeSet<String>,
}

impl States<'_> {
    /// States the job of a task, if it is one, and says whether it is.
    fn task(&self, task: &Task, out: &mut Evidence) -> bool {
        let gap = |code: GapCode, why: &str| {
            let why = crate::evidence::scrub::scrub(why).into_owned();
            Gap::new(Place::line(&self.file.path, task.line), code, why)
        };
        let arguments = match &task.arguments {
            Ok(arguments) => arguments,
            Err(why) => {
                out.add_gap(gap(GapCode::Unresolved, why));
                return false;
            }
        };
        let off = arguments.get("state") == Some("absent") || arguments.get("disabled").is_some_and(is_on);
        if off || arguments.is_setting() {
            return false;
        }
        let Some(command) = arguments.get("job").map(str::trim).filter(|command| !command.is_empty()) else {
            out.add_gap(gap(GapCode::BadSchedule, "a task of the module cron without a job"));
            return false;
        };
        let schedule = arguments.schedule();
        if let Err(rejected) = schedule::parse(DIALECT, &schedule) {
            out.add_gap(gap(GapCode::BadSchedule, &format!("cron rejects this job: {}", rejected.reason)));
            return false;
        }
        let whose = crontab(task, arguments);
        let nothing = BTreeMap::new();
        let environment = self.environments.get(&whose).unwrap_or(&nothing);
        let own = arguments.get("name").map(|name| {
            let (table, account) = (whose.0.as_deref(), whose.1.as_deref());
            let of = table.or(account).filter(|_| self.shared.contains(name));
            let name = of.map_or(name.to_owned(), |of| format!("{of}/{name}"));
            if task.host.is_some() { name } else { format!("{}/{name}", self.owner) }
        });
        let job = Job::of_shell(self.file, self.world, &schedule, DIALECT, command, environment);
        Job {
            host: task.host.clone(),
            name: own.as_deref(),
            zone: Cron::Debian.zone_below(self.world, task.host.as_deref(), environment),
            account: whose.1.map(Text::from),
            work: Work::Template(command),
            line: task.line,
            remark: remark_above(self.text, task.first_line),
            scope: scope_of(&self.file.path, ""),
            ..job
        }
        .state(out);
        true
    }
}
