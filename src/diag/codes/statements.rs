//! Codes about dates, meta and circles in statements.

use crate::diag::code::{Code, Severity};

/// Two statements have the same name.
pub static STATEMENT_TWICE: Code = Code::error("E0401", "two statements with one name");
/// `until` before `start`.
pub static ENDS_BEFORE_START: Code = Code::error("E0402", "a period that ends before it starts");
/// A waiver for something that is no `never` or `only`.
pub static WAIVED_ASSERTION: Code = Code::error("E0403", "a waiver for something other than a `never` or `only`");
/// A waiver of something that is no `allow`.
pub static WAIVED_RULE: Code = Code::error("E0404", "a waiver of something other than an `allow`");
/// A quarantine that keeps something that is no `allow`.
pub static KEPT_RULE: Code = Code::error("E0405", "a quarantine that keeps something other than an `allow`");
/// `via` names nothing that a path can cross.
pub static UNKNOWN_VIA: Code = Code::error("E0406", "`via` something that no path can cross");
/// The dates of purpose and statement have no day in common.
pub static NEVER_ACTIVE: Code = Code::lint("W0410", Severity::Warning, "a statement that is never active");
/// An allow whose last day is over.
pub static LAPSED_ALLOW: Code = Code::lint("W0411", Severity::Warning, "an allow that has lapsed");
/// A deny or quarantine whose last day is over.
pub static LAPSED_DENY: Code = Code::lint("W0412", Severity::Warning, "a denial that has lapsed");
/// An allow or deny without owner or ticket.
pub static UNOWNED: Code = Code::lint("W0413", Severity::Note, "a rule without owner or ticket");
/// An allow without a last day and without a review.
pub static ENDLESS: Code = Code::lint("W0414", Severity::Note, "an allow that nobody will look at again");
/// A review date that has passed.
pub static REVIEW_DUE: Code = Code::lint("W0415", Severity::Warning, "a review that is due");
/// An assertion or waiver whose last day is over.
pub static LAPSED_ASSERTION: Code = Code::lint("W0416", Severity::Warning, "an assertion or waiver that has lapsed");

/// All codes of this file.
pub const ALL: &[&Code] = &[
    &STATEMENT_TWICE,
    &ENDS_BEFORE_START,
    &WAIVED_ASSERTION,
    &WAIVED_RULE,
    &KEPT_RULE,
    &UNKNOWN_VIA,
    &NEVER_ACTIVE,
    &LAPSED_ALLOW,
    &LAPSED_DENY,
    &UNOWNED,
    &ENDLESS,
    &REVIEW_DUE,
    &LAPSED_ASSERTION,
];
