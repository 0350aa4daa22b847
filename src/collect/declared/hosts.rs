//! What a copied host says of itself and of others: `etc/hosts` (hosts(5)), `etc/hostname` (hostname(5)),
//! `etc/timezone` and `etc/os-release` (os-release(5)). Names and addresses are stated as written in that file, which is that host's own view;
//! whether two files agree is for `resolve`. Loopback lines name nothing but the host itself and are left out.

use super::{Inventory, Notes};
use crate::evidence::{About, Basis, Mention, MentionKind, Provenance, Says, Text};
use crate::input::InputFile;
use std::net::IpAddr;

/// `etc/hosts`.
pub struct HostsFile;
/// `etc/hostname`, `etc/timezone` and `etc/os-release`.
pub struct HostItself;

impl Inventory for HostsFile {
    fn about(&self) -> &'static About {
        &About {
            name: "hosts-file",
            title: "etc/hosts: names and addresses as one host sees them",
            provenance: Provenance::Recorded,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        &*file.inner == "/etc/hosts"
    }

    fn read(&self, text: &str, notes: &mut Notes<'_>) -> Result<(), String> {
        for (line, number) in text.lines().zip(1u64..) {
            let content = line.split('#').next().unwrap_or("");
            let mut words = content.split_whitespace();
            let Some(address) = words.next().and_then(|word| word.parse::<IpAddr>().ok()) else { continue };
            let own = match address {
                IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local() || v4.is_broadcast(),
                IpAddr::V6(v6) => {
                    v6.is_loopback() || v6.is_multicast() || (v6.segments()[0] & 0xffc0) == 0xfe80
                }
            };
            let names: Vec<&str> = words.collect();
            let (Some(first), false) = (names.first(), own) else { continue };
            let about = Mention::new(MentionKind::Host, *first);
            let text = address.to_string();
            let same = Says::SameAs(Mention::new(MentionKind::Address, text));
            notes.say_at(&about, same, Basis::Written, number);
            for other in &names[1..] {
                let same = Says::SameAs(Mention::new(MentionKind::Host, *other));
                notes.say_at(&about, same, Basis::Written, number);
            }
        }
        Ok(())
    }
}

impl Inventory for HostItself {
    fn about(&self) -> &'static About {
        &About {
            name: "host-itself",
            title: "etc/hostname, etc/timezone, etc/os-release: a host's own name, zone and system",
            provenance: Provenance::Recorded,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        file.host.is_some()
            && matches!(
                &*file.inner,
                "/etc/hostname" | "/etc/timezone" | "/etc/os-release" | "/usr/lib/os-release"
            )
    }

    fn read(&self, text: &str, notes: &mut Notes<'_>) -> Result<(), String> {
        let Some(host) = notes.host() else { return Ok(()) };
        if notes.path_ends("os-release") {
            // Which system it is tells the readers of schedules which cron it has; it names nothing.
            return Ok(());
        }
        let about = Mention::new(MentionKind::Host, host);
        let word = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
        let Some(word) = word else { return Ok(()) };
        let says = if notes.path_ends("/etc/timezone") {
            Says::InZone(Text::from(word))
        } else {
            Says::SameAs(Mention::new(MentionKind::Host, word))
        };
        notes.say(&about, says, Basis::Written, word);
        Ok(())
    }
}
