//! The snapshot file: an organization and its estate, versioned, the same bytes for the same content.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Estate;
use crate::organization::Organization;

/// The version of the format that this program writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// What a snapshot says of an address that it does not contain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Completeness {
    /// Nothing: when it was recorded, it was not read.
    #[default]
    AsRecorded,
    /// That nothing is there: it is a whole world of its own, made by hand or by this program.
    Whole,
}

/// What AWS had at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The version of the program that wrote it.
    pub tool_version: String,
    /// What is known of an address that is not in it.
    #[serde(default)]
    pub completeness: Completeness,
    /// The accounts and units, in their own fields.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub organization: Organization,
    /// The resources by account and address, each in its own fields, and what could not be read.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub estate: Estate,
}

/// Says why a text is not a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum BadSnapshot {
    /// It is not JSON, or is cut off.
    #[error("it is not a snapshot: {0}")]
    NotASnapshot(#[from] serde_json::Error),
    /// Another version of this program wrote it.
    #[error(
        "it has format version {found}, this program reads {FORMAT_VERSION}; record it again with `orgtrail snapshot`"
    )]
    Version {
        /// The version in the file.
        found: u64,
    },
}

impl Snapshot {
    /// Puts a snapshot together of what was looked at.
    pub fn new(organization: Organization, estate: Estate) -> Self {
        let tool_version = env!("CARGO_PKG_VERSION").to_owned();
        let completeness = Completeness::AsRecorded;
        Self { format_version: FORMAT_VERSION, tool_version, completeness, organization, estate }
    }

    /// Puts a world together, in which nothing is but what the estate has.
    pub fn whole(organization: Organization, estate: Estate) -> Self {
        Self { completeness: Completeness::Whole, ..Self::new(organization, estate) }
    }

    /// Reads a snapshot from the text of its file.
    ///
    /// # Errors
    /// [`BadSnapshot`] for a text that is cut off, of another kind or of another version.
    pub fn parse(text: &str) -> Result<Self, BadSnapshot> {
        // The version first: a newer file may have fields that this program does not know.
        #[derive(Deserialize)]
        struct Version {
            format_version: u64,
        }
        let Version { format_version } = serde_json::from_str(text)?;
        if format_version != u64::from(FORMAT_VERSION) {
            return Err(BadSnapshot::Version { found: format_version });
        }
        Ok(serde_json::from_str(text)?)
    }

    /// Writes the snapshot.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: impl std::io::Write) -> std::io::Result<()> {
        let mut out = std::io::BufWriter::new(out);
        serde_json::to_writer_pretty(&mut out, self)?;
        std::io::Write::write_all(&mut out, b"\n")?;
        std::io::Write::flush(&mut out)
    }
}
