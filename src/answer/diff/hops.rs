//! What becomes reachable behind what opens: the same search as `blast`, before and after.

use super::objects::Then;
use crate::answer::Names;
use crate::packet::{AddressSet, Interval};
use crate::reach::{AddressClasses, ClassSet, Prover};

/// How far is looked.
const HOPS: u32 = 3;

/// What is reached from some sources in two and in three hops after, and in no three hops before. Both provers tell the sources apart.
pub(super) fn then(after: (&Prover<'_>, &ClassSet), before: (&Prover<'_>, &ClassSet), names: &Names<'_>) -> Vec<Then> {
    let known = AddressSet::union_all(&within(before, 1..=HOPS));
    let reached = within(after, 2..=HOPS);
    let mut result = Vec::new();
    for (hop, set) in (2..).zip(reached) {
        let new = set.difference(&known);
        if !new.is_empty() {
            result.push(Then { hop, to: names.line(&new) });
        }
    }
    result
}

/// The addresses at each of some distances.
fn within((prover, from): (&Prover<'_>, &ClassSet), hops: std::ops::RangeInclusive<u32>) -> Vec<AddressSet> {
    let classes = &prover.access.classes;
    let on = prover.access.services.all();
    let (reached, all) = (prover.spread(from, &on, &[]), classes.all());
    let at = |hop: u32| -> AddressSet {
        let here = AddressClasses::numbers(&all)
            .filter(|class| reached.distance(*class).is_some_and(|(distance, _)| distance == hop));
        let set: ClassSet = here.map(Interval::single).collect();
        classes.addresses(&set)
    };
    hops.map(at).collect()
}
