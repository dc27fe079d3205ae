//! The `orgtrail` program: see the library's documentation.

use std::process::ExitCode;

/// A proof of many small files is half allocations, from several threads at once; musl's own allocator, which a static
/// program gets, has one lock for all of them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    orgtrail::cli::main(std::env::args_os())
}
