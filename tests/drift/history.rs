//! Backups in git.

use super::support::Said;
use super::world::{Devices as _, World};

/// Backups in a repository: all collected on the 1st, fw-tokyo with a hole; the hole closed on the 20th.
fn repository() -> World {
    let world = World::backed_up();
    world.spoil(
        "fw-tokyo",
        "backups/fw-tokyo",
        "\t\tct state established",
        "\t\ttcp dport 22 accept\n\t\tct state established",
    );
    world.git("backups", "2026-11-01", &["init", "-q"]);
    world.commit("backups", "2026-11-01");
    world.back_up("fw-tokyo", "backups/fw-tokyo");
    world.commit("backups", "2026-11-20");
    world
}

#[test]
fn a_commit_dates_the_files_that_it_changed() {
    let world = repository();
    let said = world.drifted(&["--max-age", "7"]);
    assert_eq!(said.device("fw-tokyo")["collected"], "2026-11-20");
    assert_eq!(said.outcome("fw-tokyo"), "equal");
    assert_eq!(said.device("fw-bangkok")["collected"], "2026-11-01");
    assert_eq!(said.outcome("fw-bangkok"), "unproven");
    // The header of the dump is newer than its commit, so the commit counts; see also `the_earlier_date_counts`.
    assert_eq!(said.device("fw-osaka")["collected"], "2026-11-01");
    assert_eq!(said.code, 3);
}

#[test]
fn a_revision_is_read_without_touching_the_work_tree() {
    let world = repository();
    world.write("backups/fw-bangkok", "rubbish");
    std::fs::remove_file(world.path("backups/fw-tokyo")).unwrap();
    let now = world.drifted(&["--rev", "HEAD"]);
    assert_eq!((now.code, now.outcome("fw-tokyo").as_str()), (0, "equal"), "{}", now.out);
    let before = world.drifted(&["--rev", "HEAD~1"]);
    assert_eq!((before.code, before.outcome("fw-tokyo").as_str()), (1, "differs"));
    assert_eq!(before.device("fw-tokyo")["collected"], "2026-11-01");
    assert_eq!(world.git("backups", "2026-11-22", &["status", "--porcelain"]), " M fw-bangkok\n D fw-tokyo\n");
}

#[test]
fn what_was_changed_after_its_commit_has_no_date() {
    let world = repository();
    world.spoil("fw-tokyo", "backups/fw-tokyo", "counter drop", "drop");
    world.back_up("fw-bangkok", "backups/fw-bangkok");
    let device = world.drifted(&["--max-age", "30"]).device("fw-tokyo");
    assert_eq!(device["collected"], serde_json::Value::Null);
    assert!(device["unproven"][0]["because"].as_str().unwrap().contains("it was changed after its last commit"));
    assert_eq!(world.drifted(&["--max-age", "30"]).outcome("fw-bangkok"), "equal");
    world.git("backups", "2026-11-22", &["rm", "-q", "--cached", "fw-bangkok"]);
    world.commit("backups", "2026-11-22");
    assert_eq!(world.drifted(&[]).device("fw-tokyo")["collected"], "2026-11-22");
}

#[test]
fn what_is_in_no_commit_has_no_date() {
    let world = World::backed_up();
    world.git("backups", "2026-11-01", &["init", "-q"]);
    assert!(world.drift(&[]).out.contains("no config is dated by git: the git repository has no commit"));
    world.git("backups", "2026-11-01", &["commit", "-q", "--allow-empty", "-m", "first"]);
    let because = world.drifted(&["--max-age", "7"]).device("fw-tokyo")["unproven"][0]["because"].clone();
    assert!(because.as_str().unwrap().ends_with("it is in no commit"), "{because}");
}

#[test]
fn a_rebase_makes_no_backup_younger() {
    let world = World::backed_up();
    world.git("backups", "2026-11-01", &["init", "-q"]);
    world.commit("backups", "2026-11-01");
    world.git("backups", "2026-11-22", &["commit", "-q", "--amend", "--date=2026-11-01T02:00:00Z", "-m", "again"]);
    assert_eq!(world.drifted(&[]).device("fw-tokyo")["collected"], "2026-11-01");
}

#[test]
fn a_shallow_clone_does_not_make_everything_young() {
    let world = repository();
    let from = format!("file://{}", world.path("backups").display());
    world.git("", "2026-11-22", &["clone", "-q", "--depth", "1", &from, "shallow"]);
    let said = world.sekisho(&["drift", "project", "--configs", "shallow", "--max-age", "7", "--format", "json"]);
    let device = said.device("fw-bangkok");
    assert_eq!(device["collected"], serde_json::Value::Null);
    assert!(
        device["unproven"][0]["because"].as_str().unwrap().contains("the history of this clone does not go back to it")
    );
}

