//! Locks that are never held over a point at which their holder waits.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes a lock. A panic of another holder does not matter: what is behind these locks is replaced in single steps, so
/// it cannot be half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
