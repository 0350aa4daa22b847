//! One part of a calendar event: numbers, ranges and steps with commas between them, as `calendarspec.c` reads
//! and checks them. It never knows which part of a date or time it is.

use super::super::Rejected;
use super::rejected;

/// How many microseconds a second has: the last part of a time counts in them.
pub(super) const SECOND: i64 = 1_000_000;
/// How many elements one part may have (CALENDARSPEC_COMPONENTS_MAX).
const MAX_ELEMENTS: usize = 241;

/// One element: `start`, `start..stop`, `start/step` or `start..stop/step`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Element {
    pub start: i64,
    pub stop: Option<i64>,
    /// 0: it does not repeat.
    pub step: i64,
}

/// The elements of one part; none stands for `*`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chain(pub Vec<Element>);

/// What a part counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Whole numbers.
    Whole,
    /// Seconds, with up to six digits behind the point.
    Seconds,
}

impl Chain {
    /// A single number.
    pub fn of(value: i64) -> Chain {
        Chain(vec![Element { start: value, stop: None, step: 0 }])
    }

    /// Reads one part and gives it with what follows it.
    pub fn parse(text: &str, unit: Unit) -> Result<(Chain, &str), Rejected> {
        if let Some(rest) = text.strip_prefix('*') {
            let every_second = Element { start: 0, stop: None, step: SECOND };
            let chain = if unit == Unit::Seconds { Chain(vec![every_second]) } else { Chain::default() };
            return Ok((chain, rest));
        }
        let mut elements = Vec::new();
        let mut rest = text;
        loop {
            if elements.len() == MAX_ELEMENTS {
                return Err(rejected("more than 241 numbers in one part"));
            }
            let (element, after) = Element::parse(rest, unit)?;
            elements.push(element);
            match after.strip_prefix(',') {
                Some(next) => rest = next,
                None => return Ok((Chain(elements), after)),
            }
        }
    }

    /// Whether it stands for every value.
    pub fn is_star(&self) -> bool {
        self.0.is_empty()
    }

    /// Cuts ranges to whole steps and drops doubles, then holds it to its bounds.
    pub fn settle(&mut self, part: &str, low: i64, high: i64, from_end: bool) -> Result<(), Rejected> {
        for element in &mut self.0 {
            element.settle();
        }
        self.0.sort_unstable();
        self.0.dedup();
        // Days counted from the end of the month reach back to the fourth of a long one.
        let high = if from_end { high - 3 } else { high };
        match self.0.iter().find(|element| !element.fits(low, high, from_end)) {
            None => Ok(()),
            Some(element) => Err(rejected(format!("{part}: {} is not within it", element.shown(part)))),
        }
    }

    /// The first value at or after `from`; a step without an end goes on beyond the part's bounds.
    pub fn next(&self, from: i64) -> Option<i64> {
        if self.is_star() {
            return Some(from);
        }
        self.0.iter().filter_map(|element| element.next(from)).min()
    }

    /// How far beyond its bounds a step comes down, where the first number beyond them is this; 0: no step does.
    pub fn over(&self, limit: i64) -> i8 {
        let over = if self.is_star() { None } else { self.next(limit) };
        over.and_then(|value| i8::try_from(value - limit).ok()).unwrap_or(0)
    }

    /// The values from 0 to 63 as bits, up to `high`.
    pub fn bits(&self, low: i64, high: i64) -> u64 {
        let mut bits = 0;
        let mut value = low;
        while let Some(found) = self.next(value).filter(|found| *found <= high) {
            bits |= 1 << found;
            value = found + 1;
        }
        bits
    }
}

/// A number in front of a text, in the unit's smallest step, and what follows it.
fn number(text: &str, unit: Unit) -> Result<(i64, &str), Rejected> {
    let digits = |text: &str| text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let end = digits(text);
    let (whole, mut rest) = text.split_at(end);
    let too_large = || rejected(format!("{whole} is too large"));
    if whole.is_empty() {
        return Err(rejected(match text.chars().next() {
            Some(found) => format!("a number is missing at {found:?}"),
            None => "a number is missing at the end".to_owned(),
        }));
    }
    let mut value: i64 = whole.parse().map_err(|_| too_large())?;
    if unit == Unit::Seconds {
        value = value.checked_mul(SECOND).ok_or_else(too_large)?;
        // One point is a decimal point, two are a range.
        if let Some(after) = rest.strip_prefix('.').filter(|after| !after.starts_with('.')) {
            let (fraction, after) = after.split_at(digits(after));
            if fraction.is_empty() {
                return Err(rejected(format!("digits are missing behind {whole}.")));
            }
            value += microseconds(fraction);
            rest = after;
        }
    }
    if value > i64::from(i32::MAX) {
        return Err(too_large());
    }
    Ok((value, rest))
}

/// Six digits of a fraction, the seventh rounds.
fn microseconds(fraction: &str) -> i64 {
    let digit = |at: usize| fraction.as_bytes().get(at).map_or(0, |digit| i64::from(digit - b'0'));
    let six = (0..6).fold(0, |value, at| value * 10 + digit(at));
    six + i64::from(digit(6) >= 5)
}

impl Element {
    fn parse(text: &str, unit: Unit) -> Result<(Element, &str), Rejected> {
        let (start, mut rest) = number(text, unit)?;
        let (mut stop, mut step) = (None, 0);
        if let Some(after) = rest.strip_prefix("..") {
            let (value, after) = number(after, unit)?;
            (stop, rest) = (Some(value), after);
            step = if unit == Unit::Seconds { SECOND } else { 1 };
        }
        if let Some(after) = rest.strip_prefix('/') {
            (step, rest) = number(after, unit)?;
            if step == 0 {
                return Err(rejected("a step of 0"));
            }
        } else if unit == Unit::Seconds && stop.is_some_and(|stop| start + step > stop) {
            return Err(rejected("a range of less than a second needs a step"));
        }
        if !rest.is_empty() && !rest.starts_with([' ', ',', '-', '~', ':']) {
            return Err(rejected(format!("{rest:?} cannot follow a number")));
        }
        Ok((Element { start, stop, step }, rest))
    }

    fn settle(&mut self) {
        let Some(stop) = self.stop else { return };
        let mut stop = stop;
        if stop > self.start && self.step > 0 {
            stop -= (stop - self.start) % self.step;
        }
        self.stop = Some(stop);
        if stop == self.start {
            (self.stop, self.step) = (None, 0);
        }
    }

    fn fits(&self, low: i64, high: i64, from_end: bool) -> bool {
        let starts = (low..=high).contains(&self.start) && self.step <= high - low;
        let repeats = match self.stop {
            Some(stop) => (low..=high).contains(&stop) && self.start + self.step <= stop,
            None if from_end => self.start - self.step >= low,
            None => self.start + self.step <= high,
        };
        starts && repeats
    }

    fn next(&self, from: i64) -> Option<i64> {
        if self.start >= from {
            return Some(self.start);
        }
        if self.step == 0 {
            return None;
        }
        let steps = (from - self.start + self.step - 1) / self.step;
        let value = self.start + steps * self.step;
        self.stop.is_none_or(|stop| value <= stop).then_some(value)
    }

    fn shown(&self, part: &str) -> String {
        let scale = if part == "second" { SECOND } else { 1 };
        let stop = self.stop.map(|stop| format!("..{}", stop / scale)).unwrap_or_default();
        let step = if self.step > 0 { format!("/{}", self.step / scale) } else { String::new() };
        format!("{}{stop}{step}", self.start / scale)
    }
}
