//! What an actor made that still stands: its creations without what was deleted after them, by anybody.
//!
//! Records come twice. First, in any order, to [`Creations`], which keeps what the actor made; then again, in any
//! order, to [`Remains`], which keeps what became of it. A name that others took before or after is theirs.
//!
//! Records tell of calls. What came or went with something else and without a call of its own is not in the answer: the
//! volumes of an instance, the rules of a security group that was deleted, what a stack made with a role of its own.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::activity::Missing;
use super::last_used::is_data;
use super::role_path::RolePaths;
use super::sessions::{Belonging, CallKey, SessionSet};
use super::timeline::Step;
use super::timeline::asked::takes_back;
use crate::event::{Outcome, Record};
use crate::resource_types::{
    MatchedBy, RecordedResource, ResourceEffect, ResourceIdentity, ResourceKey, ResourceMention, ResourceReader,
    ResourceType,
};

mod made;

use made::{Made, Seen, Vague};

/// How many resources of an actor are kept.
const RESOURCES_MAX: usize = 100_000;
/// How many steps of one resource, or of all that had its name, are kept.
const STEPS_MAX: usize = 10_000;
/// How many creations without a name, and how many deletions that do not say of what, are kept.
const NAMELESS_MAX: usize = 10_000;

/// Takes records of anybody, in any order, and keeps what an actor made.
#[derive(Debug)]
pub struct Creations<'r, 't> {
    who: SessionSet,
    reader: &'r ResourceReader<'t>,
    made: BTreeMap<ResourceKey, Made>,
    /// The keys of resources by their type and id.
    ids: BTreeMap<(String, String), ResourceKey>,
    nameless: Vec<NamelessCreation>,
    lost: u64,
    /// What records of creations say of the path of the role that is asked for.
    paths: RolePaths,
}

/// Takes all records a second time, and keeps what became of what the actor made.
#[derive(Debug)]
pub struct Remains<'r, 't> {
    creations: Creations<'r, 't>,
    vague: Vec<Vague>,
    is_cut: bool,
    /// When the last record was. `None`: none has a time.
    latest: Option<Timestamp>,
    /// Records that do not say when they were, and may be about what the actor made.
    untimed: u64,
}

/// What an actor made, and what the records say of it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemainsSummary {
    /// What nothing ended that is recorded, in the order in which it was made.
    pub stands: Vec<Remaining>,
    /// What may have ended, or whose end could not be found: each says why.
    pub unclear: Vec<Remaining>,
    /// Creations of which the record does not say what was made: whether it still stands cannot be told.
    pub nameless: Vec<NamelessCreation>,
    /// How many ended.
    pub ended: EndedCounts,
    /// The ARNs of roles of the asked name with another path, which made something: that is not in the answer. Empty:
    /// there is none, or no role was asked for.
    pub namesakes: BTreeSet<String>,
    /// What is not in the answer. Empty: nothing that is known of.
    pub missing: Vec<Missing>,
}

/// How many resources ended, by who ended them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EndedCounts {
    /// The actor itself, or a session of it.
    pub by_actor: usize,
    /// Others.
    pub by_others: usize,
    /// AWS by itself.
    pub by_aws: usize,
    /// Nobody that is recorded: another one was made with its name.
    pub unrecorded: usize,
}

/// A resource that an actor made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remaining {
    /// The type: `AWS::S3::Bucket`.
    pub resource_type: String,
    /// What it is called: its ARN where a record has it, else its id or name.
    pub name: String,
    /// The call that made it.
    pub made: Step,
    /// What asked for its deletion, which waits and can be taken back. `None`: nothing did.
    pub waits: Option<Step>,
    /// Why it is not sure that it stands. Empty: nothing speaks against it.
    pub doubts: Vec<Doubt>,
    /// Attempts to delete it that were not done, in order.
    pub attempts: Vec<Step>,
}

