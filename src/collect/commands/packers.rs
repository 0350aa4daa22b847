//! Commands that pack and unpack, encrypt and decrypt: tar(1), gzip(1) and its like, zip(1), gpg(1). They state which
//! file is read and which is written. Passphrases are never looked at.

use super::options::Options;
use super::{Call, Commands, Out};
use crate::evidence::Action;

/// tar(1).
pub struct Tar;
/// gzip(1) and its like: `gzip FILE` makes `FILE.gz`.
pub struct Pack;
/// zip(1), unzip(1).
pub struct Zip;
/// gpg(1).
pub struct Gpg;

impl Commands for Tar {
    fn names(&self) -> &'static [&'static str] {
        &["tar", "bsdtar", "gtar"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        // In the old style the letters of the first word have no dash and take their values in turn (tar(1)).
        let mut words = call.words.clone();
        let mut values = Vec::new();
        if let Some(first) = words.get(1).filter(|word| !word.starts_with('-')).cloned() {
            let taking = first.chars().filter(|letter| "fbCTX".contains(*letter)).collect::<Vec<_>>();
            let given: Vec<String> = words.drain(1..(2 + taking.len()).min(words.len())).skip(1).collect();
            values = taking.into_iter().zip(given).collect();
            words.insert(1, format!("-{}", first.replace(['f', 'b', 'C', 'T', 'X'], "")));
        }
        let longs = [
            "file",
            "directory",
            "files-from",
            "exclude",
            "exclude-from",
            "transform",
            "sort",
            "mtime",
            "owner",
            "group",
            "mode",
            "use-compress-program",
            "newer-mtime",
            "listed-incremental",
            "strip-components",
            "xform",
        ];
        let options = Options::of(&words, "fbCTXIgNHV", &longs);
        let old =
            |letter: char| values.iter().find(|(known, _)| *known == letter).map(|(_, value)| value.as_str());
        let archive = options.get(&["f", "file"]).or(old('f')).filter(|path| *path != "-");
        let packs = options.has(&["c", "create", "r", "append", "u", "update"]);
        let unpacks = options.has(&["x", "extract", "get", "t", "list"]);
        if let Some(path) = archive.filter(|_| packs || unpacks) {
            // `host:file` would be on another one; what is in an archive is not known.
            out.add_file(call, if packs { Action::Write } else { Action::Read }, path);
        }
        if packs {
            let folder = options.get(&["C", "directory"]).or(old('C'));
            for member in &options.plain {
                let path = match folder {
                    Some(folder) if !member.starts_with('/') => {
                        format!("{}/{member}", folder.trim_end_matches('/'))
                    }
                    _ => member.clone(),
                };
                if !matches!(member.as_str(), "." | "./") {
                    out.add_file(call, Action::Read, &path);
                } else if let Some(folder) = folder {
                    out.add_file(call, Action::Read, folder);
                }
            }
        }
    }
}

/// Packers, and what stands behind the name of what they make.
const ENDINGS: [(&str, &str); 16] = [
    ("gzip", ".gz"),
    ("pigz", ".gz"),
    ("bzip2", ".bz2"),
    ("pbzip2", ".bz2"),
    ("lbzip2", ".bz2"),
    ("xz", ".xz"),
    ("pxz", ".xz"),
    ("pixz", ".xz"),
    ("zstd", ".zst"),
    ("lz4", ".lz4"),
    ("compress", ".Z"),
    ("lzma", ".lzma"),
    ("gunzip", ".gz"),
    ("bunzip2", ".bz2"),
    ("unxz", ".xz"),
    ("unzstd", ".zst"),
];

