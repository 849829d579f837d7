//! Which line of a firewall's file decides a flow.

use super::Hop;
use crate::diag::Sink;
use crate::graph::{OnTheWay, Topology};
use crate::packet::{Family, Flow};
use crate::pipeline::{Device, write_device};
use crate::plan::Placement;
use crate::platform::{Decision, Detail, Line, LineScope};

/// Writes the firewall once more and finds the line.
pub(super) fn hop(placement: &Placement<'_>, topology: &Topology, on: &OnTheWay, flow: &Flow) -> Option<Hop> {
    let device = write_device(placement, on.firewall, Detail::Lines, &mut Sink::default())?;
    let zones = &topology.firewalls.get(on.firewall)?.interface_zones;
    let zone = |interface: usize| zones.get(interface).copied();
    let zones_of = |pair: &crate::plan::PairPlan| Some((zone(pair.in_interface)?, zone(pair.out_interface)?));
    let crossing = on.crossings.first().copied();
    let own = device.plan.input.as_ref().is_some_and(|input| input.addresses.contains(flow.destination));
    let scope = if own {
        let arrives = |at: usize| crossing.is_some_and(|(from, _)| zone(at) == Some(from));
        (0..zones.len()).find(|at| arrives(*at)).map(LineScope::Input)
    } else {
        device.plan.pairs.iter().position(|pair| zones_of(pair) == crossing).map(LineScope::Pair)
    };
    let (file, line) = decide(&device, scope, own, flow);
    let file = device.written.files.get(file).map(|file| file.name.to_owned()).unwrap_or_default();
    Some(Hop { device: device.plan.device, file, line })
}

/// The file and line that the first match gives, or where the default drop stands. A flow to an address of the firewall's `own` is decided by
/// other lines than one that goes through it; of its default drop no platform tells the line.
fn decide(device: &Device, scope: Option<LineScope>, own: bool, flow: &Flow) -> (usize, Option<usize>) {
    let mut kept_by: Option<&str> = None;
    for line in &device.written.lines {
        let seen = match line.scope {
            LineScope::Forward => !own,
            LineScope::Pair(_) | LineScope::Input(_) => Some(line.scope) == scope,
        };
        let skipped = kept_by.is_some() && quarantine(line) == kept_by;
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
    of_family.map_or((0, None), |(file, line)| (*file, Some(*line).filter(|_| !own)))
}

/// The quarantine that a line belongs to, if it is one of a quarantine: a rule that it keeps is named after it. Rules and quarantines share no name.
fn quarantine(line: &Line) -> Option<&str> {
    line.labels.first().map(|label| label.name.as_str())
}

fn matches(line: &Line, flow: &Flow) -> bool {
    line.source.contains(flow.source)
        && line.destination.contains(flow.destination)
        && line.services.contains(flow.service)
}
