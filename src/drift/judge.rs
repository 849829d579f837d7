//! What came of one device.
//!
//! The proof decides; the text is compared only where it is proved equal, and what is too old, or cannot be read, is unproven whatever it says. What differs is kept even then: an old config
//! with a hole in it is no proof that the hole is still there, and no reason not to look.

use jiff::civil::Date;

use super::age::Age;
use super::gaps::{Gap, Plan};
use super::layout::Role;
use crate::plan::DevicePlan;
use crate::platform::{Readers, Written, by_name};
use crate::proof::{self, Perhaps, Proof, Verdict};
use crate::syntax::ast::Effect;

/// What came of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It runs what `compile` would write.
    Equal,
    /// It does what the policy asks, in other words than `compile` writes.
    TextDiffers,
    /// It passes what the policy does not permit, or drops what it does.
    Differs,
    /// It could not be decided.
    Unproven,
    /// There is no config of it.
    NotCollected,
    /// There is a config, and no such device.
    UnknownDevice,
}

impl Outcome {
    /// As programs see it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::TextDiffers => "text-differs",
            Self::Differs => "differs",
            Self::Unproven => "unproven",
            Self::NotCollected => "not-collected",
            Self::UnknownDevice => "unknown-device",
        }
    }
}

/// A file of a config, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// Relative to the directory.
    pub path: String,
    /// What it is.
    pub role: Role,
    /// Its text, or why there is none.
    pub text: Result<String, String>,
}

/// How old a config may be, on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxAge {
    /// Days.
    pub days: u32,
    /// The day.
    pub at: Date,
}

/// Why something is not proved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// The line, from 1; 0 if it is about a whole file.
    pub line: usize,
    /// Its text, or the path of the file.
    pub text: String,
    /// The reason.
    pub because: String,
}

/// What came of a device, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The device.
    pub device: String,
    /// The files of its config, by path.
    pub files: Vec<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// When the config was collected, if that is known.
    pub collected: Option<Date>,
    /// What passes and should not.
    pub extra: Vec<Gap>,
    /// What should pass and does not.
    pub missing: Vec<Gap>,
    /// What may be otherwise, or may not: all that is not known, where something is. `None` if nothing is.
    pub perhaps: Option<Perhaps>,
    /// Because of which what passes the device is known, and not what comes of it behind it.
    pub beyond: Option<Reason>,
    /// What is not proved, ascending.
    pub unproven: Vec<Reason>,
}

impl Judged {
    /// A device of which nothing was compared.
    #[must_use]
    pub fn without_config(device: &str, files: Vec<String>, outcome: Outcome) -> Self {
        Self {
            device: device.to_owned(),
            files,
            outcome,
            collected: None,
            extra: Vec::new(),
            missing: Vec::new(),
            perhaps: None,
            beyond: None,
            unproven: Vec::new(),
        }
    }

    fn unproven(mut self, line: usize, text: &str, because: String) -> Self {
        self.outcome = Outcome::Unproven;
        self.perhaps = None;
        self.unproven.push(Reason { line, text: text.to_owned(), because });
        self.unproven.sort();
        self
    }
}

/// Judges the config of a device; `write` says what `compile` writes for it, and is asked only where the meaning is the same.
#[must_use]
pub fn judge(
    plan: &DevicePlan,
    files: &[ConfigFile],
    age: &Age,
    most: Option<MaxAge>,
    readers: &Readers,
    write: impl FnOnce() -> Option<Written>,
) -> Judged {
    let paths = files.iter().map(|file| file.path.clone()).collect();
    let mut judged = Judged::without_config(&plan.device, paths, Outcome::Equal);
    judged.collected = age.date();
    let mut texts = Vec::with_capacity(files.len());
    for file in files {
        match &file.text {
            Ok(text) if text.trim().is_empty() => {
                let because = "it is empty: nothing was collected, or the device has no rules and passes everything";
                judged = judged.unproven(0, &file.path, because.to_owned());
            }
            Ok(text) => texts.push((called(file.role), text.trim_start_matches('\u{feff}'))),
            Err(because) => judged = judged.unproven(0, &file.path, because.clone()),
        }
    }
    if texts.len() < files.len() {
        return judged;
    }
    let read = |texts: &[(&str, &str)]| by_name(&plan.platform).and_then(|platform| readers.read(platform, texts));
    let stranger = if let [_, _, ..] = files {
        // What a reader of several files does not know it passes over, and that must not go unsaid. Sets are no rules.
        let alone = files.iter().zip(&texts).filter(|(file, _)| file.role != Role::Sets);
        alone.into_iter().find(|(_, text)| read(std::slice::from_ref(*text)).is_none()).map(|(file, _)| file)
    } else {
        None
    };
    let listing = if stranger.is_none() { read(&texts) } else { None };
    let Some(listing) = listing else {
        let because = format!("it is no rule set of {}, the platform of `{}`", plan.platform, plan.device);
        let path = stranger.or(files.first()).map_or("", |file| &file.path);
        return judged.unproven(0, path, because);
    };
    judged.beyond = listing.beyond().map(|noticed| Reason {
        line: noticed.line,
        text: noticed.text.clone(),
        because: noticed.what.clone(),
    });
    judged.take(plan, proof::device(plan, &listing), &texts);
    if judged.outcome == Outcome::Equal && !write().is_some_and(|written| is_same(&written, &texts)) {
        judged.outcome = Outcome::TextDiffers;
    }
    match most.and_then(|most| age.too_old(most.at, most.days)) {
        Some(because) => judged.unproven(0, files.first().map_or("", |file| &file.path), because),
        None => judged,
    }
}

impl Judged {
    fn take(&mut self, plan: &DevicePlan, proof: Proof, texts: &[(&str, &str)]) {
        self.outcome = match proof.verdict {
            Verdict::Equal => Outcome::Equal,
            Verdict::Differs => Outcome::Differs,
            Verdict::Unproven => Outcome::Unproven,
        };
        let plan = Plan::new(plan, texts);
        self.extra = proof.extra.into_iter().map(|gap| plan.gap(gap, Effect::Deny)).collect();
        self.missing = proof.missing.into_iter().map(|gap| plan.gap(gap, Effect::Allow)).collect();
        self.perhaps = proof.perhaps;
        let doubts = proof.unproven.into_iter();
        self.unproven.extend(doubts.map(|one| Reason { line: one.line, text: one.text, because: one.because }));
        self.unproven.sort();
        self.unproven.dedup();
    }
}

/// What a reader is told that a file is called: a device may have any name, `ip6tables-old` too.
fn called(role: Role) -> &'static str {
    match role {
        Role::Whole => "config",
        Role::V4 => "rules.v4",
        Role::V6 => "rules.v6",
        Role::Sets => "ipset",
    }
}

/// Whether texts are what is written, but for line feeds at their ends.
fn is_same(written: &Written, texts: &[(&str, &str)]) -> bool {
    let mut ours: Vec<&str> = written.files.iter().map(|file| file.text.trim_end_matches('\n')).collect();
    let mut theirs: Vec<&str> = texts.iter().map(|(_, text)| text.trim_end_matches('\n')).collect();
    ours.sort_unstable();
    theirs.sort_unstable();
    ours == theirs
}
