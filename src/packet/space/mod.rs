//! Sets of flows: exact, canonical, and as cheap for `0.0.0.0/0` as for a host.
//!
//! A [`FlowSpace`] holds the nodes of one interval decision diagram per family ([`super::diagram`]); a [`FlowSet`] is two ids into it, so within one
//! space two sets are equal exactly if they are equal values. The universe is every flow that exists: both addresses of one family, icmp
//! with IPv4 only, icmp6 with IPv6 only. So a product with `any` services holds no icmp6 over IPv4, and a complement never invents it.
//! `docs/algebra.md` has the mathematics and what each operation costs.
//!
//! Every operation that makes nodes may answer [`TooLarge`]; the space is then as it was before, and still usable. Nothing is freed on its own
//! between calls: a caller with many questions takes a [`FlowSpace::mark`] and [`FlowSpace::keep`]s what it still needs. Absent on purpose: names, rules,
//! and any way to list the addresses of a set.

mod cover;
mod extent;
mod half;
mod keys;
mod lists;
mod rectangles;
mod witness;

pub use half::Address;
pub use lists::Action;
pub use rectangles::Product;
pub use witness::Wishes;

use self::half::Half;
use super::address::{AddressSet, Family};
use super::diagram::{Mark, NodeId, Operation, Question, TooLarge};
use super::flow::Flow;
use super::service::ServiceSet;

/// Which field of a flow the diagram decides on first. It changes no answer, only what answers cost: up to ten times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Order {
    /// Destination, source, service: for lists in which destinations differ most, as rules about servers do.
    #[default]
    DestinationFirst,
    /// Source, destination, service.
    SourceFirst,
    /// Service, destination, source: for lists with many *any* addresses.
    ServiceFirst,
}

/// A set of flows of one [`FlowSpace`]: a small id. Equal sets of one space are equal values; values of two spaces must not be mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowSet {
    v4: NodeId,
    v6: NodeId,
}

impl FlowSet {
    /// No flow; the same in every space.
    pub const EMPTY: Self = Self { v4: NodeId::NONE, v6: NodeId::NONE };
    /// Every flow that exists; the same in every space.
    pub const FULL: Self = Self { v4: NodeId::ALL, v6: NodeId::ALL };

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::EMPTY
    }

    /// Whether every flow is a member.
    #[must_use]
    pub fn is_full(self) -> bool {
        self == Self::FULL
    }

    /// The members of one family.
    #[must_use]
    pub fn only(self, family: Family) -> Self {
        match family {
            Family::V4 => Self { v6: NodeId::NONE, ..self },
            Family::V6 => Self { v4: NodeId::NONE, ..self },
        }
    }
}

/// A moment in the life of a space; see [`FlowSpace::keep`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    v4: Mark,
    v6: Mark,
}

/// Where sets of flows live. See the module.
#[derive(Debug, Clone)]
pub struct FlowSpace {
    order: Order,
    v4: Half<u32>,
    v6: Half<u128>,
}

impl Default for FlowSpace {
    fn default() -> Self {
        Self::new(Order::default())
    }
}

impl FlowSpace {
    /// The budget of [`Self::new`], in edges of each family: about 150 MiB of IPv4 nodes, or 300 MiB of IPv6 nodes, at most.
    pub const BUDGET: usize = 12_000_000;

    /// An empty space with the usual budget.
    #[must_use]
    pub fn new(order: Order) -> Self {
        Self::with_budget(order, Self::BUDGET)
    }

    /// An empty space that never holds more than `edges` edges in each family. An edge is one interval of a node: 8 bytes for IPv4, 20 for
    /// IPv6, and about 10 more for its share of tables.
    #[must_use]
    pub fn with_budget(order: Order, edges: usize) -> Self {
        Self { order, v4: Half::new(order, edges), v6: Half::new(order, edges) }
    }

    /// The order of fields.
    #[must_use]
    pub fn order(&self) -> Order {
        self.order
    }

    /// How many edges the space holds now, of both families.
    #[must_use]
    pub fn edges(&self) -> usize {
        self.v4.diagram.edge_count().saturating_add(self.v6.diagram.edge_count())
    }

