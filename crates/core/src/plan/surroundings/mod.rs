//! What surrounds the archive, judged: who else administers the log account, what leads out of the archive, which
//! policies of the organization stop its readers or its delivery.
//!
//! Whoever administers the log account reads everything by nature. Such principals are listed with who can become them;
//! that somebody outside the log and the management account can is a violation, unless the configuration names them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Harm, Violation};
use crate::estate::surroundings::{Principal, Readable, Surroundings};
use crate::estate::trusted_access::CLOUDTRAIL_PRINCIPAL;
use crate::estate::{Address, Desired, Estate, Kind, Problem};
use crate::ids::{AccountId, Arn};
use crate::organization::Organization;
use crate::policy::evaluate::{arn_glob, glob};
use crate::policy::isolation::administrators::{Way, ways_in};
use crate::policy::isolation::powers::Power;
use crate::policy::isolation::{Invariant, Unproven};

mod boundaries;
mod controls;
mod copied;
mod exposure;
#[cfg(test)]
pub(in crate::plan) mod tests;

pub(super) use exposure::LOG_DELIVERY;

/// What is looked at besides the policies of bucket, key and readers.
pub const LOOKED_AT: &str = "the policies of bucket, key, topic and readers; every role, user and group of the log account; \
    the bucket's access control list, website, replication, inventories and notifications; the key's grants; the \
    subscriptions of topic and log group; the resource policies of CloudWatch Logs; the delegated administrators of \
    CloudTrail; the service and resource control policies above the log account";

/// What is not.
pub const NOT_LOOKED_AT: &str = "access points, multi-region access points and Object Lambda beyond what the bucket policy \
    lets through; who is behind an identity provider; the root user and the administrators of the management account; copies \
    that were made before; sharing of CloudWatch data across accounts";

/// Whether the archive is judged as it will be or as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Once the changes of a plan are made: what they repair is a finding of now.
    Planned,
    /// As it is.
    Now,
}

/// Somebody who can read, decrypt or change the archive by the log account's own policies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Administrator {
    /// The role, user or group.
    pub arn: String,
    /// What it can do, in words.
    pub can: Vec<&'static str>,
    /// Who can become it, in words; for users and groups that it is one.
    pub become_by: Vec<String>,
    /// The configuration names it.
    pub named: bool,
}

/// The judgement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Around {
    /// What does not hold.
    pub violations: Vec<Violation>,
    /// What cannot be told.
    pub unproven: Vec<Unproven>,
    /// What is wrong, or has to be known.
    pub findings: Vec<Finding>,
    /// What of the delivery cannot be told.
    pub problems: Vec<Problem>,
    /// Who else can read or change the archive.
    pub administrators: Vec<Administrator>,
    /// What leads out of the archive and is no violation, in words.
    pub leads_on: Vec<String>,
}

/// Judges what was seen around the archive. Nothing is judged where no bucket is wanted.
pub fn around(desired: &Desired, observed: &Estate, organization: &Organization, when: When) -> Around {
    let mut result = Around::default();
    let Some(bucket) = desired.log_bucket() else {
        return result;
    };
    let judge = Judge { desired, observed, organization, bucket, when };
    judge.copied(&mut result);
    let Some(surroundings) = &observed.surroundings else {
        result.unproven.push(Unproven {
            invariant: Invariant::NobodyElseAdministers,
            principal: format!("account {}", desired.log_account),
            why:
                "who else reads or changes the archive was not looked at when the estate was recorded; record it again \
                  with `orgtrail snapshot`"
                    .into(),
            lake: None,
        });
        return result;
    };
    judge.principals(surroundings, &mut result);
    judge.delegated_administrators(surroundings, &mut result);
    judge.exposure(surroundings, &mut result);
    judge.controls(surroundings, &mut result);
    judge.boundaries(&mut result);
    judge.log_role_boundaries(&mut result);
    result.violations.sort();
    result.violations.dedup();
    result.unproven.sort();
    result.unproven.dedup();
    result.findings.sort();
    result.findings.dedup();
    result.problems.sort();
    result.problems.dedup();
    result.leads_on.sort();
    result.leads_on.dedup();
    result
}

