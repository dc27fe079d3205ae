//! The rule of the wake queue: events of the management account, of the log account, and of every account that has a
//! trail of its own go into one queue in the log account, from which the daemon learns within seconds that something
//! has changed.
//!
//! CloudTrail's events appear in the region where the call was made, which for a trail is its home region, and those of
//! IAM and Organizations in the partition's global region (Amazon EventBridge user guide, "AWS service events delivered
//! via AWS CloudTrail"). A queue is a target only in its own region, so a rule in another region sends them to the
//! default bus of the home region in the same account, where they are taken up as its own are.
//!
//! From another account EventBridge sends with a role of that account, which the queue's policy lets in by its name and
//! its organization: the policy is as long for a thousand accounts as for one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::topology::Topology;
use super::{DesignInput, tags};
use crate::estate::{Address, DeadLetters, Desired, Kind, Queue, Role, Rule, wake_name};
use crate::event::catalog::{self, SERVICES, Service, TRAIL_SERVICE};
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

/// Returns the name of the queue that takes what could not be read.
pub fn dead_letter_queue(name: &str) -> String {
    // A queue's name has at most 80 characters (SQS API, `CreateQueue`).
    const END: &str = "-dead-letters";
    let start: String = name.chars().take(80 - END.len()).collect();
    format!("{start}{END}")
}

/// Adds queues, rules and roles, where the configuration asks for a queue.
pub(super) fn add(brief: &DesignInput<'_>, layout: &Topology<'_>, desired: &mut Desired) -> Result<(), BadTemplate> {
    let Some(name) = &brief.config.reconcile.wake_queue else { return Ok(()) };
    let plan = Wake::new(brief, layout, name);
    let origins = plan.origins();
    let members = origins.keys().any(|account| !plan.is_center(account));
    plan.queues(members, desired)?;
    for (account, origin) in origins {
        plan.rules(account, &origin, desired)?;
    }
    Ok(())
}

/// What is listened to in an account.
struct Origin {
    pattern: Value,
    /// Regions beside the home region where such events appear.
    elsewhere: BTreeSet<Region>,
}

/// What the parts have in common.
struct Wake<'a> {
    brief: &'a DesignInput<'a>,
    layout: &'a Topology<'a>,
    name: String,
    queue: Address,
}

impl<'a> Wake<'a> {
    fn new(brief: &'a DesignInput<'a>, layout: &'a Topology<'a>, queue: &str) -> Self {
        let queue = Address::regional(&layout.log_account, &brief.config.home_region, Kind::Queue, queue);
        Self { brief, layout, name: wake_name(&brief.config.deployment), queue }
    }

