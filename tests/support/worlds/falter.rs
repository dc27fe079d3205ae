//! A cloud whose network goes away in the middle of a run.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use orgtrail::cloud::simulated::SimulatedCloud;
use orgtrail::cloud::{CloudFault, CloudFaultKind, CloudWriter, Done};
use orgtrail::estate::trail::{EventSelector, ReadWrite};
use orgtrail::estate::{Bucket, Key, LogGroup, Policy, Resource, Role, Tags, Trail};
use orgtrail::plan::{Change, Step};

use super::through::looks_through;

/// Makes so many changes, begins one more, and then reaches nobody.
pub struct Faltering<'a> {
    pub inner: &'a SimulatedCloud,
    pub done: AtomicUsize,
    pub changes_max: usize,
}

looks_through!(Faltering);

#[async_trait]
impl CloudWriter for Faltering<'_> {
    async fn execute(&self, change: &Change) -> Result<Done, CloudFault> {
        let number = self.done.fetch_add(1, Ordering::SeqCst);
        if number < self.changes_max {
            return self.inner.execute(change).await;
        }
        if number == self.changes_max
            && let Some(half) = half_made(change)
        {
            self.inner.execute(&half).await?;
        }
        Err(CloudFault {
            kind: CloudFaultKind::Unreachable,
            account: change.operator.clone(),
            operation: "any".into(),
            code: "Unreachable".into(),
            message: "the network is gone".into(),
            help: String::new(),
        })
    }
}

/// What the first call of a creation leaves, if it consists of several.
fn half_made(change: &Change) -> Option<Change> {
    let Step::Create { desired, begun: None } = &change.step else { return None };
    let half: Resource = match desired.clone() {
        Resource::Bucket(whole) => untouched(whole).into(),
        Resource::Key(whole) => Key { has_alias: false, rotation: false, ..whole }.into(),
        Resource::LogGroup(whole) => LogGroup { retention_days: None, ..whole }.into(),
        Resource::Role(whole) => Role { inline: Default::default(), ..whole }.into(),
        Resource::Policy(whole) => Policy { groups: Default::default(), roles: Default::default(), ..whole }.into(),
        Resource::Trail(whole) => {
            let selectors = [EventSelector::management(ReadWrite::All, &[])].into();
            Trail { logging: false, selectors, insights: Default::default(), ..whole }.into()
        }
        _ => return None,
    };
    Some(Change { step: Step::create(half), ..change.clone() })
}

/// A bucket right after `CreateBucket`.
fn untouched(whole: Bucket) -> Bucket {
    Bucket {
        versioning: false,
        encryption: None,
        lifecycle: Vec::new(),
        object_lock: None,
        access_logs: None,
        tags: Tags::new(),
        untouched: true,
        ..whole
    }
}
