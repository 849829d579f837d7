//! A second opinion on what two rule sets mean: readers of their own, and decision diagrams over the bits of headers.
//!
//! It shares nothing with `src`: the readers are written from the programs' manuals and know only what is emitted and what one change can make of it; anything
//! else they refuse. Each chain becomes three sets of packets (accepted, dropped, handed back), for each pair of interfaces and for each way in which a packet
//! can stand to a connection ([`Situation`]). The decision a reader would doubt: the first packet of a connection is no variable of its own. In all
//! situations but ICMP errors it follows from the header of the packet itself, so only what can be is compared.

#![allow(dead_code, reason = "two test programs include this module, neither uses all of it")]

mod evaluate;
mod iptables;
mod nft;
mod nft_keys;
mod rules;
mod space;
mod values;

pub use evaluate::{Difference, Judge, Way};
pub use rules::{Field, Hook, Range, Refusal, RuleSet, State};
pub use space::{Packet, Situation};

/// Reads a `ruleset.nft`.
///
/// # Errors
/// Why it is no rule set that can be judged.
pub fn nft(text: &str) -> Result<RuleSet, Refusal> {
    nft::read(text)
}

/// Reads a `rules.v4` and a `rules.v6`.
///
/// # Errors
/// Why they are no rule set that can be judged.
pub fn iptables(v4: &str, v6: &str) -> Result<RuleSet, Refusal> {
    iptables::read(v4, v6)
}
