//! The inventory as written.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::packet::AddressRange;
use crate::source::{Span, Spanned};

/// Scalar keys beside the known ones, with the text of the YAML scalar (`tier: 2` has the text `2`).
pub type Attributes = BTreeMap<String, Spanned<String>>;

/// All inventory files together, each list sorted by name.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// The sites.
    pub sites: Vec<Site>,
    /// The transits.
    pub transits: Vec<Transit>,
    /// The devices.
    pub devices: Vec<Device>,
}

/// A site.
#[derive(Debug, Clone)]
pub struct Site {
    /// What it is called, at its key.
    pub name: Spanned<String>,
    /// `transit: true`: a hub; its firewalls lie on other sites' paths.
    pub transit: bool,
    /// `tags: [...]`
    pub tags: Vec<Spanned<String>>,
    /// Further scalar keys.
    pub attributes: Attributes,
    /// Its networks, sorted by name.
    pub networks: Vec<Network>,
    /// Its hosts, sorted by name.
    pub hosts: Vec<Host>,
}

/// One layer-3 segment of a site.
#[derive(Debug, Clone)]
pub struct Network {
    /// What it is called inside its site, at its key.
    pub name: Spanned<String>,
    /// Its prefixes (no host bits set).
    pub addresses: Vec<Spanned<IpNet>>,
    /// `subnet_of: NAME`: the network of the same site that it lies in.
    pub subnet_of: Option<Spanned<String>>,
    /// `tags: [...]`
    pub tags: Vec<Spanned<String>>,
    /// Further scalar keys.
    pub attributes: Attributes,
}

/// One or several machines of a site under one name.
#[derive(Debug, Clone)]
pub struct Host {
    /// What it is called inside its site, at its key.
    pub name: Spanned<String>,
    /// Its addresses; a range is one host entry too.
    pub addresses: Vec<Spanned<AddressRange>>,
    /// `tags: [...]`
    pub tags: Vec<Spanned<String>>,
    /// Further scalar keys.
    pub attributes: Attributes,
}

/// A network between sites, without addresses of its own here.
#[derive(Debug, Clone)]
pub struct Transit {
    /// What it is called, at its key.
    pub name: Spanned<String>,
    /// `internet: true`: it stands for every public address that the inventory does not name.
    pub internet: bool,
}

/// A device joins networks and transits.
#[derive(Debug, Clone)]
pub struct Device {
    /// What it is called, at its key.
    pub name: Spanned<String>,
    /// `site: NAME`; a device without one is core.
    pub site: Option<Spanned<String>>,
    /// `platform: NAME`: it filters, and sekisho writes its rules. Without one it only forwards.
    pub platform: Option<Spanned<String>>,
    /// `protect: true`: it also filters what is addressed to itself.
    pub protect: Option<Spanned<bool>>,
    /// Its interfaces, sorted by name.
    pub interfaces: Vec<Interface>,
}

/// One interface of a device.
#[derive(Debug, Clone)]
pub struct Interface {
    /// What the device calls it, at its key.
    pub name: Spanned<String>,
    /// What it is attached to: `site/network`, or the name of a transit.
    pub attaches: Spanned<String>,
    /// Its own addresses.
    pub addresses: Vec<Spanned<IpAddr>>,
}

impl Inventory {
    /// A span for diagnostics that are about the inventory as a whole: its first name.
    #[must_use]
    pub fn first_span(&self) -> Option<Span> {
        let sites = self.sites.iter().map(|site| site.name.span);
        let transits = self.transits.iter().map(|transit| transit.name.span);
        sites.chain(transits).chain(self.devices.iter().map(|device| device.name.span)).min()
    }
}
