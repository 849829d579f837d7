//! Overlapping intervals as disjoint cells, each with the list of what covers it.

use rustc_hash::FxHashMap;

use crate::packet::{AddressSet, Family, Interval, IntervalSet, Value};

/// The addresses of one family as numbers.
pub(in crate::platform) trait Space: Value + 'static {
    /// The family.
    const FAMILY: Family;
    /// The members of a set in this family.
    fn of(set: &AddressSet) -> &IntervalSet<Self>;
    /// A set of this family alone.
    fn wrap(set: IntervalSet<Self>) -> AddressSet;
}

impl Space for u32 {
    const FAMILY: Family = Family::V4;
    fn of(set: &AddressSet) -> &IntervalSet<Self> {
        &set.v4
    }
    fn wrap(set: IntervalSet<Self>) -> AddressSet {
        AddressSet { v4: set, v6: IntervalSet::empty() }
    }
}

impl Space for u128 {
    const FAMILY: Family = Family::V6;
    fn of(set: &AddressSet) -> &IntervalSet<Self> {
        &set.v6
    }
    fn wrap(set: IntervalSet<Self>) -> AddressSet {
        AddressSet { v4: IntervalSet::empty(), v6: set }
    }
}

/// Intervals cut at each other's borders.
#[derive(Debug)]
pub(in crate::platform) struct Cells<V> {
    /// Maximal intervals whose every value is covered by the same items, ascending and disjoint; with each the index of the list of these items. None is uncovered.
    pub(in crate::platform) pieces: Vec<(Interval<V>, usize)>,
    /// The lists that occur, in the order of their first piece; items ascending.
    pub(in crate::platform) lists: Vec<Vec<u32>>,
}

/// Cuts intervals at each other's borders. Cost: sorting, plus the sum of the lengths of the pieces' lists.
pub(in crate::platform) fn cells<V: Value>(items: impl IntoIterator<Item = (Interval<V>, u32)>) -> Cells<V> {
    let mut opens: Vec<(V, u32)> = Vec::new();
    let mut closes: Vec<(V, u32)> = Vec::new();
    for (interval, item) in items {
        opens.push((interval.first, item));
        closes.push((interval.last, item));
    }
    opens.sort_unstable();
    closes.sort_unstable();
    let mut found = Finder {
        cells: Cells { pieces: Vec::with_capacity(opens.len()), lists: Vec::new() },
        index: FxHashMap::default(),
    };
    // An item may have several intervals that touch; counting keeps it open until the last one closes.
    let (mut opens, mut closes) = (opens.into_iter().peekable(), closes.into_iter().peekable());
    let mut at = V::MIN;
    let mut list = Open::default();
    loop {
        if list.items.is_empty() {
            let Some(&(first, _)) = opens.peek() else { break };
            at = first;
        }
        while let Some((_, item)) = opens.next_if(|&(first, _)| first == at) {
            list.open(item);
        }
        // The cell ends at the first close, or just before the next open.
        let Some(&(close, _)) = closes.peek() else { break };
        let end = opens.peek().and_then(|&(next, _)| next.previous()).map_or(close, |before| before.min(close));
        found.push(Interval { first: at, last: end }, &list.items);
        while let Some((_, item)) = closes.next_if(|&(last, _)| last == end) {
            list.close(item);
        }
        let Some(next) = end.next() else { break };
        at = next;
    }
    found.cells
}

/// The items that are open where the sweep stands, ascending.
#[derive(Default)]
struct Open {
    items: Vec<u32>,
    /// How many intervals of each item are open, less one.
    more: Vec<usize>,
}

impl Open {
    fn open(&mut self, item: u32) {
        match self.items.binary_search(&item) {
            Ok(at) => self.more.get_mut(at).into_iter().for_each(|more| *more += 1),
            Err(at) => {
                self.items.insert(at, item);
                self.more.insert(at, 0);
            }
        }
    }

    fn close(&mut self, item: u32) {
        let Ok(at) = self.items.binary_search(&item) else { return };
        match self.more.get_mut(at) {
            Some(more) if *more > 0 => *more -= 1,
            _ => {
                self.items.remove(at);
                self.more.remove(at);
            }
        }
    }
}

/// What the sweep has found.
struct Finder<V> {
    cells: Cells<V>,
    index: FxHashMap<Box<[u32]>, usize>,
}

impl<V: Value> Finder<V> {
    fn push(&mut self, interval: Interval<V>, items: &[u32]) {
        let list = self.list(items);
        match self.cells.pieces.last_mut() {
            Some((last, same)) if *same == list && last.last.next() == Some(interval.first) => {
                last.last = interval.last
            }
            _ => self.cells.pieces.push((interval, list)),
        }
    }

    fn list(&mut self, items: &[u32]) -> usize {
        if let Some(&known) = self.index.get(items) {
            return known;
        }
        let next = self.cells.lists.len();
        self.index.insert(items.into(), next);
        self.cells.lists.push(items.to_vec());
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn cells_say_exactly_what_covers_each_value(
            items in prop::collection::vec((any::<u8>(), any::<u8>(), 0_u32..6), 0..12),
        ) {
            let items: Vec<(Interval<u8>, u32)> = items.into_iter().map(|(a, b, id)| (Interval::new(a, b), id)).collect();
            let Cells { pieces, lists } = cells(items.iter().copied());
            for value in 0..=u8::MAX {
                let expected: BTreeSet<u32> =
                    items.iter().filter(|(i, _)| i.contains(value)).map(|(_, id)| *id).collect();
                let mut found = pieces.iter().filter(|(i, _)| i.contains(value));
                let first: Vec<u32> = found.next().map(|(_, list)| lists[*list].clone()).unwrap_or_default();
                prop_assert_eq!(first, expected.into_iter().collect::<Vec<_>>());
                prop_assert!(found.next().is_none());
            }
            let apart = pieces.windows(2).all(|pair| {
                pair[0].0.last < pair[1].0.first
                    && (pair[0].1 != pair[1].1 || pair[0].0.last + 1 < pair[1].0.first)
            });
            prop_assert!(apart);
            prop_assert_eq!(lists.iter().collect::<BTreeSet<_>>().len(), lists.len());
        }
    }
}
