//! Which of many sets of addresses have one in common with another set.
//!
//! The borders of all sets cut the addresses into cells, and each cell knows the sets that hold it; whoever asks goes through the cells of his set. A set that would be in very many cells, because it is wide
//! and others are fine, is looked at by itself instead, so that the cells take no more room than the sets.

use crate::packet::{Address, AddressSet, Interval, IntervalSet};

/// A set is in so many cells for each of its ranges, and some more, at most.
const MOST_CELLS: usize = 4;

/// A set that meets more cells than this for each set there is, and each of its ranges, is held against all of them.
const MOST_STEPS: usize = 4;

/// Some sets, found by their addresses.
pub(super) struct Overlaps<'a> {
    v4: OfFamily<'a, u32>,
    v6: OfFamily<'a, u128>,
}

impl<'a> Overlaps<'a> {
    /// Of sets, which are called by their places in the list.
    pub(super) fn new(sets: &[&'a AddressSet]) -> Self {
        Self { v4: OfFamily::new(sets), v6: OfFamily::new(sets) }
    }

    /// Those that have an address in common with a set, ascending.
    pub(super) fn with(&self, set: &AddressSet) -> Vec<u32> {
        let mut found = Vec::new();
        self.v4.put(&set.v4, &mut found);
        self.v6.put(&set.v6, &mut found);
        found.sort_unstable();
        found.dedup();
        found
    }
}

struct OfFamily<'a, T: Address> {
    /// Where cells begin, ascending.
    borders: Vec<T>,
    /// For each of them the sets that hold the cell, up to the next one.
    cells: Vec<Vec<u32>>,
    /// The sets that are in no cell.
    wide: Vec<(u32, &'a IntervalSet<T>)>,
    /// All sets.
    sets: Vec<&'a IntervalSet<T>>,
}

impl<'a, T: Address> OfFamily<'a, T> {
    fn new(sets: &[&'a AddressSet]) -> Self {
        let sets = || sets.iter().map(|set| T::of(set));
        let mut borders: Vec<T> = Vec::new();
        for range in sets().flat_map(|set| set.intervals()) {
            borders.push(range.first);
            borders.extend(range.last.next());
        }
        borders.sort_unstable();
        borders.dedup();
        let cells = vec![Vec::new(); borders.len()];
        let mut index = Self { borders, cells, wide: Vec::new(), sets: sets().collect() };
        for (number, set) in (0..).zip(sets()) {
            let ranges = set.intervals();
            let count: usize = ranges.iter().map(|range| index.cells_of(*range).len()).sum();
            if count > MOST_CELLS * (ranges.len() + 4) {
                index.wide.push((number, set));
                continue;
            }
            for range in ranges {
                let here = index.cells_of(*range);
                index.cells.get_mut(here).unwrap_or_default().iter_mut().for_each(|cell| cell.push(number));
            }
        }
        index
    }

    /// The cells that a range meets.
    fn cells_of(&self, range: Interval<T>) -> std::ops::Range<usize> {
        let begun = |value: T| self.borders.partition_point(|border| *border <= value);
        begun(range.first).saturating_sub(1)..begun(range.last)
    }

    fn put(&self, set: &IntervalSet<T>, found: &mut Vec<u32>) {
        if let Some(members) = self.in_cells(set) {
            found.extend(members);
            found.extend(self.wide.iter().filter(|(_, wide)| wide.intersects(set)).map(|(number, _)| *number));
        } else {
            found.extend((0..).zip(&self.sets).filter(|(_, other)| other.intersects(set)).map(|(number, _)| number));
        }
    }

    /// The sets in the cells of a set, some several times; `None` if to go through these takes longer than to ask all sets.
    fn in_cells(&self, set: &IntervalSet<T>) -> Option<Vec<u32>> {
        let mut room = MOST_STEPS * (self.sets.len() + set.intervals().len());
        let mut members = Vec::new();
        for range in set.intervals() {
            for cell in self.cells.get(self.cells_of(*range)).unwrap_or_default() {
                room = room.checked_sub(1 + cell.len())?;
                members.extend_from_slice(cell);
            }
        }
        Some(members)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::packet::AddressRange;

    prop_compose! {
        fn set()(ranges in prop::collection::vec((any::<bool>(), 0_u8..60, 0_u8..40), 0..4)) -> AddressSet {
            // Some at the ends of what there is.
            let low = |first: u8, more: u8| (u128::from(first), u128::from(first) + u128::from(more));
            let ranges = ranges.into_iter().map(|(is_v4, first, more)| match (is_v4, low(first, more)) {
                (true, (first, last)) if more % 5 == 0 => AddressRange::V4(Interval { first: u32::MAX - last as u32, last: u32::MAX - first as u32 }),
                (true, (first, last)) => AddressRange::V4(Interval { first: first as u32, last: last as u32 }),
                (false, (first, last)) if more % 5 == 0 => AddressRange::V6(Interval { first: u128::MAX - last, last: u128::MAX - first }),
                (false, (first, last)) => AddressRange::V6(Interval { first, last }),
            });
            ranges.collect()
        }
    }

    proptest! {
        #[test]
        fn those_that_intersect_are_found(sets in prop::collection::vec(set(), 0..40), asked in set()) {
            let sets: Vec<&AddressSet> = sets.iter().collect();
            let wanted: Vec<u32> = (0..).zip(&sets).filter(|(_, set)| set.intersects(&asked)).map(|(number, _)| number).collect();
            prop_assert_eq!(Overlaps::new(&sets).with(&asked), wanted);
        }
    }

    #[test]
    fn wide_sets_take_no_cells() {
        let single = |number: u32| AddressSet::from(AddressRange::V4(Interval::single(2 * number)));
        let mut sets: Vec<AddressSet> = (0..1_000).map(single).collect();
        sets.push(AddressSet::full());
        let overlaps = Overlaps::new(&sets.iter().collect::<Vec<_>>());
        assert_eq!(overlaps.v4.wide.len(), 1);
        assert_eq!(overlaps.with(&single(7)), [7, 1_000]);
        assert_eq!(overlaps.with(&AddressSet::full()), (0..=1_000).collect::<Vec<u32>>());
    }

    #[test]
    fn a_wide_set_does_not_go_through_all_cells() {
        let fine: AddressSet = (0..1_000).map(|number| AddressRange::V4(Interval::single(2 * number))).collect();
        let overlaps = Overlaps::new(&[&fine]);
        assert_eq!(overlaps.v4.in_cells(&IntervalSet::full()), None);
        assert_eq!(overlaps.with(&AddressSet::full()), [0]);
    }
}
