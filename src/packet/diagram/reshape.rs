//! One diagram seen otherwise: some of its levels only, other order of levels, how many tuples.

use rustc_hash::FxHashMap;

use super::table::{Diagram, NodeId};
use super::{LEVELS, Operation, TooLarge};
use crate::packet::count::Count;
use crate::packet::interval::{Interval, IntervalSet, Value};

/// Nodes of one diagram with what they became.
pub type Known = FxHashMap<NodeId, NodeId>;

impl<K: Value> Diagram<K> {
    /// What lies below a node, each once, with the keys that lead there; nothing for keys that lead to the empty set. In the order of the
    /// first keys.
    pub fn groups(&self, node: NodeId) -> Vec<(IntervalSet<K>, NodeId)> {
        let mut places: FxHashMap<NodeId, usize> = FxHashMap::default();
        let mut groups: Vec<(Vec<Interval<K>>, NodeId)> = Vec::new();
        for (interval, below) in self.edges(node).filter(|(_, below)| *below != NodeId::NONE) {
            let place = *places.entry(below).or_insert(groups.len());
            match groups.get_mut(place) {
                Some((intervals, _)) => intervals.push(interval),
                None => groups.push((vec![interval], below)),
            }
        }
        groups.into_iter().map(|(intervals, below)| (intervals.into_iter().collect(), below)).collect()
    }

    /// [`Self::groups`] of a level that may be skipped above `node`: then every key leads to it.
    pub fn groups_at(&self, level: u8, node: NodeId) -> Vec<(IntervalSet<K>, NodeId)> {
        if self.level(node) == level {
            return self.groups(node);
        }
        let all = Interval { first: K::MIN, last: self.top(level) };
        if node == NodeId::NONE { Vec::new() } else { vec![(all.into(), node)] }
    }

    /// Forgets the levels that are not kept: a tuple stays if some value of the forgotten levels makes it a member.
    pub fn project(&mut self, node: NodeId, kept: [bool; LEVELS], known: &mut Known) -> Result<NodeId, TooLarge> {
        if self.is_terminal(node) {
            return Ok(node);
        }
        if let Some(done) = known.get(&node) {
            return Ok(*done);
        }
        let level = self.level(node);
        let edges: Vec<(Interval<K>, NodeId)> = self.edges(node).collect();
        let mut below = Vec::with_capacity(edges.len());
        for (_, child) in &edges {
            below.push(self.project(*child, kept, known)?);
        }
        let answer = if kept.get(usize::from(level)).copied().unwrap_or(false) {
            let base = self.open();
            edges.iter().zip(below).for_each(|((interval, _), child)| self.push(base, interval.last, child));
            self.close(level, base)?
        } else {
            self.union_all(below)?
        };
        known.insert(node, answer);
        Ok(answer)
    }

    /// Copies a set from a diagram whose levels stand in another order; `levels` says where each of its levels is here.
    pub fn import(
        &mut self,
        from: &Self,
        levels: [u8; LEVELS],
        node: NodeId,
        known: &mut Known,
    ) -> Result<NodeId, TooLarge> {
        if from.is_terminal(node) {
            return Ok(node);
        }
        if let Some(done) = known.get(&node) {
            return Ok(*done);
        }
        let level = levels.get(usize::from(from.level(node))).copied().unwrap_or_default();
        let mut parts = Vec::new();
        for (keys, below) in from.groups(node) {
            let below = self.import(from, levels, below, known)?;
            parts.push((keys, below));
        }
        let answer = if parts.iter().all(|(_, below)| self.level(*below) > level) {
            self.assemble(level, &parts)?
        } else {
            self.unite(level, &parts)?
        };
        known.insert(node, answer);
        Ok(answer)
    }

    /// The node with these disjoint sets of keys, each over what lies below it.
    pub fn assemble(&mut self, level: u8, parts: &[(IntervalSet<K>, NodeId)]) -> Result<NodeId, TooLarge> {
        let mut edges: Vec<(Interval<K>, NodeId)> = Vec::new();
        for (keys, below) in parts {
            edges.extend(keys.intervals().iter().map(|interval| (*interval, *below)));
        }
        edges.sort_unstable();
        let base = self.open();
        let mut next = Some(K::MIN);
        for (interval, below) in edges {
            if let Some(before) = interval.first.previous().filter(|before| next.is_some_and(|next| next <= *before)) {
                self.push(base, before, NodeId::NONE);
            }
            self.push(base, interval.last, below);
            next = interval.last.next().filter(|next| *next <= self.top(level));
        }
        if next.is_some() {
            self.push(base, self.top(level), NodeId::NONE);
        }
        self.close(level, base)
    }

    /// The same where something below belongs above.
    fn unite(&mut self, level: u8, parts: &[(IntervalSet<K>, NodeId)]) -> Result<NodeId, TooLarge> {
        let mut pieces = Vec::with_capacity(parts.len());
        for (keys, below) in parts {
            let slab = self.within(level, keys, NodeId::ALL)?;
            pieces.push(self.apply(Operation::Intersection, slab, *below)?);
        }
        self.union_all(pieces)
    }

    /// How many tuples of the given levels (ascending, and the first that occur below `node`) have something below them.
    pub fn count(&self, node: NodeId, levels: &[u8], known: &mut FxHashMap<NodeId, Count>) -> Count {
        let Some((level, lower)) = levels.split_first() else {
            return if node == NodeId::NONE { Count::ZERO } else { Count::ONE };
        };
        if node == NodeId::NONE {
            return Count::ZERO;
        }
        if self.level(node) != *level {
            return Count::of(Interval { first: K::MIN, last: self.top(*level) }).times(self.count(node, lower, known));
        }
        if let Some(done) = known.get(&node) {
            return *done;
        }
        let mut sum = Count::ZERO;
        for (interval, below) in self.edges(node) {
            sum = sum.plus(Count::of(interval).times(self.count(below, lower, known)));
        }
        known.insert(node, sum);
        sum
    }
}
