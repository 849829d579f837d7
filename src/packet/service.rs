//! Sets of services: protocol with ports, or with ICMP type and code.
//!
//! A service is a point (protocol, a, b): for tcp, udp and sctp *a* is the source port and *b* the destination port; for icmp and
//! icmp6 *a* is the type and *b* the code; every other protocol has the single point a = b = 0. The canonical form of a set is a
//! list of slabs of consecutive protocols, ascending, neighbours merged where they hold the same; what a slab holds is either everything or a list of
//! disjoint bands of *a*, each with the set of *b* that goes with it.

use std::fmt;

use super::address::Family;
use super::count::Count;
use super::interval::{Interval, IntervalSet};

/// An IP protocol number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocol(pub u8);

impl Protocol {
    /// ICMP for IPv4.
    pub const ICMP: Self = Self(1);
    /// IGMP.
    pub const IGMP: Self = Self(2);
    /// IPv4 in IP.
    pub const IPIP: Self = Self(4);
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// GRE.
    pub const GRE: Self = Self(47);
    /// IPsec ESP.
    pub const ESP: Self = Self(50);
    /// IPsec AH.
    pub const AH: Self = Self(51);
    /// ICMP for IPv6.
    pub const ICMP6: Self = Self(58);
    /// OSPF.
    pub const OSPF: Self = Self(89);
    /// SCTP.
    pub const SCTP: Self = Self(132);

    const NAMED: [(Self, &'static str); 11] = [
        (Self::ICMP, "icmp"),
        (Self::IGMP, "igmp"),
        (Self::IPIP, "ipip"),
        (Self::TCP, "tcp"),
        (Self::UDP, "udp"),
        (Self::GRE, "gre"),
        (Self::ESP, "esp"),
        (Self::AH, "ah"),
        (Self::ICMP6, "icmp6"),
        (Self::OSPF, "ospf"),
        (Self::SCTP, "sctp"),
    ];

    /// The name in the language, if it has one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Self::NAMED.iter().find(|(protocol, _)| *protocol == self).map(|(_, name)| *name)
    }

    /// The protocol of a name of the language.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(_, known)| *known == name).map(|(protocol, _)| *protocol)
    }

    /// Whether a flow of it has ports.
    #[must_use]
    pub fn has_ports(self) -> bool {
        matches!(self, Self::TCP | Self::UDP | Self::SCTP)
    }

    /// Whether a flow of it has a type and a code.
    #[must_use]
    pub fn is_icmp(self) -> bool {
        matches!(self, Self::ICMP | Self::ICMP6)
    }

    /// Whether it can occur in packets of a family: icmp goes with IPv4, icmp6 with IPv6, all others with both.
    #[must_use]
    pub fn occurs_in(self, family: Family) -> bool {
        match family {
            Family::V4 => self != Self::ICMP6,
            Family::V6 => self != Self::ICMP,
        }
    }

    /// The largest value of *a* and *b*: 65535 for ports, 255 for ICMP, 0 for all else.
    #[must_use]
    pub fn largest(self) -> u16 {
        if self.has_ports() {
            u16::MAX
        } else if self.is_icmp() {
            255
        } else {
            0
        }
    }
}

impl fmt::Display for Protocol {
    /// The name, else `protocol/N`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "protocol/{}", self.0),
        }
    }
}

/// A closed range of ports (or of ICMP types or codes).
pub type PortRange = Interval<u16>;

/// One service: see the module for what *a* and *b* are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServicePoint {
    /// The protocol.
    pub protocol: Protocol,
    /// Source port or ICMP type, else 0.
    pub a: u16,
    /// Destination port or ICMP code, else 0.
    pub b: u16,
}

/// A product of ranges of one protocol.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rectangle {
    /// Consecutive protocols that it holds for; more than one only where it covers them wholly.
    pub protocols: Interval<u8>,
    /// Source ports or ICMP types.
    pub a: PortRange,
    /// Destination ports or ICMP codes; `None` together with a full `a` when all of each protocol is meant.
    pub b: IntervalSet<u16>,
    /// Whether it covers each of its protocols wholly.
    pub whole: bool,
}

