//! The kits for pipelines: their commands are taken out of them and run, and the pages that show them name what is there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking, its helpers too"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::ops::Deref;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use support::{Home, root};

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn file(name: &str) -> Value {
    yaml(&fs::read_to_string(root().join(name)).unwrap())
}

/// A repository with the starter project in `policies/the main`, in a state.
struct World(Home);

impl Deref for World {
    type Target = Home;

    fn deref(&self) -> &Home {
        &self.0
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    Good,
    Unformatted,
    Opening,
    Violated,
    Broken,
}

impl World {
    fn new(state: State) -> Self {
        let world = Self(Home::repository());
        assert_eq!(world.sekisho(&["init", "-q", "policies/the main"]).code, 0);
        world.commit("begin").git(&["checkout", "-q", "-b", "topic"]);
        let more = match state {
            State::Good => "",
            State::Unformatted => "# one\nservice   web = tcp/443\n",
            State::Opening => "allow NEW-1 from branch/office to centre/app on tcp/9000\n",
            State::Violated => "never NEV-X from any to any on any\n",
            State::Broken => "allow X from nowhere to any on ssh\n",
        };
        world.write("policies/the main/more.policy", more).commit("change");
        world
    }

    fn bash(&self, script: &str, set: &[(&str, &str)]) -> Output {
        let here = Path::new(env!("CARGO_BIN_EXE_sekisho")).parent().unwrap();
        let path = std::env::join_paths(
            std::iter::once(here.to_path_buf()).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        )
        .unwrap();
        Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
            .env("PATH", path)
            .env_remove("GITHUB_STEP_SUMMARY")
            .envs(set.iter().copied())
            .current_dir(self.root())
            .output()
            .unwrap()
    }
}

/// Runs the steps of the action as GitHub does; how they ended and what they printed, by name.
fn act(world: &World, inputs: &BTreeMap<&str, &str>) -> (BTreeMap<String, i32>, BTreeMap<String, String>) {
    let action = file("action.yml");
    assert_eq!(action["runs"]["using"], "composite");
    let mut ended = BTreeMap::new();
    let mut printed = BTreeMap::new();
    let mut failed = false;
    for step in action["runs"]["steps"].as_array().unwrap() {
        let name = step["name"].as_str().unwrap();
        let condition = step["if"].as_str().unwrap_or("${{ success() }}");
        let skips = match condition {
            "${{ success() }}" => failed,
            "${{ !cancelled() }}" => false,
            "${{ inputs.sarif != '' && !cancelled() }}" => inputs["sarif"].is_empty(),
            "${{ inputs.base != '' && !cancelled() }}" => inputs["base"].is_empty(),
            other => panic!("the condition `{other}` is not understood"),
        };
        let (run, shell) = (step["run"].as_str().unwrap(), step["shell"].as_str().unwrap());
        // An expression in a script would make a command of what an input says.
        assert!(shell == "bash" && !run.contains("${{"), "{run}");
        if skips {
            continue;
        }
        let value = |expression: &str| {
            let name = expression.strip_prefix("${{ inputs.").and_then(|rest| rest.strip_suffix(" }}")).unwrap();
            assert!(action["inputs"].get(name).is_some(), "{expression}");
            inputs[name].to_owned()
        };
        let summary = world.path("summary.md");
        let mut set = vec![("GITHUB_STEP_SUMMARY".to_owned(), summary.to_str().unwrap().to_owned())];
        for (variable, expression) in step["env"].as_object().into_iter().flatten() {
            set.push((variable.clone(), value(expression.as_str().unwrap())));
        }
        let set: Vec<(&str, &str)> = set.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let done = world.bash(run, &set);
        let code = done.status.code().unwrap();
        failed |= code != 0;
        ended.insert(name.to_owned(), code);
        printed.insert(name.to_owned(), String::from_utf8(done.stdout).unwrap());
    }
    (ended, printed)
}

/// How the action ends without a gate and with one.
const ENDS: [(State, i32, i32, i32); 5] = [
    (State::Good, 0, 0, 0),
    (State::Unformatted, 1, 0, 0),
    (State::Opening, 0, 0, 1),
    (State::Violated, 0, 1, 1),
    (State::Broken, 0, 2, 2),
];

#[test]
fn the_action_does_what_it_says() {
    for (state, form, check, gate) in ENDS {
        let world = World::new(state);
        let inputs = BTreeMap::from([
            ("project", "policies/the main"),
            ("sarif", "out put.sarif"),
            ("base", "main"),
            ("comment", "com ment.md"),
        ]);
        let (ended, printed) = act(&world, &inputs);
        let wanted = [
            ("Check", check),
            ("Findings as SARIF", 0),
            ("Form", form),
            ("Gate", gate),
            ("Install sekisho", 0),
            ("What it opens", 0),
        ];
        assert_eq!(ended, wanted.map(|(name, code)| (name.to_owned(), code)).into(), "{state:?}");
        let notes = &printed["Check"];
        assert!(notes.lines().all(|line| line.starts_with("::")), "{notes}");
        assert_eq!(check != 0, notes.contains("::error file=policies/the main/more.policy,line=1"), "{notes}");
        let log: Value = serde_json::from_str(&fs::read_to_string(world.path("out put.sarif")).unwrap()).unwrap();
        assert_eq!(log["runs"][0]["invocations"][0]["exitCode"], check);
        let summary = fs::read_to_string(world.path("summary.md")).unwrap();
        let comment = fs::read_to_string(world.path("com ment.md")).unwrap();
        assert!(summary.starts_with("## sekisho check\n") && summary.ends_with(&comment), "{summary}");
        assert_eq!(comment.contains("NEW-1"), state == State::Opening, "{comment}");
    }
}

#[test]
fn the_action_without_a_base_asks_no_gate() {
    let world = World::new(State::Opening);
    let inputs = [("project", "policies/the main"), ("sarif", ""), ("base", ""), ("comment", "")];
    let (ended, _) = act(&world, &BTreeMap::from(inputs));
    let names: Vec<&str> = ended.keys().map(String::as_str).collect();
    assert_eq!(names, ["Check", "Form", "Install sekisho"]);
    assert!(ended.values().all(|code| *code == 0));
}

#[test]
fn the_template_of_gitlab_does_what_it_says() {
    let template = file("ci/gitlab.yml");
    let job = &template["sekisho"];
    let reports = job["artifacts"]["reports"].as_object().unwrap();
    assert_eq!(job["artifacts"]["when"], "always");
    let script: Vec<&str> = job["script"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    for (state, form, check, gate) in ENDS {
        let world = World::new(state);
        let base = String::from_utf8(world.bash("git merge-base main HEAD", &[]).stdout).unwrap();
        for (base, fails) in [("", form + check > 0), (base.trim(), form + check + gate > 0)] {
            let set = [("SEKISHO_PROJECT", "policies/the main"), ("CI_MERGE_REQUEST_DIFF_BASE_SHA", base)];
            let done = world.bash(&script.join("\n"), &set);
            assert_eq!(!done.status.success(), fails, "{state:?}: {}", String::from_utf8_lossy(&done.stderr));
        }
        let quality = fs::read_to_string(world.path(reports["codequality"].as_str().unwrap())).unwrap();
        let quality: Value = serde_json::from_str(&quality).unwrap();
        let severe = quality
            .as_array()
            .unwrap()
            .iter()
            .any(|one| ["critical", "blocker"].contains(&one["severity"].as_str().unwrap()));
        assert_eq!(severe, [State::Violated, State::Broken].contains(&state));
        assert!(fs::read_to_string(world.path(reports["junit"].as_str().unwrap())).unwrap().starts_with("<?xml"));
    }
}

#[test]
fn the_hooks_do_what_they_say() {
    let hooks = file(".pre-commit-hooks.yaml");
    let entry = |id: &str| {
        let hook = hooks.as_array().unwrap().iter().find(|hook| hook["id"] == id).unwrap();
        assert_eq!(hook["language"], "rust");
        hook["entry"].as_str().unwrap().to_owned()
    };
    let world = World::new(State::Unformatted);
    let before = fs::read_to_string(world.path("policies/the main/more.policy")).unwrap();
    assert!(world.bash(&format!("{} 'policies/the main/more.policy'", entry("sekisho-fmt")), &[]).status.success());
    let after = fs::read_to_string(world.path("policies/the main/more.policy")).unwrap();
    assert!(before != after && after.contains("service web = tcp/443"), "{after}");
    for (state, code) in [(State::Good, 0), (State::Violated, 1), (State::Broken, 2)] {
        let done = World::new(state).bash(&format!("{} 'policies/the main'", entry("sekisho-check")), &[]);
        assert_eq!(done.status.code(), Some(code));
    }
    for (state, _, _, code) in ENDS {
        let asked = format!("{} 'policies/the main' --base main", entry("sekisho-gate"));
        assert_eq!(World::new(state).bash(&asked, &[]).status.code(), Some(code), "{state:?}");
    }
}

/// The blocks of a language on a page.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    page.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_page_shows_what_is_there() {
    let page = fs::read_to_string(root().join("docs/ci.md")).unwrap();
    let shown: Vec<Value> = blocks(&page, "yaml").iter().map(|block| yaml(block)).collect();
    let action = file("action.yml");
    let steps = shown[0]["jobs"]["check"]["steps"].as_array().unwrap();
    let ours = steps.iter().find(|step| step["uses"].as_str().unwrap().contains("/sekisho@")).unwrap();
    for (input, _) in ours["with"].as_object().unwrap() {
        assert!(action["inputs"].get(input).is_some(), "{input}");
    }
    assert!(root().join(shown[1]["include"][0]["file"].as_str().unwrap().trim_start_matches('/')).exists());
    let template = fs::read_to_string(root().join("ci/gitlab.yml")).unwrap();
    for (variable, _) in shown[1]["sekisho"]["variables"].as_object().unwrap() {
        assert!(template.contains(&format!("${variable}")), "{variable}");
    }
    let hooks = file(".pre-commit-hooks.yaml");
    for hook in shown[2]["repos"][0]["hooks"].as_array().unwrap() {
        assert!(hooks.as_array().unwrap().iter().any(|known| known["id"] == hook["id"]), "{hook}");
    }
}

#[test]
fn the_commands_of_the_page_run() {
    let page = fs::read_to_string(root().join("docs/ci.md")).unwrap();
    let commands: Vec<String> = blocks(&page, "console")
        .iter()
        .flat_map(|block| block.lines().map(|line| line.trim_start_matches("$ ").to_owned()).collect::<Vec<_>>())
        .collect();
    assert_eq!(commands.len(), 5);
    let world = World::new(State::Good);
    world.git(&["checkout", "-q", "main"]);
    world.git(&["mv", "policies/the main", "policies/main"]);
    world.commit("move");
    for command in commands {
        assert!(world.bash(&command, &[]).status.success(), "{command}");
    }
    assert!(world.path("findings.sarif").exists());
}
