//! What databases permit: the records of `pg_hba.conf` (PostgreSQL, "The pg_hba.conf File"), and `GRANT` as
//! `pg_dump`, `pg_dumpall` and `mysqldump` write it, a statement a line. To be allowed is not to do: nothing here is a
//! use, explains one or lists anybody. What everybody may (`all`, `PUBLIC`, groups, patterns) is nobody's own.

use super::{Inventory, Notes};
use crate::evidence::scrub::scrub_name;
use crate::evidence::{About, Basis, Mention, MentionKind, Provenance, Says, Text};
use crate::input::InputFile;

/// Records of access and grants.
pub struct Permissions;

/// Kinds of connections a record may be for.
const KINDS: [&str; 6] = ["local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"];
/// The longest text that is kept of one permission, in characters.
const MAX_TEXT: usize = 200;

impl Inventory for Permissions {
    fn about(&self) -> &'static About {
        &About {
            name: "permissions",
            title: "pg_hba.conf and GRANT in dumps: what logins may do, which is no use",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let head = file.head_text();
        if file.name().contains("pg_hba") {
            return head.lines().any(|line| record(line).is_some());
        }
        // Dumps of roles; other SQL is for the readers of source.
        head.contains("PostgreSQL database cluster dump")
            && head.lines().any(|line| line.starts_with("CREATE ROLE "))
    }

    fn read(&self, text: &str, notes: &mut Notes<'_>) -> Result<(), String> {
        let mut database = None;
        for (line, number) in text.lines().zip(1u64..) {
            if let Some(name) = line.strip_prefix("\\connect ") {
                let name = name.split_whitespace().next_back().unwrap_or("");
                database = Some(name.trim_matches(['"', '\'']).trim_start_matches("dbname=").to_owned());
                continue;
            }
            let found = record(line).or_else(|| grant(line, database.as_deref()));
            let Some((users, words)) = found else { continue };
            let words: String = words.chars().take(MAX_TEXT).collect();
            for user in users {
                let about = Mention::new(MentionKind::User, scrub_name(&user).as_ref());
                notes.say_at(&about, Says::Permitted(Text::from(words.as_str())), Basis::Declared, number);
            }
        }
        Ok(())
    }
}

/// The words of a record: quotes make one of several, and take a name's own meaning away.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for sign in line.chars() {
        match sign {
            '"' => {
                quoted = !quoted;
                word.push(sign);
            }
            '#' if !quoted => break,
            sign if sign.is_whitespace() && !quoted => {
                words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
            }
            sign => word.push(sign),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

/// A record of `pg_hba.conf`: whom it lets in by name, and what it lets them do.
fn record(line: &str) -> Option<(Vec<String>, String)> {
    let words = words(line);
    let kind = words.first().filter(|kind| KINDS.contains(&kind.as_str()))?;
    let local = kind == "local";
    let (database, users) = (words.get(1)?, words.get(2)?);
    let (from, method) = if local {
        ("the server itself".to_owned(), words.get(3)?)
    } else {
        // An address may have its mask as a word of its own.
        let mask = words.get(4).filter(|mask| mask.parse::<std::net::IpAddr>().is_ok() && words.len() > 5);
        let address = words.get(3)?;
        let from = mask.map_or(address.clone(), |mask| format!("{address} {mask}"));
        (from, words.get(if mask.is_some() { 5 } else { 4 })?)
    };
    if method == "reject" || !method.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return None;
    }
    let own = |user: &&str| !(matches!(*user, "all" | "") || user.starts_with(['+', '/', '@']));
    let users = users.split(',').filter(own).map(|user| user.trim_matches('"').to_owned()).collect();
    Some((users, format!("connect to {} from {from}", database.replace(',', ", "))))
}

/// `GRANT SELECT ON TABLE public.orders TO report;` or the membership `GRANT readers TO report GRANTED BY postgres;`
fn grant(line: &str, database: Option<&str>) -> Option<(Vec<String>, String)> {
    let rest = line.strip_prefix("GRANT ")?.trim_end().strip_suffix(';')?;
    let (what, rest) = rest.split_once(" TO ")?;
    let ends = [" WITH ", " GRANTED BY ", " IDENTIFIED ", " REQUIRE "];
    let users = ends.iter().fold(rest, |rest, end| rest.split_once(end).map_or(rest, |(before, _)| before));
    let what = match what.split_once(" ON ") {
        Some((may, on)) => {
            let within = database.map_or(String::new(), |database| format!(" in {database}"));
            format!("{} on {on}{within}", may.replace(',', ", "))
        }
        None => format!("what {what} may"),
    };
    let name = |user: &str| {
        let user = user.trim().split("'@'").next().unwrap_or("");
        user.trim_matches(['"', '\'', '`']).to_owned()
    };
    let users = users.split(',').map(name).filter(|user| !user.is_empty() && user != "PUBLIC").collect();
    Some((users, what))
}
