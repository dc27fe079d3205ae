//! The resources that a record names: those that the service lists, and those that the catalog finds in the request and
//! the answer.

use std::borrow::Cow;

use super::catalog::{self, NamedAt, Target};
use super::json::{Json, JsonType, Text};
use super::record::Record;

/// Resources at one place of a record that are taken up.
const NAMES_MAX: usize = 1_000;

/// A resource that a record names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedResource<'a> {
    /// What it is. `None`: the catalog does not know the call; `resource_type` may tell.
    pub target: Option<Target>,
    /// The type as the service wrote it: `AWS::S3::Bucket`. `None`: the service did not list it.
    pub resource_type: Option<Text<'a>>,
    /// The ARN, name, id or URL as the record has it.
    pub name: Text<'a>,
    /// The account that owns it. `None`: not recorded.
    pub account: Option<Text<'a>>,
    /// Where it stands: `resources`, `requestParameters.bucketName`.
    pub place: Cow<'static, str>,
}

/// Whether a record is about a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mention {
    /// It names it.
    Named,
    /// It names another one of its kind.
    Other,
    /// It names none of its kind, or none that can be read.
    Unknown,
}

impl NamedResource<'_> {
    /// Tells whether it is the resource of this name, ARN or id.
    pub fn is(&self, name: &str) -> bool {
        let (own, wanted) = (self.name.as_ref(), name);
        let both_whole = own.starts_with("arn:") && wanted.starts_with("arn:");
        own.trim_end_matches(":*") == wanted.trim_end_matches(":*")
            || !both_whole && !own.is_empty() && bare_name(own) == bare_name(wanted)
    }
}

/// Returns the resources that a record names, each place for itself: one may be named twice.
pub fn named<'a>(record: &Record<'a>) -> Vec<NamedResource<'a>> {
    let listed = record.resources.iter().filter_map(|entry| {
        let name = entry.arn.clone().or_else(|| entry.arn_prefix.clone())?;
        let (account, resource_type) = (entry.account_id.clone(), entry.resource_type.clone());
        Some(NamedResource { target: None, resource_type, name, account, place: "resources".into() })
    });
    listed.chain(asked_for(record)).collect()
}

/// Tells whether a record is about a resource of a kind, by its name, ARN or id.
pub fn mention(record: &Record<'_>, target: Target, name: &str) -> Mention {
    let mut of_kind = asked_for(record).filter(|resource| resource.target == Some(target)).peekable();
    if of_kind.peek().is_none() {
        return Mention::Unknown;
    }
    if of_kind.any(|resource| resource.is(name)) { Mention::Named } else { Mention::Other }
}

/// Returns what stands where the catalog says that the call names something.
fn asked_for<'a>(record: &Record<'a>) -> impl Iterator<Item = NamedResource<'a>> {
    let source = record.event_source.as_deref().unwrap_or_default();
    let call = catalog::find(source, record.event_name.as_deref().unwrap_or_default());
    let places = call.map_or(&[][..], |call| call.names);
    let parts = (record.request_parameters, record.response_elements, record.service_event_details);
    places.iter().flat_map(move |place| {
        let (part, path) = match *place {
            NamedAt::Request(path) => (parts.0, path),
            NamedAt::Response(path) => (parts.1, path),
            NamedAt::Details(path) => (parts.2, path),
        };
        let target = call.map(|call| call.target);
        names(part.and_then(|part| part.at(path))).map(move |name| NamedResource {
            target,
            resource_type: None,
            name,
            account: None,
            place: match *place {
                NamedAt::Request(path) => format!("requestParameters.{path}").into(),
                NamedAt::Response(path) => format!("responseElements.{path}").into(),
                NamedAt::Details(path) => format!("serviceEventDetails.{path}").into(),
            },
        })
    })
}

/// Returns a text, or each text of a list: S3 writes parameters of the query as lists.
fn names<'a>(json: Option<Json<'a>>) -> impl Iterator<Item = Text<'a>> {
    let is_list = json.is_some_and(|json| json.kind() == JsonType::List);
    let one = json.filter(|_| !is_list).and_then(Json::scalar);
    let some = json.filter(|_| is_list).into_iter().flat_map(Json::elements).take(NAMES_MAX).filter_map(Json::scalar);
    one.into_iter().chain(some).filter(|name| !name.is_empty())
}

