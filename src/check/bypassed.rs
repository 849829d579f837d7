//! Firewalls that are bypassed: two of their interfaces are in one zone, so that traffic finds a way around them.

use super::enforceable::zone_name;
use super::{Context, Lint};
use crate::diag::codes::topology::BYPASSED;
use crate::diag::{Code, Diagnostic, Sink};

/// Finds such firewalls.
pub(super) struct Bypassed;

impl Lint for Bypassed {
    fn codes(&self) -> &'static [&'static Code] {
        const { &[&BYPASSED] }
    }

    fn run(&self, context: &Context<'_>, sink: &mut Sink) {
        for firewall in &context.topology.firewalls {
            let Some(device) = context.model.devices.get(firewall.device.index()) else { continue };
            let mut seen = std::collections::BTreeMap::new();
            for (interface, zone) in device.interfaces.iter().zip(&firewall.interface_zones) {
                let Some(first) = seen.insert(*zone, interface) else { continue };
                let message = format!(
                    "the firewall `{}` is bypassed: `{}` and `{}` are in one zone",
                    device.name.value, first.name.value, interface.name.value
                );
                sink.push(
                    Diagnostic::new(&BYPASSED, interface.name.span, message)
                        .label("this interface")
                        .also(first.name.span, "and this one")
                        .note(format!("the zone holds {}", zone_name(context, *zone)))
                        .help("give what joins them beside the firewall a `platform`, or take one interface away"),
                );
            }
        }
    }
}
