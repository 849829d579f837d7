//! Whether the flows of a rule arrive, from zone to zone through what firewalls let through of it.
//!
//! Services do not matter here: every part of a rule has all of them. What is on its way is kept per zone as products of sources and destinations; products with equal destinations go on
//! together, so that a rule from a thousand branches is carried through their common zone once. A zone of the internet is an end, never on the way.

use std::cell::OnceCell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::graph::{PlaceId, Topology, ZoneId};
use crate::model::{Model, RuleId};
use crate::packet::{AddressRange, AddressSet, FlowSet, FlowSpace, Order, ServiceSet, TooLarge};

/// What one firewall lets through of a rule, from a zone to a zone.
#[derive(Debug)]
pub(super) struct Carried {
    pub(super) rule: RuleId,
    pub(super) from: ZoneId,
    pub(super) to: ZoneId,
    pub(super) source: Arc<AddressSet>,
    pub(super) destination: Arc<AddressSet>,
}

/// Sources and destinations, every flow between them.
type Batch = (Arc<AddressSet>, Arc<AddressSet>);

/// The known addresses of a set by where they belong. Rules share sets, so it is asked once for each.
#[derive(Debug)]
pub(super) struct Parts {
    /// By place, ascending.
    places: Vec<(PlaceId, Arc<AddressSet>)>,
    /// By zone, ascending. Of a zone with one place it is the same set.
    zones: Vec<(ZoneId, Arc<AddressSet>)>,
}

impl Parts {
    /// Of a set.
    pub(super) fn of(model: &Model, topology: &Topology, set: &AddressSet) -> Self {
        let places = by_place(model, topology, set);
        let zones = by_zone(topology, &places);
        Self { places, zones }
    }
}

/// Sends the flows of a rule between two sets off, through what is carried of it, which stands in the order of the zones that it leaves; `None` if all that have a way arrive, else one pair of places, as addresses, between which some do not.
pub(super) fn arrives(
    topology: &Topology,
    spread: &mut Spread,
    [from, to]: [&Parts; 2],
    destinations: &Arc<AddressSet>,
    carried: &[Carried],
) -> Option<(String, String)> {
    spread.send(topology, &from.zones, destinations, carried);
    for (zone, wanted) in &to.zones {
        let batches = spread.there(*zone);
        let covering = batches.iter().filter(|(_, destinations)| wanted.is_subset(destinations));
        let covering: Vec<&Arc<AddressSet>> = covering.map(|(sources, _)| sources).collect();
        let all = OnceCell::new();
        let has_arrived = |part: &AddressSet| {
            covering.iter().any(|sources| part.is_subset(sources))
                || covering.len() > 1 && part.is_subset(all.get_or_init(|| union(&covering)))
        };
        let is_here = |place: PlaceId| zone_of(topology, place) == Some(*zone);
        for (place, sources) in from.places.iter().filter(|(place, _)| !is_here(*place)) {
            if has_arrived(sources) {
                continue;
            }
            let missing = to.places.iter().filter(|(end, _)| is_here(*end)).find(|(end, part)| {
                topology.is_connected(*place, *end)
                    && !(topology.zones.is_public(*place) && topology.zones.is_public(*end))
                    && !is_covered(sources, part, batches).unwrap_or(false)
            });
            if let Some((_, part)) = missing {
                return Some((named(sources), named(part)));
            }
        }
    }
    None
}

fn named(set: &AddressSet) -> String {
    set.ranges().next().map(|range| range.to_string()).unwrap_or_default()
}

fn zone_of(topology: &Topology, place: PlaceId) -> Option<ZoneId> {
    topology.zones.place(place).map(|place| place.zone)
}

fn by_place(model: &Model, topology: &Topology, set: &AddressSet) -> Vec<(PlaceId, Arc<AddressSet>)> {
    let known = model.located.meet(set).into_iter();
    let mut parts: Vec<(PlaceId, AddressRange)> =
        known.filter_map(|(range, location)| Some((topology.zones.place_at(location)?, range))).collect();
    parts.sort_by_key(|(place, _)| *place);
    let places = parts.chunk_by(|one, other| one.0 == other.0);
    let part = |parts: &[(PlaceId, AddressRange)]| Arc::new(parts.iter().map(|(_, range)| *range).collect());
    places.filter_map(|parts| Some((parts.first()?.0, part(parts)))).collect()
}

fn by_zone(topology: &Topology, places: &[(PlaceId, Arc<AddressSet>)]) -> Vec<(ZoneId, Arc<AddressSet>)> {
    let mut parts: Vec<(ZoneId, &Arc<AddressSet>)> =
        places.iter().filter_map(|(place, set)| Some((zone_of(topology, *place)?, set))).collect();
    parts.sort_by_key(|(zone, _)| *zone);
    let zones = parts.chunk_by(|one, other| one.0 == other.0);
    let whole = |parts: &[(ZoneId, &Arc<AddressSet>)]| {
        let sets: Vec<&Arc<AddressSet>> = parts.iter().map(|(_, set)| *set).collect();
        Some((parts.first()?.0, union(&sets)))
    };
    zones.filter_map(whole).collect()
}

