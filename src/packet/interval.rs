//! Sets of integers as sorted intervals.
//!
//! The canonical form is a list of closed intervals, ascending, disjoint, and never adjacent; so equality of sets is equality
//! of lists, and every operation is one merge of two lists.

use std::fmt::Debug;
use std::hash::{Hash, Hasher};

use smallvec::{Array, SmallVec};

use super::count::Count;

/// An integer that intervals are made of.
pub trait Value: Copy + Ord + Hash + Debug {
    /// As many intervals as a set holds in itself. Most sets have one interval or two; more of them lie elsewhere.
    type Few: Array<Item = Interval<Self>> + Ord + Debug;
    /// The smallest value.
    const MIN: Self;
    /// The largest value.
    const MAX: Self;
    /// The next value, if there is one.
    fn next(self) -> Option<Self>;
    /// The value before, if there is one.
    fn previous(self) -> Option<Self>;
    /// The same number in the widest type.
    fn wide(self) -> u128;
}

macro_rules! value {
    ($($integer:ty: $few:literal),*) => {$(
        impl Value for $integer {
            type Few = [Interval<Self>; $few];
            const MIN: Self = <$integer>::MIN;
            const MAX: Self = <$integer>::MAX;
            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }
            fn previous(self) -> Option<Self> {
                self.checked_sub(1)
            }
            fn wide(self) -> u128 {
                self.into()
            }
        }
    )*};
}
value!(u8: 8, u16: 4, u32: 2, u64: 1, u128: 1);

/// A closed interval: both ends belong to it, and `first <= last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval<T> {
    /// The smallest member.
    pub first: T,
    /// The largest member.
    pub last: T,
}

impl<T: Value> Hash for Interval<T> {
    /// Small ends make one word: sets are hashed whole, again and again.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let half = |value: T| u32::try_from(value.wide()).map(u64::from);
        match (half(self.first), half(self.last)) {
            (Ok(first), Ok(last)) if size_of::<T>() <= size_of::<u32>() => state.write_u64((first << 32) | last),
            _ => {
                self.first.hash(state);
                self.last.hash(state);
            }
        }
    }
}

impl<T: Value> Interval<T> {
    /// The interval of both ends, in whichever order they come.
    pub fn new(a: T, b: T) -> Self {
        Self { first: a.min(b), last: a.max(b) }
    }

    /// The interval of one value.
    pub fn single(value: T) -> Self {
        Self { first: value, last: value }
    }

    /// Every value.
    #[must_use]
    pub fn full() -> Self {
        Self { first: T::MIN, last: T::MAX }
    }

    /// Whether `value` is a member.
    pub fn contains(self, value: T) -> bool {
        self.first <= value && value <= self.last
    }

    /// The common part.
    #[must_use]
    pub fn intersection(self, other: Self) -> Option<Self> {
        let (first, last) = (self.first.max(other.first), self.last.min(other.last));
        (first <= last).then_some(Self { first, last })
    }
}

/// A set of integers. See the module for its canonical form.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IntervalSet<T: Value> {
    intervals: SmallVec<T::Few>,
}

impl<T: Value> Clone for IntervalSet<T> {
    /// In one piece, with no room to spare.
    fn clone(&self) -> Self {
        Self { intervals: SmallVec::from_slice(&self.intervals) }
    }
}

impl<T: Value> Hash for IntervalSet<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.intervals.hash(state);
    }
}

impl<T: Value> Default for IntervalSet<T> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T: Value> FromIterator<Interval<T>> for IntervalSet<T> {
    /// Collects intervals in any order, overlapping or not.
    fn from_iter<I: IntoIterator<Item = Interval<T>>>(iter: I) -> Self {
        let mut all: SmallVec<T::Few> = iter.into_iter().collect();
        if !all.is_sorted() {
            all.sort_unstable();
        }
        let is_apart = |one: &Interval<T>, next: &Interval<T>| one.last.next().is_some_and(|after| after < next.first);
        if all.windows(2).all(|pair| matches!(pair, [one, next] if is_apart(one, next))) {
            all.shrink_to_fit();
            return Self { intervals: all };
        }
        let mut set = Self { intervals: SmallVec::with_capacity(all.len()) };
        for interval in all {
            set.push(interval);
        }
        set
    }
}

impl<T: Value> From<Interval<T>> for IntervalSet<T> {
    fn from(interval: Interval<T>) -> Self {
        Self { intervals: std::iter::once(interval).collect() }
    }
}

impl<T: Value> IntervalSet<T> {
    /// The empty set.
    #[must_use]
    pub fn empty() -> Self {
        Self { intervals: SmallVec::new() }
    }

    /// Every value.
    #[must_use]
    pub fn full() -> Self {
        Interval::full().into()
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }

    /// Whether every value is a member.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.intervals.first().is_some_and(|only| *only == Interval::full())
    }

    /// The intervals of the canonical form.
    #[must_use]
    pub fn intervals(&self) -> &[Interval<T>] {
        &self.intervals
    }

    /// The smallest member.
    #[must_use]
    pub fn first(&self) -> Option<T> {
        self.intervals.first().map(|interval| interval.first)
    }

    /// Whether `value` is a member: a binary search.
    #[must_use]
    pub fn contains(&self, value: T) -> bool {
        let at = self.intervals.partition_point(|interval| interval.last < value);
        self.intervals.get(at).is_some_and(|interval| interval.first <= value)
    }

    /// Appends an interval whose `first` is not below that of the last one; merges where they touch.
    fn push(&mut self, interval: Interval<T>) {
        match self.intervals.last_mut() {
            Some(last) if last.last.next().is_none_or(|after| interval.first <= after) => {
                last.last = last.last.max(interval.last);
            }
            _ => self.intervals.push(interval),
        }
    }

    /// Members of either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if self.is_empty() {
            return other.clone();
        }
        if other.is_empty() {
            return self.clone();
        }
        let mut result = Self { intervals: SmallVec::with_capacity(self.intervals.len() + other.intervals.len()) };
        let (mut left, mut right) = (self.intervals.iter().peekable(), other.intervals.iter().peekable());
        while let Some(&&next) = match (left.peek(), right.peek()) {
            (Some(a), Some(b)) if a.first <= b.first => left.peek(),
            (Some(_), None) => left.peek(),
            _ => right.peek(),
        } {
            if left.peek().is_some_and(|&&a| a == next) {
                left.next();
            } else {
                right.next();
            }
            result.push(next);
        }
        result
    }

    /// Members of both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut result = Self::empty();
        let (mut left, mut right) = (self.intervals.iter().peekable(), other.intervals.iter().peekable());
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            if let Some(common) = a.intersection(**b) {
                result.intervals.push(common);
            }
            if a.last <= b.last {
                left.next();
            } else {
                right.next();
            }
        }
        result
    }

    /// Members of `self` that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut result = Self::empty();
        let mut cuts = other.intervals.iter().peekable();
        for interval in &self.intervals {
            let mut rest = Some(*interval);
            while let (Some(current), Some(cut)) = (rest, cuts.peek()) {
                if cut.last < current.first {
                    cuts.next();
                    continue;
                }
                if cut.first > current.last {
                    break;
                }
                if let Some(before) = cut.first.previous().filter(|&before| before >= current.first) {
                    result.intervals.push(Interval { first: current.first, last: before });
                }
                rest = cut
                    .last
                    .next()
                    .filter(|&after| after <= current.last)
                    .map(|after| Interval { first: after, last: current.last });
            }
            result.intervals.extend(rest);
        }
        result
    }

    /// Every value that is not a member.
    #[must_use]
    pub fn complement(&self) -> Self {
        Self::full().difference(self)
    }

    /// How many members.
    #[must_use]
    pub fn size(&self) -> Count {
        self.intervals.iter().fold(Count::ZERO, |sum, interval| sum.plus(Count::of(*interval)))
    }

    /// The smallest and the largest member.
    fn ends(&self) -> Option<(T, T)> {
        Some((self.intervals.first()?.first, self.intervals.last()?.last))
    }

    /// Whether the two have a common member.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        let (small, large) = if self.intervals.len() <= other.intervals.len() { (self, other) } else { (other, self) };
        small.intervals.iter().any(|interval| {
            let at = large.intervals.partition_point(|candidate| candidate.last < interval.first);
            large.intervals.get(at).is_some_and(|candidate| candidate.first <= interval.last)
        })
    }

    /// Whether every member is a member of `other`.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        match (self.ends(), other.ends()) {
            (None, _) => return true,
            (Some((first, last)), Some((least, most))) if least <= first && last <= most => {}
            _ => return false,
        }
        self.intervals.iter().all(|interval| {
            let at = other.intervals.partition_point(|candidate| candidate.last < interval.first);
            other
                .intervals
                .get(at)
                .is_some_and(|candidate| candidate.first <= interval.first && interval.last <= candidate.last)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bits(set: &IntervalSet<u8>) -> Vec<bool> {
        (0..=u8::MAX).map(|value| set.contains(value)).collect()
    }

    fn any_set() -> impl Strategy<Value = IntervalSet<u8>> {
        prop::collection::vec((any::<u8>(), any::<u8>()), 0..6)
            .prop_map(|pairs| pairs.into_iter().map(|(a, b)| Interval::new(a, b.min(a.saturating_add(60)))).collect())
    }

    fn is_canonical(set: &IntervalSet<u8>) -> bool {
        set.intervals().windows(2).all(|pair| match pair {
            [a, b] => a.last.checked_add(1).is_some_and(|after| after < b.first),
            _ => false,
        }) && set.intervals().iter().all(|interval| interval.first <= interval.last)
    }

    proptest! {
        #[test]
        fn operations_agree_with_bit_vectors(a in any_set(), b in any_set()) {
            let (x, y) = (bits(&a), bits(&b));
            for (result, operation) in [
                (a.union(&b), (|p, q| p || q) as fn(bool, bool) -> bool),
                (a.intersection(&b), |p, q| p && q),
                (a.difference(&b), |p, q| p && !q),
                (a.complement(), |p, _| !p),
            ] {
                prop_assert!(is_canonical(&result), "{result:?}");
                let expected: Vec<bool> = x.iter().zip(&y).map(|(&p, &q)| operation(p, q)).collect();
                prop_assert_eq!(bits(&result), expected);
            }
            prop_assert_eq!(a.intersects(&b), !a.intersection(&b).is_empty());
            prop_assert_eq!(a.is_subset(&b), a.difference(&b).is_empty());
            prop_assert_eq!(a.is_full(), x.iter().all(|&p| p));
        }
    }
}