/// Ranges of *a*, each with the values of *b* that go with it.
type Bands = Vec<(PortRange, IntervalSet<u16>)>;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Content {
    /// All of the protocol.
    Whole,
    /// Bands of *a*, ascending, disjoint, adjacent ones differ, none empty.
    Bands(Bands),
}

/// A set of services. Canonical: equal sets are equal values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ServiceSet {
    slabs: Vec<(Interval<u8>, Content)>,
}

impl ServiceSet {
    /// No service.
    #[must_use]
    pub const fn empty() -> Self {
        Self { slabs: Vec::new() }
    }

    /// Every service of every protocol.
    #[must_use]
    pub fn any() -> Self {
        Self { slabs: vec![(Interval::full(), Content::Whole)] }
    }

    /// All of one protocol.
    #[must_use]
    pub fn protocol(protocol: Protocol) -> Self {
        Self { slabs: vec![(Interval::single(protocol.0), Content::Whole)] }
    }

    /// The product of a source and a destination port range (or of ICMP types and codes) of one protocol. Values beyond
    /// what the protocol has are cut off; for a protocol without ports the ranges must hold 0.
    #[must_use]
    pub fn rectangle(protocol: Protocol, a: PortRange, b: PortRange) -> Self {
        let space = Interval { first: 0, last: protocol.largest() };
        let (Some(a), Some(b)) = (a.intersection(space), b.intersection(space)) else { return Self::empty() };
        Self::assemble(vec![(Interval::single(protocol.0), vec![(a, b.into())])])
    }

    /// Destination ports of a protocol, from any source port.
    #[must_use]
    pub fn ports(protocol: Protocol, destination: PortRange) -> Self {
        Self::rectangle(protocol, Interval::full(), destination)
    }

    /// A range of source ports (or ICMP types) with a set of destination ports (or codes). Values beyond what the protocol has are
    /// cut off, as in [`Self::rectangle`].
    #[must_use]
    pub fn band(protocol: Protocol, a: PortRange, b: &IntervalSet<u16>) -> Self {
        let space = Interval { first: 0, last: protocol.largest() };
        let Some(a) = a.intersection(space) else { return Self::empty() };
        Self::assemble(vec![(Interval::single(protocol.0), vec![(a, b.intersection(&space.into()))])])
    }

    /// All of consecutive protocols.
    #[must_use]
    pub fn protocols(protocols: Interval<u8>) -> Self {
        Self { slabs: vec![(protocols, Content::Whole)] }
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slabs.is_empty()
    }

    /// Whether every service is a member.
    #[must_use]
    pub fn is_any(&self) -> bool {
        matches!(self.slabs.as_slice(), [(protocols, Content::Whole)] if *protocols == Interval::full())
    }

    /// Whether a service is a member.
    #[must_use]
    pub fn contains(&self, point: ServicePoint) -> bool {
        let Some((_, content)) = self.slabs.iter().find(|(protocols, _)| protocols.contains(point.protocol.0)) else {
            return false;
        };
        match content {
            Content::Whole => true,
            Content::Bands(bands) => bands.iter().any(|(a, b)| a.contains(point.a) && b.contains(point.b)),
        }
    }

