//! What `lines` and `equiv` answer about rule sets, as text and as JSON.
//!
//! Lines are named by number and text, as the file has them; packets by maximal products with one packet of each.

use serde::Serialize;

use super::rows::{flow_object, literals};
use crate::listing::{
    Analysis, COPIES, ChainId, Comparison, Difference, Direction, Finding, HELPER, Hook, Listing, OFFLOAD, State,
    Trouble, Way, What, unjudged,
};
use crate::packet::{AddressRange, AddressSet, Family, Flow, Product};
use crate::report::json::FlowObject;

/// How many ranges, ways or products a line for people shows.
const SHOWN: usize = 6;

/// A line of a rule set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineObject {
    /// From 1; 0 if the file does not say.
    pub line: usize,
    /// Its text.
    pub text: String,
}

/// Something that does nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindingObject {
    /// `unreachable`, `empty`, `elsewhere`, `behind`, `shadowed` or `redundant`.
    pub kind: &'static str,
    /// The chain, as the platform names it.
    pub chain: String,
    /// The line.
    #[serde(flatten)]
    pub line: LineObject,
    /// The lines that take what it could match.
    pub by: Vec<LineObject>,
}

/// Something that was noticed and is no rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoticedObject {
    /// The line.
    #[serde(flatten)]
    pub line: LineObject,
    /// What it is.
    pub what: String,
    /// Whether nothing is certain for it.
    pub blurs: bool,
}

/// A family that nothing judges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnjudgedObject {
    /// `input` or `forward`.
    pub hook: &'static str,
    /// `IPv4` or `IPv6`.
    pub family: &'static str,
}

/// `sekisho lines`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinesReport {
    /// `sekisho/lines/1`
    pub schema: &'static str,
    /// How many rules there are.
    pub rules: usize,
    /// What does nothing, in the order of the file.
    pub findings: Vec<FindingObject>,
    /// What is wrong with how chains ask each other.
    pub troubles: Vec<String>,
    /// Rules of which something is not known.
    pub unknown: Vec<LineObject>,
    /// What was read and is no rule.
    pub noticed: Vec<NoticedObject>,
    /// Families that pass a hook because no rule judges them there, while the other family is judged.
    pub unjudged: Vec<UnjudgedObject>,
}

/// What is found in a rule set on its own.
#[must_use]
pub fn lines_report(listing: &Listing, analysis: &Analysis) -> LinesReport {
    let rules = || listing.chains.iter().flat_map(|chain| &chain.rules);
    let unknown = rules().filter(|rule| rule.is_unknown());
    let noticed = listing.noticed.iter().map(|one| NoticedObject {
        line: LineObject { line: one.line, text: one.text.clone() },
        what: one.what.clone(),
        blurs: one.blurs(),
    });
    LinesReport {
        schema: "sekisho/lines/1",
        rules: rules().count(),
        findings: analysis.findings.iter().map(|one| finding(listing, one)).collect(),
        troubles: analysis.troubles.iter().map(|one| trouble(listing, one)).collect(),
        unknown: unknown.map(|rule| LineObject { line: rule.line, text: rule.text.clone() }).collect(),
        noticed: noticed.collect(),
        unjudged: unjudged(listing).into_iter().map(unjudged_object).collect(),
    }
}

fn unjudged_object((hook, family): (Hook, Family)) -> UnjudgedObject {
    UnjudgedObject {
        hook: if hook == Hook::Input { "input" } else { "forward" },
        family: if family == Family::V4 { "IPv4" } else { "IPv6" },
    }
}

fn name(listing: &Listing, chain: ChainId) -> String {
    listing.chains.get(chain.0).map_or_else(String::new, |chain| chain.name.clone())
}

fn line(listing: &Listing, chain: ChainId, rule: usize) -> Option<LineObject> {
    let rule = listing.chains.get(chain.0)?.rules.get(rule)?;
    Some(LineObject { line: rule.line, text: rule.text.clone() })
}

fn finding(listing: &Listing, one: &Finding) -> FindingObject {
    let (kind, by): (_, &[usize]) = match &one.what {
        What::Unreachable => ("unreachable", &[]),
        What::Empty => ("empty", &[]),
        What::Elsewhere => ("elsewhere", &[]),
        What::Behind(rule) => ("behind", std::slice::from_ref(rule)),
        What::Shadowed(rules) => ("shadowed", rules),
        What::Redundant => ("redundant", &[]),
    };
    let own = one.rule.and_then(|rule| line(listing, one.chain, rule));
    FindingObject {
        kind,
        chain: name(listing, one.chain),
        line: own.unwrap_or(LineObject { line: one.line, text: String::new() }),
        by: by.iter().filter_map(|rule| line(listing, one.chain, *rule)).collect(),
    }
}

fn trouble(listing: &Listing, trouble: &Trouble) -> String {
    match trouble {
        Trouble::Circle(chains) => {
            let names: Vec<String> = chains.iter().map(|chain| format!("`{}`", name(listing, *chain))).collect();
            format!("{} ask each other in a circle: no device loads that, and what they do is unknown", some(&names))
        }
        Trouble::Deep(chain) => {
            format!("more than 16 chains are nested below `{}`: nftables does not load that", name(listing, *chain))
        }
    }
}

