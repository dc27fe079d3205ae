//! The CloudFormation template that puts the member role into every account of the organization.

use handlebars::{RenderError, handlebars_helper};
use serde::Serialize;
use serde_json::{Value, json};

use super::{AccountKind, KnownAccounts, Permissions, PermissionsRequest, Purpose, administrators, permissions};
use crate::config::Config;
use crate::ids::AccountId;
use crate::policy::PolicyDocument;
use crate::template;

const TEMPLATE: &str = include_str!("../../../../templates/member-role.yaml.hbs");

/// Says that the compiled template gives no text.
#[derive(Debug, thiserror::Error)]
#[error("the template member-role.yaml.hbs cannot be rendered")]
pub struct BadStack(#[source] Box<RenderError>);

impl From<RenderError> for BadStack {
    fn from(error: RenderError) -> Self {
        Self(Box::new(error))
    }
}

/// One managed policy of the template.
#[derive(Serialize)]
struct Managed<'a> {
    /// The end of its logical id.
    number: usize,
    document: &'a Value,
}

/// Returns the template for StackSets in YAML, with what a person should know before using it. `recorders`: the role
/// looks at AWS Config too.
///
/// # Errors
/// [`BadStack`] where the compiled template and its values do not fit together, which its test excludes.
pub fn stack_set(
    config: &Config,
    purpose: Purpose,
    known: &KnownAccounts,
    recorders: bool,
) -> Result<(String, Vec<String>), BadStack> {
    let at = |place| {
        permissions(&PermissionsRequest {
            config,
            purpose,
            place,
            known,
            destroy: &[],
            sign: None,
            lake: None,
            athena: None,
            recorders,
        })
    };
    let (member, log) = (at(AccountKind::Member), at(AccountKind::Log));
    let values = |Permissions { documents, .. }: &Permissions| -> Vec<Value> {
        documents.iter().map(PolicyDocument::to_value).collect()
    };
    let (member_documents, log_documents) = (values(&member), values(&log));
    let numbered = |documents: &'_ [Value]| -> Value {
        documents.iter().zip(1..).map(|(document, number)| json!(Managed { number, document })).collect()
    };
    let id = |id: Option<&AccountId>| id.map(|id| id.to_string());
    let log_account = config.accounts.log.parse::<AccountId>().ok().or_else(|| known.log.clone());
    // CloudFormation takes the path of a role apart from its name, with a slash at both ends.
    let member_role = config.organization.member_role.trim_matches('/');
    let (path, role) = member_role.rsplit_once('/').map_or((None, member_role), |(path, role)| (Some(path), role));
    let path = path.map(|path| format!("/{path}/"));
    let values = json!({
        "deployment": config.deployment,
        "role": role,
        "path": path,
        "organization_id": config.organization.id.as_ref().map(|id| id.to_string()),
        "management_account": id(known.management.as_ref()),
        "log_account": id(log_account.as_ref()),
        "administrators": administrators(config),
        "member_policies": numbered(&member_documents),
        "log_policies": numbered(&log_documents),
    });
    let mut engine = template::engine(template::json_text);
    engine.register_helper("json", Box::new(json_value));
    let mut notes = member.notes;
    notes.extend(log.notes);
    notes.dedup();
    Ok((engine.render_template(TEMPLATE, &values)?, notes))
}

// YAML takes JSON as it is, as long as its lines stand further in than their key.
handlebars_helper!(json_value: |value: Value, indent: usize| {
    format!("{value:#}").replace('\n', &format!("\n{}", " ".repeat(indent)))
});
