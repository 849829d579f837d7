//! The verdict of every flow of a small world, by classes: memberships are asked of [`super::sets`] once for each class, and
//! a flow is three numbers.
//!
//! It says the same as [`Reference::verdict`], which a test holds it to; it exists because a world has hundreds of thousands
//! of representative flows. A set of rules is a number with one bit for each rule of the world, in their order.

use super::classes::{self, Asked, Block, Packet};
use super::sample;
use super::ways::End;
use super::{Reference, Verdict};
use crate::worlds::{Effect, Endpoints, Flow, Services, Span};
use std::net::IpAddr;

/// A set of rules of the world.
pub type Rules = u64;

/// The classes of a flow's source, destination and packet.
pub type Triple = (usize, usize, usize);

/// Addresses between which no set of the world and no question makes a difference.
#[derive(Clone, Debug)]
pub struct Place {
    /// One of them: the first.
    pub address: IpAddr,
    /// All of them.
    pub cells: Vec<Span>,
    /// Zone and site; none if they are unknown.
    pub end: Option<End>,
    /// The innermost network, `site/network`; none for the internet and for what is unknown.
    pub network: Option<String>,
    /// Whether they are public addresses that no network holds.
    pub is_public: bool,
}

/// Packets between which no set of the world and no question makes a difference.
#[derive(Clone, Debug)]
pub struct Kind {
    /// One of them: the first.
    pub packet: Packet,
    /// All of them.
    pub cells: Vec<Block>,
}

/// What the graph says about two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Between {
    /// An end is unknown, or both are public: such a flow is in no assertion.
    Nothing,
    /// No path.
    NoPath,
    /// One zone.
    OneZone,
    /// At least one path through a firewall.
    Firewalls,
}

/// What decides whether a flow is permitted: the rules that cover it, and for each active quarantine that holds an end of it
/// the rules that this one keeps.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Facts {
    pub allows: Rules,
    pub denies: Rules,
    pub kept: Vec<Rules>,
}

impl Facts {
    /// Whether the flow is permitted if these rules did not exist.
    pub fn permit(&self, without: Rules) -> bool {
        let allows = self.allows & !without;
        allows != 0 && self.denies & !without == 0 && self.kept.iter().all(|kept| kept & allows != 0)
    }
}

/// What an address is asked: which expressions hold it, and whether it is IPv6; its network; whether it is public.
type AddressMark = (Vec<bool>, Option<String>, bool);

/// What a packet is asked: which expressions hold it, and whether it is icmp or icmp6.
type PacketMark = (Vec<bool>, bool, bool);

/// The classes of a world and of what is asked about it.
pub struct Table<'r, 'w> {
    pub reference: &'r Reference<'w>,
    pub places: Vec<Place>,
    pub kinds: Vec<Kind>,
    asked: Asked,
    /// The active rules that cover flows between two places, if the service is right.
    by_pair: Vec<Vec<Rules>>,
    /// The rules whose service holds a packet.
    by_kind: Vec<Rules>,
    allows: Rules,
    between: Vec<Vec<Between>>,
    /// Of each active quarantine which places it holds, and which rules it keeps.
    quarantines: Vec<(Vec<bool>, Rules)>,
}

impl<'r, 'w> Table<'r, 'w> {
    /// Cuts the world at every border of it and of what is asked.
    pub fn new(reference: &'r Reference<'w>, asked: &Asked) -> Table<'r, 'w> {
        assert!(reference.world.rules.len() <= 64, "a set of rules has 64 bits");
        let mut table = Table {
            reference,
            places: Vec::new(),
            kinds: Vec::new(),
            asked: asked.clone(),
            by_pair: Vec::new(),
            by_kind: Vec::new(),
            allows: 0,
            between: Vec::new(),
            quarantines: Vec::new(),
        };
        table.find_places();
        table.find_kinds();
        table.note_rules();
        table.note_quarantines();
        table.between = table.square(|source, destination| table.find_between(source, destination));
        table
    }

    fn address_mark(&self, address: IpAddr) -> AddressMark {
        let sets = &self.reference.sets;
        let asked = classes::endpoints_of(self.reference.world).into_iter().chain(&self.asked.endpoints);
        let network = sets.network_of(address).map(|(site, network)| format!("{}/{}", site.name, network.name));
        let held = asked.map(|one| sets.holds(one, address)).chain([address.is_ipv6()]);
        (held.collect(), network, sets.is_of_internet(address))
    }