/// The first few of a list.
fn some(words: &[String]) -> String {
    let shown = words.iter().take(SHOWN).cloned().collect::<Vec<String>>().join(", ");
    match words.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

impl LinesReport {
    /// For people: one line a finding, and the lines that take what a dead one could match below it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for one in &self.findings {
            text.push_str(&format!("line {}: {}\n", one.line.line, said(one)));
            if !one.line.text.is_empty() {
                text.push_str(&format!("    {}\n", one.line.text));
            }
            for line in one.by.iter().take(SHOWN) {
                text.push_str(&format!("  line {}: {}\n", line.line, line.text));
            }
            if one.by.len() > SHOWN {
                text.push_str(&format!("  and {} more\n", one.by.len() - SHOWN));
            }
        }
        for trouble in &self.troubles {
            text.push_str(&format!("{trouble}\n"));
        }
        for UnjudgedObject { hook, family } in &self.unjudged {
            let end = if *hook == "input" { "to the device itself" } else { "through the device" };
            text.push_str(&format!("no rule judges {family} {end}: all of it passes\n"));
        }
        for one in self.noticed.iter().filter(|one| one.blurs) {
            text.push_str(&format!("line {}: not certain: {}\n", one.line.line, one.what));
        }
        for one in &self.unknown {
            text.push_str(&format!("line {}: not understood, may match or not\n    {}\n", one.line, one.text));
        }
        text.push_str(&format!(
            "{} rules, {} that do nothing, {} not understood\n",
            self.rules,
            self.findings.iter().filter(|one| one.kind != "unreachable").count(),
            self.unknown.len()
        ));
        text
    }
}

fn said(one: &FindingObject) -> String {
    let chain = &one.chain;
    match one.kind {
        "unreachable" => format!("no packet comes to chain `{chain}`"),
        "empty" => format!("no packet meets these conditions, in chain `{chain}`"),
        "elsewhere" => format!("what comes to chain `{chain}` never meets these conditions"),
        "behind" => format!("never asked: an earlier line ends chain `{chain}` for every packet"),
        "shadowed" => format!("never matches: earlier lines of chain `{chain}` take all that it could"),
        _ => format!("changes nothing: without it, chain `{chain}` does the same"),
    }
}

/// Packets that are treated differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PacketsObject {
    /// Source addresses.
    pub from: Vec<String>,
    /// Destination addresses.
    pub to: Vec<String>,
    /// Services.
    pub on: Vec<String>,
    /// One of them.
    pub witness: FlowObject,
}

/// A way through, to or from the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WayObject {
    /// `forward`, `input` or `output`.
    pub hook: &'static str,
    /// The interface that it comes in over; `null` if the device sends it.
    pub incoming: Option<String>,
    /// The interface that it goes out over; `null` if it is for the device.
    pub outgoing: Option<String>,
    /// What connection tracking says.
    pub state: &'static str,
}

/// A difference of two rule sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DifferenceObject {
    /// The ways on which these packets differ.
    pub ways: Vec<WayObject>,
    /// `null` if packets are shown by their own headers; else their connections are shown by their first packets, and the packets go this way: `original`, `reply`, or `error` for
    /// ICMP errors about them.
    pub direction: Option<&'static str>,
    /// What only the first passes.
    pub only_first: Vec<PacketsObject>,
    /// What only the second passes.
    pub only_second: Vec<PacketsObject>,
}

/// `sekisho equiv`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EquivReport {
    /// `sekisho/equiv/1`
    pub schema: &'static str,
    /// `equal`, `different` or `unproven`.
    pub verdict: &'static str,
    /// Where they differ.
    pub differences: Vec<DifferenceObject>,
    /// Lines of the first that leave something open.
    pub unknown_first: Vec<LineObject>,
    /// Lines of the second that do.
    pub unknown_second: Vec<LineObject>,
}

/// What a comparison of two rule sets says.
#[must_use]
pub fn equiv_report(first: &Listing, second: &Listing, comparison: &Comparison) -> EquivReport {
    // Where something blurs a rule set as a whole, a difference is one of what was understood.
    let is_certain = first.blurs().chain(second.blurs()).next().is_none();
    let verdict = match (comparison.differences.is_empty(), &comparison.doubt) {
        (false, _) if is_certain => "different",
        (true, None) => "equal",
        _ => "unproven",
    };
    let doubt = comparison.doubt.clone().unwrap_or_default();
    EquivReport {
        schema: "sekisho/equiv/1",
        verdict,
        differences: comparison.differences.iter().map(difference).collect(),
        unknown_first: doubtful(first, &doubt.first, comparison.doubt.is_some()),
        unknown_second: doubtful(second, &doubt.second, comparison.doubt.is_some()),
    }
}

