//! Devices, interfaces and transits: they take known keys only, so that `platfrom` cannot turn a firewall into a router.

use super::address;
use super::keys::{Owner, addresses, boolean, has_nearly, reference, section, unknown_key};
use super::name::global_name;
use super::types::{Device, Interface, Transit};
use crate::diag::codes::inventory::{BAD_NAME, NO_INTERFACES, NOT_ATTACHED};
use crate::diag::{Diagnostic, Sink};
use crate::source::Spanned;
use crate::yaml::{Entry, Map, Value};

const DEVICE_KEYS: &[&str] = &["site", "platform", "protect", "interfaces"];
const INTERFACE_KEYS: &[&str] = &["network", "address"];
const TRANSIT_KEYS: &[&str] = &["internet"];

/// Reads an entry of `transit`.
pub(super) fn transit(entry: &Entry<'_>, sink: &mut Sink) -> Option<Transit> {
    let name = global_name(&entry.key, "transit", sink);
    let owner = Owner { kind: "transit", name: &entry.key.value };
    let mut internet = false;
    for entry in &entry.value.map(format_args!("{owner}"), "a mapping of keys", sink)?.entries {
        match entry.key.value.as_ref() {
            "internet" => {
                internet = boolean(&entry.value, "internet", owner, sink).is_some_and(|switch| switch.value);
            }
            _ => unknown_key(&entry.key, owner, TRANSIT_KEYS, sink),
        }
    }
    Some(Transit { name: name?, internet })
}

/// Reads an entry of `devices`.
pub(super) fn device(entry: &Entry<'_>, sink: &mut Sink) -> Option<Device> {
    let name = global_name(&entry.key, "device", sink);
    let owner = Owner { kind: "device", name: &entry.key.value };
    let map = entry.value.map(format_args!("{owner}"), "a mapping of keys", sink)?;
    let (mut site, mut platform, mut protect, mut interfaces) = (None, None, None, Vec::new());
    for entry in &map.entries {
        let node = &entry.value;
        match entry.key.value.as_ref() {
            "site" => site = reference(node, "site", owner, sink),
            "platform" => platform = reference(node, "platform", owner, sink),
            "protect" => protect = boolean(node, "protect", owner, sink),
            "interfaces" => {
                interfaces =
                    section(node, "interfaces", owner, sink).iter().filter_map(|e| interface(e, owner, sink)).collect();
                interfaces.sort_by(|a: &Interface, b| a.name.value.cmp(&b.name.value));
            }
            _ => unknown_key(&entry.key, owner, DEVICE_KEYS, sink),
        }
    }
    lonely(entry, map, owner, sink);
    Some(Device { name: name?, site, platform, protect, interfaces })
}

/// Warns of a device that joins nothing.
fn lonely(entry: &Entry<'_>, map: &Map<'_>, owner: Owner<'_>, sink: &mut Sink) {
    let says_something = |entry: &Entry<'_>| !matches!(&entry.value.value, Value::Map(map) if map.entries.is_empty());
    let listed = has_nearly(map, "interfaces", says_something);
    if !listed {
        let message = format!("{owner} has no interfaces, so it joins nothing");
        let help = "write `interfaces: { eth0: site/network }`";
        sink.push(Diagnostic::new(&NO_INTERFACES, entry.key.span, message).help(help));
    }
}

/// `eth0: tokyo/app`, or `eth0: { network: tokyo/app, address: 10.0.0.1 }`.
fn interface(entry: &Entry<'_>, device: Owner<'_>, sink: &mut Sink) -> Option<Interface> {
    let name = interface_name(entry, device, sink);
    let owner = Owner { kind: "interface", name: &entry.key.value };
    if let Value::Scalar(scalar) = &entry.value.value {
        let attaches = Spanned::new(scalar.text.clone().into_owned(), entry.value.span);
        return Some(Interface {
            name: name?,
            attaches: attached(attaches, owner, device, sink)?,
            addresses: Vec::new(),
        });
    }
    let wanted = "the name of a network or a mapping of keys";
    let map = entry.value.map(format_args!("{owner} of {device}"), wanted, sink)?;
    let (mut attaches, mut own) = (None, Vec::new());
    for entry in &map.entries {
        match entry.key.value.as_ref() {
            "network" => attaches = reference(&entry.value, "network", owner, sink),
            "address" => own = addresses(&entry.value, owner, address::interface, sink),
            _ => unknown_key(&entry.key, format_args!("{owner} of {device}"), INTERFACE_KEYS, sink),
        }
    }
    if !has_nearly(map, "network", |_| true) {
        not_attached(entry.key.span, owner, device, sink);
    }
    Some(Interface { name: name?, attaches: attached(attaches?, owner, device, sink)?, addresses: own })
}

/// What a device calls its interface is its own affair, but it must be one printable word for the device's config.
fn interface_name(entry: &Entry<'_>, device: Owner<'_>, sink: &mut Sink) -> Option<Spanned<String>> {
    let text = entry.key.value.as_ref();
    if text.is_empty() || text.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '"' | '\\')) {
        let message = format!("`{}` cannot be the name of an interface of {device}", text.escape_debug());
        let help = "write the name that the device uses, without blanks and quotes";
        sink.push(Diagnostic::new(&BAD_NAME, entry.key.span, message).help(help));
        return None;
    }
    Some(Spanned::new(text.to_owned(), entry.key.span))
}

fn attached(
    attaches: Spanned<String>,
    owner: Owner<'_>,
    device: Owner<'_>,
    sink: &mut Sink,
) -> Option<Spanned<String>> {
    if attaches.value.trim().is_empty() {
        not_attached(attaches.span, owner, device, sink);
        return None;
    }
    Some(attaches)
}

fn not_attached(span: crate::source::Span, owner: Owner<'_>, device: Owner<'_>, sink: &mut Sink) {
    let message = format!("{owner} of {device} is attached to no network");
    let help = format!("write `{}: site/network`, or the name of a transit", owner.name);
    sink.push(Diagnostic::new(&NOT_ATTACHED, span, message).help(help));
}
