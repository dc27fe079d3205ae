//! Names of events and groups, short enough to keep many of them.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The id of an event. CloudTrail's are UUIDs, which need a fraction of their text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub(super) enum EventKey {
    Uuid(u128),
    Text(Box<str>),
}

/// Where the parts of a UUID end.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

impl EventKey {
    pub fn of(id: &str) -> Self {
        let is_hyphen = |at: usize| HYPHENS.contains(&at);
        let is_canonical = id.len() == 36
            && id.bytes().enumerate().all(|(at, byte)| match is_hyphen(at) {
                true => byte == b'-',
                false => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            });
        let number = is_canonical.then(|| u128::from_str_radix(&id.replace('-', ""), 16).ok()).flatten();
        number.map_or_else(|| EventKey::Text(id.into()), EventKey::Uuid)
    }

    pub fn text(&self) -> String {
        match self {
            EventKey::Text(text) => text.to_string(),
            EventKey::Uuid(number) => {
                let digits = format!("{number:032x}");
                let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
                [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
            }
        }
    }
}

impl From<String> for EventKey {
    fn from(text: String) -> Self {
        Self::of(&text)
    }
}

impl From<EventKey> for String {
    fn from(key: EventKey) -> Self {
        key.text()
    }
}

/// What tells a group, or a value that was seen, from others: half of a digest of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) struct GroupId(u128);

impl GroupId {
    /// Returns the id of values. A value that is not there is none that is empty.
    pub fn of(values: &[Option<String>]) -> Self {
        let mut digest = Sha256::new();
        for value in values {
            match value {
                None => digest.update([0]),
                Some(value) => {
                    digest.update([1]);
                    digest.update((value.len() as u64).to_le_bytes());
                    digest.update(value);
                }
            }
        }
        Self(half(&digest.finalize()))
    }
}

impl From<GroupId> for String {
    fn from(id: GroupId) -> Self {
        format!("{:032x}", id.0)
    }
}

impl TryFrom<String> for GroupId {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u128::from_str_radix(&text, 16).map(Self)
    }
}

/// Returns the id of a finding, in hexadecimal: of its rule, the number of its window and its group.
pub(super) fn finding_id(rule: &str, window: i64, group: &[Option<String>], is_folded: bool) -> String {
    let mut digest = Sha256::new();
    digest.update((rule.len() as u64).to_le_bytes());
    digest.update(rule);
    digest.update(window.to_le_bytes());
    digest.update([u8::from(is_folded)]);
    digest.update(GroupId::of(group).0.to_le_bytes());
    format!("{:032x}", half(&digest.finalize()))
}

/// Returns a number for the value of fields, to tell different ones apart.
pub(super) fn value_of(values: &[Option<String>]) -> u64 {
    let number = GroupId::of(values).0;
    u64::try_from(number >> 64).unwrap_or_default()
}

fn half(digest: &[u8]) -> u128 {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(byte, of_digest)| *byte = *of_digest);
    u128::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_comes_back_as_it_was() {
        for id in [
            "0123abcd-0000-4000-8000-00000000000a",
            "0123ABCD-0000-4000-8000-00000000000a",
            "0123abcd-0000-4000-8000-0000000000-a",
            "sha256:00",
            "",
            "é",
        ] {
            assert_eq!(EventKey::of(id).text(), id);
        }
        assert!(matches!(EventKey::of("0123abcd-0000-4000-8000-00000000000a"), EventKey::Uuid(_)));
    }

    #[test]
    fn groups_are_told_apart_by_where_their_values_begin() {
        let of = |values: &[Option<&str>]| {
            GroupId::of(&values.iter().map(|value| value.map(str::to_owned)).collect::<Vec<_>>())
        };
        let all =
            [of(&[Some("ab"), Some("c")]), of(&[Some("a"), Some("bc")]), of(&[Some(""), None]), of(&[None, Some("")])];
        for (at, one) in all.iter().enumerate() {
            assert!(all.iter().skip(at + 1).all(|other| one != other), "{at}");
        }
    }
}
