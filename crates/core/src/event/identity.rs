//! Who did it: one answer from what CloudTrail recorded of a caller, wherever the record came from.
//!
//! What is proven and what is only claimed are two things. AWS proved the user, the role and the service. The name of a
//! session is chosen by whoever assumes the role; a source identity is chosen once, at the beginning of a chain of
//! sessions, under the conditions of the first role's trust policy, and cannot be changed after that (IAM user guide,
//! "Monitor and control actions taken with assumed roles").

use std::fmt;

use super::record::Record;
use super::user_identity::{IdentityType, UserIdentity};

/// The longest name of an actor, in bytes: as long as an ARN may be (IAM API, `GetRole`).
const NAME_BYTES_MAX: usize = 2_048;

/// What an actor is called of whom the record tells nothing.
pub const UNKNOWN: &str = "unknown";

/// What a caller is called that did not sign.
const ANONYMOUS: &str = "anonymous";

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Actor {
    /// What it is.
    pub kind: ActorKind,
    /// What it is called, in one line: the ARN where there is one, else the service, the user, the principal's id or
    /// the account; `anonymous` where the call was not signed; [`UNKNOWN`] where nothing is recorded. Ids say what they
    /// are of. What a caller wrote is in it unchanged, but cut off where it is longer than an ARN may be, as in all
    /// texts here.
    pub name: String,
    /// Nothing tells one of its kind from another: the record has at most a kind and an account.
    pub is_unnamed: bool,
    /// The account that it belongs to. `None`: not recorded, or none, as for services.
    pub account: Option<String>,
    /// The ARN of the role or user that a session is of, with its path. `None`: it is no session, or not recorded.
    pub role: Option<String>,
    /// How the session is named: a claim. `None`: it is no session.
    pub session_name: Option<String>,
    /// Who began the chain of sessions. `None`: not set.
    pub source_identity: Option<String>,
    /// The service that called on the actor's behalf. `None`: the actor called itself, or is that service.
    pub through: Option<String>,
    /// The access key that signed. `None`: not recorded.
    pub access_key: Option<String>,
    /// Whether a second factor was used.
    pub mfa: Mfa,
}

/// What an actor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActorKind {
    /// The root user of an account.
    Root,
    /// The management account's session as root of a member (central root access).
    AssumedRoot,
    /// An IAM user.
    User,
    /// A role, or a session of it: the person or program behind it is somebody else.
    Role,
    /// A session that `GetFederationToken` began.
    FederatedUser,
    /// A user of IAM Identity Center.
    IdentityCenterUser,
    /// Somebody whom a SAML or a web identity provider vouches for, or a directory.
    ExternalUser,
    /// A service of AWS, for itself.
    Service,
    /// A principal of another account.
    Account,
    /// The call was not signed.
    Anonymous,
    /// The record does not tell.
    Unknown,
}

/// Whether a second factor was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mfa {
    /// It was.
    Used,
    /// It was not.
    NotUsed,
    /// Not recorded: long-lived keys, federated users and services. It is not *no*.
    NotRecorded,
}

