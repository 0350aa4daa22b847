//! Words of a command as its manual page has them: options with and without values, and plain words. It knows how
//! getopt(3) reads them and never what they mean.

/// The options and plain words of one call.
#[derive(Debug, Default)]
pub(super) struct Options {
    /// Names without their dashes, in order; an option without a value has an empty one.
    named: Vec<(String, String)>,
    /// Whatever is neither an option nor the value of one.
    pub(super) plain: Vec<String>,
}

impl Options {
    /// Reads all words but the first. `shorts` are the letters that take a value, which may be glued to them; with `?`
    /// behind a letter, only a glued one. `longs` are the names that take their value as the next word; `--name=value`
    /// needs no mention.
    pub(super) fn of(words: &[String], shorts: &str, longs: &[&str]) -> Options {
        let mut options = Options::default();
        let mut at = 1;
        while let Some(word) = words.get(at) {
            at += 1;
            let Some(rest) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
                options.plain.push(word.clone());
                continue;
            };
            let next = || words.get(at).cloned().unwrap_or_default();
            if rest == "-" {
                options.plain.extend(words.iter().skip(at).cloned());
                break;
            }
            if let Some(long) = rest.strip_prefix('-') {
                match long.split_once('=') {
                    Some((name, value)) => options.named.push((name.to_owned(), value.to_owned())),
                    None if longs.contains(&long) => {
                        options.named.push((long.to_owned(), next()));
                        at += 1;
                    }
                    None => options.named.push((long.to_owned(), String::new())),
                }
                continue;
            }
            if options.letters(rest, shorts, &next()) {
                at += 1;
            }
        }
        options
    }

    /// `-qAtc SQL`: flags, up to the first letter that takes the rest or the next word; tells whether it took the next.
    fn letters(&mut self, letters: &str, shorts: &str, next: &str) -> bool {
        for (at, letter) in letters.char_indices() {
            let rest = &letters[at + letter.len_utf8()..];
            let Some(found) = shorts.find(letter).filter(|_| letter != '?') else {
                self.named.push((letter.to_string(), String::new()));
                continue;
            };
            let glued_only = shorts[found + letter.len_utf8()..].starts_with('?');
            let value = if rest.is_empty() && !glued_only { next } else { rest };
            self.named.push((letter.to_string(), value.to_owned()));
            return rest.is_empty() && !glued_only;
        }
        false
    }

    /// The last value given under one of these names.
    pub(super) fn get(&self, names: &[&str]) -> Option<&str> {
        self.named
            .iter()
            .rev()
            .find(|(name, _)| names.contains(&name.as_str()))
            .map(|(_, value)| value.as_str())
    }

    /// Every value given under one of these names.
    pub(super) fn all<'s>(&'s self, names: &'s [&str]) -> impl Iterator<Item = &'s str> {
        self.named.iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(_, value)| value.as_str())
    }

    /// Whether one of these names is given.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.get(names).is_some()
    }

    /// The plain words that are not wholly unknown: `$OPTIONS` may stand for any number of words.
    pub(super) fn known(&self) -> impl Iterator<Item = &str> {
        self.plain.iter().map(String::as_str).filter(|word| *word != "{}")
    }
}

#[cfg(test)]
mod tests {
    use super::Options;

    #[test]
    fn letters_take_what_is_glued_or_what_follows() {
        let read = |line: &str, shorts: &str, longs: &[&str]| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let options = Options::of(&words, shorts, longs);
            let named: Vec<String> =
                options.named.iter().map(|(name, value)| format!("{name}={value}")).collect();
            (named.join(" "), options.plain.join(" "))
        };
        let both = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(read("psql -qAtc x -hdb1 shop", "hc", &[]), both("q= A= t= c=x h=db1", "shop"));
        assert_eq!(read("mysql -p shop -psecret", "p?", &[]), both("p= p=secret", "shop"));
        assert_eq!(
            read("x --host db1 --port=5 --quiet y", "", &["host"]),
            both("host=db1 port=5 quiet=", "y")
        );
        assert_eq!(read("x -a -- -b - c", "", &[]), both("a=", "-b - c"));
        assert_eq!(read("x -h", "h", &["y"]), both("h=", ""));
    }
}
