//! The element `userIdentity` of a record, as recorded.
//!
//! Source: CloudTrail user guide, "CloudTrail userIdentity element".

use std::fmt;

use super::json::{Json, Text};
use super::reader::FieldReader;

/// Who called, in CloudTrail's fields. What is not recorded is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserIdentity<'a> {
    /// Which kind of identity it is. `None`: not recorded, as for events of a service itself.
    pub kind: Option<IdentityType<'a>>,
    /// The unique id of what called, for a session with its name: `AROAEXAMPLE:eve`.
    pub principal_id: Option<Text<'a>>,
    /// The ARN of what called; for a session that of the session.
    pub arn: Option<Text<'a>>,
    /// The account of what called. `ANONYMOUS_PRINCIPAL` where the call was not signed.
    pub account_id: Option<Text<'a>>,
    /// The access key that signed the call.
    pub access_key_id: Option<Text<'a>>,
    /// The friendly name. `HIDDEN_DUE_TO_SECURITY_REASONS` where someone signed in with a name that does not exist.
    pub user_name: Option<Text<'a>>,
    /// The service that made the call, for itself or on behalf of another identity.
    pub invoked_by: Option<Text<'a>>,
    /// Who proved the identity of a federated caller.
    pub identity_provider: Option<Text<'a>>,
    /// The bearer token's id, where one was used.
    pub credential_id: Option<Text<'a>>,
    /// The user of IAM Identity Center on whose behalf the call was made: its id in the identity store.
    pub on_behalf_of_user: Option<Text<'a>>,
    /// The ARN of that identity store.
    pub identity_store_arn: Option<Text<'a>>,
    /// The temporary session. `None`: it was none.
    pub session: Option<SessionContext<'a>>,
}

/// A temporary session: whose it is, and how it came about. What is not recorded is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionContext<'a> {
    /// When the credentials were issued, in RFC 3339.
    pub creation_date: Option<Text<'a>>,
    /// The caller had a second factor when the credentials were issued. `None`: not recorded, which is not *no*.
    pub mfa_authenticated: Option<bool>,
    /// The role or user that the session is of.
    pub issuer: Option<SessionIssuer<'a>>,
    /// Who proved the identity of a web identity: `cognito-identity.amazonaws.com`.
    pub federated_provider: Option<Text<'a>>,
    /// What that provider told of it.
    pub federated_attributes: Option<Json<'a>>,
    /// Who began the chain of sessions: set once, and never changed by whoever holds the session.
    pub source_identity: Option<Text<'a>>,
    /// `1.0` or `2.0`: the version of the instance metadata service that gave the credentials out.
    pub ec2_role_delivery: Option<Text<'a>>,
    /// It is a session as root that the management account began (central root access).
    pub assumed_root: Option<bool>,
}

/// What a session is of. What is not recorded is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionIssuer<'a> {
    /// `Role`, `IAMUser` or `Root`.
    pub kind: Option<Text<'a>>,
    /// Its unique id.
    pub principal_id: Option<Text<'a>>,
    /// Its ARN, with the path of a role.
    pub arn: Option<Text<'a>>,
    /// Its account.
    pub account_id: Option<Text<'a>>,
    /// Its friendly name.
    pub user_name: Option<Text<'a>>,
}

/// The kinds of identities that CloudTrail knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityType<'a> {
    /// The root user of an account.
    Root,
    /// An IAM user.
    IamUser,
    /// A session of a role.
    AssumedRole,
    /// A role itself, as some services record it.
    Role,
    /// A session that `GetFederationToken` began.
    FederatedUser,
    /// A user of a directory service.
    Directory,
    /// Another account, or a call that was not signed.
    AwsAccount,
    /// A service of AWS.
    AwsService,
    /// A user of IAM Identity Center.
    IdentityCenterUser,
    /// A SAML assertion, in `AssumeRoleWithSAML`.
    SamlUser,
    /// A web identity token, in `AssumeRoleWithWebIdentity`.
    WebIdentityUser,
    /// `Unknown`, or a kind that this version does not know.
    Other(Text<'a>),
}