/// Returns the principals of the log account of which is known that nobody outside the log and the management account
/// becomes them, and those that the configuration names, as ARNs in which `*` stands for any text. What a policy gives
/// them is no question any more. None is known where they were not read.
pub(super) fn judged_principals(desired: &Desired, observed: &Estate, organization: &Organization) -> Vec<String> {
    let named = desired.reading.administrators.iter().map(|name| match name.contains(':') {
        true => name.clone(),
        false => format!("arn:{}:iam::{}:*/{name}", desired.partition, desired.log_account),
    });
    let surroundings = observed.surroundings.as_ref();
    let (Some(bucket), Some(all)) = (desired.log_bucket(), surroundings.and_then(|all| all.principals.read())) else {
        return named.collect();
    };
    let judge = Judge { desired, observed, organization, bucket, when: When::Now };
    let closed = all.iter().filter(|principal| judge.is_closed(principal)).map(|principal| principal.arn.clone());
    named.chain(closed).collect()
}

/// What the judgement is made from.
struct Judge<'a> {
    desired: &'a Desired,
    observed: &'a Estate,
    organization: &'a Organization,
    bucket: &'a Address,
    when: When,
}

/// Whose something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// The log account's, the management account's, or one that the configuration trusts.
    Inside,
    /// Another member's.
    Member,
    /// A stranger's.
    Outside,
}

