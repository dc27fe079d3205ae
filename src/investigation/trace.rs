//! From calls back to their origins. All chains take a step at a time, so that one search serves them all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::search::Search;
use super::source::Sources;
use crate::event::{Record, RecordDigest};
use crate::investigate::chain::{Chain, Tracer, Wanted};
use crate::investigate::issue::Issue;
use crate::investigate::stack::{WantedStack, is_service};
use crate::query::error::QueryError;

/// What was within this time of each other is looked for together.
const TOGETHER: SignedDuration = SignedDuration::from_hours(1);

/// What the calls of one session have in common, and no others have: they have one chain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionKey {
    access_key: String,
    caller: String,
    began: String,
}

impl SessionKey {
    /// Returns that of a call. `None`: it has a chain of its own. Without a key and a beginning, sessions of one name
    /// may be several, and what CloudFormation does in one session with a role may be of several stacks.
    pub fn of(record: &Record<'_>) -> Option<Self> {
        let identity = &record.user_identity;
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let own = Self {
            access_key: text(identity.access_key_id.as_deref()),
            caller: text(identity.principal_id.as_deref().or(identity.arn.as_deref())),
            began: text(identity.session.as_ref().and_then(|session| session.creation_date.as_deref())),
        };
        let is_of_stack = identity.invoked_by.as_deref().is_some_and(is_service);
        let is_known = !own.access_key.is_empty() || !own.began.is_empty();
        (is_known && !is_of_stack).then_some(own)
    }
}

/// Returns the chain behind each of some records, by the digest of its bytes: two records of one event may name two
/// callers.
///
/// # Errors
/// [`QueryError`] where the archive cannot be asked.
pub async fn chains(
    source: &Sources,
    records: &[Record<'_>],
    organization: Option<&BTreeSet<String>>,
) -> Result<BTreeMap<RecordDigest, Chain>, QueryError> {
    let organization = organization.cloned().map(Arc::new);
    let mut tracers: Vec<Tracer> = Vec::new();
    let mut of_session: BTreeMap<SessionKey, usize> = BTreeMap::new();
    let mut of_record: Vec<(RecordDigest, usize, &Record<'_>)> = Vec::new();
    for record in records {
        let key = SessionKey::of(record);
        let at = match key.as_ref().and_then(|key| of_session.get(key)) {
            Some(at) => *at,
            None => {
                tracers.push(Tracer::of(record, organization.clone()));
                of_session.extend(key.map(|key| (key, tracers.len() - 1)));
                tracers.len() - 1
            }
        };
        of_record.push((record.digest(), at, record));
    }
    while step(source, &mut tracers).await? {}
    let chains: Vec<Chain> = tracers.into_iter().map(Tracer::chain).collect();
    // Each call has a caller of its own: what it was called through, say.
    let own =
        |(digest, at, record): (RecordDigest, usize, &Record<'_>)| Some((digest, chains.get(at)?.of_call(record)));
    Ok(of_record.into_iter().filter_map(own).collect())
}

/// Takes every chain a step back. False: none goes on.
async fn step(source: &Sources, tracers: &mut [Tracer]) -> Result<bool, QueryError> {
    let sessions = Step {
        wanted: Tracer::wanted,
        time: |wanted: &Wanted| (wanted.from, wanted.to),
        search: Search::Issues,
        read: Issue::of,
        found: Tracer::found,
    };
    let stacks = Step {
        wanted: Tracer::wanted_stack,
        time: |wanted: &WantedStack| (wanted.from, wanted.to),
        search: Search::Stacks,
        read: Issue::of_stack,
        found: Tracer::found_stack_calls,
    };
    Ok(sessions.take(source, tracers).await? | stacks.take(source, tracers).await?)
}

/// How chains go on: what they want, and how it is looked for.
struct Step<W> {
    wanted: fn(&Tracer) -> Option<&W>,
    /// From when until when it may have been.
    time: fn(&W) -> (Timestamp, Timestamp),
    search: fn(Vec<W>) -> Search,
    read: fn(&Record<'_>) -> Option<Issue>,
    found: fn(&mut Tracer, Vec<Issue>),
}

impl<W: Clone> Step<W> {
    /// Takes the chains that want it a step back. False: none does.
    async fn take(&self, source: &Sources, tracers: &mut [Tracer]) -> Result<bool, QueryError> {
        let mut wanted: Vec<(usize, W)> =
            tracers.iter().enumerate().filter_map(|(at, tracer)| Some((at, (self.wanted)(tracer)?.clone()))).collect();
        wanted.sort_by_key(|(_, wanted)| (self.time)(wanted));
        for cluster in clusters(&wanted, self.time) {
            let all: Vec<W> = cluster.iter().map(|(_, wanted)| wanted.clone()).collect();
            let texts = source.search(&(self.search)(all)).await?;
            let issues: Vec<Issue> = texts.iter().filter_map(|text| (self.read)(&Record::read(text).ok()?)).collect();
            for (at, _) in cluster {
                if let Some(tracer) = tracers.get_mut(*at) {
                    (self.found)(tracer, issues.clone());
                }
            }
        }
        Ok(!wanted.is_empty())
    }
}

/// Puts together what is looked for at about the same time; it is sorted by it.
fn clusters<W>(wanted: &[(usize, W)], time: fn(&W) -> (Timestamp, Timestamp)) -> Vec<&[(usize, W)]> {
    let (mut all, mut begin) = (Vec::new(), 0);
    let mut end = None;
    for (at, (_, one)) in wanted.iter().enumerate() {
        let (from, to) = time(one);
        let is_apart = end.is_some_and(|end: Timestamp| end.checked_add(TOGETHER).is_ok_and(|end| from > end));
        if is_apart {
            all.extend(wanted.get(begin..at));
            begin = at;
            end = None;
        }
        end = end.max(Some(to));
    }
    all.extend(wanted.get(begin..).filter(|rest| !rest.is_empty()));
    all
}
