//! Schedules of applications on the JVM: Spring's `@Scheduled` and what is registered beside it, the XML of its task
//! namespace, and Quartz in the same files. One reader takes a file whole, whichever of the two it was claimed for, as
//! many applications use both. A method's own work is the application's code and is not followed here.

mod annotations;
mod registered;
mod settings;
mod xml;

pub(super) use annotations::guards;
pub(super) use registered::{computed, millis, zone_of};
pub(super) use settings::Properties;

use super::code::{Code, Language, Names, state};
use super::{SchedulePlace, World, quartz};
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance};
use crate::input::InputFile;
use memchr::memmem;

/// Spring's scheduled methods and tasks.
pub struct Scheduled;

/// What words of a file say that it schedules something by Spring.
const WORDS: [&str; 4] =
    ["@Scheduled", "ScheduledTaskRegistrar", "new CronTrigger(", "scheduling.support.CronTrigger"];

impl SchedulePlace for Scheduled {
    fn about(&self) -> &'static About {
        &About {
            name: "spring-scheduled",
            title: "Spring: @Scheduled, task registrars, <task:scheduled>; Quarkus' @Scheduled",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        if file.name().ends_with(".xml") {
            return xml::is_one(&file.head_text());
        }
        language(file).is_some() && holds(file, &WORDS)
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        read(file, text, world, out)
    }
}

/// The language of a file of an application on the JVM.
pub(super) fn language(file: &InputFile) -> Option<Language> {
    match file.name().rsplit_once('.')?.1 {
        "java" => Some(Language::Java),
        "kt" => Some(Language::Kotlin),
        _ => None,
    }
}

/// Whether one of these words stands in a file; behind its first bytes the rest is read, within the limits of texts.
pub(super) fn holds(file: &InputFile, words: &[&str]) -> bool {
    let found = |bytes: &[u8]| words.iter().any(|word| memmem::find(bytes, word.as_bytes()).is_some());
    found(&file.head)
        || (file.size > file.head.len() as u64 && file.text().is_ok_and(|text| found(text.as_bytes())))
}

/// Reads a file for both schedulers.
pub(super) fn read(file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
    let properties = Properties::of(file, world);
    let jobs = match language(file) {
        Some(language) => {
            let code = Code::of(text, language);
            if let Some((line, why)) = code.broken {
                out.add_gap(Gap::new(Place::line(&file.path, line), GapCode::Unparsed, why));
            }
            let mut jobs = annotations::read(&code, text, &properties, out);
            jobs.extend(registered::read(&code, text, &properties));
            jobs.extend(quartz::code(&code, text, &properties, out));
            jobs
        }
        None => {
            let (root, broken) = super::xml::read(text);
            if let Some(why) = broken {
                out.add_gap(Gap::new(Place::whole(&file.path), GapCode::Unparsed, why));
            }
            let mut jobs = xml::tasks(&root, &properties);
            jobs.extend(quartz::documents(&root, &properties));
            jobs
        }
    };
    for gap in properties.gaps() {
        out.add_gap(gap);
    }
    let mut names = Names::of(file);
    jobs.into_iter().map(|job| u64::from(state(job, &mut names, file, world, out))).sum()
}
