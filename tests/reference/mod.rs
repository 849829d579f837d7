//! The contract's section 4 word by word: slow, small and obviously right.
//!
//! Sets are membership functions, zones a flood fill, paths an enumeration of all simple paths, blocks the textbook
//! definition. Nothing here is shared with `src`. Wherever the contract can be read in two ways, the doc comment at that
//! spot begins with `Reading:` and says which way was taken. Path facts are kept per pair of (zone, site) ends.
//!
//! [`sets`] says what addresses and services are in what, [`ways`] what paths there are, [`sample`] which flows to ask,
//! [`probes`] what to send through one firewall. For answers about all packets, [`classes`] cuts the packets there are into
//! finitely many kinds, [`table`] gives the verdict of each, [`segments`] says what paths cross, [`chains`] how far an intruder gets,
//! [`assertions`] what holds and what would mend it; [`answers`] reads what the program says about sets of flows, and [`compare`]
//! holds it to all this.
#![allow(dead_code, reason = "every test target uses another part")]

pub mod answers;
pub mod assertions;
pub mod chains;
pub mod classes;
pub mod compare;
pub mod probes;
pub mod sample;
pub mod segments;
pub mod sets;
pub mod table;
pub mod ways;

use crate::worlds::{Assertion, Device, Effect, Flow, Interface, Quarantine, Rule, Waiver, World};
use sets::Sets;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;
use ways::{End, Topology, Ways, Zone};

/// The answer about a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Pass,
    Drop,
    Unenforced,
    Unroutable,
}

impl Verdict {
    /// As the program writes it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Drop => "drop",
            Verdict::Unenforced => "unenforced",
            Verdict::Unroutable => "unroutable",
        }
    }
}

/// A world at a date.
pub struct Reference<'w> {
    pub world: &'w World,
    pub sets: Sets<'w>,
    pub topology: Topology<'w>,
    date: String,
    known_ways: RefCell<BTreeMap<(End, End), Rc<Ways>>>,
}

