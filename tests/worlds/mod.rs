//! Small networks with policies, as plain data: made by hand or at random, written out as project directories.
//!
//! The model mirrors the contract, not the code under test: it shares nothing with `src`. Everything is kept as names and
//! texts, so that a world reads like the project it becomes. [`random`] makes worlds that are valid but nasty,
//! [`asked`] smaller ones with many assertions, [`print`] writes them. There is no resolver and no meaning here; that is what `reference` is for.
#![allow(dead_code, reason = "every test target uses another part")]

pub mod asked;
pub mod build;
pub mod change;
pub mod print;
pub mod random;
pub mod smaller;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A whole project: inventory and policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    pub sites: Vec<Site>,
    pub transits: Vec<Transit>,
    pub devices: Vec<Device>,
    pub services: Vec<ServiceDefinition>,
    pub groups: Vec<Group>,
    pub feeds: Vec<Feed>,
    pub purposes: Vec<Purpose>,
    pub rules: Vec<Rule>,
    pub assertions: Vec<Assertion>,
    pub waivers: Vec<Waiver>,
    pub quarantines: Vec<Quarantine>,
}

/// A site; `transit` makes it a hub.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Site {
    pub name: String,
    pub transit: bool,
    pub labels: Labels,
    pub networks: Vec<Network>,
    pub hosts: Vec<Host>,
}

/// Tags and attributes of a site, network or host.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Labels {
    pub tags: Vec<String>,
    pub attributes: Vec<(String, String)>,
}

/// One layer-3 segment. Its prefixes are ranges whose borders are those of a prefix.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    pub name: String,
    pub prefixes: Vec<Span>,
    pub labels: Labels,
    pub subnet_of: Option<String>,
}

/// A host, or a range of them under one name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Host {
    pub name: String,
    pub addresses: Vec<Span>,
    pub labels: Labels,
}

/// What joins sites.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transit {
    pub name: String,
    pub internet: bool,
}

/// A managed firewall if it has a `platform`, else something that only forwards.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Device {
    pub name: String,
    pub site: Option<String>,
    pub platform: Option<String>,
    pub protect: bool,
    pub interfaces: Vec<Interface>,
}

/// An interface; `joins` is `site/network` or the name of a transit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interface {
    pub name: String,
    pub joins: String,
    pub addresses: Vec<IpAddr>,
}

/// Addresses from `first` to `last`, both included, both of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub first: IpAddr,
    pub last: IpAddr,
}

/// `service NAME = services`.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceDefinition {
    pub name: String,
    pub services: Services,
}

/// `group NAME = endpoints`.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub name: String,
    pub endpoints: Endpoints,
}

/// `feed NAME = "FILE"`, with what the file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Feed {
    pub name: String,
    pub file: String,
    pub addresses: Vec<Literal>,
}

/// A purpose; rules, assertions and waivers name the one they stand in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Purpose {
    pub name: String,
    pub start: Option<String>,
    pub until: Option<String>,
}

/// Allow or deny.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

/// `allow` or `deny`. Dates are texts in ISO form, which sort as dates do.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub name: String,
    pub effect: Effect,
    pub purpose: Option<String>,
    pub from: Endpoints,
    pub to: Endpoints,
    pub on: Services,
    pub both_ways: bool,
    pub start: Option<String>,
    pub until: Option<String>,
    pub log: bool,
}

/// `never`, `only` or `must`; the kind is the keyword.
#[derive(Clone, Debug, PartialEq)]
pub struct Assertion {
    pub name: String,
    pub kind: &'static str,
    pub purpose: Option<String>,
    pub from: Endpoints,
    pub to: Endpoints,
    pub on: Option<Services>,
    pub both_ways: bool,
    pub transitive: bool,
    pub via: Vec<String>,
    pub advisory: bool,
    pub start: Option<String>,
    pub until: Option<String>,
}

/// `waive NAME for ASSERTION allow RULE until DATE`.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiver {
    pub name: String,
    pub purpose: Option<String>,
    pub assertion: String,
    pub rule: String,
    pub start: Option<String>,
    pub until: String,
}

/// `quarantine NAME of ENDPOINTS keep RULES`.
#[derive(Clone, Debug, PartialEq)]
pub struct Quarantine {
    pub name: String,
    pub of: Endpoints,
    pub keep: Vec<String>,
    pub start: Option<String>,
    pub until: Option<String>,
}

/// `item {"," item} ["except" item {"," item}]`; an item is what `&` joins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Endpoints {
    pub items: Vec<Vec<Primary>>,
    pub except: Vec<Vec<Primary>>,
}

/// The smallest endpoint expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum Primary {
    /// `any`
    Any,
    /// A site, transit, device, group or feed.
    Name(String),
    /// `site/network` or `site/host`
    Qualified(String, String),
    /// `*/NAME`
    Star(String),
    /// `tag:NAME` or `key:VALUE`
    Label(String, String),
    /// An address, prefix or range.
    Address(Literal),
}

