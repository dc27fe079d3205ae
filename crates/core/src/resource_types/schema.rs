//! What the data file says of a type of resources: its names, ARNs and ids, and the calls that concern it.

use crate::event::{Json, Record};

use super::identity::{Agreement, ResourceIdentity};
use super::pattern::Pattern;
use super::place::PlacePath;

/// What a call does to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceEffect {
    /// It makes it.
    Create,
    /// It makes it, or replaces what is there: the call is the same.
    Put,
    /// It changes it.
    Change,
    /// It deletes it, now or after a waiting time.
    Delete,
    /// It connects it to something else, or allows something else to use it.
    Attach,
    /// It undoes such a connection.
    Detach,
    /// It uses it, and leaves it as it is.
    Use,
    /// It gives it another name: there is none of this name from then on.
    Rename,
    /// It gives this name to one that had another.
    Named,
    /// The table does not say what the call does.
    Unknown,
}

/// Among which resources a name stands once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameScope {
    /// All of a partition, as buckets.
    Partition,
    /// Those of an account, as IAM roles.
    Account,
    /// Those of an account in one region.
    Region,
    /// Those of one parent, in an account and region.
    Parent,
    /// Those of one parent, whose own name stands once in a partition, as objects of a bucket.
    GlobalParent,
    /// None: several may have one name.
    Shared,
    /// They have no names, only ids.
    None,
}

/// A type of resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceType {
    /// CloudFormation's name, or one like it: `AWS::S3::Bucket`.
    pub name: String,
    /// What a person calls it: `bucket`, `s3 bucket`.
    pub words: Vec<String>,
    /// The `eventSource` of its calls: `s3.amazonaws.com`.
    pub source: String,
    /// How its ARNs and URLs are written, in records and by people.
    pub forms: Vec<Pattern>,
    /// How people write it besides: `s3://bucket/key`.
    pub typed: Vec<Pattern>,
    /// How the ids are written that the service gives.
    pub ids: Vec<Pattern>,
    /// Among which resources a name stands once.
    pub names: NameScope,
    /// Capitals do not count in its names.
    pub ignores_case: bool,
    /// The parent of those that name none. `None`: a record that names no parent does not tell it.
    pub default_parent: Option<String>,
    /// Its calls are data events: recorded only where an event selector of a trail names them.
    pub data_events: bool,
    /// The calls that concern it.
    pub calls: Vec<ResourceCall>,
    /// What has to be known, for the reference page. `None`: nothing.
    pub note: Option<String>,
    /// The file that the type was read from, with the line: `storage.yaml:12`.
    pub place: String,
}

/// A call that concerns a type of resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceCall {
    /// Its `eventName`: `DeleteBucket`.
    pub event: String,
    /// Its `eventSource`.
    pub source: String,
    /// What it does to the resource.
    pub effect: ResourceEffect,
    /// Where its records name the resource.
    pub at: Vec<PlacePath>,
    /// Where its records name the parent. Empty: nowhere.
    pub parent: Vec<PlacePath>,
    /// Where its records have the policy document that it sets. `None`: it sets none.
    pub policy: Option<PlacePath>,
    /// Where its records have the new name that it gives. `None`: it gives none.
    pub renamed: Option<PlacePath>,
    /// Where its records name the regions in which it has its effect on what has the same name or id there. Empty: it
    /// has it in the region of the record.
    pub regions: Vec<PlacePath>,
    /// It has its effect in the region of the record too. False: where it has one in others, it changes it here.
    pub is_here_too: bool,
    /// The file that the call was read from, with the line.
    pub place: String,
}

/// What a deletion of one version of a resource names beside it: the resource stays (Lambda API, `DeleteFunction`;
/// Systems Manager API, `DeleteDocument`; S3 API, `DeleteObject`).
const VERSIONS: [&str; 4] = ["qualifier", "documentVersion", "versionName", "versionId"];

