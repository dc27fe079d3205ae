//! CloudTrail's public keys: read from `--keys FILE`, from the key ring file, or from the service; looked up by region
//! and fingerprint.
//!
//! A fingerprint is the MD5 of the key's DER bytes as served (undocumented, true for every published sample). MD5 is no
//! proof, so a fingerprint only finds a key; the signature alone proves.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::archive::inflate::{hex, sha256};
use crate::ids::Region;

/// The format of the key ring file.
const FORMAT_VERSION: u32 = 1;

/// One of CloudTrail's public keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The name under which digests refer to it.
    pub fingerprint: String,
    /// When CloudTrail began to sign with it, where known.
    pub valid_from: Option<Timestamp>,
    /// When CloudTrail stopped, where known.
    pub valid_to: Option<Timestamp>,
    der: Vec<u8>,
}

impl PublicKey {
    /// Returns a key from its DER bytes as served, PKCS#1 or SubjectPublicKeyInfo: the documentation promises the
    /// first, and its own sample holds one of the second.
    pub fn new(fingerprint: impl Into<String>, der: Vec<u8>) -> Self {
        Self { fingerprint: fingerprint.into(), valid_from: None, valid_to: None, der }
    }

    /// Returns the key with the time in which CloudTrail signs with it.
    pub fn valid(mut self, from: Option<Timestamp>, to: Option<Timestamp>) -> Self {
        (self.valid_from, self.valid_to) = (from, to);
        self
    }

    /// Returns the DER bytes as served.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Returns the PKCS#1 form of the key.
    pub fn pkcs1(&self) -> &[u8] {
        unwrap_spki(&self.der).unwrap_or(&self.der)
    }

    /// Tells whether the fingerprint is that of the bytes.
    pub fn has_own_fingerprint(&self) -> bool {
        hex(&Md5::digest(&self.der)).eq_ignore_ascii_case(&self.fingerprint)
    }
}

/// Every key that is known, by region and fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyRing {
    regions: BTreeMap<Region, BTreeMap<String, PublicKey>>,
}

/// Says why a file of keys cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKeys {
    /// It is not of the form of CloudTrail's answers by region.
    #[error("the file does not hold CloudTrail's public keys by region: {0}")]
    Form(String),
    /// It is a key ring that was changed by something else.
    #[error("the key ring's own hash does not fit its content; restore it, or delete it to start a new one")]
    Changed,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(alias = "publicKeyList")]
    public_key_list: Vec<Served>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Served {
    value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    validity_start_time: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    validity_end_time: Option<Value>,
    fingerprint: String,
}

#[derive(Serialize, Deserialize)]
struct RingFile {
    format_version: u32,
    regions: BTreeMap<Region, Answer>,
    sha256: String,
}

impl KeyRing {
    /// Reads CloudTrail's answers by region: `{"us-east-1":{"PublicKeyList":[…]}}`. Times may be texts or seconds.
    ///
    /// # Errors
    /// When the text has another form, with the reason.
    pub fn parse(text: &str) -> Result<Self, BadKeys> {
        let answers = serde_json::from_str(text).map_err(|e| BadKeys::Form(e.to_string()))?;
        Self::from_answers(answers)
    }

    /// Reads the text of a key ring file that [`KeyRing::file_text`] wrote.
    ///
    /// # Errors
    /// When the text has another form, or was changed since.
    pub fn parse_file(text: &str) -> Result<Self, BadKeys> {
        let file: RingFile = serde_json::from_str(text).map_err(|e| BadKeys::Form(e.to_string()))?;
        if file.format_version != FORMAT_VERSION {
            return Err(BadKeys::Form(format!("its format version is {}, not {FORMAT_VERSION}", file.format_version)));
        }
        let ring = Self::from_answers(file.regions)?;
        if ring.content_hash() != file.sha256 { Err(BadKeys::Changed) } else { Ok(ring) }
    }

    /// Returns the text of a key ring file, protected by a hash.
    pub fn file_text(&self) -> String {
        let file = RingFile { format_version: FORMAT_VERSION, regions: self.answers(), sha256: self.content_hash() };
        format!("{:#}\n", serde_json::json!(file))
    }

    /// Returns CloudTrail's answers by region, as [`KeyRing::parse`] reads them.
    pub fn answers_json(&self) -> Value {
        serde_json::json!(self.answers())
    }

    /// Adds a key. One that is known stays as it is.
    pub fn add(&mut self, region: &Region, key: PublicKey) {
        self.regions.entry(region.clone()).or_default().entry(key.fingerprint.clone()).or_insert(key);
    }

