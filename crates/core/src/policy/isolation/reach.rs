//! Where an account's files are, and what patterns stand for.

use std::collections::BTreeSet;

use super::Archive;
use crate::log_path::{LogRoot, Sample};
use crate::policy::document::Statement;
use crate::policy::lint::is_demanding;

/// The policy variable that stands for the caller's account.
pub(super) const OWN_ACCOUNT: &str = "${aws:PrincipalAccount}";

impl Archive<'_> {
    /// Returns what account folders stand in: the roots that readers must read, and the same in CloudTrail's other
    /// layout, below `AWSLogs` or below `AWSLogs/o-…`. Earlier trails, or the next ones, write there.
    pub(super) fn all_roots(&self) -> Vec<LogRoot> {
        let both = |root: &LogRoot| root.layouts(self.organization_id.as_str());
        let others: BTreeSet<LogRoot> =
            self.roots.iter().flat_map(both).filter(|it| !self.roots.contains(it)).collect();
        self.roots.iter().cloned().chain(others).collect()
    }

    /// Returns the folders of an account that its reader must read, each with its slash.
    pub(super) fn read_folders(&self, account: &str) -> Vec<String> {
        self.roots.iter().map(|root| root.account_folder(account)).collect()
    }

    /// Returns the keys of one file of each kind of an account, in each of its folders.
    pub(super) fn sample_keys(&self, account: &str) -> Vec<String> {
        self.all_roots().iter().flat_map(|root| Sample::of(account, self.region).keys(root)).collect()
    }

    /// Returns the keys of one file of each kind in each folder that the account's reader must read.
    pub(super) fn read_keys(&self, account: &str) -> Vec<String> {
        self.roots.iter().flat_map(|root| Sample::of(account, self.region).keys(root)).collect()
    }

    pub(super) fn object_arn(&self, key: &str) -> String {
        format!("{}/{key}", self.bucket_arn)
    }
}

/// Returns the values that one of a statement's conditions demands of a key.
pub(super) fn demanded<'a>(statement: &'a Statement, key: &'a str) -> impl Iterator<Item = &'a Vec<String>> {
    demanded_by(statement, key).map(|(_, values)| values)
}

/// The same, with the operator that compares them.
pub(super) fn demanded_by<'a>(
    statement: &'a Statement,
    key: &'a str,
) -> impl Iterator<Item = (&'a str, &'a Vec<String>)> {
    let lines = statement.condition.iter().filter(|(operator, _)| is_demanding(operator));
    let keys = lines.flat_map(|(operator, by_key)| by_key.iter().map(move |line| (operator.as_str(), line)));
    keys.filter(move |(_, (name, _))| name.eq_ignore_ascii_case(key)).map(|(operator, (_, values))| (operator, values))
}

/// Returns the part of a pattern before its first wildcard or variable.
pub(super) fn fixed_start(pattern: &str) -> &str {
    let ends = [pattern.find(['*', '?']), pattern.find("${")];
    match ends.into_iter().flatten().min() {
        Some(end) => &pattern[..end],
        None => pattern,
    }
}

/// Returns one ARN that a pattern matches for a caller of an account: its wildcards and variables filled.
pub(super) fn instance(pattern: &str, account: &str) -> String {
    let own = pattern.replace(OWN_ACCOUNT, account);
    let mut filled = String::new();
    let mut rest = own.as_str();
    while let Some((before, after)) = rest.split_once("${") {
        filled.push_str(before);
        filled.push_str("anything");
        rest = after.split_once('}').map_or("", |(_, tail)| tail);
    }
    filled.push_str(rest);
    filled.replace('*', "anything").replace('?', "x")
}
