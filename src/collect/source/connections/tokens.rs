//! Code without a grammar as texts, words and signs: enough to see what a call is given. It knows comments and quotes of
//! a few languages and nothing of what they mean; a quote that does not close on its line is no text.

/// How many tokens of a file are looked at.
pub const MAX_TOKENS: usize = 400_000;

/// How a language writes comments.
pub struct Tongue {
    /// Its name for people.
    pub name: &'static str,
    /// Endings of its files.
    pub endings: &'static [&'static str],
    /// What begins a comment up to the end of the line.
    pub comments: &'static [&'static str],
    /// Whether `/* */` is one.
    pub blocks: bool,
    /// What code stands between, where a file holds anything else.
    pub inside: Option<(&'static str, &'static str)>,
}

/// The languages.
pub static TONGUES: [Tongue; 7] = [
    Tongue {
        name: "PHP",
        endings: &["php"],
        comments: &["//", "#"],
        blocks: true,
        inside: Some(("<?", "?>")),
    },
    Tongue { name: "Go", endings: &["go"], comments: &["//"], blocks: true, inside: None },
    Tongue { name: "Ruby", endings: &["rb"], comments: &["#"], blocks: false, inside: None },
    Tongue { name: "Perl", endings: &["pl", "pm"], comments: &["#"], blocks: false, inside: None },
    Tongue { name: "C#", endings: &["cs"], comments: &["//"], blocks: true, inside: None },
    Tongue { name: "Kotlin", endings: &["kt", "kts"], comments: &["//"], blocks: true, inside: None },
    Tongue { name: "Scala", endings: &["scala"], comments: &["//"], blocks: true, inside: None },
];

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// What stands in quotes.
    Text(String),
    /// A name, with the sign of a variable before it, or a number.
    Word(String),
    /// Anything else.
    Sign(char),
}

/// A token and the line it stands on, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Its line.
    pub line: u64,
}

impl Token {
    /// Whether it is this sign.
    pub fn is(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }
}

/// The tokens of a text.
pub fn tokens(text: &str, tongue: &Tongue) -> Vec<Token> {
    let mut out = Vec::new();
    let (mut rest, mut line) = (text, 1);
    let mut inside = tongue.inside.is_none();
    while let Some(letter) = rest.chars().next() {
        if out.len() >= MAX_TOKENS {
            break;
        }
        if let Some((opens, closes)) = tongue.inside {
            let (mark, next) = if inside { (closes, false) } else { (opens, true) };
            if let Some(after) = rest.strip_prefix(mark) {
                (rest, inside) = (after, next);
                continue;
            }
        }
        let used = match letter {
            _ if !inside => letter.len_utf8(),
            _ if tongue.comments.iter().any(|sign| rest.starts_with(sign)) => {
                let end = rest.find('\n').unwrap_or(rest.len());
                // `?>` ends code in a comment, too.
                let closes = tongue.inside.and_then(|(_, closes)| rest[..end].find(closes));
                closes.unwrap_or(end)
            }
            '/' if tongue.blocks && rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |at| at + 2),
            '\'' | '"' | '`' => match quoted(rest, letter) {
                Some((inner, length)) => {
                    out.push(Token { kind: Kind::Text(inner), line });
                    length
                }
                None => 1,
            },
            letter if is_word(letter) || letter == '$' || letter == '@' => {
                let end = rest[1..].find(|c| !is_word(c)).map_or(rest.len(), |at| at + 1);
                out.push(Token { kind: Kind::Word(rest[..end].to_owned()), line });
                end
            }
            letter => {
                if !letter.is_whitespace() {
                    out.push(Token { kind: Kind::Sign(letter), line });
                }
                letter.len_utf8()
            }
        };
        line += rest[..used].matches('\n').count() as u64;
        rest = &rest[used..];
    }
    out
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// What stands in quotes at the beginning of a text, and how long it is with them.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut inner = String::new();
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => {
                let (_, next) = letters.next()?;
                if !matches!(next, '\\' | '"' | '\'' | '$') {
                    inner.push('\\');
                }
                inner.push(next);
            }
            '\n' => return None,
            letter if letter == quote => return Some((inner, at + 1)),
            letter => inner.push(letter),
        }
    }
    None
}
