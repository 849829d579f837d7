//! What `check` prints for forges and build servers: documents, the schema of SARIF, and input that would be markup or a command.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking, its helpers too"
)]

mod schema;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::ops::Deref;

use schema::Schema;
use sekisho::diag::{Code, Diagnostic, Severity};
use sekisho::report::ci::{self, Case, CaseOutcome, Run, Step, Weight};
use sekisho::source::{Sources, Span};
use serde_json::{Value, json};
use support::{Home, Said};

const NETWORK: &str = r#"
sites:
  bangkok:
    networks:
      office: { address: 10.81.0.0/24 }
  tokyo:
    networks:
      app: { address: 10.10.5.0/24 }
      vault: { address: 10.10.6.0/24, class: secret }
transit:
  wan: {}
devices:
  fw-bangkok: { site: bangkok, platform: nftables, interfaces: { eth0: wan, eth1: bangkok/office } }
  fw-tokyo: { site: tokyo, platform: nftables, interfaces: { eth0: wan, eth1: tokyo/app, eth2: tokyo/vault } }
"#;

/// Every outcome: proved, violated by a chain, violated and advisory, inactive; and lints.
const POLICY: &str = r#"allow TH-FIL-04 "Files, {braces} & [links](http://x)" from bangkok/office to tokyo/app on smb
allow DC-ADM-02 from tokyo/app to class:secret on rdp
allow OLD-01 from bangkok/office to tokyo/app on ssh until 2026-01-31
never NEV-01 "Bangkok reaches no <secret>" from bangkok to class:secret transitive
never NEV-02 from bangkok to class:secret
must MST-01 "Bangkok mends it" from bangkok/office to tokyo/app on ssh advisory
only ONL-01 from bangkok to tokyo/app on ssh start 2027-01-01
"#;

const DAY: &str = "2026-11-22";

struct World(Home);

impl Deref for World {
    type Target = Home;

    fn deref(&self) -> &Home {
        &self.0
    }
}

impl World {
    /// A repository with a project in `policies/main`.
    fn new(policy: &str) -> Self {
        let home = Home::new();
        fs::create_dir(home.path(".git")).unwrap();
        home.write("policies/main/network.yaml", NETWORK).write("policies/main/rules.policy", policy);
        Self(home)
    }

    /// Runs the program where a summary of the job is kept.
    fn asked(&self, arguments: &[&str]) -> Said {
        let mut command = support::program(self.root(), arguments);
        Said::of(command.args(["--at", DAY]).env("GITHUB_STEP_SUMMARY", self.path("summary.md")).output().unwrap())
    }

    fn check(&self, format: &str) -> Said {
        self.asked(&["check", "policies/main", "--format", format])
    }
}

fn golden(name: &str, actual: &str) {
    support::golden(&format!("ci/{name}"), actual);
}

#[test]
fn documents_show_every_format() {
    let world = World::new(POLICY);
    for format in ["sarif", "junit", "github", "gitlab"] {
        let said = world.check(format);
        assert_eq!((said.code, said.err.as_str()), (1, ""), "{format}");
        // The pages of codes are in docs/errors, and need not stand here once more.
        let mut text = said.out;
        if format == "sarif" {
            let mut log: Value = serde_json::from_str(&text).unwrap();
            for rule in log["runs"][0]["tool"]["driver"]["rules"].as_array_mut().unwrap() {
                let page = rule["help"]["markdown"].as_str().unwrap();
                assert!(page.starts_with(&format!("# {}: ", rule["id"].as_str().unwrap())), "{page}");
                rule["help"] = json!("...");
            }
            log["runs"][0]["tool"]["driver"]["semanticVersion"] = json!("...");
            text = serde_json::to_string_pretty(&log).unwrap() + "\n";
        }
        golden(&format!("check.{format}"), &text);
    }
    golden("summary.md", &fs::read_to_string(world.path("summary.md")).unwrap());
}

#[test]
fn a_summary_is_written_for_github_alone_and_added_to_what_is_there() {
    let world = World::new(POLICY);
    for format in ["text", "concise", "json", "sarif", "junit", "gitlab"] {
        world.check(format);
        assert!(!world.path("summary.md").exists(), "{format}");
    }
    world.write("summary.md", "# Before\n");
    world.check("github");
    let once = fs::read_to_string(world.path("summary.md")).unwrap();
    assert!(once.starts_with("# Before\n## sekisho check\n"));
    world.check("github");
    assert_eq!(fs::read_to_string(world.path("summary.md")).unwrap().matches("## sekisho check").count(), 2);
}

