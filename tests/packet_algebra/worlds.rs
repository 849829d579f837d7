//! Small worlds: sets of flows whose borders are known, as expressions that say of one flow whether it is a member.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use proptest::prelude::*;
use sekisho::packet::{
    AddressRange, AddressSet, Flow, Interval, PortRange, Product, Protocol, ServicePoint, ServiceSet,
};

/// Where ranges begin and end.
const V4: [&str; 6] = ["0.0.0.0", "10.0.0.4", "10.0.0.5", "10.0.1.0", "192.0.2.7", "255.255.255.255"];
const V6: [&str; 5] = ["::", "2001:db8::4", "2001:db8::5", "2001:db8:1::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"];
const PORTS: [u16; 5] = [0, 53, 254, 1024, u16::MAX];
const PROTOCOLS: [u8; 8] = [0, 1, 2, 6, 17, 57, 58, 255];

/// A product of ranges.
#[derive(Debug, Clone)]
pub struct Piece {
    pub source: AddressRange,
    pub destination: AddressRange,
    /// Of the other family, where it has one.
    pub second: Option<(AddressRange, AddressRange)>,
    pub service: Service,
}

#[derive(Debug, Clone)]
pub enum Service {
    Any,
    Protocol(Protocol),
    Ranges(Protocol, PortRange, PortRange),
    AllBut(Protocol, PortRange),
}

fn inside(range: AddressRange, address: IpAddr) -> bool {
    range.first() <= address && address <= range.last() && range.first().is_ipv4() == address.is_ipv4()
}

impl Service {
    pub fn holds(&self, point: ServicePoint) -> bool {
        match self {
            Self::Any => true,
            Self::Protocol(protocol) => point.protocol == *protocol,
            Self::Ranges(protocol, a, b) => point.protocol == *protocol && a.contains(point.a) && b.contains(point.b),
            Self::AllBut(protocol, b) => point.protocol != *protocol || !b.contains(point.b),
        }
    }
}

impl Piece {
    pub fn sources(&self) -> AddressSet {
        std::iter::once(self.source).chain(self.second.map(|(source, _)| source)).collect()
    }

    pub fn destinations(&self) -> AddressSet {
        std::iter::once(self.destination).chain(self.second.map(|(_, destination)| destination)).collect()
    }

    pub fn services(&self) -> ServiceSet {
        match &self.service {
            Service::Any => ServiceSet::any(),
            Service::Protocol(protocol) => ServiceSet::protocol(*protocol),
            Service::Ranges(protocol, a, b) => ServiceSet::rectangle(*protocol, *a, *b),
            Service::AllBut(protocol, b) => ServiceSet::ports(*protocol, *b).complement(),
        }
    }

    pub fn holds(&self, flow: &Flow) -> bool {
        let pairs = std::iter::once((self.source, self.destination)).chain(self.second);
        self.service.holds(flow.service)
            && pairs.into_iter().any(|(from, to)| inside(from, flow.source) && inside(to, flow.destination))
    }
}

#[derive(Debug, Clone)]
pub enum Expression {
    Piece(Piece),
    Not(Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Without(Box<Expression>, Box<Expression>),
}

impl Expression {
    /// Whether a flow that exists is a member.
    pub fn holds(&self, flow: &Flow) -> bool {
        match self {
            Self::Piece(piece) => piece.holds(flow),
            Self::Not(inner) => !inner.holds(flow),
            Self::Or(a, b) => a.holds(flow) || b.holds(flow),
            Self::And(a, b) => a.holds(flow) && b.holds(flow),
            Self::Without(a, b) => a.holds(flow) && !b.holds(flow),
        }
    }
}

fn range_of(borders: &'static [&'static str]) -> impl Strategy<Value = AddressRange> {
    (0..borders.len(), 0..borders.len()).prop_map(move |(a, b)| {
        let address = |at: usize| borders[at].parse::<IpAddr>().unwrap();
        AddressRange::between(address(a.min(b)), address(a.max(b))).unwrap()
    })
}

