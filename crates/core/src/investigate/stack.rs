//! Behind what CloudFormation did with a service role: the call that created, changed or deleted a stack around that
//! time. No record ties the two together, so such a step is likely and never proven.
//!
//! Sources: CloudFormation user guide, "AWS CloudFormation service role" (a role that a stack was given once is used by
//! all later operations on it), "Grant self-managed permissions" (an administration role in the account of the stack
//! set assumes an execution role in the account of each stack) and "Register a delegated administrator" (stack sets
//! with service-managed permissions are worked on in the management account or in that of a delegated administrator).

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::issue::{Issue, once};
use super::stack_operation::{NAME_MAX, StackOperation, id_of};
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
/// How the names of calls begin that delete something, or take it off.
const DELETING: [&str; 9] = [
    "Delete",
    "Terminate",
    "Deregister",
    "Remove",
    "Release",
    "Revoke",
    "Detach",
    "Disassociate",
    "ScheduleKeyDeletion",
];
/// The service.
pub const CLOUDFORMATION: &str = "cloudformation.amazonaws.com";
/// How CloudFormation names the sessions of service roles.
const SESSION_NAME: &str = "AWSCloudFormation";
/// How long before a call the operation on the stack may have begun: an assumption. Most end within minutes, those with
/// databases and distributions take hours.
const OPERATION_MAX: SignedDuration = SignedDuration::from_hours(12);
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
/// What the roles of stack sets with permissions of their own are called (CloudFormation user guide, "Grant
/// self-managed permissions"): that of the account in which the stack set is, and those in the accounts of its stacks.
const ADMINISTRATION: &str = "AWSCloudFormationStackSetAdministration";
const EXECUTION: &str = "AWSCloudFormationStackSetExecution";
/// What the roles of stack sets with service-managed permissions are called: those of members, which the management
/// account assumes (AWS managed policy `CloudFormationStackSetsOrgAdminServiceRolePolicy`: `role/stacksets-exec-*`),
/// and the service-linked ones of both (CloudFormation user guide, "Activate trusted access for StackSets").
const SERVICE_MANAGED: [&str; 2] = ["stacksets-exec-", "AWSServiceRoleForCloudFormationStackSetsOrg"];
/// The service that acts in members for such stack sets (AWS Organizations user guide, "AWS CloudFormation StackSets
/// and AWS Organizations").
const ORG_MEMBER: &str = "member.org.stacksets.cloudformation.amazonaws.com";

/// What CloudFormation did with a role: the calls on stacks that may have led to it are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedStack {
    /// The account of the stack or stack set. `None`: not recorded, or any: a stack set is worked on elsewhere than in
    /// the account of its stacks.
    pub account: Option<String>,
    /// The ARN of the role that CloudFormation used. `None`: not recorded.
    pub role: Option<String>,
    /// The region of the stack. `None`: not known.
    pub region: Option<String>,
    /// Whose role it is.
    pub of: RoleOf,
    /// From when on the call may have been made.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// What the call of CloudFormation asked for.
    pub asked: Arc<Asked>,
    /// The call of CloudFormation deletes something.
    pub is_deletion: bool,
}

/// For what CloudFormation uses a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleOf {
    /// Stacks, or stack sets under a role of another name than AWS proposes.
    Stacks,
    /// The stack sets of its account.
    Administration,
    /// The stacks of a stack set in another account, which is not known.
    Execution,
    /// The stacks of a stack set with service-managed permissions, in a member: calls on it are made in the management
    /// account or in that of a delegated administrator.
    ServiceManaged,
}

/// The texts of a request that may have the name of a stack in them: names that CloudFormation makes begin with the
/// stack's. They are taken out once, as many stacks are compared with them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The values, in order.
    values: Vec<String>,
    /// The stacks of which it has the ARN, in order.
    stacks: BTreeSet<String>,
    /// What is behind `:stack/` in these ARNs: name and id.
    ids: BTreeSet<String>,
}

impl Asked {
    /// Takes the texts out of JSON, which may be cut, and may have JSON in its texts. What a colon follows is the name
    /// of a field.
    fn of(json: &str) -> Self {
        let mut values = Vec::new();
        let mut parts = json.split('"').skip(1).peekable();
        while let Some(part) = parts.next() {
            let is_name = parts.peek().is_some_and(|next| next.trim_start().starts_with(':'));
            let part = part.trim_end_matches('\\');
            if !is_name && !part.is_empty() && part != "," && part != ":" {
                values.push(part.to_owned());
            }
        }
        values.sort_unstable();
        values.dedup();
        let arns = json.split(":stack/").skip(1).filter_map(|rest| Some(rest.split_once('/')?.0));
        let stacks = arns.filter(|name| name.len() <= NAME_MAX).map(str::to_owned).collect();
        let ids = values.iter().filter_map(|value| id_of(value)).map(str::to_owned).collect();
        Self { values, stacks, ids }
    }

