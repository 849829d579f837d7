//! One folder per platform, and the registry of all of them.
//!
//! A platform turns a [`DevicePlan`] into the text of config files. It knows no policy and no graph. What it cannot express it refuses, with a code; it
//! never leaves a rule out and never widens one. To add a platform: one folder, one line in [`ALL`].

mod common;
mod iptables;
pub mod nftables;
mod numbers;
mod readers;
mod registry;
mod written;

#[cfg(test)]
mod tests;

pub use iptables::read as read_iptables;
pub use readers::Readers;
pub use registry::{ALL, by_name};
pub use written::{Decision, Detail, Line, LineScope, Written, WrittenFile};

use crate::diag::Sink;
use crate::listing::Listing;
use crate::plan::DevicePlan;

/// A kind of firewall that sekisho writes rules for.
pub trait Platform: Sync {
    /// The name in the inventory (`platform: nftables`).
    fn name(&self) -> &'static str;

    /// The names of the files that [`Platform::write`] writes, in order.
    fn files(&self) -> &'static [&'static str];

    /// Writes the config of a device; the files are the same whatever `detail` is.
    ///
    /// Returns `None` if and only if something cannot be expressed; each such thing has been pushed into `sink` as an error with its place.
    fn write(&self, plan: &DevicePlan, detail: Detail, sink: &mut Sink) -> Option<Written>;

    /// A reader of what devices of this platform run.
    fn reader(&self) -> Box<dyn Reader>;

    /// Reads the files of one device by a reader of its own.
    fn read(&self, files: &[(&str, &str)]) -> Option<Listing> {
        self.reader().read(files)
    }
}

/// Reads the files of devices, one device after another. It may remember what it has read; each device means what it means alone.
pub trait Reader: Send {
    /// Reads the files of a device (name and text of each) as one rule set; `None` if they are none of this platform.
    ///
    /// Never fails: what is not understood is in the listing, as unknown.
    fn read(&mut self, files: &[(&str, &str)]) -> Option<Listing>;
}
