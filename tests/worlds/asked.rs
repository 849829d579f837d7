//! Random worlds to ask questions about: small enough that every kind of packet can be tried, with many assertions, about half
//! of them violated.
//!
//! The networks are those of [`super::random`]; what differs is the policy. A few services are used again and again, and allow rules lead
//! from stop to stop through the network, so that chains of several hops exist; a host may have its two families in two zones.

use super::random::{DATES, Maker, Random};
use super::{Assertion, Effect, Endpoints, Host, Labels, Primary, Purpose, Services, Span, Waiver, World};
use super::{Group, ServiceDefinition};

const SERVICES: [&str; 14] = [
    "tcp/443",
    "tcp/22",
    "ssh",
    "udp/53",
    "tcp/440-450",
    "tcp/53:1024-65535",
    "icmp/8",
    "icmp6/128/0",
    "gre",
    "tcp",
    "tcp, udp except tcp/22",
    "any",
    "icmp, icmp6",
    "protocol/6",
];

impl World {
    /// The world of a seed, for questions.
    pub fn asked(seed: u64) -> World {
        let mut random = Random::new(seed ^ 0xA5CE_D000);
        loop {
            let mut maker = Maker { random, world: World::default() };
            maker.inventory();
            maker.core();
            let firewalls = maker.world.devices.iter().filter(|device| device.platform.is_some()).count();
            let segments = maker.world.networks().count() + maker.world.transits.len();
            if (2..=7).contains(&firewalls) && (4..=12).contains(&segments) && maker.world.sites.len() >= 3 {
                if maker.random.chance(60) {
                    maker.second_families();
                }
                maker.addresses_of_interfaces();
                maker.twins();
                maker.questions();
                return maker.world;
            }
            random = maker.random;
        }
    }
}

impl Maker {
    /// Often a core firewall joins the wide-area networks, so that there are paths.
    fn core(&mut self) {
        let transits = self.world.transits.iter().filter(|transit| !transit.internet);
        let names: Vec<String> = transits.map(|transit| transit.name.clone()).collect();
        if names.len() > 1 && self.random.chance(75) {
            self.device(None, true, &names);
        }
    }

    /// Gives every network that lacks a family one of that family.
    fn second_families(&mut self) {
        for (index, site) in self.world.sites.iter_mut().enumerate() {
            let own = site.networks.iter_mut().filter(|network| network.subnet_of.is_none());
            for (position, network) in own.enumerate() {
                let lacks = |four: bool| network.prefixes.iter().all(|span| span.first.is_ipv4() != four);
                let (four, six) = (lacks(true), lacks(false));
                network.prefixes.extend(four.then(|| Span::parse(&format!("10.{}.{}.0/20", index + 1, position * 16))));
                network.prefixes.extend(six.then(|| Span::parse(&format!("2001:db8:{index}:{position}::/64"))));
            }
        }
    }

    /// Hosts with an IPv4 address in one network of their site and an IPv6 address in another.
    fn twins(&mut self) {
        for index in 0..self.world.sites.len() {
            let site = &self.world.sites[index];
            let find = |four: bool, skip: usize| {
                let spans = site.networks.iter().skip(skip).flat_map(|network| &network.prefixes);
                spans.filter(|span| span.first.is_ipv4() == four).nth(0).and_then(|span| span.nth(5))
            };
            let found = [(find(true, 0), find(false, 1)), (find(true, 1), find(false, 0))];
            let pair = found.into_iter().find_map(|(four, six)| Some([four?, six?]));
            if let Some(addresses) = pair.filter(|_| self.random.chance(50)) {
                let addresses = addresses.map(|one| Span { first: one, last: one }).to_vec();
                let twin = Host { name: "twin".to_string(), addresses, labels: Labels::default() };
                self.world.sites[index].hosts.push(twin);
            }
        }
    }

