//! Paths of Windows in one spelling: `C:/data/x.csv` for a drive, `\\server/share/x.csv` for a share ("Naming Files, Paths,
//! and Namespaces"). It knows which words are paths by their shape and never what they are used for.

use std::collections::BTreeMap;

/// Whether a path starts at a drive.
fn has_drive(path: &str) -> bool {
    let bytes = path.as_bytes();
    bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && matches!(bytes[2], b'\\' | b'/')
}

/// Whether a path starts at a root: of a drive, a share or the system.
pub(in super::super) fn is_rooted(path: &str) -> bool {
    path.starts_with(['/', '~']) || path.starts_with("\\\\") || has_drive(path)
}

/// The server of a share's path and the path there; a drive's own share (`c$`) is the drive.
pub(in super::super) fn unc(path: &str) -> Option<(&str, String)> {
    let rest = path.strip_prefix("\\\\").filter(|rest| !rest.starts_with(['/', '\\', '.']))?;
    let (server, rest) = rest.split_once(['/', '\\']).unwrap_or((rest, ""));
    let rest = rest.replace('\\', "/");
    let (share, below) = rest.split_once('/').unwrap_or((&rest, ""));
    let there = match share.strip_suffix('$') {
        Some(drive) if drive.len() == 1 && drive.as_bytes()[0].is_ascii_alphabetic() => {
            format!("{}:/{below}", drive.to_ascii_uppercase())
        }
        _ => rest,
    };
    Some((server, there))
}

/// A path in the one spelling, connected drives resolved.
pub(super) fn folded(path: &str, drives: &BTreeMap<char, String>) -> String {
    let path = path.trim().trim_matches('"');
    let path = path.strip_prefix("\\\\?\\").unwrap_or(path);
    if let Some(rest) = path.strip_prefix("\\\\") {
        return format!("\\\\{}", plain(rest));
    }
    let Some(first) = path.chars().next().filter(|_| path.as_bytes().get(1) == Some(&b':')) else {
        return plain(path);
    };
    match drives.get(&first.to_ascii_uppercase()) {
        Some(root) => format!("{root}/{}", plain(path[2..].trim_start_matches(['\\', '/']))),
        None => plain(&format!("{}{}", first.to_ascii_uppercase(), &path[first.len_utf8()..])),
    }
}

/// With slashes, none of them doubled.
fn plain(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for sign in path.chars() {
        let sign = if sign == '\\' { '/' } else { sign };
        if sign != '/' || !out.ends_with('/') || out.ends_with(":/") && out.len() > 2 {
            out.push(sign);
        }
    }
    out
}

/// Whether a word is a path by its shape: a drive, a share, a step from here, or names between backslashes that end like
/// a file's. `db1\SQLEXPRESS` and `SHOP\svc` are none.
pub(super) fn is_path(word: &str) -> bool {
    if word.contains(['\n', '\'', '=', '*', ';']) && !has_drive(word) && !word.starts_with("\\\\") {
        return false;
    }
    if word.contains("://") {
        return false;
    }
    let begins = [".\\", "..\\", "\\"].iter().any(|start| word.starts_with(start));
    let ending = word.rsplit(['\\', '/']).next().and_then(|name| name.rsplit_once('.'));
    let like_a_file = word.contains('\\')
        && !word.contains(' ')
        && ending.is_some_and(|(stem, ending)| {
            !stem.is_empty()
                && (1..=5).contains(&ending.len())
                && ending.bytes().all(|b| b.is_ascii_alphanumeric())
        });
    has_drive(word) || begins || like_a_file || word.ends_with('\\')
}

/// A word of a command: a path in it, perhaps behind an option's letter or `@`, in the one spelling.
pub(super) fn word(word: &str, drives: &BTreeMap<char, String>) -> String {
    if is_path(word) {
        return folded(word, drives);
    }
    // `-iC:\x.sql`, `-s:C:\x.txt`, `@C:\x.sql`, `/script=C:\x`.
    let at = word.find(['=', ':', '@']).map(|at| at + 1);
    let glued = [Some(2), Some(1), at].into_iter().flatten().find(|at| {
        word.starts_with(['-', '/', '@'])
            && word
                .get(*at..)
                .is_some_and(|rest| has_drive(rest) || rest.starts_with("\\\\") || rest.starts_with(".\\"))
    });
    match glued {
        Some(at) => format!("{}{}", &word[..at], folded(&word[at..], drives)),
        None => word.to_owned(),
    }
}

/// The last part of a path.
pub(super) fn last(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

/// The name of a program without its folder and ending, in lower case.
pub(super) fn program(command: &str) -> String {
    let name = command.rsplit(['\\', '/']).next().unwrap_or(command).to_ascii_lowercase();
    let stem = [".exe", ".com"].iter().find_map(|ending| name.strip_suffix(ending));
    stem.unwrap_or(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_one_spelling_and_what_is_none_stays() {
        let drives = BTreeMap::from([('Z', "\\\\nas/out".to_owned())]);
        let rows = [
            (r"c:\Data\\x.csv", "C:/Data/x.csv"),
            (r"\\srv\share\x.csv", r"\\srv/share/x.csv"),
            (r"Z:\day\x.csv", r"\\nas/out/day/x.csv"),
            (r"sub\load.sql", "sub/load.sql"),
            (r"-iC:\jobs\load.sql", "-iC:/jobs/load.sql"),
            (r"-s:.\ftp.txt", "-s:./ftp.txt"),
            (r"@D:\x.sql", "@D:/x.sql"),
            (r"db1\SQLEXPRESS", r"db1\SQLEXPRESS"),
            (r"SHOP\svc", r"SHOP\svc"),
            (r"SELECT 'a\b.txt'", r"SELECT 'a\b.txt'"),
            ("https://a/b", "https://a/b"),
        ];
        for (given, wanted) in rows {
            assert_eq!(word(given, &drives), wanted, "{given}");
        }
    }

    #[test]
    fn a_share_of_a_drive_is_that_drive_of_its_server() {
        assert_eq!(unc(r"\\srv/c$/jobs/x.csv"), Some(("srv", "C:/jobs/x.csv".to_owned())));
        assert_eq!(unc(r"\\srv\in\x.csv"), Some(("srv", "in/x.csv".to_owned())));
        assert_eq!(unc(r"\\.\pipe\x"), None);
        assert_eq!(unc("/srv/x"), None);
    }
}
