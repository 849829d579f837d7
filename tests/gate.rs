//! `sekisho gate` at the command line, in real repositories: what it lets pass, what not, and what somebody could try.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking, its helpers too"
)]

mod support;

use std::fs;
use std::ops::Deref;

use serde_json::Value;
use support::{Home, Said, root};

const DAY: &str = "2026-11-22";

const NETWORK: &str = r#"
sites:
  bangkok: { tier: 2, networks: { office: { address: [10.81.0.0/16, "2001:db8:81::/48"] } } }
  osaka: { tier: 1, networks: { lab: { address: 10.20.0.0/24 } } }
  tokyo:
    tier: 0
    networks: { app: { address: [10.10.5.0/24, "2001:db8:10:5::/64"] }, secret: { address: 10.10.64.0/24, class: secret } }
    hosts: { erp: { address: [10.10.5.12, "2001:db8:10:5::12"] } }
transit: { wan: {} }
devices:
  fw-bangkok: { site: bangkok, platform: nftables, interfaces: { eth0: wan, eth1: bangkok/office } }
  fw-osaka: { site: osaka, platform: iptables, interfaces: { eth0: wan, eth1: osaka/lab } }
  fw-tokyo: { site: tokyo, platform: nftables, interfaces: { eth0: wan, eth1: tokyo/app, eth2: tokyo/secret } }
"#;

const POLICY: &str = "\
allow ERP-WEB from bangkok/office to tokyo/erp on https
allow LAB-WEB from osaka/lab to tokyo/erp on https until 2026-12-31
never NEV-01 from bangkok to class:secret
only ONL-01 from osaka/lab to tokyo/app on ssh
";

const SETTINGS: &str = "\
gate:
  approvers:
    ciso: [into class:secret, from tier >= 2 into tokyo/app on ssh, waivers]
    network: [administration]
  otherwise: team
";

/// A repository with a project on `main`, and a branch on which it is changed.
struct Repository(Home);

impl Deref for Repository {
    type Target = Home;

    fn deref(&self) -> &Home {
        &self.0
    }
}

impl Repository {
    fn new() -> Self {
        Self::with_settings(SETTINGS)
    }

    fn with_settings(settings: &str) -> Self {
        let home = Home::repository();
        home.write("policy/network.yaml", NETWORK)
            .write("policy/rules.policy", POLICY)
            .write("policy/sekisho.yaml", settings)
            .commit("a project")
            .git(&["checkout", "-q", "-b", "change"]);
        Self(home)
    }

    fn policy(&self, more: &str) {
        self.write("policy/rules.policy", format!("{POLICY}{more}"));
    }

    fn commit(&self) {
        self.0.commit("a change");
    }

    fn sekisho(&self, arguments: &[&str]) -> Said {
        self.0.sekisho(&[arguments, &["--at", DAY]].concat())
    }

    fn gate(&self, more: &[&str]) -> Said {
        self.sekisho(&[&["gate", "policy", "--base", "main"], more].concat())
    }

    fn ruled(&self) -> (i32, Value) {
        let said = self.gate(&["--format", "json"]);
        (said.code, said.json())
    }

    /// Writes an approval of what is asked for now.
    fn approve(&self, name: &str, by: &str, more: &str) {
        let (_, ruling) = self.ruled();
        let mut text = String::new();
        for key in ["opens", "weakens"] {
            if let Some(digest) = ruling[key].as_str() {
                text.push_str(&format!("{key}: {digest}\n"));
            }
        }
        let more = if more.contains("date:") { more.to_owned() } else { format!("date: {DAY}\n{more}") };
        self.write(
            &format!("policy/approvals/{name}.yaml"),
            format!("{text}approved_by: [{by}]\nticket: CHG-1\n{more}"),
        );
    }
}

fn golden(name: &str, text: &str) {
    support::golden(&format!("gate/{name}"), text);
}

fn approvers(ruling: &Value, key: &str) -> Vec<String> {
    ruling[key].as_array().unwrap().iter().map(|need| need["approver"].as_str().unwrap_or("-").to_owned()).collect()
}

