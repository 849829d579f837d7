//! One device: what its rule set lets through against what its plan asks, way by way.

use std::collections::{BTreeMap, BTreeSet};

use super::asked::{Asked, Pair};
use super::gaps::{Blame, Gap, Gaps};
use super::lanes::Numbers;
use super::quick::{self, Lanes};
use crate::listing::{
    ChainId, Condition, Crossing, Direction, Evaluator, Listing, Rule, State, in_some_order, interfaces_besides,
};
use crate::packet::{AddressSet, FlowSet, FlowSpace, Protocol, ServiceSet, TooLarge};
use crate::plan::{DevicePlan, PairPlan};

/// What became of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// For all packets the device does what the policy asks.
    Equal,
    /// It surely does not.
    Differs,
    /// It is not decided.
    Unproven,
}

/// Something that keeps a comparison from being decided.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Doubt {
    /// The line, from 1; 0 if it is about no line.
    pub line: usize,
    /// Its text.
    pub text: String,
    /// What is not known.
    pub because: String,
}

/// What [`device`] finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Whether the device does what it should.
    pub verdict: Verdict,
    /// What surely passes and should not. (If something blurs the rule set as a whole, and the verdict is that it is unproven: what passes by the rules that were read.)
    pub extra: Vec<Gap>,
    /// What should pass and surely does not.
    pub missing: Vec<Gap>,
    /// What may pass and should not, and what should pass and may not, beyond what surely does: all that is not known of a device of which something is. `None` if nothing is.
    pub perhaps: Option<Perhaps>,
    /// What is not known, ascending.
    pub unproven: Vec<Doubt>,
}

/// What a device may do otherwise than asked, or may not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Perhaps {
    /// What may pass and should not.
    pub extra: Vec<Gap>,
    /// What should pass and may not.
    pub missing: Vec<Gap>,
}

impl Doubt {
    fn nowhere(because: &str) -> Self {
        Self { line: 0, text: String::new(), because: because.to_owned() }
    }
}

impl Proof {
    /// Nothing could be compared, for one reason.
    #[must_use]
    pub fn unproven(because: &str) -> Self {
        let unproven = vec![Doubt::nowhere(because)];
        Self { verdict: Verdict::Unproven, extra: Vec::new(), missing: Vec::new(), perhaps: None, unproven }
    }
}

/// Compares what a listing lets through with what a plan asks of its device, for all packets.
#[must_use]
pub fn device(plan: &DevicePlan, listing: &Listing) -> Proof {
    let found = in_some_order(|space| {
        if is_plainly_equal(space, plan, listing)? {
            let (extra, missing, perhaps) = (Vec::new(), Vec::new(), Some(Perhaps::default()));
            return Ok(Proof { verdict: Verdict::Equal, extra, missing, perhaps, unproven: Vec::new() });
        }
        let judge = Judge::new(space, plan, listing)?;
        judge.proof(space)
    });
    match found {
        Ok((_, proof)) => proof,
        Err(_) => Proof::unproven("the rule set has too many sets of packets to be compared"),
    }
}

