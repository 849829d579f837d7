//! Parties that may reach, and be reached by, exactly the same: in a drawing they are one box.
//!
//! Two parties are alike if every third one stands to both in the same way, and they to each other: then every arrow of the one is an arrow of the other, and drawing both says nothing
//! more. That is exact; only where a drawing would still be too large, arrows that differ in their services alone count as the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::report::graph::{EdgeKind, NodeKind};

/// Boxes of a drawing, beyond which arrows that differ in services alone count as the same.
const MANY: usize = 24;

/// An arrow between two parties.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrow {
    pub from: usize,
    pub to: usize,
    pub kind: EdgeKind,
    /// What it says, whole.
    pub label: Vec<String>,
}

/// An arrow as it looks from one end: whether it leaves, the other end, what it says.
type Seen<'a> = (bool, usize, EdgeKind, &'a [String]);

/// The parties, put together where they are alike, ordered by their first member.
pub(super) fn groups(kinds: &[NodeKind], arrows: &[Arrow]) -> Vec<Vec<usize>> {
    let exact = of_labels(kinds, arrows, |arrow| &arrow.label);
    if exact.len() <= MANY { exact } else { of_labels(kinds, arrows, |_| &[]) }
}

fn of_labels(kinds: &[NodeKind], arrows: &[Arrow], label: fn(&Arrow) -> &[String]) -> Vec<Vec<usize>> {
    let mut seen: Vec<BTreeSet<Seen<'_>>> = vec![BTreeSet::new(); kinds.len()];
    for arrow in arrows.iter().filter(|arrow| arrow.from != arrow.to) {
        for (at, leaves, other) in [(arrow.from, true, arrow.to), (arrow.to, false, arrow.from)] {
            if let Some(own) = seen.get_mut(at) {
                own.insert((leaves, other, arrow.kind, label(arrow)));
            }
        }
    }
    let mut alike: BTreeMap<(NodeKind, BTreeSet<Seen<'_>>), BTreeSet<usize>> = BTreeMap::new();
    for (party, (kind, own)) in kinds.iter().zip(&seen).enumerate() {
        alike.entry((*kind, own.clone())).or_default().insert(party);
        // With an arrow to itself, as if it were one of those that reach each other.
        let leaving: BTreeSet<(EdgeKind, &[String])> =
            own.iter().filter(|(leaves, ..)| *leaves).map(|(_, _, kind, label)| (*kind, *label)).collect();
        for (edge, label) in leaving {
            let mut with = own.clone();
            with.extend([(true, party, edge, label), (false, party, edge, label)]);
            alike.entry((*kind, with)).or_default().insert(party);
        }
    }
    let mut found: Vec<BTreeSet<usize>> = alike.into_values().filter(|members| members.len() > 1).collect();
    found.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
    let mut taken: BTreeSet<usize> = BTreeSet::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for members in found {
        let free: Vec<usize> = members.into_iter().filter(|member| !taken.contains(member)).collect();
        if free.len() > 1 {
            taken.extend(&free);
            groups.push(free);
        }
    }
    groups.extend((0..kinds.len()).filter(|party| !taken.contains(party)).map(|party| vec![party]));
    groups.sort();
    groups
}
