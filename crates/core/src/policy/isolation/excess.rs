//! What a statement gives beyond what somebody is meant to have.

use super::events::of_events;
use super::granted::GrantedActions;
use super::lake::of_lake;
use super::reach::{OWN_ACCOUNT, demanded, demanded_by, fixed_start, instance};
use super::scene::{Excess, Rights, Scene, asked};
use super::touch::{Touch, is_own, without_variables};
use super::{Archive, Invariant, SharedKind};
use crate::log_path::Folder;
use crate::policy::document::Statement;
use crate::policy::evaluate::glob;

/// The service that writes the archive.
const CLOUDTRAIL: &str = "cloudtrail.amazonaws.com";
/// The pair of the encryption context that only CloudTrail's files have.
pub(super) const CONTEXT: &str = "kms:EncryptionContext:aws:cloudtrail:arn";
/// How many requests stand for all that a statement gives too much.
const TRIES_MAX: usize = 8;

/// Returns what a statement gives beyond somebody's rights.
pub(super) fn excess(scene: &Scene, rights: Rights) -> Vec<Excess> {
    match scene.kind {
        SharedKind::Bucket => of_bucket(scene, rights),
        SharedKind::Key => of_key(scene, rights),
        SharedKind::Topic => of_topic(scene, rights),
        SharedKind::LogGroup | SharedKind::Queue => of_events(scene, rights),
        SharedKind::Lake => of_lake(scene, rights),
    }
}

fn of_bucket(scene: &Scene, rights: Rights) -> Vec<Excess> {
    if scene.touch.is_nothing() {
        return Vec::new();
    }
    let mut list = Vec::new();
    match rights {
        Rights::Nothing | Rights::Service { of: None, .. } => list.extend(scene.anything()),
        Rights::Own(own) => {
            list.extend(scene.reads_beyond(own));
            list.extend(scene.lists_beyond(own));
            list.extend(scene.changes(true));
        }
        Rights::Trusted => list.extend(scene.changes(true)),
        Rights::Known => {}
        Rights::SomebodyOfHome => {
            let reads = scene.reads_beyond("").into_iter().chain(scene.lists_beyond(""));
            list.extend(reads.chain(scene.changes(true)).map(asked));
        }
        Rights::Service { name, of: Some(of) } => {
            if !of.is_empty() {
                list.extend(scene.reads_beyond(of));
            }
            let delivers =
                name == CLOUDTRAIL || !scene.touch.keys.iter().any(|k| scene.archive.may_be_of_cloudtrail(k));
            list.extend(scene.changes(!delivers));
        }
    }
    list
}

fn of_key(scene: &Scene, rights: Rights) -> Vec<Excess> {
    let GrantedActions { read, deliver, change, settings, .. } = &scene.granted;
    let writes = deliver.as_ref().or(change.as_ref());
    let on_key = |invariant, action: &String| Excess {
        invariant,
        action: action.clone(),
        tries: vec![(scene.arn.to_owned(), None)],
        shown: None,
        open: None,
    };
    let bare = || {
        let read = read.as_ref().filter(|_| !demands_context(scene.statement))?;
        let shown = Some(not_a_log(scene.arn));
        Some(Excess { shown, ..on_key(Invariant::DecryptsOnlyLogs, read) })
    };
    let writing = || writes.map(|action| on_key(Invariant::WritesNothing, action));
    match rights {
        // CloudTrail needs to decrypt for Bucket Keys, and AWS documents that without a condition: it reads for nobody.
        Rights::Service { name: CLOUDTRAIL, of: None } => {
            writes.map(|action| on_key(Invariant::NobodyOutside, action)).into_iter().collect()
        }
        Rights::Nothing | Rights::Service { of: None, .. } => {
            let any = read.as_ref().or(change.as_ref()).or(deliver.as_ref()).or(settings.as_ref());
            any.map(|action| on_key(Invariant::NobodyOutside, action)).into_iter().collect()
        }
        Rights::Own(_) => bare().into_iter().chain(writing()).collect(),
        Rights::Trusted => writing().into_iter().collect(),
        Rights::Known => Vec::new(),
        Rights::SomebodyOfHome => {
            let reads = read.as_ref().map(|read| on_key(Invariant::DecryptsOnlyLogs, read));
            reads.into_iter().chain(writing()).map(asked).collect()
        }
        Rights::Service { of: Some(_), .. } => {
            let change = change.as_ref().filter(|action| !action.starts_with("kms:ReEncrypt"));
            change.map(|action| on_key(Invariant::WritesNothing, action)).into_iter().collect()
        }
    }
}

