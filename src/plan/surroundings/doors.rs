//! What leads out of the archive: copies, lists, messages, grants. What goes to a stranger or to another member is a
//! violation; what stays in the log account or the management account is listed.

use std::collections::BTreeSet;

use super::{Around, Judge, Standing, When, open};
use crate::estate::surroundings::{
    AclGrant, BucketDoors, KeyGrant, LogGroupDoors, Part, Subscription, Surroundings, Target,
};
use crate::estate::{ACCOUNT_TAG, Address, Kind, Resource};
use crate::ids::{AccountId, Arn};
use crate::plan::{Finding, Harm, Violation};
use crate::policy::document::{Effect, PrincipalElement, Principals, ResourceElement, Statement};
use crate::policy::evaluate::{arn_glob, covers_action};
use crate::policy::isolation::{Invariant, Unproven};
use crate::policy::lint::{outside_grants, unbound_service};

/// The group with which S3 writes access logs (Amazon S3 user guide, "ACL overview").
pub(in crate::plan) const LOG_DELIVERY: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";

/// What of CloudWatch Logs reads events, sends them on or removes them.
const LOGS_ACTIONS: [&str; 10] = [
    "logs:GetLogEvents",
    "logs:FilterLogEvents",
    "logs:GetLogRecord",
    "logs:StartQuery",
    "logs:StartLiveTail",
    "logs:CreateExportTask",
    "logs:PutSubscriptionFilter",
    "logs:PutRetentionPolicy",
    "logs:DeleteLogStream",
    "logs:DeleteLogGroup",
];

/// One thing that leads somewhere.
struct Lead<'a> {
    /// Where it stands.
    address: &'a Address,
    /// What leads, such as `the replication`.
    what: &'static str,
    /// What it does, as an action.
    action: String,
    /// Where it leads.
    to: String,
}

