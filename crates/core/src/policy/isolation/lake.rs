//! The lake: the events of all accounts in a bucket of its own. No account has a folder there, so that members and
//! their readers have nothing to read, to list or to change in it.

use std::collections::BTreeMap;

use super::reach::{OWN_ACCOUNT, demanded_by, fixed_start, instance};
use super::scene::{Excess, Rights, Scene, asked};
use super::transport::refuses_http;
use super::{Archive, BrokenInvariant, Invariant, Isolation, Reader, SharedKind};
use crate::ids::Arn;
use crate::policy::document::{Effect, PolicyDocument, PrincipalElement, Principals, ResourceElement, Statement};
use crate::policy::evaluate::{
    AccessDecision, Caller, Context, Denial, Layers, Named, Request, StatementPlace, evaluate, full_access, glob,
    globs_meet,
};

/// How many requests stand for all that a statement gives too much.
const TRIES_MAX: usize = 8;

/// The lake of a deployment.
#[derive(Debug, Clone, Copy)]
pub struct Lake<'a> {
    /// The ARN of its bucket.
    pub arn: &'a str,
    /// What the keys of the lake begin with, with a slash at its end.
    pub folder: &'a str,
    /// The whole bucket is the lake's, and not only what lies in its folder.
    pub whole_bucket: bool,
    /// Its bucket's policy; none where it has none.
    pub policy: Option<&'a PolicyDocument>,
}

impl Lake<'_> {
    /// Returns the ARN of a file that every lake has.
    fn file(&self) -> String {
        format!("{}/{}lake.json", self.arn, self.folder)
    }

    /// Tells whether a pattern of keys can match what is kept here.
    fn may_be_in(&self, key: &str) -> bool {
        self.whole_bucket || globs_meet(&wide(key), &format!("{}*", self.folder))
    }

    /// Tells whether a value of `s3:prefix` can list something of what is kept here.
    fn may_list(&self, value: &str) -> bool {
        self.may_be_in(&format!("{value}*"))
    }
}

fn wide(key: &str) -> String {
    key.replace(OWN_ACCOUNT, "*")
}

/// Returns what a statement about the lake's bucket gives beyond somebody's rights.
pub(super) fn of_lake(scene: &Scene, rights: Rights) -> Vec<Excess> {
    let Some(lake) = scene.archive.facts.lake.filter(|_| !scene.touch.is_nothing()) else { return Vec::new() };
    let on = OnLake { scene, lake };
    match rights {
        Rights::Nothing | Rights::Service { of: None, .. } => {
            let found = on.reads().or_else(|| on.lists()).or_else(|| on.changes().next()).or_else(|| on.settings());
            found.map(|one| Excess { invariant: Invariant::NobodyOutside, ..one }).into_iter().collect()
        }
        Rights::Own(_) => on.reads().into_iter().chain(on.lists()).chain(on.changes()).collect(),
        Rights::SomebodyOfHome => on.reads().into_iter().chain(on.lists()).chain(on.changes()).map(asked).collect(),
        Rights::Trusted => on.changes().collect(),
        Rights::Known => Vec::new(),
        Rights::Service { of: Some(of), .. } => {
            let reads = on.reads().into_iter().chain(on.lists()).filter(|_| !of.is_empty());
            reads.chain(on.changes()).collect()
        }
    }
}

struct OnLake<'s, 'a> {
    scene: &'s Scene<'a>,
    lake: Lake<'a>,
}

impl OnLake<'_, '_> {
    fn on(&self, invariant: Invariant, action: &str, tries: Vec<(String, Option<String>)>) -> Excess {
        Excess { invariant, action: action.to_owned(), tries, shown: None, open: None }
    }

    /// Returns files that stand for what the statement reaches in the lake; empty where it reaches none.
    fn files(&self) -> Vec<(String, Option<String>)> {
        let file = format!("{}lake.json", self.lake.folder);
        let reached = self.scene.touch.keys.iter().filter(|key| self.lake.may_be_in(key));
        let one = |key: &String| if glob(&wide(key), &file) { file.clone() } else { instance(key, "any") };
        reached.map(|key| (format!("{}/{}", self.lake.arn, one(key)), None)).take(TRIES_MAX).collect()
    }

    fn reads(&self) -> Option<Excess> {
        let read = self.scene.granted.read.as_ref()?;
        let files = self.files();
        (!files.is_empty()).then(|| self.on(Invariant::ReadsOnlyOwn, read, files))
    }

