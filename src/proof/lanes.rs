//! Lists of products, and two of them held against each other by number.
//!
//! A rule set asks for the same sets again and again, so each set is looked at once: it gets a number that sets with the same content share. A product is three numbers then, and what stands on both
//! sides is found without looking at a set again. What is left is compared in [slices](super::slices), or in a space if there are too many of them.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::Arc;

use foldhash::HashMap;
use rustc_hash::{FxHashMap, FxHashSet};

use super::slices;
use crate::packet::{Address, AddressSet, Family, FlowSet, FlowSpace, IntervalSet, ServiceSet, TooLarge};

/// A set of a rule set or a plan, or one that was made out of several.
pub(super) type Shared<'a, S> = Cow<'a, Arc<S>>;

/// A product of one family. Of its sets, the addresses of that family count.
#[derive(Debug, Clone)]
pub(super) struct Lane<'a> {
    pub(super) family: Family,
    pub(super) source: Shared<'a, AddressSet>,
    pub(super) destination: Shared<'a, AddressSet>,
    pub(super) services: Shared<'a, ServiceSet>,
}

impl PartialEq for Lane<'_> {
    fn eq(&self, other: &Self) -> bool {
        let same = |one: &Arc<AddressSet>, other: &Arc<AddressSet>| match self.family {
            _ if Arc::ptr_eq(one, other) => true,
            Family::V4 => one.v4 == other.v4,
            Family::V6 => one.v6 == other.v6,
        };
        self.family == other.family
            && self.services == other.services
            && same(&self.source, &other.source)
            && same(&self.destination, &other.destination)
    }
}

impl Eq for Lane<'_> {}

/// A product by the numbers of its sets: equal numbers are equal sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Numbered {
    pub(super) source: u32,
    pub(super) destination: u32,
    pub(super) services: u32,
}

/// Two lists that should say the same.
#[derive(Clone, Copy)]
pub(super) struct Lists<'l> {
    pub(super) left: &'l [Lane<'l>],
    pub(super) right: &'l [Lane<'l>],
    /// What was decided before both, and need not be the same.
    pub(super) settled: [&'l [Lane<'l>]; 2],
}

/// The numbers of the sets of a device, of both families.
#[derive(Default)]
pub(super) struct Numbers {
    v4: OfFamily<u32>,
    v6: OfFamily<u128>,
}

impl Numbers {
    /// Whether two lists say the same, but for what is settled before them.
    ///
    /// # Errors
    /// [`TooLarge`] if neither slices nor the space have room for it.
    pub(super) fn are_one(&mut self, lists: Lists<'_>, space: &mut FlowSpace) -> Result<bool, TooLarge> {
        Ok(self.v4.are_one(lists, space)? && self.v6.are_one(lists, space)?)
    }
}

/// The numbers of sets in one family.
#[derive(Default)]
struct OfFamily<T> {
    addresses: Numbering<AddressSet, Content<T>>,
    services: Numbering<ServiceSet, Arc<ServiceSet>>,
}

/// What two lists say in one family, but for what stands in both.
pub(super) struct Sides<'n, T> {
    numbers: &'n OfFamily<T>,
    /// What one of them says, ascending.
    pub(super) left: Vec<Numbered>,
    /// What the other one says, ascending.
    pub(super) right: Vec<Numbered>,
    /// What need not be the same.
    pub(super) without: Vec<Numbered>,
}

impl<T: Address> OfFamily<T> {
    fn are_one(&mut self, lists: Lists<'_>, space: &mut FlowSpace) -> Result<bool, TooLarge> {
        self.addresses.forget_places();
        self.services.forget_places();
        let [left, right, both] = self.apart(lists);
        if left.is_empty() && right.is_empty() {
            return Ok(true);
        }
        // Mostly what is left is the same by itself, and nobody needs to know what it may leave out.
        let sides = Sides { numbers: self, left, right, without: Vec::new() };
        if slices::are_same(&sides) == Some(true) || slices::agree(&sides) == Some(true) {
            return Ok(true);
        }
        let Sides { left, right, .. } = sides;
        let sides = self.sides([left, right, both], lists);
        slices::agree(&sides).map_or_else(|| sides.agree_in(space), Ok)
    }

    /// What stands in the first list alone, in the second alone, and in both.
    fn apart(&mut self, lists: Lists<'_>) -> [Vec<Numbered>; 3] {
        let [left, right] = [lists.left, lists.right].map(|lanes| {
            let mut numbered = Vec::with_capacity(lanes.len());
            self.number(lanes, &mut numbered);
            numbered.sort_unstable();
            numbered.dedup();
            numbered
        });
        apart(left, right)
    }

