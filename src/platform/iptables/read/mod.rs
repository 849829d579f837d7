//! Reads `iptables-save` and `ip6tables-save` output, and what `iptables-restore` takes, with `ipset save` text beside it.
//!
//! Written from iptables(8), iptables-extensions(8), ipset(8) and what the programs print and take; it knows nothing of the writer. `lines` and `sets` are text, `options` groups
//! words, `conditions` says what a rule asks, `commands` carries lines out, `assemble` makes the [`Listing`].
//!
//! Decisions that a reader would doubt:
//! - A file is taken as a whole state, as after `iptables-restore` without `--noflush`: a table that it names holds what it says and nothing else.
//! - Drops count in every table: `raw`, `mangle` and `security` are base chains on the same hooks as `filter`, earlier or later. The table `nat` is noticed line by line; a change of the destination
//!   blurs the whole listing, because the addresses that the filter sees are not those that people see.
//! - Which file a line number belongs to stands in the name of its chain (`iptables filter INPUT`, `ip6tables filter INPUT`) and, of what is noticed, at the end of the words.
//!
//! Absent on purpose: host names (nobody looks them up), ebtables and arptables, and shell scripts that call `iptables`.

mod assemble;
mod commands;
mod conditions;
mod files;
mod known;
mod lines;
mod names;
mod options;
mod sets;
mod tables;
mod targets;
mod values;

use std::collections::BTreeSet;

use crate::listing::{Blur, Listing, Noticed};
use crate::packet::Family;
use lines::Line;
use sets::Sets;

pub use files::read_files;

/// Reads the rules of both families and the sets that they name.
///
/// Never fails: what is not understood is in the listing as unknown, or noticed. A family of which there is no text is noticed, and blurs the listing.
#[must_use]
pub fn read(v4: Option<&str>, v6: Option<&str>, ipset: Option<&str>) -> Listing {
    let (v4_lines, v6_lines) = (all_lines(v4), all_lines(v6));
    let changed: BTreeSet<String> =
        commands::changed_sets(&v4_lines).chain(commands::changed_sets(&v6_lines)).collect();
    let mut of_sets = Vec::new();
    let sets = Sets::read(ipset.unwrap_or(""), &changed, &mut of_sets);
    let mut tables = Vec::new();
    let mut noticed = Vec::new();
    for (family, text, lines) in [(Family::V4, v4, &v4_lines), (Family::V6, v6, &v6_lines)] {
        if text.is_none() {
            noticed.push(missing(family));
            continue;
        }
        let (mut of_file, found) = commands::read(family, lines, &sets);
        tables.append(&mut of_file);
        noticed.extend(found.into_iter().map(|one| said(one, rules_of(family))));
    }
    noticed.extend(of_sets.into_iter().map(|one| said(one, "ipset dump")));
    assemble::assemble(tables, noticed)
}

fn all_lines(text: Option<&str>) -> Vec<Line<'_>> {
    text.map(|text| lines::lines(text).collect()).unwrap_or_default()
}

fn missing(family: Family) -> Noticed {
    let name = if family == Family::V4 { "IPv4" } else { "IPv6" };
    let what = format!("no {name} rules were given: what passes over {name} is not known");
    Noticed { line: 0, text: String::new(), what, blur: Blur::Whole }
}

/// How the file of a family is called.
fn rules_of(family: Family) -> &'static str {
    if family == Family::V4 { "IPv4 rules" } else { "IPv6 rules" }
}

/// Says in which file something was noticed.
fn said(noticed: Noticed, file: &str) -> Noticed {
    Noticed { what: format!("{} ({file})", noticed.what), ..noticed }
}
