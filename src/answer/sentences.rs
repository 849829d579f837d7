//! What came of devices, in sentences: `` `fw-tokyo` lets bangkok/office reach tokyo/erp on ssh ``.
//!
//! Whatever comes from a config is put on one line and made harmless to look at; long lists are cut, and say how many are left out.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::devices::{ConfigLine, DeviceObject, DeviceRow, DevicesReport};
use super::packets::{Flows, PacketRows, destinations, is_everything, sources};
use super::tables::shortened;
use crate::diag::render::one_line;
use crate::drift::{Gap, Outcome};
use crate::listing::{Hook, Way};
use crate::packet::AddressSet;
use crate::proof::Lacks;
use crate::report::json::FlowObject;

/// Differences of a device that people see at most, lines of one, pairs of interfaces of one, and characters of a line.
const SHOWN: usize = 12;
const LINES: usize = 3;
const PAIRS: usize = 2;
const LONGEST: usize = 160;

/// Whether packets pass that should not, or the other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Extra,
    Missing,
}

/// What a sentence is about.
pub(super) struct Said<'a> {
    pub side: Side,
    pub device: &'a str,
    pub gap: &'a Gap,
    pub flows: &'a Flows,
    pub rules: &'a [String],
    pub lines: &'a [ConfigLine],
    pub breaks: &'a [String],
}

impl Said<'_> {
    /// The sentence.
    pub(super) fn sentence(&self, rows: &PacketRows<'_>) -> String {
        let mut text = format!("`{}` {}{}", self.device, self.deed(rows), over(&self.gap.ways));
        let rules = shortened(self.rules);
        text.push_str(&match (self.side, self.rules) {
            (Side::Extra, []) => ", and no rule allows it".to_owned(),
            (Side::Extra, [_]) => format!(", and {rules} denies it"),
            (Side::Extra, _) => format!(", and {rules} deny it"),
            (Side::Missing, []) => ", which the policy asks for".to_owned(),
            (Side::Missing, [_]) => format!(", which {rules} allows"),
            (Side::Missing, _) => format!(", which {rules} allow"),
        });
        if !self.lines.is_empty() {
            text.push_str(&format!(": {}", lines(self.lines)));
        }
        if !self.breaks.is_empty() {
            text.push_str(&format!("; breaks {}", shortened(self.breaks)));
        }
        text
    }

    /// What the device does.
    fn deed(&self, rows: &PacketRows<'_>) -> String {
        let over = rows.only_family(self.flows).map_or_else(String::new, |family| format!(" over {family}"));
        let on = shortened(&rows.services(self.flows)) + &over;
        let (sources, destinations) = (sources(self.flows), destinations(self.flows));
        let from = if self.gap.ways.iter().all(|way| way.0 == Hook::Output) {
            "itself".to_owned()
        } else {
            named(rows, &sources)
        };
        let to_itself = self.gap.ways.iter().all(|way| way.0 == Hook::Input);
        let to = match (to_itself, is_everything(&destinations)) {
            (false, _) => named(rows, &destinations),
            (true, true) => "itself".to_owned(),
            (true, false) => format!("itself ({})", named(rows, &destinations)),
        };
        match (self.side, self.gap.kind) {
            (Side::Extra, Lacks::New) => format!("lets {from} reach {to} on {on}"),
            (Side::Extra, Lacks::Later) => format!("lets connections from {from} to {to} on {on} go on"),
            (Side::Extra, Lacks::Answers) => format!("lets answers to connections from {from} to {to} on {on} pass"),
            (Side::Extra, Lacks::Announced) => {
                format!("lets connections that others announce to its helpers pass from {from} to {to} on {on}")
            }
            (Side::Missing, Lacks::Announced) => format!("drops announced connections from {from} to {to} on {on}"),
            (Side::Extra, Lacks::Stray) => {
                format!("lets packets of no connection pass from {from} to {to} on {on}")
            }
            (Side::Missing, Lacks::New) => format!("keeps {from} from reaching {to} on {on}"),
            (Side::Missing, Lacks::Later) => {
                format!("drops later packets of established connections from {from} to {to} on {on}")
            }
            (Side::Missing, Lacks::Answers) => {
                format!("drops answers to established connections from {from} to {to} on {on}")
            }
            (Side::Extra, Lacks::Errors) => {
                format!("lets ICMP errors about connections from {from} to {to} on {on} pass")
            }
            (Side::Missing, Lacks::Errors) => {
                format!("drops ICMP errors about connections from {from} to {to} on {on}")
            }
            (Side::Missing, Lacks::Stray) => format!("drops packets of no connection from {from} to {to} on {on}"),
        }
    }
}

fn named(rows: &PacketRows<'_>, set: &AddressSet) -> String {
    shortened(&rows.of(set))
}

