//! A set of flows as disjoint products, for people and for devices whose sets must not overlap.
//!
//! Edges of a node that lead to the same child are one set of keys, so each path of such sets is a product, and the products of different
//! paths are disjoint. How many there are depends on which field is first; three orders are tried and the fewest taken. Promised is *exact and
//! disjoint*, not *minimal*: that question is NP-hard.

use foldhash::HashMap;
use rustc_hash::FxHashMap;

use super::half::{Address, Field, Half};
use super::{FlowSet, FlowSpace, Order};
use crate::packet::address::AddressSet;
use crate::packet::count::Count;
use crate::packet::diagram::{NodeId, TooLarge};
use crate::packet::interval::IntervalSet;
use crate::packet::service::ServiceSet;

/// Every flow from any of the sources to any of the destinations on any of the services. All addresses are of one family.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Product {
    /// Where its flows come from.
    pub sources: AddressSet,
    /// Where they go.
    pub destinations: AddressSet,
    /// What they use. Where it is `any`, or close to it, it holds the other family's ICMP too, of which there are no flows.
    pub services: ServiceSet,
}

impl Product {
    /// How many pairs of addresses.
    #[must_use]
    pub fn size(&self) -> Count {
        self.sources.size().times(self.destinations.size())
    }
}

impl FlowSpace {
    /// Disjoint products whose union is exactly the set: few, the largest first, IPv4 before IPv6.
    ///
    /// # Errors
    /// [`TooLarge`] if every order of fields outgrows the budget; the space itself does not change.
    pub fn products(&self, set: FlowSet) -> Result<Vec<Product>, TooLarge> {
        let mut products = fewest(&self.v4, set.v4)?;
        products.extend(fewest(&self.v6, set.v6)?);
        Ok(products)
    }
}

/// A product in the terms of a diagram.
#[derive(Debug, Clone)]
pub struct Cell<K: Address> {
    pub destinations: IntervalSet<K>,
    pub sources: IntervalSet<K>,
    /// A node of the two service levels alone.
    pub services: NodeId,
}

impl<K: Address> Cell<K> {
    pub fn size(&self) -> Count {
        self.destinations.size().times(self.sources.size())
    }
}

/// Disjoint cells with the diagram that their services live in.
pub struct Cells<K: Address> {
    pub half: Half<K>,
    /// The whole set in that diagram.
    pub node: NodeId,
    /// The largest first.
    pub cells: Vec<Cell<K>>,
}

fn fewest<K: Address>(half: &Half<K>, node: NodeId) -> Result<Vec<Product>, TooLarge> {
    let mut best = cells(half, node, Order::DestinationFirst);
    for order in [Order::SourceFirst, Order::ServiceFirst] {
        if best.as_ref().is_ok_and(|best| best.cells.len() < 2) {
            break;
        }
        let other = cells(half, node, order);
        best = match (best, other) {
            (Ok(best), Ok(other)) if other.cells.len() < best.cells.len() => Ok(other),
            (Err(_), other) => other,
            (best, _) => best,
        };
    }
    let Cells { half, cells, .. } = best?;
    let mut known: FxHashMap<NodeId, ServiceSet> = FxHashMap::default();
    let product = |cell: Cell<K>| Product {
        services: known.entry(cell.services).or_insert_with(|| half.read_services(cell.services)).clone(),
        sources: K::wrap(cell.sources),
        destinations: K::wrap(cell.destinations),
    };
    Ok(cells.into_iter().map(product).collect())
}

/// The disjoint cells of a set in one order of fields.
pub fn cells<K: Address>(half: &Half<K>, node: NodeId, order: Order) -> Result<Cells<K>, TooLarge> {
    let mut copy = Half::new(order, half.diagram.budget());
    let node = copy.import(half, node)?;
    let mut cells = match order {
        Order::ServiceFirst => by_services(&mut copy, node)?,
        Order::DestinationFirst | Order::SourceFirst => by_addresses(&copy, node),
    };
    merge(&mut copy, &mut cells)?;
    cells.sort_by_cached_key(|cell| (std::cmp::Reverse(cell.size()), cell.destinations.first(), cell.sources.first()));
    Ok(Cells { half: copy, node, cells })
}

fn by_addresses<K: Address>(half: &Half<K>, node: NodeId) -> Vec<Cell<K>> {
    let mut cells = Vec::new();
    for (upper, below) in half.diagram.groups_at(0, node) {
        for (lower, services) in half.diagram.groups_at(1, below) {
            cells.push(match half.order {
                Order::SourceFirst => Cell { destinations: lower, sources: upper.clone(), services },
                _ => Cell { destinations: upper.clone(), sources: lower, services },
            });
        }
    }
    cells
}

