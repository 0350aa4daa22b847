//! The job information language as subcommands with their attributes ("JIL syntax rules"): `insert_job: a job_type: c`,
//! one attribute a line or several, comments between `/*` and `*/` and behind `#` in the first column. A calendar is
//! its name and its dates (`autocal_asc`). It knows no meaning of an attribute.

use std::collections::BTreeMap;

/// How many attributes one file may have.
const MAX_ATTRIBUTES: usize = 1_000_000;
/// Subcommands: what begins something new.
const COMMANDS: [&str; 7] =
    ["insert_job", "update_job", "delete_job", "delete_box", "override_job", "calendar", "extended_calendar"];
/// Subcommands of other things, which end what came before.
const OTHERS: [&str; 6] = ["insert_", "update_", "delete_", "override_", "cycle", "standard_"];
/// Attributes whose lists go on over lines.
const LISTS: [&str; 2] = ["start_mins", "start_times"];
/// Attributes that may stand behind another one on its line.
const ATTRIBUTES: [&str; 66] = [
    "alarm_if_fail",
    "alarm_if_terminated",
    "application",
    "auto_delete",
    "auto_hold",
    "avg_runtime",
    "box_failure",
    "box_name",
    "box_success",
    "box_terminator",
    "chk_files",
    "command",
    "condition",
    "connect_string",
    "date_conditions",
    "days_of_week",
    "description",
    "envvars",
    "exclude_calendar",
    "external_instance",
    "fail_codes",
    "group",
    "heartbeat_interval",
    "interactive",
    "job_class",
    "job_load",
    "job_terminator",
    "job_type",
    "machine",
    "max_exit_success",
    "max_run_alarm",
    "min_run_alarm",
    "must_complete_times",
    "must_start_times",
    "n_retrys",
    "notification_alarm_types",
    "notification_emailaddress",
    "notification_id",
    "notification_msg",
    "owner",
    "permission",
    "priority",
    "profile",
    "resources",
    "run_calendar",
    "run_window",
    "send_notification",
    "service_desk",
    "shell",
    "sql_command",
    "start_mins",
    "start_times",
    "status",
    "std_err_file",
    "std_in_file",
    "std_out_file",
    "success_codes",
    "svcdesk_desc",
    "svcdesk_imp",
    "term_run_time",
    "timezone",
    "tz",
    "watch_file",
    "watch_file_min_size",
    "watch_interval",
    "workday",
];

/// One attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    /// Its text, as written.
    pub text: String,
    /// Its line, counted from 1.
    pub line: u64,
}

/// One subcommand.
#[derive(Debug, Default)]
pub(super) struct Stanza {
    /// `insert_job`.
    pub command: String,
    /// What it is about.
    pub name: String,
    /// Its line, counted from 1.
    pub line: u64,
    /// Its attributes; the last of a name counts.
    pub attributes: BTreeMap<String, Value>,
    /// Lines without an attribute, which are dates of a calendar.
    pub rest: Vec<String>,
}

/// Whether a line begins a job's definition.
pub(super) fn begins(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("insert_job:") || line.starts_with("update_job:")
}

/// All stanzas of a text; whether all of it was read.
pub(super) fn stanzas(text: &str) -> (Vec<Stanza>, bool) {
    let mut stanzas: Vec<Stanza> = Vec::new();
    let (mut open, mut count, mut comment) = (false, 0, false);
    let mut list: Option<String> = None;
    for (line, number) in text.lines().zip(1u64..) {
        let line = uncommented(line, &mut comment);
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        for (name, value) in pairs(line.trim()) {
            count += 1;
            if count > MAX_ATTRIBUTES {
                return (stanzas, false);
            }
            let value = value.trim().to_owned();
            match name {
                Some(name) if COMMANDS.contains(&name) => {
                    open = true;
                    stanzas.push(Stanza {
                        command: name.to_owned(),
                        name: value,
                        line: number,
                        ..Stanza::default()
                    });
                }
                Some(name) if OTHERS.iter().any(|other| name.starts_with(other)) => open = false,
                Some(name) => {
                    list = LISTS.contains(&name).then(|| name.to_owned());
                    if let Some(stanza) = stanzas.last_mut().filter(|_| open) {
                        stanza.attributes.insert(name.to_owned(), Value { text: value, line: number });
                    }
                }
                None => {
                    let Some(stanza) = stanzas.last_mut().filter(|_| open) else { continue };
                    let longer = list.as_ref().and_then(|name| stanza.attributes.get_mut(name));
                    match longer {
                        Some(list) => list.text.push_str(&format!(" {value}")),
                        None => stanza.rest.push(value),
                    }
                }
            }
        }
    }
    (stanzas, true)
}