/// Between which interfaces.
fn over(ways: &[Way]) -> String {
    let pairs: BTreeSet<(Option<&str>, Option<&str>)> =
        ways.iter().map(|(_, incoming, outgoing, _)| (incoming.as_deref(), outgoing.as_deref())).collect();
    if pairs.len() > PAIRS {
        let ends = if pairs.iter().all(|pair| pair.0.is_some() && pair.1.is_some()) {
            "pairs of interfaces"
        } else {
            "interfaces"
        };
        return format!(", over {} {ends}", pairs.len());
    }
    let interface = |name: &str| match name {
        "*" => "any other interface".to_owned(),
        name => format!("`{}`", one_line(name)),
    };
    let one = |(incoming, outgoing): &(Option<&str>, Option<&str>)| match (incoming, outgoing) {
        (Some(incoming), Some(outgoing)) => {
            format!("in over {} and out over {}", interface(incoming), interface(outgoing))
        }
        (Some(incoming), None) => format!("in over {}", interface(incoming)),
        (None, Some(outgoing)) => format!("out over {}", interface(outgoing)),
        (None, None) => String::new(),
    };
    let words: Vec<String> = pairs.iter().map(one).filter(|words| !words.is_empty()).collect();
    if words.is_empty() { String::new() } else { format!(", {}", words.join(" or ")) }
}

/// The first of some lines, with their texts.
fn lines(lines: &[ConfigLine]) -> String {
    let shown: Vec<String> = lines.iter().take(LINES).map(line).collect();
    let more = lines.len().saturating_sub(LINES);
    let shown = shown.join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

fn line(line: &ConfigLine) -> String {
    let place = match (&line.file, line.line) {
        (_, 0) => String::new(),
        (Some(file), number) => format!("line {number} of {} ", one_line(file)),
        (None, number) => format!("line {number} "),
    };
    format!("{place}`{}`", cut(&line.text))
}

/// A line of a config, on one line and not too long.
fn cut(text: &str) -> String {
    let text = one_line(text.trim());
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}...", text.split_at(at).0),
        None => text.into_owned(),
    }
}

/// All devices.
pub(super) fn report(report: &DevicesReport) -> String {
    let mut text = String::new();
    for device in &report.devices {
        text.push_str(&heading(device));
        differences(&mut text, device);
        unproven(&mut text, device);
        for note in &device.notes {
            let _ = writeln!(text, "  = note: {}", one_line(note));
        }
    }
    for note in &report.notes {
        let _ = writeln!(text, "= note: {}", one_line(note));
    }
    text.push_str(&tally(report));
    text
}

/// One line of a device.
fn heading(device: &DeviceObject) -> String {
    let said = match device.outcome {
        "equal" => "equal",
        "text-differs" => "equal in meaning; the text is not what compile writes",
        "differs" => "differs",
        "unproven" => "not proved",
        "not-collected" => "not collected: no file is called like it",
        _ => "no device of the inventory",
    };
    let backup = device.backup.as_ref();
    let date = backup.and_then(|backup| backup.collected.as_deref());
    let date = date.map_or_else(String::new, |date| format!(", collected {date}"));
    let files = backup.filter(|_| device.outcome == "unknown-device").map(|backup| shortened(&backup.files));
    let files = files.map_or_else(String::new, |files| format!(": {}", one_line(&files)));
    format!("{}: {said}{files}{date}\n", one_line(&device.device))
}

fn unproven(text: &mut String, device: &DeviceObject) {
    for one in device.unproven.iter().take(SHOWN) {
        let place = match (&one.file, one.line) {
            (_, 0) if one.text.is_empty() => String::new(),
            (_, 0) => format!("{}: ", one_line(&one.text)),
            (None, number) => format!("line {number} `{}`: ", cut(&one.text)),
            (Some(file), number) => format!("line {number} of {} `{}`: ", one_line(file), cut(&one.text)),
        };
        let _ = writeln!(text, "  not proved: {place}{}", one_line(&one.because));
    }
    let more = device.unproven.len().saturating_sub(SHOWN);
    if more > 0 {
        let _ = writeln!(text, "  and {more} more that are not proved: --format json has all of them");
    }
}

fn differences(text: &mut String, device: &DeviceObject) {
    let rows = || device.extra.iter().chain(&device.missing);
    for DeviceRow { sentence, row, .. } in rows().take(SHOWN) {
        let _ = writeln!(text, "  {sentence}\n    such as {}", example(&row.witness));
    }
    let more = rows().count().saturating_sub(SHOWN);
    if more > 0 {
        let _ = writeln!(text, "  and {more} more differences: --format json has all of them");
    }
}

/// `10.81.0.10 -> 10.10.5.12 tcp/22`
fn example(flow: &FlowObject) -> String {
    let service = match (flow.destination_port, flow.icmp_type, flow.icmp_code) {
        (Some(port), _, _) => format!("{}/{port}", flow.protocol),
        (None, Some(kind), Some(code)) => format!("{}/{kind}/{code}", flow.protocol),
        _ => flow.protocol.clone(),
    };
    format!("{} -> {} {service}", flow.src, flow.dst)
}

/// `3 devices: 1 equal, 1 that differs, 1 not collected`
fn tally(report: &DevicesReport) -> String {
    let words = [
        (Outcome::Equal, "equal"),
        (Outcome::TextDiffers, "equal in meaning"),
        (Outcome::Differs, "different"),
        (Outcome::Unproven, "not proved"),
        (Outcome::NotCollected, "not collected"),
        (Outcome::UnknownDevice, "not in the inventory"),
    ];
    let counts =
        words.into_iter().map(|(outcome, words)| (report.count(outcome), words)).filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, words)| format!("{count} {words}")).collect();
    let number = report.devices.len();
    let devices = if number == 1 { "device" } else { "devices" };
    let counts = if counts.is_empty() { String::new() } else { format!(": {}", counts.join(", ")) };
    format!("{number} {devices}{counts}\n")
}
