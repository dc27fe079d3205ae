//! Whose credentials a call uses: those that the program was started with, or the member role of another account.
//!
//! Every call to AWS goes through [`Session::read`] or [`Session::write`], which keep the pace, turn errors into faults
//! and refuse to write when this connection is read-only.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::sync::Mutex;

use super::calls::{CallInterceptor, DEPLOYMENT, Destination};
use super::fault::{fault, refusal};
use super::named_role::NamedRole;
use super::rate_limits::{RateLimits, Timing};
use super::retry::{retry_not_ready, until};
use super::service_limiter::ThrottleInterceptor;
use super::whole::Whole;
use crate::cloud::fence::writing;
use crate::cloud::{CloudFault, CloudFaultKind, Load};
use crate::estate::{Address, Resource};
use crate::flow::Pages;
use crate::ids::{AccountId, Arn, Partition, Region};
use crate::operations::{Access, Operation, Service, sts};

/// Credentials are renewed when they have less than this left, so that no change is cut off by their end.
const REST_MIN: Duration = Duration::from_secs(10 * 60);

/// How long a role that could not be assumed is not asked for again.
const DENIAL_KEPT: Duration = Duration::from_secs(60);

/// What one call needs to know beside its own parameters: account, credentials, region, pace.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) account: AccountId,
    pub(super) partition: Partition,
    pub(super) region: Region,
    config: SdkConfig,
    pace: Arc<RateLimits>,
    tempo: Timing,
    read_only: bool,
    /// Who calls, as far as AWS told.
    pub(super) caller: Option<Arn>,
    start: Arc<Start>,
}

/// Whose credentials the program was started with.
struct Start {
    /// As far as AWS told.
    arn: Option<Arn>,
    /// Something is managed with them.
    manages: AtomicBool,
}

/// Makes the clients of a session. Every account and service has its own retry budget, so that one that is throttled
/// does not use up the retries of the others, and its own number of calls in flight.
macro_rules! clients {
    ($($name:ident: $service:ident, $crate_name:ident $(, $more:ident)?;)*) => {
        impl Session {
            $(pub(super) fn $name(&self) -> $crate_name::Client {
                let budget = format!("{}-{}-{}", stringify!($name), self.account, self.region);
                let config = $crate_name::config::Builder::from(&self.config)
                    .region(aws_types::region::Region::new(self.region.to_string()))
                    .interceptor(CallInterceptor(self.destination(Service::$service)))
                    .interceptor(Whole)
                    .interceptor(ThrottleInterceptor(self.pace.lane(Some(&self.account), Service::$service)))
                    .retry_partition($crate_name::config::retry::RetryPartition::new(budget));
                $(let config = config.$more(self.config.endpoint_url().is_some());)?
                $crate_name::Client::from_conf(config.build())
            })*
        }
    };
}

clients!(
    organizations: Organizations, aws_sdk_organizations;
    account_management: Account, aws_sdk_account;
    cloudtrail: CloudTrail, aws_sdk_cloudtrail;
    // An emulator has no host name for each bucket.
    s3: S3, aws_sdk_s3, force_path_style;
    kms: Kms, aws_sdk_kms;
    sns: Sns, aws_sdk_sns;
    sqs: Sqs, aws_sdk_sqs;
    eventbridge: Events, aws_sdk_eventbridge;
    cloudwatch: CloudWatch, aws_sdk_cloudwatch;
    logs: Logs, aws_sdk_cloudwatchlogs;
    config_service: Config, aws_sdk_config;
    iam: Iam, aws_sdk_iam;
    sts: Sts, aws_sdk_sts;
);

impl Session {
    fn destination(&self, service: Service) -> Destination {
        let (account, region) = (Some(self.account.clone()), self.region.to_string());
        Destination { service, account, region, parts: DEPLOYMENT }
    }

    /// Returns the settings of its clients, which lead to the credentials.
    pub(super) fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// Returns what all sessions of this connection keep to.
    pub(super) fn limits(&self) -> Arc<RateLimits> {
        Arc::clone(&self.pace)
    }

    /// Returns how many calls all sessions of this connection have made.
    pub(super) fn calls(&self) -> u64 {
        self.pace.admitted()
    }

