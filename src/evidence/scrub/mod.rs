//! Takes secrets out of text before it becomes evidence: credentials in URLs and arguments, key=value
//! secrets, e-mail addresses, card and account numbers, high-entropy tokens. It never tries to keep a
//! secret's length or shape, and it is applied to every text of which the outside decides the content.

mod addresses;
mod commands;
mod programs;
mod sql;
#[cfg(test)]
mod tests;
mod words;

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

/// The query of a URL.
static URL_QUERY: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?i)(\b[a-z][a-z0-9+.-]*://[^\s'\x22?#]+\?)([^\s'\x22#|;)]+)"));

/// How long a value of a query may be that holds digits or capitals and says nothing secret.
const PLAIN_VALUE: usize = 3;

/// A URL with the values of its query folded, unless they are plain words, dates' placeholders or variables.
fn without_values(found: &regex::Captures<'_>) -> String {
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, value)) => {
            let word = value.bytes().all(|b| b.is_ascii_lowercase() || b"_-.,".contains(&b));
            let filled = value.starts_with(['$', '{', '%', '<', '`', '‹']);
            if word || filled || value.len() <= PLAIN_VALUE { pair.to_owned() } else { format!("{name}=…") }
        }
        None => pair.to_owned(),
    };
    format!("{}{}", &found[1], found[2].split('&').map(pair).collect::<Vec<_>>().join("&"))
}

/// `password=…`, `PGPASSWORD: …`, `--token …`, `IDENTIFIED BY '…'`.
static KEY_VALUE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r#"(?ix)
        ( [\w.-]* (?: passw(?:or)?d | passwd | pwd | passphrase | secret | api[_-]?key | access[_-]?key | token
            | account[_-]?key | credential s? | private[_-]?key | signature | authorization ) [\w-]* ["']? \s*
          (?: := | => | [=:] | \s (?: IS \s )? ) \s* (?: bearer \s+ | basic \s+ )?
        | (?: \b | [\w.-]* [_.-] ) (?: db )? (?: pass | pw | sig ) ["']? \s* [=:] \s*
        | \b identified \s+ by \s+ (?: (?: password | values ) \s+ )?
        | \b (?: bearer | basic ) \s+ )
        ( "[^"\r\n]*" | '[^'\r\n]*' | [^\s"'&;,)}\]]+ )"#,
    )
});

/// Passwords given to programs by their short options, as the manual pages of these programs have them.
static ARGUMENT: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r#"(?x)
        ( \b (?: mysql | mariadb ) [\w-]* \b [^|;&\n]*? \s -p
        | \b sshpass \b [^|;&\n]*? \s -p \s*
        | \b redis-cli \b [^|;&\n]*? \s -a \s*
        | \b (?: sqlcmd | bcp | osql ) \b [^|;&\n]*? \s -P \s*
        | \b ldap\w+ \b [^|;&\n]*? \s -w \s*
        | \b (?: 7za? | mongo\w* ) \b [^|;&\n]*? \s -p \s*
        | \b (?: docker | podman ) \s+ login \b [^|;&\n]*? \s -p \s*
        | \b (?: zip | unzip ) \b [^|;&\n]*? \s -P \s*
        | \b curl \b [^|;&\n]*? \s (?: -b | --cookie ) \s*
        | \b https? \s [^|;&\n]*? (?: -a | --auth ) [\s=] [^\s:]* :
        | \b sqlplus \b [^|;&\n]*? \s [\w"']+ /
        | \b lftp \b [^|;&\n]*? \s -u [\s"']* [^\s,"']+ ,
        | \b curl \b [^|;&\n]*? \s -[a-zA-Z]*u [\s"']* [^\s:"']+ : )
        ( "[^"\r\n]*" | '[^'\r\n]*' | [^\s"']+ )"#,
    )
});

/// Words piped or given to programs that read a password there, as the manual pages of these programs have it.
static PIPED: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r#"(?x)
        ( \b (?: echo | printf ) (?: \s+ -[a-zA-Z]+ )* \s+ (?: ["']%s(?:\\n)?["'] \s+ )? )
        ( "[^"\r\n]*" | '[^'\r\n]*' | [^\s"'|;&]+ )
        ( \s* \| \s* (?: \S*/ )?
          (?: sudo \s [^|;&\n]*? -S | su \b | (?: ch )? passwd \b | smbpasswd \b | kinit \b | cryptsetup \b
            | (?: docker | podman | helm ) \s [^|;&\n]*? login | gpg \s [^|;&\n]*? --passphrase-fd
            | openssl \s [^|;&\n]*? stdin | keytool \b | vault \b | runas \b | ansible-vault \b ) )"#,
    )
});

/// Variables of a shell and long options: unlike in other text, a comma or bracket belongs to the value.
static ASSIGNED: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r#"(?x)
        ( \b (?: [A-Z0-9_]* (?: PASSWORD | PASSWD | PASS | PWD | SECRET | TOKEN ) [A-Z0-9_]* | (?: [A-Z0-9_]* _ )? PW ) =
        | (?: ^ | \s ) --[\w-]* (?: password | passwd | secret | token ) [\w-]* [=\s] )
        ( "[^"\r\n]*" | '[^'\r\n]*' | [^\s"';&|]+ )"#,
    )
});

