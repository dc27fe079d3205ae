//! The memory of questions. What waits between the parts of a plan is never put on disk: DataFusion's files for it can
//! be waited for without an end, seen with 3 MB of memory, and what waits there is little, as a part that is ahead is
//! held back.

use std::fmt;

use datafusion::common::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

/// How DataFusion names what waits between the parts of a plan.
const BETWEEN_PARTS: &str = "RepartitionExec";

/// A pool that refuses nothing to what waits between the parts of a plan; it is counted.
#[derive(Debug)]
pub(super) struct QuestionPool<P>(pub P);

impl<P: fmt::Display> fmt::Display for QuestionPool<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<P: MemoryPool> MemoryPool for QuestionPool<P> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.0.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.0.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.0.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.0.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        if reservation.consumer().name().starts_with(BETWEEN_PARTS) {
            self.0.grow(reservation, additional);
            return Ok(());
        }
        self.0.try_grow(reservation, additional)
    }

    fn reserved(&self) -> usize {
        self.0.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.0.memory_limit()
    }
}
