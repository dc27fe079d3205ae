//! Messages that something has changed: which accounts to look at again. They say that, never what to do.

use super::observe::Focus;
use crate::estate::Kind;
use crate::event::catalog;
use crate::event::{Actor, ActorKind, BadEvent, EventBridgeEvent, Json, Outcome};
use crate::ids::{AccountId, Arn, BadId};

mod queue_listener;

pub use queue_listener::{QueueListener, WakeBatch};

/// The kinds of events that can tell of a change. Some of Organizations happen without anybody's call: an account has
/// been created.
const WAKING_KINDS: [&str; 2] = ["AWS API Call via CloudTrail", "AWS Service Event via CloudTrail"];

/// What a message is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relevance {
    /// Something was changed that may be of this deployment.
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

/// Which calls are this daemon's own: those of sessions that bear its run id, of the role that it assumes, in the
/// account where they happened. Whoever else may assume that role could take the same name for a session, which is only
/// a claim; but another id, another account and another deployment are never this daemon. What a replica did that led
/// before wakes once more, which does no harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSessions {
    /// The run id, which is the name of its sessions.
    run: String,
    /// That role, with its path: `platform/Member`.
    role: String,
}

impl OwnSessions {
    /// Returns which sessions are those of a run, of a role with or without its path.
    pub fn new(run: &str, member_role: &str) -> Self {
        Self { run: run.to_owned(), role: member_role.trim_start_matches('/').to_owned() }
    }

    /// Tells whether a call that happened in an account is one of them. What is not recorded is not taken for it.
    fn has(&self, actor: &Actor, account: &AccountId) -> bool {
        let is = |arn: &str, service: &str, resource: &str| {
            arn.parse::<Arn>().is_ok_and(|arn| {
                (arn.service(), arn.account(), arn.resource()) == (service, account.as_str(), resource)
            })
        };
        let name = self.role.rsplit('/').next().unwrap_or_default();
        actor.kind == ActorKind::Role
            && actor.account.as_deref().is_none_or(|of| of == account.as_str())
            && is(&actor.name, "sts", &format!("assumed-role/{name}/{}", self.run))
            && actor.role.as_deref().is_none_or(|role| is(role, "iam", &format!("role/{}", self.role)))
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
    if own.has(&actor, &account) {
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

    const RUN: &str = "orgtrail-acme-20260105T000000Z-1a2b";

    fn own() -> OwnSessions {
        OwnSessions::new(RUN, "OrganizationAccountAccessRole")
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
        let own = format!("arn:aws:sts::111111111111:assumed-role/OrganizationAccountAccessRole/{RUN}");
        assert_eq!(heard(&event("cloudtrail.amazonaws.com", "StartLogging", &own)), Ok(Relevance::Own));
        let mut failed = event("cloudtrail.amazonaws.com", "StopLogging", OTHER);
        failed["detail"]["errorCode"] = "AccessDenied".into();
        assert_eq!(heard(&failed), Ok(Relevance::Nothing));
        let mut read = event("cloudtrail.amazonaws.com", "GetTrail", OTHER);
        read["detail"]["readOnly"] = true.into();
        assert_eq!(heard(&read), Ok(Relevance::Nothing));
    }

    #[test]
    fn a_call_of_anybody_else_is_never_taken_for_our_own() {
        let role = "OrganizationAccountAccessRole";
        let session =
            |account: &str, role: &str, name: &str| format!("arn:aws:sts::{account}:assumed-role/{role}/{name}");
        for arn in [
            "arn:aws:iam::111111111111:user/orgtrail-acme-1".to_owned(),
            // Whoever assumes another role can name its session as it likes.
            session("111111111111", "Admin", RUN),
            // A stranger has a role of that name too.
            session("999999999999", role, RUN),
            session("999999999999", role, "orgtrail-acme-evil"),
            // A person, another deployment, another replica, an earlier run.
            session("111111111111", role, "orgtrail-acme-mallory"),
            session("111111111111", role, "orgtrail-acme-prod-20260105T000000Z-1a2b"),
            session("111111111111", role, "orgtrail-acme-20260105T000000Z-1a2c"),
            session("111111111111", role, &format!("{RUN}-2")),
            session("111111111111", role, ""),
            session("111111111111", &format!("{role}/{RUN}"), "mallory"),
        ] {
            let heard = heard(&event("cloudtrail.amazonaws.com", "StopLogging", &arn));
            assert!(matches!(heard, Ok(Relevance::Change(_))), "{arn}: {heard:?}");
        }
        let own = session("111111111111", role, RUN);
        let issued = |identity: Value| {
            let mut message = event("cloudtrail.amazonaws.com", "StopLogging", &own);
            message["detail"]["userIdentity"] = identity;
            heard(&message)
        };
        let issuer = |arn: &str| json!({"sessionIssuer": {"type": "Role", "arn": arn}});
        let of = |role: &str| {
            let context = issuer(role);
            json!({"type": "AssumedRole", "arn": own, "accountId": "111111111111", "sessionContext": context})
        };
        assert_eq!(issued(of(&format!("arn:aws:iam::111111111111:role/{role}"))), Ok(Relevance::Own));
        for other in [
            of(&format!("arn:aws:iam::999999999999:role/{role}")),
            of(&format!("arn:aws:iam::111111111111:role/theirs/{role}")),
            of("arn:aws:iam::111111111111:role/Admin"),
            json!({"type": "AssumedRole", "arn": own, "accountId": "999999999999"}),
            json!({"type": "AssumedRole", "principalId": format!("AROAEXAMPLE:{RUN}"), "accountId": "111111111111"}),
            json!({"type": "IAMUser", "arn": own}),
        ] {
            let heard = issued(other.clone());
            assert!(matches!(heard, Ok(Relevance::Change(_))), "{other}: {heard:?}");
        }
        let pathed = OwnSessions::new(RUN, "/platform/Member");
        let message = |issuer: &str| {
            let mut message = event("iam.amazonaws.com", "CreateRole", &session("111111111111", "Member", RUN));
            message["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] = issuer.into();
            read(&message.to_string(), &pathed)
        };
        assert_eq!(message("arn:aws:iam::111111111111:role/platform/Member"), Ok(Relevance::Own));
        assert!(matches!(message("arn:aws:iam::111111111111:role/Member"), Ok(Relevance::Change(_))));
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
            let answered = HistoryEvent { record: Some(&record), ..HistoryEvent::default() };
            assert_eq!(answered.change(None).unwrap().unwrap().actor, hint.actor, "{message}");
            assert!(!hint.actor.is_empty());
        }
    }

    #[test]
    fn what_was_attempted_by_sign_in_or_read_wakes_nobody_and_an_odd_error_does() {
        let mut odd = event("cloudtrail.amazonaws.com", "StopLogging", OTHER);
        odd["detail"]["readOnly"] = "false".into();
        odd["detail"]["errorCode"] = json!({"code": "AccessDenied"});
        assert!(matches!(heard(&odd), Ok(Relevance::Change(_))), "it may have been done");
        for code in
            [json!("InternalFailure"), json!("ServiceUnavailable"), json!("RequestTimeout"), json!(500), json!(false)]
        {
            odd["detail"]["errorCode"] = code;
            assert!(matches!(heard(&odd), Ok(Relevance::Change(_))), "{odd}");
        }
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
