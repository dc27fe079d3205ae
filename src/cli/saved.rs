//! A plan that was written as JSON and is now to be applied: the ground it stands on must be the same.

use std::path::Path;

use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};

use super::failure::CliError;
use crate::files;
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
        let text = files::read_text(file, files::BYTES_MAX).map_err(|error| failed(&error))?;
        let saved = SavedPlan::parse(&text).map_err(|why| match why {
            BadPlan::Foreign | BadPlan::Version(_) => {
                CliError::new(format!("{} is not a plan of this version", file.display()))
                    .because(why)
                    .hint("make it again with `orgtrail plan --output plan.json`")
            }
            why => CliError::new(format!("cannot use the plan {}", file.display()))
                .because(why)
                .hint("`orgtrail plan --output plan.json` writes such a file"),
        })?;
        // Where it is tomorrow already, it is so by 14 hours at most.
        let tomorrow = Zoned::now().with_time_zone(TimeZone::UTC).date().saturating_add(1.day());
        match saved.options.today.filter(|today| *today > tomorrow) {
            Some(today) => Err(CliError::new(format!("cannot use the plan {}", file.display()))
                .because(BadPlan::whole("options", format!("it was made on {today}, which is not yet")))
                .hint("make it again with `orgtrail plan --output plan.json`")),
            None => Ok(Self(saved)),
        }
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
        let is_of_another = (&self.0.organization, &self.0.deployment) != (&now.organization, &now.deployment);
        let mut failure = CliError::new(match is_of_another {
            true => "the saved plan is of another deployment; nothing was changed",
            false => "the saved plan is stale: AWS changed since it was made; nothing was changed",
        });
        failure.causes.extend(moved.iter().take(SHOWN_MAX).cloned());
        if moved.len() > SHOWN_MAX {
            failure.causes.push(format!("and {} more", moved.len() - SHOWN_MAX));
        }
        Err(failure.hint("make the plan again, and review it"))
    }
}
