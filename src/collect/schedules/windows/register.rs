//! `Register-ScheduledTask` in PowerShell scripts (module ScheduledTasks), with the triggers and actions that the script
//! makes for it. A trigger counts from the day the script was run, which nobody knows here; a time that is computed
//! keeps its job without runs. A task that is registered from XML is told by its XML.

use super::super::job::{Job, zone_of};
use super::super::{SchedulePlace, World};
use super::off::is_taken_back;
use super::powershell::{Call, Script};
use super::{DIALECT, Schtasks, account, created, words};
use crate::evidence::scrub::scrub;
use crate::evidence::{About, Evidence, Gap, GapCode, Place, Provenance};
use crate::input::{InputFile, scope_of};
use crate::schedule;
use std::collections::BTreeMap;

/// Scripts that register tasks.
pub struct Registered;

const COMMAND: &str = "Register-ScheduledTask";
const TRIGGER: &str = "New-ScheduledTaskTrigger";
const ACTION: &str = "New-ScheduledTaskAction";

impl SchedulePlace for Registered {
    fn about(&self) -> &'static About {
        &About {
            name: "register-scheduledtask",
            title: "Windows Task Scheduler: Register-ScheduledTask in PowerShell",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let name = file.name().to_ascii_lowercase();
        let script = [".ps1", ".psm1"].iter().any(|ending| name.ends_with(ending));
        script && file.text().is_ok_and(|text| text.to_ascii_lowercase().contains("register-scheduledtask"))
    }

    fn read(&self, file: &InputFile, text: &str, world: &World<'_>, out: &mut Evidence) -> u64 {
        let script = Script::of(text);
        let calls = script.calls(COMMAND);
        let on = |call: &&Call| {
            let task = script.text(call, "taskname");
            !task.is_some_and(|task| is_taken_back(&script, call, &task))
        };
        let told = calls.iter().filter(|call| !call.has("xml")).filter(on);
        let stated = told.filter(|call| state(file, world, &script, call, out));
        // A script may do both.
        stated.count() as u64 + Schtasks.read(file, text, world, out)
    }
}

/// States the task of a call; whether there is one.
fn state(file: &InputFile, world: &World<'_>, script: &Script, call: &Call, out: &mut Evidence) -> bool {
    // `-InputObject (New-ScheduledTask -Action … -Trigger …)`.
    let whole = script.calls_of(call, "inputobject", "New-ScheduledTask");
    let made = |parameter: &str, command: &str| {
        let of = whole.first().filter(|whole| whole.has(parameter)).unwrap_or(call);
        script.calls_of(of, parameter, command)
    };
    // It is registered, and switched off.
    if made("settings", "New-ScheduledTaskSettingsSet").iter().any(|settings| settings.has("disable")) {
        return false;
    }
    let name = script.text(call, "taskname").unwrap_or_else(|| "task".to_owned());
    let path = script.text(call, "taskpath").unwrap_or_default();
    let task =
        format!("{}/{name}", path.replace('\\', "/").trim_matches('/')).trim_start_matches('/').to_owned();
    let mut gap = |line: u64, code: GapCode, why: &str| {
        let detail = scrub(&format!("{task}: {why}")).into_owned();
        out.add_gap(Gap::new(Place::line(&file.path, line), code, detail));
    };
    let triggers = made("trigger", TRIGGER);
    let given = call.has("trigger") || whole.iter().any(|whole| whole.has("trigger"));
    if triggers.is_empty() && given {
        gap(call.line, GapCode::Unresolved, "what starts it is computed by the script that registers it");
    }
    let mut schedules = Vec::new();
    for trigger in &triggers {
        let text = written(script, trigger);
        match text.and_then(|text| schedule::parse(DIALECT, &text).map(|_| text).map_err(|why| why.reason)) {
            Ok(text) => schedules.push(text),
            Err(why) => gap(trigger.line, GapCode::BadSchedule, &format!("no such trigger: {why}")),
        }
    }
    if schedules.is_empty() {
        return false;
    }
    let mut steps = words::Steps::default();
    for action in made("action", ACTION) {
        let text = |parameter: &str| script.text(&action, parameter).unwrap_or_default();
        steps.add(&text("execute"), &text("argument"), &text("workingdirectory"), action.line);
    }
    let principal = made("principal", "New-ScheduledTaskPrincipal");
    let user = script.text(call, "user").or_else(|| script.text(principal.first()?, "userid"));
    let name = created(file, &task, call.line);
    let environment = BTreeMap::new();
    let job = Job::of_shell(file, world, "", DIALECT, "", &environment);
    let (zone, account) = (zone_of(DIALECT, &schedules), user.as_deref().and_then(account));
    let shown = steps.shown.join("; ");
    let (work, scope) = (steps.work(&shown, &file.path), scope_of(&file.path, ""));
    Job { name: Some(&name), schedules, zone, account, work, line: call.line, scope, ..job }.state(out);
    true
}