/// An address expression and how it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    pub span: Span,
    pub text: String,
}

/// `svc {"," svc} ["except" svc {"," svc}]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Services {
    pub items: Vec<Service>,
    pub except: Vec<Service>,
}

/// The smallest service expressions; port ranges include both borders.
#[derive(Clone, Debug, PartialEq)]
pub enum Service {
    /// `any`
    Any,
    /// A defined or predefined service.
    Name(String),
    /// `tcp`, `tcp/443`, `tcp/53:1024-65535`: the protocol number, the source ports, the destination ports.
    Ports(u8, Option<(u16, u16)>, Option<(u16, u16)>),
    /// `icmp` (1) or `icmp6` (58) with type and code.
    Icmp(u8, Option<u8>, Option<u8>),
    /// `gre`, ..., by number.
    Protocol(u8),
    /// `protocol/N`
    Number(u8),
}

/// Protocols that have a name in the language, by number.
pub const PROTOCOLS: [(u8, &str); 11] = [
    (1, "icmp"),
    (2, "igmp"),
    (4, "ipip"),
    (6, "tcp"),
    (17, "udp"),
    (47, "gre"),
    (50, "esp"),
    (51, "ah"),
    (58, "icmp6"),
    (89, "ospf"),
    (132, "sctp"),
];

/// Predefined services this suite relies on; their meaning is common knowledge.
pub const PREDEFINED: [(&str, u8, u16); 2] = [("ssh", 6, 22), ("https", 6, 443)];

/// The first packet of a connection. `source_port` and `destination_port` are ports, or the ICMP type and code, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flow {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub protocol: u8,
    pub source_port: Option<u16>,
    pub destination_port: Option<u16>,
}

/// How a protocol is written in the language and in batch files.
pub fn protocol_name(number: u8) -> String {
    match PROTOCOLS.iter().find(|(known, _)| *known == number) {
        Some((_, name)) => (*name).to_string(),
        None => format!("protocol/{number}"),
    }
}

/// An address as a number.
pub fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(four) => u128::from(u32::from(four)),
        IpAddr::V6(six) => u128::from(six),
    }
}

/// The address with this number in the family of `like`; none if the family has no such address.
pub fn address(value: u128, like: IpAddr) -> Option<IpAddr> {
    match like {
        IpAddr::V4(_) => u32::try_from(value).ok().map(|bits| IpAddr::V4(Ipv4Addr::from(bits))),
        IpAddr::V6(_) => Some(IpAddr::V6(Ipv6Addr::from(value))),
    }
}

impl Span {
    /// Reads `10.0.0.1`, `10.0.0.0/8`, `10.0.0.1-10.0.0.9` and the same in IPv6. The text must be right.
    pub fn parse(text: &str) -> Span {
        if let Some((first, last)) = text.split_once('-') {
            return Span { first: first.parse().unwrap(), last: last.parse().unwrap() };
        }
        let Some((base, length)) = text.split_once('/') else {
            let one: IpAddr = text.parse().unwrap();
            return Span { first: one, last: one };
        };
        let base: IpAddr = base.parse().unwrap();
        Span::prefix(base, length.parse().unwrap())
    }

    /// The prefix of this length that begins at `base`.
    pub fn prefix(base: IpAddr, length: u32) -> Span {
        let bits = if base.is_ipv4() { 32 } else { 128 };
        let host_bits = bits - length;
        let size_less_one = if host_bits == 128 { u128::MAX } else { (1_u128 << host_bits) - 1 };
        assert_eq!(number(base) & size_less_one, 0, "{base}/{length} has host bits");
        Span { first: base, last: address(number(base) + size_less_one, base).unwrap() }
    }

    /// Whether the address is in it.
    pub fn holds(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.first.is_ipv4() && self.first <= address && address <= self.last
    }

    /// The length if this is a prefix.
    pub fn length(&self) -> Option<u32> {
        let bits = if self.first.is_ipv4() { 32 } else { 128 };
        (0..=bits).find(|length| {
            let host_bits = bits - length;
            let mask = if host_bits == 128 { u128::MAX } else { (1_u128 << host_bits) - 1 };
            number(self.first) & mask == 0 && number(self.first) + mask == number(self.last)
        })
    }

    /// As an address, a prefix or a range, whichever is the shortest that is right.
    pub fn text(&self) -> String {
        if self.first == self.last {
            return self.first.to_string();
        }
        match self.length() {
            Some(length) => format!("{}/{length}", self.first),
            None => format!("{}-{}", self.first, self.last),
        }
    }

    /// How many addresses it has, up to the largest number.
    pub fn size(&self) -> u128 {
        (number(self.last) - number(self.first)).saturating_add(1)
    }

