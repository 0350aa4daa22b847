//! `schtasks /create` in batch files and PowerShell scripts, one call a line (its reference, "schtasks create"). A task
//! that a script creates counts from the day somebody ran it, which nobody knows here; a value that a script fills in
//! keeps its job without runs. Times of a machine that writes them otherwise than `HH:mm` are refused.

use super::super::job::{Job, zone_of};
use super::super::{SchedulePlace, World};
use super::off::is_off;
use super::{DIALECT, account, created, words};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance};
use crate::input::{InputFile, scope_of};
use crate::schedule;
use std::collections::BTreeMap;

/// Scripts that create tasks.
pub struct Schtasks;

/// Days of `/d` as the dialect has them.
const DAYS: [(&str, &str); 7] = [
    ("MON", "Monday"),
    ("TUE", "Tuesday"),
    ("WED", "Wednesday"),
    ("THU", "Thursday"),
    ("FRI", "Friday"),
    ("SAT", "Saturday"),
    ("SUN", "Sunday"),
];
/// Months of `/m`.
const MONTHS: [(&str, &str); 12] = [
    ("JAN", "January"),
    ("FEB", "February"),
    ("MAR", "March"),
    ("APR", "April"),
    ("MAY", "May"),
    ("JUN", "June"),
    ("JUL", "July"),
    ("AUG", "August"),
    ("SEP", "September"),
    ("OCT", "October"),
    ("NOV", "November"),
    ("DEC", "December"),
];
/// What `/sc` has that no clock starts.
const HAPPENINGS: [(&str, &str); 4] =
    [("ONSTART", "boot"), ("ONLOGON", "logon"), ("ONIDLE", "idle"), ("ONEVENT", "event")];

impl SchedulePlace for Schtasks {
    fn about(&self) -> &'static About {
        &About {
            name: "schtasks",
            title: "Windows Task Scheduler: schtasks /create in scripts",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let name = file.name().to_ascii_lowercase();
        let script = [".bat", ".cmd", ".ps1", ".psm1"].iter().any(|ending| name.ends_with(ending));
        script && file.text().is_ok_and(|text| text.lines().any(creates))
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let batch = !file.name().to_ascii_lowercase().contains(".ps");
        let continues = if batch { '^' } else { '`' };
        let constants = if batch { constants(text) } else { BTreeMap::new() };
        let mut calls: Vec<(u64, usize)> = Vec::new();
        let mut joined: Vec<String> = Vec::new();
        let mut lines = text.lines().zip(1u64..);
        while let Some((line, number)) = lines.next() {
            let mut whole = line.to_owned();
            while whole.trim_end().ends_with(continues) {
                whole.truncate(whole.trim_end().len() - 1);
                let Some((next, _)) = lines.next() else { break };
                whole.push(' ');
                whole.push_str(next.trim_start());
            }
            if creates(&whole) {
                calls.push((number, joined.len()));
            }
            joined.push(if batch { with_constants(&whole, &constants) } else { whole });
        }
        let on = calls.iter().filter(|(_, at)| {
            let task = options(&joined[*at]);
            !task.get("tn").is_some_and(|task| is_off(&joined, *at, task, batch))
        });
        on.map(|(number, at)| u64::from(create(file, world, &joined[*at], *number, out))).sum()
    }
}

/// What a batch file gives its variables, where it does so once and with a constant.
fn constants(text: &str) -> BTreeMap<String, Option<&str>> {
    let mut constants: BTreeMap<String, Option<&str>> = BTreeMap::new();
    for line in text.lines() {
        let line = line.trim_start_matches([' ', '\t', '@']).trim_end();
        let given = line.get(..4).filter(|word| word.eq_ignore_ascii_case("set "));
        let Some((name, value)) = given.and_then(|_| line[4..].trim().trim_matches('"').split_once('='))
        else {
            continue;
        };
        let value = Some(value).filter(|value| !value.contains(['%', '!']) && !name.starts_with('/'));
        constants.entry(name.trim().to_lowercase()).and_modify(|known| *known = None).or_insert(value);
    }
    constants
}