/// A trigger as the dialect has it.
fn written(script: &Script, trigger: &Call) -> Result<String, String> {
    for (switch, what) in [("atstartup", "boot"), ("atlogon", "logon")] {
        if trigger.has(switch) {
            return Ok(what.to_owned());
        }
    }
    let at = script.text(trigger, "at").ok_or("-At is missing")?;
    let start =
        start(&at).unwrap_or_else(|| if schedule::has_placeholder(&at) { at } else { format!("${{{at}}}") });
    let number = |name: &str| script.text(trigger, name).unwrap_or_else(|| "1".to_owned());
    let length = |name: &str| trigger.has(name).then(|| span(script, trigger, name)).flatten();
    let repeat = match (length("repetitioninterval"), trigger.has("repetitioninterval")) {
        (Some(every), _) => match length("repetitionduration") {
            Some(whole) => format!(" repeat PT{every}S for PT{whole}S"),
            None => format!(" repeat PT{every}S"),
        },
        (None, true) => " repeat ${RepetitionInterval}".to_owned(),
        (None, false) => String::new(),
    };
    let days = if trigger.has("daily") {
        let number = number("daysinterval");
        format!("every {number} {}", if number == "1" { "day" } else { "days" })
    } else if trigger.has("weekly") {
        let (number, days) =
            (number("weeksinterval"), script.text(trigger, "daysofweek").ok_or("-DaysOfWeek is missing")?);
        format!(
            "every {number} {} on {}",
            if number == "1" { "week" } else { "weeks" },
            days.replace(' ', "")
        )
    } else if trigger.has("once") {
        // From a day nobody knows, each so many minutes for good: each day is like the first where they fit into it.
        let fits = length("repetitioninterval").is_some_and(|every| every > 0 && 86_400 % every == 0);
        let endless = length("repetitionduration").is_none_or(|whole| whole > 366 * 86_400);
        if fits && endless && !start.contains('T') {
            let every = length("repetitioninterval").unwrap_or_default();
            return Ok(format!("start={start} every 1 day repeat PT{every}S"));
        }
        "once".to_owned()
    } else {
        return Err("neither -Daily, -Weekly, -Once, -AtStartup nor -AtLogOn".to_owned());
    };
    let random = length("randomdelay").map_or(String::new(), |seconds| format!(" random PT{seconds}S"));
    Ok(format!("start={start} {days}{repeat}{random}"))
}

/// A time as PowerShell reads it in any culture: `2am`, `14:30`, `3:15 PM`, or a whole moment of ISO 8601.
fn start(at: &str) -> Option<String> {
    let at = at.trim().to_ascii_lowercase();
    if let Some((date, time)) =
        at.split_once(['t', ' ']).filter(|(date, _)| date.len() == 10 && date.contains('-'))
    {
        return Some(format!("{date}T{}", start(time)?));
    }
    let half = ["am", "pm"].into_iter().find(|half| at.ends_with(half));
    let digits = at.trim_end_matches(['a', 'p', 'm']).trim();
    if !digits.bytes().all(|b| b.is_ascii_digit() || b == b':') {
        return None;
    }
    let mut parts = digits.split(':').map(|part| part.parse::<u32>().ok());
    let (hour, minute, second) =
        (parts.next()??, parts.next().unwrap_or(Some(0))?, parts.next().unwrap_or(Some(0))?);
    let hour = match half {
        Some("am") if hour <= 12 => hour % 12,
        // `22:30pm` is taken for what it says.
        Some("pm") if hour < 24 => hour % 12 + 12,
        None if digits.contains(':') => hour,
        _ => return None,
    };
    (hour < 24 && minute < 60 && second < 60).then(|| format!("{hour:02}:{minute:02}:{second:02}"))
}

