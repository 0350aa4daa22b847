//! What a job is called by the text of its command: the first program that it runs, behind settings, tests, waits and
//! brackets. It never looks at what that program is.

/// What only asks or opens something is no name: `[ -x /opt/x ] && …`, `. /opt/env; …`, `if test …`.
const ASKS: [&str; 12] = ["if", "then", "test", "true", "false", "while", "[", "[[", ".", "!", "(", "{"];
/// Words behind which the command goes on.
const OPENS: [&str; 8] = ["if", "then", "while", "until", "do", "else", "!", "{"];
/// Commands that only wait or set something for what comes behind them.
const SETS: [&str; 11] =
    [":", "sleep", "cd", "export", "set", "umask", "ulimit", "source", "unset", "wait", "exit"];

/// What a job is called that runs no file of the estate, which is kept in this file.
pub(super) fn program(command: &str, file: &str) -> String {
    let mut words = command.split_whitespace().map(stem);
    let first = words.next().unwrap_or("command");
    if ASKS.contains(&first) && !matches!(first, "(" | "{") {
        let names = |word: &&str| word.starts_with(char::is_alphabetic) && !ASKS.contains(word);
        return words.find(names).unwrap_or(first).to_owned();
    }
    if is_name(first) && first != "sleep" {
        return first.to_owned();
    }
    let text = unfilled(command);
    let mut commands = segments(&text)
        .into_iter()
        .filter_map(|words| words.into_iter().find(|word| !OPENS.contains(word) && !sets(word)).map(stem));
    let found = commands.find(|word| !ASKS.contains(word) && !SETS.contains(word));
    // The one that does the work is not told: what keeps it is called by a name.
    let kept = Some(stem(file)).filter(|_| first != "sleep" || found.is_some());
    let named = [found, kept].into_iter().flatten().find(|word| is_name(word));
    named.unwrap_or(first).to_owned()
}

/// A command with a sign of the shell's own for what a template fills in, which is nobody's name.
fn unfilled(command: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(command.len()), command);
    while let Some((at, close)) =
        [("{{", "}}"), ("<%", "%>")].iter().filter_map(|(open, close)| Some((rest.find(open)?, *close))).min()
    {
        let Some(end) = rest[at + 2..].find(close) else { break };
        out.push_str(&rest[..at]);
        out.push('$');
        rest = &rest[at + 2 + end + close.len()..];
    }
    out.push_str(rest);
    out
}

/// The last part of a path, without extension.
pub(super) fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem })
}

/// Whether a word is what a program may be called: something of it is known, and no other sign of a shell is in it.
fn is_name(word: &str) -> bool {
    let known = word.split('$').enumerate().map(|(at, part)| match (at, part.strip_prefix('{')) {
        (0, _) => part,
        (_, Some(inner)) => inner.split_once('}').map_or("", |(_, behind)| behind),
        (_, None) => part.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_'),
    });
    let known: String = known.collect();
    let signs = ['"', '\'', '`', '<', '>', '(', ')', '{', '}', '=', ';', '|', '&'];
    known.contains(char::is_alphanumeric) && !known.contains(signs)
}

/// `NAME=value` in front of a command.
fn sets(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

/// The words of each command of a line, quotes and brackets of expansions kept.
fn segments(text: &str) -> Vec<Vec<&str>> {
    let (mut found, mut start, mut quote, mut open) = (vec![Vec::new()], None, None, 0usize);
    let mut before = ' ';
    for (at, sign) in text.char_indices() {
        let inside = quote.is_some() || open > 0;
        match (quote, sign) {
            (Some(own), _) if own == sign => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(sign),
            (None, '(') if before == '$' || open > 0 => open += 1,
            (None, ')') if open > 0 => open -= 1,
            _ => {}
        }
        let ends =
            !inside && (sign.is_whitespace() || matches!(sign, ';' | '|' | '&' | '(' | ')')) && open == 0;
        before = sign;
        if !ends {
            start.get_or_insert(at);
            continue;
        }
        if let (Some(from), Some(words)) = (start.take(), found.last_mut()) {
            words.push(&text[from..at]);
        }
        if !sign.is_whitespace() {
            found.push(Vec::new());
        }
    }
    if let (Some(from), Some(words)) = (start, found.last_mut()) {
        words.push(&text[from..]);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::program;

    #[test]
    fn a_job_is_called_by_the_first_program_it_runs() {
        for (command, want) in [
            ("PATH=\"$PATH:/usr/sbin:/usr/local/bin/\" pihole updateGravity", "pihole"),
            ("A=1 B='x y' /usr/bin/nice x", "nice"),
            ("(sleep $(($RANDOM/(32768/30)))); <%= @script %> 2>&1 | logger -t x", "facts"),
            ("A=1 x 2>&1", "x"),
            ("/opt/backup-${T} a", "backup-${T}"),
            ("$PSQL -c x", "facts"),
            ("{}:{}", "facts"),
            ("sleep 60; diagnosis run", "diagnosis"),
            (": Daily x; sleep $((RANDOM%9)); ! /usr/bin/ping -q", "ping"),
            ("( cd /srv && rotate )", "rotate"),
            ("\"$X\" y", "facts"),
            ("{{ script }} --all", "facts"),
            ("sleep 60", "sleep"),
            ("[ -x /opt/x.sh ] && /opt/x.sh", "x"),
            ("/usr/sbin/logrotate /etc/x", "logrotate"),
            ("reboot; x", "reboot"),
        ] {
            assert_eq!(program(command, "site/facts.cron.erb"), want, "{command}");
        }
    }
}
