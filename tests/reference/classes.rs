//! Cuts addresses and packets at every border of every set, so that nothing changes between two borders.
//!
//! A cell is what lies between two borders; one address or packet of it stands for all. Cells are merged by whatever a caller
//! asks about them (see [`merge`]); the product of what is left is complete: every packet is equivalent to one of it.
//! Absent on purpose: any knowledge of which borders matter.

use super::sample;
use super::sets::{GLOBAL_V6, SPECIAL_V4, SPECIAL_V6};
use crate::worlds::{Endpoints, PREDEFINED, Primary, Service, Services, Span, World, address, number};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

pub use sample::Packet;

/// What is asked of a world beside what its policy says: the expressions of a question.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub endpoints: Vec<Endpoints>,
    pub services: Vec<Services>,
}

/// A product of ranges in protocol, source port (or ICMP type) and destination port (or ICMP code), all ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Block {
    pub protocols: (u8, u8),
    pub first: (u16, u16),
    pub second: (u16, u16),
}

const PORTS: (u16, u16) = (0, 65535);

/// What follows the protocol: ports, type and code, or nothing.
fn limit(protocol: u8) -> Option<u16> {
    match protocol {
        6 | 17 | 132 => Some(65535),
        1 | 58 => Some(255),
        _ => None,
    }
}

impl Block {
    /// Every packet.
    pub const ANY: Block = Block { protocols: (0, 255), first: PORTS, second: PORTS };

    /// Every packet of one protocol.
    pub fn protocol(number: u8) -> Block {
        Block { protocols: (number, number), ..Block::ANY }
    }

    /// Whether the packet is in it.
    pub fn holds(&self, packet: Packet) -> bool {
        let (protocol, first, second) = packet;
        let is_in = |(low, high): (u16, u16), value: Option<u16>| value.is_none_or(|one| low <= one && one <= high);
        let (low, high) = self.protocols;
        low <= protocol && protocol <= high && is_in(self.first, first) && is_in(self.second, second)
    }

    fn packet(&self) -> Packet {
        let protocol = self.protocols.0;
        match limit(protocol) {
            Some(_) => (protocol, Some(self.first.0), Some(self.second.0)),
            None => (protocol, None, None),
        }
    }
}

/// Every expression about addresses in the world.
pub fn endpoints_of(world: &World) -> Vec<&Endpoints> {
    let mut all: Vec<&Endpoints> = world.groups.iter().map(|group| &group.endpoints).collect();
    all.extend(world.rules.iter().flat_map(|rule| [&rule.from, &rule.to]));
    all.extend(world.quarantines.iter().map(|quarantine| &quarantine.of));
    all.extend(world.assertions.iter().flat_map(|assertion| [&assertion.from, &assertion.to]));
    all
}

/// Every expression about services in the world.
pub fn services_of(world: &World) -> Vec<&Services> {
    let mut all: Vec<&Services> = world.services.iter().map(|one| &one.services).collect();
    all.extend(world.rules.iter().map(|rule| &rule.on));
    all.extend(world.assertions.iter().filter_map(|assertion| assertion.on.as_ref()));
    all
}

fn literals(endpoints: &Endpoints) -> Vec<Span> {
    let primaries = endpoints.items.iter().chain(&endpoints.except).flatten();
    primaries.filter_map(|one| if let Primary::Address(literal) = one { Some(literal.span) } else { None }).collect()
}

/// The addresses that a world or a question names in any way, and those that the registries name.
pub fn spans(world: &World, asked: &Asked) -> Vec<Span> {
    let mut spans: Vec<Span> = world.networks().flat_map(|(_, network)| network.prefixes.clone()).collect();
    spans.extend(world.hosts().flat_map(|(_, host)| host.addresses.clone()));
    let interfaces = world.devices.iter().flat_map(|device| &device.interfaces);
    spans.extend(interfaces.flat_map(|one| &one.addresses).map(|one| Span { first: *one, last: *one }));
    spans.extend(world.feeds.iter().flat_map(|feed| feed.addresses.iter().map(|literal| literal.span)));
    spans.extend(endpoints_of(world).into_iter().chain(&asked.endpoints).flat_map(literals));
    spans.extend(SPECIAL_V4.iter().chain(&SPECIAL_V6).chain([&GLOBAL_V6]).map(|text| Span::parse(text)));
    spans
}

