//! Which packets a rule sends to another chain for good, so that the rest of its chain is not asked about them.

use super::entries::Entry;
use super::slices::Along;
use crate::listing::{Action, Condition, Crossing, Rule};
use crate::packet::{AddressSet, Family};

/// Packets that have left a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Gone {
    /// None of them.
    None,
    /// All of them.
    All,
    /// Those from these addresses.
    From(AddressSet),
    /// Those to these addresses.
    To(AddressSet),
}

/// What a rule sends away on a way; `None` if that is more than a set of addresses at one end. `chosen` are the entries of its map that packets of the way can meet.
pub(super) fn gone(rule: &Rule, chosen: &[&Entry], way: &Crossing<'_>) -> Option<Gone> {
    match &rule.action {
        Action::Goto(_) => together(&[end(&rule.when, way)?]),
        Action::Choose(_) => {
            let away = chosen.iter().filter(|(_, action)| !stays(action));
            let mut ends = Vec::new();
            for (conditions, action) in away {
                match action {
                    Action::Goto(_) => ends.push(both(end(&rule.when, way)?, end(conditions, way)?)?),
                    _ => return None,
                }
            }
            together(&ends)
        }
        _ => Some(Gone::None),
    }
}

/// Whether the packets that an action does not decide go on to the next rule.
fn stays(action: &Action) -> bool {
    match action {
        Action::Goto(_) => false,
        Action::Choose(entries) => entries.iter().all(|(_, action)| stays(action)),
        _ => true,
    }
}

/// What some conditions ask: nothing, a family, or one set of addresses.
#[derive(Clone, Copy)]
enum End<'a> {
    Any,
    Of(Family),
    Set(Along, &'a AddressSet),
}

fn end<'a>(conditions: &'a [Condition], way: &Crossing<'_>) -> Option<End<'a>> {
    let unsettled = conditions.iter().filter(|one| one.is_settled_by(way).is_none());
    unsettled.map(single).try_fold(End::Any, |known, one| both(known, one?))
}

fn single(condition: &Condition) -> Option<End<'_>> {
    match condition {
        Condition::Family(family) => Some(End::Of(*family)),
        Condition::Source(set) => Some(End::Set(Along::Source, set)),
        Condition::Destination(set) => Some(End::Set(Along::Destination, set)),
        _ => None,
    }
}

/// What two of them ask together; `None` if that is more than a set at one end.
fn both<'a>(known: End<'a>, more: End<'a>) -> Option<End<'a>> {
    let other = |family| if family == Family::V4 { Family::V6 } else { Family::V4 };
    match (known, more) {
        (End::Any, end) | (end, End::Any) => Some(end),
        (End::Of(one), End::Of(two)) => (one == two).then_some(known),
        (End::Of(family), End::Set(along, set)) | (End::Set(along, set), End::Of(family)) => {
            set.is_empty_in(other(family)).then_some(End::Set(along, set))
        }
        (End::Set(..), End::Set(..)) => None,
    }
}

fn together(ends: &[End<'_>]) -> Option<Gone> {
    let (mut from, mut to) = (Vec::new(), Vec::new());
    for end in ends {
        match *end {
            End::Any => return Some(Gone::All),
            End::Of(_) => return None,
            End::Set(Along::Source, set) => from.push(set),
            End::Set(Along::Destination, set) => to.push(set),
        }
    }
    match (from.is_empty(), to.is_empty()) {
        (true, true) => Some(Gone::None),
        (false, true) => Some(Gone::From(AddressSet::union_all(from))),
        (true, false) => Some(Gone::To(AddressSet::union_all(to))),
        (false, false) => None,
    }
}
