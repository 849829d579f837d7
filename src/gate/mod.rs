//! Whether a change may be merged: what it opens, and whether those who must have approved exactly that.
//!
//! Input: two projects, what their `sekisho.yaml` asks, and the approvals that came with the change. [`Rules`] are the conditions resolved to sets, [`guards`] says which promises the
//! change takes back, [`Approvals`] which approvals count, and
//! [`opens_digest`] and [`guards_digest`] what they are of. What opens is [`crate::diff`]'s to say, and the days on which that is asked [`crate::answer`]'s.
//!
//! The decision a reader would doubt: the rules of *both* sides are asked, and a change of the rules is itself something to approve; else a push could take the lock off the door that
//! it goes through. For the same reason an approval counts only if it came with the change: one that lay there before agreed to something that was opened once, and may have been closed for
//! good reason. Absent on purpose: who the approver is. That is for the forge, which knows who may write to `approvals/`.

mod approvals;
mod guards;
mod needs;
mod opens;

pub use approvals::{Approvals, Standing, Why};
pub use guards::{Guard, Promises, digest as guards_digest, guards};
pub use needs::{Lookup, Need, Rules, together};
pub use opens::{Opening, digest as opens_digest};