/// Whether a rule set surely is what the plan asks, seen without computing what it means; `false` says nothing.
fn is_plainly_equal(space: &mut FlowSpace, plan: &DevicePlan, listing: &Listing) -> Result<bool, TooLarge> {
    if !plan.quarantines.is_empty() || plan.input.is_some() || listing.blurs().next().is_some() {
        return Ok(false);
    }
    let particular = particular(listing);
    if !stray(&particular).is_empty() {
        return Ok(false);
    }
    let names = names(plan, &particular);
    let takes_related_as_new = quick::takes_related_as_new(&particular);
    let Some(bases) = quick::plain_bases(listing) else { return Ok(false) };
    let name = |at: usize| plan.interfaces.get(at).map(|interface| interface.name.as_str());
    let ends = |pair: &PairPlan| Some((name(pair.in_interface)?, name(pair.out_interface)?));
    let pairs: BTreeMap<(&str, &str), &PairPlan> =
        plan.pairs.iter().filter_map(|pair| Some((ends(pair)?, pair))).collect();
    let (mut known, mut numbers) = (BTreeMap::new(), Numbers::default());
    for (incoming, outgoing) in names.iter().flat_map(|name| names.iter().map(move |other| (name, other))) {
        let way = Crossing::forward(incoming, outgoing);
        for direction in [Direction::Original, Direction::Reply, Direction::Error] {
            let later = way.of_connection(direction);
            if quick::passes_all(listing, &bases, &later) {
                continue;
            }
            let evaluator = known.entry(direction).or_insert_with(|| Evaluator::new(listing));
            if !evaluator.passed(space, &later)?.surely.is_full() {
                return Ok(false);
            }
        }
        let rules = pairs.get(&(incoming, outgoing)).map(|pair| pair.rules.as_slice()).unwrap_or_default();
        let lanes = |state| Lanes::of_way(listing, &bases, &way.in_state(state));
        let Some(new) = lanes(State::New) else { return Ok(false) };
        let is_related_the_same = takes_related_as_new || lanes(State::Related).is_some_and(|related| related == new);
        if !is_related_the_same || !new.is_plan(rules, &mut numbers, space)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The rules that may ask for interfaces or states: few of many.
fn particular(listing: &Listing) -> Vec<&Rule> {
    listing.rules().filter(|rule| rule.asks_beyond_headers()).collect()
}

/// The interfaces of the plan, and one of each kind that the rules tell apart: also one that neither names.
fn names(plan: &DevicePlan, particular: &[&Rule]) -> Vec<String> {
    let own: Vec<&str> = plan.interfaces.iter().map(|interface| interface.name.as_str()).collect();
    let mut names = interfaces_besides(particular.iter().copied(), &own);
    names.retain(|name| name != LOOPBACK || own.contains(&LOOPBACK));
    names.sort();
    names.dedup();
    names
}

/// The states without a connection that some rule tells from that of a first packet.
fn stray(particular: &[&Rule]) -> Vec<State> {
    let mut stray = vec![State::Invalid, State::Untracked];
    let mut told: BTreeSet<State> = BTreeSet::new();
    for rule in particular {
        rule.each_condition(&mut |condition| {
            if let Condition::State(states) = condition {
                let is_told = |state: &&State| states.0.contains(state) != states.0.contains(&State::New);
                told.extend(stray.iter().filter(is_told));
            }
        });
    }
    stray.retain(|state| told.contains(state));
    stray
}

/// Between which sets what passes must lie.
struct Bounds {
    /// All of these pass.
    least: FlowSet,
    /// None but these pass.
    most: FlowSet,
}

struct Judge<'a> {
    plan: &'a DevicePlan,
    listing: &'a Listing,
    asked: Asked,
    /// For packets judged by their own headers, and for those of connections in either direction: what one knows does not hold for the others.
    evaluators: BTreeMap<Option<Direction>, Evaluator<'a>>,
    extra: Gaps,
    missing: Gaps,
    perhaps_extra: Gaps,
    perhaps_missing: Gaps,
    unproven: BTreeSet<Doubt>,
}

impl<'a> Judge<'a> {
    fn new(space: &mut FlowSpace, plan: &'a DevicePlan, listing: &'a Listing) -> Result<Self, TooLarge> {
        Ok(Self {
            plan,
            listing,
            asked: Asked::new(space, plan)?,
            evaluators: BTreeMap::new(),
            extra: Gaps::default(),
            missing: Gaps::default(),
            perhaps_extra: Gaps::default(),
            perhaps_missing: Gaps::default(),
            unproven: BTreeSet::new(),
        })
    }

    fn proof(mut self, space: &mut FlowSpace) -> Result<Proof, TooLarge> {
        let particular = particular(self.listing);
        let (names, stray) = (names(self.plan, &particular), stray(&particular));
        for incoming in &names {
            for outgoing in &names {
                self.through(space, Crossing::forward(incoming, outgoing), &stray)?;
            }
            self.over_input(space, Crossing::input(incoming), &stray)?;
        }
        let blurs = self.listing.blurs().map(|noticed| Doubt {
            line: noticed.line,
            text: noticed.text.clone(),
            because: noticed.what.clone(),
        });
        let blurs: Vec<Doubt> = blurs.collect();
        let is_blurred = !blurs.is_empty();
        self.unproven.extend(blurs);
        let unproven: Vec<Doubt> = self.unproven.into_iter().collect();
        let differs = !(self.extra.is_empty() && self.missing.is_empty());
        let verdict = match (differs && !is_blurred, unproven.is_empty()) {
            (true, _) => Verdict::Differs,
            (false, true) => Verdict::Equal,
            (false, false) => Verdict::Unproven,
        };
        let [extra, missing] = [self.extra.shown(space)?, self.missing.shown(space)?];
        let [possible, vague] = [self.perhaps_extra.shown(space)?, self.perhaps_missing.shown(space)?];
        let perhaps = (!is_blurred).then_some(Perhaps { extra: possible, missing: vague });
        Ok(Proof { verdict, extra, missing, perhaps, unproven })
    }

    fn through(&mut self, space: &mut FlowSpace, way: Crossing<'_>, stray: &[State]) -> Result<(), TooLarge> {
        let (Some(incoming), Some(outgoing)) = (way.incoming, way.outgoing) else { return Ok(()) };
        let Pair { new, permitted } = self.asked.pair(incoming, outgoing);
        let answered = self.asked.pair(outgoing, incoming).new;
        self.compare(space, way, &Bounds { least: new, most: new })?;
        let uncut = space.complement(self.asked.held)?;
        self.compare(space, way.of_connection(Direction::Original), &Bounds { least: new, most: uncut })?;
        self.compare(space, way.of_connection(Direction::Reply), &Bounds { least: answered, most: uncut })?;
        for state in stray {
            self.compare(space, way.in_state(*state), &Bounds { least: FlowSet::EMPTY, most: new })?;
        }
        // An error is about a connection either way.
        let least = space.union(new, answered)?;
        self.compare(space, way.of_connection(Direction::Error), &Bounds { least, most: uncut })?;
        // What else is related is no answer. The connection that announced it is not known, so nobody asks whether a quarantine cuts it.
        let icmp = ServiceSet::protocol(Protocol::ICMP).union(&ServiceSet::protocol(Protocol::ICMP6));
        let icmp = space.product(&AddressSet::full(), &AddressSet::full(), &icmp)?;
        let most = space.union(permitted, icmp)?;
        self.compare(space, way.in_state(State::Related), &Bounds { least: FlowSet::EMPTY, most })
    }

    fn over_input(&mut self, space: &mut FlowSpace, way: Crossing<'_>, stray: &[State]) -> Result<(), TooLarge> {
        let (Some(incoming), Some(input)) = (way.incoming, &self.asked.input) else { return Ok(()) };
        let (own, neighbours, errors) = (input.own, input.neighbours, input.errors);
        let new = input.over(incoming);
        let elsewhere = space.complement(own)?;
        let errors = space.difference(errors, self.asked.held)?;
        let least = space.union_all(&[new, errors, neighbours])?;
        let most = space.union(least, elsewhere)?;
        self.compare(space, way, &Bounds { least, most })?;
        let uncut = space.complement(self.asked.held)?;
        let most_later = space.union_all(&[uncut, neighbours, elsewhere])?;
        self.compare(space, way.of_connection(Direction::Original), &Bounds { least: new, most: most_later })?;
        for state in stray {
            self.compare(space, way.in_state(*state), &Bounds { least: FlowSet::EMPTY, most })?;
        }
        Ok(())
    }

    fn compare(&mut self, space: &mut FlowSpace, way: Crossing<'_>, bounds: &Bounds) -> Result<(), TooLarge> {
        let evaluator = self.evaluators.entry(way.direction).or_insert_with(|| Evaluator::new(self.listing));
        let passed = evaluator.passed(space, &way)?;
        if passed.surely == passed.possibly && bounds.least == passed.surely && bounds.most == passed.surely {
            return Ok(());
        }
        let extra = space.difference(passed.surely, bounds.most)?;
        self.extra.add(space, evaluator, &way, extra, Blame::Accepting)?;
        let missing = space.difference(bounds.least, passed.possibly)?;
        self.missing.add(space, evaluator, &way, missing, Blame::Dropping)?;
        if passed.surely != passed.possibly {
            let vague = space.difference(passed.possibly, passed.surely)?;
            let too_much = space.difference(vague, bounds.most)?;
            let too_little = space.intersection(vague, bounds.least)?;
            self.perhaps_extra.add(space, evaluator, &way, too_much, Blame::Accepting)?;
            self.perhaps_missing.add(space, evaluator, &way, too_little, Blame::Dropping)?;
            let vague = space.union(too_much, too_little)?;
            if !vague.is_empty() {
                let places = evaluator.unknown(space, &way, vague)?;
                let rules = || self.listing.chains.iter().map(|chain| &chain.rules);
                let rule = |(chain, rule): (ChainId, usize)| rules().nth(chain.0)?.get(rule);
                let before = self.unproven.len();
                self.unproven.extend(places.into_iter().filter_map(rule).map(doubt));
                if self.unproven.len() == before && before == 0 {
                    self.unproven.insert(Doubt::nowhere("some packets may pass or not, and no line says why"));
                }
            }
        }
        Ok(())
    }
}

/// The loop-back interface: what arrives there the device sent itself.
const LOOPBACK: &str = "lo";

/// Why a rule leaves something open.
fn doubt(rule: &Rule) -> Doubt {
    let because = match rule.unknown() {
        Some(text) => format!("`{text}` is not understood, or asks for more than a packet shows"),
        None if rule.asks_for_first() => {
            "it asks for a connection that is not known, such as that of an ICMP error".to_owned()
        }
        None => "where it leads is not known".to_owned(),
    };
    Doubt { line: rule.line, text: rule.text.clone(), because }
}
