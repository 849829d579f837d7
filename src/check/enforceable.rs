//! Rules whose flows meet no firewall: they stay in one zone, or have no path at all.
//!
//! Flows without a path count for nothing: no network carries them, so nothing has to enforce them. `deny ... from any` names the zone of its own destination too; that
//! is said, but as a warning, because the rest of it is enforced.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::{Context, Lint};
use crate::diag::codes::topology::{
    ALLOW_WITHIN_ZONE, ALLOW_WITHOUT_PATH, DENY_PARTLY_WITHIN_ZONE, DENY_UNENFORCEABLE,
};
use crate::diag::{Code, Diagnostic, Sink};
use crate::graph::{PlaceId, Topology, ZoneId};
use crate::model::{EndpointId, Model, Rule, ServiceId};
use crate::packet::{AddressRange, Family};
use crate::syntax::ast::Effect;

/// Finds such rules.
pub(super) struct Enforceable;

impl Lint for Enforceable {
    fn codes(&self) -> &'static [&'static Code] {
        const { &[&ALLOW_WITHOUT_PATH, &ALLOW_WITHIN_ZONE, &DENY_PARTLY_WITHIN_ZONE, &DENY_UNENFORCEABLE] }
    }

    fn run(&self, context: &Context<'_>, sink: &mut Sink) {
        let (seen, met, spoken) = (FxHashMap::default(), FxHashMap::default(), FxHashMap::default());
        let mut places = Places { context, seen, met, spoken };
        for rule in &context.model.rules {
            if let Some(found) = judge(&mut places, rule) {
                sink.push(found);
            }
        }
    }
}

/// What an endpoint set has addresses of one family in; both lists ascend.
#[derive(Default)]
struct PlaceSet {
    places: Vec<PlaceId>,
    zones: Vec<ZoneId>,
}

/// What an endpoint set has addresses in, by family.
type ByFamily = Rc<[PlaceSet; 2]>;

/// Remembers the places of endpoint sets, and what meets between two of them: many rules share their ends.
struct Places<'c> {
    context: &'c Context<'c>,
    seen: FxHashMap<EndpointId, ByFamily>,
    met: FxHashMap<(EndpointId, EndpointId), [Met; 2]>,
    /// Whether a service set has anything to say in each family.
    spoken: FxHashMap<ServiceId, [bool; 2]>,
}

impl Places<'_> {
    fn of(&mut self, id: EndpointId) -> ByFamily {
        let (model, topology) = (self.context.model, self.context.topology);
        self.seen.entry(id).or_insert_with(|| Rc::new(find_places(model, topology, id))).clone()
    }

    /// Whether a service set has anything to say in each family.
    fn spoken(&mut self, id: ServiceId) -> [bool; 2] {
        let services = self.context.model.service(id);
        *self.spoken.entry(id).or_insert_with(|| Family::BOTH.map(|family| !services.only(family).is_empty()))
    }

    /// What the flows between two sets meet, by family.
    fn between(&mut self, source: EndpointId, destination: EndpointId) -> [Met; 2] {
        if let Some(known) = self.met.get(&(source, destination)) {
            return *known;
        }
        let (from, to) = (self.of(source), self.of(destination));
        let topology = self.context.topology;
        let ([from_v4, from_v6], [to_v4, to_v6]) = (&*from, &*to);
        let found = [meet(topology, from_v4, to_v4), meet(topology, from_v6, to_v6)];
        self.met.insert((source, destination), found);
        found
    }
}

fn find_places(model: &Model, topology: &Topology, id: EndpointId) -> [PlaceSet; 2] {
    let mut sets = [PlaceSet::default(), PlaceSet::default()];
    for (range, location) in model.located.meet(model.endpoint(id)) {
        let [v4, v6] = &mut sets;
        let set = match range {
            AddressRange::V4(_) => v4,
            AddressRange::V6(_) => v6,
        };
        set.places.extend(topology.zones.place_at(location));
    }
    for set in &mut sets {
        set.places.sort_unstable();
        set.places.dedup();
        set.zones =
            set.places.iter().filter_map(|place| topology.zones.place(*place)).map(|place| place.zone).collect();
        set.zones.dedup();
    }
    sets
}

/// What some flows meet.
#[derive(Debug, Clone, Copy, Default)]
struct Met {
    /// One has a path through firewalls.
    enforced: bool,
    /// One stays in this zone.
    within: Option<ZoneId>,
    /// There is one at all.
    any: bool,
}

impl Met {
    fn and(self, other: Self) -> Self {
        Self {
            enforced: self.enforced || other.enforced,
            within: self.within.or(other.within),
            any: self.any || other.any,
        }
    }
}

fn judge(places: &mut Places<'_>, rule: &Rule) -> Option<Diagnostic> {
    let mut met = Met::default();
    for product in &rule.products {
        let found = places.between(product.source, product.destination);
        for (is_spoken, found) in places.spoken(product.services).into_iter().zip(found) {
            if is_spoken {
                met = met.and(found);
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

fn meet(topology: &Topology, from: &PlaceSet, to: &PlaceSet) -> Met {
    let zone = |place: &PlaceId| topology.zones.place(*place).map(|place| place.zone);
    let is_public = |set: &PlaceSet, zone: ZoneId| {
        let mut here =
            set.places.iter().filter(|place| topology.zones.place(**place).map(|place| place.zone) == Some(zone));
        here.all(|place| topology.zones.is_public(*place))
    };
    let (few, many) = if from.zones.len() <= to.zones.len() { (from, to) } else { (to, from) };
    // Between public addresses nothing flows that anybody here could see.
    let stays =
        |zone: &&ZoneId| many.zones.binary_search(zone).is_ok() && !(is_public(from, **zone) && is_public(to, **zone));
    let enforced =
        from.places.iter().any(|a| to.places.iter().any(|b| zone(a) != zone(b) && topology.is_connected(*a, *b)));
    Met {
        enforced,
        within: few.zones.iter().find(stays).copied(),
        any: !from.places.is_empty() && !to.places.is_empty(),
    }
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
