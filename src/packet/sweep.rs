//! Cutting a line at every border of some numbered intervals.
//!
//! It is what classes, indexes and digests begin with: pieces of addresses or ports that nobody needs to tell apart. Cost: one sort of the borders, and a list of the holders of the
//! current piece that is kept in order; no piece is compared with another. Which pieces are the same afterwards is for the caller to say.

use super::interval::{Interval, Value};

/// Finds the pieces between the borders of some intervals, ascending, each with the numbers of those that hold it, ascending. Pieces that no interval holds are found with no number, but not
/// the one before the first border. Intervals of one number must be disjoint.
pub fn sweep<T: Value, N: Copy + Ord>(
    intervals: impl IntoIterator<Item = (N, Interval<T>)>,
    mut found: impl FnMut(Interval<T>, &[N]),
) {
    let mut borders: Vec<(T, bool, N)> = Vec::new();
    for (number, interval) in intervals {
        borders.push((interval.first, true, number));
        borders.extend(interval.last.next().map(|after| (after, false, number)));
    }
    // An interval that ends where another one of its number begins is closed before that is opened.
    borders.sort_unstable();
    let mut open: Vec<N> = Vec::new();
    let mut same = borders.chunk_by(|a, b| a.0 == b.0).peekable();
    while let Some(here) = same.next() {
        for (_, opens, number) in here {
            match (opens, open.binary_search(number)) {
                (true, Err(at)) => open.insert(at, *number),
                (false, Ok(at)) => drop(open.remove(at)),
                _ => {}
            }
        }
        let last = same.peek().and_then(|next| next.first()).and_then(|(next, _, _)| next.previous());
        if let Some((first, _, _)) = here.first() {
            found(Interval { first: *first, last: last.unwrap_or(T::MAX) }, &open);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(intervals: &[(char, u8, u8)]) -> Vec<(u8, u8, String)> {
        let mut result = Vec::new();
        let intervals = intervals.iter().map(|&(number, first, last)| (number, Interval { first, last }));
        sweep(intervals, |piece, numbers| result.push((piece.first, piece.last, numbers.iter().collect())));
        result
    }

    fn expected(pieces: &[(u8, u8, &str)]) -> Vec<(u8, u8, String)> {
        pieces.iter().map(|&(first, last, numbers)| (first, last, numbers.to_owned())).collect()
    }

    #[test]
    fn pieces_are_cut_at_every_border() {
        let cut = pieces(&[('b', 10, 20), ('a', 15, 30), ('b', 40, 40)]);
        let wanted = [(10, 14, "b"), (15, 20, "ab"), (21, 30, "a"), (31, 39, ""), (40, 40, "b"), (41, 255, "")];
        assert_eq!(cut, expected(&wanted));
    }

    #[test]
    fn the_ends_of_the_line_are_borders_of_nothing_beyond() {
        assert_eq!(pieces(&[]), []);
        assert_eq!(pieces(&[('a', 0, 255)]), expected(&[(0, 255, "a")]));
        assert_eq!(pieces(&[('a', 0, 0), ('b', 255, 255)]), expected(&[(0, 0, "a"), (1, 254, ""), (255, 255, "b")]));
    }

    #[test]
    fn neighbours_of_one_number_stay_open() {
        assert_eq!(pieces(&[('a', 0, 9), ('a', 10, 255)]), expected(&[(0, 9, "a"), (10, 255, "a")]));
    }
}
