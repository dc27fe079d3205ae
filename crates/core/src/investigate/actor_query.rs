//! Whose calls are asked for: a user, a role, a session, a key or a person.

use std::collections::BTreeSet;

use super::chain::{IDENTITY_CENTER, session_arn};
use super::issue::Issue;
use crate::event::{Actor, ActorKind, Record};

/// The actor whose calls are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActorQuery {
    /// The root user of an account, by the account's id.
    Root(String),
    /// An IAM user, by its ARN, with the sessions of its `GetSessionToken` and `GetFederationToken`.
    User(String),
    /// A role with all its sessions, by its ARN with the path.
    Role(String),
    /// A session, by its ARN: `arn:aws:sts::1:assumed-role/ROLE/NAME`. Whoever takes the name has the same ARN.
    Session(String),
    /// An access key: `AKIA…`, `ASIA…`.
    AccessKey(String),
    /// The unique id of a user or role, which nobody gets a second time: `AIDA…`, `AROA…`, `AROA…:NAME`.
    UniqueId(String),
    /// A person whom a provider vouches for.
    Person {
        /// The ARN or the host of the provider, or `Identity Center`. `None`: any, Identity Center too.
        provider: Option<String>,
        /// The name of the user of Identity Center or its id, or the subject at the provider.
        name: String,
    },
}

/// How Identity Center is called among the providers. Each account has a provider of its own for it.
pub const IDENTITY_CENTER_PROVIDER: &str = "Identity Center";
/// What is written behind the name of a person for all providers together.
const ANY_PROVIDER: &str = "any provider";

/// Returns the provider that vouched for the caller of a call that began a session. `None`: not recorded.
fn provider_of(issue: &Issue) -> Option<&str> {
    // Such a role trusts the provider of Identity Center alone.
    match issue.role.as_deref().is_some_and(|arn| arn.contains(IDENTITY_CENTER)) {
        true => Some(IDENTITY_CENTER_PROVIDER),
        false => issue.provider.as_deref(),
    }
}

/// Takes the provider off the name of a person: `NAME of PROVIDER`. A word that no provider can be called is one of the
/// name.
fn of_provider(text: &str) -> Option<(&str, Option<&str>)> {
    let (name, provider) = text.split_once(" of ").filter(|(name, _)| !name.is_empty())?;
    let is_known = provider == IDENTITY_CENTER_PROVIDER
        || provider.contains(['.', ':', '/', '=']) && !provider.contains(char::is_whitespace);
    match provider {
        ANY_PROVIDER => Some((name, None)),
        _ => is_known.then_some((name, Some(provider))),
    }
}

