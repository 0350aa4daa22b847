//! The lines of a crontab (crontab(5)): settings, comments, jobs; in templates also the lines that are code. It never
//! decides which file is a crontab.

use super::super::World;
use super::super::crontab_host::Cron;
use super::super::job::{Job, Work, Zone, states_order};
use super::refusal::{Refusal, refusal, sets};
use super::{PERIODS, in_place};
use crate::evidence::scrub::scrub;
use crate::evidence::{Evidence, Gap, GapCode, Place, Scope, Text};
use crate::input::InputFile;
use crate::schedule;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;

/// What stands in a template and is neither text nor a value: comments and code of Jinja and ERB.
pub(super) const CODE: [(&str, &str); 3] = [("{#", "#}"), ("{%", "%}"), ("<%", "%>")];

/// A crontab, and what holds for all of its lines.
pub(in super::super) struct Table<'a> {
    /// The file it stands in.
    pub file: &'a InputFile,
    /// What else the scan has.
    pub world: &'a World<'a>,
    /// Which cron reads it.
    pub cron: Cron,
    /// The host it is for.
    pub host: Option<Text>,
    /// Whether a user stands in front of each command.
    pub user_column: bool,
    /// Whose it is, where no column says so.
    pub account: Option<Text>,
    /// Whether parts of it are filled in by a template.
    pub template: bool,
    /// The line of the file on which it begins.
    pub first_line: u64,
    /// What uses the definition that writes it is called: each of its lines then stands where that use does.
    pub use_of: Option<&'a str>,
    /// In which part of the world it stands.
    pub scope: Scope,
}

/// One job of it.
pub(super) struct Line<'a> {
    pub schedule: &'a str,
    pub dialect: &'static str,
    pub account: Option<Text>,
    pub command: &'a str,
    pub stdin: Option<String>,
    pub number: u64,
    pub remark: Option<&'a str>,
    pub guard: Option<Text>,
    pub called: Option<&'a str>,
}

