//! The roles, users and groups of an account with all their policies, as one listing tells them; and the digest that is
//! kept of them: what each can do to the archive, and who can become it.

use std::collections::BTreeMap;

use aws_sdk_iam::types::{AttachedPolicy, GroupDetail, ManagedPolicyDetail, PolicyDetail, RoleDetail, UserDetail};

use super::{op, percent_decoded};
use crate::cloud::CloudFault;
use crate::cloud::aws::session::Session;
use crate::estate::surroundings::Principal;
use crate::policy::PolicyDocument;
use crate::policy::evaluate::{Named, full_access};
use crate::policy::isolation::powers::{ArchiveNames, PrincipalPolicies, powers};

/// A document, or why it cannot be understood.
type Text = Result<PolicyDocument, String>;

/// Everybody of an account who is not left out.
#[derive(Default)]
pub(crate) struct Details {
    everybody: Vec<Raw>,
    /// The default version of each managed policy, by ARN.
    managed: BTreeMap<String, Text>,
    /// What the members of each group get.
    groups: BTreeMap<String, Given>,
}

/// One principal.
struct Raw {
    arn: String,
    trust: Option<Text>,
    given: Given,
    groups: Vec<String>,
    boundary: Option<String>,
}

/// The policies that a principal has.
#[derive(Default, Clone)]
struct Given {
    inline: Vec<(String, Text)>,
    attached: Vec<String>,
}

fn text(document: Option<&str>) -> Text {
    PolicyDocument::parse(&percent_decoded(document.unwrap_or_default())).map_err(|why| why.to_string())
}

impl Given {
    fn new(session: &Session, inline: &[PolicyDetail], attached: &[AttachedPolicy]) -> Result<Self, CloudFault> {
        let inline = inline
            .iter()
            .map(|policy| (policy.policy_name().unwrap_or_default().to_owned(), text(policy.policy_document())));
        let attached =
            attached.iter().map(|policy| Ok(told(session, policy.policy_arn(), "ARN of a policy")?.to_owned()));
        Ok(Self { inline: inline.collect(), attached: attached.collect::<Result<_, CloudFault>>()? })
    }
}

fn told<T>(session: &Session, value: Option<T>, what: &str) -> Result<T, CloudFault> {
    session.needed(op::GET_ACCOUNT_DETAILS, value, what)
}

impl Details {
    pub(super) fn add_role(&mut self, session: &Session, role: &RoleDetail) -> Result<(), CloudFault> {
        self.everybody.push(Raw {
            arn: told(session, role.arn(), "ARN of a role")?.to_owned(),
            trust: Some(text(role.assume_role_policy_document())),
            given: Given::new(session, role.role_policy_list(), role.attached_managed_policies())?,
            groups: Vec::new(),
            boundary: boundary(role.permissions_boundary()),
        });
        Ok(())
    }

    pub(super) fn add_user(&mut self, session: &Session, user: &UserDetail) -> Result<(), CloudFault> {
        self.everybody.push(Raw {
            arn: told(session, user.arn(), "ARN of a user")?.to_owned(),
            trust: None,
            given: Given::new(session, user.user_policy_list(), user.attached_managed_policies())?,
            groups: user.group_list().to_vec(),
            boundary: boundary(user.permissions_boundary()),
        });
        Ok(())
    }

    pub(super) fn add_group(&mut self, session: &Session, group: &GroupDetail) -> Result<(), CloudFault> {
        let given = Given::new(session, group.group_policy_list(), group.attached_managed_policies())?;
        let arn = told(session, group.arn(), "ARN of a group")?.to_owned();
        self.groups.insert(told(session, group.group_name(), "name of a group")?.to_owned(), given.clone());
        self.everybody.push(Raw { arn, trust: None, given, groups: Vec::new(), boundary: None });
        Ok(())
    }

