//! The `orgtrail` program: see the library's documentation.

use std::process::ExitCode;

fn main() -> ExitCode {
    orgtrail::cli::main(std::env::args_os())
}
