//! Looks for records in CloudTrail's event history: no archive is needed, and events are there within minutes.
//!
//! It has management events only, of the last 90 days, and each account and region has its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::search::Search;
use crate::cloud::history::{FoundEvent, HistoryKey, HistoryLookup};
use crate::cloud::{CloudFault, CloudReader};
use crate::event::{HISTORY_DAYS, Record};
use crate::ids::{AccountId, Region};
use crate::investigate::chain::Wanted;
use crate::investigate::issue::{ISSUING_CALLS, Issue, SWITCHED_ROLE};
use crate::investigate::sessions::is_access_key;
use crate::investigate::stack::WantedStack;

/// Answers that are read for one lookup, of 50 events each: two a second may be asked for.
const PAGES_MAX: usize = 20;

/// The event history of some accounts and regions.
pub struct HistorySource {
    look: Arc<dyn CloudReader>,
    places: Vec<HistoryPlace>,
    followed: Option<Followed>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    now: Timestamp,
    seen: Mutex<Seen>,
}

/// An account and a region: each has its own history.
pub type HistoryPlace = (AccountId, Region);

/// Where the beginnings of sessions are looked for, if not where all else is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Followed {
    /// The accounts that are asked where a session is of them, or began in them.
    pub accounts: BTreeSet<AccountId>,
    /// The regions that are asked of each.
    pub regions: BTreeSet<Region>,
    /// The most lookups that are made for all of it.
    pub lookups_max: usize,
    /// The most answers that are read for one lookup.
    pub pages_max: usize,
}

/// How the answers to a lookup ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PagesEnd {
    /// All were read.
    All,
    /// Enough was found.
    Enough,
    /// There are more, which were not read.
    More,
    /// No history is kept.
    NoHistory,
}

