//! One flow of a set, chosen so that a person believes it.

use std::net::IpAddr;

use super::half::{Address, Field, Half};
use super::keys;
use super::{FlowSet, FlowSpace};
use crate::packet::address::{AddressSet, Family};
use crate::packet::diagram::NodeId;
use crate::packet::flow::Flow;
use crate::packet::interval::{Interval, IntervalSet};
use crate::packet::service::{Protocol, ServicePoint};

/// What a witness should look like, where the set allows it. Earlier wishes go before later ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wishes {
    /// Where it should come from: for instance named hosts, then named networks.
    pub sources: Vec<AddressSet>,
    /// Where it should go.
    pub destinations: Vec<AddressSet>,
    /// Destination ports, or ICMP types, of protocols.
    pub services: Vec<(Protocol, u16)>,
}

impl Default for Wishes {
    /// No address in particular; services that everybody knows.
    fn default() -> Self {
        let tcp = [443, 22, 80, 3389, 445, 53, 25, 389, 1433, 3306, 5432, 8443, 8080].map(|port| (Protocol::TCP, port));
        let udp = [53, 123, 161, 514, 500].map(|port| (Protocol::UDP, port));
        let echo = [(Protocol::ICMP, 8), (Protocol::ICMP6, 128)];
        Self {
            sources: Vec::new(),
            destinations: Vec::new(),
            services: tcp.into_iter().chain(udp).chain(echo).collect(),
        }
    }
}

/// Where source ports of clients come from (RFC 6335).
const CLIENT_PORTS: Interval<u32> = Interval { first: 49_152, last: 65_535 };
const USER_PORTS: Interval<u32> = Interval { first: 1_024, last: 65_535 };

impl FlowSpace {
    /// A member of the set, always the same one; `None` if it is empty. IPv4 goes before IPv6; then, field by field in the order of the space, the
    /// first wish that can be met; a unicast address that does not look like that of a network or a broadcast; a source port from 49152 on.
    /// Cost: one pass over the nodes of one path.
    #[must_use]
    pub fn witness(&self, set: FlowSet, wishes: &Wishes) -> Option<Flow> {
        witness(&self.v4, set.v4, wishes).or_else(|| witness(&self.v6, set.v6, wishes))
    }
}

fn witness<K: Address>(half: &Half<K>, set: NodeId, wishes: &Wishes) -> Option<Flow> {
    if set == NodeId::NONE {
        return None;
    }
    let (mut node, mut major, mut minor) = (set, 0, 0);
    let (mut source, mut destination) = (K::MIN, K::MIN);
    for field in half.order.fields() {
        let level = half.level(field);
        let keys = half.diagram.groups_at(level, node);
        let live: IntervalSet<K> = keys.iter().flat_map(|(keys, _)| keys.intervals()).copied().collect();
        let key = match field {
            Field::Destination => address(&live, &wishes.destinations),
            Field::Source => address(&live, &wishes.sources),
            Field::Major => best_major(&live, &wishes.services),
            Field::Minor => best_minor(&live, keys::protocol_of(K::FAMILY, major)),
        }?;
        match field {
            Field::Destination => destination = key,
            Field::Source => source = key,
            Field::Major => major = key.number(),
            Field::Minor => minor = key.number(),
        }
        if half.diagram.level(node) == level {
            node = half.diagram.below(node, key);
        }
    }
    let service = keys::service(K::FAMILY, major, minor);
    Some(Flow { source: source.address(), destination: destination.address(), service })
}

fn address<K: Address>(live: &IntervalSet<K>, wishes: &[AddressSet]) -> Option<K> {
    let wished = wishes.iter().map(|wish| live.intersection(K::of(wish))).find(|common| !common.is_empty());
    let unicast = || Some(live.intersection(&unicast())).filter(|common| !common.is_empty());
    let among = wished.or_else(unicast);
    plain(among.as_ref().unwrap_or(live))
}

/// The first address of a set that could be a host's.
fn plain<K: Address>(set: &IntervalSet<K>) -> Option<K> {
    let near = |interval: &Interval<K>| {
        let candidates = std::iter::successors(Some(interval.first), |key| key.next()).take(3);
        candidates.take_while(|key| *key <= interval.last).find(|key| could_be_a_host(*key))
    };
    set.intervals().iter().find_map(near).or_else(|| set.first())
}

fn could_be_a_host<K: Address>(key: K) -> bool {
    match key.address() {
        IpAddr::V4(v4) => !matches!(v4.octets(), [.., 0 | 255]),
        IpAddr::V6(v6) => !matches!(v6.segments(), [.., 0, 0, 0, 0]),
    }
}

/// What hosts have: no "this network", loopback or multicast.
fn unicast<K: Address>() -> IntervalSet<K> {
    let ranges: &[(u128, u128)] = match K::FAMILY {
        Family::V4 => &[(0x0100_0000, 0x7eff_ffff), (0x8000_0000, 0xdfff_ffff)],
        Family::V6 => &[(0x2000 << 112, (0x4000 << 112) - 1), (0xfc00 << 112, (0xfe00 << 112) - 1)],
    };
    ranges.iter().map(|(first, last)| Interval { first: K::narrow(*first), last: K::narrow(*last) }).collect()
}

fn best_major<K: Address>(live: &IntervalSet<K>, wishes: &[(Protocol, u16)]) -> Option<K> {
    let point = |(protocol, major): &(Protocol, u16)| {
        let (a, b) = if protocol.is_icmp() { (*major, 0) } else { (0, *major) };
        keys::point(K::FAMILY, ServicePoint { protocol: *protocol, a, b }).map(|(major, _)| K::key(major))
    };
    let wished = wishes.iter().filter_map(point).find(|key| live.contains(*key));
    let usual = || [Protocol::TCP, Protocol::UDP].into_iter().find_map(|protocol| first_of(live, protocol));
    wished.or_else(usual).or_else(|| live.first())
}

fn first_of<K: Address>(live: &IntervalSet<K>, protocol: Protocol) -> Option<K> {
    let at = |b| keys::point(K::FAMILY, ServicePoint { protocol, a: 0, b }).map(|(major, _)| K::key(major));
    let all = Interval { first: at(0)?, last: at(protocol.largest())? };
    live.intersection(&all.into()).first()
}

fn best_minor<K: Address>(live: &IntervalSet<K>, protocol: Protocol) -> Option<K> {
    let within = |range: Interval<u32>| {
        let range = Interval { first: K::key(range.first), last: K::key(range.last) };
        live.intersection(&range.into()).first()
    };
    let client = || within(CLIENT_PORTS).or_else(|| within(USER_PORTS));
    protocol.has_ports().then(client).flatten().or_else(|| live.first())
}
