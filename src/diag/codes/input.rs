//! Codes about the input of commands.

use crate::diag::code::{Code, Severity};

/// Two addresses of a question are of different families.
pub static FAMILY_MIXED: Code = Code::error("E0701", "a flow between two address families");
/// A question about several services at once.
pub static NOT_ONE_SERVICE: Code = Code::error("E0702", "a question about more than one service");
/// The service cannot occur between addresses of that family.
pub static SERVICE_OF_FAMILY: Code = Code::error("E0703", "a service of the other address family");

/// A file or directory of the project cannot be read.
pub static UNREADABLE: Code = Code::error("E0704", "a file that cannot be read");
/// A file looks like policy or inventory, and is not read.
pub static UNREAD: Code = Code::lint("W0705", Severity::Warning, "a file that looks like policy and is not read");
/// Several files could be the config of one device.
pub static TWO_CONFIGS: Code = Code::error("E0706", "several configs of one device");
/// The repository or the revision of backups is not there.
pub static NO_REVISION: Code = Code::error("E0707", "a revision that is not there");
/// A file below `approvals` that approves nothing.
pub static NO_APPROVAL: Code = Code::error("E0708", "an approval that is not one");
/// What needs an approver is not understood.
pub static BAD_CONDITION: Code = Code::error("E0709", "what needs an approver is not understood");

/// All codes of this file.
pub const ALL: &[&Code] = &[
    &FAMILY_MIXED,
    &NOT_ONE_SERVICE,
    &SERVICE_OF_FAMILY,
    &UNREADABLE,
    &UNREAD,
    &TWO_CONFIGS,
    &NO_REVISION,
    &NO_APPROVAL,
    &BAD_CONDITION,
];
