//! Programs that a script of Windows runs: what Windows brings along, shells inside of shells, and, where a program is
//! alike everywhere, the table of commands. Passwords in arguments are taken out before anything is kept.

use super::super::{BY_NAME, Call, Context, Out, state};
use super::paths::{self, program};
use super::transfers::{ftp, winscp};
use super::{Around, Env, Given, Language, UNKNOWN, files, inner};
use crate::evidence::{Action, Connection, Text};

/// Endings of files that are run by their path alone.
const SCRIPTS: [&str; 12] =
    [".bat", ".cmd", ".ps1", ".vbs", ".wsf", ".js", ".py", ".pl", ".rb", ".php", ".jar", ".sh"];
/// Clients of SQL Server, whose options may have a slash ("sqlcmd utility", "bcp utility").
const SQL_SERVER: [&str; 4] = ["sqlcmd", "osql", "bcp", "isql"];

/// States what a program with its arguments does.
pub(super) fn run(
    words: Vec<String>,
    given: &Given,
    line: u64,
    env: &Env,
    around: &mut Around,
    context: &Context<'_>,
    out: &mut Out<'_>,
) {
    let Some(command) = words.first().filter(|word| !word.is_empty()) else { return };
    let name = program(command);
    if around.over {
        return;
    }
    let mut all: Vec<String> = words.iter().map(|word| paths::word(word, &around.drives)).collect();
    all[0] = paths::folded(&words[0], &around.drives);
    let mut call = around.call(all, line);
    call.env = env.clone();
    call.stdin.clone_from(&given.stdin);
    call.stdin_file.clone_from(&given.stdin_file);
    call.piped = given.piped;
    if shells(&name, &words, &call, env, around, context, out)
        || brought_along(&name, &words, &call, around, out)
    {
        return;
    }
    out.worked = true;
    match name.as_str() {
        name if SQL_SERVER.contains(&name) => {
            sql_server(name, &mut call);
            let file = call.words.iter().position(|word| word == "-i").and_then(|at| call.words.get(at + 1));
            // A file that the script writes itself is known.
            if let Some(text) = file.and_then(|path| around.written.get(&super::super::absolute(path, &call)))
            {
                call.stdin = Some(text.clone());
                let at = call.words.iter().position(|word| word == "-i").unwrap_or(0);
                call.words.drain(at..at + 2);
            }
            state(&call, out);
        }
        "ftp" => ftp(call, around, out),
        "winscp" => winscp(call, around, out),
        "pscp" => {
            call.words[0] = "scp".to_owned();
            without_value(&mut call.words, &["-pw", "-hostkey"]);
            call.words
                .retain(|word| !matches!(word.as_str(), "-batch" | "-sftp" | "-scp" | "-q" | "-unsafe"));
            state(&call, out);
        }
        "plink" => {
            without_value(&mut call.words, &["-pw", "-hostkey", "-i", "-P", "-l", "-load", "-m"]);
            if let Some(host) = call.words[1..].iter().find(|word| !word.starts_with('-')).cloned() {
                out.add_host(&call, &host, None);
            }
        }
        "psexec" | "psexec64" => psexec(&words, given, line, env, around, context, out),
        "blat" => {
            let to = after(&words, "-to").unwrap_or_default();
            let attached = after(&words, "-attach").or_else(|| after(&words, "-attacht"));
            let mut mail = vec!["mail".to_owned()];
            mail.extend(
                attached.into_iter().flat_map(|file| ["-a".to_owned(), paths::folded(&file, &around.drives)]),
            );
            mail.push(to);
            state(&Call { words: mail, ..call }, out);
        }
        "bitsadmin" | "certutil" => {
            let url = call.words.iter().position(|word| word.contains("://"));
            if let Some(at) = url {
                let mut fetch = vec!["curl".to_owned(), call.words[at].clone()];
                if let Some(path) = call.words.get(at + 1) {
                    fetch.extend(["-o".to_owned(), path.clone()]);
                }
                state(&Call { words: fetch, ..call }, out);
            }
        }
        "dtexec" => {
            let file = call.words.iter().position(|word| {
                matches!(word.to_ascii_lowercase().as_str(), "/f" | "/file" | "-f" | "-file")
            });
            if let Some(path) = file.and_then(|at| call.words.get(at + 1)).cloned() {
                out.runs(&call, &path, Connection::default());
            }
        }
        name => {
            let known = name.strip_suffix(".cmd").unwrap_or(name);
            if BY_NAME.contains_key(known) || is_interpreter(known) {
                call.words[0] = known.replace("pythonw", "python");
                if known == "py" {
                    call.words[0] = "python".to_owned();
                }
                return state(&call, out);
            }
            file(call, out);
        }
    }
}

