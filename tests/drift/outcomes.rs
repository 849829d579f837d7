//! What becomes of a device, how it is said, and the exit code.

use super::support::sekisho;
use super::world::{Devices as _, World, golden};

const ACCEPT: &str = "\t\tct state established accept\n";

#[test]
fn what_compile_wrote_is_equal() {
    let world = World::new();
    let said = world.verify(&[]);
    assert_eq!(said.out, "fw-bangkok: equal\nfw-osaka: equal\nfw-tokyo: equal\n3 devices: 3 equal\n");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let quiet = world.verify(&["--quiet"]);
    assert_eq!((quiet.code, quiet.out.as_str()), (0, ""));
}

#[test]
fn the_same_in_other_words_is_equal_and_said_to_differ_in_text() {
    let world = World::backed_up();
    world.spoil("fw-bangkok", "backups/fw-bangkok", ACCEPT, "\t\tct state { established } counter accept\n");
    let text = world.compiled("fw-tokyo");
    world.write("backups/fw-tokyo", format!("{}\n\n", text.trim_end()));
    let said = world.drifted(&[]);
    assert_eq!(said.code, 0, "{}", said.out);
    assert_eq!(said.outcome("fw-bangkok"), "text-differs");
    assert_eq!(said.outcome("fw-tokyo"), "equal");
}

/// Everything that can come of a device, in one report.
fn mixed() -> World {
    let world = World::new();
    // A line too many, and a line too few: the IPv6 half of ERP-WEB.
    let text = world.compiled("fw-bangkok");
    let kept: Vec<&str> = text.lines().filter(|line| !line.contains("ip6 saddr")).collect();
    let text = kept.join("\n") + "\n";
    world.write("backups/fw-bangkok", text.replacen(ACCEPT, &format!("{ACCEPT}\t\ttcp dport 22 accept\n"), 1));
    world.spoil("fw-tokyo", "backups/asia/FW-Tokyo.example.net", ACCEPT, &format!("{ACCEPT}\t\tmeta mark 7 accept\n"));
    world.write("backups/core-switch", "hostname core-switch\n");
    world.write("backups/fw-lima.nft", "table ip x {}\n");
    world
}

#[test]
fn people_read_sentences() {
    let said = mixed().drift(&[]);
    assert_eq!((said.code, said.err.as_str()), (1, ""));
    golden("report.txt", &said.out);
}

#[test]
fn programs_read_json() {
    let world = mixed();
    let said = world.drifted(&[]);
    assert_eq!(said.code, 1);
    golden("report.json", &said.out);
    assert_eq!(said.out, world.drifted(&[]).out);
    assert!(!said.out.contains(world.path("").to_str().unwrap()));
}

#[test]
fn verify_has_the_form_of_the_contract() {
    let world = World::new();
    world.spoil("fw-bangkok", "out/fw-bangkok/ruleset.nft", "dport 443", "dport 444");
    let said = world.verify(&["--format", "json"]);
    assert_eq!((said.code, said.json()["schema"].as_str()), (1, Some("sekisho/verify/1")));
    let device = said.device("fw-bangkok");
    let keys: Vec<&str> = device.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["device", "extra", "lines", "missing", "notes", "outcome", "unproven"]);
    let row = &device["missing"][0];
    assert_eq!((&row["from"], &row["to"]), (&"bangkok".into(), &"tokyo/erp".into()));
    assert_eq!(row["rules"], serde_json::json!(["ERP-WEB"]));
    assert_eq!(row["breaks"], serde_json::json!(["MST-01"]));
    assert_eq!(row["witness"]["destination_port"], 443);
    assert_eq!(row["exact"][0]["services"], serde_json::json!(["tcp/443"]));
    assert_eq!(device["extra"][0]["exact"][0]["services"], serde_json::json!(["tcp/444"]));
    assert_eq!(device["extra"][0]["rules"], serde_json::json!([]));
    assert_eq!(said.device("fw-osaka")["lines"], serde_json::json!([]));
}

#[test]
fn what_breaks_an_assertion_names_it_and_the_denial() {
    let world = World::backed_up();
    let hole = "\t\tip saddr 10.81.0.0/16 ip daddr 10.10.64.0/24 accept\n";
    world.spoil("fw-tokyo", "backups/fw-tokyo", ACCEPT, &format!("{ACCEPT}{hole}"));
    let device = world.drifted(&[]).device("fw-tokyo");
    let rows = device["extra"].as_array().unwrap();
    let on_the_way =
        rows.iter().find(|row| row["ways"][0]["outgoing"] == "eth2" && row["ways"][0]["incoming"] == "eth0");
    let row = on_the_way.unwrap_or_else(|| &rows[0]);
    assert_eq!(row["rules"], serde_json::json!(["SEC-01"]), "{row:#}");
    assert_eq!(row["breaks"], serde_json::json!(["NEV-01"]), "{row:#}");
    assert!(rows.iter().all(|row| row["kind"] != "later" && row["kind"] != "answers"), "{rows:#?}");
    assert!(device["lines"][0]["text"].as_str().unwrap().contains("10.10.64.0/24"));
}

