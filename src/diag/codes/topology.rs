//! Codes about zones, paths and what cannot be enforced.

use crate::diag::code::Code;

/// All codes of this file.
pub const ALL: &[&Code] = &[];
