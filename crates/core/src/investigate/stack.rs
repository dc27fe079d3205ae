//! Behind what CloudFormation did with a service role: the call that created, changed or deleted a stack around that
//! time. No record ties the two together, so such a step is likely and never proven.
//!
//! Sources: CloudFormation user guide, "AWS CloudFormation service role" (a role that a stack was given once is used by
//! all later operations on it) and "Prerequisites for using StackSets" (the roles of stack sets).

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::issue::{Issue, once};
use crate::event::{Actor, Record};

/// The calls that have CloudFormation change what is in a stack.
const STACK_CALLS: [&str; 7] = [
    "CreateStack",
    "UpdateStack",
    "CancelUpdateStack",
    "DeleteStack",
    "ExecuteChangeSet",
    "RollbackStack",
    "ContinueUpdateRollback",
];
/// The calls that have CloudFormation change the stacks of a stack set.
const STACK_SET_CALLS: [&str; 4] =
    ["CreateStackInstances", "UpdateStackInstances", "DeleteStackInstances", "UpdateStackSet"];
/// The service.
pub const CLOUDFORMATION: &str = "cloudformation.amazonaws.com";
/// How CloudFormation names the sessions of service roles.
const SESSION_NAME: &str = "AWSCloudFormation";
/// How long before a call the operation on the stack may have begun: an assumption. Most end within minutes, those with
/// databases and distributions take hours.
const OPERATION_MAX: SignedDuration = SignedDuration::from_hours(12);
/// The longest name of a stack, in characters (CloudFormation API, `CreateStack`).
const NAME_MAX: usize = 128;
/// The most calls that an answer names.
const NAMED_MAX: usize = 5;
/// The most bytes of a request in which names of stacks are looked for.
const ASKED_BYTES_MAX: usize = 1 << 16;
/// Services whose calls are recorded in one region, whatever the region of the stack is (CloudTrail user guide, "Global
/// service events").
const GLOBAL_SERVICES: [&str; 8] = [
    "iam.amazonaws.com",
    "sts.amazonaws.com",
    "organizations.amazonaws.com",
    "route53.amazonaws.com",
    "cloudfront.amazonaws.com",
    "globalaccelerator.amazonaws.com",
    "waf.amazonaws.com",
    "shield.amazonaws.com",
];
/// What the roles of stack sets are called (CloudFormation user guide, "Prerequisites for using StackSets").
const SET_ROLES: [&str; 2] = ["AWSCloudFormationStackSet", "stacksets-exec-"];

/// What CloudFormation did with a role: the calls on stacks that may have led to it are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedStack {
    /// The account of the stack or stack set. `None`: not recorded.
    pub account: Option<String>,
    /// The ARN of the role that CloudFormation used. `None`: not recorded.
    pub role: Option<String>,
    /// The region of the stack. `None`: not known.
    pub region: Option<String>,
    /// It is the role of stack sets.
    pub is_set: bool,
    /// From when on the call may have been made.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// What the call of CloudFormation asked for, as JSON: names that CloudFormation makes begin with the stack's.
    pub asked: String,
}

/// Why it is not known which call on a stack led to something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoCall {
    /// There is none.
    Absent,
    /// Several callers made one.
    Several {
        /// The first of them, in words.
        calls: Vec<String>,
        /// How many more there are.
        more: usize,
    },
}

/// What a tracer keeps of the call at the end of its chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct StackClue {
    region: Option<String>,
    asked: String,
}

impl StackClue {
    /// Returns what a record tells of a stack behind it.
    pub(super) fn of(record: &Record<'_>) -> Self {
        let is_global = record.event_source.as_deref().is_none_or(|source| GLOBAL_SERVICES.contains(&source));
        let region = record.aws_region.as_deref().filter(|_| !is_global);
        let asked = record.request_parameters.map(|asked| asked.as_str()).unwrap_or_default();
        let end = asked.floor_char_boundary(ASKED_BYTES_MAX.min(asked.len()));
        Self { region: region.map(str::to_owned), asked: asked[..end].to_owned() }
    }

