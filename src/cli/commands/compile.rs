//! `sekisho compile`: the rule set of every managed firewall, written all or nothing.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::super::args::{AnswerFormat, Common, Compile};
use super::super::write::{MANIFEST, OutputFile, replace_directory};
use super::super::{Exit, output, progress::Progress};
use super::{day, load_sound, report};
use crate::graph::Topology;
use crate::pipeline::{self, Device};
use crate::plan::Placement;
use crate::platform::Line;
use crate::report::json::{self, Manifest, ManifestFile};

pub(super) fn run(common: &Common, arguments: &Compile) -> Exit {
    let progress = Progress::start(common, "reading");
    let loaded = match load_sound(common, "compile", &arguments.directory, arguments.format.name()) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    progress.stage("placing rules");
    let topology = Topology::new(&loaded.model);
    let placement = Placement::new(&loaded.model, &topology, day(common));
    progress.stage("writing rule sets");
    let devices = match pipeline::write_all(&placement, Made::new) {
        Ok(devices) => devices,
        Err(found) => return report(common, "compile", arguments.format.name(), &loaded.project.sources, &found),
    };
    let manifest = json::to_text(&Manifest {
        schema: "sekisho/compile/1",
        changes_on: placement.changes_on().map(|date| date.to_string()),
        files: devices.iter().flat_map(|device| device.files.iter().map(|(file, _)| file.clone())).collect(),
    });
    progress.stage("writing files");
    let mut files: Vec<OutputFile<'_>> = devices
        .iter()
        .flat_map(|device| &device.files)
        .map(|(file, text)| OutputFile { path: &file.path, contents: text.as_bytes() })
        .collect();
    files.push(OutputFile { path: MANIFEST, contents: manifest.as_bytes() });
    if let Err(error) = replace_directory(&arguments.output, &arguments.directory, &files) {
        drop(progress);
        let exit = output::error_line(&error.message);
        if let Some(help) = error.help {
            output::error_text(&format!("  = help: {help}\n"));
        }
        return exit;
    }
    drop(progress);
    if arguments.format == AnswerFormat::Json {
        return output::result(&manifest);
    }
    if common.quiet { Exit::Ok } else { output::result(&summary(common, arguments, &devices)) }
}

/// What was written, in one line; with `--verbose` also each file with its size.
fn summary(common: &Common, arguments: &Compile, devices: &[Made]) -> String {
    let files: usize = devices.iter().map(|device| device.files.len()).sum();
    let mut text = format!(
        "wrote {files} file{} for {} firewall{} to `{}`\n",
        if files == 1 { "" } else { "s" },
        devices.len(),
        if devices.len() == 1 { "" } else { "s" },
        crate::diag::render::one_line(&arguments.output.display().to_string())
    );
    for (file, contents) in devices.iter().flat_map(|device| &device.files).filter(|_| common.verbose) {
        let (lines, rules) = (contents.lines().count(), file.rules.len());
        text.push_str(&format!("{}: {lines} lines from {rules} rules of the policy\n", file.path));
    }
    for device in devices {
        for command in &device.commands {
            text.push_str(&format!("{}: {command}\n", device.name));
        }
    }
    text
}

/// What is kept of a device: its files, with what the manifest says of them.
struct Made {
    name: String,
    files: Vec<(ManifestFile, String)>,
    commands: Vec<String>,
}

impl Made {
    fn new(device: Device) -> Self {
        let Device { plan, written } = device;
        let file = |(at, file): (usize, crate::platform::WrittenFile)| {
            let entry = ManifestFile {
                path: format!("{}/{}", plan.device, file.name),
                device: plan.device.clone(),
                platform: plan.platform.clone(),
                sha256: hexadecimal(&Sha256::digest(file.text.as_bytes())),
                rules: rules(&written.lines, at),
            };
            (entry, file.text)
        };
        let files = written.files.iter().cloned().enumerate().map(file).collect();
        Self { name: plan.device.clone(), files, commands: written.commands }
    }
}

/// The names of all rules and quarantines that a line of one file stands for, sorted.
fn rules(lines: &[Line], file: usize) -> Vec<String> {
    let labels = lines.iter().filter(|line| line.file == file).flat_map(|line| &line.labels);
    let names: BTreeSet<&String> = labels.map(|label| &label.name).collect();
    names.into_iter().cloned().collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().map_or('0', char::from);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
