//! Folding of paths: segments that name one thing of many (numbers, identifiers, dates) become `{}`, so that a
//! path stands for all its kind. Lexical and without memory; a version segment such as `v1` is never folded.

/// A path with its variable segments folded.
pub fn fold_path(path: &str) -> String {
    let mut folded = String::with_capacity(path.len());
    let mut before = "";
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            folded.push('/');
        }
        folded.push_str(if names_one_of_many(before, segment) { "{}" } else { segment });
        before = segment;
    }
    folded
}

fn names_one_of_many(before: &str, segment: &str) -> bool {
    // Each of them has a digit: most segments are plain words.
    segment.bytes().any(|b| b.is_ascii_digit())
        && (is_variable(segment) || follows_secret_word(before) || is_key(segment))
}

/// Whether a segment is a word such as `token`: what stands behind it, and is no word itself, is a secret.
fn follows_secret_word(before: &str) -> bool {
    const WORDS: [&str; 9] =
        ["token", "tokens", "key", "keys", "apikey", "secret", "password", "passwd", "pass"];
    let word: String = before.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    WORDS.contains(&word.to_ascii_lowercase().as_str()) || before.eq_ignore_ascii_case("api_key")
}

/// From how many characters on a segment may be a key: fewer hold too little for anybody to trust them as one.
const SHORTEST_KEY: usize = 12;

/// Whether a segment is a key by its shape: long, of letters and digits, some of them upper case, some lower; a shorter
/// one whose kinds of characters change at every second step, as in no word.
fn is_key(segment: &str) -> bool {
    let segment = segment.trim_end_matches('=');
    if segment.len() >= SHORTEST_KEY && segment.bytes().all(|b| b.is_ascii_alphanumeric()) {
        let kind = |byte: u8| (byte.is_ascii_digit(), byte.is_ascii_uppercase());
        let changes = segment.as_bytes().windows(2).filter(|pair| kind(pair[0]) != kind(pair[1])).count();
        if changes * 2 >= segment.len() {
            return true;
        }
    }
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
            ("/reset/Zk3vQx9LmT2aYb7c", "/reset/{}"),
            ("/share/dGhpc2lzYXNlY3JldA==", "/share/{}"),
            ("/pages/CustomerOrders2026", "/pages/CustomerOrders2026"),
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
