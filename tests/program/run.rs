//! Runs the program in a folder of its own and keeps what it said.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::Value;

use crate::support::{Emulator, Proxy, World};

/// A folder with a configuration, and where the program shall think AWS is.
pub struct Desk {
    folder: Arc<tempfile::TempDir>,
    endpoint: Option<String>,
}

/// What the program said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Runs a command to its end and keeps what it said.
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The report as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Fails with everything that was said where the exit code is another one.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }
}

impl Desk {
    /// A desk without AWS.
    pub fn offline() -> Self {
        Self { folder: Arc::new(tempfile::tempdir().unwrap()), endpoint: None }
    }

    /// A desk at an emulator, with a configuration for its organization; `more` is added to it.
    pub fn at(emulator: &Emulator, world: &World, more: &str) -> Self {
        let desk = Self { endpoint: Some(emulator.endpoint().to_owned()), ..Self::offline() };
        desk.write("orgtrail.yaml", &configuration(world, more));
        desk
    }

    /// The same desk, with another way to AWS.
    pub fn through(&self, proxy: &Proxy) -> Self {
        Self { folder: Arc::clone(&self.folder), endpoint: Some(proxy.endpoint().to_owned()) }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Runs the program with arguments that spaces part.
    pub fn run(&self, arguments: &str) -> Said {
        Said::of(&mut self.command(arguments))
    }

    /// Starts the program and does not wait for it.
    pub fn start(&self, arguments: &str) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Makes the command that runs the program.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
        command.args(arguments.split_whitespace()).current_dir(self.folder()).stdin(Stdio::null()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        if let Some(endpoint) = &self.endpoint {
            command.env("AWS_ENDPOINT_URL", endpoint);
            command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        }
        command
    }
}

/// A configuration with a trail, a key, readers in every active account, and whatever `more` says.
fn configuration(world: &World, more: &str) -> String {
    format!(
        "version: 1
deployment: acme
accounts:
  log: log-archive
home_region: eu-central-1
organization:
  id: {}
bucket:
  name: acme-org-cloudtrail
trails:
  - name: acme-org-trail
{more}",
        world.organization
    )
}
