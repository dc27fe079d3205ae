//! Questions about an account as a whole: one trail that records is enough.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{AuditSubject, Question};
use super::{Answer, LEAVES_OUT, fail, no_trail, not_read, pass};
use crate::estate::trail::EventSelector;
use crate::estate::{Address, Estate, Resource, Trail};
use crate::ids::Partition;
use crate::plan::delivery::why_nothing_arrives;

/// Answers for one subject.
pub(super) fn answer(question: Question, partition: Partition, estate: &Estate, subject: &AuditSubject) -> Answer {
    let does_for_all = |trail: &Trail| fits(question, partition, trail) && subject.is_recorded_by(trail);
    if let Some((address, _)) = subject.read(estate).find(|(_, trail)| does_for_all(trail)) {
        return pass(format!("{address} {}", does(question)));
    }
    let log_buckets = log_buckets(estate, subject);
    let but_logs = |trail: &Trail| {
        (trail.logging && trail.multi_region && subject.is_recorded_by(trail))
            .then(|| left_out(question, partition, trail))?
            .filter(|left| left.iter().all(|bucket| log_buckets.contains(bucket)))
    };
    if let Some((address, left)) = subject.read(estate).find_map(|(address, trail)| Some((address, but_logs(trail)?))) {
        let left: Vec<&str> = left.iter().map(String::as_str).collect();
        return pass(format!(
            "{address} {} but {}, where logs are delivered: with it the trail would record its own files, again and again",
            does(question),
            left.join(", ")
        ));
    }
    if let Some(address) = subject.unread(estate).next() {
        return not_read(estate, address);
    }
    let lacks = |(address, trail): (&Address, &Trail)| match fits(question, partition, trail) {
        true => format!("{address} {}, but only of its own account", does(question)),
        false => lacks(question, partition, address, trail),
    };
    let trails: Vec<String> = subject.read(estate).map(lacks).collect();
    if trails.is_empty() { no_trail(subject) } else { fail(trails.join("; ")) }
}

/// Returns the buckets in which every delivery of the subject's trails makes an object: theirs, and those of the access
/// logs.
fn log_buckets(estate: &Estate, subject: &AuditSubject) -> BTreeSet<String> {
    let own: BTreeSet<String> = subject.read(estate).map(|(_, trail)| trail.bucket.clone()).collect();
    let targets = estate.resources().filter_map(|(address, resource)| match resource {
        Resource::Bucket(bucket) if own.contains(&address.name) => Some(bucket.access_logs.as_ref()?.bucket.clone()),
        _ => None,
    });
    let targets: Vec<String> = targets.collect();
    own.into_iter().chain(targets).collect()
}

/// Returns the buckets that a trail leaves out of an otherwise whole recording of objects; none where it is not whole
/// otherwise. A beginning that several buckets may have ends with `*`.
fn left_out(question: Question, partition: Partition, trail: &Trail) -> Option<BTreeSet<String>> {
    let read_only = match question {
        Question::ObjectWrites => "false",
        Question::ObjectReads => "true",
        _ => return None,
    };
    let mut all: Option<BTreeSet<String>> = None;
    for selector in &trail.selectors {
        let arns = selector.0.get("resources.ARN");
        let only_leaves_out = arns.is_some_and(|by| by.keys().all(|operator| operator == "not_starts_with"));
        let mut whole = selector.clone();
        whole.0.remove("resources.ARN");
        if !only_leaves_out || !chooses_objects(&whole, partition, read_only) {
            continue;
        }
        let stem = format!("arn:{partition}:s3:::");
        let left = selector.values("resources.ARN", "not_starts_with").map(|arn| {
            let rest = arn.strip_prefix(&stem).unwrap_or("*");
            rest.split_once('/')
                .map_or_else(|| format!("{}*", rest.trim_end_matches('*')), |(bucket, _)| bucket.to_owned())
        });
        let left: BTreeSet<String> = left.collect();
        // What one selector leaves out another may choose: the fewest that are left out count.
        all = Some(match all {
            Some(fewer) if fewer.len() <= left.len() => fewer,
            _ => left,
        });
    }
    all
}

fn fits(question: Question, partition: Partition, trail: &Trail) -> bool {
    trail.logging
        && match question {
            // What does not arrive is not recorded.
            Question::Recording => nothing_arrives(trail).is_none(),
            Question::EveryRegion => trail.multi_region,
            Question::BedrockEvents => records_bedrock(trail),
            Question::ManagementEvents => trail.multi_region && reads_and_writes(trail, false),
            Question::AllManagementEvents => trail.multi_region && reads_and_writes(trail, true),
            Question::ObjectWrites => trail.multi_region && records_objects(trail, partition, "false"),
            Question::ObjectReads => trail.multi_region && records_objects(trail, partition, "true"),
            _ => false,
        }
}

