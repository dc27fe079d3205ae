//! The JSON of a digest, read strictly: a field that is given twice, or a half-given predecessor, is refused.

use jiff::Timestamp;
use serde::Deserialize;

use crate::archive::inflate::{Sha256, unhex};

/// What a digest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// The account whose log files it lists, as text: it is compared, never used.
    pub account: String,
    /// The start of the hour of delivery that it attests.
    pub start: Timestamp,
    /// The end of that hour.
    pub end: Timestamp,
    /// The end as written, which is what is signed.
    pub end_text: String,
    /// The bucket it was delivered to.
    pub bucket: String,
    /// The key it was delivered under.
    pub object: String,
    /// Which of CloudTrail's keys signed it: the fingerprint of the public key, in hexadecimal.
    pub key_fingerprint: String,
    /// How it was signed.
    pub signature_algorithm: String,
    /// The digest before it, none in the first one after logging or validation was turned on.
    pub previous: Option<Previous>,
    /// The log files that were delivered in the hour.
    pub log_files: Vec<DigestLogFile>,
}

/// What a digest says about the digest before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previous {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub object: String,
    /// The hash of its inflated bytes.
    pub sha256: Sha256,
    /// Its signature, as written.
    pub signature: String,
}

/// What a digest says about one log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestLogFile {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub object: String,
    /// The hash of its inflated bytes; none when it was made with an algorithm that we do not know.
    pub sha256: Option<Sha256>,
}

/// Says why bytes are no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the content is no digest of CloudTrail's: {0}")]
pub struct NotADigest(String);

const SHA_256: &str = "SHA-256";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    aws_account_id: String,
    digest_start_time: String,
    digest_end_time: String,
    #[serde(rename = "digestS3Bucket")]
    digest_s3_bucket: String,
    #[serde(rename = "digestS3Object")]
    digest_s3_object: String,
    // The table of the user guide calls it `publicKeyFingerprint`; the files do not.
    #[serde(alias = "publicKeyFingerprint")]
    digest_public_key_fingerprint: String,
    digest_signature_algorithm: String,
    #[serde(rename = "previousDigestS3Bucket")]
    previous_digest_s3_bucket: Option<String>,
    #[serde(rename = "previousDigestS3Object")]
    previous_digest_s3_object: Option<String>,
    previous_digest_hash_value: Option<String>,
    previous_digest_hash_algorithm: Option<String>,
    previous_digest_signature: Option<String>,
    log_files: Vec<RawLogFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawLogFile {
    #[serde(rename = "s3Bucket")]
    s3_bucket: String,
    #[serde(rename = "s3Object")]
    s3_object: String,
    hash_value: String,
    hash_algorithm: String,
}

impl Digest {
    /// Reads a digest from its inflated bytes.
    ///
    /// # Errors
    /// When the bytes are not JSON of a digest, with the reason.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotADigest> {
        let raw: Raw = serde_json::from_slice(bytes).map_err(|e| NotADigest(e.to_string()))?;
        let (start, end) = (time(&raw.digest_start_time)?, time(&raw.digest_end_time)?);
        if start >= end {
            return Err(NotADigest("its hour does not end after its start".into()));
        }
        let previous = raw.previous()?;
        Ok(Self {
            account: raw.aws_account_id,
            start,
            end,
            end_text: raw.digest_end_time,
            bucket: raw.digest_s3_bucket,
            object: raw.digest_s3_object,
            key_fingerprint: raw.digest_public_key_fingerprint,
            signature_algorithm: raw.digest_signature_algorithm,
            previous,
            log_files: raw.log_files.into_iter().map(RawLogFile::checked).collect::<Result<_, _>>()?,
        })
    }
}

impl Raw {
    /// Returns the predecessor: all five fields are given, or none.
    fn previous(&self) -> Result<Option<Previous>, NotADigest> {
        let fields = (
            &self.previous_digest_s3_bucket,
            &self.previous_digest_s3_object,
            &self.previous_digest_hash_value,
            &self.previous_digest_hash_algorithm,
            &self.previous_digest_signature,
        );
        match fields {
            (None, None, None, None, None) => Ok(None),
            (Some(bucket), Some(object), Some(value), Some(algorithm), Some(signature)) => {
                if algorithm != SHA_256 {
                    return Err(NotADigest(format!("the hash of its predecessor is not {SHA_256}")));
                }
                let sha256 = sha256(value)?;
                Ok(Some(Previous {
                    bucket: bucket.clone(),
                    object: object.clone(),
                    sha256,
                    signature: signature.clone(),
                }))
            }
            _ => Err(NotADigest("only some of the five fields about its predecessor are given".into())),
        }
    }
}

