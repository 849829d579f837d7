//! Diagnostics as values.
//!
//! A stage that finds something wrong pushes a [`Diagnostic`] into a [`Sink`]; nothing is printed here. Each output format
//! is a file under `render/`. Codes live in `codes/`, one file a domain; a code is never given a second meaning.

mod code;
pub mod codes;
mod diagnostic;
pub mod render;
mod sink;
mod suggest;

pub use code::{Code, Severity};
pub use diagnostic::{Diagnostic, Label};
pub use sink::Sink;
pub use suggest::closest;
