//! The run id: what CloudTrail shows as the name of a daemon's sessions, and what tells replicas apart.

use jiff::Timestamp;

/// Returns how the run ids of a deployment begin, and so the names of its sessions.
pub fn session_prefix(deployment: &str) -> String {
    format!("orgtrail-{deployment}-")
}

/// Makes a run id, another one for each start of the program. A session's name has at most 64 characters of a small
/// alphabet (STS API, `AssumeRole`); a deployment's name has at most 32 of it.
pub fn new_run_id(deployment: &str, now: Timestamp) -> String {
    let now = now.strftime("%Y%m%dT%H%M%SZ");
    format!("{}{now}-{:04x}", session_prefix(deployment), fastrand::u16(..))
}