/// The seconds of `(New-TimeSpan -Minutes 5)`, `[TimeSpan]::FromHours(1)`, or `00:05:00`.
fn span(script: &Script, trigger: &Call, parameter: &str) -> Option<i64> {
    const UNITS: [(&str, i64); 4] = [("days", 86_400), ("hours", 3600), ("minutes", 60), ("seconds", 1)];
    if let Some(made) = script.calls_of(trigger, parameter, "New-TimeSpan").first() {
        let mut seconds = 0i64;
        for (unit, length) in UNITS {
            if let Some(number) = script.text(made, unit) {
                seconds = seconds.saturating_add(number.parse::<i64>().ok()?.saturating_mul(length));
            }
        }
        return (seconds > 0).then_some(seconds);
    }
    for (unit, length) in [("Days", 86_400), ("Hours", 3600), ("Minutes", 60)] {
        let name = format!("[TimeSpan]::From{unit}");
        if let Some(number) = script.argument_of(trigger, parameter, &name) {
            return number.parse::<i64>().ok()?.checked_mul(length);
        }
    }
    let text = script.text(trigger, parameter)?;
    let mut parts = text.split(':').map(|part| part.parse::<i64>().ok());
    match (parts.next()?, parts.next()?, parts.next()?, parts.next()) {
        (Some(hours), Some(minutes), Some(seconds), None) => {
            let minutes = hours.checked_mul(60)?.checked_add(minutes)?;
            minutes.checked_mul(60)?.checked_add(seconds)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> String {
        let script = Script::of(line);
        let calls = script.calls(TRIGGER);
        match written(&script, &calls[0])
            .and_then(|text| schedule::parse(DIALECT, &text).map(|_| text).map_err(|why| why.reason))
        {
            Ok(text) => text,
            Err(why) => format!("refused: {why}"),
        }
    }

    #[test]
    fn triggers_are_those_of_the_module() {
        let rows = [
            ("-Daily -At 3am", "start=03:00:00 every 1 day"),
            ("-Daily -DaysInterval 3 -At '3:15 PM'", "start=15:15:00 every 3 days"),
            ("-Weekly -DaysOfWeek Monday, Friday -At 12am", "start=00:00:00 every 1 week on Monday,Friday"),
            ("-Once -At '2026-01-01 02:30'", "start=2026-01-01T02:30:00 once"),
            (
                "-Once -At 3am -RepetitionInterval (New-TimeSpan -Minutes 5)",
                "start=03:00:00 every 1 day repeat PT300S",
            ),
            (
                "-Once -At (Get-Date) -RepetitionInterval (New-TimeSpan -Hours 1)",
                "start=${at} every 1 day repeat PT3600S",
            ),
            (
                "-Daily -At $when -RandomDelay ([TimeSpan]::FromMinutes(30))",
                "start=${when} every 1 day random PT1800S",
            ),
            ("-Daily -At 22:30pm", "start=22:30:00 every 1 day"),
            ("-Daily -At 13am", "start=${13am} every 1 day"),
            ("-AtStartup", "boot"),
            ("-AtLogOn -User x", "logon"),
            ("-Daily", "refused: -At is missing"),
            ("-At 3am", "refused: neither -Daily, -Weekly, -Once, -AtStartup nor -AtLogOn"),
            ("-Daily -At 3", "start=${3} every 1 day"),
            ("-Weekly -DaysOfWeek Someday -At 3am", "refused: \"Someday\" is no weekday"),
        ];
        for (given, expected) in rows {
            assert_eq!(told(&format!("$t = {TRIGGER} {given}")), expected, "{given}");
        }
    }
}
