//! Sets of packets as decision diagrams over the bits of their headers, and of the first packet of their connection.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;

use biodivine_lib_bdd::{Bdd, BddPartialValuation, BddValuation, BddVariable, BddVariableSet};

use super::rules::{Field, Range, State};

/// How a packet stands to connections: its state, and what the first packet of its connection was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Situation {
    /// The first packet of a connection.
    First,
    /// A later one in the direction of the first.
    Forth,
    /// An answer.
    Back,
    /// The first packet of a connection that another one announced.
    Announced,
    /// An ICMP error to who sent the first packet.
    ErrorBack,
    /// An ICMP error to whom the first packet was sent.
    ErrorForth,
    /// Of no connection that makes sense.
    Invalid,
    /// Not tracked.
    Untracked,
}

impl Situation {
    pub const ALL: [Situation; 8] = [
        Situation::First,
        Situation::Forth,
        Situation::Back,
        Situation::Announced,
        Situation::ErrorBack,
        Situation::ErrorForth,
        Situation::Invalid,
        Situation::Untracked,
    ];

    /// One for each state: all that rule sets tell apart if they do not ask for first packets.
    pub const STATES: [Situation; 5] =
        [Situation::First, Situation::Forth, Situation::Announced, Situation::Invalid, Situation::Untracked];

    pub fn state(self) -> State {
        match self {
            Self::First => State::New,
            Self::Forth | Self::Back => State::Established,
            Self::Announced | Self::ErrorBack | Self::ErrorForth => State::Related,
            Self::Invalid => State::Invalid,
            Self::Untracked => State::Untracked,
        }
    }

    pub fn has_connection(self) -> bool {
        !matches!(self, Self::Invalid | Self::Untracked)
    }
}

/// A packet, with what the judge needs to know of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Packet {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub protocol: u8,
    /// The source port or the ICMP type, else 0.
    pub first: u16,
    /// The destination port or the ICMP code, else 0.
    pub second: u16,
    /// For ICMP errors: the other end of the connection, its protocol and ports.
    pub about: (IpAddr, u8, u16, u16),
}

const SIX: u16 = 0;
const SOURCE: u16 = 1;
const DESTINATION: u16 = SOURCE + 128;
const PROTOCOL: u16 = DESTINATION + 128;
const FIRST: u16 = PROTOCOL + 8;
const SECOND: u16 = FIRST + 16;
const OTHER: u16 = SECOND + 16;
const ABOUT_PROTOCOL: u16 = OTHER + 128;
const ABOUT_FIRST: u16 = ABOUT_PROTOCOL + 8;
const ABOUT_SECOND: u16 = ABOUT_FIRST + 16;
const VARIABLES: u16 = ABOUT_SECOND + 16;

const WITH_PORTS: [u128; 3] = [6, 17, 132];
/// The types of ICMP answers and those that they answer, of both families.
const ANSWERS: [(u8, u128, u128); 6] = [(4, 0, 8), (4, 14, 13), (4, 16, 15), (4, 18, 17), (6, 129, 128), (6, 140, 139)];

type Known<K> = HashMap<K, Rc<Bdd>>;

/// The variables, and diagrams that are used again.
pub struct Space {
    variables: BddVariableSet,
    ranges: RefCell<Known<(u16, u32, Vec<Range>)>>,
    universes: RefCell<Known<Situation>>,
}

impl Space {
    pub fn new() -> Self {
        Self {
            variables: BddVariableSet::new_anonymous(VARIABLES),
            ranges: RefCell::default(),
            universes: RefCell::default(),
        }
    }

    pub fn all(&self) -> Bdd {
        self.variables.mk_true()
    }

    pub fn none(&self) -> Bdd {
        self.variables.mk_false()
    }

    pub fn family(&self, family: u8) -> Bdd {
        self.variables.mk_literal(variable(SIX), family == 6)
    }

