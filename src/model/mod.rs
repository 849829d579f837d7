//! Names become sets: the policy and the inventory, resolved against each other.
//!
//! Input: the trees of `syntax` and the lists of `inventory`. Output: a [`Model`], in which every name is an id and every endpoint and
//! service expression is a set. Dates are kept as periods and applied by the stages after. Nothing here knows which way a packet takes.

mod naming;
mod public;
mod resolve;
mod services;
pub mod types;

pub use naming::Naming;
pub use public::public;
pub use resolve::{Input, attribute_values, resolve, resolve_endpoints, resolve_services};
pub use services::{ADMINISTRATION, administration, well_known, well_known_name, well_known_names};
pub use types::*;
