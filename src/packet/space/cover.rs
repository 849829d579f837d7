//! A set of flows as few products that may overlap, each as wide as the set allows.
//!
//! Greedy: the largest disjoint cell that is not covered yet is widened side by side, until no destination, source or service can be added; what
//! others cover together is dropped at the end. One round over the three sides is enough: what could not be added to one side cannot be added
//! after another has grown. The smallest cover is NP-hard, and not promised.

use super::half::{Address, Field, Half};
use super::rectangles::{Cell, Cells, Product, cells};
use super::{FlowSet, FlowSpace, Order};
use crate::packet::diagram::{NodeId, Operation, Question, TooLarge};
use crate::packet::interval::{Interval, IntervalSet};

impl FlowSpace {
    /// Maximal products whose union is exactly the set: few, mostly the largest first, IPv4 before IPv6. Maximal: no product within the set
    /// holds one of them and more. None is covered by the others.
    ///
    /// # Errors
    /// [`TooLarge`] if the work outgrows the budget; the space itself does not change.
    pub fn maximal(&self, set: FlowSet) -> Result<Vec<Product>, TooLarge> {
        let mut products = cover(&self.v4, set.v4)?;
        products.extend(cover(&self.v6, set.v6)?);
        Ok(products)
    }
}

fn cover<K: Address>(half: &Half<K>, node: NodeId) -> Result<Vec<Product>, TooLarge> {
    let Cells { half, node, cells } = cells(half, node, Order::DestinationFirst)?;
    let mut covering = Covering { half, set: node };
    let mut chosen: Vec<(NodeId, Cell<K>)> = Vec::new();
    let mut rest = node;
    for cell in cells {
        let piece = covering.node_of(&cell)?;
        if covering.half.diagram.ask(Question::Meet, piece, rest) {
            let wide = covering.widen(&cell)?;
            let product = covering.node_of(&wide)?;
            rest = covering.half.diagram.apply(Operation::Difference, rest, product)?;
            chosen.push((product, wide));
        }
    }
    let needed = covering.needed(&chosen)?;
    let product = |(_, cell): (NodeId, Cell<K>)| Product {
        services: covering.half.read_services(cell.services),
        sources: K::wrap(cell.sources),
        destinations: K::wrap(cell.destinations),
    };
    Ok(chosen.into_iter().zip(needed).filter(|(_, needed)| *needed).map(|(one, _)| product(one)).collect())
}

struct Covering<K> {
    half: Half<K>,
    set: NodeId,
}

impl<K: Address> Covering<K> {
    /// The product of a cell, within the levels of `Order::DestinationFirst`.
    fn node_of(&mut self, cell: &Cell<K>) -> Result<NodeId, TooLarge> {
        let row = self.row_of(cell)?;
        self.half.diagram.within(self.half.level(Field::Destination), &cell.destinations, row)
    }

    fn row_of(&mut self, cell: &Cell<K>) -> Result<NodeId, TooLarge> {
        self.half.diagram.within(self.half.level(Field::Source), &cell.sources, cell.services)
    }

    /// A maximal product around a cell.
    fn widen(&mut self, cell: &Cell<K>) -> Result<Cell<K>, TooLarge> {
        let row = self.row_of(cell)?;
        let (destinations, rows) = self.above(Field::Destination, self.set, row);
        let common = self.half.diagram.fold(Operation::Intersection, rows)?;
        let (sources, services) = self.above(Field::Source, common, cell.services);
        let services = self.half.diagram.fold(Operation::Intersection, services)?;
        Ok(Cell { destinations, sources, services })
    }

    /// The keys of a level below which all of `wanted` lies, and what lies below them.
    fn above(&mut self, field: Field, node: NodeId, wanted: NodeId) -> (IntervalSet<K>, Vec<NodeId>) {
        let groups = self.half.diagram.groups_at(self.half.level(field), node);
        let mut keys: Vec<Interval<K>> = Vec::new();
        let mut below = Vec::new();
        for (group, child) in groups {
            if self.half.diagram.ask(Question::Subset, wanted, child) {
                keys.extend(group.intervals());
                below.push(child);
            }
        }
        (keys.into_iter().collect(), below)
    }

    /// Which products are not covered by the ones before that are needed and all after.
    fn needed(&mut self, chosen: &[(NodeId, Cell<K>)]) -> Result<Vec<bool>, TooLarge> {
        let diagram = &mut self.half.diagram;
        let mut after = vec![NodeId::NONE];
        for (product, _) in chosen.iter().skip(1).rev() {
            let union = after.last().copied().unwrap_or(NodeId::NONE);
            after.push(diagram.apply(Operation::Union, union, *product)?);
        }
        let mut before = NodeId::NONE;
        let mut needed = Vec::with_capacity(chosen.len());
        for ((product, _), after) in chosen.iter().zip(after.into_iter().rev()) {
            let others = diagram.apply(Operation::Union, before, after)?;
            let is_needed = !diagram.ask(Question::Subset, *product, others);
            if is_needed {
                before = diagram.apply(Operation::Union, before, *product)?;
            }
            needed.push(is_needed);
        }
        Ok(needed)
    }
}
