//! `lake.json`: what a lake is and stays. It is written once, and read before anything else.

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::layout::{Grain, SLOTS_MAX};
use super::store::{Condition, LakeStore, Written};
use orgtrail_archive::archive::Fault;

/// The name of the file.
pub const LAKE_FILE: &str = "lake.json";
/// The format that this program writes and reads. Another number is another way to lay out a lake.
pub const FORMAT: u32 = 1;

/// What a lake is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LakeIdentity {
    /// The number of the format: [`FORMAT`].
    pub format: u32,
    /// The organization whose logs it holds. `None`: logs of accounts by themselves.
    pub organization: Option<String>,
    /// How long the time of a slot is.
    pub grain: Grain,
    /// How many slots each day or hour has: the accounts are spread over them.
    pub slots: u16,
}

/// Why a place is no lake that can be used.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// It could not be read or written.
    #[error("{place}: {source}")]
    Fault {
        /// The place and the file.
        place: String,
        /// Why.
        source: Fault,
    },
    /// There is no lake.
    #[error("{0} is no lake: it has no {LAKE_FILE}")]
    Absent(String),
    /// `lake.json` cannot be read.
    #[error("{place}: {LAKE_FILE} cannot be read: {why}")]
    Unreadable {
        /// The place.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// It was written by a newer program.
    #[error("{place} is a lake of format {found}, and this program knows format {FORMAT}")]
    Newer {
        /// The place.
        place: String,
        /// Its format.
        found: u32,
    },
    /// It holds the logs of another organization.
    #[error("{place} is a lake of {}, and these are logs of {}", named(.found), named(.sought))]
    Foreign {
        /// The place.
        place: String,
        /// Whose it is.
        found: Option<String>,
        /// Whose logs were to be put in or looked for.
        sought: Option<String>,
    },
    /// It was made with another grain or number of slots than was asked for.
    #[error("{place} has the grain {found_grain} and {found_slots} slots, which cannot be changed")]
    Shape {
        /// The place.
        place: String,
        /// Its grain.
        found_grain: Grain,
        /// Its number of slots.
        found_slots: u16,
    },
    /// The store writes whether or not the condition holds.
    #[error("{0} ignores the conditions of writes, so that two writers would undo each other's work")]
    Unconditional(String),
    /// A file of the lake is not what it should be.
    #[error("{place}: {key}: {why}")]
    Damaged {
        /// The place.
        place: String,
        /// The file.
        key: String,
        /// What is wrong.
        why: String,
    },
    /// Others wrote all the time.
    #[error("{place}: {key}: other writers were quicker {times} times")]
    Contended {
        /// The place.
        place: String,
        /// The file.
        key: String,
        /// How often it was tried.
        times: u32,
    },
}

fn named(organization: &Option<String>) -> String {
    organization
        .as_ref()
        .map_or_else(|| "accounts without an organization".to_owned(), |id| format!("organization {id}"))
}

impl LakeError {
    /// Returns what a person can do next. `None`: nothing that is known.
    pub fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::Absent(_) => {
                "`orgtrail lake update` makes one; name the bucket and prefix, or the folder, that it lies in"
            }
            Self::Newer { .. } => "use the version of orgtrail that wrote it, or a newer one",
            Self::Foreign { .. } => "name another place for the lake: one lake holds one organization",
            Self::Shape { .. } => "leave --grain and --slots out, or make another lake in another place",
            Self::Unconditional(_) => "put the lake into Amazon S3 or into a folder",
            Self::Damaged { .. } => {
                "nothing was changed; `orgtrail lake update --repair` makes a damaged slot or ledger anew from its log files; of \
                 another file bring an earlier version back, or make the lake anew in another place"
            }
            Self::Contended { .. } => "run it again; give each of several writers a shard of its own (--shard)",
            Self::Fault { .. } | Self::Unreadable { .. } => return None,
        })
    }

    /// Returns the error of a store.
    pub(super) fn fault(store: &dyn LakeStore, key: &str, source: Fault) -> Self {
        let name = store.name();
        let slash = if name.ends_with('/') { "" } else { "/" };
        Self::Fault { place: format!("{name}{slash}{key}"), source }
    }
}

