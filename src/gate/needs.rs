//! Which approvers a change needs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diag::codes::input::BAD_CONDITION;
use crate::diag::{Diagnostic, Sink, closest};
use crate::model::administration;
use crate::packet::{AddressSet, Product, ServiceSet};
use crate::settings::Gate;
use crate::source::Spanned;

/// Words that stand for a condition by themselves.
const WHOLE: [&str; 3] = ["administration", "waivers", "anything"];

/// The addresses of each value of an attribute.
type Values = BTreeMap<String, Arc<AddressSet>>;

/// What expressions of the language stand for, in one project.
pub struct Lookup<'a> {
    /// Endpoints, such as `class:secret`; else why not.
    pub endpoints: &'a dyn Fn(&str) -> Result<Arc<AddressSet>, String>,
    /// Services.
    pub services: &'a dyn Fn(&str) -> Result<Arc<ServiceSet>, String>,
    /// The addresses of each value of an attribute; else a similar key, if there is one.
    pub values: &'a dyn Fn(&str) -> Result<Values, Option<String>>,
}

/// The conditions of a project, resolved.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    conditions: Vec<Condition>,
    otherwise: Option<String>,
}

/// What calls for an approver.
#[derive(Debug, Clone)]
struct Condition {
    approver: String,
    /// As it is written.
    text: String,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    /// Flows between these on these; `None` is any.
    Flows { from: Option<Arc<AddressSet>>, into: Option<Arc<AddressSet>>, on: Option<Arc<ServiceSet>> },
    /// Promises that are taken back.
    Guards,
}

/// Somebody who must approve, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// Who; `None` is anybody.
    pub approver: Option<String>,
    /// The conditions that call for it, as they are written; none if nothing else does.
    pub because: BTreeSet<String>,
}

impl Rules {
    /// Resolves the conditions of a project; mistakes are in `sink`, at their places.
    pub fn new(gate: &Gate, lookup: &Lookup<'_>, sink: &mut Sink) -> Self {
        let mut rules =
            Self { conditions: Vec::new(), otherwise: gate.otherwise.as_ref().map(|name| name.value.clone()) };
        for (approver, conditions) in &gate.approvers {
            for condition in conditions {
                match what(&condition.value, lookup) {
                    Ok(what) => rules.conditions.push(Condition {
                        approver: approver.value.clone(),
                        text: condition.value.clone(),
                        what,
                    }),
                    Err(wrong) => sink.push(wrong.at(condition)),
                }
            }
        }
        rules
    }

    /// The conditions that ask for less in other rules, as they are written; `known` are the addresses that those know.
    #[must_use]
    pub fn loosened(&self, other: &Self, known: &AddressSet) -> Vec<String> {
        let is_kept = |one: &Condition| {
            other.conditions.iter().any(|new| new.approver == one.approver && new.what.asks_for(&one.what, known))
        };
        let words = |one: &Condition| format!("`{}` for `{}`", one.text, one.approver);
        self.conditions.iter().filter(|one| !is_kept(one)).map(words).collect()
    }

    /// Who must approve that flows are opened.
    #[must_use]
    pub fn for_flows(&self, flows: &[Product]) -> Vec<Need> {
        let mut needs: BTreeMap<Option<String>, BTreeSet<String>> = BTreeMap::new();
        for product in flows {
            let called: Vec<&Condition> = self.conditions.iter().filter(|one| one.what.is_met_by(product)).collect();
            if called.is_empty() {
                needs.entry(self.otherwise.clone()).or_default();
            }
            for one in called {
                needs.entry(Some(one.approver.clone())).or_default().insert(one.text.clone());
            }
        }
        needs.into_iter().map(|(approver, because)| Need { approver, because }).collect()
    }

