//! Which vertices reach which, over any number of edges.
//!
//! Vertices that reach each other form a component and share one row of bits; rows are made in an order in which every component comes after those that it reaches (Tarjan, 1972), each
//! from the rows of its successors. Cost: the edges, and a row of bits for each component: 12 MB for 10,000 vertices at most.

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// The transitive closure of a directed graph. Every vertex reaches itself.
#[derive(Debug, Clone)]
pub struct Closure {
    /// For each vertex its component.
    component: Vec<u32>,
    /// For each component the components that it reaches, a bit each.
    rows: Vec<Vec<u64>>,
}

impl Closure {
    /// Closes a graph of `vertices` vertices. Edges that name others are left out.
    #[must_use]
    pub fn new(vertices: usize, edges: &[(u32, u32)]) -> Self {
        let mut graph = DiGraph::<(), ()>::with_capacity(vertices, edges.len());
        for _ in 0..vertices {
            graph.add_node(());
        }
        for &(from, to) in edges.iter().filter(|(from, to)| (*from).max(*to) as usize <= vertices.saturating_sub(1)) {
            graph.add_edge(NodeIndex::new(from as usize), NodeIndex::new(to as usize), ());
        }
        let components = tarjan_scc(&graph);
        let mut component = vec![0_u32; vertices];
        for (number, members) in (0_u32..).zip(&components) {
            for member in members {
                if let Some(place) = component.get_mut(member.index()) {
                    *place = number;
                }
            }
        }
        let mut rows: Vec<Vec<u64>> = Vec::with_capacity(components.len());
        for (number, members) in components.iter().enumerate() {
            // Only components before this one are reached, so a row need not be longer.
            let mut row = vec![0_u64; number / 64 + 1];
            set(&mut row, number);
            let mut next: Vec<usize> = members
                .iter()
                .flat_map(|member| graph.neighbors(*member))
                .filter_map(|to| component.get(to.index()).map(|to| *to as usize))
                .filter(|to| *to != number)
                .collect();
            next.sort_unstable();
            next.dedup();
            for other in next.iter().rev() {
                if has(&row, *other) {
                    continue;
                }
                for (word, more) in row.iter_mut().zip(rows.get(*other).map(Vec::as_slice).unwrap_or_default()) {
                    *word |= more;
                }
            }
            rows.push(row);
        }
        Self { component, rows }
    }

    /// Whether a way leads from one vertex to another. A vertex that the graph does not have is reached from nowhere.
    #[must_use]
    pub fn reaches(&self, from: usize, to: usize) -> bool {
        let (Some(&from), Some(&to)) = (self.component.get(from), self.component.get(to)) else { return false };
        self.rows.get(from as usize).is_some_and(|row| has(row, to as usize))
    }

    /// How many components there are.
    #[must_use]
    pub fn components(&self) -> usize {
        self.rows.len()
    }
}

fn set(row: &mut [u64], bit: usize) {
    if let Some(word) = row.get_mut(bit / 64) {
        *word |= 1 << (bit % 64);
    }
}

fn has(row: &[u64], bit: usize) -> bool {
    row.get(bit / 64).is_some_and(|word| word & (1 << (bit % 64)) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_closure_is_what_a_walk_reaches(edges in prop::collection::vec((0..90_u32, 0..90_u32), 0..160)) {
            let closure = Closure::new(90, &edges);
            for start in 0..90 {
                let mut seen = vec![start];
                let mut at = 0;
                while let Some(&vertex) = seen.get(at) {
                    let next = edges.iter().filter(|(from, _)| *from == vertex).map(|(_, to)| *to);
                    let next: Vec<u32> = next.filter(|to| !seen.contains(to)).collect();
                    seen.extend(next);
                    at += 1;
                }
                for end in 0..90 {
                    prop_assert_eq!(closure.reaches(start as usize, end as usize), seen.contains(&end));
                }
            }
        }
    }
}