/// A line with the constants of its file.
fn with_constants(line: &str, constants: &BTreeMap<String, Option<&str>>) -> String {
    let (mut out, mut rest) = (String::new(), line);
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let name = after.split_once('%').map(|(name, _)| name);
        match name.and_then(|name| Some((name, (*constants.get(&name.to_lowercase())?)?))) {
            Some((name, value)) => {
                out.push_str(value.trim_matches('"'));
                rest = &after[name.len() + 1..];
            }
            None => {
                out.push('%');
                rest = after;
            }
        }
    }
    out + rest
}

/// Whether a line calls `schtasks /create`, and is no comment.
fn creates(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    calls(line) && lower.find("schtasks").is_some_and(|at| lower[at..].contains("/create"))
}

/// Whether a line calls `schtasks`, and is no comment.
pub(super) fn calls(line: &str) -> bool {
    let lower = line.trim_start().to_ascii_lowercase();
    let comment = lower.starts_with(['#', ':']) || lower.trim_start_matches('@').starts_with("rem ");
    let said = ["echo ", "@echo ", "write-", "set "].iter().any(|word| lower.starts_with(word));
    lower.contains("schtasks") && !comment && !said
}

/// The options of a call, by their names in lower case.
pub(super) struct Options {
    given: BTreeMap<String, String>,
}

impl Options {
    /// The value of an option that has one.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Whether an option is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    fn number(&self, name: &str, most: i64) -> Result<i64, String> {
        let Some(value) = self.get(name) else { return Ok(1) };
        let number = value.parse().ok().filter(|number| (1..=most).contains(number));
        number.ok_or_else(|| format!("/{name} {value} is not in 1-{most}"))
    }
}

/// The words of the call, up to what would come behind it on its line.
pub(super) fn options(line: &str) -> Options {
    let at = line.to_ascii_lowercase().find("schtasks").unwrap_or(0);
    // A quote in a quoted command is written `\"`, or `"` in single quotes of PowerShell.
    let line = &line[at..];
    let words = if line.contains('\'') { words::words(&single(line)) } else { words::words(line) };
    let mut given: BTreeMap<String, String> = BTreeMap::new();
    let mut words = words.into_iter().skip(1).peekable();
    while let Some(word) = words.next() {
        if matches!(word.as_str(), "&" | "&&" | "||" | "|" | ";") || word.starts_with('>') {
            break;
        }
        let Some(name) = word.strip_prefix('/') else { continue };
        let value = words.next_if(|next| !next.starts_with('/')).unwrap_or_default();
        given.entry(name.to_ascii_lowercase()).or_insert(value);
    }
    Options { given }
}

/// Single quotes of PowerShell as double ones, what is double-quoted in them escaped.
fn single(line: &str) -> String {
    let (mut text, mut inside, mut double) = (String::new(), false, false);
    for c in line.chars() {
        match c {
            '\'' if !double => {
                inside = !inside;
                text.push('"');
            }
            '"' if inside => text.push_str("\\\""),
            '"' => {
                double = !double;
                text.push(c);
            }
            c => text.push(c),
        }
    }
    text
}

/// What a script fills in (`%NAME%`, `$name`), made placeholders of the dialects.
fn filled(value: &str) -> String {
    if let Some(name) = value.strip_prefix('$').filter(|name| !name.starts_with('{')) {
        return format!("${{{name}}}");
    }
    let (mut out, mut rest) = (String::new(), value);
    while let Some((before, after)) = rest.split_once('%') {
        let Some((name, behind)) = after.split_once('%').filter(|(name, _)| !name.is_empty()) else { break };
        out.push_str(&format!("{before}${{{name}}}"));
        rest = behind;
    }
    out + rest
}