    /// Returns the accounts that are listened to: the two that all depends on, and those that own a trail.
    fn origins(&self) -> BTreeMap<&'a AccountId, Origin> {
        let home = self.home();
        let global = self.layout.partition.global_region().parse().ok().filter(|region| region != home);
        let elsewhere: BTreeSet<Region> = global.into_iter().collect();
        let center = [&self.layout.management_account, &self.layout.log_account];
        let origin = |account| (account, Origin { pattern: pattern(&SERVICES), elsewhere: elsewhere.clone() });
        let mut origins: BTreeMap<_, _> = center.into_iter().map(origin).collect();
        for site in &self.layout.trails {
            // In an account that has only a trail of ours nothing else is listened to.
            let of_member = || Origin { pattern: pattern(&[TRAIL_SERVICE]), elsewhere: BTreeSet::new() };
            let origin = origins.entry(&site.address.account).or_insert_with(of_member);
            origin.elsewhere.extend(Some(site.region(self.brief.config)).filter(|region| *region != home).cloned());
        }
        origins
    }

    fn is_center(&self, account: &AccountId) -> bool {
        *account == self.layout.management_account || *account == self.layout.log_account
    }

    fn arn(&self, service: &str, region: &Region, account: &str, resource: &str) -> String {
        let region = if service == "iam" { "" } else { region.as_str() };
        Arn::new(self.layout.partition, service, region, account, resource).to_string()
    }

    fn home(&self) -> &'a Region {
        &self.brief.config.home_region
    }

    fn queue_arn(&self, name: &str) -> String {
        self.arn("sqs", self.home(), self.layout.log_account.as_str(), name)
    }

    fn role(&self, account: &AccountId) -> Address {
        Address::global(account, Kind::Role, &self.name)
    }

    /// The ARN of the role in an account, or in any account for `*`.
    fn role_arn(&self, account: &str) -> String {
        self.arn("iam", self.home(), account, &format!("role/{}", self.name))
    }

    /// The queue and its dead-letter queue. `members` tells whether roles of other accounts send, beside the management
    /// account's.
    fn queues(&self, members: bool, desired: &mut Desired) -> Result<(), BadTemplate> {
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
                "rule": {"arn": self.arn("events", self.home(), log.as_str(), &format!("rule/{}", self.name))},
                "role": {"arn": self.role_arn(self.layout.management_account.as_str())},
                "management_account": self.layout.management_account,
                "member_role_arns": members.then(|| self.role_arn("*")).as_slice(),
                "organization": {"id": self.brief.organization.id},
            }),
        )?;
        let dead_letters = Some(DeadLetters { queue: self.queue_arn(&dead.name), receptions_max: RECEPTIONS_MAX });
        let queue = Queue { policy: Some(policy), dead_letters, retention_s: RETENTION_S, ..plain };
        desired.want(self.queue.clone(), queue, REASON, vec![dead]);
        Ok(())
    }

    /// The rule in the home region, and in each other region where events appear a rule that leads home.
    fn rules(&self, account: &AccountId, origin: &Origin, desired: &mut Desired) -> Result<(), BadTemplate> {
        // Into a queue of its own account and region EventBridge sends as itself.
        let sends_as_role = *account != self.layout.log_account;
        let bus = self.arn("events", self.home(), account.as_str(), "event-bus/default");
        let mut targets = BTreeSet::new();
        let mut actions = BTreeSet::new();
        if sends_as_role {
            targets.insert(self.queue_arn(&self.queue.name));
            actions.insert("sqs:SendMessage");
        }
        if !origin.elsewhere.is_empty() {
            targets.insert(bus.clone());
            actions.insert("events:PutEvents");
        }
        let mut needs = vec![self.queue.clone()];
        if !targets.is_empty() {
            self.want_role(account, &actions, &targets, desired)?;
            needs.push(self.role(account));
        }
        let role = self.role_arn(account.as_str());
        let home = BTreeMap::from([(self.queue_arn(&self.queue.name), sends_as_role.then(|| role.clone()))]);
        let leads_home = BTreeMap::from([(bus, Some(role))]);
        let elsewhere = origin.elsewhere.iter().map(|region| (region, &leads_home));
        for (region, targets) in std::iter::once((self.home(), &home)).chain(elsewhere) {
            let (pattern, targets) = (origin.pattern.clone(), targets.clone());
            let rule = Rule { pattern, enabled: true, targets, tags: tags(self.brief.config, &BTreeMap::new()) };
            desired.want(Address::regional(account, region, Kind::Rule, &self.name), rule, REASON, needs.clone());
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
            boundary: None,
            max_session_s: None,
            description: Some("Lets EventBridge send events on to the wake queue".into()),
            unique_id: None,
            tags: tags(self.brief.config, &BTreeMap::new()),
        };
        desired.want(self.role(account), role, REASON, Vec::new());
        Ok(())
    }
}

/// Returns the pattern of the events of some services that wake the daemon. It may have 4,096 characters (Amazon
/// EventBridge quotas), so the catalog lets calls that only add something beside a deployment wake nobody: a round by
/// the clock sees them.
fn pattern(services: &[Service]) -> Value {
    let listened = services.iter().filter(|service| catalog::waking_events(service).next().is_some());
    let sources: Vec<&str> = listened.clone().map(|service| service.source).collect();
    let names: BTreeSet<&str> = listened.flat_map(catalog::waking_events).collect();
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
        assert!(pattern(&SERVICES).to_string().len() <= 4096);
    }

    #[test]
    fn the_dead_letter_queue_has_a_name_that_sqs_takes() {
        assert_eq!(dead_letter_queue("acme"), "acme-dead-letters");
        assert_eq!(dead_letter_queue(&"a".repeat(80)).len(), 80);
    }
}
