//! CloudTrail's way into a CloudWatch Logs group: the group's ARN, the role's trust, and the streams it may write.

use super::diagnosis::{condition, denied_by, record, refusal, right_but_for_conditions};
use super::requests::{CLOUDTRAIL, by_cloudtrail};
use super::{Cause, Delivery, Preflight, Refusal, named};
use crate::ids::Arn;
use crate::policy::document::PolicyDocument;
use crate::policy::evaluate::{Caller, Context, Denial, Layers, Named, Place, Request, evaluate, misses};

const ROLE_CODE: &str = "InvalidCloudWatchLogsRoleArnException";
const GROUP_CODE: &str = "InvalidCloudWatchLogsLogGroupArnException";
const TRUST: &str = "trust policy of the log group's role";
const ROLE: &str = "policy of the log group's role";

/// A log group that a trail writes to, and the role that CloudTrail assumes for it.
#[derive(Debug, Clone)]
pub struct LogGroup<'a> {
    /// The group's ARN as the trail is given it; it must end in `:*`.
    pub arn: &'a Arn,
    /// The role.
    pub role_arn: &'a Arn,
    /// The role's trust policy.
    pub trust: &'a PolicyDocument,
    /// The role's policies.
    pub policies: &'a [Named<'a>],
}

/// Checks a log group and its role.
pub fn log_group(delivery: &Delivery, group: &LogGroup) -> Preflight {
    let mut result = Preflight::default();
    check_arn(delivery, group, &mut result);
    if !result.refusals.is_empty() {
        // What the role may write would be held against the wrong group.
        return result;
    }
    check_trust(delivery, group, &mut result);
    for stream in streams(delivery, group) {
        for action in ["logs:CreateLogStream", "logs:PutLogEvents"] {
            check_stream(group, action, &stream, &mut result);
        }
    }
    result
}

fn check_arn(delivery: &Delivery, group: &LogGroup, result: &mut Preflight) {
    let request = by_cloudtrail(delivery, "logs:PutLogEvents", group.arn.as_str());
    let mut refuse = |key: &str, has: &str, needs: String, message: String| {
        result.refuse(Refusal {
            key: Some(key.into()),
            has: Some(has.into()),
            help: format!("use {needs}"),
            needs: Some(needs),
            message,
            ..refusal(Cause::LogGroupNotOpen, GROUP_CODE, "log group", &request)
        });
    };
    if !group.arn.resource().ends_with(":*") {
        let needs = format!("{}:*", group.arn);
        refuse("ARN", group.arn.as_str(), needs, format!("{}: the ARN of the log group must end in `:*`", group.arn));
    }
    let (has, needs) = (group.arn.region(), delivery.trail_arn.region());
    if has != needs {
        let message = format!("{}: the log group is in {has}, the trail's home region is {needs}", group.arn);
        refuse("region", has, format!("a log group in {needs}"), message);
    }
    let (has, needs) = (group.arn.account(), group.role_arn.account());
    if has != needs {
        let message = format!("{}: the log group is in account {has}, its role is in {needs}", group.arn);
        refuse("account", has, format!("a log group and a role in one account, {needs}"), message);
    }
}

fn check_trust(delivery: &Delivery, group: &LogGroup, result: &mut Preflight) {
    let request = by_cloudtrail(delivery, "sts:AssumeRole", group.role_arn.as_str());
    let resource = Some(named(TRUST, group.trust));
    let verdict = evaluate(&request, &Layers { resource, ..Layers::default() });
    record(result, TRUST, &request, verdict, |denial| match denial {
        Denial::Explicit(place) => denied_by(place, ROLE_CODE, TRUST, &request),
        Denial::Implicit { .. } => {
            let misses = misses(&request, named(TRUST, group.trust));
            match right_but_for_conditions(&misses, group.trust) {
                Some(miss) => condition(miss, Cause::LogGroupNotOpen, ROLE_CODE, TRUST, &request),
                None => Refusal {
                    message: format!("{TRUST}: no statement lets {CLOUDTRAIL} assume the role"),
                    help: format!("allow {CLOUDTRAIL} sts:AssumeRole in the trust policy of {}", group.role_arn),
                    needs: Some(CLOUDTRAIL.into()),
                    ..refusal(Cause::LogGroupNotOpen, ROLE_CODE, TRUST, &request)
                },
            }
        }
    });
}

/// A stream that CloudTrail writes, and the pattern that AWS documents for it.
struct Stream {
    arn: String,
    documented: String,
}

fn streams(delivery: &Delivery, group: &LogGroup) -> Vec<Stream> {
    let base = group.arn.as_str().trim_end_matches(":*");
    let (region, account) = (delivery.trail_arn.region(), group.arn.account());
    let stream = |arn: String, documented: String| Stream {
        arn: format!("{base}:log-stream:{arn}"),
        documented: format!("{base}:log-stream:{documented}"),
    };
    let own = format!("{account}_CloudTrail_{region}");
    let mut streams = vec![stream(own.clone(), format!("{own}*"))];
    if let Some(id) = &delivery.organization_id {
        streams.push(stream(format!("{id}_{account}_CloudTrail_{region}"), format!("{id}_*")));
    }
    streams
}

fn check_stream(group: &LogGroup, action: &str, stream: &Stream, result: &mut Preflight) {
    let caller = Caller::Session { role: group.role_arn.clone(), name: "CloudTrail".into() };
    let context = Context::default().with("aws:SecureTransport", "true");
    let request = Request { caller, action: action.into(), resource: stream.arn.clone(), context };
    let verdict = evaluate(&request, &Layers { identity: group.policies, ..Layers::default() });
    record(result, ROLE, &request, verdict, |denial| closed(denial, action, stream, &request));
}

fn closed(denial: Denial, action: &str, stream: &Stream, request: &Request) -> Refusal {
    let nearest = match denial {
        Denial::Explicit(place) => return denied_by(place, ROLE_CODE, ROLE, request),
        Denial::Implicit { nearest, .. } => nearest,
    };
    let place = nearest.map(|miss| miss.place);
    let where_at = place.as_ref().map_or_else(|| ROLE.to_owned(), Place::to_string);
    Refusal {
        message: format!("{where_at}: {action} is not allowed on {}", stream.documented),
        help: format!("add {} to the streams that the role may write", stream.documented),
        statement: place,
        key: Some("Resource".into()),
        needs: Some(stream.documented.clone()),
        ..refusal(Cause::LogGroupNotOpen, ROLE_CODE, ROLE, request)
    }
}
