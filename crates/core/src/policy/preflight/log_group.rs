//! CloudTrail's way into a CloudWatch Logs group: the group's ARN, the role's trust, the streams it may write, and what
//! the resource policies of CloudWatch Logs deny.

use std::collections::BTreeSet;

use super::diagnosis::{condition, denied_by, record, refusal, right_but_for_conditions};
use super::requests::{CLOUDTRAIL, by_cloudtrail};
use super::{Cause, Preflight, PreflightTrail, RESOURCE_POLICY, Refusal, named};
use crate::ids::{AccountId, Arn};
use crate::policy::document::{Effect, PolicyDocument, ResourceElement, Statement};
use crate::policy::evaluate::{
    Caller, Context, Denial, Layers, Named, Request, StatementPlace, evaluate, full_access, glob, misses,
};

const ROLE_CODE: &str = "InvalidCloudWatchLogsRoleArnException";
const GROUP_CODE: &str = "InvalidCloudWatchLogsLogGroupArnException";
/// How many members that a denial names are tried.
const MEMBERS_MAX: usize = 50;
/// What CloudTrail does with the role.
const ACTIONS: [&str; 2] = ["logs:CreateLogStream", "logs:PutLogEvents"];
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
    /// The resource policies of CloudWatch Logs in the group's account and region, each called `resource policy NAME`.
    pub resource_policies: &'a [Named<'a>],
}

/// Checks a log group and its role.
pub fn log_group(delivery: &PreflightTrail, group: &LogGroup) -> Preflight {
    let mut result = Preflight::default();
    check_arn(delivery, group, &mut result);
    if !result.refusals.is_empty() {
        // What the role may write would be held against the wrong group.
        return result;
    }
    check_trust(delivery, group, &mut result);
    for stream in streams(delivery, group) {
        for action in ACTIONS {
            check_stream(group, action, &stream, &mut result);
        }
    }
    for policy in group.resource_policies {
        check_resource_policy(delivery, group, *policy, &mut result);
    }
    result
}

