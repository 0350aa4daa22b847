//! Hostile input for `whodepends_fuzz::sql`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    whodepends_fuzz::sql(data);
});
