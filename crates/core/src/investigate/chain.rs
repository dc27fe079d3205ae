//! From a call back to its origin, session by session: the access key that signed leads to the call that gave it out,
//! in whatever account that was recorded, and so on until a user, a person of a provider or a workload.
//!
//! AWS proves each step: an access key is given out once. The name of a session proves nothing, since whoever assumes a
//! role chooses it; it only tells sessions of one role apart where no key is recorded, and is taken there only where it
//! leads to one origin.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::given_key::{KeyDoubt, KeyUse};
use super::issue::{CLOCKS, Issue, SESSION_MAX, since};
use super::stack::{self, NoCall, StackClue, WantedStack};
use crate::event::{Actor, ActorKind, Record};
use choose::{Found, chosen, key_doubt};
pub use origin::Origin;

mod choose;
mod origin;

/// The most steps that are gone back. AWS sets no limit to chains of roles; real ones have two or three.
pub const HOPS_MAX: usize = 32;
/// The most callers that are named where several may have begun a session.
pub const CALLERS_MAX: usize = 5;
/// The unique ids of IAM users begin so (IAM user guide, "IAM identifiers").
const USER_ID: &str = "AIDA";
/// The path of the roles of IAM Identity Center, which nobody else can make or change (IAM Identity Center user guide,
/// "Referencing permission sets in resource policies").
pub(super) const IDENTITY_CENTER: &str = ":role/aws-reserved/sso.amazonaws.com/";

/// A session of which the beginning is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The access key that was given out. `None`: not recorded.
    pub access_key: Option<String>,
    /// The unique id of the session: `AROA…:name`. `None`: not recorded.
    pub session_id: Option<String>,
    /// The ARN of the session: `arn:aws:sts::1:assumed-role/ROLE/NAME`. `None`: not recorded.
    pub session_arn: Option<String>,
    /// The account that the session belongs to. `None`: not recorded.
    pub account: Option<String>,
    /// Who signed with the key. `None`: it is not known which key signed.
    pub signer: Option<Box<Signer>>,
    /// From when on it may have begun.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// The user of Identity Center, where the session is of a role of Identity Center, which nobody else can assume and
    /// which names its sessions after its users. The console signs with other keys than the sign-in gave out. `None`:
    /// it is a session of another role.
    pub identity_center_user: Option<String>,
}

/// Who signed with a key, by which it is judged whether the call that gave it out fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// Who.
    pub actor: Actor,
    /// Since when the session is, as it says itself. `None`: not recorded.
    pub since: Option<Timestamp>,
    /// When the last call was that it signed. `None`: not recorded.
    pub at: Option<Timestamp>,
}

/// Why a chain ends before its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// The call that began the session is not among what was looked at.
    NotFound(Wanted),
    /// Several calls may have begun it.
    Several {
        /// How many.
        calls: usize,
        /// Who made them, as far as that is recorded, in order; at most [`CALLERS_MAX`].
        callers: Vec<String>,
        /// What was looked for.
        wanted: Box<Wanted>,
    },
    /// The call that gave out the access key does not fit what was signed with it.
    Key {
        /// The access key.
        key: String,
        /// Why it does not fit.
        why: KeyDoubt,
        /// The call that gave it out, in words: `AssumeRole of TIME by CALLER, event ID`.
        given: String,
    },
    /// It began in an account that is not one of the organization's, whose calls are recorded elsewhere.
    Outside {
        /// The account.
        account: String,
        /// What is recorded of the caller: its id. `None`: nothing.
        caller: Option<String>,
    },
    /// CloudFormation did it with a role, and no call on a stack that may have led to it is among what was looked at.
    NoStack(Box<WantedStack>),
    /// CloudFormation did it with a role, and calls of several callers on stacks may have led to it.
    Stacks {
        /// The first of them, in words.
        calls: Vec<String>,
        /// How many more there are.
        more: usize,
    },
    /// It goes in a circle, or on beyond [`HOPS_MAX`].
    Endless,
    /// A provider vouches for whoever began it, or AWS knows it, and the record does not say who it is.
    Unnamed {
        /// The ARN or the host of the provider. `None`: not recorded, or none.
        provider: Option<String>,
        /// The role of the session. `None`: none, or not recorded.
        role: Option<String>,
    },
    /// The record does not tell who called.
    NotRecorded,
}

