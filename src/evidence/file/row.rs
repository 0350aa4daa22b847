//! One row: what it says as JSON, and back. The key of a row is compared as the bytes it is written in; only who needs
//! its meaning decodes it. It never trusts a row: numbers that no clock, day or log can give are refused.

use super::super::activity::{Activity, Day, Durations};
use super::super::crowd::Crowd;
use super::super::fact::Fact;
use super::super::gap::{Gap, GapCode};
use super::super::mention::{Actor, Mention, MentionKind, Text};
use super::super::place::{At, Place, Places};
use super::super::stamp::Stamp;
use super::super::usage::{
    Action, Basis, Class, Confidence, Outcome, Resource, ResourceKind, Scope, Shape, Trait, Use, What,
};
use super::super::vantage::Vantage;
use super::quick::Room;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

/// A count or a size above this is no log's: sums of many such rows still fit into 64 bits.
pub(super) const MOST: u64 = 1 << 48;

/// A text of a row, borrowed from it where JSON needed no escape.
#[derive(Serialize, Deserialize)]
struct Str<'a>(#[serde(borrow)] Cow<'a, str>);

fn str(text: &Text) -> Str<'_> {
    Str(Cow::Borrowed(text))
}

/// The kinds of rows, in the order in which they stand: that of their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Who is behind an application name.
    Crowd,
    /// A fact.
    Fact,
    /// A gap.
    Gap,
    /// A use.
    Use,
    /// A vantage.
    Vantage,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Crowd => "crowd",
            Kind::Fact => "fact",
            Kind::Gap => "gap",
            Kind::Use => "use",
            Kind::Vantage => "vantage",
        }
    }
}

/// A row as it is written: its parts are JSON that nobody has looked into yet.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawRow<'a> {
    #[serde(borrow)]
    crowd: Option<&'a RawValue>,
    #[serde(borrow)]
    fact: Option<&'a RawValue>,
    #[serde(borrow)]
    gap: Option<&'a RawValue>,
    #[serde(borrow, rename = "use")]
    used: Option<&'a RawValue>,
    #[serde(borrow)]
    vantage: Option<&'a RawValue>,
    #[serde(borrow)]
    shape: Option<&'a RawValue>,
    #[serde(borrow)]
    seen: Option<&'a RawValue>,
    /// How many rows came before, in the last row of a file.
    pub end: Option<u64>,
}

/// What orders rows, and says which of two files are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key<'a> {
    /// The kind.
    pub kind: Kind,
    /// Of what, as JSON.
    pub of: &'a str,
    /// The shape of a use, as JSON; else empty.
    pub shape: &'a str,
}

impl<'a> RawRow<'a> {
    /// Takes a line apart; the error says what is wrong with it.
    pub fn parse(line: &'a str) -> Result<RawRow<'a>, String> {
        serde_json::from_str(line).map_err(|error| wrong(&error))
    }

    /// The row's key; a row of no kind or of several has none.
    pub fn key(&self) -> Option<Key<'a>> {
        let kinds = [
            (Kind::Crowd, self.crowd),
            (Kind::Fact, self.fact),
            (Kind::Gap, self.gap),
            (Kind::Use, self.used),
            (Kind::Vantage, self.vantage),
        ];
        let mut stated = kinds.into_iter().filter_map(|(kind, of)| Some((kind, of?.get())));
        let (kind, of) = stated.next()?;
        let alone = stated.next().is_none() && self.end.is_none();
        let whole =
            self.shape.is_some() == (kind == Kind::Use) && self.seen.is_some() == (kind != Kind::Fact);
        (alone && whole).then_some(Key { kind, of, shape: self.shape.map_or("", RawValue::get) })
    }
}

/// What a row states.
pub enum Stated {
    /// Who is behind an application name.
    Crowd(Text, Crowd),
    /// A fact.
    Fact(Fact),
    /// A gap.
    Gap(Gap),
    /// A use.
    Use(Use),
    /// A vantage.
    Vantage(Vantage),
}

/// The fields of a [`What`] but its shape; what is usual is not written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group<'a> {
    #[serde(borrow)]
    vantage: Str<'a>,
    #[serde(borrow)]
    actor: Vec<(MentionKind, Str<'a>)>,
    action: Action,
    #[serde(borrow)]
    resource: Of<'a>,
    #[serde(default = "ok", skip_serializing_if = "is_ok")]
    outcome: Outcome,
    #[serde(default = "app", skip_serializing_if = "is_app")]
    class: Class,
    #[serde(default = "production", skip_serializing_if = "is_production")]
    scope: Scope,
    #[serde(default = "observed", skip_serializing_if = "is_observed")]
    basis: Basis,
    #[serde(default = "high", skip_serializing_if = "is_high")]
    confidence: Confidence,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    traits: Vec<(Str<'a>, Option<Str<'a>>)>,
}

