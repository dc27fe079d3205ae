//! One request as AWS judges it: who, what, on what, and under which circumstances.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use crate::ids::{AccountId, Arn, Partition};

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// A request without a signature.
    Anonymous,
    /// An AWS service that acts for itself, such as `cloudtrail.amazonaws.com`.
    Service {
        /// The service principal.
        name: String,
    },
    /// The root user of an account.
    Root {
        /// The account.
        account: AccountId,
        /// The account's partition.
        partition: Partition,
    },
    /// An IAM user.
    User {
        /// The user's ARN.
        arn: Arn,
    },
    /// A session of an IAM role.
    Session {
        /// The ARN of the role, with its path.
        role: Arn,
        /// The session's name.
        name: String,
    },
}

impl Caller {
    /// Reads a caller from the ARN of a root user, a user, a role or its session; any other ARN is nobody.
    pub fn from_arn(arn: &Arn) -> Option<Self> {
        match arn.resource().split_once('/') {
            None if arn.resource() == "root" => {
                let account = arn.account().parse().ok()?;
                Some(Self::Root { account, partition: partition_of(arn) })
            }
            Some(("user", _)) => Some(Self::User { arn: arn.clone() }),
            Some(("role", _)) => Some(Self::Session { role: arn.clone(), name: "session".into() }),
            Some(("assumed-role", session)) => Self::from_session(arn, session),
            _ => None,
        }
    }

    /// A session's ARN does not tell its role's path; without one it is right.
    fn from_session(arn: &Arn, session: &str) -> Option<Self> {
        let (role, name) = session.split_once('/')?;
        let role = format!("arn:{}:iam::{}:role/{role}", arn.partition(), arn.account()).parse().ok()?;
        Some(Self::Session { role, name: name.to_owned() })
    }

    /// Returns the text of the caller's account; services and anonymous callers have none.
    pub fn account(&self) -> Option<&str> {
        match self {
            Caller::Anonymous | Caller::Service { .. } => None,
            Caller::Root { account, .. } => Some(account.as_str()),
            Caller::User { arn } | Caller::Session { role: arn, .. } => Some(arn.account()),
        }
    }

    /// Returns the value of `aws:PrincipalArn`: the role's ARN for a session.
    pub fn principal_arn(&self) -> Option<String> {
        match self {
            Caller::Anonymous | Caller::Service { .. } => None,
            Caller::Root { .. } => self.root_arn(),
            Caller::User { arn } | Caller::Session { role: arn, .. } => Some(arn.to_string()),
        }
    }

    /// Returns the ARN that stands for the caller's account in policies.
    pub(super) fn root_arn(&self) -> Option<String> {
        let partition = match self {
            Caller::Anonymous | Caller::Service { .. } => return None,
            Caller::Root { partition, .. } => partition.as_str(),
            Caller::User { arn } | Caller::Session { role: arn, .. } => arn.partition(),
        };
        self.account().map(|account| format!("arn:{partition}:iam::{account}:root"))
    }

    /// Returns the ARN of the role's session, for sessions.
    pub(super) fn session_arn(&self) -> Option<String> {
        let Caller::Session { role, name } = self else { return None };
        // The session's ARN has the role's name without its path (IAM user guide, "IAM identifiers").
        let role_name = role.resource().rsplit('/').next().unwrap_or_default();
        Some(format!("arn:{}:sts::{}:assumed-role/{role_name}/{name}", role.partition(), role.account()))
    }
}

fn partition_of(arn: &Arn) -> Partition {
    match arn.partition() {
        "aws-cn" => Partition::China,
        "aws-us-gov" => Partition::GovCloud,
        _ => Partition::Aws,
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Caller::Anonymous => f.write_str("an anonymous caller"),
            Caller::Service { name } => f.write_str(name),
            other => f.write_str(&other.principal_arn().unwrap_or_default()),
        }
    }
}

