//! Sets of services cut at each other into pieces, each of which is in some of the sets as a whole.
//!
//! Services are points of three dimensions (protocol, *a*, *b*), and sets of them are rectangles. One dimension after another is swept: between two borders the same rectangles hold. Cells that the same
//! sets hold are one piece, so the pieces are as few as can be. A reader may doubt that pieces have no content: nobody asks for it, they are held against each other by number.

use rustc_hash::FxHashSet;

use crate::packet::{Interval, Protocol, Rectangle, ServiceSet, Value, sweep};

/// More pieces than this are not made.
const MOST: usize = 500;

/// Nor is more than this written down on the way, in all sweeps together.
const MOST_COVERED: usize = 2_000_000;

/// For each set the pieces that it is made of, ascending; `None` if they are too many.
pub(super) fn pieces(sets: &[&ServiceSet]) -> Option<Vec<Vec<u32>>> {
    let mut parts: Vec<(u32, Rectangle)> = Vec::new();
    for (number, set) in (0..).zip(sets) {
        parts.extend(set.rectangles().into_iter().map(|rectangle| (number, rectangle)));
    }
    let mut room = MOST_COVERED;
    let mut of_set: Vec<Vec<u32>> = vec![Vec::new(); sets.len()];
    // Who holds the pieces so far.
    let mut pieces: FxHashSet<Vec<u32>> = FxHashSet::default();
    let protocols = (0..).zip(&parts).map(|(at, (_, part))| (at, part.protocols));
    for (protocol, here) in cells(protocols, &mut room)? {
        let here: Vec<&(u32, Rectangle)> = here.iter().filter_map(|at| parts.get(*at as usize)).collect();
        let all = Interval { first: 0, last: Protocol(protocol).largest() };
        let bands = (0..).zip(&here).map(|(at, (_, part))| (at, if part.whole { all } else { part.a }));
        for (_, here_too) in cells(bands, &mut room)? {
            let parts = here_too.iter().filter_map(|at| here.get(*at as usize));
            let ranges = parts.flat_map(|(number, part)| {
                let b = if part.whole { std::slice::from_ref(&all) } else { part.b.intervals() };
                b.iter().map(|range| (*number, *range))
            });
            for (_, holders) in cells(ranges, &mut room)? {
                if pieces.contains(&holders) {
                    continue;
                }
                let piece = u32::try_from(pieces.len()).ok()?;
                for holder in &holders {
                    if let Some(own) = of_set.get_mut(*holder as usize) {
                        own.push(piece);
                    }
                }
                pieces.insert(holders);
            }
            if pieces.len() > MOST {
                return None;
            }
        }
    }
    Some(of_set)
}

/// The cells between borders of ranges, each with its first value and the ranges over it, by number and ascending; cells without any are left out. No two ranges of one number meet. `None` if there is no
/// room to write them down.
fn cells<T: Value>(ranges: impl Iterator<Item = (u32, Interval<T>)>, room: &mut usize) -> Option<Vec<(T, Vec<u32>)>> {
    let mut found = Vec::new();
    let mut is_full = false;
    sweep(ranges, |cell, over| match room.checked_sub(over.len()) {
        Some(left) if !over.is_empty() => {
            *room = left;
            found.push((cell.first, over.to_vec()));
        }
        left => is_full |= left.is_none(),
    });
    (!is_full).then_some(found)
}

#[cfg(test)]
mod tests;
