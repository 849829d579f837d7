//! The network as a graph: zones, firewalls, and who stands on the way between whom.
//!
//! No path is ever enumerated. Two things rest on the same definition: [`PairGraph`] answers for one pair of places, as directly as the definition can be put
//! into code; [`Topology`] with its shared graphs answers for all pairs at once, for placement.

mod blocks;
mod closure;
mod instance;
mod pair;
mod topology;
mod world;
mod zones;

pub use petgraph::unionfind::UnionFind;

pub use blocks::{BlockId, BlockTree, Door, Side, Vertex, crosses};
pub use closure::Closure;
pub use instance::{Instance, InstanceFirewall, Visited, Who};
pub use pair::{OnTheWay, PairGraph};
pub use topology::Topology;
pub use world::{Leaf, Role, World};
pub use zones::{Firewall, Place, PlaceId, Zone, ZoneId, Zones};