impl Commands for Pack {
    fn names(&self) -> &'static [&'static str] {
        &[
            "gzip", "pigz", "bzip2", "pbzip2", "lbzip2", "xz", "pxz", "pixz", "zstd", "lz4", "compress",
            "lzma", "gunzip", "bunzip2", "unxz", "unzstd",
        ]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let name = call.name();
        let options =
            Options::of(&call.words, if name == "zstd" { "oTDM" } else { "SoTp?" }, &["suffix", "threads"]);
        let ending = ENDINGS.iter().find(|(known, _)| *known == name).map_or("", |(_, ending)| *ending);
        let unpacks = name.starts_with("un") || name == "gunzip" || name == "bunzip2";
        let unpacks = unpacks || options.has(&["d", "decompress", "uncompress"]);
        let aside = options.has(&["c", "stdout", "to-stdout", "t", "test", "l", "list", "k"])
            && !options.has(&["k", "keep"]);
        for path in &options.plain {
            out.add_file(call, Action::Read, path);
            let made = match unpacks {
                true => path.strip_suffix(ending).map(str::to_owned),
                false => Some(format!("{path}{ending}")),
            };
            if let Some(made) = made.filter(|_| !aside && !options.has(&["o"])) {
                out.add_file(call, Action::Write, &made);
            }
        }
        for path in options.all(&["o"]) {
            out.add_file(call, Action::Write, path);
        }
    }
}

impl Commands for Zip {
    fn names(&self) -> &'static [&'static str] {
        &["zip", "unzip", "7z", "7za"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options =
            Options::of(&call.words, if call.name() == "unzip" { "dPx" } else { "Pbtxio" }, &["password"]);
        let mut words = options.plain.iter();
        let packs = match call.name() {
            "zip" => true,
            "unzip" => false,
            // The first word of 7-Zip is its command.
            _ => match words.next().map(String::as_str) {
                Some("a" | "u") => true,
                Some("x" | "e" | "t" | "l") => false,
                _ => return,
            },
        };
        let Some(archive) = words.next() else { return };
        out.add_file(call, if packs { Action::Write } else { Action::Read }, archive);
        for path in words.filter(|_| packs) {
            out.add_file(call, Action::Read, path);
        }
    }
}

impl Commands for Gpg {
    fn names(&self) -> &'static [&'static str] {
        &["gpg", "gpg2"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let longs = [
            "recipient",
            "local-user",
            "output",
            "homedir",
            "passphrase",
            "passphrase-file",
            "passphrase-fd",
            "keyring",
            "cipher-algo",
            "default-key",
            "trust-model",
            "keyserver",
            "pinentry-mode",
            "compress-algo",
            "status-fd",
            "recv-keys",
            "export",
            "export-secret-keys",
            "compress-level",
            "secret-keyring",
            "no-default-recipient",
        ];
        let options = Options::of(&call.words, "ruoNz", &longs);
        let keys = [
            "recv-keys",
            "export",
            "export-secret-keys",
            "list-keys",
            "k",
            "K",
            "list-secret-keys",
            "delete-keys",
            "gen-key",
            "quick-generate-key",
            "fingerprint",
            "edit-key",
            "search-keys",
            "refresh-keys",
        ];
        let made = options.get(&["o", "output"]);
        if let Some(path) = made {
            out.add_file(call, Action::Write, path);
        }
        if options.has(&keys) {
            return;
        }
        for path in &options.plain {
            out.add_file(call, Action::Read, path);
        }
        // Without `-o` an encrypted file is called like the plain one, with an ending (gpg(1), "--encrypt").
        let (armored, plain) = (options.has(&["a", "armor"]), options.plain.first());
        let seals = options.has(&["e", "encrypt", "c", "symmetric", "s", "sign"]);
        if let Some(path) = plain.filter(|_| made.is_none() && seals) {
            out.add_file(call, Action::Write, &format!("{path}{}", if armored { ".asc" } else { ".gpg" }));
        }
        if let Some(path) =
            plain.filter(|_| made.is_none() && options.has(&["b", "detach-sign", "detach-sig"]))
        {
            out.add_file(call, Action::Write, &format!("{path}{}", if armored { ".asc" } else { ".sig" }));
        }
    }
}
