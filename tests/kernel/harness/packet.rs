//! Packets as bytes: what a probe looks like on the wire.
//!
//! Input is a description ([`Packet`]), output an IPv4 or IPv6 packet with right checksums. Two header fields carry the harness's own
//! marks, because no rule set that is tested looks at them: the DSCP names the interface to leave by, the IPv4 identification
//! or the IPv6 flow label names the conversation (see `namespace.rs`). Absent on purpose: fragments, IP options, extension headers.

use std::net::IpAddr;

use sekisho::packet::{Flow, Protocol};

/// A packet, without the harness's marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Where it comes from.
    pub source: IpAddr,
    /// Where it goes; of the same family.
    pub destination: IpAddr,
    /// What it carries.
    pub body: Body,
}

/// What an IP packet carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// A TCP segment without data.
    Tcp { source: u16, destination: u16, flags: u8, sequence: u32, acknowledgement: u32 },
    /// A UDP datagram with four bytes of data.
    Udp { source: u16, destination: u16 },
    /// An SCTP packet with one INIT chunk, or one INIT ACK if `answer`.
    Sctp { source: u16, destination: u16, answer: bool },
    /// ICMP or ICMPv6, by the family of the addresses; `rest` follows type, code and checksum.
    Icmp { kind: u8, code: u8, rest: Vec<u8> },
    /// Any other protocol, with its bytes.
    Other { protocol: u8, bytes: Vec<u8> },
}

/// The TCP flag SYN.
pub const SYN: u8 = 0x02;
/// The TCP flag ACK.
pub const ACK: u8 = 0x10;

const TCP: u8 = Protocol::TCP.0;
const UDP: u8 = Protocol::UDP.0;
const SCTP: u8 = Protocol::SCTP.0;
const ICMP: u8 = Protocol::ICMP.0;
const ICMP6: u8 = Protocol::ICMP6.0;

impl Packet {
    /// The first packet of a connection.
    pub fn first(flow: &Flow) -> Self {
        let (a, b) = (flow.service.a, flow.service.b);
        let protocol = flow.service.protocol.0;
        let body = match protocol {
            TCP => Body::Tcp { source: a, destination: b, flags: SYN, sequence: 1000, acknowledgement: 0 },
            UDP => Body::Udp { source: a, destination: b },
            SCTP => Body::Sctp { source: a, destination: b, answer: false },
            ICMP | ICMP6 => {
                Body::Icmp { kind: a as u8, code: b as u8, rest: icmp_rest(a as u8, flow.source.is_ipv6()) }
            }
            _ => Body::Other { protocol, bytes: other_bytes(protocol) },
        };
        Self { source: flow.source, destination: flow.destination, body }
    }

    /// The packet that answers this one: addresses and ports swapped; SYN becomes SYN ACK, an echo request an echo reply.
    pub fn answer(&self) -> Self {
        let body = match &self.body {
            Body::Tcp { source, destination, flags, sequence, .. } => Body::Tcp {
                source: *destination,
                destination: *source,
                flags: flags | ACK,
                sequence: 5000,
                acknowledgement: sequence + 1,
            },
            Body::Udp { source, destination } => Body::Udp { source: *destination, destination: *source },
            Body::Sctp { source, destination, .. } => {
                Body::Sctp { source: *destination, destination: *source, answer: true }
            }
            Body::Icmp { kind, code, rest } => {
                Body::Icmp { kind: icmp_answer(*kind, self.source.is_ipv6()), code: *code, rest: rest.clone() }
            }
            Body::Other { .. } => self.body.clone(),
        };
        Self { source: self.destination, destination: self.source, body }
    }

    /// The third packet of a TCP connection that this SYN opened; for other protocols the same packet again.
    pub fn third(&self) -> Self {
        let mut next = self.clone();
        if let Body::Tcp { flags, sequence, acknowledgement, .. } = &mut next.body {
            (*flags, *sequence, *acknowledgement) = (ACK, *sequence + 1, 5001);
        }
        next
    }

