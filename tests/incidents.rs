//! The three classic incidents at the command line: one hop, three hops, and a rule that should have expired.
//!
//! The projects stand in `docs/incidents.md`, which tells the stories in the tool's own words: a fenced block with a path is a file, and replaces the
//! one of that name before it; a block `console exit N` is a command, what it prints and how it ends. `UPDATE_GOLDEN=1 cargo test --test
//! incidents` rewrites what the commands print. The other tests take the same projects apart and ask in JSON.

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
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::{Said, sekisho};
use tempfile::TempDir;

fn page_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/incidents.md")
}

/// The fenced blocks of a page: what stands behind the fence, and the text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(fence) = line.strip_prefix("```") {
            let body: String = lines.by_ref().take_while(|line| *line != "```").flat_map(|line| [line, "\n"]).collect();
            found.push((fence.to_owned(), body));
        }
    }
    found
}

/// Writes a file of the page below `home`; a project gets the network that all share.
fn write(home: &Path, name: &str, text: &str) {
    let path = home.join(name);
    let project = path.parent().unwrap();
    fs::create_dir_all(project).unwrap();
    fs::write(&path, text).unwrap();
    if project != home {
        fs::copy(home.join("network.yaml"), project.join("network.yaml")).unwrap();
    }
}

/// One of the projects, with its policy as the page has it first, second ... (from 0).
struct Project {
    home: TempDir,
    name: &'static str,
    file: String,
    policy: String,
}

impl Project {
    fn new(name: &'static str, version: usize) -> Project {
        let home = tempfile::tempdir().unwrap();
        let page = fs::read_to_string(page_path()).unwrap();
        let blocks = blocks(&page);
        let (_, network) = blocks.iter().find(|(fence, _)| fence == "yaml network.yaml").unwrap();
        write(home.path(), "network.yaml", network);
        let of_policy =
            |fence: &str| fence.strip_prefix("policy ").filter(|path| path.starts_with(name)).map(str::to_owned);
        let versions: Vec<_> = blocks.iter().filter_map(|(fence, text)| Some((of_policy(fence)?, text))).collect();
        let (file, text) = &versions[version];
        let project = Project { home, name, file: file.clone(), policy: String::new() };
        project.with(text)
    }

    /// The same project with another policy.
    fn with(mut self, policy: &str) -> Project {
        write(self.home.path(), &self.file, policy);
        policy.clone_into(&mut self.policy);
        self
    }

    /// The same project without some of its rules, each of which is one line, or two if the second is indented.
    fn without(&self, rules: &[&str]) -> Project {
        let mut kept = String::new();
        let mut is_gone = false;
        for line in self.policy.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let is_rule = matches!(words.as_slice(), ["allow" | "deny" | "never", ..]);
            is_gone = (is_gone && !is_rule && line.starts_with(' ')) || (is_rule && rules.contains(&words[1]));
            if !is_gone {
                kept.push_str(line);
                kept.push('\n');
            }
        }
        let home = tempfile::tempdir().unwrap();
        fs::copy(self.home.path().join("network.yaml"), home.path().join("network.yaml")).unwrap();
        Project { home, name: self.name, file: self.file.clone(), policy: String::new() }.with(&kept)
    }

    fn rules(&self) -> Vec<String> {
        let words = self.policy.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        words.filter(|words| words.first() == Some(&"allow")).map(|words| words[1].to_owned()).collect()
    }

    fn run(&self, command: &str, day: &str, arguments: &[&str]) -> Said {
        sekisho(self.home.path(), &[&[command, self.name, "--at", day], arguments].concat())
    }

    /// What a command says to people, and its exit code.
    fn text(&self, command: &str, day: &str, arguments: &[&str]) -> (String, i32) {
        let output = self.run(command, day, arguments);
        (output.all(), output.code)
    }

    /// What it says to programs, and its exit code.
    fn json(&self, command: &str, day: &str, arguments: &[&str]) -> (Value, i32) {
        let output = self.run(command, day, &[arguments, &["--format", "json"]].concat());
        let value = serde_json::from_str(&output.out).unwrap_or_else(|why| panic!("{why}: {}", output.all()));
        (value, output.code)
    }

    /// The only assertion of the project, and the exit code of `check`.
    fn assertion(&self, day: &str) -> (Value, i32) {
        let (report, code) = self.json("check", day, &[]);
        assert_eq!(report["assertions"].as_array().unwrap().len(), 1);
        (report["assertions"][0].clone(), code)
    }

    /// The codes of what `check` reports, in its order.
    fn codes(&self, day: &str) -> Vec<String> {
        let (report, _) = self.json("check", day, &[]);
        let codes =
            report["diagnostics"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned());
        codes.collect()
    }

    fn is_proved(&self, day: &str) -> bool {
        let (assertion, code) = self.assertion(day);
        assert_eq!(assertion["outcome"] == "proved", code == 0, "{assertion}");
        code == 0
    }

    /// The verdict on the witness of a row.
    fn verdict(&self, day: &str, witness: &Value) -> String {
        let text = |key: &str| witness[key].as_str().unwrap().to_owned();
        let on = format!("{}/{}", text("protocol"), witness["destination_port"]);
        let (answer, code) = self.json("explain", day, &["--from", &text("src"), "--to", &text("dst"), "--on", &on]);
        assert_eq!(code, 0);
        answer["verdict"].as_str().unwrap().to_owned()
    }
}