    fn packet_mark(&self, packet: Packet) -> PacketMark {
        let flow = bare(packet);
        let asked = classes::services_of(self.reference.world).into_iter().chain(&self.asked.services);
        (asked.map(|one| self.reference.sets.serves(one, &flow)).collect(), packet.0 == 1, packet.0 == 58)
    }

    fn find_places(&mut self) {
        let cells = classes::address_cells(&classes::spans(self.reference.world, &self.asked));
        for (mark, cells) in classes::merge(&cells, |cell| self.address_mark(cell.first)) {
            let address = cells[0].first;
            let place =
                Place { address, end: self.reference.end(address), network: mark.1.clone(), is_public: mark.2, cells };
            self.places.push(place);
        }
    }

    fn find_kinds(&mut self) {
        let world = self.reference.world;
        let asked = classes::services_of(world).into_iter().chain(&self.asked.services);
        let blocks: Vec<Block> = asked.flat_map(|one| classes::blocks(one, world)).collect();
        let cells = classes::packet_cells(&blocks);
        for (_, cells) in classes::merge(&cells, |cell| self.packet_mark(classes::packet_of(cell))) {
            self.kinds.push(Kind { packet: classes::packet_of(&cells[0]), cells });
        }
    }

    fn note_rules(&mut self) {
        let size = self.places.len();
        self.by_pair = vec![vec![0; size]; size];
        self.by_kind = vec![0; self.kinds.len()];
        for (index, rule) in self.reference.world.rules.iter().enumerate() {
            if !self.reference.is_active(rule) {
                continue;
            }
            let bit = 1 << index;
            self.allows |= if rule.effect == Effect::Allow { bit } else { 0 };
            let (from, to) = (self.held(&rule.from), self.held(&rule.to));
            for (source, row) in self.by_pair.iter_mut().enumerate() {
                for (destination, rules) in row.iter_mut().enumerate() {
                    let forth = from[source] && to[destination];
                    let back = rule.both_ways && from[destination] && to[source];
                    *rules |= if forth || back { bit } else { 0 };
                }
            }
            for (kind, served) in self.served(Some(&rule.on)).into_iter().enumerate() {
                self.by_kind[kind] |= if served { bit } else { 0 };
            }
        }
    }

    fn note_quarantines(&mut self) {
        let world = self.reference.world;
        for quarantine in world.quarantines.iter().filter(|one| self.reference.is_quarantining(one)) {
            let kept = world.rules.iter().enumerate().filter(|(_, rule)| quarantine.keep.contains(&rule.name));
            let kept = kept.fold(0, |kept, (index, _)| kept | 1 << index);
            self.quarantines.push((self.held(&quarantine.of), kept));
        }
    }

    fn square<T>(&self, cell: impl Fn(&Place, &Place) -> T) -> Vec<Vec<T>> {
        let row = |source: &Place| self.places.iter().map(|destination| cell(source, destination)).collect();
        self.places.iter().map(row).collect()
    }

    fn find_between(&self, source: &Place, destination: &Place) -> Between {
        let (Some(from), Some(to)) = (&source.end, &destination.end) else { return Between::Nothing };
        if source.is_public && destination.is_public {
            return Between::Nothing;
        }
        if from.zone == to.zone {
            return Between::OneZone;
        }
        if self.reference.ways(from, to).exists { Between::Firewalls } else { Between::NoPath }
    }

    /// Which places the expression holds.
    pub fn held(&self, endpoints: &Endpoints) -> Vec<bool> {
        self.places.iter().map(|place| self.reference.sets.holds(endpoints, place.address)).collect()
    }

    /// Which kinds of packets the expression holds; without one, all.
    pub fn served(&self, services: Option<&Services>) -> Vec<bool> {
        let serves = |kind: &Kind| services.is_none_or(|one| self.reference.sets.serves(one, &bare(kind.packet)));
        self.kinds.iter().map(serves).collect()
    }

    /// The class of an address.
    pub fn place_of(&self, address: IpAddr) -> usize {
        self.places.iter().position(|place| place.cells.iter().any(|cell| cell.holds(address))).unwrap()
    }

