//! How far a pattern reaches: whether all that it matches lies within one account's folders.

use std::collections::BTreeSet;

use super::Archive;
use crate::ids::AccountId;
use crate::policy::document::{ResourceElement, Statement};
use crate::policy::evaluate::arn_glob;
use crate::policy::lint::is_demanding;

/// The policy variable that stands for the caller's account.
pub(super) const OWN_ACCOUNT: &str = "${aws:PrincipalAccount}";

/// The folders that CloudTrail writes below an account's.
pub(super) const FOLDERS: [&str; 3] = ["CloudTrail", "CloudTrail-Digest", "CloudTrail-Insight"];

impl Archive<'_> {
    /// Returns what account folders stand in: the roots that readers must read, and the same in CloudTrail's other layout,
    /// below `AWSLogs` or below `AWSLogs/o-…`. Earlier trails, or the next ones, write there.
    pub(super) fn all_roots(&self) -> Vec<String> {
        let organization = format!("/{}", self.organization_id);
        let both = |root: &String| {
            let base = root.strip_suffix(&organization).unwrap_or(root);
            [base.to_owned(), format!("{base}{organization}")]
        };
        let others: BTreeSet<String> = self.roots.iter().flat_map(both).filter(|it| !self.roots.contains(it)).collect();
        self.roots.iter().cloned().chain(others).collect()
    }

    /// Returns the folders of an account (or of [`OWN_ACCOUNT`]), each with its slash: without it, account 11111111111
    /// would reach 111111111112.
    pub(super) fn folders(&self, account: &str) -> Vec<String> {
        self.all_roots().iter().map(|root| format!("{root}/{account}/")).collect()
    }

    /// Returns those of the folders that the account's reader must read.
    pub(super) fn read_folders(&self, account: &str) -> Vec<String> {
        self.roots.iter().map(|root| format!("{root}/{account}/")).collect()
    }

    /// Returns the keys of one file of each kind of an account, in each of its folders.
    pub(super) fn sample_keys(&self, account: &str) -> Vec<String> {
        self.files_in(&self.folders(account))
    }

    /// Returns the keys of one file of each kind in each folder.
    pub(super) fn files_in(&self, folders: &[String]) -> Vec<String> {
        let file = |folder: &String, kind: &str| format!("{folder}{kind}/{}/2026/01/31/file.json.gz", self.region);
        folders.iter().flat_map(|folder| FOLDERS.iter().map(move |kind| file(folder, kind))).collect()
    }

    pub(super) fn object_arn(&self, key: &str) -> String {
        format!("{}/{key}", self.bucket_arn)
    }

    pub(super) fn bucket_name(&self) -> &str {
        self.bucket_arn.resource()
    }

    /// Tells whether a resource can only be objects below one of the folders.
    pub(super) fn is_within(&self, resource: &str, folders: &[String]) -> bool {
        let Some(path) = resource.splitn(6, ':').nth(5) else { return false };
        let Some(key) = path.strip_prefix(self.bucket_name()).and_then(|rest| rest.strip_prefix('/')) else {
            return false;
        };
        is_below(key, folders)
    }

    /// Tells whether a resource can be the bucket or something in it.
    pub(super) fn may_touch(&self, resource: &str) -> bool {
        let fields: Vec<&str> = resource.splitn(6, ':').collect();
        let own: Vec<&str> = self.bucket_arn.as_str().splitn(6, ':').collect();
        let meets = |(pattern, own): (&&str, &&str)| arn_glob(pattern, own) || pattern.contains("${");
        let same_place = fields.iter().take(5).zip(&own).all(meets);
        let Some(path) = fields.get(5) else { return same_place };
        let fixed = fixed_start(path);
        let bucket = self.bucket_name();
        let same_bucket = fixed.strip_prefix(bucket).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        same_place && (same_bucket || (fixed.len() < path.len() && bucket.starts_with(fixed)))
    }

    /// Tells whether a resource can be a file below one of the roots.
    pub(super) fn may_be_a_log(&self, resource: &str) -> bool {
        let key = resource.splitn(6, ':').nth(5).and_then(|path| path.strip_prefix(self.bucket_name()));
        match key.and_then(|rest| rest.strip_prefix('/')) {
            Some(key) => self.may_reach_a_root(key),
            None => true,
        }
    }

    /// Tells whether a pattern of keys can match a key below one of the roots.
    fn may_reach_a_root(&self, key: &str) -> bool {
        let fixed = fixed_start(key);
        let roots = self.all_roots().into_iter().map(|root| format!("{root}/"));
        let reaches = |root: String| fixed.starts_with(&root) || (root.starts_with(fixed) && fixed.len() < key.len());
        roots.into_iter().any(reaches) || below_the_prefix(fixed).is_some()
    }

    /// Tells whether every log that an allow statement covers in this bucket lies below the folders.
    pub(super) fn reads_within(&self, statement: &Statement, folders: &[String]) -> bool {
        let harmless = |resource: &String| {
            !self.may_touch(resource) || self.is_within(resource, folders) || !self.may_be_a_log(resource)
        };
        match &statement.resource {
            Some(ResourceElement::Is(list)) => list.iter().all(harmless),
            Some(ResourceElement::IsNot(_)) | None => false,
        }
    }

    /// Tells whether an allow statement can list this bucket only below the folders.
    pub(super) fn lists_within(&self, statement: &Statement, folders: &[String]) -> bool {
        let is_bucket = |resource: &String| arn_glob(resource, self.bucket_arn.as_str()) || resource.contains("${");
        let lists = match &statement.resource {
            Some(ResourceElement::Is(list)) => list.iter().any(is_bucket),
            Some(ResourceElement::IsNot(_)) | None => true,
        };
        let harmless = |value: &String| is_below(value, folders);
        !lists || demanded(statement, "s3:prefix").any(|values| !values.is_empty() && values.iter().all(harmless))
    }

    /// Returns the accounts of others.
    pub(super) fn strangers<'a>(&'a self, own: &'a AccountId) -> impl Iterator<Item = &'a AccountId> {
        self.accounts.iter().filter(move |account| *account != own)
    }
}

/// Returns the values that one of a statement's conditions demands of a key.
pub(super) fn demanded<'a>(statement: &'a Statement, key: &'a str) -> impl Iterator<Item = &'a Vec<String>> {
    let lines = statement.condition.iter().filter(|(operator, _)| is_demanding(operator));
    let keys = lines.flat_map(|(_, by_key)| by_key);
    keys.filter(move |(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, values)| values)
}

/// Tells whether all keys that a pattern matches lie below one of the folders, after whatever prefix: an account's folder
/// below `AWSLogs` is its own under each prefix that the archive ever had.
fn is_below(key: &str, folders: &[String]) -> bool {
    let pairs = || folders.iter().filter_map(|folder| below_the_prefix(folder));
    let own = below_the_prefix(key);
    folders.iter().any(|folder| key.starts_with(folder))
        || own.is_some_and(|own| pairs().any(|folder| own.starts_with(folder)))
}

/// Returns a key from the first folder `AWSLogs` on; none where there is none, or what stands before it is not fixed.
fn below_the_prefix(key: &str) -> Option<&str> {
    let start = if key.starts_with("AWSLogs/") { 0 } else { key.find("/AWSLogs/")? + 1 };
    (fixed_start(key).len() >= start).then(|| &key[start..])
}

/// Returns the part of a pattern before its first wildcard or variable.
fn fixed_start(pattern: &str) -> &str {
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
