//! Whether the call that gave out an access key stands behind what was signed with it: every answer judges it here.
//!
//! A key is given out once, to one caller, for one role, and works from then on until it expires. Records that say
//! otherwise do not agree with each other, and none of them is proof.
//!
//! Source: STS API, `Credentials` ("Expiration").

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;

use super::issue::{CLOCKS, Issue, SESSION_MAX, since};
use crate::event::{Actor, ActorKind, Outcome, Record};

/// A call that gave out a key, as far as it tells whether what was signed with it is of its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GivenKey {
    /// Who got it. `None`: not recorded.
    caller: Option<String>,
    /// The role that it is for. `None`: none, or not recorded.
    role: Option<String>,
    /// The unique id of the session. `None`: not recorded.
    session_id: Option<String>,
    /// It is for the session of a role. False: for one of a user.
    is_of_role: bool,
    time: Timestamp,
    /// Until when it works.
    until: Timestamp,
}

/// What was signed with a key, as far as its record tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyUse<'a> {
    /// Who signed.
    pub actor: &'a Actor,
    /// The unique id of who signed. `None`: not recorded.
    pub id: Option<&'a str>,
    /// Since when the session is, as it says itself. `None`: not recorded.
    pub since: Option<Timestamp>,
    /// When. `None`: not recorded.
    pub at: Option<Timestamp>,
}

/// Why the call that gave out a key does not stand behind what was signed with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyDoubt {
    /// The key was given out after the call that it signed.
    Later,
    /// It was given out for another role, or for another session, than the one that signed.
    OtherRole,
    /// It had expired before the call that it signed.
    Expired,
}

/// Says what the records say of the key: `was given out after the call that it signed`.
impl fmt::Display for KeyDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Later => "was given out after the call that it signed",
            Self::OtherRole => "was given out for another role or session than the one that used it",
            Self::Expired => "had expired before the call that it signed",
        })
    }
}

impl GivenKey {
    /// Returns what a call says of the key that it gave out.
    pub(super) fn of(issue: &Issue) -> Self {
        Self {
            caller: recipient(issue).map(str::to_owned),
            role: issue.role.clone(),
            session_id: issue.session_id.clone(),
            is_of_role: issue.call.starts_with("AssumeRole"),
            time: issue.time,
            until: issue.expires.or_else(|| issue.time.checked_add(SESSION_MAX).ok()).unwrap_or(Timestamp::MAX),
        }
    }

    /// Says why it does not stand behind what was signed. `None`: nothing speaks against it.
    pub(super) fn doubt(&self, used: &KeyUse<'_>) -> Option<KeyDoubt> {
        let from = self.time.checked_sub(CLOCKS).unwrap_or(Timestamp::MIN);
        let until = self.until.checked_add(CLOCKS).unwrap_or(Timestamp::MAX);
        let differ = |a: Option<&str>, b: Option<&str>| a.zip(b).is_some_and(|(a, b)| !a.eq_ignore_ascii_case(b));
        let is_session = |id: &&str| id.contains(':');
        let id = used.id.filter(is_session);
        let is_role = used.actor.kind == ActorKind::Role;
        let is_other = match self.is_of_role {
            true => {
                let role = used.actor.role.as_deref().filter(|_| is_role);
                used.actor.kind == ActorKind::User || differ(self.role.as_deref(), role)
            }
            // The session of a user is no role.
            false => is_role && self.role.is_none(),
        };
        let is_since = used.since.is_none_or(|since| self.time.duration_since(since).abs() <= CLOCKS);
        let is_other = is_other || !is_since || is_role && differ(self.session_id.as_deref().filter(is_session), id);
        match used.at {
            _ if is_other => Some(KeyDoubt::OtherRole),
            Some(at) if at < from => Some(KeyDoubt::Later),
            Some(at) if at > until => Some(KeyDoubt::Expired),
            _ => None,
        }
    }

    /// Tells whether it certainly got to another caller than one of some others.
    pub(super) fn is_for_other_than<'g>(&self, mut others: impl Iterator<Item = &'g Self>) -> bool {
        self.caller.is_some()
            && others.all(|own| own.caller.as_ref().is_some_and(|other| Some(other) != self.caller.as_ref()))
    }
}

