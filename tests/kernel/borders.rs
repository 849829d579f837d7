//! Packets at the borders of what rule sets ask, and whether the kernel makes of a packet what a judge thinks.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sekisho::packet::{Flow, Protocol, ServicePoint};

use crate::emitted::is_forwardable;
use crate::judge::{Field, Packet, Range};
use crate::worlds;
use crate::worlds::random::Random;

/// A packet whose every field is at a border of something that is asked, or near it.
pub fn border(random: &mut Random, values: &BTreeMap<Field, Vec<Range>>) -> Packet {
    let is_six = random.chance(40);
    let bits = if is_six { 128 } else { 32 };
    let fields = if is_six {
        [[Field::Source6, Field::OriginalSource6], [Field::Destination6, Field::OriginalDestination6]]
    } else {
        [[Field::Source4, Field::OriginalSource4], [Field::Destination4, Field::OriginalDestination4]]
    };
    let [source, destination] = fields.map(|both| {
        let value = at_border(random, values, &both, bits);
        if is_six { IpAddr::V6(value.into()) } else { IpAddr::V4((value as u32).into()) }
    });
    let protocol = match random.below(10) {
        0..=3 => 6,
        4 | 5 => 17,
        6 | 7 => {
            if is_six {
                58
            } else {
                1
            }
        }
        8 => 132,
        _ => at_border(random, values, &[Field::Protocol, Field::OriginalProtocol], 8) as u8,
    };
    let (first, second) = match protocol {
        6 | 17 | 132 => (
            at_border(random, values, &[Field::First, Field::OriginalFirst], 16) as u16,
            at_border(random, values, &[Field::Second, Field::OriginalSecond], 16) as u16,
        ),
        1 | 58 => {
            let request = if is_six { 128 } else { 8 };
            if random.chance(50) {
                (request, 0)
            } else {
                (
                    at_border(random, values, &[Field::First], 8) as u16,
                    at_border(random, values, &[Field::Second], 8) as u16,
                )
            }
        }
        _ => (0, 0),
    };
    Packet { source, destination, protocol, first, second, about: (source, 0, 0, 0) }
}

fn at_border(random: &mut Random, values: &BTreeMap<Field, Vec<Range>>, fields: &[Field], bits: u32) -> u128 {
    let ranges: Vec<Range> = fields.iter().filter_map(|field| values.get(field)).flatten().copied().collect();
    let all = u128::MAX >> (128 - bits);
    let Some((low, high)) = ranges.get(random.below(ranges.len())) else {
        return random.below(1 << 30) as u128 & all;
    };
    let value = match random.below(8) {
        0 => low.wrapping_sub(1),
        1 => high.wrapping_add(1),
        2 | 3 => *high,
        4 => low + (high - low) / 2,
        _ => *low,
    };
    value & all
}

pub fn number(address: IpAddr) -> u128 {
    worlds::number(address)
}

pub fn flow_of(packet: &Packet) -> Flow {
    let service = ServicePoint { protocol: Protocol(packet.protocol), a: packet.first, b: packet.second };
    Flow { source: packet.source, destination: packet.destination, service }
}

pub fn packet_of(flow: &Flow) -> Packet {
    let service = flow.service;
    let about = (flow.source, 0, 0, 0);
    Packet {
        source: flow.source,
        destination: flow.destination,
        protocol: service.protocol.0,
        first: service.a,
        second: service.b,
        about,
    }
}

/// Whether Linux forwards it where nothing filters, and connection tracking makes of it what the judge thinks.
pub fn is_sendable(packet: &Packet) -> bool {
    let ports = |value: u16| {
        (packet.protocol == 6
            || packet.protocol == 17
            || packet.protocol == 132
            || packet.protocol == 1
            || packet.protocol == 58)
            .then_some(value)
    };
    let flow = worlds::Flow {
        source: packet.source,
        destination: packet.destination,
        protocol: packet.protocol,
        source_port: ports(packet.first),
        destination_port: ports(packet.second),
    };
    // What is tracked as something else, or carries another header in front of what it is.
    let is_odd = match packet.source.is_ipv6() {
        true => matches!(packet.protocol, 0 | 1 | 41 | 43 | 44 | 51 | 59 | 60 | 135 | 136 | 139 | 140),
        false => matches!(packet.protocol, 33 | 58 | 136),
    };
    let is_neighbour =
        packet.source.is_ipv6() && packet.protocol == 58 && matches!(packet.first, 130..=137 | 143 | 151 | 152);
    is_forwardable(&flow) && !is_odd && !is_neighbour && packet.source.is_ipv6() == packet.destination.is_ipv6()
}

/// Whether connection tracking takes it for the first packet of a connection, and not for one that makes no sense.
pub fn is_tracked(packet: &Packet) -> bool {
    match (packet.source.is_ipv6(), packet.protocol) {
        (false, 1) => matches!(packet.first, 8 | 13 | 15 | 17),
        (true, 58) => matches!(packet.first, 128 | 139),
        _ => true,
    }
}
