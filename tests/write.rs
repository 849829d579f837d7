//! Writing is all or nothing: refused places, full disks, kills, read-only directories.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking, its helpers too"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sekisho::cli::write::{OutputFile, replace_directory};

fn manifest(paths: &[String]) -> String {
    let files: Vec<_> = paths.iter().map(|path| serde_json::json!({ "path": path })).collect();
    serde_json::json!({ "schema": "sekisho/compile/1", "files": files }).to_string()
}

/// Writes `count` devices whose files all hold `text`.
fn write(out: &Path, count: usize, text: &str) -> Result<(), sekisho::cli::write::WriteError> {
    let paths: Vec<String> = (0..count).map(|n| format!("fw-{n}/ruleset.nft")).collect();
    let manifest = manifest(&paths);
    let mut files: Vec<OutputFile> = paths.iter().map(|path| OutputFile { path, contents: text.as_bytes() }).collect();
    files.push(OutputFile { path: "manifest.json", contents: manifest.as_bytes() });
    replace_directory(out, Path::new(env!("CARGO_MANIFEST_DIR")), &files)
}

fn contents(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(at: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(at).unwrap().flatten() {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                walk(&path, found)
            } else {
                let link = fs::read_link(&path).map(|to| to.into_os_string().into_encoded_bytes());
                found.insert(path.clone(), link.unwrap_or_else(|_| fs::read(&path).unwrap()));
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(root, &mut found);
    found
}

fn names(root: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(root).unwrap().flatten().map(|e| e.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn devices_that_are_gone_vanish_and_nothing_is_left_beside() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("new/out");
    write(&out, 5, "old").unwrap();
    write(&out, 2, "new").unwrap();
    assert_eq!(names(&out), ["fw-0", "fw-1", "manifest.json"]);
    assert_eq!(fs::read(out.join("fw-1/ruleset.nft")).unwrap(), b"new");
    assert_eq!(names(&home.path().join("new")), ["out"]);
}

#[test]
fn an_empty_directory_is_taken() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    fs::create_dir(&out).unwrap();
    write(&out, 1, "x").unwrap();
    assert_eq!(names(&out), ["fw-0", "manifest.json"]);
}

#[test]
fn what_sekisho_did_not_write_is_never_replaced() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let refused = |wanted: &str| {
        let before = contents(home.path());
        let error = write(&out, 2, "new").unwrap_err();
        assert!(error.message.contains(wanted), "{error:?}");
        assert_eq!(before, contents(home.path()));
    };
    fs::write(&out, "a file").unwrap();
    refused("is not a directory");
    fs::remove_file(&out).unwrap();
    fs::create_dir_all(out.join("photos")).unwrap();
    refused("did not write");
    fs::write(out.join("manifest.json"), r#"{"schema": "other/1", "files": []}"#).unwrap();
    refused("did not write");
    fs::remove_dir_all(&out).unwrap();
    write(&out, 2, "old").unwrap();
    fs::write(out.join("fw-1/notes.txt"), "mine").unwrap();
    refused("notes.txt` was not written by sekisho");
    fs::remove_file(out.join("fw-1/notes.txt")).unwrap();
    fs::create_dir(out.join("empty")).unwrap();
    refused("empty` was not written by sekisho");
    fs::remove_dir(out.join("empty")).unwrap();
    #[cfg(unix)]
    {
        fs::remove_dir_all(&out).unwrap();
        fs::create_dir(home.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink("elsewhere", &out).unwrap();
        refused("is a symbolic link");
    }
}

#[test]
fn the_project_the_root_and_the_current_directory_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let project = home.path().join("project");
    fs::create_dir(&project).unwrap();
    for out in [project.as_path(), home.path(), Path::new("/"), Path::new("."), Path::new(".."), Path::new("")] {
        let error = replace_directory(out, &project, &[]).unwrap_err();
        assert!(error.help.is_some(), "{out:?}: {error:?}");
    }
    let here = std::env::current_dir().unwrap();
    assert!(replace_directory(&here, &project, &[]).unwrap_err().message.contains("current directory"));
    assert_eq!(names(home.path()), ["project"]);
}

#[test]
fn paths_stay_inside_and_occur_once() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    for path in ["../x", "/x", "a/../../x", ""] {
        let error = replace_directory(&out, home.path(), &[OutputFile { path, contents: b"" }]).unwrap_err();
        assert!(error.message.contains("leads out"), "{error:?}");
    }
    let twice = OutputFile { path: "a/b", contents: b"" };
    assert!(replace_directory(&out, home.path(), &[twice, twice]).unwrap_err().message.contains("two files"));
    assert!(names(home.path()).is_empty());
}

/// Mounts a tiny file system; `None` without the right to.
struct Tiny(PathBuf);

impl Tiny {
    fn mount(at: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let done =
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at).stderr(Stdio::null()).status();
        done.is_ok_and(|status| status.success()).then(|| Self(at.to_path_buf()))
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_leaves_the_old_output() {
    let home = tempfile::tempdir().unwrap();
    let disk = home.path().join("disk");
    for options in ["size=64k", "size=1m,nr_inodes=24"] {
        let Some(_mounted) = Tiny::mount(&disk, options) else {
            eprintln!("not run: no right to mount a file system");
            return;
        };
        let out = disk.join("out");
        write(&out, 3, "old").unwrap();
        let before = contents(&disk);
        let error = write(&out, 12, &"new ".repeat(2000)).unwrap_err();
        assert!(error.message.contains("space"), "{error:?}");
        assert_eq!(before, contents(&disk), "{options}");
        assert_eq!(names(&disk), ["out"]);
    }
}

#[test]
fn a_read_only_file_system_is_said() {
    let home = tempfile::tempdir().unwrap();
    let disk = home.path().join("disk");
    let Some(_mounted) = Tiny::mount(&disk, "size=64k,ro") else {
        eprintln!("not run: no right to mount a file system");
        return;
    };
    let error = write(&disk.join("out"), 1, "x").unwrap_err();
    assert!(error.message.contains("Read-only"), "{error:?}");
}

#[test]
fn a_mount_point_is_refused_by_the_system_and_stays() {
    let home = tempfile::tempdir().unwrap();
    let disk = home.path().join("out");
    let Some(_mounted) = Tiny::mount(&disk, "size=1m") else { return };
    write(&disk, 1, "x").unwrap_err();
    assert_eq!(names(home.path()), ["out"]);
}

/// The victim of `a_kill_leaves_the_old_or_the_new`: writes two generations in turn for ever.
#[test]
#[ignore = "started by another test, as a process to be killed"]
fn victim() {
    let Ok(out) = std::env::var("SEKISHO_TEST_VICTIM_OUT") else { return };
    for generation in 0.. {
        write(Path::new(&out), 200 + generation % 2, &format!("generation {}", generation % 2)).unwrap();
    }
}

#[test]
fn a_kill_leaves_the_old_or_the_new() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    write(&out, 200, "generation 0").unwrap();
    for round in 0..25 {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "victim"])
            .env("SEKISHO_TEST_VICTIM_OUT", &out)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(15_000 + round * 1_733));
        victim.kill().unwrap();
        victim.wait().unwrap();
        let found = contents(&out);
        let first = found.get(&out.join("fw-0/ruleset.nft")).unwrap().clone();
        let texts = found.iter().filter(|(path, _)| path.ends_with("ruleset.nft"));
        assert!(texts.clone().all(|(_, text)| *text == first), "round {round}: two generations");
        assert_eq!(texts.count(), if first == b"generation 0" { 200 } else { 201 }, "round {round}");
    }
    write(&out, 1, "last").unwrap();
    assert_eq!(names(home.path()), ["out"], "left-overs of killed runs are removed");
    assert_eq!(names(&out), ["fw-0", "manifest.json"]);
}

/// What a kill between two renames leaves where the file system cannot exchange directories.
#[test]
fn an_output_that_was_moved_aside_comes_back() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    write(&out, 3, "old").unwrap();
    fs::rename(&out, home.path().join(".out.sekisho-aside")).unwrap();
    let outside = OutputFile { path: "../x", contents: b"" };
    replace_directory(&out, Path::new("/proc"), &[outside]).unwrap_err();
    assert_eq!(names(&out), ["fw-0", "fw-1", "fw-2", "manifest.json"]);
}

#[test]
#[ignore = "a measurement of the file system; run it with --nocapture, TMPDIR=/dev/shm for a memory disk"]
fn ten_thousand_devices() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let text = "rule\n".repeat(1000);
    for _ in 0..2 {
        let start = Instant::now();
        write(&out, 10_000, &text).unwrap();
        eprintln!("10,000 devices: {:?}", start.elapsed());
    }
}
