//! Which pairs of addresses have other firewalls between them than before.
//!
//! What stands between two addresses is decided by the core and by the firewalls of their two sites. So where the core is the same, a pair is asked about only if the site of one end changed; and of the
//! other ends one is asked for all that hang on the core alike, because what their own sites add is on both sides. [`PairGraph`], the definition, is what is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::both::{Both, Which};
use super::matching::Number;
use super::network::{Cell, Network};
use crate::graph::{PairGraph, PlaceId, Role, ZoneId};
use crate::model::SiteId;
use crate::packet::AddressSet;

/// Sets of pairs: every address of the first with every one of the second.
pub(super) type List = Vec<(Arc<AddressSet>, Arc<AddressSet>)>;

/// Pairs that have other firewalls between them.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    /// Those that have.
    pub changed: List,
    /// Pairs among these that have not.
    pub unchanged: List,
}

/// Finds the pairs of addresses, known to both sides, that have other firewalls between them. Pairs without a path may be among them: no flow of theirs travels.
pub(super) fn changed(network: &Network<'_>) -> Pairs {
    if network.is_same {
        return Pairs::default();
    }
    let ways = Ways::new(network);
    let (same, moved): (Vec<&Cell>, Vec<&Cell>) =
        network.cells.iter().filter(|cell| ways.is_known(cell)).partition(|cell| ways.is_same_site(cell));
    let is_core_same = ways.core(Which::Before) == ways.core(Which::After);
    if is_core_same && moved.is_empty() {
        return Pairs::default();
    }
    let mut kinds: BTreeMap<Kind, Vec<&Cell>> = BTreeMap::new();
    for cell in &same {
        kinds.entry(ways.kind(cell)).or_default().push(cell);
    }
    let mut groups: Vec<Vec<&Cell>> = moved.iter().map(|cell| vec![*cell]).collect();
    let first_kind = groups.len();
    groups.extend(kinds.into_values());
    let mut asked: Vec<(Vec<&Cell>, Vec<&Cell>)> = Vec::new();
    for (at, one) in groups.iter().enumerate() {
        for other in groups.iter().skip(at) {
            if !is_core_same || at < first_kind {
                let both = (one.clone(), other.clone());
                asked.push(both);
            }
        }
    }
    // Ends in one site may have paths of their own.
    let mut by_site: BTreeMap<Option<SiteId>, Vec<&Cell>> = BTreeMap::new();
    for cell in same.iter().chain(&moved) {
        by_site.entry(ways.site(cell, Which::Before)).or_default().push(cell);
    }
    let within: Vec<(&Cell, &Cell)> = by_site
        .into_iter()
        .filter(|(site, cells)| site.is_some() && cells.len() > 1)
        .flat_map(|(_, cells)| ways.within(&cells, is_core_same))
        .collect();
    ways.answer(asked, within)
}

/// How an address hangs on the core: the same kind sees the same core, and what it adds itself is the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    /// Where, for each side without and with the zone of the internet.
    positions: Vec<Option<ZoneId>>,
    /// The site, where it hangs on the core at several places.
    complex: Option<SiteId>,
    /// Whether it is in the internet's zone, on each side.
    internet: Both<bool>,
}

struct Ways<'n, 'm> {
    network: &'n Network<'m>,
    /// For each side and site what stands around it.
    sites: Both<BTreeMap<SiteId, Surroundings>>,
}

/// A firewall and what it joins.
type Standing = (Number, Vec<Number>);

/// The zones of a site (and whether a transit is in them), and the firewalls that serve it with what they join; by shared numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Surroundings {
    zones: BTreeSet<(Number, bool)>,
    firewalls: BTreeSet<Standing>,
}

impl<'n, 'm> Ways<'n, 'm> {
    fn new(network: &'n Network<'m>) -> Self {
        let around = |which: Which| {
            let topology = network.sides.of(which).topology;
            let mut sites: BTreeMap<SiteId, Surroundings> = BTreeMap::new();
            for place in &topology.zones.places {
                if let Some(site) = place.site {
                    let has_transit = topology.zones.zones.get(place.zone.index()).is_some_and(|zone| zone.has_transit);
                    let zone = (network.matching.zone(which, place.zone), has_transit);
                    sites.entry(site).or_default().zones.insert(zone);
                }
            }
            for (at, firewall) in topology.firewalls.iter().enumerate() {
                if let Some(site) = firewall.serves {
                    let joined = network.matching.joined(which, firewall);
                    let known = (network.matching.firewall(which, at), joined);
                    sites.entry(site).or_default().firewalls.insert(known);
                }
            }
            sites
        };
        Self { network, sites: Both { before: around(Which::Before), after: around(Which::After) } }
    }

    fn place(&self, cell: &Cell, which: Which) -> Option<PlaceId> {
        *cell.places.of(which)
    }

    fn site(&self, cell: &Cell, which: Which) -> Option<SiteId> {
        self.network.sides.of(which).topology.zones.place(self.place(cell, which)?)?.site
    }

    fn is_known(&self, cell: &Cell) -> bool {
        cell.places.before.is_some() && cell.places.after.is_some()
    }

    /// Whether a cell lies in the same zone of the same site before and after, with the same around it.
    fn is_same_site(&self, cell: &Cell) -> bool {
        let matching = &self.network.matching;
        let zone = |which| self.network.zone(cell, which).and_then(|zone| matching.zone(which, zone));
        let around = |which| self.site(cell, which).map(|site| self.sites.of(which).get(&site));
        zone(Which::Before) == zone(Which::After) && around(Which::Before) == around(Which::After)
    }

