//! The table of nodes: each is made once, and lies behind its children.
//!
//! Edges of all nodes lie in two flat lists. Because a child is older than its parent, what was made since a [`Mark`] can be thrown away but
//! for some roots in one pass, without touching anything older ([`Diagram::keep`]): that is the garbage collection. Ids are exact: nodes are
//! compared edge by edge, the hash only finds candidates.

#![expect(clippy::indexing_slicing, reason = "ids and offsets are made here and point into the lists here")]

use std::hash::{BuildHasher as _, Hash, Hasher as _};

use foldhash::fast::RandomState;

use super::memo::Memo;
use super::{LEVELS, TooLarge};
use crate::packet::interval::{Interval, IntervalSet, Value};

/// A node of one diagram; equal ids are equal sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) u32);

impl NodeId {
    /// No tuple.
    pub const NONE: Self = Self(0);
    /// Every tuple.
    pub const ALL: Self = Self(1);
    /// Every tuple, in the other of two colours: what a list denies ([`super::Operation::First`]).
    pub const DENIED: Self = Self(2);

    fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Debug, Clone, Copy)]
struct Node {
    from: u32,
    to: u32,
    hash: u32,
    level: u8,
}

/// A moment in the life of a diagram: what is older than it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(usize);

/// The table of nodes over keys of type `K`.
#[derive(Debug, Clone)]
pub struct Diagram<K> {
    /// The largest key of each level.
    tops: [K; LEVELS],
    nodes: Vec<Node>,
    lasts: Vec<K>,
    children: Vec<NodeId>,
    /// Ids by hash, open addressing; 0 is an empty place.
    slots: Vec<u32>,
    /// What hashes are made with: their own of each table, so that nobody can choose addresses that collide.
    keys: RandomState,
    /// Edges of nodes under construction, innermost last.
    pending: Vec<(K, NodeId)>,
    budget: usize,
    pub(super) memo: Memo,
}

/// The level of the terminals: below every other.
pub(super) const BOTTOM: u8 = u8::MAX;
const TERMINALS: usize = 3;
/// A table with fewer edges than this is not worth a pass; but unit tests go through many.
const TIDY: usize = if cfg!(test) { 1 << 9 } else { 1 << 19 };

/// A place on the edges of a node, or on the single edge that a skipped level stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<K> {
    at: usize,
    skipped: Option<(K, NodeId)>,
}

impl<K: Value> Diagram<K> {
    /// An empty table. The budget is the largest number of edges that it may hold.
    pub fn new(tops: [K; LEVELS], budget: usize) -> Self {
        let terminal = Node { from: 0, to: 0, hash: 0, level: BOTTOM };
        Self {
            tops,
            nodes: vec![terminal; TERMINALS],
            lasts: Vec::new(),
            children: Vec::new(),
            slots: vec![0; 64],
            keys: RandomState::default(),
            pending: Vec::new(),
            budget: budget.min(u32::MAX as usize - 1),
            memo: Memo::new(),
        }
    }

    /// The budget, in edges.
    pub fn budget(&self) -> usize {
        self.budget
    }

    /// How many edges the table holds.
    pub fn edge_count(&self) -> usize {
        self.children.len()
    }

    /// How many nodes the table holds.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The level of a node; terminals lie below every level.
    pub fn level(&self, node: NodeId) -> u8 {
        self.nodes[node.index()].level
    }

    /// The largest key of a level.
    pub fn top(&self, level: u8) -> K {
        self.tops[usize::from(level)]
    }

