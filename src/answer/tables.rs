//! Tables that answers are printed as: aligned for people, CSV, Markdown. And lists of services and names as they stand in a cell.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::diag::render::one_line;
use crate::model::{Model, well_known, well_known_names};
use crate::packet::{Family, Protocol, ServiceSet};
use crate::reach::{Access, ClassProduct};
use crate::report::{csv, markdown};

/// Names of a list that people see at most; the others are counted.
const SHOWN: usize = 4;

/// Services that stand after `except` at most.
const EXCEPTIONS: usize = 3;

/// Columns by name and rows of cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// The names of the columns.
    pub columns: Vec<&'static str>,
    /// A cell for each column.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(columns: &[&'static str]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// As CSV.
    #[must_use]
    pub fn to_csv(&self) -> String {
        csv::table(&self.columns, &self.rows)
    }

    /// As a Markdown table; nothing where there are no rows.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        if self.rows.is_empty() { String::new() } else { markdown::table(&self.columns, &self.rows) }
    }

    /// In columns, under a header in capital letters, each line behind an indentation; nothing where there are no rows.
    #[must_use]
    pub fn to_text(&self, indentation: &str) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let header: Vec<String> = self.columns.iter().map(|name| name.to_uppercase()).collect();
        let rows = self.rows.iter().map(|row| row.iter().map(|cell| one_line(cell).into_owned()).collect());
        let lines: Vec<Vec<String>> = [header].into_iter().chain(rows).collect();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|at| lines.iter().filter_map(|line| line.get(at)).map(|cell| width(cell)).max().unwrap_or(0))
            .collect();
        lines.iter().map(|line| aligned(line, &widths, indentation)).collect()
    }
}

fn aligned(cells: &[String], widths: &[usize], indentation: &str) -> String {
    let mut line = indentation.to_owned();
    for (cell, wanted) in cells.iter().zip(widths) {
        line.push_str(cell);
        line.push_str(&" ".repeat(wanted.saturating_sub(width(cell)) + 2));
    }
    format!("{}\n", line.trim_end())
}

/// How many columns of a terminal a text takes: two for each East Asian wide character.
#[must_use]
pub fn width(text: &str) -> usize {
    let is_wide = |character: char| {
        matches!(u32::from(character),
            0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6
            | 0x1f300..=0x1faff | 0x20000..=0x3fffd)
    };
    text.chars().map(|character| if is_wide(character) { 2 } else { 1 }).sum()
}

/// A list of names as people read it: long ones are cut, and say how many are left out. What stands behind `except` is never lost with them.
#[must_use]
pub fn shortened(names: &[String]) -> String {
    let at = names.iter().position(|name| name.contains(" except ")).unwrap_or(names.len());
    let (before, behind) = names.split_at(at);
    let mut bases = before.to_vec();
    let mut exceptions = String::new();
    if let Some((base, missing)) = behind.first().and_then(|name| name.split_once(" except ")) {
        bases.push(base.to_owned());
        let all: Vec<String> = [missing.to_owned()].into_iter().chain(behind.iter().skip(1).cloned()).collect();
        exceptions = format!(" except {}", cut(&all));
    }
    cut(&bases) + &exceptions
}

fn cut(names: &[String]) -> String {
    match names.get(..SHOWN) {
        Some(first) if names.len() > SHOWN + 1 => format!("{} and {} more", first.join(", "), names.len() - SHOWN),
        _ => names.join(", "),
    }
}

/// The words for services of one project.
#[derive(Debug)]
pub struct ServiceWords {
    /// Names and what they stand for, those of the project first, large before small.
    known: Vec<(String, ServiceSet)>,
    /// What was said before: rules share few sets of services.
    said: Mutex<HashMap<(ServiceSet, ServiceSet), Vec<String>>>,
}

impl ServiceWords {
    /// Collects the names of a project and the predefined ones that it does not define anew.
    #[must_use]
    pub fn new(model: &Model) -> Self {
        let own = model.named_services.iter().map(|(name, set)| (name.clone(), (**set).clone()));
        let is_own = |name: &str| model.named_services.iter().any(|(own, _)| own == name);
        let predefined = well_known_names().filter(|name| !is_own(name));
        let predefined = predefined.filter_map(|name| Some((name.to_owned(), well_known(name)?)));
        let mut known = large_first(own.collect());
        known.extend(large_first(predefined.collect()));
        Self { known, said: Mutex::default() }
    }

