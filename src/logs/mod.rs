//! The consolidated logs: key layout, store, digests, verify and coverage.
