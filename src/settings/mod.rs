//! `whodepends.toml`: read once, before anything is collected, because streams need their server and zone
//! and rules need what was accepted. It never states evidence itself: `collect/declared` turns the inventory
//! in here into facts.

mod uses;

use crate::evidence::Text;
use crate::evidence::scrub::{scrub, scrub_name};
use crate::schedule;
use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
pub use uses::UseEntry;

/// What the estate is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estate {
    /// The networks that are ours, in CIDR notation.
    #[serde(default)]
    pub networks: Vec<String>,
    /// The zone hosts keep unless they say otherwise.
    pub zone: Option<String>,
}

/// One host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostEntry {
    /// Its name.
    pub name: String,
    /// Its addresses.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// Its other names.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Its IANA zone.
    pub zone: Option<String>,
}

/// One system that is depended on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemEntry {
    /// `database`, `service`, `broker`, `cache` or `external`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// `host:port` or host, as clients reach it.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// The databases in it.
    #[serde(default)]
    pub databases: Vec<String>,
    /// Who answers for it.
    pub owner: Option<String>,
}

/// One consumer in the inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsumerEntry {
    /// `service`, `job`, `client`, `person` or `partner`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Its other names.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The logins it uses.
    #[serde(default)]
    pub users: Vec<String>,
    /// The hosts it runs on.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// The addresses it comes from.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// The application names it sets.
    #[serde(default)]
    pub applications: Vec<String>,
    /// The scripts it consists of.
    #[serde(default)]
    pub scripts: Vec<String>,
    /// The folders of its source.
    #[serde(default)]
    pub source: Vec<String>,
    /// What its traffic is: `app` (default), `monitoring`, `backup` …; or what it is: `person`, `bi-tool`, `proxy` …
    pub class: Option<String>,
    /// What it uses.
    #[serde(default)]
    pub uses: Vec<UseEntry>,
}

/// What a path's content comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceEntry {
    /// A glob over shown paths.
    pub path: String,
    /// The system whose log it is.
    pub server: Option<String>,
    /// The zone of local times without an offset.
    pub zone: Option<String>,
    /// How records of a log that no format knows are read: what a record says, and in which column or at which path
    /// (see [`MAPPED`]).
    #[serde(default)]
    pub columns: BTreeMap<String, Column>,
    /// Whose SQL its statements are.
    pub dialect: Option<String>,
    /// How its times are written (strptime), where they are in no form that is known.
    pub time_format: Option<String>,
    /// The year in which a log without years begins.
    pub year: Option<i64>,
    /// The `log_line_prefix` of a PostgreSQL log, where its values cannot be told by themselves.
    pub log_line_prefix: Option<String>,
}

/// Where a record says something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Column {
    /// The column of this number, counted from 1, in a file without names of columns.
    Number(usize),
    /// The column of this name, or the path of a JSON value (`$.actor.name`).
    Name(String),
}

/// What `columns` may say of a record. Durations are in seconds, milliseconds and microseconds; `error` tells that a
/// statement failed where it is neither empty nor zero.
pub const MAPPED: [&str; 17] = [
    "time",
    "user",
    "host",
    "application",
    "database",
    "schema",
    "statement",
    "error",
    "method",
    "path",
    "status",
    "server",
    "forwarded_for",
    "referrer",
    "duration_s",
    "duration_ms",
    "duration_us",
];

/// A finding somebody decided to live with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptEntry {
    /// A rule id, or a glob over rule ids.
    pub rule: String,
    /// A glob over consumer ids; none: any.
    pub consumer: Option<String>,
    /// A glob over resource ids; none: any.
    pub resource: Option<String>,
    /// A glob over the ids of what comes first, where a finding is of two; none: any.
    pub upstream: Option<String>,
    /// Why: required.
    pub reason: String,
    /// Who decided.
    pub owner: Option<String>,
    /// The last day it holds, `YYYY-MM-DD`.
    pub until: Option<String>,
    /// What the consumer did when that was accepted, as `ACTION ID`; where it is stated, doing more is not accepted.
    #[serde(default)]
    pub uses: Vec<String>,
    /// By key: the line it stands on, which its text says and nobody writes; an evidence file keeps it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lines: BTreeMap<String, u64>,
}

