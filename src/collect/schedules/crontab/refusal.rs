//! Which crontabs Debian's cron ignores as a whole: it stops at the first line it does not understand and drops all
//! others with it, the system's as well as users' (load_user in its user.c, load_env in env.c, load_entry in entry.c
//! of 3.0pl1-162). It does not say who the host's users are, so an unknown one is not seen here. It states nothing.

use super::Cron;
use super::table::{CODE, names_user};
use crate::schedule;

/// From this length of a command on, in bytes, cron takes it for one that was cut (MAX_COMMAND in its cron.h).
const MAX_COMMAND: usize = 999;

/// Why a file is ignored.
pub(super) struct Refusal {
    /// The line cron stops at, counted from 0.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
    /// How many of its lines are jobs that would run without that.
    pub jobs: usize,
}

/// Why Debian's cron ignores a crontab of this text; `None` too where a placeholder hides what will stand there.
pub(super) fn refusal(text: &str, user_column: bool) -> Option<Refusal> {
    let (mut wrong, mut jobs) = (None, 0);
    let mut lines = text.split('\n').enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let line = line.trim_start_matches(BLANKS);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let is_entry = !sets(line);
        match if is_entry { entry(line, user_column) } else { Ok(()) } {
            Ok(()) => jobs += usize::from(is_entry),
            Err(_) if schedule::has_placeholder(line) || CODE.iter().any(|it| line.contains(it.0)) => {
                return None;
            }
            Err(why) => wrong = wrong.or(Some((number, why))),
        }
        if lines.peek().is_none() {
            wrong = wrong.or(Some((number, "the newline at the end of the file is missing".to_owned())));
        }
    }
    wrong.map(|(line, why)| Refusal { line, why, jobs })
}

/// What parts words for cron; other white space is a part of them.
const BLANKS: [char; 2] = [' ', '\t'];

/// Whether a line sets a variable: any name, quoted or not, and a value that is not empty unless it is quoted.
pub(super) fn sets(line: &str) -> bool {
    let quote = |text: &str| text.chars().next().filter(|c| ['\'', '"'].contains(c));
    let behind = match quote(line) {
        Some(sign) => {
            let Some((name, behind)) = line[1..].split_once(sign) else { return false };
            if name.contains('=') {
                return false;
            }
            behind
        }
        None => &line[line.find(|c| c == '=' || is_space(c)).unwrap_or(line.len())..],
    };
    let Some(value) = behind.trim_start_matches(is_space).strip_prefix('=') else { return false };
    let value = value.trim_start_matches(is_space);
    match quote(value) {
        Some(sign) => value[1..].split_once(sign).is_some_and(|(_, more)| more.chars().all(is_space)),
        None => !value.is_empty(),
    }
}

/// `isspace` of C, which knows no other white space.
fn is_space(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\x0b'
}

/// What is wrong with a line that should be a job.
fn entry(line: &str, user_column: bool) -> Result<(), String> {
    if line.starts_with('\u{feff}') {
        return Err("a byte order mark (BOM) stands in front of it".to_owned());
    }
    let fields = if line.starts_with('@') { 1 } else { 5 };
    let mut rest = line;
    for _ in 0..fields {
        rest = rest.trim_start_matches(BLANKS);
        rest = &rest[rest.find(BLANKS).unwrap_or(rest.len())..];
    }
    let when = &line[..line.len() - rest.len()];
    schedule::parse(Cron::Debian.dialect(), when).map_err(|rejected| rejected.reason)?;
    let rest = rest.trim_start_matches(BLANKS);
    let command = if user_column {
        let (user, command) = rest.split_once(BLANKS).ok_or("it has no user, or no command")?;
        if !names_user(user) {
            return Err(format!("{user} is no user's name"));
        }
        command
    } else if rest.starts_with('*') {
        return Err("a sixth field stands where the command belongs".to_owned());
    } else {
        rest
    };
    if command.len() < MAX_COMMAND { Ok(()) } else { Err("its command is too long".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::refusal;

    /// Which texts the packaged program (3.0pl1-162) ignored when it was given them, and at which line.
    #[test]
    fn a_file_is_ignored_where_debians_cron_says_so() {
        let long = |length: usize| format!("5 4 * * * root {}\n", "x".repeat(length));
        for (text, line) in [
            ("5 4 * * * root /x\n", None),
            ("5 4 * * * root /x\n5/15 * * * * root /y\n", Some(1)),
            ("5 4 * * * root /x\nL * * * * root /y\n6 * *\n", Some(1)),
            ("5 4 * * * root /x\n6 4 * * * root\n", Some(1)),
            ("5 4 * * * root /x\n6 4 * * * root \n", None),
            ("5 4 * * * root /x\n6 4 * * *\n", Some(1)),
            ("5 4 * * * root /x\n6 4 * * * * root /y\n", Some(1)),
            ("-5 4 * * * root /x\n", Some(0)),
            ("@daily root /x\n@Daily root /y\n", Some(1)),
            ("@daily\troot\t/x\n", None),
            ("\u{feff}5 4 * * * root /x\n", Some(0)),
            ("\u{feff}# why\n5 4 * * * root /x\n", Some(0)),
            ("\u{feff}A=b\n5 4 * * * root /x\n", None),
            ("5 4 * * * root /x\n6 4 * * * root /y", Some(1)),
            ("5 4 * * * root /x\nA=b", Some(1)),
            ("5 4 * * * root /x\n# end", None),
            ("5 4 * * * root /x\n  ", None),
            ("# a\r\nA=b\r\n5 4 * * * root /x\r\n", None),
            ("5 4 * * * root /x\r\n\r\n", Some(1)),
            ("5 4 * * * root /x\n\u{a0}\n", Some(1)),
            ("MAILTO=\n5 4 * * * root /x\n", Some(0)),
            ("MAILTO=\"\"\n5 4 * * * root /x\n", None),
            ("A=\"b\" c\n", Some(0)),
            ("A=\"b\n", Some(0)),
            ("A-B=c\n1=2\n'D'=e\n=f\n", None),
            ("A B=c\n", Some(0)),
            (&long(998), None),
            (&long(999), Some(0)),
        ] {
            assert_eq!(refusal(text, true).map(|it| it.line), line, "{text:?}");
        }
    }

    #[test]
    fn a_users_table_needs_no_command_but_all_fields() {
        for (text, line) in [
            ("5 4 * * * /x\n6 4 * * *\n@daily\n", None),
            ("5 4 * * * /x\n6 4 * *\n", Some(1)),
            ("5 4 * * * /x\n6 4 * * * * /y\n", Some(1)),
            ("5 4 * * * /x\n6 4 * * * /y", Some(1)),
            ("\u{feff}5 4 * * * /x\n", Some(0)),
        ] {
            assert_eq!(refusal(text, false).map(|it| it.line), line, "{text:?}");
        }
    }

    #[test]
    fn a_placeholder_leaves_it_open() {
        for text in ["5/15 * * * * root /x\n{{ more }}\n", "{% if a %}\n5/15 * * * * root /x\n"] {
            assert!(refusal(text, true).is_none(), "{text:?}");
        }
        let told = refusal("5 4 * * * root ${HOME}/x\n5/15 * * * * root /y\n", true);
        assert_eq!(told.map(|it| (it.line, it.jobs)), Some((1, 1)));
    }
}
