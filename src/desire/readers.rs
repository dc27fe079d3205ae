//! The rule of the readers: for each selected account a role in the log account that reads that account's logs and
//! nothing else, and in the account the policy that may assume exactly this role.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::layout::{Layout, account_name};
use super::{BadDesign, Brief, ReaderStrategy, tags};
use crate::config::Config;
use crate::config::names;
use crate::estate::{ACCOUNT_TAG, Address, Desired, Estate, Kind, Policy, Role};
use crate::ids::{AccountId, Arn};
use crate::organization::Organization;
use crate::policy::PolicyDocument;

/// The name of the reader's inline policy.
const READER_POLICY: &str = "ReadOwnLogs";

/// Adds the reader roles and the member policies.
pub(super) fn add(brief: &Brief<'_>, layout: &Layout<'_>, desired: &mut Desired) -> Result<(), Vec<BadDesign>> {
    let mut faults = Vec::new();
    let mut taken: BTreeMap<String, AccountId> = BTreeMap::new();
    for id in &layout.selected {
        let added = match brief.strategy {
            ReaderStrategy::Roles => add_reader(brief, layout, id, &mut taken, desired),
            ReaderStrategy::Dynamic => add_dynamic(brief, layout, id, desired),
        };
        if let Err(fault) = added {
            faults.push(fault);
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn add_reader(
    brief: &Brief<'_>,
    layout: &Layout<'_>,
    id: &AccountId,
    taken: &mut BTreeMap<String, AccountId>,
    desired: &mut Desired,
) -> Result<(), BadDesign> {
    let config = brief.config;
    let name = role_name(config, brief.organization, id)?;
    // IAM compares names without case.
    if let Some(one) = taken.insert(name.to_ascii_lowercase(), id.clone()) {
        return Err(BadDesign::SameName { field: "readers.role", name, one, other: id.clone() });
    }
    let address = Address::global(&layout.log_account, Kind::Role, name.as_str());
    let needs = if layout.makes_key(config) { vec![layout.key_alias.clone()] } else { Vec::new() };
    desired.want(address.clone(), reader(brief, layout, id)?, "readers.role", needs);
    let arn = Arn::new(layout.partition, "iam", "", layout.log_account.as_str(), &format!("role/{name}"));
    let document = brief.templates.render("member.json.hbs", &json!({"reader_role_arn": arn}))?;
    add_member_policy(brief, id, document, vec![address], desired)
}

fn add_dynamic(brief: &Brief<'_>, layout: &Layout<'_>, id: &AccountId, desired: &mut Desired) -> Result<(), BadDesign> {
    let document = brief.templates.render("member-dynamic.json.hbs", &reading_values(brief, layout, id))?;
    let mut needs = vec![layout.bucket.with_kind(Kind::BucketPolicy)];
    if layout.makes_key(brief.config) {
        needs.extend([layout.key_alias.clone(), layout.key_alias.with_kind(Kind::KeyPolicy)]);
    }
    add_member_policy(brief, id, document, needs, desired)
}

fn add_member_policy(
    brief: &Brief<'_>,
    id: &AccountId,
    document: PolicyDocument,
    needs: Vec<Address>,
    desired: &mut Desired,
) -> Result<(), BadDesign> {
    let config = brief.config;
    let field = "readers.member_policy";
    let name = account_name(config, brief.organization, id, field, &config.readers.member_policy)?;
    names::check_policy_name(&name).map_err(|e| BadDesign::Name {
        field,
        account: Some(id.clone()),
        why: e.to_string(),
    })?;
    let policy = Policy {
        document,
        description: Some("Lets this account read its own CloudTrail logs".into()),
        groups: config.readers.attach_to.groups.iter().cloned().collect(),
        roles: config.readers.attach_to.roles.iter().cloned().collect(),
        tags: tags(config, &BTreeMap::new()),
    };
    desired.want(Address::global(id, Kind::Policy, name), policy, field, needs);
    Ok(())
}

fn reader(brief: &Brief<'_>, layout: &Layout<'_>, id: &AccountId) -> Result<Role, BadDesign> {
    let config = brief.config;
    let trust = brief.templates.render("reader-trust.json.hbs", &trust_values(brief, layout, id))?;
    let policy = brief.templates.render("reader.json.hbs", &reading_values(brief, layout, id))?;
    let mut tags = tags(config, &BTreeMap::new());
    tags.insert(ACCOUNT_TAG.into(), id.to_string());
    Ok(Role {
        trust,
        inline: BTreeMap::from([(READER_POLICY.to_owned(), policy)]),
        attached: BTreeSet::new(),
        boundary: None,
        max_session_s: Some(config.readers.session_hours * 3600),
        description: Some(format!("Reads the CloudTrail logs of account {id}")),
        unique_id: None,
        tags,
    })
}

/// The values of `reader-trust.json.hbs`. The organization's id ends the access of an account that leaves.
fn trust_values(brief: &Brief<'_>, layout: &Layout<'_>, id: &AccountId) -> Value {
    let readers = &brief.config.readers;
    let mut equals = json!({"aws:PrincipalOrgID": brief.organization.id});
    if let Some(external_id) = &readers.external_id {
        equals["sts:ExternalId"] = json!(external_id);
    }
    let mut condition = json!({"StringEquals": equals});
    if readers.require_mfa {
        condition["Bool"] = json!({"aws:MultiFactorAuthPresent": "true"});
    }
    json!({"partition": layout.partition, "account": {"id": id}, "condition": condition})
}

/// The values of `reader.json.hbs` and `member-dynamic.json.hbs`: where an account's own logs are.
///
/// Each prefix ends with a slash, so that account 111111111111 can never match a longer name.
fn reading_values(brief: &Brief<'_>, layout: &Layout<'_>, id: &AccountId) -> Value {
    let config = brief.config;
    let roots = layout.read_roots(config, &brief.organization.id);
    let folders: Vec<String> = roots.iter().map(|root| format!("{root}/{id}/*")).collect();
    let arn = layout.bucket_arn();
    json!({
        "bucket": {"name": layout.bucket.name, "arn": arn},
        "object_arns": folders.iter().map(|folder| format!("{arn}/{folder}")).collect::<Vec<_>>(),
        "prefixes": folders,
        "key_arn": layout.key(config),
    })
}

fn role_name(config: &Config, organization: &Organization, id: &AccountId) -> Result<String, BadDesign> {
    let field = "readers.role";
    let name = account_name(config, organization, id, field, &config.readers.role)?;
    names::check_role_name(&name).map_err(|e| BadDesign::Name {
        field,
        account: Some(id.clone()),
        why: e.to_string(),
    })?;
    Ok(name)
}

/// Tells whether the reader role of an account was seen in the log account.
pub(super) fn role_exists(
    config: &Config,
    organization: &Organization,
    log_account: &AccountId,
    id: &AccountId,
    estate: &Estate,
) -> bool {
    role_name(config, organization, id)
        .is_ok_and(|name| estate.resource(&Address::global(log_account, Kind::Role, name)).is_some())
}
