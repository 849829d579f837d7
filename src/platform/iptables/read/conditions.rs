//! Options to conditions: what a rule asks of a packet, and where it sends it.
//!
//! Decisions that a reader would doubt:
//! - `--syn` holds for the first packet of a TCP connection, which has SYN and no other flag; so every test of flags is known of it. Of later packets they are unknown (a repeated SYN is one, too).
//! - `--ctorigsrc` and the like say what the connection's first packet had. Of a packet in state NEW that is the packet itself; of others the connection tells. `--ctproto` shows in established packets as well.
//! - In the table `raw` nothing has been tracked yet: states are unknown there.
//! - A word that belongs to nothing makes the rule unknown, never wider. If it could be a target that was not recognised, the action is unknown as well.
//!
//! Absent on purpose: rates, times, marks, owners, lengths and every other match that the header of a first packet does not decide; they are unknown, with their text.

use std::sync::Arc;

use super::known::Known;
use super::names;
use super::options::{Given, Meaning};
use super::sets::{self, Sets};
use super::values;
use crate::listing::{Condition, State, States};
use crate::packet::{AddressSet, Family, Interval, Protocol, ServiceSet};

/// Matches that ask nothing by themselves.
const BARE: &[&str] = &[
    "tcp",
    "udp",
    "udplite",
    "sctp",
    "dccp",
    "icmp",
    "icmp6",
    "icmpv6",
    "multiport",
    "iprange",
    "conntrack",
    "state",
    "set",
    "comment",
    "standard",
];

/// What the conditions of a rule depend on.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Of the file.
    pub family: Family,
    /// The table.
    pub table: &'a str,
    /// The sets of the dump.
    pub sets: &'a Sets,
    /// What was read before in this file.
    pub known: &'a Known,
}

/// Where a rule sends a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Nowhere: it counts.
    None,
    /// `-j`: a verdict, an extension or a chain.
    Jump(String),
    /// `-g`: a chain.
    Goto(String),
    /// What the text means is not known.
    Puzzle(String),
}

/// A rule's options as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lowered {
    /// All must hold.
    pub when: Vec<Condition>,
    /// Where it sends the packet.
    pub target: Target,
    /// The words behind the target that belong to it.
    pub details: Vec<String>,
    /// The rule says that it is for the other family: the program leaves it out.
    pub other_family: bool,
    /// Names of sets that are not in the dump.
    pub missing_sets: Vec<String>,
}

/// Who an option that is not in the table belongs to.
#[derive(PartialEq)]
enum Owner {
    Nobody,
    /// A match, and where its unknown condition stands in the list, if there is one yet.
    Match(String, Option<usize>),
    Target,
}

struct Lowering<'a> {
    context: Context<'a>,
    done: Lowered,
    /// Where the services stand that are asked for.
    services: Option<usize>,
    owner: Owner,
    /// The protocol that `-p` asks for.
    protocol: Option<Protocol>,
    /// The protocol that `--ctproto` asks for.
    connection: Option<Protocol>,
    puzzled: bool,
}

/// Reads the options of a rule.
pub fn lower(context: Context<'_>, options: &[Given<'_>]) -> Lowered {
    let named = |meaning| {
        let given = options.iter().find(|given| given.meaning == meaning && !given.negated);
        given.and_then(|given| names::protocol(given.value())).filter(|protocol| protocol.0 != 0)
    };
    let mut lowering = Lowering {
        context,
        services: None,
        done: Lowered {
            when: Vec::new(),
            target: Target::None,
            details: Vec::new(),
            other_family: false,
            missing_sets: Vec::new(),
        },
        owner: Owner::Nobody,
        protocol: named(Meaning::Protocol),
        connection: named(Meaning::ConnectionProtocol),
        puzzled: false,
    };
    for given in options {
        lowering.option(given);
    }
    lowering.finish(options)
}

