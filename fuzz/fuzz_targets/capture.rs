//! Hostile input for `whodepends_fuzz::capture`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    whodepends_fuzz::capture(data);
});
