//! The rule of the readers: for each selected account a role in the log account that reads that account's logs and
//! nothing else, and in the account the policy that may assume exactly this role.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::layout::{Layout, account_name};
use super::{BadDesign, Brief, ReaderStrategy, tags};
use crate::config::Config;
use crate::config::names;
use crate::estate::{ACCOUNT_TAG, Address, Desired, Estate, Kind, Place, Policy, Role};
use crate::ids::{AccountId, Arn};
use crate::organization::Organization;
use crate::policy::template::BadTemplate;
use crate::policy::{PolicyDocument, Statement};

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
    let member = |arn: &Arn| brief.templates.render("member.json.hbs", &json!({"reader_role_arn": arn}));
    let mut document = member(&arn)?;
    for role in brief.past.readers.get(id).into_iter().flatten() {
        if let Some(arn) = role.arn(layout.partition) {
            add_earlier(&mut document, member(&arn)?);
        }
    }
    add_member_policy(brief, id, document, vec![address], desired)
}

fn add_dynamic(brief: &Brief<'_>, layout: &Layout<'_>, id: &AccountId, desired: &mut Desired) -> Result<(), BadDesign> {
    let document = reading_policy(brief, layout, id, "member-dynamic.json.hbs")?;
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
    let policy = reading_policy(brief, layout, id, "reader.json.hbs")?;
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

/// Renders the policy that reads: the logs of today, and those of before that the same role reads.
fn reading_policy(
    brief: &Brief<'_>,
    layout: &Layout<'_>,
    id: &AccountId,
    template: &str,
) -> Result<PolicyDocument, BadTemplate> {
    let mut document = brief.templates.render(template, &reading_values(brief, layout, id))?;
    // A role reads in its own log account. A member's own role may read anywhere.
    let is_dynamic = brief.strategy == ReaderStrategy::Dynamic;
    let places = brief.past.places.iter().filter(|place| is_dynamic || place.bucket.account == layout.log_account);
    for place in places {
        let mut values = place_values(layout, id, place);
        if place.key.is_some() && place.key == brief.past.key_of_today {
            values["key_arn"] = json!(layout.key(brief.config));
        }
        add_earlier(&mut document, brief.templates.render(template, &values)?);
    }
    for key in &brief.past.keys {
        let mut values = reading_values(brief, layout, id);
        values["key_arn"] = json!(key);
        add_earlier(&mut document, brief.templates.render(template, &values)?);
    }
    Ok(document)
}

/// Adds the statements that say something new, each with an id of its own.
fn add_earlier(document: &mut PolicyDocument, earlier: PolicyDocument) {
    let says = |statement: &Statement| Statement { sid: None, ..statement.clone() };
    for statement in earlier.statements {
        if document.statements.iter().any(|known| says(known) == says(&statement)) {
            continue;
        }
        let taken = |sid: &String| document.statements.iter().any(|known| known.sid.as_ref() == Some(sid));
        let sid = statement.sid.as_ref().map(|sid| {
            let mut named = format!("{sid}Earlier");
            let mut n = 1;
            while taken(&named) {
                n += 1;
                named = format!("{sid}Earlier{n}");
            }
            named
        });
        document.statements.push(Statement { sid, ..statement });
    }
}

/// The same values as [`reading_values`] for a place of earlier logs.
fn place_values(layout: &Layout<'_>, id: &AccountId, place: &Place) -> Value {
    let arn = Arn::new(layout.partition, "s3", "", "", &place.bucket.name).to_string();
    let folders: Vec<String> = place.roots.iter().map(|root| format!("{root}/{id}/*")).collect();
    json!({
        "bucket": {"name": place.bucket.name, "arn": arn},
        "object_arns": folders.iter().map(|folder| format!("{arn}/{folder}")).collect::<Vec<_>>(),
        "prefixes": folders,
        "key_arn": place.key,
    })
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
