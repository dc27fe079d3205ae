//! Which actions a recorded call needs.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Json, JsonType, Record};
use crate::resource_types::{PlacePath, without_version};

/// How deep in the parameters a role is looked for, and how many values are looked at: services nest less.
const DEPTH_MAX: usize = 8;
const VALUES_MAX: usize = 5_000;

/// Services to which naming a role is not to pass one.
const NAME_ROLES: [&str; 3] = ["iam.amazonaws.com", "sts.amazonaws.com", "signin.amazonaws.com"];

/// The table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IamActions {
    pub(super) services: BTreeMap<String, ServiceActions>,
    pub(super) also: Vec<Also>,
    pub(super) passes: Vec<Pass>,
}

/// How well it is known that a call needs an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActionBasis {
    /// Assumed: the table does not know the service, and its actions may begin otherwise.
    Assumed,
    /// Assumed from the call's name, as most actions of the service are called.
    Name,
    /// The table says so.
    Table,
}

/// What a call needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    /// The actions. Empty: the call needs none.
    pub actions: Vec<NeededAction>,
    /// The roles that the call hands to a service: it needs `iam:PassRole` on each.
    pub passes: Vec<PassedRole>,
}

/// An action that a call needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededAction {
    /// `s3:GetObject`.
    pub action: String,
    /// How well that is known.
    pub basis: ActionBasis,
    /// The type of the resources by whose ARN IAM decides, if the record names some. `None`: by others, or not known.
    pub resource_type: Option<String>,
    /// What is added to such an ARN for others that are needed too: `:*`.
    pub with: Vec<String>,
}

