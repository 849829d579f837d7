//! Zones by flood fill, paths by enumeration, blocks by their definition, and the interface pairs that follow.

use crate::worlds::{Device, World};
use std::collections::{BTreeMap, BTreeSet};

/// A zone, numbered in the order in which the flood fill finds it.
pub type Zone = usize;

/// A vertex of the graph of zones and managed firewalls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Vertex {
    Zone(Zone),
    Firewall(String),
}

/// Where an address is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    pub zone: Zone,
    pub site: Option<String>,
}

/// The zones of a world.
pub struct Topology<'w> {
    world: &'w World,
    /// The zone of every segment: `site/network`, or the name of a transit.
    zones: BTreeMap<String, Zone>,
    /// The zone of all transits with `internet: true`, if there is one.
    pub internet: Option<Zone>,
}

/// What there is to know about the paths from one end to another.
#[derive(Debug, Default)]
pub struct Ways {
    /// Whether there is a path through at least one firewall.
    pub exists: bool,
    /// The firewalls on any path.
    pub firewalls: BTreeSet<String>,
    /// The firewalls that some path does without.
    pub spared: BTreeSet<String>,
    /// The (firewall, zone in, zone out) that enumerated paths use.
    pub used: BTreeSet<(String, Zone, Zone)>,
    /// The (firewall, zone in, zone out) that the definition by blocks allows.
    pub allowed: BTreeSet<(String, Zone, Zone)>,
    /// How many paths there are.
    pub count: usize,
}

/// A part of the graph: each firewall with the zones of its interfaces, both limited to what paths may use.
type Graph = BTreeMap<Vertex, BTreeSet<Vertex>>;

/// No world of this suite has as many steps in all its paths; a guard against a test that never ends.
const MOST_STEPS: usize = 20_000_000;

impl<'w> Topology<'w> {
    /// Floods the segments of the world.
    ///
    /// Reading: an inner network (`subnet_of`) is a segment of its own: without a device that joins it, it is a zone of its
    /// own, not a part of the outer network's zone.
    pub fn new(world: &'w World) -> Topology<'w> {
        let mut segments: Vec<String> =
            world.networks().map(|(site, network)| format!("{}/{}", site.name, network.name)).collect();
        segments.extend(world.transits.iter().map(|transit| transit.name.clone()));
        let mut topology = Topology { world, zones: BTreeMap::new(), internet: None };
        let mut next = 0;
        for segment in segments {
            if !topology.zones.contains_key(&segment) {
                topology.flood(&segment, next);
                next += 1;
            }
        }
        let internet = world.transits.iter().find(|transit| transit.internet);
        topology.internet = internet.map(|transit| topology.zones[&transit.name]);
        topology
    }

    fn flood(&mut self, segment: &str, zone: Zone) {
        if self.zones.insert(segment.to_string(), zone).is_some() {
            return;
        }
        for next in self.beside(segment) {
            self.flood(&next, zone);
        }
    }

    /// What is joined to a segment without a managed firewall in between.
    fn beside(&self, segment: &str) -> Vec<String> {
        let unmanaged = self.world.devices.iter().filter(|device| device.platform.is_none());
        let joining = unmanaged.filter(|device| device.interfaces.iter().any(|one| one.joins == segment));
        let mut beside: Vec<String> =
            joining.flat_map(|device| device.interfaces.iter().map(|one| one.joins.clone())).collect();
        let is_internet = |name: &str| self.world.transits.iter().any(|one| one.internet && one.name == name);
        if is_internet(segment) {
            beside.extend(self.world.transits.iter().filter(|one| one.internet).map(|one| one.name.clone()));
        }
        beside
    }

    /// The zone of `site/network` or of a transit.
    pub fn zone_of(&self, segment: &str) -> Zone {
        self.zones[segment]
    }

    /// All zones.
    pub fn zones(&self) -> BTreeSet<Zone> {
        self.zones.values().copied().collect()
    }

    fn firewalls(&self) -> impl Iterator<Item = &'w Device> {
        self.world.devices.iter().filter(|device| device.platform.is_some())
    }

    /// Whether paths between these ends may use the firewall: core, at a hub, or of the source's or the destination's site.
    pub fn may_use(&self, firewall: &Device, source: &End, destination: &End) -> bool {
        let Some(name) = &firewall.site else { return true };
        let is_hub = self.world.sites.iter().any(|site| site.name == *name && site.transit);
        is_hub || source.site.as_ref() == Some(name) || destination.site.as_ref() == Some(name)
    }