/// Programs that are given SQL as an argument: its literals are somebody's data.
static SQL_CLIENT: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"\b(?:psql|mysql|mariadb|sqlite3|sqlplus|sqlcmd|duckdb)\b"));

/// Quoted words of a shell.
static QUOTED: LazyLock<Regex> = LazyLock::new(|| compiled(r#"'[^']*'|"(?:[^"\\]|\\.)*""#));

/// Literals of SQL inside a double-quoted word, escape strings before others.
static SINGLE_QUOTED: LazyLock<Regex> = LazyLock::new(|| compiled(r"\b[eE]'(?:[^'\\]|\\.)*'|'[^']*'"));

/// Programs of engines in which double quotes hold strings, too (MySQL, "String Literals"; SQLite, "Quirks").
static DOUBLE_QUOTES_ARE_STRINGS: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"\b(?:mysql|mariadb|sqlite3)\b"));

/// A string of theirs inside a single-quoted word.
static INNER_DOUBLE: LazyLock<Regex> = LazyLock::new(|| compiled(r#""[^"]*""#));

/// A literal of SQL inside a single-quoted word of a shell.
static REOPENED: LazyLock<Regex> = LazyLock::new(|| compiled(r"(?s)'\\''.*?'\\''"));

/// A dollar-quoted literal of SQL; inside double quotes of a shell the signs are escaped.
static DOLLAR_QUOTED: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?s)\\?\$[a-z]*\\?\$.*?\\?\$[a-z]*\\?\$"));

/// A variable of psql, which stands for a literal.
static VARIABLE: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(\s(?:-v|--set|--variable)[\s=]\s*\w+=)([^\s'\x22]+)"));

/// `-u name:password` of curl and the like.
static USER_COLON: LazyLock<Regex> =
    LazyLock::new(|| compiled(r#"(?i)((?:^|\s)(?:-u|--user|--proxy-user)[ =]?["']?[^\s:"']+):[^\s"']+"#));

/// Key ids of AWS (IAM identifiers, "Unique identifiers").
static KEY_ID: LazyLock<Regex> = LazyLock::new(|| compiled(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"));

/// Tokens that services mark by how they begin, and JSON Web Tokens (RFC 7519).
static MARKED_TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"\b(?:(?:glpat-|gh[opsur]_|github_pat_|sk_live_|sk_test_|rk_live_|xox[abprs]-|npm_|hf_)[A-Za-z0-9_-]{8,}|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?)",
    )
});

/// How addresses end that are no person's but a program's (Google Cloud IAM, "Service accounts overview").
const MACHINE_ACCOUNTS: [&str; 2] = [".iam.gserviceaccount.com", "@developer.gserviceaccount.com"];

/// Addr-spec of RFC 5322 in its plain form, and as it stands in a URL (RFC 3986, 2.1), encoded once or more often.
static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?i)\b[a-z0-9._%+-]+(?:@|%(?:25)*40)[a-z0-9-]+(?:(?:\.|%(?:25)*2e)[a-z0-9-]+)*(?:\.|%(?:25)*2e)[a-z]{2,24}\b",
    )
});

