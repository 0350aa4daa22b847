//! Exports of `information_schema.EVENTS`: CSV, or what `mysql --batch` prints, with the names of its columns in the first
//! line.

use super::event::Event;
use super::table::{Table, names_columns};
use crate::input::InputFile;

const COLUMNS: [&str; 3] = ["event_schema", "event_name", "event_definition"];

/// Whether a file is one.
pub(super) fn is_one(file: &InputFile) -> bool {
    names_columns(&file.head, &COLUMNS)
}

/// Its events; `None`: it is none.
pub(super) fn events(text: &str) -> Option<Vec<Event>> {
    let table = Table::of(text, &COLUMNS)?;
    let event = |row| {
        let get = |name: &str| table.get(row, name);
        let schedule = match (get("interval_value"), get("interval_field"), get("execute_at")) {
            (Some(value), Some(unit), _) => {
                let mut text = format!("EVERY '{}' {unit}", value.trim_matches('\''));
                for (word, column) in [("STARTS", "starts"), ("ENDS", "ends")] {
                    if let Some(moment) = get(column) {
                        text.push_str(&format!(" {word} '{moment}'"));
                    }
                }
                text
            }
            (_, _, Some(moment)) => format!("AT '{moment}'"),
            _ => return None,
        };
        Some(Event {
            database: get("event_schema").map(str::to_owned),
            name: get("event_name")?.to_owned(),
            schedule,
            body: get("event_definition").unwrap_or("").to_owned(),
            login: get("definer").map(|definer| definer.split('@').next().unwrap_or(definer).to_owned()),
            server: None,
            zone: get("time_zone").filter(|zone| !zone.eq_ignore_ascii_case("system")).map(str::to_owned),
            off: get("status").is_some_and(|status| !status.eq_ignore_ascii_case("enabled")),
            line: row.line,
        })
    };
    Some(table.rows.iter().filter_map(event).collect())
}
