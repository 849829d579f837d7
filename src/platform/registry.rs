//! The list of platforms.

use super::Platform;
use super::iptables::Iptables;
use super::nftables::Nftables;

/// Every platform, sorted by name.
pub const ALL: &[&dyn Platform] = &[&Iptables, &Nftables];

/// The platform of a name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static dyn Platform> {
    ALL.iter().copied().find(|platform| platform.name() == name)
}
