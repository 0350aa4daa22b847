//! A text as its engine reads it, where the parser would read another: what MySQL and MariaDB run although it looks like
//! a comment, what they pass over although it looks like code, and names that are spelled in a way of one engine's own.
//! Nothing is guessed: what cannot be spelled out stays as it is, and strings and quoted names are never looked into.

use super::Dialect;
use super::lex::{self, Kind, Lexed};
use std::borrow::Cow;

/// Whether there is a server of a version, or may soon be: MySQL counts five digits up to 9.x (90700 is 9.7.0) and six
/// from 10.0 on, MariaDB six (120100 is 12.1.0). Comments of higher ones only look like code to others (MariaDB,
/// "Comment Syntax").
fn is_anybodys(version: u64) -> bool {
    matches!(version, ..91_000 | 100_000..200_000)
}

/// A comment that MySQL or MariaDB may run: `/*! … */`, `/*!50003 … */`, MariaDB's `/*M!100100 … */`. Of one that a
/// text begins with: how long its mark is, and whether there is a server that runs it (MySQL 8.4 Reference Manual,
/// 11.7; MariaDB, "Comment Syntax").
pub(super) fn executable(text: &[u8]) -> Option<(usize, bool)> {
    let mark = [&b"/*!"[..], b"/*M!"].into_iter().find(|mark| text.starts_with(mark))?.len();
    let digits = text[mark..].iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
    // Fewer digits are no version, and part of what is run.
    let version = if digits < 5 { "" } else { std::str::from_utf8(&text[mark..mark + digits]).unwrap_or("") };
    Some((mark + version.len(), version.parse().map_or(true, is_anybodys)))
}

/// Where a comment ends that begins a text and is not run; one may stand inside of it.
pub(super) fn passed(text: &[u8]) -> usize {
    let (mut at, mut inside) = (2, false);
    while let Some(found) = memchr::memchr2(b'*', b'/', text.get(at..).unwrap_or(&[])) {
        at += found;
        match text.get(at..at + 2) {
            Some(b"*/") if inside => (inside, at) = (false, at + 2),
            Some(b"*/") => return at + 2,
            Some(b"/*") => (inside, at) = (true, at + 2),
            _ => at += 1,
        }
    }
    text.len()
}

/// The mark of an outer join of ODBC that a text begins with, `{ OJ`, which MySQL passes over: its length.
pub(super) fn outer_join(text: &[u8]) -> Option<usize> {
    let rest = text.strip_prefix(b"{")?;
    let word = rest.trim_ascii_start();
    let named = word.get(..2).is_some_and(|it| it.eq_ignore_ascii_case(b"oj"));
    let ends = word.get(2).is_some_and(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    (named && ends).then_some(1 + rest.len() - word.len() + 2)
}

/// The text as its engine reads it.
pub(super) fn plain(sql: &str, dialect: Dialect) -> Cow<'_, str> {
    match dialect {
        Dialect::MySql => mysql(sql),
        Dialect::Snowflake | Dialect::Databricks if contains(sql, "identifier") => {
            replaced(sql, dialect, identifier)
        }
        Dialect::Postgres if contains(sql, "u&\"") || contains(sql, "only") => {
            replaced(sql, dialect, postgres)
        }
        Dialect::BigQuery if contains(sql, "[") => replaced(sql, dialect, bracketed),
        Dialect::Oracle if contains(sql, "option") || contains(sql, "only") => {
            replaced(sql, dialect, restriction)
        }
        _ => Cow::Borrowed(sql),
    }
}

fn contains(sql: &str, word: &str) -> bool {
    sql.as_bytes().windows(word.len()).any(|it| it.eq_ignore_ascii_case(word.as_bytes()))
}