/// The sessions behind a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Who made the call.
    pub actor: Actor,
    /// How its session began, how the session behind that began, and so on.
    pub hops: Vec<Hop>,
    /// Where it began, or why that is not known.
    pub end: Result<Origin, Lost>,
}

/// A step back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// How the session began.
    pub issue: Issue,
    /// By what it was found.
    pub by: FoundBy,
}

/// By what the beginning of a session was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FoundBy {
    /// The access key, which is given out once.
    AccessKey,
    /// The role and the name of the session, and no other one leads elsewhere.
    Session,
    /// It is the one call on stacks that may have led to what CloudFormation did.
    Stack,
}

/// Goes back, step by step: ask what is [`Tracer::wanted`], say what was [`Tracer::found`], until nothing is wanted.
#[derive(Debug, Clone)]
pub struct Tracer {
    actor: Actor,
    hops: Vec<Hop>,
    state: State,
    organization: Option<Arc<BTreeSet<String>>>,
    at: Option<Timestamp>,
    clue: StackClue,
}

#[derive(Debug, Clone)]
enum State {
    Wanted(Wanted),
    WantedStack(Box<WantedStack>),
    Ended(Result<Origin, Lost>),
}

/// Who called, and with which session.
struct Caller<'a> {
    actor: &'a Actor,
    id: Option<&'a str>,
    /// The access key that signed. `None`: not recorded, or not known which of several.
    access_key: Option<&'a str>,
    since: Option<Timestamp>,
    /// When it called: between these two.
    from: Timestamp,
    to: Timestamp,
}

impl Tracer {
    /// Begins with the call of a record. `organization` has the accounts whose calls are recorded in what is looked at;
    /// `None`: not known.
    pub fn of(record: &Record<'_>, organization: Option<Arc<BTreeSet<String>>>) -> Self {
        let actor = Actor::of(record);
        let state = first_state(record, &actor, organization.as_deref());
        // What ends at once needs none.
        let clue = if matches!(state, State::Ended(_)) { StackClue::default() } else { StackClue::of(record) };
        Self { actor, hops: Vec::new(), state, organization, at: record.event_time, clue }
    }

    /// Tells whether the record of a call says who began it, or that it is not recorded: nothing is looked for then.
    pub fn is_told_by(record: &Record<'_>, organization: Option<&BTreeSet<String>>) -> bool {
        matches!(first_state(record, &Actor::of(record), organization), State::Ended(_))
    }

    /// Returns what CloudFormation did, where the call on a stack that led to it is looked for. `None`: none is.
    pub fn wanted_stack(&self) -> Option<&WantedStack> {
        if let State::WantedStack(wanted) = &self.state { Some(wanted) } else { None }
    }

    /// Says which calls on stacks there were. Others than those that are wanted do no harm.
    pub fn found_stack_calls(&mut self, calls: Vec<Issue>) {
        let State::WantedStack(wanted) = &self.state else { return };
        match wanted.chosen(calls) {
            Ok(issue) => self.go_on(issue, FoundBy::Stack, None),
            Err(NoCall::Absent) => self.state = State::Ended(Err(Lost::NoStack(wanted.clone()))),
            Err(NoCall::Several { calls, more }) => self.state = State::Ended(Err(Lost::Stacks { calls, more })),
        }
    }

    /// Returns the session of which the beginning is looked for. `None`: the chain is done.
    pub fn wanted(&self) -> Option<&Wanted> {
        if let State::Wanted(wanted) = &self.state { Some(wanted) } else { None }
    }

