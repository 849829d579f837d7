//! Codes about dates, meta and circles in statements.

use crate::diag::code::Code;

/// All codes of this file.
pub const ALL: &[&Code] = &[];
