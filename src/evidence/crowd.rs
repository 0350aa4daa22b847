//! Crowds: addresses that are told as one, because they are outside of the estate and run one program, or because
//! they are people at browsers. What is kept of them says who to look for, and never becomes an identity.

use super::mention::Text;
use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::{BTreeMap, HashMap};

/// How many addresses of one crowd are counted one by one.
pub const MAX_ADDRESSES: usize = 10_000;
/// How many of them are named.
pub const BUSIEST: usize = 10;

/// The addresses behind one name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crowd {
    /// Requests by address.
    #[serde(serialize_with = "in_order")]
    addresses: HashMap<Text, u64, RandomState>,
    /// Whether there were more than [`MAX_ADDRESSES`].
    more: bool,
}

fn in_order<S: Serializer>(
    addresses: &HashMap<Text, u64, RandomState>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    addresses.iter().collect::<BTreeMap<_, _>>().serialize(serializer)
}

impl Crowd {
    /// One more request of an address.
    pub fn add(&mut self, address: &str) {
        self.add_many(address, 1);
    }

    /// So many more requests of an address.
    pub fn add_many(&mut self, address: &str, requests: u64) {
        if let Some(count) = self.addresses.get_mut(address) {
            *count = count.saturating_add(requests);
        } else if self.addresses.len() < MAX_ADDRESSES {
            self.addresses.insert(Text::from(address), requests);
        } else {
            self.more = true;
        }
    }

    /// Takes over what another place saw of the same crowd: of one address the larger count, because both may
    /// have seen the same requests.
    pub fn merge(&mut self, other: Crowd) {
        for (address, count) in other.addresses {
            let own = self.addresses.entry(address).or_default();
            *own = (*own).max(count);
        }
        self.more |= other.more || self.addresses.len() > MAX_ADDRESSES;
        if self.addresses.len() > MAX_ADDRESSES {
            let mut all: Vec<(Text, u64)> = self.addresses.drain().collect();
            all.sort_unstable();
            all.truncate(MAX_ADDRESSES);
            self.addresses.extend(all);
        }
    }

    /// How many addresses there are, and whether there are more than were counted.
    pub fn size(&self) -> (usize, bool) {
        (self.addresses.len(), self.more)
    }

    /// The busiest addresses with their requests, the busiest first.
    pub fn busiest(&self) -> Vec<(&Text, u64)> {
        let mut all: Vec<(&Text, u64)> =
            self.addresses.iter().map(|(address, count)| (address, *count)).collect();
        all.sort_by(|a, b| (std::cmp::Reverse(a.1), a.0).cmp(&(std::cmp::Reverse(b.1), b.0)));
        all.truncate(BUSIEST);
        all
    }
}