#[test]
fn administration_from_elsewhere_breaks_only() {
    let world = World::backed_up();
    world.spoil("fw-tokyo", "backups/fw-tokyo", ACCEPT, &format!("{ACCEPT}\t\ttcp dport 22 accept\n"));
    let device = world.drifted(&[]).device("fw-tokyo");
    assert_eq!(device["extra"][0]["breaks"], serde_json::json!(["NEV-01", "ONL-01"]), "{device:#}");
}

#[test]
fn a_device_that_forgets_answers_is_said_to() {
    let world = World::backed_up();
    world.spoil("fw-bangkok", "backups/fw-bangkok", ACCEPT, "");
    let said = world.drift(&[]);
    assert_eq!(said.code, 1);
    assert!(
        said.out.contains("drops answers to established connections from bangkok to tokyo/erp on https"),
        "{}",
        said.out
    );
}

#[test]
fn what_reaches_the_device_itself_is_said_to() {
    let world = World::backed_up();
    let text = world.compiled("fw-tokyo");
    let at = text.find("type filter hook input").unwrap();
    let after = at + text[at..].find('\n').unwrap() + 1;
    world.write("backups/fw-tokyo", format!("{}\t\ttcp dport 22 accept\n{}", &text[..after], &text[after..]));
    let said = world.drift(&[]);
    assert!(said.out.contains("reach itself"), "{}", said.out);
    assert_eq!(said.code, 1);
}

#[test]
fn lines_of_several_files_name_their_file() {
    let world = World::backed_up();
    let v4 = std::fs::read_to_string(world.path("out/fw-osaka/rules.v4")).unwrap();
    let spoiled = v4.replacen("--dport 443", "--dport 80", 1);
    assert_ne!(v4, spoiled);
    std::fs::remove_file(world.path("backups/fw-osaka")).unwrap();
    world.write("backups/fw-osaka/rules.v4", spoiled);
    let v6 = std::fs::read_to_string(world.path("out/fw-osaka/rules.v6")).unwrap();
    world.write("backups/fw-osaka/rules.v6", v6);
    let device = world.drifted(&[]).device("fw-osaka");
    assert_eq!(device["files"], serde_json::json!(["fw-osaka/rules.v4", "fw-osaka/rules.v6"]));
    assert_eq!(device["extra"][0]["lines"][0]["file"], "fw-osaka/rules.v4", "{device:#}");
}

#[test]
fn lines_of_texts_that_are_read_as_one_are_those_of_their_files() {
    let world = World::backed_up();
    std::fs::remove_file(world.path("backups/fw-bangkok")).unwrap();
    world.write("backups/fw-bangkok.v4", "table ip empty {\n}\n");
    world.spoil(
        "fw-bangkok",
        "backups/fw-bangkok.v6",
        ACCEPT,
        &format!("{ACCEPT}\t\ttcp dport 22 accept\n\t\tmeta mark 7 accept\n"),
    );
    let text = std::fs::read_to_string(world.path("backups/fw-bangkok.v6")).unwrap();
    let device = world.drifted(&[]).device("fw-bangkok");
    for line in [&device["extra"][0]["lines"][0], &device["unproven"][0]] {
        assert_eq!(line["file"], "fw-bangkok.v6", "{device:#}");
        let number = usize::try_from(line["line"].as_u64().unwrap()).unwrap();
        assert_eq!(text.lines().nth(number - 1).unwrap().trim(), line["text"].as_str().unwrap());
    }
}

#[test]
fn a_part_that_no_reader_takes_is_said() {
    let world = World::backed_up();
    std::fs::remove_file(world.path("backups/fw-osaka")).unwrap();
    for part in ["rules.v4", "rules.v6"] {
        let text = std::fs::read_to_string(world.path("out/fw-osaka").join(part)).unwrap();
        world.write(&format!("backups/fw-osaka/{part}"), text);
    }
    assert_eq!(world.drifted(&[]).outcome("fw-osaka"), "equal");
    world.back_up("fw-tokyo", "backups/fw-osaka/ruleset.nft");
    let device = world.drifted(&[]).device("fw-osaka");
    assert_eq!(
        (&device["outcome"], &device["unproven"][0]["text"]),
        (&"unproven".into(), &"fw-osaka/ruleset.nft".into())
    );
}