    fn questions(&mut self) {
        for index in 0..self.random.below(3) {
            let (start, until) = self.dates(40);
            self.world.purposes.push(Purpose { name: format!("purpose{index}"), start, until });
        }
        for index in 0..self.random.below(2) {
            let services = Services::parse(self.random.pick::<&str>(&SERVICES));
            self.world.services.push(ServiceDefinition { name: format!("svc{index}"), services });
        }
        for index in 0..self.random.below(3) {
            let endpoints = self.endpoints();
            self.world.groups.push(Group { name: format!("group{index}"), endpoints });
        }
        let palette: Vec<Services> = (0..3).map(|_| Services::parse(self.random.pick::<&str>(&SERVICES))).collect();
        let way = self.way();
        let is_smooth = self.random.chance(60);
        self.rules_along(&way, &palette, is_smooth);
        for _ in 0..self.random.below(5) {
            self.other_rule(&palette);
        }
        if self.random.chance(if is_smooth { 20 } else { 60 }) {
            self.quarantines();
        }
        for index in 0..6 + self.random.below(6) {
            let assertion = self.assertion(index, &way, &palette);
            self.world.assertions.push(assertion);
        }
        self.waivers();
    }

    /// A stop in each site, in the order in which an intruder might go through them.
    fn way(&mut self) -> Vec<Endpoints> {
        let mut sites: Vec<usize> = (0..self.world.sites.len()).collect();
        let mut way = Vec::new();
        while !sites.is_empty() {
            let site = sites.remove(self.random.below(sites.len()));
            way.push(self.stop_in(site));
        }
        if self.random.chance(20) {
            let end = if self.random.chance(50) { 0 } else { way.len() - 1 };
            way[end] = self.stop();
        }
        way
    }

    /// A network or a host of any site, now and then the internet.
    fn stop(&mut self) -> Endpoints {
        let internet = self.world.transits.iter().find(|transit| transit.internet).map(|transit| transit.name.clone());
        if let Some(internet) = internet.filter(|_| self.random.chance(15)) {
            return one(Primary::Name(internet));
        }
        let site = self.random.below(self.world.sites.len());
        self.stop_in(site)
    }

    /// A network or a host of a site; a host with its families in two zones rather than others.
    fn stop_in(&mut self, site: usize) -> Endpoints {
        let site = self.world.sites[site].clone();
        let network = self.random.pick(&site.networks).name.clone();
        let twin = site.hosts.iter().find(|host| host.name == "twin").filter(|_| self.random.chance(30));
        if site.hosts.is_empty() || self.random.chance(50) {
            return one(Primary::Qualified(site.name, network));
        }
        let host = twin.unwrap_or_else(|| self.random.pick(&site.hosts)).name.clone();
        one(Primary::Qualified(site.name, host))
    }

    /// Allows from each stop to the next. On a smooth way all of them are active, on one service and without exceptions.
    fn rules_along(&mut self, way: &[Endpoints], palette: &[Services], is_smooth: bool) {
        for pair in way.windows(2) {
            let on = if is_smooth { palette[0].clone() } else { self.random.pick(palette).clone() };
            let (from, to) = (pair[0].clone(), pair[1].clone());
            let mut rule = super::Rule { effect: Effect::Allow, from, to, on, ..self.rule(self.world.rules.len()) };
            if is_smooth || self.random.chance(50) {
                (rule.purpose, rule.start, rule.until) = (None, None, None);
            }
            self.world.rules.push(rule);
            if self.random.chance(if is_smooth { 5 } else { 40 }) {
                self.exception(palette);
            }
        }
    }

    /// A deny that takes something away from the last rule.
    fn exception(&mut self, palette: &[Services]) {
        let mut deny = self.rule(self.world.rules.len());
        let rule = self.world.rules.last().cloned().unwrap();
        (deny.effect, deny.from, deny.to) = (Effect::Deny, rule.from, rule.to);
        if self.random.chance(50) {
            deny.on = self.random.pick(palette).clone();
        }
        self.world.rules.push(deny);
    }

    fn other_rule(&mut self, palette: &[Services]) {
        let mut rule = self.rule(self.world.rules.len());
        if self.random.chance(80) {
            rule.on = self.random.pick(palette).clone();
        }
        if self.random.chance(75) {
            rule.from = self.stop();
        }
        if self.random.chance(75) {
            rule.to = self.stop();
        }
        if self.random.chance(20) {
            rule.effect = Effect::Deny;
        }
        self.world.rules.push(rule);
    }

