//! `sekisho init`: a commented project to start from.
//!
//! All or nothing, and nothing of the user's is touched: a directory that holds inventory or policy already is refused.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use super::super::args::{Common, Init};
use super::super::{Exit, output};

/// The files of the project.
const FILES: [(&str, &str); 4] = [
    ("network.yaml", include_str!("starter/network.yaml")),
    ("orders.policy", include_str!("starter/orders.policy")),
    ("assertions.policy", include_str!("starter/assertions.policy")),
    (".gitignore", include_str!("starter/gitignore")),
];

pub(super) fn run(common: &Common, arguments: &Init) -> Exit {
    let directory = &arguments.directory;
    if let Err(error) = fs::create_dir_all(directory) {
        return output::error_line(&format!("`{}`: {error}", directory.display()));
    }
    match taken(directory) {
        Err(error) => return output::error_line(&format!("`{}`: {error}", directory.display())),
        Ok(Some(name)) => {
            let shown = directory.join(name);
            return output::error_line(&format!("`{}` exists; `init` writes over nothing", shown.display()));
        }
        Ok(None) => {}
    }
    if let Err(error) = write(directory) {
        return output::error_line(&format!("`{}`: {error}", directory.display()));
    }
    if common.quiet { Exit::Ok } else { output::result(&next_steps(directory)) }
}

/// A file that is in the way: one of ours, or any inventory or policy.
fn taken(directory: &Path) -> io::Result<Option<String>> {
    let mut names: Vec<String> = fs::read_dir(directory)?
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<_>>()?;
    names.sort();
    let ours = |name: &str| FILES.iter().any(|(file, _)| *file == name);
    let project = |name: &str| {
        Path::new(name)
            .extension()
            .is_some_and(|extension| ["yaml", "yml", "policy"].iter().any(|known| extension == *known))
    };
    Ok(names.into_iter().find(|name| ours(name) || project(name)))
}

fn write(directory: &Path) -> io::Result<()> {
    let mut written = Vec::new();
    for (name, text) in FILES {
        let path = directory.join(name);
        let done = OpenOptions::new().write(true).create_new(true).open(&path).and_then(|mut file| {
            written.push(path.clone());
            file.write_all(text.as_bytes())
        });
        if let Err(error) = done {
            for path in written {
                let _ = fs::remove_file(path);
            }
            return Err(error);
        }
    }
    Ok(())
}

fn next_steps(directory: &Path) -> String {
    let shown = directory.display();
    format!(
        "A project is in {shown}:\n  network.yaml       what exists\n  orders.policy      who may talk to whom\n  \
         assertions.policy  what must never be\n\nNext:\n  sekisho check {shown}\n  sekisho compile {shown} -o {}\n",
        directory.join("out").display()
    )
}