/// With the services on top: first the services that lead to the same addresses, then these addresses.
fn by_services<K: Address>(half: &mut Half<K>, node: NodeId) -> Result<Vec<Cell<K>>, TooLarge> {
    let (major, minor) = (half.level(Field::Major), half.level(Field::Minor));
    let mut places: FxHashMap<NodeId, usize> = FxHashMap::default();
    let mut groups: Vec<(NodeId, Vec<NodeId>)> = Vec::new();
    for (majors, below) in half.diagram.groups_at(major, node) {
        for (minors, addresses) in half.diagram.groups_at(minor, below) {
            let inside = half.diagram.within(minor, &minors, NodeId::ALL)?;
            let services = half.diagram.within(major, &majors, inside)?;
            let place = *places.entry(addresses).or_insert(groups.len());
            match groups.get_mut(place) {
                Some((_, known)) => known.push(services),
                None => groups.push((addresses, vec![services])),
            }
        }
    }
    let mut cells = Vec::new();
    for (addresses, services) in groups {
        let services = half.diagram.union_all(services)?;
        for (destinations, below) in half.diagram.groups_at(half.level(Field::Destination), addresses) {
            for (sources, _) in half.diagram.groups_at(half.level(Field::Source), below) {
                cells.push(Cell { destinations: destinations.clone(), sources, services });
            }
        }
    }
    Ok(cells)
}

/// Interval sets by number, so that equal ones are found without comparing them.
struct Numbers<K: Address> {
    known: HashMap<IntervalSet<K>, usize>,
    sets: Vec<IntervalSet<K>>,
}

impl<K: Address> Numbers<K> {
    fn of(&mut self, set: IntervalSet<K>) -> usize {
        if let Some(number) = self.known.get(&set) {
            return *number;
        }
        self.known.insert(set.clone(), self.sets.len());
        self.sets.push(set);
        self.sets.len() - 1
    }

    fn set(&self, number: usize) -> IntervalSet<K> {
        self.sets.get(number).cloned().unwrap_or_default()
    }

    fn union(&mut self, numbers: &[usize]) -> usize {
        let sets = numbers.iter().filter_map(|number| self.sets.get(*number));
        let union = sets.flat_map(|set| set.intervals()).copied().collect();
        self.of(union)
    }
}

/// A cell whose sets are numbers.
#[derive(Debug, Clone, Copy)]
struct Numbered {
    destinations: usize,
    sources: usize,
    services: NodeId,
}

#[derive(Debug, Clone, Copy)]
enum Side {
    Destinations,
    Sources,
    Services,
}

/// Merges cells that are equal on two sides, until none are.
fn merge<K: Address>(half: &mut Half<K>, cells: &mut Vec<Cell<K>>) -> Result<(), TooLarge> {
    let mut numbers = Numbers { known: HashMap::default(), sets: Vec::new() };
    let mut numbered: Vec<Numbered> = Vec::with_capacity(cells.len());
    for Cell { destinations, sources, services } in cells.drain(..) {
        numbered.push(Numbered { destinations: numbers.of(destinations), sources: numbers.of(sources), services });
    }
    loop {
        let before = numbered.len();
        for side in [Side::Services, Side::Sources, Side::Destinations] {
            numbered = merge_along(half, &mut numbers, side, numbered)?;
        }
        if numbered.len() == before {
            break;
        }
    }
    cells.extend(numbered.into_iter().map(|cell| Cell {
        destinations: numbers.set(cell.destinations),
        sources: numbers.set(cell.sources),
        services: cell.services,
    }));
    Ok(())
}

fn merge_along<K: Address>(
    half: &mut Half<K>,
    numbers: &mut Numbers<K>,
    side: Side,
    cells: Vec<Numbered>,
) -> Result<Vec<Numbered>, TooLarge> {
    let mut places: FxHashMap<(usize, usize, NodeId), usize> = FxHashMap::default();
    let mut groups: Vec<Vec<Numbered>> = Vec::new();
    for cell in cells {
        let key = match side {
            Side::Destinations => (0, cell.sources, cell.services),
            Side::Sources => (cell.destinations, 0, cell.services),
            Side::Services => (cell.destinations, cell.sources, NodeId::NONE),
        };
        let place = *places.entry(key).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(cell),
            None => groups.push(vec![cell]),
        }
    }
    let mut merged = Vec::with_capacity(groups.len());
    for group in groups {
        let Some(first) = group.first().copied() else { continue };
        merged.push(match (group.len(), side) {
            (1, _) => first,
            (_, Side::Destinations) => {
                let all: Vec<usize> = group.iter().map(|cell| cell.destinations).collect();
                Numbered { destinations: numbers.union(&all), ..first }
            }
            (_, Side::Sources) => {
                let all: Vec<usize> = group.iter().map(|cell| cell.sources).collect();
                Numbered { sources: numbers.union(&all), ..first }
            }
            (_, Side::Services) => {
                let all = group.iter().map(|cell| cell.services).collect();
                Numbered { services: half.diagram.union_all(all)?, ..first }
            }
        });
    }
    Ok(merged)
}
