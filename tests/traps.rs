//! Rule sets that are easily misread (`tests/golden/traps/`, form: `tests/traps/mod.rs`): what is said of packets by hand must be what the evaluator
//! says, and what `sekisho lines` and `sekisho equiv` print is kept. `tests/kernel/tricky.rs` asks the kernel about the same packets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;
#[path = "traps/mod.rs"]
mod traps;

use std::fs;
use std::path::Path;

use sekisho::listing::{Evaluator, Listing};
use sekisho::packet::{FlowSpace, Order};
use sekisho::platform;
use traps::{Answer, Piece, Section};

fn read(section: &Section) -> Listing {
    let files = section.named_texts();
    platform::ALL.iter().find_map(|one| one.read(&files)).expect("a rule set of some platform")
}

fn answer(listing: &Listing, asked: &traps::Asked) -> Answer {
    let mut space = FlowSpace::new(Order::DestinationFirst);
    let passed = Evaluator::new(listing).passed(&mut space, &asked.crossing()).unwrap();
    let blurred = listing.blurs().next().is_some();
    let (surely, possibly) = (space.contains(passed.surely, &asked.flow), space.contains(passed.possibly, &asked.flow));
    assert!(possibly || !surely, "what surely passes may pass");
    match (surely, possibly) {
        _ if blurred => Answer::Unknown,
        (true, _) => Answer::Passes,
        (false, false) => Answer::Drops,
        (false, true) => Answer::Unknown,
    }
}

#[test]
fn the_evaluator_says_of_every_packet_what_is_written_by_hand() {
    let mut wrong = Vec::new();
    for path in traps::documents() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for section in traps::sections(&fs::read_to_string(&path).unwrap()) {
            let listing = read(&section);
            assert!(!section.packets.is_empty(), "{name}: {}: no packets", section.heading);
            for asked in &section.packets {
                let said = answer(&listing, asked);
                if said != asked.answer {
                    wrong.push(format!("{name}: {}: {said:?}, not as written: {}", section.heading, asked.text));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The exit code and what is printed.
fn said(home: &Path, arguments: &[&str]) -> String {
    let done = support::sekisho(home, arguments);
    assert!(done.err.is_empty(), "{}", done.err);
    format!("exit {}\n{}", done.code, done.out)
}

fn written(home: &Path, number: usize, section: &Section) -> String {
    let name = format!("s{number}");
    fs::create_dir(home.join(&name)).unwrap();
    for file in &section.files {
        fs::write(home.join(&name).join(&file.name), &file.text).unwrap();
    }
    name
}

/// The document with what the program prints now.
fn rewritten(text: &str) -> String {
    let home = tempfile::tempdir().unwrap();
    let sections = traps::sections(text);
    let names: Vec<String> =
        sections.iter().enumerate().map(|(number, section)| written(home.path(), number, section)).collect();
    let mut out = String::new();
    let mut at = None;
    let end = |at: Option<usize>, out: &mut String| {
        let Some(at) = at else { return };
        let lines = said(home.path(), &["lines", &names[at]]);
        out.push_str(&format!("```lines\n{lines}```\n\n"));
        if at > 0 {
            let equiv = said(home.path(), &["equiv", &names[0], &names[at]]);
            out.push_str(&format!("```equiv\n{equiv}```\n\n"));
        }
    };
    for piece in traps::pieces(text) {
        match piece {
            Piece::Line(line) => {
                if line.starts_with("## ") {
                    end(at, &mut out);
                    at = Some(at.map_or(0, |at| at + 1));
                }
                if !(line.is_empty() && out.ends_with("\n\n")) {
                    out.push_str(&line);
                    out.push('\n');
                }
            }
            Piece::Fence(info, _) if info == "lines" || info == "equiv" => {}
            Piece::Fence(info, body) => out.push_str(&format!("```{info}\n{body}```\n\n")),
        }
    }
    end(at, &mut out);
    out.trim_end().to_owned() + "\n"
}

#[test]
fn the_program_prints_what_the_documents_have() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for path in traps::documents() {
        let text = fs::read_to_string(&path).unwrap();
        let now = rewritten(&text);
        if update {
            fs::write(&path, now).unwrap();
        } else if now != text {
            let difference = similar::TextDiff::from_lines(text.as_str(), &now);
            wrong.push(format!("{}\n{}", path.display(), difference.unified_diff().context_radius(2)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