#[derive(Default)]
struct Seen {
    lookups: usize,
    records: usize,
    session_lookups: usize,
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
        look: Arc<dyn CloudReader>,
        places: Vec<HistoryPlace>,
        (from, to): (Option<Timestamp>, Option<Timestamp>),
        now: Timestamp,
    ) -> Self {
        Self { look, places, followed: None, from, to, now, seen: Mutex::default() }
    }

    /// Returns a history that follows sessions, and is asked for nothing else by itself.
    pub fn following(look: Arc<dyn CloudReader>, followed: Followed, now: Timestamp) -> Self {
        Self { followed: Some(followed), ..Self::new(look, Vec::new(), (None, None), now) }
    }

    /// Returns the records that are looked for. What cannot be looked up is a gap of the coverage.
    pub async fn search(&self, search: &Search) -> Vec<String> {
        match search {
            Search::Issues(wanted) => return self.issues(wanted).await,
            Search::Stacks(wanted) => return self.stack_calls(wanted).await,
            _ => {}
        }
        let test = search.in_sql().test;
        let mut all = Vec::new();
        for place in &self.places {
            for lookup in self.lookups(search) {
                all.extend(self.records(place, &lookup, PAGES_MAX).await);
            }
        }
        all.retain(|record| test.as_ref().is_none_or(|test| test(record)));
        all
    }

    /// Hands the answers to a lookup out, the newest first, until `enough` or the most of them were read.
    ///
    /// # Errors
    /// [`CloudFault`] where the history cannot be asked.
    pub async fn pages(
        &self,
        (account, region): &HistoryPlace,
        lookup: &HistoryLookup,
        pages_max: usize,
        mut enough: impl FnMut(&[FoundEvent]) -> bool,
    ) -> Result<PagesEnd, CloudFault> {
        let mut lookup = lookup.clone();
        for _ in 0..pages_max {
            let Some(page) = self.look.look_up_events(account, region, &lookup).await? else {
                return Ok(PagesEnd::NoHistory);
            };
            let is_enough = enough(&page.events);
            lookup.token = page.next;
            match (&lookup.token, is_enough) {
                (None, _) => return Ok(PagesEnd::All),
                (Some(_), true) => return Ok(PagesEnd::Enough),
                (Some(_), false) => {}
            }
        }
        Ok(PagesEnd::More)
    }

    /// Returns the records of a lookup; what is missing is a gap of the coverage.
    async fn records(&self, place: &HistoryPlace, lookup: &HistoryLookup, pages_max: usize) -> Vec<String> {
        let (mut records, mut without) = (Vec::new(), 0);
        let ended = self
            .pages(place, lookup, pages_max, |events| {
                records.extend(events.iter().filter_map(|event| event.record.clone()));
                without += events.iter().filter(|event| event.record.is_none()).count();
                false
            })
            .await;
        let (account, region) = place;
        let mut seen = self.seen();
        seen.lookups += 1;
        seen.records += records.len();
        let mut gap = |why: String| seen.gaps.insert(format!("{account} {region}: {why}"));
        match ended {
            Ok(PagesEnd::All | PagesEnd::Enough) => {}
            Ok(PagesEnd::More) => _ = gap(format!("more events of {} than were read", shown(&lookup.key))),
            Ok(PagesEnd::NoHistory) => _ = gap("no event history is kept".to_owned()),
            Err(fault) => _ = gap(fault.to_string()),
        }
        if without > 0 {
            gap("events without a record".to_owned());
        }
        records
    }

    /// Returns how sessions began: by the access key, which the event names as its resource; the calls by their names
    /// are looked through only for what is not found so.
    async fn issues(&self, wanted: &[Wanted]) -> Vec<String> {
        let (mut all, mut asked) = (Vec::new(), BTreeSet::new());
        // By account: from when to when calls are looked through.
        let mut left: BTreeMap<Option<&str>, (Timestamp, Timestamp)> = BTreeMap::new();
        for one in wanted {
            let found = match &one.access_key {
                // Several calls of one session want the same.
                Some(key) if !asked.insert(key) => continue,
                Some(key) => self.issue_of_key(one, key).await,
                None => Vec::new(),
            };
            if !found.iter().any(|text| is_issue_of(text, one)) {
                let account = one.account.as_deref().filter(|_| self.followed.is_some());
                let time = left.entry(account).or_insert((one.from, one.to));
                *time = (time.0.min(one.from), time.1.max(one.to));
            }
            all.extend(found);
        }
        for (account, (from, to)) in left {
            for place in self.session_places(account) {
                for call in ISSUING_CALLS.into_iter().chain([SWITCHED_ROLE]) {
                    let key = HistoryKey::EventName(call.to_owned());
                    all.extend(self.session_records(&place, key, (from, to)).await);
                }
            }
        }
        all.sort();
        all.dedup();
        all
    }

    /// Returns the calls on stacks, or on stack sets, in the accounts of those that are looked for.
    async fn stack_calls(&self, wanted: &[WantedStack]) -> Vec<String> {
        let mut left: BTreeMap<(HistoryPlace, &str), (Timestamp, Timestamp)> = BTreeMap::new();
        for one in wanted {
            let account = one.account.as_deref().filter(|_| self.followed.is_some());
            let places = if one.is_of_any_account() { self.all_places() } else { self.session_places(account) };
            for (place, call) in places.iter().flat_map(|place| one.calls().map(move |call| (place, call))) {
                let time = left.entry((place.clone(), call)).or_insert((one.from, one.to));
                *time = (time.0.min(one.from), time.1.max(one.to));
            }
        }
        let mut all = Vec::new();
        for ((place, call), time) in left {
            all.extend(self.session_records(&place, HistoryKey::EventName(call.to_owned()), time).await);
        }
        all
    }

    /// Looks for the call that gave out a key, in the account of the session and in that of whoever called.
    async fn issue_of_key(&self, wanted: &Wanted, key: &str) -> Vec<String> {
        let (key, time) = (HistoryKey::ResourceName(key.to_owned()), (wanted.from, wanted.to));
        let mut all = Vec::new();
        for place in self.session_places(wanted.account.as_deref()) {
            all.extend(self.session_records(&place, key.clone(), time).await);
        }
        // The account of the role has no more of a caller from elsewhere than its id.
        let caller = |text: &String| Issue::of(&Record::read(text).ok()?)?.caller.account;
        let callers: BTreeSet<String> = all.iter().filter_map(caller).collect();
        for account in callers.iter().filter(|own| self.followed.is_some() && Some(*own) != wanted.account.as_ref()) {
            for place in self.session_places(Some(account)) {
                all.extend(self.session_records(&place, key.clone(), time).await);
            }
        }
        all
    }

    /// Returns the records of a lookup for sessions, between two times and within what may be read for them: a session
    /// may have begun before what is asked.
    async fn session_records(
        &self,
        place: &HistoryPlace,
        key: HistoryKey,
        (from, to): (Timestamp, Timestamp),
    ) -> Vec<String> {
        let from = from.max(self.oldest());
        if to < from {
            let why = format!("sessions that began before {from}: the event history has {HISTORY_DAYS} days");
            self.seen().gaps.insert(why);
            return Vec::new();
        }
        let lookup = HistoryLookup { key, from: Some(from), to: Some(to), token: None };
        let Some(followed) = &self.followed else { return self.records(place, &lookup, PAGES_MAX).await };
        {
            let mut seen = self.seen();
            if seen.session_lookups >= followed.lookups_max {
                let most = followed.lookups_max;
                seen.gaps.insert(format!("sessions beyond the {most} lookups that a run makes for them"));
                return Vec::new();
            }
            seen.session_lookups += 1;
        }
        self.records(place, &lookup, followed.pages_max).await
    }

    /// Returns where the beginning of a session of an account is looked for.
    fn session_places(&self, account: Option<&str>) -> Vec<HistoryPlace> {
        let Some(followed) = &self.followed else { return self.places.clone() };
        let own = account.and_then(|account| followed.accounts.iter().find(|own| own.as_str() == account));
        let Some(own) = own else {
            let account = account.unwrap_or("(not recorded)");
            self.seen().gaps.insert(format!("account {account} is none whose event history is asked"));
            return Vec::new();
        };
        followed.regions.iter().map(|region| (own.clone(), region.clone())).collect()
    }

    /// Returns every account and region in which sessions are looked for.
    fn all_places(&self) -> Vec<HistoryPlace> {
        let Some(followed) = &self.followed else { return self.places.clone() };
        let of = |account: &AccountId| {
            followed.regions.iter().map(|region| (account.clone(), region.clone())).collect::<Vec<_>>()
        };
        followed.accounts.iter().flat_map(of).collect()
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the lookups for a search: each by one attribute.
    fn lookups(&self, search: &Search) -> Vec<HistoryLookup> {
        let whole = |key| HistoryLookup { key, from: Some(self.begin()), to: self.to, token: None };
        match search {
            Search::Mentions { names, deciding, .. } => {
                let named = names.iter().cloned().map(HistoryKey::ResourceName);
                let deciding = deciding.iter().cloned().map(HistoryKey::EventName);
                named.chain(deciding).map(whole).collect()
            }
            // Followed in their own way: see `issues` and `stack_calls`.
            Search::Issues(_) | Search::Stacks(_) => Vec::new(),
            Search::Begun(_) => {
                let calls = ISSUING_CALLS.into_iter().chain([SWITCHED_ROLE]);
                calls.map(|call| whole(HistoryKey::EventName(call.to_owned()))).collect()
            }
            Search::Actor(texts) | Search::ActorAndAssumed(texts) => {
                texts.iter().map(|text| whole(of_actor(text))).collect()
            }
            // Nothing is looked up by that: it would be everything, or what CloudTrail itself says once.
            Search::Writes | Search::SameEvents(_) => Vec::new(),
            Search::AccessKey(key) => {
                vec![whole(HistoryKey::AccessKeyId(key.clone())), whole(HistoryKey::ResourceName(key.clone()))]
            }
            Search::Session(arn) => {
                let name = arn.rsplit('/').next().unwrap_or(arn);
                vec![whole(HistoryKey::Username(name.to_owned()))]
            }
            Search::Event(id) => vec![whole(HistoryKey::EventId(id.text().to_owned()))],
        }
    }

    /// Returns when the history begins.
    fn oldest(&self) -> Timestamp {
        let days = SignedDuration::from_hours(24 * i64::from(HISTORY_DAYS));
        self.now.checked_sub(days).unwrap_or(Timestamp::MIN)
    }

    /// Returns when the history begins, or the time that was asked for where that is later.
    fn begin(&self) -> Timestamp {
        let begin = self.oldest();
        self.from.map_or(begin, |from| from.max(begin))
    }

    /// Returns what was looked up so far.
    pub fn coverage(&self) -> HistoryCoverage {
        let seen = self.seen();
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
    if is_access_key(text) {
        return HistoryKey::AccessKeyId(text.to_owned());
    }
    HistoryKey::Username(text.rsplit(['/', ':']).next().unwrap_or(text).to_owned())
}

/// Tells whether a record is that of the call that gave out the key of a session, as its caller's account has it.
fn is_issue_of(text: &str, wanted: &Wanted) -> bool {
    let issue = Record::read(text).ok().and_then(|record| Issue::of(&record));
    issue.is_some_and(|issue| issue.access_key.is_some() && issue.access_key == wanted.access_key)
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
