//! CPU time of reading rule sets of nftables: `cargo run --release --example read -- [--once] FILE_OR_DIR...`; of a directory, every `.nft` file below it.
//!
//! Files are read into memory first, and all of them by one reader, as `compile` does; what is counted is from their text to the listing, and letting go of it again (Linux). Five rounds, or one with `--once` (to count instructions); the best and all are printed.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a measurement without its files is over")]

use std::fs;
use std::path::{Path, PathBuf};

use sekisho::platform::nftables::Reader;

/// The program's own, so that the figures are those of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut files = Vec::new();
    let (options, paths): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|word| word == "--once");
    paths.iter().for_each(|path| collect(Path::new(path), &mut files));
    let texts: Vec<String> = files.iter().map(|path| fs::read_to_string(path).expect("a readable file")).collect();
    let (bytes, lines) =
        texts.iter().fold((0, 0), |(bytes, lines), text| (bytes + text.len(), lines + text.lines().count()));
    println!("{} files, {bytes} bytes, {lines} lines", files.len());
    let mut rounds: Vec<f64> = Vec::new();
    for _ in 0..if options.is_empty() { 5 } else { 1 } {
        let before = worked();
        let mut reader = Reader::default();
        let rules: usize = texts.iter().map(|text| rules(&mut reader, text)).sum();
        rounds.push(worked() - before);
        println!("{rules} rules");
    }
    rounds.sort_by(f64::total_cmp);
    println!("CPU s: {rounds:.3?}");
}

fn rules(reader: &mut Reader, text: &str) -> usize {
    reader.read_text(text).chains.iter().map(|chain| chain.rules.len()).sum()
}

fn collect(path: &Path, into: &mut Vec<PathBuf>) {
    if path.is_dir() {
        let mut inside: Vec<PathBuf> =
            fs::read_dir(path).expect("a readable directory").flatten().map(|entry| entry.path()).collect();
        inside.sort();
        inside
            .iter()
            .filter(|path| path.is_dir() || path.extension() == Some("nft".as_ref()))
            .for_each(|path| collect(path, into));
    } else {
        into.push(path.to_owned());
    }
}

/// CPU time of this thread so far, in seconds.
fn worked() -> f64 {
    let status = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = status.split_whitespace().next().and_then(|first| first.parse::<f64>().ok());
    nanoseconds.expect("nanoseconds") / 1e9
}
