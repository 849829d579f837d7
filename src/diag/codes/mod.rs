//! The codes of all diagnostics, one file a domain.
//!
//! | range | domain |
//! |---|---|
//! | x01xx | syntax of `.policy` files |
//! | x02xx | names and what they select |
//! | x03xx | inventory and settings (YAML) |
//! | x04xx | statements: dates, meta, circles |
//! | x05xx | the network: zones, paths, what cannot be enforced |
//! | x06xx | platforms: what a device cannot express |
//! | x07xx | input of commands: flows, arguments, files |
//! | x08xx | what a policy means: rules and assertions against each other |
//! | A00xx | assertions |
//! | D00xx | what a change does |

pub mod assertions;
pub mod changes;
pub mod input;
pub mod inventory;
pub mod meaning;
pub mod names;
pub mod platform;
pub mod statements;
pub mod syntax;
pub mod topology;

use super::code::Code;

/// Every code, in the order of the tables.
pub fn all() -> impl Iterator<Item = &'static Code> {
    [
        syntax::ALL,
        names::ALL,
        inventory::ALL,
        statements::ALL,
        topology::ALL,
        platform::ALL,
        input::ALL,
        meaning::ALL,
        assertions::ALL,
        changes::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}
