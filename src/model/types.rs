//! The resolved model.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::civil::Date;

use crate::packet::{AddressRange, AddressSet, ServiceSet};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{AssertionKind, Effect};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);
        impl $name {
            /// As an index into the list of the model.
            #[must_use]
            pub fn index(self) -> usize {
                self.0 as usize
            }
            /// From an index into the list of the model.
            #[must_use]
            pub fn from_index(index: usize) -> Self {
                Self(u32::try_from(index).unwrap_or(u32::MAX))
            }
        }
    };
}
id!(
    /// Index into [`Model::sites`].
    SiteId
);
id!(
    /// Index into [`Model::networks`].
    NetworkId
);
id!(
    /// Index into [`Model::hosts`].
    HostId
);
id!(
    /// Index into [`Model::transits`].
    TransitId
);
id!(
    /// Index into [`Model::devices`].
    DeviceId
);
id!(
    /// Index into [`Model::endpoints`].
    EndpointId
);
id!(
    /// Index into [`Model::services`].
    ServiceId
);
id!(
    /// Index into [`Model::rules`].
    RuleId
);

/// Inventory and policy, resolved.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Sorted by name.
    pub sites: Vec<Site>,
    /// Sorted by site, then name.
    pub networks: Vec<Network>,
    /// Sorted by site, then name.
    pub hosts: Vec<Host>,
    /// Sorted by name.
    pub transits: Vec<Transit>,
    /// Sorted by name.
    pub devices: Vec<Device>,
    /// Which network each known address lies in (the innermost one).
    pub located: Located,
    /// Which host an address is called by.
    pub naming: super::Naming,
    /// Every known address: those in networks and, where a transit is the internet, the public ones that no network holds.
    pub known: Arc<AddressSet>,
    /// Public addresses that no network holds; empty where no transit is the internet.
    pub internet: Arc<AddressSet>,
    /// The sets of groups with their names, in name order.
    pub groups: Vec<(String, Arc<AddressSet>)>,
    /// The sets of feeds with their names, in name order.
    pub feeds: Vec<(String, Arc<AddressSet>)>,
    /// The sets of `service` definitions with their names, in name order.
    pub named_services: Vec<(String, Arc<ServiceSet>)>,
    /// Endpoint sets, each once (equal sets have equal ids).
    pub endpoints: Vec<Arc<AddressSet>>,
    /// Service sets, each once (equal sets have equal ids).
    pub services: Vec<Arc<ServiceSet>>,
    /// `allow` and `deny`, sorted by name.
    pub rules: Vec<Rule>,
    /// `never`, `only`, `must`, sorted by name.
    pub assertions: Vec<Assertion>,
    /// `waive`, sorted by name.
    pub waivers: Vec<Waiver>,
    /// `quarantine`, sorted by name.
    pub quarantines: Vec<Quarantine>,
}

/// A site.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its name and where.
    pub name: Spanned<String>,
    /// `transit: true`: a hub.
    pub transit: bool,
    /// Its networks.
    pub networks: Vec<NetworkId>,
    /// Scalar attributes, sorted by key; the text of the scalar.
    pub attributes: Vec<(String, String)>,
    /// Tags, sorted.
    pub tags: Vec<String>,
    /// Every address of its networks.
    pub addresses: Arc<AddressSet>,
}

/// A network.
#[derive(Debug, Clone)]
pub struct Network {
    /// Its name inside the site and where.
    pub name: Spanned<String>,
    /// `site/name`.
    pub full_name: String,
    /// Its site.
    pub site: SiteId,
    /// The network of the same site that it lies in.
    pub subnet_of: Option<NetworkId>,
    /// All its addresses, those of inner networks included.
    pub addresses: Arc<AddressSet>,
    /// Its addresses without those of inner networks: the ones for which it decides zone and interface.
    pub own: Arc<AddressSet>,
}

/// A host.
#[derive(Debug, Clone)]
pub struct Host {
    /// Its name inside the site and where.
    pub name: Spanned<String>,
    /// `site/name`.
    pub full_name: String,
    /// Its site.
    pub site: SiteId,
    /// Its addresses.
    pub addresses: Arc<AddressSet>,
}

