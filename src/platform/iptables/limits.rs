//! What iptables cannot say: refused, with a code, before anything is written.

use crate::diag::codes::platform::TOO_MANY_QUARANTINES;
use crate::diag::{Diagnostic, Sink};
use crate::plan::DevicePlan;

/// Each quarantine is one chain deeper, and the kernel takes chains 15 deep: SEKISHO, the quarantines, the rules, the pair,
/// four splits by address, and up to five chains of one rule.
const QUARANTINES: usize = 3;

/// Pushes an error if there are more quarantines than can be nested; `true` if not.
pub(super) fn check(plan: &DevicePlan, sink: &mut Sink) -> bool {
    let Some(last) = plan.quarantines.get(QUARANTINES) else { return true };
    let count = plan.quarantines.len();
    let message =
        format!("iptables on `{}` takes at most {QUARANTINES} quarantines at a time, {count} are active", plan.device);
    sink.push(
        Diagnostic::new(&TOO_MANY_QUARANTINES, last.label.span, message)
            .label("one too many")
            .also(plan.span, "the device")
            .help("write quarantines that keep the same rules as one"),
    );
    false
}
