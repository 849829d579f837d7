//! What iptables cannot say: refused, with a code, before anything is written.

use std::collections::BTreeSet;

use crate::diag::codes::platform::{SERVICE_WITHOUT_MATCH, TOO_MANY_QUARANTINES};
use crate::diag::{Diagnostic, Sink};
use crate::packet::{Protocol, ServiceSet};
use crate::plan::{DevicePlan, PlannedRule};

/// Each quarantine is one chain deeper, and the kernel follows 16 jumps: what remains is for the rules.
const QUARANTINES: usize = 4;
/// A set with more whole protocols than this is "everything but", and is not about AH.
const FEW: u8 = 8;

/// Pushes an error for everything that cannot be said; `true` if there is nothing.
pub(super) fn check(plan: &DevicePlan, sink: &mut Sink) -> bool {
    let fine = quarantines(plan, sink);
    let pairs = plan.pairs.iter().flat_map(|pair| &pair.rules);
    let input = plan.input.iter().flat_map(|input| &input.rules).flat_map(|(_, rules)| rules);
    let kept = plan.quarantines.iter().flat_map(|quarantine| &quarantine.keep);
    let mut said: BTreeSet<&str> = BTreeSet::new();
    for rule in pairs.chain(input).chain(kept).filter(|rule| is_about_ah(rule)) {
        if said.insert(&rule.label.name) {
            let message =
                format!("iptables on `{}` cannot match `ah` in IPv6, as `{}` needs it", plan.device, rule.label.name);
            sink.push(
                Diagnostic::new(&SERVICE_WITHOUT_MATCH, rule.label.span, message)
                    .label("its addresses are IPv6 too")
                    .also(plan.span, "the device")
                    .note("ip6tables takes AH for an extension header and looks at what is inside it")
                    .help("take `ah` out of its services, or give the device the platform `nftables`"),
            );
        }
    }
    fine && said.is_empty()
}

fn quarantines(plan: &DevicePlan, sink: &mut Sink) -> bool {
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

/// Whether a rule speaks of AH in IPv6 by name.
fn is_about_ah(rule: &PlannedRule) -> bool {
    let is_ipv6 = !rule.source.v6.is_empty() && !rule.destination.v6.is_empty();
    is_ipv6 && names(&rule.services, Protocol::AH)
}

fn names(services: &ServiceSet, protocol: Protocol) -> bool {
    let holds = |range: crate::packet::Interval<u8>| range.contains(protocol.0) && range.last - range.first < FEW;
    services.rectangles().iter().any(|rectangle| rectangle.whole && holds(rectangle.protocols))
}