impl LakeIdentity {
    /// Reads the identity of a lake.
    ///
    /// # Errors
    /// Where there is no lake, or none that this program knows.
    pub async fn read(store: &dyn LakeStore) -> Result<Self, LakeError> {
        let found = store.get(LAKE_FILE).await.map_err(|fault| LakeError::fault(store, LAKE_FILE, fault))?;
        let Some(stored) = found else { return Err(LakeError::Absent(store.name())) };
        Self::parse(store, &stored.bytes)
    }

    fn parse(store: &dyn LakeStore, bytes: &[u8]) -> Result<Self, LakeError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let bad = |why: String| LakeError::Unreadable { place: store.name(), why };
        // The format first: a newer one may say other things.
        let Format { format } = serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
        if format != FORMAT {
            return Err(LakeError::Newer { place: store.name(), found: format });
        }
        let identity: Self = serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
        if identity.slots == 0 || identity.slots > SLOTS_MAX {
            return Err(bad(format!("it names {} slots, and there are 1 to {SLOTS_MAX}", identity.slots)));
        }
        Ok(identity)
    }

    /// Reads the identity of a lake, or makes the lake; makes sure that the store keeps the conditions of writes.
    /// `grain` and `slots` that are none take those of the lake, or the given ones of `new`.
    ///
    /// # Errors
    /// Where the lake is another one than this, or none that this program knows, or writes cannot be relied on.
    pub async fn ensure(store: &dyn LakeStore, asked: &LakeAsked) -> Result<Self, LakeError> {
        let failed = |fault| LakeError::fault(store, LAKE_FILE, fault);
        let found = store.get(LAKE_FILE).await.map_err(failed)?;
        let (identity, bytes) = match found {
            Some(stored) => (Self::parse(store, &stored.bytes)?, stored.bytes),
            None => {
                let new = asked.identity();
                let bytes = Bytes::from(new.text());
                match store.put(LAKE_FILE, bytes.clone(), &Condition::Absent).await.map_err(failed)? {
                    Written::Done => (new, bytes),
                    // Another writer made it.
                    Written::Lost => {
                        let stored = store.get(LAKE_FILE).await.map_err(failed)?;
                        let stored = stored.ok_or_else(|| LakeError::Absent(store.name()))?;
                        (Self::parse(store, &stored.bytes)?, stored.bytes)
                    }
                }
            }
        };
        identity.must_be(store, asked)?;
        // The same bytes: where the store writes all the same, it changes nothing.
        for condition in [Condition::Absent, Condition::Version("\"00000000000000000000000000000000\"".to_owned())] {
            if store.put(LAKE_FILE, bytes.clone(), &condition).await.map_err(failed)? == Written::Done {
                return Err(LakeError::Unconditional(store.name()));
            }
        }
        Ok(identity)
    }

    /// Returns how the files of a lake name it: none of another organization, grain or number of slots belongs to it.
    pub fn mark(&self) -> String {
        let Self { format: _, organization, grain, slots } = self;
        format!("{} {grain} {slots}", organization.as_deref().unwrap_or("-"))
    }

    /// Tells whether a file belongs to this lake, by the mark that it has.
    ///
    /// # Errors
    /// In words, where it does not.
    pub(super) fn must_have(&self, mark: &str) -> Result<(), String> {
        must_be_of(&self.mark(), mark)
    }

    fn must_be(&self, store: &dyn LakeStore, asked: &LakeAsked) -> Result<(), LakeError> {
        if self.organization != asked.organization {
            let (found, sought) = (self.organization.clone(), asked.organization.clone());
            return Err(LakeError::Foreign { place: store.name(), found, sought });
        }
        let is_other = asked.grain.is_some_and(|grain| grain != self.grain)
            || asked.slots.is_some_and(|slots| slots != self.slots);
        if is_other {
            let (found_grain, found_slots) = (self.grain, self.slots);
            return Err(LakeError::Shape { place: store.name(), found_grain, found_slots });
        }
        Ok(())
    }

    fn text(&self) -> String {
        // A structure of texts and numbers always has a text.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

/// Characters of a mark that are shown: a file may say anything.
const MARK_CHARACTERS_MAX: usize = 80;

/// Tells whether a file of one mark belongs to the lake of another one: `own`.
///
/// # Errors
/// In words, where it does not.
pub(super) fn must_be_of(own: &str, mark: &str) -> Result<(), String> {
    let shown = mark.chars().take(MARK_CHARACTERS_MAX).collect::<String>();
    match mark == own {
        true => Ok(()),
        false => Err(format!("it is of another lake: of \"{shown}\" (organization, grain, slots), not of \"{own}\"")),
    }
}

/// Which lake is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LakeAsked {
    /// The organization whose logs are to be put in. `None`: logs of accounts by themselves.
    pub organization: Option<String>,
    /// The grain. `None`: that of the lake; of a new one a day.
    pub grain: Option<Grain>,
    /// The number of slots. `None`: that of the lake; of a new one [`SLOTS`].
    pub slots: Option<u16>,
}

