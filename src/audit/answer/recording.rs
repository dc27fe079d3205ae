//! Questions about an account as a whole: one trail that records is enough.

use super::super::{Question, Subject};
use super::{Answer, fail, no_trail, not_read, pass};
use crate::estate::{Address, Estate, Trail};
use crate::ids::Partition;

/// Answers for one subject.
pub(super) fn answer(question: Question, partition: Partition, estate: &Estate, subject: &Subject) -> Answer {
    if let Some((address, _)) = subject.read(estate).find(|(_, trail)| fits(question, partition, trail)) {
        return pass(format!("{address} {}", does(question)));
    }
    if let Some(address) = subject.unread(estate).next() {
        return not_read(estate, address);
    }
    let trails: Vec<String> =
        subject.read(estate).map(|(address, trail)| lacks(question, partition, address, trail)).collect();
    if trails.is_empty() { no_trail(subject) } else { fail(trails.join("; ")) }
}

fn fits(question: Question, partition: Partition, trail: &Trail) -> bool {
    trail.logging
        && match question {
            Question::Recording => true,
            Question::EveryRegion => trail.multi_region,
            Question::AnyManagementEvents => trail.records_management_events(),
            Question::ManagementEvents => trail.multi_region && reads_and_writes(trail, false),
            Question::AllManagementEvents => trail.multi_region && reads_and_writes(trail, true),
            Question::ObjectWrites => trail.multi_region && records_objects(trail, partition, "false"),
            Question::ObjectReads => trail.multi_region && records_objects(trail, partition, "true"),
            _ => false,
        }
}

/// Tells whether management events that read and that write are recorded, by one selector or by several.
fn reads_and_writes(trail: &Trail, of_every_source: bool) -> bool {
    let records = |read_only: &str| {
        trail.selectors.iter().filter(|selector| selector.is_management()).any(|selector| {
            selector.0.iter().all(|(field, by_operator)| match field.as_str() {
                "eventCategory" => true,
                "readOnly" => selector.values("readOnly", "equals").any(|value| value == read_only),
                // Sources are only ever left out: the other conditions of management events choose single events.
                "eventSource" => !of_every_source && by_operator.keys().all(|operator| operator == "not_equals"),
                _ => false,
            })
        })
    };
    records("true") && records("false")
}

/// Tells whether a selector records the objects of every bucket.
fn records_objects(trail: &Trail, partition: Partition, read_only: &str) -> bool {
    let every_bucket = [format!("arn:{partition}:s3"), format!("arn:{partition}:s3:::")];
    trail.selectors.iter().any(|selector| {
        selector.values("eventCategory", "equals").any(|category| category == "Data")
            && selector.values("resources.type", "equals").any(|kind| kind == "AWS::S3::Object")
            && selector.0.keys().all(|field| match field.as_str() {
                "eventCategory" | "resources.type" => true,
                "readOnly" => selector.values("readOnly", "equals").any(|value| value == read_only),
                "resources.ARN" => {
                    selector.values("resources.ARN", "starts_with").any(|arn| every_bucket.iter().any(|all| all == arn))
                }
                _ => false,
            })
    })
}

fn does(question: Question) -> &'static str {
    match question {
        Question::EveryRegion => "records every region",
        Question::ManagementEvents => "records management events of every region, reads and writes",
        Question::AllManagementEvents => "records management events of every region and source, reads and writes",
        Question::AnyManagementEvents => "records management events",
        Question::ObjectWrites => "records writes to the objects of every bucket",
        Question::ObjectReads => "records reads of the objects of every bucket",
        _ => "is recording",
    }
}

/// Says the first thing that a trail lacks.
fn lacks(question: Question, partition: Partition, address: &Address, trail: &Trail) -> String {
    let why = if !trail.logging {
        "is not recording"
    } else if !trail.multi_region && !matches!(question, Question::Recording | Question::AnyManagementEvents) {
        "records one region only"
    } else {
        match question {
            Question::ObjectWrites | Question::ObjectReads => {
                let some = ["true", "false"].iter().any(|read_only| records_objects(trail, partition, read_only));
                if some { "records the other kind of object events only" } else { "does not record all objects" }
            }
            _ if !trail.records_management_events() => "records no management events",
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
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::estate::trail::{EventSelector, ReadWrite};

    fn trail(selectors: impl IntoIterator<Item = EventSelector>) -> Trail {
        Trail {
            bucket: "logs".into(),
            prefix: String::new(),
            topic: None,
            global_events: true,
            multi_region: true,
            organization: true,
            validation: true,
            key: None,
            log_group: None,
            log_role: None,
            logging: true,
            selectors: selectors.into_iter().collect(),
            insights: BTreeSet::new(),
            tags: None,
            delivery: None,
        }
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
    fn a_trail_that_is_stopped_or_of_one_region_records_too_little() {
        let mut stopped = trail([management(ReadWrite::All, &[])]);
        stopped.logging = false;
        assert!(!fits(Question::Recording, Partition::Aws, &stopped));
        let mut single = trail([management(ReadWrite::All, &[])]);
        single.multi_region = false;
        assert!(fits(Question::AnyManagementEvents, Partition::Aws, &single));
        assert!(!fits(Question::ManagementEvents, Partition::Aws, &single));
    }
}
