//! The conditions of a rule while they are gathered: those of one kind are put together as they come.
//!
//! A reader may doubt the places that are kept of each kind: without them, a line of a hundred thousand comparisons would be walked through for each of them.

use std::sync::Arc;

use super::fields::{Field, First, LATER};
use crate::listing::{Condition, State, States};
use crate::packet::{Family, IntervalSet, ServiceSet};

/// Conditions, all of which must hold.
#[derive(Debug, Default)]
pub struct Asked {
    all: Vec<Condition>,
    service: Option<usize>,
    source: Option<usize>,
    destination: Option<usize>,
    state: Option<usize>,
    /// Of the first packet of the connection.
    first: Option<usize>,
    families: Vec<Family>,
}

impl Asked {
    /// Adds one; what always holds, or is said already, is left out.
    pub fn add(&mut self, condition: Condition) {
        if is_nothing(&condition) {
            return;
        }
        let place = match &condition {
            Condition::Service(_) => &mut self.service,
            Condition::Source(_) => &mut self.source,
            Condition::Destination(_) => &mut self.destination,
            Condition::State(_) => &mut self.state,
            Condition::AnyOf(lists) if first_and_later(lists).is_some() => &mut self.first,
            Condition::Family(family) => {
                if !self.families.contains(family) {
                    self.families.push(*family);
                    self.all.push(condition);
                }
                return;
            }
            _ => return self.all.push(condition),
        };
        let known = place.and_then(|at| self.all.get_mut(at));
        match known {
            Some(known) => join(known, &condition),
            None => {
                *place = Some(self.all.len());
                self.all.push(condition);
            }
        }
    }

    /// The services that are asked for.
    pub fn service(&self) -> Option<&Arc<ServiceSet>> {
        match self.service.and_then(|at| self.all.get(at))? {
            Condition::Service(set) => Some(set),
            _ => None,
        }
    }

    /// Asks for these services instead.
    pub fn set_service(&mut self, set: Arc<ServiceSet>) {
        if let Some(known) = self.service.and_then(|at| self.all.get_mut(at)) {
            *known = Condition::Service(set);
        }
    }

    /// The protocols that the conditions leave to a field that depends on them.
    pub fn protocols(&self, field: Field) -> IntervalSet<u8> {
        let of = |set: &ServiceSet| set.rectangles().iter().map(|rectangle| rectangle.protocols).collect();
        let mut result = self.service().map_or_else(IntervalSet::full, |set| of(set));
        let first = match self.first.and_then(|at| self.all.get(at)) {
            Some(Condition::AnyOf(lists)) if matches!(field, Field::First(_)) => first_and_later(lists),
            _ => None,
        };
        for condition in first.into_iter().flat_map(|(new, _)| new) {
            if let Condition::Service(set) = condition {
                result = result.intersection(&of(set));
            }
        }
        result
    }

    /// The conditions, without families that an address says already.
    pub fn finish(mut self) -> Vec<Condition> {
        if self.families.is_empty() {
            return self.all;
        }
        let covers = |at: Option<usize>, family: Family| match at.and_then(|at| self.all.get(at)) {
            Some(Condition::Source(set) | Condition::Destination(set)) => {
                Family::BOTH.iter().all(|of| *of == family || set.is_empty_in(*of))
            }
            _ => false,
        };
        let said: Vec<Family> = (self.families.iter().copied())
            .filter(|family| covers(self.source, *family) || covers(self.destination, *family))
            .collect();
        self.all.retain(|condition| !matches!(condition, Condition::Family(family) if said.contains(family)));
        self.all
    }
}

impl Extend<Condition> for Asked {
    fn extend<I: IntoIterator<Item = Condition>>(&mut self, conditions: I) {
        conditions.into_iter().for_each(|condition| self.add(condition));
    }
}

/// Puts conditions of one kind together, and leaves out what always holds or is said by another.
pub fn tidy(conditions: impl IntoIterator<Item = Condition>) -> Vec<Condition> {
    let mut asked = Asked::default();
    asked.extend(conditions);
    asked.finish()
}

/// Whether every packet meets a condition.
pub fn is_nothing(condition: &Condition) -> bool {
    match condition {
        Condition::Not(inner) => matches!(inner.as_slice(), [Condition::AnyOf(lists)] if lists.is_empty()),
        Condition::Service(set) => set.is_any(),
        _ => false,
    }
}

/// Joins a condition into another one of its kind.
fn join(known: &mut Condition, more: &Condition) {
    match (known, more) {
        (Condition::Service(known), Condition::Service(more)) => *known = known.intersection(more).into(),
        (Condition::Source(known), Condition::Source(more))
        | (Condition::Destination(known), Condition::Destination(more)) => *known = known.intersection(more).into(),
        (Condition::State(known), Condition::State(more)) => known.0.retain(|state| more.0.contains(state)),
        (Condition::AnyOf(known), Condition::AnyOf(more)) => {
            // Both ask of the first packet of the connection: so does their sum.
            let (Some((new, later)), Some((new_too, later_too))) = (first_and_later(known), first_and_later(more))
            else {
                return;
            };
            let sum = |of: &[Condition], more: &[Condition]| tidy(of.iter().chain(more).cloned());
            *known = vec![sum(new, new_too), sum(later, later_too)];
        }
        _ => {}
    }
}

/// The two lists of a condition on the first packet of a connection: of that packet, and of later ones.
fn first_and_later(lists: &[Vec<Condition>]) -> Option<(&Vec<Condition>, &Vec<Condition>)> {
    let [new, later] = lists else { return None };
    let begins = |list: &[Condition], states: &[State]| matches!(list.first(), Some(Condition::State(States(of))) if of == states);
    (begins(new, &[State::New]) && begins(later, &LATER)).then_some((new, later))
}

/// Whether what a field is depends on the protocol.
pub fn asks_any_transport(field: &Field) -> bool {
    matches!(
        field,
        Field::SourcePort(None)
            | Field::DestinationPort(None)
            | Field::First(First::SourcePort | First::DestinationPort)
    )
}
