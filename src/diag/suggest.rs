//! "Did you mean": the closest known name.

/// The candidate closest to `wanted`, if it is close enough to be a slip of the fingers.
///
/// Close means a Damerau-Levenshtein distance of at most a third of the longer name (at least 1). Ties go to the name
/// that sorts first, so that the answer does not depend on the order of the candidates.
pub fn closest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted_length = wanted.chars().count();
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let longer = candidate.chars().count().max(wanted_length);
            let shorter = candidate.chars().count().min(wanted_length);
            let allowed = (longer / 3).max(1);
            if longer - shorter > allowed {
                return None;
            }
            let distance = strsim::damerau_levenshtein(wanted, candidate);
            (distance <= allowed).then_some((distance, candidate))
        })
        .min()
        .map(|(_, candidate)| candidate)
}