fn sarif(text: &str) -> Value {
    let log: Value = serde_json::from_str(text).unwrap();
    let wrong = Schema::sarif().wrong(&log);
    assert!(wrong.is_empty(), "{wrong:#?}");
    log
}

#[test]
fn sarif_is_what_its_schema_asks_for() {
    for policy in [POLICY, "", "allow X from nowhere to any on any\nallow { \n", "never N from bangkok to tokyo\n"] {
        let log = sarif(&World::new(policy).check("sarif").out);
        let run = &log["runs"][0];
        for result in run["results"].as_array().unwrap() {
            let rule = &run["tool"]["driver"]["rules"][usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
            assert_eq!(rule["id"], result["ruleId"]);
        }
    }
    let world = World::new("");
    fs::write(world.path("policies/main/latin.policy"), b"\xe9").unwrap();
    assert_eq!(sarif(&world.check("sarif").out)["runs"][0]["invocations"][0]["executionSuccessful"], false);
}

/// The validator of this test is no yes-man.
#[test]
fn the_schema_refuses_what_is_wrong() {
    let good = sarif(&World::new(POLICY).check("sarif").out);
    let schema = Schema::sarif();
    let cases: [(&str, Value); 9] = [
        ("/version", json!("2.1.1")),
        ("/runs", json!({})),
        ("/runs/0/tool", json!({})),
        ("/runs/0/results/0/message", json!({})),
        ("/runs/0/results/0/level", json!("fatal")),
        ("/runs/0/results/0/ruleIndex", json!(-2)),
        ("/runs/0/results/0/locations/0/physicalLocation/region/startLine", json!(0)),
        ("/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri", json!("a b")),
        ("/runs/0/results/0/partialFingerprints", json!({ "a": 1 })),
    ];
    for (place, value) in cases {
        let mut log = good.clone();
        *log.pointer_mut(place).unwrap() = value;
        assert!(!schema.wrong(&log).is_empty(), "{place}");
    }
    let mut log = good;
    log["runs"][0]["extra"] = json!(1);
    assert!(!schema.wrong(&log).is_empty());
}

#[test]
fn a_chain_is_a_code_flow() {
    let log = sarif(&World::new(POLICY).check("sarif").out);
    let results = log["runs"][0]["results"].as_array().unwrap();
    let of = |name: &str| {
        results.iter().find(|one| one["message"]["text"].as_str().unwrap().starts_with(&format!("`{name}`"))).unwrap()
    };
    let flow = of("NEV-01")["codeFlows"][0]["threadFlows"][0]["locations"].as_array().unwrap();
    let lines: Vec<&Value> = flow.iter().map(|at| &at["location"]["physicalLocation"]["region"]["startLine"]).collect();
    assert_eq!(lines, [1, 2]);
    assert!(flow[1]["location"]["message"]["text"].as_str().unwrap().starts_with("hop 2: tokyo/app -> "));
    assert_eq!(of("MST-01").get("codeFlows"), None);
}

fn fingerprints(text: &str) -> Vec<String> {
    let log: Value = serde_json::from_str(text).unwrap();
    let print = |one: &Value| one["partialFingerprints"]["sekisho/v1"].as_str().unwrap().to_owned();
    log["runs"][0]["results"].as_array().unwrap().iter().map(print).collect()
}

#[test]
fn fingerprints_are_of_meaning_and_occur_once() {
    let world = World::new(POLICY);
    let before = fingerprints(&world.check("sarif").out);
    let unique: BTreeSet<&String> = before.iter().collect();
    assert_eq!(unique.len(), before.len());
    // Lines move, the file is split, a chain gets another first hop, a day passes.
    let (first, rest) = POLICY.split_at(POLICY.find("never").unwrap());
    let other = World::new(&format!("# moved\n\n\n{}", first.replace("on smb", "on ssh, smb")));
    other.write("policies/main/zz/assertions.policy", rest);
    let after: BTreeSet<String> = fingerprints(&other.check("sarif").out).into_iter().collect();
    let same = before.iter().filter(|print| after.contains(*print)).count();
    // MST-01 is not the same: ssh passes now.
    assert!(same >= before.len() - 1, "{same} of {}", before.len());
    // GitLab has the same ones.
    let list: Value = serde_json::from_str(&world.check("gitlab").out).unwrap();
    let of_gitlab: BTreeSet<String> =
        list.as_array().unwrap().iter().map(|one| one["fingerprint"].as_str().unwrap().to_owned()).collect();
    assert_eq!(of_gitlab, before.into_iter().collect());
}

#[test]
fn findings_that_are_alike_are_told_apart() {
    let world = World::new(&"allow X from nowhere to any on any\n".repeat(3));
    let prints = fingerprints(&world.check("sarif").out);
    assert!(prints.len() >= 3);
    assert_eq!(prints.iter().collect::<BTreeSet<_>>().len(), prints.len());
}

static BAD: Code = Code::error("E0203", "unknown name");
static UNPROVEN: Code = Code::lint("A0002", Severity::Error, "an assertion that could not be proved");

const NASTY: &str = "x\r\n::error::owned\n::set-output name=a::b%0A%25]]></failure><b>&amp;\"'\u{1b}[31m\u{7}\u{0}\u{202e}\u{ffff}[t](http://e) {0}\n";

/// What a run says whose every text is hostile.
fn nasty(format: &str) -> String {
    let mut sources = Sources::default();
    let file = sources.add("a:b,c %0A\n::error::.policy", format!("{NASTY}{NASTY}"));
    let spans = [Span::new(file, 0, 9), Span::new(file, 4, 200)];
    let mut about = Diagnostic::new(&UNPROVEN, spans[1], NASTY).label(NASTY).also(spans[0], NASTY).note(NASTY);
    about.help = Some(NASTY.to_owned());
    let found = [Diagnostic::new(&BAD, spans[0], NASTY).help(NASTY), about, Diagnostic::without_place(&BAD, NASTY)];
    let case = |outcome, weight| Case {
        name: NASTY.to_owned(),
        kind: "never",
        title: Some(NASTY.to_owned()),
        outcome,
        weight,
        span: spans[1],
        steps: vec![
            Step { text: NASTY.to_owned(), spans: vec![spans[0]] },
            Step { text: NASTY.to_owned(), spans: vec![] },
        ],
    };
    let cases = [case(CaseOutcome::Unproven, Weight::Binding), case(CaseOutcome::Violated, Weight::Advisory)];
    let run = Run {
        command: "check",
        prefix: "p::q\n/",
        sources: &sources,
        found: &found,
        cases: &cases,
        page: &|_| Some("# E0203: page\n"),
        exit: 2,
    };
    if format == "summary" { ci::summary(&run) } else { ci::by_name(format).unwrap().write(&run) }
}

#[test]
fn no_text_becomes_a_command_of_github() {
    let text = nasty("github");
    assert_eq!(text.lines().count(), 3, "{text}");
    for line in text.lines() {
        assert!(line.starts_with("::error file=") || line.starts_with("::error title="), "{line}");
        let (properties, _) = line.trim_start_matches("::").split_once("::").unwrap();
        assert!(properties.split_once(' ').unwrap().1.split(',').all(|one| {
            ["file=", "line=", "endLine=", "col=", "endColumn=", "title="].iter().any(|key| one.starts_with(key))
        }));
    }
    assert!(!text.contains(['\r', '\u{1b}', '\u{7}', '\u{0}', '\u{202e}']));
}

#[test]
fn no_text_becomes_markup_of_junit() {
    let text = nasty("junit");
    let mut open = Vec::new();
    for part in text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").unwrap().split('<').skip(1) {
        let (tag, after) = part.split_once('>').unwrap();
        let rest = ["&amp;", "&lt;", "&gt;", "&quot;", "&apos;"]
            .iter()
            .fold(after.to_owned(), |text, entity| text.replace(entity, ""));
        assert!(!rest.contains(['>', '&']), "{after}");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop().as_deref(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split(' ').next().unwrap().to_owned()),
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
    }
    assert!(open.is_empty());
    assert!(!text.contains("]]>") && !text.contains(['\u{1b}', '\u{7}', '\u{0}', '\u{ffff}']));
    let known = ["testsuites", "testsuite", "testcase", "failure", "error", "skipped", "system-out", "/"];
    assert!(text.split('<').skip(2).all(|tag| known.iter().any(|name| tag.starts_with(name))));
}