fn is_interpreter(name: &str) -> bool {
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    matches!(plain, "python" | "pythonw" | "py" | "perl" | "ruby" | "node" | "php" | "bash" | "sh" | "sleep")
}

/// A script or a program by its path; what it is told of secrets is left out.
pub(super) fn file(mut call: Call, out: &mut Out<'_>) {
    let command = call.words[0].clone();
    let lower = command.to_ascii_lowercase();
    let script = SCRIPTS.iter().any(|ending| lower.ends_with(ending));
    if script {
        hide(&mut call.words);
        out.runs(&call, &command, Connection::default());
    }
}

/// Takes out what stands behind the names of secrets.
pub(super) fn hide(words: &mut [String]) {
    const NAMES: [&str; 9] = ["p", "pw", "pwd", "pass", "password", "passwd", "secret", "token", "apikey"];
    let mut next = false;
    for word in words.iter_mut().skip(1) {
        let named =
            word.strip_prefix(['-', '/']).map(|name| name.trim_start_matches('-').to_ascii_lowercase());
        if std::mem::take(&mut next) && named.is_none() {
            UNKNOWN.clone_into(word);
            continue;
        }
        let Some(named) = named else { continue };
        match named.split_once([':', '=']) {
            Some((name, _)) if NAMES.contains(&name) => {
                let end = word.find([':', '=']).unwrap_or(word.len());
                word.truncate(end + 1);
                word.push_str(UNKNOWN);
            }
            _ => next = NAMES.contains(&named.as_str()),
        }
    }
}

/// The word behind an option, its case aside.
pub(super) fn after(words: &[String], option: &str) -> Option<String> {
    let at = words.iter().position(|word| word.eq_ignore_ascii_case(option))?;
    words.get(at + 1).cloned()
}

fn without_value(words: &mut Vec<String>, options: &[&str]) {
    while let Some(at) = words.iter().position(|word| options.contains(&word.as_str())) {
        words.drain(at..(at + 2).min(words.len()));
    }
}

/// Shells: `cmd /c`, `powershell -File`, `start`. Tells whether it is one.
fn shells(
    name: &str,
    words: &[String],
    call: &Call,
    env: &Env,
    around: &mut Around,
    context: &Context<'_>,
    out: &mut Out<'_>,
) -> bool {
    match name {
        "cmd" => {
            let at = words.iter().position(|word| matches!(word.to_ascii_lowercase().as_str(), "/c" | "/k"));
            if let Some(at) = at {
                let text = match &words[at + 1..] {
                    [only] => only.clone(),
                    many => many.iter().map(|word| again(word)).collect::<Vec<_>>().join(" "),
                };
                let before = around.folder.clone();
                inner(&text, Language::Batch, call.line, true, env.clone(), around, context, out);
                around.folder = before;
            }
        }
        "start" => {
            let mut rest = &words[1..];
            // A first word in quotes is a title, which `start ""` leaves empty.
            if rest
                .first()
                .is_some_and(|word| word.is_empty() || (word.contains(' ') && !paths::is_path(word)))
            {
                rest = &rest[1..];
            }
            let at = rest.iter().position(|word| !word.starts_with('/')).unwrap_or(rest.len());
            let given = Given { stdin_file: call.stdin_file.clone(), ..Given::default() };
            run(rest[at..].to_vec(), &given, call.line, env, around, context, out);
        }
        "powershell" | "pwsh" => powershell(words, call, env, around, context, out),
        "cscript" | "wscript" => {
            if let Some(script) = call.words[1..].iter().find(|word| !word.starts_with("//")).cloned() {
                let mut call = call.clone();
                hide(&mut call.words);
                out.runs(&call, &script, Connection::default());
            }
        }
        _ => return false,
    }
    true
}

/// A word as it stands in a command line.
fn again(word: &str) -> String {
    if word.contains([' ', '&', '|', '<', '>']) || word.is_empty() {
        format!("\"{word}\"")
    } else {
        word.to_owned()
    }
}

