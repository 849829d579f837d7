//! The digest of what a change opens, on whatever day.
//!
//! The decision a reader would doubt: flows that are the same on all days have the digest that `diff` gives them, whatever the days are; only where they differ are the days in it. An approval
//! is of all days together: one of what is opened now is none of what is opened next month.

use std::fmt::Write as _;

use jiff::civil::Date;

use crate::checksum;
use crate::packet::Product;

/// What a change opens from a day on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening<'a> {
    /// The day.
    pub from: Date,
    /// The flows; none if nothing is opened then.
    pub flows: &'a [Product],
    /// Their digest, as [`crate::diff::digest`] makes it.
    pub digest: &'a str,
}

/// The digest of all that is opened, from the day that is judged and from later ones, in order: that of the flows, if they are the same on all days, else of each with the first of its days.
/// `None` if nothing is opened on any.
#[must_use]
pub fn digest(days: &[Opening<'_>]) -> Option<String> {
    if days.iter().all(|day| day.flows.is_empty()) {
        return None;
    }
    let first = days.first()?.digest;
    if days.iter().all(|day| day.digest == first) {
        return Some(first.to_owned());
    }
    // The day that is judged is not in it: an approval holds on the next one too.
    let mut text = format!("sekisho flows by day 1\nnow {first}\n");
    let next = days.iter().skip(1).zip(days);
    for (day, _) in next.filter(|(day, last)| day.digest != last.digest) {
        let _ = writeln!(text, "{} {}", day.from, day.digest);
    }
    Some(checksum::named_sha256(text))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::packet::{AddressSet, ServiceSet};

    /// Days from the first of a month on, each with the digest of its flows; `-` is that of none.
    fn sum(month: i8, days: &[&'static str]) -> Option<String> {
        let flow =
            [Product { sources: AddressSet::full(), destinations: AddressSet::full(), services: ServiceSet::any() }];
        let opening = |(number, digest): (i8, &&'static str)| Opening {
            from: date(2027, month, number),
            flows: if *digest == "-" { &[] } else { &flow[..] },
            digest,
        };
        let days: Vec<Opening<'_>> = (1..).zip(days).map(opening).collect();
        digest(&days)
    }

    #[test]
    fn what_is_never_opened_has_none() {
        assert_eq!(sum(1, &[]), None);
        assert_eq!(sum(1, &["-", "-"]), None);
    }

    #[test]
    fn the_same_flows_on_all_days_have_their_own() {
        assert_eq!(sum(1, &["a"]).as_deref(), Some("a"));
        assert_eq!(sum(1, &["a", "a"]).as_deref(), Some("a"));
    }

    #[test]
    fn other_flows_on_other_days_have_the_days_in_it() {
        let text = "sekisho flows by day 1\nnow -\n2027-01-02 a\n2027-01-04 b\n";
        assert_eq!(sum(1, &["-", "a", "a", "b"]), Some(checksum::named_sha256(text)));
        assert_ne!(sum(1, &["a", "b"]), sum(2, &["a", "b"]));
        assert_ne!(sum(1, &["a", "b"]), sum(1, &["b", "a"]));
        assert_ne!(sum(1, &["a", "b", "a"]), sum(1, &["a", "b"]));
    }
}
