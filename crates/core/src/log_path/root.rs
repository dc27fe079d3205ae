//! What the folders of accounts stand in.

use std::fmt;
use std::str::FromStr;

use super::bad_key::BadKey;
use super::folder::LogKind;

/// The folder that CloudTrail starts its layout with, behind the trail's prefix. Other services share it.
pub const TOP: &str = "AWSLogs";
/// The same with its slash, as a prefix of keys.
pub const TOP_FOLDER: &str = "AWSLogs/";

/// What the folders of accounts stand in, `[prefix/]AWSLogs[/o-…]`, without a slash at its end.
///
/// A trail of an organization writes below the organization's folder, one of a single account does not (CloudTrail user
/// guide, "Amazon S3 bucket policy for CloudTrail").
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogRoot(String);

impl Default for LogRoot {
    /// That of a trail of one account without a prefix.
    fn default() -> Self {
        Self(TOP.to_owned())
    }
}

impl LogRoot {
    /// Returns the root below the prefix of a trail, which has no slash at its end; empty: none.
    pub fn below(prefix: &str) -> Self {
        if prefix.is_empty() { Self::default() } else { Self(format!("{prefix}/{TOP}")) }
    }

    /// Returns the root behind what stands before it in keys: empty, or with a slash at its end.
    pub fn at(before: &str, organization: Option<&str>) -> Self {
        match organization {
            Some(organization) => Self(format!("{before}{TOP_FOLDER}{organization}")),
            None => Self(format!("{before}{TOP}")),
        }
    }

    /// Returns the root of an organization's trail below the same prefix.
    #[must_use]
    pub fn in_organization(&self, organization: &str) -> Self {
        Self::at(self.prefix(), Some(organization))
    }

    /// Returns both layouts below the same prefix: that of trails of single accounts, and that of the organization's.
    pub fn layouts(&self, organization: &str) -> [Self; 2] {
        [Self::at(self.prefix(), None), self.in_organization(organization)]
    }

    /// Returns what stands before `AWSLogs/` in keys: empty, or with a slash at its end.
    pub fn prefix(&self) -> &str {
        self.split().0
    }

    /// Returns the id of the organization whose trail writes here; none in the layout of single accounts.
    pub fn organization(&self) -> Option<&str> {
        self.split().1
    }

    fn split(&self) -> (&str, Option<&str>) {
        match self.0.strip_suffix(TOP) {
            Some(prefix) => (prefix, None),
            None => {
                let (before, organization) = self.0.rsplit_once('/').unwrap_or_default();
                (before.strip_suffix(TOP).unwrap_or_default(), Some(organization))
            }
        }
    }

    /// Returns it as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns it with its slash, as a prefix of keys.
    pub fn folder(&self) -> String {
        format!("{self}/")
    }

    /// Returns the pattern of everything in it.
    pub fn pattern(&self) -> String {
        format!("{self}/*")
    }

    /// Returns the folder of an account with its slash: without it, account 11111111111 would reach 111111111112. The
    /// account may be a variable of policies.
    pub fn account_folder(&self, account: &str) -> String {
        format!("{self}/{account}/")
    }

    /// Returns the pattern of everything in the folder of an account, which may be a variable of policies.
    pub fn account_pattern(&self, account: &str) -> String {
        format!("{self}/{account}/*")
    }

    /// Returns a pattern that all matches that CloudTrail delivers here.
    pub fn delivered_pattern(&self) -> String {
        format!("{self}/*/{}*/*", LogKind::CloudTrail.folder())
    }

    /// Reads [`account_pattern`](Self::account_pattern) back, of this very account; none for any other text.
    pub fn of_account_pattern(pattern: &str, account: &str) -> Option<Self> {
        let (root, owner) = pattern.strip_suffix("/*")?.rsplit_once('/')?;
        root.parse().ok().filter(|_| owner == account)
    }
}

impl fmt::Display for LogRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for LogRoot {
    type Err = BadKey;

