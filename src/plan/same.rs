//! Which firewalls of two placements could have different plans, and whether two plans are the same.
//!
//! A plan is made of the rules that concern its firewall and of the network. So where the network is the same word by word, only the firewalls that a changed rule concerns, before or after, need
//! be planned; where it is not, all are. A firewall that protects itself, and quarantines, which every firewall sees, are beyond that: then everything is planned. A firewall is the same as that of its name, because its
//! files are in a folder of that name.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::place::Placement;
use super::types::{DevicePlan, PlannedQuarantine, PlannedRule};
use crate::model::{Attachment, EndpointId, Model, Rule, RuleId};

/// Pairs of firewalls of one name (counted as in the topologies) that may have different plans; `None` where there is none of this name. All others have the same.
#[must_use]
pub fn suspects(before: &Placement<'_>, after: &Placement<'_>) -> Vec<(Option<usize>, Option<usize>)> {
    let (old, new) = (names(before), names(after));
    let all: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    let pairs = all.into_iter().map(|name| (old.get(name).copied(), new.get(name).copied()));
    let (old_model, new_model) = (before.shared().model, after.shared().model);
    if !same_network(old_model, new_model) || has_more(before) || has_more(after) {
        return pairs.collect();
    }
    let [old_rules, new_rules] = changed_rules(before, after);
    let (old_concerned, new_concerned) = (before.concerned(&old_rules), after.concerned(&new_rules));
    let is_concerned = |at: Option<usize>, flags: &[bool]| at.is_some_and(|at| flags.get(at) != Some(&false));
    pairs.filter(|(old, new)| is_concerned(*old, &old_concerned) || is_concerned(*new, &new_concerned)).collect()
}

fn names<'p>(placement: &'p Placement<'_>) -> BTreeMap<&'p str, usize> {
    let shared = placement.shared();
    let firewalls = shared.topology.firewalls.iter().enumerate();
    let named = firewalls.filter_map(|(at, firewall)| Some((shared.model.devices.get(firewall.device.index())?, at)));
    named.map(|(device, at)| (device.name.value.as_str(), at)).collect()
}

/// Whether something beside jobs decides what firewalls do.
fn has_more(placement: &Placement<'_>) -> bool {
    let model = placement.shared().model;
    model.devices.iter().any(|device| device.protect)
        || model.quarantines.iter().any(|quarantine| quarantine.period.contains(placement.at()))
}

/// Whether two inventories say the same, names included.
fn same_network(old: &Model, new: &Model) -> bool {
    if std::ptr::eq(old, new) {
        return true;
    }
    let attached = |model: &Model, attachment: Attachment| match attachment {
        Attachment::Network(id) => model.networks.get(id.index()).map(|one| one.full_name.clone()),
        Attachment::Transit(id) => model.transits.get(id.index()).map(|one| one.name.value.clone()),
    };
    let device = |model: &Model, at: usize| {
        let one = model.devices.get(at)?;
        let site = one.site.and_then(|site| model.sites.get(site.index())).map(|site| site.name.value.clone());
        let interface = |one: &crate::model::Interface| {
            (one.name.value.clone(), attached(model, one.attachment), one.addresses.clone())
        };
        let interfaces: Vec<_> = one.interfaces.iter().map(interface).collect();
        let platform = one.platform.as_ref().map(|platform| platform.value.clone());
        Some((one.name.value.clone(), site, platform, one.protect, interfaces))
    };
    let same_all = |count: [usize; 2], same: &dyn Fn(usize) -> bool| count[0] == count[1] && (0..count[0]).all(same);
    same_all([old.sites.len(), new.sites.len()], &|at| {
        let sites = (old.sites.get(at), new.sites.get(at));
        matches!(sites, (Some(a), Some(b)) if a.name.value == b.name.value && a.transit == b.transit)
    }) && same_all([old.networks.len(), new.networks.len()], &|at| {
        let networks = (old.networks.get(at), new.networks.get(at));
        matches!(networks, (Some(a), Some(b)) if a.full_name == b.full_name && a.own == b.own && a.addresses == b.addresses)
    }) && same_all([old.transits.len(), new.transits.len()], &|at| {
        let transits = (old.transits.get(at), new.transits.get(at));
        matches!(transits, (Some(a), Some(b)) if a.name.value == b.name.value && a.internet == b.internet)
    }) && same_all([old.devices.len(), new.devices.len()], &|at| device(old, at) == device(new, at))
}

