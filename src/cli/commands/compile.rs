//! `sekisho compile`: the rule set of every managed firewall, proved, and written all or nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::super::args::{AnswerFormat, Common, Compile};
use super::super::write::{MANIFEST, OutputFile, Replacement, WriteError};
use super::super::{Exit, output, progress::Progress};
use super::{day, load_sound, report};
use crate::checksum;
use crate::graph::Topology;
use crate::pipeline::{self, Device};
use crate::plan::Placement;
use crate::platform::{Readers, WrittenFile};
use crate::proof::{Composition, Problem, Proof, Verdict};
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
    let stopwatch = Stopwatch::default();
    let composition = (!arguments.no_proof).then(|| Composition::new(&loaded.model, &topology, day(common)));
    let readers = Readers::default();
    // Each rule set is proved and goes to the disk as soon as it is made, so that no more of them are in memory than are being made.
    let made = |device: Device| {
        let proof = composition
            .as_ref()
            .map(|composition| stopwatch.time(|| (pipeline::prove(&device, &readers), composition.add(&device.plan))));
        Made::new(device, proof, &new, common.verbose)
    };
    let devices = match pipeline::write_all(&placement, made) {
        Ok(devices) => devices,
        Err(found) => return report(common, "compile", arguments.format.name(), &loaded.project.sources, &found),
    };
    let devices: Vec<Made> = match devices.into_iter().collect() {
        Ok(devices) => devices,
        Err(error) => return failed(progress, &error),
    };
    progress.stage("proving");
    let mut problems: Vec<Problem> = devices.iter().flat_map(|device| device.problems.iter().cloned()).collect();
    problems.extend(composition.map(|composition| stopwatch.time(|| composition.finish())).unwrap_or_default());
    let proved = Proved::of(&devices);
    if proved == Proved::Wrong || !problems.is_empty() {
        drop(progress);
        return wrong(&devices, &problems);
    }
    let summary = summary(common, arguments, &devices, proved);
    let doubts: String = devices.iter().map(Made::doubts).collect();
    let manifest = json::to_text(&Manifest {
        schema: "sekisho/compile/1",
        proof: proved.name(),
        changes_on: placement.changes_on().map(|date| date.to_string()),
        files: devices.into_iter().flat_map(|device| device.files).map(|(file, _)| file).collect(),
    });
    progress.stage("writing files");
    let written = new.write(OutputFile { path: MANIFEST, contents: manifest.as_bytes() }).and_then(|()| new.finish());
    if let Err(error) = written {
        return failed(progress, &error);
    }
    drop(progress);
    output::error_text(&doubts);
    if proved != Proved::Skipped && (common.verbose || output::is_watched()) && !common.quiet {
        output::error_text(&format!("the proof took {:.2} s of computing\n", stopwatch.seconds()));
    }
    let done = match arguments.format {
        AnswerFormat::Json => output::result(&manifest),
        AnswerFormat::Text if common.quiet => Exit::Ok,
        AnswerFormat::Text => output::result(&summary),
    };
    done.worst(if proved == Proved::NotAll { Exit::Unproven } else { Exit::Ok })
}

/// What became of the proofs of all devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proved {
    /// None was asked for.
    Skipped,
    /// Every rule set means what the policy asks.
    All,
    /// Of some it is not known.
    NotAll,
    /// One does not: a bug.
    Wrong,
}

impl Proved {
    fn of(devices: &[Made]) -> Self {
        let verdicts = || devices.iter().map(|device| device.proof.as_ref().map(|proof| proof.verdict));
        if verdicts().any(|verdict| verdict == Some(Verdict::Differs)) {
            Self::Wrong
        } else if verdicts().any(|verdict| verdict == Some(Verdict::Unproven)) {
            Self::NotAll
        } else if verdicts().any(|verdict| verdict.is_none()) {
            Self::Skipped
        } else {
            Self::All
        }
    }

    /// The word of the manifest.
    fn name(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::All => "proved",
            Self::NotAll | Self::Wrong => "unproven",
        }
    }
}

/// Says which rule sets do not mean what the policy asks. Nothing is written.
fn wrong(devices: &[Made], problems: &[Problem]) -> Exit {
    let mut text = String::from("error: the rule sets do not mean what the policy asks, so nothing was written\n");
    for Problem { rule, device, what } in problems {
        let on = if device.is_empty() { String::new() } else { format!(" on {device}") };
        text.push_str(&format!("  `{rule}`{on}: {what}\n"));
    }
    for device in devices {
        let Some(proof) = device.proof.as_ref().filter(|proof| proof.verdict == Verdict::Differs) else { continue };
        text.push_str(&proof.to_text(&device.name));
    }
    text.push_str("  = note: this is a bug in sekisho, not in the policy; please report it with the project\n");
    output::error_text(&text);
    Exit::Bug
}

/// How long something takes, added up over all threads.
#[derive(Debug, Default)]
struct Stopwatch(AtomicU64);

impl Stopwatch {
    fn time<T>(&self, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let done = work();
        self.0.fetch_add(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        done
    }

    fn seconds(&self) -> f64 {
        Duration::from_micros(self.0.load(Ordering::Relaxed)).as_secs_f64()
    }
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
fn summary(common: &Common, arguments: &Compile, devices: &[Made], proved: Proved) -> String {
    let files: usize = devices.iter().map(|device| device.files.len()).sum();
    let mut text = format!(
        "wrote {files} file{} for {} firewall{} to `{}`\n",
        if files == 1 { "" } else { "s" },
        devices.len(),
        if devices.len() == 1 { "" } else { "s" },
        crate::diag::render::one_line(&arguments.output.display().to_string())
    );
    text.push_str(match proved {
        Proved::All => "proved: each of them means what the policy asks of its firewall, and together they mean the policy, for all packets\n",
        Proved::Skipped => "not proved: `--no-proof` was given\n",
        Proved::NotAll | Proved::Wrong => "not proved: of some rule sets it is not known what they mean\n",
    });
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
    proof: Option<Proof>,
    /// What its plan permits beyond the policy.
    problems: Vec<Problem>,
    files: Vec<(ManifestFile, usize)>,
    commands: Vec<String>,
}

impl Made {
    /// Writes the files of a device.
    fn new(
        device: Device,
        proof: Option<(Proof, Vec<Problem>)>,
        new: &Replacement,
        count: bool,
    ) -> Result<Self, WriteError> {
        let (proof, problems) = proof.unzip();
        let problems = problems.unwrap_or_default();
        let Device { plan, written } = device;
        let file = |file: WrittenFile| {
            let entry = ManifestFile {
                path: format!("{}/{}", plan.device, file.name),
                device: plan.device.clone(),
                platform: plan.platform.clone(),
                sha256: checksum::sha256(&file.text),
                rules: file.rules.iter().map(|label| label.name.clone()).collect(),
            };
            new.write(OutputFile { path: &entry.path, contents: file.text.as_bytes() })?;
            Ok((entry, if count { file.text.lines().count() } else { 0 }))
        };
        let files = written.files.into_iter().map(file).collect::<Result<_, _>>()?;
        Ok(Self { name: plan.device.clone(), proof, problems, files, commands: written.commands })
    }

    /// What keeps the rule set from being proved, for people.
    fn doubts(&self) -> String {
        let proof = self.proof.as_ref().filter(|proof| proof.verdict == Verdict::Unproven);
        proof.map(|proof| proof.to_text(&self.name)).unwrap_or_default()
    }
}
