//! Writes a generated policy project to disk, for measuring whole runs: `cargo run --release --example generate -- hub 1000 2000 5000 DIR`.

#[path = "../benches/world/mod.rs"]
mod world;

use std::path::Path;
use std::process::ExitCode;

use world::{Hub, World, assert, chain, dual_hub, grid, hub};

const USAGE: &str = "usage: generate hub SITES SERVERS RULES [ASSERTIONS] DIR
       generate grid SIDE DIR
       generate chain PAIRS DIR
       generate dual-hub SITES DIR";

#[expect(clippy::print_stderr, reason = "a program for developers says on its terminal what is wrong")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some((world, directory)) = build(&words) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match world.write(Path::new(directory)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{directory}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The world that the arguments ask for, and where to; `None` where they do not say one.
fn build<'a>(words: &[&'a str]) -> Option<(World, &'a str)> {
    let number = |word: &str| word.parse::<usize>().ok().filter(|&number| number > 0);
    Some(match *words {
        ["hub", sites, servers, rules, directory] => {
            (hub(Hub { sites: number(sites)?, servers: number(servers)?, rules: number(rules)? }), directory)
        }
        ["hub", sites, servers, rules, assertions, directory] => {
            let size = Hub { sites: number(sites)?, servers: number(servers)?, rules: number(rules)? };
            let mut world = hub(size);
            assert(&mut world, size, number(assertions)?);
            (world, directory)
        }
        ["grid", side, directory] => (grid(number(side)?), directory),
        ["chain", pairs, directory] => (chain(number(pairs)?), directory),
        ["dual-hub", sites, directory] => (dual_hub(number(sites)?), directory),
        _ => return None,
    })
}