/// States the task of a call; whether there is one.
fn create(file: &InputFile, world: &World<'_>, line: &str, number: u64, out: &mut Evidence) -> bool {
    let options = options(line);
    let place = || Place::line(&file.path, number);
    let task = options.get("tn").unwrap_or("task");
    // Its XML is a file of its own.
    if options.get("xml").is_some() {
        return false;
    }
    let written = written(&options);
    let read =
        written.and_then(|text| schedule::parse(DIALECT, &text).map(|_| text).map_err(|why| why.reason));
    let text = match read {
        Ok(text) => text,
        Err(why) => {
            let why = format!("{task}: schtasks has no such schedule: {why}");
            out.add_gap(Gap::new(place(), GapCode::BadSchedule, scrub(&why).into_owned()));
            return false;
        }
    };
    let name = created(file, &filled(task), number);
    let run = options.get("tr").unwrap_or("");
    let mut steps = words::Steps::default();
    steps.add_line(run, number);
    let environment = BTreeMap::new();
    let job = Job::of_shell(file, world, "", DIALECT, "", &environment);
    let account = options.get("ru").map(filled).and_then(|name| account(&name));
    // `/s` names the machine; without it the script's own is meant.
    let host = match options.get("s").map(filled) {
        Some(host) if !schedule::has_placeholder(&host) => Some(host.trim_start_matches('\\').into()),
        Some(_) => None,
        None => file.host.clone(),
    };
    let schedules = vec![text];
    let zone = zone_of(DIALECT, &schedules);
    let shown = steps.shown.join("; ");
    let work = steps.work(&shown, &file.path);
    let scope = scope_of(&file.path, "");
    Job { name: Some(&name), host, schedules, zone, account, work, line: number, scope, ..job }.state(out);
    true
}

/// The trigger that a call makes.
fn written(options: &Options) -> Result<String, String> {
    let kind = options.get("sc").ok_or("/sc is missing")?;
    if schedule::has_placeholder(&filled(kind)) {
        return Ok(format!("start={} every", filled(kind)));
    }
    let kind = kind.to_ascii_uppercase();
    if let Some((_, what)) = HAPPENINGS.iter().find(|(name, _)| *name == kind) {
        return Ok((*what).to_owned());
    }
    let start = match options.get("st").map(filled) {
        Some(time) => format!("start={time}"),
        None if kind == "MINUTE" || kind == "HOURLY" => "start=${the time it was created}".to_owned(),
        None if kind == "ONCE" => return Err("/st is missing".to_owned()),
        None => "start=${the time it was created}".to_owned(),
    };
    let listed = |name: &str, known: &[(&str, &str)]| -> Result<Option<String>, String> {
        let Some(given) = options.get(name).filter(|given| *given != "*") else { return Ok(None) };
        let long = |one: &str| known.iter().find(|(short, _)| short.eq_ignore_ascii_case(one.trim()));
        let all: Option<Vec<&str>> = given.split(',').map(|one| long(one).map(|(_, long)| *long)).collect();
        all.map(|all| Some(all.join(","))).ok_or_else(|| format!("/{name} {given}"))
    };
    let repeat = repeat(options)?;
    let days = match kind.as_str() {
        "MINUTE" | "HOURLY" => {
            let (length, most) = if kind == "MINUTE" { (60, 1439) } else { (3600, 23) };
            let seconds = options.number("mo", most)? * length;
            // Where a day holds a whole number of them, each day is like the first.
            let day = if 86_400 % seconds == 0 { "every 1 day" } else { "once" };
            return Ok(format!("{start} {day} repeat PT{seconds}S"));
        }
        "ONCE" => "once".to_owned(),
        "DAILY" => match options.number("mo", 365)? {
            1 => "every 1 day".to_owned(),
            days => format!("every {days} days"),
        },
        "WEEKLY" => {
            let weeks = options.number("mo", 52)?;
            let days = match options.get("d") {
                Some("*") => DAYS.map(|(_, long)| long).join(","),
                _ => listed("d", &DAYS)?.unwrap_or_else(|| "${the day it was created}".to_owned()),
            };
            format!("every {weeks} {} on {days}", if weeks == 1 { "week" } else { "weeks" })
        }
        "MONTHLY" => {
            let months = listed("m", &MONTHS)?.map(|months| format!(" of {months}")).unwrap_or_default();
            let modifier = options.get("mo").unwrap_or("1").to_ascii_lowercase();
            match modifier.as_str() {
                "1" => format!("each month on {}{months}", options.get("d").unwrap_or("1")),
                "lastday" => format!("each month on last{months}"),
                "first" | "second" | "third" | "fourth" | "last" => {
                    let days = listed("d", &DAYS)?.ok_or("/d is missing")?;
                    format!("each month on {modifier} {days}{months}")
                }
                // Every so many months, from the one in which it was created.
                _ => format!("each month on ${{every {} months}}", options.number("mo", 12)?),
            }
        }
        _ => return Err(format!("/sc {kind}")),
    };
    Ok(format!("{start} {days}{repeat}"))
}

