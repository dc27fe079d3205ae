//! The `orgtrail` program: see the library's documentation.

use std::process::ExitCode;

use orgtrail::memory::Counted;

/// A proof of many small files is half allocations, from several threads at once; musl's own allocator, which a static
/// program gets, has one lock for all of them.
#[global_allocator]
static ALLOCATOR: Counted<mimalloc::MiMalloc> = Counted(mimalloc::MiMalloc);

/// Freed memory goes back to the system after this long, in milliseconds; the allocator's own second is long enough for
/// a question to have twice what it uses.
const PURGE_AFTER_MS: std::ffi::c_long = 10;
/// `mi_option_purge_delay` of mimalloc 3 (its `mimalloc.h`), which the crate has no name for.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

fn main() -> ExitCode {
    // SAFETY: it sets an option, and no other thread has begun.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, PURGE_AFTER_MS) };
    orgtrail::cli::main(std::env::args_os())
}
