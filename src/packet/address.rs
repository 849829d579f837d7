//! Sets of IPv4 and IPv6 addresses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::count::Count;
use super::interval::{Interval, IntervalSet};

/// An address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both, IPv4 first.
    pub const BOTH: [Self; 2] = [Self::V4, Self::V6];

    /// The family of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

/// A closed range of addresses of one family; a single address is a range of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressRange {
    /// IPv4 addresses.
    V4(Interval<u32>),
    /// IPv6 addresses.
    V6(Interval<u128>),
}

impl AddressRange {
    /// The range of one address.
    #[must_use]
    pub fn single(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::V4(Interval::single(v4.to_bits())),
            IpAddr::V6(v6) => Self::V6(Interval::single(v6.to_bits())),
        }
    }

    /// The range between two addresses; `None` if they are of different families or `last` is below `first`.
    #[must_use]
    pub fn between(first: IpAddr, last: IpAddr) -> Option<Self> {
        match (first, last) {
            (IpAddr::V4(a), IpAddr::V4(b)) if a <= b => {
                Some(Self::V4(Interval { first: a.to_bits(), last: b.to_bits() }))
            }
            (IpAddr::V6(a), IpAddr::V6(b)) if a <= b => {
                Some(Self::V6(Interval { first: a.to_bits(), last: b.to_bits() }))
            }
            _ => None,
        }
    }

    /// The family.
    #[must_use]
    pub fn family(self) -> Family {
        match self {
            Self::V4(_) => Family::V4,
            Self::V6(_) => Family::V6,
        }
    }

    /// The first address.
    #[must_use]
    pub fn first(self) -> IpAddr {
        match self {
            Self::V4(range) => Ipv4Addr::from_bits(range.first).into(),
            Self::V6(range) => Ipv6Addr::from_bits(range.first).into(),
        }
    }

    /// The last address.
    #[must_use]
    pub fn last(self) -> IpAddr {
        match self {
            Self::V4(range) => Ipv4Addr::from_bits(range.last).into(),
            Self::V6(range) => Ipv6Addr::from_bits(range.last).into(),
        }
    }

    /// The fewest prefixes that together are this range, ascending.
    #[must_use]
    pub fn prefixes(self) -> Vec<IpNet> {
        match self {
            Self::V4(range) => {
                ipnet::Ipv4Subnets::new(Ipv4Addr::from_bits(range.first), Ipv4Addr::from_bits(range.last), 0)
                    .map(IpNet::from)
                    .collect()
            }
            Self::V6(range) => {
                ipnet::Ipv6Subnets::new(Ipv6Addr::from_bits(range.first), Ipv6Addr::from_bits(range.last), 0)
                    .map(IpNet::from)
                    .collect()
            }
        }
    }
}

impl From<IpNet> for AddressRange {
    fn from(net: IpNet) -> Self {
        match net {
            IpNet::V4(v4) => Self::V4(Interval { first: v4.network().to_bits(), last: v4.broadcast().to_bits() }),
            IpNet::V6(v6) => Self::V6(Interval { first: v6.network().to_bits(), last: v6.broadcast().to_bits() }),
        }
    }
}

impl fmt::Display for AddressRange {
    /// A single address, a prefix where it is exactly one, else `first-last`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.first(), self.last());
        if first == last {
            return write!(f, "{first}");
        }
        if let [prefix] = self.prefixes().as_slice() {
            return write!(f, "{prefix}");
        }
        write!(f, "{first}-{last}")
    }
}

/// A set of addresses of both families. Canonical: equal sets are equal values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct AddressSet {
    /// The IPv4 members.
    pub v4: IntervalSet<u32>,
    /// The IPv6 members.
    pub v6: IntervalSet<u128>,
}

impl FromIterator<AddressRange> for AddressSet {
    fn from_iter<I: IntoIterator<Item = AddressRange>>(iter: I) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for range in iter {
            match range {
                AddressRange::V4(range) => v4.push(range),
                AddressRange::V6(range) => v6.push(range),
            }
        }
        Self { v4: v4.into_iter().collect(), v6: v6.into_iter().collect() }
    }
}

impl From<AddressRange> for AddressSet {
    fn from(range: AddressRange) -> Self {
        let (mut v4, mut v6) = (None, None);
        match range {
            AddressRange::V4(range) => v4 = Some(range),
            AddressRange::V6(range) => v6 = Some(range),
        }
        Self { v4: v4.into_iter().collect(), v6: v6.into_iter().collect() }
    }
}

impl AddressSet {
    /// No address.
    #[must_use]
    pub fn empty() -> Self {
        Self { v4: IntervalSet::empty(), v6: IntervalSet::empty() }
    }

    /// Every address of both families.
    #[must_use]
    pub fn full() -> Self {
        Self { v4: IntervalSet::full(), v6: IntervalSet::full() }
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Whether there is no member of one family.
    #[must_use]
    pub fn is_empty_in(&self, family: Family) -> bool {
        match family {
            Family::V4 => self.v4.is_empty(),
            Family::V6 => self.v6.is_empty(),
        }
    }

    /// Whether an address is a member.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => self.v4.contains(v4.to_bits()),
            IpAddr::V6(v6) => self.v6.contains(v6.to_bits()),
        }
    }

    /// Members of either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self { v4: self.v4.union(&other.v4), v6: self.v6.union(&other.v6) }
    }

    /// Members of both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self { v4: self.v4.intersection(&other.v4), v6: self.v6.intersection(&other.v6) }
    }

    /// Members of `self` that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self { v4: self.v4.difference(&other.v4), v6: self.v6.difference(&other.v6) }
    }

    /// Every address of both families that is not a member.
    #[must_use]
    pub fn complement(&self) -> Self {
        Self { v4: self.v4.complement(), v6: self.v6.complement() }
    }

    /// How many members, of both families together.
    #[must_use]
    pub fn size(&self) -> Count {
        self.v4.size().plus(self.v6.size())
    }

    /// The smallest member, IPv4 before IPv6.
    #[must_use]
    pub fn first(&self) -> Option<IpAddr> {
        self.ranges().next().map(AddressRange::first)
    }

    /// Whether the two have a common member.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        self.v4.intersects(&other.v4) || self.v6.intersects(&other.v6)
    }

    /// Whether every member is a member of `other`.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || (self.v4.is_subset(&other.v4) && self.v6.is_subset(&other.v6))
    }

    /// The ranges of the canonical form, IPv4 first, ascending.
    pub fn ranges(&self) -> impl Iterator<Item = AddressRange> + '_ {
        let v4 = self.v4.intervals().iter().copied().map(AddressRange::V4);
        v4.chain(self.v6.intervals().iter().copied().map(AddressRange::V6))
    }

    /// The members of one family.
    #[must_use]
    pub fn only(&self, family: Family) -> Self {
        match family {
            Family::V4 => Self { v4: self.v4.clone(), v6: IntervalSet::empty() },
            Family::V6 => Self { v4: IntervalSet::empty(), v6: self.v6.clone() },
        }
    }

    /// The union of many sets: one sort instead of a chain of merges.
    pub fn union_all<'a>(sets: impl IntoIterator<Item = &'a Self>) -> Self {
        sets.into_iter().flat_map(Self::ranges).collect()
    }
}