    /// An ICMP error (destination unreachable, by an administrator) about this packet, from `reporter` to its source.
    pub fn error_from(&self, reporter: IpAddr) -> Self {
        let code = if self.source.is_ipv6() { 1 } else { 13 };
        let mut rest = vec![0; 4];
        rest.extend(self.to_bytes(Marks::default()));
        let kind = if self.source.is_ipv6() { 1 } else { 3 };
        Self { source: reporter, destination: self.source, body: Body::Icmp { kind, code, rest } }
    }

    /// The number of the protocol.
    pub fn protocol(&self) -> u8 {
        match &self.body {
            Body::Tcp { .. } => TCP,
            Body::Udp { .. } => UDP,
            Body::Sctp { .. } => SCTP,
            Body::Icmp { .. } if self.source.is_ipv6() => ICMP6,
            Body::Icmp { .. } => ICMP,
            Body::Other { protocol, .. } => *protocol,
        }
    }

    /// The packet on the wire.
    ///
    /// # Panics
    /// If the addresses are of two families.
    pub fn to_bytes(&self, marks: Marks) -> Vec<u8> {
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let payload = self.payload(&[&source.octets()[..], &destination.octets()].concat());
                let mut bytes = vec![0x45, marks.exit << 2];
                bytes.extend((20 + payload.len() as u16).to_be_bytes());
                bytes.extend(marks.conversation.to_be_bytes());
                bytes.extend([0, 0, 64, self.protocol(), 0, 0]);
                bytes.extend(source.octets());
                bytes.extend(destination.octets());
                let sum = checksum(&[&bytes]);
                bytes[10..12].copy_from_slice(&sum.to_be_bytes());
                bytes.extend(payload);
                bytes
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let payload = self.payload(&[&source.octets()[..], &destination.octets()].concat());
                let class = u32::from(marks.exit) << 2;
                let mut bytes = (6 << 28 | class << 20 | u32::from(marks.conversation)).to_be_bytes().to_vec();
                bytes.extend((payload.len() as u16).to_be_bytes());
                bytes.extend([self.protocol(), 255]);
                bytes.extend(source.octets());
                bytes.extend(destination.octets());
                bytes.extend(payload);
                bytes
            }
            _ => panic!("a packet has addresses of one family: {} and {}", self.source, self.destination),
        }
    }

    fn payload(&self, addresses: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        match &self.body {
            Body::Tcp { source, destination, flags, sequence, acknowledgement } => {
                bytes.extend(source.to_be_bytes());
                bytes.extend(destination.to_be_bytes());
                bytes.extend(sequence.to_be_bytes());
                bytes.extend(acknowledgement.to_be_bytes());
                bytes.extend([0x50, *flags, 0xff, 0xff, 0, 0, 0, 0]);
                self.put_checksum(&mut bytes, 16, Some(addresses));
            }
            Body::Udp { source, destination } => {
                bytes.extend(source.to_be_bytes());
                bytes.extend(destination.to_be_bytes());
                bytes.extend([0, 12, 0, 0]);
                bytes.extend(*b"seki");
                self.put_checksum(&mut bytes, 6, Some(addresses));
                if bytes[6..8] == [0, 0] {
                    bytes[6..8].copy_from_slice(&[0xff, 0xff]);
                }
            }
            Body::Sctp { source, destination, answer } => bytes = sctp(*source, *destination, *answer),
            Body::Icmp { kind, code, rest } => {
                bytes.extend([*kind, *code, 0, 0]);
                bytes.extend(rest);
                self.put_checksum(&mut bytes, 2, self.source.is_ipv6().then_some(addresses));
            }
            Body::Other { bytes: other, .. } => bytes.extend(other),
        }
        bytes
    }

    /// Puts the internet checksum at `offset`, over a pseudo header if there are addresses.
    fn put_checksum(&self, bytes: &mut [u8], offset: usize, addresses: Option<&[u8]>) {
        let length = (bytes.len() as u32).to_be_bytes();
        let pseudo = addresses.map(|addresses| [addresses, &length, &[0, 0, 0, self.protocol()]].concat());
        let sum = checksum(&[&pseudo.unwrap_or_default(), bytes]);
        bytes[offset..offset + 2].copy_from_slice(&sum.to_be_bytes());
    }
}

