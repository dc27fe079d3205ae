//! How a session began: the call that gave its credentials out, as CloudTrail recorded it.
//!
//! Sources: IAM user guide, "Logging IAM and AWS STS API calls with AWS CloudTrail"; CloudTrail user guide, "AWS
//! Management Console sign-in events" (`SwitchRole`); STS API, `Credentials` ("Expiration") and `AssumeRole`
//! ("DurationSeconds"); the expiration as records have it: "Jul 18, 2014, 4:07:39 PM".

use std::collections::{HashMap, HashSet};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::stack_operation::StackOperation;
use crate::event::{Actor, ActorKind, Outcome, Record, RecordDigest, SessionContext};

/// The calls that give out credentials of a session, each of STS.
pub const ISSUING_CALLS: [&str; 6] = [
    "AssumeRole",
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "AssumeRoot",
    "GetFederationToken",
    "GetSessionToken",
];
/// What the console records of a change of roles. It has no credentials in it.
pub const SWITCHED_ROLE: &str = "SwitchRole";

const STS: &str = "sts.amazonaws.com";
const SIGN_IN: &str = "signin.amazonaws.com";

/// The longest time that a session lasts: 36 hours for `GetSessionToken` and `GetFederationToken`, 12 for roles (STS
/// API, `DurationSeconds`).
pub(super) const SESSION_MAX: SignedDuration = SignedDuration::from_hours(36);
/// How far the time at which a session says that it was made may lie from that of the call.
pub(super) const CLOCKS: SignedDuration = SignedDuration::from_mins(5);
/// How CloudTrail writes when credentials expire, in UTC: in the present and in older records.
const EXPIRATIONS: [&str; 2] = ["%b %d, %Y, %I:%M:%S %p", "%b %d, %Y %I:%M:%S %p"];

/// A call that began a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// What tells its record from every other one.
    pub record: RecordDigest,
    /// The id of the event that its record is about, as [`Record::event`] gives it. `None`: it has none.
    pub event: Option<String>,
    /// The id of the event.
    pub event_id: String,
    /// The id that its record has in common with that of the other account. `None`: there is one record of it.
    pub shared_event_id: Option<String>,
    /// The call: one of [`ISSUING_CALLS`], or [`SWITCHED_ROLE`].
    pub call: String,
    /// When.
    pub time: Timestamp,
    /// The account that the record was delivered to. `None`: not recorded.
    pub account: Option<String>,
    /// The address or the service that the call came from. `None`: not recorded.
    pub source: Option<String>,
    /// Who called.
    pub caller: Actor,
    /// The unique id of who called, for a session with its name. `None`: not recorded.
    pub caller_id: Option<String>,
    /// Since when the caller's own session is. `None`: it is none, or not recorded.
    pub caller_since: Option<Timestamp>,
    /// The access key that was given out. `None`: not recorded, as for the console.
    pub access_key: Option<String>,
    /// Until when that key works. `None`: not recorded.
    pub expires: Option<Timestamp>,
    /// The unique id of the session: `AROA…:name`. `None`: not recorded.
    pub session_id: Option<String>,
    /// The ARN of the role; of a call on a stack the one that it is given. `None`: it is no session of a role, or not
    /// recorded.
    pub role: Option<String>,
    /// The region. `None`: not recorded.
    pub region: Option<String>,
    /// The stack or stack set that it is about. `None`: it began a session, or the name is not recorded.
    pub stack: Option<String>,
    /// Which stack it is about and what it keeps of it. `None`: it began a session.
    pub operation: Option<StackOperation>,
    /// The name that the session was given. `None`: not recorded.
    pub session_name: Option<String>,
    /// Where the console came from: the ARN of the user or of the session. `None`: it was no change of roles in it.
    pub switched_from: Option<String>,
    /// Who vouched for the caller: the SAML provider's ARN, or the host of an OIDC provider. `None`: AWS itself.
    pub provider: Option<String>,
    /// What that provider calls the caller. `None`: AWS itself knew it.
    pub subject: Option<String>,
}

