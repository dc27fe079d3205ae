//! What a principal of the archive's own account can do to the archive by its own policies: no bucket or key policy has
//! to name it for that.
//!
//! An answer that depends on what is not known (an address, a tag, a time) counts as a yes: the principal is listed,
//! and who can become it is looked at.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, Arn};
use crate::log_path::{Folder, LogKind, LogRoot, Sample, owner};
use crate::policy::PolicyDocument;
use crate::policy::document::{Effect, PrincipalElement, Principals, ResourceElement, Statement};
use crate::policy::evaluate::{
    AccessDecision, Caller, Context, Layers, Named, Request, covers_action, evaluate, full_access, resource_glob,
};

/// One thing that somebody can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Power {
    /// Reads everybody's log files.
    ReadsLogs,
    /// Reads log files of single accounts only.
    ReadsFolders,
    /// Decrypts with a key of the archive.
    Decrypts,
    /// Writes or deletes log files, or changes what protects the bucket.
    ChangesLogs,
    /// Changes who uses a key, or makes it unusable.
    ChangesKey,
    /// Changes roles, users and policies, or becomes a role that has one of these powers.
    BecomesOthers,
}

impl Power {
    /// Returns it as a sentence says it of somebody.
    pub fn words(self) -> &'static str {
        match self {
            Power::ReadsLogs => "reads all logs",
            Power::ReadsFolders => "reads the logs of single accounts",
            Power::Decrypts => "decrypts",
            Power::ChangesLogs => "changes logs or the bucket",
            Power::ChangesKey => "changes the key",
            Power::BecomesOthers => "can become or make others who do",
        }
    }
}

/// What a principal can do.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Powers {
    /// All of it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub can: BTreeSet<Power>,
    /// The accounts whose files it reads, where it does not read all.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub folders: BTreeSet<AccountId>,
}

impl Powers {
    /// Everything.
    pub fn all() -> Self {
        use Power::{BecomesOthers, ChangesKey, ChangesLogs, Decrypts, ReadsLogs};
        Self { can: [ReadsLogs, Decrypts, ChangesLogs, ChangesKey, BecomesOthers].into(), folders: BTreeSet::new() }
    }

    /// Tells whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.can.is_empty()
    }

    /// Tells whether it only reads.
    pub fn only_reads(&self) -> bool {
        self.can.iter().all(|power| matches!(power, Power::ReadsLogs | Power::ReadsFolders | Power::Decrypts))
    }
}

/// The archive as its own account's policies name it.
#[derive(Debug, Clone)]
pub struct ArchiveNames<'a> {
    /// The account.
    pub account: &'a AccountId,
    /// Its partition, as ARNs write it.
    pub partition: &'a str,
    /// The ARN of each bucket, with its policy where it has one.
    pub buckets: Vec<(String, Option<&'a PolicyDocument>)>,
    /// The ARN of each key, with its policy where it is known.
    pub keys: Vec<(String, Option<&'a PolicyDocument>)>,
}

/// A principal with its policies.
#[derive(Debug, Clone, Default)]
pub struct PrincipalPolicies<'a> {
    /// Its ARN; of a group too, which stands for whoever is in it.
    pub arn: String,
    /// Its policies.
    pub policies: Vec<Named<'a>>,
    /// What limits them; none where nothing does.
    pub boundary: Option<Named<'a>>,
    /// Who may assume it, for roles; none for users and groups.
    pub trust: Option<&'a PolicyDocument>,
}

