//! Crontabs in all their places, as the host's cron reads them (crontab(5), cron(8), run-parts(8)): system
//! crontabs with a user column, a user's own, and the scripts of `cron.hourly` to `cron.monthly`. It is Debian's cron
//! unless the host's own files say otherwise. Commented lines are not jobs. It never evaluates a schedule; a line cron
//! would reject is a gap.

use super::crontab_host::Cron;
use super::job::{Job, Work, Zone, states_order};
use super::{SchedulePlace, World, anacron};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance, Text};
use crate::input::InputFile;
use crate::schedule;
use std::collections::BTreeMap;

/// `/etc/crontab` and `/etc/cron.d/*`: a user column stands before the command.
pub struct SystemCrontab;
/// A user's crontab: the spool, or a dump made by `crontab -l`.
pub struct UserCrontab;
/// The scripts of `/etc/cron.hourly`, `daily`, `weekly` and `monthly`.
pub struct RunParts;

impl SchedulePlace for SystemCrontab {
    fn about(&self) -> &'static About {
        &About {
            name: "crontab-system",
            title: "/etc/crontab and /etc/cron.d, with a user column",
            provenance: Provenance::Recorded,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let in_place = &*file.inner == "/etc/crontab" || folder_is(file, "cron.d");
        in_place || (looks_named(file) && table_shape(&file.head_text()) == Some(true))
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let cron = Cron::of_system(file, world);
        if folder_is(file, "cron.d")
            && let Err(why) = cron.reads_name(file.name())
        {
            let detail = format!("cron ignores this file: {why}");
            out.add_gap(Gap::new(Place::whole(&file.path), GapCode::BadSchedule, detail));
            return 0;
        }
        Table { file, world, cron, user_column: true, account: None }.read(text, out)
    }
}

impl SchedulePlace for UserCrontab {
    fn about(&self) -> &'static About {
        &About {
            name: "crontab-user",
            title: "users' crontabs: the spool and dumps of crontab -l",
            provenance: Provenance::Recorded,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let in_place = folder_is(file, "crontabs") || folder_is(file, "cron");
        (in_place && file.inner.contains("var/spool/cron"))
            || (folder_is(file, "crontabs") && file.inner.starts_with("/etc/crontabs/"))
            || (looks_named(file) && table_shape(&file.head_text()) == Some(false))
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let spool = file.inner.contains("var/spool/cron") || file.inner.starts_with("/etc/crontabs/");
        let account = spool.then(|| Text::from(file.name()));
        let cron = Cron::of_user(file, world);
        Table { file, world, cron, user_column: false, account }.read(text, out)
    }
}

impl SchedulePlace for RunParts {
    fn about(&self) -> &'static About {
        &About {
            name: "cron-run-parts",
            title: "/etc/cron.hourly, daily, weekly, monthly",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        PERIODS.iter().any(|(folder, _)| folder_is(file, folder)) && file.name() != ".placeholder"
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let cron = Cron::of_system(file, world);
        if let Err(why) = cron.reads_name(file.name()) {
            let detail = format!("run-parts ignores this file: {why}");
            out.add_gap(Gap::new(Place::whole(&file.path), GapCode::BadSchedule, detail));
            return 0;
        }
        let Some((folder, usual)) = PERIODS.iter().find(|(folder, _)| folder_is(file, folder)) else {
            return 0;
        };
        let table = Table { file, world, cron, user_column: true, account: None };
        let (schedule, dialect) = match run_parts_schedule(file, world, cron, folder) {
            Some((schedule, dialect)) => (schedule, dialect),
            None => ((*usual).to_owned(), cron.dialect()),
        };
        let job = Line {
            schedule: &schedule,
            dialect,
            account: Some(Text::from("root")),
            command: &file.inner,
            stdin: None,
            number: 1,
            remark: None,
            guard: leaves_to_systemd(text),
        };
        table.state(&job, &BTreeMap::new(), out);
        1
    }
}

/// The test at the beginning of a script that leaves its work to a timer where systemd runs, as written.
fn leaves_to_systemd(script: &str) -> Option<Text> {
    const MAX_LINES: usize = 3;
    let lines = script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let from = lines.skip_while(|line| !line.contains("/run/systemd/system"));
    let test: Vec<&str> = from.take(MAX_LINES).collect();
    let end = test.iter().position(|line| line.contains("exit"))?;
    Some(Text::from(scrub(&test[..=end].join(" ")).as_ref()))
}

