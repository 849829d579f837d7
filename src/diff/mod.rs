//! What a change opens and closes: two projects, or one at two dates, compared over all packets.
//!
//! Input: two [`Side`]s. Output: [`Changes`], sets of flows without names. Both sides are asked by [`crate::reach`], so a flow is opened exactly if the verdicts of `explain` say so.
//!
//! The decision a reader would doubt: most flows are never asked about. A flow fares differently only if *the rules* say something else about it or *the network* does, so it is enough to
//! ask about a region that holds all such flows.
//!
//! - Rules (`policy`). A flow is permitted if some product of an active allow holds it, no product of an active deny does, and no quarantine holds it that keeps none of those products.
//!   Names, files and order are not in this sentence, and neither is how often a product is written. So products that both sides have, as sets, cancel. If a flow lies in no product that only one
//!   side has, the same products hold it on both sides. Two products that are left over and have one name are the old and the new form of a rule: what lies in both or in neither is
//!   held by a product on both sides or on none, so only their differences, end by end, are in the region. The pairing is a guess that makes the region smaller and can make nothing wrong.
//!   Quarantines cancel in the same way, as what they hold and the products that they keep.
//! - The network (`network`). Whether two addresses are in one zone, or have a path, depends on the places of the two. The known addresses are cut into cells that lie in one place before and one after.
//!   If zones, sites and firewalls of both sides can be matched so that every cell and every interface agrees, the network means the same and gives no region. If not, the region is: cells that only one
//!   side knows, with everything; pairs of cells that are in one zone on one side alone; pairs that have a path on one side alone.
//!
//! Outside the region both sides agree; inside it both are asked for all that passes, and the difference of the two sets is taken. [`Region::Whole`] asks about everything, and tests hold the two against each
//! other. Absent on purpose: names, rules, texts ([`crate::answer`] has them), git, and files of devices.

mod both;
mod compare;
mod dates;
mod decide;
mod digest;
mod matching;
mod network;
mod paths;
mod policy;

pub use both::{Both, Which};
pub use compare::{Changes, Region, Side, compare};
pub use dates::dates;
pub use decide::{Decision, Fate, Logged, decisions};
pub use digest::digest;
pub use network::same_inventory;
