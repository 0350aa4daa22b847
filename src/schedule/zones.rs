//! Time zones by name. Zone data is the bundled IANA database; nothing is read from the machine.

use jiff::tz::{Offset, TimeZone};

/// The zone of an IANA name, `UTC`, `GMT`, or a fixed offset such as `+02:00`.
pub fn zone(name: &str) -> Option<TimeZone> {
    let name = name.trim();
    if matches!(name, "UTC" | "GMT" | "Z" | "Etc/UTC" | "Etc/GMT" | "Zulu") {
        return Some(TimeZone::UTC);
    }
    if let Some(sign) = name.strip_prefix('+').map(|_| 1).or_else(|| name.strip_prefix('-').map(|_| -1)) {
        let digits: String = name[1..].chars().filter(|c| *c != ':').collect();
        let number = |text: &str| text.parse::<i32>().ok();
        let (hours, minutes) = match digits.len() {
            1 | 2 => (number(&digits)?, 0),
            4 if digits.is_ascii() => (number(&digits[..2])?, number(&digits[2..])?),
            _ => return None,
        };
        return Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok().map(TimeZone::fixed);
    }
    jiff::tz::db().get(name).ok()
}
