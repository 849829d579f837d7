//! What the program says of two rule sets, and whether the judge agrees to the last packet.

#![allow(dead_code, reason = "two test programs include this module, neither uses all of it")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use biodivine_lib_bdd::Bdd;
use sekisho::listing::{Comparison, Crossing, Difference, Direction, Evaluator, Hook, Listing, State, compare};
use sekisho::packet::{AddressSet, Family, Flow, FlowSpace, Product};
use sekisho::platform;

use crate::judge::{self, Judge, Packet, Range, Refusal, RuleSet, Situation, Way};

/// The files of a firewall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Files {
    Nft(String),
    Iptables { v4: String, v6: String },
}

impl Files {
    /// As the program reads them.
    pub fn listing(&self) -> Listing {
        let (name, files) = match self {
            Self::Nft(text) => ("nftables", vec![("ruleset.nft", text.as_str())]),
            Self::Iptables { v4, v6 } => ("iptables", vec![("rules.v4", v4.as_str()), ("rules.v6", v6.as_str())]),
        };
        let platform = platform::by_name(name).expect("the platform is there");
        platform.read(&files).expect("it is read")
    }

    /// As the judge reads them.
    pub fn rules(&self) -> Result<RuleSet, Refusal> {
        match self {
            Self::Nft(text) => judge::nft(text),
            Self::Iptables { v4, v6 } => judge::iptables(v4, v6),
        }
    }

    /// How many lines they have together.
    pub fn lines(&self) -> usize {
        match self {
            Self::Nft(text) => text.lines().count(),
            Self::Iptables { v4, v6 } => v4.lines().count() + v6.lines().count(),
        }
    }
}

/// What is said of two rule sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Equal,
    Differs,
    Unproven,
}

/// What the program says.
pub struct Said {
    pub verdict: Verdict,
    pub comparison: Comparison,
    pub first: Listing,
    pub second: Listing,
}

pub fn ask(first: &Files, second: &Files) -> Result<Said, String> {
    let (first, second) = (first.listing(), second.listing());
    let comparison = compare(&first, &second).map_err(|_| "too large".to_owned())?;
    let verdict = match (comparison.differences.is_empty(), &comparison.doubt) {
        (false, _) => Verdict::Differs,
        (true, Some(_)) => Verdict::Unproven,
        (true, None) => Verdict::Equal,
    };
    Ok(Said { verdict, comparison, first, second })
}

impl Said {
    /// Why nothing is proved, in the words of the program: the unknown lines that packets come to, and what blurs the whole.
    pub fn reasons(&self) -> Vec<String> {
        let Some(doubt) = &self.comparison.doubt else { return Vec::new() };
        let mut found = Vec::new();
        for (listing, lines) in [(&self.first, &doubt.first), (&self.second, &doubt.second)] {
            let rules = listing.chains.iter().flat_map(|chain| &chain.rules);
            found.extend(rules.filter(|rule| lines.contains(&rule.line)).map(|rule| rule.text.clone()));
            found.extend(listing.noticed.iter().filter(|one| one.blurs()).map(|one| one.what.clone()));
        }
        found
    }

    /// The lines of the second rule set that decide the packets that differ.
    pub fn blamed(&self) -> Result<BTreeSet<usize>, String> {
        let mut space = FlowSpace::default();
        let mut evaluator = Evaluator::new(&self.second);
        let mut found = BTreeSet::new();
        for difference in &self.comparison.differences {
            let Some(way) = difference.ways.first() else { continue };
            for (product, _) in difference.only_first.iter().chain(&difference.only_second) {
                let flows = space.product(&product.sources, &product.destinations, &product.services);
                let flows = flows.map_err(|_| "too large".to_owned())?;
                let decided = evaluator
                    .deciders(&mut space, &crossing(way, difference.direction), flows)
                    .map_err(|_| "too large".to_owned())?;
                found.extend(decided.iter().map(|one| one.line));
            }
        }
        Ok(found)
    }

    /// Whether what is said to differ is what the judge finds to differ.
    ///
    /// # Errors
    /// Where not, in words.
    pub fn agrees(
        &self,
        judge: &mut Judge,
        first: &RuleSet,
        second: &RuleSet,
        theirs: &[judge::Difference],
    ) -> Result<(), String> {
        for difference in &self.comparison.differences {
            for (hook, incoming, outgoing, state) in difference.ways.iter().take(6) {
                let way = Way {
                    hook: hook_of(*hook),
                    incoming: incoming.clone().unwrap_or_default(),
                    outgoing: outgoing.clone().unwrap_or_default(),
                };
                let situation = match difference.direction {
                    Some(Direction::Reply) => Situation::Back,
                    Some(Direction::Error) => Situation::ErrorBack,
                    None | Some(Direction::Original) => situation_of(*state),
                };
                let (a, b) = (judge.passing_of(first, &way, situation), judge.passing_of(second, &way, situation));
                for (products, wanted) in
                    [(&difference.only_first, a.and_not(&b)), (&difference.only_second, b.and_not(&a))]
                {
                    let wanted = wanted.and(&judge.space.universe(situation));
                    let false_witness = products
                        .iter()
                        .filter_map(|(_, flow)| shown_as(flow, situation))
                        .find(|packet| !judge.space.holds(&wanted, packet));
                    if let Some(packet) = false_witness {
                        return Err(format!("{way:?} {situation:?}: {packet:?} is no witness"));
                    }
                    if !matches!(situation, Situation::Back | Situation::ErrorBack) {
                        is_exactly(judge, &way, situation, products, &wanted)?;
                    }
                }
            }
        }
        self.misses(first, second, theirs)
    }

