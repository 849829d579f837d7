//! Biconnected blocks and the block-cut tree of an undirected graph.
//!
//! The vertices that lie on *some* simple path between two vertices are exactly the union of the blocks along the way between them in
//! the block-cut tree (Harary, Graph Theory, 1969, chapter 4); so one tree answers for all pairs what would otherwise need an enumeration of paths. The
//! blocks are found by one depth-first search (Hopcroft and Tarjan, 1973), here without recursion: networks are chains of thousands.
//!
//! petgraph has no block-cut tree, and its `bridges` does not see parallel links; so this is ours. A parallel edge changes nothing here, because a
//! path may enter a vertex once.

use petgraph::graph::{NodeIndex, UnGraph};

/// A vertex, by its index in the graph.
pub type Vertex = usize;

/// A block, by its index in [`BlockTree::blocks`].
pub type BlockId = usize;

/// A closed range of positions in the depth-first order of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    first: usize,
    last: usize,
}

impl Extent {
    fn contains(self, position: usize) -> bool {
        self.first <= position && position <= self.last
    }
}

/// A maximal set of vertices that no single vertex separates (or one edge).
#[derive(Debug, Clone)]
pub struct Block {
    /// The member nearest to the root.
    pub top: Vertex,
    /// The other members, in tree order.
    pub members: Vec<Vertex>,
    /// The positions of the members and of all that hangs below them (not of `top`).
    extent: Extent,
}

/// The rooted block-cut forest of a graph: one tree for each connected component.
#[derive(Debug, Clone, Default)]
pub struct BlockTree {
    /// The blocks.
    pub blocks: Vec<Block>,
    /// For each vertex the block above it; `None` at a root.
    above: Vec<Option<BlockId>>,
    /// For each vertex the blocks whose top it is, in tree order.
    below: Vec<Vec<BlockId>>,
    /// For each vertex its own position (`first`) and the positions of all that hangs below it.
    extent: Vec<Extent>,
    /// For each vertex its connected component, counted from 0.
    component: Vec<usize>,
}

/// What lies on one side of a vertex: through which block one leaves it, and at which member of that block the rest hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Side {
    /// The block.
    pub block: BlockId,
    /// The member of the block, other than the vertex itself, beyond which (or at which) the other vertex lies.
    pub member: Vertex,
}

/// A zone next to a firewall, as seen from the firewall: the vertex of the zone and the block of the edge between the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Door {
    /// The vertex of the zone.
    pub zone: Vertex,
    /// The block that holds the edge.
    pub block: BlockId,
}

/// Whether a firewall passes a flow from one of its doors to another, when the source lies on side `from` of it and the destination on side `to`.
///
/// If the firewall joins two blocks on the way, the flow comes in by the source's block and goes out by the destination's. Inside one block
/// it comes in from a zone other than the one where paths leave the block, and goes out to one other than where they enter it (LANGUAGE.md section 4).
#[must_use]
pub fn crosses(enter: Door, leave: Door, from: Side, to: Side) -> bool {
    if enter.block != from.block || leave.block != to.block || enter.zone == leave.zone {
        return false;
    }
    from.block != to.block || (from.member != to.member && enter.zone != to.member && leave.zone != from.member)
}

impl BlockTree {
    /// Finds the blocks of a graph. Cost: linear.
    #[must_use]
    pub fn new<N>(graph: &UnGraph<N, ()>) -> Self {
        let mut tree = Search::run(graph);
        tree.number();
        tree
    }