    /// The address `offset` after the first, if it is still inside.
    pub fn nth(&self, offset: u128) -> Option<IpAddr> {
        let value = number(self.first).checked_add(offset)?;
        address(value, self.first).filter(|found| self.holds(*found))
    }
}

impl Literal {
    /// Reads an address expression; the text is kept.
    pub fn parse(text: &str) -> Literal {
        Literal { span: Span::parse(text), text: text.to_string() }
    }
}

impl Endpoints {
    /// Reads an expression as the language writes it; words are not checked.
    pub fn parse(text: &str) -> Endpoints {
        let (items, except) = match text.split_once(" except ") {
            Some((items, except)) => (items, Some(except)),
            None => (text, None),
        };
        let list = |text: &str| text.split(',').map(item).collect();
        Endpoints { items: list(items), except: except.map(list).unwrap_or_default() }
    }
}

fn item(text: &str) -> Vec<Primary> {
    text.split('&').map(|primary| Primary::parse(primary.trim())).collect()
}

impl Primary {
    fn parse(text: &str) -> Primary {
        let start_of_address = text.split(['/', '-']).next().unwrap_or_default();
        if start_of_address.parse::<IpAddr>().is_ok() {
            return Primary::Address(Literal::parse(text));
        }
        if text == "any" {
            return Primary::Any;
        }
        if let Some((key, value)) = text.split_once(':') {
            return Primary::Label(key.to_string(), value.trim_matches('"').to_string());
        }
        match text.split_once('/') {
            Some(("*", name)) => Primary::Star(name.to_string()),
            Some((site, name)) => Primary::Qualified(site.to_string(), name.to_string()),
            None => Primary::Name(text.to_string()),
        }
    }
}

impl Services {
    /// Reads an expression as the language writes it; words are not checked.
    pub fn parse(text: &str) -> Services {
        let (items, except) = match text.split_once(" except ") {
            Some((items, except)) => (items, Some(except)),
            None => (text, None),
        };
        let list = |text: &str| text.split(',').map(|one| Service::parse(one.trim())).collect();
        Services { items: list(items), except: except.map(list).unwrap_or_default() }
    }
}

impl Service {
    fn parse(text: &str) -> Service {
        let (head, rest) = text.split_once('/').map_or((text, None), |(head, rest)| (head, Some(rest)));
        if head == "any" {
            return Service::Any;
        }
        if head == "protocol" {
            return Service::Number(rest.unwrap().parse().unwrap());
        }
        let Some((protocol, _)) = PROTOCOLS.iter().find(|(_, name)| *name == head) else {
            return Service::Name(text.to_string());
        };
        match protocol {
            6 | 17 | 132 => {
                let Some(rest) = rest else { return Service::Ports(*protocol, None, None) };
                let (source, destination) = rest.split_once(':').map_or((None, rest), |(s, d)| (Some(s), d));
                Service::Ports(*protocol, source.and_then(ports), ports(destination))
            }
            1 | 58 => {
                let mut numbers = rest.into_iter().flat_map(|rest| rest.split('/')).map(|one| one.parse().unwrap());
                Service::Icmp(*protocol, numbers.next(), numbers.next())
            }
            other => Service::Protocol(*other),
        }
    }
}

fn ports(text: &str) -> Option<(u16, u16)> {
    if text == "*" {
        return None;
    }
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    Some((low.parse().unwrap(), high.parse().unwrap()))
}

impl World {
    /// The networks of the world as `site/name`, with their sites.
    pub fn networks(&self) -> impl Iterator<Item = (&Site, &Network)> {
        self.sites.iter().flat_map(|site| site.networks.iter().map(move |network| (site, network)))
    }

    /// The hosts of the world with their sites.
    pub fn hosts(&self) -> impl Iterator<Item = (&Site, &Host)> {
        self.sites.iter().flat_map(|site| site.hosts.iter().map(move |host| (site, host)))
    }
}

impl Flow {
    /// A flow of a protocol with ports.
    pub fn ports(source: &str, destination: &str, protocol: u8, source_port: u16, destination_port: u16) -> Flow {
        Flow {
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            protocol,
            source_port: Some(source_port),
            destination_port: Some(destination_port),
        }
    }

    /// A TCP flow from a high port.
    pub fn tcp(source: &str, destination: &str, port: u16) -> Flow {
        Flow::ports(source, destination, 6, 49152, port)
    }

    /// A line of a batch file, without its end.
    pub fn csv(&self) -> String {
        let port = |port: Option<u16>| port.map(|port| port.to_string()).unwrap_or_default();
        let protocol = protocol_name(self.protocol);
        let (source_port, destination_port) = (port(self.source_port), port(self.destination_port));
        format!("{},{},{protocol},{source_port},{destination_port}", self.source, self.destination)
    }
}