    /// Who must approve that promises are taken back.
    #[must_use]
    pub fn for_guards(&self) -> Vec<Need> {
        let mut needs: BTreeMap<Option<String>, BTreeSet<String>> = BTreeMap::new();
        for one in self.conditions.iter().filter(|one| matches!(one.what, What::Guards)) {
            needs.entry(Some(one.approver.clone())).or_default().insert(one.text.clone());
        }
        if needs.is_empty() {
            needs.insert(self.otherwise.clone(), BTreeSet::new());
        }
        needs.into_iter().map(|(approver, because)| Need { approver, because }).collect()
    }
}

impl What {
    /// Whether this is met by everything, of what is known, that meets another one.
    fn asks_for(&self, other: &Self, known: &AddressSet) -> bool {
        let holds = |wanted: &Option<Arc<AddressSet>>, set: &Option<Arc<AddressSet>>| match (wanted, set) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(wanted), Some(set)) => set.intersection(known).is_subset(wanted),
        };
        match (self, other) {
            (Self::Guards, Self::Guards) => true,
            (Self::Flows { from, into, on }, Self::Flows { from: old_from, into: old_into, on: old_on }) => {
                let serves = match (on, old_on) {
                    (None, _) => true,
                    (Some(_), None) => false,
                    (Some(on), Some(old)) => old.is_subset(on),
                };
                holds(from, old_from) && holds(into, old_into) && serves
            }
            _ => false,
        }
    }

    fn is_met_by(&self, product: &Product) -> bool {
        let Self::Flows { from, into, on } = self else { return false };
        let meets = |wanted: &Option<Arc<AddressSet>>, set: &AddressSet| {
            wanted.as_ref().is_none_or(|wanted| wanted.intersects(set))
        };
        meets(from, &product.sources)
            && meets(into, &product.destinations)
            && on.as_ref().is_none_or(|on| on.intersects(&product.services))
    }
}

/// What either side of a change asks: each approver once, with the conditions of both sides, in order. Where somebody is named, nobody asks for just anybody besides.
#[must_use]
pub fn together(needs: [Vec<Need>; 2]) -> Vec<Need> {
    let mut all: Vec<Need> = Vec::new();
    for need in needs.into_iter().flatten() {
        match all.iter_mut().find(|known| known.approver == need.approver) {
            Some(known) => known.because.extend(need.because),
            None => all.push(need),
        }
    }
    // Whoever is named is somebody.
    if all.iter().any(|need| need.approver.is_some()) {
        all.retain(|need| need.approver.is_some());
    }
    all.sort();
    all
}

/// What is wrong with a condition.
struct Wrong {
    message: String,
    help: String,
}

impl Wrong {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }

    fn at(self, condition: &Spanned<String>) -> Diagnostic {
        Diagnostic::new(&BAD_CONDITION, condition.span, self.message).help(self.help)
    }
}

const HELP: &str = "write `from`, `into` and `on` with what may stand there in a rule, `from tier >= 2`, or one of `administration`, `waivers`, `anything`";

fn what(text: &str, lookup: &Lookup<'_>) -> Result<What, Wrong> {
    let (mut from, mut into, mut on) = (None, None, None);
    match text.trim() {
        "waivers" => return Ok(What::Guards),
        "anything" => return Ok(What::Flows { from, into, on }),
        "administration" => return Ok(What::Flows { from, into, on: Some(log_in()) }),
        _ => {}
    }
    for (keyword, value) in clauses(text)? {
        if value.is_empty() {
            return Err(Wrong::new(format!("nothing stands after `{keyword}`"), HELP));
        }
        let is_twice = match keyword {
            "from" => from.replace(addresses(&value, lookup)?).is_some(),
            "into" => into.replace(addresses(&value, lookup)?).is_some(),
            _ => on.replace(services(&value, lookup)?).is_some(),
        };
        if is_twice {
            return Err(Wrong::new(
                format!("`{keyword}` is said twice"),
                "write several ends after one word, with commas between",
            ));
        }
    }
    Ok(What::Flows { from, into, on })
}

