//! Codes about what a device cannot express.

use crate::diag::code::Code;

/// The name of an interface cannot be written in a rule, or would mean something else there.
pub static INTERFACE_NAME: Code = Code::error("E0602", "an interface name that a rule cannot say");

/// All codes of this file.
pub const ALL: &[&Code] = &[&INTERFACE_NAME];
