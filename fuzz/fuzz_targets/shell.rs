//! Hostile input for `whodepends_fuzz::shell`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    whodepends_fuzz::shell(data);
});
