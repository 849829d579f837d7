//! sekisho compiles a policy about which sites may reach which servers into the rule sets of every firewall on the way.
//!
//! The modules stand in the order of the pipeline; each one may use those above it and none below
//! (`docs/ARCHITECTURE.md` says what each must not know, `tests/tidy.rs` enforces it).

pub mod checksum;

pub mod source;

pub mod diag;

pub mod packet;

pub mod syntax;

pub mod yaml;

pub mod inventory;

pub mod settings;

pub mod model;

pub mod graph;

pub mod check;

pub mod reach;

pub mod plan;

pub mod listing;

pub mod platform;

pub mod proof;

pub mod drift;

pub mod diff;

pub mod gate;

pub mod report;

pub mod pipeline;

pub mod answer;

pub mod explain;

pub mod draw;

pub mod history;

pub mod cli;