/// Every set of so many of these.
fn sets_of(rules: &[String], size: usize) -> Vec<Vec<&str>> {
    if size == 0 {
        return vec![Vec::new()];
    }
    let mut sets = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let rest = sets_of(&rules[index + 1..], size - 1);
        sets.extend(rest.into_iter().map(|set| [vec![rule.as_str()], set].concat()));
    }
    sets
}

/// Whether taking away what `check` names mends the assertion, and taking away any smaller set of rules does not.
fn assert_mend_is_smallest(project: &Project, day: &str) -> Vec<String> {
    let (assertion, _) = project.assertion(day);
    let mend: Vec<String> = serde_json::from_value(assertion["mend"].clone()).unwrap();
    let names: Vec<&str> = mend.iter().map(String::as_str).collect();
    assert!(project.without(&names).is_proved(day), "{mend:?} does not mend it");
    let rules = project.rules();
    for smaller in (0..mend.len()).flat_map(|size| sets_of(&rules, size)) {
        assert!(!project.without(&smaller).is_proved(day), "{smaller:?} is enough, and {mend:?} is named");
    }
    mend
}

fn assert_says(text: &str, sentences: &[&str]) {
    for sentence in sentences {
        assert!(text.contains(sentence), "`{sentence}` is missing in\n{text}");
    }
}

#[test]
fn the_page_shows_what_the_tool_says() {
    let page = fs::read_to_string(page_path()).unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut told = page.clone();
    let mut commands = 0;
    for (fence, text) in blocks(&page) {
        let Some(exit) = fence.strip_prefix("console exit ") else {
            let (_, name) = fence.split_once(' ').unwrap();
            write(home.path(), name, &text);
            let formatted = sekisho(home.path(), &["fmt", "--check", "."]);
            assert_eq!(formatted.code, 0, "{}", formatted.all());
            continue;
        };
        let command = text.lines().next().unwrap();
        let words: Vec<&str> = command.strip_prefix("$ sekisho ").unwrap().split(' ').collect();
        let output = sekisho(home.path(), &words);
        assert_eq!(output.code.to_string(), exit, "{command}\n{}", output.all());
        let now = format!("```{fence}\n{command}\n{}```\n", output.all());
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            told = told.replacen(&format!("```{fence}\n{text}```\n"), &now, 1);
        } else {
            assert_eq!(format!("```{fence}\n{text}```\n"), now, "UPDATE_GOLDEN=1 rewrites it");
        }
        commands += 1;
    }
    assert!(commands >= 9, "the page lost its commands: {commands} are left");
    if told != page {
        fs::write(page_path(), told).unwrap();
    }
}