impl Lowering<'_> {
    fn option(&mut self, given: &Given<'_>) {
        if given.broken {
            self.puzzled = true;
            self.unknown(given);
            return;
        }
        match given.meaning {
            Meaning::Nothing => {}
            Meaning::OnlyV4 => self.done.other_family |= self.context.family == Family::V6,
            Meaning::OnlyV6 => self.done.other_family |= self.context.family == Family::V4,
            Meaning::Match => self.module(given),
            Meaning::Jump => self.target(given, Target::Jump(given.value().to_owned())),
            Meaning::Goto => self.target(given, Target::Goto(given.value().to_owned())),
            Meaning::Text | Meaning::Other => self.belongs(given),
            _ => match self.condition(given) {
                Some(conditions) => self.hold(given, conditions),
                None => self.unknown(given),
            },
        }
    }

    /// A match that the reader does not know is a condition by itself.
    fn module(&mut self, given: &Given<'_>) {
        if self.context.family == Family::V6 && given.value() == "ah" && self.protocol.is_none() && !given.negated {
            // An extension header to the program, a protocol to everybody else.
            self.hold(given, vec![Condition::Service(ServiceSet::protocol(Protocol::AH).into())]);
            self.owner = Owner::Match(given.value().to_owned(), None);
            return;
        }
        let known = BARE.contains(&given.value());
        let place = (!known).then_some(self.done.when.len());
        if !known {
            self.unknown(given);
        }
        self.owner = Owner::Match(given.value().to_owned(), place);
    }

    fn target(&mut self, given: &Given<'_>, target: Target) {
        if self.done.target != Target::None || given.negated {
            self.puzzled = true;
        }
        self.done.target = target;
        self.owner = Owner::Target;
    }

    /// An option that is not in the table belongs to the match or target before it.
    fn belongs(&mut self, given: &Given<'_>) {
        match &mut self.owner {
            Owner::Target => self.done.details.push(given.text()),
            Owner::Match(_, Some(place)) => {
                if let Some(Condition::Unknown(text)) = self.done.when.get_mut(*place) {
                    text.push(' ');
                    text.push_str(&given.text());
                }
            }
            Owner::Match(name, place) => {
                *place = Some(self.done.when.len());
                self.done.when.push(Condition::Unknown(format!("-m {name} {}", given.text())));
            }
            Owner::Nobody => {
                self.puzzled = true;
                self.unknown(given);
            }
        }
    }

    fn unknown(&mut self, given: &Given<'_>) {
        self.done.when.push(Condition::Unknown(given.text()));
    }

    /// Adds what an option asks. Services are met with those that are asked already.
    fn hold(&mut self, given: &Given<'_>, mut conditions: Vec<Condition>) {
        if given.negated {
            let is_of_ports =
                matches!(given.meaning, Meaning::SourcePorts | Meaning::DestinationPorts | Meaning::EitherPorts);
            let is_every = |one: &Condition| matches!(one, Condition::Service(set) if asks_no_port(set));
            if is_of_ports && conditions.iter().any(is_every) {
                // iptables-nft leaves `! --dport 0:65535` out when it loads the rule, which then always holds; the older program has a rule that never does.
                self.done.when.push(Condition::Unknown(given.text()));
            } else {
                self.done.when.push(Condition::Not(conditions));
            }
            return;
        }
        if let [Condition::Service(more)] = conditions.as_slice()
            && let Some(Condition::Service(services)) = self.services.and_then(|at| self.done.when.get_mut(at))
        {
            *services = self.context.known.both(services, more);
            return;
        }
        let services = conditions.iter().position(|condition| matches!(condition, Condition::Service(_)));
        self.services = self.services.or(services.map(|at| self.done.when.len() + at));
        self.done.when.append(&mut conditions);
    }

    fn finish(mut self, options: &[Given<'_>]) -> Lowered {
        let verdict =
            matches!(&self.done.target, Target::Jump(name) if ["ACCEPT", "DROP", "RETURN"].contains(&name.as_str()));
        if verdict && !self.done.details.is_empty() {
            self.done.when.push(Condition::Unknown(self.done.details.join(" ")));
        }
        // Words that nobody understood might have been a target, or a second one.
        let twice = options.iter().filter(|given| matches!(given.meaning, Meaning::Jump | Meaning::Goto)).count() > 1;
        if twice || self.puzzled && self.done.target == Target::None {
            let text: Vec<String> = options.iter().map(Given::text).collect();
            self.done.target = Target::Puzzle(text.join(" "));
        }
        self.done
    }

    /// What an option asks, without its `!`; `None` if it could not be read.
    fn condition(&mut self, given: &Given<'_>) -> Option<Vec<Condition>> {
        let (family, value) = (self.context.family, given.value());
        let one = |condition| Some(vec![condition]);
        match given.meaning {
            Meaning::Source => source(family, self.context.known.addresses(family, value)?, given),
            Meaning::Destination => destination(family, self.context.known.addresses(family, value)?, given),
            Meaning::SourceRange => one(Condition::Source(Arc::new(values::address_range(family, value)?.into()))),
            Meaning::DestinationRange => {
                one(Condition::Destination(Arc::new(values::address_range(family, value)?.into())))
            }
            Meaning::In => Some(values::interface(value).map(|name| Condition::In(vec![name])).into_iter().collect()),
            Meaning::Out => Some(values::interface(value).map(|name| Condition::Out(vec![name])).into_iter().collect()),
            Meaning::Protocol if names::is_any_protocol(value) => Some(Vec::new()),
            Meaning::Protocol => one(Condition::Service(self.context.known.protocol(value)?)),
            Meaning::SourcePorts | Meaning::DestinationPorts | Meaning::EitherPorts => {
                let protocol = self.protocol.filter(|protocol| protocol.has_ports())?;
                one(Condition::Service(self.context.known.ports(given.meaning, protocol, value)?))
            }
            Meaning::Syn => one(syn(given)),
            Meaning::TcpFlags => one(flags(given)?),
            Meaning::IcmpType => one(Condition::Service(icmp(Family::V4, value)?.into())),
            Meaning::Icmp6Type => one(Condition::Service(icmp(Family::V6, value)?.into())),
            Meaning::Set => self.set(given),
            _ if self.context.table == "raw" => None,
            Meaning::States => states(value).map(|condition| vec![condition]),
            _ => self.connection(given),
        }
    }

    fn set(&mut self, given: &Given<'_>) -> Option<Vec<Condition>> {
        let [name, directions] = given.values.as_slice() else { return None };
        match self.context.sets.condition(self.context.family, name, directions) {
            Ok(conditions) => Some(conditions),
            Err(sets::Why::Missing) => {
                self.done.missing_sets.push((*name).to_owned());
                None
            }
            Err(sets::Why::NotUnderstood) => None,
        }
    }

    /// What the first packet of the connection had. Of others than that packet, it is unknown.
    fn connection(&self, given: &Given<'_>) -> Option<Vec<Condition>> {
        let (family, value) = (self.context.family, given.value());
        let first = match given.meaning {
            Meaning::ConnectionSource => source(family, self.context.known.addresses(family, value)?, given)?,
            Meaning::ConnectionDestination => destination(family, self.context.known.addresses(family, value)?, given)?,
            Meaning::ConnectionProtocol => {
                vec![Condition::Service(ServiceSet::protocol(names::protocol(value)?).into())]
            }
            Meaning::ConnectionSourcePorts => vec![Condition::Service(self.connection_ports(given)?.into())],
            Meaning::ConnectionDestinationPorts => vec![Condition::Service(self.connection_ports(given)?.into())],
            Meaning::Direction if value.eq_ignore_ascii_case("ORIGINAL") => Vec::new(),
            Meaning::Direction if value.eq_ignore_ascii_case("REPLY") => vec![Condition::Not(Vec::new())],
            _ => return None,
        };
        // All packets of a connection but ICMP errors about it have its protocol.
        let mut shows = vec![State::New];
        let mut hides = vec![State::Related, State::Invalid, State::Untracked];
        let at_once = if given.meaning == Meaning::ConnectionProtocol { &mut shows } else { &mut hides };
        at_once.push(State::Established);
        hides.sort_unstable();
        let of_first = match given.meaning {
            Meaning::Direction => Condition::Unknown(positive(given)),
            _ => Condition::First(first.clone()),
        };
        let first: Vec<Condition> = std::iter::once(Condition::State(States(shows))).chain(first).collect();
        let later = vec![Condition::State(States(hides)), of_first];
        Some(vec![Condition::AnyOf(vec![first, later])])
    }

    fn connection_ports(&self, given: &Given<'_>) -> Option<ServiceSet> {
        let protocol = self.connection.or(self.protocol)?;
        let ports = values::ports(given.value(), ':')?;
        let from = given.meaning == Meaning::ConnectionSourcePorts;
        if protocol.is_icmp() && !from {
            return Some(icmp_at_ports(protocol, ports.intervals()));
        }
        if !protocol.has_ports() {
            return None;
        }
        Some(if from { values::from_ports(protocol, &ports) } else { values::to_ports(protocol, &ports) })
    }
}