    /// Whether every way on which the judge sees a difference is said to have one.
    fn misses(&self, first: &RuleSet, second: &RuleSet, theirs: &[judge::Difference]) -> Result<(), String> {
        let mut patterns = first.interfaces();
        patterns.extend(second.interfaces());
        let kind = |name: &str| -> Vec<bool> {
            patterns
                .iter()
                .map(|(known, begins)| if *begins { name.starts_with(known.as_str()) } else { name == known })
                .collect()
        };
        for one in theirs.iter().filter(|one| matches!(one.situation, Situation::First | Situation::Forth)) {
            let is_it = |(hook, incoming, outgoing, state): &(Hook, Option<String>, Option<String>, State)| {
                hook_of(*hook) == one.way.hook
                    && kind(incoming.as_deref().unwrap_or_default()) == kind(&one.way.incoming)
                    && kind(outgoing.as_deref().unwrap_or_default()) == kind(&one.way.outgoing)
                    && (situation_of(*state).state() == one.situation.state() || one.situation == Situation::Forth)
            };
            let shown = |difference: &&Difference| {
                matches!(difference.direction, None | Some(Direction::Original)) && difference.ways.iter().any(is_it)
            };
            if !self.comparison.differences.iter().any(|difference| shown(&difference)) {
                return Err(format!("{:?} {:?} is not said to differ", one.way, one.situation));
            }
        }
        Ok(())
    }
}

/// Whether products hold what they should, and nothing else.
fn is_exactly(
    judge: &Judge,
    way: &Way,
    situation: Situation,
    products: &[(Product, Flow)],
    wanted: &Bdd,
) -> Result<(), String> {
    let found = products.iter().fold(judge.space.none(), |all, (product, _)| all.or(&set_of(judge, product)));
    let found = found.and(&judge.space.universe(situation));
    if found == *wanted { Ok(()) } else { Err(told(judge, way, situation, &found, wanted)) }
}

/// A packet of a connection that began with this flow; none where the judge knows none.
fn shown_as(flow: &Flow, situation: Situation) -> Option<Packet> {
    let protocol = flow.service.protocol.0;
    let (a, b) = (flow.service.a, flow.service.b);
    let is_six = flow.source.is_ipv6();
    let plain = Packet {
        source: flow.source,
        destination: flow.destination,
        protocol,
        first: a,
        second: b,
        about: (flow.source, 0, 0, 0),
    };
    let is_icmp = matches!(protocol, 1 | 58);
    if is_icmp && a != if is_six { 128 } else { 8 } && matches!(situation, Situation::Back | Situation::ErrorBack) {
        return None;
    }
    Some(match situation {
        Situation::Back => {
            let (first, second) = match (is_icmp, is_six) {
                (false, _) => (b, a),
                (true, false) => (0, b),
                (true, true) => (129, b),
            };
            Packet { source: flow.destination, destination: flow.source, first, second, ..plain }
        }
        Situation::ErrorBack => Packet {
            source: flow.destination,
            destination: flow.source,
            protocol: if is_six { 58 } else { 1 },
            first: if is_six { 1 } else { 3 },
            second: 1,
            about: if is_icmp {
                (flow.destination, protocol, 0, a << 8 | b)
            } else {
                (flow.destination, protocol, a, b)
            },
        },
        _ => plain,
    })
}

fn told(judge: &Judge, way: &Way, situation: Situation, found: &Bdd, wanted: &Bdd) -> String {
    let mut text = format!("{way:?} {situation:?}:");
    for (what, set) in [("said to differ", found.and_not(wanted)), ("said not to differ", wanted.and_not(found))] {
        if let Some(packet) = judge.space.member(&set, &mut || false) {
            write!(text, " {what}: {packet:?}").expect("text takes text");
        }
    }
    text
}

fn hook_of(hook: Hook) -> judge::Hook {
    match hook {
        Hook::Input | Hook::Prerouting => judge::Hook::Input,
        Hook::Output | Hook::Postrouting => judge::Hook::Output,
        Hook::Forward => judge::Hook::Forward,
    }
}

fn situation_of(state: State) -> Situation {
    match state {
        State::New => Situation::First,
        State::Established => Situation::Forth,
        State::Related => Situation::Announced,
        State::Invalid => Situation::Invalid,
        State::Untracked => Situation::Untracked,
    }
}

fn crossing(way: &(Hook, Option<String>, Option<String>, State), direction: Option<Direction>) -> Crossing<'_> {
    Crossing { hook: way.0, incoming: way.1.as_deref(), outgoing: way.2.as_deref(), state: way.3, direction }
}

/// A product of the program as a set of the judge.
fn set_of(judge: &Judge, product: &Product) -> Bdd {
    let mut all = judge.space.none();
    for (family, number) in [(Family::V4, 4), (Family::V6, 6)] {
        let addresses = |set: &AddressSet| -> Vec<Range> {
            set.only(family).ranges().map(|range| (value(range.first()), value(range.last()))).collect()
        };
        let (sources, destinations) = (addresses(&product.sources), addresses(&product.destinations));
        if sources.is_empty() || destinations.is_empty() {
            continue;
        }
        for rectangle in product.services.rectangles() {
            let protocols = [(u128::from(rectangle.protocols.first), u128::from(rectangle.protocols.last))];
            let any = [(0, 65535)];
            let a = [(u128::from(rectangle.a.first), u128::from(rectangle.a.last))];
            let b: Vec<Range> =
                rectangle.b.intervals().iter().map(|one| (u128::from(one.first), u128::from(one.last))).collect();
            let (a, b): (&[Range], &[Range]) = if rectangle.whole { (&any, &any) } else { (&a, &b) };
            all = all.or(&judge.product(number, [&sources, &destinations, &protocols, a, b]));
        }
    }
    all
}

fn value(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(four) => u128::from(u32::from(four)),
        IpAddr::V6(six) => u128::from(six),
    }
}
