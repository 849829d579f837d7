//! Codes about the input of commands.

use crate::diag::code::Code;

/// All codes of this file.
pub const ALL: &[&Code] = &[];
