//! What `verify` knows besides the place: where a configuration's logs are, what should be there, and how long it is
//! kept.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::archive::{self, Archive};
use super::{LogSourceError, LogsEntry, LogsError};
use crate::cli::Common;
use crate::cli::failure::CliError;
use crate::cli::ui::Ui;
use crate::config::names::render_name;
use crate::files;
use crate::ids::AccountId;
use crate::log_path::DigestKey;
use crate::logs::bundle::BundleStore;
use crate::logs::checkpoint::Checkpoint;
use crate::logs::expected::{Expected, ExpectedAccount};
use crate::logs::verify::{Expectation, ExpectedChain};

/// What is known besides what the user names.
#[derive(Debug, Clone, Default)]
pub struct ConfiguredLogs {
    /// Where the logs are that a configuration tells of: the places that the user names; else where they are written
    /// today, then the places of its `earlier:`.
    pub places: Vec<String>,
    /// What there should be; not set where neither a configuration nor the user says it.
    pub expected: Option<Expectation>,
    /// The organization's id (`o-…`); not set where it is not known.
    pub organization: Option<String>,
    /// The log account, where the configuration has its id.
    pub log_account: Option<AccountId>,
    /// How the logs are entered. `None` reads them with the credentials of the environment as they are.
    pub entry: Option<LogsEntry>,
    /// After how many days logs are deleted in the first place; not set when the configuration keeps them, or there is
    /// none.
    pub expire_after_days: Option<u32>,
    /// Where the configuration's lake lies; not set where it names none, or there is none.
    pub lake: Option<PathBuf>,
}

impl ConfiguredLogs {
    /// Reads the configuration, where there is one that says something of the places that were `named`, and asks the
    /// organization for its accounts.
    pub(in crate::cli) async fn of(
        common: &Common,
        named: &[String],
        only: Option<&AccountId>,
        ui: &Ui,
    ) -> Result<Self, CliError> {
        let Some(archive) = Box::pin(Archive::read(common, named, only, ui)).await? else { return Ok(Self::default()) };
        let Archive { config, places, expected: accounts, entry } = archive;
        let organization = accounts.organization.clone();
        let context = archive::names_of(&config, organization.as_deref());
        // A name that needs more is not known here, so that its trail is not missed.
        let trails = config.trails.iter().filter_map(|trail| render_name(&trail.name, &context).ok()).collect();
        let lifecycle = config.bucket.lifecycle.as_ref().filter(|_| !accounts.is_elsewhere);
        let expire_after_days = lifecycle.and_then(|lifecycle| lifecycle.expire_after_days);
        let expected = Expectation {
            said_by: vec![format!("the configuration {}", common.config.display())],
            is_organization: !accounts.accounts.is_empty() && only.is_none(),
            accounts,
            trails,
            ..Expectation::default()
        };
        let by_entry = || entry.as_ref().map(|entry| entry.log_account.clone());
        let log_account = config.accounts.log.parse().ok().or_else(by_entry);
        let lake = config.lake.as_ref().map(|lake| lake.place.to_string().into());
        Ok(Self { places, expected: Some(expected), organization, log_account, expire_after_days, entry, lake })
    }

    /// Adds what the user says there should be: account ids, or a file with them, or a checkpoint or bundle of an
    /// earlier run.
    ///
    /// # Errors
    /// When a word is neither an account's id nor a file of one of these kinds.
    pub fn expect(&mut self, words: &[String]) -> Result<(), LogsError> {
        for word in words {
            let expected = self.expected.get_or_insert_default();
            match accounts(word) {
                Some(ids) => add_accounts(expected, ids, "--expect"),
                None => add_file(expected, Path::new(word))?,
            }
        }
        Ok(())
    }
}

/// Reads account ids with commas, blanks or line breaks between them; lines that begin with `#` say nothing.
fn accounts(text: &str) -> Option<Vec<AccountId>> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let words = lines.flat_map(|line| line.split([',', ' ', '\t'])).filter(|word| !word.is_empty());
    let ids: Option<Vec<AccountId>> = words.map(|word| word.parse().ok()).collect();
    ids.filter(|ids| !ids.is_empty())
}

fn add_accounts(expected: &mut Expectation, ids: Vec<AccountId>, said_by: &str) {
    let account = || ExpectedAccount { name: String::new(), is_active: true, regions: None };
    let Expected { accounts, .. } = &mut expected.accounts;
    let known: BTreeMap<AccountId, ExpectedAccount> = ids.into_iter().map(|id| (id, account())).collect();
    for (id, account) in known {
        accounts.entry(id).or_insert(account);
    }
    if !expected.said_by.iter().any(|known| known == said_by) {
        expected.said_by.push(said_by.to_owned());
    }
}

fn add_file(expected: &mut Expectation, file: &Path) -> Result<(), LogsError> {
    let wrong = || LogsError::Expect { word: file.display().to_string() };
    let bytes = match files::read(file, files::BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(wrong()),
        Err(source) => return Err(LogSourceError::Read { file: file.into(), source }.into()),
    };
    let said_by = file.display().to_string();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let bundle = BundleStore::read(bytes.as_slice())
            .map_err(|source| LogSourceError::Bundle { file: file.into(), source })?;
        expected.chains.extend(bundle.chains());
        expected.said_by.push(said_by);
        return Ok(());
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong())?;
    if let Some(ids) = accounts(&text) {
        add_accounts(expected, ids, &said_by);
        return Ok(());
    }
    let checkpoint = Checkpoint::parse_any(&text).map_err(|_| wrong())?;
    let keys = checkpoint.marks.iter().filter_map(|(_, mark)| DigestKey::parse(&mark.object));
    expected.chains.extend(keys.map(ExpectedChain::of));
    expected.said_by.push(said_by);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expected_accounts_are_read_from_words_and_files() {
        assert_eq!(accounts("111111111111,222222222222").unwrap().len(), 2);
        assert_eq!(accounts("# ours\n111111111111\n\n222222222222 333333333333\n").unwrap().len(), 3);
        assert_eq!(accounts("111111111111,x"), None);
        assert_eq!(accounts(""), None);
        let mut known = ConfiguredLogs::default();
        assert!(known.expect(&["no/such/file".into()]).is_err());
        known.expect(&["111111111111".into(), "222222222222".into()]).unwrap();
        let expected = known.expected.unwrap();
        assert_eq!((expected.accounts.accounts.len(), expected.said_by), (2, vec!["--expect".to_owned()]));
    }
}