    fn lists(&self) -> Option<Excess> {
        let list = self.scene.granted.list.as_ref().filter(|_| self.scene.touch.bucket)?;
        let mut demanded = demanded_by(self.scene.statement, "s3:prefix");
        // What is compared without case, or has variables, may be any prefix.
        let is_plain = |operator: &str, value: &String| !operator.contains("IgnoreCase") && !value.contains("${");
        let elsewhere = |operator: &str, value: &String| is_plain(operator, value) && !self.lake.may_list(value);
        if demanded.any(|(operator, values)| values.iter().all(|value| elsewhere(operator, value))) {
            return None;
        }
        let values = demanded_by(self.scene.statement, "s3:prefix").flat_map(|(_, values)| values);
        let inside = values.filter(|value| self.lake.may_list(value)).map(|value| fixed_start(value).to_owned());
        let mut prefixes: Vec<String> = inside.take(TRIES_MAX).collect();
        if prefixes.is_empty() {
            prefixes.push(if self.lake.whole_bucket { String::new() } else { self.lake.folder.to_owned() });
        }
        let tries = prefixes.into_iter().map(|prefix| (self.lake.arn.to_owned(), Some(prefix))).collect();
        Some(self.on(Invariant::ListsOnlyOwn, list, tries))
    }

    /// What changes files or the bucket.
    fn changes(&self) -> impl Iterator<Item = Excess> {
        let granted = &self.scene.granted;
        let files = self.files();
        let object = granted.deliver.as_ref().or(granted.change.as_ref()).filter(|_| !files.is_empty());
        let one = object.map(|action| self.on(Invariant::WritesNothing, action, files));
        let settings = granted.change_settings.as_ref().filter(|_| self.scene.touch.bucket);
        let other =
            settings.map(|action| self.on(Invariant::WritesNothing, action, vec![(self.lake.arn.to_owned(), None)]));
        one.into_iter().chain(other)
    }

    fn settings(&self) -> Option<Excess> {
        let settings = self.scene.granted.settings.as_ref().filter(|_| self.scene.touch.bucket)?;
        Some(self.on(Invariant::NobodyOutside, settings, vec![(self.lake.arn.to_owned(), None)]))
    }
}

/// Tells whether the configuration lets a role read the lake.
pub(super) fn is_reader(archive: &Archive, kind: SharedKind, name: &str) -> bool {
    // With the key it decrypts what it may read in the lake anyway.
    matches!(kind, SharedKind::Lake | SharedKind::Key) && archive.facts.lake_readers.iter().any(|reader| reader == name)
}

/// Checks by full evaluation that a reader can neither read nor list the lake. It confirms the proof by structure, with
/// the evaluator, which shares nothing with it.
pub(super) fn check_reader(archive: &Archive, reader: &Reader, caller: &Caller, result: &mut Isolation) {
    let Some(lake) = archive.facts.lake else { return };
    let listing = |prefix: Option<&str>| {
        let context = archive.inside();
        prefix.map_or_else(|| context.clone(), |prefix| context.clone().with("s3:prefix", prefix))
    };
    let tries = [
        (Invariant::ReadsOnlyOwn, "s3:GetObject", lake.file(), archive.inside()),
        (Invariant::ListsOnlyOwn, "s3:ListBucket", lake.arn.to_owned(), listing(None)),
        (Invariant::ListsOnlyOwn, "s3:ListBucket", lake.arn.to_owned(), listing(Some(lake.folder))),
    ];
    for (invariant, action, resource, context) in tries {
        let request = Request { caller: caller.clone(), action: action.into(), resource, context };
        match evaluate(&request, &layers(archive, &lake, reader.policies)) {
            AccessDecision::Denied(_) => {}
            AccessDecision::Allowed { by } if is_told(result, &by) => {}
            AccessDecision::Allowed { by } => result.violate(BrokenInvariant {
                invariant,
                principal: reader.role.to_string(),
                action: request.action,
                resource: request.resource,
                statement: by.into_iter().next(),
            }),
            AccessDecision::Unknown { why } => {
                let why = format!("{action} on the lake: {}", why.join("; "));
                result.leave_open_of_lake(lake.arn, invariant, reader.role.as_str(), why);
            }
        }
    }
}

