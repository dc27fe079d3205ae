//! `orgtrail verify --seal`: writes into a lake which days of delivery were proved whole, and are wholly in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::{failed, place};
use crate::archive::find::ScopeFilter;
use crate::archive::listing::{Archive, LogFile, LogPlace};
use crate::archive::window::{Window, start_of};
use crate::cli::Common;
use crate::cli::failure::CliError;
use crate::cli::logs::{LogSources, LogsContext, LogsError};
use crate::lake::layout::{LedgerId, number_of};
use crate::lake::ledger::Ledger;
use crate::lake::reading::Lake;
use crate::lake::seal::Seal;
use crate::lake::update::source_of;
use crate::logs::sealed::{DayProof, day_proofs};
use crate::logs::verify::{Source, Verification};

/// What became of the days.
#[derive(Debug, Default)]
struct Sealed {
    /// The days that are sealed now.
    whole: Vec<Date>,
    /// Those that are not, each with the first reason.
    open: Vec<(Date, String)>,
}

impl Sealed {
    /// Returns it for a person.
    fn text(&self, lake: &str) -> String {
        let first = |days: &[Date]| match days {
            [] => String::new(),
            [one] => format!(" ({one})"),
            [first, .., last] => format!(" ({first} to {last})"),
        };
        let open: Vec<String> = self.open.iter().take(3).map(|(day, why)| format!("{day}: {why}")).collect();
        let more = if open.is_empty() {
            String::new()
        } else {
            format!("; not sealed {}: {}", self.open.len(), open.join("; "))
        };
        format!("lake {lake}: days sealed {}{}{more}", self.whole.len(), first(&self.whole))
    }
}

/// Refuses a lake that may not be written to, before a proof that may take hours.
///
/// # Errors
/// As [`place::NamedPlace::open_to_write`].
pub(in crate::cli) async fn must_be_writable(
    named: Option<&Path>,
    configured: Option<PathBuf>,
    common: &Common,
    around: &LogsContext,
) -> Result<(), CliError> {
    let config = if configured.is_some() { common.configuration()? } else { None };
    let place = place::must_be_apart(&lake_of(named, configured), &[])?;
    place.open_to_write(around, None, common, config.as_ref()).await.map(|_| ())
}

fn lake_of(named: Option<&Path>, configured: Option<PathBuf>) -> PathBuf {
    let usual = || configured.unwrap_or_else(|| super::LAKE.into());
    named.map_or_else(usual, Path::to_owned)
}

/// Seals the days of a lake that are proved, and says which.
///
/// # Errors
/// Where the lake cannot be reached, read or written.
pub(in crate::cli) async fn sealed(
    named: Option<&Path>,
    configured: Option<PathBuf>,
    answer: &Verification,
    places: &LogSources,
    around: &LogsContext,
) -> Result<String, LogsError> {
    if places.bundle().is_some() {
        return Err(LogsError::Seal(
            "evidence does not tell which log files there are now; verify the logs".to_owned(),
        ));
    }
    let lake = lake_of(named, configured);
    let sealed = seal(&lake, answer, places.sources(), around).await;
    let (name, sealed) = sealed.map_err(|failure| LogsError::Seal(failure.as_cause()))?;
    Ok(sealed.text(&name))
}

/// Seals the days of a lake that a verification of all accounts and regions proves.
///
/// # Errors
/// Where the lake cannot be reached, read or written.
async fn seal(
    named: &Path,
    answer: &Verification,
    sources: Vec<Source>,
    around: &LogsContext,
) -> Result<(String, Sealed), CliError> {
    let store = place::must_be_apart(named, &[])?.open(around, None).await?;
    let lake = Lake::open(store).await.map_err(failed)?;
    let place = |source: Source| LogPlace {
        store: source.store,
        sought: ScopeFilter { prefix: source.prefix, ..ScopeFilter::default() },
    };
    let archive = Arc::new(Archive::new(sources.into_iter().map(place).collect(), SignedDuration::ZERO));
    let mut sealed = Sealed::default();
    for (day, proof) in day_proofs(answer) {
        let seal = seal_of(&lake, &archive, day, proof, answer.now).await?;
        seal.write(lake.store.as_ref()).await.map_err(failed)?;
        match seal.others.iter().next() {
            None => sealed.whole.push(day),
            Some((what, why)) => sealed.open.push((day, format!("{what}: {why}"))),
        }
    }
    Ok((lake.store.name(), sealed))
}

/// Compares the log files of a day with what the lake has of it.
async fn seal_of(lake: &Lake, archive: &Archive, day: Date, proof: DayProof, now: Timestamp) -> Result<Seal, CliError> {
    let mut seal = Seal { attested: proof.attested, others: proof.others, ..Seal::of(day, now) };
    let start = start_of(day);
    let end = start.checked_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX);
    let listing = archive.list(&Window { from: Some(start), to: Some(end), ..Window::default() }).await;
    for (key, why) in &listing.refused {
        seal.others.insert(key.clone(), why.clone());
    }
    let slots = lake.identity.slots;
    let mut ledgers: BTreeMap<u16, (Ledger, String)> = BTreeMap::new();
    for number in 0..slots {
        let id = LedgerId { day, number };
        if let Some((ledger, digest)) = lake.ledger_with_digest(&id).await.map_err(failed)? {
            seal.ledgers.insert(number, digest.clone());
            ledgers.insert(number, (ledger, digest));
        }
    }
    let is_of_day = |file: &&LogFile| LedgerId::of(file.made, 0).day == day;
    for file in listing.files.iter().filter(is_of_day) {
        let (account, region) = (&file.chain.account, &file.chain.region);
        let known = ledgers.get(&number_of(account, slots)).map(|(ledger, _)| ledger);
        let why = match known.and_then(|ledger| ledger.entries.get(&source_of(file))) {
            Some(entry) if entry.unread == 0 => continue,
            Some(entry) => format!("a part of {} could not be read: {}", file.key, entry.why),
            None => format!("{} is not in the lake", file.key),
        };
        seal.attested.remove(&(account.clone(), region.clone()));
        seal.others.entry(format!("{account}/{region}")).or_insert(why);
    }
    Ok(seal)
}
