//! How one firewall sees an endpoint set: on which of its sides which addresses lie; and which products of two such views it passes from door to door.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::graph::{BlockId, BlockTree, Door, InstanceFirewall, Side, Vertex};
use crate::packet::{AddressRange, AddressSet};

/// Flows between two cells of one class are not this graph's business (for instance: both ends in one site that has paths of its own).
pub(super) type Class = Option<u32>;

/// Addresses that a firewall finds on one side.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    /// The side; the member is [`WHOLE`] where the firewall has one door to the block, as then nothing depends on it.
    side: Side,
    class: Class,
    set: Arc<AddressSet>,
}

/// The member of a side that is not told apart further.
const WHOLE: Vertex = Vertex::MAX;

impl Cell {
    /// The block by which the firewall is left towards the addresses.
    pub(super) fn block(&self) -> BlockId {
        self.side.block
    }
}

/// Collects addresses by side and class.
pub(super) struct CellBuilder<'i> {
    tree: &'i BlockTree,
    firewall: &'i InstanceFirewall,
    ranges: BTreeMap<(Side, Class), Vec<AddressRange>>,
    sets: Vec<Cell>,
}

impl<'i> CellBuilder<'i> {
    pub(super) fn new(tree: &'i BlockTree, firewall: &'i InstanceFirewall) -> Self {
        Self { tree, firewall, ranges: BTreeMap::new(), sets: Vec::new() }
    }

    /// The side of a vertex as this firewall tells sides apart; `None` if it is not connected with it.
    fn side(&self, vertex: Vertex) -> Option<Side> {
        let mut side = self.tree.side(self.firewall.vertex, vertex)?;
        if self.firewall.doors_to(side.block).len() < 2 {
            side.member = WHOLE;
        }
        Some(side)
    }

    pub(super) fn add(&mut self, vertex: Vertex, class: Class, range: AddressRange) {
        if let Some(side) = self.side(vertex) {
            self.ranges.entry((side, class)).or_default().push(range);
        }
    }

    pub(super) fn add_set(&mut self, vertex: Vertex, class: Class, set: Arc<AddressSet>) {
        if let Some(side) = self.side(vertex)
            && !set.is_empty()
        {
            self.sets.push(Cell { side, class, set });
        }
    }

    pub(super) fn finish(self) -> Vec<Cell> {
        let mut cells = self.sets;
        let cell = |((side, class), ranges): ((Side, Class), Vec<AddressRange>)| Cell {
            side,
            class,
            set: Arc::new(ranges.into_iter().collect()),
        };
        cells.extend(self.ranges.into_iter().map(cell));
        cells
    }
}

/// A product of sources and destinations.
pub(super) type Crossing = (Arc<AddressSet>, Arc<AddressSet>);

/// What a firewall passes from one door to another, of flows from some cells to others.
pub(super) fn crossings(enter: Door, leave: Door, sources: &[Cell], destinations: &[Cell]) -> Vec<Crossing> {
    if enter.zone == leave.zone {
        return Vec::new();
    }
    let inside = enter.block == leave.block;
    let behind = |door: Door, other: Door| {
        move |cell: &&Cell| cell.side.block == door.block && !(inside && cell.side.member == other.zone)
    };
    let from: Vec<&Cell> = sources.iter().filter(behind(enter, leave)).collect();
    let to: Vec<&Cell> = destinations.iter().filter(behind(leave, enter)).collect();
    if from.is_empty() || to.is_empty() {
        return Vec::new();
    }
    let clash =
        |a: &Cell, b: &Cell| (inside && a.side.member == b.side.member) || (a.class.is_some() && a.class == b.class);
    let all_to = union(&to);
    let (clashing, free): (Vec<&Cell>, Vec<&Cell>) = from.into_iter().partition(|a| to.iter().any(|b| clash(a, b)));
    let mut result = Vec::new();
    if !free.is_empty() {
        result.push((union(&free), all_to.clone()));
    }
    for cell in clashing {
        let barred: Vec<&Cell> = to.iter().copied().filter(|other| clash(cell, other)).collect();
        let rest = if barred.len() == to.len() { AddressSet::empty() } else { all_to.difference(&union(&barred)) };
        result.push((cell.set.clone(), Arc::new(rest)));
    }
    result.retain(|(a, b)| is_product(a, b));
    result
}

/// Whether a product holds any flow: both ends have addresses of one family.
pub(super) fn is_product(source: &AddressSet, destination: &AddressSet) -> bool {
    !(source.v4.is_empty() || destination.v4.is_empty()) || !(source.v6.is_empty() || destination.v6.is_empty())
}

fn union(cells: &[&Cell]) -> Arc<AddressSet> {
    match cells {
        [only] => only.set.clone(),
        many => Arc::new(AddressSet::union_all(many.iter().map(|cell| &*cell.set))),
    }
}

/// Joins products with an equal side, so that what several graphs and places contributed is said once.
pub(super) fn merge(mut products: Vec<Crossing>) -> Vec<Crossing> {
    loop {
        let before = products.len();
        if before < 2 {
            return products;
        }
        products = join(products, |(a, b)| (a, b), |a, b| (a, b));
        products = join(products, |(a, b)| (b, a), |b, a| (a, b));
        if products.len() == before {
            return products;
        }
    }
}

fn join(
    products: Vec<Crossing>,
    split: fn(Crossing) -> Crossing,
    build: fn(Arc<AddressSet>, Arc<AddressSet>) -> Crossing,
) -> Vec<Crossing> {
    let mut groups: BTreeMap<Arc<AddressSet>, Vec<Arc<AddressSet>>> = BTreeMap::new();
    for product in products {
        let (key, value) = split(product);
        groups.entry(key).or_default().push(value);
    }
    let one = |(key, mut values): (Arc<AddressSet>, Vec<Arc<AddressSet>>)| match (values.pop(), values.is_empty()) {
        (Some(only), true) => build(key, only),
        (last, _) => {
            let all = AddressSet::union_all(values.iter().chain(&last).map(|set| &**set));
            build(key, Arc::new(all))
        }
    };
    groups.into_iter().map(one).collect()
}