/// `powershell` ("about_PowerShell_exe"): options may be cut short.
fn powershell(
    words: &[String],
    call: &Call,
    env: &Env,
    around: &mut Around,
    context: &Context<'_>,
    out: &mut Out<'_>,
) {
    const VALUED: [&str; 9] = [
        "executionpolicy",
        "windowstyle",
        "version",
        "inputformat",
        "outputformat",
        "configurationname",
        "psconsolefile",
        "workingdirectory",
        "settingsfile",
    ];
    let mut at = 1;
    while let Some(word) = words.get(at) {
        at += 1;
        let Some(option) = word.strip_prefix(['-', '/']).map(str::to_ascii_lowercase) else {
            at -= 1;
            break;
        };
        let is = |name: &str| !option.is_empty() && name.starts_with(&option);
        if is("file") {
            break;
        }
        if is("command") {
            break;
        }
        if matches!(option.as_str(), "ec" | "enc" | "e") || is("encodedcommand") {
            return out.unresolved(call, "a command of PowerShell that is only there encoded");
        }
        if matches!(option.as_str(), "ep" | "ex") || VALUED.iter().any(|name| is(name)) {
            at += 1;
        }
    }
    let rest = &words[at.min(words.len())..];
    let Some(first) = rest.first() else { return };
    let bare = first.trim_matches(['"', '\'']);
    if bare.to_ascii_lowercase().ends_with(".ps1") && !bare.contains(['&', ';', '|']) && !bare.contains(" -")
    {
        let script = paths::folded(bare.trim_start_matches(['&', ' ', '\'']), &around.drives);
        let mut call = call.clone();
        hide(&mut call.words);
        out.worked = true;
        return out.runs(&call, &script, Connection::default());
    }
    if first == "-" {
        return;
    }
    let before = around.folder.clone();
    let text = rest.join(" ");
    inner(&text, Language::PowerShell, call.line, true, env.clone(), around, context, out);
    around.folder = before;
}

/// What Windows brings along, and what `cmd` does itself. Tells whether it is one of them.
fn brought_along(name: &str, words: &[String], call: &Call, around: &mut Around, out: &mut Out<'_>) -> bool {
    let drives = &around.drives;
    let plain: Vec<String> = words[1..]
        .iter()
        .filter(|word| !word.starts_with('/'))
        .map(|word| paths::folded(word, drives))
        .collect();
    match name {
        "cd" | "chdir" => {
            if let Some(path) = plain.first() {
                around.enter(path);
            }
        }
        "pushd" => {
            around.left.push(around.folder.clone());
            if let Some(path) = plain.first() {
                around.enter(path);
            }
        }
        "popd" => around.folder = around.left.pop().flatten(),
        "copy" => {
            out.worked = true;
            // `copy a+b c` puts files together.
            let joined = plain.iter().flat_map(|word| word.split('+')).map(str::to_owned);
            let mut all: Vec<String> = joined.filter(|word| !word.is_empty()).collect();
            if plain.len() > 1 {
                let target = all.pop().unwrap_or_default();
                files::copy(call, &all, &target, out);
            } else {
                files::copy(call, &all, ".", out);
            }
        }
        "xcopy" | "move" => match &plain[..] {
            [from, to, ..] => files::copy(call, std::slice::from_ref(from), to, out),
            [from] => files::copy(call, std::slice::from_ref(from), ".", out),
            [] => {}
        },
        "robocopy" => {
            out.worked = true;
            let words: Vec<&String> = plain.iter().collect();
            // Behind `/xf` and `/xd` names are left out.
            let excluded = words_behind(&call.words, &["/xf", "/xd"]);
            let kept: Vec<&String> = words.into_iter().filter(|word| !excluded.contains(word)).collect();
            files::robocopy(call, &kept, out);
        }
        "ren" | "rename" => {
            if let [path, name, ..] = &plain[..] {
                files::rename(call, path, name, out);
            }
        }
        "type" => {
            for path in &plain {
                out.add_file(call, Action::Read, &files::pattern(path));
            }
        }
        "timeout" => {
            let seconds = words[1..].iter().find_map(|word| {
                let word = word.to_ascii_lowercase();
                let word = word.strip_prefix("/t").or_else(|| word.strip_prefix("-t")).unwrap_or(&word);
                word.trim_start_matches(':').parse::<u64>().ok()
            });
            sleep(call, seconds, out);
        }
        "ping" => {
            let here = words
                .iter()
                .any(|word| matches!(word.as_str(), "localhost" | "127.0.0.1" | "1.1.1.1" | "192.0.2.2"));
            let times = after(words, "-n").and_then(|times| times.parse::<u64>().ok());
            if here {
                // One second lies between two of them.
                sleep(call, times.map(|times| times.saturating_sub(1)), out);
            }
        }
        "net" if words.get(1).is_some_and(|word| word.eq_ignore_ascii_case("use")) => {
            net_use(words, call, around, out)
        }
        "sc" | "shutdown" | "net" | "echo" | "echo." | "set" | "setlocal" | "endlocal" | "exit" | "title"
        | "color" | "cls" | "pause" | "mode" | "del" | "erase" | "rd" | "rmdir" | "md" | "mkdir"
        | "attrib" | "path" | "prompt" | "chcp" | "ver" | "vol" | "date" | "time" | "shift" | "goto"
        | "find" | "findstr" | "sort" | "more" | "tasklist" | "taskkill" | "reg" | "schtasks" | "icacls"
        | "forfiles" | "whoami" | "dir" | "verify" | "assoc" | "ftype" | "break" | "setx" | "wmic" | "if"
        | "else" | "call" | "install" | "split" => {}
        _ => return false,
    }
    true
}

