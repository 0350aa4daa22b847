//! A `log_line_prefix` that somebody stated (runtime-config-logging in PostgreSQL's manual), where nothing in a prefix
//! tells which of its values is whose. It reads the text between the start of a line and its severity, and guesses nothing.

use super::Who;
use crate::evidence::Text;
use regex::{Captures, Regex};

/// A stated prefix, ready to be matched.
pub(super) struct Stated {
    pattern: Regex,
}

/// What an escape stands for, as a pattern; `None`: PostgreSQL has no such escape.
fn escape(letter: char) -> Option<&'static str> {
    Some(match letter {
        'u' => "(?P<user>.*?)",
        'd' => "(?P<database>.*?)",
        'a' => "(?P<application>.*?)",
        'h' => r"(?P<client>\S*?)",
        'r' => r"(?P<client>\S*?)(?:\((?P<port>\d+)\))?",
        'p' => r"(?P<process>\d+)",
        'c' => r"(?P<begun>[0-9a-f]+)\.(?P<number>[0-9a-f]+)",
        'm' | 't' | 's' => r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: [A-Za-z0-9+:-]+)?",
        'n' => r"\d+(?:\.\d+)?",
        'l' | 'Q' | 'P' | 'x' => r"-?\d*",
        'e' => "[0-9A-Z]{5}",
        'v' => r"\S*?",
        'b' | 'i' | 'L' => ".*?",
        _ => return None,
    })
}

impl Stated {
    /// Of a prefix; `None`: it is none that PostgreSQL takes.
    pub fn new(prefix: &str) -> Option<Stated> {
        let (mut pattern, mut optional) = (String::from("(?s)^"), false);
        let (mut chars, mut seen) = (prefix.chars().peekable(), String::new());
        while let Some(sign) = chars.next() {
            if sign != '%' {
                pattern.push_str(&regex::escape(sign.encode_utf8(&mut [0; 4])));
                continue;
            }
            // Padding fills up with blanks on either side.
            let padded = chars.next_if(|c| *c == '-').is_some();
            let padded = std::iter::from_fn(|| chars.next_if(char::is_ascii_digit)).count() > 0 || padded;
            match chars.next()? {
                '%' => pattern.push('%'),
                // Processes that serve nobody stop here.
                'q' if !optional => {
                    optional = true;
                    pattern.push_str("(?:");
                }
                'q' => {}
                letter if seen.contains(letter) => pattern.push_str(".*?"),
                letter => {
                    seen.push(letter);
                    let blanks = if padded { " *" } else { "" };
                    pattern.push_str(&format!("{blanks}{}{blanks}", escape(letter)?));
                }
            }
        }
        pattern.push_str(if optional { r")?\s*$" } else { r"\s*$" });
        // %r and %h name the client twice.
        if seen.contains('r') && seen.contains('h') {
            pattern = pattern.replacen(r"(?P<client>\S*?)", r"\S*?", 1);
        }
        Regex::new(&pattern).ok().map(|pattern| Stated { pattern })
    }

    /// Who a prefix names, and the session; `None`: it is written otherwise.
    pub fn read(&self, whole: &str) -> Option<(Who, u64)> {
        let found = self.pattern.captures(whole)?;
        let part = |name: &str| found.name(name).map_or("", |it| it.as_str());
        let text = |name: &str| match part(name) {
            "[unknown]" => Text::from(""),
            text => Text::from(text),
        };
        let who = Who {
            user: text("user"),
            database: text("database"),
            application: text("application"),
            client: text("client"),
            port: part("port").parse().unwrap_or(0),
            ..Who::default()
        };
        Some((who, session(&found)))
    }
}

fn session(found: &Captures<'_>) -> u64 {
    let hex = |name: &str| found.name(name).and_then(|it| u64::from_str_radix(it.as_str(), 16).ok());
    let id = hex("begun").zip(hex("number")).map(|(begun, number)| begun << 32 | (number & 0xffff_ffff));
    let process = found.name("process").and_then(|it| it.as_str().parse().ok());
    id.or(process).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Stated;

    /// `user database application client port session`, or `-` where the prefix is written otherwise.
    fn said(prefix: &str, whole: &str) -> String {
        let Some((who, session)) = Stated::new(prefix).and_then(|stated| stated.read(whole)) else {
            return "-".to_owned();
        };
        let name = |text: &str| if text.is_empty() { "_".to_owned() } else { text.to_owned() };
        let names = [&who.user, &who.database, &who.application, &who.client].map(|text| name(text));
        format!("{} {} {session:x}", names.join(" "), who.port)
    }

    #[test]
    fn a_stated_prefix_says_which_value_is_whose() {
        let time = "2026-11-26 00:00:01.001 UTC";
        for (prefix, whole, want) in [
            (
                "%m [%p] %a/%d/%u from %h: ",
                format!("{time} [1000] bill/shop/app from 10.0.0.7: "),
                "app shop bill 10.0.0.7 0 3e8",
            ),
            (
                "[%m][%p][%u][%d][%h] ",
                format!("[{time}][1000][app][shop][[local]] "),
                "app shop _ [local] 0 3e8",
            ),
            (
                "%m|%p|%u|%d|%r|",
                format!("{time}|1000|app|shop|10.0.0.7(4711)|"),
                "app shop _ 10.0.0.7 4711 3e8",
            ),
            ("%t %c %q%u %d ", format!("{time} 6abc0001.2ce app shop "), "app shop _ _ 0 6abc0001000002ce"),
            ("%t %c %q%u %d ", format!("{time} 6abc0001.2ce "), "_ _ _ _ 0 6abc0001000002ce"),
            ("{%l} %m [%5p] %-8u@%d ", format!("{{3}} {time} [ 1000] app     @shop "), "app shop _ _ 0 3e8"),
            ("%m [%p] %u@%d ", format!("{time} [1000] [unknown]@[unknown] "), "_ _ _ _ 0 3e8"),
            ("%m [%p] %u/%d ", format!("{time} [1000] app "), "-"),
            ("%m %y ", format!("{time} x "), "-"),
        ] {
            assert_eq!(said(prefix, &whole), want, "{prefix}");
        }
    }
}
