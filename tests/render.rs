//! Diagnostics in every output format: goldens, and the inputs that break careless renderers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking, its helpers too"
)]

mod support;

use sekisho::diag::render::{self, Color, Options};
use sekisho::diag::{Code, Diagnostic, Severity};
use sekisho::source::{FileId, Sources, Span};

static UNKNOWN: Code = Code::error("E0203", "unknown name");
static UNUSED: Code = Code::lint("W0207", Severity::Warning, "unused group");

const POLICY: &str = "# orders\npurpose orders {\n    allow ERP-WEB from bangkok/office to tokyo/erpp on https\n}\n";
const YAML: &str = "sites:\n  tokyo:\n    hosts:\n      erp: { address: 10.10.5.12 }\n";

fn find(file: FileId, text: &str, wanted: &str) -> Span {
    let at = text.find(wanted).unwrap();
    Span::new(file, at, at + wanted.len())
}

fn sample() -> (Sources, Vec<Diagnostic>) {
    let mut sources = Sources::default();
    let policy = sources.add("erp.policy", POLICY);
    let yaml = sources.add("network.yaml", YAML);
    let unknown = Diagnostic::new(
        &UNKNOWN,
        find(policy, POLICY, "tokyo/erpp"),
        "no site, network or host is called `tokyo/erpp`",
    )
    .label("not found")
    .also(find(yaml, YAML, "erp"), "a host with a similar name")
    .note("`tokyo` has 1 host")
    .help("use `tokyo/erp`");
    let unused = Diagnostic::new(&UNUSED, find(policy, POLICY, "purpose orders"), "`orders` is never used");
    let nowhere = Diagnostic::without_place(&UNKNOWN, "the project has no inventory").help("run `sekisho init`");
    (sources, vec![unknown, unused, nowhere])
}

fn rendered(format: &str) -> String {
    let (sources, found) = sample();
    render::render(render::by_name(format).unwrap(), &sources, &found, Options::default())
}

fn golden(name: &str, actual: &str) {
    support::golden(&format!("render/{name}"), actual);
}

#[test]
fn each_format_has_a_golden() {
    for renderer in render::ALL {
        golden(&format!("sample.{}", renderer.name()), &rendered(renderer.name()));
    }
}

#[test]
fn json_is_the_check_schema() {
    let value: serde_json::Value = serde_json::from_str(&rendered("json")).unwrap();
    assert_eq!(value["schema"], "sekisho/check/1");
    assert_eq!(value["diagnostics"][0]["line"], 3);
    assert_eq!(value["diagnostics"][0]["column"], 42);
    assert_eq!(value["diagnostics"][0]["labels"][0]["file"], "network.yaml");
    assert!(value["diagnostics"][2]["file"].is_null());
}

#[test]
fn colours_come_only_when_asked() {
    let (sources, found) = sample();
    let text = render::by_name("text").unwrap();
    let plain = text.render(&sources, &found, Options::default());
    let ansi = text.render(&sources, &found, Options { color: Color::Ansi, ..Options::default() });
    assert!(!plain.contains('\u{1b}'));
    assert!(ansi.contains('\u{1b}'));
}

/// Every span of every length, far beyond the text and inside characters too, renders without a panic.
#[test]
fn no_span_is_too_wild() {
    let text = "a\r\nsekisho 関所 \u{202e}x\n\n\ttab\u{1b}[31m\nend";
    let mut sources = Sources::default();
    let file = sources.add("wild.policy", text);
    for start in 0..text.len() + 4 {
        for length in 0..text.len() + 4 {
            let span = Span::new(file, start, start + length);
            let found = [Diagnostic::new(&UNKNOWN, span, "wild").label("here").also(Span::new(file, 3, 9), "there")];
            for renderer in render::ALL {
                let shown = renderer.render(&sources, &found, Options::default());
                assert!(!shown.contains('\u{1b}'), "{shown}");
            }
        }
    }
    let unknown_file = [Diagnostic::new(&UNKNOWN, Span::new(FileId(9), 5, 9), "of another table")];
    for renderer in render::ALL {
        renderer.render(&sources, &unknown_file, Options::default());
    }
}

#[test]
fn text_of_the_input_cannot_command_the_terminal() {
    let text = "allow \u{1b}[2J\u{202e}evil\u{2066}\u{200b}\u{9b}31m\u{7f} from x\n";
    let mut sources = Sources::default();
    let file = sources.add("a\nb\u{1b}.policy", text);
    let found = [Diagnostic::new(&UNKNOWN, find(file, text, "from"), "line\nbreak \u{202e} and\rreturn").label("x\ny")];
    for format in ["text", "concise"] {
        let shown = render::by_name(format).unwrap().render(&sources, &found, Options::default());
        golden(&format!("hostile.{format}"), &shown);
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
        assert!(!shown.contains(['\u{202e}', '\u{2066}', '\u{200b}']), "{shown:?}");
    }
}

/// The header names the column in the file, although a tab and a cut line are shown otherwise.
#[test]
fn a_megabyte_on_one_line_is_cut_around_the_place() {
    let text = format!("\t{{{}WRONG{}}}\n", "a: 1, ".repeat(100_000), "b: 2, ".repeat(100_000));
    let mut sources = Sources::default();
    let file = sources.add("flat.yaml", text.as_str());
    let found = [Diagnostic::new(&UNKNOWN, find(file, &text, "WRONG"), "wrong")
        .label("here")
        .also(Span::new(file, text.len() - 10, text.len() - 2), "far away")];
    let shown = render::by_name("text").unwrap().render(&sources, &found, Options::default());
    assert!(shown.len() < 2000, "{}", shown.len());
    golden("long_line.text", &shown);
}

#[test]
fn places_far_apart_are_shown_apart() {
    let text = format!("first\n{}last\n", "middle\n".repeat(5000));
    let mut sources = Sources::default();
    let file = sources.add("long.policy", text.as_str());
    let found = [
        Diagnostic::new(&UNKNOWN, find(file, &text, "last"), "`x` is declared twice")
            .also(Span::new(file, 0, 5), "first here"),
        Diagnostic::new(&UNKNOWN, Span::new(file, 0, text.len()), "a span of everything").label("all of it"),
        Diagnostic::new(&UNKNOWN, Span::new(file, 0, 9), "two lines").also(Span::new(file, 90, 93), "near"),
    ];
    golden("apart.text", &render::by_name("text").unwrap().render(&sources, &found, Options::default()));
}
