//! Most rule sets say what their plan says in the same products: each rule one line a family. Then nothing needs to be computed.
//!
//! What a way through the device lets pass is flattened to the products of its lines. Where every line accepts, their order does not matter, so products that stand on both sides cancel out; what is left
//! is cut into slices, and only if these are too many compared as sets. Whatever does not fit into that (a line that drops after one that accepts, something unknown, several chains at one hook) is left to the
//! comparison of sets, which decides everything.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use super::entries::{self, Entry};
use super::gone::{self, Gone};
use super::guard::Begin;
use super::lanes::{Lane, Lists, Numbers, Shared};
use crate::listing::{Action, Base, ChainId, Condition, Crossing, Direction, Hook, Listing, Rule, State};
use crate::packet::{AddressSet, Family, FlowSpace, Protocol, ServiceSet, TooLarge};
use crate::plan::PlannedRule;
use crate::syntax::ast::Effect;

/// What a way lets through, as lines: first some that drop, then some that accept; the rest is dropped.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lanes<'a> {
    drops: Vec<Lane<'a>>,
    accepts: Vec<Lane<'a>>,
    /// Whether a line has ended the list for every packet.
    is_ended: bool,
    /// How many of `accepts` no further line can meet the packets of.
    elsewhere: usize,
    /// The family that the lines are asked about; `None` if both are.
    family: Option<Family>,
}

/// Chains that call each other deeper than this are not flattened.
const DEEPEST: usize = 8;
/// More products than this are not made out of a list, in which chains are shared.
const MOST: usize = 2_000_000;
/// More products than this are not made out of the conditions of one rule: several lists of alternatives multiply.
const MOST_OF_ONE: usize = 200_000;

/// A product on the way down through conditional jumps; `None` is all of a dimension.
#[derive(Debug, Clone, Default)]
struct Within<'a> {
    family: Option<Family>,
    source: Option<Shared<'a, AddressSet>>,
    destination: Option<Shared<'a, AddressSet>>,
    services: Option<Shared<'a, ServiceSet>>,
    is_empty: bool,
}

impl<'a> Within<'a> {
    /// Adds conditions: the products that meet all of them; `None` if one of them is not a plain one.
    fn and(&self, conditions: &'a [Condition], way: &Crossing<'_>) -> Option<impl Iterator<Item = Self> + use<'a>> {
        let mut one = self.clone();
        for (at, condition) in conditions.iter().enumerate() {
            match condition.is_settled_by(way) {
                Some(true) => {}
                Some(false) => return Some(None.into_iter().chain(Vec::new())),
                None if matches!(condition, Condition::AnyOf(_)) => {
                    let several = one.and_each(conditions.get(at..).unwrap_or_default(), way)?;
                    return Some(None.into_iter().chain(several));
                }
                None => one.narrow(condition)?,
            }
        }
        Some(Some(one).into_iter().chain(Vec::new()))
    }

    /// The same where some of the conditions are lists of which one must hold.
    fn and_each(self, conditions: &'a [Condition], way: &Crossing<'_>) -> Option<Vec<Self>> {
        let mut result = vec![self];
        for condition in conditions {
            if let Some(holds) = condition.is_settled_by(way) {
                if !holds {
                    return Some(Vec::new());
                }
            } else if let Condition::AnyOf(lists) = condition {
                let mut several = Vec::new();
                for one in &result {
                    for list in lists {
                        several.append(&mut one.clone().and_each(list, way)?);
                        if several.len() > MOST_OF_ONE {
                            return None;
                        }
                    }
                }
                result = several;
            } else {
                for one in &mut result {
                    one.narrow(condition)?;
                }
            }
        }
        Some(result)
    }

    fn narrow(&mut self, condition: &'a Condition) -> Option<()> {
        match condition {
            Condition::Family(family) => {
                self.is_empty |= self.family.is_some_and(|known| known != *family);
                self.family = Some(*family);
            }
            Condition::Source(set) => self.source = Some(met(self.source.as_ref(), set)),
            Condition::Destination(set) => self.destination = Some(met(self.destination.as_ref(), set)),
            Condition::Service(set) => {
                self.services = Some(match &self.services {
                    None => Cow::Borrowed(set),
                    Some(known) => Cow::Owned(Arc::new(known.intersection(set))),
                });
            }
            _ => return None,
        }
        Some(())
    }

    /// What is left when some packets are gone.
    fn leave(&mut self, gone: Gone) {
        match gone {
            Gone::None => {}
            Gone::All => self.is_empty = true,
            Gone::From(set) => self.source = Some(left(self.source.as_ref(), &set)),
            Gone::To(set) => self.destination = Some(left(self.destination.as_ref(), &set)),
        }
    }

    /// Whether it is all of a family, or of both.
    fn is_all(&self, family: Option<Family>) -> bool {
        let is_any = self.services.as_ref().is_none_or(|services| services.is_any());
        (self.family.is_none() || self.family == family)
            && self.source.is_none()
            && self.destination.is_none()
            && is_any
    }
}