/// What gets to each zone of a rule's flows. Made once for all rules, for most of them get to a few zones of many.
#[derive(Debug)]
pub(super) struct Spread {
    /// By zone, what is or was there.
    there: Vec<Vec<Batch>>,
    /// By zone, what is there and was not sent on yet.
    waiting: Vec<Vec<Batch>>,
    /// The zones in which something waits, in the order in which it came: what comes from many zones goes on together.
    queue: VecDeque<ZoneId>,
    /// The zones in which anything is.
    reached: Vec<ZoneId>,
}

impl Spread {
    /// Nothing anywhere.
    pub(super) fn new(topology: &Topology) -> Self {
        let zones = topology.zones.zones.len();
        let nothing = || vec![Vec::new(); zones];
        Self { there: nothing(), waiting: nothing(), queue: VecDeque::new(), reached: Vec::new() }
    }

    /// What is in a zone, of what came from others.
    fn there(&self, zone: ZoneId) -> &[Batch] {
        self.there.get(zone.index()).map(Vec::as_slice).unwrap_or_default()
    }

    /// Lets go of what was sent before, and sends the flows from some zones to a set.
    fn send(
        &mut self,
        topology: &Topology,
        from: &[(ZoneId, Arc<AddressSet>)],
        destinations: &Arc<AddressSet>,
        carried: &[Carried],
    ) {
        for zone in self.reached.drain(..) {
            if let Some(there) = self.there.get_mut(zone.index()) {
                there.clear();
            }
        }
        for (zone, set) in from {
            self.wait(*zone, (set.clone(), destinations.clone()));
        }
        while let Some(zone) = self.queue.pop_front() {
            let batches = self.waiting.get_mut(zone.index()).map(std::mem::take).unwrap_or_default();
            let leaving = carried.get(carried.partition_point(|one| one.from < zone)..).unwrap_or_default();
            for (sources, destinations) in merged(batches) {
                for one in leaving.iter().take_while(|one| one.from == zone) {
                    let Some(batch) = through(&sources, &destinations, one) else { continue };
                    let Some(known) = self.there.get_mut(one.to.index()) else { continue };
                    if known.iter().any(|known| holds(known, &batch)) {
                        continue;
                    }
                    if known.is_empty() {
                        self.reached.push(one.to);
                    }
                    known.push(batch.clone());
                    if Some(one.to) != topology.zones.internet {
                        self.wait(one.to, batch);
                    }
                }
            }
        }
    }

    fn wait(&mut self, zone: ZoneId, batch: Batch) {
        let Some(waiting) = self.waiting.get_mut(zone.index()) else { return };
        if waiting.is_empty() {
            self.queue.push_back(zone);
        }
        waiting.push(batch);
    }
}

fn holds(known: &Batch, batch: &Batch) -> bool {
    batch.0.is_subset(&known.0) && batch.1.is_subset(&known.1)
}

/// What gets through a firewall of some flows.
fn through(sources: &Arc<AddressSet>, destinations: &Arc<AddressSet>, one: &Carried) -> Option<Batch> {
    let batch = (common(sources, &one.source), common(destinations, &one.destination));
    (!batch.0.is_empty() && !batch.1.is_empty()).then_some(batch)
}

/// The intersection, shared where it is one of the two.
fn common(left: &Arc<AddressSet>, right: &Arc<AddressSet>) -> Arc<AddressSet> {
    if Arc::ptr_eq(left, right) || left.is_subset(right) {
        left.clone()
    } else if right.is_subset(left) {
        right.clone()
    } else {
        Arc::new(left.intersection(right))
    }
}

fn union(sets: &[&Arc<AddressSet>]) -> Arc<AddressSet> {
    match sets {
        [one] => Arc::clone(one),
        many => Arc::new(AddressSet::union_all(many.iter().map(|set| &***set))),
    }
}

/// Batches with equal destinations as one.
fn merged(batches: Vec<Batch>) -> Vec<Batch> {
    let Some(first) = batches.first().map(|(_, destinations)| destinations.clone()) else { return batches };
    if batches.iter().all(|(_, destinations)| Arc::ptr_eq(destinations, &first)) {
        let sources: Vec<&Arc<AddressSet>> = batches.iter().map(|(sources, _)| sources).collect();
        return vec![(union(&sources), first)];
    }
    let mut by_destination: BTreeMap<&Arc<AddressSet>, Vec<&Arc<AddressSet>>> = BTreeMap::new();
    for (sources, destinations) in &batches {
        by_destination.entry(destinations).or_default().push(sources);
    }
    by_destination.into_iter().map(|(destinations, sources)| (union(&sources), destinations.clone())).collect()
}

/// Whether every flow between two sets is in some batch.
fn is_covered(sources: &AddressSet, destinations: &AddressSet, batches: &[Batch]) -> Result<bool, TooLarge> {
    let mut space = FlowSpace::new(Order::DestinationFirst);
    let any = ServiceSet::any();
    let wanted = space.product(sources, destinations, &any)?;
    let mut arrived: Vec<FlowSet> = Vec::with_capacity(batches.len());
    for (sources, destinations) in batches {
        arrived.push(space.product(sources, destinations, &any)?);
    }
    let arrived = space.union_all(&arrived)?;
    Ok(space.is_subset(wanted, arrived))
}