/// By entry of `[[accept]]`: the line of each of its keys.
fn lines_of_accepts(text: &str) -> Vec<BTreeMap<String, u64>> {
    let Ok(document) = toml::de::DeTable::parse(text) else { return Vec::new() };
    let accepts = document.get_ref().get("accept").and_then(|accepts| accepts.get_ref().as_array());
    let line = |at: usize| {
        text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() as u64 + 1
    };
    let keys = |entry: &toml::Spanned<toml::de::DeValue<'_>>| {
        let table = entry.get_ref().as_table();
        let keys = table.into_iter().flat_map(|table| table.keys());
        keys.map(|key| (key.get_ref().to_string(), line(key.span().start))).collect()
    };
    accepts.into_iter().flat_map(|accepts| accepts.iter()).map(keys).collect()
}

/// Everything `whodepends.toml` can say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The shown folder the file lies in, with a closing slash, or nothing; paths in it count from there.
    #[serde(skip)]
    pub folder: String,
    /// Shown paths that say less than their place below the file's own folder does, with that place.
    #[serde(skip)]
    pub places: BTreeMap<String, String>,
    /// The day next runs and expiry are counted from, `YYYY-MM-DD`.
    pub as_of: Option<String>,
    /// What the estate is.
    #[serde(default)]
    pub estate: Estate,
    /// Hosts.
    #[serde(default, rename = "host")]
    pub hosts: Vec<HostEntry>,
    /// Systems.
    #[serde(default, rename = "system")]
    pub systems: Vec<SystemEntry>,
    /// Consumers.
    #[serde(default, rename = "consumer")]
    pub consumers: Vec<ConsumerEntry>,
    /// What paths come from.
    #[serde(default, rename = "source")]
    pub sources: Vec<SourceEntry>,
    /// What was accepted.
    #[serde(default, rename = "accept")]
    pub accepts: Vec<AcceptEntry>,
    /// What the migration is to.
    #[serde(default)]
    pub migration: Migration,
}

/// What the migration is to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Migration {
    /// The scheduler that crontabs are copied to: a dialect of schedules.
    pub scheduler: Option<String>,
    /// What is migrated: systems by name, or globs over ids of resources. None: everything that was scanned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub systems: Vec<String>,
}

/// Whether a format of strftime(3) writes a time that can be read again.
fn can_be_time(format: &str) -> bool {
    let moment = jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
    let written = jiff::fmt::strtime::format(format, &moment);
    let read = written.and_then(|text| jiff::fmt::strtime::parse(format, text));
    read.is_ok_and(|time| time.to_timestamp().is_ok() || time.to_datetime().is_ok())
}

