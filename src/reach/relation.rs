//! What lies between two sets of address classes: nothing (one zone), firewalls, or no path at all.
//!
//! Most places of a network hang together: they reach one *main* part, through firewalls of their own site at most, and pairs of them need no look at the graph. The others are
//! asked place by place, each once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::classes::{AddressClasses, ClassSet};
use crate::graph::{PlaceId, Topology, ZoneId};

/// Pairs of sets: every member of the first with every member of the second.
pub type Pairs = Vec<(ClassSet, ClassSet)>;

/// How the ends of flows lie to each other, class by class.
#[derive(Debug)]
pub struct Relation<'t> {
    topology: &'t Topology,
    /// The classes of each place.
    places: BTreeMap<PlaceId, ClassSet>,
    /// The classes whose places reach the main part.
    main: ClassSet,
    /// For each other place that was asked about, the classes that have a path to it.
    joined: Mutex<BTreeMap<PlaceId, Arc<ClassSet>>>,
}

impl<'t> Relation<'t> {
    /// Finds the main part of a network: the core component that most places reach.
    #[must_use]
    pub fn new(topology: &'t Topology, classes: &AddressClasses) -> Self {
        let places = by_place(classes, &classes.all());
        let in_main = topology.reach_main_part(places.keys().copied());
        let in_main = places.values().zip(in_main).filter(|(_, reaches)| *reaches);
        let main = in_main.flat_map(|(set, _)| set.intervals().iter().copied()).collect();
        Self { topology, places, main, joined: Mutex::default() }
    }

    /// The pairs of two sets whose ends lie in one zone and are not both public: nothing stands between them.
    #[must_use]
    pub fn unenforced(&self, classes: &AddressClasses, from: &ClassSet, to: &ClassSet) -> Pairs {
        let mut result = Pairs::new();
        for zone in common_zones(classes, from, to) {
            let (from, to) = (from.intersection(classes.of_zone(zone)), to.intersection(classes.of_zone(zone)));
            let public = classes.public();
            let inner = (from.difference(public), to.clone());
            let outer = (from.intersection(public), to.difference(public));
            result.extend([inner, outer].into_iter().filter(|(from, to)| !from.is_empty() && !to.is_empty()));
        }
        result
    }

    /// The pairs of two sets that lie in different zones and have a path: a permitted flow between them passes.
    #[must_use]
    pub fn routable(&self, classes: &AddressClasses, from: &ClassSet, to: &ClassSet) -> Pairs {
        let mut result = Pairs::new();
        for (from, to) in apart(classes, from, to) {
            let (main_from, main_to) = (from.intersection(&self.main), to.intersection(&self.main));
            let (far_from, far_to) = (from.difference(&self.main), to.difference(&self.main));
            result.extend(self.asked(classes, &far_from, &to, true));
            result.extend(swapped(self.asked(classes, &far_to, &main_from, true)));
            result.push((main_from, main_to));
        }
        result.retain(|(from, to)| !from.is_empty() && !to.is_empty());
        result
    }

    /// The pairs of two sets that lie in different zones and have no path.
    #[must_use]
    pub fn unroutable(&self, classes: &AddressClasses, from: &ClassSet, to: &ClassSet) -> Pairs {
        let mut result = Pairs::new();
        for (from, to) in apart(classes, from, to) {
            let main_from = from.intersection(&self.main);
            let (far_from, far_to) = (from.difference(&self.main), to.difference(&self.main));
            result.extend(self.asked(classes, &far_from, &to, false));
            result.extend(swapped(self.asked(classes, &far_to, &main_from, false)));
        }
        result
    }

    /// Asks the graph, place by place of the sources.
    fn asked(&self, classes: &AddressClasses, from: &ClassSet, to: &ClassSet, connected: bool) -> Pairs {
        if from.is_empty() || to.is_empty() {
            return Pairs::new();
        }
        let there = |place| {
            let joined = self.joined(place);
            if connected { to.intersection(&joined) } else { to.difference(&joined) }
        };
        let pairs = by_place(classes, from).into_iter().map(|(place, here)| (here, there(place)));
        pairs.filter(|(_, there)| !there.is_empty()).collect()
    }

    /// The classes that have a path to a place.
    fn joined(&self, place: PlaceId) -> Arc<ClassSet> {
        let known = self.joined.lock().unwrap_or_else(PoisonError::into_inner).get(&place).cloned();
        known.unwrap_or_else(|| {
            let joined = self.places.iter().filter(|(other, _)| self.topology.is_connected(place, **other));
            let joined: Arc<ClassSet> = Arc::new(joined.flat_map(|(_, set)| set.intervals().iter().copied()).collect());
            self.joined.lock().unwrap_or_else(PoisonError::into_inner).insert(place, joined.clone());
            joined
        })
    }
}

/// The zones that two sets both touch.
fn common_zones(classes: &AddressClasses, from: &ClassSet, to: &ClassSet) -> Vec<ZoneId> {
    let (small, large) = if from.intervals().len() <= to.intervals().len() { (from, to) } else { (to, from) };
    classes.zones(small).into_iter().filter(|zone| classes.of_zone(*zone).intersects(large)).collect()
}

/// The pairs of two sets that lie in different zones. Disjoint.
#[must_use]
pub fn apart(classes: &AddressClasses, from: &ClassSet, to: &ClassSet) -> Pairs {
    let common = common_zones(classes, from, to);
    let mut shared = ClassSet::empty();
    let mut result = Pairs::new();
    for zone in common {
        let zone = classes.of_zone(zone);
        result.push((from.difference(zone), to.intersection(zone)));
        shared = shared.union(zone);
    }
    result.push((from.clone(), to.difference(&shared)));
    result.retain(|(from, to)| !from.is_empty() && !to.is_empty());
    result
}

fn swapped(pairs: Pairs) -> Pairs {
    pairs.into_iter().map(|(a, b)| (b, a)).collect()
}

fn by_place(classes: &AddressClasses, set: &ClassSet) -> BTreeMap<PlaceId, ClassSet> {
    let mut result: BTreeMap<PlaceId, Vec<crate::packet::Interval<u32>>> = BTreeMap::new();
    for (number, class) in classes.members(set) {
        result.entry(class.place).or_default().push(crate::packet::Interval::single(number));
    }
    result.into_iter().map(|(place, members)| (place, members.into_iter().collect())).collect()
}
