//! What people call an address.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::OnceLock;

use super::types::{HostId, Location, Model, RuleId};
use crate::packet::{AddressRange, AddressSet};

/// Which host an address is called by: ascending, disjoint ranges, made when somebody first asks.
#[derive(Debug, Clone, Default)]
pub struct Naming {
    ranges: OnceLock<Vec<(AddressRange, HostId)>>,
}

impl Naming {
    /// Cuts the addresses of all hosts at every border of any; where several hold a piece, the smallest names it, then the first in name order.
    fn build(model: &Model) -> Vec<(AddressRange, HostId)> {
        let mut all: Vec<(AddressRange, u128, HostId)> = Vec::with_capacity(model.hosts.len());
        for (at, host) in model.hosts.iter().enumerate() {
            let size = size(&host.addresses);
            all.extend(host.addresses.ranges().map(|range| (range, size, HostId::from_index(at))));
        }
        all.sort_unstable();
        flatten(&all)
    }

    /// The host of a model that names an address.
    fn host(&self, model: &Model, address: IpAddr) -> Option<HostId> {
        let ranges = self.ranges.get_or_init(|| Self::build(model));
        let at = ranges.partition_point(|(range, _)| range.last() < address);
        ranges.get(at).filter(|(range, _)| range.first() <= address).map(|&(_, host)| host)
    }

    /// The named pieces that meet a range, ascending.
    fn touching<'n>(&'n self, model: &Model, range: AddressRange) -> impl Iterator<Item = (AddressRange, HostId)> + 'n {
        let ranges = self.ranges.get_or_init(|| Self::build(model));
        let at = ranges.partition_point(|(named, _)| named.last() < range.first());
        ranges.iter().skip(at).take_while(move |(named, _)| named.first() <= range.last()).copied()
    }
}

fn size(set: &AddressSet) -> u128 {
    let v4 = set.v4.intervals().iter().map(|range| u128::from(range.last - range.first));
    let v6 = set.v6.intervals().iter().map(|range| range.last - range.first);
    v4.chain(v6).fold(0, |sum, length| sum.saturating_add(length).saturating_add(1))
}

/// Sweeps over the borders; `open` holds the hosts of the current piece, the one that names it first.
fn flatten(all: &[(AddressRange, u128, HostId)]) -> Vec<(AddressRange, HostId)> {
    let disjoint = all.windows(2).all(|pair| match pair {
        [(a, ..), (b, ..)] => a.last() < b.first(),
        _ => true,
    });
    if disjoint {
        return all.iter().map(|&(range, _, host)| (range, host)).collect();
    }
    let mut borders: Vec<IpAddr> =
        all.iter().flat_map(|(range, ..)| [Some(range.first()), after(range.last())]).flatten().collect();
    borders.sort_unstable();
    borders.dedup();
    let mut open: BTreeSet<(u128, HostId, IpAddr)> = BTreeSet::new();
    let mut ends: BTreeSet<(IpAddr, u128, HostId)> = BTreeSet::new();
    let mut pieces = Vec::with_capacity(borders.len());
    let mut next = all.iter().peekable();
    for (at, &start) in borders.iter().enumerate() {
        while let Some(&(end, size, host)) = ends.first().filter(|(end, ..)| *end < start) {
            ends.remove(&(end, size, host));
            open.remove(&(size, host, end));
        }
        while let Some(&(range, size, host)) =
            next.next_if(|(range, ..)| range.first().cmp(&start) != Ordering::Greater)
        {
            open.insert((size, host, range.last()));
            ends.insert((range.last(), size, host));
        }
        if let Some(&(_, host, last)) = open.first() {
            let end = borders.get(at + 1).and_then(|&border| before(border)).map_or(last, |border| border.min(last));
            pieces.extend(AddressRange::between(start, end).map(|range| (range, host)));
        }
    }
    pieces
}

fn after(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => v4.to_bits().checked_add(1).map(|bits| std::net::Ipv4Addr::from_bits(bits).into()),
        IpAddr::V6(v6) => v6.to_bits().checked_add(1).map(|bits| std::net::Ipv6Addr::from_bits(bits).into()),
    }
}

/// The address before; `None` for the first of a family.
fn before(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => v4.to_bits().checked_sub(1).map(|bits| std::net::Ipv4Addr::from_bits(bits).into()),
        IpAddr::V6(v6) => v6.to_bits().checked_sub(1).map(|bits| std::net::Ipv6Addr::from_bits(bits).into()),
    }
}

impl Model {
    /// The hosts that name addresses of a range, in the order of their addresses; a host may come more than once.
    pub fn hosts_in(&self, range: AddressRange) -> impl Iterator<Item = HostId> + '_ {
        self.naming.touching(self, range).map(|(_, host)| host)
    }

    /// The first address of a range that a host names.
    #[must_use]
    pub fn first_named_in(&self, range: AddressRange) -> Option<IpAddr> {
        self.naming.touching(self, range).next().map(|(named, _)| named.first().max(range.first()))
    }

    /// What people call an address: the host that holds it (the smallest, then the first in name order), else its network, else the internet's transit; `None` if it is
    /// unknown.
    #[must_use]
    pub fn name_of(&self, address: IpAddr) -> Option<&str> {
        if let Some(host) = self.naming.host(self, address).and_then(|id| self.hosts.get(id.index())) {
            return Some(&host.full_name);
        }
        match self.located.of(address)? {
            Location::Network(id) => self.networks.get(id.index()).map(|network| network.full_name.as_str()),
            Location::Internet => self.internet_name(),
        }
    }

    /// The name of the transit that is the internet, the first in name order if there are several.
    #[must_use]
    pub fn internet_name(&self) -> Option<&str> {
        self.transits.iter().find(|transit| transit.internet).map(|transit| transit.name.value.as_str())
    }

    /// The rule of a name.
    #[must_use]
    pub fn rule_by_name(&self, name: &str) -> Option<RuleId> {
        self.rules.binary_search_by(|rule| rule.name.value.as_str().cmp(name)).ok().map(RuleId::from_index)
    }

    /// The place of an assertion of a name in [`Model::assertions`].
    #[must_use]
    pub fn assertion_by_name(&self, name: &str) -> Option<usize> {
        self.assertions.binary_search_by(|assertion| assertion.name.value.as_str().cmp(name)).ok()
    }
}
