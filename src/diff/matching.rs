//! Which zone, site and firewall of one side is which of the other, whatever they are called.
//!
//! What has addresses is known by them: two zones (or sites) are one if each holds cells of no other. A firewall is known by where it stands, so that a renamed one is the same; where several
//! stand alike, and where nothing else helps, names decide. A zone without addresses, a transit, is known by its name, or by the firewalls around it. None of this is trusted: [`Matching::is_whole`]
//! holds every interface of both sides against it before anybody calls two networks the same.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::both::{Both, Which};
use super::compare::Side;
use super::network::Cell;
use crate::graph::{Firewall, ZoneId};
use crate::model::{Attachment, SiteId, TransitId};

/// The number of a thing; none if it is not known yet.
pub(super) type Number = Option<u32>;

/// Those of both sides that look alike, by place in their lists.
type Alike<K> = BTreeMap<K, Both<Vec<usize>>>;

/// A firewall, the site that it serves, and what it joins.
type Standing = (Number, Option<Number>, Vec<Number>);

/// Numbers that both sides share for what is one thing; what one side has alone has a number of its own.
#[derive(Debug, Clone, Default)]
pub(super) struct Matching {
    zones: Both<Vec<Number>>,
    firewalls: Both<Vec<Number>>,
    sites: Both<FxHashMap<SiteId, u32>>,
    next: u32,
}

impl Matching {
    /// Matches what two sides have. `cells` are their addresses, cut by the places of both.
    pub(super) fn new(sides: Both<Side<'_>>, cells: &[Cell]) -> Self {
        let mut matching = Self {
            zones: sides.map(|side| vec![None; side.topology.zones.zones.len()]),
            firewalls: sides.map(|side| vec![None; side.topology.firewalls.len()]),
            ..Self::default()
        };
        matching.by_addresses(sides, cells);
        matching.transits_by_name(sides);
        while matching.firewalls_by_place(sides) || matching.zones_by_firewalls(sides) {}
        matching.firewalls_by_name(sides);
        while matching.firewalls_by_place(sides) || matching.zones_by_firewalls(sides) {}
        matching.rest();
        matching
    }

    /// The number of a zone.
    pub(super) fn zone(&self, which: Which, zone: ZoneId) -> Number {
        self.zones.of(which).get(zone.index()).copied().flatten()
    }

    /// The number of a firewall, counted as in the topology.
    pub(super) fn firewall(&self, which: Which, firewall: usize) -> Number {
        self.firewalls.of(which).get(firewall).copied().flatten()
    }

    /// The number of a site.
    pub(super) fn site(&self, which: Which, site: SiteId) -> Number {
        self.sites.of(which).get(&site).copied()
    }

    /// The numbers of the zones that a firewall joins, ascending.
    pub(super) fn joined(&self, which: Which, firewall: &Firewall) -> Vec<Number> {
        let mut zones: Vec<Number> = firewall.zones.iter().map(|zone| self.zone(which, *zone)).collect();
        zones.sort_unstable();
        zones
    }

    fn fresh(&mut self) -> u32 {
        self.next = self.next.saturating_add(1);
        self.next
    }

    fn join_zones(&mut self, before: usize, after: usize) {
        let number = self.fresh();
        for (list, at) in [(&mut self.zones.before, before), (&mut self.zones.after, after)] {
            list.get_mut(at).into_iter().for_each(|slot| *slot = Some(number));
        }
    }

    fn join_firewalls(&mut self, before: usize, after: usize) {
        let number = self.fresh();
        for (list, at) in [(&mut self.firewalls.before, before), (&mut self.firewalls.after, after)] {
            list.get_mut(at).into_iter().for_each(|slot| *slot = Some(number));
        }
    }

    /// Zones and sites that hold the same cells.
    fn by_addresses(&mut self, sides: Both<Side<'_>>, cells: &[Cell]) {
        let (mut zones, mut sites) = (Partners::default(), Partners::default());
        for cell in cells {
            let Both { before: Some(old), after: Some(new) } = cell.places else { continue };
            let (old, new) = (sides.before.topology.zones.place(old), sides.after.topology.zones.place(new));
            if let (Some(old), Some(new)) = (old, new) {
                zones.add(old.zone, new.zone);
                if let (Some(old), Some(new)) = (old.site, new.site) {
                    sites.add(old, new);
                }
            }
        }
        for (old, new) in zones.couples() {
            self.join_zones(old.index(), new.index());
        }
        for (old, new) in sites.couples() {
            let number = self.fresh();
            self.sites.before.insert(old, number);
            self.sites.after.insert(new, number);
        }
    }

