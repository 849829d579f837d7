//! Which flows to ask about: every border of every set, and random products of them.
//!
//! Membership can only change at a border, so the addresses, ports, types and codes at the borders (and one before and one
//! after) stand for all. Absent on purpose: anything that would make the sample smaller by knowing the answer.

use super::Reference;
use super::sets::{GLOBAL_V6, SPECIAL_V4, SPECIAL_V6};
use crate::worlds::random::Random;
use crate::worlds::{Endpoints, Flow, Primary, Service, Services, Span, World, address, number};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Protocol and what takes the places of the ports.
pub type Packet = (u8, Option<u16>, Option<u16>);

fn spans_of(endpoints: &Endpoints) -> Vec<Span> {
    let primaries = endpoints.items.iter().chain(&endpoints.except).flatten();
    primaries.filter_map(|one| if let Primary::Address(literal) = one { Some(literal.span) } else { None }).collect()
}

fn endpoints_of(world: &World) -> Vec<&Endpoints> {
    let mut all: Vec<&Endpoints> = world.groups.iter().map(|group| &group.endpoints).collect();
    all.extend(world.rules.iter().flat_map(|rule| [&rule.from, &rule.to]));
    all.extend(world.quarantines.iter().map(|quarantine| &quarantine.of));
    all.extend(world.assertions.iter().flat_map(|assertion| [&assertion.from, &assertion.to]));
    all
}

/// The addresses at the borders of every set of the world: the first, the last, the one before and the one after; the borders
/// of what is public if there is an internet, and some unknown and some public addresses.
pub fn addresses(world: &World) -> Vec<IpAddr> {
    let mut spans: Vec<Span> = world.networks().flat_map(|(_, network)| network.prefixes.clone()).collect();
    spans.extend(world.hosts().flat_map(|(_, host)| host.addresses.clone()));
    let interfaces = world.devices.iter().flat_map(|device| &device.interfaces);
    spans.extend(interfaces.flat_map(|one| &one.addresses).map(|one| Span { first: *one, last: *one }));
    spans.extend(world.feeds.iter().flat_map(|feed| feed.addresses.iter().map(|literal| literal.span)));
    spans.extend(endpoints_of(world).into_iter().flat_map(spans_of));
    let mut more = vec!["8.8.8.8", "172.20.99.99", "fd00:ffff::1", "2606:4700::1111"];
    if world.transits.iter().any(|transit| transit.internet) {
        more.extend(SPECIAL_V4.iter().chain(&SPECIAL_V6).chain([&GLOBAL_V6]));
    }
    spans.extend(more.into_iter().map(Span::parse));
    spans.iter().flat_map(borders).collect::<BTreeSet<IpAddr>>().into_iter().collect()
}

fn borders(span: &Span) -> Vec<IpAddr> {
    let before = number(span.first).checked_sub(1).and_then(|value| address(value, span.first));
    let after = number(span.last).checked_add(1).and_then(|value| address(value, span.last));
    [Some(span.first), Some(span.last), before, after].into_iter().flatten().collect()
}

fn ports_at(range: Option<(u16, u16)>) -> BTreeSet<u16> {
    let Some((low, high)) = range else { return BTreeSet::from([0, 49152, 65535]) };
    BTreeSet::from([low.saturating_sub(1), low, high, high.saturating_add(1)])
}

fn packets_of(service: &Service, world: &World) -> BTreeSet<Packet> {
    let product = |protocol: u8, from: BTreeSet<u16>, to: BTreeSet<u16>| -> BTreeSet<Packet> {
        from.iter().flat_map(|from| to.iter().map(move |to| (protocol, Some(*from), Some(*to)))).collect()
    };
    let around = |one: Option<u8>| {
        let one = one.unwrap_or(8);
        BTreeSet::from([one.saturating_sub(1), one, one.saturating_add(1)].map(u16::from))
    };
    match service {
        Service::Any => [(6, Some(49152), Some(443)), (17, Some(49152), Some(53)), (99, None, None)].into(),
        Service::Name(name) => match world.services.iter().find(|definition| definition.name == *name) {
            Some(definition) => packets(&definition.services, world),
            None => product(6, BTreeSet::from([49152]), BTreeSet::from([21, 22, 23, 442, 443, 444])),
        },
        Service::Ports(protocol, from, to) => product(*protocol, ports_at(*from), ports_at(*to)),
        Service::Icmp(protocol, kind, code) => product(*protocol, around(*kind), around(Some(code.unwrap_or(0)))),
        Service::Protocol(number) | Service::Number(number) => packets_of_protocol(*number),
    }
}

