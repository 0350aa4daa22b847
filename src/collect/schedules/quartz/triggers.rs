//! Triggers that code builds (org.quartz.TriggerBuilder, CronScheduleBuilder, SimpleScheduleBuilder), the classes that
//! are made by hand (`new CronTriggerImpl`, `setCronExpression` of Spring's factory bean). The job is the one that the
//! trigger names, else the one it is scheduled with, else the only one of the file.

use super::documents::{simple, simple_name};
use crate::collect::schedules::code::{Argument, Code, JobOf, MAX_JOBS};
use crate::collect::schedules::job::Zone;
use crate::collect::schedules::spring::{Properties, computed, guards, millis, zone_of};
use crate::evidence::{Evidence, Gap, GapCode};

type Span = (usize, usize);

/// Builders whose times are not read here.
const OTHERS: [&str; 4] = [
    "calendarIntervalSchedule",
    "dailyTimeIntervalSchedule",
    "CalendarIntervalTriggerImpl",
    "DailyTimeIntervalTriggerImpl",
];

/// The triggers of a file.
pub fn read(code: &Code, text: &str, properties: &Properties<'_>, out: &mut Evidence) -> Vec<JobOf> {
    if !text.contains("org.quartz") && !text.contains("scheduling.quartz") {
        return Vec::new();
    }
    let beans = ["CronTriggerFactoryBean", "CronTriggerBean", "CronTriggerImpl"];
    let beans = (0..code.tokens.len()).any(|at| code.word(at).is_some_and(|it| beans.contains(&it)));
    let file = File { code, properties, beans };
    let mut jobs = Vec::new();
    for open in (0..code.tokens.len()).filter(|at| code.is(*at, "(")) {
        let Some(name) = open.checked_sub(1).and_then(|at| code.word(at)) else { continue };
        // A method of that name which the file itself defines is no call.
        let defined = code.is(code.pair(open) + 1, "{") || code.is_word(code.pair(open) + 1, "throws");
        if defined {
            continue;
        }
        // One more than are stated, so that the limit is told.
        if jobs.len() > MAX_JOBS {
            break;
        }
        if OTHERS.contains(&name) {
            let what = format!("a trigger of {name}, which is not read here");
            out.add_gap(Gap::new(properties.place(code.line(open)), GapCode::Unresolved, what));
            continue;
        }
        jobs.extend(file.schedule(name, open).map(|(schedule, zone)| file.job(open, schedule, zone)));
    }
    jobs
}

struct File<'c> {
    code: &'c Code,
    properties: &'c Properties<'c>,
    /// Whether the file names a class of triggers that is made by hand.
    beans: bool,
}

type Told = (Result<String, String>, Option<Zone>);