/// What is both in a set, if there is one, and in another one.
fn met<'a>(known: Option<&Shared<'a, AddressSet>>, set: &'a Arc<AddressSet>) -> Shared<'a, AddressSet> {
    known.map_or(Cow::Borrowed(set), |known| Cow::Owned(Arc::new(known.intersection(set))))
}

/// What is left of a set, or of all, without another one.
fn left<'a>(known: Option<&Shared<'a, AddressSet>>, gone: &AddressSet) -> Shared<'a, AddressSet> {
    Cow::Owned(Arc::new(known.map_or_else(|| gone.complement(), |known| known.difference(gone))))
}

impl<'a> Lanes<'a> {
    /// Of the packets of a way, which come to the rules of these [base chains](plain_bases); `None` if the rule set is not that plain. Of related packets, those aside that are accepted as ICMP errors.
    pub(super) fn of_way(listing: &'a Listing, begins: &[Begin<'_>], way: &Crossing<'_>) -> Option<Self> {
        let mut lanes = Self::default();
        for begin in begins {
            let [family, rest @ ..] = begin.base.families.as_slice() else { continue };
            // The packets of another base chain are of the other family.
            lanes.family = rest.is_empty().then_some(*family);
            lanes.is_ended = false;
            lanes.elsewhere = lanes.accepts.len();
            let within = Within { family: lanes.family, ..Within::default() };
            let rules = &listing.chains.get(begin.chain.0)?.rules;
            lanes.rules(listing, rules.get(begin.from..)?, &within, way, 0)?;
            let is_dropped = begin.is_in_base() && begin.base.policy == Action::Drop;
            if !lanes.is_ended && !is_dropped {
                return None;
            }
        }
        Some(lanes)
    }

    fn chain(
        &mut self,
        listing: &'a Listing,
        id: ChainId,
        within: &Within<'a>,
        way: &Crossing<'_>,
        depth: usize,
    ) -> Option<()> {
        let chain = listing.chains.get(id.0).filter(|_| depth < DEEPEST)?;
        self.rules(listing, &chain.rules, within, way, depth)
    }

    /// What a chain says from some rule on.
    fn rules(
        &mut self,
        listing: &'a Listing,
        rules: &'a [Rule],
        within: &Within<'a>,
        way: &Crossing<'_>,
        depth: usize,
    ) -> Option<()> {
        let mut within = within.clone();
        for rule in rules {
            if self.is_ended || within.is_empty {
                break;
            }
            if way.state == State::Related && accepts_errors(rule) {
                continue;
            }
            // Asked first: it looks at no address, and conditions may be long.
            if rule.when.iter().any(|one| one.is_settled_by(way) == Some(false)) {
                continue;
            }
            match &rule.action {
                Action::Choose(entries) => {
                    let chosen = entries::apart(entries, way)?;
                    for inner in within.and(&rule.when, way)? {
                        self.choose(listing, &chosen, &inner, way, depth)?;
                    }
                    within.leave(gone::gone(rule, &chosen, way)?);
                }
                action => {
                    for inner in within.and(&rule.when, way)? {
                        self.action(listing, action, inner, way, depth)?;
                    }
                    within.leave(gone::gone(rule, &[], way)?);
                }
            }
        }
        Some(())
    }

    fn action(
        &mut self,
        listing: &'a Listing,
        action: &'a Action,
        within: Within<'a>,
        way: &Crossing<'_>,
        depth: usize,
    ) -> Option<()> {
        if within.is_empty || self.is_ended {
            return Some(());
        }
        match action {
            Action::Continue => Some(()),
            Action::Accept => {
                push(&mut self.accepts, within);
                (self.accepts.len() < MOST).then_some(())
            }
            Action::Drop if within.is_all(self.family) => {
                self.is_ended = true;
                Some(())
            }
            Action::Drop => {
                push(&mut self.drops, within);
                (self.accepts.len() == self.elsewhere).then_some(())
            }
            // Those that go to another chain for good are taken from the rest of this one.
            Action::Jump(target) | Action::Goto(target) => self.chain(listing, *target, &within, way, depth + 1),
            Action::Choose(entries) => self.choose(listing, &entries::apart(entries, way)?, &within, way, depth),
            Action::Return | Action::Unknown(_) => None,
        }
    }

    /// The entries of a verdict map that packets of the way can meet; where no packet is in two of them, one may drop after another one has accepted.
    fn choose(
        &mut self,
        listing: &'a Listing,
        entries: &[&'a Entry],
        within: &Within<'a>,
        way: &Crossing<'_>,
        depth: usize,
    ) -> Option<()> {
        if within.is_empty || self.is_ended {
            return Some(());
        }
        let before = self.elsewhere;
        let is_first = self.accepts.len() == before;
        for (conditions, action) in entries {
            if is_first {
                self.elsewhere = self.accepts.len();
            }
            for inner in within.and(conditions, way)? {
                self.action(listing, action, inner, way, depth)?;
            }
        }
        self.elsewhere = before;
        Some(())
    }

    /// Whether it lets nothing through.
    pub(super) fn is_empty(&self) -> bool {
        self.accepts.is_empty()
    }

    /// Whether a way surely lets through what a list of rules of a plan does. Products on both sides cancel out, what is left is compared in slices or in a space; `numbers` are those of the device.
    ///
    /// # Errors
    /// [`TooLarge`] if the space has no room for what is left.
    pub(super) fn is_plan(
        &self,
        rules: &[PlannedRule],
        numbers: &mut Numbers,
        space: &mut FlowSpace,
    ) -> Result<bool, TooLarge> {
        let of = |effect| products(rules.iter().filter(move |rule| rule.effect == effect));
        Ok(alike(&self.drops, of(Effect::Deny), &[], numbers, space)?
            && alike(&self.accepts, of(Effect::Allow), &self.drops, numbers, space)?)
    }
}

