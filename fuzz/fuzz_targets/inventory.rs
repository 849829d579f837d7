//! Any text read as inventory: no panic, and every place lies inside the text.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| assert!(sekisho::inventory::exercise(text)));