impl<'w> Reference<'w> {
    /// The meaning of the world at a date in ISO form.
    pub fn new(world: &'w World, date: &str) -> Reference<'w> {
        Reference {
            world,
            sets: Sets { world },
            topology: Topology::new(world),
            date: date.to_string(),
            known_ways: RefCell::default(),
        }
    }

    fn is_within(&self, start: Option<&String>, until: Option<&String>) -> bool {
        start.is_none_or(|start| *start <= self.date) && until.is_none_or(|until| self.date <= *until)
    }

    fn is_within_purpose(&self, purpose: Option<&String>) -> bool {
        let found = purpose.map(|name| self.world.purposes.iter().find(|one| one.name == *name).unwrap());
        found.is_none_or(|purpose| self.is_within(purpose.start.as_ref(), purpose.until.as_ref()))
    }

    /// Whether the rule is active: its own dates and those of its purpose are both bounds, both inclusive.
    pub fn is_active(&self, rule: &Rule) -> bool {
        self.is_within(rule.start.as_ref(), rule.until.as_ref()) && self.is_within_purpose(rule.purpose.as_ref())
    }

    /// Whether the assertion is active, by the same bounds.
    pub fn is_asserted(&self, assertion: &Assertion) -> bool {
        self.is_within(assertion.start.as_ref(), assertion.until.as_ref())
            && self.is_within_purpose(assertion.purpose.as_ref())
    }

    /// Whether the waiver is active, by the same bounds.
    pub fn is_waiving(&self, waiver: &Waiver) -> bool {
        self.is_within(waiver.start.as_ref(), Some(&waiver.until)) && self.is_within_purpose(waiver.purpose.as_ref())
    }

    /// Whether the quarantine is active.
    pub fn is_quarantining(&self, quarantine: &Quarantine) -> bool {
        self.is_within(quarantine.start.as_ref(), quarantine.until.as_ref())
    }

    fn covers(&self, rule: &Rule, flow: &Flow) -> bool {
        let joins = |from: IpAddr, to: IpAddr| self.sets.holds(&rule.from, from) && self.sets.holds(&rule.to, to);
        let directions =
            joins(flow.source, flow.destination) || (rule.both_ways && joins(flow.destination, flow.source));
        directions && self.sets.serves(&rule.on, flow)
    }

    fn covering(&self, flow: &Flow, effect: Effect) -> BTreeSet<String> {
        let covers = |rule: &&Rule| rule.effect == effect && self.is_active(rule) && self.covers(rule, flow);
        self.world.rules.iter().filter(covers).map(|rule| rule.name.clone()).collect()
    }

    /// The active allow rules that cover the flow.
    pub fn allows_of(&self, flow: &Flow) -> BTreeSet<String> {
        self.covering(flow, Effect::Allow)
    }

    /// The active deny rules that cover the flow.
    pub fn denies_of(&self, flow: &Flow) -> BTreeSet<String> {
        self.covering(flow, Effect::Deny)
    }

    /// The active allow and deny rules that cover the flow.
    pub fn rules_of(&self, flow: &Flow) -> BTreeSet<String> {
        self.allows_of(flow).union(&self.denies_of(flow)).cloned().collect()
    }

    /// The active quarantines that hold the flow's source or destination, or both.
    pub fn quarantines_of(&self, flow: &Flow) -> BTreeSet<String> {
        let holds = |one: &&Quarantine| {
            self.is_quarantining(one)
                && (self.sets.holds(&one.of, flow.source) || self.sets.holds(&one.of, flow.destination))
        };
        self.world.quarantines.iter().filter(holds).map(|one| one.name.clone()).collect()
    }

    /// Some active allow covers the flow, no active deny does, and every active quarantine that holds an end keeps one of
    /// those allows.
    ///
    /// Reading: "a flow from or to an address that the inventory does not know is never permitted" is asked first, so that a
    /// device's interface address outside every network (on a transit) is never permitted either.
    /// Reading: two public addresses of the internet can be permitted; only their verdict is `unroutable`.
    pub fn permitted(&self, flow: &Flow) -> bool {
        if !self.sets.is_known(flow.source) || !self.sets.is_known(flow.destination) {
            return false;
        }
        let allows = self.allows_of(flow);
        let quarantines = self.quarantines_of(flow);
        let kept = |name: &String| {
            let quarantine = self.world.quarantines.iter().find(|one| one.name == *name).unwrap();
            quarantine.keep.iter().any(|rule| allows.contains(rule))
        };
        !allows.is_empty() && self.denies_of(flow).is_empty() && quarantines.iter().all(kept)
    }

    /// Where an address is: its zone and its site; none if it is unknown.
    pub fn end(&self, address: IpAddr) -> Option<End> {
        if let Some((site, network)) = self.sets.network_of(address) {
            let zone = self.topology.zone_of(&format!("{}/{}", site.name, network.name));
            return Some(End { zone, site: Some(site.name.clone()) });
        }
        let internet = self.topology.internet.filter(|_| self.sets.is_known(address))?;
        Some(End { zone: internet, site: None })
    }

    /// The path facts between two ends.
    pub fn ways(&self, source: &End, destination: &End) -> Rc<Ways> {
        let key = (source.clone(), destination.clone());
        let mut known = self.known_ways.borrow_mut();
        Rc::clone(known.entry(key).or_insert_with(|| Rc::new(self.topology.ways(source, destination))))
    }

    fn ways_of(&self, flow: &Flow) -> Option<Rc<Ways>> {
        Some(self.ways(&self.end(flow.source)?, &self.end(flow.destination)?))
    }

    /// The verdict, in the order of the contract.
    pub fn verdict(&self, flow: &Flow) -> Verdict {
        let (Some(source), Some(destination)) = (self.end(flow.source), self.end(flow.destination)) else {
            return Verdict::Unroutable;
        };
        if self.sets.is_of_internet(flow.source) && self.sets.is_of_internet(flow.destination) {
            return Verdict::Unroutable;
        }
        if source.zone == destination.zone {
            return Verdict::Unenforced;
        }
        if !self.ways(&source, &destination).exists {
            return Verdict::Unroutable;
        }
        if self.permitted(flow) { Verdict::Pass } else { Verdict::Drop }
    }

    /// Whether the flow is permitted and this managed firewall lies on any path of it.
    pub fn must_pass(&self, firewall: &str, flow: &Flow) -> bool {
        self.is_routed(flow)
            && self.permitted(flow)
            && self.ways_of(flow).is_some_and(|ways| ways.firewalls.contains(firewall))
    }

    /// A flow between two public addresses has no path through here.
    fn is_routed(&self, flow: &Flow) -> bool {
        matches!(self.verdict(flow), Verdict::Pass | Verdict::Drop)
    }

    fn interface(&self, device: &str, interface: &str) -> &Interface {
        let device = self.device(device);
        device.interfaces.iter().find(|one| one.name == interface).unwrap()
    }

    fn device(&self, name: &str) -> &'w Device {
        self.world.devices.iter().find(|one| one.name == name).unwrap()
    }

