//! Two unions of products, cut into slices along one address.
//!
//! A look-up says one rule once for each of its addresses. Cut at every border of either side, both sides become slices, and in each slice every service has a set of addresses at the other end. That is a
//! form that the flows alone determine, so the unions are one exactly if it is the same. Services are compared by their sets first, which agree where a line has the services of its rule, and only then
//! cut into pieces. What is dropped on both sides may be accepted on one of them further down, or not: it is left out.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use foldhash::HashMap;
use foldhash::fast::RandomState;
use rustc_hash::FxHashMap;

use super::pieces::pieces;
use crate::packet::{AddressSet, Family, Interval, IntervalSet, ServiceSet, Value};

/// A product of one family. Of its sets, the addresses of that family count.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    pub(super) family: Family,
    pub(super) source: Arc<AddressSet>,
    pub(super) destination: Arc<AddressSet>,
    pub(super) services: Arc<ServiceSet>,
}

impl Lane {
    /// The same without addresses of the other family.
    pub(super) fn narrowed(&self) -> Self {
        let only = |set: &Arc<AddressSet>| {
            let other = if self.family == Family::V4 { Family::V6 } else { Family::V4 };
            if set.is_empty_in(other) { set.clone() } else { Arc::new(set.only(self.family)) }
        };
        Self { source: only(&self.source), destination: only(&self.destination), ..self.clone() }
    }

    /// Whether it is the product of these sets in a family.
    pub(super) fn is(
        &self,
        family: Family,
        source: &Arc<AddressSet>,
        destination: &Arc<AddressSet>,
        services: &Arc<ServiceSet>,
    ) -> bool {
        let same = |one: &Arc<AddressSet>, other: &Arc<AddressSet>| match family {
            _ if Arc::ptr_eq(one, other) => true,
            Family::V4 => one.v4 == other.v4,
            Family::V6 => one.v6 == other.v6,
        };
        self.family == family
            && self.services == *services
            && same(&self.source, source)
            && same(&self.destination, destination)
    }
}

impl PartialEq for Lane {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.family, &other.source, &other.destination, &other.services)
    }
}

impl Eq for Lane {}

impl Hash for Lane {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for set in [&self.source, &self.destination] {
            match self.family {
                Family::V4 => set.v4.hash(state),
                Family::V6 => set.v6.hash(state),
            }
        }
        self.services.hash(state);
    }
}

/// Along which end slices are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Along {
    Source,
    Destination,
}

impl Along {
    /// The set that is cut, and the other one.
    fn ends(self, lane: &Lane) -> (&Arc<AddressSet>, &Arc<AddressSet>) {
        match self {
            Self::Source => (&lane.source, &lane.destination),
            Self::Destination => (&lane.destination, &lane.source),
        }
    }
}

/// More entries than this are not made: wide sets among many borders.
const MOST: usize = if cfg!(test) { 100_000 } else { 3_000_000 };

/// Whether two lists of narrowed products have one union, but for what a third one holds; `None` if there are too many slices to tell.
pub(super) fn agree(left: &[Lane], right: &[Lane], without: &[Lane]) -> Option<bool> {
    for family in Family::BOTH {
        let of = |lanes: &[Lane]| lanes.iter().any(|lane| lane.family == family);
        if !of(left) && !of(right) {
            continue;
        }
        let same = match family {
            Family::V4 => Cut { left, right, without, family, of: |set| &set.v4 }.agrees()?,
            Family::V6 => Cut { left, right, without, family, of: |set| &set.v6 }.agrees()?,
        };
        if !same {
            return Some(false);
        }
    }
    Some(true)
}

/// The lanes of one family, to be cut. No product of them is empty.
struct Cut<'a, T> {
    left: &'a [Lane],
    right: &'a [Lane],
    without: &'a [Lane],
    family: Family,
    of: fn(&AddressSet) -> &IntervalSet<T>,
}

/// In a slice, with a piece of the services: one set at the other end, by number.
type Entry = (u32, u32, u32);

/// The sets at the other end by slice and piece of the services.
type Groups<'e> = FxHashMap<(u32, u32), &'e [Entry]>;

impl<'a, T: Value> Cut<'a, T> {
    fn agrees(&self) -> Option<bool> {
        let whole = Self { without: &[], ..*self };
        if whole.agrees_over(|sets| Some((0..).zip(sets).map(|(number, _)| vec![number]).collect()))? {
            return Some(true);
        }
        self.agrees_over(pieces)
    }

    /// The same over pieces of the services, which are given for each set of them.
    fn agrees_over(&self, pieces: impl Fn(&[&Arc<ServiceSet>]) -> Option<Vec<Vec<u32>>>) -> Option<bool> {
        let services = Numbers::of(self.lanes().map(|lane| &lane.services));
        let pieces = pieces(&services.list)?;
        let ranges = |along: Along| -> usize { self.lanes().map(|lane| self.cut(along, lane).len()).sum() };
        let mut ways = [Along::Destination, Along::Source];
        ways.sort_by_key(|along| ranges(*along));
        ways.into_iter().find_map(|along| self.agrees_along(along, &services, &pieces))
    }

    fn lanes(&self) -> impl Iterator<Item = &'a Lane> + use<'a, T> {
        let family = self.family;
        let all = self.left.iter().chain(self.right).chain(self.without);
        all.filter(move |lane| lane.family == family)
    }

