//! What a plan asks of a device, as sets of flows.

use std::collections::BTreeMap;

use crate::packet::{Action, AddressSet, FlowSet, FlowSpace, Interval, Protocol, ServiceSet, TooLarge};
use crate::plan::{DevicePlan, PairPlan, PlannedQuarantine, PlannedRule};
use crate::syntax::ast::Effect;

/// The sets of one plan, in one space.
#[derive(Debug)]
pub(super) struct Asked<'p> {
    /// The numbers of the interfaces.
    interfaces: BTreeMap<&'p str, usize>,
    /// What stands in the plan, by the numbers of two interfaces.
    rules: BTreeMap<(usize, usize), &'p [PlannedRule]>,
    /// What a new connection may be between them, as far as it was asked for.
    pairs: BTreeMap<(usize, usize), Pair>,
    /// The same for connections to the device itself; `None` where nothing is asked.
    pub(super) input: Option<Input>,
    /// The connections that a quarantine cuts.
    pub(super) held: FlowSet,
}

/// What may go from one interface to another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    /// The new connections that pass.
    pub(super) new: FlowSet,
    /// Those that the rules permit; a quarantine may hold some of them.
    pub(super) permitted: FlowSet,
}

impl Pair {
    const NOTHING: Self = Self { new: FlowSet::EMPTY, permitted: FlowSet::EMPTY };
}

/// What a device that protects itself lets in.
#[derive(Debug)]
pub(super) struct Input {
    by_interface: BTreeMap<String, Pair>,
    /// Everything that is to the device itself.
    pub(super) own: FlowSet,
    /// Everything that is from the device itself.
    pub(super) from_own: FlowSet,
    /// ICMP errors to it; always let in, unless a quarantine holds them.
    pub(super) errors: FlowSet,
    /// Neighbour discovery to it; always let in.
    pub(super) neighbours: FlowSet,
}

/// Types of ICMP errors: destination unreachable, time exceeded, parameter problem (RFC 792).
const ERRORS: [u16; 3] = [3, 11, 12];
/// Types of ICMPv6 errors: destination unreachable, packet too big, time exceeded, parameter problem (RFC 4443).
const ERRORS6: [u16; 4] = [1, 2, 3, 4];
/// Router and neighbour solicitation and advertisement (RFC 4861).
const NEIGHBOURS: [u16; 4] = [133, 134, 135, 136];

impl<'p> Asked<'p> {
    pub(super) fn new(space: &mut FlowSpace, plan: &'p DevicePlan) -> Result<Self, TooLarge> {
        let held = held(space, &plan.quarantines)?;
        let name = |at: usize| plan.interfaces.get(at).map(|interface| interface.name.clone()).unwrap_or_default();
        let interfaces = plan.interfaces.iter().zip(0..).map(|(interface, at)| (interface.name.as_str(), at)).collect();
        let ends = |pair: &PairPlan| (pair.in_interface, pair.out_interface);
        let rules = plan.pairs.iter().map(|pair| (ends(pair), pair.rules.as_slice())).collect();
        let mut input = None;
        if let Some(asked) = &plan.input {
            let to_own = |services: &ServiceSet, space: &mut FlowSpace| {
                space.product(&AddressSet::full(), &asked.addresses, services)
            };
            let mut by_interface = BTreeMap::new();
            for (at, rules) in &asked.rules {
                let permitted = permitted(space, rules)?;
                by_interface.insert(name(*at), Pair { new: space.difference(permitted, held)?, permitted });
            }
            input = Some(Input {
                by_interface,
                own: to_own(&ServiceSet::any(), space)?,
                from_own: space.product(&asked.addresses, &AddressSet::full(), &ServiceSet::any())?,
                errors: to_own(&errors(), space)?,
                neighbours: to_own(&types(Protocol::ICMP6, &NEIGHBOURS), space)?,
            });
        }
        Ok(Self { interfaces, rules, pairs: BTreeMap::new(), input, held })
    }

