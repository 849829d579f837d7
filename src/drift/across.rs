//! What really passes from end to end, where firewalls do otherwise than asked: only the difference to the policy is computed.
//!
//! A firewall of which nothing is known to be otherwise passes exactly the permitted flows that have it on their way. So a flow that is *not* permitted passes a way if and only if each firewall on
//! it lets it through as an extra, and one that *is* permitted passes a way if and only if each firewall on it is asked to pass it, and it is missing at none. Both are sent from zone to zone, over the paths of LANGUAGE.md section 4: a firewall of a
//! site is on the way of that site's flows alone, flows inside a part of a site stay there, and the internet is an end.
//!
//! Two things a reader may doubt. *Paths*: what is reached from zone to zone over any crossings is reached over a way without loops through zones; whether such a way crosses one firewall twice
//! is not looked at, because packets could take it. *Sources*: a flow starts in the zone that its source address belongs to, so that what a firewall would accept from forged addresses opens nothing here;
//! `drift` reports it.

use std::collections::{BTreeMap, HashMap};

use super::observed::{Deviation, Door, How, Observed, Side};
use crate::graph::{Topology, ZoneId};
use crate::model::{Model, SiteId};
use crate::packet::{AddressRange, AddressSet, FlowSet, FlowSpace, Order, Product, ServiceSet, TooLarge};
use crate::plan::PlannedRule;
use crate::proof;

/// Flows between ends, whatever lies between them, that are treated otherwise than the policy says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Across {
    /// Not permitted, and on some way every firewall surely lets them through.
    pub open: Vec<Product>,
    /// The same, where *may let through* counts as well.
    pub perhaps_open: Vec<Product>,
    /// Permitted or not, and surely missing on every way.
    pub shut: Vec<Product>,
    /// The same, where *may be missing* counts as well.
    pub perhaps_shut: Vec<Product>,
    /// Permitted or not, and surely missing on some way: as first packets, as later ones, or their answers are.
    pub impaired: Vec<Product>,
    /// The same, where *may be missing* counts as well.
    pub perhaps_impaired: Vec<Product>,
}

/// Sends what is otherwise through the network.
///
/// # Errors
/// The sets are too many to be computed.
pub fn across(model: &Model, topology: &Topology, seen: &[Observed]) -> Result<Across, TooLarge> {
    let deviations = || seen.iter().flat_map(|one| &one.deviations);
    if deviations().next().is_none() {
        return Ok(Across::default());
    }
    let mut space = FlowSpace::new(Order::DestinationFirst);
    let mut network = Network::new(&mut space, model, topology, seen)?;
    let is_known = deviations().all(|one| one.how == How::Surely);
    let open = network.open(How::Surely)?;
    let shut = network.shut(How::Surely)?;
    let impaired = network.impaired(How::Surely)?;
    let [perhaps_open, perhaps_shut, perhaps_impaired] = if is_known {
        [open, shut, impaired]
    } else {
        [network.open(How::Perhaps)?, network.shut(How::Perhaps)?, network.impaired(How::Perhaps)?]
    };
    Ok(Across {
        open: space.products(open)?,
        perhaps_open: space.products(perhaps_open)?,
        shut: space.products(shut)?,
        perhaps_shut: space.products(perhaps_shut)?,
        impaired: space.products(impaired)?,
        perhaps_impaired: space.products(perhaps_impaired)?,
    })
}

/// A way through a firewall from a zone to a zone, and what is otherwise there.
struct Edge<'a> {
    from: ZoneId,
    to: ZoneId,
    /// What may take it at all.
    allowed: FlowSet,
    deviations: Vec<&'a Deviation>,
    /// What the policy allows over it.
    asked: Vec<&'a PlannedRule>,
    /// What the device itself takes from anybody, of flows that come from further away than `from`: one that something else let come so far gets there.
    admitted: FlowSet,
    /// Whether that is so for sure: everything is known of the device.
    is_known: bool,
}

struct Network<'a, 's> {
    space: &'s mut FlowSpace,
    topology: &'a Topology,
    edges: Vec<Edge<'a>>,
    /// The edges that leave each zone.
    leaving: BTreeMap<ZoneId, Vec<usize>>,
    /// The addresses of each zone.
    zones: BTreeMap<ZoneId, AddressSet>,
    products: HashMap<*const Product, FlowSet>,
}

