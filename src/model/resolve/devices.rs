//! Devices: their site, platform, interfaces and addresses.

use std::net::IpAddr;
use std::sync::Arc;

use super::places::{Inside, Places, unique};
use super::problem::Guesses;
use crate::diag::codes::names;
use crate::diag::{Diagnostic, Sink};
use crate::inventory::{self, Inventory};
use crate::model::types::{Attachment, Device, Interface, Location, Model, SiteId, TransitId};
use crate::packet::{AddressRange, AddressSet};
use crate::source::Spanned;

/// What the devices of an inventory are resolved against.
pub(super) struct Ground<'a> {
    pub(super) places: &'a Places<'a>,
    pub(super) platforms: &'a [&'a str],
    pub(super) guesses: &'a Guesses,
}

/// Fills the devices of the model; needs `located`.
pub(super) fn collect(inventory: &Inventory, ground: &Ground<'_>, model: &mut Model, sink: &mut Sink) {
    let devices = unique(inventory.devices.iter(), |device| &device.name, "device", sink);
    let resolved: Vec<Device> = devices.into_iter().map(|device| resolve(device, ground, model, sink)).collect();
    model.devices = resolved;
}

fn resolve(device: &inventory::Device, ground: &Ground<'_>, model: &Model, sink: &mut Sink) -> Device {
    let site = device.site.as_ref().and_then(|site| resolve_site(device, site, ground, sink));
    check_platform(device, ground, sink);
    check_protect(device, sink);
    let entries = unique(device.interfaces.iter(), |interface| &interface.name, "interface", sink);
    let interfaces: Vec<Interface> = entries
        .into_iter()
        .filter_map(|interface| {
            let attachment = attach(device, interface, site, ground, model, sink)?;
            interface
                .addresses
                .iter()
                .for_each(|address| check_address(device, interface, address, attachment, model, sink));
            let addresses = interface.addresses.iter().map(|address| address.value).collect();
            Some(Interface { name: interface.name.clone(), attachment, addresses })
        })
        .collect();
    let addresses: AddressSet = interfaces
        .iter()
        .flat_map(|interface| &interface.addresses)
        .map(|&address| AddressRange::single(address))
        .collect();
    Device {
        name: device.name.clone(),
        site,
        platform: device.platform.clone(),
        protect: device.protect.as_ref().is_some_and(|protect| protect.value),
        interfaces,
        addresses: Arc::new(addresses),
    }
}

fn resolve_site(
    device: &inventory::Device,
    site: &Spanned<String>,
    ground: &Ground<'_>,
    sink: &mut Sink,
) -> Option<SiteId> {
    let found = ground.places.site(&site.value);
    if found.is_none() {
        let message = format!("`{}` stands at `{}`, which is no site", device.name.value, site.value);
        let mut diagnostic = Diagnostic::new(&names::DEVICE_SITE, site.span, message).label("not found");
        let candidates = ground.places.sites.iter().map(|site| site.name.value.as_str());
        if let Some(close) = ground.guesses.closest(&site.value, candidates) {
            if let Some(place) = ground.places.site(close).and_then(|id| ground.places.sites.get(id.index())) {
                diagnostic = diagnostic.also(place.name.span, "a site with a similar name");
            }
            diagnostic = diagnostic.help(format!("use `{close}`"));
        }
        sink.push(diagnostic);
    }
    found
}

fn check_platform(device: &inventory::Device, ground: &Ground<'_>, sink: &mut Sink) {
    let Some(platform) = &device.platform else { return };
    if ground.platforms.contains(&platform.value.as_str()) {
        return;
    }
    let message = format!("`{}` has the platform `{}`, which is not known", device.name.value, platform.value);
    let close = ground.guesses.closest(&platform.value, ground.platforms.iter().copied());
    let help = match close {
        Some(close) => format!("use `{close}`"),
        None => format!("the platforms are {}", ground.platforms.join(", ")),
    };
    sink.push(Diagnostic::new(&names::UNKNOWN_PLATFORM, platform.span, message).label("not a platform").help(help));
}

fn check_protect(device: &inventory::Device, sink: &mut Sink) {
    let Some(protect) = device.protect.as_ref().filter(|protect| protect.value) else { return };
    let name = &device.name.value;
    if device.platform.is_none() {
        let message = format!("`{name}` filters nothing, so it cannot protect itself");
        sink.push(
            Diagnostic::new(&names::PROTECT_WITHOUT_PLATFORM, protect.span, message)
                .label("needs a platform")
                .also(device.name.span, "has no `platform`")
                .help("give the device a `platform`, or remove `protect`"),
        );
    }
    let bare: Vec<&inventory::Interface> =
        device.interfaces.iter().filter(|interface| interface.addresses.is_empty()).collect();
    if let Some(first) = bare.first() {
        let message = format!("`{name}` protects itself, but the address of its `{}` is not known", first.name.value);
        let found = Diagnostic::new(&names::PROTECT_WITHOUT_ADDRESS, protect.span, message)
            .label("needs an address on every interface")
            .help(format!("write `{}: {{ network: {}, address: ... }}`", first.name.value, first.attaches.value));
        sink.push(bare.iter().fold(found, |found, interface| found.also(interface.name.span, "has no address")));
    }
}