fn packets_of_protocol(number: u8) -> BTreeSet<Packet> {
    match number {
        6 | 17 | 132 => [(number, Some(49152), Some(443)), (number, Some(53), Some(53))].into(),
        1 | 58 => [(number, Some(8), Some(0)), (number, Some(128), Some(0)), (number, Some(3), Some(1))].into(),
        other => [(other, None, None)].into(),
    }
}

/// The packets at the borders of a service expression.
pub fn packets(services: &Services, world: &World) -> BTreeSet<Packet> {
    services.items.iter().chain(&services.except).flat_map(|service| packets_of(service, world)).collect()
}

/// The packets at the borders of every service of the world, and one of every protocol that has a name.
pub fn all_packets(world: &World) -> Vec<Packet> {
    let mut all: BTreeSet<Packet> = BTreeSet::new();
    for services in world.rules.iter().map(|rule| &rule.on).chain(world.services.iter().map(|one| &one.services)) {
        all.extend(packets(services, world));
    }
    for protocol in [0, 1, 2, 4, 6, 17, 47, 50, 51, 58, 89, 99, 132, 255] {
        all.extend(packets_of_protocol(protocol));
    }
    all.into_iter().collect()
}

/// A flow of these, if they go together: one family, and icmp with IPv4, icmp6 with IPv6.
pub fn flow(source: IpAddr, destination: IpAddr, packet: Packet) -> Option<Flow> {
    let (protocol, source_port, destination_port) = packet;
    let family = source.is_ipv4() == destination.is_ipv4();
    let fits = match protocol {
        1 => source.is_ipv4(),
        58 => source.is_ipv6(),
        _ => true,
    };
    (family && fits).then_some(Flow { source, destination, protocol, source_port, destination_port })
}

/// Every flow at the borders: large even for a small world.
pub fn product(world: &World) -> impl Iterator<Item = Flow> {
    let (addresses, packets) = (addresses(world), all_packets(world));
    let pairs: Vec<(IpAddr, IpAddr)> =
        addresses.iter().flat_map(|source| addresses.iter().map(move |destination| (*source, *destination))).collect();
    pairs.into_iter().flat_map(move |(source, destination)| {
        packets.clone().into_iter().filter_map(move |packet| flow(source, destination, packet))
    })
}

/// So many flows at the borders, by seed. Two of three are aimed at a rule, so that enough of them pass.
pub fn sample(reference: &Reference<'_>, seed: u64, count: usize) -> Vec<Flow> {
    let world = reference.world;
    let mut random = Random::new(seed);
    let (addresses, packets) = (addresses(world), all_packets(world));
    let aims: Vec<Aim> = aims(reference, &addresses);
    let mut flows = BTreeSet::new();
    for _ in 0..count * 3 {
        let aim = random.pick(&aims);
        let aimed = random.chance(66) && !aim.from.is_empty() && !aim.to.is_empty();
        let (from, to) = if aimed { (&aim.from, &aim.to) } else { (&addresses, &addresses) };
        let (from, to) = (*random.pick(from), *random.pick(to));
        let packet = if random.chance(75) { *random.pick(&aim.packets) } else { *random.pick(&packets) };
        flows.extend(flow(from, to, packet));
        if flows.len() >= count {
            break;
        }
    }
    flows.into_iter().collect()
}

/// The border addresses and packets of one rule.
pub struct Aim {
    pub from: Vec<IpAddr>,
    pub to: Vec<IpAddr>,
    pub packets: Vec<Packet>,
}

/// What to aim at: one for each rule, and at least one.
pub fn aims(reference: &Reference<'_>, addresses: &[IpAddr]) -> Vec<Aim> {
    let held = |endpoints: &Endpoints| -> Vec<IpAddr> {
        addresses.iter().copied().filter(|address| reference.sets.holds(endpoints, *address)).collect()
    };
    let aim = |rule: &crate::worlds::Rule| Aim {
        from: held(&rule.from),
        to: held(&rule.to),
        packets: packets(&rule.on, reference.world).into_iter().collect(),
    };
    let mut aims: Vec<Aim> = reference.world.rules.iter().map(aim).collect();
    if aims.is_empty() {
        aims.push(Aim { from: Vec::new(), to: Vec::new(), packets: all_packets(reference.world) });
    }
    aims
}