/// A transit.
#[derive(Debug, Clone)]
pub struct Transit {
    /// Its name and where.
    pub name: Spanned<String>,
    /// `internet: true`.
    pub internet: bool,
}

/// A device.
#[derive(Debug, Clone)]
pub struct Device {
    /// Its name and where.
    pub name: Spanned<String>,
    /// Its site; none: core.
    pub site: Option<SiteId>,
    /// Its platform; none: it only forwards.
    pub platform: Option<Spanned<String>>,
    /// `protect: true`.
    pub protect: bool,
    /// Its interfaces, sorted by name.
    pub interfaces: Vec<Interface>,
    /// Its own interface addresses.
    pub addresses: Arc<AddressSet>,
}

/// What an interface is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attachment {
    /// A network.
    Network(NetworkId),
    /// A transit.
    Transit(TransitId),
}

/// An interface of a device.
#[derive(Debug, Clone)]
pub struct Interface {
    /// Its name and where.
    pub name: Spanned<String>,
    /// What it is attached to.
    pub attachment: Attachment,
    /// Its own addresses.
    pub addresses: Vec<IpAddr>,
}

/// Where an address belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Location {
    /// Into a network: the innermost one that holds it.
    Network(NetworkId),
    /// Into the internet.
    Internet,
}

/// The known addresses, cut into ranges by where they belong: ascending, disjoint, both families.
#[derive(Debug, Clone, Default)]
pub struct Located {
    /// IPv4 ranges, ascending and disjoint.
    pub v4: Vec<(crate::packet::Interval<u32>, Location)>,
    /// IPv6 ranges, ascending and disjoint.
    pub v6: Vec<(crate::packet::Interval<u128>, Location)>,
}

/// When a statement is active: both ends inclusive, an absent end is unbounded. Purpose and statement dates are both bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Period {
    /// The first day.
    pub start: Option<Date>,
    /// The last day.
    pub until: Option<Date>,
}

impl Period {
    /// Whether it is active on a day.
    #[must_use]
    pub fn contains(self, day: Date) -> bool {
        self.start.is_none_or(|start| start <= day) && self.until.is_none_or(|until| day <= until)
    }

    /// Whether there is no day on which it is active.
    #[must_use]
    pub fn is_never(self) -> bool {
        matches!((self.start, self.until), (Some(start), Some(until)) if until < start)
    }

    /// The first day after `day` on which activity changes.
    #[must_use]
    pub fn changes_after(self, day: Date) -> Option<Date> {
        if self.is_never() {
            return None;
        }
        let ends = self.until.and_then(|until| until.tomorrow().ok());
        [self.start, ends].into_iter().flatten().filter(|&change| change > day).min()
    }
}

/// Words about a statement, with the defaults of its purpose filled in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Meta {
    /// `owner`
    pub owner: Option<String>,
    /// `ticket`
    pub ticket: Option<String>,
    /// `because`
    pub because: Option<String>,
    /// `by`
    pub by: Option<String>,
    /// `review`
    pub review: Option<Date>,
    /// `ref`
    pub refs: Vec<String>,
    /// The purpose that it stands in.
    pub purpose: Option<String>,
    /// The text after the name.
    pub title: Option<String>,
}

/// A product of an endpoint set, an endpoint set and a service set, both addresses of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Product {
    /// Sources.
    pub source: EndpointId,
    /// Destinations.
    pub destination: EndpointId,
    /// Services.
    pub services: ServiceId,
}

/// `allow` or `deny`.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name and where the name stands.
    pub name: Spanned<String>,
    /// The whole statement.
    pub span: Span,
    /// Allow or deny.
    pub effect: Effect,
    /// What it covers: one product, or two with `both-ways` (the second has source and destination swapped, services alike).
    pub products: Vec<Product>,
    /// When.
    pub period: Period,
    /// Whether its flows are logged.
    pub log: bool,
    /// Words.
    pub meta: Meta,
}

/// `never`, `only` or `must`.
#[derive(Debug, Clone)]
pub struct Assertion {
    /// Its name and where the name stands.
    pub name: Spanned<String>,
    /// The whole statement.
    pub span: Span,
    /// Which claim.
    pub kind: AssertionKind,
    /// What it is about: one product, or two with `both-ways`.
    pub products: Vec<Product>,
    /// `via`: what every path must cross.
    pub via: Vec<Via>,
    /// `transitive`
    pub transitive: bool,
    /// `advisory`
    pub advisory: bool,
    /// When.
    pub period: Period,
    /// Words.
    pub meta: Meta,
}

