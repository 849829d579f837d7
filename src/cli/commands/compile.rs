//! `sekisho compile`: the rule set of every managed firewall, written all or nothing.

use sha2::{Digest, Sha256};

use super::super::args::{AnswerFormat, Common, Compile};
use super::super::write::{MANIFEST, OutputFile, Replacement, WriteError};
use super::super::{Exit, output, progress::Progress};
use super::{day, load_sound, report};
use crate::graph::Topology;
use crate::pipeline::{self, Device};
use crate::plan::Placement;
use crate::platform::WrittenFile;
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
    let new = match Replacement::begin(&arguments.output, &arguments.directory) {
        Ok(new) => new,
        Err(error) => return failed(progress, &error),
    };
    // Each rule set goes to the disk as soon as it is made, so that no more of them are in memory than are being made.
    let devices = match pipeline::write_all(&placement, |device| Made::new(device, &new, common.verbose)) {
        Ok(devices) => devices,
        Err(found) => return report(common, "compile", arguments.format.name(), &loaded.project.sources, &found),
    };
    let devices: Vec<Made> = match devices.into_iter().collect() {
        Ok(devices) => devices,
        Err(error) => return failed(progress, &error),
    };
    let summary = summary(common, arguments, &devices);
    let manifest = json::to_text(&Manifest {
        schema: "sekisho/compile/1",
        changes_on: placement.changes_on().map(|date| date.to_string()),
        files: devices.into_iter().flat_map(|device| device.files).map(|(file, _)| file).collect(),
    });
    progress.stage("writing files");
    let written = new.write(OutputFile { path: MANIFEST, contents: manifest.as_bytes() }).and_then(|()| new.finish());
    if let Err(error) = written {
        return failed(progress, &error);
    }
    drop(progress);
    if arguments.format == AnswerFormat::Json {
        return output::result(&manifest);
    }
    if common.quiet { Exit::Ok } else { output::result(&summary) }
}

/// Says why nothing was written.
fn failed(progress: Progress, error: &WriteError) -> Exit {
    drop(progress);
    let exit = output::error_line(&error.message);
    if let Some(help) = &error.help {
        output::error_text(&format!("  = help: {help}\n"));
    }
    exit
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
    for (file, lines) in devices.iter().flat_map(|device| &device.files).filter(|_| common.verbose) {
        let rules = file.rules.len();
        text.push_str(&format!("{}: {lines} lines from {rules} rules of the policy\n", file.path));
    }
    for device in devices {
        for command in &device.commands {
            text.push_str(&format!("{}: {command}\n", device.name));
        }
    }
    text
}

/// What is kept of a device: what the manifest says of its files, and how many lines each has if that is asked for.
struct Made {
    name: String,
    files: Vec<(ManifestFile, usize)>,
    commands: Vec<String>,
}

impl Made {
    /// Writes the files of a device.
    fn new(device: Device, new: &Replacement, count: bool) -> Result<Self, WriteError> {
        let Device { plan, written } = device;
        let file = |file: WrittenFile| {
            let entry = ManifestFile {
                path: format!("{}/{}", plan.device, file.name),
                device: plan.device.clone(),
                platform: plan.platform.clone(),
                sha256: hexadecimal(&Sha256::digest(file.text.as_bytes())),
                rules: file.rules.iter().map(|label| label.name.clone()).collect(),
            };
            new.write(OutputFile { path: &entry.path, contents: file.text.as_bytes() })?;
            Ok((entry, if count { file.text.lines().count() } else { 0 }))
        };
        let files = written.files.into_iter().map(file).collect::<Result<_, _>>()?;
        Ok(Self { name: plan.device.clone(), files, commands: written.commands })
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().map_or('0', char::from);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
