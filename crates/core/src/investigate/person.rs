//! Who stands behind a call, as plain data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{ActorKind, Mfa};
use crate::investigate::chain::{Chain, FoundBy, HOPS_MAX, Hop, Lost, Origin};

/// Why whoever worked on a stack is not known to stand behind what CloudFormation did.
const LIKELY: &str = "this caller is likely, and not known: no record ties a call on a stack to what AWS CloudFormation did \
                      with a role";

/// Who stands behind a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Person {
    /// Who made the call, as its record names it.
    pub actor: String,
    /// At the beginning of the chain of sessions. `None`: not known; `lost` says why.
    pub origin: Option<String>,
    /// What is at the beginning of the chain.
    pub origin_kind: OriginKind,
    /// Why the origin is not known. `None`: it is.
    pub lost: Option<String>,
    /// AWS proves each step of the chain by an access key. False: a step was found by the name of a session, or the
    /// origin is not known.
    pub is_proven: bool,
    /// Who began the chain, as set when the first session began; later ones cannot change it. `None`: not set.
    pub source_identity: Option<String>,
    /// What the session calls itself: a claim, which whoever assumes the role chooses. `None`: it has no name.
    pub session_name: Option<String>,
    /// The service that called on behalf of the actor. `None`: the actor called itself.
    pub through: Option<String>,
    /// Whether a second factor was used: `used`, `not used` or `not recorded`, which is not *no*.
    pub mfa: String,
    /// The access key that signed. `None`: not recorded.
    pub access_key: Option<String>,
    /// The address or the service that the call came from. `None`: not recorded.
    pub source: Option<String>,
    /// The addresses on the way from the first session to the call, where they change: a key may have been stolen, or a
    /// person changed networks.
    pub addresses: Vec<String>,
    /// How each session began, from the call backward.
    pub hops: Vec<PersonHop>,
}

/// What is at the beginning of a chain of sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OriginKind {
    /// The root user of an account.
    RootUser,
    /// An IAM user.
    IamUser,
    /// A user of IAM Identity Center.
    IdentityCenterUser,
    /// A person or a program that another provider vouches for.
    Federated,
    /// What a service runs with a role: an instance, a function, a stack.
    Workload,
    /// A call that was not signed.
    Anonymous,
    /// An account that is not one of the organization's, whose calls are recorded there.
    Outside,
    /// Not known.
    Unknown,
}

impl OriginKind {
    fn of(end: &Result<Origin, Lost>) -> Self {
        match end {
            Ok(Origin::Root(_)) => Self::RootUser,
            Ok(Origin::User(_) | Origin::UserId { .. }) => Self::IamUser,
            Ok(Origin::IdentityCenterUser(_)) => Self::IdentityCenterUser,
            Ok(Origin::External { .. }) => Self::Federated,
            Ok(Origin::Workload { .. }) => Self::Workload,
            Ok(Origin::Anonymous) => Self::Anonymous,
            Err(Lost::Outside { .. }) => Self::Outside,
            Err(_) => Self::Unknown,
        }
    }
}

/// How a session began.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct PersonHop {
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// The call: `AssumeRole`.
    pub call: String,
    /// Who called.
    pub caller: String,
    /// The role that was assumed. `None`: none, or not recorded.
    pub role: Option<String>,
    /// The name that the session was given: a claim. `None`: none.
    pub session_name: Option<String>,
    /// The stack or stack set that the call was about: it is likely, and not proven, that this call led to what AWS
    /// CloudFormation did. `None`: the call began a session, or the record does not name the stack.
    #[serde(default)]
    pub stack: Option<String>,
    /// The call was about a stack: no record ties it to what AWS CloudFormation did.
    #[serde(default)]
    pub is_stack: bool,
    /// The account that the record was delivered to. `None`: not recorded.
    pub account: Option<String>,
    /// The address or the service that the call came from. `None`: not recorded.
    pub source: Option<String>,
    /// The id of the event.
    pub event_id: String,
    /// The access key that it gave out leads here. False: only the name of the session does.
    pub is_proven: bool,
}

impl Person {
    /// Returns who stands behind a call, from its chain.
    pub fn of(chain: &Chain) -> Self {
        let actor = &chain.actor;
        Self {
            actor: actor.name.clone(),
            origin: chain.end.as_ref().ok().map(ToString::to_string),
            origin_kind: OriginKind::of(&chain.end),
            lost: match &chain.end {
                Ok(Origin::UserId { account, .. }) => Some(format!(
                    "only the id of the user is recorded: the records of account {} are not among those that were looked at",
                    account.as_deref().unwrap_or("(not recorded)")
                )),
                Ok(_) if chain.hops.iter().any(|hop| hop.by == FoundBy::Stack) => Some(LIKELY.to_owned()),
                end => end.as_ref().err().map(lost),
            },
            is_proven: chain.is_proven(),
            source_identity: chain.source_identity().map(str::to_owned),
            session_name: actor.session_name.clone(),
            through: actor.through.clone(),
            mfa: mfa(chain).to_owned(),
            access_key: actor.access_key.clone(),
            source: None,
            addresses: Vec::new(),
            hops: chain.hops.iter().map(PersonHop::of).collect(),
        }
    }

    /// Returns the same of a call that came from an address or a service.
    #[must_use]
    pub fn from(self, source: Option<String>) -> Self {
        Self { addresses: addresses(&self.hops, source.as_deref()), source, ..self }
    }