    /// Returns what is looked for behind a role that CloudFormation used at a time.
    pub(super) fn wanted(
        &self,
        role: Option<&str>,
        account: Option<&str>,
        service: &str,
        at: Timestamp,
    ) -> WantedStack {
        let name = role.and_then(|arn| arn.rsplit('/').next()).unwrap_or_default();
        let is_set = service.contains("stacksets.") || SET_ROLES.iter().any(|prefix| name.starts_with(prefix));
        WantedStack {
            account: role.and_then(|arn| arn.split(':').nth(4)).or(account).map(str::to_owned),
            role: role.map(str::to_owned),
            region: self.region.clone().filter(|_| !is_set),
            is_set,
            from: at.checked_sub(OPERATION_MAX).unwrap_or(Timestamp::MIN),
            to: at,
            asked: self.asked.clone(),
        }
    }
}

/// Tells whether a service is CloudFormation.
pub(super) fn is_service(name: &str) -> bool {
    name == CLOUDFORMATION || name.ends_with(".stacksets.cloudformation.amazonaws.com") || name == STACK_SETS
}

const STACK_SETS: &str = "stacksets.cloudformation.amazonaws.com";

/// Tells whether a session is one in which CloudFormation used a service role: AWS tells the service.
pub(super) fn is_session(actor: &Actor) -> bool {
    actor.through.as_deref() == Some(CLOUDFORMATION) && actor.session_name.as_deref() == Some(SESSION_NAME)
}

impl WantedStack {
    /// Returns the calls that may have led to it. A role of any name may be that with which stack sets are
    /// administered: their calls name it.
    pub fn calls(&self) -> impl Iterator<Item = &'static str> {
        STACK_CALLS.into_iter().filter(|_| !self.is_set).chain(STACK_SET_CALLS)
    }

    /// Tells whether a call may have led to what CloudFormation did.
    fn may_be(&self, call: &Issue) -> bool {
        let is_administered = self.role.is_some() && self.role == call.role;
        let is_set_call = STACK_SET_CALLS.contains(&call.call.as_str());
        let is_call = self.calls().any(|name| name == call.call) && (self.is_set || !is_set_call || is_administered);
        let agrees = |own: &Option<String>, other: &Option<String>| match (own, other) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        };
        // A stack without a role from its beginning on is worked on with the credentials of whoever made it.
        let has_role = self.is_set || call.role.is_some() || call.call != "CreateStack";
        is_call
            && (self.from..=self.to).contains(&call.time)
            && agrees(&self.account, &call.account)
            && agrees(&self.region, &call.region)
            && (self.is_set || agrees(&self.role, &call.role))
            && has_role
            // What CloudFormation calls itself, for a stack within a stack, began with another call.
            && call.caller.through.as_deref() != Some(CLOUDFORMATION)
    }

    /// Tells whether the call of CloudFormation asked for something with the name of a stack.
    fn names(&self, stack: &str) -> bool {
        let (whole, begun) = (format!("\"{stack}\""), [format!("\"{stack}-"), format!(":stack/{stack}/")]);
        // What a colon follows is the name of a field.
        let is_value = |at: usize| !self.asked[at + whole.len()..].trim_start().starts_with(':');
        !stack.is_empty()
            && (self.asked.match_indices(&whole).any(|(at, _)| is_value(at))
                || begun.iter().any(|form| self.asked.contains(form.as_str())))
    }

    /// Chooses the call that led to it.
    ///
    /// # Errors
    /// [`NoCall`] where there is none, or several callers may have done it.
    pub(super) fn chosen(&self, calls: Vec<Issue>) -> Result<Issue, NoCall> {
        let mut all: Vec<Issue> = once(calls).into_iter().filter(|call| self.may_be(call)).collect();
        all.sort_by_key(|call| std::cmp::Reverse(call.time));
        let named: Vec<Issue> =
            all.iter().filter(|call| call.stack.as_deref().is_some_and(|stack| self.names(stack))).cloned().collect();
        let all = if named.is_empty() { all } else { named };
        // Several people may give their sessions of one role the same name: their keys tell them apart.
        let caller = |call: &Issue| {
            let id = call.caller_id.clone().unwrap_or_else(|| call.caller.name.clone());
            (id, call.caller.access_key.clone().filter(|_| call.caller.session_name.is_some()))
        };
        let callers: BTreeSet<(String, Option<String>)> = all.iter().map(caller).collect();
        match (all.first(), callers.len()) {
            (None, _) => Err(NoCall::Absent),
            (Some(last), 1) => Ok(last.clone()),
            (Some(_), _) => Err(NoCall::Several { more: all.len().saturating_sub(NAMED_MAX), calls: told(&all) }),
        }
    }
}

