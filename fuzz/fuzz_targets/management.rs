//! Hostile input for `whodepends_fuzz::management`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    whodepends_fuzz::management(data);
});
