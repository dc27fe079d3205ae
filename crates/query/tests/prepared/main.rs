//! The prepared queries: for each an archive with events that answer it, and with others that look like them and must
//! not.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something is not as it must be")]

mod data;
mod fixture;
mod people;
mod protection;
mod things;
mod together;
mod top;
mod volume;

use std::collections::BTreeSet;

use fixture::{Rows, ask, event};
use orgtrail_query::query::prepared::Prepared;
use serde_json::{Value, json};

/// One query, asked over the events of both kinds.
struct Case {
    query: &'static str,
    parameters: &'static [(&'static str, &'static str)],
    /// Events that answer it.
    yes: Vec<Value>,
    /// Events that look like them.
    no: Vec<Value>,
    /// How many rows the answer has.
    rows: usize,
    /// What stands in the answer.
    has: &'static [&'static str],
    /// What does not.
    not: &'static [&'static str],
}

impl Case {
    fn check(&self, rows: &Rows) {
        let query = self.query;
        for text in self.has {
            assert!(rows.has(text), "{query} {:?} does not find {text}: {rows:#?}", self.parameters);
        }
        for text in self.not {
            assert!(!rows.has(text), "{query} {:?} finds {text}: {rows:#?}", self.parameters);
        }
        // The archive has no digests: nothing proves that no log is missing, whatever was found.
        let is_said = rows.covers.contains("without a digest: whether logs are missing there is not known");
        assert!(is_said, "{query} does not say what it covers: {}", rows.covers);
        assert_eq!(rows.all.len(), self.rows, "{query} {:?}: {rows:#?}", self.parameters);
    }
}

fn cases() -> Vec<Case> {
    [people::cases(), things::cases(), data::cases(), protection::cases(), volume::cases(), top::cases()]
        .into_iter()
        .flatten()
        .collect()
}

#[tokio::test]
async fn each_query_finds_what_answers_it_and_not_what_looks_like_it() {
    for case in cases() {
        let events: Vec<Value> = case.no.iter().chain(&case.yes).cloned().collect();
        case.check(&ask(case.query, case.parameters, &events).await);
    }
}

#[test]
fn each_query_has_a_case_with_events_of_both_kinds() {
    let all: BTreeSet<String> = Prepared::all().into_iter().map(|query| query.name).collect();
    let with_case: BTreeSet<String> = cases().into_iter().map(|case| case.query.to_owned()).collect();
    assert_eq!(all, with_case);
    for case in cases() {
        assert!(!case.yes.is_empty() && !case.no.is_empty(), "{}", case.query);
        assert!(!case.has.is_empty() && !case.not.is_empty(), "{}", case.query);
    }
}

#[tokio::test]
async fn each_query_runs_over_records_that_say_almost_nothing() {
    let bare = json!({ "eventTime": "2026-11-20T10:01:00Z", "awsRegion": "us-east-1", "recipientAccountId": fixture::ACCOUNT });
    let odd = event(
        "odd",
        json!({ "requestParameters": "no object", "responseElements": [1], "resources": {}, "userIdentity": "x", "errorCode": 7 }),
    );
    for case in cases() {
        ask(case.query, case.parameters, &[bare.clone(), odd.clone()]).await;
        let none = ask(case.query, case.parameters, &[]).await;
        assert!(none.all.is_empty(), "{} finds {none:?} where nothing is", case.query);
        assert!(
            none.covers.contains("the answer says nothing about it"),
            "{} takes no log for an answer: {}",
            case.query,
            none.covers
        );
    }
}

#[tokio::test]
async fn a_text_is_a_value_and_never_a_part_of_the_question() {
    let other = event("e-other", json!({}));
    for hostile in
        ["' OR '1'='1", "x' OR 1=1 --", "$who", "%", "\u{0}", "\"", "arn:aws:iam::111122223333:user/alice' --"]
    {
        for query in ["person-activity", "used-actions", "made-by"] {
            let rows = ask(query, &[("who", hostile)], std::slice::from_ref(&other)).await;
            assert!(rows.all.is_empty(), "{query} {hostile:?}: {rows:?}");
        }
    }
}
