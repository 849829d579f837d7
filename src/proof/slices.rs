//! Two unions of products, cut into slices along one address.
//!
//! A look-up says one rule once for each of its addresses. Cut at every border of either side, both sides become slices, and in each slice every service has a set of addresses at the other end. That is a
//! form that the flows alone determine, so the unions are one exactly if it is the same. Services are compared by their sets first, which agree where a line has the services of its rule, and only then
//! cut into pieces. What is dropped on both sides may be accepted on one of them further down, or not: it is left out.

use std::ops::Range;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::lanes::{Numbered, Sides, distinct};
use super::pieces::pieces;
use crate::packet::{Address, Interval, IntervalSet, ServiceSet, Value};

/// Along which end slices are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Along {
    Source,
    Destination,
}

impl Along {
    /// The set that is cut, and the other one.
    fn ends(self, lane: &Numbered) -> (u32, u32) {
        match self {
            Self::Source => (lane.source, lane.destination),
            Self::Destination => (lane.destination, lane.source),
        }
    }
}

/// More entries than this are not made: wide sets among many borders.
const MOST: usize = if cfg!(test) { 100_000 } else { 3_000_000 };

/// Whether two sides surely have one union, seen without cutting sets of services; `None` if there are too many slices to tell.
pub(super) fn are_same<T: Address>(sides: &Sides<'_, T>) -> Option<bool> {
    let services = distinct(sides.left.iter().chain(&sides.right).map(|lane| lane.services));
    let pieces = services.into_iter().map(|number| (number, vec![number])).collect();
    Cut { sides, without: &[], pieces }.agrees()
}

/// Whether two sides have one union, but for what need not be the same; `None` if there are too many slices to tell.
pub(super) fn agree<T: Address>(sides: &Sides<'_, T>) -> Option<bool> {
    let all = [&sides.left, &sides.right, &sides.without].into_iter().flatten();
    let services = distinct(all.map(|lane| lane.services));
    let sets: Vec<&ServiceSet> = services.iter().filter_map(|number| sides.services(*number)).collect();
    let pieces = services.into_iter().zip(pieces(&sets)?).collect();
    Cut { sides, without: &sides.without, pieces }.agrees()
}

/// What is to be cut. No product is empty.
struct Cut<'a, T> {
    sides: &'a Sides<'a, T>,
    without: &'a [Numbered],
    /// The pieces of each set of services.
    pieces: FxHashMap<u32, Vec<u32>>,
}

/// In a slice, with a piece of the services: one set at the other end, by number.
type Entry = (u32, u32, u32);

/// Entries of one slice and one piece of the services.
type Group<'e> = &'e [Entry];

impl<T: Address> Cut<'_, T> {
    fn agrees(&self) -> Option<bool> {
        let ranges = |along: Along| -> usize { self.lanes().map(|lane| self.ranges(along.ends(lane).0).len()).sum() };
        let mut ways = [Along::Destination, Along::Source];
        ways.sort_by_key(|along| ranges(*along));
        ways.into_iter().find_map(|along| self.agrees_along(along))
    }

    fn lanes(&self) -> impl Iterator<Item = &Numbered> {
        self.sides.left.iter().chain(&self.sides.right).chain(self.without)
    }

    /// The ranges of a set of addresses.
    fn ranges(&self, number: u32) -> &[Interval<T>] {
        self.sides.addresses(number).map(IntervalSet::intervals).unwrap_or_default()
    }

    fn agrees_along(&self, along: Along) -> Option<bool> {
        let cut = distinct(self.lanes().map(|lane| along.ends(lane).0));
        let mut borders: Vec<T> = Vec::new();
        for range in cut.iter().flat_map(|number| self.ranges(*number)) {
            borders.push(range.first);
            borders.extend(range.last.next());
        }
        borders.sort_unstable();
        borders.dedup();
        // The slices of each set that is cut.
        let mut slices: FxHashMap<u32, Vec<Range<u32>>> = FxHashMap::default();
        for number in cut {
            let of_set = self.ranges(number).iter().map(|range| between(*range, &borders));
            slices.insert(number, of_set.collect::<Option<_>>()?);
        }
        let entries = |lanes: &[Numbered]| {
            let mut found: Vec<Entry> = Vec::new();
            for lane in lanes {
                let (end, other) = along.ends(lane);
                let pieces = self.pieces.get(&lane.services)?;
                for slices in slices.get(&end)? {
                    if found.len() + slices.len() * pieces.len() > MOST {
                        return None;
                    }
                    let each = slices.clone();
                    found.extend(each.flat_map(|slice| pieces.iter().map(move |piece| (slice, *piece, other))));
                }
            }
            Some(in_order(&found, borders.len()))
        };
        let Sides { left, right, .. } = self.sides;
        let [left, right, without] = [entries(left)?, entries(right)?, entries(self.without)?];
        Some(is_one(&left, &right, &without, self.sides))
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

/// The slice and the piece of an entry.
fn place(entry: &Entry) -> (u32, u32) {
    (entry.0, entry.1)
}

/// The entries of each slice and piece, ascending.
fn groups(entries: &[Entry]) -> impl Iterator<Item = ((u32, u32), Group<'_>)> {
    let chunks = entries.chunk_by(|one, other| place(one) == place(other));
    chunks.filter_map(|group| Some((place(group.first()?), group)))
}

/// Whether both sides have the same addresses at the other end, in each slice for each piece of the services.
fn is_one<T: Address>(left: &[Entry], right: &[Entry], without: &[Entry], sides: &Sides<'_, T>) -> bool {
    let mut known: FxHashMap<Vec<u32>, Rc<IntervalSet<T>>> = FxHashMap::default();
    let mut union = |group: Group<'_>| {
        let numbers: Vec<u32> = group.iter().map(|entry| entry.2).collect();
        let set = known.entry(numbers).or_insert_with_key(|numbers| {
            let sets = numbers.iter().filter_map(|number| sides.addresses(*number));
            Rc::new(sets.flat_map(|set| set.intervals()).copied().collect())
        });
        set.clone()
    };
    let [mut left, mut right, mut without] =
        [groups(left).peekable(), groups(right).peekable(), groups(without).peekable()];
    while let Some(here) = left.peek().into_iter().chain(right.peek()).map(|(here, _)| *here).min() {
        let [one, other] = [&mut left, &mut right]
            .map(|side| side.next_if(|(at, _)| *at == here).map(|(_, group)| group).unwrap_or_default());
        if one == other {
            continue;
        }
        let (one, other) = (union(one), union(other));
        if one == other {
            continue;
        }
        while without.next_if(|(at, _)| *at < here).is_some() {}
        let Some((_, gone)) = without.next_if(|(at, _)| *at == here) else { return false };
        let gone = union(gone);
        if one.difference(&gone) != other.difference(&gone) {
            return false;
        }
    }
    true
}

/// The slices of a range: between which borders it lies.
fn between<T: Value>(range: Interval<T>, borders: &[T]) -> Option<Range<u32>> {
    let at = |value: T| borders.partition_point(|border| *border < value);
    let last = range.last.next().map_or(borders.len(), at);
    Some(u32::try_from(at(range.first)).ok()?..u32::try_from(last).ok()?)
}