    /// The packets whose field has a value in one of the ranges, among those that have the field.
    pub fn value(&self, field: Field, ranges: &[Range], situation: Situation) -> Bdd {
        let bits = field.bits();
        let held = |at: u16| self.held(at, bits, ranges);
        let of_family = |bdd: Bdd| field.family().map_or(bdd.clone(), |family| bdd.and(&self.family(family)));
        if field.is_original() && !situation.has_connection() {
            return self.none();
        }
        let is_error = matches!(situation, Situation::ErrorBack | Situation::ErrorForth);
        of_family(match field {
            Field::Source4 | Field::Source6 => (*held(SOURCE)).clone(),
            Field::Destination4 | Field::Destination6 => (*held(DESTINATION)).clone(),
            Field::Protocol => (*held(PROTOCOL)).clone(),
            Field::First => (*held(FIRST)).clone(),
            Field::Second => (*held(SECOND)).clone(),
            Field::OriginalSource4 | Field::OriginalSource6 => (*held(match situation {
                Situation::Back | Situation::ErrorBack => DESTINATION,
                Situation::ErrorForth => OTHER,
                _ => SOURCE,
            }))
            .clone(),
            Field::OriginalDestination4 | Field::OriginalDestination6 => (*held(match situation {
                Situation::Back => SOURCE,
                Situation::ErrorBack => OTHER,
                _ => DESTINATION,
            }))
            .clone(),
            Field::OriginalProtocol => (*held(if is_error { ABOUT_PROTOCOL } else { PROTOCOL })).clone(),
            Field::OriginalFirst if is_error => (*held(ABOUT_FIRST)).clone(),
            Field::OriginalSecond if is_error => (*held(ABOUT_SECOND)).clone(),
            Field::OriginalFirst => {
                self.original_port(if situation == Situation::Back { SECOND } else { FIRST }, ranges)
            }
            Field::OriginalSecond => {
                let at = if situation == Situation::Back { FIRST } else { SECOND };
                self.original_port(at, ranges).or(&self.original_kind(ranges, situation))
            }
        })
    }

    /// A port of the first packet, where ports are; protocols without ports have 0.
    fn original_port(&self, at: u16, ranges: &[Range]) -> Bdd {
        let has_ports = self.any_of(PROTOCOL, 8, &WITH_PORTS);
        let ported = self.held(at, 16, ranges).and(&has_ports);
        if ranges.iter().all(|(first, _)| *first > 0) {
            return ported;
        }
        ported.or(&has_ports.not().and_not(&self.any_of(PROTOCOL, 8, &[1, 58])))
    }

    /// ICMP: the type and the code of the first packet in one number.
    fn original_kind(&self, ranges: &[Range], situation: Situation) -> Bdd {
        let mut found = self.none();
        for (family, protocol) in [(4, 1), (6, 58)] {
            let of = self.any_of(PROTOCOL, 8, &[protocol]).and(&self.family(family));
            let mut kinds = self.none();
            for (low, high) in ranges {
                for kind in low >> 8..=high >> 8 {
                    let codes = (
                        if kind == low >> 8 { low & 255 } else { 0 },
                        if kind == high >> 8 { high & 255 } else { 255 },
                    );
                    let shown = match situation {
                        Situation::Back => {
                            let answer = ANSWERS.iter().find(|(of, _, asked)| *of == family && *asked == kind);
                            let Some((_, answer, _)) = answer else { continue };
                            *answer
                        }
                        _ => kind,
                    };
                    let kind = self.held(FIRST, 16, &[(shown, shown)]);
                    kinds = kinds.or(&kind.and(&self.held(SECOND, 16, &[codes])));
                }
            }
            found = found.or(&kinds.and(&of));
        }
        found
    }

