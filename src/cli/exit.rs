//! The exit codes, and what happens to a bug.
//!
//! A panic is a bug in sekisho, never an answer: it becomes exit 70 with a text that says so, and where it happened. Scripts
//! can therefore rely on 0 to 3.

use std::panic::{self, PanicHookInfo, UnwindSafe};
use std::sync::Once;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exit {
    /// 0: nothing to report. Warnings are nothing to report.
    Ok,
    /// 1: a finding: a lint at level error, a violated assertion, a difference, a file that is not in canonical form.
    Finding,
    /// 2: bad input or usage: nothing was computed.
    BadInput,
    /// 3: something could not be proved.
    Unproven,
    /// 70: a bug in sekisho.
    Bug,
}

impl Exit {
    /// The number for the operating system.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Finding => 1,
            Self::BadInput => 2,
            Self::Unproven => 3,
            Self::Bug => 70,
        }
    }

    /// Whichever of two outcomes matters more: bug, bad input, finding, unproven, nothing.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        let rank = |exit: Self| match exit {
            Self::Ok => 0,
            Self::Unproven => 1,
            Self::Finding => 2,
            Self::BadInput => 3,
            Self::Bug => 4,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

/// Runs a command; a panic in it becomes [`Exit::Bug`].
pub fn guarded(command: impl FnOnce() -> Exit + UnwindSafe) -> Exit {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| panic::set_hook(Box::new(report)));
    panic::catch_unwind(command).unwrap_or(Exit::Bug)
}

fn report(info: &PanicHookInfo<'_>) {
    let place = info.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let what = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    super::output::error_text(&format!(
        "sekisho {}: a bug in sekisho, not in your policy\n  {what}{place}\n  \
         please report it with the input that shows it\n",
        env!("CARGO_PKG_VERSION"),
    ));
}
