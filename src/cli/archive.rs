//! `orgtrail verify` and `orgtrail coverage` as part of the whole program: where the configuration's logs are, who should
//! deliver them, and where the answer goes.

use std::io::{self, Write};

use jiff::Timestamp;

use super::coverage::{self, CoverageArgs};
use super::failure::Failure;
use super::logs::{LogFormat, Surroundings};
use super::session::{Access, Session};
use super::ui::{Ui, write_file};
use super::validate::load;
use super::verify::{self, VerifyArgs};
use super::{Answer, Common, Format};
use crate::config::Config;
use crate::config::names::{NameContext, render_name};
use crate::logs::coverage::{Expected, ExpectedAccount};
use crate::survey::SurveyOptions;

/// Runs `verify`.
pub async fn verify(common: &Common, args: &VerifyArgs, ui: &Ui) -> Result<Answer, Failure> {
    let around = surroundings(common, ui)?;
    let place = if args.place.is_some() { None } else { place(common)? };
    let mut out = Sink::new(common, ui);
    let outcome = verify::run(args, place, &around, &mut out).await;
    let outcome = outcome.map_err(|error| Failure::new("there is no verdict").because(error))?;
    out.finish()?;
    Ok(Answer::new("", outcome))
}

/// Runs `coverage`.
pub async fn coverage(common: &Common, args: &CoverageArgs, ui: &Ui) -> Result<Answer, Failure> {
    let around = surroundings(common, ui)?;
    let (place, expected) = match args.place {
        Some(_) => (None, Expected::default()),
        None => (place(common)?, expected(common, ui).await?),
    };
    let mut out = Sink::new(common, ui);
    let outcome = coverage::run(args, place, expected, &around, &mut out).await;
    let outcome = outcome.map_err(|error| Failure::new("nothing is known of the coverage").because(error))?;
    out.finish()?;
    Ok(Answer::new("", outcome))
}

fn surroundings(common: &Common, ui: &Ui) -> Result<Surroundings, Failure> {
    let format = match common.format() {
        Format::Human => LogFormat::Human,
        Format::Json => LogFormat::Json,
        Format::Jsonl => LogFormat::Jsonl,
        Format::Markdown => LogFormat::Markdown,
        Format::Html => LogFormat::Html,
        other => return Err(other.unknown_to("verify and coverage", "human, json, jsonl, markdown and html")),
    };
    Ok(Surroundings {
        now: Timestamp::now(),
        format,
        width: ui.width(),
        is_coloured: ui.is_coloured(),
        key_ring: Surroundings::usual_key_ring(),
    })
}

/// Returns where the configuration's logs are; nothing without a configuration.
fn place(common: &Common) -> Result<Option<String>, Failure> {
    if !common.config.exists() {
        return Ok(None);
    }
    let config = load(&common.config)?;
    let bucket = bucket_name(&config)?;
    let prefix = &config.bucket.prefix;
    Ok(Some(if prefix.is_empty() { format!("s3://{bucket}") } else { format!("s3://{bucket}/{prefix}") }))
}

/// A name that needs the organization would need its credentials, and the reader of the logs may have none.
fn bucket_name(config: &Config) -> Result<String, Failure> {
    let context = NameContext {
        deployment: Some(&config.deployment),
        organization_id: config.organization.id.as_ref().map(|id| id.as_str()),
        region: Some(config.home_region.as_str()),
        account_id: Some(&config.accounts.log)
            .filter(|log| log.bytes().all(|b| b.is_ascii_digit()))
            .map(String::as_str),
        account_name: None,
    };
    render_name(&config.bucket.name, &context).map_err(|error| {
        Failure::new("the bucket's name cannot be known without the organization")
            .because(error)
            .hint("name the place of the logs: s3://BUCKET/PREFIX or a folder")
    })
}

/// Returns the accounts that should deliver: those of the organization, where it can be read.
async fn expected(common: &Common, ui: &Ui) -> Result<Expected, Failure> {
    if !common.config.exists() {
        return Ok(Expected::default());
    }
    let session = match Session::open(common, Access::ReadOnly).await {
        Ok(session) => session,
        Err(failure) => return Ok(unknown(ui, &failure)),
    };
    let discovered = session.surveyor(ui).discover(SurveyOptions::default()).await;
    ui.end_progress();
    let organization = match discovered {
        Ok((organization, _)) => organization,
        Err(error) => return Ok(unknown(ui, &Failure::from(error))),
    };
    let accounts = organization.accounts.into_iter().map(|(id, account)| {
        (id, ExpectedAccount { name: account.name, is_active: account.state.is_active(), regions: None })
    });
    Ok(Expected { accounts: accounts.collect(), trails: Vec::new() })
}

/// Without the organization an account that never delivered anything cannot be missed, which has to be said.
fn unknown(ui: &Ui, why: &Failure) -> Expected {
    ui.note(&format!("the organization cannot be read, so accounts without any log are not missed: {}", why.what));
    Expected::default()
}

/// Where an answer goes: as it is made to standard output, or whole to the file of `--output`.
enum Sink<'a> {
    Stream(Box<dyn Write + Send>),
    File(Vec<u8>, &'a std::path::Path),
}

impl<'a> Sink<'a> {
    fn new(common: &'a Common, ui: &Ui) -> Self {
        match &common.output {
            Some(path) => Sink::File(Vec::new(), path),
            None => Sink::Stream(ui.out()),
        }
    }

    fn finish(self) -> Result<(), Failure> {
        match self {
            Sink::Stream(_) => Ok(()),
            Sink::File(bytes, path) => write_file(path, &String::from_utf8_lossy(&bytes)),
        }
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Sink::Stream(out) => out.write(bytes),
            Sink::File(buffer, _) => buffer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Sink::Stream(out) => out.flush(),
            Sink::File(..) => Ok(()),
        }
    }
}
