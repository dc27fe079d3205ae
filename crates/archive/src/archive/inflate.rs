//! Gzip bodies: inflated and hashed in one pass, within a limit. Pure.
//!
//! CloudTrail hashes what is inside the gzip wrapper. What follows the first gzip member is not attested, though `zcat`
//! and Athena read it: it is measured here and judged by the caller.

use std::io::Read;

use flate2::bufread::GzDecoder;
use ring::digest::{Context, SHA256};

/// A SHA-256 value.
pub type Sha256 = [u8; 32];

/// The most bytes that one log file may inflate to. CloudTrail's files hold up to 50 MB; gzip of JSON reaches 40:1.
pub const LOG_INFLATED_BYTES_MAX: u64 = 2 << 30;
/// How many times its size a body may inflate to. Each record holds two random ids, 32 bytes that nothing compresses,
/// in about 1,400 bytes, so that no log file reaches 50:1; gzip of zeros reaches 1,030:1.
const RATIO_MAX: u64 = 200;
/// What any body may inflate to, whatever its size.
const RATIO_FREE_BYTES: u64 = 16 << 20;
/// The most bytes that one digest may inflate to: ninety thousand log files of an hour at 350 bytes each.
pub const DIGEST_INFLATED_BYTES_MAX: u64 = 32 << 20;
/// How many times its size a digest may inflate to. Each log file that it lists brings a hash and a random name, 44
/// bytes that nothing compresses, in 350, so that no digest reaches 10:1.
const DIGEST_RATIO_MAX: u64 = 40;
/// What any digest may inflate to, whatever its size.
const DIGEST_RATIO_FREE_BYTES: u64 = 1 << 20;
/// The most bytes that a delivered object may have. CloudTrail's files hold up to 50 MB.
pub const OBJECT_BYTES_MAX: u64 = 64 << 20;

/// One step of inflating: large enough that calls cost nothing, small enough for the second-level cache.
const STEP_BYTES: usize = 64 << 10;

/// What a gzip body holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unpacked {
    /// The hash of the first member's content.
    pub sha256: Sha256,
    /// The size of the first member's content.
    pub inflated_bytes: u64,
    /// What follows the first member.
    pub trailing: Trailing,
}

/// What follows the first gzip member of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trailing {
    /// Nothing, as CloudTrail delivers it.
    Nothing,
    /// More gzip members and nothing else; the hash is of the content of all members together.
    Members {
        /// The hash of all that a reader such as `zcat` gets.
        sha256_of_all: Sha256,
    },
    /// Bytes that are not gzip.
    Bytes(u64),
    /// There is no gzip member at all: the content lies there without its wrapper, as tools leave it that unpack what
    /// they download.
    Unwrapped,
}

/// Says why a body could not be inflated to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GzipError {
    /// The body is not gzip, or is cut, or its check sum does not fit.
    #[error("the body is no whole gzip file: {0}")]
    NotGzip(String),
    /// The body inflates to more than is allowed.
    #[error("the body inflates to more than {max_bytes} bytes, the limit of a delivered file")]
    TooLarge {
        /// The limit.
        max_bytes: u64,
    },
}

/// Hashes the content of a gzip body without keeping it.
///
/// # Errors
/// `GzipError` when the first member is not whole or the content passes `max_bytes`.
pub fn hash(body: &[u8], max_bytes: u64) -> Result<Unpacked, GzipError> {
    unpack(body, max_bytes, |_| {})
}

/// Hashes the content of a log file's body: within the size of a delivered file, and within what its bytes can hold. A
/// body that is no gzip, but JSON, is hashed as it is.
///
/// # Errors
/// `GzipError` when the first member is not whole or the content passes a limit.
pub fn hash_log(body: &[u8]) -> Result<Unpacked, GzipError> {
    if is_unwrapped(body) {
        return Ok(unwrapped(body));
    }
    let by_ratio = (body.len() as u64).saturating_mul(RATIO_MAX).max(RATIO_FREE_BYTES);
    hash(body, by_ratio.min(LOG_INFLATED_BYTES_MAX))
}

/// What a log file's body holds, as far as it was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Handed {
    /// The bytes that were handed over.
    pub inflated_bytes: u64,
    /// The bytes behind the first gzip member, which CloudTrail does not write and nothing attests. They are not handed
    /// over.
    pub trailing_bytes: u64,
}

