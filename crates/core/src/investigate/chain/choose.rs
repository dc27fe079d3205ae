//! Which call began a session: the one that gave out its access key, or else the one of its role, name and time.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::super::given_key::{GivenKey, KeyUse, recipients};
use super::super::issue::{Issue, once};
use super::{CALLERS_MAX, FoundBy, Lost, Wanted, session_arn};

/// The call that began a session.
pub(super) struct Found {
    pub issue: Issue,
    pub by: FoundBy,
    /// When the first of several was that may have begun it, all of the same caller; else when it was. `None`: its
    /// record does not say when.
    pub first: Option<Timestamp>,
}

/// Chooses the call that began a session.
pub(super) fn chosen(wanted: &Wanted, issues: Vec<Issue>) -> Result<Found, Lost> {
    let issues = once(issues);
    if let Some(found) = of_key(wanted, &issues) {
        return found;
    }
    let in_time = |issue: &Issue| (wanted.from..=wanted.to).contains(&issue.time);
    // A session of the same name with another key is another session.
    let may_be = |issue: &&Issue| {
        let is_key_open = issue.access_key.is_none() || wanted.access_key.is_none();
        in_time(issue) && is_key_open && wanted.is_named_by(issue)
    };
    let all: Vec<&Issue> = issues.iter().filter(may_be).collect();
    let Some(last) = all.iter().max_by_key(|issue| issue.time) else { return Err(Lost::NotFound(wanted.clone())) };
    let origin = |issue: &Issue| match &issue.switched_from {
        Some(from) => Some(from.clone()),
        None => issue.caller_id.clone().or_else(|| issue.subject.clone()),
    };
    if !all.iter().all(|issue| origin(issue).is_some() && origin(issue) == origin(last)) && all.len() > 1 {
        return Err(several(wanted, &all));
    }
    let first = all.iter().map(|issue| issue.time).min().filter(|_| all.len() > 1);
    Ok(Found { issue: (*last).clone(), by: FoundBy::Session, first })
}

/// Returns the call that gave out the access key. `None`: none did.
fn of_key(wanted: &Wanted, issues: &[Issue]) -> Option<Result<Found, Lost>> {
    let has_key = |issue: &&Issue| wanted.access_key.is_some() && issue.access_key == wanted.access_key;
    let given_out: Vec<&Issue> = issues.iter().filter(has_key).collect();
    let issue = *given_out.first()?;
    // A key is given out once. Records that give it to several do not agree, and none of them is proof.
    if recipients(&given_out).len() > 1 {
        return Some(Err(several(wanted, &given_out)));
    }
    let used = wanted.signer.as_ref().map(|own| KeyUse {
        actor: &own.actor,
        id: wanted.session_id.as_deref(),
        since: own.since,
        at: own.at,
    });
    Some(match used.and_then(|used| given_out.iter().find_map(|own| key_doubt(own, &used))) {
        Some(lost) => Err(lost),
        None => Ok(Found { issue: issue.clone(), by: FoundBy::AccessKey, first: None }),
    })
}

/// Says why the call that gave out a key does not fit what was signed with it. `None`: it fits.
pub(super) fn key_doubt(issue: &Issue, used: &KeyUse<'_>) -> Option<Lost> {
    let why = GivenKey::of(issue).doubt(used)?;
    Some(Lost::Key { key: issue.access_key.clone().unwrap_or_default(), why, given: in_words(issue) })
}

/// Says that several calls may have begun a session, and who made them.
fn several(wanted: &Wanted, issues: &[&Issue]) -> Lost {
    let callers: BTreeSet<String> = issues.iter().map(|issue| in_words(issue)).collect();
    let callers = callers.into_iter().take(CALLERS_MAX).collect();
    Lost::Several { calls: issues.len(), callers, wanted: Box::new(wanted.clone()) }
}

fn in_words(issue: &Issue) -> String {
    let caller = issue.switched_from.as_ref().or(issue.subject.as_ref()).unwrap_or(&issue.caller.name);
    format!("{} of {} by {caller} (event {})", issue.call, issue.time, issue.event_id)
}

impl Wanted {
    /// Tells whether a call began a session of this name of this role.
    fn is_named_by(&self, issue: &Issue) -> bool {
        if let (Some(own), Some(other)) = (&self.session_id, &issue.session_id) {
            return own == other;
        }
        let (Some(arn), Some(role), Some(name)) = (&self.session_arn, &issue.role, &issue.session_name) else {
            return false;
        };
        session_arn(role, name).is_some_and(|own| own == *arn)
    }
}