/// What is known of a request's condition keys. Names are kept in lower case, because AWS compares them without case.
///
/// What the request itself says (`s3:prefix`, `sts:ExternalId`) counts as complete: a key that is not given is absent.
/// What surrounds it (`aws:SourceIp`, `aws:PrincipalOrgID`) is unknown as long as nobody gives it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Context(BTreeMap<String, Option<Vec<String>>>);

/// What is known of one condition key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fact<'a> {
    /// The request has the key with these values.
    Values(Cow<'a, [String]>),
    /// The request does not have the key.
    Absent,
    /// Nobody said.
    Unknown,
}

impl Context {
    /// Adds a value to a key.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        let entry = self.0.entry(key.to_ascii_lowercase()).or_default();
        entry.get_or_insert_default().push(value.into());
        self
    }

    /// Says that the request does not have the key.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.0.insert(key.to_ascii_lowercase(), Some(Vec::new()));
        self
    }

    /// Says that it is not known whether the request has the key.
    #[must_use]
    pub fn unknown(mut self, key: &str) -> Self {
        self.0.insert(key.to_ascii_lowercase(), None);
        self
    }

    /// Returns what was said of a key (in lower case), if anything.
    pub(super) fn said(&self, key: &str) -> Option<Fact<'_>> {
        self.0.get(key).map(|entry| match entry {
            Some(values) if values.is_empty() => Fact::Absent,
            Some(values) => Fact::Values(Cow::Borrowed(values)),
            None => Fact::Unknown,
        })
    }
}

/// Returns what follows for a key (in lower case) from who the caller is, if anything.
///
/// Source: IAM user guide, "AWS global condition context keys", the paragraphs on availability.
pub(super) fn derived(caller: &Caller, key: &str) -> Option<Fact<'static>> {
    let is_service = matches!(caller, Caller::Service { .. });
    let has_account = caller.account().is_some();
    let value = match key {
        "aws:viaawsservice" => Some("false".to_owned()),
        "aws:principalisawsservice" => Some(is_service.to_string()),
        "aws:principalarn" => caller.principal_arn(),
        "aws:principalaccount" if *caller == Caller::Anonymous => Some("anonymous".to_owned()),
        "aws:principalaccount" => caller.account().map(str::to_owned),
        "aws:principaltype" => type_of(caller).map(str::to_owned),
        "aws:username" => user_name(caller),
        "aws:userid" => match caller {
            Caller::Service { .. } => None,
            Caller::Anonymous => Some("anonymous".to_owned()),
            Caller::Root { account, .. } => Some(account.to_string()),
            Caller::User { .. } | Caller::Session { .. } => return None,
        },
        "aws:principalservicename" | "aws:principalservicenameslist" => match caller {
            Caller::Service { name } => Some(name.clone()),
            _ => None,
        },
        "aws:principalorgid" | "aws:principalorgmasteraccountid" | "aws:principalorgpaths" if !has_account => None,
        "aws:multifactorauthpresent" | "aws:multifactorauthage" if !has_account => None,
        "aws:sourcearn" | "aws:sourceaccount" | "aws:sourceorgid" | "aws:sourceorgpaths" if !is_service => None,
        _ => return None,
    };
    Some(value.map_or(Fact::Absent, |value| Fact::Values(Cow::Owned(vec![value]))))
}

/// The values of `aws:PrincipalType`.
fn type_of(caller: &Caller) -> Option<&'static str> {
    match caller {
        Caller::Root { .. } => Some("Account"),
        Caller::User { .. } => Some("User"),
        Caller::Session { .. } => Some("AssumedRole"),
        Caller::Anonymous => Some("Anonymous"),
        Caller::Service { .. } => None,
    }
}

fn user_name(caller: &Caller) -> Option<String> {
    let Caller::User { arn } = caller else { return None };
    arn.resource().rsplit('/').next().map(str::to_owned)
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub caller: Caller,
    /// The action, such as `s3:PutObject`.
    pub action: String,
    /// The ARN of what it is done to.
    pub resource: String,
    /// The condition keys.
    pub context: Context,
}