    /// The class of a packet.
    pub fn kind_of(&self, packet: Packet) -> usize {
        self.kinds.iter().position(|kind| kind.cells.iter().any(|cell| cell.holds(packet))).unwrap()
    }

    /// The classes of a flow.
    pub fn triple_of(&self, flow: &Flow) -> Triple {
        let kind = self.kind_of((flow.protocol, flow.source_port, flow.destination_port));
        (self.place_of(flow.source), self.place_of(flow.destination), kind)
    }

    /// The flow that stands for these classes; none if they do not go together.
    pub fn flow(&self, (source, destination, kind): Triple) -> Option<Flow> {
        sample::flow(self.places[source].address, self.places[destination].address, self.kinds[kind].packet)
    }

    /// Whether the classes go together: one family, icmp with IPv4, icmp6 with IPv6.
    pub fn fits(&self, triple: Triple) -> bool {
        self.flow(triple).is_some()
    }

    /// How many representative flows there are, at most.
    pub fn size(&self) -> usize {
        let count = |is_four: bool| self.places.iter().filter(|one| one.address.is_ipv4() == is_four).count();
        (count(true).pow(2) + count(false).pow(2)) * self.kinds.len()
    }

    /// The representative flows whose ends are known and not both public, from and to the places wanted.
    pub fn triples(&self, from: &[bool], to: &[bool], on: &[bool]) -> Vec<Triple> {
        let mut triples = Vec::new();
        for source in chosen(from) {
            for destination in chosen(to).filter(|one| self.between(source, *one) != Between::Nothing) {
                let all = chosen(on).map(|kind| (source, destination, kind));
                triples.extend(all.filter(|triple| self.fits(*triple)));
            }
        }
        triples
    }

    /// What the graph says about two places.
    pub fn between(&self, source: usize, destination: usize) -> Between {
        self.between[source][destination]
    }

    /// What decides whether the flow is permitted.
    pub fn facts(&self, (source, destination, kind): Triple) -> Facts {
        let rules = self.by_pair[source][destination] & self.by_kind[kind];
        let holding = self.quarantines.iter().filter(|(of, _)| of[source] || of[destination]);
        Facts {
            allows: rules & self.allows,
            denies: rules & !self.allows,
            kept: holding.map(|(_, kept)| *kept).collect(),
        }
    }

    /// The verdict if these rules did not exist.
    pub fn verdict(&self, triple: Triple, without: Rules) -> Verdict {
        match self.between(triple.0, triple.1) {
            Between::Nothing | Between::NoPath => Verdict::Unroutable,
            Between::OneZone => Verdict::Unenforced,
            Between::Firewalls if self.facts(triple).permit(without) => Verdict::Pass,
            Between::Firewalls => Verdict::Drop,
        }
    }

    /// The names of rules, sorted.
    pub fn names(&self, rules: Rules) -> Vec<String> {
        let world = &self.reference.world.rules;
        let mut names: Vec<String> =
            (0..world.len()).filter(|index| rules >> index & 1 == 1).map(|index| world[index].name.clone()).collect();
        names.sort();
        names
    }

    /// The rules of these names; none if there is no such rule.
    pub fn rules(&self, names: &[String]) -> Option<Rules> {
        let position = |name: &String| self.reference.world.rules.iter().position(|rule| rule.name == *name);
        names.iter().map(position).try_fold(0, |rules, index| Some(rules | 1 << index?))
    }

    /// The active rules of one effect.
    pub fn active(&self, effect: Effect) -> Rules {
        let rules = self.reference.world.rules.iter().enumerate();
        let wanted = rules.filter(|(_, rule)| rule.effect == effect && self.reference.is_active(rule));
        wanted.fold(0, |rules, (index, _)| rules | 1 << index)
    }
}

/// The indexes that are set.
pub fn chosen(flags: &[bool]) -> impl Iterator<Item = usize> {
    flags.iter().enumerate().filter(|(_, set)| **set).map(|(index, _)| index)
}

/// A flow of a packet between no particular addresses; services do not look at them.
fn bare(packet: Packet) -> Flow {
    let (protocol, source_port, destination_port) = packet;
    let nobody: IpAddr = if protocol == 58 { "::" } else { "0.0.0.0" }.parse().unwrap();
    Flow { source: nobody, destination: nobody, protocol, source_port, destination_port }
}
