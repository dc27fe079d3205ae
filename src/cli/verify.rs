//! `orgtrail verify`: proves that the logs are complete and untouched.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::failure::Failure;
use super::logs::{Lazy, LogsError, Place, Surroundings, duration, open, read_keys, time};
use super::outcome::{ERROR_CODE, Outcome};
use super::signal::told_to_stop_or_left_alone;
use super::ui::{Ui, write_whole};
use super::{Answer as Printed, Common, Format, archive};
use crate::ids::{AccountId, Region};
use crate::logs::bundle::{BundleWriter, Header, RecordingStore};
use crate::logs::checkpoint::Checkpoint;
use crate::logs::digest::keys::KeyRing;
use crate::logs::finding::State;
use crate::logs::store::Store;
use crate::logs::verify::{Answer, BACKFILL_GRACE, KeyFinder, KeyService, Recheck, Request, Sought, Stop, Verifier};
use crate::report::logs::{model::Proof, page, verify as report};

/// Prove that the logs are complete and untouched.
#[derive(Debug, Clone, clap::Args)]
pub struct VerifyArgs {
    /// s3://bucket/prefix, a folder with a copy of the bucket, or an evidence bundle [default: the bucket of the
    /// configuration]
    pub place: Option<String>,
    /// File with CloudTrail's public keys by region; nothing else is then asked or trusted
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// File that keeps every public key ever seen [default: orgtrail/keys.json in the user's data folder]
    #[arg(long, value_name = "FILE", conflicts_with = "keys")]
    pub key_ring: Option<PathBuf>,
    /// Only hours that end after this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub from: Option<Timestamp>,
    /// Only hours that start before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub to: Option<Timestamp>,
    /// Only this account
    #[arg(long, value_name = "ID")]
    pub account: Option<AccountId>,
    /// Only this region
    #[arg(long, value_name = "REGION")]
    pub region: Option<Region>,
    /// Accept digests that were delivered to this bucket: a copy of it is proved (may be given several times)
    #[arg(long = "bucket", value_name = "NAME")]
    pub buckets: Vec<String>,
    /// How long a log file may wait for a backfill digest before it counts as unlisted
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub backfill_grace: Option<SignedDuration>,
    /// File that keeps how far each chain is proved, so that the next run reads only what is new
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Read again what the checkpoint says is proved: full, or sample=1%
    #[arg(long, value_name = "full|sample=N%", value_parser = recheck, requires = "checkpoint")]
    pub recheck: Option<Recheck>,
    /// Write the evidence to a file that `orgtrail verify FILE` can check again without AWS
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
}

/// Runs the command. JSON Lines are printed while it works, every other answer at the end.
pub(super) async fn command(common: &Common, args: &VerifyArgs, ui: &Ui) -> Result<Printed, Failure> {
    let place = match &args.place {
        Some(_) => None,
        None => archive::place(common)?,
    };
    let around = Surroundings::of(common, ui)?;
    if common.format() == Format::Jsonl && common.output.is_none() {
        return match run(args, place, &around, &mut io::stdout()).await {
            Err(LogsError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                Ok(Printed::new("", Outcome::Clean))
            }
            done => Ok(Printed::new("", done?)),
        };
    }
    let mut text = Vec::new();
    let outcome = run(args, place, &around, &mut text).await?;
    Ok(Printed::new(String::from_utf8_lossy(&text), outcome))
}

