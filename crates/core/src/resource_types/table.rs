//! All types: those that are compiled in, extended and replaced by files of the user.

use std::collections::BTreeSet;

use super::read::{self, CallEntry, TypeEntry};
use super::schema::{NameScope, ResourceCall, ResourceEffect, ResourceType};
use crate::config::yaml_file::{YamlFile, YamlProblem};
use crate::config::{Code, ConfigErrors};

/// The files that are compiled in, in the order in which the reference lists their types.
const FILES: [(&str, &str); 6] = [
    ("storage.yaml", include_str!("data/storage.yaml")),
    ("compute.yaml", include_str!("data/compute.yaml")),
    ("network.yaml", include_str!("data/network.yaml")),
    ("identity.yaml", include_str!("data/identity.yaml")),
    ("monitoring.yaml", include_str!("data/monitoring.yaml")),
    ("platform.yaml", include_str!("data/platform.yaml")),
];

/// The types of resources that are known, and where records name them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResourceTypes {
    types: Vec<ResourceType>,
}

impl ResourceTypes {
    /// Reads the files that are compiled in.
    ///
    /// # Errors
    /// None in a program whose tests have run: they read the same files.
    pub fn built_in() -> Result<Self, ConfigErrors> {
        FILES.iter().try_fold(Self::default(), |types, (file, text)| types.with_file(text, file))
    }

    /// Adds a file. A type that is there is extended: lists grow, single values are replaced, and a call that is there
    /// is replaced by the file's. With `replace: true` nothing stays of the type that was there. Later files win.
    ///
    /// # Errors
    /// All that is wrong with the file, with lines and what to write instead.
    pub fn with_file(mut self, text: &str, file: &str) -> Result<Self, ConfigErrors> {
        let yaml = YamlFile::read(text, file)?;
        let mut problems = Vec::new();
        for entry in read::read(&yaml, file)? {
            self.add(entry, &mut problems);
        }
        if problems.is_empty() { Ok(self) } else { Err(yaml.errors(problems)) }
    }

    /// Returns every type, in the order of the files.
    pub fn all(&self) -> &[ResourceType] {
        &self.types
    }

    /// Returns a type by its name. `None`: it is not known.
    pub fn named(&self, name: &str) -> Option<&ResourceType> {
        self.types.iter().find(|own| own.name == name)
    }

    /// Returns the names of the calls of some types, each with its event source.
    pub(super) fn calls_of(&self, is_meant: impl Fn(&ResourceType) -> bool) -> BTreeSet<(String, String)> {
        let calls = self.types.iter().filter(|own| is_meant(own)).flat_map(|own| &own.calls);
        calls.map(|call| (call.source.clone(), call.event.clone())).collect()
    }

    fn add(&mut self, mut entry: TypeEntry, problems: &mut Vec<YamlProblem>) {
        let at = self.types.iter().position(|own| own.name == entry.name);
        let known = at.and_then(|at| self.types.get(at)).map(|own| own.source.clone());
        let source = entry.source.clone().or(known).unwrap_or_default();
        for call in entry.calls.iter_mut().filter(|entry| entry.call.source.is_empty()) {
            call.call.source.clone_from(&source);
        }
        for call in &entry.calls {
            problems.extend(self.contradiction(&entry, call));
        }
        match at.and_then(|at| self.types.get_mut(at)) {
            Some(own) if !entry.replaces => extend(own, entry),
            found => match (complete(entry), found) {
                (Ok(new), Some(own)) => *own = new,
                (Ok(new), None) => self.types.push(new),
                (Err(problem), _) => problems.push(problem),
            },
        }
    }

    /// Says that another type claims to be made or deleted by the same call, at the same place, where nothing tells
    /// the two apart: a bare name may be either.
    fn contradiction(&self, entry: &TypeEntry, own: &CallEntry) -> Option<YamlProblem> {
        let decides = |effect: ResourceEffect| matches!(effect, ResourceEffect::Create | ResourceEffect::Delete);
        let has_names = entry.names.unwrap_or(NameScope::Region) != NameScope::None;
        if !decides(own.call.effect) || !has_names {
            return None;
        }
        let others = self.types.iter().filter(|other| other.name != entry.name && other.names != NameScope::None);
        let claims = others.flat_map(|other| other.calls.iter().map(move |call| (other, call)));
        let (other, call) = claims.into_iter().find(|(_, call)| {
            let same = call.event == own.call.event && call.source == own.call.source && decides(call.effect);
            // An ARN says of which type it is.
            same && call.at.iter().any(|path| own.call.at.contains(path) && !path.is_of_arn())
        })?;
        let (event, effect) = (&own.call.event, call.effect.as_str());
        let message = format!("{} claims this place of `{event}` too ({effect}, {})", other.name, call.place);
        let help = "one call makes or deletes one type at one place: take the place out of one of them";
        Some(YamlProblem::of_value(Code::Conflict, &own.pointer, message, help))
    }
}

/// Makes a type of an entry that must say all of it.
fn complete(entry: TypeEntry) -> Result<ResourceType, YamlProblem> {
    let is_nameless = entry.forms.is_empty() && entry.ids.is_empty() && entry.typed.is_empty();
    let lacks = [
        (entry.source.is_none(), "source", "write the `eventSource` of its records: `s3.amazonaws.com`"),
        (entry.words.is_empty(), "words", "write what a person calls it"),
        (entry.calls.is_empty(), "calls", "write rows such as `- {delete: DeleteBucket}`"),
        (is_nameless, "forms", "write how its ARN is written, or its `ids`, or how it is `typed`"),
    ];
    if let Some((_, field, help)) = lacks.into_iter().find(|(lacks, ..)| *lacks) {
        let message = format!("the type {} lacks `{field}`", entry.name);
        return Err(YamlProblem::of_name(Code::MissingField, &entry.pointer, message, help));
    }
    Ok(ResourceType {
        name: entry.name,
        words: entry.words,
        source: entry.source.unwrap_or_default(),
        forms: entry.forms,
        typed: entry.typed,
        ids: entry.ids,
        names: entry.names.unwrap_or(NameScope::Region),
        ignores_case: entry.ignores_case.unwrap_or(false),
        default_parent: entry.default_parent,
        data_events: entry.data_events.unwrap_or(false),
        calls: entry.calls.into_iter().map(|entry| entry.call).collect(),
        note: entry.note,
        place: entry.place,
    })
}

fn extend(own: &mut ResourceType, entry: TypeEntry) {
    let calls: Vec<ResourceCall> = entry.calls.into_iter().map(|entry| entry.call).collect();
    own.calls.retain(|old| !calls.iter().any(|new| new.event == old.event && new.source == old.source));
    own.calls.extend(calls);
    own.source = entry.source.unwrap_or(std::mem::take(&mut own.source));
    own.words.extend(entry.words);
    own.forms.extend(entry.forms);
    own.typed.extend(entry.typed);
    own.ids.extend(entry.ids);
    own.names = entry.names.unwrap_or(own.names);
    own.ignores_case = entry.ignores_case.unwrap_or(own.ignores_case);
    own.data_events = entry.data_events.unwrap_or(own.data_events);
    own.default_parent = entry.default_parent.or(own.default_parent.take());
    own.note = entry.note.or(own.note.take());
}
