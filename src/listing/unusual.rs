//! A rule set as it stands for any packet, also for those that no connection should have.
//!
//! A policy is about connections, and the first packet of one over TCP has SYN alone. Who looks at a rule set by itself asks of every packet: `ct state new tcp flags != syn drop` is there for those that begin
//! one otherwise, and connection tracking takes them for first packets, too. So what is [usual](Condition::Usual) of packets is not known there.

use std::borrow::Cow;

use super::forget::forget;
use super::types::{ChainId, Condition, Listing};

/// The same rule set, in which nothing is known of flags.
pub(super) fn unusual(listing: &Listing) -> Cow<'_, Listing> {
    let is_usual = |one: &Condition| matches!(one, Condition::Usual(..));
    let mut asks = false;
    listing.rules().for_each(|rule| rule.each_condition(&mut |one| asks |= is_usual(one)));
    if !asks {
        return Cow::Borrowed(listing);
    }
    let mut listing = listing.clone();
    let all: Vec<ChainId> = (0..listing.chains.len()).map(ChainId).collect();
    forget(&mut listing, &all, is_usual);
    Cow::Owned(listing)
}