impl<'a, 's> Network<'a, 's> {
    fn new(
        space: &'s mut FlowSpace,
        model: &Model,
        topology: &'a Topology,
        seen: &'a [Observed],
    ) -> Result<Self, TooLarge> {
        let places = Places::new(model, topology);
        let mut restrictions =
            Restrictions { topology, places: &places, inside: BTreeMap::new(), sites: BTreeMap::new() };
        let mut edges = Vec::new();
        for one in seen {
            edges.append(&mut edges_of(space, &mut restrictions, one)?);
        }
        let mut leaving: BTreeMap<ZoneId, Vec<usize>> = BTreeMap::new();
        for (at, edge) in edges.iter().enumerate() {
            leaving.entry(edge.from).or_default().push(at);
        }
        Ok(Self { space, topology, edges, leaving, zones: places.zones, products: HashMap::new() })
    }

    /// The flows that some deviations of an edge are about.
    fn at(&mut self, edge: usize, is_meant: impl Fn(&Deviation) -> bool) -> Result<FlowSet, TooLarge> {
        let Some(edge) = self.edges.get(edge) else { return Ok(FlowSet::EMPTY) };
        let mut sets = Vec::new();
        for product in edge.deviations.iter().filter(|one| is_meant(one)).flat_map(|one| one.flows.iter()) {
            let set = match self.products.get(&std::ptr::from_ref(product)) {
                Some(set) => *set,
                None => self.space.product(&product.sources, &product.destinations, &product.services)?,
            };
            self.products.insert(std::ptr::from_ref(product), set);
            sets.push(set);
        }
        let all = self.space.union_all(&sets)?;
        self.space.intersection(all, edge.allowed)
    }

    fn open(&mut self, how: How) -> Result<FlowSet, TooLarge> {
        let mut passes = Vec::with_capacity(self.edges.len());
        for edge in 0..self.edges.len() {
            passes.push(self.at(edge, |one| one.side == Side::Extra && one.how <= how)?);
        }
        let mut starts = BTreeMap::new();
        for (edge, passes) in self.edges.iter().zip(&passes) {
            if passes.is_empty() || starts.contains_key(&edge.from) {
                continue;
            }
            if let Some(own) = self.zones.get(&edge.from) {
                starts.insert(edge.from, self.space.product(own, &AddressSet::full(), &ServiceSet::any())?);
            }
        }
        for (edge, passes) in passes.iter_mut().enumerate() {
            let admitted = self.admitted(edge, how)?;
            *passes = self.space.union(*passes, admitted)?;
        }
        self.arriving(starts, &passes)
    }

    /// What the device at the end of an edge admits from anybody, but for what its config drops of it.
    fn admitted(&mut self, edge: usize, how: How) -> Result<FlowSet, TooLarge> {
        let meant = self.edges.get(edge).filter(|edge| edge.is_known || how == How::Perhaps);
        let admitted = meant.map_or(FlowSet::EMPTY, |edge| edge.admitted);
        let drops = |one: &Deviation| match how {
            How::Surely => true,
            How::Perhaps => one.how == How::Surely && one.is_first,
        };
        let dropped = self.at(edge, |one| one.side == Side::Missing && drops(one))?;
        self.space.difference(admitted, dropped)
    }

    /// What is missing on every way: what is missing anywhere, and does not arrive around that, over ways that are asked to carry it.
    fn shut(&mut self, how: How) -> Result<FlowSet, TooLarge> {
        let is_meant = |one: &Deviation| one.side == Side::Missing && one.is_first && one.how <= how;
        let mut at = Vec::with_capacity(self.edges.len());
        for edge in 0..self.edges.len() {
            at.push(self.at(edge, is_meant)?);
        }
        let missing = self.space.union_all(&at)?;
        if missing.is_empty() {
            return Ok(missing);
        }
        let mut passes = Vec::with_capacity(at.len());
        let ends = (self.space.sources(missing)?, self.space.destinations(missing)?);
        for (edge, here) in at.into_iter().enumerate() {
            let asked = self.asked(edge, &ends)?;
            passes.push(self.space.difference(asked, here)?);
        }
        let mut starts = BTreeMap::new();
        for (zone, own) in &self.zones {
            let from = self.space.product(own, &AddressSet::full(), &ServiceSet::any())?;
            let start = self.space.intersection(missing, from)?;
            if !start.is_empty() {
                starts.insert(*zone, start);
            }
        }
        let arriving = self.arriving(starts, &passes)?;
        self.space.difference(missing, arriving)
    }

