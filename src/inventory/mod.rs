//! What exists: sites, networks, hosts, transits and devices, read from YAML, each with its place.
//!
//! Input: the text of the inventory files; output: one [`Inventory`] with sorted lists. One bad entry hides no other: it is
//! reported and left out. A doubtful decision: attributes are text, exactly as written (`tier: 2` is `2`, `no` is `no`),
//! because a policy compares text. Nothing is looked up here: a name is a name until `model` resolves it, and so overlaps,
//! unknown sites and hosts outside every network are found there. Start with [`read()`].

mod address;
mod device;
mod exercise;
pub(crate) mod keys;
mod name;
mod read;
mod site;
mod types;
mod unique;

pub use exercise::exercise;
pub use read::read;
pub use types::{Attributes, Device, Host, Interface, Inventory, Network, Site, Transit};
