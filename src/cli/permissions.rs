//! `orgtrail permissions`: prints the IAM policy that a command needs, or the template of the member role; asks nobody.

use std::path::PathBuf;

use super::failure::CliError;
use super::format::Ending;
use super::outcome::Outcome;
use super::summary::Summary;
use super::ui::Ui;
use super::validate::load;
use super::{CommandOutput, Common, Format};
use crate::config::Config;
use crate::ids::{AccountId, Arn, BadId, BucketName};
use crate::permissions::{
    AccountKind, AthenaPlace, KnownAccounts, LakePlace, PermissionsRequest, Purpose, permissions, stack_set,
};
use crate::report::text::words::count;

/// The role that Organizations itself makes in the accounts that it creates.
const ROLE_OF_ORGANIZATIONS: &str = "OrganizationAccountAccessRole";

/// The commands, by the permissions that they share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Command {
    /// Commands that only look: discover, snapshot, plan, drift, check
    Plan,
    /// apply, also with --adopt and --prune
    Apply,
    /// The daemon: apply without removals, its lease, its history and its wake queue
    Reconcile,
    /// Commands that prove the logs: verify, coverage
    Verify,
    /// Commands that read the logs: query, who, detect, dashboard
    Query,
    /// The command that keeps a lake of them: lake update
    Lake,
}

impl From<Command> for Purpose {
    fn from(command: Command) -> Self {
        match command {
            Command::Plan => Purpose::Plan,
            Command::Apply => Purpose::Apply,
            Command::Reconcile => Purpose::Reconcile,
            Command::Verify => Purpose::Verify,
            Command::Query => Purpose::Query,
            Command::Lake => Purpose::Lake,
        }
    }
}

/// The kinds of account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Account {
    /// Whoever starts orgtrail, in the management account or a delegated administrator's
    Management,
    /// The member role in the log account, or whoever starts orgtrail there
    Log,
    /// The member role in every other account
    Member,
}

impl From<Account> for AccountKind {
    fn from(account: Account) -> Self {
        match account {
            Account::Management => AccountKind::Management,
            Account::Log => AccountKind::Log,
            Account::Member => AccountKind::Member,
        }
    }
}

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct PermissionsArgs {
    /// Print the policy that this command needs
    #[arg(long = "for", value_name = "COMMAND")]
    purpose: Command,
    /// Print it for this kind of account
    #[arg(long = "in", value_name = "ACCOUNT", required_unless_present = "cloudformation")]
    place: Option<Account>,
    /// Print a CloudFormation template of the member role, for StackSets
    #[arg(long, conflicts_with = "place")]
    cloudformation: bool,
    /// Name the management account [default: `*` stands for it]
    ///
    /// The configuration does not name it.
    #[arg(long, value_name = "ID")]
    management: Option<AccountId>,
    /// Name the log account [default: that of the configuration, else `*`]
    #[arg(long, value_name = "ID")]
    log: Option<AccountId>,
    /// Grant the deletion of this superseded trail (can be repeated)
    ///
    /// By its ARN or its name, for `apply --destroy`; nothing else gives cloudtrail:DeleteTrail.
    #[arg(long, value_name = "TRAIL", value_delimiter = ',', conflicts_with = "cloudformation")]
    destroy: Vec<String>,
    /// Grant `verify --sign` with this KMS key
    #[arg(long, value_name = "KEY_ARN", conflicts_with = "cloudformation", value_parser = signing_key)]
    sign: Option<Arn>,
    /// Grant the lake below this prefix [default: `lake` of the configuration]
    #[arg(long, value_name = "S3_URL", conflicts_with = "cloudformation", value_parser = lake)]
    lake: Option<(BucketName, String)>,
    /// Grant the KMS key that encrypts the bucket of the lake
    #[arg(long, value_name = "KEY_ARN", requires = "lake", value_parser = signing_key)]
    lake_key: Option<Arn>,
    /// Grant what `check`, `coverage` and `who` ask AWS Config for
    #[arg(long = "aws-config")]
    recorders: bool,
    #[command(flatten)]
    athena: AthenaOptions,
}

/// What `query --engine athena` asks.
#[derive(Debug, clap::Args)]
struct AthenaOptions {
    /// Grant `query --engine athena` in this workgroup
    #[arg(long, value_name = "NAME", conflicts_with = "cloudformation")]
    workgroup: Option<String>,
    /// Grant Athena the tables of this database [default: default]
    #[arg(long, value_name = "NAME", requires = "workgroup", hide_short_help = true)]
    database: Option<String>,
    /// Grant Athena to write results below this prefix
    #[arg(long, value_name = "S3_URL", requires = "workgroup", value_parser = lake)]
    results: Option<(BucketName, String)>,
    /// Grant the KMS key that encrypts the results
    #[arg(long, value_name = "KEY_ARN", requires = "results", value_parser = signing_key, hide_short_help = true)]
    results_key: Option<Arn>,
}

