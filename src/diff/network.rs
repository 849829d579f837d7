//! Which pairs of addresses lie differently to each other on two sides: in one zone, with a path, or without.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::both::{Both, Which};
use super::compare::{Piece, Side};
use super::matching::Matching;
use crate::graph::{PlaceId, ZoneId};
use crate::model::{Device, Interface, Location, Model, Network as Segment};
use crate::packet::{AddressRange, AddressSet, Interval, ServiceSet, Value};

/// Addresses that lie in one place before, and in one place after.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    /// The places; `None` where a side does not know the addresses.
    pub places: Both<Option<PlaceId>>,
    /// The addresses.
    pub addresses: Arc<AddressSet>,
}

/// Both networks, side by side.
pub(super) struct Network<'m> {
    /// The sides.
    pub sides: Both<Side<'m>>,
    /// All addresses that a side knows.
    pub cells: Vec<Cell>,
    /// What of one side is what of the other.
    pub matching: Matching,
    /// Whether both mean the same: every cell, zone, site and firewall has its counterpart, joined in the same way.
    pub is_same: bool,
}

/// Cells that differ from many others are asked about with everything if there are more pairs to compare than this.
const PAIRS: usize = 20_000_000;

impl<'m> Network<'m> {
    /// Lays two networks side by side.
    pub(super) fn new(before: Side<'m>, after: Side<'m>) -> Self {
        let sides = Both { before, after };
        if same_inventory(before.model, after.model) {
            return Self { sides, cells: Vec::new(), matching: Matching::default(), is_same: true };
        }
        let cells = cells(sides);
        let matching = Matching::new(sides, &cells);
        let is_same = matching.is_whole(sides, &cells);
        Self { sides, cells, matching, is_same }
    }

    /// The addresses that both sides know, if a side knows others too.
    pub(super) fn common(&self) -> Option<AddressSet> {
        let Both { before, after } = self.sides.map(|side| side.model.known.clone());
        (before != after).then(|| before.intersection(&after))
    }

    /// The pairs of addresses whose verdict could differ because the networks do.
    pub(super) fn pieces(&self) -> Vec<Piece> {
        if self.is_same {
            return Vec::new();
        }
        let all = Arc::new(self.sides.before.model.known.union(&self.sides.after.model.known));
        let (strange, cells): (Vec<&Cell>, Vec<&Cell>) = self.cells.iter().partition(|cell| self.is_strange(cell));
        let strange = Arc::new(AddressSet::union_all(strange.iter().map(|cell| &*cell.addresses)));
        let mut pairs = vec![(strange.clone(), all.clone()), (all.clone(), strange)];
        pairs.extend(self.regrouped(&cells, Which::Before));
        pairs.extend(self.regrouped(&cells, Which::After));
        pairs.extend(self.rejoined(&cells, &all));
        let any = Arc::new(ServiceSet::any());
        let pieces = pairs.into_iter().map(|(from, to)| Piece { from, to, on: any.clone() });
        pieces.filter(Piece::is_inhabited).collect()
    }

    /// Whether only one side knows a cell, or only one counts it among the public addresses.
    fn is_strange(&self, cell: &Cell) -> bool {
        let place = |which| cell.places.of(which).zip(Some(self.sides.of(which).topology));
        match (place(Which::Before), place(Which::After)) {
            (Some((old, before)), Some((new, after))) => before.zones.is_public(old) != after.zones.is_public(new),
            _ => true,
        }
    }

    /// The zone of a cell on a side.
    pub(super) fn zone(&self, cell: &Cell, side: Which) -> Option<ZoneId> {
        self.sides.of(side).topology.zones.place((*cell.places.of(side))?).map(|place| place.zone)
    }

    /// The pairs that are in one zone on this side, and in two on the other.
    fn regrouped(&self, cells: &[&Cell], side: Which) -> Vec<(Arc<AddressSet>, Arc<AddressSet>)> {
        let mut zones: BTreeMap<Option<ZoneId>, BTreeMap<Option<ZoneId>, Vec<&AddressSet>>> = BTreeMap::new();
        for cell in cells {
            let other = zones.entry(self.zone(cell, side)).or_default();
            other.entry(self.zone(cell, side.other())).or_default().push(&cell.addresses);
        }
        let mut result = Vec::new();
        for parts in zones.into_values().filter(|parts| parts.len() > 1) {
            let whole = AddressSet::union_all(parts.values().flatten().copied());
            for part in parts.into_values() {
                let part = Arc::new(AddressSet::union_all(part));
                result.push((part.clone(), Arc::new(whole.difference(&part))));
            }
        }
        result
    }

