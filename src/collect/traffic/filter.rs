//! Filters over packets in tcpdump's language (pcap-filter(7)), compiled by libpcap for each link type of a capture.
//! Without the feature `capture` there are none. It opens no interface and no file.

#[cfg(feature = "capture")]
use pcap::{BpfProgram, Capture, Linktype};
#[cfg(feature = "capture")]
use std::collections::BTreeMap;

/// The link type a filter is first compiled for, so that an error in it is one before anything is read: Ethernet.
#[cfg(feature = "capture")]
const ETHERNET: i32 = 1;

/// Whether an expression is a filter; the error says what is wrong with it, or that filters are not built in.
#[cfg(feature = "capture")]
pub fn check(expression: &str) -> Result<(), String> {
    compiled(expression, ETHERNET).map(|_| ())
}

/// Whether an expression is a filter; the error says what is wrong with it, or that filters are not built in.
#[cfg(not(feature = "capture"))]
pub fn check(_expression: &str) -> Result<(), String> {
    Err("this program was built without the feature `capture`, which has the filters".to_owned())
}

#[cfg(feature = "capture")]
fn compiled(expression: &str, link: i32) -> Result<BpfProgram, String> {
    let words = |error: pcap::Error| match error {
        pcap::Error::PcapError(text) => text,
        other => other.to_string(),
    };
    // Files number these link types otherwise than libpcap's programs do (tcpdump.org/linktypes.html, bpf.h).
    let link = match link {
        100 => 11,
        101 => 12,
        other => other,
    };
    Capture::dead(Linktype(link)).map_err(words)?.compile(expression, true).map_err(words)
}

/// A filter at work: its program for each link type met.
pub struct Filter<'a> {
    expression: Option<&'a str>,
    #[cfg(feature = "capture")]
    programs: BTreeMap<i32, Option<BpfProgram>>,
    /// Packets of link types for which the expression cannot be compiled, and are left out.
    pub unfiltered: u64,
}

impl<'a> Filter<'a> {
    /// A filter of this expression; without one everything passes.
    pub fn new(expression: Option<&'a str>) -> Filter<'a> {
        Filter {
            expression,
            #[cfg(feature = "capture")]
            programs: BTreeMap::new(),
            unfiltered: 0,
        }
    }

    /// Whether a packet passes.
    #[cfg(feature = "capture")]
    pub fn passes(&mut self, link: i32, data: &[u8]) -> bool {
        let Some(expression) = self.expression else { return true };
        let program = self.programs.entry(link).or_insert_with(|| compiled(expression, link).ok());
        self.unfiltered += u64::from(program.is_none());
        program.as_ref().is_some_and(|program| program.filter(data))
    }

    /// Whether a packet passes: without the feature `capture` a filter lets nothing through, and says so.
    #[cfg(not(feature = "capture"))]
    pub fn passes(&mut self, _link: i32, _data: &[u8]) -> bool {
        self.unfiltered += u64::from(self.expression.is_some());
        self.expression.is_none()
    }
}
