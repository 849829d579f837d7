//! Products of alternatives as lines: all combinations where they are few, else one helper chain per dimension (n + m lines instead of n x m).

use super::matching::{Alternative, Part, protocol_option};
use super::write::Writer;
use crate::packet::Family;
use crate::platform::Line;
use crate::platform::common::names::fit;
use crate::platform::common::text::put;

/// The longest comment, in bytes.
const COMMENT: usize = 255;
/// So many lines more than a helper chain would need are still written out.
const SLACK: usize = 2;

/// What a product of alternatives leads to.
pub(super) struct Action<'a> {
    /// `-j TARGET`
    pub(super) jump: &'a str,
    /// What stands in the comment; not yet safe.
    pub(super) comment: &'a str,
    /// The line that decides, with the whole sets of the rule; `None` if nothing is decided for a new flow.
    pub(super) decides: Option<&'a Line>,
}

impl Writer<'_> {
    /// Appends the product of alternatives to a chain.
    pub(super) fn product(&mut self, chain: &str, dimensions: &[Vec<Alternative>], action: &Action<'_>) {
        let dimensions: Vec<&[Alternative]> = dimensions.iter().map(Vec::as_slice).collect();
        self.level(chain, "", &[], &dimensions, action);
    }

    fn level(&mut self, chain: &str, options: &str, parts: &[Part], rest: &[&[Alternative]], action: &Action<'_>) {
        let Some((first, rest)) = rest.split_first() else {
            self.final_line(chain, options, parts, action);
            return;
        };
        let below: usize = rest.iter().map(|alternatives| alternatives.len()).product();
        let helper = first.len() > 1 && below > 1 && first.len() * below > first.len() + below + SLACK;
        if helper {
            let name = self.chain("h");
            for alternative in *first {
                let jump = format!("-j {name}");
                let action = Action { jump: &jump, comment: action.comment, decides: None };
                self.line(chain, &format!("{options}{}", alternative.options), &action);
            }
            self.level(&name, "", parts, rest, action);
            return;
        }
        for alternative in *first {
            let options = format!("{options}{}", alternative.options);
            let mut parts = parts.to_vec();
            parts.push(alternative.part.clone());
            if alternative.except.is_empty() {
                self.level(chain, &options, &parts, rest, action);
                continue;
            }
            let name = self.chain("x");
            let jump = format!("-j {name}");
            self.line(chain, &options, &Action { jump: &jump, comment: action.comment, decides: None });
            for protocol in &alternative.except {
                put!(self.body, "-A {name} {}-j RETURN", protocol_option(*protocol, self.family));
                self.body.end();
            }
            self.level(&name, "", &parts, rest, action);
        }
    }

    fn final_line(&mut self, chain: &str, options: &str, parts: &[Part], action: &Action<'_>) {
        let number = self.line(chain, options, action);
        let Some(decides) = action.decides else { return };
        let mut line = Line { line: number, file: file_of(self.family), ..decides.clone() };
        for part in parts {
            match part {
                Part::Whole => {}
                Part::Source(set) => line.source = set.clone(),
                Part::Destination(set) => line.destination = set.clone(),
                Part::Services(set) => line.services = set.clone(),
            }
        }
        self.decided.push(line);
    }

    /// Appends a line; returns its number in the body.
    pub(super) fn line(&mut self, chain: &str, options: &str, action: &Action<'_>) -> usize {
        put!(self.body, "-A {chain} {options}");
        if !action.comment.is_empty() {
            put!(self.body, "-m comment --comment \"{}\" ", fit(action.comment, COMMENT));
        }
        self.body.line(action.jump)
    }
}

/// The file of a family.
pub(super) fn file_of(family: Family) -> usize {
    match family {
        Family::V4 => 0,
        Family::V6 => 1,
    }
}
