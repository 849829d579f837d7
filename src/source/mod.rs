//! Files, spans and line indexes.
//!
//! Everything that a user wrote is kept here once, under a [`FileId`]; all later stages point into it by [`Span`].
//! Only this module and `cli` touch the disk.

mod backups;
mod files;
mod git;
mod project;
mod span;

pub use backups::{BackupFile, Backups, BackupsError, Committed};
pub use files::{SourceFile, Sources};
pub use project::{FileKind, Project, ProjectError, load_directory, read_feed};
pub use span::{FileId, LineColumn, Span, Spanned};
