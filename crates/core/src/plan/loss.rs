//! What has to be known beside a change whose drift loses logs: since when, and until when they can be saved.

use jiff::Timestamp;

use super::change::Change;
use super::delivery::TRIES_AGAIN_FOR;
use super::finding::{Finding, Harm};
use super::harm::{Deleted, Sooner, deletes_sooner};
use crate::estate::{Address, Desired, Estate, Key, Kind, Resource, Trail};

/// The codes of these findings. Whoever has made the change at the address of one has ended it.
pub const CODES: [&str; 5] =
    ["bucket-gone", "bucket-policy-gone", "logs-deleted-too-soon", "key-pending-deletion", "key-disabled"];

/// Returns the findings of the changes that repair a loss.
pub(super) fn findings(changes: &[Change], desired: &Desired, observed: &Estate) -> Vec<Finding> {
    let losing = changes.iter().filter(|change| change.harm == Harm::LogsLost);
    losing.filter_map(|change| finding(change, desired, observed)).collect()
}

fn finding(change: &Change, desired: &Desired, observed: &Estate) -> Option<Finding> {
    let address = &change.address;
    match (address.kind, change.desired(), change.observed()) {
        (Kind::Bucket | Kind::BucketPolicy, _, None) => Some(gone(address, &delivering(desired, observed, address))),
        (Kind::Bucket, Some(Resource::Bucket(wish)), Some(Resource::Bucket(seen))) => {
            deletes_sooner(wish, seen).map(|sooner| deletes(address, &sooner))
        }
        (Kind::Key, _, Some(Resource::Key(seen))) => Some(unusable(address, seen)),
        _ => None,
    }
}

/// Returns the wanted trails that deliver to a bucket now.
fn delivering<'a>(desired: &Desired, observed: &'a Estate, bucket: &Address) -> Vec<&'a Trail> {
    let trails = desired.wanted.keys().filter_map(|address| match observed.resource(address) {
        Some(Resource::Trail(trail)) if trail.bucket == bucket.name => Some(trail),
        _ => None,
    });
    trails.collect()
}

/// Without the bucket, or without the policy that lets CloudTrail in, nothing arrives.
fn gone(address: &Address, trails: &[&Trail]) -> Finding {
    let latest = |trail: &&Trail| trail.delivery.as_ref()?.latest_time.as_deref()?.parse::<Timestamp>().ok();
    let last = trails.iter().filter_map(latest).max();
    let what = address.kind.words();
    let since = match last {
        Some(last) => format!("the last log file arrived at {last}"),
        None => "when the last log file arrived is not known".to_owned(),
    };
    let lost = if address.kind == Kind::Bucket { ", and what it held is gone with it" } else { "" };
    Finding {
        harm: Harm::LogsLost,
        address: address.clone(),
        code: format!("{}-gone", address.kind.as_str().replace('_', "-")),
        message: format!(
            "the {what} is gone{lost}; without it CloudTrail is refused, and nothing has arrived since: {since}. CloudTrail \
             tries each event again for 30 days, after which it is lost"
        ),
        since: last.map(|last| last.to_string()),
        until: last.and_then(|last| last.checked_add(TRIES_AGAIN_FOR).ok()).map(|until| until.to_string()),
        help: "`orgtrail apply` puts it back; what waits arrives by itself then".into(),
        statement: None,
    }
}

fn deletes(address: &Address, sooner: &Sooner<'_>) -> Finding {
    let Sooner { what, rule, days } = sooner;
    let (when, within) = match days {
        Some(1) => ("a day after".to_owned(), "within a day of".to_owned()),
        Some(days) => (format!("{days} days after"), format!("within {days} days of")),
        None => ("at a time of its own after".to_owned(), "before that, after".to_owned()),
    };
    let said = match what {
        Deleted::LogFiles => format!(
            "log files {when} they were written, sooner than the configuration says: what is older is being deleted, and each \
             younger log file can be saved only {within} its delivery"
        ),
        Deleted::OldVersions => format!(
            "old versions of log files {when} they were replaced or deleted, sooner than the configuration says: a \
             log file that is overwritten or deleted can be restored only {within} that"
        ),
    };
    Finding::new(
        Harm::LogsLost,
        address,
        "logs-deleted-too-soon",
        format!("the lifecycle rule {:?} deletes {said}", rule.id),
        "`orgtrail apply` puts the rules back; `orgtrail drift --who` shows who made this one",
    )
}

fn unusable(address: &Address, seen: &Key) -> Finding {
    let (code, state, end) = match (seen.pending_deletion, &seen.deletion_date) {
        (true, Some(date)) => (
            "key-pending-deletion",
            "is scheduled for deletion",
            format!("; once it is deleted, at {date}, the logs that it encrypted can never be read again"),
        ),
        (true, None) => (
            "key-pending-deletion",
            "is scheduled for deletion",
            "; once it is deleted, 7 to 30 days after it was scheduled, the logs that it encrypted can never be read \
             again"
                .to_owned(),
        ),
        (false, _) => ("key-disabled", "is disabled", String::new()),
    };
    let message =
        format!("the key {state}: nothing new can be delivered with it, and what it encrypted cannot be read{end}");
    let help = "`orgtrail apply` makes it usable again; see who did this with `orgtrail drift --who`";
    Finding { until: seen.deletion_date.clone(), ..Finding::new(Harm::LogsLost, address, code, message, help) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estate::trail::DeliveryStatus;

    #[test]
    fn a_bucket_policy_that_is_gone_says_since_when_nothing_arrives_and_until_when_it_can_be_saved() {
        let address: Address = "222222222222/eu-central-1/bucket_policy/logs".parse().unwrap();
        let delivery = DeliveryStatus { latest_time: Some("2026-11-20T10:02:11Z".into()), ..DeliveryStatus::default() };
        let trail = Trail { delivery: Some(delivery), ..Trail::sample() };
        let found = gone(&address, &[&trail]);
        assert_eq!(found.code, "bucket-policy-gone");
        assert!(found.message.contains("nothing has arrived since: the last log file arrived at 2026-11-20T10:02:11Z"));
        assert_eq!(
            (found.since.as_deref(), found.until.as_deref()),
            (Some("2026-11-20T10:02:11Z"), Some("2026-12-20T10:02:11Z"))
        );
        let unknown = gone(&address, &[]);
        assert_eq!((unknown.since, unknown.until), (None, None));
    }

    #[test]
    fn a_key_that_waits_for_its_deletion_says_the_day_where_kms_told_it() {
        let address: Address = "222222222222/eu-central-1/key/alias/orgtrail-acme".parse().unwrap();
        let key = |date: Option<&str>| Key {
            arn: None,
            has_alias: true,
            enabled: false,
            pending_deletion: true,
            deletion_date: date.map(str::to_owned),
            rotation: true,
            tags: Default::default(),
        };
        let found = unusable(&address, &key(Some("2026-12-20T10:02:11Z")));
        assert_eq!(
            (found.code.as_str(), found.until.as_deref()),
            ("key-pending-deletion", Some("2026-12-20T10:02:11Z"))
        );
        assert!(found.message.contains("deleted, at 2026-12-20T10:02:11Z"), "{}", found.message);
        let unknown = unusable(&address, &key(None));
        assert!(unknown.message.contains("7 to 30 days") && unknown.until.is_none(), "{}", unknown.message);
    }
}
