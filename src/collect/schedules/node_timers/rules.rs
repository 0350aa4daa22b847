//! node-schedule's recurrence rules: an object with `hour`, `minute` and the like, `new RecurrenceRule()` whose
//! properties are set afterwards, or given to it in its own order (its README, "Recurrence Rule Scheduling").

use super::calls::{text_or_computed, zone_of_text};
use crate::collect::schedules::code::Code;
use crate::collect::schedules::job::Zone;

type Span = (usize, usize);

/// The properties, in the order of the constructor.
const PROPERTIES: [&str; 7] = ["year", "month", "date", "dayOfWeek", "hour", "minute", "second"];

/// What a rule says.
pub(super) struct Rule {
    /// Its properties as a text of the dialect; the error is why not.
    pub text: Result<String, String>,
    /// Its zone.
    pub zone: Option<Zone>,
}

/// The rule that an object is, a cron expression in it included.
pub(super) fn of_object(code: &Code, span: Span) -> Option<Rule> {
    let entries = code.object(span)?;
    let get = |name: &str| entries.iter().find(|it| it.name == Some(name)).map(|it| it.span);
    let zone = get("tz").map(|span| zone_of_text(code, span));
    if let Some(rule) = get("rule") {
        let inner = of_variable(code, rule).or_else(|| of_object(code, rule));
        let text = inner.map_or_else(|| text_or_computed(code, rule), |rule| rule.text);
        return Some(Rule { text, zone });
    }
    let given = PROPERTIES.iter().filter_map(|name| Some((*name, get(name)?)));
    Some(Rule { text: told(code, given), zone })
}

/// The rule that a variable was made as.
pub(super) fn of_variable(code: &Code, (from, to): Span) -> Option<Rule> {
    let name = code.word(from).filter(|_| from + 1 == to)?;
    let made = code.value_of(name)?;
    let open = (made.0..made.1).find(|at| code.is_word(*at, "RecurrenceRule") && code.is(at + 1, "("))? + 1;
    let arguments = code.arguments(open);
    let mut given: Vec<(&str, Span)> =
        PROPERTIES.iter().copied().zip(arguments.iter().map(|it| it.span)).collect();
    given.retain(|(_, span)| !code.is_word(span.0, "null") && !code.is_word(span.0, "undefined"));
    let mut zone = None;
    for at in made.1..code.tokens.len() {
        let set = code.is_word(at, name) && code.is(at + 1, ".") && code.is(at + 3, "=");
        let Some(property) = code.word(at + 2).filter(|_| set) else { continue };
        let value = (at + 4, code.end_of_value(at + 4));
        match PROPERTIES.iter().find(|known| **known == property) {
            Some(known) => {
                given.retain(|(other, _)| other != known);
                given.push((known, value));
            }
            None if property == "tz" => zone = Some(zone_of_text(code, value)),
            None => {}
        }
    }
    Some(Rule { text: told(code, given.into_iter()), zone })
}

fn told<'n>(code: &Code, given: impl Iterator<Item = (&'n str, Span)>) -> Result<String, String> {
    let mut parts = Vec::new();
    for (name, span) in given {
        let mut values = Vec::new();
        for element in code.elements(span) {
            values.extend(numbers(code, element)?);
        }
        parts.push(format!("{name}={}", values.join(",")));
    }
    if parts.is_empty() {
        Err("a rule without a property that is known here".to_owned())
    } else {
        Ok(parts.join(" "))
    }
}

/// A number, or `new Range(first, last, step)`.
fn numbers(code: &Code, span: Span) -> Result<Vec<String>, String> {
    let range = (span.0..span.1).find(|at| code.is_word(*at, "Range") && code.is(at + 1, "("));
    let Some(range) = range else { return text_or_computed(code, span).map(|it| vec![it]) };
    let bounds: Result<Vec<String>, String> =
        code.arguments(range + 1).iter().map(|it| text_or_computed(code, it.span)).collect();
    let bounds: Vec<usize> = bounds?.iter().filter_map(|it| it.parse().ok()).collect();
    match bounds[..] {
        [first, last] if last < 100 => Ok((first..=last).map(|it| it.to_string()).collect()),
        [first, last, step] if last < 100 && step > 0 => {
            Ok((first..=last).step_by(step).map(|it| it.to_string()).collect())
        }
        _ => Err(format!("computed: {}", code.written(span))),
    }
}
