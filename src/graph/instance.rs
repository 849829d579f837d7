//! One graph with its block-cut tree, shared by many pairs of places.

use petgraph::graph::{NodeIndex, UnGraph};

use super::blocks::{BlockId, BlockTree, Door, Vertex};
use super::topology::zone_graph;
use super::world::Leaf;
use super::zones::{Firewall, ZoneId, Zones};

/// Which real firewall a vertex stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// A firewall, by its index in the topology.
    Real(usize),
    /// The firewall at a position among those of any source site of the class.
    OfSource(usize),
    /// The firewall at a position among those of any destination site of the class.
    OfDestination(usize),
}

/// A firewall in an instance.
#[derive(Debug, Clone)]
pub struct InstanceFirewall {
    /// Its vertex.
    pub vertex: Vertex,
    /// Which firewall it is.
    pub who: Who,
    /// The zones next to it, by block.
    pub doors: Vec<Door>,
}

impl InstanceFirewall {
    /// The doors to a block.
    #[must_use]
    pub fn doors_to(&self, block: BlockId) -> &[Door] {
        let first = self.doors.partition_point(|door| door.block < block);
        let rest = self.doors.get(first..).unwrap_or_default();
        rest.get(..rest.partition_point(|door| door.block == block)).unwrap_or_default()
    }
}

/// A graph, its block-cut tree, and its firewalls.
#[derive(Debug, Clone)]
pub struct Instance {
    /// The tree.
    pub tree: BlockTree,
    /// The firewalls, ascending by vertex.
    pub firewalls: Vec<InstanceFirewall>,
    /// For the graphs of classes: the first vertex of the interior zones of the source site and of the destination site.
    interiors: [Vertex; 2],
}

/// The shape of a complex site: for each of its firewalls the zones next to it. Sites with equal wiring are interchangeable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wiring {
    /// How many interior zones there are.
    interior: usize,
    /// For each firewall its neighbours.
    firewalls: Vec<Vec<End>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// The interior zone of this number.
    Interior(usize),
    /// A zone of the core.
    Core(ZoneId),
}

impl Wiring {
    pub(super) fn of(leaf: &Leaf, firewalls: &[Firewall], is_used: impl Fn(&ZoneId) -> bool) -> Self {
        let end = |zone: &ZoneId| leaf.interior.binary_search(zone).map_or(End::Core(*zone), End::Interior);
        let ends = |firewall: &Firewall| {
            let mut ends: Vec<End> = firewall.zones.iter().filter(|zone| is_used(zone)).map(end).collect();
            ends.sort_unstable();
            ends
        };
        let firewalls = leaf.firewalls.iter().filter_map(|&at| firewalls.get(at)).map(ends).collect();
        Self { interior: leaf.interior.len(), firewalls }
    }
}

impl Instance {
    /// The core: every zone is a vertex; firewalls that serve everybody join the used ones.
    pub(super) fn core(zones: &Zones, firewalls: &[Firewall], is_used: impl Fn(&ZoneId) -> bool) -> Self {
        let (graph, real) = core_graph(zones.zones.len(), firewalls, is_used);
        let tree = BlockTree::new(&graph);
        Self::assemble(&graph, tree, zones.zones.len(), &real)
    }

    /// The own graph of a pendant site.
    pub(super) fn leaf(leaf: &Leaf, firewalls: &[Firewall]) -> Self {
        let position = |zone: &ZoneId| {
            leaf.interior
                .binary_search(zone)
                .ok()
                .or_else(|| leaf.attachments.contains(zone).then_some(leaf.interior.len()))
        };
        let mut graph = UnGraph::<(), ()>::default();
        for _ in 0..=leaf.interior.len() {
            graph.add_node(());
        }
        for firewall in leaf.firewalls.iter().filter_map(|&at| firewalls.get(at)) {
            let vertex = graph.add_node(());
            for at in firewall.zones.iter().filter_map(position) {
                graph.add_edge(vertex, NodeIndex::new(at), ());
            }
        }
        let tree = BlockTree::new(&graph);
        Self::assemble(&graph, tree, leaf.interior.len() + 1, &leaf.firewalls)
    }

