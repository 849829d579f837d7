//! Codes about names and what they select.

use crate::diag::code::Code;

/// All codes of this file.
pub const ALL: &[&Code] = &[];