impl SourceEntry {
    /// What its mapping says but cannot mean.
    fn check(&self) -> Result<(), String> {
        if let Some(odd) = self.columns.keys().find(|key| !MAPPED.contains(&key.as_str())) {
            return Err(format!("columns: {odd:?} is none of {}", MAPPED.join(", ")));
        }
        if let Some(prefix) = &self.log_line_prefix {
            if !self.columns.is_empty() {
                return Err("log_line_prefix is of PostgreSQL's own log, and goes without columns".to_owned());
            }
            if !["%m", "%t", "%n"].iter().any(|time| prefix.contains(time)) {
                return Err("log_line_prefix needs a time: %m, %t or %n".to_owned());
            }
        }
        let has = |key: &str| self.columns.contains_key(key);
        let numbers = self.columns.values().filter(|column| matches!(column, Column::Number(_))).count();
        match self.columns.len() {
            _ if self.time_format.as_deref().is_some_and(|format| !can_be_time(format)) => Err(format!(
                "time_format = {:?} is no time as strftime(3) writes one",
                self.time_format.as_deref().unwrap_or_default()
            )),
            0 if self.dialect.is_some() || self.time_format.is_some() => {
                Err("dialect and time_format go with columns".to_owned())
            }
            0 => Ok(()),
            _ if !has("time") => Err("columns need a time".to_owned()),
            _ if !has("statement") && !has("path") => {
                Err("columns need a statement, or the path of a request".to_owned())
            }
            _ if has("statement") && has("path") => {
                Err("columns give a statement and a path: a record is one of them".to_owned())
            }
            all if numbers != 0 && numbers != all => {
                Err("columns are numbers, for a file without names of columns, or names; not both".to_owned())
            }
            _ if self.columns.values().any(|column| *column == Column::Number(0)) => {
                Err("columns are counted from 1".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// What a system in the inventory can be.
const SYSTEM_KINDS: [&str; 5] = ["database", "service", "broker", "cache", "external"];

/// What a consumer in the inventory can be.
const CONSUMER_KINDS: [&str; 5] = ["service", "job", "client", "person", "partner"];

/// The networks that are an estate's unless it names its own: private, shared, link-local and loopback ranges
/// (RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291).
const PRIVATE: [&str; 9] = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "127.0.0.0/8",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
];

/// Loopback and link-local ranges (RFC 1122, RFC 3927, RFC 4291).
const OWN: [&str; 4] = ["127.0.0.0/8", "169.254.0.0/16", "::1/128", "fe80::/10"];

/// A set of networks, and single addresses beside them.
#[derive(Debug, Clone, Default)]
pub struct Networks(Vec<(IpAddr, u8)>);

impl Networks {
    /// Whether an address lies in one of them.
    pub fn hold(&self, address: IpAddr) -> bool {
        let same = |network: &(IpAddr, u8)| match (network.0, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                shared_bits(own.to_bits().into(), other.to_bits().into(), 32) >= network.1.into()
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                shared_bits(own.to_bits(), other.to_bits(), 128) >= network.1.into()
            }
            _ => false,
        };
        self.0.iter().any(same)
    }
}

/// How many leading bits of `width` two addresses share.
fn shared_bits(one: u128, other: u128, width: u32) -> u32 {
    (one ^ other).leading_zeros() - (128 - width)
}

/// An address, or an address and how many of its bits count (RFC 4632, RFC 4291).
fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(most), |bits| bits.parse().ok())?;
    (bits <= most).then_some((address, bits))
}

/// A glob in which `*` crosses no slash and `**` does.
pub fn glob(pattern: &str) -> Option<GlobMatcher> {
    GlobBuilder::new(pattern).literal_separator(true).build().ok().map(|glob| glob.compile_matcher())
}

/// A glob over ids in which `*` crosses every sign.
pub fn id_glob(pattern: &str) -> Option<GlobMatcher> {
    GlobBuilder::new(pattern).literal_separator(false).build().ok().map(|glob| glob.compile_matcher())
}

impl Settings {
    /// Reads the text of a `whodepends.toml`; the error says line and column.
    pub fn parse(text: &str) -> Result<Settings, String> {
        let mut settings: Settings =
            toml::from_str(text).map_err(|error| scrub(error.to_string().trim()).into_owned())?;
        for (entry, lines) in settings.accepts.iter_mut().zip(lines_of_accepts(text)) {
            entry.lines = lines;
        }
        settings.uses_are_meant(&uses::lines(text))?;
        settings.meant()
    }

    /// What an evidence file keeps of them: all that acts later. Logins are scrubbed as they are where they become
    /// evidence; reasons are there to be read, as in reports.
    pub fn kept(&self) -> serde_json::Value {
        let mut kept = self.clone();
        let each = |texts: &mut Vec<String>, clean: fn(&str) -> Cow<'_, str>| {
            texts.iter_mut().for_each(|text| *text = clean(text).into_owned());
        };
        for consumer in &mut kept.consumers {
            each(&mut consumer.users, scrub_name);
            each(&mut consumer.applications, scrub);
        }
        for owner in kept.accepts.iter_mut().filter_map(|accept| accept.owner.as_mut()) {
            *owner = scrub(owner).into_owned();
        }
        serde_json::to_value(&kept).unwrap_or_default()
    }

