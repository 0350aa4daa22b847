//! The rows that most of a file consists of, uses exactly as `write` puts them, read at the speed of memory. What is
//! written in any other way is none of these, and goes the way of all JSON: this never refuses a row, and never takes
//! one that the other way would refuse or would take for something else.

use super::super::activity::{Activity, Day, Durations, MINUTES_PER_DAY};
use super::super::groups::Tally;
use super::super::place::{At, Place, Places};
use super::super::stamp::Stamp;
use super::super::usage::{Shape, Use};
use super::row::{Decoder, Key, Kind, MOST};
use std::borrow::Cow;
use std::sync::LazyLock;

/// What stands between a use's key and its shape.
const SHAPE: &str = ",\"shape\":[\"";
/// Finds it.
static SHAPES: LazyLock<memchr::memmem::Finder<'static>> =
    LazyLock::new(|| memchr::memmem::Finder::new(SHAPE));

/// What remains of a line.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Takes this text, or nothing.
    fn skip(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// Whether this text comes next; it is taken.
    fn has(&mut self, text: &str) -> bool {
        self.skip(text).is_some()
    }

    /// A whole number as JSON writes it, without a sign.
    fn number(&mut self) -> Option<u64> {
        let bytes = self.0.as_bytes();
        let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
        // Nineteen digits always fit; nobody writes a zero in front of others.
        if digits == 0 || digits > 19 || (digits > 1 && bytes[0] == b'0') {
            return None;
        }
        let value = bytes[..digits].iter().fold(0, |sum, b| sum * 10 + u64::from(b - b'0'));
        self.0 = &self.0[digits..];
        Some(value)
    }

    /// A count that a row may have.
    fn count(&mut self) -> Option<u64> {
        self.number().filter(|count| *count <= MOST)
    }

    fn signed(&mut self) -> Option<i64> {
        let negative = self.has("-");
        let value = i64::try_from(self.number()?).ok()?;
        Some(if negative { -value } else { value })
    }

    /// A moment that a calendar has.
    fn stamp(&mut self) -> Option<Stamp> {
        let micros = self.signed()?;
        jiff::Timestamp::from_microsecond(micros).ok().map(|_| Stamp(micros))
    }

    /// The text up to the next quote, its own begun already.
    fn string(&mut self) -> Option<Cow<'a, str>> {
        let bytes = self.0.as_bytes();
        let mut end = memchr::memchr2(b'"', b'\\', bytes)?;
        let plain = bytes[end] == b'"';
        while bytes.get(end)? != &b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        let text = self.0.get(..end)?;
        self.0 = self.0.get(end + 1..)?;
        match plain {
            true => (!text.bytes().any(|b| b < b' ')).then_some(Cow::Borrowed(text)),
            false => serde_json::from_str(&format!("\"{text}\"")).ok().map(Cow::Owned),
        }
    }

    /// What stands between brackets, the opening one taken already, each told to `one`.
    fn list(&mut self, mut one: impl FnMut(&mut Rest<'a>) -> Option<()>) -> Option<()> {
        loop {
            one(self)?;
            if self.has("]") {
                return Some(());
            }
            self.skip(",")?;
        }
    }

    /// A day's number, its events and its bytes, as far as its moments.
    fn day_head(&mut self) -> Option<(i32, u64, u64)> {
        self.skip("[")?;
        let number = i32::try_from(self.signed()?).ok()?;
        jiff::Timestamp::from_second(i64::from(number) * 86_400).ok()?;
        self.skip(",")?;
        let count = self.count()?;
        self.skip(",")?;
        let bytes = self.count()?;
        self.skip(",[")?;
        Some((number, count, bytes))
    }

    /// A day; `room` is used again, because what is kept is to take no more memory than it needs.
    fn day(&mut self, room: &mut Vec<u32>) -> Option<(i32, Day)> {
        let (number, count, bytes) = self.day_head()?;
        room.clear();
        self.list(|rest| u32::try_from(rest.number()?).ok().map(|second| room.push(second)))?;
        let seconds = room.as_slice().to_vec();
        let mut minutes: Vec<u16> = Vec::new();
        if self.has(",[") {
            self.list(|rest| u16::try_from(rest.number()?).ok().map(|minute| minutes.push(minute)))?;
        }
        self.skip("]")?;
        Some((number, Day::from_parts(count, bytes, seconds, &minutes)?))
    }

    /// A day's number and its events; its moments are looked at and passed over.
    fn counted_day(&mut self) -> Option<(i32, u64)> {
        let (number, count, _) = self.day_head()?;
        self.pass(u32::from(MINUTES_PER_DAY) * 60)?;
        if self.has(",[") {
            self.pass(u32::from(MINUTES_PER_DAY))?;
        }
        self.skip("]")?;
        Some((number, count))
    }

    /// Passes over numbers below a bound, as far as the bracket behind them.
    fn pass(&mut self, below: u32) -> Option<()> {
        let bytes = self.0.as_bytes();
        let (mut at, mut number, mut digits) = (0, 0u32, 0);
        loop {
            let byte = *bytes.get(at)?;
            at += 1;
            if byte.is_ascii_digit() {
                // Five digits are enough for any of a day, and nobody writes a zero in front of others.
                if digits == 5 || (digits == 1 && number == 0) {
                    return None;
                }
                number = number * 10 + u32::from(byte - b'0');
                digits += 1;
                continue;
            }
            if digits == 0 || number >= below {
                return None;
            }
            (number, digits) = (0, 0);
            match byte {
                b',' => {}
                b']' => break,
                _ => return None,
            }
        }
        self.0 = &self.0[at..];
        Some(())
    }

    /// A bucket of durations with its count.
    fn took(&mut self) -> Option<(u16, u64)> {
        self.skip("[")?;
        let bucket = u16::try_from(self.number()?).ok()?;
        self.skip(",")?;
        let count = self.count()?;
        self.skip("]")?;
        Some((bucket, count))
    }

    /// A place with its moment.
    fn place(&mut self) -> Option<(Option<Stamp>, Cow<'a, str>, At)> {
        self.skip("[")?;
        let stamp = if self.has("null") { None } else { Some(self.stamp()?) };
        self.skip(",\"")?;
        let path = self.string()?;
        self.skip(",")?;
        let at = self.at()?;
        self.skip("]")?;
        Some((stamp, path, at))
    }

    fn at(&mut self) -> Option<At> {
        if self.has("\"whole\"") {
            return Some(At::Whole);
        }
        self.skip("{\"")?;
        let at = if self.has("line\":") {
            At::Line(self.number()?)
        } else if self.has("byte\":") {
            At::Byte(self.number()?)
        } else {
            self.skip("packet\":")?;
            At::Packet(self.number()?)
        };
        self.skip("}")?;
        Some(at)
    }
}