/// Tells whether a text is an access key: 20 capital letters and digits, which begin with `AKIA` or `ASIA` (IAM user
/// guide, "IAM identifiers").
pub fn is_access_key(text: &str) -> bool {
    text.len() == 20
        && ["AKIA", "ASIA"].iter().any(|begin| text.starts_with(begin))
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

impl ActorQuery {
    /// Reads what a person types: an ARN, an access key, a unique id, or else the name of a person.
    pub fn of(text: &str) -> Self {
        let text = text.trim();
        let own = text.to_owned();
        let mut parts = text.splitn(6, ':');
        let (arn, service, account, resource) =
            (parts.next(), parts.nth(1), parts.nth(1).unwrap_or_default(), parts.next().unwrap_or_default());
        if arn == Some("arn") {
            let kind = resource.split('/').next().unwrap_or_default();
            return match (service, kind) {
                (Some("iam"), "root") => Self::Root(account.to_owned()),
                (Some("iam"), "user") => Self::User(own),
                (Some("iam"), "role") => Self::Role(own),
                (Some("sts"), "assumed-role" | "federated-user") => Self::Session(own),
                _ => Self::Person { provider: None, name: own },
            };
        }
        let is_id = |prefixes: &[&str]| {
            let id = text.split(':').next().unwrap_or_default();
            id.len() >= 16
                && prefixes.iter().any(|prefix| id.starts_with(prefix))
                && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        };
        if let Some((name, provider)) = of_provider(text) {
            return Self::Person { provider: provider.map(str::to_owned), name: name.to_owned() };
        }
        match text {
            _ if is_id(&["AKIA", "ASIA"]) => Self::AccessKey(own),
            _ if is_id(&["AIDA", "AROA"]) => Self::UniqueId(own),
            _ => Self::Person { provider: None, name: own },
        }
    }

    /// Returns the providers that vouched for a person of this name, as some calls that began sessions say.
    /// More than one may be as many people. Empty: the provider is said, or all are asked for, or it is no person.
    pub fn providers<'i>(text: &str, issues: impl IntoIterator<Item = &'i Issue>) -> BTreeSet<String> {
        let Self::Person { provider: None, name } = Self::of(text) else { return BTreeSet::new() };
        if of_provider(text.trim()).is_some() {
            return BTreeSet::new();
        }
        let of_name = issues.into_iter().filter(|issue| issue.subject.as_ref() == Some(&name));
        of_name.map(|issue| provider_of(issue).unwrap_or("a provider that is not recorded").to_owned()).collect()
    }

    /// Tells whether the actor itself made the call of a record, in a session of its own or without one: not in one of
    /// another role that it assumed.
    pub fn is_by(&self, record: &Record<'_>) -> bool {
        let actor = Actor::of(record);
        let id = record.user_identity.principal_id.as_deref();
        self.is_actor(&actor, id) || self.is_person(record)
    }

    /// Tells whether a caller is a role, or a session of it, as far as its name tells: the record does not say the path
    /// of the role.
    pub(super) fn is_of_unsaid_path(role: &str, actor: &Actor) -> bool {
        let is_by_name = || session_arn(role, "").is_some_and(|start| actor.name.starts_with(&start));
        actor.role.is_none() && is_by_name()
    }

    pub(super) fn is_actor(&self, actor: &Actor, id: Option<&str>) -> bool {
        match self {
            Self::Root(account) => actor.kind == ActorKind::Root && actor.account.as_ref() == Some(account),
            Self::User(arn) => actor.name == *arn || actor.role.as_ref() == Some(arn),
            Self::Role(arn) => {
                actor.name == *arn || actor.role.as_ref() == Some(arn) || Self::is_of_unsaid_path(arn, actor)
            }
            Self::Session(arn) => actor.name == *arn,
            Self::AccessKey(key) => actor.access_key.as_ref() == Some(key),
            Self::UniqueId(own) => id
                .is_some_and(|id| id == own || id.strip_prefix(own.as_str()).is_some_and(|rest| rest.starts_with(':'))),
            Self::Person { provider, name } if may_be_center(provider) => {
                // Such a role trusts the provider of Identity Center alone, which names the session after its user.
                let is_of_center = actor.role.as_deref().is_some_and(|arn| arn.contains(IDENTITY_CENTER));
                is_of_center && actor.session_name.as_ref() == Some(name)
            }
            Self::Person { .. } => false,
        }
    }

    /// Tells whether a provider says in the record that the caller is the person.
    fn is_person(&self, record: &Record<'_>) -> bool {
        let Self::Person { provider, name } = self else { return false };
        let identity = &record.user_identity;
        let is_named = |text: &Option<crate::event::Text<'_>>| text.as_deref() == Some(name);
        let issue = || Issue::of(record).is_some_and(|issue| self.is_subject(&issue));
        match may_be_center(provider) {
            false => issue(),
            true => {
                let kind = Actor::of(record).kind;
                let is_center = kind == ActorKind::IdentityCenterUser && is_named(&identity.user_name);
                is_center || is_named(&identity.on_behalf_of_user) || issue()
            }
        }
    }

    /// Tells whether a provider says of the caller of such a call that it is the person.
    pub(super) fn is_subject(&self, issue: &Issue) -> bool {
        let Self::Person { provider, name } = self else { return false };
        issue.subject.as_ref() == Some(name) && (provider.is_none() || provider_of(issue) == provider.as_deref())
    }

    /// Tells whether a person came to the console's change of roles as the actor: `from` is an ARN.
    pub(super) fn is_origin(&self, from: &str) -> bool {
        match self {
            Self::Root(account) => from.ends_with(&format!("::{account}:root")),
            Self::User(arn) | Self::Session(arn) => from == arn,
            Self::Role(arn) => session_arn(arn, "").is_some_and(|start| from.starts_with(&start)),
            Self::AccessKey(_) | Self::UniqueId(_) | Self::Person { .. } => false,
        }
    }

    /// Returns a text that each record of the actor itself has.
    pub(super) fn needle(&self) -> String {
        match self {
            Self::Role(arn) => arn.rsplit('/').next().unwrap_or(arn).to_owned(),
            Self::Root(text)
            | Self::User(text)
            | Self::Session(text)
            | Self::AccessKey(text)
            | Self::UniqueId(text)
            | Self::Person { name: text, .. } => text.clone(),
        }
    }
}