#[test]
fn one_hop_from_an_office_abroad_to_a_file_server() {
    let day = "2026-11-22";
    let project = Project::new("one-hop", 0);
    let (text, code) = project.text("check", day, &[]);
    assert_eq!(code, 1);
    assert_says(
        &text,
        &[
            "error[A0001]: `NEV-01` is violated: bangkok reaches tokyo/drawings on tcp/445",
            "--> files.policy:11:7",
            "= note: bangkok -> tokyo/drawings on tcp/445, by TH-FIL-04 (files.policy:8), through fw-bangkok, fw-tokyo",
            "= note: witness: 10.81.0.1 -> 10.10.4.10 tcp/445",
            "= help: narrow or remove TH-FIL-04, or waive `NEV-01` for `TH-FIL-04` until a date",
            "assertions: 0 proved, 1 violated, 0 unproven, 0 inactive",
        ],
    );
    let (assertion, code) = project.assertion(day);
    assert_eq!((code, &assertion["outcome"], &assertion["because"]), (1, &json!("violated"), &Value::Null));
    let [hop] = assertion["hops"].as_array().unwrap().as_slice() else { panic!("{assertion}") };
    assert_eq!(
        (&hop["from"], &hop["to"], &hop["rules"]),
        (&json!("bangkok"), &json!("tokyo/drawings"), &json!(["TH-FIL-04"]))
    );
    // Every packet of it, in both families, and nothing else.
    let exact = json!([
        {"src": ["10.81.0.0/20"], "dst": ["10.10.4.10"], "services": ["tcp/445"]},
        {"src": ["2001:db8:81::/64"], "dst": ["2001:db8:10:4::10"], "services": ["tcp/445"]},
    ]);
    assert_eq!(hop["exact"], exact);
    assert_eq!(project.verdict(day, &hop["witness"]), "pass");

    assert_eq!(assert_mend_is_smallest(&project, day), ["TH-FIL-04"]);
    for innocent in ["JP-FIL-01", "TH-FIL-03"] {
        assert!(!project.without(&[innocent]).is_proved(day), "{innocent}");
    }
    let mended = project.without(&["TH-FIL-04"]);
    assert_eq!(
        mended.text("check", day, &[]),
        (
            "proved    NEV-01  Drawings stay in Japan\nassertions: 1 proved, 0 violated, 0 unproven, 0 inactive\n"
                .to_owned(),
            0
        )
    );
    assert_eq!(mended.verdict(day, &hop["witness"]), "drop");
    assert_eq!(mended.policy, Project::new("one-hop", 1).policy, "the page mends it in the same way");
}

#[test]
fn three_hops_from_a_branch_to_the_directory() {
    let day = "2026-11-22";
    let project = Project::new("three-hops", 0);
    let (text, code) = project.text("check", day, &[]);
    assert_eq!(code, 1);
    assert_says(
        &text,
        &[
            "error[A0001]: `NEV-02` is violated: branch reaches tokyo/directory in 3 hops",
            "= note: hop 1: branch -> tokyo/web on tcp/443, by WEB-01 (shop.policy:6), through fw-branch, fw-tokyo",
            "= note: hop 2: tokyo/web -> tokyo/orders on tcp/8009, by WEB-02 (shop.policy:7), through fw-tokyo",
            "by DIR-01 (shop.policy:8), through fw-core",
            "10.20.0.1 -> 10.10.1.10 tcp/443, then 10.10.1.10 -> 10.10.3.10 tcp/8009, then 10.10.3.10 -> 10.10.5.10 tcp/389",
        ],
    );
    let (assertion, _) = project.assertion(day);
    let hops = assertion["hops"].as_array().unwrap();
    let rules: Vec<&Value> = hops.iter().map(|hop| &hop["rules"]).collect();
    assert_eq!(rules, [&json!(["WEB-01"]), &json!(["WEB-02"]), &json!(["DIR-01"])]);
    for pair in hops.windows(2) {
        assert_eq!(pair[0]["witness"]["dst"], pair[1]["witness"]["src"], "a hop starts where the one before ends");
    }
    for hop in hops {
        assert_eq!(project.verdict(day, &hop["witness"]), "pass", "{hop}");
    }
    let ends = (hops[0]["witness"]["src"].as_str().unwrap(), hops[2]["witness"]["dst"].as_str().unwrap());
    let (answer, _) = project.json("explain", day, &["--from", ends.0, "--to", ends.1, "--on", "tcp/389"]);
    assert_eq!(answer["verdict"], "drop", "no rule lets the branch go there directly");
    // A direct `never` would not have seen it.
    let direct = project.policy.replace(" transitive", "");
    assert!(Project::new("three-hops", 0).with(&direct).is_proved(day));
}