    /// Adds every key of another ring.
    pub fn merge(&mut self, other: &Self) {
        for (region, key) in other.iter() {
            self.add(region, key.clone());
        }
    }

    /// Returns the key of a region with a fingerprint.
    pub fn get(&self, region: &Region, fingerprint: &str) -> Option<&PublicKey> {
        self.regions.get(region)?.get(fingerprint)
    }

    /// Returns every key with its region, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Region, &PublicKey)> {
        self.regions.iter().flat_map(|(region, keys)| keys.values().map(move |key| (region, key)))
    }

    fn from_answers(answers: BTreeMap<Region, Answer>) -> Result<Self, BadKeys> {
        let mut ring = Self::default();
        for (region, answer) in answers {
            for served in answer.public_key_list {
                ring.add(&region, served.key()?);
            }
        }
        Ok(ring)
    }

    fn answers(&self) -> BTreeMap<Region, Answer> {
        let answer =
            |keys: &BTreeMap<String, PublicKey>| Answer { public_key_list: keys.values().map(serve).collect() };
        self.regions.iter().map(|(region, keys)| (region.clone(), answer(keys))).collect()
    }

    fn content_hash(&self) -> String {
        hex(&sha256(serde_json::json!(self.answers()).to_string().as_bytes()))
    }
}

fn serve(key: &PublicKey) -> Served {
    let time = |time: Option<Timestamp>| time.map(|time| Value::String(time.to_string()));
    Served {
        value: STANDARD.encode(&key.der),
        validity_start_time: time(key.valid_from),
        validity_end_time: time(key.valid_to),
        fingerprint: key.fingerprint.clone(),
    }
}

impl Served {
    fn key(self) -> Result<PublicKey, BadKeys> {
        let form = |what: &str| BadKeys::Form(format!("the {what} of key {:?} cannot be read", self.fingerprint));
        let der = STANDARD.decode(self.value.trim()).map_err(|_| form("base64 value"))?;
        let time = |value: &Option<Value>, what| match value {
            None | Some(Value::Null) => Ok(None),
            Some(value) => read_time(value).map(Some).ok_or_else(|| form(what)),
        };
        let (from, to) = (time(&self.validity_start_time, "start")?, time(&self.validity_end_time, "end")?);
        Ok(PublicKey::new(self.fingerprint.clone(), der).valid(from, to))
    }
}

/// Reads a time as the service, the command line tool or a person writes it: seconds, seconds as text, or RFC 3339.
fn read_time(value: &Value) -> Option<Timestamp> {
    let seconds = |seconds: f64| Timestamp::from_duration(jiff::SignedDuration::try_from_secs_f64(seconds).ok()?).ok();
    match value {
        Value::Number(number) => seconds(number.as_f64()?),
        Value::String(text) => text.parse().ok().or_else(|| seconds(text.parse().ok()?)),
        _ => None,
    }
}

/// Returns the PKCS#1 key inside a SubjectPublicKeyInfo of an RSA key (RFC 5280, section 4.1; RFC 8017, appendix A.1).
pub(crate) fn unwrap_spki(der: &[u8]) -> Option<&[u8]> {
    /// `SEQUENCE { OBJECT IDENTIFIER rsaEncryption, NULL }`
    const RSA_ENCRYPTION: [u8; 15] = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    let (outer, _) = take_der(der, 0x30)?;
    let (bits, _) = take_der(outer.strip_prefix(&RSA_ENCRYPTION)?, 0x03)?;
    // The first byte of a bit string counts its unused bits.
    bits.strip_prefix(&[0])
}

