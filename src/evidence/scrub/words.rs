//! Text as a shell splits it: commands, their words, and what a word holds that may be a command line itself. It
//! only says where each stands; it expands nothing and never fails: a quote that nobody closes is a letter.

use std::ops::Range;

/// One word of a command.
#[derive(Debug, Clone)]
pub(super) struct Word {
    /// Its bytes in the text, with its quotes.
    pub(super) at: Range<usize>,
    /// Whether it is a file that the shell opens, not a word the program sees.
    pub(super) redirect: bool,
    /// Whether it is what a here-string gives the program to read.
    pub(super) here: bool,
}

/// The commands of a text and the parts of it that may be command lines themselves.
#[derive(Debug, Default)]
pub(super) struct Split {
    /// Each command's words.
    pub(super) commands: Vec<Vec<Word>>,
    /// What stands between quotes and in command substitutions.
    pub(super) inner: Vec<Range<usize>>,
}

/// A walk over the bytes of a text. All that it stops at is ASCII, so its places are borders of characters.
struct Walk<'t> {
    bytes: &'t [u8],
    at: usize,
    out: Split,
    words: Vec<Word>,
    redirect: bool,
    here: bool,
    /// Signs that stand open to the end of the text: nobody looks for their end twice.
    unclosed: [bool; 256],
}

/// The commands and words of a text.
pub(super) fn split(text: &str) -> Split {
    let mut walk = Walk {
        bytes: text.as_bytes(),
        at: 0,
        out: Split::default(),
        words: Vec::new(),
        redirect: false,
        here: false,
        unclosed: [false; 256],
    };
    while let Some(byte) = walk.bytes.get(walk.at) {
        match byte {
            b'\n' | b';' | b'|' | b'&' | b'(' | b')' => {
                walk.at += 1;
                walk.end_command();
            }
            b'<' | b'>' => walk.redirection(),
            byte if byte.is_ascii_whitespace() => walk.at += 1,
            _ => walk.word(),
        }
    }
    walk.end_command();
    walk.out
}

impl Walk<'_> {
    fn end_command(&mut self) {
        (self.redirect, self.here) = (false, false);
        if !self.words.is_empty() {
            self.out.commands.push(std::mem::take(&mut self.words));
        }
    }

    /// `<`, `>>`, `2>&1`, `<<<`.
    fn redirection(&mut self) {
        let from = self.at;
        while self.bytes.get(self.at).is_some_and(|byte| b"<>&-".contains(byte)) {
            self.at += 1;
        }
        self.here = self.bytes[from..self.at] == *b"<<<";
        self.redirect = !self.here;
        if let Some(number) = self.words.last_mut()
            && number.at.end == from
            && self.bytes[number.at.clone()].iter().all(u8::is_ascii_digit)
        {
            number.redirect = true;
        }
    }

    fn word(&mut self) {
        let from = self.at;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\n' | b';' | b'|' | b'&' | b'(' | b')' | b'<' | b'>' => break,
                byte if byte.is_ascii_whitespace() => break,
                b'\\' => self.at += 2,
                b'\'' | b'"' | b'`' => self.enclosed(1, byte),
                b'$' if self.bytes.get(self.at + 1) == Some(&b'(') => self.enclosed(2, b')'),
                b'$' if self.bytes.get(self.at + 1) == Some(&b'{') => self.enclosed(2, b'}'),
                _ => self.at += 1,
            }
        }
        // A backslash in front of a letter of several bytes must not cut it.
        while self.at < self.bytes.len() && self.bytes[self.at] & 0xC0 == 0x80 {
            self.at += 1;
        }
        self.at = self.at.min(self.bytes.len());
        let (redirect, here) = (std::mem::take(&mut self.redirect), std::mem::take(&mut self.here));
        self.words.push(Word { at: from..self.at, redirect, here });
    }

    /// What stands between a sign and the one that closes it.
    fn enclosed(&mut self, opening: usize, close: u8) {
        let from = self.at + opening;
        let mut at = from;
        let mut depth = 0usize;
        while !self.unclosed[usize::from(close)] {
            match self.bytes.get(at) {
                None => self.unclosed[usize::from(close)] = true,
                Some(b'\\') if close != b'\'' => at += 2,
                Some(b'(') if close == b')' => (at, depth) = (at + 1, depth + 1),
                Some(byte) if *byte == close && depth > 0 => (at, depth) = (at + 1, depth - 1),
                Some(byte) if *byte == close => {
                    self.out.inner.push(from..at);
                    self.at = at + 1;
                    return;
                }
                Some(_) => at += 1,
            }
        }
        self.at += opening;
    }
}
