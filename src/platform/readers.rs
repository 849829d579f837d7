//! Readers that wait between one device and the next.
//!
//! A reader remembers what it has read, so it is worth keeping; each is used by one thread at a time, and there are as many as threads that read at once.

use std::sync::{Mutex, PoisonError};

use super::{Platform, Reader};
use crate::listing::Listing;

/// The readers of a run, of all platforms.
#[derive(Default)]
pub struct Readers {
    waiting: Mutex<Vec<(&'static str, Box<dyn Reader>)>>,
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Readers").finish_non_exhaustive()
    }
}

impl Readers {
    /// Reads the files of a device as [`Reader::read`] does.
    pub fn read(&self, platform: &dyn Platform, files: &[(&str, &str)]) -> Option<Listing> {
        let mut reader = self.take(platform.name()).unwrap_or_else(|| platform.reader());
        let listing = reader.read(files);
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push((platform.name(), reader));
        listing
    }

    fn take(&self, platform: &str) -> Option<Box<dyn Reader>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let at = waiting.iter().rposition(|(name, _)| *name == platform)?;
        Some(waiting.swap_remove(at).1)
    }
}
