//! Does it come by the clock? Moments are folded by each candidate period; a beat is hit when a moment lies in the
//! densest window of the phase, and many hits by chance are unlikely under a Poisson process of the same
//! rate (binomial tail, Bonferroni over candidates and phases). Bursts are collapsed first, because their
//! events are not independent. It never says who it is or whether that is bad.

use crate::evidence::Stamp;

/// How many beats must have been hit before a period is claimed.
pub const MIN_BEATS: usize = 14;
/// The periods asked for, in seconds: calendar-like ones, shortest first.
const PERIODS: [i64; 18] = [
    60, 120, 180, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 14_400, 21_600, 28_800, 43_200, 86_400,
    172_800, 604_800,
];
/// The share of beats in the span that must be hit.
const MIN_HIT_SHARE: f64 = 0.8;
/// The share of all events that must lie on beats.
const MIN_EXPLAINED: f64 = 0.9;
/// The chance that must not be exceeded, after Bonferroni.
const MAX_CHANCE: f64 = 1e-6;

/// A clock found in a series of moments.
#[derive(Debug, Clone, PartialEq)]
pub struct Beat {
    /// The period in seconds.
    pub period: i64,
    /// The phase in seconds after a multiple of the period since 1970-01-01T00:00:00Z.
    pub phase: i64,
    /// How far from the beat, in seconds, the moments lie at most.
    pub tolerance: i64,
    /// The beats within the span.
    pub beats: usize,
    /// Those that were hit.
    pub hits: usize,
    /// The moments after bursts were collapsed.
    pub events: usize,
}

/// Moments closer to the one before than `gap` seconds belong to one burst, which counts as its first. More than
/// `most` bursts are of no use: `None`.
fn collapse(seconds: &[i64], gap: i64, most: i64) -> Option<Vec<i64>> {
    let mut last = i64::MIN;
    let mut bursts = Vec::new();
    let most = usize::try_from(most).unwrap_or(0);
    for second in seconds {
        if last == i64::MIN || second - last > gap {
            if bursts.len() >= most {
                return None;
            }
            bursts.push(*second);
        }
        last = *second;
    }
    Some(bursts)
}

/// How many bursts a period's beats can have: a window holds one, because bursts are further apart than it is wide,
/// and most bursts lie in windows.
fn most_bursts(seconds: &[i64], period: i64) -> i64 {
    let span = seconds.last().unwrap_or(&0) - seconds.first().unwrap_or(&0);
    ((span / period + 3) as f64 / MIN_EXPLAINED) as i64 + 1
}

/// ln P(X ≥ hits) for X binomial: the Chernoff bound, which is enough to reject chance.
fn ln_tail(hits: f64, beats: f64, chance: f64) -> f64 {
    let share = hits / beats;
    if share <= chance {
        return 0.0;
    }
    let term = |p: f64, q: f64| if p <= 0.0 { 0.0 } else { p * (p / q).ln() };
    -beats * (term(share, chance) + term(1.0 - share, 1.0 - chance))
}

/// More moments than this are first counted in bins, which rules most periods out without sorting.
const MANY: usize = 512;
/// How many bins that may take.
const MAX_BINS: i64 = 65_536;

/// Whether so many moments can lie within one window of the phase: two neighbouring bins hold any window.
fn possible(events: &[i64], period: i64, tolerance: i64) -> bool {
    let width = 2 * tolerance + 1;
    let count = (period + width - 1) / width;
    if events.len() < MANY || !(3..=MAX_BINS).contains(&count) {
        return true;
    }
    let mut bins = vec![0u32; count as usize];
    for event in events {
        bins[(event.rem_euclid(period) / width) as usize] += 1;
    }
    let most = (0..bins.len()).map(|at| bins[at] + bins[(at + 1) % bins.len()]).max().unwrap_or(0);
    // The last bin may be narrower than a window, so that a window around the turn touches three.
    let turn = bins[0] + bins[bins.len() - 1] + bins[bins.len() - 2];
    f64::from(most.max(turn)) >= MIN_EXPLAINED * events.len() as f64
}

