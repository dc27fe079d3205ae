//! What is configured, or was found, and does not do what people take it for: selectors with wildcards, a trail that
//! records itself, access logs that never arrive.

use std::collections::BTreeSet;

use super::finding::{Finding, Harm};
use crate::estate::access_logs::{Arrival, arrival};
use crate::estate::selection::Event;
use crate::estate::trail::EventSelector;
use crate::estate::{Address, Desired, Estate, OWNER_TAG, Resource, Stage, Trail};
use crate::estate::{Bucket, Problem};
use crate::log_path::{Folder, LogKind, LogRoot, Sample};

/// Returns what is to be known, the worst first.
pub(super) fn findings(desired: &Desired, observed: &Estate) -> Vec<Finding> {
    let mut found: Vec<Finding> = wildcards(desired, observed);
    found.extend(loops(desired));
    found.extend(
        buckets(desired).filter_map(|(address, bucket)| stopped_access_logs(desired, observed, address, bucket)),
    );
    found.sort();
    found
}

/// Returns what could not be looked at.
pub(super) fn problems(desired: &Desired, observed: &Estate) -> Vec<Problem> {
    let doubtful = buckets(desired).filter_map(|(address, bucket)| {
        let target = bucket.access_logs.as_ref()?;
        let Arrival::Unknown(why) = arrival(desired.partition, observed, address, target) else {
            return None;
        };
        Some(Problem {
            account: address.account.clone(),
            address: Some(address.clone()),
            stage: Stage::Observe,
            code: "AccessLogsUnknown".into(),
            message: format!("it is unknown whether access logs arrive: {why}"),
            help: "let the role read the settings and the policy of that bucket, as `orgtrail permissions` prints it"
                .into(),
        })
    });
    doubtful.collect()
}

fn buckets(desired: &Desired) -> impl Iterator<Item = (&Address, &Bucket)> {
    desired.wanted.iter().filter_map(|(address, wanted)| match &wanted.resource {
        Resource::Bucket(bucket) => Some((address, bucket)),
        _ => None,
    })
}

fn wanted_trails(desired: &Desired) -> impl Iterator<Item = (&Address, &Trail)> {
    desired.wanted.iter().filter_map(|(address, wanted)| match &wanted.resource {
        Resource::Trail(trail) => Some((address, trail)),
        _ => None,
    })
}

/// Selectors of trails that are ours or are to be ours. Those of the configuration are held to it where it is read.
fn wildcards(desired: &Desired, observed: &Estate) -> Vec<Finding> {
    let ours = |address: &Address, trail: &Trail| {
        let tag = trail.tags.as_ref().and_then(|tags| tags.get(OWNER_TAG));
        desired.wanted.contains_key(address) || tag == Some(&desired.deployment)
    };
    let trails = observed.resources().filter_map(|(address, resource)| match resource {
        Resource::Trail(trail) if ours(address, trail) => Some((address, trail)),
        _ => None,
    });
    let found = trails.flat_map(|(address, trail)| {
        let values = trail.selectors.iter().flat_map(EventSelector::wildcards);
        values.map(|(field, operator, value)| wildcard(address, field, operator, value))
    });
    found.collect()
}

fn wildcard(address: &Address, field: &str, operator: &str, value: &str) -> Finding {
    // What should leave out and leaves out nothing costs; what should choose and chooses nothing is not recorded.
    let (harm, does) = match operator.starts_with("not_") {
        true => (Harm::Harmless, "leaves out nothing"),
        false => (Harm::NothingRecorded, "chooses nothing"),
    };
    Finding::new(
        harm,
        address,
        "selector-wildcard",
        format!("the selector `{field} {operator} {value}` {does}: CloudTrail takes `*` and `?` literally"),
        "write what stands before the wildcard with starts_with or not_starts_with; `orgtrail apply` sets the \
               selectors of the configuration",
    )
}

/// A trail that records the delivery of its own log files records itself, again and again.
fn loops(desired: &Desired) -> Vec<Finding> {
    let mut found = Vec::new();
    for (address, trail) in wanted_trails(desired) {
        let records_log_account = trail.organization || address.account == desired.log_account;
        if !records_log_account {
            continue;
        }
        for (bucket, key) in delivered_to(desired, address, trail) {
            let own = trail.selectors.iter().find(|selector| chooses_deliveries(desired, selector, &bucket, &key));
            if let Some(selector) = own {
                found.push(records_itself(desired, address, selector, &bucket));
            }
        }
    }
    found
}

/// Returns the buckets in which each delivery of a trail makes an object, with the key of such an object: its own, and
/// that of the bucket's access logs.
fn delivered_to(desired: &Desired, address: &Address, trail: &Trail) -> BTreeSet<(String, String)> {
    let here = |at: &Address| trail.multi_region || at.region == address.region;
    let below = LogRoot::below(&trail.prefix);
    let root = if trail.organization { below.in_organization(desired.organization.as_str()) } else { below };
    let region = desired.log_bucket().and_then(|address| address.region.as_ref()).map_or("", |region| region.as_str());
    let account = if trail.organization { &desired.log_account } else { &address.account };
    let log_file = Sample::of(account.as_str(), region).key(&root, Folder::Logs(LogKind::CloudTrail));
    let own = buckets(desired).filter(|(at, _)| at.name == trail.bucket && here(at));
    own.flat_map(|(at, bucket)| {
        // An access log is named by its time behind the prefix (Amazon S3 user guide, "Log object key format").
        let access_log = |prefix: &str| format!("{prefix}2026-01-05-00-00-00-0000000000000000");
        let target = bucket.access_logs.as_ref().map(|target| (target.bucket.clone(), access_log(&target.prefix)));
        std::iter::once((at.name.clone(), log_file.clone())).chain(target)
    })
    .collect()
}

fn chooses_deliveries(desired: &Desired, selector: &EventSelector, bucket: &str, key: &str) -> bool {
    let arn = format!("arn:{}:s3:::{bucket}/{key}", desired.partition);
    let event = Event::from([
        ("eventCategory", "Data"),
        ("eventSource", "s3.amazonaws.com"),
        ("eventName", "PutObject"),
        ("readOnly", "false"),
        ("resources.type", "AWS::S3::Object"),
        ("resources.ARN", arn.as_str()),
    ]);
    selector.may_choose(&event)
}

fn records_itself(desired: &Desired, address: &Address, selector: &EventSelector, bucket: &str) -> Finding {
    let arn = format!("arn:{}:s3:::{bucket}/", desired.partition);
    let line = match selector.0.contains_key("resources.ARN") {
        true => format!("add `not_starts_with: [\"{arn}\"]` to the condition on resources.ARN"),
        false => format!("add `- {{field: resources.ARN, not_starts_with: [\"{arn}\"]}}` to the field_selectors"),
    };
    Finding::new(
        Harm::Harmless,
        address,
        "trail-records-itself",
        format!(
            "each file that is delivered into {bucket} is recorded as a data event, which makes the next file: the trail \
             records itself, and every event is billed"
        ),
        format!("{line} of the selector of {} in trails.data_events", selector.words()),
    )
}

fn stopped_access_logs(desired: &Desired, observed: &Estate, address: &Address, bucket: &Bucket) -> Option<Finding> {
    match arrival(desired.partition, observed, address, bucket.access_logs.as_ref()?) {
        Arrival::Stopped { why, help } => Some(Finding::new(
            Harm::LessProtected,
            address,
            "access-logs-stopped",
            format!("access logs of {} do not arrive: {why}", address.name),
            help,
        )),
        Arrival::Open | Arrival::Unknown(_) => None,
    }
}
