//! Credentials of a role that renew themselves: a proof of a large archive lasts longer than a session.

use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};

use crate::cloud::CloudFault;
use crate::cloud::aws::NamedRole;
use crate::cloud::aws::session::{Session, Sessions};
use crate::ids::AccountId;

/// Which role reads.
#[derive(Debug, Clone)]
pub(super) enum Reader {
    /// The member role of an account.
    Member(AccountId),
    /// A role that a person named.
    Named(NamedRole),
}

impl Reader {
    /// Returns its session.
    ///
    /// # Errors
    /// [`CloudFault`] where it cannot be assumed.
    pub(super) async fn session(&self, sessions: &Sessions) -> Result<Session, CloudFault> {
        match self {
            Self::Member(account) => sessions.of(account).await,
            Self::Named(role) => sessions.of_named(role).await,
        }
    }
}

/// The credentials of a role.
pub(super) struct RoleCredentials {
    sessions: Arc<Sessions>,
    reader: Reader,
}

impl RoleCredentials {
    pub(super) fn new(sessions: Arc<Sessions>, reader: Reader) -> Self {
        Self { sessions, reader }
    }

    async fn fresh(&self) -> provider::Result {
        let session = self.reader.session(&self.sessions).await.map_err(CredentialsError::provider_error)?;
        let given = session.config().credentials_provider();
        let given = given.ok_or_else(|| CredentialsError::not_loaded("the session has no credentials"))?;
        let credentials: Credentials = given.provide_credentials().await?;
        Ok(credentials)
    }
}

impl std::fmt::Debug for RoleCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RoleCredentials").field("reader", &self.reader).finish_non_exhaustive()
    }
}

impl ProvideCredentials for RoleCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.fresh())
    }
}
