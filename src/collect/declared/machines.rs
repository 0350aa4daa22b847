//! Names and addresses of machines, as lists of them are written: what a host name may look like, which addresses
//! name one machine, and how a list states that they belong together. It reads no format and joins nothing: whether
//! two lists agree is for `resolve`.

use super::Notes;
use crate::evidence::{Basis, Mention, MentionKind, Says, Span, Text};
use std::net::IpAddr;

/// A host name is no longer (RFC 1035, 2.3.4).
const MAX_NAME: usize = 253;

/// The address a text is, if one machine alone can have it: loopback, link-local, multicast, broadcast and
/// unspecified addresses are everybody's. A prefix length behind it (`10.0.0.5/24`) is left out.
pub fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let text = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address: IpAddr = match text.split_once('/') {
        Some((address, length)) if length.len() < 4 && length.bytes().all(|b| b.is_ascii_digit()) => {
            address.parse().ok()?
        }
        Some(_) => return None,
        None => text.parse().ok()?,
    };
    let everybody = match address {
        IpAddr::V4(v4) => {
            v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_multicast()
                || v4.is_unspecified()
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_multicast()
                || v6.is_unspecified()
                || (v6.segments()[0] & 0xffc0) == 0xfe80
        }
    };
    (!everybody).then_some(address)
}

/// Whether a text is an address of any kind.
pub fn is_address(text: &str) -> bool {
    let bare = text.trim().split('/').next().unwrap_or("");
    bare.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

/// The host name a text is (RFC 1123, 2.1, with the underscore that machines have all the same), without the dot
/// that ends it in zone files. Numbers alone and `localhost` name no machine.
pub fn name(text: &str) -> Option<&str> {
    let text = text.trim();
    let text = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        let sign = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(sign) && !label.starts_with('-')
    };
    let named = text.len() <= MAX_NAME
        && text.split('.').all(label)
        && text.bytes().any(|b| b.is_ascii_alphabetic())
        && !is_address(text)
        && text.split('.').next() != Some("localhost");
    named.then_some(text)
}

/// One machine of a list.
#[derive(Default)]
pub struct Machine<'a> {
    /// The name it goes by there.
    pub name: &'a str,
    /// Its other names.
    pub aliases: Vec<&'a str>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// When that held, if not always.
    pub span: Option<Span>,
}

impl Machine<'_> {
    /// States it, where the list has it. What lists of machines say is written by whoever keeps them, as in a hosts
    /// file: `whodepends.toml` goes before them all, and of two that contradict each other neither is believed.
    pub fn state(&self, notes: &mut Notes<'_>, line: u64) {
        let about = Mention::new(MentionKind::Host, self.name);
        let aliases = self.aliases.iter().filter(|alias| !alias.eq_ignore_ascii_case(self.name));
        let aliases = aliases.map(|alias| Mention::new(MentionKind::Host, *alias));
        let addresses = self.addresses.iter();
        let addresses =
            addresses.map(|address| Mention::new(MentionKind::Address, address.to_string().as_str()));
        for other in addresses.chain(aliases) {
            notes.say_within(&about, Says::SameAs(other), Basis::Written, line, self.span);
        }
    }
}

/// States that a list of one's own machines has this one.
pub fn own(name: &str, notes: &mut Notes<'_>, line: u64) {
    let about = Mention::new(MentionKind::Host, name);
    notes.say_at(&about, Says::DeclaredAs(Text::from("host")), Basis::Written, line);
}
