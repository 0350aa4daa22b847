//! Records of DNS, as files: zones (RFC 1035, 5), and what dig(1), host(1) and nslookup(1) print. A name of several
//! addresses is mostly one of several machines, and an address of several names one of several services, so such are
//! told by the record that leads back (PTR), or not at all. Aliases (CNAME) state nothing.

use super::machines::{self, Machine};
use super::{Inventory, Notes};
use crate::evidence::{About, GapCode, Provenance};
use crate::input::InputFile;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Zones and lists of records.
pub struct Records;

impl Inventory for Records {
    fn about(&self) -> &'static About {
        &About {
            name: "dns-records",
            title: "Zone files and output of dig, host and nslookup: names of addresses",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let ending = file.name().rsplit_once('.').map_or("", |(_, ending)| ending);
        let code = [
            "md", "rst", "html", "py", "sh", "rb", "pl", "js", "json", "yml", "yaml", "xml", "erb", "j2",
            "pp",
        ];
        let head = file.head_text();
        if code.contains(&ending) || head.starts_with("#!") {
            return false;
        }
        let mut said = Said::default();
        said.read(&head);
        let zone = head.lines().any(|line| line.contains(" SOA ") || line.contains("\tSOA"));
        // A zone begins by saying whose it is; a list is nothing but answers.
        let (answers, lines) = (said.absolute, head.lines().filter(|line| is_content(line)).count());
        (zone && !said.pairs.is_empty()) || (answers > 0 && answers * 2 >= lines)
    }

    fn read(&self, text: &str, notes: &mut Notes<'_>) -> Result<(), String> {
        let mut said = Said::default();
        said.read(text);
        if let Some(line) = said.unplaced {
            let what = "a record of a zone that says its origin elsewhere: $ORIGIN is missing";
            notes.gap(line, GapCode::Unresolved, what);
        }
        said.state(notes);
        Ok(())
    }
}

fn is_content(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with([';', '$'])
}

/// What the records say.
#[derive(Default)]
struct Said {
    /// Name, address, whether the record leads from the address to the name, line.
    pairs: Vec<(String, IpAddr, bool, u64)>,
    /// How many lines are answers with whole names.
    absolute: usize,
    /// The first record of which it is not known whose address it is.
    unplaced: Option<u64>,
}

impl Said {
    fn read(&mut self, text: &str) {
        let (mut origin, mut owner) = (String::new(), String::new());
        for (line, number) in text.lines().zip(1u64..) {
            if let Some(rest) = line.strip_prefix("$ORIGIN") {
                origin = rest.split_whitespace().next().unwrap_or("").trim_end_matches('.').to_lowercase();
                continue;
            }
            if !is_content(line) {
                continue;
            }
            if let Some((name, address, back)) = printed(line) {
                self.absolute += 1;
                self.pairs.push((name, address, back, number));
                continue;
            }
            let content = line.split(';').next().unwrap_or("");
            let mut words = content.split_whitespace().peekable();
            if !content.starts_with(char::is_whitespace) {
                owner = words.next().unwrap_or("").to_lowercase();
            }
            let pairs: Vec<&str> = words.collect();
            let whole = owner.ends_with('.');
            self.absolute += usize::from(whole && pairs.contains(&"IN"));
            // A lifetime and a class, in any order, may stand before the kind.
            let plain = |word: &&&str| {
                !(word.eq_ignore_ascii_case("IN") || word.starts_with(|c: char| c.is_ascii_digit()))
            };
            let Some(kind) = pairs.iter().take(3).position(|word| plain(&word)) else { continue };
            let (kind, value) =
                (pairs[kind].to_ascii_uppercase(), pairs.get(kind + 1).copied().unwrap_or(""));
            let full = full_name(&owner, &origin);
            match kind.as_str() {
                "A" | "AAAA" => {
                    if let Some(address) = machines::address(value) {
                        self.pairs.push((full, address, false, number));
                    }
                }
                "PTR" => match reversed(&full) {
                    Some(address) => {
                        let target =
                            if value.ends_with('.') { value.to_owned() } else { full_name(value, "") };
                        // A target that is relative lies below the zone of addresses: nobody means that.
                        self.pairs.push((target, address, true, number));
                    }
                    None => self.unplaced = self.unplaced.or(Some(number)),
                },
                _ => {}
            }
        }
    }

    /// States each address with the one name it has.
    fn state(self, notes: &mut Notes<'_>) {
        let mut addresses: BTreeMap<(String, bool), BTreeSet<IpAddr>> = BTreeMap::new();
        let mut names: BTreeMap<(IpAddr, bool), BTreeMap<String, u64>> = BTreeMap::new();
        for (name, address, back, line) in self.pairs {
            let Some(name) = machines::name(&name).map(str::to_lowercase) else { continue };
            if machines::address(&address.to_string()).is_none() {
                continue;
            }
            if !back {
                addresses.entry((name.clone(), address.is_ipv4())).or_default().insert(address);
            }
            names.entry((address, back)).or_default().entry(name).or_insert(line);
        }
        let all: BTreeSet<IpAddr> = names.keys().map(|(address, _)| *address).collect();
        for address in all {
            let back = names.get(&(address, true)).filter(|names| names.len() == 1);
            let ways = back.or_else(|| names.get(&(address, false)).filter(|names| names.len() == 1));
            let Some((name, line)) = ways.and_then(|names| names.first_key_value()) else { continue };
            let several = addresses.get(&(name.clone(), address.is_ipv4())).is_some_and(|all| all.len() > 1);
            if back.is_some() || !several {
                Machine { name, addresses: vec![address], ..Machine::default() }.state(notes, *line);
            }
        }
    }
}

/// A name of a zone with its origin.
fn full_name(name: &str, origin: &str) -> String {
    match (name.strip_suffix('.'), name, origin) {
        (Some(whole), ..) => whole.to_owned(),
        (None, "@", origin) => origin.to_owned(),
        (None, name, "") => name.to_owned(),
        (None, name, origin) => format!("{name}.{origin}"),
    }
}

/// The address that a name of the reverse tree stands for (RFC 1035, 3.5; RFC 3596, 2.5).
fn reversed(name: &str) -> Option<IpAddr> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if let Some(rest) = name.strip_suffix(".in-addr.arpa") {
        let parts: Vec<u8> = rest.rsplit('.').map(str::parse).collect::<Result<_, _>>().ok()?;
        let [a, b, c, d] = parts[..] else { return None };
        return Some(IpAddr::V4(Ipv4Addr::new(a, b, c, d)));
    }
    let rest = name.strip_suffix(".ip6.arpa")?;
    let digits: Vec<&str> = rest.rsplit('.').collect();
    if digits.len() != 32 || digits.iter().any(|digit| digit.len() != 1) {
        return None;
    }
    u128::from_str_radix(&digits.concat(), 16).ok().map(|bits| IpAddr::V6(Ipv6Addr::from(bits)))
}

/// A line of host(1) or nslookup(1): the name, the address, and whether it leads from the address to the name.
fn printed(line: &str) -> Option<(String, IpAddr, bool)> {
    let line = line.trim();
    for mark in [" domain name pointer ", "\tname = ", " name = "] {
        if let Some((from, name)) = line.split_once(mark) {
            return reversed(from.trim()).map(|address| (name.trim().to_owned(), address, true));
        }
    }
    for mark in [" has address ", " has IPv6 address "] {
        if let Some((name, address)) = line.split_once(mark) {
            return machines::address(address).map(|address| (name.trim().to_owned(), address, false));
        }
    }
    None
}