impl AthenaOptions {
    /// Returns what is asked. `None`: no workgroup is named.
    fn place(&self) -> Option<AthenaPlace<'_>> {
        Some(AthenaPlace {
            workgroup: self.workgroup.as_deref()?,
            database: self.database.as_deref().unwrap_or("default"),
            results: self.results.as_ref().map(|(bucket, prefix)| (bucket, prefix.as_str())),
            results_key: self.results_key.as_ref(),
        })
    }
}

/// Reads `s3://BUCKET/PREFIX`.
fn lake(text: &str) -> Result<(BucketName, String), String> {
    let rest = text.strip_prefix("s3://").ok_or("write s3://BUCKET/PREFIX; a folder needs no permission")?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let slash = if prefix.is_empty() || prefix.ends_with('/') { "" } else { "/" };
    Ok((bucket.parse().map_err(|error: BadId| error.to_string())?, format!("{prefix}{slash}")))
}

/// An alias does not do: a policy names keys by their ids.
fn signing_key(text: &str) -> Result<Arn, String> {
    let arn: Arn = text.parse().map_err(|error: BadId| error.to_string())?;
    match arn.is_kms_key() {
        true => Ok(arn),
        false => Err("it is not the ARN of a KMS key, `arn:aws:kms:…:…:key/…`".to_owned()),
    }
}

/// Runs the command.
///
/// # Errors
/// A configuration that is wrong, a place where the command needs nothing, a format that the answer does not have.
pub fn run(common: &Common, args: &PermissionsArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    let config = load(&common.config)?;
    if args.purpose == Command::Lake && args.lake.is_none() && config.lake.is_none() {
        return Err(CliError::new("it is not known where the lake lies, so that no policy would be enough for it").hint(
            "name it with --lake s3://BUCKET/PREFIX, or write `lake` into the configuration; for a lake in a folder, \
             `permissions --for query` prints all that it needs",
        ));
    }
    let known = KnownAccounts { management: args.management.clone(), log: args.log.clone() };
    let Some(place) = args.place.map(AccountKind::from) else {
        return template(common, args, &config, &known, ui);
    };
    if args.sign.is_some() && (args.purpose, place) != (Command::Verify, AccountKind::Log) {
        return Err(CliError::new("--sign belongs to --for verify --in log").hint("leave --sign out"));
    }
    let (purpose, destroy) = (args.purpose.into(), args.destroy.as_slice());
    let sign = args.sign.as_ref();
    if args.lake.is_some() && !matches!(args.purpose, Command::Lake | Command::Query) {
        return Err(CliError::new("--lake belongs to --for lake and --for query").hint("leave --lake out"));
    }
    if args.athena.workgroup.is_some() && args.purpose != Command::Query {
        return Err(CliError::new("--workgroup belongs to --for query").hint("leave --workgroup out"));
    }
    if args.recorders && args.purpose == Command::Lake {
        return Err(CliError::new("--aws-config belongs to --for plan, apply, reconcile, verify and query")
            .hint("leave --aws-config out"));
    }
    let athena = args.athena.place();
    let key = args.lake_key.as_ref();
    let lake = args.lake.as_ref().map(|(bucket, prefix)| LakePlace { bucket, prefix, key });
    let needed = permissions(&PermissionsRequest {
        config: &config,
        purpose,
        place,
        known: &known,
        destroy,
        sign,
        lake,
        athena,
        recorders: args.recorders,
    });
    needed.notes.iter().for_each(|note| ui.note(note));
    needed.too_large_inline(purpose, place).iter().for_each(|note| ui.note(note));
    let text = match &needed.documents[..] {
        [] => {
            return Err(CliError::new("the command needs no permission there")
                .hint("verify, coverage, query and lake read in --in log, and ask for accounts in --in management"));
        }
        [one] => one.to_pretty(),
        many => {
            ui.note(&format!("{} policies: together they are too large for one", many.len()));
            let list: Vec<_> = many.iter().map(|document| document.to_value()).collect();
            format!("{:#}\n", serde_json::Value::from(list))
        }
    };
    let policies = count(needed.documents.len(), "policy");
    Ok(CommandOutput::one(text, Outcome::Clean, Summary::new("Permissions", &policies)))
}

fn template(
    common: &Common,
    args: &PermissionsArgs,
    config: &Config,
    known: &KnownAccounts,
    ui: &Ui,
) -> Result<CommandOutput, CliError> {
    let is_json = |path: &PathBuf| Ending::of(path) == Ending::Names(Format::Json);
    if common.format.is_some() || common.output.iter().any(is_json) {
        return Err(
            CliError::new("a CloudFormation template is YAML").hint("leave --format out, and name a .yaml file")
        );
    }
    let (text, notes) = stack_set(config, args.purpose.into(), known, args.recorders)
        .map_err(|error| CliError::new("the template cannot be made").because(error))?;
    notes.iter().for_each(|note| ui.note(note));
    if config.organization.member_role == ROLE_OF_ORGANIZATIONS {
        ui.note(&format!(
            "{ROLE_OF_ORGANIZATIONS} exists already in accounts that Organizations created: give organization.member_role \
             another name, such as orgtrail-member, before you deploy this"
        ));
    }
    Ok(CommandOutput::one(
        text,
        Outcome::Clean,
        Summary::new("Permissions", "CloudFormation template of the member role"),
    ))
}