/// The base chains that forwarded packets meet, if each packet meets exactly one of them.
pub(super) fn plain_bases(listing: &Listing) -> Option<Vec<&Base>> {
    let bases = listing.bases.iter().filter(|base| base.hook != Hook::Output && base.hook != Hook::Input);
    let bases: Vec<&Base> = bases.collect();
    let meeting = |family: &Family| bases.iter().filter(|base| base.families.contains(family)).count();
    let is_plain =
        bases.iter().all(|base| base.hook == Hook::Forward) && Family::BOTH.iter().all(|one| meeting(one) == 1);
    is_plain.then_some(bases)
}

/// Whether every packet of a way that comes to the rules surely passes, seen from the rules before anything is asked of its addresses; `false` says nothing.
pub(super) fn passes_all(listing: &Listing, begins: &[Begin<'_>], way: &Crossing<'_>) -> bool {
    begins.iter().all(|begin| accepts_all(listing, (begin.chain, begin.from), way, &begin.base.families, 0))
}

/// Whether the first rule of a chain from some place on that any packet can meet accepts all of them, or leads to a chain of which that is true.
fn accepts_all(
    listing: &Listing,
    (id, from): (ChainId, usize),
    way: &Crossing<'_>,
    families: &[Family],
    depth: usize,
) -> bool {
    let rules = listing.chains.get(id.0).filter(|_| depth < DEEPEST).and_then(|chain| chain.rules.get(from..));
    let is_elsewhere = |rule: &&Rule| rule.when.iter().any(|one| one.is_settled_by(way) == Some(false));
    let first = rules.unwrap_or_default().iter().find(|rule| !is_elsewhere(rule) && rule.action != Action::Continue);
    first.filter(|rule| rule.when.iter().all(|one| always_holds(one, way, families))).is_some_and(|rule| {
        match rule.action {
            Action::Accept => true,
            Action::Jump(target) | Action::Goto(target) => accepts_all(listing, (target, 0), way, families, depth + 1),
            _ => false,
        }
    })
}

/// Whether a condition holds for every packet of some families on a way. Of an ICMP error is known that it is one.
fn always_holds(condition: &Condition, way: &Crossing<'_>, families: &[Family]) -> bool {
    static ERRORS: LazyLock<[ServiceSet; 2]> = LazyLock::new(|| Family::BOTH.map(own_icmp));
    let has_errors = |set: &ServiceSet| {
        let own = Family::BOTH.iter().zip(ERRORS.iter()).filter(|(family, _)| families.contains(family));
        own.into_iter().all(|(_, errors)| errors.is_subset(set))
    };
    match condition {
        Condition::Service(set) => way.direction == Some(Direction::Error) && has_errors(set),
        _ => condition.is_settled_by(way) == Some(true),
    }
}

/// Whether none of the rules that may ask for states tells a related packet from a first one, those aside that accept ICMP errors.
pub(super) fn takes_related_as_new(rules: &[&Rule]) -> bool {
    rules.iter().all(|rule| {
        if accepts_errors(rule) {
            let is_later = |one: &Condition| matches!(one, Condition::State(states) if !states.0.contains(&State::New));
            return rule.when.iter().any(is_later);
        }
        let mut alike = true;
        rule.each_condition(&mut |condition| match condition {
            Condition::State(states) => alike &= states.0.contains(&State::New) == states.0.contains(&State::Related),
            Condition::First(_) => alike = false,
            _ => {}
        });
        alike
    })
}

/// Whether a rule accepts ICMP because of its state.
fn accepts_errors(rule: &Rule) -> bool {
    static ERRORS: LazyLock<ServiceSet> = LazyLock::new(|| own_icmp(Family::V4).union(&own_icmp(Family::V6)));
    let is_icmp = |condition: &Condition| matches!(condition, Condition::Service(set) if set.is_subset(&ERRORS));
    let asks_state = rule.when.iter().any(|condition| matches!(condition, Condition::State(_)));
    rule.action == Action::Accept && asks_state && rule.when.iter().any(is_icmp)
}

/// The ICMP of a family.
fn own_icmp(family: Family) -> ServiceSet {
    ServiceSet::protocol(if family == Family::V4 { Protocol::ICMP } else { Protocol::ICMP6 })
}

/// Adds a product.
fn push<'a>(list: &mut Vec<Lane<'a>>, within: Within<'a>) {
    static ALL: LazyLock<Arc<AddressSet>> = LazyLock::new(|| Arc::new(AddressSet::full()));
    static ANY: LazyLock<Arc<ServiceSet>> = LazyLock::new(|| Arc::new(ServiceSet::any()));
    let source = within.source.unwrap_or(Cow::Borrowed(&ALL));
    let destination = within.destination.unwrap_or(Cow::Borrowed(&ALL));
    let services = within.services.unwrap_or(Cow::Borrowed(&ANY));
    let families = Family::BOTH.into_iter().filter(|family| within.family.is_none_or(|only| only == *family));
    list.extend(families.filter_map(|family| lane(family, &source, &destination, &services)));
}

