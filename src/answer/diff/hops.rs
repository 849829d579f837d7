//! What becomes reachable behind what opens: the same search as `blast`, before and after.

use std::collections::BTreeMap;

use super::objects::Then;
use crate::answer::Names;
use crate::packet::{AddressSet, Interval};
use crate::reach::{AddressClasses, ClassSet, Prover, Reached};

/// How far is looked.
const HOPS: u32 = 3;

/// Looks for what is reached over rows; rows with one end in common share a search.
pub(super) struct Follow<'a, 'p> {
    after: &'a Prover<'p>,
    before: &'a Prover<'p>,
    names: &'a Names<'a>,
    /// What was reached before, from the sources of rows.
    known: BTreeMap<ClassSet, AddressSet>,
    /// What is reached after, from around the destinations of rows.
    reached: BTreeMap<ClassSet, Vec<AddressSet>>,
    /// A search that goes nowhere: it knows who moves where.
    still: Reached<'a>,
}

impl<'a, 'p> Follow<'a, 'p> {
    pub(super) fn new(after: &'a Prover<'p>, before: &'a Prover<'p>, names: &'a Names<'a>) -> Self {
        let still = after.spread(&ClassSet::empty(), &[], &[]);
        Self { after, before, names, known: BTreeMap::new(), reached: BTreeMap::new(), still }
    }

    /// What is reached over some flows in two and in three hops after, and from their sources in no three hops before: in words, and all of it. A chain begins with one of the flows: what other changes
    /// open from the same sources is told with these. `to` are classes of the new side, `from` of the old one.
    pub(super) fn then(&mut self, from: &ClassSet, to: &ClassSet) -> (Vec<Then>, AddressSet) {
        let classes = &self.after.access.classes;
        let around = self.around(to);
        let before = self.before;
        let known = self.known.entry(from.clone());
        let known = known.or_insert_with(|| AddressSet::union_all(&within(before, from, 1..=HOPS)));
        let known = known.union(&classes.addresses(to));
        let after = self.after;
        let reached = self.reached.entry(around.clone()).or_insert_with(|| {
            let mut reached = within(after, &around, 1..=HOPS - 1);
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

    /// Where one gets from some destinations without a flow. The internet is no stepping stone; movement within a zone counts nothing before another flow.
    fn around(&self, to: &ClassSet) -> ClassSet {
        let public = self.after.access.classes.public();
        let stones = to.difference(public);
        let around = AddressClasses::numbers(&stones).fold(ClassSet::empty(), |all, class| {
            if all.contains(class) { all } else { all.union(&self.still.around(class).difference(public)) }
        });
        around.union(&stones)
    }
}

/// The addresses at each of some distances.
fn within(prover: &Prover<'_>, from: &ClassSet, hops: std::ops::RangeInclusive<u32>) -> Vec<AddressSet> {
    let classes = &prover.access.classes;
    let on = prover.access.services.all();
    let (reached, all) = (prover.spread(from, &on, &[]), classes.all());
    let mut found: Vec<Vec<Interval<u32>>> = vec![Vec::new(); hops.clone().count()];
    for class in AddressClasses::numbers(&all) {
        let distance = reached.distance(class).map(|(distance, _)| distance);
        let at = distance.and_then(|distance| hops.clone().position(|hop| hop == distance));
        at.and_then(|at| found.get_mut(at)).into_iter().for_each(|list| list.push(Interval::single(class)));
    }
    found.into_iter().map(|list| classes.addresses(&list.into_iter().collect())).collect()
}
