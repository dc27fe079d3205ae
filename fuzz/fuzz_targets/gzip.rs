//! Any bytes as a gzip body: no panic, no more output than the limit, and both ways of reading agree.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orgtrail::archive::inflate::{hash, inflate, sha256};

const LIMIT_BYTES: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let hashed = hash(bytes, LIMIT_BYTES);
    match inflate(bytes, LIMIT_BYTES) {
        Ok((content, unpacked)) => {
            assert!(content.len() as u64 <= LIMIT_BYTES);
            assert_eq!(sha256(&content), unpacked.sha256);
            assert_eq!(hashed, Ok(unpacked));
        }
        Err(damage) => assert_eq!(hashed, Err(damage)),
    }
});
