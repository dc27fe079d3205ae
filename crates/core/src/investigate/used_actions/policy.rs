//! The least policy for what was used, as IAM reads it, and what it does not know.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{ActionUse, PolicyLimit, UsedActionsSummary};
use crate::iam_actions::ActionBasis;

impl UsedActionsSummary {
    /// Returns the policy document: one statement for the actions of a service that need the same resources, services
    /// and actions in the order of the alphabet, without conditions. `None`: nothing was used.
    pub fn policy(&self) -> Option<Value> {
        let mut statements: BTreeMap<(String, BTreeSet<String>), BTreeSet<String>> = BTreeMap::new();
        for own in &self.used {
            let service = own.action.split(':').next().unwrap_or_default().to_owned();
            let resources = if own.needs_all { BTreeSet::from(["*".to_owned()]) } else { own.resources.clone() };
            statements.entry((service, resources)).or_default().insert(own.action.clone());
        }
        let roles = self.passed.iter().map(|(role, _)| role).filter(|role| !role.is_profile && is_arn(&role.name));
        let roles: BTreeSet<String> = roles.map(|role| escaped(&role.name)).collect();
        if !roles.is_empty() {
            statements.entry(("iam".to_owned(), roles)).or_default().insert("iam:PassRole".to_owned());
        }
        let statements: Vec<Value> = statements
            .into_iter()
            .map(|((_, resources), actions)| json!({"Effect": "Allow", "Action": actions, "Resource": one_or_many(resources)}))
            .collect();
        (!statements.is_empty()).then(|| json!({"Version": "2012-10-17", "Statement": statements}))
    }
}

fn one_or_many(resources: BTreeSet<String>) -> Value {
    match resources.first() {
        Some(one) if resources.len() == 1 => json!(one),
        _ => json!(resources),
    }
}

/// Returns what the policy does not know.
pub(super) fn limits(summary: &UsedActionsSummary, has_data: bool) -> Vec<PolicyLimit> {
    let count = |is: fn(&ActionUse) -> bool| summary.used.iter().filter(|own| is(own)).count();
    let (assumed, any) = (count(|own| own.basis < ActionBasis::Table), count(|own| own.needs_all));
    let named = |is: &dyn Fn(&str, bool) -> bool| -> BTreeSet<String> {
        let roles = summary.passed.iter().map(|(role, _)| role).filter(|role| is(&role.name, role.is_profile));
        roles.map(|role| role.name.clone()).collect()
    };
    let profiles = named(&|_, is_profile| is_profile);
    let names = named(&|name, is_profile| !is_profile && !is_arn(name));
    let through: BTreeSet<String> = summary.used.iter().flat_map(|own| own.through.iter().cloned()).collect();
    let all = [
        Some(if has_data { PolicyLimit::SomeData } else { PolicyLimit::NoData }),
        Some(PolicyLimit::Unlogged),
        Some(PolicyLimit::Period),
        (assumed > 0).then_some(PolicyLimit::Assumed(assumed)),
        (any > 0).then_some(PolicyLimit::AnyResource(any)),
        (!profiles.is_empty()).then_some(PolicyLimit::Profiles(profiles)),
        (!names.is_empty()).then_some(PolicyLimit::RoleNames(names)),
        (!through.is_empty()).then_some(PolicyLimit::OnBehalf(through)),
        Some(PolicyLimit::Conditions),
    ];
    all.into_iter().flatten().collect()
}

fn is_arn(text: &str) -> bool {
    text.starts_with("arn:")
}

/// Returns an ARN as a policy writes it: what would stand for any text, or for a variable, stands for itself (IAM user
/// guide, "IAM policy elements: Variables and tags").
pub(super) fn escaped(arn: &str) -> String {
    let mut text = String::with_capacity(arn.len());
    for letter in arn.chars() {
        match letter {
            '*' | '?' | '$' => text.extend(["${", letter.encode_utf8(&mut [0; 4]), "}"]),
            _ => text.push(letter),
        }
    }
    text
}

/// Returns how the ARN of an object begins, up to its key. `None`: it is that of something else.
pub(super) fn bucket_of(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let (service, resource) = (parts.nth(2)?, parts.nth(2)?);
    let key = resource.split_once('/')?.1;
    (service == "s3").then(|| arn.strip_suffix(key)).flatten()
}

/// Puts all objects of a bucket in the place of each.
pub(super) fn folded(arns: &BTreeSet<String>) -> BTreeSet<String> {
    let fold = |arn: &String| bucket_of(arn).map_or_else(|| arn.clone(), |start| format!("{start}*"));
    arns.iter().map(fold).collect()
}