    /// Says which sessions began, among them the wanted one if there is one. Others do no harm.
    pub fn found(&mut self, issues: Vec<Issue>) {
        let State::Wanted(wanted) = &self.state else { return };
        let Found { issue, by, first } = match chosen(wanted, issues) {
            Ok(found) => found,
            Err(lost) => {
                // Records that contradict each other prove nothing, whatever the session is called.
                let is_disputed = match &lost {
                    Lost::Key { .. } => true,
                    Lost::Several { wanted, .. } => wanted.access_key.is_some(),
                    _ => false,
                };
                let user = wanted.identity_center_user.clone().filter(|_| !is_disputed);
                let user = user.map(Origin::IdentityCenterUser);
                let is_stack = !is_disputed && self.hops.is_empty() && stack::is_session(&self.actor);
                self.state = match self.at.filter(|_| is_stack) {
                    Some(at) => {
                        let (role, account) = (self.actor.role.as_deref(), self.actor.account.as_deref());
                        State::WantedStack(Box::new(self.clue.wanted(role, account, stack::CLOUDFORMATION, at)))
                    }
                    None => State::Ended(user.ok_or(lost)),
                };
                return;
            }
        };
        self.go_on(issue, by, first);
    }

    /// Takes a step back.
    fn go_on(&mut self, issue: Issue, by: FoundBy, first: Option<Timestamp>) {
        let is_circle = self.hops.iter().any(|hop| hop.issue.record == issue.record);
        self.state = match is_circle || self.hops.len() >= HOPS_MAX {
            true => State::Ended(Err(Lost::Endless)),
            false => self.behind(&issue, first),
        };
        if !is_circle {
            self.hops.push(Hop { issue, by });
        }
    }

    /// Returns what is looked for behind a call.
    fn behind(&self, issue: &Issue, first: Option<Timestamp>) -> State {
        let service = &issue.caller.name;
        // What calls on stacks itself has nothing of CloudFormation behind it.
        if issue.caller.kind == ActorKind::Service && issue.stack.is_none() && stack::is_service(service) {
            let (role, account) = (issue.role.as_deref(), issue.account.as_deref());
            let at = self.signed_at().unwrap_or(issue.time);
            return State::WantedStack(Box::new(self.clue.wanted(role, account, service, at)));
        }
        behind(issue, first, self.organization.as_deref())
    }

    /// Returns when CloudFormation did what it did with the session that is behind the last step: one session may serve
    /// several stacks, one after the other. `None`: not recorded.
    fn signed_at(&self) -> Option<Timestamp> {
        let deed = self.at.map(|at| (&self.actor, at));
        let calls = self.hops.iter().rev().map(|hop| (&hop.issue.caller, hop.issue.time)).chain(deed);
        // It signed the first of these calls; what it does with a role that the role may assume is its own too.
        calls
            .enumerate()
            .take_while(|(at, (caller, _))| *at == 0 || stack::is_through(caller))
            .last()
            .map(|(_, own)| own.1)
    }

    /// Returns the chain, as far as it was gone back.
    pub fn chain(self) -> Chain {
        let end = match self.state {
            State::Ended(end) => end,
            State::Wanted(wanted) => Err(Lost::NotFound(wanted)),
            State::WantedStack(wanted) => Err(Lost::NoStack(wanted)),
        };
        Chain { actor: self.actor, hops: self.hops, end }
    }
}

impl Chain {
    /// Returns the chain of another call of the same session: the key that signed is judged for each call.
    #[must_use]
    pub fn of_call(&self, record: &Record<'_>) -> Self {
        let actor = Actor::of(record);
        let used = KeyUse::of(record, &actor);
        let of_key = self.hops.first().filter(|hop| hop.by == FoundBy::AccessKey);
        match of_key.and_then(|hop| key_doubt(&hop.issue, &used)) {
            Some(lost) => Self { actor, hops: Vec::new(), end: Err(lost) },
            None => Self { actor, ..self.clone() },
        }
    }

    /// Returns who began the chain of sessions, as the first session was told. `None`: not set. A later session cannot
    /// change it.
    pub fn source_identity(&self) -> Option<&str> {
        let callers = self.hops.iter().map(|hop| &hop.issue.caller);
        std::iter::once(&self.actor).chain(callers).find_map(|actor| actor.source_identity.as_deref())
    }

