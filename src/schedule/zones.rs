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

/// The zone that Rails calls by a name of people's (ActiveSupport::TimeZone, as GitLab keeps them): the one zone of a
/// continent whose city it is, else one of the United States' and Canada's four. Others are not guessed.
pub fn zone_of_rails(name: &str) -> Option<String> {
    let known = match name {
        "Pacific Time (US & Canada)" => Some("America/Los_Angeles"),
        "Mountain Time (US & Canada)" => Some("America/Denver"),
        "Central Time (US & Canada)" => Some("America/Chicago"),
        "Eastern Time (US & Canada)" => Some("America/New_York"),
        _ => None,
    };
    if known.is_some() || zone(name).is_some() {
        return known.or(Some(name)).map(str::to_owned);
    }
    // Rails' Samoa is Apia's, not the one that the zone of that name is.
    if name == "Samoa" {
        return None;
    }
    let city = name.replace(' ', "_");
    let continents = ["Africa", "America", "Asia", "Australia", "Europe", "Pacific"];
    let names = jiff::tz::db().available().map(|known| known.as_str().to_owned());
    let mut found = names.filter(|known| {
        let continent = known.split('/').next().unwrap_or("");
        continents.contains(&continent) && known.rsplit('/').next() == Some(city.as_str())
    });
    let first = found.next()?;
    found.next().is_none().then_some(first)
}
