//! `orgtrail render`: writes every policy document as it would be sent, with an index, for review.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::failure::CliError;
use super::outcome::Outcome;
use super::session::{Access, Session};
use super::summary::Summary;
use super::ui::{Ui, write_file};
use super::{CommandOutput, Common};
use crate::estate::{Address, Desired, Estate, Kind, Resource};
use crate::files::Readers;
use crate::plan::effective;
use crate::policy::{PolicyDocument, lint};
use crate::report::rendered::{self, RenderedFile};
use crate::report::text::{escape, words};
use crate::survey::SurveyOptions;

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct RenderArgs {}

/// One document and where it belongs.
pub struct RenderedPolicy {
    /// The resource that has it.
    pub address: Address,
    /// Which of its policies: `trust`, `inline.ReadOwnLogs`, `policy`.
    pub part: String,
    /// The document.
    pub policy: PolicyDocument,
}

/// Runs the command.
pub async fn run(common: &Common, _args: &RenderArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    let Some(folder) = common.place() else {
        return Err(CliError::new("no folder to write to").hint("name one: `orgtrail render --output DIR`"));
    };
    let session = Session::open(common, Access::ReadOnly).await?;
    let survey = session.surveyor(ui).survey(&SurveyOptions::default()).await?;
    ui.end_progress();
    let count = write_documents(folder, &session.config.deployment, &documents(&survey.desired, &survey.observed))?;
    let documents = words::count(count, "document");
    let summary = Summary::new("Render", &format!("{documents} written to {}", folder.display()))
        .unreadable(&survey.plan.problems);
    if survey.plan.problems.is_empty() {
        return Ok(CommandOutput::one(String::new(), Outcome::Clean, summary));
    }
    ui.note("some accounts could not be read: statements of others in their documents are missing here");
    Ok(CommandOutput::one(String::new(), Outcome::Partial, summary))
}

/// Returns every document of a desired estate, as it would be sent.
pub fn documents(desired: &Desired, observed: &Estate) -> Vec<RenderedPolicy> {
    let mut list = Vec::new();
    for (address, wanted) in &desired.wanted {
        let mut add = |part: &str, policy: PolicyDocument| {
            list.push(RenderedPolicy { address: address.clone(), part: part.to_owned(), policy });
        };
        match effective(desired, observed, address, wanted) {
            Resource::BucketPolicy(r) => add("policy", r.policy),
            Resource::KeyPolicy(r) => add("policy", r.policy),
            Resource::Topic(r) => add("policy", r.policy),
            Resource::ServiceControlPolicy(r) => add("document", r.document),
            Resource::Policy(r) => add("document", r.document),
            Resource::Role(r) => {
                add("trust", r.trust);
                r.inline.into_iter().for_each(|(name, policy)| add(&name, policy));
            }
            Resource::Queue(r) => r.policy.into_iter().for_each(|policy| add("policy", policy)),
            Resource::TrustedAccess(_)
            | Resource::DelegatedAdministrator(_)
            | Resource::Bucket(_)
            | Resource::Key(_)
            | Resource::LogGroup(_)
            | Resource::Trail(_)
            | Resource::Rule(_)
            | Resource::ConfigAggregator(_) => {}
        }
    }
    list
}

/// Writes the documents into a folder, one folder an account, with an index; returns how many there are.
pub fn write_documents(folder: &Path, deployment: &str, documents: &[RenderedPolicy]) -> Result<usize, CliError> {
    let mut files = Vec::new();
    let mut taken = BTreeSet::new();
    for document in documents {
        let RenderedPolicy { address, part, policy } = document;
        let name = own_file(document, &mut taken);
        let path = folder.join(&name);
        refuse_links(folder, &name)?;
        let into = path.parent().unwrap_or(folder);
        fs::create_dir_all(into)
            .map_err(|error| CliError::new(format!("cannot make the folder {}", into.display())).because(error))?;
        write_file(&path, &escape::json(&policy.to_pretty()), Readers::Umask)?;
        files.push(RenderedFile {
            file: name.display().to_string(),
            address: address.clone(),
            field: part.clone(),
            size_bytes: policy.size_bytes(),
            limit_bytes: limit(address.kind, part).map(lint::size_limit_bytes),
        });
    }
    refuse_links(folder, Path::new("README.md"))?;
    write_file(&folder.join("README.md"), &rendered::index(deployment, &files), Readers::Umask)?;
    Ok(files.len())
}

