//! Any text as a file of public keys or a key ring: no panic, and a ring survives its own file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orgtrail::logs::digest::keys::KeyRing;

fuzz_target!(|text: &str| {
    let _refused_or_whole = KeyRing::parse_file(text);
    if let Ok(ring) = KeyRing::parse(text) {
        assert_eq!(KeyRing::parse_file(&ring.file_text()), Ok(ring));
    }
});
