//! Runs a plan: waves, limits, retries, outcomes; checks that delivery still works afterwards.
