//! When and how often something happened: bounded, and mergeable in any order, so that cutting an input
//! anywhere or using more threads never changes a result. It never keeps single events.

use super::stamp::{MICROS_PER_SECOND, Stamp};
use std::collections::BTreeMap;

/// Minutes in a day: the resolution at which the shape of a day is kept.
pub const MINUTES_PER_DAY: u16 = 1_440;
/// How many occupied seconds a day keeps at most: the earliest ones.
pub const SECONDS_KEPT: usize = 256;

/// One UTC day of an activity.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day {
    /// Events on this day.
    pub count: u64,
    /// Bytes moved, where the source says.
    pub bytes: u64,
    seconds: Vec<u32>,
    /// Occupied minutes behind that of the last kept second; the seconds tell the others.
    minutes: Vec<u16>,
}

/// Up to so many days of a use take no more room than they need.
const FEW_DAYS: usize = 4;

/// Adds to a sorted vector without repeating; the common case is an append at the end.
fn insert_sorted<T: Ord + Copy>(list: &mut Vec<T>, value: T) {
    match list.last() {
        Some(last) if *last == value => {}
        Some(last) if *last > value => {
            if let Err(index) = list.binary_search(&value) {
                list.insert(index, value);
            }
        }
        _ => list.push(value),
    }
}

fn union_sorted<T: Ord + Copy>(left: &mut Vec<T>, right: &[T]) {
    if left.last() < right.first() {
        left.extend_from_slice(right);
    } else {
        let mine = std::mem::take(left);
        left.reserve(mine.len() + right.len());
        let (mut a, mut b) = (mine.iter().copied().peekable(), right.iter().copied().peekable());
        while let (Some(x), Some(y)) = (a.peek().copied(), b.peek().copied()) {
            left.push(x.min(y));
            if x <= y {
                a.next();
            }
            if y <= x {
                b.next();
            }
        }
        left.extend(a.chain(b));
    }
}

impl Day {
    fn add(&mut self, second: u32, bytes: u64) {
        self.count = self.count.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        let last = self.seconds.last().copied();
        if self.seconds.len() < SECONDS_KEPT {
            insert_sorted(&mut self.seconds, second);
        } else if last.is_some_and(|last| second < last) {
            insert_sorted(&mut self.seconds, second);
            self.cut();
        } else if last.is_some_and(|last| second / 60 > last / 60) {
            insert_sorted(&mut self.minutes, (second / 60) as u16);
        }
    }

    fn merge(&mut self, other: &Day) {
        self.count = self.count.saturating_add(other.count);
        self.bytes = self.bytes.saturating_add(other.bytes);
        union_sorted(&mut self.minutes, &other.minutes);
        union_sorted(&mut self.seconds, &other.seconds);
        self.cut();
    }

    /// Drops seconds beyond what is kept; only their minutes stay, and only what the kept ones do not tell.
    fn cut(&mut self) {
        let dropped = self.seconds.split_off(SECONDS_KEPT.min(self.seconds.len()));
        let Some(last) = self.seconds.last().map(|second| (second / 60) as u16) else { return };
        if !dropped.is_empty() {
            let mut minutes: Vec<u16> = dropped.iter().map(|second| (second / 60) as u16).collect();
            minutes.dedup();
            union_sorted(&mut self.minutes, &minutes);
        }
        self.minutes.retain(|minute| *minute > last);
    }

    /// A day of which only the number of events is known.
    pub(super) fn counted(count: u64) -> Day {
        Day { count, ..Day::default() }
    }

    /// A day by its parts; `minutes` says those that `seconds` (0 to 86,399) do not tell, in any order. A second
    /// that no day has is refused.
    pub(super) fn from_parts(count: u64, bytes: u64, mut seconds: Vec<u32>, minutes: &[u16]) -> Option<Day> {
        seconds.sort_unstable();
        seconds.dedup();
        if seconds.last().is_some_and(|second| *second / 60 >= u32::from(MINUTES_PER_DAY)) {
            return None;
        }
        let mut minutes = minutes.to_vec();
        minutes.sort_unstable();
        minutes.dedup();
        let fits = minutes.last().is_none_or(|minute| *minute < MINUTES_PER_DAY);
        let mut day = Day { count, bytes, seconds, minutes };
        day.cut();
        fits.then_some(day)
    }

    /// The occupied minutes of the day (0 to 1,439) behind that of the last of [`Day::seconds`], ascending.
    pub fn later_minutes(&self) -> &[u16] {
        &self.minutes
    }

    /// The earliest seconds of the day (0 to 86,399) on which something happened, ascending.
    pub fn seconds(&self) -> &[u32] {
        &self.seconds
    }
}

/// Durations as integer counts in log-linear buckets: eight per power of two of microseconds, so a value is
/// known to within 12.5 %.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Durations(Vec<(u16, u64)>);

impl Durations {
    fn bucket(micros: u64) -> u16 {
        if micros < 8 {
            return micros as u16;
        }
        let octave = 63 - micros.leading_zeros();
        let step = (micros >> (octave - 3)) & 7;
        (octave as u16 - 2) * 8 + step as u16
    }

