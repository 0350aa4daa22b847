//! Tables of machines (RFC 4180 and its kin): exports of NetBox ("Import/Export" of devices and of IP addresses) and
//! of other inventories, told by their header: a column of names and a column of addresses, and cells that are such.
//! A log that names a host on each line is none. Who owns a machine does not own what it runs, so owners are not
//! stated.

use super::machines::{self, Machine};
use super::{Inventory, Notes};
use crate::collect::csv_table::{self, Fields, Table};
use crate::evidence::{About, GapCode, Provenance};
use crate::input::{HEAD_BYTES, InputFile};
use std::collections::BTreeSet;

/// A table of machines.
pub struct HostTable;

/// How many records tell what a table is.
const RECORDS_TRIED: usize = 50;

/// Columns that name a machine, the surest first.
const NAMES: [&str; 17] = [
    "hostname",
    "host_name",
    "fqdn",
    "dns_name",
    "name",
    "host",
    "server",
    "server_name",
    "device",
    "device_name",
    "machine",
    "machine_name",
    "node",
    "node_name",
    "ci_name",
    "asset_name",
    "vm_name",
];
/// Columns that hold its addresses.
const ADDRESSES: [&str; 19] = [
    "ip",
    "ips",
    "ip_address",
    "ip_addresses",
    "ip_addr",
    "ipaddress",
    "address",
    "addresses",
    "primary_ip",
    "primary_ipv4",
    "primary_ipv6",
    "primary_ip4",
    "primary_ip6",
    "ipv4",
    "ipv6",
    "ipv4_address",
    "ipv6_address",
    "private_ip",
    "ansible_host",
];
/// Columns that hold its other names.
const ALIASES: [&str; 7] = ["alias", "aliases", "fqdn", "dns_name", "cname", "short_name", "hostname"];
/// Columns of records of what happened, which no list of machines has.
const EVENTS: [&str; 32] = [
    "expire",
    "expires",
    "starts",
    "ends",
    "valid_lifetime",
    "lease_expires",
    "time",
    "timestamp",
    "@timestamp",
    "date",
    "datetime",
    "event_time",
    "event",
    "query",
    "statement",
    "message",
    "msg",
    "url",
    "uri",
    "path",
    "method",
    "user_agent",
    "bytes",
    "duration",
    "sql",
    "action",
    "level",
    "severity",
    "session_id",
    "pid",
    "command_tag",
    "request",
];

/// What the header says.
struct Columns {
    delimiter: u8,
    name: usize,
    addresses: Vec<usize>,
    aliases: Vec<usize>,
}

impl Columns {
    /// Of a table that begins so, if it is one of machines.
    fn of(text: &str) -> Option<Columns> {
        let mut found = None;
        Table::of(text.as_bytes(), |table| {
            let names: Vec<String> = table.names.iter().map(|name| column(name)).collect();
            found = columns(&names, table.delimiter);
            found.is_some()
        })?;
        found
    }
}

fn columns(names: &[String], delimiter: u8) -> Option<Columns> {
    let find = |name: &&str| names.iter().position(|own| own == name);
    if names.len() < 2 || EVENTS.iter().any(|event| find(event).is_some()) {
        return None;
    }
    let name = NAMES.iter().find_map(find)?;
    let addresses: Vec<usize> = ADDRESSES.iter().filter_map(find).collect();
    let mut aliases: Vec<usize> = ALIASES.iter().filter_map(find).collect();
    aliases.retain(|at| *at != name);
    (!addresses.is_empty()).then_some(Columns { delimiter, name, addresses, aliases })
}

/// A column's name, as it is compared: words joined by one underscore.
fn column(name: &str) -> String {
    let lower = name.trim_start_matches('\u{feff}').trim().to_lowercase();
    let words = lower.split([' ', '-', '_', '.']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

/// The parts of a cell that holds several.
fn parts(cell: &str) -> impl Iterator<Item = &str> {
    cell.split([',', ';', ' ', '\n', '|']).map(str::trim).filter(|part| !part.is_empty())
}

/// Tells each record after the header with the line it begins on, until `take` says that it has enough.
fn records(text: &str, delimiter: u8, mut take: impl FnMut(u64, &Fields) -> bool) {
    let (mut rest, mut line, mut header) = (text.as_bytes(), 1u64, true);
    let mut fields = Fields::new(delimiter);
    while !rest.is_empty() {
        let length = csv_table::record_length(rest, delimiter).unwrap_or(rest.len());
        let (record, after) = rest.split_at(length);
        fields.read(record);
        let blank = record.iter().all(u8::is_ascii_whitespace);
        if !blank && !std::mem::take(&mut header) && !take(line, &fields) {
            return;
        }
        line += record.iter().filter(|b| **b == b'\n').count() as u64;
        rest = after;
    }
}

/// Whether the cells are what the header promises, and each line is another machine: a log repeats its own.
fn fits(text: &str, columns: &Columns) -> bool {
    let (mut seen, mut good, mut tried) = (BTreeSet::new(), 0usize, 0usize);
    let mut right = true;
    records(text, columns.delimiter, |_, fields| {
        let name = fields.text(columns.name).trim().to_lowercase();
        let cells: Vec<String> = columns.addresses.iter().map(|at| fields.text(*at).into_owned()).collect();
        right &= cells.iter().flat_map(|cell| parts(cell)).all(machines::is_address);
        let known = cells.iter().any(|cell| parts(cell).next().is_some());
        tried += 1;
        let another = seen.insert((name.clone(), cells));
        good += usize::from(known && another && machines::name(&name).is_some());
        right && tried < RECORDS_TRIED
    });
    right && good > 0 && good * 2 >= tried
}

impl Inventory for HostTable {
    fn about(&self) -> &'static About {
        &About {
            name: "host-table",
            title: "Tables of machines (CSV): names and addresses, by their header",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let name = file.name();
        if !["csv", "tsv", "txt"].iter().any(|ending| name.rsplit('.').next() == Some(ending)) {
            return false;
        }
        let head = file.head_text();
        // The last line of a long file may be cut.
        let whole = if file.head.len() < HEAD_BYTES {
            &*head
        } else {
            head.rsplit_once('\n').map_or("", |(whole, _)| whole)
        };
        Columns::of(whole).is_some_and(|columns| fits(whole, &columns))
    }

    fn read(&self, text: &str, notes: &mut Notes<'_>) -> Result<(), String> {
        let columns = Columns::of(text).ok_or("no columns of names and addresses")?;
        let mut strange = Vec::new();
        records(text, columns.delimiter, |line, fields| {
            let cell = fields.text(columns.name);
            let Some(name) = machines::name(&cell) else {
                strange.push(line);
                return true;
            };
            let aliases: Vec<_> = columns.aliases.iter().map(|at| fields.text(*at)).collect();
            let addresses: Vec<_> = columns.addresses.iter().map(|at| fields.text(*at)).collect();
            let addresses =
                addresses.iter().flat_map(|cell| parts(cell)).filter_map(machines::address).collect();
            let aliases = aliases.iter().flat_map(|cell| parts(cell)).filter_map(machines::name).collect();
            machines::own(name, notes, line);
            Machine { name, aliases, addresses, span: None }.state(notes, line);
            true
        });
        for line in strange {
            notes.gap(line, GapCode::Unparsed, "a record without the name of a machine");
        }
        Ok(())
    }
}
