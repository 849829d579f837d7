//! The dates on which a comparison may come out otherwise than on the day before.
//!
//! A rule that starts or lapses later makes no difference today, and would be waved through if only today were looked at. A date of a statement can matter only if the statement holds a flow
//! that some statement does which only one side has; where the networks differ every date can.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::Date;
use rustc_hash::FxHashMap;

use super::compare::{Piece, Side};
use super::network::Network;
use crate::model::{Model, Period, Product};
use crate::packet::{AddressSet, ServiceSet};
use crate::syntax::ast::Effect;

/// Products that only one side has beyond this many are not looked at one by one: every date counts.
const MOST: usize = 500;

/// The days after the one that the sides are judged at on which something starts, or has lapsed, that can matter to the comparison of two projects; what lapses of assertions and waivers is
/// not among them, because a promise may end.
#[must_use]
pub fn dates(before: Side<'_>, after: Side<'_>) -> BTreeSet<Date> {
    let same_network = Network::new(before, after).is_same;
    let (old, new) = (statements(before.model), statements(after.model));
    let alone = alone(&old, &new);
    if same_network && alone.is_empty() {
        return BTreeSet::new();
    }
    // A chain goes over rules that have nothing to do with those that differ.
    let has_chains = [before, after].iter().any(|side| side.model.assertions.iter().any(|one| one.transitive));
    let is_near = |piece: &Piece| {
        !same_network
            || has_chains
            || alone.len() > MOST
            || alone.iter().any(|one| {
                one.from.intersects(&piece.from) && one.to.intersects(&piece.to) && one.on.intersects(&piece.on)
            })
    };
    let mut found = BTreeSet::new();
    for (statement, at) in old.iter().map(|one| (one, before.at)).chain(new.iter().map(|one| (one, after.at))) {
        let next = |day: &Date| statement.period.changes_after(*day);
        let own: Vec<Date> = std::iter::successors(next(&at), next).collect();
        if !own.is_empty() && statement.pieces.iter().any(&is_near) {
            found.extend(own);
        }
    }
    // From then on it can be violated, by flows of which it says more than its ends do.
    for side in [before, after] {
        found.extend(side.model.assertions.iter().filter_map(|one| one.period.start).filter(|start| *start > side.at));
    }
    found
}

/// The first and the last day.
type Days = (Option<Date>, Option<Date>);
/// Sources, destinations, services.
type Sets = (Arc<AddressSet>, Arc<AddressSet>, Arc<ServiceSet>);

fn days(period: Period) -> Days {
    (period.start, period.until)
}

fn sets(piece: &Piece) -> Sets {
    (piece.from.clone(), piece.to.clone(), piece.on.clone())
}

/// A rule or quarantine.
struct Statement {
    period: Period,
    /// What tells it from others that hold the same flows.
    kind: Kind,
    /// The flows that it is about.
    pieces: Vec<Piece>,
}

/// Equal statements of both sides have equal kinds, periods and pieces.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Kind {
    Rule(Effect),
    /// With the products that it keeps, and when these are in force.
    Quarantine(BTreeSet<(Days, Sets)>),
}

/// What decides about flows, with its dates.
fn statements(model: &Model) -> Vec<Statement> {
    let piece = |product: &Product| Piece {
        from: model.endpoint(product.source).clone(),
        to: model.endpoint(product.destination).clone(),
        on: model.service(product.services).clone(),
    };
    let rules = model.rules.iter().map(|rule| Statement {
        period: rule.period,
        kind: Kind::Rule(rule.effect),
        pieces: rule.products.iter().map(piece).collect(),
    });
    let (all, any) = (Arc::new(AddressSet::full()), Arc::new(ServiceSet::any()));
    let quarantines = model.quarantines.iter().map(|quarantine| {
        let held = model.endpoint(quarantine.held);
        let ends = [(held.clone(), all.clone()), (all.clone(), held.clone())];
        let kept = quarantine.keep.iter().filter_map(|rule| model.rules.get(rule.index()));
        let kept = kept.flat_map(|rule| rule.products.iter().map(|product| (days(rule.period), sets(&piece(product)))));
        Statement {
            period: quarantine.period,
            kind: Kind::Quarantine(kept.collect()),
            pieces: ends.map(|(from, to)| Piece { from, to, on: any.clone() }).into(),
        }
    });
    rules.chain(quarantines).collect()
}

/// What only one side has, whenever it is in force.
fn alone(old: &[Statement], new: &[Statement]) -> Vec<Piece> {
    let mut count: FxHashMap<(Days, &Kind, Sets), (i64, &Piece)> = FxHashMap::default();
    for (side, step) in [(old, -1), (new, 1)] {
        for (statement, piece) in side.iter().flat_map(|one| one.pieces.iter().map(move |piece| (one, piece))) {
            let (sum, _) = count.entry((days(statement.period), &statement.kind, sets(piece))).or_insert((0, piece));
            *sum += step;
        }
    }
    count.into_values().filter(|(sum, _)| *sum != 0).map(|(_, piece)| piece.clone()).collect()
}
