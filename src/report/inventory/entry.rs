//! One consumer as an entry of an inventory: its names, as many as tell it, with what others have as well said beside
//! them; what it uses; and in remarks how often and when. A name is chosen so that the entry means who was found, and no
//! other.

use super::systems::Systems;
use super::{Who, quoted, remark, uses};
use crate::evidence::{Role, program_name};
use crate::report::Report;
use std::collections::{BTreeMap, BTreeSet};

/// Entries of one file.
pub struct Offer<'a> {
    report: &'a Report,
    systems: &'a Systems,
    /// Whom several consumers call themselves, without versions.
    programs: BTreeMap<&'a str, usize>,
    /// By consumer: its kind and name here.
    names: BTreeMap<&'a str, (&'static str, String)>,
}

/// What an entry calls somebody.
struct Names {
    /// By key: its values, and those of them that others have as well.
    lists: Vec<(&'static str, BTreeSet<String>, BTreeSet<String>)>,
    /// Names that stand for others, too, and are left out because an entry's would be taken for its own.
    left_out: BTreeSet<String>,
}

/// The kind of an entry; who is written and no job is a service, and a script that nothing starts is a job to be.
fn kind(row: &crate::report::EntityRow) -> &'static str {
    match row.kind.as_str() {
        "service" => "service",
        "job" | "script" => "job",
        "person" => "person",
        "partner" => "partner",
        _ => "client",
    }
}

