//! Hub and spoke: many small sites, one data centre.

use std::fmt::Write as _;

use super::{Choices, META, World};

/// How large a hub world is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hub {
    /// Sites with one firewall each, up to 122,880.
    pub sites: usize,
    /// Servers in the data centre, up to 4,000.
    pub servers: usize,
    /// Rules.
    pub rules: usize,
}

/// Networks of the data centre; each is a zone behind one of the four data centre firewalls.
const DC_NETWORKS: usize = 16;
/// Hosts that the inventory names in a site.
const HOSTS_A_SITE: usize = 6;
/// Sites on one regional line.
const SITES_A_REGION: usize = 100;
/// Sites that carry the same profile tag.
const SITES_A_PROFILE: usize = 25;
/// Services that the project names.
const SERVICES: usize = 60;
/// Rules of one purpose, and inventory files of so many sites.
const CHUNK: usize = 500;

/// A hub-and-spoke network: regional lines that a hub's firewall joins, behind it a data centre with four inner firewalls.
///
/// Of the rules, six in ten let one site reach a server group, the rest go by tag, host to host, server to server, from servers to
/// sites, and one in fifty denies.
pub fn hub(size: Hub) -> World {
    let mut world = World::default();
    backbone(&mut world, size);
    data_centre(&mut world, size);
    for site in 0..size.sites {
        spoke(&mut world, site);
    }
    objects(&mut world, size);
    rules(&mut world, size);
    world
}

/// Adds assertions to a hub world, in the mix that a large network has: mostly that a site or a profile never reaches some servers on administration services, a few `only`
/// and `must`, and one in ten about chains.
#[allow(dead_code, reason = "not every program that makes worlds asserts something about them")]
pub fn assert(world: &mut World, size: Hub, count: usize) {
    let mut choices = Choices::new(11);
    let mut text = String::new();
    for number in 0..count {
        let (site, server) = (choices.below(size.sites), choices.below(size.servers));
        let (profile, group) = (choices.below(profiles(size)), choices.below(groups(size)));
        let _ = match number % 10 {
            0..=2 => writeln!(text, "never N-{number} from site-{site} to dc/srv-{server} on telnet, vnc, rdp"),
            3 | 4 => writeln!(text, "never N-{number} from tag:profile-{profile} to app-{group} on telnet, vnc"),
            5 => writeln!(text, "never N-{number} from site-{site} to site-{}", (site + 1) % size.sites),
            6 => writeln!(text, "only O-{number} from dc to dc/srv-{server} on ssh advisory"),
            7 => writeln!(text, "never N-{number} from any to dc/srv-{server} on telnet advisory"),
            8 => {
                writeln!(text, "must M-{number} from site-{site} to app-{group} on svc-{} advisory", number % SERVICES)
            }
            _ => writeln!(
                text,
                "never T-{number} from site-{site} to dc/srv-{server} on telnet, ssh transitive advisory"
            ),
        };
    }
    world.append("policy/assertions.policy", &text);
}

fn regions(size: Hub) -> usize {
    size.sites.div_ceil(SITES_A_REGION).max(1)
}

fn profiles(size: Hub) -> usize {
    size.sites.div_ceil(SITES_A_PROFILE).max(1)
}

fn groups(size: Hub) -> usize {
    size.servers.div_ceil(10).max(1)
}

fn backbone(world: &mut World, size: Hub) {
    let mut text = String::from("transit:\n");
    for region in 0..regions(size) {
        let _ = writeln!(text, "  region-{region}: {{}}");
    }
    text.push_str(
        "devices:\n  fw-hub:\n    site: dc\n    platform: nftables\n    interfaces:\n      core: dc/backbone\n",
    );
    for region in 0..regions(size) {
        let _ = writeln!(text, "      wan{region}: region-{region}");
    }
    for firewall in 0..4 {
        let _ = write!(
            text,
            "  fw-dc-{firewall}:\n    site: dc\n    platform: nftables\n    interfaces:\n      core: dc/backbone\n"
        );
        for network in (0..DC_NETWORKS).filter(|network| network % 4 == firewall) {
            let _ = writeln!(text, "      net{network}: dc/net-{network}");
        }
    }
    world.append("inventory/backbone.yaml", &text);
}

fn data_centre(world: &mut World, size: Hub) {
    let mut text = String::from("sites:\n  dc:\n    transit: true\n    tier: 0\n    networks:\n");
    text.push_str("      backbone: { address: [172.16.0.0/24, \"2001:db8:0:ffff::/64\"] }\n");
    for network in 0..DC_NETWORKS {
        let _ = writeln!(
            text,
            "      net-{network}: {{ address: [10.{network}.0.0/16, \"2001:db8:0:{network:x}::/64\"], tags: [server] }}"
        );
    }
    text.push_str("    hosts:\n");
    for server in 0..size.servers {
        let network = server % DC_NETWORKS;
        let place = server / DC_NETWORKS;
        let v4 = format!("10.{network}.{}.{}", place / 200, place % 200 + 10);
        // Every third server has no IPv6 address yet.
        if server % 3 == 0 {
            let _ = writeln!(text, "      srv-{server}: {{ address: {v4} }}");
        } else {
            let _ = writeln!(
                text,
                "      srv-{server}: {{ address: [{v4}, \"2001:db8:0:{network:x}::{:x}\"] }}",
                place + 16
            );
        }
    }
    world.append("inventory/datacentre.yaml", &text);
}