impl Judge<'_> {
    fn standing(&self, account: &str) -> Standing {
        let trusted = || self.desired.reading.trusted.iter().any(|trusted| trusted.as_str() == account);
        if account == self.desired.log_account.as_str()
            || account == self.organization.management_account.as_str()
            || trusted()
        {
            Standing::Inside
        } else if self.organization.accounts.keys().any(|member| member.as_str() == account) {
            Standing::Member
        } else {
            Standing::Outside
        }
    }

    fn principals(&self, surroundings: &Surroundings, result: &mut Around) {
        let principals = match &surroundings.principals {
            Readable::Read(principals) => principals,
            Readable::Unreadable(problem) => {
                let who = format!("account {}", self.desired.log_account);
                result.unproven.push(open(Invariant::NobodyElseAdministers, who, problem));
                return;
            }
        };
        for principal in principals {
            self.principal(principal, result);
        }
    }

    fn principal(&self, principal: &Principal, result: &mut Around) {
        let ways = principal.trust.as_ref().map(ways_in).unwrap_or_default();
        let named = self.is_named(&principal.arn);
        let outsiders: Vec<&(Way, usize)> = ways.iter().filter(|(way, _)| self.lets_out(principal, way)).collect();
        if !named {
            for (way, index) in &outsiders {
                result.violations.push(self.violation(principal, way, *index));
            }
            self.leave_open(principal, &ways, result);
        }
        let is_role = principal.arn.contains(":role/");
        let words = |power: &Power| match power {
            Power::ReadsFolders => "reads the logs of single accounts",
            other => other.words(),
        };
        let mut can: Vec<&'static str> = principal.powers.can.iter().map(words).collect();
        if !principal.unknown.is_empty() {
            can.push("may do more, which could not be read");
        }
        result.administrators.push(Administrator {
            arn: principal.arn.clone(),
            can,
            become_by: if is_role {
                ways.iter().map(|(way, _)| way.to_string()).collect()
            } else if principal.arn.contains(":group/") {
                vec!["the users in it".into()]
            } else {
                vec!["itself, by its own keys or password".into()]
            },
            named,
        });
    }

    /// Tells whether the configuration names a principal: by its name, or by its ARN.
    fn is_named(&self, arn: &str) -> bool {
        let name = arn.rsplit('/').next().unwrap_or(arn);
        let names = |pattern: &String| {
            if pattern.contains(':') { arn_glob(pattern, arn) } else { glob(pattern, name) }
        };
        self.desired.reading.administrators.iter().any(names)
    }

    /// Tells whether a way into a principal lets somebody do to the archive what nobody outside should.
    fn lets_out(&self, principal: &Principal, way: &Way) -> bool {
        let powers = &principal.powers;
        // To decrypt is nothing without something to decrypt.
        if powers.can.iter().all(|power| *power == Power::Decrypts) {
            return false;
        }
        match way {
            Way::Account { account, .. } => match self.standing(account.as_str()) {
                Standing::Inside => {
                    self.desired.reading.trusted.contains(account) && !self.is_home(account) && !powers.only_reads()
                }
                Standing::Member => !self.reads_own(principal, account) && !self.runs_orgtrail(principal, account),
                Standing::Outside => true,
            },
            Way::Organization(_) | Way::Anyone | Way::AnySubject(_) => true,
            Way::Saml(_) | Way::Oidc { .. } | Way::Service(_) | Way::Unclear(_) => false,
        }
    }

    /// Returns the account of a SAML provider where it is not the log account's: whether AWS lets it in is not known.
    fn foreign_provider(&self, way: &Way) -> Option<String> {
        let Way::Saml(provider) = way else { return None };
        let account = provider.parse::<Arn>().map(|arn| arn.account().to_owned()).unwrap_or_default();
        (account != self.desired.log_account.as_str()).then_some(account)
    }

    fn is_home(&self, account: &AccountId) -> bool {
        *account == self.desired.log_account || *account == self.organization.management_account
    }

    /// A role that reads the files of one account and nothing else is that account's to use.
    fn reads_own(&self, principal: &Principal, account: &AccountId) -> bool {
        let own = BTreeSet::from([account.clone()]);
        let powers = &principal.powers;
        powers.folders == own && powers.can.iter().all(|p| matches!(p, Power::ReadsFolders | Power::Decrypts))
    }

    /// A delegated administrator that the configuration names runs orgtrail, which enters the log account by its role
    /// there.
    fn runs_orgtrail(&self, principal: &Principal, account: &AccountId) -> bool {
        let of_cloudtrail = |address: &&Address| {
            address.kind == Kind::DelegatedAdministrator && address.service_principal() == Some(CLOUDTRAIL_PRINCIPAL)
        };
        let wanted = self.desired.wanted.keys().filter(of_cloudtrail);
        let name = |arn: &str| arn.rsplit('/').next().map(str::to_owned);
        name(&principal.arn) == name(self.desired.own_role.as_str())
            && wanted.into_iter().any(|address| address.name == account.as_str())
    }

    fn violation(&self, principal: &Principal, way: &Way, index: usize) -> Violation {
        let name = principal.arn.rsplit('/').next().unwrap_or(&principal.arn);
        let can: Vec<&str> = principal.powers.can.iter().map(|power| power.words()).collect();
        Violation {
            address: Address::global(&self.desired.log_account, Kind::Role, name),
            invariant: Invariant::NobodyElseAdministers,
            principal: way.to_string(),
            action: "sts:AssumeRole".into(),
            resource: principal.arn.clone(),
            statement: Some(format!("trust policy Statement[{index}]; the role {}", can.join(", "))),
            author: None,
        }
    }

    /// What is not known of a principal matters where somebody outside can become it.
    fn leave_open(&self, principal: &Principal, ways: &[(Way, usize)], result: &mut Around) {
        let mut ask = |why: String| {
            let invariant = Invariant::NobodyElseAdministers;
            result.unproven.push(Unproven { invariant, principal: principal.arn.clone(), why, lake: None });
        };
        for (way, _) in ways {
            if let Way::Unclear(what) = way {
                ask(format!("the principals that its trust policy means by {what} are not known"));
            }
            if let Some(account) = self.foreign_provider(way) {
                ask(format!(
                    "its trust policy names {way}, and who signs in with a provider of account {account} is not known"
                ));
            }
        }
        let can = &principal.powers.can;
        let is_unknown = trust_is_unknown(principal);
        if is_unknown && principal.unknown.is_empty() && !can.iter().all(|power| *power == Power::Decrypts) {
            ask("who can become it is not known: its trust policy was not recorded".into());
        }
        if is_unknown || ways.iter().any(|(way, _)| self.is_outside(way)) {
            principal.unknown.iter().for_each(|why| ask(why.clone()));
        }
    }

    fn is_outside(&self, way: &Way) -> bool {
        match way {
            Way::Account { account, .. } => self.standing(account.as_str()) != Standing::Inside,
            Way::Organization(_) | Way::Anyone | Way::AnySubject(_) => true,
            Way::Saml(_) | Way::Oidc { .. } | Way::Service(_) | Way::Unclear(_) => false,
        }
    }

    /// Tells whether it is known that nobody but the log and the management account, their providers and services
    /// become a principal. Trusted readers are not among them, because they may read and no more.
    fn is_closed(&self, principal: &Principal) -> bool {
        let lets_in = |way: &Way| match way {
            Way::Account { account, .. } => self.is_home(account),
            Way::Unclear(_) => false,
            other => !self.is_outside(other) && self.foreign_provider(other).is_none(),
        };
        !trust_is_unknown(principal) && principal.trust.iter().flat_map(ways_in).all(|(way, _)| lets_in(&way))
    }

    fn delegated_administrators(&self, surroundings: &Surroundings, result: &mut Around) {
        let accounts = match &surroundings.delegated_administrators {
            Readable::Read(accounts) => accounts,
            Readable::Unreadable(problem) => {
                let who = "the delegated administrators of CloudTrail".to_owned();
                result.unproven.push(open(Invariant::NobodyElseAdministers, who, problem));
                return;
            }
        };
        let management = &self.organization.management_account;
        for account in accounts {
            let address = Address::global(management, Kind::DelegatedAdministrator, account.as_str());
            if self.desired.wanted.contains_key(&address) {
                continue;
            }
            result.findings.push(Finding::new(Harm::LessProtected, &address, "further-administrator", format!(
                    "account {account} is a delegated administrator of CloudTrail that the configuration does not name: it \
                     can stop, change and delete the organization's trails"
                ), format!(
                    "name it as the `owner` of a trail, or take it away: `aws organizations \
                     deregister-delegated-administrator --account-id {account} --service-principal \
                     cloudtrail.amazonaws.com`"
                )));
        }
    }
}

