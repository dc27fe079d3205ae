//! The file of `apply --record`, which keeps what runs did.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use super::failure::CliError;
use crate::apply::record::{begun, lines};
use crate::apply::{ApplyReport, Gate};
use crate::estate::Address;
use crate::plan::{Action, Change, Plan};
use crate::report::text::escape;

/// The file, opened before the run. As a gate it has what is removed written down before it is gone: a run that is
/// killed has told what it took away.
pub struct ApplyRecord<'a> {
    path: &'a Path,
    file: Mutex<File>,
    /// What is written down already: a gate is asked before each call of a change.
    begun: Mutex<BTreeSet<Address>>,
    plan: &'a Plan,
    began: Timestamp,
}

impl<'a> ApplyRecord<'a> {
    /// Opens the file at its end.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn open(path: &'a Path, plan: &'a Plan, began: Timestamp) -> Result<Self, CliError> {
        let mut options = File::options();
        options.create(true).append(true);
        // It tells what is where: a new one is its owner's alone.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path);
        let file = file.map_err(|error| {
            CliError::new(format!("cannot write the record {}; nothing was changed", path.display())).because(error)
        })?;
        Ok(Self { path, file: Mutex::new(file), begun: Mutex::default(), plan, began })
    }

    /// Appends how everything ended that was tried.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn end(&self, report: &ApplyReport) -> Result<(), CliError> {
        let failed = |error: &dyn std::error::Error| {
            CliError::new(format!("the run is over, but cannot be written to {}: {error}", self.path.display()))
        };
        let text = lines(report, self.plan).map_err(|error| failed(&error))?;
        self.append(&text).map_err(|error| failed(&error))
    }

    fn append(&self, text: &str) -> std::io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(escape::json(text).as_bytes())?;
        // Pipes and terminals have nothing to sync.
        if file.metadata()?.is_file() { file.sync_data() } else { file.flush() }
    }
}

#[async_trait]
impl Gate for ApplyRecord<'_> {
    async fn admit(&self, change: &Change) -> Result<(), String> {
        let is_begun = || self.begun.lock().unwrap_or_else(PoisonError::into_inner).contains(&change.address);
        if change.action() != Action::Retire || is_begun() {
            return Ok(());
        }
        let failed = |error: &dyn std::error::Error| {
            format!("it cannot be written to {} what is removed: {error}", self.path.display())
        };
        let line = begun(self.plan, self.began, change).map_err(|error| failed(&error))?;
        self.append(&line).map_err(|error| failed(&error))?;
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).insert(change.address.clone());
        Ok(())
    }
}