/// A site has a /25 of 10.16.0.0/12 and above, and a /64.
fn spoke(world: &mut World, site: usize) {
    let base = 0x0A10_0000 + site * 128;
    let v4 = |host: usize| {
        let address = base + host;
        format!("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255)
    };
    let prefix6 = format!("2001:db8:{:x}:{:x}:", 1 + (site >> 16), site & 0xffff);
    let mut text = String::new();
    let _ = write!(
        text,
        "  site-{site}:\n    tier: {}\n    tags: [profile-{}]\n    networks:\n      office: {{ address: [{}/25, \"{prefix6}:/64\"], tags: [terminal] }}\n    hosts:\n",
        1 + site % 3,
        site / SITES_A_PROFILE,
        v4(0),
    );
    for host in 0..HOSTS_A_SITE {
        let _ = writeln!(text, "      pc-{host}: {{ address: [{}, \"{prefix6}:{:x}\"] }}", v4(host + 10), host + 10);
    }
    let file = format!("inventory/sites-{:04}.yaml", site / CHUNK);
    if site.is_multiple_of(CHUNK) {
        world.append(&file, "sites:\n");
    }
    world.append(&file, &text);
    let file = format!("inventory/devices-{:04}.yaml", site / CHUNK);
    if site.is_multiple_of(CHUNK) {
        world.append(&file, "devices:\n");
    }
    let region = site / SITES_A_REGION;
    world.append(
        &file,
        &format!("  fw-{site}: {{ site: site-{site}, platform: nftables, interfaces: {{ wan: region-{region}, lan: site-{site}/office }} }}\n"),
    );
}

fn objects(world: &mut World, size: Hub) {
    let mut text = String::new();
    for service in 0..SERVICES {
        let port = 1000 + service * 97;
        let _ = match service % 4 {
            0 => writeln!(text, "service svc-{service} = tcp/{port}"),
            1 => writeln!(text, "service svc-{service} = tcp/{port}, udp/{port}"),
            2 => writeln!(text, "service svc-{service} = tcp/{port}-{}", port + 9),
            _ => writeln!(text, "service svc-{service} = tcp/{port}, tcp/443, udp/{}", port + 1),
        };
    }
    for group in 0..groups(size) {
        let members = (0..10).map(|place| group * 10 + place).filter(|&server| server < size.servers.max(1));
        let members: Vec<String> = members.map(|server| format!("dc/srv-{server}")).collect();
        let _ = writeln!(text, "group app-{group} = {}", members.join(", "));
    }
    world.append("policy/objects.policy", &text);
}

fn rules(world: &mut World, size: Hub) {
    let mut choices = Choices::new(2020);
    for first in (0..size.rules).step_by(CHUNK) {
        let mut text = format!("purpose p-{} {{\n{META}\n", first / CHUNK);
        for rule in first..size.rules.min(first + CHUNK) {
            text.push_str(&one_rule(rule, size, &mut choices));
        }
        text.push_str("}\n");
        world.append(&format!("policy/rules-{:04}.policy", first / CHUNK), &text);
    }
}

fn one_rule(rule: usize, size: Hub, choices: &mut Choices) -> String {
    let site = choices.below(size.sites);
    let server = choices.below(size.servers);
    let group = choices.below(groups(size));
    let profile = choices.below(profiles(size));
    let service = choices.below(SERVICES);
    match choices.below(100) {
        0..40 => format!("    allow R-{rule} from site-{site} to app-{group} on svc-{service}\n"),
        40..60 => {
            let other = choices.below(size.servers);
            format!(
                "    allow R-{rule} from site-{site}/office to dc/srv-{server}, dc/srv-{other} on svc-{service}, https\n"
            )
        }
        60..75 => format!("    allow R-{rule} from tag:profile-{profile} to app-{group} on svc-{service}\n"),
        75..85 => {
            let host = choices.below(HOSTS_A_SITE);
            format!("    allow R-{rule} from site-{site}/pc-{host} to dc/srv-{server} on ssh, svc-{service}\n")
        }
        85..93 => {
            // The next network is another zone, whatever the server.
            let other = (server + 1) % size.servers.max(1);
            format!("    allow R-{rule} from dc/srv-{server} to dc/srv-{other} on svc-{service}\n")
        }
        93..98 => {
            format!("    allow R-{rule} from app-{group} to tag:profile-{profile} on tcp/{} log\n", 9000 + service)
        }
        _ => format!("    deny R-{rule} from site-{site} to app-{group} on svc-{service} log\n"),
    }
}
