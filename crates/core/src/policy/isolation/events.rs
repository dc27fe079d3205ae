//! The policies of where events go beside the bucket: the resource policies of CloudWatch Logs that reach the log group
//! of a trail, and the policy of the wake queue.
//!
//! A log group has the events of every account, and what is written into it passes for an event: nobody but services
//! that write for the accounts which own it or run the organization is let in. The queue is EventBridge's to send into,
//! and nobody else's. Source: service authorization reference, "Actions, resources, and condition keys" of CloudWatch
//! Logs and SQS.

use super::granted::{GrantedActions, Verb, first, unknown, verb};
use super::scene::{Excess, Rights, Scene, asked};
use super::{Archive, Invariant, SharedKind};
use crate::ids::AccountId;
use crate::policy::document::{ResourceElement, Statement};
use crate::policy::evaluate::{arn_glob, glob, globs_meet};

/// What reads events.
const EVENT_READS: [&str; 9] = [
    "logs:GetLogEvents",
    "logs:FilterLogEvents",
    "logs:GetLogGroupFields",
    "logs:GetLogObject",
    "logs:GetLogRecord",
    "logs:GetQueryResults",
    "logs:StartLiveTail",
    "logs:StartQuery",
    "logs:Unmask",
];

/// What a service does that writes events.
const EVENT_WRITES: [&str; 3] = ["logs:PutLogEvents", "logs:PutLogEventsBatch", "logs:CreateLogStream"];

/// What shows the settings of a log group.
const GROUP_SETTINGS: [&str; 5] = [
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:DescribeMetricFilters",
    "logs:DescribeSubscriptionFilters",
    "logs:ListTagsForResource",
];

/// What sends events on, removes them, or changes a log group.
const GROUP_CHANGES: [&str; 20] = [
    "logs:DeleteLogGroup",
    "logs:DeleteLogStream",
    "logs:PutSubscriptionFilter",
    "logs:DeleteSubscriptionFilter",
    "logs:PutRetentionPolicy",
    "logs:DeleteRetentionPolicy",
    "logs:CreateExportTask",
    "logs:CreateDelivery",
    "logs:CreateLogGroup",
    "logs:Link",
    "logs:AssociateKmsKey",
    "logs:DisassociateKmsKey",
    "logs:PutDataProtectionPolicy",
    "logs:DeleteDataProtectionPolicy",
    "logs:PutMetricFilter",
    "logs:DeleteMetricFilter",
    "logs:PutResourcePolicy",
    "logs:DeleteResourcePolicy",
    "logs:TagResource",
    "logs:UntagResource",
];

/// What takes messages.
const RECEIVE: &str = "sqs:ReceiveMessage";

/// What sends them.
const SEND: &str = "sqs:SendMessage";

/// What shows the settings of a queue.
const QUEUE_SETTINGS: [&str; 5] = [
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ListDeadLetterSourceQueues",
    "sqs:ListMessageMoveTasks",
    "sqs:ListQueueTags",
];

/// What removes messages, or changes a queue.
const QUEUE_CHANGES: [&str; 12] = [
    "sqs:DeleteMessage",
    "sqs:PurgeQueue",
    "sqs:DeleteQueue",
    "sqs:SetQueueAttributes",
    "sqs:AddPermission",
    "sqs:RemovePermission",
    "sqs:ChangeMessageVisibility",
    "sqs:CancelMessageMoveTask",
    "sqs:CreateQueue",
    "sqs:StartMessageMoveTask",
    "sqs:TagQueue",
    "sqs:UntagQueue",
];

/// The service that sends into the queue.
const EVENT_BRIDGE: &str = "events.amazonaws.com";

impl SharedKind {
    /// Tells whether it is of the two that this file is about.
    pub(super) fn is_of_events(self) -> bool {
        matches!(self, SharedKind::LogGroup | SharedKind::Queue)
    }
}

impl GrantedActions {
    /// Returns what a statement allows on a log group.
    pub(super) fn on_log_group(statement: &Statement) -> Self {
        let mut granted = Self {
            read: first(statement, &EVENT_READS),
            settings: first(statement, &GROUP_SETTINGS),
            deliver: first(statement, &EVENT_WRITES),
            change: first(statement, &GROUP_CHANGES),
            ..Self::default()
        };
        let known = [&EVENT_READS[..], &GROUP_SETTINGS, &EVENT_WRITES, &GROUP_CHANGES].concat();
        for action in unknown(statement, "logs", &known) {
            let sort = if verb(&action) == Verb::Other { &mut granted.change } else { &mut granted.read };
            sort.get_or_insert(action);
        }
        granted
    }