    /// The ranges of a lane that are cut.
    fn cut(&self, along: Along, lane: &'a Lane) -> &'a [Interval<T>] {
        (self.of)(along.ends(lane).0).intervals()
    }

    fn agrees_along(&self, along: Along, services: &Numbers<ServiceSet>, pieces: &[Vec<u32>]) -> Option<bool> {
        let mut borders: Vec<T> = Vec::new();
        for range in self.lanes().flat_map(|lane| self.cut(along, lane)) {
            borders.push(range.first);
            borders.extend(range.last.next());
        }
        borders.sort_unstable();
        borders.dedup();
        let others = Numbers::of(self.lanes().map(|lane| along.ends(lane).1));
        let entries = |lanes: &'a [Lane]| {
            let mut found: Vec<Entry> = Vec::new();
            for lane in lanes.iter().filter(|lane| lane.family == self.family) {
                let other = others.number(along.ends(lane).1)?;
                let pieces = pieces.get(services.number(&lane.services)? as usize)?;
                for range in self.cut(along, lane) {
                    let slices = numbers(*range, &borders)?;
                    if found.len() + slices.len() * pieces.len() > MOST {
                        return None;
                    }
                    found.extend(slices.flat_map(|slice| pieces.iter().map(move |piece| (slice, *piece, other))));
                }
            }
            Some(in_order(&found, borders.len()))
        };
        let [left, right, without] = [entries(self.left)?, entries(self.right)?, entries(self.without)?];
        Some(is_one(&left, &right, &groups(&without), &others.list))
    }
}

/// Entries in ascending order, each once. By slices first, of which there are many: sorting all at once takes several times as long.
fn in_order(entries: &[Entry], slices: usize) -> Vec<Entry> {
    let mut places = vec![0_usize; slices + 1];
    for entry in entries {
        if let Some(place) = places.get_mut(entry.0 as usize + 1) {
            *place += 1;
        }
    }
    let mut before = 0;
    for place in &mut places {
        before += *place;
        *place = before;
    }
    let mut result = vec![Entry::default(); entries.len()];
    for entry in entries {
        if let Some(place) = places.get_mut(entry.0 as usize) {
            if let Some(free) = result.get_mut(*place) {
                *free = *entry;
            }
            *place += 1;
        }
    }
    result.chunk_by_mut(|one, other| one.0 == other.0).for_each(<[Entry]>::sort_unstable);
    result.dedup();
    result
}

fn groups(entries: &[Entry]) -> Groups<'_> {
    let here = |entry: &Entry| (entry.0, entry.1);
    let chunks = entries.chunk_by(move |a, b| here(a) == here(b));
    chunks.filter_map(|group| Some((here(group.first()?), group))).collect()
}

/// Whether both sides have the same addresses at the other end, in each slice for each piece of the services.
fn is_one(left: &[Entry], right: &[Entry], without: &Groups<'_>, sets: &[&Arc<AddressSet>]) -> bool {
    let mut known: FxHashMap<Vec<u32>, Arc<AddressSet>> = FxHashMap::default();
    let mut union = |group: &[Entry]| {
        let numbers: Vec<u32> = group.iter().map(|entry| entry.2).collect();
        let set = known.entry(numbers).or_insert_with_key(|numbers| {
            let sets = numbers.iter().filter_map(|number| sets.get(*number as usize));
            Arc::new(AddressSet::union_all(sets.map(|set| &***set)))
        });
        set.clone()
    };
    let (on_left, on_right) = (groups(left), groups(right));
    let mut same = |here: &(u32, u32), one: &[Entry], other: &[Entry]| {
        if one == other {
            return true;
        }
        let (one, other) = (union(one), union(other));
        one == other
            || without.get(here).is_some_and(|gone| {
                let gone = union(gone);
                one.difference(&gone) == other.difference(&gone)
            })
    };
    on_left.iter().all(|(here, group)| same(here, group, on_right.get(here).copied().unwrap_or_default()))
        && on_right.iter().all(|(here, group)| on_left.contains_key(here) || same(here, &[], group))
}

/// Each content once, by number.
struct Numbers<'a, T> {
    list: Vec<&'a Arc<T>>,
    /// By where it is, so that contents are not looked at again.
    places: FxHashMap<*const T, u32>,
}

impl<'a, T: Eq + Hash> Numbers<'a, T> {
    fn of(all: impl Iterator<Item = &'a Arc<T>>) -> Self {
        let mut places: FxHashMap<*const T, u32> = FxHashMap::default();
        let mut distinct: Vec<&Arc<T>> = Vec::new();
        for set in all {
            places.entry(Arc::as_ptr(set)).or_insert_with(|| {
                distinct.push(set);
                0
            });
        }
        let mut list = Vec::new();
        let mut known: HashMap<&T, u32> = HashMap::with_capacity_and_hasher(distinct.len(), RandomState::default());
        for set in distinct {
            let number = *known.entry(set).or_insert_with(|| {
                list.push(set);
                u32::try_from(list.len() - 1).unwrap_or(u32::MAX)
            });
            places.insert(Arc::as_ptr(set), number);
        }
        Self { list, places }
    }

    fn number(&self, set: &Arc<T>) -> Option<u32> {
        self.places.get(&Arc::as_ptr(set)).copied()
    }
}

/// The slices of a range: between which borders it lies.
fn numbers<T: Value>(range: Interval<T>, borders: &[T]) -> Option<std::ops::Range<u32>> {
    let at = |value: T| borders.partition_point(|border| *border < value);
    let last = range.last.next().map_or(borders.len(), at);
    Some(u32::try_from(at(range.first)).ok()?..u32::try_from(last).ok()?)
}

#[cfg(test)]
mod tests;
