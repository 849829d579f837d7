//! Codes about what a device cannot express.

use crate::diag::code::Code;

/// The name of an interface cannot be written in a rule, or would mean something else there.
pub static INTERFACE_NAME: Code = Code::error("E0602", "an interface name that a rule cannot say");

/// A service that the platform has no match for.
pub static SERVICE_WITHOUT_MATCH: Code = Code::error("E0603", "a service that the platform cannot match");

/// More active quarantines than the platform can nest.
pub static TOO_MANY_QUARANTINES: Code = Code::error("E0604", "more quarantines than the platform can nest");

/// The name of a device cannot be that of its folder.
pub static FOLDER_NAME: Code = Code::error("E0605", "a device name that cannot be a folder");

/// All codes of this file.
pub const ALL: &[&Code] = &[&INTERFACE_NAME, &SERVICE_WITHOUT_MATCH, &TOO_MANY_QUARANTINES, &FOLDER_NAME];
