//! What `orgtrail init` must know: given by flags, asked on a terminal, or taken as a default with `--yes`.

use super::InitArgs;
use crate::cli::failure::CliError;
use crate::cli::ui::Ui;
use crate::desire::alike::alike;
use crate::ids::{AccountId, Region};
use crate::init::found::ExistingTrail;
use crate::init::{Answers, BUCKET_DEFAULT, DEPLOYMENT_DEFAULT, check_deployment, guess_log_account};
use crate::organization::Organization;
use crate::report::text::words;

/// One thing to know.
struct Question<'a> {
    flag: &'static str,
    words: &'static str,
    given: Option<String>,
    default: Option<String>,
    check: &'a dyn Fn(&str) -> Result<(), String>,
}

/// Collects answers, and the flags of those that nobody gave.
struct Asker<'a> {
    ui: &'a Ui,
    yes: bool,
    missing: Vec<String>,
}

impl Asker<'_> {
    fn ask(&mut self, question: Question<'_>) -> Result<String, CliError> {
        let Question { flag, words, given, default, check } = question;
        if let Some(text) = given {
            let wrong = |why| CliError::new(format!("{flag} {text:?} cannot be used: {why}"));
            return check(&text).map(|()| text.clone()).map_err(wrong);
        }
        match default {
            default if !self.yes && self.ui.is_interactive() => self.ui.ask(words, default, check),
            Some(default) if self.yes => Ok(default),
            default => {
                let shown = default.map(|text| format!(" (--yes takes {text})")).unwrap_or_default();
                self.missing.push(format!("{flag}{shown}"));
                Ok(String::new())
            }
        }
    }

    /// Returns the error of all that is missing.
    fn finish(self) -> Result<(), CliError> {
        if self.missing.is_empty() {
            return Ok(());
        }
        let failure = CliError::new("missing values and no terminal to prompt for them; nothing was written");
        Err(failure.hint(format!("give {}", words::list(&self.missing))))
    }
}

fn asker<'a>(args: &InitArgs, ui: &'a Ui) -> Asker<'a> {
    Asker { ui, yes: args.yes, missing: Vec::new() }
}

fn deployment_question(args: &InitArgs) -> Question<'static> {
    Question {
        flag: "--deployment",
        words: "Name of the deployment",
        given: args.deployment.clone(),
        default: Some(DEPLOYMENT_DEFAULT.to_owned()),
        check: &|text| check_deployment(text),
    }
}

/// Returns the deployment's name.
///
/// # Errors
/// Where it is not given and nobody can be asked.
pub(super) fn deployment(args: &InitArgs, ui: &Ui) -> Result<String, CliError> {
    let mut asker = asker(args, ui);
    let name = asker.ask(deployment_question(args))?;
    asker.finish().map(|()| name)
}

/// Returns all answers.
///
/// # Errors
/// Where something is wrong, or is not given and nobody can be asked.
pub(super) fn answers(
    organization: &Organization,
    found: &[ExistingTrail],
    args: &InitArgs,
    ui: &Ui,
) -> Result<Answers, CliError> {
    let mut asker = asker(args, ui);
    let deployment = asker.ask(deployment_question(args))?;
    let is_account = |text: &str| account(organization, text).map(drop);
    let log_account = asker.ask(Question {
        flag: "--log-account",
        words: "Account of the log bucket, by id or name",
        given: args.log_account.clone(),
        default: guess_log_account(organization).map(ToString::to_string),
        check: &is_account,
    })?;
    let is_region = |text: &str| text.parse::<Region>().map(drop).map_err(|error| error.to_string());
    let home_region = asker.ask(Question {
        flag: "--home-region",
        words: "Home region",
        given: args.home_region.as_ref().map(ToString::to_string),
        default: found.iter().find_map(|trail| trail.address.region.as_ref()).map(ToString::to_string),
        check: &is_region,
    })?;
    let answers = |bucket: &str| -> Result<Answers, CliError> {
        Ok(Answers {
            deployment: deployment.clone(),
            log_account: account(organization, &log_account).map_err(CliError::new)?,
            home_region: home_region.parse().map_err(|error| CliError::new("no region").because(error))?,
            bucket: bucket.to_owned(),
            member_role: args.member_role.clone(),
        })
    };
    // Without the other answers nothing can be said of the name, and they are asked for first.
    let is_bucket = |text: &str| answers(text).map_or(Ok(()), |answers| super::check_bucket(organization, &answers));
    let bucket = asker.ask(Question {
        flag: "--bucket",
        words: "Name of the log bucket, unique in the world",
        given: args.bucket.clone(),
        default: Some(BUCKET_DEFAULT.to_owned()),
        check: &is_bucket,
    })?;
    asker.finish()?;
    answers(&bucket)
}

/// Finds an active account by id or name.
///
/// # Errors
/// Where there is none, or more than one.
pub(super) fn account(organization: &Organization, text: &str) -> Result<AccountId, String> {
    match organization.find(text)[..] {
        [] => Err(format!("organization {} has no account {text:?}{}", organization.id, alike(organization, text))),
        [id] => match organization.accounts.get(id) {
            Some(account) if !account.state.is_active() => Err(format!("account {id} is {}", account.state.as_str())),
            _ => Ok(id.clone()),
        },
        ref many => {
            let ids: Vec<&str> = many.iter().map(|id| id.as_str()).collect();
            Err(format!("several accounts are called {text:?}: {}; give the id", words::list(&ids)))
        }
    }
}
