//! Opening one file, whatever it is compressed with. It reads every member of a file of several gzip or
//! zstd members, and it never trusts a file name for the compression.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// A file whose text is parsed as a whole (source, settings, crontabs) may be this long.
pub const MAX_TEXT_BYTES: u64 = 8 * 1024 * 1024;
/// A compressed file may grow to this many times its size …
pub const MAX_EXPANSION: u64 = 400;
/// … and to this many bytes in any case.
pub const MAX_EXPANSION_FLOOR: u64 = 64 * 1024 * 1024;

/// How a file is compressed, told by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// bzip2.
    Bzip2,
    /// The .xz file format.
    Xz,
}

impl Compression {
    /// Tells the compression by the magic number.
    pub fn of(bytes: &[u8]) -> Compression {
        match bytes {
            [0x1f, 0x8b, 8, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Compression::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
            _ => Compression::None,
        }
    }
}

/// A file grew beyond a named limit while it was read.
#[derive(Debug)]
pub struct ExpandedTooMuch {
    /// The limit's name.
    pub limit: &'static str,
    /// The bytes that were read.
    pub bytes: u64,
}

impl fmt::Display for ExpandedTooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: not read beyond {} bytes", self.limit, self.bytes)
    }
}

impl std::error::Error for ExpandedTooMuch {}

struct Limited<R> {
    inner: R,
    left: u64,
    limit: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other(ExpandedTooMuch { limit: "MAX_EXPANSION", bytes: self.limit }));
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.inner.read(&mut buffer[..most])?;
        self.left -= count as u64;
        Ok(count)
    }
}

/// Text in UTF-16 with a byte order mark (exports of Windows tools) as UTF-8, and UTF-8 without its mark; all else as it is.
fn as_utf8<R: Read + Send + 'static>(mut inner: BufReader<R>) -> io::Result<Box<dyn Read + Send>> {
    // What is broken from the start breaks again when it is read.
    let encoding = match inner.fill_buf().unwrap_or_default() {
        // UTF-32 in little endian begins like UTF-16, and is nobody's log.
        [0xff, 0xfe, 0, 0, ..] => None,
        [0xff, 0xfe, ..] => Some(encoding_rs::UTF_16LE),
        [0xfe, 0xff, ..] => Some(encoding_rs::UTF_16BE),
        [0xef, 0xbb, 0xbf, ..] => Some(encoding_rs::UTF_8),
        _ => None,
    };
    let Some(encoding) = encoding else { return Ok(Box::new(inner)) };
    let mut decoder = encoding_rs_io::DecodeReaderBytesBuilder::new();
    Ok(Box::new(decoder.encoding(Some(encoding)).strip_bom(true).build(inner)))
}

/// Opens a file for reading its decompressed content, as UTF-8 where it is text in UTF-16.
pub(super) fn reader(path: &Path, compression: Compression, size: u64) -> io::Result<Box<dyn Read + Send>> {
    let file = BufReader::with_capacity(256 * 1024, File::open(path)?);
    let inner: Box<dyn Read + Send> = match compression {
        Compression::None => return as_utf8(file),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(file)?),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(file)),
        Compression::Xz => Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(file)),
    };
    let inner = as_utf8(BufReader::with_capacity(256 * 1024, inner))?;
    let limit = size.saturating_mul(MAX_EXPANSION).max(MAX_EXPANSION_FLOOR);
    Ok(Box::new(Limited { inner, left: limit, limit }))
}

/// The compression of a file and the first decompressed bytes. A file cut inside its first block yields
/// what could be had.
pub(super) fn head(path: &Path, size: u64, most: usize) -> io::Result<(Compression, Vec<u8>)> {
    let mut magic = [0u8; 6];
    let mut file = File::open(path)?;
    let mut got = 0;
    while got < magic.len() {
        match file.read(&mut magic[got..])? {
            0 => break,
            count => got += count,
        }
    }
    let compression = Compression::of(&magic[..got]);
    let mut bytes = Vec::new();
    let outcome = reader(path, compression, size)?.take(most as u64).read_to_end(&mut bytes);
    match (outcome, compression) {
        (Err(error), Compression::None) => Err(error),
        _ => Ok((compression, bytes)),
    }
}
