//! What of an archive the resources of a statement reach: the bucket itself, and which keys in it.

use super::Archive;
use super::reach::OWN_ACCOUNT;
use crate::log_path::{LogRoot, TOP, owner};
use crate::policy::document::{ResourceElement, Statement};
use crate::policy::evaluate::{glob, globs_meet, last_field};

/// The parts of one bucket that a statement is about.
#[derive(Debug, Clone, Default)]
pub(super) struct Touch {
    /// The bucket itself.
    pub(super) bucket: bool,
    /// Patterns of keys. [`OWN_ACCOUNT`] in them stands for the caller's account, and nothing else is a variable.
    pub(super) keys: Vec<String>,
}

impl Touch {
    /// Returns what a statement touches of a bucket. `own` is what the variable for the caller's account stands for: an
    /// account, or [`OWN_ACCOUNT`] where it depends on the caller; none where the document has no variables.
    pub(super) fn of(statement: &Statement, bucket_arn: &str, own: Option<&str>) -> Self {
        let everything = Self { bucket: true, keys: vec!["*".into()] };
        let Some(ResourceElement::Is(list)) = &statement.resource else { return everything };
        let mut touch = Self::default();
        for resource in list.iter().filter_map(|text| without_variables(text, own)) {
            touch.add(&resource, bucket_arn);
        }
        touch
    }

    fn add(&mut self, resource: &str, bucket_arn: &str) {
        let name = bucket_arn.rsplit(':').next().unwrap_or_default();
        let Some(path) = last_field(resource, bucket_arn) else { return };
        let wide = path.replace(OWN_ACCOUNT, "*");
        self.bucket |= glob(&wide, name);
        match path.strip_prefix(name).and_then(|rest| rest.strip_prefix('/')) {
            Some(key) => self.keys.push(key.to_owned()),
            None if globs_meet(&wide, &format!("{name}/*")) => self.keys.push("*".into()),
            None => {}
        }
    }

    /// Tells whether nothing of the bucket is meant.
    pub(super) fn is_nothing(&self) -> bool {
        !self.bucket && self.keys.is_empty()
    }
}

/// Returns a text with every variable but the caller's account widened to what it may be; none where the variable is
/// plain text, which no name in an archive has.
pub(super) fn without_variables(text: &str, own: Option<&str>) -> Option<String> {
    if !text.contains("${") {
        return Some(text.to_owned());
    }
    let own = own?;
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        plain.push_str(before);
        let (name, tail) = after.split_once('}').unwrap_or((after, ""));
        plain.push_str(match name.trim() {
            name if name.eq_ignore_ascii_case("aws:PrincipalAccount") => own,
            "*" | "?" | "$" => "?",
            _ => "*",
        });
        rest = tail;
    }
    plain.push_str(rest);
    Some(plain)
}

impl Archive<'_> {
    /// Tells whether a pattern of keys can match a log: what lies below any `AWSLogs/`, and below the folders of
    /// trails.
    pub(super) fn may_be_log(&self, key: &str) -> bool {
        let wide = key.replace(OWN_ACCOUNT, "*");
        let meets = |root: &LogRoot| globs_meet(&wide, &root.pattern());
        key.contains(TOP) || meets(&LogRoot::default()) || self.all_roots().iter().any(meets)
    }

    /// The same, whatever the case of its letters.
    pub(super) fn may_be_log_in_any_case(&self, key: &str) -> bool {
        let wide = key.replace(OWN_ACCOUNT, "*").to_ascii_lowercase();
        let meets = |root: &LogRoot| globs_meet(&wide, &root.pattern().to_ascii_lowercase());
        wide.contains(&TOP.to_ascii_lowercase()) || meets(&LogRoot::default()) || self.all_roots().iter().any(meets)
    }

    /// Tells whether a pattern of keys can match what a trail of this deployment writes.
    pub(super) fn may_be_of_cloudtrail(&self, key: &str) -> bool {
        let wide = key.replace(OWN_ACCOUNT, "*");
        self.roots.iter().any(|root| globs_meet(&wide, &root.delivered_pattern()))
    }

    /// Tells whether a value of `s3:prefix` lists nothing but keys below an account's own folders, or what is no log.
    pub(super) fn lists_only(&self, value: &str, own: &str) -> bool {
        is_own(value, own) || !self.may_be_log(&format!("{value}*"))
    }
}

/// Tells whether all that a pattern of keys matches lies below `AWSLogs/[o-…/]<account>/`, the slash included: without
/// it account 11111111111 would reach 111111111112. `own` is an account, or [`OWN_ACCOUNT`].
pub(super) fn is_own(key: &str, own: &str) -> bool {
    let fixed = &key[..key.find(['*', '?']).unwrap_or(key.len())];
    let is_own = |part: &str| !own.is_empty() && (part == own || part == OWN_ACCOUNT);
    owner(fixed).is_some_and(|owner| is_own(owner.account))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_folders_end_in_a_slash() {
        let own = "333333333333";
        for key in
            ["AWSLogs/333333333333/*", "audit/AWSLogs/o-x/333333333333/CloudTrail/*", "AWSLogs/o-x/333333333333/a"]
        {
            assert!(is_own(key, own), "{key}");
        }
        for key in [
            "AWSLogs/333333333333*",
            "AWSLogs/333333333333",
            "AWSLogs/33333333333?/*",
            "AWSLogs/*/333333333333/*",
            "AWSLogs/444444444444/AWSLogs/333333333333/*",
            "333333333333/*",
            "AWSLogs/o-x/o-y/333333333333/*",
        ] {
            assert!(!is_own(key, own), "{key}");
        }
        assert!(is_own("AWSLogs/${aws:PrincipalAccount}/*", OWN_ACCOUNT));
        assert!(!is_own("AWSLogs/333333333333/*", OWN_ACCOUNT));
    }

    #[test]
    fn variables_are_as_wide_as_what_they_may_be() {
        let plain = |text| without_variables(text, Some(OWN_ACCOUNT));
        assert_eq!(plain("a/${aws:username}/*").as_deref(), Some("a/*/*"));
        assert_eq!(plain("a/${AWS:principalAccount}/x").as_deref(), Some("a/${aws:PrincipalAccount}/x"));
        assert_eq!(plain("a/${aws:PrincipalAccount, '1'}/x").as_deref(), Some("a/*/x"));
        assert_eq!(plain("a${*}").as_deref(), Some("a?"));
        assert_eq!(without_variables("a/${aws:username}", None), None);
    }
}
