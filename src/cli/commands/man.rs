//! `sekisho man`: the manual pages, made of what `--help` says.

use std::fs;
use std::io;
use std::path::Path;

use clap::CommandFactory as _;
use clap_mangen::Man as Page;

use super::super::args::{Cli, Common, Man};
use super::super::{Exit, output};

pub(super) fn run(common: &Common, arguments: &Man) -> Exit {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let done = match &arguments.directory {
        None => page(&program).map(|text| output::result(&text)),
        Some(directory) => write(&program, directory).map(|written| {
            let said = format!("wrote {written} pages to {}\n", directory.display());
            if common.quiet { Exit::Ok } else { output::result(&said) }
        }),
    };
    done.unwrap_or_else(|error| {
        let place = arguments.directory.as_deref().unwrap_or(Path::new("-"));
        output::error_line(&format!("`{}`: {error}", place.display()))
    })
}

fn page(command: &clap::Command) -> io::Result<String> {
    let mut text = Vec::new();
    let source = concat!("sekisho ", env!("CARGO_PKG_VERSION"));
    Page::new(command.clone()).source(source).manual("sekisho").render(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Writes `sekisho.1`, `sekisho-check.1` and so on; how many.
fn write(program: &clap::Command, directory: &Path) -> io::Result<usize> {
    fs::create_dir_all(directory)?;
    fs::write(directory.join("sekisho.1"), page(program)?)?;
    let mut written = 1;
    for command in program.get_subcommands() {
        let name = command.get_display_name().unwrap_or_else(|| command.get_name());
        fs::write(directory.join(format!("{name}.1")), page(command)?)?;
        written += 1;
    }
    Ok(written)
}
