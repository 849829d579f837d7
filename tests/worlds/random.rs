//! Random worlds: valid by the contract, and nasty.
//!
//! A world is made from a number, the same number gives the same world. Sites are built from templates (one firewall,
//! parallel ones, nested ones, routers, nothing at all ...), then a few devices are thrown in that join anything with
//! anything: loops, hubs, bypassed firewalls, networks of other sites. What is kept is 2 to 8 firewalls and 3 to 12 zones
//! (roughly: counted before zones merge). Absent on purpose: bad input.

use super::{
    Assertion, Device, Effect, Endpoints, Feed, Group, Host, Interface, Labels, Literal, Network, Primary, Purpose,
    Quarantine, Rule, Service, ServiceDefinition, Services, Site, Span, Transit, Waiver, World, address, number,
};
use proptest::strategy::{BoxedStrategy, Strategy as _};
use std::net::IpAddr;

/// The date at which random worlds are looked at; some of their dates lie just before, on and after it.
pub const AT: &str = "2026-06-15";

pub const DATES: [&str; 6] = ["2026-01-01", "2026-06-14", "2026-06-15", "2026-06-16", "2026-12-31", "2027-06-15"];

/// A small random generator (splitmix64): the same seed, the same numbers, on every machine.
pub struct Random(u64);

impl Random {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5EED_0FF1_CE00_0001)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }

    /// True in so many of a hundred cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// A proptest strategy over worlds. It does not shrink; [`World::smaller`] does that with more sense.
pub fn any_world() -> BoxedStrategy<World> {
    proptest::num::u64::ANY.prop_map(World::random).no_shrink().boxed()
}

impl World {
    /// The world of a seed.
    pub fn random(seed: u64) -> World {
        let mut random = Random::new(seed);
        loop {
            let mut maker = Maker { random, world: World::default() };
            maker.inventory();
            let firewalls = maker.world.devices.iter().filter(|device| device.platform.is_some()).count();
            let segments = maker.world.networks().count() + maker.world.transits.len();
            if (2..=8).contains(&firewalls) && (3..=13).contains(&segments) {
                maker.addresses_of_interfaces();
                maker.policy();
                return maker.world;
            }
            random = maker.random;
        }
    }
}

/// Draws a world piece by piece.
pub(super) struct Maker {
    pub(super) random: Random,
    pub(super) world: World,
}

const NETWORKS: [&str; 6] = ["office", "app", "dmz", "lab", "log", "any"];
const HOSTS: [&str; 5] = ["erp", "jump", "printers", "dns", "to"];

impl Maker {
    pub(super) fn inventory(&mut self) {
        for index in 0..1 + self.random.below(3) {
            self.world.transits.push(Transit { name: format!("wan{index}"), internet: false });
        }
        let internets = *self.random.pick(&[0, 0, 1, 1, 1, 2]);
        for index in 0..internets {
            self.world.transits.push(Transit { name: format!("inet{index}"), internet: true });
        }
        for index in 0..2 + self.random.below(4) {
            let site = self.site(index);
            self.world.sites.push(site);
        }
        for index in 0..self.world.sites.len() {
            self.devices_of_site(index);
        }
        for _ in 0..self.random.below(4) {
            self.odd_device();
        }
    }

    pub(super) fn labels(&mut self) -> Labels {
        let mut labels = Labels::default();
        if self.random.chance(35) {
            labels.tags.push((*self.random.pick(&["terminal", "admin", "overseas"])).to_string());
        }
        for (key, values) in
            [("country", ["TH", "JP", "ID"]), ("tier", ["0", "1", "2"]), ("class", ["secret", "open", "to be decided"])]
        {
            if self.random.chance(20) {
                labels.attributes.push((key.to_string(), (*self.random.pick(&values)).to_string()));
            }
        }
        labels
    }

    fn site(&mut self, index: usize) -> Site {
        let labels = self.labels();
        let mut site = Site {
            name: format!("s{index}"),
            transit: self.random.chance(25),
            labels,
            networks: Vec::new(),
            hosts: Vec::new(),
        };
        let first = self.random.below(NETWORKS.len());
        for position in 0..1 + self.random.below(3) {
            let name = NETWORKS[(first + position) % NETWORKS.len()].to_string();
            let network =
                Network { name, prefixes: self.prefixes(index, position), labels: self.labels(), subnet_of: None };
            site.networks.push(network);
        }
        if self.random.chance(30) {
            self.inner_networks(&mut site);
        }
        self.hosts(&mut site);
        site
    }

