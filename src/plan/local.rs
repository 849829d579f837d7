//! What concerns a firewall itself: traffic to its own addresses, and quarantines.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::cells::{Crossing, is_product, merge};
use super::place::{Placement, sort};
use super::sets::SetTable;
use super::types::{InputPlan, PlannedQuarantine, PlannedRule, RuleLabel};
use crate::graph::{Firewall, PairGraph, PlaceId, ZoneId};
use crate::model::Quarantine;
use crate::packet::{AddressRange, AddressSet};

impl Placement<'_> {
    /// What a firewall with `protect: true` lets in: permitted flows to its own addresses, from the zones where paths from the source enter it.
    pub(super) fn input(&self, number: usize, sets: &mut SetTable<'_>) -> InputPlan {
        let shared = self.shared();
        let own = shared
            .topology
            .firewalls
            .get(number)
            .and_then(|firewall| shared.model.devices.get(firewall.device.index()))
            .map(|device| device.addresses.clone())
            .unwrap_or_default();
        let mut entries: HashMap<(PlaceId, PlaceId), Vec<ZoneId>> = HashMap::new();
        let mut found: BTreeMap<ZoneId, BTreeMap<u32, Vec<Crossing>>> = BTreeMap::new();
        for (product, rule) in (0..).zip(self.products()) {
            let destinations = self.own_parts(&own, rule.product.destination);
            for (to, destination) in destinations {
                let mut sources: BTreeMap<ZoneId, Vec<AddressRange>> = BTreeMap::new();
                for piece in &shared.pieces(rule.product.source).all {
                    let zones =
                        entries.entry((piece.place, to)).or_insert_with(|| self.entries(number, piece.place, to));
                    for zone in zones {
                        sources.entry(*zone).or_default().push(piece.range);
                    }
                }
                for (zone, ranges) in sources {
                    let source: AddressSet = ranges.into_iter().collect();
                    if is_product(&source, &destination) {
                        let crossing = (Arc::new(source), destination.clone());
                        found.entry(zone).or_default().entry(product).or_default().push(crossing);
                    }
                }
            }
        }
        InputPlan { addresses: sets.share(own), rules: self.input_rules(number, found, sets) }
    }

    fn input_rules(
        &self,
        number: usize,
        found: BTreeMap<ZoneId, BTreeMap<u32, Vec<Crossing>>>,
        sets: &mut SetTable<'_>,
    ) -> Vec<(usize, Vec<PlannedRule>)> {
        let mut by_zone: BTreeMap<ZoneId, Vec<PlannedRule>> = BTreeMap::new();
        for (zone, products) in found {
            let mut rules: Vec<PlannedRule> = Vec::new();
            for (product, crossings) in products {
                rules.extend(merge(crossings).into_iter().filter_map(|crossing| self.rule(product, crossing, sets)));
            }
            sort(&mut rules);
            by_zone.insert(zone, rules);
        }
        let zones = self.shared().topology.firewalls.get(number).map(|firewall| firewall.interface_zones.as_slice());
        let interfaces = zones.unwrap_or_default().iter().enumerate();
        interfaces
            .filter_map(|(at, zone)| Some((at, by_zone.get(zone).filter(|rules| !rules.is_empty())?.clone())))
            .collect()
    }

    /// The part of an endpoint set that is the firewall's own, by place.
    fn own_parts(&self, own: &AddressSet, id: crate::model::EndpointId) -> Vec<(PlaceId, Arc<AddressSet>)> {
        let shared = self.shared();
        if !shared.model.endpoint(id).intersects(own) {
            return Vec::new();
        }
        let mut parts: BTreeMap<PlaceId, AddressSet> = BTreeMap::new();
        for piece in &shared.pieces(id).all {
            let common = AddressSet::from(piece.range).intersection(own);
            if !common.is_empty() {
                let part = parts.entry(piece.place).or_default();
                *part = part.union(&common);
            }
        }
        parts.into_iter().map(|(place, set)| (place, Arc::new(set))).collect()
    }

    /// The zones from which flows between two places enter a firewall that is their end.
    fn entries(&self, number: usize, from: PlaceId, to: PlaceId) -> Vec<ZoneId> {
        PairGraph::new(self.shared().topology, from, to).map(|graph| graph.entries(number)).unwrap_or_default()
    }

    /// The active quarantines that a firewall can see something of.
    pub(super) fn quarantines(&self, firewall: &Firewall) -> Vec<PlannedQuarantine> {
        let model = self.shared().model;
        let active = model.quarantines.iter().filter(|quarantine| quarantine.period.contains(self.at()));
        active.filter_map(|quarantine| self.quarantine(firewall, quarantine)).collect()
    }

    fn quarantine(&self, firewall: &Firewall, quarantine: &Quarantine) -> Option<PlannedQuarantine> {
        let shared = self.shared();
        let held = shared.model.endpoint(quarantine.held);
        if held.is_empty() || firewall.zones.is_empty() {
            return None;
        }
        let mut keep = Vec::new();
        let mut sets = SetTable::new(&shared.hashes);
        for id in &quarantine.keep {
            let (Some(rule), Some(label)) = (shared.model.rules.get(id.index()), self.label(*id)) else { continue };
            if !rule.period.contains(self.at()) {
                continue;
            }
            for product in &rule.products {
                let (source, destination) =
                    (shared.model.endpoint(product.source), shared.model.endpoint(product.destination));
                let services = shared.model.service(product.services);
                if is_product(source, destination) && !services.is_empty() {
                    keep.push(PlannedRule {
                        label: label.clone(),
                        effect: rule.effect,
                        source: sets.share(source.clone()),
                        destination: sets.share(destination.clone()),
                        services: services.clone(),
                        log: rule.log,
                    });
                }
            }
        }
        let label = Arc::new(RuleLabel { name: quarantine.name.value.clone(), span: quarantine.name.span });
        Some(PlannedQuarantine { label, held: held.clone(), keep })
    }
}