fn told(calls: &[Issue]) -> Vec<String> {
    let one = |call: &Issue| {
        let stack = call.stack.as_deref().unwrap_or("a stack that is not recorded");
        format!("{} {} of {stack} by {}", call.time, call.call, call.caller.name)
    };
    calls.iter().take(NAMED_MAX).map(one).collect()
}

impl Issue {
    /// Reads a call on a stack or a stack set. `None`: the record is about something else, or was not done.
    pub fn of_stack(record: &Record<'_>) -> Option<Self> {
        let call = record.event_name.as_deref()?;
        let is_call = STACK_CALLS.contains(&call) || STACK_SET_CALLS.contains(&call);
        if record.event_source.as_deref() != Some(CLOUDFORMATION) || !is_call {
            return None;
        }
        let asked = |path: &str| {
            let text = record.request_parameters.and_then(|asked| asked.at(path)?.text());
            text.map(|text| text.into_owned()).filter(|text| !text.is_empty())
        };
        let stack = asked("stackName").or_else(|| asked("stackSetName"));
        // arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/ID
        let bare =
            |text: String| text.split_once(":stack/").and_then(|(_, rest)| rest.split('/').next()).map(str::to_owned);
        Some(Self {
            role: asked("roleARN").or_else(|| asked("administrationRoleARN")),
            stack: stack.map(|text| bare(text.clone()).unwrap_or(text).chars().take(NAME_MAX).collect()),
            ..Self::called(record, call)?
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::chain::{Chain, Lost, Origin, Tracer};
    use super::*;

    const ROLE: &str = "arn:aws:iam::111111111111:role/Stacks";

    fn event(id: &str, time: &str, source: &str, call: &str, identity: &str, asked: &str) -> String {
        format!(
            r#"{{"eventTime":"2026-11-20T{time}Z","eventSource":"{source}.amazonaws.com","eventName":"{call}","eventID":"{id}",
            "awsRegion":"eu-central-1","recipientAccountId":"111111111111","userIdentity":{identity},"requestParameters":{asked}}}"#
        )
    }

    fn user(name: &str) -> String {
        let arn = format!("arn:aws:iam::111111111111:user/{name}");
        format!(r#"{{"type":"IAMUser","principalId":"AIDA{name}","arn":"{arn}","accountId":"111111111111"}}"#)
    }

    /// What CloudFormation does with a service role.
    fn deed(asked: &str) -> String {
        let arn = "arn:aws:sts::111111111111:assumed-role/Stacks/AWSCloudFormation";
        let identity = format!(
            r#"{{"type":"AssumedRole","principalId":"AROAS:AWSCloudFormation","arn":"{arn}","accountId":"111111111111",
            "invokedBy":"cloudformation.amazonaws.com","accessKeyId":"ASIAEXAMPLESTACK0001",
            "sessionContext":{{"sessionIssuer":{{"type":"Role","arn":"{ROLE}"}}}}}}"#
        );
        event("deed", "10:05:00", "sqs", "DeleteQueue", &identity, asked)
    }