#[test]
fn the_mend_of_a_chain_is_a_smallest_set() {
    let day = "2026-11-22";
    let project = Project::new("three-hops", 0);
    assert_eq!(assert_mend_is_smallest(&project, day).len(), 1);
    for rule in project.rules() {
        assert!(project.without(&[&rule]).is_proved(day), "every hop of a single chain is needed, {rule} too");
    }
    // A second way to the directory, shorter than the first: then one rule is not enough.
    let more = "
allow SHP-04 from branch to tokyo/catalogue on https owner team-shop ticket CHG-1 review 2027-01-31
allow DIR-02 from tokyo/catalogue to tokyo/directory on ldap owner team-shop ticket CHG-1 review 2027-01-31
";
    let two_ways = Project::new("three-hops", 0).with(&(project.policy.clone() + more));
    let (assertion, _) = two_ways.assertion(day);
    let rules: Vec<&Value> = assertion["hops"].as_array().unwrap().iter().map(|hop| &hop["rules"]).collect();
    assert_eq!(rules, [&json!(["SHP-04"]), &json!(["DIR-02"])], "the shortest chain is told");
    assert_eq!(assert_mend_is_smallest(&two_ways, day).len(), 2);

    let narrowed = Project::new("three-hops", 1);
    assert_eq!(
        narrowed.policy,
        project.policy.replace("tag:backend", "tokyo/catalogue"),
        "only the middle rule differs"
    );
    assert_eq!(
        narrowed.text("check", day, &[]),
        (
            "proved    NEV-02  No way leads from a branch to the directory\nassertions: 1 proved, 0 violated, 0 unproven, 0 inactive\n"
                .to_owned(),
            0
        )
    );
}

fn hop_and_whether_by_rules(hop: &Value) -> (u64, bool) {
    let mut rows = hop["rows"].as_array().unwrap().iter();
    (hop["hop"].as_u64().unwrap(), rows.any(|row| row["rules"] != json!([])))
}

#[test]
fn blast_counts_what_each_rule_of_a_chain_is_worth() {
    let day = "2026-11-22";
    let project = Project::new("three-hops", 0);
    let (blast, code) = project.json("blast", day, &["--from", "branch"]);
    assert_eq!(code, 0);
    // The fourth is the rest of the directory's own network, where no firewall stands: it has no host, so text leaves it out.
    let hops: Vec<(u64, bool)> = blast["hops"].as_array().unwrap().iter().map(hop_and_whether_by_rules).collect();
    assert_eq!(hops, [(1, true), (2, true), (3, true), (4, false)]);
    let servers = blast["servers"].as_array().unwrap();
    let hop_of = |name: &str| servers.iter().find(|one| one["name"] == name).map(|one| one["hop"].as_u64().unwrap());
    assert_eq!(hop_of("tokyo/web"), Some(1));
    assert_eq!(hop_of("tokyo/orders"), Some(2));
    assert_eq!(hop_of("tokyo/directory"), Some(3));
    assert_eq!(hop_of("tokyo/drawings"), None);
    let directory = servers.iter().find(|one| one["name"] == "tokyo/directory").unwrap();
    assert_eq!((&directory["rules"], &directory["through"]), (&json!(["DIR-01"]), &json!(["fw-core"])));
    // What it says about each rule is what comes out if the rule is taken away; the first shrinks it most.
    assert_eq!(blast["shrinks"][0], json!({"rule": "WEB-01", "before": 5, "after": 0}));
    let shrinks = blast["shrinks"].as_array().unwrap();
    let mut after = Vec::new();
    for rule in project.rules() {
        let (left, _) = project.without(&[&rule]).json("blast", day, &["--from", "branch"]);
        let told = shrinks.iter().find(|one| one["rule"] == rule.as_str()).unwrap();
        assert_eq!((&told["before"], &told["after"]), (&blast["total"], &left["total"]), "{rule}");
        after.push(left["total"].as_u64().unwrap());
    }
    assert_eq!(after.iter().min(), Some(&0));
    let (text, _) = project.text("blast", day, &["--from", "branch"]);
    assert_says(
        &text,
        &["from branch: 5 hosts in 3 hops", "without WEB-01, 5 hosts become 0", "without WEB-02, 5 hosts become 1"],
    );
}

