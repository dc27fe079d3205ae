//! `orgtrail demo`: the main job on an embedded organization, without an AWS account, credentials or a network.
//!
//! It runs the real commands, from their command lines on, in a recorded world in a folder. Only the three hands that
//! change the world between them are its own ([`tampering`]).

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anstyle::Style;
use serde_json::Value;

use super::failure::CliError;
use super::outcome::Outcome;
use super::output::Outputs;
use super::summary::Summary;
use super::ui::Ui;
use super::{Cli, CommandOutput, Common};
use crate::cloud::simulated::{SimulatedCloud, file};
use crate::estate::snapshot::Snapshot;
use folder::Folder;

#[cfg(feature = "sql")]
mod archive;
mod folder;
#[cfg(feature = "sql")]
mod story;
mod tampering;

/// The world before anything was done.
const WORLD: &str = include_str!("../../../examples/demo/estate.json");

/// The configuration.
const CONFIG: &str = include_str!("../../../examples/demo/orgtrail.yaml");

/// Where everything is left unless the user says otherwise.
const FOLDER: &str = "orgtrail-demo";

/// The folder of the logs. A line is shown as it is typed in the folder of the demo, which has this one in it.
const ARCHIVE: &str = "archive";

/// A command of the demo, why it is run, and how it must end.
struct Step {
    why: &'static str,
    words: &'static [&'static str],
    ends: Outcome,
    /// The report's file; none where the command writes files itself.
    report: Option<&'static str>,
}

/// From nothing to an archive in which nothing is left to do.
const BOOTSTRAP: [Step; 5] = [
    Step {
        why: "The organization: which accounts take part, and why the others do not",
        words: &["discover"],
        ends: Outcome::Clean,
        report: Some("1-discover.txt"),
    },
    Step {
        why: "What has to be made; an old trail records the same events, so a second copy will be billed",
        words: &["plan"],
        ends: Outcome::Finding,
        report: Some("2-plan.txt"),
    },
    Step {
        why: "Every policy as it would be sent, for review: into the folder policies/",
        words: &["render"],
        ends: Outcome::Clean,
        report: None,
    },
    Step {
        why: "Make it, and allow the costs",
        words: &["apply", "--yes", "--allow", "costs"],
        ends: Outcome::Clean,
        report: Some("3-apply.txt"),
    },
    Step { why: "Nothing is left to do", words: &["drift"], ends: Outcome::Clean, report: Some("4-no-drift.txt") },
];

/// What the hands did is found, and repaired.
const REPAIR: [Step; 3] = [
    Step { why: "Find all three", words: &["drift"], ends: Outcome::Finding, report: Some("5-drift.txt") },
    Step {
        why: "Repair it, and allow the loss of a statement of others in the bucket policy",
        words: &["apply", "--yes", "--allow", "destroys"],
        ends: Outcome::Clean,
        report: Some("6-repair.txt"),
    },
    Step { why: "Nothing is left to do", words: &["drift"], ends: Outcome::Clean, report: Some("7-no-drift.txt") },
];

/// Who did it: the logs know. Nothing says that they are whole, since they have no digests.
#[cfg(feature = "sql")]
const QUESTION: Step = Step {
    why: "Who did it: ask the logs of that hour, which are in archive/ (no digest says that they are whole)",
    words: &[
        "query",
        "--place",
        ARCHIVE,
        "--from",
        "2026-03-02T09:00",
        "--to",
        "2026-03-02T10:00",
        "SELECT event_time, account, event_name, user_name, source_ip FROM events \
         WHERE event_name IN ('StopLogging', 'PutBucketPolicy') ORDER BY event_time",
    ],
    ends: Outcome::Partial,
    report: Some("8-query.txt"),
};

/// Who stands behind a bucket that is gone: from the call back to the person, over two accounts.
#[cfg(feature = "sql")]
const WHO: Step = Step {
    why: "A bucket of shop-prod is gone: who deleted it? The session says github-actions; the access keys tell the truth",
    words: &[
        "who",
        "--place",
        ARCHIVE,
        "--from",
        "2026-03-02T09:00",
        "--to",
        "2026-03-02T10:00",
        "bucket",
        story::BUCKET,
    ],
    ends: Outcome::Partial,
    report: Some("9-who.txt"),
};

/// The same reports for programs and for pull requests: file, command line.
const PLAN_FORMS: [(&str, &[&str]); 2] =
    [("2-plan.json", &["plan", "--format", "json"]), ("2-plan.md", &["plan", "--format", "markdown"])];
const DRIFT_FORMS: [(&str, &[&str]); 2] =
    [("5-drift.json", &["drift", "--format", "json"]), ("5-drift.md", &["drift", "--format", "markdown"])];