    /// Prefixes that no other site and position can get. Some are neighbours of another site's.
    fn prefixes(&mut self, site: usize, position: usize) -> Vec<Span> {
        let four = match self.random.below(4) {
            0 => format!("10.{}.{}.0/20", site + 1, position * 16),
            1 => format!("10.99.{}.0/24", site * 4 + position),
            2 => format!("192.168.{}.{}/26", site, position * 64),
            _ => format!("20.{site}.{position}.0/24"),
        };
        let six = format!("2001:db8:{site}:{position}::/64");
        let global_six = format!("2600:{site}:{position}::/48");
        let texts = match self.random.below(10) {
            0..=4 => vec![four],
            5..=7 => vec![four, six],
            8 => vec![six, global_six],
            _ => vec![four, format!("10.100.{}.0/25", site * 4 + position), global_six],
        };
        texts.iter().map(|text| Span::parse(text)).collect()
    }

    fn inner_networks(&mut self, site: &mut Site) {
        let outer = site.networks[0].clone();
        let inner = |name: &str, outer: &Network, skip: u128, share: u128| {
            let span = outer.prefixes[0];
            let size = span.size() / share;
            let first = span.nth(size * skip).unwrap();
            let prefix = Span { first, last: address(number(first) + size - 1, first).unwrap() };
            Network {
                name: name.to_string(),
                prefixes: vec![prefix],
                labels: Labels::default(),
                subnet_of: Some(outer.name.clone()),
            }
        };
        let mut middle = inner("inner", &outer, 1, 4);
        middle.labels = self.labels();
        // The middle again, so that hosts (at the bottom) and interfaces (at the top) of the outer ones stay theirs.
        let wide = middle.prefixes[0].size() >= 64;
        let deepest = (wide && self.random.chance(40)).then(|| inner("inmost", &middle, 1, 4));
        site.networks.push(middle);
        site.networks.extend(deepest);
    }

    fn hosts(&mut self, site: &mut Site) {
        let first = self.random.below(HOSTS.len());
        for position in 0..self.random.below(4) {
            let network = self.random.pick(&site.networks).clone();
            let offset = u128::try_from(self.random.below(4)).unwrap();
            let mut addresses: Vec<Span> = Vec::new();
            for prefix in &network.prefixes {
                let length = u128::try_from(self.random.below(3) * self.random.below(2)).unwrap();
                let span = Span { first: prefix.nth(offset).unwrap(), last: prefix.nth(offset + length).unwrap() };
                if addresses.is_empty() || self.random.chance(70) {
                    addresses.push(span);
                }
            }
            let name = HOSTS[(first + position) % HOSTS.len()].to_string();
            let labels = self.labels();
            site.hosts.push(Host { name, addresses, labels });
        }
    }

    pub(super) fn device(&mut self, site: Option<usize>, managed: bool, joins: &[String]) {
        let index = self.world.devices.len();
        let platform = *self.random.pick(&["nftables", "iptables"]);
        let interfaces = joins.iter().enumerate().map(|(index, joins)| Interface {
            name: format!("eth{index}"),
            joins: joins.clone(),
            addresses: Vec::new(),
        });
        self.world.devices.push(Device {
            name: format!("{}{index}", if managed { "fw" } else { "rt" }),
            site: site.map(|site| self.world.sites[site].name.clone()),
            platform: managed.then(|| platform.to_string()),
            protect: false,
            interfaces: interfaces.collect(),
        });
    }

    fn transit(&mut self) -> String {
        let transits = self.world.transits.clone();
        let wans: Vec<_> = transits.iter().filter(|transit| !transit.internet).collect();
        if self.random.chance(80) {
            self.random.pick(&wans).name.clone()
        } else {
            self.random.pick(&transits).name.clone()
        }
    }

    fn segments_of(&self, site: usize) -> Vec<String> {
        let site = &self.world.sites[site];
        site.networks.iter().map(|network| format!("{}/{}", site.name, network.name)).collect()
    }

