//! Commands of which no more can be told than the host they reach: `nc`, `telnet`, `ldapsearch` (their manual pages).
//! What is said to it is not told.

use super::options::Options;
use super::{Call, Commands, Out};
use crate::evidence::Action;

/// nc(1), ncat(1), telnet(1).
pub struct Ports;
/// ssh-keyscan(1).
pub struct Keys;
/// ldapsearch(1) and its like.
pub struct Ldap;

impl Commands for Ports {
    fn names(&self) -> &'static [&'static str] {
        &["nc", "ncat", "netcat", "telnet"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, "wiIoOpPqsTVxXeMmc", &[]);
        // It listens, and whoever comes reaches this host.
        if options.has(&["l", "listen"]) || options.has(&["U", "unixsock"]) {
            return;
        }
        let mut words = options.plain.iter().map(String::as_str);
        let host = words.next().unwrap_or("");
        if host.starts_with("{}") {
            out.unresolved(call, "a host that is only known when it runs");
            return;
        }
        out.add_host(call, host, words.next());
    }
}

impl Commands for Keys {
    fn names(&self) -> &'static [&'static str] {
        &["ssh-keyscan"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, "fOpTt", &[]);
        for path in options.all(&["f"]) {
            out.add_file(call, Action::Read, path);
        }
        for host in options.plain.iter().flat_map(|word| word.split(',')) {
            if host.contains("{}") {
                out.unresolved(call, "a host that is only known when it runs");
            }
            out.add_host(call, host, options.get(&["p"]));
        }
    }
}

impl Commands for Ldap {
    fn names(&self) -> &'static [&'static str] {
        &["ldapsearch", "ldapmodify", "ldapadd", "ldapdelete", "ldapwhoami", "ldapcompare", "ldappasswd"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, "HhpDwybsfFlzaoOeEPRUXYStT", &[]);
        let address =
            options.get(&["H"]).map(|address| address.split_once("://").map_or(address, |(_, rest)| rest));
        let (host, port) = match address {
            Some(address) => {
                let authority = address.split(['/', ' ']).next().unwrap_or(address);
                authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)))
            }
            None => (options.get(&["h"]).unwrap_or(""), options.get(&["p"])),
        };
        if host.contains("{}") {
            out.unresolved(call, "a host that is only known when it runs");
        }
        out.add_host(call, host, port);
        for path in options.all(&["f"]) {
            out.add_file(call, Action::Read, path);
        }
    }
}