const READS: [&str; 2] = ["s3:GetObject", "s3:GetObjectVersion"];
const CHANGES_OBJECTS: [&str; 8] = [
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutObjectAcl",
    "s3:PutObjectVersionAcl",
    "s3:PutObjectRetention",
    "s3:BypassGovernanceRetention",
    "s3:ReplicateDelete",
];
const CHANGES_BUCKET: [&str; 15] = [
    "s3:PutBucketPolicy",
    "s3:DeleteBucketPolicy",
    "s3:PutLifecycleConfiguration",
    "s3:PutReplicationConfiguration",
    "s3:PutInventoryConfiguration",
    "s3:PutBucketVersioning",
    "s3:PutBucketAcl",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketOwnershipControls",
    "s3:PutEncryptionConfiguration",
    "s3:PutBucketNotification",
    "s3:PutBucketWebsite",
    "s3:PutBucketObjectLockConfiguration",
    "s3:DeleteBucket",
    "s3:PutBucketLogging",
];
const DECRYPTS: [&str; 2] = ["kms:Decrypt", "kms:ReEncryptFrom"];
const CHANGES_KEY: [&str; 5] =
    ["kms:PutKeyPolicy", "kms:CreateGrant", "kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:ReplicateKey"];
/// Each with the kinds of resources that it is done to (Service Authorization Reference, IAM).
const MAKES_OTHERS: [(&str, &[&str]); 29] = [
    ("iam:UpdateAssumeRolePolicy", &["role"]),
    ("iam:AttachRolePolicy", &["role"]),
    ("iam:PutRolePolicy", &["role"]),
    // What limits a role is taken away, or replaced by what limits it less.
    ("iam:DeleteRolePermissionsBoundary", &["role"]),
    ("iam:PutRolePermissionsBoundary", &["role"]),
    ("iam:DeleteRolePolicy", &["role"]),
    ("iam:DetachRolePolicy", &["role"]),
    ("iam:CreateRole", &["role"]),
    ("iam:CreateUser", &["user"]),
    ("iam:CreateAccessKey", &["user"]),
    ("iam:CreateLoginProfile", &["user"]),
    ("iam:UpdateLoginProfile", &["user"]),
    ("iam:AttachUserPolicy", &["user"]),
    ("iam:PutUserPolicy", &["user"]),
    ("iam:DeleteUserPermissionsBoundary", &["user"]),
    ("iam:PutUserPermissionsBoundary", &["user"]),
    ("iam:DeleteUserPolicy", &["user"]),
    ("iam:DetachUserPolicy", &["user"]),
    ("iam:AddUserToGroup", &["group"]),
    ("iam:AttachGroupPolicy", &["group"]),
    ("iam:PutGroupPolicy", &["group"]),
    ("iam:DeleteGroupPolicy", &["group"]),
    ("iam:DetachGroupPolicy", &["group"]),
    ("iam:CreatePolicyVersion", &["policy"]),
    ("iam:SetDefaultPolicyVersion", &["policy"]),
    ("iam:UpdateSAMLProvider", &["saml-provider"]),
    ("iam:CreateSAMLProvider", &["saml-provider"]),
    ("iam:CreateOpenIDConnectProvider", &["oidc-provider"]),
    ("iam:UpdateOpenIDConnectProviderThumbprint", &["oidc-provider"]),
];

/// What gives a service that has a role already something to do, so that it is done as that role: no role is passed for
/// it.
const ACTS_THROUGH: [(&str, &[&str]); 9] = [
    ("cloudformation.amazonaws.com", &["cloudformation:UpdateStack", "cloudformation:CreateChangeSet"]),
    ("codebuild.amazonaws.com", &["codebuild:StartBuild", "codebuild:UpdateProject"]),
    (
        "ec2.amazonaws.com",
        &[
            "ssm:SendCommand",
            "ssm:StartSession",
            "ec2-instance-connect:SendSSHPublicKey",
            "ec2:ModifyInstanceAttribute",
        ],
    ),
    ("ecs-tasks.amazonaws.com", &["ecs:ExecuteCommand"]),
    ("glue.amazonaws.com", &["glue:UpdateJob", "glue:UpdateDevEndpoint"]),
    ("lambda.amazonaws.com", &["lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration"]),
    (
        "sagemaker.amazonaws.com",
        &["sagemaker:CreatePresignedNotebookInstanceUrl", "sagemaker:CreatePresignedDomainUrl"],
    ),
    ("ssm.amazonaws.com", &["ssm:StartAutomationExecution"]),
    ("states.amazonaws.com", &["states:UpdateStateMachine"]),
];