impl Judge<'_> {
    pub(super) fn doors(&self, surroundings: &Surroundings, result: &mut Around) {
        for (address, doors) in &surroundings.buckets {
            self.bucket(address, doors, result);
        }
        for (address, part) in &surroundings.keys {
            self.each(address, "grants of the key", part, result, |grant, result| self.grant(address, grant, result));
        }
        for (address, part) in &surroundings.topics {
            self.each(address, "subscriptions of the topic", part, result, |one, result| {
                self.subscription(address, one, result);
            });
        }
        for (address, doors) in &surroundings.log_groups {
            self.log_group(address, doors, result);
        }
        let leads =
            |address: &&Address| matches!(address.kind, Kind::Bucket | Kind::Key | Kind::Topic | Kind::LogGroup);
        let there = |address: &&Address| self.observed.resource(address).is_some();
        let looked_at: BTreeSet<&Address> = surroundings.addresses().collect();
        for address in self.desired.wanted.keys().filter(leads).filter(there) {
            if !looked_at.contains(address) {
                let why = "what leads out of it was not looked at when the estate was recorded; record it again with \
                           `orgtrail snapshot`";
                result.unproven.push(Unproven {
                    invariant: Invariant::NothingLeadsOut,
                    principal: address.to_string(),
                    why: why.into(),
                });
            }
        }
    }

    /// Goes through a part, or says that it could not be read.
    fn each<T>(
        &self,
        address: &Address,
        what: &str,
        part: &Part<Vec<T>>,
        result: &mut Around,
        mut judge: impl FnMut(&T, &mut Around),
    ) {
        match part {
            Part::Read(items) => items.iter().for_each(|item| judge(item, result)),
            Part::Unreadable(problem) => {
                result.unproven.push(open(Invariant::NothingLeadsOut, format!("{what} {}", address.name), problem));
            }
        }
    }

    fn bucket(&self, address: &Address, doors: &BucketDoors, result: &mut Around) {
        let BucketDoors { acl, website, replication, inventories, notifications } = doors;
        let enforced = matches!(self.observed.resource(address), Some(Resource::Bucket(bucket))
            if bucket.object_ownership.as_deref() == Some("BucketOwnerEnforced"));
        self.each(address, "access control list of", acl, result, |grant, result| {
            // With ownership enforced, access control lists have no effect.
            if !enforced {
                self.acl(address, grant, result);
            }
        });
        match website {
            Part::Read(true) => result.findings.push(Finding::new(
                Harm::LessProtected,
                address,
                "website",
                "the bucket is served as a website: whatever its policy opens to everybody can be read by a browser",
                format!("take it away: `aws s3api delete-bucket-website --bucket {}`", address.name),
            )),
            Part::Read(false) => {}
            Part::Unreadable(problem) => {
                let who = format!("website of {}", address.name);
                result.unproven.push(open(Invariant::NothingLeadsOut, who, problem));
            }
        }
        self.each(address, "replication of", replication, result, |target, result| {
            self.target(address, "the replication", "s3:ReplicateObject", target, result);
        });
        self.each(address, "inventories of", inventories, result, |target, result| {
            self.target(address, "an inventory", "s3:PutInventoryConfiguration", target, result);
        });
        self.each(address, "notifications of", notifications, result, |arn, result| {
            let action = "s3:PutBucketNotification".into();
            self.lead(Lead { address, what: "a notification", action, to: arn.clone() }, account_of(arn), result);
        });
    }

    fn acl(&self, address: &Address, grant: &AclGrant, result: &mut Around) {
        let AclGrant { grantee, permission } = grant;
        if grantee == LOG_DELIVERY {
            result.leads_on.push(format!("the access control list of {} lets S3 write access logs", address.name));
            return;
        }
        let who = match grantee.rsplit('/').next() {
            Some("AllUsers") => "anyone".to_owned(),
            Some("AuthenticatedUsers") => "anyone with an AWS account".to_owned(),
            _ => format!("the canonical user {grantee}"),
        };
        if self.when == When::Now {
            let action = format!("{permission} (access control list)");
            result.violations.push(violation(address, who, action, format!("arn:aws:s3:::{}", address.name)));
            return;
        }
        result.findings.push(Finding::new(
            Harm::LogsExposed,
            address,
            "acl-grant",
            format!("the access control list of the bucket gives {who} {permission}"),
            "the plan enforces bucket ownership, after which lists have no effect; see who needs the access first",
        ));
    }

    fn target(&self, address: &Address, what: &'static str, action: &str, target: &Target, result: &mut Around) {
        let Target { bucket, account } = target;
        let of = account.as_deref().map_or_else(String::new, |account| format!(" of account {account}"));
        let to = format!("the bucket {bucket}{of}");
        let account = account.clone().or_else(|| (bucket == &address.name).then(|| address.account.to_string()));
        self.lead(Lead { address, what, action: action.to_owned(), to }, account, result);
    }

    fn grant(&self, address: &Address, grant: &KeyGrant, result: &mut Around) {
        let KeyGrant { id: _, grantee, operations } = grant;
        let list: Vec<&str> = operations.iter().map(String::as_str).collect();
        let only_describes = operations.iter().all(|one| matches!(one.as_str(), "DescribeKey" | "RetireGrant"));
        let is_service = !grantee.contains(':') && grantee.contains('.');
        if only_describes || is_service {
            result.leads_on.push(format!("a grant of the key {} lets {grantee} {}", address.name, list.join(", ")));
            return;
        }
        let action = format!("kms:{} by a grant", list.join(", kms:"));
        self.lead(
            Lead { address, what: "a grant", action, to: grantee.clone() },
            account_of(grantee).or_else(|| grantee.parse::<AccountId>().ok().map(|account| account.to_string())),
            result,
        );
    }

    fn subscription(&self, address: &Address, one: &Subscription, result: &mut Around) {
        let Subscription { protocol, endpoint, owner } = one;
        // An endpoint in AWS tells its account; of everything else the account that subscribed answers.
        let account = account_of(endpoint).or_else(|| owner.clone());
        let to = format!("{protocol} {endpoint}");
        self.lead(Lead { address, what: "a subscription", action: "sns:Subscribe".into(), to }, account, result);
    }

    fn log_group(&self, address: &Address, doors: &LogGroupDoors, result: &mut Around) {
        self.each(address, "subscriptions of the log group", &doors.subscriptions, result, |arn, result| {
            let action = "logs:PutSubscriptionFilter".into();
            self.lead(
                Lead { address, what: "a subscription filter", action, to: arn.clone() },
                account_of(arn),
                result,
            );
        });
        let policies = match &doors.policies {
            Part::Read(policies) => policies,
            Part::Unreadable(problem) => {
                let who = format!("resource policies for the log group {}", address.name);
                result.unproven.push(open(Invariant::NothingLeadsOut, who, problem));
                return;
            }
        };
        let mut known: BTreeSet<AccountId> = self.desired.reading.trusted.clone();
        known.extend([
            self.desired.log_account.clone(),
            self.organization.management_account.clone(),
            address.account.clone(),
        ]);
        for (name, policy) in policies {
            for (index, statement) in policy.statements.iter().enumerate() {
                let opens = LOGS_ACTIONS.iter().find(|action| covers_action(statement, action));
                let Some(action) = opens.filter(|_| self.reaches(statement, address)) else { continue };
                let grant = outside_grants(statement, None, &known, &[]).or_else(|| unbound_service(statement, &known));
                if let Some(grant) = grant {
                    let resource = format!("the log group {}", address.name);
                    let mut violation = violation(address, grant.principal, (*action).to_owned(), resource);
                    violation.statement = Some(format!("resource policy {name} Statement[{index}]"));
                    result.violations.push(violation);
                } else if self.may_let_readers_in(statement, address) {
                    result.unproven.push(Unproven {
                        invariant: Invariant::ReadsOnlyOwn,
                        principal: format!("the readers of account {}", address.account),
                        why: format!(
                            "resource policy {name} Statement[{index}] lets principals of that account {action} on the log group {} \
                             without policies of their own; that its conditions keep the readers out is not proved",
                            address.name
                        ),
                    });
                }
            }
        }
    }

    /// Tells whether a statement for the log account's own principals lets its readers in too: by their names, or with everybody.
    /// A statement for the account as a whole leaves it to their own policies.
    fn may_let_readers_in(&self, statement: &Statement, group: &Address) -> bool {
        if group.account != self.desired.log_account || statement.effect == Effect::Deny {
            return false;
        }
        let bare = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
        let is_reader = |name: &String| {
            // A session's ARN has its own name after that of its role.
            let role = match name.split_once(":assumed-role/") {
                Some((_, session)) => session.split('/').next().unwrap_or(session).to_owned(),
                None => bare(name),
            };
            self.desired.wanted.iter().any(|(address, wanted)| {
                matches!(&wanted.resource, Resource::Role(wish) if wish.tags.contains_key(ACCOUNT_TAG))
                    && bare(&address.name) == role
            })
        };
        match &statement.principal {
            Some(PrincipalElement::Is(Principals::Listed(by_kind))) => {
                by_kind.get("AWS").is_some_and(|list| list.iter().any(|name| name == "*" || is_reader(name)))
            }
            Some(PrincipalElement::Is(Principals::Anyone) | PrincipalElement::IsNot(_)) => true,
            None => false,
        }
    }

    fn reaches(&self, statement: &Statement, group: &Address) -> bool {
        let Some(arn) = group.arn(self.desired.partition) else { return true };
        let streams = format!("{arn}:*");
        let stream = format!("{arn}:log-stream:any");
        let meets = |pattern: &String| {
            pattern.contains("${")
                || [arn.as_str(), &streams, &stream]
                    .iter()
                    .any(|name| arn_glob(pattern, name) || arn_glob(name, pattern))
        };
        match &statement.resource {
            Some(ResourceElement::Is(list)) => list.iter().any(meets),
            Some(ResourceElement::IsNot(_)) | None => true,
        }
    }

    /// Judges where something leads, by the account.
    fn lead(&self, lead: Lead<'_>, account: Option<String>, result: &mut Around) {
        let Lead { address, what, action, to } = lead;
        let name = &address.name;
        let Some(account) = account else {
            result.unproven.push(Unproven {
                invariant: Invariant::NothingLeadsOut,
                principal: format!("{what} of {name}"),
                why: format!("it leads to {to}, and whose that is, is not known"),
            });
            return;
        };
        let is_own = account == address.account.as_str();
        match self.standing(&account) {
            _ if is_own => result.leads_on.push(format!("{what} of {name} leads to {to}")),
            Standing::Inside => result.leads_on.push(format!("{what} of {name} leads to {to}")),
            Standing::Member | Standing::Outside => {
                let resource = address.arn(self.desired.partition).map_or_else(|| name.clone(), |arn| arn.to_string());
                result.violations.push(violation(address, format!("{to}, by {what},"), action, resource));
            }
        }
    }
}

fn account_of(arn: &str) -> Option<String> {
    let arn: Arn = arn.parse().ok()?;
    Some(arn.account().to_owned()).filter(|account| !account.is_empty())
}

fn violation(address: &Address, principal: String, action: String, resource: String) -> Violation {
    // The policies of bucket and key are what is blamed elsewhere; here it is the bucket or the key itself.
    let address = match address.kind {
        Kind::BucketPolicy => address.with_kind(Kind::Bucket),
        _ => address.clone(),
    };
    let invariant = Invariant::NothingLeadsOut;
    Violation { address, invariant, principal, action, resource, statement: None, author: None }
}