#[test]
fn no_text_becomes_markup_of_sarif_or_gitlab() {
    let log = sarif(&nasty("sarif"));
    let result = &log["runs"][0]["results"][0];
    let text = result["message"]["text"].as_str().unwrap();
    assert!(text.contains("{{0}}") && text.contains("\\[t\\]") && !text.contains('\u{1b}'), "{text:?}");
    let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
    assert_eq!(uri, "p%3A%3Aq%0A/a%3Ab%2Cc%20%250A%0A%3A%3Aerror%3A%3A.policy");
    let list: Value = serde_json::from_str(&nasty("gitlab")).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 3);
    assert!(list.as_array().unwrap().iter().all(|one| !one["description"].as_str().unwrap().contains('\u{1b}')));
}

#[test]
fn no_text_becomes_markup_of_the_summary() {
    let text = nasty("summary");
    for line in text.lines() {
        let is_ours =
            line.is_empty() || line.starts_with("| ") || line.starts_with("## ") || line.starts_with("Assertions: ");
        assert!(is_ours, "{line}");
        if line.starts_with("| ") && !line.starts_with("| ---") {
            assert_eq!(line.replace("\\|", "").matches('|').count(), 5, "{line}");
        }
    }
    assert!(!text.contains("<b>") && !text.contains("http://") && !text.contains('\u{1b}'));
}

