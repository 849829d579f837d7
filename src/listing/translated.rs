//! Chains that see packets with other addresses than the filter does.
//!
//! A source is translated behind the filter, at [`SOURCES`] after routing or on the way to the device itself; what stands there or later sees the new one. For answers that is undone at
//! [`DESTINATIONS`] before routing, so what stands there or earlier sees answers to the new address. Which one it is, the way of a packet does not say: what such chains ask of it is not known.

use super::forget::forget;
use super::types::{Base, Blur, ChainId, Condition, Hook, Listing, Noticed, Sees, TRANSLATION};

/// Where sources are translated: netfilter's `NF_IP_PRI_NAT_SRC`.
const SOURCES: i32 = 100;
/// Where destinations are, and where the translation of sources is undone for answers: netfilter's `NF_IP_PRI_NAT_DST`.
const DESTINATIONS: i32 = -100;

/// Makes unknown what chains ask that see packets before or behind a translation of sources, if there is one. (Of packets whose destination is translated nothing is certain anyhow.)
pub fn behind_translation(listing: &mut Listing) {
    let translates = |one: &Noticed| one.blur == Blur::Beyond && one.is(TRANSLATION);
    if !listing.noticed.iter().any(translates) {
        return;
    }
    let of = |is_there: &dyn Fn(&Base) -> bool| -> Vec<ChainId> {
        let there = listing.bases.iter().filter(|base| base.sees == Sees::All && is_there(base));
        there.map(|base| base.chain).collect()
    };
    let behind = of(&|base| matches!(base.hook, Hook::Postrouting | Hook::Input) && base.priority >= SOURCES);
    let before = of(&|base| base.hook == Hook::Prerouting && base.priority <= DESTINATIONS);
    forget(listing, &behind, |one| matches!(one, Condition::Source(_) | Condition::Service(_)));
    forget(listing, &before, |one| matches!(one, Condition::Destination(_) | Condition::Service(_)));
}
