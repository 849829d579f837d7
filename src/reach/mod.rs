//! The policy meets the graph: what may reach what, and why.
//!
//! This is LANGUAGE.md section 4, asked about flows. It knows no firewall's rule list: [`crate::plan`] decides what each firewall passes, and neither uses the
//! other, so that one can judge the other. Start at [`Reach::judge`].

mod index;
mod judge;

pub use judge::{Judgement, Reach, Verdict};
