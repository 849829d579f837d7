//! Allows so broad that they cross trust tiers on administration protocols.
//!
//! Sites say how far they are trusted with the attribute `tier`: 0 is trusted most. Who administers a site from one of a higher number should be a few hosts, or a network
//! of their own; a whole site is what an intruder with an administrator's password waits for. Whole means all of its addresses that no host names.

use std::collections::{BTreeMap, BTreeSet};

use super::{Context, Lint};
use crate::diag::codes::meaning::ACROSS_TIERS;
use crate::diag::{Code, Diagnostic, Sink};
use crate::model::{ADMINISTRATION, Location, Model, Rule, SiteId, administration, well_known};
use crate::packet::AddressSet;
use crate::syntax::ast::Effect;

/// Finds administration from less trusted networks.
pub(super) struct AcrossTiers;

impl Lint for AcrossTiers {
    fn codes(&self) -> &'static [&'static Code] {
        const { &[&ACROSS_TIERS] }
    }

    fn run(&self, context: &Context<'_>, sink: &mut Sink) {
        let model = context.model;
        let tiers: Vec<Option<i64>> = model.sites.iter().map(tier).collect();
        if tiers.iter().flatten().min() == tiers.iter().flatten().max() {
            return;
        }
        for rule in model.rules.iter().filter(|rule| rule.effect == Effect::Allow && rule.period.contains(context.at)) {
            sink.extend(found(model, &tiers, rule));
        }
    }
}

fn tier(site: &crate::model::Site) -> Option<i64> {
    site.attributes.iter().find(|(key, _)| key == "tier").and_then(|(_, value)| value.parse().ok())
}

fn found(model: &Model, tiers: &[Option<i64>], rule: &Rule) -> Option<Diagnostic> {
    for product in &rule.products {
        let services = model.service(product.services).intersection(administration());
        if services.is_empty() {
            continue;
        }
        let sources = model.endpoint(product.source);
        let mut from = by_tier(model, tiers, sources);
        from.values_mut().for_each(|sites| sites.retain(|site| is_whole(model, *site, sources)));
        from.retain(|_, sites| !sites.is_empty());
        let to = by_tier(model, tiers, model.endpoint(product.destination));
        let (Some((least, source)), Some((most, target))) = (from.last_key_value(), to.first_key_value()) else {
            continue;
        };
        if least > most {
            let name = |sites: &BTreeSet<SiteId>| {
                let site = sites.first().and_then(|id| model.sites.get(id.index()));
                site.map(|site| site.name.value.clone()).unwrap_or_default()
            };
            let names = ADMINISTRATION.iter().copied();
            let names: Vec<&str> =
                names.filter(|name| well_known(name).is_some_and(|set| set.intersects(&services))).collect();
            let message = format!(
                "`{}` lets a whole site of tier {least} administer tier {most} ({})",
                rule.name.value,
                names.join(", ")
            );
            return Some(
                Diagnostic::new(&ACROSS_TIERS, rule.name.span, message)
                    .note(format!("from `{}`, tier {least}, to `{}`, tier {most}", name(source), name(target)))
                    .help("name the hosts that administer, or go over a jump host"),
            );
        }
    }
    None
}

/// Whether a set holds all addresses of a site that no host names.
fn is_whole(model: &Model, site: SiteId, set: &AddressSet) -> bool {
    let Some(site) = model.sites.get(site.index()) else { return false };
    let is_left_out = is_named(model, &site.addresses.difference(set));
    is_left_out && set.intersects(&site.addresses) && !is_named(model, &site.addresses.intersection(set))
}

/// Whether hosts name all of a set; an empty one they do.
fn is_named(model: &Model, set: &AddressSet) -> bool {
    let hosts = set.ranges().flat_map(|range| model.hosts_in(range));
    let named: Vec<_> = hosts.filter_map(|host| model.hosts.get(host.index())).map(|host| &*host.addresses).collect();
    set.is_subset(&AddressSet::union_all(named))
}

/// The tiers of the sites that a set touches, each with those sites.
fn by_tier(model: &Model, tiers: &[Option<i64>], set: &AddressSet) -> BTreeMap<i64, BTreeSet<SiteId>> {
    let mut result: BTreeMap<i64, BTreeSet<SiteId>> = BTreeMap::new();
    for (_, location) in model.located.meet(set) {
        let Location::Network(network) = location else { continue };
        let Some(site) = model.networks.get(network.index()).map(|network| network.site) else { continue };
        if let Some(tier) = tiers.get(site.index()).copied().flatten() {
            result.entry(tier).or_default().insert(site);
        }
    }
    result
}
