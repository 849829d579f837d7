//! Codes about zones, paths and what cannot be enforced.

use crate::diag::code::{Code, Severity};

/// An allow none of whose flows has a path.
pub static ALLOW_WITHOUT_PATH: Code = Code::lint("W0501", Severity::Warning, "no path for any flow of an allow");
/// An allow all of whose flows stay in one zone, or have no path.
pub static ALLOW_WITHIN_ZONE: Code = Code::lint("W0502", Severity::Warning, "an allow within one zone");
/// A deny some of whose flows stay in one zone.
pub static DENY_PARTLY_WITHIN_ZONE: Code =
    Code::lint("W0503", Severity::Warning, "a deny that no firewall can enforce for some of its flows");
/// A deny none of whose flows meets a firewall.
pub static DENY_UNENFORCEABLE: Code = Code::lint("E0512", Severity::Error, "a deny that no firewall can enforce");
/// A firewall with two interfaces in one zone.
pub static BYPASSED: Code = Code::lint("E0513", Severity::Error, "a firewall that is bypassed");

/// All codes of this file.
pub const ALL: &[&Code] =
    &[&ALLOW_WITHOUT_PATH, &ALLOW_WITHIN_ZONE, &DENY_PARTLY_WITHIN_ZONE, &DENY_UNENFORCEABLE, &BYPASSED];