/// Marks of comments that are run become blanks, and so do comments that no server runs.
fn mysql(sql: &str) -> Cow<'_, str> {
    let bytes = sql.as_bytes();
    let has = |mark: &str| memchr::memmem::find(bytes, mark.as_bytes()).is_some();
    let marked = has("/*!") || has("/*M!") || has("{") && contains(sql, "oj");
    if !marked {
        return Cow::Borrowed(sql);
    }
    let mut out = bytes.to_vec();
    let (mut at, mut run, mut joins) = (0, 0_usize, 0_usize);
    while at < bytes.len() {
        let rest = &bytes[at..];
        let (blank, next) = match rest[0] {
            b'\'' | b'"' | b'`' => (0, quoted(rest)),
            b'#' => (0, line(rest)),
            b'-' if rest.get(1) == Some(&b'-') && rest.get(2).is_none_or(|byte| *byte <= b' ') => {
                (0, line(rest))
            }
            b'/' if rest.get(1) == Some(&b'*') => match executable(rest) {
                Some((mark, true)) => {
                    run += 1;
                    (mark, mark)
                }
                Some((_, false)) => (passed(rest), passed(rest)),
                None => {
                    let end = memchr::memmem::find(&rest[2..], b"*/").map_or(rest.len(), |end| end + 4);
                    (0, end)
                }
            },
            b'*' if run > 0 && rest.get(1) == Some(&b'/') => {
                run -= 1;
                (2, 2)
            }
            b'{' => match outer_join(rest) {
                Some(mark) => {
                    joins += 1;
                    (mark, mark)
                }
                None => (0, 1),
            },
            b'}' if joins > 0 => {
                joins -= 1;
                (1, 1)
            }
            _ => (0, 1),
        };
        out[at..at + blank].fill(b' ');
        at += next;
    }
    // Whole comments and ASCII signs are blanked, so the bytes stay UTF-8.
    String::from_utf8(out).map_or(Cow::Borrowed(sql), Cow::Owned)
}

fn line(text: &[u8]) -> usize {
    memchr::memchr(b'\n', text).unwrap_or(text.len())
}

