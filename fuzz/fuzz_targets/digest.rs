//! Any bytes as the JSON of a digest: no panic, and what is read is consistent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orgtrail::logs::digest::document::Digest;
use orgtrail::logs::digest::signature::signed_text;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(digest) = Digest::parse(bytes) {
        assert!(digest.start < digest.end);
        assert!(signed_text(&digest, &[0; 32]).starts_with(&digest.end_text));
    }
});
