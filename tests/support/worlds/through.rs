//! What clouds that only act in their own way have in common: they show what the recorded world inside them has.

/// Makes a type with an `inner` world look as that world does.
macro_rules! looks_through {
    ($cloud:ident) => {
        #[async_trait::async_trait]
        impl orgtrail::cloud::CloudReader for $cloud<'_> {
            async fn discover(
                &self,
                needs: orgtrail::cloud::DiscoverOptions,
            ) -> Result<(orgtrail::organization::Organization, Vec<orgtrail::estate::Problem>), orgtrail::cloud::Fault>
            {
                self.inner.discover(needs).await
            }
            async fn observe(
                &self,
                scope: &orgtrail::cloud::Scope,
                progress: &dyn orgtrail::cloud::Progress,
            ) -> Result<orgtrail::estate::Estate, orgtrail::cloud::Fault> {
                self.inner.observe(scope, progress).await
            }
            async fn delivery(
                &self,
                trail: &orgtrail::estate::Address,
                operator: &orgtrail::ids::AccountId,
            ) -> Result<orgtrail::estate::trail::Delivery, orgtrail::cloud::Fault> {
                self.inner.delivery(trail, operator).await
            }
        }
    };
}

pub(super) use looks_through;
