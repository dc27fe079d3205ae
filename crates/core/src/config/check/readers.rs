//! Rules for `readers`.

use crate::config::diagnostic::Diagnostic;
use crate::config::finding::Code;
use crate::config::names::{
    Variable, check_group_name, check_policy_name, check_role_name, check_role_with_path, variables,
};
use crate::config::schema::{Config, ReaderMode};

use super::names::check_name;

pub(super) fn check(config: &Config) -> Vec<Diagnostic> {
    let readers = &config.readers;
    let role =
        check_name("/readers/role", &readers.role, config, check_role_with_path).or_else(|| one_role_for_all(config));
    let policy = check_name("/readers/member_policy", &readers.member_policy, config, check_policy_name);
    let groups = readers.attach_to.groups.iter().enumerate().filter_map(|(n, group)| {
        let error = check_group_name(group).err()?;
        Some(Diagnostic::new(Code::BadName, format!("/readers/attach_to/groups/{n}"), error.to_string()))
    });
    let roles = readers.attach_to.roles.iter().enumerate().filter_map(|(n, role)| {
        let error = check_role_name(role).err()?;
        Some(Diagnostic::new(Code::BadName, format!("/readers/attach_to/roles/{n}"), error.to_string()))
    });
    role.into_iter().chain(policy).chain(groups).chain(roles).collect()
}

/// All reader roles live in the log account: without the account in their names they would all be one.
fn one_role_for_all(config: &Config) -> Option<Diagnostic> {
    // IAM holds names to be unique whatever their paths.
    let name = config.readers.role.rsplit('/').next().unwrap_or_default();
    let used = variables(name).ok()?;
    let names_account = used.contains(&Variable::AccountId) || used.contains(&Variable::AccountName);
    if names_account || config.readers.mode == ReaderMode::Dynamic {
        return None;
    }
    let message = "every account would have the same reader role: its name must hold the account";
    let remark = Diagnostic::new(Code::Conflict, "/readers/role", message);
    Some(remark.help(format!("write `{}-{{{{account.id}}}}`", config.readers.role)))
}
