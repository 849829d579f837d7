//! Worlds that lack one thing of a world, to find the smallest project that still fails.

use super::World;

impl World {
    /// Valid worlds that lack one thing of this one, to find the smallest that still fails.
    pub fn smaller(&self) -> Vec<World> {
        let mut worlds = Vec::new();
        for index in 0..self.waivers.len() {
            let mut world = self.clone();
            world.waivers.remove(index);
            worlds.push(world);
        }
        for index in 0..self.assertions.len() {
            let mut world = self.clone();
            let gone = world.assertions.remove(index);
            world.waivers.retain(|waiver| waiver.assertion != gone.name);
            worlds.push(world);
        }
        for index in 0..self.quarantines.len() {
            let mut world = self.clone();
            world.quarantines.remove(index);
            worlds.push(world);
        }
        for index in 0..self.rules.len() {
            let mut world = self.clone();
            let gone = world.rules.remove(index);
            world.waivers.retain(|waiver| waiver.rule != gone.name);
            world.quarantines.iter_mut().for_each(|quarantine| quarantine.keep.retain(|name| *name != gone.name));
            worlds.push(world);
        }
        let policy = format!("{:?}{:?}{:?}{:?}", self.rules, self.quarantines, self.assertions, self.groups);
        for index in (0..self.devices.len()).filter(|index| !policy.contains(&self.devices[*index].name)) {
            let mut world = self.clone();
            world.devices.remove(index);
            worlds.push(world);
        }
        for index in
            (0..self.groups.len()).filter(|index| !policy.contains(&format!("Name(\"{}\")", self.groups[*index].name)))
        {
            let mut world = self.clone();
            world.groups.remove(index);
            worlds.push(world);
        }
        worlds
    }
}