/// The active rules of each side that the other side has not word by word.
fn changed_rules(before: &Placement<'_>, after: &Placement<'_>) -> [BTreeSet<RuleId>; 2] {
    let (old, new) = (before.shared().model, after.shared().model);
    let mut same_sets: FxHashMap<(EndpointId, EndpointId), bool> = FxHashMap::default();
    let mut same = |one: &Rule, other: &Rule| {
        one.effect == other.effect
            && one.log == other.log
            && one.products.len() == other.products.len()
            && one.products.iter().zip(&other.products).all(|(a, b)| {
                let mut ends = [(a.source, b.source), (a.destination, b.destination)].into_iter();
                old.service(a.services) == new.service(b.services)
                    && ends.all(|(a, b)| *same_sets.entry((a, b)).or_insert_with(|| old.endpoint(a) == new.endpoint(b)))
            })
    };
    let active = |model: &Model, placement: &Placement<'_>| -> BTreeMap<String, RuleId> {
        let all = model.rules.iter().enumerate().filter(|(_, rule)| rule.period.contains(placement.at()));
        all.map(|(at, rule)| (rule.name.value.clone(), RuleId::from_index(at))).collect()
    };
    let (mut old_rules, mut new_rules) = (active(old, before), active(new, after));
    let kept: Vec<String> = old_rules
        .iter()
        .filter(|(name, at)| {
            let theirs = new_rules.get(*name).and_then(|at| new.rules.get(at.index()));
            old.rules.get(at.index()).zip(theirs).is_some_and(|(one, other)| same(one, other))
        })
        .map(|(name, _)| name.clone())
        .collect();
    for name in &kept {
        old_rules.remove(name);
        new_rules.remove(name);
    }
    [old_rules.into_values().collect(), new_rules.into_values().collect()]
}

impl DevicePlan {
    /// Whether another plan asks for the same in the same words, wherever it stands in the files of the project: then the same files are written.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let interfaces = |plan: &Self| -> Vec<_> {
            plan.interfaces.iter().map(|one| (one.name.clone(), one.addresses.clone())).collect()
        };
        let same_input = match (&self.input, &other.input) {
            (None, None) => true,
            (Some(one), Some(other)) => {
                one.addresses == other.addresses
                    && all_like(&one.rules, &other.rules, |a, b| a.0 == b.0 && all_like(&a.1, &b.1, same_rule))
            }
            _ => false,
        };
        self.device == other.device
            && self.platform == other.platform
            && same_input
            && interfaces(self) == interfaces(other)
            && all_like(&self.quarantines, &other.quarantines, same_quarantine)
            && all_like(&self.pairs, &other.pairs, |a, b| {
                (a.in_interface, a.out_interface) == (b.in_interface, b.out_interface)
                    && all_like(&a.rules, &b.rules, same_rule)
            })
    }
}

fn all_like<T>(one: &[T], other: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same(a, b))
}

fn same_rule(one: &PlannedRule, other: &PlannedRule) -> bool {
    one.label.name == other.label.name
        && one.effect == other.effect
        && one.log == other.log
        && one.services == other.services
        && one.source == other.source
        && one.destination == other.destination
}

fn same_quarantine(one: &PlannedQuarantine, other: &PlannedQuarantine) -> bool {
    one.label.name == other.label.name && one.held == other.held && all_like(&one.keep, &other.keep, same_rule)
}
