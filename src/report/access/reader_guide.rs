//! What one account's team needs to read its own logs: the report of `access ACCOUNT`, for people and as JSON.

use schemars::JsonSchema;
use serde::Serialize;

use crate::ids::{AccountId, Region};
use crate::log_path::{Folder, LogRoot};
use crate::organization::Organization;
use crate::plan::isolation::{ArchivePolicies, ReaderPolicies};
use crate::report::access::line;

/// What is reported.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReaderGuide {
    /// The version of this format. It grows when a field loses its name or its meaning, not when one is added.
    format_version: u32,
    /// The version of orgtrail that wrote it.
    tool_version: &'static str,
    /// The account.
    #[schemars(with = "String")]
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// The role to assume; none where the team's own roles read directly.
    pub role_arn: Option<String>,
    /// The ARN of the managed policy that a user or role of the team needs; none where they need none.
    pub member_policy_arn: Option<String>,
    /// For the file `~/.aws/config`; empty where no role is assumed.
    pub profile: Vec<String>,
    /// Where the files are, as `s3://` addresses.
    pub prefixes: Vec<String>,
}

impl ReaderGuide {
    /// Puts it together for one reader.
    pub fn of(
        policies: &ArchivePolicies<'_>,
        reader: &ReaderPolicies<'_>,
        organization: &Organization,
        home_region: &Region,
    ) -> Self {
        let role_arn = reader.is_assumed().then(|| reader.role.to_string());
        let profile = role_arn.as_ref().map(|role| profile(policies, reader, role, home_region));
        let bucket = policies.bucket_name();
        let own = |root: &LogRoot| format!("s3://{bucket}/{}", root.account_folder(reader.account.as_str()));
        let own = policies.roots.iter().map(own);
        Self {
            format_version: crate::report::text::json::FORMAT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION"),
            account: reader.account.clone(),
            name: organization.name_of(&reader.account).to_owned(),
            role_arn,
            member_policy_arn: policies.member_policy(&reader.account).map(|arn| arn.to_string()),
            profile: profile.unwrap_or_default(),
            prefixes: own.flat_map(|own| Folder::ALL.map(|folder| format!("{own}{}/", folder.name()))).collect(),
        }
    }
}

fn profile(policies: &ArchivePolicies<'_>, reader: &ReaderPolicies<'_>, role: &str, region: &Region) -> Vec<String> {
    let terms = policies.terms();
    let mut lines = vec![
        "[profile cloudtrail-logs]".to_owned(),
        format!("role_arn = {role}"),
        "source_profile = default".to_owned(),
        format!("region = {region}"),
    ];
    lines.extend(terms.external_id.as_ref().map(|id| format!("external_id = {id}")));
    if terms.require_mfa {
        lines.push(format!("mfa_serial = arn:{}:iam::{}:mfa/YOUR-USER", reader.role.partition(), reader.account));
    }
    lines
}

/// Returns the report for a terminal. Every text of AWS is made inert.
pub fn human(pass: &ReaderGuide) -> String {
    let ReaderGuide {
        format_version: _,
        tool_version: _,
        account,
        name,
        role_arn,
        member_policy_arn,
        profile,
        prefixes,
    } = pass;
    let mut text = String::new();
    line(&mut text, 0, &format!("Reading the logs of {name} {account}"));
    if let Some(policy) = member_policy_arn {
        line(&mut text, 0, "Attach this policy to the users, groups or roles that shall read:");
        line(&mut text, 2, policy);
    }
    match role_arn {
        Some(role) => {
            line(&mut text, 0, "They assume this role:");
            line(&mut text, 2, role);
            line(&mut text, 0, "In ~/.aws/config:");
            profile.iter().for_each(|entry| line(&mut text, 2, entry));
        }
        None => line(&mut text, 0, "They assume no role: the bucket lets them in with their own credentials."),
    }
    line(&mut text, 0, "The files are below:");
    prefixes.iter().for_each(|prefix| line(&mut text, 2, prefix));
    let option = if role_arn.is_some() { " --profile cloudtrail-logs" } else { "" };
    if let Some(first) = prefixes.first() {
        line(&mut text, 0, "For example:");
        line(&mut text, 2, &format!("aws s3 ls{option} {first}"));
    }
    text
}

/// Returns the report as JSON, version 1.
///
/// # Errors
/// Those of serialisation, which this shape does not have.
pub fn json(pass: &ReaderGuide) -> Result<String, serde_json::Error> {
    crate::report::text::json::text(pass)
}
