//! The rule of the readers: for each selected account a role in the log account that reads that account's logs and
//! nothing else, and in the account the policy that may assume exactly this role.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::naming::{Naming, account_name, holds_account_name};
use super::topology::Topology;
use super::{BadDesign, DesignInput, ReaderStrategy, tags};
use crate::config::Config;
use crate::config::names;
use crate::estate::role::unique_name as unique;
use crate::estate::{ACCOUNT_TAG, Address, Desired, EarlierPlace, Estate, Kind, Policy, Role};
use crate::ids::{AccountId, Arn};
use crate::log_path::{Folder, LogKind, LogRoot, Sample};
use crate::organization::Organization;
use crate::policy::evaluate::{AccessDecision, Caller, Context, Layers, Named, Request, evaluate};
use crate::policy::template::BadTemplate;
use crate::policy::{PolicyDocument, Statement};

/// The name of the reader's inline policy.
const READER_POLICY: &str = "ReadOwnLogs";

/// Adds the reader roles and the member policies.
pub(super) fn add(brief: &DesignInput<'_>, layout: &Topology<'_>, desired: &mut Desired) -> Result<(), Vec<BadDesign>> {
    let mut faults = Vec::new();
    let roles = match brief.strategy {
        ReaderStrategy::Roles => RoleNames::of(brief, layout, desired, &mut faults).names,
        ReaderStrategy::Dynamic => BTreeMap::new(),
    };
    for id in &layout.selected {
        let added = match (brief.strategy, roles.get(id)) {
            (ReaderStrategy::Roles, Some(name)) => add_reader(brief, layout, id, name, desired),
            // Without a name it has a fault or a problem already.
            (ReaderStrategy::Roles, None) => Ok(()),
            (ReaderStrategy::Dynamic, _) => add_dynamic(brief, layout, id, desired),
        };
        if let Err(fault) = added {
            faults.push(fault);
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// The names of the reader roles, with their paths. What is taken is what [`unique`] makes of them.
struct RoleNames {
    /// By the account that the role reads for.
    names: BTreeMap<AccountId, String>,
    taken: BTreeMap<String, AccountId>,
    /// How many slashes the template has: those of an account's own name make no path.
    slashes: usize,
}

impl RoleNames {
    fn of(brief: &DesignInput<'_>, layout: &Topology<'_>, desired: &mut Desired, faults: &mut Vec<BadDesign>) -> Self {
        let (config, organization) = (brief.config, brief.organization);
        let template = config.readers.role_template();
        let slashes = template.matches('/').count();
        let mut roles = Self { names: BTreeMap::new(), taken: BTreeMap::new(), slashes };
        let others = desired.wanted.keys().filter(|a| a.kind == Kind::Role && a.account == layout.log_account);
        roles.taken.extend(others.map(|address| (unique(&address.name), layout.log_account.clone())));
        // What is there already keeps its name before anybody may take it.
        for id in &layout.selected {
            if let Some(name) = brief.reader_names.get(id) {
                roles.taken.entry(unique(name)).or_insert_with(|| id.clone());
            }
        }
        let shared = if holds_account_name(template) {
            shared_names(config, organization, &layout.selected)
        } else {
            BTreeSet::new()
        };
        for id in &layout.selected {
            let mut naming = Naming::new(config, organization, id, &config.home_region);
            let held = brief.reader_names.get(id).map(String::as_str);
            let name = naming.name_or("readers.role", template, held, |name| roles.free(id, name, held, &shared));
            desired.problems.append(&mut naming.problems);
            match name {
                // A role that is there keeps its name when the account takes another.
                Ok(name) => {
                    let name = held.map_or(name, str::to_owned);
                    roles.taken.insert(unique(&name), id.clone());
                    roles.names.insert(id.clone(), name);
                }
                Err(fault) => faults.push(fault),
            }
        }
        roles
    }

    fn other_of(&self, id: &AccountId, name: &str) -> Option<&AccountId> {
        self.taken.get(&unique(name)).filter(|other| *other != id)
    }

    fn free(&self, id: &AccountId, name: &str, held: Option<&str>, shared: &BTreeSet<String>) -> Result<(), String> {
        names::check_role_with_path(name).map_err(|error| error.to_string())?;
        if name.matches('/').count() != self.slashes {
            return Err("the account's own name has a slash, which would make a path of it".into());
        }
        if held == Some(name) {
            return Ok(());
        }
        match self.other_of(id, name) {
            Some(other) => Err(format!("account {other} has the name {name:?} already")),
            None if shared.contains(&unique(name)) => Err(format!("several accounts would have the name {name:?}")),
            None => Ok(()),
        }
    }
}

/// Returns the names, in lower case, that several accounts would have: none of them has a right to it before the
/// others.
fn shared_names(config: &Config, organization: &Organization, ids: &[AccountId]) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let names = ids
        .iter()
        .filter_map(|id| account_name(config, organization, id, "readers.role", config.readers.role_template()).ok());
    let slashes = config.readers.role_template().matches('/').count();
    let names = names.filter(|name| name.matches('/').count() == slashes);
    names.map(|name| unique(&name)).filter(|name| !seen.insert(name.clone())).collect()
}

fn add_reader(
    brief: &DesignInput<'_>,
    layout: &Topology<'_>,
    id: &AccountId,
    name: &str,
    desired: &mut Desired,
) -> Result<(), BadDesign> {
    let config = brief.config;
    let address = Address::global(&layout.log_account, Kind::Role, name);
    let needs = if layout.makes_key(config) { vec![layout.key_alias.clone()] } else { Vec::new() };
    desired.want(address.clone(), reader(brief, layout, id)?, "readers.role", needs);
    let arn = Arn::new(layout.partition, "iam", "", layout.log_account.as_str(), &format!("role/{name}"));
    let member = |arn: &Arn| brief.templates.render("member.json.hbs", &json!({"reader_role_arn": arn}));
    let mut document = member(&arn)?;
    must_allow(brief, &document, ("member.json.hbs", id), "sts:AssumeRole", arn.as_str())?;
    for role in brief.past.readers.get(id).into_iter().flatten() {
        if let Some(arn) = role.arn(layout.partition) {
            add_earlier(&mut document, member(&arn)?);
        }
    }
    add_member_policy(brief, id, document, vec![address], desired)
}

fn add_dynamic(
    brief: &DesignInput<'_>,
    layout: &Topology<'_>,
    id: &AccountId,
    desired: &mut Desired,
) -> Result<(), BadDesign> {
    let document = reading_policy(brief, layout, id, "member-dynamic.json.hbs")?;
    let sample = Sample::of(id.as_str(), brief.config.home_region.as_str());
    for root in layout.read_roots(brief.config, &brief.organization.id) {
        let key = sample.key(&root, Folder::Logs(LogKind::CloudTrail));
        let object = format!("{}/{key}", layout.bucket_arn());
        must_allow(brief, &document, ("member-dynamic.json.hbs", id), "s3:GetObject", &object)?;
    }
    let mut needs = vec![layout.bucket.with_kind(Kind::BucketPolicy)];
    if layout.makes_key(brief.config) {
        needs.extend([layout.key_alias.clone(), layout.key_alias.with_kind(Kind::KeyPolicy)]);
    }
    add_member_policy(brief, id, document, needs, desired)
}

/// A policy for readers that lets nobody read is a mistake of its template. What depends on conditions is nobody's
/// mistake.
fn must_allow(
    brief: &DesignInput<'_>,
    document: &PolicyDocument,
    (file, id): (&'static str, &AccountId),
    action: &'static str,
    resource: &str,
) -> Result<(), BadDesign> {
    let role: Option<Arn> = format!("arn:{}:iam::{id}:role/reader", brief.organization.partition).parse().ok();
    let (true, Some(role)) = (brief.templates.replaces(file), role) else {
        return Ok(());
    };
    // Whatever the other side lets in: of two accounts both have to allow.
    let open = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#;
    let open = PolicyDocument::parse(open).unwrap_or_default();
    let request = Request {
        caller: Caller::Session { role, name: "reader".into() },
        action: action.into(),
        resource: resource.into(),
        context: Context::default().with("aws:SecureTransport", "true"),
    };
    let identity = [Named { name: file, document }];
    let layers = Layers {
        identity: &identity,
        resource: Some(Named { name: "the other side", document: &open }),
        resource_account: brief.organization.accounts.keys().find(|other| *other != id).cloned(),
        ..Layers::default()
    };
    match evaluate(&request, &layers) {
        AccessDecision::Denied(_) => Err(BadDesign::LetsNobodyRead { file, account: id.clone(), action }),
        AccessDecision::Allowed { .. } | AccessDecision::Unknown { .. } => Ok(()),
    }
}

fn add_member_policy(
    brief: &DesignInput<'_>,
    id: &AccountId,
    document: PolicyDocument,
    needs: Vec<Address>,
    desired: &mut Desired,
) -> Result<(), BadDesign> {
    let config = brief.config;
    let field = "readers.member_policy";
    let mut naming = Naming::new(config, brief.organization, id, &config.home_region);
    let name = naming.name(field, &config.readers.member_policy, names::check_policy_name)?;
    desired.problems.append(&mut naming.problems);
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

fn reader(brief: &DesignInput<'_>, layout: &Topology<'_>, id: &AccountId) -> Result<Role, BadDesign> {
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
fn trust_values(brief: &DesignInput<'_>, layout: &Topology<'_>, id: &AccountId) -> Value {
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
    brief: &DesignInput<'_>,
    layout: &Topology<'_>,
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
fn place_values(layout: &Topology<'_>, id: &AccountId, place: &EarlierPlace) -> Value {
    let arn = Arn::new(layout.partition, "s3", "", "", &place.bucket.name).to_string();
    let folders = own_folders(&place.roots, id);
    json!({
        "bucket": {"name": place.bucket.name, "arn": arn},
        "object_arns": folders.iter().map(|folder| format!("{arn}/{folder}")).collect::<Vec<_>>(),
        "prefixes": folders,
        "key_arn": place.key,
    })
}

/// Returns the patterns of an account's own folders.
fn own_folders(roots: &BTreeSet<LogRoot>, id: &AccountId) -> Vec<String> {
    roots.iter().map(|root| root.account_pattern(id.as_str())).collect()
}

/// The values of `reader.json.hbs` and `member-dynamic.json.hbs`: where an account's own logs are.
fn reading_values(brief: &DesignInput<'_>, layout: &Topology<'_>, id: &AccountId) -> Value {
    let config = brief.config;
    let folders = own_folders(&layout.read_roots(config, &brief.organization.id), id);
    let arn = layout.bucket_arn();
    json!({
        "bucket": {"name": layout.bucket.name, "arn": arn},
        "object_arns": folders.iter().map(|folder| format!("{arn}/{folder}")).collect::<Vec<_>>(),
        "prefixes": folders,
        "key_arn": layout.key(config),
    })
}

/// Tells whether the reader role of an account was seen in the log account.
pub(super) fn role_exists(
    config: &Config,
    organization: &Organization,
    log_account: &AccountId,
    id: &AccountId,
    estate: &Estate,
) -> bool {
    let name = account_name(config, organization, id, "readers.role", config.readers.role_template());
    name.is_ok_and(|name| estate.resource(&Address::global(log_account, Kind::Role, name)).is_some())
}
