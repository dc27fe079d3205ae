//! What the JSON of all reports has in common.

use serde::Serialize;

use super::escape;
pub use crate::plan::saved::FORMAT_VERSION;

/// Returns the text of a shape, indented, with a final line end. Nothing in it acts where it is shown.
///
/// # Errors
/// None for the shapes of the reports; the encoder's signature has one.
pub fn text(shape: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut text = escape::json(&serde_json::to_string_pretty(shape)?).into_owned();
    text.push('\n');
    Ok(text)
}
