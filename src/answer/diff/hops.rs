//! What becomes reachable behind what opens: the same search as `blast`, before and after.

use super::objects::Then;
use crate::answer::Names;
use crate::packet::{AddressSet, Interval};
use crate::reach::{AddressClasses, ClassSet, Prover};

/// How far is looked.
const HOPS: u32 = 3;

/// What is reached over some flows in two and in three hops after, and from their sources in no three hops before. A chain begins with one of the flows: what other changes open from the same sources is
/// told with these. Both provers tell the ends apart.
pub(super) fn then(
    (after, to): (&Prover<'_>, &ClassSet),
    (before, from): (&Prover<'_>, &ClassSet),
    names: &Names<'_>,
) -> (Vec<Then>, AddressSet) {
    let classes = &after.access.classes;
    // The internet is no stepping stone. Who is somewhere else moves within the zone, which counts nothing before another flow.
    let stones = to.difference(classes.public());
    let still = after.spread(&ClassSet::empty(), &[], &[]);
    let around = AddressClasses::numbers(&stones).fold(ClassSet::empty(), |all, class| {
        if all.contains(class) { all } else { all.union(&still.around(class).difference(classes.public())) }
    });
    let around = around.union(&stones);
    let known = AddressSet::union_all(&within((before, from), 1..=HOPS)).union(&classes.addresses(to));
    let mut reached = within((after, &around), 1..=HOPS - 1);
    if let Some(first) = reached.first_mut() {
        *first = first.union(&classes.addresses(&around));
    }
    let mut result = Vec::new();
    let mut told = known.clone();
    for (hop, set) in (2..).zip(reached) {
        let new = set.difference(&told);
        told = told.union(&new);
        if !new.is_empty() {
            result.push(Then { hop, to: names.line(&new) });
        }
    }
    (result, told.difference(&known))
}

/// The addresses at each of some distances.
fn within((prover, from): (&Prover<'_>, &ClassSet), hops: std::ops::RangeInclusive<u32>) -> Vec<AddressSet> {
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
