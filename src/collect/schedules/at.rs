//! Jobs of at(1) that wait in its spool (`/var/spool/cron/atjobs` of Debian, `/var/spool/at` of others): the file's
//! name tells the moment and the job's number, `atd` runs the script in it. What the script does is read as any other
//! script's; what `at` put in front of it is not shown.

use super::job::{Job, Work, Zone};
use super::{SchedulePlace, World};
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance, Text};
use crate::input::InputFile;
use jiff::Timestamp;
use std::collections::BTreeMap;

const DIALECT: &str = "at";

/// The spool of at.
pub struct AtSpool;

impl SchedulePlace for AtSpool {
    fn about(&self) -> &'static About {
        &About {
            name: "at-spool",
            title: "jobs waiting in the spool of at",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let in_place = ["var/spool/cron/atjobs/", "var/spool/at/", "var/spool/atjobs/"];
        in_place.iter().any(|folder| file.inner.contains(folder)) && file.head_text().starts_with("#!")
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let Some((number, moment)) = job_of(file.name()) else {
            let detail = "its name tells no moment, as names in the spool of at do";
            out.add_gap(Gap::new(Place::whole(&file.path), GapCode::BadSchedule, detail));
            return 0;
        };
        let (line, command) = command(text);
        let account = text.lines().find_map(|line| line.strip_prefix("# mail ")?.split_whitespace().next());
        let environment = BTreeMap::new();
        let job = Job::of_shell(file, world, &moment.to_string(), DIALECT, command, &environment);
        let shown = command.split_whitespace().collect::<Vec<_>>().join(" ");
        let work = Work::ShellIn { text: &file.inner, shown: &shown, input: file.path.clone(), line };
        let (name, account) = (format!("at-{number}"), account.map(Text::from));
        Job { zone: Zone::None, name: Some(&name), account, work, line, ..job }.state(out);
        1
    }
}

/// A letter for the queue, five hexadecimal digits for the job, eight for the minutes since 1970; `=` in front of a
/// job that is running.
fn job_of(name: &str) -> Option<(u32, Timestamp)> {
    let name = name.strip_prefix('=').unwrap_or(name);
    let (queue, digits) = name.split_at_checked(1)?;
    let hex = digits.len() == 13 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let (number, minutes) = digits.split_at_checked(5).filter(|_| hex)?;
    let minutes = i64::from_str_radix(minutes, 16).ok()?;
    let named = queue.bytes().all(|b| b.is_ascii_alphabetic());
    let moment = Timestamp::from_second(minutes.checked_mul(60)?).ok().filter(|_| named)?;
    Some((u32::from_str_radix(number, 16).ok()?, moment))
}

/// The lines behind what `at` puts in front of them, and where they begin, counted from 1.
fn command(text: &str) -> (u64, &str) {
    let mut at = 0;
    let mut behind = (1, text);
    let mut entered = false;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        at += line.len();
        let line = line.trim_end();
        entered |= line.starts_with("cd ") && line.ends_with("|| {");
        if entered && line == "}" {
            behind = (index as u64 + 2, &text[at..]);
            break;
        }
    }
    behind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_number_and_the_moment() {
        // 29929080 minutes after 1970.
        let told = |name: &str| job_of(name).map(|(number, moment)| format!("{number} at {moment}"));
        assert_eq!(told("a0000101c8ae78").as_deref(), Some("1 at 2026-11-27T02:00:00Z"));
        assert_eq!(told("=b0001f01c8ae78").as_deref(), Some("31 at 2026-11-27T02:00:00Z"));
        assert_eq!(told("=0000101c8ae78"), None);
        for name in ["", "a", ".SEQ", "a0000101c8ae7", "a0000101c8ae7g", "é0000101c8ae78"] {
            assert_eq!(told(name), None, "{name}");
        }
    }

    #[test]
    fn what_at_puts_in_front_is_left_out() {
        let text = "#!/bin/sh\numask 22\ncd /srv || {\n\t echo x >&2\n\t exit 1\n}\n/opt/a.sh\n";
        assert_eq!(command(text), (7, "/opt/a.sh\n"));
        assert_eq!(command("#!/bin/sh\n/opt/a.sh\n"), (1, "#!/bin/sh\n/opt/a.sh\n"));
    }
}
