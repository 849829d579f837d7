//! A project as it was at a commit: the same files, the same errors and the same feeds as on disk.

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
use std::path::Path;

use sekisho::pipeline;
use sekisho::source::{Place, Project, ProjectError, Repository, load_commit, load_directory, place};
use support::Home;

fn read(home: &Home, revision: &str, directory: &str) -> Result<Project, Vec<ProjectError>> {
    let repository = Repository::around(home.root()).unwrap().unwrap();
    load_commit(&repository, &repository.commit(revision).unwrap(), directory)
}

/// What a project consists of, for comparison.
fn shape(project: &Result<Project, Vec<ProjectError>>) -> (Vec<String>, Vec<String>) {
    match project {
        Ok(project) => {
            let file =
                |(id, kind): &(_, _)| format!("{kind:?} {} {:?}", project.sources.path(*id), project.sources.text(*id));
            (project.files.iter().map(file).collect(), project.unread.clone())
        }
        Err(errors) => {
            // What the operating system says has a number at its end.
            let words = |message: &str| message.split(" (os error").next().unwrap().to_owned();
            let mut found: Vec<String> =
                errors.iter().map(|error| format!("{}: {}", error.path, words(&error.message))).collect();
            found.sort();
            (found, Vec::new())
        }
    }
}

fn same(home: &Home, directory: &str) -> (Vec<String>, Vec<String>) {
    let (disk, commit) = (shape(&load_directory(&home.path(directory))), shape(&read(home, "HEAD", directory)));
    assert_eq!(disk, commit);
    commit
}

/// Every rule of which files belong, at once.
fn gnarly() -> Home {
    let home = Home::repository();
    home.write("proj/sekisho.yaml", "lints: {}\n")
        .write("proj/network.yaml", "sites: {}\n")
        .write("proj/sub/deep/more.yml", "sites: {}\n")
        .write("proj/sub/sekisho.yaml", "sites: {}\n")
        .write("proj/erp.policy", "# erp\n")
        .write("proj/sub.policy/inside.policy", "# a directory may have any name\n")
        .write("proj/.hidden.policy", "# unread\n")
        .write("proj/.hidden.yaml", "# silent\n")
        .write("proj/.github/flow.yaml", "# silent\n")
        .write("proj/.dot.policy/x.policy", "# silent\n")
        .write("proj/Capital.Policy", "# unread\n")
        .write("proj/CAPITAL.YAML", "# unread\n")
        .write("proj/Sekisho.yaml", "sites: {}\n")
        .write("proj/readme.md", "words\n")
        .write("proj/name with \"quotes\"\tand ünï.policy", "# read\n")
        .write("proj/bom.policy", "\u{feff}# bom\r\n")
        .write("other/outside.policy", "# outside\n")
        .link("proj/linked.policy", "erp.policy")
        .link("proj/sub/up.policy", "../erp.policy")
        .link("proj/twice.policy", "linked.policy")
        .link("proj/around.policy", "../proj/erp.policy")
        .link("proj/way", "sub")
        .link("proj/beyond", "../other")
        .link("proj/through.policy", "way/deep/../../erp.policy")
        .link("proj/.away", "../other")
        .link("proj/words", "readme.md")
        .link("proj/dead", "nowhere")
        .commit("gnarly");
    home
}

#[test]
fn a_commit_holds_the_files_that_the_directory_holds() {
    let home = gnarly();
    let (files, unread) = same(&home, "proj");
    assert_eq!(files.len(), 14, "{files:#?}");
    assert_eq!(unread, [".hidden.policy", "CAPITAL.YAML", "Capital.Policy", "beyond", "way"]);
    same(&home, "");
    same(&home, "proj/sub");
}

#[test]
fn what_cannot_be_read_is_reported_alike() {
    let home = gnarly();
    home.link("proj/out.policy", "../other/outside.policy")
        .link("proj/abroad.yaml", "/etc/hostname")
        .link("proj/far.yaml", "../../../../../../../../../../../../etc/hostname")
        .link("proj/gone.yaml", "not-there.yaml")
        .link("proj/ring.yaml", "ring.yaml")
        .link("proj/notdir.policy", "erp.policy/x")
        .write("proj/latin.policy", b"# caf\xe9\n")
        .commit("bad");
    let (errors, _) = same(&home, "proj");
    assert_eq!(errors.len(), 7, "{errors:#?}");
    assert!(errors.contains(&"out.policy: it lies outside the project".to_owned()));
    assert!(errors.contains(&"latin.policy: not UTF-8 text at byte 5".to_owned()));
}