    /// Reading: a zone is a site's own if one of the site's networks lies in it and no transit does; a network of another
    /// site in it (joined by a router that filters nothing) does not change that.
    fn is_own(&self, site: &str, zone: Zone) -> bool {
        let mut own = self.world.networks().filter(|(found, _)| found.name == site);
        let holds_network = own.any(|(site, network)| self.zone_of(&format!("{}/{}", site.name, network.name)) == zone);
        holds_network && !self.world.transits.iter().any(|transit| self.zones[&transit.name] == zone)
    }

    /// The zones and firewalls that paths between two ends may use, if only these zones may be used.
    fn graph(&self, source: &End, destination: &End, usable: impl Fn(Zone) -> bool) -> Graph {
        let mut graph = Graph::new();
        for firewall in self.firewalls().filter(|firewall| self.may_use(firewall, source, destination)) {
            for zone in firewall.interfaces.iter().map(|interface| self.zone_of(&interface.joins)) {
                if usable(zone) {
                    let (zone, firewall) = (Vertex::Zone(zone), Vertex::Firewall(firewall.name.clone()));
                    graph.entry(zone.clone()).or_default().insert(firewall.clone());
                    graph.entry(firewall).or_default().insert(zone);
                }
            }
        }
        graph
    }

    /// Everything about the paths between two ends.
    ///
    /// Reading: a path "within" a site may use core firewalls and firewalls of hubs too; only its zones are limited. All its
    /// zones are, those of the two ends included.
    /// Reading: in the graph "that paths of f may use" the internet is a vertex only if it is the zone of an end; a network
    /// that is in the internet's zone is therefore never on a path's way either, only at its ends.
    pub fn ways(&self, source: &End, destination: &End) -> Ways {
        if source.zone == destination.zone {
            return Ways::default();
        }
        ways_in(&self.usable(source, destination), source.zone, destination.zone)
    }

    /// The zones and firewalls that paths between two ends in different zones may use.
    fn usable(&self, source: &End, destination: &End) -> Graph {
        if let Some(site) = source.site.as_ref().filter(|site| destination.site.as_ref() == Some(site)) {
            let inner = self.graph(source, destination, |zone| self.is_own(site, zone));
            if ways_in(&inner, source.zone, destination.zone).exists {
                return inner;
            }
        }
        let is_end = |zone| zone == source.zone || zone == destination.zone;
        self.graph(source, destination, |zone| Some(zone) != self.internet || is_end(zone))
    }

    /// Every path between two ends; inside one zone it is that zone alone.
    pub fn paths(&self, source: &End, destination: &End) -> Vec<Vec<Vertex>> {
        let (from, to) = (Vertex::Zone(source.zone), Vertex::Zone(destination.zone));
        if from == to {
            return vec![vec![from]];
        }
        let graph = self.usable(source, destination);
        let (mut paths, mut path, mut steps) = (Vec::new(), vec![from], 0);
        walk(&graph, &to, &mut path, &mut steps, &mut |path| paths.push(path.to_vec()));
        paths
    }
}

fn ways_in(graph: &Graph, source: Zone, destination: Zone) -> Ways {
    let (source, destination) = (Vertex::Zone(source), Vertex::Zone(destination));
    let mut ways = Ways::default();
    let mut first_path = None;
    let mut steps = 0;
    let mut path = vec![source.clone()];
    let firewalls: Vec<&String> =
        graph.keys().filter_map(|vertex| if let Vertex::Firewall(name) = vertex { Some(name) } else { None }).collect();
    walk(graph, &destination, &mut path, &mut steps, &mut |path| {
        note(path, &mut ways);
        let spared = firewalls.iter().filter(|name| !path.contains(&Vertex::Firewall(name.to_string())));
        ways.spared.extend(spared.map(|name| name.to_string()));
        first_path.get_or_insert_with(|| path.to_vec());
    });
    if let Some(path) = first_path {
        ways.allowed = allowed_pairs(graph, &path);
    }
    ways
}

/// Calls `found` with every simple path that goes on from `path` to the destination.
fn walk(
    graph: &Graph,
    destination: &Vertex,
    path: &mut Vec<Vertex>,
    steps: &mut usize,
    found: &mut impl FnMut(&[Vertex]),
) {
    *steps += 1;
    assert!(*steps < MOST_STEPS, "this world has too many paths for the reference");
    let here = path.last().unwrap().clone();
    if here == *destination {
        found(path);
        return;
    }
    for next in graph.get(&here).into_iter().flatten() {
        if !path.contains(next) {
            path.push(next.clone());
            walk(graph, destination, path, steps, found);
            path.pop();
        }
    }
}

fn note(path: &[Vertex], ways: &mut Ways) {
    ways.exists = true;
    ways.count += 1;
    for triple in path.windows(3) {
        if let [Vertex::Zone(from), Vertex::Firewall(firewall), Vertex::Zone(to)] = triple {
            ways.firewalls.insert(firewall.clone());
            ways.used.insert((firewall.clone(), *from, *to));
        }
    }
}