    fn devices_of_site(&mut self, site: usize) {
        let nets = self.segments_of(site);
        let (wan, other) = (self.transit(), self.transit());
        let with = |nets: &[String], more: &[&String]| -> Vec<String> {
            nets.iter().chain(more.iter().copied()).cloned().collect()
        };
        let own = Some(site);
        match self.random.below(10) {
            0 | 1 => self.device(own, true, &with(&nets, &[&wan])),
            2 => {
                self.device(own, true, &with(&nets, &[&wan]));
                self.device(own, true, &with(&nets[..1], &[&other]));
            }
            3 => {
                self.device(own, true, &with(&nets[..1], &[&wan]));
                self.device(own, true, &nets);
            }
            4 => {
                self.device(own, false, &nets);
                self.device(own, true, &with(&nets[..1], &[&wan]));
            }
            5 => {
                for net in &nets {
                    self.device(own, true, &[net.clone(), wan.clone()]);
                }
            }
            6 => self.device(own, true, &with(&nets, &[&wan, &other])),
            7 => self.device(own, false, &with(&nets[..1], &[&wan])),
            8 => {
                self.device(own, true, &with(&nets[1..], &[&nets[0], &wan]));
                self.device(own, true, &with(&nets[..1], &[&other]));
                self.device(own, true, &nets);
            }
            _ => self.device(own, true, &with(&nets[..1], &[&wan])),
        }
    }

    fn odd_device(&mut self) {
        let mut all: Vec<String> = (0..self.world.sites.len()).flat_map(|site| self.segments_of(site)).collect();
        all.extend(self.world.transits.iter().map(|transit| transit.name.clone()));
        let mut joins = vec![self.transit()];
        for _ in 0..1 + self.random.below(3) {
            joins.push(self.random.pick(&all).clone());
        }
        let bypassed = self.random.chance(15);
        let mut seen: Vec<String> = Vec::new();
        for join in joins {
            if bypassed || !seen.contains(&join) {
                seen.push(join);
            }
        }
        let joins = seen;
        let site = self.random.chance(50).then(|| self.random.below(self.world.sites.len()));
        let managed = self.random.chance(75);
        if joins.len() > 1 {
            self.device(site, managed, &joins);
        }
    }

    /// Gives some devices addresses, taken from the top of their networks so that no host has them.
    pub(super) fn addresses_of_interfaces(&mut self) {
        let mut taken: Vec<String> = Vec::new();
        for index in 0..self.world.devices.len() {
            let managed = self.world.devices[index].platform.is_some();
            let protect = managed && self.random.chance(25);
            for position in 0..self.world.devices[index].interfaces.len() {
                if protect || self.random.chance(30) {
                    let joins = self.world.devices[index].interfaces[position].joins.clone();
                    let nth = taken.iter().filter(|one| **one == joins).count();
                    taken.push(joins.clone());
                    self.world.devices[index].interfaces[position].addresses = self.addresses_in(&joins, nth, protect);
                }
            }
            self.world.devices[index].protect = protect;
        }
    }

    fn addresses_in(&self, joins: &str, nth: usize, protect: bool) -> Vec<IpAddr> {
        let found = self.world.networks().find(|(site, network)| format!("{}/{}", site.name, network.name) == joins);
        if let Some((_, network)) = found {
            let top = |span: &Span| span.nth(span.size() - 2 - u128::try_from(nth).unwrap());
            return network.prefixes.iter().filter_map(top).collect();
        }
        let position = self.world.transits.iter().position(|transit| transit.name == joins).unwrap();
        match (protect, self.world.transits[position].internet) {
            (false, _) => Vec::new(),
            (true, true) => vec![format!("9.9.{position}.{}", nth + 1).parse().unwrap()],
            (true, false) => vec![format!("172.30.{position}.{}", nth + 1).parse().unwrap()],
        }
    }

    fn policy(&mut self) {
        for index in 0..self.random.below(3) {
            let services = self.services();
            self.world.services.push(ServiceDefinition { name: format!("svc{index}"), services });
        }
        if self.random.chance(30) {
            let texts = ["10.99.0.0/28", "8.8.8.8", "172.20.0.0/16", "20.0.0.0/8", "2600::/16"];
            let addresses = texts.iter().filter(|_| self.random.chance(60)).map(|text| Literal::parse(text)).collect();
            self.world.feeds.push(Feed { name: "bad".to_string(), file: "bad.txt".to_string(), addresses });
        }
        for index in 0..self.random.below(3) {
            let endpoints = self.endpoints();
            self.world.groups.push(Group { name: format!("group{index}"), endpoints });
        }
        for index in 0..self.random.below(3) {
            let (start, until) = self.dates(40);
            self.world.purposes.push(Purpose { name: format!("purpose{index}"), start, until });
        }
        for index in 0..1 + self.random.below(10) {
            let rule = self.rule(index);
            self.world.rules.push(rule);
        }
        self.quarantines();
        self.assertions();
    }

    pub(super) fn dates(&mut self, percent: usize) -> (Option<String>, Option<String>) {
        let first = self.random.below(DATES.len());
        let last = first + self.random.below(DATES.len() - first);
        let (from, to) = (self.random.chance(percent), self.random.chance(percent));
        (from.then(|| DATES[first].to_string()), to.then(|| DATES[last].to_string()))
    }

