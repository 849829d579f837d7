//! Which interface names a config can say exactly.

use crate::diag::codes::platform::INTERFACE_NAME;
use crate::diag::{Diagnostic, Sink};
use crate::plan::DevicePlan;

/// The longest name of an interface that Linux knows, in bytes.
const LONGEST: usize = 15;

/// Pushes an error for every interface whose name a Linux packet filter would misread; `true` if there is none.
pub(in crate::platform) fn check(plan: &DevicePlan, sink: &mut Sink) -> bool {
    let mut fine = true;
    for (at, interface) in plan.interfaces.iter().enumerate() {
        if let Some(why) = problem(&interface.name) {
            fine = false;
            sink.push(
                Diagnostic::new(
                    &INTERFACE_NAME,
                    interface.span,
                    format!(
                        "`{}` cannot be the name of an interface of `{}`",
                        interface.name.escape_debug(),
                        plan.device
                    ),
                )
                .label(why)
                .help("write the name that `ip link` shows on the device"),
            );
        }
        if let Some(first) = plan.interfaces.iter().take(at).find(|other| other.name == interface.name) {
            fine = false;
            sink.push(
                Diagnostic::new(
                    &INTERFACE_NAME,
                    interface.span,
                    format!("`{}` has two interfaces called `{}`", plan.device, interface.name),
                )
                .label("the second one")
                .also(first.span, "the first one")
                .help("give each interface the name that the device has for it"),
            );
        }
    }
    fine
}

/// Why a name cannot be used, if so.
fn problem(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("it is empty".into());
    }
    if name.len() > LONGEST {
        return Some(format!("it has {} bytes; Linux allows {LONGEST}", name.len()));
    }
    if name == "." || name == ".." {
        return Some("Linux reserves it".into());
    }
    if name.chars().any(char::is_whitespace) {
        return Some("it has a blank".into());
    }
    if name.chars().any(char::is_control) {
        return Some("it has a control character".into());
    }
    if let Some(c) = name.chars().find(|c| matches!(c, '/' | ':')) {
        return Some(format!("Linux allows no `{c}` in it"));
    }
    if let Some(c) = name.chars().find(|c| matches!(c, '"' | '\\' | '\'' | '`' | '$')) {
        return Some(format!("`{c}` cannot be written in a rule"));
    }
    if let Some(c) = name.chars().last().filter(|c| matches!(c, '*' | '+')) {
        return Some(format!("`{c}` at the end would match every interface that begins like it"));
    }
    name.starts_with(['!', '-']).then(|| "a rule would read its first character as an operator".into())
}

#[cfg(test)]
mod tests {
    use super::problem;

    #[test]
    fn names_that_would_be_misread_are_refused() {
        for name in
            ["", "a-name-of-16-byte", "eth*", "eth+", ".", "..", "a b", "a/b", "eth0:1", "a\"b", "a\nb", "!a", "a\\"]
        {
            assert!(problem(name).is_some(), "{name:?}");
        }
        for name in ["eth0", "eth0.100", "br-lan", "wg0@x", "入口", "any", "1"] {
            assert!(problem(name).is_none(), "{name:?}");
        }
    }
}