/// Returns what each subject can do, in their order. `powerful` are roles that count as such whatever their policies
/// say.
pub fn powers(site: &ArchiveNames, subjects: &[PrincipalPolicies]) -> Vec<Powers> {
    let mut all: Vec<Powers> = subjects.iter().map(|subject| site.of(subject)).collect();
    // Whoever becomes somebody who becomes somebody: until nothing is added. Each turn adds one at least.
    loop {
        let powerful: Vec<&PrincipalPolicies> = subjects
            .iter()
            .zip(&all)
            .filter(|(subject, powers)| !powers.is_empty() && subject.trust.is_some())
            .map(|(subject, _)| subject)
            .collect();
        let mut added = false;
        for (subject, powers) in subjects.iter().zip(&mut all) {
            if !powers.can.contains(&Power::BecomesOthers) && site.becomes_one_of(subject, &powerful) {
                added |= powers.can.insert(Power::BecomesOthers);
            }
        }
        if !added {
            return all;
        }
    }
}

impl ArchiveNames<'_> {
    fn of(&self, subject: &PrincipalPolicies) -> Powers {
        let mut powers = Powers::default();
        for (bucket, policy) in &self.buckets {
            self.in_bucket(subject, bucket, *policy, &mut powers);
        }
        for (key, policy) in &self.keys {
            if DECRYPTS.iter().any(|action| self.may(subject, action, key, *policy)) {
                powers.can.insert(Power::Decrypts);
            }
            if CHANGES_KEY.iter().any(|action| self.may(subject, action, key, *policy)) {
                powers.can.insert(Power::ChangesKey);
            }
        }
        let makes = |(action, kinds): &(&str, &[&str])| kinds.iter().any(|kind| self.makes(subject, action, kind));
        if MAKES_OTHERS.iter().any(makes) {
            powers.can.insert(Power::BecomesOthers);
        }
        if powers.can.contains(&Power::ReadsLogs) {
            powers.can.remove(&Power::ReadsFolders);
            powers.folders.clear();
        }
        powers
    }

    fn in_bucket(
        &self,
        subject: &PrincipalPolicies,
        bucket: &str,
        policy: Option<&PolicyDocument>,
        powers: &mut Powers,
    ) {
        let objects = objects(subject, bucket, policy);
        for TriedObject { arn, folder } in &objects {
            if READS.iter().any(|action| self.may(subject, action, arn, policy)) {
                match folder {
                    Some(account) => {
                        powers.can.insert(Power::ReadsFolders);
                        powers.folders.insert(account.clone());
                    }
                    None => drop(powers.can.insert(Power::ReadsLogs)),
                }
            }
            if CHANGES_OBJECTS.iter().any(|action| self.may(subject, action, arn, policy)) {
                powers.can.insert(Power::ChangesLogs);
            }
        }
        if CHANGES_BUCKET.iter().any(|action| self.may(subject, action, bucket, policy)) {
            powers.can.insert(Power::ChangesLogs);
        }
    }

    /// Tells whether a subject changes a thing of IAM: any of that kind, or one that its policies name.
    fn makes(&self, subject: &PrincipalPolicies, action: &str, kind: &str) -> bool {
        let stem = format!("arn:{}:iam::{}:{kind}/", self.partition, self.account);
        let named = allows(subject, action).flat_map(resources).filter(|text| text.starts_with(&stem));
        let named: BTreeSet<String> = named.map(filled).chain([format!("{stem}any")]).collect();
        named.iter().any(|arn| self.may(subject, action, arn, None))
    }

    /// Tells whether a subject becomes one of some roles: it assumes it, or passes it to a service that does.
    fn becomes_one_of(&self, subject: &PrincipalPolicies, roles: &[&PrincipalPolicies]) -> bool {
        let passes = allows(subject, "iam:PassRole").next().is_some();
        roles.iter().filter(|role| role.arn != subject.arn).any(|role| {
            let Some(trust) = role.trust else { return false };
            let assumes = self.may_assume(subject, &role.arn, trust);
            assumes
                || (passes && trusts_service(trust) && self.may(subject, "iam:PassRole", &role.arn, None))
                || self.acts_through(subject, trust)
        })
    }

    /// Tells whether a subject has a service do something as a role that this service has already.
    fn acts_through(&self, subject: &PrincipalPolicies, trust: &PolicyDocument) -> bool {
        let services = ACTS_THROUGH.iter().filter(|(service, _)| trusts(trust, service));
        services.flat_map(|(_, actions)| actions.iter()).any(|action| self.does(subject, action))
    }

    /// Tells whether a subject may do something to anything that its policies name.
    fn does(&self, subject: &PrincipalPolicies, action: &str) -> bool {
        let named: BTreeSet<String> = allows(subject, action).flat_map(resources).map(filled).collect();
        let service = action.split(':').next().unwrap_or_default();
        let any = format!("arn:{}:{service}:any-region-1:{}:any/any", self.partition, self.account);
        named.into_iter().chain([any]).any(|arn| self.may(subject, action, &arn, None))
    }

    fn may_assume(&self, subject: &PrincipalPolicies, role: &str, trust: &PolicyDocument) -> bool {
        let request = self.request(subject, "sts:AssumeRole", role);
        request.is_some_and(|request| self.judged(subject, &request, Some(trust)))
    }

    /// Tells whether a subject may do something, by its own policies or by that of the resource. Whether the resource's
    /// policy denies it is not asked: a plan or a hand may change that.
    fn may(&self, subject: &PrincipalPolicies, action: &str, resource: &str, policy: Option<&PolicyDocument>) -> bool {
        let is_key = action.starts_with("kms:");
        let by_own = allows(subject, action).next().is_some();
        let by_policy = policy.is_some_and(|policy| grants(policy, action));
        if !by_own && !by_policy {
            return false;
        }
        let Some(request) = self.request(subject, action, resource) else { return false };
        let delegated = is_key.then(|| self.delegated());
        (by_own && self.judged(subject, &request, delegated.as_ref()))
            || (by_policy && self.judged(subject, &request, policy))
    }

    fn judged(&self, subject: &PrincipalPolicies, request: &Request, policy: Option<&PolicyDocument>) -> bool {
        let resource = policy.map(|document| Named { name: "resource policy", document });
        let layers = Layers {
            identity: &subject.policies,
            boundary: subject.boundary,
            resource,
            resource_account: Some(self.account.clone()),
            ..Layers::default()
        };
        !matches!(evaluate(request, &layers), AccessDecision::Denied(_))
    }

    fn request(&self, subject: &PrincipalPolicies, action: &str, resource: &str) -> Option<Request> {
        let arn: Arn = subject.arn.parse().ok()?;
        // A group makes no calls: a user of that name stands for whoever is in it.
        let arn: Arn = match arn.resource().strip_prefix("group/") {
            Some(name) => format!("arn:{}:iam::{}:user/{name}", self.partition, self.account).parse().ok()?,
            None => arn,
        };
        let context = Context::default()
            .with("aws:SecureTransport", "true")
            .with("aws:ResourceAccount", self.account.as_str())
            .with("s3:ResourceAccount", self.account.as_str())
            .with("kms:CallerAccount", self.account.as_str())
            .unknown("kms:ViaService")
            .unknown("kms:EncryptionContext:aws:cloudtrail:arn")
            .unknown("kms:EncryptionContextKeys")
            .unknown("iam:PassedToService")
            .unknown("iam:PermissionsBoundary")
            .unknown("iam:PolicyARN")
            .unknown("sts:ExternalId")
            .unknown("sts:RoleSessionName")
            .unknown("sts:SourceIdentity");
        Some(Request { caller: Caller::from_arn(&arn)?, action: action.into(), resource: resource.into(), context })
    }

    /// The policy of a key that lets the account's own policies decide, as nearly every key's does.
    fn delegated(&self) -> PolicyDocument {
        let mut open = full_access();
        let root = format!("arn:{}:iam::{}:root", self.partition, self.account);
        for statement in &mut open.statements {
            let by_kind: BTreeMap<String, Vec<String>> = [("AWS".to_owned(), vec![root.clone()])].into();
            statement.principal = Some(PrincipalElement::Is(Principals::Listed(by_kind)));
        }
        open
    }
}