    /// Names and literals whose union is a set of services, sorted; `any except ...` where that is shorter.
    #[must_use]
    pub fn of(&self, set: &ServiceSet) -> Vec<String> {
        self.among(set, &ServiceSet::empty())
    }

    /// The services of some flows.
    #[must_use]
    pub fn of_flows(&self, access: &Access<'_>, flows: &[ClassProduct]) -> Vec<String> {
        let (set, absent) = services_of(access, flows);
        self.among(&set, &absent)
    }

    /// The services of classes that occur in flows of each family; where a list is empty there are no flows of that family.
    #[must_use]
    pub fn of_classes(&self, access: &Access<'_>, classes: [&[u32]; 2]) -> Vec<String> {
        let (mut all, mut absent) = (ServiceSet::empty(), ServiceSet::empty());
        for ((family, own), classes) in OWN_ICMP.into_iter().zip(classes) {
            if classes.is_empty() {
                absent = absent.union(&ServiceSet::protocol(own));
            }
            all = all.union(&access.services.exactly(classes, family));
        }
        self.among(&all, &absent)
    }

    /// The words for a set where some services cannot occur.
    pub(super) fn among(&self, set: &ServiceSet, absent: &ServiceSet) -> Vec<String> {
        if set.union(absent).is_any() {
            return vec!["any".to_owned()];
        }
        let key = (set.clone(), absent.clone());
        if let Some(words) = self.said.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return words.clone();
        }
        let mut words = self.find(set);
        if words.len() > EXCEPTIONS {
            let missing = self.find(&ServiceSet::any().difference(set).difference(absent));
            if missing.len() <= EXCEPTIONS {
                words = vec![format!("any except {}", missing.join(" and "))];
            }
        }
        self.said.lock().unwrap_or_else(PoisonError::into_inner).insert(key, words.clone());
        words
    }

    fn find(&self, set: &ServiceSet) -> Vec<String> {
        if let Some((name, _)) = self.known.iter().find(|(_, known)| known == set) {
            return vec![name.clone()];
        }
        let (mut rest, mut words) = (set.clone(), Vec::new());
        for (name, known) in &self.known {
            if known.intersects(&rest) && known.is_subset(set) {
                words.push(name.clone());
                rest = rest.difference(known);
            }
        }
        words.sort_unstable();
        words.extend(super::rows::literals(&rest));
        // Names that stand inside a wide range would only hide it.
        let literals = super::rows::literals(set);
        if literals.len() < words.len() { literals } else { words }
    }
}

fn large_first(mut named: Vec<(String, ServiceSet)>) -> Vec<(String, ServiceSet)> {
    named.retain(|(_, set)| !set.is_empty());
    named.sort_by_key(|(_, set)| std::cmp::Reverse(set.rectangles().len()));
    named
}

/// Each family with the ICMP that occurs in it alone.
pub(super) const OWN_ICMP: [(Family, Protocol); 2] = [(Family::V4, Protocol::ICMP), (Family::V6, Protocol::ICMP6)];

/// The services of some flows, those of each family as far as flows have ends in it, and those that cannot occur between such ends.
pub(super) fn services_of(access: &Access<'_>, flows: &[ClassProduct]) -> (ServiceSet, ServiceSet) {
    let (mut all, mut absent) = (ServiceSet::empty(), ServiceSet::empty());
    for (family, own) in OWN_ICMP {
        let has = |set| access.classes.members(set).any(|(_, class)| class.family == family);
        let mut here = flows.iter().filter(|product| has(&product.sources) && has(&product.destinations)).peekable();
        if here.peek().is_none() {
            absent = absent.union(&ServiceSet::protocol(own));
        }
        let mut classes: Vec<u32> = here.flat_map(|product| product.services.iter().copied()).collect();
        classes.sort_unstable();
        classes.dedup();
        all = all.union(&access.services.exactly(&classes, family));
    }
    (all, absent)
}
