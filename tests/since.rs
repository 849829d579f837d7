//! When flows were permitted, over real histories.

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
use support::{Home, Said};

const NETWORK: &str = r#"
sites:
  bangkok:
    networks:
      office: { address: 10.81.0.0/24 }
  osaka:
    networks:
      lab: { address: 10.82.0.0/24 }
  tokyo:
    networks:
      app: { address: 10.10.5.0/24 }
    hosts:
      erp: { address: 10.10.5.12 }
transit:
  wan: {}
devices:
  fw-bangkok: { site: bangkok, platform: nftables, interfaces: { eth0: wan, eth1: bangkok/office } }
  fw-osaka: { site: osaka, platform: nftables, interfaces: { eth0: wan, eth1: osaka/lab } }
  fw-tokyo: { site: tokyo, platform: nftables, interfaces: { eth0: wan, eth1: tokyo/app } }
"#;

const WEB: &str = "allow ERP-WEB from bangkok/office to tokyo/erp on https\n";

/// What `since` says as JSON, shortly.
trait Intervals {
    /// `permitted all 2024-01-03..2024-01-05 ERP-WEB`, one an interval.
    fn intervals(&self) -> Vec<String>;
}

impl Intervals for Said {
    fn intervals(&self) -> Vec<String> {
        let point = |point: &Value| {
            let by = if point["by"] == "date" { "!" } else { "" };
            point["date"].as_str().map_or_else(String::new, |date| format!("{date}{by}"))
        };
        let one = |interval: &Value| {
            let mut text = interval["state"].as_str().unwrap().to_owned();
            if let Some(flows) = interval["flows"].as_str() {
                text += &format!(" {flows}");
            }
            text += &format!(" {}..{}", point(&interval["since"]), point(&interval["until"]));
            for rule in interval["rules"].as_array().unwrap() {
                text += &format!(" {}", rule["name"].as_str().unwrap());
                if rule["since"] != interval["since"] || rule["until"] != interval["until"] {
                    text += &format!("({}..{})", point(&rule["since"]), point(&rule["until"]));
                }
            }
            text
        };
        self.json()["intervals"].as_array().unwrap().iter().map(one).collect()
    }
}

struct World(Home);

impl Deref for World {
    type Target = Home;

    fn deref(&self) -> &Home {
        &self.0
    }
}

impl World {
    /// A repository whose project `net` has a network and no rule since the 1st.
    fn new() -> Self {
        let world = Self(Home::repository());
        world.write("net/network.yaml", NETWORK).rules("").commit("2024-01-01", "Begin");
        world
    }

    fn write(&self, relative: &str, text: &str) -> &Self {
        self.0.write(relative, text);
        self
    }

    fn rules(&self, text: &str) -> &Self {
        self.write("net/erp.policy", text)
    }

    fn git(&self, day: &str, arguments: &[&str]) -> String {
        support::git_on(day, self.root(), arguments)
    }

    fn commit(&self, day: &str, message: &str) -> &Self {
        self.git(day, &["add", "-A"]);
        self.git(day, &["commit", "-q", "--allow-empty", "-m", message]);
        self
    }

    fn since(&self, from: &str, to: &str, on: &str) -> Said {
        self.sekisho(&["since", from, to, "on", on, "net", "--format", "json"])
    }

    fn web(&self) -> Said {
        self.since("bangkok/office", "tokyo/erp", "https")
    }
}

/// Permission that comes and goes.
fn coming_and_going() -> World {
    let world = World::new();
    world.rules(WEB).commit("2024-01-03", "Let Bangkok enter orders");
    world.write("net/notes.md", "words\n").commit("2024-01-04", "Words");
    world.rules("").commit("2024-01-05", "Close it");
    world.rules("allow WIDE from bangkok to tokyo on tcp\n").commit("2024-01-08", "Open it wide");
    world.rules(&format!("allow WIDE from bangkok to tokyo on tcp\n{WEB}")).commit("2024-01-09", "Name it too");
    world.rules(&format!("# moved\n\n{WEB}")).commit("2024-01-10", "Narrow it");
    world
}