/// Hands the content of a log file's body over, part by part, within the limits of [`hash_log`], without a hash.
/// A body that is no gzip, but JSON, is handed over as it is.
///
/// What was handed over when it fails is what stands before the damage.
///
/// # Errors
/// `GzipError` when the first member is not whole or the content passes a limit.
pub fn hand_over(body: &[u8], mut part: impl FnMut(&[u8])) -> Result<Handed, GzipError> {
    if matches!(body.first(), Some(b'{' | b'[')) {
        part(body);
        return Ok(Handed { inflated_bytes: body.len() as u64, trailing_bytes: 0 });
    }
    let by_ratio = (body.len() as u64).saturating_mul(RATIO_MAX).max(RATIO_FREE_BYTES);
    let max_bytes = by_ratio.min(LOG_INFLATED_BYTES_MAX);
    let mut decoder = GzDecoder::new(body);
    let mut step = vec![0; STEP_BYTES];
    let mut inflated_bytes = 0;
    loop {
        let count = decoder.read(&mut step).map_err(|e| GzipError::NotGzip(e.to_string()))?;
        if count == 0 {
            return Ok(Handed { inflated_bytes, trailing_bytes: decoder.into_inner().len() as u64 });
        }
        inflated_bytes += count as u64;
        if inflated_bytes > max_bytes {
            return Err(GzipError::TooLarge { max_bytes });
        }
        part(&step[..count]);
    }
}

/// Hashes the content of a digest's body and returns it, within what a digest can hold. A body that is no gzip, but
/// JSON, is taken as it is.
///
/// # Errors
/// `GzipError` when the first member is not whole or the content passes a limit.
pub fn inflate_digest(body: &[u8]) -> Result<(Vec<u8>, Unpacked), GzipError> {
    let by_ratio = (body.len() as u64).saturating_mul(DIGEST_RATIO_MAX).max(DIGEST_RATIO_FREE_BYTES);
    let max_bytes = by_ratio.min(DIGEST_INFLATED_BYTES_MAX);
    if !is_unwrapped(body) {
        return inflate(body, max_bytes);
    }
    if body.len() as u64 > max_bytes {
        return Err(GzipError::TooLarge { max_bytes });
    }
    Ok((body.to_vec(), unwrapped(body)))
}

/// Tells whether a body is JSON without its gzip wrapper.
fn is_unwrapped(body: &[u8]) -> bool {
    body.first() == Some(&b'{')
}

fn unwrapped(body: &[u8]) -> Unpacked {
    Unpacked { sha256: sha256(body), inflated_bytes: body.len() as u64, trailing: Trailing::Unwrapped }
}

/// Hashes the content of a gzip body and returns the first member's content with it.
///
/// # Errors
/// `GzipError` when the first member is not whole or the content passes `max_bytes`.
pub fn inflate(body: &[u8], max_bytes: u64) -> Result<(Vec<u8>, Unpacked), GzipError> {
    let mut content = Vec::with_capacity(body.len().saturating_mul(4));
    let unpacked = unpack(body, max_bytes, |part| content.extend_from_slice(part))?;
    Ok((content, unpacked))
}

fn unpack(body: &[u8], max_bytes: u64, mut keep: impl FnMut(&[u8])) -> Result<Unpacked, GzipError> {
    let mut sum = Sum { context: Context::new(&SHA256), bytes: 0, max_bytes };
    let rest = sum.member(body, &mut keep)?;
    let (sha256, inflated_bytes) = (finished(sum.context.clone()), sum.bytes);
    let trailing = sum.trailing(rest)?;
    Ok(Unpacked { sha256, inflated_bytes, trailing })
}

struct Sum {
    context: Context,
    bytes: u64,
    max_bytes: u64,
}

impl Sum {
    /// Adds one gzip member's content and returns what follows the member.
    fn member<'a>(&mut self, body: &'a [u8], keep: &mut impl FnMut(&[u8])) -> Result<&'a [u8], GzipError> {
        let mut decoder = GzDecoder::new(body);
        let mut step = [0; STEP_BYTES];
        loop {
            let count = decoder.read(&mut step).map_err(|e| GzipError::NotGzip(e.to_string()))?;
            if count == 0 {
                return Ok(decoder.into_inner());
            }
            self.bytes += count as u64;
            if self.bytes > self.max_bytes {
                return Err(GzipError::TooLarge { max_bytes: self.max_bytes });
            }
            self.context.update(&step[..count]);
            keep(&step[..count]);
        }
    }

    /// Judges what follows the first member. An oversized later member is damage; one that is no gzip is foreign bytes.
    fn trailing(mut self, rest: &[u8]) -> Result<Trailing, GzipError> {
        if rest.is_empty() {
            return Ok(Trailing::Nothing);
        }
        let mut left = rest;
        while !left.is_empty() {
            left = match self.member(left, &mut |_| {}) {
                Ok(left) => left,
                Err(GzipError::NotGzip(_)) => return Ok(Trailing::Bytes(rest.len() as u64)),
                Err(too_large) => return Err(too_large),
            };
        }
        Ok(Trailing::Members { sha256_of_all: finished(self.context) })
    }
}

fn finished(context: Context) -> Sha256 {
    let mut value = [0; 32];
    value.copy_from_slice(context.finish().as_ref());
    value
}

/// Returns the SHA-256 of bytes.
pub fn sha256(bytes: &[u8]) -> Sha256 {
    let mut context = Context::new(&SHA256);
    context.update(bytes);
    finished(context)
}

