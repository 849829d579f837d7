//! Sets of flows as lists of disjoint boxes: five ranges each, and subtraction that cuts a box into at most ten. Slow, plain, and blind to the
//! code that it judges.

use sekisho::packet::{AddressSet, Count, Family, Interval, PortRange, Product, Protocol, ServiceSet};

use super::worlds::{Expression, Piece, Service};

/// Source, destination, protocol, a, b: closed ranges.
type Ranges = [(u128, u128); 5];

#[derive(Debug, Clone, Copy)]
struct One {
    v4: bool,
    ranges: Ranges,
}

/// A set of flows.
#[derive(Debug, Clone)]
pub struct Boxes {
    boxes: Vec<One>,
}

fn largest(protocol: u128) -> u128 {
    match protocol {
        6 | 17 | 132 => 65_535,
        1 | 58 => 255,
        _ => 0,
    }
}

/// Values of a protocol as a range of 65,536: the largest one stands for all above it, so that whole protocols are alike.
fn stretch(protocol: u128, (first, last): (u128, u128)) -> Option<(u128, u128)> {
    let top = largest(protocol);
    (first <= top).then_some((first, if last >= top { TOP } else { last }))
}

const TOP: u128 = 65_535;
const ALL: (u128, u128) = (0, TOP);

/// The protocols of a family within a range of them: without the other one's ICMP.
fn existing(v4: bool, (first, last): (u128, u128)) -> Vec<(u128, u128)> {
    let other = if v4 { 58 } else { 1 };
    let parts = [(first, last.min(other - 1)), (first.max(other + 1), last)];
    parts.into_iter().filter(|(first, last)| first <= last).collect()
}

impl One {
    fn meet(&self, other: &Self) -> Option<Self> {
        let mut ranges = self.ranges;
        for (range, other) in ranges.iter_mut().zip(other.ranges) {
            *range = (range.0.max(other.0), range.1.min(other.1));
            if range.0 > range.1 {
                return None;
            }
        }
        (self.v4 == other.v4).then_some(Self { v4: self.v4, ranges })
    }

    fn without(&self, other: &Self) -> Vec<Self> {
        let Some(common) = self.meet(other) else { return vec![*self] };
        let mut rest = Vec::new();
        let mut current = *self;
        for side in 0..5 {
            let ((first, last), (from, to)) = (current.ranges[side], common.ranges[side]);
            let mut cut = |range| {
                let mut piece = current;
                piece.ranges[side] = range;
                rest.push(piece);
            };
            if first < from {
                cut((first, from - 1));
            }
            if to < last {
                cut((to + 1, last));
            }
            current.ranges[side] = (from, to);
        }
        rest
    }
}

