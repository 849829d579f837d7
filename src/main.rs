//! The `sekisho` program: hands its arguments to [`sekisho::cli`] and exits with the code that comes back.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(sekisho::cli::run(std::env::args_os()))
}
