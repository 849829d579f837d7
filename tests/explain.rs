//! `explain` at the command line: what nearly matched, what carries a flow, what the network does where no rule decides.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking, its helpers too"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const DAY: &str = "2026-11-21";

/// Two sites with two networks each, a switch that filters nothing, a site that is joined to nothing, and an edge of another site.
const NETWORK: &str = "\
sites:
  bangkok:
    networks: { office: { address: [10.81.0.0/16, \"2001:db8:81::/48\"] }, lab: { address: 10.82.0.0/16 } }
  jakarta:
    networks: { office: { address: 10.83.0.0/16 } }
  tokyo:
    networks:
      app: { address: [10.10.5.0/24, \"2001:db8:10:5::/64\"] }
      lab: { address: 10.10.6.0/24 }
      store: { address: 10.10.7.0/24 }
      secret: { address: 10.10.64.0/20, class: secret }
    hosts: { erp: { address: 10.10.5.12 }, mail: { address: 10.10.5.25 } }
  island:
    networks: { office: { address: 10.99.0.0/16 } }
transit:
  wan: {}
  internet: { internet: true }
devices:
  fw-bangkok: { site: bangkok, platform: nftables, interfaces: { eth0: wan, eth1: bangkok/office, eth2: bangkok/lab } }
  fw-jakarta: { site: jakarta, platform: nftables, interfaces: { eth0: wan, eth1: jakarta/office } }
  fw-tokyo: { site: tokyo, platform: iptables, interfaces: { eth0: wan, eth1: tokyo/app, eth2: tokyo/secret } }
  fw-edge: { site: tokyo, platform: nftables, interfaces: { eth0: internet, eth1: tokyo/app } }
  core-switch: { site: tokyo, interfaces: { vlan10: tokyo/app, vlan20: tokyo/lab } }
  lab-switch: { site: tokyo, interfaces: { vlan20: tokyo/lab, vlan30: tokyo/store } }
";

const POLICY: &str = "\
service erp-web = tcp/443, tcp/9443
purpose p \"P\" {
  owner me
  ticket T-1
  review 2027-06-01
  allow ERP-WEB from bangkok/office, jakarta/office to tokyo/erp on erp-web
  allow ERP-DNS from bangkok to tokyo/erp on udp/53:1024-65535
  allow TH-MIG-02 from bangkok/office to tokyo/erp on tcp/8080 until 2026-06-30
  allow TH-MIG-03 from bangkok/office to tokyo/erp on tcp/8081 start 2027-01-01
  allow MAIL from bangkok/office to tokyo/mail on smtp until 2026-12-01
  allow MAIL-2 from jakarta to tokyo/mail on smtp
  allow MAIL-3 from jakarta to tokyo/app on smtp
  allow SECRET-01 from bangkok/office to tokyo/secret on ssh
  allow EDR-01 from bangkok/lab to tokyo/app on tcp/7000
  allow LAB-01 from bangkok/lab to tokyo/app on ssh
  allow FLAT-01 from tokyo/app to tokyo/store on ssh
  deny  EXPORT-01 from any except tokyo to class:secret on any
  deny  FLAT-02 from tokyo/app to tokyo/store on any
}
quarantine Q-2606 of bangkok/lab keep EDR-01 owner soc
";

struct Project(tempfile::TempDir);

impl Project {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("network.yaml"), NETWORK).unwrap();
        fs::write(home.path().join("rules.policy"), POLICY).unwrap();
        Self(home)
    }

    fn ask(&self, from: &str, to: &str, on: &str, more: &[&str]) -> String {
        ask(self.0.path(), from, to, on, more)
    }
}

fn ask(project: &Path, from: &str, to: &str, on: &str, more: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    command.arg("explain").arg(project).args(["--from", from, "--to", to, "--on", on]).args(more);
    if !more.contains(&"--at") {
        command.args(["--at", DAY]);
    }
    let done = command.output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// What follows the headline, trimmed, in order.
fn lines(said: &str) -> Vec<&str> {
    said.lines().skip(1).map(str::trim).collect()
}

#[track_caller]
fn says(said: &str, wanted: &[&str]) {
    let lines = lines(said);
    for one in wanted {
        assert!(lines.iter().any(|line| line.starts_with(one)), "`{one}` is not in:\n{said}");
    }
}

#[test]
fn an_allow_that_a_deny_beats_would_let_it_pass() {
    let said = Project::new().ask("10.81.0.7", "10.10.64.9", "ssh", &[]);
    says(
        &said,
        &["denied by EXPORT-01 (rules.policy:17)", "SECRET-01  would let it pass but for EXPORT-01 (rules.policy:13)"],
    );
    // What other rules lack is beside the point.
    assert_eq!(said.matches("rules.policy:").count(), 2, "{said}");
}

#[test]
fn an_allow_that_a_quarantine_beats_names_what_it_keeps() {
    let said = Project::new().ask("10.82.0.7", "10.10.5.12", "ssh", &[]);
    says(&said, &["LAB-01  would let it pass but for the quarantine Q-2606, which keeps EDR-01 (rules.policy:15)"]);
}

#[test]
fn a_rule_for_another_port_is_near() {
    let said = Project::new().ask("10.81.0.7", "10.10.5.12", "tcp/8443", &[]);
    says(
        &said,
        &[
            "no rule allows it",
            "ERP-WEB    covers erp-web (tcp/443, tcp/9443) from bangkok/office to tokyo/erp, not tcp/8443 (rules.policy:6)",
        ],
    );
}

#[test]
fn a_source_port_is_named_where_it_is_what_differs() {
    let said = Project::new().ask("10.81.0.7", "10.10.5.12", "udp/53:53", &[]);
    says(
        &said,
        &["ERP-DNS    covers udp/53:1024-65535 from bangkok/office to tokyo/erp, not udp/53:53 (rules.policy:7)"],
    );
}

#[test]
fn a_rule_for_another_source_is_near_the_same_site_first() {
    let said = Project::new().ask("10.82.0.7", "10.10.5.12", "https", &[]);
    says(&said, &["ERP-WEB  allows it from bangkok/office and jakarta, not from bangkok/lab (rules.policy:6)"]);
    let said = Project::new().ask("10.82.0.7", "10.10.5.25", "smtp", &[]);
    let near: Vec<&str> = lines(&said).into_iter().filter(|line| line.starts_with("MAIL")).collect();
    let order: Vec<&str> = near.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(order, ["MAIL", "MAIL-2", "MAIL-3"], "{said}");
}

#[test]
fn a_rule_for_another_destination_is_near() {
    let said = Project::new().ask("10.81.0.7", "10.10.5.12", "smtp", &[]);
    says(&said, &["MAIL"]);
    assert!(said.contains("allows it to tokyo/mail, not to tokyo/erp"), "{said}");
}

#[test]
fn a_rule_that_lapsed_or_has_not_begun_is_near() {
    let project = Project::new();
    says(
        &project.ask("10.81.0.7", "10.10.5.12", "tcp/8080", &[]),
        &["TH-MIG-02  allowed it until 2026-06-30 (rules.policy:8)"],
    );
    says(
        &project.ask("10.81.0.7", "10.10.5.12", "tcp/8081", &[]),
        &["TH-MIG-03  will allow it from 2027-01-01 on (rules.policy:9)"],
    );
}

#[test]
fn no_more_than_five_and_the_same_each_time() {
    let project = Project::new();
    let extra: String = (0..20)
        .map(|n| format!("allow X-{n:02} from bangkok/office to tokyo/erp on tcp/{} owner me\n", 5000 + n))
        .collect();
    fs::write(project.0.path().join("more.policy"), extra).unwrap();
    let said = project.ask("10.81.0.7", "10.10.5.12", "tcp/8443", &[]);
    assert_eq!(lines(&said).iter().filter(|line| line.contains(".policy:")).count(), 5, "{said}");
    assert_eq!(said, project.ask("10.81.0.7", "10.10.5.12", "tcp/8443", &[]));
}

#[test]
fn a_passing_flow_says_what_carries_it_and_until_when() {
    let project = Project::new();
    let said = project.ask("10.81.0.7", "10.10.5.25", "smtp", &[]);
    says(
        &said,
        &[
            "= note: nothing but MAIL lets it pass",
            "= note: MAIL ends after 2026-12-01, in 10 days: from then on it drops",
        ],
    );
    assert!(!said.contains("nearly"), "{said}");
    let said = project.ask("10.81.0.7", "10.10.5.25", "smtp", &["--at", "2026-12-01"]);
    says(&said, &["= note: MAIL ends after 2026-12-01, today"]);
    // Two rules carry this one.
    assert!(!project.ask("10.83.0.7", "10.10.5.25", "smtp", &[]).contains("nothing but"));
    let said = project.ask("10.81.0.7", "10.10.5.12", "https", &["--at", "2027-06-10"]);
    says(&said, &["= note: the review of ERP-WEB was due on 2027-06-01"]);
    let said = project.ask("10.82.0.7", "10.10.5.12", "tcp/7000", &[]);
    says(
        &said,
        &["= note: the quarantine Q-2606 holds an end of it and keeps it", "= note: nothing but EDR-01 lets it pass"],
    );
}

#[test]
fn an_unenforced_flow_names_the_routers_and_the_rules_without_effect() {
    let said = Project::new().ask("10.10.5.12", "10.10.7.9", "ssh", &[]);
    says(
        &said,
        &[
            "rules without effect:",
            "FLAT-02  denies it, and has no effect: no firewall stands between to drop it (rules.policy:18)",
            "FLAT-01  allows it, and has no effect: it needs no rule (rules.policy:16)",
            "= note: `core-switch` forwards between `tokyo/app` and `tokyo/lab` and filters nothing",
            "= note: `lab-switch` forwards between `tokyo/lab` and `tokyo/store` and filters nothing",
        ],
    );
    let said = Project::new().ask("10.10.5.12", "10.10.5.25", "ssh", &[]);
    says(&said, &["= note: both ends lie in `tokyo/app`: no firewall stands inside a network"]);
}

#[test]
fn an_unroutable_flow_says_where_the_ways_end() {
    let project = Project::new();
    says(
        &project.ask("10.98.0.1", "10.10.5.12", "ssh", &[]),
        &["= note: 10.98.0.1 is not in the inventory: no network holds it"],
    );
    says(&project.ask("8.8.8.8", "9.9.9.9", "ssh", &[]), &["= note: both ends are public addresses of the internet"]);
    let said = project.ask("10.81.0.7", "10.99.0.1", "ssh", &[]);
    says(
        &said,
        &[
            "= note: no path leads from bangkok/office to island/office",
            "= note: from bangkok/office the paths lead to wan and bangkok/lab and end there",
            "= note: at island/office stands no firewall that may lie on such a path",
        ],
    );
    let said = project.ask("10.81.0.7", "8.8.8.8", "https", &[]);
    says(&said, &["= note: `fw-edge` and `fw-tokyo` would join the two, but lie on paths of `tokyo` alone"]);
}

#[test]
fn json_says_what_differs() {
    let said = Project::new().ask("10.81.0.7", "10.10.5.12", "tcp/8080", &["--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&said).unwrap();
    let near = value["nearly"].as_array().unwrap();
    assert_eq!(near[0]["rule"], "TH-MIG-02");
    assert_eq!(near[0]["effect"], "allow");
    assert_eq!((&near[0]["file"], &near[0]["line"]), (&"rules.policy".into(), &8.into()));
    assert_eq!(near[0]["differs"], serde_json::json!(["date"]));
    assert_eq!(near[0]["because"], "TH-MIG-02 allowed it until 2026-06-30");
    let said = Project::new().ask("10.81.0.7", "10.10.64.9", "ssh", &["--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(value["nearly"][0]["differs"], serde_json::json!([]));
}

/// The questions of the incident, as an engineer would ask them, and the whole answers.
#[test]
fn the_incident_is_golden() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let questions = [
        ("10.81.0.7", "10.10.5.12", "https"),
        ("10.81.0.7", "10.10.5.12", "tcp/8080"),
        ("10.81.0.7", "10.10.64.10", "https"),
        ("10.83.1.9", "10.10.5.12", "https"),
        ("10.82.64.5", "10.10.5.12", "https"),
        ("10.10.5.12", "10.10.6.20", "smb"),
        ("10.81.0.7", "8.8.8.8", "https"),
    ];
    let mut said = String::new();
    for (from, to, on) in questions {
        said += &format!("$ sekisho explain policies/incident-2020 --from {from} --to {to} --on {on} --at {DAY}\n");
        said += &ask(&root.join("policies/incident-2020"), from, to, on, &[]);
        said.push('\n');
    }
    let path = root.join("tests/golden/explain/incident.txt");
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &said).unwrap();
    }
    assert_eq!(said, fs::read_to_string(path).unwrap());
}
