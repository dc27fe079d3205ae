//! Where `--notify` of `drift` and `reconcile` sends what is new.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::VariableText;
use super::values::{BadValue, bad, serde_as_text};
use crate::ids::{AccountId, Arn, Region};

/// Where `--notify` of `drift` and `reconcile` sends what is new.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NotifyConfig {
    /// An SNS topic, which may be in any account; its policy lets the account in that orgtrail starts in. None by
    /// default.
    pub topic: Option<TopicArn>,
    /// A webhook that takes `{"text": …}`, as Slack's do. None by default.
    pub webhook: Option<Webhook>,
    /// Where the whole report can be read; the flag `--link` comes first. None by default.
    pub link: Option<WebLink>,
}

/// A webhook. Its URL is a secret, and so is not written here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// The environment variable that holds its URL.
    #[schemars(with = "VariableText")]
    pub url_env: String,
}

/// The ARN of an SNS topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicArn {
    arn: Arn,
    region: Region,
}
serde_as_text!(TopicArn);

impl TopicArn {
    /// Returns the ARN.
    pub fn arn(&self) -> &Arn {
        &self.arn
    }

    /// Returns the region that the topic is in.
    pub fn region(&self) -> &Region {
        &self.region
    }
}

impl fmt::Display for TopicArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.arn)
    }
}

impl FromStr for TopicArn {
    type Err = BadValue;
    fn from_str(text: &str) -> Result<Self, BadValue> {
        let bad = |why: &str| bad(text, "the ARN of a topic", why);
        let arn: Arn = text.parse().map_err(|error: crate::ids::BadId| bad(&error.why))?;
        let (Ok(region), Ok(_)) = (arn.region().parse(), arn.account().parse::<AccountId>()) else {
            return Err(bad("it has no region or no account"));
        };
        // A FIFO topic, whose name has a dot, tells queues only.
        let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if arn.service() != "sns" || arn.resource().is_empty() || !is_name(arn.resource()) {
            return Err(bad("it must be that of a standard SNS topic, `arn:aws:sns:…:…:NAME`"));
        }
        Ok(Self { arn, region })
    }
}

/// The address of a page: `https://` and what follows, without spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebLink(String);
serde_as_text!(WebLink);

/// Characters of a link: what browsers and chats take.
const LINK_MAX: usize = 2000;

impl WebLink {
    /// Returns the link.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WebLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for WebLink {
    type Err = BadValue;
    fn from_str(text: &str) -> Result<Self, BadValue> {
        let bad = |why: &str| bad(text, "a link", why);
        let rest = text.strip_prefix("https://").ok_or_else(|| bad("it begins with `https://`"))?;
        // What RFC 3986 keeps out of a URI would end it, or begin something else, where it is shown.
        let is_of_a_link =
            |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"' | '`' | '\\' | '^' | '{' | '|' | '}');
        if rest.is_empty() || text.len() > LINK_MAX || !rest.chars().all(is_of_a_link) {
            return Err(bad("it has a host and no spaces, quotes or angle brackets, and at most 2000 characters"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Tells whether a text can be the name of an environment variable (POSIX, "Environment Variable Definition").
pub(super) fn check_variable(text: &str) -> Result<(), String> {
    let is_name = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && text.chars().next().is_some_and(|c| !c.is_ascii_digit());
    if is_name {
        return Ok(());
    }
    // Whatever stands here may be the secret itself: it is not repeated.
    Err("the name of an environment variable has letters, digits and underscores only; the URL itself does not belong here".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_and_links_are_read_as_they_are_printed() {
        for text in ["arn:aws:sns:eu-central-1:222222222222:acme-drift", "arn:aws-cn:sns:cn-north-1:222222222222:a_b"] {
            assert_eq!(text.parse::<TopicArn>().unwrap().to_string(), text);
        }
        let not_topics = ["acme-drift", "arn:aws:sqs:eu-central-1:222222222222:q", "arn:aws:sns:eu-central-1::t"];
        for text in not_topics
            .into_iter()
            .chain(["arn:aws:sns:eu-central-1:222222222222:t:0123-sub", "arn:aws:sns:eu-central-1:222222222222:t.fifo"])
        {
            assert!(text.parse::<TopicArn>().is_err(), "{text}");
        }
        assert_eq!(
            "https://ci.example.com/?a=b&c".parse::<WebLink>().unwrap().as_str(),
            "https://ci.example.com/?a=b&c"
        );
        for text in
            ["http://ci.example.com", "https://", "https://a b", "https://a|b", "javascript:x", "https://a\u{202e}"]
        {
            assert!(text.parse::<WebLink>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_url_in_place_of_the_variable_is_refused_and_not_repeated() {
        assert_eq!(check_variable("ORGTRAIL_WEBHOOK_2"), Ok(()));
        for text in ["https://hooks.example.com/T0/B0/x", "", "2ND", "a-b"] {
            let why = check_variable(text).unwrap_err();
            assert!(text.is_empty() || !why.contains(text), "{why}");
        }
    }
}
