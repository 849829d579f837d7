//! The time of each stage of the pipeline, on generated worlds: `cargo bench --bench pipeline`.
//!
//! The stages stand here in the order of the pipeline; the sizes are those of `docs/performance.md`. Whole processes, with their
//! peak memory, are measured by `scripts/measure`.

#![expect(clippy::expect_used, reason = "a measurement without its world is over")]

#[path = "world/mod.rs"]
mod world;

use divan::Bencher;
use jiff::civil::Date;
use sekisho::diag::Sink;
use sekisho::graph::Topology;
use sekisho::pipeline::{self, Device};
use sekisho::plan::Placement;
use sekisho::source::{FileKind, Project, load_directory};
use sekisho::{inventory, syntax};
use world::{Hub, World, chain, dual_hub, grid, hub};

/// Sites of the hub world; servers and rules follow from it.
const SITES: [usize; 3] = [100, 1_000, 10_000];

fn main() {
    divan::main();
}

fn hub_world(sites: usize) -> World {
    hub(Hub { sites, servers: (sites * 2).min(2_000), rules: (sites * 5).min(20_000) })
}

fn on_disk(world: &World) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    world.write(directory.path()).expect("room for the world");
    directory
}

fn project(world: &World) -> Project {
    load_directory(on_disk(world).path()).expect("a readable project")
}

fn day() -> Date {
    Date::constant(2026, 11, 21)
}

#[divan::bench(args = SITES)]
fn stage_1_load(bencher: Bencher, sites: usize) {
    let directory = on_disk(&hub_world(sites));
    bencher.bench(|| load_directory(directory.path()).expect("a readable project"));
}

#[divan::bench(args = SITES)]
fn stage_2_parse_policy(bencher: Bencher, sites: usize) {
    let project = project(&hub_world(sites));
    bencher.bench(|| {
        let mut sink = Sink::default();
        let parse = |file| syntax::parse(file, project.sources.text(file), &mut sink);
        project.of_kind(FileKind::Policy).map(parse).collect::<Vec<_>>()
    });
}

#[divan::bench(args = SITES)]
fn stage_3_read_inventory(bencher: Bencher, sites: usize) {
    let project = project(&hub_world(sites));
    let files: Vec<_> = project.of_kind(FileKind::Inventory).collect();
    bencher.bench(|| inventory::read(&project.sources, &files, &mut Sink::default()));
}

/// With the two before it: the model is made of both.
#[divan::bench(args = SITES)]
fn stage_4_resolve(bencher: Bencher, sites: usize) {
    let project = project(&hub_world(sites));
    bencher.with_inputs(|| project.clone()).bench_values(pipeline::resolve);
}

#[divan::bench(args = SITES)]
fn stage_5_connect(bencher: Bencher, sites: usize) {
    let loaded = pipeline::resolve(project(&hub_world(sites)));
    bencher.bench(|| Topology::new(&loaded.model));
}

/// Which rules concern which firewalls; each firewall's list is made when it is written.
#[divan::bench(args = SITES)]
fn stage_6_place(bencher: Bencher, sites: usize) {
    let loaded = pipeline::resolve(project(&hub_world(sites)));
    let topology = Topology::new(&loaded.model);
    bencher.bench(|| Placement::new(&loaded.model, &topology, day()));
}

#[divan::bench(args = SITES)]
fn stage_7_write(bencher: Bencher, sites: usize) {
    write(bencher, &hub_world(sites));
}

#[divan::bench(args = [5, 20])]
fn write_grid(bencher: Bencher, side: usize) {
    write(bencher, &grid(side));
}

#[divan::bench(args = [100, 1_000])]
fn write_chain(bencher: Bencher, pairs: usize) {
    write(bencher, &chain(pairs));
}

#[divan::bench(args = [100, 1_000])]
fn write_dual_hub(bencher: Bencher, sites: usize) {
    write(bencher, &dual_hub(sites));
}

/// Plans and writes every firewall of a world, into memory.
fn write(bencher: Bencher, world: &World) {
    let loaded = pipeline::resolve(project(world));
    let topology = Topology::new(&loaded.model);
    let placement = Placement::new(&loaded.model, &topology, day());
    let size = |device: Device| device.written.files.iter().map(|file| file.text.len()).sum::<usize>();
    bencher.bench(|| pipeline::write_all(&placement, size).expect("a world that its platforms can express"));
}