    /// Zones that hold transits of one name.
    fn transits_by_name(&mut self, sides: Both<Side<'_>>) {
        let named = |side: Side<'_>| -> BTreeMap<String, ZoneId> {
            let transits = side.model.transits.iter().enumerate();
            let zone = |at| side.topology.zones.of(Attachment::Transit(TransitId::from_index(at)));
            transits.filter_map(|(at, transit)| Some((transit.name.value.clone(), zone(at)?))).collect()
        };
        let names = sides.map(named);
        let mut partners = Partners::default();
        for (name, old) in &names.before {
            if let Some(new) = names.after.get(name) {
                partners.add(*old, *new);
            }
        }
        for (old, new) in partners.couples() {
            if self.zone(Which::Before, old).is_none() && self.zone(Which::After, new).is_none() {
                self.join_zones(old.index(), new.index());
            }
        }
    }

    /// Firewalls that serve one site and join the same zones, as far as these are known.
    fn firewalls_by_place(&mut self, sides: Both<Side<'_>>) -> bool {
        let mut alike: Alike<(Number, Vec<Number>)> = BTreeMap::new();
        for which in [Which::Before, Which::After] {
            for (at, firewall) in sides.of(which).topology.firewalls.iter().enumerate() {
                if self.firewall(which, at).is_none() {
                    let serves = firewall.serves.map(|site| self.site(which, site).unwrap_or(0));
                    let signature = (serves, self.joined(which, firewall));
                    alike.entry(signature).or_default().of_mut(which).push(at);
                }
            }
        }
        let mut found = false;
        for ((_, joined), group) in alike {
            let is_certain = joined.iter().all(Option::is_some) || (group.before.len() == 1 && group.after.len() == 1);
            if is_certain && joined.iter().any(Option::is_some) {
                for (old, new) in couples(group, |which, at| device_name(*sides.of(which), *at)) {
                    self.join_firewalls(old, new);
                    found = true;
                }
            }
        }
        found
    }

    /// What is left and has one name.
    fn firewalls_by_name(&mut self, sides: Both<Side<'_>>) {
        let left = |which| {
            let all = 0..sides.of(which).topology.firewalls.len();
            let open = all.filter(|at| self.firewall(which, *at).is_none());
            open.map(|at| (device_name(*sides.of(which), at), at)).collect::<BTreeMap<&str, usize>>()
        };
        let (old, new) = (left(Which::Before), left(Which::After));
        for (name, old) in old {
            if let Some(new) = new.get(name) {
                self.join_firewalls(old, *new);
            }
        }
    }

    /// Zones between the same firewalls, as far as these are known.
    fn zones_by_firewalls(&mut self, sides: Both<Side<'_>>) -> bool {
        let mut alike: Alike<(bool, Vec<Number>)> = BTreeMap::new();
        for which in [Which::Before, Which::After] {
            let topology = sides.of(which).topology;
            for (at, zone) in (0..).map(ZoneId).take(topology.zones.zones.len()).enumerate() {
                let mut around: Vec<Number> =
                    topology.touching(zone).iter().map(|firewall| self.firewall(which, *firewall)).collect();
                around.sort_unstable();
                if self.zone(which, zone).is_none() && around.iter().any(Option::is_some) {
                    let signature = (topology.zones.internet == Some(zone), around);
                    alike.entry(signature).or_default().of_mut(which).push(at);
                }
            }
        }
        let mut found = false;
        for group in alike.into_values() {
            if let ([old], [new]) = (group.before.as_slice(), group.after.as_slice()) {
                self.join_zones(*old, *new);
                found = true;
            }
        }
        found
    }

    /// Numbers for what has no counterpart.
    fn rest(&mut self) {
        let mut next = self.next;
        let mut number = |slot: &mut Number| {
            next = next.saturating_add(1);
            slot.get_or_insert(next);
        };
        self.zones.before.iter_mut().chain(&mut self.zones.after).for_each(&mut number);
        self.firewalls.before.iter_mut().chain(&mut self.firewalls.after).for_each(&mut number);
        self.next = next;
    }

    /// Whether everything has its counterpart and is joined as that is: then both networks mean the same.
    pub(super) fn is_whole(&self, sides: Both<Side<'_>>, cells: &[Cell]) -> bool {
        self.agrees_on_cells(sides, cells)
            && self.zones_of(sides.before, Which::Before) == self.zones_of(sides.after, Which::After)
            && self.firewalls_of(sides.before, Which::Before) == self.firewalls_of(sides.after, Which::After)
    }

    fn agrees_on_cells(&self, sides: Both<Side<'_>>, cells: &[Cell]) -> bool {
        let (mut there, mut back) = (FxHashMap::default(), FxHashMap::default());
        cells.iter().all(|cell| {
            let Both { before: Some(old), after: Some(new) } = cell.places else { return false };
            let place = |which| sides.of(which).topology.zones.place(*cell.places.of(which).as_ref()?);
            let (Some(before), Some(after)) = (place(Which::Before), place(Which::After)) else { return false };
            let site = |which, site: Option<SiteId>| site.map(|site| self.site(which, site));
            let (old_site, new_site) = (site(Which::Before, before.site), site(Which::After, after.site));
            *there.entry(old).or_insert(new) == new
                && *back.entry(new).or_insert(old) == old
                && self.zone(Which::Before, before.zone) == self.zone(Which::After, after.zone)
                && old_site == new_site
                && old_site != Some(None)
        })
    }

    /// The zones that matter, with what sets them apart.
    fn zones_of(&self, side: Side<'_>, which: Which) -> BTreeSet<(Number, bool, bool)> {
        let zones = &side.topology.zones;
        let all = (0..).map(ZoneId).zip(&zones.zones);
        // A transit that nothing is attached to lies on no path.
        let matter = all.filter(|(at, zone)| !zone.networks.is_empty() || !side.topology.touching(*at).is_empty());
        matter.map(|(at, zone)| (self.zone(which, at), zone.has_transit, zones.internet == Some(at))).collect()
    }

    /// The firewalls, with whom they serve and what they join.
    fn firewalls_of(&self, side: Side<'_>, which: Which) -> BTreeSet<Standing> {
        let all = side.topology.firewalls.iter().enumerate();
        let serves = |firewall: &Firewall| firewall.serves.map(|site| self.site(which, site));
        all.map(|(at, firewall)| (self.firewall(which, at), serves(firewall), self.joined(which, firewall))).collect()
    }
}

