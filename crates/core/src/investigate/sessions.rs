//! Whose calls are asked for, and every session that it began: the way on, where `chain` is the way back.
//!
//! A session belongs to an actor that called for its credentials, and to whoever that actor's own session belongs to.
//! The access key proves it. Where none is recorded, as when a person changes roles in the console, the role, the name
//! of the session and the time tell; others who use the name at that time make it unclear.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

pub use super::actor_query::{ActorQuery, is_access_key};
use super::chain::session_arn;
use super::given_key::{GivenKey, KeyUse};
use super::issue::{CLOCKS, Issue, SESSION_MAX, since};
use crate::event::{Actor, Outcome, Record, RecordDigest};

/// How many sessions of an actor are known at once.
const SESSIONS_MAX: usize = 100_000;
/// How many beginnings of sessions of one name are known: they tell where no access key is recorded, as in the console.
const NAMED_MAX: usize = 1_000;

/// How a record belongs to an actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Belonging {
    /// The actor is the caller.
    Direct,
    /// An access key signed that was given out to a session of the actor.
    AccessKey,
    /// The session says since its beginning that the actor began it (`sourceIdentity`).
    SourceIdentity,
    /// By the role, the name of the session and the time, and nobody else took the name then.
    Session,
    /// Perhaps: by the name of the session, which another one took too, or by an access key of which the records do
    /// not agree.
    Unclear,
}

/// An actor, with the sessions that it began.
///
/// Give it the calls that began sessions ([`Issue`]), all of them in one [`SessionSet::grow`], in any order, and again
/// until that says that nothing is new: about twice as often as the longest chain of sessions has steps. Then
/// [`SessionSet::holds`] knows each record.
#[derive(Debug, Clone)]
pub struct SessionSet {
    query: ActorQuery,
    /// The unique ids of a user, as its own calls tell it.
    ids: BTreeSet<String>,
    /// The access keys that were given out to the actor, or may have been.
    keys: BTreeMap<String, OfKey>,
    /// Keys of sessions of others that have a name of ours.
    other_keys: BTreeSet<String>,
    /// The ids and ARNs of sessions, and how those that have one began.
    names: BTreeMap<String, OfName>,
    /// How often all calls were given.
    sweep: u32,
    is_cut: bool,
    /// The events of changes of roles in the console that a session began of which the path of the role is not said.
    of_unsaid_path: BTreeSet<String>,
    /// The events of calls that began sessions and may be the actor's: what these did is not followed.
    unclear: BTreeSet<String>,
}

/// Who was given one key.
#[derive(Debug, Clone)]
struct OfKey {
    /// The calls that gave it out, and whether they are the actor's.
    given: BTreeMap<CallKey, (GivenKey, bool)>,
    /// Since which sweep the key is known: see [`OfName`].
    since: u32,
}

/// The sessions of one name.
#[derive(Debug, Clone)]
struct OfName {
    /// How they began, by call.
    began: BTreeMap<CallKey, Beginning>,
    /// Since which sweep the name is known. After the next one all others who took it are known too: only then it is
    /// followed.
    since: u32,
}

/// What the records of one call have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CallKey {
    /// The id of the records in two accounts.
    Shared(String),
    /// It has one record: another one of its event with other bytes may say otherwise who called.
    Record(RecordDigest),
}

#[derive(Debug, Clone)]
struct Beginning {
    time: Timestamp,
    is_ours: bool,
    has_key: bool,
}

/// Who called, as far as a record tells.
struct Caller<'a> {
    actor: &'a Actor,
    id: Option<&'a str>,
    since: Option<Timestamp>,
    /// When it called. `None`: not recorded.
    at: Option<Timestamp>,
}

impl SessionSet {
    /// Begins with the actor, without any session.
    pub fn of(query: ActorQuery) -> Self {
        Self {
            query,
            ids: BTreeSet::new(),
            keys: BTreeMap::new(),
            other_keys: BTreeSet::new(),
            names: BTreeMap::new(),
            sweep: 0,
            is_cut: false,
            of_unsaid_path: BTreeSet::new(),
            unclear: BTreeSet::new(),
        }
    }

    /// Returns the actor.
    pub fn query(&self) -> &ActorQuery {
        &self.query
    }

    /// Takes up the sessions that belong to the actor. Tells whether all calls have to be given again.
    pub fn grow(&mut self, issues: impl IntoIterator<Item = impl Borrow<Issue>>) -> bool {
        self.sweep += 1;
        let mut has_grown = false;
        for issue in issues {
            has_grown |= self.take_up(issue.borrow());
        }
        // What became known now or the last time is followed only after this.
        let since = self.names.values().map(|own| own.since).chain(self.keys.values().map(|own| own.since));
        has_grown || since.into_iter().any(|since| since + 1 >= self.sweep)
    }

