//! Tests emitted rule sets in the kernel that will run them.
//!
//! A [`Namespace`] is a fresh network namespace with one TUN device for each interface of a firewall; packets are written into
//! one device and read from another, so the kernel forwards them as it would between cables. Start with [`check_device`], which
//! takes a firewall's interfaces, its files and a list of [`Expectation`]s and says in words where the kernel disagrees.
//!
//! The decision a reader would doubt: a packet names the interface by which it leaves (in its DSCP field, which a
//! rule of the harness turns into a routing mark). Real routing tables would let a test reach only the one exit that a destination
//! has; a firewall must be right for every ordered pair of interfaces. Every probe has a connection tracking zone of its own
//! (from the IPv4 identification or the IPv6 flow label), so no probe opens the way for another.
//!
//! Needs root, `nft`, `iptables`, `ip` and `/dev/net/tun`; where one is absent [`Namespace::new`] says which.

#![allow(dead_code, unused_imports, reason = "several test programs include this module, none uses all of it")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot send its packets has failed"
)]

mod device;
mod namespace;
mod packet;
mod tools;

pub use device::{Expectation, Ruleset, check_device, disagreements};
pub use namespace::{Conversation, Interface, Namespace, Outcome, Probe};
pub use packet::{ACK, Body, Marks, Packet, SYN};
pub use tools::{Flush, Loaded, Unavailable, available};
