//! `bcp` (Microsoft, "bcp utility"): a table that is written to a file or filled from one. Its password is never looked
//! at.

use super::clients::{at_port, known};
use super::options::Options;
use super::{Call, Commands, Out};
use crate::evidence::{Action, Connection, Resource, Text};
use crate::sql::Dialect;

/// bcp; freebcp of FreeTDS takes the same words.
pub struct Bcp;

impl Commands for Bcp {
    fn names(&self) -> &'static [&'static str] {
        &["bcp", "freebcp"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, "SUPdatrfeFLmbhioCD", &[]);
        let server = options.get(&["S"]).map(|server| server.replacen(',', ":", 1));
        let connection = Connection {
            server: at_port(known(server.as_deref()), None),
            user: known(options.get(&["U"])),
            database: known(options.get(&["d"])),
            application: None,
        };
        let [what, direction, file, ..] = &options.plain[..] else { return };
        let direction = direction.to_ascii_lowercase();
        let outward = matches!(direction.as_str(), "out" | "queryout");
        match direction.as_str() {
            "queryout" => out.sql(call, &connection, Dialect::MsSql, what, true),
            "in" | "out" => {
                let action = if outward { Action::Read } else { Action::Write };
                let parts =
                    what.split('.').map(|part| part.trim_matches(['[', ']', '"']).to_ascii_lowercase());
                let parts: Vec<Text> = parts.filter(|part| !part.is_empty()).map(Text::from).collect();
                if parts.is_empty() || parts.iter().any(|part| part.contains("{}")) {
                    out.unresolved(call, "a statement whose table is only known when it runs");
                } else {
                    let table = Resource::table(parts);
                    let table = table.at(connection.server.as_ref(), connection.database.as_ref());
                    out.add(call, Some(&connection), action, table);
                }
            }
            _ => return,
        }
        out.add_file(call, if outward { Action::Write } else { Action::Read }, file);
    }
}
