//! Leases of addresses: which machine had an address from when to when. ISC's `dhcpd.leases` (dhcpd.leases(5)),
//! `dnsmasq.leases` (dnsmasq(8)) and the lease files of Kea (Kea Administrator Reference Manual, "memfile"). A file
//! of leases is a journal: what comes later ends what was before. Nothing is said of a time in which nobody is known
//! to have had the address, and the name is the one that the client gave itself.

use super::machines::{self, Machine};
use super::{Inventory, Notes};
use crate::collect::csv_table::{self, Fields, Table};
use crate::evidence::{About, GapCode, MICROS_PER_SECOND, Provenance, Span, Stamp};
use crate::input::InputFile;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Leases of DHCP.
pub struct Leases;

/// The end of a lease without end: 9999-12-01, which every calendar here knows.
const NEVER: i64 = 253_399_622_400;
/// No lease of dnsmasq is shorter (dnsmasq(8), "minimum lease time is two minutes").
const DNSMASQ_SHORTEST: i64 = 120;

impl Inventory for Leases {
    fn about(&self) -> &'static About {
        &About {
            name: "dhcp-leases",
            title: "Leases of dhcpd, dnsmasq and Kea: whose an address was, and when",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        form(&file.head_text(), file.name()).is_some()
    }

    fn read(&self, text: &str, notes: &mut Notes<'_>) -> Result<(), String> {
        let name = notes.path().rsplit('/').next().unwrap_or("");
        let mut journal = Journal::default();
        match form(text, name).ok_or("no file of leases")? {
            Form::Isc => isc(text, &mut journal),
            Form::Dnsmasq => {
                dnsmasq(text, &mut journal);
                let what = "leases of dnsmasq say when they end, not when they began: of each, two minutes are known";
                notes.gap(1, GapCode::Unresolved, what);
            }
            Form::Kea(delimiter) => kea(text, delimiter, &mut journal),
        }
        journal.state(notes);
        Ok(())
    }
}

enum Form {
    Isc,
    Dnsmasq,
    Kea(u8),
}

fn form(text: &str, name: &str) -> Option<Form> {
    let lease = |line: &str| lease_head(line).is_some();
    if text.lines().any(lease) && text.lines().any(|line| line.trim_start().starts_with("starts ")) {
        return Some(Form::Isc);
    }
    if let Some(table) = kea_table(text) {
        return Some(Form::Kea(table.delimiter));
    }
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).take(20).peekable();
    let known = name.contains("leases") && lines.peek().is_some();
    (known && lines.all(|line| line.starts_with("duid ") || dnsmasq_line(line).is_some()))
        .then_some(Form::Dnsmasq)
}

/// `lease 10.0.0.5 {`
fn lease_head(line: &str) -> Option<IpAddr> {
    let rest = line.trim().strip_prefix("lease ")?;
    machines::address(rest.strip_suffix('{')?)
}

/// By address: from when to when, whose, and on which line that is said.
#[derive(Default)]
struct Journal(BTreeMap<IpAddr, Vec<(Span, String, u64)>>);

impl Journal {
    /// A lease from one second to another, later than all that were added before.
    fn add(&mut self, address: IpAddr, (first, last): (i64, i64), name: Option<&str>, line: u64) {
        let last = last.min(NEVER);
        let all = self.0.entry(address).or_default();
        // What began with this lease or after it is this lease, told again.
        all.retain(|(span, ..)| span.first.seconds() < first);
        for (span, ..) in all.iter_mut() {
            span.last = span.last.min(Stamp::from_seconds(first).plus_micros(-MICROS_PER_SECOND));
        }
        if let Some(name) = name.and_then(machines::name).filter(|_| first <= last) {
            let span = Span { first: Stamp::from_seconds(first), last: Stamp::from_seconds(last) };
            all.push((span, name.to_owned(), line));
        }
    }

    fn state(self, notes: &mut Notes<'_>) {
        for (address, leases) in self.0 {
            for (span, name, line) in leases {
                let it =
                    Machine { name: &name, addresses: vec![address], span: Some(span), ..Machine::default() };
                it.state(notes, line);
            }
        }
    }
}

