//! Worlds by hand: one method for each thing that a project can have, in the words of the language.

use super::{
    Assertion, Device, Effect, Endpoints, Group, Host, Interface, Labels, Network, Purpose, Quarantine, Rule,
    ServiceDefinition, Services, Site, Span, Transit, Waiver, World,
};

impl World {
    /// Adds a site without networks.
    pub fn site(mut self, name: &str) -> World {
        self.sites.push(Site { name: name.to_string(), ..Site::default() });
        self
    }

    /// Adds a hub.
    pub fn hub(self, name: &str) -> World {
        let mut world = self.site(name);
        world.sites.last_mut().unwrap().transit = true;
        world
    }

    /// Adds a network, `site/name`, to a site that is there; prefixes are joined by commas, labels (`tag:x`, `key:value`) by blanks.
    pub fn network(mut self, name: &str, prefixes: &str, labels: &str) -> World {
        let (site, name) = name.split_once('/').unwrap();
        let prefixes = prefixes.split(',').map(|one| Span::parse(one.trim())).collect();
        let network = Network { name: name.to_string(), prefixes, labels: labels_of(labels), subnet_of: None };
        self.site_mut(site).networks.push(network);
        self
    }

    /// Adds a network that lies within another one of its site.
    pub fn subnet(self, name: &str, outer: &str, prefixes: &str) -> World {
        let mut world = self.network(name, prefixes, "");
        let site = name.split_once('/').unwrap().0;
        world.site_mut(site).networks.last_mut().unwrap().subnet_of = Some(outer.to_string());
        world
    }

    /// Adds a host, `site/name`.
    pub fn host(mut self, name: &str, addresses: &str, labels: &str) -> World {
        let (site, name) = name.split_once('/').unwrap();
        let addresses = addresses.split(',').map(|one| Span::parse(one.trim())).collect();
        let host = Host { name: name.to_string(), addresses, labels: labels_of(labels) };
        self.site_mut(site).hosts.push(host);
        self
    }

    /// Labels the last site.
    pub fn label(mut self, labels: &str) -> World {
        self.sites.last_mut().unwrap().labels = labels_of(labels);
        self
    }

    /// Adds a transit that is not the internet.
    pub fn transit(mut self, name: &str) -> World {
        self.transits.push(Transit { name: name.to_string(), internet: false });
        self
    }

    /// Adds a transit to the internet.
    pub fn internet(mut self, name: &str) -> World {
        self.transits.push(Transit { name: name.to_string(), internet: true });
        self
    }

    /// Adds a managed firewall; an empty site means core. Interfaces are `eth0`, `eth1`, ... in the order of `joins`.
    pub fn firewall(self, name: &str, site: &str, joins: &str) -> World {
        let mut world = self.router(name, site, joins);
        world.devices.last_mut().unwrap().platform = Some("nftables".to_string());
        world
    }

    /// Adds a device that only forwards.
    pub fn router(mut self, name: &str, site: &str, joins: &str) -> World {
        let interface = |(index, joins): (usize, &str)| Interface {
            name: format!("eth{index}"),
            joins: joins.to_string(),
            addresses: Vec::new(),
        };
        self.devices.push(Device {
            name: name.to_string(),
            site: (!site.is_empty()).then(|| site.to_string()),
            interfaces: joins.split_whitespace().enumerate().map(interface).collect(),
            ..Device::default()
        });
        self
    }

    /// Gives the last device's interfaces addresses, in their order, and protects it.
    pub fn protected(mut self, addresses: &str) -> World {
        let device = self.devices.last_mut().unwrap();
        device.protect = true;
        for (interface, address) in device.interfaces.iter_mut().zip(addresses.split_whitespace()) {
            interface.addresses = vec![address.parse().unwrap()];
        }
        self
    }

    /// Adds an allow rule.
    pub fn allow(self, name: &str, from: &str, to: &str, on: &str) -> World {
        self.rule(Effect::Allow, name, from, to, on)
    }

    /// Adds a deny rule.
    pub fn deny(self, name: &str, from: &str, to: &str, on: &str) -> World {
        self.rule(Effect::Deny, name, from, to, on)
    }

    fn rule(mut self, effect: Effect, name: &str, from: &str, to: &str, on: &str) -> World {
        self.rules.push(Rule {
            name: name.to_string(),
            effect,
            purpose: None,
            from: Endpoints::parse(from),
            to: Endpoints::parse(to),
            on: Services::parse(on),
            both_ways: false,
            start: None,
            until: None,
            log: false,
        });
        self
    }