/// The whole address space of both families, cut where any of these begins or ends.
pub fn address_cells(spans: &[Span]) -> Vec<Span> {
    let mut starts: BTreeSet<IpAddr> = ["0.0.0.0", "::"].iter().map(|text| text.parse().unwrap()).collect();
    for span in spans {
        starts.insert(span.first);
        starts.extend(after(span.last));
    }
    let starts: Vec<IpAddr> = starts.into_iter().collect();
    let whole = |like: IpAddr| Span::parse(if like.is_ipv4() { "0.0.0.0/0" } else { "::/0" });
    let last = |index: usize| match starts.get(index + 1).filter(|next| next.is_ipv4() == starts[index].is_ipv4()) {
        Some(next) => address(number(*next) - 1, *next).unwrap(),
        None => whole(starts[index]).last,
    };
    starts.iter().enumerate().map(|(index, first)| Span { first: *first, last: last(index) }).collect()
}

fn after(last: IpAddr) -> Option<IpAddr> {
    number(last).checked_add(1).and_then(|value| address(value, last))
}

/// The products that a service expression is made of, what it excepts included: for cutting, not for membership.
pub fn blocks(services: &Services, world: &World) -> Vec<Block> {
    services.items.iter().chain(&services.except).flat_map(|service| blocks_of(service, world)).collect()
}

fn blocks_of(service: &Service, world: &World) -> Vec<Block> {
    let exactly = |number: Option<u8>| number.map_or(PORTS, |number| (u16::from(number), u16::from(number)));
    match service {
        Service::Any => vec![Block::ANY],
        Service::Name(name) => match world.services.iter().find(|definition| definition.name == *name) {
            Some(definition) => blocks(&definition.services, world),
            None => {
                let (_, protocol, port) = PREDEFINED.iter().find(|(known, ..)| known == name).unwrap();
                vec![Block { second: (*port, *port), ..Block::protocol(*protocol) }]
            }
        },
        Service::Ports(protocol, from, to) => {
            let (first, second) = (from.unwrap_or(PORTS), to.unwrap_or(PORTS));
            vec![Block { first, second, ..Block::protocol(*protocol) }]
        }
        Service::Icmp(protocol, kind, code) => {
            vec![Block { first: exactly(*kind), second: exactly(*code), ..Block::protocol(*protocol) }]
        }
        Service::Protocol(number) | Service::Number(number) => vec![Block::protocol(*number)],
    }
}

/// Every packet there is, cut where any of these begins or ends.
pub fn packet_cells(blocks: &[Block]) -> Vec<Block> {
    let mut cells = Vec::new();
    for protocol in 0..=255 {
        let here: Vec<&Block> =
            blocks.iter().filter(|one| one.protocols.0 <= protocol && protocol <= one.protocols.1).collect();
        let Some(limit) = limit(protocol) else {
            cells.push(Block::protocol(protocol));
            continue;
        };
        for first in ranges(here.iter().map(|one| one.first), limit) {
            for second in ranges(here.iter().map(|one| one.second), limit) {
                cells.push(Block { protocols: (protocol, protocol), first, second });
            }
        }
    }
    cells
}

/// `0..=limit`, cut where any of these begins or ends.
fn ranges(borders: impl Iterator<Item = (u16, u16)>, limit: u16) -> Vec<(u16, u16)> {
    let mut starts = BTreeSet::from([0]);
    for (low, high) in borders {
        starts.extend([Some(low), high.checked_add(1)].into_iter().flatten().filter(|start| *start <= limit));
    }
    let starts: Vec<u16> = starts.into_iter().collect();
    let last = |index: usize| starts.get(index + 1).map_or(limit, |next| next - 1);
    starts.iter().enumerate().map(|(index, first)| (*first, last(index))).collect()
}

/// One packet of a cell.
pub fn packet_of(cell: &Block) -> Packet {
    cell.packet()
}

/// Cells put together that have the same answer, in the order of the answers.
pub fn merge<T: Clone, K: Ord>(cells: &[T], answer: impl Fn(&T) -> K) -> Vec<(K, Vec<T>)> {
    let mut kinds: BTreeMap<K, Vec<T>> = BTreeMap::new();
    for cell in cells {
        kinds.entry(answer(cell)).or_default().push(cell.clone());
    }
    kinds.into_iter().collect()
}
