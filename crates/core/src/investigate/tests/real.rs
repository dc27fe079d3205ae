//! What real records tell of who made them: one of each call, and whole log files.

use std::fmt::Write;

use super::super::activity::{Activity, CallActivity};
use super::super::last_used::{LastUsed, Looked};
use super::super::remains::{Creations, RemainsSummary};
use super::super::sessions::ActorQuery;
use super::super::used_actions::UsedActions;
use super::super::worlds::{actions, sessions, types};
use crate::event::{Json, Record};

/// Returns the records of a folder of log files, each file a list or a map with `Records`.
fn records(folder: &str) -> Vec<String> {
    let folder = format!("{}/../../tests/data/logs/{folder}", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut logs: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    logs.sort();
    let records = logs.into_iter().flat_map(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        let file = Json::parse(&text).unwrap();
        let list = file.get("Records").unwrap_or(file);
        list.elements().map(|json| json.as_str().to_owned()).collect::<Vec<_>>()
    });
    records.collect()
}

fn remains(texts: &[String], who: &str) -> RemainsSummary {
    let reader = types().reader();
    let mut creations = Creations::of(sessions(texts, who), &reader);
    texts.iter().for_each(|text| creations.add(&Record::read(text).unwrap()));
    let mut remains = creations.seen();
    texts.iter().for_each(|text| remains.add(&Record::read(text).unwrap()));
    remains.summary()
}

/// Writes what the records tell of an actor.
fn told(texts: &[String], who: &str) -> String {
    let reader = types().reader();
    let mut activity = Activity::of(sessions(texts, who), &reader);
    let mut last = LastUsed::of(ActorQuery::of(who), types());
    let mut used = UsedActions::of(ActorQuery::of(who), &reader, actions());
    for text in texts {
        let record = Record::read(text).unwrap();
        activity.add(&record);
        last.add(&record);
        used.add(&record);
    }
    let (activity, last, used) = (activity.summary(3), last.summary(&Looked::default(), 3), used.summary());
    let remains = remains(texts, who);
    let mut out = format!("{who}: {} records of {}, {:?}\n", activity.records, texts.len(), activity.by);
    let done: u64 = activity.calls.iter().map(|call| call.done).sum();
    let refused: u64 = activity.calls.iter().map(CallActivity::refusals).sum();
    writeln!(out, "{} calls, {done} done, {refused} refused", activity.calls.len()).unwrap();
    for own in &activity.changed {
        let effects: Vec<&str> = own.effects.keys().map(|effect| effect.as_str()).collect();
        let tried: Vec<&str> = own.tried.keys().map(|effect| effect.as_str()).collect();
        writeln!(out, "  {} {}: {} {}", own.resource_type, own.name, effects.join("+"), tried.join("-")).unwrap();
    }
    for (title, list) in [("stands", &remains.stands), ("unclear", &remains.unclear)] {
        for own in list {
            writeln!(out, "{title} {} {} by {} {:?}", own.resource_type, own.name, own.made.call, own.doubts.len())
                .unwrap();
        }
    }
    for own in &remains.nameless {
        writeln!(out, "cannot be told: {} by {}", own.resource_type, own.made.call).unwrap();
    }
    writeln!(out, "{:?}", remains.ended).unwrap();
    for (title, own) in [("done", &last.done), ("refused", &last.refused)] {
        let own = own.as_ref().map(|own| format!("{} {} {} from {:?}", own.time, own.service, own.call, own.source));
        writeln!(out, "last {title} {}", own.unwrap_or_default()).unwrap();
    }
    for own in used.denied.iter().chain(&used.failed) {
        writeln!(out, "not done {} {:?}", own.action, own.codes).unwrap();
    }
    writeln!(out, "passed {:?}", used.passed.iter().map(|(role, _)| &role.name).collect::<Vec<_>>()).unwrap();
    writeln!(out, "{:#?}", used.limits).unwrap();
    writeln!(out, "{}", serde_json::to_string_pretty(&used.policy()).unwrap()).unwrap();
    out
}

#[test]
fn what_a_user_did_in_a_real_account_is_told_in_full() {
    insta::assert_snapshot!(told(&records("calls"), "arn:aws:iam::123837392027:user/bert-jan"));
}

#[test]
fn what_was_done_in_whole_log_files_is_told_in_full() {
    let texts = records("invictus");
    let mut callers: Vec<String> =
        texts.iter().filter_map(|text| Some(Record::read(text).unwrap().user_identity.arn?.into_owned())).collect();
    callers.sort();
    callers.dedup();
    let all: Vec<String> = callers.iter().map(|who| told(&texts, who)).collect();
    insta::assert_snapshot!(all.join("\n"));
}
