//! What a rule looks at: which fields of a packet are understood, and what a value says of each.
//!
//! A value is read for the field that it is compared with, never by the type that a set declares: the two agree in every rule set that loads.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::names;
use super::tree::{Expr, Text};
use crate::listing::{Condition, InterfacePattern, State, States};
use crate::packet::{AddressRange, AddressSet, Family, Interval, IntervalSet, Protocol, ServiceSet};

/// A field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The interface on which the packet came, by name.
    In,
    /// The interface on which it goes.
    Out,
    /// The same by number; a name means the interface that has it.
    InIndex,
    /// The same of the way out.
    OutIndex,
    /// Its source address.
    Source(Family),
    /// Its destination address.
    Destination(Family),
    /// Its source port; `None` for `th sport`, of whatever protocol.
    SourcePort(Option<Protocol>),
    /// Its destination port.
    DestinationPort(Option<Protocol>),
    /// Its ICMP type.
    Type(Protocol),
    /// Its ICMP code.
    Code(Protocol),
    /// The protocol behind all headers of the network layer.
    Protocol,
    /// The protocol field of the IPv4 header.
    HeaderProtocol,
    /// The next header of the IPv6 header.
    NextHeader,
    /// What connection tracking says.
    State,
    /// A field of the first packet of the connection (`ct original ...`).
    First(First),
    /// The family.
    Family,
    /// The family, by the number that Ethernet has for it.
    EtherType,
    /// Something else, of packets of this family or protocol alone.
    Other(Only),
}

/// What connection tracking keeps of the first packet of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// Its source address.
    Source(Family),
    /// Its destination address.
    Destination(Family),
    /// Its protocol.
    Protocol,
    /// Its source port.
    SourcePort,
    /// Its destination port.
    DestinationPort,
    /// Whether a packet goes the way of the first: 0 if so, 1 the other way.
    Direction,
}

impl First {
    /// The field of the packet itself, where that packet is the first; `None` for what no header holds.
    pub fn of_itself(self) -> Option<Field> {
        Some(match self {
            Self::Source(family) => Field::Source(family),
            Self::Destination(family) => Field::Destination(family),
            Self::Protocol => Field::Protocol,
            Self::SourcePort => Field::SourcePort(None),
            Self::DestinationPort => Field::DestinationPort(None),
            Self::Direction => return None,
        })
    }
}

/// What a field that is not understood says all the same, by being there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    /// Nothing.
    Any,
    /// The packet is of this family.
    Family(Family),
    /// The packet is of this protocol.
    Protocol(Protocol),
    /// The packet is an echo request or its reply.
    Echo(Protocol),
}

/// The field of a path as the grammar has it (`["ip", "saddr"]`).
pub fn field(path: &[Text<'_>]) -> Field {
    // No field that is known has more words.
    let mut words = [""; 4];
    words.iter_mut().zip(path).for_each(|(place, word)| *place = word);
    match words.get(..path.len()).unwrap_or_default() {
        ["meta", key] => meta(key),
        ["ct", "state"] => Field::State,
        ["ct", "protocol"] => Field::First(First::Protocol),
        ["ct", "direction"] => Field::First(First::Direction),
        ["ct", "original", rest @ ..] => first(rest),
        ["ip", key] => ip(key),
        ["ip6", key] => ip6(key),
        ["th", "sport"] | ["@th,0,16"] => Field::SourcePort(None),
        ["th", "dport"] | ["@th,16,16"] => Field::DestinationPort(None),
        ["tcp", key] => transport(Protocol::TCP, key),
        ["udp", key] => transport(Protocol::UDP, key),
        ["sctp", key] => transport(Protocol::SCTP, key),
        ["icmp", key] => icmp(Protocol::ICMP, key),
        ["icmpv6", key] => icmp(Protocol::ICMP6, key),
        _ => Field::Other(Only::Any),
    }
}

fn first(words: &[&str]) -> Field {
    Field::First(match words {
        ["ip", "saddr"] => First::Source(Family::V4),
        ["ip", "daddr"] => First::Destination(Family::V4),
        ["ip6", "saddr"] => First::Source(Family::V6),
        ["ip6", "daddr"] => First::Destination(Family::V6),
        ["protocol"] => First::Protocol,
        ["proto-src"] => First::SourcePort,
        ["proto-dst"] => First::DestinationPort,
        _ => return Field::Other(Only::Any),
    })
}

fn meta(key: &str) -> Field {
    match key {
        "iifname" => Field::In,
        "oifname" => Field::Out,
        "iif" => Field::InIndex,
        "oif" => Field::OutIndex,
        "l4proto" => Field::Protocol,
        "nfproto" => Field::Family,
        "protocol" => Field::EtherType,
        _ => Field::Other(Only::Any),
    }
}

fn ip(key: &str) -> Field {
    match key {
        "saddr" => Field::Source(Family::V4),
        "daddr" => Field::Destination(Family::V4),
        "protocol" => Field::HeaderProtocol,
        _ => Field::Other(Only::Family(Family::V4)),
    }
}

fn ip6(key: &str) -> Field {
    match key {
        "saddr" => Field::Source(Family::V6),
        "daddr" => Field::Destination(Family::V6),
        "nexthdr" => Field::NextHeader,
        _ => Field::Other(Only::Family(Family::V6)),
    }
}

fn transport(protocol: Protocol, key: &str) -> Field {
    match key {
        "sport" => Field::SourcePort(Some(protocol)),
        "dport" => Field::DestinationPort(Some(protocol)),
        _ => Field::Other(Only::Protocol(protocol)),
    }
}

fn icmp(protocol: Protocol, key: &str) -> Field {
    match key {
        "type" => Field::Type(protocol),
        "code" => Field::Code(protocol),
        "id" | "sequence" => Field::Other(Only::Echo(protocol)),
        _ => Field::Other(Only::Protocol(protocol)),
    }
}

/// The values that a field is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// Interfaces.
    Interfaces(Vec<InterfacePattern>),
    /// Addresses.
    Addresses(AddressSet),
    /// Ports, types, codes, protocols, numbers of families.
    Numbers(IntervalSet<u16>),
    /// States of connections.
    States(Vec<State>),
}

