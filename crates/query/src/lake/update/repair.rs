//! What a repair takes anew: slots that lack something, or are not what their rows give, and ledgers that cannot be
//! read. Nothing that could still be used is given up for less.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::super::identity::{LakeError, LakeIdentity};
use super::super::layout::{LedgerId, SlotId};
use super::super::slot::{Slot, SlotError, Source, is_as_made};
use super::super::status::LakeStatus;
use super::super::store::LakeStore;

/// What a repair takes anew. Without a repair it is nothing.
#[derive(Debug, Default)]
pub(super) struct Repair {
    /// The keys of slots whose objects are taken again.
    pub lacking: BTreeSet<String>,
    /// Those of which nothing is used: they are written from their log objects alone. One that was written is none any
    /// more.
    broken: Mutex<BTreeSet<String>>,
    /// What stays as it is, in words.
    pub failed: Vec<String>,
    /// Ledgers that cannot be read are made anew.
    pub renews_ledgers: bool,
}

/// What is wrong with a slot.
enum Verdict {
    Fine,
    /// Nothing of it can be used.
    Broken,
    /// Its rows are not those of its file, but which objects it has is known.
    Altered(Vec<Source>),
    /// It is not to be touched, in words.
    Foreign(String),
}

impl Repair {
    /// Looks at every slot of some shares of the accounts. `listed` are the log objects that can be taken again.
    ///
    /// # Errors
    /// Where the lake cannot be listed or read.
    pub(super) async fn find(
        store: &Arc<dyn LakeStore>,
        identity: &LakeIdentity,
        numbers: &[u16],
        listed: &HashSet<Source>,
    ) -> Result<Self, LakeError> {
        let status = LakeStatus::read(store).await?;
        let mut repair = Self { lacking: status.lacking.clone(), renews_ledgers: true, ..Self::default() };
        let is_own = |key: &str| SlotId::parse(key).is_some_and(|id| numbers.contains(&id.number));
        let mut broken = BTreeSet::new();
        for key in status.readable_slots().filter(|key| is_own(key) && !repair.lacking.contains(*key)) {
            match judged(store, identity, key).await? {
                Verdict::Fine => {}
                Verdict::Altered(sources) if sources.iter().all(|source| listed.contains(source)) => {
                    broken.insert(key.to_owned());
                }
                Verdict::Altered(_) => repair.failed.push(format!(
                    "{key}: it is not what its rows give, and stays so: not all of its log objects were listed"
                )),
                Verdict::Broken => drop(broken.insert(key.to_owned())),
                Verdict::Foreign(why) => repair.failed.push(format!("{key}: {why}")),
            }
        }
        for (key, why) in status.unreadable.iter().filter(|(key, _)| !repair.lacking.contains(key)) {
            if is_own(key) {
                match judged(store, identity, key).await? {
                    Verdict::Foreign(why) => repair.failed.push(format!("{key}: {why}")),
                    // What lies there is no slot of this time and of these accounts, whatever else it is.
                    Verdict::Fine | Verdict::Broken | Verdict::Altered(_) => drop(broken.insert(key.clone())),
                }
            } else if SlotId::parse(key).is_none() && LedgerId::parse(key).is_none() {
                repair.failed.push(format!("{key}: {why}"));
            }
        }
        repair.lacking.extend(broken.iter().cloned());
        repair.broken = Mutex::new(broken);
        Ok(repair)
    }

    /// Tells whether nothing of a slot is used.
    pub(super) fn is_broken(&self, key: &str) -> bool {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }

    /// Notes that a slot was written.
    pub(super) fn wrote(&self, key: &str) {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// Returns what still cannot be read, or lacks something, once all was done, in words; without what `told` names.
///
/// # Errors
/// Where the lake cannot be listed.
pub(super) async fn left(
    store: &Arc<dyn LakeStore>,
    numbers: &[u16],
    told: &[String],
) -> Result<Vec<String>, LakeError> {
    let status = LakeStatus::read(store).await?;
    let is_own = |key: &str| SlotId::parse(key).is_none_or(|id| numbers.contains(&id.number));
    let is_new = |key: &str| !told.iter().any(|told| told.contains(key));
    let left = status.unreadable.iter().filter(|(key, _)| is_own(key) && is_new(key));
    Ok(left.map(|(key, why)| format!("{key}: {why}")).collect())
}

async fn judged(store: &Arc<dyn LakeStore>, identity: &LakeIdentity, key: &str) -> Result<Verdict, LakeError> {
    let found = store.get(key).await.map_err(|fault| LakeError::fault(store.as_ref(), key, fault))?;
    let Some(stored) = found else { return Ok(Verdict::Fine) };
    let mark = identity.mark();
    let judged = spawn_blocking(move || verdict(stored.bytes, &mark)).await;
    Ok(judged.unwrap_or_else(|error| Verdict::Foreign(format!("looking at it was stopped: {error}"))))
}

fn verdict(bytes: Bytes, mark: &str) -> Verdict {
    let slot = match Slot::of(bytes) {
        Ok(slot) => slot,
        Err(error @ SlotError::Newer(_)) => return Verdict::Foreign(error.to_string()),
        Err(SlotError::Damaged(_)) => return Verdict::Broken,
    };
    if slot.footer.lake != mark {
        return Verdict::Foreign("it is of another lake".to_owned());
    }
    let Ok(sources) = slot.sources() else { return Verdict::Broken };
    match is_as_made(&slot) {
        // One of another version of the program is not known byte for byte.
        Ok(Some(true) | None) => Verdict::Fine,
        Ok(Some(false)) | Err(_) => Verdict::Altered(sources.iter().map(|(source, _)| source.clone()).collect()),
    }
}
