//! NestJS' decorators ("Task Scheduling"): `@Cron(expression, options)`, `@Interval(name, milliseconds)`. `@Timeout` runs
//! once and is none. The expressions it has names for (its enum CronExpression) follow a few rules, which stand here
//! instead of the list.

use super::Source;
use super::calls::{Options, text_or_computed};
use crate::collect::schedules::code::{Annotation, JobOf};
use crate::evidence::Text;

/// The package.
const PACKAGE: &str = "@nestjs/schedule";

/// The jobs of decorated methods.
pub(super) fn read(source: &Source<'_>) -> Vec<JobOf> {
    let code = source.code;
    let decorators = (0..code.tokens.len()).filter_map(|at| code.annotation(at));
    decorators.filter_map(|decorator| job(source, decorator)).collect()
}

fn job(source: &Source<'_>, decorator: Annotation<'_>) -> Option<JobOf> {
    let code = source.code;
    let (package, member) = source.imports.package_of(code.word(decorator.at + 1)?)?;
    let kind = if member == "*" { decorator.name } else { member };
    let open = decorator.open.filter(|_| package == PACKAGE && matches!(kind, "Cron" | "Interval"))?;
    let method = code.function_after(decorator.end).and_then(|at| code.word(at))?;
    let what = match code.class_at(decorator.at) {
        Some(class) => format!("{class}.{method}"),
        None => method.to_owned(),
    };
    let arguments = code.arguments(open);
    let from = |name: Option<String>, schedule: Result<String, String>, options: Options| JobOf {
        name: name.or(options.name).unwrap_or_else(|| what.clone()),
        what: what.clone(),
        lines: code.function_after(decorator.end).and_then(|name| code.lines_of_body(name)),
        class: None,
        schedules: vec![schedule],
        dialect: "npm-cron",
        zone: options.zone,
        guards: options.guards,
        line: code.line(decorator.at),
    };
    if kind == "Interval" {
        let span = arguments.last()?.span;
        let name = arguments.first().filter(|_| arguments.len() > 1).and_then(|it| code.fold(it.span));
        let every = text_or_computed(code, span).map(|length| format!("every={length}"));
        return Some(from(name, every, Options::default()));
    }
    let span = arguments.first()?.span;
    let schedule = text_or_computed(code, span);
    let options = arguments.get(1).map_or_else(Options::default, |it| Options::of(code, it.span));
    (!options.off).then(|| from(None, schedule, options))
}

/// What a name of CronExpression stands for.
pub(super) fn named(name: &str) -> Option<String> {
    let fixed = [
        ("EVERY_SECOND", "* * * * * *"),
        ("EVERY_MINUTE", "*/1 * * * *"),
        ("EVERY_HOUR", "0 0-23/1 * * *"),
        ("EVERY_DAY_AT_NOON", "0 12 * * *"),
        ("EVERY_DAY_AT_MIDNIGHT", "0 0 * * *"),
        ("EVERY_WEEK", "0 0 * * 0"),
        ("EVERY_WEEKDAY", "0 0 * * 1-5"),
        ("EVERY_WEEKEND", "0 0 * * 6,0"),
        ("EVERY_1ST_DAY_OF_MONTH_AT_MIDNIGHT", "0 0 1 * *"),
        ("EVERY_1ST_DAY_OF_MONTH_AT_NOON", "0 12 1 * *"),
        ("EVERY_2ND_HOUR", "0 */2 * * *"),
        ("EVERY_2ND_HOUR_FROM_1AM_THROUGH_11PM", "0 1-23/2 * * *"),
        ("EVERY_2ND_MONTH", "0 0 1 */2 *"),
        ("EVERY_QUARTER", "0 0 1 */3 *"),
        ("EVERY_6_MONTHS", "0 0 1 */6 *"),
        ("EVERY_YEAR", "0 0 1 1 *"),
        ("EVERY_30_MINUTES_BETWEEN_9AM_AND_5PM", "0 */30 9-17 * * *"),
        ("EVERY_30_MINUTES_BETWEEN_9AM_AND_6PM", "0 */30 9-18 * * *"),
        ("EVERY_30_MINUTES_BETWEEN_10AM_AND_7PM", "0 */30 10-19 * * *"),
    ];
    if let Some((_, text)) = fixed.iter().find(|(known, _)| *known == name) {
        return Some((*text).to_owned());
    }
    let steps = [
        ("_SECONDS", ["*/", " * * * * *"]),
        ("_MINUTES", ["0 */", " * * * *"]),
        ("_HOURS", ["0 0-23/", " * * *"]),
    ];
    for (unit, [before, behind]) in steps {
        let number = name.strip_prefix("EVERY_").and_then(|rest| rest.strip_suffix(unit));
        if let Some(number) =
            number.filter(|it| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit()))
        {
            return Some(format!("{before}{number}{behind}"));
        }
    }
    let (days, time) = match name.strip_prefix("EVERY_DAY_AT_") {
        Some(time) => ("* * *", time),
        None => ("* * 1-5", name.strip_prefix("MONDAY_TO_FRIDAY_AT_")?),
    };
    let (hour, minute) = clock(time)?;
    let second = if days == "* * 1-5" { "0 " } else { "" };
    Some(format!("{second}{minute} {hour} {days}"))
}

/// `3AM`, `12PM`, `09_30AM`.
fn clock(time: &str) -> Option<(u32, u32)> {
    let (number, afternoon) = match time.strip_suffix("AM") {
        Some(number) => (number, 0),
        None => (time.strip_suffix("PM")?, 12),
    };
    let (hour, minute) = number.split_once('_').unwrap_or((number, "0"));
    let hour: u32 = hour.parse().ok().filter(|hour| (1..=12).contains(hour))?;
    Some((hour % 12 + afternoon, minute.parse().ok()?))
}

/// What `waitForCompletion` and its like are called, where they hold a run back.
pub(super) fn guard(name: &str) -> Option<Text> {
    let known = ["waitForCompletion", "noOverlap"];
    known.contains(&name).then(|| Text::from(name))
}

#[cfg(test)]
mod tests {
    use super::named;
    use crate::schedule;

    #[test]
    fn names_of_expressions_follow_their_rules() {
        let told = |name: &str| {
            let text = named(name)?;
            schedule::parse("npm-cron", &text).ok().map(|read| read.words())
        };
        assert_eq!(told("EVERY_10_SECONDS").as_deref(), Some("every minute, 6 times a minute"));
        assert_eq!(told("EVERY_5_MINUTES").as_deref(), Some("every 5 minutes"));
        assert_eq!(told("EVERY_DAY_AT_1AM").as_deref(), Some("at 01:00 every day"));
        assert_eq!(told("EVERY_DAY_AT_11PM").as_deref(), Some("at 23:00 every day"));
        assert_eq!(told("MONDAY_TO_FRIDAY_AT_09_30AM").as_deref(), Some("at 09:30, Monday to Friday"));
        assert_eq!(told("MONDAY_TO_FRIDAY_AT_12PM").as_deref(), Some("at 12:00, Monday to Friday"));
        assert_eq!(named("EVERY_NOW_AND_THEN"), None);
        assert_eq!(named("EVERY_DAY_AT_25AM"), None);
    }
}
