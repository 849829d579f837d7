//! Which addresses an endpoint expression holds, and which flows a service expression holds: one question at a time.

use crate::worlds::{Endpoints, Flow, Labels, Network, PREDEFINED, Primary, Service, Services, Site, Span, World};
use std::net::IpAddr;

/// IPv4 that is not public.
pub const SPECIAL_V4: [&str; 15] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
];

/// The only IPv6 that is public ...
pub const GLOBAL_V6: &str = "2000::/3";

/// ... but for these.
pub const SPECIAL_V6: [&str; 4] = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

/// Whether an address is public by the contract's table.
pub fn is_public(address: IpAddr) -> bool {
    let is_in = |text: &&str| Span::parse(text).holds(address);
    match address {
        IpAddr::V4(_) => !SPECIAL_V4.iter().any(&is_in),
        IpAddr::V6(_) => is_in(&GLOBAL_V6) && !SPECIAL_V6.iter().any(&is_in),
    }
}

/// The sets of a world.
pub struct Sets<'w> {
    pub world: &'w World,
}

fn has(spans: &[Span], address: IpAddr) -> bool {
    spans.iter().any(|span| span.holds(address))
}

fn carries(labels: &Labels, key: &str, value: &str) -> bool {
    match key {
        "tag" => labels.tags.iter().any(|tag| tag == value),
        _ => labels.attributes.iter().any(|(k, v)| k == key && v == value),
    }
}

impl<'w> Sets<'w> {
    /// The innermost network that holds the address, with its site.
    pub fn network_of(&self, address: IpAddr) -> Option<(&'w Site, &'w Network)> {
        let holding = |(_, network): &(&Site, &Network)| has(&network.prefixes, address);
        let size = |(_, network): &(&Site, &Network)| {
            network.prefixes.iter().filter(|span| span.holds(address)).map(Span::size).min()
        };
        self.world.networks().filter(holding).min_by_key(size)
    }

    /// Whether there is an internet.
    pub fn has_internet(&self) -> bool {
        self.world.transits.iter().any(|transit| transit.internet)
    }

    /// Public, in no network, and there is an internet.
    pub fn is_of_internet(&self, address: IpAddr) -> bool {
        self.has_internet() && is_public(address) && self.network_of(address).is_none()
    }

    /// In a network or of the internet.
    pub fn is_known(&self, address: IpAddr) -> bool {
        self.network_of(address).is_some() || self.is_of_internet(address)
    }

    /// Whether the expression holds the address. An expression holds known addresses only.
    pub fn holds(&self, endpoints: &Endpoints, address: IpAddr) -> bool {
        let in_list = |items: &[Vec<Primary>]| {
            items.iter().any(|item| item.iter().all(|primary| self.in_primary(primary, address)))
        };
        self.is_known(address) && in_list(&endpoints.items) && !in_list(&endpoints.except)
    }

    fn in_primary(&self, primary: &Primary, address: IpAddr) -> bool {
        match primary {
            Primary::Any => self.is_known(address),
            Primary::Name(name) => self.in_name(name, address),
            Primary::Qualified(site, name) => self.in_qualified(|found| found == site, name, address),
            Primary::Star(name) => self.in_qualified(|_| true, name, address),
            Primary::Label(key, value) => self.in_label(key, value, address),
            Primary::Address(literal) => literal.span.holds(address) && self.is_known(address),
        }
    }

    fn in_name(&self, name: &str, address: IpAddr) -> bool {
        if let Some(site) = self.world.sites.iter().find(|site| site.name == name) {
            return site.networks.iter().any(|network| has(&network.prefixes, address));
        }
        if let Some(transit) = self.world.transits.iter().find(|transit| transit.name == name) {
            return transit.internet && self.is_of_internet(address);
        }
        if let Some(device) = self.world.devices.iter().find(|device| device.name == name) {
            return device.interfaces.iter().any(|interface| interface.addresses.contains(&address));
        }
        if let Some(group) = self.world.groups.iter().find(|group| group.name == name) {
            return self.holds(&group.endpoints, address);
        }
        let feed = self.world.feeds.iter().find(|feed| feed.name == name).unwrap();
        feed.addresses.iter().any(|literal| literal.span.holds(address)) && self.is_known(address)
    }

    fn in_qualified(&self, site_is: impl Fn(&str) -> bool, name: &str, address: IpAddr) -> bool {
        let mut networks = self.world.networks().filter(|(site, network)| site_is(&site.name) && network.name == name);
        let mut hosts = self.world.hosts().filter(|(site, host)| site_is(&site.name) && host.name == name);
        networks.any(|(_, network)| has(&network.prefixes, address))
            || hosts.any(|(_, host)| has(&host.addresses, address))
    }

    /// What a site carries, its networks carry; what a network carries, its addresses carry.
    ///
    /// Reading: an address carries what *any* network that holds it carries, the outer one of a `subnet_of` included.
    /// Reading: labels add up even for one key: a network with `country: JP` in a site with `country: TH` is in both.
    fn in_label(&self, key: &str, value: &str, address: IpAddr) -> bool {
        let by_network = self.world.networks().any(|(site, network)| {
            has(&network.prefixes, address)
                && (carries(&site.labels, key, value) || carries(&network.labels, key, value))
        });
        let by_host =
            self.world.hosts().any(|(_, host)| has(&host.addresses, address) && carries(&host.labels, key, value));
        by_network || by_host
    }

    /// Whether the expression holds the flow's protocol, ports, type and code.
    ///
    /// Reading: `icmp` in a list never holds an `icmp6` flow, nor the other way round; `any` holds both.
    pub fn serves(&self, services: &Services, flow: &Flow) -> bool {
        let in_list = |list: &[Service]| list.iter().any(|service| self.in_service(service, flow));
        in_list(&services.items) && !in_list(&services.except)
    }

    fn in_service(&self, service: &Service, flow: &Flow) -> bool {
        let in_range = |range: Option<(u16, u16)>, port: Option<u16>| {
            range.is_none_or(|(low, high)| port.is_some_and(|port| low <= port && port <= high))
        };
        let is = |wanted: Option<u8>, found: Option<u16>| wanted.is_none_or(|wanted| found == Some(u16::from(wanted)));
        match service {
            Service::Any => true,
            Service::Name(name) => self.in_named_service(name, flow),
            Service::Ports(protocol, source, destination) => {
                flow.protocol == *protocol
                    && in_range(*source, flow.source_port)
                    && in_range(*destination, flow.destination_port)
            }
            Service::Icmp(protocol, kind, code) => {
                flow.protocol == *protocol && is(*kind, flow.source_port) && is(*code, flow.destination_port)
            }
            Service::Protocol(number) | Service::Number(number) => flow.protocol == *number,
        }
    }

    fn in_named_service(&self, name: &str, flow: &Flow) -> bool {
        if let Some(definition) = self.world.services.iter().find(|definition| definition.name == name) {
            return self.serves(&definition.services, flow);
        }
        let (_, protocol, port) = PREDEFINED.iter().find(|(known, ..)| *known == name).unwrap();
        flow.protocol == *protocol && flow.destination_port == Some(*port)
    }
}