    /// Tells whether it has the name of a resource of a stack, as CloudFormation makes them: `STACK-LOGICALID-RANDOM`,
    /// which some services have in lower case; or the logical id itself.
    fn names_of_stack(&self, stack: &str, logical_id: &str) -> bool {
        let (own, made) = (logical_id.to_ascii_lowercase(), format!("{stack}-{logical_id}-").to_ascii_lowercase());
        self.values.iter().map(|value| value.to_ascii_lowercase()).any(|value| {
            let name = value.rsplit(['/', ':']).next().unwrap_or_default();
            name == own || name.starts_with(&made)
        })
    }

    /// Tells whether it has the name of a stack, alone or before a hyphen, or its ARN.
    fn names(&self, stack: &str) -> bool {
        let begin = format!("{stack}-");
        let has = |text: &str, is_it: fn(&str, &str) -> bool| {
            let at = self.values.partition_point(|value| value.as_str() < text);
            self.values.get(at).is_some_and(|value| is_it(value, text))
        };
        !stack.is_empty()
            && (has(stack, |value, text| value == text)
                || has(&begin, |value, text| value.starts_with(text))
                || self.stacks.contains(stack))
    }
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
    asked: Arc<Asked>,
    is_deletion: bool,
}

impl StackClue {
    /// Returns what a record tells of a stack behind it.
    pub(super) fn of(record: &Record<'_>) -> Self {
        let is_global = record.event_source.as_deref().is_none_or(|source| GLOBAL_SERVICES.contains(&source));
        let region = record.aws_region.as_deref().filter(|_| !is_global);
        let asked = record.request_parameters.map(|asked| asked.as_str()).unwrap_or_default();
        let end = asked.floor_char_boundary(ASKED_BYTES_MAX.min(asked.len()));
        let call = record.event_name.as_deref().unwrap_or_default();
        let is_deletion = DELETING.iter().any(|verb| call.starts_with(verb));
        Self { region: region.map(str::to_owned), asked: Arc::new(Asked::of(&asked[..end])), is_deletion }
    }

    /// Returns what is looked for behind a role that CloudFormation used at a time.
    pub(super) fn wanted(
        &self,
        role: Option<&str>,
        account: Option<&str>,
        service: &str,
        at: Timestamp,
    ) -> WantedStack {
        let of = RoleOf::of(role, service);
        let account = role.and_then(|arn| arn.split(':').nth(4)).or(account).map(str::to_owned);
        WantedStack {
            account: account.filter(|_| matches!(of, RoleOf::Stacks | RoleOf::Administration)),
            role: role.map(str::to_owned),
            region: self.region.clone().filter(|_| of == RoleOf::Stacks),
            of,
            from: at.checked_sub(OPERATION_MAX).unwrap_or(Timestamp::MIN),
            to: at,
            asked: Arc::clone(&self.asked),
            is_deletion: self.is_deletion,
        }
    }
}

impl RoleOf {
    fn of(role: Option<&str>, service: &str) -> Self {
        let name = role.and_then(|arn| arn.rsplit('/').next()).unwrap_or_default();
        match () {
            () if service == ORG_MEMBER || SERVICE_MANAGED.iter().any(|begin| name.starts_with(begin)) => {
                Self::ServiceManaged
            }
            () if name.starts_with(EXECUTION) => Self::Execution,
            () if name.starts_with(ADMINISTRATION) || service.contains("stacksets.") => Self::Administration,
            () => Self::Stacks,
        }
    }

    /// Tells whether it is a role of stack sets for certain.
    fn is_set(self) -> bool {
        self != Self::Stacks
    }
}

/// Tells whether a service is CloudFormation.
pub fn is_service(name: &str) -> bool {
    name == CLOUDFORMATION || name.ends_with(".stacksets.cloudformation.amazonaws.com") || name == STACK_SETS
}

const STACK_SETS: &str = "stacksets.cloudformation.amazonaws.com";

/// Tells whether CloudFormation made a call with a role: AWS tells the service.
pub(super) fn is_through(actor: &Actor) -> bool {
    actor.through.as_deref().is_some_and(is_service)
}

/// Tells whether a session is one in which CloudFormation used a service role or one of a stack set.
pub(super) fn is_session(actor: &Actor) -> bool {
    let is_of_set = || RoleOf::of(actor.role.as_deref(), "").is_set();
    is_through(actor) && (actor.session_name.as_deref() == Some(SESSION_NAME) || is_of_set())
}