/// What a path can cross.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Via {
    /// A device.
    Device(DeviceId),
    /// A network.
    Network(NetworkId),
    /// A transit.
    Transit(TransitId),
}

/// `waive`
#[derive(Debug, Clone)]
pub struct Waiver {
    /// Its name and where the name stands.
    pub name: Spanned<String>,
    /// The whole statement.
    pub span: Span,
    /// Index into [`Model::assertions`].
    pub assertion: usize,
    /// The allow rule that is judged as if it did not exist.
    pub rule: RuleId,
    /// When.
    pub period: Period,
    /// Words.
    pub meta: Meta,
}

/// `quarantine`
#[derive(Debug, Clone)]
pub struct Quarantine {
    /// Its name and where the name stands.
    pub name: Spanned<String>,
    /// The whole statement.
    pub span: Span,
    /// What is cut off.
    pub held: EndpointId,
    /// The allow rules that stay.
    pub keep: Vec<RuleId>,
    /// When.
    pub period: Period,
    /// Words.
    pub meta: Meta,
}

impl Located {
    /// Where an address belongs; `None` if it is unknown.
    #[must_use]
    pub fn of(&self, address: IpAddr) -> Option<Location> {
        match address {
            IpAddr::V4(v4) => find(&self.v4, v4.to_bits()),
            IpAddr::V6(v6) => find(&self.v6, v6.to_bits()),
        }
    }

    /// The known addresses of a set, cut by where they belong: IPv4 first, ascending. Small sets search the table, large ones walk along it.
    #[must_use]
    pub fn meet(&self, set: &AddressSet) -> Vec<(AddressRange, Location)> {
        let mut result = Vec::new();
        meet(&set.v4, &self.v4, |range, location| result.push((AddressRange::V4(range), location)));
        meet(&set.v6, &self.v6, |range, location| result.push((AddressRange::V6(range), location)));
        result
    }

    /// All ranges with where they belong, IPv4 first, ascending.
    pub fn ranges(&self) -> impl Iterator<Item = (AddressRange, Location)> + '_ {
        let v4 = self.v4.iter().map(|&(range, location)| (AddressRange::V4(range), location));
        v4.chain(self.v6.iter().map(|&(range, location)| (AddressRange::V6(range), location)))
    }
}

fn meet<T: crate::packet::Value>(
    set: &crate::packet::IntervalSet<T>,
    table: &[(crate::packet::Interval<T>, Location)],
    mut found: impl FnMut(crate::packet::Interval<T>, Location),
) {
    let mut rest = table;
    for interval in set.intervals() {
        let skip = rest.partition_point(|(range, _)| range.last < interval.first);
        rest = rest.get(skip..).unwrap_or_default();
        for (range, location) in rest.iter().take_while(|(range, _)| range.first <= interval.last) {
            if let Some(common) = range.intersection(*interval) {
                found(common, *location);
            }
        }
    }
}

fn find<T: crate::packet::Value>(ranges: &[(crate::packet::Interval<T>, Location)], value: T) -> Option<Location> {
    let at = ranges.partition_point(|(range, _)| range.last < value);
    ranges.get(at).filter(|(range, _)| range.contains(value)).map(|&(_, location)| location)
}

impl Model {
    /// The addresses of an endpoint set.
    #[must_use]
    pub fn endpoint(&self, id: EndpointId) -> &Arc<AddressSet> {
        static EMPTY: std::sync::LazyLock<Arc<AddressSet>> = std::sync::LazyLock::new(Arc::default);
        self.endpoints.get(id.index()).unwrap_or(&EMPTY)
    }

    /// The services of a service set.
    #[must_use]
    pub fn service(&self, id: ServiceId) -> &Arc<ServiceSet> {
        static EMPTY: std::sync::LazyLock<Arc<ServiceSet>> = std::sync::LazyLock::new(Arc::default);
        self.services.get(id.index()).unwrap_or(&EMPTY)
    }
}
