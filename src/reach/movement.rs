//! Where an intruder moves freely: within a zone, and over hosts that have addresses of both families.

use super::classes::{AddressClasses, ClassSet};
use crate::graph::{Topology, UnionFind, ZoneId};
use crate::model::Model;
use crate::packet::{AddressRange, Family, Interval};

/// Zones between which an intruder moves freely, because a host has addresses of both families in them. Mostly each zone is alone.
#[derive(Debug, Clone)]
pub struct Movement {
    /// For each class its group.
    of_class: Vec<usize>,
    /// For each group its classes, public ones included.
    members: Vec<ClassSet>,
    /// For each group its classes that can be a stepping stone.
    stones: Vec<ClassSet>,
    /// The classes of each family.
    pub(super) families: [ClassSet; 2],
}

impl Movement {
    /// How many groups there are.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn new(model: &Model, topology: &Topology, classes: &AddressClasses) -> Self {
        let count = topology.zones.zones.len();
        let mut joined = UnionFind::<usize>::new(count);
        for host in &model.hosts {
            let zones = |family| {
                let set = host.addresses.only(family);
                zones_of(model, topology, &set)
            };
            let (four, six) = (zones(Family::V4), zones(Family::V6));
            if let (Some(first), false) = (four.first(), six.is_empty()) {
                for zone in four.iter().chain(&six) {
                    joined.union(first.index(), zone.index());
                }
            }
        }
        let mut members: Vec<Vec<Interval<u32>>> = vec![Vec::new(); count];
        let mut of_class = Vec::with_capacity(classes.len());
        for (number, class) in classes.members(&classes.all()) {
            let group = joined.find_mut(class.zone.index());
            of_class.push(group);
            if let Some(own) = members.get_mut(group) {
                own.push(Interval::single(number));
            }
        }
        let members: Vec<ClassSet> = members.into_iter().map(|own| own.into_iter().collect()).collect();
        let stones = members.iter().map(|own| own.difference(classes.public())).collect();
        let all = classes.all();
        let families = Family::BOTH.map(|family| classes.of_family(&all, family));
        Self { of_class, members, stones, families }
    }

    /// The group of a class.
    pub(super) fn group(&self, class: u32) -> Option<usize> {
        self.of_class.get(class as usize).copied()
    }

    /// The classes of a group.
    pub(super) fn members(&self, group: usize) -> &ClassSet {
        static EMPTY: std::sync::LazyLock<ClassSet> = std::sync::LazyLock::new(ClassSet::empty);
        self.members.get(group).unwrap_or(&EMPTY)
    }

    /// The classes of a group that can be a stepping stone.
    pub(super) fn stones(&self, group: usize) -> &ClassSet {
        static EMPTY: std::sync::LazyLock<ClassSet> = std::sync::LazyLock::new(ClassSet::empty);
        self.stones.get(group).unwrap_or(&EMPTY)
    }

    /// The groups of some classes, ascending.
    pub(super) fn groups(&self, set: &ClassSet) -> Vec<usize> {
        let mut groups: Vec<usize> = AddressClasses::numbers(set).filter_map(|class| self.group(class)).collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }
}

fn zones_of(model: &Model, topology: &Topology, set: &crate::packet::AddressSet) -> Vec<ZoneId> {
    let zone = |(_, location): (AddressRange, _)| Some(topology.zones.place(topology.zones.place_at(location)?)?.zone);
    let mut zones: Vec<ZoneId> = model.located.meet(set).into_iter().filter_map(zone).collect();
    zones.dedup();
    zones
}