/// A [`Resource`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Of<'a> {
    kind: ResourceKind,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    server: Option<Str<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    database: Option<Str<'a>>,
    #[serde(borrow)]
    parts: Vec<Str<'a>>,
}

macro_rules! usual {
    ($($name:ident $is:ident $of:ident $value:ident;)*) => {$(
        fn $name() -> $of { $of::$value }
        fn $is(it: &$of) -> bool { *it == $of::$value }
    )*};
}
usual! {
    ok is_ok Outcome Ok;
    app is_app Class App;
    production is_production Scope Production;
    observed is_observed Basis Observed;
    high is_high Confidence High;
}

/// When, how often and where.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Seen<'a> {
    days: Vec<DayRow>,
    first: Option<Stamp>,
    last: Option<Stamp>,
    undated: u64,
    took: Vec<(u16, u64)>,
    #[serde(borrow)]
    at: Vec<(Option<Stamp>, Str<'a>, At)>,
}

/// A day: its number, its events, its bytes, its seconds, and the later minutes where seconds were dropped.
#[derive(Deserialize)]
struct DayRow(i32, u64, u64, Vec<u32>, #[serde(default)] Vec<u16>);

/// Where a gap was first, and how often it occurred.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GapSeen {
    at: At,
    count: u64,
}

/// JSON of what always has some.
fn json(what: &impl Serialize) -> String {
    serde_json::to_string(what).expect("texts, numbers and lists of them are JSON")
}

/// The JSON of a use's key without its shape.
pub fn group(what: &What) -> String {
    let resource = &what.resource;
    json(&Group {
        vantage: str(&what.vantage),
        actor: what.actor.iter().map(|mention| (mention.kind, str(&mention.text))).collect(),
        action: what.action,
        resource: Of {
            kind: resource.kind,
            server: resource.server.as_ref().map(str),
            database: resource.database.as_ref().map(str),
            parts: resource.parts.iter().map(str).collect(),
        },
        outcome: what.outcome,
        class: what.class,
        scope: what.scope,
        basis: what.basis,
        confidence: what.confidence,
        traits: what.traits.iter().map(|it| (str(&it.name), it.value.as_ref().map(str))).collect(),
    })
}

/// The JSON of a shape, ordered as its fingerprint is.
pub fn shape(shape: &Shape) -> String {
    let mut out = Line(Vec::with_capacity(shape.sample.len() + 24));
    out.shape(shape);
    out.into_text()
}

/// A line that is written: what serde would write, without a tree of it first.
struct Line(Vec<u8>);

impl Line {
    fn put(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn number(&mut self, number: impl itoa::Integer) {
        self.put(itoa::Buffer::new().format(number));
    }

    fn text(&mut self, text: &str) {
        serde_json::to_writer(&mut self.0, text).expect("a text is JSON, and memory takes it");
    }

    /// What stands between commas.
    fn each<T>(&mut self, all: impl Iterator<Item = T>, mut one: impl FnMut(&mut Line, T)) {
        for (index, item) in all.enumerate() {
            if index > 0 {
                self.put(",");
            }
            one(self, item);
        }
    }

    /// A field of an object that has begun; its name with its quotes and colon.
    fn field(&mut self, name: &str) {
        if self.0.last() != Some(&b'{') {
            self.put(",");
        }
        self.put(name);
    }

    fn shape(&mut self, shape: &Shape) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.put("[\"");
        self.0.extend((0..16).rev().map(|at| DIGITS[(shape.fingerprint >> (4 * at)) as usize & 15]));
        self.put("\",");
        self.text(&shape.sample);
        self.put("]");
    }

    fn day(&mut self, number: i32, day: &Day) {
        self.put("[");
        self.number(number);
        self.put(",");
        self.number(day.count);
        self.put(",");
        self.number(day.bytes);
        self.put(",[");
        self.each(day.seconds().iter(), |out, second| out.number(*second));
        self.put("]");
        if !day.later_minutes().is_empty() {
            self.put(",[");
            self.each(day.later_minutes().iter(), |out, minute| out.number(*minute));
            self.put("]");
        }
        self.put("]");
    }

    fn at(&mut self, at: At) {
        let (name, number) = match at {
            At::Whole => return self.put("\"whole\""),
            At::Line(number) => ("{\"line\":", number),
            At::Byte(number) => ("{\"byte\":", number),
            At::Packet(number) => ("{\"packet\":", number),
        };
        self.put(name);
        self.number(number);
        self.put("}");
    }

