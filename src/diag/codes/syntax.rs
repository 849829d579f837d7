//! Codes of the syntax of `.policy` files.

use crate::diag::code::Code;

/// All codes of this file.
pub const ALL: &[&Code] = &[];
