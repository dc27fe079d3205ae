//! `orgtrail explain`: says what CloudTrail would be refused by other people's policies, and why. Works on files,
//! without a configuration and without AWS; with `--live` on what the configured trails deliver to ([`live`]).

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::failure::CliError;
use super::outcome::Outcome;
use super::summary::Summary;
use super::ui::Ui;
use super::{CommandOutput, Common, Format};
use crate::estate::topic::is_managed_by_sns;
use crate::files;
use crate::ids::{AccountId, Arn, BucketName, OrganizationId, Partition};
use crate::log_path::{Folder, split_at_root};
use crate::policy::PolicyDocument;
use crate::policy::document::{PrincipalElement, Principals, ResourceElement};
use crate::policy::lint::{Kind, LintSubject, lint};
use crate::policy::preflight::{Documents, Doubt, PreflightTrail, Topic, TopicKey, preflight};
use crate::report::explain::{Explanation, human, json};
use crate::report::text::words::count;

mod live;

/// The most that is read of a file, in bytes. The largest policy that AWS takes has 32,768; white space may come on
/// top.
const SIZE_BYTES_MAX: u64 = 1024 * 1024;

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// Read the bucket's policy from this file
    #[arg(value_name = "BUCKET_POLICY", required_unless_present = "live", requires = "trail")]
    bucket_policy: Option<PathBuf>,
    /// Check the policies of the configured trails in AWS or --estate
    #[arg(long, conflicts_with_all = ["bucket_policy", "trail", "organization", "bucket", "key", "key_policy", "topic_policy"])]
    live: bool,
    /// Check delivery of this trail, which may not exist yet
    #[arg(long, value_name = "ARN")]
    trail: Option<Arn>,
    /// Check it as an organization trail of this organization
    #[arg(long, value_name = "ID")]
    organization: Option<OrganizationId>,
    /// Name the bucket [default: the one that the policy names]
    #[arg(long, value_name = "NAME")]
    bucket: Option<BucketName>,
    /// Name the prefix of the trail
    #[arg(long, value_name = "PREFIX", default_value = "")]
    prefix: String,
    /// Name the key that encrypts the logs
    #[arg(long, value_name = "ARN")]
    key: Option<Arn>,
    /// Read the policy of that key from this file
    #[arg(long, value_name = "FILE")]
    key_policy: Option<PathBuf>,
    /// Assume that the bucket has S3 Bucket Keys on
    #[arg(long, requires = "key_policy")]
    bucket_key: bool,
    /// Read the policy of the trail's topic from this file
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    topic_policy: Option<PathBuf>,
    /// Name the topic [default: the one that its policy names]
    #[arg(long, value_name = "ARN", requires = "topic_policy", hide_short_help = true)]
    topic: Option<Arn>,
    /// Read the policy of the topic's key from this file
    #[arg(long, value_name = "FILE", requires = "topic_policy", hide_short_help = true)]
    topic_key_policy: Option<PathBuf>,
    /// Name the topic's key, as its attribute KmsMasterKeyId does
    ///
    /// SNS's own key, alias/aws/sns, needs no policy.
    #[arg(long, value_name = "KEY", requires = "topic_policy", hide_short_help = true)]
    topic_key: Option<String>,
}

/// The documents as read.
struct Files {
    bucket: PolicyDocument,
    key: Option<PolicyDocument>,
    topic: Option<PolicyDocument>,
    topic_key: Option<PolicyDocument>,
}

/// Runs the command.
pub async fn run(common: &Common, args: &ExplainArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    match (&args.bucket_policy, &args.trail) {
        (Some(bucket_policy), Some(trail)) => of_files(ui, args, bucket_policy, trail),
        _ => live::run(common, ui).await,
    }
}

fn of_files(ui: &Ui, args: &ExplainArgs, bucket_policy: &Path, trail: &Arn) -> Result<CommandOutput, CliError> {
    let optional = |file: &Option<PathBuf>| file.as_deref().map(read).transpose();
    let files = Files {
        bucket: read(bucket_policy)?,
        key: optional(&args.key_policy)?,
        topic: optional(&args.topic_policy)?,
        topic_key: optional(&args.topic_key_policy)?,
    };
    let explanation = explain(args, trail, &files)?;
    let texts = ui.render(|format| match format {
        Format::Human => Ok(human(&explanation)),
        Format::Json => json(&explanation).map_err(|error| CliError::new("cannot write the report").because(error)),
        other => Err(other.unknown_to("explain")),
    })?;
    let worst = outcome(&explanation);
    Ok(CommandOutput::new(texts, worst, summary(&[explanation])))
}

