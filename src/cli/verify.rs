//! `orgtrail verify`: proves that the logs are complete and untouched.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::failure::CliError;
use super::logs::{
    ConfiguredLogs, Evidence, LazyConnection, LogSourceError, LogSources, LogsContext, LogsError, Ring, duration,
    evidence, read_keys, save, time,
};
use super::outcome::{ERROR_CODE, Outcome};
use super::output::Target;
use super::signal::told_to_stop_or_left_alone;
use super::summary::{self, Summary};
use super::ui::Ui;
use super::{CommandOutput, Common, Format};
use crate::archive::find::ScopeFilter;
use crate::files;
use crate::ids::{AccountId, Region};
use crate::logs::bundle::{Header, signature};
use crate::logs::checkpoint::Checkpoint;
use crate::logs::finding::{Code, Finding, State, TimeRange};
use crate::logs::verify::{
    BACKFILL_GRACE, KeyFinder, KeyService, KeySource, READS_AT_ONCE, Recheck, Verification, Verifier, VerifyRequest,
};
use crate::phase::Phase;
use crate::report::logs::{model::Proof, page, verify as report};
use crate::report::text::words::count;

/// Prove that the logs are complete and untouched.
#[derive(Debug, Clone, clap::Args)]
pub struct VerifyArgs {
    /// Verify a bucket (s3://BUCKET/PREFIX), a folder or a bundle
    ///
    /// Several places are proved together, so that a chain may go on from one to another. [default: the bucket of the
    /// configuration and the places of its `earlier`]
    #[arg(value_name = "PLACE")]
    pub places: Vec<String>,
    /// Trust only the CloudTrail public keys in this file
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// Keep every public key ever seen in this file
    ///
    /// [default: orgtrail/keys.json in the user's data folder]
    #[arg(long, value_name = "FILE", conflicts_with = "keys", hide_short_help = true)]
    pub key_ring: Option<PathBuf>,
    /// Verify only hours that end after this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub from: Option<Timestamp>,
    /// Verify only hours that start before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub to: Option<Timestamp>,
    /// Verify only this account
    #[arg(long, value_name = "ID")]
    pub account: Option<AccountId>,
    /// Verify only this region
    #[arg(long, value_name = "REGION")]
    pub region: Option<Region>,
    /// Name the bucket that a copy was made from (can be repeated)
    #[arg(long = "bucket", value_name = "NAME")]
    pub buckets: Vec<String>,
    /// Expect these accounts, or those of a file or bundle (can be repeated)
    ///
    /// Account ids, a file with them, or a checkpoint or bundle of an earlier run.
    #[arg(long, value_name = "ACCOUNTS", value_delimiter = ',')]
    pub expect: Vec<String>,
    /// Sign the bundle with this KMS key or private key
    ///
    /// A private key is a file (PKCS#8, PEM or DER). The signature tells others who made the bundle.
    #[arg(long, value_name = "KMS-KEY-ARN|FILE", requires = "bundle", hide_short_help = true)]
    pub sign: Option<String>,
    /// Require that this public key signed the bundle
    ///
    /// A file (PEM or DER); another signer is a finding.
    #[arg(long, value_name = "FILE")]
    pub signed_by: Option<PathBuf>,
    /// Accept public keys for which only the bundle vouches
    #[arg(long, conflicts_with = "keys", hide_short_help = true)]
    pub trust_bundle_keys: bool,
    /// Wait this long for a backfill digest [default: 6h]
    ///
    /// How long a log file may wait for a backfill digest before it counts as unlisted.
    #[arg(long, value_name = "DURATION", value_parser = duration, hide_short_help = true)]
    pub backfill_grace: Option<SignedDuration>,
    /// Keep progress in this file, and read only what is new
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Read again what the checkpoint says is proved, or a sample
    #[arg(long, value_name = "full|sample=N%", value_parser = recheck, requires = "checkpoint", hide_short_help = true)]
    pub recheck: Option<Recheck>,
    /// Read this many log files of a chain in parallel
    ///
    /// Of one account and region; a bucket that throttles is asked less.
    #[arg(long, value_name = "N", default_value_t = READS_AT_ONCE, value_parser = reads, hide_short_help = true)]
    pub reads_at_once: usize,
    /// Seal the days of this lake that are proved whole
    ///
    /// A day of delivery is sealed when all accounts and regions are attested, and all their log files are in the lake;
    /// answers say so. [default without a value: `lake.place` of the configuration, else the folder orgtrail-lake]
    #[cfg(feature = "sql")]
    #[arg(long, value_name = "LAKE", num_args = 0..=1, require_equals = true, conflicts_with_all = ["account", "region"])]
    pub seal: Option<Option<PathBuf>>,
    /// Write evidence here, to be verified without AWS
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
}