    /// The intervals of a node with what lies below each, ascending; none for a terminal.
    pub fn edges(&self, node: NodeId) -> impl Iterator<Item = (Interval<K>, NodeId)> + '_ {
        let Node { from, to, .. } = self.nodes[node.index()];
        let mut first = Some(K::MIN);
        (from as usize..to as usize).filter_map(move |at| {
            let interval = Interval { first: first?, last: self.lasts[at] };
            first = interval.last.next();
            Some((interval, self.children[at]))
        })
    }

    /// One edge of a node by its number, without the first key.
    pub fn edge(&self, node: NodeId, number: usize) -> Option<(K, NodeId)> {
        let Node { from, to, .. } = self.nodes[node.index()];
        let at = from as usize + number;
        (at < to as usize).then(|| (self.lasts[at], self.children[at]))
    }

    /// What lies below a node at one value of its level.
    pub fn below(&self, node: NodeId, key: K) -> NodeId {
        let Node { from, to, .. } = self.nodes[node.index()];
        let (from, to) = (from as usize, to as usize);
        let at = from + self.lasts[from..to].partition_point(|last| *last < key);
        self.children[at.min(to - 1)]
    }

    pub(super) fn cursor(&self, node: NodeId, level: u8) -> Cursor<K> {
        let known = self.nodes[node.index()];
        let skipped = (known.level != level).then(|| (self.top(level), node));
        Cursor { at: known.from as usize, skipped }
    }

    pub(super) fn read(&self, cursor: Cursor<K>) -> (K, NodeId) {
        cursor.skipped.unwrap_or_else(|| (self.lasts[cursor.at], self.children[cursor.at]))
    }

    pub(super) fn advance(cursor: &mut Cursor<K>) {
        cursor.at += 1;
    }

    /// Begins a node; edges go to [`Self::push`], and [`Self::close`] ends it. Nodes may be nested.
    pub(super) fn open(&self) -> usize {
        self.pending.len()
    }

    /// Adds an edge up to `last`.
    pub(super) fn push(&mut self, base: usize, last: K, child: NodeId) {
        let same = self.pending.len() > base && self.pending.last().is_some_and(|(_, before)| *before == child);
        match self.pending.last_mut() {
            Some(before) if same => before.0 = last,
            _ => self.pending.push((last, child)),
        }
    }

    /// Ends a node whose edges reach the top of its level: finds it, or makes it.
    pub(super) fn close(&mut self, level: u8, base: usize) -> Result<NodeId, TooLarge> {
        if let [(_, only)] = self.pending[base..] {
            self.pending.truncate(base);
            return Ok(only);
        }
        let hash = hash_edges(&self.keys, level, self.pending[base..].iter().copied());
        let mut place = hash as usize & (self.slots.len() - 1);
        while self.slots[place] != 0 {
            let known = NodeId(self.slots[place]);
            if self.is(known, level, hash, base) {
                self.pending.truncate(base);
                return Ok(known);
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
        self.add(level, hash, base, place)
    }

    fn is(&self, known: NodeId, level: u8, hash: u32, base: usize) -> bool {
        let node = self.nodes[known.index()];
        let (from, to) = (node.from as usize, node.to as usize);
        let wanted = &self.pending[base..];
        node.hash == hash
            && node.level == level
            && to - from == wanted.len()
            && self.children[from..to].iter().zip(wanted).all(|(child, (_, other))| child == other)
            && self.lasts[from..to].iter().zip(wanted).all(|(last, (other, _))| last == other)
    }

    fn add(&mut self, level: u8, hash: u32, base: usize, place: usize) -> Result<NodeId, TooLarge> {
        let to = self.children.len() + self.pending.len() - base;
        let (Ok(from), Ok(to), Ok(id)) =
            (u32::try_from(self.children.len()), u32::try_from(to), u32::try_from(self.nodes.len()))
        else {
            return Err(TooLarge { budget: self.budget });
        };
        if to as usize > self.budget {
            return Err(TooLarge { budget: self.budget });
        }
        for (last, child) in self.pending.drain(base..) {
            self.lasts.push(last);
            self.children.push(child);
        }
        self.nodes.push(Node { from, to, hash, level });
        self.slots[place] = id;
        if self.nodes.len() * 2 > self.slots.len() {
            self.index();
        }
        self.memo.fit(self.nodes.len());
        Ok(NodeId(id))
    }

    /// Builds the index of nodes anew.
    fn index(&mut self) {
        self.slots.clear();
        self.slots.resize((self.nodes.len() * 4).next_power_of_two().max(64), 0);
        let mask = self.slots.len() - 1;
        for (id, node) in (0_u32..).zip(&self.nodes).skip(TERMINALS) {
            let mut place = node.hash as usize & mask;
            while self.slots[place] != 0 {
                place = (place + 1) & mask;
            }
            self.slots[place] = id;
        }
    }

    /// The node of one level that leads to `inside` within a set of keys, and to nothing outside of it. Keys beyond the level's top do
    /// not exist; `inside` must lie below the level.
    pub fn within(&mut self, level: u8, keys: &IntervalSet<K>, inside: NodeId) -> Result<NodeId, TooLarge> {
        let base = self.open();
        let top = self.top(level);
        let mut next = Some(K::MIN);
        for interval in keys.intervals().iter().take_while(|interval| interval.first <= top) {
            if let Some(before) = interval.first.previous().filter(|before| next.is_some_and(|next| next <= *before)) {
                self.push(base, before, NodeId::NONE);
            }
            let last = interval.last.min(top);
            self.push(base, last, inside);
            next = last.next().filter(|next| *next <= top);
        }
        if next.is_some() {
            self.push(base, top, NodeId::NONE);
        }
        self.close(level, base)
    }

    /// Empties the memo: answers stay the same, nodes too.
    pub fn forget(&mut self) {
        self.memo.clear();
    }

    /// This moment.
    pub fn mark(&self) -> Mark {
        Mark(self.nodes.len())
    }

    /// Throws away what was made since `mark`, but for `roots` and what they need; roots get their new ids. Every other id that was
    /// made since loses its meaning.
    pub fn keep(&mut self, mark: Mark, roots: &mut [&mut [NodeId]]) {
        self.pending.clear();
        self.sweep(mark, roots);
    }

    /// [`Self::keep`] where there is enough garbage to be worth the pass.
    pub fn tidy(&mut self, mark: Mark, kept: &mut usize, roots: &mut [&mut [NodeId]]) {
        if self.children.len() > kept.saturating_mul(2).max(TIDY) {
            self.sweep(mark, roots);
            *kept = self.children.len();
        }
    }

    fn sweep(&mut self, Mark(mark): Mark, roots: &mut [&mut [NodeId]]) {
        if self.nodes.len() == mark {
            return;
        }
        let live = self.reach(mark, roots);
        let mut moved = Vec::with_capacity(live.len());
        let (mut node_end, mut edge_end) = (mark, self.nodes[mark].from as usize);
        for (old, is_live) in (mark..).zip(&live) {
            moved.push(NodeId(u32::try_from(node_end).unwrap_or(u32::MAX)));
            if *is_live {
                edge_end = self.slide(old, node_end, edge_end, mark, &moved);
                node_end += 1;
            }
        }
        self.nodes.truncate(node_end);
        self.lasts.truncate(edge_end);
        self.children.truncate(edge_end);
        for root in roots.iter_mut().flat_map(|some| some.iter_mut()).filter(|root| root.index() >= mark) {
            *root = moved[root.index() - mark];
        }
        self.index();
        self.memo.clear();
    }

    /// Which nodes from `mark` on the roots need: one pass from young to old.
    fn reach(&self, mark: usize, roots: &[&mut [NodeId]]) -> Vec<bool> {
        let mut live = vec![false; self.nodes.len() - mark];
        for root in roots.iter().flat_map(|some| some.iter()).filter(|root| root.index() >= mark) {
            live[root.index() - mark] = true;
        }
        for at in (0..live.len()).rev().map(|at| at + mark) {
            let Node { from, to, .. } = self.nodes[at];
            if live[at - mark] {
                for child in self.children[from as usize..to as usize].iter().filter(|child| child.index() >= mark) {
                    live[child.index() - mark] = true;
                }
            }
        }
        live
    }

    /// Moves one node and its edges down; gives the end of its edges. Its hash is made anew, for its children may have moved.
    fn slide(&mut self, old: usize, new: usize, to: usize, mark: usize, moved: &[NodeId]) -> usize {
        let Node { from, to: end, level, .. } = self.nodes[old];
        let mut at = to;
        for edge in from as usize..end as usize {
            let child = self.children[edge];
            self.lasts[at] = self.lasts[edge];
            self.children[at] = if child.index() >= mark { moved[child.index() - mark] } else { child };
            at += 1;
        }
        let pairs = self.lasts[to..at].iter().copied().zip(self.children[to..at].iter().copied());
        let hash = hash_edges(&self.keys, level, pairs);
        let offset = |edge: usize| u32::try_from(edge).unwrap_or(u32::MAX);
        self.nodes[new] = Node { from: offset(to), to: offset(at), hash, level };
        at
    }
}

fn hash_edges<K: Value>(keys: &RandomState, level: u8, edges: impl Iterator<Item = (K, NodeId)>) -> u32 {
    let mut hasher = keys.build_hasher();
    hasher.write_u8(level);
    for (last, child) in edges {
        last.hash(&mut hasher);
        hasher.write_u32(child.0);
    }
    (hasher.finish() >> 16) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_can_choose_keys_that_collide() {
        let hash = || {
            let table: Diagram<u32> = Diagram::new([u32::MAX; LEVELS], 100);
            hash_edges(&table.keys, 0, [(7_u32, NodeId::ALL), (u32::MAX, NodeId::NONE)].into_iter())
        };
        let hashes: std::collections::BTreeSet<u32> = (0..8).map(|_| hash()).collect();
        assert!(hashes.len() > 1, "each table has keys of its own");
    }
}
