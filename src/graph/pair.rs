//! One pair of places, by the definition: the graph of zones and firewalls that paths between them may use, and who is on the way.
//!
//! This is LANGUAGE.md section 4 put into code as directly as possible: for each question the graph is built anew. `explain` asks it for one flow;
//! placement, which must answer for all pairs at once, shares graphs (see [`super::Topology`]) and is tested against this.

use petgraph::graph::{NodeIndex, UnGraph};

use super::blocks::{BlockTree, Door, Side, crosses};
use super::topology::Topology;
use super::zones::{PlaceId, ZoneId};

/// A firewall on the way, and from which zones to which it passes the flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnTheWay {
    /// Index into [`Topology::firewalls`].
    pub firewall: usize,
    /// Ordered pairs (in, out) of zones, the ones on short ways first.
    pub crossings: Vec<(ZoneId, ZoneId)>,
}

/// The graph that paths between two places may use.
pub struct PairGraph<'t> {
    topology: &'t Topology,
    graph: UnGraph<(), ()>,
    tree: BlockTree,
    /// Zone of each of the first vertices, ascending.
    zones: Vec<ZoneId>,
    /// Firewall of each further vertex.
    firewalls: Vec<usize>,
    source: ZoneId,
    destination: ZoneId,
}

impl<'t> PairGraph<'t> {
    /// Builds the graph for flows from one place to another.
    #[must_use]
    pub fn new(topology: &'t Topology, source: PlaceId, destination: PlaceId) -> Option<Self> {
        let zones = &topology.zones;
        let (from, to) = (zones.place(source)?, zones.place(destination)?);
        let allowed = |serves: Option<_>| serves.is_none() || serves == from.site || serves == to.site;
        let internet_is_end = [from.zone, to.zone].map(Some).contains(&zones.internet);
        let inner = topology.inner_of(source).is_some() && topology.inner_of(source) == topology.inner_of(destination);
        let usable = |zone: ZoneId| {
            if inner {
                from.site.is_some_and(|site| topology.is_own_zone(zone, site))
            } else {
                internet_is_end || Some(zone) != zones.internet
            }
        };
        let used: Vec<ZoneId> =
            (0..).zip(&zones.zones).map(|(at, _)| ZoneId(at)).filter(|&zone| usable(zone)).collect();
        let mut graph = UnGraph::default();
        for _ in &used {
            graph.add_node(());
        }
        let mut firewalls = Vec::new();
        for (at, firewall) in topology.firewalls.iter().enumerate().filter(|(_, firewall)| allowed(firewall.serves)) {
            let vertex = graph.add_node(());
            firewalls.push(at);
            for zone in &firewall.zones {
                if let Ok(at) = used.binary_search(zone) {
                    graph.add_edge(vertex, NodeIndex::new(at), ());
                }
            }
        }
        let tree = BlockTree::new(&graph);
        Some(Self { topology, graph, tree, zones: used, firewalls, source: from.zone, destination: to.zone })
    }

    fn vertex(&self, zone: ZoneId) -> Option<usize> {
        self.zones.binary_search(&zone).ok()
    }