impl WantedStack {
    /// Tells whether the call may have been made in any account: that of the stack set is not known.
    pub fn is_of_any_account(&self) -> bool {
        matches!(self.of, RoleOf::Execution | RoleOf::ServiceManaged)
    }

    /// Returns the calls that may have led to it. A role of any name may be that with which stack sets are
    /// administered: their calls name it.
    pub fn calls(&self) -> impl Iterator<Item = &'static str> {
        STACK_CALLS.into_iter().filter(|_| !self.of.is_set()).chain(STACK_SET_CALLS)
    }

    /// Tells whether a call may have led to what CloudFormation did.
    fn may_be(&self, call: &Issue) -> bool {
        let is_administered = self.role.is_some() && self.role == call.role;
        let is_set = self.of.is_set();
        let is_set_call = STACK_SET_CALLS.contains(&call.call.as_str());
        let is_call = self.calls().any(|name| name == call.call) && (is_set || !is_set_call || is_administered);
        // A stack without a role from its beginning on is worked on with the credentials of whoever made it.
        let has_role = is_set || call.role.is_some() || call.call != "CreateStack";
        // A stack set has either a role of administration or service-managed permissions (CloudFormation API,
        // `UpdateStackSet`), and does not name the role in the accounts of its stacks.
        let is_of_role = match self.of {
            RoleOf::Stacks | RoleOf::Administration => agrees(&self.role, &call.role),
            RoleOf::Execution => true,
            RoleOf::ServiceManaged => call.role.is_none(),
        };
        is_call
            && (self.from..=self.to).contains(&call.time)
            && agrees(&self.account, &call.account)
            && agrees(&self.region, &call.region)
            && is_of_role
            && has_role
            && !(self.is_deletion && self.is_kept_by(call))
            // What CloudFormation calls itself, for a stack within a stack, began with another call.
            && !is_through(&call.caller)
    }

    /// Tells whether a call keeps what the call of CloudFormation deletes.
    fn is_kept_by(&self, call: &Issue) -> bool {
        let Some(operation) = &call.operation else { return false };
        let stack = call.stack.as_deref().unwrap_or_default();
        operation.keeps_all || operation.retained.iter().any(|id| self.asked.names_of_stack(stack, id))
    }

    /// Tells whether a call is about another stack that had the same name before: two are not there at a time. `calls`
    /// has what there was.
    fn is_of_other_stack(&self, call: &Issue, calls: &[Issue]) -> bool {
        let id_of = |call: &Issue| call.operation.as_ref().and_then(|own| own.stack_id.clone());
        let Some(own) = id_of(call) else { return false };
        let name = |id: &str| id.split('/').next().map(str::to_owned);
        let is_other = |id: &str| *id != own && name(id) == name(&own);
        // What CloudFormation asked for has the ARN of the stack that it works on.
        if !self.asked.ids.contains(&own) && self.asked.ids.iter().any(|id| is_other(id)) {
            return true;
        }
        let before = || calls.iter().filter(|other| other.time <= call.time);
        let is_made_after = |time: Timestamp| {
            before()
                .any(|other| other.call == "CreateStack" && other.time > time && id_of(other).as_ref() == Some(&own))
        };
        // Only the deletion of a stack does well where it is not there any more.
        before().any(|other| {
            let is_there = other.call != "DeleteStack" && id_of(other).is_some_and(|id| is_other(&id));
            let in_place = agrees(&call.account, &other.account) && agrees(&call.region, &other.region);
            is_there && in_place && !is_made_after(other.time)
        })
    }

    /// Chooses the call that led to it.
    ///
    /// # Errors
    /// [`NoCall`] where there is none, or several callers may have done it.
    pub(super) fn chosen(&self, calls: Vec<Issue>) -> Result<Issue, NoCall> {
        let calls = once(calls);
        let may_be = |call: &&Issue| self.may_be(call) && !self.is_of_other_stack(call, &calls);
        let mut all: Vec<Issue> = calls.iter().filter(may_be).cloned().collect();
        all.sort_by_key(|call| std::cmp::Reverse(call.time));
        let named: Vec<Issue> = all
            .iter()
            .filter(|call| call.stack.as_deref().is_some_and(|stack| self.asked.names(stack)))
            .cloned()
            .collect();
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

/// Tells whether two texts are the same, as far as both are known.
fn agrees(own: &Option<String>, other: &Option<String>) -> bool {
    own.is_none() || other.is_none() || own == other
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
            operation: Some(StackOperation::of(record, call)),
            stack: stack.map(|text| bare(text.clone()).unwrap_or(text).chars().take(NAME_MAX).collect()),
            ..Self::called(record, call)?
        })
    }
}

#[cfg(test)]
mod tests;