/// Says why nothing of a trail arrives, as far as CloudTrail told.
fn nothing_arrives(trail: &Trail) -> Option<String> {
    trail.delivery.as_ref().and_then(why_nothing_arrives)
}

/// Tells whether management events that read and that write are recorded, by one selector or by several.
fn reads_and_writes(trail: &Trail, of_every_source: bool) -> bool {
    let records = |read_only: &str| {
        trail.selectors.iter().any(|selector| {
            // Sources are only ever left out: the other conditions of management events choose single events.
            records_kind(selector, read_only, |source| {
                !of_every_source && source.keys().all(|operator| operator == "not_equals")
            })
        })
    };
    records("true") && records("false")
}

type ByOperator = BTreeMap<String, BTreeSet<String>>;

/// Tells whether a selector records the management events that read or that write, from the sources that will do.
fn records_kind(selector: &EventSelector, read_only: &str, sources_do: impl Fn(&ByOperator) -> bool) -> bool {
    selector.is_management()
        && selector.0.iter().all(|(field, by_operator)| match field.as_str() {
            "eventCategory" => true,
            "readOnly" => selector.values("readOnly", "equals").any(|value| value == read_only),
            "eventSource" => sources_do(by_operator),
            _ => false,
        })
}

/// Says why the events of a control may not reach the log group of a trail: the benchmark wants one that records every
/// region and all management events (CIS 4.1 to 4.15, "Audit").
pub(super) fn withholds(
    partition: Partition,
    address: &Address,
    trail: &Trail,
    source: Option<&str>,
) -> Option<String> {
    let question = Question::ManagementEvents;
    if !fits(question, partition, trail) {
        return Some(lacks(question, partition, address, trail));
    }
    let source = source?;
    let leaves_out = |selector: &EventSelector| selector.values("eventSource", "not_equals").any(|left| left == source);
    let all_do = trail.selectors.iter().filter(|selector| selector.is_management()).all(leaves_out);
    all_do.then(|| format!("{address} leaves the events of {source} out"))
}

/// Data events of Amazon Bedrock (Prowler, `cloudtrail_bedrock_logging_enabled`).
const BEDROCK: [&str; 7] = [
    "AWS::Bedrock::AgentAlias",
    "AWS::Bedrock::FlowAlias",
    "AWS::Bedrock::Guardrail",
    "AWS::Bedrock::InlineAgent",
    "AWS::Bedrock::KnowledgeBase",
    "AWS::Bedrock::Model",
    "AWS::Bedrock::Prompt",
];

/// Tells whether the management events that write, or any data events of Amazon Bedrock, are recorded.
fn records_bedrock(trail: &Trail) -> bool {
    trail.selectors.iter().any(|selector| {
        // Sources that are left out are those of KMS and of the RDS Data API; nothing else can be (CloudTrail API,
        // `AdvancedFieldSelector`).
        let writes = records_kind(selector, "false", |source| source.keys().all(|operator| operator == "not_equals"));
        writes || selector.values("resources.type", "equals").any(|kind| BEDROCK.contains(&kind))
    })
}

/// Tells whether a selector records the objects of every bucket.
fn records_objects(trail: &Trail, partition: Partition, read_only: &str) -> bool {
    trail.selectors.iter().any(|selector| chooses_objects(selector, partition, read_only))
}

fn chooses_objects(selector: &EventSelector, partition: Partition, read_only: &str) -> bool {
    let every_bucket = [format!("arn:{partition}:s3"), format!("arn:{partition}:s3:::")];
    selector.values("eventCategory", "equals").any(|category| category == "Data")
        && selector.values("resources.type", "equals").any(|kind| kind == "AWS::S3::Object")
        && selector.0.iter().all(|(field, by_operator)| match field.as_str() {
            "eventCategory" | "resources.type" => true,
            "readOnly" => selector.values("readOnly", "equals").any(|value| value == read_only),
            // Beside a beginning that fits every bucket, another operator would leave some out.
            "resources.ARN" => {
                let every = |arn: &str| every_bucket.iter().any(|all| all == arn);
                by_operator.len() == 1 && selector.values("resources.ARN", "starts_with").any(every)
            }
            _ => false,
        })
}