#[test]
fn a_name_that_is_no_text_is_reported_alike() {
    use std::os::unix::ffi::OsStrExt as _;
    let home = Home::repository();
    let name = std::ffi::OsStr::from_bytes(b"bad\xff.policy");
    fs::create_dir(home.path("proj")).unwrap();
    fs::write(home.path("proj").join("sub.txt"), "x").unwrap();
    fs::create_dir(home.path("proj/sub")).unwrap();
    fs::write(home.path("proj/sub").join(name), "# x\n").unwrap();
    home.commit("bad name");
    assert_eq!(same(&home, "proj").0, ["sub: holds a file whose name is not UTF-8"]);
}

#[test]
fn an_absolute_link_that_looks_like_nothing_of_ours_is_listed() {
    let home = Home::repository();
    home.write("network.yaml", "sites: {}\n").link("docs", "/usr/share").commit("link");
    assert_eq!(shape(&read(&home, "HEAD", "")).1, ["docs"]);
}

#[test]
fn a_submodule_is_listed_and_not_read() {
    let home = Home::repository();
    let other = Home::repository();
    other.write("inside.policy", "# inside\n").commit("other");
    home.write("network.yaml", "sites: {}\n").commit("first");
    home.git(&["submodule", "add", "-q", other.root().to_str().unwrap(), "vendor"]);
    home.link("linked.policy", "vendor/inside.policy").commit("second");
    let errors = read(&home, "HEAD", "").unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].message, "it is in another repository");
    fs::remove_file(home.path("linked.policy")).unwrap();
    home.commit("third");
    assert_eq!(read(&home, "HEAD", "").unwrap().unread, ["vendor"]);
}

const NETWORK: &str = "sites:\n  bangkok:\n    networks:\n      office: { address: 10.81.0.0/16 }\n";

#[test]
fn feeds_come_from_the_commit() {
    let home = Home::repository();
    home.write("proj/network.yaml", NETWORK)
        .write("proj/policy/x.policy", "feed bad = \"../lists/bad.txt\"\ngroup worse = bad\n")
        .write("proj/lists/bad.txt", "\u{feff}10.81.0.1\n")
        .link("proj/lists/linked.txt", "bad.txt")
        .link("proj/lists/out.txt", "../../secret.txt")
        .write("secret.txt", "10.81.0.2\n")
        .commit("first");
    home.write("proj/lists/bad.txt", "rubbish\n").write("proj/network.yaml", "sites: {}\n");
    let at_commit = pipeline::resolve(read(&home, "HEAD", "proj").unwrap());
    assert!(at_commit.is_sound(), "{:?}", at_commit.diagnostics());
    assert!(!pipeline::load(&home.path("proj")).unwrap().is_sound());
    let project = at_commit.project;
    assert_eq!(project.feed("lists/linked.txt").unwrap(), "10.81.0.1\n");
    for (feed, because) in [
        ("lists/out.txt", "it lies outside the project"),
        ("../secret.txt", "it lies outside the project"),
        ("../../secret.txt", "it lies outside the project"),
        ("/etc/hostname", "it lies outside the project"),
        ("lists/none.txt", "No such file or directory"),
        ("lists", "it is not a regular file"),
        ("lists/bad.txt/", "Not a directory"),
    ] {
        assert_eq!(project.feed(feed).unwrap_err(), because, "{feed}");
    }
}

#[test]
fn the_work_tree_is_not_touched() {
    let home = gnarly();
    home.write("proj/erp.policy", "# changed\n");
    fs::remove_dir_all(home.path("proj/sub")).unwrap();
    let before = home.git(&["status", "--porcelain"]);
    let (files, _) = shape(&read(&home, "HEAD", "proj"));
    assert!(files.contains(&"Policy erp.policy \"# erp\\n\"".to_owned()), "{files:#?}");
    assert_eq!(home.git(&["status", "--porcelain"]), before);
}

#[test]
fn paths_in_diagnostics_are_those_of_the_project() {
    let home = Home::repository();
    home.write("a/b/network.yaml", NETWORK).write("a/b/bad.policy", "allow X from nowhere to any on any\n").commit("x");
    let loaded = pipeline::resolve(read(&home, "HEAD", "a/b").unwrap());
    let found = loaded.diagnostics();
    let place = found[0].primary.as_ref().unwrap().span;
    assert_eq!(loaded.project.sources.path(place.file), "bad.policy");
}

