//! Which line of a firewall's file decides a flow.

use super::Hop;
use crate::diag::Sink;
use crate::graph::{OnTheWay, Topology};
use crate::packet::{Family, Flow};
use crate::pipeline::{Device, write_device};
use crate::plan::Placement;
use crate::platform::{Decision, Line, LineScope};

/// Writes the firewall once more and finds the line.
pub(super) fn hop(placement: &Placement<'_>, topology: &Topology, on: &OnTheWay, flow: &Flow) -> Option<Hop> {
    let device = write_device(placement, on.firewall, &mut Sink::default())?;
    let zones = &topology.firewalls.get(on.firewall)?.interface_zones;
    let zone = |interface: usize| zones.get(interface).copied();
    let zones_of = |pair: &crate::plan::PairPlan| Some((zone(pair.in_interface)?, zone(pair.out_interface)?));
    let crossing = on.crossings.first().copied();
    let pair = device.plan.pairs.iter().position(|pair| zones_of(pair) == crossing);
    let (file, line) = decide(&device, pair, flow);
    let file = device.written.files.get(file).map(|file| file.name.to_owned()).unwrap_or_default();
    Some(Hop { device: device.plan.device, file, line })
}

/// The file and line that the first match gives, or where the default drop stands.
fn decide(device: &Device, pair: Option<usize>, flow: &Flow) -> (usize, Option<usize>) {
    let mut kept_by: Option<&str> = None;
    for line in &device.written.lines {
        let seen = match line.scope {
            LineScope::Forward => true,
            LineScope::Pair(number) => Some(number) == pair,
            LineScope::Input(_) => false,
        };
        let skipped = line.scope == LineScope::Forward && kept_by.is_some() && quarantine(line) == kept_by;
        if !seen || skipped || !matches(line, flow) {
            continue;
        }
        match line.decision {
            Decision::Keep => kept_by = quarantine(line),
            Decision::Accept | Decision::Drop => return (line.file, Some(line.line)),
        }
    }
    let family = Family::of(flow.source);
    let defaults = &device.written.default_drop;
    let of_family = match family {
        Family::V4 => defaults.first(),
        Family::V6 => defaults.last(),
    };
    of_family.map_or((0, None), |(file, line)| (*file, Some(*line)))
}

/// The quarantine that a line of the part before the interface pairs belongs to; a rule that it keeps is named after it.
fn quarantine(line: &Line) -> Option<&str> {
    line.labels.first().map(|label| label.name.as_str())
}

fn matches(line: &Line, flow: &Flow) -> bool {
    line.source.contains(flow.source)
        && line.destination.contains(flow.destination)
        && line.services.contains(flow.service)
}