    /// What the policy allows over an edge, of the flows between some ends.
    fn asked(&mut self, edge: usize, (from, to): &(AddressSet, AddressSet)) -> Result<FlowSet, TooLarge> {
        let Some(edge) = self.edges.get(edge) else { return Ok(FlowSet::EMPTY) };
        let mut sets = Vec::new();
        for rule in edge.asked.iter().filter(|rule| rule.source.intersects(from) && rule.destination.intersects(to)) {
            sets.push(self.space.product(&rule.source, &rule.destination, &rule.services)?);
        }
        let all = self.space.union_all(&sets)?;
        self.space.intersection(all, edge.allowed)
    }

    fn impaired(&mut self, how: How) -> Result<FlowSet, TooLarge> {
        let mut missing = Vec::new();
        for edge in 0..self.edges.len() {
            missing.push(self.at(edge, |one| one.side == Side::Missing && one.how <= how)?);
        }
        self.space.union_all(&missing)
    }

    /// The flows that get from the zones where they start to those where they end.
    fn arriving(&mut self, starts: BTreeMap<ZoneId, FlowSet>, passes: &[FlowSet]) -> Result<FlowSet, TooLarge> {
        let mut waiting = starts;
        let mut there: BTreeMap<ZoneId, FlowSet> = BTreeMap::new();
        while let Some((zone, flows)) = waiting.pop_first() {
            for at in self.leaving.get(&zone).into_iter().flatten() {
                let (Some(edge), Some(passes)) = (self.edges.get(*at), passes.get(*at)) else { continue };
                let through = self.space.intersection(flows, *passes)?;
                let known = there.get(&edge.to).copied().unwrap_or(FlowSet::EMPTY);
                let fresh = self.space.difference(through, known)?;
                if fresh.is_empty() {
                    continue;
                }
                there.insert(edge.to, self.space.union(known, fresh)?);
                if Some(edge.to) != self.topology.zones.internet {
                    let before = waiting.get(&edge.to).copied().unwrap_or(FlowSet::EMPTY);
                    waiting.insert(edge.to, self.space.union(before, fresh)?);
                }
            }
        }
        let mut arrived = Vec::with_capacity(there.len());
        for (zone, flows) in there {
            let Some(own) = self.zones.get(&zone) else { continue };
            let to = self.space.product(&AddressSet::full(), own, &ServiceSet::any())?;
            arrived.push(self.space.intersection(flows, to)?);
        }
        self.space.union_all(&arrived)
    }
}

/// The ways through a firewall: a pair of interfaces each, and to its own addresses in other zones where it protects them.
fn edges_of<'a>(
    space: &mut FlowSpace,
    restrictions: &mut Restrictions<'_>,
    seen: &'a Observed,
) -> Result<Vec<Edge<'a>>, TooLarge> {
    let topology = restrictions.topology;
    let Some(firewall) = topology.firewalls.get(seen.firewall) else { return Ok(Vec::new()) };
    let zones = firewall.interface_zones.as_slice();
    let (all, any) = (AddressSet::full(), ServiceSet::any());
    let own = match seen.own() {
        Some(own) => space.product(&all, own, &any)?,
        None => FlowSet::EMPTY,
    };
    let mut by_door: BTreeMap<Door, (Vec<&Deviation>, Vec<&PlannedRule>)> = BTreeMap::new();
    for one in &seen.deviations {
        by_door.entry(one.door).or_default().0.push(one);
    }
    for (door, rules) in seen.asked() {
        by_door.entry(door).or_default().1.extend(rules);
    }
    let is_known = seen.doubt.is_none();
    let mut edges = Vec::new();
    for (incoming, from) in zones.iter().enumerate() {
        let mut of = |outgoing| by_door.remove(&Door { incoming, outgoing }).unwrap_or_default();
        for (outgoing, to) in zones.iter().enumerate().filter(|(_, to)| *to != from) {
            let allowed = restrictions.of(space, firewall.serves, *to)?;
            let allowed = space.difference(allowed, own)?;
            let (deviations, asked) = of(Some(outgoing));
            edges.push(Edge { from: *from, to: *to, allowed, deviations, asked, admitted: FlowSet::EMPTY, is_known });
        }
        let Some(addresses) = seen.own() else { continue };
        let itself = of(None);
        let beside = match restrictions.places.zones.get(from) {
            Some(own) => space.product(own, &all, &any)?,
            None => FlowSet::EMPTY,
        };
        let admitted = proof::admitted(space, &seen.plan)?;
        let admitted = space.difference(admitted, beside)?;
        let ends = restrictions.places.zones.iter().filter(|(to, set)| *to != from && set.intersects(addresses));
        for to in ends.map(|(to, _)| *to).collect::<Vec<_>>() {
            let allowed = restrictions.of(space, firewall.serves, to)?;
            let allowed = space.intersection(allowed, own)?;
            let (deviations, asked) = itself.clone();
            let admitted = space.intersection(admitted, allowed)?;
            edges.push(Edge { from: *from, to, allowed, deviations, asked, admitted, is_known });
        }
    }
    Ok(edges)
}

