//! From calls back to their origins. All chains take a step at a time, so that one search serves them all.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::search::Search;
use super::source::Sources;
use crate::event::Record;
use crate::investigate::chain::{Chain, Tracer, Wanted};
use crate::investigate::issue::Issue;
use crate::investigate::stack::{CLOUDFORMATION, WantedStack};
use crate::query::error::QueryError;

/// Sessions that began within this time of each other are looked for together.
const TOGETHER: SignedDuration = SignedDuration::from_hours(1);

/// Returns the chain behind each of some records, by the id of its event.
///
/// # Errors
/// [`QueryError`] where the archive cannot be asked.
pub async fn chains(
    source: &Sources,
    records: &[Record<'_>],
    organization: Option<&BTreeSet<String>>,
) -> Result<BTreeMap<String, Chain>, QueryError> {
    // Calls of one session have one chain.
    let mut tracers: Vec<Tracer> = Vec::new();
    let mut of_session: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    let mut of_event: Vec<(String, usize, &Record<'_>)> = Vec::new();
    for record in records {
        let id = record.identity();
        let identity = &record.user_identity;
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let created = identity.session.as_ref().and_then(|session| session.creation_date.as_deref());
        let key = (
            text(identity.access_key_id.as_deref()),
            text(identity.principal_id.as_deref().or(identity.arn.as_deref())),
            text(created),
        );
        // Without a key and a beginning, sessions of one name may be several.
        // What CloudFormation does with a role may be of several stacks in one session.
        let is_of_stack = identity.invoked_by.as_deref() == Some(CLOUDFORMATION);
        let is_known = (!key.0.is_empty() || !key.2.is_empty()) && !is_of_stack;
        let tracer = || Tracer::of(record, organization.cloned());
        let at = match of_session.get(&key).filter(|_| is_known) {
            Some(at) => *at,
            None => {
                tracers.push(tracer());
                of_session.insert(key, tracers.len() - 1);
                tracers.len() - 1
            }
        };
        of_event.push((id.into_owned(), at, record));
    }
    while step(source, &mut tracers).await? {}
    let chains: Vec<Chain> = tracers.into_iter().map(Tracer::chain).collect();
    // Each call has a caller of its own: what it was called through, say.
    let own = |(id, at, record): (String, usize, &Record<'_>)| {
        let chain = chains.get(at)?;
        Some((id, Chain { actor: crate::event::Actor::of(record), ..chain.clone() }))
    };
    Ok(of_event.into_iter().filter_map(own).collect())
}

/// Takes every chain a step back. False: none goes on.
async fn step(source: &Sources, tracers: &mut [Tracer]) -> Result<bool, QueryError> {
    let mut wanted: Vec<(usize, Wanted)> =
        tracers.iter().enumerate().filter_map(|(at, tracer)| Some((at, tracer.wanted()?.clone()))).collect();
    wanted.sort_by_key(|(_, wanted)| (wanted.from, wanted.to));
    for cluster in clusters(&wanted) {
        let all: Vec<Wanted> = cluster.iter().map(|(_, wanted)| wanted.clone()).collect();
        let texts = source.search(&Search::Issues(all)).await?;
        let issues: Vec<Issue> = texts.iter().filter_map(|text| Issue::of(&Record::read(text).ok()?)).collect();
        for (at, _) in cluster {
            if let Some(tracer) = tracers.get_mut(*at) {
                tracer.found(issues.clone());
            }
        }
    }
    let stacks = step_stacks(source, tracers).await?;
    Ok(!wanted.is_empty() || stacks)
}

/// Looks for the calls on stacks behind what CloudFormation did. False: nothing of it is wanted.
async fn step_stacks(source: &Sources, tracers: &mut [Tracer]) -> Result<bool, QueryError> {
    // By account and time, so that one search serves all that was done about then.
    let mut wanted: Vec<(usize, WantedStack)> =
        tracers.iter().enumerate().filter_map(|(at, tracer)| Some((at, tracer.wanted_stack()?.clone()))).collect();
    wanted.sort_by_key(|(_, wanted)| (wanted.from, wanted.to));
    for cluster in wanted.chunk_by(|(_, a), (_, b)| b.from <= a.to) {
        let all: Vec<WantedStack> = cluster.iter().map(|(_, wanted)| wanted.clone()).collect();
        let texts = source.search(&Search::Stacks(all)).await?;
        let calls: Vec<Issue> = texts.iter().filter_map(|text| Issue::of_stack(&Record::read(text).ok()?)).collect();
        for (at, _) in cluster {
            if let Some(tracer) = tracers.get_mut(*at) {
                tracer.found_stack_calls(calls.clone());
            }
        }
    }
    Ok(!wanted.is_empty())
}

/// Puts together what is looked for at about the same time; it is sorted by it.
fn clusters(wanted: &[(usize, Wanted)]) -> Vec<&[(usize, Wanted)]> {
    let (mut all, mut begin) = (Vec::new(), 0);
    let mut end = None;
    for (at, (_, one)) in wanted.iter().enumerate() {
        let is_apart =
            end.is_some_and(|end: jiff::Timestamp| end.checked_add(TOGETHER).is_ok_and(|end| one.from > end));
        if is_apart {
            all.extend(wanted.get(begin..at));
            begin = at;
            end = None;
        }
        end = end.max(Some(one.to));
    }
    all.extend(wanted.get(begin..).filter(|rest| !rest.is_empty()));
    all
}