#[test]
fn permission_comes_and_goes() {
    let said = coming_and_going().web();
    assert_eq!(
        said.intervals(),
        [
            "permitted all 2024-01-03..2024-01-05 ERP-WEB",
            "permitted all 2024-01-08.. WIDE(2024-01-08..2024-01-10) ERP-WEB(2024-01-09..)",
        ]
    );
    assert_eq!(said.code, 0);
    let object = said.json();
    assert_eq!(object["schema"], "sekisho/since/1");
    assert_eq!(object["commits"], 7);
    let opened = &object["intervals"][0]["since"]["commit"];
    assert_eq!((&opened["author"], &opened["subject"]), (&"Aiko".into(), &"Let Bangkok enter orders".into()));
    assert_eq!(object["intervals"][1]["rules"][1]["line"], 2);
}

#[test]
fn a_set_of_flows_is_open_in_part_or_in_whole() {
    let world = coming_and_going();
    assert_eq!(
        world.since("bangkok", "tokyo", "tcp/443").intervals(),
        [
            "permitted some 2024-01-03..2024-01-05 ERP-WEB",
            "permitted all 2024-01-08..2024-01-10 WIDE ERP-WEB(2024-01-09..2024-01-10)",
            "permitted some 2024-01-10.. ERP-WEB",
        ]
    );
    assert_eq!(world.since("osaka", "tokyo", "any").intervals(), [""; 0]);
}

#[test]
fn people_read_who_opened_and_who_closed() {
    let said = coming_and_going().sekisho(&["since", "bangkok/office", "tokyo/erp", "on", "https", "net"]);
    let hashes = regex(&said.out);
    assert_eq!(
        hashes,
        "bangkok/office -> tokyo/erp on https: permitted twice in 7 commits, 6 of which changed the project\n\
         \n\
         permitted, all of it\n\
         \x20 from 2024-01-03 until 2024-01-05\n\
         \x20   begins with # by Aiko, 2024-01-03: Let Bangkok enter orders\n\
         \x20   ends   with # by Aiko, 2024-01-05: Close it\n\
         \x20   by ERP-WEB (erp.policy:1)\n\
         \n\
         permitted, all of it\n\
         \x20 from 2024-01-08 to this day, TODAY\n\
         \x20   begins with # by Aiko, 2024-01-08: Open it wide\n\
         \x20   by WIDE (erp.policy:1), until 2024-01-10, with # by Aiko, 2024-01-10: Narrow it\n\
         \x20   by ERP-WEB (erp.policy:2) from 2024-01-09, with # by Aiko, 2024-01-09: Name it too\n"
    );
}

