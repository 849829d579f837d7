//! `sekisho completions` and `sekisho man`

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// `sekisho completions`
#[derive(Debug, Args)]
#[command(after_help = "bash: sekisho completions bash > ~/.local/share/bash-completion/completions/sekisho\n\
    zsh:  sekisho completions zsh > DIR/_sekisho, with DIR in fpath\n\
    fish: sekisho completions fish > ~/.config/fish/completions/sekisho.fish")]
pub struct Completions {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// `sekisho man`
#[derive(Debug, Args)]
pub struct Man {
    /// Where a page for the program and one for each command go; without it, the page of the program is printed
    #[arg(value_name = "DIR")]
    pub directory: Option<PathBuf>,
}