    /// Members of either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if self.is_empty() {
            return other.clone();
        }
        if other.is_empty() {
            return self.clone();
        }
        self.combine(other, IntervalSet::union)
    }

    /// Members of both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        if self.is_any() {
            return other.clone();
        }
        if other.is_any() {
            return self.clone();
        }
        self.combine(other, IntervalSet::intersection)
    }

    /// Members of `self` that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        if self.is_empty() || other.is_empty() {
            return self.clone();
        }
        self.combine(other, IntervalSet::difference)
    }

    /// Every service that is not a member.
    #[must_use]
    pub fn complement(&self) -> Self {
        Self::any().difference(self)
    }

    /// How many members: pairs of ports, of type and code, or one for all of a protocol that has neither.
    #[must_use]
    pub fn size(&self) -> Count {
        let values = |protocol: u8| Count::from(u128::from(Protocol(protocol).largest()) + 1);
        self.slabs.iter().fold(Count::ZERO, |sum, (protocols, content)| match content {
            Content::Whole => (protocols.first..=protocols.last)
                .fold(sum, |sum, protocol| sum.plus(values(protocol).times(values(protocol)))),
            Content::Bands(bands) => bands.iter().fold(sum, |sum, (a, b)| sum.plus(Count::of(*a).times(b.size()))),
        })
    }

    /// The smallest member.
    #[must_use]
    pub fn first(&self) -> Option<ServicePoint> {
        let (protocols, content) = self.slabs.first()?;
        let protocol = Protocol(protocols.first);
        match content {
            Content::Whole => Some(ServicePoint { protocol, a: 0, b: 0 }),
            Content::Bands(bands) => {
                let (a, b) = bands.first()?;
                Some(ServicePoint { protocol, a: a.first, b: b.first()? })
            }
        }
    }

    /// Whether the two have a common member.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        let meet = |one: &Content, other: &Content| match (one, other) {
            (Content::Bands(one), Content::Bands(other)) => {
                let pairs = one.iter().flat_map(|one| other.iter().map(move |other| (one, other)));
                pairs.into_iter().any(|((a, b), (c, d))| a.intersection(*c).is_some() && b.intersects(d))
            }
            _ => true,
        };
        self.slabs.iter().any(|(protocols, content)| {
            let near = other.slabs.iter().filter(|(others, _)| others.intersection(*protocols).is_some());
            near.into_iter().any(|(_, other)| meet(content, other))
        })
    }

    /// Whether every member is a member of `other`.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.slabs.iter().all(|slab| other.slabs.contains(slab)) || self.difference(other).is_empty()
    }

    /// The part that can occur in packets of a family: without icmp6 for IPv4, without icmp for IPv6; `any` stays `any`, because a
    /// packet of the other family's ICMP is no flow at all.
    #[must_use]
    pub fn only(&self, family: Family) -> Self {
        if self.is_any() {
            return self.clone();
        }
        let foreign = match family {
            Family::V4 => Protocol::ICMP6,
            Family::V6 => Protocol::ICMP,
        };
        self.difference(&Self::protocol(foreign))
    }

    /// Whether some service of a protocol is in the set.
    #[must_use]
    pub fn has_any_of(&self, protocol: Protocol) -> bool {
        let found = self.slabs.iter().find(|(protocols, _)| protocols.contains(protocol.0));
        found.is_some_and(|(_, content)| !matches!(content, Content::Bands(bands) if bands.is_empty()))
    }

    /// The set with source and destination ports exchanged: what answers have. `None` if it holds some ICMP types of a protocol and not all, because what answers a type
    /// is not its reflection.
    #[must_use]
    pub fn reflected(&self) -> Option<Self> {
        let mut result = Self::empty();
        for piece in self.rectangles() {
            let protocol = Protocol(piece.protocols.first);
            let part = match (piece.whole, protocol.has_ports()) {
                (true, _) => Self::protocols(piece.protocols),
                (false, true) => {
                    let bands = piece.b.intervals().iter().map(|ports| Self::rectangle(protocol, *ports, piece.a));
                    bands.fold(Self::empty(), |all, band| all.union(&band))
                }
                (false, false) => return None,
            };
            result = result.union(&part);
        }
        Some(result)
    }

    /// Disjoint rectangles whose union is this set, in canonical order. Bands with equal *b* that follow each other are one.
    #[must_use]
    pub fn rectangles(&self) -> Vec<Rectangle> {
        let mut result = Vec::new();
        for (protocols, content) in &self.slabs {
            match content {
                Content::Whole => result.push(Rectangle {
                    protocols: *protocols,
                    a: Interval { first: 0, last: Protocol(protocols.first).largest() },
                    b: Interval { first: 0, last: Protocol(protocols.first).largest() }.into(),
                    whole: true,
                }),
                Content::Bands(bands) => result.extend(bands.iter().map(|(a, b)| Rectangle {
                    protocols: *protocols,
                    a: *a,
                    b: b.clone(),
                    whole: false,
                })),
            }
        }
        result
    }

    /// Applies an operation point by point: cuts both sets at every border of either, combines the pieces.
    fn combine(&self, other: &Self, operation: fn(&IntervalSet<u16>, &IntervalSet<u16>) -> IntervalSet<u16>) -> Self {
        let mut pieces = Vec::new();
        for protocols in cut(self.slabs.iter().chain(&other.slabs).map(|(protocols, _)| *protocols)) {
            // Inside a piece, all protocols are held alike by both sets; a piece of several is whole or absent in each.
            let (left, right) = (self.at(protocols.first), other.at(protocols.first));
            let whole = |content: Option<&Content>| matches!(content, Some(Content::Whole));
            if (whole(left) || left.is_none()) && (whole(right) || right.is_none()) {
                let bit = |content| if whole(content) { IntervalSet::full() } else { IntervalSet::empty() };
                if !operation(&bit(left), &bit(right)).is_empty() {
                    pieces.push((protocols, vec![(Interval::full(), IntervalSet::full())]));
                }
                continue;
            }
            let space = Interval { first: 0, last: Protocol(protocols.first).largest() };
            let (left, right) = (bands_of(left, space), bands_of(right, space));
            let bands = cut(left.iter().chain(&right).map(|(a, _)| *a))
                .into_iter()
                .map(|a| (a, operation(&band_at(&left, a.first), &band_at(&right, a.first))))
                .collect();
            pieces.push((protocols, bands));
        }
        Self::assemble(pieces)
    }

    fn at(&self, protocol: u8) -> Option<&Content> {
        self.slabs.iter().find(|(protocols, _)| protocols.contains(protocol)).map(|(_, content)| content)
    }

    /// Brings ascending, disjoint pieces into canonical form.
    fn assemble(pieces: Vec<(Interval<u8>, Bands)>) -> Self {
        let mut slabs: Vec<(Interval<u8>, Content)> = Vec::with_capacity(pieces.len());
        for (protocols, bands) in pieces {
            let Some(content) = canonical(bands, Protocol(protocols.first).largest()) else { continue };
            match slabs.last_mut() {
                Some((last, Content::Whole))
                    if content == Content::Whole && last.last.checked_add(1) == Some(protocols.first) =>
                {
                    last.last = protocols.last;
                }
                _ => slabs.push((protocols, content)),
            }
        }
        Self { slabs }
    }
}

