//! The rules of AWS for names that have no type of their own in `ids`.

/// Says which rule of AWS a name breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not {what}: {why}")]
pub struct BadName {
    /// The name as given.
    pub name: String,
    /// What it should have been, with its article ("a role name that IAM accepts").
    pub what: &'static str,
    /// The rule that it breaks.
    pub why: String,
}

/// A rule for one kind of name: how long, and of which characters.
struct Rule {
    what: &'static str,
    length_min: usize,
    length_max: usize,
    marks: &'static str,
}

impl Rule {
    /// Holds a name to the rule. Letters and digits of ASCII are always allowed.
    fn check(&self, name: &str) -> Result<(), BadName> {
        let (min, max) = (self.length_min, self.length_max);
        let length = name.chars().count();
        if !(min..=max).contains(&length) {
            return Err(
                self.broken(name, format!("it has {}, {min} to {max} are allowed", crate::ids::characters(length)))
            );
        }
        match name.chars().find(|&c| !c.is_ascii_alphanumeric() && !self.marks.contains(c)) {
            Some(c) => Err(self.broken(name, format!("the character {c:?} is not allowed"))),
            None => Ok(()),
        }
    }

    fn broken(&self, name: &str, why: impl Into<String>) -> BadName {
        BadName { name: name.to_owned(), what: self.what, why: why.into() }
    }
}

/// Checks the name of an IAM role (IAM API, `roleNameType`).
///
/// # Errors
/// When IAM would refuse the name.
pub fn check_role_name(name: &str) -> Result<(), BadName> {
    Rule { what: "a role name that IAM accepts", length_min: 1, length_max: 64, marks: "_+=,.@-" }.check(name)
}

/// Checks the name of an IAM role with the path before it, `/audit/Reader` (IAM API, `pathType`). The first slash may
/// be left out. Of the characters that IAM takes in a path, those are refused that mean something else in an ARN of a
/// policy.
///
/// # Errors
/// When IAM would refuse the path or the name.
pub fn check_role_with_path(name: &str) -> Result<(), BadName> {
    let whole = name.strip_prefix('/').unwrap_or(name);
    let Some((path, role)) = whole.rsplit_once('/') else { return check_role_name(whole) };
    let rule = Rule { what: "a path of a role that IAM accepts", length_min: 1, length_max: 510, marks: "_+=,.@-/" };
    rule.check(path)?;
    if path.split('/').any(str::is_empty) {
        return Err(rule.broken(path, "two slashes must not follow each other"));
    }
    check_role_name(role)
}

/// Checks the name of a managed policy (IAM API, `policyNameType`).
///
/// # Errors
/// When IAM would refuse the name.
pub fn check_policy_name(name: &str) -> Result<(), BadName> {
    Rule { what: "a policy name that IAM accepts", length_min: 1, length_max: 128, marks: "_+=,.@-" }.check(name)
}

/// Checks the name of an IAM group (IAM API, `groupNameType`).
///
/// # Errors
/// When IAM would refuse the name.
pub fn check_group_name(name: &str) -> Result<(), BadName> {
    Rule { what: "a group name that IAM accepts", length_min: 1, length_max: 128, marks: "_+=,.@-" }.check(name)
}

/// Checks the alias of a key, with its prefix `alias/` (KMS API, `CreateAlias`).
///
/// # Errors
/// When KMS would refuse the alias, or keeps it for itself.
pub fn check_key_alias(alias: &str) -> Result<(), BadName> {
    let rule = Rule { what: "an alias that KMS accepts", length_min: 7, length_max: 256, marks: "/_-" };
    let Some(rest) = alias.strip_prefix("alias/") else {
        return Err(rule.broken(alias, "it must start with `alias/`"));
    };
    if rest.starts_with("aws/") {
        return Err(rule.broken(alias, "`alias/aws/` is kept for the keys of AWS"));
    }
    rule.check(alias)
}

/// Checks the name of an SNS topic that CloudTrail can tell (SNS API, `CreateTopic`; CloudTrail takes no FIFO topics).
///
/// # Errors
/// When SNS would refuse the name.
pub fn check_topic_name(name: &str) -> Result<(), BadName> {
    Rule { what: "a topic name that SNS accepts", length_min: 1, length_max: 256, marks: "_-" }.check(name)
}