    /// Reads `[prefix/]AWSLogs[/o-…]`.
    fn from_str(text: &str) -> Result<Self, BadKey> {
        let plain = match text.rsplit_once('/') {
            Some((before, last)) if is_organization(last) => before,
            _ => text,
        };
        plain.strip_suffix(TOP).filter(|prefix| is_prefix(prefix)).ok_or(BadKey::Root)?;
        Ok(Self(text.to_owned()))
    }
}

/// Tells whether a text can stand before `AWSLogs/` in a key: it is empty, or ends with a slash.
pub(super) fn is_prefix(text: &str) -> bool {
    text.is_empty() || text.ends_with('/')
}

/// Tells whether a folder is an organization's. The id's length is not checked: only its place matters here.
pub fn is_organization(name: &str) -> bool {
    name.strip_prefix("o-")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

/// Returns what stands before and behind the last folder `AWSLogs/` in a prefix of keys; none where it has no such
/// folder.
pub fn split_at_last_root(prefix: &str) -> Option<(&str, &str)> {
    let mut found = prefix.rmatch_indices(TOP_FOLDER).map(|(at, _)| (&prefix[..at], &prefix[at + TOP_FOLDER.len()..]));
    found.find(|(before, _)| is_prefix(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_says_its_prefix_and_its_organization() {
        let roots = ["AWSLogs", "AWSLogs/o-x1", "a/b/AWSLogs", "a/AWSLogs/o-x1", "AWSLogs/AWSLogs", "/AWSLogs"];
        let parts =
            [("", None), ("", Some("o-x1")), ("a/b/", None), ("a/", Some("o-x1")), ("AWSLogs/", None), ("/", None)];
        for (text, (prefix, organization)) in roots.into_iter().zip(parts) {
            let root: LogRoot = text.parse().expect(text);
            assert_eq!((root.prefix(), root.organization()), (prefix, organization), "{text}");
            assert_eq!(LogRoot::at(prefix, organization), root, "{text}");
            assert_eq!(root.layouts("o-y"), [LogRoot::at(prefix, None), LogRoot::at(prefix, Some("o-y"))]);
        }
        assert_eq!(LogRoot::below("audit").as_str(), "audit/AWSLogs");
        assert_eq!(LogRoot::below("").in_organization("o-a").in_organization("o-b").as_str(), "AWSLogs/o-b");
    }

    #[test]
    fn what_is_no_root_is_refused() {
        for text in
            ["", "/", "xAWSLogs", "AWSLogs/", "AWSLogs/o-", "AWSLogs/o-X", "AWSLogs/x", "o-x1", "AWSLogs/o-x/o-y"]
        {
            assert_eq!(text.parse::<LogRoot>(), Err(BadKey::Root), "{text}");
        }
    }

    #[test]
    fn patterns_of_accounts_are_read_back() {
        let of = |pattern| LogRoot::of_account_pattern(pattern, "111111111111").map(|root| root.to_string());
        assert_eq!(of("AWSLogs/o-x1/111111111111/*").as_deref(), Some("AWSLogs/o-x1"));
        assert_eq!(of("p/AWSLogs/111111111111/*").as_deref(), Some("p/AWSLogs"));
        for other in ["AWSLogs/222222222222/*", "other/111111111111/*", "*", "/*", "AWSLogs/111111111111/", ""] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn the_last_root_of_a_prefix_is_found() {
        assert_eq!(split_at_last_root("a/AWSLogs/b/AWSLogs/o-x/"), Some(("a/AWSLogs/b/", "o-x/")));
        assert_eq!(split_at_last_root("AWSLogs/xAWSLogs/"), Some(("", "xAWSLogs/")));
        assert_eq!(split_at_last_root("AWSLogs/"), Some(("", "")));
        assert!(["", "AWSLogs", "xAWSLogs/", "awslogs/"].iter().all(|text| split_at_last_root(text).is_none()));
    }
}