    /// Returns how each service bears the calls of all sessions of this connection.
    pub(super) fn load(&self) -> BTreeMap<&'static str, Load> {
        self.pace.load()
    }

    /// Returns whose credentials the program was started with, where it manages something with them.
    pub(super) fn starter(&self) -> Option<&Arn> {
        self.start.arn.as_ref().filter(|_| self.start.manages.load(Ordering::Relaxed))
    }

    /// Returns the same session in the region of an address; global resources are in the partition's global region.
    pub(super) fn at(&self, address: &Address) -> Self {
        match &address.region {
            Some(region) => Self { region: region.clone(), ..self.clone() },
            None => self.clone(),
        }
    }

    /// Returns the same session in another region.
    pub(super) fn in_region(&self, region: &Region) -> Self {
        Self { region: region.clone(), ..self.clone() }
    }

    /// Makes a call that cannot change anything.
    // The SDK's futures have 16 KB each: in a box they are in none of the futures that wait for them.
    pub(super) fn read<T, E, F>(&self, operation: Operation, call: F) -> impl Future<Output = Result<T, CloudFault>>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let call = Box::pin(call);
        async move {
            let _admitted = self.pace.admit(Some(&self.account), self.region.as_str(), &operation).await;
            call.await.map_err(|error| fault(&self.account, &operation, &error))
        }
    }

    /// Makes a call that changes something, and again while AWS is not ready for it.
    pub(super) async fn write<T, E, F>(
        &self,
        operation: Operation,
        mut call: impl FnMut() -> F,
    ) -> Result<T, CloudFault>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        retry_not_ready(self.tempo, || self.write_once(operation, call())).await
    }

    /// Asks again until there is an answer, for as long as AWS takes to tell a change to all its parts; nothing where
    /// there is none then.
    pub(super) async fn until<T, F>(&self, probe: impl FnMut() -> F) -> Result<Option<T>, CloudFault>
    where
        F: Future<Output = Result<Option<T>, CloudFault>>,
    {
        until(self.tempo, probe).await
    }

    /// Makes a call that removes something; that it is not there is as good. It is not tried again.
    pub(super) fn remove<T, E, F>(&self, operation: Operation, call: F) -> impl Future<Output = Result<(), CloudFault>>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let attempt = self.write_once(operation, call);
        async move { none_if_absent(attempt.await).map(|_| ()) }
    }

    /// Makes a call that changes something, once: whoever asks decides what a refusal means.
    pub(super) fn write_once<T, E, F>(
        &self,
        operation: Operation,
        call: F,
    ) -> impl Future<Output = Result<T, CloudFault>>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let attempt = self.read(operation, call);
        async move {
            if self.read_only && operation.access == Access::Write {
                let message = "this connection is read-only";
                return Err(refusal(&self.account, operation.as_str(), "ReadOnly", message, ""));
            }
            let help = "nothing: whoever acts now makes the change";
            let not_admitted = |why| refusal(&self.account, operation.as_str(), "NotAdmitted", why, help);
            writing(attempt).await.map_err(not_admitted)?
        }
    }

    /// Makes an ARN of this account and region.
    pub(super) fn arn(&self, service: &str, resource: &str) -> String {
        let region = if service == "iam" { "" } else { self.region.as_str() };
        Arn::new(self.partition, service, region, self.account.as_str(), resource).to_string()
    }

    /// Follows the pages of a listing, which must come to an end.
    pub(super) fn pages(&self, operation: Operation) -> Listing<'_> {
        Listing { session: self, operation, pages: Pages::default() }
    }

    /// Returns what AWS always answers. Where it is missing, the answer is none: that nothing is there is said
    /// otherwise.
    pub(super) fn needed<T>(&self, operation: Operation, value: Option<T>, what: &str) -> Result<T, CloudFault> {
        value.ok_or_else(|| self.unexpected_response(operation, format!("the answer has no {what}")))
    }

    /// Makes a fault of orgtrail's own about an answer of AWS.
    pub(super) fn unexpected_response(&self, operation: Operation, message: impl Into<String>) -> CloudFault {
        CloudFault {
            kind: CloudFaultKind::Other,
            account: self.account.clone(),
            operation: operation.as_str().into(),
            code: "UnexpectedAnswer".into(),
            message: message.into(),
            help: "AWS does not answer like this: something between may have cut the answer; try it again".into(),
        }
    }

    /// Makes the fault for an address at which something else is than what the change was planned for.
    pub(super) fn stale_plan(&self, address: &Address, message: impl Into<String>) -> CloudFault {
        let operation = format!("the change of {address}");
        refusal(&self.account, &operation, "GroundMoved", message, "make a new plan")
    }
}

