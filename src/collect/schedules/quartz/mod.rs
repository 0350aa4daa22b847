//! Schedules of Quartz: triggers that code builds, beans of Spring that make triggers, and the XML that its
//! XMLSchedulingDataProcessorPlugin loads. A trigger without its own schedule, and one of a kind that is not read (daily
//! time intervals, calendar intervals), is a gap. What a job class does is the application's code.

mod documents;
mod triggers;

pub(super) use documents::read as documents;
pub(super) use triggers::read as code;

use super::{SchedulePlace, World, spring};
use crate::evidence::{About, Evidence, Provenance};
use crate::input::InputFile;

/// Triggers of Quartz.
pub struct Jobs;

/// What words of code say that it makes a trigger.
const WORDS: [&str; 10] = [
    "cronSchedule(",
    "simpleSchedule(",
    "CronScheduleBuilder",
    "SimpleScheduleBuilder",
    "CronTriggerImpl",
    "CronTriggerFactoryBean",
    "SimpleTriggerFactoryBean",
    "CalendarIntervalScheduleBuilder",
    "DailyTimeIntervalScheduleBuilder",
    "newTrigger(",
];

impl SchedulePlace for Jobs {
    fn about(&self) -> &'static About {
        &About {
            name: "quartz-jobs",
            title: "Quartz: triggers in Java and Kotlin, job scheduling data, Spring's trigger beans",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        if file.name().ends_with(".xml") {
            return documents::is_one(&file.head_text());
        }
        spring::language(file).is_some() && spring::holds(file, &WORDS)
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        spring::read(file, text, world, out)
    }
}