impl RawLogFile {
    fn checked(self) -> Result<DigestLogFile, NotADigest> {
        let sha256 = if self.hash_algorithm == SHA_256 { Some(sha256(&self.hash_value)?) } else { None };
        Ok(DigestLogFile { bucket: self.s3_bucket, object: self.s3_object, sha256 })
    }
}

fn time(text: &str) -> Result<Timestamp, NotADigest> {
    text.parse().map_err(|_| NotADigest(format!("{text:?} is no time")))
}

fn sha256(text: &str) -> Result<Sha256, NotADigest> {
    let bytes = unhex(text).and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| NotADigest(format!("{text:?} is no {SHA_256} value")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example of "CloudTrail digest file structure" in the CloudTrail user guide.
    const EXAMPLE: &str = include_str!("../../../tests/data/logs/aws-documentation/digest.json");

    #[test]
    fn the_example_of_the_documentation_is_read() {
        let digest = Digest::parse(EXAMPLE.as_bytes()).unwrap();
        assert_eq!(digest.account, "111122223333");
        assert_eq!(digest.end_text, "2015-08-17T15:01:31Z");
        assert_eq!(digest.key_fingerprint, "31e8b5433410dfb61a9dc45cc65b22ff");
        assert_eq!(digest.log_files.len(), 1);
        assert_eq!(digest.previous.unwrap().signature.len(), 512);
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let changed = |from: &str, to: &str| {
            let text = EXAMPLE.replacen(from, to, 1);
            assert_ne!(text, EXAMPLE, "{from}");
            Digest::parse(text.as_bytes()).unwrap_err().to_string()
        };
        assert!(changed("{", r#"{"digestS3Object":"x","#).contains("duplicate field"));
        let twice =
            changed("\"digestPublicKeyFingerprint\"", "\"publicKeyFingerprint\":\"x\",\"digestPublicKeyFingerprint\"");
        assert!(twice.contains("duplicate field"), "{twice}");
        let half = changed("\"previousDigestS3Bucket\": \"S3-bucket-name\"", "\"previousDigestS3Bucket\": null");
        assert!(half.contains("only some"), "{half}");
        assert!(changed("9bb6196f", "9bb6196").contains("SHA-256"));
        assert!(changed("2015-08-17T14:01:31Z", "2015-08-17T16:01:31Z").contains("does not end"));
    }

    #[test]
    fn a_first_digest_has_no_predecessor_and_an_idle_hour_no_log_files() {
        let mut json: serde_json::Value = serde_json::from_str(EXAMPLE).unwrap();
        for field in ["S3Bucket", "S3Object", "HashValue", "HashAlgorithm", "Signature"] {
            json[format!("previousDigest{field}")] = serde_json::Value::Null;
        }
        json["logFiles"] = serde_json::json!([]);
        json["newestEventTime"] = serde_json::Value::Null;
        let digest = Digest::parse(json.to_string().as_bytes()).unwrap();
        assert_eq!((digest.previous, digest.log_files), (None, vec![]));
    }

    #[test]
    fn an_unknown_hash_is_kept_as_unknown() {
        let text = EXAMPLE.replace("\"hashAlgorithm\": \"SHA-256\"", "\"hashAlgorithm\": \"SHA3-256\"");
        assert_eq!(Digest::parse(text.as_bytes()).unwrap().log_files[0].sha256, None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Digest::parse(&bytes).is_err());
        }

        #[test]
        fn a_digest_changed_in_one_byte_is_read_without_panic(at in 0..EXAMPLE.len(), to: u8) {
            let mut bytes = EXAMPLE.as_bytes().to_vec();
            bytes[at] = to;
            if let Ok(digest) = Digest::parse(&bytes) {
                prop_assert!(digest.start < digest.end);
            }
        }
    }
}