fn check_arn(delivery: &PreflightTrail, group: &LogGroup, result: &mut Preflight) {
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

fn check_trust(delivery: &PreflightTrail, group: &LogGroup, result: &mut Preflight) {
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

fn streams(delivery: &PreflightTrail, group: &LogGroup) -> Vec<Stream> {
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

/// The request with which CloudTrail writes to a stream.
fn write(group: &LogGroup, action: &str, stream: &str) -> Request {
    let caller = Caller::Session { role: group.role_arn.clone(), name: "CloudTrail".into() };
    let context = Context::default().with("aws:SecureTransport", "true");
    Request { caller, action: action.into(), resource: stream.to_owned(), context }
}

fn check_stream(group: &LogGroup, action: &str, stream: &Stream, result: &mut Preflight) {
    let request = write(group, action, &stream.arn);
    let verdict = evaluate(&request, &Layers { identity: group.policies, ..Layers::default() });
    record(result, ROLE, &request, verdict, |denial| closed(denial, action, stream, &request));
}

fn closed(denial: Denial, action: &str, stream: &Stream, request: &Request) -> Refusal {
    let nearest = match denial {
        Denial::Explicit(place) => return denied_by(place, ROLE_CODE, ROLE, request),
        Denial::Implicit { nearest, .. } => nearest,
    };
    let place = nearest.map(|miss| miss.place);
    let where_at = place.as_ref().map_or_else(|| ROLE.to_owned(), StatementPlace::to_string);
    Refusal {
        message: format!("{where_at}: {action} is not allowed on {}", stream.documented),
        help: format!("add {} to the streams that the role may write", stream.documented),
        statement: place,
        key: Some("Resource".into()),
        needs: Some(stream.documented.clone()),
        ..refusal(Cause::LogGroupNotOpen, ROLE_CODE, ROLE, request)
    }
}

/// AWS documents that such a policy binds services only (CloudWatch Logs API, `PutResourcePolicy`), and CloudTrail
/// writes as a role. That is not relied on: what is denied there is meant to stop something.
fn check_resource_policy(delivery: &PreflightTrail, group: &LogGroup, policy: Named, result: &mut Preflight) {
    let denies = policy.document.statements.iter().filter(|statement| statement.effect == Effect::Deny);
    let denied: Vec<&Statement> = denies.collect();
    if denied.is_empty() {
        return;
    }
    let own = full_access();
    let identity = [Named { name: "what the role may", document: &own }];
    let layers = Layers { identity: &identity, resource: Some(policy), ..Layers::default() };
    for stream in denied_streams(delivery, group, &denied) {
        for action in ACTIONS {
            let mut request = write(group, action, &stream);
            if let Some(id) = &delivery.organization_id {
                request.context = std::mem::take(&mut request.context).with("aws:PrincipalOrgID", id.as_str());
            }
            record(result, policy.name, &request, evaluate(&request, &layers), |denial| {
                kept_out(denial, group, policy.name, &request)
            });
        }
    }
}

fn kept_out(denial: Denial, group: &LogGroup, document: &str, request: &Request) -> Refusal {
    let place = match denial {
        Denial::Explicit(place) => Some(place),
        Denial::Implicit { .. } => None,
    };
    let where_at = place.as_ref().map_or_else(|| document.to_owned(), StatementPlace::to_string);
    let name = document.strip_prefix(RESOURCE_POLICY).unwrap_or(document).trim();
    Refusal {
        message: format!(
            "{where_at} denies {} on {} to {}, with which CloudTrail writes to the log group",
            request.action, request.resource, group.role_arn
        ),
        help: format!(
            "let the statement leave the role out, or put the policy {name} again without it (`aws logs \
             put-resource-policy`)"
        ),
        denied: place.is_some(),
        statement: place,
        ..refusal(Cause::DeniedByStatement, ROLE_CODE, document, request)
    }
}

/// Returns streams that CloudTrail writes to and that denials may tell apart: its own, those of some members and
/// regions, and those that the denials' own patterns suggest.
fn denied_streams(delivery: &PreflightTrail, group: &LogGroup, denied: &[&Statement]) -> BTreeSet<String> {
    let base = group.arn.as_str().trim_end_matches(":*");
    let mut all: BTreeSet<String> = streams(delivery, group).into_iter().map(|stream| stream.arn).collect();
    let own = group.arn.account();
    let mut starts = vec![format!("{base}:log-stream:{own}_CloudTrail_")];
    if let Some(id) = &delivery.organization_id {
        let members = delivery.accounts.iter().map(AccountId::as_str);
        let text: String = denied.iter().map(|statement| statement.to_value().to_string()).collect();
        let named = members.clone().filter(|account| text.contains(account)).take(MEMBERS_MAX);
        let members: BTreeSet<&str> = named.chain(members.take(2)).chain([own]).collect();
        let start = |account: &str| format!("{base}:log-stream:{id}_{account}_CloudTrail_");
        starts.extend(members.into_iter().map(start));
        starts.push(format!("{base}:log-stream:{id}_"));
    }
    let regions = [delivery.trail_arn.region(), "us-east-1", "ap-southeast-2"];
    all.extend(
        starts
            .iter()
            .filter(|start| start.ends_with("_CloudTrail_"))
            .flat_map(|start| regions.map(|region| format!("{start}{region}"))),
    );
    let patterns = denied.iter().flat_map(|statement| match &statement.resource {
        Some(ResourceElement::Is(list) | ResourceElement::IsNot(list)) => list.as_slice(),
        None => &[],
    });
    let patterns: Vec<&String> = patterns.filter(|pattern| !pattern.contains("${")).collect();
    for start in &starts {
        all.extend(patterns.iter().flat_map(|pattern| continued(start, pattern)));
    }
    all
}

/// Returns texts that begin with `start` and follow a pattern, one for each way in which the start can be a part of it.
fn continued(start: &str, pattern: &str) -> Vec<String> {
    let ends = pattern.char_indices().map(|(at, _)| at).chain([pattern.len()]);
    let fitting = ends.filter(|end| glob(&pattern[..*end], start));
    let filled = |end: usize| format!("{start}{}", pattern[end..].replace('*', "").replace('?', "x"));
    fitting.map(filled).take(4).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_continued_as_a_pattern_says() {
        assert_eq!(continued("a:o-x_", "a:o-x_333_*eu-west-3"), ["a:o-x_333_eu-west-3"]);
        assert_eq!(continued("a:o-x_", "a:*_eu-west-?"), ["a:o-x__eu-west-x", "a:o-x_eu-west-x"]);
        assert_eq!(continued("a:o-x_", "a:o-y_*"), Vec::<String>::new());
        assert_eq!(continued("a:o-x_", "a:o-x_"), ["a:o-x_"]);
    }
}
