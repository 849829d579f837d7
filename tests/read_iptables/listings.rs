//! Listings in tests: as text, and compared packet by packet.
//!
//! Two listings mean the same if each packet can come to the same ends in both. What is unknown can go either way, so its place shows in the ends. The packets stand at and beside every
//! border that occurs in either listing, mixed by a generator with a fixed seed.

#![allow(dead_code, reason = "not every test uses all of it")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use sekisho::listing::{Action, ChainId, Condition, Hook, InterfacePattern, Listing, State};
use sekisho::packet::{AddressRange, AddressSet, Family, Protocol, ServicePoint, ServiceSet};

/// A listing as text, for people.
pub fn shown(listing: &Listing) -> String {
    let mut text = String::new();
    let name = |id: &ChainId| listing.chains[id.0].name.clone();
    for base in &listing.bases {
        let (hook, policy) = (format!("{:?}", base.hook).to_lowercase(), action(listing, &base.policy));
        writeln!(text, "{hook} {} -> {} (else {policy})", base.priority, name(&base.chain)).unwrap();
    }
    for chain in listing.chains.iter().filter(|chain| !chain.rules.is_empty()) {
        writeln!(text, "{}:", chain.name).unwrap();
        for rule in &chain.rules {
            let when = if rule.when.is_empty() { "all".into() } else { conditions(&rule.when) };
            writeln!(text, "  {}: {when} -> {}", rule.line, action(listing, &rule.action)).unwrap();
        }
    }
    for one in &listing.noticed {
        let blurs = if one.blurs() { ", blurs" } else { "" };
        writeln!(text, "noticed {}{blurs}: {}: {}", one.line, one.what, one.text).unwrap();
    }
    text
}

fn action(listing: &Listing, action: &Action) -> String {
    match action {
        Action::Jump(id) => format!("jump {}", listing.chains[id.0].name),
        Action::Goto(id) => format!("goto {}", listing.chains[id.0].name),
        Action::Unknown(text) => format!("UNKNOWN {text}"),
        other => format!("{other:?}").to_lowercase(),
    }
}

fn conditions(all: &[Condition]) -> String {
    all.iter().map(condition).collect::<Vec<_>>().join(", ")
}

fn condition(one: &Condition) -> String {
    let addresses = |set: &AddressSet| set.ranges().map(|range| range.to_string()).collect::<Vec<_>>().join(" ");
    match one {
        Condition::In(names) => format!("in {}", interfaces(names)),
        Condition::Out(names) => format!("out {}", interfaces(names)),
        Condition::Family(family) => format!("{family:?}"),
        Condition::Source(set) => format!("from {}", addresses(set)),
        Condition::Destination(set) => format!("to {}", addresses(set)),
        Condition::Service(set) => format!("on {}", services(set)),
        Condition::State(states) => {
            format!(
                "state {}",
                states.0.iter().map(|state| format!("{state:?}")).collect::<Vec<_>>().join("|").to_lowercase()
            )
        }
        Condition::Not(inner) => format!("not ({})", conditions(inner)),
        Condition::AnyOf(lists) => {
            format!("any of ({})", lists.iter().map(|list| conditions(list)).collect::<Vec<_>>().join(" | "))
        }
        Condition::First(inner) => format!("first({})", conditions(inner)),
        Condition::Usual(holds, text) => format!("usually {holds} {text}"),
        Condition::Unknown(text) => format!("UNKNOWN {text}"),
    }
}

fn interfaces(names: &[InterfacePattern]) -> String {
    let shown = names.iter().map(|name| match name {
        InterfacePattern::Exactly(name) => name.clone(),
        InterfacePattern::Beginning(start) => format!("{start}..."),
    });
    shown.collect::<Vec<_>>().join(" ")
}

