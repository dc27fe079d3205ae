//! Any text as an object's key: what is read prints back to the same text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orgtrail::log_path::Key;

fuzz_target!(|text: &str| {
    if let Some(key) = Key::parse(text) {
        assert_eq!(key.to_string(), text);
    }
});