    /// The zone that an interface is in.
    pub fn zone_of_interface(&self, device: &str, interface: &str) -> Zone {
        self.topology.zone_of(&self.interface(device, interface).joins)
    }

    /// Whether what this managed firewall runs must pass the first packet of a flow that arrives on `in_interface` and would
    /// leave by `out_interface`: the flow is permitted, and the ordered pair is on its way.
    ///
    /// Reading: a pair of interfaces in one zone (the same interface twice, or two of a bypassed firewall) is never on the
    /// way, because a path crosses each zone once. The contract's words on blocks do not say so; [`Reference::is_hairpin`]
    /// tells these cases.
    /// Reading: flows with verdict `unenforced` or `unroutable` are on no firewall's way, even if a firewall with two
    /// interfaces in one zone could be asked to forward them.
    pub fn expected(&self, device: &str, in_interface: &str, out_interface: &str, flow: &Flow) -> bool {
        if !self.is_routed(flow) || !self.permitted(flow) {
            return false;
        }
        let (from, to) = (self.zone_of_interface(device, in_interface), self.zone_of_interface(device, out_interface));
        self.ways_of(flow).is_some_and(|ways| ways.allowed.contains(&(device.to_string(), from, to)))
    }

    /// Whether two interfaces of a device are in one zone.
    pub fn is_hairpin(&self, device: &str, in_interface: &str, out_interface: &str) -> bool {
        self.zone_of_interface(device, in_interface) == self.zone_of_interface(device, out_interface)
    }

    /// Whether the `input` of a device with `protect: true` must admit the first packet of a flow to one of its own
    /// addresses that arrives on `in_interface`. None where the contract does not say: the device is not protected, the
    /// address is not its own, or the packet is of an ICMP type that only some call an error or neighbour discovery.
    ///
    /// Reading: neighbour discovery is ICMPv6 133 to 136 (137, redirect: not said); ICMP errors are types 3, 11 and 12 (4 and
    /// 5: not said) and ICMPv6 1 to 4; they are admitted on every interface and from every source.
    /// Reading: "always admits ICMP errors" and "quarantine beats both" contradict each other where a quarantine holds an end: not said.
    /// Reading: a flow to an own address may come in by any interface that an allowed pair of the flow's way has as its first
    /// (the firewall stands on the way to the address's zone), and by one in the address's zone if a path reaches that zone without
    /// this firewall, or the flow never leaves the zone; by nothing else.
    /// Reading: if both ends lie in one zone the verdict is `unenforced`, and still the protected device admits the flow only
    /// if it is permitted, since it is filtered "by the firewall itself".
    pub fn expected_input(&self, device: &str, in_interface: &str, flow: &Flow) -> Option<bool> {
        let own = self.device(device);
        let is_own = own.interfaces.iter().any(|interface| interface.addresses.contains(&flow.destination));
        if !own.protect || own.platform.is_none() || !is_own {
            return None;
        }
        match (flow.protocol, flow.source_port) {
            (58, Some(133..=136)) => return Some(true),
            (58, Some(1..=4)) | (1, Some(3 | 11 | 12)) => return self.quarantines_of(flow).is_empty().then_some(true),
            (58, Some(137)) | (1, Some(4 | 5)) => return None,
            _ => {}
        }
        if !self.permitted(flow) {
            return Some(false);
        }
        let (Some(source), Some(destination)) = (self.end(flow.source), self.end(flow.destination)) else {
            return Some(false);
        };
        let zone = self.zone_of_interface(device, in_interface);
        let ways = self.ways(&source, &destination);
        if source.zone == destination.zone {
            return Some(zone == destination.zone);
        }
        let on_the_way = ways.allowed.iter().any(|(firewall, from, _)| firewall == device && *from == zone);
        let may_use = self.topology.may_use(own, &source, &destination);
        let is_spared = ways.exists && (!may_use || ways.spared.contains(device));
        Some(on_the_way || (zone == destination.zone && is_spared))
    }

    /// Each (firewall, zone in, zone out) that an enumerated simple path uses and the definition by blocks does not allow.
    /// Empty if the definition is sound.
    pub fn unsound_pairs(&self, flow: &Flow) -> Vec<(String, Zone, Zone)> {
        let Some(ways) = self.ways_of(flow) else { return Vec::new() };
        ways.used.difference(&ways.allowed).cloned().collect()
    }
}