/// All states; a packet has exactly one of them.
pub const STATES: [State; 5] = [State::New, State::Established, State::Related, State::Invalid, State::Untracked];

impl Field {
    /// What one value, range or prefix says of this field; `None` if it is not understood.
    pub fn value(self, expr: &Expr<'_>) -> Option<Values> {
        match self {
            Self::In | Self::Out => interface(expr).map(|one| Values::Interfaces(vec![one])),
            Self::InIndex | Self::OutIndex => match interface(expr)? {
                InterfacePattern::Exactly(name) if names::number(&name).is_none() => {
                    Some(Values::Interfaces(vec![InterfacePattern::Exactly(name)]))
                }
                _ => None,
            },
            Self::Source(family) | Self::Destination(family) => {
                address_range(expr, family).map(|range| Values::Addresses(range.into()))
            }
            Self::State => state(expr).map(|state| Values::States(vec![state])),
            Self::Other(_) => None,
            Self::First(first) => match first.of_itself() {
                Some(field) => field.value(expr),
                None => self.numbers(expr).map(|range| Values::Numbers(range.into())),
            },
            _ => self.numbers(expr).map(|range| Values::Numbers(range.into())),
        }
    }

    fn numbers(self, expr: &Expr<'_>) -> Option<Interval<u16>> {
        match expr {
            Expr::Word(word) | Expr::Quoted(word) => self.number(word).map(Interval::single),
            Expr::Range(first, last) => {
                let (first, last) = (self.numbers(first)?, self.numbers(last)?);
                (first.first <= last.first).then_some(Interval { first: first.first, last: last.first })
            }
            _ => None,
        }
    }

    fn number(self, word: &str) -> Option<u16> {
        let number = match names::number(word) {
            Some(number) => u16::try_from(number).ok(),
            None => self.named(word),
        };
        number.filter(|number| *number <= self.largest())
    }

    fn named(self, word: &str) -> Option<u16> {
        match self {
            Self::SourcePort(_) | Self::DestinationPort(_) => names::port(word),
            Self::Type(Protocol::ICMP) => names::icmp_type(word),
            Self::Type(_) => names::icmp6_type(word),
            Self::Code(Protocol::ICMP) => names::icmp_code(word),
            Self::Code(_) => names::icmp6_code(word),
            Self::Protocol | Self::HeaderProtocol | Self::NextHeader => names::protocol(word).map(u16::from),
            Self::First(First::Direction) => match word {
                "original" => Some(0),
                "reply" => Some(1),
                _ => None,
            },
            Self::Family => match word {
                "ipv4" => Some(IPV4_NUMBER),
                "ipv6" => Some(IPV6_NUMBER),
                _ => None,
            },
            Self::EtherType => match word {
                "ip" => Some(IPV4_ETHER),
                "ip6" => Some(IPV6_ETHER),
                "arp" => Some(0x0806),
                "vlan" | "8021q" => Some(0x8100),
                "8021ad" => Some(0x88a8),
                _ => None,
            },
            _ => None,
        }
    }

