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

pub use read::read;

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

    /// Several files are one, in their order, as if each included the next; lines count through.
    fn read(&self, files: &[(&str, &str)]) -> Option<Listing> {
        Some(match files {
            [(_, text)] => read(text),
            several => read(&several.iter().map(|(_, text)| *text).collect::<Vec<_>>().join("\n")),
        })
    }
}
