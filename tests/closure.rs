//! All chains at once agree with the search from each place, on random worlds.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking, its helpers too"
)]

mod reference;

mod worlds;

use std::sync::Arc;

use jiff::civil::Date;
use sekisho::graph::Topology;
use sekisho::model::Model;
use sekisho::pipeline;
use sekisho::reach::{Extra, Prover};
use worlds::World;

/// The day that the policies of the worlds are judged on.
const DAY: Date = jiff::civil::date(2026, 6, 15);

/// Does something with each random world whose project is sound.
fn in_worlds(mut each: impl FnMut(u64, &Model, &Topology)) {
    for seed in 0..60 {
        let home = tempfile::tempdir().unwrap();
        World::asked(seed).write_project(home.path()).unwrap();
        let loaded = pipeline::load(home.path()).unwrap();
        if loaded.is_sound() {
            each(seed, &loaded.model, &Topology::new(&loaded.model));
        }
    }
}

#[test]
fn all_chains_at_once_are_the_chains_from_each_place() {
    let (mut leads, mut asked) = (0_usize, 0_usize);
    in_worlds(|seed, model, topology| {
        let mut sets: Vec<_> = model.networks.iter().map(|network| network.own.clone()).collect();
        sets.push(Arc::clone(&model.internet));
        let extra = Extra { addresses: sets.clone(), ..Extra::default() };
        let prover = Prover::new(model, topology, DAY, &extra);
        let on = prover.access.services.all();
        let chains = prover.chains(&on, &[]);
        for from in &sets {
            let from = prover.access.addresses(from).unwrap();
            let reached = prover.spread(from, &on, &[]).all();
            for to in &sets {
                let to = prover.access.addresses(to).unwrap();
                // From the internet to itself nobody moves; the closure alone does not know that.
                let public = prover.access.classes.public();
                if from.intersects(public) && to.intersects(public) {
                    continue;
                }
                asked += 1;
                leads += usize::from(chains.lead(&prover, from, to));
                assert_eq!(chains.lead(&prover, from, to), reached.intersects(to), "seed {seed}");
            }
        }
    });
    assert!(leads > 100 && asked - leads > 100, "{leads} of {asked} lead somewhere");
}

#[test]
fn what_is_nearby_is_what_the_search_finds_first() {
    let mut found = [0_usize; 4];
    in_worlds(|seed, model, topology| {
        let mut sets: Vec<_> = model.networks.iter().map(|network| network.own.clone()).collect();
        sets.extend(model.hosts.iter().map(|host| host.addresses.clone()));
        sets.push(Arc::clone(&model.internet));
        let extra = Extra { addresses: sets.clone(), ..Extra::default() };
        let prover = Prover::new(model, topology, DAY, &extra);
        let on = prover.access.services.all();
        for from in &sets {
            let from = prover.access.addresses(from).unwrap();
            let reached = prover.spread(from, &on, &[]);
            for (hop, level) in (1..).zip(prover.nearby(from, 4)) {
                found[hop as usize - 1] += usize::from(!level.is_empty());
                for class in 0..u32::try_from(prover.access.classes.len()).unwrap() {
                    let distance = reached.distance(class).map(|(distance, _)| distance);
                    assert_eq!(distance == Some(hop), level.contains(class), "seed {seed}, hop {hop}, class {class}");
                }
            }
        }
    });
    assert!(found[2] > 20, "{found:?}");
}
