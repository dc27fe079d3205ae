//! Whose calls are asked for, and every session that it began: the way on, where `chain` is the way back.
//!
//! A session belongs to an actor that called for its credentials, and to whoever that actor's own session belongs to.
//! The access key proves it. Where none is recorded, as when a person changes roles in the console, the role, the name
//! of the session and the time tell; others who use the name at that time make it unclear.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

pub use super::actor_query::{ActorQuery, is_access_key};
use super::chain::{CLOCKS, SESSION_MAX, session_arn};
use super::issue::{Issue, since};
use crate::event::{Actor, Record, RecordDigest};

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
    /// By the name of the session, which somebody else took too.
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
    keys: BTreeSet<String>,
    /// Keys of sessions of others that have a name of ours.
    other_keys: BTreeSet<String>,
    /// The ids and ARNs of sessions, and how those that have one began.
    names: BTreeMap<String, OfName>,
    /// How often all calls were given.
    sweep: u32,
    is_cut: bool,
    /// The events of changes of roles in the console that a session began of which the path of the role is not said.
    of_unsaid_path: BTreeSet<String>,
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
            keys: BTreeSet::new(),
            other_keys: BTreeSet::new(),
            names: BTreeMap::new(),
            sweep: 0,
            is_cut: false,
            of_unsaid_path: BTreeSet::new(),
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
        // A name that became known now or the last time is followed only after this.
        has_grown || self.names.values().any(|own| own.since + 1 >= self.sweep)
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

    /// Returns texts of which each record of the actor and of its sessions has one.
    pub fn needles(&self) -> BTreeSet<String> {
        let known = self.ids.iter().chain(&self.keys).chain(self.names.keys());
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
            at: record.event_time,
        };
        self.belonging(&caller)
    }

    fn belonging(&self, caller: &Caller<'_>) -> Option<Belonging> {
        let actor = caller.actor;
        if self.query.is_actor(actor, caller.id) || caller.id.is_some_and(|id| self.ids.contains(id)) {
            return Some(Belonging::Direct);
        }
        let key = actor.access_key.as_ref();
        if key.is_some_and(|key| self.keys.contains(key)) {
            return Some(Belonging::AccessKey);
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

    fn take_up(&mut self, issue: &Issue) -> bool {
        let is_ours = self.is_ours(issue);
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
            if let Some(key) = &issue.access_key {
                self.other_keys.remove(key);
                has_grown |= self.keys.insert(key.clone());
            }
        }
        let call = issue.shared_event_id.clone().map_or(CallKey::Record(issue.record), CallKey::Shared);
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
            let other = issue.access_key.as_ref().filter(|key| !is_ours && !self.keys.contains(*key));
            if let Some(key) = other.filter(|_| self.other_keys.len() < SESSIONS_MAX) {
                self.other_keys.insert(key.clone());
            }
        }
        has_grown
    }

    /// Tells whether the actor, or a session of it, made a call that began a session.
    fn is_ours(&self, issue: &Issue) -> bool {
        if let Some(from) = &issue.switched_from {
            let known = self.by_name(from, |own| own.is_before(issue.time)) == Some(Belonging::Session);
            return known && self.is_followed(from) || self.query.is_origin(from);
        }
        let caller = Caller {
            actor: &issue.caller,
            id: issue.caller_id.as_deref(),
            since: issue.caller_since,
            at: Some(issue.time),
        };
        let is_followed = || {
            [issue.caller_id.as_deref(), Some(issue.caller.name.as_str())]
                .into_iter()
                .flatten()
                .all(|name| self.is_followed(name))
        };
        let is_certain = |how| match how {
            Belonging::Direct | Belonging::AccessKey | Belonging::SourceIdentity => true,
            Belonging::Session => is_followed(),
            // All that comes behind it would be unclear too.
            Belonging::Unclear => false,
        };
        self.query.is_subject(issue) || self.belonging(&caller).is_some_and(is_certain)
    }

    /// Tells whether all who took a name are known.
    fn is_followed(&self, name: &str) -> bool {
        self.names.get(name).is_none_or(|own| own.since + 1 < self.sweep)
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
mod tests {
    use super::*;
    use crate::investigate::worlds::{USERS, World, issues, truth, user};

    #[test]
    fn all_that_a_person_does_through_its_sessions_is_its_own_and_nothing_else_is() {
        let (mut found, mut unclear, mut all_own) = (0, 0, 0);
        for seed in 0..12 {
            let mut world = World::new(seed);
            let all = world.delivered();
            let (issues, truth) = (issues(&all), truth(&world));
            for by in 0..USERS {
                let mut set = SessionSet::of(ActorQuery::of(&user(by)));
                let mut sweeps = 0;
                while set.grow(&issues) {
                    sweeps += 1;
                    assert!(sweeps < 20, "it ends");
                }
                let needles = set.needles();
                for text in &all {
                    let deed = truth[text.as_str()];
                    let how = set.holds(&Record::read(text).unwrap());
                    all_own += usize::from(deed.by == by);
                    match how {
                        Some(Belonging::Unclear) => unclear += 1,
                        Some(_) => {
                            assert_eq!(deed.by, by, "world {seed}: {text}");
                            found += 1;
                            assert!(needles.iter().any(|needle| text.contains(needle)), "world {seed}: {text}");
                        }
                        None => {}
                    }
                }
            }
        }
        println!("{found} of {all_own} found, {unclear} unclear");
        assert!(found * 100 >= all_own * 98, "{found} of {all_own}, {unclear} unclear");
    }

    #[test]
    fn a_user_of_identity_center_and_a_subject_are_known_by_what_their_provider_says() {
        let arn = "arn:aws:iam::1:role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_Admin_0123";
        let session = |role: &str, more: &str| {
            format!(
                r#"{{"eventTime":"2026-11-20T10:00:00Z","eventName":"DeleteBucket","userIdentity":{{"type":"AssumedRole",
                "arn":"arn:aws:sts::1:assumed-role/x/eve@example.com","accessKeyId":"ASIAEXAMPLE000000009"{more},
                "sessionContext":{{"sessionIssuer":{{"type":"Role","arn":"{role}"}}}}}}}}"#
            )
        };
        let mut eve = SessionSet::of(ActorQuery::of("eve@example.com"));
        let holds = |set: &SessionSet, text: &str| set.holds(&Record::read(text).unwrap());
        assert_eq!(holds(&eve, &session(arn, "")), Some(Belonging::Direct));
        // Anybody may call a session so.
        let other = session("arn:aws:iam::1:role/x", "");
        assert_eq!(holds(&eve, &other), None);
        let saml = r#"{"eventTime":"2026-11-20T09:58:00Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithSAML",
            "eventID":"s","userIdentity":{"type":"SAMLUser","principalId":"p","userName":"eve@example.com","identityProvider":"okta"},
            "requestParameters":{"roleArn":"arn:aws:iam::1:role/x","roleSessionName":"eve@example.com"},
            "responseElements":{"credentials":{"accessKeyId":"ASIAEXAMPLE000000009"}}}"#;
        let issue = Issue::of(&Record::read(saml).unwrap()).unwrap();
        while eve.grow([&issue]) {}
        assert_eq!(holds(&eve, &other), Some(Belonging::AccessKey));
        let provider = Some("other".to_owned());
        let mut elsewhere = SessionSet::of(ActorQuery::Person { provider, name: "eve@example.com".to_owned() });
        assert!(!elsewhere.grow([&issue]), "the same name at another provider is another person");
        let federated = session(arn, r#","onBehalfOf":{"userId":"9067-1"}"#);
        assert_eq!(holds(&SessionSet::of(ActorQuery::of("9067-1")), &federated), Some(Belonging::Direct));
    }
}