fn said(argument: &str, here: &Path) -> String {
    match place(Path::new(argument), here) {
        Ok(Place::Directory(path)) => format!("directory {}", path.strip_prefix(here).unwrap().display()),
        Ok(Place::Commit(at)) => format!("commit {:?}", at.directory),
        Err(message) => message,
    }
}

#[test]
fn an_argument_is_read_as_git_reads_it() {
    let home = gnarly();
    home.write("main:proj/x", "a directory of such a name").git(&["branch", "topic"]);
    let root = home.root();
    for (argument, wanted) in [
        ("proj", "directory proj"),
        ("main:proj", "directory main:proj"),
        ("topic:proj", "commit \"proj\""),
        ("HEAD:", "commit \"\""),
        ("HEAD:./proj/", "commit \"proj\""),
        ("HEAD~0:proj//sub/../sub", "commit \"proj/sub\""),
        ("HEAD^{commit}:proj", "commit \"proj\""),
        ("HEAD^{/gna:rly|x}:proj", "no commit is called `HEAD^{/gna:rly|x}`"),
        ("HEAD:../x", "`../x` leads out of the git repository"),
        ("HEAD:/proj", "`/proj` leads out of the git repository"),
        ("nowhere:proj", "no commit is called `nowhere`"),
        ("--all:proj", "no commit is called `--all`"),
        ("nowhere", "there is no directory `nowhere`; a project at a commit is written `REV:DIR`"),
        (":proj", "`:proj` names no revision; a project at a commit is written `REV:DIR`, as in `HEAD:`"),
    ] {
        assert_eq!(said(argument, root), wanted, "{argument}");
    }
    let below = home.path("proj/sub");
    for (argument, wanted) in [
        ("HEAD:./deep", "commit \"proj/sub/deep\""),
        ("HEAD:.", "commit \"proj/sub\""),
        ("HEAD:..", "commit \"proj\""),
        ("HEAD:../../other", "commit \"other\""),
        ("HEAD:deep", "commit \"deep\""),
        ("HEAD:", "commit \"\""),
    ] {
        assert_eq!(said(argument, &below), wanted, "{argument}");
    }
    let nowhere = tempfile::tempdir().unwrap();
    assert_eq!(said("HEAD:x", nowhere.path()), "there is no directory `HEAD:x`, and no git repository around here");
}

#[test]
fn a_directory_that_the_commit_lacks_is_an_error() {
    let home = gnarly();
    for directory in ["nowhere", "proj/erp.policy", "proj/way"] {
        let errors = read(&home, "HEAD", directory).unwrap_err();
        assert_eq!(errors[0].message, "the commit has no such directory", "{directory}");
        assert!(errors[0].path.ends_with(&format!(":{directory}")), "{}", errors[0].path);
    }
}

#[test]
fn a_bare_repository_has_projects_too() {
    let home = gnarly();
    let bare = tempfile::tempdir().unwrap();
    home.git(&["clone", "-q", "--bare", ".", bare.path().join("x").to_str().unwrap()]);
    let Place::Commit(at) = place(Path::new("main:proj"), &bare.path().join("x")).unwrap() else { panic!("a commit") };
    assert_eq!(shape(&Place::Commit(at).load()), shape(&read(&home, "HEAD", "proj")));
}

#[test]
fn a_change_is_compared_with_what_it_branched_from() {
    let home = Home::repository();
    home.write("x", "1").commit("one");
    let one = home.git(&["rev-parse", "HEAD"]);
    home.git(&["checkout", "-q", "-b", "topic"]);
    home.write("x", "2").commit("two");
    home.git(&["checkout", "-q", "main"]);
    home.write("y", "3").commit("three");
    home.git(&["checkout", "-q", "topic"]);
    let repository = Repository::around(home.root()).unwrap().unwrap();
    assert_eq!(repository.merge_base("main").unwrap().name(), one.trim());
    assert_eq!(repository.merge_base("none").unwrap_err(), "no commit is called `none`");
    home.git(&["checkout", "-q", "--orphan", "other"]);
    home.commit("alone");
    assert_eq!(repository.merge_base("main").unwrap_err(), "`main` and `HEAD` have no commit in common");
}
