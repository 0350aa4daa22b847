//! Crontabs in all their places, as the host's cron reads them (crontab(5), cron(8), run-parts(8)): system
//! crontabs with a user column, a user's own, and the scripts of `cron.hourly` to `cron.monthly`; their templates and
//! what trees keep to be put there. It is Debian's cron unless the host's own files say otherwise. Commented lines are
//! not jobs. It never evaluates a schedule; a line cron would reject is a gap.

mod refusal;
mod shape;
mod table;

use super::crontab_host::Cron;
use super::{SchedulePlace, World, anacron};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance, Text};
use crate::input::{InputFile, scope_of};
use shape::shape;
use std::collections::BTreeMap;
use table::{Line, split_schedule};
pub(super) use table::{Table, setting};

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
        in_place || (looks_named(file) && shape(file) == Some(true)) || shape::is_table(file)
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        // In a tree of templates the name is given where it is put in place.
        let in_place = file.host.is_some() || file.inner.contains("etc/cron.d/");
        let cron = Cron::of_system(file, world);
        if folder_is(file, "cron.d")
            && in_place
            && let Err(why) = cron.reads_name(stem(file))
        {
            let detail = format!("cron ignores this file: {why}");
            out.add_gap(Gap::new(Place::whole(&file.path), GapCode::BadSchedule, detail));
            return 0;
        }
        table(file, world, cron, true, None).read(text, out)
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
            || (looks_named(file) && shape(file) == Some(false))
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let spool = file.inner.contains("var/spool/cron") || file.inner.starts_with("/etc/crontabs/");
        let account = spool.then(|| Text::from(file.name()));
        table(file, world, Cron::of_user(file, world), false, account).read(text, out)
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
        if let Err(why) = cron.reads_name(stem(file)) {
            let detail = format!("run-parts ignores this file: {why}");
            out.add_gap(Gap::new(Place::whole(&file.path), GapCode::BadSchedule, detail));
            return 0;
        }
        let Some((folder, _)) = PERIODS.iter().find(|(folder, _)| folder_is(file, folder)) else {
            return 0;
        };
        if let Some(why) = stopped(file, world, cron, folder) {
            out.add_gap(Gap::new(Place::whole(&file.path), GapCode::BadSchedule, why));
            return 0;
        }
        let table = table(file, world, cron, true, None);
        let Some((schedule, dialect)) = periodic(&file.inner, file, world, cron) else { return 0 };
        let job = Line {
            schedule: &schedule,
            dialect,
            account: Some(Text::from("root")),
            command: TEMPLATES.iter().find_map(|end| file.inner.strip_suffix(end)).unwrap_or(&file.inner),
            stdin: None,
            number: 1,
            remark: None,
            guard: leaves_to_systemd(text),
            called: None,
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

/// Why a script in a folder of run-parts does not run: it is not executable while others beside it are, or Debian's
/// cron ignores the table that starts it.
fn stopped(file: &InputFile, world: &World<'_>, cron: Cron, folder: &str) -> Option<&'static str> {
    file.host.as_ref()?;
    let beside = |other: &&InputFile| other.host == file.host && folder_of(other) == folder_of(file);
    if executable(file) == Some(false)
        // A copy may have lost all modes.
        && world.inputs.files.iter().filter(beside).any(|other| executable(other) == Some(true))
    {
        return Some("run-parts skips this file: it is not executable, and others beside it are");
    }
    let own = world.inputs.find(file.host.as_deref(), "/etc/crontab")?;
    let starts =
        |text: &str| text.lines().any(|line| !line.trim_start().starts_with('#') && line.contains(folder));
    let text = own.text().ok().filter(|text| starts(text))?;
    let by_cron = cron == Cron::Debian && own.host == file.host;
    let by_anacron = world.inputs.find(file.host.as_deref(), "/etc/anacrontab").is_some();
    (by_cron && !by_anacron && refusal::refusal(&text, true).is_some())
        .then_some("cron does not start this script: it ignores /etc/crontab as a whole")
}

/// Whether somebody may execute it; `None` where the system has no such mode.
fn executable(file: &InputFile) -> Option<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&file.real).ok()?.permissions().mode();
        Some(mode & 0o111 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        None
    }
}

fn folder_of(file: &InputFile) -> &str {
    file.inner.rsplit_once('/').map_or("", |(folder, _)| folder)
}

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

/// When a script at this path is started, and in which dialect that is said; `None`: it lies in no folder of run-parts.
pub(super) fn periodic(
    path: &str,
    file: &InputFile,
    world: &World<'_>,
    cron: Cron,
) -> Option<(String, &'static str)> {
    let own = path.rsplit('/').nth(1)?;
    let (folder, usual) = PERIODS.iter().find(|(folder, _)| *folder == own)?;
    let told = run_parts_schedule(file, world, cron, folder);
    Some(told.unwrap_or_else(|| ((*usual).to_owned(), cron.dialect())))
}

/// How the names of templates end; what is put in place has no such ending.
const TEMPLATES: [&str; 6] = [".j2", ".erb", ".epp", ".tmpl", ".tpl", ".template"];

/// The file's name, without the ending of a template.
fn stem(file: &InputFile) -> &str {
    let name = file.name();
    TEMPLATES.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

fn table<'a>(
    file: &'a InputFile,
    world: &'a World<'a>,
    cron: Cron,
    user_column: bool,
    account: Option<Text>,
) -> Table<'a> {
    // Jinja's templates of roles often keep the name of what they make.
    let template = stem(file) != file.name() || file.inner.contains("/templates/");
    let scope = scope_of(&file.path, "");
    Table {
        file,
        world,
        cron,
        host: file.host.clone(),
        user_column,
        account,
        template,
        first_line: 1,
        use_of: None,
        scope,
    }
}

fn folder_is(file: &InputFile, folder: &str) -> bool {
    file.inner.rsplit('/').nth(1) == Some(folder)
}

/// Whether it is a table that cron itself reads, copied from a host.
fn in_place(file: &InputFile) -> bool {
    let system = &*file.inner == "/etc/crontab" || file.inner.starts_with("/etc/cron.d/");
    file.host.is_some() && (system || file.inner.starts_with("/var/spool/cron/"))
}

/// Whether the name of the file or of its folder speaks of cron; the content decides.
fn looks_named(file: &InputFile) -> bool {
    let mut parts = file.inner.rsplit('/').take(2);
    parts.any(|part| part.to_ascii_lowercase().contains("cron")) || file.inner.contains("/cron.d/")
}
