//! What to send through one firewall: flows with an ordered pair of its interfaces, and what the reference expects of each.
//!
//! Nearly every random flow on a random pair is dropped for three reasons at once, and such a probe tests nothing. So half of the
//! probes are flows that pass on a pair on their way, and the others differ from one of those in one thing: the pair, an end, or the service.
//! Absent on purpose: whether the kernel would forward the packet at all (see the kernel tests).

use super::Reference;
use super::sample::{self, Aim};
use crate::worlds::random::Random;
use crate::worlds::{Device, Flow};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A flow that arrives by one interface of a firewall and is routed to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Crossing {
    pub input: String,
    pub output: String,
    pub flow: Flow,
}

/// Finds probes for the firewalls of one world.
pub struct Prober<'r, 'w> {
    reference: &'r Reference<'w>,
    addresses: Vec<IpAddr>,
    packets: Vec<sample::Packet>,
    aims: Vec<Aim>,
    random: Random,
}

impl<'r, 'w> Prober<'r, 'w> {
    pub fn new(reference: &'r Reference<'w>, seed: u64) -> Self {
        let addresses = sample::addresses(reference.world);
        let packets = sample::all_packets(reference.world);
        let aims = sample::aims(reference, &addresses);
        Self { reference, addresses, packets, aims, random: Random::new(seed) }
    }

    /// Flows aimed at the rules, by the pairs of a firewall's interfaces on which they pass.
    fn passing(&mut self, device: &Device, count: usize) -> BTreeMap<(String, String), Vec<Flow>> {
        let mut found: BTreeMap<(String, String), Vec<Flow>> = BTreeMap::new();
        for _ in 0..count * 4 {
            let aim = &self.aims[self.random.below(self.aims.len())];
            if aim.from.is_empty() || aim.to.is_empty() {
                continue;
            }
            let (from, to) = (*self.random.pick(&aim.from), *self.random.pick(&aim.to));
            let (from, to) = if self.random.chance(15) { (to, from) } else { (from, to) };
            let packet = *self.random.pick(&aim.packets);
            let Some(flow) = sample::flow(from, to, packet) else { continue };
            if !self.reference.must_pass(&device.name, &flow) {
                continue;
            }
            for (input, output) in pairs(device) {
                if self.reference.expected(&device.name, input, output, &flow) {
                    found.entry((input.to_string(), output.to_string())).or_default().push(flow);
                }
            }
        }
        found
    }

    /// About so many probes of one firewall, each once; hardly any pass where hardly any flow does.
    pub fn forwarding(&mut self, device: &Device, count: usize) -> BTreeSet<Crossing> {
        let passing: Vec<_> = self.passing(device, count).into_iter().collect();
        let all = pairs(device);
        let mut probes = BTreeSet::new();
        for _ in 0..count {
            let by_chance = self.random.chance(10) || passing.is_empty();
            let (input, output, flow) = if by_chance {
                let Some((input, output, flow)) = self.by_chance(&all) else { continue };
                (input.to_string(), output.to_string(), flow)
            } else {
                let ((input, output), flows) = self.random.pick(&passing).clone();
                let flow = *self.random.pick(&flows);
                (input, output, flow)
            };
            let (input, output, flow) = match self.random.below(10) {
                _ if by_chance => (input, output, flow),
                0..=4 => (input, output, flow),
                5 => (output, input, flow),
                6 => {
                    let (input, output) = *self.random.pick(&all);
                    (input.to_string(), output.to_string(), flow)
                }
                _ => match self.nearby(flow) {
                    Some(flow) => (input, output, flow),
                    None => continue,
                },
            };
            probes.insert(Crossing { input, output, flow });
        }
        probes
    }

    /// Probes to a firewall's own addresses, by every interface.
    pub fn input(&mut self, device: &Device, count: usize) -> BTreeSet<Crossing> {
        let own: Vec<IpAddr> = device.interfaces.iter().flat_map(|one| one.addresses.clone()).collect();
        let mut probes = BTreeSet::new();
        if own.is_empty() {
            return probes;
        }
        for _ in 0..count * 3 {
            let aim = &self.aims[self.random.below(self.aims.len())];
            let mine: Vec<IpAddr> = aim.to.iter().copied().filter(|address| own.contains(address)).collect();
            let aimed = !mine.is_empty() && !aim.from.is_empty();
            if !aimed && self.random.chance(70) {
                continue;
            }
            let to = if aimed { *self.random.pick(&mine) } else { *self.random.pick(&own) };
            let from = *self.random.pick(if aimed { &aim.from } else { &self.addresses });
            let is_aimed = self.random.chance(75);
            let packet = *self.random.pick(if is_aimed { &aim.packets } else { &self.packets });
            let input = self.random.pick(&device.interfaces).name.clone();
            if let Some(flow) = sample::flow(from, to, packet) {
                probes.insert(Crossing { output: input.clone(), input, flow });
            }
            if probes.len() >= count {
                break;
            }
        }
        probes
    }

    fn by_chance<'d>(&mut self, pairs: &[(&'d str, &'d str)]) -> Option<(&'d str, &'d str, Flow)> {
        let (from, to) = (*self.random.pick(&self.addresses), *self.random.pick(&self.addresses));
        let flow = sample::flow(from, to, *self.random.pick(&self.packets))?;
        let (input, output) = *pairs.get(self.random.below(pairs.len()))?;
        Some((input, output, flow))
    }

    /// The flow with one end, or its service, replaced.
    fn nearby(&mut self, flow: Flow) -> Option<Flow> {
        let aim = &self.aims[self.random.below(self.aims.len())];
        let packet = (flow.protocol, flow.source_port, flow.destination_port);
        match self.random.below(4) {
            0 => sample::flow(*self.random.pick(&self.addresses), flow.destination, packet),
            1 => sample::flow(flow.source, *self.random.pick(&self.addresses), packet),
            2 => sample::flow(flow.source, flow.destination, *self.random.pick(&aim.packets)),
            _ => sample::flow(flow.source, flow.destination, *self.random.pick(&self.packets)),
        }
    }
}

/// The ordered pairs of two different interfaces.
fn pairs(device: &Device) -> Vec<(&str, &str)> {
    let names = || device.interfaces.iter().map(|interface| interface.name.as_str());
    names()
        .flat_map(|input| names().filter(move |output| *output != input).map(move |output| (input, output)))
        .collect()
}
