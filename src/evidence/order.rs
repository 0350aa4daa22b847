//! Uses in their one order, each once. It knows how uses are held and merged, and nothing of what they say.

use super::activity::Activity;
use super::place::Places;
use super::store::SHAPES_KEPT;
use super::usage::{Shape, Use, What};
use rayon::prelude::*;
use std::borrow::Cow;
use std::cmp::Ordering;

/// So many uses may wait before equal ones are merged.
const WAITING: usize = 1 << 20;

/// A use, or one that is lent.
pub(super) trait Row: Send {
    fn what(&self) -> &What;
    fn shape(&self) -> &Shape;
    /// Takes over when and where another was seen, which is told nowhere else any more.
    fn take_over(&mut self, other: &mut Self);
    /// Stands for all shapes that are not kept.
    fn fold(&mut self);
}

impl Row for Use {
    fn what(&self) -> &What {
        &self.what
    }

    fn shape(&self) -> &Shape {
        &self.what.shape
    }

    fn take_over(&mut self, other: &mut Use) {
        self.activity.merge(&other.activity);
        self.places.merge(std::mem::take(&mut other.places));
    }

    fn fold(&mut self) {
        self.what.shape = Shape::other();
    }
}

/// A use that somebody else holds.
pub(super) struct Lent<'a> {
    /// All but its shape.
    pub what: &'a What,
    /// Its shape.
    pub shape: Cow<'a, Shape>,
    /// When.
    pub activity: Cow<'a, Activity>,
    /// Where.
    pub places: Cow<'a, Places>,
}

impl<'a> Lent<'a> {
    /// One that is lent.
    pub fn of(what: &'a What, activity: &'a Activity, places: &'a Places) -> Lent<'a> {
        let (activity, places) = (Cow::Borrowed(activity), Cow::Borrowed(places));
        Lent { what, shape: Cow::Borrowed(&what.shape), activity, places }
    }

    /// A copy to be kept.
    pub fn into_use(self) -> Use {
        let what = What { shape: self.shape.into_owned(), ..self.what.clone() };
        Use { what, activity: self.activity.into_owned(), places: self.places.into_owned() }
    }
}

impl Row for Lent<'_> {
    fn what(&self) -> &What {
        self.what
    }

    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn take_over(&mut self, other: &mut Self) {
        self.activity.to_mut().merge(&other.activity);
        self.places.to_mut().merge(std::mem::take(&mut other.places).into_owned());
    }

    fn fold(&mut self) {
        self.shape = Cow::Owned(Shape::other());
    }
}

fn compare(a: &impl Row, b: &impl Row) -> Ordering {
    a.what().cmp_but_shape(b.what()).then_with(|| a.shape().cmp(b.shape()))
}

/// In order, each once. What is in order already, as rows of a file nearly are, takes no time.
pub(super) fn once<R: Row>(mut rows: Vec<R>) -> Vec<R> {
    rows.par_sort_by(compare);
    rows.dedup_by(|later, kept| {
        let same = compare(later, kept).is_eq();
        if same {
            kept.take_over(later);
        }
        same
    });
    rows
}

/// Folds shapes beyond [`SHAPES_KEPT`] of what is in order and stands there once.
pub(super) fn folded<R: Row>(mut rows: Vec<R>) -> Vec<R> {
    // How many shapes of the group were kept, and where the rest of it goes: all in place, because there may be many.
    let (mut end, mut kept, mut rest) = (0, 0, None);
    for at in 0..rows.len() {
        let same = end > 0 && rows[end - 1].what().cmp_but_shape(rows[at].what()).is_eq();
        if !same {
            (kept, rest) = (0, None);
        }
        if kept < SHAPES_KEPT {
            kept += 1;
        } else if let Some(fold) = rest {
            let (before, from) = rows.split_at_mut(at);
            let before: &mut [R] = before;
            let fold: &mut R = &mut before[fold];
            fold.take_over(&mut from[0]);
            continue;
        } else {
            rows[at].fold();
            rest = Some(end);
        }
        rows.swap(end, at);
        end += 1;
    }
    rows.truncate(end);
    rows
}

/// Uses that wait to be merged.
#[derive(Debug, Default)]
pub(super) struct Heaps {
    all: Vec<Vec<Use>>,
    count: usize,
    /// How many of them are known to be each its own.
    single: usize,
}

impl Heaps {
    /// Adds some.
    pub fn add(&mut self, uses: Vec<Use>) {
        if uses.is_empty() {
            return;
        }
        self.count += uses.len();
        self.all.push(uses);
        // Many files that hold the same uses are no more than one of them.
        if self.count > WAITING.max(2 * self.single) {
            let merged = once(std::mem::take(self).into_one(0));
            (self.count, self.single) = (merged.len(), merged.len());
            self.all.push(merged);
        }
    }

    /// Takes over others.
    pub fn merge(&mut self, other: Heaps) {
        other.all.into_iter().for_each(|uses| self.add(uses));
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Use> {
        self.all.iter().flatten()
    }

    /// All of them in one, with room for more.
    pub fn into_one(mut self, more: usize) -> Vec<Use> {
        if let ([_], 0) = (&self.all[..], more) {
            return self.all.remove(0);
        }
        let mut one = Vec::with_capacity(self.count + more);
        self.all.into_iter().for_each(|uses| one.extend(uses));
        one
    }
}
