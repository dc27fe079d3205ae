//! The evidence bundle that a run writes. It bears its name only when it is whole: a run that is killed, refused or out
//! of space leaves an earlier bundle as it was, and of two runs at once the later one's is whole.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{LazyConnection, LogSourceError, LogSources, LogsError};
use crate::archive::inflate::hex;
use crate::files::{self, NewFile, Readers, is_same};
use crate::logs::bundle::signature::{self, Signed};
use crate::logs::bundle::{BundleWriter, Header, RecordingStore};
use crate::logs::digest::keys::KeyRing;
use crate::logs::verify::{Source, Verification, VerifyRequest};
use crate::report::logs::model::Proof;

/// The bundle of a run, while it is written.
pub struct Evidence {
    writer: Arc<BundleWriter>,
    file: PathBuf,
    new: NewFile,
}

impl Evidence {
    /// Starts the bundle, if a file for one is named, and returns the places that note in it what they answer.
    ///
    /// # Errors
    /// When the file cannot be made, or is what is proved.
    pub fn start(
        file: Option<&PathBuf>,
        named: &[String],
        places: &LogSources,
        request: &VerifyRequest,
    ) -> Result<(Vec<Source>, Option<Self>), LogsError> {
        let Some(file) = file else { return Ok((places.sources(), None)) };
        let is_place = |name: &String| is_same(Path::new(name), file);
        if named.iter().any(is_place) {
            return Err(LogsError::BundleOverPlace { file: file.clone() });
        }
        let fault = |source| LogsError::File { file: file.clone(), source };
        let new = NewFile::at(file, Readers::Umask).map_err(fault)?;
        let out = new.as_file().try_clone().map_err(fault)?;
        let sources = places.sources();
        let writer = BundleWriter::new(Box::new(io::BufWriter::new(out)), Header::new(&sources, request));
        let record = |(at, source): (usize, Source)| Source {
            store: Arc::new(RecordingStore::new(source.store, at, Arc::clone(&writer))),
            prefix: source.prefix,
        };
        let sources = sources.into_iter().enumerate().map(record).collect();
        Ok((sources, Some(Self { writer, file: file.clone(), new })))
    }

    /// Ends the bundle with the keys, the report and the signature, and gives it its name.
    ///
    /// # Errors
    /// When it cannot be signed or written.
    pub async fn finish(
        self,
        sign: Option<&String>,
        keys: &KeyRing,
        answer: &Verification,
        aws: &LazyConnection,
    ) -> Result<(), LogsError> {
        let Self { writer, file, new } = self;
        let fault = |source| LogsError::File { file: file.clone(), source };
        let sha256 = writer.finish(keys, serde_json::json!(Proof::of(answer))).map_err(fault)?;
        let signed = match sign {
            Some(arn) if arn.starts_with("arn:") => {
                let text = signature::signed_text(&sha256);
                let signed = aws.connection().await.map_err(LogSourceError::from)?.sign(arn, &text).await;
                let (algorithm, value) = signed.map_err(|source| LogsError::NotSigned { key: arn.clone(), source })?;
                Some(Signed { algorithm, by: arn.clone(), value: hex(&value) })
            }
            Some(key) => Some(signature::sign(&sha256, &read_key(key)?).map_err(LogsError::Signature)?),
            None => None,
        };
        writer.close(signed).map_err(fault)?;
        new.finish().map_err(fault)
    }
}

/// Tells that the key with which the evidence is to be signed can sign, before the proof begins.
///
/// # Errors
/// When the key cannot be read, is of no known kind, or KMS refuses.
pub async fn check_key(sign: Option<&String>, aws: &LazyConnection) -> Result<(), LogsError> {
    match sign {
        Some(arn) if arn.starts_with("arn:") => {
            let can_sign = aws.connection().await.map_err(LogSourceError::from)?.can_sign(arn).await;
            can_sign.map_err(|source| LogsError::NotSigned { key: arn.clone(), source })
        }
        Some(key) => signature::sign("", &read_key(key)?).map(drop).map_err(LogsError::Signature),
        None => Ok(()),
    }
}

fn read_key(file: &str) -> Result<Vec<u8>, LogsError> {
    files::read(Path::new(file), files::BYTES_MAX).map_err(|source| LogsError::File { file: file.into(), source })
}
