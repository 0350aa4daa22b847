//! Settings files: connection strings under any key, whatever the syntax around them. Only values that say
//! scheme and server count; passwords are never looked at, and other settings state nothing.

use super::connections::{Said, of_text, starts_like_one, state};
use super::fold::is_secret;
use super::place::Where;
pub use super::properties::pairs;
use super::{data_sources, setting_groups};
use crate::evidence::Actor;
use crate::evidence::{Evidence, Gap, GapCode, MentionKind, Place};
use crate::input::InputFile;
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What may be a connection in a line: a URL, an address of Oracle's driver, quoted keys and values.
static CONNECTION: LazyLock<Regex> = LazyLock::new(|| {
    let url = r#"[A-Za-z][\w+:.-]*://[^\s"'<>)\]]+"#;
    let oracle = r#"jdbc:oracle:\w+:[^\s"'<>@]*@(?:\([^\s"'<>]*|[^\s"'<>,;]+)"#;
    let quoted = r#""[^"]*=[^"]*;[^"]*""#;
    Regex::new(&format!("{oracle}|{url}|{quoted}"))
        .expect("the pattern is a constant of this file and its tests compile it")
});
/// `NAME=value` of an env file, `NAME: value` and `- NAME=value` of YAML.
static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^\s*(?:export\s+|-\s+)?["']?([A-Za-z_][\w.]*)["']?\s*[=:]\s*["']?([^"'#\r\n]*?)["']?\s*,?\s*(?:#.*)?$"#)
        .expect("the pattern is a constant of this file")
});

/// Whether a file name is one of settings.
pub fn is_settings(name: &str) -> bool {
    let endings = [".env", ".ini", ".cfg", ".conf", ".toml", ".yaml", ".yml", ".json", ".properties"];
    (name == ".env" || name.starts_with(".env.") || endings.iter().any(|ending| name.ends_with(ending)))
        && !name.ends_with("lock.json")
        && name != "whodepends.toml"
        || data_sources::XML.contains(&name)
        || OPTION_FILES.contains(&name)
}

/// Files of options that MySQL's clients read (reference manual, "Using Option Files").
const OPTION_FILES: [&str; 4] = ["my.cnf", ".my.cnf", "client.cnf", "mysql-clients.cnf"];

/// The longest line that may give one name a value, in bytes: what is longer is data (pictures, tables on one line).
const MAX_PAIR: usize = 8 * 1024;

/// A name and its value, where a line gives one.
fn pair_of(line: &str) -> Option<regex::Captures<'_>> {
    let may_be = line.len() <= MAX_PAIR && line.contains(['=', ':']);
    may_be.then(|| PAIR.captures(line)).flatten()
}

/// The variables that the text of an env file sets.
pub fn variables(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with(['#', ';']));
    lines.filter_map(pair_of).map(|pair| (pair[1].to_owned(), pair[2].trim().to_owned())).collect()
}

/// How long a line may become by what is put into it, in bytes.
const MAX_LINE: usize = 2 * 1024;