    /// Settings as an evidence file kept them, of a file in this folder.
    pub fn from_kept(kept: &serde_json::Value, folder: &str) -> Result<Settings, String> {
        let settings: Settings = serde_json::from_value(kept.clone())
            .map_err(|error| scrub(error.to_string().trim()).into_owned())?;
        settings.uses_are_meant(&[])?;
        Ok(Settings { folder: folder.to_owned(), ..settings.meant()? })
    }

    /// The settings, unless they cannot be meant.
    fn meant(self) -> Result<Settings, String> {
        for source in &self.sources {
            if glob(&source.path).is_none() {
                return Err(format!("[[source]] path = {:?} is not a valid glob", source.path));
            }
            source.check().map_err(|what| format!("[[source]] path = {:?}: {what}", source.path))?;
        }
        let odd = |it: &&SourceEntry| it.year.is_some_and(|year| !(1970..=9999).contains(&year));
        if let Some(odd) = self.sources.iter().find(odd) {
            return Err(format!("[[source]] path = {:?}: its year is none of four digits", odd.path));
        }
        self.check()?;
        if let Some(scheduler) = &self.migration.scheduler
            && !schedule::DIALECTS.iter().any(|known| known.name() == scheduler)
        {
            let known: Vec<&str> = schedule::DIALECTS.iter().map(|known| known.name()).collect();
            return Err(format!("[migration] scheduler = {scheduler:?} is none of {}", known.join(", ")));
        }
        if let Some(odd) = self.migration.systems.iter().find(|it| it.is_empty() || id_glob(it).is_none()) {
            return Err(format!("[migration] systems: {odd:?} is no name and no valid glob"));
        }
        for accept in &self.accepts {
            if accept.reason.trim().is_empty() {
                return Err(format!("[[accept]] rule = {:?} needs a reason", accept.rule));
            }
        }
        Ok(self)
    }

    /// What is written but cannot be meant: a consumer of no known kind, a zone, network or address that is
    /// none, one name for two entries, a day that is none.
    fn check(&self) -> Result<(), String> {
        let mut names = BTreeSet::new();
        for consumer in &self.consumers {
            let (kind, name) = (&consumer.kind, &consumer.name);
            if !CONSUMER_KINDS.contains(&kind.as_str()) {
                let kinds = CONSUMER_KINDS.join(", ");
                return Err(format!("[[consumer]] name = {name:?}: kind = {kind:?} is none of {kinds}"));
            }
            if !names.insert((kind, name)) {
                return Err(format!("[[consumer]] kind = {kind:?}, name = {name:?} stands here twice"));
            }
        }
        if let Some(odd) = self.systems.iter().find(|system| !SYSTEM_KINDS.contains(&system.kind.as_str())) {
            let (kind, name, kinds) = (&odd.kind, &odd.name, SYSTEM_KINDS.join(", "));
            return Err(format!("[[system]] name = {name:?}: kind = {kind:?} is none of {kinds}"));
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = self.systems.iter().find(|system| !names.insert(&system.name)) {
            return Err(format!("[[system]] name = {:?} stands here twice", twice.name));
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = self.hosts.iter().find(|host| !names.insert(&host.name)) {
            return Err(format!("[[host]] name = {:?} stands here twice", twice.name));
        }
        let host_zones = self.hosts.iter().map(|host| ("[[host]]", &host.zone));
        let source_zones = self.sources.iter().map(|source| ("[[source]]", &source.zone));
        for (whose, zone) in
            std::iter::once(("[estate]", &self.estate.zone)).chain(host_zones).chain(source_zones)
        {
            if let Some(zone) = zone.as_deref().filter(|zone| schedule::zone(zone).is_none()) {
                return Err(format!(
                    "{whose} zone = {zone:?} is no IANA zone such as Europe/Berlin, nor an offset"
                ));
            }
        }
        for network in &self.estate.networks {
            if self::network(network).is_none() {
                return Err(format!("[estate] networks: {network:?} is no network such as 10.0.0.0/8"));
            }
        }
        let of_hosts =
            self.hosts.iter().flat_map(|host| host.addresses.iter().map(|a| ("[[host]]", &host.name, a)));
        let of_consumers = self
            .consumers
            .iter()
            .flat_map(|consumer| consumer.addresses.iter().map(|a| ("[[consumer]]", &consumer.name, a)));
        for (whose, name, address) in of_hosts.chain(of_consumers) {
            // What begins like an address must be one; a host name may stand there too.
            let numeric = address.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'/' | b':'));
            if address.is_empty() || (numeric && address.parse::<IpAddr>().is_err()) {
                return Err(format!("{whose} name = {name:?}: {address:?} is no single IP address"));
            }
        }
        Ok(())
    }

