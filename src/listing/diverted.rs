//! The flows whose destination a translation changes, or may.
//!
//! A connection is translated by its first packet, on whichever interface that came in; all its packets and the ICMP errors about it fare alike. So what rules ask of states is passed over, and what they ask of
//! interfaces too, but of a first packet, whose interface is known. Both make the set larger at most.

use super::condition::all;
use super::crossing::Crossing;
use super::evaluate::Evaluator;
use super::types::{Condition, Divert, Hook, State};
use crate::packet::{FlowSet, FlowSpace, TooLarge};

impl Evaluator<'_> {
    /// Which flows any rule may translate, of those that take a way.
    pub(super) fn diverted(&self, space: &mut FlowSpace, crossing: &Crossing<'_>) -> Result<FlowSet, TooLarge> {
        let each = each(space, &self.listing.diverts, crossing)?;
        space.union_all(&each)
    }

    /// The rules that may translate some flows on a way.
    ///
    /// # Errors
    /// [`TooLarge`] if the space has no room.
    pub fn diverting(
        &self,
        space: &mut FlowSpace,
        crossing: &Crossing<'_>,
        flows: FlowSet,
    ) -> Result<Vec<&Divert>, TooLarge> {
        let each = each(space, &self.listing.diverts, crossing)?;
        let meets = self.listing.diverts.iter().zip(each).filter(|(_, set)| space.intersects(*set, flows));
        Ok(meets.map(|(divert, _)| divert).collect())
    }
}

/// Which flows each of some rules may translate.
fn each(space: &mut FlowSpace, rules: &[Divert], crossing: &Crossing<'_>) -> Result<Vec<FlowSet>, TooLarge> {
    if crossing.hook == Hook::Postrouting {
        return Ok(vec![FlowSet::EMPTY; rules.len()]);
    }
    let (here, elsewhere, outgoing) = match crossing.hook {
        Hook::Output => (Hook::Output, Hook::Prerouting, crossing.outgoing),
        _ => (Hook::Prerouting, Hook::Output, None),
    };
    let is_first = crossing.direction.is_none() && crossing.state == State::New;
    let first = Crossing { hook: here, outgoing, state: State::New, direction: None, ..*crossing };
    rules
        .iter()
        .map(|rule| {
            if rule.at == Some(elsewhere) {
                return Ok(FlowSet::EMPTY);
            }
            let asked: Vec<Condition> = rule.when.iter().filter(|one| !asks_for_more(one, is_first)).cloned().collect();
            Ok(all(space, &asked, &first)?.may)
        })
        .collect()
}

/// Whether a condition asks for flags, or, unless the packet is known to be a first one, for interfaces or states.
fn asks_for_more(condition: &Condition, is_first: bool) -> bool {
    let mut asks = false;
    let one = std::slice::from_ref(condition);
    Condition::each(one, &mut |one| {
        let of_way = matches!(one, Condition::In(_) | Condition::Out(_) | Condition::State(_) | Condition::First(_));
        asks |= matches!(one, Condition::Usual(..)) || of_way && !is_first;
    });
    asks
}
