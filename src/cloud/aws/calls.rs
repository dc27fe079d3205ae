//! Every attempt of every call: held to the table of operations before it is sent, and shown in the log (`-vv`) when it
//! is over. One line an attempt: service, operation, account, region, attempt, milliseconds, HTTP status, error code,
//! request id. Never headers, bodies, parameters or credentials.

use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, Metadata};
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

use crate::ids::AccountId;
use crate::operations::{CallPurpose, Operation, Service, may_call};

/// The longest error code that is shown; AWS's have at most half of it.
const CODE_CHARS_MAX: usize = 100;

tokio::task_local! {
    /// Which attempt this is, where the attempts are not the SDK's to count.
    static ATTEMPT: u32;
}

/// Runs one attempt of a call that this program tries again by itself.
pub(super) async fn in_attempt<F: Future>(number: u32, attempt: F) -> F::Output {
    ATTEMPT.scope(number, attempt).await
}

/// Says that a call was not sent, because the table of operations does not have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotInTable {
    service: Service,
    name: String,
}

impl fmt::Display for NotInTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} is not among the calls that orgtrail may make here", self.service.as_str(), self.name)
    }
}

impl Error for NotInTable {}

/// Where the calls of one client go, and what they may be for.
#[derive(Debug, Clone)]
pub(super) struct Destination {
    pub(super) service: Service,
    /// The account of the credentials; `None` where it is unknown.
    pub(super) account: Option<AccountId>,
    pub(super) region: String,
    /// What operations the client may call are for.
    pub(super) parts: &'static [CallPurpose],
}

/// What the deployment's clients call.
pub(super) const DEPLOYMENT: &[CallPurpose] = &[CallPurpose::Deployment, CallPurpose::Document, CallPurpose::Destroy];

/// What the clients call that read the logs.
pub(super) const ARCHIVE: &[CallPurpose] = &[CallPurpose::Archive];

/// What the clients call that read and write a lake.
#[cfg(feature = "sql")]
pub(super) const LAKE: &[CallPurpose] = &[CallPurpose::Lake];

/// What the client of Athena calls.
#[cfg(feature = "sql")]
pub(super) const ATHENA: &[CallPurpose] = &[CallPurpose::Athena];

impl Destination {
    /// Refuses an operation that is not in the table, or not for what this client is for.
    pub(super) fn check(&self, name: &str) -> Result<(), NotInTable> {
        match may_call(self.service, name, self.parts) {
            true => Ok(()),
            false => Err(NotInTable { service: self.service, name: name.to_owned() }),
        }
    }

    /// Shows an attempt that was sent without the SDK's orchestration.
    pub(super) fn show_prepared(&self, operation: &Operation, took: Duration, response: Option<&HttpResponse>) {
        self.show(operation.name, own_attempt().unwrap_or(1), took, response);
    }

    fn show(&self, operation: &str, attempt: u32, took: Duration, response: Option<&HttpResponse>) {
        if !tracing::enabled!(target: "orgtrail::aws", tracing::Level::DEBUG) {
            return;
        }
        let Self { service, account, region, .. } = self;
        let status = response.map(|response| response.status().as_u16());
        let code = match (response, status) {
            (None, _) => Some("NoAnswer".to_owned()),
            (Some(response), Some(400..)) => error_code(response),
            _ => None,
        };
        let header = |name: &str| response.and_then(|response| response.headers().get(name)).map(printable);
        let request_id = header("x-amzn-requestid").or_else(|| header("x-amz-request-id"));
        tracing::debug!(
            target: "orgtrail::aws",
            service = service.as_str(),
            operation,
            account = account.as_ref().map(AccountId::as_str),
            region,
            attempt,
            ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            status,
            code,
            request_id,
            "call"
        );
    }
}

fn own_attempt() -> Option<u32> {
    ATTEMPT.try_with(|attempt| *attempt).ok()
}

/// When an attempt was sent; `None` where it was not, for want of credentials for example.
#[derive(Debug)]
struct Sent(Option<Instant>);

impl Storable for Sent {
    type Storer = StoreReplace<Self>;
}

/// Stands in every client of AWS.
#[derive(Debug)]
pub(super) struct CallInterceptor(pub(super) Destination);

