//! Windows that move with the clock: `ts > now() - interval '1 day'` in the words of each engine. A width is told exactly
//! or not at all: what a parameter decides, what compares by the month's name, and what is only older than something
//! are no windows here. It never says whether a width is enough.

use super::{arguments, function_name};
use crate::evidence::Trait;
use crate::sql::Dialect;
use sqlparser::ast::{
    BinaryOperator, DataType, DateTimeField, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    Interval, Select, UnaryOperator, Value,
};
use std::collections::{BTreeMap, BTreeSet};

/// A length of time, as calendars count it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Length {
    months: i64,
    seconds: i64,
}

const DAY: i64 = 86_400;

impl Length {
    fn of(count: f64, unit: &str) -> Option<Length> {
        let unit = unit.trim_end_matches('s');
        let (months, seconds) = match unit {
            "month" | "mon" | "mm" => (1, 0),
            "quarter" | "qq" => (3, 0),
            "year" | "yy" | "yyyy" => (12, 0),
            "week" | "wk" | "ww" => (0, 7 * DAY),
            "day" | "dd" | "d" => (0, DAY),
            "hour" | "hr" | "hh" | "h" => (0, 3600),
            "minute" | "min" | "mi" | "n" => (0, 60),
            "second" | "sec" | "ss" | "" => (0, 1),
            _ => return None,
        };
        let whole = |unit: i64| {
            let product = count * unit as f64;
            let rounded = product.round();
            ((product - rounded).abs() < 1e-6 && rounded.abs() < 1e11).then_some(rounded as i64)
        };
        Some(Length { months: whole(months)?, seconds: whole(seconds)? })
    }

    fn plus(self, other: Length) -> Length {
        Length {
            months: self.months.saturating_add(other.months),
            seconds: self.seconds.saturating_add(other.seconds),
        }
    }

    fn minus(self, other: Length) -> Length {
        self.plus(Length { months: other.months.saturating_neg(), seconds: other.seconds.saturating_neg() })
    }

    /// In the largest unit that divides it; `None` where it is not longer than nothing, or of two kinds.
    fn words(self) -> Option<String> {
        let told = |count: i64, unit: &str| format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
        match (self.months, self.seconds) {
            (1.., 0) if self.months % 12 == 0 => Some(told(self.months / 12, "year")),
            (1.., 0) => Some(told(self.months, "month")),
            (0, 1..) => [(DAY, "day"), (3600, "hour"), (60, "minute"), (1, "second")]
                .into_iter()
                .find(|(unit, _)| self.seconds % unit == 0)
                .map(|(unit, name)| told(self.seconds / unit, name)),
            _ => None,
        }
    }
}

/// A moment that moves with the clock: so far before now, or before the midnight that began today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment {
    midnight: bool,
    back: Length,
}

/// Windows, each with the table whose rows it holds.
pub(super) type Windows = BTreeSet<(Trait, Option<String>)>;

/// Finds the windows that the conditions of a SELECT hold rows to.
pub(super) fn of_select(select: &Select, dialect: Dialect, found: &mut Windows) {
    let Some(condition) = &select.selection else { return };
    let mut bounds = BTreeMap::new();
    collect(condition, dialect, &mut bounds);
    for ((table, _), bound) in bounds {
        let Some(window) = bound.window() else { continue };
        found.insert((window, table_of(select, table.as_deref())));
    }
}

/// Adds the window of a statement, and says whether there is one. Two windows in one statement compare two spans, and neither is how
/// far it reaches.
pub(super) fn add(found: Windows, traits: &mut BTreeSet<Trait>) -> bool {
    let widths: BTreeSet<&Trait> = found.iter().map(|(window, _)| window).collect();
    if widths.len() != 1 {
        return false;
    }
    for (window, table) in found {
        traits.insert(window);
        traits.extend(table.map(|table| Trait::valued("window-on", table)));
    }
    true
}

/// The table that a column's qualifier means; without one, the only table of the FROM list.
fn table_of(select: &Select, qualifier: Option<&str>) -> Option<String> {
    let mut tables = Vec::new();
    for from in &select.from {
        super::base_tables(&from.relation, &BTreeSet::new(), &mut tables);
        for join in &from.joins {
            super::base_tables(&join.relation, &BTreeSet::new(), &mut tables);
        }
    }
    match (qualifier, &tables[..]) {
        (None, [(_, only)]) => Some(only.clone()),
        (None, _) => None,
        (Some(alias), all) => all.iter().find(|(name, _)| name == alias).map(|(_, table)| table.clone()),
    }
}

