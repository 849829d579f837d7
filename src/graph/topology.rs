//! The network as placement and answers need it: zones, places, firewalls, and which of them may be on whose way.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use petgraph::graph::{NodeIndex, UnGraph};
use petgraph::unionfind::UnionFind;

use super::blocks::BlockTree;
use super::instance::Instance;
use super::world::World;
use super::zones::{Firewall, Place, PlaceId, ZoneId, Zones, firewalls};
use crate::model::{Model, SiteId};

/// Zones, firewalls, and what placement shares between all pairs.
#[derive(Debug, Clone)]
pub struct Topology {
    /// The zones and places.
    pub zones: Zones,
    /// The managed firewalls, by the name of the device.
    pub firewalls: Vec<Firewall>,
    /// For each place the part of its site's own zones that hang together, if it lies in an own zone.
    inner: Vec<Option<u32>>,
    /// For each site the firewalls that serve only it.
    serving: BTreeMap<SiteId, Vec<usize>>,
    /// For each zone the firewalls next to it, ascending.
    touching: Vec<Vec<usize>>,
    /// For each site the zones that hold its networks and no transit, ascending.
    own_zones: BTreeMap<SiteId, Vec<ZoneId>>,
    /// Without the zone of the internet, and with it: flows with no end there, and flows with one end there.
    pub(super) worlds: [World; 2],
}

impl Topology {
    /// Builds the graph of a model. Cost: linear in zones, interfaces and places.
    #[must_use]
    pub fn new(model: &Model) -> Self {
        let zones = Zones::new(model);
        let firewalls = firewalls(model, &zones);
        let mut serving: BTreeMap<SiteId, Vec<usize>> = BTreeMap::new();
        for (at, firewall) in firewalls.iter().enumerate() {
            if let Some(site) = firewall.serves {
                serving.entry(site).or_default().push(at);
            }
        }
        let mut touching = vec![Vec::new(); zones.zones.len()];
        for (at, firewall) in firewalls.iter().enumerate() {
            for zone in &firewall.zones {
                if let Some(list) = touching.get_mut(zone.index()) {
                    list.push(at);
                }
            }
        }
        let mut own_zones: BTreeMap<SiteId, Vec<ZoneId>> = BTreeMap::new();
        for place in zones.places.iter().filter(|place| is_own(&zones, place)) {
            if let Some(site) = place.site {
                own_zones.entry(site).or_default().push(place.zone);
            }
        }
        let inner = inner_parts(&zones, &firewalls);
        let worlds = [false, true].map(|internet| World::new(&zones, &firewalls, &serving, &touching, internet));
        Self { zones, firewalls, inner, serving, touching, own_zones, worlds }
    }

    /// The part of its site that a place hangs together with by paths through the site's own zones alone; `None` outside own zones. Two places
    /// of one part have only such paths.
    #[must_use]
    pub fn inner_of(&self, place: PlaceId) -> Option<u32> {
        self.inner.get(place.index()).copied().flatten()
    }

    /// Whether a zone is one of a site's own: it holds a network of the site and no transit.
    #[must_use]
    pub fn is_own_zone(&self, zone: ZoneId, site: SiteId) -> bool {
        self.own_zones.get(&site).is_some_and(|own| own.binary_search(&zone).is_ok())
    }

    /// The world for flows without (`false`) or with (`true`) one end in the zone of the internet.
    #[must_use]
    pub fn world(&self, with_internet: bool) -> &World {
        let [without, with] = &self.worlds;
        if with_internet { with } else { without }
    }

    /// The graph for flows between two classes of sites (`None`: plain and pendant ones).
    #[must_use]
    pub fn class_graph(&self, with_internet: bool, source: Option<usize>, destination: Option<usize>) -> Instance {
        let world = self.world(with_internet);
        let is_used = |zone: &ZoneId| with_internet || Some(*zone) != self.zones.internet;
        let wiring = |class: Option<usize>| class.and_then(|class| world.class(class));
        Instance::of_classes(&self.zones, &self.firewalls, is_used, wiring(source), wiring(destination))
    }

    /// The graph of a site's own zones, with the zone of each of its first vertices.
    #[must_use]
    pub fn inner_graph(&self, site: SiteId) -> (Vec<ZoneId>, Instance) {
        let own = self.own_zones.get(&site).cloned().unwrap_or_default();
        let allowed = |at: &usize| {
            let firewall = self.firewalls.get(*at);
            firewall.is_some_and(|firewall| firewall.serves.is_none() || firewall.serves == Some(site))
        };
        let mut near: Vec<usize> = own.iter().flat_map(|zone| self.touching(*zone)).copied().filter(allowed).collect();
        near.sort_unstable();
        // Who stands next to one own zone only joins nothing here.
        let twice = near.chunk_by(|a, b| a == b).filter(|same| same.len() > 1).filter_map(|same| same.first());
        let firewalls: Vec<(usize, &[ZoneId])> =
            twice.filter_map(|&at| self.firewalls.get(at).map(|firewall| (at, firewall.zones.as_slice()))).collect();
        let graph = super::instance::inner(&own, &firewalls);
        (own, graph)
    }

    /// The firewalls next to a zone, ascending.
    #[must_use]
    pub fn touching(&self, zone: ZoneId) -> &[usize] {
        self.touching.get(zone.index()).map(Vec::as_slice).unwrap_or_default()
    }

    /// The firewalls that serve only a site, ascending.
    #[must_use]
    pub fn serving(&self, site: Option<SiteId>) -> &[usize] {
        site.and_then(|site| self.serving.get(&site)).map(Vec::as_slice).unwrap_or_default()
    }