impl Table<'_> {
    /// States its jobs and gives how many there were.
    pub(in super::super) fn read(&self, text: &str, out: &mut Evidence) -> u64 {
        let own = !self.template && in_place(self.file);
        // The text comes without the mark, which cron reads as a part of the first line.
        let text = &*if own && begins_with_mark(self.file) {
            Cow::Owned(format!("\u{feff}{text}"))
        } else {
            Cow::Borrowed(text)
        };
        let debians = own && self.cron == Cron::Debian;
        if debians && let Some(refused) = refusal(text, self.user_column) {
            self.refuse(&refused, out);
            return 0;
        }
        let text = if self.template { without_code(text) } else { Cow::Borrowed(text) };
        if own {
            self.say_of_returns(&text, out);
        }
        let mut environment = BTreeMap::new();
        let mut comments: Vec<&str> = Vec::new();
        let mut jobs = 0;
        for (index, line) in text.split('\n').enumerate() {
            let number = self.first_line + if self.use_of.is_some() { 0 } else { index as u64 };
            let trimmed = line.trim();
            if let Some(comment) = trimmed.strip_prefix('#') {
                comments.push(comment.trim());
                continue;
            }
            if trimmed.is_empty() {
                comments.clear();
            } else if let Some((name, value)) = setting(trimmed) {
                environment.insert(name, value);
            } else if own && self.cron != Cron::Busybox && sets(trimmed) {
                // A name that no shell takes is one for cron.
                comments.clear();
            } else {
                let remark = comments.iter().copied().find(|comment| states_order(comment));
                let line = if own { with_return(line) } else { trimmed };
                jobs += u64::from(self.job(line, number, remark, &environment, out));
                comments.clear();
            }
        }
        jobs
    }

    /// Says that cron ignores all of it because of a line.
    fn refuse(&self, refused: &Refusal, out: &mut Evidence) {
        let jobs = match refused.jobs {
            0 => "it has no other job".to_owned(),
            1 => "1 job of it does not run".to_owned(),
            jobs => format!("{jobs} jobs of it do not run"),
        };
        let why =
            format!("Debian's cron ignores the whole file because of this line: {}; {jobs}", refused.why);
        let place = Place::line(&self.file.path, self.first_line + refused.line as u64);
        out.add_gap(Gap::new(place, GapCode::BadSchedule, scrub(&why).into_owned()));
    }

    /// Says what carriage returns at the ends of lines do; Busybox's reader is not known to keep them.
    fn say_of_returns(&self, text: &str, out: &mut Evidence) {
        let mut ends = text.split('\n').enumerate().filter(|(_, line)| line.ends_with('\r'));
        let first =
            ends.find(|(_, line)| !line.trim_start().starts_with('#') && setting(line.trim()).is_none());
        if let Some((index, _)) = first.filter(|_| self.cron != Cron::Busybox) {
            let why = "lines end in CR LF: cron leaves the carriage return at the end of each command, so a script \
                       named there is not found, and an argument or a file there has another name";
            let place = Place::line(&self.file.path, self.first_line + index as u64);
            out.add_gap(Gap::new(place, GapCode::BadSchedule, why));
        }
    }

    /// The line without the sign by which cronie leaves out the log (crontab(5) of cronie); only root may write it.
    fn without_sign<'l>(&self, line: &'l str) -> Result<&'l str, &'static str> {
        match line.strip_prefix('-').filter(|_| self.cron == Cron::Cronie) {
            None => Ok(line),
            Some(_) if !self.user_column && self.account.as_deref().is_some_and(|it| it != "root") => {
                Err("only root may leave out the log")
            }
            Some(rest) => Ok(rest),
        }
    }

    fn job(
        &self,
        line: &str,
        number: u64,
        remark: Option<&str>,
        environment: &BTreeMap<String, String>,
        out: &mut Evidence,
    ) -> bool {
        let bad = |why: &str| {
            let detail = scrub(&format!("cron rejects this line: {why}")).into_owned();
            Gap::new(Place::line(&self.file.path, number), GapCode::BadSchedule, detail)
        };
        if self.template && schedule::placeholders(line).next() == Some((0, line.len())) {
            let detail = scrub(&format!("a line that a template fills in: {line}")).into_owned();
            out.add_gap(Gap::new(Place::line(&self.file.path, number), GapCode::Unresolved, detail));
            return false;
        }
        let line = match self.without_sign(line) {
            Ok(line) => line,
            Err(why) => {
                out.add_gap(bad(why));
                return false;
            }
        };
        let Some((schedule, rest)) = split_schedule(line) else {
            out.add_gap(bad("five fields and a command are not to be told apart in it"));
            return false;
        };
        if let Err(rejected) = schedule::parse(self.cron.dialect(), schedule) {
            out.add_gap(bad(&rejected.reason));
            return false;
        }
        let (account, rest) = match (self.user_column, split_word(rest)) {
            (false, _) => (self.account.clone(), rest),
            (true, Some((account, _))) if !names_user(account) => {
                out.add_gap(bad(&format!("{account} is no user's name")));
                return false;
            }
            (true, Some((account, rest))) => (Some(Text::from(account)), rest),
            (true, None) => {
                out.add_gap(bad("it has no user, or no command"));
                return false;
            }
        };
        let folder = started_folder(rest);
        if folder.is_some_and(|folder| self.has_scripts(folder)) {
            // The folder's scripts are the jobs; the line that starts them only says when.
            return true;
        }
        // The percent signs of a template are its own.
        let filled = self.template
            && (schedule::has_placeholder(rest) || CODE.iter().any(|(open, _)| rest.contains(open)));
        let (command, stdin) = if filled { (rest.to_owned(), None) } else { split_percent(rest) };
        let dialect = self.cron.dialect();
        let called = folder.or(self.use_of);
        let command = &command;
        let line = Line { schedule, dialect, account, command, stdin, number, remark, guard: None, called };
        self.state(&line, environment, out);
        true
    }

    /// Whether the scan has scripts of a folder of this host. Where it has none, the line that starts them is all that
    /// tells of them; in a tree of templates nothing tells whose they are.
    fn has_scripts(&self, folder: &str) -> bool {
        let mut files = self.world.inputs.files.iter().filter(|file| file.host == self.host);
        self.host.is_some() && files.any(|file| super::folder_is(file, folder))
    }

    pub(super) fn state(&self, line: &Line<'_>, environment: &BTreeMap<String, String>, out: &mut Evidence) {
        let zone = self.cron.zone_below(self.world, self.host.as_deref(), environment);
        let schedule = match &zone {
            // Cronie reads the clock of such a zone by itself.
            Zone::Stated(own) => format!("CRON_TZ={own} {}", line.schedule),
            _ => line.schedule.to_owned(),
        };
        let job = Job::of_shell(self.file, self.world, &schedule, line.dialect, line.command, environment);
        let shown = line.command.strip_suffix('\r');
        let given = shown.map(returned);
        let work = if self.template && line.stdin.is_none() {
            Work::Template(line.command)
        } else if let (Some(text), Some(shown)) = (&given, shown) {
            Work::ShellIn { text, shown, input: self.file.path.clone(), line: line.number }
        } else {
            Work::Shell { text: line.command, stdin: line.stdin.as_deref() }
        };
        let (host, account, remark) = (self.host.clone(), line.account.clone(), line.remark);
        let delay = environment.get("RANDOM_DELAY").filter(|_| self.cron == Cron::Cronie);
        let delay = delay.map(|minutes| Text::from(format!("RANDOM_DELAY={minutes}")));
        let guards = line.guard.clone().into_iter().chain(delay).collect();
        let name = line.called;
        Job { host, name, zone, account, work, guards, line: line.number, remark, scope: self.scope, ..job }
            .state(out);
    }
}

