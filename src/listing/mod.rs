//! What a device's rule set says, whatever language it was written in.
//!
//! Readers of platforms make a [`Listing`] from text, written from the documentation of the platform and not from our writers; everything that judges real rule sets (proofs, `verify`,
//! `lines`, `equiv`) sees listings alone. What a reader does not understand is kept, with its line, as [`Condition::Unknown`] or [`Action::Unknown`]: it may or may not
//! match, and whoever judges must allow for both. Nothing is ever left out in silence.
//!
//! [`Evaluator`] says what a listing does with all packets at once, and which lines do it. `docs/listings.md` has the meaning in words.
//!
//! Absent on purpose: marks, rates, times and other state that a packet's header does not show. They are unknown conditions.

mod analyse;
mod calls;
mod compare;
mod condition;
mod crossing;
mod decide;
mod diverted;
mod evaluate;
mod forget;
mod redundant;
mod translated;
mod types;
mod unjudged;
mod unusual;

pub use analyse::{Analysis, Finding, What, analyse};
pub use calls::{DEEPEST, Trouble, troubles};
pub use compare::{Comparison, Difference, Doubt, Way, compare};
pub use crossing::{Crossing, Direction, crossings, interfaces, interfaces_besides, states};
pub use decide::{Decided, deciders};
pub use evaluate::{Evaluator, Passed, in_some_order, passed};
pub use forget::{each_below, forget};
pub use translated::behind_translation;
pub use types::{
    Action, Base, Blur, COPIES, Chain, ChainId, Condition, Divert, HELPER, HOPS, Hook, InterfacePattern, Listing,
    Noticed, OFFLOAD, Rule, Sees, State, States, TRANSLATION,
};
pub use unjudged::unjudged;