/// Returns the file of a document, below the folder, which no other has, also where capitals do not count: two names
/// may become the same when they are made safe, and two regions may have resources of one name.
fn own_file(document: &RenderedPolicy, taken: &mut BTreeSet<String>) -> PathBuf {
    let RenderedPolicy { address, part, policy: _ } = document;
    let parent = Path::new(address.account.as_str()).join(address.kind.as_str());
    let (name, part) = (file_name(&address.name), file_name(part));
    let region = address.region.as_ref().map_or("global", |region| region.as_str());
    let plain = std::iter::once(format!("{name}.{part}.json"));
    let numbered = (1_u64..).map(|n| match n {
        1 => format!("{name}.{region}.{part}.json"),
        n => format!("{name}.{region}.{part}.{n}.json"),
    });
    let mut free = plain.chain(numbered).map(|file| parent.join(file));
    // The numbers do not end before the files do.
    let path = free.find(|path| taken.insert(path.to_string_lossy().to_lowercase()));
    path.unwrap_or_else(|| parent.join(format!("{name}.{part}.json")))
}

/// Refuses to write through a link, which may lead out of the folder.
fn refuse_links(folder: &Path, file: &Path) -> Result<(), CliError> {
    let mut at = folder.to_owned();
    for part in file.components() {
        at.push(part);
        if at.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
            let failure = CliError::new(format!("{} is a link, and links are not followed", at.display()));
            return Err(failure.hint("remove it, or choose an empty folder"));
        }
    }
    Ok(())
}

/// The kind of document, as far as its size limit goes.
fn limit(kind: Kind, part: &str) -> Option<lint::Kind> {
    match kind {
        Kind::BucketPolicy => Some(lint::Kind::Bucket),
        Kind::KeyPolicy => Some(lint::Kind::Key),
        Kind::Topic => Some(lint::Kind::Topic),
        Kind::Policy => Some(lint::Kind::Managed),
        Kind::ServiceControlPolicy => Some(lint::Kind::ServiceControl),
        Kind::Role if part == "trust" => Some(lint::Kind::Trust),
        Kind::Role => Some(lint::Kind::RoleInline),
        Kind::TrustedAccess
        | Kind::DelegatedAdministrator
        | Kind::Bucket
        | Kind::Key
        | Kind::LogGroup
        | Kind::Trail
        | Kind::Queue
        | Kind::Rule
        | Kind::ConfigAggregator => None,
    }
}

/// A name as a file's name: a slash would make a folder, and two dots could lead out of it.
fn file_name(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-_@+=,".contains(c) { c } else { '_' };
    name.chars().map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(address: &str) -> RenderedPolicy {
        let policy = PolicyDocument::default();
        RenderedPolicy { address: address.parse().unwrap(), part: "policy".into(), policy }
    }

    #[test]
    fn two_documents_never_share_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let documents = [
            "222222222222/eu-central-1/topic/acme",
            "222222222222/eu-central-1/topic/Acme",
            "222222222222/us-east-1/topic/acme",
            "222222222222/eu-central-1/key_policy/alias/a/b",
            "222222222222/eu-central-1/key_policy/alias/a_b",
        ];
        let documents: Vec<RenderedPolicy> = documents.iter().map(|address| document(address)).collect();
        assert_eq!(write_documents(folder.path(), "acme", &documents).unwrap(), 5);
        let files = |kind: &str| fs::read_dir(folder.path().join("222222222222").join(kind)).unwrap().count();
        assert_eq!((files("topic"), files("key_policy")), (3, 2));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("222222222222")).unwrap();
        let documents = [document("222222222222/eu-central-1/topic/acme")];
        let failure = write_documents(folder.path(), "acme", &documents).unwrap_err();
        assert!(failure.to_string().contains("is a link"), "{failure}");
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
}