impl File<'_> {
    /// The schedule that a call is.
    fn schedule(&self, name: &str, open: usize) -> Option<Told> {
        let code = self.code;
        let arguments = code.arguments(open);
        let chain = self.chain(open);
        if name == "setCronExpression" && !self.beans {
            return None;
        }
        let cron = match (name, &arguments[..]) {
            ("cronSchedule" | "cronScheduleNonvalidatedExpression" | "setCronExpression", [cron]) => {
                self.text(*cron)
            }
            ("dailyAtHourAndMinute", [hour, minute]) => self.daily(&[*minute, *hour], "? * *"),
            ("weeklyOnDayAndHourAndMinute", [day, hour, minute]) => {
                let day = self.weekday(day.span);
                day.and_then(|day| self.daily(&[*minute, *hour], &format!("? * {day}")))
            }
            ("atHourAndMinuteOnGivenDaysOfWeek", [hour, minute, days @ ..]) if !days.is_empty() => {
                let days: Result<Vec<String>, String> =
                    days.iter().map(|day| self.weekday(day.span)).collect();
                days.and_then(|days| self.daily(&[*minute, *hour], &format!("? * {}", days.join(","))))
            }
            ("monthlyOnDayAndHourAndMinute", [day, hour, minute]) => {
                let day = self.number(day.span);
                day.and_then(|day| self.daily(&[*minute, *hour], &format!("{day} * ?")))
            }
            ("CronTriggerImpl" | "CronTrigger", [.., cron]) if open >= 2 && code.is_word(open - 2, "new") => {
                // Of the constructors those with a text that has fields.
                let text = self.text(*cron);
                match &text {
                    Ok(text) if text.split_whitespace().count() < 6 => return None,
                    _ => text,
                }
            }
            _ => return self.simple(name, &arguments, &chain).map(|told| (told, None)),
        };
        let zone = chain.iter().find(|(name, _)| *name == "inTimeZone");
        let zone = zone.and_then(|(_, open)| zone_of(code, code.arguments(*open).first()?.span));
        Some((cron, zone.or_else(|| self.zone_of_bean(name, open))))
    }

    /// `bean.setTimeZone(…)` beside `bean.setCronExpression(…)`.
    fn zone_of_bean(&self, name: &str, open: usize) -> Option<Zone> {
        let code = self.code;
        let receiver =
            open.checked_sub(3).and_then(|at| code.word(at)).filter(|_| name == "setCronExpression")?;
        let set = (0..code.tokens.len()).find(|at| {
            code.is_word(*at, "setTimeZone")
                && *at >= 2
                && code.word(at - 2) == Some(receiver)
                && code.is(at + 1, "(")
        })?;
        zone_of(code, code.arguments(set + 1).first()?.span)
    }

    /// The calls that follow on one, with their brackets.
    fn chain(&self, open: usize) -> Vec<(&str, usize)> {
        let code = self.code;
        let (mut out, mut at) = (Vec::new(), code.pair(open) + 1);
        while code.is(at, ".") && code.is(at + 2, "(") && out.len() < 40 {
            out.extend(code.word(at + 1).map(|name| (name, at + 2)));
            at = code.pair(at + 2).max(at + 2) + 1;
        }
        out
    }

    fn text(&self, argument: Argument<'_>) -> Result<String, String> {
        match self.code.fold(argument.span) {
            Some(text) => Ok(self.properties.fill(&text, self.code.line(argument.span.0))),
            None => Err(computed(self.code, argument.span)),
        }
    }

    fn number(&self, span: Span) -> Result<String, String> {
        let number = self.code.fold(span).filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
        number.ok_or_else(|| computed(self.code, span))
    }

    /// `DateBuilder.MONDAY` or the number that it is.
    fn weekday(&self, span: Span) -> Result<String, String> {
        let name = self.code.word(span.1 - 1).unwrap_or("");
        let days = ["SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY"];
        match days.iter().position(|day| *day == name) {
            Some(at) => Ok((at + 1).to_string()),
            None => self.number(span),
        }
    }

    fn daily(&self, times: &[Argument<'_>], days: &str) -> Result<String, String> {
        let times: Result<Vec<String>, String> = times.iter().map(|it| self.number(it.span)).collect();
        Ok(format!("0 {} {days}", times?.join(" ")))
    }

    /// The builders of simple triggers.
    fn simple(
        &self,
        name: &str,
        arguments: &[Argument<'_>],
        chain: &[(&str, usize)],
    ) -> Option<Result<String, String>> {
        let units = [("Secondly", 1_000u64), ("Minutely", 60_000), ("Hourly", 3_600_000)];
        if let Some((unit, rest)) = units
            .iter()
            .find_map(|(unit, length)| Some((length, name.strip_prefix("repeat")?.strip_prefix(unit)?)))
        {
            let numbers: Result<Vec<u64>, String> =
                arguments.iter().map(|it| self.number(it.span).map(|it| it.parse().unwrap_or(0))).collect();
            return match (rest, numbers) {
                (_, Err(why)) => Some(Err(why)),
                ("Forever", Ok(numbers)) => {
                    let every = numbers.first().copied().unwrap_or(1).saturating_mul(*unit);
                    Some(Ok(simple(Some(&every.to_string()), Some("-1"))))
                }
                ("ForTotalCount", Ok(numbers)) => {
                    let every = numbers.get(1).copied().unwrap_or(1).saturating_mul(*unit);
                    let again = numbers.first().copied()?.saturating_sub(1);
                    Some(Ok(simple(Some(&every.to_string()), Some(&again.to_string()))))
                }
                _ => None,
            };
        }
        (name == "simpleSchedule").then(|| self.chained(chain))
    }

    /// `simpleSchedule().withIntervalInSeconds(…).repeatForever()`; what is not said is not repeated.
    fn chained(&self, chain: &[(&str, usize)]) -> Result<String, String> {
        let code = self.code;
        let (mut interval, mut count) = (None, None);
        for (name, open) in chain {
            let arguments = code.arguments(*open);
            let factor = match *name {
                "withIntervalInMilliseconds" => 1u64,
                "withIntervalInSeconds" => 1_000,
                "withIntervalInMinutes" => 60_000,
                "withIntervalInHours" => 3_600_000,
                "withRepeatCount" => {
                    count = Some(self.number(arguments.first().map_or((0, 0), |it| it.span))?);
                    continue;
                }
                "repeatForever" => {
                    count = Some("-1".to_owned());
                    continue;
                }
                _ => continue,
            };
            let span = arguments.first().map_or((0, 0), |it| it.span);
            let number = match factor {
                1 => millis(code, span).ok_or_else(|| computed(code, span))?,
                _ => self.number(span)?,
            };
            interval = Some(number.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(factor).to_string());
        }
        Ok(simple(interval.as_deref(), count.as_deref()))
    }

    /// The job of a trigger.
    fn job(&self, open: usize, schedule: Result<String, String>, zone: Option<Zone>) -> JobOf {
        let code = self.code;
        let around = self.around(open);
        let class = self.class(around);
        let identity = self.call_in(around, "withIdentity").and_then(|at| self.name(at));
        let place = match (code.class_at(open), code.function_at(open)) {
            (Some(class), Some(function)) => format!("{class}.{function}"),
            (Some(class), None) => class.to_owned(),
            (None, function) => function.unwrap_or("trigger").to_owned(),
        };
        let what = class.clone().unwrap_or_else(|| place.clone());
        let mut guards = guards(code, &code.annotations_of_class(open));
        guards.dedup();
        JobOf {
            name: identity.unwrap_or_else(|| if what == place { place } else { what.clone() }),
            what,
            lines: None,
            class: class.as_deref().and_then(simple_name),
            schedules: vec![schedule],
            dialect: "quartz",
            zone,
            guards,
            line: code.line(open),
        }
    }

    /// The statement around a schedule, up to its end; `withSchedule(…)` puts it into brackets.
    fn around(&self, open: usize) -> Span {
        let code = self.code;
        let mut start = code.statement(open);
        for _ in 0..8 {
            let Some(before) = start.checked_sub(1).filter(|at| code.is(*at, "(")) else { break };
            start = code.statement(before);
        }
        let end = code.top(start, start + 400).find(|at| code.is(*at, ";") || code.is(*at, "}"));
        (start, end.unwrap_or(start + 400).min(code.tokens.len()))
    }

    fn call_in(&self, (from, to): Span, name: &str) -> Option<usize> {
        (from..to).find(|at| self.code.is_word(*at, name) && self.code.is(at + 1, "(")).map(|at| at + 1)
    }

    /// `withIdentity("name", "group")`.
    fn name(&self, open: usize) -> Option<String> {
        let parts: Option<Vec<String>> =
            self.code.arguments(open).iter().map(|it| self.code.fold(it.span)).collect();
        let mut parts = parts?;
        parts.reverse();
        (!parts.is_empty()).then(|| parts.join("."))
    }

    /// The class that a trigger's job is of.
    fn class(&self, around: Span) -> Option<String> {
        let code = self.code;
        // `forJob("name", "group")`, `forJob(jobKey("name", "group"))`: the job that has this identity.
        let key = self.call_in(around, "forJob").and_then(|open| {
            let of_key = self.call_in((open, code.pair(open)), "jobKey");
            self.name(of_key.unwrap_or(open))
        });
        if let Some(key) = key {
            return self.class_of_identity(&key);
        }
        let named = self.call_in(around, "forJob").and_then(|open| {
            let argument = code.arguments(open).first().copied()?;
            code.word(argument.span.0).filter(|_| argument.span.0 + 1 == argument.span.1)
        });
        let variable = (around.0..around.1).find(|at| code.is(at + 1, "=")).and_then(|at| code.word(at));
        let scheduled = || {
            let variable = variable?;
            let calls =
                (0..code.tokens.len()).filter(|at| code.is_word(*at, "scheduleJob") && code.is(at + 1, "("));
            calls.map(|at| code.arguments(at + 1)).find_map(|arguments| match arguments[..] {
                [job, trigger] if code.word(trigger.span.0) == Some(variable) => Some(job.span),
                _ => None,
            })
        };
        // `scheduleJob(job, newTrigger()…)`.
        let beside = || {
            let open = self.call_in(around, "scheduleJob").or_else(|| self.call_in(around, "addJob"))?;
            code.arguments(open).first().map(|job| job.span)
        };
        match named {
            Some(name) => self.class_of(name),
            None => match scheduled().or_else(beside) {
                Some(span) => {
                    self.class_in(span).or_else(|| code.word(span.0).and_then(|name| self.class_of(name)))
                }
                None => self.only_class(),
            },
        }
    }

    /// The class of a job that a name stands for.
    fn class_of(&self, name: &str) -> Option<String> {
        let code = self.code;
        let given = code.value_of(name).and_then(|span| self.class_in(span));
        given.or_else(|| self.only_class())
    }

    /// `newJob(Some.class)`, `JobBuilder.newJob(Some.class)`; Kotlin writes `Some::class.java`.
    fn class_in(&self, span: Span) -> Option<String> {
        let code = self.code;
        let open = self.call_in(span, "newJob").or_else(|| self.call_in(span, "JobDetailImpl"))?;
        let arguments = code.arguments(open);
        let of = arguments.iter().find(|it| (it.span.0..it.span.1).any(|at| code.is_word(at, "class")))?;
        code.word(of.span.0).map(str::to_owned)
    }

    /// The class of the job that is given an identity.
    fn class_of_identity(&self, key: &str) -> Option<String> {
        let code = self.code;
        let calls = (0..code.tokens.len()).filter(|at| code.is_word(*at, "newJob") && code.is(at + 1, "("));
        let mut found = calls.filter(|at| {
            let mut chain = self.chain(at + 1).into_iter();
            let identity = chain.find(|(name, _)| *name == "withIdentity");
            identity.and_then(|(_, open)| self.name(open)).is_some_and(|name| name == key)
        });
        let at = found.next()?;
        self.class_in((at, code.pair(at + 1) + 1))
    }

    fn only_class(&self) -> Option<String> {
        let code = self.code;
        let calls = (0..code.tokens.len()).filter(|at| code.is_word(*at, "newJob") && code.is(at + 1, "("));
        let mut classes = calls.filter_map(|at| self.class_in((at, code.pair(at + 1) + 1)));
        let first = classes.next()?;
        classes.next().is_none().then_some(first)
    }
}
