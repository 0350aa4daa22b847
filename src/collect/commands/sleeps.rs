//! Fixed sleeps between two steps of a script: what was started before one, and what is used after it. A sleep in
//! a loop or a branch waits for something it asks about, and a sleep that stands there over and over only slows
//! down; neither is stated. It never says that the first step is what the second one needs.

use crate::evidence::{Action, Resource};
use std::collections::BTreeMap;

/// How many steps before a sleep, and how many pairs of steps, one text keeps.
const MAX_STEPS: usize = 32;
const MAX_PAIRS: usize = 128;
/// From how many equal sleeps on they only slow down.
const SLOWS_DOWN: usize = 3;

/// One step of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it does.
    pub action: Action,
    /// To what.
    pub resource: Resource,
    /// Whether it goes on in the background.
    pub background: bool,
}

/// Two steps and the sleep between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The first.
    pub started: Step,
    /// The second.
    pub then: Step,
    /// How long the sleep is, in seconds.
    pub seconds: u64,
    /// The line of the sleep.
    pub line: u64,
}

/// Follows one text.
#[derive(Debug, Default)]
pub struct Sleeps {
    /// Inside how many loops and branches the text is.
    conditions: u32,
    /// Inside how many commands of the background.
    background: u32,
    started: Vec<Step>,
    slept: Option<(u64, u64, Vec<Step>)>,
    /// How often the text sleeps how long.
    lengths: BTreeMap<u64, usize>,
    pairs: Vec<Pair>,
}

impl Sleeps {
    /// A loop or branch begins.
    pub fn enter(&mut self) {
        self.conditions += 1;
    }

    /// It ends.
    pub fn leave(&mut self) {
        self.conditions = self.conditions.saturating_sub(1);
    }

    /// A command of the background begins.
    pub fn behind(&mut self) {
        self.background += 1;
    }

    /// It has been read.
    pub fn ahead(&mut self) {
        self.background = self.background.saturating_sub(1);
    }

    /// The text waits for what it started itself.
    pub fn wait(&mut self) {
        self.started.retain(|step| !step.background);
        if let Some((_, _, started)) = &mut self.slept {
            started.retain(|step| !step.background);
        }
    }

    /// The text sleeps, by these arguments of sleep(1).
    pub fn sleep(&mut self, arguments: &[String], line: u64) {
        let Some(seconds) = seconds(arguments).filter(|_| self.background == 0) else { return };
        *self.lengths.entry(seconds).or_default() += 1;
        if self.conditions == 0 {
            self.slept = Some((seconds, line, std::mem::take(&mut self.started)));
        }
    }

    /// The text does something.
    pub fn step(&mut self, action: Action, resource: &Resource) {
        let step = Step { action, resource: resource.clone(), background: self.background > 0 };
        let needs =
            matches!(action, Action::Read | Action::Call | Action::Import | Action::Consume | Action::Export);
        if let Some((seconds, line, started)) = &self.slept
            && needs
            && !step.background
        {
            for before in started {
                let (started, then) = (before.clone(), step.clone());
                let pair = Pair { started, then, seconds: *seconds, line: *line };
                if self.pairs.len() < MAX_PAIRS && !self.pairs.contains(&pair) {
                    self.pairs.push(pair);
                }
            }
        }
        let starts = matches!(action, Action::Call | Action::Export | Action::Publish | Action::Write);
        if starts && self.started.len() < MAX_STEPS && !self.started.contains(&step) {
            self.started.push(step);
        }
    }

    /// The pairs that a sleep stands between.
    pub fn finish(self) -> Vec<Pair> {
        let slows = |pair: &Pair| self.lengths.get(&pair.seconds).is_some_and(|times| *times >= SLOWS_DOWN);
        self.pairs.iter().filter(|pair| !slows(pair)).cloned().collect()
    }
}

/// The sum of what sleep(1) of GNU coreutils takes: numbers of seconds, or with `m`, `h`, `d` behind.
fn seconds(arguments: &[String]) -> Option<u64> {
    let one = |text: &String| {
        let (number, unit) = match text.strip_suffix(['s', 'm', 'h', 'd']) {
            Some(number) => (number, text.chars().last()?),
            None => (text.as_str(), 's'),
        };
        let number: f64 = number.parse().ok().filter(|number: &f64| (0.0..1e6).contains(number))?;
        let factor = match unit {
            'm' => 60.0,
            'h' => 3600.0,
            'd' => 86_400.0,
            _ => 1.0,
        };
        Some(number * factor)
    };
    let sum: f64 = arguments.iter().map(one).collect::<Option<Vec<f64>>>()?.iter().sum();
    (sum > 0.0).then_some(sum.round() as u64)
}
