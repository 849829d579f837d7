//! Whether a rule set says what the policy asks of its device, for all packets.
//!
//! Input: what placement asks of a device ([`DevicePlan`](crate::plan::DevicePlan)) and what a reader found in the device's files ([`Listing`](crate::listing::Listing)). Output: a [`Proof`]: equal,
//! or the packets that differ with the lines that cause it, or what keeps it from being decided. The same question is asked of what `compile` has just written and of what a device
//! really runs. Start at [`device`].
//!
//! Nothing here knows a writer: the readers were written from the documentation of the platforms, and what a list of rules means is decided in [`listing`](crate::listing).
//!
//! What is compared, way by way, a way being a pair of interfaces, or an interface and the device itself where the device protects itself:
//!
//! - the first packet of a connection passes if and only if the plan permits it (and no quarantine holds it);
//! - later packets of a permitted connection pass, both ways; those of a connection that a quarantine cuts do not;
//! - packets that belong to no connection pass only if they would as first ones; of related ones ICMP errors pass too.
//!
//! Absent on purpose: logging, counters and names, which no packet sees; the device's own traffic where it does not protect itself, because nothing is asked there.

mod arrive;
mod asked;
mod denies;
mod device;
mod entries;
mod gaps;
mod gone;
mod guard;
mod lanes;
mod overlaps;
mod pieces;
mod policy;
mod quick;
mod slices;
mod text;

pub use asked::admitted;
pub use device::{Doubt, Perhaps, Proof, Verdict, device};
pub use gaps::{BlamedLine, Gap, Lacks};
pub use policy::{Composition, Problem};
