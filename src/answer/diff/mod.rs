//! `diff`: what a change opens and closes, in the names of the project, with the rules and the people behind it.
//!
//! [`crate::diff`] finds the flows; here they become rows, each of flows that the same rules decide, and what hangs on them: tiers, sizes, further hops, assertions. What opens is told in the names of the new
//! side, what closes in those of the old one. Start at [`diff`]. Absent on purpose: how a side was read, and the files of devices, which the command line compares.

mod assertions;
mod findings;
mod hops;
mod objects;
mod prose;
mod rows;
mod words;

pub use objects::{
    AssertionChange, ChangeRow, DeviceChange, DiffReport, LoggedWords, RuleWords, Size, Then, Through, Tiers,
};
pub use prose::{Beside, Limit};
pub use rows::{Diff, Project, Shown, diff};
