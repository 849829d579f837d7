//! What the writers of several platforms share: safe names, services as matches, runs of rules, disjoint cells, text with line numbers.
//!
//! Nothing here knows the syntax of a platform.

pub(super) mod cells;
pub(super) mod interfaces;
pub(super) mod names;
pub(super) mod rules;
pub(super) mod text;
pub(super) mod traffic;
