//! Markdown for comments of pull requests and for tickets: as many items of a report as a comment has room for.

use serde::Serialize;

use super::template::BadTemplate;

/// What a comment on GitHub may have, in characters. Bytes are counted here, of which there are never fewer.
pub const LIMIT_BYTES: usize = 65_536;

/// A view of which not all items are there, as its template reads it.
#[derive(Serialize)]
pub(in crate::report) struct Shortened<V: Serialize, L: Serialize> {
    #[serde(flatten)]
    /// What is left of the view.
    pub view: V,
    /// How much was left out.
    pub left_out: L,
}

/// Renders with as many items as fit.
pub(in crate::report) fn longest(
    items: usize,
    render: impl Fn(usize) -> Result<String, BadTemplate>,
) -> Result<String, BadTemplate> {
    let whole = render(items)?;
    if whole.len() <= LIMIT_BYTES {
        return Ok(whole);
    }
    // `fits` items are known to fit (none always do), `too_many` not to. Both only approach each other.
    let (mut fits, mut too_many) = (0, items);
    let mut text = render(0)?;
    while too_many - fits > 1 {
        // From below: what does not fit may be very long.
        let between = if fits == 0 { 1 } else { (fits + too_many) / 2 }.min(fits * 2).max(fits + 1);
        let longer = render(between)?;
        if longer.len() <= LIMIT_BYTES {
            (fits, text) = (between, longer);
        } else {
            too_many = between;
        }
    }
    Ok(text)
}

/// How many items still have room.
pub(in crate::report) struct Room(pub usize);

impl Room {
    /// Takes the room of one item, where there is any.
    pub(in crate::report) fn take(&mut self) -> bool {
        let is_room = self.0 > 0;
        self.0 = self.0.saturating_sub(1);
        is_room
    }

    /// Shortens a list to the room that there is; returns how many items were left out.
    pub(in crate::report) fn keep<T>(&mut self, list: &mut Vec<T>) -> usize {
        let kept = list.len().min(self.0);
        self.0 -= kept;
        let left_out = list.len() - kept;
        list.truncate(kept);
        left_out
    }
}