/// The folder whose scripts a command starts.
fn started_folder(command: &str) -> Option<&'static str> {
    let starts = |folder: &&str| command.contains("run-parts") && command.contains(&format!("/etc/{folder}"));
    PERIODS.iter().map(|(folder, _)| *folder).find(starts)
}

/// A command that ends in a carriage return, with a visible sign for it where it makes the name of a script another
/// one. An argument is read without it: it tells better what the job is there for.
fn returned(command: &str) -> String {
    const SIGN: char = '\u{240d}';
    let mut words = command.split_whitespace().rev();
    let (last, before) = (words.next().unwrap_or(""), words.next());
    let path = last.contains('/') && !last.contains(['<', '>', '=', ':', '"', '\'']);
    let script = path && before.is_some_and(|word| !word.ends_with(['<', '>']));
    let ends_in_it = command.ends_with(last) && (before.is_none() || script);
    if ends_in_it { format!("{command}{SIGN}") } else { command.to_owned() }
}

/// Whether the file itself begins with a byte order mark.
fn begins_with_mark(file: &InputFile) -> bool {
    let mut head = [0; 3];
    let read = std::fs::File::open(&file.real).and_then(|mut it| it.read_exact(&mut head));
    read.is_ok() && (head == [0xef, 0xbb, 0xbf] || head[..2] == [0xff, 0xfe] || head[..2] == [0xfe, 0xff])
}

/// A line without the blanks around it, and with its carriage return, which is a part of the command.
fn with_return(line: &str) -> &str {
    let told = line.trim();
    let end = line.strip_suffix('\r').filter(|before| before.ends_with(told));
    end.map_or(told, |_| line.trim_start())
}

/// The text of a template without its comments, and without the code that fills a line; code inside of a line stays,
/// because it says that something there is filled in. Lines stay where they are.
pub(super) fn without_code(text: &str) -> Cow<'_, str> {
    let mut told = String::new();
    let mut at = 0;
    while let Some((start, open, close)) = next_code(text, at) {
        let end = text[start..].find(close).map_or(text.len(), |length| start + length + close.len());
        let before = text[..start].rsplit('\n').next().unwrap_or("");
        let after = text[end..].split('\n').next().unwrap_or("");
        let is_value = text[start..].starts_with("<%=");
        let fills_line = (before.trim().is_empty()
            || next_code(before, 0).is_some_and(|it| before[..it.0].trim().is_empty()))
            && (after.trim().is_empty()
                || next_code(after, 0).is_some_and(|it| after[..it.0].trim().is_empty()));
        told.push_str(&text[at..start]);
        if open == "{#" || (fills_line && !is_value) {
            told.extend(text[start..end].chars().filter(|c| *c == '\n'));
        } else {
            // A line stays one line.
            told.push_str(&text[start..end].replace('\n', " "));
        }
        at = end;
    }
    if at == 0 {
        return Cow::Borrowed(text);
    }
    told.push_str(&text[at..]);
    Cow::Owned(told)
}

fn next_code(text: &str, from: usize) -> Option<(usize, &'static str, &'static str)> {
    let found =
        CODE.iter().filter_map(|(open, close)| Some((from + text[from..].find(open)?, *open, *close)));
    found.min_by_key(|(start, ..)| *start)
}

/// Whether cron could know a user of this name; a template may fill it in.
pub(super) fn names_user(word: &str) -> bool {
    schedule::has_placeholder(word)
        || word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.$@\\".contains(&b))
}

/// `NAME = value` of crontab(5): blanks around the sign allowed, one pair of quotes removed.
pub(in super::super) fn setting(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim().trim_matches(['"', '\'']);
    let valid = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !valid || name.as_bytes()[0].is_ascii_digit() {
        return None;
    }
    let value = value.trim();
    let unquoted = ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote).and_then(|inner| inner.strip_suffix(*quote)));
    Some((name.to_owned(), unquoted.unwrap_or(value).to_owned()))
}

