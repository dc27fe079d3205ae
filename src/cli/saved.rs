//! A plan that was written as JSON and is now to be applied: the ground it stands on must be the same.

use std::fs;
use std::path::Path;

use super::failure::CliError;
use crate::plan::saved::{BadPlan, SavedPlan};
use crate::plan::{Plan, PlanOptions};

/// How many moved addresses are named.
const SHOWN_MAX: usize = 10;

/// A plan as it was written by `plan --format json`.
pub struct Saved(SavedPlan);

impl Saved {
    /// Reads a saved plan.
    ///
    /// # Errors
    /// A file that is cut off, of another kind or of another version, or that contradicts itself.
    pub fn read(file: &Path) -> Result<Self, CliError> {
        let failed = |why: &dyn std::error::Error| {
            CliError::new(format!("cannot use the plan {}: {why}", file.display()))
                .hint("`orgtrail plan --output plan.json` writes such a file")
        };
        let text = fs::read_to_string(file).map_err(|error| failed(&error))?;
        SavedPlan::parse(&text).map(Self).map_err(|why| match why {
            BadPlan::Foreign | BadPlan::Version(_) => {
                CliError::new(format!("{} is not a plan of this version", file.display()))
                    .because(why)
                    .hint("make it again with `orgtrail plan --output plan.json`")
            }
            why => CliError::new(format!("cannot use the plan {}", file.display()))
                .because(why)
                .hint("`orgtrail plan --output plan.json` writes such a file"),
        })
    }

    /// Returns what was decided when the plan was made.
    pub fn options(&self) -> &PlanOptions {
        &self.0.options
    }

    /// Refuses a plan made now that is not the saved one.
    ///
    /// # Errors
    /// Names every address that has moved.
    pub fn must_be(&self, now: &Plan) -> Result<(), CliError> {
        let moved = self.0.moved(now);
        if moved.is_empty() {
            return Ok(());
        }
        let mut failure = CliError::new("the saved plan is stale: AWS changed since it was made; nothing was changed");
        failure.causes.extend(moved.iter().take(SHOWN_MAX).cloned());
        if moved.len() > SHOWN_MAX {
            failure.causes.push(format!("and {} more have moved", moved.len() - SHOWN_MAX));
        }
        Err(failure.hint("make the plan again, and read it again"))
    }
}
