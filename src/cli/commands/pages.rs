//! The pages of `docs/errors`, as part of the program.
//!
//! Written by `UPDATE_GOLDEN=1 cargo test --test tidy`, which also holds it against the codes and the files.

/// Each code with its page, by code.
pub const PAGES: &[(&str, &str)] = &[];
