//! `sekisho verify`: whether what `compile` wrote still means the policy.

use super::super::Exit;
use super::super::args::{Common, Verify};
use super::configs::Held;
use super::held::Asked;

pub(super) fn run(common: &Common, arguments: &Verify) -> Exit {
    let asked = Asked {
        command: "verify",
        schema: "sekisho/verify/1",
        directory: &arguments.directory,
        configs: &arguments.configs,
        held: Held::Written,
        format: arguments.format,
    };
    asked.run(common)
}