/// The known addresses, by zone, by site, and by part of a site that hangs together.
struct Places {
    zones: BTreeMap<ZoneId, AddressSet>,
    sites: BTreeMap<SiteId, AddressSet>,
    /// Parts of several zones: paths inside one stay in it.
    parts: Vec<(SiteId, AddressSet)>,
}

impl Places {
    fn new(model: &Model, topology: &Topology) -> Self {
        let mut zones: BTreeMap<ZoneId, Vec<AddressRange>> = BTreeMap::new();
        let mut sites: BTreeMap<SiteId, Vec<AddressRange>> = BTreeMap::new();
        let mut parts: BTreeMap<(SiteId, u32), (Vec<ZoneId>, Vec<AddressRange>)> = BTreeMap::new();
        for (range, location) in model.located.ranges() {
            let Some(id) = topology.zones.place_at(location) else { continue };
            let Some(place) = topology.zones.place(id) else { continue };
            zones.entry(place.zone).or_default().push(range);
            let Some(site) = place.site else { continue };
            sites.entry(site).or_default().push(range);
            if let Some(part) = topology.inner_of(id) {
                let (zones, ranges) = parts.entry((site, part)).or_default();
                zones.push(place.zone);
                ranges.push(range);
            }
        }
        let is_several = |zones: &[ZoneId]| zones.iter().any(|zone| Some(zone) != zones.first());
        let parts = parts.into_iter().filter(|(_, (zones, _))| is_several(zones));
        Self {
            zones: zones.into_iter().map(|(zone, ranges)| (zone, ranges.into_iter().collect())).collect(),
            sites: sites.into_iter().map(|(site, ranges)| (site, ranges.into_iter().collect())).collect(),
            parts: parts.map(|((site, _), (_, ranges))| (site, ranges.into_iter().collect())).collect(),
        }
    }
}

/// Which flows may have what on their way.
struct Restrictions<'a> {
    topology: &'a Topology,
    places: &'a Places,
    /// For the sites whose own a zone is: the flows that never go there, because they stay in their part of another site.
    inside: BTreeMap<Vec<SiteId>, FlowSet>,
    /// The flows from and to a site.
    sites: BTreeMap<SiteId, FlowSet>,
}

impl Restrictions<'_> {
    /// The flows that may go to a zone through a firewall which serves a site, or all.
    fn of(&mut self, space: &mut FlowSpace, serves: Option<SiteId>, to: ZoneId) -> Result<FlowSet, TooLarge> {
        let (all, any) = (AddressSet::full(), ServiceSet::any());
        let served = match serves {
            None => space.complement(FlowSet::EMPTY)?,
            Some(site) => match self.sites.get(&site) {
                Some(known) => *known,
                None => {
                    let empty = AddressSet::empty();
                    let own = self.places.sites.get(&site).unwrap_or(&empty);
                    let ends = [space.product(own, &all, &any)?, space.product(&all, own, &any)?];
                    let both = space.union_all(&ends)?;
                    self.sites.insert(site, both);
                    both
                }
            },
        };
        let parts = &self.places.parts;
        let mut at_home: Vec<SiteId> =
            parts.iter().map(|(site, _)| *site).filter(|site| self.topology.is_own_zone(to, *site)).collect();
        at_home.dedup();
        let staying = match self.inside.get(&at_home) {
            Some(known) => *known,
            None => {
                let mut inside = Vec::new();
                for (_, part) in parts.iter().filter(|(site, _)| !at_home.contains(site)) {
                    inside.push(space.product(part, part, &any)?);
                }
                let inside = space.union_all(&inside)?;
                self.inside.insert(at_home, inside);
                inside
            }
        };
        space.difference(served, staying)
    }
}