/// When Debian's `/etc/crontab` starts each folder, should the scan not have that file.
const PERIODS: [(&str, &str); 4] = [
    ("cron.hourly", "17 * * * *"),
    ("cron.daily", "25 6 * * *"),
    ("cron.weekly", "47 6 * * 7"),
    ("cron.monthly", "52 6 1 * *"),
];

/// When a folder's scripts are started, and in which dialect that is said: by `/etc/crontab`, or by anacron where that
/// file leaves it to it or says nothing.
fn run_parts_schedule(
    file: &InputFile,
    world: &World<'_>,
    cron: Cron,
    folder: &str,
) -> Option<(String, &'static str)> {
    let text_of = |path: &str| Some(world.inputs.find(file.host.as_deref(), path)?.head_text());
    let table = text_of("/etc/crontab").unwrap_or_default();
    let line = table.lines().find(|line| !line.trim_start().starts_with('#') && line.contains(folder));
    let anacron = text_of("/etc/anacrontab").and_then(|text| anacron::period_of(&text, folder));
    match (line.and_then(split_schedule), anacron) {
        (Some((schedule, command)), None) => Some((schedule, command)),
        (Some((schedule, command)), Some(_)) if !command.contains("anacron") => Some((schedule, command)),
        (_, Some(period)) => return Some((period, anacron::DIALECT)),
        (None, None) => None,
    }
    .map(|(schedule, _)| (schedule.to_owned(), cron.dialect()))
}

fn folder_is(file: &InputFile, folder: &str) -> bool {
    file.inner.rsplit('/').nth(1) == Some(folder)
}

fn looks_named(file: &InputFile) -> bool {
    let name = file.name().to_ascii_lowercase();
    name.contains("crontab") || name.ends_with(".cron") || file.inner.contains("/cron.d/")
}

/// Whether most lines that are no comment, blank or setting are jobs: `Some(true)` with a user column,
/// `Some(false)` without, `None`: not a crontab. Lines that cron would reject are named when it is read.
fn table_shape(text: &str) -> Option<bool> {
    let (mut jobs, mut with_user, mut other) = (0u32, 0u32, 0u32);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if setting(line).is_some() {
            continue;
        }
        let job = split_schedule(line)
            .filter(|(schedule, _)| schedule::parse(Cron::Debian.dialect(), schedule).is_ok());
        let Some((_, rest)) = job else {
            other += 1;
            continue;
        };
        jobs += 1;
        let mut words = rest.split_whitespace();
        let first = words.next().unwrap_or("");
        let account =
            first.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b));
        let shell_word = [
            "cd",
            "test",
            "sleep",
            "flock",
            "nice",
            "env",
            "curl",
            "wget",
            "psql",
            "echo",
            "find",
            "sh",
            "bash",
            "rsync",
            "python",
            "python3",
            "php",
            "perl",
            "ruby",
            "node",
            "exec",
            "timeout",
            "ionice",
            "docker",
            "mysqldump",
            "tar",
            "cp",
            "mv",
            "rm",
            "touch",
            "sudo",
        ];
        with_user += u32::from(account && words.next().is_some() && !shell_word.contains(&first));
    }
    if jobs == 0 || other > jobs * 2 { None } else { Some(with_user == jobs) }
}

/// `NAME = value` of crontab(5): blanks around the sign allowed, one pair of quotes removed.
fn setting(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim().trim_matches(['"', '\'']);
    let valid = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !valid || name.as_bytes()[0].is_ascii_digit() {
        return None;
    }
    let value = value.trim();
    let unquoted = ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote).and_then(|inner| inner.strip_suffix(*quote)));
    Some((name.to_owned(), unquoted.unwrap_or(value).to_owned()))
}

/// The schedule and the rest of a job line: five fields, or an @keyword.
fn split_schedule(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let fields = if line.starts_with('@') { 1 } else { 5 };
    let mut end = 0;
    for _ in 0..fields {
        let start = end + (line[end..].len() - line[end..].trim_start().len());
        let length = line[start..].find(char::is_whitespace)?;
        end = start + length;
    }
    let rest = line[end..].trim_start();
    if rest.is_empty() { None } else { Some((&line[..end], rest)) }
}