    /// Returns what a statement allows on a queue.
    pub(super) fn on_queue(statement: &Statement) -> Self {
        let mut granted = Self {
            read: first(statement, &[RECEIVE]),
            settings: first(statement, &QUEUE_SETTINGS),
            deliver: first(statement, &[SEND]),
            change: first(statement, &QUEUE_CHANGES),
            ..Self::default()
        };
        let known = [&[RECEIVE, SEND][..], &QUEUE_SETTINGS, &QUEUE_CHANGES].concat();
        for action in unknown(statement, "sqs", &known) {
            let sort = if verb(&action) == Verb::Other { &mut granted.change } else { &mut granted.settings };
            sort.get_or_insert(action);
        }
        granted
    }
}

/// Returns what a statement gives on a log group or a queue beyond somebody's rights: to everybody but the services
/// that write there, and the trusted readers who read, anything at all.
pub(super) fn of_events(scene: &Scene, rights: Rights) -> Vec<Excess> {
    if scene.kind == SharedKind::LogGroup && !reaches(scene.statement, scene.arn) {
        return Vec::new();
    }
    let GrantedActions { read, deliver, change, .. } = &scene.granted;
    let is_queue = scene.kind == SharedKind::Queue;
    let one = |action: &String| vec![on_events(scene, action)];
    let some = |action: Option<&String>| action.map(one).unwrap_or_default();
    let all = || some(scene.granted.any());
    match rights {
        Rights::Known => Vec::new(),
        // Every principal of an account that owns it, or one that is named: who can become it was not looked at.
        Rights::Own("") | Rights::SomebodyOfHome => all().into_iter().map(asked).collect(),
        Rights::Trusted if !is_queue => some(deliver.as_ref().or(change.as_ref())),
        Rights::Service { of: Some(""), name } if !is_queue || name == EVENT_BRIDGE => {
            some(read.as_ref().or(change.as_ref()))
        }
        Rights::Nothing | Rights::Own(_) | Rights::Trusted | Rights::Service { .. } => all(),
    }
}

fn on_events(scene: &Scene, action: &String) -> Excess {
    let GrantedActions { deliver, change, .. } = &scene.granted;
    let writes = [deliver, change].into_iter().flatten().any(|one| one == action);
    let invariant = if writes { Invariant::WritesNothing } else { Invariant::NothingLeadsOut };
    let (tries, shown) = match scene.kind {
        SharedKind::LogGroup => {
            let streams = ["", ":*", ":log-stream:any"].map(|end| (format!("{}{end}", scene.arn), None));
            (streams.into(), Some(scene.arn.to_owned()))
        }
        _ => (vec![(scene.arn.to_owned(), None)], None),
    };
    Excess { invariant, action: action.clone(), tries, shown, open: None }
}

/// Tells whether two patterns of ARNs have an ARN in common. A wildcard does not reach over the first five colons.
fn fields_meet(one: &str, other: &str) -> bool {
    if one.split(':').count() < 6 {
        return globs_meet(one, other);
    }
    one.splitn(6, ':').zip(other.splitn(6, ':')).all(|(one, other)| globs_meet(one, other))
}

/// Tells whether a pattern reaches a log group or a stream of it over the colons. The name of a stream has none.
fn crosses_to(pattern: &str, group: &str) -> bool {
    let last = pattern.rsplit(':').next().unwrap_or_default().replace(['*', '?'], "x");
    let streams = ["any", last.as_str()].map(|name| format!("{group}:log-stream:{name}"));
    let all = streams.into_iter().chain([group.to_owned(), format!("{group}:*")]);
    pattern.contains("*:") && all.into_iter().any(|arn| glob(pattern, &arn))
}

/// Tells whether a statement can be about a log group or a stream of it. `group` is the group's ARN, without `:*` at
/// its end.
pub(super) fn reaches(statement: &Statement, group: &str) -> bool {
    let below = format!("{group}:*");
    let meets = |pattern: &String| {
        pattern.contains("${")
            || fields_meet(pattern, group)
            || fields_meet(pattern, &below)
            || crosses_to(pattern, group)
    };
    // The star of the group's own pattern is met by a star only where no `?` stands in the pattern.
    let covers =
        |pattern: &String| !pattern.contains(['?', '$']) && arn_glob(pattern, group) && arn_glob(pattern, &below);
    match &statement.resource {
        Some(ResourceElement::Is(list)) => list.iter().any(meets),
        Some(ResourceElement::IsNot(list)) => !list.iter().any(covers),
        None => true,
    }
}