/// Why it is not sure that a resource stands, or that the actor made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// The call that made it may have failed: its record does not tell.
    Made,
    /// A session made it that may be the actor's: others have its name, or the records of its key do not agree.
    Maker,
    /// It was there before: the call replaced it.
    Replaced,
    /// A call may have deleted it: the record does not tell whether it was done, or whether it was this one.
    Deletion(Box<Step>),
    /// It was deleted, and this call changed it after: it was made again, and no record says who did.
    MadeAgain(Box<Step>),
    /// A call gave it another name, or may have: what became of it under that is not looked for.
    Renamed(Box<Step>),
    /// The time until its deletion is over, and no record says that AWS did it or that it was taken back.
    Due,
    /// A call deleted it, or may have, of which the record does not say when.
    Undated {
        /// The call.
        call: String,
        /// The id of the event.
        event_id: String,
    },
    /// The records of the event that made it do not say the same of who it was or when, or others made it in the same
    /// second.
    Disputed,
    /// Its id was not recorded, so that a deletion by its id cannot be known.
    NoId,
    /// Data events tell of it. Its deletion may not be recorded, and a lifecycle rule or an expiry ends such things
    /// without a call.
    Data,
    /// It has more steps than are kept.
    Steps,
}

/// A creation of which the record does not say what was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamelessCreation {
    /// The type.
    pub resource_type: String,
    /// The call.
    pub made: Step,
    /// The record hides it or leaves it out for its size. False: it should be there, and is not.
    pub is_withheld: bool,
}

impl<'r, 't> Creations<'r, 't> {
    /// Begins. `who` has grown by all calls that began sessions.
    pub fn of(who: SessionSet, reader: &'r ResourceReader<'t>) -> Self {
        let (made, ids) = (BTreeMap::new(), BTreeMap::new());
        let paths = RolePaths::of(who.query());
        Self { who, reader, made, ids, nameless: Vec::new(), lost: 0, paths }
    }

    /// Takes one record.
    pub fn add(&mut self, record: &Record<'_>) {
        let makes =
            |(kind, effect): (&'t ResourceType, ResourceEffect)| (is_making(effect) && can_end(kind)).then_some(kind);
        let kinds: Vec<&ResourceType> = self.reader.effects(record).filter_map(makes).collect();
        if kinds.is_empty() || !Outcome::of(record).may_be_done() {
            return;
        }
        self.paths.add(record);
        if self.who.holds(record).is_none() {
            return;
        }
        let named = self.reader.named_by(record);
        for kind in kinds {
            let of_kind = named.iter().filter(|own| own.resource_type == kind.name && is_making(own.effect));
            let (known, unknown): (Vec<_>, Vec<_>) = of_kind.partition(|own| own.named_by > MatchedBy::Prefix);
            for own in &known {
                self.add_made(own);
            }
            if known.is_empty() {
                self.add_nameless(record, kind, !unknown.is_empty());
            }
        }
    }

    /// Ends the first pass. All records have to be given again.
    pub fn seen(self) -> Remains<'r, 't> {
        Remains { creations: self, vague: Vec::new(), is_cut: false, latest: None, untimed: 0 }
    }

    fn add_made(&mut self, own: &RecordedResource) {
        let Some(key) = self.reader.key(own) else { return };
        if !self.made.contains_key(&key) && self.made.len() >= RESOURCES_MAX {
            self.lost += 1;
            return;
        }
        if let Some(id) = &own.identity.id {
            self.ids.insert((own.resource_type.clone(), id.clone()), key.clone());
        }
        let made = self.made.entry(key).or_default();
        made.resource_type.clone_from(&own.resource_type);
        if made.name.is_empty() || own.text.starts_with("arn:") {
            made.name.clone_from(&own.text);
        }
        if !made.identities.contains(&own.identity) && made.identities.len() < STEPS_MAX {
            made.identities.push(own.identity.clone());
        }
    }

    fn add_nameless(&mut self, record: &Record<'_>, kind: &ResourceType, is_withheld: bool) {
        let step = step(record, &nameless(kind), false);
        let Some(made) = step.filter(|_| self.nameless.len() < NAMELESS_MAX) else {
            self.lost += 1;
            return;
        };
        let is_same = |own: &NamelessCreation| own.resource_type == kind.name && same_call(&own.made, &made);
        if !self.nameless.iter().any(is_same) {
            self.nameless.push(NamelessCreation { resource_type: kind.name.clone(), made, is_withheld });
        }
    }
}

impl Remains<'_, '_> {
    /// Takes one record.
    pub fn add(&mut self, record: &Record<'_>) {
        self.latest = self.latest.max(record.event_time);
        // What did not happen matters only where somebody tried to delete.
        let may_be_done = Outcome::of(record).may_be_done();
        let text = |text: &Option<crate::event::Text<'_>>| text.as_deref().unwrap_or_default().to_owned();
        let takes_back = takes_back(&text(&record.event_source), &text(&record.event_name));
        for own in self.creations.reader.named_by(record) {
            let is_deletion = own.effect == ResourceEffect::Delete;
            if !may_be_done && !is_deletion {
                continue;
            }
            if own.named_by <= MatchedBy::Prefix {
                if may_be_done && is_deletion {
                    self.add_vague(record, &own);
                }
                continue;
            }
            let is_named = matches!(own.effect, ResourceEffect::Rename | ResourceEffect::Named);
            let is_step = is_making(own.effect) || is_deletion || is_named || takes_back;
            self.add_step(record, &own, is_step);
        }
    }