/// The command, and what stands behind the first unescaped `%` (its standard input); `\%` is a percent sign.
fn split_percent(text: &str) -> (String, Option<String>) {
    let (mut command, mut stdin, mut chars) = (String::new(), None::<String>, text.chars().peekable());
    while let Some(c) = chars.next() {
        let c = match c {
            '\\' if chars.peek() == Some(&'%') => chars.next().unwrap_or('%'),
            '%' if stdin.is_none() => {
                stdin = Some(String::new());
                continue;
            }
            '%' => '\n',
            c => c,
        };
        stdin.as_mut().unwrap_or(&mut command).push(c);
    }
    (command, stdin)
}

struct Line<'a> {
    schedule: &'a str,
    dialect: &'static str,
    account: Option<Text>,
    command: &'a str,
    stdin: Option<String>,
    number: u64,
    remark: Option<&'a str>,
    guard: Option<Text>,
}

struct Table<'a> {
    file: &'a InputFile,
    world: &'a World<'a>,
    cron: Cron,
    user_column: bool,
    account: Option<Text>,
}

impl Table<'_> {
    fn read(&self, text: &str, out: &mut Evidence) -> u64 {
        let mut environment = BTreeMap::new();
        let mut comments: Vec<&str> = Vec::new();
        let mut jobs = 0;
        for (index, line) in text.lines().enumerate() {
            let number = index as u64 + 1;
            let trimmed = line.trim();
            if let Some(comment) = trimmed.strip_prefix('#') {
                comments.push(comment.trim());
                continue;
            }
            if trimmed.is_empty() {
                comments.clear();
            } else if let Some((name, value)) = setting(trimmed) {
                environment.insert(name, value);
            } else {
                let remark = comments.iter().copied().find(|comment| states_order(comment));
                jobs += u64::from(self.job(trimmed, number, remark, &environment, out));
                comments.clear();
            }
        }
        jobs
    }

    fn job(
        &self,
        line: &str,
        number: u64,
        remark: Option<&str>,
        environment: &BTreeMap<String, String>,
        out: &mut Evidence,
    ) -> bool {
        let bad = |why: &str| {
            let detail = scrub(&format!("cron rejects this line: {why}")).into_owned();
            Gap::new(Place::line(&self.file.path, number), GapCode::BadSchedule, detail)
        };
        let Some((schedule, rest)) = split_schedule(line) else {
            out.add_gap(bad("it has no command"));
            return false;
        };
        if let Err(rejected) = schedule::parse(self.cron.dialect(), schedule) {
            out.add_gap(bad(&rejected.reason));
            return false;
        }
        let (account, rest) = match (self.user_column, rest.split_once(char::is_whitespace)) {
            (false, _) => (self.account.clone(), rest),
            (true, Some((account, rest))) => (Some(Text::from(account)), rest.trim_start()),
            (true, None) => {
                out.add_gap(bad("it has no user, or no command"));
                return false;
            }
        };
        let starter = PERIODS.iter().any(|(folder, _)| rest.contains(&format!("/etc/{folder}")));
        if starter && rest.contains("run-parts") {
            // The folder's scripts are the jobs; the line that starts them only says when.
            return true;
        }
        let (command, stdin) = split_percent(rest);
        self.state(
            &Line {
                schedule,
                dialect: self.cron.dialect(),
                account,
                command: &command,
                stdin,
                number,
                remark,
                guard: None,
            },
            environment,
            out,
        );
        true
    }

    fn state(&self, line: &Line<'_>, environment: &BTreeMap<String, String>, out: &mut Evidence) {
        let of_host = self.world.zone_of_host(self.file.host.as_deref()).0;
        let zone = self.cron.zone(environment.get("CRON_TZ").map(String::as_str), &of_host);
        let schedule = match &zone {
            // Cronie reads the clock of such a zone by itself.
            Zone::Stated(own) => format!("CRON_TZ={own} {}", line.schedule),
            _ => line.schedule.to_owned(),
        };
        let job = Job::of_shell(self.file, self.world, &schedule, line.dialect, line.command, environment);
        let work = Work::Shell { text: line.command, stdin: line.stdin.as_deref() };
        let (account, remark) = (line.account.clone(), line.remark);
        let delay = environment.get("RANDOM_DELAY").filter(|_| self.cron == Cron::Cronie);
        let delay = delay.map(|minutes| Text::from(format!("RANDOM_DELAY={minutes}")));
        let guards = line.guard.clone().into_iter().chain(delay).collect();
        Job { zone, account, work, guards, line: line.number, remark, ..job }.state(out);
    }
}
