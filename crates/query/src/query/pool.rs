//! The memory of questions.
//!
//! What waits between the parts of a plan is never put on disk: DataFusion's files for it can be waited for without an
//! end, seen with 3 MB of memory. It is little, as a part that is ahead is held back, and so is what puts sorted parts
//! together: a few batches of each. Neither is refused any.
//!
//! What sorts and groups uses all there is before it puts something on disk. A part of the memory is kept from it, for
//! what cannot be put on disk and asks for a little, such as what is known of the events that were seen.
//!
//! What was sorted and put on disk is put together with as many files at a time as there is memory for. The first part
//! that does so would take all there is, and the next ones, and what takes their rows, would find none: so each of
//! those that are at work has a share, and those that find it too small read smaller batches of fewer files.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

/// How DataFusion names what waits between the parts of a plan, and what puts sorted parts together.
const NEVER_REFUSED: [&str; 2] = ["RepartitionExec", "SortPreservingMergeExec"];
/// How DataFusion names what puts together what one part sorted.
const MERGE: &str = "ExternalSorterMerge";

/// A pool that refuses nothing to what cannot wait, which is counted, and gives what was sorted equal shares.
#[derive(Debug)]
pub(super) struct QuestionPool<P> {
    inner: P,
    /// What all that was sorted may use while it is put together, in bytes.
    merge_bytes: usize,
    /// How many parts sort.
    sorting: AtomicUsize,
}

impl<P> QuestionPool<P> {
    /// Returns a pool over another one of so many bytes.
    pub(super) fn new(inner: P, bytes: usize) -> Self {
        Self { inner, merge_bytes: bytes / 4 * 3, sorting: AtomicUsize::new(0) }
    }

    /// Returns the most bytes that one part may use to put together what it sorted.
    fn share(&self) -> usize {
        self.merge_bytes / self.sorting.load(Ordering::Relaxed).max(1)
    }
}

impl<P: fmt::Display> fmt::Display for QuestionPool<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<P: MemoryPool> MemoryPool for QuestionPool<P> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn register(&self, consumer: &MemoryConsumer) {
        if consumer.name().starts_with(MERGE) {
            self.sorting.fetch_add(1, Ordering::Relaxed);
        }
        self.inner.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        if consumer.name().starts_with(MERGE) {
            self.sorting.fetch_sub(1, Ordering::Relaxed);
        }
        self.inner.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.inner.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.inner.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let name = reservation.consumer().name();
        if NEVER_REFUSED.iter().any(|one| name.starts_with(one)) {
            self.inner.grow(reservation, additional);
            return Ok(());
        }
        if name.starts_with(MERGE) {
            must_fit(reservation, additional, self.share())?;
        }
        self.inner.try_grow(reservation, additional)
    }

    fn reserved(&self) -> usize {
        self.inner.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.inner.memory_limit()
    }
}

/// A pool of which each that can put on disk what it keeps has an equal part, and the others what is left. A part of it
/// is left to the others whatever they use.
#[derive(Debug)]
pub(super) struct FairPool {
    bytes: usize,
    /// What is left to those that cannot put on disk what they keep, in bytes.
    kept_bytes: usize,
    uses: Mutex<Uses>,
}

/// What is in use of a pool.
#[derive(Debug, Default)]
struct Uses {
    /// How many can put on disk what they keep.
    spilling: usize,
    /// What they use, in bytes.
    spilled_bytes: usize,
    /// What the others use, in bytes.
    other_bytes: usize,
}

impl FairPool {
    /// Returns a pool of so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self { bytes, kept_bytes: bytes / 8, uses: Mutex::default() }
    }

    fn uses(&self) -> MutexGuard<'_, Uses> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for FairPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", MemoryPool::name(self), self.bytes)
    }
}

impl MemoryPool for FairPool {
    fn name(&self) -> &'static str {
        "equal parts"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.uses().spilling += usize::from(consumer.can_spill());
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        let mut uses = self.uses();
        uses.spilling = uses.spilling.saturating_sub(usize::from(consumer.can_spill()));
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        let mut uses = self.uses();
        let used = if reservation.consumer().can_spill() { &mut uses.spilled_bytes } else { &mut uses.other_bytes };
        *used = used.saturating_add(additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        let mut uses = self.uses();
        let used = if reservation.consumer().can_spill() { &mut uses.spilled_bytes } else { &mut uses.other_bytes };
        *used = used.saturating_sub(shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut uses = self.uses();
        if reservation.consumer().can_spill() {
            let all = self.bytes.saturating_sub(uses.other_bytes.saturating_add(self.kept_bytes));
            must_fit(reservation, additional, all / uses.spilling.max(1))?;
            uses.spilled_bytes += additional;
        } else {
            let left = self.bytes.saturating_sub(uses.spilled_bytes.saturating_add(uses.other_bytes));
            must_fit(reservation, additional, reservation.size().saturating_add(left))?;
            uses.other_bytes += additional;
        }
        Ok(())
    }

    fn reserved(&self) -> usize {
        let uses = self.uses();
        uses.spilled_bytes.saturating_add(uses.other_bytes)
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.bytes)
    }
}

/// Refuses more than a reservation may have.
fn must_fit(reservation: &MemoryReservation, additional: usize, bytes_max: usize) -> Result<()> {
    let (name, held) = (reservation.consumer().name(), reservation.size());
    if held.saturating_add(additional) > bytes_max {
        let why = format!("{name} has {held} bytes, wants {additional} more, and may have {bytes_max}");
        return Err(DataFusionError::ResourcesExhausted(why));
    }
    Ok(())
}
