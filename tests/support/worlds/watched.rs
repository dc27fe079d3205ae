//! A cloud that is looked at after each change: is every account recorded by a trail that is logging and can deliver?

use std::collections::BTreeSet;
use std::sync::Mutex;

use async_trait::async_trait;
use orgtrail::cloud::simulated::SimulatedCloud;
use orgtrail::cloud::{CloudFault, CloudReader, CloudWriter, Done};
use orgtrail::estate::Resource;
use orgtrail::ids::AccountId;
use orgtrail::plan::Change;

use super::through::looks_through;

pub struct Watched<'a> {
    pub inner: &'a SimulatedCloud,
    /// The accounts that have to be recorded at any time.
    pub accounts: BTreeSet<AccountId>,
    /// What was done just before an account was not.
    pub gaps: Mutex<Vec<String>>,
}

impl<'a> Watched<'a> {
    pub fn new(inner: &'a SimulatedCloud, accounts: BTreeSet<AccountId>) -> Self {
        Self { inner, accounts, gaps: Mutex::default() }
    }

    /// The accounts that some trail records and delivers.
    pub async fn recorded(&self) -> BTreeSet<AccountId> {
        let world = self.inner.snapshot();
        let mut recorded = BTreeSet::new();
        for (address, resource) in world.estate.resources() {
            let Resource::Trail(trail) = resource else { continue };
            let asked = self.inner.delivery(address, &address.account).await;
            if !trail.logging || asked.is_ok_and(|delivery| delivery.latest_error.is_some()) {
                continue;
            }
            if trail.organization {
                recorded.extend(world.organization.accounts.keys().cloned());
            } else {
                recorded.insert(address.account.clone());
            }
        }
        recorded
    }
}

looks_through!(Watched);

#[async_trait]
impl CloudWriter for Watched<'_> {
    async fn execute(&self, change: &Change) -> Result<Done, CloudFault> {
        let done = self.inner.execute(change).await;
        let recorded = self.recorded().await;
        let missing = self.accounts.difference(&recorded).next();
        if let Some(account) = missing {
            let gap = format!("after {} {} nothing records {account}", change.action().as_str(), change.address);
            self.gaps.lock().unwrap().push(gap);
        }
        done
    }
}