    /// The parts of the core, without the zone of the internet, that a place reaches through the firewalls of its own site alone, ascending: between two places
    /// with a common part there is a path. Empty for places in the internet's zone, whose paths are those of another world.
    #[must_use]
    pub fn reaches(&self, place: PlaceId) -> Vec<usize> {
        let Some(from) = self.zones.place(place).filter(|_| !self.zones.is_internet(place)) else { return Vec::new() };
        let mut reached = vec![self.world(false).core_component(from.zone)];
        self.spread(false, &mut reached, &mut self.serving(from.site).to_vec());
        reached.sort_unstable();
        reached.dedup();
        reached
    }

    /// For each of some places whether it reaches the main part of the core, the one that most of them reach as [`Self::reaches`] says: between any two that do there is a path. Of parts that
    /// equally many reach, the first is the main one.
    #[must_use]
    pub fn reach_main_part(&self, places: impl IntoIterator<Item = PlaceId>) -> Vec<bool> {
        let reached: Vec<Vec<usize>> = places.into_iter().map(|place| self.reaches(place)).collect();
        let mut votes: BTreeMap<usize, usize> = BTreeMap::new();
        for part in reached.iter().flatten() {
            *votes.entry(*part).or_default() += 1;
        }
        let main = votes.into_iter().max_by_key(|&(part, votes)| (votes, Reverse(part))).map(|(part, _)| part);
        reached.iter().map(|parts| main.is_some_and(|main| parts.binary_search(&main).is_ok())).collect()
    }

    /// Whether any path leads from one place to the other (or both lie in one zone). Cost: the firewalls of the two sites.
    #[must_use]
    pub fn is_connected(&self, from: PlaceId, to: PlaceId) -> bool {
        let (Some(a), Some(b)) = (self.zones.place(from), self.zones.place(to)) else { return false };
        if a.zone == b.zone || (self.inner_of(from).is_some() && self.inner_of(from) == self.inner_of(to)) {
            return true;
        }
        let with_internet = self.zones.is_internet(from) || self.zones.is_internet(to);
        let world = self.world(with_internet);
        let goal = world.core_component(b.zone);
        let mut reached = vec![world.core_component(a.zone)];
        let mut waiting: Vec<usize> = self.serving(a.site).iter().chain(self.serving(b.site)).copied().collect();
        self.spread(with_internet, &mut reached, &mut waiting);
        reached.contains(&goal)
    }

    /// Adds the parts that firewalls among `waiting` join to what is `reached`, until none joins more.
    fn spread(&self, with_internet: bool, reached: &mut Vec<usize>, waiting: &mut Vec<usize>) {
        let world = self.world(with_internet);
        loop {
            let before = waiting.len();
            waiting.retain(|&at| {
                let zones = self.firewalls.get(at).map(|firewall| firewall.zones.as_slice()).unwrap_or_default();
                let parts: Vec<usize> = zones
                    .iter()
                    .filter(|&&zone| with_internet || Some(zone) != self.zones.internet)
                    .map(|&zone| world.core_component(zone))
                    .collect();
                let touches = parts.iter().any(|part| reached.contains(part));
                if touches {
                    reached.extend(parts);
                }
                !touches
            });
            if waiting.len() == before {
                return;
            }
        }
    }
}

/// Whether a place is part of a zone of its site's own: no transit is in it.
fn is_own(zones: &Zones, place: &Place) -> bool {
    place.site.is_some() && zones.zones.get(place.zone.index()).is_some_and(|zone| !zone.has_transit)
}

/// Joins the places of each site that a firewall joins through the site's own zones.
fn inner_parts(zones: &Zones, firewalls: &[Firewall]) -> Vec<Option<u32>> {
    let mut joined = UnionFind::<usize>::new(zones.places.len());
    for firewall in firewalls {
        let mut touched: Vec<(Option<SiteId>, usize)> = Vec::new();
        for &zone in &firewall.zones {
            let first = zones.places.partition_point(|place| place.zone < zone);
            let here = zones.places.iter().enumerate().skip(first).take_while(|(_, place)| place.zone == zone);
            let mine = here.filter(|(_, place)| {
                is_own(zones, place) && (firewall.serves.is_none() || firewall.serves == place.site)
            });
            touched.extend(mine.map(|(at, place)| (place.site, at)));
        }
        touched.sort_unstable();
        for pair in touched.windows(2) {
            if let [(a_site, a), (b_site, b)] = pair
                && a_site == b_site
            {
                joined.union(*a, *b);
            }
        }
    }
    let part = |(at, place)| is_own(zones, place).then(|| u32::try_from(joined.find(at)).unwrap_or(u32::MAX));
    zones.places.iter().enumerate().map(part).collect()
}

/// A graph of the given zones and firewalls: the zones are the first vertices, in order, then the firewalls, in order.
pub(super) fn zone_graph(zones: &[ZoneId], firewalls: &[&[ZoneId]]) -> (UnGraph<(), ()>, BlockTree) {
    let mut graph = UnGraph::default();
    for _ in zones {
        graph.add_node(());
    }
    for joined in firewalls {
        let vertex = graph.add_node(());
        for at in joined.iter().filter_map(|zone| zones.binary_search(zone).ok()) {
            graph.add_edge(vertex, NodeIndex::new(at), ());
        }
    }
    let tree = BlockTree::new(&graph);
    (graph, tree)
}
