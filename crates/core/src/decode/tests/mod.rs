//! Content of every shape and of every damage, and what is read of it.

mod damage;
mod properties;
mod shapes;

use super::{Decoded, Decoder, Defect, DefectKind, Limits, Slice, decode};

/// A record that was handed out: its text, place and offset.
type Read = (String, u64, u64);

fn read(slice: Slice<'_>) -> Read {
    (slice.text.to_owned(), slice.index, slice.offset)
}

/// Reads content at once.
fn whole(content: impl AsRef<[u8]>, limits: Limits) -> (Vec<Read>, Decoded) {
    let mut records = Vec::new();
    let decoded = decode(content.as_ref(), limits, |slice| records.push(read(slice)));
    (records, decoded)
}

/// Reads content in pieces, and returns the most that was kept between them too.
fn in_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limits: Limits) -> (Vec<Read>, Decoded, usize) {
    let (mut records, mut most, mut decoder) = (Vec::new(), 0, Decoder::new(limits));
    for piece in pieces {
        decoder.push(piece, &mut |slice| records.push(read(slice)));
        most = most.max(decoder.buffered());
    }
    (records, decoder.finish(), most)
}

/// Reads content, at once and byte by byte with one answer, and returns the records' texts.
fn texts(content: impl AsRef<[u8]>) -> (Vec<String>, Decoded) {
    let content = content.as_ref();
    let (records, decoded) = whole(content, Limits::default());
    let (one_by_one, same, _) = in_pieces(content.chunks(1), Limits::default());
    assert_eq!((&records, &decoded), (&one_by_one, &same), "in one piece and byte by byte");
    for (text, _, offset) in &records {
        assert_eq!(&content[*offset as usize..][..text.len()], text.as_bytes(), "where it says that it is");
    }
    (records.into_iter().map(|(text, ..)| text).collect(), decoded)
}

/// Returns the only defect.
fn only(decoded: &Decoded) -> &Defect {
    let [defect] = decoded.defects.as_slice() else { panic!("not one defect: {decoded:#?}") };
    defect
}

fn kinds(decoded: &Decoded) -> Vec<DefectKind> {
    decoded.defects.iter().map(|defect| defect.kind).collect()
}

/// A record of some id.
fn event(id: u32) -> String {
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"Root"}},"resources":[{{"ARN":"a"}}],"eventID":"e-{id}"}}"#
    )
}

fn file(records: &[String]) -> String {
    format!(r#"{{"Records":[{}]}}"#, records.join(","))
}
