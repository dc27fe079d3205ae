//! An error as it is printed: what failed, why, and what to do next.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::validate::LoadError;
use crate::cloud::CloudFault;
use crate::cloud::aws::NotConnected;
use crate::config;
use crate::desire::BadDesign;
use crate::survey::SurveyError;

/// What went wrong, told to the person who must act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliError {
    /// What failed, in lower case and without a final period.
    pub what: String,
    /// Why, the nearest cause first.
    pub causes: Vec<String>,
    /// What to do next; empty where it is not known.
    pub hint: String,
    /// Printed as it is, instead of the rest: snippets of a file with their own layout; none where the parts are
    /// printed.
    pub page: Option<String>,
    /// The fields of the configuration that it is about, such as `aws_config.administrator`.
    pub fields: Vec<&'static str>,
}

impl CliError {
    /// Makes a failure.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), causes: Vec::new(), hint: String::new(), page: None, fields: Vec::new() }
    }

    /// Adds an error and everything that caused it. What helps against what the system says is known; another
    /// [`hint`](Self::hint) takes its place.
    pub fn because(mut self, error: impl Error + 'static) -> Self {
        let mut next: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(error) = next {
            self.causes.push(error.to_string());
            if let Some(system) = error.downcast_ref::<io::Error>() {
                self.hint = remedy(system.kind()).to_owned();
            }
            next = error.source();
        }
        self
    }

    /// Makes a failure of an error and everything that caused it.
    pub fn from_chain(error: &dyn Error) -> Self {
        let mut failure = Self::new(error.to_string());
        let mut source = error.source();
        while let Some(error) = source {
            failure.causes.push(error.to_string());
            source = error.source();
        }
        failure
    }

    /// Returns the text as the cause of another error: without the word that begins it.
    pub fn as_cause(&self) -> String {
        self.to_string().trim_start_matches("error: ").to_owned()
    }

    /// Says where in the configuration the fields stand that it is about.
    pub(super) fn placed(mut self, file: &Path) -> Self {
        if self.fields.is_empty() {
            return self;
        }
        let Ok(text) = super::validate::read(file) else { return self };
        for field in std::mem::take(&mut self.fields) {
            if let Some((line, column)) = config::position(&text, field) {
                self.causes.push(format!("{field} is at {}:{line}:{column}", file.display()));
            }
        }
        self
    }

    /// Adds what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// Returns what to do about what the system says of a file; nothing where that tells no more than the message.
pub(in crate::cli) fn remedy(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "check the path: it does not exist, or its folder does not",
        ErrorKind::PermissionDenied => "check the permissions of the path, or choose another",
        ErrorKind::IsADirectory => "this is a folder: name a file",
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => "this is a file: name a folder",
        ErrorKind::ReadOnlyFilesystem => "choose a path that can be written to",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space, or choose another path",
        _ => "",
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(page) = &self.page {
            return f.write_str(page.trim_end());
        }
        write!(f, "error: {}", self.what)?;
        for cause in &self.causes {
            write!(f, "\n  cause: {cause}")?;
        }
        if !self.hint.is_empty() {
            write!(f, "\n  help: {}", self.hint)?;
        }
        Ok(())
    }
}

impl From<LoadError> for CliError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Read { file, source } => {
                let is_missing = source.kind() == ErrorKind::NotFound;
                let failure =
                    CliError::new(format!("cannot read the configuration {}", file.display())).because(source);
                match is_missing {
                    true => failure.hint("name the file with --config, or write one with `orgtrail init`"),
                    false => failure,
                }
            }
            LoadError::Config(errors) => {
                let page = errors.render(true);
                CliError { page: Some(page), ..CliError::new("the configuration is wrong") }
            }
        }
    }
}

impl From<CloudFault> for CliError {
    fn from(fault: CloudFault) -> Self {
        let CloudFault { kind: _, account, operation, code, message, help } = fault;
        let mut failure = CliError::new(format!("{operation} failed in account {account}"));
        failure.causes.push(format!("{code}: {message}"));
        failure.hint(help)
    }
}

impl From<NotConnected> for CliError {
    fn from(error: NotConnected) -> Self {
        let NotConnected { code, message, help } = error;
        let mut failure = CliError::new("cannot connect to AWS");
        failure.causes.push(format!("{code}: {message}"));
        failure.hint(help)
    }
}

impl From<SurveyError> for CliError {
    fn from(error: SurveyError) -> Self {
        match error {
            SurveyError::Cloud { what, source } => {
                let inner = CliError::from(source);
                let mut failure = CliError::new(format!("cannot read the {what}"));
                failure.causes.push(inner.what);
                failure.causes.extend(inner.causes);
                failure.hint(inner.hint)
            }
            SurveyError::Design(ref faults) => {
                let mut fields: Vec<&'static str> = faults.iter().filter_map(BadDesign::field).collect();
                fields.dedup();
                CliError { fields, ..CliError::new(error.to_string()) }
            }
        }
    }
}
