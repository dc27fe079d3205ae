//! The program itself, run in a folder of its own on a recorded estate.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use orgtrail::estate::Estate;
use orgtrail::estate::snapshot::Snapshot;
use orgtrail::ids::{AccountId, Partition};
use orgtrail::organization::{Account, AccountState, Organization, Unit};
use tempfile::TempDir;

/// The accounts of the organization.
pub const MANAGEMENT: &str = "111111111111";
pub const LOG: &str = "222222222222";
pub const MEMBER: &str = "333333333333";
pub const SUSPENDED: &str = "444444444444";

/// An organization trail, a bucket and readers, with nothing but defaults.
#[allow(dead_code, reason = "some test binaries have a configuration of their own")]
pub const CONFIG: &str = r#"version: 1
deployment: acme
accounts:
  log: "222222222222"
home_region: eu-central-1
bucket:
  name: acme-org-cloudtrail
trails:
  - name: acme-org-trail
"#;

/// A folder with `estate.json` and, where a test writes one, `orgtrail.yaml`.
pub struct Folder {
    folder: TempDir,
}

/// What a run said.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Folder {
    /// Makes a folder with the estate of an organization in which nobody has done anything yet.
    pub fn new() -> Self {
        let folder = Self { folder: tempfile::tempdir().unwrap() };
        folder.record(&Snapshot::whole(organization(), Estate::default()));
        folder
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path(file), text).unwrap();
    }

    pub fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path(file)).unwrap()
    }

    pub fn record(&self, world: &Snapshot) {
        world.write(std::fs::File::create(self.path("estate.json")).unwrap()).unwrap();
    }

    pub fn world(&self) -> Snapshot {
        Snapshot::parse(&self.read("estate.json")).unwrap()
    }

    /// Changes the estate by another hand.
    pub fn edit(&self, hand: impl FnOnce(&mut Organization, &mut Estate)) {
        let mut world = self.world();
        hand(&mut world.organization, &mut world.estate);
        self.record(&world);
    }

    /// Runs the program on the recorded estate, without a terminal.
    pub fn run(&self, args: &[&str]) -> Run {
        // These look at nothing, and refuse it.
        let looks = !["validate", "schema", "man", "completions", "demo", "permissions"]
            .iter()
            .any(|idle| args.first().is_some_and(|first| first == idle));
        // A place that is named stands for itself, unless a configuration is named too.
        let is_place = matches!(args, ["verify" | "coverage", place, ..] if !place.starts_with('-'))
            || matches!(args, ["query" | "dashboard" | "who" | "detect" | "lake", ..] if args.contains(&"--place"));
        let looks = looks && (!is_place || args.contains(&"-c") || args.contains(&"--config"));
        let estate: &[&str] = if looks { &["--estate", "estate.json"] } else { &[] };
        let output = program(self.folder.path()).args(estate).args(args).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Runs the program, which must end with this code; returns what it printed.
    #[track_caller]
    pub fn must(&self, code: i32, args: &[&str]) -> String {
        let run = self.run(args);
        assert_eq!(run.code, code, "{args:?}\n{}\n{}", run.stdout, run.stderr);
        run.stdout
    }
}

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
    command.current_dir(folder).stdin(Stdio::null()).env_clear().env("COLUMNS", "100");
    command
}

/// Four accounts, one of them suspended.
fn organization() -> Organization {
    let account = |id: &str, name: &str, state| {
        let path = vec!["r-ab12".to_owned(), "ou-ab12-11111111".to_owned()];
        let account = Account {
            name: name.into(),
            email: format!("{name}@example.com"),
            state,
            path,
            tags: Some(BTreeMap::new()),
        };
        (id.parse::<AccountId>().unwrap(), account)
    };
    let unit = |name: &str, parent: Option<&str>| Unit { name: name.into(), parent: parent.map(str::to_owned) };
    Organization {
        id: "o-exampleorgid".parse().unwrap(),
        partition: Partition::Aws,
        management_account: MANAGEMENT.parse().unwrap(),
        units: BTreeMap::from([
            ("r-ab12".to_owned(), unit("Root", None)),
            ("ou-ab12-11111111".to_owned(), unit("Workloads", Some("r-ab12"))),
        ]),
        accounts: BTreeMap::from([
            account(MANAGEMENT, "management", AccountState::Active),
            account(LOG, "log-archive", AccountState::Active),
            account(MEMBER, "shop", AccountState::Active),
            account(SUSPENDED, "old", AccountState::Suspended),
        ]),
    }
}