/// How an `@` ends that is percent-encoded.
const ENCODED_AT: &str = "40";

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

/// What stands for a URL's login with a password.
const IN_URL: &str = "$1:‹scrubbed›@";
/// How long a text is at least that holds a secret by shape and no `@`: a card number of thirteen digits.
const SHORTEST: usize = 13;
/// How long a run of hexadecimal digits is when it is a key or a hash, not a number: 128 bits.
const HEX_KEY: usize = 32;
/// How long a run of letters and digits is when it may be a key.
const KEY: usize = 24;

/// A run without its keys: of a path only the parts that are keys, as web hooks have them, else the whole.
fn without_keys(run: &str) -> String {
    let is_key = |part: &str| part.len() >= KEY && random_looking(part);
    let is_mixed = |part: &str| {
        let has = |kind: fn(&u8) -> bool| part.bytes().any(|byte| kind(&byte));
        has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit)
    };
    let parts: Vec<&str> = run.split(['/', '=']).collect();
    let holds_key = parts.iter().any(|part| is_key(part));
    if random_looking(run) && !(run.starts_with('/') && holds_key) {
        return SCRUBBED.to_owned();
    }
    if !holds_key {
        return run.to_owned();
    }
    // A key may hold slashes itself, so what is mixed like one beside it goes too.
    let keep = |part: &str| {
        let name = part.trim_end_matches(['/', '=']);
        let secret = is_key(name) || is_mixed(name);
        if secret { format!("{SCRUBBED}{}", &part[name.len()..]) } else { part.to_owned() }
    };
    run.split_inclusive(['/', '=']).map(keep).collect()
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
    let hex = token.bytes().filter(u8::is_ascii_hexdigit).count();
    if hex == token.len() && token.len() >= HEX_KEY && digit > 0 && upper + lower > 0 {
        return true;
    }
    upper >= 3 && lower >= 3 && digit >= 3 && entropy >= 3.5 && token.matches(['/', '_', '-']).count() <= 3
}

/// Commands that give SQL to a client, with the literals of that SQL folded.
fn fold_sql_arguments(text: String) -> String {
    if !SQL_CLIENT.is_match(&text) {
        return text;
    }
    let text = REOPENED.replace_all(&text, r"'\''?'\''").into_owned();
    let text = DOLLAR_QUOTED.replace_all(&text, "$$$$?$$$$").into_owned();
    // Paths may be shown: `\copy … to '/srv/out/a.csv'` and `… '/srv/out/b.csv'` are two jobs.
    let literal = |found: &regex::Captures<'_>| {
        let path = found[0].starts_with("'/") && !found[0].contains(char::is_whitespace);
        if path { found[0].to_owned() } else { "'?'".to_owned() }
    };
    let strings_in_double = DOUBLE_QUOTES_ARE_STRINGS.is_match(&text);
    let inside = |word: &regex::Captures<'_>| match word[0].starts_with('\'') {
        true if strings_in_double => INNER_DOUBLE.replace_all(&word[0], r#""?""#).into_owned(),
        true => word[0].to_owned(),
        false => SINGLE_QUOTED.replace_all(&word[0], literal).into_owned(),
    };
    let text = QUOTED.replace_all(&text, inside).into_owned();
    let value = |set: &regex::Captures<'_>| {
        let plain = set[2].bytes().all(|b| b.is_ascii_digit()) || matches!(&set[2], "on" | "off");
        if plain { set[0].to_owned() } else { format!("{}?", &set[1]) }
    };
    VARIABLE.replace_all(&text, value).into_owned()
}

/// Whether a variable of this name holds a secret: its value is not put where it is used.
pub fn names_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    [
        "PASSWORD",
        "PASSWD",
        "PASS",
        "PWD",
        "PW",
        "SECRET",
        "TOKEN",
        "API_KEY",
        "APIKEY",
        "ACCESS_KEY",
        "PRIVATE_KEY",
    ]
    .iter()
    .any(|end| name.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('_')))
        && name != "PWD"
}