/// The words behind options, up to the next option.
fn words_behind(words: &[String], options: &[&str]) -> Vec<String> {
    let (mut found, mut on) = (Vec::new(), false);
    for word in words {
        if word.starts_with('/') {
            on = options.iter().any(|option| word.eq_ignore_ascii_case(option));
        } else if on {
            found.push(word.clone());
        }
    }
    found
}

pub(super) fn sleep(call: &Call, seconds: Option<u64>, out: &mut Out<'_>) {
    let seconds = seconds.map_or_else(|| UNKNOWN.to_owned(), |seconds| seconds.to_string());
    state(&Call { words: vec!["sleep".to_owned(), seconds], ..call.clone() }, out);
}

/// `net use X: \\server\share` gives a share a drive's letter.
fn net_use(words: &[String], call: &Call, around: &mut Around, out: &mut Out<'_>) {
    let share =
        words.iter().find(|word| word.starts_with("\\\\")).map(|word| paths::folded(word, &around.drives));
    let drive =
        words.iter().find(|word| word.len() == 2 && word.ends_with(':')).and_then(|word| word.chars().next());
    if words.iter().any(|word| word.to_ascii_lowercase().starts_with("/d")) {
        return;
    }
    let Some(share) = share else { return };
    connect_share(&share, drive, call, around, out);
}

/// States that a share's host is reached, and keeps what its drive stands for.
pub(super) fn connect_share(
    share: &str,
    drive: Option<char>,
    call: &Call,
    around: &mut Around,
    out: &mut Out<'_>,
) {
    if let Some((host, _)) = super::unc(share) {
        out.add_host(call, host, None);
    }
    if let Some(drive) = drive {
        around.drives.insert(drive.to_ascii_uppercase(), share.trim_end_matches('/').to_owned());
    }
}

/// Options with a slash as with a dash; what stands for this host is called so.
fn sql_server(name: &str, call: &mut Call) {
    call.words[0] = if name == "isql" { "osql".to_owned() } else { name.to_owned() };
    for at in 1..call.words.len() {
        let word = &mut call.words[at];
        let option =
            word.strip_prefix('/').filter(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
        if let Some(rest) = option.filter(|rest| !rest.contains('/')) {
            *word = format!("-{rest}");
        }
        let server = match word.strip_prefix("-S") {
            Some("") => call.words.get(at + 1).map(|server| (at + 1, String::new(), server.clone())),
            Some(server) => Some((at, "-S".to_owned(), server.to_owned())),
            None => None,
        };
        if let Some((at, before, server)) = server {
            call.words[at] = format!("{before}{}", server_name(&server));
        }
    }
}

/// A server's name; `.` and `(local)` are this host ("Connecting to the Database Engine").
pub(super) fn server_name(server: &str) -> String {
    let server = server.trim().trim_start_matches("lpc:").trim_start_matches("np:");
    let (host, instance) = server.split_once('\\').map_or((server, None), |(host, it)| (host, Some(it)));
    let host = if matches!(host.to_ascii_lowercase().as_str(), "." | "(local)") { "localhost" } else { host };
    match instance {
        Some(instance) => format!("{host}\\{}", instance.trim_start_matches('\\')),
        None => host.to_owned(),
    }
}

/// `psexec \\host program` runs it there.
fn psexec(
    words: &[String],
    given: &Given,
    line: u64,
    env: &Env,
    around: &mut Around,
    context: &Context<'_>,
    out: &mut Out<'_>,
) {
    let Some(at) = words.iter().position(|word| word.starts_with("\\\\")) else { return };
    let host = words[at].trim_start_matches('\\').to_owned();
    let call = around.call(vec!["psexec".to_owned()], line);
    out.add_host(&call, &host, None);
    let mut next = at + 1;
    while let Some(word) = words.get(next).filter(|word| word.starts_with('-')) {
        next += if matches!(word.as_str(), "-u" | "-p" | "-w" | "-n" | "-r" | "-a") { 2 } else { 1 };
    }
    there(Some(host), around, out, |around, out| {
        run(words.get(next..).unwrap_or(&[]).to_vec(), given, line, env, around, context, out);
    });
}

/// Reads what runs on another host, whose files are not this one's.
pub(super) fn there<'c>(
    host: Option<String>,
    around: &mut Around,
    out: &mut Out<'c>,
    read: impl FnOnce(&mut Around, &mut Out<'c>),
) {
    let host = host.filter(|host| !host.contains(UNKNOWN)).map(Text::from);
    let (before, folder) = (out.elsewhere.replace(host), around.folder.take());
    read(around, out);
    out.elsewhere = before;
    around.folder = folder;
}
