//! Jobs that are functions, classes or tasks of an application, stated: what they are called, their schedules checked
//! against the dialect, and a gap for each that it rejects or that a run computes. It never says whose job it is.

use crate::collect::schedules::World;
use crate::collect::schedules::job::{Job, Part, Work, Zone};
use crate::evidence::scrub::scrub;
use crate::evidence::{Evidence, Gap, GapCode, Place, Text};
use crate::input::{InputFile, scope_of};
use crate::schedule::{self, Clock};
use std::collections::{BTreeMap, BTreeSet};

/// How many jobs of one file are stated.
pub(in crate::collect::schedules) const MAX_JOBS: usize = 2_000;

/// Names of the jobs of a file, each given once.
pub(in crate::collect::schedules) struct Names {
    module: String,
    given: BTreeSet<String>,
}

/// A job as code tells it.
pub(in crate::collect::schedules) struct JobOf {
    /// `Class.method`, or whatever its scheduler calls it.
    pub name: String,
    /// What it does, for people.
    pub what: String,
    /// The lines of the function that it is, where that stands in the same file.
    pub lines: Option<(u64, u64)>,
    /// The class that it is, where that is known by its simple name.
    pub class: Option<String>,
    /// Its schedules; the error says why one has no text: `computed: f(x)`.
    pub schedules: Vec<Result<String, String>>,
    /// The dialect they are written in.
    pub dialect: &'static str,
    /// The zone; `None`: that of the process.
    pub zone: Option<Zone>,
    /// What holds it back, as written.
    pub guards: Vec<Text>,
    /// Its line.
    pub line: u64,
}

impl Names {
    /// For a file.
    pub fn of(file: &InputFile) -> Names {
        let path = &*file.path;
        let roots = ["/src/", "/app/", "/lib/", "/server/"];
        let above = roots.iter().filter_map(|root| path.find(root)).min().map(|at| &path[..at]);
        let module = above.and_then(|above| above.rsplit('/').next()).unwrap_or("");
        Names { module: module.to_owned(), given: BTreeSet::new() }
    }

    /// `module/name`, with a number where the file has it already.
    fn give(&mut self, name: &str) -> Option<String> {
        if self.given.len() >= MAX_JOBS {
            return None;
        }
        let own = if self.module.is_empty() { name.to_owned() } else { format!("{}/{name}", self.module) };
        let numbered = (2..).map(|number| format!("{own} {number}"));
        let free = std::iter::once(own.clone()).chain(numbered).find(|name| !self.given.contains(name))?;
        self.given.insert(free.clone());
        Some(free)
    }
}

/// States a job; whether it is one.
pub(in crate::collect::schedules) fn state(
    job: JobOf,
    names: &mut Names,
    file: &InputFile,
    world: &World<'_>,
    out: &mut Evidence,
) -> bool {
    let mut gap = |code: GapCode, why: String| {
        out.add_gap(Gap::new(Place::line(&file.path, job.line), code, scrub(&why).into_owned()));
    };
    let (mut schedules, mut clock) = (Vec::new(), Vec::new());
    for told in job.schedules {
        match told {
            Err(why) => gap(GapCode::Unresolved, format!("the schedule of {} is {why}", job.name)),
            Ok(text) => match schedule::parse(job.dialect, &text) {
                Ok(read) => {
                    clock.push(read.clock());
                    schedules.push(text);
                }
                Err(rejected) => {
                    let why = format!("{text}: {} rejects it: {}", job.dialect, rejected.reason);
                    gap(GapCode::BadSchedule, why);
                }
            },
        }
    }
    if schedules.is_empty() {
        return false;
    }
    let Some(name) = names.give(&job.name) else {
        gap(GapCode::Limit, format!("MAX_JOBS: more than {MAX_JOBS} jobs in one file"));
        return false;
    };
    let timeless = clock.iter().all(|clock| matches!(clock, Clock::Boot | Clock::Interval { .. }));
    let own = job.lines.map(|lines| Part { file: file.path.clone(), lines });
    let part = own.or_else(|| Part::of_class(job.class.as_deref()?, &[".java", ".kt"], file, world));
    let environment = BTreeMap::new();
    Job {
        name: Some(&name),
        schedules,
        zone: if timeless { Zone::None } else { job.zone.unwrap_or(Zone::OfHost) },
        work: Work::Code { shown: &job.what, part },
        guards: job.guards,
        line: job.line,
        scope: scope_of(&file.path, ""),
        ..Job::of_shell(file, world, "", job.dialect, "", &environment)
    }
    .state(out);
    true
}