    /// Returns how many access keys were given out to sessions of the actor.
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// Tells whether the actor has more sessions than are known: what they did is missing.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Returns how many changes of roles in the console are taken for the actor's although they name its role without
    /// the path.
    pub fn of_unsaid_path(&self) -> u64 {
        self.of_unsaid_path.len() as u64
    }

    /// Returns how many calls that began sessions may be the actor's: what these sessions did is not known to be its
    /// own.
    pub fn unclear(&self) -> u64 {
        self.unclear.len() as u64
    }

    /// Returns texts of which each record of the actor and of its sessions has one.
    pub fn needles(&self) -> BTreeSet<String> {
        let known = self.ids.iter().chain(self.keys.keys()).chain(self.names.keys());
        known.cloned().chain([self.query.needle()]).collect()
    }

    /// Tells how a record belongs to the actor. `None`: it does not.
    pub fn holds(&self, record: &Record<'_>) -> Option<Belonging> {
        if self.query.is_by(record) {
            return Some(Belonging::Direct);
        }
        let actor = Actor::of(record);
        let identity = &record.user_identity;
        let caller = Caller {
            actor: &actor,
            id: identity.principal_id.as_deref(),
            since: identity.session.as_ref().and_then(since),
            // What was refused says nothing of how long a key worked.
            at: record.event_time.filter(|_| Outcome::of(record).may_be_done() || actor.access_key.is_none()),
        };
        self.belonging(&caller)
    }

    fn belonging(&self, caller: &Caller<'_>) -> Option<Belonging> {
        let actor = caller.actor;
        if self.query.is_actor(actor, caller.id) || caller.id.is_some_and(|id| self.ids.contains(id)) {
            return Some(Belonging::Direct);
        }
        let key = actor.access_key.as_ref();
        if let Some(of_key) = key.and_then(|key| self.keys.get(key)) {
            return Some(of_key.belonging(caller));
        }
        if let (ActorQuery::Person { provider: None, name }, Some(began)) = (&self.query, &actor.source_identity)
            && name == began
        {
            return Some(Belonging::SourceIdentity);
        }
        if key.is_some_and(|key| self.other_keys.contains(key)) {
            return None;
        }
        // A session of the same name with another key is another session.
        let fits = |own: &Beginning| (key.is_none() || !own.has_key) && own.fits(caller);
        [caller.id, Some(actor.name.as_str())].into_iter().flatten().find_map(|name| self.by_name(name, fits))
    }

    /// Tells whether those of the sessions of a name that fit are the actor's.
    fn by_name(&self, name: &str, fits: impl Fn(&Beginning) -> bool) -> Option<Belonging> {
        let of_name = self.names.get(name)?;
        let (mut ours, mut others) = (false, false);
        for own in of_name.began.values().filter(|own| fits(own)) {
            ours |= own.is_ours;
            others |= !own.is_ours;
        }
        match (ours, others) {
            (false, _) => None,
            (true, false) => Some(Belonging::Session),
            (true, true) => Some(Belonging::Unclear),
        }
    }

    /// Takes up a key, and tells whether that is news.
    fn take_up_key(&mut self, key: &str, issue: &Issue, call: &CallKey, is_ours: bool) -> bool {
        if !is_ours && !self.keys.contains_key(key) {
            return false;
        }
        self.other_keys.remove(key);
        let since = self.sweep;
        let of_key = self.keys.entry(key.to_owned()).or_insert_with(|| OfKey { given: BTreeMap::new(), since });
        if of_key.given.len() >= NAMED_MAX && !of_key.given.contains_key(call) {
            return false;
        }
        let (_, known) = of_key.given.entry(call.clone()).or_insert_with(|| (GivenKey::of(issue), false));
        let is_new = is_ours && !*known;
        *known |= is_ours;
        is_new
    }

