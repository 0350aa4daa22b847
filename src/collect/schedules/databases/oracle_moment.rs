//! Start dates as PL/SQL writes them: `TIMESTAMP '2026-01-01 02:00:00 Europe/Berlin'`, `TO_TIMESTAMP_TZ('…', '…')`,
//! `SYSTIMESTAMP AT TIME ZONE 'US/Eastern'`. What only the moment of making tells stays open, and so does a literal whose
//! order only the session's settings tell.

use super::call::{Constants, Script};

/// What a start date tells.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Start {
    /// The local time, as the dialect takes it.
    pub moment: Option<String>,
    /// The zone's name or offset.
    pub zone: Option<String>,
    /// Whether it is the moment at which it is made, with the server's offset of that day.
    pub is_now: bool,
}

/// Reads the tokens of a start date.
pub(super) fn read(script: &Script<'_>, from: usize, to: usize, constants: &Constants) -> Start {
    let mut start = Start::default();
    for at in from..to {
        if script.are(at, &["at", "time", "zone"]) {
            start.zone = script.lexed.content(at + 3);
        }
    }
    let first = (from..to).find(|at| !script.is(*at, "(")).unwrap_or(from);
    let word = script.name(first).unwrap_or_default();
    match word.as_str() {
        "sysdate" | "systimestamp" | "current_timestamp" | "current_date" | "localtimestamp" | "trunc" => {
            start.is_now = true;
        }
        "timestamp" | "date" => {
            if let Some(text) = script.lexed.content(first + 1) {
                take(&text, None, &mut start);
            }
        }
        "to_timestamp_tz" | "to_timestamp" | "to_date" => {
            let Some((arguments, _)) = script.arguments(first + 1) else { return start };
            let value = |at: usize| arguments.get(at).and_then(|it| script.value(it.from, it.to, constants));
            if let Some(text) = value(0) {
                take(&text, value(1).as_deref(), &mut start);
            }
        }
        _ => {
            if let Some(text) = script.value(from, to, constants) {
                take(&text, None, &mut start);
            }
        }
    }
    start
}

/// A moment by its format; without one only in the order of ISO 8601, which cannot be mistaken.
fn take(text: &str, format: Option<&str>, start: &mut Start) {
    let format = format.unwrap_or("yyyy-mm-dd hh24:mi:ss.ff tzr").to_ascii_lowercase();
    let (mut fields, mut rest, mut pm) = ([0i64, 1, 1, 0, 0, 0], text.trim(), None);
    let mut seen_year = false;
    let mut codes = format.as_str();
    while !codes.is_empty() && !rest.is_empty() {
        const CODES: [(&str, usize, usize); 11] = [
            ("yyyy", 0, 4),
            ("rrrr", 0, 4),
            ("month", 11, 0),
            ("mon", 11, 0),
            ("mm", 1, 2),
            ("dd", 2, 2),
            ("hh24", 3, 2),
            ("hh12", 3, 2),
            ("hh", 3, 2),
            ("mi", 4, 2),
            ("ss", 5, 2),
        ];
        if let Some(after) = codes.strip_prefix("ff") {
            codes = after.trim_start_matches(|c: char| c.is_ascii_digit());
            rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        } else if codes.starts_with("tz") {
            let zone = rest.trim();
            start.zone = Some(zone.to_owned()).filter(|zone| !zone.is_empty());
            break;
        } else if let Some(after) = codes.strip_prefix("am").or_else(|| codes.strip_prefix("pm")) {
            codes = after;
            pm = rest.get(..2).map(|word| word.eq_ignore_ascii_case("pm"));
            rest = rest.get(2..).unwrap_or("");
        } else if let Some((code, field, width)) = CODES.iter().find(|(code, ..)| codes.starts_with(code)) {
            codes = &codes[code.len()..];
            let Some((value, after)) = number(rest, *field, *width) else { return };
            seen_year |= *field == 0;
            if *field == 0 && value < 1000 {
                return;
            }
            fields[if *field == 11 { 1 } else { *field }] = value;
            rest = after;
        } else {
            // A sign of the format stands for any sign of the text; a blank only for blanks, and a point that fractions
            // follow only for itself.
            let sign = codes.chars().next().unwrap_or(' ');
            codes = &codes[sign.len_utf8()..];
            rest = match sign {
                ' ' => rest.trim_start(),
                '.' if codes.starts_with("ff") => rest.strip_prefix('.').unwrap_or(rest),
                _ => rest.strip_prefix(|c: char| !c.is_alphanumeric()).unwrap_or(rest),
            };
        }
    }
    let hour = match pm {
        Some(true) if fields[3] < 12 => fields[3] + 12,
        Some(false) if fields[3] == 12 => 0,
        _ => fields[3],
    };
    let [year, month, day, _, minute, second] = fields;
    if seen_year {
        start.moment = Some(format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"));
    }
}

/// A number of at most so many digits, or a month by its English name.
fn number(text: &str, field: usize, width: usize) -> Option<(i64, &str)> {
    if field == 11 {
        const MONTHS: [&str; 12] =
            ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
        let lower = text.to_ascii_lowercase();
        let at = MONTHS.iter().position(|month| lower.starts_with(month))?;
        return Some((at as i64 + 1, text.trim_start_matches(|c: char| c.is_ascii_alphabetic())));
    }
    let length = text.bytes().take(width).take_while(u8::is_ascii_digit).count();
    Some((text[..length].parse().ok()?, &text[length..]))
}
