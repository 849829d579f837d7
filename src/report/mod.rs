//! Results to what people and programs read: JSON objects, CSV, drawings.
//!
//! Everything here is a function from values to text. What is absent on purpose: computing an answer, reading or writing files.

pub mod batch;
pub mod ci;
pub mod csv;
pub mod graph;
pub mod json;
pub mod markdown;
pub mod since;
