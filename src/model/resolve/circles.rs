//! The order in which definitions that use each other can be evaluated, and the circles in which they cannot.
//!
//! Without recursion: a chain of 100,000 groups is silly, but it must not overflow a stack.

/// The outcome for a list of definitions.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Order {
    /// Indices of what can be evaluated, each after everything that it uses.
    pub(super) evaluable: Vec<usize>,
    /// Indices of what is in a circle or uses something that is; ascending.
    pub(super) stuck: Vec<usize>,
    /// Circles, disjoint, each in the order of use, from its smallest index; every definition in `stuck` is in one or leads to one.
    pub(super) circles: Vec<Vec<usize>>,
}

/// Orders definitions; `uses[i]` are the indices of what definition `i` uses. Linear.
pub(super) fn order(uses: &[Vec<usize>]) -> Order {
    let mut open: Vec<usize> = uses.iter().map(Vec::len).collect();
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); uses.len()];
    for (user, used) in uses.iter().enumerate() {
        for &used in used {
            if let Some(users) = users.get_mut(used) {
                users.push(user);
            }
        }
    }
    let mut evaluable: Vec<usize> = (0..uses.len()).filter(|&at| open.get(at) == Some(&0)).collect();
    let mut next = 0;
    while let Some(&done) = evaluable.get(next) {
        next += 1;
        for &user in users.get(done).map_or(&[][..], Vec::as_slice) {
            if let Some(count) = open.get_mut(user) {
                *count -= 1;
                if *count == 0 {
                    evaluable.push(user);
                }
            }
        }
    }
    let stuck: Vec<usize> = (0..uses.len()).filter(|&at| open.get(at).is_some_and(|&count| count > 0)).collect();
    let circles = circles(uses, &open, &stuck);
    Order { evaluable, stuck, circles }
}

/// Follows the first stuck use of each stuck definition; what is met twice on one walk is a circle.
fn circles(uses: &[Vec<usize>], open: &[usize], stuck: &[usize]) -> Vec<Vec<usize>> {
    let is_stuck = |at: usize| open.get(at).is_some_and(|&count| count > 0);
    let step = |at: usize| uses.get(at)?.iter().copied().find(|&used| is_stuck(used));
    let mut walk_of = vec![usize::MAX; uses.len()];
    let mut found = Vec::new();
    for &start in stuck {
        let mut at = Some(start);
        while let Some(here) = at {
            match walk_of.get_mut(here) {
                Some(walk) if *walk == usize::MAX => *walk = start,
                Some(walk) if *walk == start => {
                    let rest = std::iter::successors(step(here), |&next| step(next)).take_while(|&next| next != here);
                    let mut circle: Vec<usize> = std::iter::once(here).chain(rest).collect();
                    let smallest = (0..circle.len()).min_by_key(|&at| circle.get(at).copied()).unwrap_or(0);
                    circle.rotate_left(smallest);
                    found.push(circle);
                    break;
                }
                _ => break,
            }
            at = step(here);
        }
    }
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_come_after_what_they_use_and_circles_are_named_once() {
        let uses = vec![vec![1], vec![], vec![3], vec![4], vec![2], vec![2, 0], vec![6]];
        let order = order(&uses);
        assert_eq!(order.evaluable, [1, 0]);
        assert_eq!(order.stuck, [2, 3, 4, 5, 6]);
        assert_eq!(order.circles, [vec![2, 3, 4], vec![6]]);
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let uses: Vec<Vec<usize>> = (0..200_000).map(|at| if at == 0 { vec![] } else { vec![at - 1] }).collect();
        assert_eq!(order(&uses).evaluable.len(), 200_000);
    }
}
