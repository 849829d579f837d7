//! Whether two rule sets mean the same, on every way through, to and from the device.
//!
//! Two listings that are understood and say the same in the same words do. Otherwise every kind of crossing that either can tell apart is compared: what
//! one surely passes and the other surely drops is a difference; where something unknown decides, nothing is proved. Where rules ask for the first packet of a connection
//! (quarantines do), later packets are told apart by that one, not by their own headers.

use std::collections::BTreeMap;

use super::crossing::{Crossing, Direction, crossings, interfaces, states};
use super::evaluate::{Evaluator, Passed, in_some_order};
use super::types::{COPIES, Chain, ChainId, HELPER, Hook, Listing, OFFLOAD, Rule, State};
use super::unusual::unusual;
use crate::packet::{Family, Flow, FlowSet, FlowSpace, Product, TooLarge, Wishes};

/// A way by the names of its interfaces.
pub type Way = (Hook, Option<String>, Option<String>, State);

/// Packets that one of two listings passes and the other drops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The ways on which these and no other packets differ so.
    pub ways: Vec<Way>,
    /// Set if what follows are the first packets of the connections that packets going this way belong to; else it is packets by their own headers.
    pub direction: Option<Direction>,
    /// What only the first passes: maximal products, each with one of its packets.
    pub only_first: Vec<(Product, Flow)>,
    /// What only the second passes.
    pub only_second: Vec<(Product, Flow)>,
}

/// What keeps two listings from being proved equal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Doubt {
    /// The lines of the first that decide packets by something unknown.
    pub first: Vec<usize>,
    /// The lines of the second.
    pub second: Vec<usize>,
}

/// What [`compare`] finds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Where the two surely differ; empty if nowhere.
    pub differences: Vec<Difference>,
    /// Set if some packets may or may not be treated alike.
    pub doubt: Option<Doubt>,
    /// How many kinds of ways were compared.
    pub ways: usize,
}

impl Comparison {
    /// Whether the two are proved to mean the same.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.differences.is_empty() && self.doubt.is_none()
    }
}

/// Compares two listings on every way.
///
/// # Errors
/// [`TooLarge`] if some sets are, in every order of fields.
pub fn compare(first: &Listing, second: &Listing) -> Result<Comparison, TooLarge> {
    let (first, second) = (&*unusual(first), &*unusual(second));
    let is_known = |listing: &Listing| {
        listing.blurs().next().is_none()
            && opening(listing).is_empty()
            && listing.diverts.is_empty()
            && !listing.rules().any(Rule::is_unknown)
    };
    if is_known(first) && is_known(second) && wording(first) == wording(second) {
        return Ok(Comparison::default());
    }
    let names = interfaces(&[first, second]);
    let by_first = asks_for_first(first) || asks_for_first(second);
    let states = if by_first { STATES.to_vec() } else { states(&[first, second]) };
    let mut ways: Vec<Crossing<'_>> =
        [Hook::Forward, Hook::Input, Hook::Output].iter().flat_map(|hook| crossings(*hook, &names, &states)).collect();
    if by_first {
        ways = ways.into_iter().flat_map(of_connections).collect();
        // What is known of a chain holds for one direction.
        ways.sort_by_key(|way| way.direction);
    }
    let (_, found) = in_some_order(|space| {
        let mut both = Both { first: Evaluator::new(first), second: Evaluator::new(second) };
        both.compare(space, &ways)
    })?;
    Ok(found)
}

const STATES: [State; 5] = [State::New, State::Established, State::Related, State::Invalid, State::Untracked];

fn asks_for_first(listing: &Listing) -> bool {
    listing.chains.iter().flat_map(|chain| &chain.rules).any(Rule::asks_for_first)
}

/// A way, once for each direction in which a packet of a connection may go: where rules ask for the first packet of a connection, its own header does not tell.
fn of_connections(way: Crossing<'_>) -> Vec<Crossing<'_>> {
    match way.state {
        State::Established => vec![way.of_connection(Direction::Original), way.of_connection(Direction::Reply)],
        // An announced packet is the first of its connection.
        State::Related => {
            vec![Crossing { direction: Some(Direction::Original), ..way }, way.of_connection(Direction::Error)]
        }
        State::New | State::Invalid | State::Untracked => vec![way],
    }
}

/// A listing without the places of its lines.
fn wording(listing: &Listing) -> Listing {
    let rule = |rule: &Rule| Rule { line: 0, text: String::new(), ..rule.clone() };
    let chain = |chain: &Chain| Chain { name: String::new(), line: 0, rules: chain.rules.iter().map(rule).collect() };
    let mut noticed = listing.noticed.clone();
    noticed.retain(|one| one.blurs());
    noticed.iter_mut().for_each(|one| one.line = 0);
    let (bases, diverts) = (listing.bases.clone(), listing.diverts.clone());
    Listing { bases, chains: listing.chains.iter().map(chain).collect(), diverts, noticed }
}

struct Both<'a> {
    first: Evaluator<'a>,
    second: Evaluator<'a>,
}

