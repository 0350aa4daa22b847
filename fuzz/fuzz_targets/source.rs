//! Hostile input for `whodepends_fuzz::source`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    whodepends_fuzz::source(data);
});
