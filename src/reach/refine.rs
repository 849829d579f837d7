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

/// Cuts the members of some sets by membership, as [`refine`] does, without looking at what no set holds. One of these serves many cuts.
///
/// Cost: the members of the sets.
#[derive(Debug, Default)]
pub struct Refiner {
    /// For each number its group, if its stamp is that of the present cut.
    of: Vec<(u32, u32)>,
    stamp: u32,
}

impl Refiner {
    /// The groups of those members of a base that lie in any of the sets, in the order of their first members.
    pub fn covered(&mut self, base: &ClassSet, sets: &[&ClassSet]) -> Vec<Group> {
        if sets.iter().any(|set| base.is_subset(set)) {
            return refine(base, sets);
        }
        self.stamp += 1;
        let size = base.intervals().last().map_or(0, |interval| interval.last as usize + 1);
        if self.of.len() < size {
            self.of.resize(size, (0, 0));
        }
        let mut lists: Vec<Vec<u32>> = vec![Vec::new()];
        let mut touched = Vec::new();
        for (number, set) in (0_u32..).zip(sets) {
            self.split(&set.intersection(base), number, &mut lists, &mut touched);
        }
        self.groups(lists, touched)
    }

    fn split(&mut self, members: &ClassSet, name: u32, lists: &mut Vec<Vec<u32>>, touched: &mut Vec<u32>) {
        let mut halves = vec![OUTSIDE; lists.len()];
        for number in AddressClasses::numbers(members) {
            let Some((stamp, group)) = self.of.get_mut(number as usize) else { continue };
            if *stamp != self.stamp {
                (*stamp, *group) = (self.stamp, 0);
                touched.push(number);
            }
            let Some(half) = halves.get_mut(*group as usize) else { continue };
            if *half == OUTSIDE {
                *half = u32::try_from(lists.len()).unwrap_or(OUTSIDE);
                let mut list = lists.get(*group as usize).cloned().unwrap_or_default();
                list.push(name);
                lists.push(list);
            }
            *group = *half;
        }
    }

    fn groups(&self, mut lists: Vec<Vec<u32>>, touched: Vec<u32>) -> Vec<Group> {
        let group = |number: u32| self.of.get(number as usize).map_or(OUTSIDE, |(_, group)| *group);
        let mut members: Vec<(u32, u32)> = touched.into_iter().map(|number| (group(number), number)).collect();
        members.sort_unstable();
        let mut groups: Vec<Group> = members
            .chunk_by(|a, b| a.0 == b.0)
            .map(|same| Group {
                members: same.iter().map(|(_, number)| Interval::single(*number)).collect(),
                sets: same
                    .first()
                    .and_then(|(at, _)| lists.get_mut(*at as usize))
                    .map(std::mem::take)
                    .unwrap_or_default(),
            })
            .collect();
        groups.sort_unstable_by_key(|group| group.members.first());
        groups
    }
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
            let mut refiner = Refiner::default();
            for _ in 0..2 {
                let covered: Vec<Group> = groups.iter().filter(|group| !group.sets.is_empty()).cloned().collect();
                prop_assert_eq!(refiner.covered(&base, &refs), covered);
            }
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
