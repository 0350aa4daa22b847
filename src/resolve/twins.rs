//! Jobs that are written twice: a cron file that does nothing where systemd runs, and the timer that runs the same; a
//! line that configuration management has for a crontab, and that crontab on a host; a file of a tree and the manifest that
//! installs it; an event of a database in a dump and in an export. Each pair is one job: the timer's, the host's, the
//! manifest's, the first one's. It joins only what runs the very same command at the same times and says by its place that
//! it is the other's source or copy.

use super::jobs::JobLine;
use crate::evidence::{Fact, Mention, MentionKind, Place, Says, Text};
use std::collections::{BTreeMap, BTreeSet};

/// What is there where systemd runs (sd_booted(3)).
const RUNNING: &str = "/run/systemd/system";
/// The dialect of MySQL's events.
const EVENT: &str = "mysql-event";
/// The dialect of timers.
const TIMER: &str = "systemd";
/// Folders whose scripts are started by their place alone.
const RUN_PARTS: [&str; 4] =
    ["/etc/cron.hourly/", "/etc/cron.daily/", "/etc/cron.weekly/", "/etc/cron.monthly/"];

/// By line: the line of the timer that is the same job.
pub(super) fn twins(lines: &[JobLine<'_>], facts: &[&Fact]) -> Vec<Option<usize>> {
    let scripts = commands_of_scripts(facts);
    let timers: Vec<(usize, &JobLine<'_>)> =
        lines.iter().enumerate().filter(|(_, it)| is_timer(it)).collect();
    let sources = sources(lines);
    let events = events(lines);
    let installed = installed(lines, facts);
    let twin = |(at, line): (usize, &JobLine<'_>)| {
        if let Some(other) = [&installed, &sources, &events].into_iter().find_map(|it| it.get(&at)) {
            return Some(*other);
        }
        let idles = line.guards().any(|guard| idles(guard)) || idles(line.command());
        if line.host.is_none() || is_timer(line) || !idles {
            return None;
        }
        let here = timers.iter().filter(|(_, timer)| timer.host == line.host);
        let mut same = here.filter(|(_, timer)| runs_same(line, timer, &scripts)).map(|(at, _)| *at);
        let found = same.next()?;
        same.next().is_none().then_some(found)
    };
    let twins: Vec<Option<usize>> = lines.iter().enumerate().map(twin).collect();
    // What is installed may itself be the source of what lies on a host.
    let last = |at: &usize| (0..MAX_STEPS).fold(*at, |at, _| twins[at].unwrap_or(at));
    twins.iter().enumerate().map(|(own, at)| at.as_ref().map(last).filter(|at| *at != own)).collect()
}

/// What opens a placeholder of a template.
const OPENS: [&str; 5] = ["<%", "{{", "{%", "${", "#{"];
/// How many twins are followed from one to the next.
const MAX_STEPS: usize = 3;

/// By line of a file in a tree: the line of the manifest that installs this very file and tells the same job of it, perhaps
/// with what the file leaves open filled in.
fn installed(lines: &[JobLine<'_>], facts: &[&Fact]) -> BTreeMap<usize, usize> {
    let mut told: BTreeMap<&Place, Vec<usize>> = BTreeMap::new();
    for (at, line) in lines.iter().enumerate() {
        for place in line.places().collect::<BTreeSet<_>>() {
            told.entry(place).or_default().push(at);
        }
    }
    let mut by_file: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for fact in facts.iter().filter(|fact| matches!(fact.says, Says::InstalledAt(_))) {
        if let Some(there) = told.get(&fact.place).filter(|_| *fact.about.text != *fact.place.input) {
            by_file.entry(&fact.about.text).or_default().extend(there);
        }
    }
    let same = |(at, line): (usize, &JobLine<'_>)| {
        let there = by_file.get(line.file()).filter(|_| line.host.is_none())?;
        let open = line.schedules().into_iter().any(|text| OPENS.iter().any(|open| text.contains(open)));
        let fits = |other: &&usize| {
            let other = &lines[**other];
            other.dialects().eq(line.dialects()) && (open || other.schedules() == line.schedules())
        };
        let found: Vec<&usize> = there.iter().filter(fits).collect();
        let equal = found.iter().find(|other| lines[***other].command() == line.command());
        // Of several with one schedule, only the very command tells which.
        let names: BTreeSet<String> = found.iter().map(|other| lines[**other].name()).collect();
        let only = found.first().filter(|_| names.len() == 1);
        equal.or(only).map(|other| (at, **other))
    };
    lines.iter().enumerate().filter_map(same).collect()
}

/// The dialects of crontabs, whose lines have no names: a named job of one stands in configuration management.
const CRONTABS: [&str; 3] = ["vixie", "cronie", "busybox"];

/// By line of configuration management: the line of a host's crontab that it became. Where several hosts have it, the
/// first: each says the same.
fn sources(lines: &[JobLine<'_>]) -> BTreeMap<usize, usize> {
    let of_crontab = |line: &JobLine<'_>| line.dialects().all(|dialect| CRONTABS.contains(&dialect));
    let mut written: BTreeMap<(Vec<&str>, &str), Vec<usize>> = BTreeMap::new();
    for (at, line) in lines.iter().enumerate() {
        if line.host.is_some() && !line.has_name() && of_crontab(line) {
            written.entry((line.schedules(), line.command())).or_default().push(at);
        }
    }
    let source = |(at, line): (usize, &JobLine<'_>)| {
        let (dialects, command) = (of_crontab(line), line.command());
        if !line.has_name() || !dialects || command.is_empty() {
            return None;
        }
        let same = |other: &&usize| {
            let other = &lines[**other];
            (line.host.is_none() || line.host == other.host)
                && (line.account().is_none() || line.account() == other.account())
        };
        let found = written.get(&(line.schedules(), command))?.iter().find(same)?;
        Some((at, *found))
    };
    lines.iter().enumerate().filter_map(source).collect()
}

/// By event of a database: the same event of another file, which comes first. A dump and an export of one catalogue have
/// its name, its times and its statements alike; hosts that are known and differ are two databases.
fn events(lines: &[JobLine<'_>]) -> BTreeMap<usize, usize> {
    let plain = |text: &str| -> String {
        let text: String = text.chars().filter(|c| !"'`\"".contains(*c)).collect();
        let words: Vec<&str> = text.trim().trim_end_matches(';').split_whitespace().collect();
        words.join(" ").to_uppercase()
    };
    let mut first: BTreeMap<(&str, String, String), Vec<usize>> = BTreeMap::new();
    let mut found = BTreeMap::new();
    for (at, line) in lines.iter().enumerate() {
        let (Some(name), true) = (line.called(), line.dialects().all(|dialect| dialect == EVENT)) else {
            continue;
        };
        let schedule = plain(&line.schedules().join(" "));
        let same = first.entry((name, schedule, plain(line.command()))).or_default();
        let one = |other: &&usize| {
            let other = &lines[**other];
            (line.host.is_none() || other.host.is_none() || line.host == other.host)
                && line.file() != other.file()
        };
        match same.iter().find(one) {
            Some(other) => _ = found.insert(at, *other),
            None => same.push(at),
        }
    }
    found
}

fn is_timer(line: &JobLine<'_>) -> bool {
    line.dialects().any(|dialect| dialect == TIMER)
}

/// By script: the commands that run a file.
fn commands_of_scripts<'a>(facts: &[&'a Fact]) -> BTreeMap<&'a Text, Vec<&'a Text>> {
    let mut commands: BTreeMap<&Text, Vec<&Text>> = BTreeMap::new();
    for fact in facts.iter().filter(|fact| fact.about.kind == MentionKind::Script) {
        if let Says::Runs { command, script: Some(_), .. } = &fact.says {
            commands.entry(&fact.about.text).or_default().push(command);
        }
    }
    commands
}

fn runs_same(line: &JobLine<'_>, timer: &JobLine<'_>, scripts: &BTreeMap<&Text, Vec<&Text>>) -> bool {
    let by_name = RUN_PARTS.iter().find_map(|folder| line.command().strip_prefix(folder));
    if by_name.is_some_and(|name| timer.name() == name) {
        return true;
    }
    // A service of several steps is no one command.
    let wanted: Vec<&str> = timer.command().split_whitespace().collect();
    if wanted.is_empty() || wanted.iter().any(|word| word.ends_with(';')) {
        return false;
    }
    let own = line.host.as_deref().map(|host| Text::from(format!("{host}:{}", line.command())));
    let of_script = own.and_then(|script| scripts.get(&script)).into_iter().flatten();
    let mut commands = of_script.map(|command| &***command).chain([line.command()]);
    commands.any(|command| holds(command, &wanted))
}

/// Whether a command line holds this command with exactly these arguments.
fn holds(line: &str, wanted: &[&str]) -> bool {
    let spaced = line.replace(';', " ; ").replace("&&", " && ").replace("||", " || ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let ends = |word: Option<&&str>| {
        word.is_none_or(|word| {
            matches!(*word, ";" | "&&" | "||" | "|" | "&" | "}" | ")") || word.contains('>')
        })
    };
    let program = |word: &str| match (word.starts_with('/'), wanted[0].starts_with('/')) {
        (true, true) => word == wanted[0],
        _ => word.rsplit('/').next() == wanted[0].rsplit('/').next(),
    };
    (0..words.len()).any(|at| {
        let tested = at > 0 && matches!(words[at - 1], "-x" | "-e" | "-f" | "-d" | "-v");
        let arguments = words.get(at + 1..at + wanted.len());
        !tested && program(words[at]) && arguments == Some(&wanted[1..]) && ends(words.get(at + wanted.len()))
    })
}

/// Whether a text goes on only where systemd does not run: `[ ! -d X ] &&`, `test -e X ||`, `if [ -d X ]; then exit`.
fn idles(text: &str) -> bool {
    let Some((before, after)) = text.split_once(RUNNING) else { return false };
    let before: Vec<&str> = before.trim_end_matches(['"', '\'']).split_whitespace().rev().take(4).collect();
    let [test, rest @ ..] = &before[..] else { return false };
    if !matches!(*test, "-d" | "-e") {
        return false;
    }
    let not = |word: &&str| matches!(*word, "!" | "\\!");
    let negated = match rest {
        ["[" | "[[" | "test", outer, ..] => not(outer),
        [inner, ..] => not(inner),
        [] => false,
    };
    let after = after.trim_start_matches(['/', '"', '\'', ' ', '\t', ']', ';']);
    let exits = |rest: &str| rest.trim_start().starts_with("exit");
    match (negated, after.strip_prefix("then"), after.strip_prefix("&&")) {
        (true, None, None) => false,
        (true, ..) => true,
        (false, Some(rest), _) | (false, None, Some(rest)) => exits(rest),
        (false, None, None) => after.starts_with("||"),
    }
}

/// What joins a line with the one that is the same job.
pub(super) fn why(line: &JobLine<'_>, twin: &JobLine<'_>) -> String {
    let event = twin.dialects().all(|dialect| dialect == EVENT);
    if !event && line.host.is_none() && twin.has_name() && line.file() != twin.file() {
        return format!("{} installs its file and tells the same job", twin.file());
    }
    match (is_timer(twin), twin.host.as_deref().filter(|_| !twin.has_name())) {
        (true, _) => {
            format!("it does nothing where systemd runs, and the timer {} runs the same", twin.name())
        }
        (false, Some(host)) => format!("{host} has this very line in its crontab"),
        (false, None) => format!("{} states the same event", twin.file()),
    }
}

/// Whether two lines of different schedulers would bear one name without being one job; a twin bears none.
pub(super) fn namesakes(lines: &[JobLine<'_>], twins: &[Option<usize>]) -> Vec<bool> {
    let beside = with_other_files(lines, twins);
    by_another_scheduler(lines).into_iter().zip(beside).map(|(one, other)| one || other).collect()
}

/// By line: whether another line of the host is called like it and runs another file, or, where no host is known, is kept
/// in another folder: what its scheduler calls a job is unique in one place alone.
fn with_other_files(lines: &[JobLine<'_>], twins: &[Option<usize>]) -> Vec<bool> {
    let key = |line: &JobLine<'_>| (line.host.clone(), line.has_name(), line.name());
    let mut told: BTreeMap<(Option<String>, bool, String), BTreeSet<&str>> = BTreeMap::new();
    for (line, _) in lines.iter().zip(twins).filter(|(_, twin)| twin.is_none()) {
        told.entry(key(line)).or_default().extend(line.kept_apart_by());
    }
    let several = |line: &JobLine<'_>| told.get(&key(line)).is_some_and(|told| told.len() > 1);
    lines.iter().map(|line| line.kept_apart_by().is_some() && several(line)).collect()
}

fn by_another_scheduler(lines: &[JobLine<'_>]) -> Vec<bool> {
    let called = |line: &&JobLine<'_>| line.has_name();
    let mut names: BTreeMap<(Option<&str>, String), &Mention> = BTreeMap::new();
    for line in lines.iter().filter(called) {
        names.insert((line.host.as_deref(), line.name()), line.mention);
    }
    let known = |line: &JobLine<'_>| names.contains_key(&(line.host.as_deref(), line.name()));
    lines.iter().map(|line| !line.has_name() && known(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_is_one_only_if_nothing_runs_under_systemd() {
        for text in [
            "[ ! -d /run/systemd/system ] && /opt/x",
            "test -x /usr/bin/x -a \\! -d /run/systemd/system && x renew",
            "! [ -e /run/systemd/system ] && /opt/x",
            "test -e /run/systemd/system || A=1 /opt/x",
            "if [ ! -d /run/systemd/system ]; then /opt/x; fi",
            "if [ -d /run/systemd/system ]; then exit 0",
            "[ -d /run/systemd/system ] && exit 0; /opt/x",
        ] {
            assert!(idles(text), "{text}");
        }
        for text in [
            "[ -d /run/systemd/system ] && /opt/x",
            "if [ -d /run/systemd/system ]; then systemctl reload x",
            "[ ! -d /run/systemd/system ] || /opt/x",
            "[ ! -d /var/lib/x ] && /opt/x",
            "ls /run/systemd/system && /opt/x",
        ] {
            assert!(!idles(text), "{text}");
        }
    }

    #[test]
    fn a_command_is_the_same_with_the_same_arguments_only() {
        let wanted = ["/usr/bin/x", "-q", "renew"];
        for line in
            ["x -q renew", "test -x /usr/bin/x && /usr/bin/x -q renew; fi", "x -q renew >/dev/null 2>&1"]
        {
            assert!(holds(line, &wanted), "{line}");
        }
        for line in ["x renew", "x -q renew now", "/opt/x -q renew", "x -q", "[ -x /usr/bin/x ]"] {
            assert!(!holds(line, &wanted), "{line}");
        }
        assert!(!holds("[ -x /usr/bin/x ]", &["/usr/bin/x"]));
    }
}