#[test]
fn what_cannot_be_read_is_said_in_every_format() {
    let world = World::new("");
    fs::remove_dir_all(world.path("policies/main")).unwrap();
    for (format, words) in [
        ("sarif", "\"ruleId\": \"E0704\""),
        ("junit", "<failure type=\"sekisho.E0704\""),
        ("github", "::error title=sekisho E0704::"),
        ("gitlab", "\"check_name\": \"E0704\""),
    ] {
        let said = world.check(format);
        assert_eq!(said.code, 2);
        assert!(said.out.contains(words), "{format}: {}", said.out);
    }
}

#[test]
fn nothing_wrong_is_said_in_every_format() {
    let world = World::new(
        "allow A-1 from bangkok/office to tokyo/app on https owner a ticket b review 2030-01-01\nnever N-1 from tokyo to bangkok on ssh\n",
    );
    world.write("policies/main/sekisho.yaml", "lints: { W0809: allow }\n");
    assert_eq!(world.check("github").out, "");
    assert_eq!(world.check("gitlab").out, "[]\n");
    let log = sarif(&world.check("sarif").out);
    assert_eq!(log["runs"][0]["results"], json!([]));
    let said = world.check("junit");
    assert!(said.out.contains("<testcase classname=\"sekisho.never\" name=\"N-1\""), "{}", said.out);
    assert_eq!(said.code, 0);
}

/// The world and a change of it: something opens, something closes, and an assertion comes to be violated.
fn changed() -> World {
    let world = World::new(POLICY);
    let opened =
        "allow DB-01 \"Reports::error\" from tokyo/app, bangkok/office to class:secret on tcp/5432 ticket CHG-7\n";
    let text = POLICY.replace("allow TH-FIL-04", "allow TH-FIL-05").replace(" on smb", " on tcp/445");
    let text = text.replace("allow DC-ADM-02 from tokyo/app to class:secret on rdp\n", "");
    world.write("policies/next/network.yaml", NETWORK);
    world.write("policies/next/rules.policy", format!("{text}{opened}"));
    world
}

fn diff(world: &World, format: &str) -> Said {
    world.asked(&["diff", "policies/main", "policies/next", "--format", format])
}

#[test]
fn a_comparison_is_told_in_every_format() {
    let world = changed();
    for format in ["junit", "github", "gitlab"] {
        let said = diff(&world, format);
        assert_eq!((said.code, said.err.as_str()), (1, ""), "{format}");
        golden(&format!("diff.{format}"), &said.out);
    }
    golden("diff-summary.md", &fs::read_to_string(world.path("summary.md")).unwrap());
    let log = sarif(&diff(&world, "sarif").out);
    let results = log["runs"][0]["results"].as_array().unwrap();
    let codes: BTreeSet<&str> = results.iter().map(|one| one["ruleId"].as_str().unwrap()).collect();
    assert!(codes.contains("D0001") && codes.contains("D0002") && codes.contains("A0001"), "{codes:?}");
    let opened = results.iter().find(|one| one["ruleId"] == "D0001").unwrap();
    let place = &opened["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(place, "policies/next/rules.policy");
    let prints: BTreeSet<&str> =
        results.iter().map(|one| one["partialFingerprints"]["sekisho/v1"].as_str().unwrap()).collect();
    assert_eq!(prints.len(), results.len(), "no two alike");
    // A line before it moves the rule, and changes no identity.
    let text = fs::read_to_string(world.path("policies/next/rules.policy")).unwrap();
    world.write("policies/next/rules.policy", format!("# moved\n{text}"));
    let moved = sarif(&diff(&world, "sarif").out);
    let again: BTreeSet<&str> = moved["runs"][0]["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["partialFingerprints"]["sekisho/v1"].as_str().unwrap())
        .collect();
    assert_eq!(prints, again);
}
