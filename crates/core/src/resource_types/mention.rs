//! Whether a record is about a resource, with which effect, and how sure that is.

use std::collections::BTreeSet;

use super::identity::{Agreement, ResourceIdentity};
use super::schema::{NameScope, ResourceCall, ResourceEffect, ResourceType, is_multi_region};
use super::subject::ResourceCandidate;
use super::table::ResourceTypes;
use crate::event::{Json, JsonType, Record, Text};

/// How a record names a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchedBy {
    /// The record hides or leaves out what the call was about: it may be this one.
    Withheld,
    /// By how the ARNs of many begin (`ARNPrefix`): it may be one of them.
    Prefix,
    /// By its name.
    Name,
    /// By the id that the service gave.
    Id,
    /// By its ARN.
    Arn,
}

/// What a record says of a resource. Whether the call was done is not said here: see [`crate::event::Outcome`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceMention<'a> {
    /// Which of the candidates it is, from 0.
    pub candidate: usize,
    /// The type. `None`: it is not known.
    pub resource_type: Option<String>,
    /// What the call does to it.
    pub effect: ResourceEffect,
    /// Where the record names it: `requestParameters.roleName`, `resources`.
    pub place: String,
    /// How the record names it.
    pub matched_by: MatchedBy,
    /// It is this resource, and no other of the same name in another account or region. A resource that was deleted
    /// and made again under its name is another one, which only ids tell apart.
    pub is_certain: bool,
    /// What else the record calls the resource: the id of a role beside its name. Empty where the record names
    /// several.
    pub also_called: BTreeSet<String>,
    /// The policy document that the call sets, as text or as object. `None`: it sets none, or the record lacks it.
    pub policy: Option<Json<'a>>,
    /// The id that the record says of it, which tells it from others that had its name. `None`: it says none.
    pub id: Option<String>,
    /// Of a call that gives it another name: the new one, and of one that gives it this one the old one. `None`: the
    /// call leaves its name as it is, or the record lacks it.
    pub other_name: Option<String>,
    /// Other regions in which the call has its effect on what has the same name or id there.
    pub regions: Vec<String>,
}

/// A text at a place, taken apart where it is an ARN or URL of the type.
pub(super) struct Reading<'a> {
    pub text: Text<'a>,
    pub place: String,
    /// What the text says. `None`: it is a bare name or id, or of another type.
    pub parsed: Option<ResourceIdentity>,
}

/// What a place says of a candidate.
struct Hit {
    place: String,
    effect: ResourceEffect,
    matched_by: MatchedBy,
    is_certain: bool,
    /// See [`ResourceMention::other_name`].
    other_name: Option<String>,
}

impl ResourceTypes {
    /// Returns what a record says of some candidates, at most once of each. Calls that failed mention what they named.
    /// A call that the table does not know mentions what the service lists in `resources`.
    pub fn mentions<'a>(&self, record: &Record<'a>, candidates: &[ResourceCandidate]) -> Vec<ResourceMention<'a>> {
        let of = |(at, candidate): (usize, &ResourceCandidate)| self.mention(record, at, candidate);
        candidates.iter().enumerate().filter_map(of).collect()
    }

    fn mention<'a>(&self, record: &Record<'a>, at: usize, wanted: &ResourceCandidate) -> Option<ResourceMention<'a>> {
        let kind = match &wanted.resource_type {
            Some(name) => Some(self.named(name)?),
            None => None,
        };
        let source = record.event_source.as_deref().unwrap_or_default();
        let call = kind.and_then(|kind| kind.call(source, record.event_name.as_deref().unwrap_or_default()));
        let readings = kind.zip(call).map(|(kind, call)| readings(record, kind, call)).unwrap_or_default();
        let named = kind.zip(call).and_then(|(kind, call)| {
            named_anew(record, kind, call, &readings, wanted)
                .or_else(|| at_places(record, kind, call, &readings, wanted))
        });
        let listed = listed(record, kind, call, &readings, wanted);
        let withheld = call.filter(|_| readings.is_empty()).and_then(|call| withheld(record, call));
        let withheld = withheld.or_else(|| self.of_no_call(record, kind?, wanted));
        let best =
            |hits: [Option<Hit>; 2]| hits.into_iter().flatten().max_by_key(|hit| (hit.is_certain, hit.matched_by));
        let hit = best([listed, named]).or(withheld)?;
        let is_named = hit.matched_by > MatchedBy::Prefix;
        let id = kind.filter(|_| is_named).and_then(|kind| own_id(record, kind, &readings, wanted));
        let is_one = is_named && kind.is_some_and(|kind| are_of_one(kind, &readings));
        Some(ResourceMention {
            candidate: at,
            resource_type: wanted.resource_type.clone(),
            effect: hit.effect,
            place: hit.place,
            matched_by: hit.matched_by,
            is_certain: hit.is_certain,
            also_called: readings.into_iter().filter(|_| is_one).map(|reading| reading.text.into_owned()).collect(),
            policy: call.and_then(|call| call.policy.as_ref()?.last(record)),
            id,
            other_name: hit.other_name,
            regions: call.map(|call| call.other_regions(record)).unwrap_or_default(),
        })
    }
}

