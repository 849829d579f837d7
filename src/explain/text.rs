//! The answer as people read it.

use std::fmt::Write as _;

use super::{Explanation, Nearly, Reason};
use crate::diag::render::one_line;
use crate::packet::{Flow, ServicePoint};
use crate::reach::Verdict;

impl Explanation {
    /// A headline with the verdict, then why, then the way.
    #[must_use]
    pub fn to_text(&self, any_source_port: bool) -> String {
        let mut text = format!(
            "{}{} -> {}{} on {}: {}\n",
            self.flow.source,
            called(self.from.as_deref()),
            self.flow.destination,
            called(self.to.as_deref()),
            service(&self.flow, any_source_port),
            self.verdict.as_str()
        );
        for reason in &self.reasons {
            let _ = writeln!(text, "  {}", said(reason));
        }
        if self.reasons.is_empty() && self.verdict == Verdict::Drop {
            text.push_str("  no rule allows it\n");
        }
        self.nearly(&mut text);
        let width = self.path.iter().map(|hop| hop.device.chars().count()).max().unwrap_or(0);
        for hop in &self.path {
            let line = hop.line.map_or_else(String::new, |line| format!(":{line}"));
            let _ = writeln!(text, "  through {:width$}  {}{line}", one_line(&hop.device), hop.file);
        }
        for note in &self.notes {
            let _ = writeln!(text, "  = note: {}", one_line(note));
        }
        text
    }

    /// One line for each rule that nearly decides: its name, why it does not, where it stands.
    fn nearly(&self, text: &mut String) {
        if self.nearly.is_empty() {
            return;
        }
        text.push_str(if self.verdict == Verdict::Drop { "  nearly:\n" } else { "  rules without effect:\n" });
        let width = self.nearly.iter().map(|near| near.rule.name.chars().count()).max().unwrap_or(0);
        for Nearly { rule, said, .. } in &self.nearly {
            let name = one_line(&rule.name);
            let _ = writeln!(text, "    {name:width$}  {} ({}:{})", one_line(said), one_line(&rule.file), rule.line);
        }
    }
}

fn called(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(" ({})", one_line(name)))
}

fn said(reason: &Reason) -> String {
    let verb = match reason.effect {
        "allow" => "allowed by",
        "deny" => "denied by",
        _ => "held by the quarantine",
    };
    let title = reason.title.as_deref().map_or_else(String::new, |title| format!(" \"{}\"", one_line(title)));
    format!("{verb} {} ({}:{}){title}", one_line(&reason.name), one_line(&reason.file), reason.line)
}

fn service(flow: &Flow, any_source_port: bool) -> String {
    let ServicePoint { protocol, b, .. } = flow.service;
    if protocol.has_ports() && any_source_port { format!("{protocol}/{b}") } else { flow.service.to_string() }
}
