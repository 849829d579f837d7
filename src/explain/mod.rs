//! Why one flow passes or drops: verdict and rules from `reach`, and from each firewall on the way the line of its file that decides.
//!
//! The two come from different stages on purpose: the verdict never looks at a rule set, the lines never look at the verdict. Beside them stand the rules that nearly decide
//! ([`Nearly`]) and what the network does where no rule decides.

mod between;
mod lines;
mod nearly;
mod notes;
mod text;
mod words;

pub use nearly::{Differs, Nearly};

use jiff::civil::Date;

use self::nearly::Near;
use crate::answer;
use crate::graph::Topology;
use crate::model::Rule;
use crate::packet::Flow;
use crate::pipeline::Loaded;
use crate::plan::Placement;
use crate::reach::{Reach, Verdict};
use crate::report::json::{ExplainReport, FlowObject, HopObject, NearlyObject, RuleObject};
use crate::source::Span;
use crate::syntax::ast::Effect;

/// A rule or quarantine that decides a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What it is called.
    pub name: String,
    /// `allow`, `deny` or `quarantine`.
    pub effect: &'static str,
    /// The text after its name.
    pub title: Option<String>,
    /// The file that it stands in.
    pub file: String,
    /// The line of its name, from 1.
    pub line: usize,
}

/// A firewall on the way, and the line of its file that decides the flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The device.
    pub device: String,
    /// Its file.
    pub file: String,
    /// The line, from 1; `None` where nothing in the file spells it out.
    pub line: Option<usize>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The flow that was asked about.
    pub flow: Flow,
    /// What people call the source; `None` if it is unknown.
    pub from: Option<String>,
    /// What people call the destination; `None` if it is unknown.
    pub to: Option<String>,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Why, in the order of names.
    pub reasons: Vec<Reason>,
    /// The rules that nearly decide, the nearest first.
    pub nearly: Vec<Nearly>,
    /// The firewalls on the way, nearest to the source first.
    pub path: Vec<Hop>,
    /// What else one must know.
    pub notes: Vec<String>,
}

/// Explains a flow at a date.
#[must_use]
pub fn explain(loaded: &Loaded, topology: &Topology, at: Date, flow: &Flow) -> Explanation {
    let model = &loaded.model;
    let reach = Reach::new(model, topology, at);
    let judgement = reach.judge(flow);
    let name = |address| model.name_of(address).map(str::to_owned);
    let reason = |name: &str, effect, title: &Option<String>, span: Span| Reason {
        name: name.to_owned(),
        effect,
        title: title.clone(),
        file: loaded.project.sources.path(span.file).to_owned(),
        line: loaded.project.sources.position(span).line,
    };
    let of_rule = |rule: &Rule| {
        let effect = match rule.effect {
            Effect::Allow => "allow",
            Effect::Deny => "deny",
        };
        reason(&rule.name.value, effect, &rule.meta.title, rule.name.span)
    };
    let rules = judgement.rules.iter().filter_map(|rule| model.rules.get(rule.index())).map(of_rule);
    let held =
        judgement.quarantines.iter().filter_map(|at| model.quarantines.get(*at)).map(|quarantine| {
            reason(&quarantine.name.value, "quarantine", &quarantine.meta.title, quarantine.name.span)
        });
    let reasons = rules.chain(held).collect();
    let crosses = matches!(judgement.verdict, Verdict::Pass | Verdict::Drop);
    let placement = crosses.then(|| Placement::new(model, topology, at));
    let way = if crosses { reach.on_the_way(flow) } else { Vec::new() };
    let path = placement
        .iter()
        .flat_map(|placement| way.iter().filter_map(|on| lines::hop(placement, topology, on, flow)))
        .collect();
    Explanation {
        flow: *flow,
        from: name(flow.source),
        to: name(flow.destination),
        verdict: judgement.verdict,
        reasons,
        path,
        nearly: Near { model, at, flow: *flow }.find(&judgement, &of_rule),
        notes: notes::notes(&reach, topology, at, flow, &judgement),
    }
}

impl Explanation {
    /// The JSON object; the source port is `null` where it stands for any.
    #[must_use]
    pub fn to_json(&self, any_source_port: bool) -> ExplainReport {
        let rule = |reason: &Reason| RuleObject {
            name: reason.name.clone(),
            effect: reason.effect.to_owned(),
            file: reason.file.clone(),
            line: reason.line,
        };
        let hop = |hop: &Hop| HopObject { device: hop.device.clone(), file: hop.file.clone(), line: hop.line };
        let nearly = |near: &Nearly| NearlyObject {
            rule: near.rule.name.clone(),
            effect: near.rule.effect.to_owned(),
            file: near.rule.file.clone(),
            line: near.rule.line,
            differs: near.differs.iter().map(|what| what.as_str()).collect(),
            because: format!("{} {}", near.rule.name, near.said),
        };
        ExplainReport {
            schema: "sekisho/explain/1",
            flow: flow_object(&self.flow, any_source_port),
            from: self.from.clone(),
            to: self.to.clone(),
            verdict: self.verdict.as_str(),
            rules: self.reasons.iter().map(rule).collect(),
            nearly: self.nearly.iter().map(nearly).collect(),
            path: self.path.iter().map(hop).collect(),
            notes: self.notes.clone(),
        }
    }
}

fn flow_object(flow: &Flow, any_source_port: bool) -> FlowObject {
    let object = answer::flow_object(flow);
    if any_source_port { FlowObject { source_port: None, ..object } } else { object }
}
