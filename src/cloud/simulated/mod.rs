//! A world in memory or in a file that answers as AWS does: it shows what is there, does what it is told, and refuses
//! what AWS refuses, with AWS's codes.
//!
//! It is the world of `orgtrail demo`, of plans for pull requests (`--estate FILE`) and of the property tests. What AWS
//! would refuse is `refuse`, what AWS would make of a change is `perform`, the file is [`mod@file`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{CloudFault, CloudFaultKind, CloudReader, CloudWriter, DiscoverOptions, Done, Load, Progress};
use crate::cloud::history::{HistoryLookup, HistoryPage};
use crate::estate::snapshot::Snapshot;
use crate::estate::trail::DeliveryStatus;
use crate::estate::{Address, Estate, Problem};
use crate::ids::{AccountId, Arn, Region};
use crate::monitoring::alarm::{Alarms, Subscribers};
use crate::monitoring::metric_filter::MetricFilter;
use crate::observation::ObservationScope;
use crate::organization::Organization;
use crate::plan::Change;
use crate::recorders::RegionRecorder;

pub mod file;
mod look;
mod perform;
mod refuse;
mod world;
mod writes;

/// A recorded world: an organization and its estate.
pub struct SimulatedCloud {
    state: Mutex<State>,
    /// Where it is kept, and the version of the state that is there. Who holds it writes for all who wait.
    kept: Option<Versioned>,
}

/// The world, and how often it has changed.
struct State {
    world: Snapshot,
    version: u64,
}

struct Versioned {
    path: PathBuf,
    written: tokio::sync::Mutex<WriteOutcome>,
}

/// What the file holds: the version of the state, and what the file was when it was read or written.
struct WriteOutcome {
    version: u64,
    stamp: Option<file::Stamp>,
}

impl SimulatedCloud {
    /// Makes a world that lives in memory only.
    pub fn in_memory(world: Snapshot) -> Self {
        Self { state: Mutex::new(State { world, version: 0 }), kept: None }
    }

    /// Opens a world that is kept in a snapshot file. Every change rewrites it.
    ///
    /// # Errors
    /// [`file::BadFile`] where it cannot be read or is no snapshot.
    pub fn open(path: &Path) -> Result<Self, file::BadFile> {
        // Before it is read: what is written meanwhile is seen later.
        let stamp = file::stamp(path);
        let world = file::read(path)?;
        let kept =
            Versioned { path: path.to_owned(), written: tokio::sync::Mutex::new(WriteOutcome { version: 0, stamp }) };
        Ok(Self { state: Mutex::new(State { world, version: 0 }), kept: Some(kept) })
    }

    /// Returns the world as it is now.
    pub fn snapshot(&self) -> Snapshot {
        self.state().world.clone()
    }

    /// Changes the world by somebody else's hand: nothing is refused, and no plan knows of it.
    ///
    /// # Errors
    /// [`CloudFault`] where the file could not be written.
    pub async fn edit(&self, hand: impl FnOnce(&mut Organization, &mut Estate)) -> Result<(), CloudFault> {
        let version = {
            let mut state = self.state();
            let Snapshot { organization, estate, .. } = &mut state.world;
            hand(organization, estate);
            state.version += 1;
            state.version
        };
        self.keep(version).await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The world is replaced in one assignment, so a panic elsewhere cannot leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when the file holds at least this version of the world. Many changes at once share one writing.
    async fn keep(&self, version: u64) -> Result<(), CloudFault> {
        let Some(kept) = &self.kept else {
            return Ok(());
        };
        let mut written = kept.written.lock().await;
        if written.version >= version {
            return Ok(());
        }
        let (world, newest) = {
            let state = self.state();
            (state.world.clone(), state.version)
        };
        let account = world.organization.management_account.clone();
        let path = kept.path.clone();
        let seen = written.stamp.clone();
        let result = tokio::task::spawn_blocking(move || file::write_unchanged(&path, &world, seen.as_ref())).await;
        match result {
            Ok(Ok(stamp)) => {
                *written = WriteOutcome { version: newest, stamp };
                Ok(())
            }
            Ok(Err(error)) => Err(not_kept(account, &error)),
            Err(error) => Err(not_kept(account, &error)),
        }
    }
}

fn not_kept(account: AccountId, error: &dyn std::error::Error) -> CloudFault {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    CloudFault {
        kind: CloudFaultKind::Other,
        account,
        operation: "snapshot:Write".into(),
        code: "SnapshotNotWritten".into(),
        message: format!("{error}{cause}"),
        help: "see that the folder is writable and has room, then run the command again".into(),
    }
}

#[async_trait]
impl CloudReader for SimulatedCloud {
    async fn discover(&self, needs: DiscoverOptions) -> Result<(Organization, Vec<Problem>), CloudFault> {
        Ok(look::discover(&self.state().world, needs))
    }

    async fn observe(&self, scope: &ObservationScope, progress: &dyn Progress) -> Result<Estate, CloudFault> {
        let estate = look::observe(&self.state().world, scope);
        progress.step("recorded resources", estate.sightings.len(), estate.sightings.len());
        Ok(estate)
    }

    async fn delivery(&self, trail: &Address, operator: &AccountId) -> Result<DeliveryStatus, CloudFault> {
        look::delivery(&self.state().world, trail, operator).map_err(|fault| *fault)
    }

    async fn regions(&self, _account: &AccountId) -> Result<Option<Vec<Region>>, CloudFault> {
        Ok(None)
    }

    async fn look_up_events(
        &self,
        _account: &AccountId,
        _region: &Region,
        _lookup: &HistoryLookup,
    ) -> Result<Option<HistoryPage>, CloudFault> {
        Ok(None)
    }

    async fn metric_filters(&self, _group: &Arn) -> Result<Option<Vec<MetricFilter>>, CloudFault> {
        Ok(None)
    }

    async fn alarms(&self, _account: &AccountId, _region: &Region) -> Result<Option<Alarms>, CloudFault> {
        Ok(None)
    }

    async fn subscribers(&self, _topic: &Arn) -> Result<Option<Subscribers>, CloudFault> {
        Ok(None)
    }

    async fn recorder(&self, _account: &AccountId, _region: &Region) -> Result<Option<RegionRecorder>, CloudFault> {
        Ok(None)
    }

    /// No network is asked.
    fn calls(&self) -> u64 {
        0
    }

    fn load(&self) -> BTreeMap<&'static str, Load> {
        BTreeMap::new()
    }
}

#[async_trait]
impl CloudWriter for SimulatedCloud {
    async fn execute(&self, change: &Change) -> Result<Done, CloudFault> {
        let (done, version) = {
            let mut state = self.state();
            if let Some(fault) = refuse::refusal(&state.world, change) {
                return Err(fault);
            }
            let resource = perform::perform(&mut state.world, change);
            state.version += 1;
            (resource, state.version)
        };
        self.keep(version).await?;
        Ok(Done { resource: done })
    }
}

#[cfg(test)]
mod tests;