impl<'a> KeyUse<'a> {
    /// Returns what a record says. What was refused says nothing of how long the key worked.
    pub(super) fn of(record: &'a Record<'_>, actor: &'a Actor) -> Self {
        let may_be_done = Outcome::of(record).may_be_done();
        let identity = &record.user_identity;
        Self {
            actor,
            id: identity.principal_id.as_deref(),
            since: identity.session.as_ref().and_then(since),
            at: record.event_time.filter(|_| may_be_done),
        }
    }
}

/// Returns who got what a call gave out, by its unique id or what it is called. `None`: the record says no more than
/// the account, or nothing.
fn recipient(issue: &Issue) -> Option<&str> {
    let is_named = !matches!(issue.caller.kind, ActorKind::Account | ActorKind::Unknown) && !issue.caller.is_unnamed;
    let name = Some(issue.caller.name.as_str()).filter(|_| is_named);
    issue.caller_id.as_deref().or(issue.subject.as_deref()).or(name)
}

/// Returns to whom some calls gave out one key: one of several is not known to be the right one.
pub(super) fn recipients<'i>(issues: &[&'i Issue]) -> BTreeSet<&'i str> {
    issues.iter().filter_map(|issue| recipient(issue)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = r#"{"type":"AssumedRole","principalId":"AROAX:s","accountId":"1","accessKeyId":"ASIAX",
        "arn":"arn:aws:sts::1:assumed-role/x/s","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::1:role/a/x"}}}"#;

    fn given(role: &str, session: &str, expiration: &str) -> GivenKey {
        let text = format!(
            r#"{{"eventTime":"2026-11-20T10:00:00Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","eventID":"i",
            "userIdentity":{{"type":"IAMUser","principalId":"AIDAANN","arn":"arn:aws:iam::1:user/ann"}},
            "requestParameters":{{"roleArn":"{role}"}},"responseElements":{{"credentials":{{"accessKeyId":"ASIAX",
            "expiration":"{expiration}"}},"assumedRoleUser":{{"assumedRoleId":"{session}"}}}}}}"#
        );
        GivenKey::of(&Issue::of(&Record::read(&text).unwrap()).unwrap())
    }

    #[test]
    fn a_key_proves_who_used_it_only_for_its_role_and_while_it_works() {
        let own = "arn:aws:iam::1:role/a/x";
        let until = "Nov 20, 2026, 11:00:00 AM";
        let cases = [
            (own, "AROAX:s", until, "2026-11-20T10:30:00Z", None),
            (own, "AROAX:s", until, "2026-11-20T09:58:00Z", None),
            (own, "AROAX:s", until, "2026-11-20T11:04:00Z", None),
            (own, "AROAX:s", until, "2026-11-20T09:00:00Z", Some(KeyDoubt::Later)),
            (own, "AROAX:s", until, "2026-11-20T11:30:00Z", Some(KeyDoubt::Expired)),
            (own, "AROAX:s", "Nov 20, 2026 11:00:00 AM", "2026-11-20T11:30:00Z", Some(KeyDoubt::Expired)),
            (own, "AROAX:s", "2026-11-20T11:00:00Z", "2026-11-20T11:30:00Z", Some(KeyDoubt::Expired)),
            (own, "AROAX:s", "soon", "2026-11-21T09:30:00Z", None),
            ("arn:aws:iam::1:role/b/x", "AROAX:s", until, "2026-11-20T10:30:00Z", Some(KeyDoubt::OtherRole)),
            (own, "AROAY:s", until, "2026-11-20T10:30:00Z", Some(KeyDoubt::OtherRole)),
        ];
        for (role, session, expiration, at, doubt) in cases {
            let text = format!(r#"{{"eventTime":"{at}","eventName":"DeleteBucket","userIdentity":{SESSION}}}"#);
            let record = Record::read(&text).unwrap();
            let actor = Actor::of(&record);
            assert_eq!(given(role, session, expiration).doubt(&KeyUse::of(&record, &actor)), doubt, "{role} {at}");
        }
        let refused =
            format!(r#"{{"eventTime":"2026-11-20T11:30:00Z","errorCode":"ExpiredToken","userIdentity":{SESSION}}}"#);
        let record = Record::read(&refused).unwrap();
        assert_eq!(given(own, "AROAX:s", until).doubt(&KeyUse::of(&record, &Actor::of(&record))), None);
    }
}
