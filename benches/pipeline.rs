//! The time of each stage of the pipeline, on generated worlds: `cargo bench --bench pipeline`.
//!
//! The stages stand here in the order of the pipeline; the sizes are those of `docs/performance.md`. Whole processes, with their
//! peak memory, are measured by `scripts/measure`.

#![expect(clippy::expect_used, reason = "a measurement without its world is over")]

#[path = "world/mod.rs"]
mod world;

use divan::Bencher;
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

#[divan::bench(args = SITES)]
fn load(bencher: Bencher, sites: usize) {
    let directory = on_disk(&hub_world(sites));
    bencher.bench(|| sekisho::source::load_directory(directory.path()).expect("a readable project"));
}

#[divan::bench(args = [5, 20])]
fn load_grid(bencher: Bencher, side: usize) {
    let directory = on_disk(&grid(side));
    bencher.bench(|| sekisho::source::load_directory(directory.path()).expect("a readable project"));
}

#[divan::bench(args = [100, 1_000])]
fn load_chain(bencher: Bencher, pairs: usize) {
    let directory = on_disk(&chain(pairs));
    bencher.bench(|| sekisho::source::load_directory(directory.path()).expect("a readable project"));
}

#[divan::bench(args = [100, 1_000])]
fn load_dual_hub(bencher: Bencher, sites: usize) {
    let directory = on_disk(&dual_hub(sites));
    bencher.bench(|| sekisho::source::load_directory(directory.path()).expect("a readable project"));
}
