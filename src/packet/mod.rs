//! The algebra of packets: sets of addresses, of services, and of flows.
//!
//! Pure mathematics: knows no policy, no device, no file. Every set is finite, exact and canonical (equal sets are equal
//! values), and nothing enumerates addresses: `0.0.0.0/0` costs what one host costs. Start with [`IntervalSet`]; the others
//! are built on it. [`FlowSpace`] holds sets of whole flows; `docs/algebra.md` tells its mathematics.

mod address;
mod count;
mod diagram;
mod flow;
mod interval;
mod service;
mod space;
mod sweep;

pub use address::{AddressRange, AddressSet, Family};
pub use count::Count;
pub use diagram::TooLarge;
pub use flow::Flow;
pub use interval::{Interval, IntervalSet, Value};
pub use service::{PortRange, Protocol, Rectangle, ServicePoint, ServiceSet};
pub use space::{Action, Address, FlowSet, FlowSpace, Moment, Order, Product, Wishes};
pub use sweep::sweep;