    /// The pairs that have a path on one side alone.
    fn rejoined(&self, cells: &[&Cell], all: &Arc<AddressSet>) -> Vec<(Arc<AddressSet>, Arc<AddressSet>)> {
        let main = Both { before: self.main(cells, Which::Before), after: self.main(cells, Which::After) };
        let in_main = |cell: &Cell, side| cell.places.of(side).is_some_and(|place| main.of(side).contains(&place));
        let far: Vec<&Cell> = cells
            .iter()
            .copied()
            .filter(|cell| !(in_main(cell, Which::Before) && in_main(cell, Which::After)))
            .collect();
        let mut result = Vec::new();
        if far.len().saturating_mul(cells.len()) > PAIRS {
            let far = Arc::new(AddressSet::union_all(far.iter().map(|cell| &*cell.addresses)));
            return vec![(far.clone(), all.clone()), (all.clone(), far)];
        }
        for one in far {
            let differs = |other: &&&Cell| {
                let joined = |side| match (one.places.of(side), other.places.of(side)) {
                    (Some(from), Some(to)) => self.sides.of(side).topology.is_connected(*from, *to),
                    _ => false,
                };
                joined(Which::Before) != joined(Which::After)
            };
            let others = AddressSet::union_all(cells.iter().filter(differs).map(|cell| &*cell.addresses));
            let others = Arc::new(others);
            result.push((one.addresses.clone(), others.clone()));
            result.push((others, one.addresses.clone()));
        }
        result
    }

    /// The places of a side that reach the part of the core that most places reach: between any two of them there is a path.
    fn main(&self, cells: &[&Cell], side: Which) -> BTreeSet<PlaceId> {
        let places: BTreeSet<PlaceId> = cells.iter().filter_map(|cell| *cell.places.of(side)).collect();
        let in_main = self.sides.of(side).topology.reach_main_part(places.iter().copied());
        places.into_iter().zip(in_main).filter(|(_, reaches)| *reaches).map(|(place, _)| place).collect()
    }
}

/// Whether two inventories say the same in the same order, whatever things are called: then one graph is the graph of both. (They may mean the same without; that is what matching finds out.)
#[must_use]
pub fn same_inventory(old: &Model, new: &Model) -> bool {
    let same_network = |(a, b): (&Segment, &Segment)| (a.site, a.subnet_of) == (b.site, b.subnet_of) && a.own == b.own;
    let same_interface = |(a, b): (&Interface, &Interface)| a.attachment == b.attachment;
    let same_device = |(a, b): (&Device, &Device)| {
        a.site == b.site
            && a.platform.is_some() == b.platform.is_some()
            && a.interfaces.len() == b.interfaces.len()
            && a.interfaces.iter().zip(&b.interfaces).all(same_interface)
    };
    std::ptr::eq(old, new)
        || (old.sites.len() == new.sites.len()
            && old.networks.len() == new.networks.len()
            && old.transits.len() == new.transits.len()
            && old.devices.len() == new.devices.len()
            && old.sites.iter().zip(&new.sites).all(|(a, b)| a.transit == b.transit)
            && old.transits.iter().zip(&new.transits).all(|(a, b)| a.internet == b.internet)
            && old.devices.iter().zip(&new.devices).all(same_device)
            && old.networks.iter().zip(&new.networks).all(same_network))
}

/// Cuts the known addresses of both sides by the places of both.
fn cells(sides: Both<Side<'_>>) -> Vec<Cell> {
    let mut found: FxHashMap<Both<Option<PlaceId>>, Vec<AddressRange>> = FxHashMap::default();
    let mut order: Vec<Both<Option<PlaceId>>> = Vec::new();
    let place = |side: Side<'_>, at: Option<Location>| at.and_then(|at| side.topology.zones.place_at(at));
    let mut add = |range: AddressRange, before: Option<Location>, after: Option<Location>| {
        let places = Both { before: place(sides.before, before), after: place(sides.after, after) };
        let ranges = found.entry(places).or_default();
        if ranges.is_empty() {
            order.push(places);
        }
        ranges.push(range);
    };
    let Both { before, after } = sides.map(|side| &side.model.located);
    walk(&before.v4, &after.v4, |range, before, after| add(AddressRange::V4(range), before, after));
    walk(&before.v6, &after.v6, |range, before, after| add(AddressRange::V6(range), before, after));
    let cell = |places| {
        let ranges = found.remove(&places).unwrap_or_default();
        Cell { places, addresses: Arc::new(ranges.into_iter().collect()) }
    };
    order.into_iter().map(cell).collect()
}

/// Walks along two ascending lists of disjoint ranges at once.
fn walk<T: Value>(
    before: &[(Interval<T>, Location)],
    after: &[(Interval<T>, Location)],
    mut found: impl FnMut(Interval<T>, Option<Location>, Option<Location>),
) {
    let (mut rest, mut start) = ([before, after], Some(T::MIN));
    while let Some(first) = start {
        let mut last = T::MAX;
        let mut here: [Option<Location>; 2] = [None, None];
        for (list, here) in rest.iter_mut().zip(&mut here) {
            let ended = list.iter().take_while(|(range, _)| range.last < first).count();
            *list = list.get(ended..).unwrap_or_default();
            if let Some((range, location)) = list.first() {
                let is_here = range.first <= first;
                *here = is_here.then_some(*location);
                last = last.min(if is_here { range.last } else { range.first.previous().unwrap_or(T::MIN) });
            }
        }
        if rest.iter().all(|list| list.is_empty()) {
            return;
        }
        let [old, new] = here;
        if old.is_some() || new.is_some() {
            found(Interval { first, last }, old, new);
        }
        start = last.next();
    }
}
