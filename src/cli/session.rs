//! What most commands begin with: the configuration, the templates, and a cloud that is AWS or a recorded estate.

use std::fs;
use std::path::Path;

use super::Common;
use super::failure::Failure;
use super::ui::Ui;
use super::validate::load;
use crate::cloud::Cloud;
use crate::cloud::aws::{Aws, AwsOptions};
use crate::cloud::recorded::Recorded;
use crate::config::Config;
use crate::policy::template::Templates;
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
    pub cloud: Box<dyn Cloud>,
}

impl Session {
    /// Reads the configuration and the templates and connects.
    ///
    /// # Errors
    /// A configuration or template that is wrong, an estate file that is none, credentials that do not work.
    pub async fn open(common: &Common, access: Access) -> Result<Self, Failure> {
        let config = load(&common.config)?;
        let templates = templates(common.policies.as_deref())?;
        let cloud: Box<dyn Cloud> = match &common.estate {
            Some(file) => Box::new(recorded(file)?),
            None => Box::new(Aws::connect(aws_options(common, &config, access, "orgtrail")).await?),
        };
        Ok(Self { config, templates, cloud })
    }

    /// Returns the surveyor of this session.
    pub fn surveyor<'a>(&'a self, ui: &'a Ui) -> Surveyor<'a> {
        Surveyor { config: &self.config, templates: &self.templates, look: self.cloud.as_ref(), progress: ui }
    }
}

/// Opens a recorded estate.
///
/// # Errors
/// A file that is none.
pub fn recorded(file: &Path) -> Result<Recorded, Failure> {
    Recorded::open(file).map_err(|error| {
        Failure::new(format!("cannot work on the estate {}", file.display()))
            .because(error)
            .hint("`orgtrail snapshot --output FILE` writes such a file")
    })
}

/// Returns how AWS is reached. `session_name` is the name that CloudTrail shows.
pub fn aws_options(common: &Common, config: &Config, access: Access, session_name: &str) -> AwsOptions {
    AwsOptions {
        profile: common.profile.clone(),
        home_region: config.home_region.clone(),
        endpoint: None,
        credentials: None,
        member_role: config.organization.member_role.clone(),
        session_name: session_name.to_owned(),
        concurrency: usize::from(common.concurrency),
        read_only: access == Access::ReadOnly,
        tempo: None,
    }
}

/// Reads the templates that replace the compiled ones.
///
/// # Errors
/// A folder that cannot be read, a template that is wrong.
pub fn templates(folder: Option<&Path>) -> Result<Templates, Failure> {
    let mut overrides = Vec::new();
    if let Some(folder) = folder {
        let unreadable =
            |error: std::io::Error| Failure::new(format!("cannot read {}", folder.display())).because(error);
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.ends_with(".hbs") {
                overrides.push((name, fs::read_to_string(&path).map_err(unreadable)?));
            }
        }
    }
    Templates::new(&overrides).map_err(|error| Failure::new("a policy template cannot be used").because(error))
}
