//! Questions that are asked with one pass: each has the answer that it has alone, over log files and over a lake.

use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;
use orgtrail_archive::archive::FolderStore;
use orgtrail_archive::archive::find::ScopeFilter;
use orgtrail_archive::archive::listing::{Archive, LogPlace};
use orgtrail_archive::archive::window::Window;
use orgtrail_query::lake::folder::FolderLake;
use orgtrail_query::lake::identity::{LakeAsked, LakeIdentity};
use orgtrail_query::lake::reading::Lake;
use orgtrail_query::lake::store::LakeStore;
use orgtrail_query::lake::update::Update;
use orgtrail_query::query::answer::Question;
use orgtrail_query::query::engine::{Engine, Limits};
use orgtrail_query::query::prepared::Prepared;
use orgtrail_query::query::together::{TogetherAnswer, TogetherQuestion, ask};
use serde_json::{Value, json};

use super::fixture::{ask_engine, event, write_archive};
use super::{Case, cases};

fn archive(folder: &Path) -> Arc<Archive> {
    let place = LogPlace { store: Arc::new(FolderStore::new(folder)), sought: ScopeFilter::default() };
    Arc::new(Archive::new(vec![place], SignedDuration::from_hours(48)))
}

async fn lake(archive: &Arc<Archive>, folder: &Path) -> Lake {
    let store: Arc<dyn LakeStore> = Arc::new(FolderLake::new(folder));
    let asked = LakeAsked { organization: archive.organizations().await.into_iter().next(), ..LakeAsked::default() };
    let identity = LakeIdentity::ensure(store.as_ref(), &asked).await.unwrap();
    let update = Update {
        archive: Arc::clone(archive),
        window: Window::default(),
        overlap: SignedDuration::from_hours(72),
        shard: None,
        threads: 2,
        memory_bytes: 256 << 20,
        repairs: false,
    };
    let now = "2026-11-23T00:00:00Z".parse().unwrap();
    let updated = update.run(&store, &identity, now, &|_| {}).await.unwrap();
    assert!(updated.missing.is_empty() && updated.failed.is_empty(), "{updated:?}");
    Lake::open(store).await.unwrap()
}

fn question(case: &Case, rows_max: usize, is_of_few: bool) -> TogetherQuestion {
    let prepared = Prepared::named(case.query).unwrap();
    let values = prepared.values(case.parameters).unwrap();
    let question = Question { sql: prepared.sql, values, cannot_see: String::new() };
    TogetherQuestion {
        question,
        rows_max,
        tally: vec![("event_time", 10), ("outcome", 100)],
        weight: None,
        keeps_last: false,
        is_of_few,
    }
}

/// Those that look at the events twice, so that one pass does not answer them.
const TWICE: [&str; 2] = ["assume-role-chain", "made-by"];

#[tokio::test]
async fn each_question_that_is_asked_with_all_others_has_the_answer_that_it_has_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut events: Vec<Value> = cases().into_iter().flat_map(|case| case.yes.into_iter().chain(case.no)).collect();
    for (at, event) in events.iter_mut().enumerate() {
        event["requestID"] = json!(format!("r{at}"));
    }
    write_archive(&folder.path().join("logs"), &events);
    let logs = archive(&folder.path().join("logs"));
    let lake = lake(&logs, &folder.path().join("lake")).await;
    // Events that came behind the lake.
    write_archive(&folder.path().join("logs"), &[event("later", json!({ "eventTime": "2026-11-22T10:01:00Z" }))]);
    let cases = cases();
    for lake in [None, Some(lake)] {
        let engine =
            || Arc::new(Engine::new(Arc::clone(&logs), lake.clone(), Window::default(), &Limits::default()).unwrap());
        for is_of_few in [false, true] {
            let questions =
                cases.iter().enumerate().map(|(at, case)| question(case, 1000, is_of_few != at.is_multiple_of(2)));
            let answers = ask(engine(), questions.collect()).await.unwrap();
            for (case, answer) in cases.iter().zip(answers) {
                // Cases have ids in common, so that the order of their rows is not fixed.
                let mut alone = ask_engine(&engine(), case.query, case.parameters).await;
                alone.sort();
                match answer {
                    Ok(answer) => {
                        let mut rows: Vec<String> = answer
                            .rows
                            .iter()
                            .map(|row| row.iter().map(|cell| cell.text()).collect::<Vec<_>>().join(" | "))
                            .collect();
                        rows.sort();
                        assert_eq!(rows, alone, "{} with a lake: {}", case.query, lake.is_some());
                        assert_eq!(answer.rows_count, alone.len() as u64);
                    }
                    Err(error) => assert!(TWICE.contains(&case.query), "{}: {error}", case.query),
                }
            }
        }
    }
}

