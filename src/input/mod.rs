//! Finds the files a scan was pointed at and opens them: walking, telling content by its first bytes,
//! decompressing, limits. It never parses what it opens and never decides who reads a file.

mod open;
mod scope;
mod walk;

pub use open::{Compression, ExpandedTooMuch, MAX_EXPANSION, MAX_EXPANSION_FLOOR, MAX_TEXT_BYTES};
pub use scope::scope_of;
pub use walk::{MAX_DEPTH, Shown, WalkError, walk, walk_as};

use crate::evidence::{Gap, GapCode, Place, Text};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Opens a file by its path alone, decompressing by its first bytes, within the limits of [`InputFile::open`].
pub fn open(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    let size = std::fs::metadata(path)?.len();
    let (compression, _) = open::head(path, size, 1)?;
    open::reader(path, compression, size)
}

/// Why something cannot be read, in words.
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        kind => kind.to_string(),
    }
}

/// How many decompressed bytes of a file are read to tell what it is.
pub const HEAD_BYTES: usize = 64 * 1024;

/// One file to look at.
#[derive(Debug, Clone)]
pub struct InputFile {
    /// The path as reports show it, relative to the argument it was found under.
    pub path: Text,
    /// Where it really is.
    pub real: PathBuf,
    /// Its size on disk in bytes.
    pub size: u64,
    /// Whether a `.gitignore` above it says to leave it out: source readers do, evidence readers do not.
    pub ignored: bool,
    /// The host whose file system it was copied from, where the path tells (`batch1/etc/cron.d/x`).
    pub host: Option<Text>,
    /// Its absolute path on that host; without a host the same as `path`.
    pub inner: Text,
    /// How it is compressed.
    pub compression: Compression,
    /// The reader a person named for it, whatever its content says.
    pub forced: Option<Text>,
    /// Whether it was named as an argument by itself: that it cannot be read is then an error.
    pub named: bool,
    /// The first decompressed bytes.
    pub head: Arc<[u8]>,
}

impl InputFile {
    /// The file's own name, without compression suffixes (`postgresql.log.1.gz` gives `postgresql.log.1`).
    pub fn name(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        match self.compression {
            Compression::None => name,
            _ => name.rsplit_once('.').map_or(name, |(stem, _)| stem),
        }
    }

    /// The head as text, cut at the last whole line unless the file ends there.
    pub fn head_text(&self) -> String {
        String::from_utf8_lossy(&self.head).into_owned()
    }

    /// Whether the head looks like text: no NUL byte (text in UTF-16 was decoded).
    pub fn is_text(&self) -> bool {
        !self.head.contains(&0)
    }

    /// Whether it is an archive of several files (tar, POSIX.1-1988, "ustar Interchange Format").
    pub fn is_archive(&self) -> bool {
        self.head.get(257..262) == Some(b"ustar")
    }

    /// Opens it, decompressing; reading ends with [`ExpandedTooMuch`] when it grows beyond the limit.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        open::reader(&self.real, self.compression, self.size)
    }

    /// The whole content as text, invalid UTF-8 replaced; longer than [`MAX_TEXT_BYTES`] is an error.
    pub fn text(&self) -> io::Result<String> {
        let mut bytes = Vec::new();
        self.open()?.take(MAX_TEXT_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_TEXT_BYTES {
            return Err(io::Error::other(ExpandedTooMuch { limit: "MAX_TEXT_BYTES", bytes: MAX_TEXT_BYTES }));
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The gap that a failed read of this file is.
    pub fn gap(&self, error: &io::Error) -> Gap {
        let place = Place::whole(&self.path);
        let limit = error.get_ref().and_then(|inner| inner.downcast_ref::<ExpandedTooMuch>());
        match (limit, error.kind()) {
            (Some(limit), _) => Gap::new(place, GapCode::Limit, limit.to_string()),
            (None, io::ErrorKind::UnexpectedEof) => Gap::new(
                place,
                GapCode::Truncated,
                "the compressed file ends early; what came before was read",
            ),
            (None, _) => Gap::new(place, GapCode::Unreadable, format!("cannot be read: {}", reason(error))),
        }
    }
}

/// A symbolic link, which is not followed but says something by its name and by what it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The host whose file system it was copied from, where the path tells.
    pub host: Option<Text>,
    /// Its absolute path on that host; without a host its path as reports show it.
    pub inner: Text,
    /// What it leads to, as it is written in the link.
    pub target: Text,
}

/// Everything found under the arguments.
#[derive(Debug, Default)]
pub struct Inputs {
    /// The files, by path.
    pub files: Vec<InputFile>,
    /// Symbolic links, by path.
    pub links: Vec<Link>,
    /// Files and folders left out, with the reason.
    pub skipped: Vec<(Text, String)>,
    /// What could not be looked at.
    pub gaps: Vec<Gap>,
}

impl Inputs {
    /// The zone each host keeps, from where its `etc/localtime` leads (localtime(5)), or its `etc/timezone` (Debian).
    pub fn host_zones(&self) -> BTreeMap<Text, Text> {
        let mut zones = BTreeMap::new();
        for link in &self.links {
            let (Some(host), "/etc/localtime") = (&link.host, &*link.inner) else { continue };
            if let Some((_, name)) = link.target.split_once("/zoneinfo/") {
                zones.insert(host.clone(), Text::from(name));
            }
        }
        for file in &self.files {
            let (Some(host), "/etc/timezone") = (&file.host, &*file.inner) else { continue };
            let text = file.head_text();
            if let Some(name) = text.lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with('#')) {
                zones.insert(host.clone(), Text::from(name));
            }
        }
        zones
    }

    /// The file at this absolute path of this host; without a host, or when the host has no such file, the
    /// one file whose path ends in it. Two candidates are none.
    pub fn find(&self, host: Option<&str>, path: &str) -> Option<&InputFile> {
        let on_host = host.and_then(|host| {
            self.files.iter().find(|file| file.host.as_deref() == Some(host) && &*file.inner == path)
        });
        if on_host.is_some() {
            return on_host;
        }
        let suffix = format!("/{}", path.trim_start_matches('/'));
        let mut candidates = self.files.iter().filter(|file| {
            let elsewhere = host.is_some() && file.host.is_some() && file.host.as_deref() != host;
            !elsewhere && (file.path.ends_with(&suffix) || *file.path == suffix[1..])
        });
        let found = candidates.next();
        if candidates.next().is_some() { None } else { found }
    }
}
