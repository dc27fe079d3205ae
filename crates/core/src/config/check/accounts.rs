//! Rules for `organization` and `accounts`.

use crate::config::diagnostic::Diagnostic;
use crate::config::finding::Code;
use crate::config::names::check_role_name;
use crate::config::schema::Config;
use crate::ids::AccountId;

pub(super) fn check(config: &Config) -> Vec<Diagnostic> {
    let mut remarks = Vec::new();
    remarks.extend(account_reference("/accounts/log", &config.accounts.log));
    for (n, account) in config.organization.delegated_administrators.iter().enumerate() {
        remarks.extend(account_reference(&format!("/organization/delegated_administrators/{n}"), account));
    }
    remarks.extend(member_role(&config.organization.member_role));
    remarks.extend(contradictions(config));
    remarks
}

/// An account is told by its id or its name; digits alone are a mistyped id.
pub(super) fn account_reference(at: &str, account: &str) -> Option<Diagnostic> {
    let digits = account.bytes().all(|b| b.is_ascii_digit());
    let error = account.parse::<AccountId>().err().filter(|_| digits)?;
    Some(Diagnostic::new(Code::WrongValue, at, error.to_string()))
}

/// The role may have a path: `team/security/Reader`.
fn member_role(role: &str) -> Option<Diagnostic> {
    let at = "/organization/member_role";
    if role.starts_with("arn:") {
        let remark = Diagnostic::new(Code::BadName, at, "the member role is given by its name, not by an ARN");
        return Some(remark.help("the role has the same name in every account; write what follows `:role/`"));
    }
    let error = role.split('/').find_map(|part| check_role_name(part).err())?;
    Some(Diagnostic::new(Code::BadName, at, error.to_string()))
}

/// The same selector on both sides selects nothing.
fn contradictions(config: &Config) -> impl Iterator<Item = Diagnostic> {
    let accounts = &config.accounts;
    accounts.include.iter().enumerate().filter_map(|(n, selector)| {
        let excluded = accounts.exclude.iter().position(|other| other == selector)?;
        let message = format!("`{selector}` is included and excluded, so it selects nothing");
        let remark = Diagnostic::new(Code::Conflict, format!("/accounts/include/{n}"), message);
        Some(remark.because(format!("/accounts/exclude/{excluded}"), "excluded here").help("keep one of the two"))
    })
}