    /// How many vertices the graph has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.above.len()
    }

    /// Whether the graph has no vertex.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.above.is_empty()
    }

    /// The connected component of a vertex.
    #[must_use]
    pub fn component(&self, vertex: Vertex) -> usize {
        self.component.get(vertex).copied().unwrap_or(usize::MAX)
    }

    /// Whether `upper` lies on the way from `lower` to the root, or is `lower`.
    #[must_use]
    pub fn is_above(&self, upper: Vertex, lower: Vertex) -> bool {
        match (self.extent.get(upper), self.extent.get(lower)) {
            (Some(upper), Some(lower)) => upper.contains(lower.first),
            _ => false,
        }
    }

    /// The block above a vertex, `None` at a root.
    #[must_use]
    pub fn above(&self, vertex: Vertex) -> Option<BlockId> {
        self.above.get(vertex).copied().flatten()
    }

    /// The blocks that a vertex is in: the one above it and those below it.
    pub fn blocks_of(&self, vertex: Vertex) -> impl Iterator<Item = BlockId> + '_ {
        self.above(vertex).into_iter().chain(self.below.get(vertex).into_iter().flatten().copied())
    }

    /// All members of a block, the top first.
    pub fn members(&self, block: BlockId) -> impl Iterator<Item = Vertex> + '_ {
        self.blocks
            .get(block)
            .into_iter()
            .flat_map(|block| std::iter::once(block.top).chain(block.members.iter().copied()))
    }

    /// The block that holds the edge between two neighbours.
    #[must_use]
    pub fn block_of_edge(&self, a: Vertex, b: Vertex) -> Option<BlockId> {
        let holds = |block: BlockId, vertex: Vertex| {
            self.above(vertex) == Some(block) || self.blocks.get(block).is_some_and(|block| block.top == vertex)
        };
        self.above(a).filter(|&block| holds(block, b)).or_else(|| self.above(b).filter(|&block| holds(block, a)))
    }

    /// On which side of `here` the vertex `there` lies; `None` if it is `here` itself or not connected with it. Cost: logarithmic.
    #[must_use]
    pub fn side(&self, here: Vertex, there: Vertex) -> Option<Side> {
        if here == there || self.component(here) != self.component(there) {
            return None;
        }
        let position = self.extent.get(there)?.first;
        if self.extent.get(here)?.contains(position) {
            let below = self.below.get(here)?;
            let at = below.partition_point(|&block| self.blocks.get(block).is_some_and(|b| b.extent.last < position));
            let block = *below.get(at)?;
            return Some(Side { block, member: self.member_at(block, position)? });
        }
        let block = self.above(here)?;
        let above = self.blocks.get(block)?;
        let member = if above.extent.contains(position) { self.member_at(block, position)? } else { above.top };
        Some(Side { block, member })
    }

    fn member_at(&self, block: BlockId, position: usize) -> Option<Vertex> {
        let members = &self.blocks.get(block)?.members;
        let at = members.partition_point(|&member| self.extent.get(member).is_some_and(|e| e.last < position));
        members.get(at).copied()
    }

    /// Numbers the trees in depth-first order, so that all below a vertex or block is one range.
    fn number(&mut self) {
        enum Step {
            Enter(Vertex),
            Open(BlockId),
            Close(BlockId),
            Leave(Vertex),
        }
        let mut next = 0;
        let roots: Vec<Vertex> = (0..self.above.len()).filter(|&vertex| self.above(vertex).is_none()).collect();
        for (component, root) in roots.into_iter().enumerate() {
            let mut steps = vec![Step::Enter(root)];
            while let Some(step) = steps.pop() {
                match step {
                    Step::Enter(vertex) => {
                        set(&mut self.extent, vertex, Extent { first: next, last: next });
                        set(&mut self.component, vertex, component);
                        next += 1;
                        steps.push(Step::Leave(vertex));
                        steps
                            .extend(self.below.get(vertex).into_iter().flatten().rev().map(|&block| Step::Open(block)));
                    }
                    Step::Open(block) => {
                        if let Some(block) = self.blocks.get_mut(block) {
                            block.extent.first = next;
                        }
                        steps.push(Step::Close(block));
                        let members = self.blocks.get(block).map(|block| block.members.as_slice()).unwrap_or_default();
                        steps.extend(members.iter().rev().map(|&member| Step::Enter(member)));
                    }
                    Step::Close(block) => {
                        if let Some(block) = self.blocks.get_mut(block) {
                            block.extent.last = next - 1;
                        }
                    }
                    Step::Leave(vertex) => {
                        if let Some(extent) = self.extent.get_mut(vertex) {
                            extent.last = next - 1;
                        }
                    }
                }
            }
        }
    }
}

fn set<T>(list: &mut [T], at: usize, value: T) {
    if let Some(place) = list.get_mut(at) {
        *place = value;
    }
}

/// The depth-first search that finds blocks.
struct Search<'g, N> {
    graph: &'g UnGraph<N, ()>,
    /// When each vertex was found, from 1; 0: not yet.
    found: Vec<usize>,
    /// The earliest vertex that each can reach by one edge upwards from its subtree.
    low: Vec<usize>,
    clock: usize,
    /// Vertices found and not yet given to a block.
    open: Vec<Vertex>,
    tree: BlockTree,
}

/// A vertex of the current path: itself, its parent, and its neighbours that are still to be looked at.
struct Frame {
    vertex: Vertex,
    parent: Option<Vertex>,
    rest: Vec<Vertex>,
}

impl<'g, N> Search<'g, N> {
    fn run(graph: &'g UnGraph<N, ()>) -> BlockTree {
        let count = graph.node_count();
        let tree = BlockTree {
            blocks: Vec::new(),
            above: vec![None; count],
            below: vec![Vec::new(); count],
            extent: vec![Extent::default(); count],
            component: vec![0; count],
        };
        let mut search = Self { graph, found: vec![0; count], low: vec![0; count], clock: 0, open: Vec::new(), tree };
        for root in 0..count {
            if search.found.get(root) == Some(&0) {
                search.from(root);
                search.open.clear();
            }
        }
        search.tree
    }