/// The next field's name, if it is this one.
fn field(rest: &mut Rest<'_>, first: &mut bool, name: &str) -> bool {
    let before = rest.0;
    if !*first && !rest.has(",") {
        return false;
    }
    if rest.has(name) {
        *first = false;
        return true;
    }
    rest.0 = before;
    false
}

/// Where parts of a row are put together.
#[derive(Default)]
pub(super) struct Room {
    days: Vec<(i32, Day)>,
    seconds: Vec<u32>,
}

/// A row of a use up to when it was seen.
pub(super) struct Head<'a> {
    /// The row's key.
    pub key: Key<'a>,
    /// The fingerprint of its statement.
    pub fingerprint: u64,
    /// Its statement.
    pub sample: Cow<'a, str>,
    rest: Rest<'a>,
}

impl<'a> Head<'a> {
    /// The beginning of a line that is one as `write` puts it; `before` is the key of the row before, which mostly is this
    /// one's.
    pub fn of(line: &'a str, before: Option<&str>) -> Option<Head<'a>> {
        let body = line.strip_prefix("{\"use\":")?;
        let same = before.filter(|key| body.strip_prefix(*key).is_some_and(|rest| rest.starts_with(SHAPE)));
        // No text holds a quote that is not escaped: what is found is no part of one.
        let end = match same {
            Some(key) => key.len(),
            None => SHAPES.find(body.as_bytes())?,
        };
        let of = body.get(..end)?;
        // The bracket and the quote belong to the shape.
        let mut rest = Rest(body.get(end + SHAPE.len() - 2..)?);
        let begin = rest.0;
        rest.skip("[\"")?;
        let digits = rest.0.get(..16).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let fingerprint = u64::from_str_radix(digits, 16).ok()?;
        rest.0 = &rest.0[16..];
        rest.skip("\",\"")?;
        let sample = rest.string()?;
        rest.skip("]")?;
        let key = Key { kind: Kind::Use, of, shape: &begin[..begin.len() - rest.0.len()] };
        rest.skip(",\"seen\":{")?;
        Some(Head { key, fingerprint, sample, rest })
    }

    /// How often it was seen on which day: all that the row says is looked at, and no more of it is kept. A row that
    /// [`Decoder::quick`] does not take is not taken here.
    pub fn tally(&self, tally: &mut Tally) -> Option<()> {
        let mut rest = Rest(self.rest.0);
        tally.clear();
        let mut first_field = true;
        if field(&mut rest, &mut first_field, "\"days\":[") {
            rest.list(|rest| rest.counted_day().map(|day| tally.days.push(day)))?;
            if !tally.days.is_sorted_by(|a, b| a.0 < b.0) {
                return None;
            }
        }
        if field(&mut rest, &mut first_field, "\"first\":") {
            tally.first = Some(rest.stamp()?);
        }
        if field(&mut rest, &mut first_field, "\"last\":") {
            tally.last = Some(rest.stamp()?);
        }
        if field(&mut rest, &mut first_field, "\"undated\":") {
            tally.undated = rest.count()?;
        }
        if field(&mut rest, &mut first_field, "\"took\":[") {
            rest.list(|rest| rest.took().filter(|(bucket, _)| Durations::has_bucket(*bucket)).map(|_| ()))?;
        }
        if field(&mut rest, &mut first_field, "\"at\":[") {
            rest.list(|rest| rest.place().map(|_| ()))?;
        }
        rest.skip("}}")?;
        rest.0.is_empty().then_some(())
    }
}

impl Decoder {
    /// A use, if the line is one as `write` puts it; else the line may still be a row.
    pub(super) fn quick<'a>(&mut self, line: &'a str) -> Option<(Key<'a>, Use)> {
        let Head { key, fingerprint, sample, mut rest } = Head::of(line, self.key())?;
        let (activity, places) = self.quick_seen(&mut rest)?;
        if !rest.0.is_empty() {
            return None;
        }
        let shape = Shape { fingerprint, sample: self.text(&sample) };
        let what = self.what(key.of, shape).ok()?;
        Some((key, Use { what, activity, places }))
    }