/// Returns a command as it is typed: what has spaces in quotes.
fn typed(words: &[&str]) -> String {
    let quoted = |word: &&str| if word.contains(' ') { format!("\"{word}\"") } else { (*word).to_owned() };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// A demo that is running.
struct Demo {
    folder: Folder,
    text: String,
}

/// Runs the command.
pub async fn run(common: &Common) -> Result<CommandOutput, CliError> {
    let root = common.place().map_or_else(|| PathBuf::from(FOLDER), Path::to_path_buf);
    let mut demo = Demo { folder: Folder::prepare(&root)?, text: String::new() };
    demo.begin()?;
    demo.forms(&PLAN_FORMS).await?;
    for step in &BOOTSTRAP {
        demo.step(step).await?;
    }
    demo.simulate_tampering().await?;
    demo.forms(&DRIFT_FORMS).await?;
    demo.check_that_all_is_found().await?;
    for step in &REPAIR {
        demo.step(step).await?;
    }
    #[cfg(feature = "sql")]
    demo.question().await?;
    demo.end(&root);
    let summary = Summary::new("Demo", &format!("everything is in {}", root.display()));
    Ok(CommandOutput::one(demo.text, Outcome::Clean, summary))
}

impl Demo {
    /// Writes the world and the configuration.
    fn begin(&mut self) -> Result<(), CliError> {
        let embedded =
            Snapshot::parse(WORLD).map_err(|error| CliError::new("the embedded world is broken").because(error))?;
        let world = Snapshot::whole(embedded.organization, embedded.estate);
        let (accounts, units) = (world.organization.accounts.len(), world.organization.units.len() - 1);
        self.folder.write("orgtrail.yaml", CONFIG)?;
        let path = self.world();
        file::write(&path, &world).map_err(|error| CliError::new("cannot begin the demo").because(error))?;
        self.say(&format!("The demo organization has {accounts} accounts in {units} organizational units."));
        self.say("It is a file: estate.json takes the place of AWS, and refuses what AWS refuses.");
        Ok(())
    }

    fn world(&self) -> PathBuf {
        self.folder.path("estate.json")
    }

    fn say(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Runs one command as if its line had been typed.
    async fn command(&self, words: &[&str]) -> Result<CommandOutput, CliError> {
        let path = |name: &str| self.folder.path(name).into_os_string();
        // The reports are the demo's answer; what is said beside them would come in another order.
        let mut line: Vec<OsString> = vec!["orgtrail".into(), "--quiet".into()];
        line.extend(words.iter().map(|word| if *word == ARCHIVE { path(ARCHIVE) } else { word.into() }));
        line.extend(["--config".into(), path("orgtrail.yaml"), "--estate".into(), path("estate.json")]);
        if words == ["render"] {
            line.extend(["--output".into(), path("policies")]);
        }
        let cli = Cli::parse_line(line)
            .map_err(|error| CliError::new("a command line of the demo is wrong").because(error))?;
        let ui = Ui::new(&cli.common, Outputs::of(&cli.common, cli.entry)?);
        // A command that runs commands: without a box its future would contain itself.
        Box::pin(super::run(&cli, &ui)).await
    }

    async fn step(&mut self, step: &Step) -> Result<(), CliError> {
        let answer = self.command(step.words).await?;
        if answer.outcome != step.ends {
            let line = step.words.join(" ");
            return Err(CliError::new(format!("the demo went wrong: `orgtrail {line}` ended as {:?}", answer.outcome))
                .hint("please report this, with the output"));
        }
        let bold = Style::new().bold();
        let (why, line) = (step.why, typed(step.words));
        // Writing to a string cannot fail.
        let _ = write!(self.text, "\n{bold}# {why}{bold:#}\n$ orgtrail {line}\n{}", answer.text());
        match step.report {
            Some(name) => self.folder.write(&format!("reports/{name}"), answer.text()),
            None => Ok(()),
        }
    }

    /// Writes reports in other forms.
    async fn forms(&self, forms: &[(&str, &[&str])]) -> Result<(), CliError> {
        for (name, words) in forms {
            let answer = self.command(words).await?;
            self.folder.write(&format!("reports/{name}"), answer.text())?;
        }
        Ok(())
    }

    /// Writes the logs of the day, and asks them.
    #[cfg(feature = "sql")]
    async fn question(&mut self) -> Result<(), CliError> {
        let broken = |error: &dyn std::fmt::Display| CliError::new(format!("the demo went wrong: {error}"));
        let text = std::fs::read_to_string(self.world()).map_err(|error| broken(&error))?;
        let world = Snapshot::parse(&text).map_err(|error| broken(&error))?;
        for (name, content) in archive::files(&world.organization).map_err(|error| broken(&error))? {
            self.folder.write_bytes(&name, &content)?;
        }
        self.step(&QUESTION).await?;
        self.step(&WHO).await
    }

    async fn simulate_tampering(&mut self) -> Result<(), CliError> {
        let broken = |error: &dyn std::error::Error| CliError::new(format!("the demo went wrong: {error}"));
        let newcomer = tampering::newcomer().map_err(|error| broken(&error))?;
        let world = SimulatedCloud::open(&self.world()).map_err(|error| broken(&error))?;
        world.edit(|organization, estate| tampering::simulate(newcomer, organization, estate)).await?;
        let bold = Style::new().bold();
        let _ = write!(self.text, "\n{bold}# Meanwhile, behind its back{bold:#}\n{}", tampering::EVENTS);
        Ok(())
    }

    /// Holds the demo to its word: the drift report names every change.
    async fn check_that_all_is_found(&self) -> Result<(), CliError> {
        let answer = self.command(DRIFT_FORMS[0].1).await?;
        let report: Value = serde_json::from_str(answer.text())
            .map_err(|error| CliError::new("the drift report is no JSON").because(error))?;
        match tampering::missing(&report).as_slice() {
            [] => Ok(()),
            missing => Err(CliError::new(format!("drift did not find: {}", missing.join(", ")))),
        }
    }

    fn end(&mut self, root: &Path) {
        let bold = Style::new().bold();
        let folder = root.display();
        let _ = write!(
            self.text,
            "\n{bold}# What is left in {folder}{bold:#}\n\
             reports/       everything above, plan and drift as JSON and markdown too\n\
             archive/       the logs of the hour, where the program has SQL\n\
             policies/      every policy document, with an index\n\
             estate.json    the organization and what it has now\n\
             orgtrail.yaml  the configuration\n\
             Go on by yourself: cd {folder} && orgtrail plan --estate estate.json\n"
        );
    }
}