/// Proves what was asked for and writes the answer to `out`. `place` is where the configuration's logs lie, if there is one.
///
/// # Errors
/// When there is no answer; a broken or unproven chain is one.
pub async fn run(
    args: &VerifyArgs,
    place: Option<String>,
    around: &Surroundings,
    out: &mut (dyn Write + Send),
) -> Result<Outcome, LogsError> {
    let named = args.place.clone().or(place).ok_or(LogsError::NoPlace)?;
    if let (Some(from), Some(to)) = (args.from, args.to)
        && to <= from
    {
        return Err(LogsError::EmptyRange { from, to });
    }
    let aws = Lazy::new(around, args.region.clone());
    let (place, prefix) = open(&named, &aws).await?;
    let mut request = request(args, &place, prefix, around);
    let mut checkpoint = read_checkpoint(args, &place)?;
    request.checkpoint = checkpoint.marks.clone();
    let ring_file = args.key_ring.as_ref().or(around.key_ring.as_ref()).filter(|_| args.keys.is_none());
    let keys = Arc::new(key_finder(args, &place, ring_file.map(PathBuf::as_path), &aws).await?);
    let (store, bundle) = recorded(args, &place, &request)?;
    let verifier = Verifier::new(store, Arc::clone(&keys));
    let answer = prove(&verifier, &request, around.format, out).await?;
    let answer = with_notes(answer, &place, args);
    write_answer(&answer, around, out)?;
    finish_bundle(args, bundle, &keys.ring().await, &answer)?;
    write_ring(ring_file.map(PathBuf::as_path), &keys.ring().await)?;
    checkpoint.advance(&answer);
    if let Some(file) = &args.checkpoint {
        save(file, &checkpoint.text())?;
    }
    Ok(match answer.state() {
        State::Attested => Outcome::Clean,
        State::Unproven => Outcome::Partial,
        State::Broken => Outcome::Finding,
    })
}

/// Returns what is asked for. A bundle brings its own range and present, unless the user gives another range.
fn request(args: &VerifyArgs, place: &Place, prefix: String, around: &Surroundings) -> Request {
    let header = match place {
        Place::Bundle(bundle) => Some(bundle.header()),
        Place::Bucket(_) | Place::Folder(_) => None,
    };
    let now = header.map_or(around.now, |header| header.now);
    Request {
        sought: Sought { prefix, account: args.account.clone(), region: args.region.clone() },
        from: args.from.or(header.and_then(|header| header.from)),
        to: args.to.or(header.and_then(|header| header.to)),
        buckets: args.buckets.clone(),
        backfill_grace: args.backfill_grace.unwrap_or(BACKFILL_GRACE),
        recheck: args.recheck.unwrap_or_default(),
        chains_at_once: around.chains_at_once,
        ..Request::all(now)
    }
}

async fn key_finder(
    args: &VerifyArgs,
    place: &Place,
    ring_file: Option<&Path>,
    aws: &Lazy,
) -> Result<KeyFinder, LogsError> {
    if let Some(file) = &args.keys {
        return Ok(KeyFinder::new(read_keys(file)?, None));
    }
    if let Place::Bundle(bundle) = place {
        return Ok(KeyFinder::new(bundle.keys().clone(), None));
    }
    let known = match ring_file.filter(|file| file.exists()) {
        Some(file) => read_keys(file)?,
        None => KeyRing::default(),
    };
    Ok(KeyFinder::new(known, Some(Arc::new(aws.connection().await.public_keys()) as Arc<dyn KeyService>)))
}

fn read_checkpoint(args: &VerifyArgs, place: &Place) -> Result<Checkpoint, LogsError> {
    let store = place.store().name();
    let Some(file) = args.checkpoint.as_ref().filter(|file| file.exists()) else {
        return Ok(Checkpoint { store, ..Checkpoint::default() });
    };
    let text = fs::read_to_string(file).map_err(|source| LogsError::File { file: file.clone(), source })?;
    Checkpoint::parse(&text, &store).map_err(|source| LogsError::Checkpoint { file: file.clone(), source })
}

type Recorded = (Arc<dyn Store>, Option<Arc<BundleWriter>>);

fn recorded(args: &VerifyArgs, place: &Place, request: &Request) -> Result<Recorded, LogsError> {
    let store = place.store();
    let Some(file) = &args.bundle else { return Ok((store, None)) };
    let out = fs::File::create(file).map_err(|source| LogsError::File { file: file.clone(), source })?;
    let header = Header::new(store.name(), store.bucket().map(str::to_owned), request);
    let bundle = BundleWriter::new(Box::new(io::BufWriter::new(out)), header);
    Ok((Arc::new(RecordingStore::new(store, Arc::clone(&bundle))), Some(bundle)))
}

