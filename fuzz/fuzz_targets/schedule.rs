//! Hostile input for `whodepends_fuzz::schedule`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    whodepends_fuzz::schedule(data);
});
