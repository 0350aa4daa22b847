//! Places where schedules are kept, one file per kind of place. A job's command is read for what it touches;
//! the files it runs are named as facts, never opened here. Whether two jobs are one is for `resolve`.

mod airflow;
mod anacron;
mod ansible;
mod apscheduler;
mod at;
mod autosys;
mod calls;
mod celery;
mod chef;
mod code;
mod control_m;
mod crontab;
mod crontab_host;
mod databases;
mod embedded;
mod github;
mod gitlab;
mod groovy;
mod hangfire;
mod helm;
mod installed;
mod jenkins;
mod job;
mod kubernetes;
mod laravel;
use super::manifest;
mod node;
mod node_timers;
mod puppet;
mod python;
mod quartz;
mod ruby;
mod rufus;
mod salt;
mod salt_files;
mod sidekiq;
mod spring;
mod systemd;
mod terraform;
mod tokens;
mod units;
mod values;
mod whenever;
mod windows;
mod xml;
mod yaml;

use super::{Family, World};
use crate::evidence::{About, Evidence, InputRecord, InputStatus};
use crate::input::InputFile;
use crate::settings::Settings;

/// A kind of place where schedules are kept.
pub trait SchedulePlace: Sync {
    /// Its row in the table.
    fn about(&self) -> &'static About;
    /// Whether this file is one.
    fn claims(&self, file: &InputFile) -> bool;
    /// Whether that is sure whatever the file is called, so that no other kind may take it for its name.
    fn knows(&self, _: &InputFile) -> bool {
        false
    }
    /// States its jobs and gives how many there were.
    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64;
}

/// All kinds of places.
pub static PLACES: &[&dyn SchedulePlace] = &[
    &ansible::Ansible,
    &anacron::Anacrontab,
    &at::AtSpool,
    &crontab::SystemCrontab,
    &crontab::UserCrontab,
    &crontab::RunParts,
    &systemd::Timers,
    &puppet::Puppet,
    &rufus::Rufus,
    &rufus::Clockwork,
    &chef::Chef,
    &salt::Salt,
    &whenever::Whenever,
    &sidekiq::Yaml,
    &sidekiq::Ruby,
    &laravel::Laravel,
    &hangfire::Hangfire,
    &terraform::Terraform,
    &kubernetes::CronJobs,
    &github::Workflows,
    &gitlab::Schedules,
    &jenkins::Jenkinsfile,
    &jenkins::JobConfig,
    &airflow::Dags,
    &celery::Beat,
    &apscheduler::Jobs,
    &spring::Scheduled,
    &quartz::Jobs,
    &node_timers::NodeTimers,
    &embedded::YamlCrontab,
    &embedded::ScriptedCrontab,
    &windows::Tasks,
    &windows::Registered,
    &windows::Schtasks,
    &autosys::Jil,
    &control_m::Export,
    &control_m::AsCode,
    &databases::PgCron,
    &databases::MysqlEvents,
    &databases::SqlAgent,
    &databases::DbmsScheduler,
];

/// Readers of what configuration management installs for jobs to run, beside the jobs that a file has; those of Puppet are
/// read with its jobs.
pub static INSTALLERS: &[&dyn SchedulePlace] = &[&ansible::Files, &chef::Files, &salt_files::Files];

/// The family.
pub struct Schedules;

fn place_of(file: &InputFile) -> Option<&'static dyn SchedulePlace> {
    if let Some(kind) = &file.forced {
        return PLACES.iter().copied().find(|place| place.about().name == &**kind);
    }
    if !file.is_text() {
        return None;
    }
    let sure = PLACES.iter().copied().find(|place| place.knows(file));
    sure.or_else(|| PLACES.iter().copied().find(|place| place.claims(file)))
}

fn installer_of(file: &InputFile) -> Option<&'static dyn SchedulePlace> {
    let installs = |it: &&dyn SchedulePlace| file.forced.is_none() && file.is_text() && it.claims(file);
    INSTALLERS.iter().copied().find(|it| installs(it))
}

impl Family for Schedules {
    fn name(&self) -> &'static str {
        "schedules"
    }

    fn claim(&self, file: &InputFile, _: &Settings) -> Option<&'static str> {
        place_of(file).or_else(|| installer_of(file)).map(|place| place.about().name)
    }

    fn collect(&self, files: &[&InputFile], world: &World<'_>) -> Evidence {
        let mut evidence = Evidence::new();
        for file in files {
            let (jobs, files) = (place_of(file), installer_of(file));
            let Some(place) = jobs.or(files) else { continue };
            let mut record = InputRecord::new(&file.path, place.about().name, InputStatus::Read);
            match file.text() {
                Err(error) => {
                    evidence.add_gap(file.gap(&error));
                    record.status = InputStatus::Failed;
                }
                Ok(text) => {
                    let read = |place: &dyn SchedulePlace, evidence: &mut Evidence| {
                        place.read(file, &text, world, evidence)
                    };
                    let installed = files.map_or(0, |files| read(files, &mut evidence));
                    record.records = jobs.map_or(installed, |jobs| read(jobs, &mut evidence));
                }
            }
            evidence.add_input(record);
        }
        evidence
    }
}
