//! What earlier runs proved, kept in a file, so that an hourly run reads only what is new. Pure.
//!
//! The file bears a hash of its content and is refused when that does not fit. The hash shows accidents and careless
//! edits; who can write the file can also write a fitting hash, so keep it where the logs' writers cannot reach it.

use serde::{Deserialize, Serialize};

use crate::ids::TrailName;

use super::inflate::{hex, sha256};
use super::key::{DigestKey, Scope};
use super::verify::{Answer, Mark};

const FORMAT_VERSION: u32 = 1;

/// The marks of the chains of one store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checkpoint {
    /// The store that it is about.
    pub store: String,
    /// The newest digest of each chain up to which all is attested.
    pub marks: Vec<(Scope, Mark)>,
}

/// Says why a checkpoint cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCheckpoint {
    /// It is not of the form that this program writes.
    #[error("it is no checkpoint of this program: {0}")]
    Form(String),
    /// Its hash does not fit.
    #[error("its hash does not fit its content; delete it to start with a full run")]
    Changed,
    /// It is about something else.
    #[error("it is about {of}, not about {asked}; delete it to start with a full run")]
    OtherStore {
        /// What it is about.
        of: String,
        /// What was asked for.
        asked: String,
    },
}

#[derive(Serialize, Deserialize)]
struct File {
    format_version: u32,
    store: String,
    chains: Vec<Entry>,
    sha256: String,
}

#[derive(Serialize, Deserialize, Clone)]
struct Entry {
    digest: String,
    bucket: String,
    end: jiff::Timestamp,
    sha256: String,
    signature: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delivered: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    succeeded_by: Option<TrailName>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    recent: Vec<String>,
}

impl Checkpoint {
    /// Reads a checkpoint of a store.
    ///
    /// # Errors
    /// When the text is no checkpoint, was changed, or is about another store.
    pub fn parse(text: &str, store: &str) -> Result<Self, BadCheckpoint> {
        let checkpoint = Self::parse_any(text)?;
        if checkpoint.store != store {
            return Err(BadCheckpoint::OtherStore { of: checkpoint.store, asked: store.to_owned() });
        }
        Ok(checkpoint)
    }

    /// Reads a checkpoint, whatever it is about.
    ///
    /// # Errors
    /// When the text is no checkpoint, or was changed.
    pub fn parse_any(text: &str) -> Result<Self, BadCheckpoint> {
        let file: File = serde_json::from_str(text).map_err(|e| BadCheckpoint::Form(e.to_string()))?;
        if file.format_version != FORMAT_VERSION {
            return Err(BadCheckpoint::Form(format!("format version {}", file.format_version)));
        }
        if content_hash(&file.store, &file.chains) != file.sha256 {
            return Err(BadCheckpoint::Changed);
        }
        let marks = file.chains.into_iter().map(Entry::mark).collect::<Result<_, _>>()?;
        Ok(Self { store: file.store, marks })
    }

    /// Returns the text of the checkpoint's file.
    pub fn text(&self) -> String {
        let entry = |(_, mark): &(Scope, Mark)| Entry {
            digest: mark.object.clone(),
            bucket: mark.bucket.clone(),
            end: mark.end,
            sha256: mark.sha256.clone(),
            signature: mark.signature.clone(),
            delivered: mark.delivered.clone(),
            succeeded_by: mark.succeeded_by.clone(),
            recent: mark.recent.clone(),
        };
        let chains: Vec<Entry> = self.marks.iter().map(entry).collect();
        let sha256 = content_hash(&self.store, &chains);
        let file = File { format_version: FORMAT_VERSION, store: self.store.clone(), chains, sha256 };
        format!("{:#}\n", serde_json::json!(file))
    }

    /// Takes over what a run proved. A chain that the run did not get further with keeps its mark.
    pub fn advance(&mut self, answer: &Answer) {
        self.store.clone_from(&answer.store);
        for chain in &answer.chains {
            let Some(mark) = &chain.attested_to else { continue };
            let of = chain_of(mark);
            self.marks.retain(|(scope, old)| !chain.scopes.contains(scope) || chain_of(old) != of);
            let scope = DigestKey::parse(&mark.object).map_or_else(|| chain.scope.clone(), |key| key.scope);
            self.marks.push((scope, mark.clone()));
        }
        self.marks.sort_by(|a, b| a.1.object.cmp(&b.1.object));
    }
}

impl Entry {
    fn mark(self) -> Result<(Scope, Mark), BadCheckpoint> {
        let form = || BadCheckpoint::Form(format!("{} is no digest", self.digest));
        let key = DigestKey::parse(&self.digest).ok_or_else(form)?;
        let Entry { digest: object, bucket, end, sha256, signature, delivered, succeeded_by, recent } = self;
        Ok((key.scope, Mark { object, delivered, bucket, end, sha256, signature, succeeded_by, recent }))
    }
}

/// Returns what tells a mark's chain from another one in the same scope.
fn chain_of(mark: &Mark) -> Option<(crate::ids::TrailName, crate::ids::Region)> {
    DigestKey::parse(&mark.object).map(|key| (key.trail, key.home))
}

fn content_hash(store: &str, chains: &[Entry]) -> String {
    hex(&sha256(serde_json::json!([FORMAT_VERSION, store, chains]).to_string().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let object = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/20/\
                      111122223333_CloudTrail-Digest_us-east-1_org-trail_us-east-1_20261120T100000Z.json.gz";
        let key = DigestKey::parse(object).unwrap();
        let mark = Mark {
            object: object.into(),
            bucket: "b".into(),
            end: key.end,
            sha256: "00".repeat(32),
            signature: Some("ab".into()),
            delivered: None,
            succeeded_by: None,
            recent: vec![],
        };
        Checkpoint { store: "s3://b".into(), marks: vec![(key.scope, mark)] }
    }

    #[test]
    fn it_survives_its_file_and_shows_a_change() {
        let text = checkpoint().text();
        assert_eq!(Checkpoint::parse(&text, "s3://b").unwrap(), checkpoint());
        let changed = text.replace("T10:00:00Z", "T11:00:00Z");
        assert_eq!(Checkpoint::parse(&changed, "s3://b"), Err(BadCheckpoint::Changed));
        assert!(matches!(Checkpoint::parse(&text, "s3://c"), Err(BadCheckpoint::OtherStore { .. })));
        assert!(matches!(Checkpoint::parse("{}", "s3://b"), Err(BadCheckpoint::Form(_))));
    }
}