/// A line with the names that the lines before it gave a value put in; others stay as they stand.
fn placeholders_of(line: &str, pairs: &BTreeMap<String, String>) -> String {
    let (mut out, mut rest) = (String::new(), line);
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else { break };
        out.push_str(before);
        // `${NAME:-default}`, `${NAME:?what to say without it}`.
        let (name, default) = name.split_once(':').unwrap_or((name, ""));
        match (pairs.get(name), default.strip_prefix('-')) {
            (Some(value), _) => out.push_str(value),
            (None, Some(default)) if !is_secret(name) => out.push_str(default),
            (None, _) => out.push_str(&format!("${{{name}}}")),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// Reads a settings file; `${NAME}` and `$NAME` are resolved from the file itself. In a compose file each
/// service's settings are its own.
pub fn read(file: &InputFile, text: &str, at: &Where) -> Evidence {
    let mut out = Evidence::new();
    let mut pairs: BTreeMap<String, String> = BTreeMap::new();
    let mut parts: BTreeMap<String, (String, u64)> = BTreeMap::new();
    let mut services = file.name().contains("compose").then(Services::default);
    let (sources, full) = data_sources::read(file.name(), text);
    if full {
        let detail = format!(
            "MAX_SOURCES: of its data sources the first {} were put together",
            data_sources::MAX_SOURCES
        );
        out.add_gap(Gap::new(Place::whole(&file.path), GapCode::Limit, detail));
    }
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        let place = Place::line(&file.path, index as u64 + 1);
        let mut line = line.to_owned();
        if line.contains("${") {
            // Values that hold each other grow without end.
            line = Some(placeholders_of(&line, &pairs)).filter(|it| it.len() <= MAX_LINE).unwrap_or(line);
        }
        let whose = match &mut services {
            None => at.clone(),
            Some(services) => {
                if services.line(&line) {
                    // What was collected belongs to the service before.
                    setting_groups::by_prefix(
                        &std::mem::take(&mut parts),
                        &services.before(at),
                        file,
                        &mut out,
                    );
                }
                services.now(at)
            }
        };
        if let Some(pair) = pair_of(&line) {
            let (name, value) = (pair[1].to_owned(), pair[2].trim().to_owned());
            let own = sources.contains_key(&(index as u64 + 1)) || value.contains("://");
            if !own && starts_like_one(&value) {
                state(of_text(&value), &whose, place.clone(), &mut out);
            }
            parts.insert(name.clone(), (value.clone(), index as u64 + 1));
            pairs.insert(name, value);
        }
        if let Some(said) = sources.get(&(index as u64 + 1)) {
            state(said.clone(), &whose, place.clone(), &mut out);
            continue;
        }
        for said in connections_of(&line) {
            state(said, &whose, place.clone(), &mut out);
        }
    }
    let whose = services.map_or_else(|| at.clone(), |services| services.now(at));
    setting_groups::by_prefix(&parts, &whose, file, &mut out);
    setting_groups::by_map(file, text, at, &mut out);
    out
}

/// What the texts of a line say that begin like connections.
fn connections_of(line: &str) -> impl Iterator<Item = Said> + '_ {
    let found = CONNECTION.find_iter(line).map(|found| found.as_str().trim_matches('"'));
    found.filter(|text| starts_like_one(text)).map(|text| {
        // A list of addresses goes on behind a comma; servers of one address do, too, and so do properties.
        let long = ["mongodb", "sqlserver", "jdbc:oracle", "jdbc:mysql", "jdbc:mariadb"];
        let whole = !text.contains("://") || long.iter().any(|word| text.contains(word));
        of_text(if whole { text } else { text.split([',', ';']).next().unwrap_or(text) })
    })
}

/// Where in a compose file a line stands.
#[derive(Default)]
struct Services {
    inside: bool,
    indent: usize,
    name: Option<String>,
    last: Option<String>,
}

impl Services {
    /// Follows one line; tells whether another service begins with it.
    fn line(&mut self, line: &str) -> bool {
        let indent = line.len() - line.trim_start().len();
        let key = line.trim().strip_suffix(':').filter(|key| !key.contains([' ', '"', '\'']));
        if indent == 0 && !line.trim().is_empty() {
            self.inside = key == Some("services");
            self.indent = 0;
            self.last = self.name.take();
            return true;
        }
        let Some(key) = key.filter(|_| self.inside) else { return false };
        if self.indent == 0 {
            self.indent = indent;
        }
        if indent != self.indent {
            return false;
        }
        self.last = self.name.replace(key.to_owned());
        true
    }

    fn as_service(at: &Where, name: Option<&String>) -> Where {
        let mut whose = at.clone();
        if let Some(name) = name {
            whose.actor = Actor::new().with(MentionKind::Container, name.as_str());
        }
        whose
    }

    fn now(&self, at: &Where) -> Where {
        Services::as_service(at, self.name.as_ref())
    }

    fn before(&self, at: &Where) -> Where {
        Services::as_service(at, self.last.as_ref())
    }
}