    /// Tells whether each step was found by an access key, so that AWS proves it. A step by the name of a session is
    /// right only as far as nothing is missing in what was looked at.
    pub fn is_proven(&self) -> bool {
        self.end.is_ok() && self.hops.iter().all(|hop| hop.by == FoundBy::AccessKey)
    }

    /// Returns what the last session that was found calls itself: a claim. `None`: it has no name.
    pub fn claim(&self) -> Option<&str> {
        match self.hops.last() {
            Some(hop) => hop.issue.caller.session_name.as_deref().or(hop.issue.session_name.as_deref()),
            None => self.actor.session_name.as_deref(),
        }
    }
}

/// Returns what is looked for behind a call.
fn first_state(record: &Record<'_>, actor: &Actor, organization: Option<&BTreeSet<String>>) -> State {
    let at = record.event_time;
    let identity = &record.user_identity;
    let (id, access_key) = (identity.principal_id.as_deref(), actor.access_key.as_deref());
    let since = identity.session.as_ref().and_then(since);
    let (from, to) = (at.unwrap_or(Timestamp::MIN), at.unwrap_or(Timestamp::MAX));
    match state(&Caller { actor, id, access_key, since, from, to }, organization) {
        // Without a time of the call it is not known when its session began.
        State::Wanted(_) if at.is_none() => State::Ended(Err(Lost::NotRecorded)),
        state => state,
    }
}

/// Returns what is looked for behind a caller.
fn state(caller: &Caller<'_>, organization: Option<&BTreeSet<String>>) -> State {
    let actor = caller.actor;
    let ended = |origin| State::Ended(Ok(origin));
    let is_person = matches!(actor.kind, ActorKind::User | ActorKind::IdentityCenterUser | ActorKind::ExternalUser);
    if is_person && actor.is_unnamed {
        return State::Ended(Err(Lost::Unnamed { provider: None, role: None }));
    }
    match actor.kind {
        ActorKind::Root => ended(Origin::Root(actor.account.clone().unwrap_or_else(|| actor.name.clone()))),
        ActorKind::User => ended(Origin::User(actor.name.clone())),
        ActorKind::IdentityCenterUser => ended(Origin::IdentityCenterUser(actor.name.clone())),
        ActorKind::ExternalUser => ended(Origin::External { provider: None, subject: actor.name.clone() }),
        ActorKind::Service => ended(Origin::Workload { service: actor.name.clone(), name: None }),
        ActorKind::Anonymous => ended(Origin::Anonymous),
        ActorKind::Unknown => State::Ended(Err(Lost::NotRecorded)),
        // AWS names the user that began such a session in each of its calls.
        ActorKind::FederatedUser if actor.role.as_deref().is_some_and(|arn| arn.contains(":user/")) => {
            ended(Origin::User(actor.role.clone().unwrap_or_default()))
        }
        ActorKind::Account => of_account(caller, organization),
        ActorKind::Role | ActorKind::AssumedRoot | ActorKind::FederatedUser => State::Wanted(wanted(caller)),
    }
}

/// A caller from elsewhere, of whom its account and its id are recorded.
fn of_account(caller: &Caller<'_>, organization: Option<&BTreeSet<String>>) -> State {
    let account = caller.actor.account.clone();
    let outside = account.clone().filter(|own| organization.is_some_and(|all| !all.contains(own)));
    if let Some(account) = outside {
        return State::Ended(Err(Lost::Outside { account, caller: caller.id.map(str::to_owned) }));
    }
    match caller.id {
        Some(id) if id.starts_with(USER_ID) => State::Ended(Ok(Origin::UserId { id: id.to_owned(), account })),
        // The id of the root user is that of its account (CloudTrail user guide, "userIdentity element").
        Some(id) if account.as_deref() == Some(id) => State::Ended(Ok(Origin::Root(id.to_owned()))),
        Some(id) if id.contains(':') => State::Wanted(wanted(caller)),
        _ => State::Ended(Err(Lost::NotRecorded)),
    }
}