    /// Keeps the version that counts. Where none is said to be it, what the policy says is not known.
    pub(super) fn add_policy(&mut self, session: &Session, policy: &ManagedPolicyDetail) -> Result<(), CloudFault> {
        let arn = told(session, policy.arn(), "ARN of a policy")?;
        if let Some(version) = policy.policy_version_list().iter().find(|version| version.is_default_version) {
            self.managed.insert(arn.to_owned(), text(version.document()));
        }
        Ok(())
    }

    /// Returns the document of a managed policy, if the listing had it.
    pub(super) fn managed(&self, arn: &str) -> Option<&PolicyDocument> {
        self.managed.get(arn).and_then(|text| text.as_ref().ok())
    }

    /// Returns those who can do something to the archive, or of whom it is not known, by ARN.
    pub(crate) fn digest(&self, site: &ArchiveNames) -> Vec<Principal> {
        let everything = full_access();
        let read: Vec<(PrincipalPolicies, Vec<String>)> =
            self.everybody.iter().map(|raw| self.subject(raw, &everything)).collect();
        let (subjects, unknown): (Vec<PrincipalPolicies>, Vec<Vec<String>>) = read.into_iter().unzip();
        let all = powers(site, &subjects);
        let principals = self.everybody.iter().zip(all).zip(unknown);
        let mut found: Vec<Principal> = principals
            .map(|((raw, powers), unknown)| Principal {
                arn: raw.arn.clone(),
                powers,
                trust: raw.trust.as_ref().and_then(|trust| trust.clone().ok()),
                unknown,
            })
            .filter(|principal| !principal.powers.is_empty() || !principal.unknown.is_empty())
            .collect();
        found.sort_by(|one, other| one.arn.cmp(&other.arn));
        found
    }

    /// Returns a principal as the evaluation takes it, and what is not known of it.
    fn subject<'a>(&'a self, raw: &'a Raw, everything: &'a PolicyDocument) -> (PrincipalPolicies<'a>, Vec<String>) {
        let mut unknown = Vec::new();
        let mut policies = Vec::new();
        let mut boundary = None;
        let from_groups = raw.groups.iter().filter_map(|group| self.groups.get(group));
        for given in std::iter::once(&raw.given).chain(from_groups) {
            for (name, text) in &given.inline {
                match text {
                    Ok(document) => policies.push(Named { name, document }),
                    Err(why) => unknown.push(format!("the policy {name} cannot be understood: {why}")),
                }
            }
            for arn in &given.attached {
                match self.managed.get(arn) {
                    Some(Ok(document)) => policies.push(Named { name: arn, document }),
                    Some(Err(why)) => unknown.push(format!("the policy {arn} cannot be understood: {why}")),
                    // AWS's own name for everything, in every partition.
                    None if arn.ends_with(":aws:policy/AdministratorAccess") => {
                        policies.push(Named { name: arn, document: everything });
                    }
                    None => unknown.push(format!("what the policy {arn} says was not returned")),
                }
            }
        }
        for group in raw.groups.iter().filter(|group| !self.groups.contains_key(*group)) {
            unknown.push(format!("what the group {group} may was not returned"));
        }
        // A boundary that is not known limits nothing that is known.
        if let Some(arn) = &raw.boundary
            && let Some(Ok(document)) = self.managed.get(arn)
        {
            boundary = Some(Named { name: arn, document });
        }
        let trust = match &raw.trust {
            Some(Ok(document)) => Some(document),
            Some(Err(why)) => {
                unknown.push(format!("the trust policy cannot be understood: {why}"));
                None
            }
            None => None,
        };
        (PrincipalPolicies { arn: raw.arn.clone(), policies, boundary, trust }, unknown)
    }
}

pub(super) fn boundary(boundary: Option<&aws_sdk_iam::types::AttachedPermissionsBoundary>) -> Option<String> {
    boundary.and_then(|boundary| boundary.permissions_boundary_arn()).map(str::to_owned)
}
