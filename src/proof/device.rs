//! One device: what its rule set lets through against what its plan asks, way by way.

use std::collections::{BTreeMap, BTreeSet};

use super::asked::{Asked, Pair};
use super::gaps::{Blame, Gap, Gaps};
use super::guard::{self, Begin};
use super::lanes::Numbers;
use super::quick::{self, Lanes};
use crate::listing::{
    Action, Blur, COPIES, ChainId, Condition, Crossing, Direction, Evaluator, HELPER, Listing, Noticed, OFFLOAD, Rule,
    State, in_some_order, interfaces_besides,
};
use crate::packet::{AddressSet, FlowSet, FlowSpace, Protocol, ServiceSet, TooLarge};
use crate::plan::DevicePlan;

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
        let asked = Asked::new(space, plan)?;
        let forwards = if forwards_plainly(space, &asked, plan, listing)? { Forwards::Equal } else { Forwards::Open };
        if forwards == Forwards::Equal && plan.input.is_none() {
            let (extra, missing, perhaps) = (Vec::new(), Vec::new(), Some(Perhaps::default()));
            return Ok(Proof { verdict: Verdict::Equal, extra, missing, perhaps, unproven: Vec::new() });
        }
        Judge::new(plan, listing, asked).proof(space, forwards)
    });
    match found {
        Ok((_, proof)) => proof,
        Err(_) => Proof::unproven("the rule set has too many sets of packets to be compared"),
    }
}

/// What is known of forwarded packets before anything is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Forwards {
    /// They fare as the plan asks.
    Equal,
    /// Nothing.
    Open,
}

/// Whether a rule set surely does with forwarded packets what the plan asks, seen without computing what the rules mean; `false` says nothing.
fn forwards_plainly(
    space: &mut FlowSpace,
    asked: &Asked<'_>,
    plan: &DevicePlan,
    listing: &Listing,
) -> Result<bool, TooLarge> {
    if blurs(plan, listing).next().is_some() || !listing.diverts.is_empty() {
        return Ok(false);
    }
    let particular = particular(listing);
    let (names, stray) = (names(plan, &particular), stray(&particular));
    let Some(bases) = quick::plain_bases(listing) else { return Ok(false) };
    let is_guarded = !plan.quarantines.is_empty();
    let begin = |base| if is_guarded { Begin::behind_guards(listing, base) } else { Begin::at_once(base) };
    let begins: Vec<Begin<'_>> = bases.into_iter().map(begin).collect();
    if is_guarded && !guard::drops_exactly(listing, &begins, asked.held, &stray, space)? {
        return Ok(false);
    }
    // What stands before the rules may ask for states as it likes.
    let takes_related_as_new = !announces(listing) || !is_guarded && quick::takes_related_as_new(&particular);
    let (mut known, mut numbers) = (BTreeMap::new(), Numbers::default());
    for (incoming, outgoing) in names.iter().flat_map(|name| names.iter().map(move |other| (name, other))) {
        let way = Crossing::forward(incoming, outgoing);
        for direction in [Direction::Original, Direction::Reply, Direction::Error] {
            let later = way.of_connection(direction);
            if quick::passes_all(listing, &begins, &later) {
                continue;
            }
            if is_guarded {
                return Ok(false);
            }
            let evaluator = known.entry(direction).or_insert_with(|| Evaluator::new(listing));
            if !evaluator.passed(space, &later)?.surely.is_full() {
                return Ok(false);
            }
        }
        let lanes = |state| Lanes::of_way(listing, &begins, &way.in_state(state));
        let Some(new) = lanes(State::New) else { return Ok(false) };
        let related = [State::Related].into_iter().filter(|_| !takes_related_as_new);
        let mut others = stray.iter().copied().chain(related).map(lanes);
        let is_no_more = |lanes: Option<Lanes<'_>>| lanes.is_some_and(|lanes| lanes.is_empty() || lanes == new);
        if !others.all(is_no_more) || !new.is_plan(asked.rules(incoming, outgoing), &mut numbers, space)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What makes nothing certain: also packets that pass by the rules, if they should not, and copies of packets.
fn blurs<'l>(plan: &DevicePlan, listing: &'l Listing) -> impl Iterator<Item = &'l Noticed> {
    let is_guarded = !plan.quarantines.is_empty();
    listing.noticed.iter().filter(move |noticed| {
        let copies = noticed.is(COPIES) && noticed.blur == Blur::Beyond;
        noticed.blurs() || copies || is_guarded && noticed.is(OFFLOAD)
    })
}

/// Whether connections may announce others, so that packets are related that are no ICMP errors: a helper reads that out of them, and a device has none but those that a rule gives to connections.
fn announces(listing: &Listing) -> bool {
    listing.noticed.iter().any(|noticed| noticed.is(HELPER))
}

/// The rules that may ask for interfaces or states: few of many.
fn particular(listing: &Listing) -> Vec<&Rule> {
    listing.rules().filter(|rule| rule.asks_beyond_headers()).collect()
}

