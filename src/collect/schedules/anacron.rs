//! `/etc/anacrontab` (anacrontab(5)): jobs that run once in a period of days, whenever the machine is on, after a
//! delay in minutes. No clock time can be told beyond the hours that `START_HOURS_RANGE` allows, which travel among
//! the guards. The scripts of `cron.daily` and its like that it starts are jobs of their own place, not of this one.

use super::job::{Job, Work, Zone, states_order};
use super::{SchedulePlace, World};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance, Text};
use crate::input::InputFile;
use crate::schedule;
use std::collections::BTreeMap;

pub(super) const DIALECT: &str = "anacron";

/// Anacron's table.
pub struct Anacrontab;

/// Settings of anacron that change when it starts.
const TIMING: [&str; 2] = ["START_HOURS_RANGE", "RANDOM_DELAY"];

impl SchedulePlace for Anacrontab {
    fn about(&self) -> &'static About {
        &About { name: "anacrontab", title: "/etc/anacrontab", provenance: Provenance::Documented }
    }

    fn claims(&self, file: &InputFile) -> bool {
        file.name() == "anacrontab"
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let mut environment = BTreeMap::new();
        let mut remark = None;
        let mut jobs = 0;
        for (index, line) in text.lines().enumerate() {
            let (number, line) = (index as u64 + 1, line.trim());
            if let Some(comment) = line.strip_prefix('#') {
                remark = Some(comment.trim()).filter(|comment| states_order(comment)).or(remark);
            } else if let Some((name, value)) = setting(line) {
                environment.insert(name.to_owned(), value.trim_matches(['"', '\'']).to_owned());
            } else if !line.is_empty() {
                let told = Line::parse(line);
                match told {
                    Ok(told) => jobs += u64::from(told.state(file, world, number, remark, &environment, out)),
                    Err(why) => {
                        let detail = scrub(&format!("anacron rejects this line: {why}")).into_owned();
                        out.add_gap(Gap::new(Place::line(&file.path, number), GapCode::BadSchedule, detail));
                    }
                }
                remark = None;
            }
        }
        jobs
    }
}

/// The period and delay of the line that starts the scripts of a folder.
pub(super) fn period_of(text: &str, folder: &str) -> Option<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#') && setting(line).is_none());
    let mut told = lines.filter_map(|line| Line::parse(line).ok());
    told.find(|line| line.starts_folder() == Some(folder)).map(|line| line.schedule)
}

/// `NAME=value`, the name in front of any blank.
fn setting(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let named = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    (named && !name.as_bytes()[0].is_ascii_digit()).then_some((name, value.trim()))
}

/// One job's line.
struct Line<'a> {
    schedule: String,
    identifier: &'a str,
    command: &'a str,
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Result<Line<'a>, String> {
        let mut rest = line;
        let mut next = |what: &str| {
            let end = rest.find([' ', '\t']).ok_or_else(|| format!("it has no {what}"))?;
            let (word, after) = rest.split_at(end);
            rest = after.trim_start();
            Ok::<&str, String>(word)
        };
        let (period, delay, identifier) = (next("delay")?, next("identifier")?, next("command")?);
        let schedule = format!("{period} {delay}");
        schedule::parse(DIALECT, &schedule).map_err(|rejected| rejected.reason)?;
        Ok(Line { schedule, identifier, command: rest })
    }

    /// The folder whose scripts it starts.
    fn starts_folder(&self) -> Option<&'static str> {
        let folders = ["cron.hourly", "cron.daily", "cron.weekly", "cron.monthly"];
        let starts = |folder: &&str| self.command.contains(&format!("/etc/{folder}"));
        folders.into_iter().filter(|_| self.command.contains("run-parts")).find(starts)
    }

    fn state(
        &self,
        file: &InputFile,
        world: &World<'_>,
        number: u64,
        remark: Option<&str>,
        environment: &BTreeMap<String, String>,
        out: &mut Evidence,
    ) -> bool {
        if self.starts_folder().is_some() {
            // The folder's scripts are the jobs; the line that starts them only says when.
            return true;
        }
        let job = Job::of_shell(file, world, &self.schedule, DIALECT, self.command, environment);
        let timing = TIMING.iter().filter_map(|name| Some(format!("{name}={}", environment.get(*name)?)));
        let guards = timing.map(|guard| Text::from(scrub(&guard).as_ref())).collect();
        let work = Work::Shell { text: self.command, stdin: None };
        let account = Some(Text::from("root"));
        let name = Some(self.identifier);
        Job { zone: Zone::None, name, account, work, guards, line: number, remark, ..job }.state(out);
        true
    }
}
