//! The steps of a job of SQL Server Agent: what each subsystem's text is. Statements are read; commands of the system are
//! read where they run a client of the server, because the shell there is that of Windows; the rest is named.

use super::super::job::Work;
use crate::evidence::{Connection, Text};
use crate::sql::Dialect;

/// A step as sp_add_jobstep has it.
#[derive(Debug, Clone, Default)]
pub(super) struct Step {
    pub subsystem: String,
    pub command: String,
    pub database: Option<String>,
    pub line: u64,
}

/// Clients that mean the same to every shell.
const CLIENTS: [&str; 5] = ["sqlcmd", "osql", "isql", "bcp", "curl"];

/// All steps in one line.
pub(super) fn shown(steps: &[Step]) -> String {
    let step = |step: &Step| {
        let text = step.command.split_whitespace().collect::<Vec<_>>().join(" ");
        if is_sql(step) { text } else { format!("{}: {text}", step.subsystem) }
    };
    steps.iter().map(step).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")
}

/// What the steps do.
pub(super) fn works(steps: &[Step]) -> Vec<(u64, Work<'_>)> {
    let told = steps.iter().filter(|step| !step.command.is_empty());
    told.map(|step| (step.line, of(step))).collect()
}

fn is_sql(step: &Step) -> bool {
    step.subsystem.eq_ignore_ascii_case("tsql")
}

fn of(step: &Step) -> Work<'_> {
    let client = step.command.split_whitespace().next().unwrap_or("");
    let client = client.trim_matches('"').rsplit(['\\', '/']).next().unwrap_or("").to_ascii_lowercase();
    let client = client.trim_end_matches(".exe");
    if is_sql(step) {
        let connection =
            Connection { database: step.database.as_deref().map(Text::from), ..Connection::default() };
        return Work::Sql { text: &step.command, dialect: Dialect::MsSql, connection };
    }
    if step.subsystem.eq_ignore_ascii_case("cmdexec") && CLIENTS.contains(&client) {
        return Work::Shell { text: &step.command, stdin: None };
    }
    Work::Named(&step.command)
}
