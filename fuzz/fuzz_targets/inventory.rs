//! Hostile input for `whodepends_fuzz::inventory`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    whodepends_fuzz::inventory(data);
});
