//! The records of pgaudit (its README, "Format"): the server's own word on which tables a statement uses. One record
//! is one relation of a statement, or the statement alone where `pgaudit.log_relation` is off. It never decides which
//! line of the log is the same statement.

use super::{Event, messages};
use crate::evidence::scrub::scrub_name;
use crate::evidence::{Action, Confidence, Text};
use crate::sql::TableUse;

/// The fields of a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Audit<'a> {
    /// `SESSION`, or `OBJECT`.
    pub kind: &'a str,
    /// The number of the statement within the session.
    pub statement_id: &'a str,
    /// Its part: a statement that a function ran has one of its own.
    pub substatement_id: &'a str,
    /// `READ`, `WRITE`, `FUNCTION`, `ROLE`, `DDL`, `MISC`, `MISC_SET`.
    pub class: &'a str,
    /// `SELECT`, `INSERT`, `CREATE TABLE` …
    pub command: &'a str,
    /// `TABLE`, `VIEW`, `INDEX` … or nothing.
    pub object_type: &'a str,
    /// The object with its schema, quoted where it has to be.
    pub object_name: &'a str,
    /// The text, or a word in angle brackets that says why it is not there.
    pub statement: &'a str,
}

/// What the text after `AUDIT: ` says.
pub(super) fn event(record: &str) -> Event {
    let fields = fields(record);
    let [kind, statement_id, substatement_id, class, command, object_type, object_name, statement, ..] =
        &fields[..]
    else {
        return Event::Nothing;
    };
    Audit { kind, statement_id, substatement_id, class, command, object_type, object_name, statement }.event()
}

impl Audit<'_> {
    /// The event it is; nothing where it is no record of pgaudit.
    pub fn event(&self) -> Event {
        if !matches!(self.kind, "SESSION" | "OBJECT") {
            return Event::Nothing;
        }
        let number = |text: &str| text.parse::<u32>().ok().map(u64::from);
        let (Some(statement), Some(part)) = (number(self.statement_id), number(self.substatement_id)) else {
            return Event::Nothing;
        };
        let withheld = ["<not logged>", "<previously logged>", "<none>", ""].contains(&self.statement);
        // Whoever runs what was prepared is told with the text that prepared it.
        let prepared = messages::prepared(self.statement).filter(|_| self.command != "PREPARE");
        let sql = (!withheld).then(|| self.own(prepared.unwrap_or(self.statement)));
        let tables = self.table().into_iter().collect();
        Event::Tables { number: statement << 32 | part, sql, tables }
    }

    /// The part of a text of several statements that a record without a table is about. What uses tables is told with all
    /// of the text, because its own line has all of it.
    fn own(&self, text: &str) -> String {
        if !matches!(self.class, "MISC" | "MISC_SET") || !self.object_type.is_empty() || !text.contains(';') {
            return text.to_owned();
        }
        let verb = |text: &str| text.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        let parts = crate::sql::split(text);
        let mine: Vec<&str> =
            parts.iter().map(|part| part.trim()).filter(|part| verb(part) == verb(self.command)).collect();
        if mine.is_empty() { text.to_owned() } else { mine.join("; ") }
    }

    /// The relation, and what is done to it; `None`: the record names none of the application's.
    fn table(&self) -> Option<TableUse> {
        const RELATIONS: [&str; 5] =
            ["TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE", "PARTITIONED TABLE"];
        if !RELATIONS.contains(&self.object_type) {
            return None;
        }
        let action = match self.class {
            "READ" => Action::Read,
            // Rows are locked with the right to change them, and none is.
            "WRITE" if self.command == "UPDATE" && locks_only(self.statement) => Action::Read,
            "WRITE" => Action::Write,
            "DDL" => Action::Touch,
            _ => return None,
        };
        let parts = parts(self.object_name)?;
        if matches!(parts.first().map(String::as_str), Some("pg_catalog" | "information_schema" | "pg_toast"))
        {
            return None;
        }
        let parts = parts.iter().map(|part| Text::from(scrub_name(part))).collect();
        // Which classes are logged is set, and an auditing role sees only what it was given: the rest may be used as
        // well.
        let confidence = if self.kind == "OBJECT" { Confidence::Low } else { Confidence::Medium };
        Some(TableUse { action, parts, confidence })
    }
}

/// Whether a statement begins as a query that locks what it reads, and changes nothing.
fn locks_only(statement: &str) -> bool {
    let lower = statement.trim_start().to_ascii_lowercase();
    lower.starts_with("select") && lower.contains(" for ")
}

