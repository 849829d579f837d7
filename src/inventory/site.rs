//! Sites with their networks and hosts.

use super::address;
use super::keys::{Owner, addresses, attribute, boolean, has_nearly, reference, section, tags};
use super::name::{global_name, local_name};
use super::types::{Attributes, Host, Network, Site};
use crate::diag::codes::inventory::NO_ADDRESS;
use crate::diag::{Diagnostic, Sink};
use crate::yaml::{Entry, Map, Node};

const SITE_KEYS: &[&str] = &["transit", "tags", "networks", "hosts"];
const NETWORK_KEYS: &[&str] = &["address", "subnet_of", "tags"];
const HOST_KEYS: &[&str] = &["address", "tags"];

/// Reads an entry of `sites`.
pub(super) fn site(entry: &Entry<'_>, sink: &mut Sink) -> Option<Site> {
    let name = global_name(&entry.key, "site", sink);
    let owner = Owner { kind: "site", name: &entry.key.value };
    let map = body(&entry.value, owner, sink)?;
    let (mut transit, mut found_tags, mut attributes) = (false, Vec::new(), Attributes::new());
    let (mut networks, mut hosts) = (Vec::new(), Vec::new());
    for entry in &map.entries {
        let node = &entry.value;
        match entry.key.value.as_ref() {
            "transit" => transit = boolean(node, "transit", owner, sink).is_some_and(|switch| switch.value),
            "tags" => found_tags = tags(node, owner, sink),
            "networks" => {
                networks = section(node, "networks", owner, sink).iter().filter_map(|e| network(e, sink)).collect();
            }
            "hosts" => hosts = section(node, "hosts", owner, sink).iter().filter_map(|e| host(e, sink)).collect(),
            _ => attribute(entry, owner, SITE_KEYS, &mut attributes, sink),
        }
    }
    Some(Site { name: name?, transit, tags: found_tags, attributes, networks, hosts })
}

fn body<'n, 't>(node: &'n Node<'t>, owner: Owner<'_>, sink: &mut Sink) -> Option<&'n Map<'t>> {
    node.map(format_args!("{owner}"), "a mapping of keys", sink)
}

fn network(entry: &Entry<'_>, sink: &mut Sink) -> Option<Network> {
    let name = local_name(&entry.key, "network", sink);
    let owner = Owner { kind: "network", name: &entry.key.value };
    let map = body(&entry.value, owner, sink)?;
    let (mut found, mut subnet_of, mut found_tags) = (None, None, Vec::new());
    let mut attributes = Attributes::new();
    for entry in &map.entries {
        let node = &entry.value;
        match entry.key.value.as_ref() {
            "address" => found = with_addresses(node, owner, address::network, sink),
            "subnet_of" => subnet_of = reference(node, "subnet_of", owner, sink),
            "tags" => found_tags = tags(node, owner, sink),
            _ => attribute(entry, owner, NETWORK_KEYS, &mut attributes, sink),
        }
    }
    require_address(entry, map, owner, "a prefix, `address: 10.0.0.0/24`", sink);
    Some(Network { name: name?, addresses: found?, subnet_of, tags: found_tags, attributes })
}

fn host(entry: &Entry<'_>, sink: &mut Sink) -> Option<Host> {
    let name = local_name(&entry.key, "host", sink);
    let owner = Owner { kind: "host", name: &entry.key.value };
    let map = body(&entry.value, owner, sink)?;
    let (mut found, mut found_tags, mut attributes) = (None, Vec::new(), Attributes::new());
    for entry in &map.entries {
        let node = &entry.value;
        match entry.key.value.as_ref() {
            "address" => found = with_addresses(node, owner, address::host, sink),
            "tags" => found_tags = tags(node, owner, sink),
            _ => attribute(entry, owner, HOST_KEYS, &mut attributes, sink),
        }
    }
    require_address(entry, map, owner, "an address, `address: 10.0.0.5`", sink);
    Some(Host { name: name?, addresses: found?, tags: found_tags, attributes })
}

/// The addresses of a network or host: at least one must be there, and an empty list is reported.
fn with_addresses<T>(
    node: &Node<'_>,
    owner: Owner<'_>,
    read: impl Fn(&str, crate::source::Span, &mut Sink) -> Option<T>,
    sink: &mut Sink,
) -> Option<Vec<crate::source::Spanned<T>>> {
    if matches!(&node.value, crate::yaml::Value::List(items) if items.is_empty()) {
        let message = format!("{owner} has no address: the list is empty");
        sink.push(Diagnostic::new(&NO_ADDRESS, node.span, message).help("write an address, or leave the entry out"));
    }
    Some(addresses(node, owner, read, sink))
}

/// Reports an entry that says nothing about its address, unless a misspelt key was reported in its place.
fn require_address(entry: &Entry<'_>, map: &Map<'_>, owner: Owner<'_>, wanted: &str, sink: &mut Sink) {
    if !has_nearly(map, "address", |_| true) {
        let message = format!("{owner} has no address");
        sink.push(Diagnostic::new(&NO_ADDRESS, entry.key.span, message).help(format!("give it {wanted}")));
    }
}
