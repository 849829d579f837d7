//! Files, spans and line indexes.
//!
//! Everything that a user wrote is kept here once, under a [`FileId`]; all later stages point into it by [`Span`].
//! Only this module and `cli` touch the disk.

mod backups;
mod commit;
mod disk;
mod files;
mod git;
mod history;
mod join;
mod kept;
mod objects;
mod place;
mod project;
mod span;

pub use backups::{BackupFile, Backups, BackupsError, Committed};
pub use commit::load_commit;
pub use files::{SourceFile, Sources};
pub use git::{Commit, Repository};
pub use history::{History, Version};
pub use join::join;
pub use kept::Kept;
pub use place::{CommitPlace, Place, path_in_repository, place};
pub use project::{FileKind, Project, ProjectError, load_directory};
pub use span::{FileId, LineColumn, Span, Spanned};
