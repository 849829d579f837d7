//! Codes about inventory and settings.

use crate::diag::code::Code;

/// All codes of this file.
pub const ALL: &[&Code] = &[];
