//! The algebra of packets: sets of addresses, of services, and of flows.
//!
//! Pure mathematics: knows no policy, no device, no file. Every set is finite, exact and canonical (equal sets are equal
//! values), and nothing enumerates addresses: `0.0.0.0/0` costs what one host costs. Start with [`IntervalSet`]; the others
//! are built on it.

mod address;
mod flow;
mod interval;
mod service;

pub use address::{AddressRange, AddressSet, Family};
pub use flow::Flow;
pub use interval::{Interval, IntervalSet, Value};
pub use service::{PortRange, Protocol, Rectangle, ServicePoint, ServiceSet};