/// The pages of one listing.
pub(super) struct Listing<'a> {
    session: &'a Session,
    operation: Operation,
    pages: Pages,
}

impl Listing<'_> {
    /// Takes the token of the next page; none, or an empty one, is the end.
    pub(super) fn next(&mut self, token: Option<String>) -> Result<Option<String>, CloudFault> {
        self.pages.next(token).map_err(|why| self.session.unexpected_response(self.operation, why.to_string()))
    }

    /// The same for services that say apart whether there is more.
    pub(super) fn after(&mut self, is_truncated: bool, marker: Option<String>) -> Result<Option<String>, CloudFault> {
        self.pages
            .after(is_truncated, marker)
            .map_err(|why| self.session.unexpected_response(self.operation, why.to_string()))
    }
}

/// Returns the client that asks whose the credentials are, before that is known.
pub(super) fn first_sts(config: &SdkConfig) -> aws_sdk_sts::Client {
    let region = config.region().map(ToString::to_string).unwrap_or_default();
    let asks = Destination { service: Service::Sts, account: None, region, parts: DEPLOYMENT };
    let config = aws_sdk_sts::config::Builder::from(config).interceptor(CallInterceptor(asks));
    aws_sdk_sts::Client::from_conf(config.build())
}

/// Turns "it is not there" into nothing. Only AWS's own code for that very thing says so.
pub(super) fn none_if_absent<T>(result: Result<T, CloudFault>) -> Result<Option<T>, CloudFault> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(fault) if fault.kind == CloudFaultKind::Absent => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// Refuses to send a resource in which a value is still missing that an earlier step should have brought.
pub(super) fn resolved(account: &AccountId, address: &Address, resource: &Resource) -> Result<(), CloudFault> {
    let unknown = resource.clone().resolve(&|_| None);
    match unknown.first() {
        None => Ok(()),
        Some(key) => {
            let message = format!("the ARN of {key} is not known yet");
            Err(refusal(account, &format!("the change of {address}"), "Unresolved", message, "make the key first"))
        }
    }
}

/// How sessions are made.
pub(super) struct Roles {
    /// The name of the role that is assumed in other accounts.
    pub(super) member_role: String,
    /// The name that CloudTrail shows for what is done.
    pub(super) session_name: String,
    /// Nothing is changed with the sessions.
    pub(super) read_only: bool,
    /// What assumed sessions may do at most; `None` for all that their role may.
    pub(super) policy: Option<String>,
}

/// How fast the sessions call.
pub(super) struct Speed {
    pub(super) tempo: Timing,
    /// Calls in flight to one service of one account.
    pub(super) in_flight_max: usize,
}

/// The sessions of all roles, each assumed once.
pub(super) struct Sessions {
    base: Session,
    home: Region,
    roles: Roles,
    /// By the ARN of the role.
    slots: Mutex<HashMap<Arn, Arc<Slot>>>,
}

type Slot = Mutex<Option<Assumed>>;

/// The last answer to a wish for a role's session.
#[derive(Clone)]
struct Assumed {
    result: Result<Session, CloudFault>,
    good_until: SystemTime,
}

/// Whose credentials the program was started with.
pub(super) struct Identity {
    pub(super) account: AccountId,
    pub(super) partition: Partition,
    pub(super) arn: Option<Arn>,
}

impl Sessions {
    pub(super) fn new(config: SdkConfig, home: Region, identity: Identity, roles: Roles, speed: Speed) -> Self {
        let Speed { tempo, in_flight_max } = speed;
        let Identity { account, partition, arn: caller } = identity;
        let region = global_region(partition, &home);
        let read_only = roles.read_only;
        let pace = RateLimits::new(tempo, in_flight_max);
        let start = Arc::new(Start { arn: caller.clone(), manages: AtomicBool::new(false) });
        let base = Session { account, partition, region, config, pace, tempo, read_only, caller, start };
        Self { base, home, roles, slots: Mutex::default() }
    }

    /// Returns the session of the credentials that the program was started with.
    pub(super) fn base(&self) -> &Session {
        &self.base
    }