/// Takes the content of a DER value with a tag, and what follows it.
fn take_der(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = bytes.strip_prefix(&[tag])?.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAMPLE: &str = include_str!("../../../tests/data/logs/aws-documentation/keys.json");

    fn region() -> Region {
        "us-east-2".parse().unwrap()
    }

    #[test]
    fn the_samples_of_the_documentation_bear_their_fingerprints() {
        let ring = KeyRing::parse(SAMPLE).unwrap();
        assert_eq!(ring.iter().count(), 4);
        assert!(ring.iter().all(|(_, key)| key.has_own_fingerprint()));
        let changed = PublicKey::new("8eba5db5bea9b640d1c96a77256fe7f2", vec![1, 2, 3]);
        assert!(!changed.has_own_fingerprint());
    }

    #[test]
    fn both_encodings_of_the_sample_give_a_pkcs1_key() {
        let ring = KeyRing::parse(SAMPLE).unwrap();
        for (_, key) in ring.iter() {
            // SEQUENCE of 0x010a bytes, then INTEGER of 257 bytes: the modulus of 2,048 bits.
            assert_eq!(key.pkcs1()[..8], [0x30, 0x82, 1, 0x0a, 2, 0x82, 1, 1], "{}", key.fingerprint);
            assert_eq!(key.pkcs1().len(), 270);
        }
    }

    #[test]
    fn times_are_read_as_seconds_texts_or_rfc_3339() {
        let ring = KeyRing::parse(SAMPLE).unwrap();
        let key = ring.get(&region(), "8eba5db5bea9b640d1c96a77256fe7f2").unwrap();
        assert_eq!(key.valid_from, Some("2015-07-08T01:04:01Z".parse().unwrap()));
        let of = |time: &str| {
            let text = format!(
                r#"{{"us-east-1":{{"PublicKeyList":[{{"Value":"AQ==","ValidityStartTime":{time},"Fingerprint":"f"}}]}}}}"#
            );
            KeyRing::parse(&text).map(|ring| ring.iter().next().unwrap().1.valid_from)
        };
        assert_eq!(of("1436317441").unwrap(), of("\"2015-07-08T01:04:01Z\"").unwrap());
        assert_eq!(of("\"1436317441\"").unwrap(), of("1436317441").unwrap());
        assert_eq!(of("null").unwrap(), None);
        assert!(of("\"yesterday\"").is_err());
    }

    #[test]
    fn a_key_ring_survives_its_file_and_shows_a_change() {
        let ring = KeyRing::parse(SAMPLE).unwrap();
        let text = ring.file_text();
        assert_eq!(KeyRing::parse_file(&text).unwrap(), ring);
        let changed = text.replace("7f3f401420072e50a65a141430817ab3", "7f3f401420072e50a65a141430817ab4");
        assert_eq!(KeyRing::parse_file(&changed), Err(BadKeys::Changed));
        let newer = text.replace("\"format_version\": 1", "\"format_version\": 2");
        let BadKeys::Form(why) = KeyRing::parse_file(&newer).unwrap_err() else { panic!("{newer}") };
        assert!(why.contains("format version is 2, not 1"), "{why}");
        assert_eq!(KeyRing::parse(&ring.answers_json().to_string()).unwrap(), ring, "what a bundle holds of it");
    }

    #[test]
    fn a_ring_takes_the_keys_that_it_lacks_and_keeps_those_that_it_has() {
        let of = |fingerprint: &str, der: u8| PublicKey::new(fingerprint, vec![der]);
        let mut ring = KeyRing::default();
        ring.add(&region(), of("a", 1));
        let mut other = KeyRing::default();
        other.add(&region(), of("a", 2));
        other.add(&region(), of("b", 3));
        other.add(&"us-east-1".parse().unwrap(), of("a", 4));
        ring.merge(&other);
        let all: Vec<_> = ring.iter().map(|(at, key)| (at.as_str(), key.fingerprint.as_str(), key.der()[0])).collect();
        assert_eq!(all, [("us-east-1", "a", 4), ("us-east-2", "a", 1), ("us-east-2", "b", 3)]);
    }

    #[test]
    fn lengths_of_der_are_read_in_short_and_long_form_and_never_beyond_the_bytes() {
        let read = |bytes: &[u8]| take_der(bytes, 0x30).map(|(content, rest)| (content.to_vec(), rest.to_vec()));
        assert_eq!(read(&[0x30, 2, 5, 6, 9]), Some((vec![5, 6], vec![9])));
        assert_eq!(read(&[0x30, 0]), Some((vec![], vec![])));
        assert_eq!(read(&[0x30, 0x81, 2, 5, 6, 9]), Some((vec![5, 6], vec![9])));
        assert_eq!(read(&[0x30, 0x84, 0, 0, 0, 1, 5]), Some((vec![5], vec![])));
        let long = [&[0x30, 0x82, 1, 2][..], &[7; 259]].concat();
        assert_eq!(read(&long), Some((vec![7; 258], vec![7])));
        for odd in [
            &[0x31, 0][..],
            &[0x30],
            &[0x30, 2, 5],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x85, 0, 0, 0, 0, 0],
            &[0x30, 0x82, 1],
        ] {
            assert_eq!(read(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn a_key_belongs_to_its_region() {
        let ring = KeyRing::parse(SAMPLE).unwrap();
        assert!(ring.get(&region(), "31e8b5433410dfb61a9dc45cc65b22ff").is_some());
        assert!(ring.get(&"us-east-1".parse().unwrap(), "31e8b5433410dfb61a9dc45cc65b22ff").is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_unwrapped_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let key = PublicKey::new("f", [&[0x30, 0x82][..], &bytes].concat());
            prop_assert!(key.pkcs1().len() <= key.der().len());
        }
    }
}