/// The schedule and the rest of a job line: five fields, an @keyword, or one placeholder for all of it.
pub(super) fn split_schedule(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let field = |word: &str| {
        let name = |part: &str| part.len() == 3 && part.bytes().all(|b| b.is_ascii_alphabetic());
        let part = |part: &str| {
            part.is_empty() || part == "*" || part.bytes().all(|b| b.is_ascii_digit()) || name(part)
        };
        let plain = word.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '*');
        schedule::has_placeholder(word) || (plain && word.split(['/', ',', '-', '~', '#', '?']).all(part))
    };
    let whole = |fields: usize| {
        let (mut rest, mut fits) = (line, true);
        for _ in 0..fields {
            let (word, after) = split_word(rest)?;
            fits &= field(word);
            rest = after;
        }
        let schedule = line[..line.len() - rest.len()].trim_end();
        Some((schedule, rest, fits))
    };
    let first = split_word(line).map_or("", |(word, _)| word);
    if first.starts_with('@') {
        return whole(1).map(|(schedule, rest, _)| (schedule, rest));
    }
    let five = whole(5);
    let alone = schedule::placeholders(first).next() == Some((0, first.len()));
    match five {
        Some((schedule, rest, true)) => Some((schedule, rest)),
        // Its own fields are filled in: `{{ schedule }} root command`.
        _ if alone => whole(1).map(|(schedule, rest, _)| (schedule, rest)),
        // Words that are no fields are named by who reads them, unless placeholders would hide that.
        five => {
            five.map(|(schedule, rest, _)| (schedule, rest)).filter(|it| !schedule::has_placeholder(it.0))
        }
    }
}

/// The first word and what stands behind it; blanks in placeholders part no words.
pub(super) fn split_word(text: &str) -> Option<(&str, &str)> {
    let mut held = schedule::placeholders(text);
    let mut hold = held.next();
    for (at, c) in text.char_indices() {
        while hold.is_some_and(|(_, end)| end <= at) {
            hold = held.next();
        }
        if c.is_whitespace() && hold.is_none_or(|(start, _)| at < start) {
            let rest = text[at..].trim_start();
            return (!rest.is_empty()).then(|| (&text[..at], rest));
        }
    }
    None
}

/// The command, and what stands behind the first unescaped `%` (its standard input); `\%` is a percent sign.
fn split_percent(text: &str) -> (String, Option<String>) {
    let (mut command, mut stdin, mut chars) = (String::new(), None::<String>, text.chars().peekable());
    while let Some(c) = chars.next() {
        let c = match c {
            '\\' if chars.peek() == Some(&'%') => chars.next().unwrap_or('%'),
            '%' if stdin.is_none() => {
                stdin = Some(String::new());
                continue;
            }
            '%' => '\n',
            c => c,
        };
        stdin.as_mut().unwrap_or(&mut command).push(c);
    }
    (command, stdin)
}

#[cfg(test)]
mod tests {
    use super::{split_schedule, without_code};

    #[test]
    fn code_that_fills_lines_goes_and_values_stay() {
        let text = "{% if a %}\n{# b\n c #}5 {{ h }} * * * root /x {% if c %}-v{% endif %}\n<% if @d -%>\n<%= @m %> 1 * * * root /y\n<% end -%><%# e %>\n";
        let want = "\n\n5 {{ h }} * * * root /x {% if c %}-v{% endif %}\n\n<%= @m %> 1 * * * root /y\n\n";
        assert_eq!(without_code(text), want);
    }

    #[test]
    fn placeholders_are_one_field_or_all_of_them() {
        for (line, want) in [
            ("5 {{ a | b }} * * * root x", Some(("5 {{ a | b }} * * *", "root x"))),
            ("{{ when }} root /x", Some(("{{ when }}", "root /x"))),
            ("{{ when }} root /x --a b c d", Some(("{{ when }}", "root /x --a b c d"))),
            ("<%= a %> <%= b %> * * * root x", Some(("<%= a %> <%= b %> * * *", "root x"))),
            ("@daily  x", Some(("@daily", "x"))),
            ("1 2 3 4 5", None),
            ("chmod 0755 {{ a }}/{{ b }} c d e", None),
            ("1 2 x 4 5 root a", Some(("1 2 x 4 5", "root a"))),
        ] {
            assert_eq!(split_schedule(line), want, "{line}");
        }
    }
}
