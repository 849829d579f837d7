//! The flows of one family: what the levels of a diagram mean.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Order;
use super::keys::{self, MAJOR_TOP, MINOR_TOP};
use crate::packet::address::{AddressSet, Family};
use crate::packet::diagram::{Diagram, Known, LEVELS, NodeId, Operation, TooLarge};
use crate::packet::interval::{Interval, IntervalSet, Value};
use crate::packet::service::{ServicePoint, ServiceSet};

/// A field of a flow that has a level of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Destination,
    Source,
    /// Protocol with destination port or ICMP type.
    Major,
    /// Source port or ICMP code; always next below [`Self::Major`].
    Minor,
}

impl Order {
    /// The fields from the top level down.
    pub(super) fn fields(self) -> [Field; LEVELS] {
        match self {
            Self::DestinationFirst => [Field::Destination, Field::Source, Field::Major, Field::Minor],
            Self::SourceFirst => [Field::Source, Field::Destination, Field::Major, Field::Minor],
            Self::ServiceFirst => [Field::Major, Field::Minor, Field::Destination, Field::Source],
        }
    }

    pub(super) fn level(self, field: Field) -> u8 {
        (0_u8..).zip(self.fields()).find(|(_, known)| *known == field).map_or(0, |(level, _)| level)
    }
}

/// An address as a number: what makes a family.
pub trait Address: Value {
    /// The family.
    const FAMILY: Family;
    /// The members of this family.
    fn of(set: &AddressSet) -> &IntervalSet<Self>;
    /// The same as a set of addresses.
    fn wrap(set: IntervalSet<Self>) -> AddressSet;
    /// The address.
    fn address(self) -> IpAddr;
    /// The number, cut to the family's size.
    fn narrow(number: u128) -> Self;
    /// A key of a service.
    fn key(number: u32) -> Self;
    /// The service key that this is.
    fn number(self) -> u32;
}

impl Address for u32 {
    const FAMILY: Family = Family::V4;
    fn of(set: &AddressSet) -> &IntervalSet<Self> {
        &set.v4
    }
    fn wrap(v4: IntervalSet<Self>) -> AddressSet {
        AddressSet { v4, v6: IntervalSet::empty() }
    }
    fn address(self) -> IpAddr {
        Ipv4Addr::from_bits(self).into()
    }
    fn narrow(number: u128) -> Self {
        Self::try_from(number).unwrap_or(Self::MAX)
    }
    fn key(number: u32) -> Self {
        number
    }
    fn number(self) -> u32 {
        self
    }
}

impl Address for u128 {
    const FAMILY: Family = Family::V6;
    fn of(set: &AddressSet) -> &IntervalSet<Self> {
        &set.v6
    }
    fn wrap(v6: IntervalSet<Self>) -> AddressSet {
        AddressSet { v4: IntervalSet::empty(), v6 }
    }
    fn address(self) -> IpAddr {
        Ipv6Addr::from_bits(self).into()
    }
    fn narrow(number: u128) -> Self {
        number
    }
    fn key(number: u32) -> Self {
        number.into()
    }
    fn number(self) -> u32 {
        u32::try_from(self).unwrap_or(MAJOR_TOP)
    }
}

/// The diagram of one family.
#[derive(Debug, Clone)]
pub struct Half<K> {
    pub diagram: Diagram<K>,
    pub order: Order,
}

impl<K: Address> Half<K> {
    pub fn new(order: Order, budget: usize) -> Self {
        let top = |field| match field {
            Field::Destination | Field::Source => K::MAX,
            Field::Major => K::key(MAJOR_TOP),
            Field::Minor => K::key(MINOR_TOP),
        };
        Self { diagram: Diagram::new(order.fields().map(top), budget), order }
    }

    pub fn level(&self, field: Field) -> u8 {
        self.order.level(field)
    }

    pub fn product(
        &mut self,
        sources: &IntervalSet<K>,
        destinations: &IntervalSet<K>,
        services: &ServiceSet,
    ) -> Result<NodeId, TooLarge> {
        let mut node = NodeId::ALL;
        for field in self.order.fields().into_iter().rev() {
            node = match field {
                Field::Destination => self.diagram.within(self.level(field), destinations, node)?,
                Field::Source => self.diagram.within(self.level(field), sources, node)?,
                Field::Major => self.services(services, node)?,
                Field::Minor => node,
            };
        }
        Ok(node)
    }

    /// The node of both service levels that leads to `inside` within a set of services.
    pub fn services(&mut self, services: &ServiceSet, inside: NodeId) -> Result<NodeId, TooLarge> {
        if services.is_any() {
            return Ok(inside);
        }
        let mut plain = Vec::new();
        let mut nodes = Vec::new();
        for rectangle in services.rectangles() {
            let Some(block) = keys::blocks(K::FAMILY, &rectangle) else { continue };
            let majors = block.majors.intervals().iter().copied().map(lift);
            if block.minors.first() == Some(0)
                && block.minors.contains(MINOR_TOP)
                && block.minors.intervals().len() == 1
            {
                plain.extend(majors);
                continue;
            }
            let minors = block.minors.intervals().iter().copied().map(lift).collect();
            let below = self.diagram.within(self.level(Field::Minor), &minors, inside)?;
            nodes.push(self.diagram.within(self.level(Field::Major), &majors.collect(), below)?);
        }
        nodes.push(self.diagram.within(self.level(Field::Major), &plain.into_iter().collect(), inside)?);
        let mut union = NodeId::NONE;
        for node in nodes {
            union = self.diagram.apply(Operation::Union, union, node)?;
        }
        Ok(union)
    }

    pub fn contains(&self, set: NodeId, source: K, destination: K, service: ServicePoint) -> bool {
        let Some((major, minor)) = keys::point(K::FAMILY, service) else { return false };
        let mut node = set;
        while !self.diagram.is_terminal(node) {
            node = match self.field(node) {
                Field::Destination => self.diagram.below(node, destination),
                Field::Source => self.diagram.below(node, source),
                Field::Major => self.diagram.below(node, K::key(major)),
                Field::Minor => self.diagram.below(node, K::key(minor)),
            };
        }
        node == NodeId::ALL
    }

    /// What a node that is no terminal decides on.
    pub fn field(&self, node: NodeId) -> Field {
        let level = usize::from(self.diagram.level(node));
        self.order.fields().get(level).copied().unwrap_or(Field::Minor)
    }

    /// The services of a node that has no other levels below it.
    pub fn read_services(&self, node: NodeId) -> ServiceSet {
        let mut result = ServiceSet::empty();
        for (majors, below) in self.diagram.groups_at(self.level(Field::Major), node) {
            let majors: IntervalSet<u32> = majors.intervals().iter().copied().map(lower).collect();
            if below == NodeId::ALL {
                result = result.union(&keys::services_of(K::FAMILY, &majors));
                continue;
            }
            for (minors, _) in self.diagram.groups(below) {
                let minors = minors.intervals().iter().copied().map(lower).collect();
                result = result.union(&keys::services_within(K::FAMILY, &majors, &minors));
            }
        }
        result
    }

    pub fn import(&mut self, from: &Self, node: NodeId) -> Result<NodeId, TooLarge> {
        let levels = from.order.fields().map(|field| self.level(field));
        self.diagram.import(&from.diagram, levels, node, &mut Known::default())
    }
}

fn lift<K: Address>(keys: Interval<u32>) -> Interval<K> {
    Interval { first: K::key(keys.first), last: K::key(keys.last) }
}

fn lower<K: Address>(keys: Interval<K>) -> Interval<u32> {
    Interval { first: keys.first.number(), last: keys.last.number() }
}
