//! Drawings for `graph`: the topology, who reaches whom, and what is reached hop by hop.
//!
//! Input: the model, or what `reach` found about all flows; output: a [`crate::report::graph::Drawing`], which each format writes its own way. What an arrow says is what passes, after denials,
//! quarantines and missing paths, never what a rule is written to allow. Start at [`access`].

mod access;
mod alike;
mod hops;
mod topology;

pub use access::{access, access_extra};
pub use hops::hops;
pub use topology::topology;

/// Signs that a list of names may have; more names are counted.
const ROOM: usize = 40;

/// A list of which as many are named as there is room for, at least one.
fn few(names: &[String]) -> String {
    let mut said = String::new();
    for (number, name) in names.iter().enumerate() {
        if number > 0 && said.chars().count() + name.chars().count() + 2 > ROOM {
            return format!("{said} +{}", names.len() - number);
        }
        if number > 0 {
            said.push_str(", ");
        }
        said.push_str(name);
    }
    said
}
