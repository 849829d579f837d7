//! One firewall, many changes: what the program and the judge say of each.

use std::collections::BTreeMap;
use std::fmt;

use sekisho::proof;

use crate::asked::{Files, Verdict, ask};
use crate::change::{Change, mutant};
use crate::judge::{Difference, Judge, Refusal, RuleSet};
use crate::proved::{self, Must};
use crate::source::Firewall;
use crate::worlds::random::Random;

/// More lines than this make decision diagrams slow.
const MOST_LINES: usize = 330;

/// What came out.
#[derive(Debug, Default)]
pub struct Count {
    pub firewalls: usize,
    pub too_long: usize,
    pub mutants: usize,
    /// Of each kind: how many, and how many of them changed the meaning.
    pub kinds: BTreeMap<&'static str, (usize, usize)>,
    /// By what the judge says (equal or not) and what the program says.
    pub said: BTreeMap<(bool, Verdict), usize>,
    /// Of what differs and has a line to blame: how many, and how often that line is among those that decide.
    pub blamed: (usize, usize),
    /// The same of the proof, which blames those that let through too much and those that drop too much.
    pub proof_blamed: (usize, usize),
    /// By what the proof must say and says.
    pub proved: BTreeMap<(Must, proof::Verdict), usize>,
    /// What the judge takes for a text that no program loads, by what the program says.
    pub refused: BTreeMap<Verdict, usize>,
    /// What the judge cannot judge, by what the program says.
    pub outside: BTreeMap<Verdict, usize>,
    /// Why something is unproven.
    pub reasons: BTreeMap<String, usize>,
    /// Where the two disagree.
    pub wrong: Vec<String>,
}

impl Count {
    /// How often something is unproven because a connection is not known (ICMP errors where there are quarantines), and because of anything else.
    pub fn unproven(&self) -> (usize, usize) {
        let of_connections = |reason: &str| reason.contains("connection");
        let sum = |wanted: bool| {
            self.reasons.iter().filter(|(reason, _)| of_connections(reason) == wanted).map(|(_, number)| number).sum()
        };
        (sum(true), sum(false))
    }

    /// How many changed the meaning.
    pub fn changed(&self) -> usize {
        self.kinds.values().map(|(_, changed)| changed).sum()
    }
}