fn any_service() -> impl Strategy<Value = Service> {
    let protocol = || prop::sample::select(PROTOCOLS.to_vec()).prop_map(Protocol);
    let range = || {
        let port = || prop::sample::select(PORTS.to_vec());
        (port(), port()).prop_map(|(a, b)| Interval::new(a, b))
    };
    prop_oneof![
        1 => Just(Service::Any),
        2 => protocol().prop_map(Service::Protocol),
        4 => (protocol(), range(), range()).prop_map(|(protocol, a, b)| Service::Ranges(protocol, a, b)),
        2 => (protocol(), range()).prop_map(|(protocol, b)| Service::Ranges(protocol, Interval::full(), b)),
        2 => (protocol(), range()).prop_map(|(protocol, b)| Service::AllBut(protocol, b)),
    ]
}

pub fn any_piece() -> impl Strategy<Value = Piece> {
    let v4 = || (range_of(&V4), range_of(&V4));
    let v6 = || (range_of(&V6), range_of(&V6));
    let ends = prop_oneof![
        3 => v4().prop_map(|ends| (ends, None)),
        2 => v6().prop_map(|ends| (ends, None)),
        2 => (v4(), v6()).prop_map(|(ends, second)| (ends, Some(second))),
    ];
    (ends, any_service()).prop_map(|(((source, destination), second), service)| Piece {
        source,
        destination,
        second,
        service,
    })
}

pub fn any_expression() -> impl Strategy<Value = Expression> {
    any_piece().prop_map(Expression::Piece).prop_recursive(4, 12, 2, |inner| {
        let pair = || (inner.clone().prop_map(Box::new), inner.clone().prop_map(Box::new));
        prop_oneof![
            1 => inner.clone().prop_map(|inner| Expression::Not(Box::new(inner))),
            4 => pair().prop_map(|(a, b)| Expression::Or(a, b)),
            2 => pair().prop_map(|(a, b)| Expression::And(a, b)),
            2 => pair().prop_map(|(a, b)| Expression::Without(a, b)),
        ]
    })
}

/// One address of each region that borders cut: each border, and the one after it.
fn addresses(borders: &[&str]) -> Vec<IpAddr> {
    let mut all = Vec::new();
    for border in borders {
        all.extend(match border.parse::<IpAddr>().unwrap() {
            IpAddr::V4(v4) => [0, 1].map(|step| IpAddr::from(Ipv4Addr::from_bits(v4.to_bits().saturating_add(step)))),
            IpAddr::V6(v6) => [0, 1].map(|step| IpAddr::from(Ipv6Addr::from_bits(v6.to_bits().saturating_add(step)))),
        });
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// One service of each region that the borders of ports cut.
fn services(v4: bool) -> Vec<ServicePoint> {
    let mut result = Vec::new();
    let known = PROTOCOLS.into_iter().chain([3]).map(Protocol);
    for protocol in known.filter(|protocol| *protocol != if v4 { Protocol::ICMP6 } else { Protocol::ICMP }) {
        let near = PORTS.iter().flat_map(|port| [*port, port.saturating_add(1)]);
        let mut values: Vec<u16> = near.filter(|value| *value <= protocol.largest()).collect();
        values.sort_unstable();
        values.dedup();
        for &a in &values {
            result.extend(values.iter().map(|&b| ServicePoint { protocol, a, b }));
        }
    }
    result
}

/// A flow of every class that sets of this world can tell apart: what holds for all of them holds for all flows.
pub fn points() -> &'static [Flow] {
    static POINTS: LazyLock<Vec<Flow>> = LazyLock::new(|| {
        let mut flows = Vec::new();
        for (borders, v4) in [(&V4[..], true), (&V6[..], false)] {
            let (addresses, services) = (addresses(borders), services(v4));
            for &source in &addresses {
                for &destination in &addresses {
                    flows.extend(services.iter().map(|&service| Flow { source, destination, service }));
                }
            }
        }
        flows
    });
    &POINTS
}

/// Products that are one step wider: on one side, by one border region.
pub fn wider(product: &Product) -> Vec<Product> {
    let v4 = !product.sources.v4.is_empty();
    let mut result = Vec::new();
    for address in addresses(if v4 { &V4 } else { &V6 }) {
        let one = AddressSet::from(AddressRange::single(address));
        result.push(Product { sources: product.sources.union(&one), ..product.clone() });
        result.push(Product { destinations: product.destinations.union(&one), ..product.clone() });
    }
    for point in services(v4) {
        let one = ServiceSet::rectangle(point.protocol, Interval::single(point.a), Interval::single(point.b));
        result.push(Product { services: product.services.union(&one), ..product.clone() });
    }
    result
}