    /// Makes the last rule cover both directions.
    pub fn both_ways(mut self) -> World {
        self.rules.last_mut().unwrap().both_ways = true;
        self
    }

    /// Bounds the last rule; an empty text is no bound.
    pub fn dates(mut self, start: &str, until: &str) -> World {
        let rule = self.rules.last_mut().unwrap();
        (rule.start, rule.until) = (bound(start), bound(until));
        self
    }

    /// Puts the last rule into a new purpose with these bounds.
    pub fn within(mut self, purpose: &str, start: &str, until: &str) -> World {
        self.purposes.push(Purpose { name: purpose.to_string(), start: bound(start), until: bound(until) });
        self.rules.last_mut().unwrap().purpose = Some(purpose.to_string());
        self
    }

    /// Adds a group.
    pub fn group(mut self, name: &str, endpoints: &str) -> World {
        self.groups.push(Group { name: name.to_string(), endpoints: Endpoints::parse(endpoints) });
        self
    }

    /// Adds a service.
    pub fn service(mut self, name: &str, services: &str) -> World {
        self.services.push(ServiceDefinition { name: name.to_string(), services: Services::parse(services) });
        self
    }

    /// Adds a quarantine; `keep` is names joined by blanks.
    pub fn quarantine(mut self, name: &str, of: &str, keep: &str, start: &str, until: &str) -> World {
        self.quarantines.push(Quarantine {
            name: name.to_string(),
            of: Endpoints::parse(of),
            keep: keep.split_whitespace().map(str::to_string).collect(),
            start: bound(start),
            until: bound(until),
        });
        self
    }

    /// Adds a `never`.
    pub fn never(self, name: &str, from: &str, to: &str) -> World {
        self.assertion("never", name, from, to)
    }

    /// Adds an `only`.
    pub fn only(self, name: &str, from: &str, to: &str) -> World {
        self.assertion("only", name, from, to)
    }

    /// Adds a `must`.
    pub fn must(self, name: &str, from: &str, to: &str) -> World {
        self.assertion("must", name, from, to)
    }

    fn assertion(mut self, kind: &'static str, name: &str, from: &str, to: &str) -> World {
        self.assertions.push(Assertion {
            name: name.to_string(),
            kind,
            purpose: None,
            from: Endpoints::parse(from),
            to: Endpoints::parse(to),
            on: None,
            both_ways: false,
            transitive: false,
            via: Vec::new(),
            advisory: false,
            start: None,
            until: None,
        });
        self
    }

    /// Changes the last assertion.
    pub fn asserting(mut self, change: impl FnOnce(&mut Assertion)) -> World {
        change(self.assertions.last_mut().unwrap());
        self
    }

    /// Limits the last assertion to services.
    pub fn on(self, services: &str) -> World {
        self.asserting(|assertion| assertion.on = Some(Services::parse(services)))
    }

    /// Makes the last assertion one about chains.
    pub fn transitive(self) -> World {
        self.asserting(|assertion| assertion.transitive = true)
    }

    /// Says what the flows of the last assertion must cross: names joined by blanks.
    pub fn via(self, names: &str) -> World {
        self.asserting(|assertion| assertion.via = names.split_whitespace().map(str::to_string).collect())
    }

    /// Waives an allow rule for an assertion.
    pub fn waive(mut self, assertion: &str, rule: &str, start: &str, until: &str) -> World {
        self.waivers.push(Waiver {
            name: format!("W-{}", self.waivers.len()),
            purpose: None,
            assertion: assertion.to_string(),
            rule: rule.to_string(),
            start: bound(start),
            until: until.to_string(),
        });
        self
    }

    fn site_mut(&mut self, name: &str) -> &mut Site {
        self.sites.iter_mut().find(|site| site.name == name).unwrap()
    }
}

fn bound(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_string())
}

fn labels_of(text: &str) -> Labels {
    let mut labels = Labels::default();
    for (key, value) in text.split_whitespace().map(|label| label.split_once(':').unwrap()) {
        match key {
            "tag" => labels.tags.push(value.to_string()),
            _ => labels.attributes.push((key.to_string(), value.to_string())),
        }
    }
    labels
}
