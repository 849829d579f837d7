//! SARIF 2.1.0, which code scanning of forges and editors read.
//!
//! Places are relative to `%SRCROOT%`, the root of the repository; columns count characters. A violated transitive assertion has a code flow: a location for each step of the chain, at the rule
//! that lets it happen. In messages `{`, `}` and what would be a link are escaped as the format asks. Every result has a fingerprint of meaning ([`super::fingerprint`]).

use serde_json::{Value, json};

use super::fingerprint::{self, fingerprints};
use super::{Case, Place, Run, Step, Writer, words};
use crate::diag::render::printable;
use crate::diag::{Code, Diagnostic, Label, Severity};

/// The format `sarif`.
pub struct Sarif;

const ROOT: &str = "%SRCROOT%";

impl Writer for Sarif {
    fn name(&self) -> &'static str {
        "sarif"
    }

    fn write(&self, run: &Run<'_>) -> String {
        let mut text = serde_json::to_string_pretty(&log(run)).unwrap_or_default();
        text.push('\n');
        text
    }
}

fn log(run: &Run<'_>) -> Value {
    let mut codes: Vec<&'static Code> = run.found.iter().map(|found| found.code).collect();
    codes.sort_by_key(|code| code.id);
    codes.dedup_by_key(|code| code.id);
    let rules: Vec<Value> = codes.iter().map(|code| rule(run, code)).collect();
    let all = run.found.iter().zip(fingerprints(run.sources, run.found));
    let results: Vec<Value> = all.map(|(found, print)| result(run, &codes, found, &print)).collect();
    let is_whole = !run.found.iter().any(|found| found.severity == Severity::Error && !found.code.lint);
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "sekisho",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "automationDetails": { "id": format!("sekisho/{}/{}", run.command, run.prefix) },
            "invocations": [{ "executionSuccessful": is_whole, "exitCode": run.exit }],
            "originalUriBaseIds": { ROOT: { "description": { "text": "the root of the repository" } } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    severity.as_str()
}

fn rule(run: &Run<'_>, code: &Code) -> Value {
    let mut rule = json!({
        "id": code.id,
        "shortDescription": { "text": code.title },
        "defaultConfiguration": { "level": level(code.severity) },
    });
    if let (Some(page), Some(rule)) = ((run.page)(code.id), rule.as_object_mut()) {
        rule.insert("help".to_owned(), json!({ "text": page, "markdown": page }));
    }
    rule
}

fn result(run: &Run<'_>, codes: &[&'static Code], found: &Diagnostic, print: &str) -> Value {
    let mut result = json!({
        "ruleId": found.code.id,
        "ruleIndex": codes.iter().position(|code| code.id == found.code.id),
        "level": level(found.severity),
        "message": { "text": escaped(&words(found)) },
        "partialFingerprints": { fingerprint::NAME: print },
    });
    let Some(object) = result.as_object_mut() else { return result };
    if let Some(place) = run.place_of(found) {
        object.insert("locations".to_owned(), json!([{ "physicalLocation": physical(&place) }]));
    }
    if !found.secondary.is_empty() {
        let related: Vec<Value> = (1..).zip(&found.secondary).map(|(id, label)| related(run, id, label)).collect();
        object.insert("relatedLocations".to_owned(), json!(related));
    }
    if let Some(case) = run.case_of(found).filter(|case| !case.steps.is_empty()) {
        object.insert("codeFlows".to_owned(), json!([code_flow(run, case)]));
    }
    result
}

fn related(run: &Run<'_>, id: u32, label: &Label) -> Value {
    let mut location = json!({ "id": id, "physicalLocation": physical(&run.place(label.span)) });
    if let Some(location) = location.as_object_mut().filter(|_| !label.text.is_empty()) {
        location.insert("message".to_owned(), json!({ "text": escaped(&printable(&label.text)) }));
    }
    location
}

fn code_flow(run: &Run<'_>, case: &Case) -> Value {
    let locations: Vec<Value> = case.steps.iter().flat_map(|step| step_locations(run, step)).collect();
    json!({ "threadFlows": [{ "locations": locations }] })
}

fn step_locations(run: &Run<'_>, step: &Step) -> Vec<Value> {
    let message = json!({ "text": escaped(&printable(&step.text)) });
    if step.spans.is_empty() {
        return vec![json!({ "location": { "message": message } })];
    }
    let at = |span: &_| json!({ "location": { "message": message, "physicalLocation": physical(&run.place(*span)) } });
    step.spans.iter().map(at).collect()
}

fn physical(place: &Place) -> Value {
    json!({
        "artifactLocation": { "uri": uri(&place.path), "uriBaseId": ROOT },
        "region": {
            "startLine": place.line,
            "startColumn": place.column,
            "endLine": place.end_line,
            "endColumn": place.end_column,
        },
    })
}

/// A path as a relative reference: everything but what needs no escape, and `/`, by its bytes.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// Braces stand for arguments and `[text](target)` for a link, unless they are escaped.
fn escaped(text: &str) -> String {
    let text = text.replace('{', "{{").replace('}', "}}");
    if text.contains("](") { text.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]") } else { text }
}