impl ResourceCall {
    /// Returns the new name that the call of a record gives a resource of a type. `None`: it gives none, or one that
    /// differs from the old one in capitals alone where these do not count.
    pub(super) fn new_name(&self, record: &Record<'_>, kind: &ResourceType) -> Option<String> {
        let new = self.renamed.as_ref()?.texts(record).into_iter().next()?;
        let is_old = |old: &str| old == new || kind.ignores_case && old.eq_ignore_ascii_case(&new);
        let is_same = self.at.iter().flat_map(|path| path.texts(record)).any(|old| is_old(&old));
        (!is_same).then(|| new.into_owned())
    }

    /// Returns the other regions in which the call of a record has its effect.
    pub(super) fn other_regions(&self, record: &Record<'_>) -> Vec<String> {
        let all = self.regions.iter().flat_map(|path| path.texts(record)).map(|text| text.into_owned());
        all.filter(|region| Some(region.as_str()) != record.aws_region.as_deref()).collect()
    }

    /// Returns what the call of a record does to the resource in the region of the record.
    pub(super) fn effect_here(&self, record: &Record<'_>) -> ResourceEffect {
        let is_elsewhere = !self.regions.is_empty() && !self.is_here_too;
        if is_elsewhere { ResourceEffect::Change } else { self.effect_of(record) }
    }

    /// Returns what the call of a record does to the resource: the deletion of one of its versions changes it.
    pub fn effect_of(&self, record: &Record<'_>) -> ResourceEffect {
        let asked = record.request_parameters.filter(|_| self.effect == ResourceEffect::Delete);
        let names = |asked: Json<'_>| {
            let is_given = |field: &str| asked.at(field).is_some_and(|value| !value.is_null());
            // arn:aws:lambda:REGION:ACCOUNT:function:NAME:VERSION
            let function = asked.at("functionName").and_then(|name| name.text());
            let is_versioned = |name: &str| name.split_once(":function:").is_some_and(|(_, rest)| rest.contains(':'));
            VERSIONS.iter().any(|field| is_given(field)) || function.is_some_and(|name| is_versioned(&name))
        };
        if asked.is_some_and(names) { ResourceEffect::Change } else { self.effect }
    }
}

impl ResourceEffect {
    /// Every effect that a file may name, with the word for it.
    pub const NAMED: [(ResourceEffect, &'static str); 7] = [
        (ResourceEffect::Create, "create"),
        (ResourceEffect::Put, "put"),
        (ResourceEffect::Change, "change"),
        (ResourceEffect::Delete, "delete"),
        (ResourceEffect::Attach, "attach"),
        (ResourceEffect::Detach, "detach"),
        (ResourceEffect::Use, "use"),
    ];

    /// Returns the word for it: `create`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rename => "rename",
            Self::Named => "named",
            _ => Self::NAMED.iter().find(|(effect, _)| *effect == self).map_or("unknown", |(_, word)| word),
        }
    }
}

impl NameScope {
    /// Every scope, with the word for it.
    pub const NAMED: [(NameScope, &'static str); 7] = [
        (NameScope::Partition, "partition"),
        (NameScope::Account, "account"),
        (NameScope::Region, "region"),
        (NameScope::Parent, "parent"),
        (NameScope::GlobalParent, "global_parent"),
        (NameScope::Shared, "shared"),
        (NameScope::None, "none"),
    ];

    /// Tells whether a name means something beside its parent only.
    pub(super) fn is_of_parent(self) -> bool {
        matches!(self, NameScope::Parent | NameScope::GlobalParent)
    }

    /// Returns the word for it: `region`.
    pub fn as_str(self) -> &'static str {
        Self::NAMED.iter().find(|(scope, _)| *scope == self).map_or("", |(_, word)| word)
    }
}

impl ResourceType {
    /// Tells whether its resources can be given another name.
    pub fn can_be_renamed(&self) -> bool {
        self.calls.iter().any(|call| call.renamed.is_some())
    }