/// The parts of a name as `quote_identifier` writes it: `public.orders`, `public."Order ""x"""`.
pub(super) fn parts(name: &str) -> Option<Vec<String>> {
    let (mut parts, mut part, mut quoted, mut signs) =
        (Vec::new(), String::new(), false, name.chars().peekable());
    while let Some(sign) = signs.next() {
        match sign {
            '"' if quoted && signs.peek() == Some(&'"') => part.extend(signs.next()),
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(std::mem::take(&mut part)),
            _ => part.push(sign),
        }
    }
    parts.push(part);
    (!quoted && parts.iter().all(|part| !part.is_empty())).then_some(parts)
}

/// The fields of one line of CSV, of which quoted ones may hold newlines.
fn fields(record: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted, mut signs) =
        (Vec::new(), String::new(), false, record.chars().peekable());
    while let Some(sign) = signs.next() {
        match sign {
            '"' if quoted && signs.peek() == Some(&'"') => field.extend(signs.next()),
            '"' if quoted || field.is_empty() => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            _ => field.push(sign),
        }
    }
    fields.push(field);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `number sql | action table` of a record.
    fn said(record: &str) -> String {
        let Event::Tables { number, sql, tables } = event(record) else { return "nothing".to_owned() };
        let tables: Vec<String> =
            tables.iter().map(|it| format!("{} {}", it.action.word(), it.parts.join("."))).collect();
        format!(
            "{}.{} {} | {}",
            number >> 32,
            number & 0xffff_ffff,
            sql.unwrap_or("-".to_owned()),
            tables.join(",")
        )
    }

    #[test]
    fn records_are_read_as_the_readme_of_pgaudit_describes_them() {
        for (record, want) in [
            (
                "SESSION,1,1,READ,SELECT,TABLE,public.account,\"select a, b from account where c = '\"\"'\",<none>",
                "1.1 select a, b from account where c = '\"' | read public.account",
            ),
            (
                "OBJECT,2,1,WRITE,UPDATE,TABLE,public.\"Order.x\",<not logged>,<not logged>",
                "2.1 - | write public.Order.x",
            ),
            ("SESSION,3,2,READ,SELECT,VIEW,s.v,<previously logged>,<previously logged>", "3.2 - | read s.v"),
            ("SESSION,4,1,READ,SELECT,,,select 1,<none>", "4.1 select 1 | "),
            (
                "SESSION,5,1,DDL,CREATE TABLE,TABLE,public.t,create table t (id int),<none>",
                "5.1 create table t (id int) | touch public.t",
            ),
            (
                "SESSION,5,1,DDL,CREATE INDEX,INDEX,public.t_pkey,create table t (id int),<none>",
                "5.1 create table t (id int) | ",
            ),
            ("SESSION,6,2,FUNCTION,EXECUTE,FUNCTION,public.f,select f(1),<none>", "6.2 select f(1) | "),
            (
                "SESSION,7,1,WRITE,UPDATE,TABLE,public.jobs,select id from jobs for update,<none>",
                "7.1 select id from jobs for update | read public.jobs",
            ),
            (
                "SESSION,8,1,READ,SELECT,TABLE,pg_catalog.pg_class,select 1 from pg_class,<none>",
                "8.1 select 1 from pg_class | ",
            ),
            (
                "SESSION,9,1,READ,SELECT,TABLE,public.t,\"select\n1, 2\",\"1,\"\"x\"\"\",7",
                "9.1 select\n1, 2 | read public.t",
            ),
            ("SESSION,10,1,READ,PREPARE,,,prepare p as select 1,<none>", "10.1 prepare p as select 1 | "),
            (
                "SESSION,11,1,READ,SELECT,TABLE,public.t,prepare p as select a from t,<none>",
                "11.1 select a from t | read public.t",
            ),
            ("SESSION,12,1,MISC,BEGIN,,,begin; select a from t; commit,<none>", "12.1 begin | "),
            (
                "SESSION,12,2,READ,SELECT,TABLE,public.t,begin; select a from t; commit,<none>",
                "12.2 begin; select a from t; commit | read public.t",
            ),
            (
                "SESSION,13,1,MISC,SET,,,\"set search_path = a; select 1, ';set b'\",<none>",
                "13.1 set search_path = a | ",
            ),
            ("SESSION,x,1,READ,SELECT,TABLE,public.t,select 1,<none>", "nothing"),
            ("trail of the bank", "nothing"),
        ] {
            assert_eq!(said(record), want, "{record}");
        }
    }
}
