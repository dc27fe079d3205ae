//! The answers about an actor: what else it did, what it made that still stands, when it was used last, and which
//! actions it used.

use std::collections::BTreeSet;

use super::search::Search;
use super::source::Sources;
use crate::iam_actions::IamActions;
use crate::investigate::activity::{Activity, ActivitySummary};
use crate::investigate::issue::Issue;
use crate::investigate::last_used::{LastUse, LastUsed, Looked};
use crate::investigate::remains::{Creations, RemainsSummary};
use crate::investigate::sessions::{ActorQuery, SessionSet};
use crate::investigate::used_actions::{UsedActions, UsedActionsSummary};
use crate::query::error::QueryError;
use crate::resource_types::ResourceTypes;

/// How often the beginnings of sessions are looked for at most: twice as often as the longest chain has steps.
const SWEEPS_MAX: usize = 64;
/// The most addresses, programs and calls that an answer names.
const NAMED_MAX: usize = 10;

/// Returns an actor with every session that it began.
async fn sessions_of(sources: &Sources, query: ActorQuery) -> Result<SessionSet, QueryError> {
    let mut all = SessionSet::of(query);
    for _ in 0..SWEEPS_MAX {
        let mut issues: Vec<Issue> = Vec::new();
        sources.each(&Search::Begun(all.needles()), |record| issues.extend(Issue::of(record))).await?;
        if !all.grow(&issues) {
            break;
        }
    }
    Ok(all)
}

/// Returns the providers that vouched for a person of the name of an actor, as it was typed. More than one may be as
/// many people. Empty: it says which one, or is no person.
///
/// # Errors
/// [`QueryError`] where the archive cannot be asked.
pub async fn providers(sources: &Sources, text: &str, query: &ActorQuery) -> Result<BTreeSet<String>, QueryError> {
    if !matches!(query, ActorQuery::Person { provider: None, .. }) {
        return Ok(BTreeSet::new());
    }
    let needles = SessionSet::of(query.clone()).needles();
    let mut issues: Vec<Issue> = Vec::new();
    sources.each(&Search::Begun(needles), |record| issues.extend(Issue::of(record))).await?;
    Ok(ActorQuery::providers(text, &issues))
}

/// Answers what an actor did, in its own sessions and in those that it began.
///
/// # Errors
/// [`QueryError`] where the archive cannot be asked.
pub async fn activity(
    sources: &Sources,
    types: &ResourceTypes,
    query: ActorQuery,
) -> Result<ActivitySummary, QueryError> {
    let who = sessions_of(sources, query).await?;
    let reader = types.reader();
    let search = Search::Actor(who.needles());
    let mut activity = Activity::of(who, &reader);
    sources.each(&search, |record| activity.add(record)).await?;
    Ok(activity.summary(NAMED_MAX))
}

/// Answers what an actor made that still stands.
///
/// # Errors
/// [`QueryError`] where the archive cannot be asked.
pub async fn remains(
    sources: &Sources,
    types: &ResourceTypes,
    query: ActorQuery,
) -> Result<RemainsSummary, QueryError> {
    let who = sessions_of(sources, query).await?;
    let reader = types.reader();
    let search = Search::Actor(who.needles());
    let mut creations = Creations::of(who, &reader);
    sources.each(&search, |record| creations.add(record)).await?;
    let mut remains = creations.seen();
    sources.each(&Search::Writes, |record| remains.add(record)).await?;
    Ok(remains.summary())
}

/// Answers when an actor was used last.
///
/// # Errors
/// [`QueryError`] where the archive cannot be asked.
pub async fn last_used(
    sources: &Sources,
    types: &ResourceTypes,
    query: ActorQuery,
    looked: &Looked,
) -> Result<LastUse, QueryError> {
    let needles = SessionSet::of(query.clone()).needles();
    let mut used = LastUsed::of(query, types);
    sources.each(&Search::ActorAndAssumed(needles), |record| used.add(record)).await?;
    Ok(used.summary(looked, NAMED_MAX))
}

/// Answers which IAM actions an actor used itself.
///
/// # Errors
/// [`QueryError`] where the archive cannot be asked.
pub async fn used_actions(
    sources: &Sources,
    types: &ResourceTypes,
    table: &IamActions,
    query: ActorQuery,
) -> Result<UsedActionsSummary, QueryError> {
    let reader = types.reader();
    let needles = SessionSet::of(query.clone()).needles();
    let mut used = UsedActions::of(query, &reader, table);
    sources.each(&Search::Actor(needles), |record| used.add(record)).await?;
    Ok(used.summary())
}