fn wanted(caller: &Caller<'_>) -> Wanted {
    let (from, to) = match caller.since {
        Some(since) => (since.checked_sub(CLOCKS), since.checked_add(CLOCKS)),
        None => (caller.from.checked_sub(SESSION_MAX), caller.to.checked_add(CLOCKS)),
    };
    let actor = caller.actor;
    Wanted {
        access_key: caller.access_key.map(str::to_owned),
        session_id: caller.id.filter(|id| id.contains(':')).map(str::to_owned),
        session_arn: Some(actor.name.clone()).filter(|name| name.contains(":assumed-role/")),
        account: actor.account.clone(),
        signer: caller.access_key.map(|_| {
            let at = Some(caller.to).filter(|at| *at < Timestamp::MAX);
            Box::new(Signer { actor: actor.clone(), since: caller.since, at })
        }),
        identity_center_user: actor
            .session_name
            .clone()
            .filter(|_| actor.role.as_deref().is_some_and(|arn| arn.contains(IDENTITY_CENTER))),
        from: from.unwrap_or(Timestamp::MIN),
        to: to.unwrap_or(Timestamp::MAX),
    }
}

/// Returns the ARN of a session of a role; it has no path.
pub(super) fn session_arn(role: &str, name: &str) -> Option<String> {
    let mut parts = role.splitn(6, ':');
    let (_, partition, _, _, account, resource) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let role = resource.strip_prefix("role/")?.rsplit('/').next()?;
    Some(format!("arn:{partition}:sts::{account}:assumed-role/{role}/{name}"))
}

/// Returns what is looked for behind the call that began a session. `first`: it is one of several since then, and not
/// known which.
fn behind(issue: &Issue, first: Option<Timestamp>, organization: Option<&BTreeSet<String>>) -> State {
    if let Some(from) = &issue.switched_from {
        return of_switch(from, first.unwrap_or(issue.time), issue.time);
    }
    let caller = &issue.caller;
    match caller.kind {
        ActorKind::ExternalUser => State::Ended(external(issue)),
        ActorKind::Service => {
            State::Ended(Ok(Origin::Workload { service: caller.name.clone(), name: issue.session_name.clone() }))
        }
        _ => {
            let of_one = first.is_none();
            let caller = Caller {
                actor: caller,
                id: issue.caller_id.as_deref(),
                access_key: caller.access_key.as_deref().filter(|_| of_one),
                since: issue.caller_since.filter(|_| of_one),
                from: first.unwrap_or(issue.time),
                to: issue.time,
            };
            state(&caller, organization)
        }
    }
}

/// The console says from where a person changed roles, between two times.
fn of_switch(from: &str, first: Timestamp, last: Timestamp) -> State {
    let resource = from.splitn(6, ':').nth(5).unwrap_or_default();
    match resource.split('/').next() {
        Some("user") => State::Ended(Ok(Origin::User(from.to_owned()))),
        Some("root") => {
            let account = from.split(':').nth(4).unwrap_or_default();
            State::Ended(Ok(Origin::Root(account.to_owned())))
        }
        Some("assumed-role") => State::Wanted(Wanted {
            access_key: None,
            session_id: None,
            session_arn: Some(from.to_owned()),
            account: from.split(':').nth(4).map(str::to_owned),
            signer: None,
            identity_center_user: None,
            from: first.checked_sub(SESSION_MAX).unwrap_or(Timestamp::MIN),
            to: last,
        }),
        _ => State::Ended(Err(Lost::NotRecorded)),
    }
}

fn external(issue: &Issue) -> Result<Origin, Lost> {
    let is_identity_center = issue.role.as_deref().is_some_and(|arn| arn.contains(IDENTITY_CENTER));
    let (provider, role) = (issue.provider.clone(), issue.role.clone());
    // The unique id has the subject in it: PROVIDER:AUDIENCE:SUBJECT (CloudTrail user guide, "userIdentity element").
    match issue.subject.clone().or_else(|| issue.caller_id.clone().filter(|_| !is_identity_center)) {
        // Such a role trusts the provider of Identity Center alone, which names the session after its user.
        Some(user) if is_identity_center => Ok(Origin::IdentityCenterUser(user)),
        Some(subject) => Ok(Origin::External { provider, subject }),
        None => Err(Lost::Unnamed { provider, role }),
    }
}

#[cfg(test)]
mod tests;
