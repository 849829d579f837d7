//! See `sekisho::syntax::fuzz::check_parse`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    sekisho::syntax::fuzz::check_parse(text).unwrap();
});