    /// The largest number that the field can have.
    pub fn largest(self) -> u16 {
        match self {
            Self::SourcePort(_) | Self::DestinationPort(_) | Self::EtherType => u16::MAX,
            _ => 255,
        }
    }

    /// The condition that the field has one of these values; `excluded` for none of them. `th` says which protocols a port of any protocol is asked of.
    pub fn condition(self, values: Values, excluded: Excluded, th: &IntervalSet<u8>, text: &str) -> Condition {
        let not = excluded == Excluded::Yes;
        match (self, values) {
            (Self::First(first), values) => first_packet(first, values, excluded, th, text),
            (Self::In | Self::InIndex, Values::Interfaces(names)) => negated_if(not, Condition::In(names)),
            (Self::Out | Self::OutIndex, Values::Interfaces(names)) => negated_if(not, Condition::Out(names)),
            (Self::Source(family), Values::Addresses(set)) => Condition::Source(within(set, family, not).into()),
            (Self::Destination(family), Values::Addresses(set)) => {
                Condition::Destination(within(set, family, not).into())
            }
            (Self::State, Values::States(states)) => {
                Condition::State(States(STATES.into_iter().filter(|state| states.contains(state) != not).collect()))
            }
            (_, Values::Numbers(numbers)) => {
                let space = IntervalSet::from(Interval { first: 0, last: self.largest() });
                self.numbered(&if not { space.difference(&numbers) } else { numbers }, th, text)
            }
            _ => Condition::Unknown(text.to_owned()),
        }
    }

    fn numbered(self, numbers: &IntervalSet<u16>, th: &IntervalSet<u8>, text: &str) -> Condition {
        let unknown = || Condition::Unknown(text.to_owned());
        match self {
            Self::SourcePort(Some(protocol)) | Self::Type(protocol) => {
                rectangles(protocol, numbers, Side::A).map_or_else(unknown, |set| Condition::Service(set.into()))
            }
            Self::DestinationPort(Some(protocol)) | Self::Code(protocol) => {
                rectangles(protocol, numbers, Side::B).map_or_else(unknown, |set| Condition::Service(set.into()))
            }
            Self::SourcePort(None) => any_transport(numbers, Side::A, th, text),
            Self::DestinationPort(None) => any_transport(numbers, Side::B, th, text),
            Self::Protocol => Condition::Service(protocols(numbers).into()),
            Self::HeaderProtocol => Condition::Service(protocols(numbers).into()),
            Self::NextHeader => next_header(numbers, unknown),
            Self::Family => families(numbers, IPV4_NUMBER, IPV6_NUMBER),
            Self::EtherType => families(numbers, IPV4_ETHER, IPV6_ETHER),
            _ => unknown(),
        }
    }

    /// What the field says of a packet by being there.
    pub fn implies(self) -> Option<Condition> {
        match self {
            Self::Source(family) | Self::Destination(family) | Self::Other(Only::Family(family)) => {
                Some(Condition::Family(family))
            }
            Self::HeaderProtocol => Some(Condition::Family(Family::V4)),
            Self::NextHeader => Some(Condition::Family(Family::V6)),
            Self::SourcePort(Some(protocol))
            | Self::DestinationPort(Some(protocol))
            | Self::Type(protocol)
            | Self::Code(protocol)
            | Self::Other(Only::Protocol(protocol)) => Some(Condition::Service(ServiceSet::protocol(protocol).into())),
            Self::Other(Only::Echo(protocol)) => {
                let types = if protocol == Protocol::ICMP { [0, 8] } else { [128, 129] };
                let types: IntervalSet<u16> = types.into_iter().map(Interval::single).collect();
                rectangles(protocol, &types, Side::A).map(|set| Condition::Service(set.into()))
            }
            _ => None,
        }
    }
}

const IPV4_NUMBER: u16 = 2;
const IPV6_NUMBER: u16 = 10;
const IPV4_ETHER: u16 = 0x0800;
const IPV6_ETHER: u16 = 0x86dd;

/// Headers that stand between the IPv6 header and what it carries: whether they are there is not in a flow.
const EXTENSIONS: [u16; 6] = [0, 43, 44, 60, 135, 140];

