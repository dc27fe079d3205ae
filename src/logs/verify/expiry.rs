//! What lifecycle rules have deleted of one place: hours that they explain are no alarm. Only what the configuration
//! wants deleted is as it should be: whoever may write a rule may have it delete what he did.

use jiff::{SignedDuration, Timestamp, Unit};

use crate::archive::{Deletes, Store, When};
use crate::log_path::{ChainScope, LogKind};
use crate::logs::finding::HOUR;

/// What lifecycle rules have deleted of an account and region in one place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Expiry {
    /// The time before which a rule has deleted logs or digests.
    pub(super) until: Option<Timestamp>,
    /// Whether the configuration says so, and not only the bucket.
    pub(super) is_wanted: bool,
    /// The rule, as a sentence.
    pub(super) rule: String,
    doubt: Option<Doubt>,
}

/// What a rule may have deleted, where that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Doubt {
    /// Why it is not known, for a person.
    why: String,
    /// The time after which it has deleted nothing; not set when the rule itself is not known.
    until: Option<Timestamp>,
}

impl Expiry {
    /// Asks a place for its rules; `days` is what the configuration says of it.
    pub(super) async fn of(store: &dyn Store, scope: &ChainScope, days: Option<u32>, now: Timestamp) -> Self {
        if let Some(days) = days {
            let rule = format!("the configuration has what is older than {} deleted", in_days(days));
            return Self { until: cut(When::AfterDays(days), now), is_wanted: true, rule, doubt: None };
        }
        match store.deletes().await {
            Ok(rules) => Self::by(&rules, scope, now),
            Err(fault) => {
                let why = format!("the lifecycle rules of {} could not be read: {fault}", store.name());
                Self { doubt: Some(Doubt { why, until: None }), ..Self::default() }
            }
        }
    }

    fn by(rules: &[Deletes], scope: &ChainScope, now: Timestamp) -> Self {
        let folders = [scope.digest_prefix(), scope.log_prefix(LogKind::CloudTrail)];
        let account = scope.account_prefix();
        let mut expiry = Self::default();
        for rule in rules {
            let Some(until) = cut(rule.when, now) else { continue };
            let takes = |folder: &String| rule.is_whole && folder.starts_with(&rule.prefix);
            if folders.iter().any(takes) {
                if expiry.until < Some(until) {
                    (expiry.until, expiry.rule) = (Some(until), told(rule));
                }
            } else if rule.prefix.starts_with(&account) || account.starts_with(&rule.prefix) {
                let until = expiry.doubt.and_then(|doubt| doubt.until).max(Some(until));
                let why = format!("{}, but only a part of what lies here", told(rule));
                expiry.doubt = Some(Doubt { why, until });
            }
        }
        expiry
    }

    /// Tells why it is not known whether a rule has deleted something of a time; nothing when none has.
    pub(super) fn doubt_of(&self, time: Timestamp) -> Option<&str> {
        let doubt = self.doubt.as_ref()?;
        doubt.until.is_none_or(|until| time <= until).then_some(doubt.why.as_str())
    }

    /// Tells whether a rule is known that deletes by age, so that it deletes what is older first.
    pub(super) fn is_by_parts(&self) -> bool {
        self.doubt.as_ref().is_some_and(|doubt| doubt.until.is_some())
    }
}

/// What to do where rules may have deleted something and could not be read.
pub(super) const READ_RULES: &str =
    "allow s3:GetLifecycleConfiguration to the reader and run again, or ask with --from for what is surely kept";

fn told(rule: &Deletes) -> String {
    match rule.when {
        When::AfterDays(days) => {
            format!("a lifecycle rule of the bucket deletes what is older than {}", in_days(days))
        }
        When::On(day) => format!("a lifecycle rule of the bucket has deleted what was written before {day}"),
    }
}

fn in_days(days: u32) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}

/// Returns the time before which a rule has deleted. S3 deletes an object at the first midnight, UTC, after its days
/// are over (Amazon S3 user guide, "Lifecycle and object expiration"); of an hour at that edge a part may be gone.
fn cut(when: When, now: Timestamp) -> Option<Timestamp> {
    match when {
        When::AfterDays(days) => {
            let down = jiff::TimestampRound::new().smallest(Unit::Hour).increment(24).mode(jiff::RoundMode::Trunc);
            let midnight = now.round(down).ok()?;
            midnight.checked_sub(SignedDuration::from_hours(24 * i64::from(days)).checked_sub(HOUR)?).ok()
        }
        When::On(day) if day <= now => day.checked_add(HOUR).ok(),
        When::On(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn by(rules: &[(&str, When, bool)]) -> Expiry {
        let key = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/20/\
                   111122223333_CloudTrail-Digest_us-east-1_org-trail_us-east-1_20261120T100000Z.json.gz";
        let scope = crate::log_path::DigestKey::parse(key).unwrap().scope;
        let rule = |&(prefix, when, is_whole): &(&str, When, bool)| Deletes { prefix: prefix.into(), when, is_whole };
        Expiry::by(&rules.iter().map(rule).collect::<Vec<_>>(), &scope, at("2026-11-28T12:00:00Z"))
    }

    #[test]
    fn a_rule_that_takes_all_tells_until_when() {
        let cut = Some(at("2026-11-25T01:00:00Z"));
        for prefix in ["", "AWSLogs/", "AWSLogs/111122223333/CloudTrail", "AWSLogs/111122223333/CloudTrail/"] {
            let expiry = by(&[(prefix, When::AfterDays(3), true)]);
            assert_eq!((expiry.until, expiry.doubt_of(at("2026-11-01T00:00:00Z"))), (cut, None), "{prefix}");
            assert_eq!(expiry.rule, "a lifecycle rule of the bucket deletes what is older than 3 days");
        }
        let on = by(&[("", When::On(at("2026-11-25T00:00:00Z")), true)]);
        assert_eq!(on.until, cut);
        assert_eq!(by(&[("", When::On(at("2026-12-25T00:00:00Z")), true)]), Expiry::default());
        assert_eq!(by(&[("tmp/", When::AfterDays(1), true)]), Expiry::default());
        assert_eq!(by(&[("", When::AfterDays(9), true), ("", When::AfterDays(3), true)]).until, cut);
    }

    #[test]
    fn a_rule_that_takes_a_part_leaves_a_doubt() {
        for (prefix, is_whole) in [("", false), ("AWSLogs/111122223333/CloudTrail/us-east-1/2026/", true)] {
            let expiry = by(&[(prefix, When::AfterDays(3), is_whole)]);
            assert_eq!(expiry.until, None);
            let why =
                "a lifecycle rule of the bucket deletes what is older than 3 days, but only a part of what lies here";
            assert_eq!(expiry.doubt_of(at("2026-11-24T00:00:00Z")), Some(why));
            assert_eq!(expiry.doubt_of(at("2026-11-26T00:00:00Z")), None, "a younger one was not deleted by it");
        }
    }
}
