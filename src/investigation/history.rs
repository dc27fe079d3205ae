//! Looks for records in CloudTrail's event history: no archive is needed, and events are there within minutes.
//!
//! It has management events only, of the last 90 days, and each account and region has its own.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::search::Search;
use crate::cloud::aws::Aws;
use crate::cloud::history::{HistoryKey, HistoryLookup};
use crate::event::HISTORY_DAYS;
use crate::ids::{AccountId, Region};
use crate::investigate::issue::{ISSUING_CALLS, SWITCHED_ROLE};

/// Answers that are read for one lookup, of 50 events each: two a second may be asked for.
const PAGES_MAX: usize = 20;

/// The event history of some accounts and regions.
pub struct HistorySource {
    aws: Aws,
    places: Vec<(AccountId, Region)>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    now: Timestamp,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    lookups: usize,
    records: usize,
    gaps: BTreeSet<String>,
}

/// What was looked up in the event history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HistoryCoverage {
    /// The accounts and regions whose history was asked: `111111111111 eu-central-1`.
    pub places: Vec<String>,
    /// From when on, RFC 3339 in UTC: the history begins 90 days before the present.
    pub from: String,
    /// Until when. `None`: the present.
    pub to: Option<String>,
    /// The time that was asked for begins before the history does.
    pub begins_later: bool,
    /// How many lookups were made.
    pub lookups: usize,
    /// How many records they answered.
    pub records: usize,
    /// What could not be looked up, or not to its end.
    pub gaps: Vec<String>,
}

impl HistorySource {
    /// Returns the history of some accounts and regions, between two times.
    pub fn new(
        aws: Aws,
        places: Vec<(AccountId, Region)>,
        (from, to): (Option<Timestamp>, Option<Timestamp>),
        now: Timestamp,
    ) -> Self {
        Self { aws, places, from, to, now, seen: Mutex::default() }
    }

    /// Returns the records that are looked for. What cannot be looked up is a gap of the coverage.
    pub async fn search(&self, search: &Search) -> Vec<String> {
        let test = search.in_sql().test;
        let mut all = Vec::new();
        for (account, region) in &self.places {
            for lookup in self.lookups(search) {
                let found = self.aws.look_up_events(account, region, &lookup).await;
                let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.lookups += 1;
                match found {
                    Ok(found) => {
                        seen.records += found.records.len();
                        if found.has_more {
                            seen.gaps.insert(format!(
                                "{account} {region}: more events of {} than were read",
                                shown(&lookup.key)
                            ));
                        }
                        if found.without_record > 0 {
                            seen.gaps.insert(format!("{account} {region}: events without a record"));
                        }
                        all.extend(
                            found.records.into_iter().filter(|record| test.as_ref().is_none_or(|test| test(record))),
                        );
                    }
                    Err(fault) => {
                        seen.gaps.insert(format!("{account} {region}: {fault}"));
                    }
                }
            }
        }
        all
    }

    /// Returns the lookups for a search: each by one attribute.
    fn lookups(&self, search: &Search) -> Vec<HistoryLookup> {
        let of = |key: HistoryKey, from: Option<Timestamp>, to: Option<Timestamp>| {
            let to = to.into_iter().chain(self.to).min();
            HistoryLookup { key, from: from.max(Some(self.begin())), to, pages_max: PAGES_MAX }
        };
        let whole = |key| of(key, self.from, None);
        match search {
            Search::Mentions { names, deciding, .. } => {
                let named = names.iter().cloned().map(HistoryKey::ResourceName);
                let deciding = deciding.iter().cloned().map(HistoryKey::EventName);
                named.chain(deciding).map(whole).collect()
            }
            Search::Issues(wanted) => {
                let from = wanted.iter().map(|one| one.from).min();
                let to = wanted.iter().map(|one| one.to).max();
                let calls = ISSUING_CALLS.into_iter().chain([SWITCHED_ROLE]);
                calls.map(|call| of(HistoryKey::EventName(call.to_owned()), from, to)).collect()
            }
            Search::Begun(_) => {
                let calls = ISSUING_CALLS.into_iter().chain([SWITCHED_ROLE]);
                calls.map(|call| whole(HistoryKey::EventName(call.to_owned()))).collect()
            }
            Search::Actor(texts) | Search::ActorAndAssumed(texts) => {
                texts.iter().map(|text| whole(of_actor(text))).collect()
            }
            // Nothing is looked up by that: it would be everything.
            Search::Writes => Vec::new(),
            Search::AccessKey(key) => {
                vec![whole(HistoryKey::AccessKeyId(key.clone())), whole(HistoryKey::ResourceName(key.clone()))]
            }
            Search::Session(arn) => {
                let name = arn.rsplit('/').next().unwrap_or(arn);
                vec![whole(HistoryKey::Username(name.to_owned()))]
            }
            Search::Event(id) => vec![whole(HistoryKey::EventId(id.clone()))],
        }
    }

    /// Returns when the history begins, or the time that was asked for where that is later.
    fn begin(&self) -> Timestamp {
        let days = SignedDuration::from_hours(24 * i64::from(HISTORY_DAYS));
        let begin = self.now.checked_sub(days).unwrap_or(Timestamp::MIN);
        self.from.map_or(begin, |from| from.max(begin))
    }

    /// Returns what was looked up so far.
    pub fn coverage(&self) -> HistoryCoverage {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = self.begin();
        HistoryCoverage {
            places: self.places.iter().map(|(account, region)| format!("{account} {region}")).collect(),
            from: begin.to_string(),
            to: self.to.map(|to| to.to_string()),
            begins_later: self.from.is_none_or(|from| from < begin),
            lookups: seen.lookups,
            records: seen.records,
            gaps: seen.gaps.iter().cloned().collect(),
        }
    }
}

impl HistoryCoverage {
    /// Tells whether all of the time that was asked for was looked up, in the accounts and regions that it names.
    pub fn is_whole(&self) -> bool {
        !self.begins_later && self.gaps.is_empty()
    }

    /// Returns what it covers, in sentences for a person.
    pub fn sentences(&self) -> Vec<String> {
        let to = self.to.as_deref().unwrap_or("now");
        let mut all = vec![format!(
            "The event history of {}, {} to {to}: management events only; lookups {}, records {}.",
            self.places.join(", "),
            self.from,
            self.lookups,
            self.records
        )];
        if self.begins_later {
            all.push(format!("The event history has {HISTORY_DAYS} days: what was before is not in it."));
        }
        all.extend(self.gaps.iter().take(GAPS_MAX).map(|gap| format!("Not looked up: {gap}.")));
        all
    }
}

/// Gaps that are named to people.
const GAPS_MAX: usize = 5;

/// Returns by what the calls of an actor are looked up: its key, or what it is called.
fn of_actor(text: &str) -> HistoryKey {
    let is_key = text.len() == 20 && (text.starts_with("ASIA") || text.starts_with("AKIA"));
    if is_key {
        return HistoryKey::AccessKeyId(text.to_owned());
    }
    HistoryKey::Username(text.rsplit(['/', ':']).next().unwrap_or(text).to_owned())
}

fn shown(key: &HistoryKey) -> &str {
    match key {
        HistoryKey::ResourceName(value)
        | HistoryKey::AccessKeyId(value)
        | HistoryKey::EventId(value)
        | HistoryKey::EventName(value)
        | HistoryKey::Username(value) => value,
    }
}
