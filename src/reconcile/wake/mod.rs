//! Messages that something has changed: which accounts to look at again. They say that, never what to do.

use super::observe::Focus;
use crate::estate::Kind;
use crate::event::catalog;
use crate::event::{Actor, BadEvent, EventBridgeEvent, Json, Outcome};
use crate::ids::{AccountId, BadId};

mod queue_listener;

pub use queue_listener::{QueueListener, WakeBatch};

/// The kinds of events that can tell of a change. Some of Organizations happen without anybody's call: an account has
/// been created.
const WAKING_KINDS: [&str; 2] = ["AWS API Call via CloudTrail", "AWS Service Event via CloudTrail"];

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
    /// Who did it, as [`Actor::name`] says it.
    pub actor: String,
}

/// Which calls are orgtrail's own. Anybody can name a session as it names its own: only together with the role that it
/// assumes in every account the name says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSessions {
    /// How the names of its sessions begin.
    pub prefix: String,
    /// The name of that role, without its path.
    pub role: String,
}

impl OwnSessions {
    /// Returns which sessions are those of a role, with or without its path, whose names begin so.
    pub fn new(prefix: String, member_role: &str) -> Self {
        Self { prefix, role: member_role.rsplit('/').next().unwrap_or_default().to_owned() }
    }

    fn has(&self, actor: &Actor) -> bool {
        let session = actor.session_of_role().filter(|_| actor.role_name() == Some(&self.role));
        session.is_some_and(|session| session.starts_with(&self.prefix))
    }
}

/// Reads a message. What our own sessions did changes nothing that is not known.
///
/// # Errors
/// [`BadEvent`] for what belongs into the dead-letter queue.
pub fn read(body: &str, own: &OwnSessions) -> Result<Relevance, BadEvent> {
    let not_an_event = |why: String| BadEvent::NotAnEvent(why);
    let EventBridgeEvent { detail_type, account, record, .. } = EventBridgeEvent::read(body)?;
    if !WAKING_KINDS.contains(&detail_type.as_ref()) {
        return Err(BadEvent::OtherKind(detail_type.into_owned()));
    }
    let account: AccountId = account.parse().map_err(|error: BadId| not_an_event(error.to_string()))?;
    let (Some(source), Some(name)) = (record.event_source.as_deref(), record.event_name.as_deref()) else {
        return Err(not_an_event("its record does not name a call".into()));
    };
    if !record.may_write() || !Outcome::of(&record).may_be_done() {
        return Ok(Relevance::Nothing);
    }
    let actor = Actor::of(&record);
    if own.has(&actor) {
        return Ok(Relevance::Own);
    }
    let organization = source == "organizations.amazonaws.com";
    let kinds = kinds(source, name);
    let member = record.service_event_details.and_then(named_account).filter(|member| *member != account);
    Ok(Relevance::Change(ChangeHint { account, organization, member, kinds, actor: actor.name }))
}

/// Returns the account that an event of membership names. Where in the details it stands differs from event to event,
/// so it is looked for: it is only looked at, never changed by what a message says.
fn named_account(details: Json<'_>) -> Option<AccountId> {
    let account = |json: Json<'_>| json.text()?.parse().ok();
    let own = details.fields().filter(|(name, _)| name.eq_ignore_ascii_case("accountId"));
    let own = own.filter_map(|(_, value)| account(value)).next();
    // One level further down, such as in `createAccountStatus`.
    own.or_else(|| details.fields().find_map(|(_, inner)| account(inner.get("accountId")?)))
}

