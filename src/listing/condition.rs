//! Which packets meet some conditions, surely or possibly.
//!
//! Every unknown condition is resolved anew each time it is asked, so what a packet can meet follows from the parts: all of several can hold if each can. Addresses and
//! services of one rule become one product before they become a set; conditions that the crossing settles cost no set at all.

use super::crossing::{Crossing, Direction};
use super::types::{Condition, InterfacePattern};
use crate::packet::{AddressSet, Family, FlowSet, FlowSpace, Protocol, ServiceSet, TooLarge};

/// The packets that meet something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Match {
    /// Those that meet it if unknown things are resolved that way.
    pub(super) may: FlowSet,
    /// Those that meet it however they are resolved.
    pub(super) must: FlowSet,
}

impl Match {
    pub(super) const NEVER: Self = Self { may: FlowSet::EMPTY, must: FlowSet::EMPTY };
    pub(super) const ALWAYS: Self = Self { may: FlowSet::FULL, must: FlowSet::FULL };
    const UNKNOWN: Self = Self { may: FlowSet::FULL, must: FlowSet::EMPTY };

    fn exactly(set: FlowSet) -> Self {
        Self { may: set, must: set }
    }

    fn of(holds: Holds) -> Self {
        match holds {
            Holds::Yes => Self::ALWAYS,
            Holds::No => Self::NEVER,
        }
    }

    fn and(self, space: &mut FlowSpace, other: Self) -> Result<Self, TooLarge> {
        let may = space.intersection(self.may, other.may)?;
        let must = if self.is_known() && other.is_known() { may } else { space.intersection(self.must, other.must)? };
        Ok(Self { may, must })
    }

    fn not(self, space: &mut FlowSpace) -> Result<Self, TooLarge> {
        let may = space.complement(self.must)?;
        let must = if self.is_known() { may } else { space.complement(self.may)? };
        Ok(Self { may, must })
    }