    fn add_step(&mut self, record: &Record<'_>, own: &RecordedResource, is_step: bool) {
        let text = |text: &Option<crate::event::Text<'_>>| text.as_deref().unwrap_or_default().to_owned();
        let creations = &mut self.creations;
        let by_id = || creations.ids.get(&(own.resource_type.clone(), own.identity.id.clone()?)).cloned();
        let key = creations.reader.key(own);
        let keys: BTreeSet<ResourceKey> = key.clone().into_iter().chain(by_id()).collect();
        for own_key in keys {
            let Some(made) = creations.made.get_mut(&own_key) else { continue };
            let same = |other: &ResourceIdentity| creations.reader.is_same(&own.resource_type, other, &own.identity);
            let is_same = made.identities.iter().filter_map(same).max();
            // One that is made with the name, and has another id, ends the one before.
            let is_next = is_making(own.effect) && key.as_ref() == Some(&own_key);
            let Some(is_certain) = is_same.or(is_next.then_some(true)) else { continue };
            if !is_step {
                if is_certain && Outcome::of(record) == Outcome::Success {
                    made.used = [made.used, record.event_time].into_iter().flatten().min();
                    let is_change = changes(own.effect) && own.named_by != MatchedBy::Id;
                    let change = step(record, own, true).filter(|step| is_change && !step.is_by_aws);
                    let is_later = |step: &Step| {
                        made.changed.as_ref().is_none_or(|known| (known.time, known.record) < (step.time, step.record))
                    };
                    made.changed = change.filter(is_later).or(made.changed.take());
                }
                continue;
            }
            let Some(step) = step(record, own, is_certain) else {
                if own.effect != ResourceEffect::Delete {
                    self.untimed += 1;
                } else if Outcome::of(record).may_be_done() {
                    made.undated = Some((text(&record.event_name), record.identity().into_owned()));
                }
                continue;
            };
            let names: Vec<CallKey> = call_keys(&step).collect();
            match creations.who.holds(record) {
                Some(Belonging::Unclear) => made.maybe_own.extend(names.clone()),
                Some(_) => made.own.extend(names.clone()),
                None => {}
            }
            if is_data(record) {
                made.data.extend(names);
            }
            if made.steps.len() < STEPS_MAX {
                made.steps.push(step);
            } else {
                made.is_cut = true;
            }
        }
    }

