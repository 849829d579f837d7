//! From an address to the endpoint sets that hold it, in one short search.
//!
//! The address space is cut at every border of every set that is used; pieces with the same members share one list. So the cost of a look-up does not
//! depend on how many addresses the sets hold, and 29,000 terminals in 60 networks are 60 pieces.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::model::EndpointId;
use crate::packet::{AddressSet, Interval, Value, sweep};

/// What is known of an address: the number of the list of sets that hold it, and a second number of the caller's. Both are 0 where nothing is known.
pub(super) type Known = (u32, u32);

/// For each piece of the address space the sets that hold it, and a number of the caller's.
#[derive(Debug, Clone, Default)]
pub(super) struct AddressIndex {
    /// Where each piece begins, ascending, and what is known of it.
    v4: Vec<(u32, Known)>,
    v6: Vec<(u128, Known)>,
    /// For each upper half of an IPv4 address the pieces that begin below it: a search looks at the few between two of them.
    below: Vec<u32>,
    /// Each list ascending; list 0 is empty.
    lists: Vec<Arc<[EndpointId]>>,
}

/// Numbers of pieces of the address space: where each begins, ascending.
#[derive(Debug, Clone, Default)]
pub(super) struct Numbers {
    pub v4: Vec<(u32, u32)>,
    pub v6: Vec<(u128, u32)>,
}

impl AddressIndex {
    /// Indexes the given sets, beside numbers of the caller's.
    pub(super) fn new(sets: &[(EndpointId, &AddressSet)], numbers: &Numbers) -> Self {
        let mut interned = Interned { lists: vec![Arc::from([])], known: HashMap::from([(Arc::from([]), 0)]) };
        let v4 = pieces(sets.iter().map(|(id, set)| (*id, set.v4.intervals())), &mut interned);
        let v6 = pieces(sets.iter().map(|(id, set)| (*id, set.v6.intervals())), &mut interned);
        let (v4, v6) = (beside(&v4, &numbers.v4), beside(&v6, &numbers.v6));
        let below = |upper: u32| {
            let count = v4.partition_point(|(start, _)| *start < upper << 16);
            u32::try_from(count).unwrap_or(u32::MAX)
        };
        Self { below: (0..=u32::from(u16::MAX)).map(below).collect(), v4, v6, lists: interned.lists }
    }

    /// What is known of an address.
    pub(super) fn of(&self, address: IpAddr) -> Known {
        match address {
            IpAddr::V4(v4) => {
                let (value, upper) = (v4.to_bits(), (v4.to_bits() >> 16) as usize);
                let first = self.below.get(upper).map_or(0, |&at| at as usize);
                let last = self.below.get(upper + 1).map_or(self.v4.len(), |&at| at as usize);
                let here = self.v4.get(first..last).unwrap_or_default();
                let after = first + here.partition_point(|(start, _)| *start <= value);
                after.checked_sub(1).and_then(|at| self.v4.get(at)).map_or((0, 0), |(_, known)| *known)
            }
            IpAddr::V6(v6) => {
                let after = self.v6.partition_point(|(start, _)| *start <= v6.to_bits());
                after.checked_sub(1).and_then(|at| self.v6.get(at)).map_or((0, 0), |(_, known)| *known)
            }
        }
    }

    /// How many lists there are.
    pub(super) fn lists(&self) -> usize {
        self.lists.len()
    }

    /// The sets of a list, ascending.
    pub(super) fn sets(&self, list: u32) -> &[EndpointId] {
        self.lists.get(list as usize).map(|list| &**list).unwrap_or_default()
    }
}

/// Two partitions of the address space as one that is finer than both.
fn beside<T: Value>(a: &[(T, u32)], b: &[(T, u32)]) -> Vec<(T, Known)> {
    let mut starts: Vec<T> = a.iter().chain(b).map(|(start, _)| *start).collect();
    starts.sort_unstable();
    starts.dedup();
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut known = (0, 0);
    let mut result = Vec::with_capacity(starts.len());
    for start in starts {
        known.0 = a.next_if(|(at, _)| *at == start).map_or(known.0, |(_, number)| *number);
        known.1 = b.next_if(|(at, _)| *at == start).map_or(known.1, |(_, number)| *number);
        result.push((start, known));
    }
    result
}

struct Interned {
    lists: Vec<Arc<[EndpointId]>>,
    known: HashMap<Arc<[EndpointId]>, u32>,
}

impl Interned {
    fn id(&mut self, list: &[EndpointId]) -> u32 {
        if let Some(known) = self.known.get(list) {
            return *known;
        }
        let id = u32::try_from(self.lists.len()).unwrap_or(u32::MAX);
        let list: Arc<[EndpointId]> = Arc::from(list);
        self.lists.push(list.clone());
        self.known.insert(list, id);
        id
    }
}

/// Where each piece begins (it ends where the next one begins), and the list of sets that hold it.
fn pieces<'a, T: Value + 'a>(
    sets: impl Iterator<Item = (EndpointId, &'a [Interval<T>])>,
    interned: &mut Interned,
) -> Vec<(T, u32)> {
    let all = sets.flat_map(|(id, intervals)| intervals.iter().map(move |interval| (id, *interval)));
    let mut result = Vec::new();
    sweep(all, |piece, holders| result.push((piece.first, interned.id(holders))));
    result
}