    fn seen(&mut self, activity: &Activity, places: &Places) {
        self.put("{");
        if activity.days().next().is_some() {
            self.field("\"days\":[");
            self.each(activity.days(), |out, (number, day)| out.day(number, day));
            self.put("]");
        }
        for (name, moment) in [("\"first\":", activity.first()), ("\"last\":", activity.last())] {
            if let Some(moment) = moment {
                self.field(name);
                self.number(moment.0);
            }
        }
        if activity.undated() > 0 {
            self.field("\"undated\":");
            self.number(activity.undated());
        }
        if activity.durations().buckets().next().is_some() {
            self.field("\"took\":[");
            self.each(activity.durations().buckets(), |out, (bucket, count)| {
                out.put("[");
                out.number(bucket);
                out.put(",");
                out.number(count);
                out.put("]");
            });
            self.put("]");
        }
        if places.first().is_some() {
            self.field("\"at\":[");
            self.each(places.iter(), |out, (stamp, place)| {
                out.put("[");
                match stamp {
                    Some(stamp) => out.number(stamp.0),
                    None => out.put("null"),
                }
                out.put(",");
                out.text(&place.input);
                out.put(",");
                out.at(place.at);
                out.put("]");
            });
            self.put("]");
        }
        self.put("}");
    }

    fn into_text(self) -> String {
        String::from_utf8(self.0).expect("texts and numbers are UTF-8")
    }
}

/// The line of a use whose key is known, with its end.
pub fn line_of_use(of: &str, shape: &Shape, activity: &Activity, places: &Places) -> Vec<u8> {
    let mut out = Line(Vec::with_capacity(of.len() + shape.sample.len() + 512));
    out.put("{\"use\":");
    out.put(of);
    out.put(",\"shape\":");
    out.shape(shape);
    out.put(",\"seen\":");
    out.seen(activity, places);
    out.put("}\n");
    out.0
}

/// The line of a row, with its end.
pub fn line(kind: Kind, of: &str, seen: &str) -> Vec<u8> {
    let mut line = String::with_capacity(of.len() + seen.len() + 40);
    line.extend(["{\"", kind.word(), "\":", of]);
    if !seen.is_empty() {
        line.extend([",\"seen\":", seen]);
    }
    line.push_str("}\n");
    line.into_bytes()
}

/// A row's key and line, but for uses, whose key is made once for many.
pub fn encode(stated: &Stated) -> (String, Vec<u8>) {
    let (kind, of, seen) = match stated {
        Stated::Crowd(name, crowd) => (Kind::Crowd, json(name), json(crowd)),
        Stated::Fact(fact) => (Kind::Fact, json(fact), String::new()),
        Stated::Gap(gap) => {
            let seen = json(&GapSeen { at: gap.place.at, count: gap.count });
            (Kind::Gap, json(&(&gap.place.input, gap.code, &gap.detail)), seen)
        }
        Stated::Use(it) => {
            let of = group(&it.what);
            let line = line_of_use(&of, &it.what.shape, &it.activity, &it.places);
            return (of, line);
        }
        Stated::Vantage(vantage) => (Kind::Vantage, json(&vantage.id), json(vantage)),
    };
    let line = line(kind, &of, &seen);
    (of, line)
}

/// Turns rows into what they state; texts that many rows share are kept once.
#[derive(Default)]
pub struct Decoder {
    texts: HashSet<Text, foldhash::fast::FixedState>,
    group: Option<(String, What)>,
    path: Option<Text>,
    pub(super) room: Room,
}

impl Decoder {
    pub(super) fn text(&mut self, text: &str) -> Text {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let new = Text::from(text);
        self.texts.insert(new.clone());
        new
    }

    /// The key of the use that was decoded last.
    pub(super) fn key(&self) -> Option<&str> {
        self.group.as_ref().map(|(of, _)| of.as_str())
    }

    /// The text of a place, which is mostly that of the place before.
    pub(super) fn path(&mut self, text: &str) -> Text {
        if let Some(path) = self.path.as_ref().filter(|path| ***path == *text) {
            return path.clone();
        }
        let path = self.text(text);
        self.path = Some(path.clone());
        path
    }

