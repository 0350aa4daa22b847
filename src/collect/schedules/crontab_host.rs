//! Which cron a host has, told by its own files alone: `os-release` (os-release(5)) of the same host in the same scan,
//! or the folder that only Busybox uses. It asks no name of a host and no guess of a person.

use super::World;
use super::job::Zone;
use crate::evidence::Text;
use crate::input::InputFile;
use crate::schedule;
use std::collections::BTreeMap;

/// The crons that systems come with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cron {
    /// Debian's and Ubuntu's; also where nothing tells.
    Debian,
    /// Fedora's, RHEL's and what is built from it, Arch's and SUSE's.
    Cronie,
    /// Busybox's, on Alpine and OpenWrt; it reads users' tables only.
    Busybox,
}

/// The `ID` or `ID_LIKE` of systems that come with cronie.
const CRONIE: [&str; 12] = [
    "fedora",
    "rhel",
    "centos",
    "rocky",
    "almalinux",
    "ol",
    "amzn",
    "arch",
    "suse",
    "opensuse",
    "sles",
    "cloudlinux",
];

impl Cron {
    /// That reads a system table or a folder of scripts of this host.
    pub fn of_system(file: &InputFile, world: &World<'_>) -> Cron {
        match Cron::of_host(file, world) {
            // Busybox reads none: whoever put it there has another cron.
            Cron::Busybox => Cron::Debian,
            cron => cron,
        }
    }

    /// That reads a user's table of this host.
    pub fn of_user(file: &InputFile, world: &World<'_>) -> Cron {
        if file.inner.starts_with("/etc/crontabs/") { Cron::Busybox } else { Cron::of_host(file, world) }
    }

    fn of_host(file: &InputFile, world: &World<'_>) -> Cron {
        let Some(host) = file.host.as_deref() else { return Cron::Debian };
        let places = ["/etc/os-release", "/usr/lib/os-release"];
        let own = |path: &&str| {
            world.inputs.find(Some(host), path).filter(|found| found.host.as_deref() == Some(host))
        };
        let Some(release) = places.iter().find_map(own) else { return Cron::Debian };
        let text = release.head_text();
        let values = ["ID=", "ID_LIKE="].into_iter().flat_map(|key| {
            let value = text.lines().find_map(|line| line.trim().strip_prefix(key)).unwrap_or("");
            value.trim_matches(['"', '\'']).split_whitespace()
        });
        for id in values {
            // openSUSE's editions have names of their own behind it.
            let family = id.split('-').next().unwrap_or(id);
            match family {
                "alpine" | "openwrt" => return Cron::Busybox,
                "debian" | "ubuntu" => return Cron::Debian,
                _ if CRONIE.contains(&family) => return Cron::Cronie,
                _ => {}
            }
        }
        Cron::Debian
    }

    /// The dialect of its tables.
    pub fn dialect(self) -> &'static str {
        match self {
            Cron::Debian => "vixie",
            Cron::Cronie => "cronie",
            Cron::Busybox => "busybox",
        }
    }

    /// Whether it reads a file of this name in cron.d, or run-parts one in the folders of scripts; the error says why
    /// not: run-parts(8) of Debian without `--lsbsysinit`, not_a_crontab of cronie's database.c, run-parts of the
    /// package crontabs.
    pub fn reads_name(self, name: &str) -> Result<(), &'static str> {
        if self == Cron::Cronie {
            let left = name.starts_with(['.', '#'])
                || name.ends_with(['~', ','])
                || [".rpmsave", ".rpmorig", ".rpmnew", ".cfsaved", ".swp"]
                    .iter()
                    .any(|end| name.ends_with(end));
            return if left { Err("its name is one of a copy") } else { Ok(()) };
        }
        let fine =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if fine { Ok(()) } else { Err("a name may hold only letters, digits, _ and -") }
    }

    /// The zone of a job with such settings on a host.
    pub fn zone_below(
        self,
        world: &World<'_>,
        host: Option<&str>,
        environment: &BTreeMap<String, String>,
    ) -> Zone {
        self.zone(environment.get("CRON_TZ").map(String::as_str), &world.zone_of_host(host).0)
    }

    /// The zone of the lines below `CRON_TZ`, where it is set.
    pub fn zone(self, own: Option<&str>, of_host: &str) -> Zone {
        match own.filter(|own| *own != of_host) {
            None => Zone::OfHost,
            Some(own) if self == Cron::Cronie && schedule::zone(own).is_some() => {
                Zone::Stated(Text::from(own))
            }
            Some(own) if self == Cron::Cronie => {
                Zone::Unknown(format!("CRON_TZ={own}: no zone of that name"))
            }
            Some(own) => Zone::Unknown(format!(
                "CRON_TZ={own}: cronie runs the lines below it in that zone, Debian's cron in its own ({of_host}); \
                 the zone of these lines is taken as unknown"
            )),
        }
    }
}