/// Who stands behind an actor, and how well that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind<'a> {
    /// AWS proved it: the source identity, or the user itself.
    Proven(&'a str),
    /// The caller says so: the name of its session.
    Claimed(&'a str),
    /// Nothing is recorded.
    Unknown,
}

impl Actor {
    /// Returns who made the call of a record.
    pub fn of(record: &Record<'_>) -> Self {
        let mut actor = Self::of_identity(&record.user_identity);
        if actor.mfa == Mfa::NotRecorded {
            // Signing in to the console is recorded beside the identity (CloudTrail user guide, "Console sign-in
            // events").
            let used = record.additional_event_data.and_then(|data| data.get("MFAUsed")).and_then(|json| json.text());
            actor.mfa = match used.as_deref() {
                Some("Yes") => Mfa::Used,
                Some("No") => Mfa::NotUsed,
                _ => Mfa::NotRecorded,
            };
        }
        actor
    }

    /// Returns whom an identity names.
    pub fn of_identity(identity: &UserIdentity<'_>) -> Self {
        let kind = kind(identity);
        let session = identity.session.as_ref();
        let issuer = session.and_then(|session| session.issuer.as_ref());
        let invoked_by = set(identity.invoked_by.as_deref());
        let account = set(identity.account_id.as_deref()).filter(|_| kind != ActorKind::Anonymous);
        let is_session = matches!(kind, ActorKind::Role | ActorKind::AssumedRoot | ActorKind::FederatedUser);
        let (name, is_unnamed) = name(identity, kind);
        Self {
            kind,
            name,
            is_unnamed,
            account: account.or_else(|| set(issuer?.account_id.as_deref())).map(shortened),
            role: issuer.and_then(|issuer| set(issuer.arn.as_deref())).map(shortened),
            session_name: session_name(identity).filter(|_| is_session).map(shortened),
            source_identity: session.and_then(|session| set(session.source_identity.as_deref())).map(shortened),
            through: invoked_by.filter(|_| kind != ActorKind::Service).map(shortened),
            access_key: set(identity.access_key_id.as_deref()).map(shortened),
            mfa: match session.and_then(|session| session.mfa_authenticated) {
                Some(true) => Mfa::Used,
                Some(false) => Mfa::NotUsed,
                None => Mfa::NotRecorded,
            },
        }
    }

    /// Returns the same actor, called by the user name that the event history tells beside a record: of a user its
    /// name, of a session what it calls itself. It is taken where the record names nobody, and said to be no more than
    /// that.
    #[must_use]
    pub fn or_username(self, username: Option<&str>) -> Self {
        let Some(username) = set(username).filter(|_| self.is_unnamed) else { return self };
        let account = self.account.as_ref().map_or_else(|| "not known".to_owned(), Clone::clone);
        let name = format!("{} (user name of the event history, account {account})", shortened(username));
        Self { name, ..self }
    }

    /// Returns who stands behind it. A role is nobody: who assumed it is what is asked.
    pub fn behind(&self) -> Behind<'_> {
        match (&self.source_identity, &self.session_name, self.kind) {
            (Some(person), ..) => Behind::Proven(person),
            (None, Some(session), _) => Behind::Claimed(session),
            (None, None, ActorKind::Role | ActorKind::Unknown | ActorKind::Anonymous) => Behind::Unknown,
            _ => Behind::Proven(&self.name),
        }
    }

    /// Returns the name of the role behind a session, without its path. `None`: it is no session of a role.
    pub fn role_name(&self) -> Option<&str> {
        let of_issuer =
            self.role.as_deref().filter(|arn| arn.contains(":role/")).and_then(|arn| arn.rsplit('/').next());
        of_issuer.or_else(|| self.name.split_once(":assumed-role/")?.1.split('/').next())
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

fn kind(identity: &UserIdentity<'_>) -> ActorKind {
    let is_assumed_root = identity.session.as_ref().is_some_and(|session| session.assumed_root == Some(true));
    match &identity.kind {
        Some(IdentityType::Root) if is_assumed_root => ActorKind::AssumedRoot,
        Some(IdentityType::Root) => ActorKind::Root,
        Some(IdentityType::IamUser) => ActorKind::User,
        Some(IdentityType::AssumedRole | IdentityType::Role) => ActorKind::Role,
        Some(IdentityType::FederatedUser) => ActorKind::FederatedUser,
        Some(IdentityType::IdentityCenterUser) => ActorKind::IdentityCenterUser,
        Some(IdentityType::Directory | IdentityType::SamlUser | IdentityType::WebIdentityUser) => {
            ActorKind::ExternalUser
        }
        Some(IdentityType::AwsService) => ActorKind::Service,
        // The account id says so, not the principal's (S3 user guide, "CloudTrail log file entries").
        Some(IdentityType::AwsAccount) if identity.account_id.as_deref() == Some("ANONYMOUS_PRINCIPAL") => {
            ActorKind::Anonymous
        }
        Some(IdentityType::AwsAccount) => ActorKind::Account,
        // Events of a service itself tell no kind.
        None | Some(IdentityType::Other(_)) => kind_of_arn(identity),
    }
}

fn kind_of_arn(identity: &UserIdentity<'_>) -> ActorKind {
    let Some(arn) = set(identity.arn.as_deref()) else {
        let is_service =
            set(identity.invoked_by.as_deref()).is_some() && set(identity.principal_id.as_deref()).is_none();
        return if is_service { ActorKind::Service } else { ActorKind::Unknown };
    };
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    match resource.split('/').next() {
        Some("root") => ActorKind::Root,
        Some("user") => ActorKind::User,
        Some("assumed-role" | "role") => ActorKind::Role,
        Some("federated-user") => ActorKind::FederatedUser,
        _ => ActorKind::Unknown,
    }
}

/// Returns what an identity is called, and whether nothing tells it from others of its kind.
fn name(identity: &UserIdentity<'_>, kind: ActorKind) -> (String, bool) {
    let [arn, service, user, principal, person, account] = [
        &identity.arn,
        &identity.invoked_by,
        &identity.user_name,
        &identity.principal_id,
        &identity.on_behalf_of_user,
        &identity.account_id,
    ]
    .map(|text| set(text.as_deref()));
    if kind == ActorKind::Anonymous {
        return (ANONYMOUS.to_owned(), false);
    }
    let service_first = service.filter(|_| kind == ActorKind::Service);
    let id = match (kind, principal, person) {
        // An id of another account says nothing to whoever does not know it.
        (ActorKind::Account, Some(id), _) => account.map(|account| format!("{} of account {account}", shortened(id))),
        (ActorKind::IdentityCenterUser, None, Some(id)) => Some(format!("Identity Center user {}", shortened(id))),
        _ => None,
    };
    let named = arn.or(service_first).or(user).map(shortened).or(id);
    if let Some(name) = named.or_else(|| principal.or(person).or(service).map(shortened)) {
        return (shortened(&name), false);
    }
    match account.filter(|_| kind != ActorKind::Unknown) {
        Some(account) => (shortened(account), kind != ActorKind::Account),
        None => {
            // An empty type says nothing.
            let kind = identity.kind.as_ref().map(|kind| kind.as_str()).filter(|kind| !kind.is_empty());
            (kind.map_or_else(|| UNKNOWN.to_owned(), shortened), true)
        }
    }
}

/// The last part of a session's ARN (`arn:aws:sts::1:assumed-role/ROLE/SESSION`), or of its principal's id
/// (`AROA…:SESSION`).
fn session_name<'a>(identity: &'a UserIdentity<'_>) -> Option<&'a str> {
    match set(identity.arn.as_deref()) {
        Some(arn) if arn.contains(":assumed-role/") => set(arn.rsplit('/').next()),
        Some(_) => None,
        None => set(Some(identity.principal_id.as_deref()?.split_once(':')?.1)),
    }
}

/// Returns a text that says something.
fn set(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// Returns a text, cut off where it is longer than the name of anybody: one hostile record must not fill a report.
pub(super) fn shortened(text: &str) -> String {
    if text.len() <= NAME_BYTES_MAX {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(NAME_BYTES_MAX)])
}
