//! The policy meets the graph: what may reach what, and why.
//!
//! This is LANGUAGE.md section 4, asked about flows. It knows no firewall's rule list: [`crate::plan`] decides what each firewall passes, and neither uses the
//! other, so that one can judge the other. Start at [`Reach::judge`].

mod access;
mod ask;
mod boxes;
mod chain;
mod classes;
mod closure;
mod flows;
mod index;
mod judge;
mod mend;
mod movement;
mod nearby;
mod prove;
mod refine;
mod relation;
mod search;
mod services;
mod via;

pub use access::{Access, Cell, Column, Extra, FlowsBetween, Otherwise, Overlay, Question, Row, Want};
pub use ask::{Permitted, flow_count};
pub use classes::{AddressClass, AddressClasses, ClassSet};
pub use closure::Chains;
pub use flows::{ClassProduct, FlowProduct, merge, pick_address, witness};
pub use judge::{Judgement, Reach, Verdict};
pub use mend::{Certainty, Mend};
pub use prove::{Finding, Hop, HopKind, Outcome, Prover, Vacuous};
pub use relation::{Pairs, Relation, apart};
pub use search::{Last, Reached};
pub use services::ServiceClasses;
