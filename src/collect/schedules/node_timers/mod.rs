//! Schedules that JavaScript and TypeScript give to packages of npm: node-cron, cron, node-schedule, Bull and BullMQ,
//! Agenda, and NestJS' decorators. A call is told from what the file imports from the package, so that nobody else's
//! `schedule` is taken for one; where the file hands the package on under another name, nothing is followed. `setInterval`
//! and jobs that run once are no schedules here.

mod calls;
mod imports;
mod nest;
mod rules;

use super::code::{Code, Language, Names, state};
use super::{SchedulePlace, World};
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance};
use crate::input::InputFile;
use imports::Imports;
use memchr::memmem;

/// Packages that schedule jobs.
pub struct NodeTimers;

/// Endings of JavaScript and TypeScript.
const ENDINGS: [&str; 8] = ["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx"];
/// The packages; what begins with one and a slash is a part of it.
const PACKAGES: [&str; 10] = [
    "node-cron",
    "cron",
    "node-schedule",
    "bull",
    "bullmq",
    "agenda",
    "@hokify/agenda",
    "@nestjs/schedule",
    "@nestjs/bull",
    "@nestjs/bullmq",
];

impl SchedulePlace for NodeTimers {
    fn about(&self) -> &'static About {
        &About {
            name: "node-schedules",
            title: "Node: node-cron, cron, node-schedule, Bull, BullMQ, Agenda, NestJS' @Cron and @Interval",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let ending = file.name().rsplit_once('.').map(|(_, ending)| ending);
        ending.is_some_and(|ending| ENDINGS.contains(&ending))
            && PACKAGES.iter().any(|name| is_named(&file.head, name))
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let code = Code::of(text, Language::Script);
        if let Some((line, why)) = code.broken {
            out.add_gap(Gap::new(Place::line(&file.path, line), GapCode::Unparsed, why));
        }
        let imports = Imports::of(&code, &PACKAGES);
        let stem = file.name().split('.').next().unwrap_or("job");
        let file_of = Source { code: &code, imports: &imports, stem };
        let mut jobs = nest::read(&file_of);
        jobs.extend(calls::read(&file_of));
        jobs.sort_by_key(|job| job.line);
        let mut names = Names::of(file);
        jobs.into_iter().map(|job| u64::from(state(job, &mut names, file, world, out))).sum()
    }
}

/// Whether a text holds a name in quotes.
fn is_named(text: &[u8], name: &str) -> bool {
    memmem::find_iter(text, name.as_bytes()).any(|at| {
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        let behind = text.get(at + name.len());
        matches!(
            (before, behind),
            (Some(b'"'), Some(b'"')) | (Some(b'\''), Some(b'\'')) | (Some(b'`'), Some(b'`'))
        )
    })
}

/// A file with what it imports.
struct Source<'c> {
    code: &'c Code,
    imports: &'c Imports,
    /// The file's name without endings.
    stem: &'c str,
}

impl Source<'_> {
    /// What a place stands in, as a name for a job: `Class.method`, a function, else the file.
    fn place_name(&self, at: usize) -> String {
        match (self.code.class_at(at), self.code.function_at(at)) {
            (Some(class), Some(function)) => format!("{class}.{function}"),
            (Some(class), None) => class.to_owned(),
            (None, Some(function)) => format!("{}.{function}", self.stem),
            (None, None) => self.stem.to_owned(),
        }
    }
}
