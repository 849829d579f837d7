//! Rules whose flows meet no firewall: they stay in one zone, or have no path at all.
//!
//! Flows without a path count for nothing: no network carries them, so nothing has to enforce them. `deny ... from any` names the zone of its own destination too; that
//! is said, but as a warning, because the rest of it is enforced.

use std::collections::BTreeSet;

use super::{Context, Lint};
use crate::diag::codes::topology::{
    ALLOW_WITHIN_ZONE, ALLOW_WITHOUT_PATH, DENY_PARTLY_WITHIN_ZONE, DENY_UNENFORCEABLE,
};
use crate::diag::{Code, Diagnostic, Sink};
use crate::graph::{PlaceId, Topology, ZoneId};
use crate::model::{EndpointId, Model, Rule};
use crate::packet::{AddressRange, Family};
use crate::syntax::ast::Effect;

/// Finds such rules.
pub(super) struct Enforceable;

impl Lint for Enforceable {
    fn codes(&self) -> &'static [&'static Code] {
        const { &[&ALLOW_WITHOUT_PATH, &ALLOW_WITHIN_ZONE, &DENY_PARTLY_WITHIN_ZONE, &DENY_UNENFORCEABLE] }
    }

    fn run(&self, context: &Context<'_>, sink: &mut Sink) {
        let mut places = Places { context, seen: std::collections::HashMap::new() };
        for rule in &context.model.rules {
            if let Some(found) = judge(&mut places, rule) {
                sink.push(found);
            }
        }
    }
}

/// The places of one family that an endpoint set has addresses in.
type PlaceSet = std::rc::Rc<BTreeSet<PlaceId>>;

/// Remembers the places of endpoint sets.
struct Places<'c> {
    context: &'c Context<'c>,
    seen: std::collections::HashMap<EndpointId, [PlaceSet; 2]>,
}

impl Places<'_> {
    fn of(&mut self, id: EndpointId) -> [PlaceSet; 2] {
        let (model, topology) = (self.context.model, self.context.topology);
        self.seen.entry(id).or_insert_with(|| find_places(model, topology, id)).clone()
    }
}

fn find_places(model: &Model, topology: &Topology, id: EndpointId) -> [PlaceSet; 2] {
    let mut sets = [BTreeSet::new(), BTreeSet::new()];
    for (range, location) in model.located.meet(model.endpoint(id)) {
        let [v4, v6] = &mut sets;
        let set = match range {
            AddressRange::V4(_) => v4,
            AddressRange::V6(_) => v6,
        };
        set.extend(topology.zones.place_at(location));
    }
    sets.map(std::rc::Rc::new)
}

/// What the flows of a rule meet.
#[derive(Default)]
struct Met {
    /// Some flow has a path through firewalls.
    enforced: bool,
    /// Some flow stays in this zone.
    within: Option<ZoneId>,
    /// There is a flow at all.
    any: bool,
}

fn judge(places: &mut Places<'_>, rule: &Rule) -> Option<Diagnostic> {
    let mut met = Met::default();
    for product in &rule.products {
        let (from, to) = (places.of(product.source), places.of(product.destination));
        for (family, (from, to)) in Family::BOTH.into_iter().zip(from.iter().zip(&to)) {
            if !places.context.model.service(product.services).only(family).is_empty() {
                meet(places.context.topology, from, to, &mut met);
            }
        }
    }
    let name = &rule.name.value;
    let at = |code, message| Diagnostic::new(code, rule.name.span, message);
    match (rule.effect, met.any, met.enforced, met.within) {
        (_, false, ..) | (Effect::Allow, _, true, _) | (Effect::Deny, _, true, None) => None,
        (Effect::Allow, _, false, None) => Some(
            at(&ALLOW_WITHOUT_PATH, format!("no path leads from the sources of `{name}` to its destinations"))
                .label("allows nothing")
                .help("look at `sekisho graph`: a device or a transit that joins them may be missing"),
        ),
        (Effect::Allow, _, false, Some(zone)) => Some(joined_by(
            places.context,
            zone,
            at(&ALLOW_WITHIN_ZONE, format!("`{name}` allows what passes anyway"))
                .label("both ends are in one zone")
                .help("remove it, or put a firewall between the two"),
        )),
        (Effect::Deny, _, true, Some(zone)) => Some(joined_by(
            places.context,
            zone,
            at(&DENY_PARTLY_WITHIN_ZONE, format!("no firewall can enforce `{name}` for some of its flows"))
                .label("some sources and destinations are in one zone")
                .note(format!("for instance inside {}", zone_name(places.context, zone)))
                .help("take that zone out with `except`, or put a firewall into it"),
        )),
        (Effect::Deny, _, false, None) => Some(
            at(&DENY_UNENFORCEABLE, "no firewall can enforce this denial".to_owned())
                .label("no path leads from its sources to its destinations")
                .help("remove it, or look at `sekisho graph`: a device that joins them may be missing"),
        ),
        (Effect::Deny, _, false, Some(zone)) => Some(joined_by(
            places.context,
            zone,
            at(&DENY_UNENFORCEABLE, "no firewall can enforce this denial".to_owned())
                .label("both ends are in one zone")
                .help("give the device between them a `platform`, or put a firewall between the two networks"),
        )),
    }
}

fn meet(topology: &Topology, from: &BTreeSet<PlaceId>, to: &BTreeSet<PlaceId>, met: &mut Met) {
    let zone = |place: &PlaceId| topology.zones.place(*place).map(|place| place.zone);
    let zones: BTreeSet<ZoneId> = from.iter().filter_map(zone).collect();
    met.any |= !from.is_empty() && !to.is_empty();
    let shared = to.iter().find(|place| {
        let other_is_public = from.len() == 1 && from.iter().all(|place| topology.zones.is_public(*place));
        zone(place).is_some_and(|zone| zones.contains(&zone)) && !(topology.zones.is_public(**place) && other_is_public)
    });
    met.within = met.within.or(shared.and_then(zone));
    met.enforced =
        met.enforced || from.iter().any(|a| to.iter().any(|b| zone(a) != zone(b) && topology.is_connected(*a, *b)));
}

/// Adds the device that joins networks of a zone without filtering, if one does.
fn joined_by(context: &Context<'_>, zone: ZoneId, found: Diagnostic) -> Diagnostic {
    let joins = |device: &&crate::model::Device| {
        let here =
            device.interfaces.iter().filter(|interface| context.topology.zones.of(interface.attachment) == Some(zone));
        device.platform.is_none() && here.count() > 1
    };
    match context.model.devices.iter().find(joins) {
        Some(device) => found.also(device.name.span, format!("joins {} and filters nothing", zone_name(context, zone))),
        None => found,
    }
}

/// The networks of a zone, as people say them.
pub(super) fn zone_name(context: &Context<'_>, zone: ZoneId) -> String {
    let networks =
        context.topology.zones.zones.get(zone.index()).map(|zone| zone.networks.as_slice()).unwrap_or_default();
    let names: Vec<String> = networks
        .iter()
        .filter_map(|network| context.model.networks.get(network.index()))
        .take(3)
        .map(|network| format!("`{}`", network.full_name))
        .collect();
    let more = if networks.len() > names.len() { " and others" } else { "" };
    if names.is_empty() { "the internet".to_owned() } else { format!("{}{more}", names.join(", ")) }
}
