//! The rule of the wake queue: events of the management account and of the log account go into one queue in the log
//! account, from which the daemon learns within seconds that something has changed.
//!
//! CloudTrail's events appear in the region where the call was made, and those of IAM and Organizations in the
//! partition's global region (Amazon EventBridge user guide, "AWS service events delivered via AWS CloudTrail"). A rule
//! there sends them to the default bus of the home region, where the same events are taken up as its own are.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::layout::Layout;
use super::{Brief, tags};
use crate::estate::{Address, DeadLetters, Desired, Kind, Queue, Role, Rule};
use crate::ids::{AccountId, Arn, Region};
use crate::policy::template::BadTemplate;

const REASON: &str = "reconcile.wake_queue";

/// The name of the role's inline policy.
const ROLE_POLICY: &str = "SendEventsOn";

/// A message is received so often before it is put aside: each time the round that it asked for failed.
const RECEPTIONS_MAX: u32 = 5;

/// Messages older than a day are no news: a round by the clock has found what they tell of.
const RETENTION_S: u32 = 24 * 3600;

/// Messages that were put aside stay as long as SQS keeps any (SQS API, `SetQueueAttributes`): 14 days.
const DEAD_RETENTION_S: u32 = 14 * 24 * 3600;

/// Calls that can change what a deployment consists of, by service. The pattern of a rule may have 4,096 characters
/// (Amazon EventBridge quotas), so calls that only add something beside it are left to the rounds by the clock.
const CALLS: [(&str, &[&str]); 5] = [
    (
        "cloudtrail.amazonaws.com",
        &[
            "StopLogging",
            "DeleteTrail",
            "UpdateTrail",
            "PutEventSelectors",
            "PutInsightSelectors",
            "RemoveTags",
            "DeregisterOrganizationDelegatedAdmin",
        ],
    ),
    (
        "s3.amazonaws.com",
        &[
            "PutBucketPolicy",
            "DeleteBucketPolicy",
            "PutBucketVersioning",
            "PutBucketEncryption",
            "DeleteBucketEncryption",
            "PutBucketLifecycle",
            "DeleteBucketLifecycle",
            "PutBucketPublicAccessBlock",
            "DeleteBucketPublicAccessBlock",
            "PutBucketOwnershipControls",
            "PutBucketLogging",
            "PutBucketRequestPayment",
            "PutBucketTagging",
            "DeleteBucketTagging",
            "DeleteBucket",
        ],
    ),
    (
        "kms.amazonaws.com",
        &[
            "DisableKey",
            "ScheduleKeyDeletion",
            "PutKeyPolicy",
            "DisableKeyRotation",
            "DeleteAlias",
            "UpdateAlias",
            "UntagResource",
        ],
    ),
    (
        "iam.amazonaws.com",
        &[
            "DeleteRole",
            "UpdateRole",
            "UpdateAssumeRolePolicy",
            "PutRolePolicy",
            "DeleteRolePolicy",
            "AttachRolePolicy",
            "DetachRolePolicy",
            "UntagRole",
        ],
    ),
    (
        "organizations.amazonaws.com",
        &[
            "CreateAccountResult",
            "AcceptHandshake",
            "MoveAccount",
            "CloseAccount",
            "CloseAccountResult",
            "RemoveAccountFromOrganization",
            "LeaveOrganization",
            "DisableAWSServiceAccess",
            "DeregisterDelegatedAdministrator",
            "UpdatePolicy",
            "DetachPolicy",
            "DeletePolicy",
        ],
    ),
];

/// Returns the name of the queue that takes what nobody understood.
pub fn dead_letter_queue(name: &str) -> String {
    // A queue's name has at most 80 characters (SQS API, `CreateQueue`).
    const END: &str = "-dead-letters";
    let start: String = name.chars().take(80 - END.len()).collect();
    format!("{start}{END}")
}

/// Adds queues, rules and roles, where the configuration asks for a queue.
pub(super) fn add(brief: &Brief<'_>, layout: &Layout<'_>, desired: &mut Desired) -> Result<(), BadTemplate> {
    let Some(name) = &brief.config.reconcile.wake_queue else { return Ok(()) };
    let plan = Wake::new(brief, layout, name);
    plan.queues(desired)?;
    for account in [&layout.management_account, &layout.log_account] {
        plan.rules(account, desired)?;
    }
    Ok(())
}

/// What the parts have in common.
struct Wake<'a> {
    brief: &'a Brief<'a>,
    layout: &'a Layout<'a>,
    name: String,
    queue: Address,
    global: Option<Region>,
}

impl<'a> Wake<'a> {
    fn new(brief: &'a Brief<'a>, layout: &'a Layout<'a>, queue: &str) -> Self {
        let home = &brief.config.home_region;
        let global = layout.partition.global_region().parse().ok().filter(|region| region != home);
        let queue = Address::regional(&layout.log_account, home, Kind::Queue, queue);
        Self { brief, layout, name: format!("orgtrail-{}-wake", brief.config.deployment), queue, global }
    }

    fn arn(&self, service: &str, region: &Region, account: &AccountId, resource: &str) -> String {
        let region = if service == "iam" { "" } else { region.as_str() };
        Arn::new(self.layout.partition, service, region, account.as_str(), resource).to_string()
    }