/// Each keyword with what stands after it.
fn clauses(text: &str) -> Result<Vec<(&'static str, String)>, Wrong> {
    let mut clauses: Vec<(&'static str, Vec<&str>)> = Vec::new();
    for word in text.split_whitespace() {
        let keyword = match word {
            "from" => Some("from"),
            "into" | "to" => Some("into"),
            "on" => Some("on"),
            _ => None,
        };
        match (keyword, clauses.last_mut()) {
            (Some(keyword), _) => clauses.push((keyword, Vec::new())),
            (None, Some((_, words))) => words.push(word),
            (None, None) => {
                let message = format!("`{word}` is no condition");
                let near = closest(word, WHOLE.into_iter().chain(["from", "into", "on"]));
                return Err(match near {
                    Some(near) => Wrong::new(message, format!("a word close to it is `{near}`")),
                    None => Wrong::new(message, HELP),
                });
            }
        }
    }
    if clauses.is_empty() {
        return Err(Wrong::new("a condition is empty", HELP));
    }
    Ok(clauses.into_iter().map(|(keyword, words)| (keyword, words.join(" "))).collect())
}

fn log_in() -> Arc<ServiceSet> {
    Arc::new(administration().clone())
}

fn services(text: &str, lookup: &Lookup<'_>) -> Result<Arc<ServiceSet>, Wrong> {
    if text == "administration" {
        return Ok(log_in());
    }
    (lookup.services)(text).map_err(|message| Wrong::new(message, HELP))
}

fn addresses(text: &str, lookup: &Lookup<'_>) -> Result<Arc<AddressSet>, Wrong> {
    match comparison(text) {
        Some((key, is_meant)) => {
            let values = (lookup.values)(key).map_err(|near| {
                let help = near.map_or_else(|| HELP.to_owned(), |near| format!("a key close to it is `{near}`"));
                Wrong::new(format!("nothing has the attribute `{key}`"), help)
            })?;
            let meant = values.iter().filter(|(value, _)| value.parse().is_ok_and(&is_meant));
            Ok(Arc::new(AddressSet::union_all(meant.map(|(_, set)| &**set))))
        }
        None => (lookup.endpoints)(text).map_err(|message| Wrong::new(message, HELP)),
    }
}

/// `tier >= 2`: the key, and which values are meant.
fn comparison(text: &str) -> Option<(&str, impl Fn(i64) -> bool + use<>)> {
    let at = text.find(['<', '>'])?;
    let (key, rest) = text.split_at_checked(at)?;
    let is_more = rest.starts_with('>');
    let (is_or_equal, number) = match rest.get(1..)?.strip_prefix('=') {
        Some(number) => (true, number),
        None => (false, rest.get(1..)?),
    };
    let number: i64 = number.trim().parse().ok()?;
    let is_meant = move |value: i64| match value.cmp(&number) {
        std::cmp::Ordering::Less => !is_more,
        std::cmp::Ordering::Equal => is_or_equal,
        std::cmp::Ordering::Greater => is_more,
    };
    Some((key.trim(), is_meant))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(approver: Option<&str>, because: &[&str]) -> Need {
        Need {
            approver: approver.map(str::to_owned),
            because: because.iter().map(|condition| (*condition).to_owned()).collect(),
        }
    }

    #[test]
    fn both_sides_are_asked() {
        let old = vec![need(Some("network"), &["administration"]), need(Some("ciso"), &["waivers"])];
        let new = vec![need(Some("ciso"), &["anything", "waivers"])];
        let all = [need(Some("ciso"), &["anything", "waivers"]), need(Some("network"), &["administration"])];
        assert_eq!(together([old.clone(), new.clone()]), all);
        assert_eq!(together([new, old]), all);
    }

    #[test]
    fn anybody_is_asked_for_only_if_nobody_is_named() {
        let anybody = || vec![need(None, &[])];
        assert_eq!(together([anybody(), anybody()]), anybody());
        let named = vec![need(Some("team"), &[])];
        assert_eq!(together([anybody(), named.clone()]), named);
        assert_eq!(together([vec![], vec![]]), []);
    }
}