impl Archive<'_> {
    /// Tells whether an account owns what a document is about, or runs what it is part of: what stays there leads
    /// nowhere.
    pub(super) fn is_home(&self, kind: SharedKind, owner: &AccountId, account: &AccountId) -> bool {
        account == owner || account == self.account || (kind.is_of_events() && self.facts.management == Some(account))
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::PolicyDocument;

    const GROUP: &str = "arn:aws:logs:eu-central-1:111111111111:log-group:/orgtrail/acme";

    fn statement(rest: &str) -> Statement {
        let text = format!(r#"{{"Statement":[{{"Effect":"Allow","Principal":"*",{rest}}}]}}"#);
        PolicyDocument::parse(&text).unwrap().statements.remove(0)
    }

    #[test]
    fn a_pattern_reaches_a_group_where_it_can_meet_the_group_or_a_stream() {
        for (element, expected) in [
            (r#""Resource":"*""#, true),
            (r#""Resource":"arn:aws:logs:eu-central-1:111111111111:log-group:/orgtrail/acme""#, true),
            (r#""Resource":"arn:aws:logs:eu-central-1:111111111111:log-group:/orgtrail/acme:*""#, true),
            (r#""Resource":"arn:aws:logs:*:*:log-group:/orgtrail/acme:log-stream:111111111111_CloudTrail*""#, true),
            (r#""Resource":"arn:aws:logs:*:*:log-group:/org*""#, true),
            (r#""Resource":"arn:aws:logs:*:*:log-group:${aws:PrincipalTag/group}""#, true),
            (r#""Resource":"arn:aws:logs:*:*:log-group:/orgtrail/acm?:log-stream:x""#, true),
            (r#""Resource":"arn:aws:logs:eu-central-1:111111111111:log-group:/orgtrail/acme-other:*""#, false),
            (r#""Resource":"arn:aws:logs:eu-central-1:111111111111:log-group:/aws/route53/*""#, false),
            (r#""Resource":"arn:aws:logs:us-east-1:*:log-group:/orgtrail/acme:*""#, false),
            (r#""NotResource":"arn:aws:logs:*:*:log-group:/orgtrail/acme*""#, false),
            (r#""NotResource":"*""#, false),
            (r#""NotResource":"arn:aws:logs:*:*:log-group:/orgtrail/acme""#, true),
            (r#""NotResource":"arn:aws:logs:*:*:log-group:/orgtrail/acme:?""#, true),
            (r#""NotResource":"arn:aws:logs:*:*:log-group:/other*""#, true),
        ] {
            assert_eq!(reaches(&statement(&format!(r#""Action":"logs:*",{element}"#)), GROUP), expected, "{element}");
        }
    }

    #[test]
    fn actions_are_sorted_by_what_they_do_to_events() {
        let sorts = |action: &str| {
            let statement = statement(&format!(r#""Action":"{action}","Resource":"*""#));
            let granted = if action.starts_with("sqs") {
                GrantedActions::on_queue(&statement)
            } else {
                GrantedActions::on_log_group(&statement)
            };
            [granted.read, granted.deliver, granted.change, granted.settings].map(|sort| sort.is_some())
        };
        assert_eq!(sorts("logs:*"), [true; 4]);
        assert_eq!(sorts("logs:Get*"), [true, false, false, false]);
        assert_eq!(sorts("logs:GetNewThing"), [true, false, false, false]);
        assert_eq!(sorts("logs:PutLogEvents"), [false, true, false, false]);
        assert_eq!(sorts("logs:Melt"), [false, false, true, false]);
        assert_eq!(sorts("logs:Link"), [false, false, true, false]);
        assert_eq!(sorts("s3:*"), [false; 4]);
        assert_eq!(sorts("sqs:*"), [true; 4]);
        assert_eq!(sorts("sqs:SendMessage"), [false, true, false, false]);
        assert_eq!(sorts("sqs:Melt"), [false, false, true, false]);
        assert_eq!(sorts("sqs:GetQueueUrl"), [false, false, false, true]);
    }

    #[test]
    fn what_names_all_known_actions_leaves_those_that_nobody_knows() {
        let all = [&EVENT_READS[..], &EVENT_WRITES, &GROUP_SETTINGS, &GROUP_CHANGES].concat();
        let but = |list: &[&str]| {
            let list = serde_json::to_string(list).unwrap();
            GrantedActions::on_log_group(&statement(&format!(r#""NotAction":{list},"Resource":"*""#)))
        };
        assert_eq!(but(&all).any().map(String::as_str), Some("logs:*"));
        assert_eq!(but(&["logs:*"]).any(), None);
        assert_eq!(but(&["*"]).any(), None);
    }
}
