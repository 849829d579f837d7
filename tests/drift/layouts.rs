//! Where the config of a device is found.

use super::world::{Devices as _, World};

/// All three devices, each in its place, and how they come out.
fn found(bangkok: &str, tokyo: &str, osaka: &[&str]) {
    let world = World::new();
    world.back_up("fw-bangkok", &format!("backups/{bangkok}"));
    world.back_up("fw-tokyo", &format!("backups/{tokyo}"));
    let parts =
        ["rules.v4", "rules.v6"].map(|part| std::fs::read_to_string(world.path("out/fw-osaka").join(part)).unwrap());
    match osaka {
        [v4, v6] => {
            world.write(&format!("backups/{v4}"), &parts[0]);
            world.write(&format!("backups/{v6}"), &parts[1]);
        }
        _ => world.back_up("fw-osaka", &format!("backups/{}", osaka[0])),
    }
    let said = world.drifted(&[]);
    assert_eq!(said.code, 0, "{}", said.out);
    assert_eq!(said.device("fw-bangkok")["file"], *bangkok);
    assert_eq!(said.device("fw-tokyo")["outcome"], "equal");
    let wanted = if osaka.len() == 2 { "equal" } else { "text-differs" };
    assert_eq!((said.outcome("fw-osaka").as_str(), said.json()["devices"].as_array().unwrap().len()), (wanted, 3));
}

#[test]
fn oxidized() {
    found("fw-bangkok", "fw-tokyo", &["fw-osaka"]);
    found("asia/fw-bangkok", "japan/kanto/fw-tokyo", &["japan/fw-osaka"]);
}

#[test]
fn rancid() {
    found("asia/configs/fw-bangkok", "japan/configs/fw-tokyo", &["japan/configs/fw-osaka"]);
    let world = World::backed_up();
    for file in ["router.db", "routers.all", "routers.up", "CVS/Entries", "configs/CVS/Root"] {
        world.write(&format!("backups/{file}"), "fw-tokyo;linux;up\n");
    }
    assert_eq!(world.drift(&[]).code, 0, "{}", world.drift(&[]).out);
}

#[test]
fn folders_as_compile_writes_them() {
    found("fw-bangkok/ruleset.nft", "x/fw-tokyo/ruleset.nft", &["fw-osaka/rules.v4", "fw-osaka/rules.v6"]);
}

#[test]
fn endings_domains_and_capital_letters() {
    found("fw-bangkok.nft", "fw-tokyo.conf", &["fw-osaka.txt"]);
    found("FW-BANGKOK.example.net", "fw-tokyo.example.net.cfg", &["Fw-Osaka.rules"]);
    found("fw-bangkok-confg", "fw-tokyo.txt", &["fw-osaka.v4", "fw-osaka.v6"]);
    found("fw-bangkok.nft.txt", "fw-tokyo.save", &["a/fw-osaka.rules.v4", "a/fw-osaka.rules.v6"]);
    found("fw-bangkok", "fw-tokyo", &["fw-osaka/iptables.save", "fw-osaka/ip6tables.save"]);
}

#[test]
fn hidden_files_and_the_manifest_are_no_configs() {
    let world = World::backed_up();
    for file in [".cache/HEAD", ".fw-tokyo", ".old/fw-tokyo", "manifest.json", "README", "asia/notes.md"] {
        world.write(&format!("backups/{file}"), "{}");
    }
    let said = world.drift(&[]);
    assert_eq!((said.code, said.out.lines().count()), (0, 4), "{}", said.out);
}

#[test]
fn files_of_devices_that_filter_nothing_are_counted() {
    let world = World::backed_up();
    world.write("backups/core-switch", "hostname core-switch\n");
    let said = world.drift(&[]);
    assert_eq!(said.code, 0);
    assert!(
        said.out.contains("= note: 1 file is of a device that filters nothing, and was not looked at"),
        "{}",
        said.out
    );
}

#[test]
fn two_candidates_are_an_error_that_names_both() {
    let world = World::backed_up();
    world.back_up("fw-tokyo", "backups/old/fw-tokyo.nft");
    world.back_up("fw-bangkok", "backups/fw-bangkok.bak");
    let said = world.drift(&[]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(
        said.err.contains("error[E0706]: `fw-tokyo` and `old/fw-tokyo.nft` could each be the config of `fw-tokyo`"),
        "{}",
        said.err
    );
    assert!(said.err.contains("`fw-bangkok` and `fw-bangkok.bak`"), "{}", said.err);
    let codes = world.drifted(&[]).json();
    assert_eq!(codes["schema"], "sekisho/drift/1");
    assert_eq!(codes["diagnostics"].as_array().unwrap().len(), 2);
}

#[test]
fn a_name_that_two_devices_could_have_is_an_error() {
    let world = World::new();
    let network = std::fs::read_to_string(world.path("project/network.yaml")).unwrap();
    world.write(
        "project/network.yaml",
        network.replace("  core-switch:", "  FW-Tokyo: { site: tokyo, interfaces: { e: tokyo/app } }\n  core-switch:"),
    );
    world.back_up("fw-tokyo", "backups/FW-TOKYO");
    let said = world.drift(&[]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("`FW-TOKYO` could be the config of `FW-Tokyo` and `fw-tokyo`"), "{}", said.err);
    std::fs::remove_file(world.path("backups/FW-TOKYO")).unwrap();
    world.back_up("fw-tokyo", "backups/fw-tokyo");
    assert_eq!(world.drifted(&[]).outcome("fw-tokyo"), "equal");
}

#[test]
fn a_file_of_nobody_is_an_unknown_device() {
    let world = World::backed_up();
    world.write("backups/asia/fw-lima.rules.v4", "*filter\nCOMMIT\n");
    world.write("backups/asia/fw-lima.rules.v6", "*filter\nCOMMIT\n");
    let said = world.drifted(&[]);
    let device = said.device("fw-lima");
    assert_eq!((said.code, &device["outcome"]), (3, &"unknown-device".into()));
    assert_eq!(device["files"], serde_json::json!(["asia/fw-lima.rules.v4", "asia/fw-lima.rules.v6"]));
}

#[test]
fn an_empty_directory_has_collected_nobody() {
    let world = World::new();
    let said = world.drift(&[]);
    assert_eq!((said.code, said.out.matches("not collected").count()), (3, 4));
}

#[test]
fn a_directory_that_is_not_there_is_bad_input() {
    let world = World::new();
    for wrong in ["nowhere", "project/network.yaml"] {
        let said = world.sekisho(&["drift", "project", "--configs", wrong]);
        assert_eq!(said.code, 2);
        assert!(said.err.contains("E0704") && said.err.contains(wrong), "{}", said.err);
    }
}
