//! Services of systemd: their unit files, and what a unit runs that a command starts (`systemctl start x`, systemctl(1)).
//! It never says when a unit starts by itself.

pub mod exec;
pub mod unit;

use crate::evidence::Text;
use crate::input::{InputFile, Inputs};
use exec::Specifiers;
use std::collections::BTreeMap;
use unit::{Found, Unit, Units};

/// What a unit's name means to a command that starts it.
pub enum Started {
    /// This is what it runs.
    Work(Work),
    /// A service that stays, or that comes up by itself: its work is its own.
    Itself,
    /// Nothing starts: it is masked.
    Nothing,
    /// The scan has no such unit.
    Missing,
}

/// What a service runs.
pub struct Work {
    /// As a shell would take it.
    pub text: String,
    /// What is set before it starts.
    pub environment: BTreeMap<String, String>,
    /// The account it runs as.
    pub account: Option<String>,
    /// The units that are started behind it (`OnSuccess=`, `OnFailure=`; systemd.unit(5)).
    pub behind: Vec<String>,
}

/// How many units may be started behind one.
const MAX_BEHIND: usize = 16;

/// What this unit is on a host; without a host, in the tree that holds this path.
pub fn started(inputs: &Inputs, host: Option<&Text>, path: &Text, name: &str) -> Started {
    let units = Units::of(inputs, host, path);
    match units.find(name) {
        Found::File(file) => service(inputs, &units, file, name),
        Found::Masked => Started::Nothing,
        Found::Missing => Started::Missing,
    }
}

fn service(inputs: &Inputs, units: &Units<'_>, file: &InputFile, name: &str) -> Started {
    let unit = Unit::read(Some(file), &units.drop_ins(name, Some(file)));
    if stays(&unit) {
        return Started::Itself;
    }
    let host = file.host.as_deref();
    let specifiers = Specifiers { name, host, of_system: true };
    let text_of = |path: &str| inputs.find(host, path)?.text().ok();
    let environment = exec::environment(&unit, &specifiers, text_of);
    let account = unit.last("Service", "User").map(|user| specifiers.resolve(user));
    let behind = behind(&unit, &specifiers);
    let text = match exec::commands(&unit, &specifiers, &environment) {
        Some((_, commands)) => commands.text,
        None => String::new(),
    };
    Started::Work(Work { text, environment, account, behind })
}

/// Whether a service goes on when it has started, or starts with the machine: then whoever starts it does not do its work.
/// One that ends (`Type=oneshot`) does it then and there; of another one it is taken for so where nothing brings it back and
/// no target wants it.
fn stays(unit: &Unit<'_>) -> bool {
    let oneshot = unit.last("Service", "Type") == Some("oneshot");
    let comes_back = unit.last("Service", "Restart").is_some_and(|when| when != "no");
    let wanted = ["WantedBy", "RequiredBy"].iter().any(|key| unit.last("Install", key).is_some());
    !oneshot && (comes_back || wanted)
}

/// The units that are started when a unit has done its work, or has failed to.
pub fn behind(unit: &Unit<'_>, specifiers: &Specifiers<'_>) -> Vec<String> {
    let lists = ["OnSuccess", "OnFailure"].iter().flat_map(|key| unit.list("Unit", key));
    let names = lists.flat_map(|setting| setting.value.split_whitespace());
    let mut names: Vec<String> = names.map(|name| specifiers.resolve(name)).take(MAX_BEHIND).collect();
    names.dedup();
    names
}
