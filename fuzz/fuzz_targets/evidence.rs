//! Hostile input for `whodepends_fuzz::evidence`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    whodepends_fuzz::evidence(data);
});
