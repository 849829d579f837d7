//! One side of a set of flows, and how large it is.

use rustc_hash::FxHashMap;

use super::half::{Address, Field, Half};
use super::{FlowSet, FlowSpace, Order};
use crate::packet::address::AddressSet;
use crate::packet::count::Count;
use crate::packet::diagram::{Known, NodeId, TooLarge};
use crate::packet::service::ServiceSet;

impl FlowSpace {
    /// Where the flows of a set come from.
    ///
    /// # Errors
    /// [`TooLarge`] if the projection outgrows the budget; the space itself does not change.
    pub fn sources(&self, set: FlowSet) -> Result<AddressSet, TooLarge> {
        Ok(addresses(&self.v4, set.v4, Field::Source)?.union(&addresses(&self.v6, set.v6, Field::Source)?))
    }

    /// Where the flows of a set go.
    ///
    /// # Errors
    /// [`TooLarge`] if the projection outgrows the budget; the space itself does not change.
    pub fn destinations(&self, set: FlowSet) -> Result<AddressSet, TooLarge> {
        Ok(addresses(&self.v4, set.v4, Field::Destination)?.union(&addresses(&self.v6, set.v6, Field::Destination)?))
    }

    /// What services the flows of a set use, in either family. Where one family uses all that it has, its part is `any`, which as a set of services
    /// holds the other family's ICMP too.
    ///
    /// # Errors
    /// [`TooLarge`] if the projection outgrows the budget; the space itself does not change.
    pub fn services(&self, set: FlowSet) -> Result<ServiceSet, TooLarge> {
        Ok(services(&self.v4, set.v4)?.union(&services(&self.v6, set.v6)?))
    }

    /// How many pairs of a source and a destination have some service between them: the "addresses by addresses" of a set, IPv4 and
    /// IPv6 together.
    ///
    /// # Errors
    /// [`TooLarge`] if the projection outgrows the budget; the space itself does not change.
    pub fn size(&self, set: FlowSet) -> Result<Count, TooLarge> {
        Ok(pairs(&self.v4, set.v4)?.plus(pairs(&self.v6, set.v6)?))
    }
}

/// A copy of the part of a diagram that `node` needs, with only some of its fields left.
fn projection<K: Address>(half: &Half<K>, node: NodeId, fields: &[Field]) -> Result<(Half<K>, NodeId), TooLarge> {
    let mut copy = Half::new(half.order, half.diagram.budget());
    let node = copy.import(half, node)?;
    let kept = half.order.fields().map(|field| fields.contains(&field));
    let node = copy.diagram.project(node, kept, &mut Known::default())?;
    Ok((copy, node))
}

fn addresses<K: Address>(half: &Half<K>, node: NodeId, field: Field) -> Result<AddressSet, TooLarge> {
    if half.level(field) == 0 {
        let groups = half.diagram.groups_at(0, node);
        return Ok(K::wrap(groups.iter().flat_map(|(keys, _)| keys.intervals()).copied().collect()));
    }
    let (copy, node) = projection(half, node, &[field])?;
    let keys = copy.diagram.groups_at(copy.level(field), node).into_iter().next();
    Ok(keys.map_or_else(AddressSet::empty, |(keys, _)| K::wrap(keys)))
}

fn services<K: Address>(half: &Half<K>, node: NodeId) -> Result<ServiceSet, TooLarge> {
    let (copy, node) = projection(half, node, &[Field::Major, Field::Minor])?;
    Ok(copy.read_services(node))
}

fn pairs<K: Address>(half: &Half<K>, node: NodeId) -> Result<Count, TooLarge> {
    let fields = [Field::Destination, Field::Source];
    if half.order != Order::ServiceFirst {
        return Ok(half.diagram.count(node, &[0, 1], &mut FxHashMap::default()));
    }
    let (copy, node) = projection(half, node, &fields)?;
    let mut levels = fields.map(|field| copy.level(field));
    levels.sort_unstable();
    Ok(copy.diagram.count(node, &levels, &mut FxHashMap::default()))
}
