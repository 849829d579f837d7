//! `verify` and `drift` at the command line: outcomes, rows, exit codes; layouts of backups; ages; git; what a hostile backup can try.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking, its helpers too"
)]

mod ages;
mod assertions;
mod hidden;
mod history;
mod hostile;
mod layouts;
mod outcomes;
mod overlaps;
mod page;
#[path = "../support/mod.rs"]
mod support;
mod world;