    /// The firewalls that serve everybody with what they join, and the internet's zone.
    fn core(&self, which: Which) -> (BTreeSet<Standing>, Option<Number>) {
        let (topology, matching) = (self.network.sides.of(which).topology, &self.network.matching);
        let core = topology.firewalls.iter().enumerate().filter(|(_, firewall)| firewall.serves.is_none());
        let core = core.map(|(at, firewall)| (matching.firewall(which, at), matching.joined(which, firewall)));
        (core.collect(), topology.zones.internet.map(|zone| matching.zone(which, zone)))
    }

    fn kind(&self, cell: &Cell) -> Kind {
        let mut positions = Vec::new();
        let mut complex = None;
        for which in [Which::Before, Which::After] {
            let (topology, site) = (self.network.sides.of(which).topology, self.site(cell, which));
            for world in [false, true].map(|internet| topology.world(internet)) {
                let place = self.place(cell, which);
                positions.push(place.and_then(|place| world.position(&topology.zones, place)));
                if matches!(world.role(site), Role::Complex { .. }) {
                    complex = self.site(cell, Which::Before);
                }
            }
        }
        let internet = |which: Which| {
            let zones = &self.network.sides.of(which).topology.zones;
            self.place(cell, which).is_some_and(|place| zones.is_internet(place))
        };
        Kind { positions, complex, internet: Both { before: internet(Which::Before), after: internet(Which::After) } }
    }

    /// Pairs of cells of one site that need a look of their own: those that paths within the site could join, where such paths could have changed.
    fn within<'c>(&self, cells: &[&'c Cell], is_core_same: bool) -> Vec<(&'c Cell, &'c Cell)> {
        let mut result = Vec::new();
        for (at, one) in cells.iter().enumerate() {
            for other in cells.iter().skip(at + 1) {
                let is_same = is_core_same && self.is_same_site(one) && self.is_same_site(other);
                if !is_same {
                    result.push((*one, *other));
                }
            }
        }
        result
    }

    /// The firewalls between two cells on a side, by shared numbers.
    fn between(&self, from: &Cell, to: &Cell, which: Which) -> BTreeSet<Number> {
        let topology = self.network.sides.of(which).topology;
        if self.network.zone(from, which) == self.network.zone(to, which) {
            return BTreeSet::new();
        }
        let ends = self.place(from, which).zip(self.place(to, which));
        let graph = ends.and_then(|(from, to)| PairGraph::new(topology, from, to));
        let way = graph.map(|graph| graph.on_the_way()).unwrap_or_default();
        way.iter().map(|on| self.network.matching.firewall(which, on.firewall)).collect()
    }

    fn is_changed(&self, from: &Cell, to: &Cell) -> bool {
        !self.is_enclosed(from, to) && self.between(from, to, Which::Before) != self.between(from, to, Which::After)
    }

    /// Whether two cells of one unchanged site have paths through zones of its own alone, which no firewall of the core touches: then the core is nothing to them.
    fn is_enclosed(&self, from: &Cell, to: &Cell) -> bool {
        let is_same = |cell| self.is_same_site(cell) && self.site(cell, Which::Before).is_some();
        is_same(from)
            && is_same(to)
            && [Which::Before, Which::After].into_iter().all(|which| {
                let topology = self.network.sides.of(which).topology;
                let inner = |cell| self.place(cell, which).and_then(|place| topology.inner_of(place));
                let site = self.site(from, which);
                let own = topology.zones.places.iter().filter(|place| place.site == site && site.is_some());
                let mut around = own.flat_map(|place| topology.touching(place.zone));
                inner(from).is_some()
                    && inner(from) == inner(to)
                    && around.all(|at| topology.firewalls.get(*at).is_some_and(|firewall| firewall.serves == site))
            })
    }

    /// One of each group speaks for the group, but for pairs of one site.
    fn answer(&self, asked: Vec<(Vec<&Cell>, Vec<&Cell>)>, within: Vec<(&Cell, &Cell)>) -> Pairs {
        let apart = |(one, other): &(Vec<&Cell>, Vec<&Cell>)| {
            let mut pairs = one.iter().flat_map(|from| other.iter().map(move |to| (*from, *to)));
            let pair = pairs.find(|(from, to)| {
                let site = self.site(from, Which::Before);
                !std::ptr::eq(*from, *to) && (site.is_none() || site != self.site(to, Which::Before))
            });
            pair.is_some_and(|(from, to)| self.is_changed(from, to))
        };
        let mut result = Pairs::default();
        let union = |cells: &[&Cell]| Arc::new(AddressSet::union_all(cells.iter().map(|cell| &*cell.addresses)));
        let changed: Vec<bool> = asked.par_iter().map(apart).collect();
        for ((one, other), _) in asked.iter().zip(changed).filter(|(_, changed)| *changed) {
            add(&mut result.changed, union(one), union(other));
        }
        let inside: Vec<bool> = within.par_iter().map(|(from, to)| self.is_changed(from, to)).collect();
        let (mut changed, mut unchanged) = (List::new(), List::new());
        for ((from, to), is_changed) in within.iter().zip(inside) {
            let list = if is_changed { &mut changed } else { &mut unchanged };
            add(list, from.addresses.clone(), to.addresses.clone());
        }
        result.unchanged = unchanged;
        result.changed.extend(changed);
        result
    }
}

/// Both directions: a path is one both ways.
fn add(list: &mut List, one: Arc<AddressSet>, other: Arc<AddressSet>) {
    list.push((one.clone(), other.clone()));
    if one != other {
        list.push((other, one));
    }
}
