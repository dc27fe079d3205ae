//! The names of log files as a language: which of them the pattern of a resource matches, and which it leaves out.
//!
//! A trail writes for 10,000 accounts, in every region, on every day. No list of samples meets each pattern that
//! somebody may write, so that a key on each side of a pattern is built from the pattern itself:
//! [`inside`](LogFiles::inside) and [`outside`](LogFiles::outside).
//!
//! Source: AWS CloudTrail user guide, "Finding your CloudTrail log files".

use std::collections::BTreeSet;

use super::document::{Effect, ResourceElement, Statement};
use super::evaluate::{last_field, resource_glob};
use super::shape::{ShapePart, TooMany, common, outside};
use crate::ids::AccountId;
use crate::log_path::{Folder, LogRoot};

mod names;
#[cfg(test)]
mod tests;

use names::{loosely, shapes};

/// The longest pattern that a key is built for, in characters. A bucket policy has at most 20,480 bytes.
const PATTERN_MAX: usize = 2_048;

/// The log files of a bucket below one root.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogFiles<'a> {
    /// The bucket's ARN.
    pub(super) bucket_arn: &'a str,
    /// What the folders of the accounts stand in.
    pub(super) root: &'a LogRoot,
    /// The folders below an account's that a trail writes to.
    pub(super) folders: &'a [Folder],
}

/// What statements tell apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ToldApart {
    /// Keys of log files, each of which some statement treats otherwise than most.
    pub(super) keys: BTreeSet<String>,
    /// Some of the patterns were too long or too many, so that there may be more.
    pub(super) too_many: bool,
}

impl LogFiles<'_> {
    /// Returns a key that the pattern of a resource matches, of one account or of any.
    fn inside(&self, pattern: &str, account: Option<&str>) -> Result<Option<String>, TooMany> {
        let Some(pattern) = self.own_part(pattern)? else { return Ok(None) };
        let start = self.start();
        // Most patterns match no key of an account at all, which is seen at once.
        if common(&pattern, &loosely(&start, account)).is_none() {
            return Ok(None);
        }
        let mut all = shapes(self.folders, &start, account);
        Ok(all.find_map(|shape: Vec<ShapePart>| common(&pattern, &shape)).and_then(|text| self.key(&text)))
    }

    /// Returns a key that none of the patterns matches, of one account or of any.
    fn outside(&self, patterns: &[&str], account: Option<&str>) -> Result<Option<String>, TooMany> {
        let own: Vec<Option<Vec<char>>> =
            patterns.iter().map(|pattern| self.own_part(pattern)).collect::<Result<_, TooMany>>()?;
        let patterns: Vec<Vec<char>> = own.into_iter().flatten().collect();
        let start = self.start();
        if outside(&patterns, &loosely(&start, account))?.is_none() {
            return Ok(None);
        }
        for shape in shapes(self.folders, &start, account) {
            if let Some(text) = outside(&patterns, &shape)? {
                return Ok(self.key(&text));
            }
        }
        Ok(None)
    }

    /// Returns what a pattern asks of bucket and key; none where it means another service, or a variable decides.
    fn own_part(&self, pattern: &str) -> Result<Option<Vec<char>>, TooMany> {
        if pattern.contains("${") {
            return Ok(None);
        }
        if pattern.len() > PATTERN_MAX {
            return Err(TooMany);
        }
        Ok(last_field(pattern, self.bucket_arn).map(|own| own.chars().collect()))
    }

    fn bucket(&self) -> &str {
        self.bucket_arn.rsplit(':').next().unwrap_or_default()
    }

    fn start(&self) -> String {
        format!("{}/{}", self.bucket(), self.root)
    }

    fn key(&self, text: &str) -> Option<String> {
        text.strip_prefix(self.bucket())?.strip_prefix('/').map(str::to_owned)
    }

    /// Tells whether a pattern matches some keys below the root and not others.
    pub(super) fn tells(&self, pattern: &str) -> bool {
        tells(pattern, &format!("{}/{}", self.bucket_arn, self.root.folder()))
    }

    /// As [`tells`](Self::tells), below the folder of the one account that is asked about.
    fn tells_of(&self, pattern: &str, accounts: &[AccountId]) -> bool {
        match accounts {
            [one] => tells(pattern, &format!("{}/{}", self.bucket_arn, self.root.account_folder(one.as_str()))),
            _ => self.tells(pattern),
        }
    }

    /// Returns keys of some of the accounts that statements treat otherwise than most: for what is denied (or left out
    /// of what is allowed), a key that each pattern matches; for all that is not denied (or allowed), a key that no
    /// pattern matches. `known` are the ARNs of files that are tried anyway.
    pub(super) fn told_apart(&self, statements: &[&Statement], known: &[String], accounts: &[AccountId]) -> ToldApart {
        let mut told = ToldApart::default();
        let mut allowed: Vec<&str> = Vec::new();
        for statement in statements {
            match (statement.effect, &statement.resource) {
                (Effect::Deny, Some(ResourceElement::Is(list)))
                | (Effect::Allow, Some(ResourceElement::IsNot(list))) => {
                    let missed = |pattern: &&String| !known.iter().any(|arn| resource_glob(pattern, arn));
                    for pattern in list.iter().filter(|pattern| self.tells_of(pattern, accounts)).filter(missed) {
                        told.add(of_some(accounts, |account| self.inside(pattern, account)));
                    }
                }
                (Effect::Deny, Some(ResourceElement::IsNot(list))) => {
                    let list: Vec<&str> = list.iter().map(String::as_str).collect();
                    self.beyond(&list, accounts, &mut told);
                }
                (Effect::Allow, Some(ResourceElement::Is(list))) => allowed.extend(list.iter().map(String::as_str)),
                (_, None) => {}
            }
        }
        self.beyond(&allowed, accounts, &mut told);
        told
    }

    fn beyond(&self, patterns: &[&str], accounts: &[AccountId], told: &mut ToldApart) {
        if patterns.iter().any(|pattern| self.tells_of(pattern, accounts)) {
            told.add(of_some(accounts, |account| self.outside(patterns, account)));
        }
    }
}

impl ToldApart {
    fn add(&mut self, found: Result<Option<String>, TooMany>) {
        match found {
            Ok(key) => self.keys.extend(key),
            Err(TooMany) => self.too_many = true,
        }
    }
}

/// Tells whether a pattern matches some of what begins with a text (an ARN that ends in a slash) and not others.
fn tells(pattern: &str, below: &str) -> bool {
    let literal = pattern.split(['*', '?', '$']).next().unwrap_or_default();
    let matches_all = pattern.len() == literal.len() + 1 && pattern.ends_with('*') && below.starts_with(literal);
    let matches_none = !below.starts_with(literal) && !literal.starts_with(below);
    !matches_all && !matches_none
}

/// Asks for one of the accounts, where there are keys of any account at all.
fn of_some(
    accounts: &[AccountId],
    find: impl Fn(Option<&str>) -> Result<Option<String>, TooMany>,
) -> Result<Option<String>, TooMany> {
    if accounts.len() > 1 && find(None)?.is_none() {
        return Ok(None);
    }
    for account in accounts {
        if let Some(key) = find(Some(account.as_str()))? {
            return Ok(Some(key));
        }
    }
    Ok(None)
}