/// What holds one column: from a moment on, up to a moment.
#[derive(Debug, Clone, Copy, Default)]
struct Bound {
    from: Option<Moment>,
    /// Without one, up to now.
    to: Option<Moment>,
    /// Something was said that is not understood.
    odd: bool,
}

impl Bound {
    fn window(self) -> Option<Trait> {
        let from = self.from.filter(|_| !self.odd)?;
        let now = Moment { midnight: false, back: Length::default() };
        let (to, named) = match (from.midnight, self.to) {
            (false, None) => (now, "window"),
            (false, Some(to)) if !to.midnight => (to, "window"),
            (true, Some(to)) if to.midnight => (to, "window-of-days"),
            (true, None) => (now, "window-since-midnight"),
            (true, Some(to)) if to == now => (now, "window-since-midnight"),
            _ => return None,
        };
        Some(Trait::valued(named, from.back.minus(to.back).words()?))
    }
}

/// A column by its qualifier and its name.
type Column = (Option<String>, String);

fn collect(condition: &Expr, dialect: Dialect, out: &mut BTreeMap<Column, Bound>) {
    match condition {
        Expr::Nested(inner) => collect(inner, dialect, out),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            collect(left, dialect, out);
            collect(right, dialect, out);
        }
        Expr::BinaryOp { left, op, right } => {
            if let (Some(column), Some(moment)) = (column(left), moment(right, dialect)) {
                bound(out.entry(column).or_default(), op, moment);
            } else if let (Some(moment), Some(column)) = (moment(left, dialect), column(right)) {
                bound(out.entry(column).or_default(), &turned(op), moment);
            } else if let Some((column, moment)) = age(left, right, dialect) {
                // now() - ts < length: the younger ones.
                bound(out.entry(column).or_default(), &turned(op), moment);
            }
        }
        Expr::Between { expr, negated: false, low, high } => {
            let (Some(column), Some(from), Some(to)) =
                (column(expr), moment(low, dialect), moment(high, dialect))
            else {
                return;
            };
            let bound = out.entry(column).or_default();
            // Both ends belong to it: of days nobody knows whether the last one is whole.
            bound.odd |= to.midnight || from.midnight;
            bound.from = Some(from);
            bound.to = Some(to);
        }
        _ => {}
    }
}

fn turned(op: &BinaryOperator) -> BinaryOperator {
    match op {
        BinaryOperator::Gt => BinaryOperator::Lt,
        BinaryOperator::GtEq => BinaryOperator::LtEq,
        BinaryOperator::Lt => BinaryOperator::Gt,
        BinaryOperator::LtEq => BinaryOperator::GtEq,
        other => other.clone(),
    }
}

fn bound(bound: &mut Bound, op: &BinaryOperator, moment: Moment) {
    match op {
        BinaryOperator::Gt | BinaryOperator::GtEq => {
            bound.odd |= bound.from.is_some();
            bound.from = Some(moment);
        }
        BinaryOperator::Lt | BinaryOperator::LtEq => {
            // `<= yesterday` holds all of yesterday for a date, and nothing of it for a time.
            bound.odd |= bound.to.is_some() || (moment.midnight && *op == BinaryOperator::LtEq);
            bound.to = Some(moment);
        }
        BinaryOperator::Eq if moment.midnight => {
            let day = Length { months: 0, seconds: DAY };
            bound.odd |= bound.from.is_some() || bound.to.is_some();
            bound.from = Some(moment);
            bound.to = Some(Moment { back: moment.back.minus(day), ..moment });
        }
        _ => bound.odd = true,
    }
}

/// `now() - ts` against a length of time.
fn age(left: &Expr, right: &Expr, dialect: Dialect) -> Option<(Column, Moment)> {
    let Expr::BinaryOp { left: now, op: BinaryOperator::Minus, right: since } = peeled(left) else {
        return None;
    };
    let now = moment(now, dialect)?;
    let back = now.back.plus(length(right, dialect, now.midnight)?);
    Some((column(since)?, Moment { back, ..now }))
}

fn peeled(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) => peeled(inner),
        _ => expr,
    }
}

/// A column, bare or as a date.
fn column(expr: &Expr) -> Option<Column> {
    match expr {
        Expr::Identifier(name) if !is_now(&name.value) => Some((None, super::folded(name))),
        Expr::CompoundIdentifier(names) => {
            let [.., table, name] = &names[..] else { return None };
            Some((Some(super::folded(table)), super::folded(name)))
        }
        Expr::Nested(inner) => column(inner),
        Expr::Cast { expr, .. } => column(expr),
        Expr::Function(function) if matches!(function_name(function).as_str(), "date" | "trunc") => {
            column(arguments(function).first()?)
        }
        _ => None,
    }
}

