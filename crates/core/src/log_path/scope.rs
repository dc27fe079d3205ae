//! The files of one account and region, and the prefixes that they share.

use jiff::Timestamp;

use super::day::{day_folder, days};
use super::folder::{Folder, LogKind};
use super::root::LogRoot;
use crate::ids::{AccountId, Region};

/// The part of a key that an account's files of one region share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainScope {
    /// All that stands before `AWSLogs/`: empty, or ends with `/`.
    pub prefix: String,
    /// The organization's folder (`o-…`); none in the layout of one account's trail.
    pub organization: Option<String>,
    /// The account whose events these are.
    pub account: AccountId,
    /// The region where the events happened.
    pub region: Region,
}

impl ChainScope {
    /// Returns the scope of an account and region below a root.
    pub fn of(root: &LogRoot, account: AccountId, region: Region) -> Self {
        let (prefix, organization) = (root.prefix().to_owned(), root.organization().map(str::to_owned));
        Self { prefix, organization, account, region }
    }

    /// Returns what the account's folder stands in.
    pub fn root(&self) -> LogRoot {
        LogRoot::at(&self.prefix, self.organization.as_deref())
    }

    /// Returns the prefix of the account's folder, with the `/` at its end.
    pub fn account_prefix(&self) -> String {
        self.root().account_folder(self.account.as_str())
    }

    /// Returns the prefix of all files of one folder of the account in the region, with the `/` at its end.
    pub fn folder_prefix(&self, folder: Folder) -> String {
        format!("{}{}/{}/", self.account_prefix(), folder.name(), self.region)
    }

    /// Returns the prefix of all digests of the account in the region.
    pub fn digest_prefix(&self) -> String {
        self.folder_prefix(Folder::Digests)
    }

    /// Returns the prefix of all log files of one kind of the account in the region.
    pub fn log_prefix(&self, kind: LogKind) -> String {
        self.folder_prefix(Folder::Logs(kind))
    }

    /// Returns the path of a day's files, `…/YYYY/MM/DD`, without a slash: listed after it, the day comes first.
    pub fn day_path(&self, folder: Folder, day: Timestamp) -> String {
        format!("{}{}", self.folder_prefix(folder), day_folder(day))
    }

    /// Returns the prefix of the files of each day from one moment to another, both included, with the `/` at its end.
    ///
    /// A file of around midnight may lie in the folder of the day beside its own: whoever looks for events of a time
    /// asks for as much more.
    pub fn day_prefixes(
        &self,
        folder: Folder,
        first: Timestamp,
        last: Timestamp,
    ) -> impl Iterator<Item = String> + use<> {
        let prefix = self.folder_prefix(folder);
        days(first, last).map(move |day| format!("{prefix}{day}/"))
    }

    /// Returns the same place below another prefix, as a copy from below a prefix has it.
    #[must_use]
    pub fn below(&self, prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_listed_one_by_one_over_the_turn_of_a_year() {
        let root = LogRoot::below("audit").in_organization("o-exampleorgid");
        let scope = ChainScope::of(&root, "111122223333".parse().unwrap(), "eu-west-3".parse().unwrap());
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let days = |first, last| scope.day_prefixes(Folder::Digests, at(first), at(last)).collect::<Vec<_>>();
        let top = "audit/AWSLogs/o-exampleorgid/111122223333/CloudTrail-Digest/eu-west-3";
        assert_eq!(
            days("2025-12-31T23:59:59Z", "2026-01-02T00:00:00Z"),
            [format!("{top}/2025/12/31/"), format!("{top}/2026/01/01/"), format!("{top}/2026/01/02/")]
        );
        assert_eq!(days("2026-01-01T00:00:00Z", "2026-01-01T23:00:00Z"), [format!("{top}/2026/01/01/")]);
        assert!(days("2026-01-02T00:00:00Z", "2026-01-01T23:00:00Z").is_empty());
        assert_eq!(scope.day_path(Folder::Digests, at("2024-02-29T12:00:00Z")), format!("{top}/2024/02/29"));
        assert_eq!(scope.root(), root);
        let last = Timestamp::MAX;
        assert_eq!(scope.day_prefixes(Folder::Digests, last, last).count(), 1, "the calendar ends there");
    }
}
