//! `sekisho drift`: whether what devices really run means the policy.

use super::super::Exit;
use super::super::args::{Common, Drift};
use super::configs::Held;
use super::held::Asked;

pub(super) fn run(common: &Common, arguments: &Drift) -> Exit {
    let asked = Asked {
        command: "drift",
        schema: "sekisho/drift/1",
        directory: &arguments.directory,
        configs: &arguments.configs,
        held: Held::Backups { revision: arguments.rev.as_deref(), max_age: arguments.max_age },
        format: arguments.format,
    };
    asked.run(common)
}