/// Functions and words that mean now (PostgreSQL manual, 9.9.5; MySQL 8.4 Reference Manual, 14.7; Transact-SQL
/// Reference, "Date and Time Data Types and Functions"; Oracle SQL Language Reference, "Datetime Functions").
fn is_now(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(
        name.as_str(),
        "now"
            | "current_timestamp"
            | "localtimestamp"
            | "clock_timestamp"
            | "statement_timestamp"
            | "transaction_timestamp"
            | "sysdate"
            | "systimestamp"
            | "getdate"
            | "getutcdate"
            | "sysdatetime"
            | "sysutcdatetime"
            | "utc_timestamp"
            | "current_datetime"
    )
}

fn is_today(name: &str) -> bool {
    matches!(name.to_ascii_lowercase().as_str(), "current_date" | "curdate" | "utc_date")
}

fn moment(expr: &Expr, dialect: Dialect) -> Option<Moment> {
    let start = |midnight: bool| Some(Moment { midnight, back: Length::default() });
    let moved = |moment: Moment, length: Length, back: bool| {
        let back = if back { moment.back.plus(length) } else { moment.back.minus(length) };
        Moment { back, ..moment }
    };
    match expr {
        Expr::Nested(inner) | Expr::AtTimeZone { timestamp: inner, .. } => moment(inner, dialect),
        Expr::Identifier(name) if name.quote_style.is_none() => match &name.value {
            name if is_now(name) => start(false),
            name if is_today(name) => start(true),
            _ => None,
        },
        Expr::Cast { expr, data_type, .. } => {
            let inner = moment(expr, dialect)?;
            match data_type {
                DataType::Date => day(inner),
                DataType::Timestamp(..) | DataType::Datetime(_) | DataType::TimestampNtz(_) => Some(inner),
                _ => None,
            }
        }
        Expr::BinaryOp { left, op, right } => {
            let back = match op {
                BinaryOperator::Minus => true,
                BinaryOperator::Plus => false,
                _ => return None,
            };
            let from = moment(left, dialect)?;
            // MySQL turns the day into a number, and takes that many units off it.
            let odd = is_number(right) && left.to_string().to_ascii_lowercase().contains("curdate");
            Some(moved(from, length(right, dialect, from.midnight).filter(|_| !odd)?, back))
        }
        Expr::Function(function) => called(function, dialect),
        _ => None,
    }
}

/// The midnight before a moment; where it is some hours back, nobody knows which.
fn day(moment: Moment) -> Option<Moment> {
    (moment.back.seconds % DAY == 0).then_some(Moment { midnight: true, ..moment })
}

fn called(function: &Function, dialect: Dialect) -> Option<Moment> {
    let name = function_name(function);
    if is_now(&name) || is_today(&name) {
        return Some(Moment { midnight: is_today(&name), back: Length::default() });
    }
    let arguments = arguments(function);
    match (name.as_str(), &arguments[..]) {
        ("date" | "trunc", [inner]) => day(moment(inner, dialect)?),
        ("date_trunc", [unit, inner]) if string(unit)?.eq_ignore_ascii_case("day") => {
            day(moment(inner, dialect)?)
        }
        ("date_sub" | "subdate" | "timestamp_sub" | "datetime_sub", [from, by]) => {
            let from = moment(from, dialect)?;
            Some(Moment { back: from.back.plus(length(by, dialect, from.midnight)?), ..from })
        }
        ("date_add" | "adddate", [from, by]) => {
            let from = moment(from, dialect)?;
            Some(Moment { back: from.back.minus(length(by, dialect, from.midnight)?), ..from })
        }
        ("dateadd" | "timestampadd", [unit, count, from]) => {
            let Expr::Identifier(unit) = unit else { return None };
            let from = moment(from, dialect)?;
            let by = Length::of(number(count)?, &unit.value.to_ascii_lowercase())?;
            Some(Moment { back: from.back.minus(by), ..from })
        }
        _ => None,
    }
}

fn string(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => number.to_string().parse().ok(),
            Value::SingleQuotedString(text) => text.trim().parse().ok(),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => Some(-number(expr)?),
        Expr::Nested(inner) => number(inner),
        Expr::BinaryOp { left, op: BinaryOperator::Divide, right } => {
            let (left, right) = (number(left)?, number(right)?);
            (right != 0.0).then(|| left / right)
        }
        Expr::BinaryOp { left, op: BinaryOperator::Multiply, right } => Some(number(left)? * number(right)?),
        _ => None,
    }
}

