//! YAML as a tree of nodes that know where they stand.
//!
//! Input: the text of one file. Output: one tree per document, and what is wrong with the YAML itself. Trees rather than
//! derived structs, because one run must report every independent mistake, and a derived reader stops at the first. A scalar
//! keeps its text (`0x10` stays `0x10`, `no` is Norway): what it means is for the reader to say. `<<` and YAML tags are
//! refused, since both change a value out of sight of the person who reviews it. Start with [`parse()`].

mod message;
mod node;
mod parse;

pub use node::{Entry, Map, Node, Scalar, Value};
pub use parse::parse;