impl ResourceTypes {
    /// Says of a record that does not name its call in a text that it may be about the resource, if it has the name of
    /// it somewhere and is of a service of the type: no place is known then.
    fn of_no_call(&self, record: &Record<'_>, kind: &ResourceType, wanted: &ResourceCandidate) -> Option<Hit> {
        let name = record.field("eventName");
        let is_call = name.is_none_or(|name| name.kind() == JsonType::Text || name.is_null());
        let source = record.event_source.as_deref().unwrap_or_default();
        let is_of_type = || source == kind.source || kind.calls.iter().any(|call| call.source == source);
        if is_call || !is_of_type() {
            return None;
        }
        let needles = self.needles(std::slice::from_ref(wanted));
        needles.may_mention(record.json.as_str().as_bytes()).then(|| Hit {
            place: "eventName".to_owned(),
            effect: ResourceEffect::Unknown,
            matched_by: MatchedBy::Withheld,
            is_certain: false,
            other_name: None,
        })
    }
}

pub(super) fn readings<'a>(record: &Record<'a>, kind: &ResourceType, call: &ResourceCall) -> Vec<Reading<'a>> {
    let of_path = |path: &super::place::PlacePath| {
        let place = path.to_string();
        let texts = path.texts(record).into_iter().filter(|text| text != super::place::HIDDEN);
        texts.map(|text| Reading { parsed: parse(kind, &text), text, place: place.clone() }).collect::<Vec<_>>()
    };
    call.at.iter().flat_map(of_path).collect()
}

pub(super) fn parse(kind: &ResourceType, text: &str) -> Option<ResourceIdentity> {
    let mut identity = kind.forms.iter().find_map(|form| form.parse(text))?;
    identity.parent = identity.parent.or_else(|| kind.default_parent.clone());
    Some(identity)
}

/// Tells whether all readings may be of one resource: no place has two, and there is one id at most.
pub(super) fn are_of_one(kind: &ResourceType, readings: &[Reading<'_>]) -> bool {
    let places: BTreeSet<&str> = readings.iter().map(|reading| reading.place.as_str()).collect();
    let id = |reading: &Reading<'_>| match &reading.parsed {
        Some(parsed) => parsed.id.clone(),
        None => kind.ids.iter().any(|id| id.is_match(&reading.text)).then(|| reading.text.to_string()),
    };
    let ids: BTreeSet<String> = readings.iter().filter_map(id).collect();
    places.len() == readings.len() && ids.len() <= 1
}