/// Runs the command. JSON Lines are printed while it works, every other answer at the end.
pub(super) async fn command(common: &Common, args: &VerifyArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    let known = Box::pin(ConfiguredLogs::of(common, &args.places, args.account.as_ref(), ui)).await?;
    let around = LogsContext { entry: known.entry.clone(), ..LogsContext::of(common, ui) };
    #[cfg(feature = "sql")]
    if let Some(lake) = &args.seal {
        super::lake::seal::must_be_writable(lake.as_deref(), known.lake.clone(), common, &around).await?;
    }
    let mut texts: Vec<Vec<u8>> = ui.outputs().iter().map(|_| Vec::new()).collect();
    let (mut stdout, is_alone) = (io::stdout(), texts.len() == 1);
    let mut stdout = UntilClosed { out: &mut stdout, goes_on: !is_alone, is_closed: false };
    let mut reports = Vec::new();
    let mut live: Option<&mut (dyn Write + Send)> = Some(&mut stdout);
    for (output, text) in ui.outputs().iter().zip(&mut texts) {
        let is_live = output.format == Format::Jsonl && output.target == Target::Stdout;
        let out = if is_live { live.take() } else { None };
        reports.push(Report { format: output.format, out: out.unwrap_or(text) });
    }
    let (outcome, summary) = match Box::pin(prove_into(args, known, &around, &mut reports)).await {
        Err(LogsError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            (Outcome::Partial, Summary::new("Verify", "stopped, because the reader of the report closed it"))
        }
        done => done?,
    };
    let texts = texts.iter().map(|text| String::from_utf8_lossy(text).into_owned().into()).collect();
    Ok(CommandOutput::new(texts, outcome, summary))
}

/// A format, and what is written in it.
struct Report<'a> {
    format: Format,
    out: &'a mut (dyn Write + Send),
}

/// Standard output, whose reader may go away (`| head`): the run ends then, unless it has other reports to write.
struct UntilClosed<'a> {
    out: &'a mut (dyn Write + Send),
    goes_on: bool,
    is_closed: bool,
}

impl UntilClosed<'_> {
    fn pass<T>(&mut self, done: io::Result<T>, nothing: T) -> io::Result<T> {
        match done {
            Err(error) if self.goes_on && error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(nothing)
            }
            done => done,
        }
    }
}

impl Write for UntilClosed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_closed {
            return Ok(bytes.len());
        }
        let written = self.out.write(bytes);
        self.pass(written, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_closed {
            return Ok(());
        }
        let flushed = self.out.flush();
        self.pass(flushed, ())
    }
}

/// Proves what was asked for and writes the answer to `out`. `known` is what a configuration tells, if there is one.
///
/// # Errors
/// When there is no answer; a broken or unproven chain is one.
pub async fn run(
    args: &VerifyArgs,
    known: ConfiguredLogs,
    around: &LogsContext,
    out: &mut (dyn Write + Send),
) -> Result<Outcome, LogsError> {
    let mut reports = [Report { format: around.format, out }];
    Ok(Box::pin(prove_into(args, known, around, &mut reports)).await?.0)
}