/// Checks the name of a standard SQS queue (SQS API, `CreateQueue`).
///
/// # Errors
/// When SQS would refuse the name.
pub fn check_queue_name(name: &str) -> Result<(), BadName> {
    Rule { what: "a queue name that SQS accepts", length_min: 1, length_max: 80, marks: "_-" }.check(name)
}

/// Checks the name of a log group (CloudWatch Logs API, `CreateLogGroup`).
///
/// # Errors
/// When CloudWatch Logs would refuse the name.
pub fn check_log_group_name(name: &str) -> Result<(), BadName> {
    let rule =
        Rule { what: "a log group name that CloudWatch accepts", length_min: 1, length_max: 512, marks: "._-/#" };
    if name.starts_with("aws/") {
        return Err(rule.broken(name, "names that start with `aws/` are kept for AWS"));
    }
    rule.check(name)
}

/// Checks the name of an aggregator (AWS Config API, `PutConfigurationAggregator`).
///
/// # Errors
/// When AWS Config would refuse the name.
pub fn check_aggregator_name(name: &str) -> Result<(), BadName> {
    Rule { what: "a name of an aggregator that AWS Config accepts", length_min: 1, length_max: 256, marks: "_-" }
        .check(name)
}

/// Checks an external id (STS API, `AssumeRole`).
///
/// # Errors
/// When STS would refuse the text.
pub fn check_external_id(text: &str) -> Result<(), BadName> {
    Rule { what: "an external id that STS accepts", length_min: 2, length_max: 1224, marks: "_+=,.@:/-" }.check(text)
}

/// Checks the name of a deployment. It becomes part of aliases, role names and tags, so it is what all of them allow.
///
/// # Errors
/// When one of them would refuse the name.
pub fn check_deployment(name: &str) -> Result<(), BadName> {
    let rule = Rule { what: "a name for a deployment", length_min: 1, length_max: 32, marks: "-" };
    if name.starts_with('-') {
        return Err(rule.broken(name, "it must begin with a letter or a digit"));
    }
    rule.check(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One rule with names that it accepts and names that it refuses.
    fn check(rule: fn(&str) -> Result<(), BadName>, good: &[&str], bad: &[&str]) {
        for name in good {
            assert_eq!(rule(name), Ok(()));
        }
        for name in bad {
            assert!(rule(name).is_err(), "{name}");
        }
    }

    #[test]
    fn names_are_held_to_the_rules_of_their_services() {
        let long = |count| "a".repeat(count);
        check(check_role_name, &["a", "A_+=,.@-9", &long(64)], &["", "a/b", "a b", "ä", &long(65)]);
        check(
            check_role_with_path,
            &["a", "/a", "/audit/a", "a/b/c", "/a.b/c+d/e@f"],
            &[
                "",
                "/",
                "//a",
                "/a//b",
                "/a/",
                "/a b/c",
                "/a*/b",
                "/${x}/b",
                &format!("/a/{}", long(65)),
                &format!("/{}/a", long(511)),
            ],
        );
        check(check_policy_name, &[&long(128)], &["", "a:b", &long(129)]);
        check(check_group_name, &[&long(128)], &["a/b", &long(129)]);
        check(
            check_key_alias,
            &["alias/a", "alias/a/b_c-d"],
            &["a", "alias/", "alias/aws/s3", "alias/a.b", "alias/a b"],
        );
        check(check_topic_name, &["a-b_C9", &long(256)], &["", "a.fifo", &long(257)]);
        check(check_queue_name, &[&long(80)], &["", "a.fifo", &long(81)]);
        check(check_log_group_name, &["/orgtrail/acme", "a.b#c", "/aws/x"], &["", "aws/x", "a b", &long(513)]);
        check(check_aggregator_name, &["orgtrail-acme", "a_b", &long(256)], &["", "a.b", "a/b", &long(257)]);
        check(check_external_id, &["ab", "a+b=c,d.e@f:g/h-i"], &["a", "a b", "a?b", &long(1225)]);
        check(check_deployment, &["acme", "A-1", &long(32)], &["", "-a", "a_b", &long(33)]);
    }

    #[test]
    fn a_fault_names_the_character() {
        assert_eq!(
            check_role_name("Log Reader").unwrap_err().to_string(),
            "\"Log Reader\" is not a role name that IAM accepts: the character ' ' is not allowed"
        );
    }
}
