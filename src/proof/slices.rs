//! Two unions of products, cut into slices along one address.
//!
//! A look-up says one rule once for each of its addresses. Cut at every border of either side, both sides become slices, in each of which a set of addresses at the other end has its services.
//! If these agree, the unions are one; if they do not, nothing is said, because one set of flows can be sliced in many ways.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::packet::{AddressSet, Family, Interval, IntervalSet, ServiceSet, Value};

/// A product of one family.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Lane {
    pub(super) family: Family,
    pub(super) source: Arc<AddressSet>,
    pub(super) destination: Arc<AddressSet>,
    pub(super) services: Arc<ServiceSet>,
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

/// More slices than this are not made: wide sets among many borders.
const MOST: usize = 3_000_000;

/// What each slice has: by its number and the other end.
type Slices<'a> = FxHashMap<(usize, &'a AddressSet), Arc<ServiceSet>>;

/// Whether two lists of products have one union, as far as slices along an end show it.
pub(super) fn agree(left: &[&Lane], right: &[&Lane], along: Along) -> bool {
    Family::BOTH.into_iter().all(|family| {
        let of = |lanes: &[&'_ Lane]| -> bool { lanes.iter().any(|lane| lane.family == family) };
        match (of(left), of(right)) {
            (false, false) => true,
            (true, true) => match family {
                Family::V4 => agree_in(left, right, along, family, |set| &set.v4),
                Family::V6 => agree_in(left, right, along, family, |set| &set.v6),
            },
            _ => false,
        }
    })
}

fn agree_in<T: Value>(
    left: &[&Lane],
    right: &[&Lane],
    along: Along,
    family: Family,
    of: impl Fn(&AddressSet) -> &IntervalSet<T>,
) -> bool {
    let in_family = |lanes: &[&'_ Lane]| lanes.iter().filter(|lane| lane.family == family).count();
    let mut borders: Vec<T> = Vec::with_capacity(2 * (in_family(left) + in_family(right)));
    for lane in left.iter().chain(right).filter(|lane| lane.family == family) {
        for range in of(along.ends(lane).0).intervals() {
            borders.push(range.first);
            borders.extend(range.last.next());
        }
    }
    borders.sort_unstable();
    borders.dedup();
    let mut room = MOST;
    let Some(one) = sliced(left, along, family, &of, &borders, &mut room) else { return false };
    let Some(other) = sliced(right, along, family, &of, &borders, &mut room) else { return false };
    one == other
}

fn sliced<'a, T: Value>(
    lanes: &[&'a Lane],
    along: Along,
    family: Family,
    of: impl Fn(&AddressSet) -> &IntervalSet<T>,
    borders: &[T],
    room: &mut usize,
) -> Option<Slices<'a>> {
    let mut slices = Slices::default();
    for lane in lanes.iter().filter(|lane| lane.family == family) {
        let (cut, other) = along.ends(lane);
        for range in of(cut).intervals() {
            for slice in numbers(*range, borders) {
                *room = room.checked_sub(1)?;
                let known = slices.entry((slice, other.as_ref())).or_insert_with(|| lane.services.clone());
                if !Arc::ptr_eq(known, &lane.services) && *known != lane.services {
                    *known = Arc::new(known.union(&lane.services));
                }
            }
        }
    }
    Some(slices)
}

/// The slices of a range: between which borders it lies.
fn numbers<T: Value>(range: Interval<T>, borders: &[T]) -> std::ops::Range<usize> {
    let at = |value: T| borders.partition_point(|border| *border < value);
    at(range.first)..range.last.next().map_or(borders.len(), at)
}
