//! Hostile input for `whodepends_fuzz::settings`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    whodepends_fuzz::settings(data);
});