fn grants(policy: &PolicyDocument, action: &str) -> bool {
    policy.statements.iter().any(|statement| statement.effect == Effect::Allow && covers_action(statement, action))
}

/// Returns the statements of a subject's own policies that allow an action on something.
fn allows<'a>(subject: &'a PrincipalPolicies, action: &'a str) -> impl Iterator<Item = &'a Statement> {
    let statements = subject.policies.iter().flat_map(|named| &named.document.statements);
    statements.filter(move |statement| statement.effect == Effect::Allow && covers_action(statement, action))
}

fn trusts_service(trust: &PolicyDocument) -> bool {
    trust.statements.iter().any(|statement| match &statement.principal {
        Some(PrincipalElement::Is(Principals::Listed(by_kind))) => by_kind.contains_key("Service"),
        Some(_) => true,
        None => false,
    })
}

/// Tells whether a trust policy lets a service in.
fn trusts(trust: &PolicyDocument, service: &str) -> bool {
    trust.statements.iter().filter(|statement| statement.effect == Effect::Allow).any(|statement| {
        match &statement.principal {
            Some(PrincipalElement::Is(Principals::Listed(by_kind))) => {
                by_kind.get("Service").is_some_and(|services| services.iter().any(|name| name == service))
            }
            Some(_) => true,
            None => false,
        }
    })
}

