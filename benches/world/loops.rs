//! Networks full of loops: where the number of paths explodes.

use std::fmt::Write as _;

use super::{Choices, META, World};

/// `side` x `side` zones, a core firewall between every two neighbours. A 7 x 7 grid already has more paths than one can list.
pub fn grid(side: usize) -> World {
    let mut world = World::default();
    let mut devices = String::from("devices:\n");
    for row in 0..side {
        for column in 0..side {
            let here = row * side + column;
            if column + 1 < side {
                firewall(&mut devices, &format!("fw-{here}-right"), here, here + 1);
            }
            if row + 1 < side {
                firewall(&mut devices, &format!("fw-{here}-down"), here, here + side);
            }
        }
    }
    sites(&mut world, side * side);
    world.append("devices.yaml", &devices);
    world.append("rules.policy", &pairs(side * side, side * side));
    world
}

/// `pairs_of_firewalls` redundant pairs in a row: two to the power of that many paths from one end to the other.
pub fn chain(pairs_of_firewalls: usize) -> World {
    let mut world = World::default();
    let mut devices = String::from("devices:\n");
    for place in 0..pairs_of_firewalls {
        firewall(&mut devices, &format!("fw-{place}-a"), place, place + 1);
        firewall(&mut devices, &format!("fw-{place}-b"), place, place + 1);
    }
    sites(&mut world, pairs_of_firewalls + 1);
    world.append("devices.yaml", &devices);
    world.append("rules.policy", &pairs(pairs_of_firewalls + 1, 100));
    world
}

/// Sites that hang on two hubs, each hub with a firewall of its own into the data centre.
pub fn dual_hub(spokes: usize) -> World {
    let mut world = World::default();
    sites(&mut world, spokes);
    let mut text = String::from("transit: { wan-a: {}, wan-b: {} }\nsites:\n  dc:\n    transit: true\n    networks:\n");
    text.push_str("      core: { address: [10.0.0.0/24, \"2001:db8:0:1::/64\"] }\n    hosts:\n");
    for server in 0..100 {
        let _ = writeln!(text, "      srv-{server}: {{ address: [10.0.0.{0}, \"2001:db8:0:1::{0:x}\"] }}", server + 10);
    }
    text.push_str("devices:\n");
    for hub in ["a", "b"] {
        let _ = writeln!(
            text,
            "  fw-hub-{hub}: {{ site: dc, platform: nftables, interfaces: {{ wan: wan-{hub}, core: dc/core }} }}"
        );
    }
    for site in 0..spokes {
        let _ = writeln!(
            text,
            "  fw-{site}: {{ site: site-{site}, platform: nftables, interfaces: {{ a: wan-a, b: wan-b, lan: site-{site}/lan }} }}"
        );
    }
    world.append("network.yaml", &text);
    let mut choices = Choices::new(2);
    let mut text = format!("purpose to-the-hubs {{\n{META}\n    allow ALL-DNS from tag:lan to dc/srv-0 on dns\n");
    for rule in 0..spokes * 2 {
        let _ = writeln!(
            text,
            "    allow D-{rule} from site-{} to dc/srv-{} on tcp/{}",
            choices.below(spokes),
            choices.below(100),
            1000 + choices.below(500)
        );
    }
    text.push_str("}\n");
    world.append("data-centre.policy", &text);
    world.append("rules.policy", &pairs(spokes, spokes));
    world
}

fn sites(world: &mut World, count: usize) {
    let mut text = String::from("sites:\n");
    for site in 0..count {
        let (high, low) = (16 + site / 256, site % 256);
        let _ = writeln!(
            text,
            "  site-{site}: {{ networks: {{ lan: {{ address: [10.{high}.{low}.0/24, \"2001:db8:1:{site:x}::/64\"], tags: [lan] }} }} }}"
        );
    }
    world.append("sites.yaml", &text);
}

fn firewall(text: &mut String, name: &str, left: usize, right: usize) {
    let _ = writeln!(
        text,
        "  {name}: {{ platform: nftables, interfaces: {{ eth0: site-{left}/lan, eth1: site-{right}/lan }} }}"
    );
}

/// Rules between two sites each, the first from one end to the other.
fn pairs(sites: usize, rules: usize) -> String {
    let mut choices = Choices::new(7);
    let last = sites.saturating_sub(1);
    let mut text = format!("purpose pairs {{\n{META}\n    allow ENDS from site-0 to site-{last} on https\n");
    for rule in 0..rules {
        let from = choices.below(sites);
        let to = (from + 1 + choices.below(last)) % sites.max(1);
        let _ = writeln!(text, "    allow P-{rule} from site-{from} to site-{to} on tcp/{}", 1000 + choices.below(500));
    }
    text.push_str("}\n");
    text
}