    /// Whether there is a path.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        match (self.vertex(self.source), self.vertex(self.destination)) {
            (Some(a), Some(b)) => self.tree.component(a) == self.tree.component(b),
            _ => false,
        }
    }

    /// Every firewall on some path, nearest to the source first (ties by name), with its crossings.
    #[must_use]
    pub fn on_the_way(&self) -> Vec<OnTheWay> {
        let (Some(a), Some(b)) = (self.vertex(self.source), self.vertex(self.destination)) else { return Vec::new() };
        if a == b {
            return Vec::new();
        }
        let (distance, left) = (self.distances(a), self.distances(b));
        let mut result: Vec<(usize, OnTheWay)> = Vec::new();
        for (&firewall, vertex) in self.firewalls.iter().zip(self.zones.len()..) {
            if let (Some(from), Some(to)) = (self.tree.side(vertex, a), self.tree.side(vertex, b)) {
                let mut crossings = self.crossings(firewall, vertex, from, to);
                let steps = |zone: ZoneId, to: &[usize]| {
                    self.vertex(zone).and_then(|at| to.get(at).copied()).unwrap_or(usize::MAX)
                };
                crossings.sort_by_key(|(enter, leave)| steps(*enter, &distance).saturating_add(steps(*leave, &left)));
                if !crossings.is_empty() {
                    result
                        .push((distance.get(vertex).copied().unwrap_or(usize::MAX), OnTheWay { firewall, crossings }));
                }
            }
        }
        result.sort_by_key(|(distance, on)| (*distance, on.firewall));
        result.into_iter().map(|(_, on)| on).collect()
    }

    fn crossings(&self, firewall: usize, vertex: usize, from: Side, to: Side) -> Vec<(ZoneId, ZoneId)> {
        let zones = self.topology.firewalls.get(firewall).map(|firewall| firewall.zones.as_slice()).unwrap_or_default();
        let door = |zone: ZoneId| {
            let at = self.vertex(zone)?;
            Some((zone, Door { zone: at, block: self.tree.block_of_edge(vertex, at)? }))
        };
        let doors: Vec<(ZoneId, Door)> = zones.iter().filter_map(|&zone| door(zone)).collect();
        let all = doors.iter().flat_map(|enter| doors.iter().map(move |leave| (enter, leave)));
        all.filter(|((_, enter), (_, leave))| crosses(*enter, *leave, from, to))
            .map(|((a, _), (b, _))| (*a, *b))
            .collect()
    }

    /// Whether some way leads from the source to the destination through zones of which no two have the same `origin`; `None` if `steps` steps of a search did not show it.
    /// The only search along ways in the program: what it decides (simple paths with forbidden pairs) is hard in general, so it has a budget.
    #[must_use]
    pub fn has_way_through_each_once(&self, origin: impl Fn(ZoneId) -> ZoneId, steps: usize) -> Option<bool> {
        let (Some(a), Some(b)) = (self.vertex(self.source), self.vertex(self.destination)) else { return Some(false) };
        let mut left = steps;
        let left_to = self.distances(b);
        let near = |vertex: usize| left_to.get(vertex).copied().unwrap_or(usize::MAX);
        let next = |vertex: usize| {
            let mut next: Vec<usize> = self.graph.neighbors(NodeIndex::new(vertex)).map(NodeIndex::index).collect();
            next.sort_unstable_by_key(|&vertex| std::cmp::Reverse((near(vertex), vertex)));
            next.dedup();
            next
        };
        // The way so far, and for each of its vertices the neighbours that are left to try, the best last.
        let mut way = vec![(a, next(a))];
        while let Some((_, open)) = way.last_mut() {
            let Some(vertex) = open.pop() else {
                way.pop();
                continue;
            };
            left = left.checked_sub(1)?;
            let zone = |vertex: usize| self.zones.get(vertex).map(|&zone| origin(zone));
            let is_new =
                way.iter().all(|&(seen, _)| seen != vertex && (zone(seen).is_none() || zone(seen) != zone(vertex)));
            if near(vertex) == usize::MAX || !is_new {
                continue;
            }
            if vertex == b {
                return Some(true);
            }
            way.push((vertex, next(vertex)));
        }
        Some(false)
    }

    /// The zones from which the flow enters a firewall that has the destination's address itself: those from which paths to the destination's zone
    /// enter it, and that zone where the flow can get there without the firewall. Ascending; empty if there is no path.
    #[must_use]
    pub fn entries(&self, firewall: usize) -> Vec<ZoneId> {
        if self.source == self.destination {
            return vec![self.source];
        }
        let (Some(a), Some(b)) = (self.vertex(self.source), self.vertex(self.destination)) else { return Vec::new() };
        if !self.is_connected() {
            return Vec::new();
        }
        let vertex = self.firewalls.binary_search(&firewall).map(|at| self.zones.len() + at);
        let sides =
            vertex.ok().and_then(|vertex| Some((vertex, self.tree.side(vertex, a)?, self.tree.side(vertex, b)?)));
        // On no way at all, it is reached like any other address of the zone.
        let Some((vertex, from, to)) = sides else { return vec![self.destination] };
        let mut zones: Vec<ZoneId> =
            self.crossings(firewall, vertex, from, to).into_iter().map(|(enter, _)| enter).collect();
        if from.block == to.block {
            zones.push(self.destination);
        }
        zones.sort_unstable();
        zones.dedup();
        zones
    }

    fn distances(&self, start: usize) -> Vec<usize> {
        let mut distance = vec![usize::MAX; self.graph.node_count()];
        let mut queue = std::collections::VecDeque::from([(start, 0)]);
        while let Some((at, steps)) = queue.pop_front() {
            match distance.get_mut(at) {
                Some(known) if *known == usize::MAX => *known = steps,
                _ => continue,
            }
            queue.extend(self.graph.neighbors(NodeIndex::new(at)).map(|next| (next.index(), steps + 1)));
        }
        distance
    }
}