    /// The packets that exist in a situation.
    pub fn universe(&self, situation: Situation) -> Rc<Bdd> {
        if let Some(known) = self.universes.borrow().get(&situation) {
            return Rc::clone(known);
        }
        let mut all = self.shaped(PROTOCOL, FIRST, SECOND);
        match situation {
            Situation::Back => {
                for (family, protocol) in [(4, 1), (6, 58)] {
                    let kinds: Vec<u128> =
                        ANSWERS.iter().filter(|(of, ..)| *of == family).map(|(_, answer, _)| *answer).collect();
                    let icmp = self.any_of(PROTOCOL, 8, &[protocol]);
                    all = all.and(&icmp.not().or(&self.any_of(FIRST, 16, &kinds)));
                }
            }
            Situation::ErrorBack | Situation::ErrorForth => {
                let four = self.any_of(PROTOCOL, 8, &[1]).and(&self.any_of(FIRST, 16, &[3, 4, 5, 11, 12]));
                let six = self.any_of(PROTOCOL, 8, &[58]).and(&self.any_of(FIRST, 16, &[1, 2, 3, 4]));
                all = all.and(&four.or(&six)).and(&self.shaped_about());
            }
            _ => {}
        }
        let all = Rc::new(all);
        self.universes.borrow_mut().insert(situation, Rc::clone(&all));
        all
    }

    /// ICMP with its family, its type and code in a byte; no ports where there are none.
    fn shaped(&self, protocol: u16, first: u16, second: u16) -> Bdd {
        let is = |numbers: &[u128]| self.any_of(protocol, 8, numbers);
        let small = self.held(first, 16, &[(0, 255)]).and(&self.held(second, 16, &[(0, 255)]));
        let nothing = self.any_of(first, 16, &[0]).and(&self.any_of(second, 16, &[0]));
        let icmp = is(&[1]).and(&self.family(4)).or(&is(&[58]).and(&self.family(6))).and(&small);
        let ported = is(&WITH_PORTS);
        let other = is(&[1, 58, 6, 17, 132]).not().and(&nothing);
        icmp.or(&ported).or(&other)
    }

    /// Of what an error is about: ICMP requests or anything else that connection tracking knows.
    fn shaped_about(&self) -> Bdd {
        let is = |numbers: &[u128]| self.any_of(ABOUT_PROTOCOL, 8, numbers);
        let nothing = self.any_of(ABOUT_FIRST, 16, &[0]).and(&self.any_of(ABOUT_SECOND, 16, &[0]));
        let asked = |family: u8| {
            let kinds =
                ANSWERS.iter().filter(|(of, ..)| *of == family).map(|(.., asked)| (asked << 8, asked << 8 | 255));
            self.held(ABOUT_SECOND, 16, &kinds.collect::<Vec<_>>()).and(&self.family(family))
        };
        let icmp = is(&[1]).and(&asked(4)).or(&is(&[58]).and(&asked(6)));
        icmp.or(&is(&WITH_PORTS)).or(&is(&[1, 58, 6, 17, 132]).not().and(&nothing))
    }

    fn any_of(&self, at: u16, bits: u32, values: &[u128]) -> Bdd {
        let ranges: Vec<Range> = values.iter().map(|value| (*value, *value)).collect();
        (*self.held(at, bits, &ranges)).clone()
    }

    /// The packets that have a number in one of the ranges in the bits from `at` on.
    fn held(&self, at: u16, bits: u32, ranges: &[Range]) -> Rc<Bdd> {
        let key = (at, bits, ranges.to_vec());
        if let Some(known) = self.ranges.borrow().get(&key) {
            return Rc::clone(known);
        }
        let mut parts: Vec<Bdd> =
            ranges.iter().flat_map(|range| prefixes(*range, bits)).map(|one| self.prefix(at, bits, one)).collect();
        while parts.len() > 1 {
            parts = parts.chunks(2).map(|pair| pair.get(1).map_or(pair[0].clone(), |two| pair[0].or(two))).collect();
        }
        let made = Rc::new(parts.pop().unwrap_or_else(|| self.none()));
        self.ranges.borrow_mut().insert(key, Rc::clone(&made));
        made
    }

