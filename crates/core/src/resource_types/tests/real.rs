//! Records that CloudTrail wrote: which of their calls the table knows, and what it finds in them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{ResourceCandidate, ResourceIdentity, ResourceTypes};
use super::{mentions, types};
use crate::event::{Json, Outcome, Record};

/// Returns the records of a folder of log files, each file a list or a map with `Records`.
fn records(folder: &str) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let logs = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let records = logs.flat_map(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        let file = Json::parse(&text).unwrap();
        let list = file.get("Records").unwrap_or(file);
        list.elements().map(|json| json.as_str().to_owned()).collect::<Vec<_>>()
    });
    records.collect()
}

/// One record of each call that is known and was seen.
pub(super) fn repository() -> Vec<String> {
    records(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/logs/calls"))
}

/// For each call: its records, and those in which the table reads what the call was about.
fn seen(types: &ResourceTypes, texts: &[String]) -> BTreeMap<(String, String), (usize, usize)> {
    let mut seen: BTreeMap<(String, String), (usize, usize)> = BTreeMap::new();
    for text in texts {
        let record = Record::read(text).unwrap();
        let source = record.event_source.as_deref().unwrap_or_default().to_owned();
        let event = record.event_name.as_deref().unwrap_or_default().to_owned();
        let calls = types.all().iter().filter_map(|kind| kind.call(&source, &event));
        let calls: Vec<_> = calls.collect();
        if calls.is_empty() {
            continue;
        }
        let names = calls.iter().any(|call| call.at.iter().any(|path| !path.texts(&record).is_empty()));
        let count = seen.entry((source, event)).or_default();
        count.0 += 1;
        count.1 += usize::from(names);
    }
    seen
}

#[test]
fn the_records_of_a_real_account_are_read_as_the_table_says() {
    let (types, texts) = (types(), repository());
    let seen = seen(types, &texts);
    let calls: Vec<String> = seen
        .iter()
        .map(|((source, event), (all, named))| {
            format!("{} {event} {all} {named}", source.trim_end_matches(".amazonaws.com"))
        })
        .collect();
    insta::assert_snapshot!(calls.join("\n"));
}

#[test]
fn whatever_the_records_of_a_real_account_name_is_found_again() {
    let (types, texts) = (types(), repository());
    let (mut subjects, mut found) = (BTreeSet::new(), 0);
    for text in &texts {
        let record = Record::read(text).unwrap();
        for kind in types.all() {
            let source = record.event_source.as_deref().unwrap_or_default();
            let Some(call) = kind.call(source, record.event_name.as_deref().unwrap_or_default()) else { continue };
            for value in call.at.iter().flat_map(|path| path.texts(&record)) {
                let parsed = kind.forms.iter().find_map(|form| form.parse(&value));
                let mut identity = parsed
                    .unwrap_or_else(|| ResourceIdentity { id: Some(value.to_string()), ..ResourceIdentity::default() });
                identity.account = identity.account.or(record.recipient_account_id.as_deref().map(str::to_owned));
                identity.region = identity.region.or(record.aws_region.as_deref().map(str::to_owned));
                let candidate = ResourceCandidate { resource_type: Some(kind.name.clone()), identity, arn: None };
                let all = mentions(types, std::slice::from_ref(&candidate), text);
                let is_foreign = value.starts_with("arn:") && !kind.forms.iter().any(|form| form.is_match(&value));
                assert!(all.len() == 1 || is_foreign, "{} {value} in {text}", kind.name);
                found += all.len();
                subjects.insert((kind.name.clone(), value.into_owned()));
            }
        }
        let _read = Outcome::of(&record);
    }
    assert_eq!((texts.len(), subjects.len(), found), (115, 131, 197));
}

#[test]
fn names_of_a_real_account_have_their_whole_history() {
    let (types, texts) = (types(), repository());
    let history = |subject: &str| -> Vec<String> {
        let candidates = types.candidates(subject).unwrap();
        let all = texts.iter().flat_map(|text| {
            let record = Record::read(text).unwrap();
            let event = record.event_name.as_deref().unwrap_or_default().to_owned();
            mentions(types, &candidates, text).into_iter().map(move |found| format!("{} {event}", found.effect))
        });
        all.collect::<BTreeSet<_>>().into_iter().collect()
    };
    let subjects = [
        "sg-04cfb7a4712d75b00",
        "sgr-0bb31cddb2c27f401",
        "i-0dbc91f429e48eeed",
        "vol-0fc2e34e74650e145",
        "bucket stratus-red-team-ctlr-bucket-zqfsvooxqj",
        "kms alias aws/ssm",
        "kms key 0e5d0ab6-097e-49d8-99ef-747ce3e5f8f4",
        "rds snapshot exfiltration",
        "policy AdministratorAccess",
        "user stratus-red-team-backdoor-u-user",
    ];
    let passes = |subject: &&str| {
        let needles = types.needles(&types.candidates(subject).unwrap());
        texts.iter().filter(|text| needles.may_mention(text.as_bytes())).count()
    };
    let read: usize = subjects.iter().map(passes).sum();
    assert_eq!(read, 33, "records of {} that are read", subjects.len() * texts.len());
    let all = subjects.map(|subject| format!("{subject}: {}", history(subject).join(", ")));
    insta::assert_snapshot!(all.join("\n"));
}
