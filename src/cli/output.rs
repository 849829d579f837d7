//! Where text goes.
//!
//! Results go to standard output, diagnostics for people and progress to standard error. A reader that goes away (`| head`)
//! ends the writing and is no error. Any other failure to write is one: an answer that did not arrive must not exit 0.

use std::env;
use std::io::{self, ErrorKind, IsTerminal, Write};

use super::args::{ColorChoice, Common};
use super::exit::Exit;
use crate::diag::render::{self, Color, Options};
use crate::diag::{Diagnostic, Severity};
use crate::source::Sources;

/// Writes a result to standard output.
///
/// A closed pipe is [`Exit::Ok`]; what else keeps the text from being written is said on standard error.
pub fn result(text: &str) -> Exit {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Exit::Ok,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Exit::Ok,
        Err(error) => {
            error_text(&format!("error: standard output: {error}\n"));
            Exit::BadInput
        }
    }
}

/// Writes text to standard error; where that is impossible there is nobody to tell.
pub fn error_text(text: &str) {
    let mut out = io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Says in one line on standard error why a command cannot work: `error: ...`.
pub fn error_line(message: &str) -> Exit {
    error_text(&format!("error: {}\n", render::one_line(message)));
    Exit::BadInput
}

/// How standard error is drawn on: `--color`, else `NO_COLOR`, `CLICOLOR_FORCE` and whether it is a terminal.
#[must_use]
pub fn options(common: &Common) -> Options {
    let color = match common.color {
        ColorChoice::Always => Color::Ansi,
        ColorChoice::Never => Color::Plain,
        ColorChoice::Auto => from_environment(),
    };
    Options { color, ..Options::default() }
}

/// What `NO_COLOR`, then `CLICOLOR_FORCE` say (empty is not set, and a force of `0` is none); without them, colours on a terminal that has some.
fn from_environment() -> Color {
    let said = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let is = |name: &str, wanted: &str| said(name).is_some_and(|value| value == wanted);
    let is_forced = said("CLICOLOR_FORCE").is_some_and(|value| value != "0");
    let is_able = io::stderr().is_terminal() && !is("TERM", "dumb") && !is("CLICOLOR", "0");
    if said("NO_COLOR").is_none() && (is_forced || is_able) { Color::Ansi } else { Color::Plain }
}

/// Shows diagnostics to people on standard error: warnings and notes only without `--quiet`, and a line that counts them.
pub fn diagnostics(common: &Common, format: &str, sources: &Sources, found: &[Diagnostic]) {
    let shown: Vec<Diagnostic> =
        found.iter().filter(|one| !common.quiet || one.severity == Severity::Error).cloned().collect();
    let Some(format) = render::by_name(format) else { return };
    error_text(&render::render(format, sources, &shown, options(common)));
    if format.name() == "text" && !shown.is_empty() {
        error_text(&format!("{}\n", tally(&shown)));
    }
}

/// `2 errors, 1 warning`
#[must_use]
pub fn tally(found: &[Diagnostic]) -> String {
    let count = |severity, word: &str| {
        let number = found.iter().filter(|one| one.severity == severity).count();
        (number > 0).then(|| format!("{number} {word}{}", if number == 1 { "" } else { "s" }))
    };
    let counts = [count(Severity::Error, "error"), count(Severity::Warning, "warning"), count(Severity::Note, "note")];
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    if counts.is_empty() { "nothing to report".to_owned() } else { counts.join(", ") }
}

/// Whether a person watches standard error.
#[must_use]
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}
