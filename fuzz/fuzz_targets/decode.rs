//! Any bytes as the content of a log file: no panic, every slice is a JSON object as it stands in the content, and two
//! pieces give what one gives.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orgtrail::decode::{Decoder, Limits, decode};
use orgtrail::event::{Json, JsonType};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { record_bytes: 1_000, defects: 10 };
    let mut places = Vec::new();
    let decoded = decode(bytes, limits, |slice| {
        assert!(Json::parse(slice.text).is_ok_and(|json| json.kind() == JsonType::Object));
        let start = slice.offset as usize;
        assert_eq!(&bytes[start..start + slice.text.len()], slice.text.as_bytes());
        places.push((slice.index, slice.offset, slice.text.len()));
    });
    let (mut again, mut decoder) = (Vec::new(), Decoder::new(limits));
    let (first, second) = bytes.split_at(bytes.first().map_or(0, |at| usize::from(*at).min(bytes.len())));
    for piece in [first, second] {
        decoder.push(piece, &mut |slice| again.push((slice.index, slice.offset, slice.text.len())));
        assert!(decoder.buffered() <= 1_500);
    }
    assert_eq!((again, decoder.finish()), (places, decoded));
});