impl Issue {
    /// Reads how a session began. `None`: the record is about something else, or nothing was given out.
    pub fn of(record: &Record<'_>) -> Option<Self> {
        let (source, call) = (record.event_source.as_deref()?, record.event_name.as_deref()?);
        let is_switch = source == SIGN_IN && call == SWITCHED_ROLE;
        let is_issue = source == STS && ISSUING_CALLS.contains(&call);
        if !(is_switch || is_issue) {
            return None;
        }
        let text = |part: Option<crate::event::Json<'_>>, path: &str| {
            part.and_then(|part| part.at(path)?.text()).map(|text| text.into_owned()).filter(|text| !text.is_empty())
        };
        let (asked, answer) = (record.request_parameters, record.response_elements);
        let identity = &record.user_identity;
        let caller = Actor::of(record);
        let own = |text: &Option<crate::event::Text<'_>>| text.as_deref().map(str::to_owned);
        let is_external = caller.kind == ActorKind::ExternalUser;
        let seconds = asked.and_then(|asked| asked.at("durationSeconds")?.scalar());
        let expires =
            expiration(text(answer, "credentials.expiration").as_deref(), seconds.as_deref(), record.event_time?);
        Some(Self {
            access_key: text(answer, "credentials.accessKeyId"),
            expires: expires.filter(|_| is_issue),
            session_id: match is_switch {
                // The record is one of the new session.
                true => own(&identity.principal_id),
                false => text(answer, "assumedRoleUser.assumedRoleId")
                    .or_else(|| text(answer, "federatedUser.federatedUserId")),
            },
            role: match is_switch {
                true => caller.role.clone(),
                false => text(asked, "roleArn"),
            },
            session_name: match is_switch {
                true => caller.session_name.clone(),
                false => text(asked, "roleSessionName").or_else(|| text(asked, "name")),
            },
            switched_from: text(record.additional_event_data, "SwitchFrom").filter(|_| is_switch),
            provider: own(&identity.identity_provider)
                .filter(|_| is_external)
                .or_else(|| text(asked, "principalArn").filter(|_| call == "AssumeRoleWithSAML")),
            subject: own(&identity.user_name).filter(|_| is_external),
            ..Self::called(record, call)?
        })
    }

    /// Reads who called, where and when. `None`: it was not done, or the record does not tell when.
    pub(super) fn called(record: &Record<'_>, call: &str) -> Option<Self> {
        if !Outcome::of(record).may_be_done() {
            return None;
        }
        let own = |text: &Option<crate::event::Text<'_>>| text.as_deref().map(str::to_owned);
        let identity = &record.user_identity;
        Some(Self {
            record: record.digest(),
            event: record.event().map(str::to_owned),
            event_id: record.identity().into_owned(),
            shared_event_id: own(&record.shared_event_id),
            call: call.to_owned(),
            time: record.event_time?,
            account: own(&record.recipient_account_id),
            region: own(&record.aws_region),
            source: own(&record.source_ip_address),
            caller: Actor::of(record),
            caller_id: own(&identity.principal_id),
            caller_since: identity.session.as_ref().and_then(since),
            access_key: None,
            expires: None,
            session_id: None,
            role: None,
            session_name: None,
            switched_from: None,
            provider: None,
            subject: None,
            stack: None,
            operation: None,
        })
    }

    /// Takes what only another record of the same call says.
    fn fill(&mut self, other: Self) {
        self.access_key = self.access_key.take().or(other.access_key);
        self.expires = self.expires.take().or(other.expires);
        self.session_id = self.session_id.take().or(other.session_id);
        self.role = self.role.take().or(other.role);
        self.session_name = self.session_name.take().or(other.session_name);
    }

    /// Tells whether this record says more of the caller than another one of the same call: the account of the role has
    /// no more of a caller from elsewhere than its id.
    fn says_more_than(&self, other: &Self) -> bool {
        let weight = |issue: &Self| {
            let is_whole = issue.caller.kind != ActorKind::Account && issue.caller.kind != ActorKind::Unknown;
            (is_whole, issue.access_key.is_some(), issue.caller.access_key.is_some())
        };
        weight(self) > weight(other)
    }
}

/// Reads when credentials expire: `expiration` as CloudTrail writes it, or as the API does; else the time that was
/// asked for, `seconds` behind the call. `None`: neither is recorded.
fn expiration(text: Option<&str>, seconds: Option<&str>, at: Timestamp) -> Option<Timestamp> {
    let written = |text: &str| {
        let plain: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
        let of_form = |form: &&str| DateTime::strptime(form, &plain).ok();
        let utc = |time: DateTime| time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
        plain.parse().ok().or_else(|| EXPIRATIONS.iter().find_map(of_form).and_then(utc))
    };
    let asked = || at.checked_add(SignedDuration::from_secs(seconds?.parse().ok()?)).ok();
    text.and_then(written).or_else(asked)
}

/// Returns since when a session is. `None`: not recorded.
pub(super) fn since(session: &SessionContext<'_>) -> Option<Timestamp> {
    session.creation_date.as_deref()?.parse().ok()
}

/// Tells whether the records of a call in two accounts may be of one caller: one of them may have no more than the
/// account, and one that names another caller as well contradicts it.
fn may_be_of_one_caller(a: &Issue, b: &Issue) -> bool {
    let is_named = |issue: &Issue| !matches!(issue.caller.kind, ActorKind::Account | ActorKind::Unknown);
    !is_named(a) || !is_named(b) || a.caller.name == b.caller.name
}

/// Returns each call once: of the two records of a call between accounts, the one that says more, with what only the
/// other one says. Two records of one event with other bytes are two calls: nothing of one is said of the other.
pub fn once(issues: Vec<Issue>) -> Vec<Issue> {
    let mut all: Vec<Issue> = Vec::new();
    let (mut by_record, mut by_call): (HashMap<RecordDigest, usize>, HashMap<String, usize>) = Default::default();
    let mut joined: HashSet<(usize, Option<String>)> = HashSet::new();
    for issue in issues {
        let of_call = issue.shared_event_id.as_ref().and_then(|id| by_call.get(id)).copied();
        let is_of_caller = |at: &usize| all.get(*at).is_none_or(|known| may_be_of_one_caller(known, &issue));
        let twin = of_call.filter(|at| issue.event.is_none() || !joined.contains(&(*at, issue.event.clone())));
        let twin = twin.filter(is_of_caller);
        let at = by_record.get(&issue.record).copied().or(twin).unwrap_or(all.len());
        by_record.insert(issue.record, at);
        joined.insert((at, issue.event.clone()));
        let call = issue.shared_event_id.clone().filter(|_| of_call.is_none());
        by_call.extend(call.map(|id| (id, at)));
        match all.get_mut(at) {
            Some(known) if issue.says_more_than(known) => {
                let less = std::mem::replace(known, issue);
                known.fill(less);
            }
            Some(known) => known.fill(issue),
            None => all.push(issue),
        }
    }
    all
}