/// Returns the kinds of resources that a call changes. The rules send what is in the catalog; of another call nobody
/// says what it changed.
fn kinds(source: &str, name: &str) -> Vec<Kind> {
    catalog::find(source, name).and_then(|call| Kind::of_target(call.target)).into_iter().collect()
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
    use crate::event::HistoryEvent;

    fn event(source: &str, name: &str, arn: &str) -> Value {
        json!({
            "version": "0", "id": "1", "detail-type": "AWS API Call via CloudTrail", "source": "aws.cloudtrail",
            "account": "111111111111", "time": "2026-01-05T00:00:00Z", "region": "eu-central-1", "resources": [],
            "detail": {"eventSource": source, "eventName": name, "readOnly": false,
                       "userIdentity": {"type": "AssumedRole", "arn": arn}}
        })
    }

    const OTHER: &str = "arn:aws:sts::111111111111:assumed-role/Admin/mallory";

    fn own() -> OwnSessions {
        OwnSessions { prefix: "orgtrail-acme-".into(), role: "OrganizationAccountAccessRole".into() }
    }

    fn heard(value: &Value) -> Result<Relevance, BadEvent> {
        read(&value.to_string(), &own())
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
        // Whoever assumes another role can name its session as it likes.
        let forged = "arn:aws:sts::111111111111:assumed-role/Admin/orgtrail-acme-20260105-1a2b";
        assert!(matches!(heard(&event("cloudtrail.amazonaws.com", "StopLogging", forged)), Ok(Relevance::Change(_))));
        let mut failed = event("cloudtrail.amazonaws.com", "StopLogging", OTHER);
        failed["detail"]["errorCode"] = "AccessDenied".into();
        assert_eq!(heard(&failed), Ok(Relevance::Nothing));
        let mut read = event("cloudtrail.amazonaws.com", "GetTrail", OTHER);
        read["detail"]["readOnly"] = true.into();
        assert_eq!(heard(&read), Ok(Relevance::Nothing));
    }

    /// `drift --who` and a round that a message woke must not name two people for one change.
    #[test]
    fn the_queue_and_the_event_history_name_the_same_actor_of_the_same_event() {
        let role = "arn:aws:iam::111111111111:role/platform/Admin";
        let context = json!({"sessionIssuer": {"type": "Role", "arn": role}, "sourceIdentity": "eve"});
        for identity in [
            json!({"type": "AssumedRole", "arn": OTHER, "sessionContext": context}),
            json!({"type": "AssumedRole", "arn": OTHER, "invokedBy": "cloudformation.amazonaws.com"}),
            json!({"type": "AWSService", "invokedBy": "config.amazonaws.com"}),
            json!({"type": "AWSAccount", "principalId": "AIDAEXAMPLE", "accountId": "222222222222"}),
            json!({"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}),
            json!({"type": "IAMUser", "userName": "eve"}),
            json!({"type": "Unknown"}),
            json!({}),
        ] {
            let mut message = event("cloudtrail.amazonaws.com", "StopLogging", OTHER);
            message["detail"]["eventTime"] = "2026-01-05T00:00:00Z".into();
            message["detail"]["userIdentity"] = identity;
            let Ok(Relevance::Change(hint)) = heard(&message) else { panic!("{message}") };
            let record = message["detail"].to_string();
            let answered = HistoryEvent { record: Some(&record), username: Some("other"), ..HistoryEvent::default() };
            assert_eq!(answered.change(None).unwrap().actor, hint.actor, "{message}");
            assert!(!hint.actor.is_empty());
        }
    }

    #[test]
    fn what_was_attempted_by_sign_in_or_read_wakes_nobody_and_an_odd_error_does() {
        let mut odd = event("cloudtrail.amazonaws.com", "StopLogging", OTHER);
        odd["detail"]["readOnly"] = "false".into();
        odd["detail"]["errorCode"] = json!({"code": "AccessDenied"});
        assert!(matches!(heard(&odd), Ok(Relevance::Change(_))), "it may have been done");
        odd["detail"]["readOnly"] = "true".into();
        assert_eq!(heard(&odd), Ok(Relevance::Nothing));
    }

    #[test]
    fn a_call_concerns_the_kind_that_it_changes() {
        for (source, name, kinds) in [
            ("cloudtrail", "DeregisterOrganizationDelegatedAdmin", vec![Kind::DelegatedAdministrator]),
            ("s3", "DeleteBucketPolicy", vec![Kind::BucketPolicy]),
            ("s3", "PutBucketLifecycle", vec![Kind::Bucket]),
            ("kms", "PutKeyPolicy", vec![Kind::KeyPolicy]),
            ("kms", "UpdateAlias", vec![Kind::Key]),
            ("iam", "DetachRolePolicy", vec![Kind::Role]),
            ("organizations", "DetachPolicy", vec![Kind::ServiceControlPolicy]),
            ("organizations", "DisableAWSServiceAccess", vec![Kind::TrustedAccess]),
            ("organizations", "MoveAccount", vec![]),
            ("ec2", "DeleteVpc", vec![]),
        ] {
            let message = event(&format!("{source}.amazonaws.com"), name, OTHER);
            let Ok(Relevance::Change(hint)) = heard(&message) else { panic!("{name}") };
            assert_eq!(hint.kinds, kinds, "{name}");
        }
    }

    #[test]
    fn what_is_no_recorded_call_is_told_apart() {
        for body in
            ["", "{}", "[1]", "{\"detail-type\":\"AWS API Call via CloudTrail\",\"account\":\"x\",\"detail\":{}}"]
        {
            assert!(matches!(read(body, &own()), Err(BadEvent::NotAnEvent(_))), "{body}");
        }
        let mut other = event("x", "y", OTHER);
        other["detail-type"] = "EC2 Instance State-change Notification".into();
        assert!(matches!(heard(&other), Err(BadEvent::OtherKind(_))));
    }
}
