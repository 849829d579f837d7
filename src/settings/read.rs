//! The settings file to settings.

use super::{Level, Settings};
use crate::diag::codes::{self, inventory::NOT_A_LINT, inventory::UNKNOWN_LEVEL, inventory::UNKNOWN_LINT};
use crate::diag::{Code, Diagnostic, Sink, closest};
use crate::inventory::keys::unknown_key;
use crate::source::{FileId, Sources};
use crate::yaml::{self, Entry, Node};

const KEYS: &[&str] = &["lints", "gate"];
const LEVELS: [(&str, Level); 3] = [("allow", Level::Allow), ("warn", Level::Warn), ("error", Level::Error)];

/// Reads the settings file; every mistake goes to `sink`, and what could not be read keeps its default.
pub fn read(sources: &Sources, file: FileId, sink: &mut Sink) -> Settings {
    let mut settings = Settings::default();
    for document in yaml::parse(file, sources.text(file), sink) {
        read_document(&document, &mut settings, sink);
    }
    settings
}

fn read_document(document: &Node<'_>, settings: &mut Settings, sink: &mut Sink) {
    let Some(map) = document.map(format_args!("the file of settings"), "a mapping with `lints`", sink) else { return };
    for entry in &map.entries {
        if entry.key.value == "gate" {
            settings.gate = Some(super::gate::read(&entry.value, sink));
            continue;
        }
        if entry.key.value != "lints" {
            unknown_key(&entry.key, "the file of settings", KEYS, sink);
            continue;
        }
        let wanted = "a mapping of codes to levels";
        let Some(lints) = entry.value.map(format_args!("`lints`"), wanted, sink) else { continue };
        for entry in &lints.entries {
            let (code, level) = (lint(entry, sink), level(entry, sink));
            if let (Some(code), Some(level)) = (code, level) {
                settings.levels.insert(code.id, level);
            }
        }
    }
}

fn lint(entry: &Entry<'_>, sink: &mut Sink) -> Option<&'static Code> {
    let (text, span) = (entry.key.value.as_ref(), entry.key.span);
    let Some(code) = codes::all().find(|code| code.id == text) else {
        let lints = codes::all().filter(|code| code.lint).map(|code| code.id);
        let report = Diagnostic::new(&UNKNOWN_LINT, span, format!("no diagnostic has the code `{text}`"));
        sink.push(match closest(&text.to_uppercase(), lints) {
            Some(near) => report.help(format!("a code close to it is `{near}`")),
            None => report.help("write a code as diagnostics show it, such as `W0301`"),
        });
        return None;
    };
    if !code.lint {
        let message = format!("`{text}` is an error, which has no level: {}", code.title);
        sink.push(Diagnostic::new(&NOT_A_LINT, span, message).help("leave it out; only lints have a level"));
        return None;
    }
    if codes::changes::ALL.contains(&code) {
        let message = format!("`{text}` has no level: what a change does is said, and the gate decides");
        sink.push(Diagnostic::new(&NOT_A_LINT, span, message).help("say under `gate` who must approve what"));
        return None;
    }
    if codes::assertions::ALL.contains(&code) {
        let message = format!("`{text}` has no level: an assertion weighs what its own sentence says");
        sink.push(
            Diagnostic::new(&NOT_A_LINT, span, message)
                .help("write `advisory` after an assertion that is not to fail a build"),
        );
        return None;
    }
    Some(code)
}

fn level(entry: &Entry<'_>, sink: &mut Sink) -> Option<Level> {
    let what = format_args!("the level of `{}`", entry.key.value);
    let text = entry.value.scalar(what, "`allow`, `warn` or `error`", sink)?.text.as_ref();
    let found = LEVELS.iter().find(|(name, _)| *name == text).map(|(_, level)| *level);
    if found.is_none() {
        let message = format!("`{text}` is not a level");
        let help = match closest(&text.to_lowercase(), LEVELS.iter().map(|(name, _)| *name)) {
            Some(near) => format!("write `{near}`"),
            None => "write `allow`, `warn` or `error`".to_owned(),
        };
        sink.push(Diagnostic::new(&UNKNOWN_LEVEL, entry.value.span, message).help(help));
    }
    found
}
