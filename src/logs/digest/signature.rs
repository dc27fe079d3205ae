//! The signature of a digest: what is signed, and whether a signature is CloudTrail's.
//!
//! The signed text is the end of the hour, the digest's place, the hash of its inflated bytes and the predecessor's
//! signature, each on a line; the separator is `\n` whatever the system (the Java sample's `%n` is wrong on Windows).

use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use super::document::Digest;
use super::keys::PublicKey;
use crate::archive::inflate::{Sha256, hex, unhex};

/// The only algorithm that CloudTrail signs with. Anything else in a digest or its metadata is not CloudTrail's.
pub const ALGORITHM: &str = "SHA256withRSA";

/// What stands for the predecessor's signature in a digest that has none.
const NO_PREDECESSOR: &str = "null";

/// Returns the text that CloudTrail signs for a digest whose inflated bytes hash to `sha256`.
pub fn signed_text(digest: &Digest, sha256: &Sha256) -> String {
    let previous = digest.previous.as_ref().map_or(NO_PREDECESSOR, |previous| previous.signature.as_str());
    format!("{}\n{}/{}\n{}\n{previous}", digest.end_text, digest.bucket, digest.object, hex(sha256))
}

/// Tells whether a hexadecimal signature over a text was made with the private half of a key.
pub fn is_signed(text: &str, signature: &str, key: &PublicKey) -> bool {
    let Some(signature) = unhex(signature) else { return false };
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.pkcs1()).verify(text.as_bytes(), &signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::inflate::sha256;
    use crate::logs::digest::keys::KeyRing;

    const EXAMPLE: &str = include_str!("../../../tests/data/logs/aws-documentation/digest.json");
    const KEYS: &str = include_str!("../../../tests/data/logs/aws-documentation/keys.json");

    #[test]
    fn the_signed_text_has_the_form_of_the_documentation() {
        let digest = Digest::parse(EXAMPLE.as_bytes()).unwrap();
        let text = signed_text(&digest, &sha256(EXAMPLE.as_bytes()));
        let lines: Vec<&str> = text.split('\n').collect();
        let previous = digest.previous.unwrap().signature;
        assert_eq!(
            lines,
            [
                "2015-08-17T15:01:31Z",
                "S3-bucket-name/AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2015/08/17/\
                 111122223333_CloudTrail-Digest_us-east-2_your-trail-name_us-east-2_20150817T150131Z.json.gz",
                hex(&sha256(EXAMPLE.as_bytes())).as_str(),
                previous.as_str(),
            ]
        );
    }

    #[test]
    fn the_first_digest_signs_null_for_its_predecessor() {
        let mut digest = Digest::parse(EXAMPLE.as_bytes()).unwrap();
        digest.previous = None;
        assert!(signed_text(&digest, &[0; 32]).ends_with("\nnull"));
    }

    #[test]
    fn a_signature_over_another_text_is_refused() {
        let ring = KeyRing::parse(KEYS).unwrap();
        let region = "us-east-2".parse().unwrap();
        let mut digest = Digest::parse(EXAMPLE.as_bytes()).unwrap();
        let key = ring.get(&region, &digest.key_fingerprint).unwrap();
        let signature = digest.previous.take().unwrap().signature;
        assert!(!is_signed(&signed_text(&digest, &[0; 32]), &signature, key));
        assert!(!is_signed("text", "not hexadecimal", key));
    }
}
