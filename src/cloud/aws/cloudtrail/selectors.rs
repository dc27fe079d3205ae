//! Event selectors, from CloudTrail's form and back. Basic selectors are read as the advanced ones that mean the same.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudtrail::error::BuildError;
use aws_sdk_cloudtrail::types::{
    AdvancedEventSelector, AdvancedFieldSelector, DataResource, EventSelector as Basic, ReadWriteType,
};

use crate::estate::trail::{EventSelector, ReadWrite};

/// What a trail records to which no selector was given: all management events (CloudTrail API, `PutEventSelectors`).
pub(super) fn default_selectors() -> BTreeSet<EventSelector> {
    BTreeSet::from([EventSelector::management(ReadWrite::All, &[])])
}

/// Reads advanced selectors.
pub(super) fn read_advanced(selectors: &[AdvancedEventSelector]) -> BTreeSet<EventSelector> {
    selectors
        .iter()
        .map(|selector| EventSelector(selector.field_selectors().iter().fold(BTreeMap::new(), add)))
        .collect()
}

type Fields = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn add(mut fields: Fields, selector: &AdvancedFieldSelector) -> Fields {
    let by_operator = fields.entry(selector.field().to_owned()).or_default();
    let operators = [
        ("equals", selector.equals()),
        ("starts_with", selector.starts_with()),
        ("ends_with", selector.ends_with()),
        ("not_equals", selector.not_equals()),
        ("not_starts_with", selector.not_starts_with()),
        ("not_ends_with", selector.not_ends_with()),
    ];
    for (operator, values) in operators.into_iter().filter(|(_, values)| !values.is_empty()) {
        by_operator.entry(operator.to_owned()).or_default().extend(values.iter().cloned());
    }
    fields
}

/// Reads basic selectors as the advanced ones that mean the same.
pub(super) fn read_basic(selectors: &[Basic]) -> BTreeSet<EventSelector> {
    selectors.iter().flat_map(read_one_basic).collect()
}

fn read_one_basic(selector: &Basic) -> Vec<EventSelector> {
    let which = match selector.read_write_type() {
        Some(ReadWriteType::ReadOnly) => ReadWrite::ReadOnly,
        Some(ReadWriteType::WriteOnly) => ReadWrite::WriteOnly,
        _ => ReadWrite::All,
    };
    let mut read = Vec::new();
    // "By default, the value is true" (CloudTrail API, `EventSelector`).
    if selector.include_management_events().unwrap_or(true) {
        read.push(EventSelector::management(which, selector.exclude_management_event_sources()));
    }
    read.extend(selector.data_resources().iter().map(|resource| data(which, resource)));
    read
}

/// A data resource with the ARN of a whole service stands for all resources of its type.
fn data(which: ReadWrite, resource: &DataResource) -> EventSelector {
    let kind = resource.r#type().unwrap_or_default();
    let mut selector = EventSelector(BTreeMap::new()).with("eventCategory", "equals", ["Data"]).with(
        "resources.type",
        "equals",
        [kind],
    );
    match which {
        ReadWrite::All => {}
        ReadWrite::ReadOnly => selector = selector.with("readOnly", "equals", ["true"]),
        ReadWrite::WriteOnly => selector = selector.with("readOnly", "equals", ["false"]),
    }
    let whole = |arn: &String| arn.ends_with(":::") || arn.split(':').count() == 3;
    if resource.values().is_empty() || resource.values().iter().any(whole) {
        return selector;
    }
    // The value of a bucket, `arn:aws:s3:::name/`, is the prefix of its objects; those of functions and tables are
    // whole ARNs.
    let operator = if kind == "AWS::S3::Object" { "starts_with" } else { "equals" };
    selector.with("resources.ARN", operator, resource.values().iter().map(String::as_str))
}

/// Writes selectors in CloudTrail's form.
pub(super) fn write(selectors: &BTreeSet<EventSelector>) -> Result<Vec<AdvancedEventSelector>, BuildError> {
    selectors.iter().map(write_one).collect()
}

fn write_one(selector: &EventSelector) -> Result<AdvancedEventSelector, BuildError> {
    let fields = selector.0.iter().map(|(field, operators)| {
        let values = |operator: &str| operators.get(operator).map(|values| values.iter().cloned().collect());
        AdvancedFieldSelector::builder()
            .field(field)
            .set_equals(values("equals"))
            .set_starts_with(values("starts_with"))
            .set_ends_with(values("ends_with"))
            .set_not_equals(values("not_equals"))
            .set_not_starts_with(values("not_starts_with"))
            .set_not_ends_with(values("not_ends_with"))
            .build()
    });
    AdvancedEventSelector::builder().set_field_selectors(Some(fields.collect::<Result<_, _>>()?)).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_read_as_they_were_written() {
        let wish = BTreeSet::from([
            EventSelector::management(ReadWrite::WriteOnly, &["kms.amazonaws.com".to_owned()]),
            EventSelector(BTreeMap::new())
                .with("eventCategory", "equals", ["Data"])
                .with("resources.type", "equals", ["AWS::S3::Object"])
                .with("resources.ARN", "not_starts_with", ["arn:aws:s3:::b/", "arn:aws:s3:::a/"]),
        ]);
        assert_eq!(read_advanced(&write(&wish).unwrap()), wish);
    }

    #[test]
    fn basic_selectors_mean_the_same_as_advanced_ones() {
        let all = Basic::builder().read_write_type(ReadWriteType::All).build();
        assert_eq!(read_basic(&[all]), default_selectors());

        let excluding = Basic::builder()
            .read_write_type(ReadWriteType::WriteOnly)
            .exclude_management_event_sources("kms.amazonaws.com")
            .build();
        let same = EventSelector::management(ReadWrite::WriteOnly, &["kms.amazonaws.com".to_owned()]);
        assert_eq!(read_basic(&[excluding]), BTreeSet::from([same]));
    }

    #[test]
    fn data_resources_become_data_selectors() {
        let resource = |kind: &str, value: &str| DataResource::builder().r#type(kind).values(value).build();
        let basic = Basic::builder()
            .include_management_events(false)
            .data_resources(resource("AWS::S3::Object", "arn:aws:s3:::logs/"))
            .data_resources(resource("AWS::Lambda::Function", "arn:aws:lambda"))
            .build();
        let data = |kind| {
            EventSelector(BTreeMap::new()).with("eventCategory", "equals", ["Data"]).with(
                "resources.type",
                "equals",
                [kind],
            )
        };
        let bucket = data("AWS::S3::Object").with("resources.ARN", "starts_with", ["arn:aws:s3:::logs/"]);
        assert_eq!(read_basic(&[basic]), BTreeSet::from([bucket, data("AWS::Lambda::Function")]));
    }
}