    fn take_up(&mut self, issue: &Issue) -> bool {
        let how = self.how(issue);
        let is_ours = how.is_some_and(|how| self.is_certain(how, issue));
        match how {
            Some(Belonging::Unclear) if self.unclear.len() < NAMED_MAX => {
                _ = self.unclear.insert(issue.event_id.clone())
            }
            Some(Belonging::Unclear) | None => {}
            Some(_) => _ = self.unclear.remove(&issue.event_id),
        }
        let call = issue.shared_event_id.clone().map_or(CallKey::Record(issue.record), CallKey::Shared);
        let arn =
            issue.role.as_deref().zip(issue.session_name.as_deref()).and_then(|(role, name)| session_arn(role, name));
        let names: Vec<String> = issue.session_id.iter().cloned().chain(arn).collect();
        if is_ours && self.keys.len() + self.names.len() >= SESSIONS_MAX {
            self.is_cut = true;
            return false;
        }
        let mut has_grown = false;
        if is_ours {
            let from = issue.switched_from.as_deref();
            let is_of_role = matches!(self.query, ActorQuery::Role(_));
            if is_of_role
                && from.is_some_and(|from| self.query.is_origin(from))
                && self.of_unsaid_path.len() < NAMED_MAX
            {
                self.of_unsaid_path.insert(issue.event_id.clone());
            }
            if let (ActorQuery::User(_), Some(id)) = (&self.query, &issue.caller_id)
                && issue.switched_from.is_none()
                && self.query.is_actor(&issue.caller, None)
            {
                has_grown |= self.ids.insert(id.clone());
            }
        }
        if let Some(key) = &issue.access_key {
            has_grown |= self.take_up_key(key, issue, &call, is_ours);
        }
        for name in names {
            // Sessions of others matter where they have a name of ours.
            if !is_ours && !self.names.contains_key(&name) {
                continue;
            }
            let since = self.sweep;
            let of_name = self.names.entry(name).or_insert_with(|| OfName { began: BTreeMap::new(), since });
            let of_name = &mut of_name.began;
            let has_key = issue.access_key.is_some();
            let new = Beginning { time: issue.time, is_ours, has_key };
            let has_room = of_name.len() < NAMED_MAX;
            match of_name.get_mut(&call) {
                Some(known) => {
                    has_grown |= is_ours && !known.is_ours;
                    known.is_ours |= is_ours;
                    known.has_key |= has_key;
                }
                None if has_room => {
                    of_name.insert(call.clone(), new);
                    has_grown |= is_ours;
                }
                // Its key tells its calls without its name.
                None => self.is_cut |= !has_key,
            }
            let other = issue.access_key.as_ref().filter(|key| !is_ours && !self.keys.contains_key(*key));
            if let Some(key) = other.filter(|_| self.other_keys.len() < SESSIONS_MAX) {
                self.other_keys.insert(key.clone());
            }
        }
        has_grown
    }

    /// Tells how a call that began a session belongs to the actor. `None`: it does not.
    fn how(&self, issue: &Issue) -> Option<Belonging> {
        if let Some(from) = &issue.switched_from {
            let is_origin = self.query.is_origin(from);
            return if is_origin {
                Some(Belonging::Direct)
            } else {
                self.by_name(from, |own| own.is_before(issue.time))
            };
        }
        let caller = Caller {
            actor: &issue.caller,
            id: issue.caller_id.as_deref(),
            since: issue.caller_since,
            at: Some(issue.time),
        };
        if self.query.is_subject(issue) { Some(Belonging::Direct) } else { self.belonging(&caller) }
    }

    /// Tells whether a call belongs to the actor for certain, so that its session is followed.
    fn is_certain(&self, how: Belonging, issue: &Issue) -> bool {
        match how {
            Belonging::Direct | Belonging::SourceIdentity => true,
            Belonging::AccessKey => {
                let key = issue.caller.access_key.as_ref().and_then(|key| self.keys.get(key));
                key.is_none_or(|own| own.since + 1 < self.sweep)
            }
            Belonging::Session => match &issue.switched_from {
                Some(from) => self.is_followed(from),
                None => [issue.caller_id.as_deref(), Some(issue.caller.name.as_str())]
                    .into_iter()
                    .flatten()
                    .all(|name| self.is_followed(name)),
            },
            // All that comes behind it would be unclear too.
            Belonging::Unclear => false,
        }
    }

    /// Tells whether all who took a name are known.
    fn is_followed(&self, name: &str) -> bool {
        self.names.get(name).is_none_or(|own| own.since + 1 < self.sweep)
    }
}

impl OfKey {
    /// Tells whether what was signed with the key is the actor's. A key is given out once: where records give it to
    /// another one too, or not to whoever used it then, none of them is proof.
    fn belonging(&self, caller: &Caller<'_>) -> Belonging {
        let used = KeyUse { actor: caller.actor, id: caller.id, since: caller.since, at: caller.at };
        let ours = || self.given.values().filter(|(_, is_ours)| *is_ours).map(|(given, _)| given);
        let is_other = |(given, is_ours): &(GivenKey, bool)| !is_ours && given.is_for_other_than(ours());
        let is_unclear = self.given.values().any(is_other) || ours().any(|given| given.doubt(&used).is_some());
        if is_unclear { Belonging::Unclear } else { Belonging::AccessKey }
    }
}

impl Beginning {
    fn fits(&self, caller: &Caller<'_>) -> bool {
        match (caller.since, caller.at) {
            (Some(since), _) => self.time.duration_since(since).abs() <= CLOCKS,
            (None, Some(at)) => self.is_before(at),
            (None, None) => false,
        }
    }

    /// Tells whether a session that began so may be there at a time.
    fn is_before(&self, at: Timestamp) -> bool {
        let age = at.duration_since(self.time);
        age >= -CLOCKS && age <= SESSION_MAX
    }
}

#[cfg(test)]
mod tests;
