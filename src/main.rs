//! The thin binary: run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(whodepends::cli::run())
}
