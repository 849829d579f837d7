//! Service sets as boxes in one row of memory: a question about a service looks at neighbouring bytes, not at a tree of lists.

use std::sync::Arc;

use crate::model::ServiceId;
use crate::packet::{Interval, ServicePoint, ServiceSet};

/// Consecutive protocols with a range of source ports (or types) and one of destination ports (or codes).
#[derive(Debug, Clone, Copy)]
struct ServiceBox {
    protocols: Interval<u8>,
    a: Interval<u16>,
    b: Interval<u16>,
}

/// All service sets of a model.
#[derive(Debug, Clone, Default)]
pub(super) struct ServiceBoxes {
    /// For each set where its boxes begin; one more at the end.
    starts: Vec<u32>,
    boxes: Vec<ServiceBox>,
}

impl ServiceBoxes {
    pub(super) fn new(sets: &[Arc<ServiceSet>]) -> Self {
        let mut result = Self { starts: vec![0], boxes: Vec::new() };
        for set in sets {
            for piece in set.rectangles() {
                let full = [Interval::full()];
                let (a, all) =
                    if piece.whole { (Interval::full(), full.as_slice()) } else { (piece.a, piece.b.intervals()) };
                let protocols = piece.protocols;
                result.boxes.extend(all.iter().map(|&b| ServiceBox { protocols, a, b }));
            }
            result.starts.push(u32::try_from(result.boxes.len()).unwrap_or(u32::MAX));
        }
        result
    }

    /// Whether a service is a member of a set of the model.
    pub(super) fn contains(&self, set: ServiceId, point: ServicePoint) -> bool {
        let bounds = (self.starts.get(set.index()), self.starts.get(set.index() + 1));
        let (Some(&first), Some(&end)) = bounds else { return false };
        let boxes = self.boxes.get(first as usize..end as usize).unwrap_or_default();
        boxes.iter().any(|found| {
            found.protocols.contains(point.protocol.0) && found.a.contains(point.a) && found.b.contains(point.b)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Protocol;

    #[test]
    fn boxes_hold_what_their_sets_hold() {
        let tcp = |first, last| ServiceSet::ports(Protocol::TCP, Interval { first, last });
        let sets = [
            ServiceSet::empty(),
            ServiceSet::any(),
            tcp(443, 443).union(&tcp(8000, 8010)),
            ServiceSet::rectangle(
                Protocol::UDP,
                Interval { first: 53, last: 53 },
                Interval { first: 1024, last: 65535 },
            ),
            ServiceSet::protocol(Protocol::ICMP).union(&ServiceSet::protocol(Protocol::GRE)),
            ServiceSet::any().difference(&tcp(22, 22)),
        ];
        let boxes = ServiceBoxes::new(&sets.clone().map(Arc::new));
        for (number, set) in sets.iter().enumerate() {
            for protocol in [0, 1, 6, 17, 47, 58, 255].map(Protocol) {
                for (a, b) in [(0, 0), (53, 1024), (53, 1023), (8, 0), (40000, 443), (40000, 22), (40000, 8005)] {
                    let (a, b) = (a.min(protocol.largest()), b.min(protocol.largest()));
                    let point = ServicePoint { protocol, a, b };
                    assert_eq!(
                        boxes.contains(ServiceId::from_index(number), point),
                        set.contains(point),
                        "{number} {point}"
                    );
                }
            }
        }
    }
}