    fn from(&mut self, root: Vertex) {
        let mut path = vec![self.enter(root, None)];
        while let Some(frame) = path.last_mut() {
            let (vertex, parent) = (frame.vertex, frame.parent);
            match frame.rest.pop() {
                Some(next) if Some(next) == parent => {}
                Some(next) if self.time(next) > 0 => {
                    let time = self.time(next);
                    self.lower(vertex, time);
                }
                Some(next) => {
                    let frame = self.enter(next, Some(vertex));
                    path.push(frame);
                }
                None => {
                    path.pop();
                    if let Some(parent) = parent {
                        self.leave(vertex, parent);
                    }
                }
            }
        }
    }

    fn enter(&mut self, vertex: Vertex, parent: Option<Vertex>) -> Frame {
        self.clock += 1;
        set(&mut self.found, vertex, self.clock);
        set(&mut self.low, vertex, self.clock);
        self.open.push(vertex);
        let mut rest: Vec<Vertex> = self.graph.neighbors(NodeIndex::new(vertex)).map(NodeIndex::index).collect();
        rest.sort_unstable_by(|a, b| b.cmp(a));
        rest.dedup();
        Frame { vertex, parent, rest }
    }

    fn leave(&mut self, vertex: Vertex, parent: Vertex) {
        let low = self.low.get(vertex).copied().unwrap_or(0);
        self.lower(parent, low);
        if low < self.time(parent) {
            return;
        }
        let id = self.tree.blocks.len();
        let mut members = Vec::new();
        while let Some(member) = self.open.pop() {
            members.push(member);
            set(&mut self.tree.above, member, Some(id));
            if member == vertex {
                break;
            }
        }
        members.reverse();
        self.tree.blocks.push(Block { top: parent, members, extent: Extent::default() });
        if let Some(below) = self.tree.below.get_mut(parent) {
            below.push(id);
        }
    }

    fn time(&self, vertex: Vertex) -> usize {
        self.found.get(vertex).copied().unwrap_or(0)
    }

    fn lower(&mut self, vertex: Vertex, to: usize) {
        if let Some(low) = self.low.get_mut(vertex) {
            *low = (*low).min(to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All vertices on simple paths from `a` to `b`, by enumeration.
    fn on_paths(graph: &UnGraph<(), ()>, a: Vertex, b: Vertex) -> Vec<bool> {
        fn walk(graph: &UnGraph<(), ()>, at: Vertex, goal: Vertex, path: &mut Vec<Vertex>, hit: &mut [bool]) {
            path.push(at);
            if at == goal {
                path.iter().for_each(|&vertex| hit[vertex] = true);
            } else {
                for next in graph.neighbors(NodeIndex::new(at)).map(NodeIndex::index) {
                    if !path.contains(&next) {
                        walk(graph, next, goal, path, hit);
                    }
                }
            }
            path.pop();
        }
        let mut hit = vec![false; graph.node_count()];
        walk(graph, a, b, &mut Vec::new(), &mut hit);
        hit
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        /// A vertex other than the ends is on some simple path iff the ends lie on different sides of it by block, or at different members of one block.
        #[test]
        fn sides_say_what_lies_on_simple_paths(edges in prop::collection::vec((0usize..8, 0usize..8), 0..14)) {
            let mut graph = UnGraph::<(), ()>::default();
            for _ in 0..8 {
                graph.add_node(());
            }
            for (a, b) in edges {
                if a != b {
                    graph.add_edge(NodeIndex::new(a), NodeIndex::new(b), ());
                }
            }
            let tree = BlockTree::new(&graph);
            for a in 0..8 {
                for b in 0..8 {
                    let expected = on_paths(&graph, a, b);
                    prop_assert_eq!(tree.component(a) == tree.component(b), expected[a]);
                    for v in (0..8).filter(|&v| v != a && v != b && a != b) {
                        let on = match (tree.side(v, a), tree.side(v, b)) {
                            (Some(x), Some(y)) => x != y,
                            _ => false,
                        };
                        prop_assert_eq!(on, expected[v], "vertex {} between {} and {}", v, a, b);
                    }
                }
            }
        }
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_needs_no_stack() {
        let mut graph = UnGraph::<(), ()>::default();
        let nodes: Vec<_> = (0..100_000).map(|_| graph.add_node(())).collect();
        for pair in nodes.windows(2) {
            graph.add_edge(pair[0], pair[1], ());
        }
        let tree = BlockTree::new(&graph);
        assert_eq!(tree.blocks.len(), 99_999);
        let side = tree.side(50_000, 99_999).expect("connected");
        assert_eq!(side.member, 50_001);
    }
}
