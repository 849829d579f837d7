//! What exists: sites, networks, hosts, transits and devices, read from YAML, each with its place.
//!
//! Nothing is looked up here: a name is a name until `model` resolves it.

mod types;

pub use types::{Attributes, Device, Host, Interface, Inventory, Network, Site, Transit};
