//! What leads out of the archive: copies, lists, messages, grants. What goes to a stranger or to another member is a
//! violation; what stays in the log account or the management account is listed.

use std::collections::BTreeSet;

use super::{Around, Judge, Standing, When, open};
use crate::estate::surroundings::{
    AclGrant, BucketExposure, KeyGrant, LogGroupExposure, Readable, Subscription, Surroundings, Target,
};
use crate::estate::{ACCOUNT_TAG, Address, Kind, Resource};
use crate::ids::{AccountId, Arn};
use crate::plan::{Finding, Harm, Violation};
use crate::policy::isolation::{Invariant, Unproven};

/// The group with which S3 writes access logs (Amazon S3 user guide, "ACL overview").
pub(in crate::plan) const LOG_DELIVERY: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";

/// What a reader of the logs does with their key, and what leaves a grant as it is. Everything else that a grant can
/// give is more than reading (AWS KMS API, `GrantListEntry`, `Operations`).
const READS_WITH_KEY: [&str; 3] = ["Decrypt", "DescribeKey", "RetireGrant"];

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
    pub(super) fn exposure(&self, surroundings: &Surroundings, result: &mut Around) {
        for (address, exposure) in &surroundings.buckets {
            self.bucket(address, exposure, result);
        }
        for (address, part) in &surroundings.keys {
            self.each(address, "grants of the key", part, result, |grant, result| self.grant(address, grant, result));
        }
        for (address, part) in &surroundings.topics {
            self.each(address, "subscriptions of the topic", part, result, |one, result| {
                self.subscription(address, one, result);
            });
        }
        for (address, exposure) in &surroundings.log_groups {
            self.log_group(address, exposure, result);
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
                    lake: None,
                });
            }
        }
    }

    /// Returns the ARN of the lake's bucket where that is what leads out.
    fn lake_at(&self, address: &Address) -> Option<String> {
        let is_lake = self.desired.is_lake(address);
        is_lake.then(|| address.arn(self.desired.partition)).flatten().map(|arn| arn.to_string())
    }

    /// Goes through a part, or says that it could not be read.
    fn each<T>(
        &self,
        address: &Address,
        what: &str,
        part: &Readable<Vec<T>>,
        result: &mut Around,
        mut judge: impl FnMut(&T, &mut Around),
    ) {
        match part {
            Readable::Read(items) => items.iter().for_each(|item| judge(item, result)),
            Readable::Unreadable(problem) => {
                let open = open(Invariant::NothingLeadsOut, format!("{what} {}", address.name), problem);
                result.unproven.push(Unproven { lake: self.lake_at(address), ..open });
            }
        }
    }

    fn bucket(&self, address: &Address, exposure: &BucketExposure, result: &mut Around) {
        let BucketExposure { acl, website, replication, inventories, notifications } = exposure;
        let enforced = matches!(self.observed.resource(address), Some(Resource::Bucket(bucket))
            if bucket.object_ownership.as_deref() == Some("BucketOwnerEnforced"));
        self.each(address, "access control list of", acl, result, |grant, result| {
            // With ownership enforced, access control lists have no effect.
            if !enforced {
                self.acl(address, grant, result);
            }
        });
        match website {
            Readable::Read(true) => result.findings.push(Finding::new(
                Harm::LessProtected,
                address,
                "website",
                "the bucket is served as a website: whatever its policy opens to anyone can be read by a browser",
                format!("take it away: `aws s3api delete-bucket-website --bucket {}`", address.name),
            )),
            Readable::Read(false) => {}
            Readable::Unreadable(problem) => {
                let open = open(Invariant::NothingLeadsOut, format!("website of {}", address.name), problem);
                result.unproven.push(Unproven { lake: self.lake_at(address), ..open });
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
        let KeyGrant { id, grantee, operations } = grant;
        let list: Vec<&str> = operations.iter().map(String::as_str).collect();
        let only = |known: &[&str]| list.iter().all(|one| known.contains(one));
        let is_service = !grantee.contains(':') && grantee.contains('.');
        let account =
            account_of(grantee).or_else(|| grantee.parse::<AccountId>().ok().map(|account| account.to_string()));
        let is_home = account.as_deref().is_some_and(|account| self.is_home_of(address, account));
        let member = self.reader_of(grantee).filter(|_| is_home);
        let gives_too_much = match &account {
            _ if only(&READS_WITH_KEY[1..]) || is_service => false,
            // A reader decrypts with its own policy, which knows the logs from the rest.
            Some(_) if is_home => member.is_some(),
            Some(account) => self.standing(account) != Standing::Inside || !only(&READS_WITH_KEY),
            None => false,
        };
        let action = format!("kms:{}", list.join(", kms:"));
        if gives_too_much {
            let who = match member {
                Some(member) => format!("account {member}, by its reader {grantee},"),
                None => grantee.clone(),
            };
            let resource = address.arn(self.desired.partition).map_or_else(|| address.name.clone(), |a| a.to_string());
            let mut violation = violation(address, who, action, resource);
            violation.statement = Some(format!("grant {id}"));
            result.violations.push(violation);
        } else if account.is_some() || is_service || only(&READS_WITH_KEY[1..]) {
            result.leads_on.push(format!("a grant of the key {} lets {grantee} {}", address.name, list.join(", ")));
        } else {
            self.lead(Lead { address, what: "a grant", action, to: grantee.clone() }, None, result);
        }
    }

    /// Tells whether an account owns a resource, is the log account or runs the organization.
    fn is_home_of(&self, address: &Address, account: &str) -> bool {
        [&address.account, &self.desired.log_account, &self.organization.management_account]
            .iter()
            .any(|home| home.as_str() == account)
    }

    /// Returns the account that a role of the log account, or a session of it, reads for.
    fn reader_of(&self, arn: &str) -> Option<String> {
        let resource = arn.splitn(6, ':').nth(5)?;
        // A session's ARN has the role's name without its path.
        let name = match resource.strip_prefix("assumed-role/") {
            Some(session) => session.split('/').next()?,
            None => resource.strip_prefix("role/")?.rsplit('/').next()?,
        };
        let tag = |resource: &Resource| match resource {
            Resource::Role(role) => role.tags.get(ACCOUNT_TAG).cloned(),
            _ => None,
        };
        let wanted = self.desired.wanted.iter().map(|(address, wanted)| (address, &wanted.resource));
        let mut roles = wanted.chain(self.observed.resources()).filter(|(address, _)| {
            address.kind == Kind::Role
                && address.account == self.desired.log_account
                && address.name.rsplit('/').next() == Some(name)
        });
        let account = roles.find_map(|(_, resource)| tag(resource))?;
        (!self.is_home_of(self.bucket, &account)).then_some(account)
    }

    fn subscription(&self, address: &Address, one: &Subscription, result: &mut Around) {
        let Subscription { protocol, endpoint, owner } = one;
        // An endpoint in AWS tells its account; of everything else the account that subscribed answers.
        let account = account_of(endpoint).or_else(|| owner.clone());
        let to = format!("{protocol} {endpoint}");
        self.lead(Lead { address, what: "a subscription", action: "sns:Subscribe".into(), to }, account, result);
    }

    fn log_group(&self, address: &Address, exposure: &LogGroupExposure, result: &mut Around) {
        self.each(address, "subscriptions of the log group", &exposure.subscriptions, result, |arn, result| {
            let action = "logs:PutSubscriptionFilter".into();
            self.lead(
                Lead { address, what: "a subscription filter", action, to: arn.clone() },
                account_of(arn),
                result,
            );
        });
        // What they let in is a matter of the proof of isolation.
        if let Readable::Unreadable(problem) = &exposure.policies {
            let who = format!("resource policies for the log group {}", address.name);
            result.unproven.push(open(Invariant::NothingLeadsOut, who, problem));
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
                lake: self.lake_at(address),
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
