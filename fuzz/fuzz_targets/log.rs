//! Hostile input for `whodepends_fuzz::log`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    whodepends_fuzz::log(data);
});