impl Both<'_> {
    fn compare(&mut self, space: &mut FlowSpace, ways: &[Crossing<'_>]) -> Result<Comparison, TooLarge> {
        let mut differing: BTreeMap<(Option<Direction>, FlowSet, FlowSet), Vec<Way>> = BTreeMap::new();
        let mut doubt = Doubt::default();
        let mut is_doubtful =
            self.first.listing.blurs().next().is_some() || self.second.listing.blurs().next().is_some();
        let [first, second] = [self.first.listing, self.second.listing].map(opening);
        for (own, other, lines) in [(&first, &second, &mut doubt.first), (&second, &first, &mut doubt.second)] {
            let alone = own.iter().filter(|(what, text, _)| !other.iter().any(|one| (one.0, one.1) == (*what, *text)));
            lines.extend(alone.map(|(_, _, line)| *line));
            is_doubtful |= !lines.is_empty();
        }
        for way in ways {
            let (first, second) = (self.first.passed(space, way)?, self.second.passed(space, way)?);
            let only_first = space.difference(first.surely, second.possibly)?;
            let only_second = space.difference(second.surely, first.possibly)?;
            if !(only_first.is_empty() && only_second.is_empty()) {
                differing.entry((way.direction, only_first, only_second)).or_default().push(named(way));
            }
            let (vague_first, vague_second) = (vague(space, first)?, vague(space, second)?);
            is_doubtful |= !(vague_first.is_empty() && vague_second.is_empty());
            blame(&mut self.first, space, way, vague_first, &mut doubt.first)?;
            blame(&mut self.second, space, way, vague_second, &mut doubt.second)?;
        }
        let mut differences = Vec::with_capacity(differing.len());
        for ((direction, first, second), ways) in differing {
            let (only_first, only_second) = (shown(space, first)?, shown(space, second)?);
            differences.push(Difference { ways, direction, only_first, only_second });
        }
        differences.sort_by(|a, b| (&a.ways, a.direction).cmp(&(&b.ways, b.direction)));
        Ok(Comparison { differences, doubt: is_doubtful.then_some(doubt), ways: ways.len() })
    }
}

/// What lets packets pass that no rule decides about: what it is, its text, and its line.
fn opening(listing: &Listing) -> Vec<(&str, &str, usize)> {
    let opens = listing.noticed.iter().filter(|one| [HELPER, OFFLOAD, COPIES].iter().any(|what| one.is(what)));
    opens.map(|one| (one.what.as_str(), one.text.as_str(), one.line)).collect()
}

fn named(way: &Crossing<'_>) -> Way {
    (way.hook, way.incoming.map(str::to_owned), way.outgoing.map(str::to_owned), way.state)
}

/// The packets of which it is not known whether they pass.
fn vague(space: &mut FlowSpace, passed: Passed) -> Result<FlowSet, TooLarge> {
    space.difference(passed.possibly, passed.surely)
}

/// Adds the lines with something unknown that some packets come to, if there are any.
fn blame(
    evaluator: &mut Evaluator<'_>,
    space: &mut FlowSpace,
    way: &Crossing<'_>,
    flows: FlowSet,
    found: &mut Vec<usize>,
) -> Result<(), TooLarge> {
    if !flows.is_empty() {
        let places = evaluator.unknown(space, way, flows)?;
        let line = |(chain, rule): (ChainId, usize)| {
            evaluator.listing.chains.get(chain.0)?.rules.get(rule).map(|rule| rule.line)
        };
        found.extend(places.into_iter().filter_map(line));
        found.extend(evaluator.diverting(space, way, flows)?.into_iter().map(|rule| rule.line));
        found.sort_unstable();
        found.dedup();
    }
    Ok(())
}

fn shown(space: &mut FlowSpace, set: FlowSet) -> Result<Vec<(Product, Flow)>, TooLarge> {
    let mut shown = Vec::new();
    for product in space.maximal(set)? {
        let one = space.product(&product.sources, &product.destinations, &product.services)?;
        let family = if product.sources.is_empty_in(Family::V4) { Family::V6 } else { Family::V4 };
        let witness = space.witness(one.only(family), &Wishes::default());
        shown.extend(witness.map(|witness| (product, witness)));
    }
    Ok(shown)
}
