//! What the proof against the plan must say of a changed rule set, by what the judge finds to differ from the one that was written.
//!
//! The written one does what the plan asks, so a change of what is let through is a mistake, with the freedom that a plan leaves: which packets of no
//! connection, or of a connection that is not permitted, are dropped; what the device itself is sent where it does not protect itself.

use std::net::IpAddr;

use sekisho::listing::Hook::Prerouting;
use sekisho::listing::{Action, Base, Chain, ChainId, Listing, Sees};
use sekisho::packet::Family;
use sekisho::plan::DevicePlan;
use sekisho::proof::{self, Gap, Proof, Verdict};

use crate::asked::Files;
use crate::judge::{Difference, Field, Hook, Judge, Packet, Range, RuleSet, Situation, Way};

/// What the proof may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Must {
    /// The two rule sets mean the same.
    BeEqual,
    /// They differ where the plan leaves no freedom.
    Differ,
    /// They differ elsewhere.
    BeEither,
}

/// What the proof says; the long way of computing it must say the same.
pub fn ask(plan: &DevicePlan, files: &Files) -> Proof {
    let listing = files.listing();
    let proof = proof::device(plan, &listing);
    let by_sets = proof::device(plan, &not_plain(listing));
    assert_eq!(found(&proof), found(&by_sets), "the short way and the long way disagree about {}", plan.device);
    proof
}

/// What a proof found, without the lines that are blamed.
fn found(proof: &Proof) -> impl PartialEq + std::fmt::Debug {
    let gaps =
        |gaps: &[Gap]| gaps.iter().map(|gap| (gap.kind, gap.ways.clone(), gap.flows.clone())).collect::<Vec<_>>();
    (proof.verdict, gaps(&proof.extra), gaps(&proof.missing))
}

/// The same rule set with one more base chain, which decides nothing: then nothing is compared without computing what it means.
fn not_plain(mut listing: Listing) -> Listing {
    let chain = ChainId(listing.chains.len());
    listing.chains.push(Chain { name: "nothing".to_owned(), ..Chain::default() });
    let (hook, families) = (Prerouting, Family::BOTH.to_vec());
    listing
        .bases
        .insert(0, Base { chain, hook, priority: i32::MIN, policy: Action::Accept, families, sees: Sees::All });
    listing
}

/// The first reason why something is not proved, and the line.
pub fn reason(proof: &Proof) -> (String, String) {
    let doubt = proof.unproven.first();
    let because = doubt.map(|one| match one.because.split('`').collect::<Vec<_>>().as_slice() {
        ["", text, rest] => format!("{} ...{rest}", text.split(' ').take(2).collect::<Vec<_>>().join(" ")),
        _ => one.because.clone(),
    });
    (because.unwrap_or_default(), doubt.map(|one| one.text.clone()).unwrap_or_default())
}

/// Whether a line is among those that are blamed.
pub fn blames(proof: &Proof, lines: &[usize]) -> bool {
    let gaps = proof.extra.iter().chain(&proof.missing);
    gaps.flat_map(|gap| &gap.lines).any(|blamed| lines.contains(&blamed.line))
}

/// Whether the proof says what it must.
pub fn is_right(must: Must, verdict: Verdict) -> bool {
    match must {
        Must::BeEqual => verdict == Verdict::Equal,
        Must::Differ => verdict == Verdict::Differs,
        Must::BeEither => true,
    }
}

/// What the proof must say where these are the differences.
pub fn must(judge: &mut Judge, plan: &DevicePlan, original: &RuleSet, differences: &[Difference]) -> Must {
    if differences.is_empty() {
        return Must::BeEqual;
    }
    if differences.iter().any(|one| is_bound(judge, plan, original, one)) { Must::Differ } else { Must::BeEither }
}

fn is_bound(judge: &mut Judge, plan: &DevicePlan, original: &RuleSet, one: &Difference) -> bool {
    let is_wider = !one.only_second.is_false();
    // Nothing is forwarded from or to the loop-back interface.
    if one.way.incoming == "lo" || one.way.outgoing == "lo" {
        return false;
    }
    match (one.way.hook, one.situation) {
        (Hook::Forward, Situation::First) => true,
        (Hook::Forward, Situation::Forth) => {
            let permitted = judge.passing_of(original, &one.way, Situation::First);
            is_wider || !one.only_first.and(&permitted).is_false()
        }
        (Hook::Forward, Situation::Back) => is_wider || drops_answers(judge, original, one),
        (Hook::Forward, Situation::ErrorBack | Situation::ErrorForth | Situation::Invalid | Situation::Untracked) => {
            is_wider
        }
        (Hook::Input, Situation::First) => {
            let own = own(judge, plan);
            let both = one.only_first.or(&one.only_second);
            plan.input.is_some() && !both.and(&own).is_false()
        }
        _ => false,
    }
}

/// Whether an answer of a permitted connection is among those that are dropped now: a few are tried.
fn drops_answers(judge: &mut Judge, original: &RuleSet, one: &Difference) -> bool {
    let forth = Way { incoming: one.way.outgoing.clone(), outgoing: one.way.incoming.clone(), ..one.way.clone() };
    let permitted = judge.passing_of(original, &forth, Situation::First);
    (0..8_u32).any(|seed| {
        let mut state = seed;
        let mut choose = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 31 == 1
        };
        let packet = judge.space.member(&one.only_first, &mut choose);
        packet.and_then(|packet| asked_by(&packet)).is_some_and(|first| judge.space.holds(&permitted, &first))
    })
}

/// The first packet that this one answers.
fn asked_by(answer: &Packet) -> Option<Packet> {
    let (first, second) = match (answer.protocol, answer.first) {
        (1, 0) => (8, answer.second),
        (58, 129) => (128, answer.second),
        (1 | 58, _) => return None,
        _ => (answer.second, answer.first),
    };
    Some(Packet { source: answer.destination, destination: answer.source, first, second, ..*answer })
}

fn own(judge: &Judge, plan: &DevicePlan) -> biodivine_lib_bdd::Bdd {
    let addresses = || plan.interfaces.iter().flat_map(|interface| interface.addresses.iter().copied());
    let four: Vec<Range> = addresses()
        .filter_map(|address| match address {
            IpAddr::V4(four) => Some((u128::from(u32::from(four)), u128::from(u32::from(four)))),
            IpAddr::V6(_) => None,
        })
        .collect();
    let six: Vec<Range> = addresses()
        .filter_map(|address| match address {
            IpAddr::V4(_) => None,
            IpAddr::V6(six) => Some((u128::from(six), u128::from(six))),
        })
        .collect();
    let space = &judge.space;
    space.value(Field::Destination4, &four, Situation::First).or(&space.value(
        Field::Destination6,
        &six,
        Situation::First,
    ))
}