/// A role that a call hands to a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PassedRole {
    /// The role's ARN or name, or the ARN or name of an instance profile that has it.
    pub name: String,
    /// It is an instance profile: the record does not say which role it has.
    pub is_profile: bool,
    /// How well it is known that the role is passed.
    pub basis: ActionBasis,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServiceActions {
    pub prefix: String,
    pub actions: BTreeMap<String, Vec<String>>,
    pub free: BTreeSet<String>,
    pub verbs: BTreeMap<String, String>,
    pub limited: BTreeMap<String, BTreeSet<String>>,
    pub with: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Also {
    pub source: String,
    /// Empty: each call of the source.
    pub calls: BTreeSet<String>,
    pub when: PlacePath,
    pub needs: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pass {
    pub source: String,
    pub calls: BTreeSet<String>,
    pub roles: Vec<PlacePath>,
    pub profiles: Vec<PlacePath>,
}

impl ServiceActions {
    /// A service without exceptions.
    pub(super) fn of(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            actions: BTreeMap::new(),
            free: BTreeSet::new(),
            verbs: BTreeMap::new(),
            limited: BTreeMap::new(),
            with: Vec::new(),
        }
    }

    fn actions(&self, call: &str) -> Vec<(String, ActionBasis)> {
        if let Some(actions) = self.actions.get(call) {
            return actions.iter().map(|action| (action.clone(), ActionBasis::Table)).collect();
        }
        let verb = self.verbs.iter().find(|(start, _)| call.starts_with(start.as_str()));
        if let Some((_, action)) = verb {
            return vec![(action.clone(), ActionBasis::Table)];
        }
        let action = format!("{}:{call}", self.prefix);
        let is_known = self.limited.values().any(|actions| actions.contains(&action));
        vec![(action, if is_known { ActionBasis::Table } else { ActionBasis::Name })]
    }
}

impl IamActions {
    /// Returns what the call of a record needs. `None`: it is no call, or the record lacks its service or name.
    pub fn needs(&self, record: &Record<'_>) -> Option<Needs> {
        let is_call = record.event_type.as_deref().is_none_or(|kind| matches!(kind, "AwsApiCall" | "AwsVpceEvent"));
        let source = record.event_source.as_deref().filter(|text| !text.is_empty())?;
        let event = record.event_name.as_deref().filter(|text| !text.is_empty())?;
        let call = without_version(event);
        let service = self.services.get(source);
        if service.is_some_and(|service| service.free.contains(call)) {
            return Some(Needs::default());
        }
        if !is_call {
            return None;
        }
        let mut actions = self.own(service, source, call);
        let also = self.also.iter().filter(|own| own.source == source);
        let also = also.filter(|own| own.calls.is_empty() || own.calls.contains(call));
        let also = also.filter(|own| is_said(&own.when.values(record))).map(|own| NeededAction {
            action: own.needs.clone(),
            basis: ActionBasis::Table,
            resource_type: service.and_then(|service| service.limited_to(&own.needs)),
            with: service.map(|service| service.with.clone()).unwrap_or_default(),
        });
        actions.extend(also);
        Some(Needs { actions, passes: self.passes(record, source, call) })
    }

    fn own(&self, service: Option<&ServiceActions>, source: &str, call: &str) -> Vec<NeededAction> {
        let Some(service) = service else {
            let prefix = source.split('.').next().unwrap_or(source);
            let action = format!("{prefix}:{call}");
            return vec![NeededAction { action, basis: ActionBasis::Assumed, resource_type: None, with: Vec::new() }];
        };
        let all = service.actions(call).into_iter().enumerate();
        // Of several actions only the first is about what the record names: a copy reads another object.
        let needed = all.map(|(at, (action, basis))| NeededAction {
            resource_type: service.limited_to(&action).filter(|_| at == 0),
            with: service.with.clone(),
            action,
            basis,
        });
        needed.collect()
    }

    fn passes(&self, record: &Record<'_>, source: &str, call: &str) -> Vec<PassedRole> {
        if NAME_ROLES.contains(&source) || !record.may_write() {
            return Vec::new();
        }
        let rows = self.passes.iter().filter(|own| own.source == source && own.calls.contains(call));
        let mut found: BTreeMap<String, PassedRole> = BTreeMap::new();
        for row in rows {
            for (paths, is_profile) in [(&row.roles, false), (&row.profiles, true)] {
                for text in paths.iter().flat_map(|path| path.texts(record)) {
                    let role = PassedRole { name: text.clone().into_owned(), is_profile, basis: ActionBasis::Table };
                    found.insert(text.into_owned(), role);
                }
            }
        }
        for name in record.request_parameters.map(role_arns).unwrap_or_default() {
            let role = PassedRole { name: name.clone(), is_profile: false, basis: ActionBasis::Name };
            found.entry(name).or_insert(role);
        }
        found.into_values().collect()
    }
}

impl ServiceActions {
    fn limited_to(&self, action: &str) -> Option<String> {
        self.limited.iter().find(|(_, actions)| actions.contains(action)).map(|(kind, _)| kind.clone())
    }
}

/// Tells whether one of some values says something.
fn is_said(values: &[Json<'_>]) -> bool {
    values.iter().any(|json| match json.kind() {
        JsonType::Null => false,
        JsonType::Object => json.fields().next().is_some(),
        JsonType::List => json.elements().next().is_some(),
        JsonType::Text => json.as_str().len() > "\"\"".len(),
        JsonType::Flag | JsonType::Number => true,
    })
}

/// Returns the ARNs of roles in fields that are called after a role.
fn role_arns(parameters: Json<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![(parameters, 0, false)];
    let mut seen = 0;
    while let Some((json, depth, is_role)) = open.pop() {
        seen += 1;
        if seen > VALUES_MAX {
            break;
        }
        match json.kind() {
            JsonType::Object if depth < DEPTH_MAX => {
                open.extend(
                    json.fields().take(VALUES_MAX).map(|(name, value)| (value, depth + 1, is_role_field(&name))),
                );
            }
            JsonType::List if depth < DEPTH_MAX => {
                open.extend(json.elements().take(VALUES_MAX).map(|value| (value, depth + 1, is_role)));
            }
            JsonType::Text if is_role => found.extend(json.text().filter(|text| is_role_arn(text)).map(String::from)),
            _ => {}
        }
    }
    found
}

fn is_role_field(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with("role") || name.ends_with("rolearn") || name.ends_with("rolearns")
}

fn is_role_arn(text: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    parts.next() == Some("arn")
        && parts.nth(1) == Some("iam")
        && parts.nth(2).is_some_and(|own| own.starts_with("role/"))
}
