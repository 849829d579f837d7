//! How one firewall sees an endpoint set: on which of its sides which addresses lie; and which products of two such views it passes from door to door.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::pieces::{Group, Half};
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

/// An endpoint set as one firewall sees it.
#[derive(Debug, Default)]
pub(super) struct Cells<'i> {
    all: Vec<Cell>,
    /// The doors behind which some of the cells lie, ascending by block and zone.
    pub(super) doors: Cow<'i, [Door]>,
    /// Whether some cell has a class.
    has_class: bool,
    /// The unions of all cells beyond one block, as far as they were asked for.
    beyond: RefCell<Vec<(BlockId, Arc<AddressSet>)>>,
}

impl<'i> Cells<'i> {
    fn new(all: Vec<Cell>, firewall: &'i InstanceFirewall) -> Self {
        let doors = match all.as_slice() {
            [only] => Cow::Borrowed(firewall.doors_to(only.side.block)),
            many => {
                let mut blocks: Vec<BlockId> = many.iter().map(|cell| cell.side.block).collect();
                blocks.sort_unstable();
                blocks.dedup();
                Cow::Owned(blocks.into_iter().flat_map(|block| firewall.doors_to(block)).copied().collect())
            }
        };
        let has_class = all.iter().any(|cell| cell.class.is_some());
        Self { all, doors, has_class, beyond: RefCell::default() }
    }

    /// The union of all cells beyond a block.
    fn beyond(&self, block: BlockId) -> Arc<AddressSet> {
        if let [only] = self.all.as_slice() {
            return if only.side.block == block { only.set.clone() } else { Arc::default() };
        }
        let mut known = self.beyond.borrow_mut();
        if let Some((_, set)) = known.iter().find(|(of, _)| *of == block) {
            return set.clone();
        }
        let here: Vec<&Cell> = self.all.iter().filter(|cell| cell.side.block == block).collect();
        let set = union(&here);
        known.push((block, set.clone()));
        set
    }
}

/// Collects addresses by side and class.
pub(super) struct CellBuilder<'i> {
    tree: &'i BlockTree,
    firewall: &'i InstanceFirewall,
    ranges: Vec<((Side, Class), AddressRange)>,
    sets: Vec<Cell>,
}

impl<'i> CellBuilder<'i> {
    pub(super) fn new(tree: &'i BlockTree, firewall: &'i InstanceFirewall) -> Self {
        Self { tree, firewall, ranges: Vec::new(), sets: Vec::new() }
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
            self.ranges.push(((side, class), range));
        }
    }

    pub(super) fn add_set(&mut self, vertex: Vertex, class: Class, set: Arc<AddressSet>) {
        if let Some(side) = self.side(vertex)
            && !set.is_empty()
        {
            self.sets.push(Cell { side, class, set });
        }
    }

    pub(super) fn finish(mut self) -> Cells<'i> {
        let mut cells = self.sets;
        self.ranges.sort_unstable_by_key(|(key, _)| *key);
        for same in self.ranges.chunk_by(|a, b| a.0 == b.0) {
            let Some(&((side, class), _)) = same.first() else { continue };
            cells.push(Cell { side, class, set: Arc::new(same.iter().map(|(_, range)| *range).collect()) });
        }
        Cells::new(cells, self.firewall)
    }

    /// The cells of what the core sees of an endpoint set.
    pub(super) fn finish_core(self, half: &Half) -> Cells<'i> {
        if let [Group { vertex, part, set }] = half.core.as_slice() {
            let cell = self.side(vertex.index()).map(|side| Cell { side, class: *part, set: set.clone() });
            return Cells::new(cell.into_iter().collect(), self.firewall);
        }
        let with_side = |group: &'_ Group| Some((self.side(group.vertex.index())?, group.part));
        let mut found: Vec<((Side, Class), &Arc<AddressSet>)> =
            half.core.iter().filter_map(|group| Some((with_side(group)?, &group.set))).collect();
        found.sort_by_key(|(key, _)| *key);
        let mut cells = Vec::new();
        for same in found.chunk_by(|a, b| a.0 == b.0) {
            let Some(&((side, class), first)) = same.first() else { continue };
            let set = match same {
                [_] => first.clone(),
                all if all.len() == half.core.len() => half.core_whole.clone(),
                some => Arc::new(AddressSet::union_all(some.iter().map(|(_, set)| &***set))),
            };
            cells.push(Cell { side, class, set });
        }
        Cells::new(cells, self.firewall)
    }
}

/// A product of sources and destinations.
pub(super) type Crossing = (Arc<AddressSet>, Arc<AddressSet>);

/// What a firewall passes from one door to another, of flows from some cells to others.
pub(super) fn crossings(
    enter: Door,
    leave: Door,
    sources: &Cells<'_>,
    destinations: &Cells<'_>,
    mut found: impl FnMut(Crossing),
) {
    if enter.zone == leave.zone {
        return;
    }
    let mut product = |a: Arc<AddressSet>, b: Arc<AddressSet>| {
        if is_product(&a, &b) {
            found((a, b));
        }
    };
    let inside = enter.block == leave.block;
    if !(inside || sources.has_class && destinations.has_class) {
        return product(sources.beyond(enter.block), destinations.beyond(leave.block));
    }
    let behind = |door: Door, other: Door| {
        move |cell: &&Cell| cell.side.block == door.block && !(inside && cell.side.member == other.zone)
    };
    let clash =
        |a: &Cell, b: &Cell| (inside && a.side.member == b.side.member) || (a.class.is_some() && a.class == b.class);
    if let ([from], [to]) = (sources.all.as_slice(), destinations.all.as_slice()) {
        if behind(enter, leave)(&from) && behind(leave, enter)(&to) && !clash(from, to) {
            product(from.set.clone(), to.set.clone());
        }
        return;
    }
    let from: Vec<&Cell> = sources.all.iter().filter(behind(enter, leave)).collect();
    let to: Vec<&Cell> = destinations.all.iter().filter(behind(leave, enter)).collect();
    if from.is_empty() || to.is_empty() {
        return;
    }
    let all_to = union(&to);
    let (clashing, free): (Vec<&Cell>, Vec<&Cell>) = from.into_iter().partition(|a| to.iter().any(|b| clash(a, b)));
    if !free.is_empty() {
        product(union(&free), all_to.clone());
    }
    for cell in clashing {
        let barred: Vec<&Cell> = to.iter().copied().filter(|other| clash(cell, other)).collect();
        if barred.len() < to.len() {
            product(cell.set.clone(), Arc::new(all_to.difference(&union(&barred))));
        }
    }
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