fn does(question: Question) -> &'static str {
    match question {
        Question::EveryRegion => "records every region",
        Question::ManagementEvents => "records management events of every region, reads and writes",
        Question::AllManagementEvents => "records management events of every region and source, reads and writes",
        Question::BedrockEvents => "records the calls of Amazon Bedrock",
        Question::ObjectWrites => "records writes to the objects of every bucket",
        Question::ObjectReads => "records reads of the objects of every bucket",
        _ => "is recording",
    }
}

/// Says the first thing that a trail lacks.
fn lacks(question: Question, partition: Partition, address: &Address, trail: &Trail) -> String {
    if let (Question::Recording, true, Some(why)) = (question, trail.logging, nothing_arrives(trail)) {
        return format!("{address} {why}");
    }
    let why = if !trail.logging {
        "is not recording"
    } else if !trail.multi_region && !matches!(question, Question::Recording | Question::BedrockEvents) {
        "records one region only"
    } else {
        match question {
            Question::ObjectWrites | Question::ObjectReads => {
                let some = ["true", "false"].iter().any(|read_only| records_objects(trail, partition, read_only));
                if let Some(left) = left_out(question, partition, trail) {
                    let left: Vec<String> = left.into_iter().collect();
                    return format!("{address} {LEAVES_OUT} {}", left.join(", "));
                }
                if some { "records the other kind of object events only" } else { "does not record all objects" }
            }
            _ if !trail.records_management_events() => "records no management events",
            Question::BedrockEvents => "does not record management events that write",
            Question::AllManagementEvents if reads_and_writes(trail, false) => {
                "leaves management events of a source out"
            }
            _ => "records a part of the management events only",
        }
    };
    format!("{address} {why}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estate::trail::ReadWrite;

    fn trail(selectors: impl IntoIterator<Item = EventSelector>) -> Trail {
        Trail { selectors: selectors.into_iter().collect(), ..Trail::sample() }
    }

    fn management(which: ReadWrite, exclude: &[&str]) -> EventSelector {
        EventSelector::management(which, &exclude.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    fn objects() -> EventSelector {
        EventSelector(BTreeMap::new()).with("eventCategory", "equals", ["Data"]).with(
            "resources.type",
            "equals",
            ["AWS::S3::Object"],
        )
    }

    #[track_caller]
    fn check(question: Question, selectors: impl IntoIterator<Item = EventSelector>, expected: bool) {
        let trail = trail(selectors);
        assert_eq!(fits(question, Partition::Aws, &trail), expected, "{question:?} {:?}", trail.selectors);
    }

    #[test]
    fn reads_and_writes_may_be_recorded_by_two_selectors() {
        check(Question::ManagementEvents, [management(ReadWrite::All, &[])], true);
        check(Question::ManagementEvents, [management(ReadWrite::WriteOnly, &[])], false);
        let both = [management(ReadWrite::WriteOnly, &[]), management(ReadWrite::ReadOnly, &[])];
        check(Question::ManagementEvents, both.clone(), true);
        check(Question::AllManagementEvents, both, true);
        check(Question::ManagementEvents, [objects()], false);
    }

    #[test]
    fn a_source_that_is_left_out_fails_only_where_all_are_asked_for() {
        let without_kms = management(ReadWrite::All, &["kms.amazonaws.com"]);
        check(Question::ManagementEvents, [without_kms.clone()], true);
        check(Question::AllManagementEvents, [without_kms], false);
        let one_event = management(ReadWrite::All, &[]).with("eventName", "equals", ["CreateUser"]);
        check(Question::ManagementEvents, [one_event], false);
    }

    #[test]
    fn objects_of_every_bucket_are_not_those_of_some() {
        check(Question::ObjectWrites, [objects()], true);
        check(Question::ObjectReads, [objects().with("readOnly", "equals", ["false"])], false);
        check(Question::ObjectWrites, [objects().with("readOnly", "equals", ["false"])], true);
        check(Question::ObjectWrites, [objects().with("resources.ARN", "starts_with", ["arn:aws:s3:::acme/"])], false);
        check(Question::ObjectWrites, [objects().with("resources.ARN", "starts_with", ["arn:aws:s3:::"])], true);
        check(Question::ObjectWrites, [objects().with("userIdentity.arn", "equals", ["arn:aws:iam::1:root"])], false);
    }

    #[test]
    fn leaving_out_the_log_bucket_is_no_gap_and_leaving_out_another_is_named() {
        let at = Address::of_trail("arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme").unwrap();
        let answer_of = |values: &[&str]| {
            let selector = objects().with("resources.ARN", "not_starts_with", values.iter().copied());
            let mut estate = Estate::default();
            estate.sightings.insert(at.clone(), crate::estate::Sighting::present(trail([selector])));
            let subject = AuditSubject {
                account: at.account.clone(),
                trails: BTreeSet::from([at.clone()]),
                looked_at: true,
                members: BTreeSet::new(),
            };
            answer(Question::ObjectWrites, Partition::Aws, &estate, &subject)
        };
        let (verdict, fact) = answer_of(&["arn:aws:s3:::logs/"]);
        assert_eq!(verdict, crate::audit::CheckVerdict::Pass);
        assert!(fact.contains("but logs, where logs are delivered"), "{fact}");
        for values in [&["arn:aws:s3:::logs/", "arn:aws:s3:::shop/"][..], &["arn:aws:s3:::logs"], &["arn:aws:s3:::"]] {
            let (verdict, fact) = answer_of(values);
            assert_eq!(verdict, crate::audit::CheckVerdict::Fail, "{values:?}");
            assert!(fact.contains("leaves out the objects of"), "{fact}");
        }
    }

    #[test]
    fn calls_of_bedrock_are_management_events_that_write_or_its_data_events() {
        check(Question::BedrockEvents, [management(ReadWrite::WriteOnly, &["kms.amazonaws.com"])], true);
        check(Question::BedrockEvents, [management(ReadWrite::ReadOnly, &[])], false);
        let one_event = management(ReadWrite::All, &[]).with("eventName", "equals", ["CreateUser"]);
        check(Question::BedrockEvents, [one_event, objects()], false);
        let models = EventSelector(BTreeMap::new()).with("eventCategory", "equals", ["Data"]);
        check(Question::BedrockEvents, [models.with("resources.type", "equals", ["AWS::Bedrock::Model"])], true);
    }

    #[test]
    fn a_log_group_gets_the_events_of_a_control_only_from_a_trail_that_records_them() {
        let address = Address::of_trail("arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme").unwrap();
        let why = |trail: &Trail, source| withholds(Partition::Aws, &address, trail, source);
        let without_kms = trail([management(ReadWrite::All, &["kms.amazonaws.com"])]);
        assert_eq!(why(&without_kms, None), None);
        assert_eq!(why(&without_kms, Some("ec2.amazonaws.com")), None);
        let left_out = why(&without_kms, Some("kms.amazonaws.com")).unwrap();
        assert!(left_out.ends_with("leaves the events of kms.amazonaws.com out"), "{left_out}");
        let both = trail([management(ReadWrite::All, &["kms.amazonaws.com"]), management(ReadWrite::All, &[])]);
        assert_eq!(why(&both, Some("kms.amazonaws.com")), None);
        let part = why(&trail([management(ReadWrite::WriteOnly, &[])]), None).unwrap();
        assert!(part.ends_with("records a part of the management events only"), "{part}");
        let mut single = trail([management(ReadWrite::All, &[])]);
        single.multi_region = false;
        assert!(why(&single, None).unwrap().ends_with("records one region only"));
    }

    #[test]
    fn a_trail_of_which_nothing_arrives_does_not_record() {
        let error =
            crate::estate::trail::DeliveryStatus { latest_error: Some("AccessDenied".into()), ..Default::default() };
        let failing = Trail { delivery: Some(error), ..trail([management(ReadWrite::All, &[])]) };
        assert!(!fits(Question::Recording, Partition::Aws, &failing));
        let address = Address::of_trail("arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme").unwrap();
        let why = lacks(Question::Recording, Partition::Aws, &address, &failing);
        assert!(why.ends_with("is logging, but nothing arrives: AccessDenied"), "{why}");
        assert!(fits(Question::Recording, Partition::Aws, &trail([management(ReadWrite::All, &[])])));
    }

    #[test]
    fn a_trail_that_is_stopped_or_of_one_region_records_too_little() {
        let mut stopped = trail([management(ReadWrite::All, &[])]);
        stopped.logging = false;
        assert!(!fits(Question::Recording, Partition::Aws, &stopped));
        let mut single = trail([management(ReadWrite::All, &[])]);
        single.multi_region = false;
        assert!(fits(Question::BedrockEvents, Partition::Aws, &single));
        assert!(!fits(Question::ManagementEvents, Partition::Aws, &single));
    }
}