/// How many slots a day or an hour has in a new lake unless the user says otherwise: a few megabytes each for a hundred
/// accounts, and work for some cores.
pub const SLOTS: u16 = 4;

impl LakeAsked {
    fn identity(&self) -> LakeIdentity {
        let (grain, slots) = (self.grain.unwrap_or(Grain::Day), self.slots.unwrap_or(SLOTS));
        LakeIdentity {
            format: FORMAT,
            organization: self.organization.clone(),
            grain,
            slots: slots.clamp(1, SLOTS_MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::folder::FolderLake;
    use super::*;

    fn asked(organization: &str) -> LakeAsked {
        LakeAsked { organization: Some(organization.to_owned()), ..LakeAsked::default() }
    }

    #[tokio::test]
    async fn a_lake_stays_what_it_is() {
        let root = tempfile::tempdir().unwrap();
        let lake = FolderLake::new(root.path());
        assert!(matches!(LakeIdentity::read(&lake).await, Err(LakeError::Absent(_))));
        let made = LakeIdentity::ensure(&lake, &asked("o-aaaa")).await.unwrap();
        assert_eq!((made.grain, made.slots), (Grain::Day, SLOTS));
        assert_eq!(LakeIdentity::ensure(&lake, &asked("o-aaaa")).await.unwrap(), made);
        assert_eq!(LakeIdentity::read(&lake).await.unwrap(), made);
        for other in [asked("o-bbbb"), LakeAsked::default()] {
            assert!(matches!(LakeIdentity::ensure(&lake, &other).await, Err(LakeError::Foreign { .. })));
        }
        for other in
            [LakeAsked { slots: Some(5), ..asked("o-aaaa") }, LakeAsked { grain: Some(Grain::Hour), ..asked("o-aaaa") }]
        {
            assert!(matches!(LakeIdentity::ensure(&lake, &other).await, Err(LakeError::Shape { .. })));
        }
    }

    #[tokio::test]
    async fn a_lake_of_another_format_and_a_damaged_one_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let lake = FolderLake::new(root.path());
        let path = root.path().join(LAKE_FILE);
        std::fs::write(&path, r#"{"format":2,"slots":"many"}"#).unwrap();
        assert!(matches!(LakeIdentity::read(&lake).await, Err(LakeError::Newer { found: 2, .. })));
        for text in ["", "{}", "x", r#"{"format":1,"organization":null,"grain":"day","slots":0}"#, r#"{"format":1}"#] {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(LakeIdentity::ensure(&lake, &asked("o-aaaa")).await, Err(LakeError::Unreadable { .. })));
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "nothing was changed");
        }
    }
}
