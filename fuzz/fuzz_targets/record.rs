//! Any text as a CloudTrail record: no panic, and the same record has the same actor in EventBridge's envelope.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orgtrail::event::{Actor, EventBridgeEvent, Outcome, Record, resource};

fuzz_target!(|text: &str| {
    let _ = EventBridgeEvent::read(text);
    let Ok(record) = Record::read(text) else { return };
    let _ = (Outcome::of(&record), resource::named(&record));
    let text = format!("{{\"detail-type\":\"AWS API Call via CloudTrail\",\"account\":\"1\",\"detail\":{text}}}");
    let sent = EventBridgeEvent::read(&text).unwrap().record;
    assert_eq!(Actor::of(&record), Actor::of(&sent));
});