/// Changes a firewall's files so many times.
pub fn run(firewall: &Firewall, mutants: usize, seed: u64, count: &mut Count) {
    if firewall.files.lines() > MOST_LINES {
        count.too_long += 1;
        return;
    }
    let name = firewall.name.bytes().fold(seed, |all, byte| all.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut random = Random::new(name);
    let mut judge = Judge::new();
    count.firewalls += 1;
    let mut made = 0;
    while made < mutants {
        let Some((files, change)) = mutant(&firewall.files, &mut random) else { continue };
        made += 1;
        judge_one(firewall, &files, &change, &mut judge, count);
        judge.forget();
    }
}

fn judge_one(firewall: &Firewall, files: &Files, change: &Change, judge: &mut Judge, count: &mut Count) {
    count.mutants += 1;
    let told = |text: String| format!("{}: {}, {}\n    {text}", firewall.name, change.kind, change.told);
    let said = match ask(&firewall.files, files) {
        Ok(said) => said,
        Err(text) => return count.wrong.push(told(text)),
    };
    let original = firewall.files.rules().expect("the judge reads what is emitted");
    let rules = match files.rules() {
        Ok(rules) => rules,
        Err(refusal) => {
            let (all, text) = match refusal {
                Refusal::Wrong(text) => (&mut count.refused, text),
                Refusal::Outside(text) => (&mut count.outside, text),
            };
            *all.entry(said.verdict).or_default() += 1;
            if std::env::var("SEKISHO_TELL").is_ok() && said.verdict != Verdict::Unproven {
                println!("{}", told(format!("the judge: {text}; the program: {:?}", said.verdict)));
            }
            return;
        }
    };
    let differences = judge.compare(&original, &rules);
    let is_equal = differences.is_empty();
    prove_one(firewall, files, change, judge, &original, &differences, count, &told);
    let kind = count.kinds.entry(change.kind).or_default();
    *kind = (kind.0 + 1, kind.1 + usize::from(!is_equal));
    *count.said.entry((is_equal, said.verdict)).or_default() += 1;
    match (is_equal, said.verdict) {
        (true, Verdict::Equal) => {}
        (false, Verdict::Differs) => {
            if let Err(text) = said.agrees(judge, &original, &rules, &differences) {
                count.wrong.push(told(text));
            }
            if !change.lines.is_empty() && matches!(files, Files::Nft(_)) {
                let blamed = said.blamed().unwrap_or_default();
                count.blamed.0 += 1;
                count.blamed.1 += usize::from(change.lines.iter().any(|line| blamed.contains(line)));
            }
        }
        (_, Verdict::Unproven) => {
            let mut reasons = said.reasons();
            reasons.sort();
            reasons.dedup();
            let reason = if reasons.iter().any(|reason| reason.contains("ct original") || reason.contains("--ctorig")) {
                "the first packet of a connection".to_owned()
            } else {
                reasons.join(" | ")
            };
            if std::env::var("SEKISHO_TELL").is_ok() {
                println!("{}", told(format!("unproven: {reason}")));
            }
            *count.reasons.entry(format!("equiv: {reason}")).or_default() += 1;
        }
        (true, Verdict::Differs) => {
            let all = said.agrees(judge, &original, &rules, &differences).err().unwrap_or_default();
            count.wrong.push(told(format!("the judge finds no difference, the program does: {all}")));
        }
        (false, Verdict::Equal) => {
            let one = &differences[0];
            let witness = judge.witness(one, &mut || true);
            count.wrong.push(told(format!("is called equal; {:?} {:?} {witness:?}", one.way, one.situation)));
        }
    }
}

/// The same change against the plan.
#[allow(clippy::too_many_arguments, reason = "what is known of one change")]
fn prove_one(
    firewall: &Firewall,
    files: &Files,
    change: &Change,
    judge: &mut Judge,
    original: &RuleSet,
    differences: &[Difference],
    count: &mut Count,
    told: &dyn Fn(String) -> String,
) {
    let proof = proved::ask(&firewall.plan, files);
    let must = proved::must(judge, &firewall.plan, original, differences);
    *count.proved.entry((must, proof.verdict)).or_default() += 1;
    if proof.verdict == proof::Verdict::Unproven {
        let (reason, line) = proved::reason(&proof);
        if std::env::var("SEKISHO_TELL").is_ok() {
            println!("{}", told(format!("must {must:?}, unproven: {reason}: {line}")));
        }
        *count.reasons.entry(format!("must {must:?}, the proof: {reason}")).or_default() += 1;
    } else if !proved::is_right(must, proof.verdict) {
        let where_ = differences
            .first()
            .map(|one| format!("{:?} {:?} {:?}", one.way, one.situation, judge.witness(one, &mut || false)));
        count.wrong.push(told(format!("must {must:?}; the proof says {:?}; {where_:?}", proof.verdict)));
    }
    if proof.verdict == proof::Verdict::Differs && !change.lines.is_empty() && matches!(files, Files::Nft(_)) {
        count.proof_blamed.0 += 1;
        count.proof_blamed.1 += usize::from(proved::blames(&proof, &change.lines));
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} firewalls ({} too long), {} mutants", self.firewalls, self.too_long, self.mutants)?;
        for ((is_equal, verdict), number) in &self.said {
            writeln!(
                f,
                "  {number} {} and said to be {verdict:?}",
                if *is_equal { "mean the same" } else { "differ" }
            )?;
        }
        writeln!(f, "  refused: {:?}, outside: {:?}", self.refused, self.outside)?;
        writeln!(f, "  of {} that differ and have a line to blame, {} times it decides", self.blamed.0, self.blamed.1)?;
        writeln!(f, "  the proof blames it {} times of {}", self.proof_blamed.1, self.proof_blamed.0)?;
        for ((must, verdict), number) in &self.proved {
            writeln!(f, "  {number} must {must:?} from the plan, and the proof says {verdict:?}")?;
        }
        for (kind, (all, changed)) in &self.kinds {
            writeln!(f, "  {kind}: {all}, {changed} changed the meaning")?;
        }
        for (reason, number) in &self.reasons {
            writeln!(f, "  {number} unproven: {}", reason.chars().take(300).collect::<String>())?;
        }
        Ok(())
    }
}
