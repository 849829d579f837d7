//! From an address to the endpoint sets that hold it, in one binary search.
//!
//! The address space is cut at every border of every set that is used; pieces with the same members share one list. So the cost of a look-up does not
//! depend on how many addresses the sets hold, and 29,000 terminals in 60 networks are 60 pieces.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::model::EndpointId;
use crate::packet::{AddressSet, Interval, Value};

/// For each piece of the address space the sets that hold it.
#[derive(Debug, Clone, Default)]
pub(super) struct AddressIndex {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u32)>,
    /// Each list ascending; list 0 is empty.
    lists: Vec<Arc<[EndpointId]>>,
}

impl AddressIndex {
    /// Indexes the given sets.
    pub(super) fn new(sets: &[(EndpointId, &AddressSet)]) -> Self {
        let mut interned = Interned { lists: vec![Arc::from([])], known: HashMap::from([(Arc::from([]), 0)]) };
        let v4 = pieces(sets.iter().map(|(id, set)| (*id, set.v4.intervals())), &mut interned);
        let v6 = pieces(sets.iter().map(|(id, set)| (*id, set.v6.intervals())), &mut interned);
        Self { v4, v6, lists: interned.lists }
    }

    /// The sets that hold an address, ascending.
    pub(super) fn sets(&self, address: IpAddr) -> &[EndpointId] {
        let list = match address {
            IpAddr::V4(v4) => find(&self.v4, v4.to_bits()),
            IpAddr::V6(v6) => find(&self.v6, v6.to_bits()),
        };
        self.lists.get(list as usize).map(|list| &**list).unwrap_or_default()
    }
}

fn find<T: Ord>(pieces: &[(T, u32)], value: T) -> u32 {
    let after = pieces.partition_point(|(start, _)| *start <= value);
    after.checked_sub(1).and_then(|at| pieces.get(at)).map_or(0, |(_, list)| *list)
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

/// Sweeps over all borders; each piece begins where the one before ends.
fn pieces<'a, T: Value + 'a>(
    sets: impl Iterator<Item = (EndpointId, &'a [Interval<T>])>,
    interned: &mut Interned,
) -> Vec<(T, u32)> {
    let mut borders: Vec<(T, bool, EndpointId)> = Vec::new();
    for (id, intervals) in sets {
        for interval in intervals {
            borders.push((interval.first, true, id));
            borders.extend(interval.last.next().map(|after| (after, false, id)));
        }
    }
    borders.sort_unstable();
    let mut open: Vec<EndpointId> = Vec::new();
    let mut result = Vec::new();
    for same in borders.chunk_by(|a, b| a.0 == b.0) {
        for (_, opens, id) in same {
            match (opens, open.binary_search(id)) {
                (true, Err(at)) => open.insert(at, *id),
                (false, Ok(at)) => drop(open.remove(at)),
                _ => {}
            }
        }
        if let Some((start, _, _)) = same.first() {
            result.push((*start, interned.id(&open)));
        }
    }
    result
}
