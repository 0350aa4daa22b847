//! Comments that say when something has to run: "after the fine generator", "by 6am". They are quoted as evidence and
//! never taken for an order by themselves.

use regex::Regex;
use std::sync::LazyLock;

/// In a script "after" and "before" are about its own steps; an order between jobs names a time of day, a job, or that
/// something has to be over.
static ORDER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?ix)
        \b (?: by | before | after | until | till | not \s+ before ) \s+ (?: about \s+ )?
            (?: [01]?\d | 2[0-3] ) (?: [:.]\d\d \s* (?: [ap]\.?m\b | utc\b | h\b )? | \s* [ap]\.?m\b | \s* o'?clock )
        | \b (?: before | after | until | once | when ) \s+ (?: the | all | this | that | our | its | any | other )? \s* (?: [\w-]+ \s+ ){0,3}?
            (?: job s? | cron s? | cronjob s? | batch | backup s? | dump s? | import s? | export s? | generator | refresh
              | replication | run s? | load s? | sync | upload s? | report s? | feed s? | rotation | logrotate )
            \b (?: \s+ (?: has | have | is | are | was | were | finish\w* | complet\w* | done | ran | run s? | end s? | ended ) \b | \s* [.,;!)]? \s* $ )
        | \b (?: must | should | has \s+ to | have \s+ to | needs? \s+ to ) \s+ (?: be \s+ )? (?: run | ran | start | started | come | finish | be \s+ done | scheduled )
            \s+ (?: \w+ \s+ ){0,2}? (?: before | after ) \b
        | \b (?: runs? | running | scheduled | starts? | started ) \s+ (?: \w+ \s+ ){0,2}? (?: after | before ) \s+
            (?: the | all | our | nightly | daily | hourly | weekly | monthly | midnight | noon )
        | \b leave \s+ (?: \w+ \s+ )? time \b
        | \b (?: allow | give ) \s+ (?: \w+ \s+ ){0,3}? (?: time | hours? | minutes? ) \s+ (?: for | to | delay )
        | \b hours? \s+ delay \s+ to \s+ allow
        | \b wait (?: s | ing )? \s+ (?: for | until | till ) \s+ (?: the | all | any | other )? \s* (?: [\w-]+ \s+ ){0,3}?
            (?: job s? | cron s? | batch | backup s? | dump s? | import s? | export s? | generator | replication | load | sync | upload s? | feed s? )
            \b",
    )
    .expect("the pattern is a constant of this file and its tests compile it")
});

/// Whether a comment of a script states an order between jobs or a wait for one.
pub(super) fn in_script(comment: &str) -> bool {
    comment.len() > 8 && ORDER.is_match(comment)
}

#[cfg(test)]
mod tests {
    use super::in_script;

    #[test]
    fn an_order_between_jobs_is_told_from_the_steps_of_a_script() {
        for comment in [
            "push these back to 3am so they will run after the fine generator",
            "the feed is meant to update by 6am",
            "leave time for the salt files to be updated",
            "couple hours delay to allow for refine to finish",
            "must be run before the billing export",
            "wait for the nightly dump to appear",
            "not before 04:30, the archive is moved then",
        ] {
            assert!(in_script(comment), "{comment}");
        }
        for comment in [
            "remove the temporary folder after use",
            "check the arguments before anything else",
            "wait for all children",
            "set a default once",
            "before 10 retries are over",
            "strip everything after the colon",
            "see the report for more",
        ] {
            assert!(!in_script(comment), "{comment}");
        }
    }
}
