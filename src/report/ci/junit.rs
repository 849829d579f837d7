//! JUnit XML: a case an assertion, and the other diagnostics as a suite of their own.
//!
//! Violated is a *failure*, unproven an *error*; what is inactive, and an advisory assertion that does not hold, is *skipped*, because neither fails a build. Text is never put into CDATA:
//! `&`, `<`, `>` and quotes are written as entities, so that `]]>` is nothing special, and characters that XML cannot hold are made visible.

use std::fmt::Write as _;

use super::{Case, CaseOutcome, Run, Weight, Writer, words};
use crate::diag::render::printable;
use crate::diag::{Diagnostic, Severity};

/// The format `junit`.
pub struct Junit;

/// What became of a test, as JUnit counts it.
enum Verdict {
    Passed,
    Failure,
    Error,
    Skipped,
}

/// A test case.
struct Test {
    class: String,
    name: String,
    file: Option<(String, usize)>,
    verdict: Verdict,
    /// One line.
    message: String,
    text: String,
}

impl Writer for Junit {
    fn name(&self) -> &'static str {
        "junit"
    }

    fn write(&self, run: &Run<'_>) -> String {
        let assertions: Vec<Test> = run.cases.iter().map(|case| of_case(run, case)).collect();
        let others = run.found.iter().filter(|found| run.case_of(found).is_none());
        let diagnostics: Vec<Test> = others.map(|found| of_diagnostic(run, found)).collect();
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let all: Vec<&Test> = assertions.iter().chain(&diagnostics).collect();
        let _ = writeln!(out, "<testsuites name=\"sekisho {}\"{}>", escaped(run.command), counts(&all));
        for (name, tests) in [("assertions", &assertions), ("diagnostics", &diagnostics)] {
            suite(&mut out, name, tests);
        }
        out.push_str("</testsuites>\n");
        out
    }
}

fn of_case(run: &Run<'_>, case: &Case) -> Test {
    let place = run.place(case.span);
    let found = run.about(case);
    let message = found.map_or_else(String::new, |found| found.message.clone());
    let advisory = case.weight == Weight::Advisory;
    let (verdict, message) = match case.outcome {
        CaseOutcome::Proved => (Verdict::Passed, message),
        CaseOutcome::Inactive => (Verdict::Skipped, "not in force on this date".to_owned()),
        CaseOutcome::Violated | CaseOutcome::Unproven if advisory => (Verdict::Skipped, format!("advisory: {message}")),
        CaseOutcome::Violated => (Verdict::Failure, message),
        CaseOutcome::Unproven => (Verdict::Error, message),
    };
    let title = case.title.as_ref().map_or_else(String::new, |title| format!(": {title}"));
    Test {
        class: format!("sekisho.{}", case.kind),
        name: format!("{}{title}", case.name),
        file: Some((place.path, place.line)),
        verdict,
        message,
        text: found.map_or_else(String::new, words),
    }
}

fn of_diagnostic(run: &Run<'_>, found: &Diagnostic) -> Test {
    let place = run.place_of(found);
    let at = place.as_ref().map_or_else(String::new, |place| format!("{}:{}: ", place.path, place.line));
    Test {
        class: format!("sekisho.{}", found.code.id),
        name: format!("{at}{}", found.message),
        file: place.map(|place| (place.path, place.line)),
        verdict: if found.severity == Severity::Error { Verdict::Failure } else { Verdict::Passed },
        message: found.message.clone(),
        text: words(found),
    }
}

fn suite(out: &mut String, name: &str, tests: &[Test]) {
    let _ = writeln!(out, "  <testsuite name=\"{name}\"{}>", counts(&tests.iter().collect::<Vec<_>>()));
    for test in tests {
        let _ = write!(out, "    <testcase classname=\"{}\" name=\"{}\"", line(&test.class), line(&test.name));
        if let Some((file, number)) = &test.file {
            let _ = write!(out, " file=\"{}\" line=\"{number}\"", line(file));
        }
        let (message, text) = (line(&test.message), escaped(&test.text));
        let _ = match test.verdict {
            Verdict::Passed if text.is_empty() => writeln!(out, "/>"),
            Verdict::Passed => writeln!(out, ">\n      <system-out>{text}</system-out>\n    </testcase>"),
            Verdict::Skipped => writeln!(out, ">\n      <skipped message=\"{message}\"/>\n    </testcase>"),
            Verdict::Failure => writeln!(
                out,
                ">\n      <failure type=\"{}\" message=\"{message}\">{text}</failure>\n    </testcase>",
                line(&test.class)
            ),
            Verdict::Error => writeln!(
                out,
                ">\n      <error type=\"{}\" message=\"{message}\">{text}</error>\n    </testcase>",
                line(&test.class)
            ),
        };
    }
    out.push_str("  </testsuite>\n");
}

fn counts(tests: &[&Test]) -> String {
    let count = |wanted: fn(&Verdict) -> bool| tests.iter().filter(|test| wanted(&test.verdict)).count();
    format!(
        " tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        tests.len(),
        count(|verdict| matches!(verdict, Verdict::Failure)),
        count(|verdict| matches!(verdict, Verdict::Error)),
        count(|verdict| matches!(verdict, Verdict::Skipped)),
    )
}

/// Text on one line, for an attribute.
fn line(text: &str) -> String {
    escaped(&text.replace('\n', " "))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for character in printable(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}
