//! Codes about what a device cannot express.

use crate::diag::code::Code;

/// The name of an interface cannot be written in a rule, or would mean something else there.
pub static INTERFACE_NAME: Code = Code::error("E0602", "an interface name that a rule cannot say");

/// More active quarantines than the platform can nest.
pub static TOO_MANY_QUARANTINES: Code = Code::error("E0604", "more quarantines than the platform can nest");

/// The name of a device cannot be that of its folder.
pub static FOLDER_NAME: Code = Code::error("E0605", "a device name that cannot be a folder");

/// All codes of this file.
pub const ALL: &[&Code] = &[&INTERFACE_NAME, &TOO_MANY_QUARANTINES, &FOLDER_NAME];