/// Tells whether a statement demands the encryption context that only CloudTrail's files have.
pub(super) fn demands_context(statement: &Statement) -> bool {
    let present = |values: &Vec<String>| values.iter().all(|value| value.eq_ignore_ascii_case("false"));
    let null = statement.condition.get("Null").into_iter().flatten();
    let is_there = null.filter(|(name, _)| name.eq_ignore_ascii_case(CONTEXT)).any(|(_, values)| present(values));
    is_there || demanded(statement, CONTEXT).next().is_some()
}

/// Says what a key decrypts beside the archive.
pub(super) fn not_a_log(key: &str) -> String {
    format!("{key} for data that is not CloudTrail's")
}

fn of_topic(scene: &Scene, rights: Rights) -> Vec<Excess> {
    let GrantedActions { list, deliver, change, .. } = &scene.granted;
    let on_topic = |invariant, action: &String| Excess {
        invariant,
        action: action.clone(),
        tries: vec![(scene.arn.to_owned(), None)],
        shown: None,
        open: None,
    };
    let hears = || list.as_ref().map(|action| on_topic(Invariant::ListsOnlyOwn, action));
    let changing = |action: Option<&String>| action.map(|action| on_topic(Invariant::WritesNothing, action));
    let writes = || changing(deliver.as_ref().or(change.as_ref()));
    match rights {
        Rights::Nothing | Rights::Service { of: None, .. } => {
            scene.granted.any().map(|action| on_topic(Invariant::NobodyOutside, action)).into_iter().collect()
        }
        Rights::Own(_) => hears().into_iter().chain(writes()).collect(),
        Rights::Trusted => writes().into_iter().collect(),
        Rights::Known => Vec::new(),
        Rights::SomebodyOfHome => hears().into_iter().chain(writes()).map(asked).collect(),
        Rights::Service { name: CLOUDTRAIL, .. } => hears().into_iter().chain(changing(change.as_ref())).collect(),
        Rights::Service { .. } => hears().into_iter().chain(writes()).collect(),
    }
}

impl<'a> Scene<'a> {
    /// Looks at a statement as one about a bucket, key or topic.
    pub(super) fn new(
        archive: &'a Archive<'a>,
        kind: SharedKind,
        arn: &'a str,
        statement: &'a Statement,
        own: Option<&'a str>,
    ) -> Self {
        let (touch, granted) = match kind {
            SharedKind::Bucket | SharedKind::Lake => {
                (Touch::of(statement, arn, own), GrantedActions::on_bucket(statement))
            }
            SharedKind::Key => (Touch::default(), GrantedActions::on_key(statement)),
            SharedKind::Topic => (Touch::default(), GrantedActions::on_topic(statement)),
            SharedKind::LogGroup => (Touch::default(), GrantedActions::on_log_group(statement)),
            SharedKind::Queue => (Touch::default(), GrantedActions::on_queue(statement)),
        };
        Self { archive, kind, arn, statement, touch, granted, own }
    }

    fn on(&self, invariant: Invariant, action: &str, tries: Vec<(String, Option<String>)>) -> Excess {
        Excess { invariant, action: action.to_owned(), tries, shown: None, open: None }
    }

    fn object(&self, key: &str) -> String {
        format!("{}/{key}", self.arn)
    }

    /// Returns objects that stand for what patterns of keys match: files of the accounts, those that the statement
    /// names first, and what the patterns themselves suggest.
    fn objects(&self, patterns: &[&String], not_of: &str) -> Vec<(String, Option<String>)> {
        let text = self.statement.to_value().to_string();
        let accounts =
            || self.archive.accounts.iter().map(|account| account.as_str()).filter(|account| *account != not_of);
        let victims = accounts().filter(|account| text.contains(*account)).take(2).chain(accounts().take(3));
        let matches = |key: &String| patterns.iter().any(|pattern| glob(&pattern.replace(OWN_ACCOUNT, "*"), key));
        let files = victims.flat_map(|account| self.archive.sample_keys(account)).filter(matches);
        let suggested = patterns.iter().map(|pattern| {
            let victim = self.archive.accounts.iter().find(|account| account.as_str() != not_of);
            instance(pattern, victim.map_or("any", |account| account.as_str()))
        });
        let mut keys: Vec<String> = files.step_by(Folder::ALL.len()).chain(suggested).collect();
        keys.truncate(TRIES_MAX);
        keys.iter().map(|key| (self.object(key), None)).collect()
    }

