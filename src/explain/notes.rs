//! What else one must know about a verdict: what carries a passing flow and until when, where a dropped one arrives all the same, and what the network does with the rest.

use jiff::civil::Date;

use super::{between, words};
use crate::graph::Topology;
use crate::model::{Model, Rule, RuleId};
use crate::packet::Flow;
use crate::reach::{Judgement, Reach, Verdict};

/// Days ahead that an end or a review is worth saying.
const SOON: i64 = 30;

/// Everything that is worth saying about a flow on a day.
pub(super) fn notes(
    reach: &Reach<'_>,
    topology: &Topology,
    at: Date,
    flow: &Flow,
    judgement: &Judgement,
) -> Vec<String> {
    let mut notes = match judgement.verdict {
        Verdict::Unenforced => between::unenforced(reach.model, topology, flow),
        Verdict::Unroutable => between::unroutable(reach, flow),
        Verdict::Pass => carried(reach.model, at, flow, &judgement.rules),
        Verdict::Drop => Vec::new(),
    };
    if let (Verdict::Drop, Some(device)) = (judgement.verdict, reach.unprotected_end(flow)) {
        notes.push(format!(
            "{} is an address of `{device}` itself, which filters nothing addressed to itself (`protect` is off): from next to it the flow arrives",
            flow.destination
        ));
    }
    notes
}

/// The quarantines that hold a flow, the one allow without which it would drop, and what ends that soon.
fn carried(model: &Model, at: Date, flow: &Flow, allows: &[RuleId]) -> Vec<String> {
    let holds = |set| {
        let held = model.endpoint(set);
        held.contains(flow.source) || held.contains(flow.destination)
    };
    let quarantines: Vec<_> =
        model.quarantines.iter().filter(|one| one.period.contains(at) && holds(one.held)).collect();
    let mut notes: Vec<String> = quarantines
        .iter()
        .map(|one| format!("the quarantine {} holds an end of it and keeps it", one.name.value))
        .collect();
    let passes_without = |rule: RuleId| {
        allows.iter().any(|other| *other != rule)
            && quarantines.iter().all(|one| one.keep.iter().any(|kept| *kept != rule && allows.contains(kept)))
    };
    let needed = allows.iter().filter(|rule| !passes_without(**rule));
    for rule in needed.filter_map(|rule| model.rules.get(rule.index())) {
        notes.push(format!("nothing but {} lets it pass", rule.name.value));
        notes.extend(ends(rule, at));
    }
    notes
}

/// The end and the review of a rule, where they are near.
fn ends(rule: &Rule, at: Date) -> Vec<String> {
    let name = &rule.name.value;
    let until = rule.period.until.and_then(|until| Some((until, days(at, until)?)));
    let end = until
        .filter(|(_, left)| *left <= SOON)
        .map(|(until, left)| format!("{name} ends after {until}, {}: from then on it drops", in_days(left)));
    let review = rule.meta.review.and_then(|review| Some((review, days(at, review)?)));
    let review = review.filter(|(_, left)| *left <= SOON).map(|(review, left)| {
        if left < 0 {
            format!("the review of {name} was due on {review}")
        } else {
            format!("the review of {name} is due on {review}, {}", in_days(left))
        }
    });
    [end, review].into_iter().flatten().collect()
}

fn days(from: Date, to: Date) -> Option<i64> {
    from.until(to).ok().map(|span| i64::from(span.get_days()))
}

fn in_days(days: i64) -> String {
    match days {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        many => format!("in {many} days"),
    }
}

/// `a`, `b` and `c`
pub(super) fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    words::joined(&names, " and ")
}