/// Returns the best of what the places of a call say.
fn at_places(
    record: &Record<'_>,
    kind: &ResourceType,
    call: &ResourceCall,
    readings: &[Reading<'_>],
    wanted: &ResourceCandidate,
) -> Option<Hit> {
    let parents: Vec<Text<'_>> = call.parent.iter().flat_map(|path| path.texts(record)).collect();
    let new_name = call.new_name(record, kind);
    let here = record.aws_region.as_deref();
    let hit = |reading: &Reading<'_>, region: Option<&str>, effect: ResourceEffect| {
        let (matched_by, is_certain) = compared(record, region, kind, wanted, reading, &parents)?;
        let (place, other_name) = (reading.place.clone(), new_name.clone());
        Some(Hit { place, effect, matched_by, is_certain, other_name })
    };
    let effect = if new_name.is_some() { ResourceEffect::Rename } else { call.effect_here(record) };
    let regions = call.other_regions(record);
    let is_there = |region: &str| {
        let is_of_region = wanted.identity.region.as_deref() == Some(region) || wanted.identity.region.is_none();
        is_of_region && (kind.names != NameScope::None || wanted.identity.id.as_deref().is_none_or(is_multi_region))
    };
    let hits = readings.iter().flat_map(|reading| {
        let there = regions.iter().filter_map(|region| {
            let found = hit(&reading.in_region(region), Some(region), call.effect_of(record))?;
            is_there(region).then_some(found)
        });
        there.chain(hit(reading, here, effect)).collect::<Vec<_>>()
    });
    hits.max_by_key(|hit| (hit.is_certain, hit.matched_by))
}

/// Tells whether a call gives the name of a candidate to a resource that had another one.
fn named_anew(
    record: &Record<'_>,
    kind: &ResourceType,
    call: &ResourceCall,
    readings: &[Reading<'_>],
    wanted: &ResourceCandidate,
) -> Option<Hit> {
    let new_name = call.new_name(record, kind)?;
    let place = call.renamed.as_ref()?.to_string();
    let reading = Reading { parsed: parse(kind, &new_name), text: Text::Owned(new_name), place: place.clone() };
    let region = record.aws_region.as_deref();
    let (matched_by, is_certain) = compared(record, region, kind, wanted, &reading, &[])?;
    let other_name = readings.first().map(|reading| reading.text.to_string());
    Some(Hit { place, effect: ResourceEffect::Named, matched_by, is_certain, other_name })
}

impl Reading<'_> {
    /// Returns the same as it is called in another region.
    fn in_region(&self, region: &str) -> Self {
        let parsed = self.parsed.clone().map(|own| ResourceIdentity { region: Some(region.to_owned()), ..own });
        Reading { parsed, text: self.text.clone(), place: self.place.clone() }
    }
}