    fn home(&self) -> &Region {
        &self.brief.config.home_region
    }

    fn queue_arn(&self, name: &str) -> String {
        self.arn("sqs", self.home(), &self.layout.log_account, name)
    }

    fn role(&self, account: &AccountId) -> Address {
        Address::global(account, Kind::Role, &self.name)
    }

    fn role_arn(&self, account: &AccountId) -> String {
        self.arn("iam", self.home(), account, &format!("role/{}", self.name))
    }

    fn queues(&self, desired: &mut Desired) -> Result<(), BadTemplate> {
        let (log, config) = (&self.layout.log_account, self.brief.config);
        let dead = Address::regional(log, self.home(), Kind::Queue, dead_letter_queue(&self.queue.name));
        let plain = Queue {
            policy: None,
            dead_letters: None,
            retention_s: DEAD_RETENTION_S,
            encrypted: true,
            tags: tags(config, &BTreeMap::new()),
        };
        desired.want(dead.clone(), plain.clone(), REASON, Vec::new());
        let policy = self.brief.templates.render(
            "queue.json.hbs",
            &json!({
                "partition": self.layout.partition,
                "queue": {"arn": self.queue_arn(&self.queue.name)},
                "rule": {"arn": self.arn("events", self.home(), log, &format!("rule/{}", self.name))},
                "role": {"arn": self.role_arn(&self.layout.management_account)},
                "management_account": self.layout.management_account,
            }),
        )?;
        let dead_letters = Some(DeadLetters { queue: self.queue_arn(&dead.name), receptions_max: RECEPTIONS_MAX });
        let queue = Queue { policy: Some(policy), dead_letters, retention_s: RETENTION_S, ..plain };
        desired.want(self.queue.clone(), queue, REASON, vec![dead]);
        Ok(())
    }

    /// The rule in the home region, and where the global region is another one, a rule there that leads home.
    fn rules(&self, account: &AccountId, desired: &mut Desired) -> Result<(), BadTemplate> {
        // Into a queue of its own account and region EventBridge sends as itself.
        let sends_as_role = *account != self.layout.log_account;
        let bus = self.arn("events", self.home(), account, "event-bus/default");
        let mut targets = BTreeSet::new();
        let mut actions = BTreeSet::new();
        if sends_as_role {
            targets.insert(self.queue_arn(&self.queue.name));
            actions.insert("sqs:SendMessage");
        }
        if self.global.is_some() {
            targets.insert(bus.clone());
            actions.insert("events:PutEvents");
        }
        let mut needs = vec![self.queue.clone()];
        if !targets.is_empty() {
            self.want_role(account, &actions, &targets, desired)?;
            needs.push(self.role(account));
        }
        let role = self.role_arn(account);
        let home = BTreeMap::from([(self.queue_arn(&self.queue.name), sends_as_role.then(|| role.clone()))]);
        self.want_rule(account, self.home(), home, needs.clone(), desired);
        if let Some(global) = &self.global {
            self.want_rule(account, global, BTreeMap::from([(bus, Some(role))]), needs, desired);
        }
        Ok(())
    }

    fn want_role(
        &self,
        account: &AccountId,
        actions: &BTreeSet<&str>,
        targets: &BTreeSet<String>,
        desired: &mut Desired,
    ) -> Result<(), BadTemplate> {
        let templates = self.brief.templates;
        let trust = templates.render("wake-role-trust.json.hbs", &json!({"account": {"id": account}}))?;
        let values = json!({"actions": actions, "target_arns": targets});
        let policy = templates.render("wake-role.json.hbs", &values)?;
        let role = Role {
            trust,
            inline: BTreeMap::from([(ROLE_POLICY.to_owned(), policy)]),
            attached: BTreeSet::new(),
            max_session_s: None,
            description: Some("Lets EventBridge send events on to the wake queue".into()),
            unique_id: None,
            tags: tags(self.brief.config, &BTreeMap::new()),
        };
        desired.want(self.role(account), role, REASON, Vec::new());
        Ok(())
    }

    fn want_rule(
        &self,
        account: &AccountId,
        region: &Region,
        targets: BTreeMap<String, Option<String>>,
        needs: Vec<Address>,
        desired: &mut Desired,
    ) {
        let tags = tags(self.brief.config, &BTreeMap::new());
        let rule = Rule { pattern: pattern(), enabled: true, targets, tags };
        desired.want(Address::regional(account, region, Kind::Rule, &self.name), rule, REASON, needs);
    }
}

fn pattern() -> Value {
    let sources: Vec<&str> = CALLS.iter().map(|(source, _)| *source).collect();
    let names: BTreeSet<&str> = CALLS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    json!({
        "detail-type": ["AWS API Call via CloudTrail", "AWS Service Event via CloudTrail"],
        "detail": {"eventSource": sources, "eventName": names},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_fits_into_a_rule() {
        assert!(pattern().to_string().len() <= 4096);
    }

    #[test]
    fn the_dead_letter_queue_has_a_name_that_sqs_takes() {
        assert_eq!(dead_letter_queue("acme"), "acme-dead-letters");
        assert_eq!(dead_letter_queue(&"a".repeat(80)).len(), 80);
    }
}