    /// Returns what is known where records prove two people: neither, and both are named.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        let why = format!("records contradict each other: they lead to {}, and to {}", self.who(), other.who());
        Self { origin: None, origin_kind: OriginKind::Unknown, lost: Some(why), is_proven: false, ..self.clone() }
    }

    /// Returns in a few words who it was: the origin, or the caller where that is not known or only likely.
    pub fn who(&self) -> &str {
        self.origin.as_deref().filter(|_| !self.is_likely()).unwrap_or(&self.actor)
    }

    /// Tells whether a call on a stack leads to the origin, which no record ties to what AWS CloudFormation did.
    pub fn is_likely(&self) -> bool {
        self.hops.iter().any(|hop| hop.is_stack)
    }
}

/// Says whether the user at the beginning of a chain used a second factor: the first session tells it, and where there
/// is none, the call. A provider asks for its own, and CloudTrail does not record that: its sessions say `false`.
fn mfa(chain: &Chain) -> &'static str {
    let is_of_aws = matches!(chain.end, Ok(Origin::User(_) | Origin::Root(_) | Origin::UserId { .. }));
    // The first session is that of whoever made the next call.
    let first = match chain.hops.as_slice() {
        [.., next, _] => &next.issue.caller,
        [_] | [] => &chain.actor,
    };
    match first.mfa {
        Mfa::Used if is_of_aws => "used",
        Mfa::NotUsed if is_of_aws => "not used",
        _ => "not recorded",
    }
}

/// Returns the addresses of a chain, from the first session to the call, where there are several.
fn addresses(hops: &[PersonHop], call: Option<&str>) -> Vec<String> {
    let is_address = |source: &&str| source.parse::<std::net::IpAddr>().is_ok();
    let sources = hops.iter().rev().filter_map(|hop| hop.source.as_deref()).chain(call);
    let mut all: Vec<String> = sources.filter(is_address).map(str::to_owned).collect();
    all.dedup();
    if all.len() > 1 { all } else { Vec::new() }
}

impl PersonHop {
    fn of(hop: &Hop) -> Self {
        let issue = &hop.issue;
        let caller = match (&issue.subject, issue.caller.kind) {
            (Some(subject), ActorKind::ExternalUser) => subject.clone(),
            _ => issue.switched_from.clone().unwrap_or_else(|| issue.caller.name.clone()),
        };
        Self {
            time: issue.time.to_string(),
            call: issue.call.clone(),
            caller,
            role: issue.role.clone(),
            session_name: issue.session_name.clone(),
            stack: issue.stack.clone().filter(|_| hop.by == FoundBy::Stack),
            is_stack: hop.by == FoundBy::Stack,
            account: issue.account.clone(),
            source: issue.source.clone(),
            event_id: issue.event_id.clone(),
            is_proven: hop.by == FoundBy::AccessKey,
        }
    }
}

/// Says why a chain ends before its origin.
fn lost(lost: &Lost) -> String {
    let between = |from: jiff::Timestamp, to: jiff::Timestamp| format!("between {from} and {to}");
    match lost {
        Lost::NotFound(wanted) => {
            let what = wanted.access_key.as_ref().map(|key| format!("gave out {key}"));
            let what = what.unwrap_or_else(|| "began the session".to_owned());
            format!("the call that {what} {} is not among the records", between(wanted.from, wanted.to))
        }
        Lost::Several { calls, callers, wanted } => {
            let named = callers.join("; ");
            match &wanted.access_key {
                Some(key) => format!(
                    "records contradict each other: {calls} calls by different callers gave out {key}, which is given out \
                     once: {named}"
                ),
                None => format!(
                    "{calls} calls {} by different callers began sessions of this name, and nothing tells which of them it \
                     was: {named}",
                    between(wanted.from, wanted.to)
                ),
            }
        }
        Lost::Key { key, why, given } => format!("records contradict each other: {key} {why}, by {given}"),
        Lost::Outside { account, caller: Some(caller) } => {
            format!(
                "{caller} of account {account}, which is not one of the organization's: its calls are recorded there"
            )
        }
        Lost::Outside { account, caller: None } => {
            format!("account {account} is not one of the organization's: its calls are recorded there")
        }
        Lost::NoStack(wanted) => format!(
            "AWS CloudFormation did it with {}, and no call on a stack that may have led to it {} is among the records",
            wanted.role.as_deref().unwrap_or("a role"),
            between(wanted.from, wanted.to)
        ),
        Lost::Stacks { calls, more } => {
            let more = if *more > 0 { format!("; {more} more") } else { String::new() };
            format!(
                "AWS CloudFormation did it with a role, and any of these may have led to it: {}{more}",
                calls.join("; ")
            )
        }
        Lost::Endless => format!("the sessions lead in a circle, or through more than {HOPS_MAX} roles"),
        Lost::Unnamed { provider, role } => {
            let session = role.as_ref().map(|role| format!("the session of {role}"));
            let session = session.unwrap_or_else(|| "the call".to_owned());
            match provider {
                Some(provider) => format!(
                    "{provider} vouched for the caller behind {session}, and no record says which person or program it is"
                ),
                None => format!("no record says which person or program is behind {session}: it has no name"),
            }
        }
        Lost::NotRecorded => "the record does not tell who called".to_owned(),
    }
}