/// Runs the proof; an interrupt ends it early, a second one ends the program.
async fn prove(
    verifier: &Verifier,
    request: &Request,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<Answer, LogsError> {
    let watch = tokio::spawn(stop_on_interrupt(Arc::clone(&verifier.stop)));
    let mut written = Ok(());
    let answer = verifier
        .run(request, |chain| {
            if format == Format::Jsonl && written.is_ok() {
                written = out.write_all(report::json_line(chain).as_bytes()).and_then(|()| out.flush());
            }
        })
        .await;
    watch.abort();
    written?;
    answer.map_err(|source| LogsError::Listing { store: verifier.store.name(), source })
}

async fn stop_on_interrupt(stop: Arc<Stop>) {
    told_to_stop_or_left_alone().await;
    stop.set();
    told_to_stop_or_left_alone().await;
    std::process::exit(i32::from(ERROR_CODE));
}

fn with_notes(mut answer: Answer, place: &Place, args: &VerifyArgs) -> Answer {
    if matches!(place, Place::Bundle(_)) && args.keys.is_none() {
        let note = "the public keys are those of the bundle itself: compare them with CloudTrail's, or give --keys";
        answer.notes.push(note.into());
    }
    answer
}

fn write_answer(answer: &Answer, around: &Surroundings, out: &mut (dyn Write + Send)) -> Result<(), LogsError> {
    let text = match around.format {
        Format::Human => report::human(answer, around.width, around.is_coloured),
        Format::Json => report::json(answer),
        Format::Jsonl => report::json_summary_line(answer),
        Format::Markdown => report::markdown(answer),
        Format::Html => page::verify(answer)?,
        Format::Sarif | Format::Junit | Format::Ocsf | Format::Asff => return Err(LogsError::Form),
    };
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

fn finish_bundle(
    args: &VerifyArgs,
    bundle: Option<Arc<BundleWriter>>,
    keys: &KeyRing,
    answer: &Answer,
) -> Result<(), LogsError> {
    let (Some(file), Some(bundle)) = (&args.bundle, bundle) else { return Ok(()) };
    let report = serde_json::json!(Proof::of(answer));
    bundle.finish(keys, report).map_err(|source| LogsError::File { file: file.clone(), source })
}

/// Adds the keys of a run to the key ring file. Keys that it has are never changed.
fn write_ring(file: Option<&Path>, seen: &KeyRing) -> Result<(), LogsError> {
    let Some(file) = file else { return Ok(()) };
    let mut ring = if file.exists() { read_keys(file)? } else { KeyRing::default() };
    let before = ring.clone();
    ring.merge(seen);
    if ring == before { Ok(()) } else { save(file, &ring.file_text()) }
}

fn save(file: &Path, text: &str) -> Result<(), LogsError> {
    let fault = |source| LogsError::File { file: file.to_owned(), source };
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(fault)?;
    }
    write_whole(file, text).map_err(fault)
}

fn recheck(text: &str) -> Result<Recheck, String> {
    let wrong = || format!("{text:?} is neither full nor sample=N% with N from 0.01 to 100");
    if text == "full" {
        return Ok(Recheck::Full);
    }
    let percent = text.strip_prefix("sample=").and_then(|rest| rest.strip_suffix('%')).ok_or_else(wrong)?;
    let percent: f64 = percent.parse().map_err(|_| wrong())?;
    if !(0.01..=100.0).contains(&percent) {
        return Err(wrong());
    }
    // At most 10,000 by the check above.
    Ok(Recheck::OneIn((100.0 / percent).round() as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read() {
        assert_eq!(recheck("full"), Ok(Recheck::Full));
        assert_eq!(recheck("sample=1%"), Ok(Recheck::OneIn(100)));
        assert_eq!(recheck("sample=100%"), Ok(Recheck::OneIn(1)));
        for wrong in ["", "sample", "sample=0%", "sample=101%", "sample=x%", "sample=1"] {
            assert!(recheck(wrong).is_err(), "{wrong}");
        }
    }
}