    /// What a row states; the error says what is wrong with it.
    pub fn decode(&mut self, row: &RawRow<'_>) -> Result<Stated, String> {
        let key = row.key().ok_or("no row of an evidence file")?;
        let seen = row.seen.map_or("", RawValue::get);
        let wrong = |error: serde_json::Error| wrong(&error);
        Ok(match key.kind {
            Kind::Crowd => {
                let crowd: Crowd = serde_json::from_str(seen).map_err(wrong)?;
                let mut bounded = Crowd::default();
                bounded.merge(crowd);
                Stated::Crowd(serde_json::from_str(key.of).map_err(wrong)?, bounded)
            }
            Kind::Fact => Stated::Fact(serde_json::from_str(key.of).map_err(wrong)?),
            Kind::Gap => {
                let (input, code, detail): (Text, GapCode, Text) =
                    serde_json::from_str(key.of).map_err(wrong)?;
                let GapSeen { at, count } = serde_json::from_str(seen).map_err(wrong)?;
                Stated::Gap(Gap { place: Place { input, at }, code, detail, count: bounded(count)? })
            }
            Kind::Use => {
                let shape = self.shape(key.shape).map_err(wrong)?;
                let what = self.what(key.of, shape).map_err(wrong)?;
                let (activity, places) = self.seen(serde_json::from_str(seen).map_err(wrong)?)?;
                Stated::Use(Use { what, activity, places })
            }
            Kind::Vantage => {
                let vantage: Vantage = serde_json::from_str(seen).map_err(wrong)?;
                bounded(vantage.lost)?;
                let id: Text = serde_json::from_str(key.of).map_err(wrong)?;
                if vantage.id != id {
                    return Err("a vantage under another's name".to_owned());
                }
                Stated::Vantage(vantage)
            }
        })
    }

    fn shape(&mut self, shape: &str) -> Result<Shape, serde_json::Error> {
        let (fingerprint, sample): (Str<'_>, Str<'_>) = serde_json::from_str(shape)?;
        let fingerprint = u64::from_str_radix(&fingerprint.0, 16).map_err(serde::de::Error::custom)?;
        Ok(Shape { fingerprint, sample: self.text(&sample.0) })
    }

    /// A use's key; rows that follow each other mostly differ in the shape alone.
    pub(super) fn what(&mut self, of: &str, shape: Shape) -> Result<What, serde_json::Error> {
        if let Some((known, what)) = &self.group
            && known == of
        {
            return Ok(What { shape, ..what.clone() });
        }
        let group: Group<'_> = serde_json::from_str(of)?;
        let what = What {
            vantage: self.text(&group.vantage.0),
            actor: group
                .actor
                .into_iter()
                .map(|(kind, text)| Mention { kind, text: self.text(&text.0) })
                .collect::<Actor>(),
            action: group.action,
            resource: Resource {
                kind: group.resource.kind,
                server: group.resource.server.map(|text| self.text(&text.0)),
                database: group.resource.database.map(|text| self.text(&text.0)),
                parts: group.resource.parts.into_iter().map(|text| self.text(&text.0)).collect(),
            },
            shape,
            outcome: group.outcome,
            class: group.class,
            scope: group.scope,
            basis: group.basis,
            confidence: group.confidence,
            traits: group
                .traits
                .into_iter()
                .map(|(name, value)| Trait {
                    name: self.text(&name.0),
                    value: value.map(|value| self.text(&value.0)),
                })
                .collect::<BTreeSet<Trait>>(),
        };
        self.group = Some((of.to_owned(), what.clone()));
        Ok(what)
    }

    fn seen(&mut self, seen: Seen<'_>) -> Result<(Activity, Places), String> {
        let mut days = Vec::with_capacity(seen.days.len());
        for DayRow(number, count, bytes, seconds, minutes) in seen.days {
            let midnight = Stamp::from_seconds(i64::from(number) * 86_400);
            let dated = jiff::Timestamp::from_microsecond(midnight.0).is_ok();
            let day = Day::from_parts(bounded(count)?, bounded(bytes)?, seconds, &minutes);
            let day = day.filter(|_| dated).ok_or("a day that no calendar has")?;
            days.push((number, day));
        }
        for (_, count) in &seen.took {
            bounded(*count)?;
        }
        let took = Durations::from_buckets(seen.took).ok_or("a duration that no clock has")?;
        let mut places = Places::default();
        for (stamp, input, at) in seen.at {
            places.add(stamp, Place { input: self.text(&input.0), at });
        }
        let undated = bounded(seen.undated)?;
        Ok((Activity::from_parts(days, seen.first, seen.last, took, undated), places))
    }
}

/// What is wrong with a text, without a word of it: it may be anybody's.
pub(super) fn wrong(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "what stands there is none of this format",
        _ => "this is no JSON",
    };
    format!("{what} (column {})", error.column())
}

/// A count that can be added up with many others.
pub(super) fn bounded(count: u64) -> Result<u64, String> {
    if count <= MOST { Ok(count) } else { Err("a count that no log has".to_owned()) }
}