/// Types and codes as connection tracking keeps them, where a destination port would be: 256 times the type, and the code.
fn icmp_at_ports(protocol: Protocol, ports: &[Interval<u16>]) -> ServiceSet {
    let mut set = ServiceSet::empty();
    for range in ports {
        for kind in range.first >> 8..=range.last >> 8 {
            let first = if kind == range.first >> 8 { range.first & 0xff } else { 0 };
            let last = if kind == range.last >> 8 { range.last & 0xff } else { 0xff };
            let codes = if (first, last) == (0, 0xff) { Interval::full() } else { Interval { first, last } };
            set = set.union(&ServiceSet::rectangle(protocol, Interval::single(kind), codes));
        }
    }
    set
}

/// The text without its `!`.
fn positive(given: &Given<'_>) -> String {
    given.text().trim_start_matches("! ").to_owned()
}

/// Nothing is asked by all addresses, unless turned round. `! -s a,b` is refused by the program: nobody knows what was meant.
fn source(family: Family, addresses: Arc<AddressSet>, given: &Given<'_>) -> Option<Vec<Condition>> {
    asked(family, addresses, given, Condition::Source)
}

fn destination(family: Family, addresses: Arc<AddressSet>, given: &Given<'_>) -> Option<Vec<Condition>> {
    asked(family, addresses, given, Condition::Destination)
}