fn device_name(side: Side<'_>, firewall: usize) -> &str {
    let device = side.topology.firewalls.get(firewall).and_then(|one| side.model.devices.get(one.device.index()));
    device.map(|device| device.name.value.as_str()).unwrap_or_default()
}

/// Couples of a group: those of one name first, then in their order, if there are as many on both sides.
fn couples<'n>(group: Both<Vec<usize>>, name: impl Fn(Which, &usize) -> &'n str) -> Vec<(usize, usize)> {
    let Both { before, mut after } = group;
    let is_even = before.len() == after.len();
    let mut result = Vec::new();
    let mut rest = Vec::new();
    for old in before {
        match after.iter().position(|new| name(Which::After, new) == name(Which::Before, &old)) {
            Some(at) => result.push((old, after.remove(at))),
            None => rest.push(old),
        }
    }
    if is_even {
        result.extend(rest.into_iter().zip(after));
    }
    result
}

/// Who meets whom.
struct Partners<T> {
    there: BTreeMap<T, BTreeSet<T>>,
    back: BTreeMap<T, BTreeSet<T>>,
}

impl<T> Default for Partners<T> {
    fn default() -> Self {
        Self { there: BTreeMap::new(), back: BTreeMap::new() }
    }
}

impl<T: Copy + Ord> Partners<T> {
    fn add(&mut self, old: T, new: T) {
        self.there.entry(old).or_default().insert(new);
        self.back.entry(new).or_default().insert(old);
    }

    /// Those that meet nobody else.
    fn couples(&self) -> Vec<(T, T)> {
        let only = |set: &BTreeSet<T>| set.first().copied().filter(|_| set.len() == 1);
        let couple = |(old, partners): (&T, &BTreeSet<T>)| {
            let new = only(partners)?;
            (self.back.get(&new).and_then(only) == Some(*old)).then_some((*old, new))
        };
        self.there.iter().filter_map(couple).collect()
    }
}
