//! The signature over a bundle's hash, by a key file of the maker's: Ed25519, ECDSA P-256 or RSA. Pure.
//!
//! Keys are PEM or DER: private ones PKCS#8 (RFC 5958), public ones SubjectPublicKeyInfo (RFC 5280), as `openssl` and
//! KMS give them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};

use crate::archive::inflate::{hex, sha256, unhex};
use crate::logs::digest::keys::unwrap_spki;

/// A signature over a bundle's hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// `Ed25519`, `ECDSA_SHA_256` or `RSASSA_PKCS1_V1_5_SHA_256`.
    pub algorithm: String,
    /// The signer: an ARN of KMS, or the SHA-256 of the public key.
    pub by: String,
    /// The signature, in hexadecimal.
    pub value: String,
}

const ED: &str = "Ed25519";
const EC: &str = "ECDSA_SHA_256";
const RSA: &str = "RSASSA_PKCS1_V1_5_SHA_256";
/// Object identifiers in the SubjectPublicKeyInfo: `id-Ed25519` (RFC 8410) and `prime256v1` (RFC 5480).
const ED_OID: [u8; 5] = [6, 3, 0x2b, 0x65, 0x70];
const EC_OID: [u8; 10] = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];

/// Returns the text that is signed for a bundle of a hash: the hash alone could be that of anything.
pub fn signed_text(bundle_sha256: &str) -> String {
    format!("orgtrail evidence bundle\n{bundle_sha256}\n")
}

/// Signs a bundle's hash with a private key.
///
/// # Errors
/// A sentence when the key is of no known kind.
pub fn sign(bundle_sha256: &str, private_key: &[u8]) -> Result<Signed, String> {
    let text = signed_text(bundle_sha256);
    let der = der(private_key);
    let random = SystemRandom::new();
    let signed = |algorithm: &str, public: &[u8], value: &[u8]| Signed {
        algorithm: algorithm.into(),
        by: format!("key sha256:{}", hex(&sha256(public))),
        value: hex(value),
    };
    if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der) {
        return Ok(signed(ED, pair.public_key().as_ref(), pair.sign(text.as_bytes()).as_ref()));
    }
    let failed = |_| "the key could not sign".to_owned();
    if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der, &random) {
        let value = pair.sign(&random, text.as_bytes()).map_err(failed)?;
        return Ok(signed(EC, pair.public_key().as_ref(), value.as_ref()));
    }
    if let Ok(pair) = RsaKeyPair::from_pkcs8(&der) {
        let mut value = vec![0; pair.public().modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut value).map_err(failed)?;
        return Ok(signed(RSA, pair.public().as_ref(), &value));
    }
    Err("the signing key is no PKCS#8 key of Ed25519, ECDSA P-256 or RSA (2,048 bits or more)".into())
}

/// Tells whether a signature over a bundle's hash was made with the private half of a public key.
pub fn is_signed_by(bundle_sha256: &str, signed: &Signed, public_key: &[u8]) -> bool {
    let der = der(public_key);
    let Some(value) = unhex(&signed.value) else { return false };
    let text = signed_text(bundle_sha256);
    let end = |count: usize| der.len().checked_sub(count).and_then(|at| der.get(at..)).unwrap_or_default();
    let has = |oid: &[u8]| der.windows(oid.len()).take(24).any(|part| part == oid);
    let holds = |algorithm: &'static dyn ring::signature::VerificationAlgorithm, key: &[u8]| {
        UnparsedPublicKey::new(algorithm, key).verify(text.as_bytes(), &value).is_ok()
    };
    match signed.algorithm.as_str() {
        ED => has(&ED_OID) && holds(&ED25519, end(32)),
        EC => has(&EC_OID) && holds(&ECDSA_P256_SHA256_ASN1, end(65)),
        RSA => holds(&RSA_PKCS1_2048_8192_SHA256, unwrap_spki(&der).unwrap_or(&der)),
        _ => false,
    }
}

/// Tells whether bytes can be a public key: a DER sequence of just their length, in PEM or not.
pub fn is_public_key(key: &[u8]) -> bool {
    let der = der(key);
    let (header, length) = match der.get(1..4) {
        Some([short, ..]) if *short < 0x80 => (2, usize::from(*short)),
        Some([0x81, length, _]) => (3, usize::from(*length)),
        Some([0x82, high, low]) => (4, usize::from(u16::from_be_bytes([*high, *low]))),
        _ => return false,
    };
    der.first() == Some(&0x30) && der.len() == header + length
}

/// Returns the DER bytes of a key in PEM or DER.
fn der(key: &[u8]) -> Vec<u8> {
    let pem = std::str::from_utf8(key).ok().filter(|text| text.contains("-----BEGIN"));
    let body = pem.map(|text| {
        let lines = text.lines().skip_while(|line| !line.starts_with("-----BEGIN")).skip(1);
        lines.take_while(|line| !line.starts_with("-----END")).map(str::trim).collect::<String>()
    });
    body.and_then(|body| STANDARD.decode(body).ok()).unwrap_or_else(|| key.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "00ff";

    /// The SubjectPublicKeyInfo of a raw public key.
    fn spki(algorithm: &[u8], raw: &[u8]) -> Vec<u8> {
        let bits = [&[3, raw.len() as u8 + 1, 0][..], raw].concat();
        let inner = [&[0x30, algorithm.len() as u8][..], algorithm, &bits].concat();
        [&[0x30, inner.len() as u8][..], &inner].concat()
    }

    #[test]
    fn a_bundle_is_signed_with_each_kind_of_key_and_shows_another_hash_or_key() {
        let random = SystemRandom::new();
        let ed = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let ed_public = spki(&ED_OID, Ed25519KeyPair::from_pkcs8(ed.as_ref()).unwrap().public_key().as_ref());
        let ec = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, ec.as_ref(), &random).unwrap();
        let ec_public =
            spki(&[&[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1], &EC_OID[..]].concat(), pair.public_key().as_ref());
        let rsa = include_bytes!("../../../tests/data/logs/signing-keys/test-1.pkcs8.der");
        let rsa_public = RsaKeyPair::from_pkcs8(rsa).unwrap().public().as_ref().to_vec();
        let keys = [(ed.as_ref(), &ed_public), (ec.as_ref(), &ec_public), (rsa.as_slice(), &rsa_public)];
        for (private, public) in keys {
            let signed = sign(HASH, private).unwrap();
            assert!(is_signed_by(HASH, &signed, public) && is_public_key(public), "{signed:?}");
            let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(public));
            assert!(is_signed_by(HASH, &signed, pem.as_bytes()), "{signed:?}");
            assert!(!is_signed_by("00fe", &signed, public), "another bundle");
            for (_, other) in keys.iter().filter(|(_, other)| *other != public) {
                assert!(!is_signed_by(HASH, &signed, other), "another key");
            }
        }
        assert!(sign(HASH, b"nothing").is_err());
        assert!(!is_public_key(b"nothing") && !is_public_key(b"") && !is_public_key(&ed_public[..20]));
    }
}
