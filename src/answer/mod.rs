//! What [`crate::reach`] finds, in the words of the people who asked: names instead of addresses, rows, diagnostics.
//!
//! Input: the loaded project and the classes and products of `reach`; output: the objects of [`crate::report::json`], diagnostics, and text. Nothing is decided here: every number
//! and every name is read off what `reach` proved. Start at [`Rows`].

mod admission;
mod assertions;
mod between;
mod blast;
mod devices;
mod diff;
mod gate;
mod lists;
mod matrix;
mod names;
mod packets;
mod query;
mod real;
mod rows;
mod sentences;
mod tables;

pub use admission::{Party, gate};
pub use assertions::{assertions, cases, diagnostics, summary};
pub use blast::{Blast, Depth, blast};
pub use devices::{
    BackupObject, ConfigLine, DeviceObject, DeviceRow, DeviceWords, DevicesReport, UnprovenObject, bare_device,
};
pub use diff::{
    AssertionChange, Beside, ChangeRow, DeviceChange, Diff, DiffReport, Limit, LoggedWords, Project, RuleWords, Shown,
    Size, Then, Through, Tiers, diff,
};
pub use gate::{Gate, GateReport, Ruling, Stage};
pub use lists::{EquivReport, LinesReport, equiv_report, lines_report};
pub use matrix::{Matrix, Parties, matrix};
pub use names::Names;
pub use packets::{Flows, PacketRows};
pub use query::{Asked, Query, query};
pub use real::{real_assertions, real_cases, real_diagnostics, real_findings, seen_objects, seen_summary};
pub use rows::{Rows, flow_object, literals};
pub use tables::{ServiceWords, Table};
