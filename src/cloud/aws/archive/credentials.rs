//! Credentials of the member role that renew themselves: a proof of a large archive lasts longer than a session.

use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};

use crate::cloud::aws::session::Sessions;
use crate::ids::AccountId;

/// The member role of one account.
pub(super) struct MemberCredentials {
    sessions: Arc<Sessions>,
    account: AccountId,
}

impl MemberCredentials {
    pub(super) fn new(sessions: Arc<Sessions>, account: AccountId) -> Self {
        Self { sessions, account }
    }

    async fn fresh(&self) -> provider::Result {
        let session = self.sessions.of(&self.account).await.map_err(CredentialsError::provider_error)?;
        let given = session.config().credentials_provider();
        let given = given.ok_or_else(|| CredentialsError::not_loaded("the session has no credentials"))?;
        let credentials: Credentials = given.provide_credentials().await?;
        Ok(credentials)
    }
}

impl std::fmt::Debug for MemberCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemberCredentials").field("account", &self.account).finish_non_exhaustive()
    }
}

impl ProvideCredentials for MemberCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.fresh())
    }
}
