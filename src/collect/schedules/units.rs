//! What the text of a timer's unit says of its schedule (systemd.timer(5)), where the text stands in configuration
//! management. Unit files themselves are read elsewhere; drop-ins and services are no matter of this file.

/// The dialect of the schedules.
pub(super) const DIALECT: &str = "systemd";
/// The settings of `[Timer]` that start something.
const STARTS: [&str; 6] =
    ["OnCalendar", "OnActiveSec", "OnBootSec", "OnStartupSec", "OnUnitActiveSec", "OnUnitInactiveSec"];

/// What a timer says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Timer {
    /// Its schedules; several add up.
    pub schedules: Vec<String>,
    /// What spreads its starts, as written.
    pub guards: Vec<String>,
    /// The unit it starts, where it names one.
    pub unit: Option<String>,
}

/// One setting as a schedule of the dialect: a calendar event as it is, everything else with its name.
pub(super) fn schedule(setting: &str, value: &str) -> String {
    if setting == "OnCalendar" { value.trim().to_owned() } else { format!("{setting}={}", value.trim()) }
}

/// Whether a setting starts something.
pub(super) fn starts(setting: &str) -> bool {
    STARTS.contains(&setting)
}

impl Timer {
    /// Takes over one setting.
    pub fn set(&mut self, setting: &str, value: &str) {
        match setting {
            // An empty value takes back what was said before.
            "OnCalendar" if value.is_empty() => self.schedules.clear(),
            "RandomizedDelaySec" => self.guards.push(format!("{setting}={value}")),
            "Unit" => self.unit = Some(value.to_owned()),
            _ if starts(setting) && !value.is_empty() => self.schedules.push(schedule(setting, value)),
            _ => {}
        }
    }
}

/// The timer that a unit's text describes.
pub(super) fn timer(text: &str) -> Timer {
    let mut timer = Timer::default();
    let lines = text.lines().map(str::trim).skip_while(|line| *line != "[Timer]").skip(1);
    for line in lines.take_while(|line| !line.starts_with('[')) {
        if let Some((setting, value)) = line.split_once('=').filter(|_| !line.starts_with(['#', ';'])) {
            timer.set(setting.trim(), value.trim());
        }
    }
    timer
}