    /// What a stranger gets: anything is too much.
    fn anything(&self) -> Option<Excess> {
        let GrantedActions { read, list, settings, deliver, change, change_settings } = &self.granted;
        let keys: Vec<&String> = self.touch.keys.iter().collect();
        let on_object = read.as_ref().or(change.as_ref()).or(deliver.as_ref());
        if let Some(action) = on_object.filter(|_| !keys.is_empty()) {
            return Some(self.on(Invariant::NobodyOutside, action, self.objects(&keys, "")));
        }
        if let Some(action) = list.as_ref().filter(|_| self.touch.bucket) {
            return Some(self.on(Invariant::NobodyOutside, action, self.listings("")));
        }
        let on_bucket = change_settings.as_ref().or(settings.as_ref()).filter(|_| self.touch.bucket)?;
        Some(self.on(Invariant::NobodyOutside, on_bucket, vec![(self.arn.to_owned(), None)]))
    }

    fn reads_beyond(&self, own: &str) -> Option<Excess> {
        let read = self.granted.read.as_ref()?;
        let beyond: Vec<&String> =
            self.touch.keys.iter().filter(|key| !is_own(key, own) && self.archive.may_be_log(key)).collect();
        let tries = || self.objects(&beyond, own);
        (!beyond.is_empty()).then(|| self.on(Invariant::ReadsOnlyOwn, read, tries()))
    }

    fn lists_beyond(&self, own: &str) -> Option<Excess> {
        let list = self.granted.list.as_ref().filter(|_| self.touch.bucket)?;
        let harmless = |value: &String| match without_variables(value, self.own) {
            Some(value) => self.archive.lists_only(&value, own),
            None => true,
        };
        // What is compared without case lists a folder however it is written.
        let in_any_case = |value: &String| match without_variables(value, self.own) {
            Some(value) => is_own(&value, own) || !self.archive.may_be_log_in_any_case(&format!("{value}*")),
            None => true,
        };
        let confined = demanded_by(self.statement, "s3:prefix").any(|(operator, values)| {
            if operator.contains("IgnoreCase") { values.iter().all(in_any_case) } else { values.iter().all(harmless) }
        });
        (!confined).then(|| self.on(Invariant::ListsOnlyOwn, list, self.listings(own)))
    }

    /// Returns listings of what the statement's own prefixes suggest, or else of everything.
    fn listings(&self, own: &str) -> Vec<(String, Option<String>)> {
        let demanded = demanded(self.statement, "s3:prefix").flatten();
        let beyond = demanded.filter(|value| own.is_empty() || !is_own(value, own));
        let prefixes: Vec<String> = beyond.map(|value| fixed_start(value).to_owned()).take(TRIES_MAX).collect();
        let prefixes = if prefixes.is_empty() { vec![String::new()] } else { prefixes };
        prefixes.into_iter().map(|prefix| (self.arn.to_owned(), Some(prefix))).collect()
    }

    /// What changes objects or settings; putting objects counts where `delivering`.
    fn changes(&self, delivering: bool) -> Vec<Excess> {
        let GrantedActions { deliver, change, change_settings, .. } = &self.granted;
        let keys: Vec<&String> = self.touch.keys.iter().collect();
        let object = deliver.as_ref().filter(|_| delivering).or(change.as_ref()).filter(|_| !keys.is_empty());
        let settings = change_settings.as_ref().filter(|_| self.touch.bucket);
        let one = object.map(|action| self.on(Invariant::WritesNothing, action, self.objects(&keys, "")));
        let other = settings.map(|action| self.on(Invariant::WritesNothing, action, vec![(self.arn.to_owned(), None)]));
        one.into_iter().chain(other).collect()
    }
}