fn resources(statement: &Statement) -> impl Iterator<Item = &str> {
    let list = match &statement.resource {
        Some(ResourceElement::Is(list)) => list.as_slice(),
        _ => &[],
    };
    list.iter().map(String::as_str)
}

/// An object that stands for those that a pattern means.
struct TriedObject {
    arn: String,
    /// The account whose folder all of them lie in; none where they do not lie in one.
    folder: Option<AccountId>,
}

/// Returns the objects to try: any log file, and what the policies name in the bucket.
fn objects(subject: &PrincipalPolicies, bucket: &str, policy: Option<&PolicyDocument>) -> Vec<TriedObject> {
    let root = LogRoot::default().in_organization("o-anyorganization");
    let key = Sample::of("000000000000", "us-east-1").key(&root, Folder::Logs(LogKind::CloudTrail));
    let any = format!("{bucket}/{key}");
    let mut samples = BTreeMap::from([(any, None)]);
    let own = subject.policies.iter().flat_map(|named| &named.document.statements);
    let statements = own.chain(policy.into_iter().flat_map(|policy| &policy.statements));
    for text in statements.filter(|statement| statement.effect == Effect::Allow).flat_map(resources) {
        let Some((place, key)) = text.split_once('/') else { continue };
        if resource_glob(place, bucket) || place.contains("${") {
            samples.insert(format!("{bucket}/{}", filled(key)), folder(key));
        }
    }
    samples.into_iter().map(|(arn, folder)| TriedObject { arn, folder }).collect()
}

/// Returns a text that a pattern matches.
fn filled(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(at) = rest.find(['*', '?', '$']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        let variable = from.strip_prefix("${").and_then(|inside| inside.find('}'));
        match variable {
            // A variable is left as it is: the request's own value decides.
            Some(end) => {
                text.push('x');
                rest = &from[end + 3..];
            }
            None => {
                text.push(if from.starts_with('$') { '$' } else { 'x' });
                rest = &from[1..];
            }
        }
    }
    text.push_str(rest);
    text
}

/// Returns the account in whose folder everything lies that a pattern of keys matches.
fn folder(pattern: &str) -> Option<AccountId> {
    let fixed = &pattern[..pattern.find(['*', '?', '$']).unwrap_or(pattern.len())];
    owner(fixed)?.account.parse().ok()
}

#[cfg(test)]
mod tests;
