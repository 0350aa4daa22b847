//! Tasks that the script which creates them switches off or takes away again: `schtasks /change /disable`, `/delete`,
//! `Disable-ScheduledTask`, `Unregister-ScheduledTask`. It counts only what comes behind the creation on the same way
//! through the script: in a block that stands for itself, another function or another label, it may never run.

use super::powershell::{Call, Script};
use super::schtasks::{calls, options};

/// Whether the last word on a task, behind the line that creates it, is that it is off; `lines` are all of the script.
pub(super) fn is_off(lines: &[String], created: usize, task: &str, batch: bool) -> bool {
    let (open, close) = if batch { ('(', ')') } else { ('{', '}') };
    let (mut depth, mut least, mut off) = (0i64, 0i64, false);
    for line in &lines[created + 1..] {
        let start = line.trim_start().to_ascii_lowercase();
        if batch && (start.starts_with(':') && !start.starts_with("::") || start.starts_with("goto")) {
            break;
        }
        if depth == least && !start.starts_with("if ") && calls(line) {
            let options = options(line);
            let same = options.get("tn").is_some_and(|name| alike(name, task));
            match (
                options.has("disable") || options.has("delete"),
                options.has("enable") || options.has("create"),
            ) {
                (true, _) if same => off = true,
                (_, true) if same => off = false,
                _ => {}
            }
        }
        for sign in line.chars() {
            depth += i64::from(sign == open) - i64::from(sign == close);
            least = least.min(depth);
        }
    }
    off
}

/// Whether the last word on the task of a call is that it is off.
pub(super) fn is_taken_back(script: &Script, created: &Call, task: &str) -> bool {
    let behind = |command: &str| -> Vec<usize> {
        let calls = script.calls(command).into_iter().filter(|call| {
            let name = script.text(call, "taskname").or_else(|| script.first_text(call)).or_else(|| {
                let source = script.piped_into(call, "Get-ScheduledTask")?;
                script.text(&source, "taskname").or_else(|| script.first_text(&source))
            });
            call.at > created.at
                && name.is_some_and(|name| alike(&name, task))
                && script.follows(created, call)
        });
        calls.map(|call| call.at).collect()
    };
    let last = |commands: [&str; 2]| commands.iter().flat_map(|command| behind(command)).max();
    let off = last(["Disable-ScheduledTask", "Unregister-ScheduledTask"]);
    off.is_some_and(|off| last(["Enable-ScheduledTask", "Register-ScheduledTask"]).is_none_or(|on| on < off))
}

/// Whether two spellings are one task: its path with either slash, and letters of either case.
fn alike(one: &str, other: &str) -> bool {
    let plain = |name: &str| name.replace('\\', "/").trim_matches('/').to_lowercase();
    plain(one) == plain(other)
}
