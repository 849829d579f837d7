//! Whether a small set of addresses lies in a large one, without walking along the large one.

use crate::packet::{AddressSet, Interval, IntervalSet, Value};

/// Whether every address of `small` is in `large`. Cost: a search in `large` for each range of `small`.
pub(super) fn is_within(small: &AddressSet, large: &AddressSet) -> bool {
    ranges_within(&small.v4, &large.v4) && ranges_within(&small.v6, &large.v6)
}

fn ranges_within<T: Value>(small: &IntervalSet<T>, large: &IntervalSet<T>) -> bool {
    let large = large.intervals();
    let holds = |range: &Interval<T>| {
        let at = large.partition_point(|other| other.last < range.first);
        large.get(at).is_some_and(|other| other.first <= range.first && range.last <= other.last)
    };
    small.intervals().iter().all(holds)
}
