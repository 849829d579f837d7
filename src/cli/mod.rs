//! The command line: arguments in, exit code out.

use std::ffi::OsString;

/// Runs one command and returns the exit code of the process.
pub fn run(_args: impl IntoIterator<Item = OsString>) -> u8 {
    0
}