/// What a product is in a family, if it holds any flow of it: without the other family's ICMP, which is no service there.
fn lane<'a>(
    family: Family,
    source: &Shared<'a, AddressSet>,
    destination: &Shared<'a, AddressSet>,
    services: &Shared<'a, ServiceSet>,
) -> Option<Lane<'a>> {
    if source.is_empty_in(family) || destination.is_empty_in(family) {
        return None;
    }
    let foreign = if family == Family::V4 { Protocol::ICMP6 } else { Protocol::ICMP };
    let services = if services.is_any() || !services.has_any_of(foreign) {
        services.clone()
    } else {
        Cow::Owned(Arc::new(services.difference(&ServiceSet::protocol(foreign))))
    };
    let lane = |services| Lane { family, source: source.clone(), destination: destination.clone(), services };
    (!services.is_empty()).then(|| lane(services))
}

/// The products of some rules of a plan, not made before they are needed.
fn products<'a>(rules: impl Iterator<Item = &'a PlannedRule>) -> impl Iterator<Item = Lane<'a>> {
    rules.flat_map(|rule| {
        let (source, destination) = (Cow::Borrowed(&rule.source), Cow::Borrowed(&rule.destination));
        let services = Cow::Borrowed(&rule.services);
        Family::BOTH.into_iter().filter_map(move |family| lane(family, &source, &destination, &services))
    })
}

/// Whether two lists of products have one union, but for what has been dropped before.
fn alike<'a>(
    left: &[Lane<'_>],
    right: impl Iterator<Item = Lane<'a>>,
    dropped: &[Lane<'_>],
    numbers: &mut Numbers,
    space: &mut FlowSpace,
) -> Result<bool, TooLarge> {
    // Mostly both say the same in the same order.
    let (mut same, mut right) = (0, right.peekable());
    while let (Some(one), Some(other)) = (left.get(same), right.peek())
        && other == one
    {
        right.next();
        same += 1;
    }
    let (begin, left) = left.split_at(same.min(left.len()));
    if left.is_empty() && right.peek().is_none() {
        return Ok(true);
    }
    let right: Vec<Lane<'a>> = right.collect();
    // What is common to both may cover what one of them says once more.
    numbers.are_one(Lists { left, right: &right, settled: [begin, dropped] }, space)
}

#[cfg(test)]
mod tests;
