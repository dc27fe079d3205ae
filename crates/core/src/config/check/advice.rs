//! What is right and may still surprise: said by `orgtrail validate`, never an error.

use crate::config::diagnostic::Diagnostic;
use crate::config::finding::Code;
use crate::config::names::{Variable, variables};
use crate::config::schema::Config;
use crate::ids::AccountId;
use crate::organization::selector::Selector;

const WHO: &str = "whoever administers an account may rename it";

/// Returns the remarks on a configuration that is right.
pub(in crate::config) fn advise(config: &Config) -> Vec<Diagnostic> {
    let mut remarks = accounts_by_name(config);
    remarks.extend(selectors_by_name(config));
    remarks.extend(templates_by_name(config));
    remarks
}

fn remark(at: impl Into<String>, message: String, help: &str) -> Diagnostic {
    Diagnostic::new(Code::ChosenByMembers, at, message).help(help)
}

/// A second account of that name stops every plan, because the log account must not be guessed.
fn accounts_by_name(config: &Config) -> Vec<Diagnostic> {
    let log = ("/accounts/log".to_owned(), config.accounts.log.as_str());
    let administrators = config.organization.delegated_administrators.iter().enumerate();
    let administrators =
        administrators.map(|(n, text)| (format!("/organization/delegated_administrators/{n}"), text.as_str()));
    let by_name = std::iter::once(log).chain(administrators).filter(|(_, text)| text.parse::<AccountId>().is_err());
    let said = by_name.map(|(at, text)| {
        let message =
            format!("{text:?} is the name of an account, and {WHO}: a second account of this name stops every plan");
        remark(at, message, "write the account's id, which `orgtrail discover` shows")
    });
    said.collect()
}

fn selectors_by_name(config: &Config) -> Vec<Diagnostic> {
    let lists = [("include", &config.accounts.include), ("exclude", &config.accounts.exclude)];
    let all = lists.into_iter().flat_map(|(list, selectors)| {
        selectors.iter().enumerate().map(move |(n, selector)| (list, format!("/accounts/{list}/{n}"), selector))
    });
    let said = all.filter(|(_, _, selector)| matches!(selector, Selector::Name(_))).map(|(list, at, selector)| {
        let does = if list == "include" { "selected" } else { "left out" };
        let message = format!("`{selector}` selects by name, and {WHO}: it decides itself whether it is {does}");
        remark(
            at,
            message,
            "select by unit (`ou:…`) or id (`id:…`); only the organization's administrators change these",
        )
    });
    said.collect()
}

fn templates_by_name(config: &Config) -> Vec<Diagnostic> {
    let readers = &config.readers;
    let archive =
        [("/bucket/name".to_owned(), &config.bucket.name), ("/bucket/key_alias".to_owned(), &config.bucket.key_alias)];
    let mut templates: Vec<(String, &String)> = archive.into_iter().collect();
    templates.push(("/readers/role".to_owned(), &readers.role));
    templates.push(("/readers/member_policy".to_owned(), &readers.member_policy));
    for (n, trail) in config.trails.iter().enumerate() {
        templates.push((format!("/trails/{n}/name"), &trail.name));
        templates.extend(trail.notify.as_ref().map(|notify| (format!("/trails/{n}/notify/sns"), &notify.sns)));
        if let Some(logs) = &trail.cloudwatch_logs {
            templates.push((format!("/trails/{n}/cloudwatch_logs/group"), &logs.group));
            templates.push((format!("/trails/{n}/cloudwatch_logs/role"), &logs.role));
        }
    }
    let by_name = templates
        .into_iter()
        .filter(|(_, template)| variables(template).is_ok_and(|used| used.contains(&Variable::AccountName)));
    let said = by_name.map(|(at, template)| {
        let message =
            format!("{template:?} holds the name of an account, and {WHO}, also into one that AWS does not take");
        remark(at, message, "write `{{account.id}}` for `{{account.name}}`: an id never changes")
    });
    said.collect()
}
