//! What a bucket's lifecycle rules delete, in each of the forms that S3 has had for them.

use aws_sdk_s3::types::{ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter};
use jiff::Timestamp;

use crate::archive::{Deletes, When};

/// Returns what a rule deletes; nothing when it deletes no current object, or is switched off.
pub(super) fn deletes(rule: &LifecycleRule) -> Option<Deletes> {
    let when = when(rule.expiration()?).filter(|_| *rule.status() == ExpirationStatus::Enabled)?;
    let (prefix, is_whole) = match rule.filter() {
        Some(filter) => filtered(filter),
        None => (of_older_form(rule).to_owned(), true),
    };
    Some(Deletes { prefix, when, is_whole })
}

fn when(expiration: &LifecycleExpiration) -> Option<When> {
    let days = expiration.days().and_then(|days| u32::try_from(days).ok()).filter(|days| *days > 0);
    let on = || Timestamp::from_second(expiration.date()?.secs()).ok();
    days.map(When::AfterDays).or_else(|| on().map(When::On))
}

/// Before filters there was a prefix of the rule itself, which S3 still takes and gives back as it was written.
#[expect(deprecated, reason = "rules of this form are still in use")]
fn of_older_form(rule: &LifecycleRule) -> &str {
    rule.prefix().unwrap_or_default()
}

/// Returns the prefix of a filter, and whether it takes all that lies there. CloudTrail writes no empty object and no
/// tags.
fn filtered(filter: &LifecycleRuleFilter) -> (String, bool) {
    let and = filter.and();
    let prefix = filter.prefix().or(and.and_then(|and| and.prefix())).unwrap_or_default();
    let has_tags = filter.tag().is_some() || and.is_some_and(|and| !and.tags().is_empty());
    let above = filter.object_size_greater_than().or(and.and_then(|and| and.object_size_greater_than()));
    let below = filter.object_size_less_than().or(and.and_then(|and| and.object_size_less_than()));
    (prefix.to_owned(), !has_tags && above.is_none_or(|bytes| bytes <= 0) && below.is_none())
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::types::{LifecycleRuleAndOperator, Tag};
    use aws_smithy_types::DateTime;

    use super::*;

    fn after(days: i32) -> LifecycleExpiration {
        LifecycleExpiration::builder().days(days).build()
    }

    fn rule(filter: Option<LifecycleRuleFilter>, expiration: LifecycleExpiration) -> Option<Deletes> {
        let rule = LifecycleRule::builder().status(ExpirationStatus::Enabled).set_filter(filter).expiration(expiration);
        deletes(&rule.build().unwrap())
    }

    fn three_days(prefix: &str, is_whole: bool) -> Option<Deletes> {
        Some(Deletes { prefix: prefix.into(), when: When::AfterDays(3), is_whole })
    }

    #[test]
    fn every_form_of_a_rule_is_read() {
        let filter = LifecycleRuleFilter::builder;
        let and = LifecycleRuleAndOperator::builder;
        let tag = || Tag::builder().key("a").value("b").build().unwrap();
        assert_eq!(rule(None, after(3)), three_days("", true));
        assert_eq!(rule(Some(filter().prefix("AWSLogs/").build()), after(3)), three_days("AWSLogs/", true));
        let sized = |bytes| filter().and(and().prefix("a/").object_size_greater_than(bytes).build()).build();
        assert_eq!(rule(Some(sized(0)), after(3)), three_days("a/", true));
        assert_eq!(rule(Some(sized(131_072)), after(3)), three_days("a/", false));
        assert_eq!(rule(Some(filter().object_size_less_than(9).build()), after(3)), three_days("", false));
        assert_eq!(rule(Some(filter().tag(tag()).build()), after(3)), three_days("", false));
        assert_eq!(rule(Some(filter().and(and().tags(tag()).build()).build()), after(3)), three_days("", false));
        let on = LifecycleExpiration::builder().date(DateTime::from_secs(0)).build();
        let expected = Deletes { prefix: String::new(), when: When::On(Timestamp::UNIX_EPOCH), is_whole: true };
        assert_eq!(rule(None, on), Some(expected));
        let markers = LifecycleExpiration::builder().expired_object_delete_marker(true).build();
        assert_eq!(rule(None, markers), None);
    }

    #[test]
    #[expect(deprecated, reason = "rules of this form are still in use")]
    fn a_rule_of_the_older_form_touches_its_prefix_alone() {
        let of = |status| LifecycleRule::builder().status(status).prefix("tmp/").expiration(after(3)).build().unwrap();
        assert_eq!(deletes(&of(ExpirationStatus::Enabled)), three_days("tmp/", true));
        assert_eq!(deletes(&of(ExpirationStatus::Disabled)), None);
    }
}
