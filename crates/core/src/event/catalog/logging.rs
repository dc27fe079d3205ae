//! Calls about trails, and about what events go through: topics, log groups, queues, rules.

use super::{Call, Effect, NamedAt, Service, Target, call};
use Effect::{Loses, Opens, Stops, Weakens};
use NamedAt::{Request, Response};

const fn trail(name: &'static str, names: &'static [NamedAt]) -> Call {
    call(name, Target::Trail, names)
}

/// CloudTrail. The requests name a trail by its name or its ARN, the answers by its ARN.
pub(super) const CLOUDTRAIL: Service = Service {
    source: "cloudtrail.amazonaws.com",
    prefix: "cloudtrail",
    calls: &[
        trail("StopLogging", &[Request("name")]).can(&[Stops]).guarded().waking(),
        trail("DeleteTrail", &[Request("name")]).can(&[Stops]).guarded().waking(),
        trail("UpdateTrail", &[Request("name"), Response("trailARN")]).can(&[Stops, Opens, Weakens]).guarded().waking(),
        trail("PutEventSelectors", &[Request("trailName"), Response("trailARN")]).can(&[Stops]).guarded().waking(),
        trail("PutInsightSelectors", &[Request("trailName"), Response("trailARN")]).can(&[Weakens]).guarded().waking(),
        trail("AddTags", &[Request("resourceId")]).can(&[Weakens]).guarded(),
        trail("RemoveTags", &[Request("resourceId")]).can(&[Weakens]).guarded().waking(),
        trail("CreateTrail", &[Request("name"), Response("trailARN")]),
        trail("StartLogging", &[Request("name")]),
        call(
            "DeregisterOrganizationDelegatedAdmin",
            Target::DelegatedAdministrator,
            &[Request("delegatedAdminAccountId")],
        )
        .can(&[Weakens])
        .waking()
        .looked_up(),
        call("RegisterOrganizationDelegatedAdmin", Target::DelegatedAdministrator, &[Request("memberAccountId")]),
    ],
};

const fn topic(name: &'static str) -> Call {
    call(name, Target::Topic, &[Request("topicArn")])
}

pub(super) const SNS: Service = Service {
    source: "sns.amazonaws.com",
    prefix: "sns",
    calls: &[
        topic("DeleteTopic").can(&[Stops]).guarded(),
        topic("SetTopicAttributes").can(&[Stops, Opens]).guarded(),
        topic("AddPermission").can(&[Opens]).guarded(),
        call("UntagResource", Target::Topic, &[Request("resourceArn")]).can(&[Weakens]).guarded(),
        topic("RemovePermission").can(&[Stops]),
        call("TagResource", Target::Topic, &[Request("resourceArn")]).can(&[Weakens]),
        call("CreateTopic", Target::Topic, &[Response("topicArn"), Request("name")]),
    ],
};

const fn group(name: &'static str) -> Call {
    call(name, Target::LogGroup, &[Request("logGroupName")])
}

pub(super) const LOGS: Service = Service {
    source: "logs.amazonaws.com",
    prefix: "logs",
    calls: &[
        group("PutRetentionPolicy").can(&[Loses]).guarded().looked_up(),
        group("DeleteRetentionPolicy").looked_up(),
        group("DeleteLogGroup").can(&[Stops, Loses]).guarded().looked_up(),
        group("PutSubscriptionFilter").can(&[Opens]).guarded(),
        group("DeleteLogStream").can(&[Loses]),
        call("TagResource", Target::LogGroup, &[Request("resourceArn")]).can(&[Weakens]),
        call("UntagResource", Target::LogGroup, &[Request("resourceArn")]).can(&[Weakens]),
        group("CreateLogGroup"),
    ],
};

const fn queue(name: &'static str) -> Call {
    call(name, Target::Queue, &[Request("queueUrl")])
}

pub(super) const SQS: Service = Service {
    source: "sqs.amazonaws.com",
    prefix: "sqs",
    calls: &[
        queue("SetQueueAttributes").can(&[Stops, Opens]).guarded().looked_up(),
        queue("DeleteQueue").can(&[Weakens]).guarded().looked_up(),
        queue("PurgeQueue").can(&[Weakens]).guarded(),
        queue("AddPermission").can(&[Opens]),
        queue("RemovePermission").can(&[Weakens]),
        queue("TagQueue").can(&[Weakens]),
        queue("UntagQueue").can(&[Weakens]),
        call("CreateQueue", Target::Queue, &[Response("queueUrl"), Request("queueName")]),
    ],
};

const fn rule(name: &'static str, parameter: &'static [NamedAt]) -> Call {
    call(name, Target::Rule, parameter)
}

pub(super) const EVENTS: Service = Service {
    source: "events.amazonaws.com",
    prefix: "events",
    calls: &[
        rule("PutRule", &[Request("name"), Response("ruleArn")]).can(&[Weakens]).looked_up(),
        rule("DisableRule", &[Request("name")]).can(&[Weakens]).guarded().looked_up(),
        rule("RemoveTargets", &[Request("rule")]).can(&[Weakens]).guarded().looked_up(),
        rule("DeleteRule", &[Request("name")]).can(&[Weakens]).guarded().looked_up(),
        rule("PutTargets", &[Request("rule")]).can(&[Opens]),
        rule("EnableRule", &[Request("name")]),
        rule("TagResource", &[Request("resourceARN")]).can(&[Weakens]),
        rule("UntagResource", &[Request("resourceARN")]).can(&[Weakens]),
    ],
};