    fn ends(&self, incoming: &str, outgoing: &str) -> Option<(usize, usize)> {
        Some((*self.interfaces.get(incoming)?, *self.interfaces.get(outgoing)?))
    }

    /// The rules of the plan from one interface to another.
    pub(super) fn rules(&self, incoming: &str, outgoing: &str) -> &'p [PlannedRule] {
        self.ends(incoming, outgoing).and_then(|ends| self.rules.get(&ends)).copied().unwrap_or_default()
    }

    /// The new connections that the plan permits from one interface to another.
    pub(super) fn pair(&mut self, space: &mut FlowSpace, incoming: &str, outgoing: &str) -> Result<Pair, TooLarge> {
        let Some(ends) = self.ends(incoming, outgoing) else { return Ok(Pair::NOTHING) };
        if let Some(known) = self.pairs.get(&ends) {
            return Ok(*known);
        }
        let permitted = permitted(space, self.rules(incoming, outgoing))?;
        let pair = Pair { new: space.difference(permitted, self.held)?, permitted };
        self.pairs.insert(ends, pair);
        Ok(pair)
    }
}

impl Input {
    /// The new connections to the device itself that the plan permits over an interface.
    pub(super) fn over(&self, interface: &str) -> Pair {
        self.by_interface.get(interface).copied().unwrap_or(Pair::NOTHING)
    }
}

/// What a device that protects itself admits from anybody, whatever the rules say: neighbour discovery to it, and ICMP errors unless a quarantine holds them. Nothing of one that does not.
///
/// # Errors
/// [`TooLarge`] if the space has no room.
pub fn admitted(space: &mut FlowSpace, plan: &DevicePlan) -> Result<FlowSet, TooLarge> {
    let Some(input) = &plan.input else { return Ok(FlowSet::EMPTY) };
    let held = held(space, &plan.quarantines)?;
    let errors = space.product(&AddressSet::full(), &input.addresses, &errors())?;
    let neighbours = space.product(&AddressSet::full(), &input.addresses, &types(Protocol::ICMP6, &NEIGHBOURS))?;
    let errors = space.difference(errors, held)?;
    space.union(errors, neighbours)
}

fn permitted(space: &mut FlowSpace, rules: &[PlannedRule]) -> Result<FlowSet, TooLarge> {
    let mut lines = Vec::with_capacity(rules.len());
    for rule in rules {
        let set = space.product(&rule.source, &rule.destination, &rule.services)?;
        let action = if rule.effect == Effect::Allow { Action::Permit } else { Action::Deny };
        lines.push((set, action));
    }
    space.first_match(&lines)
}

/// What any of some quarantines cuts.
fn held(space: &mut FlowSpace, quarantines: &[PlannedQuarantine]) -> Result<FlowSet, TooLarge> {
    let (all, any) = (AddressSet::full(), ServiceSet::any());
    let mut cut = Vec::with_capacity(quarantines.len());
    for quarantine in quarantines {
        let ends = [space.product(&quarantine.held, &all, &any)?, space.product(&all, &quarantine.held, &any)?];
        let mut kept = Vec::with_capacity(quarantine.keep.len());
        for rule in &quarantine.keep {
            kept.push(space.product(&rule.source, &rule.destination, &rule.services)?);
        }
        let (ends, kept) = (space.union_all(&ends)?, space.union_all(&kept)?);
        cut.push(space.difference(ends, kept)?);
    }
    space.union_all(&cut)
}

/// ICMP errors of both families.
fn errors() -> ServiceSet {
    types(Protocol::ICMP, &ERRORS).union(&types(Protocol::ICMP6, &ERRORS6))
}

fn types(protocol: Protocol, types: &[u16]) -> ServiceSet {
    let one = |kind: &u16| ServiceSet::rectangle(protocol, Interval::single(*kind), Interval::full());
    types.iter().map(one).fold(ServiceSet::empty(), |all, one| all.union(&one))
}
