//! See `sekisho::syntax::fuzz::check_format`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    sekisho::syntax::fuzz::check_format(text).unwrap();
});
