//! Messages that something has changed: which accounts to look at again. They say that, never what to do.

use serde::Deserialize;

use super::observe::Focus;
use crate::estate::Kind;
use crate::ids::AccountId;

mod queue_listener;

pub use queue_listener::{QueueListener, WakeBatch};

/// What a message is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relevance {
    /// Something was changed that may be ours.
    Change(ChangeHint),
    /// We did it ourselves.
    Own,
    /// It changed nothing: the call failed, or only read.
    Nothing,
}

/// What has to be looked at again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeHint {
    /// The account in which it happened.
    pub account: AccountId,
    /// Accounts joined, left or moved, or their policies changed.
    pub organization: bool,
    /// The account that joined or departed, where it is another one than that in which the event happened.
    pub member: Option<AccountId>,
    /// The kinds of resources that the event can have changed.
    pub kinds: Vec<Kind>,
    /// Who did it, as CloudTrail names them.
    pub actor: String,
}

/// Says why a message is none of EventBridge's about a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMessage {
    /// It is no JSON of the wanted form.
    #[error("it is not an event of EventBridge: {0}")]
    NotAnEvent(String),
    /// It is an event of another kind.
    #[error("it is an event of the kind {0:?}, not a call that CloudTrail recorded")]
    OtherKind(String),
}

/// The part of EventBridge's envelope that matters (Amazon EventBridge user guide, "AWS service events delivered via
/// AWS CloudTrail").
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "detail-type")]
    detail_type: String,
    account: String,
    detail: serde_json::Value,
}

/// The part of a CloudTrail record that matters.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Call {
    event_source: String,
    event_name: String,
    #[serde(default)]
    error_code: Option<String>,
    #[serde(default)]
    read_only: Option<bool>,
    #[serde(default)]
    user_identity: UserIdentity,
    /// What an event of a service itself is about: nobody called.
    #[serde(default)]
    service_event_details: serde_json::Value,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct UserIdentity {
    #[serde(default)]
    arn: Option<String>,
    #[serde(default)]
    invoked_by: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

/// Reads a message. `own_sessions` is how the names of our sessions begin.
///
/// # Errors
/// [`BadMessage`] for what belongs into the dead-letter queue.
pub fn read(body: &str, own_sessions: &str) -> Result<Relevance, BadMessage> {
    let not_an_event = |why: &dyn std::fmt::Display| BadMessage::NotAnEvent(why.to_string());
    let envelope: Envelope = serde_json::from_str(body).map_err(|error| not_an_event(&error))?;
    // Some events of Organizations happen without anybody's call: an account has been created.
    if envelope.detail_type != "AWS API Call via CloudTrail"
        && envelope.detail_type != "AWS Service Event via CloudTrail"
    {
        return Err(BadMessage::OtherKind(envelope.detail_type));
    }
    let account: AccountId = envelope.account.parse().map_err(|error| not_an_event(&error))?;
    let call: Call = serde_json::from_value(envelope.detail).map_err(|error| not_an_event(&error))?;
    if call.error_code.is_some() || call.read_only == Some(true) {
        return Ok(Relevance::Nothing);
    }
    let actor = actor(&call.user_identity);
    if is_own(&call.user_identity, own_sessions) {
        return Ok(Relevance::Own);
    }
    let organization = call.event_source == "organizations.amazonaws.com";
    let kinds = kinds(&call.event_source, &call.event_name);
    let member = named_account(&call.service_event_details).filter(|member| *member != account);
    Ok(Relevance::Change(ChangeHint { account, organization, member, kinds, actor }))
}

/// Returns the account that an event of membership names. Where in the details it stands differs from event to event,
/// so it is looked for: it is only looked at, never changed by what a message says.
fn named_account(details: &serde_json::Value) -> Option<AccountId> {
    let fields = details.as_object()?;
    let own = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("accountId"));
    let own = own.filter_map(|(_, value)| value.as_str()?.parse().ok()).next();
    own.or_else(|| fields.values().find_map(named_account_below))
}

/// One level further down, such as in `createAccountStatus`; a message can be nested deeply by anybody.
fn named_account_below(inner: &serde_json::Value) -> Option<AccountId> {
    inner.as_object()?.get("accountId")?.as_str()?.parse().ok()
}

fn actor(identity: &UserIdentity) -> String {
    let named = identity.arn.as_ref().or(identity.invoked_by.as_ref()).or(identity.kind.as_ref());
    named.cloned().unwrap_or_else(|| "somebody whom CloudTrail does not name".into())
}

/// The ARN of a session ends with its name: `arn:aws:sts::1:assumed-role/ROLE/SESSION`.
fn is_own(identity: &UserIdentity, own_sessions: &str) -> bool {
    let arn = identity.arn.as_deref().unwrap_or_default();
    arn.contains(":assumed-role/") && arn.rsplit('/').next().is_some_and(|session| session.starts_with(own_sessions))
}

fn kinds(source: &str, name: &str) -> Vec<Kind> {
    match source {
        "cloudtrail.amazonaws.com" => vec![Kind::Trail],
        "kms.amazonaws.com" if name == "PutKeyPolicy" => vec![Kind::KeyPolicy],
        "kms.amazonaws.com" => vec![Kind::Key],
        "s3.amazonaws.com" if name.ends_with("BucketPolicy") => vec![Kind::BucketPolicy],
        "s3.amazonaws.com" => vec![Kind::Bucket],
        "sns.amazonaws.com" => vec![Kind::Topic],
        "logs.amazonaws.com" => vec![Kind::LogGroup],
        "iam.amazonaws.com" if name.contains("Role") => vec![Kind::Role],
        "iam.amazonaws.com" => vec![Kind::Policy],
        "organizations.amazonaws.com" if name.ends_with("Policy") => vec![Kind::ServiceControlPolicy],
        "organizations.amazonaws.com" => vec![Kind::TrustedAccess, Kind::DelegatedAdministrator],
        _ => Vec::new(),
    }
}