/// Where a string or a quoted name ends that begins a text.
fn quoted(text: &[u8]) -> usize {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' if text[0] != b'`' => at += 2,
            byte if byte == text[0] => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// How a name that begins at a token is spelled plainly, and the token after it.
type Spell = fn(&Lexed<'_>, usize) -> Option<(String, usize)>;

/// The text with other spellings of names in it.
fn replaced(sql: &str, dialect: Dialect, spell: Spell) -> Cow<'_, str> {
    let lexed = lex::lex(sql, dialect);
    let (mut out, mut kept, mut at) = (String::with_capacity(sql.len()), 0, 0);
    while at < lexed.tokens.len() {
        let Some((name, next)) = spell(&lexed, at) else {
            at += 1;
            continue;
        };
        out.push_str(sql.get(kept..lexed.span(at).0).unwrap_or(""));
        out.push_str(&name);
        kept = lexed.span(next - 1).1;
        at = next;
    }
    if kept == 0 {
        return Cow::Borrowed(sql);
    }
    out.push_str(sql.get(kept..).unwrap_or(""));
    Cow::Owned(out)
}

/// `IDENTIFIER('db.s.t')` (Snowflake, "Literals and variables as identifiers"; Databricks, "IDENTIFIER clause").
fn identifier(lexed: &Lexed<'_>, at: usize) -> Option<(String, usize)> {
    if !(lexed.is(at, "identifier") && lexed.is(at + 1, "(") && lexed.is(at + 3, ")")) {
        return None;
    }
    let name = lexed.content(at + 2)?;
    let inner = lex::lex(&name, lexed.dialect);
    let whole = inner.name(0).is_some_and(|(_, next)| next == inner.tokens.len());
    whole.then_some((name, at + 4))
}

fn postgres(lexed: &Lexed<'_>, at: usize) -> Option<(String, usize)> {
    only(lexed, at).or_else(|| escaped(lexed, at))
}

/// `ONLY t` and `ONLY (t)`: the table itself without those that inherit from it (PostgreSQL manual, 7.2.1.1).
fn only(lexed: &Lexed<'_>, at: usize) -> Option<(String, usize)> {
    let before = ["from", "join", ",", "update", "using", "table", "into"];
    let expected = at.checked_sub(1).is_some_and(|before_it| before.iter().any(|it| lexed.is(before_it, it)));
    if !(expected && lexed.is(at, "only")) {
        return None;
    }
    let open = usize::from(lexed.is(at + 1, "("));
    let mut end = at + 1 + open;
    let mut name = String::new();
    loop {
        let (part, next) = escaped(lexed, end).or_else(|| Some((lexed.raw(end).to_owned(), end + 1)))?;
        matches!(lexed.kind(next - 1)?, Kind::Word | Kind::Quoted | Kind::Text).then_some(())?;
        name.push_str(&part);
        end = next;
        if !lexed.is(end, ".") {
            break;
        }
        name.push('.');
        end += 1;
    }
    (open == 0 || lexed.is(end, ")")).then_some((name, end + open))
}

/// `U&"…"`, with the sign that UESCAPE names behind it (PostgreSQL manual, 4.1.2.3).
fn escaped(lexed: &Lexed<'_>, at: usize) -> Option<(String, usize)> {
    let opens = lexed.is(at, "u") && lexed.is(at + 1, "&") && lexed.adjacent(at + 1);
    if !opens || lexed.kind(at + 2) != Some(Kind::Quoted) || !lexed.adjacent(at + 2) {
        return None;
    }
    let (sign, next) = match lexed.content(at + 4).filter(|_| lexed.is(at + 3, "uescape")) {
        Some(sign) => (sign.chars().next()?, at + 5),
        None => ('\\', at + 3),
    };
    let name = unescaped(&lexed.unquoted(at + 2), sign)?;
    Some((format!("\"{}\"", name.replace('"', "\"\"")), next))
}

/// `\0061` and `\+000061`, and the sign itself where it stands twice.
fn unescaped(text: &str, sign: char) -> Option<String> {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(next) = rest.chars().next() {
        rest = &rest[next.len_utf8()..];
        if next != sign {
            out.push(next);
        } else if let Some(more) = rest.strip_prefix(sign) {
            out.push(sign);
            rest = more;
        } else {
            let (digits, count) = rest.strip_prefix('+').map_or((rest, 4), |digits| (digits, 6));
            let number = u32::from_str_radix(digits.get(..count)?, 16).ok()?;
            out.push(char::from_u32(number)?);
            rest = &digits[count..];
        }
    }
    Some(out)
}

/// `WITH CHECK OPTION` and `WITH READ ONLY` at the end of a query in parentheses, which name no table (Oracle SQL Language
/// Reference, `subquery_restriction_clause`).
fn restriction(lexed: &Lexed<'_>, at: usize) -> Option<(String, usize)> {
    let words = |one, two| lexed.is(at, "with") && lexed.is(at + 1, one) && lexed.is(at + 2, two);
    if !words("check", "option") && !words("read", "only") {
        return None;
    }
    let named = lexed.is(at + 3, "constraint");
    let end = if named { lexed.name(at + 4)?.1 } else { at + 3 };
    lexed.is(end, ")").then_some((String::new(), end))
}

/// `[project:dataset.table]` of BigQuery's legacy SQL, where a table is expected.
fn bracketed(lexed: &Lexed<'_>, at: usize) -> Option<(String, usize)> {
    let before = at.checked_sub(1)?;
    let expected = ["from", "join", ","].iter().any(|word| lexed.is(before, word));
    if !expected || !lexed.is(at, "[") {
        return None;
    }
    let end = (at + 1..at + 24).find(|end| lexed.is(*end, "]"))?;
    let name: String = (at + 1..end).map(|at| lexed.raw(at)).collect();
    let plain = (at + 1..=end).all(|at| lexed.adjacent(at));
    let (project, table) =
        name.rsplit_once(':').map_or((None, &*name), |(project, table)| (Some(project), table));
    let signs = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':' | b'.' | b'$');
    // What has no project may be an array of columns, but for right behind FROM and JOIN.
    let of_table = project.is_some() || !lexed.is(before, ",");
    if !(plain && of_table && table.contains('.') && name.bytes().all(signs)) {
        return None;
    }
    let project = project.map(|project| format!("{project}.")).unwrap_or_default();
    Some((format!("`{project}{table}`"), end + 1))
}