    /// The networks that are ours: those of `[estate]`, else the private ranges; and every address that the
    /// inventory gives to a host or consumer.
    pub fn networks(&self) -> Networks {
        let stated = self.estate.networks.iter().filter_map(|text| network(text));
        let private = PRIVATE.iter().filter_map(|text| network(text));
        let mut all: Vec<(IpAddr, u8)> =
            if self.estate.networks.is_empty() { private.collect() } else { stated.collect() };
        // A machine is its own whatever its networks are.
        all.extend(OWN.iter().filter_map(|text| network(text)));
        let hosts = self.hosts.iter().flat_map(|host| &host.addresses);
        let addresses = hosts.chain(self.consumers.iter().flat_map(|consumer| &consumer.addresses));
        all.extend(addresses.filter_map(|address| network(address)));
        Networks(all)
    }

    /// Learns where inputs lie, as shown and as they really are, from the folder the settings file is in: a file that is
    /// named by itself is shown without its folder.
    pub fn place<'a>(&mut self, own: &Path, inputs: impl Iterator<Item = (&'a str, &'a Path)>) {
        let folder = own.canonicalize().ok().and_then(|own| own.parent().map(Path::to_path_buf));
        let Some(folder) = folder.filter(|_| !self.sources.is_empty()) else { return };
        for (shown, real) in inputs {
            let Ok(real) = real.canonicalize() else { continue };
            if let Ok(below) = real.strip_prefix(&folder) {
                let below = below.to_string_lossy().replace('\\', "/");
                if below != shown {
                    self.places.insert(shown.to_owned(), below);
                }
            }
        }
    }

    /// Whether an entry means a shown path.
    pub fn is_source(&self, entry: &SourceEntry, path: &str) -> bool {
        let below = path.strip_prefix(self.folder.as_str());
        let place = self.places.get(path).map(String::as_str);
        let Some(glob) = glob(&entry.path) else { return false };
        glob.is_match(path) || below.into_iter().chain(place).any(|path| glob.is_match(path))
    }

    /// The server and zone a `[[source]]` states for a shown path; the first entry that matches holds.
    pub fn source_of(&self, path: &str) -> (Option<Text>, Option<Text>) {
        let entry = self.sources.iter().find(|entry| self.is_source(entry, path));
        let text = |value: &Option<String>| value.as_deref().map(Text::from);
        entry.map_or((None, None), |entry| (text(&entry.server), text(&entry.zone)))
    }

    /// The entry that says how the records of a shown path are read, if the first that matches does.
    pub fn mapping_of(&self, path: &str) -> Option<&SourceEntry> {
        let entry = self.sources.iter().find(|entry| self.is_source(entry, path));
        entry.filter(|entry| !entry.columns.is_empty())
    }

    /// The `log_line_prefix` a `[[source]]` states for a shown path.
    pub fn prefix_of(&self, path: &str) -> Option<&str> {
        self.sources.iter().find(|entry| self.is_source(entry, path))?.log_line_prefix.as_deref()
    }

    /// The year a `[[source]]` states for a shown path.
    pub fn year_of(&self, path: &str) -> Option<i64> {
        self.sources.iter().find(|entry| self.is_source(entry, path)).and_then(|entry| entry.year)
    }

    /// The zone stated for a host, else the estate's.
    pub fn zone_of_host(&self, host: &str) -> Option<&str> {
        let named =
            |entry: &&HostEntry| entry.name == host || entry.aliases.iter().any(|alias| alias == host);
        let stated = self.hosts.iter().find(named).and_then(|entry| entry.zone.as_deref());
        stated.or(self.estate.zone.as_deref())
    }
}