/// The rules of some lines, and what blurs the whole.
fn doubtful(listing: &Listing, lines: &[usize], is_doubtful: bool) -> Vec<LineObject> {
    let rules = listing.chains.iter().flat_map(|chain| &chain.rules);
    let rules = rules.filter(|rule| rule.is_unknown() && lines.contains(&rule.line));
    let mut found: Vec<LineObject> =
        rules.map(|rule| LineObject { line: rule.line, text: rule.text.clone() }).collect();
    let diverts = listing.diverts.iter().filter(|rule| lines.contains(&rule.line));
    found.extend(diverts.map(|rule| LineObject { line: rule.line, text: rule.text.clone() }));
    let opens = listing.noticed.iter().filter(|one| [HELPER, OFFLOAD, COPIES].iter().any(|what| one.is(what)));
    let opens = opens.filter(|one| lines.contains(&one.line));
    found.extend(opens.map(|one| LineObject { line: one.line, text: one.what.clone() }));
    if is_doubtful {
        found.extend(listing.blurs().map(|one| LineObject { line: one.line, text: one.what.clone() }));
    }
    found.sort_by(|a, b| (a.line, &a.text).cmp(&(b.line, &b.text)));
    found
}

fn difference(one: &Difference) -> DifferenceObject {
    DifferenceObject {
        ways: one.ways.iter().map(way_object).collect(),
        direction: one.direction.map(direction_name),
        only_first: one.only_first.iter().map(packets).collect(),
        only_second: one.only_second.iter().map(packets).collect(),
    }
}

/// A way as programs see it.
pub(super) fn way_object((hook, incoming, outgoing, state): &Way) -> WayObject {
    WayObject {
        hook: hook_name(*hook),
        incoming: incoming.clone(),
        outgoing: outgoing.clone(),
        state: state_name(*state),
    }
}

fn packets((product, witness): &(Product, Flow)) -> PacketsObject {
    let family = crate::packet::Family::of(witness.source);
    PacketsObject {
        from: addresses(&product.sources),
        to: addresses(&product.destinations),
        on: literals(&product.services.only(family)),
        witness: flow_object(witness),
    }
}

fn addresses(set: &AddressSet) -> Vec<String> {
    set.ranges().map(|range: AddressRange| range.to_string()).collect()
}

fn hook_name(hook: Hook) -> &'static str {
    match hook {
        Hook::Prerouting => "prerouting",
        Hook::Input => "input",
        Hook::Forward => "forward",
        Hook::Output => "output",
        Hook::Postrouting => "postrouting",
    }
}

fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Original => "original",
        Direction::Reply => "reply",
        Direction::Error => "error",
    }
}

fn state_name(state: State) -> &'static str {
    match state {
        State::New => "new",
        State::Established => "established",
        State::Related => "related",
        State::Invalid => "invalid",
        State::Untracked => "untracked",
    }
}

impl EquivReport {
    /// For people: the verdict, then what differs.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = match self.verdict {
            "equal" => "the two mean the same for every packet\n".to_owned(),
            "different" => "the two differ\n".to_owned(),
            _ if !self.differences.is_empty() => {
                "not proved: as far as they are understood, the two differ\n".to_owned()
            }
            _ => "not proved: something that is not understood decides\n".to_owned(),
        };
        for one in &self.differences {
            let ways: Vec<String> = one.ways.iter().map(way).collect();
            text.push_str(&format!("on {}{}\n", some(&ways), of_connections(one.direction)));
            for (which, packets) in [("first", &one.only_first), ("second", &one.only_second)] {
                for packets in packets.iter().take(SHOWN) {
                    text.push_str(&format!("  only the {which} passes {}\n", shown(packets)));
                }
                if packets.len() > SHOWN {
                    text.push_str(&format!("  and {} more\n", packets.len() - SHOWN));
                }
            }
        }
        for (which, lines) in [("first", &self.unknown_first), ("second", &self.unknown_second)] {
            for line in lines {
                text.push_str(&format!("line {} of the {which}: not certain: {}\n", line.line, line.text));
            }
        }
        text
    }
}

/// What is shown, where it is not the packets themselves.
fn of_connections(direction: Option<&str>) -> &'static str {
    match direction {
        None => "",
        Some("original") => ", packets of connections that began with",
        Some("reply") => ", answers in connections that began with",
        Some(_) => ", ICMP errors about connections that began with",
    }
}

fn way(way: &WayObject) -> String {
    let ends = [
        way.incoming.as_ref().map(|name| format!("in `{name}`")),
        way.outgoing.as_ref().map(|name| format!("out `{name}`")),
    ];
    let ends: Vec<String> = ends.into_iter().flatten().collect();
    format!("{} {} {}", way.hook, ends.join(" "), way.state)
}

fn shown(packets: &PacketsObject) -> String {
    let witness = &packets.witness;
    let port = witness.destination_port.or(witness.icmp_type.map(u16::from));
    let service = port.map_or_else(|| witness.protocol.clone(), |port| format!("{}/{port}", witness.protocol));
    format!(
        "{} -> {} on {}\n    such as {} -> {} {service}",
        some(&packets.from),
        some(&packets.to),
        some(&packets.on),
        witness.src,
        witness.dst
    )
}
