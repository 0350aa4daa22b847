//! The thin binary: run, exit code.

use std::process::ExitCode;

/// Reading logs makes and drops small texts on all threads, which the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(whodepends::cli::run())
}