    /// Returns what the table says of a call. `None`: nothing. Names with a version of the API behind them
    /// (`CreateFunction20150331`) are those of the plain call.
    pub fn call(&self, source: &str, event: &str) -> Option<&ResourceCall> {
        let plain = without_version(event);
        self.calls.iter().find(|call| call.source == source && (call.event == event || call.event == plain))
    }

    /// Tells whether its resources are in regions: whether their ARNs name one, or it has no ARNs.
    pub fn is_regional(&self) -> bool {
        let mut arns = self.forms.iter().map(Pattern::as_str).filter(|form| form.starts_with("arn:")).peekable();
        arns.peek().is_none() || arns.any(|form| form.contains("{region}"))
    }

    /// Compares two identities of the type. `None`: they are of different resources, or nothing says that they are of
    /// one. A partial ARN lacks the characters at random behind the name, and a name may end as if it had them.
    pub(super) fn agreement(&self, a: &ResourceIdentity, b: &ResourceIdentity) -> Option<Agreement> {
        let compare = |a: &ResourceIdentity, b: &ResourceIdentity| a.agreement(b, self.ignores_case);
        let of_partial = || {
            let (a_name, b_name) = (a.as_name_alone(), b.as_name_alone());
            a_name.and_then(|a| compare(&a, b)).or_else(|| compare(a, &b_name?))
        };
        if !self.has_random_end() {
            return compare(a, b);
        }
        // Six characters at random are of one name: another one may have them too, or end with a word that is as long.
        let are_namesakes = a.name.as_ref().zip(b.name.as_ref()).is_none_or(|(a, b)| a == b);
        compare(a, b).filter(|_| are_namesakes).or_else(of_partial)
    }

    /// Tells whether its ARNs end with characters at random behind the name.
    pub(super) fn has_random_end(&self) -> bool {
        self.forms.iter().any(|form| form.as_str().ends_with("-{suffix}"))
    }

    /// Tells whether a word or name is one of the type's: `bucket`, `AWS::S3::Bucket`. Capitals do not count.
    pub fn is_called(&self, word: &str) -> bool {
        self.name.eq_ignore_ascii_case(word) || self.words.iter().any(|own| own.eq_ignore_ascii_case(word))
    }
}

/// Tells whether an id is that of resources in several regions, as the id of a KMS key that was replicated (KMS
/// developer guide, "Multi-Region keys in AWS KMS").
pub fn is_multi_region(id: &str) -> bool {
    id.starts_with("mrk-")
}

/// Returns the name of a call without the version of the API that Lambda and CloudFront write behind it:
/// `UpdateFunctionCode20150331v2`, `CreateDistribution2020_05_31`.
pub(crate) fn without_version(event: &str) -> &str {
    let is_version = |tail: &str| {
        let (date, version) = tail.split_once('v').unwrap_or((tail, "1"));
        let digits = date.bytes().filter(u8::is_ascii_digit).count();
        digits == 8
            && date.bytes().all(|b| b.is_ascii_digit() || b == b'_')
            && version.bytes().all(|b| b.is_ascii_digit())
    };
    match event.find(|c: char| c.is_ascii_digit()).and_then(|at| event.split_at_checked(at)) {
        Some((name, tail)) if !name.is_empty() && is_version(tail) => name,
        _ => event,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_an_api_is_no_part_of_a_name() {
        for (event, name) in [
            ("CreateFunction20150331", "CreateFunction"),
            ("UpdateFunctionCode20150331v2", "UpdateFunctionCode"),
            ("CreateDistribution2020_05_31", "CreateDistribution"),
            ("AssociateVPCWithHostedZone", "AssociateVPCWithHostedZone"),
            ("ListObjectsV2", "ListObjectsV2"),
            ("Put2015", "Put2015"),
            ("20150331", "20150331"),
            ("", ""),
        ] {
            assert_eq!(without_version(event), name);
        }
    }
}
