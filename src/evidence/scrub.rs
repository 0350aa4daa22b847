//! Takes secrets out of text before it becomes evidence: credentials in URLs and arguments, key=value
//! secrets, e-mail addresses, card and account numbers, high-entropy tokens. It never tries to keep a
//! secret's length or shape, and it is applied to every text of which the outside decides the content.

use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// What stands where a secret was.
pub const SCRUBBED: &str = "‹scrubbed›";

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant of this file and its tests compile it")
}

/// `scheme://user:password@host` and `scheme://token@host`: RFC 3986, section 3.2.1.
static URL_PASSWORD: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s/:@'\x22?#]*):[^\s/'\x22]*@"));

/// `password=…`, `PGPASSWORD: …`, `--token …`, `IDENTIFIED BY '…'`.
static KEY_VALUE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r#"(?ix)
        ( [\w.-]* (?: passw(?:or)?d | passwd | pwd | passphrase | secret | api[_-]?key | access[_-]?key | token
            | credential s? | private[_-]?key | signature | sig | authorization ) [\w-]* ["']? \s*
          (?: := | => | [=:] | \s (?: IS \s )? ) \s* (?: bearer \s+ | basic \s+ )?
        | \b identified \s+ by \s+
        | \b (?: bearer | basic ) \s+ )
        ( "[^"\r\n]*" | '[^'\r\n]*' | [^\s"'&;,)}\]]+ )"#,
    )
});

/// `-u name:password` of curl and the like.
static USER_COLON: LazyLock<Regex> =
    LazyLock::new(|| compiled(r#"(?i)((?:^|\s)(?:-u|--user|--proxy-user)[ =]?["']?[^\s:"']+):[^\s"']+"#));

/// Addr-spec of RFC 5322 in its plain form.
static EMAIL: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?i)\b[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,24}\b"));

/// IBAN, ISO 13616.
static IBAN: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b"));

/// Thirteen to nineteen digits, with blanks or dashes: a card number when Luhn agrees (ISO/IEC 7812-1).
static DIGITS: LazyLock<Regex> = LazyLock::new(|| compiled(r"\b\d(?:[ -]?\d){12,18}\b"));

/// A run of letters and digits long enough to be a key.
static TOKEN: LazyLock<Regex> = LazyLock::new(|| compiled(r"[A-Za-z0-9+/_=-]{24,}"));

/// Whether the digits pass the Luhn check.
fn luhn(text: &str) -> bool {
    let mut sum = 0;
    let digits = text.bytes().rev().filter(u8::is_ascii_digit);
    for (index, digit) in digits.enumerate() {
        let mut value = u32::from(digit - b'0');
        if index % 2 == 1 {
            value *= 2;
            if value > 9 {
                value -= 9;
            }
        }
        sum += value;
    }
    sum % 10 == 0
}

/// Whether a run looks drawn at random: upper case, lower case and digits mixed and at least 3.5 bits a
/// character. Words, paths and names in snake or kebab case stay below that.
fn random_looking(token: &str) -> bool {
    let (mut upper, mut lower, mut digit) = (0u32, 0u32, 0u32);
    let mut counts = [0u32; 256];
    for byte in token.bytes() {
        counts[byte as usize] += 1;
        upper += u32::from(byte.is_ascii_uppercase());
        lower += u32::from(byte.is_ascii_lowercase());
        digit += u32::from(byte.is_ascii_digit());
    }
    let total = token.len() as f64;
    let entropy: f64 = counts
        .iter()
        .filter(|n| **n > 0)
        .map(|n| {
            let share = f64::from(*n) / total;
            -share * share.log2()
        })
        .sum();
    upper >= 3 && lower >= 3 && digit >= 3 && entropy >= 3.5 && token.matches(['/', '_', '-']).count() <= 3
}

/// The text without its secrets; borrowed when it held none.
pub fn scrub(text: &str) -> Cow<'_, str> {
    let mut current = URL_PASSWORD.replace_all(text, format!("$1:{SCRUBBED}@")).into_owned();
    let rounds: [(&Regex, &str); 2] = [(&KEY_VALUE, "${1}‹scrubbed›"), (&USER_COLON, "${1}:‹scrubbed›")];
    for (pattern, with) in rounds {
        current = pattern.replace_all(&current, with).into_owned();
    }
    current = EMAIL.replace_all(&current, SCRUBBED).into_owned();
    current = IBAN.replace_all(&current, SCRUBBED).into_owned();
    current = DIGITS
        .replace_all(
            &current,
            |found: &regex::Captures<'_>| {
                if luhn(&found[0]) { SCRUBBED.to_owned() } else { found[0].to_owned() }
            },
        )
        .into_owned();
    current = TOKEN
        .replace_all(&current, |found: &regex::Captures<'_>| {
            if random_looking(&found[0]) { SCRUBBED.to_owned() } else { found[0].to_owned() }
        })
        .into_owned();
    if current == text { Cow::Borrowed(text) } else { Cow::Owned(current) }
}

#[cfg(test)]
mod tests {
    use super::scrub;

    #[test]
    fn secrets_go_and_their_surroundings_stay() {
        for (text, want) in [
            ("postgres://app:hunter2@db1:5432/shop", "postgres://app:‹scrubbed›@db1:5432/shop"),
            ("postgresql+psycopg2://a:p%40ss@db/x?y=1", "postgresql+psycopg2://a:‹scrubbed›@db/x?y=1"),
            ("PGPASSWORD=hunter2 psql -h db1", "PGPASSWORD=‹scrubbed› psql -h db1"),
            ("mysql --password='a b' shop", "mysql --password=‹scrubbed› shop"),
            ("curl -u bob:hunter2 http://x/", "curl -u bob:‹scrubbed› http://x/"),
            ("mail to ann@example.org now", "mail to ‹scrubbed› now"),
            ("card 4111 1111 1111 1111 ok", "card ‹scrubbed› ok"),
            ("iban DE89 3704 0044 0532 0130 00 ok", "iban ‹scrubbed› ok"),
            ("key AKIAq8Zf3kLw9XrT2vBn7MpQ here", "key ‹scrubbed› here"),
            ("Authorization: Bearer abc.def.ghi", "Authorization: Bearer ‹scrubbed›"),
            ("ALTER USER x IDENTIFIED BY 'pw'", "ALTER USER x IDENTIFIED BY ‹scrubbed›"),
        ] {
            assert_eq!(scrub(text), want, "scrubbing {text:?}");
        }
    }

    #[test]
    fn what_is_no_secret_stays_as_it_is() {
        for text in [
            "SELECT id, status FROM public.orders WHERE ordered_at >= ?",
            "/srv/exports/partner_freight_orders_2026-10-26.csv.gz",
            "job:batch1/nightly_report_for_finance_department",
            "order 1234567890123",
            "http://orders-api.shop.example:8080/internal/health/rollup",
            "0 6 * * 1-5 report /opt/jobs/nightly_report.sh",
        ] {
            assert_eq!(scrub(text), text);
        }
    }
}