/// The interfaces of the plan, and one of each kind that the rules tell apart: also one that neither names.
fn names(plan: &DevicePlan, particular: &[&Rule]) -> Vec<String> {
    let own: Vec<&str> = plan.interfaces.iter().map(|interface| interface.name.as_str()).collect();
    // Nothing is forwarded over the loop-back interface; others may have names that begin like its own.
    let named: Vec<&str> = own.iter().copied().chain([LOOPBACK]).collect();
    let mut names = interfaces_besides(particular.iter().copied(), &named);
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
    asked: Asked<'a>,
    /// For packets judged by their own headers, and for those of connections in either direction: what one knows does not hold for the others.
    evaluators: BTreeMap<Option<Direction>, Evaluator<'a>>,
    extra: Gaps,
    missing: Gaps,
    perhaps_extra: Gaps,
    perhaps_missing: Gaps,
    unproven: BTreeSet<Doubt>,
}

impl<'a> Judge<'a> {
    fn new(plan: &'a DevicePlan, listing: &'a Listing, asked: Asked<'a>) -> Self {
        Self {
            plan,
            listing,
            asked,
            evaluators: BTreeMap::new(),
            extra: Gaps::default(),
            missing: Gaps::default(),
            perhaps_extra: Gaps::default(),
            perhaps_missing: Gaps::default(),
            unproven: BTreeSet::new(),
        }
    }

    fn proof(mut self, space: &mut FlowSpace, forwards: Forwards) -> Result<Proof, TooLarge> {
        let particular = particular(self.listing);
        let (names, stray) = (names(self.plan, &particular), stray(&particular));
        for incoming in &names {
            for outgoing in names.iter().filter(|_| forwards == Forwards::Open) {
                self.through(space, Crossing::forward(incoming, outgoing), &stray)?;
            }
            self.over_input(space, Crossing::input(incoming), &stray)?;
        }
        let blurs = blurs(self.plan, self.listing).map(|noticed| Doubt {
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
        let Pair { new, permitted } = self.asked.pair(space, incoming, outgoing)?;
        let answered = self.asked.pair(space, outgoing, incoming)?.new;
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
        if !announces(self.listing) {
            return Ok(());
        }
        // What else is related is no answer. The connection that announced it is not known, so nobody asks whether a quarantine cuts it.
        let icmp = icmp(space)?;
        let most = space.union(permitted, icmp)?;
        self.compare(space, way.in_state(State::Related), &Bounds { least: FlowSet::EMPTY, most })
    }

    fn over_input(&mut self, space: &mut FlowSpace, way: Crossing<'_>, stray: &[State]) -> Result<(), TooLarge> {
        let (Some(incoming), Some(input)) = (way.incoming, &self.asked.input) else { return Ok(()) };
        let (own, from_own, neighbours, errors) = (input.own, input.from_own, input.neighbours, input.errors);
        let Pair { new, permitted } = input.over(incoming);
        let elsewhere = space.complement(own)?;
        let errors = space.difference(errors, self.asked.held)?;
        let least = space.union_all(&[new, errors, neighbours])?;
        let most = space.union(least, elsewhere)?;
        self.compare(space, way, &Bounds { least, most })?;
        let uncut = space.complement(self.asked.held)?;
        let most_later = space.union_all(&[uncut, neighbours, elsewhere])?;
        self.compare(space, way.of_connection(Direction::Original), &Bounds { least: new, most: most_later })?;
        // Answers to what the device itself began.
        let answered = space.intersection(from_own, uncut)?;
        let held = space.difference(from_own, answered)?;
        let cut = space.complement(held)?;
        // What an answer of ICMP has, the first packet does not tell: it may be neighbour discovery.
        let icmp = icmp(space)?;
        let most_answers = space.union(cut, icmp)?;
        self.compare(space, way.of_connection(Direction::Reply), &Bounds { least: answered, most: most_answers })?;
        // An error is about a connection either way. Whether it is to the device itself, that connection does not say, so nobody asks for errors that are too many.
        let least = space.union(new, answered)?;
        self.compare(space, way.of_connection(Direction::Error), &Bounds { least, most: FlowSet::FULL })?;
        for state in stray {
            self.compare(space, way.in_state(*state), &Bounds { least: FlowSet::EMPTY, most })?;
        }
        if !announces(self.listing) {
            return Ok(());
        }
        let most = space.union_all(&[permitted, icmp, elsewhere])?;
        self.compare(space, way.in_state(State::Related), &Bounds { least: FlowSet::EMPTY, most })
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
                let diverting = evaluator.diverting(space, &way, vague)?.into_iter().map(|rule| Doubt {
                    line: rule.line,
                    text: rule.text.clone(),
                    because: "packets that it meets go to another destination, which the filter judges instead"
                        .to_owned(),
                });
                self.unproven.extend(diverting);
                let decides = |rule: &&Rule| rule.action != Action::Continue;
                self.unproven.extend(places.into_iter().filter_map(rule).filter(decides).map(doubt));
                if self.unproven.len() == before && before == 0 {
                    self.unproven.insert(Doubt::nowhere("some packets may pass or not, and no line says why"));
                }
            }
        }
        Ok(())
    }
}

/// All ICMP of both families.
fn icmp(space: &mut FlowSpace) -> Result<FlowSet, TooLarge> {
    let both = ServiceSet::protocol(Protocol::ICMP).union(&ServiceSet::protocol(Protocol::ICMP6));
    space.product(&AddressSet::full(), &AddressSet::full(), &both)
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
        None if rule.when.iter().any(Condition::is_of_header) => {
            "an ICMP error about a permitted connection may meet it: whom that comes from, the connection does not tell"
                .to_owned()
        }
        None => "where it leads is not known".to_owned(),
    };
    Doubt { line: rule.line, text: rule.text.clone(), because }
}