    fn quick_seen(&mut self, rest: &mut Rest<'_>) -> Option<(Activity, Places)> {
        let mut first_field = true;
        let Room { days, seconds } = &mut self.room;
        days.clear();
        if field(rest, &mut first_field, "\"days\":[") {
            rest.list(|rest| rest.day(seconds).map(|day| days.push(day)))?;
        }
        let mut kept = Vec::with_capacity(days.len());
        kept.append(days);
        let mut moment = |rest: &mut Rest<'_>, name| match field(rest, &mut first_field, name) {
            true => rest.stamp().map(Some),
            false => Some(None),
        };
        let (first, last) = (moment(rest, "\"first\":")?, moment(rest, "\"last\":")?);
        let undated = if field(rest, &mut first_field, "\"undated\":") { rest.count()? } else { 0 };
        let mut took = Vec::new();
        if field(rest, &mut first_field, "\"took\":[") {
            rest.list(|rest| rest.took().map(|one| took.push(one)))?;
        }
        let took = Durations::from_buckets(took)?;
        let mut places = Places::default();
        if field(rest, &mut first_field, "\"at\":[") {
            rest.list(|rest| {
                let (stamp, path, at) = rest.place()?;
                places.add(stamp, Place { input: self.path(&path), at });
                Some(())
            })?;
        }
        rest.skip("}}")?;
        Some((Activity::from_parts(kept, first, last, took, undated), places))
    }
}