type Edge = (Vertex, Vertex);

fn edge(one: &Vertex, other: &Vertex) -> Edge {
    if one < other { (one.clone(), other.clone()) } else { (other.clone(), one.clone()) }
}

/// The block of every edge: two edges that meet in a vertex lie on a common simple cycle exactly if their other ends are
/// still connected when that vertex is taken away; the blocks are the classes this relation generates.
fn blocks(graph: &Graph) -> BTreeMap<Edge, usize> {
    let mut block_of: BTreeMap<Edge, usize> = BTreeMap::new();
    for (vertex, beside) in graph {
        for next in beside {
            let fresh = block_of.len();
            block_of.entry(edge(vertex, next)).or_insert(fresh);
        }
    }
    for (vertex, beside) in graph {
        for one in beside {
            for other in beside.iter().filter(|other| connected_without(graph, vertex, one, other)) {
                let (keep, gone) = (block_of[&edge(vertex, one)], block_of[&edge(vertex, other)]);
                block_of.values_mut().filter(|block| **block == gone).for_each(|block| *block = keep);
            }
        }
    }
    block_of
}

fn connected_without(graph: &Graph, removed: &Vertex, from: &Vertex, to: &Vertex) -> bool {
    let mut seen = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(vertex) = open.pop() {
        for next in &graph[vertex] {
            if next != removed && seen.insert(next) {
                open.push(next);
            }
        }
    }
    seen.contains(to)
}

/// The ordered pairs of zones between which each firewall on the way passes a flow, by the contract's definition. Any path
/// will do: all paths between two ends go through the same blocks, and enter and leave each at the same vertices.
fn allowed_pairs(graph: &Graph, path: &[Vertex]) -> BTreeSet<(String, Zone, Zone)> {
    let block_of = blocks(graph);
    let zones_in = |firewall: &Vertex, block: usize| -> Vec<Zone> {
        let in_block = |zone: &&Vertex| block_of[&edge(firewall, zone)] == block;
        graph[firewall].iter().filter(in_block).filter_map(zone_number).collect()
    };
    let mut pairs = BTreeSet::new();
    let mut add = |firewall: &Vertex, from: &[Zone], to: &[Zone]| {
        if let Vertex::Firewall(name) = firewall {
            for (from, to) in from.iter().flat_map(|from| to.iter().map(move |to| (*from, *to))) {
                pairs.extend((from != to).then(|| (name.clone(), from, to)));
            }
        }
    };
    let stretches = stretches(&block_of, path);
    for (block, enter, leave) in &stretches {
        for firewall in inner_firewalls(&block_of, *block, enter, leave) {
            let without = |end: &Vertex| -> Vec<Zone> {
                zones_in(&firewall, *block).into_iter().filter(|zone| Some(*zone) != zone_number(end)).collect()
            };
            add(&firewall, &without(leave), &without(enter));
        }
    }
    for pair in stretches.windows(2) {
        let [(before, _, joint), (after, ..)] = pair else { continue };
        if matches!(joint, Vertex::Firewall(_)) {
            add(joint, &zones_in(joint, *before), &zones_in(joint, *after));
        }
    }
    pairs
}

fn zone_number(vertex: &Vertex) -> Option<Zone> {
    match vertex {
        Vertex::Zone(zone) => Some(*zone),
        Vertex::Firewall(_) => None,
    }
}

/// The blocks on the way, each with the vertex where paths enter it and the one where they leave it.
fn stretches(block_of: &BTreeMap<Edge, usize>, path: &[Vertex]) -> Vec<(usize, Vertex, Vertex)> {
    let mut stretches: Vec<(usize, Vertex, Vertex)> = Vec::new();
    for step in path.windows(2) {
        let [from, to] = step else { continue };
        let block = block_of[&edge(from, to)];
        match stretches.last_mut() {
            Some((last, _, leave)) if *last == block => *leave = to.clone(),
            _ => stretches.push((block, from.clone(), to.clone())),
        }
    }
    stretches
}

/// The firewalls of a block that do not join it to the next or the previous one on the way.
fn inner_firewalls(block_of: &BTreeMap<Edge, usize>, block: usize, enter: &Vertex, leave: &Vertex) -> BTreeSet<Vertex> {
    let edges = block_of.iter().filter(|(_, found)| **found == block).map(|(edge, _)| edge);
    let vertices = edges.flat_map(|(one, other)| [one.clone(), other.clone()]);
    vertices.filter(|vertex| matches!(vertex, Vertex::Firewall(_)) && vertex != enter && vertex != leave).collect()
}