#[test]
fn what_opens_nothing_passes() {
    let repository = Repository::new();
    let said = repository.gate(&[]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    repository.write(
        "policy/rules.policy",
        POLICY.replace("ERP-WEB", "ORDERS").replace("from osaka/lab", "from 10.20.0.0/24"),
    );
    repository.write("policy/more.policy", "allow MORE from 10.81.7.0/24 to tokyo/erp on tcp/443\n");
    let (code, ruling) = repository.ruled();
    assert_eq!((code, &ruling["ruling"]), (0, &"nothing-opened".into()), "{ruling}");
    repository.write("policy/rules.policy", POLICY.replace("allow LAB-WEB", "deny LAB-WEB"));
    assert_eq!(repository.gate(&[]).code, 0, "what closes needs nobody");
}

#[test]
fn what_opens_is_told_and_refused() {
    let repository = Repository::new();
    repository.policy("allow ADM from osaka/lab to tokyo/app on ssh\nallow TMP from bangkok to tokyo/erp on tcp/9000 start 2026-12-01 until 2026-12-07\n");
    let said = repository.gate(&[]);
    assert_eq!((said.code, said.err.as_str()), (1, ""));
    golden("refused.txt", &said.out);
    golden("refused.json", &repository.gate(&["--format", "json"]).out);
    golden("refused.md", &repository.gate(&["--format", "md"]).out);
}

#[test]
fn an_approval_is_of_exactly_these_flows() {
    let repository = Repository::new();
    repository.policy("allow NEW from osaka/lab to tokyo/erp on tcp/8443\n");
    repository.approve("new", "team", "");
    repository.commit();
    let (code, ruling) = repository.ruled();
    assert_eq!((code, &ruling["ruling"]), (0, &"approved".into()), "{ruling}");
    golden("approved.txt", &repository.gate(&[]).out);
    repository.policy("allow OTHER-NAME from 10.20.0.0/25, 10.20.0.128/25 to 10.10.5.12 on tcp/8443\n");
    assert_eq!(repository.ruled().0, 0, "the same flows in other words");
    repository.policy("allow NEW from osaka/lab to tokyo/erp on tcp/8443-8444\n");
    let (code, ruling) = repository.ruled();
    assert_eq!(code, 1, "one flow more: {ruling}");
    assert_eq!(ruling["approvals"][0]["because"], "it approves other flows than those that are opened now");
    repository.policy("allow NEW from osaka/lab to tokyo/erp on tcp/8443 until 2027-01-31\n");
    assert_eq!(repository.ruled().0, 1, "for a shorter time: not what was approved either");
}

#[test]
fn everybody_who_is_asked_must_approve() {
    let repository = Repository::new();
    repository.policy("allow ADM from bangkok to tokyo/app on ssh\n");
    let (_, ruling) = repository.ruled();
    // ONL-01 comes to be violated, and nobody can approve that.
    assert_eq!(ruling["violates"], serde_json::json!(["ONL-01"]));
    repository.policy("allow ADM from osaka/lab to tokyo/app, class:secret on ssh\n");
    let (code, ruling) = repository.ruled();
    assert_eq!((code, approvers(&ruling, "opens_needs")), (1, vec!["ciso".to_owned(), "network".to_owned()]));
    repository.approve("one", "network", "");
    assert_eq!(repository.ruled().0, 1);
    repository.approve("two", "team, someone", "");
    assert_eq!(repository.ruled().0, 1);
    repository.approve("three", "ciso", "why: agreed in the board\n");
    let (code, ruling) = repository.ruled();
    assert_eq!(code, 0, "{ruling}");
    assert_eq!(ruling["opens_needs"][0]["approved_by"], "approvals/three.yaml");
}

#[test]
fn what_a_later_day_opens_is_opened() {
    let repository = Repository::new();
    repository.policy("allow LATER from bangkok to tokyo/erp on tcp/9000 start 2027-03-01\n");
    let (code, ruling) = repository.ruled();
    assert_eq!(code, 1, "{ruling}");
    assert_eq!(ruling["stages"][0]["from"], "2027-03-01");
    repository.approve("later", "team", "");
    assert_eq!(repository.ruled().0, 0);
    // LAB-WEB lapses; a rule that outlives it opens what it had held open.
    repository.policy("allow LAB-FOREVER from osaka/lab to tokyo/erp on https\n");
    let (code, ruling) = repository.ruled();
    assert_eq!((code, &ruling["stages"][0]["from"]), (1, &"2027-01-01".into()), "{ruling}");
    repository.write("policy/rules.policy", POLICY.replace("2026-12-31", "2027-12-31"));
    assert_eq!(repository.ruled().0, 1, "a date that moves opens too");
}

#[test]
fn an_old_approval_approves_nothing() {
    let repository = Repository::new();
    let open = "allow NEW from osaka/lab to tokyo/erp on tcp/8443\n";
    repository.policy(open);
    repository.approve("first", "team", "");
    repository.commit();
    repository.git(&["checkout", "-q", "main"]);
    repository.git(&["merge", "-q", "--ff-only", "change"]);
    repository.policy("");
    repository.commit();
    repository.git(&["checkout", "-q", "-B", "change"]);
    repository.policy(open);
    let (code, ruling) = repository.ruled();
    assert_eq!(code, 1, "it was closed, and is opened again: {ruling}");
    assert_eq!(ruling["approvals"][0]["because"], "it was there before this change, and approved another one");
}

#[test]
fn approvals_have_their_days() {
    let repository = Repository::new();
    repository.policy("allow NEW from osaka/lab to tokyo/erp on tcp/8443\n");
    repository.approve("soon", "team", "date: 2026-11-23\n");
    let (code, ruling) = repository.ruled();
    assert_eq!((code, &ruling["approvals"][0]["because"]), (1, &"its date is yet to come".into()));
    repository.approve("soon", "team", "date: 2026-11-01\nuntil: 2026-11-21\n");
    let (code, ruling) = repository.ruled();
    assert_eq!((code, &ruling["approvals"][0]["because"]), (1, &"its last day is over".into()));
    repository.approve("soon", "team", "date: 2026-11-01\nuntil: 2026-11-22\n");
    assert_eq!(repository.ruled().0, 0);
}

#[test]
fn a_violated_assertion_is_waived_or_not_merged() {
    let repository = Repository::new();
    let open = "allow LEAK from bangkok/office to class:secret on tcp/445\n";
    repository.policy(open);
    repository.approve("leak", "ciso, network, team", "");
    let said = repository.gate(&[]);
    assert_eq!(said.code, 1);
    assert!(
        said.out.starts_with("may not be merged: it violates `NEV-01`, which nobody can approve\n"),
        "{}",
        said.out
    );
    let waived = format!("{open}waive W-1 for NEV-01 allow LEAK until 2026-12-31 ticket CHG-2 by ciso\n");
    repository.policy(&waived);
    let (code, ruling) = repository.ruled();
    assert_eq!((code, approvers(&ruling, "weakens_needs")), (1, vec!["ciso".to_owned()]), "{ruling}");
    assert_eq!(ruling["guards"], serde_json::json!(["`NEV-01` is waived for `LEAK` until 2026-12-31"]));
    repository.approve("leak", "ciso, network, team", "");
    let (code, ruling) = repository.ruled();
    assert_eq!((code, &ruling["ruling"]), (0, &"approved".into()), "{ruling}");
    repository.policy(&waived.replace("2026-12-31", "2027-12-31"));
    assert_eq!(repository.ruled().0, 1, "a waiver for longer is another one");
}

#[test]
fn assertions_are_not_taken_away_in_silence() {
    let guards = |policy: &str| {
        let repository = Repository::new();
        repository.write("policy/rules.policy", policy);
        let (code, ruling) = repository.ruled();
        let guards: Vec<String> =
            ruling["guards"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect();
        assert_eq!(code, i32::from(!guards.is_empty()), "{ruling}");
        guards
    };
    let gone = POLICY.lines().filter(|line| !line.contains("NEV-01")).collect::<Vec<_>>().join("\n");
    assert_eq!(guards(&gone), ["the assertion `NEV-01` is taken away"]);
    let weaker = ["the assertion `NEV-01` is weakened"];
    let never = "never NEV-01 from bangkok to class:secret";
    assert_eq!(guards(&POLICY.replace(never, &format!("{never} advisory"))), weaker);
    assert_eq!(guards(&POLICY.replace(never, &format!("{never} on ssh"))), weaker);
    assert_eq!(guards(&POLICY.replace(never, &format!("{never} until 2026-12-31"))), weaker);
    assert_eq!(guards(&POLICY.replace(never, "never NEV-01 from 10.81.0.0/17 to class:secret")), weaker);
    let none: [&str; 0] = [];
    assert_eq!(guards(&POLICY.replace(never, "never OTHER from bangkok to class:secret")), none);
    assert_eq!(guards(&POLICY.replace(never, &format!("{never} transitive"))), none);
    assert_eq!(guards(&POLICY.replace(never, "never NEV-01 from bangkok, osaka to class:secret")), none);
    let only = "only ONL-01 from osaka/lab";
    assert_eq!(guards(&POLICY.replace(only, "only ONL-01 from 10.20.0.0/25")), none);
    assert_eq!(
        guards(&POLICY.replace(only, "only ONL-01 from osaka/lab, bangkok")),
        ["the assertion `ONL-01` is weakened"]
    );
}

#[test]
fn an_assertion_of_tomorrow_is_violated_tomorrow() {
    let repository = Repository::new();
    repository.git(&["checkout", "-q", "main"]);
    let later = format!("{POLICY}never NEV-02 from osaka to class:secret start 2027-02-01\n");
    repository.write("policy/rules.policy", &later);
    repository.commit();
    repository.git(&["checkout", "-q", "-B", "change"]);
    repository.write("policy/rules.policy", format!("{later}allow NEW from osaka/lab to class:secret on tcp/445\n"));
    let (code, ruling) = repository.ruled();
    assert_eq!((code, &ruling["violates"]), (1, &serde_json::json!(["NEV-02"])), "{ruling}");
}

/// A project on the base, and the same with the change.
fn ruled_with(base: &[(&str, &str)], change: &[(&str, &str)]) -> (i32, Value) {
    let repository = Repository::new();
    repository.git(&["checkout", "-q", "main"]);
    for (file, text) in base {
        repository.write(&format!("policy/{file}"), text);
    }
    repository.commit();
    repository.git(&["checkout", "-q", "-B", "change"]);
    for (file, text) in change {
        repository.write(&format!("policy/{file}"), text);
    }
    let ruling = repository.gate(&["--format", "json"]);
    if ruling.code == 1 {
        repository.approve("flows", "team, network", "");
    }
    let said = repository.gate(&["--format", "json"]);
    (said.code, serde_json::from_str(&said.out).unwrap())
}

#[test]
fn conditions_are_not_loosened_by_what_they_name() {
    let without = NETWORK.replace(", class: secret", "");
    let (code, ruling) = ruled_with(&[], &[("network.yaml", &without), ("rules.policy", "")]);
    // Then the condition is not even about anything that exists.
    assert_eq!(code, 2, "{ruling}");
    let moved = NETWORK
        .replace("class: secret", "class: open")
        .replace("lab: { address: 10.20.0.0/24 }", "lab: { address: 10.20.0.0/24, class: secret }");
    let (code, ruling) = ruled_with(&[], &[("network.yaml", &moved)]);
    assert_eq!(code, 1);
    let guards = ruling["guards"].to_string();
    assert!(guards.contains("the gate asks less often `into class:secret` for `ciso`"), "{guards}");
    let tiers = NETWORK.replace("tier: 2", "tier: 2.0");
    let (code, ruling) = ruled_with(&[], &[("network.yaml", &tiers)]);
    assert!(code == 1 && ruling["guards"].to_string().contains("tier >= 2"), "{ruling}");
}

#[test]
fn a_waiver_is_of_these_flows_and_this_claim() {
    let base = format!(
        "{POLICY}allow R1 from bangkok to class:secret on tcp/8080\nwaive W-1 for NEV-01 allow R1 until 2026-12-31 ticket T by ciso\n"
    );
    let wider = base.replace("tcp/8080", "tcp/8000-8999");
    let (code, ruling) = ruled_with(&[("rules.policy", &base)], &[("rules.policy", &wider)]);
    assert_eq!(ruling["guards"], serde_json::json!(["`NEV-01` is waived for `R1` until 2026-12-31"]));
    assert_eq!(code, 1, "{ruling}");
    let other = base.replace("never NEV-01 from bangkok to", "never NEV-01 from bangkok, osaka to");
    assert_eq!(ruled_with(&[("rules.policy", &base)], &[("rules.policy", &other)]).0, 1, "it covers another claim now");
    let renamed = base.replace("R1", "R2").replace("W-1", "W-2");
    assert_eq!(ruled_with(&[("rules.policy", &base)], &[("rules.policy", &renamed)]).0, 0, "the same by other names");
}

#[test]
fn an_approved_waiver_does_not_grow() {
    let repository = Repository::new();
    let waived = |ports: &str| {
        format!(
            "allow R1 from bangkok to class:secret on tcp/{ports}\nwaive W-1 for NEV-01 allow R1 until 2026-12-31 ticket T by ciso\n"
        )
    };
    repository.policy(&waived("8080"));
    repository.approve("all", "ciso, team", "");
    assert_eq!(repository.ruled().0, 0);
    repository.policy(&waived("8000-8999"));
    repository.approve("flows", "ciso, team", "");
    let text = fs::read_to_string(repository.path("policy/approvals/flows.yaml")).unwrap();
    let opens: Vec<&str> = text.lines().filter(|line| !line.starts_with("weakens")).collect();
    repository.write("policy/approvals/flows.yaml", &(opens.join("\n") + "\n"));
    assert_eq!(repository.ruled().0, 1, "the waiver was approved for other flows");
}

#[test]
fn a_chain_over_a_rule_of_tomorrow_is_seen() {
    let base = format!(
        "{POLICY}allow R2 from osaka/lab to class:secret on tcp/8080 start 2026-12-01\nnever NEV-02 from bangkok to class:secret on tcp/8080 transitive\n"
    );
    let change = format!("{base}allow R1 from bangkok/office to osaka/lab on tcp/8080\n");
    let (code, ruling) = ruled_with(&[("rules.policy", &base)], &[("rules.policy", &change)]);
    assert_eq!((code, &ruling["violates"]), (1, &serde_json::json!(["NEV-02"])), "{ruling}");
}

#[test]
fn an_assertion_hides_behind_no_other_and_behind_no_new_address() {
    let two = format!("{POLICY}never NEV-02 from bangkok to class:secret on tcp/9000\n");
    let (code, ruling) = ruled_with(&[("rules.policy", &two)], &[("rules.policy", POLICY)]);
    assert_eq!((code, &ruling["guards"]), (1, &serde_json::json!(["the assertion `NEV-02` is taken away"])));
    let elsewhere = NETWORK.replace("10.10.64.0/24", "10.10.65.0/24");
    let empty =
        POLICY.replace("never NEV-01 from bangkok to class:secret", "never NEV-01 from bangkok to tokyo/erp on tcp/1");
    let (code, ruling) = ruled_with(&[], &[("network.yaml", &elsewhere), ("rules.policy", &empty)]);
    assert!(code == 1 && ruling["guards"].to_string().contains("`NEV-01` is weakened"), "{ruling}");
}

#[test]
fn a_lint_that_fails_by_itself_is_not_switched_off_in_silence() {
    let settings = format!("{SETTINGS}lints: {{ E0513: allow }}\n");
    let (code, ruling) = ruled_with(&[], &[("sekisho.yaml", &settings)]);
    assert_eq!((code, &ruling["guards"]), (1, &serde_json::json!(["`E0513` fails a build no more"])));
}

#[cfg(unix)]
#[test]
fn what_a_link_leads_to_is_not_what_it_led_to() {
    let repository = Repository::new();
    std::os::unix::fs::symlink("policy", repository.path("current")).unwrap();
    let said = repository.sekisho(&["gate", "current", "--base", "main"]);
    assert_eq!(said.code, 2, "{}", said.out);
    assert!(said.err.contains("`current` is a symbolic link"), "{}", said.err);
}

#[test]
fn another_repository_inside_is_not_read() {
    let repository = Repository::new();
    repository.write("policy/sub/.git", "gitdir: elsewhere\n");
    repository.write("policy/sub/d.policy", "deny D1 from bangkok to any on any\n");
    let said = repository.gate(&["--format", "json"]);
    assert_eq!(said.json()["ruling"], "nothing-opened");
    assert!(
        repository
            .sekisho(&["check", "policy"])
            .err
            .contains("`sub` looks like a part of the project, and is not read")
    );
}

#[test]
fn a_firewall_that_protects_itself_no_more_is_a_promise_taken_back() {
    let repository = Repository::new();
    let interfaces = "interfaces: { eth0: wan, eth1: osaka/lab }";
    let own =
        "interfaces: { eth0: { network: wan, address: 192.0.2.1 }, eth1: { network: osaka/lab, address: 10.20.0.1 } }";
    let protected = NETWORK.replace(interfaces, &format!("protect: true, {own}"));
    repository.git(&["checkout", "-q", "main"]);
    repository.write("policy/network.yaml", &protected);
    repository.commit();
    repository.git(&["checkout", "-q", "-B", "change"]);
    assert_eq!(repository.ruled().0, 0);
    repository.write("policy/network.yaml", protected.replace("protect: true, ", ""));
    let (code, ruling) = repository.ruled();
    assert_eq!((code, &ruling["guards"]), (1, &serde_json::json!(["the firewall `fw-osaka` protects itself no more"])));
}

#[test]
fn an_approval_of_a_weaker_promise_is_of_that_one() {
    let repository = Repository::new();
    let never = "never NEV-01 from bangkok to class:secret";
    let narrowed = |to: &str| POLICY.replace(never, &format!("never NEV-01 from bangkok to {to}"));
    repository.write("policy/rules.policy", narrowed("10.10.64.0/25"));
    repository.approve("narrow", "ciso", "");
    assert_eq!(repository.ruled().0, 0);
    repository.write("policy/rules.policy", narrowed("10.10.64.0/26"));
    assert_eq!(repository.ruled().0, 1, "weaker still");
}

#[test]
fn a_push_cannot_take_the_lock_off_its_own_door() {
    let repository = Repository::new();
    repository.policy("allow ADM from osaka/lab to class:secret on tcp/445\n");
    repository.write("policy/sekisho.yaml", "gate: { otherwise: me }\n");
    let (code, ruling) = repository.ruled();
    assert_eq!(code, 1);
    assert_eq!(approvers(&ruling, "opens_needs"), ["ciso", "me"], "both sides are asked");
    let guards = ruling["guards"].to_string();
    assert!(guards.contains("the rules of the gate change") && guards.contains("asks less often `into class:secret`"));
    assert_eq!(approvers(&ruling, "weakens_needs"), ["ciso", "me"]);
    repository.approve("mine", "me", "");
    assert_eq!(repository.ruled().0, 1);
    let levels = Repository::with_settings("lints: { W0807: error }\n");
    levels.write("policy/sekisho.yaml", "lints: { W0807: allow }\n");
    assert_eq!(levels.ruled().1["guards"], serde_json::json!(["`W0807` fails a build no more"]));
}

#[test]
fn without_rules_anybody_approves() {
    let repository = Repository::with_settings("lints: {}\n");
    repository.policy("allow NEW from osaka/lab to tokyo/erp on tcp/8443\n");
    let said = repository.gate(&[]);
    assert_eq!(said.code, 1);
    assert!(
        said.out.contains("anybody must approve what opens") && said.out.contains("approved_by: [NAME]"),
        "{}",
        said.out
    );
    repository.approve("new", "whoever", "");
    assert_eq!(repository.gate(&[]).code, 0);
}

#[test]
fn mistakes_are_bad_input() {
    let repository = Repository::new();
    repository.write("policy/approvals/bad.yaml", "opens: sha256:123\napproved_by: []\nticket: X\ndate: tomorrow\n");
    let said = repository.gate(&[]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("E0708") && said.err.contains("approvals/bad.yaml:1"), "{}", said.err);
    fs::remove_file(repository.path("policy/approvals/bad.yaml")).unwrap();
    let said = repository.sekisho(&["gate", "policy", "--base", "nowhere"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("nowhere"), "{}", said.err);
    fs::remove_dir_all(repository.path(".git")).unwrap();
    let said = repository.gate(&[]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("in no git repository"), "{}", said.err);
}

#[test]
fn nothing_that_is_written_becomes_a_line() {
    let repository = Repository::with_settings("gate: { approvers: { \"a\\n## b\": [\"into class:secret\"] } }\n");
    repository.policy("allow NEW \"x\" from osaka/lab to class:secret on tcp/445\n");
    for format in ["text", "md"] {
        let said = repository.gate(&["--format", format]);
        assert_eq!(said.code, 1, "{}", said.err);
        assert!(!said.out.lines().any(|line| line.starts_with("## b")), "{}", said.out);
    }
}

#[test]
fn the_page_shows_what_is_printed() {
    let page = fs::read_to_string(root().join("docs/gate.md")).unwrap();
    let repository = Repository::new();
    let mut fences = page.split("```").skip(1).step_by(2);
    let settings = fences.next().unwrap().strip_prefix("yaml sekisho.yaml\n").unwrap();
    repository.write("policy/sekisho.yaml", settings);
    let loaded = repository.sekisho(&["check", "policy"]);
    assert_eq!(loaded.code, 0, "{}", loaded.err);
    let shown = fences.next().unwrap().strip_prefix("text\n").unwrap();
    let refused = fs::read_to_string(root().join("tests/golden/gate/refused.txt")).unwrap();
    assert_eq!(shown, refused, "the example is that of tests/golden/gate/refused.txt");
}
