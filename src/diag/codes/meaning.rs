//! Codes about what a policy means as a whole: rules and assertions held against each other.

use crate::diag::code::{Code, Severity};

/// An allow all of whose flows other allows cover.
pub static REDUNDANT: Code = Code::lint("W0801", Severity::Warning, "an allow that others make redundant");
/// An allow none of whose flows passes, because denies cover them.
pub static SWALLOWED: Code = Code::lint("W0802", Severity::Warning, "an allow that denies swallow whole");
/// A deny that takes some flows from allows.
pub static PARTLY_SWALLOWED: Code = Code::lint("W0803", Severity::Note, "allows that a deny swallows in part");
/// What a quarantine stops.
pub static HELD: Code = Code::lint("W0804", Severity::Note, "allows that a quarantine stops");
/// Two rules that differ in one clause alone.
pub static MERGEABLE: Code = Code::lint("W0805", Severity::Note, "two rules that could be one");
/// An assertion that no flow could ever violate.
pub static VACUOUS: Code = Code::lint("W0806", Severity::Warning, "an assertion that nothing could violate");
/// A whole network may administer one of a higher trust.
pub static ACROSS_TIERS: Code = Code::lint("W0807", Severity::Warning, "administration from a less trusted tier");
/// `until` or `review` is near.
pub static SOON: Code = Code::lint("W0808", Severity::Note, "a rule that ends or is to be reviewed soon");
/// An assertion covers an address at which no firewall filters.
pub static OWN_ADDRESS: Code =
    Code::lint("W0809", Severity::Note, "an assertion about a firewall that does not protect itself");

/// All codes of this file.
pub const ALL: &[&Code] =
    &[&REDUNDANT, &SWALLOWED, &PARTLY_SWALLOWED, &HELD, &MERGEABLE, &VACUOUS, &ACROSS_TIERS, &SOON, &OWN_ADDRESS];