/// Tells whether a person may be one of Identity Center.
fn may_be_center(provider: &Option<String>) -> bool {
    provider.as_deref().is_none_or(|own| own == IDENTITY_CENTER_PROVIDER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_types_is_told_apart() {
        let of = |text: &str| ActorQuery::of(text);
        assert_eq!(of("arn:aws:iam::1:root"), ActorQuery::Root("1".to_owned()));
        for (text, kind) in [
            ("arn:aws-cn:iam::1:user/a/eve", ActorQuery::User as fn(String) -> ActorQuery),
            ("arn:aws:iam::1:role/deploy", ActorQuery::Role),
            ("arn:aws:sts::1:assumed-role/deploy/eve", ActorQuery::Session),
            ("arn:aws:sts::1:federated-user/eve", ActorQuery::Session),
            ("ASIAEXAMPLE000000000", ActorQuery::AccessKey),
            ("AROAEXAMPLE000000000:eve", ActorQuery::UniqueId),
        ] {
            assert_eq!(of(text), kind(text.to_owned()));
        }
        for name in ["eve@example.com", "AKIA", "AIDAnobody-is-written-so", "arn:aws:s3:::b", ""] {
            assert_eq!(of(name), ActorQuery::Person { provider: None, name: name.to_owned() });
        }
    }

    #[test]
    fn one_name_at_two_providers_is_that_of_two_people() {
        let person = |provider: Option<&str>, name: &str| ActorQuery::Person {
            provider: provider.map(str::to_owned),
            name: name.to_owned(),
        };
        let okta = "arn:aws:iam::1:saml-provider/okta";
        assert_eq!(ActorQuery::of(&format!("dora of {okta}")), person(Some(okta), "dora"));
        assert_eq!(ActorQuery::of("dora of Identity Center"), person(Some("Identity Center"), "dora"));
        assert_eq!(ActorQuery::of("dora of any provider"), person(None, "dora"));
        assert_eq!(ActorQuery::of("king of spain"), person(None, "king of spain"));
        let saml = |id: &str, provider: &str, role: &str| {
            let text = format!(
                r#"{{"eventTime":"2026-11-20T09:58:00Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithSAML",
                "eventID":"{id}","userIdentity":{{"type":"SAMLUser","userName":"dora","identityProvider":"{provider}"}},
                "requestParameters":{{"roleArn":"arn:aws:iam::1:role/{role}","roleSessionName":"dora"}}}}"#
            );
            Issue::of(&Record::read(&text).unwrap()).unwrap()
        };
        let center = "aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123";
        let all = [
            saml("a", okta, "x"),
            saml("b", "other=", "x"),
            saml("c", "own-of-1", center),
            saml("d", "own-of-2", center),
        ];
        let found = ActorQuery::providers("dora", &all);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["Identity Center", okta, "other="]);
        assert!(ActorQuery::providers("dora of any provider", &all).is_empty());
        let of = |text: &str| all.iter().filter(|issue| ActorQuery::of(text).is_subject(issue)).count();
        assert_eq!((of("dora of other="), of("dora of Identity Center"), of("dora of any provider")), (1, 2, 4));
    }
}
