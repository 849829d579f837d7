//! What becomes reachable behind what opens: the same search as `blast`, before and after.

use std::collections::BTreeMap;

use super::objects::Then;
use crate::answer::Names;
use crate::packet::AddressSet;
use crate::reach::{ClassSet, Prover};

/// How far is looked.
const HOPS: usize = 3;

/// Looks for what is reached over rows; rows with one end in common share a search.
pub(super) struct Follow<'a, 'p> {
    after: &'a Prover<'p>,
    before: &'a Prover<'p>,
    names: &'a Names<'a>,
    /// What was reached before, from the sources of rows.
    known: BTreeMap<ClassSet, AddressSet>,
    /// What is reached after, from around the destinations of rows.
    reached: BTreeMap<ClassSet, Vec<AddressSet>>,
}

impl<'a, 'p> Follow<'a, 'p> {
    pub(super) fn new(after: &'a Prover<'p>, before: &'a Prover<'p>, names: &'a Names<'a>) -> Self {
        Self { after, before, names, known: BTreeMap::new(), reached: BTreeMap::new() }
    }

    /// What is reached over some flows in two and in three hops after, and from their sources in no three hops before: in words, and all of it. A chain begins with one of the flows: what other changes
    /// open from the same sources is told with these. `to` are classes of the new side, `from` of the old one.
    pub(super) fn then(&mut self, from: &ClassSet, to: &ClassSet) -> (Vec<Then>, AddressSet) {
        let classes = &self.after.access.classes;
        // Movement within a zone counts nothing before another flow.
        let around = self.after.around(to);
        let before = self.before;
        let known = self.known.entry(from.clone());
        let known = known.or_insert_with(|| AddressSet::union_all(&within(before, from, HOPS)));
        let known = known.union(&classes.addresses(to));
        let after = self.after;
        let reached = self.reached.entry(around.clone()).or_insert_with(|| {
            let mut reached = within(after, &around, HOPS - 1);
            reached.first_mut().into_iter().for_each(|first| *first = first.union(&classes.addresses(&around)));
            reached
        });
        let mut result = Vec::new();
        let mut told = known.clone();
        for (hop, set) in (2..).zip(reached) {
            let new = set.difference(&told);
            told = told.union(&new);
            if !new.is_empty() {
                result.push(Then { hop, to: self.names.line(&new) });
            }
        }
        (result, told.difference(&known))
    }
}

/// The addresses at each distance.
fn within(prover: &Prover<'_>, from: &ClassSet, hops: usize) -> Vec<AddressSet> {
    prover.nearby(from, hops).iter().map(|set| prover.access.classes.addresses(set)).collect()
}