    fn assertion(&mut self, index: usize, way: &[Endpoints], palette: &[Services]) -> Assertion {
        let kind = *self.random.pick(&["never", "never", "never", "only", "must", "must"]);
        let (start, until) = self.dates(8);
        let mut assertion = Assertion {
            name: format!("A-{index}"),
            kind,
            purpose: self.purpose().filter(|_| self.random.chance(40)),
            from: self.stop(),
            to: self.stop(),
            on: self.random.chance(70).then(|| self.random.pick(palette).clone()),
            both_ways: kind != "only" && self.random.chance(15),
            transitive: kind == "never" && self.random.chance(65),
            via: Vec::new(),
            advisory: self.random.chance(30),
            start,
            until,
        };
        self.aim(&mut assertion, way, palette);
        if kind == "must" && self.random.chance(55) {
            assertion.via = self.via();
        }
        assertion
    }

    /// Makes an assertion one that a rule, or a chain of them, has something to do with.
    fn aim(&mut self, assertion: &mut Assertion, way: &[Endpoints], palette: &[Services]) {
        if assertion.transitive && self.random.chance(75) {
            let first = if self.random.chance(65) { 0 } else { self.random.below(way.len() - 1) };
            let rest = way.len() - first - 1;
            let last = first + if self.random.chance(65) { rest } else { 1 + self.random.below(rest) };
            (assertion.from, assertion.to) = (way[first].clone(), way[last].clone());
            assertion.on = self.random.chance(50).then(|| palette[0].clone());
            return;
        }
        let aimed = match assertion.kind {
            "must" => 80,
            "only" => 75,
            _ => 40,
        };
        if self.random.chance(aimed) {
            let allows = self.world.rules.iter().filter(|rule| rule.effect == Effect::Allow);
            let rule = self.random.pick(&allows.cloned().collect::<Vec<_>>()).clone();
            (assertion.from, assertion.to) = (rule.from, rule.to);
            assertion.on = Some(rule.on).filter(|_| assertion.kind == "must" || self.random.chance(80));
        }
        if self.random.chance(10) {
            assertion.from = self.endpoints();
        }
        if self.random.chance(10) {
            assertion.to = self.endpoints();
        }
    }

    /// One or two devices, networks or transits.
    fn via(&mut self) -> Vec<String> {
        let mut names: Vec<String> = self.world.devices.iter().map(|device| device.name.clone()).collect();
        names.extend(self.world.devices.iter().filter(|one| one.platform.is_none()).map(|device| device.name.clone()));
        names.extend(self.world.networks().map(|(site, network)| format!("{}/{}", site.name, network.name)));
        names.extend(self.world.transits.iter().map(|transit| transit.name.clone()));
        let mut via: Vec<String> = (0..1 + self.random.below(4)).map(|_| self.random.pick(&names).clone()).collect();
        via.sort();
        via.dedup();
        via
    }

    fn waivers(&mut self) {
        let named = |effect| move |rule: &&super::Rule| rule.effect == effect;
        let allows: Vec<String> =
            self.world.rules.iter().filter(named(Effect::Allow)).map(|rule| rule.name.clone()).collect();
        let waived = self.world.assertions.iter().filter(|one| one.kind != "must");
        let waived: Vec<String> = waived.map(|one| one.name.clone()).collect();
        for index in 0..if waived.is_empty() { 0 } else { self.random.below(3) } {
            let (start, _) = self.dates(15);
            let first = DATES.iter().position(|date| start.as_deref() == Some(*date)).unwrap_or(0);
            let until = DATES[first + self.random.below(DATES.len() - first)].to_string();
            let (assertion, rule) = (self.random.pick(&waived).clone(), self.random.pick(&allows).clone());
            let purpose = self.purpose().filter(|_| self.random.chance(50));
            self.world.waivers.push(Waiver { name: format!("W-{index}"), purpose, assertion, rule, start, until });
        }
    }
}

fn one(primary: Primary) -> Endpoints {
    Endpoints { items: vec![vec![primary]], except: Vec::new() }
}