    fn stack(id: &str, time: &str, call: &str, by: &str, name: &str, more: &str) -> String {
        let asked = format!(r#"{{"stackName":"{name}"{more}}}"#);
        event(id, time, "cloudformation", call, &user(by), &asked)
    }

    fn trace(deed: &str, calls: &[String]) -> Chain {
        let mut tracer = Tracer::of(&Record::read(deed).unwrap(), None);
        while let Some(wanted) = tracer.wanted() {
            assert!(wanted.access_key.is_some());
            tracer.found(Vec::new());
        }
        assert!(tracer.wanted_stack().is_some());
        tracer.found_stack_calls(calls.iter().filter_map(|text| Issue::of_stack(&Record::read(text).ok()?)).collect());
        tracer.chain()
    }

    #[test]
    fn one_call_on_a_stack_leads_to_its_caller_and_is_not_proven() {
        let with_role = format!(r#","roleARN":"{ROLE}""#);
        let other = r#","roleARN":"arn:aws:iam::111111111111:role/Other""#;
        let calls = [
            stack("ann", "10:00:00", "UpdateStack", "ann", "queues", &with_role),
            stack("bob", "10:01:00", "UpdateStack", "bob", "other", other),
            stack("cid", "10:02:00", "CreateStack", "cid", "plain", ""),
            stack("late", "10:06:00", "DeleteStack", "eve", "late", ""),
            stack("early", "19:00:00", "DeleteStack", "eve", "early", "").replace("11-20", "11-19"),
        ];
        let chain = trace(&deed("{}"), &calls);
        assert_eq!(chain.end, Ok(Origin::User("arn:aws:iam::111111111111:user/ann".into())));
        assert_eq!((chain.hops.len(), chain.is_proven()), (1, false));
        assert_eq!(chain.hops[0].issue.stack.as_deref(), Some("queues"));
    }

    #[test]
    fn a_role_of_any_name_may_be_that_of_a_stack_set_whose_call_names_it() {
        let set = |by: &str, role: &str| {
            let asked = format!(r#"{{"stackSetName":"base","administrationRoleARN":"{role}"}}"#);
            event(by, "10:00:00", "cloudformation", "UpdateStackSet", &user(by), &asked)
        };
        let other = set("bob", "arn:aws:iam::111111111111:role/Other");
        let chain = trace(&deed("{}"), &[set("ann", ROLE), other.clone()]);
        assert_eq!(chain.end, Ok(Origin::User("arn:aws:iam::111111111111:user/ann".into())));
        assert!(matches!(trace(&deed("{}"), &[other]).end, Err(Lost::NoStack(_))));
        // The name of a field is no name of a stack.
        let calls = [
            stack("ann", "10:00:00", "UpdateStack", "ann", "web", ""),
            stack("eve", "10:01:00", "UpdateStack", "eve", "queueUrl", ""),
        ];
        let end = trace(&deed(r#"{"queueUrl":"https://q/1/x"}"#), &calls).end;
        assert!(matches!(end, Err(Lost::Stacks { .. })), "{end:?}");
    }

    #[test]
    fn several_callers_are_all_named_unless_the_call_names_a_stack() {
        let calls = [
            stack("ann", "10:00:00", "UpdateStack", "ann", "queues", ""),
            stack(
                "bob",
                "10:01:00",
                "ExecuteChangeSet",
                "bob",
                "arn:aws:cloudformation:eu-central-1:1:stack/web/1-2",
                "",
            ),
        ];
        match trace(&deed(r#"{"queueUrl":"https://q/1/x"}"#), &calls).end {
            Err(Lost::Stacks { calls, more: 0 }) => {
                assert!(
                    calls[0].contains("web by") && calls[0].contains("bob") && calls[1].contains("ann"),
                    "{calls:?}"
                );
            }
            other => panic!("{other:?}"),
        }
        let named = trace(&deed(r#"{"queueName":"queues-Work-ABC"}"#), &calls);
        assert_eq!(named.end, Ok(Origin::User("arn:aws:iam::111111111111:user/ann".into())));
        // Twice the same caller is one person.
        let twice = [calls[0].clone(), calls[0].replace("\"ann\"", "\"again\"")];
        assert!(trace(&deed("{}"), &twice).end.is_ok());
        assert!(matches!(trace(&deed("{}"), &[]).end, Err(Lost::NoStack(_))));
    }
}