/// Returns the line of result of several trails.
fn summary(explanations: &[Explanation]) -> Summary {
    let sum = |of: fn(&Explanation) -> usize| explanations.iter().map(of).sum::<usize>();
    let refusals = sum(|one| one.preflight.refusals.len());
    Summary::new("Explain", &format!("{} of {}", count(refusals, "refusal"), count(explanations.len(), "trail")))
        .some(
            sum(|one| one.findings.iter().filter(|finding| finding.rule.opens()).count()),
            "statement",
            "open to others",
        )
        .some(
            sum(|one| one.delivery.iter().filter(|finding| finding.harm.does_harm()).count()),
            "finding",
            "of delivery",
        )
        .some(sum(|one| one.preflight.doubts.len()), "question", "open")
}

fn outcome(explanation: &Explanation) -> Outcome {
    let fails = explanation.delivery.iter().any(|finding| finding.harm.does_harm());
    let is_open = explanation.findings.iter().any(|finding| finding.rule.opens());
    if fails || is_open || !explanation.preflight.refusals.is_empty() {
        Outcome::Finding
    } else if !explanation.preflight.doubts.is_empty() {
        Outcome::Partial
    } else {
        Outcome::Clean
    }
}

/// Reads a document, and no more of its file than it takes to see that it is too large.
fn read(file: &Path) -> Result<PolicyDocument, CliError> {
    let shown = file.display();
    let mut text = String::new();
    let opened = files::open(file).and_then(|open| open.take(SIZE_BYTES_MAX + 1).read_to_string(&mut text));
    opened.map_err(|error| CliError::new(format!("cannot read the policy {shown}")).because(error))?;
    if text.len() as u64 > SIZE_BYTES_MAX {
        let failure = CliError::new(format!("{shown} has more than {SIZE_BYTES_MAX} bytes"));
        return Err(failure.hint("AWS takes no policy of more than 32,768 bytes; is this the right file?"));
    }
    PolicyDocument::parse(&text).map_err(|error| CliError::new(format!("{shown} is not a policy")).because(error))
}

fn explain(args: &ExplainArgs, trail: &Arn, files: &Files) -> Result<Explanation, CliError> {
    let owner = trail.account().parse::<AccountId>();
    let owner = owner.map_err(|error| CliError::new(format!("{trail} is not the ARN of a trail")).because(error))?;
    if trail.service() != "cloudtrail" || !trail.resource().starts_with("trail/") {
        let failure = CliError::new(format!("{trail} is not the ARN of a trail"));
        return Err(failure.hint("it looks like arn:aws:cloudtrail:eu-central-1:111111111111:trail/name"));
    }
    let delivery = PreflightTrail {
        trail_arn: trail.clone(),
        management_account: owner.clone(),
        organization_id: args.organization.clone(),
        accounts: Vec::new(),
        bucket: bucket(args, &files.bucket)?,
        prefix: args.prefix.trim_matches('/').to_owned(),
        // What the trail records is not known.
        folders: Folder::ALL.to_vec(),
        key_arn: args.key.as_ref().map(Arn::to_string),
        bucket_key: args.bucket_key,
    };
    let topic_arn = files.topic.as_ref().map(|policy| topic(args, policy)).transpose()?;
    let is_managed = args.topic_key.as_deref().is_some_and(is_managed_by_sns);
    let key = match &files.topic_key {
        _ if is_managed => TopicKey::AwsManaged,
        Some(policy) => TopicKey::Customer(policy),
        None => TopicKey::None,
    };
    let topic = topic_arn.as_ref().map(|arn| Topic { arn, policy: files.topic.as_ref(), key });
    let documents = Documents { bucket: Some(&files.bucket), key: files.key.as_ref(), topic, log_group: None };
    let mut preflight = preflight(&delivery, &documents);
    if let (Some(key), None, false) = (&args.topic_key, &files.topic_key, is_managed) {
        preflight.doubts.push(Doubt {
            document: "key policy of the topic".into(),
            action: "kms:GenerateDataKey".into(),
            resource: key.clone(),
            why: vec!["its policy was not given; name its file with --topic-key-policy".into()],
        });
    }
    Ok(Explanation {
        trail: trail.clone(),
        preflight,
        findings: findings(args, files, trail, &owner),
        delivery: Vec::new(),
        notes: notes(args, files),
    })
}

