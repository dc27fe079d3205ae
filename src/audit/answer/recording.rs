//! Questions about an account as a whole: one trail that records is enough.

use super::super::{Filter, Question, Subject};
use super::{Answer, fail, no_trail, not_read, outside, pass};
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

/// A metric filter needs the events in a log group. Filters and alarms themselves are not read.
pub(super) fn filter(filter: Filter, estate: &Estate, subject: &Subject) -> Answer {
    let mut groups =
        subject.read(estate).filter(|(_, trail)| trail.logging).filter_map(|(_, t)| t.log_group.as_deref());
    match groups.next() {
        Some(group) => outside(format!(
            "the metric filters of {group} and their alarms are not read: look there for {}",
            filter.words()
        )),
        None => match subject.unread(estate).next() {
            Some(address) => not_read(estate, address),
            None if subject.trails.is_empty() => no_trail(subject),
            None => fail("no trail delivers to a log group, so that no metric filter can see its events"),
        },
    }
}
