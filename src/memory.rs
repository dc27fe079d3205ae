//! How much memory the program has in use, counted where it is given out.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, Ordering};

/// Bytes that a thread counts by itself before it adds them to the sum: threads that add at the same time wait for each
/// other.
const OWN_BYTES: isize = 64 << 10;

/// Bytes in use, of all threads.
static IN_USE: AtomicIsize = AtomicIsize::new(0);

thread_local! {
    /// What a thread has not added yet.
    static OWN: Cell<isize> = const { Cell::new(0) };
}

/// An allocator that counts what another one gives out.
pub struct Counted<A>(pub A);

fn count(bytes: isize) {
    // A thread that ends frees its last memory without a count of its own.
    let _ended = OWN.try_with(|own| {
        let all = own.get() + bytes;
        if all.abs() < OWN_BYTES {
            own.set(all);
        } else {
            own.set(0);
            IN_USE.fetch_add(all, Ordering::Relaxed);
        }
    });
}

/// Returns how many bytes are in use, less what threads have not added yet. 0: nothing is counted.
pub fn in_use() -> usize {
    usize::try_from(IN_USE.load(Ordering::Relaxed)).unwrap_or(0)
}

// SAFETY: every call goes to the allocator as it is.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counted<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        unsafe { self.0.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.cast_signed() - layout.size().cast_signed());
        unsafe { self.0.realloc(pointer, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use std::alloc::System;

    use super::*;

    #[test]
    fn what_is_given_out_is_counted_and_what_is_given_back_is_not() {
        // The tests themselves use another allocator, so that nothing else is counted.
        let (allocator, layout) = (Counted(System), Layout::from_size_align(1 << 20, 8).unwrap());
        let before = in_use();
        let (first, second) = unsafe { (allocator.alloc(layout), allocator.alloc_zeroed(layout)) };
        assert!(!first.is_null() && !second.is_null());
        assert_eq!(in_use() - before, 2 << 20);
        let first = unsafe { allocator.realloc(first, layout, 3 << 20) };
        assert_eq!(in_use() - before, 4 << 20);
        unsafe {
            allocator.dealloc(first, Layout::from_size_align(3 << 20, 8).unwrap());
            allocator.dealloc(second, layout);
        }
        assert_eq!(in_use(), before);
    }
}
