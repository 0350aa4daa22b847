//! SQL text of which a shell fills in parts before anybody is sent it: `{}` stands for what only a run can tell. A value
//! by itself becomes a number; what is glued to a name makes that a name which goes on in a way that nobody knows. It
//! never guesses what is filled in.

use super::fold::UNKNOWN_NAME;
use super::{Dialect, Kind, lex};
use std::borrow::Cow;

/// Stands for an unknown value by itself: a number, which is no name of a table.
const ALONE: &str = "0";
/// What stands in a text for what only a run can tell.
const OPEN: &str = "{}";

/// The text with its unknown parts as a parser takes them; in literals, quoted names and comments they stay.
pub fn filled(sql: &str, dialect: Dialect) -> Cow<'_, str> {
    if !sql.contains(OPEN) {
        return Cow::Borrowed(sql);
    }
    let lexed = lex(sql, dialect);
    let named = |at: usize| match lexed.kind(at) {
        Some(Kind::Word | Kind::Quoted | Kind::Param) => true,
        _ => lexed.raw(at) == ".",
    };
    let (mut out, mut kept) = (String::with_capacity(sql.len()), 0);
    for at in (0..lexed.tokens.len()).filter(|at| lexed.raw(*at) == OPEN) {
        let behind = at + 1 < lexed.tokens.len() && lexed.adjacent(at + 1);
        let number = behind && lexed.kind(at + 1) == Some(Kind::Number);
        let part = lexed.adjacent(at) && named(at - 1) || behind && (named(at + 1) || number);
        let (start, end) = lexed.span(at);
        out.push_str(sql.get(kept..start).unwrap_or(""));
        out.push_str(if part { UNKNOWN_NAME } else { ALONE });
        kept = end;
    }
    out.push_str(sql.get(kept..).unwrap_or(""));
    Cow::Owned(out)
}

/// A name or a shape as it is shown: its unknown parts as `{}`.
pub fn shown_open(text: &str) -> Cow<'_, str> {
    if text.contains(UNKNOWN_NAME) {
        Cow::Owned(text.replace(UNKNOWN_NAME, OPEN))
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether a text that was filled in has a name of which a part is unknown.
pub fn names_open(text: &str) -> bool {
    text.contains(UNKNOWN_NAME)
}

/// Whether a part of a name that was read of such a text is unknown, as a whole or in a part.
pub fn is_open(part: &str) -> bool {
    part.contains(OPEN) || part.contains(UNKNOWN_NAME) || part.contains('?') || part == ALONE
}

#[cfg(test)]
mod tests {
    use super::filled;
    use crate::sql::Dialect;

    #[test]
    fn a_part_of_a_name_stays_one_and_a_value_by_itself_is_a_value() {
        for (text, want) in [
            ("select a from log_{}", "select a from log_zz_unknown_zz"),
            ("select a from {}_log where b = {}", "select a from zz_unknown_zz_log where b = 0"),
            ("select a from {}.t", "select a from zz_unknown_zz.t"),
            ("select a from s.{} limit {}", "select a from s.zz_unknown_zz limit 0"),
            ("select a from t where b = 'x_{}' and c = ({})", "select a from t where b = 'x_{}' and c = (0)"),
            ("select a -- don't_{}\nfrom t_{}", "select a -- don't_{}\nfrom t_zz_unknown_zz"),
            ("select a from t", "select a from t"),
        ] {
            assert_eq!(filled(text, Dialect::Postgres), want, "{text}");
        }
    }
}