fn canonical(bands: Vec<(PortRange, IntervalSet<u16>)>, largest: u16) -> Option<Content> {
    let mut merged: Vec<(PortRange, IntervalSet<u16>)> = Vec::with_capacity(bands.len());
    for (a, b) in bands {
        if b.is_empty() {
            continue;
        }
        match merged.last_mut() {
            Some((last, same)) if *same == b && last.last.checked_add(1) == Some(a.first) => last.last = a.last,
            _ => merged.push((a, b)),
        }
    }
    match merged.as_slice() {
        [] => None,
        [(a, b)]
            if a.first == 0
                && a.last >= largest
                && b.intervals().first().is_some_and(|first| first.first == 0 && first.last >= largest) =>
        {
            Some(Content::Whole)
        }
        _ => Some(Content::Bands(merged)),
    }
}

fn bands_of(content: Option<&Content>, space: PortRange) -> Vec<(PortRange, IntervalSet<u16>)> {
    match content {
        None => Vec::new(),
        Some(Content::Whole) => vec![(space, space.into())],
        Some(Content::Bands(bands)) => bands.clone(),
    }
}

fn band_at(bands: &[(PortRange, IntervalSet<u16>)], a: u16) -> IntervalSet<u16> {
    bands.iter().find(|(range, _)| range.contains(a)).map_or_else(IntervalSet::empty, |(_, b)| b.clone())
}

/// Cuts the union of intervals at every border of any of them; ascending.
fn cut<T: super::interval::Value>(intervals: impl Iterator<Item = Interval<T>>) -> Vec<Interval<T>> {
    let all: Vec<Interval<T>> = intervals.collect();
    let mut starts: Vec<T> = all
        .iter()
        .map(|interval| interval.first)
        .chain(all.iter().filter_map(|interval| interval.last.next()))
        .collect();
    starts.sort_unstable();
    starts.dedup();
    let covered: IntervalSet<T> = all.into_iter().collect();
    let ends = starts.iter().skip(1).map(|start| start.previous()).chain(std::iter::once(Some(T::MAX)));
    starts
        .iter()
        .zip(ends)
        .filter(|(start, _)| covered.contains(**start))
        .filter_map(|(&first, last)| Some(Interval { first, last: last? }))
        .collect()
}

