//! Takes the statements of others out of shared policies where they break isolation, if the person who plans has
//! decided so.
//!
//! Without that decision they stay and are violations: what others wrote is theirs. Which statements break it is what
//! the proof blames. Each is then named for removal as a person names one with `--destroy`, and the plan is made again,
//! until the proof blames none any more.

use super::Plan;
use crate::estate::Desired;

/// Makes the plan again without each statement that its violations are opened by.
pub(super) fn closed(mut plan: Plan, desired: &Desired, again: impl Fn(&Desired) -> Plan) -> Plan {
    let mut desired = desired.clone();
    loop {
        let named = desired.removed.len();
        desired.removed.extend(plan.violations.iter().filter_map(|violation| violation.opened_by()).cloned());
        // Each round names at least one statement more, so it ends.
        if desired.removed.len() == named {
            return plan;
        }
        plan = again(&desired);
    }
}