/// A line without what stands in `/* … */`, which may have begun before it.
fn uncommented(line: &str, inside: &mut bool) -> String {
    let (mut text, mut rest) = (String::new(), line);
    loop {
        if *inside {
            let Some((_, after)) = rest.split_once("*/") else { return text };
            *inside = false;
            rest = after;
            continue;
        }
        // One in a command (`rm /tmp/*`) begins none: a comment stands at the beginning or behind a blank.
        let begin = rest.match_indices("/*").map(|(at, _)| at).find(|at| {
            let before = &rest[..*at];
            before.is_empty() || before.ends_with([' ', '\t'])
        });
        match begin {
            Some(at) if text.trim().is_empty() || rest[at..].contains("*/") => {
                text.push_str(&rest[..at]);
                *inside = true;
                rest = &rest[at + 2..];
            }
            _ => {
                text.push_str(rest);
                return text;
            }
        }
    }
}

/// The attributes of a line; a text in front of the first has no name.
fn pairs(line: &str) -> Vec<(Option<&str>, &str)> {
    let mut starts: Vec<(usize, usize)> = Vec::new();
    let mut quote: Option<char> = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' && before != '\\' => quote = Some(c),
            None if before.is_whitespace() && c.is_ascii_lowercase() => {
                let name = &line[at..];
                let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
                let known = |name: &str| ATTRIBUTES.binary_search(&name).is_ok() || COMMANDS.contains(&name);
                // The first of a line is an attribute whatever it is called.
                if name[end..].starts_with(':') && (at == 0 || known(&name[..end])) {
                    starts.push((at, at + end));
                }
            }
            None => {}
        }
        before = c;
    }
    if starts.first().is_none_or(|(at, _)| *at > 0) {
        return vec![(None, line)];
    }
    let ends = starts.iter().skip(1).map(|(at, _)| *at).chain([line.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|((at, colon), end)| (Some(&line[*at..*colon]), &line[colon + 1..end]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_stand_alone_or_behind_each_other() {
        let text = "\
/* ---- a ---- */
insert_job: a   job_type: c
command: echo \"owner: x\" C:\\x; rm /tmp/* # no comment
# insert_job: no
machine: h1 owner: joe@h1 /* both
of a line */
date_conditions: y
start_times: \"05\\:00,
  06\\:00\"
insert_machine: m1
type: a
calendar: pay
01/30/2026
";
        let (read, whole) = stanzas(text);
        let shown: Vec<String> = read
            .iter()
            .map(|stanza| {
                let own: Vec<String> = stanza
                    .attributes
                    .iter()
                    .map(|(name, value)| format!("{name}={}@{}", value.text, value.line))
                    .collect();
                format!(
                    "{} {}@{}: {} {:?}",
                    stanza.command,
                    stanza.name,
                    stanza.line,
                    own.join("|"),
                    stanza.rest
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "insert_job a@2: command=echo \"owner: x\" C:\\x; rm /tmp/* # no comment@3|date_conditions=y@7|job_type=c@2|\
                 machine=h1@5|owner=joe@h1@5|start_times=\"05\\:00, 06\\:00\"@8 []",
                "calendar pay@12:  [\"01/30/2026\"]",
            ]
        );
        assert!(whole);
    }

    #[test]
    fn the_known_attributes_are_sorted() {
        assert!(ATTRIBUTES.is_sorted());
    }
}