/// `/ri` minutes for `/du` hours and minutes.
fn repeat(options: &Options) -> Result<String, String> {
    let Some(every) = options.get("ri") else { return Ok(String::new()) };
    let whole = match options.get("du").map(|du| du.split_once(':').map_or((du, "0"), |(h, m)| (h, m))) {
        // "If /ri is given, the duration is one hour by default."
        None => "PT1H".to_owned(),
        Some((hours, minutes)) => format!("PT{hours}H{minutes}M"),
    };
    Ok(format!(" repeat PT{every}M for {whole}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> String {
        match written(&options(line)) {
            Ok(text) => match schedule::parse(DIALECT, &text) {
                Ok(_) => text,
                Err(why) => format!("refused: {}", why.reason),
            },
            Err(why) => format!("refused: {why}"),
        }
    }

    #[test]
    fn schedules_are_those_of_the_reference() {
        let base = "schtasks /create /tn x /tr c";
        let rows = [
            ("/sc daily /st 02:00", "start=02:00 every 1 day"),
            ("/sc minute /mo 20 /st 00:00", "start=00:00 every 1 day repeat PT1200S"),
            ("/sc hourly /mo 5 /st 00:05", "start=00:05 once repeat PT18000S"),
            ("/sc weekly /d mon,FRI /st 06:00", "start=06:00 every 1 week on Monday,Friday"),
            ("/sc monthly /mo second /d SUN /st 06:00", "start=06:00 each month on second Sunday"),
            (
                "/sc monthly /mo lastday /m JAN,JUN /st 06:00",
                "start=06:00 each month on last of January,June",
            ),
            ("/sc monthly /d 15 /m * /st 06:00", "start=06:00 each month on 15"),
            ("/sc daily /st 08:00 /ri 15 /du 9:30", "start=08:00 every 1 day repeat PT15M for PT9H30M"),
            ("/sc onstart /ru system", "boot"),
            ("/sc daily /st %WHEN%", "start=${WHEN} every 1 day"),
            ("/sc daily /st %WHEN%:00", "start=${WHEN}:00 every 1 day"),
            ("/sc daily", "start=${the time it was created} every 1 day"),
            ("/sc weekly /st 06:00", "start=06:00 every 1 week on ${the day it was created}"),
            ("/sc once", "refused: /st is missing"),
            ("/sc sometimes /st 06:00", "refused: /sc SOMETIMES"),
            ("/sc weekly /d monday /st 06:00", "refused: /d monday"),
            ("/sc daily /st 2am", "refused: \"2am\" is no time such as 2026-01-01T02:00:00"),
        ];
        for (given, expected) in rows {
            assert_eq!(told(&format!("{base} {given}")), expected, "{given}");
        }
    }

    #[test]
    fn constants_of_a_batch_file_are_filled_in() {
        let text = "set \"NAME=Shop Load\"\n@set at=02:30\nset WHEN=01:00\nset WHEN=%1\n";
        let line = "schtasks /create /tn \"%name%\" /st %AT% /sd %WHEN% /tr 5% %x%";
        let told = with_constants(line, &constants(text));
        assert_eq!(told, "schtasks /create /tn \"Shop Load\" /st 02:30 /sd %WHEN% /tr 5% %x%");
    }

    #[test]
    fn a_line_that_only_speaks_of_it_creates_nothing() {
        assert!(creates("  schtasks.exe /Create /tn x"));
        assert!(creates("if errorlevel 1 schtasks /create /tn x"));
        for line in [
            "rem schtasks /create",
            ":: schtasks /create",
            "# schtasks /create",
            "echo schtasks /create",
            "schtasks /query",
        ] {
            assert!(!creates(line), "{line}");
        }
    }
}
