//! CPU time of each stage of the pipeline on one project: `RAYON_NUM_THREADS=1 cargo run --release --example stages -- DIR`.
//!
//! `benches/pipeline.rs` measures the same stages by the clock on the wall, on worlds that it makes itself; this counts what the processor worked (Linux), so that
//! it can be believed while other programs run. Each stage is repeated for half a second, and the mean of the runs is printed, with the memory in use after it.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a measurement without its project is over")]

use std::fs;
use std::hint::black_box;
use std::path::Path;

use jiff::civil::Date;
use sekisho::diag::Sink;
use sekisho::graph::Topology;

use sekisho::packet::Interval;
use sekisho::pipeline::{self, Device};
use sekisho::plan::Placement;
use sekisho::reach::{Extra, Prover, Question, Want};
use sekisho::source::{FileKind, load_directory};
use sekisho::{check, inventory, syntax};

/// Each stage is repeated until it has worked for so long, in seconds.
const ENOUGH: f64 = 0.5;

fn main() {
    let directory = std::env::args().nth(1).expect("the directory of a project");
    let at = Date::constant(2026, 11, 21);
    let project = stage("load", || load_directory(Path::new(&directory)).expect("a readable project"));
    let of_kind = |kind| project.of_kind(kind).collect::<Vec<_>>();
    stage("parse policy", || {
        let parse = |file| syntax::parse(file, project.sources.text(file), &mut Sink::default());
        of_kind(FileKind::Policy).into_iter().map(parse).collect::<Vec<_>>()
    });
    let files = of_kind(FileKind::Inventory);
    stage("read inventory", || inventory::read(&project.sources, &files, &mut Sink::default()));
    let loaded = stage("all of these, and resolve", || pipeline::resolve(project.clone()));
    let topology = stage("connect", || Topology::new(&loaded.model));
    let prover = stage("classes", || Prover::new(&loaded.model, &topology, at, &Extra::default()));
    let (all, services) = (prover.access.classes.all(), prover.access.services.all());
    let question = Question { from: &all, to: &all, on: &services, want: Want::Allowed };
    stage("overlay of the whole policy", || prover.access.overlay(question));
    let _ = prover.whole();
    let findings = stage("prove assertions", || prover.all());
    stage("all chains between all zones", || prover.chains(&services, &[]).components());
    stage("all chains from one place", || {
        let first = prover.access.classes.all().first().map(Interval::single).into_iter().collect();
        prover.spread(&first, &services, &[]).deepest()
    });
    stage("lint", || {
        let mut sink = Sink::default();
        let (model, files) = (&loaded.model, &loaded.files);
        let context = check::Context { model, files, topology: &topology, at, prover: &prover, findings: &findings };
        check::run_all(&context, &mut sink);
        sink
    });
    let placement = stage("place", || Placement::new(&loaded.model, &topology, at));
    stage("plan", || {
        (0..placement.len()).filter_map(|number| placement.plan(number)).map(|plan| plan.pairs.len()).sum::<usize>()
    });
    let size = |device: Device| device.written.files.iter().map(|file| file.text.len()).sum::<usize>();
    stage("plan and write", || pipeline::write_all(&placement, size).expect("a world that its platforms can express"));
}

/// Runs a stage often enough, prints its mean, and gives its last result.
fn stage<T>(name: &str, mut run: impl FnMut() -> T) -> T {
    let start = worked();
    let mut runs = 0.0;
    loop {
        let result = black_box(run());
        runs += 1.0;
        let so_far = worked() - start;
        if so_far >= ENOUGH {
            println!("{name:<26} {:10.2} ms   {:5} MiB", so_far / runs * 1000.0, resident());
            return result;
        }
    }
}

/// What all threads have worked so far, in seconds.
fn worked() -> f64 {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux");
    let of_task = |task: std::io::Result<fs::DirEntry>| {
        let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    };
    tasks.filter_map(of_task).sum::<f64>() / 1e9
}

/// The memory in use, in MiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}