    fn add_vague(&mut self, record: &Record<'_>, own: &RecordedResource) {
        if self.vague.len() >= NAMELESS_MAX {
            self.is_cut = true;
            return;
        }
        let prefix = Some(own.text.clone()).filter(|_| own.named_by == MatchedBy::Prefix);
        let resource_type = own.resource_type.clone();
        match step(record, own, false) {
            Some(step) => self.vague.push(Vague { resource_type, prefix, step }),
            None => self.untimed += 1,
        }
    }

    /// Returns what stands.
    pub fn summary(self) -> RemainsSummary {
        let Creations { who, reader, made, nameless, lost, paths, .. } = self.creations;
        let missing = [
            who.is_cut().then_some(Missing::Sessions),
            (lost > 0).then_some(Missing::Resources(lost)),
            self.is_cut.then_some(Missing::Deletions),
            (self.untimed > 0).then_some(Missing::Times(self.untimed)),
            Missing::paths(paths.unsaid() + who.of_unsaid_path()),
            Missing::perhaps_begun(&who),
        ];
        let mut summary = RemainsSummary {
            stands: Vec::new(),
            unclear: Vec::new(),
            nameless,
            ended: EndedCounts::default(),
            namesakes: paths.others(),
            missing: missing.into_iter().flatten().collect(),
        };
        for made in made.into_values() {
            let kind = reader.types().named(&made.resource_type);
            let vague = self.vague.iter().filter(|vague| vague.resource_type == made.resource_type);
            let seen = Seen { vague: vague.collect(), latest: self.latest };
            made.into_summary(kind, &seen, &mut summary);
        }
        let order = |own: &Remaining| (own.made.time, own.resource_type.clone(), own.name.clone());
        summary.stands.sort_by_key(order);
        summary.unclear.sort_by_key(order);
        summary.nameless.sort_by_key(|own| (own.made.time, own.resource_type.clone()));
        summary
    }
}

fn is_making(effect: ResourceEffect) -> bool {
    matches!(effect, ResourceEffect::Create | ResourceEffect::Put)
}

/// Tells whether calls end the resources of a type: temporary keys end by themselves.
fn can_end(kind: &ResourceType) -> bool {
    kind.calls.iter().any(|call| call.effect == ResourceEffect::Delete)
}

fn changes(effect: ResourceEffect) -> bool {
    matches!(effect, ResourceEffect::Change | ResourceEffect::Attach | ResourceEffect::Detach)
}

/// Returns by what the call of a step is known again.
fn call_keys(step: &Step) -> impl Iterator<Item = CallKey> {
    let shared = step.shared_event_id.clone().map(CallKey::Shared);
    std::iter::once(CallKey::Record(step.record)).chain(shared)
}

fn same_call(a: &Step, b: &Step) -> bool {
    call_keys(a).any(|key| call_keys(b).any(|other| other == key))
}

fn nameless(kind: &ResourceType) -> RecordedResource {
    RecordedResource {
        resource_type: kind.name.clone(),
        identity: ResourceIdentity::default(),
        effect: ResourceEffect::Create,
        named_by: MatchedBy::Withheld,
        place: String::new(),
        text: String::new(),
        also_called: BTreeSet::new(),
        other_name: None,
    }
}

/// Returns what a record says of a resource. `None`: it does not say when.
fn step(record: &Record<'_>, own: &RecordedResource, is_certain: bool) -> Option<Step> {
    let mention = ResourceMention {
        candidate: 0,
        resource_type: Some(own.resource_type.clone()),
        effect: own.effect,
        place: own.place.clone(),
        matched_by: own.named_by,
        is_certain,
        also_called: own.also_called.clone(),
        policy: None,
        id: own.identity.id.clone(),
        other_name: own.other_name.clone(),
        regions: Vec::new(),
    };
    Step::of(record, &mention)
}

#[cfg(test)]
mod tests;