    /// The core with a site of one or two classes added, as source and as destination.
    #[must_use]
    pub fn of_classes(
        zones: &Zones,
        firewalls: &[Firewall],
        is_used: impl Fn(&ZoneId) -> bool,
        source: Option<&Wiring>,
        destination: Option<&Wiring>,
    ) -> Self {
        let (mut graph, real) = core_graph(zones.zones.len(), firewalls, is_used);
        let mut who: Vec<(Vertex, Who)> =
            (zones.zones.len()..).zip(real).map(|(at, real)| (at, Who::Real(real))).collect();
        let mut interiors = [usize::MAX; 2];
        let makers: [fn(usize) -> Who; 2] = [Who::OfSource, Who::OfDestination];
        let sides = [source, destination].into_iter().zip(makers);
        for ((wiring, make), interior) in sides.zip(&mut interiors) {
            let Some(wiring) = wiring else { continue };
            *interior = graph.node_count();
            for _ in 0..wiring.interior {
                graph.add_node(());
            }
            for (position, ends) in wiring.firewalls.iter().enumerate() {
                let vertex = graph.add_node(());
                who.push((vertex.index(), make(position)));
                for end in ends {
                    let at = match end {
                        End::Interior(number) => *interior + number,
                        End::Core(zone) => zone.index(),
                    };
                    graph.add_edge(vertex, NodeIndex::new(at), ());
                }
            }
        }
        let tree = BlockTree::new(&graph);
        Self { interiors, ..Self::with_firewalls(&graph, tree, &who) }
    }

    /// The vertex of an interior zone of the source site (`side` 0) or destination site (`side` 1) of a class.
    #[must_use]
    pub fn interior(&self, side: usize, number: usize) -> Option<Vertex> {
        self.interiors.get(side).filter(|&&first| first != usize::MAX).map(|first| first + number)
    }

    /// Makes an instance of a graph whose firewalls are the vertices from `first` on.
    pub(super) fn assemble(graph: &UnGraph<(), ()>, tree: BlockTree, first: Vertex, real: &[usize]) -> Self {
        let who: Vec<(Vertex, Who)> = (first..).zip(real).map(|(vertex, &real)| (vertex, Who::Real(real))).collect();
        Self::with_firewalls(graph, tree, &who)
    }

    fn with_firewalls(graph: &UnGraph<(), ()>, tree: BlockTree, who: &[(Vertex, Who)]) -> Self {
        let firewall = |&(vertex, who): &(Vertex, Who)| {
            let mut next: Vec<Vertex> = graph.neighbors(NodeIndex::new(vertex)).map(NodeIndex::index).collect();
            next.sort_unstable();
            next.dedup();
            let door = |zone| tree.block_of_edge(vertex, zone).map(|block| Door { zone, block });
            let mut doors: Vec<Door> = next.into_iter().filter_map(door).collect();
            doors.sort_unstable_by_key(|door| (door.block, door.zone));
            InstanceFirewall { vertex, who, doors }
        };
        let firewalls = who.iter().map(firewall).collect();
        Self { tree, firewalls, interiors: [usize::MAX; 2] }
    }

    /// The firewalls that may be on the way between some of the given vertices: all that the smallest subtree which joins them touches.
    ///
    /// A superset: some of them see all the vertices on one side. Cost: linear in what is visited, which is that subtree and the way from it to the root.
    #[must_use]
    pub fn candidates(&self, vertices: impl IntoIterator<Item = Vertex>, visited: &mut Visited) -> Vec<usize> {
        visited.begin(self);
        let mut starts = vertices.into_iter();
        let Some(first) = starts.next() else { return Vec::new() };
        let mut above_first: Vec<(Vertex, usize)> = Vec::new();
        let mut found: Vec<Vertex> = Vec::new();
        self.climb(first, visited, &mut found, |at, seen| above_first.push((at, seen)));
        let of_first = found.len();
        // The highest vertex above the first one at which the way of another joins: what is above it sees all of them on one side.
        let mut top = first;
        for start in starts {
            if let Some(met) = self.climb(start, visited, &mut found, |_, _| ())
                && self.tree.is_above(met, top)
            {
                top = met;
            }
        }
        let keep = above_first.iter().find(|(at, _)| *at == top).map_or(of_first, |(_, seen)| *seen);
        let here = found.iter().take(keep).chain(found.iter().skip(of_first));
        let lowest = self.firewalls.first().map_or(Vertex::MAX, |firewall| firewall.vertex);
        let place = |vertex: &Vertex| self.firewalls.binary_search_by_key(vertex, |firewall| firewall.vertex).ok();
        let mut result: Vec<usize> = here.filter(|vertex| **vertex >= lowest).filter_map(place).collect();
        result.sort_unstable();
        result.dedup();
        result.retain(|&at| self.firewalls.get(at).is_some_and(|firewall| firewall.doors.len() > 1));
        result
    }

