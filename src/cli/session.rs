//! What most commands begin with: the configuration, the templates, and a cloud that is AWS or a recorded estate.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::Common;
use super::failure::CliError;
use super::ui::Ui;
use super::validate::load;
use crate::cloud::Cloud;
use crate::cloud::aws::{Aws, AwsOptions};
use crate::cloud::simulated::SimulatedCloud;
use crate::config::Config;
use crate::files;
use crate::ids::Region;
use crate::policy::template::Templates;
use crate::report::text::template;
use crate::survey::Surveyor;

/// Whether a command may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Its sessions are assumed with a policy that cannot write.
    ReadOnly,
    /// It makes changes.
    Write,
}

/// The beginning of a command.
pub struct Session {
    /// The checked configuration.
    pub config: Config,
    /// The policy templates in force.
    pub templates: Templates,
    /// AWS or a recorded estate.
    pub cloud: Arc<dyn Cloud>,
}

impl Session {
    /// Reads the configuration and the templates and connects.
    ///
    /// # Errors
    /// A configuration or template that is wrong, an estate file that is none, credentials that do not work.
    pub async fn open(common: &Common, access: Access) -> Result<Self, CliError> {
        let config = load(&common.config)?;
        let templates = templates(common)?;
        let door = AwsEntry { home_region: &config.home_region, member_role: &config.organization.member_role };
        let cloud = connect(common, door, access).await?.into();
        Ok(Self { config, templates, cloud })
    }

    /// Returns the surveyor of this session.
    pub fn surveyor<'a>(&'a self, ui: &'a Ui) -> Surveyor<'a> {
        Surveyor { config: &self.config, templates: &self.templates, look: self.cloud.as_ref(), progress: ui }
    }
}

/// How AWS is entered.
#[derive(Clone, Copy)]
pub struct AwsEntry<'a> {
    /// The region that calls begin in.
    pub home_region: &'a Region,
    /// The role that is assumed in member accounts.
    pub member_role: &'a str,
}

/// Connects without a configuration.
///
/// # Errors
/// An estate file that is none, credentials that do not work.
pub async fn connect(common: &Common, door: AwsEntry<'_>, access: Access) -> Result<Box<dyn Cloud>, CliError> {
    Ok(match &common.estate {
        Some(file) => Box::new(recorded(file)?),
        None => Box::new(Aws::connect(aws_options(common, door, access, "orgtrail")).await?),
    })
}

/// Opens a recorded estate.
///
/// # Errors
/// A file that is none.
pub fn recorded(file: &Path) -> Result<SimulatedCloud, CliError> {
    SimulatedCloud::open(file).map_err(|error| {
        CliError::new(format!("cannot work on the estate {}", file.display()))
            .because(error)
            .hint("`orgtrail snapshot --output FILE` writes such a file")
    })
}

/// Returns how AWS is reached. `session_name` is the name that CloudTrail shows.
pub fn aws_options(common: &Common, door: AwsEntry<'_>, access: Access, session_name: &str) -> AwsOptions {
    AwsOptions {
        profile: common.profile.clone(),
        home_region: door.home_region.clone(),
        endpoint: None,
        credentials: None,
        member_role: door.member_role.to_owned(),
        session_name: session_name.to_owned(),
        concurrency: usize::from(common.concurrency),
        read_only: access == Access::ReadOnly,
        tempo: None,
    }
}

/// Reads the policy templates that replace compiled ones.
///
/// # Errors
/// A folder that cannot be read, a template that is none.
pub fn templates(common: &Common) -> Result<Templates, CliError> {
    let overrides = common.policies.as_deref().map(overrides).transpose()?.unwrap_or_default();
    Templates::allowing(&overrides, &common.allow_grant).map_err(|error| {
        CliError::new("a policy template cannot be used").because(error).hint("correct it, or leave --policies out")
    })
}

/// Returns the templates of reports, each replaced by the user's where there is one.
///
/// # Errors
/// A folder that cannot be read, a file that is no template or replaces none.
pub fn report_templates(common: &Common) -> Result<template::Templates, CliError> {
    let overrides = common.templates.as_deref().map(overrides).transpose()?.unwrap_or_default();
    template::Templates::new(&overrides).map_err(|error| {
        CliError::new("a template cannot be used").because(error).hint("correct it, or leave --templates out")
    })
}

/// The size in bytes of the largest file that is read as a template.
const TEMPLATE_BYTES_MAX: u64 = 4 * 1024 * 1024;

fn read_template(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    files::open(path)?.take(TEMPLATE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > TEMPLATE_BYTES_MAX {
        return Err(std::io::Error::other(format!("{} has more than {TEMPLATE_BYTES_MAX} bytes", path.display())));
    }
    Ok(text)
}

/// Reads the templates of a folder: file name -> text.
fn overrides(folder: &Path) -> Result<Vec<(String, String)>, CliError> {
    let unreadable = |error: std::io::Error| CliError::new(format!("cannot read {}", folder.display())).because(error);
    let mut overrides = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".hbs") {
            overrides.push((name, read_template(&path).map_err(unreadable)?));
        }
    }
    Ok(overrides)
}