/// Returns the name of a resource without what an ARN or a URL has before it; a plain name as it is.
fn bare_name(name: &str) -> &str {
    let last = |text: &'_ str| text.rfind('/').map_or(0, |at| at + 1);
    if name.starts_with("https://") || name.starts_with("http://") {
        return &name[last(name)..];
    }
    let mut parts = name.splitn(6, ':');
    let (Some("arn"), Some(service), Some(resource)) = (parts.next(), parts.nth(1), parts.nth(2)) else { return name };
    let resource = resource.trim_end_matches(":*");
    match service {
        "logs" => resource.strip_prefix("log-group:").unwrap_or(resource),
        // Buckets with their objects, topics and queues have no type before their names.
        "s3" | "sns" | "sqs" => resource,
        _ => &resource[last(resource)..],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(source: &str, event: &str, parts: &str, target: Target, name: &str) -> Mention {
        let text = format!(r#"{{"eventSource":"{source}.amazonaws.com","eventName":"{event}",{parts}}}"#);
        mention(&Record::read(&text).unwrap(), target, name)
    }

    #[test]
    fn a_name_is_found_as_a_name_an_arn_and_a_url() {
        let trail = |parts: &str| about("cloudtrail", "StopLogging", parts, Target::Trail, "acme");
        assert_eq!(trail(r#""requestParameters":{"name":"acme"}"#), Mention::Named);
        let arn = r#""requestParameters":{"name":"arn:aws:cloudtrail:eu-central-1:1:trail/acme"}"#;
        assert_eq!(trail(arn), Mention::Named);
        assert_eq!(trail(r#""requestParameters":{"name":"acme-2"}"#), Mention::Other);
        assert_eq!(trail(r#""requestParameters":null"#), Mention::Unknown);
        assert_eq!(trail(r#""requestParameters":{"name":{"a":1}}"#), Mention::Unknown);
        let queue = r#""requestParameters":{"queueUrl":"https://sqs.eu-central-1.amazonaws.com/1/acme"}"#;
        assert_eq!(about("sqs", "DeleteQueue", queue, Target::Queue, "acme"), Mention::Named);
        let group = r#""requestParameters":{"logGroupName":"/orgtrail/acme"}"#;
        let group = |name: &str| about("logs", "DeleteLogGroup", group, Target::LogGroup, name);
        assert_eq!(group("/orgtrail/acme"), Mention::Named);
        assert_eq!(group("arn:aws:logs:eu-central-1:1:log-group:/orgtrail/acme:*"), Mention::Named);
        assert_eq!((group("/other/acme"), group("acme")), (Mention::Other, Mention::Other));
    }

    #[test]
    fn the_answer_of_a_creation_names_what_the_request_could_not() {
        let answer = r#""requestParameters":{"policyName":"p"},
            "responseElements":{"policy":{"arn":"arn:aws:iam::1:policy/x/p"}}"#;
        let text = format!(r#"{{"eventSource":"iam.amazonaws.com","eventName":"CreatePolicy",{answer}}}"#);
        let record = Record::read(&text).unwrap();
        let places: Vec<String> =
            named(&record).iter().map(|named| format!("{} {}", named.place, named.name)).collect();
        assert_eq!(places, ["responseElements.policy.arn arn:aws:iam::1:policy/x/p", "requestParameters.policyName p"]);
        assert_eq!(mention(&record, Target::ManagedPolicy, "arn:aws:iam::1:policy/x/p"), Mention::Named);
        assert_eq!(mention(&record, Target::ManagedPolicy, "arn:aws:iam::2:policy/q"), Mention::Other);
    }

    #[test]
    fn what_the_service_lists_is_named_of_any_call() {
        let text =
            r#"{"resources":[{"ARN":"arn:aws:s3:::b","accountId":"1","type":"AWS::S3::Bucket"},{"type":"x"},7]}"#;
        let record = Record::read(text).unwrap();
        let found = named(&record);
        assert_eq!((found.len(), found[0].name.as_ref(), found[0].is("b")), (1, "arn:aws:s3:::b", true));
        assert_eq!(record.unread[0].field, "resources");
    }
}
