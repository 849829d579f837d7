//! Feeds: files of addresses, one a line.
//!
//! The text comes from a reader that the caller passes; the path is joined to the directory of the policy file and may not leave the project. A feed is read even
//! if nothing uses it, so that a broken file is found when it breaks.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::endpoints::Defined;
use crate::diag::codes::names;
use crate::diag::{Diagnostic, Sink};
use crate::model::types::Model;
use crate::packet::{AddressRange, AddressSet};
use crate::source::{Sources, join};
use crate::syntax::ast::Feed;

/// Further broken lines of one feed are counted, not shown.
const SHOWN_LINES: usize = 10;

/// Reads one feed; `None` if something is wrong with it, which is then reported.
pub(super) fn read(
    feed: &Feed,
    sources: &Sources,
    reader: &dyn Fn(&str) -> Result<String, String>,
    model: &Model,
    sink: &mut Sink,
) -> Defined {
    let name = &feed.name.value;
    let refuse = |message: String, label: &str| {
        Diagnostic::new(&names::FEED_FILE, feed.path.span, message).label(label.to_owned())
    };
    let Some(path) = inside_project(sources.path(feed.path.span.file), &feed.path.value) else {
        let message = format!("the file of feed `{name}` is not inside the project");
        sink.push(refuse(message, "leads out of the project").help("copy the file beside the policy"));
        return None;
    };
    match reader(&path) {
        Ok(text) => parse(feed, &path, &text, model, sink),
        Err(reason) => {
            sink.push(refuse(format!("the file `{path}` of feed `{name}` cannot be read: {reason}"), "this file"));
            None
        }
    }
}

/// Joins a path to the directory of a file; `None` if it is absolute, leaves the project, or names no file.
fn inside_project(policy: &str, path: &str) -> Option<String> {
    if path.contains(['\\', '\0']) || path.is_empty() {
        return None;
    }
    let directory = policy.rsplit_once('/').map_or("", |(directory, _)| directory);
    join(directory, path).filter(|joined| !joined.is_empty())
}

fn parse(feed: &Feed, path: &str, text: &str, model: &Model, sink: &mut Sink) -> Defined {
    let (mut ranges, mut unknown, mut broken) = (Vec::new(), Vec::new(), 0_usize);
    for (line, content) in text.lines().enumerate() {
        let content = content.split('#').next().unwrap_or("").trim();
        if content.is_empty() {
            continue;
        }
        match address(content) {
            Ok(range) if AddressSet::from(range).is_subset(&model.known) => ranges.push(range),
            Ok(range) => {
                unknown.push((line + 1, range));
                ranges.push(range);
            }
            Err(reason) => {
                broken += 1;
                if broken <= SHOWN_LINES {
                    sink.push(broken_line(feed, path, line + 1, content, &reason));
                }
            }
        }
    }
    if broken > SHOWN_LINES {
        let message = format!("{} more lines of `{path}` are no addresses", broken - SHOWN_LINES);
        sink.push(Diagnostic::new(&names::FEED_LINE, feed.path.span, message).label("this file"));
    }
    warn_unknown(feed, path, &unknown, ranges.len(), sink);
    let set = ranges.into_iter().collect::<AddressSet>().intersection(&model.known);
    if broken == 0 && set.is_empty() && unknown.is_empty() {
        let message = format!("the feed `{}` holds no address", feed.name.value);
        sink.push(Diagnostic::new(&names::EMPTY_EXPRESSION, feed.path.span, message).label("an empty file"));
    }
    (broken == 0).then(|| Arc::new(set))
}

fn broken_line(feed: &Feed, path: &str, line: usize, content: &str, reason: &str) -> Diagnostic {
    let shown: String = content.chars().take(60).filter(|c| !c.is_control()).collect();
    let message = format!("line {line} of `{path}` is no address: `{shown}`");
    Diagnostic::new(&names::FEED_LINE, feed.path.span, message).label("this file").help(reason)
}

fn warn_unknown(feed: &Feed, path: &str, unknown: &[(usize, AddressRange)], all: usize, sink: &mut Sink) {
    let Some((line, first)) = unknown.first() else { return };
    let count = unknown.len();
    let message = format!(
        "{count} of {all} entries of feed `{}` are not, or not wholly, known to the inventory",
        feed.name.value
    );
    sink.push(
        Diagnostic::new(&names::FEED_UNKNOWN, feed.path.span, message)
            .label("what is unknown is left out")
            .note(format!("the first is {first}, in line {line} of `{path}`")),
    );
}

/// Reads an address, a prefix or a range; the error says what to type.
fn address(text: &str) -> Result<AddressRange, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(AddressRange::single(address));
    }
    if let Ok(net) = text.parse::<IpNet>() {
        let exact = net.trunc();
        return if exact == net { Ok(exact.into()) } else { Err(format!("the prefix is written `{exact}`")) };
    }
    let range = text.split_once('-').and_then(|(first, last)| {
        let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        AddressRange::between(first, last)
    });
    range.ok_or_else(|| "a line holds one address, prefix or range; `#` starts a comment".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside_the_project() {
        for (policy, path, expected) in [
            ("a.policy", "bad.txt", Some("bad.txt")),
            ("x/a.policy", "feeds/bad.txt", Some("x/feeds/bad.txt")),
            ("x/a.policy", "../bad.txt", Some("bad.txt")),
            ("x/a.policy", "./../y/./bad.txt", Some("y/bad.txt")),
            ("x/a.policy", "../../bad.txt", None),
            ("a.policy", "../bad.txt", None),
            ("a.policy", "/etc/passwd", None),
            ("a.policy", "", None),
        ] {
            assert_eq!(inside_project(policy, path).as_deref(), expected, "{policy} {path}");
        }
    }

    #[test]
    fn lines() {
        assert!(address("10.0.0.1").is_ok());
        assert!(address("10.0.0.0/8").is_ok());
        assert!(address("10.0.0.1-10.0.0.9").is_ok());
        assert!(address("2001:db8::/32").is_ok());
        assert_eq!(address("10.0.0.1/8").unwrap_err(), "the prefix is written `10.0.0.0/8`");
        for broken in ["10.0.0.9-10.0.0.1", "10.0.0.256", "host.example", "10.0.0.0/33", "-", "10.0.0.1-::1"] {
            assert!(address(broken).is_err(), "{broken}");
        }
    }
}