#[test]
fn a_merge_keeps_the_dates_of_what_it_joins() {
    let world = repository();
    world.git("backups", "2026-11-02", &["checkout", "-q", "-b", "side", "HEAD~1"]);
    world.write("backups/fw-bangkok", world.compiled("fw-bangkok") + "\n");
    world.commit("backups", "2026-11-10");
    world.git("backups", "2026-11-21", &["checkout", "-q", "main"]);
    world.git("backups", "2026-11-21", &["merge", "-q", "--no-edit", "side"]);
    let said = world.drifted(&[]);
    assert_eq!(said.device("fw-bangkok")["collected"], "2026-11-10");
    assert_eq!(said.device("fw-tokyo")["collected"], "2026-11-20");
}

#[test]
fn a_directory_inside_a_repository_is_enough() {
    let world = World::new();
    world.back_up("fw-tokyo", "backups/asia/configs/fw-tokyo");
    world.write("backups/other/fw-lima", "x");
    world.git("backups", "2026-11-20", &["init", "-q"]);
    world.commit("backups", "2026-11-20");
    for more in [&[][..], &["--rev", "main"]] {
        let arguments = [&["drift", "project", "--configs", "backups/asia", "--format", "json"], more].concat();
        let said = world.sekisho(&arguments);
        let device = said.device("fw-tokyo");
        assert_eq!((&device["file"], &device["collected"]), (&"configs/fw-tokyo".into(), &"2026-11-20".into()));
        assert!(!said.out.contains("fw-lima"));
    }
}

#[test]
fn a_repository_without_a_work_tree_needs_a_revision() {
    let world = repository();
    world.git("", "2026-11-22", &["clone", "-q", "--bare", "backups", "bare"]);
    let without = world.sekisho(&["drift", "project", "--configs", "bare"]);
    assert_eq!(without.code, 2);
    assert!(without.err.contains("E0707") && without.err.contains("--rev HEAD"), "{}", without.err);
    let with = world.sekisho(&["drift", "project", "--configs", "bare", "--rev", "main", "--format", "json"]);
    assert_eq!((with.code, with.outcome("fw-tokyo").as_str()), (0, "equal"), "{}", with.err);
    assert_eq!(with.device("fw-tokyo")["collected"], "2026-11-20");
}

#[test]
fn a_revision_that_is_not_there_is_bad_input() {
    let world = repository();
    for wrong in ["nowhere", "--all", "--output=stolen", "HEAD:fw-tokyo", "", "HEAD^{tree}", "-h", "a b", "HEAD\n"] {
        let said = world.drifted(&["--rev", wrong]);
        assert_eq!(said.code, 2, "{wrong:?}: {}", said.out);
        assert_eq!(said.json()["diagnostics"][0]["code"], "E0707", "{wrong:?}");
    }
    assert!(!world.path("backups/stolen").exists() && !world.path("stolen").exists());
    let nowhere = world.sekisho(&["drift", "project", "--configs", "out", "--rev", "HEAD"]);
    assert!(nowhere.err.contains("`out` is in no git repository"), "{}", nowhere.err);
}

#[test]
fn the_environment_points_to_no_other_repository() {
    let world = repository();
    std::fs::create_dir(world.path("other")).unwrap();
    world.git("other", "2020-01-01", &["init", "-q"]);
    world.commit("other", "2020-01-01");
    let mut command = world.command(&["drift", "project", "--configs", "backups", "--rev", "HEAD", "--format", "json"]);
    for (name, value) in [("GIT_DIR", ".git"), ("GIT_WORK_TREE", ""), ("GIT_OBJECT_DIRECTORY", ".git/objects")] {
        command.env(name, world.path("other").join(value));
    }
    command.env("GIT_INDEX_FILE", "/nonexistent").env("GIT_LITERAL_PATHSPECS", "nonsense").env("GIT_TRACE", "1");
    let said = Said::of(command.output().unwrap());
    assert_eq!((said.code, said.outcome("fw-tokyo").as_str(), said.err.as_str()), (0, "equal", ""));
}

#[test]
fn without_git_there_are_no_dates_and_that_is_said() {
    let world = repository();
    let mut command = world.command(&["drift", "project", "--configs", "backups"]);
    let said = Said::of(command.env("PATH", world.path("nowhere")).output().unwrap());
    assert_eq!(said.code, 0);
    assert!(said.out.contains("no config is dated by git: the `git` command is not installed"), "{}", said.out);
}