impl fmt::Display for ServicePoint {
    /// As in the language: `tcp/443` (with the source port where it is not 0), `icmp/8/0`, `gre`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol {
            protocol if protocol.has_ports() => write!(f, "{protocol}/{}:{}", self.a, self.b),
            protocol if protocol.is_icmp() => write!(f, "{protocol}/{}/{}", self.a, self.b),
            protocol => write!(f, "{protocol}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PROTOCOLS: [u8; 8] = [0, 1, 6, 17, 47, 58, 132, 255];
    const BORDERS: [u16; 8] = [0, 1, 80, 81, 254, 255, 1024, u16::MAX];

    fn any_set() -> impl Strategy<Value = ServiceSet> {
        let border = || prop::sample::select(BORDERS.to_vec());
        let piece = (prop::sample::select(PROTOCOLS.to_vec()), border(), border(), border(), border(), 0..6_u8);
        prop::collection::vec(piece, 0..5).prop_map(|pieces| {
            pieces.into_iter().fold(ServiceSet::empty(), |set, (protocol, a, b, c, d, kind)| match kind {
                0 => set.union(&ServiceSet::any()),
                1 => set.union(&ServiceSet::protocol(Protocol(protocol))),
                2 => set.difference(&ServiceSet::protocol(Protocol(protocol))),
                _ => set.union(&ServiceSet::rectangle(Protocol(protocol), Interval::new(a, b), Interval::new(c, d))),
            })
        })
    }

    /// A point on each side of every border that the sets above can have.
    fn points() -> Vec<ServicePoint> {
        let mut result = Vec::new();
        for protocol in PROTOCOLS.into_iter().chain([2, 100]).map(Protocol) {
            let near = BORDERS.iter().flat_map(|&value| [value.saturating_sub(1), value, value.saturating_add(1)]);
            let values: Vec<u16> = near.filter(|&value| value <= protocol.largest()).collect();
            for &a in &values {
                result.extend(values.iter().map(|&b| ServicePoint { protocol, a, b }));
            }
        }
        result
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn operations_agree_with_membership(x in any_set(), y in any_set()) {
            let (union, intersection, difference) = (x.union(&y), x.intersection(&y), x.difference(&y));
            for point in points() {
                let (a, b) = (x.contains(point), y.contains(point));
                prop_assert_eq!(union.contains(point), a || b, "{} in {:?} or {:?}", point, x, y);
                prop_assert_eq!(intersection.contains(point), a && b, "{} in {:?} and {:?}", point, x, y);
                prop_assert_eq!(difference.contains(point), a && !b, "{} in {:?} but {:?}", point, x, y);
            }
            prop_assert_eq!(x.is_subset(&y), difference.is_empty());
            prop_assert_eq!(x.intersects(&y), !intersection.is_empty());
        }

        /// Equal sets are equal values, by whichever way they came about.
        #[test]
        fn the_form_is_canonical(x in any_set(), y in any_set()) {
            prop_assert_eq!(x.union(&y), y.union(&x));
            prop_assert_eq!(x.intersection(&y), y.intersection(&x));
            prop_assert_eq!(x.difference(&y).union(&x.intersection(&y)), x.clone());
            let again = x.rectangles().into_iter().fold(ServiceSet::empty(), |set, piece| {
                if piece.whole {
                    return (piece.protocols.first..=piece.protocols.last).fold(set, |set, p| set.union(&ServiceSet::protocol(Protocol(p))));
                }
                let protocol = Protocol(piece.protocols.first);
                piece.b.intervals().iter().fold(set, |set, b| set.union(&ServiceSet::rectangle(protocol, piece.a, *b)))
            });
            prop_assert_eq!(again, x);
        }
    }
}
