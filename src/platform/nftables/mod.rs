//! nftables: one `table inet sekisho` per device, for `nft -f`.
//!
//! The file declares, deletes and re-creates its own table, which the kernel does in one transaction: loading it twice is loading it once, a file that
//! does not load changes nothing, and no other table is touched. `write` assembles the file; `matching` says addresses, `services` services, `rules`
//! writes lines, `lookup` writes long lists as maps, `guard` writes quarantines and what protects the device itself.
//! `read` reads rule sets, ours and others', and shares nothing with the writer.
//!
//! A reader may doubt that rules do not ask for `ct state new`, and that invalid packets are not dropped first: every packet
//! that is not part of a permitted connection is judged by its own header, so the policy decides, not the state table (which calls many harmless
//! first ICMP packets invalid). Absent on purpose: address translation, and anything in a table that is not ours.

mod guard;
mod lookup;
mod matching;
mod read;
mod rules;
mod services;
mod write;

#[doc(hidden)]
pub use read::read_by_grammar;
pub use read::{Reader, read};

use super::common::interfaces;
use super::{Detail, Platform, Written};
use crate::diag::Sink;
use crate::listing::Listing;
use crate::plan::DevicePlan;

/// nftables 1.0.6 or newer, kernel 5.6 or newer.
#[derive(Debug)]
pub struct Nftables;

impl Platform for Nftables {
    fn name(&self) -> &'static str {
        "nftables"
    }

    fn files(&self) -> &'static [&'static str] {
        &["ruleset.nft"]
    }

    fn write(&self, plan: &DevicePlan, detail: Detail, sink: &mut Sink) -> Option<Written> {
        interfaces::check(plan, sink).then(|| write::write(plan, detail))
    }

    fn reader(&self) -> Box<dyn super::Reader> {
        Box::new(Reader::default())
    }
}

impl super::Reader for Reader {
    /// Several files are read as one after the other, as `nft -f` would take them; lines count on.
    fn read(&mut self, files: &[(&str, &str)]) -> Option<Listing> {
        let ours: Vec<&str> = files.iter().map(|(_, text)| *text).filter(|text| is_ruleset(text)).collect();
        match ours.as_slice() {
            [] => None,
            [one] => Some(self.read_text(one)),
            several => Some(self.read_text(&several.join("\n"))),
        }
    }
}

/// Whether a text begins like a rule set of nftables: the first line that says something is JSON or a command of `nft`.
fn is_ruleset(text: &str) -> bool {
    const COMMANDS: [&str; 11] =
        ["table", "add", "create", "delete", "destroy", "flush", "define", "redefine", "undefine", "include", "insert"];
    if text.starts_with("#!") && text.lines().next().is_some_and(|line| line.contains("nft")) {
        return true;
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first = lines.into_iter().next().unwrap_or("");
    let is_command = first.split_whitespace().next().is_some_and(|word| COMMANDS.contains(&word));
    is_command && !is_ipset(first) || first.starts_with('{') && text.contains("\"nftables\"")
}

/// `add` and `create` are words of `ipset save` too, there followed by the name of a set.
fn is_ipset(line: &str) -> bool {
    const OBJECTS: [&str; 12] =
        ["table", "chain", "rule", "set", "map", "element", "flowtable", "counter", "quota", "limit", "ct", "secmark"];
    let mut words = line.split_whitespace();
    matches!(words.next(), Some("add" | "create" | "insert" | "destroy" | "flush"))
        && words.next().is_none_or(|word| !OBJECTS.contains(&word) && word != "ruleset")
}
