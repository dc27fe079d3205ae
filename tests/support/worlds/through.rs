//! What clouds that only act in their own way have in common: they show what the recorded world inside them has.

/// Makes a type with an `inner` world look as that world does.
macro_rules! looks_through {
    ($cloud:ident) => {
        #[async_trait::async_trait]
        impl orgtrail::cloud::CloudReader for $cloud<'_> {
            async fn discover(
                &self,
                needs: orgtrail::cloud::DiscoverOptions,
            ) -> Result<
                (orgtrail::organization::Organization, Vec<orgtrail::estate::Problem>),
                orgtrail::cloud::CloudFault,
            > {
                self.inner.discover(needs).await
            }
            async fn observe(
                &self,
                scope: &orgtrail::observation::ObservationScope,
                progress: &dyn orgtrail::cloud::Progress,
            ) -> Result<orgtrail::estate::Estate, orgtrail::cloud::CloudFault> {
                self.inner.observe(scope, progress).await
            }
            async fn delivery(
                &self,
                trail: &orgtrail::estate::Address,
                operator: &orgtrail::ids::AccountId,
            ) -> Result<orgtrail::estate::trail::DeliveryStatus, orgtrail::cloud::CloudFault> {
                self.inner.delivery(trail, operator).await
            }

            async fn regions(
                &self,
                account: &orgtrail::ids::AccountId,
            ) -> Result<Option<Vec<orgtrail::ids::Region>>, orgtrail::cloud::CloudFault> {
                self.inner.regions(account).await
            }

            async fn look_up_events(
                &self,
                account: &orgtrail::ids::AccountId,
                region: &orgtrail::ids::Region,
                lookup: &orgtrail::cloud::history::HistoryLookup,
            ) -> Result<Option<orgtrail::cloud::history::HistoryPage>, orgtrail::cloud::CloudFault> {
                self.inner.look_up_events(account, region, lookup).await
            }

            async fn metric_filters(
                &self,
                group: &orgtrail::ids::Arn,
            ) -> Result<Option<Vec<orgtrail::monitoring::metric_filter::MetricFilter>>, orgtrail::cloud::CloudFault>
            {
                self.inner.metric_filters(group).await
            }

            async fn alarms(
                &self,
                account: &orgtrail::ids::AccountId,
                region: &orgtrail::ids::Region,
            ) -> Result<Option<orgtrail::monitoring::alarm::Alarms>, orgtrail::cloud::CloudFault> {
                self.inner.alarms(account, region).await
            }

            async fn subscribers(
                &self,
                topic: &orgtrail::ids::Arn,
            ) -> Result<Option<orgtrail::monitoring::alarm::Subscribers>, orgtrail::cloud::CloudFault> {
                self.inner.subscribers(topic).await
            }

            async fn recorder(
                &self,
                account: &orgtrail::ids::AccountId,
                region: &orgtrail::ids::Region,
            ) -> Result<Option<orgtrail::recorders::RegionRecorder>, orgtrail::cloud::CloudFault> {
                self.inner.recorder(account, region).await
            }

            fn calls(&self) -> u64 {
                self.inner.calls()
            }

            fn load(&self) -> std::collections::BTreeMap<&'static str, orgtrail::cloud::Load> {
                self.inner.load()
            }
        }
    };
}

pub(super) use looks_through;
