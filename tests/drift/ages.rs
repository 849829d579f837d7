//! How old a config is, by its own header.

use super::world::{Devices as _, World};

fn dated(world: &World, date: &str) {
    let text = world.compiled("fw-tokyo");
    let (first, rest) = text.split_once('\n').unwrap();
    world.write("backups/fw-tokyo", format!("{first}\n# collected {date}T02:00:00Z\n{rest}"));
}

/// The outcome of fw-tokyo and why, with an age that may be.
fn judged(world: &World, most: &str) -> (String, String) {
    let device = world.drifted(&["--max-age", most]).device("fw-tokyo");
    let because = device["unproven"][0]["because"].as_str().unwrap_or("").to_owned();
    (device["outcome"].as_str().unwrap().to_owned(), because)
}

#[test]
fn a_header_says_how_old_a_config_is() {
    let world = World::backed_up();
    dated(&world, "2026-11-15");
    assert_eq!(judged(&world, "7").0, "text-differs");
    assert_eq!(judged(&world, "7d").0, "text-differs");
    let (outcome, because) = judged(&world, "6d");
    assert_eq!(outcome, "unproven");
    assert_eq!(because, "it was collected on 2026-11-15, 7 days before 2026-11-22");
    assert_eq!(world.drifted(&[]).device("fw-tokyo")["collected"], "2026-11-15");
}

#[test]
fn the_header_of_iptables_save_is_one() {
    let world = World::backed_up();
    let said = world.drifted(&["--max-age", "5"]);
    assert_eq!(said.device("fw-osaka")["collected"], "2026-11-17");
    assert_eq!(said.outcome("fw-osaka"), "text-differs");
    assert_eq!(world.drifted(&["--max-age", "4"]).outcome("fw-osaka"), "unproven");
}

#[test]
fn no_date_proves_nothing_where_an_age_is_asked_for() {
    let world = World::backed_up();
    let (outcome, because) = judged(&world, "7d");
    assert_eq!(outcome, "unproven");
    assert!(because.contains("nothing says when `fw-tokyo` was collected"), "{because}");
    assert_eq!(world.drift(&["--max-age", "7d"]).code, 3);
    assert_eq!(world.drifted(&[]).device("fw-tokyo")["collected"], serde_json::Value::Null);
}

#[test]
fn the_future_proves_nothing() {
    let world = World::backed_up();
    dated(&world, "2026-11-23");
    assert_eq!(judged(&world, "7").0, "text-differs");
    dated(&world, "2026-11-24");
    assert!(judged(&world, "7").1.contains("which is after 2026-11-22"));
}

#[test]
fn an_old_config_with_a_hole_is_unproven_and_shows_the_hole() {
    let world = World::backed_up();
    dated(&world, "2026-01-01");
    let text = std::fs::read_to_string(world.path("backups/fw-tokyo")).unwrap();
    world.write(
        "backups/fw-tokyo",
        text.replacen("\t\tct state established", "\t\ttcp dport 22 accept\n\t\tct state established", 1),
    );
    let said = world.drifted(&["--max-age", "7"]);
    let device = said.device("fw-tokyo");
    assert_eq!((said.code, &device["outcome"]), (3, &"unproven".into()));
    assert!(!device["extra"].as_array().unwrap().is_empty());
}

#[test]
fn an_age_is_a_number_of_days() {
    let world = World::new();
    for wrong in ["", "d", "-1", "1w", "7dd", "99999999999"] {
        let said = world.drift(&["--max-age", wrong]);
        assert_eq!(said.code, 2, "{wrong}");
    }
}