    /// The smallest number of microseconds that falls into a bucket.
    fn floor(bucket: u16) -> u64 {
        if bucket < 8 {
            return u64::from(bucket);
        }
        let octave = u32::from(bucket / 8) + 2;
        (8 + u64::from(bucket % 8)) << (octave - 3)
    }

    fn add(&mut self, micros: u64) {
        self.add_many(Durations::bucket(micros), 1);
    }

    fn add_many(&mut self, bucket: u16, more: u64) {
        match self.0.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
            Ok(index) => self.0[index].1 = self.0[index].1.saturating_add(more),
            Err(index) => self.0.insert(index, (bucket, more)),
        }
    }

    fn merge(&mut self, other: &Durations) {
        for (bucket, count) in &other.0 {
            self.add_many(*bucket, *count);
        }
    }

    /// The occupied buckets with their counts, ascending.
    pub(super) fn buckets(&self) -> impl Iterator<Item = (u16, u64)> {
        self.0.iter().copied()
    }

    /// Whether a duration falls into a bucket of this number.
    pub(super) fn has_bucket(bucket: u16) -> bool {
        bucket <= Durations::bucket(u64::MAX)
    }

    /// Counts by bucket; a bucket that no duration falls into is refused.
    pub(super) fn from_buckets(buckets: impl IntoIterator<Item = (u16, u64)>) -> Option<Durations> {
        let mut all = Durations::default();
        for (bucket, count) in buckets {
            if !Durations::has_bucket(bucket) {
                return None;
            }
            all.add_many(bucket, count);
        }
        Some(all)
    }

    /// How many durations were seen.
    pub fn count(&self) -> u64 {
        self.0.iter().fold(0, |sum, (_, n)| sum.saturating_add(*n))
    }

    /// The duration, in microseconds, that `per_mille` of a thousand do not exceed; none were seen: `None`.
    pub fn quantile(&self, per_mille: u32) -> Option<u64> {
        let total = self.count();
        let rank = (u128::from(total) * u128::from(per_mille)).div_ceil(1000).max(1);
        let mut seen = 0u128;
        for (bucket, count) in &self.0 {
            seen += u128::from(*count);
            if seen >= rank {
                return Some(Durations::floor(*bucket));
            }
        }
        None
    }
}

/// When and how often.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Activity {
    /// By day since 1970-01-01, ascending.
    days: Vec<(i32, Day)>,
    first: Option<Stamp>,
    last: Option<Stamp>,
    durations: Durations,
    undated: u64,
}

impl Activity {
    /// Nothing happened (yet): the activity of something only declared or written.
    pub fn none() -> Activity {
        Activity::default()
    }

    /// One event.
    pub fn at(stamp: Stamp) -> Activity {
        let mut activity = Activity::none();
        activity.add(stamp, 0, None);
        activity
    }

    /// An activity by its parts, the days in any order; of a day that is told twice, the later holds.
    pub(super) fn from_parts(
        days: Vec<(i32, Day)>,
        first: Option<Stamp>,
        last: Option<Stamp>,
        durations: Durations,
        undated: u64,
    ) -> Activity {
        let mut activity = Activity { days: Vec::new(), first, last, durations, undated };
        if days.windows(2).all(|pair| pair[0].0 < pair[1].0) {
            activity.days = days;
        } else {
            for (number, day) in days {
                *activity.day(number) = day;
            }
        }
        activity
    }

    /// A day, empty where nothing happened on it yet; mostly it is the last.
    fn day(&mut self, number: i32) -> &mut Day {
        let last = self.days.last().map(|(last, _)| *last);
        let index = match last {
            Some(last) if last == number => self.days.len() - 1,
            Some(last) if last > number => {
                self.days.binary_search_by_key(&number, |(day, _)| *day).unwrap_or_else(|index| {
                    self.days.insert(index, (number, Day::default()));
                    index
                })
            }
            _ => {
                if self.days.len() == self.days.capacity() && self.days.len() < FEW_DAYS {
                    // Most uses have a day or two, and a list begins with room for four.
                    self.days.reserve_exact(1);
                }
                self.days.push((number, Day::default()));
                self.days.len() - 1
            }
        };
        &mut self.days[index].1
    }

    /// Forgets how long events took.
    pub(super) fn drop_durations(&mut self) {
        self.durations = Durations::default();
    }

    /// Counts one event; `bytes` moved by it and how long it took, where the source says.
    pub fn add(&mut self, stamp: Stamp, bytes: u64, duration_micros: Option<u64>) {
        self.day(stamp.day()).add(stamp.second_of_day(), bytes);
        self.first = Some(self.first.map_or(stamp, |first| first.min(stamp)));
        self.last = self.last.max(Some(stamp));
        if let Some(micros) = duration_micros {
            self.durations.add(micros);
        }
    }