    pub(super) fn purpose(&mut self) -> Option<String> {
        let purposes = self.world.purposes.clone();
        (!purposes.is_empty() && self.random.chance(50)).then(|| self.random.pick(&purposes).name.clone())
    }

    pub(super) fn rule(&mut self, index: usize) -> Rule {
        let effect = if index > 0 && self.random.chance(25) { Effect::Deny } else { Effect::Allow };
        let (start, until) = self.dates(15);
        Rule {
            name: if self.random.chance(50) { format!("R-{index}") } else { format!("RULE-{index}.x") },
            effect,
            purpose: self.purpose(),
            from: self.endpoints(),
            to: self.endpoints(),
            on: self.services(),
            both_ways: self.random.chance(20),
            start,
            until,
            log: self.random.chance(30),
        }
    }

    pub(super) fn quarantines(&mut self) {
        let allows: Vec<String> =
            self.world.rules.iter().filter(|rule| rule.effect == Effect::Allow).map(|rule| rule.name.clone()).collect();
        for index in 0..*self.random.pick(&[0, 0, 1, 2]) {
            let of = Endpoints { items: vec![self.item()], except: Vec::new() };
            let mut keep: Vec<String> = (0..self.random.below(3)).map(|_| self.random.pick(&allows).clone()).collect();
            keep.sort();
            keep.dedup();
            let (start, until) = self.dates(25);
            self.world.quarantines.push(Quarantine { name: format!("Q-{index}"), of, keep, start, until });
        }
    }

    fn assertions(&mut self) {
        for index in 0..self.random.below(3) {
            let kind = *self.random.pick(&["never", "only", "must"]);
            let via = self.world.devices[0].name.clone();
            let assertion = Assertion {
                name: format!("A-{index}"),
                kind,
                purpose: self.purpose(),
                from: self.endpoints(),
                to: self.endpoints(),
                on: self.random.chance(60).then(|| Services::parse("tcp/443, udp/53")),
                both_ways: kind != "only" && self.random.chance(20),
                transitive: kind == "never" && self.random.chance(30),
                via: if kind == "must" && self.random.chance(40) { vec![via] } else { Vec::new() },
                advisory: self.random.chance(50),
                start: None,
                until: None,
            };
            self.world.assertions.push(assertion);
        }
        let waived =
            self.world.assertions.iter().find(|assertion| assertion.kind != "must").map(|one| one.name.clone());
        let rule = self.world.rules.iter().find(|rule| rule.effect == Effect::Allow).map(|one| one.name.clone());
        if let (Some(assertion), Some(rule)) = (waived, rule) {
            let until = DATES[self.random.below(DATES.len())].to_string();
            let name = "W-1".to_string();
            self.world.waivers.push(Waiver { name, purpose: None, assertion, rule, start: None, until });
        }
    }

    pub(super) fn endpoints(&mut self) -> Endpoints {
        let count = 1 + self.random.below(2) * self.random.below(3);
        let items = (0..count).map(|_| self.item()).collect();
        let except = if self.random.chance(20) { vec![self.item()] } else { Vec::new() };
        Endpoints { items, except }
    }

    fn item(&mut self) -> Vec<Primary> {
        let mut item = vec![self.primary()];
        if self.random.chance(15) {
            item.push(self.primary());
        }
        item
    }

    fn primary(&mut self) -> Primary {
        let site = self.random.below(self.world.sites.len());
        let site = self.world.sites[site].clone();
        let network = self.random.pick(&site.networks).name.clone();
        match self.random.below(14) {
            0 => Primary::Any,
            1 | 2 => Primary::Name(site.name),
            3 | 4 => Primary::Qualified(site.name, network),
            5 | 6 if !site.hosts.is_empty() => {
                Primary::Qualified(site.name, self.random.pick(&site.hosts).name.clone())
            }
            7 if !site.hosts.is_empty() => Primary::Star(self.random.pick(&site.hosts).name.clone()),
            8 => Primary::Star(network),
            9 => self.label().unwrap_or(Primary::Name(site.name)),
            10 => self.named().unwrap_or(Primary::Any),
            11 | 12 => Primary::Address(self.literal()),
            _ => self.internet().unwrap_or(Primary::Qualified(site.name, network)),
        }
    }