impl Boxes {
    pub fn empty() -> Self {
        Self { boxes: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.boxes.is_empty()
    }

    pub fn difference(&self, other: &Self) -> Self {
        let mut boxes = self.boxes.clone();
        for cut in &other.boxes {
            boxes = boxes.iter().flat_map(|one| one.without(cut)).collect();
        }
        Self { boxes }
    }

    pub fn union(&self, other: &Self) -> Self {
        let mut boxes = other.difference(self).boxes;
        boxes.extend(&self.boxes);
        Self { boxes }
    }

    pub fn intersection(&self, other: &Self) -> Self {
        let boxes = self.boxes.iter().flat_map(|one| other.boxes.iter().filter_map(|other| one.meet(other)));
        Self { boxes: boxes.collect() }
    }

    pub fn equals(&self, other: &Self) -> bool {
        self.difference(other).is_empty() && other.difference(self).is_empty()
    }

    /// How many pairs of addresses.
    pub fn pairs(&self) -> Count {
        let mut flat = Self::empty();
        for one in &self.boxes {
            let mut one = *one;
            one.ranges[2..].fill((0, 0));
            flat = flat.union(&Self { boxes: vec![one] });
        }
        let width = |(first, last): (u128, u128)| Count::of(Interval { first, last });
        let area = |one: &One| width(one.ranges[0]).times(width(one.ranges[1]));
        flat.boxes.iter().fold(Count::ZERO, |sum, one| sum.plus(area(one)))
    }

    fn full() -> Self {
        Self::cross(&AddressSet::full(), &AddressSet::full(), &[whole((0, 255))])
    }

    pub fn of(expression: &Expression) -> Self {
        match expression {
            Expression::Piece(piece) => Self::of_piece(piece),
            Expression::Not(inner) => Self::full().difference(&Self::of(inner)),
            Expression::Or(a, b) => Self::of(a).union(&Self::of(b)),
            Expression::And(a, b) => Self::of(a).intersection(&Self::of(b)),
            Expression::Without(a, b) => Self::of(a).difference(&Self::of(b)),
        }
    }

    pub fn of_piece(piece: &Piece) -> Self {
        let wide = |range: &PortRange| (u128::from(range.first), u128::from(range.last));
        let services: Vec<[(u128, u128); 3]> = match &piece.service {
            Service::Any => vec![whole((0, 255))],
            Service::Protocol(Protocol(p)) => vec![whole(one(*p))],
            Service::Ranges(Protocol(p), a, b) => {
                let (a, b) = (stretch((*p).into(), wide(a)), stretch((*p).into(), wide(b)));
                a.zip(b).map(|(a, b)| [one(*p), a, b]).into_iter().collect()
            }
            Service::AllBut(Protocol(p), b) => {
                let number = u128::from(*p);
                let mut all = vec![[one(*p), ALL, ALL]];
                if let Some((first, last)) = stretch(number, wide(b)) {
                    let around = [(0, first.wrapping_sub(1)), (last + 1, TOP)];
                    let real = around.into_iter().filter(|(from, to)| from <= to && *to <= TOP);
                    all = real.map(|rest| [one(*p), ALL, rest]).collect();
                }
                let others = [(0, number.wrapping_sub(1)), (number + 1, 255)];
                all.extend(others.into_iter().filter(|(from, to)| from <= to && *to <= 255).map(whole));
                all
            }
        };
        Self::cross(&piece.sources(), &piece.destinations(), &services)
    }

    pub fn of_product(product: &Product) -> Self {
        Self::cross(&product.sources, &product.destinations, &ranges_of(&product.services))
    }

    fn cross(sources: &AddressSet, destinations: &AddressSet, services: &[[(u128, u128); 3]]) -> Self {
        let mut boxes = Vec::new();
        for v4 in [true, false] {
            let family = if v4 { Family::V4 } else { Family::V6 };
            for source in ranges_in(sources, family) {
                for destination in ranges_in(destinations, family) {
                    for [protocols, a, b] in services {
                        let parts = existing(v4, *protocols).into_iter();
                        boxes.extend(parts.map(|part| One { v4, ranges: [source, destination, part, *a, *b] }));
                    }
                }
            }
        }
        Self { boxes }
    }
}

fn one(protocol: u8) -> (u128, u128) {
    (protocol.into(), protocol.into())
}

fn whole(protocols: (u128, u128)) -> [(u128, u128); 3] {
    [protocols, ALL, ALL]
}

fn ranges_in(set: &AddressSet, family: Family) -> Vec<(u128, u128)> {
    match family {
        Family::V4 => set.v4.intervals().iter().map(|one| (one.first.into(), one.last.into())).collect(),
        Family::V6 => set.v6.intervals().iter().map(|one| (one.first, one.last)).collect(),
    }
}

fn ranges_of(services: &ServiceSet) -> Vec<[(u128, u128); 3]> {
    let mut all = Vec::new();
    for piece in services.rectangles() {
        let wide = |range: &PortRange| (u128::from(range.first), u128::from(range.last));
        if piece.whole {
            all.push(whole((piece.protocols.first.into(), piece.protocols.last.into())));
            continue;
        }
        let protocol = piece.protocols.first;
        let values = |range: &PortRange| stretch(protocol.into(), wide(range)).unwrap();
        all.extend(piece.b.intervals().iter().map(|b| [one(protocol), values(&piece.a), values(b)]));
    }
    all
}
