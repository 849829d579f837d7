//! Random rule sets over a small world, and one packet of every kind that it can tell apart.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sekisho::listing::{
    Action, Base, Chain, ChainId, Condition, Crossing, Hook, InterfacePattern, Listing, Rule, Sees, State, States,
};
use sekisho::packet::{AddressRange, AddressSet, Family, Flow, Interval, Protocol, ServicePoint, ServiceSet};

/// xorshift64*.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap();
        high % sides
    }

    pub fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.roll(all.len())].clone()
    }
}

const BORDERS: [u8; 4] = [0, 3, 5, 9];
const PORTS: [u16; 3] = [1, 4, 6];

fn v4(low: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, low).into()
}

fn v6(low: u8) -> IpAddr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, low.into()).into()
}

/// One packet of every kind.
pub fn packets() -> Vec<Flow> {
    let tcp = [0, 1, 2, 4, 5, 6, 7].map(|port| (Protocol::TCP, 0, port));
    let others = [(Protocol::UDP, 0, 4), (Protocol::ICMP, 8, 0), (Protocol::ICMP6, 128, 0), (Protocol::GRE, 0, 0)];
    let mut found = Vec::new();
    for (protocol, a, b) in tcp.into_iter().chain(others) {
        for (address, outside) in [(v4 as fn(u8) -> IpAddr, "11.0.0.1"), (v6, "2001:db9::1")] {
            let kinds: Vec<IpAddr> = BORDERS.iter().map(|low| address(*low)).chain(outside.parse()).collect();
            for (source, destination) in kinds.iter().flat_map(|source| kinds.iter().map(move |to| (*source, *to))) {
                if protocol.occurs_in(Family::of(source)) {
                    found.push(Flow { source, destination, service: ServicePoint { protocol, a, b } });
                }
            }
        }
    }
    found
}

pub const NAMES: [&str; 4] = ["lan", "dmz0", "dmz1", "wan"];

fn addresses(dice: &mut Dice) -> AddressSet {
    let family = if dice.roll(4) == 0 { v6 as fn(u8) -> IpAddr } else { v4 };
    let (a, b) = (dice.roll(4), dice.roll(4));
    let (first, last) = (BORDERS[a.min(b)], BORDERS.get(a.max(b) + 1).map_or(255, |next| next - 1));
    let one: AddressSet = AddressRange::between(family(first), family(last)).unwrap().into();
    match dice.roll(5) {
        0 => one.complement(),
        1 => one.union(&AddressRange::between(v6(3), v6(8)).unwrap().into()),
        _ => one,
    }
}

fn services(dice: &mut Dice) -> ServiceSet {
    match dice.roll(6) {
        0 => ServiceSet::protocol(Protocol::ICMP).union(&ServiceSet::protocol(Protocol::GRE)),
        1 => ServiceSet::protocol(Protocol::ICMP6),
        2 => ServiceSet::ports(Protocol::UDP, Interval::full()),
        3 => ServiceSet::ports(Protocol::TCP, Interval { first: dice.of(&PORTS), last: u16::MAX }),
        _ => ServiceSet::ports(Protocol::TCP, Interval { first: 1, last: dice.of(&PORTS) }),
    }
}

fn patterns(dice: &mut Dice) -> Vec<InterfacePattern> {
    (0..1 + dice.roll(2))
        .map(|_| match dice.roll(4) {
            0 => InterfacePattern::Beginning("dmz".into()),
            _ => InterfacePattern::Exactly(dice.of(&NAMES[..3]).into()),
        })
        .collect()
}

fn condition(dice: &mut Dice, depth: usize) -> Condition {
    match dice.roll(if depth == 0 { 19 } else { 22 }) {
        0..=3 => Condition::Source(addresses(dice).into()),
        4..=7 => Condition::Destination(addresses(dice).into()),
        8..=11 => Condition::Service(services(dice).into()),
        12 | 13 => Condition::In(patterns(dice)),
        14 => Condition::Out(patterns(dice)),
        15 => Condition::Family(dice.of(&Family::BOTH)),
        16 | 17 => Condition::State(States(dice.of(&[
            vec![State::New],
            vec![State::Established, State::Related],
            vec![State::New, State::Established],
        ]))),
        18 if dice.roll(2) == 0 => Condition::First(match dice.roll(3) {
            0 => vec![Condition::Source(addresses(dice).into())],
            1 => vec![Condition::Destination(addresses(dice).into()), Condition::Service(services(dice).into())],
            _ => Vec::new(),
        }),
        18 => Condition::Unknown("meta mark 7".into()),
        19 => Condition::Not(conditions(dice, depth - 1)),
        _ => Condition::AnyOf((0..dice.roll(3)).map(|_| conditions(dice, depth - 1)).collect()),
    }
}

pub fn conditions(dice: &mut Dice, depth: usize) -> Vec<Condition> {
    (0..dice.roll(3)).map(|_| condition(dice, depth)).collect()
}

fn action(dice: &mut Dice, chain: usize, chains: usize, depth: usize) -> Action {
    let below = |dice: &mut Dice| ChainId(chain + 1 + dice.roll(chains - chain - 1));
    match dice.roll(16) {
        0..=4 => Action::Accept,
        5..=8 => Action::Drop,
        9 => Action::Continue,
        10 => Action::Return,
        11 | 12 if chain + 1 < chains => Action::Jump(below(dice)),
        13 if chain + 1 < chains => Action::Goto(below(dice)),
        14 if depth > 0 => Action::Choose(
            (0..1 + dice.roll(3)).map(|_| (conditions(dice, 0), action(dice, chain, chains, depth - 1))).collect(),
        ),
        15 if dice.roll(3) == 0 => Action::Unknown("queue".into()),
        _ => Action::Accept,
    }
}

/// A rule set with up to `most` rules; jumps go down only.
pub fn listing(dice: &mut Dice, most: usize) -> Listing {
    let chains = 1 + dice.roll(4);
    let mut found = Listing::default();
    let mut lines = 1..;
    let mut next = || lines.next().unwrap();
    for chain in 0..chains {
        let declared = next();
        let rules = (0..dice.roll(most / chains + 2))
            .map(|_| {
                let line = next();
                let when = conditions(dice, 2);
                Rule { line, text: format!("rule {line}"), when, action: action(dice, chain, chains, 2), acts: false }
            })
            .collect();
        found.chains.push(Chain { name: format!("chain {chain}"), line: declared, rules });
    }
    for _ in 0..1 + dice.roll(3) {
        found.bases.push(Base {
            chain: ChainId(dice.roll(chains.min(2))),
            hook: dice.of(&[Hook::Forward, Hook::Forward, Hook::Forward, Hook::Input, Hook::Prerouting]),
            priority: dice.of(&[-10, 0, 5]),
            policy: dice.of(&[Action::Accept, Action::Drop]),
            families: dice.of(&[vec![Family::V4], vec![Family::V6], Family::BOTH.to_vec()]),
            sees: dice.of(&[Sees::All, Sees::All, Sees::First]),
        });
    }
    found
}

/// Every way that the world has.
pub fn ways() -> Vec<Crossing<'static>> {
    let mut found = Vec::new();
    for state in [State::New, State::Established] {
        for incoming in NAMES {
            found.push(Crossing::input(incoming).in_state(state));
            found.extend(NAMES.map(|outgoing| Crossing::forward(incoming, outgoing).in_state(state)));
        }
    }
    found
}
