//! What a backup, or its name, can try.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::world::{Devices as _, World};

/// fw-tokyo's outcome and the first reason, with its file replaced by something else.
fn with(make: impl FnOnce(&World)) -> (String, String) {
    let world = World::backed_up();
    std::fs::remove_file(world.path("backups/fw-tokyo")).unwrap();
    make(&world);
    let said = world.drifted(&[]);
    let device = said.device("fw-tokyo");
    assert!(said.code == 3 && said.err.is_empty(), "{}{}", said.out, said.err);
    let because = device["unproven"][0]["because"].as_str().unwrap_or_default().to_owned();
    (device["outcome"].as_str().unwrap().to_owned(), because)
}

fn unproven(make: impl FnOnce(&World), wanted: &str) {
    let (outcome, because) = with(make);
    assert_eq!(outcome, "unproven");
    assert!(because.contains(wanted), "{because}");
}

#[test]
fn what_cannot_be_read_is_unproven_with_the_reason() {
    unproven(|world| world.write("backups/fw-tokyo", b"table ip x {\n  # caf\xe9\n}\n"), "no UTF-8 text: see byte 20");
    unproven(|world| world.write("backups/fw-tokyo", ""), "it is empty");
    unproven(|world| world.write("backups/fw-tokyo", " \n\n"), "it is empty");
    unproven(
        |world| std::fs::File::create(world.path("backups/fw-tokyo")).unwrap().set_len(100 << 20).unwrap(),
        "it has 104857600 bytes",
    );
    unproven(|world| world.write("backups/fw-tokyo", "% Connection refused\n"), "no rule set of nftables");
    unproven(|world| world.write("backups/fw-tokyo", "table inet sekisho {\n chain"), "");
}

#[test]
fn a_file_without_permission_is_unproven() {
    if may_read_everything() {
        return;
    }
    unproven(
        |world| {
            world.back_up("fw-tokyo", "backups/fw-tokyo");
            let closed = std::fs::Permissions::from_mode(0o000);
            std::fs::set_permissions(world.path("backups/fw-tokyo"), closed).unwrap();
        },
        "ermission denied",
    );
}

/// Whoever may read everything cannot be kept from reading.
fn may_read_everything() -> bool {
    std::fs::read_dir("/proc/1/fd").is_ok()
}

#[test]
fn links_lead_nowhere_else() {
    unproven(|world| symlink("/etc/passwd", world.path("backups/fw-tokyo")).unwrap(), "leads out of the directory");
    unproven(
        |world| symlink("../out/fw-tokyo/ruleset.nft", world.path("backups/fw-tokyo")).unwrap(),
        "leads out of the directory",
    );
    unproven(|world| symlink("/nonexistent", world.path("backups/fw-tokyo")).unwrap(), "o such file");
    unproven(|world| symlink("fw-tokyo", world.path("backups/fw-tokyo")).unwrap(), "symbolic links");
    unproven(|world| symlink("../out/fw-tokyo", world.path("backups/fw-tokyo")).unwrap(), "leads out of the directory");
    unproven(
        |world| {
            world.git("backups", "2026-11-01", &["init", "-q"]);
            drop(std::os::unix::net::UnixListener::bind(world.path("backups/fw-tokyo")).unwrap());
        },
        "it is no regular file",
    );
}

#[test]
fn a_link_inside_the_directory_is_followed() {
    let world = World::backed_up();
    std::fs::rename(world.path("backups/fw-tokyo"), world.path("backups/.latest")).unwrap();
    symlink(".latest", world.path("backups/fw-tokyo")).unwrap();
    assert_eq!(world.drifted(&[]).outcome("fw-tokyo"), "equal");
}

#[test]
fn links_in_a_repository_are_not_followed() {
    let world = World::backed_up();
    std::fs::remove_file(world.path("backups/fw-tokyo")).unwrap();
    symlink("/etc/passwd", world.path("backups/fw-tokyo")).unwrap();
    world.git("backups", "2026-11-20", &["init", "-q"]);
    world.commit("backups", "2026-11-20");
    let device = world.drifted(&["--rev", "HEAD"]).device("fw-tokyo");
    assert_eq!(device["outcome"], "unproven");
    assert!(device["unproven"][0]["because"].as_str().unwrap().contains("symbolic link"), "{device:#}");
}

#[test]
fn names_of_files_put_no_lines_into_the_report() {
    let world = World::backed_up();
    world.write("backups/fw-x: equal\nfw-bangkok: equal\n", "x");
    world.write("backups/\u{1b}[2Jfw-y", "x");
    world.write("backups/fw-z\u{202e}", "x");
    let said = world.drift(&[]);
    assert_eq!((said.code, said.out.lines().count()), (3, 7), "{}", said.out);
    assert!(said.out.chars().all(|one| one == '\n' || (!one.is_control() && one != '\u{202e}')), "{:?}", said.out);
    assert_eq!(said.out.lines().filter(|line| *line == "fw-bangkok: equal").count(), 1);
    let names = world.drifted(&[]).json();
    assert_eq!(names["devices"].as_array().unwrap().len(), 6);
}

#[test]
fn texts_of_lines_put_no_lines_into_the_report() {
    let world = World::backed_up();
    let hole = "\t\ttcp dport 22 accept comment \"\u{1b}[2J\u{202e}fw\"\n\t\tct state established";
    world.spoil("fw-tokyo", "backups/fw-tokyo", "\t\tct state established", hole);
    let said = world.drift(&[]);
    assert_eq!(said.code, 1);
    assert!(said.out.chars().all(|one| one == '\n' || (!one.is_control() && one != '\u{202e}')), "{:?}", said.out);
}

#[test]
fn names_that_are_no_text_are_listed() {
    use std::os::unix::ffi::OsStrExt as _;
    let world = World::backed_up();
    let name = std::ffi::OsStr::from_bytes(b"fw-\xff");
    std::fs::write(world.path("backups").join(name), "x").unwrap();
    let said = world.drifted(&[]);
    assert_eq!((said.code, said.json()["devices"].as_array().unwrap().len()), (3, 4), "{}", said.out);
}

#[test]
fn names_in_a_repository_lead_out_of_nothing() {
    let world = World::backed_up();
    world.git("backups", "2026-11-20", &["init", "-q"]);
    world.write("backups/:100644 100644 a b M/fw-x\nfw-y", "x");
    world.write("backups/--rev", "x");
    world.commit("backups", "2026-11-20");
    let said = world.drifted(&["--rev", "HEAD"]);
    assert_eq!((said.code, said.outcome("fw-tokyo").as_str()), (3, "equal"), "{}", said.out);
    assert_eq!(said.device("fw-tokyo")["collected"], "2026-11-20");
}

#[test]
fn a_byte_order_mark_is_no_rule() {
    let world = World::backed_up();
    world.write("backups/fw-tokyo", format!("\u{feff}{}", world.compiled("fw-tokyo")));
    assert_eq!(world.drifted(&[]).outcome("fw-tokyo"), "equal");
}

#[test]
fn line_ends_of_other_systems_are_no_drift() {
    let world = World::backed_up();
    world.write("backups/fw-tokyo", world.compiled("fw-tokyo").replace('\n', "\r\n"));
    let outcome = world.drifted(&[]).outcome("fw-tokyo");
    assert_eq!(outcome, "text-differs");
}
