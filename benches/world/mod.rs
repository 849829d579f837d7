//! Large policy projects, generated: the worlds that measurements are made on.
//!
//! In: a shape with its parameters. Out: the files of a policy project, equal for equal parameters on every machine (a small
//! generator of our own makes the choices, so no crate's next release changes what was measured).
//!
//! The doubt a reader may have is whether these worlds flatter the tool. So the hub world follows what large retail and factory networks
//! look like: many small sites that reach a few servers each, some rules by tag, some server to server, few denials, two address
//! families but not everywhere; and the other three shapes are the ones that break tools which enumerate paths.
//!
//! Absent on purpose: anything of sekisho itself. The generator writes text, as people do.

mod hub;
mod loops;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

#[allow(unused_imports, reason = "not every program that makes worlds asserts something about them")]
pub use hub::assert;
pub use hub::{Hub, hub};
pub use loops::{chain, dual_hub, grid};

/// The files of a policy project: relative path and text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct World {
    /// Text by path; directories are made as needed.
    pub files: BTreeMap<String, String>,
}

impl World {
    /// Adds a file, or appends to it.
    fn append(&mut self, path: &str, text: &str) {
        self.files.entry(path.to_owned()).or_default().push_str(text);
    }

    /// Writes the project into a directory, which is made if it does not exist.
    ///
    /// # Errors
    ///
    /// Whatever the file system says.
    pub fn write(&self, root: &Path) -> io::Result<()> {
        for (path, text) in &self.files {
            let path = root.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, text)?;
        }
        Ok(())
    }
}

/// A source of choices (`SplitMix64`): the same seed gives the same choices for ever.
pub(crate) struct Choices(u64);

impl Choices {
    /// Choices that follow from a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit` (0 if the limit is 0).
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % limit).unwrap_or(0)
    }
}

/// Meta that keeps the lints quiet: what a well-kept policy says about each rule.
pub(crate) const META: &str = "    owner team-network\n    ticket CHG-1\n    review 2030-12-31\n";