fn services(set: &ServiceSet) -> String {
    let range = |first: u16, last: u16, largest: u16| match (first, last) {
        (0, end) if end == largest => "*".to_owned(),
        _ if first == last => first.to_string(),
        _ => format!("{first}-{last}"),
    };
    let shown = set.rectangles().into_iter().map(|piece| {
        let protocol = Protocol(piece.protocols.first);
        if piece.whole {
            let more = piece.protocols.last > piece.protocols.first;
            return if more { format!("{protocol}..{}", Protocol(piece.protocols.last)) } else { protocol.to_string() };
        }
        let a = range(piece.a.first, piece.a.last, protocol.largest());
        let b: Vec<String> =
            piece.b.intervals().iter().map(|one| range(one.first, one.last, protocol.largest())).collect();
        format!("{protocol}/{a}/{}", b.join("+"))
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// The texts of everything that is not understood.
pub fn unknowns(listing: &Listing) -> Vec<String> {
    fn walk(all: &[Condition], found: &mut Vec<String>) {
        for one in all {
            match one {
                Condition::Unknown(text) => found.push(text.clone()),
                Condition::Not(inner) | Condition::First(inner) => walk(inner, found),
                Condition::AnyOf(lists) => lists.iter().for_each(|list| walk(list, found)),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    for rule in listing.chains.iter().flat_map(|chain| &chain.rules) {
        walk(&rule.when, &mut found);
        if let Action::Unknown(text) = &rule.action {
            found.push(text.clone());
        }
    }
    found
}

/// A packet on a hook.
#[derive(Debug, Clone)]
pub struct Packet {
    pub incoming: String,
    pub outgoing: String,
    pub source: IpAddr,
    pub destination: IpAddr,
    pub service: ServicePoint,
    pub state: State,
}

/// What packets can come to, as bits.
const ACCEPT: u8 = 1;
const DROP: u8 = 2;
/// The end of a chain, or a return from it.
const BACK: u8 = 4;

/// Whether a condition holds; `None` if that is not known.
fn holds(one: &Condition, packet: &Packet) -> Option<bool> {
    Some(match one {
        Condition::In(names) => names.iter().any(|name| name.matches(&packet.incoming)),
        Condition::Out(names) => names.iter().any(|name| name.matches(&packet.outgoing)),
        Condition::Family(family) => Family::of(packet.source) == *family,
        Condition::Source(set) => set.contains(packet.source),
        Condition::Destination(set) => set.contains(packet.destination),
        Condition::Service(set) => set.contains(packet.service),
        Condition::State(states) => states.0.contains(&packet.state),
        Condition::Not(inner) => return all_hold(inner, packet).map(|holds| !holds),
        Condition::AnyOf(lists) => {
            let each: Vec<Option<bool>> = lists.iter().map(|list| all_hold(list, packet)).collect();
            if each.contains(&Some(true)) {
                return Some(true);
            }
            return if each.contains(&None) { None } else { Some(false) };
        }
        // All packets of the tests are as they should be.
        Condition::Usual(holds, _) => *holds,
        Condition::First(_) | Condition::Unknown(_) => return None,
    })
}

/// Whether all hold; `None` if that is not known.
pub fn all_hold(all: &[Condition], packet: &Packet) -> Option<bool> {
    let each: Vec<Option<bool>> = all.iter().map(|one| holds(one, packet)).collect();
    if each.contains(&Some(false)) {
        return Some(false);
    }
    if each.contains(&None) { None } else { Some(true) }
}

/// The ends that a packet can come to in a chain.
fn walk(listing: &Listing, chain: ChainId, packet: &Packet) -> u8 {
    let mut ends = 0;
    for rule in &listing.chains[chain.0].rules {
        let Some(certain) = all_hold(&rule.when, packet).map_or(Some(false), |holds| holds.then_some(true)) else {
            continue;
        };
        // The ends of the rule, and whether the next one may be asked.
        let (found, next) = match &rule.action {
            Action::Continue => (0, true),
            Action::Accept => (ACCEPT, false),
            Action::Drop => (DROP, false),
            Action::Return => (BACK, false),
            Action::Unknown(_) => (ACCEPT | DROP, false),
            Action::Jump(to) => {
                let inside = walk(listing, *to, packet);
                (inside & !BACK, inside & BACK != 0)
            }
            Action::Goto(to) => (walk(listing, *to, packet), false),
            Action::Choose(_) => panic!("iptables has no verdict maps"),
        };
        ends |= found;
        if certain && !next {
            return ends;
        }
    }
    ends | BACK
}

/// The ends that a packet can come to on a hook.
pub fn ends(listing: &Listing, hook: Hook, packet: &Packet) -> u8 {
    let family = Family::of(packet.source);
    let mut found = 0;
    for base in listing.bases.iter().filter(|base| base.hook == hook && base.families.contains(&family)) {
        let mut here = walk(listing, base.chain, packet);
        if here & BACK != 0 {
            here |= if base.policy == Action::Drop { DROP } else { ACCEPT };
        }
        found |= here & DROP;
        if here & ACCEPT == 0 {
            return found;
        }
    }
    found | ACCEPT
}

/// Values that occur in listings, and those beside them.
#[derive(Default)]
struct Borders {
    interfaces: BTreeSet<String>,
    addresses: BTreeSet<IpAddr>,
    services: BTreeSet<ServicePoint>,
}

impl Borders {
    fn add(&mut self, all: &[Condition]) {
        for one in all {
            match one {
                Condition::In(names) | Condition::Out(names) => names.iter().for_each(|name| self.interface(name)),
                Condition::Source(set) | Condition::Destination(set) => {
                    set.ranges().for_each(|range| self.range(range))
                }
                Condition::Service(set) => self.service(set),
                Condition::Not(inner) | Condition::First(inner) => self.add(inner),
                Condition::AnyOf(lists) => lists.iter().for_each(|list| self.add(list)),
                _ => {}
            }
        }
    }

    fn interface(&mut self, name: &InterfacePattern) {
        let (InterfacePattern::Exactly(name) | InterfacePattern::Beginning(name)) = name;
        self.interfaces.extend([name.clone(), format!("{name}9")]);
    }

    fn range(&mut self, range: AddressRange) {
        let beside = |address: IpAddr, by: i8| match address {
            IpAddr::V4(v4) => IpAddr::from(v4.to_bits().wrapping_add_signed(by.into()).to_be_bytes()),
            IpAddr::V6(v6) => IpAddr::from(v6.to_bits().wrapping_add_signed(by.into()).to_be_bytes()),
        };
        let (first, last) = (range.first(), range.last());
        self.addresses.extend([first, last, beside(first, -1), beside(last, 1)]);
    }

    fn service(&mut self, set: &ServiceSet) {
        for piece in set.rectangles() {
            let protocol = Protocol(piece.protocols.first);
            let near = |value: u16| [value.saturating_sub(1), value, value.saturating_add(1)];
            let ends = piece.b.intervals().iter().flat_map(|one| [one.first, one.last]).chain([0, protocol.largest()]);
            let b: Vec<u16> = ends.flat_map(near).map(|value| value.min(protocol.largest())).collect();
            for a in [piece.a.first, piece.a.last].into_iter().flat_map(near) {
                let a = a.min(protocol.largest());
                self.services.extend(b.iter().map(|&b| ServicePoint { protocol, a, b }));
            }
        }
    }
}

/// Whether two listings mean the same.
///
/// # Errors
///
/// A packet that comes to different ends.
pub fn compare(one: &Listing, other: &Listing) -> Result<(), String> {
    let mut borders = Borders::default();
    for listing in [one, other] {
        listing.chains.iter().flat_map(|chain| &chain.rules).for_each(|rule| borders.add(&rule.when));
    }
    borders.interfaces.extend(["eth0".into(), "other".into()]);
    borders.addresses.extend(["192.0.2.1", "198.51.100.1", "2001:db8::1"].map(|text| text.parse::<IpAddr>().unwrap()));
    borders.services.extend(
        [(6, 40000, 443), (17, 40000, 53), (1, 8, 0), (58, 128, 0), (47, 0, 0)].map(|(number, a, b)| ServicePoint {
            protocol: Protocol(number),
            a,
            b,
        }),
    );
    let interfaces: Vec<String> = borders.interfaces.into_iter().collect();
    let services: Vec<ServicePoint> = borders.services.into_iter().collect();
    let states = [State::New, State::Established, State::Related, State::Invalid, State::Untracked];
    let mut seed = 1_u64;
    let mut below = |count: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % count
    };
    for family in Family::BOTH {
        let addresses: Vec<IpAddr> =
            borders.addresses.iter().copied().filter(|one| Family::of(*one) == family).collect();
        for _ in 0..6000 {
            let packet = Packet {
                incoming: interfaces[below(interfaces.len())].clone(),
                outgoing: interfaces[below(interfaces.len())].clone(),
                source: addresses[below(addresses.len())],
                destination: addresses[below(addresses.len())],
                service: services[below(services.len())],
                state: states[below(states.len())],
            };
            for hook in [Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting] {
                let (here, there) = (ends(one, hook, &packet), ends(other, hook, &packet));
                if here != there {
                    return Err(format!("{hook:?} {packet:?}: {here} and {there}"));
                }
            }
        }
    }
    Ok(())
}