async fn prove_into(
    args: &VerifyArgs,
    mut known: ConfiguredLogs,
    around: &LogsContext,
    reports: &mut [Report<'_>],
) -> Result<(Outcome, Summary), LogsError> {
    let named = if args.places.is_empty() { known.places.clone() } else { args.places.clone() };
    if named.is_empty() {
        return Err(LogsError::NoPlace);
    }
    if let (Some(from), Some(to)) = (args.from, args.to)
        && to <= from
    {
        return Err(LogsError::EmptyRange { from, to });
    }
    known.expect(&args.expect)?;
    #[cfg(feature = "sql")]
    let lake_of_configuration = known.lake.take();
    let aws = LazyConnection::new(around, args.region.clone());
    evidence::check_key(args.sign.as_ref(), &aws).await?;
    let places = LogSources::open(&named, &aws).await?;
    let (signed, signer) = check_signature(args, &places)?;
    let (mut request, untold) = request(args, &places, known, around);
    let mut checkpoint = read_checkpoint(args, &places)?;
    request.checkpoint.extend(checkpoint.marks.clone());
    request.open.extend(checkpoint.open.clone());
    let ring = match &args.keys {
        // The keys of a file stand alone: none of earlier runs count, and none are kept.
        Some(_) => Ring::none(),
        None => Ring::of(args.key_ring.as_ref(), &places, around, &aws).await?,
    };
    let keys = Arc::new(key_finder(args, &places, &ring, &aws).await?);
    let (sources, bundle) = Evidence::start(args.bundle.as_ref(), &named, &places, &request)?;
    let verifier = Verifier::over(sources, Arc::clone(&keys));
    let phase = Phase::begin("read and prove the logs");
    let mut answer = prove(&verifier, &request, reports).await?;
    let digests: u64 = answer.chains.iter().map(|chain| chain.digests).sum();
    let logs: u64 = answer.chains.iter().map(|chain| chain.logs_attested).sum();
    phase.end(format_args!("{} chains, {digests} digests, {logs} log files attested", answer.chains.len()));
    answer.notes.extend(notes(&request, &places, &ring).into_iter().chain(signed));
    // What was proved stands, whether or not the keys can be kept for later.
    answer.notes.extend(ring.write(&keys.served().await));
    answer.findings.extend(signer.into_iter().chain(untold));
    if let Some(bundle) = places.bundle() {
        answer.findings.extend(Proof::worse_than(bundle.report(), answer.state()));
    }
    #[cfg(feature = "sql")]
    if let Some(lake) = &args.seal {
        let told = super::lake::seal::sealed(lake.as_deref(), lake_of_configuration, &answer, &places, around).await?;
        answer.notes.push(told);
    }
    reports.iter_mut().try_for_each(|report| write_answer(&answer, around, report))?;
    if let Some(bundle) = bundle {
        bundle.finish(args.sign.as_ref(), &keys.ring().await, &answer, &aws).await?;
    }
    checkpoint.advance(&answer);
    if let Some(file) = &args.checkpoint {
        save(file, &checkpoint.text())?;
    }
    let outcome = match answer.state() {
        State::Attested => Outcome::Clean,
        State::Unproven => Outcome::Partial,
        State::Broken => Outcome::Finding,
    };
    Ok((outcome, summary::verify(&answer)))
}

/// Returns what is asked for, and what of it a bundle does not tell. A bundle brings its own range and present, unless
/// the user gives a narrower range.
fn request(
    args: &VerifyArgs,
    places: &LogSources,
    known: ConfiguredLogs,
    around: &LogsContext,
) -> (VerifyRequest, Vec<Finding>) {
    let header = places.bundle().map(|bundle| bundle.header());
    let now = header.map_or(around.now, |header| header.now);
    let ((from, to), untold) = within(header, args.from, args.to);
    let sought = ScopeFilter {
        prefix: String::new(),
        account: args.account.clone().or(header.and_then(|header| header.account.clone())),
        region: args.region.clone().or(header.and_then(|header| header.region.clone())),
        organization: known.organization,
    };
    let text = header.and_then(|header| header.checkpoint.as_ref());
    let checkpoint = text.and_then(|text| Checkpoint::parse_any(text).ok()).unwrap_or_default();
    let of_header = header.map(|header| header.buckets.clone()).unwrap_or_default();
    let request = VerifyRequest {
        checkpoint: checkpoint.marks,
        open: checkpoint.open,
        sought,
        from,
        to,
        buckets: args.buckets.iter().cloned().chain(of_header).collect(),
        expected: known.expected,
        log_account: known.log_account,
        expire_after_days: known.expire_after_days.or(header.and_then(|header| header.expire_after_days)),
        trusts_bundle_keys: args.trust_bundle_keys,
        backfill_grace: args.backfill_grace.unwrap_or(BACKFILL_GRACE),
        recheck: args.recheck.unwrap_or_default(),
        skips_unchanged: args.bundle.is_none(),
        chains_at_once: around.chains_at_once,
        logs_at_once: args.reads_at_once,
        ..VerifyRequest::all(now)
    };
    (request, untold)
}

type Range = (Option<Timestamp>, Option<Timestamp>);

/// Returns the range that is asked for, as far as the run of a bundle looked at it, and what it did not look at.
fn within(header: Option<&Header>, from: Option<Timestamp>, to: Option<Timestamp>) -> (Range, Vec<Finding>) {
    let Some(header) = header else { return ((from, to), Vec::new()) };
    let untold = |start: Timestamp, end: Timestamp| {
        let (code, state, object) = (Code::ChainUnlisted, State::Unproven, None);
        let detail = format!("the bundle does not cover {start} to {end}: its run did not look there");
        let next = Some("ask the place itself, or ask the bundle for what its run looked at".to_owned());
        Finding { code, state, object, window: Some(TimeRange { start, end }), detail, next }
    };
    let last = header.to.unwrap_or(header.now);
    let early = from.zip(header.from).filter(|(from, first)| from < first).map(|(from, first)| untold(from, first));
    let late = to.filter(|to| *to > last).map(|to| untold(last, to));
    let to = to.map(|to| to.min(last)).or(header.to);
    ((from.max(header.from), to), early.into_iter().chain(late).collect())
}

async fn key_finder(
    args: &VerifyArgs,
    places: &LogSources,
    ring: &Ring,
    aws: &LazyConnection,
) -> Result<KeyFinder, LogsError> {
    if let Some(file) = &args.keys {
        return Ok(KeyFinder::of(vec![(KeySource::File, read_keys(file)?)], None));
    }
    let mut at_hand = vec![(KeySource::Ring, ring.read()?)];
    if let Some(bundle) = places.bundle() {
        // A bundle is checked without AWS: what the ring does not have, only the bundle vouches for.
        at_hand.push((KeySource::Bundle, bundle.keys().clone()));
        return Ok(KeyFinder::of(at_hand, None));
    }
    Ok(KeyFinder::of(
        at_hand,
        Some(Arc::new(aws.connection().await.map_err(LogSourceError::from)?.public_keys()) as Arc<dyn KeyService>),
    ))
}

fn read_checkpoint(args: &VerifyArgs, places: &LogSources) -> Result<Checkpoint, LogsError> {
    let store = places.name();
    let Some(file) = args.checkpoint.as_ref().filter(|file| file.exists()) else {
        return Ok(Checkpoint { store, ..Checkpoint::default() });
    };
    let text =
        files::read_text(file, files::BYTES_MAX).map_err(|source| LogsError::File { file: file.clone(), source })?;
    Checkpoint::parse(&text, &store).map_err(|source| LogsError::Checkpoint { file: file.clone(), source })
}

/// Runs the proof; an interrupt ends it early, a second one ends the program.
async fn prove(
    verifier: &Verifier,
    request: &VerifyRequest,
    reports: &mut [Report<'_>],
) -> Result<Verification, LogsError> {
    let watch = tokio::spawn(stop_on_interrupt(verifier.stop.clone()));
    let mut written = Ok(());
    let answer = verifier
        .run(request, |chain| {
            for Report { out, .. } in reports.iter_mut().filter(|report| report.format == Format::Jsonl) {
                if written.is_ok() {
                    written = out.write_all(report::json_line(chain).as_bytes()).and_then(|()| out.flush());
                }
            }
        })
        .await;
    watch.abort();
    written?;
    answer.map_err(|source| LogsError::Listing { store: verifier.name(), source })
}

async fn stop_on_interrupt(stop: CancellationToken) {
    told_to_stop_or_left_alone().await;
    stop.cancel();
    told_to_stop_or_left_alone().await;
    std::process::exit(i32::from(ERROR_CODE));
}

/// Returns what a person should know about how the answer came about.
fn notes(request: &VerifyRequest, places: &LogSources, ring: &Ring) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(bundle) = places.bundle() {
        let header = bundle.header();
        notes.push(format!(
            "this is evidence that orgtrail {} made at {}: whoever ran it read and hashed the log files then, and counts of what \
             was read are of that run; here its signatures, links and hashes were checked again, and no log file was opened",
            header.made_by, header.now
        ));
    }
    if !request.checkpoint.is_empty() && request.recheck == Recheck::Nothing {
        let end = request.checkpoint.iter().map(|(_, mark)| mark.end).max();
        let end = end.map(|end| format!(" (the newest one up to {end})")).unwrap_or_default();
        notes.push(format!(
            "earlier runs proved parts of {}{end}, which were not read again where they cover what is asked: what was changed \
             there since then is not seen; --recheck full reads everything",
            count(request.checkpoint.len(), "chain")
        ));
    }
    notes.extend(ring.note());
    notes
}

fn write_answer(answer: &Verification, around: &LogsContext, report: &mut Report<'_>) -> Result<(), LogsError> {
    let text = match report.format {
        Format::Human => report::human(answer, around.width, around.is_coloured),
        Format::Json => report::json(answer),
        Format::Jsonl => report::json_summary_line(answer),
        Format::Markdown => report::markdown(answer),
        Format::Html => page::verify(answer)?,
        Format::Csv | Format::Parquet | Format::Sarif | Format::Junit | Format::Ocsf | Format::Asff => {
            return Err(LogsError::Format);
        }
    };
    report.out.write_all(text.as_bytes())?;
    Ok(report.out.flush()?)
}

/// What is known of the signature of a bundle: a sentence for people, and what is wrong.
type Signature = (Option<String>, Option<Finding>);

/// Compares the signature of a bundle with the key that should have made it.
fn check_signature(args: &VerifyArgs, places: &LogSources) -> Result<Signature, LogsError> {
    let refused = |why: String| Err(LogsError::Signature(why));
    let wrong = |state, detail| {
        let (code, object, window) = (Code::BundleSigner, None, None);
        Ok((None, Some(Finding { code, state, object, window, detail, next: None })))
    };
    let (key, bundle) = match (&args.signed_by, places.bundle()) {
        (None, None) => return Ok((None, None)),
        (Some(_), None) => return refused("--signed-by is about an evidence bundle, and none is checked".into()),
        (None, Some(bundle)) => {
            let note = bundle.signed().map(|signed| {
                let by = &signed.by;
                format!("the bundle bears a signature of {by}, which was not checked; --signed-by KEY checks it")
            });
            return Ok((note, None));
        }
        (Some(key), Some(bundle)) => (key, bundle),
    };
    let public_key = read_file(key)?;
    if !signature::is_public_key(&public_key) {
        return refused(format!("{} holds no public key in PEM or DER", key.display()));
    }
    match bundle.signed() {
        None => wrong(State::Unproven, format!("the bundle is not signed, so that {} did not sign it", key.display())),
        Some(signed) if signature::is_signed_by(bundle.sha256(), signed, &public_key) => {
            Ok((Some(format!("the bundle is signed by {} ({})", key.display(), signed.by)), None))
        }
        Some(signed) => {
            let by = &signed.by;
            wrong(State::Broken, format!("the bundle names {by} as its signer, and {} did not sign it", key.display()))
        }
    }
}

fn read_file(file: &Path) -> Result<Vec<u8>, LogsError> {
    files::read(file, files::BYTES_MAX).map_err(|source| LogsError::File { file: file.to_owned(), source })
}

fn reads(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=4096).contains(number));
    number.ok_or_else(|| format!("{text:?} is no number from 1 to 4096"))
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