/// The most principals of a policy that are tried.
const PRINCIPALS_MAX: usize = 50;

/// Returns, for each role that the configuration lets read the lake and for each principal that its bucket's policy
/// names, whether it reads it; none where that cannot be told. Their own policies are taken to allow it. `None`: there
/// is no lake, or its bucket is not there.
pub fn lake_reads(archive: &Archive) -> Option<BTreeMap<String, Option<bool>>> {
    let lake = archive.facts.lake?;
    let own = full_access();
    let identity = [Named { name: "the reader's own policies", document: &own }];
    let statements = lake.policy.map_or(&[][..], |policy| policy.statements.as_slice());
    let allows = || statements.iter().filter(|statement| statement.effect == Effect::Allow);
    let files = files_of(&lake, allows());
    let reads = |reader: &String| {
        let caller = Caller::from_arn(&reader.parse::<Arn>().ok()?)?;
        let mut is_unknown = false;
        for file in &files {
            let (caller, action, resource) = (caller.clone(), "s3:GetObject".to_owned(), file.clone());
            let request = Request { caller, action, resource, context: archive.inside() };
            match evaluate(&request, &layers(archive, &lake, &identity)) {
                AccessDecision::Allowed { .. } => return Some(true),
                AccessDecision::Denied(_) => {}
                AccessDecision::Unknown { .. } => is_unknown = true,
            }
        }
        (!is_unknown).then_some(false)
    };
    let named = allows().filter_map(|statement| match &statement.principal {
        Some(PrincipalElement::Is(Principals::Listed(by_kind))) => by_kind.get("AWS"),
        _ => None,
    });
    let named = named.flatten().filter(|name| name.starts_with("arn:")).take(PRINCIPALS_MAX);
    Some(archive.facts.lake_readers.iter().chain(named).map(|reader| (reader.clone(), reads(reader))).collect())
}

/// Returns files that stand for the lake: one that every lake has, and one for each pattern of files that statements
/// name, because of a lake of before it is not known below which prefix it lies.
fn files_of<'a>(lake: &Lake, allows: impl Iterator<Item = &'a Statement>) -> Vec<String> {
    let named = allows.filter_map(|statement| match &statement.resource {
        Some(ResourceElement::Is(all)) => Some(all),
        _ => None,
    });
    let below = format!("{}/", lake.arn);
    let named = named.flatten().filter(|resource| resource.starts_with(&below)).map(|one| instance(one, "any"));
    std::iter::once(lake.file()).chain(named.take(TRIES_MAX)).collect()
}

fn is_told(result: &Isolation, by: &[StatementPlace]) -> bool {
    let mut told = result.violations.iter().filter_map(|violation| violation.statement.as_ref());
    told.any(|place| by.contains(place))
}

fn layers<'p>(archive: &Archive, lake: &Lake<'p>, identity: &'p [Named<'p>]) -> Layers<'p> {
    let resource = lake.policy.map(|document| Named { name: "policy of the lake's bucket", document });
    Layers { identity, resource, resource_account: Some(archive.account.clone()), ..Layers::default() }
}

/// Checks that the lake's bucket refuses plain HTTP.
pub(super) fn check_transport(archive: &Archive, result: &mut Isolation) {
    let Some(lake) = archive.facts.lake else { return };
    let statements = lake.policy.map_or(&[][..], |policy| policy.statements.as_slice());
    if statements.iter().any(|statement| refuses_http(statement, lake.arn)) {
        return;
    }
    let own = full_access();
    let identity = [Named { name: "the caller's own policies", document: &own }];
    let Some(caller) = archive.member(archive.account) else { return };
    let context = Context::default().with("aws:SecureTransport", "false");
    let (action, resource) = ("s3:GetObject".to_owned(), lake.file());
    let request = Request { caller, action, resource, context };
    if matches!(evaluate(&request, &layers(archive, &lake, &identity)), AccessDecision::Denied(Denial::Explicit(_))) {
        let why = format!("no single statement refuses plain HTTP for all actions and files of {}", lake.arn);
        return result.leave_open_of_lake(lake.arn, Invariant::PlainHttpRefused, "everyone", why);
    }
    result.violate(BrokenInvariant {
        invariant: Invariant::PlainHttpRefused,
        principal: request.caller.to_string(),
        action: request.action,
        resource: request.resource,
        statement: None,
    });
}

#[cfg(test)]
mod tests;
