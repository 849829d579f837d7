//! Address classes: the addresses that a question can tell apart.
//!
//! The known addresses are cut at every border of every set that is used and at the borders of places; pieces of one place and one family that lie in the same sets are one
//! class (the atomic predicates of Yang and Lam, 2013, for one dimension). Every packet of a class fares like every other, so a set of addresses becomes a set of class
//! numbers, and a network of 65,536 terminals costs what one server costs.
//!
//! Classes are numbered by zone, place and family, so that a zone is one interval of numbers and *every address* is one interval too. Absent on purpose: the cost does not
//! depend on hosts that no set names.

use std::collections::HashMap;

use crate::graph::{PlaceId, Topology, ZoneId};
use crate::model::{Located, Model};
use crate::packet::{AddressRange, AddressSet, Family, Interval, IntervalSet, Value, sweep};

/// A set of class numbers.
pub type ClassSet = IntervalSet<u32>;

/// Addresses that fare alike.
#[derive(Debug, Clone)]
pub struct AddressClass {
    /// Where they lie.
    pub place: PlaceId,
    /// The zone of the place.
    pub zone: ZoneId,
    /// Their family.
    pub family: Family,
    /// The addresses, ascending.
    pub ranges: Vec<AddressRange>,
    /// The sets that hold them, ascending, by their place in the list that the classes were made from.
    sets: u32,
}

/// The classes of a list of sets.
#[derive(Debug, Clone, Default)]
pub struct AddressClasses {
    classes: Vec<AddressClass>,
    /// For each set its classes.
    of_set: Vec<ClassSet>,
    /// Lists of sets, each ascending, that classes share.
    lists: Vec<Vec<u32>>,
    /// For each zone its classes.
    of_zone: Vec<ClassSet>,
    /// The classes of public addresses.
    public: ClassSet,
}

impl AddressClasses {
    /// Cuts the known addresses of a model by some sets.
    #[must_use]
    pub fn new(model: &Model, topology: &Topology, sets: &[&AddressSet]) -> Self {
        let mut lists = Lists::default();
        let v4 = pieces(sets.iter().map(|set| set.v4.intervals()), &mut lists);
        let v6 = pieces(sets.iter().map(|set| set.v6.intervals()), &mut lists);
        let mut builder = Builder { topology, known: HashMap::new(), classes: Vec::new() };
        let Located { v4: located4, v6: located6 } = &model.located;
        cut(located4, &v4, |range, location, list| builder.add(AddressRange::V4(range), location, list));
        cut(located6, &v6, |range, location, list| builder.add(AddressRange::V6(range), location, list));
        let mut classes = builder.classes;
        classes.sort_by(|a, b| (a.place, a.family, &a.ranges).cmp(&(b.place, b.family, &b.ranges)));
        Self::index(classes, lists.lists, sets.len(), topology)
    }

    fn index(classes: Vec<AddressClass>, lists: Vec<Vec<u32>>, sets: usize, topology: &Topology) -> Self {
        let mut members: Vec<Vec<Interval<u32>>> = vec![Vec::new(); sets];
        let mut of_zone: Vec<Vec<Interval<u32>>> = vec![Vec::new(); topology.zones.zones.len()];
        let mut public = Vec::new();
        for (number, class) in (0_u32..).zip(&classes) {
            let single = Interval::single(number);
            for set in lists.get(class.sets as usize).into_iter().flatten() {
                if let Some(members) = members.get_mut(*set as usize) {
                    members.push(single);
                }
            }
            if let Some(zone) = of_zone.get_mut(class.zone.index()) {
                zone.push(single);
            }
            if topology.zones.is_public(class.place) {
                public.push(single);
            }
        }
        let collect = |members: Vec<Interval<u32>>| members.into_iter().collect::<ClassSet>();
        Self {
            of_set: members.into_iter().map(collect).collect(),
            of_zone: of_zone.into_iter().map(collect).collect(),
            public: collect(public),
            classes,
            lists,
        }
    }