    fn prefix(&self, at: u16, bits: u32, (value, length): (u128, u32)) -> Bdd {
        let literals = (0..length).map(|bit| (variable(at + bit as u16), value >> (bits - 1 - bit) & 1 == 1));
        self.variables.mk_conjunctive_clause(&BddPartialValuation::from_values_iter(literals))
    }

    /// Whether a packet is in a set.
    pub fn holds(&self, set: &Bdd, packet: &Packet) -> bool {
        let mut values = BddValuation::all_false(VARIABLES);
        let mut put = |at: u16, bits: u32, value: u128| {
            for bit in 0..bits {
                values.set_value(variable(at + bit as u16), value >> (bits - 1 - bit) & 1 == 1);
            }
        };
        put(SIX, 1, u128::from(packet.source.is_ipv6()));
        for (at, address) in [(SOURCE, packet.source), (DESTINATION, packet.destination), (OTHER, packet.about.0)] {
            match address {
                IpAddr::V4(four) => put(at, 32, u128::from(u32::from(four))),
                IpAddr::V6(six) => put(at, 128, u128::from(six)),
            }
        }
        put(PROTOCOL, 8, u128::from(packet.protocol));
        put(FIRST, 16, u128::from(packet.first));
        put(SECOND, 16, u128::from(packet.second));
        put(ABOUT_PROTOCOL, 8, u128::from(packet.about.1));
        put(ABOUT_FIRST, 16, u128::from(packet.about.2));
        put(ABOUT_SECOND, 16, u128::from(packet.about.3));
        set.eval_in(&values)
    }

    /// A packet of a set: at each bit that is free the answer of `choose` decides.
    pub fn member(&self, set: &Bdd, choose: &mut dyn FnMut() -> bool) -> Option<Packet> {
        if set.is_false() {
            return None;
        }
        let mut bits = vec![false; usize::from(VARIABLES)];
        let mut free = vec![true; usize::from(VARIABLES)];
        let mut node = set.root_pointer();
        while !node.is_terminal() {
            let (low, high) = (set.low_link_of(node), set.high_link_of(node));
            let goes_high = if low.is_zero() {
                true
            } else if high.is_zero() {
                false
            } else {
                choose()
            };
            let at = set.var_of(node).to_index();
            (bits[at], free[at]) = (goes_high, false);
            node = if goes_high { high } else { low };
        }
        for (bit, is_free) in bits.iter_mut().zip(&free) {
            *bit = if *is_free { choose() } else { *bit };
        }
        let number = |at: u16, count: u32| {
            (0..count).fold(0_u128, |value, bit| value << 1 | u128::from(bits[usize::from(at) + bit as usize]))
        };
        let address = |at: u16| match bits[usize::from(SIX)] {
            true => IpAddr::V6(Ipv6Addr::from(number(at, 128))),
            false => IpAddr::V4(Ipv4Addr::from(number(at, 32) as u32)),
        };
        let port = |at: u16| number(at, 16) as u16;
        Some(Packet {
            source: address(SOURCE),
            destination: address(DESTINATION),
            protocol: number(PROTOCOL, 8) as u8,
            first: port(FIRST),
            second: port(SECOND),
            about: (address(OTHER), number(ABOUT_PROTOCOL, 8) as u8, port(ABOUT_FIRST), port(ABOUT_SECOND)),
        })
    }
}

fn variable(index: u16) -> BddVariable {
    BddVariable::from_index(usize::from(index))
}

/// The blocks, as a value and a number of leading bits, that a range is made of.
fn prefixes((low, high): Range, bits: u32) -> Vec<(u128, u32)> {
    let mut found = Vec::new();
    let mut at = low;
    loop {
        let mut free = at.trailing_zeros().min(bits);
        while free > 0 && (free == 128 || at + ((1_u128 << free) - 1) > high) {
            if free == 128 && at == 0 && high == u128::MAX {
                break;
            }
            free -= 1;
        }
        found.push((at, bits - free));
        let last = if free == 128 { u128::MAX } else { at + ((1_u128 << free) - 1) };
        if last >= high {
            return found;
        }
        at = last + 1;
    }
}
