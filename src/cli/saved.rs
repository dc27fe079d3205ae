//! A plan that was written as JSON and is now to be applied: the ground it stands on must be the same.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::failure::CliError;
use crate::plan::{Plan, PlanOptions};
use crate::report::plan::model::PlanJson;
use crate::report::text::json::FORMAT_VERSION;

/// How many moved addresses are named.
const SHOWN_MAX: usize = 10;

/// A plan as it was written by `plan --format json`.
pub struct Saved {
    value: Value,
    options: PlanOptions,
}

impl Saved {
    /// Reads a saved plan.
    ///
    /// # Errors
    /// A file that is cut off, of another kind or of another version.
    pub fn read(file: &Path) -> Result<Self, CliError> {
        let failed = |why: &dyn std::error::Error| {
            CliError::new(format!("cannot use the plan {}: {why}", file.display()))
                .hint("`orgtrail plan --output plan.json` writes such a file")
        };
        let text = fs::read_to_string(file).map_err(|error| failed(&error))?;
        let value: Value = serde_json::from_str(&text).map_err(|error| failed(&error))?;
        let version = value["format_version"].as_u64();
        if version != Some(u64::from(FORMAT_VERSION)) || !value["fingerprint"].is_string() {
            return Err(CliError::new(format!("{} is not a plan of this version", file.display()))
                .hint("make it again with `orgtrail plan --output plan.json`"));
        }
        let options = serde_json::from_value(value["options"].clone()).map_err(|error| failed(&error))?;
        Ok(Self { value, options })
    }

    /// Returns what was decided when the plan was made.
    pub fn options(&self) -> &PlanOptions {
        &self.options
    }

    /// Refuses a plan made now that is not the saved one.
    ///
    /// # Errors
    /// Names every address that has moved.
    pub fn must_be(&self, now: &Plan) -> Result<(), CliError> {
        let current = serde_json::to_value(PlanJson::from(now))
            .map_err(|error| CliError::new("cannot compare the plans").because(error))?;
        let names = ["organization", "deployment", "fingerprint", "changes"];
        if names.iter().all(|name| self.value[name] == current[name]) {
            return Ok(());
        }
        let mut failure = CliError::new("the saved plan is stale: AWS changed since it was made; nothing was changed");
        for name in ["organization", "deployment"].into_iter().filter(|name| self.value[name] != current[name]) {
            failure.causes.push(format!("the plan is for {name} {}, this is {}", self.value[name], current[name]));
        }
        let moved = moved(&self.value["changes"], &current["changes"]);
        failure.causes.extend(moved.iter().take(SHOWN_MAX).cloned());
        if moved.len() > SHOWN_MAX {
            failure.causes.push(format!("and {} more have moved", moved.len() - SHOWN_MAX));
        }
        if failure.causes.is_empty() {
            failure.causes.push("something that the plan found as wanted is not as it was then".into());
        }
        Err(failure.hint("make the plan again, and read it again"))
    }
}

/// Says which changes are new, gone or other than in the saved plan.
fn moved(then: &Value, now: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (then, now) = (list(then), list(now));
    let same_place = |a: &Value, b: &Value| a["address"] == b["address"];
    let name = |change: &Value| change["address"].as_str().unwrap_or("an address").to_owned();
    let gone = then.iter().filter(|old| !now.iter().any(|new| same_place(old, new)));
    let other = now.iter().filter(|new| then.iter().any(|old| same_place(old, new) && old != *new));
    let new = now.iter().filter(|new| !then.iter().any(|old| same_place(old, new)));
    gone.map(|change| format!("{} needs no change any more", name(change)))
        .chain(other.map(|change| format!("{} is not as it was", name(change))))
        .chain(new.map(|change| format!("{} needs a change that is not in the plan", name(change))))
        .collect()
}
