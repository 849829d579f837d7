//! What the writer emits.
