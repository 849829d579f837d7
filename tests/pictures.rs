//! `graph` at the command line: what an arrow says is what passes, violations are red, sites that fare alike are one box.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking, its helpers too"
)]

mod support;

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use support::{Said, root, sekisho};

const DAY: &str = "2026-11-21";

fn graph(project: &Path, arguments: &[&str]) -> Said {
    sekisho(root(), &[&["graph", project.to_str().unwrap(), "--at", DAY], arguments].concat())
}

fn drawn(project: &Path, arguments: &[&str]) -> String {
    let done = graph(project, arguments);
    assert_eq!(done.code, 0, "{}", done.err);
    done.out
}

fn project(network: &str, policy: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("network.yaml"), network).unwrap();
    fs::write(home.path().join("rules.policy"), policy).unwrap();
    home
}

/// `count` offices, each behind a firewall, and a data centre.
fn offices(count: usize, policy: &str) -> tempfile::TempDir {
    let mut network = String::from("sites:\n  dc: { networks: { app: { address: 10.200.0.0/24 } } }\n");
    let mut devices =
        String::from("  fw-dc: { site: dc, platform: nftables, interfaces: { eth0: wan, eth1: dc/app } }\n");
    for number in 0..count {
        let _ = writeln!(
            network,
            "  office-{number:03}: {{ tags: [office], networks: {{ net: {{ address: 10.{number}.0.0/24 }} }} }}"
        );
        let _ = writeln!(
            devices,
            "  fw-{number:03}: {{ site: office-{number:03}, platform: nftables, interfaces: {{ eth0: wan, eth1: office-{number:03}/net }} }}"
        );
    }
    project(&format!("{network}transit: {{ wan: {{}} }}\ndevices:\n{devices}"), policy)
}

const META: &str = "owner me ticket T-1 review 2027-06-01";

#[test]
fn an_arrow_says_what_passes_not_what_a_rule_allows() {
    let home = offices(
        3,
        &format!(
            "allow A from tag:office to dc on https, ssh, smb {META}\n\
             deny B from office-001 to dc on ssh {META}\n\
             allow C from office-002 to dc on rdp {META}\n\
             quarantine Q of office-002 keep C {META}\n\
             allow D from dc to office-000 on ntp until 2026-01-01 {META}\n"
        ),
    );
    let shown = drawn(home.path(), &["--of", "access", "--format", "dot"]);
    for wanted in ["label=\"https, smb, ssh\"", "label=\"https, smb\"", "label=\"rdp\""] {
        assert!(shown.contains(wanted), "{wanted}\n{shown}");
    }
    assert!(!shown.contains("ntp") && shown.matches(" -> ").count() == 3, "{shown}");
}

#[test]
fn a_violation_is_red_and_named() {
    let home = offices(
        2,
        &format!(
            "allow A from office-000 to dc on https, ssh {META}\n\
             never NEV-01 from office-000 to dc on ssh owner me\n\
             never NEV-02 from office-001 to dc owner me\n"
        ),
    );
    let shown = drawn(home.path(), &["--of", "access", "--format", "dot"]);
    let red: Vec<&str> = shown.lines().filter(|line| line.contains("#dc2626\"]")).collect();
    assert!(red.len() == 1 && red[0].contains("label=\"NEV-01: ssh\""), "{shown}");
    assert!(!shown.contains("NEV-02"));
    assert!(drawn(home.path(), &["--of", "access", "--format", "svg"]).contains("class=\"edge violation\""));
    assert!(drawn(home.path(), &["--of", "access", "--format", "mermaid"]).contains("stroke:#dc2626,color"));
}

#[test]
fn sites_that_fare_alike_are_one_box() {
    let policy =
        format!("allow A from tag:office to dc on https {META}\nallow B from dc to office-007 on ssh {META}\n");
    let home = offices(200, &policy);
    let shown = drawn(home.path(), &["--of", "access", "--format", "dot"]);
    assert!(shown.contains("label=\"199 sites\\noffice-000, office-001, office-002 +196\""), "{shown}");
    assert!(shown.contains("label=\"office-007\"") && shown.matches("[label=").count() == 6, "{shown}");
    assert_eq!(shown, drawn(home.path(), &["--of", "access", "--format", "dot"]));
}

#[test]
fn those_that_reach_each_other_can_be_one_box_too() {
    let home = offices(5, &format!("allow A from tag:office to tag:office on sip {META}\n"));
    let shown = drawn(home.path(), &["--of", "access", "--format", "dot"]);
    assert!(
        shown.contains("label=\"5 sites\\noffice-000, office-001, office-002 +2; among each other sip\""),
        "{shown}"
    );
}

#[test]
fn services_are_told_apart_however_many_there_are() {
    let ports = |last: u32| {
        (0..20).map(|n| format!("tcp/{}", 7000 + n * 10)).collect::<Vec<_>>().join(", ") + &format!(", tcp/{last}")
    };
    let policy = format!(
        "allow A from office-000 to dc on {} {META}\nallow B from office-001 to dc on {} {META}\n",
        ports(9001),
        ports(9002)
    );
    let shown = drawn(offices(2, &policy).path(), &["--of", "access", "--format", "dot"]);
    assert!(shown.contains("\"office-000\"") && shown.contains("\"office-001\""), "{shown}");
}

#[test]
fn hops_stand_in_columns() {
    let home = offices(
        3,
        &format!(
            "allow A from office-000 to dc on https {META}\n\
             allow B from dc to office-001 on ssh {META}\n\
             allow C from office-001 to office-002 on rdp {META}\n"
        ),
    );
    let ask = |more: &[&str]| {
        drawn(home.path(), &[&["--of", "hops", "--from", "office-000", "--format", "svg"], more].concat())
    };
    let shown = ask(&[]);
    for wanted in [">start<", ">1 hop<", ">2 hops<", ">3 hops<", ">https<", ">ssh<", ">rdp<", "Reached from office-000"]
    {
        assert!(shown.contains(wanted), "{wanted}\n{shown}");
    }
    assert!(!ask(&["--hops", "2"]).contains("3 hops"));
    assert!(!ask(&["--on", "https"]).contains("2 hops"));
}

#[test]
fn a_question_that_is_not_one_is_2() {
    let home = offices(1, "");
    for arguments in [
        &["--of", "hops"][..],
        &["--of", "access", "--from", "dc"],
        &["--of", "hops", "--from", "nowhere"],
        &["--of", "hops", "--from", "dc", "--hops", "0"],
    ] {
        assert_eq!(graph(home.path(), arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn the_incident_is_golden() {
    let sample = root().join("policies/incident-2020");
    let questions: [(&str, &[&str]); 3] = [
        ("topology", &["--of", "topology"]),
        ("access", &["--of", "access"]),
        ("hops", &["--of", "hops", "--from", "bangkok"]),
    ];
    for (name, arguments) in questions {
        for (format, extension) in [("dot", "dot"), ("mermaid", "mmd"), ("svg", "svg")] {
            let shown = drawn(&sample, &[arguments, &["--format", format]].concat());
            let path = root().join(format!("tests/golden/graph/incident-{name}.{extension}"));
            // The pictures of the README are these.
            let suffix = if name == "topology" { String::new() } else { format!("-{name}") };
            let image = root().join(format!("docs/images/incident-2020{suffix}.svg"));
            for path in [Some(path), Some(image).filter(|_| format == "svg")].into_iter().flatten() {
                if env::var_os("UPDATE_GOLDEN").is_some() {
                    fs::write(&path, &shown).unwrap();
                }
                assert!(fs::read_to_string(&path).unwrap_or_default() == shown, "{} differs", path.display());
            }
        }
    }
}