impl ChangeHint {
    /// Returns what a round that follows the hint is about.
    pub fn focus(&self) -> Focus {
        let accounts = [Some(self.account.clone()), self.member.clone()].into_iter().flatten().collect();
        Focus::Only { organization: self.organization, accounts }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::*;

    fn event(source: &str, name: &str, arn: &str) -> Value {
        json!({
            "version": "0", "id": "1", "detail-type": "AWS API Call via CloudTrail", "source": "aws.cloudtrail",
            "account": "111111111111", "time": "2026-01-05T00:00:00Z", "region": "eu-central-1", "resources": [],
            "detail": {"eventSource": source, "eventName": name, "readOnly": false,
                       "userIdentity": {"type": "AssumedRole", "arn": arn}}
        })
    }

    const OTHER: &str = "arn:aws:sts::111111111111:assumed-role/Admin/mallory";

    fn heard(value: &Value) -> Result<Relevance, BadMessage> {
        read(&value.to_string(), "orgtrail-acme-")
    }

    #[test]
    fn a_stopped_trail_concerns_its_account() {
        let Ok(Relevance::Change(hint)) = heard(&event("cloudtrail.amazonaws.com", "StopLogging", OTHER)) else {
            panic!()
        };
        assert_eq!((hint.account.as_str(), hint.organization), ("111111111111", false));
        assert_eq!((hint.kinds, hint.actor.as_str()), (vec![Kind::Trail], OTHER));
    }

    #[test]
    fn a_moved_account_concerns_the_organization() {
        let Ok(Relevance::Change(hint)) = heard(&event("organizations.amazonaws.com", "MoveAccount", OTHER)) else {
            panic!()
        };
        assert_eq!(hint.focus(), Focus::Only { organization: true, accounts: BTreeSet::from([hint.account]) });
    }

    #[test]
    fn an_account_that_joined_or_departed_by_itself_concerns_the_organization_and_itself() {
        for (name, details) in [
            ("AccountJoinedOrganization", json!({"accountId": "222222222222", "joinedMethod": "Invited"})),
            ("AccountDepartedOrganization", json!({"accountId": "222222222222", "departedMethod": "Cleaned"})),
            ("CreateAccountResult", json!({"createAccountStatus": {"accountId": "222222222222"}})),
        ] {
            let event = json!({
                "version": "0", "id": "1", "detail-type": "AWS Service Event via CloudTrail", "source": "aws.organizations",
                "account": "111111111111", "time": "2026-06-05T00:00:00Z", "region": "us-east-1", "resources": [],
                "detail": {"eventVersion": "1.11", "eventType": "AwsServiceEvent", "managementEvent": true,
                           "eventSource": "organizations.amazonaws.com", "eventName": name, "readOnly": false,
                           "userIdentity": {"accountId": "111111111111", "invokedBy": "organizations.amazonaws.com"},
                           "serviceEventDetails": details}
            });
            let Ok(Relevance::Change(hint)) = heard(&event) else { panic!("{name}") };
            assert_eq!(hint.actor, "organizations.amazonaws.com");
            let accounts = ["111111111111", "222222222222"].map(|id| id.parse().unwrap());
            assert_eq!(hint.focus(), Focus::Only { organization: true, accounts: accounts.into() }, "{name}");
        }
    }

    #[test]
    fn own_calls_failed_calls_and_reads_wake_nobody() {
        let own = "arn:aws:sts::111111111111:assumed-role/OrganizationAccountAccessRole/orgtrail-acme-20260105-1a2b";
        assert_eq!(heard(&event("cloudtrail.amazonaws.com", "StartLogging", own)), Ok(Relevance::Own));
        let user = "arn:aws:iam::111111111111:user/orgtrail-acme-1";
        assert!(matches!(heard(&event("cloudtrail.amazonaws.com", "StopLogging", user)), Ok(Relevance::Change(_))));
        let mut failed = event("cloudtrail.amazonaws.com", "StopLogging", OTHER);
        failed["detail"]["errorCode"] = "AccessDenied".into();
        assert_eq!(heard(&failed), Ok(Relevance::Nothing));
        let mut read = event("cloudtrail.amazonaws.com", "GetTrail", OTHER);
        read["detail"]["readOnly"] = true.into();
        assert_eq!(heard(&read), Ok(Relevance::Nothing));
    }

    #[test]
    fn what_is_no_recorded_call_is_told_apart() {
        for body in
            ["", "{}", "[1]", "{\"detail-type\":\"AWS API Call via CloudTrail\",\"account\":\"x\",\"detail\":{}}"]
        {
            assert!(matches!(read(body, "orgtrail-"), Err(BadMessage::NotAnEvent(_))), "{body}");
        }
        let mut other = event("x", "y", OTHER);
        other["detail-type"] = "EC2 Instance State-change Notification".into();
        assert!(matches!(heard(&other), Err(BadMessage::OtherKind(_))));
    }
}
