//! What each firewall must pass: one device-neutral rule list per managed firewall.

mod types;

pub use types::{DevicePlan, InputPlan, PairPlan, PlannedInterface, PlannedQuarantine, PlannedRule, RuleLabel};