/// Compares a text with a candidate. `region`: where what it names is, unless it says so itself.
fn compared(
    record: &Record<'_>,
    region: Option<&str>,
    kind: &ResourceType,
    wanted: &ResourceCandidate,
    reading: &Reading<'_>,
    parents: &[Text<'_>],
) -> Option<(MatchedBy, bool)> {
    match &reading.parsed {
        Some(parsed) => of_parsed(record, region, kind, wanted, parsed, &reading.text),
        // An ARN of another type.
        None if reading.text.starts_with("arn:") => None,
        None => of_bare(record, region, kind, wanted, &reading.text, parents),
    }
}

/// Returns the id that a record says of a candidate: one, and not that of another one of the name.
fn own_id(
    record: &Record<'_>,
    kind: &ResourceType,
    readings: &[Reading<'_>],
    wanted: &ResourceCandidate,
) -> Option<String> {
    let is_name = |own: &ResourceIdentity| {
        own.name.is_none() || wanted.identity.name.is_none() || own.name == wanted.identity.name
    };
    let is_id = |text: &str| kind.ids.iter().any(|id| id.is_strong() && id.is_match(text));
    let of_reading = |reading: &Reading<'_>| match &reading.parsed {
        Some(parsed) => parsed.id.clone().filter(|_| is_name(parsed)),
        None => is_id(&reading.text).then(|| reading.text.to_string()),
    };
    let arns = record.resources.iter().filter_map(|entry| entry.arn.as_deref());
    let listed = arns.filter_map(|arn| parse(kind, arn)).filter(is_name).filter_map(|own| own.id);
    let mut all: BTreeSet<String> = readings.iter().filter_map(of_reading).chain(listed).collect();
    if all.len() == 1 { all.pop_first() } else { None }
}

/// Compares with what was taken apart.
fn of_parsed(
    record: &Record<'_>,
    region: Option<&str>,
    kind: &ResourceType,
    wanted: &ResourceCandidate,
    parsed: &ResourceIdentity,
    text: &str,
) -> Option<(MatchedBy, bool)> {
    // AWS's own policies are in the account `aws`, and meant by name in every account.
    let aws = Some("aws");
    let is_of_aws =
        wanted.identity.account.as_deref() != aws && parsed.account.as_deref() == aws && wanted.arn.is_none();
    let own = ResourceIdentity { account: parsed.account.clone().filter(|_| !is_of_aws), ..parsed.clone() };
    let agreement = kind.agreement(&wanted.identity, &own)?;
    let is_arn = text.starts_with("arn:");
    match agreement {
        _ if is_arn && wanted.arn.is_some() => Some((MatchedBy::Arn, true)),
        Agreement::Id => Some((MatchedBy::Id, true)),
        Agreement::Name => {
            let around = ResourceIdentity {
                account: own.account.or_else(|| account_of(record)),
                region: parsed.region.clone().or_else(|| region.map(str::to_owned)),
                ..ResourceIdentity::default()
            };
            let is_certain = name_fits(kind, wanted, &around)?;
            let is_parent_known = wanted.identity.parent.is_some() && parsed.parent.is_some();
            Some((MatchedBy::Name, is_certain && (!kind.names.is_of_parent() || is_parent_known)))
        }
    }
}

/// Compares with a bare id or name.
fn of_bare(
    record: &Record<'_>,
    region: Option<&str>,
    kind: &ResourceType,
    wanted: &ResourceCandidate,
    text: &str,
    parents: &[Text<'_>],
) -> Option<(MatchedBy, bool)> {
    let own = &wanted.identity;
    if own.id.as_deref() == Some(text) {
        // Keys of several regions have one id.
        let region = own.region.as_deref().zip(region);
        let is_elsewhere = is_multi_region(text) && region.is_some_and(|(own, other)| own != other);
        return (!is_elsewhere).then_some((MatchedBy::Id, !is_multi_region(text) || region.is_some()));
    }
    let name = own.name.as_deref().filter(|_| kind.names != NameScope::None)?;
    let is_partial =
        || kind.has_random_end() && own.as_name_alone().is_some_and(|own| own.name.as_deref() == Some(text));
    if name != text && !(kind.ignores_case && name.eq_ignore_ascii_case(text)) && !is_partial() {
        return None;
    }
    let default = kind.default_parent.as_deref().filter(|_| parents.is_empty());
    let has_parent = match &own.parent {
        None => None,
        Some(_) if parents.is_empty() && default.is_none() => None,
        Some(parent) => Some(parents.iter().map(AsRef::as_ref).chain(default).any(|other| is_parent(parent, other))),
    };
    let region = region.map(str::to_owned);
    let around = ResourceIdentity { account: account_of(record), region, ..ResourceIdentity::default() };
    let is_certain = name_fits(kind, wanted, &around)?;
    match has_parent {
        Some(false) => None,
        None if kind.names.is_of_parent() => Some((MatchedBy::Name, false)),
        _ => Some((MatchedBy::Name, is_certain)),
    }
}

/// Tells whether a name that agrees is that of the candidate for certain. `None`: it is that of another account or
/// region.
fn name_fits(kind: &ResourceType, wanted: &ResourceCandidate, around: &ResourceIdentity) -> Option<bool> {
    let same = |a: &Option<String>, b: &Option<String>| Some(a.as_deref()? == b.as_deref()?);
    let account = same(&wanted.identity.account, &around.account);
    let region = same(&wanted.identity.region, &around.region);
    let region = if kind.is_regional() { region } else { Some(true) };
    let (account, region) = match kind.names {
        NameScope::Partition | NameScope::GlobalParent => return Some(true),
        NameScope::Account => (account, Some(true)),
        NameScope::Region | NameScope::Parent | NameScope::Shared | NameScope::None => (account, region),
    };
    if account == Some(false) || region == Some(false) {
        return None;
    }
    Some(account.is_some() && region.is_some() && kind.names != NameScope::Shared)
}

/// Tells whether a text names a parent: by its name, or as the last part of its ARN.
fn is_parent(parent: &str, text: &str) -> bool {
    text == parent || text.starts_with("arn:") && text.rsplit(['/', ':']).next() == Some(parent)
}

pub(super) fn account_of(record: &Record<'_>) -> Option<String> {
    record.recipient_account_id.as_deref().map(str::to_owned)
}

/// Returns what the list of resources says, which the service itself writes.
fn listed(
    record: &Record<'_>,
    kind: Option<&ResourceType>,
    call: Option<&ResourceCall>,
    readings: &[Reading<'_>],
    wanted: &ResourceCandidate,
) -> Option<Hit> {
    let arns = record.resources.iter().filter_map(|entry| entry.arn.as_deref());
    let Some(kind) = kind else {
        let arn = wanted.arn.as_deref()?;
        let is_it = |own: &str| own.strip_suffix(":*").unwrap_or(own) == arn;
        let found = arns.into_iter().any(is_it);
        return found.then(|| Hit { effect: unnamed(record), ..Hit::of_list(MatchedBy::Arn, true) });
    };
    let of_type: Vec<(&str, ResourceIdentity)> = arns.filter_map(|arn| Some((arn, parse(kind, arn)?))).collect();
    let region = record.aws_region.as_deref();
    let found = of_type.iter().find_map(|(arn, parsed)| of_parsed(record, region, kind, wanted, parsed, arn));
    let hit = match found {
        Some((matched_by, is_certain)) => Hit::of_list(matched_by, is_certain),
        None => prefixed(record, kind, wanted)?,
    };
    // Of several that the service lists, the call's effect is that of the one which it names itself.
    let is_other = of_type.len() > 1 && !readings.is_empty();
    let effect = call.filter(|_| !is_other).map_or_else(|| unnamed(record), |call| call.effect_here(record));
    Some(Hit { effect, ..hit })
}

impl Hit {
    fn of_list(matched_by: MatchedBy, is_certain: bool) -> Self {
        Self {
            place: "resources".to_owned(),
            effect: ResourceEffect::Unknown,
            matched_by,
            is_certain,
            other_name: None,
        }
    }
}

/// The effect of a call that the table does not have: one that only reads leaves the resource as it is.
pub(super) fn unnamed(record: &Record<'_>) -> ResourceEffect {
    if record.may_write() { ResourceEffect::Unknown } else { ResourceEffect::Use }
}

/// Tells whether the ARN of a candidate begins as the service says that those of the call begin.
fn prefixed(record: &Record<'_>, kind: &ResourceType, wanted: &ResourceCandidate) -> Option<Hit> {
    let prefixes = record.resources.iter().filter_map(|entry| entry.arn_prefix.as_deref());
    let begins = |prefix: &str| {
        let fields: Vec<&str> = prefix.splitn(6, ':').collect();
        let field = |at: usize| fields.get(at).map(|text| (*text).to_owned());
        let own = wanted.identity.clone();
        let whole = ResourceIdentity {
            partition: own.partition.or_else(|| field(1)),
            region: own.region.or_else(|| field(3)),
            account: own.account.or_else(|| field(4)),
            ..own
        };
        kind.forms.iter().filter_map(|form| form.write(&whole)).any(|arn| arn.starts_with(prefix))
    };
    let mut prefixes = prefixes.filter(|prefix| prefix.starts_with("arn:") && prefix.len() > "arn:".len());
    prefixes.any(begins).then(|| Hit::of_list(MatchedBy::Prefix, false))
}

/// Says that the call concerns the type, and that its record does not say which one.
fn withheld(record: &Record<'_>, call: &ResourceCall) -> Option<Hit> {
    let path = call.at.iter().find(|path| path.is_withheld(record))?;
    let (place, effect) = (path.to_string(), call.effect_of(record));
    Some(Hit { place, effect, matched_by: MatchedBy::Withheld, is_certain: false, other_name: None })
}