#[test]
fn long_lists_are_cut_for_people_and_counted() {
    let world = World::backed_up();
    let many: String = (0..40).map(|number| format!("\t\tmeta mark {number} accept\n")).collect();
    world.spoil("fw-bangkok", "backups/fw-bangkok", ACCEPT, &format!("{ACCEPT}{many}"));
    let said = world.drift(&[]);
    assert!(said.out.contains("and 28 more that are not proved"), "{}", said.out);
    assert_eq!(world.drifted(&[]).device("fw-bangkok")["unproven"].as_array().unwrap().len(), 40);
}

#[test]
fn exit_codes_say_what_is_worst() {
    let world = World::backed_up();
    assert_eq!(world.drift(&[]).code, 0);
    world.write("backups/fw-lima", "x");
    assert_eq!(world.drift(&[]).code, 3);
    std::fs::remove_file(world.path("backups/fw-lima")).unwrap();
    std::fs::remove_file(world.path("backups/fw-tokyo")).unwrap();
    assert_eq!(world.drifted(&[]).outcome("fw-tokyo"), "not-collected");
    assert_eq!(world.drift(&[]).code, 3);
    world.spoil("fw-bangkok", "backups/fw-bangkok", "dport 443", "dport 444");
    assert_eq!(world.drift(&[]).code, 1);
    world.write("project/more.policy", "allow BROKEN from nowhere");
    assert_eq!(world.drift(&[]).code, 2);
    assert_eq!(world.drifted(&[]).json()["diagnostics"][0]["severity"], "error");
}

#[test]
fn what_is_not_understood_is_unproven_with_its_line() {
    let world = World::backed_up();
    world.spoil("fw-bangkok", "backups/fw-bangkok", ACCEPT, &format!("{ACCEPT}\t\tmeta mark 7 accept\n"));
    let said = world.drifted(&[]);
    let device = said.device("fw-bangkok");
    assert_eq!((said.code, &device["outcome"]), (3, &"unproven".into()));
    assert!(device["unproven"][0]["line"].as_u64().unwrap() > 0, "{device:#}");
    assert!(device["unproven"][0]["text"].as_str().unwrap().contains("mark"));
    assert!(!device["unproven"][0]["because"].as_str().unwrap().is_empty());
}

#[test]
fn the_platform_is_the_one_of_the_inventory() {
    let world = World::backed_up();
    world.write("backups/fw-bangkok", world.compiled("fw-osaka"));
    world.write("backups/fw-osaka", world.compiled("fw-tokyo"));
    let said = world.drifted(&[]);
    for (device, platform) in [("fw-bangkok", "nftables"), ("fw-osaka", "iptables")] {
        let object = said.device(device);
        assert_eq!(object["outcome"], "unproven");
        assert!(object["unproven"][0]["because"].as_str().unwrap().contains(&format!("no rule set of {platform}")));
    }
}

#[test]
fn the_manifest_is_held_against_the_files() {
    let world = World::new();
    world.spoil(
        "fw-bangkok",
        "out/fw-bangkok/ruleset.nft",
        ACCEPT,
        &ACCEPT.replace("established accept", "established counter accept"),
    );
    let said = world.verify(&["--format", "json"]);
    let device = said.device("fw-bangkok");
    assert_eq!((said.code, &device["outcome"]), (0, &"text-differs".into()));
    assert!(device["notes"][0].as_str().unwrap().contains("is not as it was written"), "{device:#}");
    std::fs::remove_file(world.path("out/fw-bangkok/ruleset.nft")).unwrap();
    assert_eq!(world.verify(&["--format", "json"]).outcome("fw-bangkok"), "not-collected");
    std::fs::remove_file(world.path("out/fw-osaka/rules.v6")).unwrap();
    let said = world.verify(&["--format", "json"]);
    assert!(said.device("fw-osaka")["notes"][0].as_str().unwrap().contains("rules.v6"), "{}", said.out);
    assert_ne!(said.outcome("fw-osaka"), "equal");
    world.write("out/manifest.json", "{");
    let said = world.verify(&[]);
    assert!(said.out.contains("`manifest.json` is none that compile wrote"), "{}", said.out);
}

#[test]
fn what_a_date_has_changed_since_is_said() {
    let world = World::new();
    let said = sekisho(world.root(), &["verify", "project", "--configs", "out", "--at", "2027-01-01"]);
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(said.out.contains("since 2027-01-01 the policy asks for something else"), "{}", said.out);
    assert!(said.out.contains("on tcp/8080"), "{}", said.out);
}
