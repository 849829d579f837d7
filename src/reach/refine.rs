//! Partition refinement: members that lie in the same of some sets belong together.

use super::classes::{AddressClasses, ClassSet};
use crate::packet::Interval;

/// Members of a base that lie in exactly the same sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The members.
    pub members: ClassSet,
    /// The sets that hold them, by their place in the list, ascending.
    pub sets: Vec<u32>,
}

/// No group: not in the base.
const OUTSIDE: u32 = u32::MAX;

/// Cuts a base by membership in some sets; members of none of them are a group too. Groups come in the order of their first members.
///
/// Cost: the members of the base, and those of each set that lie in it.
#[must_use]
pub fn refine(base: &ClassSet, sets: &[&ClassSet]) -> Vec<Group> {
    let Some(last) = base.intervals().last().map(|interval| interval.last) else { return Vec::new() };
    let first = base.first().unwrap_or_default();
    let mut refinement = Refinement { first, of: vec![OUTSIDE; (last - first) as usize + 1], lists: vec![Vec::new()] };
    for number in AddressClasses::numbers(base) {
        refinement.set(number, 0);
    }
    for (number, set) in (0_u32..).zip(sets) {
        refinement.split(base, set, number);
    }
    refinement.groups(base)
}

struct Refinement {
    first: u32,
    /// For each number from `first` its group.
    of: Vec<u32>,
    /// For each group the sets that hold it.
    lists: Vec<Vec<u32>>,
}

impl Refinement {
    fn group(&self, number: u32) -> u32 {
        let at = number.checked_sub(self.first).and_then(|at| self.of.get(at as usize));
        at.copied().unwrap_or(OUTSIDE)
    }

    fn set(&mut self, number: u32, group: u32) {
        if let Some(place) = number.checked_sub(self.first).and_then(|at| self.of.get_mut(at as usize)) {
            *place = group;
        }
    }

    fn split(&mut self, base: &ClassSet, set: &ClassSet, name: u32) {
        if base.is_subset(set) {
            self.lists.iter_mut().for_each(|list| list.push(name));
            return;
        }
        let mut halves = vec![OUTSIDE; self.lists.len()];
        for number in AddressClasses::numbers(&set.intersection(base)) {
            let old = self.group(number);
            let Some(half) = halves.get_mut(old as usize) else { continue };
            if *half == OUTSIDE {
                *half = u32::try_from(self.lists.len()).unwrap_or(OUTSIDE);
                let mut list = self.lists.get(old as usize).cloned().unwrap_or_default();
                list.push(name);
                self.lists.push(list);
            }
            let half = *half;
            self.set(number, half);
        }
    }

    fn groups(self, base: &ClassSet) -> Vec<Group> {
        let mut place = vec![OUTSIDE; self.lists.len()];
        let mut members: Vec<(u32, Vec<Interval<u32>>)> = Vec::new();
        for number in AddressClasses::numbers(base) {
            let group = self.group(number);
            let Some(at) = place.get_mut(group as usize) else { continue };
            if *at == OUTSIDE {
                *at = u32::try_from(members.len()).unwrap_or(OUTSIDE);
                members.push((group, Vec::new()));
            }
            let Some((_, own)) = members.get_mut(*at as usize) else { continue };
            match own.last_mut() {
                Some(last) if last.last.checked_add(1) == Some(number) => last.last = number,
                _ => own.push(Interval::single(number)),
            }
        }
        let mut lists = self.lists;
        let mut list = |group: u32| lists.get_mut(group as usize).map(std::mem::take).unwrap_or_default();
        members
            .into_iter()
            .map(|(group, own)| Group { members: own.into_iter().collect(), sets: list(group) })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_set() -> impl Strategy<Value = ClassSet> {
        prop::collection::vec((0..40_u32, 0..12_u32), 0..5).prop_map(|pieces| {
            pieces.into_iter().map(|(first, length)| Interval { first, last: first + length }).collect()
        })
    }

    proptest! {
        #[test]
        fn groups_are_memberships(base in any_set(), sets in prop::collection::vec(any_set(), 0..5)) {
            let refs: Vec<&ClassSet> = sets.iter().collect();
            let groups = refine(&base, &refs);
            let mut seen = ClassSet::empty();
            for group in &groups {
                prop_assert!(!group.members.is_empty() && !group.members.intersects(&seen));
                seen = seen.union(&group.members);
                for number in AddressClasses::numbers(&group.members) {
                    let held: Vec<u32> = (0..).zip(&sets).filter(|(_, set)| set.contains(number)).map(|(at, _)| at).collect();
                    prop_assert_eq!(&held, &group.sets);
                }
            }
            prop_assert_eq!(seen, base);
            let mut lists: Vec<_> = groups.iter().map(|group| group.sets.clone()).collect();
            lists.sort();
            lists.dedup();
            prop_assert_eq!(lists.len(), groups.len());
        }
    }
}