fn asked(
    family: Family,
    addresses: Arc<AddressSet>,
    given: &Given<'_>,
    condition: fn(Arc<AddressSet>) -> Condition,
) -> Option<Vec<Condition>> {
    let unclear = given.negated && given.value().contains(',');
    let nothing = values::are_all(family, &addresses);
    (!unclear).then(|| if nothing { Vec::new() } else { vec![condition(addresses)] })
}

fn icmp(family: Family, value: &str) -> Option<ServiceSet> {
    let protocol = if family == Family::V4 { Protocol::ICMP } else { Protocol::ICMP6 };
    let any = value.eq_ignore_ascii_case("any");
    let (kind, code) = if any { (255, None) } else { names::icmp(family, value)? };
    // To iptables the type 255 is every type, whatever the code; to ip6tables it is one.
    if any || family == Family::V4 && kind == 255 {
        return Some(ServiceSet::protocol(protocol));
    }
    let codes = code.map_or_else(Interval::full, |code| Interval::single(code.into()));
    Some(ServiceSet::rectangle(protocol, Interval::single(kind.into()), codes))
}

/// Whether some services with ports are all of their protocols.
fn asks_no_port(set: &ServiceSet) -> bool {
    let protocols: Vec<_> = set.rectangles().iter().map(|rectangle| rectangle.protocols).collect();
    let with_ports = |of: &Interval<u8>| of.first == of.last && Protocol(of.first).has_ports();
    protocols.iter().any(with_ports)
        && protocols
            .iter()
            .filter(|of| with_ports(of))
            .all(|of| ServiceSet::protocol(Protocol(of.first)).is_subset(set))
}

/// The first packet of a TCP connection has SYN and none of the other flags.
fn syn(given: &Given<'_>) -> Condition {
    of_flags(given, true)
}

/// What holds of the first packet of a connection, or does not, and is not known of others.
fn of_flags(given: &Given<'_>, holds: bool) -> Condition {
    let new = Condition::State(States(vec![State::New]));
    let later = States(vec![State::Established, State::Related, State::Invalid, State::Untracked]);
    let text = positive(given);
    let first = vec![new, Condition::Usual(holds, text.clone())];
    Condition::AnyOf(vec![first, vec![Condition::State(later), Condition::Unknown(text)]])
}

/// A test of flags. Of the first packet it is known: `--tcp-flags FIN,SYN,RST,ACK SYN` holds, `--tcp-flags FIN,SYN FIN,SYN` does not.
fn flags(given: &Given<'_>) -> Option<Condition> {
    let [mask, wanted] = given.values.as_slice() else { return None };
    let (mask, wanted) = (names::tcp_flags(mask)?, names::tcp_flags(wanted)?);
    Some(of_flags(given, names::SYN & mask == wanted))
}

/// `NEW,ESTABLISHED`. DNAT and SNAT are not states of their own.
fn states(value: &str) -> Option<Condition> {
    let mut known = Vec::new();
    let mut unknown = Vec::new();
    for name in value.split(',') {
        match names::state(name) {
            Some(state) => known.push(state),
            None if ["SNAT", "DNAT"].iter().any(|nat| nat.eq_ignore_ascii_case(name)) => unknown.push(name),
            None => return None,
        }
    }
    known.sort_unstable();
    known.dedup();
    let known = Condition::State(States(known));
    if unknown.is_empty() {
        return Some(known);
    }
    let unknown = Condition::Unknown(format!("--ctstate {}", unknown.join(",")));
    Some(Condition::AnyOf(vec![vec![known], vec![unknown]]))
}
