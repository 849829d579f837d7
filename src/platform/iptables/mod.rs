//! iptables: `rules.v4` for `iptables-restore`, `rules.v6` for `ip6tables-restore`, with the same meaning as the nftables rule set.
//!
//! The rules stand in the table `filter`, where everybody looks for them, in chains of their own behind one `-A FORWARD -j SEKISHO`. FORWARD is flushed first, in the same
//! transaction: no restore file can be loaded twice with `--noflush` and leave one jump otherwise, and a foreign rule there would be dead behind the jump, or before it a way past. A reader
//! may prefer the table `security`, which nobody else uses: but there `iptables -L` shows an empty FORWARD chain. INPUT is never flushed; a device that protects itself gets one more
//! jump there from each load with `--noflush`, which changes nothing, because the chain behind it comes to the same end twice.
//!
//! `write` assembles a file; `emit` turns products into lines; `matching` says
//! addresses and services; `dispatch` splits long lists by address blocks; `guard` writes quarantines and what protects the device itself. `read` reads rule sets of
//! anybody, and shares nothing with these.
//!
//! Absent on purpose: address translation, ipset (a second file with a life of its own), and every table and chain that is not ours.

mod dispatch;
mod emit;
mod guard;
mod limits;
mod matching;
mod read;
mod write;

use super::common::interfaces;
use super::{Detail, Platform, Written};
use crate::diag::Sink;
use crate::listing::Listing;
use crate::plan::DevicePlan;

pub use read::read;

/// iptables 1.8 (legacy or nf_tables).
#[derive(Debug)]
pub struct Iptables;

impl Platform for Iptables {
    fn name(&self) -> &'static str {
        "iptables"
    }

    fn files(&self) -> &'static [&'static str] {
        &["rules.v4", "rules.v6"]
    }

    fn write(&self, plan: &DevicePlan, detail: Detail, sink: &mut Sink) -> Option<Written> {
        let fine = [interfaces::check(plan, sink), limits::check(plan, sink)];
        fine.iter().all(|fine| *fine).then(|| write::write(plan, detail))
    }

    fn reader(&self) -> Box<dyn super::Reader> {
        Box::new(Reader)
    }
}

/// Reads what `iptables-save`, `ip6tables-save` and `ipset save` print; it remembers nothing.
struct Reader;

impl super::Reader for Reader {
    fn read(&mut self, files: &[(&str, &str)]) -> Option<Listing> {
        read::read_files(files)
    }
}