fn length(expr: &Expr, dialect: Dialect, of_day: bool) -> Option<Length> {
    match expr {
        Expr::Nested(inner) => length(inner, dialect, of_day),
        Expr::Interval(interval) => of_interval(interval),
        Expr::Cast { expr, data_type: DataType::Interval { .. }, .. } => in_words(string(expr)?),
        Expr::BinaryOp { left, op: BinaryOperator::Multiply, right } if !is_number(expr) => {
            let (count, unit) = match (number(left), number(right)) {
                (Some(count), None) => (count, length(right, dialect, of_day)?),
                (None, Some(count)) => (count, length(left, dialect, of_day)?),
                _ => return None,
            };
            (count.fract() == 0.0 && count.abs() < 1e6).then(|| Length {
                months: unit.months.saturating_mul(count as i64),
                seconds: unit.seconds.saturating_mul(count as i64),
            })
        }
        Expr::Function(function) if function_name(function) == "make_interval" => named_parts(function),
        Expr::Function(function) if matches!(function_name(function).as_str(), "numtodsinterval") => {
            match arguments(function)[..] {
                [count, unit] => Length::of(number(count)?, &string(unit)?.to_ascii_lowercase()),
                _ => None,
            }
        }
        _ if dialect == Dialect::Postgres && !of_day && string(expr).is_some() => in_words(string(expr)?),
        // A number of days: Oracle counts so everywhere, PostgreSQL from a date (manual, table 9.32).
        _ if dialect == Dialect::Oracle || (of_day && dialect == Dialect::Postgres) => {
            is_number(expr).then(|| Length::of(number(expr)?, "day")).flatten()
        }
        _ => None,
    }
}

fn is_number(expr: &Expr) -> bool {
    string(expr).is_none() && number(expr).is_some()
}

/// `make_interval(hours => 6)`.
fn named_parts(function: &Function) -> Option<Length> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let mut sum = Length::default();
    for argument in &list.args {
        let (name, value) = match argument {
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => (name, value),
            FunctionArg::ExprNamed {
                name: Expr::Identifier(name),
                arg: FunctionArgExpr::Expr(value),
                ..
            } => (name, value),
            _ => return None,
        };
        sum = sum.plus(Length::of(number(value)?, &name.value.to_ascii_lowercase())?);
    }
    Some(sum)
}

fn of_interval(interval: &Interval) -> Option<Length> {
    if interval.last_field.is_some() {
        return None;
    }
    let Some(field) = &interval.leading_field else { return in_words(string(&interval.value)?) };
    let unit = match field {
        DateTimeField::Year | DateTimeField::Years => "year",
        DateTimeField::Month | DateTimeField::Months => "month",
        DateTimeField::Week(None) | DateTimeField::Weeks => "week",
        DateTimeField::Day | DateTimeField::Days => "day",
        DateTimeField::Hour | DateTimeField::Hours => "hour",
        DateTimeField::Minute | DateTimeField::Minutes => "minute",
        DateTimeField::Second | DateTimeField::Seconds => "second",
        _ => return None,
    };
    Length::of(number(&interval.value)?, unit)
}

/// `1 day 02:00`, `15 minutes`, `-1 day` (PostgreSQL manual, 8.5.4).
fn in_words(text: &str) -> Option<Length> {
    let mut sum = Length::default();
    let lower = text.trim().to_ascii_lowercase();
    let mut rest = lower.as_str();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '+' | ':'));
        let (count, behind) = rest.split_at(digits.unwrap_or(rest.len()));
        if count.contains(':') {
            let mut parts = count.split(':').map(str::parse::<i64>);
            let (Some(Ok(hours)), Some(Ok(minutes)), seconds) = (parts.next(), parts.next(), parts.next())
            else {
                return None;
            };
            let seconds = seconds.map_or(Some(0), Result::ok)?;
            let plain =
                (0..=9_999).contains(&hours) && (0..60).contains(&minutes) && (0..60).contains(&seconds);
            sum = plain
                .then(|| sum.plus(Length { months: 0, seconds: hours * 3600 + minutes * 60 + seconds }))?;
            rest = behind.trim_start();
            continue;
        }
        let count: f64 = count.parse().ok()?;
        let behind = behind.trim_start();
        let unit = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(unit);
        sum = sum.plus(Length::of(count, unit)?);
        rest = behind.trim_start();
    }
    (sum != Length::default()).then_some(sum)
}
