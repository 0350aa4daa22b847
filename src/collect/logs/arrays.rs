//! Logs that a tool gave out as one value of JSON (RFC 8259): an array of records (`gcloud logging read --format=json`,
//! `jq -s`), or an object that holds one (`aws logs filter-log-events`: `{"events": […]}`). Each element becomes a line of
//! its own, so that formats of which each line is an object read it; what stands on lines of its own keeps their numbers.
//! It never knows what an element means, keeps nothing of what stands around the array, and holds no element in memory.

use std::io::{self, Read};

/// How many bytes are read at once.
const BUFFER: usize = 64 * 1024;

/// Where a text of JSON is.
#[derive(Default)]
struct Unroller {
    /// Whether it is inside of the array, and whether that is over.
    inside: bool,
    over: bool,
    /// How many brackets are open in the element.
    depth: u64,
    string: bool,
    escaped: bool,
    /// Line breaks of the element so far: they follow it.
    owed: u64,
    /// Whether something stands on the line at hand.
    begun: bool,
}

impl Unroller {
    fn line(&mut self, out: &mut Vec<u8>) {
        out.push(b'\n');
        self.begun = false;
    }

    fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for byte in bytes {
            if self.over {
                return;
            }
            self.step(*byte, out);
        }
    }

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        let kept = self.depth > 0;
        if self.string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.string = false,
                _ => {}
            }
            if kept {
                out.push(if byte == b'\n' { b' ' } else { byte });
            }
            return;
        }
        match byte {
            b'"' => self.string = true,
            b'\n' if kept => {
                self.owed += 1;
                return out.push(b' ');
            }
            b'\n' => return self.line(out),
            b'[' if !self.inside => {
                self.inside = true;
                return;
            }
            b'{' | b'[' if self.inside => {
                if !kept && self.begun {
                    self.line(out);
                }
                self.depth += 1;
                self.begun = true;
                return out.push(byte);
            }
            b'}' | b']' if kept => {
                out.push(byte);
                self.depth -= 1;
                if self.depth == 0 {
                    for _ in 0..std::mem::take(&mut self.owed) {
                        self.line(out);
                    }
                }
                return;
            }
            b']' if self.inside => self.over = true,
            _ => {}
        }
        if kept {
            out.push(byte);
        }
    }
}

/// The beginning of a file as lines, where it may be such a value: whole elements only.
pub fn head(head: &[u8]) -> Option<Vec<u8>> {
    let first = head.iter().find(|byte| !byte.is_ascii_whitespace())?;
    if !matches!(first, b'[' | b'{') {
        return None;
    }
    let (mut unroller, mut out, mut whole) = (Unroller::default(), Vec::with_capacity(head.len()), 0);
    for byte in head {
        if unroller.over {
            break;
        }
        let before = unroller.depth;
        unroller.step(*byte, &mut out);
        if before == 1 && unroller.depth == 0 {
            whole = out.len();
        }
    }
    out.truncate(whole);
    out.push(b'\n');
    (whole > 0).then_some(out)
}

/// What is read as lines.
struct Lines<R> {
    inner: R,
    unroller: Unroller,
    buffer: Vec<u8>,
    ready: Vec<u8>,
    at: usize,
    done: bool,
}

/// A file as lines.
pub fn lines(inner: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    let (unroller, ready) = (Unroller::default(), Vec::new());
    Box::new(Lines { inner, unroller, buffer: vec![0; BUFFER], ready, at: 0, done: false })
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.ready.len() {
            if self.done {
                return Ok(0);
            }
            self.ready.clear();
            self.at = 0;
            match self.inner.read(&mut self.buffer)? {
                0 => {
                    self.done = true;
                    if self.unroller.begun {
                        self.unroller.line(&mut self.ready);
                    }
                }
                count => self.unroller.feed(&self.buffer[..count], &mut self.ready),
            }
        }
        let count = into.len().min(self.ready.len() - self.at);
        into[..count].copy_from_slice(&self.ready[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::{head, lines};
    use std::io::Read;

    fn read(text: &str) -> String {
        let mut out = String::new();
        lines(std::io::Cursor::new(text.to_owned())).read_to_string(&mut out).expect("it is in memory");
        out
    }

    #[test]
    fn each_element_is_a_line_and_keeps_its_number() {
        for (text, want) in [
            (r#"[{"a":1},{"a":[{"b":"x\"]}"}]}]"#, "{\"a\":1}\n{\"a\":[{\"b\":\"x\\\"]}\"}]}\n"),
            // The second begins on line 5 of the text.
            (
                "[\n  {\n    \"a\": 1\n  },\n  {\n    \"a\": 2\n  }\n]\n",
                "\n{     \"a\": 1   }\n\n\n{     \"a\": 2   }\n\n\n",
            ),
            ("[{\n\"a\":1\n}, {\n\"a\":2}]", "{ \"a\":1 }\n\n{ \"a\":2}\n"),
            (
                r#"{"next":"[x","events":[{"m":"1"},{"m":"2"}],"searched":[{"m":"no"}]}"#,
                "{\"m\":\"1\"}\n{\"m\":\"2\"}\n",
            ),
            // What is no object is no record.
            (r#"["a",1,{"b":2},null]"#, "{\"b\":2}\n"),
            ("[]", ""),
        ] {
            assert_eq!(read(text), want, "{text}");
        }
    }

    #[test]
    fn a_beginning_is_told_by_its_whole_elements() {
        let told = |text: &str| head(text.as_bytes()).map(|it| String::from_utf8_lossy(&it).into_owned());
        assert_eq!(told(r#"[{"a":1},{"a":2"#).as_deref(), Some("{\"a\":1}\n"));
        assert_eq!(told(r#" {"events": [{"a":1}]}"#).as_deref(), Some("{\"a\":1}\n"));
        for text in [r#"[{"a":1"#, r#"["a"]"#, r#"{"a":1}"#, "10.0.0.1 - - [1] {}", ""] {
            assert_eq!(told(text), None, "{text}");
        }
    }
}
