//! The defaults that are more than a type's own.

use crate::organization::selector::{OuPattern, Selector};

use super::{AllowedRisk, AttachTo, Interval, OrganizationConfig, Percent, ReaderMode, Readers, Reconcile};

pub(super) fn yes() -> bool {
    true
}

pub(super) fn key_alias() -> String {
    "alias/orgtrail-{{deployment}}".into()
}

/// A few megabytes each for a hundred accounts.
pub(super) fn lake_slots() -> u16 {
    4
}

pub(super) fn lake_every() -> Interval {
    Interval::QUARTER_HOUR
}

pub(super) fn retention_days() -> u32 {
    365
}

pub(super) fn cloudwatch_role() -> String {
    "orgtrail-{{deployment}}-cloudwatch-logs".into()
}

pub(super) fn aggregator() -> String {
    "orgtrail-{{deployment}}".into()
}

pub(super) fn aggregator_role() -> String {
    "orgtrail-{{deployment}}-config".into()
}

/// `ou:/**`.
pub(super) fn every_account() -> Vec<Selector> {
    vec![Selector::Ou(OuPattern::everything())]
}

impl Default for OrganizationConfig {
    fn default() -> Self {
        // The role that AWS Organizations makes in every account that it creates.
        Self {
            id: None,
            member_role: "OrganizationAccountAccessRole".into(),
            delegated_administrators: Vec::new(),
            own_roles: Vec::new(),
            known_buckets: Vec::new(),
        }
    }
}

impl Default for Readers {
    fn default() -> Self {
        Self {
            mode: ReaderMode::Auto,
            role: "CloudTrailReadLogs-{{account.id}}".into(),
            member_policy: "CloudTrailReadLogs".into(),
            attach_to: AttachTo::default(),
            require_mfa: false,
            external_id: None,
            session_hours: 1,
            earlier_logs: false,
            // As long as AWS keeps a closed account, which can be opened again in that time.
            keep_days: 90,
        }
    }
}

impl Default for Reconcile {
    fn default() -> Self {
        Self {
            every: Interval::QUARTER_HOUR,
            full_pass_every: Interval::DAY,
            allow: vec![AllowedRisk::Safe],
            max_change: Percent::FIFTH,
            window: None,
            wake_queue: None,
            lease: None,
            history: None,
        }
    }
}