impl Intercept for CallInterceptor {
    fn name(&self) -> &'static str {
        "Call"
    }

    fn read_before_serialization(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // A client whose SDK does not say what it calls calls nothing.
        let name = config.load::<Metadata>().map_or("?", Metadata::name);
        Ok(self.0.check(name)?)
    }

    fn read_before_attempt(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(Sent(None));
        Ok(())
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(Sent(Some(Instant::now())));
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let sent = config.load::<Sent>().and_then(|sent| sent.0);
        let was_signed_only = context.output_or_error().is_none() && context.response().is_none();
        let Some(sent) = sent.filter(|_| !was_signed_only) else { return Ok(()) };
        let name = config.load::<Metadata>().map_or("?", Metadata::name);
        let sdks = config.load::<RequestAttempts>().map_or(1, RequestAttempts::attempts);
        self.0.show(name, own_attempt().unwrap_or(sdks), sent.elapsed(), context.response());
        Ok(())
    }
}

/// Returns the error code of an answer: from its header, or from the one field of its body that holds it. `None` where
/// the answer has none, or its body was not read.
fn error_code(response: &HttpResponse) -> Option<String> {
    let header = response.headers().get("x-amzn-errortype").map(str::to_owned);
    let said = header.or_else(|| code_in(&String::from_utf8_lossy(response.body().bytes()?)))?;
    // `com.amazonaws.kms#AccessDenied`, `AccessDenied:http://…`
    let code = said.rsplit('#').next()?.split(':').next()?;
    Some(printable(code)).filter(|code| !code.is_empty())
}

fn code_in(body: &str) -> Option<String> {
    let in_xml = || Some(body.split_once("<Code>")?.1.split_once("</Code>")?.0.to_owned());
    let in_json = || {
        let fields: serde_json::Value = serde_json::from_str(body).ok()?;
        Some(fields.get("__type").or_else(|| fields.get("code"))?.as_str()?.to_owned())
    };
    in_xml().or_else(in_json)
}

/// Returns the letters, digits and marks that codes and request ids are made of: what answers may be no AWS.
fn printable(text: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || "-_.+/=".contains(*c);
    text.chars().filter(fits).take(CODE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn answer(header: Option<&'static str>, body: &str) -> Option<String> {
        let mut response = HttpResponse::new(403.try_into().unwrap(), SdkBody::from(body));
        if let Some(header) = header {
            response.headers_mut().insert("x-amzn-errortype", header);
        }
        error_code(&response)
    }

    #[test]
    fn the_code_of_an_answer_is_found_and_nothing_else_of_it() {
        let denied = Some("AccessDenied".to_owned());
        assert_eq!(answer(Some("AccessDenied:http://internal.amazon.com/"), ""), denied);
        assert_eq!(answer(None, r#"{"__type":"com.amazonaws.kms#AccessDenied","message":"of me"}"#), denied);
        assert_eq!(answer(None, "<Error><Code>AccessDenied</Code><Message>of me</Message></Error>"), denied);
        assert_eq!(answer(None, "<html>no AWS</html>"), None);
        let odd = format!("<Code>Access\u{1b}[2J\nDenied {}</Code>", "x".repeat(200));
        let code = answer(None, &odd).unwrap();
        assert!(code.starts_with("Access2JDeniedx") && code.len() == CODE_CHARS_MAX, "{code}");
    }

    #[test]
    fn what_is_not_in_the_table_is_refused() {
        let to = |service, parts| Destination { service, account: None, region: "us-east-1".into(), parts };
        assert_eq!(to(Service::S3, DEPLOYMENT).check("GetBucketPolicy"), Ok(()));
        assert_eq!(to(Service::S3, ARCHIVE).check("GetObject"), Ok(()));
        for (service, parts, name) in [
            (Service::S3, DEPLOYMENT, "DeleteObject"),
            (Service::S3, ARCHIVE, "PutObject"),
            (Service::S3, ARCHIVE, "PutBucketPolicy"),
            (Service::CloudTrail, DEPLOYMENT, "StopLogging"),
            (Service::Kms, DEPLOYMENT, "GetBucketPolicy"),
        ] {
            let refused = to(service, parts).check(name).unwrap_err();
            assert!(refused.to_string().contains(name), "{refused}");
        }
    }
}