fn try_period(events: &[i64], period: i64, tolerance: i64) -> Option<(Beat, f64)> {
    if !possible(events, period, tolerance) {
        return None;
    }
    let mut phases: Vec<i64> = events.iter().map(|event| event.rem_euclid(period)).collect();
    phases.sort_unstable();
    // The window that holds most phases, going around once.
    let count = phases.len();
    let around: Vec<i64> = phases.iter().copied().chain(phases.iter().map(|phase| phase + period)).collect();
    let (mut best, mut best_at, mut start) = (0, 0, 0);
    for end in 0..around.len() {
        while around[end] - around[start] > 2 * tolerance {
            start += 1;
        }
        let inside = (end - start + 1).min(count);
        if inside > best {
            (best, best_at) = (inside, start);
        }
    }
    let phase = (around[best_at] + tolerance).rem_euclid(period);
    let near = |event: i64| {
        let off = (event - phase).rem_euclid(period);
        off.min(period - off) <= tolerance
    };
    let beat_of = |event: i64| (event - phase + period / 2).div_euclid(period);
    let (first, last) = (beat_of(*events.first()?), beat_of(*events.last()?));
    let beats = usize::try_from(last - first + 1).ok()?;
    let mut hit: Vec<i64> =
        events.iter().filter(|event| near(**event)).map(|event| beat_of(*event)).collect();
    let on_beat = hit.len();
    hit.dedup();
    let found = Beat { period, phase, tolerance, beats, hits: hit.len(), events: count };
    let enough = found.hits >= MIN_BEATS
        && found.hits as f64 >= MIN_HIT_SHARE * beats as f64
        && on_beat as f64 >= MIN_EXPLAINED * count as f64;
    if !enough {
        return None;
    }
    let rate = count as f64 / (beats as f64 * period as f64);
    let chance = 1.0 - (-rate * (2 * tolerance + 1) as f64).exp();
    let trials = (PERIODS.len() * 3) as f64 * (period as f64 / (2 * tolerance + 1) as f64).max(1.0);
    let ln_p = ln_tail(found.hits as f64, beats as f64, chance) + trials.ln();
    (ln_p < MAX_CHANCE.ln()).then_some((found, ln_p))
}

/// The shortest calendar period that the moments keep to, if any; the moments ascend.
pub fn beat(moments: &[Stamp]) -> Option<Beat> {
    let seconds: Vec<i64> = moments.iter().map(|moment| moment.seconds()).collect();
    for period in PERIODS {
        for tolerance in [2, period / 40, period / 10] {
            let tolerance = tolerance.clamp(1, 300);
            let gap = (2 * tolerance).min(period / 4);
            let Some(events) = collapse(&seconds, gap, most_bursts(&seconds, period)) else { continue };
            if events.len() < MIN_BEATS {
                continue;
            }
            if let Some((found, _)) = try_period(&events, period, tolerance) {
                return Some(found);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small generator of reproducible noise (SplitMix64).
    struct Noise(u64);
    impl Noise {
        fn below(&mut self, bound: i64) -> i64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) % bound as u64) as i64
        }
    }

    fn stamps(mut seconds: Vec<i64>) -> Vec<Stamp> {
        seconds.sort_unstable();
        seconds.into_iter().map(Stamp::from_seconds).collect()
    }

    const START: i64 = 1_793_000_000 - 1_793_000_000 % 3600;

    #[test]
    fn a_quarter_hourly_poller_with_jitter_is_found_with_its_own_period() {
        let mut noise = Noise(1);
        let moments = stamps((0..300).map(|beat| START + beat * 900 + noise.below(4)).collect());
        let found = beat(&moments).map(|beat| (beat.period, beat.beats, beat.hits));
        assert_eq!(found, Some((900, 300, 300)));
    }

    #[test]
    fn missed_beats_do_not_hide_an_hourly_job() {
        let mut noise = Noise(2);
        let kept = (0..100).filter(|_| noise.below(100) >= 15).collect::<Vec<i64>>();
        let moments = stamps(kept.iter().map(|beat| START + beat * 3600 + 300 + noise.below(20)).collect());
        assert_eq!(beat(&moments).map(|beat| beat.period), Some(3600));
    }

    #[test]
    fn people_and_chance_are_not_clocks() {
        for seed in 0..200 {
            let mut noise = Noise(seed);
            let poisson: Vec<i64> = (0..300).map(|_| START + noise.below(5 * 86_400)).collect();
            assert_eq!(beat(&stamps(poisson)), None, "300 random moments, seed {seed}");
            let mut sessions = Vec::new();
            for _ in 0..25 {
                let start = START + noise.below(5) * 86_400 + 8 * 3600 + noise.below(9 * 3600);
                sessions.extend((0..8).map(|_| start + noise.below(900)));
            }
            assert_eq!(beat(&stamps(sessions)), None, "sessions of a person, seed {seed}");
        }
    }

    #[test]
    fn thirteen_beats_are_not_enough_to_claim_a_period() {
        assert_eq!(beat(&stamps((0..13).map(|beat| START + beat * 86_400).collect())), None);
    }
}