    /// Whether no packet depends on anything unknown.
    pub(super) fn is_known(self) -> bool {
        self.may == self.must
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Yes,
    No,
}

impl From<bool> for Holds {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// Whether a crossing alone settles that some conditions do not all hold; cheap, and looks at no packet.
pub(super) fn is_elsewhere(conditions: &[Condition], crossing: &Crossing<'_>) -> bool {
    conditions.iter().any(|condition| settled(condition, crossing) == Some(Holds::No))
}

impl Condition {
    /// Whether it holds, if the crossing alone says so, whatever the packet.
    #[must_use]
    #[inline]
    pub fn is_settled_by(&self, crossing: &Crossing<'_>) -> Option<bool> {
        if self.is_of_header() { None } else { settled(self, crossing).map(|holds| holds == Holds::Yes) }
    }
}

/// What the crossing alone says of a condition.
fn settled(condition: &Condition, crossing: &Crossing<'_>) -> Option<Holds> {
    match condition {
        Condition::In(patterns) => Some(among(patterns, crossing.incoming).into()),
        Condition::Out(patterns) => Some(among(patterns, crossing.outgoing).into()),
        Condition::State(states) => Some(states.0.contains(&crossing.state).into()),
        Condition::Not(inner) => match inner.as_slice() {
            [one] => settled(one, crossing).map(|holds| (holds == Holds::No).into()),
            _ => None,
        },
        Condition::AnyOf(lists) => lists.iter().all(|list| is_elsewhere(list, crossing)).then_some(Holds::No),
        Condition::Usual(holds, _) => Some((*holds).into()),
        Condition::Family(_)
        | Condition::Source(_)
        | Condition::Destination(_)
        | Condition::Service(_)
        | Condition::First(_)
        | Condition::Unknown(_) => None,
    }
}

fn among(patterns: &[InterfacePattern], interface: Option<&str>) -> bool {
    interface.is_some_and(|name| patterns.iter().any(|pattern| pattern.matches(name)))
}

/// What addresses and services some conditions leave together.
struct Header {
    sources: AddressSet,
    destinations: AddressSet,
    services: ServiceSet,
}

impl Header {
    /// Whether a condition was one of the header alone, and has been taken in. What an answer's header has, the first packet of its connection has the other way round.
    fn takes(&mut self, condition: &Condition, direction: Option<Direction>) -> bool {
        if direction == Some(Direction::Reply) {
            return reflected(condition).is_some_and(|reflected| self.takes(&reflected, None));
        }
        let direction_is_settled = direction != Some(Direction::Error) || matches!(condition, Condition::Family(_));
        if !direction_is_settled {
            return false;
        }
        match condition {
            Condition::Source(set) => self.sources = self.sources.intersection(set),
            Condition::Destination(set) => self.destinations = self.destinations.intersection(set),
            Condition::Service(set) => self.services = self.services.intersection(set),
            Condition::Family(family) => self.sources = self.sources.only(*family),
            Condition::Not(inner) => match inner.as_slice() {
                [Condition::Source(set)] => self.sources = self.sources.difference(set),
                [Condition::Destination(set)] => self.destinations = self.destinations.difference(set),
                [Condition::Service(set)] => self.services = self.services.difference(set),
                _ => return false,
            },
            _ => return false,
        }
        true
    }
}

/// What the first packet of a connection must have for an answer of it to meet a condition on the header; `None` for other conditions, and where the first packet does
/// not tell (ICMP types).
fn reflected(condition: &Condition) -> Option<Condition> {
    Some(match condition {
        Condition::Source(set) => Condition::Destination(set.clone()),
        Condition::Destination(set) => Condition::Source(set.clone()),
        Condition::Family(family) => Condition::Family(*family),
        Condition::Service(set) => Condition::Service(set.reflected()?.into()),
        Condition::Not(inner) => match inner.as_slice() {
            [one] if !matches!(one, Condition::Not(_)) => Condition::Not(vec![reflected(one)?]),
            _ => return None,
        },
        _ => return None,
    })
}

/// Which connections an answer can belong to that has one of these services: what an answer of ICMP has, the first packet does not tell.
fn of_answer(space: &mut FlowSpace, services: &ServiceSet) -> Result<Match, TooLarge> {
    let icmp = ServiceSet::protocol(Protocol::ICMP).union(&ServiceSet::protocol(Protocol::ICMP6));
    let told = services.difference(&icmp).reflected().unwrap_or_else(ServiceSet::empty);
    let asked = [Protocol::ICMP, Protocol::ICMP6].into_iter().filter(|protocol| services.has_any_of(*protocol));
    let open = asked.map(ServiceSet::protocol).fold(told.clone(), |all, one| all.union(&one));
    let full = AddressSet::full();
    Ok(Match { may: space.product(&full, &full, &open)?, must: space.product(&full, &full, &told)? })
}

/// Which connections an ICMP error can be about that meets a condition on the header: nothing is known of the error but its family and that it is ICMP; `None` for other
/// conditions.
fn of_error(space: &mut FlowSpace, condition: &Condition) -> Result<Option<Match>, TooLarge> {
    let mut found = Match::NEVER;
    for family in Family::BOTH {
        let protocol = if family == Family::V4 { Protocol::ICMP } else { Protocol::ICMP6 };
        let icmp = ServiceSet::protocol(protocol);
        let all = FlowSet::FULL.only(family);
        let (may, must) = match condition {
            Condition::Source(set) | Condition::Destination(set) => {
                (!set.is_empty_in(family), set.complement().is_empty_in(family))
            }
            Condition::Service(set) => (set.intersects(&icmp), icmp.is_subset(set)),
            _ => return Ok(None),
        };
        found.may = if may { space.union(found.may, all)? } else { found.may };
        found.must = if must { space.union(found.must, all)? } else { found.must };
    }
    Ok(Some(found))
}

/// Which packets meet all of some conditions.
pub(super) fn all(space: &mut FlowSpace, conditions: &[Condition], crossing: &Crossing<'_>) -> Result<Match, TooLarge> {
    if is_elsewhere(conditions, crossing) {
        return Ok(Match::NEVER);
    }
    let mut header =
        Header { sources: AddressSet::full(), destinations: AddressSet::full(), services: ServiceSet::any() };
    let mut rest = Match::ALWAYS;
    let mut plain = true;
    for condition in conditions {
        if crossing.direction == Some(Direction::Error)
            && let Some(one) = of_error(space, condition)?
        {
            rest = rest.and(space, one)?;
        } else if header.takes(condition, crossing.direction) {
            plain = false;
        } else if crossing.direction == Some(Direction::Reply)
            && let Condition::Service(set) = condition
        {
            let one = of_answer(space, set)?;
            rest = rest.and(space, one)?;
        } else {
            let one = single(space, condition, crossing)?;
            rest = rest.and(space, one)?;
        }
    }
    if plain {
        return Ok(rest);
    }
    let product = space.product(&header.sources, &header.destinations, &header.services)?;
    rest.and(space, Match::exactly(product))
}

/// A condition that is no part of a header.
fn single(space: &mut FlowSpace, condition: &Condition, crossing: &Crossing<'_>) -> Result<Match, TooLarge> {
    match condition {
        Condition::Not(inner) => all(space, inner, crossing)?.not(space),
        Condition::AnyOf(lists) => any(space, lists, crossing),
        Condition::Unknown(_) => Ok(Match::UNKNOWN),
        Condition::First(inner) if crossing.direction.is_some() => {
            all(space, inner, &Crossing { direction: Some(Direction::Original), ..*crossing })
        }
        Condition::First(_) => Ok(Match::UNKNOWN),
        Condition::In(_)
        | Condition::Out(_)
        | Condition::State(_)
        | Condition::Usual(..)
        | Condition::Family(_)
        | Condition::Source(_)
        | Condition::Destination(_)
        | Condition::Service(_) => Ok(settled(condition, crossing).map_or(Match::UNKNOWN, Match::of)),
    }
}

fn any(space: &mut FlowSpace, lists: &[Vec<Condition>], crossing: &Crossing<'_>) -> Result<Match, TooLarge> {
    let mut found = Vec::with_capacity(lists.len());
    for list in lists {
        found.push(all(space, list, crossing)?);
    }
    let may: Vec<FlowSet> = found.iter().map(|one| one.may).collect();
    let union = space.union_all(&may)?;
    if found.iter().all(|one| one.is_known()) {
        return Ok(Match::exactly(union));
    }
    let must: Vec<FlowSet> = found.iter().map(|one| one.must).collect();
    Ok(Match { may: union, must: space.union_all(&must)? })
}