impl<'a> Offer<'a> {
    /// Learns which names are whose.
    pub fn new<'w>(
        report: &'a Report,
        systems: &'a Systems,
        offered: impl Iterator<Item = &'w &'w Who<'a>>,
    ) -> Offer<'a>
    where
        'a: 'w,
    {
        let mut programs: BTreeMap<&str, usize> = BTreeMap::new();
        for entity in &report.entities {
            let own = entity.identifiers.iter().filter(|it| it.kind == "application");
            let own: BTreeSet<&str> = own.map(|it| program_name::unversioned(&it.text)).collect();
            own.into_iter().for_each(|name| *programs.entry(name).or_default() += 1);
        }
        let mut offer = Offer { report, systems, programs, names: BTreeMap::new() };
        let mut taken = BTreeSet::new();
        for who in offered {
            let kind = kind(who.row);
            let name = offer.name(who);
            // One name is one entry, whatever its host.
            let named = (1..).map(|at| match (at, offer.host(who)) {
                (1, _) => name.clone(),
                (2, Some(host)) => format!("{name} at {host}"),
                (at, _) => format!("{name} {at}"),
            });
            for name in named {
                if taken.insert((kind, name.clone())) {
                    offer.names.insert(&who.row.id, (kind, name));
                    break;
                }
            }
        }
        offer
    }

    /// The host of a job or script.
    fn host(&self, who: &Who<'_>) -> Option<String> {
        let rest = who.row.id.split_once(':').map_or("", |(_, rest)| rest);
        match who.row.kind.as_str() {
            "job" => {
                let own = self.report.jobs.iter().filter(|job| job.entity == who.row.id);
                let hosts: BTreeSet<&String> = own.filter_map(|job| job.host.as_ref()).collect();
                hosts.into_iter().find(|host| rest.starts_with(&format!("{host}/"))).cloned()
            }
            "script" => rest.split_once(":/").map(|(host, _)| host.to_owned()),
            _ => None,
        }
    }

    fn name(&self, who: &Who<'_>) -> String {
        let rest = who.row.id.split_once(':').map_or(who.row.id.as_str(), |(_, rest)| rest);
        match (who.row.kind.as_str(), self.host(who)) {
            ("job", Some(host)) => rest.strip_prefix(&format!("{host}/")).unwrap_or(rest).to_owned(),
            ("script", _) => who.row.name.clone(),
            _ => self.systems.renamed(rest),
        }
    }

    fn names(&self, who: &Who<'_>) -> Names {
        let of = |kind: &str| -> BTreeMap<String, bool> {
            let own = who.row.identifiers.iter().filter(|it| it.kind == kind);
            own.map(|it| (it.text.clone(), !it.exclusive)).collect()
        };
        let users = of("user");
        let (hosts, addresses) = self.origins(who, of("host"), of("address"));
        let mut left_out = BTreeSet::new();
        let mut applications = BTreeMap::new();
        for (text, _) in of("application") {
            let program = program_name::unversioned(&text).to_owned();
            let shared = self.programs.get(program.as_str()).is_some_and(|all| *all > 1);
            // With a login, a program that others run as well, or that anybody may run, tells nothing; without one it is
            // all there is.
            let anybodys = matches!(Role::of_program(&program), Some(Role::Person | Role::BiTool));
            if (shared || anybodys) && !users.is_empty() {
                left_out.insert(format!("application {program}"));
            } else {
                applications.insert(program, shared);
            }
        }
        let mut scripts = BTreeMap::new();
        for (text, shared) in of("script") {
            let path = text.split_once(":/").map_or(text.clone(), |(_, path)| format!("/{path}"));
            if shared {
                left_out.insert(format!("script {path}"));
            } else {
                scripts.insert(path, false);
            }
        }
        let folders: BTreeMap<String, bool> =
            of("component").into_iter().filter(|(_, shared)| !shared).collect();
        let list = |key, all: BTreeMap<String, bool>| {
            let shared = all.iter().filter(|(_, shared)| **shared).map(|(text, _)| text.clone()).collect();
            (key, all.into_keys().collect::<BTreeSet<String>>(), shared)
        };
        let lists = vec![
            list("users", users),
            list("hosts", hosts),
            list("addresses", addresses),
            list("applications", applications),
            list("scripts", scripts),
            list("source", folders),
        ];
        Names { lists, left_out }
    }

    /// Where it comes from: of a client what its id says, because an address that changes hands is none of its names.
    fn origins(
        &self,
        who: &Who<'_>,
        hosts: BTreeMap<String, bool>,
        addresses: BTreeMap<String, bool>,
    ) -> (BTreeMap<String, bool>, BTreeMap<String, bool>) {
        if let Some(host) = self.host(who) {
            return (BTreeMap::from([(host, true)]), BTreeMap::new());
        }
        let local = |text: &str| {
            text.starts_with('[')
                || text == "localhost"
                || text.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        };
        let plain = |all: BTreeMap<String, bool>| all.into_iter().filter(|(text, _)| !local(text)).collect();
        if who.row.kind != "client" {
            return (plain(hosts), plain(addresses));
        }
        let rest = who.row.id.split_once(':').map_or("", |(_, rest)| rest);
        let own = who.row.identifiers.iter().any(|it| matches!(it.kind.as_str(), "user" | "application"));
        let from = match rest.rsplit_once('@') {
            Some((_, from)) => Some(from),
            None if own => None,
            None => Some(rest),
        };
        let Some(from) = from.filter(|from| !from.is_empty()) else { return Default::default() };
        let from = self.systems.renamed(from);
        if from.parse::<std::net::IpAddr>().is_ok() {
            let shared = addresses.get(&from).copied().unwrap_or(false);
            return (BTreeMap::new(), BTreeMap::from([(from, shared)]));
        }
        let shared = hosts.get(&from).copied().unwrap_or(false);
        (BTreeMap::from([(from, shared)]), BTreeMap::new())
    }

    /// Writes an entry; with a reason to confirm it, as one that is commented out.
    pub fn write(&self, out: &mut String, who: &Who<'_>, confirm: Option<&str>) {
        out.push('\n');
        remark(out, &format!("{}: {}", who.row.id, who.seen()));
        if let Some(why) = confirm {
            remark(out, why);
        }
        for finding in &who.findings {
            remark(out, &format!("{} ({}): {}", finding.rule, finding.severity, finding.question));
        }
        let mark = if confirm.is_some() { "#" } else { "" };
        let mut line = |text: &str| {
            out.push_str(mark);
            out.push_str(text);
            out.push('\n');
        };
        let fallback = (kind(who.row), who.row.name.clone());
        let (kind, name) = self.names.get(who.row.id.as_str()).unwrap_or(&fallback);
        line("[[consumer]]");
        line(&format!("kind = {}", quoted(kind)));
        line(&format!("name = {}", quoted(name)));
        // A class that the kind says already, or the traffic, needs no word.
        let role = who.row.class.as_deref().and_then(Role::from_word);
        let told =
            role.filter(|role| matches!(role, Role::Person | Role::BiTool | Role::Partner | Role::Proxy));
        if let Some(role) = told.filter(|role| role.word() != *kind) {
            line(&format!("class = {}", quoted(role.word())));
        }
        match &who.row.owner {
            Some(owner) => line(&format!("owner = {}", quoted(owner))),
            None => out.push_str("# owner = \"\"  # who answers for it?\n"),
        }
        let names = self.names(who);
        for (key, values, shared) in &names.lists {
            if values.is_empty() {
                continue;
            }
            let list: Vec<String> = values.iter().map(|value| quoted(value)).collect();
            let note = match shared.len() {
                // A host is one of many by nature.
                _ if *key == "hosts" => String::new(),
                0 => String::new(),
                some if some == values.len() => {
                    "  # shared with others: does not identify it alone".to_owned()
                }
                _ => format!("  # {} of these are shared with others", shared.len()),
            };
            out.push_str(&format!("{mark}{key} = [{}]{note}\n", list.join(", ")));
        }
        if !names.left_out.is_empty() {
            let all: Vec<String> = names.left_out.into_iter().collect();
            remark(out, &format!("not its own: {}", all.join(", ")));
        }
        self.write_uses(out, who, mark);
    }

    fn write_uses(&self, out: &mut String, who: &Who<'_>, mark: &str) {
        let uses = uses::of(who, self.systems);
        if uses.stated.is_empty() {
            remark(out, "no uses that an entry can state: it is known, and held to nothing");
        } else {
            out.push_str(&format!("{mark}uses = [\n"));
            // A # with a blank behind it would be a remark.
            let indent = if mark.is_empty() { "  " } else { mark };
            for it in &uses.stated {
                out.push_str(&format!("{indent}{}\n", it.toml()));
            }
            out.push_str(&format!("{mark}]\n"));
        }
        if !uses.others.is_empty() {
            let others: Vec<String> = uses.others.into_iter().collect();
            remark(out, &format!("besides: {}", others.join("; ")));
        }
    }
}
