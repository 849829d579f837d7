//! Rule sets that others wrote, read: no crash, no silence. Each rule of a dump is understood, or said to be unknown, or noticed with its line; `lines` answers; the evaluator comes to
//! an end on every way. `tests/dumps/mod.rs` says where dumps are; `SEKISHO_DUMPS=DIR cargo test --test dumps -- --nocapture` runs over a collection and prints what was found.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

#[path = "dumps/mod.rs"]
mod dumps;

use std::process::Command;

use dumps::Account;
use sekisho::listing::{Evaluator, Hook, analyse, crossings, in_some_order, interfaces, states};

#[test]
fn every_rule_is_understood_or_named() {
    let all = dumps::dumps();
    assert!(!all.is_empty(), "the repository has dumps");
    let mut total = Account::default();
    for dump in &all {
        let account = dumps::accounted(dump);
        let unknown: usize = account.unknown.values().sum();
        println!(
            "{}: {} rules, {} understood, {unknown} unknown, {} noticed",
            dump.name, account.rules, account.understood, account.noticed
        );
        for line in &account.silent {
            println!("  silent: {line}");
        }
        total.add(&account);
    }
    let unknown: usize = total.unknown.values().sum();
    println!(
        "{} dumps, {} files that are no rule sets, {} lines, {} rules: {} understood, {unknown} unknown, {} noticed",
        all.len(),
        total.refused,
        total.lines,
        total.rules,
        total.understood,
        total.noticed
    );
    let mut reasons: Vec<(&String, &usize)> = total.unknown.iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (reason, count) in reasons {
        println!("  unknown {count}: {reason}");
    }
    assert!(total.silent.is_empty(), "{} rules are nowhere:\n{}", total.silent.len(), total.silent.join("\n"));
}

#[test]
fn the_evaluator_ends_and_says_nothing_surely_that_may_not_be() {
    for dump in dumps::dumps() {
        let Some(listing) = dump.read() else { continue };
        analyse(&listing).unwrap_or_else(|_| panic!("{}: too large", dump.name));
        let (names, states) = (interfaces(&[&listing]), states(&[&listing]));
        let mut ways: Vec<_> = [Hook::Forward, Hook::Input, Hook::Output]
            .iter()
            .flat_map(|hook| crossings(*hook, &names, &states))
            .collect();
        let step = ways.len() / 200 + 1;
        ways = ways.into_iter().step_by(step).collect();
        let done = in_some_order(|space| {
            let mut evaluator = Evaluator::new(&listing);
            for way in &ways {
                let passed = evaluator.passed(space, way)?;
                let outside = space.difference(passed.surely, passed.possibly)?;
                assert!(outside.is_empty(), "{}: {way:?}", dump.name);
            }
            Ok(())
        });
        assert!(done.is_ok(), "{}: too large", dump.name);
    }
}

#[test]
fn lines_answers_about_every_dump() {
    let home = tempfile::tempdir().unwrap();
    for (number, dump) in dumps::dumps().iter().enumerate() {
        let at = home.path().join(number.to_string());
        std::fs::create_dir(&at).unwrap();
        for (end, text) in &dump.files {
            let name = if dump.is_nftables() { format!("ruleset.{end}") } else { format!("rules.{end}") };
            let name = if end == "ipset" { "ipset.save".to_owned() } else { name };
            std::fs::write(at.join(name), text).unwrap();
        }
        let done = Command::new(env!("CARGO_BIN_EXE_sekisho")).arg("lines").arg(&at).output().unwrap();
        let code = done.status.code();
        let read = if dump.read().is_some() { code == Some(0) || code == Some(1) } else { code == Some(2) };
        assert!(read, "{}: {code:?} {}", dump.name, String::from_utf8_lossy(&done.stderr));
    }
}