/// What the harness writes into the header of a packet for itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks {
    /// The interface by which it is to leave: 1 for the first; in the DSCP field.
    pub exit: u8,
    /// The conversation, never 0; in the IPv4 identification or the lower bits of the IPv6 flow label.
    pub conversation: u16,
}

/// What identifies a packet that came out: its conversation, addresses and protocol. `None` for what is no IP packet.
pub fn identity(bytes: &[u8]) -> Option<(u16, IpAddr, IpAddr, u8)> {
    match bytes.first()? >> 4 {
        4 => {
            let address = |at: usize| Some(IpAddr::from(<[u8; 4]>::try_from(bytes.get(at..at + 4)?).ok()?));
            Some((u16::from_be_bytes([bytes[4], bytes[5]]), address(12)?, address(16)?, bytes[9]))
        }
        6 => {
            let address = |at: usize| Some(IpAddr::from(<[u8; 16]>::try_from(bytes.get(at..at + 16)?).ok()?));
            Some((u16::from_be_bytes([bytes[2], bytes[3]]), address(8)?, address(24)?, bytes[6]))
        }
        _ => None,
    }
}

/// What a well-formed ICMP message of this type carries after its checksum.
fn icmp_rest(kind: u8, six: bool) -> Vec<u8> {
    match (six, kind) {
        // An error without a quoted packet would be malformed; it quotes one that belongs to no connection.
        (false, 3 | 4 | 5 | 11 | 12) => {
            let lost = Packet {
                source: IpAddr::from([203, 0, 113, 1]),
                destination: IpAddr::from([203, 0, 113, 2]),
                body: Body::Udp { source: 9, destination: 9 },
            };
            [vec![0; 4], lost.to_bytes(Marks::default())].concat()
        }
        (true, 1..=4) => {
            let address = |last| IpAddr::from([0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, last]);
            let lost =
                Packet { source: address(1), destination: address(2), body: Body::Udp { source: 9, destination: 9 } };
            [vec![0; 4], lost.to_bytes(Marks::default())].concat()
        }
        _ => [vec![0x12, 0x34, 0, 1], vec![0; 16]].concat(),
    }
}

/// The type of the answer to a request; the type itself where nothing answers it.
fn icmp_answer(kind: u8, six: bool) -> u8 {
    match (six, kind) {
        (false, 8) => 0,
        (false, 13 | 15 | 17) | (true, 128) => kind + 1,
        _ => kind,
    }
}

/// The smallest sensible packet of a protocol without ports.
fn other_bytes(protocol: u8) -> Vec<u8> {
    match protocol {
        // Version 0, no options, carries IPv4: an empty header of it would do, twenty zeros do as well.
        47 => [vec![0, 0, 0x08, 0], vec![0; 20]].concat(),
        // Carries protocol 253 (for experiments; connection tracking looks inside), length 4, index 256, sequence 1, 96 bits of check.
        51 => [vec![253, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1], vec![0; 32]].concat(),
        50 => [vec![0, 0, 1, 0, 0, 0, 0, 1], vec![0xaa; 16]].concat(),
        // An extension header of IPv6 says what follows: nothing.
        0 | 43 | 44 | 60 => [vec![59, 0], vec![0; 6]].concat(),
        _ => vec![0; 24],
    }
}

fn sctp(source: u16, destination: u16, answer: bool) -> Vec<u8> {
    let tag: u32 = if answer { 0x0102_0304 } else { 0 };
    let chunk = if answer { 2 } else { 1 };
    let mut bytes = Vec::new();
    bytes.extend(source.to_be_bytes());
    bytes.extend(destination.to_be_bytes());
    bytes.extend(tag.to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend([chunk, 0, 0, 20, 1, 2, 3, 4, 0, 0, 0x80, 0, 0, 1, 0, 1, 0, 0, 0, 1]);
    let sum = crc32c(&bytes);
    bytes[8..12].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// The internet checksum of the concatenation of parts; every part but the last is of even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let mut sum: u32 = words.map(|word| u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn crc32c(bytes: &[u8]) -> u32 {
    let byte = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg()))
    };
    !bytes.iter().fold(u32::MAX, byte)
}
