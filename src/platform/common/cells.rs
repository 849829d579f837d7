//! Overlapping intervals as disjoint cells, each with the list of what covers it.

use std::collections::HashMap;

use crate::packet::{AddressSet, Family, Interval, IntervalSet, Value};

/// The addresses of one family as numbers.
pub(in crate::platform) trait Space: Value {
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

/// A maximal interval whose every value is covered by the same items, and these items, ascending.
pub(in crate::platform) type Cell<V> = (Interval<V>, Vec<u32>);

/// Cuts intervals at each other's borders. The cells are ascending and disjoint, neighbours differ, none is uncovered.
/// Cost: sorting, plus the size of the answer.
pub(in crate::platform) fn cells<V: Value>(items: impl IntoIterator<Item = (Interval<V>, u32)>) -> Vec<Cell<V>> {
    let mut opens: Vec<(V, u32)> = Vec::new();
    let mut closes: Vec<(V, u32)> = Vec::new();
    for (interval, item) in items {
        opens.push((interval.first, item));
        closes.push((interval.last, item));
    }
    opens.sort_unstable();
    closes.sort_unstable();
    let mut result: Vec<Cell<V>> = Vec::new();
    // An item may have several intervals that touch; counting keeps it open until the last one closes.
    let (mut opens, mut closes) = (opens.into_iter().peekable(), closes.into_iter().peekable());
    let mut at = V::MIN;
    let mut list: Vec<Open> = Vec::new();
    loop {
        if list.is_empty() {
            let Some(&(first, _)) = opens.peek() else { break };
            at = first;
        }
        while let Some((_, item)) = opens.next_if(|&(first, _)| first == at) {
            match list.binary_search_by_key(&item, |open| open.item) {
                Ok(at) => list.get_mut(at).into_iter().for_each(|open| open.times += 1),
                Err(at) => list.insert(at, Open { item, times: 1 }),
            }
        }
        // The cell ends at the first close, or just before the next open.
        let Some(&(close, _)) = closes.peek() else { break };
        let end = opens.peek().and_then(|&(next, _)| next.previous()).map_or(close, |before| before.min(close));
        push(&mut result, Interval { first: at, last: end }, &list);
        let mut closed = false;
        while let Some((_, item)) = closes.next_if(|&(last, _)| last == end) {
            if let Ok(at) = list.binary_search_by_key(&item, |open| open.item) {
                list.get_mut(at).into_iter().for_each(|open| open.times -= 1);
                closed = true;
            }
        }
        if closed {
            list.retain(|open| open.times > 0);
        }
        let Some(next) = end.next() else { break };
        at = next;
    }
    result
}

/// An item that is open where the sweep stands, ascending by item in its list.
struct Open {
    item: u32,
    /// How many of its intervals are open.
    times: usize,
}

fn push<V: Value>(result: &mut Vec<Cell<V>>, interval: Interval<V>, list: &[Open]) {
    if let Some((last, same)) = result.last_mut()
        && last.last.next() == Some(interval.first)
        && same.iter().eq(list.iter().map(|open| &open.item))
    {
        last.last = interval.last;
        return;
    }
    result.push((interval, list.iter().map(|open| open.item).collect()));
}

/// Cells that are covered by the same items, together; in the order of their first cell.
pub(in crate::platform) fn groups<V: Value>(cells: Vec<Cell<V>>) -> Vec<(Vec<u32>, IntervalSet<V>)> {
    let mut index: HashMap<Vec<u32>, usize> = HashMap::with_capacity(cells.len());
    let mut parts: Vec<Vec<Interval<V>>> = Vec::new();
    for (interval, list) in cells {
        let next = parts.len();
        let at = *index.entry(list).or_insert(next);
        match parts.get_mut(at) {
            Some(part) => part.push(interval),
            None => parts.push(vec![interval]),
        }
    }
    let mut lists: Vec<(usize, Vec<u32>)> = index.into_iter().map(|(list, at)| (at, list)).collect();
    lists.sort_unstable_by_key(|(at, _)| *at);
    lists.into_iter().zip(parts).map(|((_, list), part)| (list, part.into_iter().collect())).collect()
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
            let result = cells(items.iter().copied());
            for value in 0..=u8::MAX {
                let expected: BTreeSet<u32> =
                    items.iter().filter(|(i, _)| i.contains(value)).map(|(_, id)| *id).collect();
                let mut found = result.iter().filter(|(i, _)| i.contains(value));
                let first: Vec<u32> = found.next().map(|(_, list)| list.clone()).unwrap_or_default();
                prop_assert_eq!(first, expected.into_iter().collect::<Vec<_>>());
                prop_assert!(found.next().is_none());
            }
            let apart = result.windows(2).all(|pair| {
                pair[0].0.last < pair[1].0.first
                    && (pair[0].1 != pair[1].1 || pair[0].0.last + 1 < pair[1].0.first)
            });
            prop_assert!(apart);
        }
    }
}