#[tokio::test]
async fn a_tally_adds_up_a_column_of_all_rows() {
    let folder = tempfile::tempdir().unwrap();
    let cases = cases();
    let case = cases.iter().find(|case| case.query == "deletions").unwrap();
    write_archive(folder.path(), &case.yes);
    let engine = Arc::new(Engine::new(archive(folder.path()), None, Window::default(), &Limits::default()).unwrap());
    let weighed = |column| TogetherQuestion { tally: Vec::new(), weight: column, ..question(case, 0, true) };
    let answers = ask(engine, vec![weighed(Some("calls")), weighed(Some("who")), weighed(None)]).await.unwrap();
    let totals: Vec<u64> = answers.into_iter().map(|answer| answer.unwrap().tally[&Vec::new()]).collect();
    assert_eq!(totals, [4, 0, 4]);
}

#[tokio::test]
async fn rows_that_are_not_kept_are_counted_and_tallied() {
    let folder = tempfile::tempdir().unwrap();
    let one = |at: usize| {
        let fields = json!({
            "userIdentity": { "type": "Root", "accountId": super::fixture::ACCOUNT },
            "eventTime": format!("2026-11-{:02}T10:01:00Z", 10 + at % 2),
            "errorCode": if at.is_multiple_of(4) { json!("AccessDenied") } else { Value::Null },
        });
        event(&format!("e{at}"), fields)
    };
    write_archive(folder.path(), &(0..8).map(one).collect::<Vec<_>>());
    let logs = archive(folder.path());
    let engine = Arc::new(Engine::new(logs, None, Window::default(), &Limits::default()).unwrap());
    let cases = cases();
    let root = cases.iter().find(|case| case.query == "root-use").unwrap();
    let wrong = TogetherQuestion {
        question: Question { sql: "SELECT nothing FROM events".to_owned(), ..question(root, 2, true).question },
        ..question(root, 2, true)
    };
    let last = TogetherQuestion { keeps_last: true, ..question(root, 3, true) };
    let mut answers = ask(engine, vec![question(root, 3, true), last, wrong]).await.unwrap();
    // One that has no answer takes none from the others.
    assert!(answers.pop().unwrap().is_err());
    let (last, answer) = (answers.pop().unwrap().unwrap(), answers.pop().unwrap().unwrap());
    let days =
        |answer: &TogetherAnswer| answer.rows.iter().map(|row| row[0].text()[8..10].to_owned()).collect::<Vec<_>>();
    assert_eq!((days(&answer), days(&last)), (vec!["10".to_owned(); 3], vec!["11".to_owned(); 3]));
    assert_eq!((answer.rows.len(), answer.rows_count), (3, 8));
    let key = |day: &str, outcome: &str| vec![day.to_owned(), outcome.to_owned()];
    assert_eq!(
        answer.tally.into_iter().collect::<Vec<_>>(),
        [(key("2026-11-10", "attempted"), 2), (key("2026-11-10", "done"), 2), (key("2026-11-11", "done"), 4)]
    );
}
