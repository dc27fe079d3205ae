//! What is at the beginning of a chain of sessions.

use std::fmt;

/// What is at the beginning of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The root user of an account.
    Root(String),
    /// An IAM user, by its ARN.
    User(String),
    /// An IAM user of another account, of whom only the id is recorded.
    UserId {
        /// The unique id: `AIDA…`.
        id: String,
        /// The account. `None`: not recorded.
        account: Option<String>,
    },
    /// A user of IAM Identity Center, by its name.
    IdentityCenterUser(String),
    /// Somebody whom a provider vouches for.
    External {
        /// The ARN or the host of the provider. `None`: not recorded.
        provider: Option<String>,
        /// What the provider calls it.
        subject: String,
    },
    /// What a service runs with a role: an instance, a function, a stack.
    Workload {
        /// The service.
        service: String,
        /// The name that the service gave the session: the id of an instance, the name of a function. `None`: not
        /// recorded.
        name: Option<String>,
    },
    /// The call was not signed.
    Anonymous,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root(account) => write!(f, "the root user of {account}"),
            Self::User(arn) => f.write_str(arn),
            Self::UserId { id, account: Some(account) } => write!(f, "the IAM user {id} of {account}"),
            Self::UserId { id, account: None } => write!(f, "the IAM user {id}"),
            Self::IdentityCenterUser(name) => write!(f, "the Identity Center user {name}"),
            Self::External { provider: Some(provider), subject } => write!(f, "{subject}, as {provider} says"),
            Self::External { provider: None, subject } => f.write_str(subject),
            Self::Workload { service, name: Some(name) } => write!(f, "{name}, run by {service}"),
            Self::Workload { service, name: None } => f.write_str(service),
            Self::Anonymous => f.write_str("an anonymous caller"),
        }
    }
}
