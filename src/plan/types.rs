//! The device-neutral rule list of one firewall: what a platform writes down, and what a reader must find again.

use std::net::IpAddr;
use std::sync::Arc;

use crate::packet::{AddressSet, ServiceSet};
use crate::source::Span;
use crate::syntax::ast::Effect;

/// The name of a policy rule or quarantine, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleLabel {
    /// The name; unique in the project, any Unicode letters, of any length.
    pub name: String,
    /// The statement that it names.
    pub span: Span,
}

/// One rule on one interface pair: the flows of the product `source` x `destination` x `services` (both addresses of one family).
///
/// The same `Arc` stands wherever the same set is meant, so that a writer can name it once.
#[derive(Debug, Clone)]
pub struct PlannedRule {
    /// The policy rule that it comes from.
    pub label: Arc<RuleLabel>,
    /// Allow or deny.
    pub effect: Effect,
    /// Source addresses, already cut down to those that arrive on the pair's first interface.
    pub source: Arc<AddressSet>,
    /// Destination addresses, already cut down to those behind the pair's second interface.
    pub destination: Arc<AddressSet>,
    /// Services.
    pub services: Arc<ServiceSet>,
    /// Whether a flow that it decides is logged.
    pub log: bool,
}

/// What passes from one interface to another.
///
/// Meaning: a new flow is dropped if a deny covers it, else passes if an allow covers it, else is dropped. All denies stand
/// before all allows; inside each of the two, rules that log stand first, then the order is that of the names. So the first
/// match decides, and *which* rule is named and whether it is logged is defined too.
#[derive(Debug, Clone)]
pub struct PairPlan {
    /// Where the packet comes in: an index into [`DevicePlan::interfaces`].
    pub in_interface: usize,
    /// Where it goes out: an index into [`DevicePlan::interfaces`].
    pub out_interface: usize,
    /// Denies, then allows. Never empty: a pair without rules is not in the plan (nothing passes).
    pub rules: Vec<PlannedRule>,
}

/// A quarantine as one firewall enforces it, before it accepts established connections.
///
/// Meaning: a connection whose *first* packet has its source or its destination (or both) in `held`, and is in no product of `keep`, is dropped:
/// every packet of it, in both directions, live sessions included. What is kept goes on to the rules like any other flow. A packet that belongs to no
/// connection is judged by its own addresses and services.
#[derive(Debug, Clone)]
pub struct PlannedQuarantine {
    /// The quarantine.
    pub label: Arc<RuleLabel>,
    /// The addresses that are cut off.
    pub held: Arc<AddressSet>,
    /// Allow rules that stay (only their sets and labels matter here).
    pub keep: Vec<PlannedRule>,
}

/// What a firewall with `protect: true` lets in to its own addresses.
///
/// Meaning: a new flow to one of `addresses` that arrives on an interface is dropped if a deny covers it, else passes if an allow covers it, else is dropped;
/// established connections, neighbour discovery and ICMP errors always pass, and so does what arrives on the loop-back interface.
#[derive(Debug, Clone)]
pub struct InputPlan {
    /// The firewall's own addresses.
    pub addresses: Arc<AddressSet>,
    /// Per interface (an index into [`DevicePlan::interfaces`]), denies then allows, in the order of [`PairPlan::rules`]; interfaces without rules are left out.
    pub rules: Vec<(usize, Vec<PlannedRule>)>,
}

/// An interface of the device.
#[derive(Debug, Clone)]
pub struct PlannedInterface {
    /// What the device calls it.
    pub name: String,
    /// Where the inventory says so.
    pub span: Span,
    /// Its own addresses, if the inventory names them.
    pub addresses: Vec<IpAddr>,
}

/// Everything that one managed firewall must do.
#[derive(Debug, Clone)]
pub struct DevicePlan {
    /// What the device is called.
    pub device: String,
    /// Where the inventory names it.
    pub span: Span,
    /// The name of its platform.
    pub platform: String,
    /// All its interfaces, sorted by name.
    pub interfaces: Vec<PlannedInterface>,
    /// Quarantines that it can see, sorted by name.
    pub quarantines: Vec<PlannedQuarantine>,
    /// Interface pairs with rules, sorted by (in, out).
    pub pairs: Vec<PairPlan>,
    /// What it lets in to itself; `None` without `protect: true`: then nothing that is generated touches such traffic.
    pub input: Option<InputPlan>,
}
