//! The `sekisho` program: hands its arguments to [`sekisho::cli`] and exits with the code that comes back.

use std::process::ExitCode;

/// Plans and rule sets are made of very many small parts, by several threads at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(sekisho::cli::run(std::env::args_os()))
}
