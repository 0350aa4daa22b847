//! Exports of pg_cron's own table, `cron.job`: CSV or what psql prints, with the names of its columns in the first line.

use super::pg_cron::CronJob;
use super::table::{Table, names_columns};
use crate::evidence::{Connection, Text};
use crate::input::InputFile;

const COLUMNS: [&str; 3] = ["jobid", "schedule", "command"];

/// Whether a file is one.
pub(super) fn is_one(file: &InputFile) -> bool {
    names_columns(&file.head, &COLUMNS)
}

/// Its jobs; `None`: it is none.
pub(super) fn jobs(text: &str) -> Option<Vec<CronJob>> {
    let table = Table::of(text, &COLUMNS)?;
    let job = |row| {
        let get = |name: &str| table.get(row, name);
        // An empty node is the server's own socket.
        let node = get("nodename").filter(|node| *node != "localhost" && !node.starts_with('/'));
        let server = node.map(|node| match get("nodeport").filter(|port| *port != "5432") {
            Some(port) => format!("{node}:{port}"),
            None => node.to_owned(),
        });
        let name = get("jobname").map(str::to_owned);
        Some(CronJob {
            name: name.or_else(|| get("jobid").map(|id| format!("job {id}"))),
            schedule: get("schedule")?.to_owned(),
            command: get("command").unwrap_or("").to_owned(),
            connection: Connection {
                server: server.map(Text::from),
                database: get("database").map(Text::from),
                user: get("username").map(Text::from),
                application: None,
            },
            line: row.line,
            off: get("active").is_some_and(|active| matches!(active, "f" | "false" | "FALSE" | "0")),
        })
    };
    Some(table.rows.iter().filter_map(job).collect())
}