/// Replaces, and keeps what it was given where nothing was found.
fn replace<'t>(text: Cow<'t, str>, pattern: &Regex, with: impl regex::Replacer) -> Cow<'t, str> {
    match pattern.replace_all(&text, with) {
        Cow::Owned(replaced) => Cow::Owned(replaced),
        Cow::Borrowed(_) => text,
    }
}

/// A key without its value, unless the value is none: the folder a shell is in, an option of a program that only
/// sounds like a key, a keyword of SQL behind `PASSWORD`.
fn value_of_key(found: &regex::Captures<'_>) -> String {
    let (key, value) = (&found[1], &found[2]);
    let name = key.trim_end();
    let bare = value.trim_start_matches(['"', '\'']);
    let folder = matches!(name, "PWD=" | "OLDPWD=")
        && (bare.starts_with(['/', '$', '`', '~', '.']) || bare.is_empty());
    let lower = name.to_ascii_lowercase();
    let option = lower.ends_with("passwd") && !lower.starts_with('-') && value.starts_with('-');
    let keyword = matches!(lower.as_str(), "password" | "token" | "secret")
        && name.len() < key.len()
        && sql::KEYWORDS.iter().any(|word| value.eq_ignore_ascii_case(word));
    if folder || option || keyword { found[0].to_owned() } else { format!("{key}{SCRUBBED}") }
}

/// The text without its secrets; borrowed when it held none.
pub fn scrub(text: &str) -> Cow<'_, str> {
    // One plain word, as most names in logs are, holds nothing that its position could give away.
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b)) {
        return scrub_shapes(text);
    }
    let mut current = replace(Cow::Owned(fold_sql_arguments(text.to_owned())), &URL_PASSWORD, IN_URL);
    current = replace(current, &URL_QUERY, without_values);
    if let Some(without) = commands::without_arguments(&current) {
        current = Cow::Owned(without);
    }
    current = sql::without_passwords(current);
    for pattern in [&ARGUMENT, &ASSIGNED, &KEY_VALUE] {
        current = replace(current, pattern, value_of_key);
    }
    current = replace(current, &PIPED, "${1}‹scrubbed›${3}");
    current = replace(current, &USER_COLON, "${1}:‹scrubbed›");
    let current = scrub_shapes(&current).into_owned();
    if current == text { Cow::Borrowed(text) } else { Cow::Owned(current) }
}

/// The text without what is secret by its own shape, wherever it stands. For folded SQL and names, where
/// `token` is a column and the word behind it no secret.
pub fn scrub_shapes(text: &str) -> Cow<'_, str> {
    if text.len() < SHORTEST && !text.contains('@') && !(text.contains('%') && text.contains(ENCODED_AT)) {
        return Cow::Borrowed(text);
    }
    let mut current = replace(Cow::Borrowed(text), &URL_PASSWORD, IN_URL);
    current = addresses::without_capabilities(current);
    let address = |found: &regex::Captures<'_>| {
        let machine = MACHINE_ACCOUNTS.iter().any(|end| found[0].ends_with(end));
        if machine { found[0].to_owned() } else { SCRUBBED.to_owned() }
    };
    current = replace(current, &EMAIL, address);
    for pattern in [&IBAN, &KEY_ID, &MARKED_TOKEN] {
        current = replace(current, pattern, SCRUBBED);
    }
    let card = |found: &regex::Captures<'_>| {
        if luhn(&found[0]) { SCRUBBED.to_owned() } else { found[0].to_owned() }
    };
    current = replace(current, &DIGITS, card);
    current = replace(current, &TOKEN, |run: &regex::Captures<'_>| without_keys(&run[0]));
    if current == text { Cow::Borrowed(text) } else { current }
}

/// A name that tells somebody from others, such as a login: where it is a secret by its shape, a digest stands
/// beside the mark, so that two people do not become one and the same name in an inventory still fits.
pub fn scrub_name(text: &str) -> Cow<'_, str> {
    match scrub_shapes(text) {
        Cow::Borrowed(text) => Cow::Borrowed(text),
        Cow::Owned(scrubbed) => {
            let digest = blake3::hash(text.as_bytes()).to_hex();
            Cow::Owned(scrubbed.replace(SCRUBBED, &format!("‹scrubbed:{}›", &digest[..6])))
        }
    }
}
