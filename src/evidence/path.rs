//! Folding of paths: segments that name one thing of many (numbers, identifiers, dates) become `{}`, so that a
//! path stands for all its kind. Lexical and without memory; a version segment such as `v1` is never folded.

/// A path with its variable segments folded.
pub fn fold_path(path: &str) -> String {
    let mut before = "";
    let fold = |segment| {
        let secret = follows_secret_word(before, segment);
        before = segment;
        if secret || is_variable(segment) || is_key(segment) { "{}" } else { segment }
    };
    path.split('/').map(fold).collect::<Vec<_>>().join("/")
}

/// Whether a segment stands behind a word such as `token`, and is no word itself.
fn follows_secret_word(before: &str, segment: &str) -> bool {
    const WORDS: [&str; 9] =
        ["token", "tokens", "key", "keys", "apikey", "secret", "password", "passwd", "pass"];
    let word: String = before.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let named = WORDS.contains(&word.to_ascii_lowercase().as_str()) || before.eq_ignore_ascii_case("api_key");
    named && segment.bytes().any(|b| b.is_ascii_digit())
}

/// Whether a segment is a key by its shape: long, of letters and digits, some of them upper case, some lower.
fn is_key(segment: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| segment.bytes().any(|byte| kind(&byte));
    segment.len() >= 20
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Whether a segment names one of many: a number, a UUID, eight or more hexadecimal digits with one of each
/// kind, a date.
fn is_variable(segment: &str) -> bool {
    if segment.is_empty() {
        return false;
    }
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let plain = segment.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'_' | b':' | b'.'));
    let hex = segment.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let letters = segment.bytes().any(|b| b.is_ascii_alphabetic());
    digits > 0 && (plain || (hex && letters && segment.len() >= 8))
}

#[cfg(test)]
mod tests {
    use super::fold_path;

    #[test]
    fn what_names_one_of_many_is_folded_and_versions_are_not() {
        for (path, want) in [
            ("/v1/orders/17", "/v1/orders/{}"),
            ("/v1/orders/3f2b8c1e-9a4d-4e7f-8b21-6c5d4e3f2a1b/items", "/v1/orders/{}/items"),
            ("/days/2026-10-26", "/days/{}"),
            ("/blobs/deadbeef01", "/blobs/{}"),
            ("/api/key/7f3kP9", "/api/key/{}"),
            ("/api_key/keys/list", "/api_key/keys/list"),
            ("/g/glpat-xYz12AbCdEfGhIjKlMnO", "/g/{}"),
            ("/reports/quarterly-overview-2026-q3-final", "/reports/quarterly-overview-2026-q3-final"),
            ("/facade/decade", "/facade/decade"),
            ("/", "/"),
        ] {
            assert_eq!(fold_path(path), want);
        }
    }
}