/// What it says that the first header behind that of IPv6 is one of these. It is the protocol of the flow, or an extension header before that: who puts one there passes by a rule that asks so.
fn next_header(numbers: &IntervalSet<u16>, unknown: impl Fn() -> Condition) -> Condition {
    let asked = Condition::Service(protocols(numbers).into());
    let extensions = EXTENSIONS.iter().filter(|header| numbers.contains(**header)).count();
    match extensions {
        0 => Condition::AnyOf(vec![vec![asked, unknown()]]),
        _ if extensions == EXTENSIONS.len() => Condition::AnyOf(vec![vec![asked], vec![unknown()]]),
        _ => unknown(),
    }
}

/// Whether the values are those that the field must not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excluded {
    /// They are.
    Yes,
    /// It must have one of them.
    No,
}

/// A field of the first packet is the packet's own where the packet is the first. For later ones the connection tells, and packets of no connection have none.
fn first_packet(first: First, values: Values, excluded: Excluded, th: &IntervalSet<u8>, text: &str) -> Condition {
    let is_later = || Condition::State(States(LATER.to_vec()));
    let later = vec![is_later(), Condition::Unknown(text.to_owned())];
    let new = Condition::State(States(vec![State::New]));
    let lists = match (first.of_itself(), values) {
        (Some(field), values) => {
            let of_icmp = if first == First::DestinationPort { icmp_at_ports(&values, excluded, th) } else { None };
            let asked = of_icmp.unwrap_or_else(|| field.condition(values, excluded, th, text));
            vec![vec![new, asked.clone()], vec![is_later(), Condition::First(vec![asked])]]
        }
        (None, Values::Numbers(numbers)) if numbers.contains(0) != (excluded == Excluded::Yes) => {
            vec![vec![new], later]
        }
        (None, _) => vec![later],
    };
    Condition::AnyOf(lists)
}

/// Of a connection of ICMP, tracking keeps type and code where a destination port would be: 256 times the type, and the code. `None` if it is of another protocol.
fn icmp_at_ports(values: &Values, excluded: Excluded, th: &IntervalSet<u8>) -> Option<Condition> {
    let protocols = [Protocol::ICMP, Protocol::ICMP6];
    let protocol = protocols.into_iter().find(|protocol| *th == IntervalSet::from(Interval::single(protocol.0)))?;
    let Values::Numbers(numbers) = values else { return None };
    let numbers = if excluded == Excluded::Yes { numbers.complement() } else { numbers.clone() };
    let mut sets = Vec::new();
    for range in numbers.intervals() {
        for kind in range.first >> 8..=range.last >> 8 {
            let first = if kind == range.first >> 8 { range.first & 0xff } else { 0 };
            let last = if kind == range.last >> 8 { range.last & 0xff } else { 0xff };
            let codes = if (first, last) == (0, 0xff) { Interval::full() } else { Interval { first, last } };
            sets.push(ServiceSet::rectangle(protocol, Interval::single(kind), codes));
        }
    }
    Some(Condition::Service(union(sets).into()))
}

/// The states of packets that are not the first of their connection.
pub const LATER: [State; 2] = [State::Established, State::Related];

fn negated_if(not: bool, condition: Condition) -> Condition {
    if not { Condition::Not(vec![condition]) } else { condition }
}

fn within(set: AddressSet, family: Family, not: bool) -> AddressSet {
    if not { set.complement().only(family) } else { set }
}

fn interface(expr: &Expr<'_>) -> Option<InterfacePattern> {
    let name = match expr {
        Expr::Word(name) | Expr::Quoted(name) => name,
        _ => return None,
    };
    if name.contains('/') {
        // No interface has such a name: iptables asks for one where a rule can never match, as of `! -i +`.
        return Some(InterfacePattern::Exactly(name.to_string()));
    }
    if let Some(start) = name.strip_suffix("\\*") {
        return Some(InterfacePattern::Exactly(format!("{start}*")));
    }
    Some(match name.strip_suffix('*') {
        Some(start) => InterfacePattern::Beginning(start.to_owned()),
        None => InterfacePattern::Exactly(name.to_string()),
    })
}

fn state(expr: &Expr<'_>) -> Option<State> {
    let (Expr::Word(word) | Expr::Quoted(word)) = expr else { return None };
    Some(match &**word {
        "new" => State::New,
        "established" => State::Established,
        "related" => State::Related,
        "invalid" => State::Invalid,
        "untracked" => State::Untracked,
        word => match names::number(word)? {
            1 => State::Invalid,
            2 => State::Established,
            4 => State::Related,
            8 => State::New,
            64 => State::Untracked,
            _ => return None,
        },
    })
}

fn address(expr: &Expr<'_>, family: Family) -> Option<IpAddr> {
    let (Expr::Word(word) | Expr::Quoted(word)) = expr else { return None };
    match family {
        Family::V4 => word.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        Family::V6 => word.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
    }
}