impl<'a> IdentityType<'a> {
    fn of(text: Text<'a>) -> Self {
        match text.as_ref() {
            "Root" => IdentityType::Root,
            "IAMUser" => IdentityType::IamUser,
            "AssumedRole" => IdentityType::AssumedRole,
            "Role" => IdentityType::Role,
            "FederatedUser" => IdentityType::FederatedUser,
            "Directory" => IdentityType::Directory,
            "AWSAccount" => IdentityType::AwsAccount,
            "AWSService" => IdentityType::AwsService,
            "IdentityCenterUser" => IdentityType::IdentityCenterUser,
            "SAMLUser" => IdentityType::SamlUser,
            "WebIdentityUser" => IdentityType::WebIdentityUser,
            _ => IdentityType::Other(text),
        }
    }

    /// Returns the kind as CloudTrail writes it.
    pub fn as_str(&self) -> &str {
        match self {
            IdentityType::Root => "Root",
            IdentityType::IamUser => "IAMUser",
            IdentityType::AssumedRole => "AssumedRole",
            IdentityType::Role => "Role",
            IdentityType::FederatedUser => "FederatedUser",
            IdentityType::Directory => "Directory",
            IdentityType::AwsAccount => "AWSAccount",
            IdentityType::AwsService => "AWSService",
            IdentityType::IdentityCenterUser => "IdentityCenterUser",
            IdentityType::SamlUser => "SAMLUser",
            IdentityType::WebIdentityUser => "WebIdentityUser",
            IdentityType::Other(text) => text,
        }
    }
}

impl fmt::Display for IdentityType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<'a> UserIdentity<'a> {
    pub(super) fn read(mut fields: FieldReader<'a, '_>) -> Self {
        let on_behalf_of = fields.object("onBehalfOf", |mut of| (of.text("userId"), of.text("identityStoreArn")));
        let (on_behalf_of_user, identity_store_arn) = on_behalf_of.unwrap_or_default();
        Self {
            kind: fields.text("type").map(IdentityType::of),
            principal_id: fields.text("principalId"),
            arn: fields.text("arn"),
            account_id: fields.text("accountId"),
            access_key_id: fields.text("accessKeyId"),
            user_name: fields.text("userName"),
            invoked_by: fields.text("invokedBy"),
            identity_provider: fields.text("identityProvider"),
            credential_id: fields.text("credentialId"),
            on_behalf_of_user,
            identity_store_arn,
            session: fields.object("sessionContext", SessionContext::read),
        }
    }
}

impl<'a> SessionContext<'a> {
    fn read(mut fields: FieldReader<'a, '_>) -> Self {
        let attributes = fields.object("attributes", |mut of| (of.text("creationDate"), of.flag("mfaAuthenticated")));
        let (creation_date, mfa_authenticated) = attributes.unwrap_or_default();
        let federation =
            fields.object("webIdFederationData", |mut of| (of.text("federatedProvider"), of.json("attributes")));
        let (federated_provider, federated_attributes) = federation.unwrap_or_default();
        Self {
            creation_date,
            mfa_authenticated,
            issuer: fields.object("sessionIssuer", SessionIssuer::read),
            federated_provider,
            federated_attributes,
            source_identity: fields.text("sourceIdentity"),
            ec2_role_delivery: fields.text("ec2RoleDelivery"),
            assumed_root: fields.flag("assumedRoot"),
        }
    }
}

impl<'a> SessionIssuer<'a> {
    fn read(mut fields: FieldReader<'a, '_>) -> Self {
        Self {
            kind: fields.text("type"),
            principal_id: fields.text("principalId"),
            arn: fields.text("arn"),
            account_id: fields.text("accountId"),
            user_name: fields.text("userName"),
        }
    }
}