    /// With what need not be the same: what stands in both lists, or is settled before them, as far as they may meet it.
    fn sides(&mut self, [left, right, mut without]: [Vec<Numbered>; 3], lists: Lists<'_>) -> Sides<'_, T> {
        lists.settled.into_iter().for_each(|lanes| self.number(lanes, &mut without));
        let mut sides = Sides { numbers: self, left, right, without };
        sides.keep_near();
        sides
    }

    /// Adds the lanes of the family by number.
    fn number(&mut self, lanes: &[Lane<'_>], into: &mut Vec<Numbered>) {
        self.addresses.expect(lanes.len());
        let own = lanes.iter().filter(|lane| lane.family == T::FAMILY);
        into.extend(own.map(|lane| Numbered {
            source: self.addresses.number(&lane.source),
            destination: self.addresses.number(&lane.destination),
            services: self.services.number(&lane.services),
        }));
    }
}

impl<T: Address> Sides<'_, T> {
    /// The addresses of a number.
    pub(super) fn addresses(&self, number: u32) -> Option<&IntervalSet<T>> {
        self.numbers.addresses.list.get(number as usize).map(|set| T::of(set))
    }

    /// The services of a number.
    pub(super) fn services(&self, number: u32) -> Option<&ServiceSet> {
        self.numbers.services.list.get(number as usize).map(|set| &**set)
    }

    /// Leaves out of `without` what has no flow in common with either side.
    fn keep_near(&mut self) {
        let near = |end: fn(&Numbered) -> u32| -> FxHashSet<u32> {
            let ends = distinct(self.left.iter().chain(&self.right).map(end));
            let sets = ends.into_iter().filter_map(|number| self.addresses(number));
            let all: IntervalSet<T> = sets.flat_map(|set| set.intervals()).copied().collect();
            let is_near = |number: &u32| self.addresses(*number).is_some_and(|set| set.intersects(&all));
            distinct(self.without.iter().map(end)).into_iter().filter(is_near).collect()
        };
        if self.without.is_empty() {
            return;
        }
        let (sources, destinations) = (near(|lane| lane.source), near(|lane| lane.destination));
        self.without.retain(|lane| sources.contains(&lane.source) && destinations.contains(&lane.destination));
    }

    /// Whether both say the same, but for what need not be, by sets of flows.
    fn agree_in(&self, space: &mut FlowSpace) -> Result<bool, TooLarge> {
        let mut union = |lanes: &[Numbered]| -> Result<FlowSet, TooLarge> {
            let mut found = Vec::with_capacity(lanes.len());
            for lane in lanes {
                let [source, destination] = [lane.source, lane.destination]
                    .map(|number| T::wrap(self.addresses(number).cloned().unwrap_or_default()));
                let services = self.services(lane.services).cloned().unwrap_or_default();
                found.push(space.product(&source, &destination, &services)?);
            }
            space.union_all(&found)
        };
        let [left, right, without] = [union(&self.left)?, union(&self.right)?, union(&self.without)?];
        Ok(space.difference(left, without)? == space.difference(right, without)?)
    }
}

/// Numbers, ascending and each once.
pub(super) fn distinct(numbers: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut numbers: Vec<u32> = numbers.collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// What is in the first of two ascending lists alone, what in the second alone, and what in both.
fn apart(left: Vec<Numbered>, right: Vec<Numbered>) -> [Vec<Numbered>; 3] {
    let [mut in_left, mut in_right, mut in_both] = [const { Vec::new() }; 3];
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(one), Some(other)) = (left.peek(), right.peek()) {
        match one.cmp(other) {
            std::cmp::Ordering::Less => in_left.extend(left.next()),
            std::cmp::Ordering::Greater => in_right.extend(right.next()),
            std::cmp::Ordering::Equal => {
                in_both.extend(left.next());
                right.next();
            }
        }
    }
    in_left.extend(left);
    in_right.extend(right);
    [in_left, in_right, in_both]
}

/// More sets than this are not kept for where they lie, from one way to the next.
const MOST_KEPT: usize = if cfg!(test) { 5 } else { 100_000 };

/// Each content once, by number.
struct Numbering<S, C> {
    list: Vec<Arc<S>>,
    known: HashMap<C, u32>,
    /// By where a set is, so that its content is looked at once.
    places: FxHashMap<*const S, u32>,
    /// The sets of `places`, lest others come to lie there.
    kept: Vec<Arc<S>>,
}

impl<S, C> Default for Numbering<S, C> {
    fn default() -> Self {
        Self { list: Vec::new(), known: HashMap::default(), places: FxHashMap::default(), kept: Vec::new() }
    }
}

impl<S, C: Eq + Hash + From<Arc<S>>> Numbering<S, C> {
    /// Lets go of sets whose content is known anyhow, if there are very many.
    fn forget_places(&mut self) {
        if self.kept.len() > MOST_KEPT {
            self.places.clear();
            self.kept.clear();
        }
    }

    /// Makes room for some more sets, at once.
    fn expect(&mut self, more: usize) {
        if more > self.places.capacity() - self.places.len() {
            let more = more.min(MOST_KEPT);
            self.places.reserve(more);
            self.known.reserve(more);
        }
    }

    /// The number of the content of a set.
    fn number(&mut self, set: &Arc<S>) -> u32 {
        let Self { list, known, places, kept } = self;
        *places.entry(Arc::as_ptr(set)).or_insert_with(|| {
            kept.push(set.clone());
            *known.entry(set.clone().into()).or_insert_with(|| {
                list.push(set.clone());
                u32::try_from(list.len() - 1).unwrap_or(u32::MAX)
            })
        })
    }
}

/// A set as its addresses of one family.
struct Content<T>(Arc<AddressSet>, PhantomData<T>);

impl<T> From<Arc<AddressSet>> for Content<T> {
    fn from(set: Arc<AddressSet>) -> Self {
        Self(set, PhantomData)
    }
}

impl<T: Address> PartialEq for Content<T> {
    fn eq(&self, other: &Self) -> bool {
        T::of(&self.0) == T::of(&other.0)
    }
}

impl<T: Address> Eq for Content<T> {}

impl<T: Address> Hash for Content<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        T::of(&self.0).hash(state);
    }
}

#[cfg(test)]
mod tests;
