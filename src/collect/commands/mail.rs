//! Programs that send mail: `mail` and `mailx` in their kinds (mailx(1p), bsd-mailx(1), s-nail(1), GNU mailutils), `mutt`
//! (mutt(1)) and `sendmail` (sendmail(8)). Files that are attached or sent as the text leave for the recipient; what else
//! is sent is a message. A name without a domain is somebody on the machine itself and is not told.

use super::options::Options;
use super::{Call, Commands, Out};
use crate::evidence::{Action, Resource, ResourceKind, Text};

/// mail(1), mailx(1) and mutt(1).
pub struct Mail;
/// sendmail(8) and what stands in for it.
pub struct Sendmail;

/// Where mail to an address goes.
fn mailbox(address: &str) -> Option<Resource> {
    let address = address.trim().trim_start_matches('<').trim_end_matches('>');
    let (name, domain) = address.split_once('@')?;
    let plain = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "{}$\"'/@".contains(c))
    };
    let parts = vec![Text::from(format!("mailto:{}", address.to_ascii_lowercase()))];
    let mailbox = Resource { kind: ResourceKind::External, server: None, database: None, parts };
    (plain(name) && plain(domain)).then_some(mailbox)
}

/// Names mail of which no recipient is known, because a variable holds all of them.
fn somebody(call: &Call, options: &Options, nobody: bool, out: &mut Out<'_>) {
    if nobody && options.plain.iter().any(|word| word == "{}") {
        out.unresolved(call, "mail to somebody who is only known when it runs");
    }
}

/// States a mail to all that words name, each perhaps a list with commas.
fn send<'a>(call: &Call, to: impl Iterator<Item = &'a str>, files: &[&str], out: &mut Out<'_>) {
    let given = call.stdin_file.as_deref().filter(|file| !file.starts_with("/dev/"));
    let action = if files.is_empty() && given.is_none() { Action::Publish } else { Action::Export };
    for address in to.flat_map(|word| word.split(',')) {
        match mailbox(address) {
            Some(mailbox) => out.add(call, None, action, mailbox),
            None if address.contains("{}") => {
                out.unresolved(call, "mail to somebody who is only known when it runs")
            }
            None => {}
        }
    }
    for file in files {
        out.add_file(call, Action::Read, file);
    }
}

impl Commands for Mail {
    fn names(&self) -> &'static [&'static str] {
        &["mail", "mailx", "bsd-mailx", "s-nail", "heirloom-mailx", "mutt", "neomutt"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let longs = ["subject", "attach", "append", "return-address", "content-type"];
        let mut options = Options::of(&call.words, "sabcrSqTAFHfiu", &longs);
        // Reading a mailbox sends nothing.
        if options.has(&["f", "u", "H"]) {
            return;
        }
        // mutt's `-a` takes all words up to `--`; the `-a` of bsd-mailx is a header, `From: x`.
        let behind = call.words.iter().position(|word| word == "--");
        let first = call.words.iter().position(|word| word == "-a");
        let mut more = Vec::new();
        if let (true, Some(first), Some(behind)) = (call.name().ends_with("mutt"), first, behind) {
            more.extend(call.words.iter().take(behind).skip(first + 2).map(String::as_str));
            options.plain.retain(|word| !more.contains(&word.as_str()));
        }
        let attached = options.all(&["a", "A", "attach"]).filter(|file| !file.contains([':', ' ']));
        let files: Vec<&str> =
            attached.chain(more).filter(|file| !file.is_empty() && *file != "{}").collect();
        let to: Vec<&str> = options.known().chain(options.all(&["b", "c"])).collect();
        somebody(call, &options, to.is_empty(), out);
        send(call, to.into_iter(), &files, out);
    }
}

impl Commands for Sendmail {
    fn names(&self) -> &'static [&'static str] {
        &["sendmail", "msmtp", "ssmtp"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, "fFrBCOohXaN", &["account", "file", "from"]);
        let to: Vec<&str> = options.known().collect();
        somebody(call, &options, to.is_empty(), out);
        send(call, to.into_iter(), &[], out);
    }
}