    /// Counts events of which nobody says when they were: a server's totals.
    pub fn add_undated(&mut self, count: u64) {
        self.undated = self.undated.saturating_add(count);
    }

    /// Events of which nobody says when they were.
    pub fn undated(&self) -> u64 {
        self.undated
    }

    /// Takes over another's events: union of minutes, smallest seconds of the union, integer addition.
    pub fn merge(&mut self, other: &Activity) {
        for (day, theirs) in &other.days {
            self.day(*day).merge(theirs);
        }
        self.first = match (self.first, other.first) {
            (Some(mine), Some(theirs)) => Some(mine.min(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
        self.last = self.last.max(other.last);
        self.undated = self.undated.saturating_add(other.undated);
        self.durations.merge(&other.durations);
    }

    /// All events.
    pub fn count(&self) -> u64 {
        self.days.iter().fold(self.undated, |sum, (_, day)| sum.saturating_add(day.count))
    }

    /// The earliest event.
    pub fn first(&self) -> Option<Stamp> {
        self.first
    }

    /// The latest event.
    pub fn last(&self) -> Option<Stamp> {
        self.last
    }

    /// Per UTC day since 1970-01-01, ascending.
    pub fn days(&self) -> impl Iterator<Item = (i32, &Day)> {
        self.days.iter().map(|(day, what)| (*day, what))
    }

    /// How long events took.
    pub fn durations(&self) -> &Durations {
        &self.durations
    }

    /// The seconds on which something happened, ascending: exact for days with few events, the starts of
    /// the occupied minutes after the last kept second on busy days.
    pub fn moments(&self) -> Vec<Stamp> {
        let mut moments = Vec::new();
        for (day, what) in &self.days {
            let midnight = i64::from(*day) * 86_400;
            moments.extend(what.seconds.iter().map(|s| Stamp::from_seconds(midnight + i64::from(*s))));
            moments.extend(what.minutes.iter().map(|m| Stamp::from_seconds(midnight + i64::from(*m) * 60)));
        }
        moments
    }

    /// Its parts, by what each moment belongs to. A day of which not every second was kept gives what is only counted to
    /// the part with the most of its moments, as it does its bytes; durations, which are of no moment, go to the part with the
    /// most events.
    pub fn parted<K: Ord + Clone>(self, of: impl Fn(Stamp) -> K) -> Vec<(K, Activity)> {
        let mut parts: BTreeMap<K, Activity> = BTreeMap::new();
        for (number, day) in &self.days {
            let midnight = i64::from(*number) * 86_400;
            let at = |second: u32| of(Stamp::from_seconds(midnight + i64::from(second)));
            let mut shares: BTreeMap<K, Day> = BTreeMap::new();
            for second in &day.seconds {
                shares.entry(at(*second)).or_default().seconds.push(*second);
            }
            for minute in &day.minutes {
                shares.entry(at(u32::from(*minute) * 60)).or_default().minutes.push(*minute);
            }
            let size = |day: &Day| day.seconds.len() + day.minutes.len();
            let mut told = 0u64;
            for share in shares.values_mut() {
                share.count = size(share) as u64;
                told = told.saturating_add(share.count);
            }
            // Of equal ones the first: a function of the set.
            let most = shares.iter().rev().max_by_key(|(_, share)| size(share)).map(|(key, _)| key.clone());
            if let Some(share) = most.and_then(|key| shares.get_mut(&key)) {
                share.count = share.count.saturating_add(day.count.saturating_sub(told));
                share.bytes = day.bytes;
            }
            for (key, share) in shares {
                parts.entry(key).or_default().days.push((*number, share));
            }
        }
        for part in parts.values_mut() {
            let moments = part.moments();
            (part.first, part.last) = (moments.first().copied(), moments.last().copied());
        }
        for (end, stamp) in [(true, self.first), (false, self.last)] {
            let Some(stamp) = stamp else { continue };
            if let Some(part) = parts.get_mut(&of(stamp)) {
                if end { part.first = Some(stamp) } else { part.last = Some(stamp) }
            }
        }
        let most = parts.iter().rev().max_by_key(|(_, part)| part.count()).map(|(key, _)| key.clone());
        if let Some(part) = most.and_then(|key| parts.get_mut(&key)) {
            part.durations = self.durations;
        }
        parts.into_iter().collect()
    }

    /// How far from its first to its last event, in seconds.
    pub fn span_seconds(&self) -> i64 {
        match (self.first, self.last) {
            (Some(first), Some(last)) => (last.0 - first.0) / MICROS_PER_SECOND,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_bucket_holds_its_own_floor() {
        for micros in [0, 1, 7, 8, 9, 15, 16, 17, 1_000, 123_456, 3_600_000_000, u64::MAX] {
            let bucket = Durations::bucket(micros);
            let floor = Durations::floor(bucket);
            assert!(floor <= micros, "{micros} lies below the floor {floor} of its bucket");
            assert_eq!(Durations::bucket(floor), bucket);
            assert!(micros - floor <= micros / 8, "{micros} is further than an eighth from {floor}");
        }
    }
}