fn attach(
    device: &inventory::Device,
    interface: &inventory::Interface,
    site: Option<SiteId>,
    ground: &Ground<'_>,
    model: &Model,
    sink: &mut Sink,
) -> Option<Attachment> {
    let target = interface.attaches.value.as_str();
    let found = match target.split_once('/') {
        Some((site, network)) => {
            ground.places.site(site).and_then(|site| ground.places.network(site, network)).map(Attachment::Network)
        }
        None => model
            .transits
            .binary_search_by(|transit| transit.name.value.as_str().cmp(target))
            .ok()
            .map(|at| Attachment::Transit(TransitId::from_index(at))),
    };
    if found.is_none() {
        sink.push(unknown_target(device, interface, site, ground, model));
    }
    found
}

fn unknown_target(
    device: &inventory::Device,
    interface: &inventory::Interface,
    site: Option<SiteId>,
    ground: &Ground<'_>,
    model: &Model,
) -> Diagnostic {
    let target = interface.attaches.value.as_str();
    let what = if target.contains('/') { "network" } else { "transit" };
    let message =
        format!("`{}` of `{}` is attached to `{target}`, which is no {what}", interface.name.value, device.name.value);
    let found = Diagnostic::new(&names::INTERFACE_TARGET, interface.attaches.span, message).label("not found");
    let (close, place) = match target.split_once('/') {
        Some((site, network)) => closest_network(site, network, ground),
        None => closest_transit(target, site, ground, model),
    };
    let found = match place {
        Some(place) => found.also(place.span, place.value),
        None => found,
    };
    match close {
        Some(help) => found.help(help),
        None => found,
    }
}

/// What to type instead, and the place of what is similar with a word about it.
type Guess = (Option<String>, Option<Spanned<String>>);

fn closest_network(site: &str, network: &str, ground: &Ground<'_>) -> Guess {
    let places = ground.places;
    let Some(id) = places.site(site) else {
        let Some(close) = ground.guesses.closest(site, places.sites.iter().map(|site| site.name.value.as_str())) else {
            return (None, None);
        };
        let place = places.site(close).and_then(|id| places.sites.get(id.index()));
        let label = place.map(|site| Spanned::new("a site with a similar name".to_owned(), site.name.span));
        return (Some(format!("use `{close}/{network}`")), label);
    };
    if let Some(Inside::Host(host)) = places.inside(id, network) {
        let label =
            places.hosts.get(host.index()).map(|host| Spanned::new("this is a host".to_owned(), host.name.span));
        return (Some("attach the interface to the network that the host lies in".into()), label);
    }
    let siblings = places.networks_of(id);
    let Some(close) = ground.guesses.closest(network, siblings.iter().map(|sibling| sibling.name.value.as_str()))
    else {
        return (None, None);
    };
    let place = siblings.iter().find(|sibling| sibling.name.value == close);
    let label = place.map(|sibling| Spanned::new("a network with a similar name".to_owned(), sibling.name.span));
    (Some(format!("use `{site}/{close}`")), label)
}

fn closest_transit(name: &str, site: Option<SiteId>, ground: &Ground<'_>, model: &Model) -> Guess {
    let places = ground.places;
    if let Some(own) = site.filter(|&site| places.network(site, name).is_some()) {
        let site = places.sites.get(own.index()).map_or("", |site| &site.name.value);
        return (Some(format!("use `{site}/{name}`")), None);
    }
    if let Some(site) = places.site(name).and_then(|id| places.sites.get(id.index())) {
        let label = Spanned::new("this is a site".to_owned(), site.name.span);
        return (Some(format!("name one of its networks: `{name}/...`")), Some(label));
    }
    let Some(close) = ground.guesses.closest(name, model.transits.iter().map(|transit| transit.name.value.as_str()))
    else {
        return (None, None);
    };
    let place = model.transits.iter().find(|transit| transit.name.value == close);
    let label = place.map(|transit| Spanned::new("a transit with a similar name".to_owned(), transit.name.span));
    (Some(format!("use `{close}`")), label)
}

/// An address on a network must be one that the network itself decides for; one on a transit must not lie in a network.
fn check_address(
    device: &inventory::Device,
    interface: &inventory::Interface,
    address: &Spanned<IpAddr>,
    attachment: Attachment,
    model: &Model,
    sink: &mut Sink,
) {
    let located = model.located.of(address.value);
    let fits = match (attachment, located) {
        (Attachment::Network(id), Some(Location::Network(place))) => id == place,
        (Attachment::Transit(_), Some(Location::Network(_))) | (Attachment::Network(_), _) => false,
        (Attachment::Transit(_), _) => true,
    };
    if fits {
        return;
    }
    let (name, port, target) = (&device.name.value, &interface.name.value, &interface.attaches.value);
    let message = format!("{} of `{port}` of `{name}` is no address of `{target}`", address.value);
    let mut found = Diagnostic::new(&names::INTERFACE_ADDRESS, address.span, message)
        .label(format!("not in `{target}`"))
        .also(interface.attaches.span, "attached to this")
        .help("mend the address, or attach the interface to the network that holds it");
    if let Some(Location::Network(id)) = located
        && let Some(network) = model.networks.get(id.index())
    {
        found = found.also(network.name.span, format!("`{}` holds it", network.full_name));
    }
    sink.push(found);
}