fn trust_is_unknown(principal: &Principal) -> bool {
    principal.trust.is_none() && principal.arn.contains(":role/")
}

/// Returns the open question of a part that could not be read.
fn open(invariant: Invariant, principal: String, problem: &Problem) -> Unproven {
    let why = format!("it could not be read: {} ({})", problem.message, problem.code);
    Unproven { invariant, principal, why, lake: None }
}

/// Returns the names of the parts that could not be read, each with its reason, for the line that says what was looked
/// at.
pub fn unread(observed: &Estate) -> BTreeMap<&'static str, String> {
    let Some(all) = &observed.surroundings else { return BTreeMap::new() };
    let mut parts: BTreeMap<&'static str, String> = BTreeMap::new();
    let mut note = |name: &'static str, problem: Option<&Problem>| {
        if let Some(problem) = problem {
            parts.entry(name).or_insert_with(|| problem.code.clone());
        }
    };
    note("roles, users and groups", all.principals.problem());
    note("delegated administrators", all.delegated_administrators.problem());
    note("control policies", all.organization.problem());
    for exposure in all.buckets.values() {
        note("access control list", exposure.acl.problem());
        note("website", exposure.website.problem());
        note("replication", exposure.replication.problem());
        note("inventories", exposure.inventories.problem());
        note("notifications", exposure.notifications.problem());
    }
    all.keys.values().for_each(|part| note("grants of the key", part.problem()));
    all.topics.values().for_each(|part| note("subscriptions of the topic", part.problem()));
    for exposure in all.log_groups.values() {
        note("subscriptions of the log group", exposure.subscriptions.problem());
        note("resource policies of CloudWatch Logs", exposure.policies.problem());
    }
    parts
}