/// An address, a range of them or a prefix.
pub fn address_range(expr: &Expr<'_>, family: Family) -> Option<AddressRange> {
    Some(match expr {
        Expr::Prefix(network, length) => {
            let net = ipnet::IpNet::new(address(network, family)?, *length).ok()?;
            AddressRange::from(net)
        }
        Expr::Range(first, last) => AddressRange::between(address(first, family)?, address(last, family)?)?,
        _ => AddressRange::single(address(expr, family)?),
    })
}

/// A network by its address and a mask of ones followed by zeros; `None` for other masks, and where the address has bits outside the mask.
pub fn masked(family: Family, value: &Expr<'_>, mask: &Expr<'_>) -> Option<AddressSet> {
    let (value, mask) = (address(value, family)?, address(mask, family)?);
    let net = ipnet::IpNet::with_netmask(value, mask).ok()?;
    (net.network() == value).then(|| AddressRange::from(net).into())
}

fn families(numbers: &IntervalSet<u16>, v4: u16, v6: u16) -> Condition {
    match (numbers.contains(v4), numbers.contains(v6)) {
        (true, true) => Condition::Not(vec![Condition::AnyOf(Vec::new())]),
        (true, false) => Condition::Family(Family::V4),
        (false, true) => Condition::Family(Family::V6),
        (false, false) => Condition::AnyOf(Vec::new()),
    }
}

/// All of the protocols with these numbers.
pub fn protocols(numbers: &IntervalSet<u16>) -> ServiceSet {
    let whole = numbers.intervals().iter().filter_map(|range| {
        let first = u8::try_from(range.first).ok()?;
        Some(ServiceSet::protocols(Interval { first, last: u8::try_from(range.last).unwrap_or(u8::MAX) }))
    });
    union(whole.collect())
}

/// Which of the two dimensions of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Source port or ICMP type.
    A,
    /// Destination port or ICMP code.
    B,
}

/// How many ranges of source ports are read: each costs as much as all before it.
const MOST_BANDS: usize = 4096;

fn rectangles(protocol: Protocol, numbers: &IntervalSet<u16>, side: Side) -> Option<ServiceSet> {
    let ranges = numbers.intervals();
    if side == Side::A && ranges.len() > MOST_BANDS {
        return None;
    }
    let sets = ranges.iter().map(|range| match side {
        Side::A => ServiceSet::rectangle(protocol, *range, Interval::full()),
        Side::B => ServiceSet::rectangle(protocol, Interval::full(), *range),
    });
    Some(union(sets.collect()))
}

/// The union of many, by halves.
pub fn union(mut sets: Vec<ServiceSet>) -> ServiceSet {
    while sets.len() > 1 {
        sets = sets
            .chunks(2)
            .map(|pair| match pair {
                [a, b] => a.union(b),
                other => other.first().cloned().unwrap_or_else(ServiceSet::empty),
            })
            .collect();
    }
    sets.pop().unwrap_or_else(ServiceSet::empty)
}

/// The protocols whose ports a flow has.
pub const WITH_PORTS: [Protocol; 3] = [Protocol::TCP, Protocol::UDP, Protocol::SCTP];

/// `th dport` looks at two bytes of whatever is carried. For protocols with ports these are ports; what they are for others is not known.
fn any_transport(numbers: &IntervalSet<u16>, side: Side, among: &IntervalSet<u8>, text: &str) -> Condition {
    let unknown = || Condition::Unknown(text.to_owned());
    let asked: Vec<Protocol> = WITH_PORTS.into_iter().filter(|protocol| among.contains(protocol.0)).collect();
    if asked.is_empty() {
        return unknown();
    }
    let asked = asked.into_iter();
    let Some(known) = asked.map(|protocol| rectangles(protocol, numbers, side)).collect::<Option<Vec<_>>>() else {
        return unknown();
    };
    let known = Condition::Service(union(known).into());
    let with_ports: IntervalSet<u8> = WITH_PORTS.into_iter().map(|protocol| Interval::single(protocol.0)).collect();
    let rest = among.difference(&with_ports);
    if rest.is_empty() {
        return known;
    }
    let rest = union(rest.intervals().iter().map(|range| ServiceSet::protocols(*range)).collect());
    // `nft` 1.0.6 prints no more than this of a rule that asks for one protocol without ports, too.
    let known = if *among == IntervalSet::full() { vec![known, unknown()] } else { vec![known] };
    Condition::AnyOf(vec![known, vec![Condition::Service(rest.into()), unknown()]])
}
