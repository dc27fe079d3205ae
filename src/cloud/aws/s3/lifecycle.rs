//! Lifecycle rules, from S3's form and back.

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, ExpirationStatus, LifecycleExpiration, LifecycleRule as Wire, LifecycleRuleFilter,
    NoncurrentVersionExpiration, Transition, TransitionStorageClass,
};

use crate::estate::bucket::LifecycleRule;

/// Reads a rule. What the estate does not model is named in `other`, so that the rule is never taken for equal.
pub(super) fn read_rule(rule: &Wire) -> LifecycleRule {
    let mut transitions: Vec<(u32, String)> = rule.transitions().iter().filter_map(read_transition).collect();
    transitions.sort();
    let days = |days: Option<i32>| days.and_then(|days| u32::try_from(days).ok()).filter(|days| *days > 0);
    LifecycleRule {
        id: rule.id().unwrap_or_default().to_owned(),
        enabled: *rule.status() == ExpirationStatus::Enabled,
        prefix: prefix(rule),
        transitions,
        expire_after_days: days(rule.expiration().and_then(|e| e.days())),
        expire_noncurrent_after_days: days(rule.noncurrent_version_expiration().and_then(|e| e.noncurrent_days())),
        abort_upload_after_days: days(rule.abort_incomplete_multipart_upload().and_then(|a| a.days_after_initiation())),
        other: unmodelled(rule),
    }
}

fn read_transition(transition: &Transition) -> Option<(u32, String)> {
    let days = u32::try_from(transition.days()?).ok()?;
    Some((days, transition.storage_class()?.as_str().to_owned()))
}

/// The prefix stands in the filter, alone or with other conditions; old rules have it outside.
fn prefix(rule: &Wire) -> String {
    #[allow(deprecated, reason = "rules from before 2016 have their prefix there")]
    let outside = rule.prefix();
    let filter = rule.filter();
    let inside = filter.and_then(|f| f.prefix().or_else(|| f.and().and_then(|and| and.prefix())));
    inside.or(outside).unwrap_or_default().to_owned()
}

fn unmodelled(rule: &Wire) -> Option<String> {
    let filter = rule.filter();
    let and = filter.and_then(|f| f.and());
    let expiration = rule.expiration();
    let found = [
        ("a tag filter", filter.is_some_and(|f| f.tag().is_some()) || and.is_some_and(|a| !a.tags().is_empty())),
        ("a size filter", filter.is_some_and(has_size) || and.is_some_and(has_size_too)),
        ("a transition on a date", rule.transitions().iter().any(|t| t.date().is_some())),
        ("an expiration on a date", expiration.is_some_and(|e| e.date().is_some())),
        (
            "the removal of expired delete markers",
            expiration.is_some_and(|e| e.expired_object_delete_marker() == Some(true)),
        ),
        ("transitions of noncurrent versions", !rule.noncurrent_version_transitions().is_empty()),
        (
            "a number of noncurrent versions to keep",
            rule.noncurrent_version_expiration().is_some_and(|e| e.newer_noncurrent_versions().is_some()),
        ),
    ];
    let found: Vec<&str> = found.into_iter().filter_map(|(what, is)| is.then_some(what)).collect();
    (!found.is_empty()).then(|| found.join(", "))
}

fn has_size(filter: &LifecycleRuleFilter) -> bool {
    filter.object_size_greater_than().is_some() || filter.object_size_less_than().is_some()
}

fn has_size_too(and: &aws_sdk_s3::types::LifecycleRuleAndOperator) -> bool {
    and.object_size_greater_than().is_some() || and.object_size_less_than().is_some()
}

/// Writes a rule in S3's form.
pub(super) fn write_rule(rule: &LifecycleRule) -> Result<Wire, BuildError> {
    let days = |days: u32| i32::try_from(days).unwrap_or(i32::MAX);
    let transition = |(after, class): &(u32, String)| {
        Transition::builder().days(days(*after)).storage_class(TransitionStorageClass::from(class.as_str())).build()
    };
    let expiration = rule.expire_after_days.map(|after| LifecycleExpiration::builder().days(days(after)).build());
    let noncurrent = rule
        .expire_noncurrent_after_days
        .map(|after| NoncurrentVersionExpiration::builder().noncurrent_days(days(after)).build());
    let abort = rule
        .abort_upload_after_days
        .map(|after| AbortIncompleteMultipartUpload::builder().days_after_initiation(days(after)).build());
    Wire::builder()
        .id(&rule.id)
        .status(if rule.enabled { ExpirationStatus::Enabled } else { ExpirationStatus::Disabled })
        .filter(LifecycleRuleFilter::builder().prefix(&rule.prefix).build())
        .set_transitions((!rule.transitions.is_empty()).then(|| rule.transitions.iter().map(transition).collect()))
        .set_expiration(expiration)
        .set_noncurrent_version_expiration(noncurrent)
        .set_abort_incomplete_multipart_upload(abort)
        .build()
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::types::{LifecycleRuleAndOperator, Tag};

    use super::*;

    #[test]
    fn a_rule_is_read_as_it_was_written() {
        let rule = LifecycleRule {
            id: "orgtrail".into(),
            enabled: true,
            prefix: "AWSLogs/".into(),
            transitions: vec![(90, "GLACIER_IR".into())],
            expire_after_days: Some(2555),
            expire_noncurrent_after_days: Some(30),
            abort_upload_after_days: Some(7),
            other: None,
        };
        assert_eq!(read_rule(&write_rule(&rule).unwrap()), rule);
        let bare = LifecycleRule { transitions: vec![], expire_after_days: None, enabled: false, ..rule };
        assert_eq!(read_rule(&write_rule(&bare).unwrap()), bare);
    }

    #[test]
    fn what_is_not_modelled_is_named() {
        let tag = Tag::builder().key("a").value("b").build().unwrap();
        let both = LifecycleRuleAndOperator::builder().prefix("logs/").tags(tag).object_size_greater_than(1).build();
        let rule = Wire::builder()
            .id("x")
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().and(both).build())
            .build()
            .unwrap();
        let read = read_rule(&rule);
        assert_eq!(read.prefix, "logs/");
        assert_eq!(read.other.as_deref(), Some("a tag filter, a size filter"));
    }
}