/// Names of commits and the day of today made equal.
fn regex(text: &str) -> String {
    let word = |word: &str| {
        let is_name = word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_today = word.len() == 10 && word.starts_with("20") && !word.starts_with("2024");
        if is_name {
            "#".to_owned()
        } else if is_today {
            "TODAY".to_owned()
        } else {
            word.to_owned()
        }
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(|text| line(text) + "\n").collect()
}

#[test]
fn time_alone_opens_and_closes() {
    let world = World::new();
    world
        .rules("allow MIG from bangkok/office to tokyo/erp on https start 2024-01-10 until 2024-01-19\n")
        .commit("2024-01-03", "Plan a migration")
        .write("net/notes.md", "words\n")
        .commit("2024-01-15", "Words")
        .write("net/notes.md", "more words\n")
        .commit("2024-02-15", "More words");
    assert_eq!(world.web().intervals(), ["permitted all 2024-01-10!..2024-01-20! MIG"]);
    let text = world.sekisho(&["since", "bangkok/office", "tokyo/erp", "on", "https", "net"]).out;
    assert!(text.contains("begins by time alone on 2024-01-10, under"), "{text}");
    let at = |day| {
        world.sekisho(&[
            "since",
            "--from",
            "bangkok/office",
            "--to",
            "tokyo/erp",
            "--on",
            "https",
            "net",
            "--format",
            "json",
            "--at",
            day,
        ])
    };
    // At one date for all: from the commit that wrote the rule on.
    assert_eq!(
        at("2024-01-12").intervals(),
        ["permitted all 2024-01-12..2024-01-12 MIG".replace("..2024-01-12", "..")]
    );
    assert_eq!(at("2024-01-12").json()["intervals"][0]["since"]["commit"]["subject"], "Plan a migration");
    assert_eq!(at("2024-01-20").intervals(), [""; 0]);
}

#[test]
fn a_lapse_on_the_day_of_the_next_commit_belongs_to_that_commit() {
    let world = World::new();
    world
        .rules("allow MIG from bangkok/office to tokyo/erp on https until 2024-01-14\n")
        .commit("2024-01-03", "Open")
        .rules("allow MIG from bangkok/office to tokyo/erp on https until 2024-01-20\n")
        .commit("2024-01-15", "Prolong");
    assert_eq!(world.web().intervals(), ["permitted all 2024-01-03..2024-01-21! MIG"]);
}

#[test]
fn a_broken_commit_is_unproven_and_not_skipped() {
    let world = coming_and_going();
    world.rules("allow OOPS from nowhere to tokyo/erp on https\n").commit("2024-01-20", "Break it");
    world.rules(WEB).commit("2024-01-21", "Mend it");
    let said = world.web();
    assert_eq!(said.code, 3);
    assert_eq!(
        said.intervals()[1..],
        [
            "permitted all 2024-01-08..2024-01-20 WIDE(2024-01-08..2024-01-10) ERP-WEB(2024-01-09..2024-01-20)",
            "unproven 2024-01-20..2024-01-21",
            "permitted all 2024-01-21.. ERP-WEB",
        ]
    );
    let because = said.json()["intervals"][2]["because"].as_str().unwrap().to_owned();
    assert!(because.starts_with("erp.policy:1: E0") && because.contains("`nowhere`"), "{because}");
}

#[test]
fn what_cannot_be_read_is_unproven() {
    let world = World::new();
    fs::write(world.path("net/latin.policy"), b"# caf\xe9\n").unwrap();
    world.commit("2024-01-04", "Latin");
    assert_eq!(world.web().intervals(), ["unproven 2024-01-04.."]);
}

#[test]
fn of_merges_the_first_parents_count() {
    let world = World::new();
    world.git("2024-01-02", &["checkout", "-q", "-b", "topic"]);
    world.rules(WEB).commit("2024-01-03", "Open on a branch");
    world.rules("").commit("2024-01-04", "Close on the branch");
    world.rules(WEB).commit("2024-01-05", "Open on the branch again");
    world.git("2024-01-06", &["checkout", "-q", "main"]);
    world.write("other.txt", "x").commit("2024-01-07", "Meanwhile");
    world.git("2024-01-10", &["merge", "-q", "--no-ff", "-m", "Merge the branch", "topic"]);
    let said = world.web();
    assert_eq!(said.intervals(), ["permitted all 2024-01-10.. ERP-WEB"]);
    assert_eq!(said.json()["intervals"][0]["since"]["commit"]["subject"], "Merge the branch");
    assert_eq!(said.json()["commits"], 3);
}

#[test]
fn renames_change_names_and_not_permissions() {
    let world = World::new();
    world.rules(WEB).commit("2024-01-03", "Open");
    world.git("2024-01-04", &["mv", "net/erp.policy", "net/orders.policy"]);
    world.commit("2024-01-04", "Rename the file");
    world.write("net/orders.policy", &WEB.replace("ERP-WEB", "ORDERS")).commit("2024-01-05", "Rename the rule");
    let host = NETWORK.replace("      erp:", "      orders:");
    world.write("net/orders.policy", &WEB.replace("tokyo/erp", "tokyo/orders")).write("net/network.yaml", &host);
    world.commit("2024-01-06", "Rename the host");
    let renamed = "ERP-WEB(2024-01-03..2024-01-05) ORDERS(2024-01-05..2024-01-06)";
    let by_name = world.web();
    assert_eq!(
        by_name.intervals(),
        [format!("permitted all 2024-01-03..2024-01-06 {renamed}"), "unknown 2024-01-06..".to_owned()]
    );
    assert_eq!(by_name.code, 0);
    let by_address = world.since("10.81.0.0/24", "10.10.5.12", "https");
    assert_eq!(by_address.intervals(), [format!("permitted all 2024-01-03.. {renamed} ERP-WEB(2024-01-06..)")]);
    // Of both names, whichever is known.
    let both = world.since("bangkok/office", "tokyo/erp, tokyo/orders", "https");
    assert_eq!(both.intervals().len(), 1);
}

#[test]
fn a_project_that_came_later_or_went_is_not_known() {
    let world = World::new();
    world.rules(WEB).commit("2024-01-03", "Open");
    world.git("2024-01-04", &["mv", "net", "policies"]);
    world.commit("2024-01-04", "Move the project");
    let said = world.sekisho(&["since", "bangkok/office", "tokyo/erp", "on", "https", "policies", "--format", "json"]);
    assert_eq!(said.intervals(), ["unknown 2024-01-01..2024-01-04", "permitted all 2024-01-04.. ERP-WEB"]);
    let said = world.sekisho(&["since", "bangkok/office", "tokyo/erp", "on", "https", "HEAD:net", "--format", "json"]);
    assert_eq!(said.intervals(), ["permitted all 2024-01-03..2024-01-04 ERP-WEB", "unknown 2024-01-04.."]);
}

#[test]
fn feeds_of_their_commit_count() {
    let world = World::new();
    world
        .write("net/desks.txt", "10.81.0.7\n")
        .rules("feed desks = \"desks.txt\"\nallow DESKS from desks to tokyo/erp on https\n")
        .commit("2024-01-03", "Open for one");
    world.write("net/desks.txt", "10.81.0.8\n").commit("2024-01-05", "Open for another");
    let said = world.since("10.81.0.7", "tokyo/erp", "https");
    assert_eq!(said.intervals(), ["permitted all 2024-01-03..2024-01-05 DESKS"]);
}

#[test]
fn what_nothing_stands_between_is_unenforced() {
    let world = World::new();
    let said = world.since("tokyo/app except 10.10.5.12", "tokyo/erp", "any");
    assert_eq!(said.intervals(), ["unenforced all 2024-01-01.."]);
    let said = world.since("any", "tokyo/erp", "any");
    assert_eq!(said.intervals(), ["unenforced some 2024-01-01.."]);
}

#[test]
fn a_question_that_no_commit_understands_is_bad_input() {
    let world = World::new();
    for (from, to, on, code) in [
        ("bangkok/ofice", "tokyo/erp", "https", "E0203"),
        ("bangkok/office, osaka/labb", "tokyo/erp", "https", "E0203"),
        ("bangkok/office", "tokyo/erp", "htps", "E0204"),
        ("any except bangkok/ofice", "tokyo/erp", "https", "E0203"),
        ("bangkok/office", "tokyo/erp", "any except htps", "E0204"),
        ("bangkok/office", "", "https", "E0"),
    ] {
        let said = world.since(from, to, on);
        assert_eq!(said.code, 2, "{from} {to} {on}: {}", said.out);
        let found = said.json()["diagnostics"][0]["code"].as_str().unwrap().to_owned();
        assert!(found.starts_with(&code[..2]), "{found}: {}", said.out);
    }
    let nowhere = tempfile::tempdir().unwrap();
    let said = world.sekisho(&["since", "a", "b", "on", "ssh", nowhere.path().to_str().unwrap(), "--format", "json"]);
    assert_eq!((said.code, &said.json()["diagnostics"][0]["code"]), (2, &"E0707".into()));
    for words in
        [&["since"][..], &["since", "a"], &["since", "a", "b", "on"], &["since", "--from", "a", "--to", "b", "c", "d"]]
    {
        assert_eq!(world.sekisho(words).code, 2, "{words:?}");
    }
    let said = world.sekisho(&["since", "any", "any", "on", "any", "HEAD:nowhere", "--format", "json"]);
    assert_eq!(said.code, 2, "{}", said.out);
}

#[test]
fn authors_and_subjects_cannot_draw() {
    let world = World::new();
    world.rules(WEB);
    world.git("2024-01-03", &["add", "-A"]);
    world.git(
        "2024-01-03",
        &["commit", "-q", "--author", "Mal\u{1b}[31mlory\u{202e} <x@y>", "-m", "Open\u{7} it\u{9b}2J"],
    );
    let text = world.sekisho(&["since", "bangkok/office", "tokyo/erp", "on", "https", "net"]).out;
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{7}', '\u{9b}']), "{text:?}");
    assert!(text.contains("Mal␛[31mlory<U+202E>"), "{text}");
}

#[test]
fn a_shallow_clone_says_so() {
    let world = coming_and_going();
    let from = format!("file://{}", world.root().display());
    world.git("2024-02-01", &["clone", "-q", "--depth", "2", &from, "shallow"]);
    let said =
        world.sekisho(&["since", "bangkok/office", "tokyo/erp", "on", "https", "shallow/net", "--format", "json"]);
    assert_eq!((&said.json()["cut_off"], &said.json()["commits"]), (&true.into(), &2.into()));
    let text = world.sekisho(&["since", "bangkok/office", "tokyo/erp", "on", "https", "shallow/net"]).out;
    assert!(text.ends_with("`git fetch --unshallow` gets them\n"), "{text}");
}

#[test]
fn a_commit_that_changes_something_else_does_nothing() {
    let world = World::new();
    world.rules("allow MIG from bangkok/office to tokyo/erp on https until 2024-01-19\n").commit("2024-01-03", "Open");
    for day in 4..30 {
        world.write("other/notes.md", &day.to_string()).commit(&format!("2024-01-{day:02}"), "Something else");
    }
    let said = world.web();
    assert_eq!(said.intervals(), ["permitted all 2024-01-03..2024-01-20! MIG"]);
    let object = said.json();
    assert_eq!(object["intervals"][0]["until"]["commit"]["subject"], "Open");
    assert_eq!((&object["commits"], &object["versions"]), (&28.into(), &2.into()));
}

/// What every command reads at a commit is what it reads of the work tree of that commit.
#[test]
fn commands_ask_the_policy_as_it_was() {
    let world = coming_and_going();
    let question = ["--from", "10.81.0.7", "--to", "10.10.5.12", "--on", "https", "--format", "json"];
    for revision in ["HEAD~5", "HEAD~3", "HEAD~1"] {
        let place = format!("{revision}:net");
        let at_commit = world.sekisho(&[&["explain", &place], &question[..]].concat());
        let query = world.sekisho(&["query", &place, "--format", "json"]);
        let sarif = world.sekisho(&["check", &place, "--format", "sarif"]);
        world.git("2024-02-01", &["checkout", "-q", revision]);
        let on_disk = world.sekisho(&[&["explain", "net"], &question[..]].concat());
        assert_eq!((at_commit.code, at_commit.json()), (on_disk.code, on_disk.json()), "{}", at_commit.err);
        assert_eq!(query.json(), world.sekisho(&["query", "net", "--format", "json"]).json());
        assert_eq!(sarif.out, world.sekisho(&["check", "net", "--format", "sarif"]).out);
        world.git("2024-02-01", &["checkout", "-q", "main"]);
    }
    for (place, code) in [("nowhere:net", "E0707"), ("HEAD:nowhere", "E0704"), ("nowhere", "E0704")] {
        let said = world.sekisho(&["check", place, "--format", "json"]);
        assert_eq!((said.code, said.json()["diagnostics"][0]["code"].as_str().unwrap()), (2, code), "{place}");
    }
}

/// The whole object, names of commits made equal.
#[test]
fn a_document_shows_the_json() {
    let world = World::new();
    world
        .rules("allow MIG from bangkok/office to tokyo/erp on tcp/443 until 2024-01-10\n")
        .commit("2024-01-03", "Open");
    world.rules("allow MIG from\n").commit("2024-01-20", "Break it");
    let text = world.since("bangkok/office", "tokyo/erp", "tcp/443").out;
    let plain = |line: &str| match line.split_once("\"hash\": ") {
        Some((before, _)) => format!("{before}\"hash\": \"...\",\n"),
        None if line.contains("\"as_of\"") => "  \"as_of\": \"...\",\n".to_owned(),
        None => format!("{line}\n"),
    };
    let actual: String = text.lines().map(plain).collect();
    support::golden("since.json", &actual);
}

/// The intervals say of every commit what `explain` says of it alone.
#[test]
fn intervals_equal_judging_every_commit_alone() {
    const PIECES: [&str; 6] = [
        "allow A-1 from bangkok/office to tokyo/erp on https until 2024-01-12\n",
        "allow A-2 from bangkok to tokyo on tcp/443, tcp/80 start 2024-01-09\n",
        "deny D-1 from bangkok/office to tokyo on https start 2024-01-06 until 2024-01-15\n",
        "quarantine Q-1 of bangkok keep A-0 until 2024-01-20\n",
        "allow BROKEN from nowhere to tokyo on ssh\n",
        "# words\n",
    ];
    let world = World::new();
    let mut seed = 7_u32;
    for number in 0..40 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mut text = "allow A-0 from osaka to tokyo on https\n".to_owned();
        for (at, piece) in (1_u32..).zip(PIECES) {
            let draw = (seed ^ at.wrapping_mul(0x9e37_79b9)).wrapping_mul(2_654_435_761) >> 29;
            let often = if piece.contains("BROKEN") {
                1
            } else if piece.contains("Q-1") {
                2
            } else {
                4
            };
            if draw < often {
                text.push_str(piece);
            }
        }
        world.rules(&text).commit(&format!("2024-01-{:02}", 2 + number / 2), "Change");
    }
    let answer = world.since("10.81.0.7", "10.10.5.12", "https").json();
    let log = world.git("2024-01-01", &["log", "--first-parent", "--reverse", "--format=%H %cs"]);
    let commits: Vec<(&str, &str)> = log.lines().map(|line| line.split_once(' ').unwrap()).collect();
    // The commit that last changed the project, for each.
    let trees: Vec<String> =
        commits.iter().map(|(hash, _)| world.git("2024-01-01", &["rev-parse", &format!("{hash}:net")])).collect();
    let version = |number: usize| (0..=number).rev().find(|at| *at == 0 || trees[*at] != trees[*at - 1]).unwrap();
    let place = |hash: &Value| commits.iter().position(|(known, _)| hash == known).unwrap();
    let mut seen = [0; 3];
    for (number, (hash, day)) in commits.iter().enumerate() {
        world.git("2024-01-01", &["checkout", "-q", hash]);
        let said = world.sekisho(&[
            "explain",
            "net",
            "--from",
            "10.81.0.7",
            "--to",
            "10.10.5.12",
            "--on",
            "https",
            "--at",
            day,
            "--format",
            "json",
        ]);
        let inside = |point: &Value| (place(&point["commit"]["hash"]), point["date"].as_str().unwrap().to_owned());
        let here = (version(number), (*day).to_owned());
        let covering: Vec<&Value> = answer["intervals"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|interval| {
                inside(&interval["since"]) <= here && (interval["until"].is_null() || here < inside(&interval["until"]))
            })
            .collect();
        let state = covering.first().map_or("closed", |interval| interval["state"].as_str().unwrap());
        let wanted = match said.code {
            2 => "unproven",
            _ if said.json()["verdict"] == "pass" => "permitted",
            _ => "closed",
        };
        assert_eq!((covering.len() <= 1, state), (true, wanted), "{number} {day}: {answer:#}");
        seen[["unproven", "permitted", "closed"].iter().position(|known| *known == wanted).unwrap()] += 1;
        if wanted == "permitted" {
            let names = |rules: &Value, all: bool| -> Vec<String> {
                let here = |rule: &&Value| {
                    all || (inside(&rule["since"]) <= here
                        && (rule["until"].is_null() || here < inside(&rule["until"])))
                };
                let mut names: Vec<String> = rules
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(here)
                    .map(|rule| rule["name"].as_str().unwrap().to_owned())
                    .collect();
                names.sort();
                names
            };
            assert_eq!(names(&covering[0]["rules"], false), names(&said.json()["rules"], true), "{number}");
        }
    }
    assert!(seen.iter().all(|count| *count > 1), "{seen:?}");
}