/// `4 2026/11/26 07:00:00` (UTC), `epoch 1790000000` or `never`.
fn isc_time(text: &str) -> Option<i64> {
    let text = text.split('#').next().unwrap_or("").trim().trim_end_matches(';').trim();
    if text == "never" {
        return Some(NEVER);
    }
    if let Some(seconds) = text.strip_prefix("epoch ") {
        return seconds.trim().trim_end_matches(';').parse().ok();
    }
    let (_, date) = text.split_once(' ')?;
    let moment = jiff::civil::DateTime::strptime("%Y/%m/%d %H:%M:%S", date.trim()).ok()?;
    Some(moment.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

fn isc(text: &str, journal: &mut Journal) {
    let mut lease: Option<(IpAddr, u64)> = None;
    let (mut times, mut name, mut held) = ((None, None), None, true);
    for (line, number) in text.lines().zip(1u64..) {
        if let Some(address) = lease_head(line) {
            lease = Some((address, number));
            (times, name, held) = ((None, None), None, true);
            continue;
        }
        let line = line.trim();
        if line == "}" {
            // One without its beginning or its end, or that was nobody's, says nothing.
            if let (Some((address, number)), (Some(first), Some(last)), true) = (lease.take(), times, held) {
                journal.add(address, (first, last), name, number);
            }
            continue;
        }
        match line.split_once(' ') {
            Some(("starts", time)) => times.0 = isc_time(time),
            Some(("ends", time)) => times.1 = isc_time(time),
            Some(("client-hostname", text)) => name = Some(text.trim_end_matches(';').trim_matches('"')),
            Some(("binding", state)) => {
                let state = state.trim_start_matches("state").trim().trim_end_matches(';');
                held = !matches!(state, "abandoned" | "backup" | "reset" | "bootp");
            }
            _ => {}
        }
    }
}

/// `expiry address-of-the-card address name client-id`
fn dnsmasq_line(line: &str) -> Option<(i64, IpAddr, &str)> {
    let mut words = line.split_whitespace();
    let (expiry, _, address, name) = (words.next()?, words.next()?, words.next()?, words.next()?);
    words.next()?;
    Some((expiry.parse().ok()?, machines::address(address)?, name))
}

fn dnsmasq(text: &str, journal: &mut Journal) {
    for (line, number) in text.lines().zip(1u64..) {
        let Some((expiry, address, name)) = dnsmasq_line(line) else { continue };
        let times = if expiry == 0 { (0, NEVER) } else { (expiry - DNSMASQ_SHORTEST, expiry) };
        journal.add(address, times, Some(name), number);
    }
}

const KEA: [&str; 5] = ["address", "valid_lifetime", "expire", "hostname", "state"];

fn kea_table(text: &str) -> Option<Table> {
    Table::of(text.as_bytes(), |table| KEA.iter().all(|name| table.column(name).is_some()))
}

fn kea(text: &str, delimiter: u8, journal: &mut Journal) {
    let Some(table) = kea_table(text) else { return };
    let columns = KEA.map(|name| table.column(name).unwrap_or(0));
    let (mut rest, mut line) = (text.as_bytes(), 1u64);
    let mut fields = Fields::new(delimiter);
    while !rest.is_empty() {
        let length = csv_table::record_length(rest, delimiter).unwrap_or(rest.len());
        let (record, after) = rest.split_at(length);
        fields.read(record);
        let [address, lifetime, expire, name, state] = columns.map(|at| fields.text(at).into_owned());
        let number = |text: &str| text.trim().parse::<u32>().ok().map(i64::from);
        if let (Some(address), Some(lifetime), Some(expire)) =
            (machines::address(&address), number(&lifetime), number(&expire))
        {
            // 0 is a lease, 1 an address that was declined, 2 one that was taken back; a lifetime of 0 deletes.
            let held = matches!(state.trim(), "0" | "2") && lifetime > 0;
            journal.add(address, (expire - lifetime, expire), Some(&*name).filter(|_| held), line);
        }
        line += record.iter().filter(|b| **b == b'\n').count() as u64;
        rest = after;
    }
}
