//! The body of the fuzz target, so that its corpus is replayed by a plain test as well.

use super::read::read;
use crate::diag::Sink;
use crate::source::Sources;

/// Reads any text as an inventory; tells whether every place that was reported lies inside the text.
#[must_use]
pub fn exercise(text: &str) -> bool {
    let mut sources = Sources::default();
    let file = sources.add("fuzz.yaml", text);
    let mut sink = Sink::default();
    let _ = read(&sources, &[file], &mut sink);
    let labels = sink.as_slice().iter().flat_map(|found| found.primary.iter().chain(&found.secondary));
    labels.map(|label| label.span).all(|span| text.get(span.start as usize..span.end as usize).is_some())
}
