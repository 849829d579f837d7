//! Codes about what a device cannot express.

use crate::diag::code::Code;

/// All codes of this file.
pub const ALL: &[&Code] = &[];