    /// Goes from a vertex up the tree and collects what it passes and all members of the blocks on the way, up to a vertex that was visited before, which comes back.
    /// `pass` hears of each vertex on the way, with how much was found when it had been counted itself.
    fn climb(
        &self,
        start: Vertex,
        visited: &mut Visited,
        found: &mut Vec<Vertex>,
        mut pass: impl FnMut(Vertex, usize),
    ) -> Option<Vertex> {
        let mut at = start;
        while visited.vertex(at) {
            found.push(at);
            pass(at, found.len());
            let block = self.tree.above(at)?;
            if visited.block(block) {
                found.extend(self.tree.members(block));
            }
            at = self.tree.blocks.get(block)?.top;
        }
        Some(at)
    }
}

/// Marks for [`Instance::candidates`], kept between calls so that a call costs no more than what it visits.
#[derive(Debug, Default)]
pub struct Visited {
    round: u32,
    vertices: Vec<u32>,
    blocks: Vec<u32>,
    vertex_count: usize,
}

impl Visited {
    fn begin(&mut self, instance: &Instance) {
        self.vertex_count = instance.tree.len();
        if self.vertices.len() < self.vertex_count {
            self.vertices.resize(self.vertex_count, 0);
        }
        if self.blocks.len() < instance.tree.blocks.len() {
            self.blocks.resize(instance.tree.blocks.len(), 0);
        }
        self.round = self.round.wrapping_add(1);
    }

    /// Marks a vertex; `false` if it was marked already.
    fn vertex(&mut self, vertex: Vertex) -> bool {
        mark(&mut self.vertices, vertex, self.round)
    }

    fn block(&mut self, block: usize) -> bool {
        mark(&mut self.blocks, block, self.round)
    }
}

fn mark(marks: &mut [u32], at: usize, round: u32) -> bool {
    marks.get_mut(at).is_some_and(|mark| std::mem::replace(mark, round) != round)
}

fn core_graph(
    zones: usize,
    firewalls: &[Firewall],
    is_used: impl Fn(&ZoneId) -> bool,
) -> (UnGraph<(), ()>, Vec<usize>) {
    let mut graph = UnGraph::default();
    for _ in 0..zones {
        graph.add_node(());
    }
    let mut real = Vec::new();
    for (at, firewall) in firewalls.iter().enumerate().filter(|(_, firewall)| firewall.serves.is_none()) {
        let vertex = graph.add_node(());
        real.push(at);
        for zone in firewall.zones.iter().filter(|zone| is_used(zone)) {
            graph.add_edge(vertex, NodeIndex::new(zone.index()), ());
        }
    }
    (graph, real)
}

/// The graph of a site's own zones and of the firewalls that join them, for flows inside the site.
#[must_use]
pub(super) fn inner(zones: &[ZoneId], firewalls: &[(usize, &[ZoneId])]) -> Instance {
    let joined: Vec<&[ZoneId]> = firewalls.iter().map(|(_, zones)| *zones).collect();
    let (graph, tree) = zone_graph(zones, &joined);
    let real: Vec<usize> = firewalls.iter().map(|(at, _)| *at).collect();
    Instance::assemble(&graph, tree, zones.len(), &real)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whoever sees two of the vertices on different sides is among the candidates.
        #[test]
        fn candidates_hold_all_that_stand_between(
            joins in prop::collection::vec(prop::collection::vec(0usize..9, 1..4), 0..10),
            chosen in prop::collection::vec(0usize..9, 1..4),
        ) {
            let mut graph = UnGraph::<(), ()>::default();
            for _ in 0..9 {
                graph.add_node(());
            }
            for zones in &joins {
                let vertex = graph.add_node(());
                for &zone in zones {
                    graph.add_edge(vertex, NodeIndex::new(zone), ());
                }
            }
            let real: Vec<usize> = (0..joins.len()).collect();
            let instance = Instance::assemble(&graph, BlockTree::new(&graph), 9, &real);
            let found = instance.candidates(chosen.iter().copied(), &mut Visited::default());
            for (at, firewall) in instance.firewalls.iter().enumerate() {
                let mut sides = chosen.iter().filter_map(|&zone| instance.tree.side(firewall.vertex, zone));
                let first = sides.next();
                let is_between = sides.any(|side| Some(side) != first);
                prop_assert!(!is_between || firewall.doors.len() < 2 || found.contains(&at), "{} of {:?}", at, found);
            }
        }
    }
}
