//! iptables: `rules.v4` for `iptables-restore`, `rules.v6` for `ip6tables-restore`, with the same meaning as the nftables rule set.
//!
//! The rules stand in the table `security`, whose FORWARD hook comes after that of `filter` and which nobody else uses. A reader may doubt that. In
//! `filter` no restore file can be loaded twice with `--noflush` and leave one jump without flushing FORWARD, other people's rules
//! included; and without `--noflush` it would wipe the machine's INPUT rules. Here both ways of loading give the same, `filter` stays as it is, and an
//! ACCEPT in `filter` cannot let a packet past. `write` assembles a file; `emit` turns products into lines; `matching` says
//! addresses and services; `dispatch` splits long lists by address blocks; `guard` writes quarantines and what protects the device itself.
//!
//! Absent on purpose: address translation, ipset (a second file with a life of its own), and every table and chain that is not ours.

mod dispatch;
mod emit;
mod guard;
mod matching;
mod write;

use super::common::interfaces;
use super::{Platform, Written};
use crate::diag::Sink;
use crate::plan::DevicePlan;

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

    fn write(&self, plan: &DevicePlan, sink: &mut Sink) -> Option<Written> {
        interfaces::check(plan, sink).then(|| write::write(plan))
    }
}
