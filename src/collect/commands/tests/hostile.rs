//! Text that nobody would write: it ends, and says what was left out.

use super::{check, said};

#[test]
fn endless_and_hostile_text_ends() {
    let doubling = (0..40).map(|n| format!("f{n}() {{ f{}; f{}; }}\n", n + 1, n + 1)).collect::<String>();
    let doubled = said(&format!("{doubling}f40() {{ touch /srv/a; }}\nf0"), &[]);
    assert!(doubled.iter().all(|said| said.starts_with("gap limit: ")) && !doubled.is_empty(), "{doubled:?}");
    let nested = format!("{}touch /srv/a{}", "(".repeat(5000), ")".repeat(5000));
    let _ = said(&nested, &[]);
    let _ = said("X=$X$X$X$X$X$X$X$X; eval \"$X\"; . /opt/lib.sh", &[("/opt/lib.sh", ". /opt/lib.sh")]);
}

const OPEN: &str = "gap unparsed: shell text that does not parse here: an open quote, here-document or bracket; what stands around it was read";

#[test]
fn text_that_does_not_end_is_a_gap_and_the_rest_is_read() {
    check(
        &[
            (
                "touch /srv/a\nif x; then\ntouch /srv/b\n",
                &[OPEN, "write file:h//srv/a", "write file:h//srv/b"],
            ),
            ("touch /srv/a\necho \"open", &[OPEN, "write file:h//srv/a"]),
        ],
        &[],
    );
}

#[test]
fn what_is_beyond_a_limit_is_a_gap() {
    let nests = said(". /opt/lib.sh", &[("/opt/lib.sh", ". /opt/lib.sh\n")]);
    assert!(nests.iter().any(|said| said.starts_with("gap limit: MAX_NESTED_TEXTS")), "{nests:?}");
    let long = said(&"touch /srv/a\n".repeat(700_000), &[]);
    assert_eq!(long, ["gap limit: MAX_TEXT: a shell text longer than this; nothing of it was read"]);
    let values: String = (0..200).map(|n| format!("/srv/{n} ")).collect();
    let looped = said(&format!("for f in {values}; do touch $f; done"), &[]);
    assert_eq!(
        looped,
        ["gap limit: MAX_LOOP: a loop over more values; its body was followed once, with the value unknown"]
    );
    // Values that double, and patterns over them.
    let doubles = format!("V=xxxxxxxx\n{}{}", "V=$V$V\n".repeat(7), "touch /srv/${V##*x*x*y}\n".repeat(2000));
    let doubled = said(&doubles, &[]);
    assert!(doubled.iter().any(|said| said.starts_with("gap limit: MAX_CALLS")), "{doubled:?}");
}
