//! `gate` in `sekisho.yaml`: who must approve what a change opens, as it is written.
//!
//! Conditions stay text here; [`crate::gate`] knows what they mean. That the names of approvers are people who exist is for whoever protects the folder of approvals.

use crate::diag::Sink;
use crate::inventory::keys::unknown_key;
use crate::source::Spanned;
use crate::yaml::Node;

/// Who must approve what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gate {
    /// Each approver with conditions, any of which calls for the approval; in the order of the file.
    pub approvers: Vec<(Spanned<String>, Vec<Spanned<String>>)>,
    /// Who approves what no condition is about; anybody, if nobody is named.
    pub otherwise: Option<Spanned<String>>,
}

impl Gate {
    /// The same without places: equal where the same is said.
    #[must_use]
    pub fn says(&self) -> (Vec<(&str, Vec<&str>)>, Option<&str>) {
        let mut approvers: Vec<(&str, Vec<&str>)> = Vec::new();
        for (name, conditions) in &self.approvers {
            let mut conditions: Vec<&str> = conditions.iter().map(|one| one.value.as_str()).collect();
            conditions.sort_unstable();
            approvers.push((name.value.as_str(), conditions));
        }
        approvers.sort();
        (approvers, self.otherwise.as_ref().map(|name| name.value.as_str()))
    }
}

const KEYS: &[&str] = &["approvers", "otherwise"];

/// Reads the mapping `gate`.
pub(super) fn read(node: &Node<'_>, sink: &mut Sink) -> Gate {
    let mut gate = Gate::default();
    let Some(map) = node.map(format_args!("`gate`"), "a mapping with `approvers`", sink) else { return gate };
    for entry in &map.entries {
        match entry.key.value.as_ref() {
            "approvers" => approvers(&entry.value, &mut gate, sink),
            "otherwise" => gate.otherwise = text(&entry.value, "`otherwise`", "the name of an approver", sink),
            _ => unknown_key(&entry.key, "`gate`", KEYS, sink),
        }
    }
    gate
}

fn approvers(node: &Node<'_>, gate: &mut Gate, sink: &mut Sink) {
    let wanted = "a mapping of approvers to what needs them";
    let Some(map) = node.map(format_args!("`approvers`"), wanted, sink) else { return };
    for entry in &map.entries {
        let what = format!("what needs `{}`", entry.key.value);
        let items = entry.value.items(format_args!("{what}"), "a list such as `[into class:secret]`", sink);
        let conditions = items.iter().filter_map(|item| text(item, &what, "text such as `into class:secret`", sink));
        let conditions = conditions.collect();
        gate.approvers.push((Spanned::new(entry.key.value.to_string(), entry.key.span), conditions));
    }
}

fn text(node: &Node<'_>, what: &str, wanted: &str, sink: &mut Sink) -> Option<Spanned<String>> {
    let scalar = node.scalar(format_args!("{what}"), wanted, sink)?;
    Some(Spanned::new(scalar.text.to_string(), node.span))
}