    /// Notes whose credentials manage what is in scope.
    pub(super) fn note_operators<'a>(&self, mut operators: impl Iterator<Item = &'a AccountId>) {
        if operators.any(|operator| *operator == self.base.account) {
            self.base.start.manages.store(true, Ordering::Relaxed);
        }
    }

    /// Returns the home region of the deployment.
    pub(super) fn home(&self) -> &Region {
        &self.home
    }

    /// Returns the session of an account. Whoever asks while the role is being assumed waits for the same answer.
    pub(super) async fn of(&self, account: &AccountId) -> Result<Session, CloudFault> {
        if *account == self.base.account {
            return Ok(self.base.clone());
        }
        let role = format!("role/{}", self.roles.member_role.trim_start_matches('/'));
        let arn = Arn::new(self.base.partition, "iam", "", account.as_str(), &role);
        self.of_role(account, &arn, None, &member_role_help(&arn)).await
    }

    /// Returns the session of a role that a person named, also where it is one of the account that asks.
    pub(super) async fn of_named(&self, role: &NamedRole) -> Result<Session, CloudFault> {
        self.of_role(&role.account, &role.arn, role.external_id.as_deref(), &role.help()).await
    }

    /// Returns the session of a role. `help` says what to do where it is not given.
    async fn of_role(
        &self,
        account: &AccountId,
        arn: &Arn,
        external_id: Option<&str>,
        help: &str,
    ) -> Result<Session, CloudFault> {
        let slot = Arc::clone(self.slots.lock().await.entry(arn.clone()).or_default());
        let mut slot = slot.lock().await;
        let now = SystemTime::now();
        if let Some(assumed) = slot.as_ref().filter(|assumed| assumed.good_until > now) {
            return assumed.result.clone();
        }
        let credentials = self.credentials(arn, external_id).await.map_err(|f| not_assumed(f, account, arn, help));
        let assumed = self.assumed(account, arn, credentials, now);
        let result = assumed.result.clone();
        *slot = Some(assumed);
        result
    }

    fn assumed(
        &self,
        account: &AccountId,
        arn: &Arn,
        credentials: Result<Credentials, CloudFault>,
        now: SystemTime,
    ) -> Assumed {
        match credentials {
            Ok(credentials) => {
                let end = credentials.expiry().unwrap_or(now);
                let provider = SharedCredentialsProvider::new(credentials);
                let config = self.base.config.to_builder().credentials_provider(provider).build();
                let caller = Some(arn.clone());
                let session = Session { account: account.clone(), config, caller, ..self.base.clone() };
                Assumed { result: Ok(session), good_until: end.checked_sub(REST_MIN).unwrap_or(end) }
            }
            Err(fault) => Assumed { result: Err(fault), good_until: now + DENIAL_KEPT },
        }
    }

    async fn credentials(&self, arn: &Arn, external_id: Option<&str>) -> Result<Credentials, CloudFault> {
        let at_home = self.base.in_region(&self.home);
        let request = at_home.sts().assume_role().role_arn(arn.as_str()).role_session_name(&self.roles.session_name);
        let request = request.set_policy(self.roles.policy.clone()).set_external_id(external_id.map(str::to_owned));
        let answer = at_home.read(sts::ASSUME_ROLE, request.send()).await?;
        let Some(given) = answer.credentials() else {
            return Err(at_home.unexpected_response(sts::ASSUME_ROLE, "the answer has no credentials"));
        };
        let expiry = SystemTime::try_from(*given.expiration()).ok();
        let token = Some(given.session_token().to_owned());
        Ok(Credentials::new(given.access_key_id(), given.secret_access_key(), token, expiry, "orgtrail"))
    }
}

fn member_role_help(arn: &Arn) -> String {
    format!(
        "make {arn}, let it trust the account of these credentials, and allow them sts:AssumeRole on it; a service \
         control policy can deny it too; or leave the account out with accounts.exclude"
    )
}

/// A role that cannot be assumed is the problem of the account that it belongs to.
fn not_assumed(fault: CloudFault, account: &AccountId, arn: &Arn, help: &str) -> CloudFault {
    let help = if fault.kind == CloudFaultKind::Denied { help.to_owned() } else { fault.help };
    CloudFault {
        account: account.clone(),
        message: format!("{arn} cannot be assumed: {}", fault.message),
        help,
        ..fault
    }
}

/// Organizations and IAM are asked in the partition's global region. Emulators know only the regions of one partition.
fn global_region(partition: Partition, home: &Region) -> Region {
    partition.global_region().parse().unwrap_or_else(|_| home.clone())
}

impl Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the configuration, which leads to the credentials.
        f.debug_struct("Session").field("account", &self.account).field("region", &self.region).finish_non_exhaustive()
    }
}
