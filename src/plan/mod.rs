//! What each firewall must pass: one device-neutral rule list per managed firewall.
//!
//! [`Placement`] makes them from a model and its graph; the types are what a platform writes down. Nothing here knows a platform, and nothing
//! here is used by `reach`, which judges the result.

mod cells;
mod jobs;
mod local;
mod pieces;
mod place;
mod same;
mod sets;
mod types;
mod view;

pub use place::Placement;
pub use same::suspects;
pub use types::{DevicePlan, InputPlan, PairPlan, PlannedInterface, PlannedQuarantine, PlannedRule, RuleLabel};
