//! What devices really run, held against what the policy asks of them.
//!
//! Input: the files of a directory of configs ([`crate::source::Backups`]), the devices of the inventory, and the plan of each firewall. [`collect`] says which file is of which
//! device, `age` how old it is, [`judge`] what came of it. The proof itself is [`crate::proof`]; rows and sentences are `answer`'s.
//!
//! A reader may doubt that the platform is the inventory's and never guessed: a file in another platform's language is a device that is not what the inventory says, and that
//! must not come out equal. Absent on purpose: fetching configs from devices, which Oxidized and RANCID do.

mod across;
mod age;
mod assertions;
mod collect;
mod gaps;
mod judge;
mod layout;
mod manifest;
mod observed;

pub use across::{Across, across};
pub use age::{Age, header_date};
pub use assertions::{ConfigLine, Real, RealFinding, assertions};
pub use collect::{Clash, Collected, Config, Part, Stranger, collect};
pub use gaps::{Differing, Gap};
pub use judge::{ConfigFile, Judged, MaxAge, Outcome, Reason, judge};
pub use layout::{Device, Role};
pub use manifest::Manifest;
pub use observed::Observed;
