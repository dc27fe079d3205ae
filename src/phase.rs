//! What a run does now, for people who ask with `-v`: each part of it when it begins, and when it is over with what it
//! counted and how long it took.

use std::fmt;
use std::time::Instant;

/// One part of a run. Where it fails, the error says so and not its end.
#[derive(Debug)]
pub struct Phase {
    name: &'static str,
    begun: Instant,
}

impl Phase {
    /// Begins, and says so. `name` is an imperative: `read the organization`.
    pub fn begin(name: &'static str) -> Self {
        tracing::info!(target: "orgtrail::phase", "{name}: begins");
        Self { name, begun: Instant::now() }
    }

    /// Says that it is over, with what it counted: `12 accounts`.
    pub fn end(self, counted: impl fmt::Display) {
        let seconds = self.begun.elapsed().as_secs_f64();
        tracing::info!(target: "orgtrail::phase", "{}: {counted} in {seconds:.1} s", self.name);
    }
}