#[test]
fn a_rule_that_should_have_expired() {
    let project = Project::new("expired", 0);
    let days = [
        ("2026-05-31", true),
        ("2026-06-01", false),
        ("2026-06-30", false),
        ("2026-07-01", true),
        ("2026-11-22", true),
    ];
    for (day, is_proved) in days {
        assert_eq!(project.is_proved(day), is_proved, "{day}: both dates are inclusive");
    }
    let (assertion, _) = project.assertion("2026-06-15");
    let hop = &assertion["hops"][0];
    assert_eq!((&hop["rules"], &assertion["mend"]), (&json!(["TH-MIG-02"]), &json!(["TH-MIG-02"])));
    assert_eq!(project.verdict("2026-06-30", &hop["witness"]), "pass");
    assert_eq!(project.verdict("2026-07-01", &hop["witness"]), "drop");
    let (text, _) = project.text("check", "2026-06-30", &[]);
    assert_says(
        &text,
        &[
            "`NEV-03` is violated: bangkok reaches tokyo/orders on tcp/8080",
            "by TH-MIG-02 (migration.policy:1), through fw-bangkok, fw-tokyo",
        ],
    );
    let (text, code) = project.text("check", "2026-07-01", &[]);
    assert_eq!(code, 0);
    assert_says(
        &text,
        &["warning[W0411]: the allow `TH-MIG-02` lapsed on 2026-06-30", "= help: remove it, or extend `until`"],
    );
}

/// What a date changes reaches a firewall when it is compiled anew, and the manifest says when that is due.
#[test]
fn a_rule_that_expired_is_in_no_rule_set() {
    let project = Project::new("expired", 0);
    let out = tempfile::tempdir().unwrap();
    let compile = |day: &str| {
        let directory = out.path().join(day);
        let (text, code) = project.text("compile", day, &["-o", &directory.display().to_string()]);
        assert_eq!(code, 0, "{text}");
        let manifest: Value = serde_json::from_slice(&fs::read(directory.join("manifest.json")).unwrap()).unwrap();
        let holds = ["fw-bangkok", "fw-tokyo"].map(|firewall| {
            fs::read_to_string(directory.join(firewall).join("ruleset.nft")).unwrap().contains("TH-MIG-02")
        });
        (holds, manifest["changes_on"].clone())
    };
    assert_eq!(compile("2026-05-31"), ([false, false], json!("2026-06-01")));
    assert_eq!(compile("2026-06-30"), ([true, true], json!("2026-07-01")));
    assert_eq!(compile("2026-07-01"), ([false, false], Value::Null));
}

#[test]
fn without_a_last_day_a_lint_and_the_assertion_find_it() {
    let day = "2026-11-22";
    let project = Project::new("expired", 1);
    assert_eq!(project.policy, Project::new("expired", 0).policy.replace(" until 2026-06-30", ""));
    assert!(!project.is_proved(day));
    assert_eq!(project.codes(day), ["W0414", "A0001"]);
    let (text, code) = project.text("check", day, &[]);
    assert_eq!(code, 1);
    assert_says(
        &text,
        &[
            "note[W0414]: `TH-MIG-02` allows without end and without a review",
            "= help: give it, or its purpose, `until DATE` or `review DATE`",
            "error[A0001]: `NEV-03` is violated: bangkok reaches tokyo/orders on tcp/8080",
        ],
    );
    // A date to look at it again quiets the lint, never the assertion.
    let reviewed = Project::new("expired", 1)
        .with(&project.policy.replace("ticket CHG-4800", "ticket CHG-4800 review 2027-06-01"));
    assert_eq!(reviewed.codes(day), ["A0001"]);
    // Who accepts the risk does so until a date.
    let waived = project.policy.clone() + "\nwaive W-01 for NEV-03 allow TH-MIG-02 ticket RISK-12 until 2026-12-31\n";
    let waived = Project::new("expired", 1).with(&waived);
    assert!(waived.is_proved("2026-12-31") && !waived.is_proved("2027-01-01"));
}
