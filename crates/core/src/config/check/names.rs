//! Checks a name template: its form, and the name that it will become where that is known already.

use std::fmt::Display;

use crate::config::diagnostic::Diagnostic;
use crate::config::finding::Code;
use crate::config::names::{NameContext, NameError, render_name};
use crate::config::schema::Config;

/// Stands for the id of an account in names: the rules of AWS treat all ids alike.
const ANY_ACCOUNT_ID: &str = "123456789012";

/// Returns what is known of every name before the organization is. Names with an account's name, or with an
/// organization id that the file does not tell, are checked when the accounts are known.
pub(super) fn context(config: &Config) -> NameContext<'_> {
    NameContext {
        account_id: Some(ANY_ACCOUNT_ID),
        account_name: None,
        deployment: Some(&config.deployment),
        organization_id: config.organization.id.as_ref().map(|id| id.as_str()),
        region: Some(config.home_region.as_str()),
    }
}

/// Holds a template to the rule for the name that it becomes.
pub(super) fn check_name<E: Display>(
    at: &str,
    template: &str,
    config: &Config,
    rule: impl Fn(&str) -> Result<(), E>,
) -> Option<Diagnostic> {
    let name = match render_name(template, &context(config)) {
        Ok(name) => name,
        Err(NameError::NoValue { .. }) => return None,
        Err(error) => {
            let remark = Diagnostic::new(Code::BadTemplate, at, error.to_string());
            return Some(remark.on_characters(expression(template, error.character())).help(error.help()));
        }
    };
    let why = rule(&name).err()?.to_string();
    let remark = Diagnostic::new(Code::BadName, at, why);
    if name == template && template.contains('{') {
        return Some(remark.help("a variable stands in two braces on both sides, as in `{{account.id}}`"));
    }
    Some(remark)
}

/// Returns the characters of a template from a broken place to the end of its braces.
fn expression(template: &str, start: usize) -> std::ops::Range<usize> {
    let rest: String = template.chars().skip(start).collect();
    let length = match rest.find("}}") {
        Some(end) => rest[..end].chars().count() + 2,
        None => rest.chars().count(),
    };
    start..start + length
}