    fn label(&mut self) -> Option<Primary> {
        let mut all: Vec<&Labels> = self.world.sites.iter().map(|site| &site.labels).collect();
        all.extend(self.world.networks().map(|(_, network)| &network.labels));
        all.extend(self.world.hosts().map(|(_, host)| &host.labels));
        let tags = all.iter().flat_map(|labels| labels.tags.iter().map(|tag| ("tag".to_string(), tag.clone())));
        let attributes = all.iter().flat_map(|labels| labels.attributes.iter().cloned());
        let pairs: Vec<(String, String)> = tags.chain(attributes).collect();
        let (key, value) = pairs.get(self.random.below(pairs.len()))?.clone();
        Some(Primary::Label(key, value))
    }

    /// A group, a feed, or a device that has an address in a network.
    fn named(&mut self) -> Option<Primary> {
        let mut names: Vec<&String> = self.world.groups.iter().map(|group| &group.name).collect();
        names.extend(self.world.feeds.iter().map(|feed| &feed.name));
        let addressed =
            |device: &&Device| device.interfaces.iter().any(|one| one.joins.contains('/') && !one.addresses.is_empty());
        names.extend(self.world.devices.iter().filter(addressed).map(|device| &device.name));
        Some(Primary::Name((*names.get(self.random.below(names.len()))?).clone()))
    }

    fn internet(&mut self) -> Option<Primary> {
        let internets: Vec<&Transit> = self.world.transits.iter().filter(|transit| transit.internet).collect();
        Some(Primary::Name(internets.get(self.random.below(internets.len()))?.name.clone()))
    }

    fn literal(&mut self) -> Literal {
        if self.internet().is_some() && self.random.chance(30) {
            let texts = [
                "8.8.8.8",
                "0.0.0.0/0",
                "::/0",
                "9.0.0.0-11.0.0.0",
                "2600:1::/32",
                "172.15.0.0-172.32.0.255",
                "2000::/3",
            ];
            return Literal::parse(self.random.pick::<&str>(&texts));
        }
        let prefixes: Vec<Span> = self.world.networks().flat_map(|(_, network)| network.prefixes.clone()).collect();
        let span = *self.random.pick(&prefixes);
        let other = *self.random.pick(&prefixes);
        let span = match self.random.below(6) {
            0 => span,
            1 => Span { first: span.first, last: span.first },
            2 => Span { first: span.nth(2).unwrap(), last: span.nth(9).unwrap() },
            3 => Span { first: span.nth(span.size() / 2).unwrap(), last: span.last },
            4 if span.first.is_ipv4() == other.first.is_ipv4() => {
                Span { first: span.first.min(other.first), last: span.last.max(other.last) }
            }
            _ if span.first.is_ipv4() => Span::parse("10.0.0.0/8"),
            _ => Span { first: span.last, last: span.last },
        };
        if self.has_known(&span) {
            Literal { text: span.text(), span }
        } else {
            Literal { text: prefixes[0].text(), span: prefixes[0] }
        }
    }

    fn has_known(&self, span: &Span) -> bool {
        let meets = |one: &Span| one.holds(span.first) || span.holds(one.first);
        self.world.networks().any(|(_, network)| network.prefixes.iter().any(meets))
    }

    fn services(&mut self) -> Services {
        if self.random.chance(25) {
            return Services::parse("any");
        }
        let texts = [
            "tcp/443",
            "tcp/440-450",
            "udp/53",
            "tcp/53:1024-65535",
            "udp/123:123",
            "tcp/*",
            "tcp",
            "udp",
            "sctp/5060",
            "icmp",
            "icmp/8",
            "icmp/8/0",
            "icmp/3/4",
            "icmp6",
            "icmp6/128",
            "icmp6/1/4",
            "gre",
            "esp",
            "ah",
            "ospf",
            "igmp",
            "ipip",
            "protocol/89",
            "protocol/6",
            "protocol/99",
            "protocol/1",
            "protocol/255",
            "ssh",
            "https",
            "tcp/0-1023",
            "tcp/65535",
            "udp/*:53",
            "udp/1000-2000:53",
        ];
        if self.random.chance(15) {
            let broad = *self.random.pick(&[
                "any except tcp/22",
                "any except icmp, icmp6/128, udp",
                "tcp, udp except tcp/440-450",
                "tcp except tcp/53:53",
            ]);
            return Services::parse(broad);
        }
        let mut services = Services::default();
        for _ in 0..1 + self.random.below(3) {
            let text = *self.random.pick(&texts);
            services.items.extend(Services::parse(text).items);
        }
        let defined: Vec<String> = self.world.services.iter().map(|definition| definition.name.clone()).collect();
        if !defined.is_empty() && self.random.chance(30) {
            services.items.push(Service::Name(self.random.pick(&defined).clone()));
        }
        services
    }
}