    /// How many nodes the space holds now, of both families.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.v4.diagram.node_count().saturating_add(self.v6.diagram.node_count())
    }

    /// The flows from any of `sources` to any of `destinations` on any of `services`; addresses of different families never meet.
    ///
    /// # Errors
    /// [`TooLarge`] if the space has no room for it.
    pub fn product(
        &mut self,
        sources: &AddressSet,
        destinations: &AddressSet,
        services: &ServiceSet,
    ) -> Result<FlowSet, TooLarge> {
        self.attempt(|space| {
            Ok(FlowSet {
                v4: space.v4.product(&sources.v4, &destinations.v4, services)?,
                v6: space.v6.product(&sources.v6, &destinations.v6, services)?,
            })
        })
    }

    /// Members of either.
    ///
    /// # Errors
    /// [`TooLarge`] if the space has no room for it.
    pub fn union(&mut self, left: FlowSet, right: FlowSet) -> Result<FlowSet, TooLarge> {
        self.apply(Operation::Union, left, right)
    }

    /// Members of both.
    ///
    /// # Errors
    /// [`TooLarge`] if the space has no room for it.
    pub fn intersection(&mut self, left: FlowSet, right: FlowSet) -> Result<FlowSet, TooLarge> {
        self.apply(Operation::Intersection, left, right)
    }

    /// Members of `left` that are not in `right`.
    ///
    /// # Errors
    /// [`TooLarge`] if the space has no room for it.
    pub fn difference(&mut self, left: FlowSet, right: FlowSet) -> Result<FlowSet, TooLarge> {
        self.apply(Operation::Difference, left, right)
    }

    /// Every flow that exists and is not a member.
    ///
    /// # Errors
    /// [`TooLarge`] if the space has no room for it.
    pub fn complement(&mut self, set: FlowSet) -> Result<FlowSet, TooLarge> {
        self.difference(FlowSet::FULL, set)
    }

    /// The union of many sets, by divide and conquer: much cheaper than one after the other.
    ///
    /// # Errors
    /// [`TooLarge`] if the space has no room for it.
    pub fn union_all(&mut self, sets: &[FlowSet]) -> Result<FlowSet, TooLarge> {
        self.attempt(|space| {
            let v4 = space.v4.diagram.union_all(sets.iter().map(|set| set.v4).collect())?;
            let v6 = space.v6.diagram.union_all(sets.iter().map(|set| set.v6).collect())?;
            Ok(FlowSet { v4, v6 })
        })
    }

    /// Whether every member of `left` is one of `right`. Makes no nodes.
    pub fn is_subset(&mut self, left: FlowSet, right: FlowSet) -> bool {
        self.v4.diagram.ask(Question::Subset, left.v4, right.v4)
            && self.v6.diagram.ask(Question::Subset, left.v6, right.v6)
    }

    /// Whether the two have a common member. Makes no nodes.
    pub fn intersects(&mut self, left: FlowSet, right: FlowSet) -> bool {
        self.v4.diagram.ask(Question::Meet, left.v4, right.v4) || self.v6.diagram.ask(Question::Meet, left.v6, right.v6)
    }

    /// Whether a flow is a member: one binary search per field. A flow that cannot exist (mixed families, the other family's ICMP) never is.
    #[must_use]
    pub fn contains(&self, set: FlowSet, flow: &Flow) -> bool {
        use std::net::IpAddr::{V4, V6};
        match (flow.source, flow.destination) {
            (V4(source), V4(destination)) => {
                self.v4.contains(set.v4, source.to_bits(), destination.to_bits(), flow.service)
            }
            (V6(source), V6(destination)) => {
                self.v6.contains(set.v6, source.to_bits(), destination.to_bits(), flow.service)
            }
            _ => false,
        }
    }

    /// Copies a set from another space, whatever its order of fields.
    ///
    /// # Errors
    /// [`TooLarge`] if the space has no room for it; another order may need many more nodes.
    pub fn import(&mut self, from: &Self, set: FlowSet) -> Result<FlowSet, TooLarge> {
        self.attempt(|space| {
            Ok(FlowSet { v4: space.v4.import(&from.v4, set.v4)?, v6: space.v6.import(&from.v6, set.v6)? })
        })
    }

    /// Forgets what was computed before, but no set. Answers stay the same; the next ones may take longer.
    pub fn clear_memo(&mut self) {
        self.v4.diagram.forget();
        self.v6.diagram.forget();
    }

    /// This moment, for [`Self::keep`].
    #[must_use]
    pub fn mark(&self) -> Moment {
        Moment { v4: self.v4.diagram.mark(), v6: self.v6.diagram.mark() }
    }

    /// Frees every set that was made since `moment`, but for `sets`, which get new values. Sets that are older stay as they are; any other
    /// younger set must not be used again.
    pub fn keep(&mut self, moment: Moment, sets: &mut [FlowSet]) {
        let (mut v4, mut v6): (Vec<NodeId>, Vec<NodeId>) = sets.iter().map(|set| (set.v4, set.v6)).unzip();
        self.v4.diagram.keep(moment.v4, &mut [&mut v4]);
        self.v6.diagram.keep(moment.v6, &mut [&mut v6]);
        for (set, (v4, v6)) in sets.iter_mut().zip(v4.into_iter().zip(v6)) {
            *set = FlowSet { v4, v6 };
        }
    }

    fn apply(&mut self, operation: Operation, left: FlowSet, right: FlowSet) -> Result<FlowSet, TooLarge> {
        self.attempt(|space| {
            let v4 = space.v4.diagram.apply(operation, left.v4, right.v4)?;
            let v6 = space.v6.diagram.apply(operation, left.v6, right.v6)?;
            Ok(FlowSet { v4, v6 })
        })
    }

    /// Runs a computation; if it is too large, frees what it made.
    fn attempt<T>(&mut self, compute: impl FnOnce(&mut Self) -> Result<T, TooLarge>) -> Result<T, TooLarge> {
        let before = self.mark();
        compute(self).inspect_err(|_| self.keep(before, &mut []))
    }
}