/// Returns the bucket that was given, or the only one that the policy names.
fn bucket(args: &ExplainArgs, policy: &PolicyDocument) -> Result<String, CliError> {
    if let Some(name) = &args.bucket {
        return Ok(name.to_string());
    }
    let name = |arn: &str| Some(arn.split_once(":s3:::")?.1.split('/').next()?.to_owned());
    let names: BTreeSet<String> =
        resources(policy).filter_map(name).filter(|name| name.parse::<BucketName>().is_ok()).collect();
    match names.iter().collect::<Vec<_>>()[..] {
        [only] => Ok(only.clone()),
        [] => Err(CliError::new("the policy names no bucket").hint("name it with --bucket")),
        _ => Err(CliError::new("the policy names several buckets").hint("name the trail's with --bucket")),
    }
}

fn topic(args: &ExplainArgs, policy: &PolicyDocument) -> Result<Arn, CliError> {
    if let Some(arn) = &args.topic {
        return Ok(arn.clone());
    }
    let arns = resources(policy).filter_map(|arn| arn.parse::<Arn>().ok());
    let mut named = arns.filter(|arn| arn.service() == "sns" && !arn.as_str().contains('*'));
    named.next().ok_or_else(|| CliError::new("the topic's policy names no topic").hint("name it with --topic"))
}

fn resources(policy: &PolicyDocument) -> impl Iterator<Item = &str> {
    let lists = policy.statements.iter().filter_map(|statement| match &statement.resource {
        Some(ResourceElement::Is(list)) => Some(list),
        _ => None,
    });
    lists.flatten().map(String::as_str)
}

fn findings(
    args: &ExplainArgs,
    files: &Files,
    trail: &Arn,
    owner: &AccountId,
) -> Vec<crate::policy::lint::LintFinding> {
    // Without the organization nobody knows which accounts are strangers: only what is open to anyone is told.
    let mut known = BTreeSet::from([owner.clone()]);
    let documents = [
        ("bucket policy", Kind::Bucket, Some(&files.bucket)),
        ("key policy", Kind::Key, files.key.as_ref()),
        ("topic policy", Kind::Topic, files.topic.as_ref()),
        ("key policy of the topic", Kind::Key, files.topic_key.as_ref()),
    ];
    let documents = documents.into_iter().filter_map(|(name, kind, document)| Some((name, kind, document?)));
    if args.organization.is_none() {
        known.extend(documents.clone().flat_map(|(.., document)| accounts(document)));
    }
    let subject = |name, kind| LintSubject {
        name,
        kind,
        partition: trail.partition().parse().unwrap_or(Partition::Aws),
        account: None,
        organization_id: args.organization.as_ref(),
        known_accounts: &known,
        trusted: &[],
        limit_bytes: None,
    };
    documents.flat_map(|(name, kind, document)| lint(document, &subject(name, kind))).collect()
}

/// Returns the accounts that a policy names as principals.
fn accounts(document: &PolicyDocument) -> Vec<AccountId> {
    let lists = document.statements.iter().filter_map(|statement| match &statement.principal {
        Some(PrincipalElement::Is(Principals::Listed(by_kind))) => by_kind.get("AWS"),
        _ => None,
    });
    let account = |name: &String| match name.parse::<Arn>() {
        Ok(arn) => arn.account().parse().ok(),
        Err(_) => name.parse().ok(),
    };
    lists.flatten().filter_map(account).collect()
}

/// Says what was taken for granted, where the policy suggests something else.
fn notes(args: &ExplainArgs, files: &Files) -> Vec<String> {
    let mut notes = Vec::new();
    let below = |arn: &str| Some(split_at_root(arn)?.1.split('/').next()?.trim_end_matches('*').to_owned());
    let organization = resources(&files.bucket).filter_map(below).find(|id| id.parse::<OrganizationId>().is_ok());
    if let (None, Some(id)) = (&args.organization, organization) {
        notes.push(format!("checked as a trail of one account; for an organization trail add --organization {id}"));
    }
    let prefix = |arn: &str| {
        let key = arn.split_once(":s3:::")?.1.split_once('/')?.1;
        split_at_root(key)?.0.strip_suffix('/').map(str::to_owned)
    };
    if let (true, Some(prefix)) = (args.prefix.is_empty(), resources(&files.bucket).find_map(prefix)) {
        notes.push(format!("checked as a trail without a prefix; if the trail has one add --prefix {prefix}"));
    }
    notes
}

#[cfg(test)]
mod tests;
