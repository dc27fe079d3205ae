//! Keeps the lake of a configuration up to date, for the daemon.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{failed, logs as lake_logs, place, update};
use crate::archive::window::Window;
use crate::cli::Common;
use crate::cli::failure::CliError;
use crate::cli::logs::LogsContext;
use crate::cli::logs::archive::LogPlaces;
use crate::config::Config;
use crate::config::schema::{LakeBucket, LakeConfig};
use crate::lake::identity::{LakeAsked, LakeIdentity};
use crate::lake::update::{OVERLAP, Update, Updated};
use crate::reconcile::lake::{LakeUpdate, LakeUpdater};

/// Bytes of records that are collected before they are written.
const MEMORY_BYTES: usize = 256 << 20;

/// Keeps the lake of a configuration up to date.
pub struct LakeKeeper {
    common: Common,
    config: Config,
    lake: LakeConfig,
}

impl LakeKeeper {
    /// Returns the keeper of a configuration's lake. `None`: it names none.
    pub fn of(common: &Common, config: &Config) -> Option<Self> {
        let lake = config.lake.clone()?;
        Some(Self { common: common.clone(), config: config.clone(), lake })
    }

    async fn run(&self, now: Timestamp) -> Result<Updated, CliError> {
        // The connection is made anew each time: credentials and places may be others by then.
        let logs = LogPlaces::of(&self.common, &self.config)?;
        let mut around = LogsContext::without_terminal(&self.common, now);
        let named = self.lake.place.to_string();
        let place = place::must_be_apart(named.as_ref(), &logs.places)?;
        around.entry = logs.entry;
        let archive = Arc::new(lake_logs::archive(&logs.places, &[], &[], &around).await?);
        let organization = update::organization(logs.organization, &archive).await?;
        let (region, config) = (Some(&self.config.home_region), Some(&self.config));
        let store = place.open_to_write(&around, region, &self.common, config).await?;
        let (grain, slots) = (Some(update::grain_of(self.lake.grain)), Some(self.lake.slots));
        let asked = LakeAsked { organization, grain, slots };
        let identity = LakeIdentity::ensure(store.as_ref(), &asked).await.map_err(failed)?;
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let update = Update {
            archive,
            window: Window::default(),
            overlap: OVERLAP,
            shard: None,
            threads: threads.min(usize::from(identity.slots)),
            memory_bytes: MEMORY_BYTES,
            repairs: false,
        };
        Box::pin(update.run(&store, &identity, now, &|_| {})).await.map_err(failed)
    }
}

#[async_trait]
impl LakeUpdater for LakeKeeper {
    fn every(&self) -> Duration {
        Duration::from_secs(self.lake.every.seconds())
    }

    fn bucket(&self) -> Option<&str> {
        Some(self.lake.place.bucket.as_str()).filter(|_| self.lake.bucket == LakeBucket::Managed)
    }

    async fn update(&self, now: Timestamp) -> LakeUpdate {
        match Box::pin(self.run(now)).await {
            Ok(updated) => {
                let missing = updated.missing.len() + updated.damaged.len();
                let missing = missing as u64 + updated.beside_count;
                LakeUpdate { added: updated.added, missing, why: updated.failed.join("; ") }
            }
            Err(failure) => LakeUpdate { why: failure.as_cause(), ..LakeUpdate::default() },
        }
    }
}
