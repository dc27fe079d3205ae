//! A deployment as Terraform, for teams that leave: an import block and a resource for everything that it made. Pure.
//!
//! The configuration describes what was observed, so that `terraform plan` imports and changes nothing. `resources`
//! says which of Terraform's resources stand for one of ours, `hcl` writes the language.

use std::collections::{BTreeMap, BTreeSet};

use handlebars::no_escape;
use serde::Serialize;

use crate::estate::{Address, Desired, Estate, Kind, OWNER_TAG, Resource};
use crate::ids::{AccountId, Partition, Region};
use crate::template;

mod block;
mod hcl;
mod resources;
mod roles;

const FILE: &str = "terraform.tf.hbs";
const TEMPLATE: &str = include_str!("../../templates/terraform.tf.hbs");

/// What is exported.
#[derive(Clone, Copy)]
pub struct Export<'a> {
    /// What the configuration asks for: the addresses that belong to the deployment.
    pub desired: &'a Desired,
    /// What is there.
    pub estate: &'a Estate,
    /// The account of the credentials that Terraform will run with: it assumes no role there.
    pub management_account: &'a AccountId,
    /// The role that Terraform assumes in the other accounts.
    pub member_role: &'a str,
    /// Where what is global is managed from.
    pub home_region: &'a Region,
}

/// The text, and what is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The configuration.
    pub text: String,
    /// What is there but cannot be a resource, or is not there: a sentence each.
    pub left_out: Vec<String>,
}

/// Says why there is no text. It would be a mistake in the template.
#[derive(Debug, thiserror::Error)]
#[error("the template {FILE} cannot be rendered: {0}")]
pub struct NotExported(#[from] handlebars::RenderError);

#[derive(Serialize)]
struct Values {
    deployment: String,
    providers: Vec<ProviderView>,
    resources: Vec<ResourceView>,
    left_out: Vec<String>,
}

#[derive(Serialize)]
struct ProviderView {
    alias: String,
    region: String,
    /// None where the credentials are used as they are.
    role: Option<String>,
}

#[derive(Serialize)]
struct ResourceView {
    address: String,
    kind: &'static str,
    label: String,
    id: String,
    provider: String,
    body: String,
}

/// Returns the Terraform configuration of a deployment.
///
/// # Errors
/// [`NotExported`] for a template that does not fit.
pub fn terraform(export: Export<'_>) -> Result<Exported, NotExported> {
    let mut providers: BTreeMap<String, ProviderView> = BTreeMap::new();
    let mut labels: BTreeSet<(&'static str, String)> = BTreeSet::new();
    let mut blocks = Vec::new();
    let mut left_out = Vec::new();
    // A key's own resource has its policy.
    for address in export.desired.wanted.keys().filter(|address| address.kind != Kind::KeyPolicy) {
        let resource = match export.estate.resource(address) {
            Some(resource) if is_exported(export, resource) => resource,
            Some(_) => {
                left_out.push(format!("{address} was made by others"));
                continue;
            }
            None => {
                left_out.push(format!("{address} is not there, or could not be read"));
                continue;
            }
        };
        let provider = provider(export, address);
        let alias = provider.alias.clone();
        let made = resources::blocks(export.desired.partition, export.estate, address, resource);
        if made.is_empty() {
            left_out.push(format!("{address} {}", resources::why_none(address.kind)));
            continue;
        }
        providers.entry(alias.clone()).or_insert(provider);
        for block in made {
            let label = label(&mut labels, block.kind, address, &block.name);
            let body = hcl::body(block.body);
            let provider = format!("aws.{alias}");
            let (address, kind, id) = (address.to_string(), block.kind, hcl::quoted(&block.id));
            blocks.push(ResourceView { address, kind, label, id, provider, body });
        }
    }
    let values = Values {
        deployment: hcl::comment(&export.desired.deployment),
        providers: providers.into_values().collect(),
        resources: blocks,
        left_out: left_out.iter().map(|line| hcl::comment(line)).collect(),
    };
    // Every value is HCL already when it comes to the template.
    let engine = template::engine(no_escape);
    Ok(Exported { text: hcl::aligned(&engine.render_template(TEMPLATE, &values)?), left_out })
}

/// Kinds that carry no tags belong to what they are a part of.
fn is_exported(export: Export<'_>, resource: &Resource) -> bool {
    match resource.tags() {
        Some(tags) => tags.get(OWNER_TAG) == Some(&export.desired.deployment),
        None => !matches!(resource.kind(), Kind::Trail),
    }
}

fn provider(export: Export<'_>, address: &Address) -> ProviderView {
    let region = address.region.as_ref().unwrap_or(export.home_region);
    let account = &address.account;
    let role = (account != export.management_account).then(|| {
        let partition: Partition = export.desired.partition;
        hcl::quoted(&format!("arn:{partition}:iam::{account}:role/{}", export.member_role))
    });
    let alias = format!("a{account}_{}", region.as_str().replace('-', "_"));
    ProviderView { alias, region: hcl::quoted(region.as_str()), role }
}

/// Returns a label that no other resource of the kind has.
fn label(taken: &mut BTreeSet<(&'static str, String)>, kind: &'static str, address: &Address, name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let name: String = name.chars().map(safe).collect();
    let stem = format!("a{}_{}", address.account, name.trim_matches('_'));
    let mut label = stem.clone();
    let mut more = 1;
    while !taken.insert((kind, label.clone())) {
        more += 1;
        label = format!("{stem}_{more}");
    }
    label
}