    /// How many classes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether no address is known at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// The class of a number.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&AddressClass> {
        self.classes.get(number as usize)
    }

    /// The classes of a set, by its place in the list that the classes were made from.
    #[must_use]
    pub fn of_set(&self, set: usize) -> &ClassSet {
        static EMPTY: std::sync::LazyLock<ClassSet> = std::sync::LazyLock::new(ClassSet::empty);
        self.of_set.get(set).unwrap_or(&EMPTY)
    }

    /// The sets that hold a class, ascending.
    #[must_use]
    pub fn sets(&self, class: u32) -> &[u32] {
        let list = self.get(class).and_then(|class| self.lists.get(class.sets as usize));
        list.map(Vec::as_slice).unwrap_or_default()
    }

    /// The classes of a zone.
    #[must_use]
    pub fn of_zone(&self, zone: ZoneId) -> &ClassSet {
        static EMPTY: std::sync::LazyLock<ClassSet> = std::sync::LazyLock::new(ClassSet::empty);
        self.of_zone.get(zone.index()).unwrap_or(&EMPTY)
    }

    /// The classes of public addresses.
    #[must_use]
    pub fn public(&self) -> &ClassSet {
        &self.public
    }

    /// Every class.
    #[must_use]
    pub fn all(&self) -> ClassSet {
        match u32::try_from(self.classes.len()).ok().and_then(|len| len.checked_sub(1)) {
            Some(last) => Interval { first: 0, last }.into(),
            None => ClassSet::empty(),
        }
    }

    /// The numbers of a set of classes, ascending.
    pub fn numbers(set: &ClassSet) -> impl Iterator<Item = u32> + '_ {
        set.intervals().iter().flat_map(|interval| interval.first..=interval.last)
    }

    /// The classes of a set, ascending by number.
    pub fn members<'s>(&'s self, set: &'s ClassSet) -> impl Iterator<Item = (u32, &'s AddressClass)> {
        Self::numbers(set).filter_map(|number| Some((number, self.get(number)?)))
    }

    /// The addresses of a set of classes.
    #[must_use]
    pub fn addresses(&self, set: &ClassSet) -> AddressSet {
        self.members(set).flat_map(|(_, class)| class.ranges.iter().copied()).collect()
    }

    /// The members of a set that are of one family.
    #[must_use]
    pub fn of_family(&self, set: &ClassSet, family: Family) -> ClassSet {
        let members = self.members(set).filter(|(_, class)| class.family == family);
        members.map(|(number, _)| Interval::single(number)).collect()
    }

    /// The zones that a set of classes touches, ascending.
    #[must_use]
    pub fn zones(&self, set: &ClassSet) -> Vec<ZoneId> {
        let mut result: Vec<ZoneId> = Vec::new();
        let mut rest = set.first();
        while let Some(class) = rest.and_then(|number| self.get(number)) {
            result.push(class.zone);
            let last = self.of_zone(class.zone).intervals().last().map(|interval| interval.last);
            rest = last.and_then(|last| next_member(set, last));
        }
        result
    }
}

/// The smallest member above a number.
fn next_member(set: &ClassSet, above: u32) -> Option<u32> {
    let at = set.intervals().partition_point(|interval| interval.last <= above);
    set.intervals().get(at).map(|interval| interval.first.max(above.saturating_add(1)))
}

/// Gathers pieces of one place, family and membership.
struct Builder<'t> {
    topology: &'t Topology,
    known: HashMap<(PlaceId, Family, u32), usize>,
    classes: Vec<AddressClass>,
}

impl Builder<'_> {
    fn add(&mut self, range: AddressRange, location: crate::model::Location, sets: u32) {
        let zones = &self.topology.zones;
        let Some(place) = zones.place_at(location) else { return };
        let Some(zone) = zones.place(place).map(|place| place.zone) else { return };
        let family = range.family();
        let next = self.classes.len();
        let at = *self.known.entry((place, family, sets)).or_insert(next);
        if at == next {
            self.classes.push(AddressClass { place, zone, family, ranges: Vec::new(), sets });
        }
        if let Some(class) = self.classes.get_mut(at) {
            class.ranges.push(range);
        }
    }
}

/// Lists of set numbers, each once; list 0 is empty.
struct Lists {
    lists: Vec<Vec<u32>>,
    known: HashMap<Vec<u32>, u32>,
}

impl Default for Lists {
    fn default() -> Self {
        Self { lists: vec![Vec::new()], known: HashMap::from([(Vec::new(), 0)]) }
    }
}

impl Lists {
    fn id(&mut self, list: &[u32]) -> u32 {
        if let Some(known) = self.known.get(list) {
            return *known;
        }
        let id = u32::try_from(self.lists.len()).unwrap_or(u32::MAX);
        self.lists.push(list.to_vec());
        self.known.insert(list.to_vec(), id);
        id
    }
}

/// Where each piece begins (it ends where the next one begins), and the list of sets that hold it.
fn pieces<'a, T: Value + 'a>(sets: impl Iterator<Item = &'a [Interval<T>]>, lists: &mut Lists) -> Vec<(T, u32)> {
    let all = (0..).zip(sets).flat_map(|(number, intervals)| intervals.iter().map(move |interval| (number, *interval)));
    let mut result = vec![(T::MIN, 0)];
    sweep(all, |piece, holders| result.push((piece.first, lists.id(holders))));
    result
}

/// Cuts located ranges at the borders of pieces. Both lists ascend.
fn cut<T: Value, L: Copy>(
    located: &[(Interval<T>, L)],
    pieces: &[(T, u32)],
    mut found: impl FnMut(Interval<T>, L, u32),
) {
    for &(range, location) in located {
        let first = pieces.partition_point(|(start, _)| *start <= range.first).saturating_sub(1);
        let mut here = pieces.iter().skip(first).peekable();
        while let Some(&(start, list)) = here.next().filter(|(start, _)| *start <= range.last) {
            let end = here.peek().and_then(|(next, _)| next.previous()).unwrap_or(T::MAX);
            if let Some(piece) = (Interval { first: start, last: end.max(start) }).intersection(range) {
                found(piece, location, list);
            }
        }
    }
}