/// Returns bytes as lower-case hexadecimal digits, as CloudTrail writes hashes and signatures.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let pair = |b: &u8| [DIGITS[usize::from(b >> 4)] as char, DIGITS[usize::from(b & 15)] as char];
    bytes.iter().flat_map(pair).collect()
}

/// Returns the bytes that hexadecimal digits of either case stand for, or nothing when they are not pairs of digits.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| (b as char).to_digit(16).and_then(|d| u8::try_from(d).ok());
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes().chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use std::io::Write;

    fn gz(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn the_hash_is_of_the_content() {
        let (content, unpacked) = inflate(&gz(b"abc"), 10).unwrap();
        assert_eq!(content, b"abc");
        assert_eq!(hex(&unpacked.sha256), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!((unpacked.inflated_bytes, unpacked.trailing), (3, Trailing::Nothing));
    }

    #[test]
    fn what_follows_the_first_member_is_seen() {
        let both = [gz(b"abc"), gz(b"def")].concat();
        let unpacked = hash(&both, 10).unwrap();
        assert_eq!(unpacked.sha256, sha256(b"abc"));
        assert_eq!(unpacked.trailing, Trailing::Members { sha256_of_all: sha256(b"abcdef") });
        let junk = [gz(b"abc"), b"junk".to_vec()].concat();
        assert_eq!(hash(&junk, 10).unwrap().trailing, Trailing::Bytes(4));
    }

    #[test]
    fn a_bomb_stops_at_the_limit_wherever_it_hides() {
        let bomb = gz(&vec![0; 1 << 20]);
        let limit = GzipError::TooLarge { max_bytes: 1000 };
        assert_eq!(hash(&bomb, 1000), Err(limit.clone()));
        assert_eq!(hash(&[gz(b"abc"), bomb].concat(), 1000), Err(limit));
    }

    #[test]
    fn a_bomb_ends_at_a_ratio() {
        let bomb = gz(&vec![0; 64 << 20]);
        assert!(bomb.len() < 70_000, "{}", bomb.len());
        assert_eq!(hash_log(&bomb), Err(GzipError::TooLarge { max_bytes: 16 << 20 }));
        assert!(hash_log(&gz(&vec![0; 15 << 20])).is_ok(), "a small one is read to its end");
    }

    #[test]
    fn a_digest_inflates_to_no_more_than_digests_do() {
        let bomb = gz(&vec![b' '; 30 << 20]);
        assert!(bomb.len() < 32_000, "{}", bomb.len());
        assert_eq!(inflate_digest(&bomb), Err(GzipError::TooLarge { max_bytes: bomb.len() as u64 * 40 }));
        assert!(inflate_digest(&gz(&vec![b' '; 1 << 20])).is_ok(), "a small one is read to its end");
        let random: Vec<u8> = (0..33u32 << 18).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
        assert_eq!(inflate_digest(&gz(&random)), Err(GzipError::TooLarge { max_bytes: DIGEST_INFLATED_BYTES_MAX }));
    }

    #[test]
    fn content_without_its_wrapper_is_hashed_as_it_is() {
        let plain = Unpacked { sha256: sha256(b"{}"), inflated_bytes: 2, trailing: Trailing::Unwrapped };
        assert_eq!((hash_log(b"{}"), inflate_digest(b"{}")), (Ok(plain), Ok((b"{}".to_vec(), plain))));
        assert!(matches!(hash_log(b"x{}"), Err(GzipError::NotGzip(_))));
    }

    #[test]
    fn a_cut_or_foreign_body_is_damage() {
        let whole = gz(b"some content that is long enough");
        for cut in 0..whole.len() {
            assert!(matches!(hash(&whole[..cut], 1000), Err(GzipError::NotGzip(_))), "cut at {cut}");
        }
        assert!(matches!(hash(b"{\"Records\":[]}", 1000), Err(GzipError::NotGzip(_))));
    }

    #[test]
    fn hexadecimal_goes_both_ways() {
        assert_eq!(unhex("00fFa1"), Some(vec![0, 255, 161]));
        for wrong in ["0", "0g", "é1", "+1"] {
            assert_eq!(unhex(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let with_magic = [&[0x1f, 0x8b, 8], bytes.as_slice()].concat();
            prop_assert!(hash(&bytes, 10_000).map_or(true, |u| u.inflated_bytes <= 10_000));
            prop_assert!(hash(&with_magic, 10_000).map_or(true, |u| u.inflated_bytes <= 10_000));
        }

        #[test]
        fn a_changed_bit_changes_the_answer_or_leaves_the_content(
            content in proptest::collection::vec(any::<u8>(), 0..500), at: prop::sample::Index, bit in 0..8u8,
        ) {
            let mut body = gz(&content);
            let place = at.index(body.len());
            body[place] ^= 1 << bit;
            if let Ok((changed, unpacked)) = inflate(&body, 10_000) && unpacked.sha256 == sha256(&content) {
                prop_assert_eq!(changed, content);
            }
        }
    }
}
